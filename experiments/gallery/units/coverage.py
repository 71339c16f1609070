"""How often 95 % intervals and bands of a unit hold the truth, and whether p is uniform."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import mV, pA
from joblib import Parallel, delayed
from scipy.stats import binom

from bridge.choice.interval_coverage import (
    NOISES,
    TOP_PA,
    draw_counts_of,
    examine,
    noise_of,
    seed_of_cell,
    summary,
)
from bridge.choice.recovery import true_unit
from bridge.counts.curve import FICurve
from bridge.stimulate.fi_curve import fi_curve
from bridge.units import NoisyLIF, Unit
from experiments.kit.code_digest import code_digest
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import LIF, WhiteNoise
from neurosim.atomic_write import write_json
from neurosim.errors import ParameterError

CLAIM = (
    "95 % intervals of parameters that the counts determine, pointwise bands and simultaneous "
    "bands hold the truth in 95 of 100 data sets, whether counts are Poisson, regular, sparse or "
    "those of a noisy LIF neuron; intervals of other parameters hold it at least as often."
)
NAMED = ["family", "noise", "currents", "widths"]
TOGETHER = 40
"""So many data sets of a cell are done before they are kept."""
COLUMNS = ("parameters", "determined", "pointwise", "simultaneous")
"""Shares of truths held: by intervals of all parameters, by those of the parameters that the counts
determine (see `bridge.choice.interval_coverage.determines`), by bands."""
AT_LEAST = ("parameters",)
"""Columns that may hold the truth more often than they say: an interval that is to hold a number
that counts hardly tell has to be open (Dufour 1997, Econometrica 65:1365), and few truths leave
it."""
TOLD = 50.0
"""A cell is judged by its determined parameters where these are so many of all (%)."""
CELL, POOLED = (91.0, 98.0), (94.0, 96.0)
"""Between which the coverage of a cell and of a column is to lie (%), in 400 data sets a cell."""


def cell_limits(sets: int) -> tuple[float, float]:
    """Return between which the coverage of a cell lies (%), as wide as chance makes it.

    Examples
    --------
    >>> cell_limits(400), cell_limits(20)
    ((90.75, 98.25), (70.0, 100.0))
    """
    low, high = (100 * float(binom.ppf(p, sets, 0.95)) / sets for p in (2e-4, 1 - 2e-4))
    return min(low, CELL[0]), max(high, CELL[1])


@dataclass(frozen=True)
class Parameters:
    """Truths, kinds of noise, currents and data sets; a folder to go on from."""

    may_be_zero = ("rivals", "quick_rivals")
    families: tuple[str, ...] = (
        "logistic", "softplus", "relu", "square-root", "naka-rushton", "lif", "noisy-lif",
        "type-two", "block",
    )  # fmt: skip
    noises: tuple[str, ...] = ("poisson", "under-dispersed", "sparse")
    # A simulated LIF neuron in noise, held against Siegert's rate.
    lif_noise_mV: tuple[float, ...] = (2.0, 4.0, 8.0)
    currents: tuple[int, ...] = (5, 10, 20, 40)
    data_sets: int = 400
    quick_sets: int = 40
    trials: int = 3
    quick_currents: tuple[int, ...] = (10,)
    # Data sets of each cell in which all families compete, which takes ten times as long.
    rivals: int = 10
    quick_rivals: int = 2
    # Data sets that are done are kept in this folder; a run that was stopped goes on from there.
    keep: str = ""


@experiment("coverage", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    seeds = context.seeds(parameters.data_sets, parameters.quick_sets)
    if context.quick:
        parameters = replace(
            parameters, rivals=parameters.quick_rivals, currents=parameters.quick_currents
        )
    chosen = parameters.currents
    cells = _cells(parameters, chosen)
    told = context.task("coverage of intervals and bands")
    found = {}
    for k, cell in enumerate(cells):
        found[cell] = _cell(cell, seeds, parameters, context.jobs)
        if told is not None:
            told((k + 1) / len(cells))
    table = summary(found)
    if table["parameters"].isna().all():
        raise ParameterError(
            "coverage: every fit was refused, since these families have too many parameters for "
            f"{', '.join(map(str, chosen))} currents; take more currents"
        )
    return Result(
        numbers={"data_sets": len(seeds), "cells": len(cells), "pooled": _pooled(found)},
        tables={"coverage": table.drop(columns="widths"), "widths": table[NAMED]},
        figures={"coverage": _figure(table, len(seeds))},
        verdicts=_verdicts(table, found, len(seeds)),
    )


def _cell(
    cell: tuple[str, str, int], seeds: list[int], parameters: Parameters, jobs: int
) -> list[dict[str, Any]]:
    """All data sets of a cell, from the folder as far as the same code has made them."""
    _family, noise, _currents = cell
    place = None
    known: dict[str, Any] = {}
    code = _code(noise)
    if parameters.keep:
        place = _place(Path(parameters.keep), cell, parameters.trials)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_file():
            kept = json.loads(place.read_text(encoding="utf-8"))
            known = kept["sets"] if kept.get("code") == code else {}
    # Of the first, the choice among all families is asked for as well.
    missing = [
        seed
        for k, seed in enumerate(seeds)
        if str(seed) not in known
        or (k < parameters.rivals and not {"refused", "chosen"} & known[str(seed)].keys())
    ]
    for first in range(0, len(missing), TOGETHER):
        part = missing[first : first + TOGETHER]
        made = Parallel(n_jobs=jobs)(
            delayed(_one)(cell, parameters.trials, seed, seeds.index(seed) < parameters.rivals)
            for seed in part
        )
        known |= {str(seed): one for seed, one in zip(part, made, strict=True)}
        if place is not None:
            write_json(place, {"code": code, "sets": known})
    return [_read(known[str(seed)]) for seed in seeds]


def _code(noise: str) -> str:
    """Digest of the code that a cell rests on.

    Counts are drawn by the bridge alone; a simulated neuron rests on the simulator as well.
    """
    return code_digest("bridge.choice.interval_coverage", "bridge" if noise in NOISES else "")


def _place(folder: Path, cell: tuple[str, str, int], trials: int) -> Path:
    family, noise, currents = cell
    return folder / f"{family}-{noise}-{currents}x{trials}.json".replace(" ", "-")


def kept_table(folder: Path, parameters: Parameters) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return what a folder named by ``keep`` holds: a row a cell, and the pooled coverage (%).

    The column ``choices`` says in how many data sets of a cell all families competed. Cells that
    other code has made are left out.
    """
    found = {}
    for cell in _cells(parameters, parameters.currents):
        place = _place(folder, cell, parameters.trials)
        if place.is_file():
            kept = json.loads(place.read_text(encoding="utf-8"))
            if kept.get("code") == _code(cell[1]):
                found[cell] = [_read(one) for one in kept["sets"].values()]
    table = summary(found)
    table["choices"] = [sum("chosen" in one for one in sets) for sets in found.values()]
    return table, _pooled(found)


def _cells(parameters: Parameters, currents: tuple[int, ...]) -> list[tuple[str, str, int]]:
    # A wrong name is refused before the first cell, which takes minutes.
    for family in parameters.families:
        true_unit(family)
    for noise in parameters.noises:
        noise_of(noise)
    drawn = [
        (family, noise, number)
        for number in currents
        for noise in parameters.noises
        for family in parameters.families
    ]
    levels = [f"LIF {level:g} mV" for level in parameters.lif_noise_mV]
    return drawn + [("noisy-lif", level, number) for number in currents for level in levels]


def _one(cell: tuple[str, str, int], trials: int, seed: int, rivals: bool) -> dict[str, Any]:
    return examine(*data_set(cell, trials, seed), seed, rivals)


def data_set(cell: tuple[str, str, int], trials: int, seed: int) -> tuple[Unit, FICurve]:
    """Return the true unit of a cell, and counts that no other cell shares its luck with."""
    family, noise, currents = cell
    own = seed_of_cell(seed, family, noise)
    if noise in NOISES:
        return draw_counts_of(family, noise, currents, trials, own)
    return _simulated(float(noise.split()[1]), currents, trials, own)


def _simulated(level_mV: float, currents: int, trials: int, seed: int) -> tuple[Unit, FICurve]:
    """Counts of a LIF neuron in white noise, whose rate is Siegert's."""
    start = np.random.default_rng([seed, currents, trials]).random()
    amounts = (np.arange(currents) + start) * TOP_PA / currents
    neuron = LIF()
    noise = WhiteNoise.for_membrane(level_mV * mV, neuron)
    curve = fi_curve(neuron, amounts * pA, trials=trials, background=noise, seed=seed)
    return NoisyLIF.from_membrane(sigma_mV=level_mV), curve


def _read(kept: dict[str, Any]) -> dict[str, Any]:
    """What JSON keeps as null is a number that there is not."""
    if "refused" in kept:
        return kept
    widths = {name: np.inf if one is None else one for name, one in kept["width"].items()}
    numbers: dict[str, Any] = {
        name: np.nan if kept[name] is None else kept[name]
        for name in ("p", "pointwise", "simultaneous", "after_choice")
        if name in kept
    }
    return {**kept, **numbers, "width": widths}


def _pooled(found: dict[tuple[str, str, int], list[dict[str, Any]]]) -> dict[str, float]:
    """Coverage of each column over all data sets that were not refused (%)."""
    fitted = [one for sets in found.values() for one in sets if "refused" not in one]
    if not fitted:
        return dict.fromkeys(COLUMNS, np.nan)
    inside = np.array([value for one in fitted for value in one["inside"].values()], dtype=float)
    known = [value for one in fitted for value in one["determined"].values()]
    return {
        "parameters": 100 * float(np.mean(inside)),
        "determined": 100 * float(np.mean(inside[known])) if any(known) else np.nan,
        "pointwise": 100 * float(np.nanmean([one["pointwise"] for one in fitted])),
        "simultaneous": 100 * float(np.nanmean([one["simultaneous"] for one in fitted])),
    }


def _verdicts(
    table: pd.DataFrame, found: dict[tuple[str, str, int], list[dict[str, Any]]], sets: int
) -> list[Verdict]:
    """Bars for 400 data sets; with fewer they are as wide as chance makes them."""
    slack = max(1.0, 100 * 3 * np.sqrt(0.95 * 0.05 / (sets * max(len(table), 1))))
    verdict = partial(Verdict, draws=sets, method="bar for shares", draws_are="data sets a cell")
    verdicts = []
    for name, pooled in _pooled(found).items():
        cells, independent = table[name], sets
        if name == "determined":
            cells = cells[table["share_determined"] >= TOLD]
            independent = max(int(sets * TOLD / 100), 1)
        if cells.isna().all():
            continue
        least, most = cell_limits(independent)
        verdicts += [
            verdict(f"{name}: pooled coverage (%), low side", pooled, 95 - slack, ">="),
            verdict(f"{name}: lowest coverage of a cell (%)", cells.min(), least, ">="),
        ]
        if name not in AT_LEAST:
            verdicts += [
                verdict(f"{name}: pooled coverage (%), high side", pooled, 95 + slack),
                verdict(f"{name}: highest coverage of a cell (%)", cells.max(), most),
            ]
    few, many = (100 * float(binom.ppf(p, sets, 0.05)) / sets for p in (2e-4, 1 - 2e-4))
    low, high = table["p_below_05"].min(), table["p_below_05"].max()
    smallest = float((np.sort(table["ks"].dropna()) * np.arange(table["ks"].count(), 0, -1)).min())
    return [
        *verdicts,
        verdict("p < .05: smallest share of a cell (%)", low, min(few, 2.0), ">="),
        verdict("p < .05: largest share of a cell (%)", high, max(many, 8.5)),
        verdict("p uniform: smallest Kolmogorov-Smirnov p after Holm", smallest, 0.01, ">="),
    ]


def _figure(table: pd.DataFrame, sets: int) -> Any:
    with drawing(7.2, 0.13 * len(table) + 1.6) as (figure, axes):
        rows = np.arange(len(table))[::-1]
        axes.axvspan(*CELL, color=COLOURS["sky"], alpha=0.3, lw=0, label="91 to 98 %")
        axes.axvline(95, color=GREY, lw=0.8)
        for name, colour in zip(COLUMNS, ("purple", "blue", "green", "orange"), strict=True):
            axes.plot(table[name], rows, "o", ms=3, color=COLOURS[colour], label=name)
        names = table["family"] + ", " + table["noise"] + ", " + table["currents"].astype(str)
        axes.set_yticks(rows, names, fontsize=5)
        axes.set(
            xlabel=f"truth inside the 95 % interval or band (% of {sets} data sets)",
            title="How often intervals and bands hold the truth",
            xlim=(min(80.0, float(table[list(COLUMNS)].min().min()) - 2), 101),
        )
        axes.legend(fontsize="small", loc="lower left")
    return figure
