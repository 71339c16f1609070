"""No particle is lost: the ledgers of every kind of model with ions, over ten seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import ms, second
from brian2.units.constants import faraday_constant

from experiments.gallery.ions.ledger_models import MODELS, Moved
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import Circuit, Neuron, simulate
from neurosim.errors import UnknownNameError, suggest
from neurosim.ions import VALENCE, Ion
from neurosim.morphology import Region
from neurosim.run.circuit_run import CircuitRecording
from neurosim.run.neuron_run import NeuronRecording

__all__ = ["Checked", "check"]

CLAIM = (
    "In every kind of model with ions, what is there at the end is what was there at the start and "
    "what crossed, to 1e-9 of the largest amount that moved: inside, in spaces outside, and as "
    "charge on the membrane. Over the first 50 ms, where no receptor carries ions, what crossed is "
    "the sum of the currents that were recorded."
)
_FARADAY = float(faraday_constant)


@dataclass(frozen=True)
class Parameters:
    """How long each model runs, how long its currents are recorded at every step, and which."""

    duration_s: float = 10.0
    recorded_ms: float = 50.0
    models: str = "all"


@dataclass(frozen=True)
class Checked:
    """Errors of a model, each over the largest amount that moved.

    Attributes
    ----------
    particles, charge, spaces : float
        Of the ledger: ions inside (and in shells outside), the membrane, and shared spaces.
    recorded : float
        What the ledger counts as crossed, less the sum of the recorded currents; nan where
        receptors carry ions.
    moved_fmol : float
        The largest amount that one way moved in one compartment.
    """

    particles: float
    charge: float
    spaces: float
    recorded: float
    moved_fmol: float


@experiment("ion-ledgers", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    names = list(MODELS) if parameters.models == "all" else parameters.models.split(",")
    for name in names:
        if name not in MODELS:
            raise UnknownNameError(f"ion-ledgers: models has {name!r}: {suggest(name, MODELS)}")
    found = {
        name: check(MODELS[name](), parameters.duration_s, parameters.recorded_ms, context, name)
        for name in names
    }
    table = pd.DataFrame([{"model": name} | vars(one) for name, one in found.items()])
    worst = {what: float(table[what].max()) for what in ("particles", "charge", "spaces")}
    return Result(
        numbers=worst,
        tables={"ledgers": table},
        figures={"ion-ledgers": _figure(table)},
        verdicts=[
            Verdict(f"{what}: error over what moved", worst[what], 1e-9)
            for what in ("particles", "charge", "spaces")
        ]
        + [
            Verdict(
                "sum of recorded currents, distance from the ledger",
                float(table["recorded"].max(skipna=True)), 1e-9,
            )
        ] * bool(table["recorded"].notna().any()),
    )  # fmt: skip


def check(
    moved: Moved, duration_s: float, recorded_ms: float, context: Context, name: str = "a model"
) -> Checked:
    """Run a model, go on with all currents recorded at every step, and hold the ledgers."""
    options: dict[str, Any] = dict(moved.options) | {"dt": moved.dt_ms * ms}
    if moved.stimulus is not None:
        options["stimulus"] = moved.stimulus
    options |= context.running(name)
    record_dt = min(10.0, 1e3 * duration_s) * ms
    whole = simulate(moved.model, duration_s * second, record_dt=record_dt, **options)
    # The currents of every step, over a transient: from the start on.
    watched = _watched(moved.model)
    early = simulate(watched, recorded_ms * ms, record_dt=moved.dt_ms * ms, **options)
    accounts = [one.ledger for one in _cells(whole).values() if one.ledger is not None]
    spaces = whole.spaces if isinstance(whole, CircuitRecording) else {}
    return Checked(
        particles=max(ledger[ion].relative_error for ledger in accounts for ion in ledger),
        charge=max(ledger.charge.relative_error for ledger in accounts),
        spaces=max(
            (one.relative_error for space in spaces.values() for one in space.ledger.values()),
            default=0.0,
        ),
        recorded=np.nan if moved.placed else _apart(watched, early, moved.dt_ms),
        moved_fmol=1e15 * max(ledger[ion].largest_moved for ledger in accounts for ion in ledger),
    )


def _cells(run: Any) -> Mapping[str, NeuronRecording]:
    return run.populations if isinstance(run, CircuitRecording) else {"": run}


def _neurons(model: Neuron | Circuit) -> Mapping[str, Neuron]:
    if isinstance(model, Neuron):
        return {"": model}
    return {name: one.neuron for name, one in model.populations.items()}


def _pools(neuron: Neuron) -> list[tuple[str, str, Region]]:
    """Return label, ion and region of each pool whose concentration inside moves."""
    return [
        (f"all_{k}", one.part.ion, one.region)
        for k, one in enumerate(neuron.painted)
        if isinstance(one.part, Ion) and one.part.inside_moves
    ]


def _watched(model: Neuron | Circuit) -> Neuron | Circuit:
    """Return a model whose ion currents are recorded everywhere."""
    if isinstance(model, Neuron):
        return _probed(model)
    populations = {
        name: replace(one, neuron=_probed(one.neuron)) for name, one in model.populations.items()
    }
    return replace(model, populations=populations)


def _probed(neuron: Neuron) -> Neuron:
    for label, ion, region in _pools(neuron):
        neuron = neuron.probe(f"i_{ion}", region, label=label)
    return neuron


def _apart(model: Neuron | Circuit, run: Any, dt_ms: float) -> float:
    """Return the largest distance of the summed currents from the ledger, over what moved."""
    return max(_distances(model, run, dt_ms), default=0.0)


def _distances(model: Neuron | Circuit, run: Any, dt_ms: float) -> Iterator[float]:
    neurons = _neurons(model)
    for name, one in _cells(run).items():
        cut = neurons[name].compartments
        for label, ion, region in _pools(neurons[name]):
            assert one.ledger is not None
            account, traces = one.ledger[ion], one.traces_si
            here = np.flatnonzero(region.mask(cut))
            names = [label] if len(here) == 1 else [f"{label}[{k}]" for k in range(len(here))]
            current = np.array([traces[each].sum(axis=1) for each in names])
            charge = current * cut.area_m2[here, np.newaxis] * dt_ms * 1e-3
            crossed = charge / (VALENCE[ion] * _FARADAY)
            largest = account.largest_moved
            error = float(np.abs(account.entered[here] - crossed).max())
            yield error / largest if largest else error


def _figure(table: pd.DataFrame) -> Any:
    with drawing(6.4, 4.4, 1, 1) as (figure, axes):
        rows = np.arange(len(table))
        for shift, (what, colour) in enumerate(
            (("particles", "blue"), ("charge", "orange"), ("spaces", "green"))
        ):
            # What is rounding counts as none, and stands at the left edge.
            axes.plot(
                np.maximum(table[what], 1e-17), rows + 0.2 * (shift - 1), "o",
                color=COLOURS[colour], label=what, ms=5,
            )  # fmt: skip
        axes.axvline(1e-9, color=GREY, ls=":", lw=1)
        axes.set(xscale="log", xlim=(5e-18, 1e-8), yticks=rows, yticklabels=table.model)
        axes.invert_yaxis()
        axes.set(xlabel="error over the largest amount that moved", title="Ledgers of ions")
        axes.legend(loc="lower left")
        return figure
