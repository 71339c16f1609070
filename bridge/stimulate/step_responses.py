"""Responses to steps of current, from a model or a recording, in one shape.

What a rate leaves out is seen here: spike times since the onset of each step, and the membrane
potential of a few of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
from brian2.units import Quantity, have_same_dimensions, mV, pA, second
from numpy.typing import NDArray

from bridge.counts.curve import FICurve
from bridge.counts.step_counts import StepCounts, bin_counts
from bridge.errors import CurveError
from bridge.stimulate.fi_curve import Running, curve_of, measure, steps_on, trial_seeds
from bridge.stimulate.model_properties import (
    PASSIVE,
    passive_of_run,
    probe_current_pA,
    properties_of_run,
    rest_error_mV,
)
from neurosim import LIF, OrnsteinUhlenbeck, PointNeuron, Stimulus, WhiteNoise, simulate
from neurosim.describe.neuron import Neuron
from neurosim.errors import UnitError
from neurosim.features.properties import CellProperties
from neurosim.quantities import check_quantity

__all__ = [
    "Responses",
    "Trace",
    "currents_for",
    "noise_in_words",
    "noise_stimulus",
    "of_recording",
    "run_steps",
]

Array = NDArray[np.float64]

BINS_S = (0.0, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Edges within which firing after an onset is counted, as far as the step lasts."""
# How much of a step is drawn, and what stands before it (s).
_SHOWN_S, _BEFORE_S = 0.6, 0.05
# Time constants after which a membrane has charged, the longest step that is run for it, and one
# after which a membrane whose time constant cannot be told is left as it is.
_SETTLED_TAUS, _LONGEST_S, _SURELY_LONG_S = 5.0, 20.0, 0.5
WIDEST_SEARCH_PA = np.geomspace(1.0, 1e5, 61)
# By how much more than where it begins a cell in noise fires once it fires for good.
_OFTEN_HZ = 20.0


@dataclass(frozen=True, eq=False)
class Trace:
    """Membrane potential during one step.

    Attributes
    ----------
    current_pA : float
        As the curve names it.
    time_s : ndarray, shape (n,)
        Since the onset.
    voltage_mV : ndarray, shape (n,)
    spikes_s : ndarray, shape (m,)
        Spike times since the onset: the trace of a neuron that is reset does not show them.
    """

    current_pA: float
    time_s: Array
    voltage_mV: Array
    spikes_s: Array


@dataclass(frozen=True, eq=False)
class Responses:
    """Spikes of every step, and some traces.

    Attributes
    ----------
    curve : FICurve
        Counts over the window that the unit is fitted to.
    current_pA : ndarray, shape (n,)
        Height of each step (pA), ascending; the same current as in `curve`.
    trains : list of ndarray
        Spike times since the onset of each (s).
    duration_s : float
        Length of the shortest step.
    traces : tuple of Trace
        A few of them.
    properties : CellProperties or None
        Rest, input resistance, time constant, spike shape and the like.
    rest_error_mV : float
        Half a 95 % interval of the resting potential; 0 without noise.
    """

    curve: FICurve
    current_pA: Array
    trains: list[Array]
    duration_s: float
    traces: tuple[Trace, ...] = ()
    properties: CellProperties | None = None
    rest_error_mV: float = 0.0

    def counts(self) -> StepCounts:
        """Spikes in bins after the onset, as the adaptive unit is fitted to.

        Repeats that are copies of each other, as those of a model without noise, count once.
        """
        inside = [edge for edge in BINS_S if edge < 0.8 * self.duration_s]
        edges = np.array([*inside, self.duration_s])
        count = bin_counts(self.trains, edges)
        _, first, index = np.unique(self.current_pA, return_index=True, return_inverse=True)
        if len(first) < len(index) and np.array_equal(count, count[first][index]):
            return StepCounts(self.current_pA[first], edges, count[first])
        return StepCounts(self.current_pA, edges, count)


def noise_stimulus(noise: Quantity | Stimulus | None, neuron: PointNeuron) -> Stimulus | None:
    """Background noise of a given strength.

    Parameters
    ----------
    noise : Quantity or Stimulus, optional
        In volt: white noise that makes the free membrane of a `LIF` fluctuate so much. In ampere:
        the standard deviation of an Ornstein-Uhlenbeck current, correlated over 5 ms. Any stimulus
        is taken as it is.
    neuron : PointNeuron

    Returns
    -------
    Stimulus or None
    """
    if noise is None or isinstance(noise, Stimulus):
        return noise
    if isinstance(noise, Quantity) and noise.dim == mV.dim:
        if not isinstance(neuron, LIF):
            raise UnitError(
                f"noise in volt needs the passive membrane of a LIF; for {type(neuron).__name__} "
                "give the standard deviation of the noise current, such as 50*pA"
            )
        return WhiteNoise.for_membrane(noise, neuron) if float(noise) else None
    like = 3 * mV if isinstance(neuron, LIF) and have_same_dimensions(noise, 1) else 50 * pA
    sd = check_quantity(noise, like, "noise", at_least=0 * pA)
    return OrnsteinUhlenbeck(sd=sd) if float(sd) else None


def noise_in_words(noise: Quantity | Stimulus | None, background: Stimulus) -> str:
    """Say what `noise_stimulus` made of a wish.

    Examples
    --------
    >>> noise_in_words(3 * mV, WhiteNoise.for_membrane(3 * mV, LIF()))
    'white noise; the membrane without threshold fluctuates by 3 mV (SD)'
    """
    if isinstance(noise, Quantity) and noise.dim == mV.dim:
        told = f"{float(noise / mV):g} mV (SD)"
        return f"white noise; the membrane without threshold fluctuates by {told}"
    if isinstance(noise, Quantity):
        return f"Ornstein-Uhlenbeck current of {float(noise / pA):g} pA (SD), correlated over 5 ms"
    return repr(background)


def currents_for(
    neuron: PointNeuron,
    *,
    points: int = 25,
    background: Stimulus | None = None,
    engine: str = "auto",
    seed: int = 0,
) -> Quantity:
    """Find currents that show where a neuron begins to fire and how its rate goes on.

    One batch of steps from 1 pA to 100 nA, in half a second each, finds the rheobase; the currents
    then run from half of it below to four times above, or on through a block where the rate falls
    earlier than that. In noise they run at least as far again as to where the rate is 20 Hz higher.

    Parameters
    ----------
    neuron : PointNeuron
    points : int
        How many currents.
    background : Stimulus, optional
    engine, seed
        As in `simulate`.

    Returns
    -------
    Quantity, shape (points,)

    Raises
    ------
    CurveError
        It never fires, or at every current tried.
    """
    tried = np.concatenate([-WIDEST_SEARCH_PA[::-1], [0.0], WIDEST_SEARCH_PA])
    # Currents far beyond use make some models diverge: those rows are left out, strongest first.
    usable = tried
    # Traced as the steps to come are, so that one compiled program serves both.
    same: dict[str, Any] = {}
    if isinstance(neuron, PointNeuron):
        same = {"record": ["v"], "record_rows": [0]}
    while True:
        try:
            found = simulate(
                neuron,
                0.7 * second,
                stimulus=steps_on(background),
                batch={"constant.current": usable * pA},
                seed=trial_seeds(seed, len(usable)),
                engine=engine,
                **same,
            )
            break
        except Exception:
            if np.abs(usable).max() <= 10:
                raise
            usable = usable[np.abs(usable) < np.abs(usable).max() * 0.5]
    rate = found.counts(0.2 * second) / 0.5
    firing = np.flatnonzero(rate >= 4.0)
    if not len(firing):
        tried_pA = f"from {usable[0]:g} to {usable[-1]:g} pA"
        raise CurveError(
            f"the neuron goes on firing at no current {tried_pA}, only at the onset of a step"
            if found.counts().any()
            else f"the neuron never fires {tried_pA}",
            "give currents= (--currents), or check its threshold and parameters",
            reason="silent",
        )
    first = int(firing[0])
    if first == 0:
        raise CurveError(
            f"the neuron fires at every current from {usable[0]:g} pA",
            "give currents= (--currents) that include silence",
        )
    rheobase, silent = usable[first], usable[first - 1]
    scale = max(abs(rheobase), rheobase - silent, 1.0)
    if background is not None:
        # Noise alone may make a cell fire now and then, so that it does near 0 pA: how large
        # currents are that matter to it is then told by those at which it fires for good.
        often = np.flatnonzero(rate >= rate[first] + _OFTEN_HZ)
        if len(often):
            scale = max(scale, (usable[often[0]] - rheobase) / 2)
    top = rheobase + 4 * scale
    peak = int(np.argmax(rate))
    if usable[peak] < top and rate[-1] < 0.5 * rate[peak]:
        top = min(top, 2.5 * usable[peak])
    return np.linspace(rheobase - 0.8 * scale, top, points).round(3) * pA


def run_steps(
    neuron: PointNeuron | Neuron,
    currents: Quantity,
    *,
    duration: Quantity = 1 * second,
    settle: Quantity = 0.2 * second,
    trials: int = 1,
    background: Stimulus | None = None,
    seed: int = 0,
    **running: Unpack[Running],
) -> Responses:
    """Give a model neuron steps from rest, all in one batch.

    Parameters
    ----------
    neuron : PointNeuron or Neuron
        A neuron with extent is injected at its root.
    currents : Quantity array
        Heights of the steps.
    duration, settle, trials, background, dt, seed, engine, jobs, progress
        As in `fi_curve`; the onset, `settle` long, is kept for adaptation and left out of the rate.

    Returns
    -------
    Responses
    """
    given = check_quantity(currents, 100 * pA, "fi_curve: currents", many=1)
    distinct = np.sort(np.atleast_1d(np.asarray(given, dtype=float)) * 1e12)
    recording = measure(
        neuron,
        currents,
        duration=duration,
        settle=settle,
        trials=trials,
        background=background,
        seed=seed,
        traced=np.array([0.0, probe_current_pA(distinct)]) * pA,
        **running,
    )
    # Rows are in order of current, then of trial; the traced currents come last.
    amounts = np.repeat(distinct, trials)
    curve = curve_of(recording, neuron, amounts, background, settle, duration)
    trains = [np.asarray(train / second) for train in recording.spike_trains()[: len(amounts)]]
    shown = _shown(distinct, trains[::trials])
    time = recording.trace_time_s
    seen = time <= _SHOWN_S
    traces = tuple(
        Trace(
            float(distinct[k]),
            time[seen],
            1e3 * recording.traces_si["v"][np.searchsorted(recording.trace_rows, k * trials)][seen],
            trains[k * trials],
        )
        for k in shown
    )
    start = float(settle / second)
    told = properties_of_run(recording, amounts, trains, start)
    rested, probe = recording, probe_current_pA(distinct)
    # Noise and the answer to a step add up only in a linear membrane: others are measured without.
    quiet = background if isinstance(neuron, LIF) else None
    noisy, lasting = quiet is not background, recording.duration_s
    # The progress of more runs would go back to 0.
    running["progress"] = None
    while noisy or _too_short(lasting, told):
        noisy = False
        if _too_short(lasting, told):
            # Steps that end before the membrane has charged tell too small a resistance.
            needed = 2 * _SETTLED_TAUS * 1e-3 * np.nan_to_num(told.time_constant_ms)
            lasting = min(max(needed, 4 * lasting), _LONGEST_S)
        rested = measure(
            neuron,
            np.zeros(1) * pA,
            duration=lasting * second,
            settle=0 * second,
            background=quiet,
            seed=seed,
            traced=np.array([0.0, probe]) * pA,
            **running,
        )
        # A neuron that fires when left alone has no rest, and nothing passive to measure.
        told = replace(told, **dict.fromkeys(PASSIVE, np.nan) | passive_of_run(rested, probe))
    unsure = rest_error_mV(rested, told.time_constant_ms)
    return Responses(curve, amounts, trains, recording.duration_s, traces, told, unsure)


def _too_short(duration_s: float, told: CellProperties) -> bool:
    """Whether a membrane that rests has not charged within a step, so that it is given a longer."""
    if not np.isfinite(told.rest_mV) or duration_s >= _LONGEST_S:
        return False
    tau = told.time_constant_ms
    return duration_s < (_SETTLED_TAUS * 1e-3 * tau if np.isfinite(tau) else _SURELY_LONG_S)


def of_recording(
    cell: Any,
    *,
    step: int | None = None,
    window: tuple[float, float] | None = None,
    trial: int | None = None,
) -> Responses:
    """Take the steps of a recorded cell.

    Parameters
    ----------
    cell : CellRecording
        From `bridge.recordings.read`.
    step, window : optional
        As in `CellRecording.fi_curve`; the window is that of the curve alone.
    trial : int, optional
        The one repeat of each current that is used.

    Returns
    -------
    Responses

    Raises
    ------
    RecordingError
        There is no step, or no f-I curve in it; the message says why.
    CurveError
        There is no such trial.
    """
    curve = cell.fi_curve(step, window)
    # The steps of the curve itself, at the current above holding that they stand at in it.
    pairs = cell.curve_steps(step)
    if trial is not None:
        kept = curve.trial == trial
        curve = curve.only_trial(trial)
        pairs = [pair for pair, keep in zip(pairs, kept, strict=True) if keep]
    steps = [one for _, one in pairs]
    currents = np.array([amount for amount, _ in pairs])
    trains = [np.asarray(cell.spikes_in(one)) for one in steps]
    duration = min(one.duration_s for one in steps)
    traces = []
    for k in _shown(currents, trains):
        shown, sweep = steps[k], cell.sweeps[steps[k].sweep]
        rate = sweep.sampling_rate_Hz
        first = max(round((shown.start_s - _BEFORE_S) * rate), 0)
        last = round((shown.start_s + min(shown.duration_s, _SHOWN_S) + _BEFORE_S) * rate)
        voltage = np.asarray(sweep.voltage_mV[first:last], dtype=float)
        time = (np.arange(len(voltage)) + first) / rate - shown.start_s
        traces.append(Trace(float(currents[k]), time, voltage, trains[k]))
    return Responses(curve, currents, trains, duration, tuple(traces), cell.properties)


def _shown(currents: Array, trains: Sequence[Array]) -> list[int]:
    """Rows of a hyperpolarised or silent current, the first that fires, a middle one, the last."""
    firsts = np.unique(currents, return_index=True)[1]
    fired = [k for k, row in enumerate(firsts) if len(trains[row])]
    last = len(firsts) - 1
    if not fired:
        chosen = {0, last}
    else:
        first = fired[0]
        below = 0 if currents[firsts[0]] < 0 else max(first - 1, 0)
        chosen = {below, first, (first + last) // 2, last}
    return [int(firsts[k]) for k in sorted(chosen)]
