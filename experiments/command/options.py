"""Options that several commands take, and what those about a table's text mean."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

# What every command takes.
Seed = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]
Jobs = Annotated[
    int, typer.Option(min=0, help="Processes that share the work (0: as many as cores).")
]
Quick = Annotated[
    bool, typer.Option("--quick", help="Fewer seeds and trials; the same claims, wider intervals.")
]
Stored = Annotated[
    bool,
    typer.Option(
        "--store/--no-store",
        help="Take parts from the store of results that were computed before (said on the page), "
        "or compute everything.",
    ),
]
Folder = Annotated[Path | None, typer.Option(help="Folder for numbers, tables and figures.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A parameter of the experiment (`neurosim list NAME` shows them); repeat.",
    ),
]

# What those take that read a table.
File = Annotated[Path, typer.Argument(metavar="FILE", help="A text table, however it is written.")]
TARGET = typer.Option(
    "--target", "-t", help='The column to predict, or a question such as "num > 0".'
)
Goal = Annotated[str | None, TARGET]
Asked = Annotated[str, TARGET]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder for results (default: FILE.data).")
]
Time = Annotated[str | None, typer.Option(help="Test on what comes last by this column.")]
Task = Annotated[str | None, typer.Option(help="classification or regression.")]
RulesFile = Annotated[
    Path | None, typer.Option("--rules", help="Clean by this rules.json instead of learning rules.")
]
Apply = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RULE[:COLUMN]",
        help="Apply a rule that was only proposed or reported, such as duplicates or "
        "spelling:town (repeatable).",
    ),
]
# The largest is that of NumPy's older generator, which scikit-learn uses.
TableSeed = Annotated[
    int, typer.Option(min=0, max=2**32 - 1, help="Of splits, samples and shuffling.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@dataclass(frozen=True)
class Reading:
    """How the text of a table is read, where what is found in it is overruled."""

    names: Annotated[
        str | None,
        typer.Option(
            help="Column names: a list with commas, or a file with one 'name: ...' a line."
        ),
    ] = None
    encoding: Annotated[str | None, typer.Option(help="Overrule the encoding found.")] = None
    delimiter: Annotated[
        str | None, typer.Option(help="Overrule the delimiter found; \\t for tab.")
    ] = None
    header: Annotated[
        bool | None,
        typer.Option("--header/--no-header", help="Overrule whether there is a header."),
    ] = None
    header_rows: Annotated[
        int | None,
        typer.Option(min=0, help="Overrule how many rows of names the table begins with."),
    ] = None
    skip: Annotated[
        int | None, typer.Option(min=0, help="Leave out so many lines above the table.")
    ] = None
    comment: Annotated[
        str | None, typer.Option(help="Leave out lines that begin with this, such as '#'.")
    ] = None

    def settings(self) -> dict[str, Any]:
        """Return options of `ann.data.TableFile`."""
        names = None if self.names is None else _column_names(self.names)
        delimiter = "\t" if self.delimiter in ("\\t", "tab") else self.delimiter
        return vars(self) | {"names": names, "delimiter": delimiter}


@dataclass(frozen=True)
class Columns:
    """Which columns are used, which rows stay together, and the rules to clean by."""

    group: Annotated[
        str | None, typer.Option(help="Rows that share this column's value stay together.")
    ] = None
    keep: Annotated[
        list[str] | None,
        typer.Option(help="Use this column although it is suspected (repeatable)."),
    ] = None
    leave_out: Annotated[
        list[str] | None, typer.Option(help="Do not use this column (repeatable).")
    ] = None
    rules: RulesFile = None
    apply: Apply = None

    def settings(self) -> dict[str, Any]:
        """Return options of `ann.data.assess` and `ann.data.train`."""
        kept = {"keep": tuple(self.keep or ()), "leave_out": tuple(self.leave_out or ())}
        chosen = {"rules": read_rules(self.rules), "apply": tuple(self.apply or ())}
        return {"group": self.group, **kept, **chosen}


Injected = Annotated[
    str | None,
    typer.Option(
        help="Which channel or column recorded the injected current; 'command' for the command "
        "waveform of an ABF file, or the name of its output."
    ),
]


@dataclass(frozen=True)
class RecordingFile:
    """What the file of a recording does not say, or says wrong."""

    voltage: Annotated[
        str | None,
        typer.Option(help="With a recording: which channel, column or electrode is the cell."),
    ] = None
    voltage_unit: Annotated[
        str | None,
        typer.Option(help="With a recording: what a stored 1 of voltage is: V, 0.1V."),
    ] = None
    current_unit: Annotated[
        str | None, typer.Option(help="With a recording: what a stored 1 of current is: nA, 400pA.")
    ] = None
    step: Annotated[
        int | None, typer.Option(min=1, help="With a recording: which step of a sweep is used.")
    ] = None
    pair: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RESPONSE=STIMULUS",
            help="With an NWB file: which stimulus belongs to a response (repeatable).",
        ),
    ] = None

    def settings(self, current: str | None = None, unit: str | None = None) -> dict[str, Any]:
        """Return `recording` of `bridge.equivalent_unit`.

        Parameters
        ----------
        current : str, optional
            Of ``--current``.
        unit : str, optional
            Of ``--unit``: of the voltage or the current, whichever it is a unit of.

        Raises
        ------
        ParameterError
            A unit is neither of volt nor of ampere.
        """
        from bridge.recordings.formats.sweeps import scale_said
        from neurosim.errors import ParameterError

        given = {name: value for name, value in vars(self).items() if value is not None}
        if current is not None:
            given["current"] = current
        if unit is not None:
            known = scale_said(unit)
            if known is None:
                raise ParameterError(
                    f"--unit {unit!r}: of a recording it is a unit of volt or ampere, such as mV "
                    "or pA"
                )
            given["voltage_unit" if known[0] == "V" else "current_unit"] = unit
        if pairs := given.pop("pair", None):
            given["pairs"] = _pairs(pairs)
        return given


@dataclass(frozen=True)
class RecordingReading(RecordingFile):
    """What a recording does not say or says wrong, and which of its spikes are counted."""

    window: Annotated[
        str | None,
        typer.Option(
            metavar="FROM:TO",
            help="With a recording: where spikes are counted, from the start of a step (s). "
            "`neurosim unit` takes it with a model too (0.2:1.2 if left out).",
        ),
    ] = None
    trial: Annotated[
        int | None,
        typer.Option(
            min=0, help="With a recording or counts: use only this repeat of each current, from 0."
        ),
    ] = None

    def settings(self, current: str | None = None, unit: str | None = None) -> dict[str, Any]:
        given = super().settings(current, unit)
        if self.window is not None:
            given["window"] = _window(self.window)
        return given


def as_flags(refusal: str) -> str:
    """Return a refusal of a recording with the options of Python that it names as flags.

    Examples
    --------
    >>> as_flags('two channels are in volt; say which one is the cell: voltage="IN 0"')
    'two channels are in volt; say which one is the cell: --voltage "IN 0"'
    """
    # Some name both.
    refusal = re.sub(
        r'pairs=\{"([^"]*)": "([^"]*)"\}( \(--pair [^)]*\))?', r'--pair "\1=\2"', refusal
    )
    refusal = refusal.replace("leave pairs= out", "leave --pair out")
    return re.sub(
        r'\b(voltage|current|voltage_unit|current_unit)=(?=")',
        lambda found: f"--{found[1].replace('_', '-')} ",
        refusal,
    )


def _window(text: str) -> tuple[float, float]:
    from neurosim.errors import ParameterError

    try:
        start, stop = map(float, text.split(":"))
    except ValueError:
        raise ParameterError(
            f"--window {text!r}: give FROM:TO in seconds from the start of a step, such as 0:0.5"
        ) from None
    return start, stop


def _pairs(given: list[str]) -> dict[str, str]:
    from neurosim.errors import ParameterError

    found: dict[str, str] = {}
    for text in given:
        response, sign, stimulus = (part.strip() for part in text.partition("="))
        if not (response and sign and stimulus) or response in found:
            why = "is paired twice" if response in found else "is no pair"
            raise ParameterError(
                f"--pair {text!r} {why}; give RESPONSE=STIMULUS by the names in the file, once for "
                "each response"
            )
        found[response] = stimulus
    return found


def read_rules(path: Path | None) -> Any:
    """Return the rules of a file, or None if none is given."""
    from ann.data import Rules

    return None if path is None else Rules.load(path)


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take dataclasses of options, each field an option of the command line."""

    def hinted(source: Any) -> list[inspect.Parameter]:
        hints = get_type_hints(source, include_extras=True)
        parameters = inspect.signature(source).parameters.values()
        return [
            p.replace(annotation=hints[p.name], kind=inspect.Parameter.KEYWORD_ONLY)
            for p in parameters
        ]

    own = hinted(command)
    bundles: dict[str, Any] = {p.name: p.annotation for p in own if is_dataclass(p.annotation)}
    shown = [o for p in own for o in (hinted(p.annotation) if p.name in bundles else [p])]

    @functools.wraps(command)
    def spread_out(**given: Any) -> None:
        for name, kind in bundles.items():
            named = (field.name for field in fields(kind))
            given[name] = kind(**{n: given.pop(n) for n in named if n in given})
        command(**given)

    spread_out.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    spread_out.__annotations__ = {p.name: p.annotation for p in shown}
    return spread_out


def _column_names(given: str) -> list[str]:
    """Read names from a list with commas, or from a file such as the UCI archive's."""
    path = Path(given)
    try:
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
    except OSError:
        text = None
    if text is None:
        return [n.strip() for n in given.split(",")]
    found = re.findall(r"^([A-Za-z][\w .\-]*):\s*(?=\S)[^|\n]*\.\s*$", text, flags=re.MULTILINE)
    if not found:
        return [line.strip() for line in text.splitlines() if line.strip()]
    # The archive's files describe the features; the class comes last in the table.
    return [*found, "target"]
