"""The command `neurosim`.

The modules of its commands import nothing heavy themselves: what a command needs is imported when
it runs, so that help and mistakes in the words cost no simulator.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Annotated

import typer

from experiments.command import data
from experiments.command.atlas import atlas_command
from experiments.command.book import book_command
from experiments.command.compare import compare_command
from experiments.command.console import INTERRUPTED, Interrupted, console, is_named, say_error
from experiments.command.convert import convert_command
from experiments.command.doctor import doctor_command
from experiments.command.exporting.export_neuron import export_command
from experiments.command.importing.import_mod import import_command
from experiments.command.morphology import morphology_command
from experiments.command.predict import predict_command
from experiments.command.recorded.fit_recording import fit_command
from experiments.command.recorded.say_recording import recording_command
from experiments.command.reduce import reduce_command
from experiments.command.run import list_command, run_command, validate_command
from experiments.command.sweeping.sweep_command import sweep_command
from experiments.command.train import train_command
from experiments.command.unit import unit_command

__all__ = ["app", "main"]

app = typer.Typer(
    name="neurosim",
    help="Spiking neurons, the units that stand for them, and networks that run on both.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS: dict[str, Callable[..., None]] = {
    "compare": compare_command,
    "list": list_command,
    "run": run_command,
    "validate": validate_command,
    "doctor": doctor_command,
    "train": train_command,
    "predict": predict_command,
    "convert": convert_command,
    "unit": unit_command,
    "atlas": atlas_command,
    "reduce": reduce_command,
    "sweep": sweep_command,
    "morphology": morphology_command,
    "recording": recording_command,
    "fit": fit_command,
    "import": import_command,
    "export": export_command,
    "book": book_command,
}
for name, command in COMMANDS.items():
    app.command(name)(command)


def _say_version(wanted: bool) -> None:
    if wanted:
        from neurosim.version import installed_version

        typer.echo(f"neurosim {installed_version()}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # the parser acts on it
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Spiking neurons, the units that stand for them, and networks that run on both."""


app.add_typer(data.app, name="data")


def _end(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted


def _listen_to_interrupts() -> None:
    """Let Ctrl-C end the command wherever it comes; a polite kill ends it in the same way.

    Children are stopped and nothing is left half written. An interrupt that comes in a callback of
    the interpreter, as often while modules are imported, is printed as ignored, and the command
    would go on: it comes once more, a moment later.
    """
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    if not hasattr(signal, "setitimer"):
        return
    signal.signal(signal.SIGALRM, _end)
    before = sys.unraisablehook

    def again(ignored: sys.UnraisableHookArgs) -> None:
        if issubclass(ignored.exc_type, Interrupted):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
        else:
            before(ignored)

    sys.unraisablehook = again


def main() -> None:
    """Run the command; mistakes the project names are said in one line, with exit status 2."""
    # Brian2 takes names from all of Matplotlib when it can. No command uses them, and the first one
    # of a new user would wait for them.
    sys.modules["pylab"] = None  # type: ignore[assignment]
    if sys.version_info < (3, 12):
        # It also takes distutils from Python, where setuptools would load itself as well.
        os.environ.setdefault("SETUPTOOLS_USE_DISTUTILS", "stdlib")
    _listen_to_interrupts()
    try:
        # Outside the parser's own mode: it would end an interrupted command without a word.
        status = app(standalone_mode=False)
        if status == INTERRUPTED:
            raise Interrupted
        sys.exit(status)
    except (Interrupted, KeyboardInterrupt, typer.Abort):
        console(stderr=True).print("neurosim: interrupted; nothing was written")
        sys.exit(INTERRUPTED)
    except Exception as error:
        # What the command line parser says of wrong words.
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            error.show()
            sys.exit(error.exit_code)
        if is_named(error):
            say_error(error)
            sys.exit(2)
        # Brian2 replaces sys.excepthook by one that asks for a report to its own developers.
        sys.excepthook = sys.__excepthook__
        raise


if __name__ == "__main__":
    main()
