"""The rows of an SWC file as arrays: read, linked to their parents, and checked."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from brian2.units import Quantity, um

from neurosim.errors import ParameterError
from neurosim.morphology.errors import MorphologyError, MorphologyWarning
from neurosim.quantities import check_quantity

__all__ = ["Table", "check_unit", "read_table", "rooted_at_soma", "warn"]


@dataclass(frozen=True)
class Table:
    """The points of a file, in its order.

    Attributes
    ----------
    file : str
        Name used in messages.
    line : ndarray of int, shape (n,)
        Line of each point, from 1.
    number, kind, parent : ndarray of int, shape (n,)
        Number and type of each point, and row (not number) of its parent; -1 for a root.
    points, radii : ndarray, shapes (n, 3) and (n,)
        In metre.
    """

    file: str
    line: np.ndarray
    number: np.ndarray
    kind: np.ndarray
    points: np.ndarray
    radii: np.ndarray
    parent: np.ndarray

    def fail(self, row: int, reason: str) -> MorphologyError:
        """Return the error that says where and why."""
        return MorphologyError(f"{self.file}, line {self.line[row]}: {reason}")

    def take(self, rows: np.ndarray) -> Table:
        """Return some of the points; their parents must be among them."""
        new = np.full(len(self.line) + 1, -1)
        new[rows] = np.arange(len(rows))
        fields = ("line", "number", "kind", "points", "radii", "parent")
        some = {name: getattr(self, name)[rows] for name in fields}
        return replace(self, **some | {"parent": new[some["parent"]]})


def read_table(
    path: Path,
    unit: Quantity | None,
    least_diameter: Quantity | None,
    soma_diameter: Quantity | None,
) -> Table:
    """Read a file and check each line; see `neurosim.morphology.swc.read_swc`."""
    meant = 1 * um if unit is None else unit
    scale = float(check_quantity(meant, 1 * um, "read_swc: unit", above=0 * um))
    file = path.name
    if path.is_dir():
        raise MorphologyError(f"{path} is a folder; give the path of a file in it")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MorphologyError(f"{path}: the file cannot be read: {error.strerror}") from error
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
            if unit is None:
                _check_stated_unit(line, file, number)
            continue
        _check_decimals(line, file, number)
        if len(words) < 7:
            raise MorphologyError(
                f"{file}, line {number}: seven columns are needed (number, type, x, y, z, radius, "
                f"parent); got {line.strip()[:60]!r}"
            )
        try:
            # Python's `float` also takes "1_00", which no writer of SWC means as 100.
            values = [float(word.replace("_", "?")) for word in words[:7]]
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
        warn(f"{file}, line {extra}: columns after the seventh are not read")
    data = np.array(rows)
    below = np.flatnonzero(data[:, 1] < 0)
    if len(below):
        warn(
            f"{file}, line {lines[below[0]]}: the type {data[below[0], 1]:g} is negative, which "
            f"SWC does not define; its branches are tagged custom{data[below[0], 1]:g}"
        )
    table = _linked(file, np.array(lines), data, scale)
    if unit is None:
        check_unit(
            file,
            table.points,
            table.radii,
            table.kind == 1,
            data[:, 2:6],
            thickened=least_diameter is not None,
        )
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
            advice = "; give the soma's diameter: soma_diameter=20*um (--soma-diameter 20um)"
        elif not soma[row] and radii[row] == 0:
            advice = "; give the thinnest diameter: least_diameter=0.1*um (--least-diameter 0.1um)"
        what = "soma radius" if soma[row] else "radius"
        raise table.fail(row, f"{what} is {radii[row] * 1e6:g}; it must be greater than 0{advice}")
    return replace(table, radii=radii)


def _check_decimals(line: str, file: str, number: int) -> None:
    """Refuse decimal commas, which would be read as the borders of columns."""
    columns = re.split(r"[;\s]+", line.split("#")[0].strip())
    found = [word for word in columns[:7] if re.fullmatch(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?", word)]
    if len(columns) >= 7 and found:
        raise MorphologyError(
            f"{file}, line {number}: {found[0]!r} has a decimal comma; write decimal points "
            f"({found[0].replace(',', '.')})"
        )


_SCALE = re.compile(
    r"\s*#\s*(SCALE|(?:VOXEL|PIXEL)[_ ]?(?:SIZE|SCALE))\s*[:=]?\s*((?:[-+.\deE]+[\s,]*){1,3})",
    re.IGNORECASE,
)
_COUNTED = {"pixel", "pixels", "px", "voxel", "voxels"}
# What a comment may call a unit, and how it is given to `read_swc`.
_OTHER_UNITS = {
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), "1*nmeter"),
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres"), "1*mmeter"),
}
# "unit: nm", "Units: 8nm voxels", "coordinates are in pixels": what follows at once.
_STATED_UNIT = re.compile(
    r"(?:\bunits?(?:\s*[:=]\s*|\s+)(?:(?:is|are)\s+)?(?:in\s+)?|"
    r"\b(?:coordinates|positions|values|lengths)\s+(?:(?:is|are|given|stored)\s+)*in\s+)"
    r"((?:[\d.]+\s*)?[^\W\d_]+(?:\s+(?:pixels?|px|voxels?))?)",
    re.IGNORECASE,
)
_MICROMETRES = {
    *("um", "\N{MICRO SIGN}m", "\N{GREEK SMALL LETTER MU}m", "micron", "microns"),
    *("micrometer", "micrometers", "micrometre", "micrometres"),
}


def _check_scale(line: str, file: str, number: int) -> None:
    said = _SCALE.match(line)
    if not said:
        return
    try:
        scale = [float(word) for word in said[2].replace(",", " ").split()]
    except ValueError:
        return
    if scale != [1] * len(scale):
        what = "scale" if said[1].lower() == "scale" else "size of a voxel"
        warn(f"{file}, line {number}: the file states a {what} of {scale}; it is not applied")


def _check_stated_unit(line: str, file: str, number: int) -> None:
    """Ask for the unit where a comment says that it is another one than the micrometre."""
    stated = _STATED_UNIT.search(line)
    if not stated:
        return
    words = re.findall(r"[^\W\d_]+", stated[1].lower())
    if any(word in _MICROMETRES for word in words):
        return
    if counted := [word for word in words if word in _COUNTED]:
        raise MorphologyError(
            f"{file}, line {number}: a comment says that the numbers count {counted[0]}; say how "
            "large one is, such as unit=0.1*um (--unit 0.1um), or unit=1*um (--unit 1um) if the "
            "numbers are micrometres"
        )
    if told := [word for word in words if word in _OTHER_UNITS]:
        advice = _OTHER_UNITS[told[0]]
        raise MorphologyError(
            f"{file}, line {number}: a comment speaks of {told[0]!r}; if that is the unit, say so, "
            f"unit={advice} (--unit {advice.replace('*', '')}), or unit=1*um (--unit 1um) if the "
            "numbers are micrometres"
        )


# Beyond these no neuron has been traced: dendrites and vertebrate axons are at most 20 um thick,
# and the longest axons traced through a whole brain are some centimetres across.
_THICKEST_M = 25e-6
_WIDEST_M = 25e-3
_SMALLEST_M = 5e-6
# Large motoneurons and the Mauthner cell stay below this; cells of some molluscs do not.
_LARGEST_SOMA_M = 120e-6
# Anatomical surveys find no axon below 0.08 um, and the molecules of one need 0.06 um (Faisal,
# White & Laughlin 2005, Curr Biol 15:1143). This leaves a factor of three.
_THINNEST_M = 0.02e-6


def check_unit(
    file: str,
    points: np.ndarray,
    radii: np.ndarray,
    soma: np.ndarray,
    numbers: np.ndarray,
    *,
    thickened: bool,
) -> None:
    """Ask for the unit where lengths cannot be those of a neuron in micrometres.

    Parameters
    ----------
    file : str
        Name used in messages.
    points, radii : ndarray, shapes (n, 3) and (n,)
        In metre.
    soma : ndarray of bool, shape (n,)
        Which of them belong to the soma.
    numbers : ndarray, shape (m, 4)
        The numbers of the file, of outlines none: positions, and radii or diameters.
    thickened : bool
        Whether diameters that stand for unknown ones were replaced; they are not thin then.
    """
    extent = float(np.ptp(points, axis=0).max())
    thin = radii[~soma]
    thick = 2 * float(np.median(thin)) if len(thin) else 0.0
    size = f"{file} is {extent * 1e3:.3g} mm across and {thick * 1e6:.3g} um thick (median)"
    again = "if these lengths are right in micrometres: unit=1*um (--unit 1um)"
    if len(numbers) >= 10 and (thick > _THICKEST_M or extent > _WIDEST_M):
        raise MorphologyError(
            f"{size}: too large for a neuron in micrometres, so the file's unit must be given. In "
            f"nanometres: unit=1*nmeter (--unit 1nmeter); in voxels of 0.1 um: unit=0.1*um "
            f"(--unit 0.1um; the size of a voxel stands with the image); {again}"
        )
    too_thin = 0 < thick < _THINNEST_M and not thickened
    if (len(numbers) >= 10 and too_thin) or (len(numbers) >= 100 and extent < _SMALLEST_M):
        raise MorphologyError(
            f"{size}: too small for a neuron in micrometres, so the file's unit must be given. In "
            f"millimetres: unit=1*mmeter (--unit 1mmeter); {again}; if the diameters only stand "
            "for unknown ones: least_diameter=0.2*um (--least-diameter 0.2um)"
        )
    widest = 2 * float(radii[soma].max(initial=0.0))
    if len(numbers) >= 10 and widest > _LARGEST_SOMA_M:
        warn(
            f"{file}: a soma point is {widest * 1e6:.3g} um thick, as in voxels or nanometres; "
            "if so, give the unit, such as unit=0.1*um (--unit 0.1um). unit=1*um (--unit 1um) says "
            "that it is right"
        )
    if len(numbers) >= 50 and np.all(numbers == np.round(numbers)) and numbers[:, :3].min() >= 0:
        warn(
            f"{file}: all positions and radii are whole numbers and none is negative, as in "
            "voxels; if so, give the size of a voxel, such as unit=0.1*um (--unit 0.1um). "
            "unit=1*um (--unit 1um) says that they are micrometres"
        )


def rooted_at_soma(table: Table) -> Table:
    """Return a table in which a soma that hangs on axon or dendrite is the root of its tree.

    Only the direction of the links between that soma point and the old root changes; no point
    moves. A tree whose root is a soma point, or that has no soma, stays as it is.
    """
    parent = table.parent.copy()
    for row in np.flatnonzero(table.kind == 1).tolist():
        path = [row]
        while parent[path[-1]] >= 0 and len(path) <= len(parent):
            path.append(int(parent[path[-1]]))
        soma_above = any(table.kind[above] == 1 for above in path[1:])
        if len(path) == 1 or soma_above or parent[path[-1]] >= 0:
            continue
        parent[path[1:]] = path[:-1]
        parent[row] = -1
        warn(
            f"{table.file}, line {table.line[row]}: the soma is not the root of its tree (line "
            f"{table.line[path[-1]]} is); the tree was turned about so that it begins at the soma"
        )
    return replace(table, parent=parent)


def warn(message: str, category: type[MorphologyWarning] = MorphologyWarning) -> None:
    """Say something about a file, where the caller of `read_swc` stands."""
    warnings.warn(message, category, stacklevel=4)
