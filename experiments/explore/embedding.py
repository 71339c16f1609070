"""Numbers and words from Python as text that may stand inside a page."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

__all__ = ["packed", "safe_json"]

# Inside a script these could end it, or begin something else. JSON knows them by number as well.
_UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&'\u2028\u2029"}


def safe_json(values: Any) -> str:
    """Return values as JSON that can stand between the tags of a script, whatever they say.

    Parameters
    ----------
    values : dict, list, str, number, bool or None
        Plain values; numbers that are not finite are refused.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        A number is infinite or missing, which JSON cannot say.

    Examples
    --------
    >>> print(safe_json({"name": "</script><b>"}))
    {"name":"\\u003c/script\\u003e\\u003cb\\u003e"}
    """
    told = json.dumps(values, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return told.translate(_UNSAFE)


def packed(values: Any, kind: str = "f8") -> dict[str, Any]:
    """Return an array as text without loss: its bytes in base 64, row by row.

    Parameters
    ----------
    values : array_like
    kind : {"f8", "f4", "i4", "u1"}
        How each number is kept, low byte first. A number that this kind cannot hold is refused.

    Returns
    -------
    dict
        ``kind``, ``shape`` and ``data``.

    Raises
    ------
    ValueError
        A number would change.

    Examples
    --------
    >>> packed([[1.0, 2.0]], "u1")
    {'kind': 'u1', 'shape': [1, 2], 'data': 'AQI='}
    """
    given = np.asarray(values)
    kept = given.astype("<" + kind)
    if not np.array_equal(kept, given):
        raise ValueError(f"the numbers do not fit into {kind}: they would change")
    told = base64.b64encode(np.ascontiguousarray(kept).tobytes()).decode("ascii")
    return {"kind": kind, "shape": list(kept.shape), "data": told}
