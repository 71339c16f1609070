"""The textbook neuron with a sodium-potassium pump, and sodium that its spikes let in."""

from __future__ import annotations

import numpy as np
from brian2.units import Quantity, cm, mS, mV, uA
from brian2.units.stdunits import mM

from neurosim import Neuron
from neurosim.catalogue import textbook_neuron
from neurosim.channels import Leak, PotassiumLeak, SodiumLeak
from neurosim.dynamics import ion_balance
from neurosim.errors import ParameterError
from neurosim.ions import Potassium, Sodium, SodiumPump, equilibrium_inside
from neurosim.morphology import at
from neurosim.quantities import check_quantity

__all__ = ["pumping_textbook_neuron"]

_UNIT = mS / cm**2
# Of the textbook neuron, where its sodium and potassium currents and its leak reverse.
_E_NA, _E_K, _REST = 55 * mV, -90 * mV, -70 * mV


def pumping_textbook_neuron(pump_current: Quantity = 0.6 * uA / cm**2) -> Neuron:
    """Return the textbook neuron with ions that balance at -70 mV, and a pump that holds them.

    The reversal potentials of the textbook neuron, 55 and -90 mV, become concentrations: 18.4 mM of
    sodium inside, which moves, and 103 mM of potassium, which is held. In each compartment the leak
    of -70 mV gives a part of itself to leaks of sodium and potassium, as much as the pump carries
    back. So the neuron rests at -70 mV, and its threshold is that of `textbook_neuron`.

    Sodium is well mixed in each compartment and does not diffuse along the cell. It rises most
    where the membrane fires and the volume is small: in the axon.

    Parameters
    ----------
    pump_current : Quantity
        Net current of the pump when sodium saturates it.

    Returns
    -------
    Neuron
        With the probes and detectors of `textbook_neuron`, and ``sodium``, the concentration in the
        middle of the axon. A batch or course calls the blocked share ``sodium_pump.blocked``.

    Raises
    ------
    ParameterError
        The pump carries more than leaks of the textbook neuron's size can let in.

    References
    ----------
    Li, Bertram and Rinzel (1996), Neuroscience 71:397 (pump; half speed at 30 mM here).

    Examples
    --------
    >>> from neurosim.dynamics import ion_balance
    >>> float(abs(ion_balance(pumping_textbook_neuron(), -70 * mV).drift("na") / mM).max()) < 1e-9
    True
    """
    most = check_quantity(
        pump_current, 0.6 * uA / cm**2, "pumping_textbook_neuron: pump_current", above=0
    )
    cell = textbook_neuron()
    celsius = cell.celsius
    sodium, potassium = (
        part(outside=outside, inside=equilibrium_inside(ion, reversal, outside, celsius))
        for part, ion, reversal, outside in (
            (Sodium, "na", _E_NA, 145 * mM),
            (Potassium, "k", _E_K, 3.5 * mM),
        )
    )
    pump = SodiumPump(I_max=most, K_na=30 * mM)
    bare = cell.replace(painted=tuple(one for one in cell.painted if one.label != "leak"))
    # What each ion lacks is known where it moves.
    balance = ion_balance(bare.paint([sodium, potassium, pump]), _REST)
    g_na, g_k = (np.asarray(balance.leak(ion) / _UNIT, dtype=float) for ion in ("na", "k"))
    left = 0.05 - g_na - g_k
    if left.min() < 0:
        # Leaks grow with the pump; what channels let in at rest is little beside them.
        fed = 0.95 * float(most / (uA / cm**2)) * 0.05 / (0.05 - left.min())
        raise ParameterError(
            f"pumping_textbook_neuron: a pump of {most} needs leaks of sodium and potassium that "
            "are larger than the whole leak of the textbook neuron; take "
            f"{fed:.2f}*uA/cm**2 or less"
        )
    return (
        bare.paint([sodium, potassium.replace(held=True), pump])
        .paint(SodiumLeak(g=_UNIT), scale=g_na)
        .paint(PotassiumLeak(g=_UNIT), scale=g_k)
        .paint(Leak(g=_UNIT, E=_REST), scale=left)
        .probe("na_i", at("axon", 0.5), label="sodium")
    )
