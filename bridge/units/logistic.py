"""The logistic function: the "sigmoid unit" of artificial networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, logit

from bridge.counts.outline import Outline, grid
from bridge.units.base import Unit
from bridge.units.rate_function import Array, Parameter, Slopes

__all__ = ["Logistic"]


@dataclass(frozen=True)
class Logistic(Unit):
    """r(I) = max_rate / (1 + exp(-(I - midpoint) / width)).

    Verhulst 1838; as a unit's activation: Cowan 1967, Wilson and Cowan 1972 (Biophys. J. 12:1).

    Attributes
    ----------
    max_rate_Hz : float
        Rate that large currents approach (Hz).
    midpoint_pA : float
        Current of half that rate, and of the steepest slope (pA).
    width_pA : float
        Current over which the odds change by a factor e (pA).

    Examples
    --------
    >>> unit = Logistic(max_rate_Hz=80, midpoint_pA=200, width_pA=40)
    >>> float(unit.rate(200))
    40.0
    >>> float(unit.inverse(40))
    200.0
    """

    max_rate_Hz: float
    midpoint_pA: float
    width_pA: float

    name: ClassVar[str] = "logistic"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("max_rate_Hz", "rate that large currents approach", 1e-3, 5e3, True, "Hz", 1),
        Parameter("midpoint_pA", "current of half that rate", -1e6, 1e6, False, "pA"),
        Parameter("width_pA", "width of the rise", 1e-3, 1e5, True, "pA"),
    )
    location: ClassVar[str] = "midpoint_pA"

    @staticmethod
    def equation(current: Array, top: Array, middle: Array, width: Array) -> Any:
        return top * expit((current - middle) / width)

    @staticmethod
    def slopes(current: Array, top: Array, middle: Array, width: Array) -> Slopes:
        u = (current - middle) / width
        share = expit(u)
        rise = top * share * expit(-u) / width
        return top * share, [share, -rise, -rise * u]

    @classmethod
    def starts(cls, outline: Outline) -> Array:
        middles = outline.current[0] + outline.span * np.linspace(0.05, 1.6, 12)
        return grid([outline.top], middles, outline.span * np.geomspace(0.02, 0.5, 7))

    def _invert(self, rate: Array) -> Array:
        return np.asarray(self.midpoint_pA + self.width_pA * logit(rate / self.max_rate_Hz))
