"""The likelihood of counts in time, with and without a slow state.

If the state is driven by the spikes that were counted, the expected count of each bin follows from
the bins before it, and the product over bins is the likelihood of the whole history. This is the
case of sodium that each spike lets in. It is fast to compute, and every family is compared by it.
If the state follows the rate of the unit itself, chance in the counts leaves no trace in the state.
The best unit is fitted with this drive as well. The count of each bin has the distribution of
`bridge.counts.likelihood`: that of a cell whose intervals have a given regularity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.linalg.lapack import dtbtrs

from bridge.choice.count_scoring import CountScoring
from bridge.counts.likelihood import rough_variance
from bridge.counts.likelihood_table import lookup
from bridge.slow_state.sweep_counts import SweepCounts
from bridge.units import Unit
from bridge.units.fitting import problem, starting_points
from bridge.units.slow_unit import Effect, advance, follow, slowed

__all__ = ["FASTEST_S", "SLOWEST_S", "Driver", "LevelScoring", "SlowScoring", "Timeline"]

Array = NDArray[np.float64]
Driver = Literal["spikes", "rate"]

FASTEST_S, SLOWEST_S = 0.5, 200.0
"""Time constants that are tried (s)."""
GRID = 120
"""Time constants of the table of states."""
STRONGEST = 1e4
"""Largest strength, in pA / Hz."""
JOINED = 1e-10
"""The last round moves no state by more than this share of the largest, plus 1 Hz; what is left
after it is some 500 times smaller."""
SILENT_HZ = 1e-4
"""A rate below this is taken as this, so that an unforeseen spike costs much, not infinity."""


@dataclass(frozen=True, eq=False)
class Timeline:
    """Counts in time, arranged for fitting under a regularity of spiking.

    Attributes
    ----------
    counts : SweepCounts
    shape : float or ndarray, shape (judged bins,)
        Regularity of spiking; 1 is Poisson.
    """

    counts: SweepCounts
    shape: float | Array = 1.0

    @cached_property
    def judged(self) -> NDArray[np.int64]:
        """Positions of the judged bins."""
        return np.flatnonzero(self.counts.judged)

    @cached_property
    def count(self) -> Array:
        """Spikes in each judged bin."""
        return self.counts.count[self.judged]

    @cached_property
    def width(self) -> Array:
        """Length of each judged bin (s)."""
        return self.counts.window_s[self.judged]

    @cached_property
    def current(self) -> Array:
        """Current in each judged bin (pA)."""
        return self.counts.current_pA[self.judged]

    def states(self, tau: Array) -> Array:
        """Slow state at the beginning of each judged bin under some time constants, (b, n) (Hz)."""
        kinds, which = np.unique(np.log(tau), return_inverse=True)
        return np.asarray(self._splines(kinds)[which])

    @cached_property
    def _splines(self) -> CubicSpline:
        # The states are smooth in the time constant, and a fit asks for them a thousand times.
        grid = np.linspace(np.log(0.9 * FASTEST_S), np.log(1.1 * SLOWEST_S), GRID)
        return CubicSpline(grid, self.exact_states(np.exp(grid)))

    @cached_property
    def place(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of every bin where each sweep is a row."""
        _, sweep = np.unique(self.counts.sweep, return_inverse=True)
        return sweep, np.arange(len(sweep)) - np.searchsorted(sweep, sweep)

    def table(self, column: Array) -> Array:
        """A column of the counts with a row for each sweep; 0 after its end."""
        sweep, place = self.place
        made = np.zeros((int(sweep[-1]) + 1, int(place.max()) + 1))
        made[sweep, place] = column
        return made

    def judged_of(self, table: Array) -> Array:
        """The judged bins of tables of shape (b, sweeps, bins), (b, n)."""
        sweep, place = self.place
        return np.asarray(table[:, sweep[self.judged], place[self.judged]])

    def exact_states(self, tau: Array) -> Array:
        """As `states`, bin by bin and not from the table that it looks up."""
        width = self.table(self.counts.window_s)
        rate = self.table(self.counts.count / self.counts.window_s)
        state = np.zeros((len(tau), len(width)))
        every = np.empty((len(tau), *width.shape))
        for i in range(width.shape[1]):
            every[..., i] = state
            lost = -np.expm1(-width[:, i] / tau[:, None])
            state = state + (rate[:, i] - state) * lost
        return self.judged_of(every)

    def log_likelihood(self, mean: Array) -> Array:
        """Of each row of expected counts, shape (b,)."""
        return np.asarray(lookup(self.count, self.shape)(mean)[0].sum(axis=-1))

    def score(self, mean: Array) -> tuple[Array, Array]:
        """Slope and information of each expected count."""
        _, slope = lookup(self.count, self.shape)(mean)
        return slope, 1 / rough_variance(mean, self.shape)


class SlowScoring(CountScoring):
    """A family with a slow state, or without one, and the counts it is fitted to.

    The last two coordinates are the logarithms of strength and time constant.

    Parameters
    ----------
    family : type of Unit
        Of the onset curve.
    timeline : Timeline
    effect : {"subtractive", "divisive"} or None
        What the state does; None where there is none.
    drive : {"spikes", "rate"}
        Whether the spikes that were counted drive the state, or the rate of the unit itself. The
        second takes several times as long.
    """

    def __init__(
        self,
        family: type[Unit],
        timeline: Timeline,
        effect: Effect | None,
        drive: Driver = "spikes",
    ) -> None:
        self.family, self.timeline, self.effect = family, timeline, effect
        self.profile_gain = 1e-3
        self.drive: Driver = drive
        self.base = problem(family, timeline.counts.curve().statistics())
        self.low, self.high, self.logs = self.base.lower, self.base.upper, self.base.logarithmic
        if effect is not None:
            self.low = np.append(self.low, np.log([1e-7, FASTEST_S]))
            self.high = np.append(self.high, np.log([STRONGEST, SLOWEST_S]))
            self.logs = np.append(self.logs, [True, True])
        self.span = float(np.ptp(timeline.current)) or 1.0

    @property
    def size(self) -> int:
        """Number of parameters."""
        return len(self.low)

    def mean(self, z: Array) -> Array:
        current, width = self.timeline.current, self.timeline.width
        if self.effect is None:
            rate = self.family.evaluate(self.base.theta(z), current, **self.base.settings)
            return np.asarray(np.maximum(rate, SILENT_HZ) * width)
        theta, effect = self.base.theta(z[:, :-2]), self.effect
        strength, tau = np.exp(z[:, -2, None]), np.exp(z[:, -1])
        settings = self.base.settings
        whole = self.drive == "rate"
        if whole:
            # Of all bins, sweep by sweep.
            current = self.timeline.table(self.timeline.counts.current_pA)
            theta, strength = theta[:, None], strength[:, None]

        def rate_of(state: Array) -> Array:
            return slowed(self.family, theta, settings, effect, current, strength, state)

        if whole:
            rate = self.timeline.judged_of(self._own_rates(rate_of, tau))
        else:
            rate, _ = advance(rate_of, self.timeline.states(tau), width, tau[:, None])
        return np.asarray(np.maximum(rate, SILENT_HZ) * width)

    def _own_rates(self, rate_of: Callable[[Array], Array], tau: Array) -> Array:
        """Rates of all bins where the state follows the rate of the unit, (b, sweeps, bins).

        The states at the beginning of all bins are found at once. From a guess of them, the state
        at the end of each bin is followed, with what it keeps of a small change at the beginning;
        the bins are then joined, which is a linear recurrence. Newton's method: six or seven
        rounds, in a quarter of the time of going from bin to bin. Each round makes at least one bin
        more of every sweep exact, so that there is an end to it.
        """
        width = self.timeline.table(self.timeline.counts.window_s)
        part = width / tau[:, None, None]
        state, below = np.zeros_like(part), np.zeros((2, part.size))
        for _ in range(width.shape[1] + 1):
            rate, end, kept = follow(rate_of, state, part)
            kept[..., -1] = 0.0
            rest = np.zeros_like(state)
            rest[..., 1:] = (end - kept * state)[..., :-1]
            below[1] = -kept.ravel()
            joined, _ = dtbtrs(below, rest.reshape(-1, 1), uplo="L", diag="U")
            old, state = state, joined.reshape(state.shape)
            if np.abs(state - old).max() < JOINED * (1.0 + state.max()):
                break
        return rate

    def log_likelihood(self, mean: Array) -> Array:
        return self.timeline.log_likelihood(mean)

    def score(self, mean: Array) -> tuple[Array, Array]:
        return self.timeline.score(mean)

    def best(self, near: Array | None = None, least: float = -np.inf) -> tuple[float, Array]:
        """The fit: log-likelihood and coordinates.

        Parameters
        ----------
        near : ndarray, shape (p,), optional
            Coordinates of the fit without a slow state.
        least : float
            A log-likelihood below this is of no interest: a search that does not come up to it at
            the pace of its last step is given up.
        """
        if self.effect is None:
            starts, _, _ = starting_points(self.base, keep=4)
            return _climb(self, starts)
        top = max(float((self.timeline.count / self.timeline.width).max()), 1.0)
        reach = self.span if self.effect == "subtractive" else 1.0
        begin = self.base.lower if near is None else near
        tries = [
            np.concatenate([begin, np.log([reach / top * share, tau])])
            for share in (0.1, 0.5)
            for tau in (1.5, 5.0, 20.0)
        ]
        return _climb(self, np.array(tries), least)


class LevelScoring(CountScoring):
    """A rate of its own at every current, without a slow state: a curve of any form.

    Parameters
    ----------
    timeline : Timeline
    """

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.levels, self.index = np.unique(timeline.current, return_inverse=True)
        shape = self.levels.shape
        self.low, self.high = np.full(shape, np.log(SILENT_HZ)), np.full(shape, np.log(1e4))
        self.logs, self.span = np.ones(shape, dtype=bool), 1.0

    @property
    def size(self) -> int:
        """Number of parameters."""
        return len(self.levels)

    def mean(self, z: Array) -> Array:
        return np.asarray(np.exp(z)[:, self.index] * self.timeline.width)

    def log_likelihood(self, mean: Array) -> Array:
        return self.timeline.log_likelihood(mean)

    def score(self, mean: Array) -> tuple[Array, Array]:
        return self.timeline.score(mean)

    def best(self) -> tuple[float, Array]:
        """The fit: log-likelihood and coordinates."""
        spikes = np.bincount(self.index, weights=self.timeline.count)
        time = np.bincount(self.index, weights=self.timeline.width)
        start = np.log(np.maximum(spikes / time, SILENT_HZ))
        return _climb(self, start[None])


def _climb(
    task: SlowScoring | LevelScoring, starts: Array, least: float = -np.inf
) -> tuple[float, Array]:
    """The best of several starts: a few steps from all, all the way from the best two."""
    value, z = task.fisher_scoring(starts, steps=4)
    best_two = z[np.argsort(-value, kind="stable")[:2]]
    value, z = task.fisher_scoring(best_two, steps=60, least=least)
    best = int(np.argmax(value))
    return float(value[best]), z[best]
