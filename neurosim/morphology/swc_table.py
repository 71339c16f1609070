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

__all__ = ["Table", "read_table", "warn"]


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
    path: Path, unit: Quantity, least_diameter: Quantity | None, soma_diameter: Quantity | None
) -> Table:
    """Read a file and check each line; see `neurosim.morphology.swc.read_swc`."""
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
        warn(f"{file}, line {extra}: columns after the seventh are not read")
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
    return replace(table, radii=radii)


def _check_scale(line: str, file: str, number: int) -> None:
    said = re.match(r"\s*#\s*SCALE\s+(\S+)\s+(\S+)\s+(\S+)", line, re.IGNORECASE)
    if not said:
        return
    try:
        scale = [float(word) for word in said.groups()]
    except ValueError:
        return
    if scale != [1, 1, 1]:
        warn(f"{file}, line {number}: the file states a scale of {scale}; it is not applied")


def _check_unit(table: Table, data: np.ndarray, unit: Quantity) -> None:
    """Warn where lengths are not those of a neuron in micrometres."""
    extent = float(np.ptp(table.points, axis=0).max())
    thick = 2 * float(np.median(table.radii))
    if thick > 200e-6 or extent > 0.1:
        warn(
            f"{table.file}: {extent * 1e3:.3g} mm across and {thick * 1e6:.3g} um thick (median); "
            "if the file is in nanometres read it with unit=1*nmeter"
        )
    whole = data[:, 2:6] == np.round(data[:, 2:6])
    if len(data) >= 50 and whole.all() and (data[:, 2:5].min() >= 0):
        warn(
            f"{table.file}: all positions and radii are whole numbers and none is negative, as in "
            "voxels; if so, scale the file to micrometres before reading it"
        )
    if len(data) >= 100 and extent < 5e-6:
        warn(
            f"{table.file}: only {extent * 1e6:.3g} um across; if the file is in millimetres read "
            "it with unit=1*mmeter"
        )


def warn(message: str) -> None:
    """Say something about a file, where the caller of `read_swc` stands."""
    warnings.warn(message, MorphologyWarning, stacklevel=4)
