"""`neurosim data profile|clean|verdict|train FILE`: the chapter that people skip, in four words."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Annotated, Any

import typer

from ann.data.errors import ReadError

__all__ = [
    "app",
    "clean_command",
    "profile_command",
    "reading_options",
    "say_scores",
    "say_steps",
    "train_command",
    "verdict_command",
    "write_json",
]

app = typer.Typer(
    name="data",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Know your data: profile, clean and judge a messy table, and train on it.",
)

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


@app.command("profile")
def profile_command(
    file: File,
    target: Goal = None,
    out: Out = None,
    names: Names = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    sample: Annotated[int, typer.Option(min=100, help="Rows looked at closely.")] = 100_000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Say what each column holds and what is odd, and write report.html and rules.json."""
    from ann.data.profiling import profile_file
    from ann.data.report import write_report

    seen = profile_file(
        file,
        target,
        sample_rows=sample,
        seed=seed,
        **reading_options(names, encoding, delimiter, header),
    )
    folder = _folder(file, out)
    write_report(folder / "report.html", seen)
    seen.rules.save(folder / "rules.json")
    write_json(folder / "profile.json", seen.document())
    if as_json:
        typer.echo(json.dumps(seen.document(), indent=1, ensure_ascii=False))
        return
    rows = [
        [
            c.name,
            c.kind + (f" ({c.unit})" if c.unit else ""),
            f"{c.distinct:,}",
            _share(c.missing, c.rows),
        ]
        for c in seen.columns
    ]
    _table(f"{seen.name}: {seen.rows:,} rows", ["column", "kind", "different", "missing"], rows)
    say_steps(seen.log)
    _written(folder, "report.html", "rules.json", "profile.json")


@app.command("clean")
def clean_command(
    file: File,
    target: Goal = None,
    out: Out = None,
    rules: RulesFile = None,
    names: Names = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
) -> None:
    """Write the cleaned table, the rules, and every cell changed."""
    from ann.data.schema import Rules
    from ann.data.workflow import clean_file

    given = None if rules is None else Rules.load(rules)
    folder = _default(file, out)
    _, log = clean_file(
        file,
        folder,
        target=target,
        rules=given,
        **reading_options(names, encoding, delimiter, header),
    )
    say_steps(log)
    _written(folder, "clean.csv", "changes.csv", "removed.csv", "rules.json", "log.json")


@app.command("verdict")
def verdict_command(
    file: File,
    target: Asked,
    out: Out = None,
    task: Task = None,
    group: Group = None,
    keep: Keep = None,
    leave_out: Leave = None,
    rules: RulesFile = None,
    names: Names = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Say whether the data support a model, with reasons, and write report.html."""
    from ann.data.profiling import profile
    from ann.data.reading import read_table
    from ann.data.report import write_report
    from ann.data.schema import Rules
    from ann.data.verdict import MOST_ROWS, assess

    raw = read_table(
        file, max_rows=MOST_ROWS, **reading_options(names, encoding, delimiter, header)
    )
    verdict = assess(
        raw,
        target,
        task=task,
        group=group,
        keep=tuple(keep or ()),
        leave_out=tuple(leave_out or ()),
        rules=None if rules is None else Rules.load(rules),
        seed=seed,
    )
    folder = _folder(file, out)
    seen = profile(raw.frame, target, name=file.name)
    seen.log.steps[:0] = list(raw.log)
    write_report(folder / "report.html", seen, verdict)
    write_json(folder / "verdict.json", verdict.document())
    if as_json:
        typer.echo(json.dumps(verdict.document(), indent=1, ensure_ascii=False))
        return
    typer.echo(str(verdict))
    say_scores(verdict)
    _written(folder, "report.html", "verdict.json")


@app.command("train")
def train_command(
    file: File,
    target: Asked,
    out: Out = None,
    model: Annotated[str, typer.Option(help="logistic, shallow, deep or best.")] = "best",
    test: Annotated[float, typer.Option(help="Share of rows set aside for the test.")] = 0.2,
    task: Task = None,
    group: Group = None,
    time: Annotated[
        str | None, typer.Option(help="Test on what comes last by this column.")
    ] = None,
    keep: Keep = None,
    leave_out: Leave = None,
    rules: RulesFile = None,
    names: Names = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    seed: Seed = 0,
) -> None:
    """Go from the raw file to a trained model; `neurosim train` with the pipeline as a pickle."""
    from ann.command import train_and_say

    if not file.is_file():
        raise ReadError(f"there is no file {file}")
    folder = out if out is not None else Path(f"{file.name}.data")
    done = train_and_say(
        str(file),
        target,
        folder=folder,
        reading=reading_options(names, encoding, delimiter, header),
        rules=rules,
        model=model,
        test=test,
        group=group,
        time=time,
        keep=tuple(keep or ()),
        leave_out=tuple(leave_out or ()),
        task=task,
        seed=seed,
    )
    _pickle(folder / "model.pickle", done.pipeline)
    _written(folder, "model.pickle")


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


def _default(file: Path, out: Path | None) -> Path:
    return out if out is not None else Path(f"{file.name}.data")


def _folder(file: Path, out: Path | None) -> Path:
    from ann.data.errors import TableError

    folder = _default(file, out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TableError(f"cannot make the folder {folder}: {error.strerror}") from None
    return folder


def write_json(path: Path, document: Any) -> None:
    """Write plain values as JSON, whole or not at all."""
    from ann.data.writing import write_text

    write_text(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _pickle(path: Path, thing: Any) -> None:
    import os

    # Written beside and renamed, so that a broken run leaves no half model.
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(pickle.dumps(thing))
    os.replace(part, path)


def _share(part: int, whole: int) -> str:
    if not part:
        return ""
    return f"{part:,} ({100 * part / max(whole, 1):.1f} %)"


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
            f"{s.rows:,}" if s.rows else "",
            repr(s.before[:40]) if s.before else "",
            repr(s.after[:40]) if s.after else "",
            s.why,
        ]
        for s in log
    ]
    if rows:
        head = ["column", "rule", "rows", "before", "after", "why"]
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


def _written(folder: Path, *names: str) -> None:
    typer.echo(f"written to {folder}: {', '.join(names)}")
