"""How pages that are written to files look, whatever style the caller's notebook has set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.atomic_write import whole_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    # Only annotations name it: Matplotlib is imported when something is drawn.
    Axes = Any

__all__ = [
    "BLUE", "GREY", "INK", "ORANGE", "SKY", "VERMILION", "Axes", "new_page", "page_style",
    "save_page",
]  # fmt: skip

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
    "lines.linewidth": 1.2,
    "lines.markersize": 3,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "figure.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "neurosim",
    "pdf.fonttype": 42,
}


@contextmanager
def page_style() -> Iterator[None]:
    """Draw in the style of pages without touching the caller's settings."""
    import matplotlib as mpl
    from cycler import cycler

    colours = cycler(color=[INK, BLUE, VERMILION, ORANGE, SKY])
    with mpl.rc_context({**_STYLE, "axes.prop_cycle": colours}):
        yield


def new_page(width: float, height: float) -> Any:
    """A figure of a size in inches that no pyplot state knows (safe in any thread)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_page(figure: Any, path: Path, dpi: int = 150) -> Path:
    """Write a figure, whole or not at all; the same figure gives the same bytes.

    Parameters
    ----------
    figure : matplotlib Figure
    path : Path
        Its suffix says the format: ``.pdf``, ``.png`` or ``.svg``.
    dpi : int
    """
    date = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(path.suffix, {})
    with page_style(), whole_path(path) as part:
        figure.savefig(part, dpi=dpi, metadata=date)
    return path
