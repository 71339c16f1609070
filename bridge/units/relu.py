"""The rectified line: the unit most networks are built of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bridge.counts.outline import Outline, grid
from bridge.units.base import Unit
from bridge.units.rate_function import Array, Parameter, Slopes

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
        Parameter("gain_Hz_per_pA", "slope above threshold", 1e-9, 1e4, scales=1),
        Parameter("threshold_pA", "largest silent current", -1e6, 1e6, False, "pA"),
    )
    sharp: ClassVar[bool] = True

    @staticmethod
    def equation(current: Array, gain: Array, threshold: Array) -> Any:
        return gain * np.maximum(current - threshold, 0)

    @staticmethod
    def slopes(current: Array, gain: Array, threshold: Array) -> Slopes:
        above = np.maximum(current - threshold, 0)
        return gain * above, [above, -gain * (above > 0)]

    @classmethod
    def starts(cls, outline: Outline) -> Array:
        return grid([1.0], outline.onset())

    def _invert(self, rate: Array) -> Array:
        return self.threshold_pA + rate / self.gain_Hz_per_pA
