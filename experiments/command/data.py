"""`neurosim data profile|clean|verdict|train FILE`: the chapter that people skip, in four words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from experiments.command.console import print_table, say_scores, say_steps
from experiments.command.options import (
    Apply,
    AsJson,
    Asked,
    Columns,
    File,
    Goal,
    Out,
    Reading,
    RulesFile,
    TableSeed,
    Task,
    Time,
    read_rules,
    spread,
)

__all__ = ["app", "clean_command", "profile_command", "train_command", "verdict_command"]

app = typer.Typer(
    name="data",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Know your data: profile, clean and judge a messy table, and train on it.",
)


@app.command("profile")
@spread
def profile_command(
    file: File,
    target: Goal = None,
    out: Out = None,
    *,
    reading: Reading,
    sample: Annotated[int, typer.Option(min=100, help="Rows looked at closely.")] = 100_000,
    seed: TableSeed = 0,
    as_json: AsJson = False,
) -> None:
    """Say what each column holds and what is odd, and write report.html and rules.json."""
    from ann.data import profile_file, write_report
    from neurosim.atomic_write import write_json

    seen = profile_file(file, target, sample_rows=sample, seed=seed, **reading.settings())
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
    print_table(
        f"{seen.name}: {seen.rows:,} rows", ["column", "kind", "different", "missing"], rows
    )
    say_steps(seen.log)
    _written(folder, "report.html", "rules.json", "profile.json")


@app.command("clean")
@spread
def clean_command(
    file: File,
    target: Goal = None,
    out: Out = None,
    rules: RulesFile = None,
    apply: Apply = None,
    *,
    reading: Reading,
) -> None:
    """Write the cleaned table, the rules, and every cell changed."""
    from ann.data import clean_file

    given = read_rules(rules)
    folder = _default(file, out)
    chosen = tuple(apply or ())
    _, log = clean_file(
        file, folder, target=target, rules=given, apply=chosen, **reading.settings()
    )
    say_steps(log)
    _written(folder, "clean.csv", "changes.csv", "removed.csv", "rules.json", "log.json")


@app.command("verdict")
@spread
def verdict_command(
    file: File,
    target: Asked,
    out: Out = None,
    task: Task = None,
    *,
    columns: Columns,
    reading: Reading,
    seed: TableSeed = 0,
    as_json: AsJson = False,
) -> None:
    """Say whether the data support a model, with reasons, and write report.html."""
    from ann.data import assess, profile, read_table, write_report
    from ann.data.errors import SchemaError
    from ann.data.judging.assess import MOST_ROWS
    from neurosim.atomic_write import write_json

    raw = read_table(file, max_rows=MOST_ROWS, **reading.settings())
    verdict = assess(raw, target, task=task, seed=seed, **columns.settings())
    if slips := [r.text for r in verdict.reasons if r.kind == "nothing to apply"]:
        # As `data clean` and `train` do: a name that nothing answers to is a slip of the pen.
        raise SchemaError(slips[0])
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
@spread
def train_command(
    file: File,
    target: Asked,
    out: Out = None,
    model: Annotated[str, typer.Option(help="logistic, shallow, deep or best.")] = "best",
    test: Annotated[float, typer.Option(help="Share of rows set aside for the test.")] = 0.2,
    task: Task = None,
    time: Time = None,
    *,
    columns: Columns,
    reading: Reading,
    seed: TableSeed = 0,
) -> None:
    """Go from the raw file to a trained model; `neurosim train` with the pipeline as a pickle."""
    import pickle

    from ann.data.errors import ReadError
    from experiments.command.train import REPORT_FILES, train_and_say
    from experiments.kit.outputs import check_folder
    from neurosim.atomic_write import write_bytes

    if not file.is_file():
        raise ReadError(f"there is no file {file}")
    folder = _default(file, out)
    check_folder(folder, files=(*REPORT_FILES, "model.pickle"))
    done = train_and_say(
        str(file),
        target,
        folder=folder,
        reading=reading.settings(),
        model=model,
        test=test,
        time=time,
        task=task,
        seed=seed,
        **columns.settings(),
    )
    write_bytes(folder / "model.pickle", pickle.dumps(done.pipeline))
    _written(folder, "model.pickle")


def _default(file: Path, out: Path | None) -> Path:
    return out if out is not None else Path(f"{file.name}.data")


def _folder(file: Path, out: Path | None) -> Path:
    from ann.errors import OutputError

    folder = _default(file, out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from None
    return folder


def _share(part: int, whole: int) -> str:
    if not part:
        return ""
    return f"{part:,} ({100 * part / max(whole, 1):.1f} %)"


def _written(folder: Path, *names: str) -> None:
    typer.echo(f"written to {folder}: {', '.join(names)}")
