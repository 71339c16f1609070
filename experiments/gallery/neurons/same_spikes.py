"""A neuron fires the same spikes alone, in a batch, and in any number of processes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from brian2.units import mV, pA, second

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, drawing
from neurosim import LIF, AdEx, Constant, HodgkinHuxley, TraubMiles, WhiteNoise, simulate
from neurosim.quantities import check_whole

CLAIM = "Same description and same seed give the same spikes, bit for bit, however they are run."


@dataclass(frozen=True)
class Parameters:
    """Size of the comparison."""

    rows: int = 33
    duration_s: float = 0.5


@experiment("same-spikes", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    check_whole(parameters.rows, "same-spikes: rows")
    rows = min(parameters.rows, 17) if context.quick else parameters.rows
    seeds = context.seed * 1000 + np.arange(rows)
    strong = WhiteNoise.for_membrane(4 * mV, LIF())
    # The squid patch has a twentieth of the capacitance.
    weak = WhiteNoise(intensity=strong.intensity / 20)
    records = []
    raster = None
    for neuron, noise, low, high in (
        (LIF(), strong, 100, 400),
        (AdEx(), strong, 150, 600),
        (HodgkinHuxley(), weak, 50, 200),
        (TraubMiles(), strong, 50, 500),
    ):
        currents = np.linspace(low, high, rows) * pA
        stimulus = Constant(0 * pA) + noise
        length = parameters.duration_s * second

        def spikes(part: slice, jobs: int, neuron=neuron, currents=currents, length=length):  # type: ignore[no-untyped-def]
            return simulate(
                neuron,
                length,
                stimulus=stimulus,  # noqa: B023
                batch={"current": currents[part]},
                seed=seeds[part],
                jobs=jobs,
                engine=context.engine,
            )

        whole = spikes(slice(None), 1)
        two = spikes(slice(None), 2)
        together = np.array_equal(whole.spike_time_s, two.spike_time_s) and np.array_equal(
            whole.spike_row, two.spike_row
        )
        alone = {row: spikes(slice(row, row + 1), 1) for row in range(0, rows, 8)}
        same = [np.array_equal(a.spike_train(0), whole.spike_train(k)) for k, a in alone.items()]
        records.append(
            {
                "neuron": type(neuron).__name__,
                "spikes": len(whole.spike_time_s),
                "comparisons": 1 + len(alone),
                "differ_in_two_processes": int(not together),
                "rows_that_differ_alone": same.count(False),
            }
        )
        raster = raster or whole
    table = pd.DataFrame(records)
    assert raster is not None
    with drawing(6.4, 3.2) as (figure, axes):
        axes.plot(raster.spike_time_s * 1e3, raster.spike_row, "|", color=COLOURS["blue"], ms=4)
        axes.set(
            xlabel="time (ms)",
            ylabel="row of the batch",
            title="One batch of noisy LIF neurons; every row is the same when run alone",
        )
    compared = int(table["comparisons"].sum())
    different = int(table["differ_in_two_processes"].sum() + table["rows_that_differ_alone"].sum())
    return Result(
        numbers={"comparisons_that_differ": different},
        tables={"comparisons": table},
        figures={"same-spikes": figure},
        verdicts=[
            Verdict("comparisons that differ", different, 0, draws=compared, method="every draw"),
            Verdict(
                "spikes compared",
                int(table["spikes"].sum()),
                100,
                ">=",
                draws=rows * len(table),
                method="sum",
            ),
        ],
        provenance=raster.to_dict(),
    )
