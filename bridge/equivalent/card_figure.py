"""The pictures of a card: voltage, raster, f-I curve with its unit and band, and the residual."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.choice.intervals import covariance
from bridge.choice.selection import UnitFit
from bridge.counts.sufficient_statistics import SufficientStatistics
from bridge.equivalent.equivalent_unit import EquivalentUnit
from bridge.units.fitting import problem

__all__ = ["card_style", "draw_panels", "unit_band"]

Array = NDArray[np.float64]

# Okabe and Ito (2008), as everywhere in this project.
BLUE, ORANGE, VERMILION, SKY, GREY, INK = (
    "#0072B2", "#E69F00", "#D55E00", "#56B4E9", "#8A8A8A", "#222222",
)  # fmt: skip

_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "figure.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "neurosim",
    "pdf.fonttype": 42,
}


@contextmanager
def card_style() -> Iterator[None]:
    """Draw in the house style without touching the caller's settings."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        yield


def unit_band(
    fit: UnitFit, found: EquivalentUnit, current: Array, draws: int = 400, seed: int = 0
) -> tuple[Array, Array]:
    """Where the unit's rate may lie, from the curvature of its likelihood.

    Parameters
    ----------
    fit : UnitFit
    found : EquivalentUnit
        That it belongs to.
    current : ndarray, shape (n,)
        Currents (pA).
    draws : int
        Units drawn about the fitted one.
    seed : int

    Returns
    -------
    low, high : ndarray, shape (n,)
        Ends of the interval of the confidence of the selection (Hz).
    """
    selection = found.selection
    task = problem(type(fit.unit), SufficientStatistics.of(selection.curve, selection.noise.shape))
    z = task.coordinates(fit.unit.values)
    spread = covariance(task, z)
    # A number the counts do not fix wanders by no more than a factor of e, or a range of currents.
    reach = np.where(task.logarithmic, 1.0, np.ptp(selection.curve.currents))
    shrink = np.minimum(1.0, reach / np.sqrt(np.maximum(np.diag(spread), 1e-300)))
    spread = spread * np.outer(shrink, shrink)
    random = np.random.default_rng(seed)
    drawn = random.multivariate_normal(z, spread, draws, method="eigh", check_valid="ignore")
    theta = task.theta(np.clip(drawn, task.lower, task.upper))
    rate = task.family.evaluate(theta, current, **task.settings)
    tail = 50 * (1 - selection.confidence)
    low, high = np.percentile(rate, [tail, 100 - tail], axis=0)
    return low, high


def draw_panels(figure: Any, found: EquivalentUnit) -> None:
    """Draw the four panels into a figure or a part of one.

    Parameters
    ----------
    figure : matplotlib Figure or SubFigure
    found : EquivalentUnit
    """
    if found.responses is None:
        curve, residual = figure.subplots(2, 1, height_ratios=[2.2, 1], sharex=True)
    else:
        axes = figure.subplots(2, 2, height_ratios=[2.2, 1.3], width_ratios=[1.1, 1])
        voltage, raster = axes[:, 0]
        curve, residual = axes[:, 1]
        residual.sharex(curve)
        _voltage(voltage, found)
        _raster(raster, found)
    _curve(curve, found)
    _residual(residual, found)


def _voltage(axes: Any, found: EquivalentUnit) -> None:
    assert found.responses is not None
    traces = found.responses.traces
    axes.set_title("Membrane potential")
    if not traces:
        axes.text(0.5, 0.5, "not recorded", ha="center", transform=axes.transAxes, color=GREY)
        axes.set_axis_off()
        return
    high = max(float(np.percentile(t.voltage_mV, 99.9)) for t in traces)
    low = min(float(np.percentile(t.voltage_mV, 0.1)) for t in traces)
    gap = 1.12 * max(high - low, 20.0)
    for k, trace in enumerate(traces):
        # Thin out what no screen or printer shows.
        stride = max(1, len(trace.time_s) // 4000)
        axes.plot(
            1e3 * trace.time_s[::stride],
            trace.voltage_mV[::stride] + k * gap,
            color=INK,
            lw=0.6,
            rasterized=True,
        )
        axes.annotate(
            f"{trace.current_pA:.4g} pA",
            (1.0, low + k * gap + 0.15 * gap),
            xycoords=("axes fraction", "data"),
            ha="left",
            fontsize=7,
            color=BLUE,
        )
    left = 1e3 * float(traces[0].time_s[0])
    axes.plot([left, left], [high - 50, high], color=VERMILION, lw=1.6, solid_capstyle="butt")
    axes.annotate(
        "50 mV",
        (left, high - 25),
        (-3, 0),
        textcoords="offset points",
        rotation=90,
        ha="right",
        va="center",
        fontsize=6.5,
        color=VERMILION,
    )
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("time since the onset (ms)")


def _raster(axes: Any, found: EquivalentUnit) -> None:
    assert found.responses is not None
    responses = found.responses
    # One row a current: the first trial of each.
    _, first = np.unique(responses.current_pA, return_index=True)
    trains = [1e3 * responses.trains[i] for i in first]
    axes.eventplot(trains, colors=INK, linelengths=0.8, linewidths=0.7)
    shown = np.unique(np.linspace(0, len(first) - 1, min(len(first), 5)).round().astype(int))
    axes.set_yticks(shown, [f"{responses.current_pA[first[i]]:.4g}" for i in shown])
    axes.set(
        title="Spikes",
        xlabel="time since the onset (ms)",
        ylabel="current (pA)",
        xlim=(0, 1e3 * responses.duration_s),
        ylim=(-0.7, len(first) - 0.3),
    )


def _curve(axes: Any, found: EquivalentUnit) -> None:
    selection = found.selection
    data = selection.curve
    currents, rates = data.currents, data.mean_rate_Hz()
    best = selection.best
    error = (
        np.sqrt(
            np.maximum(rates, 0)
            / np.bincount(np.unique(data.current_pA, return_inverse=True)[1], weights=data.window_s)
        )
        if best is None
        else best.noise_Hz
    )
    axes.errorbar(
        currents, rates, yerr=error, fmt="o", ms=3, color=INK, lw=0.8, zorder=3, label="counted"
    )
    fine = np.linspace(currents[0], currents[-1], 500)
    if best is not None:
        low, high = unit_band(best, found, fine)
        axes.fill_between(fine, low, high, color=SKY, alpha=0.4, lw=0)
        fits = best.adequate
        axes.plot(
            fine, best.unit.rate(fine), "-" if fits else ":", color=BLUE, lw=1.5,
            label=best.family if fits else f"{best.family} (does not fit)",
        )  # fmt: skip
        if best.family != "logistic" and any(f.family == "logistic" for f in selection.fits):
            axes.plot(
                fine, selection["logistic"].unit.rate(fine), "--", color=VERMILION, lw=1,
                label="logistic",
            )  # fmt: skip
    fit = found.adaptation
    if fit is not None and fit.adapts:
        onset = fit.unit.onset_rate(fine)
        axes.plot(fine, onset, "-.", color=ORANGE, lw=1, label="at onset, before adaptation")
        top = max(float((rates + error).max()), 1.0)
        axes.set_ylim(-0.04 * top, min(max(float(onset.max()), top), 3 * top) * 1.05)
    axes.set(title="f-I curve, unit and band", ylabel="firing rate (Hz)")
    axes.legend(loc="upper left")


def _residual(axes: Any, found: EquivalentUnit) -> None:
    best = found.selection.best
    axes.set(xlabel="current (pA)", ylabel="residual (Hz)", title="What the unit leaves")
    axes.axhline(0, color=GREY, lw=0.8)
    if best is None:
        axes.text(
            0.5, 0.6, "refused before fitting", ha="center", transform=axes.transAxes, color=GREY
        )
        return
    axes.fill_between(
        best.current_pA, -best.noise_Hz, best.noise_Hz, color=GREY, alpha=0.25, lw=0,
        label="counting noise",
    )  # fmt: skip
    axes.plot(best.current_pA, best.residual_Hz, "o-", ms=2.5, lw=0.8, color=BLUE)
    if best.family != "logistic":
        for fit in found.selection.fits:
            if fit.family == "logistic":
                axes.plot(fit.current_pA, fit.residual_Hz, "--", lw=0.9, color=VERMILION)
    axes.legend(loc="lower left")
