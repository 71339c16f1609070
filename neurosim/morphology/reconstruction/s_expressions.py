"""Neurolucida's text as nested lists, each item with its place in the file."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any, NamedTuple

from neurosim.morphology.errors import MorphologyError

__all__ = ["Item", "Text"]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_GAP = r"\s*[\s,]\s*"
# A point is read in one piece where it is written in the usual way, for speed.
_TOKEN = re.compile(
    rf"""
    (?P<skip>[\s,]+|;[^\r\n]*)
    |(?P<point>\(\s*(?P<x>{_NUMBER}){_GAP}(?P<y>{_NUMBER}){_GAP}(?P<z>{_NUMBER})
        (?:{_GAP}(?P<d>{_NUMBER}))?(?:\s+[A-Za-z_]\w*)?\s*\))
    |(?P<open>[(<])
    |(?P<close>[)>])
    |(?P<pipe>\|)
    |"(?P<string>[^"\r\n]*)"
    |(?P<number>{_NUMBER}(?=[\s,()<>|";]|$))
    |(?P<word>[^\s,()<>|";]+)
    """,
    re.VERBOSE,
)


class Item(NamedTuple):
    """A piece of the text.

    Attributes
    ----------
    kind : str
        ``"list"``, ``"spine"`` (a list in angle brackets), ``"point"``, ``"number"``, ``"word"``,
        ``"string"`` or ``"pipe"``.
    value : object
        The items of a list; x, y, z and diameter (None where it is missing) of a point.
    at : int
        Where it begins, in characters.
    """

    kind: str
    value: Any
    at: int

    @property
    def first(self) -> Item | None:
        """The first item of a list."""
        return self.value[0] if self.value else None


class Text:
    """A text of nested lists.

    Parameters
    ----------
    file : str
        Name used in messages.
    text : str
        The text.

    Examples
    --------
    >>> text = Text("cell.asc", "((Axon) (0 0 0 1) (0 5 0 1))")
    >>> [item.kind for item in text.items[0].value]
    ['list', 'point', 'point']
    """

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._starts = [match.end() for match in re.finditer(r"\r\n|\r|\n", text)]
        self.items = self._parse(text)

    def line(self, at: int) -> int:
        """Return the line of a place, from 1."""
        return 1 + bisect_right(self._starts, at)

    def fail(self, at: int, reason: str) -> MorphologyError:
        """Return the error that says where and why."""
        return MorphologyError(f"{self.file}, line {self.line(at)}: {reason}")

    def _parse(self, text: str) -> list[Item]:
        inside: list[Item] = []
        outer: list[tuple[str, int, list[Item]]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self.fail(at, 'a name in quotes has no second " on its line')
            kind = str(match.lastgroup)
            if kind == "point":
                words = match.group("x", "y", "z", "d")
                inside.append(Item(kind, [None if w is None else float(w) for w in words], at))
            elif kind == "open":
                outer.append((match.group(), at, inside))
                inside = []
            elif kind == "close":
                if not outer:
                    raise self.fail(at, f"{match.group()!r} closes nothing")
                sign, began, around = outer.pop()
                if (sign == "<") != (match.group() == ">"):
                    raise self.fail(
                        at,
                        f"{match.group()!r} where the {sign!r} of line {self.line(began)} must be "
                        "closed first",
                    )
                around.append(Item("spine" if sign == "<" else "list", inside, began))
                inside = around
            elif kind == "number":
                inside.append(Item(kind, float(match.group()), at))
            elif kind != "skip":
                inside.append(Item(kind, match.group(kind), at))
            at = match.end()
        if outer:
            sign, began, _ = outer[-1]
            raise self.fail(
                began, f"the {sign!r} is never closed; the file may have been cut at its end"
            )
        return inside
