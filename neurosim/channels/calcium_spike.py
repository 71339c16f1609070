"""Calcium action potential of human layer-2/3 dendrites, whose amplitude falls with its drive."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, ms, mV

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["DendriticCalciumSpike"]


@dataclass(frozen=True, eq=False, repr=False)
class DendriticCalciumSpike(Channel):
    r"""Dendritic calcium action potential that is largest for the weakest input that evokes it.

    .. math:: I = \bar g\, K\, a(p)\, h\,(E - V_{th}), \quad
              \tau_p \dot p = \sigma(V - V_{th}) - p, \quad
              \tau_h \dot h = 1 - \sigma(p - 0.85) - h

    .. math:: \tau_K \dot K = \left(e^{-(V - V_{th})_+/V_K} - K\right) l(p)

    ``p`` follows whether the potential is above ``V_th``. Until it passes ``0.6``, K follows the
    potential that the input alone reaches, an e-fold down for every ``V_K`` above the threshold;
    then K is held (l falls to 0), the conductance opens (a rises), and stays open until h closes
    it. So the size is set by the drive before the spike, and not by the spike itself; the driving
    force is held at that of the threshold, as the source injects a current of given size.

    The law is measured; its mechanism is not known, and this is a description of it and no kinetic
    model of a channel. Time constants were chosen for a spike some 20 ms wide that starts several
    milliseconds after its threshold is crossed.

    References
    ----------
    Gidon, Zolnik, Fidzinski, Bolduan, Papoutsi, Poirazi, Holtkamp, Vida and Larkum (2020), Science
    367:83: threshold -36 mV in the authors' model, decay of the amplitude by an e-fold for 11.7 mV.
    """

    g: Quantity = quantity(0.3 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(60 * mV, "reversal potential")
    V_th: Quantity = quantity(-36 * mV, "threshold")
    V_K: Quantity = quantity(11.7 * mV, "drive that lowers the amplitude e-fold", above=0 * mV)
    tau_p: Quantity = quantity(12 * ms, "time constant of the onset", above=0 * ms)
    tau_K: Quantity = quantity(0.3 * ms, "time constant of the amplitude", above=0 * ms)
    tau_h: Quantity = quantity(8 * ms, "time constant of the end", above=0 * ms)

    equations = """
    dp/dt = (above - p)/tau_p : 1
    dh/dt = (1/(1 + exp((p - 0.85)/0.02)) - h)/tau_h : 1
    dK/dt = (K_inf - K)*free/tau_K : 1
    above = 1/(1 + exp(-(v - V_th)/(0.5*mV))) : 1
    K_inf = exp(-clip((v - V_th)/V_K, 0, 100)) : 1
    free = 1e-9 + 1/(1 + exp((p - 0.6)/0.004)) : 1
    opened = 1/(1 + exp(-(p - 0.66)/0.01)) : 1
    """
    current = "g*K*opened*h*(E - V_th)"
    ion = "ca"
