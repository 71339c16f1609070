"""One look for all figures: readable in print and by the colour-blind."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "GREY",
    "INK",
    "data_uri",
    "drawing",
    "drawn",
    "figure_style",
    "new_figure",
    "svg_uri",
]

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
    import io

    stream = io.BytesIO()
    with figure_style():
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return svg_uri(stream.getvalue())


def svg_uri(svg: bytes) -> str:
    """Return an SVG as an address that stands inside a page.

    Examples
    --------
    >>> svg_uri(b"<svg/>")
    'data:image/svg+xml;base64,PHN2Zy8+'
    """
    import base64

    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()


def drawn(figure: Figure, kinds: Collection[str] = ("svg", "png")) -> dict[str, bytes]:
    """Return a finished figure as the bytes of an SVG and of a PNG, by ``svg`` and ``png``.

    Its parts are placed, and the edges of what is drawn are found, once for both: that takes longer
    than to draw them. The figure keeps the engine that places them.

    Parameters
    ----------
    figure : Figure
    kinds : collection of str
        Which of the two are drawn.
    """
    import io

    import matplotlib as mpl

    found = {}
    engine = figure.get_layout_engine()
    with figure_style():
        if engine is None:
            figure.draw_without_rendering()
        else:
            # Places the parts; to draw them as well, only to see where they end, is not needed.
            engine.execute(figure)
        with mpl.rc_context({"figure.autolayout": False, "figure.constrained_layout.use": False}):
            # None at all: for any other, each file would be drawn once more beforehand.
            figure.set_layout_engine(None)
        try:
            canvas: Any = figure.canvas
            edges = figure.get_tightbbox(canvas.get_renderer())
            edges = edges.padded(mpl.rcParams["savefig.pad_inches"])
            options: dict[str, dict[str, Any]] = {
                "svg": {"metadata": {"Date": None}}, "png": {"dpi": 150}
            }  # fmt: skip
            for kind in kinds:
                stream = io.BytesIO()
                figure.savefig(stream, format=kind, bbox_inches=edges, **options[kind])
                found[kind] = stream.getvalue()
        finally:
            if engine is not None:
                figure.set_layout_engine(engine)
    return found
