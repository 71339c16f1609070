"""How many bits a second spikes carry about what drove them, each estimate freed of its bias.

Three questions, three estimators, each exact on a channel whose capacity is known in closed form:

* `spike_information`: bits the arrival of single spikes carries about time in a repeated stimulus
  (Brenner et al. 2000, Neural Comput. 12:1531); exact for Poisson spikes;
* `bin_information`: bits in the spike counts of bins, total less noise entropy (the direct method
  of Strong et al. 1998, Phys. Rev. Lett. 80:197); exact where bins are independent;
* `gaussian_information`: bits a linear reconstruction of the stimulus leaves certain (Rieke et al.
  1997, Spikes, section 3.3), a lower bound; exact for a Gaussian channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma

from neurosim.atomic_write import plain
from neurosim.errors import ParameterError

__all__ = ["Bits", "bin_information", "gaussian_information", "spike_counts", "spike_information"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bits:
    """An amount of information.

    Attributes
    ----------
    per_second : float
        Bits a second, corrected for the bias of a finite sample.
    per_spike : float
        The same over the rate; nan where there are no spikes to count.
    bias_per_second : float
        What was subtracted.
    method : str
        Estimator and correction.
    """

    per_second: float
    per_spike: float
    bias_per_second: float
    method: str

    def to_dict(self) -> dict[str, Any]:
        """Every number; None where it could not be told."""
        return {name: plain(value) for name, value in vars(self).items()}


def spike_counts(trains: Sequence[NDArray[Any]], duration_s: float, bin_s: float) -> Array:
    """Count the spikes of every trial in equal bins.

    Parameters
    ----------
    trains : sequence of ndarray
        Spike times of each trial (s).
    duration_s, bin_s : float
        Length of a trial and of a bin (s); a last, shorter bin is left out.

    Returns
    -------
    ndarray, shape (trials, bins)

    Examples
    --------
    >>> spike_counts([np.array([0.05, 0.12, 0.13])], 0.3, 0.1)
    array([[1., 2., 0.]])
    """
    bins = int(np.floor(duration_s / bin_s + 1e-9))
    if bins < 2:
        raise ParameterError(
            f"bins of {bin_s:g} s leave fewer than two in {duration_s:g} s; choose shorter ones"
        )
    edges = bin_s * np.arange(bins + 1)
    return np.array([np.histogram(train, edges)[0] for train in trains], dtype=float)


def spike_information(
    trains: Sequence[NDArray[Any]], duration_s: float, bin_s: float = 0.005
) -> Bits:
    """Information that single spikes carry about time in a repeated stimulus.

    mean over time of (r / rbar) log2(r / rbar), with r the rate over trials in bins. For a bin of n
    spikes, n ln n is replaced by n G(n), whose mean over Poisson counts is the wanted value but for
    a rest that vanishes with more than about one spike a bin over all trials (Grassberger 2003,
    arXiv:physics/0307138); with fewer, take longer bins: the estimate is too high.

    Parameters
    ----------
    trains : sequence of ndarray
        Spike times of repeated trials (s).
    duration_s : float
        Length of a trial (s).
    bin_s : float
        Bin (s); changes within it are not seen.

    Returns
    -------
    Bits

    Examples
    --------
    Poisson spikes that come in every second half second only carry one bit each:

    >>> random = np.random.default_rng(1)
    >>> trains = [np.sort(random.choice(np.arange(0, 10), 40) + random.uniform(0, 0.5, 40))
    ...           for _ in range(50)]
    >>> round(spike_information(trains, 10.0, 0.1).per_spike, 2)
    1.0
    """
    counts = spike_counts(trains, duration_s, bin_s)
    total, bins = counts.sum(), counts.shape[1]
    method = f"single spikes, bins of {1e3 * bin_s:g} ms, Grassberger"
    if total == 0:
        return Bits(0.0, np.nan, 0.0, method)
    seen = counts.sum(axis=0)
    share = seen / total
    busy = share > 0
    plain = float(np.sum(share[busy] * np.log2(share[busy] * bins)))
    each, whole = seen[busy] * _g(seen[busy]), total * _g(np.array([total]))[0]
    fixed = float((each.sum() - whole) / total / np.log(2) + np.log2(bins))
    rate = total / len(trains) / (bins * bin_s)
    return Bits(fixed * rate, fixed, (plain - fixed) * rate, method)


def _g(n: Array) -> Array:
    """psi(n) + (-1)^n / 2 [psi((n + 1) / 2) - psi(n / 2)], Grassberger's stand-in for ln n."""
    sign = np.where(n % 2 == 0, 1.0, -1.0)
    found: Array = digamma(n) + 0.5 * sign * (digamma((n + 1) / 2) - digamma(n / 2))
    return found


def bin_information(
    trains: Sequence[NDArray[Any]], duration_s: float, bin_s: float = 0.005
) -> Bits:
    """Information in the spike counts of bins: total entropy less noise entropy.

    Both entropies carry the correction of Miller and Madow (Miller 1955; Panzeri and Treves 1996,
    Network 7:87), (distinct counts seen - 1) / (2 n ln 2). Correlations between bins are left out,
    so it is exact only for spikes without memory.

    Parameters
    ----------
    trains : sequence of ndarray
        Spike times of repeated trials (s); more than about ten.
    duration_s : float
        Length of a trial (s).
    bin_s : float
        Bin (s).

    Returns
    -------
    Bits

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> chance = np.tile([0.1, 0.6], 200)
    >>> trains = [0.01 * (np.flatnonzero(random.random(400) < chance) + 0.5) for _ in range(200)]
    >>> known = 0.9341 - 0.5 * (0.4690 + 0.9710)       # entropies of .35, .1 and .6
    >>> found = bin_information(trains, 4.0, 0.01).per_second * 0.01
    >>> bool(abs(found / known - 1) < 0.05)
    True
    """
    counts = spike_counts(trains, duration_s, bin_s).astype(int)
    trials, bins = counts.shape
    method = f"counts of {1e3 * bin_s:g} ms bins, Miller-Madow"
    if trials < 2:
        raise ParameterError("bin_information needs at least two trials")
    kinds = np.arange(counts.max() + 1)
    seen = (counts[:, :, None] == kinds).sum(axis=0)
    plain_noise, fixed_noise = _entropies(seen, trials)
    plain_total, fixed_total = _entropies(seen.sum(axis=0)[None], trials * bins)
    plain = plain_total[0] - plain_noise.mean()
    fixed = fixed_total[0] - fixed_noise.mean()
    rate = counts.sum() / trials / (bins * bin_s)
    return Bits(
        float(fixed / bin_s),
        float(fixed / bin_s / rate) if rate else np.nan,
        float((plain - fixed) / bin_s),
        method,
    )


def _entropies(seen: NDArray[np.int64], n: int) -> tuple[Array, Array]:
    """Entropy of each row of numbers seen (bits): plain, and with the Miller-Madow correction."""
    share = seen / n
    plain = -np.sum(
        np.where(share > 0, share * np.log2(np.where(share > 0, share, 1.0)), 0), axis=1
    )
    return plain, plain + ((seen > 0).sum(axis=1) - 1) / (2 * n * np.log(2))


def gaussian_information(
    stimulus: ArrayLike,
    response: ArrayLike,
    step_s: float,
    segment_s: float = 0.5,
    highest_Hz: float | None = None,
) -> Bits:
    """Information a linear reconstruction leaves about a Gaussian stimulus, a lower bound.

    -int log2(1 - coherence) df, the coherence from Hann-windowed segments that overlap by half. The
    logarithm of such an estimate is too large by 1 / K at every frequency, K the number of
    independent segments (Wilks: 2 K ln(1 - coherence) has two degrees of freedom); it is
    subtracted.

    Parameters
    ----------
    stimulus, response : array_like, shape (n,) or (trials, n)
        Samples; the response may be spike counts in bins of `step_s`. Trials of one stimulus are
        averaged over, not pooled.
    step_s : float
        Time between samples (s).
    segment_s : float
        Length of a segment (s); frequencies closer than its inverse are not told apart.
    highest_Hz : float, optional
        Upper end of the integral (default: half the sampling rate).

    Returns
    -------
    Bits
        `per_spike` is nan.

    Raises
    ------
    ParameterError
        Lengths differ, or there are fewer than four segments.

    Examples
    --------
    A white channel of signal-to-noise ratio 1 and 500 Hz carries 500 log2(2) bits a second:

    >>> random = np.random.default_rng(1)
    >>> s = random.standard_normal(200_000)
    >>> found = gaussian_information(s, s + random.standard_normal(200_000), 0.001)
    >>> bool(abs(found.per_second / 500 - 1) < 0.02)
    True
    """
    s = np.asarray(stimulus, dtype=float)
    responses = np.atleast_2d(np.asarray(response, dtype=float))
    if s.ndim != 1 or responses.shape[1] != len(s):
        raise ParameterError(
            f"stimulus of shape {s.shape} and response of shape {responses.shape} must agree"
        )
    # Slow to import, and only this function needs it.
    from scipy.signal import coherence

    size = round(segment_s / step_s)
    step = max(size // 2, 1)
    segments = len(range(0, len(s) - size + 1, step))
    if size < 4 or segments < 4:
        raise ParameterError(
            f"{len(s) * step_s:g} s hold fewer than four segments of {segment_s:g} s; "
            "record longer or choose shorter segments"
        )
    centred = responses - responses.mean(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        frequency, shared = coherence(
            s - s.mean(), centred, 1 / step_s, nperseg=size, noverlap=size - step, detrend=False
        )
    inside = (frequency > 0) & (frequency <= (0.5 / step_s if highest_Hz is None else highest_Hz))
    # Where a response has no power nothing is shared.
    lost = np.maximum(1 - np.nan_to_num(shared[:, inside]), 1e-12)
    totals = -np.log2(lost).sum(axis=1) / (size * step_s)
    # Neighbours that overlap by half under this window share 1/6 of their amplitude.
    independent = segments / (1 + 2 / 36)
    bias = inside.sum() / independent / np.log(2) / (size * step_s)
    return Bits(
        float(np.mean(totals) - bias),
        np.nan,
        float(bias),
        f"linear reconstruction, segments of {segment_s:g} s, 1/K subtracted",
    )
