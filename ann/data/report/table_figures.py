"""Small pictures as SVG text, to stand inside a report without any other file.

Bars for distributions (stacked by class), a histogram with a mark for the permutation test, dots
for scores. Colours are told apart by people who do not see red and green alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLOURS", "bars", "null_histogram", "score_dots"]

#: Okabe and Ito's palette, dark ones first.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")
_GREY, _INK = "#b9c0c8", "#28323c"


def bars(
    counts: Sequence[Sequence[int]],
    labels: Sequence[str],
    *,
    width: int = 320,
    height: int = 90,
    ends: tuple[str, str] | None = None,
    below: Sequence[str] = (),
) -> str:
    """Draw stacked bars.

    Parameters
    ----------
    counts : list of lists of int
        One list a class, one number a bar.
    labels : list of str
        One a bar, shown when the pointer rests on it.
    width, height : int
        In pixels.
    ends : (str, str), optional
        What to write at the left and right end of the axis.
    below : list of str
        What to write under each bar, cut to its width; where bars are too narrow for words, only
        the first and the last get theirs.

    Returns
    -------
    str
        An ``<svg>`` element.

    Examples
    --------
    >>> bars([[1, 2]], ["a", "b"]).count("<rect")
    2
    """
    if not counts or not counts[0]:
        return ""
    table = np.asarray(counts, dtype=float)
    total = table.sum(axis=0)
    top = total.max() or 1.0
    step = width / table.shape[1]
    room_for = int(step / 6.8)
    if below and room_for < min(6, max(map(len, below))):
        ends, below = (below[0][:22], below[-1][:22] if len(below) > 1 else ""), ()
    foot = 16 if ends or below else 2
    room = height - foot - 2
    parts = [_open(width, height)]
    for k in range(table.shape[1]):
        y = height - foot
        for c in range(table.shape[0]):
            tall = room * table[c, k] / top
            if table[c, k]:
                # A single row must still be seen.
                tall = max(tall, 0.8)
            y -= tall
            parts.append(
                f'<rect x="{k * step + 0.5:.1f}" y="{y:.1f}" width="{max(step - 1, 0.5):.1f}" '
                f'height="{tall:.1f}" fill="{COLOURS[c % len(COLOURS)]}">'
                f"<title>{escape(labels[k])}: {int(table[c, k])}</title></rect>"
            )
    for k, word in enumerate(below):
        shown = word if len(word) <= room_for else word[: room_for - 1] + "…"
        parts.append(_text((k + 0.5) * step, height - 3, shown, 11, "middle"))
    if ends:
        parts.append(_text(1, height - 3, ends[0], 11))
        parts.append(_text(width - 1, height - 3, ends[1], 11, "end"))
    return "".join(parts) + "</svg>"


def null_histogram(
    null: NDArray[np.float64], score: float, *, width: int = 460, height: int = 150
) -> str:
    """Draw scores of shuffled targets, and a line for the true one.

    Parameters
    ----------
    null : (permutations,) array
    score : float
    width, height : int
        In pixels.

    Returns
    -------
    str
        An ``<svg>`` element.

    Examples
    --------
    >>> "true target" in null_histogram(np.random.default_rng(0).normal(0.5, 0.01, 99), 0.8)
    True
    """
    low, high, x = _scale([*null, score], 0.06, 0, width)
    counts, edges = np.histogram(null, bins=60, range=(low, high))
    parts = [_open(width, height)]
    room = height - 38
    for n, a, b in zip(counts, edges[:-1], edges[1:], strict=True):
        tall = room * n / counts.max()
        if n:
            parts.append(
                f'<rect x="{x(a):.1f}" y="{height - 18 - tall:.1f}" width="{x(b) - x(a):.1f}" '
                f'height="{tall:.1f}" fill="{_GREY}"/>'
            )
    at = x(score)
    side, shift = ("end", -5) if at > width / 2 else ("start", 5)
    parts.append(
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="4" y2="{height - 18}" '
        f'stroke="{COLOURS[0]}" stroke-width="2.5"/>'
    )
    middle = float(null.mean())
    parts.append(_text(at + shift, 14, f"true target {score:.3f}", 12, side))
    parts.append(_text(x(middle), height - 4, f"shuffled {middle:.3f}", 12, "middle"))
    return "".join(parts) + "</svg>"


def score_dots(rows: Sequence[tuple[str, float, Sequence[float]]], *, width: int = 460) -> str:
    """Draw one line a model: a small dot a fold, a bar at the mean.

    Parameters
    ----------
    rows : list of (name, mean, folds)
    width : int
        In pixels.

    Returns
    -------
    str
        An ``<svg>`` element.

    Examples
    --------
    >>> score_dots([("dummy", 0.5, [0.5, 0.51]), ("linear", 0.8, [0.79, 0.81])]).count("<circle")
    4
    """
    left, line = 90, 30
    room = width - left - 60
    _, _, x = _scale([v for _, mean, folds in rows for v in (mean, *folds)], 0.08, left, room)
    height = line * len(rows) + 6
    parts = [_open(width, height)]
    for k, (name, mean, folds) in enumerate(rows):
        y = line * k + line / 2 + 3
        parts.append(_text(0, y + 4, name, 13))
        parts.append(f'<line x1="{left}" x2="{left + room}" y1="{y}" y2="{y}" stroke="#e3e7eb"/>')
        for v in folds:
            parts.append(
                f'<circle cx="{x(v):.1f}" cy="{y}" r="4" fill="{COLOURS[0]}" fill-opacity="0.45"/>'
            )
        parts.append(
            f'<rect x="{x(mean) - 1.5:.1f}" y="{y - 9}" width="3" height="18" fill="{_INK}"/>'
        )
        parts.append(_text(width, y + 4, f"{mean:.3f}", 13, "end"))
    return "".join(parts) + "</svg>"


def _open(width: int, height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">'
    )


def _text(x: float, y: float, words: str, size: int, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'font-family="system-ui, sans-serif" fill="{_INK}">{escape(words)}</text>'
    )


def _scale(
    values: Sequence[float], margin: float, left: float, room: float
) -> tuple[float, float, Callable[[float], float]]:
    """Return the ends of an axis with a margin about all values, and the place of a value."""
    low, high = min(values), max(values)
    pad = margin * (high - low or 1.0)
    low, high = low - pad, high + pad
    return low, high, lambda v: left + (v - low) / (high - low) * room
