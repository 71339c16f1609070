"""A row of astrocytes: potassium enters beside an active neuron and leaves beside silent ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import ms, nA, nS, second
from brian2.units.stdunits import mM

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import simulate
from neurosim.catalogue import astrocyte_syncytium
from neurosim.errors import ParameterError
from neurosim.run.circuit_run import CircuitRecording

_START_mM = 3.5


@dataclass(frozen=True)
class Parameters:
    """How many pairs of neuron and astrocyte, their junctions, and the drive of the first."""

    pairs: int = 7
    conductance_nS: float = 200.0
    current_nA: float = 0.1
    duration_s: float = 1.0
    dt_ms: float = 0.05


@experiment(
    "spatial-buffering",
    "Gap junctions between astrocytes halve the rise of potassium beside an active neuron: "
    "potassium enters the astrocyte there, and leaves from the others.",
    Parameters,
    deterministic=True,
)
def run(parameters: Parameters, context: Context) -> Result:
    p = parameters
    if p.conductance_nS <= 0:
        raise ParameterError(
            f"spatial-buffering: conductance_nS must be above 0; got {p.conductance_nS:g}. It is "
            "compared with a row without junctions"
        )
    runs = {
        name: _simulated(p, conductance, context)
        for name, conductance in (("joined", p.conductance_nS), ("alone", 0.0))
    }
    rows = pd.DataFrame(
        {"pair": np.arange(1, p.pairs + 1)}
        | {f"peak_{name}_mM": _outside(one).max(axis=1) for name, one in runs.items()}
        | {f"into_astrocyte_{name}_fmol": _entered(one) for name, one in runs.items()}
    )
    rise = {name: float(rows[f"peak_{name}_mM"].iloc[0]) - _START_mM for name in runs}
    entered = rows["into_astrocyte_joined_fmol"].to_numpy()
    spikes = {name: int(one["neurons"].counts()[0]) for name, one in runs.items()}
    error = max(
        one.spaces["space"].ledger[ion].relative_error
        for one in runs.values()
        for ion in ("na", "k")
    )
    return Result(
        numbers={
            "rise_joined_mM": rise["joined"],
            "rise_alone_mM": rise["alone"],
            "spikes_joined": spikes["joined"],
            "spikes_alone": spikes["alone"],
        },
        tables={"pairs": rows},
        figures={"spatial-buffering": _figure(runs, rows)},
        verdicts=[
            Verdict("rise of potassium with junctions, over that without",
                    rise["joined"] / rise["alone"], 0.5),
            Verdict("potassium into the first astrocyte (fmol)", float(entered[0]), 0.0, ">="),
            Verdict("largest uptake by any other astrocyte (fmol)", float(entered[1:].max()), 0.0),
            Verdict("error of the ledger, over what moved", error, 1e-9),
        ],
    )  # fmt: skip


def _simulated(p: Parameters, conductance_nS: float, context: Context) -> CircuitRecording:
    circuit = astrocyte_syncytium(
        p.pairs, conductance=conductance_nS * nS, current=p.current_nA * nA
    )
    found = simulate(
        circuit, p.duration_s * second, dt=p.dt_ms * ms, record_dt=1 * ms,
        **context.running(f"{p.pairs} pairs, junctions of {conductance_nS:g} nS"),
    )  # fmt: skip
    assert isinstance(found, CircuitRecording)
    return found


def _outside(one: CircuitRecording) -> np.ndarray:
    """Return potassium outside each pair in mM, shape (pairs, samples)."""
    return np.asarray(one.spaces["space"].concentration("k") / mM)


def _entered(one: CircuitRecording) -> np.ndarray:
    """Return the potassium that entered each astrocyte, in fmol."""
    ledger = one["astrocytes"].ledger
    assert ledger is not None
    crossed = [np.asarray(amount).sum(axis=0) for amount in ledger["k"].crossed.values()]
    return np.asarray(1e15 * np.sum(crossed, axis=0))


def _figure(runs: dict[str, CircuitRecording], rows: pd.DataFrame) -> Any:
    colours = {"joined": COLOURS["blue"], "alone": COLOURS["vermilion"]}
    labels = {"joined": "gap junctions", "alone": "none"}
    with drawing(7.4, 5.2, 2, 2) as (figure, axes):
        for name, one in runs.items():
            space = one.spaces["space"]
            axes[0, 0].plot(space.time_s, _outside(one)[0], color=colours[name], label=labels[name])
            v = 1e3 * np.asarray(one["astrocytes"].trace("soma"))
            time = one["astrocytes"].trace_time_s
            axes[0, 1].plot(time, v[0], color=colours[name])
            axes[0, 1].plot(time, v[-1], color=colours[name], ls="--", lw=1)
            axes[1, 0].plot(rows.pair, rows[f"peak_{name}_mM"], "o-", color=colours[name], ms=4)
            shift = -0.2 if name == "joined" else 0.2
            axes[1, 1].bar(rows.pair + shift, rows[f"into_astrocyte_{name}_fmol"], 0.36,
                           color=colours[name])  # fmt: skip
        axes[0, 0].set(xlabel="time (s)", ylabel="potassium outside (mM)",
                       title="beside the active neuron", ylim=(0, None))  # fmt: skip
        axes[0, 0].legend(loc="upper left")
        axes[0, 1].plot([], [], color=GREY, label="first")
        axes[0, 1].plot([], [], color=GREY, ls="--", lw=1, label="last")
        axes[0, 1].legend(loc="upper left")
        axes[0, 1].set(xlabel="time (s)", ylabel="potential (mV)", title="astrocytes")
        axes[1, 0].axhline(_START_mM, color=GREY, lw=0.8)
        axes[1, 0].set(xlabel="pair", ylabel="highest potassium (mM)", ylim=(0, None),
                       xticks=rows.pair, title="outside each pair")  # fmt: skip
        axes[1, 1].axhline(0, color=GREY, lw=0.8)
        axes[1, 1].set(xlabel="pair", ylabel="potassium (fmol)", xticks=rows.pair,
                       title="net uptake by each astrocyte")  # fmt: skip
    return figure
