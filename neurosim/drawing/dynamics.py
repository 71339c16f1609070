"""What equations say, drawn: branches of rest, a phase plane, an impedance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from neurosim.display import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_branches", "draw_impedance", "draw_phase_plane"]

_MARKS = {"hopf": "o", "saddle-node": "s", "zero": "D"}
_NAMES = {"hopf": "Hopf", "saddle-node": "saddle-node", "zero": "zero eigenvalue"}


def draw_branches(
    curves: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    marks: Sequence[tuple[float, float, str, float]],
    label: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw states of rest over a parameter.

    Parameters
    ----------
    curves : sequence of (ndarray, ndarray, ndarray of bool)
        Parameter, potential (mV), and whether the state is stable, along each curve.
    marks : sequence of (float, float, str, float)
        Parameter, potential (mV), kind and frequency (Hz) of each bifurcation.
    label : str
        What the parameter is, with its unit.
    ax : matplotlib Axes, optional
        Where to draw (default: a new figure).
    """
    axes = axes_or_new(ax)
    said: set[bool] = set()
    for x, v, stable in curves:
        # A piece of one kind begins with the last point of the piece before.
        cuts = [0, *(np.flatnonzero(np.diff(stable.astype(int))) + 1), len(stable)]
        for first, last in pairwise(cuts):
            rests = bool(stable[first])
            piece = slice(max(first - 1, 0), last)
            name = None if rests in said else ("stable" if rests else "unstable")
            said.add(rests)
            line = axes.plot(x[piece], v[piece], "-" if rests else "--", label=name)[0]
            line.set(color="C0" if rests else "C1", linewidth=2 if rests else 1.5)
    for kind in dict.fromkeys(mark[2] for mark in marks):
        chosen = [mark for mark in marks if mark[2] == kind]
        places = [m[0] for m in chosen], [m[1] for m in chosen]
        axes.plot(*places, _MARKS[kind], color="black", ms=6, label=_NAMES[kind])
    axes.set_xlabel(label)
    axes.set_ylabel("potential at rest (mV)")
    axes.legend()
    return axes


def draw_phase_plane(
    v: np.ndarray,
    w: np.ndarray,
    rates: tuple[np.ndarray, np.ndarray],
    points: Sequence[tuple[float, float, bool]],
    paths: Sequence[tuple[np.ndarray, np.ndarray]],
    label: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw nullclines, the directions of movement, states of rest and trajectories.

    Parameters
    ----------
    v, w : ndarray, shape (columns,), (rows,)
        Potentials (mV) and values of the other state.
    rates : (ndarray, ndarray), each of shape (rows, columns)
        Speed of both, in units of the axes.
    points : sequence of (float, float, bool)
        States of rest, and whether they are stable.
    paths : sequence of (ndarray, ndarray)
        Trajectories.
    label : str
        What the other state is, with its unit.
    ax : matplotlib Axes, optional
        Where to draw (default: a new figure).
    """
    axes = axes_or_new(ax)
    dv, dw = rates
    for rate, colour, name in (
        (dv, "C0", "dv/dt = 0"),
        (dw, "C1", f"d{label.split(' ')[0]}/dt = 0"),
    ):
        if np.nanmin(rate) < 0 < np.nanmax(rate):
            axes.contour(v, w, rate, levels=[0.0], colors=[colour], linewidths=2)
            axes.plot([], [], color=colour, lw=2, label=name)
    columns = np.linspace(0, len(v) - 1, 17).astype(int)
    rows = np.linspace(0, len(w) - 1, 13).astype(int)
    across = dv[np.ix_(rows, columns)] / np.ptp(v)
    upward = dw[np.ix_(rows, columns)] / np.ptp(w)
    size = np.hypot(across, upward)
    size[size == 0] = 1.0
    axes.quiver(v[columns], w[rows], across / size, upward / size, color="0.7", width=0.002,
                angles="uv", scale=28, zorder=0)  # fmt: skip
    for x, y in paths:
        axes.plot(x, y, color="black", lw=1)
    for px, py, stable in points:
        axes.plot(px, py, "o", mec="black", mfc="black" if stable else "white", ms=7, zorder=5)
    axes.set(xlim=(v[0], v[-1]), ylim=(w[0], w[-1]), xlabel="v (mV)", ylabel=label)
    axes.legend()
    return axes


def draw_impedance(
    frequency: np.ndarray, magnitude: np.ndarray, resonance: float | None, ax: Axes | None = None
) -> Axes:
    """Draw the size of an impedance over frequency.

    Parameters
    ----------
    frequency : ndarray, shape (n,)
        In hertz.
    magnitude : ndarray, shape (n,)
        In megohm.
    resonance : float, optional
        Frequency of the peak, in hertz.
    ax : matplotlib Axes, optional
        Where to draw (default: a new figure).
    """
    axes = axes_or_new(ax)
    axes.plot(frequency, magnitude, lw=2)
    if resonance is not None:
        axes.axvline(resonance, color="0.5", ls=":", label=f"resonance {resonance:.3g} Hz")
        axes.legend()
    if frequency.min() > 0 and frequency.max() / frequency.min() > 30:
        axes.set_xscale("log")
    axes.set(xlabel="frequency (Hz)", ylabel="impedance (MΩ)")
    axes.set_ylim(bottom=0)
    return axes
