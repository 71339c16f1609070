"""Ions that move: what holds them, transporters, and the closed forms they are tested with."""

from neurosim.ions.calcium import Calcium
from neurosim.ions.chloride import Chloride
from neurosim.ions.ion import Ion
from neurosim.ions.potassium import Potassium
from neurosim.ions.potentials import equilibrium_inside, ghk_current, ghk_potential, nernst
from neurosim.ions.sodium import Sodium
from neurosim.ions.transporter import VALENCE, Transporter
from neurosim.ions.transporters.calcium_pump import CalciumPump
from neurosim.ions.transporters.glial_pump import GlialPump
from neurosim.ions.transporters.kcc2 import KCC2
from neurosim.ions.transporters.mass_action_calcium_pump import MassActionCalciumPump
from neurosim.ions.transporters.mass_action_pump import MassActionPump
from neurosim.ions.transporters.nkcc1 import NKCC1
from neurosim.ions.transporters.sodium_calcium_exchanger import (
    ElectroneutralExchanger,
    SodiumCalciumExchanger,
)
from neurosim.ions.transporters.sodium_potassium_pump import (
    IndependentSitesPump,
    SodiumPotassiumPump,
    SodiumPump,
)
from neurosim.ions.transporters.voltage_dependent_pump import VoltageDependentPump

__all__ = [
    "KCC2",
    "NKCC1",
    "VALENCE",
    "Calcium",
    "CalciumPump",
    "Chloride",
    "ElectroneutralExchanger",
    "GlialPump",
    "IndependentSitesPump",
    "Ion",
    "MassActionCalciumPump",
    "MassActionPump",
    "Potassium",
    "Sodium",
    "SodiumCalciumExchanger",
    "SodiumPotassiumPump",
    "SodiumPump",
    "Transporter",
    "VoltageDependentPump",
    "equilibrium_inside",
    "ghk_current",
    "ghk_potential",
    "nernst",
]
