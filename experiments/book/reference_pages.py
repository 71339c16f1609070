"""The API reference: a page for each public object, with the pages of the book that use it."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.book.chapter_pages import cells_of, chapters_of
from experiments.book.source_pages import Layout
from experiments.kit.registry import Entry

__all__ = ["PublicObject", "names_in", "public_objects", "reference_pages", "uses_of"]

PACKAGES = ("neurosim", "ann", "bridge", "experiments")
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class PublicObject:
    """A class, function or constant that a package offers.

    Attributes
    ----------
    name : str
        The shortest name it is imported by, such as ``neurosim.channels.Leak``.
    room : str
        The package or folder that offers it under this name.
    kind : {"class", "exception", "function", "data"}
    says : str
        First line of its docstring.
    """

    name: str
    room: str
    kind: str
    says: str


def public_objects() -> dict[str, PublicObject]:
    """Return what the four packages and their folders offer, by name; imports them all.

    An object that is offered twice is described once, under its shortest name.
    """
    found: dict[Any, PublicObject] = {}
    for room in _rooms():
        module = importlib.import_module(room)
        for name in sorted(getattr(module, "__all__", ())):
            thing = getattr(module, name)
            one = PublicObject(f"{room}.{name}", room, _kind(thing), _first_line(thing))
            key = f"{room}.{name}" if one.kind == "data" else (thing.__module__, thing.__qualname__)
            # Rooms come in the order of their depth, so the first name is the shortest.
            if one.kind == "data" or thing.__module__.partition(".")[0] in PACKAGES:
                found.setdefault(key, one)
    return {one.name: one for one in found.values()}


def _rooms() -> list[str]:
    rooms = []
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        rooms.append(package)
        rooms += [m.name for m in pkgutil.walk_packages(path, f"{package}.") if m.ispkg]
    return sorted(rooms, key=lambda room: (room.count("."), PACKAGES.index(room.split(".")[0])))


def _kind(thing: object) -> str:
    if inspect.isclass(thing):
        return "exception" if issubclass(thing, BaseException) else "class"
    return "function" if inspect.isfunction(thing) else "data"


def _first_line(thing: object) -> str:
    if _kind(thing) == "data":
        return ""
    return (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")


def uses_of(
    entries: Mapping[str, Entry], objects: Mapping[str, PublicObject]
) -> dict[str, list[str]]:
    """Return, of each experiment, the public objects that its code imports.

    What modules of `experiments` import on its behalf counts too, apart from the kit, which every
    experiment shares.
    """
    known = _by_place(objects)
    return {
        name: sorted(_used(entry.module, known, set())) for name, entry in sorted(entries.items())
    }


def _by_place(objects: Mapping[str, PublicObject]) -> dict[Any, str]:
    """Return the name of each object by where its code stands, which all its names share."""
    known = {}
    for one in objects.values():
        thing = getattr(importlib.import_module(one.room), one.name.rpartition(".")[2])
        known[_place(thing)] = one.name
    return known


def _place(thing: Any) -> Any:
    if inspect.isclass(thing) or inspect.isfunction(thing):
        return thing.__module__, thing.__qualname__
    return id(thing)


def _used(module: str, known: Mapping[Any, str], seen: set[str]) -> set[str]:
    seen.add(module)
    file = _ROOT.joinpath(*module.split(".")).with_suffix(".py")
    if not file.is_file():
        return set()
    source = file.read_text(encoding="utf-8")
    found = names_in(source, known)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            below = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
            for name in below:
                ours = name.startswith("experiments.") and not name.startswith("experiments.kit")
                if ours and name not in seen:
                    found |= _used(name, known, seen)
    return found


def names_in(source: str, known: Mapping[Any, str]) -> set[str]:
    """Return the public objects that Python code imports from the four packages."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        inside = node.module if isinstance(node, ast.ImportFrom) else None
        if not inside or inside.partition(".")[0] not in PACKAGES:
            continue
        try:
            module = importlib.import_module(inside)
        except ImportError:
            # The code that imports it fails when it is run, and says so.
            continue
        for one in node.names if isinstance(node, ast.ImportFrom) else ():
            thing = getattr(module, one.name, None)
            if _place(thing) in known:
                found.add(known[_place(thing)])
    return found


def uses_in_chapters(folder: Path, objects: Mapping[str, PublicObject]) -> dict[str, list[str]]:
    """Return, of each chapter, the public objects that its cells import."""
    known = _by_place(objects)
    return {
        page.stem: sorted(set().union(*(names_in(cell, known) for cell in cells_of(page))))
        for page in chapters_of(folder)
    }


def reference_pages(
    layout: Layout,
    objects: Mapping[str, PublicObject],
    used: Mapping[str, Sequence[str]],
) -> None:
    """Lay out the reference.

    Parameters
    ----------
    layout : Layout
    objects : mapping of str to PublicObject
    used : mapping of str to sequence of str
        By page (such as ``gallery/axon-velocity``), the objects that it uses.
    """
    users = defaultdict(list)
    for page, names in used.items():
        for name in names:
            users[name].append(page)
    rooms = defaultdict(list)
    for one in objects.values():
        rooms[one.room].append(one)
        layout.text(f"api/{one.name}.rst", _page(one, users[one.name]))
    for room, offered in rooms.items():
        layout.text(f"api/{room}.rst", _room_page(room, offered))
    parts = [_heading("API reference"), "What the four packages offer, folder by folder.", ""]
    for package in PACKAGES:
        parts += [_heading(package, "-"), ".. toctree::", "   :maxdepth: 1", ""]
        parts += [f"   {room}" for room in sorted(rooms) if room.split(".")[0] == package] + [""]
    layout.text("api/index.rst", "\n".join(parts) + "\n")


def _heading(text: str, sign: str = "=") -> str:
    return f"{text}\n{sign * len(text)}\n"


def _page(one: PublicObject, users: Sequence[str]) -> str:
    parts = [_heading(one.name), f".. auto{one.kind}:: {one.name}"]
    if one.kind in ("class", "exception"):
        parts.append("   :members:")
    parts += ["", ".. rubric:: Where the book uses it", ""]
    parts += [f"* :doc:`/{page}`" for page in users] or ["No page of the book uses it yet."]
    return "\n".join(parts) + "\n"


def _room_page(room: str, offered: Sequence[PublicObject]) -> str:
    module = importlib.import_module(room)
    parts = [_heading(room), inspect.getdoc(module) or "", ""]
    parts += [".. list-table::", "   :widths: 30 70", ""]
    for one in offered:
        short = one.name.removeprefix(f"{room}.")
        parts += [f"   * - :doc:`{short} <{one.name}>`", f"     - {one.says}"]
    parts += ["", ".. toctree::", "   :hidden:", ""]
    parts += [f"   {one.name.removeprefix(room + '.')} <{one.name}>" for one in offered]
    return "\n".join(parts) + "\n"
