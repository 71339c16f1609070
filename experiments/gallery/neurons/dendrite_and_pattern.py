"""The size of the dendrite sets the firing pattern, with the same channels in every cell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from brian2.units import cm, ms, mV, nA, ohm, uF, um
from matplotlib.figure import Figure

from experiments.gallery.neurons.cortical_channels import (
    SLOW,
    CalciumGatedPotassium,
    CorticalCalcium,
    CorticalPotassium,
    CorticalSodium,
    of_density,
)
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, drawing
from neurosim import Neuron, Steps, simulate
from neurosim.channels import CalciumPool, Leak
from neurosim.describe.parts import Cable
from neurosim.morphology import PerBranch, at, branch, cylinder
from neurosim.run.neuron_run import NeuronRecording

__all__ = ["PROGRAM", "cell_of"]

CLAIM = (
    "With the same channels in every cell, a dendrite 80 times as large as soma and axon lets the "
    "cell fire regularly, one 165 times as large begins with a pair of spikes, and one 200 times "
    "as large fires bursts, as in the reduced model of Mainen and Sejnowski (1996)."
)

# The program published with the paper (ModelDB 2488, its demonstration of figure 2), run in NEURON
# 9.0.2 without its tables of rates and at a time step of 2.5 µs, at 37 °C with 0.1 nA for 900 ms
# and a coupling of 10 MΩ. By the ratio of the areas of dendrite and soma with axon: spikes, the
# first interval and the last one (ms); with 200 times the last pause between two bursts.
PROGRAM: dict[int, tuple[int, float, float]] = {
    50: (45, 17.00, 20.72),
    80: (30, 21.79, 32.18),
    140: (13, 26.63, 73.65),
    165: (9, 5.28, 111.21),
    200: (19, 3.45, 286.78),
}
_BURSTS = 200
# An interval within a burst lasts a few ms, a pause hundreds of them.
_PAUSE_ms = 50.0


@dataclass(frozen=True)
class Parameters:
    """Injected current, resistance between the two parts, and the time step."""

    current_nA: float = 0.1
    coupling_Mohm: float = 10.0
    dt_ms: float = 0.005


def cell_of(ratio: float, coupling_Mohm: float = 10.0) -> Neuron:
    """Return the cell of two compartments.

    Parameters
    ----------
    ratio : float
        Area of the dendrite over the 100 µm² of soma and axon.
    coupling_Mohm : float
        Resistance between the two, in megaohm.

    References
    ----------
    Mainen and Sejnowski (1996), Nature 382:363, figure 2.
    """
    thick, long = 10 / math.pi, 10.0
    dendrite = cylinder(ratio * long * um, thick * um, name="dendrite", tag="dendrite")
    shape = cylinder(long * um, thick * um, name="axon", tag="soma").join(dendrite, "axon", at=0.5)
    # The dendrite hangs on the middle of the other part, so half of it lies between the two.
    area_cm2, half_cm = math.pi * (thick * 1e-4) ** 2 / 4, ratio * long * 1e-4 / 2
    along = coupling_Mohm * 1e6 * area_cm2 / half_cm * ohm * cm
    cell = Neuron(
        shape, PerBranch(1), cable=Cable(C_m=0.75 * uF / cm**2, R_a=along), celsius=37.0,
        rest=-70 * mV,
    )  # fmt: skip
    front, back = branch("axon"), branch("dendrite")
    middle = at("axon", 0.5)

    return (
        cell.paint(
            [of_density(CorticalSodium, 30_000), of_density(CorticalPotassium, 1_500)], front
        )
        .paint(
            [
                of_density(CorticalSodium, 15),
                of_density(CorticalCalcium, 0.3),
                of_density(CorticalPotassium, 0.1, **SLOW),
                of_density(CalciumGatedPotassium, 3),
                CalciumPool(free=1, tau=200 * ms),
                Leak(g=1 / (30_000 * ohm * cm**2), E=-70 * mV),
            ],
            back,
        )
        .probe("v", middle, label="axon")
        .detect(middle, label="axon")
    )


@experiment("dendrite-and-pattern", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    p = parameters
    rows, traces = [], {}
    for ratio in PROGRAM:
        recording = simulate(
            cell_of(ratio, p.coupling_Mohm),
            1000 * ms,
            stimulus=Steps(amplitude=p.current_nA * nA, onset=5 * ms, duration=900 * ms),
            dt=p.dt_ms * ms,
            settle=500 * ms,
            record_dt=0.1 * ms,
            **context.running(f"dendrite of {ratio} times the area"),
        )
        assert isinstance(recording, NeuronRecording)
        intervals = np.diff(np.asarray(recording.spike_times_at("axon", 0) / ms))
        ends = intervals[intervals > _PAUSE_ms] if ratio == _BURSTS else intervals
        said = PROGRAM[ratio]
        rows.append(
            {
                "ratio": ratio,
                "spikes": len(intervals) + 1,
                "first_ms": float(intervals[0]),
                "last_ms": float(ends[-1]) if len(ends) else float("nan"),
                "program_spikes": said[0],
                "program_first_ms": said[1],
                "program_last_ms": said[2],
            }
        )
        traces[ratio] = recording
    table = pd.DataFrame(rows)
    regular = table[table["ratio"] != _BURSTS]
    return Result(
        numbers={
            f"ratio {row['ratio']}": {key: row[key] for key in ("spikes", "first_ms", "last_ms")}
            for row in rows
        },
        tables={"patterns": table},
        figures={"dendrite-and-pattern": _figure(traces)},
        verdicts=[
            Verdict(
                "ratios up to 165: largest difference of a spike count from the program",
                int((regular["spikes"] - regular["program_spikes"]).abs().max()),
                0,
            ),
            Verdict(
                "largest difference of a last interval from the program (%)",
                100 * float((table["last_ms"] / table["program_last_ms"] - 1).abs().max()),
                2.0,
            ),
            Verdict(
                "largest difference of a first interval from the program (%)",
                100 * float((table["first_ms"] / table["program_first_ms"] - 1).abs().max()),
                5.0,
            ),
        ],
    )


def _figure(traces: dict[int, NeuronRecording]) -> Figure:
    with drawing(7.0, 6.0, len(traces), 1, sharex=True, sharey=True) as (figure, axes):
        for axis, (ratio, recording) in zip(axes, traces.items(), strict=True):
            axis.plot(
                recording.trace_time / ms, recording.trace("axon")[0] / mV, lw=0.8,
                color=COLOURS["blue"],
            )  # fmt: skip
            axis.set_title(f"dendrite {ratio} times the area of soma and axon")
            axis.set_ylabel("v (mV)")
        axes[-1].set_xlabel("time (ms)")
    return figure
