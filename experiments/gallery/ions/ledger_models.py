"""Models with ions, each with something that moves them: what `ion-ledgers` runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from brian2.units import Quantity, cm, mS, ms, mV, nA, nS, second, um
from brian2.units.stdunits import mM

from experiments.gallery.ions.somjen_parts import somjen_pair
from neurosim import Circuit, Course, Neuron, Pulses, Steps
from neurosim.axon import axon_and_glia
from neurosim.catalogue import (
    astrocyte,
    astrocyte_syncytium,
    layer5_pump_cell,
    mitral_pump_cell,
    neuron_and_glia,
    oligodendrocyte,
    pumping_cell,
)
from neurosim.catalogue.pump_cells.layer5_channels import SodiumPotassiumReceptor
from neurosim.catalogue.pump_cells.layer5_pump_cell import SITE
from neurosim.channels import (
    CalciumL,
    CalciumPool,
    ChlorideLeak,
    HHPotassium,
    HHSodium,
    Leak,
    PotassiumLeak,
    SodiumLeak,
    tonic_gaba_a,
)
from neurosim.ions import (
    KCC2,
    NKCC1,
    Calcium,
    CalciumPump,
    Chloride,
    Potassium,
    Sodium,
    SodiumCalciumExchanger,
    SodiumPotassiumPump,
)
from neurosim.morphology import PerBranch, at, branch, cone, cylinder
from neurosim.outside import Space
from neurosim.stimuli import Stimulus
from neurosim.synapses import ChlorideGABAA, Events

__all__ = ["MODELS", "Moved"]

_HH = (HHSodium(), HHPotassium(), Leak(g=0.3 * mS / cm**2, E=-54.4 * mV))
_PASSIVE = Leak(g=0.1 * mS / cm**2, E=-65 * mV)


@dataclass(frozen=True)
class Moved:
    """A model and what drives it.

    Attributes
    ----------
    model : Neuron or Circuit
        What is run.
    stimulus : Stimulus, optional
        Current into a neuron; a circuit has its own.
    dt_ms : float
        Time step.
    options : mapping
        Others of `neurosim.simulate`.
    placed : bool
        Whether receptors carry ions: their traces are those of the potential before a step, so
        that only the ledger counts what they carried.
    """

    model: Neuron | Circuit
    stimulus: Stimulus | None = None
    dt_ms: float = 0.05
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    placed: bool = False


def _bursts(amplitude: float, width: float = 300.0, onset: float = 0.5) -> Pulses:
    """Return a current of nA that comes for so many ms at the start of every second."""
    return Pulses(
        period=1 * second, width=width * ms, n=20, amplitude=amplitude * nA, onset=onset * ms
    )


def _pump() -> Moved:
    train = Pulses(
        period=20 * ms, width=0.5 * ms, n=500, amplitude=0.25 * nA, onset=10 * ms
    )  # fmt: skip
    ouabain = Course([0.2, 1, 6, 8] * second, np.array([0, 0.9, 0.9, 0]))
    return Moved(pumping_cell(), train, options={"courses": {"sodium_pump.blocked": ouabain}})


def _layer5() -> Moved:
    arrivals = Events.at(np.arange(20, 10_000, 200) * ms)
    cell = layer5_pump_cell().place(SodiumPotassiumReceptor(), SITE, arrivals)
    return Moved(cell, _bursts(3.0, 35, 40), placed=True)


def _branched(*parts: Any) -> Neuron:
    """Return a tree of unequal branches with a taper."""
    shape = cone(60 * um, 4 * um, 2 * um, name="a")
    for name, diameter, where in (("b", 1.5, 1.0), ("c", 1.0, 1.0), ("d", 0.8, 0.5)):
        piece = cylinder(40 * um, diameter * um, name=name)
        shape = shape.join(piece, "a", at=where)
    return Neuron(shape, PerBranch(3), rest=-65 * mV).paint(list(parts))


def _shells() -> Moved:
    D = 0.6 * um**2 / ms
    cell = _branched(
        Sodium(10 * mM, 145 * mM, diffusion=D, shells=3), SodiumPotassiumPump(), *_HH,
        Potassium(140 * mM, 3.5 * mM, diffusion=D),
        CalciumPool(diffusion=0.2 * um**2 / ms),
    ).paint(CalciumL(), branch("a"))  # fmt: skip
    return Moved(cell, _bursts(0.3))


def _sheath() -> Moved:
    """Return a cell in a space of Frankenhaeuser and Hodgkin, which exchanges with a bath."""
    near = {"outside_depth": 0.07 * um, "outside_tau": 50 * ms}
    cell = _branched(
        Sodium(10 * mM, 145 * mM, **near), Potassium(140 * mM, 3.5 * mM, **near),
        SodiumPotassiumPump(), *_HH,
    )  # fmt: skip
    return Moved(cell, _bursts(0.2))


def _transporters() -> Moved:
    """Return a cell in which each transporter moves what leaks let in, and a receptor chloride."""
    cell = _branched(
        Sodium(12 * mM, 145 * mM), Potassium(130 * mM, 3.5 * mM), Chloride(7 * mM, 130 * mM),
        Calcium(1e-4 * mM, 2 * mM, depth=0.2 * um, free=Quantity(0.05)),
        SodiumPotassiumPump(), SodiumCalciumExchanger(), CalciumPump(), KCC2(), NKCC1(),
        SodiumLeak(g=0.02 * mS / cm**2), PotassiumLeak(g=0.1 * mS / cm**2),
        ChlorideLeak(g=0.02 * mS / cm**2), CalciumL(), *_HH, *tonic_gaba_a(),
    )  # fmt: skip
    arrivals = Events.at(np.arange(0.5, 10_000, 50) * ms)
    cell = cell.place(ChlorideGABAA(g=2 * nS), at("b", 0.5), arrivals)
    return Moved(cell, _bursts(0.15), placed=True)


def _bath() -> Moved:
    """Return two cells around a space that exchanges with a bath, and joined by a junction."""
    held = (Potassium(140 * mM, 3.5 * mM), Sodium(10 * mM, 145 * mM), SodiumPotassiumPump())
    cell = _branched(*held, *_HH)
    circuit = (
        Circuit()
        .add("driven", cell, stimulus=_bursts(0.3))
        .add("other", cell)
        .couple("driven", "other", conductance=5 * nS, ions=("k", "na"))
        .share(Space(k_o=3.5 * mM, na_o=145 * mM, fraction=Quantity(0.2), tau=0.5 * second))
    )
    return Moved(circuit)


#: By name, what makes each model. The Purkinje cell is not among them: the pools of its published
#: program cut off what is beyond their bounds, and so keep no particles.
MODELS: Mapping[str, Callable[[], Moved]] = MappingProxyType(
    {
        "pumping cell": _pump,
        "mitral cell": lambda: Moved(mitral_pump_cell(), _bursts(0.15), dt_ms=0.025),
        "layer-5 cell": _layer5,
        "shells and diffusion": _shells,
        "shell outside": _sheath,
        "transporters": _transporters,
        "astrocyte": lambda: Moved(astrocyte(), _bursts(0.05)),
        "oligodendrocyte": lambda: Moved(oligodendrocyte(), _bursts(0.05)),
        "neuron and glia": lambda: Moved(neuron_and_glia(stimulus=_bursts(0.1))),
        "astrocyte syncytium": lambda: Moved(astrocyte_syncytium(4)),
        "axon and Schwann cells": lambda: Moved(
            axon_and_glia(internodes=4, stimulus=_bursts(3.0, 1.0)), dt_ms=0.025
        ),
        "space with a bath": _bath,
        "published pair": lambda: Moved(
            somjen_pair(Steps(0.1675 * nA, 20 * ms, 5000 * ms)), options={"settle": 0 * ms}
        ),
    }
)
