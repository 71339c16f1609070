"""A layer-5 cell under a train of synaptic pulses: sodium lowers the EPSP and narrows a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import Quantity, ms, mV, nA
from brian2.units.stdunits import mM

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import Pulses, simulate
from neurosim.catalogue import layer5_pump_cell
from neurosim.catalogue.pump_cells.layer5_channels import SodiumPotassiumReceptor
from neurosim.catalogue.pump_cells.layer5_pump_cell import SITE
from neurosim.errors import ParameterError
from neurosim.run.neuron_run import NeuronRecording
from neurosim.synapses import Events

__all__ = ["PUBLISHED", "watched"]

CLAIM = (
    "Synaptic pulses every 200 ms fill a dendrite with sodium, from 22.8 to 43 mM at the ninth, "
    "and the synaptic potential falls by a tenth; 3 s later it is still smaller. Eight pulses with "
    "spikes of the soma make a dendritic spike each, the ninth alone does not."
)

# The published program (Fig. 5E): sodium in mM at a pulse, peaks above rest in mV.
PUBLISHED = {"sodium_1": 22.8, "sodium_9": 43.1, "peak_8": 90.8, "peak_9": 21.0}
_BEFORE_MS, _PERIOD_MS, _PAIRED, _PULSES = 210.0, 200.0, 8, 9
# Halfway between a dendritic spike and a synaptic potential.
_SPIKE_MV = 56.0


@dataclass(frozen=True)
class Parameters:
    """How many pulses, when single ones come after them (0: none), and the time step."""

    pulses: int = 9
    later_s: float = 5.0
    dt_ms: float = 0.025


@dataclass(frozen=True)
class Watched:
    """What was recorded: pulses and time in ms from the first one, mV, sodium in mM."""

    starts: np.ndarray
    time: np.ndarray
    dendrite: np.ndarray
    soma: np.ndarray
    sodium: np.ndarray
    ledger_error: float

    def of(self, what: np.ndarray, start: float, end: float) -> np.ndarray:
        """Return a course between two times in ms."""
        return np.asarray(what[(self.time >= start) & (self.time < end)])

    @property
    def rest(self) -> float:
        """Potential of the dendrite before the first pulse."""
        return float(np.interp(-1, self.time, self.dendrite))

    def pulses(self) -> pd.DataFrame:
        """Return a row a pulse: sodium when it comes, the EPSP within 20 ms, and the peak."""
        rows = []
        for k, start in enumerate(self.starts):
            base = float(np.interp(start - 0.1, self.time, self.dendrite))
            rows.append(
                {
                    "pulse": k + 1,
                    "time_s": start / 1e3,
                    "sodium_mM": float(np.interp(start, self.time, self.sodium)),
                    "epsp_mV": self.of(self.dendrite, start, start + 20).max() - base,
                    "peak_mV": self.of(self.dendrite, start, start + 200).max() - self.rest,
                }
            )
        return pd.DataFrame(rows)


def watched(parameters: Parameters, context: Context, *, moving: bool) -> Watched:
    """Run the train: a synaptic pulse every 200 ms, 20 ms later a current of 3 nA for 35 ms.

    The current comes with the first eight pulses. Without it a pulse makes a synaptic potential.
    """
    starts = _PERIOD_MS * np.arange(parameters.pulses)
    if parameters.later_s:
        starts = np.append(starts, 1e3 * parameters.later_s * np.array([0.6, 1]))
    cell = layer5_pump_cell(moving=moving).place(
        SodiumPotassiumReceptor(), SITE, Events.at((_BEFORE_MS + starts) * ms)
    )
    current = Pulses(
        period=_PERIOD_MS * ms, width=35 * ms, n=min(_PAIRED, parameters.pulses),
        amplitude=3 * nA, onset=(_BEFORE_MS + 20) * ms,
    )  # fmt: skip
    duration = _BEFORE_MS + starts[-1] + _PERIOD_MS
    run = simulate(
        cell, duration * ms, stimulus=current, dt=parameters.dt_ms * ms,
        record_dt=0.1 * ms, **context.running("a layer-5 cell"),
    )  # fmt: skip
    assert isinstance(run, NeuronRecording)
    return Watched(
        starts=starts,
        time=1e3 * run.trace_time_s - _BEFORE_MS,
        dendrite=_in(run, "dendrite", mV),
        soma=_in(run, "soma", mV),
        sodium=_in(run, "sodium", mM),
        ledger_error=run.ledger["na"].relative_error if moving and run.ledger else 0.0,
    )


def _in(run: NeuronRecording, name: str, unit: Quantity) -> np.ndarray:
    return np.asarray(run.trace(name)[0] / unit)


@experiment("integration-window", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    if parameters.pulses < _PULSES:
        raise ParameterError(
            f"integration-window: pulses must be {_PULSES} or more, since the published numbers "
            f"are those of the eighth and the ninth; got {parameters.pulses}"
        )
    if 0 < parameters.later_s < parameters.pulses * _PERIOD_MS / 600:
        raise ParameterError(
            "integration-window: later_s must be 0 or long enough that 0.6 of it lies after the "
            f"train, {parameters.pulses * _PERIOD_MS / 600:.1f} or more; got {parameters.later_s:g}"
        )
    courses = {
        "sodium moves": watched(parameters, context, moving=True),
        "sodium held": watched(parameters, context, moving=False),
    }
    pulses = {name: one.pulses() for name, one in courses.items()}
    numbers = {name: numbers_of(table) for name, table in pulses.items()}
    found, held = numbers["sodium moves"], numbers["sodium held"]
    verdicts = [
        Verdict(
            f"{name}, distance from the published run (%)",
            100 * abs(found[name] / published - 1),
            5.0,
        )
        for name, published in PUBLISHED.items()
    ]
    verdicts += [
        Verdict("first pulse without a dendritic spike, less 9", abs(found["dropped"] - 9), 1.0),
        Verdict(
            "EPSP of the ninth over that of the first",
            found["epsp_9"] / found["epsp_1"],
            0.9,
        ),
        Verdict("the same where sodium is held", held["epsp_9"] / held["epsp_1"], 0.97, ">="),
        Verdict(
            "EPSP of the last pulse, seconds later, over that of the first",
            found["epsp_last"] / found["epsp_1"],
            0.97,
        ),
        Verdict(
            "error of the sodium ledger, over what moved",
            courses["sodium moves"].ledger_error,
            1e-9,
        ),
    ]
    table = pd.concat(one.assign(cell=name) for name, one in pulses.items())
    return Result(
        numbers=numbers,
        tables={"pulses": table},
        figures={"integration-window": _figure(courses, pulses)},
        verdicts=verdicts,
    )


def numbers_of(pulses: pd.DataFrame) -> dict[str, float]:
    """Return what is compared with the published run."""
    rows = pulses.set_index("pulse")
    silent = rows.index[rows["peak_mV"] < _SPIKE_MV]
    return {
        "sodium_1": float(rows["sodium_mM"][1]),
        "sodium_9": float(rows["sodium_mM"][9]),
        "peak_8": float(rows["peak_mV"][8]),
        "peak_9": float(rows["peak_mV"][9]),
        "epsp_1": float(rows["epsp_mV"][1]),
        "epsp_9": float(rows["epsp_mV"][9]),
        "epsp_last": float(pulses["epsp_mV"].iloc[-1]),
        "sodium_last": float(pulses["sodium_mM"].iloc[-1]),
        "dropped": float(silent[0]) if len(silent) else float("inf"),
    }


def _figure(courses: dict[str, Watched], pulses: dict[str, pd.DataFrame]) -> Any:
    colours = dict(zip(courses, (COLOURS["blue"], COLOURS["vermilion"]), strict=True))
    published = {"ls": "none", "marker": "o", "mfc": "none", "color": GREY, "zorder": 3}
    with drawing(6.6, 6.2, 3, 1, sharex=True) as (figure, axes):
        for name, one in reversed(courses.items()):
            shown = one.time > -100
            axes[0].plot(
                one.time[shown] / 1e3, one.dendrite[shown], color=colours[name], lw=0.9, label=name
            )
            axes[1].plot(one.time[shown] / 1e3, one.sodium[shown], color=colours[name])
            axes[2].plot(
                pulses[name]["time_s"], pulses[name]["epsp_mV"],
                color=colours[name], marker=".",
            )  # fmt: skip
        rest = courses["sodium moves"].rest
        axes[0].plot(
            [1.4 + 0.035, 1.6 + 0.005], [rest + PUBLISHED["peak_8"], rest + PUBLISHED["peak_9"]],
            label="published program", **published,
        )  # fmt: skip
        axes[1].plot([0, 1.6], [PUBLISHED["sodium_1"], PUBLISHED["sodium_9"]], **published)
        axes[0].set(ylabel="potential of the\ndendrite (mV)", ylim=(-90, 70))
        axes[0].set_title("Pulses every 200 ms, with a current into the soma up to the eighth")
        axes[0].legend(loc="upper right", ncols=3)
        axes[1].set(ylabel="sodium at the\nsynapse (mM)")
        axes[2].set(xlabel="time from the first pulse (s)", ylabel="EPSP (mV)", ylim=(18, 28))
        return figure
