"""The squid giant axon of Hodgkin and Huxley, as one isopotential patch."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, cm, mS, msiemens, mV, uF, um

from neurosim.describe.point_neuron import PointNeuron
from neurosim.equations.rates import HODGKIN_HUXLEY, patch
from neurosim.quantities import check_quantity, quantity

__all__ = ["HodgkinHuxley"]


@dataclass(frozen=True, eq=False, repr=False)
class HodgkinHuxley(PointNeuron):
    r"""Hodgkin-Huxley membrane of the squid giant axon at 6.3 °C.

    .. math:: C_m \dot v = -\bar g_{Na} m^3 h (v - E_{Na}) - \bar g_K n^4 (v - E_K)
              - g_L (v - E_L) + I / A

    in the modern sign convention with rest near -65 mV. Firing is class II: from a step of
    current it starts at a finite rate (about 53 Hz at 6.26 µA/cm²). A spike is an upward crossing
    of ``V_detect``, after a fall 10 mV below it. Removable singularities of the rates are written
    with ``exprel``.

    References
    ----------
    Hodgkin and Huxley (1952), J Physiol 117:500.

    Examples
    --------
    >>> from brian2 import uA, cm
    >>> HodgkinHuxley().current(10 * uA / cm**2)
    100. * pamp
    """

    area: Quantity = quantity(1000 * um**2, "membrane area", above=0 * um**2)
    C_m: Quantity = quantity(1 * uF / cm**2, "specific capacitance", above=0 * uF / cm**2)
    g_Na: Quantity = quantity(120 * mS / cm**2, "sodium conductance", at_least=0 * mS / cm**2)
    g_K: Quantity = quantity(36 * mS / cm**2, "potassium conductance", at_least=0 * mS / cm**2)
    g_L: Quantity = quantity(0.3 * msiemens / cm**2, "leak conductance", above=0 * mS / cm**2)
    E_Na: Quantity = quantity(50 * mV, "sodium reversal potential")
    E_K: Quantity = quantity(-77 * mV, "potassium reversal potential")
    E_L: Quantity = quantity(-54.387 * mV, "leak reversal potential")
    V_init: Quantity = quantity(-64.99637933 * mV, "potential at the start (rest by default)")
    V_detect: Quantity = quantity(0 * mV, "upward crossing that counts as a spike")

    equations = patch(HODGKIN_HUXLEY)
    threshold = "v > V_detect"
    # Noise carries the falling potential back over V_detect; that is not another spike.
    refractory = "v > V_detect - 10*mV"
    default_dt_ms = 0.01
    start = "V_init"

    def current(self, density: Quantity) -> Quantity:
        """Return the current that gives a current density over the whole membrane."""
        density = check_quantity(
            density, 10 * mV * mS / cm**2, "HodgkinHuxley.current: density", many=1
        )
        return density * self.area
