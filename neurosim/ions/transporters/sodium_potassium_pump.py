"""Sodium-potassium pump (Na+/K+-ATPase): three sodium ions out for two potassium ions in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, amp, meter
from brian2.units.stdunits import mM

from neurosim.ions.transporter import Transporter
from neurosim.quantities import quantity

__all__ = ["IndependentSitesPump", "SodiumPotassiumPump", "SodiumPump"]


@dataclass(frozen=True, eq=False, repr=False)
class SodiumPotassiumPump(Transporter):
    r"""Pump with Hill curves in sodium inside and potassium outside.

    .. math:: r = I_{max}\,\frac{1}{1 + (K_{Na} / [Na]_i)^{n}}\,\frac{1}{1 + (K_K / [K]_o)^{m}},
              \qquad I_{Na} = -3r, \quad I_K = 2r

    References
    ----------
    Luo and Rudy (1994), Circ Res 74:1071 (form, half speeds and exponents; without their dependence
    on the potential, for which see `VoltageDependentPump`).
    """

    I_max: Quantity = quantity(
        0.05 * amp / meter**2, "net current at saturation", at_least=0 * amp / meter**2
    )
    K_na: Quantity = quantity(10 * mM, "sodium inside at half speed", at_least=0 * mM)
    K_k: Quantity = quantity(1.5 * mM, "potassium outside at half speed", at_least=0 * mM)
    n_na: Quantity = quantity(Quantity(1.5), "Hill coefficient of sodium", above=0)
    n_k: Quantity = quantity(Quantity(1.0), "Hill coefficient of potassium", above=0)

    rate = "I_max/((1 + (K_na/na_i)**n_na)*(1 + (K_k/k_o)**n_k))"
    moves: ClassVar[dict[str, int]] = {"na": -3, "k": 2}
    reads = ("na_i", "k_o")


@dataclass(frozen=True, eq=False, repr=False)
class SodiumPump(Transporter):
    r"""Pump whose speed follows sodium inside alone, for potassium outside that hardly changes.

    .. math:: r = \frac{I_{max}}{1 + (K_{Na} / [Na]_i)^{n}}, \qquad I_{Na} = -3r, \quad I_K = 2r

    References
    ----------
    Li, Bertram and Rinzel (1996), Neuroscience 71:397 (n = 3, K_Na = 15 mM).
    """

    I_max: Quantity = quantity(
        0.05 * amp / meter**2, "net current at saturation", at_least=0 * amp / meter**2
    )
    K_na: Quantity = quantity(15 * mM, "sodium inside at half speed", at_least=0 * mM)
    n_na: Quantity = quantity(Quantity(3.0), "Hill coefficient of sodium", above=0)

    rate = "I_max/(1 + (K_na/na_i)**n_na)"
    moves: ClassVar[dict[str, int]] = {"na": -3, "k": 2}
    reads = ("na_i",)


@dataclass(frozen=True, eq=False, repr=False)
class IndependentSitesPump(Transporter):
    r"""Pump with three equal sites for sodium and two for potassium, which bind independently.

    .. math:: r = I_{max}\,\Bigl(1 + \frac{K_{Na}}{[Na]_i}\Bigr)^{-3}
                  \Bigl(1 + \frac{K_K}{[K]_o}\Bigr)^{-2}, \qquad I_{Na} = -3r, \quad I_K = 2r

    References
    ----------
    Garay and Garrahan (1973), J Physiol 231:297 (sites). Kager, Wadman and Somjen (2000),
    J Neurophysiol 84:495 (form). Somjen, Kager and Wadman (2008), J Comput Neurosci 25:349 (neuron
    and glia).
    """

    I_max: Quantity = quantity(
        0.05 * amp / meter**2, "net current at saturation", at_least=0 * amp / meter**2
    )
    K_na: Quantity = quantity(
        10 * mM, "sodium inside at which a site is half filled", at_least=0 * mM
    )
    K_k: Quantity = quantity(
        2 * mM, "potassium outside at which a site is half filled", at_least=0 * mM
    )

    rate = "I_max/((1 + K_na/na_i)**3*(1 + K_k/k_o)**2)"
    moves: ClassVar[dict[str, int]] = {"na": -3, "k": 2}
    reads = ("na_i", "k_o")
