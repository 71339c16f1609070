"""The numbers of all chunks as one `xarray.Dataset`, in the shape of the grid."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from experiments.sweep.chunk_store import ChunkStore, need_xarray
from experiments.sweep.rows.chunk_plan import Chunk, Plan
from experiments.sweep.rows.grids import Grid
from experiments.sweep.workers.compute import Task, row_seeds

if TYPE_CHECKING:
    import xarray

__all__ = ["assemble"]


class _Known(Protocol):
    @property
    def task(self) -> Task: ...
    @property
    def grid(self) -> Grid: ...
    @property
    def identity(self) -> dict[str, Any]: ...
    @property
    def engine(self) -> tuple[str, dict[str, Any]]: ...
    def digest(self, chunk: Chunk) -> str: ...


def assemble(store: ChunkStore, plan: Plan, prepared: _Known) -> tuple[xarray.Dataset, list[Chunk]]:
    """Return what is in the store of the grid that is asked for, and which chunks are damaged.

    Rows that are not there are nan.
    """
    xarray = need_xarray()
    grid, task = prepared.grid, prepared.task
    rows = len(plan.hashes)
    values = {name: np.full(rows, np.nan) for name in task.outputs}
    failures: list[dict[str, Any]] = []
    damaged = []
    for chunk in plan.chunks:
        digest = prepared.digest(chunk)
        if not store.has(digest):
            continue
        found = store.get(digest)
        if found is None or not np.array_equal(found[0], chunk.hashes):
            damaged.append(chunk)
            continue
        places = chunk.places
        wanted = places >= 0
        for name in values:
            values[name][places[wanted]] = found[1].values[name][wanted]
        failures += [
            {"row": int(places[one.row]), "why": one.why}
            for one in found[1].failures
            if wanted[one.row]
        ]
    columns = grid.columns(grid.selected)
    for failure in failures:
        failure["at"] = {name: column[failure["row"]].item() for name, column in columns.items()}
    failures.sort(key=lambda one: one["row"])
    told = {
        "description": json.dumps(prepared.identity["description"]),
        "measures": json.dumps(prepared.identity["measures"]),
        "sweep_seed": prepared.identity["seed"],
        "engine": json.dumps(prepared.engine[1]),
        "failures": json.dumps(failures),
        "grid": json.dumps(
            {
                "kind": grid.kind,
                "rows": grid.rows,
                "varied": [
                    axis.name for axis in grid.axes if axis.values is None or len(axis.values) > 1
                ],
            }
        ),
    }
    content = {**values, "seed": row_seeds(columns, plan.hashes)}
    units = {**task.outputs, "seed": ""}
    if "seed" in columns:
        # It is an axis, which is there as a coordinate.
        del content["seed"]
    if grid.kind == "product":
        return _shaped(xarray, grid, content, units, told), damaged
    coordinates = {
        axis.name: _variable(xarray, ["row"], columns[axis.name], axis.unit_name)
        for axis in grid.axes
    }
    arrays = {
        name: _variable(xarray, ["row"], array, units[name]) for name, array in content.items()
    }
    row = {"row": _index(xarray, "row", grid.selected, "")}
    return xarray.Dataset(arrays, {**row, **coordinates}, told), damaged


def _shaped(
    xarray: Any,
    grid: Grid,
    content: dict[str, np.ndarray],
    units: dict[str, str],
    told: dict[str, Any],
) -> Any:
    """Return the numbers of a product, one dimension an axis."""
    names = [axis.name for axis in grid.axes]
    arrays = {}
    for name, array in content.items():
        missing: Any = np.nan if array.dtype.kind == "f" else -1
        whole = np.full(grid.rows, missing, dtype=array.dtype)
        whole[grid.selected] = array
        arrays[name] = _variable(xarray, names, whole.reshape(grid.shape), units[name])
    coordinates = {
        axis.name: _index(xarray, axis.name, axis.values, axis.unit_name) for axis in grid.axes
    }
    return xarray.Dataset(arrays, coordinates, told)


# Arrays that xarray need not look at: to see that one is none of Dask's it would import Dask.
def _variable(xarray: Any, dimensions: list[str], values: np.ndarray, unit: str) -> Any:
    return xarray.Variable(dimensions, _storable(values), _units(unit), fastpath=True)


def _index(xarray: Any, name: str, values: Any, unit: str) -> Any:
    import pandas

    stored = _storable(values)
    # Said, because pandas makes a type of its own of labels.
    index = pandas.Index(stored, dtype=stored.dtype)
    return xarray.IndexVariable([name], index, _units(unit), fastpath=True)


def _storable(values: Any) -> Any:
    """Return labels as texts of any length, which Zarr has a type for."""
    return values.astype(object) if values.dtype.kind == "U" else values


def _units(name: str) -> dict[str, str]:
    return {"units": name} if name else {}
