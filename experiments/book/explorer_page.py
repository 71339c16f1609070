"""The page of the book on which the explorer is tried, where it can be built."""

from __future__ import annotations

import shutil
from pathlib import Path

from experiments.book.source_pages import Layout, first_page
from experiments.explore.packed_neurons import packed_neurons
from experiments.explore.page_builder import build_page
from neurosim.engine.programs.wasm import wasm_compiler
from neurosim.errors import EngineError

__all__ = ["explorer_page", "publish_explorer"]

PAGE = "try-it"
#: Where it stands in the site. What Sphinx did not write into this folder stays there.
FILE = Path("_static") / "neurosim-explorer.html"

_HEAD = """\
# Try it

Here you can change a neuron and see at once what it does. The neurons run in your browser, by the
programs that Python compiles for them. What each tab shows, and how it was tested, stands in the
guide to [the explorer](explorer.md).
"""
_SHOWN = """
<p><a href="{file}">Open the explorer on a page of its own</a>, which a small screen needs. It works
without a network, and you can save it.</p>

<iframe class="explorer" src="{file}" title="The neurosim explorer" loading="lazy"></iframe>
"""
_ABSENT = """
:::{{note}}
This copy of the book was built without the explorer's neurons ({why}). The command
`neurosim explore` writes the explorer as one page and opens it.
:::
"""


def explorer_page(layout: Layout, folder: Path) -> None:
    """Build the explorer and lay out the page that shows it, or one that says how to get it.

    Parameters
    ----------
    layout : Layout
        Of the site's sources.
    folder : Path
        Of the build; keeps the explorer until `publish_explorer` puts it into the site.
    """
    why = _missing()
    if why:
        _kept(folder).unlink(missing_ok=True)
    else:
        build_page(_kept(folder))
    layout.text(
        f"{PAGE}.md", _HEAD + (_ABSENT.format(why=why) if why else _SHOWN.format(file=FILE))
    )


def _missing() -> str:
    """Return why the explorer would have no neurons; empty if it has."""
    try:
        wasm_compiler()
    except EngineError as error:
        return "" if packed_neurons() else str(error)
    return ""


def publish_explorer(folder: Path) -> None:
    """Put the explorer that was built into the site."""
    place = first_page(folder).parent / FILE
    if not _kept(folder).is_file():
        place.unlink(missing_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_kept(folder), place)


def _kept(folder: Path) -> Path:
    return folder / FILE.name
