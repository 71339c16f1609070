"""The threshold of -55 mV emerges from the initial segment, on a textbook cell and on others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from brian2.units import ms, mV, nA, um
from matplotlib.figure import Figure

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import Neuron, Ramp, Steps, simulate
from neurosim.catalogue import textbook_neuron
from neurosim.measure import measure_spikes
from neurosim.morphology import MaxLength, PerBranch
from neurosim.run.neuron_run import NeuronRecording
from neurosim.stimuli import Stimulus

CLAIM = (
    "The textbook neuron's somatic threshold (dV/dt reaching 10 mV/ms) emerges at -55 ± 1 mV for "
    "steps, ramps, time steps and compartments of any size, and its spike starts in the initial "
    "segment."
)


@dataclass(frozen=True)
class Parameters:
    """Largest current of the steps, and the time step of the reference runs."""

    most_nA: float = 1.0
    currents: int = 20
    dt_ms: float = 0.01


@experiment("emergent-threshold", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    p = parameters
    onset = 10 * ms
    currents = np.linspace(0.05, p.most_nA, 6 if context.quick else p.currents)
    cell = textbook_neuron()
    fine = {"hillock": 9, "initial_segment": 27, "axon": 153, "apical": 51, "basal": 21}
    cases: list[tuple[str, Stimulus, str, Neuron, float]] = [
        *(
            (f"step of {d:g} ms", Steps(onset=onset, duration=d * ms), "amplitude", cell, p.dt_ms)
            for d in (2, 5, 50, 200)
        ),
        ("ramp of 500 ms", Ramp(onset=onset, duration=500 * ms), "end", cell, p.dt_ms),
        ("dt 0.0025 ms", Steps(onset=onset, duration=50 * ms), "amplitude", cell, 0.0025),
        ("dt 0.025 ms", Steps(onset=onset, duration=50 * ms), "amplitude", cell, 0.025),
        ("three times the compartments", Steps(onset=onset, duration=50 * ms), "amplitude",
         textbook_neuron(PerBranch(1, fine)), p.dt_ms),
        ("compartments of 5 µm", Steps(onset=onset, duration=50 * ms), "amplitude",
         textbook_neuron(MaxLength(5 * um)), p.dt_ms),
    ]  # fmt: skip
    rows, shown = [], None
    places = ("soma", "initial_segment")
    for name, stimulus, varied, neuron, dt in cases:
        long = 520 * ms if "ramp" in name else 210 * ms if "200" in name else 70 * ms
        recording = simulate(
            neuron, long, stimulus=stimulus, batch={varied: currents * nA}, dt=dt * ms,
            **context.running(name),
        )  # fmt: skip
        assert isinstance(recording, NeuronRecording)
        thresholds, leads = [], []
        for row in range(len(currents)):
            spikes = measure_spikes(recording.trace_time, recording.trace("soma")[row], start=onset)
            if len(spikes) == 0 or not np.isfinite(spikes.threshold[0]):
                continue
            thresholds.append(float(spikes.threshold[0] / mV))
            soma, segment = (recording.spike_times_at(d, row)[0] for d in places)
            leads.append(float((soma - segment) / ms))
        rows.append(
            {
                "case": name,
                "read": len(thresholds),
                "lowest_mV": min(thresholds),
                "highest_mV": max(thresholds),
                "least_lead_ms": min(leads),
                "largest_lead_ms": max(leads),
            }
        )
        if name == "step of 50 ms":
            shown = recording
    table = pd.DataFrame(rows)
    least = float(table["least_lead_ms"].min())
    assert shown is not None
    worst = float((table[["highest_mV", "lowest_mV"]] + 55).abs().to_numpy().max())
    return Result(
        numbers={"largest_distance_mV": worst, "least_lead_ms": least},
        tables={"thresholds": table},
        figures={"emergent-threshold": _figure(shown, table)},
        verdicts=[
            Verdict("largest distance of a threshold from -55 mV (mV)", worst, 1.0),
            Verdict("least lead of the initial segment (ms)", least, 0.05, ">="),
        ],
        provenance=shown.to_dict(),
    )  # fmt: skip


def _figure(recording: NeuronRecording, table: pd.DataFrame) -> Figure:
    with drawing(8.4, 3.2, 1, 3, width_ratios=[1.6, 1, 1.2]) as (figure, (left, middle, right)):
        row = 3
        first = float(recording.spike_times_at("soma", row)[0] / ms)
        time = recording.trace_time / ms - first
        for name, colour in (("initial_segment", "vermilion"), ("soma", "blue"), ("axon", "green")):
            near = (time > -0.8) & (time < 3.2)
            v = recording.trace(name)[row] / mV
            left.plot(time[near], v[near], color=COLOURS[colour], label=name.replace("_", " "))
            around = (time > -3) & (time < 4)
            if name == "soma":
                slope = np.gradient(v, time)
                middle.plot(v[around], slope[around], color=COLOURS[colour])
        left.axhline(-55, color=GREY, lw=0.8, ls=":")
        left.set(xlabel="time (ms)", ylabel="membrane potential (mV)", title="One spike")
        left.legend(loc="upper right", fontsize=7, handlelength=1.2)
        middle.axvline(-55, color=GREY, lw=0.8, ls=":")
        middle.set(
            xlabel="somatic potential (mV)", ylabel="dV/dt (mV/ms)", title="Phase plane, soma"
        )
        place = np.arange(len(table))[::-1]
        right.hlines(place, table["lowest_mV"], table["highest_mV"], color=COLOURS["blue"], lw=4)
        middles = (table["lowest_mV"] + table["highest_mV"]) / 2
        right.plot(middles, place, "o", color=COLOURS["blue"])
        right.axvspan(-56, -54, color=GREY, alpha=0.2, lw=0)
        right.set(xlabel="threshold (mV)", title="All thresholds")
        right.set(xlim=(-56.5, -53.5), xticks=[-56, -55, -54])
        right.set_yticks(place, table["case"], fontsize=7)
    return figure
