"""The self-contained HTML report of the main job."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pandas as pd

from neurosim.atomic_write import plain

__all__ = ["html_table", "render"]


def html_table(table: pd.DataFrame) -> str:
    """Return a table as HTML, numbers with four digits."""
    shown = table.copy()
    shown.columns = [str(column).replace("_", " ") for column in shown.columns]
    return shown.to_html(index=False, border=0, float_format=lambda v: f"{v:.4g}", na_rep="–")


def render(**content: Any) -> str:
    """Fill the page.

    Parameters
    ----------
    **content
        What the template names; tables as DataFrames in ``*_table`` become HTML.
    """
    import jinja2
    from markupsafe import Markup

    page = files("experiments.compare") / "templates" / "report.html"
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    for name, value in list(content.items()):
        if name.endswith("_table") and isinstance(value, pd.DataFrame):
            content[name] = Markup(html_table(value))
    content["provenance"] = json.dumps(plain(content["provenance"]), indent=1)
    return environment.from_string(page.read_text(encoding="utf-8")).render(**content)
