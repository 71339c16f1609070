"""Build the site: lay out its pages, run the chapters, and call Sphinx."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from experiments.book.chapter_pages import chapters_of, modules_of, write_notebook
from experiments.book.explorer_page import explorer_page, publish_explorer
from experiments.book.gallery_pages import gallery_pages
from experiments.book.published_outcomes import outcomes_page
from experiments.book.reference_pages import (
    public_objects,
    reference_pages,
    uses_in_chapters,
    uses_of,
)
from experiments.book.run_chapters import run_chapters
from experiments.book.source_pages import Layout, first_page
from experiments.book.stored_results import stored_result
from experiments.kit.code_digest import code_digest
from experiments.kit.registry import contents
from neurosim.atomic_write import make_folder
from neurosim.errors import ExtraMissingError

__all__ = ["Built", "build_site"]

_NEEDED = ("sphinx", "myst_nb", "sphinx_exercise", "numpydoc", "pydata_sphinx_theme")
# What is said of a link to a page that is left out.
_ELSEWHERE = "myst.xref_missing,ref.doc,ref.any,toc.not_readable"


@dataclass(frozen=True)
class Built:
    """What a build gave.

    Attributes
    ----------
    page : Path
        The first page of the site.
    failed : dict of str to str
        Chapters that failed, each with what Python said, or Sphinx; empty if nothing is wrong.
    """

    page: Path
    failed: dict[str, str]


def build_site(docs: Path, folder: Path, jobs: int = 1, *, chapters_only: bool = False) -> Built:
    """Build the site from the pages of ``docs``; every warning of Sphinx is an error.

    Parameters
    ----------
    docs : Path
        See `experiments.book.source_pages.book_folder`.
    folder : Path
        Gets ``html``, and beside it what the next build need not do again.
    jobs : int
        Processes that read and write pages.
    chapters_only : bool
        Leave out gallery, guides and reference; links to them are not checked.

    Raises
    ------
    ExtraMissingError
        The packages of the extra ``book`` are not installed.
    OutputError
        The folder cannot be written.
    """
    _check_installed()
    make_folder(folder)
    layout = Layout(folder / "source")
    if chapters_only:
        layout.copy(docs, ("book", "figures"))
        layout.sweep()
    else:
        lay_out(layout, docs, folder)
    chapters = chapters_of(layout.folder / "book")
    executed = folder / "executed" / _state(chapters)
    page = first_page(folder)
    if chapters_only:
        page = page.parent / "book" / "index.html"
    os.environ["MPLBACKEND"] = "agg"
    failed = run_chapters(chapters, executed, jobs)
    if failed:
        return Built(page, failed)
    if not _run_sphinx(docs, folder, executed, jobs, chapters_only):
        return Built(page, {"Sphinx": "it says above what is wrong"})
    for chapter in chapters:
        place = first_page(folder).parent / "book" / f"{chapter.stem}.ipynb"
        write_notebook(chapter, executed, place)
    if not chapters_only:
        publish_explorer(folder)
    return Built(page, {})


def _run_sphinx(docs: Path, folder: Path, executed: Path, jobs: int, chapters_only: bool) -> bool:
    """Run Sphinx on the pages laid out in a folder, and return whether it found nothing wrong."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q"]
    command += ["-j", str(jobs), "-c", str(docs / "site"), "-d", str(folder / "doctrees")]
    if chapters_only:
        command += ["-D", "master_doc=book/index", "-D", f"suppress_warnings={_ELSEWHERE}"]
    done = subprocess.run(
        [*command, str(folder / "source"), str(first_page(folder).parent)],
        env=os.environ | {"NEUROSIM_BOOK_EXECUTED": str(executed)},
        check=False,
    )
    return done.returncode == 0


def lay_out(layout: Layout, docs: Path, folder: Path) -> None:
    """Lay out every page of the site: those that are written and those that are made.

    Parameters
    ----------
    layout : Layout
    docs : Path
        What is written.
    folder : Path
        Of the build, for what is made and no source of Sphinx.
    """
    layout.copy(docs)
    entries = contents()
    kept = {name: stored_result(docs / "gallery_results", name) for name in entries}
    stored = {name: one for name, one in kept.items() if one is not None}
    objects = public_objects()
    uses = uses_of(entries, objects)
    chapters = uses_in_chapters(docs / "book", objects)
    gallery_pages(layout, entries, stored, uses)
    layout.text("published.md", outcomes_page(entries, stored))
    used = {f"book/{name}": names for name, names in chapters.items()}
    used |= {f"gallery/{name}": names for name, names in uses.items()}
    reference_pages(layout, objects, used)
    explorer_page(layout, folder)
    layout.sweep()


def _check_installed() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        what = f"building the book ({', '.join(missing)} not installed)"
        raise ExtraMissingError.needed_for(what, "book")


def _state(chapters: Iterable[Path]) -> str:
    """Return a digest of all that the outputs of chapters depend on besides their own text."""
    names = ("brian2", "numpy", "scipy", "scikit-learn", "matplotlib", "pandas")
    parts = [importlib.metadata.version(name) for name in names]
    ours = ("neurosim", "ann", "bridge", "experiments")
    parts += [
        code_digest(module)
        for module in sorted(modules_of(chapters))
        if module.partition(".")[0] in ours
    ]
    text = ":".join([*parts, str(sys.version_info[:2])])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
