"""One step of current into a neuron, and what the electrode records: data of the exercise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.display import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Injection", "plot_injections"]


@dataclass(frozen=True, eq=False)
class Injection:
    """What an electrode in the neuron records before, during and after a step of current.

    Attributes
    ----------
    current_pA : float
        Of the step.
    onset_ms, duration_ms : float
        When the step begins, and its length.
    time_ms : ndarray, shape (samples,)
        Of the samples.
    potential_mV : ndarray, shape (samples,)
        Membrane potential with the noise of the electrode.
    spikes_ms : ndarray, shape (spikes,)
        When the neuron fired: the first sample after each spike, which shows the reset. The
        threshold was crossed between the sample before and this one.
    reader : str
        Whose neuron it is; empty if that is not known.
    """

    current_pA: float
    onset_ms: float
    duration_ms: float
    time_ms: np.ndarray
    potential_mV: np.ndarray
    spikes_ms: np.ndarray
    reader: str = ""

    def __repr__(self) -> str:
        spikes = f"{len(self.spikes_ms)} spike{'' if len(self.spikes_ms) == 1 else 's'}"
        return f"Injection({self.current_pA:g} pA for {self.duration_ms:g} ms: {spikes})"

    @property
    def step_ms(self) -> float:
        """Time between two samples."""
        return float(self.time_ms[1] - self.time_ms[0])

    @property
    def rate_Hz(self) -> float:
        """Spikes during the step, over its length."""
        end = self.onset_ms + self.duration_ms
        inside = (self.spikes_ms >= self.onset_ms) & (self.spikes_ms <= end)
        return float(1e3 * inside.sum() / self.duration_ms)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the potential, and a mark for each spike; see `plot_injections` for several."""
        return plot_injections([self], ax)


def plot_injections(recordings: Sequence[Injection], ax: Axes | None = None) -> Axes:
    """Draw several recordings on one pair of axes, strongest current last.

    Parameters
    ----------
    recordings : sequence of Injection
    ax : matplotlib Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    axes = axes_or_new(ax, figsize=(6.4, 3.2))
    for one in sorted(recordings, key=lambda one: one.current_pA):
        (line,) = axes.plot(one.time_ms, one.potential_mV, lw=0.8, label=f"{one.current_pA:g} pA")
        top = np.full(len(one.spikes_ms), 5.0)
        axes.plot(one.spikes_ms, top, "|", ms=9, color=line.get_color())
    axes.set(xlabel="time (ms)", ylabel="membrane potential (mV)")
    axes.legend(fontsize=8, ncols=3)
    return axes
