"""Draw the figures of bench.md from the runs of its own code.

python docs/draw_bench.py          every figure, into docs/figures
python docs/draw_bench.py NAME     one figure, such as bench_electrode
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import mV

from experiments.kit.style import COLOURS, GREY, INK, drawing, figure_style
from neurosim.channels import HHPotassium, HHSodium

HERE = Path(__file__).resolve().parent
Names = dict[str, Any]


def session(page: Path) -> Names:
    """Run the Python blocks of a page one after the other and return what they define."""
    names: Names = {"__name__": "page"}
    for block in re.finditer(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(block[1], str(page), "exec"), names)
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


FIGURES: dict[str, Callable[[Names], Any]] = {
    one.__name__: one
    for one in (
        bench_voltage_clamp,
        bench_series_resistance,
        bench_gating,
        bench_dynamic_clamp,
        bench_electrode,
    )
}


def main() -> None:
    """Draw the figures that are asked for, all by default."""
    names = session(HERE / "bench.md")
    for name in sys.argv[1:] or FIGURES:
        figure = FIGURES[name](names)
        with figure_style():
            figure.savefig(HERE / "figures" / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
