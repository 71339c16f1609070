"""A picture of where the error of each layer comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bridge.page_style import Axes
from neurosim.display import axes_or_new

__all__ = ["draw_error_sources"]


def draw_error_sources(
    shares: Mapping[str, Sequence[float]], sources: Sequence[str], ax: Axes | None = None
) -> Axes:
    """Draw the share of the squared error that each source makes, a group of bars a source.

    Parameters
    ----------
    shares : mapping of str to sequence of float
        For each name in the legend, the share of each source; they add to 1.
    sources : sequence of str
        Names of the sources.
    ax : matplotlib Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib Axes
    """
    from matplotlib import rcParams

    ax = axes_or_new(ax)
    place, width = np.arange(len(sources)), 0.8 / len(shares)
    for k, (name, values) in enumerate(shares.items()):
        at = place + width * (k - (len(shares) - 1) / 2)
        ax.barh(at, 100 * np.asarray(values), width, label=name)
    ax.axvline(0.0, color=rcParams["axes.edgecolor"], linewidth=rcParams["axes.linewidth"])
    ax.set_yticks(place, list(sources))
    # The first source on top, as in the table.
    ax.invert_yaxis()
    ax.set_xlabel("share of the mean squared error (%)")
    ax.set_ylabel("source of the error")
    ax.legend(fontsize="small")
    return ax
