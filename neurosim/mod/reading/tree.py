"""What a MOD file says, as a tree: expressions, statements and blocks, each with its line."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "Assign",
    "Binary",
    "Block",
    "Call",
    "CallStatement",
    "Compartment",
    "Conserve",
    "Declared",
    "Equation",
    "Expression",
    "If",
    "Index",
    "IonUse",
    "Local",
    "Loop",
    "ModFile",
    "Name",
    "Not",
    "Number",
    "Reaction",
    "Reread",
    "Solve",
    "Statement",
    "Text",
    "Unsupported",
    "names_of",
]


@dataclass(frozen=True)
class Number:
    """A number as it is written."""

    text: str


@dataclass(frozen=True)
class Text:
    """A text in quotation marks, for `printf` and hoc."""

    line: int


@dataclass(frozen=True)
class Name:
    """A variable."""

    name: str
    line: int


@dataclass(frozen=True)
class Index:
    """An element of an array."""

    name: str
    index: Expression
    line: int


@dataclass(frozen=True)
class Not:
    """``!`` of a condition, or with sign "-" what is subtracted from 0."""

    sign: str
    of: Expression


@dataclass(frozen=True)
class Binary:
    """Two expressions and what stands between them."""

    sign: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Call:
    """A function of its arguments."""

    name: str
    arguments: tuple[Expression, ...]
    line: int


Expression = Number | Text | Name | Index | Not | Binary | Call


@dataclass(frozen=True)
class Assign:
    """``x = ...``, or with `prime` ``x' = ...``."""

    target: Name | Index
    value: Expression
    prime: bool
    line: int


@dataclass(frozen=True)
class CallStatement:
    """A procedure that is called."""

    call: Call
    line: int


@dataclass(frozen=True)
class Local:
    """Names that belong to the block alone, with the length of an array (0: none)."""

    names: tuple[tuple[str, int], ...]
    line: int


@dataclass(frozen=True)
class If:
    """A condition, and what is done where it holds and where not."""

    test: Expression
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]
    line: int


@dataclass(frozen=True)
class Loop:
    """``FROM i = first TO last BY step { ... }``."""

    name: str
    first: Expression
    last: Expression
    step: Expression
    body: tuple[Statement, ...]
    line: int


@dataclass(frozen=True)
class Solve:
    """``SOLVE block METHOD method``, or ``STEADYSTATE method``."""

    block: str
    method: str
    steady: bool
    line: int


@dataclass(frozen=True)
class Reaction:
    """``~ left <-> right (forward, backward)``; sign ``<<`` for a flux into one state."""

    sign: str
    left: tuple[tuple[float, Name | Index], ...]
    right: tuple[tuple[float, Name | Index], ...]
    rates: tuple[Expression, ...]
    line: int


@dataclass(frozen=True)
class Conserve:
    """``CONSERVE a + b = total``."""

    terms: tuple[tuple[float, Name | Index], ...]
    total: Expression
    line: int


@dataclass(frozen=True)
class Compartment:
    """``COMPARTMENT volume { states }``, with an index where it runs over arrays."""

    index: str
    volume: Expression
    states: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Equation:
    """``~ left = right`` of a LINEAR block."""

    left: Expression
    right: Expression
    line: int


@dataclass(frozen=True)
class Reread:
    """``cai = _ion_cai;`` in C: a variable of an ion is what the ion has."""

    name: str
    line: int


@dataclass(frozen=True)
class Unsupported:
    """A statement that is known and not translated; refused where it would run."""

    construct: str
    why: str
    line: int


Statement = (
    Assign
    | CallStatement
    | Local
    | If
    | Loop
    | Solve
    | Reaction
    | Conserve
    | Compartment
    | Equation
    | Reread
    | Unsupported
)


@dataclass(frozen=True)
class Declared:
    """A name of PARAMETER, ASSIGNED, STATE or CONSTANT.

    Where NEURON rounds its number to six digits, ``value`` is rounded, and ``said`` is what the
    file says.
    """

    name: str
    value: str
    unit: str
    comment: str
    line: int
    length: int = 0
    low: str = ""
    high: str = ""
    said: str = ""


@dataclass(frozen=True)
class IonUse:
    """``USEION ca READ cai WRITE ica VALENCE 2``."""

    ion: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    valence: str
    line: int


@dataclass(frozen=True)
class Block:
    """Statements under a keyword and a name, with the arguments of a function."""

    kind: str
    name: str
    arguments: tuple[str, ...]
    body: tuple[Statement, ...]
    line: int


@dataclass
class ModFile:
    """All that a file says.

    Attributes
    ----------
    kind : str
        ``"SUFFIX"``, ``"POINT_PROCESS"`` or ``"ARTIFICIAL_CELL"``.
    blocks : dict
        By kind and name: ("DERIVATIVE", "states"), ("INITIAL", ""), ...
    units : dict of str to (str, str)
        Constants of UNITS: the unit that stands for a number, and the one it is counted in.
    refused : list of Unsupported
        Blocks and declarations that cannot be said, refused whether they run or not.
    """

    title: str = ""
    kind: str = ""
    name: str = ""
    line: int = 1
    ions: list[IonUse] = field(default_factory=list)
    nonspecific: list[str] = field(default_factory=list)
    electrode: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    globals: list[str] = field(default_factory=list)
    parameters: dict[str, Declared] = field(default_factory=dict)
    constants: dict[str, Declared] = field(default_factory=dict)
    assigned: dict[str, Declared] = field(default_factory=dict)
    states: dict[str, Declared] = field(default_factory=dict)
    units: dict[str, tuple[str, str]] = field(default_factory=dict)
    defines: dict[str, int] = field(default_factory=dict)
    file_locals: dict[str, int] = field(default_factory=dict)
    blocks: dict[tuple[str, str], Block] = field(default_factory=dict)
    refused: list[Unsupported] = field(default_factory=list)


def names_of(one: Expression) -> set[str]:
    """Return the variables of an expression; a function counts as one, under its own name."""
    if isinstance(one, Name):
        return {one.name}
    if isinstance(one, Index):
        return {one.name} | names_of(one.index)
    if isinstance(one, Not):
        return names_of(one.of)
    if isinstance(one, Binary):
        return names_of(one.left) | names_of(one.right)
    if isinstance(one, Call):
        return {one.name}.union(*map(names_of, one.arguments))
    return set()
