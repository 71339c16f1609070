"""Sodium pump of the mitral cell by mass action: 3 Na + P <-> PNa."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, meter, mole, ms
from brian2.units.stdunits import mM

from neurosim.ions.transporter import Transporter
from neurosim.quantities import quantity

__all__ = ["MassActionPump"]


@dataclass(frozen=True, eq=False, repr=False)
class MassActionPump(Transporter):
    r"""Pump that binds three sodium ions inside and releases them outside, both reversibly.

    .. math:: 3\,Na_i + P \underset{k_2}{\overset{k_1}{\rightleftharpoons}} PNa
              \underset{k_4}{\overset{k_3}{\rightleftharpoons}} P + 3\,Na_o

    The bound form follows the concentrations within microseconds, far faster than these move, so
    its steady state is used. With N pumps on an area, a pump turns

    .. math:: J = N\,\frac{k_1 k_3 [Na]_i^3 - k_2 k_4 [Na]_o^3}
                          {k_1 [Na]_i^3 + k_4 [Na]_o^3 + k_2 + k_3}

    times, and the pump stands still at ``na_rest`` inside and ``na_outside`` outside, which sets

    .. math:: k_4 = \frac{k_1 k_3}{k_2}\Bigl(\frac{[Na]_{rest}}{[Na]_{outside}}\Bigr)^3

    In the published program a turn moves three sodium ions but carries only a third of an
    elementary charge out of the cell (it takes its current from the number of turns, and two thirds
    of it back as potassium). That is kept: r = F J / 3, and a cycle of the description is three
    turns. The rest of the charge is carried by ions that the model does not follow.

    References
    ----------
    Zylbertal, Kahan, Ben-Shaul, Yarom and Wagner (2015), PLoS Biol 13:e1002319 (mitral cell of the
    accessory olfactory bulb).
    """

    N: Quantity = quantity(1e-10 * mole / meter**2, "pumps on an area", above=0 * mole / meter**2)
    k1: Quantity = quantity(1 / (mM**3 * ms), "binding inside", above=0 / (mM**3 * ms))
    k2: Quantity = quantity(0.001 / ms, "unbinding inside", above=0 / ms)
    k3: Quantity = quantity(0.3 / ms, "release outside", above=0 / ms)
    na_rest: Quantity = quantity(10 * mM, "sodium inside at which it stands still", above=0 * mM)
    na_outside: Quantity = quantity(140 * mM, "sodium outside at which it does", above=0 * mM)

    equations = """
    k4 = k1*k3/k2*(na_rest/na_outside)**3 : meter**9/mole**3/second
    binding = k1*na_i**3 : Hz
    rebinding = k4*na_o**3 : Hz
    turns = N*(k3*binding - k2*rebinding)/(binding + rebinding + k2 + k3) : mole/meter**2/second
    """
    rate = "F*turns/3"
    moves: ClassVar[dict[str, int]] = {"na": -9}
    other_charge = 8
    reads = ("na_i", "na_o")
