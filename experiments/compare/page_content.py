"""What the main job found, put together: figures, sentences, numbers and the page."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import ms

from bridge.choice.fit_families import MISFIT_LEVEL
from bridge.spiking.spiking_network import SpikingRun
from bridge.units import FAMILIES
from experiments.compare.figures import residual_figure, voltage_figure
from experiments.compare.measured_part import MeasuredNetwork
from experiments.compare.network_part import LOOKED_AT, Answered, network_numbers, typical
from experiments.compare.neuron_part import OwnShape
from experiments.compare.parameters import Parameters, command_line
from experiments.compare.report import render
from experiments.compare.stored_parts import Taken
from experiments.compare.story import (
    kept_and_lost,
    left_out_by_units,
    of_the_answers,
    of_the_measured,
    of_the_network,
    of_the_neuron,
    of_the_refused,
    of_the_units,
    of_the_wait,
    units_in_short,
)
from experiments.compare.table_part import OwnTable
from experiments.gallery.networks.digits_on_neurons import JUDGED_MS, calibration_numbers
from experiments.kit.registry import Context
from experiments.kit.result import Result, Verdict
from experiments.kit.style import svg_uri
from experiments.kit.unit_tables import Fitted, parameter_table, unit_table
from experiments.one_neuron.spike_along import OneSpike
from neurosim.run.recording import versions

__all__ = [
    "activity_figures",
    "page_of",
    "result_of",
    "said_of_the_measured",
    "said_of_the_spike",
    "sentences_of",
]


def page_of(
    parameters: Parameters,
    context: Context,
    result: Result,
    pictures: dict[str, dict[str, bytes]],
    neurons: list[Fitted],
    answered: Answered,
    own: OwnShape | None,
    table: OwnTable | None,
    taken: Sequence[Taken],
) -> str:
    """Return the page as HTML."""
    digits, units = parameters.digits, result.tables["units"]
    measured = result.tables.get("accuracy_measured")
    trained, run = answered.pairs[0]
    return render(
        versions=versions(),
        made=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        seed=context.seed,
        quick=context.quick,
        engine=run.recording.engine,
        verdicts=result.verdicts,
        sentences=result.numbers["sentences"],
        figures={name: svg_uri(picture["svg"]) for name, picture in pictures.items()},
        units={"columns": list(units.columns), "rows": units.to_numpy().tolist()},
        parameters_table=parameter_table(neurons).replace({np.inf: "open", -np.inf: "open"}),
        families_table=families_shown(result.tables["families"]),
        tried=len(FAMILIES),
        inputs=answered.inputs,
        own=own,
        own_table=table,
        hidden=int(trained.network.network_.sizes[1]),
        dropout=f"{100 * digits.dropout:g}",
        noise=f"{digits.noise_mV:g}",
        held_out=answered.held_out,
        claim=result.claim,
        spikes_shown=spikes_of_one(run, JUDGED_MS[0]),
        spikes_mean=f"{run.spikes_per_decision(JUDGED_MS[0] * ms):.0f}",
        looked_at=min(LOOKED_AT, run.samples),
        judged_ms=f"{JUDGED_MS[0]:g}",
        accuracy_table=accuracy_shown(result.tables["accuracy"], answered.inputs.many),
        measured_table=None if measured is None else accuracy_shown(measured, "images"),
        shown_ms=f"{answered.shown_ms:g}",
        timing=result.numbers["seconds"],
        jobs=context.jobs,
        command=command_line(parameters, context),
        provenance=result.provenance,
        taken=taken,
    )


def families_shown(families: pd.DataFrame) -> pd.DataFrame:
    """Return the table of every family with headings that say what is in it."""
    return families.rename(
        columns={
            "aicc": "AICc", "delta_aicc": "AICc above the best", "adequate": "fits",
            "p_fit": "p of the fit", "residual_rms_Hz": "residual (Hz rms)",
            "noise_rms_Hz": "counting noise (Hz rms)",
            "noise_ratio": "standardised residual (rms)",
        }
    ).replace({"fits": {True: "yes", False: "no"}})  # fmt: skip


def accuracy_shown(table: pd.DataFrame, things: str) -> pd.DataFrame:
    """Return the accuracies in percent, under headings that say what they are."""
    percent = {
        name: [f"{100 * share:.2f}" for share in table[name]]
        for name in ("ann_accuracy", "spiking_accuracy")
    }
    ends = zip(table["low_95"], table["high_95"], strict=True)
    return pd.DataFrame(
        {
            "time (ms)": [f"{time:g}" for time in table["time_ms"]],
            "trained network (%)": percent["ann_accuracy"],
            "on neurons (%)": percent["spiking_accuracy"],
            "95 % interval": [f"{100 * low:.1f} to {100 * high:.1f}" for low, high in ends],
            "points lost": [f"{round(lost, 2) + 0.0:.2f}" for lost in table["points_lost"]],
            f"{things} only the network got right": table["ann_only_right"],
            f"{things} only the neurons got right": table["spiking_only_right"],
            "p of the paired test": table["mcnemar_p"],
            "smallest p of one training": table["smallest_p_of_a_seed"],
            "spikes": [f"{spikes:.0f}" for spikes in table["spikes_per_decision"]],
            "ATP (molecules)": table["atp_molecules"],
        }
    )


def spikes_of_one(run: SpikingRun, at_ms: float) -> int:
    """Return how many spikes the input whose spikes are drawn takes until a decision."""
    return int(run.spikes_by_neuron(at_ms * ms)[typical(run)].sum())


def activity_figures(answered: Answered) -> Iterator[tuple[str, Any]]:
    """Draw the figures of part 3 that show one network, the first, by name."""
    (trained, run), *_ = answered.pairs
    shown_ms = answered.shown_ms
    yield "voltage", voltage_figure(trained, run, typical(run), shown_ms, answered.inputs.one)
    # At the time for which the sentences tell the scatter.
    yield "activation", residual_figure(trained, run, JUDGED_MS[0])


def said_of_the_measured(measured: MeasuredNetwork, result: Result) -> str:
    """Say what the network with the cell's own curve answers; add its table and its neuron."""
    decision = None
    if measured.answered is not None and measured.neuron is not None:
        decision = measured.answered.decisions[JUDGED_MS[0]]
        result.tables["accuracy_measured"] = measured.answered.table
        result.provenance["neuron_of_the_measured_curve"] = measured.neuron.to_dict()
    return of_the_measured(
        measured.cell, measured.residual_Hz, decision, measured.why, measured.top_pA,
        measured.blocked,
    )  # fmt: skip


def said_of_the_spike(parameters: Parameters, spike: OneSpike, own: OwnShape | None) -> str:
    """Say how the neuron fires, and of an own shape where its parts come from."""
    apical = own is None or "apical" in spike.neuron.compartments.tags
    synapses = parameters.spike.excitatory, parameters.spike.inhibitory
    neuron = of_the_neuron(spike.numbers, *synapses, apical)
    return neuron if own is None else f"{own.said()} {neuron}"


def sentences_of(
    parameters: Parameters,
    spike: OneSpike,
    neurons: list[Fitted],
    answered: Answered,
    own: OwnShape | None,
    measured: MeasuredNetwork | None = None,
) -> dict[str, Any]:
    """Say what was found."""
    judged, early, last = (
        answered.decisions[t]
        for t in (JUDGED_MS[0], min(answered.times_ms), max(answered.times_ms))
    )
    wait = of_the_wait(judged, last, answered.p_of_waiting(judged.time_ms, last.time_ms))
    own_curve = None
    if measured is not None and measured.answered is not None:
        before = [d for t, d in measured.answered.decisions.items() if t < JUDGED_MS[0]]
        own_curve = (measured.cell, before)
    repeats = asdict(answered.repeats)
    each = [calibration_numbers(run) for _, run in answered.pairs]
    noise, bias, counted = (
        float(np.mean([one[name] for one in each]))
        for name in ("count_noise_rms", "bias_rms", "decision_ms")
    )
    network = of_the_network(judged, len(answered.pairs))
    return {
        "neuron": said_of_the_spike(parameters, spike, own),
        "units": of_the_units(neurons),
        "units in short": units_in_short(neurons),
        "not fitted": of_the_refused(neurons),
        "left out by units": left_out_by_units(spike.numbers),
        "network": " ".join(filter(None, [answered.inputs.said, network, wait])),
        "answers": of_the_answers(**repeats, things=(answered.inputs.one, answered.inputs.many)),
        "measured": "",
        "kept and lost": kept_and_lost(early, judged, noise, bias, counted, own_curve),
    }


def _of_the_recorded(neuron: Fitted) -> list[Verdict]:
    """Hold the p of the recorded cell's unit against the level at which a unit is adequate.

    The residual of a right unit exceeds counting noise every other time, so that their ratio would
    be no test. With counts alone there is no p: the noise comes from these very residuals.
    """
    best = neuron.selection.best
    if not neuron.selection.ok or best is None or np.isnan(best.p_fit):
        return []
    what = f"{neuron.title}: p of the {best.family} unit, at least"
    return [Verdict(what, best.p_fit, MISFIT_LEVEL, ">=")]


def result_of(
    parameters: Parameters,
    context: Context,
    spike: OneSpike,
    neurons: list[Fitted],
    answered: Answered,
    sentences: dict[str, Any],
    table: OwnTable | None,
    claim: str,
) -> Result:
    """Put numbers, tables and verdicts together."""
    frames = {n.title: n.selection.to_frame().reset_index() for n in neurons}
    families = pd.concat(frames, names=["neuron"]).reset_index("neuron").reset_index(drop=True)
    pairs = answered.pairs
    own_table = {} if table is None else {
        "table": {
            "rows": table.rows, "learned_from": table.learned, "columns": table.used,
            "left_out": table.left_out, "steps": table.steps,
        }
    }  # fmt: skip
    return Result(
        name="compare",
        claim=claim,
        numbers={
            "sentences": sentences,
            "neuron": spike.numbers,
            "decisions": network_numbers(answered),
            "units": {n.title: n.selection.to_dict() for n in neurons},
            "ann_accuracy_by_seed": {
                t.seed: float(t.network.score(t.X_test, t.y_test)) for t, _ in pairs
            },
            "calibration_by_seed": {t.seed: calibration_numbers(run) for t, run in pairs},
            "held_out": answered.held_out,
            **own_table,
        },
        tables={"units": unit_table(neurons), "families": families, "accuracy": answered.table},
        verdicts=[*answered.verdicts(), *_of_the_recorded(neurons[-1])],
        provenance={
            "parameters": asdict(parameters),
            "seed": context.seed,
            "seeds_of_networks": [t.seed for t, _ in pairs],
            "quick": context.quick,
            "curves": {n.title: n.curve.provenance for n in neurons},
            "network_run": pairs[0][1].to_dict(),
            "versions": versions(),
        },
    )
