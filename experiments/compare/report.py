"""The self-contained HTML report of the main job."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.compare.written import true_minus
from neurosim.atomic_write import plain

__all__ = ["html_table", "render"]


def html_table(table: pd.DataFrame) -> str:
    """Return a table as HTML, numbers with four digits."""
    shown = table.copy()
    shown.columns = [str(column).replace("_", " ") for column in shown.columns]
    numbers = shown.to_html(index=False, border=0, float_format=lambda v: f"{v:.4g}", na_rep="–")
    return true_minus(numbers)


def render(page: str = "report.html", **content: Any) -> str:
    """Fill a page.

    Parameters
    ----------
    page : str
        Name of its template.
    **content
        What the template names; tables as DataFrames in ``*_table`` become HTML.
    """
    import jinja2
    from markupsafe import Markup

    templates = Path(str(files("experiments.compare") / "templates"))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["true_minus"] = true_minus
    for name, value in list(content.items()):
        if name.endswith("_table") and isinstance(value, pd.DataFrame):
            content[name] = Markup(html_table(value))
    if "provenance" in content:
        content["provenance"] = json.dumps(plain(content["provenance"]), indent=1)
    return environment.get_template(page).render(**content)
