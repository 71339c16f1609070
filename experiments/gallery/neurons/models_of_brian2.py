"""Models after Brian2's own examples do here what they do in Brian2, or are refused by name."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import brian2
import numpy as np
import pandas as pd
from brian2.utils.logger import catch_logs
from matplotlib.figure import Figure

from experiments.brian2_models.brian_model import BrianModel
from experiments.brian2_models.cable_models import CABLES
from experiments.brian2_models.point_models import POINTS
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, drawing
from neurosim import Neuron, PointNeuron, simulate
from neurosim.custom.point_model import from_brian2
from neurosim.errors import NeurosimError
from neurosim.morphology import every

CLAIM = (
    "Models after Brian2's examples run here spike for spike on the same steps, with traces within "
    "1e-6 of their range (1e-5 behind a spherical soma; those that draw random numbers within 3 "
    "standard errors); the others are refused by name."
)


# Largest distance of two traces over their range: as it should be, and where Brian2 loses digits.
_SAME = 1e-6
_SOMA = 1e-5


@dataclass(frozen=True)
class Parameters:
    """Which models, how often those are run that draw random numbers, and on which engine.

    The NumPy engine needs no compiler; "auto" compiles each model, which takes some minutes. Cables
    of 30 compartments and more are compiled in any case where there is a compiler.
    """

    only: str = ""
    seeds: int = 20
    engine: str = "numpy"


@contextmanager
def numpy_target() -> Iterator[None]:
    """Let Brian2 run without a compiler and without remarks, and leave its settings as they were.

    Groups of models that are refused are never run, and Brian2 warns of each when it is deleted.
    """
    before = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"
    try:
        with warnings.catch_warnings(), catch_logs():
            warnings.simplefilter("ignore")
            yield
    finally:
        brian2.prefs.codegen.target = before


def steps(times_s: Any, dt_s: float) -> np.ndarray:
    """Return times in whole time steps."""
    return np.sort(np.rint(np.asarray(times_s, dtype=float) / dt_s).astype(int))


def in_brian2(
    group: Any, model: BrianModel, index: int | None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return traces, shape (rows, samples), and spike times (s) of one neuron (None: of all)."""
    # Ours are taken at the end of a step in a cable, at its start in a point.
    when = "end" if hasattr(group, "morphology") else "start"
    rows = list(range(len(group))) if index is None else [index]
    trace = brian2.StateMonitor(group, model.variable, record=rows, when=when)
    parts = [group, trace]
    spikes = brian2.SpikeMonitor(group) if "spike" in group.events else None
    parts += [] if spikes is None else [spikes]
    brian2.Network(*parts).run(model.duration_ms * brian2.ms, namespace={})
    values = np.asarray(getattr(trace, model.variable), dtype=float)
    if spikes is None:
        return values, [np.zeros(0) for _ in rows]
    times, who = np.asarray(spikes.t), np.asarray(spikes.i)
    return values, [times[who == row] for row in rows]


def compare_point(
    neuron: PointNeuron, group: Any, model: BrianModel, engine: str
) -> dict[str, Any]:
    """Run a point both ways: error of the trace over its range, and spikes on other steps."""
    theirs, (spikes,) = in_brian2(group, model, model.options.get("index", 0))
    named = "v" if model.variable in (model.options.get("voltage"), "v", "vm") else model.variable
    run = simulate(neuron, model.duration_ms * brian2.ms, record=[named], engine=engine)
    dt = float(group.clock.dt_)
    ours = steps(run.spike_time_s, dt)
    said = neuron.threshold != "False"
    # A threshold that only the description has detects what Brian2's group does not.
    other = len(np.setxor1d(ours, steps(spikes, dt))) if said and "spike" in group.events else 0
    error = np.abs(run.traces_si[named] - theirs).max() / np.ptp(theirs)
    return {"trace_error": float(error), "spikes": len(ours), "on_other_steps": other}


def compare_cable(neuron: Neuron, group: Any, model: BrianModel, engine: str) -> dict[str, Any]:
    """Run a neuron with extent both ways; spikes are crossings of its detector."""
    theirs, _ = in_brian2(group, model, None)
    dt = float(group.clock.dt_)
    run = simulate(
        neuron.probe("v", every()), model.duration_ms * brian2.ms, dt=dt * brian2.second,
        scheme="backward-euler", engine=engine if len(group) < 30 else "auto",
    )  # fmt: skip
    ours = np.concatenate(list(run.traces_si.values()))
    error = np.abs(ours - theirs).max() / np.ptp(theirs)
    found = {"trace_error": float(error), "spikes": 0, "on_other_steps": 0}
    if neuron.detectors:
        detector = neuron.detectors[0]
        place = int(detector.site.compartments(neuron.compartments)[0])
        above = theirs[place] >= detector.threshold
        crossed = np.flatnonzero(above[1:] & ~above[:-1]) + 2
        counted = run.spike_times_at(detector.label)
        mine = steps(counted, dt)
        found["spikes"] = len(mine)
        found["on_other_steps"] = abs(len(mine) - len(crossed))
    return found


def compare_laws(
    neuron: PointNeuron, group: Any, model: BrianModel, parameters: Parameters, seed: int
) -> dict[str, Any]:
    """Run a random model both ways: the largest distance of a mean in standard errors.

    The neurons of the group are alike, so that each is a repeat.
    """
    brian2.seed(seed)
    theirs = in_brian2(group, model, None)
    named = "v" if model.variable == model.options.get("voltage") else model.variable
    seeds = seed * 1000 + np.arange(parameters.seeds)
    duration = model.duration_ms * brian2.ms
    run = simulate(neuron, duration, record=[named], engine=parameters.engine, seed=seeds)
    trains = [run.spike_time_s[run.spike_row == k] for k in range(parameters.seeds)]
    spiking = len(run.spike_time_s) > 3 * parameters.seeds
    mine = statistics(run.traces_si[named], trains, spiking=spiking)
    reference = statistics(*theirs, spiking=spiking)
    distances = []
    for name, sample in mine.items():
        other = reference[name]
        error = np.hypot(*(x.std(ddof=1) / np.sqrt(len(x)) for x in (sample, other)))
        apart = abs(sample.mean() - other.mean())
        # Where no run differs from another, the means must be equal.
        distances.append(apart / error if error else np.inf if apart else 0.0)
    return {"standard_errors": float(max(distances)), "spikes": len(run.spike_time_s)}


def statistics(
    traces: np.ndarray, trains: list[np.ndarray], *, spiking: bool
) -> dict[str, np.ndarray]:
    """Return by run count and CV where it spikes, mean and spread of the trace where not."""
    if not spiking:
        return {"mean": traces.mean(axis=1), "spread": traces.std(axis=1)}
    gaps = [np.diff(train) for train in trains if len(train) > 2]
    return {
        "count": np.array([len(train) for train in trains], dtype=float),
        "cv": np.array([gap.std() / gap.mean() for gap in gaps]),
    }


def examine(model: BrianModel, parameters: Parameters, context: Context) -> dict[str, Any]:
    """Return the row of a model."""
    row: dict[str, Any] = {"model": model.name, "outcome": "", "said": ""}
    group, *alive = model.make()
    try:
        neuron = from_brian2(group, level=None, **model.options)
    except NeurosimError as refusal:
        fits = bool(model.refused) and model.refused in str(refusal)
        return row | {"outcome": "refused" if fits else "wrongly refused", "said": str(refusal)}
    del alive
    if model.refused:
        return row | {"outcome": "not refused"}
    if isinstance(neuron, Neuron):
        row |= compare_cable(neuron, group, model, parameters.engine)
    elif model.random:
        row |= compare_laws(neuron, group, model, parameters, context.seed)
    else:
        row |= compare_point(neuron, group, model, parameters.engine)
    distance = row.get("trace_error", 0.0)
    if row.get("on_other_steps", 0) or not row.get("standard_errors", 0) <= 3 or distance > _SOMA:
        return row | {"outcome": "differs"}
    if distance > _SAME:
        return row | {"outcome": "within 1e-5" if has_soma(group) else "differs"}
    return row | {"outcome": "the same"}


def has_soma(group: Any) -> bool:
    """Whether the root is a sphere, whose missing resistance costs Brian2 nine digits."""
    return type(getattr(group, "morphology", None)).__name__ == "Soma"


@experiment("brian2-models", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    models = [model for model in (*POINTS, *CABLES) if parameters.only in model.name]
    rows = []
    told = context.task("models of Brian2")
    with numpy_target():
        for k, model in enumerate(models):
            rows.append(examine(model, parameters, context))
            if told is not None:
                told((k + 1) / len(models))
    table = pd.DataFrame(rows)
    outcomes = table["outcome"].value_counts().to_dict()
    wrong = int(table["outcome"].isin(["differs", "not refused", "wrongly refused"]).sum())
    verdicts = [Verdict("models that differ, or are refused or accepted wrongly", wrong, 0)]
    if not parameters.only:
        verdicts += [
            Verdict("models tried", len(models), 40, ">="),
            Verdict("models that are the same here", outcomes.get("the same", 0), 25, ">="),
        ]
    return Result(
        numbers={"outcomes": outcomes},
        tables={"models": table},
        figures={"brian2-models": draw(table)},
        verdicts=verdicts,
        provenance={"brian2": brian2.__version__},
    )


def draw(table: pd.DataFrame) -> Figure:
    """Draw the largest error of each trace over its range."""
    shown = table.reindex(columns=["model", "trace_error"]).dropna()
    with drawing(6.4, max(2.0, 0.2 * len(shown) + 0.8)) as (figure, axes):
        place = range(len(shown))
        axes.plot(shown["trace_error"].clip(lower=1e-17), place, "o", ms=3, color=COLOURS["blue"])
        axes.axvline(1e-6, color=COLOURS["vermilion"], lw=0.8)
        axes.set_xscale("log")
        axes.set_yticks(place, shown["model"], fontsize=6)
        axes.invert_yaxis()
        axes.set(xlabel="largest distance of the traces over their range")
    return figure
