"""Find the adaptive unit behind spike counts in bins after the onset of steps.

Counts are taken as Poisson in each bin, the conservative choice: cells that fire more regularly
than that are granted less evidence than they give, and their intervals are too wide, not too
narrow. The same counts weigh the plain unit of every family, so that AICc compares like with like.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri, gammaln

from bridge.choice import remarks
from bridge.choice.count_scoring import CountScoring
from bridge.choice.selection import Interval
from bridge.counts.step_counts import StepCounts
from bridge.errors import FitError
from bridge.units import Logistic, NakaRushton, ReLU, Softplus, SquareRoot, Unit
from bridge.units.adaptive import Adaptive, expected_counts
from bridge.units.fitting import problem, starting_points
from neurosim.atomic_write import plain

__all__ = ["AdaptiveFit", "draw_steps", "fit_adaptive"]

Array = NDArray[np.float64]

ONSETS: tuple[type[Unit], ...] = (Logistic, Softplus, ReLU, SquareRoot, NakaRushton)
"""Families an onset curve is sought in. A membrane's own time constant cannot be told from that
of its adaptation, so the LIF families are left out."""
STRONGEST, FASTEST, SLOWEST = 1e4, 2e-3, 50.0


@dataclass(frozen=True, eq=False)
class AdaptiveFit:
    """The best adaptive unit, beside the best plain one.

    Attributes
    ----------
    unit : Adaptive
    plain : Unit
        The likeliest unit without adaptation, by the same counts.
    aicc, plain_aicc : float
        Of each.
    weight : float
        Akaike weight of the adaptive unit against the plain one.
    intervals : dict of Interval
        Profile-likelihood intervals of the strength and the time constant.
    counts : StepCounts
        What it was fitted to.
    confidence : float
        Of the intervals.
    """

    unit: Adaptive
    plain: Unit
    aicc: float
    plain_aicc: float
    weight: float
    intervals: dict[str, Interval]
    counts: StepCounts
    confidence: float

    @property
    def adapts(self) -> bool:
        """Whether the counts support adaptation at all."""
        return self.aicc < self.plain_aicc

    def expected(self) -> Array:
        """Spikes the adaptive unit expects in every bin, of the shape of the counts."""
        return self.unit.expected(self.counts.current_pA, self.counts.edges_s)

    def to_dict(self) -> dict[str, Any]:
        """Every number, fit for JSON; None stands for an open end."""
        said = {
            **{name: getattr(self, name) for name in ("adapts", "aicc", "plain_aicc", "weight")},
            "unit": self.unit.to_dict(),
            "plain": self.plain.to_dict(),
            "intervals": {name: [end.low, end.high] for name, end in self.intervals.items()},
        }
        return dict(plain(said))

    def __str__(self) -> str:
        if not self.adapts:
            return f"no evidence of adaptation (weight {self.weight:.2f})"
        strength, tau = self.intervals["strength_pA_per_Hz"], self.intervals["tau_s"]
        return (
            f"{self.unit.family} (weight {self.weight:.2f}): "
            f"{self.unit.strength_pA_per_Hz:.3g} pA/Hz ({strength}), "
            f"time constant {self.unit.tau_s:.3g} s ({tau})"
        )


@dataclass(eq=False)
class _Task(CountScoring):
    """One onset family and the counts it is fitted to; the last two coordinates are adaptation."""

    family: type[Unit]
    counts: StepCounts

    def __post_init__(self) -> None:
        self.current, index = np.unique(self.counts.current_pA, return_inverse=True)
        self.total = np.zeros((len(self.current), len(self.counts.edges_s) - 1))
        np.add.at(self.total, index, self.counts.count)
        self.repeats = np.bincount(index).astype(float)
        self.constant = -float(gammaln(self.counts.count + 1).sum())
        self.base = problem(self.family, self.counts.curve().statistics())
        self.low = np.append(self.base.lower, np.log([1e-6, FASTEST]))
        self.high = np.append(self.base.upper, np.log([STRONGEST, SLOWEST]))
        self.logs = np.append(self.base.logarithmic, [True, True])
        self.span = float(self.current[-1] - self.current[0]) or 1.0

    def mean(self, z: Array) -> Array:
        spikes = expected_counts(
            self.family,
            self.base.theta(z[:, :-2]),
            self.base.settings,
            np.exp(z[:, -2]),
            np.exp(z[:, -1]),
            self.current,
            self.counts.edges_s,
        )
        return np.asarray(np.maximum(spikes, 1e-9) * self.repeats[:, None])

    def log_likelihood(self, mean: Array) -> Array:
        # Repeats of one step are pooled: only a constant is left out, and put back here.
        each = mean / self.repeats[:, None]
        return np.asarray((self.total * np.log(each) - mean).sum(axis=(1, 2)) + self.constant)

    def score(self, mean: Array) -> tuple[Array, Array]:
        return self.total.ravel() / mean - 1, 1 / mean


def fit_adaptive(
    counts: StepCounts,
    onsets: Iterable[type[Unit]] = ONSETS,
    confidence: float = 0.95,
    intervals: bool = True,
) -> AdaptiveFit:
    """Fit adaptive units and weigh the best of them against the best plain unit.

    Parameters
    ----------
    counts : StepCounts
    onsets : iterable of Unit classes
        Families of the onset curve.
    confidence : float
        Of the intervals.
    intervals : bool
        Whether to find intervals of strength and time constant; none are sought where the counts do
        not support adaptation.

    Returns
    -------
    AdaptiveFit

    Raises
    ------
    FitError
        No spikes, one bin, or too few steps for any family.

    Examples
    --------
    >>> from bridge.units import ReLU
    >>> truth = Adaptive(ReLU(0.5, 100), 2.0, 0.1)
    >>> edges, steps = np.array([0, 0.05, 0.1, 0.2, 0.4, 1.0]), np.arange(50.0, 501, 50)
    >>> mean = expected_counts(ReLU, truth.onset.values[None], {}, np.full(1, 2.0),
    ...                        np.full(1, 0.1), steps, edges)[0]
    >>> found = fit_adaptive(StepCounts(steps, edges, mean.round()), [ReLU], intervals=False)
    >>> found.adapts, round(found.unit.tau_s, 2)
    (True, 0.1)
    """
    if not counts.count.any():
        raise FitError("no spikes in any bin; measure at larger currents")
    if counts.count.shape[1] < 2:
        raise FitError("one bin cannot tell onset from steady state; give at least two")
    found: list[tuple[float, float, _Task, Array]] = []
    plains: list[tuple[float, Unit]] = []
    measurements = counts.count.size
    for family in onsets:
        task = _Task(family, counts)
        size = task.base.size
        if len(task.current) < size + 2:
            continue
        simple = family.fit(counts.curve())
        mean = simple.rate(task.current)[:, None] * np.diff(counts.edges_s)
        value = float(task.log_likelihood(np.maximum(mean, 1e-9)[None] * task.repeats[:, None])[0])
        plains.append((remarks.aicc(value, size, measurements), simple))
        value, z = _best(task, simple)
        found.append((remarks.aicc(value, size + 2, measurements), value, task, z))
    if not found:
        raise FitError(
            f"{len(np.unique(counts.current_pA))} currents are too few for an onset curve; "
            "measure at least four"
        )
    aicc, value, task, z = min(found, key=lambda one: one[0])
    plain_aicc, simple = min(plains, key=lambda one: one[0])
    ends: dict[str, Interval] = {}
    if intervals and aicc < plain_aicc:
        drop = float(chdtri(1, 1 - confidence))
        for name, place in (("strength_pA_per_Hz", -2), ("tau_s", -1)):
            low, high, value, z = task.profile(value, z, len(z) + place, drop)
            ends[name] = Interval(low, high)
        aicc = min(aicc, remarks.aicc(value, task.base.size + 2, measurements))
    unit = Adaptive(task.base.unit(z[:-2]), float(np.exp(z[-2])), float(np.exp(z[-1])))
    weight = float(1 / (1 + np.exp(np.clip((aicc - plain_aicc) / 2, -700, 700))))
    return AdaptiveFit(unit, simple, aicc, plain_aicc, weight, ends, counts, confidence)


def _best(task: _Task, simple: Unit) -> tuple[float, Array]:
    """Fit from where the first bins and the whole step put the onset curve."""
    begin = task.base.coordinates(simple.values)
    starts = [begin]
    width = task.counts.edges_s
    early = max(1, int(np.searchsorted(width, 0.2 * width[-1])) - 1)
    first = task.counts.curve(slice(0, early))
    if np.count_nonzero(first.count) >= 2:
        z, _, _ = starting_points(problem(task.family, first.statistics()), keep=2)
        starts += list(np.clip(z, task.base.lower, task.base.upper))
    # What steady firing leaves of the onset rate tells how strong adaptation is.
    reach = 0.3 * float(task.current[-1] - task.current[0]) / max(simple.rate(task.current[-1]), 1)
    tries = [
        np.concatenate([z, np.log([reach * share, tau])])
        for z in starts
        for share in (0.3, 2.0)
        for tau in (0.03, 0.2)
    ]
    value, z = task.fisher_scoring(np.array(tries), steps=4)
    value, z = task.fisher_scoring(z[np.argsort(-value, kind="stable")[:2]], steps=80)
    best = int(np.argmax(value))
    return float(value[best]), z[best]


def draw_steps(
    unit: Adaptive | Unit, currents: ArrayLike, edges: ArrayLike, trials: int, seed: Any
) -> StepCounts:
    """Poisson counts of a unit after the onset of steps, for tests of the fit.

    Parameters
    ----------
    unit : Adaptive or Unit
    currents : array_like, shape (m,)
        Steps (pA).
    edges : array_like, shape (b + 1,)
        Edges of the bins (s).
    trials : int
        Repeats of every step.
    seed : int or sequence of int

    Returns
    -------
    StepCounts
    """
    adaptive = unit if isinstance(unit, Adaptive) else Adaptive(unit, 0.0, 1.0)
    drawn = np.repeat(adaptive.expected(currents, edges), trials, 0)
    count = np.random.default_rng(seed).poisson(drawn).astype(float)
    steps = np.repeat(np.asarray(currents, dtype=float), trials)
    return StepCounts(steps, np.asarray(edges, dtype=float), count)
