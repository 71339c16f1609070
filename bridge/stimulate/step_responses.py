"""Responses to steps of current, from a model or a recording, in one shape.

What a rate leaves out is seen here: spike times since the onset of each step, and the membrane
potential of a few of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, mV, pA, second, volt
from numpy.typing import NDArray

from bridge.counts.curve import FICurve
from bridge.counts.step_counts import StepCounts, bin_counts
from bridge.errors import CurveError
from bridge.stimulate.fi_curve import measure, trial_seeds
from neurosim import LIF, Constant, OrnsteinUhlenbeck, PointNeuron, Stimulus, WhiteNoise, simulate
from neurosim.describe.neuron import Neuron
from neurosim.errors import UnitError
from neurosim.quantities import check_quantity

__all__ = ["Responses", "Trace", "currents_for", "noise_stimulus", "of_recording", "run_steps"]

Array = NDArray[np.float64]

BINS_S = (0.0, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Edges within which firing after an onset is counted, as far as the step lasts."""
WIDEST_SEARCH_PA = np.geomspace(1.0, 1e5, 61)


@dataclass(frozen=True, eq=False)
class Trace:
    """Membrane potential during one step.

    Attributes
    ----------
    current_pA : float
    time_s : ndarray, shape (n,)
        Since the onset.
    voltage_mV : ndarray, shape (n,)
    """

    current_pA: float
    time_s: Array
    voltage_mV: Array


@dataclass(frozen=True, eq=False)
class Responses:
    """Spikes of every step, and some traces.

    Attributes
    ----------
    curve : FICurve
        Counts over the window that the unit is fitted to.
    current_pA : ndarray, shape (n,)
        Height of each step (pA), ascending.
    trains : list of ndarray
        Spike times since the onset of each (s).
    duration_s : float
        Length of the shortest step.
    traces : tuple of Trace
        A few of them.
    """

    curve: FICurve
    current_pA: Array
    trains: list[Array]
    duration_s: float
    traces: tuple[Trace, ...] = ()

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
    sd = check_quantity(noise, 50 * pA, "noise", at_least=0 * pA)
    return OrnsteinUhlenbeck(sd=sd) if float(sd) else None


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
    earlier than that.

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
    stimulus: Stimulus = Constant(0 * pA)
    if background is not None:
        stimulus = stimulus + background
    # Currents far beyond use make some models diverge: those rows are left out, strongest first.
    usable = tried
    while True:
        try:
            found = simulate(
                neuron,
                0.7 * second,
                stimulus=stimulus,
                batch={"constant.current": usable * pA},
                seed=trial_seeds(seed, len(usable)),
                engine=engine,
            )
            break
        except Exception:
            if np.abs(usable).max() <= 10:
                raise
            usable = usable[np.abs(usable) < np.abs(usable).max() * 0.5]
    rate = found.counts(0.2 * second) / 0.5
    firing = np.flatnonzero(rate >= 4.0)
    if not len(firing):
        raise CurveError(
            f"no sustained firing from {usable[0]:g} to {usable[-1]:g} pA",
            "give currents=, or check threshold and parameters",
        )
    first = int(firing[0])
    if first == 0:
        raise CurveError(
            f"fires at every current from {usable[0]:g} pA", "give currents= that include silence"
        )
    rheobase, silent = usable[first], usable[first - 1]
    scale = max(abs(rheobase), rheobase - silent, 1.0)
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
    dt: Quantity | None = None,
    seed: int = 0,
    engine: str = "auto",
    jobs: int = 1,
    progress: Callable[[float], None] | None = None,
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
    recording = measure(
        neuron,
        currents,
        duration=duration,
        settle=settle,
        trials=trials,
        background=background,
        dt=dt,
        seed=seed,
        engine=engine,
        jobs=jobs,
        progress=progress,
    )
    # Rows are in order of current, then of trial.
    amounts = np.repeat(np.sort(np.atleast_1d(np.asarray(currents / pA, dtype=float))), trials)
    trial = np.tile(np.arange(trials), recording.rows // trials)
    curve = FICurve(
        amounts,
        recording.counts(settle),
        np.full(recording.rows, float(duration / second)),
        trial,
        source=repr(neuron) if background is None else f"{neuron!r} with {background!r}",
        provenance={**recording.to_dict(), "settle_s": float(settle / second)},
        neuron=neuron.to_dict(),
        background=None if background is None else background.to_dict(),
    )
    trains = [np.asarray(train / second) for train in recording.spike_trains()]
    shown = _shown(amounts[trial == 0], [trains[i] for i in np.flatnonzero(trial == 0)])
    stimulus: Stimulus = Constant(0 * pA)
    if background is not None:
        stimulus = stimulus + background
    pictures = simulate(
        neuron,
        min(float(settle / second) + float(duration / second), 0.6) * second,
        stimulus=stimulus,
        batch={"constant.current": shown * pA},
        seed=seed,
        dt=dt,
        record=["v"],
        engine=engine,
    )
    time = pictures.trace_time_s
    traces = tuple(
        Trace(float(current), time, 1e3 * voltage)
        for current, voltage in zip(shown, np.asarray(pictures.trace("v") / volt), strict=True)
    )
    return Responses(curve, amounts, trains, recording.duration_s, traces)


def of_recording(cell: Any) -> Responses:
    """Take the steps of a recorded cell.

    Parameters
    ----------
    cell : CellRecording
        From `bridge.recordings.read`.

    Returns
    -------
    Responses

    Raises
    ------
    RecordingError
        There is no step, or no f-I curve in it; the message says why.
    """
    curve = cell.fi_curve()
    steps = sorted(
        (step for step in cell.steps if step.number == 1), key=lambda step: step.current_pA
    )
    currents = np.array([step.current_pA for step in steps])
    trains = [np.asarray(cell.spikes_in(step)) for step in steps]
    duration = min(step.duration_s for step in steps)
    traces = []
    for wanted in _shown(currents, trains):
        step = steps[int(np.argmin(np.abs(currents - wanted)))]
        sweep = cell.sweeps[step.sweep]
        first = round((step.start_s - 0.05) * sweep.sampling_rate_Hz)
        last = round((step.start_s + min(step.duration_s, 0.6) + 0.05) * sweep.sampling_rate_Hz)
        part = slice(max(first, 0), last)
        voltage = np.asarray(sweep.voltage_mV[part], dtype=float)
        time = (np.arange(len(voltage)) + max(first, 0)) / sweep.sampling_rate_Hz - step.start_s
        traces.append(Trace(step.current_pA, time, voltage))
    return Responses(curve, currents, trains, duration, tuple(traces))


def _shown(currents: Array, trains: Sequence[Array]) -> Array:
    """A silent current, the first that fires, one in the middle, and the strongest."""
    fired = [i for i, train in enumerate(trains) if len(train)]
    if not fired:
        return currents[-1:]
    first, last = fired[0], len(currents) - 1
    rows = {max(first - 1, 0), first, (first + last) // 2, last}
    return currents[sorted(rows)]
