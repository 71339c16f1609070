"""A digest of the code that an experiment rests on.

A result that was kept counts as long as none of that code has changed. Which code it is follows
from the sources: what the experiment's module imports, at its top or inside functions, what those
modules import, and every module that they name in a string (as for a worker process). A package
from which a name is imported counts with all its modules, because its names may be loaded when they
are first used. Docstrings do not count, since no number rests on them. Files that are no Python,
such as C++ headers and tables, always count, but for pages, their styles and scripts: such a file
counts where a module of the folder that holds the templates does.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path

__all__ = ["code_digest", "code_of", "file_marks", "whole_digest"]

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("neurosim", "ann", "bridge", "experiments")
_OF_PAGES = (".html", ".css", ".js")
# A release leaves in folders of this name what it made from the code; no result rests on it.
_MADE_FROM_CODE = "packed"
_NAMED = re.compile(rf"\b(?:{'|'.join(_PACKAGES)})(?:\.\w+)+")


@cache
def code_digest(module: str, within: str = "", without: tuple[str, ...] = ()) -> str:
    """Return a digest of the code of a module and of all that it imports.

    Parameters
    ----------
    module : str
        Such as ``experiments.gallery.networks.reset_error``; one that does not belong to the four
        packages rests on all of them.
    within : str
        One of the packages, where no other counts.
    without : tuple of str
        Modules and packages that do not count, nor what only they import.
    """
    digest = hashlib.sha256()
    code = code_of(module, without)
    files = {*code, *(file for file in _other_files() if _is_of(file, code))}
    if within:
        files = {file for file in files if _ROOT / within in file.parents}
    left_out = _places(without)
    files = {file for file in files if not left_out.intersection((file, *file.parents))}
    for file in sorted(files):
        content = _statements(file) if file.suffix == ".py" else file.read_bytes()
        digest.update(str(file.relative_to(_ROOT)).encode() + b"\0" + content)
    return digest.hexdigest()


@cache
def whole_digest() -> str:
    """Return a digest of all files of the four packages, a hundred times sooner than `code_digest`.

    It changes with any of them, also with one that a result does not rest on.
    """
    digest = hashlib.sha256()
    modules = [file for name in _PACKAGES for file in _whole(name)]
    for file in sorted([*modules, *_other_files()]):
        digest.update(str(file.relative_to(_ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def file_marks(package: str) -> list[tuple[str, int, int, int]]:
    """Return name, size and times of every file of a package: they change when a file is written.

    Looking is twenty times faster than reading. The time of the last change of a file's entry
    (``st_ctime``) is set by the system and cannot be put back.
    """
    marks = []
    for place, folders, names in os.walk(_ROOT / package):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            file = os.path.join(place, name)
            told = os.stat(file)
            marks.append((file, told.st_size, told.st_mtime_ns, told.st_ctime_ns))
    return marks


@cache
def code_of(module: str, without: tuple[str, ...] = ()) -> frozenset[Path]:
    """Return the Python files of a module and of all that it imports, directly or not."""
    found: set[Path] = set()
    left_out = _places(without)
    waiting = list(_files(module) or (file for name in _PACKAGES for file in _whole(name)))
    while waiting:
        file = waiting.pop()
        if file not in found and not left_out.intersection((file, *file.parents)):
            found.add(file)
            waiting += [other for name in _imports(file) for other in _files(name)]
    return frozenset(found)


def _places(modules: tuple[str, ...]) -> set[Path]:
    """Return the folders of packages, and the files of modules."""
    places = (_ROOT.joinpath(*name.split(".")) for name in modules)
    return {place if place.is_dir() else place.with_suffix(".py") for place in places}


def _files(module: str) -> tuple[Path, ...]:
    """Return the files that stand for a name: of a module, or all of a package; or none."""
    place = _ROOT.joinpath(*module.split("."))
    if module.partition(".")[0] not in _PACKAGES:
        return ()
    if place.is_dir():
        return _whole(module)
    file = place.with_suffix(".py")
    if not file.is_file():
        # A name in a module, or in the package that holds it.
        above = module.rpartition(".")[0]
        return _files(above) if above else ()
    # The packages around a module are imported before it.
    around = (parent / "__init__.py" for parent in file.parents if _ROOT in parent.parents)
    return (file, *(one for one in around if one.is_file()))


@cache
def _whole(package: str) -> tuple[Path, ...]:
    return tuple(sorted(_ROOT.joinpath(*package.split(".")).rglob("*.py")))


@cache
def _other_files() -> tuple[Path, ...]:
    folders = (_ROOT / name for name in _PACKAGES)
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    return tuple(
        file
        for file in files
        if file.suffix not in (".py", ".pyc") and file.parent.name != _MADE_FROM_CODE
    )


def _is_of(file: Path, code: frozenset[Path]) -> bool:
    """Whether a file that is no Python may be read by these modules."""
    if file.suffix not in _OF_PAGES:
        return True
    # A folder `templates` belongs to the modules beside it.
    folder = file.parent.parent if file.parent.name == "templates" else file.parent
    return any(folder in module.parents for module in code)


@cache
def _statements(file: Path) -> bytes:
    """Return the source of a module without its docstrings, byte for byte otherwise."""
    source = file.read_bytes()
    starts = [0, *accumulate(len(line) for line in source.splitlines(keepends=True))]
    docstrings = sorted(
        (starts[node.lineno - 1] + node.col_offset, starts[last - 1] + column)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and (last := node.end_lineno) is not None
        and (column := node.end_col_offset) is not None
    )
    kept, done = b"", 0
    for begin, end in docstrings:
        kept += source[done:begin]
        done = end
    return kept + source[done:]


@cache
def _imports(file: Path) -> frozenset[str]:
    """Return the names in our packages that a file imports or names."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    # What a docstring names is not imported.
    said = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return frozenset(name for node in nodes if id(node) not in said for name in _names(node, file))


def _names(node: ast.AST, file: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (one.name for one in node.names)
    elif isinstance(node, ast.ImportFrom):
        inside = node.module or ""
        if node.level:
            above = file.relative_to(_ROOT).parts[: -node.level]
            inside = ".".join([*above, *filter(None, [inside])])
        yield from (f"{inside}.{one.name}" for one in node.names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        # Of "bridge.select", which is no module, nothing follows.
        yield from (
            name for name in _NAMED.findall(node.value)
            if (place := _ROOT.joinpath(*name.split("."))).is_dir()
            or place.with_suffix(".py").is_file()
        )  # fmt: skip
