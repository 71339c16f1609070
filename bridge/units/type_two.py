"""A rate that begins with a jump: how resonant (class II) neurons start to fire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bridge.counts.outline import Outline, grid
from bridge.units.base import Unit
from bridge.units.rate_function import Array, Parameter, Slopes

__all__ = ["TypeTwo"]


@dataclass(frozen=True)
class TypeTwo(Unit):
    """r(I) = onset_rate + gain * sqrt(I - threshold) above threshold, else 0.

    Hodgkin 1948 (J. Physiol. 107:165) called such axons class 2. Repetitive firing is born with a
    finite period where a stable cycle appears at a fold; beside a fold everything, the period
    included, goes with the square root of the distance (Rinzel and Ermentrout 1998, Methods in
    Neuronal Modeling, ch. 7). With onset_rate = 0 it is the square root of a class I neuron.

    Attributes
    ----------
    onset_rate_Hz : float
        Lowest rate of repetitive firing (Hz).
    gain_Hz_per_sqrt_pA : float
        Rate gained one picoampere above threshold (Hz / sqrt(pA)).
    threshold_pA : float
        Largest silent current (pA).

    Examples
    --------
    >>> unit = TypeTwo(onset_rate_Hz=50, gain_Hz_per_sqrt_pA=2, threshold_pA=100)
    >>> unit.rate([100, 100.01, 200])
    array([ 0. , 50.2, 70. ])
    >>> float(unit.inverse(70))
    200.0
    """

    onset_rate_Hz: float
    gain_Hz_per_sqrt_pA: float
    threshold_pA: float

    name: ClassVar[str] = "type-two"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("onset_rate_Hz", "lowest rate of firing", 1e-3, 2e3, True, "Hz", 1),
        Parameter("gain_Hz_per_sqrt_pA", "rate gained one picoampere above", 1e-9, 1e4, scales=1),
        Parameter("threshold_pA", "largest silent current", -1e6, 1e6, False, "pA"),
    )
    sharp: ClassVar[bool] = True

    @staticmethod
    def equation(current: Array, onset: Array, gain: Array, threshold: Array) -> Any:
        above = np.maximum(current - threshold, 0)
        return np.where(above > 0, onset + gain * np.sqrt(above), 0.0)

    @staticmethod
    def slopes(current: Array, onset: Array, gain: Array, threshold: Array) -> Slopes:
        above = np.maximum(current - threshold, 0)
        root, fires = np.sqrt(above), above > 0
        steep = np.divide(-0.5 * gain, root, out=np.zeros_like(root), where=fires)
        rate = np.where(fires, onset + gain * root, 0.0)
        return rate, [fires.astype(float), root, steep]

    @classmethod
    def starts(cls, outline: Outline) -> Array:
        # The first rate seen against that of a square root which reaches the same top.
        shares = outline.top * np.array([0.05, 0.3, 0.6, 0.9])
        gains = outline.top / np.sqrt(outline.span) * np.array([0.1, 0.4, 1.0])
        return grid(shares, gains, outline.onset())

    @property
    def rate_range(self) -> tuple[float, float]:
        return self.onset_rate_Hz, np.inf

    def _invert(self, rate: Array) -> Array:
        return self.threshold_pA + ((rate - self.onset_rate_Hz) / self.gain_Hz_per_sqrt_pA) ** 2
