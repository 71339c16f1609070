"""The rectified line: the unit most networks are built of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bridge.counts.outline import Outline, grid
from bridge.units.base import Array, Parameter, Unit

__all__ = ["ReLU"]


@dataclass(frozen=True)
class ReLU(Unit):
    """r(I) = gain * max(0, I - threshold).

    The threshold-linear neuron; Hartline and Ratliff 1957 (J. Gen. Physiol. 40:357) measured one.

    Attributes
    ----------
    gain_Hz_per_pA : float
        Slope above threshold (Hz / pA).
    threshold_pA : float
        Largest silent current (pA).

    Examples
    --------
    >>> unit = ReLU(gain_Hz_per_pA=0.2, threshold_pA=150)
    >>> unit.rate([100, 150, 200])
    array([ 0.,  0., 10.])
    """

    gain_Hz_per_pA: float
    threshold_pA: float

    name: ClassVar[str] = "relu"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("gain_Hz_per_pA", "slope above threshold", 1e-9, 1e4),
        Parameter("threshold_pA", "largest silent current", -1e6, 1e6, False, "pA"),
    )
    location: ClassVar[str] = "threshold_pA"
    sharp: ClassVar[bool] = True

    @staticmethod
    def evaluate(theta: Array, current: Array, **settings: float) -> Array:
        gain, threshold = (theta[..., i, None] for i in range(2))
        return gain * np.maximum(current - threshold, 0)

    @staticmethod
    def derivatives(theta: Array, current: Array, **settings: float) -> tuple[Array, Array]:
        gain, threshold = (theta[..., i, None] for i in range(2))
        above = np.maximum(current - threshold, 0)
        return gain * above, np.stack([above, -gain * (above > 0)], axis=-1)

    @classmethod
    def starts(cls, outline: Outline) -> Array:
        return grid([1.0], outline.onset())

    @classmethod
    def scaled(cls, theta: Array, factor: Array) -> Array:
        return theta * np.stack([factor, np.ones_like(factor)], axis=-1)

    @property
    def rate_range(self) -> tuple[float, float]:
        return 0.0, np.inf

    def _invert(self, rate: Array) -> Array:
        return self.threshold_pA + rate / self.gain_Hz_per_pA
