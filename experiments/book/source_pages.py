"""Where the pages of the book stand, and how they are laid out for Sphinx.

Sphinx reads one folder. The pages that people write stand in ``docs``, others are made from the
registry of experiments and from the docstrings; all of them are laid out in a folder of the build,
so that a checkout stays as it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from experiments.book.chapter_pages import with_values
from neurosim.atomic_write import make_folder, write_bytes
from neurosim.errors import OutputError

__all__ = ["Layout", "book_folder", "first_page"]

_BESIDE = Path(__file__).resolve().parents[2] / "docs"
_FOLDERS = ("book", "figures", "notebooks")
_FILES = ("*.md", "claims.csv")


def book_folder(chosen: Path | None = None) -> Path:
    """Return the folder ``docs`` that the book is built from.

    Parameters
    ----------
    chosen : Path, optional
        Where to look; else beside the packages, as in a checkout, and in the current folder.

    Raises
    ------
    OutputError
        There is none, as beside packages that were installed from a wheel.
    """
    places = [chosen] if chosen is not None else [_BESIDE, Path.cwd() / "docs"]
    for place in places:
        if (place / "site" / "conf.py").is_file():
            return place.resolve()
    raise OutputError(
        f"the pages of the book are not in {' or '.join(map(str, places))}: they come with the "
        "repository, not with the installed package; get the repository, and type there: "
        'python -m pip install ".[book]" && neurosim book --build neurosim-book'
    )


def first_page(folder: Path) -> Path:
    """Return where the first page of a site that was built in a folder stands."""
    return folder / "html" / "index.html"


class Layout:
    """A folder of pages for Sphinx; a file is written only where its content is new.

    Sphinx reads a page again if its file is newer than what it has kept. Pages that are no longer
    made are removed by `sweep`.

    Parameters
    ----------
    folder : Path
        Made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._laid: set[Path] = set()

    def text(self, name: str, content: str) -> None:
        """Lay out a page."""
        self.data(name, content.encode())

    def data(self, name: str, content: bytes) -> None:
        """Lay out a file."""
        place = self.folder / name
        self._laid.add(place)
        if place.is_file() and place.read_bytes() == content:
            return
        make_folder(place.parent)
        write_bytes(place, content)

    def copy(self, docs: Path, folders: tuple[str, ...] = ()) -> None:
        """Lay out the pages that stand in ``docs``, or only those of some folders in it."""
        for file in _written(docs, folders):
            name = file.relative_to(docs).as_posix()
            if file.parent.name == "book" and file.suffix == ".md":
                self.text(name, with_values(file.read_text(encoding="utf-8"), file.stem))
            else:
                self.data(name, file.read_bytes())
        if folders:
            return
        for page in sorted((docs / "site").glob("*.md")):
            self.data(page.name, page.read_bytes())
        root = docs.parent
        if (root / "CONTRIBUTING.md").is_file():
            text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
            # It stands one folder higher, and its links start there.
            self.text("contributing.md", text.replace("](docs/", "]("))

    def sweep(self) -> None:
        """Remove files that were laid out by an earlier build and not by this one."""
        for file in sorted(self.folder.rglob("*")):
            if file.is_file() and file not in self._laid:
                file.unlink()
        for folder in sorted(self.folder.rglob("*"), reverse=True):
            if folder.is_dir() and not any(folder.iterdir()):
                shutil.rmtree(folder)


def _written(docs: Path, folders: tuple[str, ...]) -> Iterator[Path]:
    for pattern in () if folders else _FILES:
        yield from sorted(docs.glob(pattern))
    for name in folders or _FOLDERS:
        yield from (file for file in sorted((docs / name).rglob("*")) if file.is_file())
