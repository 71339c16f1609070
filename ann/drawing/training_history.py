"""How training went: loss, and score where there is one, against the epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ann.display import axes_or_new
from ann.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_history"]


def draw_history(history: Sequence[dict[str, Any]], loss: str = "", ax: Axes | None = None) -> Axes:
    """Draw the loss of each epoch, on rows learnt from and on rows held out.

    Parameters
    ----------
    history : sequence of dict
        One record an epoch, as in `ann.Trainer.history`.
    loss : str, optional
        Name of the loss, for the axis.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
        A score of the rows held out has an axis of its own, at the right.

    Raises
    ------
    ParameterError
        If there is no epoch.

    Examples
    --------
    >>> records = [{"epoch": 1, "loss": 0.7}, {"epoch": 2, "loss": 0.4}]
    >>> draw_history(records, "cross_entropy").get_ylabel()
    'cross entropy loss (mean over rows)'
    """
    if not history:
        raise ParameterError("there is no training history to plot: this was not trained by epochs")
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    ax = axes_or_new(ax)
    epochs = [record["epoch"] for record in history]
    for key, label in (("loss", "training"), ("validation_loss", "held out")):
        if key in history[0]:
            ax.plot(epochs, [record[key] for record in history], label=label)
    ax.set_xlabel("epoch")
    ax.set_ylabel(f"{loss.replace('_', ' ')} loss (mean over rows)".strip())
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if all(record["loss"] > 0 for record in history):
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_minor_formatter(NullFormatter())
    lines = list(ax.lines)
    if "validation_score" in history[0]:
        right = ax.twinx()
        scores = [record["validation_score"] for record in history]
        lines += right.plot(epochs, scores, "--", color=f"C{len(lines)}", label="held out, score")
        right.set_ylabel("score of the rows held out")
        ax.set_zorder(right.get_zorder() + 1)  # or the score would cross the legend
        ax.patch.set_visible(False)
    ax.legend(handles=lines, loc="center right" if len(lines) > 2 else "best")
    return ax
