"""Reading Neurolucida's text (ASC), as NEURON's Import3d and MorphIO read it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neurosim.morphology.errors import MorphologyError
from neurosim.morphology.reconstruction.s_expressions import Item, Text
from neurosim.morphology.reconstruction.traces import Outline, Trace, Traced

__all__ = ["read_neurolucida"]

_KINDS = {"axon": 2, "dendrite": 3, "apical": 4}
_BODY = "cellbody"
_LIKE_NUMBER = re.compile(r"[-+.\d]|[-+]?(?:nan|inf)", re.IGNORECASE).match


class _Body(NamedTuple):
    """A list still to be walked through: its items, type, and the section it hangs on."""

    items: list[Item]
    kind: int
    parent: int


def read_neurolucida(path: Path) -> Traced:
    """Return what a file holds: cell bodies, sections, and what else was traced.

    Raises
    ------
    MorphologyError
        The file is no such text; the message says the line and the reason.
    """
    content = path.read_bytes()
    if b"\0" in content:
        raise MorphologyError(
            f"{path.name} is a binary file, not Neurolucida's text; save it there as ASCII (.asc)"
        )
    text = Text(path.name, content.decode("utf-8-sig", errors="replace"))
    return _Reader(text).read()


class _Reader:
    """Walks through the lists of a text."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.outlines: list[Outline] = []
        self.traces: list[Trace] = []
        self.beside: Counter[str] = Counter()
        self.names: dict[str, list[str]] = {}
        self.untyped: list[int] = []

    def read(self) -> Traced:
        waiting = list(reversed(self.text.items))
        while waiting:
            item = waiting.pop()
            if item.kind in ("word", "number", "string", "pipe", "spine"):
                raise self.text.fail(
                    item.at,
                    f"{_shown(item)} stands outside of any list; this is no text of Neurolucida "
                    "(lists in round brackets, such as ((Axon) (x y z diameter) ...))",
                )
            if self._is_point(item):
                raise self.text.fail(item.at, "a point stands outside of any contour or tree")
            first = item.first
            if first is not None and first.kind == "word" and not self._is_point(item):
                within = [one for one in item.value if one.kind == "list"]
                if first.value.lower() == "set":
                    waiting.extend(reversed(within))
                else:
                    self._marker(item)
                continue
            self._top(item)
        if not (self.outlines or self.traces or self.text.items):
            raise MorphologyError(f"{self.text.file}: the file holds no lists of Neurolucida")
        return Traced(self.text.file, self.outlines, self.traces, self._said())

    # ---- what stands at the top -----------------------------------------------------------------
    def _top(self, item: Item) -> None:
        """Read a contour, a tree, or a text in the picture."""
        kind = _type_of(item.value)
        first = item.first
        named = first.value if first is not None and first.kind == "string" else ""
        if kind == "" and named.replace(" ", "").lower() == _BODY:
            kind = _BODY
        if kind == _BODY:
            self._cell_body(item)
        elif kind:
            self._tree(item, _KINDS[kind])
        elif named:
            self._leave_out("contour", named)
        elif any(one.kind == "string" for one in item.value):
            self._leave_out("text", next(one.value for one in item.value if one.kind == "string"))
        elif any(one.kind == "point" for one in item.value):
            self.untyped.append(self.text.line(item.at))
            self._tree(item, 0)

    def _cell_body(self, item: Item) -> None:
        points = [self._point(one) for one in item.value if self._is_point(one)]
        for one in item.value:
            inner = one.first if one.kind == "list" else None
            if inner is not None and inner.kind in ("list", "point", "pipe"):
                raise self.text.fail(one.at, "a cell body that branches; it must be an outline")
        if not points:
            raise self.text.fail(item.at, "a cell body without points")
        self.outlines.append(
            Outline(
                np.array([point[:3] for point in points]),
                np.array([point[3] for point in points]),
                f"line {self.text.line(item.at)}",
            )
        )

    # ---- trees ----------------------------------------------------------------------------------
    def _tree(self, item: Item, kind: int) -> None:
        waiting = [_Body(item.value, kind, -1)]
        while waiting:
            waiting.extend(reversed(self._branch(waiting.pop())))

    def _branch(self, body: _Body) -> list[_Body]:
        """Read a section; return the branches that it ends in."""
        kind = body.kind
        points: list[list[float]] = []
        began = body.items[0].at if body.items else 0
        further: list[_Body] = []
        ended = ""
        split = False
        for item in body.items:
            if self._is_point(item):
                if ended or split:
                    after = f"the word {ended!r} that ends a branch" if ended else "a branching"
                    raise self.text.fail(item.at, f"a point comes after {after}")
                if not points:
                    began = item.at
                points.append(self._point(item, wide=True))
            elif item.kind == "spine":
                self.beside["spine"] += 1
            elif item.kind == "string":
                self._leave_out("text", item.value)
            elif item.kind == "word":
                ended = item.value
                if ended.lower() == "incomplete":
                    self.beside["branch end marked Incomplete"] += 1
            elif item.kind == "list" and item.value:
                head = item.value[0]
                if head.kind == "word":
                    found = _KINDS.get(head.value.lower())
                    if found is not None and len(item.value) == 1:
                        kind = found
                    else:
                        self._marker(item)
                elif head.kind == "string":
                    self._leave_out("contour", head.value)
                elif split:
                    raise self.text.fail(item.at, "a second branching of one branch")
                else:
                    split = True
                    own = self._end(points, kind, body.parent, began)
                    further = [_Body(part, kind, own) for part in _parts(item.value)]
            elif item.kind != "list":
                raise self.text.fail(item.at, f"{_shown(item)} stands where a point is expected")
        if not split:
            self._end(points, kind, body.parent, began)
        return further

    def _end(self, points: list[list[float]], kind: int, parent: int, at: int) -> int:
        """Keep a section; return its number, or that of its parent if it has no point."""
        if not points:
            return parent
        table = np.array(points)
        if parent >= 0:
            # A branch begins where its parent ends, with its own diameter, as in NEURON.
            last = self.traces[parent].points[-1]
            if np.any(table[0, :3] != last):
                table = np.concatenate([[[*last, table[0, 3]]], table])
        where = f"line {self.text.line(at)}"
        self.traces.append(Trace(kind, table[:, :3], table[:, 3], parent, where))
        return len(self.traces) - 1

    # ---- points ---------------------------------------------------------------------------------
    @staticmethod
    def _is_point(item: Item) -> bool:
        if item.kind != "list" or not item.value:
            return item.kind == "point"
        head = item.value[0]
        # "nan" and "1.5um" are words of the text and numbers of whoever wrote them.
        return head.kind == "number" or (head.kind == "word" and bool(_LIKE_NUMBER(head.value)))

    def _point(self, item: Item, *, wide: bool = False) -> list[float]:
        """Return x, y, z and diameter; those of a branch need the diameter."""
        if item.kind == "point":
            values = [value for value in item.value if value is not None]
        else:
            values = []
            for one in item.value:
                if one.kind != "number":
                    break
                values.append(one.value)
            rest = item.value[len(values) :]
            odd = [one for one in rest if one.kind not in ("word", "list")]
            odd += [one for one in rest if one.kind == "word" and _LIKE_NUMBER(one.value)]
            if odd or len(values) > 4:
                raise self.text.fail(
                    item.at,
                    f"({' '.join(_shown(one) for one in item.value[:6])} ...) is no point; it is "
                    "(x y z diameter), four finite numbers with decimal points",
                )
        needed = 4 if wide else 2
        if len(values) < needed:
            raise self.text.fail(
                item.at,
                f"a point of {len(values)} numbers; a point of "
                + ("a branch has four, x y z diameter" if wide else "a contour has at least x y"),
            )
        return values + [0.0] * (4 - len(values))

    # ---- what is not part of the cell -----------------------------------------------------------
    def _marker(self, item: Item) -> None:
        """Count a marker; what has no points is a property or a header."""
        # The three numbers of (Color RGB (255, 0, 0)) look like a point.
        is_colour = item.value[0].value.lower() == "color"
        count = 0 if is_colour else sum(self._is_point(one) for one in item.value)
        if count:
            self.beside["marker"] += count
            self._name("marker", item.value[0].value)

    def _leave_out(self, what: str, name: str) -> None:
        self.beside[what] += 1
        self._name(what, name)

    def _name(self, what: str, name: str) -> None:
        names = self.names.setdefault(what, [])
        if name not in names:
            names.append(name)

    def _said(self) -> list[str]:
        said = []
        parts = []
        for what, count in self.beside.items():
            if what.startswith("branch end"):
                continue
            names = self.names.get(what, [])
            shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            plural = what if count == 1 else f"{what}s"
            parts.append(f"{count} {plural}" + (f" ({shown})" if names else ""))
        if parts:
            said.append(
                f"left out, since they are no part of the membrane that is read: {'; '.join(parts)}"
            )
        if self.beside["spine"]:
            said.append(
                f"spines were traced ({self.beside['spine']}) and carry no membrane here; paint "
                "Spines(...) for their area"
            )
        unfinished = self.beside["branch end marked Incomplete"]
        if unfinished:
            said.append(f"branches marked Incomplete ({unfinished}) go on beyond the tracing")
        if self.untyped:
            lines = ", ".join(map(str, self.untyped[:5])) + (", ..." * (len(self.untyped) > 5))
            said.append(
                f"trees without a type, on lines {lines}, are tagged undefined (the types are "
                "Axon, Dendrite, Apical and CellBody)"
            )
        return said


def _type_of(items: list[Item]) -> str:
    """Return the type that a property of a contour or tree gives it, "" for none."""
    for item in items:
        if item.kind == "list" and len(item.value) == 1 and item.value[0].kind == "word":
            word = str(item.value[0].value).lower()
            if word in _KINDS or word == _BODY:
                return word
    return ""


def _parts(items: list[Item]) -> list[list[Item]]:
    """Return the branches of a branching, which bars part."""
    parts: list[list[Item]] = [[]]
    for item in items:
        if item.kind == "pipe":
            parts.append([])
        else:
            parts[-1].append(item)
    return [part for part in parts if part]


def _shown(item: Item) -> str:
    if item.kind == "number":
        return f"{item.value:g}"
    return repr(item.value) if item.kind in ("word", "string") else f"a {item.kind}"
