"""Do the same spikes come at the same times when the same current comes again?

The question of Mainen and Sejnowski 1995 (Science 268:1503): under a constant current the n-th
spikes of repeated trials drift apart; under a fluctuating one they stay together. Events are the
times at which spikes of many trials gather; reliability is the share of spikes that belong to one,
precision how narrow they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.spike_trains.distances import (
    coincidence_factor,
    isi_distance,
    spike_distance,
    van_rossum,
)
from neurosim.atomic_write import plain
from neurosim.errors import ExtraMissingError, ParameterError

__all__ = ["Event", "Reliability", "nth_spike_jitter", "reliability", "spike_events"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Event:
    """A time at which the spikes of many trials gather.

    Attributes
    ----------
    time_s : float
        Mean time of its spikes.
    jitter_ms : float
        Their standard deviation.
    share : float
        Share of the trials with a spike in it.
    """

    time_s: float
    jitter_ms: float
    share: float


@dataclass(frozen=True)
class Reliability:
    """How repeatable spikes are over trials of one and the same current.

    Attributes
    ----------
    trials : int
        Repeats.
    rate_Hz : float
        Mean rate.
    events : int
        Times at which spikes gather.
    reliability : float
        Share of all spikes that belong to an event.
    jitter_ms : float
        Standard deviation of spike times within events, mean over events weighted by their spikes.
    median_jitter_ms : float
        Median over events.
    last_event_jitter_ms : float
        Of the last event.
    coincidence : float
        Mean Gamma over all pairs of trials, at `precision_ms`.
    precision_ms : float
    van_rossum : float
        Mean distance of pairs, time constant 10 ms.
    isi_distance, spike_distance : float
        Mean over pairs; nan where PySpike is not installed.
    """

    trials: int
    rate_Hz: float
    events: int
    reliability: float
    jitter_ms: float
    median_jitter_ms: float
    last_event_jitter_ms: float
    coincidence: float
    precision_ms: float
    van_rossum: float
    isi_distance: float
    spike_distance: float

    def to_dict(self) -> dict[str, Any]:
        """Every number; None where it could not be told."""
        return {name: plain(value) for name, value in vars(self).items()}


def nth_spike_jitter(trains: Sequence[Array]) -> Array:
    """Standard deviation of the time of the 1st, 2nd, ... spike over trials.

    Parameters
    ----------
    trains : sequence of ndarray
        Spike times of each trial (s).

    Returns
    -------
    ndarray, shape (n,)
        In millisecond, as far as every trial has such a spike.

    Examples
    --------
    >>> nth_spike_jitter([np.array([0.1, 0.2]), np.array([0.1, 0.204, 0.3])]).round(3)
    array([0.   , 2.828])
    """
    if len(trains) < 2:
        raise ParameterError("nth_spike_jitter needs at least two trials")
    count = min(len(train) for train in trains)
    return np.asarray(1e3 * np.std([train[:count] for train in trains], axis=0, ddof=1))


def spike_events(
    trains: Sequence[Array], duration_s: float, width_s: float = 0.003, share: float = 0.3
) -> list[Event]:
    """Find the times at which spikes of many trials gather.

    The spikes of all trials, each drawn as a Gaussian of `width_s`, make a histogram; an event is
    a hump of it that rises above three times the mean rate and holds spikes of at least `share` of
    the trials; it reaches as far as the histogram stays above the mean rate, or to the valley
    before the next hump, without spikes beyond 3.5 robust standard deviations from its middle.

    Parameters
    ----------
    trains : sequence of ndarray
        Spike times of each trial (s).
    duration_s : float
        Length of a trial (s).
    width_s : float
        Smoothing (s).
    share : float
        Least share of trials.

    Returns
    -------
    list of Event

    Examples
    --------
    >>> trains = [np.array([0.1, 0.3]), np.array([0.101, 0.301]), np.array([0.099, 0.7])]
    >>> [round(event.time_s, 3) for event in spike_events(trains, 1.0, share=0.6)]
    [0.1, 0.3]
    """
    step = width_s / 6
    edges = np.arange(-4 * width_s, duration_s + 4 * width_s + step, step)
    times = np.concatenate(trains) if len(trains) else np.zeros(0)
    trial = np.repeat(np.arange(len(trains)), [len(train) for train in trains])
    if not len(times):
        return []
    raw, _ = np.histogram(times, edges)
    kernel = np.exp(-0.5 * (np.arange(-24, 25) / 6) ** 2)
    height = np.convolve(raw, kernel / kernel.sum() / step, mode="same")
    mean = len(times) / duration_s
    rise = np.diff(height)
    peaks = np.flatnonzero((rise[:-1] > 0) & (rise[1:] <= 0)) + 1
    peaks = peaks[height[peaks] > 3 * mean]
    found = []
    for k, peak in enumerate(peaks):
        # From the lowest point after the last hump to the lowest before the next.
        left = 0 if k == 0 else peaks[k - 1] + int(np.argmin(height[peaks[k - 1] : peak]))
        right = (
            len(height) - 1
            if k == len(peaks) - 1
            else peak + int(np.argmin(height[peak : peaks[k + 1]]))
        )
        # The unbroken stretch around the peak that rises above the mean rate.
        low = height < max(0.02 * height[peak], mean)
        below, beyond = np.flatnonzero(low[left:peak]), np.flatnonzero(low[peak:right])
        start = edges[left + below[-1] + 1 if len(below) else left]
        stop = edges[peak + beyond[0] if len(beyond) else right + 1]
        inside = (times >= start) & (times < stop)
        if inside.any():
            # A stray spike within the stretch is no part of the event.
            centre = np.median(times[inside])
            spread = 1.4826 * np.median(np.abs(times[inside] - centre))
            inside &= np.abs(times - centre) <= 3.5 * max(spread, 1e-4)
        taking_part = len(np.unique(trial[inside])) / len(trains)
        if taking_part >= share and inside.sum() > 1:
            here = times[inside]
            found.append(Event(float(here.mean()), float(1e3 * here.std(ddof=1)), taking_part))
    return found


def reliability(
    trains: Sequence[Array],
    duration_s: float,
    precision_s: float = 0.002,
    pairs: int = 200,
) -> Reliability:
    """Measure how repeatable spikes are.

    Parameters
    ----------
    trains : sequence of ndarray
        Spike times of repeated trials of one current (s).
    duration_s : float
        Length of a trial (s).
    precision_s : float
        Of the coincidences (s).
    pairs : int
        At most so many pairs of trials are compared.

    Returns
    -------
    Reliability

    Raises
    ------
    ParameterError
        Fewer than two trials.

    Examples
    --------
    >>> same = [np.array([0.1, 0.4, 0.7])] * 3
    >>> told = reliability(same, 1.0)
    >>> told.coincidence, round(told.jitter_ms, 6), told.van_rossum
    (1.0, 0.0, 0.0)
    """
    if len(trains) < 2:
        raise ParameterError("reliability needs at least two trials of the same current")
    events = spike_events(trains, duration_s)
    total = sum(len(train) for train in trains)
    weights = np.array([event.share for event in events])
    jitters = np.array([event.jitter_ms for event in events])
    chosen = list(combinations(range(len(trains)), 2))
    if len(chosen) > pairs:
        some = np.random.default_rng(0).choice(len(chosen), pairs, replace=False)
        chosen = [chosen[i] for i in np.sort(some)]
    couples = [(trains[i], trains[j]) for i, j in chosen]
    gammas = np.array([coincidence_factor(a, b, duration_s, precision_s) for a, b in couples])
    try:
        isi = float(np.mean([isi_distance(a, b, duration_s) for a, b in couples]))
        spike = float(np.mean([spike_distance(a, b, duration_s) for a, b in couples]))
    except ExtraMissingError:
        isi = spike = np.nan
    inside = sum(round(event.share * len(trains)) for event in events)
    return Reliability(
        trials=len(trains),
        rate_Hz=total / len(trains) / duration_s,
        events=len(events),
        reliability=min(inside / total, 1.0) if total else np.nan,
        jitter_ms=float(np.average(jitters, weights=weights)) if events else np.nan,
        median_jitter_ms=float(np.median(jitters)) if events else np.nan,
        last_event_jitter_ms=events[-1].jitter_ms if events else np.nan,
        coincidence=float(np.nanmean(gammas)) if np.isfinite(gammas).any() else np.nan,
        precision_ms=1e3 * precision_s,
        van_rossum=float(np.mean([van_rossum(a, b) for a, b in couples])),
        isi_distance=isi,
        spike_distance=spike,
    )
