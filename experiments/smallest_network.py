"""How small a network answers as a neuron does: one filter, until a branch has NMDA receptors."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from brian2.units import Quantity, cm, mS, ms, mV, nS, ohm, um
from numpy.typing import NDArray

from bridge.reduce import (
    Answer,
    FilterBank,
    PointUnit,
    Tolerance,
    TrainReduction,
    Trains,
    TwoLayer,
    innervate,
    play,
    search,
)
from bridge.reduce.dataset import find_rate, record_trains
from bridge.reduce.innervation import Innervated
from bridge.reduce.models import Model
from experiments.registry import Context, experiment
from experiments.result import Result, Verdict
from experiments.style import COLOURS, GREY, figure_style, new_figure
from neurosim import LIF, Neuron
from neurosim.cell import Cable
from neurosim.channels import Leak
from neurosim.channels.base import Channel
from neurosim.morphology import PerBranch, at, cylinder, tagged
from neurosim.quantities import quantity
from neurosim.synapses import AMPA, GABAA, NMDA

CLAIM = (
    "One filter answers as a leaky integrate-and-fire cell with 100 inputs does (AUC of at least "
    ".99 on drive it has not seen), also with a passive branch; NMDA receptors on nine synapses of "
    "that branch make a cell harder to foretell that fires about as often under constant rates."
)

SOMATIC = 100


@dataclass(frozen=True)
class Parameters:
    """Inputs of the soma and of the branch, and how long the cells are recorded.

    The nine inputs of the branch make several contacts each, so that two or three of them at a time
    pass the threshold of an NMDA spike. `wander` is that of the drive whose rates are not constant.
    """

    somatic_nS: float = 0.7
    branch_ampa_nS: float = 0.5
    branch_nmda_nS: float = 4.0
    branch_inputs: int = 9
    length_um: float = 300.0
    diameter_um: float = 1.0
    wander: float = 1.0
    output_Hz: float = 1.0
    seconds: float = 700.0
    auc: float = 0.99
    largest: int = 8


@dataclass(frozen=True, eq=False, repr=False)
class IntegrateAndFire(Channel):
    """Threshold and reset of an integrate-and-fire cell as a conductance, for cells with extent.

    Above the threshold an upstroke runs away within a tenth of a millisecond; it opens a second,
    larger conductance that holds the membrane at the reset potential for about 2 ms. Below the
    threshold neither is open: the membrane is the leak's.
    """

    g: Quantity = quantity(50 * mS / cm**2, "peak conductance", at_least=0 * mS / cm**2)
    E: Quantity = quantity(-70 * mV, "reset potential")
    V_th: Quantity = quantity(-55 * mV, "threshold")

    # `above` follows the potential within a step: a current that were steep in v itself would make
    # the linearised step overshoot.
    equations: ClassVar[str] = """
    dabove/dt = (0.5*(1 + tanh((v - V_th)/(0.04*mV))) - above)/(0.013*ms) : 1
    tau = 0.013*ms*above + 1.68*ms*(1 - above) : second
    dspent/dt = (above - spent)/tau : 1
    held = 0.5*(1 + tanh((spent - 0.3)/0.02)) : 1
    """
    current: ClassVar[str] = "0.2*g*above*(1 - held)*(E + 90*mV - v) + g*held*(E - v)"


def integrate_and_fire_cell(length_um: float, diameter_um: float) -> Neuron:
    """Return the catalogue's LIF (100 MΩ, 20 ms, -55 mV) as a soma with one passive branch."""
    # A cylinder with a membrane of 20 000 um^2, which at 1 uF/cm^2 has the LIF's 200 pF.
    soma = cylinder(80 * um, 79.6 * um, name="soma", tag="soma")
    branch = cylinder(length_um * um, diameter_um * um, name="branch", tag="basal")
    cell = Neuron(
        soma.join(branch, "soma"),
        PerBranch(1, {"basal": 9}),
        cable=Cable(R_a=150 * ohm * cm),
        celsius=35.0,
        rest=-70 * mV,
    )
    return (
        cell.paint(Leak(g=0.05 * mS / cm**2, E=-70 * mV))
        .paint(IntegrateAndFire(), tagged("soma"))
        .detect(at("soma"), -55 * mV, label="soma")
    )


@dataclass(frozen=True)
class BranchedCell:
    """100 inputs on the soma (80 excite) and some on the branch, all of which excite."""

    name: str
    parameters: Parameters
    nmda_nS: float

    branches: ClassVar[tuple[str, ...]] = ("soma", "branch")

    @property
    def branch(self) -> NDArray[np.int64]:
        return np.repeat([0, 1], [SOMATIC, self.parameters.branch_inputs])

    @property
    def excitatory(self) -> NDArray[np.bool_]:
        return (np.arange(len(self.branch)) < 80) | (self.branch == 1)

    def respond(self, events: NDArray[np.uint8], *, jobs: int = 1, progress: Any = None) -> Answer:
        """Run the cell on events, shape (trials, inputs, bins)."""
        p = self.parameters
        cell = integrate_and_fire_cell(p.length_um, p.diameter_um)
        shape = cell.compartments
        outer = [
            shape.at("branch", 0.5 + 0.5 * (k + 0.5) / p.branch_inputs)
            for k in range(p.branch_inputs)
        ]
        sites = np.array([shape.at("soma", 0.5)] * SOMATIC + outer)
        distal = self.branch == 1
        somatic = p.somatic_nS * nS
        return play(
            cell,
            [
                (AMPA(g=somatic), sites, self.excitatory & ~distal),
                (GABAA(g=somatic), sites, ~self.excitatory),
                (AMPA(g=p.branch_ampa_nS * nS), sites, distal),
                (NMDA(g=self.nmda_nS * nS), sites, distal),
            ],
            events,
            dt=0.025 * ms,
            jobs=jobs,
            progress=progress,
        )

    def to_dict(self) -> dict[str, Any]:
        """Name and numbers."""
        return {"kind": "BranchedCell", "name": self.name, "nmda_nS": self.nmda_nS,
                **asdict(self.parameters)}  # fmt: skip


def climb(
    cell: Innervated, p: Parameters, wander: float, size: tuple[float, int], context: Context
) -> TrainReduction:
    """Climb to the first network with the wanted AUC, in so many seconds and units at most."""
    seconds, largest = size
    drive = find_rate(
        cell, Trains(1.0, wander=wander), p.output_Hz, seed=context.seed, jobs=context.jobs
    )
    recorded = record_trains(
        cell,
        drive,
        {"train": seconds, "validation": seconds / 2, "test": seconds / 2},
        seed=context.seed,
        jobs=context.jobs,
        progress=context.task(f"running: {cell.name}"),
    )
    rungs: list[Model] = [PointUnit()]
    rungs += [FilterBank(units) for units in (2, 3, 4, 6, 8, 12) if units <= largest]
    if len(cell.branches) > 1:
        rungs.append(TwoLayer(len(cell.branches)))
    return search(
        cell, recorded, Tolerance("auc", p.auc), rungs, drive=drive, seed=context.seed,
        task=context.task,
    )  # fmt: skip


@experiment("smallest-network", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    p = parameters
    size = (200.0, 4) if context.quick else (p.seconds, p.largest)
    cases: list[tuple[Innervated, float]] = [
        (innervate(LIF(), "LIF, 100 inputs"), 0.0),
        (BranchedCell("branch with AMPA, constant rates", p, 0.0), 0.0),
        (BranchedCell("branch with NMDA, constant rates", p, p.branch_nmda_nS), 0.0),
        (BranchedCell("branch with AMPA, wandering rates", p, 0.0), p.wander),
        (BranchedCell("branch with NMDA, wandering rates", p, p.branch_nmda_nS), p.wander),
    ]
    found = [climb(cell, p, wander, size, context) for cell, wander in cases]
    rows = [
        {
            "cell": one.name,
            "model": rung.network.model.name,
            "hidden_units": rung.network.model.hidden,
            "parameters": rung.network.count,
            "auc_validation": rung.auc,
            "auc_test": rung.test.auc.value,
            "low": rung.test.auc.low,
            "high": rung.test.auc.high,
            "hits_at_0.25%_FP": rung.test.hits[0.0025].value,
            "variance": rung.test.variance.value,
            "FCI": rung.test.complexity,
            "found": "found" if k == one.found else "",
        }
        for one in found
        for k, rung in enumerate(one.rungs)
    ]
    plain, passive, nmda, _, spiking = found
    return Result(
        name="smallest-network",
        claim=CLAIM,
        numbers={
            "cells": [one.to_dict() for one in found],
            "hidden_units_needed": {one.name: _needed(one) for one in found},
        },
        tables={"networks": pd.DataFrame(rows)},
        figures={"smallest-network": _figure(found, p.auc)},
        verdicts=[
            Verdict("LIF: AUC of one filter, held out", plain.rungs[0].test.auc.value, p.auc, ">="),
            Verdict(
                "branch with AMPA, constant rates: AUC of one filter",
                passive.rungs[0].test.auc.value,
                p.auc,
                ">=",
            ),
            Verdict(
                "one filter with NMDA, upper end of its AUC, less the lower end with AMPA alone",
                nmda.rungs[0].test.auc.high - passive.rungs[0].test.auc.low,
                0.0,
            ),
            Verdict(
                "branch with NMDA, wandering rates: AUC of one filter, upper end of its interval",
                spiking.rungs[0].test.auc.high,
                p.auc,
            ),
        ],
        provenance={"parameters": asdict(p), "seed": context.seed, "versions": plain.versions},
    )  # fmt: skip


def _needed(found: TrainReduction) -> float:
    """Hidden units of the smallest network that is good enough; infinite if none that was tried."""
    return float("inf") if found.found is None else found.best.network.model.hidden


def _figure(found: list[TrainReduction], tolerance: float) -> Any:
    looks = (("o", "blue"), ("s", "sky"), ("^", "orange"), ("D", "green"), ("v", "vermilion"))
    with figure_style():
        figure = new_figure(6.4, 3.4)
        axes = figure.subplots()
        for k, (one, (mark, colour)) in enumerate(zip(found, looks, strict=True)):
            steps = [r for r in one.rungs if not isinstance(r.network.model, TwoLayer)]
            units = np.array([r.network.model.hidden for r in steps]) + 0.08 * (k - 2)
            scores = [r.test.auc for r in steps]
            value = np.array([s.value for s in scores])
            ends = [value - [s.low for s in scores], [s.high for s in scores] - value]
            axes.errorbar(
                units, value, yerr=np.clip(ends, 0, None), fmt=mark + "-", ms=5, capsize=2,
                color=COLOURS[colour], label=one.name, lw=1.2,
            )  # fmt: skip
        axes.axhline(tolerance, color=GREY, lw=0.9, ls="--", label=f"tolerance {tolerance:g}")
        sizes = sorted({r.network.model.hidden for one in found for r in one.rungs})
        axes.set_xticks(sizes, ["none\n(one filter)" if s == 0 else str(s) for s in sizes])
        axes.set(xlabel="hidden units", ylabel="AUC of spikes in 1 ms bins\n(test, 95 % interval)")
        axes.legend(loc="lower right")
    return figure
