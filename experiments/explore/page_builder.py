"""The explorer as one file: page, style, script and every number in it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from experiments.explore.digit_twin import digit_data
from experiments.explore.embedding import safe_json
from experiments.explore.learning_tables import learning_data
from experiments.explore.unit_grid import unit_data
from experiments.kit.store import Store, store_folder
from neurosim.atomic_write import make_folder, write_text
from neurosim.version import installed_version

__all__ = ["MOST_BYTES", "build_page", "page_text"]

#: A page that is larger takes too long to open from a slow disk.
MOST_BYTES = 1_500_000
TITLE = "The neurosim explorer"
# In this order: each uses what stands before it.
_SCRIPTS = (
    "base.js", "dense_network.js", "learning_run.js", "normal_deviates.js", "spiking_twin.js",
    "plots.js", "controls.js", "address.js", "shell.js", "drawing_pad.js", "network_tab.js",
    "learn_tab.js", "unit_tab.js", "start.js",
)  # fmt: skip
# Share of the time that the tables of units take, where none is stored yet.
_UNITS_SHARE = 0.9


def _part(name: str) -> str:
    return (files("experiments.explore") / "templates" / name).read_text(encoding="utf-8")


def _fingerprint(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def page_text(data: dict[str, Any], title: str = TITLE) -> str:
    """Return the page.

    A policy in its head allows this one script and this one style, and no request to anywhere.

    Parameters
    ----------
    data : dict
        What each tab shows, by the name of the tab.
    title : str
        What the page is called.

    Returns
    -------
    str
        HTML that needs no other file.

    Examples
    --------
    >>> page = page_text({}, title="<b>mine</b>")
    >>> "&lt;b&gt;mine" in page, "<b>mine" in page
    (True, False)
    """
    script = "".join(_part(name) for name in _SCRIPTS)
    style = _part("explorer.css")
    policy = (
        f"default-src 'none'; script-src {_fingerprint(script)} 'wasm-unsafe-eval'; "
        f"style-src {_fingerprint(style)}; img-src data: blob:; worker-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    values = {
        "policy": policy,
        "title": escape(title),
        "style": style,
        "version": escape(installed_version()),
        "data": safe_json(data),
        "script": script,
    }
    text = ""
    # Piece by piece, so that what is put in is never searched for places itself.
    for piece in _part("explorer.html").split("{{ "):
        name, end, rest = piece.partition(" }}")
        text += values[name] + rest if end else piece
    return text


def build_page(
    out: str | Path,
    progress: Callable[[float], None] | None = None,
    store: Store | None = None,
) -> Path:
    """Write the explorer.

    Parameters
    ----------
    out : path
        The file, which appears when it is whole.
    progress : callable, optional
        Given the share that is done.
    store : Store, optional
        Where tables of units are kept (default: the store of results). The first page takes
        minutes, a later one seconds.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    kept = Store(store_folder()) if store is None else store
    share = None if progress is None else lambda done: progress(_UNITS_SHARE * done)
    data = {"unit": unit_data(kept, share), "network": digit_data(), "learn": learning_data()}
    place = Path(out)
    make_folder(place.parent)
    write_text(place, page_text(data))
    return place
