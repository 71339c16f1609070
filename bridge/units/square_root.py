"""The square root: how every type-I neuron without noise begins to fire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bridge.counts.outline import Outline, grid
from bridge.units.base import Unit
from bridge.units.rate_function import Array, Parameter, Slopes

__all__ = ["SquareRoot"]


@dataclass(frozen=True)
class SquareRoot(Unit):
    """r(I) = gain * sqrt(max(0, I - threshold)).

    The rate near a saddle-node bifurcation on an invariant circle: Ermentrout and Kopell 1986
    (SIAM J. Appl. Math. 46:233).

    Attributes
    ----------
    gain_Hz_per_sqrt_pA : float
        Rate one picoampere above threshold (Hz / sqrt(pA)).
    threshold_pA : float
        Largest silent current (pA).

    Examples
    --------
    >>> unit = SquareRoot(gain_Hz_per_sqrt_pA=3, threshold_pA=100)
    >>> unit.rate([50, 200])
    array([ 0., 30.])
    """

    gain_Hz_per_sqrt_pA: float
    threshold_pA: float

    name: ClassVar[str] = "square-root"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "gain_Hz_per_sqrt_pA", "rate one picoampere above threshold", 1e-9, 1e4, scales=1
        ),
        Parameter("threshold_pA", "largest silent current", -1e6, 1e6, False, "pA"),
    )
    sharp: ClassVar[bool] = True

    @staticmethod
    def equation(current: Array, gain: Array, threshold: Array) -> Any:
        return gain * np.sqrt(np.maximum(current - threshold, 0))

    @staticmethod
    def slopes(current: Array, gain: Array, threshold: Array) -> Slopes:
        above = np.maximum(current - threshold, 0)
        root = np.sqrt(above)
        steep = np.divide(-0.5 * gain, root, out=np.zeros_like(root), where=above > 0)
        return gain * root, [root, steep]

    @classmethod
    def starts(cls, outline: Outline) -> Array:
        return grid([1.0], outline.onset())

    def _invert(self, rate: Array) -> Array:
        return self.threshold_pA + (rate / self.gain_Hz_per_sqrt_pA) ** 2
