"""What is injected and what is traced, in Arbor's words."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from brian2.units import Quantity, amp

from neurosim.channels.base import IONS, SHARED
from neurosim.describe.neuron import Neuron
from neurosim.equations.evaluate import parse
from neurosim.exchange.current_in_neuron import electrodes_of
from neurosim.exchange.densities_out import Densities
from neurosim.exchange.errors import ExchangeError
from neurosim.exchange.nmodl_words import si_factor
from neurosim.exchange.probes_out import Reference, told
from neurosim.stimuli import Stimulus
from neurosim.synapses.base import Receptor

__all__ = ["electrodes_for_arbor", "probes_for_arbor"]


def electrodes_for_arbor(stimulus: Stimulus, label: str, compartment: int) -> list[dict[str, Any]]:
    """Return the current clamps that inject a stimulus.

    Raises
    ------
    ExchangeError
        Arbor has no such electrode.

    Examples
    --------
    >>> from brian2 import ms, nA
    >>> from neurosim import Steps
    >>> electrodes_for_arbor(Steps(0.1 * nA, onset=10 * ms, duration=50 * ms), "steps", 3)
    [{'compartment': 3, 'onset': 10.0, 'duration': 50.0, 'amplitude': 0.1}]
    """
    rows = []
    for one in electrodes_of(stimulus, label, "Arbor")[0]:
        if one["kind"] != "IClamp":
            raise ExchangeError(
                f"{label}: Arbor has no voltage clamp with a series resistance; inject a current, "
                "or export to NEURON"
            )
        values, played = one["values"], one.get("played", {}).get("amp")
        if played is None:
            rows.append(
                {
                    "compartment": compartment,
                    "onset": values["delay"],
                    "duration": values["dur"],
                    "amplitude": values["amp"],
                }
            )
            continue
        pairs = list(zip(played["t"], played["y"], strict=True))
        if not played["linear"]:
            # Each value holds until the next.
            steps = [(pairs[0][0], 0.0)]
            for (t, y), (after, _) in pairwise(pairs):
                steps += [(t, y), (after, y)]
            pairs = [*steps, (pairs[-1][0], pairs[-1][1])]
        rows.append(
            {"compartment": compartment, "envelope": [(t, y) for t, y in pairs if t >= 0]}
            if pairs[0][0] >= 0
            else {"compartment": compartment, "envelope": [(0.0, pairs[0][1]), *pairs[1:]]}
        )
    return rows


def probes_for_arbor(
    neuron: Neuron, densities: Densities, receptors: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what Arbor is to trace, and the probes that are lost.

    A value in SI units is ``unit`` times what Arbor traces.
    """

    def placed(part: Any, tail: str, head: str, compartment: int) -> Reference:
        if not isinstance(part, Receptor):
            return None
        return _of_receptor(part, tail, head, compartment, receptors, densities)

    return told(
        neuron,
        "Arbor",
        placed=placed,
        painted=lambda head, tail, place: _of_part(neuron, densities, head, tail, place),
        of_place=_of_place,
    )


def _of_place(name: str, compartment: int) -> tuple[dict[str, Any], float] | None:
    kind, _, side = name.partition("_")
    if name == "v":
        return {"kind": "v", "compartment": compartment}, 1e-3
    if kind in IONS and side in ("i", "o"):
        what = "inside" if side == "i" else "outside"
        return {"kind": what, "ion": kind, "compartment": compartment}, si_factor(SHARED[name])
    return None


def _of_part(
    neuron: Neuron, densities: Densities, head: str, tail: str, compartment: int
) -> tuple[dict[str, Any], float] | None:
    text = densities.of_name(head, compartment)
    part = next((p.part for p in neuron.painted if getattr(p.part, "name", "") == head), None)
    if text is None or part is None or not text.text:
        return None
    where = {"kind": "state", "compartment": compartment, "suffix": text.suffix}
    if tail in ("current", "rate"):
        name = "current" if tail == "current" else "cycles"
        return {**where, "name": name}, si_factor(SHARED["i_na"])
    if tail not in text.names:
        return None
    system = parse(part.equations)  # type: ignore[union-attr]
    if tail not in system:
        return {**where, "name": text.names[tail]}, si_factor(SHARED["i_na"])
    return {**where, "name": text.names[tail]}, si_factor(Quantity(1.0, dim=system[tail].dim))


def _of_receptor(
    part: Receptor,
    tail: str,
    label: str,
    compartment: int,
    receptors: list[dict[str, Any]],
    densities: Densities,
) -> tuple[dict[str, Any], float] | None:
    number = next(k for k, one in enumerate(receptors) if one["label"] == label)
    row = receptors[number]
    if compartment not in row["compartments"]:
        return None
    text = densities.texts[row["suffix"]]
    where = {
        "receptor": number,
        "number": row["compartments"].index(compartment),
        "suffix": row["suffix"],
    }
    if tail == "current":
        return {**where, "name": "current"}, si_factor(amp)
    if tail not in text.names:
        return None
    like = Quantity(1.0, dim=parse(part.equations)[tail].dim)
    return {**where, "name": text.names[tail]}, si_factor(like)
