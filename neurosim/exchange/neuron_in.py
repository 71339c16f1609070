"""A live NEURON cell as a `Neuron`: sections, segments, mechanisms and point processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, meter, mV, ohm, uF, um

from neurosim.channels.base import Channel, IonPool
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable, Spines
from neurosim.errors import ExtraMissingError
from neurosim.exchange.errors import ExchangeError, say_lost
from neurosim.exchange.mechanisms_in import Covering, parts_of
from neurosim.exchange.points_in import with_points
from neurosim.exchange.shape_in import in_order_of_parents, sections_of, shape_of
from neurosim.ions.transporter import Transporter
from neurosim.morphology import PerBranch, Region, branch, everywhere, numbered

__all__ = ["from_neuron"]


def from_neuron(cell: Any, mod: str | os.PathLike[str] | None = None) -> Neuron:
    """Return a cell that lives in NEURON as a neuron.

    It gets a branch a section, through the same points and cut into as many compartments, the
    resistivities, capacitances and temperature, and ``h.v_init`` as its rest. ``pas`` becomes a
    `Leak`, ``hh`` the channels of Hodgkin and Huxley, and what `to_neuron` wrote the part it was
    written from, with the values that the segments have now. ``IClamp`` becomes `Steps`,
    ``ExpSyn`` and ``Exp2Syn`` become receptors whose peak is the weight of what is connected.

    Parameters
    ----------
    cell : object
        Has its sections as ``sections`` or ``all``; or a list of sections, one cell's.
    mod : path, optional
        Folder with the MOD files of other mechanisms.

    Returns
    -------
    Neuron

    Raises
    ------
    ExchangeError
        Something of the cell would be another one here: an unknown mechanism, a layer outside
        (``extracellular``), a section that hangs on its distal end. The message names it.
    ExtraMissingError
        NEURON is not installed.

    Warns
    -----
    ExchangeWarning
        For each thing that is not in the neuron: names, events, tables.
    """
    try:
        from neuron import h
    except ImportError:
        raise ExtraMissingError.needed_for("from_neuron", "neuron") from None
    sections = in_order_of_parents(sections_of(cell))
    content = getattr(cell, "content", None)
    content = content if isinstance(content, dict) else {}
    shape = shape_of(sections, cell, content)
    numbers = {s.name: int(sec.nseg) for s, sec in zip(shape, sections, strict=True)}
    neuron = Neuron(
        shape,
        PerBranch(1, numbers),
        celsius=float(h.celsius),
        rest=float(content["rest"] if "rest" in content else _start(h)) * mV,
    )
    segments = [segment for section in sections for segment in section]
    folder = None if mod is None else Path(mod)
    coverings = _coverings(sections, segments, content, folder)
    factor = _spines(segments, content)
    neuron = _with_cable(neuron, sections, segments, factor)
    for one in coverings:
        neuron = _painted(neuron, one)
    _warn_of_tables(h, coverings)
    return with_points(neuron, h, sections, cell, content)


# ---- what covers it -----------------------------------------------------------------------------
def _start(h: Any) -> float:
    """Return ``h.v_init``, which NEURON has once its standard library is loaded."""
    try:
        return float(h.v_init)
    except (AttributeError, LookupError):
        return -65.0


def _coverings(
    sections: list[Any], segments: list[Any], content: dict[str, Any], mod: Path | None
) -> list[Covering]:
    by_suffix: dict[str, dict[int, Any]] = {}
    first = 0
    for section in sections:
        here = range(first, first + section.nseg)
        first += section.nseg
        for suffix in section.psection()["density_mechs"]:
            if suffix == "extracellular":
                raise ExchangeError(
                    f"from_neuron: {section.name()} has a layer outside (extracellular), which is "
                    "not read; paint Extracellular on the neuron that comes without it"
                )
            by_suffix.setdefault(suffix, {}).update({k: segments[k] for k in here})
    written = list(content.get("parts", {}))
    order = sorted(by_suffix, key=lambda s: written.index(s) if s in written else -1)
    return [one for s in order for one in parts_of(s, by_suffix[s], content, mod)]


def _spines(segments: list[Any], content: dict[str, Any]) -> np.ndarray:
    """Return by segment the membrane with spines over that without, as an export says it."""
    found = np.ones(len(segments))
    for suffix, told in content.get("parts", {}).items():
        for k, segment in enumerate(segments):
            place = getattr(segment, suffix, None)
            if place is not None and told["scale"] and place.scale:
                found[k] = place.scale
    return found


def _with_cable(
    neuron: Neuron, sections: list[Any], segments: list[Any], factor: np.ndarray
) -> Neuron:
    R_a = np.concatenate([np.full(s.nseg, s.Ra) for s in sections]) * 1e-2
    C_m = np.array([segment.cm for segment in segments]) * 1e-2 / factor
    C_m = np.array([float(f"{x:.14g}") for x in C_m])
    first = Cable(C_m=C_m[0] * 100 * uF / (1e4 * um) ** 2, R_a=R_a[0] * ohm * meter)
    neuron = neuron.replace(cable=first)
    for value in np.unique(np.column_stack([C_m, R_a]), axis=0):
        here = np.flatnonzero((C_m == value[0]) & (R_a == value[1]))
        if len(here) == len(C_m) or (value[0] == C_m[0] and value[1] == R_a[0]):
            continue
        part = Cable(C_m=value[0] * 100 * uF / (1e4 * um) ** 2, R_a=value[1] * ohm * meter)
        neuron = neuron.paint(part, _region(neuron, here))
    for value in np.unique(factor[factor != 1]):
        spines = Spines(Quantity(float(value)))
        neuron = neuron.paint(spines, _region(neuron, np.flatnonzero(factor == value)))
    return neuron


def _region(neuron: Neuron, compartments: np.ndarray) -> Region:
    """Return compartments as whole branches, where they are."""
    cut = neuron.compartments
    if len(compartments) == len(cut):
        return everywhere
    branches = np.unique(cut.branch[compartments])
    if np.isin(cut.branch, branches).sum() == len(compartments):
        return branch(*(cut.branch_names[k] for k in branches))
    return numbered(compartments.tolist())


def _painted(neuron: Neuron, one: Covering) -> Neuron:
    fields = one.part.quantity_fields()
    values = {
        name: Quantity(numbers, dim=get_dimensions(fields[name].metadata["unit"]))
        for name, numbers in one.values.items()
    }
    assert isinstance(one.part, Channel | IonPool | Transporter)
    return neuron.paint(one.part, _region(neuron, one.compartments), values=values or None)


def _warn_of_tables(h: Any, coverings: list[Covering]) -> None:
    if any(one.part.name == "hh_leak" for one in coverings) and h.usetable_hh:
        say_lost(
            "NEURON's hh interpolates its rates in a table; set h.usetable_hh = 0 there for the "
            "numbers of this neuron"
        )
