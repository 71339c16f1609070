"""Spikes of a known unit with a slow state, to try the fit on."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridge.slow_state.sweep_counts import SweepCounts
from bridge.units.slow_unit import SlowUnit

__all__ = ["draw_levels"]

Array = NDArray[np.float64]
_STEP_S = 0.005


def draw_levels(
    unit: SlowUnit,
    levels: list[list[tuple[float, float]]],
    seed: Any,
    *,
    shape: float = 1.0,
    driven_by: Literal["rate", "spikes"] = "rate",
    fast: tuple[float, float] = (0.0, 0.1),
) -> SweepCounts:
    """Draw spike trains with gamma-distributed intervals, at the rate of a unit with a slow state.

    Parameters
    ----------
    unit : SlowUnit
        A strength of 0 is a unit without a slow state.
    levels : list of lists of (float, float)
        Of each sweep: current (pA) and length (s) of its levels; all sweeps last equally long.
    seed : int or sequence of int
    shape : float
        Of the intervals: 1 is Poisson, more is more regular, less more variable.
    driven_by : {"rate", "spikes"}
        Whether the state follows the rate of the unit, or each spike adds to it, as sodium that a
        spike lets in.
    fast : (float, float)
        Strength (pA / Hz) and time constant (s) of ordinary adaptation besides.

    Returns
    -------
    SweepCounts

    Examples
    --------
    >>> from bridge.units import ReLU
    >>> unit = SlowUnit(ReLU(0.5, 100), strength=2.0, tau_s=5.0)
    >>> draw_levels(unit, [[(300.0, 4.0), (0.0, 4.0)]], seed=1).count[-3:].tolist()
    [0.0, 0.0, 0.0]
    """
    random = np.random.default_rng(seed)
    current = np.array(
        [
            np.concatenate([np.full(round(length / _STEP_S), amount) for amount, length in given])
            for given in levels
        ]
    )
    rows, steps = current.shape
    state, adapted, done = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    # In operational time the process has rate 1; it begins at a random moment of an interval.
    due = np.asarray(random.gamma(shape + 1, 1 / shape, size=rows) * random.random(size=rows))
    keep, keep_fast = np.exp(-_STEP_S / unit.tau_s), np.exp(-_STEP_S / fast[1])
    trains: list[list[float]] = [[] for _ in range(rows)]
    for i in range(steps):
        rate = np.asarray(unit.rate_at(current[:, i] - adapted, state))
        done += rate * _STEP_S
        fired = np.zeros(rows)
        while (over := done >= due).any():
            for row in np.flatnonzero(over):
                late = (done[row] - due[row]) / max(rate[row], 1e-12)
                trains[row].append((i + 1) * _STEP_S - min(late, _STEP_S))
            fired += over
            due[over] += random.gamma(shape, 1 / shape, size=int(over.sum()))
        drive = rate if driven_by == "rate" else fired / _STEP_S
        state = state * keep + drive * (1 - keep)
        adapted = adapted * keep_fast + fast[0] * rate * (1 - keep_fast)
    return SweepCounts.of_trains([np.array(train) for train in trains], levels)
