"""How sure each parameter is: profile likelihood, or a parametric bootstrap.

A parameter's profile is the best log-likelihood the others can reach when it is held. Its interval
holds the values whose profile is close enough to the top (Wilks 1938); it needs no normality and
may be open: a saturation never seen has no upper end. The units at its ends are sought on the edge
of what is likely (`bridge.choice.likelihood_edge`). From there on the profile is followed outwards,
until it shows that no likely unit lies beyond.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.choice.likelihood_edge import at_a_stop, loosened, parameter_ends
from bridge.counts.likelihood import sample
from bridge.units.fitting import Problem, Solution, fisher_scoring, in_each_stretch, stretches

__all__ = ["Intervals", "bootstrap_intervals", "covariance", "profile_intervals"]

Array = NDArray[np.float64]

UNTOLD = 1e200
"""Largest covariance that is computed with, so that its square root and products stay finite."""

STEPS = np.array([0.5, 1.0, 1.5, 2.0, 2.5, 3.2, 4.5, 7.0, 12.0, 25.0, 60.0, 150.0, 500.0])
"""Distances at which a profile is looked at, in standard errors times 1.96 / quantile."""
ON_THE_WAY, AT_THE_END = 1e-3, 1e-5
"""A profile is followed until a step promises less log-likelihood: farther off, and at the end."""
BEYOND = 1.3
"""How far behind an end is looked when another parameter may go on."""
NEARLY = 0.99
"""Share of the way to the edge from which on an end is read off by a straight line."""
ROUNDS = 4
"""How often the search goes on from likely units that lie beyond an end."""


@dataclass(frozen=True, eq=False)
class Intervals:
    """Ends of the interval of every parameter, in its own unit.

    Attributes
    ----------
    low, high : ndarray, shape (p,)
        Where an end was not found within the range of the parameter: -inf, the smallest value the
        parameter may take, or inf.
    better : ndarray, shape (p,) or None
        Coordinates of a likelier fit, if the profile came across one.
    """

    low: Array
    high: Array
    better: Array | None = None


def profile_intervals(task: Problem, best: Solution, drop: float) -> Intervals:
    """Intervals by profile likelihood.

    Parameters
    ----------
    task : Problem
    best : Solution
        From `best_fit`.
    drop : float
        Twice the loss of log-likelihood at the ends; 3.84 for 95 %.

    Returns
    -------
    Intervals
    """
    root = float(np.sqrt(drop))
    tracks = _one_a_stretch(task, best, drop)
    spread = covariance(task, best.z[0])
    ends = [
        _End(task, tracks, spread, int(j), side, root)
        for j in np.flatnonzero(task.free)
        for side in (-1, 1)
    ]
    visited = [tracks, parameter_ends(task, tracks, best.log_likelihood[0] - drop / 2)]
    likely = _likely(visited, tracks, drop)
    for end in ends:
        end.goes_on_from(likely)
    for _ in range(ROUNDS):
        while walking := [end for end in ends if not end.done]:
            steps = [end.next() for end in walking]
            visited.append(_hold(task, tracks, walking, steps, ON_THE_WAY))
        for _ in range(2):
            closing = [end for end in ends if not end.closed]
            for part in range(2):
                if closing:
                    between = [end.between()[part] for end in closing]
                    visited.append(_hold(task, tracks, closing, between, AT_THE_END))
        # A profile that was not followed to its top ends too early. Whatever another search found
        # that is likely enough belongs into the interval, and the search goes on from there.
        likely = _likely(visited, tracks, drop)
        if not [end for end in ends if end.goes_on_from(likely)]:
            break
    _open_where_others_stop(task, tracks, ends)
    low, high = best.z[0].copy(), best.z[0].copy()
    for end in ends:
        (high if end.side > 0 else low)[end.parameter] = end.place()
    top = visited[0].best_first(*visited[1:]).pick(slice(1))
    better = top.z[0] if top.log_likelihood[0] > best.log_likelihood[0] + 1e-3 else None
    return Intervals(task.theta(low), task.theta(high), better)


def _open_where_others_stop(task: Problem, tracks: Solution, ends: list[_End]) -> None:
    """Open the ends that are ends only because another parameter has come to its own.

    The largest rate that is tried, say, is no fact about the cell. Where an end goes on once the
    other parameter may, the data set no end.
    """
    low, high = loosened(task, 10.0)
    asked = [end for end in ends if end.is_kept_by_another(task)]
    if not asked:
        return
    several = (len(tracks.z), 1)
    wide = replace(tracks, low=np.tile(low, several), high=np.tile(high, several))
    if task.family.sharp:
        where = task.location
        wide.low[:, where], wide.high[:, where] = tracks.low[:, where], tracks.high[:, where]
    beyond = [min(BEYOND * end.distance, end.limit) for end in asked]
    _hold(task, wide, asked, beyond, AT_THE_END)
    for end in asked:
        end.is_open = end.seen.pop()[1] < end.root


def _one_a_stretch(task: Problem, best: Solution, drop: float) -> Solution:
    """The fit, and of a sharp family the likeliest unit of every stretch that is likely enough."""
    if not task.seeks_threshold:
        return best
    near = in_each_stretch(task, best.pick(slice(1)))
    found = fisher_scoring(task, near.z, near.low, near.high, np.tile(task.free, (len(near.z), 1)))
    found = found.best_first(best)
    # The fit itself comes first, even where a stretch holds a likelier one: that begins again.
    found = best.pick(slice(1)).concatenated(found)
    likely = np.flatnonzero(found.log_likelihood > best.log_likelihood[0] - drop / 2)
    _, first = np.unique(found.low[likely, task.location], return_index=True)
    return found.pick(likely[np.sort(first)])


def _likely(visited: list[Solution], best: Solution, drop: float) -> Solution:
    found = visited[0].concatenated(*visited[1:])
    return found.pick(found.log_likelihood >= best.log_likelihood[0] - drop / 2)


class _End:
    """One end of one interval while it is being sought.

    It walks away from the fit and remembers where the other parameters went, so that each look
    starts where the last two point to. Distances are along the held coordinate.
    """

    def __init__(
        self,
        task: Problem,
        best: Solution,
        covariance: Array,
        parameter: int,
        side: int,
        root: float,
    ) -> None:
        self.parameter, self.side, self.root = parameter, side, root
        self.top = float(best.log_likelihood[0])
        self.centre = float(best.z[0, parameter])
        here = task.parameters[parameter]
        sharp = task.family.sharp and parameter == task.location
        # A held threshold needs no stretch of its own.
        self.tracks = np.arange(1 if sharp else len(best.z))
        own = max(covariance[parameter, parameter], 1e-300)
        self.slope = covariance[parameter] / own
        self.slope[parameter] = 1.0
        reach = float(task.statistics.current[-1] - task.statistics.current[0])
        widest = 1.0 if here.logarithmic else reach / 4 if here.quantity == "pA" else 0.01
        unit = float(np.clip(np.sqrt(own), 1e-6 * widest, widest)) * root / 1.96

        limit = float((task.upper if side > 0 else task.lower)[parameter])
        natural = here.quantity != "pA" or here.logarithmic
        self.open_at = here.lower if side < 0 and natural else side * np.inf
        if here.logarithmic and side < 0:
            self.open_at = -np.inf
        edges = np.empty(0)
        if sharp:
            borders = stretches(task.statistics)
            if side > 0:
                # No threshold lies above a current that fired: the range ends there, closed.
                limit = self.open_at = float(borders[-1])
            # A threshold at a silent current is a cusp of the likelihood: look exactly there.
            edges = np.abs(borders[1:] - self.centre)[(borders[1:] - self.centre) * side > 0]
        self.limit = abs(limit - self.centre)
        # Near a cusp standard errors are tiny and tell nothing of what lies beyond a current.
        near = np.sort(edges)[:3]
        plan = np.concatenate([STEPS * unit, edges[edges < 4.5 * unit], near])
        self.plan = [d for d in np.unique(np.minimum(plan, self.limit)).tolist() if d > 0]
        self.every = self.plan.copy()
        self.is_open = False
        self.seen: list[tuple[float, float]] = [(0.0, 0.0)]
        self.past: list[tuple[float, Array]] = [(0.0, best.z[self.tracks])]

    @property
    def done(self) -> bool:
        return not self.plan or self.seen[-1][1] >= self.root

    def next(self) -> float:
        return float(self.plan.pop(0))

    def guess(self, distance: float) -> tuple[Array, float]:
        """Where the others may be, two guesses a track, and the value to hold."""
        value = self.centre + self.side * distance
        near = sorted(self.past, key=lambda past: abs(past[0] - distance))
        (d, z) = near[0]
        other = next((past for past in near if abs(past[0] - d) > 1e-9 * (d + distance)), None)
        if other is not None:
            d2, z2 = other
            start = z + (z - z2) * (distance - d) / (d - d2)
        else:
            start = z + self.slope * (self.side * (distance - d))
        # Where a ridge bends the extrapolation may mislead: also begin where the last look ended.
        return np.concatenate([start, z]), value

    def saw(self, distance: float, total: Array, z: Array) -> None:
        i = int(np.argmax(total))
        loss = float(np.sqrt(max(2 * (self.top - total[i]), 0.0)))
        self.seen.append((distance, loss))
        self.past.append((distance, z))

    def goes_on_from(self, likely: Solution) -> bool:
        """Whether one of these likely units lies beyond the end; then the search goes on there."""
        away = (likely.z[:, self.parameter] - self.centre) * self.side
        i = int(np.argmax(away))
        distance = float(min(away[i], self.limit))
        if self.bracket() is None:
            if self.done or distance <= 0:
                return False
        elif distance <= 1.01 * abs(self.place() - self.centre):
            return False
        # If it is the end, that shows at once.
        self.plan = [1.02 * distance, 1.1 * distance]
        self.plan += [d for d in self.every if d > 1.2 * distance]
        self.plan = [d for d in self.plan if d < self.limit] + [self.limit] * (
            distance < self.limit
        )
        loss = float(np.sqrt(max(2 * (self.top - likely.log_likelihood[i]), 0.0)))
        self.seen.append((distance, min(loss, 0.999 * self.root)))
        self.past = [(distance, np.tile(likely.z[i], (len(self.tracks), 1)))]
        return True

    def bracket(self) -> tuple[tuple[float, float], tuple[float, float]] | None:
        seen = sorted(self.seen)
        inside = max(i for i, (_, loss) in enumerate(seen) if loss < self.root)
        return (seen[inside], seen[inside + 1]) if inside + 1 < len(seen) else None

    @property
    def closed(self) -> bool:
        """Whether the end is known, or needs no more looks to be read off between two of them."""
        found = self.bracket()
        if found is None:
            return True
        (near, low), (far, _) = found
        return low > NEARLY * self.root and far - near < 0.15 * far

    def between(self) -> tuple[float, float]:
        (near, low), (far, high) = self.bracket() or ((0.0, 0.0), (0.0, 1.0))
        part = float(np.clip((self.root - low) / (high - low), 0.05, 0.95))
        return near + (far - near) * 0.8 * part, near + (far - near) * (0.2 + 0.8 * part)

    @property
    def distance(self) -> float:
        """How far the end is from the fit, where it was found."""
        (near, low), (far, high) = self.bracket() or ((0.0, 0.0), (self.limit, np.inf))
        return near + (far - near) * (self.root - low) / (high - low)

    def place(self) -> float:
        if self.is_open or self.bracket() is None:
            return self.open_at
        return float(self.centre + self.side * self.distance)

    def is_kept_by_another(self, task: Problem) -> bool:
        """Whether the end was found, with another parameter at the end of the range tried for it.

        Ends that follow from currents alone, such as a threshold's below a current that fired, stay
        as they are.
        """
        if self.bracket() is None or (task.family.sharp and self.parameter == task.location):
            return False
        (_, z) = min(self.past, key=lambda past: abs(past[0] - self.distance))
        stops = at_a_stop(task, z)
        stops[:, self.parameter] = False
        return bool(stops.any())


def _hold(
    task: Problem, best: Solution, ends: list[_End], distances: list[float], gain: float
) -> Solution:
    """Hold the parameter of each end at its distance and maximise over the others, all at once."""
    rows: list[tuple[NDArray[Any], ...]] = []
    groups = 0
    for end, distance in zip(ends, distances, strict=True):
        start, value = end.guess(distance)
        low, high = np.tile(best.low[end.tracks], (2, 1)), np.tile(best.high[end.tracks], (2, 1))
        low[:, end.parameter] = high[:, end.parameter] = value
        free = np.tile(task.free, (len(start), 1))
        free[:, end.parameter] = False
        # Both guesses of a track race.
        rivals = groups + np.tile(np.arange(len(end.tracks)), 2)
        groups += len(end.tracks)
        rows.append((start, low, high, free, rivals))
    start, low, high, free, rivals = (np.concatenate(part) for part in zip(*rows, strict=True))
    found = fisher_scoring(task, start, low, high, free, gain=gain, rivals=rivals)
    row = 0
    for end, distance in zip(ends, distances, strict=True):
        n = len(end.tracks)
        total = found.log_likelihood[row : row + 2 * n].reshape(2, n)
        z = found.z[row : row + 2 * n].reshape(2, n, -1)
        won = np.argmax(total, axis=0)
        end.saw(distance, total[won, np.arange(n)], z[won, np.arange(n)])
        row += 2 * n
    return found


def covariance(task: Problem, z: Array) -> Array:
    """Covariance of the coordinates of a fit, from the curvature of its likelihood.

    Parameters
    ----------
    task : Problem
    z : ndarray, shape (p,)
        The fit.

    Returns
    -------
    ndarray, shape (p, p)
        Zero for fixed parameters; `UNTOLD` at most, where counts tell next to nothing.
    """
    information = task.information(z)
    scale = np.sqrt(np.maximum(np.diag(information), 1e-300))
    inverse = np.linalg.pinv(information / np.outer(scale, scale), rcond=1e-10, hermitian=True)
    with np.errstate(over="ignore"):
        found = np.clip(inverse / np.outer(scale, scale), -UNTOLD, UNTOLD)
    return found * np.outer(task.free, task.free)


def bootstrap_intervals(
    task: Problem, best: Solution, confidence: float, draws: int, seed: int
) -> Intervals:
    """Intervals by refitting data sets drawn from the fitted unit.

    Parameters
    ----------
    task : Problem
    best : Solution
        From `best_fit`.
    confidence : float
        Share of the refitted values inside.
    draws : int
        Data sets.
    seed : int
        Of the draws.

    Returns
    -------
    Intervals
        Percentiles of the refitted values (Efron and Tibshirani 1993, chapter 13).
    """
    statistics, z = task.statistics, best.z[0]
    mean = statistics.window * task.rate(z)[statistics.index]
    counts = sample(mean, statistics.shape, draws, np.random.default_rng(seed)).astype(float)
    counts = counts[counts.sum(axis=1) > 0]
    drawn = replace(statistics, count=counts, trains=None)
    low, high = np.tile(task.lower, (len(counts), 1)), np.tile(task.upper, (len(counts), 1))
    sets = np.arange(len(counts))
    if task.seeks_threshold:
        edges = statistics.current
        first = np.argmax(drawn.pooled_count > 0, axis=1)
        sets, low, high = _nearby_stretches(task, best, edges, first)
    again = replace(task, statistics=replace(drawn, count=counts[sets]))
    start = np.clip(np.tile(z, (len(sets), 1)), low, high)
    if task.family.sharp:
        # In the middle of its stretch no threshold starts on a cusp.
        middle = 0.5 * (low + high)[:, task.location]
        where = z[task.location]
        moved = (where <= low[:, task.location]) | (where >= high[:, task.location])
        start[moved, task.location] = middle[moved]
    found = fisher_scoring(again, start, low, high, np.tile(task.free, (len(sets), 1)))
    winner = np.full(len(counts), -1)
    for i in np.argsort(found.log_likelihood):
        winner[sets[i]] = i
    theta = task.theta(found.z[winner])
    tail = 50 * (1 - confidence)
    ends = np.percentile(theta, [tail, 100 - tail], axis=0)
    return Intervals(ends[0], ends[1])


def _nearby_stretches(
    task: Problem, best: Solution, edges: Array, first: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Array, Array]:
    """For each data set, the stretches around the fitted threshold in which it may lie."""
    where = task.location
    home = int(np.searchsorted(edges, best.z[0, where], side="right"))
    width = edges[-1] - edges[0]
    ladder = np.concatenate([[edges[0] - 20 * width], edges])
    sets, lows, highs = [], [], []
    for i, limit in enumerate(first):
        # Stretch s lies between ladder[s] and ladder[s + 1]; the last ends at the first spike.
        for s in {min(max(home + step, 0), int(limit)) for step in (-2, -1, 0, 1, 2)}:
            low, high = task.lower.copy(), task.upper.copy()
            low[where], high[where] = ladder[s], ladder[s + 1]
            if s == limit:
                high[where] -= 1e-9 * max(width, abs(high[where]))
            sets.append(i)
            lows.append(low)
            highs.append(high)
    return np.array(sets), np.array(lows), np.array(highs)
