"""The best straight line from the pre-activation of one unit to the current of its neuron."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from bridge.errors import CalibrationError
from bridge.mapping.rate_table import RateTable

__all__ = ["Line", "LineSearch"]

# Lines tried before the local search: so many slopes, down to so small a part of the range over all
# pre-activations, and so many positions.
_GAINS, _SMALLEST_GAIN, _HOLDINGS = 24, 0.02, 48

# Part of a unit's variance that its neuron's mean rate may leave unexplained, and how many standard
# deviations of error it costs to leave all the rest unexplained too.
_UNEXPLAINED_ALLOWED, _UNEXPLAINED_PENALTY = 0.25, 100.0


class Line(NamedTuple):
    """What a unit is given as current, and read as; see `bridge.mapping.calibration.Calibration`.

    Attributes
    ----------
    holding_pA, gain_pA, offset, slope_s, bias, count_noise : float
    """

    holding_pA: float
    gain_pA: float
    offset: float
    slope_s: float
    bias: float
    count_noise: float


@dataclass(frozen=True)
class LineSearch:
    """The error of a line from pre-activation to current, and how to make it small.

    Attributes
    ----------
    table : RateTable
        Rates of the neuron.
    function : callable
        Activation of the unit, from an array of pre-activations.
    """

    table: RateTable
    function: Callable[[np.ndarray], np.ndarray]

    def best(self, z: np.ndarray, enough: float = 0.0, widest: float = 0.0) -> Line:
        """Return the line with the smallest error for one unit.

        Parameters
        ----------
        z : ndarray, shape (n_samples,)
            Pre-activations of the unit.
        enough, widest : float
            They are spread until the activation has this standard deviation, or they this range.

        Raises
        ------
        CalibrationError
            No rising part of the curve matches the activation.
        """
        table = self.table
        real = self._typical(z)
        z = self._widened(real, enough, widest)
        if not np.ptp(self.function(z)) > 0:
            # Its activation is the same for every input: at rest, in no need of spikes.
            return Line(table.resting_pA, 0.0, float(np.mean(self.function(real))), 0.0, 0.0, 0.0)
        # The error has several valleys: try the whole range before the local search.
        span = float(z[-1] - z[0]) or 1.0
        gains = np.geomspace(_SMALLEST_GAIN, 1.0, _GAINS) * (table.high - table.low) / span
        holdings = np.linspace(table.low, table.high, _HOLDINGS)
        coarse = self._error(*np.meshgrid(holdings, gains, indexing="ij"), z)
        at = np.unravel_index(np.argmin(coarse), coarse.shape)
        start = np.array([holdings[at[0]], np.log(gains[at[1]])])
        step = np.array([holdings[1] - holdings[0], np.log(gains[1] / gains[0])])
        found = minimize(
            lambda p: float(self._error(p[0], np.exp(p[1]), z)),
            start,
            method="Nelder-Mead",
            options={
                "initial_simplex": start + np.array([[0, 0], [1, 0], [0, 1]]) * step,
                "xatol": 1e-3,
                "fatol": 1e-6,
                "maxiter": 200,
            },
        )
        holding, gain = float(found.x[0]), float(np.exp(found.x[1]))
        slope = float(self._parts(holding, gain, z)[0])
        if not (slope > 0 and np.isfinite(slope)):
            raise CalibrationError(
                "no rising part of the f-I curve matches the activation; measure it over a wider "
                "range"
            )
        # Read such that it is right on average over the pre-activations the unit really has.
        wanted, line = self.function(real), holding + gain * real
        mean = table.mean_Hz(line)
        offset = float(np.mean(wanted) - slope * np.mean(mean))
        bias = float(np.sqrt(np.mean((offset + slope * mean - wanted) ** 2)))
        noise = float(np.sqrt(table.count_variance(line))) * slope / table.window
        return Line(holding, gain, offset, slope, bias, noise)

    def _parts(self, holding: Any, gain: Any, z: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return slope, squared bias, squared noise, and how far the range is left.

        Holding and gain may be arrays of one shape: one line each.
        """
        table, wanted = self.table, self.function(z)
        line = np.asarray(holding)[..., None] + np.asarray(gain)[..., None] * z
        mean = table.mean_Hz(line)
        centred = mean - mean.mean(axis=-1, keepdims=True)
        slope = centred @ (wanted - wanted.mean()) / (np.sum(centred**2, axis=-1) + 1e-9)
        offset = wanted.mean() - slope * mean.mean(axis=-1)
        bias = np.mean((offset[..., None] + slope[..., None] * mean - wanted) ** 2, axis=-1)
        noise = table.count_variance(line) * (slope / table.window) ** 2
        # Currents outside the measured range would be guesses: leaving it costs.
        least, most = line.min(axis=-1), line.max(axis=-1)
        outside = np.maximum(np.maximum(table.low - least, most - table.high), 0.0) / gain
        return slope, bias, noise, outside

    def _error(self, holding: Any, gain: Any, z: np.ndarray) -> np.ndarray:
        """Return the error at the decision time, with penalties.

        The penalties are for leaving the range of the curve, and for a rate that does not follow
        the unit. The error is in standard deviations of the activation, distances outside the range
        in spans of z: a line is as good for a unit whose weights are a thousand times larger.
        """
        _, bias, noise, outside = self._parts(holding, gain, z)
        power = float(np.var(self.function(z))) or 1.0
        # In a short time a neuron that says nothing can have the smallest error of all. It must
        # still follow its unit: what noise takes from one, the sum over many gives back.
        unexplained = np.maximum(bias / power - _UNEXPLAINED_ALLOWED, 0.0)
        span = float(np.ptp(z)) or 1.0
        return np.asarray(
            np.sqrt((bias + noise) / power) + outside / span + _UNEXPLAINED_PENALTY * unexplained
        )

    def _typical(self, z: np.ndarray) -> np.ndarray:
        """Return a hundred pre-activations that stand for those of a unit.

        The outermost are left out, unless they are the only ones at which it is active.
        """
        inner = np.quantile(z, np.linspace(0.005, 0.995, 100))
        if np.ptp(self.function(inner)) > 0:
            return np.asarray(inner)
        return np.asarray(np.quantile(z, np.linspace(0.0, 1.0, 100)))

    def _widened(self, z: np.ndarray, enough: float, widest: float) -> np.ndarray:
        """Return pre-activations spread about their middle until the activation moves enough.

        They are spread no further than those of the unit of the layer that has the widest.
        """
        if np.std(self.function(z)) >= enough:
            return z
        middle, apart = (z[0] + z[-1]) / 2, z - (z[0] + z[-1]) / 2
        if not apart[-1] > 1e-6 * widest:
            apart = np.linspace(-0.5e-6, 0.5e-6, len(z)) * widest
        while 2 * apart[-1] < widest and np.std(self.function(middle + apart)) < enough:
            apart = 1.25 * apart
        return np.asarray(middle + apart)
