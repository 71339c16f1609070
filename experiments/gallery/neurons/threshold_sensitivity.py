"""Which conductance moves the threshold from -55 mV: its exact derivative by each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from brian2.units import ms, mV, nA
from matplotlib.figure import Figure

from experiments.kit.estimate import largest, mean
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, INK, drawing
from neurosim import Neuron, Steps, differentiate
from neurosim.catalogue import textbook_neuron
from neurosim.gradients.gradient import Gradient
from neurosim.gradients.spike_threshold import SpikeThreshold

CLAIM = (
    "The textbook neuron's threshold hangs on the sodium channels of its initial segment: they "
    "move it more than all its other conductances together, and its derivative tells within "
    "0.1 mV where the threshold is with a fifth fewer or more of them."
)
# A tenth of a millivolt is the last digit to which a threshold is told from a recording.
MOST_OFF_MV = 0.1
# Differences of whole runs, extrapolated (Richardson), keep about six digits.
MOST_FROM_DIFFERENCES = 1e-6
ONSET, LENGTH, DT_MS = 5 * ms, 25 * ms, 0.01
# Between two samples the potential is a cubic, whose third derivative jumps at a sample. Where the
# threshold crosses one, differences are off by a share of their step, which therefore is small.
STEPS = (-4e-6, -2e-6, 2e-6, 4e-6)
SEGMENT_SODIUM = "initial_segment_sodium.g"


@dataclass(frozen=True)
class Parameters:
    """How many cells are drawn, and how far their conductances scatter.

    The logarithm of every conductance of a cell is drawn around that of the textbook neuron; the
    current is drawn between two values that make it fire within the run.
    """

    cells: int = 12
    scatter: float = 0.1
    least_nA: float = 0.25
    most_nA: float = 0.45


def labelled(neuron: Neuron) -> Neuron:
    """Return a neuron whose channels are called after the place that they cover."""
    painted = []
    for one in neuron.painted:
        tags = getattr(one.region, "tags", ())
        kind = type(one.part).__name__.removeprefix("TraubMiles").lower()
        painted.append(replace(one, label="_".join([*tags, kind])))
    with_names: Neuron = neuron.replace(painted=tuple(painted))
    return with_names


@dataclass(frozen=True)
class _Rows:
    """What the rows of the run are: drawn cells, their neighbours, and the textbook neuron."""

    factors: np.ndarray
    current_nA: np.ndarray
    cells: int
    direction: np.ndarray
    changed: tuple[tuple[int, tuple[float, ...]], ...]

    @property
    def neighbours(self) -> np.ndarray:
        """Rows that are moved along a random direction, shape (cells, steps)."""
        many = len(STEPS)
        return self.cells + np.arange(self.cells * many).reshape(self.cells, many)

    @property
    def moved(self) -> np.ndarray:
        """Rows with a fifth fewer or more channels in the segment, shape (cells, 2)."""
        first = self.cells * (1 + len(STEPS))
        return first + np.arange(2 * self.cells).reshape(self.cells, 2)

    @property
    def textbook(self) -> int:
        """First row of the textbook neuron; the rows with one conductance changed follow."""
        return self.cells * (3 + len(STEPS))


def _drawn(names: list[str], p: Parameters, cells: int, seed: int, quick: bool) -> _Rows:
    random = np.random.default_rng([seed, 0x53454E53])
    logs = p.scatter * random.standard_normal((cells, len(names)))
    current = random.uniform(p.least_nA, p.most_nA, cells)
    direction = random.standard_normal((cells, len(names)))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    near = logs[:, np.newaxis] + np.array(STEPS)[:, np.newaxis] * direction[:, np.newaxis]
    sodium = np.eye(len(names))[names.index(SEGMENT_SODIUM)]
    moved = logs[:, np.newaxis] + np.log([[0.8], [1.2]]) * sodium
    ladder = (0.6, 0.8, 1.25, 1.6) if quick else (0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.25, 1.4, 1.6, 2.0)
    shown = [names.index(name) for name in SHOWN]
    changed = [np.log(by) * np.eye(len(names))[k] for k in shown for by in ladder]
    textbook = np.array([np.zeros(len(names)), *changed])
    rows = [logs, near.reshape(-1, len(names)), moved.reshape(-1, len(names)), textbook]
    currents = [current, np.repeat(current, len(STEPS)), np.repeat(current, 2)]
    return _Rows(
        factors=np.exp(np.concatenate(rows)),
        current_nA=np.concatenate([*currents, np.full(len(textbook), 0.4)]),
        cells=cells,
        direction=direction,
        changed=tuple((k, ladder) for k in shown),
    )


SHOWN = (SEGMENT_SODIUM, "initial_segment_potassium.g", "soma_sodium.g")


def _run(neuron: Neuron, names: list[str], rows: _Rows, jobs: int) -> Gradient:
    parts = {f"{one.label}.g": one.part for one in neuron.painted}
    batch = {name: rows.factors[:, k] * parts[name].g for k, name in enumerate(names)}  # type: ignore[union-attr]
    return differentiate(
        neuron,
        LENGTH,
        SpikeThreshold(start=ONSET),
        names,
        stimulus=Steps(onset=ONSET, duration=LENGTH - ONSET),
        batch={**batch, "amplitude": rows.current_nA * nA},
        dt=DT_MS * ms,
        jobs=jobs,
    )


@experiment("threshold-sensitivity", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    neuron = labelled(textbook_neuron())
    names = [f"{one.label}.g" for one in neuron.painted]
    cells = min(parameters.cells, 6) if context.quick else parameters.cells
    rows = _drawn(names, parameters, cells, context.seed, context.quick)
    found = _run(neuron, names, rows, context.jobs)
    value = np.asarray(found.value / mV)
    # By the logarithm of each conductance, in mV: shape (rows, conductances).
    slope = np.column_stack([np.asarray(found.relative(name) / mV) for name in names])
    drawn = slope[:cells]
    # Differences along one direction a cell, extrapolated to no distance at all.
    far_low, low, high, far_high = value[rows.neighbours].T
    small, large = (high - low) / (2 * STEPS[2]), (far_high - far_low) / (2 * STEPS[3])
    differences = (4 * small - large) / 3
    told = np.sum(drawn * rows.direction, axis=1)
    off = np.abs(told - differences) / np.linalg.norm(drawn, axis=1)
    at = names.index(SEGMENT_SODIUM)
    others = np.abs(np.delete(drawn, at, axis=1)).sum(axis=1)
    tangent = value[:cells, np.newaxis] + drawn[:, [at]] * np.log([0.8, 1.2])
    missed = np.abs(value[rows.moved] - tangent).max(axis=1)
    first = slope[rows.textbook]
    table = pd.DataFrame(
        {
            "conductance": names,
            "textbook_mV_per_e_fold": first,
            "least_mV_per_e_fold": drawn.min(axis=0),
            "most_mV_per_e_fold": drawn.max(axis=0),
        }
    )
    return Result(
        numbers={
            "textbook_threshold_mV": float(value[rows.textbook]),
            "segment_sodium_mV_per_e_fold": float(first[at]),
            "thresholds_mV": value[:cells].tolist(),
            "growth": float(found.growth.max()),
        },
        tables={"sensitivities": table},
        figures={"threshold-sensitivity": _figure(found, rows, names, table)},
        verdicts=[
            Verdict.of(
                "difference of a derivative from extrapolated differences, as a share",
                largest(off, "cells"),
                MOST_FROM_DIFFERENCES,
            ),
            Verdict.of(
                "the segment's sodium over all other conductances together (times)",
                mean(np.abs(drawn[:, at]) / others, "cells"),
                1.0,
                ">=",
            ),
            Verdict.of(
                "error of the tangent for a fifth fewer or more sodium channels (mV)",
                largest(missed, "cells"),
                MOST_OFF_MV,
            ),
        ],
        provenance={"neuron": neuron.to_dict()},
    )


def _said(name: str) -> str:
    """Return how a conductance is called in the figure."""
    place, _, kind = name.removesuffix(".g").rpartition("_")
    if kind == "mcurrent":
        return "M current"
    place = {"initial_segment": "segment", "dendrite": "dendrites", "": "leak"}.get(place, place)
    return place if kind == "leak" else f"{kind}, {place}"


def _figure(found: Gradient, rows: _Rows, names: list[str], table: pd.DataFrame) -> Figure:
    value = np.asarray(found.value / mV)
    with drawing(9.6, 3.3, 1, 3, width_ratios=[1, 1.35, 1.1]) as (figure, (left, middle, right)):
        time = np.asarray(found.time / ms)
        ladder = rows.changed[0][1]
        for by, colour in ((ladder[0], "orange"), (1.0, "blue"), (ladder[-1], "green")):
            row = rows.textbook + (0 if by == 1 else 1 + ladder.index(by))
            v = np.asarray(found.v[row] / mV)
            peak = int(np.argmax(v > -20))
            near = slice(max(peak - 120, 0), peak + 60)
            label = "as it is" if by == 1 else f"segment's sodium × {by:g}"
            left.plot(time[near] - time[peak], v[near], color=COLOURS[colour], label=label)
            rising = slice(max(peak - 120, 0), peak + 1)
            when = np.interp(value[row], v[rising], time[rising]) - time[peak]
            left.plot(when, value[row], "o", color=COLOURS[colour], ms=5)
        left.axhline(-55, color=GREY, lw=0.8, ls=":")
        left.set(xlabel="time (ms)", ylabel="somatic potential (mV)", title="Onset of one spike")
        left.set(xlim=(-1.25, 0.15), ylim=(-62, -25))
        left.legend(loc="upper left", fontsize=7, handlelength=1.2)
        ordered = table.assign(size=table["textbook_mV_per_e_fold"].abs()).sort_values("size")
        place = np.arange(len(ordered))
        # In mV for one tenth more, where an e-fold is too much to picture.
        tenth = np.log(1.1)
        middle.barh(place, tenth * ordered["textbook_mV_per_e_fold"], color=COLOURS["sky"])
        middle.hlines(
            place, tenth * ordered["least_mV_per_e_fold"], tenth * ordered["most_mV_per_e_fold"],
            color=INK, lw=1.4,
        )  # fmt: skip
        middle.axvline(0, color=GREY, lw=0.8)
        middle.set_yticks(place, [_said(name) for name in ordered["conductance"]], fontsize=7)
        middle.set(xlabel="threshold, for 10 % more (mV)", title="What moves it")
        for k, (which, ladder) in enumerate(rows.changed):
            first = rows.textbook + 1 + k * len(ladder)
            colour = list(COLOURS.values())[(0, 3, 2)[k]]
            right.plot(ladder, value[first : first + len(ladder)], "o", color=colour, ms=4)
            fine = np.geomspace(ladder[0], ladder[-1], 50)
            slope = float(table["textbook_mV_per_e_fold"].iloc[which])
            line = value[rows.textbook] + slope * np.log(fine)
            right.plot(fine, line, color=colour, lw=1, label=_said(names[which]))
        right.set_xscale("log")
        ticks = [one for one in (0.5, 0.7, 1.0, 1.4, 2.0) if ladder[0] <= one <= ladder[-1]]
        right.set_xticks(ticks, [f"{one:g}" for one in ticks])
        right.minorticks_off()
        right.set(xlabel="conductance (times)", ylabel="threshold (mV)", title="Tangents and runs")
        right.legend(loc="lower left", fontsize=7, handlelength=1.2)
    return figure
