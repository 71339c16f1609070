"""Ion channels and ion pools as parts: one family a file, equation and source in its docstring."""

from neurosim.channels.a_type import AType
from neurosim.channels.base import SHARED, Channel, IonPool, Mechanism
from neurosim.channels.calcium_l import CalciumL
from neurosim.channels.calcium_n import CalciumN
from neurosim.channels.calcium_pool import CalciumPool
from neurosim.channels.calcium_potassium import BK, SK
from neurosim.channels.calcium_t import CalciumT
from neurosim.channels.delayed_rectifier import DelayedRectifier
from neurosim.channels.fast_sodium import FastSodium
from neurosim.channels.h_current import HCurrent
from neurosim.channels.hodgkin_huxley import HHPotassium, HHSodium
from neurosim.channels.kir41 import Kir41
from neurosim.channels.leak import ChlorideLeak, Leak, PotassiumLeak, SodiumLeak
from neurosim.channels.m_current import MCurrent
from neurosim.channels.mammalian_node import (
    NodeFastSodium,
    NodePersistentSodium,
    NodeSlowPotassium,
    mammalian_node,
)
from neurosim.channels.membranes import myelin, ranvier_node, spike_initiation, squid_axon
from neurosim.channels.muscle import MusclePotassium, MuscleSodium
from neurosim.channels.neuroml_channel import NeuroMLChannel
from neurosim.channels.persistent_sodium import PersistentSodium
from neurosim.channels.tonic_gaba_a import TonicBicarbonate, TonicChloride, tonic_gaba_a
from neurosim.channels.traub_miles import TraubMilesPotassium, TraubMilesSodium
from neurosim.equations.evaluate import Gate
from neurosim.equations.kinetic import kinetic

__all__ = [
    "BK",
    "SHARED",
    "SK",
    "AType",
    "CalciumL",
    "CalciumN",
    "CalciumPool",
    "CalciumT",
    "Channel",
    "ChlorideLeak",
    "DelayedRectifier",
    "FastSodium",
    "Gate",
    "HCurrent",
    "HHPotassium",
    "HHSodium",
    "IonPool",
    "Kir41",
    "Leak",
    "MCurrent",
    "Mechanism",
    "MusclePotassium",
    "MuscleSodium",
    "NeuroMLChannel",
    "NodeFastSodium",
    "NodePersistentSodium",
    "NodeSlowPotassium",
    "PersistentSodium",
    "PotassiumLeak",
    "SodiumLeak",
    "TonicBicarbonate",
    "TonicChloride",
    "TraubMilesPotassium",
    "TraubMilesSodium",
    "kinetic",
    "mammalian_node",
    "myelin",
    "ranvier_node",
    "spike_initiation",
    "squid_axon",
    "tonic_gaba_a",
]
