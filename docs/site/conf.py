"""The site: chapters that are executed, a gallery, today's pages, and the API reference.

`neurosim book --build DIR` lays out the sources and calls Sphinx with this file. Nothing here asks
the network, neither when the site is built nor when it is read.
"""

from __future__ import annotations

import dataclasses
import os
from importlib.metadata import files
from pathlib import Path

from neurosim.version import installed_version

project = "neurosim"
author = "the neurosim authors"
copyright = "the neurosim authors, BSD 3-Clause licence"
release = installed_version()

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_exercise",
    "sphinx_togglebutton",
]

# Chapters: executed, kept while code and packages are the same, and an error ends the build.
nb_execution_mode = "cache"
nb_execution_cache_path = os.environ.get("NEUROSIM_BOOK_EXECUTED", "")
nb_execution_raise_on_error = True
nb_execution_timeout = 1800
nb_execution_show_tb = True
nb_merge_streams = True
# Tables that cells write are tables.
nb_render_markdown_format = "myst"
nb_render_image_options = {"align": "center"}
nb_mime_priority_overrides = [("html", "image/svg+xml", 15)]
# A test runs this notebook, which draws what the chapters do not.
nb_execution_excludepatterns = ["notebooks/*"]

myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
myst_dmath_allow_labels = True
# A price or a shell's variable is no formula.
myst_dmath_allow_digits = False
myst_dmath_allow_space = False

# Single backticks in docstrings name objects; a name that no page describes stays plain.
default_role = "py:obj"
# scikit-learn adds these to its estimators, with links into its own pages.
autodoc_default_options = {
    "exclude-members": "get_metadata_routing, set_fit_request, set_predict_request, "
    "set_partial_fit_request, set_score_request, set_transform_request, "
    "set_inverse_transform_request"
}
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True
copybutton_exclude = ".linenos, .gp, .go"
togglebutton_hint = "Show"
togglebutton_hint_hide = "Hide"

# One file of MathJax draws formulas as SVG, so that no font and no second file is loaded.
mathjax_path = "mathjax/tex-svg.js"
mathjax3_config = {
    "options": {"enableMenu": False},
    "loader": {"load": []},
    "svg": {"fontCache": "local"},
}

html_theme = "pydata_sphinx_theme"
html_title = "neurosim: from neurons to networks and back"
html_static_path = ["static"]
html_css_files = ["house.css"]
html_js_files = ["house.js"]
html_show_sourcelink = False
html_copy_source = False
# Pages are read from files, where a browser lets no page read another for a summary.
html_show_search_summary = False
html_sidebars = {"index": []}
html_theme_options = {
    "logo": {"text": "neurosim"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "collapse_navigation": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def _with_mathjax(app: object) -> None:
    """Put MathJax, as its package brought it, into the static files of the site."""
    shipped = [one for one in files("sphinx-mathjax-offline") or [] if one.name == "tex-svg.js"]
    place = Path(app.outdir) / "_static" / "mathjax"  # type: ignore[attr-defined]
    place.mkdir(parents=True, exist_ok=True)
    (place / "tex-svg.js").write_bytes(Path(str(shipped[0].locate())).read_bytes())


def _with_defaults(
    _app: object,
    what: str,
    _name: str,
    thing: object,
    _options: object,
    signature: str | None,
    *_: object,
) -> tuple[str, str] | None:
    """Show the default that a field of a dataclass makes, such as ``tau_m=20. * msecond``."""
    if (
        what != "class"
        or not dataclasses.is_dataclass(thing)
        or "<factory>" not in (signature or "")
    ):
        return None
    for one in dataclasses.fields(thing):
        if one.default_factory is not dataclasses.MISSING:
            shown = repr(one.default_factory())
            signature = signature.replace(f"{one.name}=<factory>", f"{one.name}={shown}")
    return signature, ""


def setup(app: object) -> None:
    """Be called by Sphinx."""
    app.connect("autodoc-process-signature", _with_defaults)  # type: ignore[attr-defined]
    app.connect("builder-inited", _with_mathjax)  # type: ignore[attr-defined]
