"""One page a cell: its voltage, its spikes, its unit with band and residual, and what is lost."""

from __future__ import annotations

import base64
import io
import textwrap
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from bridge.choice.selection_words import FAMILY_HEAD, sentence
from bridge.equivalent import sentences
from bridge.equivalent.card_figure import PANELS, draw_panel, draw_panels
from bridge.equivalent.equivalent_unit import EquivalentUnit
from bridge.page_style import new_page, page_style, save_page
from neurosim.atomic_write import make_folder, write_text

__all__ = ["card_html", "save_card"]

INK, SOFT, GOOD, BAD = "#222222", "#666666", "#00734f", "#b23c00"
# Sizes of the panels on the HTML page (inch), which scales them to the width of a column.
_ON_PAGE = {
    "potential": (4.4, 3.3),
    "raster": (4.4, 2.2),
    "memory": (4.4, 2.4),
    "f-i-curve": (4.4, 5.6),
}
_ALTERNATIVE = {
    "potential": "Membrane potential at some of the currents",
    "raster": "Times of the spikes at each current",
    "memory": "Rates under levels of current in time, with the slow state and without",
    "f-i-curve": "f-I curve with its unit, and the residual",
}


def card_html(found: EquivalentUnit) -> str:
    """The card as a page of HTML that needs no other file.

    Parameters
    ----------
    found : EquivalentUnit
        From `equivalent_unit`.

    Returns
    -------
    str
    """
    import jinja2

    # One picture a panel: a narrow screen stacks them, so that their words stay readable.
    columns = (("potential", "raster", "memory"), ("f-i-curve",))
    left, right = (_pictures(found, names) for names in columns)
    source = (files("bridge.equivalent") / "templates" / "card.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(source).render(
        pictures=[column for column in (left, right) if column], **_content(found)
    )


def _pictures(found: EquivalentUnit, names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Alternative text and picture (SVG as a data URI) of each panel that there is."""
    pictures = []
    for name in names:
        with page_style():
            figure = new_page(*_ON_PAGE[name])
            if not draw_panel(figure, found, name):
                continue
            stream = io.BytesIO()
            figure.savefig(stream, format="svg", dpi=150, metadata={"Date": None})
        data = base64.b64encode(stream.getvalue()).decode()
        pictures.append((_ALTERNATIVE[name], f"data:image/svg+xml;base64,{data}"))
    return pictures


def save_card(
    found: EquivalentUnit, folder: str | Path, name: str | None = None, *, panels: bool = False
) -> list[Path]:
    """Write the card as HTML and PDF, each only when whole.

    Parameters
    ----------
    found : EquivalentUnit
    folder : path
        Made if need be.
    name : str, optional
        Of the files, without suffix (default: the cell's).
    panels : bool
        Whether to write the figure and each of its panels as SVG and PNG besides, into a folder
        ``NAME-panels``.

    Returns
    -------
    list of pathlib.Path
        The HTML page, the PDF page, and the folder of panels if they were asked for.
    """
    folder = make_folder(folder)
    stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in name or found.name) or "cell"
    html, pdf = folder / f"{stem}.html", folder / f"{stem}.pdf"
    write_text(html, card_html(found))
    with page_style():
        page = _page(found)
    save_page(page, pdf)
    if not panels:
        return [html, pdf]
    place = make_folder(folder / f"{stem}-panels")
    _save_panels(found, place)
    return [html, pdf, place]


def _save_panels(found: EquivalentUnit, folder: Path) -> None:
    with page_style():
        whole = new_page(7.2, 5.2)
        draw_panels(whole, found)
        figures = {"figure": whole}
        for name, (width, height) in PANELS.items():
            figure = new_page(width, height)
            if draw_panel(figure, found, name):
                figures[name] = figure
    for name, figure in figures.items():
        for kind in ("svg", "png"):
            save_page(figure, folder / f"{name}.{kind}", dpi=300)


def _page(found: EquivalentUnit) -> Any:
    """An A4 page: words, pictures, tables."""
    content = _content(found)
    figure = new_page(8.27, 11.69)
    head, body, foot = figure.subfigures(3, 1, height_ratios=[1.35, 6.0, 4.3])
    head.text(0.04, 0.78, _fold(content["name"], 80, 2), size=13, weight="bold", va="top")
    head.text(
        0.04, 0.50, _fold(content["verdict"], 115, 3), size=8.5, weight="bold", va="top",
        color=GOOD if content["ok"] else BAD,
    )  # fmt: skip
    head.text(0.04, 0.34, _fold(" ".join(content["lines"]), 150, 4), size=6.5, va="top", color=SOFT)
    # A margin on both sides of the pictures.
    _, inner, _ = body.subfigures(1, 3, width_ratios=[0.02, 1, 0.035])
    draw_panels(inner, found)
    # Fractions of the page, from above.
    row = 0.040
    top = 0.98
    foot.text(0.04, top, "Families, best first", size=9, weight="bold", va="top")
    header = ("family", "ΔAICc", "weight", "residual", "noise (Hz)", "adequate")
    places = (0.04, 0.195, 0.255, 0.335, 0.42, 0.435)
    for k, cells in enumerate([header, *content["families"]]):
        _cells(foot, top - row * (k + 1.7), cells, places, left={0, 5}, bold=k == 0)
    y = top - row * (len(content["families"]) + 3.2)
    if content["parameters"]:
        foot.text(
            0.04,
            y,
            f"Parameters, if the {content['family']} unit is right",
            size=9,
            weight="bold",
            va="top",
        )
        titles = ("parameter", "value", f"{content['confidence']} % interval")
        for k, cells in enumerate([titles, *(row[:3] for row in content["parameters"])]):
            _cells(foot, y - row * (k + 1.7), cells, (0.04, 0.29, 0.31), left={0, 2}, bold=k == 0)
    foot.text(0.53, top, "What a rate unit leaves out", size=9, weight="bold", va="top")
    for k, cells in enumerate([("measure", "value", "meaning"), *content["lost"]]):
        _cells(foot, top - row * (k + 1.7), cells, (0.53, 0.80, 0.815), left={0, 2}, bold=k == 0)
    foot.text(
        0.04, 0.06, "\n".join(_fold(one, 165, 2) for one in content["cautions"] + content["notes"]),
        size=6, va="bottom", color=SOFT,
    )  # fmt: skip
    return figure


def _cells(
    figure: Any, y: float, cells: tuple[str, ...], places: tuple[float, ...], left: set[int],
    bold: bool,
) -> None:  # fmt: skip
    for k, (text, x) in enumerate(zip(cells, places, strict=True)):
        figure.text(
            x, y, text, size=6.8, va="baseline", ha="left" if k in left else "right",
            weight="bold" if bold else "normal", color=INK,
        )  # fmt: skip


def _fold(text: str, width: int, lines: int) -> str:
    return "\n".join(textwrap.wrap(text, width, max_lines=lines, placeholder=" ..."))


def _content(found: EquivalentUnit) -> dict[str, Any]:
    """What stands on the card, as words."""
    selection = found.selection
    best = selection.best
    verdict, *lines = selection.in_sentences()
    if found.noise:
        lines.append(f"Background: {found.noise}.")
    if found.adaptation is not None:
        lines.append(sentence(f"adaptation: {found.adaptation}"))
    if found.memory is not None:
        lines.append(sentence(found.memory.in_words()))
    return {
        "name": found.name,
        "ok": found.ok,
        "verdict": verdict,
        "lines": lines,
        "cautions": [f"* Caution: {caution}." for caution in found.cautions],
        "family": "" if best is None else best.family,
        "confidence": f"{100 * selection.confidence:g}",
        "head": FAMILY_HEAD,
        "families": selection.in_cells(),
        "properties": found.property_rows(),
        "parameters": [] if best is None else sentences.parameter_rows(best),
        "lost": [
            (
                measure,
                f"{sentences.number(value)} {unit}".strip() if np.isfinite(value) else "–",
                says,
            )
            for measure, value, unit, says in found.losses()
        ],
        "notes": [sentence(one) for one in found.remarks],
    }
