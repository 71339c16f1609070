"""The explorer as one file: page, style, script and every number in it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from experiments.explore.digit_twin import digit_data
from experiments.explore.embedding import safe_json
from experiments.explore.learning_tables import learning_data
from experiments.explore.neuron_kernels import neuron_data
from experiments.explore.packed_neurons import packed_neurons
from experiments.explore.unit_grid import unit_data
from experiments.kit.store import Store, store_folder
from neurosim.atomic_write import make_folder, write_text
from neurosim.engine.programs.wasm import wasm_compiler
from neurosim.errors import EngineError, OutputError
from neurosim.version import installed_version

__all__ = ["MOST_BYTES", "BuiltPage", "build_page", "page_part", "page_text"]

#: A page that is larger takes too long to open from a slow disk.
MOST_BYTES = 1_500_000
TITLE = "The neurosim explorer"
# In this order: each uses what stands before it.
_SCRIPTS = (
    "base.js", "dense_network.js", "learning_run.js", "normal_deviates.js", "spiking_twin.js",
    "plots.js", "controls.js", "address.js", "shell.js", "drawing_pad.js", "network_tab.js",
    "learn_tab.js", "unit_tab.js", "neuron_runner.js", "cell_picture.js",
    "cell_map.js", "neuron_tab.js", "start.js",
)  # fmt: skip
# Share of the time that the tables of units take, where none is stored yet.
_UNITS_SHARE = 0.9


def page_part(name: str) -> str:
    """Return a file of the templates.

    Examples
    --------
    >>> page_part("base.js").splitlines()[0]
    '"use strict";'
    """
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
    script = "".join(page_part(name) for name in _SCRIPTS)
    style = page_part("explorer.css")
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
    for piece in page_part("explorer.html").split("{{ "):
        name, end, rest = piece.partition(" }}")
        text += values[name] + rest if end else piece
    return text


@dataclass(frozen=True)
class BuiltPage:
    """A page that was written.

    Attributes
    ----------
    file : Path
        Where it is.
    left_out : str
        Why there is no tab Neuron; empty if there is one.
    """

    file: Path
    left_out: str


def build_page(
    out: str | Path,
    progress: Callable[[float], None] | None = None,
    store: Store | None = None,
) -> BuiltPage:
    """Write the explorer.

    The tab Neuron needs programs that are compiled for the page. Without the package ``ziglang``
    they are those that the release brings along; where there are none, the page has the other tabs.

    Parameters
    ----------
    out : path
        The file, which appears when it is whole.
    progress : callable, optional
        Given the share that is done.
    store : Store, optional
        Where tables of units are kept (default: the store of results). The first page takes
        minutes, a later one less.

    Returns
    -------
    BuiltPage

    Raises
    ------
    OutputError
        The file cannot be written, or the page would be larger than `MOST_BYTES`.
    """
    kept = Store(store_folder()) if store is None else store
    share = None if progress is None else lambda done: progress(_UNITS_SHARE * done)
    data = {"unit": unit_data(kept, share), "network": digit_data(), "learn": learning_data()}
    left_out = ""
    try:
        data["neuron"] = _neurons() | {"worker": page_part("kernel_worker.js")}
    except EngineError as error:
        left_out = str(error)
    text = page_text(data)
    size = len(text.encode("utf-8"))
    if size > MOST_BYTES:
        raise OutputError(f"the page has {size} bytes; it may have {MOST_BYTES}")
    place = Path(out)
    make_folder(place.parent)
    write_text(place, text)
    return BuiltPage(place, left_out)


def _neurons() -> dict[str, Any]:
    """Return the tab Neuron, compiled here or by the release."""
    try:
        wasm_compiler()
    except EngineError as missing:
        packed = packed_neurons()
        if packed is None:
            raise EngineError(f"{missing}; this installation brings no compiled ones") from None
        return packed
    return neuron_data()
