"""What is traced, as references to variables of NEURON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from brian2.units import Quantity, amp

from neurosim.channels.base import IONS, SHARED
from neurosim.describe.neuron import Neuron
from neurosim.equations.evaluate import parse
from neurosim.exchange.densities_out import Densities
from neurosim.exchange.nmodl_words import si_factor
from neurosim.stimuli import Stimulus
from neurosim.synapses.base import Receptor

__all__ = ["Reference", "probes_of", "told"]


def probes_of(
    neuron: Neuron,
    densities: Densities,
    receptors: list[dict[str, Any]],
    electrodes: list[dict[str, Any]],
    spines: np.ndarray,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what NEURON is to trace, and the probes that are lost.

    A value in SI units is ``unit`` times what NEURON traces.
    """

    def placed(part: Any, tail: str, head: str, segment: int) -> Reference:
        if isinstance(part, Receptor):
            return _of_receptor(part, tail, head, segment, receptors)
        return _of_electrode(part, tail, head, segment, electrodes)

    return told(
        neuron,
        "NEURON",
        placed=placed,
        painted=lambda head, tail, segment: _of_part(neuron, densities, head, tail, segment),
        of_place=lambda name, segment: _of_place(name, segment, float(spines[segment])),
    )


Reference = tuple[dict[str, Any], float] | None
"""A variable of another simulator, and its unit; None where there is none."""


def told(
    neuron: Neuron,
    program: str,
    *,
    placed: Callable[[Any, str, str, int], Reference],
    painted: Callable[[str, str, int], Reference],
    of_place: Callable[[str, int], Reference],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what another simulator is to trace, and the probes that are lost.

    Parameters
    ----------
    neuron : Neuron
    program : str
        Name of the simulator.
    placed, painted, of_place : callable
        The reference for a variable of a placed part, of a painted part, and of the membrane.
    """
    rows, lost = [], []
    labels = {one.label: one.part for one in neuron.placed}
    for probe in neuron.probed:
        head, _, tail = probe.variable.partition(".")
        for name, compartment in probe.traces(neuron.compartments):
            if head in labels:
                found = placed(labels[head], tail, head, compartment)
            elif tail:
                found = painted(head, tail, compartment)
            else:
                found = of_place(head, compartment)
            if found is None:
                lost.append(f"the probe {name!r} of {probe.variable!r} is not traced in {program}")
                continue
            rows.append({"label": name, "where": found[0], "unit": found[1]})
    return rows, lost


def _of_place(name: str, segment: int, spines: float) -> tuple[dict[str, Any], float] | None:
    where = {"segment": segment, "suffix": ""}
    if name == "v":
        return {**where, "name": "v"}, 1e-3
    kind, _, ion = name.partition("_")
    if kind in IONS and ion in ("i", "o"):
        return {**where, "name": f"{kind}{ion}"}, si_factor(SHARED[name])
    if kind == "i" and ion in IONS:
        return {**where, "name": f"i{ion}"}, -si_factor(SHARED[name]) / spines
    return None


def _of_part(
    neuron: Neuron, densities: Densities, head: str, tail: str, segment: int
) -> tuple[dict[str, Any], float] | None:
    text = densities.of_name(head, segment)
    part = next((p.part for p in neuron.painted if getattr(p.part, "name", "") == head), None)
    if text is None or part is None:
        return None
    where = {"segment": segment, "suffix": text.suffix}
    if tail in ("current", "rate"):
        name = "current" if tail == "current" else "cycles"
        return {**where, "name": name}, si_factor(SHARED["i_na"])
    if tail not in text.names:
        return None
    if tail.startswith("i_") and tail not in parse(part.equations):  # type: ignore[union-attr]
        return {**where, "name": text.names[tail]}, si_factor(SHARED["i_na"])
    like = Quantity(1.0, dim=parse(part.equations)[tail].dim)  # type: ignore[union-attr]
    return {**where, "name": text.names[tail]}, si_factor(like)


def _of_receptor(
    part: Receptor, tail: str, label: str, segment: int, receptors: list[dict[str, Any]]
) -> tuple[dict[str, Any], float] | None:
    row = next(one for one in receptors if one["label"] == label)
    if segment not in row["segments"]:
        return None
    where = {"receptor": label, "number": row["segments"].index(segment)}
    if tail == "current":
        return {**where, "name": "current"}, si_factor(amp)
    system = parse(part.equations)
    if tail not in system:
        return None
    return {**where, "name": tail}, si_factor(Quantity(1.0, dim=system[tail].dim))


def _of_electrode(
    _part: Stimulus, tail: str, label: str, segment: int, electrodes: list[dict[str, Any]]
) -> tuple[dict[str, Any], float] | None:
    rows = [k for k, one in enumerate(e for e in electrodes if e["label"] == label)]
    here = [e for e in electrodes if e["label"] == label]
    found = [k for k in rows if here[k]["segment"] == segment]
    if tail != "current" or len(found) != 1:
        return None
    return {"electrode": label, "number": found[0], "name": "i"}, 1e-9
