"""Sodium and potassium channels of the squid giant axon."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, mV

from neurosim.channels.base import Channel
from neurosim.equations.rates import HODGKIN_HUXLEY, gates
from neurosim.quantities import quantity

__all__ = ["HHPotassium", "HHSodium"]


@dataclass(frozen=True, eq=False, repr=False)
class HHSodium(Channel):
    r"""Sodium channel of Hodgkin and Huxley.

    .. math:: I = \bar g\, m^3 h\,(E - V), \qquad
              \alpha_m = \frac{0.1\,(V+40)}{1 - e^{-(V+40)/10}}, \quad
              \beta_m = 4 e^{-(V+65)/18}, \quad
              \alpha_h = 0.07 e^{-(V+65)/20}, \quad
              \beta_h = \frac{1}{1 + e^{-(V+35)/10}}

    in 1/ms and mV, with rest near -65 mV, at 6.3 °C; q10 = 3.

    References
    ----------
    Hodgkin and Huxley (1952), J Physiol 117:500.
    """

    g: Quantity = quantity(120 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(50 * mV, "sodium reversal potential")
    q10: Quantity = quantity(3.0, "factor on the rates for 10 °C", above=0)

    equations = gates(HODGKIN_HUXLEY, "mh", "phi*")
    current = "g*m**3*h*(E - v)"
    ion = "na"
    temperature_ref = 6.3


@dataclass(frozen=True, eq=False, repr=False)
class HHPotassium(Channel):
    r"""Delayed rectifier of Hodgkin and Huxley.

    .. math:: I = \bar g\, n^4\,(E - V), \qquad
              \alpha_n = \frac{0.01\,(V+55)}{1 - e^{-(V+55)/10}}, \quad
              \beta_n = 0.125 e^{-(V+65)/80}

    in 1/ms and mV, at 6.3 °C; q10 = 3.

    References
    ----------
    Hodgkin and Huxley (1952), J Physiol 117:500.
    """

    g: Quantity = quantity(36 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(-77 * mV, "potassium reversal potential")
    q10: Quantity = quantity(3.0, "factor on the rates for 10 °C", above=0)

    equations = gates(HODGKIN_HUXLEY, "n", "phi*")
    current = "g*n**4*(E - v)"
    ion = "k"
    temperature_ref = 6.3
