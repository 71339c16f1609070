"""A cortical cell with the fast sodium and potassium channels of Traub and Miles."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, mV, uF, um, usiemens

from neurosim.describe.point_neuron import PointNeuron
from neurosim.equations.rates import TRAUB_MILES, patch
from neurosim.quantities import quantity

__all__ = ["TraubMiles"]


@dataclass(frozen=True, eq=False, repr=False)
class TraubMiles(PointNeuron):
    r"""Regular-spiking cortical cell, Traub-Miles kinetics shifted by ``V_T``.

    .. math:: C_m \dot v = -\bar g_{Na} m^3 h (v - E_{Na}) - \bar g_K n^4 (v - E_K)
              - g_L (v - E_L) + I / A

    A class I neuron: firing starts at an arbitrarily low rate. The kinetics are those of Traub
    and Miles (1991) as used by Destexhe and Paré (1999) and, with these very values, by the
    benchmark networks of Brette et al. (2007). A spike is an upward crossing of ``V_detect``,
    after a fall 10 mV below it.

    References
    ----------
    Traub and Miles (1991), Neuronal Networks of the Hippocampus. Brette et al. (2007),
    J Comput Neurosci 23:349, benchmark 3.

    Examples
    --------
    >>> TraubMiles().V_T
    -63. * mvolt
    """

    area: Quantity = quantity(20000 * um**2, "membrane area", above=0 * um**2)
    C_m: Quantity = quantity(1 * uF / cm**2, "specific capacitance", above=0 * uF / cm**2)
    g_Na: Quantity = quantity(100 * mS / cm**2, "sodium conductance", at_least=0 * mS / cm**2)
    g_K: Quantity = quantity(30 * mS / cm**2, "potassium conductance", at_least=0 * mS / cm**2)
    g_L: Quantity = quantity(50 * usiemens / cm**2, "leak conductance", above=0 * mS / cm**2)
    E_Na: Quantity = quantity(50 * mV, "sodium reversal potential")
    E_K: Quantity = quantity(-90 * mV, "potassium reversal potential")
    E_L: Quantity = quantity(-65 * mV, "leak reversal potential")
    V_T: Quantity = quantity(-63 * mV, "shift of the activation curves")
    V_detect: Quantity = quantity(-20 * mV, "upward crossing that counts as a spike")

    equations = patch(TRAUB_MILES)
    threshold = "v > V_detect"
    # Noise carries the falling potential back over V_detect; that is not another spike.
    refractory = "v > V_detect - 10*mV"
    default_dt_ms = 0.025
