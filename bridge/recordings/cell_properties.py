"""Properties of a recorded cell, from the steps it answered.

What a feature of a spike or step is stands in `neurosim.features`, which models are measured by
too; here is which steps serve for which property.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bridge.recordings.formats.sweeps import Sweep
from bridge.recordings.protocol import Step
from neurosim.features import membrane
from neurosim.features.properties import CellProperties
from neurosim.features.spike_detection import SpikeRule, bridged
from neurosim.features.spike_intervals import adaptation_index
from neurosim.features.spike_shape import SpikeShape, spike_shapes
from neurosim.features.step import step_features

__all__ = ["StepAnswer", "input_resistance", "properties"]

Array = NDArray[np.float64]

# A passive step must last so long to settle (s).
_SETTLED_S = 0.05
# What of the first spikes a cell is described by.
_OF_SPIKES = ("threshold_mV", "peak_mV", "amplitude_mV", "width_ms", "ahp_mV", "upstroke_V_per_s")


@dataclass(frozen=True, eq=False)
class StepAnswer:
    """One step of current with what the cell answered; what is told of it is computed once.

    Parameters
    ----------
    step : Step
        The step, or a test pulse.
    sweep : Sweep
        The sweep it is in.
    spikes_s : ndarray, shape (n,)
        Times of the spikes' peaks from the start of the step (s).
    from_holding : bool
        Whether the holding current flows just before it, and no pre-pulse.
    rule : SpikeRule
        By which the spikes were found.
    fires_from_pA : float
        Weakest current above holding at which the cell fires anywhere in the recording; infinite
        if it never does.
    """

    step: Step
    sweep: Sweep
    spikes_s: Array
    from_holding: bool
    rule: SpikeRule
    fires_from_pA: float = float("inf")

    @property
    def amplitude_pA(self) -> float:
        """Current above holding (pA)."""
        return self.step.amplitude_pA

    @cached_property
    def baseline_mV(self) -> float:
        """Median potential over the 50 ms before the step (mV); nan where it opens the sweep."""
        return membrane.baseline(
            self.sweep.voltage_mV, self.sweep.sampling_rate_Hz, self.step.start_s
        )

    @cached_property
    def steady_mV(self) -> float:
        """Median potential over the last fifth of the step (mV)."""
        step = self.step
        return membrane.steady(
            self.sweep.voltage_mV, self.sweep.sampling_rate_Hz, step.start_s, step.stop_s
        )

    @property
    def is_blocked(self) -> bool:
        """Whether the step ends in depolarisation block.

        Block ends firing: it needs a current, this one or a weaker one, at which the cell fires.
        A membrane that never fires is passive or silent, however far it is depolarised.
        """
        return (
            self.amplitude_pA > 0
            and self.amplitude_pA >= self.fires_from_pA
            and membrane.is_blocked(self.spikes_s, self.step.duration_s, self.steady_mV)
        )

    def shapes(self, most: int | None = None) -> list[SpikeShape]:
        """Return the shape of each spike, or of the first `most`; transients are bridged."""
        step, sweep, rule = self.step, self.sweep, self.rule
        peaks = [sweep.index(step.start_s + t) for t in self.spikes_s]
        stop = step.stop_s
        if most is not None and len(peaks) > most:
            peaks, stop = peaks[:most], peaks[most] / sweep.sampling_rate_Hz
        edges = (step.start_s, step.stop_s)
        return spike_shapes(
            bridged(sweep.voltage_mV, sweep.sampling_rate_Hz, edges, rule),
            sweep.sampling_rate_Hz,
            peaks,
            start_s=step.start_s,
            skip_s=rule.artefact_s,
            stop_s=stop,
        )

    @cached_property
    def first_spike(self) -> SpikeShape | None:
        """Shape of the first spike."""
        return self.shapes(1)[0] if len(self.spikes_s) else None

    def features(self) -> dict[str, float | bool]:
        """Return which step it is, and `neurosim.features.step.step_features`."""
        step, sweep = self.step, self.sweep
        told = step_features(
            sweep.voltage_mV,
            sweep.sampling_rate_Hz,
            step.start_s,
            step.stop_s,
            self.spikes_s,
            self.first_spike,
        )
        return {
            "sweep": sweep.number,
            "step": step.number,
            "current_pA": step.amplitude_pA,
            "holding_pA": step.holding_pA,
            **told,
            "blocked": self.is_blocked,
        }


def input_resistance(
    steps: Sequence[StepAnswer], pulses: Sequence[StepAnswer] = (), *, while_firing: bool = False
) -> float:
    """Input resistance from the steady answer to steps (Mohm).

    Least squares through the origin over hyperpolarising steps and pulses from the holding
    current; where there are none, over steps without a spike.

    Parameters
    ----------
    steps, pulses : sequence of StepAnswer
        Steps in which spikes are counted, and test pulses.
    while_firing : bool
        Whether steps with spikes may serve where there are no others: a slope of the firing cell,
        good for an order of magnitude only.

    Returns
    -------
    float
        nan where no step serves.
    """
    passive = _passive([*steps, *pulses])
    chosen = _hyperpolarising(steps, pulses) or [a for a in passive if not len(a.spikes_s)]
    if not chosen and while_firing:
        chosen = passive
    if not chosen:
        return float("nan")
    amps = np.array([a.amplitude_pA for a in chosen])
    volts = np.array([a.steady_mV - a.baseline_mV for a in chosen])
    return float(1e3 * np.sum(volts * amps) / np.sum(amps**2))


def _time_constant(answers: Sequence[StepAnswer]) -> float:
    """Time constant of the charging membrane (ms).

    One exponential through the onset of hyperpolarising steps, up to their lowest point (before
    any sag); the median over the steps. Nan where there is none.
    """
    found = []
    for answer in answers:
        sweep, step = answer.sweep, answer.step
        start, stop = sweep.index(step.start_s + 0.0005), sweep.index(step.stop_s)
        blur = answer.rule.smoothing_s * sweep.sampling_rate_Hz
        volts = gaussian_filter1d(sweep.voltage_mV, blur)[start:stop]
        depth = answer.baseline_mV - volts.min()
        noise = float(np.std(np.diff(sweep.voltage_mV[start:stop]))) / np.sqrt(2)
        # To where 95 % of the way is done: what follows is sag and drift.
        reach = int(np.argmax(volts <= volts.min() + 0.05 * depth)) + 1
        if not depth > max(1.0, 5 * noise) or reach < 10:
            continue
        tau = membrane.exponential_time_constant(
            np.arange(reach) / sweep.sampling_rate_Hz, volts[:reach]
        )
        if 0 < tau < step.duration_s:
            found.append(1e3 * tau)
    return float(np.median(found)) if found else float("nan")


def _sag(answers: Sequence[StepAnswer]) -> float:
    """Sag ratio of the largest hyperpolarisation; nan without one of more than 1 mV."""
    if not answers:
        return float("nan")
    answer = min(answers, key=lambda a: a.amplitude_pA)
    sweep, step = answer.sweep, answer.step
    lowest = membrane.extreme(sweep.voltage_mV, sweep.sampling_rate_Hz, step.start_s, step.stop_s)
    if not lowest - answer.baseline_mV < -1:
        return float("nan")
    return membrane.sag_ratio(lowest, answer.steady_mV, answer.baseline_mV)


def properties(steps: Sequence[StepAnswer], pulses: Sequence[StepAnswer] = ()) -> CellProperties:
    """Everything `CellProperties` lists.

    Parameters
    ----------
    steps : sequence of StepAnswer
        Steps in which spikes are counted.
    pulses : sequence of StepAnswer
        Test pulses, which tell of the passive membrane as well.

    Returns
    -------
    CellProperties
        Of the spike's shape the medians over the first spike of each step that fires.
    """
    firing = [a for a in steps if len(a.spikes_s)]
    rheobase = min((a.amplitude_pA for a in firing), default=float("nan"))
    down = _hyperpolarising(steps, pulses)
    resistance, tau = input_resistance(steps, pulses), _time_constant(down)
    rests = np.array([a.baseline_mV for a in steps if a.from_holding])
    twice = min(firing, key=lambda a: abs(a.amplitude_pA - 2 * rheobase), default=None)

    return CellProperties(
        rest_mV=_median(rests),
        input_resistance_Mohm=resistance,
        time_constant_ms=tau,
        capacitance_pF=1e3 * tau / resistance if resistance > 0 else float("nan"),
        sag_ratio=_sag(down),
        rheobase_pA=rheobase,
        **{name: _median([getattr(a.first_spike, name) for a in firing]) for name in _OF_SPIKES},
        adaptation_index=float("nan")
        if twice is None
        else adaptation_index(np.diff(twice.spikes_s)),
        largest_rate_Hz=max(len(a.spikes_s) / a.step.duration_s for a in steps),
        blocked_from_pA=min((a.amplitude_pA for a in steps if a.is_blocked), default=float("nan")),
    )


def _median(values: Sequence[float] | Array) -> float:
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if len(known) else float("nan")


def _passive(answers: Sequence[StepAnswer]) -> list[StepAnswer]:
    """Steps and pulses that start from the holding current and last long enough to settle."""
    return [
        a
        for a in answers
        if a.amplitude_pA != 0
        and a.from_holding
        and a.step.duration_s >= _SETTLED_S
        and a.step.start_s > 0
    ]


def _hyperpolarising(steps: Sequence[StepAnswer], pulses: Sequence[StepAnswer]) -> list[StepAnswer]:
    """Passive steps below the holding current; those before any firing where there are some.

    The currents that follow firing shunt the membrane for a second and more.
    """
    down = [a for a in _passive([*steps, *pulses]) if a.amplitude_pA < 0 and not len(a.spikes_s)]
    pushed = [(a.step.sweep, a.step.start_s) for a in steps if a.amplitude_pA > 0]
    rested = [
        a
        for a in down
        if not any(k == a.step.sweep and start < a.step.start_s for k, start in pushed)
    ]
    return rested or down
