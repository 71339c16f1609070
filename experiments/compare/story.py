"""What the main job found, in sentences filled from its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.kit.estimate import Estimate
from experiments.kit.unit_tables import Fitted

__all__ = [
    "MARGIN",
    "Decision",
    "kept_and_lost",
    "left_out_by_units",
    "of_the_measured",
    "of_the_network",
    "of_the_neuron",
    "of_the_units",
]

MARGIN = 2.0
"""Percentage points of accuracy within which network and neurons count as equivalent.

Asked for without regard to any result: a loss that a user would notice. That less than
`digits_on_neurons.MOST_LOST` is lost is judged beside it.
"""


@dataclass(frozen=True)
class Decision:
    """Accuracy at one time after an input came on.

    Attributes
    ----------
    time_ms : float
        The time.
    ann, neurons : float
        Share of the inputs that the network and the spiking neurons got right.
    lost : Estimate
        Percentage points lost on neurons, with the interval of the paired difference.
    inputs : int
        How many there were.
    spikes, atp : float
        Spikes and molecules of ATP of a decision, averaged over networks and inputs.
    things : str
        What the inputs are: images, or rows of a table.
    """

    time_ms: float
    ann: float
    neurons: float
    lost: Estimate
    inputs: int
    spikes: float
    atp: float
    things: str = "images"

    @property
    def equivalent(self) -> bool:
        """Whether the whole interval of the difference lies within the margin."""
        low, high = self._ends
        return low >= -MARGIN and high <= MARGIN

    @property
    def _ends(self) -> tuple[float, float]:
        lost = self.lost
        low = lost.value if lost.low is None else lost.low
        return low, lost.value if lost.high is None else lost.high

    @property
    def interval(self) -> str:
        """The interval of the points lost, in words."""
        return " to ".join(f"{round(end, 1) + 0.0:.1f}".replace("-", "−") for end in self._ends)


def _minus(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def of_the_neuron(
    numbers: Mapping[str, float], excitatory: int, inhibitory: int, apical: bool = True
) -> str:
    """Say how the neuron fires, from what was measured of one spike.

    Parameters
    ----------
    numbers : mapping
        Of `experiments.one_neuron.spike_along.OneSpike`; without a threshold the neuron did not
        fire, or too late to be shown (``fires_too_late``). Synapses were made stronger where
        ``strongest_nS`` is above ``given_nS``.
    excitatory, inhibitory : int
        How many synapses it has.
    apical : bool
        Whether its farthest dendrite is an apical one.
    """
    n = {name: float(value) for name, value in numbers.items()}
    dendrite = "apical dendrite" if apical else "longest dendrite"
    strong = n.get("conductance_nS", 1.0)
    strength = "" if strong == 1 else f", the excitatory ones of {strong:g} nS each,"
    driven = f"{excitatory} excitatory and {inhibitory} inhibitory synapses"
    if "threshold_mV" not in n:
        strongest = n.get("strongest_nS", strong)
        stronger = (
            f", however strong the excitatory ones were made (up to {strongest:g} nS each)"
            if strongest > n.get("given_nS", strongest)
            else ""
        )
        fired = (
            "fires, but too late in the run for a spike to be shown whole"
            if n.get("fires_too_late", 0.0)
            else f"does not fire{stronger}: its soma reaches {_minus(n['peak_at_soma_mV'], 1)} mV "
            "at most"
        )
        return f"With {driven} active on its dendrites the neuron {fired}. {_of_one_synapse(n)}"
    said = [
        f"With {driven}{strength} active on its dendrites, the neuron fires when its soma reaches "
        f"{_minus(n['threshold_mV'], 1)} mV."
    ]
    lead, delay = n["lead_of_initial_segment_ms"], n["delay_to_axon_end_ms"]
    start = (
        f"The spike starts in the initial segment, {lead:.2f} ms before the soma"
        if lead >= 0.005
        else "The spike starts in the soma as early as in the initial segment"
    )
    velocity = n["velocity_m_per_s"]
    if np.isfinite(delay) and np.isfinite(velocity):
        said.append(
            f"{start}, runs along the axon at {velocity:.2f} m/s and is at its end after "
            f"{delay:.1f} ms."
        )
    else:
        said.append(f"{start}, and does not reach the end of the axon.")
    left = 100 * n["spike_left_at_dendritic_tip"]
    share = f"{left:.0f} %" if left >= 1 else "less than 1 %"
    said.append(f"It also runs back: {share} of its height reaches the tip of the {dendrite}.")
    return " ".join([*said, _of_one_synapse(n)])


def _of_one_synapse(n: Mapping[str, float]) -> str:
    """Say what one synapse far out does to the soma."""
    if n.get("spikes_of_one_synapse", 0) > 0:
        return "One synapse far out alone makes this cell fire."
    at_soma = n["epsp_at_soma_mV"]
    if at_soma < 0.05:
        return (
            f"One synapse far out raises its own place by {n['epsp_at_synapse_mV']:.0f} mV, and "
            "the soma by less than 0.05 mV."
        )
    return (
        f"One synapse far out raises the soma by {at_soma:.1f} mV, "
        f"{100 * n['epsp_left_at_soma']:.0f} % of its effect at the synapse itself."
    )


def of_the_units(neurons: Sequence[Fitted]) -> str:
    """Say which neurons a sigmoid stands for, and by how much it misses the others."""
    missed: list[tuple[float, str]] = []
    explained = fitted = kept = other = 0
    for neuron in neurons:
        selection, best = neuron.selection, neuron.selection.best
        if not selection.ok or best is None:
            continue
        fitted += 1
        explained += bool(best.adequate)
        if best.family == "logistic":
            kept += 1
            continue
        other += 1
        # It may have been refused, where another unit was not.
        for fit in selection.fits:
            if fit.family == "logistic":
                missed.append((float(np.abs(fit.residual_Hz).max()), neuron.title))
    if not fitted:
        return "No neuron fired so that a unit could be fitted."
    said = []
    if other:
        which = f"In all {fitted}" if other == fitted > 1 else f"In {other} of {fitted}"
        neurons_are = "neurons" if fitted > 1 else "neuron"
        said.append(
            f"{which} {neurons_are} another curve describes the firing rate better than a sigmoid."
        )
    if len(missed) == 1:
        said.append(f"For it the sigmoid's largest error is {missed[0][0]:.0f} Hz.")
    elif missed:
        (most, there), (least, here) = max(missed), min(missed)
        said.append(
            f"For these the sigmoid's largest error lies between {least:.0f} Hz ({here}) and "
            f"{most:.0f} Hz ({there})."
        )
    if kept:
        said.append(f"In {kept} of {fitted} the sigmoid itself is chosen.")
    said.append(
        f"The chosen curve fits in {explained} of {fitted}: its errors are not significantly "
        "larger than chance in the counts explains."
    )
    return " ".join(said)


def left_out_by_units(numbers: Mapping[str, float]) -> str:
    """Say what a unit keeps of a neuron and what it leaves out.

    Parameters
    ----------
    numbers : mapping
        Of one spike, as for `of_the_neuron`.
    """
    left = float(numbers.get("epsp_left_at_soma", np.nan))
    share = "" if not 0 < left < 1 else f" (the far synapse keeps {100 * left:.0f} % of its effect)"
    return (
        "A unit keeps one thing, the firing rate at a steady current. It leaves out when each "
        f"spike comes, where on the dendrites an input arrives{share}, and what the neuron did "
        "before."
    )


def of_the_network(decision: Decision) -> str:
    """Say whether the network on neurons is equivalent to the trained one, and how sure."""
    return (
        f"Network and neurons count as equivalent if the 90 % interval of their difference lies "
        f"within ±{MARGIN:g} percentage points. The trained network answers "
        f"{100 * decision.ann:.1f} % of {decision.inputs} held-out {decision.things} correctly. "
        f"With every hidden unit replaced by a spiking neuron it answers {_difference(decision)} "
        f"correctly after {decision.time_ms:g} ms (90 % interval of the accuracy lost: "
        f"{decision.interval} percentage points): {_verdict(decision)}."
    )


def of_the_measured(
    cell: str,
    residual_Hz: float,
    decision: Decision | None,
    why: str,
    top_pA: float | None = None,
    blocked: bool = False,
) -> str:
    """Say how a network fares that was trained with a cell's own f-I curve.

    Parameters
    ----------
    cell : str
        What the page calls the cell.
    residual_Hz : float
        By how much the curve of the neuron that stands for the cell misses the cell's (rms).
    decision : Decision or None
        Of the network; None if there is none.
    why : str
        Why there is none.
    top_pA : float, optional
        Current of its highest rate, where the curve beyond it was not used (pA).
    blocked : bool
        Whether the cell is in depolarisation block there.
    """
    beyond = "the cell is in block" if blocked else "no count is higher"
    up_to = (
        ""
        if top_pA is None
        else f", up to its highest rate at {top_pA:g} pA (beyond it {beyond}, and the curve is not "
        "used),"
    )
    if decision is None:
        return f"No network was trained with the curve of the {cell}: {why}."
    return (
        f"Another network was trained with the measured curve of the {cell}{up_to} in place of the "
        "sigmoid. It runs on an integrate-and-fire neuron fitted to this cell: the two curves "
        f"differ by {residual_Hz:.1f} Hz (rms). The network answers "
        f"{100 * decision.ann:.1f} % of {decision.inputs} held-out {decision.things} correctly, "
        f"and {_difference(decision)} on these neurons after {decision.time_ms:g} ms (90 % "
        f"interval of the accuracy lost: {decision.interval} percentage points): "
        f"{_verdict(decision)}. The table of checks does not judge this network."
    )


def _difference(decision: Decision) -> str:
    value = f"{abs(decision.lost.value):.1f}"
    side = "fewer" if decision.lost.value > 0 else "more"
    return "equally many" if float(value) == 0 else f"{value} percentage points {side}"


def _verdict(decision: Decision) -> str:
    return (
        "they are equivalent"
        if decision.equivalent
        else "the interval reaches beyond that, so equivalence is not shown"
    )


def kept_and_lost(
    early: Decision, judged: Decision, count_noise: float, bias: float, counted_ms: float
) -> list[str]:
    """Return three sentences: what is kept, what is lost, and what it costs.

    Parameters
    ----------
    early, judged : Decision
        At the shortest time and at the time that is judged.
    count_noise, bias : float
        Standard deviation of an activation that is read from spikes (1 is the whole range), and by
        how much it is off on average because the f-I curve is no sigmoid (rms over units).
    counted_ms : float
        How long spikes are counted for it.
    """
    kept = "The answers are kept" if judged.equivalent else "Whether the answers are kept is open"
    exponent = int(np.floor(np.log10(judged.atp)))
    raised = str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    points = early.lost.value
    early_on = (
        f"after {early.time_ms:g} ms the accuracy is {points:.1f} percentage points lower"
        if points >= 0.05
        else f"after {early.time_ms:g} ms the accuracy is no lower"
    )
    return [
        f"{kept}: after {judged.time_ms:g} ms {100 * judged.neurons:.1f} % of the {judged.things} "
        f"are right on neurons, {100 * judged.ann:.1f} % on the network.",
        f"{'Speed and precision are' if points >= 0.05 else 'Precision is'} lost: {early_on}, and "
        f"an activation counted over {counted_ms:g} ms scatters by {count_noise:.2f} (on a range "
        f"of 1) and is off by {bias:.2f} because the neuron's curve is no sigmoid.",
        f"A decision after {judged.time_ms:g} ms takes {judged.spikes:.0f} spikes; real "
        f"neurons of a rodent would spend {judged.atp / 10**exponent:.1f}·10{raised} molecules "
        f"of ATP on it.",
    ]
