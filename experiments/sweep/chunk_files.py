"""One chunk as a Zarr group (format 3), written and read as the few files that it is.

Each array is one block of little-endian numbers, uncompressed: the bytes follow from the numbers
alone, whatever version of Zarr is installed, and a chunk costs a millisecond. Zarr and xarray read
it as any other group.

References
----------
Zarr core specification, version 3.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["read_group", "write_group"]

_ABOUT = "zarr.json"
_TYPES = ("float64", "int64", "uint64")


def write_group(folder: Path, arrays: Mapping[str, np.ndarray], told: Mapping[str, Any]) -> None:
    """Write flat arrays of numbers, and attributes, as a group into a folder that is not there.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "chunk"
    >>> write_group(place, {"count": np.array([1.0, 2.0])}, {"made": "by hand"})
    >>> read_group(place)
    ({'count': array([1., 2.])}, {'made': 'by hand'})
    """
    folder.mkdir()
    for name, values in arrays.items():
        blocks = folder / name / "c"
        os.mkdir(folder / name)
        os.mkdir(blocks)
        little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        (blocks / "0").write_bytes(little.data)
        _write_json(folder / name / _ABOUT, _about_array(values))
    about = {"zarr_format": 3, "node_type": "group", "attributes": dict(told)}
    _write_json(folder / _ABOUT, about)


def read_group(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return arrays and attributes of a group that `write_group` wrote.

    Raises
    ------
    OSError, ValueError, KeyError
        A file is absent, or is not what was written.
    """
    attributes: dict[str, Any] = json.loads((folder / _ABOUT).read_text("utf-8"))["attributes"]
    arrays = {}
    for place in sorted(folder.glob(f"*/{_ABOUT}")):
        about = json.loads(place.read_text("utf-8"))
        if about["data_type"] not in _TYPES:
            raise ValueError(f"{place} has the type {about['data_type']!r}")
        dtype = np.dtype(about["data_type"]).newbyteorder("<")
        block = np.frombuffer((place.parent / "c" / "0").read_bytes(), dtype)
        arrays[place.parent.name] = block.reshape(about["shape"]).astype(dtype.newbyteorder("="))
    return arrays, attributes


def _about_array(values: np.ndarray) -> dict[str, Any]:
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(values.shape),
        "data_type": values.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(values.shape)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "attributes": {},
        "dimension_names": ["row"],
    }


def _write_json(path: Path, value: Any) -> None:
    # Without line breaks, which only the slow encoder of Python makes.
    path.write_text(json.dumps(value), encoding="utf-8")
