"""What a reduction sees of the events: each input through a few exponential filters.

A filter of any shape on a train of events is told here by its values on a handful of decays, from 2
to 75 ms: a membrane, a synapse and their product are sums of such decays. The rows of a fit are
bins: all with a spike, and of those without a share that stands for all of them by its weight
(case-control sampling, which changes no odds but the constant, and the weights mend that too).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from bridge.reduce.dataset import Recorded
from bridge.reduce.innervation import BIN_MS
from bridge.reduce.scores import subthreshold

__all__ = ["DECAYS_MS", "Rows", "Scale", "choose_rows", "decayed", "filtered", "scale_of"]

Single = NDArray[np.float32]

DECAYS_MS = (2.0, 5.0, 12.0, 30.0, 75.0)
_ALL = slice(None)


def filtered(
    events: NDArray[np.uint8],
    bins: NDArray[np.int64] | slice = _ALL,
    decays_ms: tuple[float, ...] = DECAYS_MS,
) -> Single:
    """Each input through each decay at some bins, shape (bins, decays, inputs), of one trial.

    Parameters
    ----------
    events : ndarray, shape (inputs, bins)
    bins : ndarray of int, optional
        Which bins are kept (default: all).
    decays_ms : tuple of float

    Examples
    --------
    >>> one = np.zeros((1, 4), dtype=np.uint8); one[0, 1] = 1
    >>> filtered(one, decays_ms=(2.0,))[:, 0, 0].round(3)
    array([0.   , 1.   , 0.607, 0.368], dtype=float32)
    """
    plain = np.asarray(events, dtype=np.float32)
    kept = np.empty((len(decays_ms), *plain[:, bins].shape), dtype=np.float32)
    for k, tau in enumerate(decays_ms):
        kept[k] = decayed(plain, tau)[:, bins]
    return np.ascontiguousarray(kept.transpose(2, 0, 1))


def decayed(series: Single, tau_ms: float) -> Single:
    """Series through one exponential decay along their last axis; an event counts at once."""
    # In double: in single precision the tails become denormal numbers, which are slow.
    found = lfilter([1.0], [1.0, -np.exp(-BIN_MS / tau_ms)], series.astype(float), axis=-1)
    return np.asarray(found.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Scale:
    """Spread of a filtered input and of the potential, all of the training trials.

    Attributes
    ----------
    spread : ndarray, shape (decays, inputs)
    mean : ndarray, shape (decays, inputs)
    voltage_mean_mV, voltage_spread_mV : float
        Of the bins away from spikes.
    """

    mean: Single
    spread: Single
    voltage_mean_mV: float
    voltage_spread_mV: float

    def apply(self, features: Single) -> Single:
        """Filtered inputs on a common scale, flattened to (rows, decays × inputs)."""
        return ((features - self.mean) / self.spread).reshape(len(features), -1)


def scale_of(train: Recorded, most: int = 12) -> Scale:
    """Measure the scale on the first `most` training trials.

    All inputs of a decay get the same spread, so that an input that happened to be quieter is not
    made louder.
    """
    bins = np.arange(train.warm_up, train.events.shape[2])
    seen = np.concatenate([filtered(one, bins) for one in train.events[:most]])
    spread = seen.std(axis=0)
    typical = np.sqrt((spread**2).mean(axis=1, keepdims=True))
    away = train.voltage_mV[subthreshold(train.spikes)]
    return Scale(
        mean=np.broadcast_to(seen.mean(axis=(0, 2), keepdims=True)[0], spread.shape).copy(),
        spread=np.broadcast_to(np.maximum(typical, 1e-6), spread.shape).copy(),
        voltage_mean_mV=float(away.mean()),
        voltage_spread_mV=float(max(away.std(), 1e-6)),
    )


@dataclass(frozen=True, eq=False)
class Rows:
    """Bins that are looked at in a fit.

    Attributes
    ----------
    features : ndarray, shape (rows, lags, decays × inputs)
        On the common scale; lag 0 is the bin itself.
    spiked : ndarray of float32, shape (rows,)
    weight : ndarray of float32, shape (rows,)
        Sums to one.
    voltage : ndarray of float32, shape (rows,)
        Potential on the common scale.
    voltage_weight : ndarray of float32, shape (rows,)
        Sums to one; 0 near spikes.
    """

    features: Single
    spiked: Single
    weight: Single
    voltage: Single
    voltage_weight: Single


def choose_rows(
    recorded: Recorded, scale: Scale, silent: int, *, lags_ms: tuple[int, ...] = (0,), seed: int = 1
) -> Rows:
    """Take all bins with a spike and about `silent` of the others.

    Parameters
    ----------
    recorded : Recorded
    scale : Scale
    silent : int
        Bins without a spike that are wanted.
    lags_ms : tuple of int
        At which lags the features of a row are kept.
    seed : int
        Of the draw.
    """
    spiked = recorded.spikes > 0
    away = subthreshold(recorded.spikes)
    random = np.random.default_rng([seed, 0x524F57])
    share = min(silent / max(int((~spiked).sum()), 1), 1.0)
    kept = spiked | (random.random(spiked.shape) < share)
    parts = []
    for k in range(recorded.trials):
        bins = np.flatnonzero(kept[k]) + recorded.warm_up
        if len(bins):
            late = (bins[:, np.newaxis] - np.array(lags_ms)).ravel()
            seen = scale.apply(filtered(recorded.events[k], late))
            parts.append(seen.reshape(len(bins), len(lags_ms), -1))
    there = spiked[kept].astype(np.float32)
    weight = np.where(there > 0, 1.0, 1 / share)
    near = away[kept] * weight
    potential = (recorded.voltage_mV[kept] - scale.voltage_mean_mV) / scale.voltage_spread_mV
    return Rows(
        features=np.concatenate(parts),
        spiked=there,
        weight=(weight / weight.sum()).astype(np.float32),
        voltage=potential.astype(np.float32),
        voltage_weight=(near / max(near.sum(), 1e-9)).astype(np.float32),
    )
