"""Reading shapes in HDF5, version 1 of the Blue Brain format, as MorphIO reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import ExtraMissingError
from neurosim.morphology.errors import MorphologyError
from neurosim.morphology.geometry import depth_first
from neurosim.morphology.reconstruction.traces import SOMA, Outline, Trace, Traced

__all__ = ["read_hdf5"]

_FAMILIES = {1: "a glial cell", 2: "a dendritic spine"}
# Types beyond 4 are the file's own; MorphIO knows them to 19.
_MOST_KINDS = 19
# Points of a file; more are some mistake or attack.
_MOST_POINTS = 50_000_000


def read_hdf5(path: Path) -> Traced:
    """Return what a file holds: the cell body, sections, and what else.

    Raises
    ------
    MorphologyError
        The file is no such file, or holds no neuron; the message says the reason.
    ExtraMissingError
        The package that reads HDF5 is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise ExtraMissingError.needed_for(f"{path.name}: reading HDF5", "morphology") from None
    try:
        with h5py.File(path, "r") as file:
            return _read(path.name, file, h5py)
    except (OSError, RuntimeError, KeyError) as error:
        if isinstance(error, MorphologyError):
            raise
        raise MorphologyError(
            f"{path.name}: this is no whole HDF5 file: {str(error).splitlines()[0][:120]}"
        ) from None


def _read(name: str, file: Any, h5py: Any) -> Traced:
    def array(where: str, columns: int) -> np.ndarray:
        data = file.get(where)
        if not isinstance(data, h5py.Dataset) or data.ndim != 2 or data.shape[1] != columns:
            found = f"shape {data.shape}" if isinstance(data, h5py.Dataset) else "none"
            raise MorphologyError(
                f"{name}: {where!r} must be a table of {columns} columns; got {found}"
            )
        if data.shape[0] > _MOST_POINTS:
            raise MorphologyError(f"{name}: {where!r} has {data.shape[0]} rows, too many to read")
        if data.dtype.kind not in "fiu":
            raise MorphologyError(f"{name}: {where!r} must hold numbers; it holds {data.dtype}")
        return np.asarray(data[...], dtype=float)

    _check_kind(name, file, h5py)
    points, structure = array("points", 4), array("structure", 3)
    if not len(points) or not len(structure):
        raise MorphologyError(f"{name}: there is no cell body and no branch in the file")
    if not np.isfinite(structure).all() or np.any(structure != np.round(structure)):
        raise MorphologyError(f"{name}: 'structure' must hold whole numbers")
    first, kinds, parents = structure.astype(np.int64).T
    ends = np.append(first[1:], len(points))
    wrong = np.flatnonzero((first < 0) | (ends <= first) | (ends > len(points)))
    if len(wrong):
        k = int(wrong[0])
        raise MorphologyError(
            f"{name}, section {k}: it claims points {first[k]} to {ends[k] - 1}, and the file has "
            f"points 0 to {len(points) - 1}, in the order of their sections"
        )
    if len(strange := np.flatnonzero((kinds < 1) | (kinds > _MOST_KINDS))):
        k = int(strange[0])
        raise MorphologyError(
            f"{name}, section {k}: the type {kinds[k]} is none; types are 1 soma, 2 axon, 3 basal, "
            f"4 apical, and 5 to {_MOST_KINDS} of one's own"
        )
    bodies = np.flatnonzero(kinds == SOMA)
    if len(bodies) > 1:
        listed = ", ".join(map(str, bodies[:5].tolist()))
        raise MorphologyError(f"{name}: {len(bodies)} cell bodies (sections {listed}); one is read")
    rows = [slice(a, b) for a, b in zip(first.tolist(), ends.tolist(), strict=True)]
    outlines = [Outline(points[rows[k], :3], points[rows[k], 3], f"section {k}") for k in bodies]
    traces, gaps = _traces(name, points, rows, kinds, parents)
    return Traced(name, outlines, traces, [*_organelles(file, h5py), *gaps])


def _check_kind(name: str, file: Any, h5py: Any) -> None:
    """Refuse what is HDF5 but no neuron of version 1."""
    if isinstance(file.get("points"), h5py.Dataset) and "structure" in file:
        about = file.get("metadata")
        family = 0 if about is None else int(np.ravel(about.attrs.get("cell_family", 0))[0])
        version = [1] if about is None else np.ravel(about.attrs.get("version", 1)).tolist()
        if "connectivity" in file:
            raise MorphologyError(f"{name}: the file holds blood vessels, which no neuron is")
        if family:
            what = _FAMILIES.get(family, f"cells of the family {family}")
            raise MorphologyError(f"{name}: the file holds {what}; only neurons are read")
        if version[0] != 1:
            raise MorphologyError(f"{name}: version {version[0]} of the format; only 1 is read")
        return
    if "neuron1" in file:
        raise MorphologyError(
            f"{name}: version 2 of the format, which MorphIO reads no more either; convert it to "
            "version 1 (morph-tool convert)"
        )
    within = [key for key in file if isinstance(file[key], h5py.Group) and key not in ("metadata",)]
    if within:
        few = ", ".join(within[:5]) + (", ..." if len(within) > 5 else "")
        raise MorphologyError(
            f"{name}: no 'points' and 'structure' in the file itself; it holds the groups {few}. "
            "A container of several shapes is read one shape a file"
        )
    raise MorphologyError(
        f"{name}: no 'points' and 'structure' in the file, so that it is no shape of a neuron"
    )


def _traces(
    name: str, points: np.ndarray, rows: list[slice], kinds: np.ndarray, parents: np.ndarray
) -> tuple[list[Trace], list[str]]:
    """Return the sections, parents first, and what is odd about them."""
    above = []
    for k, parent in enumerate(parents.tolist()):
        if parent >= len(rows):
            raise MorphologyError(
                f"{name}, section {k}: its parent {parent} does not exist (0 to {len(rows) - 1})"
            )
        if kinds[k] == SOMA and parent >= 0:
            raise MorphologyError(f"{name}, section {k}: the cell body hangs on section {parent}")
        above.append(-1 if parent < 0 or kinds[parent] == SOMA else parent)
    order = [k for tree in depth_first(above) for k in tree]
    if len(order) < len(rows):
        lost = min(set(range(len(rows))) - set(order))
        raise MorphologyError(f"{name}, section {lost}: its parents form a loop")
    order = [k for k in order if kinds[k] != SOMA]
    number = {-1: -1} | {k: new for new, k in enumerate(order)}
    traces, gaps = [], []
    for k in order:
        table = points[rows[k]]
        if above[k] >= 0:
            last = points[rows[above[k]].stop - 1]
            if len(table) == 1:
                table = np.concatenate([[[*last[:3], table[0, 3]]], table])
            elif np.any(table[0, :3] != last[:3]):
                gaps.append(f"{k} ({np.linalg.norm(table[0, :3] - last[:3]):.3g} um)")
        parent = number[above[k]]
        traces.append(Trace(int(kinds[k]), table[:, :3], table[:, 3], parent, f"section {k}"))
    if not gaps:
        return traces, []
    few = ", ".join(gaps[:5]) + (", ..." if len(gaps) > 5 else "")
    return traces, [
        f"{len(gaps)} sections begin apart from the end of their parent, by the length said: "
        f"{few}; the gap carries no membrane, as in MorphIO"
    ]


def _organelles(file: Any, h5py: Any) -> list[str]:
    """Return what is said of parts inside the cell."""
    inside = file.get("organelles")
    found = list(inside) if isinstance(inside, h5py.Group) else []
    if "perimeters" in file and np.size(file["perimeters"]):
        found.append("perimeters")
    if not found:
        return []
    names = ", ".join(name.replace("_", " ") for name in found)
    return [f"left out, since they are no part of the membrane that is read: {names}"]
