"""The sigmoid nearest to measured rates: what a neuron's sigmoid can do at best.

The logistic unit of `bridge.select` is the likeliest one. Where counts hardly scatter, as those of
a model without noise, the likelihood weighs a few slow rates heavily, and that sigmoid misses the
others by more than it has to. How much a sigmoid misses is told by the one of smallest error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import expit

from bridge.counts.curve import FICurve
from bridge.units.logistic import Logistic

__all__ = ["PlainSigmoid", "plain_sigmoid"]

Array = NDArray[np.float64]

# Starts of the search: middles of the rise, in spans of the currents from the first one on, and
# widths in spans.
_MIDDLES = np.linspace(0.0, 1.2, 13)
_WIDTHS = np.geomspace(0.005, 0.6, 10)
_BEST = 5


@dataclass(frozen=True, eq=False)
class PlainSigmoid:
    """A logistic curve and what it leaves of the rates.

    Attributes
    ----------
    unit : Logistic
        The curve.
    current_pA : ndarray, shape (m,)
        Distinct currents.
    residual_Hz : ndarray, shape (m,)
        Measured minus expected rate.
    """

    unit: Logistic
    current_pA: Array
    residual_Hz: Array

    @property
    def family(self) -> str:
        """Name of the family, as of a fitted unit."""
        return self.unit.name

    @property
    def rms_Hz(self) -> float:
        """Root mean square of the residuals (Hz)."""
        return float(np.sqrt(np.mean(self.residual_Hz**2)))

    @property
    def most_Hz(self) -> float:
        """Largest residual, without its sign (Hz)."""
        return float(np.abs(self.residual_Hz).max())


def plain_sigmoid(curve: FICurve) -> PlainSigmoid:
    """Return the logistic curve whose rates have the smallest error (least squares, no weights).

    Parameters
    ----------
    curve : FICurve
        Counts at two currents or more, with a spike among them.

    Examples
    --------
    >>> current = np.arange(0.0, 301, 20)
    >>> rates = 100 * expit((current - 150) / 30)
    >>> found = plain_sigmoid(FICurve(current, np.round(10 * rates).astype(int), 10.0))
    >>> round(found.unit.midpoint_pA), found.rms_Hz < 0.05
    (150, True)
    """
    current = np.asarray(curve.currents, dtype=float)
    rate = np.asarray(curve.measured_rate_Hz(), dtype=float)
    span, top = float(np.ptp(current)), float(rate.max())

    def left(z: Array) -> Array:
        height, middle, width = np.exp(z[0]), z[1] * span, np.exp(z[2]) * span
        return np.asarray(rate - height * expit((current - current[0] - middle) / width))

    starts = []
    for middle in _MIDDLES:
        for width in _WIDTHS:
            shape = expit(((current - current[0]) / span - middle) / width)
            # The height that is best for this shape.
            height = float(np.clip(rate @ shape / (shape @ shape), 0.1 * top, 10 * top))
            starts.append(np.array([np.log(height), middle, np.log(width)]))
    starts.sort(key=lambda z: float(np.sum(left(z) ** 2)))
    found = min((least_squares(left, z) for z in starts[:_BEST]), key=lambda one: float(one.cost))
    height, middle, width = (float(v) for v in found.x)
    unit = Logistic(np.exp(height), current[0] + middle * span, np.exp(width) * span)
    return PlainSigmoid(unit, current, rate - np.asarray(unit.rate(current)))
