"""Two kinds of cells in one run: what interneurons do to the cells that drive them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import ms, nA, nS

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import Circuit, Constant, simulate
from neurosim.catalogue import ca1_pyramidal, fast_spiking_interneuron
from neurosim.morphology import at, tagged
from neurosim.morphology import every as each
from neurosim.run.circuit_run import CircuitRecording
from neurosim.synapses import AMPA, GABAA

CLAIM = (
    "Inhibition that interneurons feed back lowers the gain of the pyramidal cells that drive them "
    "and leaves the current at which they begin to fire."
)


@dataclass(frozen=True)
class Parameters:
    """Currents into the pyramidal cells, and the strength of the contacts."""

    lowest_nA: float = 0.0
    highest_nA: float = 0.8
    currents: int = 9
    cells_at_each: int = 4
    duration_ms: float = 500.0
    excitation: float = 6.0
    inhibition: float = 10.0


def circuit(parameters: Parameters, *, feedback: bool) -> Circuit:
    """Return pyramidal cells, `cells_at_each` to a current, and one interneuron to each current.

    Spikes are taken at the end of the axons that are part of both shapes, so that the axons conduct
    them; what comes on top is the way through the terminal.
    """
    pyramidal = ca1_pyramidal().place(GABAA(g=1 * nS), each(tagged("soma")), label="gaba")
    pyramidal = pyramidal.detect(at("axon", 1.0), label="axon_end")
    interneuron = fast_spiking_interneuron().place(
        AMPA(g=1 * nS), each(tagged("soma")), label="ampa"
    )
    interneuron = interneuron.detect(at("axon", 1.0), label="axon_end")
    count = parameters.currents * parameters.cells_at_each
    current = np.linspace(parameters.lowest_nA, parameters.highest_nA, parameters.currents)
    cells = np.arange(count)
    partner = cells // parameters.cells_at_each
    driven = {"current": np.repeat(current, parameters.cells_at_each) * nA}
    made = Circuit().add("pyramidal", pyramidal, count, stimulus=Constant(), batch=driven)
    made = made.add("interneurons", interneuron, parameters.currents)
    pairs = np.stack([cells, partner], axis=1)
    ends: Any = {"detector": "axon_end", "delay": 0 * ms}
    weight = parameters.excitation
    made = made.connect(
        "pyramidal", "interneurons", onto="ampa", pairs=pairs, weight=weight, **ends
    )
    if not feedback:
        return made
    back, weight = pairs[:, ::-1], parameters.inhibition
    return made.connect("interneurons", "pyramidal", onto="gaba", pairs=back, weight=weight, **ends)


@experiment("feedback-inhibition", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    current = np.linspace(parameters.lowest_nA, parameters.highest_nA, parameters.currents)
    runs: dict[bool, CircuitRecording] = {}
    columns: dict[str, np.ndarray] = {"current_nA": current}
    for feedback, name in ((False, "without"), (True, "with")):
        found = simulate(
            circuit(parameters, feedback=feedback),
            parameters.duration_ms * ms,
            **context.running(f"{name} feedback"),
        )
        runs[feedback] = found
        shape = (parameters.currents, parameters.cells_at_each)
        rates = np.asarray(found["pyramidal"].mean_rate()).reshape(shape)
        columns[f"pyramidal_{name}_Hz"] = rates.mean(axis=1)
        columns[f"interneuron_{name}_Hz"] = np.asarray(found["interneurons"].mean_rate())
    table = pd.DataFrame(columns)
    firing = np.asarray(table["pyramidal_without_Hz"] > 0)
    gains = {
        name: float(np.polyfit(current[firing], table[f"pyramidal_{name}_Hz"][firing], 1)[0])
        for name in ("without", "with")
    }
    first = {
        name: float(current[np.asarray(table[f"pyramidal_{name}_Hz"] > 0)][0]) for name in gains
    }
    with drawing(7.0, 3.2, 1, 2) as (figure, (left, right)):
        draw_spikes(left, runs[True], parameters)
        draw_rates(right, table)
    return Result(
        numbers={
            "gain_Hz_per_nA": gains,
            "first_firing_nA": first,
            "releases": runs[True].releases,
        },
        tables={"rates": table},
        figures={"feedback-inhibition": figure},
        verdicts=[
            Verdict("gain with feedback over gain without", gains["with"] / gains["without"], 0.75),
            Verdict(
                "steps of current between the onsets of firing",
                abs(first["with"] - first["without"]) / (current[1] - current[0]),
                0.5,
            ),
        ],
    )


def draw_spikes(axes: Any, found: CircuitRecording, parameters: Parameters) -> None:
    """Draw the spikes of one current: its pyramidal cells and their interneuron."""
    middle = parameters.currents // 2
    first = middle * parameters.cells_at_each
    rows = [("pyramidal", first + k, COLOURS["blue"]) for k in range(parameters.cells_at_each)]
    rows.append(("interneurons", middle, COLOURS["vermilion"]))
    for height, (name, row, colour) in enumerate(rows):
        times = np.asarray(found[name].spike_train(row) / ms)
        axes.vlines(times, height - 0.4, height + 0.4, color=colour, lw=1)
    axes.set(xlabel="time (ms)", xlim=(0, min(200.0, parameters.duration_ms)))
    names = [f"pyramidal {k + 1}" for k in range(parameters.cells_at_each)]
    axes.set_yticks(range(len(rows)), [*names, "interneuron"])


def draw_rates(axes: Any, table: pd.DataFrame) -> None:
    """Draw rates over the injected current."""
    x = table["current_nA"]
    for column, style, colour, label in (
        ("pyramidal_without_Hz", "o--", GREY, "pyramidal, no feedback"),
        ("pyramidal_with_Hz", "o-", COLOURS["blue"], "pyramidal, feedback"),
        ("interneuron_with_Hz", "s-", COLOURS["vermilion"], "interneuron"),
    ):
        axes.plot(x, table[column], style, color=colour, label=label)
    axes.set(xlabel="current into pyramidal cells (nA)", ylabel="firing rate (Hz)")
    axes.legend(fontsize=7)
