"""How values show themselves: axes to draw on, and tables for notebooks.

Drawing functions take arrays, draw in whatever Matplotlib style is set, and return the axes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["axes_or_new", "html_table"]


def axes_or_new(ax: Axes | None = None, **options: Any) -> Axes:
    """Return the axes given, or those of a new figure.

    Parameters
    ----------
    ax : matplotlib Axes, optional
        Where to draw.
    **options
        For `matplotlib.pyplot.subplots`, such as ``figsize`` or ``subplot_kw``.
    """
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    options.setdefault("layout", "constrained")
    axes: Axes = plt.subplots(**options)[1]
    return axes


def html_table(
    title: str, rows: Iterable[Sequence[object]], head: Sequence[object] = (), note: str = ""
) -> str:
    """Return a small HTML table for a notebook; every text is escaped.

    Parameters
    ----------
    title : str
        Shown in bold above the table.
    rows : iterable of sequence
        Cells, shown by their `str`.
    head : sequence, optional
        Names of the columns.
    note : str, optional
        A sentence below the table.

    Examples
    --------
    >>> html_table("A", [("n", 3)])
    '<div><strong>A</strong><table><tbody><tr><td>n</td><td>3</td></tr></tbody></table></div>'
    """

    def line(cells: Sequence[object], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{escape(str(c))}</{kind}>" for c in cells) + "</tr>"

    top = f"<thead>{line(head, 'th')}</thead>" if head else ""
    body = "".join(line(row, "td") for row in rows)
    below = f"<p>{escape(note)}</p>" if note else ""
    return (
        f"<div><strong>{escape(title)}</strong>"
        f"<table>{top}<tbody>{body}</tbody></table>{below}</div>"
    )
