"""Two runs of one cell over each other, and what they differ by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_two_runs"]


def plot_two_runs(
    time: np.ndarray,
    ours: np.ndarray,
    theirs: np.ndarray,
    apart: np.ndarray,
    names: Sequence[str],
    label: str,
    unit: str,
    axes: Any = None,
) -> tuple[Axes, Axes]:
    """Draw a trace of two programs, and below it how far they are apart.

    Parameters
    ----------
    time : ndarray, shape (n,)
        In millisecond.
    ours, theirs : ndarray, shape (n,)
        The trace here and there.
    apart : ndarray, shape (runs, n)
        Differences, a row a pair of runs.
    names : sequence of str
        What to call each pair.
    label, unit : str
        What is traced, and in what.
    axes : two matplotlib Axes, optional
        Where to draw (default: a new figure).
    """
    if axes is None:
        import matplotlib.pyplot as plt

        _, axes = plt.subplots(2, 1, sharex=True, height_ratios=(2, 1), layout="constrained")
    upper, lower = axes
    upper.plot(time, ours, label="neurosim")
    upper.plot(time, theirs, "--", label="NEURON")
    upper.set_ylabel(f"{label} ({unit})")
    upper.legend(frameon=False)
    for values, name in zip(apart, names, strict=True):
        lower.plot(time, values, label=name)
    lower.set_ylabel(f"difference ({unit})")
    lower.set_xlabel("time (ms)")
    lower.legend(frameon=False)
    return upper, lower
