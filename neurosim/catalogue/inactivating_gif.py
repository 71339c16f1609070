"""A generalised integrate-and-fire neuron that bends where cells do before they are blocked."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, ms, mV, nS, pA, pF

from neurosim.describe.point_neuron import PointNeuron
from neurosim.quantities import quantity

__all__ = ["InactivatingGIF"]


@dataclass(frozen=True, eq=False, repr=False)
class InactivatingGIF(PointNeuron):
    r"""Generalised integrate-and-fire neuron with two parts that act above a potential.

    .. math:: C \dot v &= g_L (E_L - v) - I_r + I_1 + I_2 + I, \qquad
                  \dot I_j = -I_j/\tau_j \\
              I_r &= g_r [n (v - E_r) - n_\infty(E_L) (E_L - E_r)], \qquad
                  \tau_r \dot n = n_\infty(v) - n, \qquad
                  n_\infty(v) = \frac{1}{1 + e^{(V_r - v)/k_r}} \\
              \tau_s \dot\Theta_s &= -\Theta_s, \qquad
                  \tau_v \dot\Theta_v = s\, k_i \ln(1 + e^{(v - V_i)/k_i}) - \Theta_v

    It spikes where :math:`v \ge V_{th} + \Theta_s + \Theta_v`, and is reset and held as `GLIF` is.

    Two things are added to `GLIF`. A conductance opens as the potential rises, as delayed
    rectifiers and M channels do, so that outward current grows faster than the potential. It is the
    subthreshold part of the conductance-based adaptive neuron of Górski and others. If ``g_r`` is
    negative, so much of the leak closes as the potential rises, as inward rectifiers do. And the
    threshold follows the potential only above ``V_i``, as sodium channels inactivate: well above
    it by the share ``follow``, which is 1 where a threshold keeps its distance (Mensi and others).
    In `GLIF` it follows at all potentials alike.

    ``E_L`` is where the neuron rests: the leak reverses where this is so. If the threshold at
    ``E_L`` is lower, there is no rest, and it fires without current. A run starts at ``V_0``, which
    is ``E_L`` for a cell at rest. The default membrane is that of `LIF`; the others are of no
    particular cell.

    References
    ----------
    Teeter et al. (2018), Nat Commun 9:709. Górski, Depannemaecker and Destexhe (2021), Neural
    Comput 33:41. Mensi, Hagens, Gerstner and Pozzorini (2016), PLoS Comput Biol 12:e1004761.

    Examples
    --------
    >>> InactivatingGIF(g_r=20 * nS).g_r
    20. * nsiemens
    """

    C: Quantity = quantity(200 * pF, "membrane capacitance", above=0 * pF)
    g_L: Quantity = quantity(10 * nS, "leak conductance", above=0 * nS)
    E_L: Quantity = quantity(-70 * mV, "potential at which outward and inward current balance")
    V_0: Quantity = quantity(-70 * mV, "potential at which a run starts")
    g_r: Quantity = quantity(10 * nS, "conductance that opens (below 0: closes) above V_r")
    V_r: Quantity = quantity(-45 * mV, "potential at which half of it is open")
    k_r: Quantity = quantity(4 * mV, "how gradually it opens", above=0 * mV)
    E_r: Quantity = quantity(-90 * mV, "its reversal potential")
    tau_r: Quantity = quantity(10 * ms, "how fast it opens", above=0 * ms)
    V_th: Quantity = quantity(-55 * mV, "threshold long after a spike, well below V_i")
    V_reset: Quantity = quantity(-65 * mV, "where a spike that ends at E_L leaves the potential")
    f_v: Quantity = quantity(Quantity(0.0), "share of the potential before a spike that is left")
    A_1: Quantity = quantity(-60 * pA, "current that a spike adds, the first")
    tau_1: Quantity = quantity(10 * ms, "its time constant", above=0 * ms)
    A_2: Quantity = quantity(-15 * pA, "current that a spike adds, the second")
    tau_2: Quantity = quantity(150 * ms, "its time constant", above=0 * ms)
    jump: Quantity = quantity(0 * mV, "by which a spike raises the threshold")
    tau_s: Quantity = quantity(50 * ms, "time constant of that", above=0 * ms)
    follow: Quantity = quantity(Quantity(0.5), "share of the potential above V_i in the threshold")
    V_i: Quantity = quantity(-50 * mV, "potential from which on the threshold follows")
    k_i: Quantity = quantity(3 * mV, "how gradually it begins to", above=0 * mV)
    tau_v: Quantity = quantity(10 * ms, "how fast the threshold follows", above=0 * ms)
    t_ref: Quantity = quantity(2 * ms, "how long a spike lasts", at_least=0 * ms)

    equations = """
    open_at_rest = 1/(1 + exp((V_r - E_L)/k_r)) : 1
    I_r = g_r*(n*(v - E_r) - open_at_rest*(E_L - E_r)) : amp
    dv/dt = (g_L*(E_L - v) - I_r + I_1 + I_2 + I_stim)/C : volt (unless refractory)
    dn/dt = (1/(1 + exp((V_r - v)/k_r)) - n)/tau_r : 1
    dI_1/dt = -I_1/tau_1 : amp
    dI_2/dt = -I_2/tau_2 : amp
    dtheta_s/dt = -theta_s/tau_s : volt
    above_V_i = k_i*log(1 + exp((v - V_i)/k_i)) : volt
    dtheta_v/dt = (follow*above_V_i - theta_v)/tau_v : volt (unless refractory)
    """
    threshold = "v >= V_th + theta_s + theta_v"
    # What decays while the spike lasts is added so much larger.
    reset = """
    v = V_reset + f_v*(v - E_L)
    I_1 += A_1*exp(t_ref/tau_1)
    I_2 += A_2*exp(t_ref/tau_2)
    theta_s += jump*exp(t_ref/tau_s)
    """
    refractory = "t_ref"
    default_dt_ms = 0.05
    start = "V_0"
