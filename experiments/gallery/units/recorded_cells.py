"""Recorded cells choose their units; a cell in depolarisation block is refused a monotone one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.choice.select_unit import select
from experiments.kit.recorded import recorded_curve
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.unit_tables import (
    Fitted,
    adequacy_verdicts,
    parameter_table,
    unit_table,
    units_figure,
)

CLAIM = (
    "An adequate unit of a recorded cell leaves no more than counting noise; the cell that "
    "goes into depolarisation block is refused every monotone unit."
)


@dataclass(frozen=True)
class Parameters:
    """Which cells, and up to which current the block cell may be used."""

    cells: tuple[str, ...] = ("fast-spiking", "regular", "continuous", "block")
    block_up_to_pA: float = 1000.0


@experiment("recorded-cells", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    neurons = []
    for cell in parameters.cells:
        curve = recorded_curve(cell)
        neurons.append(Fitted(cell, curve, select(curve, seed=context.seed)))
        if cell == "block":
            limit = parameters.block_up_to_pA
            selection = select(curve, seed=context.seed, current_max=limit)
            # Drawn over the range that was used.
            neurons.append(Fitted(f"block, up to {limit:g} pA", selection.curve, selection))
    verdicts = []
    for neuron in neurons:
        if neuron.title == "block":
            monotone = [fit.family for fit in neuron.selection.fits if fit.unit.monotone]
            verdicts.append(Verdict("block: monotone units accepted", float(len(monotone)), 0.0))
        else:
            verdicts += adequacy_verdicts(neuron)
    chosen = [neuron.selection for neuron in neurons]
    winners = [s.best.family for s in chosen if s.ok and s.best is not None]
    return Result(
        numbers={
            "cells": {n.title: n.selection.to_dict() for n in neurons},
            "sigmoid_best": int(np.sum(np.array(winners) == "logistic")),
            "accepted": len(winners),
        },
        tables={"units": unit_table(neurons), "parameters": parameter_table(neurons)},
        figures={"recorded-cells": units_figure(neurons)},
        verdicts=verdicts,
    )
