"""A stimulus that shows what a cell remembers for seconds, and the counts it gives.

The same levels of current are tested after two histories: after seconds of silence and after
seconds of firing. The pairs of history and level come in an order drawn at random, so that neither
the f-I curve nor a slow drift of the cell can pass for a memory. The firing within the long
histories shows how fast the memory builds up.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, Unpack

import numpy as np
from brian2.units import Quantity, pA, second
from numpy.typing import NDArray

from bridge.counts.curve import FICurve
from bridge.errors import CurveError
from bridge.slow_state.sweep_counts import SKIP_S, SweepCounts
from bridge.stimulate.fi_curve import Running, trial_seeds
from neurosim import FrozenNoise, PointNeuron, Stimulus, simulate
from neurosim.describe.neuron import Neuron

__all__ = ["levels_for", "levels_of_cell", "run_levels", "slow_levels"]

Array = NDArray[np.float64]
Levels = list[tuple[float, float]]

HISTORY_S, TEST_S = 8.0, 4.0
"""Length of a history, and of the level that follows it (s)."""
SWEEPS, TESTED = 3, 6
"""Sweeps of a model, and levels in each."""
TOP_HZ = 80.0
"""The strongest level makes the cell fire at about this rate, if it can."""


def levels_for(curve: FICurve) -> Array:
    """The levels that are tested, chosen on a cell's f-I curve.

    Parameters
    ----------
    curve : FICurve
        Of short steps.

    Returns
    -------
    ndarray, shape (6,)
        Ascending (pA): the first silent, the others from the threshold up to where it fires at
        80 Hz or as fast as it can.

    Raises
    ------
    CurveError
        The cell never fires.

    Examples
    --------
    >>> curve = FICurve(np.arange(0.0, 500, 50), np.arange(10) * 10 - [0, 10, *[0] * 8], 1.0)
    >>> levels_for(curve).tolist()
    [0.0, 100.0, 175.0, 250.0, 325.0, 400.0]
    """
    currents, rate = curve.currents, curve.mean_rate_Hz()
    firing = np.flatnonzero(rate > 0)
    if not len(firing):
        raise CurveError("the cell never fires", "give larger currents", reason="silent")
    peak = int(np.argmax(rate))
    reached = np.flatnonzero(rate[: peak + 1] >= min(TOP_HZ, rate[peak]))
    top = float(currents[reached[0]])
    silent = currents[: firing[0]]
    low = float(silent[-1]) if len(silent) else float(currents[0])
    # At rest, where the cell is silent without a current.
    rest = 0.0 if len(silent) and low >= 0 else low
    first = float(currents[firing[0]])
    if not first < top:
        first = 0.5 * (low + top)
    return np.append(rest, np.linspace(first, top, TESTED - 1))


def slow_levels(levels_pA: Array, sweeps: int = SWEEPS, seed: int = 0) -> list[Levels]:
    """Every level after silence and after firing, in an order of its own in every sweep.

    Parameters
    ----------
    levels_pA : ndarray, shape (n,)
        Ascending; the first and the last are the histories.
    sweeps : int
    seed : int
        Of the orders.

    Returns
    -------
    list of lists of (float, float)
        Current (pA) and length (s) of the levels of each sweep.

    Examples
    --------
    >>> sum(length for _, length in slow_levels(np.linspace(0, 400, 6))[0])
    144.0
    """
    random = np.random.default_rng(seed)
    levels = np.asarray(levels_pA, dtype=float)
    pairs = [(history, level) for history in (levels[0], levels[-1]) for level in levels]
    made = []
    for _ in range(sweeps):
        rows: Levels = []
        for k in random.permutation(len(pairs)):
            history, level = pairs[k]
            rows += [(float(history), HISTORY_S), (float(level), TEST_S)]
        # Equal neighbours are one level.
        made.append(
            [
                (current, sum(length for _, length in same))
                for current, same in groupby(rows, lambda row: row[0])
            ]
        )
    return made


def run_levels(
    neuron: PointNeuron | Neuron,
    levels: list[Levels],
    *,
    background: Stimulus | None = None,
    seed: int = 0,
    **running: Unpack[Running],
) -> SweepCounts:
    """Give a model neuron levels of current, all sweeps as one batch.

    Parameters
    ----------
    neuron : PointNeuron or Neuron
        A neuron with extent is injected at its root.
    levels : list of lists of (float, float)
        Of each sweep: current (pA) and length (s); lengths are multiples of `TEST_S`.
    background : Stimulus, optional
        Injected on top.
    seed : int
        Every sweep has noise of its own.
    dt, engine, jobs, progress
        As in `neurosim.simulate`.

    Returns
    -------
    SweepCounts
    """
    rows = [
        np.concatenate([np.full(round(length / TEST_S), current) for current, length in given])
        for given in levels
    ]
    stimulus: Stimulus = FrozenNoise(np.array(rows) * pA, interval=TEST_S * second)
    if background is not None:
        stimulus = stimulus + background
    duration: Quantity = len(rows[0]) * TEST_S * second
    recording = simulate(
        neuron,
        duration,
        stimulus=stimulus,
        batch={"frozen_noise.channel": np.arange(len(rows))},
        seed=trial_seeds(seed, len(rows)),
        **running,
    )
    trains = [np.asarray(train / second) for train in recording.spike_trains()]
    return SweepCounts.of_trains(trains, levels, float(recording.dt / second))


def levels_of_cell(cell: Any) -> SweepCounts:
    """The long steps of a recorded cell, as counts in time.

    Every sweep counts as one that a rested cell begins: seconds of rest lie between sweeps.

    Parameters
    ----------
    cell : CellRecording
        From `bridge.recordings.read`.

    Raises
    ------
    CurveError
        Its steps are too short to show a memory of seconds.
    RecordingError
        There is no step.
    """
    steps = [answer.step for answer in cell.answers]
    longest = max(step.duration_s for step in steps)
    if longest < 2 * SKIP_S:
        raise CurveError(
            f"the longest step lasts {longest:.3g} s, and a memory of seconds shows only in longer "
            "ones",
            f"give steps of {4 * SKIP_S:g} s or more, at four currents or more",
        )
    # A measured current differs a little from sweep to sweep.
    currents = cell.nominal_pA(cell.answers)
    nominal = {id(step): pA for step, pA in zip(steps, currents, strict=True)}
    trains, levels = [], []
    for number in sorted({step.sweep for step in steps}):
        own = [step for step in steps if step.sweep == number]
        sweep, now = cell.sweeps[number], 0.0
        rows: Levels = []
        for step in sorted(own, key=lambda one: one.start_s):
            if step.start_s - now > 1e-6:
                rows.append((0.0, step.start_s - now))
            rows.append((nominal[id(step)], step.duration_s))
            now = step.stop_s
        if sweep.duration_s - now > 1e-6:
            rows.append((0.0, sweep.duration_s - now))
        levels.append(rows)
        trains.append(cell.spikes_s[number])
    rate = cell.sweeps[steps[0].sweep].sampling_rate_Hz
    return SweepCounts.of_trains(trains, levels, 1 / rate)
