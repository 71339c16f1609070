"""The blocks of a MOD file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from neurosim.mod.reading.includes import put_in_place, read_text
from neurosim.mod.reading.statements import StatementParser
from neurosim.mod.reading.tokens import split_tokens
from neurosim.mod.reading.tree import Block, Declared, IonUse, ModFile, Unsupported

__all__ = ["parse_text", "read_mod"]

_PLAIN = (
    "INITIAL",
    "BREAKPOINT",
    "DERIVATIVE",
    "KINETIC",
    "PROCEDURE",
    "FUNCTION",
    "NET_RECEIVE",
    "LINEAR",
)
_PLAIN_WITH_NAME = ("DERIVATIVE", "KINETIC", "PROCEDURE", "FUNCTION", "LINEAR")
_OTHER = {
    "NONLINEAR": "equations that are solved at each step cannot be written as states",
    "DISCRETE": "it counts steps, so that its meaning depends on dt",
    "FUNCTION_TABLE": "its values come from elsewhere, not from the file",
    "BEFORE": "what runs beside the steps cannot be said",
    "AFTER": "what runs beside the steps cannot be said",
    "CONSTRUCTOR": "it is C",
    "DESTRUCTOR": "it is C",
    "TERMINAL": "it belongs to the simulator SCoP",
    "PLOT": "it belongs to the simulator SCoP",
    "STEPPED": "it belongs to the simulator SCoP",
    "MATCH": "it belongs to the simulator SCoP",
    "PARTIAL": "partial differential equations are not read",
}


def read_mod(path: str | Path, include: str | Path | None = None) -> ModFile:
    """Return what a MOD file says.

    Nothing in it is run, and no other file is opened but what it includes from a folder that is
    named.

    Raises
    ------
    ModError
        The file is not there, is too long, or is not NMODL.
    """
    folder = None if include is None else Path(include)
    return parse_text(read_text(Path(path), str(path)), str(path), folder)


def parse_text(text: str, path: str = "text", include: Path | None = None) -> ModFile:
    """Return what the text of a MOD file says.

    Examples
    --------
    >>> found = parse_text("NEURON { SUFFIX leak NONSPECIFIC_CURRENT i }")
    >>> found.name, found.nonspecific
    ('leak', ['i'])
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    tokens, comments = split_tokens(text, path)
    tokens = put_in_place(tokens, path, include)
    parser = _Parser(tokens, text, path)
    parser.comments = comments
    return parser.file()


class _Parser(StatementParser):
    comments: dict[int, str]

    @property
    def defined(self) -> dict[str, int]:
        return self.found.defines

    def file(self) -> ModFile:
        """Return all blocks."""
        self.found = ModFile()
        while self.now.kind != "end":
            self._block()
        if not self.found.kind:
            self.fail("the file has no NEURON block with a SUFFIX or POINT_PROCESS", "NEURON")
        return self.found

    def _block(self) -> None:
        token = self.take()
        word, line = token.text, token.line
        if token.kind == "title":
            self.found.title = word
            return
        if token.kind == "verbatim":
            for one in self._verbatim(token):
                if isinstance(one, Unsupported):
                    self.found.refused.append(one)
            return
        if token.kind != "name":
            self.at -= 1
            self.fail("a block was expected here")
        known: Callable[[], None] | None = getattr(self, f"_{word.lower()}", None)
        if word in _PLAIN:
            self._statements_block(word, line)
        elif word in _DECLARING:
            known = getattr(self, f"_{word.lower()}")
            known()
        elif word in _OTHER:
            self.found.refused.append(Unsupported(word, _OTHER[word], line))
            self._skip_to_brace()
            self._skip_braces()
        else:
            self.at -= 1
            self.fail("no block of NMODL begins so")

    def _statements_block(self, kind: str, line: int) -> None:
        name = self.identifier() if kind in _PLAIN_WITH_NAME else ""
        arguments: list[str] = []
        if self.accept("("):
            while not self.accept(")"):
                if self.accept("&"):
                    continue
                arguments.append(self.identifier())
                self.unit()
                self.accept(",")
        self.unit()
        while self.accept("METHOD", "STEPPED", "START", "CHARGE"):
            self.fail("it belongs to the simulator SCoP")
        key = (kind, name)
        if key in self.found.blocks:
            self.fail(f"{kind} {name}".strip() + " is there twice", kind, line)
        self.found.blocks[key] = Block(kind, name, tuple(arguments), self.statements(), line)

    def _skip_to_brace(self) -> None:
        while not self.has("{"):
            if self.now.kind == "end":
                return
            self.take()

    def _skip_braces(self) -> None:
        depth = 0
        while self.now.kind != "end":
            token = self.take()
            depth += (token.text == "{") - (token.text == "}")
            if depth == 0:
                return

    def _neuron(self) -> None:
        self.expect("{")
        found = self.found
        while not self.accept("}"):
            token = self.take()
            word = token.text
            if word in ("SUFFIX", "POINT_PROCESS", "ARTIFICIAL_CELL"):
                found.kind, found.name, found.line = word, self.identifier(), token.line
            elif word == "USEION":
                self._useion(token.line)
            elif word == "NONSPECIFIC_CURRENT":
                found.nonspecific += self._list()
            elif word == "ELECTRODE_CURRENT":
                found.electrode += self._list()
            elif word == "RANGE":
                found.ranges += self._list()
            elif word == "GLOBAL":
                found.globals += self._list()
            elif word == "THREADSAFE":
                while self.now.kind == "name" and not self.now.text.isupper():
                    self.take()
                    self.accept(",")
            elif word in ("POINTER", "BBCOREPOINTER", "EXTERNAL", "REPRESENTS", "SECTION"):
                if word == "REPRESENTS":
                    self.take()
                    if self.accept(":"):
                        self.take()
                    continue
                why = f"{', '.join(self._list())}: its value comes from outside the file"
                found.refused.append(Unsupported(word, why, token.line))
            elif word == "RANDOM":
                self.fail("random numbers of NEURON cannot be drawn alike", "RANDOM", token.line)
            else:
                self.at -= 1
                self.fail("it is not known in a NEURON block")

    def _list(self) -> list[str]:
        names = [self.identifier()]
        while self.accept(","):
            names.append(self.identifier())
        return names

    def _useion(self, line: int) -> None:
        ion = self.identifier()
        reads: list[str] = []
        writes: list[str] = []
        valence = ""
        while True:
            if self.accept("READ"):
                reads += self._list()
            elif self.accept("WRITE"):
                writes += self._list()
            elif self.accept("VALENCE", "CHARGE"):
                sign = "-" if self.accept("-") else ""
                valence = sign + self.take().text
            elif self.has("REPRESENTS"):
                self.take()
                self.take()
            else:
                break
        self.found.ions.append(IonUse(ion, tuple(reads), tuple(writes), valence, line))

    def _units(self) -> None:
        self.expect("{")
        while not self.accept("}"):
            if self.has("("):
                self.unit()
                self.expect("=")
                self.unit()
                continue
            name = self.identifier()
            self.expect("=")
            if self.now.kind == "number" or self.has("-"):
                sign = "-" if self.accept("-") else ""
                line = self.now.line
                value = sign + self.take().text
                unit = self.unit()
                self.found.constants[name] = Declared(name, value, unit, "", line)
                continue
            first = self.unit()
            self.found.units[name] = (first, self.unit())

    def _parameter(self) -> None:
        found: dict[str, Declared] = {}
        self._declared(found)
        self.found.parameters |= {name: _kept(one) for name, one in found.items()}

    def _constant(self) -> None:
        self._declared(self.found.constants)

    def _assigned(self) -> None:
        self._declared(self.found.assigned)

    def _state(self) -> None:
        found: dict[str, Declared] = {}
        self._declared(found)
        self.found.states |= {name: _kept(one) for name, one in found.items()}

    def _declared(self, into: dict[str, Declared]) -> None:
        self.expect("{")
        while not self.accept("}"):
            line = self.now.line
            name, length = self.identifier(), 0
            if self.accept("["):
                length = self.whole()
                self.expect("]")
            value = low = high = unit = ""
            if self.accept("="):
                value = self._signed_number()
            if self.accept("FROM"):
                low = self._signed_number()
                self.expect("TO")
                high = self._signed_number()
            if self.accept("START"):
                value = self._signed_number()
            unit = self.unit()
            if self.accept("<"):
                tail = self._limits()
                if tail is not None:
                    low, high = tail
            unit = unit or self.unit()
            comment = self.comments.get(line, "")
            into[name] = Declared(name, value, unit, comment, line, length, low, high)

    def _limits(self) -> tuple[str, str] | None:
        """Return the limits of a parameter; None for the tolerance of a state."""
        first = self._signed_number()
        if self.accept(","):
            last = self._signed_number()
            self.expect(">")
            return first, last
        self.expect(">")
        return None

    def _signed_number(self) -> str:
        sign = "-" if self.accept("-") else ""
        self.accept("+")
        if self.now.kind == "name" and self.now.text in self.defined:
            return sign + str(self.defined[self.take().text])
        if self.now.kind != "number":
            self.fail("a number was expected here")
        return sign + self.take().text

    def _independent(self) -> None:
        self._skip_braces()

    def _define(self) -> None:
        name = self.identifier()
        self.found.defines[name] = self.whole()

    def _local(self) -> None:
        self.found.file_locals |= dict(self._names_with_length())


def _kept(declared: Declared) -> Declared:
    """Return a parameter or state with the numbers that NEURON's translator, nocmodl, keeps of it.

    nocmodl prints them in C's format %g, that is with six digits. (Numbers in formulas, in CONSTANT
    and in UNITS it copies as they are.)

    Examples
    --------
    >>> _kept(Declared("rate", "45.84982656184167", "/ms", "", 1)).value
    '45.8498'
    """
    numbers = {"value": declared.value, "low": declared.low, "high": declared.high}
    short = {key: f"{float(text):g}" for key, text in numbers.items() if text}
    if all(float(text) == float(numbers[key]) for key, text in short.items()):
        return declared
    kept = {**numbers, **short}
    changed = bool(declared.value) and float(kept["value"]) != float(declared.value)
    said = declared.value if changed else ""
    return replace(declared, said=said, value=kept["value"], low=kept["low"], high=kept["high"])


_DECLARING = (
    *("NEURON", "UNITS", "PARAMETER", "CONSTANT", "ASSIGNED", "STATE"),
    *("INDEPENDENT", "DEFINE", "LOCAL"),
)
