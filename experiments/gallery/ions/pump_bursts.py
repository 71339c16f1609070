"""A mitral cell after a train of spikes: sodium stays for a minute, and makes a slow current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import Mohm, ms, mV, nA, pA, second
from brian2.units.stdunits import mM

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import Constant, Pulses, simulate
from neurosim.catalogue import mitral_pump_cell
from neurosim.clamps import VoltageClamp
from neurosim.errors import ParameterError
from neurosim.run.neuron_run import NeuronRecording

__all__ = ["FREE", "PUBLISHED", "Free", "Watched", "free_cell", "hybrid_clamp"]

CLAIM = (
    "A train of 30 Hz for 4 s raises the sodium of a mitral cell's tuft by 6 mM or more. 12 s "
    "later its sodium-calcium exchanger still makes an inward current within 15 % of 16 pA. "
    "Without the exchanger the slow current is outward. Without a clamp the cell is back at its "
    "potential 4 s after the train and 2 mV or more depolarised from 12 to 41 s after it, within "
    "0.5 mV of the published program; it fires no spike more, as in that program."
)

# The published program (Zylbertal 2015) in NEURON: sodium in mM, current at 20 s in pA.
PUBLISHED = {"rest_mM": 10.98, "peak_mM": 17.55, "current_pA": -15.98}
# Without a clamp, under -4 pA from the concentrations of the program on: the train begins at 124 s.
# Time from 120 s on (s): potential (mV), sodium (mM) and calcium (nM) of the tuft. The program
# fires 120 spikes in the train, and none before and after it.
FREE = {
    4: (-50.55, 11.91, 85.3), 12: (-50.57, 17.53, 206.3), 20: (-48.20, 16.77, 199.7),
    30: (-47.67, 15.99, 182.1), 40: (-47.63, 15.36, 166.4), 49: (-47.70, 14.89, 154.7),
}  # fmt: skip
_FREE_SPIKES, _FREE_PA = 120, -4.0
_START = {"na_i": 14.841 * mM, "ca_i": 3.97747e-5 * mM, "v": -68 * mV}
_ONSET_S, _FROM_S, _AFTER_S, _READ_S = 4.0, 3.86, 0.26, 20.0
_CLAMP = VoltageClamp(
    holding=-70 * mV, levels=[-70] * mV, durations=[1] * second, R_s=6 * Mohm, onset=0 * ms
)


@dataclass(frozen=True)
class Parameters:
    """The train, how long the cell is watched, and the time step."""

    rate_Hz: float = 30.0
    train_s: float = 4.0
    watched_s: float = 60.0
    dt_ms: float = 0.025
    free_pA: float = -4.0
    free_rest_s: float = 120.0


@dataclass(frozen=True)
class Free:
    """The cell without a clamp, at the times of `FREE`, and its spikes.

    Attributes
    ----------
    state : dict of int to tuple
        By time in s: potential in mV, sodium in mM and calcium in nM of the tuft.
    before, during, after : int
        Spikes before, in and after the train.
    """

    state: dict[int, tuple[float, float, float]]
    before: int
    during: int
    after: int


@dataclass(frozen=True)
class Watched:
    """What was recorded: time in s, sodium and calcium of the tuft in mM, current in pA.

    The current is that of the clamp, less what it was before the train; the cell is not clamped
    during the train, where it is not a number.
    """

    time: np.ndarray
    sodium: np.ndarray
    calcium: np.ndarray
    current: np.ndarray
    spikes: int
    ledger_error: float


def hybrid_clamp(parameters: Parameters, context: Context, *, exchanger: bool) -> Watched:
    """Clamp the cell to -70 mV at its soma, let go for a train of current pulses, clamp again.

    The clamp acts through 6 Mohm. From 3.86 s until 0.26 s after the train the cell gets -60 pA in
    its place, and the train: 1 nA for 7 ms each, from 4 s on.
    """
    p = parameters
    cell = mitral_pump_cell(exchanger=exchanger)
    train = Pulses(
        period=1 / p.rate_Hz * second, width=7 * ms, n=round(p.rate_Hz * p.train_s),
        amplitude=1 * nA, onset=_ONSET_S * second,
    )  # fmt: skip
    let_go = p.train_s + _ONSET_S - _FROM_S + _AFTER_S
    rest = p.watched_s - _FROM_S - let_go
    clamped = {"stimulus": _CLAMP, "record": ["stimulus.current"]}
    stages: list[tuple[float, dict[str, Any]]] = [
        (_FROM_S, clamped),
        (let_go, {"stimulus": train + Constant(-60 * pA)}),
        (rest, clamped),
    ]
    runs: list[NeuronRecording] = []
    for duration, how in stages:
        # The scheme of a clamp throughout, so that each stage begins where the last one ended.
        options = how | {"dt": p.dt_ms * ms, "scheme": "backward-euler"}
        options |= context.running("a mitral cell")
        state = runs[-1].state if runs else None
        one = simulate(cell, duration * second, record_dt=2 * ms, initial=state, **options)
        assert isinstance(one, NeuronRecording)
        runs.append(one)
    before = 1e12 * runs[0].traces_si["stimulus.current"][0, -1]
    currents = [
        1e12 * one.traces_si["stimulus.current"][0] - before
        if "stimulus.current" in one.traces_si
        else np.full(len(one.trace_time_s), np.nan)
        for one in runs
    ]
    # Before the train nothing moves, so that there is nothing to hold an error against.
    accounts = [one.ledger["na"] for one in runs[1:] if one.ledger is not None]
    return Watched(
        time=np.concatenate([one.trace_time_s for one in runs]),
        sodium=np.concatenate([one.traces_si["sodium"][0] for one in runs]),
        calcium=np.concatenate([one.traces_si["calcium"][0] for one in runs]),
        current=np.concatenate(currents),
        spikes=int(runs[1].counts()[0]),
        ledger_error=max(account.relative_error for account in accounts),
    )


def free_cell(parameters: Parameters, context: Context, *, watched_s: float = 50.0) -> Free:
    """Let the cell come to rest under a steady current, give the train, and watch it fire.

    It starts, as the published program does, with the concentrations of the program, and the train
    comes 4 s after `free_rest_s`.
    """
    p = parameters
    onset = p.free_rest_s + _ONSET_S
    train = Pulses(
        period=1 / p.rate_Hz * second, width=7 * ms, n=round(p.rate_Hz * p.train_s),
        amplitude=1 * nA, onset=onset * second,
    )  # fmt: skip
    run = simulate(
        mitral_pump_cell(), (p.free_rest_s + watched_s) * second,
        stimulus=train + Constant(p.free_pA * pA), dt=2 * p.dt_ms * ms, record_dt=10 * ms,
        initial=_START, scheme="backward-euler", **context.running("a mitral cell without a clamp"),
    )  # fmt: skip
    assert isinstance(run, NeuronRecording)
    time, spikes = run.trace_time_s - p.free_rest_s, np.asarray(run.spike_train(0), dtype=float)
    scale = {"soma": 1e3, "sodium": 1.0, "calcium": 1e6}
    state = {
        at: tuple(
            float(each * np.interp(at, time, run.traces_si[name][0]))
            for name, each in scale.items()
        )
        for at in FREE
        if at < watched_s
    }
    end = onset + p.train_s + 0.02
    early, late = int(np.sum(spikes < onset)), int(np.sum(spikes > end))
    return Free(state, early, len(spikes) - early - late, late)  # type: ignore[arg-type]


def _free_verdicts(free: Free) -> list[Verdict]:
    """Return how far the cell without a clamp is from the published program."""
    apart = {at: np.array(free.state[at]) - np.array(told) for at, told in FREE.items()}
    sodium, calcium = (max(abs(one[k]) / FREE[at][k] for at, one in apart.items()) for k in (1, 2))
    stays = min(free.state[at][0] for at in (20, 30, 40, 49)) - free.state[4][0]
    back = abs(free.state[12][0] - free.state[4][0])
    spikes = free.before + abs(free.during - _FREE_SPIKES) + free.after
    return [
        Verdict(
            "without a clamp: potential, distance from the published run (mV)",
            max(abs(one[0]) for one in apart.values()), 0.5,
        ),
        Verdict("without a clamp: sodium, distance (%)", 100 * sodium, 5.0),
        Verdict("without a clamp: calcium, distance (%)", 100 * calcium, 5.0),
        Verdict("distance from the potential before, 4 s after the train (mV)", back, 0.5),
        Verdict("depolarisation 12 to 41 s after the train (mV)", stays, 2.0, ">="),
        Verdict("spikes away from the published 0, 120 and 0", float(spikes), 0.0),
    ]  # fmt: skip


@experiment("pump-bursts", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    if parameters.watched_s <= _READ_S:
        raise ParameterError(
            f"pump-bursts: watched_s must be above {_READ_S:g}, where the current is read; "
            f"got {parameters.watched_s:g}"
        )
    if _ONSET_S + parameters.train_s + _AFTER_S >= _READ_S:
        raise ParameterError(
            f"pump-bursts: train_s must be below {_READ_S - _ONSET_S - _AFTER_S:g}, so that the "
            f"cell is clamped again when its current is read; got {parameters.train_s:g}"
        )
    courses = {
        "with exchanger": hybrid_clamp(parameters, context, exchanger=True),
        "without exchanger": hybrid_clamp(parameters, context, exchanger=False),
    }
    numbers: dict[str, dict[str, Any]] = {name: numbers_of(one) for name, one in courses.items()}
    found, without = numbers["with exchanger"], numbers["without exchanger"]
    verdicts = [
        Verdict(
            f"{what}, distance from the published run (%)",
            100 * abs(found[name] / PUBLISHED[name] - 1),
            bar,
        )
        for what, name, bar in (
            ("sodium at rest", "rest_mM", 5.0),
            ("highest sodium", "peak_mM", 5.0),
            ("current at 20 s", "current_pA", 15.0),
        )
    ]
    rise = found["peak_mM"] - found["rest_mM"]
    verdicts.append(Verdict("rise of sodium (mM)", rise, 6.0, ">="))
    verdicts += [
        Verdict("current at 20 s without exchanger (pA)", without["current_pA"], 0.0, ">="),
        Verdict(
            "error of the sodium ledger, over what moved",
            max(found["ledger_error"], without["ledger_error"]),
            1e-9,
        ),
    ]
    if not context.quick:
        free = free_cell(parameters, context)
        if parameters.free_pA == _FREE_PA:
            # Of other currents there is nothing published to hold it against.
            verdicts += _free_verdicts(free)
        numbers["without clamp"] = {
            "spikes_before": free.before, "spikes": free.during, "spikes_after": free.after,
            "state": {str(at): list(told) for at, told in free.state.items()},
        }  # fmt: skip
    return Result(
        numbers=numbers,
        tables={"courses": _table(courses)},
        figures={"pump-bursts": _figure(courses, parameters)},
        verdicts=verdicts,
    )


def numbers_of(course: Watched) -> dict[str, float]:
    """Return what is compared with the published run."""
    return {
        "spikes": course.spikes,
        "rest_mM": float(np.interp(_FROM_S - 0.1, course.time, course.sodium)),
        "peak_mM": float(course.sodium.max()),
        "current_pA": float(np.interp(_READ_S, course.time, course.current)),
        "calcium_nM": float(1e6 * np.interp(_READ_S, course.time, course.calcium)),
        "ledger_error": course.ledger_error,
    }


def _table(courses: dict[str, Watched]) -> pd.DataFrame:
    every = slice(None, None, 50)
    return pd.concat(
        pd.DataFrame(
            {
                "cell": name,
                "time_s": one.time[every],
                "sodium_mM": one.sodium[every],
                "calcium_nM": 1e6 * one.calcium[every],
                "current_pA": one.current[every],
            }
        )
        for name, one in courses.items()
    )


def _figure(courses: dict[str, Watched], parameters: Parameters) -> Any:
    colours = (COLOURS["blue"], COLOURS["vermilion"])
    with drawing(6.6, 6.2, 3, 1, sharex=True) as (figure, axes):
        for (name, one), colour in zip(courses.items(), colours, strict=True):
            axes[0].plot(one.time, one.sodium, color=colour, label=name)
            axes[1].plot(one.time, 1e6 * one.calcium, color=colour)
            axes[2].plot(one.time, one.current, color=colour)
        for panel in axes:
            panel.axvspan(_ONSET_S, _ONSET_S + parameters.train_s, color=GREY, alpha=0.15, lw=0)
        published = {"ls": "none", "marker": "o", "mfc": "none", "color": GREY}
        axes[0].plot(
            [1, _ONSET_S + parameters.train_s], [PUBLISHED["rest_mM"], PUBLISHED["peak_mM"]],
            label="published program", **published,
        )  # fmt: skip
        axes[2].plot(_READ_S, PUBLISHED["current_pA"], **published)
        axes[0].set(ylabel="sodium in the tuft (mM)", title="A train of spikes (grey)")
        axes[0].legend(loc="lower right")
        axes[1].set(ylabel="calcium in\nthe tuft (nM)", yscale="log")
        axes[2].axhline(0, color=GREY, lw=0.8)
        axes[2].set(xlabel="time (s)", ylabel="slow current (pA)", ylim=(-30, 30))
        return figure
