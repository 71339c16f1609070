"""Fast sodium and potassium channels of Traub and Miles, movable along the voltage axis."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, mV

from neurosim.channels.base import Channel
from neurosim.equations.rates import TRAUB_MILES, gates
from neurosim.quantities import quantity

__all__ = ["TraubMilesPotassium", "TraubMilesSodium"]


@dataclass(frozen=True, eq=False, repr=False)
class TraubMilesSodium(Channel):
    r"""Sodium channel of Traub and Miles, all curves shifted together by ``V_T``.

    .. math:: I = \bar g\, m^3 h\,(E - V), \quad u = V - V_T, \quad
              \alpha_m = \frac{0.32\,(13-u)}{e^{(13-u)/4} - 1}, \quad
              \beta_m = \frac{0.28\,(u-40)}{e^{(u-40)/5} - 1}, \quad
              \alpha_h = 0.128 e^{(17-u)/18}, \quad
              \beta_h = \frac{4}{1 + e^{(40-u)/5}}

    in 1/ms and mV, at 36 °C; q10 = 3. ``speed`` multiplies all rates at that temperature, for
    models that state one factor on them. A ``V_T`` lower by some 5 mV makes the channel of an
    initial segment.

    References
    ----------
    Traub and Miles (1991), Neuronal Networks of the Hippocampus. Destexhe and Paré (1999),
    J Neurophysiol 81:1531.
    """

    g: Quantity = quantity(100 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(50 * mV, "sodium reversal potential")
    V_T: Quantity = quantity(-63 * mV, "shift of the curves along the voltage axis")
    speed: Quantity = quantity(1.0, "factor on the rates at 36 °C", above=0)
    q10: Quantity = quantity(3.0, "factor on the rates for 10 °C", above=0)

    equations = gates(TRAUB_MILES, "mh", "phi*speed*")
    current = "g*m**3*h*(E - v)"
    ion = "na"
    temperature_ref = 36.0


@dataclass(frozen=True, eq=False, repr=False)
class TraubMilesPotassium(Channel):
    r"""Delayed rectifier of Traub and Miles, shifted by ``V_T``.

    .. math:: I = \bar g\, n^4\,(E - V), \quad w = V - V_T, \quad
              \alpha_n = \frac{0.032\,(15-w)}{e^{(15-w)/5} - 1}, \quad
              \beta_n = 0.5 e^{(10-w)/40}

    in 1/ms and mV, at 36 °C; q10 = 3; ``speed`` as in `TraubMilesSodium`.

    References
    ----------
    Traub and Miles (1991), Neuronal Networks of the Hippocampus. Destexhe and Paré (1999),
    J Neurophysiol 81:1531.
    """

    g: Quantity = quantity(30 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(-90 * mV, "potassium reversal potential")
    V_T: Quantity = quantity(-63 * mV, "shift of the curves along the voltage axis")
    speed: Quantity = quantity(1.0, "factor on the rates at 36 °C", above=0)
    q10: Quantity = quantity(3.0, "factor on the rates for 10 °C", above=0)

    equations = gates(TRAUB_MILES, "n", "phi*speed*")
    current = "g*n**4*(E - v)"
    ion = "k"
    temperature_ref = 36.0
