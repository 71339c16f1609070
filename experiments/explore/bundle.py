"""Programs of neurons and their inputs as one compressed text, in which what repeats is said once.

Two programs share most of their code, but a browser inflates ``deflate-raw``, whose window of 32 kB
does not reach from one to the other. So repeats that lie far apart are taken out first: the text
says from where each was copied, and `kernel_worker.js` copies it.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.explore.kernel.package import KernelPackage

__all__ = ["bundle_of", "bundled"]

# A repeat is looked for by so many bytes; those that begin at a multiple of the step are known.
_KEY, _STEP = 16, 8
_LEAST = 24


def bundle_of(packages: Mapping[str, KernelPackage]) -> dict[str, Any]:
    """Return neurons that a page can run, as its worker opens them.

    Parameters
    ----------
    packages : mapping of str to KernelPackage
        By the name under which the page asks for them.
    """
    files = {f"{name}.wasm": package.wasm for name, package in packages.items()}
    for name, package in packages.items():
        told = {key: value for key, value in package.to_json().items() if key != "inputs"}
        files[f"{name}.json"] = json.dumps(told, separators=(",", ":")).encode("utf-8")
    for name, package in packages.items():
        files |= {f"{name}/{file}": content for file, content in package.inputs.items()}
    return bundled(files)


def bundled(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return files as one compressed text.

    Parameters
    ----------
    files : mapping of str to bytes

    Returns
    -------
    dict
        ``files``: names and lengths, in order. ``data``: in base 64 and deflated, three columns of
        so many ``copies`` whole numbers, and the bytes that are no copies. A row of the columns:
        how many of these bytes come next; how many bytes are then copied; and from where, counted
        from the end of the last copy and the bytes since then. The last row copies nothing.

    Examples
    --------
    >>> told = bundled({"a": bytes(range(200)), "b": bytes(range(200))})
    >>> told["files"], told["copies"]
    ([['a', 200], ['b', 200]], 2)
    """
    rows, rest = _without_repeats(b"".join(files.values()))
    columns = np.array(rows, dtype="<i4").reshape(-1, 3).T.tobytes()
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    small = deflate.compress(columns + rest) + deflate.flush()
    return {
        "files": [[name, len(content)] for name, content in files.items()],
        "copies": len(rows),
        "data": base64.b64encode(small).decode("ascii"),
    }


def _without_repeats(data: bytes) -> tuple[list[tuple[int, int, int]], bytes]:
    """Return the copies as rows of `bundled`, and the bytes that are none."""
    known: dict[bytes, int] = {}
    rows, rest = [], bytearray()
    at = told = indexed = last = 0
    while at + _KEY <= len(data):
        source = known.get(data[at : at + _KEY])
        begin = end = at
        if source is not None:
            # Further back it would have been found before.
            back = _common_before(data, source, at, min(at - told, 2 * _STEP))
            begin, source = at - back, source - back
            end = begin + _common(data, source, begin)
        if source is None or end - begin < _LEAST:
            at += 1
        else:
            rows.append((begin - told, end - begin, source - last - (begin - told)))
            rest += data[told:begin]
            at = told = end
            last = source + end - begin
        while indexed + _KEY <= at:
            known.setdefault(data[indexed : indexed + _KEY], indexed)
            indexed += _STEP
    rows.append((len(data) - told, 0, 0))
    return rows, bytes(rest + data[told:])


def _common(data: bytes, source: int, at: int) -> int:
    """Return how many bytes are equal from two places on, the first of them before the second."""
    most, found, piece = min(at - source, len(data) - at), 0, 256
    while piece:
        here, there = source + found, at + found
        if found + piece <= most and data[here : here + piece] == data[there : there + piece]:
            found += piece
        else:
            piece //= 2
    return found


def _common_before(data: bytes, source: int, at: int, most: int) -> int:
    """Return how many bytes before two places are equal."""
    found = 0
    while found < min(most, source) and data[source - found - 1] == data[at - found - 1]:
        found += 1
    return found
