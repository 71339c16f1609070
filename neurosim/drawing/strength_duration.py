"""The strength-duration curve of a neuron, drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from neurosim.display import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_strength_duration"]


def draw_strength_duration(
    duration_s: np.ndarray,
    threshold_A: np.ndarray,
    rheobase_A: float,
    chronaxie_s: float,
    laws: Mapping[str, tuple[float, float]],
    ax: Axes | None = None,
) -> Axes:
    """Draw threshold currents against duration on logarithmic axes, with laws that describe them.

    Parameters
    ----------
    duration_s, threshold_A : ndarray, shape (n,)
        The curve, in second and ampere.
    rheobase_A, chronaxie_s : float
        Drawn as a line, and as a point at twice the rheobase.
    laws : mapping of str to (float, float)
        Rheobase (A) and chronaxie (s) of "Weiss" or "Lapicque".
    ax : matplotlib Axes, optional
        Where to draw (default: a new figure).

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> d = np.array([1e-3, 1e-2])
    >>> draw_strength_duration(d, 1e-10 * (1 + 2e-3 / d), 1e-10, 2e-3, {}).get_ylabel()
    'threshold current (pA)'
    """
    axes = axes_or_new(ax)
    factor, unit = (1e12, "pA") if np.median(threshold_A) < 1e-9 else (1e9, "nA")
    axes.loglog(duration_s * 1e3, threshold_A * factor, "o", label="measured")
    fine = np.geomspace(duration_s.min(), duration_s.max(), 200)
    for name, (base, chronaxie) in laws.items():
        if name == "Weiss":
            law = base * (1 + chronaxie / fine)
        else:
            law = -base / np.expm1(-np.log(2) * fine / chronaxie)
        axes.plot(fine * 1e3, law * factor, label=name)
    axes.axhline(rheobase_A * factor, color="0.6", linewidth=0.8, label="rheobase")
    if np.isfinite(chronaxie_s):
        axes.plot(chronaxie_s * 1e3, 2 * rheobase_A * factor, "s", color="k", label="chronaxie")
    axes.set(xlabel="duration (ms)", ylabel=f"threshold current ({unit})")
    axes.legend(frameon=False)
    return axes
