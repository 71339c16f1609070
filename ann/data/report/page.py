"""The report: one HTML file with everything in it, pictures included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from ann.atomic_write import write_text
from ann.data.judging.verdict import Verdict
from ann.data.report.profiling import ColumnProfile, Profile
from ann.data.report.table_figures import COLOURS, bars, null_histogram, score_dots

__all__ = ["Section", "render", "write_report"]


@dataclass(frozen=True)
class Section:
    """A part of the report that whoever writes it has made: words, a table, figures.

    Attributes
    ----------
    title, words : str
    head : sequence of str
        Of the table.
    rows : sequence of sequences of str
    figures : sequence of (str, str)
        Caption and address of each, such as a ``data:`` URI.
    """

    title: str
    words: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    figures: Sequence[tuple[str, str]] = ()


def render(
    profile: Profile, verdict: Verdict | None = None, sections: Sequence[Section] = ()
) -> str:
    """Return the report as HTML text.

    Parameters
    ----------
    profile : Profile
    verdict : Verdict, optional
    sections : sequence of Section
        What stands between the verdict and the columns.

    Returns
    -------
    str

    Examples
    --------
    >>> from ann.data.report.profiling import profile
    >>> "<svg" in render(profile({"h": ["1", "2", "3"] * 9}))
    True
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("ann.data.report"), autoescape=True)
    out = {} if verdict is None else dict.fromkeys(verdict.leave_out, "left out")
    out |= profile.rules.dropped()
    columns = [_column(c, profile, c.name in out) for c in profile.columns]
    dots = null = None
    classify = verdict is not None and verdict.task == "classification"
    if verdict is not None and verdict.scores:
        rows = [
            (_model(n, classify), s.accuracy if classify else s.r2, s.folds)
            for n, s in verdict.scores.items()
        ]
        dots = Markup(score_dots(rows))
    if verdict is not None and verdict.signal is not None:
        null = Markup(null_histogram(verdict.signal.null, verdict.signal.score))
    classes = next((c.classes for c in profile.columns if c.classes), [])
    return environment.get_template("report.html").render(
        profile=profile,
        verdict=verdict,
        sections=sections,
        columns=columns,
        classes=classes,
        colours=COLOURS,
        dots=dots,
        null=null,
        measure="Accuracy" if classify else "R²",
        steps=list(profile.log),
    )


def _model(name: str, classify: bool) -> str:
    return {"dummy": "a guess", "linear": "logistic" if classify else "linear"}.get(name, name)


def _column(c: ColumnProfile, profile: Profile, out: bool) -> dict[str, Any]:
    share = 100 * c.missing / max(c.rows, 1)
    return {
        "name": c.name,
        "kind": c.kind,
        "unit": c.unit,
        "missing": c.missing,
        "share": 0 if share == 0 else (round(share, 1) if share >= 0.1 else "< 0.1"),
        "width": round(share, 1),
        "stats": _stats(c, profile),
        "picture": Markup(_picture(c)),
        "findings": c.findings,
        "out": out,
        "is_target": c.name in (profile.target_column, profile.target),
    }


def _stats(c: ColumnProfile, profile: Profile) -> str:
    parts = [f"{c.distinct:,} different"]
    s = c.summary
    if "median" in s:
        parts.append(
            f"median {_short(s['median'])}, half in {_short(s['lower quartile'])} .. "
            f"{_short(s['upper quartile'])}, all in {_short(s['smallest'])} .. "
            f"{_short(s['largest'])}"
        )
    if "first" in s:
        parts.append(f"{s['first']} .. {s['last']}")
    if c.score is not None:
        name = "AUC" if profile.task == "classification" else "R²"
        parts.append(f"alone: {name} {c.score:.2f}")
    return "; ".join(parts)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 and value == round(value) else f"{value:.4g}"


def _day(seconds: float) -> str:
    return str(np.datetime64(round(seconds), "s").astype("datetime64[D]"))


def _picture(c: ColumnProfile) -> str:
    if c.edges and c.counts:
        labels = [f"{a:.4g} .. {b:.4g}" for a, b in zip(c.edges[:-1], c.edges[1:], strict=True)]
        if c.kind == "date":
            ends = (c.summary["first"], c.summary["last"])
            labels = [_day(a) for a in c.edges[:-1]]
        else:
            ends = (_short(c.edges[0]), _short(c.edges[-1]))
        return bars(c.counts, labels, ends=ends)
    if c.kind in ("category", "constant") and c.top and c.counts:
        return bars(c.counts, [v for v, _ in c.top], below=[v for v, _ in c.top])
    return ""


def write_report(
    path: str | Path,
    profile: Profile,
    verdict: Verdict | None = None,
    sections: Sequence[Section] = (),
) -> None:
    """Write the report to a file, whole or not at all.

    Parameters
    ----------
    path : str or Path
    profile : Profile
    verdict : Verdict, optional
    sections : sequence of Section
        See `render`.
    """
    write_text(path, render(profile, verdict, sections))
