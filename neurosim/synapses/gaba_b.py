"""GABA-B receptors: slow inhibition through G-protein and potassium."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, hertz, ms, mV, nS, second
from brian2.units.stdunits import mM, uM

from neurosim.quantities import quantity
from neurosim.synapses.events import Events
from neurosim.synapses.exponential import DoubleExponential
from neurosim.synapses.two_state import TwoState

__all__ = ["GABAB", "KineticGABAB"]


@dataclass(frozen=True, eq=False, repr=False)
class GABAB(DoubleExponential):
    """Slow inhibition through potassium, in its linear form: 45 / 150 ms, reversal -95 mV.

    The rise stands for the G-protein's delay. What the linear form cannot show is that one spike
    opens next to nothing and a burst opens much: for that take `KineticGABAB`.

    References
    ----------
    Otis, De Koninck and Mody (1993), J Physiol 463:391 (rise 45 ms; decay of 110 and 516 ms, here
    one time constant).
    """

    g: Quantity = quantity(0.1 * nS, "peak conductance of one quantum", at_least=0 * nS)
    E: Quantity = quantity(-95 * mV, "reversal potential")
    tau_rise: Quantity = quantity(45 * ms, "time constant of the rise", above=0 * ms)
    tau_decay: Quantity = quantity(150 * ms, "time constant of the decay", above=0 * ms)
    transmitter = "gaba"


@dataclass(frozen=True, eq=False, repr=False)
class KineticGABAB(TwoState):
    r"""GABA-B receptor: the bound receptor makes G-protein, four of which open a channel.

    .. math:: \dot r = K_1 T (1 - r) - K_2 r, \qquad \dot G = K_3 r - K_4 G, \qquad
              I = g\, \frac{G^4}{G^4 + K_d^4}\,(E - V)

    One release opens next to nothing; a burst opens much.

    References
    ----------
    Destexhe and Sejnowski (1995), PNAS 92:9515. Destexhe, Mainen and Sejnowski (1998), in Koch and
    Segev, Methods in Neuronal Modeling, ch. 1 (K_d^4 = 100 µM^4).
    """

    g: Quantity = quantity(0.06 * nS, "conductance with all channels open", at_least=0 * nS)
    E: Quantity = quantity(-95 * mV, "reversal potential")
    alpha: Quantity = quantity(0.09 / (mM * ms), "K_1, rate of binding", above=0 / (mM * ms))
    beta: Quantity = quantity(1.2 * hertz, "K_2, rate of unbinding", above=0 * hertz)
    K_3: Quantity = quantity(180 * uM / second, "production of G-protein", above=0 * uM / second)
    K_4: Quantity = quantity(34 * hertz, "removal of G-protein", above=0 * hertz)
    K_d: Quantity = quantity(100**0.25 * uM, "G-protein that opens half", above=0 * uM)
    transmitter = "gaba"

    equations = (
        TwoState.equations
        + """dG/dt = phi*(K_3*r - K_4*G) : mM
    ratio = (G/K_d)**4 : 1
    """
    )
    current = "g*ratio/(1 + ratio)*(E - v)"

    def open_fraction(self, t: Quantity, events: Events) -> np.ndarray:
        """Return the share of open channels at given times, exactly (q10 = 1)."""
        ratio = (self.g_protein(t, events) / self.K_d) ** 4
        return np.asarray(ratio / (1 + ratio), dtype=float)

    def g_protein(self, t: Quantity, events: Events) -> Quantity:
        """Return the concentration of active G-protein at given times."""
        course = self._course(t, events, gain=float(self.K_3), loss=float(self.K_4))
        return Quantity(course[1], dim=uM.dim)
