"""Kir4.1: the inward rectifier of glia, which takes up the potassium that neurons release."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, meter, mV, siemens
from brian2.units.stdunits import mM

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["Kir41"]


@dataclass(frozen=True, eq=False, repr=False)
class Kir41(Channel):
    r"""Inward rectifier of astrocytes; follows potential and potassium at once.

    .. math:: I = \bar g \sqrt{\frac{[K]_o}{[K]_{rest}}}\;
                  \frac{1 + e^{18.5/42.4}}{1 + e^{(V - E + 18.5)/42.4}}\;
                  \frac{1 + e^{-(118.6 + E_{rest})/44.1}}{1 + e^{-(118.6 + V)/44.1}}\,(E - V)

    in mV. The factors before the driving force are 1 where :math:`V = E = E_{rest}` and potassium
    outside is ``k_rest``, so that ``g`` is the conductance there.

    References
    ----------
    Steinhäuser, Tennigkeit, Gallyas and Chen (1994), J Neurosci Res 39:70 (measured). Halnes,
    Ostby, Pettersen, Omholt and Einevoll (2013), PLoS Comput Biol 9:e1003386 (equation, 16.96
    S/m²).
    """

    g: Quantity = quantity(
        16.96 * siemens / meter**2, "conductance density at rest", at_least=0 * siemens / meter**2
    )
    E: Quantity = quantity(-89.4 * mV, "potassium reversal potential")
    k_rest: Quantity = quantity(3.082 * mM, "potassium outside at rest", above=0 * mM)
    E_rest: Quantity = quantity(-89.38 * mV, "potassium reversal potential at rest")

    equations = """
    out = (1 + exp(18.5/42.4))/(1 + exp((v - E + 18.5*mV)/(42.4*mV))) : 1
    low = (1 + exp(-(118.6*mV + E_rest)/(44.1*mV)))/(1 + exp(-(118.6*mV + v)/(44.1*mV))) : 1
    open = sqrt(k_o/k_rest)*out*low : 1
    """
    current = "g*open*(E - v)"
    ion = "k"
    reads = ("k_o",)
