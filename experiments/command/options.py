"""Options and output of the commands that take a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "AsJson",
    "Asked",
    "Delimiter",
    "Encoding",
    "File",
    "Goal",
    "Group",
    "Header",
    "Keep",
    "Leave",
    "Names",
    "Out",
    "RulesFile",
    "Seed",
    "Task",
    "reading_options",
    "say_scores",
    "say_steps",
    "write_json",
]


File = Annotated[Path, typer.Argument(metavar="FILE", help="A text table, however it is written.")]


Goal = Annotated[
    str | None,
    typer.Option("--target", "-t", help='The column to predict, or a question such as "num > 0".'),
]


Asked = Annotated[
    str,
    typer.Option("--target", "-t", help='The column to predict, or a question such as "num > 0".'),
]


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


Group = Annotated[
    str | None, typer.Option(help="Rows that share this column's value stay together.")
]


Task = Annotated[str | None, typer.Option(help="classification or regression.")]


RulesFile = Annotated[
    Path | None, typer.Option("--rules", help="Clean by this rules.json instead of learning rules.")
]


# The largest is that of NumPy's older generator, which scikit-learn uses.
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of splits, samples and shuffling.")]


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def reading_options(
    names: str | None, encoding: str | None, delimiter: str | None, header: bool | None
) -> dict[str, Any]:
    """Options of `ann.data.TableFile` as given on the command line."""
    if delimiter in ("\\t", "tab"):
        delimiter = "\t"
    return {
        "names": None if names is None else _names(names),
        "encoding": encoding,
        "delimiter": delimiter,
        "header": header,
    }


def _names(given: str) -> list[str]:
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


def write_json(path: Path, document: Any) -> None:
    """Write plain values as JSON, whole or not at all."""
    from ann.whole_files import write_text

    write_text(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _table(title: str, head: list[str], rows: list[list[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        # Piped to a file, long examples are not to be cut at 80 characters.
        console = Console(highlight=False, markup=False, width=160)
    console.print(table)


def say_steps(log: Any) -> None:
    """Print what was done to a table, one line a step."""
    rows = [
        [
            s.column or "(table)",
            s.rule + ("" if s.applied else " (not applied)"),
            s.effect,
            f"{s.rows:,}" if s.rows else "",
            repr(s.before[:40]) if s.before else "",
            repr(s.after[:40]) if s.after else "",
            s.why,
        ]
        for s in log
    ]
    if rows:
        head = ["column", "rule", "effect", "rows", "before", "after", "why"]
        _table("what was done and found", head, rows)


def say_scores(verdict: Any) -> None:
    """Print the scores that a verdict rests on."""
    if not verdict.scores:
        return
    if verdict.task == "classification":
        head = ["out of fold", "accuracy", "AUC", "log-loss", "calibration gap"]
        rows = [
            [n, f"{s.accuracy:.4f}", f"{s.auc:.4f}", f"{s.log_loss:.4f}", f"{s.calibration:.4f}"]
            for n, s in verdict.scores.items()
        ]
    else:
        head = ["out of fold", "R²", "RMSE"]
        rows = [[n, f"{s.r2:.4f}", f"{s.rmse:.4g}"] for n, s in verdict.scores.items()]
    _table("five folds", head, rows)
