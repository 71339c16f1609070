"""Channels of a node of Ranvier of a mammalian motor fibre."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mV, siemens

from neurosim.channels.base import Channel
from neurosim.channels.leak import Leak
from neurosim.equations.rates import gates
from neurosim.quantities import quantity

__all__ = ["NodeFastSodium", "NodePersistentSodium", "NodeSlowPotassium", "mammalian_node"]

_FAST = {
    "m": (
        "1.86*10.3/ms/exprel(-(v + 21.4*mV)/(10.3*mV))",
        "0.086*9.16/ms/exprel((v + 25.7*mV)/(9.16*mV))",
    ),
    "h": (
        "0.062*11/ms/exprel((v + 114*mV)/(11*mV))",
        "2.3/ms/(1 + exp(-(v + 31.8*mV)/(13.4*mV)))",
    ),
}
_PERSISTENT = {
    "p": (
        "0.01*10.2/ms/exprel(-(v + 27*mV)/(10.2*mV))",
        "0.00025*10/ms/exprel((v + 34*mV)/(10*mV))",
    )
}
_SLOW = {
    "s": ("0.3/ms/(1 + exp(-(v + 53*mV)/(5*mV)))", "0.03/ms/(1 + exp(-(v + 90*mV)/(1*mV)))"),
}


@dataclass(frozen=True, eq=False, repr=False)
class NodeFastSodium(Channel):
    r"""Fast sodium channel of a mammalian node.

    .. math:: I = \bar g\, m^3 h\,(E - V), \qquad
              \alpha_m = \frac{1.86\,(V+21.4)}{1 - e^{-(V+21.4)/10.3}}, \quad
              \beta_m = \frac{-0.086\,(V+25.7)}{1 - e^{(V+25.7)/9.16}}, \\
              \alpha_h = \frac{-0.062\,(V+114)}{1 - e^{(V+114)/11}}, \quad
              \beta_h = \frac{2.3}{1 + e^{-(V+31.8)/13.4}}

    in 1/ms and mV at 20 °C; q10 = 2.2 (m) and 2.9 (h).

    References
    ----------
    McIntyre, Richardson and Grill (2002), J Neurophysiol 87:995.
    """

    g: Quantity = quantity(3 * siemens / cm**2, "conductance density", at_least=0 * siemens / cm**2)
    E: Quantity = quantity(50 * mV, "sodium reversal potential")
    q10_m: Quantity = quantity(2.2, "factor on the rates of activation for 10 °C", above=0)
    q10_h: Quantity = quantity(2.9, "factor on the rates of inactivation for 10 °C", above=0)

    equations = gates(_FAST, "m", "phi_m*") + "\n" + gates(_FAST, "h", "phi_h*")
    current = "g*m**3*h*(E - v)"
    ion = "na"
    temperature_ref = 20.0


@dataclass(frozen=True, eq=False, repr=False)
class NodePersistentSodium(Channel):
    r"""Persistent sodium channel of a mammalian node.

    .. math:: I = \bar g\, p^3\,(E - V), \qquad
              \alpha_p = \frac{0.01\,(V+27)}{1 - e^{-(V+27)/10.2}}, \quad
              \beta_p = \frac{-0.00025\,(V+34)}{1 - e^{(V+34)/10}}

    in 1/ms and mV at 20 °C; q10 = 2.2.

    References
    ----------
    McIntyre, Richardson and Grill (2002), J Neurophysiol 87:995.
    """

    g: Quantity = quantity(
        0.01 * siemens / cm**2, "conductance density", at_least=0 * siemens / cm**2
    )
    E: Quantity = quantity(50 * mV, "sodium reversal potential")
    q10: Quantity = quantity(2.2, "factor on the rates for 10 °C", above=0)

    equations = gates(_PERSISTENT, "p", "phi*")
    current = "g*p**3*(E - v)"
    ion = "na"
    temperature_ref = 20.0


@dataclass(frozen=True, eq=False, repr=False)
class NodeSlowPotassium(Channel):
    r"""Slow potassium channel of a mammalian node.

    .. math:: I = \bar g\, s\,(E - V), \qquad
              \alpha_s = \frac{0.3}{1 + e^{-(V+53)/5}}, \quad
              \beta_s = \frac{0.03}{1 + e^{-(V+90)}}

    in 1/ms and mV at 36 °C; q10 = 3.

    References
    ----------
    McIntyre, Richardson and Grill (2002), J Neurophysiol 87:995.
    """

    g: Quantity = quantity(
        0.08 * siemens / cm**2, "conductance density", at_least=0 * siemens / cm**2
    )
    E: Quantity = quantity(-90 * mV, "potassium reversal potential")
    q10: Quantity = quantity(3.0, "factor on the rates for 10 °C", above=0)

    equations = gates(_SLOW, "s", "phi*")
    current = "g*s*(E - v)"
    ion = "k"
    temperature_ref = 36.0


def mammalian_node() -> tuple[Channel, ...]:
    """Return the membrane of a node of a mammalian motor fibre, to be run at 37 °C from -80 mV.

    References
    ----------
    McIntyre, Richardson and Grill (2002), J Neurophysiol 87:995.

    Examples
    --------
    >>> [channel.name for channel in mammalian_node()]
    ['node_fast_sodium', 'node_persistent_sodium', 'node_slow_potassium', 'leak']
    """
    return (
        NodeFastSodium(),
        NodePersistentSodium(),
        NodeSlowPotassium(),
        Leak(g=0.007 * siemens / cm**2, E=-90 * mV),
    )
