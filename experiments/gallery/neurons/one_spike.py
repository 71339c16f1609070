"""One spike of the textbook neuron, from its synapses to the end of its axon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import Hz, Quantity, ms, mV, nS

from experiments.kit.estimate import mean
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.one_neuron.spike_along import (
    OneSpike,
    far_on_dendrite,
    show_one_spike,
    way_through_site,
)
from experiments.one_neuron.spike_figure import spike_figure
from neurosim import Neuron, simulate
from neurosim.catalogue import textbook_neuron
from neurosim.describe.parts import Poisson
from neurosim.errors import ParameterError
from neurosim.measure.spikes import measure_spikes
from neurosim.morphology import at, tagged, uniformly
from neurosim.run.neuron_run import NeuronRecording
from neurosim.synapses import AMPA, GABAA, Events

CLAIM = (
    "Driven by synapses on its dendrites, the textbook neuron fires when its soma reaches -55 ± 1 "
    "mV; the spike starts in the initial segment, runs along the axon and back into the dendrites."
)

# How many times stronger the excitatory synapses of a cell are made, step by step, until it fires:
# a large cell needs more than the textbook neuron does.
STRONGER = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


@dataclass(frozen=True)
class Parameters:
    """Synapses of the neuron, how often each is active, and what is run."""

    excitatory: int = 60
    inhibitory: int = 20
    rate_Hz: float = 10.0
    conductance_nS: float = 1.0
    trains: int = 8
    duration_ms: float = 400.0
    dt_ms: float = 0.025


def driven_neuron(parameters: Parameters, seed: int, cell: Neuron | None = None) -> Neuron:
    """Return a neuron with synapses strewn over its dendrites, and a silent one far out.

    The last one, labelled ``far``, is active once, at 2 ms; without a conductance it does nothing,
    and a row of a batch gives it one.

    Parameters
    ----------
    parameters : Parameters
        How many of each kind, how strong, and how often active.
    seed : int
        Decides where they sit.
    cell : Neuron, optional
        With the textbook membrane; by default the textbook neuron.
    """
    p, dendrites = parameters, tagged("dendrite")
    active, g = Poisson(p.rate_Hz * Hz), p.conductance_nS * nS
    counts = (p.excitatory, p.inhibitory)
    sites = [uniformly(dendrites, n, seed=seed + k) for k, n in enumerate(counts)]
    cell = textbook_neuron() if cell is None else cell
    far = at(*far_on_dendrite(cell.compartments))
    return (
        cell.place(AMPA(g=g), sites[0], active, label="excitatory")
        .place(GABAA(g=g), sites[1], active, label="inhibitory")
        .place(AMPA(g=0 * nS), far, Events.at([2] * ms), label="far")
        .probe("v", way_through_site(cell.compartments), label="v")
    )


def _simulate(neuron: Neuron, duration: Quantity, **options: Any) -> NeuronRecording:
    recording = simulate(neuron, duration, **options)
    assert isinstance(recording, NeuronRecording)
    return recording


def run_one_spike(
    parameters: Parameters, context: Context, cell: Neuron | None = None
) -> tuple[OneSpike, NeuronRecording]:
    """Run the driven neuron and its single synapse; return the spike shown and the trains.

    The last row of the run has the single synapse alone.

    Parameters
    ----------
    parameters, context
        Of the experiment.
    cell : Neuron, optional
        With the textbook membrane, in place of the textbook neuron. After the trains its
        excitatory synapses are made stronger, by the factors of `STRONGER`, in a row each, so that
        a large cell fires too; the number ``conductance_nS`` says how strong they were in the row
        that is shown, ``strongest_nS`` how strong they were at most.
    """
    neuron = driven_neuron(parameters, context.seed, cell)
    trains = context.seeds(parameters.trains, 4)
    strong = np.ones(len(trains))
    if cell is not None:
        strong = np.concatenate([strong, STRONGER])
        trains = trains + [trains[0]] * len(STRONGER)
    # One program, and one run, for the trains and for the synapse alone.
    alone = np.append(np.zeros(len(strong)), 1.0)
    g = parameters.conductance_nS * nS
    recording = _simulate(
        neuron,
        parameters.duration_ms * ms,
        seed=[*trains, trains[0]],
        dt=parameters.dt_ms * ms,
        batch={
            "excitatory.g": np.append(strong, 0) * g,
            "inhibitory.g": (1 - alone) * g,
            "far.g": alone * g,
        },
        **context.running("one spike"),
    )
    spike = show_one_spike(recording, neuron)
    spike.numbers["conductance_nS"] = float(strong[spike.row]) * parameters.conductance_nS
    spike.numbers["given_nS"] = parameters.conductance_nS
    spike.numbers["strongest_nS"] = float(strong.max()) * parameters.conductance_nS
    return spike, recording


@experiment("one-spike", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    spike, recording = run_one_spike(parameters, context)
    if not spike.fired:
        raise ParameterError(
            "one-spike: the neuron did not fire early enough to be shown; give its synapses a "
            "higher rate_Hz, or the run a longer duration_ms"
        )
    table = trains_table(recording)
    if len(table) < 2:
        raise ParameterError(
            f"one-spike: {len(table)} of {recording.rows - 1} trains made the neuron fire after "
            "its first 20 ms, and an interval over trains needs 2; give its synapses a higher "
            "rate_Hz, the run a longer duration_ms, or more trains"
        )
    off = np.abs(table["mean_threshold_mV"].to_numpy() + 55)
    return Result(
        numbers={**spike.numbers, "trains_without_a_spike": recording.rows - 1 - len(table)},
        tables={"trains": table},
        figures={"one-spike": spike_figure(spike)},
        verdicts=[
            Verdict.of("distance of the threshold from -55 mV (mV)", mean(off, "trains"), 1.0),
            Verdict.of(
                "least lead of the initial segment before the soma (ms)",
                mean(table["least_lead_ms"].to_numpy(), "trains"), 0.05, ">=",
            ),
            Verdict("velocity along the axon (m/s)", spike.numbers["velocity_m_per_s"], 0.1, ">="),
        ],
        provenance=recording.to_dict(),
    )  # fmt: skip


def trains_table(recording: NeuronRecording) -> pd.DataFrame:
    """Return threshold and lead of every train that made the neuron fire, a row each.

    A train without a spike has neither, and is left out.

    Parameters
    ----------
    recording : NeuronRecording
        Of `run_one_spike`.
    """
    rows = []
    for row in range(recording.rows - 1):
        # The first 20 ms are those in which the cell comes from its rest.
        found = measure_spikes(recording.trace_time, recording.trace("soma")[row], start=20 * ms)
        soma, segment = (
            np.asarray(recording.spike_times_at(name, row)) for name in ("soma", "initial_segment")
        )
        lead = 1e3 * leads(soma, segment)
        if not len(found) or not len(lead):
            continue
        rows.append(
            {
                "train": row,
                "spikes": len(found),
                "mean_threshold_mV": float(np.nanmean(found.threshold / mV)),
                "least_lead_ms": float(lead.min()),
            }
        )
    return pd.DataFrame(rows)


def leads(soma_s: np.ndarray, segment_s: np.ndarray) -> np.ndarray:
    """Return by how much the initial segment fires before the soma, spike by spike.

    The spike of the segment is the one nearest in time, so that a soma that fires first has a
    negative lead.

    Examples
    --------
    >>> leads(np.array([0.0802, 0.1]), np.array([0.08, 0.1005])).round(4).tolist()
    [0.0002, -0.0005]
    """
    if not len(segment_s):
        return np.full(len(soma_s), np.nan)
    nearest = np.abs(soma_s[:, np.newaxis] - segment_s).argmin(axis=1)
    return np.asarray(soma_s - segment_s[nearest])
