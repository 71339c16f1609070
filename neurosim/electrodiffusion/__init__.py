"""Ions along a cell and the space beside it, moved by diffusion and by the field they make."""

from neurosim.electrodiffusion.moving_ion import MovingIon
from neurosim.electrodiffusion.neuronal_exchange import NeuronalExchange
from neurosim.electrodiffusion.outcome import Electrodiffused
from neurosim.electrodiffusion.solve import electrodiffuse
from neurosim.electrodiffusion.strip import Electrodiffusion

__all__ = ["Electrodiffused", "Electrodiffusion", "MovingIon", "NeuronalExchange", "electrodiffuse"]
