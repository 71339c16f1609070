"""How much of what a cell repeats does a unit's rate foretell?

No unit can foretell a cell's own noise, so it is not asked to. With trials of one and the same
current, the part of the response that comes again is known, and the unit is scored against that
part alone: 1 is all of it. Two scores, each unbiased in the number of trials:

* power: the share of the *signal power* (Sahani and Linden 2003, Adv. Neural Inf. Process. Syst.
  15:277) the rate explains;
* bits: what the rate says of the spikes beyond the mean rate, in bits of Poisson log-likelihood,
  over what single spikes say of time in the stimulus (`spike_information`); for the true rate of
  Poisson spikes the two are equal (Williamson, Sahani and Pillow 2015, PLoS Comput. Biol.
  11:e1004141).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.spike_trains.information import spike_counts, spike_information
from neurosim.atomic_write import plain
from neurosim.errors import ParameterError

__all__ = ["RateScore", "draw_trains", "score_rates"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RateScore:
    """A unit's rate held against repeated trials.

    Attributes
    ----------
    power : float
        Share of the repeatable power the rate explains; 1 is all of it, below 0 is worse than the
        mean rate.
    correlation : float
        Correlation with the repeatable part, for those who want it blind to scale.
    cell_bits_Hz : float
        Bits a second that spikes carry about time in the stimulus.
    unit_bits_Hz : float
        Bits a second that Poisson spikes at the unit's rate would carry.
    explained_bits_Hz : float
        Bits a second that the unit's rate says of the cell's spikes.
    bits : float
        Explained over the cell's own: 1 is everything the cell repeats.
    repeatable : float
        Share of the response's power that comes again from trial to trial.
    trials : int
    bin_ms : float
    """

    power: float
    correlation: float
    cell_bits_Hz: float
    unit_bits_Hz: float
    explained_bits_Hz: float
    bits: float
    repeatable: float
    trials: int
    bin_ms: float

    def to_dict(self) -> dict[str, Any]:
        """Every number; None where it could not be told."""
        return {name: plain(value) for name, value in vars(self).items()}


def score_rates(
    trains: Sequence[NDArray[Any]], rate_Hz: ArrayLike, duration_s: float, bin_s: float = 0.02
) -> RateScore:
    """Score a rate against repeated trials of one current.

    Parameters
    ----------
    trains : sequence of ndarray
        Spike times of each trial (s).
    rate_Hz : array_like, shape (bins,)
        The unit's mean rate in each bin (Hz).
    duration_s, bin_s : float
        Length of a trial and of a bin (s).

    Returns
    -------
    RateScore

    Raises
    ------
    ParameterError
        Fewer than two trials, or not one rate a bin.

    Examples
    --------
    >>> rate = 20 * (1 + np.sin(np.arange(500) / 5))
    >>> trains = draw_trains(rate, 0.02, 100, seed=1)
    >>> told = score_rates(trains, rate, 10.0)
    >>> bool(abs(told.power - 1) < 0.03), bool(abs(told.bits - 1) < 0.03)
    (True, True)
    """
    counts = spike_counts(trains, duration_s, bin_s)
    trials, bins = counts.shape
    rate = np.asarray(rate_Hz, dtype=float)
    if trials < 2:
        raise ParameterError("score_rates needs at least two trials of the same current")
    if rate.shape != (bins,):
        raise ParameterError(f"{bins} bins but rates of shape {rate.shape}; give one a bin")
    if not (np.isfinite(rate).all() and (rate >= 0).all()):
        raise ParameterError("rates must be finite and not negative")
    seen = counts / bin_s
    mean = seen.mean(axis=0)
    total = float(seen.var(axis=1, ddof=1).mean())
    # Noise of the trials is estimated from their scatter and taken out of the mean's power.
    noise = float(seen.var(axis=0, ddof=1).mean())
    signal = float(mean.var(ddof=1)) - noise / trials
    missed = float(((mean - rate) ** 2).mean()) - noise / trials
    both = float(np.cov(mean, rate)[0, 1])
    spread = float(rate.var(ddof=1))
    # A floor, so that one spike at a rate of zero costs much but not everything.
    level = max(float(mean.mean()), 1e-9)
    floor = np.maximum(rate, 1e-3 * level)
    expected = floor * bin_s
    gain = counts.mean(axis=0) * np.log(floor / level) - (expected - level * bin_s)
    explained = float(gain.sum() / np.log(2) / (bins * bin_s))
    own = spike_information(trains, duration_s, bin_s)
    share = np.where(rate > 0, rate / max(float(rate.mean()), 1e-9), 1.0)
    unit_bits = float((np.maximum(rate, 0) * np.log2(share)).mean())
    return RateScore(
        power=1 - missed / signal if signal > 0 else np.nan,
        correlation=both / np.sqrt(spread * signal) if signal > 0 and spread > 0 else np.nan,
        cell_bits_Hz=own.per_second,
        unit_bits_Hz=unit_bits,
        explained_bits_Hz=explained,
        bits=explained / own.per_second if own.per_second > 0 else np.nan,
        repeatable=signal / total if total > 0 else np.nan,
        trials=trials,
        bin_ms=1e3 * bin_s,
    )


def draw_trains(rate_Hz: ArrayLike, bin_s: float, trials: int, seed: Any) -> list[Array]:
    """Poisson spikes at a rate that changes from bin to bin.

    Parameters
    ----------
    rate_Hz : array_like, shape (bins,)
        Rate in each bin (Hz).
    bin_s : float
        Length of a bin (s).
    trials : int
        Trains to draw.
    seed : int or sequence of int

    Returns
    -------
    list of ndarray
        Spike times (s).

    Examples
    --------
    >>> len(draw_trains([10.0, 20.0], 0.5, 3, seed=0))
    3
    """
    random = np.random.default_rng(seed)
    rate = np.asarray(rate_Hz, dtype=float)
    trains = []
    for counts in random.poisson(rate * bin_s, (trials, len(rate))):
        place = np.repeat(np.arange(len(rate)), counts)
        trains.append(np.sort((place + random.random(len(place))) * bin_s))
    return trains
