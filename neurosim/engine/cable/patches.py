"""Painted channels as kernels: compartments with the same set of channels are one patch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from brian2.units import Quantity

from neurosim.channels.base import Mechanism
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable, Painted, Spines
from neurosim.engine.cable.draft import TEMPERATURE, Draft, Run, Varied, single
from neurosim.engine.cable.equations import Text, write_membrane

__all__ = ["Membrane", "draft_patches", "scale_of"]

# By name of a part, who paints a part of that name on a patch, and on which of its members.
_Painters = list[tuple[Painted, Mechanism, np.ndarray]]


class Membrane:
    """What every stretch of membrane has, painted or not.

    Attributes
    ----------
    C_m : ndarray, shape (compartments,) or (compartments, cells)
        Capacitance of an area, in farad per square metre.
    R_a : ndarray, shape (compartments,)
        Axial resistivity, in ohm metre.
    area : ndarray, shape (compartments,)
        Area with spines, in square metre.
    """

    def __init__(self, neuron: Neuron, cells: int, varied: Varied) -> None:
        self._cells, self._varied = cells, varied
        shape, cable = neuron.compartments, neuron.cable
        # One number for all until something is painted.
        everywhere = _everywhere(cable.C_m, len(shape))
        self.C_m = self._capacitance("everywhere", everywhere, ...)
        self.R_a = _everywhere(cable.R_a, len(shape))
        self.area = np.asarray(shape.area_m2, dtype=float)
        for painted in neuron.painted:
            if isinstance(painted.part, Cable):
                mask = painted.region.mask(shape)
                self.C_m, self.R_a = np.array(self.C_m), np.array(self.R_a)
                self.C_m[mask] = float(painted.part.C_m)
                self.C_m = self._capacitance(painted.label, self.C_m, mask)
                self.R_a[mask] = float(painted.part.R_a)
            elif isinstance(painted.part, Spines):
                self.area = np.array(self.area)
                self.area[painted.region.mask(shape)] *= float(painted.part.factor)

    def _capacitance(self, label: str, now: np.ndarray, where: Any) -> np.ndarray:
        """Return the capacitance with what the batch varies, shape (compartments[, cells])."""
        given = self._varied.get(f"{label}.C_m")
        if given is None:
            return now
        if now.ndim == 1:
            now = np.repeat(now[:, np.newaxis], self._cells, axis=1)
        now[where] = given
        return now


def draft_patches(neuron: Neuron, membrane: Membrane, run: Run, varied: Varied) -> Iterator[Draft]:
    """Write the patches, in the order in which they first occur along the morphology."""
    shape = neuron.compartments
    mechanisms = [(p, p.part) for p in neuron.painted if isinstance(p.part, Mechanism)]
    names = list(dict.fromkeys(part.name for _, part in mechanisms))
    # By name and compartment, which of the mechanisms of that name covers it; -1: none.
    owner = np.full((len(names), len(shape)), -1, dtype=np.int16)
    for k, (painted, part) in enumerate(mechanisms):
        owner[names.index(part.name), painted.region.mask(shape)] = k
    kind = _kinds(owner >= 0)
    for number in range(int(kind.max()) + 1):
        members = np.flatnonzero(kind == number).astype(np.int32)
        # Parts in the order in which they were painted.
        here = sorted((int(row[members[0]]), n) for n, row in enumerate(owner))
        covers: dict[str, _Painters] = {
            names[n]: [
                (*mechanisms[m], owner[n, members] == m) for m in np.unique(owner[n, members])
            ]
            for m, n in here
            if m >= 0
        }
        yield _patch(f"patch{number}", neuron, members, covers, membrane, run, varied)


def _kinds(covered: np.ndarray) -> np.ndarray:
    """Return by compartment which mechanisms it has, numbered in the order of first occurrence.

    Parameters
    ----------
    covered : ndarray of bool, shape (mechanisms, compartments)
        Whether a mechanism is there.
    """
    kind = np.zeros(covered.shape[1], dtype=np.int32)
    for row in covered:
        if row.any() and not row.all():
            _, place, parted = np.unique(2 * kind + row, return_index=True, return_inverse=True)
            kind = np.argsort(np.argsort(place)).astype(np.int32)[parted]
    return kind


def _patch(
    name: str,
    neuron: Neuron,
    members: np.ndarray,
    covers: dict[str, _Painters],
    membrane: Membrane,
    run: Run,
    varied: Varied,
) -> Draft:
    parts = {part_name: painters[0][1] for part_name, painters in covers.items()}
    text = Text()
    write_membrane(text, parts)
    values: dict[str, np.ndarray] = {}
    like: dict[str, Any] = {}
    for part_name, part in parts.items():
        for field in part.parameters():
            painted = _painted_values(covers[part_name], field, neuron, members, run, varied)
            alone = _is_one_number(covers[part_name], field, run)
            values[f"{part_name}_{field}"] = single(painted) if alone else painted
            like[f"{part_name}_{field}"] = getattr(part, field)
        for constant, value in part.constants(neuron.celsius).items():
            # By painting, since each has a q10 of its own.
            held = np.empty(len(members))
            for _, mechanism, here in covers[part_name]:
                held[here] = float(mechanism.constants(neuron.celsius)[constant])
            alone = _is_one_number(covers[part_name], TEMPERATURE, run)
            values[f"{part_name}_{constant}"] = single(held) if alone else _by_cell(held, run)
            like[f"{part_name}_{constant}"] = value
    # A copy only where a patch is less than the cell.
    chosen = members if len(members) < len(membrane.area) else slice(None)
    values["C_m"] = single(membrane.C_m[chosen])
    values["area"] = single(membrane.area[chosen])
    values["implicit_dt"] = np.asarray(run.dt * run.theta)
    like["C_m"] = neuron.cable.C_m
    for parameter, quantity in like.items():
        text.declare(parameter, quantity, shared=values[parameter].ndim == 0)
    shared = ", shared" if values["area"].ndim == 0 else ""
    text.lines.append(f"area : meter**2 (constant{shared})")
    text.lines.append("implicit_dt : second (constant, shared)")
    return Draft(name, text, values, members, density=True)


def _is_one_number(painters: _Painters, field: str, run: Run) -> bool:
    """Return whether a parameter stays one number for all rows while courses run."""
    labels = [painted.label for painted, _, _ in painters]
    names = [field] if field == TEMPERATURE else [f"{label}.{field}" for label in labels]
    following = [name for name in names if name in run.courses]
    scaled = any(p.scale is not None and p.strength == field for p, _, _ in painters)
    return not following or (len(painters) == 1 and not scaled and run.one_for_all(*following))


def _by_cell(values: np.ndarray, run: Run) -> np.ndarray:
    return np.repeat(values[:, np.newaxis], run.cells, axis=1)


def _painted_values(
    painters: _Painters,
    field: str,
    neuron: Neuron,
    members: np.ndarray,
    run: Run,
    varied: Varied,
) -> np.ndarray:
    """Return a parameter over the compartments of a patch, with what the batch varies."""
    base = np.empty(len(members))
    factor: np.ndarray | None = None
    for painted, part, here in painters:
        base[here] = float(getattr(part, field))
        given = varied.get(f"{painted.label}.{field}")
        if given is not None:
            if base.ndim == 1:
                base = np.repeat(base[:, np.newaxis], run.cells, axis=1)
            base[here] = given
        if painted.scale is not None and field == painted.strength:
            factor = np.ones(len(members)) if factor is None else factor
            factor[here] = scale_of(painted, field, neuron, members[here])
    if factor is None:
        return base
    scaled: np.ndarray = base * (factor if base.ndim == 1 else factor[:, np.newaxis])
    return scaled


def scale_of(painted: Painted, field: str, neuron: Neuron, where: np.ndarray) -> np.ndarray:
    """Return what a parameter of a painted part is multiplied by in some compartments."""
    if painted.scale is None or field != painted.strength:
        return np.ones(len(where))
    distance = neuron.compartments.distance_m[where] * 1e6
    found: np.ndarray = np.ones(len(where)) * np.asarray(painted.scale(distance), dtype=float)
    return found


def _everywhere(value: Quantity, count: int) -> np.ndarray:
    """Return one value for all, in the memory of one."""
    return np.broadcast_to(float(value), count)
