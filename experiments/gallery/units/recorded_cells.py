"""Recorded cells choose their units; a cell in depolarisation block is refused a monotone one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bridge.choice.select_unit import select
from experiments.kit.recorded import recorded_curve
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.unit_tables import Measured, panel, parameter_table, unit_row, units_figure

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
    neurons, chosen = [], []
    for cell in parameters.cells:
        curve = recorded_curve(cell)
        neurons.append(Measured(cell, curve))
        chosen.append(select(curve, seed=context.seed))
        if cell == "block":
            limit = parameters.block_up_to_pA
            neurons.append(Measured(f"block, up to {limit:g} pA", curve))
            chosen.append(select(curve, seed=context.seed, current_max=limit))
            # Drawn over the range that was used.
            neurons[-1] = Measured(neurons[-1].title, chosen[-1].curve)
    verdicts = []
    for neuron, selection in zip(neurons, chosen, strict=True):
        best = selection.best
        if neuron.title == "block":
            verdicts.append(Verdict("block: 1 when refused", float(not selection.ok), 1.0, ">="))
        elif best is not None and best.adequate:
            verdicts.append(
                Verdict(
                    f"{neuron.title}: residual of the {best.family} unit over counting noise",
                    best.residual_rms_Hz / best.noise_rms_Hz,
                    1.0,
                )
            )
    pairs = list(zip(neurons, chosen, strict=True))
    winners = [s.best.family for _, s in pairs if s.ok and s.best is not None]
    return Result(
        numbers={
            "cells": {n.title: s.to_dict() for n, s in pairs},
            "sigmoid_best": int(np.sum(np.array(winners) == "logistic")),
            "accepted": len(winners),
        },
        tables={
            "units": pd.DataFrame([unit_row(n.title, s) for n, s in pairs]),
            "parameters": parameter_table(neurons, chosen),
        },
        figures={"recorded-cells": units_figure([panel(n, s) for n, s in pairs])},
        verdicts=verdicts,
    )
