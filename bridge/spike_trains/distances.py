"""How unlike two spike trains are, by four measures with their own notion of "the same time"."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.errors import optional
from neurosim.errors import ParameterError

__all__ = ["coincidence_factor", "isi_distance", "spike_distance", "van_rossum"]

Array = NDArray[np.float64]


def coincidence_factor(
    cell: ArrayLike, model: ArrayLike, duration_s: float, precision_s: float = 0.004
) -> float:
    """Coincidence factor Gamma: 1 for the same spikes, 0 for those of chance.

    Coincidences within `precision_s`, each spike used once, less those a Poisson train of the
    model's rate would give, over the mean number of spikes, so scaled that equal trains give 1
    (Kistler, Gerstner and van Hemmen 1997, Neural Comput. 9:1015; Jolivet et al. 2008, J. Neurosci.
    Methods 169:417).

    Parameters
    ----------
    cell, model : array_like
        Spike times, ascending (s).
    duration_s : float
        Length of the observation (s).
    precision_s : float
        Half width of a coincidence (s).

    Returns
    -------
    float
        nan where a train is empty, or where chance alone fills the window.

    Raises
    ------
    ParameterError
        Duration or precision is not positive.

    Examples
    --------
    >>> round(coincidence_factor([0.1, 0.5], [0.101, 0.9], 1.0, precision_s=0.005), 3)
    0.49
    """
    a, b = np.asarray(cell, dtype=float), np.asarray(model, dtype=float)
    if not (duration_s > 0 and precision_s > 0):
        raise ParameterError("coincidence_factor: duration_s and precision_s must be positive")
    if not len(a) or not len(b):
        return np.nan
    hits = i = j = 0
    # One pass: the earliest partner within reach is the best one to take.
    while i < len(a) and j < len(b):
        if abs(a[i] - b[j]) <= precision_s:
            hits, i, j = hits + 1, i + 1, j + 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    share = 2 * precision_s * len(b) / duration_s
    if share >= 1:
        return np.nan
    return float((hits - share * len(a)) / (0.5 * (len(a) + len(b))) / (1 - share))


def van_rossum(a: ArrayLike, b: ArrayLike, tau_s: float = 0.01) -> float:
    """Distance of two trains after each spike is drawn out to exp(-t / tau).

    Scaled so that one spike too many costs 1 (van Rossum 2001, Neural Comput. 13:751, times the
    square root of 2; the convention of elephant). Small tau counts coincidences, large tau the
    difference of spike numbers.

    Parameters
    ----------
    a, b : array_like
        Spike times (s).
    tau_s : float
        Time constant (s).

    Returns
    -------
    float

    Examples
    --------
    >>> van_rossum([0.1], []), round(van_rossum([0.1], [0.2], tau_s=0.001), 3)
    (1.0, 1.414)
    """
    if not tau_s > 0:
        raise ParameterError(f"van_rossum: tau_s = {tau_s:g} must be positive")
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)

    def overlap(p: Array, q: Array) -> float:
        return float(np.exp(-np.abs(p[:, None] - q[None, :]) / tau_s).sum())

    return float(np.sqrt(max(overlap(x, x) + overlap(y, y) - 2 * overlap(x, y), 0.0)))


def isi_distance(a: ArrayLike, b: ArrayLike, duration_s: float) -> float:
    """Mean relative difference of the intervals the two trains are in, 0 to 1, by PySpike.

    Kreuz et al. 2007 (J. Neurosci. Methods 165:151). Needs no time scale; blind to phase.

    Parameters
    ----------
    a, b : array_like
        Spike times (s).
    duration_s : float
        Length of the observation (s).

    Returns
    -------
    float

    Raises
    ------
    ExtraMissingError
        PySpike is not installed.
    """
    spk = optional("pyspike", "isi_distance", "distances")
    return float(spk.isi_distance(*_trains(spk, a, b, duration_s)))


def spike_distance(a: ArrayLike, b: ArrayLike, duration_s: float) -> float:
    """Mean distance of each spike to its neighbour in the other train, 0 to 1, by PySpike.

    Kreuz et al. 2013 (J. Neurophysiol. 109:1457). Needs no time scale; sees phase.

    Parameters
    ----------
    a, b : array_like
        Spike times (s).
    duration_s : float
        Length of the observation (s).

    Returns
    -------
    float

    Raises
    ------
    ExtraMissingError
        PySpike is not installed.
    """
    spk = optional("pyspike", "spike_distance", "distances")
    return float(spk.spike_distance(*_trains(spk, a, b, duration_s)))


def _trains(spk: Any, a: ArrayLike, b: ArrayLike, duration_s: float) -> list[Any]:
    return [
        spk.SpikeTrain(np.sort(np.asarray(train, float)), (0.0, duration_s)) for train in (a, b)
    ]
