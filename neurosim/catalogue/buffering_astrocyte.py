"""Astrocytes: glia that take up potassium where neurons release it and let it go elsewhere."""

from __future__ import annotations

from brian2.units import meter, siemens
from brian2.units.stdunits import mM

from neurosim.channels.base import DIFFUSION
from neurosim.channels.kir41 import Kir41
from neurosim.channels.leak import ChlorideLeak, SodiumLeak
from neurosim.electrodiffusion.moving_ion import MovingIon
from neurosim.electrodiffusion.neuronal_exchange import NeuronalExchange
from neurosim.electrodiffusion.strip import Electrodiffusion
from neurosim.ions.transporters.glial_pump import GlialPump

__all__ = ["buffering_astrocyte"]


def buffering_astrocyte(*, present: bool = True) -> Electrodiffusion:
    """Return an astrocyte of 0.3 mm beside which neurons release potassium along a tenth.

    From 100 s to 400 s neurons exchange potassium for sodium. The astrocyte takes potassium up
    there, its cytosol carries it along, and it is released where there is less (spatial buffering).

    Parameters
    ----------
    present : bool
        Whether the astrocyte's membrane conducts. Without it the space outside is alone.

    References
    ----------
    Halnes, Ostby, Pettersen, Omholt and Einevoll (2013), PLoS Comput Biol 9:e1003386.

    Examples
    --------
    >>> [part.name for part in buffering_astrocyte().parts]
    ['kir41', 'sodium_leak', 'chloride_leak', 'glial_pump']
    """
    area = siemens / meter**2
    ions = (
        MovingIon("k", 99.959 * mM, 3.082 * mM, DIFFUSION["k"]),
        MovingIon("na", 15.189 * mM, 144.662 * mM, DIFFUSION["na"]),
        MovingIon("cl", 5.145 * mM, 133.71 * mM, DIFFUSION["cl"]),
    )
    parts = (Kir41(), SodiumLeak(g=1 * area), ChlorideLeak(g=0.5 * area), GlialPump())
    return Electrodiffusion(ions, parts if present else (), NeuronalExchange())
