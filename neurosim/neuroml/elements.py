"""A NeuroML file as elements, each with its line; segments of cells in plain tuples.

Nothing outside of the file is opened: document types and entities are refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from neurosim.errors import ParameterError

__all__ = ["Element", "NeuroMLError", "Segment", "read_elements"]

_DEEPEST = 100
_MOST_BYTES = 2_000_000_000
# Remarks, which say nothing of the cell.
REMARKS = ("notes", "annotation")
_POINT = ("x", "y", "z", "diameter")


class NeuroMLError(ParameterError):
    """A file of NeuroML that holds no neuron, or one that cannot be said here."""


class Segment(NamedTuple):
    """A segment of a morphology, as the file has it (um)."""

    number: int
    name: str
    parent: int | None
    along: float
    proximal: tuple[float, ...] | None
    distal: tuple[float, ...]
    line: int


@dataclass(eq=False)
class Element:
    """An element: its name without namespace, attributes, children, and where it stands.

    `segments` are those of a morphology, `members` the segments that a group lists.
    """

    tag: str
    attributes: dict[str, str]
    line: int
    file: str
    children: list[Element] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    members: list[int] = field(default_factory=list)

    def fail(self, reason: str) -> NeuroMLError:
        """Return the error that says where and why."""
        name = f" {self.attributes['id']!r}" if "id" in self.attributes else ""
        return NeuroMLError(f"{self.file}, line {self.line}: {self.tag}{name}: {reason}")

    def get(self, attribute: str) -> str:
        """Return an attribute that must be there."""
        if attribute not in self.attributes:
            raise self.fail(f"the attribute {attribute!r} is missing")
        return self.attributes[attribute]

    def all(self, *tags: str) -> list[Element]:
        """Return the children of some names."""
        return [child for child in self.children if child.tag in tags]

    def only(self, *known: str) -> list[Element]:
        """Return the children, of which all must be of known names."""
        for child in self.children:
            if child.tag not in known and child.tag not in (*REMARKS, "property"):
                raise child.fail(
                    f"this part of {self.tag} is not known here (known: {', '.join(known)})"
                )
        return [child for child in self.children if child.tag in known]


def read_elements(path: Path) -> Element:
    """Return the outermost element of a file.

    Raises
    ------
    NeuroMLError
        The file is no NeuroML, is broken, or declares a document type or entities.
    """
    name = path.name
    if path.is_dir():
        raise NeuroMLError(f"{path} is a folder; give the path of a file in it")
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise NeuroMLError(f"{name}: {size} bytes are too many to read (most: {_MOST_BYTES})")
        with path.open("rb") as file:
            builder = _Builder(name)
            builder.parser.ParseFile(file)
    except OSError as error:
        raise NeuroMLError(f"{path}: the file cannot be read: {error.strerror}") from error
    except expat.ExpatError as error:
        what = expat.errors.messages.get(error.code, str(error))
        raise NeuroMLError(f"{name}, line {error.lineno}: this is no whole XML: {what}") from None
    except LookupError as error:
        raise NeuroMLError(f"{name}: the text is in a coding that is not known: {error}") from None
    assert builder.root is not None
    return builder.root


class _Builder:
    """Builds elements while a parser reads."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Element | None = None
        self._open: list[Element] = []
        # How many elements deep the parser is inside a remark.
        self._skipped = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.ExternalEntityRefHandler = self._refuse

    def _refuse(self, *_: object) -> int:
        raise NeuroMLError(
            f"{self.file}, line {self.parser.CurrentLineNumber}: the file declares a document type "
            "or entities, which no NeuroML needs and which could open other files; it is not read"
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if self._skipped or tag in REMARKS:
            self._skipped += 1
            return
        line = self.parser.CurrentLineNumber
        if len(self._open) >= _DEEPEST:
            raise NeuroMLError(f"{self.file}, line {line}: elements are nested too deep")
        self._open.append(Element(tag, attributes, line, self.file))

    def _end(self, _: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        done = self._open.pop()
        if not self._open:
            self.root = done
            return
        around = self._open[-1]
        if done.tag == "segment" and around.tag == "morphology":
            around.segments.append(_segment(done))
        elif done.tag == "member":
            around.members.append(_whole(done, "segment"))
        else:
            around.children.append(done)


def _whole(element: Element, attribute: str) -> int:
    text = element.get(attribute)
    try:
        return int(text)
    except ValueError:
        raise element.fail(f"{attribute}={text!r} is no whole number") from None


def _point(element: Element) -> tuple[float, ...]:
    try:
        return tuple(float(element.get(name)) for name in _POINT)
    except ValueError:
        raise element.fail("x, y, z and diameter must be numbers (um)") from None


def _segment(element: Element) -> Segment:
    parts = {child.tag: child for child in element.only("parent", "proximal", "distal")}
    if "distal" not in parts:
        raise element.fail("the distal point is missing")
    above, along = None, 1.0
    if "parent" in parts:
        above = _whole(parts["parent"], "segment")
        text = parts["parent"].attributes.get("fractionAlong", "1")
        try:
            along = float(text)
        except ValueError:
            raise element.fail(f"fractionAlong={text!r} is no number") from None
        if not 0 <= along <= 1:
            raise element.fail(f"fractionAlong={text} must lie between 0 and 1")
    return Segment(
        _whole(element, "id"),
        element.attributes.get("name", ""),
        above,
        along,
        _point(parts["proximal"]) if "proximal" in parts else None,
        _point(parts["distal"]),
        element.line,
    )
