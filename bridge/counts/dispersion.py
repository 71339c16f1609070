"""How noisy the counts are: the regularity of spiking, found in the data together with a prior.

The regularity is the shape ``k`` of `bridge.counts.likelihood`, the same for every family compared
(as Burnham and Anderson 2002, section 2.5, advise for over-dispersed counts). Most cells fire more
regularly the faster they fire, so that ``k`` may grow with a power of the rate. What tells it is,
first of all, the scatter of repeats; beside it, where spike times are known, how alike neighbouring
intervals are (`bridge.counts.spike_timing`), which alone tell the power; and where there is
neither, the residuals of the best family. Repeats and residuals enter by the Cox-Reid adjusted
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
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, chdtri, polygamma, stdtrit

from bridge.counts.likelihood import MAX_SHAPE, MIN_SHAPE, log_probability, rough_variance, variance
from bridge.counts.spike_timing import SpikeTiming
from bridge.counts.sufficient_statistics import SufficientStatistics

__all__ = ["CountNoise", "Counts", "infer_noise", "noise_of_intervals", "noise_of_repeats"]

Array = NDArray[np.float64]

Source = Literal[
    "poisson", "repeats", "repeats and intervals", "intervals", "residuals", "prior", "clock"
]

ENOUGH = 3
"""Degrees of freedom needed among repeats, or pairs of intervals, before they decide."""
PRIOR_CV = (0.05, 1.5)
"""Coefficients of variation between which the prior is flat in the logarithm."""
PRIOR_EDGE = 0.3
"""Standard deviation of the prior's tails, in powers of e."""
PRIOR_POWER = 1.0
"""Standard deviation of the prior of the power of the rate, about none."""
CONFLICT = 3.84
"""Twice the loss of log-likelihood at which repeats contradict the intervals (chance of .05)."""


@dataclass(frozen=True)
class CountNoise:
    """How counts scatter about their mean.

    Attributes
    ----------
    shape : float
        1 is Poisson; larger is more regular, smaller more variable.
    source : str
        Where the shape comes from: "repeats", "intervals", "repeats and intervals", "residuals" or
        "prior"; "poisson" where it was not estimated, "clock" where the cell fires so regularly
        that counts do not scatter at all.
    freedom : float
        Degrees of freedom that the variance of the counts rests on; inf where it is known.
    evidence : float
        Twice the log-likelihood gained over Poisson counts.
    rounding_Hz : tuple of float
        Of a clock: standard deviation of a rate in its range of possible rates, at each current.
    power : float
        The shape grows with this power of the rate.
    at_Hz : float
        The rate at which the shape is `shape`; nan where it is the same at all rates.
    """

    shape: float = 1.0
    source: Source = "poisson"
    freedom: float = np.inf
    evidence: float = 0.0
    rounding_Hz: tuple[float, ...] = ()
    power: float = 0.0
    at_Hz: float = np.nan

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
        >>> statistics = FICurve([0, 50, 100], [0, 8, 32], 1.0).statistics()
        >>> CountNoise(10.0, "repeats", power=1.0, at_Hz=16.0).shapes(statistics).round(1)
        array([ 0.3,  5.3, 20.3])
        """
        if not self.power:
            return self.shape
        scale = (_seen_rate(statistics) / self.at_Hz) ** self.power
        return np.clip(self.shape * scale[statistics.index], MIN_SHAPE, MAX_SHAPE)

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
        if self.source == "clock":
            return "clockwork: no scatter, each rate known up to one spike or less"
        if not self.estimated:
            return "Poisson counts"
        at = f" at {self.at_Hz:.3g} Hz" if self.power else ""
        told = f"gamma intervals of shape {self.shape:.3g}{at}, from {self.source}"
        if abs(np.log(self.shape)) < 0.3:
            return f"counts about as variable as Poisson ({told})"
        return f"counts more {'regular' if self.shape > 1 else 'variable'} than Poisson ({told})"


def noise_of_repeats(
    statistics: SufficientStatistics, timing: SpikeTiming | None = None
) -> CountNoise | None:
    """Noise from the scatter of repeats about their own mean; None where there are too few.

    Parameters
    ----------
    statistics : SufficientStatistics
    timing : SpikeTiming, optional
        Where it is known, the intervals between spikes tell as well; unless the repeats contradict
        them, as where a cell drifts from one repeat to the next.

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
    seen = _seen_rate(statistics)[index]
    alone = infer_noise(counts, "repeats", seen)
    pairs = None if timing is None else _pairs(timing)
    if pairs is None:
        return alone
    everywhere = _seen_rate(statistics)[statistics.index]
    told = _infer([(pairs, everywhere)], "intervals", everywhere[used], mean)
    if 2 * (_fit_of(counts, alone, seen) - _fit_of(counts, told, seen)) > CONFLICT:
        return alone
    both: list[tuple[Counts | Pairs, Array]] = [(counts, seen), (pairs, everywhere)]
    return _infer(both, "repeats and intervals", seen, mean)


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
    pairs = None if timing is None else _pairs(timing)
    if pairs is None:
        return None
    rate = _seen_rate(statistics)[statistics.index]
    fires = statistics.count > 0
    mean = (statistics.window * rate)[fires]
    return _infer([(pairs, rate)], "intervals", rate[fires], mean)


def infer_noise(counts: Counts, source: Source, rate: Array | None = None) -> CountNoise:
    """The regularity of counts, from their scatter and the prior.

    Parameters
    ----------
    counts : Counts
    source : {"repeats", "residuals", "prior"}
    rate : ndarray, shape (n,), optional
        The rate that each count belongs to (Hz), for a regularity that grows with the rate; where
        it is left out, the regularity is the same for all.

    Returns
    -------
    CountNoise
        With the shape whose precision is the posterior mean of the precision: for normal data and
        no prior that is the usual unbiased variance.
    """
    rates = np.ones_like(counts.mean) if rate is None else rate
    return _infer([(counts, rates)], source, rates, counts.mean)


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

    def exact(self, shape: Array) -> Array:
        """Log-likelihood of each row of shapes, (g, n) to (g,)."""
        even = (shape - 1) * (self.evenness - self.pairs * np.log(4))
        return np.asarray((even - self.pairs * betaln(shape, shape)).sum(axis=1))


def _pairs(timing: SpikeTiming) -> Pairs | None:
    return Pairs(timing.pairs, timing.evenness) if timing.pairs.sum() >= ENOUGH else None


def _seen_rate(statistics: SufficientStatistics) -> Array:
    """Rate at each distinct current, never 0 (Hz): half a spike more than was counted."""
    return np.asarray((statistics.pooled_count + 0.5) / statistics.pooled_window)


def _fit_of(counts: Counts, noise: CountNoise, rate: Array) -> float:
    """Adjusted log-likelihood of counts under a regularity found elsewhere."""
    scale = (rate / noise.at_Hz) ** noise.power if noise.power else np.ones_like(rate)
    return float(counts.exact(np.clip(noise.shape * scale, MIN_SHAPE, MAX_SHAPE)[None])[0])


def _prior(log_shape: Array) -> Array:
    log_cv = -0.5 * log_shape
    beyond = log_cv - np.clip(log_cv, *np.log(PRIOR_CV))
    return np.asarray(-0.5 * (beyond / PRIOR_EDGE) ** 2)


def _infer(
    parts: list[tuple[Counts | Pairs, Array]], source: Source, rate: Array, mean: Array
) -> CountNoise:
    """The posterior of the shape, and before it that of the power of the rate it grows with.

    `parts` are what tells, each with the rate of its measurements; `rate` and `mean` are those of
    the counts whose variance is wanted.
    """
    middle = float(np.exp(np.log(rate).mean()))

    def shapes(log_shape: Array, power: Array, at: Array) -> Array:
        raised = log_shape[:, None] + power[:, None] * np.log(at / middle)
        return np.asarray(np.exp(np.clip(raised, np.log(MIN_SHAPE), np.log(MAX_SHAPE))))

    low, high = np.log(MIN_SHAPE), np.log(MAX_SHAPE)
    rough = np.linspace(low, high, 23)
    power, known = 0.0, 0.0
    pairs = [(part, at) for part, at in parts if isinstance(part, Pairs)]
    if pairs and rate.max() > 1.5 * rate.min():
        # Counts alone hardly tell a power; where they are few, they would tell a wrong one.
        steps = np.linspace(-3, 3, 25) * PRIOR_POWER
        both = [part.ravel() for part in np.meshgrid(rough, steps, indexing="ij")]
        weight = sum(part.exact(shapes(both[0], both[1], at)) for part, at in pairs)
        weight = weight + _prior(both[0]) - 0.5 * (both[1] / PRIOR_POWER) ** 2
        weight = np.exp(weight - weight.max())
        weight /= weight.sum()
        power = float(both[1] @ weight)
        known = 1 - min(float((both[1] - power) ** 2 @ weight) / PRIOR_POWER**2, 1.0)

    def evidence(log_shape: Array, power: float = power) -> Array:
        powers = np.full_like(log_shape, power)
        return np.asarray(sum(part.exact(shapes(log_shape, powers, at)) for part, at in parts))

    def posterior(log_shape: Array) -> tuple[Array, Array]:
        found = evidence(log_shape)
        weight = np.exp(found + _prior(log_shape) - (found + _prior(log_shape)).max())
        return found, weight / weight.sum()

    _, weight = posterior(rough)
    centre = float(rough @ weight)
    width = 5 * max(float(np.sqrt((rough - centre) ** 2 @ weight)), 0.1)
    fine = np.linspace(max(low, centre - width), min(high, centre + width), 31)
    found, weight = posterior(fine)

    # What matters about the shape is the variance of the counts that it implies.
    each = rough_variance(mean, shapes(fine, np.full_like(fine, power), rate))
    level = np.log((each / each[int(np.argmax(weight))]).mean(axis=1))
    typical = float(level @ weight)
    freedom = _freedom(float((level - typical) ** 2 @ weight))
    if np.isfinite(freedom):
        # The power costs as much of a degree of freedom as the data say about it.
        freedom = max(freedom - known, 1.0)
    wanted = -float(np.log(np.exp(-level) @ weight))
    # The level falls as the shape rises.
    log_shape = float(np.interp(-wanted, -level, fine))
    gain = 2 * float(np.interp(log_shape, fine, found) - evidence(np.zeros(1), 0.0)[0])
    at_Hz = middle if power else np.nan
    return CountNoise(float(np.exp(log_shape)), source, freedom, gain, power=power, at_Hz=at_Hz)


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
