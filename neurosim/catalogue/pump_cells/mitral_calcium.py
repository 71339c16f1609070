"""What moves calcium in the tufts of the mitral cell, beside exchanger and pump."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, cm, ms, mV, siemens
from brian2.units.stdunits import mM

from neurosim.ions.transporter import Transporter
from neurosim.quantities import quantity

__all__ = ["ElectroneutralCalciumChannel", "IndicatorDye"]

_G = siemens / cm**2


@dataclass(frozen=True, eq=False, repr=False)
class ElectroneutralCalciumChannel(Transporter):
    r"""Calcium channel whose charge the source takes out again, so that only calcium moves.

    .. math:: I_{Ca} = g\,m^2 h\,\frac{K_i}{K_i + [Ca]_i}\,f
              \frac{1 - \frac{[Ca]_i}{[Ca]_o} e^{V/f}}{(e^{V/f} - 1)\,f/V},
              \qquad f = \frac{25\,\mathrm{mV}}{2} \frac{T}{293.15\,\mathrm{K}}, \qquad I = 0

    References
    ----------
    Migliore (form of the channel, N type). Zylbertal, Kahan, Ben-Shaul, Yarom and Wagner (2015),
    PLoS Biol 13:e1002319 (numbers, inactivation by calcium, and the charge).
    """

    g: Quantity = quantity(0.023548451822287694 * _G, "strength", at_least=0 * _G)
    K_i: Quantity = quantity(
        11.656113162118858 * mM, "calcium that halves the conductance", above=0 * mM
    )
    shift: Quantity = quantity(10.268620433693597 * mV, "shift of all potentials")
    slower_h: Quantity = quantity(
        Quantity(17.57247057366412), "factor on the time constant of inactivation", above=0
    )
    f: Quantity = quantity(12.627912331570868 * mV, "half of what the source takes for RT/F")

    equations: ClassVar[str] = """
    u = (v - shift)/mV : 1
    opening = 0.1967*10/exprel(-(u - 19.88)/10)/ms : Hz
    closing = 0.046*exp(-u/20.73)/ms : Hz
    dm/dt = opening*(1 - m) - closing*m : 1
    recovering = 1.6e-4*exp(-u/48.4)/ms : Hz
    inactivating = 1/(exp((39 - u)/10) + 1)/ms : Hz
    dh/dt = (recovering*(1 - h) - inactivating*h)/slower_h : 1
    drive = f*(1 - ca_i/ca_o*exp(v/f))/exprel(v/f) : volt
    """
    rate = "0.5*g*m**2*h*K_i/(K_i + ca_i)*drive"
    moves: ClassVar[dict[str, int]] = {"ca": 1}
    other_charge = -2
    reads = ("ca_i", "ca_o")


@dataclass(frozen=True, eq=False, repr=False)
class IndicatorDye(Transporter):
    r"""Dye in the cell that binds calcium, such as OGB-1: calcium leaves the water, not the cell.

    .. math:: \dot b = k_1 [Ca]_i (B - b) - k_2 b

    It is written as a transporter, so that what is bound stands in the ledger.

    References
    ----------
    Zylbertal, Kahan, Ben-Shaul, Yarom and Wagner (2015), PLoS Biol 13:e1002319.
    """

    total: Quantity = quantity(0.05 * mM, "concentration of the dye", at_least=0 * mM)
    k1: Quantity = quantity(200 / (mM * ms), "binding", above=0 / (mM * ms))
    k2: Quantity = quantity(0.04758912947343654 / ms, "unbinding", above=0 / ms)

    equations: ClassVar[str] = """
    dbound/dt = k1*ca_i*(total - bound) - k2*bound : mM
    binds = k1*ca_i*(total - bound) - k2*bound : mM/second
    """
    rate = "F*binds/surface_to_volume"
    moves: ClassVar[dict[str, int]] = {"ca": -1}
    other_charge = 2
    reads = ("ca_i", "surface_to_volume")
