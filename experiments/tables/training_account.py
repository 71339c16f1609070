"""How good a trained model is on rows it has not seen: numbers with intervals, and figures.

For the report of `neurosim train`: the loss while it learned, what it takes for what, or by how
much it errs, and whether its stated chances come true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ann.data.judging.held_out import HeldOut
from ann.data.report.page import Section
from experiments.kit.estimate import LEVEL, Estimate, share
from experiments.kit.style import COLOURS, GREY, data_uri, drawing
from experiments.tables.score_intervals import score_intervals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ann.data.workflow import Trained

__all__ = [
    "calibration_figure",
    "confusion_figure",
    "held_out_section",
    "residual_figure",
    "scores_said",
]

#: More classes than these make no readable figure.
MOST_CLASSES = 20
#: Rows a point of the calibration stands for, at least, and the most points.
_ROWS_A_POINT, _POINTS = 15, 10

_TITLES = {"accuracy": "accuracy", "auc": "AUC", "r2": "R²", "rmse": "RMSE"}


def scores_said(scores: dict[str, Estimate]) -> str:
    """Return scores with their intervals in a line.

    Examples
    --------
    >>> scores_said({"accuracy": Estimate(0.9, 0.85, 0.94, 100, "")})
    'accuracy 0.9000 (90 % interval 0.850 to 0.940)'
    """
    return ", ".join(f"{name} {_said(name, e)}" for name, e in scores.items())


def _said(name: str, e: Estimate) -> str:
    if e.low is None or e.high is None:
        return f"{e.value:.4f} (no interval: too few)"
    ends = [f"{v:.3f}" if name != "rmse" else f"{v:.4g}" for v in (e.low, e.high)]
    return f"{e.value:.4f} ({100 * e.level:g} % interval {ends[0]} to {ends[1]})"


def held_out_section(done: Trained) -> Section:
    """Return what a report says of the rows that were held out.

    Parameters
    ----------
    done : Trained

    Returns
    -------
    Section
    """
    held_out, model = done.held_out, done.pipeline["model"]
    scores = score_intervals(held_out)
    rows = len(held_out.truth)
    groups = held_out.groups is not None
    words = (
        f"{rows:,} rows took no part in cleaning, judging or training. The {done.model_name} "
        "answered them as follows. "
        + (
            "Intervals count groups, not rows. "
            if groups
            else "Intervals take rows as independent. "
        )
    )
    table = [(_TITLES.get(n, n), _said(n, e), e.method) for n, e in scores.items()]
    figures: list[tuple[str, str]] = []
    history = getattr(model, "history_", None)
    if history:
        caption = "Loss of each epoch on the rows learned from"
        figures.append((caption, data_uri(_history_figure(model))))
    elif hasattr(model, "objective_"):
        words += (
            f"It has no epochs: its minimum was found exactly, in {model.n_iter_} Newton steps. "
        )
    if held_out.chances is None:
        figures.append(("Errors on the rows held out", data_uri(residual_figure(held_out))))
    else:
        classes = np.asarray(held_out.classes)
        if len(classes) <= MOST_CLASSES:
            caption = "What is taken for what: rows held out, and per cent of each true class"
            figures.append((caption, data_uri(confusion_figure(held_out))))
        else:
            words += f"{len(classes)} classes are too many for a figure of what is taken for what. "
        if rows >= 2 * _ROWS_A_POINT:
            caption = f"Do stated chances come true? Bars: {100 * LEVEL:g} % interval"
            figures.append((caption, data_uri(calibration_figure(held_out))))
        else:
            words += f"{rows} rows are too few to tell whether stated chances come true. "
    head = ("score", f"value ({100 * LEVEL:g} % interval)", "method of the interval")
    return Section("Held-out rows", words.strip(), head, table, figures)


def _history_figure(model: Any) -> Figure:
    with drawing(4.6, 3.2) as (figure, axes):
        model.plot_history(axes)
        return figure


def confusion_figure(held_out: HeldOut) -> Figure:
    """Draw how many rows of each true class were taken for each class.

    Parameters
    ----------
    held_out : HeldOut
        Of classes.
    """
    classes = [str(c) for c in np.asarray(held_out.classes)]
    place = {c: k for k, c in enumerate(classes)}
    count = np.zeros((len(classes), len(classes)), dtype=int)
    for true, found in zip(held_out.truth, held_out.answers, strict=True):
        if str(true) in place:
            count[place[str(true)], place[str(found)]] += 1
    part = count / np.maximum(count.sum(axis=1, keepdims=True), 1)
    side = 1.9 + 0.55 * len(classes)
    with drawing(side + 0.6, side) as (figure, axes):
        axes.imshow(part, cmap="Blues", vmin=0, vmax=1.3)
        small = 8 if len(classes) <= 6 else 6
        for (i, j), n in np.ndenumerate(count):
            said = f"{n}\n{100 * part[i, j]:.0f} %" if len(classes) <= 12 else f"{n}"
            if n:
                axes.text(j, i, said, ha="center", va="center", fontsize=small)
        shown = [c if len(c) <= 14 else c[:13] + "…" for c in classes]
        turned = 0 if max(map(len, shown)) * len(shown) <= 24 else 90
        axes.set_xticks(range(len(shown)), shown, rotation=turned)
        axes.set_yticks(range(len(shown)), shown)
        axes.set(xlabel="answered", ylabel="true")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        return figure


def residual_figure(held_out: HeldOut) -> Figure:
    """Draw the errors of quantities against what was answered.

    Parameters
    ----------
    held_out : HeldOut
        Of quantities.
    """
    with drawing(4.6, 3.4) as (figure, axes):
        error = held_out.truth - held_out.answers
        alpha = float(np.clip(300 / len(error), 0.1, 0.8))
        dots: dict[str, Any] = {"ms": 4, "mew": 0, "alpha": alpha, "rasterized": True}
        axes.plot(held_out.answers, error, ".", color=COLOURS["blue"], **dots)
        axes.axhline(0, color=GREY, lw=0.8)
        low, middle, high = np.quantile(error, [0.05, 0.5, 0.95])
        axes.axhspan(low, high, color=COLOURS["sky"], alpha=0.2, lw=0, label="nine of ten errors")
        axes.axhline(middle, color=COLOURS["vermilion"], lw=1, label="median error")
        axes.set(xlabel="answered", ylabel="true - answered")
        axes.legend(loc="best")
        return figure


def calibration_figure(held_out: HeldOut) -> Figure:
    """Draw how often what was called likely came true.

    Parameters
    ----------
    held_out : HeldOut
        Of classes. Of two, the chance of the second is shown; of more, that of the class that was
        answered.
    """
    chances, classes = np.asarray(held_out.chances), np.asarray(held_out.classes)
    if len(classes) == 2:
        told, true = chances[:, 1], held_out.truth == classes[1]
        what = f"chance of {classes[1]}"
    else:
        told, true = chances.max(axis=1), held_out.truth == held_out.answers
        what = "chance of the class answered"
    points = int(np.clip(len(told) // _ROWS_A_POINT, 1, _POINTS))
    parts = np.array_split(np.argsort(told, kind="stable"), points)
    stated = np.array([told[p].mean() for p in parts])
    found = [share(int(true[p].sum()), len(p)) for p in parts]
    value = np.array([f.value for f in found])
    ends = [[v - (f.low or 0.0), (f.high or 0.0) - v] for v, f in zip(value, found, strict=True)]
    with drawing(3.6, 3.4) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=GREY, lw=0.8, label="as stated")
        look: dict[str, Any] = {"fmt": "o", "ms": 4, "capsize": 2.5, "lw": 1}
        axes.errorbar(stated, value, yerr=np.maximum(np.array(ends).T, 0),
                      color=COLOURS["vermilion"], label="rows held out", **look)  # fmt: skip
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        axes.set(xlabel=f"stated {what}", ylabel="share that came true")
        axes.legend(loc="upper left")
        return figure
