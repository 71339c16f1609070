"""One look for all figures: readable in print and by the colour-blind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "GREY", "INK", "data_uri", "drawing", "figure_style", "new_figure"]

# Okabe and Ito (2008): distinguishable with every common colour deficiency and in grey print.
COLOURS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "black": "#222222",
}
INK = COLOURS["black"]
GREY = "#8A8A8A"

_STYLE: Any = {
    "axes.prop_cycle": f"cycler('color', {list(COLOURS.values())})",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.bbox": "tight",
    # Text stays text, so that figures can be searched and stay small.
    "svg.fonttype": "none",
    # The same figure gives the same file, run after run.
    "svg.hashsalt": "neurosim",
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw in the house style without touching the caller's matplotlib settings."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return a figure of a size in inches that no pyplot state knows (safe in any thread)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


@contextmanager
def drawing(
    width: float, height: float, rows: int = 1, columns: int = 1, **subplots: Any
) -> Iterator[tuple[Figure, Any]]:
    """Give a new figure and its axes, drawn in the house style.

    Parameters
    ----------
    width, height : float
        Size in inches.
    rows, columns : int
        Panels; a single one is given as it stands, several as an array.
    **subplots
        Of `matplotlib.figure.Figure.subplots`.
    """
    with figure_style():
        figure = new_figure(width, height)
        yield figure, figure.subplots(rows, columns, **subplots)


def data_uri(figure: Figure) -> str:
    """Return a figure as an SVG that stands inside a page."""
    import base64
    import io

    stream = io.BytesIO()
    with figure_style():
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(stream.getvalue()).decode()
