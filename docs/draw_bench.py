"""Draw the figures of bench.md from the runs of its own code.

python docs/draw_bench.py          every figure, into docs/figures
python docs/draw_bench.py NAME     one figure, such as bench_electrode
"""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import ms, mV, pA, second, um

from experiments.kit.style import COLOURS, GREY, INK, drawing, figure_style
from neurosim import simulate
from neurosim.channels import HHPotassium, HHSodium
from neurosim.drawing.cable import mark_sites
from neurosim.morphology import plot_morphology
from neurosim.outside import ElectrodeArray

HERE = Path(__file__).resolve().parent
Names = dict[str, Any]


def session(page: Path) -> Names:
    """Run the Python blocks of a page one after the other and return what they define."""
    names: Names = {"__name__": "page"}
    for block in re.finditer(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(block[1], str(page), "exec", dont_inherit=True), names)
    return names


def series(run: Any, name: str, unit: float) -> tuple[np.ndarray, np.ndarray]:
    """Return times in ms, and traces over a unit."""
    return run.trace_time_s * 1e3, run.traces_si[name] / unit


def in_mV(level: float) -> str:
    """Return a potential as an axis writes it."""
    return f"{level:.0f} mV".replace("-", "\N{MINUS SIGN}")


def shades(count: int) -> list[Any]:
    """Return colours of a family, from light to dark."""
    from matplotlib import colormaps

    return list(colormaps["viridis"](np.linspace(0.85, 0.05, count)))


def bench_voltage_clamp(names: Names) -> Any:
    """Command and currents of the family."""
    run, levels = names["family"], np.asarray(names["tests"]) * 1e3
    with drawing(6.4, 3.9, 2, 1, sharex=True, height_ratios=(1, 2.4)) as (figure, (top, low)):
        for row, (level, colour) in enumerate(zip(levels, shades(len(levels)), strict=True)):
            t, v = series(run, "v", 1e-3)
            _, i = series(run, "stimulus.current", 1e-9)
            top.plot(t, v[row], color=colour)
            # The capacitive current of one time step would hide the others.
            near = np.any(np.abs(t[:, None] - np.array([2.005, 10.005, 14.005])) < 4e-3, axis=1)
            low.plot(t[~near], i[row][~near], color=colour)
            x = np.searchsorted(t, 9.9)
            if level in (-60, 0, 20, 40, 60):
                low.annotate(
                    in_mV(level), (t[x], i[row][x]), (-4, 3), textcoords="offset points",
                    color=colour, fontsize=8, ha="right", va="bottom",
                )  # fmt: skip
        top.set_ylabel("potential (mV)")
        low.set_ylabel("current (nA)")
        low.set_xlabel("time (ms)")
        top.set_title("Command")
        low.set_title("Current, outward positive")
        low.set_xlim(0, 16)
    return figure


def bench_series_resistance(names: Names) -> Any:
    """Potential and current with four series resistances."""
    run = names["through"]
    said = ("ideal", "5 MΩ", "10 MΩ", "10 MΩ, 80 % compensated")
    colours = (INK, COLOURS["blue"], COLOURS["vermilion"], COLOURS["orange"])
    with drawing(6.4, 2.9, 1, 2) as (figure, (left, right)):
        t, v = series(run, "v", 1e-3)
        _, i = series(run, "stimulus.current", 1e-9)
        for row, (name, colour) in enumerate(zip(said, colours, strict=True)):
            style = "--" if row == 3 else "-"
            left.plot(t, v[row], style, color=colour, label=name, linewidth=1.3)
            # The ideal clamp charges the membrane in one step, far off the axis.
            seen = np.abs(t - 1.005) > 4e-3 if row == 0 else np.ones(len(t), dtype=bool)
            right.plot(t[seen], i[row][seen], style, color=colour, linewidth=1.3)
        for axes in (left, right):
            axes.set_xlim(0.5, 6)
            axes.set_xlabel("time (ms)")
        left.set_ylabel("membrane potential (mV)")
        right.set_ylabel("current (nA)")
        left.set_ylim(-85, 45)
        right.set_ylim(-28, 28)
        figure.legend(loc="outside upper center", ncols=4)
    return figure


def bench_gating(names: Names) -> Any:
    """Current-voltage relation, gates, and tails."""
    fine = np.linspace(-120, 60, 200)
    n = np.asarray(HHPotassium().gates(fine * mV)["n"].steady)
    h = np.asarray(HHSodium().gates(fine * mV)["h"].steady)
    with drawing(8.4, 2.8, 1, 3) as (figure, (left, middle, right)):
        relation = names["relation"]
        left.axhline(0, color=GREY, linewidth=0.8)
        x = np.asarray(relation.potential) * 1e3
        left.plot(x, np.asarray(relation.peak) * 1e9, "o-", color=COLOURS["blue"], markersize=4)
        left.set_title("Sodium, peak")
        left.set_xlabel("test potential (mV)")
        left.set_ylabel("current (nA)")
        for curve, law, colour in (
            (names["potassium"], n**4, COLOURS["vermilion"]),
            (names["sodium"], h, COLOURS["blue"]),
        ):
            x = np.asarray(curve.potential) * 1e3
            size = np.interp(x[np.argmax(curve.normalised)], fine, law)
            middle.plot(fine, law, color=colour, linewidth=1)
            middle.plot(x, curve.normalised * size, "o", color=colour, markersize=4, mfc="none")
        middle.text(-118, 0.55, "h of\nsodium", color=COLOURS["blue"], fontsize=8)
        middle.text(8, 0.45, "n⁴ of\npotassium", color=COLOURS["vermilion"], fontsize=8)
        middle.set_title("Gates at steady state")
        middle.set_xlabel("potential (mV)")
        middle.set_ylim(-0.05, 1.08)
        tails = names["tails"]
        t = np.asarray(tails.time) * 1e3
        volts = np.asarray(tails.potential) * 1e3
        for trace, level, colour in zip(tails.current, volts, shades(len(volts)), strict=True):
            right.plot(t, np.asarray(trace) * 1e9, color=colour, linewidth=1.3)
            right.annotate(
                in_mV(level), (0, np.asarray(trace)[0] * 1e9), (-3, 0), fontsize=8,
                textcoords="offset points", ha="right", va="center", color=colour,
            )  # fmt: skip
        right.set_xlim(-4.8, 12)
        right.set_xticks([0, 4, 8, 12])
        right.set_title("Potassium, tails")
        right.set_xlabel("time after the step (ms)")
        right.set_ylabel("current (nA)")
    return figure


def bench_point_clamp(names: Names) -> Any:
    """Currents of LIF under clamp, and the gate of the squid read back."""
    fine = np.linspace(-105, 65, 200)
    n = np.asarray(HHPotassium().gates(fine * mV)["n"].steady)
    with drawing(6.8, 2.8, 1, 2) as (figure, (left, right)):
        t, i = series(names["leaky"], "stimulus.current", 1e-12)
        _, v = series(names["leaky"], "v", 1e-3)
        # The capacitive current of one time step would hide the others.
        slow = np.append(np.abs(np.diff(v[0])) < 1, True) & np.insert(
            np.abs(np.diff(v[0])) < 1, 0, True
        )
        slow[0] = False  # no step has been made
        left.plot(t[slow], i[0][slow], color=INK)
        left.set_title("LIF: the leak")
        left.set_xlabel("time (ms)")
        left.set_ylabel("current (pA)")
        curve = names["squid"]
        x = np.asarray(curve.potential) * 1e3
        size = np.interp(x[np.argmax(curve.normalised)], fine, n**4)
        right.plot(fine, n**4, color=COLOURS["vermilion"], linewidth=1)
        right.plot(
            x, curve.normalised * size, "o", color=COLOURS["vermilion"], markersize=4, mfc="none"
        )
        right.set_title("HodgkinHuxley: n⁴")
        right.set_xlabel("potential (mV)")
    return figure


def bench_dynamic_clamp(names: Names) -> Any:
    """Conductance, potential and current."""
    run = names["driven"]
    said = (("stimulus.conductance", 1e-9, "conductance (nS)"), ("v", 1e-3, "potential (mV)"),
            ("stimulus.current", 1e-9, "current (nA)"))  # fmt: skip
    with drawing(8.4, 2.5, 1, 3) as (figure, panels):
        for axes, (name, unit, label) in zip(panels, said, strict=True):
            t, values = series(run, name, unit)
            for row, (scale, colour) in enumerate(zip((0.03, 0.1, 1), shades(3), strict=True)):
                axes.plot(t, values[row], color=colour, label=f"{12 * scale:g} nS")
            axes.set_xlabel("time (ms)")
            axes.set_ylabel(label)
        panels[0].legend()
    return figure


def bench_electrode(names: Names) -> Any:
    """What the amplifier shows."""
    run = names["shown"]
    colours = (COLOURS["vermilion"], COLOURS["orange"], COLOURS["blue"])
    with drawing(6.4, 3.0) as (figure, axes):
        t, shown = series(run, "stimulus.recorded", 1e-3)
        _, v = series(run, "v", 1e-3)
        said = ("bridge off", "bridge 40 MΩ", "bridge balanced, 50 MΩ")
        for row, (name, colour) in enumerate(zip(said, colours, strict=True)):
            axes.plot(t, shown[row], color=colour, label=name, linewidth=1.3)
        axes.plot(t, v[0], color=INK, label="membrane potential", linewidth=1.3)
        axes.set_xlabel("time (ms)")
        axes.set_ylabel("potential (mV)")
        figure.legend(loc="outside upper center", ncols=4)
    return figure


def bench_pulses(names: Names) -> Any:
    """Two trains and the potential."""
    with drawing(6.4, 3.6, 3, 1, sharex=True, height_ratios=(2, 2, 0.8)) as (figure, rows):
        run = names["pulsed"]
        t, v = series(run, "v", 1e-3)
        _, current = series(run, "stimulus.current", 1e-9)
        colours = (COLOURS["blue"], COLOURS["vermilion"])
        for row, (period, colour) in enumerate(zip((12, 6), colours, strict=True)):
            rows[row].plot(t, v[row], color=colour)
            rows[row].set_title(f"Period {period} ms")
            rows[row].set_ylabel("potential (mV)")
            rows[2].fill_between(t, row, row + current[row] / 0.25, color=colour, linewidth=0)
        rows[2].set_yticks([])
        rows[2].set_ylabel("pulses")
        rows[2].set_title("Pulses of 0.2 nA")
        rows[2].set_xlabel("time (ms)")
    return figure


def bench_strength_duration(names: Names) -> Any:
    """Thresholds and the two laws."""
    with drawing(4.8, 3.2) as (figure, axes):
        names["found"].plot(ax=axes)
    return figure


def bench_states(names: Names) -> Any:
    """The run in one piece, and in two."""
    with drawing(6.4, 2.4) as (figure, axes):
        t, v = series(names["whole"], "v", 1e-3)
        axes.plot(t, v[0], color=GREY, alpha=0.6, linewidth=4, label="200 ms in one piece")
        for run, colour, label in (
            (names["first"], COLOURS["blue"], "first 120 ms"),
            (names["later"], COLOURS["vermilion"], "from its end on"),
        ):
            t, v = series(run, "v", 1e-3)
            axes.plot(t, v[0], color=colour, linewidth=1, label=label)
        axes.set_xlabel("time (ms)")
        axes.set_ylabel("potential (mV)")
        figure.legend(loc="outside upper center", ncols=3)
    return figure


def bench_courses(names: Names) -> Any:
    """Spikes while TTX washes in, and while the bath cools."""
    with drawing(6.4, 5.2, 4, 1, sharex=True, sharey=True) as (figure, rows):
        t, v = series(names["washed"], "v", 1e-3)
        shown = [
            (v[row], (50, 50 + wash), COLOURS["blue"], f"TTX within {wash} ms")
            for row, wash in enumerate((20, 60, 120))
        ]
        t, v = series(names["cooled"], "v", 1e-3)
        shown.append((v[0], (50, 150), COLOURS["vermilion"], "From 16 to 4 °C"))
        for axes, (trace, change, colour, title) in zip(rows, shown, strict=True):
            axes.axvspan(*change, color=GREY, alpha=0.25, linewidth=0)
            axes.plot(t, trace, color=colour, linewidth=1.3)
            axes.set_title(title)
        rows[3].set_xlabel("time (ms)")
        figure.supylabel("potential (mV)", fontsize=9)
    return figure


def bench_painted(names: Names) -> Any:
    """What was painted, over the compartments of the cell."""
    cut = names["graded"].compartments
    x, d = cut.distance_m * 1e6, cut.diameter_m * 1e6
    with drawing(8.4, 2.5, 1, 3) as (figure, (left, middle, right)):
        out = x > 0
        left.plot(x[out], 1 + x[out] / 100, ".", color=COLOURS["blue"])
        left.set_xlabel("distance from the soma (µm)")
        left.set_title("h-current: times g")
        middle.plot(d, -70 + 5 / d, "o", color=COLOURS["vermilion"], markersize=4)
        middle.set_xlabel("diameter (µm)")
        middle.set_title("leak: E (mV)")
        right.plot(np.linspace(1, 2, len(cut)), ".", color=INK)
        right.set_xlabel("compartment")
        right.set_title("capacitance (µF/cm²)")
    return figure


def bench_temperature(names: Names) -> Any:
    """Two leaks in the cold, and calcium that receptors let in."""
    with drawing(6.8, 2.7, 1, 2) as (figure, (left, right)):
        for (q10, run), colour in zip(
            names["chilled"].items(), (GREY, COLOURS["blue"]), strict=True
        ):
            t, v = series(run, "v", 1e-3)
            left.plot(t, v[0], color=colour, label=f"q10 {q10}")
        left.axvspan(150, 350, color=GREY, alpha=0.2, linewidth=0)
        left.set_title("From 33 to 13 °C")
        left.set_xlabel("time (ms)")
        left.set_ylabel("potential (mV)")
        left.legend(frameon=False)
        t, ca = series(names["calcium"], "ca", 1e-6)
        right.plot(t, ca[0], color=COLOURS["vermilion"])
        right.set_title("NMDA receptors fill a pool")
        right.set_xlabel("time (ms)")
        right.set_ylabel("calcium (nM)")
        right.set_ylim(0, None)
    return figure


def bench_distance(names: Names) -> Any:
    """The contacts of one cell on the sheet, and how probable contacts are."""
    places, pairs = names["places"], names["joined"]
    away = np.linalg.norm(places[:, None] - places[None], axis=2)
    middle = np.argmin(np.linalg.norm(places - 250, axis=1))
    with drawing(6.8, 3.0, 1, 2) as (figure, (left, right)):
        for _, target in pairs[pairs[:, 0] == middle]:
            left.plot(*places[[middle, target]].T, color=COLOURS["blue"], linewidth=0.7)
        left.plot(*places.T, ".", color=GREY, markersize=3)
        left.plot(*places[middle], "o", color=COLOURS["vermilion"], markersize=5)
        left.set_aspect("equal")
        left.set_xlabel("x (µm)")
        left.set_ylabel("y (µm)")
        edges = np.arange(0, 261, 20)
        of_all = np.histogram(away[~np.eye(len(places), dtype=bool)], edges)[0]
        of_joined = np.histogram(away[pairs[:, 0], pairs[:, 1]], edges)[0]
        right.stairs(of_joined / of_all, edges, color=COLOURS["blue"], label="drawn")
        fine = np.linspace(0, 260, 400)
        law = np.where(fine <= 200, names["near"](fine), 0)
        right.plot(fine, law, color=INK, linewidth=1, label="rule")
        right.set_xlabel("distance (µm)")
        right.set_ylabel("share of pairs in contact")
        right.legend(frameon=False)
    return figure


def bench_scheme(names: Names) -> Any:
    """Potential, and the share of channels in each state."""
    run = names["scheme"]
    with drawing(6.4, 3.8, 2, 1, sharex=True) as (figure, (top, low)):
        t, v = series(run, "v", 1e-3)
        top.plot(t, v[0], color=INK)
        top.set_ylabel("potential (mV)")
        for state, colour in zip(("C0", "C1", "C2", "C3", "O"), shades(5), strict=True):
            low.plot(t, series(run, state, 1)[1][0], color=colour, label=state)
        low.set_ylabel("share of channels")
        low.set_xlabel("time (ms)")
        low.set_xlim(0, 25)
        figure.legend(loc="outside lower center", ncols=5)
    return figure


def bench_pairing(names: Names) -> Any:
    """Strength of the plastic synapse at three holding potentials."""
    run = names["pairing"]
    with drawing(4.8, 2.8) as (figure, axes):
        t, change = series(run, "synapse.change", 1)
        for trace, level, colour in zip(change, (-90, -55, -10), shades(3), strict=True):
            axes.plot(t * 1e-3, 1 + trace, color=colour)
            axes.annotate(
                in_mV(level), (20, 1 + trace[-1]), (4, 0), textcoords="offset points",
                color=colour, fontsize=8, va="center", annotation_clip=False,
            )  # fmt: skip
        axes.set_xlim(0, 20)
        axes.set_ylim(0, None)
        axes.set_xlabel("time (s)")
        axes.set_ylabel("strength (times that of before)")
    return figure


def bench_sites(names: Names) -> Any:
    """The dendrite with its spines, and a mark at every head."""
    with drawing(6.4, 1.9) as (figure, axes):
        cut = names["cut"]
        plot_morphology(cut, ax=axes)
        mark_sites(axes, {"heads": cut.xyz_m[names["heads"].compartments(cut)] * 1e6})
    return figure


def bench_outside_spike(names: Names) -> Any:
    """A spike beside a cell, and its size far away."""
    away = 20.0 * 2.0 ** np.arange(11)
    side = away / np.sqrt(2)
    far = simulate(
        names["neuron"], 14 * ms, dt=0.01 * ms,
        outside=ElectrodeArray(x=(10 - side) * um, y=side * um),
    )  # fmt: skip
    with drawing(8.4, 3.2, 1, 2) as (figure, (left, right)):
        seen, beside = names["seen"].outside, names["beside"]
        t, phi = seen.time_s * 1e3, seen.values_si[0] * 1e6
        gap = 0.7 * np.ptp(phi[0])
        for row, (x, trace) in enumerate(zip(beside, phi, strict=True)):
            left.plot(t, trace - row * gap, color=COLOURS["blue"], linewidth=1.2)
            left.text(14.2, trace[-1] - row * gap, f"{x} µm", va="center", fontsize=8)
        left.plot([12, 12], [0.35 * gap, 0.35 * gap + 10], color=INK)
        left.text(12.2, 0.35 * gap + 5, "10 µV", va="center", fontsize=8)
        left.set_yticks([])
        left.spines["left"].set_visible(False)
        left.set_xlabel("time (ms)")
        left.set_title("30 µm beside the cell")
        size = np.ptp(far.outside.values_si[0], axis=1) * 1e6
        right.loglog(away, size, "o-", color=COLOURS["blue"], markersize=4, label="peak to peak")
        dipole = size[-1] * (away[-1] / away) ** 2
        right.loglog(away, dipole, ":", color=INK, label="dipole, 1/r²")
        right.set_xlabel("distance from the soma (µm)")
        right.set_ylabel("potential (µV)")
        right.set_title("Away from the cell")
        right.legend()
    return figure


def bench_outside_field(names: Names) -> Any:
    """Two spikes that leave an electrode, and thresholds against distance."""
    with drawing(8.4, 3.0, 1, 2) as (figure, (left, right)):
        found = names["excited"].matrix("v")
        picture = left.pcolormesh(
            np.asarray(found.time) * 1e3, np.asarray(found.xyz)[:, 0] * 1e3,
            np.asarray(found.values)[1].T * 1e3, shading="auto", rasterized=True,
        )  # fmt: skip
        figure.colorbar(picture, ax=left, label="potential (mV)")
        left.set_xlabel("time (ms)")
        left.set_ylabel("place on the fibre (mm)")
        # What `benchmarks/field_thresholds.py` prints stands on the page.
        rows = table("| distance (µm) |")
        for k, (name, colour) in enumerate(
            (("cathodic", COLOURS["blue"]), ("anodic", COLOURS["vermilion"]))
        ):
            right.plot(rows[:, 0], rows[:, 1 + 2 * k], color=colour, label=f"{name}, here")
            right.plot(
                rows[:, 0], rows[:, 2 + 2 * k], "o", color=colour, mfc="none",
                label=f"{name}, NEURON",
            )  # fmt: skip
        right.set_yscale("log")
        right.set_xlabel("distance (µm)")
        right.set_ylabel("threshold (µA)")
        right.legend()
    return figure


def bench_outside_fibre(names: Names) -> Any:
    """Velocity against diameter, and the spike at the nodes of two fibres."""
    # What `benchmarks/double_cable.py` prints stands on the page; the last row is another fibre.
    rows = table("| fibre (µm) |")[:5]
    with drawing(8.4, 3.0, 1, 2) as (figure, (left, right)):
        left.plot(rows[:, 0], rows[:, 1], color=COLOURS["blue"], label="here")
        left.plot(rows[:, 0], rows[:, 2], "o", color=INK, mfc="none", label="NEURON")
        left.set_xlabel("diameter of the fibre (µm)")
        left.set_ylabel("velocity (m/s)")
        left.legend()
        right.axvspan(8, 13, color=GREY, alpha=0.25, linewidth=0)
        for name, label, colour in (
            ("whole", "whole", COLOURS["blue"]),
            ("demyelinated", "90 % of the lamellae lost in grey", COLOURS["vermilion"]),
        ):
            right.plot(names["arrivals"][name], ".-", color=colour, label=label, linewidth=1.2)
        right.set_xticks([0, 5, 10, 15, 20])
        right.set_xlabel("node of Ranvier")
        right.set_ylabel("time of the spike (ms)")
        right.legend()
    return figure


def bench_dynamics(names: Names) -> Any:
    """Rest over the current, a phase plane, an impedance."""
    plane = names["plane"]
    with drawing(8.4, 6.2, 2, 2) as (figure, axes):
        names["diagram"].plot(ax=axes[0, 0])
        axes[0, 0].set_title("Squid axon")
        names["adapting"].plot(ax=axes[0, 1])
        axes[0, 1].set_title("AdEx, strong adaptation")
        paths = [
            plane.trajectory(-52 * mV, 50 * pA, 1 * second),
            plane.trajectory(-49 * mV, -20 * pA, 1 * second),
        ]
        plane.plot(ax=axes[1, 0], trajectories=paths)
        axes[1, 0].set_title("AdEx")
        names["answer"].plot(ax=axes[1, 1])
        axes[1, 1].set_title("Squid axon")
    return figure


def table(head: str) -> np.ndarray:
    """Return the numbers of the table of the page that starts with a head."""
    lines = (HERE / "bench.md").read_text(encoding="utf-8").split(head, 1)[1].splitlines()[2:]
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines)
    # A row may say more than its first number: "10, five internodes ...".
    cells = [[cell.split(",")[0] for cell in row.strip("| ").split("|")] for row in rows]
    return np.array(cells, dtype=float)


def bench_stdp(names: Names) -> Any:
    """The window of plasticity, and the weights of two inputs over time."""
    with drawing(6.4, 2.6, 1, 2) as (figure, (window, weights)):
        rule, lags = names["rule"], names["lags"]
        fine = np.linspace(-60, 60, 601)
        window.plot(fine, 60 * rule.window(fine * ms), color=GREY)
        window.plot(lags, names["changed"], "o", color=INK, markersize=3)
        window.axhline(0, color=GREY, linewidth=0.6)
        window.set_xlabel("lag of the postsynaptic spike (ms)")
        window.set_ylabel("change by 60 pairs")
        for contact, name, colour in zip((0, 1), ("early", "late"), shades(2), strict=True):
            times, values = names["course"].trace(contact)
            weights.step(np.asarray(times), values, where="post", color=colour, label=name)
        weights.set_xlabel("time (s)")
        weights.set_ylabel("weight")
        weights.set_ylim(0, 1)
        weights.legend(frameon=False)
    return figure


FIGURES: dict[str, Callable[[Names], Any]] = {
    one.__name__: one
    for one in (
        bench_voltage_clamp,
        bench_series_resistance,
        bench_gating,
        bench_point_clamp,
        bench_dynamic_clamp,
        bench_electrode,
        bench_pulses,
        bench_strength_duration,
        bench_states,
        bench_courses,
        bench_painted,
        bench_scheme,
        bench_temperature,
        bench_pairing,
        bench_sites,
        bench_outside_spike,
        bench_outside_field,
        bench_outside_fibre,
        bench_dynamics,
        bench_distance,
        bench_stdp,
    )
}


def main() -> None:
    """Draw the figures that are asked for, all by default."""
    names = session(HERE / "bench.md")
    for name in sys.argv[1:] or FIGURES:
        figure = FIGURES[name](names)
        with figure_style():
            figure.savefig(HERE / "figures" / f"{name}.svg", metadata={"Date": None}, dpi=150)


if __name__ == "__main__":
    main()
