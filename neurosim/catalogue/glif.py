"""The generalised leaky integrate-and-fire neuron."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Hz, Quantity, ms, mV, nS, pA, pF

from neurosim.describe.point_neuron import PointNeuron
from neurosim.quantities import quantity

__all__ = ["GLIF"]


@dataclass(frozen=True, eq=False, repr=False)
class GLIF(PointNeuron):
    r"""Generalised leaky integrate-and-fire neuron, of five levels.

    .. math:: C \dot v &= g_L (E_L - v) + I_1 + I_2 + I, \qquad
                  \dot I_j = -I_j/\tau_j \\
              \dot\Theta_s &= -\Theta_s/\tau_s, \qquad
                  \dot\Theta_v = a_v (v - E_L) - \Theta_v/\tau_v

    It spikes where :math:`v \ge V_{th} + \Theta_s + \Theta_v`. The potential goes to
    :math:`V_{reset} + f_v (v - E_L)`. For ``t_ref`` it is held there with :math:`\Theta_v`, while
    the others decay; when that is over, a spike has added ``A_1``, ``A_2`` and ``jump`` to the
    share ``R_j`` of the currents and to :math:`\Theta_s`, as in the publication.

    If ``V_reset`` is above the threshold, it fires as often as ``t_ref`` lets it.

    Levels of the publication are settings: 1 has none of ``f_v``, ``A_j``, ``jump`` and ``a_v``; 2
    has ``f_v`` and ``jump``, 3 has ``A_j``, 4 has these three, and 5 has ``a_v`` as well. With the
    symbols there, ``V_reset`` is :math:`E_L - \delta V`, and time constants are :math:`1/k_j`,
    :math:`1/b_s` and :math:`1/b_v`. Membrane and threshold of the defaults are those of `LIF`; the
    others are of the size that is published for cortical neurons, and of no particular cell.

    References
    ----------
    Teeter et al. (2018), Nat Commun 9:709. Mihalas and Niebur (2009), Neural Comput 21:704.

    Examples
    --------
    >>> GLIF(jump=3 * mV).jump
    3. * mvolt
    """

    C: Quantity = quantity(200 * pF, "membrane capacitance", above=0 * pF)
    g_L: Quantity = quantity(10 * nS, "leak conductance", above=0 * nS)
    E_L: Quantity = quantity(-70 * mV, "leak reversal potential")
    V_th: Quantity = quantity(-55 * mV, "threshold long after a spike")
    V_reset: Quantity = quantity(-65 * mV, "where a spike that ends at E_L leaves the potential")
    f_v: Quantity = quantity(Quantity(0.0), "share of the potential before a spike that is left")
    A_1: Quantity = quantity(-60 * pA, "current that a spike adds, the first")
    tau_1: Quantity = quantity(10 * ms, "its time constant", above=0 * ms)
    R_1: Quantity = quantity(Quantity(1.0), "share of it that a spike leaves")
    A_2: Quantity = quantity(-15 * pA, "current that a spike adds, the second")
    tau_2: Quantity = quantity(150 * ms, "its time constant", above=0 * ms)
    R_2: Quantity = quantity(Quantity(1.0), "share of it that a spike leaves")
    jump: Quantity = quantity(0 * mV, "by which a spike raises the threshold")
    tau_s: Quantity = quantity(50 * ms, "time constant of that", above=0 * ms)
    a_v: Quantity = quantity(0 * Hz, "how fast the threshold follows the potential")
    tau_v: Quantity = quantity(50 * ms, "time constant of that", above=0 * ms)
    t_ref: Quantity = quantity(2 * ms, "how long a spike lasts", at_least=0 * ms)

    equations = """
    dv/dt = (g_L*(E_L - v) + I_1 + I_2 + I_stim)/C : volt (unless refractory)
    dI_1/dt = -I_1/tau_1 : amp
    dI_2/dt = -I_2/tau_2 : amp
    dtheta_s/dt = -theta_s/tau_s : volt
    dtheta_v/dt = a_v*(v - E_L) - theta_v/tau_v : volt (unless refractory)
    """
    threshold = "v >= V_th + theta_s + theta_v"
    # What decays while the spike lasts is added so much larger.
    reset = """
    v = V_reset + f_v*(v - E_L)
    I_1 = R_1*I_1 + A_1*exp(t_ref/tau_1)
    I_2 = R_2*I_2 + A_2*exp(t_ref/tau_2)
    theta_s += jump*exp(t_ref/tau_s)
    """
    refractory = "t_ref"
    default_dt_ms = 0.05
