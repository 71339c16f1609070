"""A chunk, or the whole of a sweep, as a Zarr group (format 3), written as the files that it is.

Each array is one block of little-endian numbers, uncompressed: the bytes follow from the numbers
alone, whatever version of Zarr is installed, and a chunk costs a millisecond. Zarr and xarray read
it as any other group. Importing Zarr instead takes the processor time of ten thousand short runs.

References
----------
Zarr core specification, version 3; its extensions ``string`` (data type) and ``vlen-utf8`` (codec).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray

__all__ = ["read_group", "write_dataset", "write_group"]

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
        _write_array(folder / name, values, ("row",), {})
    about = {"zarr_format": 3, "node_type": "group", "attributes": dict(told)}
    _write_json(folder / _ABOUT, about)


def write_dataset(folder: Path, dataset: xarray.Dataset) -> None:
    """Write a dataset of numbers and labels into a folder that is not there.

    `xarray.open_zarr` gives it back; coordinates that are no dimension are named in the attribute
    ``coordinates`` of the group, as the conventions CF say.

    Examples
    --------
    >>> import tempfile, xarray
    >>> place = Path(tempfile.mkdtemp()) / "whole.zarr"
    >>> rates = xarray.Dataset({"rate": ("cell", [1.0, 2.0])}, {"cell": ["a", "b"]})
    >>> write_dataset(place, rates)
    >>> bool(xarray.open_zarr(place, consolidated=False).identical(rates))
    True
    """
    folder.mkdir()
    for name, variable in dataset.variables.items():
        dimensions = tuple(str(one) for one in variable.dims)
        _write_array(folder / str(name), variable.values, dimensions, variable.attrs)
    beside = [str(name) for name in dataset.coords if name not in dataset.dims]
    more = {"coordinates": " ".join(beside)} if beside else {}
    about = {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {**dataset.attrs, **more},
    }
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


def _write_array(
    folder: Path, values: np.ndarray, dimensions: tuple[str, ...], told: Mapping[str, Any]
) -> None:
    """Write an array as one block."""
    texts = values.dtype.kind in "OU"
    block: Any
    if texts:
        block = _texts(values)
    else:
        block = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).data
    place = folder.joinpath("c", *["0"] * values.ndim)
    os.makedirs(place.parent)
    place.write_bytes(block)
    codec = {"name": "bytes", "configuration": {"endian": "little"}}
    _write_json(
        folder / _ABOUT,
        {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(values.shape),
            "data_type": "string" if texts else values.dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(values.shape)}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": "" if texts else 0,
            "codecs": [{"name": "vlen-utf8", "configuration": {}} if texts else codec],
            "attributes": dict(told),
            "dimension_names": list(dimensions),
        },
    )


def _texts(values: np.ndarray) -> bytes:
    """Return texts as ``vlen-utf8`` has them: their number, then of each its length and bytes."""
    encoded = [str(text).encode() for text in values.ravel()]
    parts = [len(encoded).to_bytes(4, "little")]
    for one in encoded:
        parts += [len(one).to_bytes(4, "little"), one]
    return b"".join(parts)


def _write_json(path: Path, value: Any) -> None:
    # Without line breaks, which only the slow encoder of Python makes.
    path.write_text(json.dumps(value), encoding="utf-8")
