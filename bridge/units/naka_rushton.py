"""Naka-Rushton with a threshold: a power law that saturates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from bridge.counts.outline import Outline, grid
from bridge.units.base import Unit
from bridge.units.rate_function import Array, Parameter, Slopes

__all__ = ["NakaRushton"]


@dataclass(frozen=True)
class NakaRushton(Unit):
    """r(I) = max_rate * x^n / (x^n + half^n), with x = max(0, I - threshold).

    Naka and Rushton 1966 (J. Physiol. 185:587), for graded potentials, there without threshold;
    as a rate: Albrecht and Hamilton 1982 (J. Neurophysiol. 48:217).

    Attributes
    ----------
    max_rate_Hz : float
        Rate that large currents approach (Hz).
    threshold_pA : float
        Largest silent current (pA).
    half_pA : float
        Current above threshold that gives half the rate (pA).
    exponent : float
        Steepness n; below 1 the curve leaves zero vertically, above 1 horizontally.

    Examples
    --------
    >>> unit = NakaRushton(max_rate_Hz=100, threshold_pA=50, half_pA=150, exponent=1.5)
    >>> float(unit.rate(200))
    50.0
    """

    max_rate_Hz: float
    threshold_pA: float
    half_pA: float
    exponent: float

    name: ClassVar[str] = "naka-rushton"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("max_rate_Hz", "rate that large currents approach", 1e-3, 5e3, True, "Hz", 1),
        Parameter("threshold_pA", "largest silent current", -1e6, 1e6, False, "pA"),
        Parameter("half_pA", "current above threshold of half the rate", 1e-3, 1e6, True, "pA"),
        Parameter("exponent", "steepness", 0.1, 20.0),
    )
    sharp: ClassVar[bool] = True

    @staticmethod
    def equation(current: Array, top: Array, threshold: Array, half: Array, power: Array) -> Any:
        above = np.maximum(current - threshold, 0)
        with np.errstate(divide="ignore"):
            return top * expit(power * np.log(above / half))

    @staticmethod
    def slopes(current: Array, top: Array, threshold: Array, half: Array, power: Array) -> Slopes:
        above = np.maximum(current - threshold, 0)
        fires = above > 0
        safe = np.where(fires, above, half)
        log_x = np.log(safe / half)
        share = np.where(fires, expit(power * log_x), 0)
        rise = top * share * expit(-power * log_x)
        return top * share, [share, -rise * power / safe, -rise * power / half, rise * log_x]

    @classmethod
    def starts(cls, outline: Outline) -> Array:
        halves = outline.span * np.array([0.1, 0.3, 0.7, 1.5, 4.0])
        return grid([1.0], outline.onset(), halves, [0.5, 1.0, 2.0, 4.0])

    def _invert(self, rate: Array) -> Array:
        odds = rate / (self.max_rate_Hz - rate)
        return self.threshold_pA + self.half_pA * odds ** (1 / self.exponent)
