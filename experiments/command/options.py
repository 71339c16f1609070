"""Options that several commands take, and what those about a table's text mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

# What every command takes.
Seed = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]
Jobs = Annotated[
    int, typer.Option(min=0, help="Processes that share the work (0: as many as cores).")
]
Quick = Annotated[
    bool, typer.Option("--quick", help="Fewer seeds and trials; the same claims, wider intervals.")
]
Folder = Annotated[Path | None, typer.Option(help="Folder for numbers, tables and figures.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the experiment; repeat."),
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
Names = Annotated[
    str | None,
    typer.Option(help="Column names: a list with commas, or a file with one 'name: ...' a line."),
]
Encoding = Annotated[str | None, typer.Option(help="Overrule the encoding found.")]
Delimiter = Annotated[str | None, typer.Option(help="Overrule the delimiter found; \\t for tab.")]
Header = Annotated[
    bool | None, typer.Option("--header/--no-header", help="Overrule whether there is a header.")
]
Keep = Annotated[
    list[str] | None, typer.Option(help="Use this column although it is suspected (repeatable).")
]
Leave = Annotated[list[str] | None, typer.Option(help="Do not use this column (repeatable).")]
Time = Annotated[str | None, typer.Option(help="Test on what comes last by this column.")]
Group = Annotated[
    str | None, typer.Option(help="Rows that share this column's value stay together.")
]
Task = Annotated[str | None, typer.Option(help="classification or regression.")]
RulesFile = Annotated[
    Path | None, typer.Option("--rules", help="Clean by this rules.json instead of learning rules.")
]
# The largest is that of NumPy's older generator, which scikit-learn uses.
TableSeed = Annotated[
    int, typer.Option(min=0, max=2**32 - 1, help="Of splits, samples and shuffling.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def reading_options(
    names: str | None, encoding: str | None, delimiter: str | None, header: bool | None
) -> dict[str, Any]:
    """Options of `ann.data.TableFile` as given on the command line."""
    if delimiter in ("\\t", "tab"):
        delimiter = "\t"
    return {
        "names": None if names is None else _column_names(names),
        "encoding": encoding,
        "delimiter": delimiter,
        "header": header,
    }


def _column_names(given: str) -> list[str]:
    """Read names from a list with commas, or from a file such as the UCI archive's."""
    import re

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
