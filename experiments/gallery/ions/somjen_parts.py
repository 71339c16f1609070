"""The neuron and the glial cell of Somjen, Kager and Wadman (2008), written as parts.

Equations and numbers are those of the published program (ModelDB 113446). Rates are in 1/ms and mV,
at the temperature of the model, 36 °C.
"""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, amp, cm, meter, mV, ohm, second, siemens, um
from brian2.units.stdunits import mM

from neurosim import Circuit, Neuron
from neurosim.channels import Channel, ChlorideLeak, PotassiumLeak, SodiumLeak
from neurosim.describe.parts import Cable
from neurosim.dynamics import ion_balance
from neurosim.ions import (
    Calcium,
    Chloride,
    IndependentSitesPump,
    Potassium,
    Sodium,
    SodiumCalciumExchanger,
    equilibrium_inside,
)
from neurosim.morphology import Morphology, PerBranch, at, branch, cone, cylinder
from neurosim.outside import SpaceAlong
from neurosim.quantities import quantity
from neurosim.stimuli import Stimulus

__all__ = ["somjen_pair"]

_G = siemens / cm**2
_SQUARE = amp / meter**2
_CELSIUS = 36.0
# Concentrations outside; chloride makes up for the charge of the others (mM).
_K_O, _NA_O, _CA_O = 3.5, 140.0, 1.5
_CL_O = _NA_O + _K_O + 2 * _CA_O
_OSMOLES = _CL_O + _NA_O + _K_O + _CA_O
_REST, _GLIA_REST = -70.0085, -88.0


@dataclass(frozen=True, eq=False, repr=False)
class TransientSodium(Channel):
    """Fast sodium channel after Traub, m³h."""

    g: Quantity = quantity(0 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(50 * mV, "sodium reversal potential")
    equations = """
    dm/dt = (a_m*(1 - m) - b_m*m)/ms : 1
    dh/dt = (a_h*(1 - h) - b_h*h)/ms : 1
    w = v/mV + 70 : 1
    a_m = 2*0.32*4/exprel((13.1 - w)/4) : 1
    b_m = 0.28*5/exprel((w - 40.1)/5) : 1
    a_h = 2*0.128*exp((17 - w - 10)/18) : 1
    b_h = 2*4/(1 + exp((40 - w - 10)/5)) : 1
    """
    current = "g*m**3*h*(E - v)"
    ion = "na"


@dataclass(frozen=True, eq=False, repr=False)
class PersistentSodiumOfPotassium(Channel):
    """Persistent sodium channel that potassium outside makes stronger, m²h."""

    g: Quantity = quantity(0 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(50 * mV, "sodium reversal potential")
    equations = """
    dm/dt = (m_inf - m)/(6*ms) : 1
    dh/dt = (0.128*exp((7 - w)/18)*(1 - h) - 4/(1 + exp((30 - w)/5))*h)/(25000*ms) : 1
    w = v/mV + 70 : 1
    m_inf = 1/(1 + exp(-(v/mV + 39.7)/7)) : 1
    boost = 1 + 2/(1 + exp((7 - k_o/mM)/0.765)) : 1
    """
    current = "g*boost*m**2*h*(E - v)"
    ion = "na"
    reads = ("k_o",)


_RECTIFIER = """
    dn/dt = (1.5*0.016*5/exprel((35.1 - w)/5)*(1 - n) - 1.5*0.25*exp((20 - w)/40)*n)/ms : 1
    w = v/mV + 70 + {shift} : 1
"""


@dataclass(frozen=True, eq=False, repr=False)
class DelayedRectifierOfNeuron(Channel):
    """Delayed rectifier, n⁴, shifted by 10 mV."""

    g: Quantity = quantity(0 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(-90 * mV, "potassium reversal potential")
    equations = _RECTIFIER.format(shift=10)
    current = "g*n**4*(E - v)"
    ion = "k"


@dataclass(frozen=True, eq=False, repr=False)
class DelayedRectifierOfGlia(DelayedRectifierOfNeuron):
    """Delayed rectifier, n⁴, shifted by 50 mV."""

    equations = _RECTIFIER.format(shift=50)


@dataclass(frozen=True, eq=False, repr=False)
class TransientPotassium(Channel):
    """A-type potassium channel, a²b."""

    g: Quantity = quantity(0 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(-90 * mV, "potassium reversal potential")
    equations = """
    da/dt = (0.02*10/exprel((43.1 - w)/10)*(1 - a) - 0.0175*10/exprel((w - 70.1)/10)*a)/ms : 1
    db/dt = (0.016*exp((-13 - w)/18)*(1 - b) - 0.5/(1 + exp((10.1 - w)/5))*b)/ms : 1
    w = v/mV + 70 : 1
    """
    current = "g*a**2*b*(E - v)"
    ion = "k"


@dataclass(frozen=True, eq=False, repr=False)
class CalciumActivatedPotassium(Channel):
    """SK channel, Hill in calcium."""

    g: Quantity = quantity(0 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(-90 * mV, "potassium reversal potential")
    equations = "open = 1/(1 + (3e-4*mM/ca_i)**4.7) : 1"
    current = "g*open*(E - v)"
    ion = "k"
    reads = ("ca_i",)


@dataclass(frozen=True, eq=False, repr=False)
class HighCalcium(Channel):
    """L-type calcium channel, m², which calcium inactivates."""

    g: Quantity = quantity(0 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(120 * mV, "calcium reversal potential")
    equations = """
    dm/dt = (15.69*10/exprel((71.5 - v/mV)/10)*(1 - m) - 0.29*exp(-(v/mV + 10)/10.86)*m)/(3*ms) : 1
    free = 1e-3*mM/(1e-3*mM + ca_i) : 1
    """
    current = "g*m**2*free*(E - v)"
    ion = "ca"
    reads = ("ca_i",)


@dataclass(frozen=True, eq=False, repr=False)
class LowCalcium(Channel):
    """T-type calcium channel, m²h, with Goldman-Hodgkin-Katz current."""

    P: Quantity = quantity(1e-4 * cm / second, "permeability", at_least=0 * cm / second)
    ca_o: Quantity = quantity(1.5 * mM, "calcium outside", above=0 * mM)
    q10: Quantity = quantity(3.55, "factor on the rate of activation for 10 °C", above=0)
    equations = """
    dm/dt = (m_inf - m)/tau_m : 1
    dh/dt = (h_inf - h)/(40*ms) : 1
    w = v/mV - 20 : 1
    m_inf = 1/(1 + exp(-(w + 60.5)/6.2)) : 1
    h_inf = 1/(1 + exp((w + 84)/4.03)) : 1
    tau_m = (0.612 + 1/(exp(-(w + 131.6)/16.7) + exp((w + 16.8)/18.2)))*ms/phi : second
    u = 2*v/RT_F : 1
    ghk = 2*F*(ca_o/exprel(u) - ca_i/exprel(-u)) : coulomb/meter**3
    """
    current = "P*m**2*h*ghk"
    ion = "ca"
    reads = ("ca_i",)
    temperature_ref = 23.5


@dataclass(frozen=True, eq=False, repr=False)
class RestingCalciumPump(Channel):
    """Calcium pump that stands still at the calcium of rest; its current is not compensated."""

    I_max: Quantity = quantity(0.50265 * _SQUARE, "current at saturation", at_least=0 * _SQUARE)
    K: Quantity = quantity(6.9e-3 * mM, "calcium above rest at half speed", above=0 * mM)
    rest: Quantity = quantity(5e-5 * mM, "calcium at rest", above=0 * mM)
    equations = "above = ca_i - rest : mole/meter**3"
    current = "-I_max*above/(K + above)"
    ion = "ca"
    reads = ("ca_i",)


@dataclass(frozen=True, eq=False, repr=False)
class SteepInwardRectifier(Channel):
    """Inward rectifier of the glial cell: opens within a millivolt below its reversal potential."""

    g: Quantity = quantity(0 * _G, "conductance density", at_least=0 * _G)
    E: Quantity = quantity(-90 * mV, "potassium reversal potential")
    equations = "open = 1/sqrt(k_o/mM)/(1 + exp((v - E)/mV)) : 1"
    current = "g*open*(E - v)"
    ion = "k"
    reads = ("k_o",)


_APICAL = tuple(f"dendrite{k}" for k in range(6))
_DIAMETERS = (4, 4, 2, 2, 2, 1)


def _shape() -> Morphology:
    """Return soma, six apical dendrites in a row and a basal one, along x."""
    shape = cone(30 * um, 10 * um, 6 * um, name="soma", tag="soma")
    before = "soma"
    for name, diameter in zip(_APICAL, _DIAMETERS, strict=True):
        long = 200 if name == "dendrite5" else 100
        piece = cylinder(long * um, diameter * um, name=name, tag="apical")
        shape, before = shape.join(piece, before), name
    basal = cylinder(100 * um, 3 * um, name="basal", tag="basal", direction=(-1, 0, 0))
    return shape.join(basal, "soma", at=0)


def _bare(rest: float) -> Neuron:
    return Neuron(
        _shape(), PerBranch(3, {"dendrite5": 6}), cable=Cable(R_a=100 * ohm * cm),
        celsius=_CELSIUS, rest=rest * mV,
    )  # fmt: skip


def _bath(
    rest: float, na_i: float, k_i: float, pump: float, K_k: float
) -> list[Sodium | Potassium | Chloride | IndependentSitesPump]:
    """Return the pools of Na, K and Cl, and the pump (mA/cm²)."""
    return [
        Sodium(na_i * mM, _NA_O * mM),
        Potassium(k_i * mM, _K_O * mM),
        Chloride(equilibrium_inside("cl", rest * mV, _CL_O * mM, _CELSIUS), _CL_O * mM),
        IndependentSitesPump(I_max=10 * pump * _SQUARE, K_k=K_k * mM),
    ]


def _balanced(cell: Neuron, chloride: float) -> Neuron:
    """Return a cell with leaks that balance sodium and potassium in every compartment.

    The leak of chloride is `chloride` times that of sodium.
    """
    balance = ion_balance(cell)
    sodium, potassium = balance.leak("na"), balance.leak("k")
    for part, leak in (
        (PotassiumLeak(), potassium), (SodiumLeak(), sodium), (ChlorideLeak(), chloride * sodium),
    ):  # fmt: skip
        cell = cell.paint(part, values={"g": leak})
    return cell


def _neuron() -> Neuron:
    calcium = 5e-5
    k_i = (_OSMOLES - 2 * 10 - 3 * calcium) / 2
    middle = branch(*_APICAL[1:4])
    # Fixed buffer of 1.562 mM that is half filled at 8 µM: its share at 0.2 µM.
    free = 1 / (1 + 1.562 * 8e-3 / (8e-3 + 2e-4) ** 2)
    cell = _bare(_REST).paint(_bath(_REST, 10, k_i, 0.02095879440414193, 2))
    cell = cell.paint(
        [
            Calcium(calcium * mM, _CA_O * mM, free=Quantity(free)),
            RestingCalciumPump(),
            SodiumCalciumExchanger(I_max=32 * _SQUARE),
        ]
    )
    cell = cell.paint(
        [
            TransientSodium(g=0.4 * _G),
            PersistentSodiumOfPotassium(g=1.25e-4 * _G),
            TransientPotassium(g=0.2 * _G),
            DelayedRectifierOfNeuron(g=0.2 * _G),
            CalciumActivatedPotassium(g=1e-3 * _G),
            HighCalcium(g=1e-3 * _G),
            LowCalcium(),
        ],
        branch("soma"),
    )
    cell = cell.paint(
        [PersistentSodiumOfPotassium(g=1e-6 * _G), DelayedRectifierOfNeuron(g=1e-3 * _G)],
        branch("dendrite0"),
    )
    cell = cell.paint(
        [
            DelayedRectifierOfNeuron(g=0.5 * _G),
            CalciumActivatedPotassium(g=0.02 * _G),
            HighCalcium(g=1e-4 * _G),
            LowCalcium(),
        ],
        middle,
    )
    cell = _balanced(cell, 5)
    return cell.probe("v", at("soma"), label="soma").detect(at("soma"), -20 * mV, label="soma")


def _glia() -> Neuron:
    parts = _bath(_GLIA_REST, _OSMOLES / 2 - 113.5, 113.5, 0.03923670920899574, 5)
    cell = _bare(_GLIA_REST).paint(parts)
    cell = cell.paint([SteepInwardRectifier(g=0.025 * _G), DelayedRectifierOfGlia(g=0.025 * _G)])
    cell = _balanced(cell, 10)
    return cell.probe("v", at("soma"), label="soma")


def somjen_pair(stimulus: Stimulus) -> Circuit:
    """Return the pair of Somjen and colleagues around the space between them.

    Left out, against the published program: changes of volume (the space outside swells by 11 % in
    5 s), diffusion along the inside of cells, the NMDA current (which opens above 10 mM of
    potassium only) and calcium outside, which stays.

    Parameters
    ----------
    stimulus : Stimulus
        Current into the soma of the neuron.

    References
    ----------
    Somjen, Kager and Wadman (2008), J Comput Neurosci 25:349 (ModelDB 113446).
    """
    # Boxes of a third of a dendrite; the soma is one of them. A fifth of the neuron's volume lies
    # outside, and the glial cell is as large as the neuron.
    space = SpaceAlong(
        na_o=_NA_O * mM, k_o=_K_O * mM, cl_o=_CL_O * mM, fraction=Quantity(1 / 11),
        begin=-100 * um, length=25 * 100 / 3 * um, boxes=25, tortuosity=Quantity(1.0),
    )  # fmt: skip
    return Circuit().add("neuron", _neuron(), stimulus=stimulus).add("glia", _glia()).share(space)
