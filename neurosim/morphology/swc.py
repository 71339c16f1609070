"""Reading reconstructions in SWC, the way NEURON's Import3d reads them.

A line is: number, type, x, y, z, radius, number of the parent. What a neuron cannot be is refused
with its line; what was read but should be known is said in a `MorphologyWarning`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import numpy as np
from brian2.units import Quantity, um

from neurosim.errors import ParameterError
from neurosim.morphology.errors import MorphologyError, MorphologyWarning
from neurosim.morphology.shape import Morphology
from neurosim.morphology.swc_sections import sections_of
from neurosim.morphology.swc_table import _TAGS, Table
from neurosim.quantities import check_quantity

__all__ = ["read_swc", "read_swc_forest"]


def read_swc(
    path: str | PathLike[str],
    *,
    tree: int | None = None,
    unit: Quantity = 1 * um,
    soma_diameter: Quantity | None = None,
    least_diameter: Quantity | None = None,
    tags: Mapping[int, str] | None = None,
) -> Morphology:
    """Read one neuron from an SWC file.

    Parameters
    ----------
    path : path
        The file.
    tree : int, optional
        Which tree, counted from 0, of a file that holds several.
    unit : Quantity
        Length that a 1 in the file means.
    soma_diameter : Quantity, optional
        Diameter of a one-point soma, in place of the file's; needed where the file says 0.
    least_diameter : Quantity, optional
        Diameter given to thinner points of axon and dendrites; needed where the file says 0.
    tags : mapping of int to str, optional
        Tags of types beyond 0 undefined, 1 soma, 2 axon, 3 basal, 4 apical (default ``custom5``,
        ``custom6``, ...).

    Returns
    -------
    Morphology
        Branches are called by tag and number: ``soma``, ``basal[0]``, ``apical[12]``.

    Raises
    ------
    MorphologyError
        The file is no neuron; the message says the line and the reason.

    Warns
    -----
    MorphologyWarning
        The unit looks wrong, or the soma had to be interpreted.

    Notes
    -----
    A one-point soma, and a three-point soma of NeuroMorpho.Org, become a cylinder as long as thick,
    which has the membrane area of the sphere. A chain of soma points is a chain of frusta; an
    outline (a chain of thin points that closes) becomes frusta along its major axis. Axon and
    dendrites attach to the middle of a sphere, or of a chain where they leave it between its ends,
    and begin at their own first point; the gap to the centre carries neither membrane nor
    resistance. At an end of a chain they begin at that end, with their own diameter.

    References
    ----------
    Cannon et al. (1998), J Neurosci Methods 84:49 (SWC). NeuroMorpho.Org, "Standardized 3-point
    soma representation". NEURON 9, ``import3d/read_swc.hoc``.
    """
    table = _parse(Path(path), unit, least_diameter, soma_diameter)
    forest = _trees(table)
    if tree is None and len(forest) > 1:
        roots = ", ".join(f"{rows[0]} ({len(rows)} points)" for rows in _lines(table, forest))
        raise MorphologyError(
            f"{table.file}: {len(forest)} trees, with roots on lines {roots}; choose one with "
            f"read_swc(..., tree=0) or take all with read_swc_forest"
        )
    chosen = 0 if tree is None else tree
    if not 0 <= chosen < len(forest):
        raise ParameterError(f"{table.file}: tree must lie between 0 and {len(forest) - 1}")
    return _build(table.take(forest[chosen]), soma_diameter, tags)


def read_swc_forest(
    path: str | PathLike[str],
    *,
    unit: Quantity = 1 * um,
    soma_diameter: Quantity | None = None,
    least_diameter: Quantity | None = None,
    tags: Mapping[int, str] | None = None,
) -> tuple[Morphology, ...]:
    """Read every tree of an SWC file, in the order of their roots; see `read_swc`."""
    table = _parse(Path(path), unit, least_diameter, soma_diameter)
    return tuple(_build(table.take(rows), soma_diameter, tags) for rows in _trees(table))


def _parse(
    path: Path, unit: Quantity, least_diameter: Quantity | None, soma_diameter: Quantity | None
) -> Table:
    scale = float(check_quantity(unit, 1 * um, "read_swc: unit", above=0 * um))
    file = path.name
    content = path.read_bytes()
    if b"\0" in content:
        raise MorphologyError(f"{file} is a binary file, not SWC (a text of seven columns)")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    rows, lines, extra = [], [], 0
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        words = line.split("#")[0].replace(",", " ").split()
        if not words:
            _check_scale(line, file, number)
            continue
        if len(words) < 7:
            raise MorphologyError(
                f"{file}, line {number}: seven columns are needed (number, type, x, y, z, radius, "
                f"parent); got {line.strip()[:60]!r}"
            )
        try:
            values = [float(word) for word in words[:7]]
        except ValueError:
            raise MorphologyError(
                f"{file}, line {number}: seven numbers are needed; got {line.strip()[:60]!r}"
            ) from None
        if not np.all(np.isfinite(values)):
            raise MorphologyError(f"{file}, line {number}: a value is not finite")
        for k, name in ((0, "number"), (1, "type"), (6, "parent")):
            if values[k] != int(values[k]):
                raise MorphologyError(
                    f"{file}, line {number}: the {name} must be whole; got {words[k]}"
                )
        extra = extra or (number if len(words) > 7 else 0)
        rows.append(values)
        lines.append(number)
    if not rows:
        raise MorphologyError(f"{file}: no points in the file")
    if extra:
        _warn(f"{file}, line {extra}: columns after the seventh are not read")
    data = np.array(rows)
    table = _linked(file, np.array(lines), data, scale)
    _check_unit(table, data, unit)
    return _with_radii(table, least_diameter, soma_diameter)


def _linked(file: str, line: np.ndarray, data: np.ndarray, scale: float) -> Table:
    """Replace numbers of parents by their rows."""
    number, parent = data[:, 0].astype(int), data[:, 6].astype(int)
    row_of: dict[int, int] = {}
    for row, this in enumerate(number.tolist()):
        if this in row_of:
            raise MorphologyError(
                f"{file}, line {line[row]}: number {this} was already given on line "
                f"{line[row_of[this]]}"
            )
        row_of[this] = row
    above = np.full(len(number), -1)
    for row, its in enumerate(parent.tolist()):
        if its < 0:
            continue
        if its not in row_of:
            raise MorphologyError(
                f"{file}, line {line[row]}: parent {its} does not exist (a root has parent -1)"
            )
        above[row] = row_of[its]
    return Table(
        file, line, number, data[:, 1].astype(int), data[:, 2:5] * scale, data[:, 5] * scale, above
    )


def _with_radii(
    table: Table, least_diameter: Quantity | None, soma_diameter: Quantity | None
) -> Table:
    radii = table.radii.copy()
    soma = table.kind == 1
    if least_diameter is not None:
        least = float(check_quantity(least_diameter, 1 * um, "least_diameter", above=0 * um))
        radii[~soma] = np.where(radii[~soma] < 0, radii[~soma], np.maximum(radii[~soma], least / 2))
    single = soma.sum() == 1
    if soma_diameter is not None:
        wide = float(check_quantity(soma_diameter, 20 * um, "soma_diameter", above=0 * um))
        if not single:
            raise ParameterError(
                f"{table.file}: soma_diameter is for a one-point soma; the file has "
                f"{soma.sum()} soma points"
            )
        radii[soma] = wide / 2
    # Points of an outline need no radius; whether it is one is seen when the soma is read.
    perhaps_outline = soma & (soma.sum() >= 5) & (radii == 0)
    bad = np.flatnonzero(~(radii > 0) & ~perhaps_outline)
    if len(bad):
        row = int(bad[0])
        advice = ""
        if soma[row] and single:
            advice = "; give the soma's diameter as read_swc(..., soma_diameter=20*um)"
        elif not soma[row] and radii[row] == 0:
            advice = "; give the thinnest diameter as read_swc(..., least_diameter=0.1*um)"
        what = "soma radius" if soma[row] else "radius"
        raise table.fail(row, f"{what} is {radii[row] * 1e6:g}; it must be greater than 0{advice}")
    return Table(
        table.file, table.line, table.number, table.kind, table.points, radii, table.parent
    )


def _trees(table: Table) -> list[np.ndarray]:
    """Return the rows of each tree, parents before children, and refuse loops."""
    children: list[list[int]] = [[] for _ in table.line]
    roots: list[int] = []
    for row, parent in enumerate(table.parent.tolist()):
        (roots if parent < 0 else children[parent]).append(row)
    forest, seen = [], 0
    for root in roots:
        rows, waiting = [], [root]
        while waiting:
            row = waiting.pop()
            rows.append(row)
            waiting.extend(reversed(children[row]))
        forest.append(np.array(rows))
        seen += len(rows)
    if seen < len(table.line):
        reached = np.zeros(len(table.line), dtype=bool)
        for tree in forest:
            reached[tree] = True
        row = int(np.flatnonzero(~reached)[0])
        raise table.fail(
            row, f"point {table.number[row]} never reaches a root: its parents form a loop"
        )
    return forest


def _lines(table: Table, forest: list[np.ndarray]) -> list[list[int]]:
    return [table.line[rows].tolist() for rows in forest]


def _build(
    table: Table, soma_diameter: Quantity | None, tags: Mapping[int, str] | None
) -> Morphology:
    names = {**_TAGS, **(dict(tags) if tags else {})}
    found = sections_of(table, _warn)
    labels = [names.get(kind, f"custom{kind}") for kind in found.kinds]
    many = {label: labels.count(label) for label in set(labels)}
    taken: dict[str, int] = {}
    called = []
    for label in labels:
        number = taken.get(label, 0)
        taken[label] = number + 1
        called.append(label if label == "soma" and many[label] == 1 else f"{label}[{number}]")
    return Morphology(
        points_m=np.concatenate(found.points),
        diameters_m=2 * np.concatenate(found.radii),
        offsets=np.cumsum([0, *(len(r) for r in found.radii)]),
        parents=np.array(found.parents),
        attach=np.array(found.attach),
        names=tuple(called),
        tags=tuple(labels),
    )


def _warn(message: str) -> None:
    warnings.warn(message, MorphologyWarning, stacklevel=4)


def _check_scale(line: str, file: str, number: int) -> None:
    said = re.match(r"\s*#\s*SCALE\s+(\S+)\s+(\S+)\s+(\S+)", line, re.IGNORECASE)
    if not said:
        return
    try:
        scale = [float(word) for word in said.groups()]
    except ValueError:
        return
    if scale != [1, 1, 1]:
        _warn(f"{file}, line {number}: the file states a scale of {scale}; it is not applied")


def _check_unit(table: Table, data: np.ndarray, unit: Quantity) -> None:
    """Warn where lengths are not those of a neuron in micrometres."""
    extent = float(np.ptp(table.points, axis=0).max())
    thick = 2 * float(np.median(table.radii))
    if thick > 200e-6 or extent > 0.1:
        _warn(
            f"{table.file}: {extent * 1e3:.3g} mm across and {thick * 1e6:.3g} um thick (median); "
            "if the file is in nanometres read it with unit=1*nmeter"
        )
    whole = data[:, 2:6] == np.round(data[:, 2:6])
    if len(data) >= 50 and whole.all() and (data[:, 2:5].min() >= 0):
        _warn(
            f"{table.file}: all positions and radii are whole numbers and none is negative, as in "
            "voxels; if so, scale the file to micrometres before reading it"
        )
    if len(data) >= 100 and extent < 5e-6:
        _warn(
            f"{table.file}: only {extent * 1e6:.3g} um across; if the file is in millimetres read "
            "it with unit=1*mmeter"
        )
