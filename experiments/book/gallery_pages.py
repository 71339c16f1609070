"""The gallery: a page for each experiment, with its claim, figure, verdicts, code and command.

sphinx-gallery would run each experiment while the site is built; these run for seconds to hours,
so their pages are made from kept results instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.book.source_pages import Layout
from experiments.book.stored_results import StoredResult
from experiments.kit.registry import Entry

__all__ = ["gallery_pages", "page_of", "title_of"]

_ROOT = Path(__file__).resolve().parents[2]
_ROOMS = {
    "experiments.gallery.neurons": "Neurons",
    "experiments.gallery.ions": "Ions, pumps and glia",
    "experiments.gallery.units": "Units",
    "experiments.gallery.networks": "Networks on neurons",
}
_OTHER = "Everything together"
# Words that are not written in small letters.
_NAMES = {
    "brian2": "Brian2",
    "hodgkin huxley": "Hodgkin-Huxley",
    "lif": "LIF",
    "mnist": "MNIST",
    "siegert": "Siegert",
    "xor": "XOR",
}


def title_of(name: str) -> str:
    """Return the name of an experiment as a heading.

    Examples
    --------
    >>> title_of("axon-velocity")
    'Axon velocity'
    >>> title_of("hodgkin-huxley-onset")
    'Hodgkin-Huxley onset'
    """
    words = name.replace("-", " ")
    for small, written in _NAMES.items():
        words = re.sub(rf"\b{small}\b", written, words)
    return words[:1].upper() + words[1:]


def gallery_pages(
    layout: Layout,
    entries: Mapping[str, Entry],
    stored: Mapping[str, StoredResult],
    uses: Mapping[str, Sequence[str]],
) -> None:
    """Lay out the gallery.

    Parameters
    ----------
    layout : Layout
    entries : mapping of str to Entry
        Every experiment by name.
    stored : mapping of str to StoredResult
        Kept results, of those that have one.
    uses : mapping of str to sequence of str
        Of each experiment, the public objects that its code names.
    """
    for name, entry in entries.items():
        kept = stored.get(name)
        for figure in kept.figures if kept is not None else ():
            layout.data(f"gallery/figures/{name}-{figure.name}", figure.read_bytes())
        code = _ROOT.joinpath(*entry.module.split(".")).with_suffix(".py")
        layout.data(f"gallery/code/{name}.py", code.read_bytes())
        layout.text(f"gallery/{name}.md", page_of(entry, kept, uses.get(name, ())))
    layout.text("gallery/index.md", _index(entries, stored))


def page_of(entry: Entry, kept: StoredResult | None, uses: Sequence[str]) -> str:
    """Return the page of an experiment, in MyST Markdown."""
    parts = [f"# {title_of(entry.name)}", f"**The claim.** {_plain(entry.claim)}"]
    if kept is None:
        parts.append(
            ":::{note}\nNo result of this experiment is kept with the book. Run it to see its "
            f"figure and its numbers: `neurosim run {entry.name}`.\n:::"
        )
    else:
        parts += _shown(entry, kept)
    parts += ["## Run it", f"```text\nneurosim run {entry.name}\n```"]
    if entry.defaults:
        rows = [f"| `{name}` | `{_cell(value)}` |" for name, value in entry.defaults.items()]
        parts.append("You can change each of these with `--set NAME=VALUE`:")
        parts.append("\n".join(["| parameter | default |", "|---|---|", *rows]))
    if uses:
        parts.append("## What it uses")
        parts.append(", ".join(f"{{py:obj}}`{name}`" for name in uses))
    parts += [
        "## Code",
        f"`{entry.module.replace('.', '/')}.py`",
        f"```{{literalinclude}} code/{entry.name}.py\n:language: python\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _shown(entry: Entry, kept: StoredResult) -> list[str]:
    parts = []
    if not kept.is_current(entry):
        parts.append(
            ":::{warning}\nThe code that this experiment rests on has changed since this result "
            f"was computed. `{kept.command}` computes it again.\n:::"
        )
    for figure in kept.figures:
        alt = f"Figure {figure.stem} of the experiment {entry.name}; its claim stands above"
        parts.append(f"![{alt}](figures/{entry.name}-{figure.name})")
    rows = [
        f"| {v.word} | {_cell(v.what)} | {v.value:.4g} | {_cell(v.held_against())} |"
        for v in kept.verdicts
    ]
    head = ["| verdict | what was measured | value | bar |", "|---|---|---|---|"]
    parts.append("\n".join([*head, *rows]))
    form = "with fewer draws (`--quick`)" if kept.quick else "in full"
    parts.append(
        f"Computed {form} by `{kept.command}` in {_time(kept.seconds)}, with "
        + ", ".join(f"{name} {number}" for name, number in kept.versions.items())
        + "."
    )
    return parts


def _index(entries: Mapping[str, Entry], stored: Mapping[str, StoredResult]) -> str:
    rooms: dict[str, list[Entry]] = {title: [] for title in (*_ROOMS.values(), _OTHER)}
    for entry in entries.values():
        rooms[_ROOMS.get(entry.module.rpartition(".")[0], _OTHER)].append(entry)
    current = [name for name, one in stored.items() if one.is_current(entries[name])]
    parts = [
        "# Experiments",
        "Each experiment is one file that makes one claim and draws one figure. Its page shows the "
        "result that is kept with the book, the code, and the command that computes it again.",
        f"There are {len(entries)} experiments. {len(stored)} have a kept result; {len(current)} "
        "of these were computed with the code as it is now, and the pages of the others say that "
        "the code has changed since.",
    ]
    for title, found in rooms.items():
        if not found:
            continue
        rows = [
            f"| [{title_of(e.name)}]({e.name}.md) | {_cell(_plain(e.claim))} | "
            f"{_state(stored.get(e.name))} |"
            for e in found
        ]
        parts.append(f"## {title}")
        parts.append("\n".join(["| experiment | claim | kept result |", "|---|---|---|", *rows]))
    names = "\n".join(entries)
    parts.append(f"```{{toctree}}\n:hidden:\n\n{names}\n```")
    return "\n\n".join(parts) + "\n"


def _state(kept: StoredResult | None) -> str:
    if kept is None:
        return "none"
    return "holds" if kept.holds else "does not hold"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _plain(text: str) -> str:
    """Return a text in which Markdown finds nothing to set."""
    for sign in "\\*_`$[]<>|":
        text = text.replace(sign, f"\\{sign}")
    return text


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
