"""Ions of the Purkinje cell: what the published program does, with its bounds and its delay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from brian2.units import Quantity, amp, meter, nmeter, second, um
from brian2.units.stdunits import mM

from neurosim.channels.base import IonPool
from neurosim.ions.transporter import Transporter
from neurosim.quantities import quantity

__all__ = [
    "STAGES",
    "ConstantExchanger",
    "ConstantPump",
    "DelayedSodium",
    "DendriteCalcium",
    "OuterPotassium",
    "SomaCalcium",
]

# The program lets sodium count 5 s after it has entered. Equations know no delay: it passes through
# this many stages here, which spread it by a fraction 1/sqrt(stages).
STAGES = 40


def _delayed() -> str:
    lines = [f"dwait1/dt = (i_na - wait1)*{STAGES}/delay : amp/meter**2"]
    lines += [
        f"dwait{k}/dt = (wait{k - 1} - wait{k})*{STAGES}/delay : amp/meter**2"
        for k in range(2, STAGES + 1)
    ]
    last = f"wait{STAGES}"
    lines += [
        f"moves = {last}*int(na_i > least or {last} > 0*amp/meter**2) : amp/meter**2",
        "dna_i/dt = moves*surface_to_volume/F : mM",
    ]
    return "\n".join(lines)


@dataclass(frozen=True, eq=False, repr=False)
class DelayedSodium(IonPool):
    """Sodium of the soma: what all parts carried 5 s before, never below 10 mM."""

    least: Quantity = quantity(10 * mM, "lowest concentration", above=0 * mM)
    delay: Quantity = quantity(5 * second, "time until sodium counts", above=0 * second)

    equations = _delayed()
    ion: ClassVar[str] = "na"
    writes: ClassVar[str] = "na_i"
    reads = ("i_na", "surface_to_volume")
    starts: ClassVar[dict[str, str]] = {"na_i": "least"}


@dataclass(frozen=True, eq=False, repr=False)
class SomaCalcium(IonPool):
    """Calcium under the membrane of the soma, never below 0.1 µM."""

    least: Quantity = quantity(1e-4 * mM, "lowest concentration", above=0 * mM)
    depth: Quantity = quantity(0.1 * um, "depth of the shell", above=0 * um)

    equations = """
    above = int(ca_i > least or i_ca > 0*amp/meter**2) : 1
    dca_i/dt = i_ca/(2*F*depth)*above - (ca_i - least)/(1*ms) : mM
    """
    ion: ClassVar[str] = "ca"
    writes: ClassVar[str] = "ca_i"
    reads = ("i_ca",)
    starts: ClassVar[dict[str, str]] = {"ca_i": "least"}


@dataclass(frozen=True, eq=False, repr=False)
class DendriteCalcium(IonPool):
    """Calcium under the membrane of the dendrite: only inward currents count; decay and pump."""

    rest: Quantity = quantity(4e-5 * mM, "concentration at rest", above=0 * mM)
    depth: Quantity = quantity(0.1 * um, "depth of the shell", above=0 * um)

    equations = """
    enters = i_ca*int(i_ca > 0*amp/meter**2)/(2*F*depth) : mM/second
    pumped = 4e-5*mM/ms*ca_i/(ca_i + rest) : mM/second
    dca_i/dt = enters - pumped + (rest - ca_i)/(2*ms) : mM
    """
    ion: ClassVar[str] = "ca"
    writes: ClassVar[str] = "ca_i"
    reads = ("i_ca",)
    starts: ClassVar[dict[str, str]] = {"ca_i": "rest"}


@dataclass(frozen=True, eq=False, repr=False)
class OuterPotassium(IonPool):
    """Potassium in the cleft around the dendrite, between 2 and 3.03 mM."""

    least: Quantity = quantity(2 * mM, "lowest concentration", above=0 * mM)
    most: Quantity = quantity(3.03 * mM, "highest concentration, by buffering", above=0 * mM)
    depth: Quantity = quantity(70 * nmeter, "depth of the cleft", above=0 * nmeter)
    share: Quantity = quantity(Quantity(0.0119), "share of the current that accumulates", above=0)

    equations = """
    grows = -share*i_k/(F*depth) : mM/second
    free = int((k_o < most and grows > 0*mM/second) or (k_o > least and grows < 0*mM/second)) : 1
    dk_o/dt = grows*free : mM
    """
    ion: ClassVar[str] = "k"
    writes: ClassVar[str] = "k_o"
    reads = ("i_k",)
    starts: ClassVar[dict[str, str]] = {"k_o": "least"}


@dataclass(frozen=True, eq=False, repr=False)
class ConstantExchanger(Transporter):
    """Sodium-calcium exchanger of constant speed, three sodium ions in for one calcium ion out."""

    I_max: Quantity = quantity(5.11 * amp / meter**2, "net current", at_least=0 * amp / meter**2)

    rate = "I_max"
    moves: ClassVar[dict[str, int]] = {"na": 3, "ca": -1}


@dataclass(frozen=True, eq=False, repr=False)
class ConstantPump(Transporter):
    """Sodium-potassium pump of constant speed."""

    I_max: Quantity = quantity(5 * amp / meter**2, "net current", at_least=0 * amp / meter**2)

    rate = "I_max"
    moves: ClassVar[dict[str, int]] = {"na": -3, "k": 2}


def of_soma() -> tuple[Any, ...]:
    """Return what moves the ions of the soma beside its channels and its pump."""
    return (DelayedSodium(), SomaCalcium(), ConstantExchanger(), ConstantPump())
