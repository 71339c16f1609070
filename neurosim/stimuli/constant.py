"""A constant current."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, pA

from neurosim.quantities import quantity
from neurosim.stimuli.base import Drive, Stimulus

__all__ = ["Constant"]


@dataclass(frozen=True, eq=False, repr=False)
class Constant(Stimulus):
    """The same current from start to end.

    Examples
    --------
    >>> from brian2 import pA
    >>> Constant(200 * pA)
    Constant(current=200. pA)
    """

    current: Quantity = quantity(0 * pA, "injected current, positive depolarises")
    label = "constant"

    def drive(self, prefix: str, stream: int) -> Drive:
        return Drive(f"{prefix}current", self._units(prefix, "current"))
