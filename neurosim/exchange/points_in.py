"""Point processes of a live NEURON cell as what is placed on a neuron."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, ms, mV, nA, uS

from neurosim.describe.neuron import Neuron
from neurosim.exchange.errors import ExchangeError, say_lost
from neurosim.exchange.mechanisms_in import check_equations, kind_of
from neurosim.exchange.nmodl_words import si_factor
from neurosim.exchange.shape_in import names_of
from neurosim.morphology import at, points
from neurosim.stimuli import Steps
from neurosim.synapses import DoubleExponential, Events, Exponential

__all__ = ["with_points"]


def with_points(
    neuron: Neuron, h: Any, sections: list[Any], cell: Any, content: dict[str, Any]
) -> Neuron:
    """Return the neuron with the point processes of the sections.

    Raises
    ------
    ExchangeError
        One of them is none that can be read.
    """
    parts, names = content.get("parts", {}), names_of(sections)
    played = _played(cell, content)
    for section in sections:
        for kind, found in section.psection()["point_processes"].items():
            if kind in parts:
                continue
            for process in sorted(found, key=str):
                where = names[section.name()]
                if any(process.same(other) for other in played):
                    say_lost(
                        f"the course of the {kind} on {where} is not read; place the stimulus again"
                    )
                    continue
                neuron = _placed(neuron, h, where, kind, process)
    for told in content.get("receptors", ()):
        neuron = _receptors(neuron, told, cell, content)
    return neuron


def _played(cell: Any, content: dict[str, Any]) -> list[Any]:
    """Return the electrodes of an export that play a course."""
    made = (
        {label: list(found) for label, found in getattr(cell, "electrodes", {}).items()}
        if (content)
        else {}
    )
    return [
        made[one["label"]][k]
        for label in made
        for k, one in enumerate(e for e in content["electrodes"] if e["label"] == label)
        if "played" in one
    ]


def _placed(neuron: Neuron, h: Any, name: str, kind: str, process: Any) -> Neuron:
    site = at(name, float(process.get_segment().x))
    if kind == "IClamp":
        step = Steps(process.amp * nA, onset=process.delay * ms, duration=process.dur * ms)
        return neuron.place(step, site)
    if kind not in ("ExpSyn", "Exp2Syn"):
        raise ExchangeError(
            f"from_neuron: the point process {kind} on {name} is none of IClamp, ExpSyn, Exp2Syn "
            "and those that to_neuron wrote; take it out, and place what stands for it here"
        )
    weights = {float(one.weight[0]) for one in h.CVode().netconlist("", "", process)}
    if len(weights) != 1:
        raise ExchangeError(
            f"from_neuron: the peak conductance of {kind} on {name} is the weight of its NetCon, "
            f"and there are {len(weights)} different weights; connect one"
        )
    g = weights.pop() * uS
    part = (
        Exponential(g=g, E=process.e * mV, tau=process.tau * ms)
        if kind == "ExpSyn"
        else DoubleExponential(
            g=g, E=process.e * mV, tau_rise=process.tau1 * ms, tau_decay=process.tau2 * ms
        )
    )
    say_lost(
        f"what arrives at {kind} on {name} is not told; give it with place(..., Events.at(...))"
    )
    return neuron.place(part, site)


def _receptors(neuron: Neuron, told: dict[str, Any], cell: Any, content: dict[str, Any]) -> Neuron:
    """Place receptors that `to_neuron` wrote, with the events that it wrote."""
    label, suffix = told["label"], told["suffix"]
    about = content["parts"][suffix]
    kind, fixed = kind_of(suffix, about)
    fields = kind.quantity_fields()
    first = cell.receptors[label][0]
    values = {
        field: Quantity(
            float(f"{getattr(first, name) * si_factor(fields[field].metadata['unit']):.15g}"),
            dim=get_dimensions(fields[field].metadata["unit"]),
        )
        for field, name in about["parameters"].items()
        if field in fields
    }
    part = kind(**values, **fixed, name=about["name"])
    check_equations(part, suffix, about)
    cut = neuron.compartments
    site = points([cut.middle(int(k)) for k in told["segments"]])
    neuron = neuron.place(part, site, label=label)  # type: ignore[arg-type]
    lists = [
        Events.merge(
            [Events(1e-3 * np.array(times), np.full(len(times), weight)) for weight, times in one]
        )
        for one in told["arrivals"]
    ]
    *others, last = neuron.placed
    return neuron.replace(placed=(*others, replace(last, arrivals=tuple(lists))))
