"""The spike starts at the far end of the initial segment, where sodium channels open first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import cm, ms, mV, nA, ohm, uF, um
from matplotlib.figure import Figure

from experiments.gallery.neurons.cortical_channels import (
    SLOW,
    CalciumGatedPotassium,
    CorticalCalcium,
    CorticalPotassium,
    CorticalSodium,
    of_density,
)
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import Neuron, Steps, simulate
from neurosim.channels import CalciumPool, Channel, Leak
from neurosim.describe.parts import Cable
from neurosim.errors import ParameterError
from neurosim.morphology import (
    Morphology,
    PerBranch,
    at,
    branch,
    cone,
    cylinder,
    read_swc,
    tagged,
)
from neurosim.run.neuron_run import NeuronRecording

__all__ = ["PROGRAM", "cell_of"]

CLAIM = (
    "In a layer-5 pyramidal cell the spike starts 47 µm from the soma, near the far end of the "
    "initial segment, and reaches the soma half a millisecond later; without the high-threshold "
    "sodium channels of the segment it takes 3 ms, as in the model of Hu and colleagues (2009)."
)

# Shares of the largest density along hillock and ten pieces of the segment, 5 µm each: of Nav1.2
# and of Nav1.6 among all sodium channels, of all sodium channels, and of potassium channels.
_HIGH = (1, 0.96, 0.9, 0.75, 0.55, 0.366985879, 0.2, 0.100330761, 0.011532125, 0, 0)
_LOW = (0, 0.04, 0.1, 0.25, 0.45, 0.633014121, 0.8, 0.899669239, 0.988467875, 1, 1)
_ALL = (0.8, 1, 1, 1, 0.95, 0.880142857, 0.75, 0.647857143, 0.520285714, 0.428571429, 0.342857143)
_POTASSIUM = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1)
_MYELIN = 14

# By case: half activation of Nav1.2 (mV), and its largest density in the segment (pS/µm²).
CASES = {
    "as published": (-30.0, 3200.0),
    "Nav1.2 of low threshold": (-43.0, 3200.0),
    "no Nav1.2 in the segment": (-30.0, 0.0),
}
# The program published with the paper (ModelDB 123897), run in NEURON 9.0.2 at a time step of 2.5
# µs with 1 nA into the soma: where 0 mV is first crossed (µm from the soma), and how much later the
# middle of the soma crosses it (ms).
PROGRAM = {
    "as published": {"site_um": 46.75, "lead_ms": 0.4606},
    "Nav1.2 of low threshold": {"site_um": 40.25, "lead_ms": 0.4681},
    "no Nav1.2 in the segment": {"site_um": 47.75, "lead_ms": 3.0486},
}


@dataclass(frozen=True)
class Parameters:
    """The shape of soma and dendrites, the injected current, and the time step.

    `morphology` is an SWC file of the published cell (ModelDB 123897) with the folded area of its
    spines: the soma a chain that ends where the axon begins, dendrites of type 3.
    """

    morphology: str = "hu.swc"
    current_nA: float = 1.0
    until_ms: float = 14.0
    dt_ms: float = 0.005


def _shape(morphology: str) -> tuple[Morphology, dict[str, int]]:
    """Return the cell with its axon, and compartments by branch."""
    if not Path(morphology).is_file():
        raise ParameterError(
            f"no cell at {morphology!r}: give soma and dendrites of the published cell (ModelDB "
            "123897) as an SWC file with --set morphology=PATH"
        )
    whole = read_swc(morphology)
    counts = {
        name: 1 + int(float(whole[name].length) * 1e6 / 40)
        for name, tag in zip(whole.names, whole.tags, strict=True)
        if tag != "soma"
    }
    (soma,) = (n for n, tag in zip(whole.names, whole.tags, strict=True) if tag == "soma")
    counts[soma] = 11
    end = soma

    def add(piece: Morphology, pieces: int) -> None:
        nonlocal whole, end
        (name,) = piece.names
        whole = whole.join(piece, end, at=1)
        counts[name], end = pieces, name

    # Diameters (µm) along hillock and segment; the rest follows from the area of the soma.
    for k, (d0, d1) in enumerate(((6, 3.8), (3.8, 2.8), (2.8, 1.7), (1.7, 1.3))):
        add(cone(2.5 * um, d0 * um, d1 * um, name=f"hillock[{k}]", tag="hillock"), 3)
    for k in range(10):
        d0, d1 = ((1.7, 1.5), (1.5, 1.22))[k] if k < 2 else (1.22, 1.22)
        add(cone(5 * um, d0 * um, d1 * um, name=f"segment[{k}]", tag="initial_segment"), 10)
    add(cylinder(400 * um, 1.0078 * um, name="bare", tag="axon"), 100)
    for k in range(_MYELIN):
        add(cylinder(100 * um, 1.2093 * um, name=f"myelin[{k}]", tag="internode"), 5)
        add(cylinder(1 * um, 0.907 * um, name=f"node[{k}]", tag="node"), 1)
    return whole, counts


def _sodium(density: float, half: float, slope: float, name: str) -> Channel:
    """Return a sodium channel of the program, whose curves are shifted with their half."""
    return of_density(
        CorticalSodium, density, shift=(half + 45) * mV, half=-43 * mV, slope=slope * mV,
        half_h=-72 * mV, name=name,
    )  # fmt: skip


def _potassium(density: float) -> Channel:
    return of_density(CorticalPotassium, density)


def cell_of(morphology: str, half_high: float = -30.0, high: float = 3200.0) -> Neuron:
    """Return the cell, with the half activation (mV) and density (pS/µm²) of its Nav1.2.

    References
    ----------
    Hu, Tian, Li, Yang, Hou and Shu (2009), Nat Neurosci 12:996.
    """
    whole, counts = _shape(morphology)
    cell = Neuron(whole, PerBranch(1, counts), celsius=37.0, rest=-70 * mV)
    soma, dendrites = tagged("soma"), tagged("basal")
    everywhere = [*counts]
    cell = cell.paint(Cable(R_a=150 * ohm * cm, C_m=0.5 * uF / cm**2))
    cell = cell.paint(Cable(R_a=150 * ohm * cm, C_m=1 * uF / cm**2), soma)
    myelin = [name for name in everywhere if name.startswith("myelin")]
    nodes = [name for name in everywhere if name.startswith("node")]
    cell = cell.paint(Cable(R_a=150 * ohm * cm, C_m=0.02 * uF / cm**2), branch(*myelin))
    others = branch(*(name for name in everywhere if name not in nodes))
    cell = cell.paint(Leak(g=1 / (30_000 * ohm * cm**2), E=-70 * mV), others)
    cell = cell.paint(Leak(g=0.02 / (ohm * cm**2), E=-70 * mV), branch(*nodes))
    for where, potassium in ((soma, 20.0), (dendrites, 10.0)):
        parts: list[Any] = [
            _sodium(80, -30, 7, "sodium"),
            _potassium(potassium),
            of_density(CorticalPotassium, 0.3, **SLOW),
            of_density(CalciumGatedPotassium, 3),
            of_density(CorticalCalcium, 0.3),
            CalciumPool(free=1, tau=200 * ms),
        ]
        cell = cell.paint(parts, where)
    hillock = [f"hillock[{k}]" for k in range(4)]
    places = [branch(*hillock), *(branch(f"segment[{k}]") for k in range(10))]
    for place, n12, n16, both, kv in zip(places, _HIGH, _LOW, _ALL, _POTASSIUM, strict=True):
        cell = cell.paint(
            [
                _sodium(high * n12 * both, half_high, 7, "high_sodium"),
                _sodium(3200 * n16 * both, -43, 6, "low_sodium"),
                _potassium(1000 * kv),
            ],
            place,
        )
    cell = cell.paint([_sodium(300, -43, 6, "low_sodium"), _potassium(1500)], branch("bare"))
    cell = cell.paint(_sodium(20, -30, 7, "sodium"), branch(*myelin))
    cell = cell.paint(_sodium(1600, -43, 6, "low_sodium"), branch(*nodes))
    for name in (*hillock, *(f"segment[{k}]" for k in range(10))):
        for j in range(counts[name]):
            middle = at(name, (j + 0.5) / counts[name])
            cell = cell.probe("v", middle, label=f"{name}_{j}".replace("[", "_").replace("]", ""))
    (body,) = (n for n, tag in zip(whole.names, whole.tags, strict=True) if tag == "soma")
    return cell.probe("v", at(body, 0.55), label="soma")


def _crossing(time: np.ndarray, v: np.ndarray) -> float:
    """Return when 0 mV is first crossed upwards, between samples, or nan."""
    up = np.flatnonzero((v[1:] > 0) & (v[:-1] <= 0))
    if len(up) == 0:
        return float("nan")
    k = up[0]
    return float(time[k] - v[k] * (time[k + 1] - time[k]) / (v[k + 1] - v[k]))


@experiment("segment-sodium", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    p = parameters
    rows, courses = [], {}
    found: dict[str, dict[str, float]] = {}
    # Middles of the compartments of the hillock (10 µm) and of the segment (50 µm).
    places = np.concatenate([(np.arange(12) + 0.5) * 10 / 12, 10 + (np.arange(100) + 0.5) / 2])
    for name, (half, density) in CASES.items():
        recording = simulate(
            cell_of(p.morphology, half, density),
            p.until_ms * ms,
            stimulus=Steps(amplitude=p.current_nA * nA, onset=2 * ms, duration=100 * ms),
            dt=p.dt_ms * ms,
            **context.running(name),
        )
        assert isinstance(recording, NeuronRecording)
        time = np.asarray(recording.trace_time / ms)
        v = {k: np.asarray(recording.trace(k)[0] / mV) for k in recording.traces_si}
        crossed = np.array([_crossing(time, v[k]) for k in v if k != "soma"])
        first = int(np.nanargmin(crossed)) if np.isfinite(crossed).any() else 0
        found[name] = {
            "site_um": float(places[first]),
            "lead_ms": _crossing(time, v["soma"]) - float(crossed[first]),
        }
        rows.append(
            {
                "case": name,
                **found[name],
                "program_site_um": PROGRAM[name]["site_um"],
                "program_lead_ms": PROGRAM[name]["lead_ms"],
            }
        )
        courses[name] = crossed - crossed[first]
    table = pd.DataFrame(rows)
    sites = (table["site_um"] - table["program_site_um"]).abs()
    leads = (table["lead_ms"] / table["program_lead_ms"] - 1).abs()
    return Result(
        numbers=dict(found),
        tables={"cases": table},
        figures={"segment-sodium": _figure(places, courses)},
        verdicts=[
            Verdict("largest distance of the site from the program's (µm)", float(sites.max()), 5),
            Verdict(
                "largest difference of a lead from the program (%)", 100 * float(leads.max()), 10
            ),
        ],
    )


def _figure(places: np.ndarray, courses: dict[str, np.ndarray]) -> Figure:
    with drawing(6.0, 3.4) as (figure, axes):
        colours = ("blue", "vermilion", "green")
        for (name, later), colour in zip(courses.items(), colours, strict=True):
            axes.plot(places, later, color=COLOURS[colour], label=name)
            axes.plot(PROGRAM[name]["site_um"], 0, "o", ms=7, mfc="none", color=COLOURS[colour])
        axes.axvline(10, color=GREY, lw=0.8, ls=":")
        axes.set(
            xlabel="distance from the soma (µm)", ylabel="delay behind the first place (ms)",
            title="Where the spike starts (circles: published program)",
        )  # fmt: skip
        axes.legend()
    return figure
