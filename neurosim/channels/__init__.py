"""Ion channels and ion pools as parts: one family a file, equation and source in its docstring."""

from neurosim.channels.base import SHARED, Channel, IonPool, Mechanism
from neurosim.channels.evaluate import Gate
from neurosim.channels.hodgkin_huxley import HHPotassium, HHSodium
from neurosim.channels.leak import Leak
from neurosim.channels.traub_miles import TraubMilesPotassium, TraubMilesSodium

__all__ = [
    "SHARED",
    "Channel",
    "Gate",
    "HHPotassium",
    "HHSodium",
    "IonPool",
    "Leak",
    "Mechanism",
    "TraubMilesPotassium",
    "TraubMilesSodium",
]
