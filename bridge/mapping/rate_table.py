"""The measured f-I curve as a function: mean rate, and how much a count of spikes scatters."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator
from sklearn.isotonic import IsotonicRegression

from bridge.counts.count_variance import count_variance, fano_by_current
from bridge.counts.curve import FICurve
from bridge.errors import CalibrationError

__all__ = ["RateTable", "rate_function"]

# Spikes the fastest neuron must fire, on average, up to the decision.
_FEWEST_SPIKES = 0.1


def rate_function(curve: FICurve) -> PchipInterpolator:
    """Return rate (Hz) as a smooth rising function of current (pA), from a measured f-I curve.

    Counts are pooled by current, made monotone by isotonic regression weighted by their windows,
    and joined by monotone cubics (Fritsch and Carlson 1980).

    Raises
    ------
    CalibrationError
        The curve has fewer than four currents.
    """
    currents, index = np.unique(curve.current_pA, return_inverse=True)
    if len(currents) < 4:
        raise CalibrationError(
            f"calibration needs an f-I curve of at least 4 currents; this has {len(currents)}"
        )
    counts = np.bincount(index, weights=curve.count)
    windows = np.bincount(index, weights=curve.window_s)
    rates = IsotonicRegression().fit_transform(currents, counts / windows, sample_weight=windows)
    return PchipInterpolator(currents, rates, extrapolate=False)


class RateTable:
    """Mean rate and variance of counts at the currents of a curve, quick to look up.

    Parameters
    ----------
    curve : FICurve
    decision_ms : float
        Window in which spikes are counted.
    max_rate_Hz : float, optional
        Highest rate that may be used.

    Attributes
    ----------
    current, rate : ndarray
        Current (pA) and rate (Hz).
    low, high : float
        Currents between which the neuron may be driven (pA).
    window : float
        Window in which spikes are counted (s).

    Raises
    ------
    CalibrationError
        The curve never fires, the rate allowed lies below it, or the window is too short for a
        spike.
    """

    def __init__(self, curve: FICurve, decision_ms: float, max_rate_Hz: float | None) -> None:
        rate = rate_function(curve)
        # A fine table is read much faster than the cubics, and thousands of times.
        self.current = np.linspace(rate.x[0], rate.x[-1], 4001)
        self.rate = rate(self.current)
        self.window = decision_ms * 1e-3
        fano = np.interp(self.current, *fano_by_current(curve))
        self._variance = count_variance(self.rate * self.window, fano)
        self.low, self.high = float(rate.x[0]), float(rate.x[-1])
        if self.rate.max() <= 0:
            raise CalibrationError(
                f"the neuron fires no spike between {self.low:g} and {self.high:g} pA; measure its "
                "f-I curve at larger currents"
            )
        if max_rate_Hz is not None:
            if max_rate_Hz <= self.rate.min():
                raise CalibrationError(
                    f"max_rate_Hz = {max_rate_Hz:g} lies below the lowest rate of the curve "
                    f"({self.rate.min():.3g} Hz)"
                )
            self.high = float(self.current[self.rate <= max_rate_Hz][-1])
        spikes = self.fastest_Hz * self.window
        if spikes < _FEWEST_SPIKES:
            raise CalibrationError(
                f"a decision after {decision_ms:g} ms is too short: even at {self.fastest_Hz:.3g} "
                f"Hz, the highest rate it may have, a neuron fires {spikes:.2g} spikes; "
                f"give at least {1e3 * _FEWEST_SPIKES / self.fastest_Hz:.2g} ms, better ten times "
                "that"
            )

    @property
    def fastest_Hz(self) -> float:
        """Highest rate at the currents that may be used."""
        return float(self.rate[self.current <= self.high].max())

    @property
    def resting_pA(self) -> float:
        """The smallest current, of either sign, at which the neuron fires least."""
        slowest = self.current[self.rate <= self.rate.min()]
        return float(slowest[np.argmin(np.abs(slowest))])

    def mean_Hz(self, current_pA: Any) -> np.ndarray:
        """Return the rate at currents."""
        return np.asarray(np.interp(current_pA, self.current, self.rate))

    def read_fast(self, current_pA: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what `mean_Hz` and `count_variance` do, within rounding, for many currents."""
        last = len(self.current) - 1
        place = (current_pA - self.current[0]) * (last / (self.current[-1] - self.current[0]))
        np.clip(place, 0, last, out=place)
        cell = np.minimum(place.astype(np.int32), last - 1)
        place -= cell
        mean = self.rate[cell] + place * np.diff(self.rate)[cell]
        variance = self._variance[cell] + place * np.diff(self._variance)[cell]
        return mean, variance.sum(axis=-1) / variance.shape[-1]

    def count_variance(self, current_pA: np.ndarray) -> np.ndarray:
        """Return the variance of the counts of a decision, averaged over the last axis."""
        found = np.interp(current_pA, self.current, self._variance)
        return np.asarray(found.sum(axis=-1) / found.shape[-1])
