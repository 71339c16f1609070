"""The graph as a picture: every operation a box, every value and its slope written inside.

The picture is plain SVG. Nodes stand in columns by their distance from the inputs, the result on
the right; an arrow leads from each input to what is made of it.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np

from ann.atomic_write import write_text
from ann.calculus.graph import OPERATIONS, Variable, ancestors
from ann.errors import GraphError

__all__ = ["draw_graph"]

_BOX, _HIGH, _GAP_X, _GAP_Y = 168, 58, 56, 22
_MOST = 400


def draw_graph(result: Variable, path: str | Path | None = None, digits: int = 3) -> str:
    """Draw what a variable was made from.

    Parameters
    ----------
    result : Variable
        If it is a single number, slopes are computed (as by `Variable.backward`) and shown.
    path : str or Path, optional
        Where to write the picture.
    digits : int
        Significant digits of the numbers shown.

    Returns
    -------
    str
        The SVG document.

    Raises
    ------
    GraphError
        If the graph has more than 400 nodes, which no one can read.

    Examples
    --------
    >>> x = Variable(2.0, name="x")
    >>> picture = draw_graph(x * x + x)
    >>> picture.count("<rect"), "slope 5" in picture
    (3, True)
    """
    nodes = ancestors(result)
    if len(nodes) > _MOST:
        raise GraphError(
            f"this graph has {len(nodes)} nodes; a picture of more than {_MOST} cannot be read. "
            "Draw a part of it"
        )
    if result.size == 1:
        result.backward()
    column: dict[int, int] = {}
    for node in reversed(nodes):
        column[id(node)] = 1 + max((column[id(x)] for x in node.inputs), default=-1)
    # A constant or parameter stands just before its first use, not far on the left.
    for node in nodes:
        if not node.inputs:
            users = [column[id(n)] for n in nodes if any(x is node for x in n.inputs)]
            column[id(node)] = min(users, default=1) - 1
    rows: dict[int, int] = {}
    taken: dict[int, int] = {}
    for node in reversed(nodes):
        c = column[id(node)]
        rows[id(node)] = taken.get(c, 0)
        taken[c] = rows[id(node)] + 1
    tallest = max(taken.values())

    def corner(node: Variable) -> tuple[float, float]:
        c = column[id(node)]
        spare = (tallest - taken[c]) * (_HIGH + _GAP_Y) / 2
        return (
            _GAP_X / 2 + c * (_BOX + _GAP_X),
            _GAP_Y + spare + rows[id(node)] * (_HIGH + _GAP_Y),
        )

    width = (max(column.values()) + 1) * (_BOX + _GAP_X)
    height = tallest * (_HIGH + _GAP_Y) + _GAP_Y
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" '
        f'width="{width}" height="{height:.0f}" font-family="sans-serif" font-size="12">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#667"/></marker></defs>',
    ]
    for node in nodes:
        x1, y1 = corner(node)
        for source in node.inputs:
            x0, y0 = corner(source)
            start, end, y0, y1m = x0 + _BOX, x1, y0 + _HIGH / 2, y1 + _HIGH / 2
            bend = (start + end) / 2
            parts.append(
                f'<path d="M{start:.0f} {y0:.0f} C{bend:.0f} {y0:.0f} {bend:.0f} {y1m:.0f} '
                f'{end:.0f} {y1m:.0f}" fill="none" stroke="#667" marker-end="url(#tip)"/>'
            )
    for node in nodes:
        x, y = corner(node)
        made = bool(node.operation)
        symbol = OPERATIONS[node.operation].symbol if made else ""
        title = " ".join(t for t in (node.name, f"({symbol})" if made else "") if t) or "constant"
        colour = "#e8f0fe" if made else "#fdf3e1"
        lines = [title, _short(node.value, digits)]
        if node.grad is not None:
            lines.append("slope " + _short(node.grad.value, digits))
        parts.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{_BOX}" height="{_HIGH}" rx="6" '
            f'fill="{colour}" stroke="#667"/>'
        )
        for i, line in enumerate(lines):
            weight = ' font-weight="bold"' if i == 0 else ""
            parts.append(
                f'<text x="{x + 8:.0f}" y="{y + 17 + 16 * i:.0f}"{weight}>{escape(line)}</text>'
            )
    parts.append("</svg>")
    document = "\n".join(parts)
    if path is not None:
        write_text(path, document)
    return document


def _short(value: np.ndarray, digits: int) -> str:
    """A few numbers in full, many as shape and range."""
    if value.size == 1:
        return f"{value.item():.{digits}g}"
    if value.size <= 3:
        return "[" + ", ".join(f"{v:.{digits}g}" for v in value.ravel()) + "]"
    shape = "×".join(map(str, value.shape))
    return f"{shape}: {value.min():.{digits}g} … {value.max():.{digits}g}"
