"""The figure of a fit: traces of some steps, recorded and fitted, and the f-I curve of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.fit.fit_target import FitTarget
from bridge.fit.step_scores import StepScore
from bridge.page_style import BLUE, GREY, INK, new_page, page_style

__all__ = ["draw_fit"]

# Steps whose traces are drawn.
_DRAWN = 4


def draw_fit(
    target: FitTarget,
    scores: Sequence[StepScore],
    traces: NDArray[np.float64],
    family: str,
) -> Any:
    """Draw a fit; a Matplotlib figure.

    Parameters
    ----------
    target : FitTarget
    scores : sequence of StepScore
        Fitted steps first, then those that are held out.
    traces : ndarray, shape (steps, samples)
        Potential of the fitted neuron (mV).
    family : str
    """
    pieces = (*target.train, *target.held_out)
    with page_style():
        figure = new_page(7.4, 5.0)
        left, right = figure.subfigures(1, 2, width_ratios=[2.1, 1])
        shown = _shown(scores)
        axes = np.atleast_1d(left.subplots(len(shown), 1, sharex=True, sharey=True))
        for ax, k in zip(axes, shown, strict=True):
            ax.plot(target.time_ms, pieces[k].v_mV, color=GREY, lw=0.9, label="recorded")
            ax.plot(target.time_ms, traces[k], color=BLUE, lw=0.8, label=family)
            seen = "held out" if scores[k].held_out else "fitted"
            ax.set_title(f"{scores[k].current_pA:.4g} pA, {seen}", fontsize=8, weight="normal")
        axes[0].legend(loc="upper right", ncols=2)
        axes[-1].set(xlabel="time (ms)")
        left.supylabel("potential (mV)", fontsize=8)
        ax = right.subplots()
        order = np.argsort([one.current_pA for one in scores])
        current = np.array([scores[k].current_pA for k in order])
        per_s = 1e3 / target.step_ms
        recorded = np.array([scores[k].recorded for k in order]) * per_s
        fitted = np.array([scores[k].fitted for k in order]) * per_s
        held = np.array([scores[k].held_out for k in order])
        ax.plot(current, recorded, color=GREY, lw=1)
        ax.plot(current[~held], recorded[~held], "o", color=INK, label="recorded, fitted to")
        ax.plot(
            current[held], recorded[held], "o", mfc="white", mec=INK, label="recorded, held out"
        )
        ax.plot(current, fitted, color=BLUE, marker="x", label=f"{family}")
        ax.set(xlabel="current above holding (pA)", ylabel="rate in the step (Hz)",
               title="f-I curve")  # fmt: skip
        ax.legend(loc="upper left")
    return figure


def _shown(scores: Sequence[StepScore]) -> list[int]:
    """Choose held-out steps from the weakest that fires to the strongest, and a silent one."""
    held = [k for k, one in enumerate(scores) if one.held_out] or list(range(len(scores)))
    held.sort(key=lambda k: scores[k].current_pA)
    loud = [k for k in held if scores[k].recorded]
    silent = [k for k in held if not scores[k].recorded]
    first = silent[-1:]
    count = min(_DRAWN - len(first), len(loud))
    if not count:
        return first
    at = np.unique(np.round(np.linspace(0, len(loud) - 1, count)).astype(int))
    return [*first, *(loud[int(k)] for k in at)]
