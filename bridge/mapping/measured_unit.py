"""The measured f-I curve itself as the activation of a network.

A network trained with it asks of its neurons what they do: conversion then leaves no f-I error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bridge.counts.count_variance import count_variance, fano_by_current
from bridge.counts.curve import FICurve
from bridge.errors import CalibrationError
from bridge.mapping.calibration import Calibration
from bridge.mapping.rate_table import rate_function

__all__ = ["MeasuredUnit"]


@dataclass(frozen=True, eq=False)
class MeasuredUnit:
    """a(z) = f(holding + gain z) / top, with f the measured f-I curve.

    Attributes
    ----------
    curve : FICurve
        f-I curve of the neuron with its noise.
    holding_pA, gain_pA : float
        Current for z = 0, and for each unit of z.
    top_Hz : float
        Rate that stands for the activation 1.

    Examples
    --------
    >>> curve = FICurve(np.arange(0, 500, 50.0), np.arange(10) * 10, 1.0)
    >>> unit = MeasuredUnit(curve, holding_pA=100, gain_pA=50, top_Hz=50)
    >>> unit.value(np.array([1.0])).round(3)
    array([0.6])
    """

    curve: FICurve
    holding_pA: float
    gain_pA: float
    top_Hz: float
    name: str = "measured"

    @classmethod
    def of_rates(
        cls, curve: FICurve, *, low_Hz: float = 20.0, top_Hz: float = 100.0, width: float = 4.0
    ) -> MeasuredUnit:
        """Return a unit that rests at one rate and reaches another `width` units of z further on.

        Raises
        ------
        CalibrationError
            The curve does not reach these rates.
        """
        rate = rate_function(curve)
        current = np.linspace(rate.x[0], rate.x[-1], 4001)
        values = rate(current)
        if values.max() < top_Hz or not values.min() < low_Hz < top_Hz:
            raise CalibrationError(
                f"the curve runs from {values.min():.3g} to {values.max():.3g} Hz and cannot carry "
                f"rates from {low_Hz:g} to {top_Hz:g} Hz; choose rates inside it"
            )
        at_low, at_top = (float(current[np.argmax(values >= r)]) for r in (low_Hz, top_Hz))
        return cls(curve, at_low, (at_top - at_low) / width, top_Hz)

    def __repr__(self) -> str:
        return (
            f"MeasuredUnit({self.holding_pA:.4g} pA at z = 0, {self.gain_pA:.4g} pA for each unit "
            f"of z, {self.top_Hz:.4g} Hz stand for 1)"
        )

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rate = rate_function(self.curve)
        current = np.linspace(rate.x[0], rate.x[-1], 40001)
        return current, rate(current) / self.top_Hz, rate.derivative()(current) / self.top_Hz

    @cached_property
    def _rises(self) -> tuple[np.ndarray, np.ndarray]:
        """How fast activation and slope rise between two entries of the table."""
        current, *read = self._table
        rise, further = (np.diff(one) / np.diff(current) for one in read)
        return rise, further

    def _place(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the currents of some z, which entry of the table each is above, and how far.

        The entries are equally far apart, so that none has to be searched for; training reads the
        table thousands of times.
        """
        current = self._table[0]
        at = np.asarray(self.holding_pA + self.gain_pA * np.asarray(z), dtype=float)
        steps = len(current) - 1
        place = (at - current[0]) * (steps / (current[-1] - current[0]))
        # What is no number has no place, and gives no number all the same.
        entry = np.fmin(np.fmax(place, 0.0), steps - 1).astype(np.intp)
        return at, entry, np.clip(at, current[0], current[-1]) - current[entry]

    def value(self, z: np.ndarray) -> np.ndarray:
        """Return the activation; beyond the measured currents that of the last one."""
        _, entry, above = self._place(z)
        return np.asarray(self._rises[0][entry] * above + self._table[1][entry])

    def gradient(self, z: np.ndarray) -> np.ndarray:
        """Return its slope."""
        current, _, slope = self._table
        at, entry, above = self._place(z)
        read = self._rises[1][entry] * above + slope[entry]
        outside = (at < current[0]) | (at > current[-1])
        return np.asarray(self.gain_pA * np.where(outside, 0.0, read))

    def calibration(self, z: np.ndarray, decision_ms: float) -> Calibration:
        """Return the calibration of a layer of such units: exact, whatever the inputs."""
        one = np.ones(np.shape(z)[1])
        count = self.value(z) * self.top_Hz * decision_ms * 1e-3
        current = self.holding_pA + self.gain_pA * np.asarray(z)
        fano = np.interp(current, *fano_by_current(self.curve))
        deviation = np.sqrt(np.mean(count_variance(count, fano), axis=0))
        noise = deviation / (self.top_Hz * decision_ms * 1e-3)
        line = self.holding_pA * one, self.gain_pA * one
        return Calibration(*line, 0 * one, one / self.top_Hz, 0 * one, noise, decision_ms)
