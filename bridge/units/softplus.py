"""Softplus: a threshold blurred by noise, then a straight line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from bridge.counts.outline import Outline, grid
from bridge.units.base import Unit
from bridge.units.rate_function import Array, Parameter, Slopes

__all__ = ["Softplus"]


@dataclass(frozen=True)
class Softplus(Unit):
    """r(I) = gain * width * ln(1 + exp((I - threshold) / width)).

    Dugas et al. 2001 (Adv. Neural Inf. Process. Syst. 13:472). Far above threshold it is the line
    gain * (I - threshold); as width -> 0 it is the ReLU.

    Attributes
    ----------
    gain_Hz_per_pA : float
        Slope at large currents (Hz / pA).
    threshold_pA : float
        Where that line meets zero (pA).
    width_pA : float
        Current over which the bend extends (pA).

    Examples
    --------
    >>> unit = Softplus(gain_Hz_per_pA=0.2, threshold_pA=150, width_pA=20)
    >>> round(float(unit.rate(350)), 2)
    40.0
    >>> round(float(unit.inverse(40)), 2)
    350.0
    """

    gain_Hz_per_pA: float
    threshold_pA: float
    width_pA: float

    name: ClassVar[str] = "softplus"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("gain_Hz_per_pA", "slope at large currents", 1e-9, 1e4, scales=1),
        Parameter("threshold_pA", "where the line meets zero", -1e6, 1e6, False, "pA"),
        Parameter("width_pA", "width of the bend", 1e-3, 1e5, True, "pA"),
    )

    @staticmethod
    def equation(current: Array, gain: Array, threshold: Array, width: Array) -> Any:
        return gain * width * np.logaddexp(0, (current - threshold) / width)

    @staticmethod
    def slopes(current: Array, gain: Array, threshold: Array, width: Array) -> Slopes:
        u = (current - threshold) / width
        bend, share = np.logaddexp(0, u), expit(u)
        return gain * width * bend, [width * bend, -gain * share, gain * (bend - u * share)]

    @classmethod
    def starts(cls, outline: Outline) -> Array:
        thresholds = outline.current[0] + outline.span * np.linspace(-0.3, 1.0, 12)
        smooth = grid([1.0], thresholds, outline.span * np.geomspace(0.005, 0.5, 7))
        return np.concatenate([smooth, grid([1.0], outline.onset(), [1e-4 * outline.span])])

    def _invert(self, rate: Array) -> Array:
        y = rate / (self.gain_Hz_per_pA * self.width_pA)
        # ln(e^y - 1), without overflow for large y.
        return np.asarray(self.threshold_pA + self.width_pA * (y + np.log(-np.expm1(-y))))
