"""The command `neurosim`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.command.console import Jobs, Quick, Seed, _console, _context, _say_result

if TYPE_CHECKING:
    pass

__all__ = ["app", "main"]

app = typer.Typer(
    name="neurosim",
    help="Spiking neurons, the units that stand for them, and networks that run on both.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# What a shell reports of a command ended by Ctrl-C.
INTERRUPTED = 130


@app.command("compare")
def compare_command(
    recording: Annotated[
        Path | None,
        typer.Option(
            help="CSV of a recorded cell (current_pA, count, window_s) instead of the built-in one."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for report, numbers and figures.")] = Path(
        "neurosim-report"
    ),
    seed: Seed = 1,
    jobs: Jobs = 0,
    quick: Quick = False,
) -> None:
    """The main job: neurons, their units, and a trained network on spiking neurons."""
    from experiments.compare.main_job import Parameters, compare, summary
    from experiments.kit.result import check_writable

    check_writable(out)
    parameters = Parameters(recording=None if recording is None else str(recording))
    with _context(seed, jobs, quick) as context:
        result = compare(parameters, context, out)
    summary(result, _console())
    _console().print(f"report: {out / 'report.html'}")
    if not result.holds:
        raise typer.Exit(1)


@app.command("list")
def list_command() -> None:
    """List the experiments by name."""
    from rich.table import Table

    from experiments.kit.registry import all_experiments

    table = Table("name", "what it shows", "parameters", box=None)
    for title, found in all_experiments().items():
        defaults = found.parameters()
        said = " ".join(f"{name}={value}" for name, value in vars(defaults).items())
        table.add_row(title, found.claim, said or "none")
    _console().print(table)


@app.command("run")
def run_command(
    name: Annotated[str, typer.Argument(help="Name of an experiment (see `neurosim list`).")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the experiment; repeat."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for numbers, tables and figures.")
    ] = None,
    seed: Seed = 1,
    jobs: Jobs = 0,
    quick: Quick = False,
) -> None:
    """Run one experiment and say whether its claim holds."""
    from experiments.kit.registry import find
    from experiments.kit.result import check_writable
    from neurosim.errors import ParameterError

    found = find(name)
    values = {}
    for text in set_ or []:
        key, equals, value = text.partition("=")
        if not equals:
            raise ParameterError(f"--set takes NAME=VALUE; got {text!r}")
        values[key.strip()] = value.strip()
    parameters = found.with_values(values)
    if out is not None:
        check_writable(out)
    with _context(seed, jobs, quick) as context:
        result = found.run(parameters, context)
    if out is not None:
        result.save(out)
    _say_result(result, out)
    if not result.holds:
        raise typer.Exit(1)


@app.command("validate")
def validate_command(
    only: Annotated[
        str, typer.Option(help="Numbers of problems, such as P05,P08 (default: all).")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for numbers, tables and figures.")
    ] = None,
    seed: Seed = 1,
    jobs: Jobs = 0,
    quick: Quick = False,
) -> None:
    """Hold neurosim against closed forms, exact solutions and other simulators."""
    run_command("validate", [f"only={only}"], out, seed, jobs, quick)


@app.command("doctor")
def doctor_command(
    clear_cache: Annotated[
        bool, typer.Option("--clear-cache", help="Delete every compiled model first.")
    ] = False,
) -> None:
    """Say what works on this machine, and what to do about what does not."""
    from rich.markup import escape
    from rich.table import Table

    from experiments.command.doctor import examine
    from neurosim.engine.programs import cache

    console = _console()
    if clear_cache:
        console.print(f"deleted {cache.clear_cache()} compiled models")
    findings = examine()
    table = Table("", "", "", box=None, show_header=False)
    marks = {
        "ok": "[green]ok[/green]",
        "note": "[yellow]note[/yellow]",
        "broken": "[red]broken[/red]",
    }
    for finding in findings:
        found = finding.found + (f"\n-> {finding.remedy}" if finding.remedy else "")
        # Extras stand in square brackets, which would be taken for markup.
        table.add_row(marks[finding.state], finding.what, escape(found))
    console.print(table)
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


def _mount() -> None:
    """Add the commands of other packages, unless one of this module is asked for.

    They import pandas and scikit-learn, which would be a second on top of every call.
    """
    own = {command.name for command in app.registered_commands}
    if len(sys.argv) > 1 and sys.argv[1] in own:
        return
    from importlib import import_module

    app.add_typer(import_module("experiments.command.data").app, name="data")
    # train and predict stand beside the commands of this module, not below a name of their own.
    app.registered_commands += import_module("experiments.command.train").app.registered_commands
    app.registered_commands += import_module("experiments.command.convert").app.registered_commands
    app.registered_commands += import_module("experiments.command.unit").app.registered_commands
    app.registered_commands += import_module("experiments.command.reduce").app.registered_commands


def main() -> None:
    """Run the command; mistakes the project names are said in one line, with exit status 2."""
    from ann.errors import AnnError
    from neurosim.errors import NeurosimError

    # A polite kill ends a run as Ctrl-C does: children stopped, nothing half written.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _mount()
        # Outside the parser's own mode: it would end an interrupted command without a word.
        status = app(standalone_mode=False)
        if status == INTERRUPTED:
            raise KeyboardInterrupt
        sys.exit(status)
    except (NeurosimError, AnnError) as error:
        _console(stderr=True).print(f"neurosim: {error}", style="red", markup=False)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        _console(stderr=True).print("neurosim: interrupted; nothing was written")
        sys.exit(INTERRUPTED)
    except Exception as error:
        # What the command line parser says of wrong words.
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            error.show()
            sys.exit(error.exit_code)
        # Brian2 replaces sys.excepthook by one that asks for a report to its own developers.
        sys.excepthook = sys.__excepthook__
        raise


if __name__ == "__main__":
    main()
