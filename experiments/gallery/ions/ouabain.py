"""Ouabain after a train of spikes: the sodium stays, and the pump's hyperpolarisation goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import ms, nA, second

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import Course, Pulses, simulate
from neurosim.catalogue import pumping_cell
from neurosim.morphology import at
from neurosim.run.neuron_run import NeuronRecording

CLAIM = (
    "After 100 spikes a sodium-potassium pump hyperpolarises the cell by more than 1 mV and clears "
    "half of the sodium within 5 s; with 90 % of the pumps blocked by ouabain neither happens."
)

_ONSET_S = 1.0
_BLOCKED = (0.0, 0.5, 0.9)


@dataclass(frozen=True)
class Parameters:
    """The train, when ouabain comes, and how long the cell is watched."""

    spikes: int = 100
    rate_Hz: float = 50.0
    wash_s: float = 0.5
    watched_s: float = 10.0
    dt_ms: float = 0.05


def poisoned(parameters: Parameters, context: Context) -> NeuronRecording:
    """Run the cell with its train, and ouabain from the end of the train on, a row a dose."""
    p = parameters
    end = _ONSET_S + p.spikes / p.rate_Hz
    area_cm2 = np.pi * 2e-4 * 100e-4
    # 40 µA/cm² for half a millisecond: a spike each.
    train = Pulses(
        period=1 / p.rate_Hz * second, width=0.5 * ms, n=p.spikes,
        amplitude=40e-6 * area_cm2 * 1e9 * nA, onset=_ONSET_S * second,
    )  # fmt: skip
    wash = [Course([end, end + p.wash_s] * second, np.array([0.0, dose])) for dose in _BLOCKED]
    recording = simulate(
        pumping_cell().probe("na_i", at("cell", 0.5), label="sodium"),
        (end + p.watched_s) * second,
        stimulus=train,
        courses={"sodium_pump.blocked": wash},
        dt=p.dt_ms * ms,
        record_dt=1 * ms,
        **context.running("three doses of ouabain"),
    )
    assert isinstance(recording, NeuronRecording)
    return recording


@experiment("ouabain", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    recording = poisoned(parameters, context)
    sodium, v = recording.traces_si["sodium"], 1e3 * recording.traces_si["cell"]
    time = recording.trace_time_s
    end = _ONSET_S + parameters.spikes / parameters.rate_Hz
    rest = int(np.searchsorted(time, _ONSET_S)) - 2
    after = int(np.searchsorted(time, end + parameters.wash_s + 0.5))
    late = min(int(np.searchsorted(time, end + 5.0)), len(time) - 1)
    excess = sodium - sodium[:, rest, np.newaxis]
    rows = [
        {
            "blocked_percent": 100 * dose,
            "spikes": int(recording.counts()[k]),
            "sodium_after_train_mM": float(sodium[k, int(np.searchsorted(time, end)) - 1]),
            "potential_below_rest_mV": float(v[k, rest] - v[k, after]),
            "sodium_cleared_in_5_s_percent": float(
                100 * (1 - excess[k, late] / excess[k, int(np.searchsorted(time, end)) - 1])
            ),
        }
        for k, dose in enumerate(_BLOCKED)
    ]
    table = pd.DataFrame(rows)
    free, poisoned_ = rows[0], rows[-1]
    below, cleared = "potential_below_rest_mV", "sodium_cleared_in_5_s_percent"
    assert recording.ledger is not None
    account = recording.ledger["na"]
    return Result(
        numbers={f"{row['blocked_percent']:g} % blocked": row for row in rows},
        tables={"doses": table},
        figures={"ouabain": _figure(time, sodium, v, end, parameters.wash_s)},
        verdicts=[
            Verdict("hyperpolarisation after the train (mV)", free[below], 1.0, ">="),
            Verdict("the same with 90 % blocked (mV)", poisoned_[below], 0.0),
            Verdict("sodium cleared within 5 s (%)", free[cleared], 50.0, ">="),
            Verdict("the same with 90 % blocked (%)", poisoned_[cleared], 0.0),
            Verdict("error of the ledger, over what moved", account.relative_error, 1e-9),
        ],
        provenance=recording.to_dict(),
    )


def _figure(time: np.ndarray, sodium: np.ndarray, v: np.ndarray, end: float, wash: float) -> Any:
    colours = [COLOURS[name] for name in ("blue", "orange", "vermilion")]
    with drawing(6.4, 4.8, 2, 1, sharex=True) as (figure, (top, bottom)):
        for axes in (top, bottom):
            axes.axvspan(_ONSET_S, end, color=GREY, alpha=0.15, lw=0)
            axes.axvline(end + wash, color=GREY, lw=0.8, ls=":")
        # Spikes would fill the panel; what they leave behind is to be seen.
        quiet = np.where((time < _ONSET_S) | (time > end + 0.01), v, np.nan)
        for k, (dose, colour) in enumerate(zip(_BLOCKED, colours, strict=True)):
            top.plot(time, sodium[k], color=colour)
            bottom.plot(time, quiet[k], color=colour, lw=1.2)
            # Above the end of a line that rises, and clear of one that falls.
            aside = (-2, 5 if sodium[k, -1] > sodium[k].mean() else 16)
            top.annotate(
                f"{100 * dose:g} % of the pumps blocked", (time[-1], sodium[k, -1]), aside,
                textcoords="offset points", ha="right", va="bottom", color=colour, fontsize=8,
            )  # fmt: skip
        top.set(ylabel="sodium inside (mM)", title="A train of spikes (grey), then ouabain")
        bottom.axhline(-65, color=GREY, lw=0.8)
        bottom.set(xlabel="time (s)", ylabel="membrane potential (mV)", ylim=(-68, -63))
        bottom.annotate(
            "ouabain is in", (end + wash, -63.2), (4, -2), textcoords="offset points", fontsize=8,
            va="top",
        )  # fmt: skip
        return figure
