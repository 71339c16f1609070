"""The leak: a conductance without gates."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, mV

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["ChlorideLeak", "Leak", "PotassiumLeak", "SodiumLeak"]


@dataclass(frozen=True, eq=False, repr=False)
class Leak(Channel):
    r"""Passive conductance that sets the resting potential and the membrane resistance.

    .. math:: I = g\,(E - V), \qquad R_m = 1/g

    Examples
    --------
    >>> from brian2 import ohm
    >>> round(float(Leak().resistance / (ohm * cm**2)), 6)
    10000.0
    """

    g: Quantity = quantity(0.1 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(-70 * mV, "reversal potential")

    current = "g*(E - v)"

    @property
    def resistance(self) -> Quantity:
        """Specific membrane resistance 1/g (1 ohm metre**2 is 10 kohm cm**2)."""
        return 1 / self.g


@dataclass(frozen=True, eq=False, repr=False)
class SodiumLeak(Leak):
    """Leak that sodium carries; it follows the sodium concentrations where something holds them."""

    E: Quantity = quantity(50 * mV, "sodium reversal potential")

    ion = "na"


@dataclass(frozen=True, eq=False, repr=False)
class PotassiumLeak(Leak):
    """Leak that potassium carries; see `SodiumLeak`."""

    E: Quantity = quantity(-90 * mV, "potassium reversal potential")

    ion = "k"


@dataclass(frozen=True, eq=False, repr=False)
class ChlorideLeak(Leak):
    """Leak that chloride carries; see `SodiumLeak`."""

    E: Quantity = quantity(-70 * mV, "chloride reversal potential")

    ion = "cl"
