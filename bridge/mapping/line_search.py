"""The best straight line from the pre-activation of a unit to the current of its neuron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bridge.errors import CalibrationError
from bridge.mapping.rate_table import RateTable
from bridge.mapping.simplex_search import simplex_search

__all__ = ["Line", "LineSearch"]

# Lines tried before the local search: so many slopes, down to so small a part of the range over all
# pre-activations, and so many positions.
_GAINS, _SMALLEST_GAIN, _HOLDINGS = 24, 0.02, 48
# All are judged on every ninth of a unit's hundred pre-activations, the outermost two among them,
# and the best of them on all hundred: that takes a quarter of the time of judging all on all.
_EVERY, _BEST = 9, 100

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


class _Unit(NamedTuple):
    """What the error of every line of a unit is made of; of several units, with a leading axis.

    Attributes
    ----------
    z, wanted : ndarray, shape (..., n)
        Pre-activations and activations.
    middle, power, span : ndarray, shape (...)
        Mean and variance of the activations, and range of the pre-activations.
    centred : ndarray, shape (..., n)
        Activations less their mean.
    """

    z: np.ndarray
    wanted: np.ndarray
    middle: np.ndarray
    centred: np.ndarray
    power: np.ndarray
    span: np.ndarray

    @classmethod
    def of(cls, z: np.ndarray, wanted: np.ndarray) -> _Unit:
        middle = wanted.mean()
        power, span = float(np.var(wanted)) or 1.0, float(z[-1] - z[0]) or 1.0
        return cls(z, wanted, middle, wanted - middle, np.asarray(power), np.asarray(span))

    @classmethod
    def joined(cls, units: Sequence[_Unit]) -> _Unit:
        return cls(*(np.stack(part) for part in zip(*units, strict=True)))

    def pick(self, which: np.ndarray) -> _Unit:
        return _Unit(*(part[which] for part in self))


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

    def lines(self, z: np.ndarray, enough: Sequence[float], widest: float = 0.0) -> list[Line]:
        """Return for each unit the line with the smallest error; all are sought together.

        Parameters
        ----------
        z : ndarray, shape (n_samples, n_units)
            Pre-activations of the units.
        enough : sequence of float, length n_units
            Those of a unit are spread until its activation has this standard deviation, or they
            the range `widest`.
        widest : float

        Raises
        ------
        CalibrationError
            No rising part of the curve matches the activation.
        """
        table, found = self.table, dict[int, Line]()
        real = [self._typical(column) for column in z.T]
        units = [self._unit(*pair, widest) for pair in zip(real, enough, strict=True)]
        moving = [k for k, unit in enumerate(units) if np.ptp(unit.wanted) > 0]
        for k in set(range(len(units))) - set(moving):
            # Its activation is the same for every input: at rest, in no need of spikes.
            at_rest = float(np.mean(self.function(real[k])))
            found[k] = Line(table.resting_pA, 0.0, at_rest, 0.0, 0.0, 0.0)
        if moving:
            together = _Unit.joined([units[k] for k in moving])
            ends = simplex_search(
                lambda p, which: self._error(p[:, 0], np.exp(p[:, 1]), together.pick(which)),
                np.stack([self._start(units[k]) for k in moving]),
                xatol=1e-3,
                fatol=1e-6,
                steps=200,
            )
            for k, end in zip(moving, ends, strict=True):
                found[k] = self._line(float(end[0]), float(np.exp(end[1])), units[k], real[k])
        return [found[k] for k in range(len(units))]

    def _start(self, unit: _Unit) -> np.ndarray:
        """Return the simplex of holding and logarithm of the gain in which the search begins.

        The error has several valleys: the whole range is tried before.
        """
        table, few = self.table, _Unit.of(unit.z[::_EVERY], unit.wanted[::_EVERY])
        gains = np.geomspace(_SMALLEST_GAIN, 1.0, _GAINS) * (table.high - table.low) / unit.span
        holdings = np.linspace(table.low, table.high, _HOLDINGS)
        holding, gain = (x.ravel() for x in np.meshgrid(holdings, gains, indexing="ij"))
        best = np.argpartition(self._error(holding, gain, few, fast=True), _BEST)[:_BEST]
        # In their order, so that of two that are equally good the first is taken.
        best.sort()
        at = best[np.argmin(self._error(holding[best], gain[best], unit, fast=True))]
        start = np.array([holding[at], np.log(gain[at])])
        step = np.array([holdings[1] - holdings[0], np.log(gains[1] / gains[0])])
        return np.asarray(start + np.array([[0, 0], [1, 0], [0, 1]]) * step)

    def _line(self, holding: float, gain: float, unit: _Unit, real: np.ndarray) -> Line:
        """Return the line with its reading, right on average over the real pre-activations."""
        table = self.table
        slope = float(self._parts(holding, gain, unit)[0])
        if not (slope > 0 and np.isfinite(slope)):
            raise CalibrationError(
                "no rising part of the f-I curve matches the activation; measure it over a wider "
                "range"
            )
        wanted, line = self.function(real), holding + gain * real
        mean = table.mean_Hz(line)
        offset = float(np.mean(wanted) - slope * np.mean(mean))
        bias = float(np.sqrt(np.mean((offset + slope * mean - wanted) ** 2)))
        noise = float(np.sqrt(table.count_variance(line))) * slope / table.window
        return Line(holding, gain, offset, slope, bias, noise)

    def _parts(self, holding: Any, gain: Any, unit: _Unit, fast: bool = False) -> tuple[Any, ...]:
        """Return slope, squared bias, squared noise, and how far the range is left.

        Holding and gain may be arrays of one shape: one line each, of one unit or of one each.
        """
        table, count = self.table, unit.z.shape[-1]
        line = np.asarray(holding)[..., None] + np.asarray(gain)[..., None] * unit.z
        if fast:
            mean, scatter = table.read_fast(line)
        else:
            mean, scatter = table.mean_Hz(line), table.count_variance(line)
        middle = mean.sum(axis=-1) / count
        centred = mean - middle[..., None]
        slope = (centred * unit.centred).sum(axis=-1) / (np.sum(centred**2, axis=-1) + 1e-9)
        offset = unit.middle - slope * middle
        missed = offset[..., None] + slope[..., None] * mean - unit.wanted
        bias = (missed**2).sum(axis=-1) / count
        noise = scatter * (slope / table.window) ** 2
        # Currents outside the measured range would be guesses: leaving it costs.
        least, most = line.min(axis=-1), line.max(axis=-1)
        outside = np.maximum(np.maximum(table.low - least, most - table.high), 0.0) / gain
        return slope, bias, noise, outside

    def _error(self, holding: Any, gain: Any, unit: _Unit, fast: bool = False) -> np.ndarray:
        """Return the error at the decision time, with penalties.

        The penalties are for leaving the range of the curve, and for a rate that does not follow
        the unit. The error is in standard deviations of the activation, distances outside the range
        in spans of z: a line is as good for a unit whose weights are a thousand times larger.
        """
        _, bias, noise, outside = self._parts(holding, gain, unit, fast)
        # In a short time a neuron that says nothing can have the smallest error of all. It must
        # still follow its unit: what noise takes from one, the sum over many gives back.
        unexplained = np.maximum(bias / unit.power - _UNEXPLAINED_ALLOWED, 0.0)
        error = np.sqrt((bias + noise) / unit.power) + outside / unit.span
        return np.asarray(error + _UNEXPLAINED_PENALTY * unexplained)

    def _unit(self, real: np.ndarray, enough: float, widest: float) -> _Unit:
        z = self._widened(real, enough, widest)
        return _Unit.of(z, self.function(z))

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
