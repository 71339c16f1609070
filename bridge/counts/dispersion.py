"""How noisy the counts are: the regularity of spiking, found in the data together with a prior.

The regularity is the shape ``k`` of `bridge.counts.likelihood`, the same for every family compared
(as Burnham and Anderson 2002, section 2.5, advise for over-dispersed counts). Most cells fire more
regularly the faster they fire, so that ``k`` may grow with a power of the rate. What tells it is,
where spike times are known, how alike neighbouring intervals are (`bridge.counts.spike_timing`),
which alone tell the power; else the scatter of repeats; and where there are neither, the residuals
of the best family. Repeats and residuals enter by the Cox-Reid adjusted
profile likelihood (Cox and Reid 1987, J. R. Stat. Soc. B 49:1), which corrects for the means having
been fitted to the same counts.

Few data tell little, so a weak prior stands beside them: every power of ten of the coefficient of
variation of the intervals, ``1 / sqrt(k)``, is as probable as any other between .05 and 1.5, and
less probable beyond. Most neurons in a slice fire quite regularly under constant current; the same
kind of neuron fires irregularly in the animal (Holt, Softky, Koch and Douglas 1996, J.
Neurophysiol. 75:1806). The prior covers both and prefers neither. It weighs less than two repeats.

What the posterior leaves open widens the intervals: its spread is turned into degrees of freedom of
Student's t, as for moderated variances (Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3:3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, chdtri, polygamma, stdtrit

from bridge.counts.likelihood import MAX_SHAPE, MIN_SHAPE, log_probability, rough_variance, variance
from bridge.counts.renewal import steady_rate
from bridge.counts.spike_timing import SpikeTiming
from bridge.counts.sufficient_statistics import SufficientStatistics

__all__ = [
    "CountNoise",
    "Counts",
    "contradicts",
    "infer_noise",
    "measured_noise",
    "noise_of_intervals",
    "noise_of_repeats",
]

Array = NDArray[np.float64]

Source = Literal["poisson", "repeats", "intervals", "residuals", "prior", "clock"]

ENOUGH = 3
"""Degrees of freedom needed among repeats, or pairs of intervals, before they decide."""
PRIOR_CV = (0.05, 1.5)
"""Coefficients of variation between which the prior is flat in the logarithm."""
PRIOR_EDGE = 0.3
"""Standard deviation of the prior's tails, in powers of e."""
PRIOR_POWER = 1.0
"""Standard deviation of the prior of the power of the rate, about none."""
PRIOR_OWN = 0.5
"""Standard deviation of the logarithm of a current's own regularity about that power."""
FEW_INTERVALS = 20
"""So many intervals say as much about their skewness as is believed beforehand."""
NEARLY_AS_FAST = 0.25
"""Standard deviation of the logarithm of the rate over which intervals are taken together."""
ENOUGH_PAIRS = 25
"""Pairs of intervals from which on a current takes fewer of others."""
CONFLICT = 3.84
"""Twice the loss of log-likelihood at which repeats contradict the intervals, and at which counts
differ from Poisson counts (chance of .05)."""


@dataclass(frozen=True)
class CountNoise:
    """How counts scatter about their mean.

    Attributes
    ----------
    shape : float
        1 is Poisson; larger is more regular, smaller more variable.
    source : {"poisson", "repeats", "intervals", "residuals", "prior", "clock"}
        Where the shape comes from; "poisson" where it was not estimated, "clock" where the cell
        fires so regularly that counts do not scatter at all.
    freedom : float
        Degrees of freedom that the variance of the counts rests on; inf where it is known.
    evidence : float
        Twice the log-likelihood gained over Poisson counts.
    rounding_Hz : tuple of float
        Of a clock: standard deviation of a rate in its range of possible rates, at each current.
    by_current : tuple of float
        The shape at each distinct current; empty where it is the same at all.
    at_Hz : float
        Then the rate at which the shape is `shape`.
    freedom_by_current : tuple of float
        Degrees of freedom that the shape of each current rests on, where each has its own.
    spike_times : bool
        Whether rates are told by the times of spikes, and not by their number.
    uneven : bool
        Of a clock: whether the intervals between its spikes differ, as they do where a cell without
        noise adapts or fires in bursts.
    """

    shape: float = 1.0
    source: Source = "poisson"
    freedom: float = np.inf
    evidence: float = 0.0
    rounding_Hz: tuple[float, ...] = ()
    by_current: tuple[float, ...] = ()
    at_Hz: float = np.nan
    freedom_by_current: tuple[float, ...] = ()
    spike_times: bool = False
    uneven: bool = False

    @property
    def estimated(self) -> bool:
        """Whether the shape costs a parameter."""
        return self.source not in ("poisson", "clock")

    @property
    def cv(self) -> float:
        """Coefficient of variation of the intervals between spikes."""
        return float(1 / np.sqrt(self.shape))

    def shapes(self, statistics: SufficientStatistics) -> float | Array:
        """Regularity of each measurement: one number where it is the same for all.

        Examples
        --------
        >>> from bridge.counts.curve import FICurve
        >>> statistics = FICurve([0, 50, 50], [0, 8, 9], 1.0, [0, 0, 1]).statistics()
        >>> CountNoise(10.0, "intervals", by_current=(1.0, 12.0)).shapes(statistics)
        array([ 1., 12., 12.])
        """
        if not self.by_current:
            return self.shape
        return np.array(self.by_current)[statistics.index]

    def quantile(self, confidence: float) -> float:
        """Standard errors between the middle and the ends of a confidence interval.

        Of the normal distribution where the noise is known; of Student's t where it was estimated.
        """
        return float(np.sqrt(self.drop(confidence)))

    def drop(self, confidence: float) -> float:
        """Twice the loss of log-likelihood at the ends of a confidence interval.

        Chi-squared where the noise is known; the square of Student's t where it was estimated.

        Examples
        --------
        >>> round(CountNoise().drop(0.95), 2)
        3.84
        """
        if np.isfinite(self.freedom):
            return float(stdtrit(self.freedom, 0.5 + confidence / 2) ** 2)
        return float(chdtri(1, 1 - confidence))

    def rate_sd_Hz(self, statistics: SufficientStatistics) -> Array:
        """Standard deviation of the mean rate at each distinct current (Hz), shape (m,).

        Examples
        --------
        >>> from bridge.counts.curve import FICurve
        >>> CountNoise().rate_sd_Hz(FICurve([0, 50], [0, 16], 2.0).statistics())
        array([0., 2.])
        """
        if self.source == "clock":
            return np.array(self.rounding_Hz)
        rate = statistics.pooled_count / statistics.pooled_window
        spread = variance(statistics.window * rate[statistics.index], self.shapes(statistics))
        return np.asarray(
            np.sqrt(np.add.reduceat(spread, statistics.first)) / statistics.pooled_window
        )

    def __str__(self) -> str:
        if self.source == "clock" and self.uneven:
            return "no scatter: a current always gives the same spikes, at uneven intervals"
        if self.source == "clock":
            return "clockwork: no scatter, each rate known up to one spike or less"
        if not self.estimated:
            return "Poisson counts"
        at = f"at {self.at_Hz:.3g} Hz " if self.by_current else ""
        told = (
            f"{at}the intervals between spikes follow a gamma distribution of shape "
            f"{self.shape:.3g} (Poisson: 1), found from {self.source}"
        )
        if abs(np.log(self.shape)) < 0.3:
            return f"counts scatter about as much as Poisson counts: {told}"
        if self.evidence < CONFLICT:
            return (
                "these counts do not show whether they scatter more or less than Poisson counts: "
                + told.replace("follow", "are taken to follow", 1)
            )
        side = "less" if self.shape > 1 else "more"
        return f"counts scatter {side} than Poisson counts: {told}"


def noise_of_repeats(
    statistics: SufficientStatistics, timing: SpikeTiming | None = None
) -> CountNoise | None:
    """Noise from the scatter of repeats about their own mean; None where there are too few.

    Parameters
    ----------
    statistics : SufficientStatistics
    timing : SpikeTiming, optional
        Where it is known, the intervals between spikes tell instead; unless the repeats scatter
        more than these allow, as where a cell drifts from one repeat to the next. Repeats that
        scatter less say nothing against them: they begin in the same state, so that their spikes
        are still in step when counting begins.

    Returns
    -------
    CountNoise or None
    """
    rate = statistics.pooled_count / statistics.pooled_window
    firing = rate > 0
    used = firing[statistics.index]
    freedom = int(used.sum() - firing.sum())
    if freedom < ENOUGH:
        return None
    index, window = statistics.index[used], statistics.window[used]
    mean = window * rate[index]

    def volume(shape: Array) -> float:
        each = window**2 / rough_variance(mean, shape)
        return float(np.log(np.bincount(index, weights=each, minlength=len(firing))[firing]).sum())

    counts = Counts(statistics.count[used], mean, volume)
    alone = infer_noise(counts, "repeats")
    # The prior makes the posterior narrower; but repeats tell no more than there are of them.
    alone = replace(alone, freedom=min(alone.freedom, float(freedom)))
    told = noise_of_intervals(statistics, timing)
    if told is None:
        return alone
    shapes = np.broadcast_to(told.shapes(statistics), used.shape)[used]
    return alone if contradicts(counts, alone.shape, shapes) else told


def contradicts(counts: Counts, level: float, shapes: Array) -> bool:
    """Whether counts scatter more than the intervals between spikes allow, beyond chance.

    Parameters
    ----------
    counts : Counts
    level : float
        The shape that their own scatter tells.
    shapes : ndarray, shape (n,)
        Those that the intervals tell.
    """
    own = np.full(len(counts.mean), level)
    loss = counts.exact(np.stack([own, shapes]))
    scatters = rough_variance(counts.mean, own).sum() > rough_variance(counts.mean, shapes).sum()
    return bool(scatters and 2 * float(loss[0] - loss[1]) > CONFLICT)


def noise_of_intervals(
    statistics: SufficientStatistics, timing: SpikeTiming | None
) -> CountNoise | None:
    """Noise from how alike neighbouring intervals are; None where there are too few.

    Parameters
    ----------
    statistics : SufficientStatistics
    timing : SpikeTiming or None
        Of the same measurements.

    Returns
    -------
    CountNoise or None
    """
    if timing is None or timing.pairs.sum() < ENOUGH:
        return None
    rate = _seen_rate(statistics)[statistics.index]
    fires = statistics.count > 0
    pairs = Pairs(timing.pairs, timing.evenness)
    power, known, middle = _power(pairs, rate)
    found = _infer(
        pairs, "intervals", statistics.window * rate, power * np.log(rate / middle), fires, known
    )
    # The intervals at each current, and at those that fire nearly as fast, correct what the power
    # of the rate foretells.
    seen = _seen_rate(statistics)
    own = Pairs(
        *(np.add.reduceat(part, statistics.first) for part in (timing.pairs, timing.evenness))
    )
    near = _nearness(seen, own.pairs)
    foretold = np.log(found.shape) + power * np.log(seen / middle)
    # Where hardly a spike comes it comes at random: a regular cell is not more variable than that.
    least = max(min(float(np.log(found.shape)), 0.0), float(np.log(MIN_SHAPE)))
    foretold = np.clip(foretold, least, np.log(MAX_SHAPE))
    steps = np.linspace(-3, 3, 41) * PRIOR_OWN
    shape = np.exp(np.clip(foretold + steps[:, None], *np.log([MIN_SHAPE, MAX_SHAPE])))
    weight = own.each(shape) @ near.T - 0.5 * (steps[:, None] / PRIOR_OWN) ** 2
    weight = np.exp(weight - weight.max(axis=0))
    # The mean variance: with that of the logarithm, rates would be too sure by half its scatter.
    shapes = weight.sum(axis=0) / (weight / shape).sum(axis=0)
    weight /= weight.sum(axis=0)
    spread = (weight * steps[:, None] ** 2).sum(axis=0) - (weight * steps[:, None]).sum(axis=0) ** 2
    share = _moment_share(timing, statistics, shapes[statistics.index], near)
    order = np.argsort(seen)
    return replace(
        found,
        shape=found.shape * float(np.interp(middle, seen[order], share[order])),
        by_current=tuple(np.clip(shapes * share, MIN_SHAPE, MAX_SHAPE).tolist()),
        at_Hz=middle,
        # The logarithm of a variance that rests on n degrees of freedom varies by 2 / n.
        freedom_by_current=tuple((2 / np.maximum(spread, 1e-12)).tolist()),
    )


def _nearness(rate: Array, pairs: Array) -> Array:
    """How much the intervals at each current count for each other, shape (n, n).

    The more intervals a current has of its own, the less it needs those of others.
    """
    width = NEARLY_AS_FAST * np.minimum(1.0, ENOUGH_PAIRS / np.maximum(pairs, 1.0))
    return np.asarray(np.exp(-0.5 * (np.log(rate[:, None] / rate) / width[:, None]) ** 2))


def _moment_share(
    timing: SpikeTiming, statistics: SufficientStatistics, shape: Array, near: Array
) -> Array:
    """By how much to correct shapes so that intervals vary as they do, not as gamma intervals do.

    What matters for a rate is the variance of the intervals (Cox 1962, section 4.5). Intervals that
    are more skewed than those of a gamma process, such as those of an integrate-and-fire neuron in
    noise, vary more than the likeness of neighbours tells. How much more depends on the rate: such
    a neuron fires as a clock far above its threshold and at random far below it, and is skewed
    between. So each current is corrected by the intervals of those that fire nearly as fast.
    """
    told = timing.intervals >= 3
    if not told.any() or not steady_rate(timing, statistics.count, shape):
        return np.ones(len(near))
    n, total = timing.intervals[told], timing.total_s[told]
    variance = np.maximum(timing.square_s2[told] - total**2 / n, 0.0) / (n - 1)
    near = near[:, statistics.index[told]]
    seen = near @ ((n - 1) * variance / (total / n) ** 2)
    # Held against their own mean, n gamma intervals vary less than 1 / shape: their shares of the
    # whole follow a Dirichlet distribution, whatever the whole is, so that it does not matter that
    # a window cuts off long intervals (Lukacs 1955).
    foretold, weight = near @ ((n - 1) * n / (n * shape[told] + 1)), near @ (n - 1)
    # With few intervals the variance is rough: then gamma intervals are believed.
    ratio = np.maximum(foretold, 1e-12) / np.maximum(seen, 1e-12)
    return np.asarray(ratio ** (weight / (weight + FEW_INTERVALS)))


def measured_noise(
    statistics: SufficientStatistics, timing: SpikeTiming | None
) -> CountNoise | None:
    """Noise as repeats or the intervals between spikes tell it; None where neither does.

    Parameters
    ----------
    statistics : SufficientStatistics
    timing : SpikeTiming or None
        Of the same measurements.
    """
    return noise_of_repeats(statistics, timing) or noise_of_intervals(statistics, timing)


def infer_noise(counts: Counts, source: Source) -> CountNoise:
    """The regularity of counts, from their scatter and the prior.

    Parameters
    ----------
    counts : Counts
    source : {"repeats", "residuals", "prior"}

    Returns
    -------
    CountNoise
        With the shape whose precision is the posterior mean of the precision: for normal data and
        no prior that is the usual unbiased variance.
    """
    every = np.ones(counts.mean.shape, dtype=bool)
    return _infer(counts, source, counts.mean, np.zeros_like(counts.mean), every, 0.0)


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts, what is expected of them, and what was fitted to them.

    Attributes
    ----------
    count, mean : ndarray, shape (n,)
        Counts, and what is expected of each.
    volume : callable
        Given the shape of each, the log determinant of the information about the means (Cox and
        Reid).
    """

    count: Array
    mean: Array
    volume: Callable[[Array], float]

    def exact(self, shape: Array) -> Array:
        """Adjusted log-likelihood of each row of shapes, (g, n) to (g,)."""
        told = self.mean > 0
        likely = log_probability(self.count[told], self.mean[told], shape[:, told]).sum(axis=1)
        return np.asarray(likely - 0.5 * np.array([self.volume(row) for row in shape]))


@dataclass(frozen=True, eq=False)
class Pairs:
    """What neighbouring intervals say, as `SpikeTiming` sums it up for each measurement."""

    pairs: Array
    evenness: Array

    def each(self, shape: Array) -> Array:
        """Log-likelihood of each measurement under each row of shapes, (g, n)."""
        even = (shape - 1) * (self.evenness - self.pairs * np.log(4))
        return np.asarray(even - self.pairs * betaln(shape, shape))

    def exact(self, shape: Array) -> Array:
        """The sum over measurements, (g, n) to (g,)."""
        return np.asarray(self.each(shape).sum(axis=1))


def _seen_rate(statistics: SufficientStatistics) -> Array:
    """Rate at each distinct current, never 0 (Hz): half a spike more than was counted."""
    return np.asarray((statistics.pooled_count + 0.5) / statistics.pooled_window)


def _prior(log_shape: Array) -> Array:
    log_cv = -0.5 * log_shape
    beyond = log_cv - np.clip(log_cv, *np.log(PRIOR_CV))
    return np.asarray(-0.5 * (beyond / PRIOR_EDGE) ** 2)


def _raised(log_shape: Array, by: Array) -> Array:
    """Shapes, raised by the logarithm `by` of each measurement."""
    low, high = np.log(MIN_SHAPE), np.log(MAX_SHAPE)
    return np.asarray(np.exp(np.clip(log_shape[:, None] + by, low, high)))


def _power(pairs: Pairs, rate: Array) -> tuple[float, float, float]:
    """With which power of the rate the shape grows, how much of it is known, and a middle rate."""
    told = pairs.pairs > 0
    middle = float(np.exp(np.log(rate[told]).mean()))
    if rate[told].max() < 1.5 * rate[told].min():
        return 0.0, 0.0, middle
    rough = np.linspace(np.log(MIN_SHAPE), np.log(MAX_SHAPE), 23)
    steps = np.linspace(-3, 3, 25) * PRIOR_POWER
    shape, power = (part.ravel() for part in np.meshgrid(rough, steps, indexing="ij"))
    weight = pairs.exact(_raised(shape, power[:, None] * np.log(rate / middle)))
    weight += _prior(shape) - 0.5 * (power / PRIOR_POWER) ** 2
    weight = np.exp(weight - weight.max())
    weight /= weight.sum()
    mean = float(power @ weight)
    left = min(float((power - mean) ** 2 @ weight) / PRIOR_POWER**2, 1.0)
    return mean, 1 - left, middle


def _infer(
    data: Counts | Pairs,
    source: Source,
    mean: Array,
    by: Array,
    fires: NDArray[np.bool_],
    known: float,
) -> CountNoise:
    """The posterior of the shape, which is raised by the logarithm `by` at each measurement.

    `mean` are the counts whose variance is wanted, where they fire; `known` is how much of a
    parameter was fitted before.
    """
    low, high = np.log(MIN_SHAPE), np.log(MAX_SHAPE)

    def posterior(log_shape: Array) -> tuple[Array, Array]:
        found = data.exact(_raised(log_shape, by))
        weight = np.exp(found + _prior(log_shape) - (found + _prior(log_shape)).max())
        return found, weight / weight.sum()

    rough = np.linspace(low, high, 23)
    _, weight = posterior(rough)
    centre = float(rough @ weight)
    width = 5 * max(float(np.sqrt((rough - centre) ** 2 @ weight)), 0.1)
    fine = np.linspace(max(low, centre - width), min(high, centre + width), 31)
    found, weight = posterior(fine)

    # What matters about the shape is the variance of the counts that it implies.
    each = rough_variance(mean[fires], _raised(fine, by)[:, fires])
    level = np.log((each / each[int(np.argmax(weight))]).mean(axis=1))
    typical = float(level @ weight)
    freedom = _freedom(float((level - typical) ** 2 @ weight))
    if np.isfinite(freedom):
        # The power costs as much of a degree of freedom as the data say about it.
        freedom = max(freedom - known, 1.0)
    wanted = -float(np.log(np.exp(-level) @ weight))
    # The level falls as the shape rises.
    log_shape = float(np.interp(-wanted, -level, fine))
    poisson = data.exact(np.ones((1, len(by))))[0]
    gain = 2 * float(np.interp(log_shape, fine, found) - poisson)
    return CountNoise(float(np.exp(log_shape)), source, freedom, gain)


def _freedom(spread: float) -> float:
    """Degrees of freedom of a variance whose logarithm has this variance: solve psi'(d/2) = s."""
    if spread < 1e-4:
        return np.inf
    half = 0.5 + 1 / spread
    for _ in range(20):
        now = float(polygamma(1, half))
        step = now * (1 - now / spread) / float(polygamma(2, half))
        half += step
        if abs(step) < 1e-8 * half:
            break
    return 2 * half
