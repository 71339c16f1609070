"""The adaptive exponential integrate-and-fire neuron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from brian2.units import Quantity, ms, mV, nS, pA, pF

from neurosim.describe.point_neuron import PointNeuron
from neurosim.quantities import quantity

__all__ = ["AdEx"]


@dataclass(frozen=True, eq=False, repr=False)
class AdEx(PointNeuron):
    r"""Adaptive exponential integrate-and-fire neuron.

    .. math:: C \dot v &= g_L (E_L - v) + g_L \Delta_T e^{(v - V_T)/\Delta_T} - w + I \\
              \tau_w \dot w &= a (v - E_L) - w, \qquad
              v \ge V_{peak} \Rightarrow v \leftarrow V_{reset},\; w \leftarrow w + b

    The defaults share C, g_L (20 ms), E_L and the -55 mV threshold with `LIF`, and take the
    adaptation (a, b, tau_w) and reset of the adapting cell of Naud et al. (2008), table 1.
    `AdEx.brette_gerstner()` has the parameters of the first publication.

    References
    ----------
    Brette and Gerstner (2005), J Neurophysiol 94:3637. Naud, Marcille, Clopath and Gerstner
    (2008), Biol Cybern 99:335.

    Examples
    --------
    >>> AdEx.brette_gerstner().V_T
    -50.4 * mvolt
    """

    C: Quantity = quantity(200 * pF, "membrane capacitance", above=0 * pF)
    g_L: Quantity = quantity(10 * nS, "leak conductance", above=0 * nS)
    E_L: Quantity = quantity(-70 * mV, "leak reversal potential")
    V_T: Quantity = quantity(-55 * mV, "threshold of the exponential upstroke")
    Delta_T: Quantity = quantity(2 * mV, "slope factor of the upstroke", above=0 * mV)
    a: Quantity = quantity(2 * nS, "subthreshold adaptation")
    tau_w: Quantity = quantity(300 * ms, "adaptation time constant", above=0 * ms)
    b: Quantity = quantity(60 * pA, "spike-triggered adaptation")
    V_reset: Quantity = quantity(-58 * mV, "reset potential")
    V_peak: Quantity = quantity(0 * mV, "where the upstroke is cut and the spike counted")
    t_ref: Quantity = quantity(0 * ms, "absolute refractory period", at_least=0 * ms)

    # Within the last step of an upstroke a Runge-Kutta stage may overshoot the cut by far; both the
    # exponential and the adaptation see the potential no higher than the cut.
    equations = """
    v_seen = clip(v, -1*volt, V_peak) : volt
    upstroke = g_L*Delta_T*exp((v_seen - V_T)/Delta_T) : amp
    dv/dt = (g_L*(E_L - v) + upstroke - w + I_stim)/C : volt (unless refractory)
    dw/dt = (a*(v_seen - E_L) - w)/tau_w : amp
    """
    threshold = "v >= V_peak"
    reset = "v = V_reset; w += b"
    refractory = "t_ref"
    default_dt_ms = 0.05

    ordered = (("V_T", "V_peak", ""), ("V_reset", "V_peak", ""))

    @classmethod
    def brette_gerstner(cls) -> Self:
        """Return the cell of Brette and Gerstner (2005)."""
        return cls(
            C=281 * pF,
            g_L=30 * nS,
            E_L=-70.6 * mV,
            V_T=-50.4 * mV,
            Delta_T=2 * mV,
            a=4 * nS,
            tau_w=144 * ms,
            b=80.5 * pA,
            V_reset=-70.6 * mV,
            V_peak=20 * mV,
        )
