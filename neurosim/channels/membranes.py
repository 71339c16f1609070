"""Channels that belong together: the membranes of well-known models, ready to paint."""

from __future__ import annotations

from brian2.units import Quantity, cm, mS, mV, siemens

from neurosim.channels.base import Channel
from neurosim.channels.hodgkin_huxley import HHPotassium, HHSodium
from neurosim.channels.leak import Leak
from neurosim.channels.traub_miles import TraubMilesPotassium, TraubMilesSodium
from neurosim.errors import UnknownNameError, suggest

__all__ = ["myelin", "ranvier_node", "spike_initiation", "squid_axon"]


def squid_axon() -> tuple[Channel, ...]:
    """Return the membrane of the squid giant axon: sodium, potassium, leak.

    References
    ----------
    Hodgkin and Huxley (1952), J Physiol 117:500.

    Examples
    --------
    >>> [channel.name for channel in squid_axon()]
    ['hh_sodium', 'hh_potassium', 'leak']
    """
    return HHSodium(), HHPotassium(), Leak(g=0.3 * mS / cm**2, E=-54.387 * mV)


def ranvier_node() -> tuple[Channel, ...]:
    """Return the node of a myelinated axon: the squid's channels at ten times their density.

    Run it at 18.5 °C; the internodes take `myelin` and a capacitance of 0.1/d µF/cm² (d in µm).
    """
    return (
        HHSodium(g=1200 * mS / cm**2),
        HHPotassium(g=360 * mS / cm**2),
        Leak(g=3 * mS / cm**2, E=-54.387 * mV),
    )


def myelin(g: Quantity = 1e-6 * siemens / cm**2, E: Quantity = -65 * mV) -> tuple[Channel, ...]:
    """Return the internode: only the leak through axolemma and myelin in series."""
    return (Leak(g=g, E=E),)


# g_Na, g_K (mS/cm2) and the shifts V_T of sodium and potassium (mV).
_ZONES = {
    "soma": (30.0, 20.0, -63.5, -66.5),
    "initial_segment": (400.0, 200.0, -69.5, -71.5),
    "axon": (100.0, 60.0, -67.5, -70.5),
    "dendrite": None,
}


def spike_initiation(zone: str) -> tuple[Channel, ...]:
    """Return the membrane of one zone of a cell whose spike starts in the initial segment.

    Traub-Miles channels at three times their rates at 36 °C; the initial segment has 13 times the
    somatic sodium density and curves 6 mV lower, which puts the somatic threshold near -56 mV.

    Parameters
    ----------
    zone : str
        ``"soma"``, ``"dendrite"`` (passive), ``"initial_segment"`` or ``"axon"``.

    Raises
    ------
    UnknownNameError
        There is no such zone.

    Examples
    --------
    >>> spike_initiation("initial_segment")[0].V_T
    -69.5 * mvolt
    """
    if zone not in _ZONES:
        raise UnknownNameError(f"spike_initiation: no zone {zone!r}: {suggest(zone, _ZONES)}")
    leak = Leak(g=0.1 * mS / cm**2, E=-75 * mV)
    density = _ZONES[zone]
    if density is None:
        return (leak,)
    g_na, g_k, shift_na, shift_k = density
    unit = mS / cm**2
    sodium = TraubMilesSodium(g=g_na * unit, E=55 * mV, V_T=shift_na * mV, speed=3.0)
    potassium = TraubMilesPotassium(g=g_k * unit, E=-90 * mV, V_T=shift_k * mV, speed=3.0)
    return sodium, potassium, leak
