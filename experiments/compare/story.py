"""What the main job found, in sentences filled from its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bridge.spiking.energy import HOWARTH
from experiments.compare.written import and_list, true_minus
from experiments.kit.estimate import Estimate
from experiments.kit.unit_tables import Fitted

__all__ = [
    "MARGIN",
    "Decision",
    "kept_and_lost",
    "left_out_by_units",
    "of_the_answers",
    "of_the_measured",
    "of_the_network",
    "of_the_neuron",
    "of_the_refused",
    "of_the_units",
    "of_the_wait",
    "units_in_short",
]

MARGIN = 2.0
"""Percentage points of accuracy within which network and neurons count as equivalent.

Asked for without regard to any result: a loss that a user would notice. That less than
`digits_on_neurons.MOST_LOST` is lost is judged beside it.
"""

CLEAR = 8.0
"""Times as much evidence as for the second best unit: "fairly strong" (Royall 1997, Statistical
Evidence, section 1.6). With less, which unit it is stays undecided."""


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
        return " to ".join(_minus(end, 1) for end in self._ends)


def _minus(value: float, digits: int) -> str:
    return true_minus(f"{round(value, digits) + 0.0:.{digits}f}")


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
            f"{start}, and runs along the axon at {velocity:.2f} m/s; it is at the end of the axon "
            f"{delay:.1f} ms after it started."
        )
    else:
        said.append(f"{start}, and does not reach the end of the axon.")
    left = 100 * n["spike_left_at_dendritic_tip"]
    share = f"{left:.0f} %" if left >= 1 else "less than 1 %"
    said.append(
        f"It also runs back: at the tip of the {dendrite} it has {share} of its height at the soma."
    )
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
        f"One synapse far out on it, active alone, raises the soma by {at_soma:.1f} mV, "
        f"{100 * n['epsp_left_at_soma']:.0f} % of its effect at the synapse itself."
    )


def _which(neurons: Sequence[Fitted]) -> str:
    """Name neurons: models, one of them at several noise levels, and recorded cells."""
    named: list[str] = []
    levels = [neuron.title for neuron in neurons if neuron.title.startswith("LIF")]
    for neuron in neurons:
        title = neuron.title
        if title.startswith("recorded: "):
            named.append(f"the recorded cell {title.removeprefix('recorded: ')}")
        elif title.startswith("cell: "):
            named.append(f"the model of the cell {title.removeprefix('cell: ')}")
        elif levels and title == levels[0]:
            many = f" at {len(levels)} noise levels" if len(levels) > 1 else ""
            named.append(f"a leaky integrate-and-fire (LIF) neuron{many}")
        elif title not in levels:
            named.append(f"the {title}" if title == "textbook neuron" else f"the {title} model")
    return and_list(named)


def _fitted(neurons: Sequence[Fitted]) -> list[Fitted]:
    return [n for n in neurons if n.selection.ok and n.selection.best is not None]


def _other(neurons: Sequence[Fitted]) -> list[Fitted]:
    """Return the neurons that another unit than the logistic sigmoid describes best."""
    return [n for n in _fitted(neurons) if n.selection.fits[0].family != "logistic"]


def units_in_short(neurons: Sequence[Fitted]) -> str:
    """Say in one or two sentences which neurons a sigmoid stands for."""
    fitted, other = _fitted(neurons), _other(neurons)
    if not fitted:
        return "No neuron fired so that a unit could be fitted."
    all_of = "all " if len(other) == len(fitted) > 1 else ""
    many = len(fitted) > 1
    share = f"all {len(fitted)}" if all_of else f"{len(other)} of {len(fitted)}"
    said = [
        f"In {share} {'neurons' if many else 'neuron'} measured here a curve other than the "
        "logistic sigmoid describes the firing rate best."
    ]
    misses = sorted(n.sigmoid.most_Hz for n in other if _has_sigmoid(n))
    if misses:
        low, high = f"{misses[0]:.0f}", f"{misses[-1]:.0f}"
        span = f"{low} Hz" if low == high else f"{low} to {high} Hz, depending on the neuron"
        said.append(f"Even the nearest sigmoid misses one of the measured rates by {span}.")
    return " ".join(said)


def _has_sigmoid(neuron: Fitted) -> bool:
    # It is refused where the rate falls again, and is not compared there.
    return any(fit.family == "logistic" for fit in neuron.selection.fits)


def of_the_units(neurons: Sequence[Fitted]) -> str:
    """Say which neurons a sigmoid stands for, and by how much it misses the others."""
    fitted, other = _fitted(neurons), _other(neurons)
    if not fitted:
        return "No neuron fired so that a unit could be fitted."
    count = len(fitted)
    many = "neurons are" if count > 1 else "neuron is"
    said = [f"The {count} {many} {_which(fitted)}."]
    if other:
        share = "each" if len(other) == count else f"{len(other)} of {count}"
        said.append(
            f"In {share} a curve other than the logistic sigmoid describes the firing rate best."
        )
    if count > len(other):
        said.append(f"In {count - len(other)} of {count} the sigmoid itself is chosen.")
    missed = [(n.sigmoid.most_Hz, n.title) for n in other if _has_sigmoid(n)]
    if len(missed) == 1:
        said.append(
            f"The nearest sigmoid there (smallest rms error) misses by up to {missed[0][0]:.0f} Hz."
        )
    elif missed:
        (most, there), (least, here) = max(missed), min(missed)
        said.append(
            f"The nearest sigmoid (smallest rms error) misses by up to {least:.0f} Hz ({here}) to "
            f"{most:.0f} Hz ({there})."
        )
    fits = sum(bool(n.selection.fits[0].adequate) for n in fitted)
    said.append(
        f"The chosen curve fits in {fits} of {count}: at the 1 % level its errors are no larger "
        "than counting noise."
    )
    unclear = [n.title for n in fitted if _evidence(n) < CLEAR]
    if unclear:
        said.append(
            f"In {len(unclear)} of {count} ({'; '.join(unclear)}) the choice is undecided: a "
            "second family has nearly as much support."
        )
    return " ".join(said)


def _evidence(neuron: Fitted) -> float:
    """Return how many times as much evidence the best unit has as the second."""
    first, *others = neuron.selection.fits
    second = others[0].weight if others else 0.0
    return float(first.weight / second) if second > 0 else np.inf


def of_the_refused(neurons: Sequence[Fitted]) -> str:
    """Name the families that were not fitted to a neuron, and why."""
    told: dict[tuple[str, str], list[str]] = {}
    for neuron in neurons:
        for family, why in neuron.selection.refused.items():
            if family != "curve":
                told.setdefault((family, str(why)), []).append(neuron.title)
    return " ".join(
        f"The family {family} was fitted to none of the neurons. The reason: {why}."
        if len(titles) == len(neurons)
        else f"The family {family} was not fitted to {'; '.join(titles)}. The reason: {why}."
        for (family, why), titles in told.items()
    )


def left_out_by_units(numbers: Mapping[str, float]) -> str:
    """Say what a unit keeps of a neuron and what it leaves out.

    Parameters
    ----------
    numbers : mapping
        Of one spike, as for `of_the_neuron`.
    """
    left = float(numbers.get("epsp_left_at_soma", np.nan))
    share = (
        "."
        if not 0 < left < 1
        else f": {100 * left:.0f} % of the far synapse's effect reaches the soma. One fixed share "
        "would be a smaller weight, but the share differs from place to place."
    )
    return (
        "A unit keeps one thing, the firing rate at a steady current. It leaves out spike times "
        "and what the neuron did before (this page measures neither), and where on the dendrites "
        f"an input arrives{share}"
    )


def of_the_network(decision: Decision, networks: int = 1) -> str:
    """Say whether the network on neurons is equivalent to the trained one, and how sure.

    Parameters
    ----------
    decision : Decision
    networks : int
        How many times the network was trained, with as many held-out inputs each.
    """
    right = f"{100 * decision.ann:.1f} %"
    trained = (
        f"The trained network answers {right} of {decision.inputs} held-out {decision.things} "
        "correctly. Each hidden unit is then"
        if networks == 1
        else f"The network was trained {networks} times, each time with another "
        f"{decision.inputs // networks} {decision.things} held out, and answers {right} of these "
        f"{decision.inputs} correctly. Each hidden unit is then"
    )
    return (
        f"{trained} replaced by a spiking leaky integrate-and-fire neuron. Network and neurons "
        "count as equivalent if the 90 % interval "
        f"of their difference lies within ±{MARGIN:g} percentage points. "
        f"On neurons the network answers {_difference(decision)} correctly after "
        f"{decision.time_ms:g} ms (90 % interval of the accuracy lost: {decision.interval} "
        f"percentage points): {_verdict(decision)}."
    )


def of_the_wait(judged: Decision, last: Decision, p: float) -> str:
    """Say whether waiting longer than the time that is judged changes the answers.

    Parameters
    ----------
    judged, last : Decision
        At the time that is judged and at the longest one.
    p : float
        Of McNemar's test between the answers at both times.
    """
    if last.time_ms <= judged.time_ms:
        return ""
    shares = f"{100 * judged.neurons:.1f} to {100 * last.neurons:.1f} %"
    changes = f"{shares} (paired test over all answers, p = {p:.2g})"
    if p < 0.05:
        helps = "does not help" if last.neurons < judged.neurons else "helps"
        return f"Waiting until {last.time_ms:g} ms {helps}: the accuracy changes from {changes}."
    return (
        f"Waiting until {last.time_ms:g} ms makes no difference that chance would not make: the "
        f"accuracy changes from {changes}."
    )


def of_the_answers(
    answers: int,
    distinct: int,
    networks: int,
    wider_bars: float,
    wider_loss: float,
    things: tuple[str, str],
) -> str:
    """Say what the intervals of a network rest on, where inputs were held out more than once.

    Parameters
    ----------
    answers, distinct, networks : int
        Answers in all, different inputs among them, trainings.
    wider_bars, wider_loss : float
        Standard error of the accuracy on neurons, and of the accuracy lost, when answers to one
        input count as one observation, over that when all answers count as independent.
    things : tuple of str
        What an input is called, and several.
    """
    if networks == 1 or distinct == answers:
        return ""
    one, many = things
    return (
        f"The {answers} answers are to {distinct} different {many}, because each training chooses "
        "anew which to hold out. The bars (95 % intervals of a share, Wilson's) take all answers "
        f"as independent; with all answers to one {one} counted as one they would be "
        f"{wider_bars:.1f} times as wide. The 90 % interval of the accuracy lost is the wider of "
        f"two: over all answers, taken as independent ({wider_loss:.1f} times as wide if those to "
        f"one {one} counted as one), and over the {networks} trainings (Student's t)."
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
        f"{_verdict(decision)}."
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
    early: Decision,
    judged: Decision,
    count_noise: float,
    bias: float,
    counted_ms: float,
    own_curve: tuple[str, Sequence[Decision]] | None = None,
) -> list[str]:
    """Return three sentences: what is kept, what is lost, and what it costs.

    Parameters
    ----------
    early, judged : Decision
        At the shortest time and at the time that is judged.
    count_noise, bias : float
        Standard deviation of an activation that is read from spikes (1 is the whole range), and by
        how much the activation read from the mean rate is off (rms over inputs and units).
    counted_ms : float
        How long spikes are counted for it.
    own_curve : tuple of str and sequence of Decision, optional
        What the cell is called with whose curve another network was trained, and that network's
        decisions before the time that is judged.
    """
    kept = "The answers are kept" if judged.equivalent else "Whether the answers are kept is open"
    exponent = int(np.floor(np.log10(judged.atp)))
    raised = str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    points = early.lost.value
    slow = points >= 0.05
    early_on = (
        f"after {early.time_ms:g} ms the accuracy is {points:.1f} percentage points lower"
        if slow
        else f"after {early.time_ms:g} ms the accuracy is no lower"
    )
    if own_curve is not None:
        cell, decisions = own_curve
        losses = [
            f"{one.lost.value:.1f} points after {one.time_ms:g} ms"
            for one in decisions
            if one.lost.low is not None and one.lost.low > 0
        ]
        if losses:
            slow = True
            early_on += (
                f" (a network trained with the curve of the {cell} loses {and_list(losses)})"
            )
    return [
        f"{kept}: after {judged.time_ms:g} ms of input {100 * judged.neurons:.1f} % of the "
        f"held-out {judged.things} are answered correctly by the network with spiking neurons as "
        f"its hidden units, {100 * judged.ann:.1f} % by the trained network itself.",
        f"{'Speed and precision are' if slow else 'Precision is'} lost: {early_on}, and a hidden "
        f"unit's activation read over {counted_ms:g} ms scatters by {count_noise:.2f} (on a range "
        f"of 1); its mean is off by {bias:.2f} (rms), and waiting does not change that.",
        f"A decision after {judged.time_ms:g} ms takes {judged.spikes:.0f} spikes of the hidden "
        f"units; real neurons of a rodent would spend {judged.atp / 10**exponent:.1f}·10{raised} "
        f"molecules of ATP on it (on spikes, synapses and rest; prices of {HOWARTH.name}).",
    ]
