"""What the equations of a neuron say without a run: rest, stability, impedance, cable distances."""

from neurosim.dynamics.bifurcation import (
    Bifurcation,
    BifurcationDiagram,
    Branch,
    bifurcation_diagram,
)
from neurosim.dynamics.electrotonic import Electrotonic, electrotonic
from neurosim.dynamics.fixed_points import FixedPoint, fixed_points
from neurosim.dynamics.impedance import Impedance, impedance
from neurosim.dynamics.ion_balance import IonBalance, IonRest, ion_balance, ion_rest
from neurosim.dynamics.phase_plane import PhasePlane, phase_plane

__all__ = [
    "Bifurcation",
    "BifurcationDiagram",
    "Branch",
    "Electrotonic",
    "FixedPoint",
    "Impedance",
    "IonBalance",
    "IonRest",
    "PhasePlane",
    "bifurcation_diagram",
    "electrotonic",
    "fixed_points",
    "impedance",
    "ion_balance",
    "ion_rest",
    "phase_plane",
]
