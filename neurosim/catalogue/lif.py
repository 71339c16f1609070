"""The leaky integrate-and-fire neuron with the textbook's threshold of -55 mV."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Mohm, Quantity, ms, mV

from neurosim.describe.point_neuron import PointNeuron
from neurosim.quantities import quantity

__all__ = ["LIF"]


@dataclass(frozen=True, eq=False, repr=False)
class LIF(PointNeuron):
    r"""Leaky integrate-and-fire neuron.

    .. math:: \tau_m \dot v = E_L - v + R_m I, \qquad
              v \ge V_{th} \Rightarrow v \leftarrow V_{reset}

    followed by an absolute refractory period ``t_ref`` during which v is held. Under a constant
    current above rheobase it fires at
    ``1 / (t_ref + tau_m ln((E_L + R_m I - V_reset) / (E_L + R_m I - V_th)))``.

    The update is exact for a current that is constant within a step. Under `WhiteNoise` spikes are
    detected below ``V_th``, by as much as makes up for the crossings between two steps; the rate at
    the default step is then within 0.1 % of Siegert's (`neurosim run noise-and-step`).

    References
    ----------
    Lapicque (1907); Gerstner, Kistler, Naud and Paninski (2014), Neuronal Dynamics, ch. 1.3.

    Examples
    --------
    >>> from brian2 import ms
    >>> LIF(tau_m=10 * ms).rheobase
    150. * pamp
    """

    E_L: Quantity = quantity(-70 * mV, "resting (leak reversal) potential")
    V_th: Quantity = quantity(-55 * mV, "threshold")
    V_reset: Quantity = quantity(-70 * mV, "reset potential")
    tau_m: Quantity = quantity(20 * ms, "membrane time constant", above=0 * ms)
    R_m: Quantity = quantity(100 * Mohm, "input resistance", above=0 * Mohm)
    t_ref: Quantity = quantity(2 * ms, "absolute refractory period", at_least=0 * ms)

    equations = "dv/dt = (E_L - v + R_m*I_stim)/tau_m : volt (unless refractory)"
    threshold = "v >= V_th"
    reset = "v = V_reset"
    refractory = "t_ref"
    barrier = "V_th"
    method = "exponential_euler"

    ordered = (
        ("V_reset", "V_th", ", or the cell would fire at every step"),
        (
            "E_L",
            "V_th",
            "; for a cell that fires at rest inject a holding current instead",
        ),
    )

    @property
    def rheobase(self) -> Quantity:
        """Smallest constant current that makes it fire."""
        return (self.V_th - self.E_L) / self.R_m

    @property
    def capacitance(self) -> Quantity:
        """Membrane capacitance, tau_m / R_m."""
        return self.tau_m / self.R_m
