"""`neurosim unit`: any neuron in, its unit out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.command.console import console, progress
from experiments.command.importing.import_allen import is_allen
from experiments.command.morphology import ShapeReading
from experiments.command.options import RecordingReading, Seed, spread
from experiments.kit.neuron_names import CELLS, MODELS, known_name, named_neuron

__all__ = ["unit_command"]


@spread
def unit_command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|MODEL",
            help="A recording (ABF, ATF, IBW, NWB, CSV, ...), a table of counts (current_pA, "
            "count, window_s), a reconstruction (SWC, ASC, H5, with --membrane), a cell of "
            "NeuroML, the folder of a model of the Allen Institute, "
            f"a neuron ({', '.join((*MODELS, *CELLS))}), or equations in Brian2's "
            "language.",
        ),
    ],
    *,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter, such as tau_m=10ms."),
    ] = None,
    noise: Annotated[
        str | None,
        typer.Option(help="Background noise of a model: 3mV (LIF) or 50pA (sd of a current)."),
    ] = None,
    currents: Annotated[
        str | None,
        typer.Option(
            metavar="FROM:TO:STEP", help="Currents for a model (pA); found by itself if left out."
        ),
    ] = None,
    current_max: Annotated[
        float | None, typer.Option(help="Leave out larger currents (pA), such as those of a block.")
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1, help="Repeats of each current of a model (3; without noise 1 is enough)."
        ),
    ] = None,
    frozen: Annotated[
        bool,
        typer.Option("--frozen", help="Play frozen noise to a model: reliability and bits lost."),
    ] = False,
    memory: Annotated[
        bool,
        typer.Option(
            "--memory",
            help="Ask whether the firing of the last seconds changes the rate (pump, slow "
            "adaptation): a model is run for 3 x 144 s; a recording needs steps of seconds.",
        ),
    ] = False,
    intervals: Annotated[
        str, typer.Option(help="How sure each number is: profile, bootstrap or none.")
    ] = "profile",
    threshold: Annotated[
        str | None, typer.Option(help="With equations: when it spikes, such as 'v > -55*mV'.")
    ] = None,
    reset: Annotated[str | None, typer.Option(help="With equations: what happens then.")] = None,
    current: Annotated[
        str | None,
        typer.Option(
            help="With equations: name of the injected current. With a recording: which channel "
            "or column recorded it; 'command' for the command waveform of an ABF file, or the "
            "name of its output."
        ),
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="With equations: resting potential, such as -70mV.")
    ] = None,
    membrane: Annotated[
        str | None,
        typer.Option(help="With a reconstruction: the channels put on it; textbook is known."),
    ] = None,
    shape: ShapeReading,
    recording: RecordingReading,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the card (HTML, PDF) and the numbers (JSON).")
    ] = None,
    seed: Seed = 1,
) -> None:
    """Find the artificial unit that stands for a neuron, and say what is lost."""
    from bridge.equivalent.find_unit import equivalent_unit
    from experiments.kit.outputs import check_folder
    from experiments.kit.words import assignment, current_range, quantity_of
    from neurosim.errors import ParameterError

    if out is not None:
        check_folder(out)
    if intervals not in ("profile", "bootstrap", "none"):
        raise ParameterError(f"--intervals {intervals!r}: choose profile, bootstrap or none")
    values = {
        name: quantity_of(value, f"--set {name}")
        for name, value in (assignment(text, "tau_m=10ms") for text in set_ or [])
    }
    # Of what is read of a recording, a model takes where its spikes are counted.
    of_files = replace(recording, window=None)
    equations = {"threshold": threshold, "reset": reset, "current": current, "start": start}
    given = {name: value for name, value in equations.items() if value is not None}
    if _is_file(source) and is_allen(Path(source)):
        model, options = _of_allen(Path(source), membrane, shape, {**values, **given})
    elif _is_shape(source, membrane):
        model, options = _on_shape(
            Path(source), membrane, shape, {**values, **given, **of_files.settings()}
        )
    elif _is_file(source):
        model, options = _of_file(Path(source), values, equations, recording, shape, membrane)
        if frozen:
            raise ParameterError(
                "--frozen goes with a model: frozen noise is played to it many times; "
                f"{source!r} was measured; leave it out"
            )
    elif membrane is not None or shape.settings():
        raise ParameterError(
            "--membrane, --unit, --tree, --soma-diameter, --least-diameter and --tag go with a "
            f"reconstruction (SWC, ASC, HDF5); {source!r} is none"
        )
    elif of_files.settings():
        name = next(name for name, value in vars(of_files).items() if value is not None)
        raise ParameterError(
            f"--{name.replace('_', '-')} goes with a recording; {source!r} is none"
        )
    else:
        model, options = _neuron(source, values, given)
    if not isinstance(model, Path):
        options |= _counted(recording)
    if noise is not None:
        options["noise"] = quantity_of(noise, "--noise")
    options["trials"] = trials
    with progress() as task:
        told = task(f"unit of {options['name']}")
        # Drawing the card takes about as long as a fifth of the rest.
        share = 1.0 if out is None else 0.8
        found = equivalent_unit(
            model,
            None if currents is None else current_range(currents),
            current_max=current_max,
            intervals=None if intervals == "none" else intervals,
            seed=seed,
            frozen=frozen,
            memory=memory,
            progress=None if told is None else lambda done: told(share * done),
            **options,
        )
        written = "" if out is None else _write(found, out)
    typer.echo(str(found))
    if written:
        typer.echo(f"\n{written}")
    if not found.ok:
        raise typer.Exit(1)


def _counted(recording: RecordingReading) -> dict[str, Any]:
    """Return where the spikes of a model are counted, as `equivalent_unit` takes it."""
    from brian2.units import second

    from neurosim.errors import ParameterError

    if recording.window is None:
        return {}
    start, stop = recording.settings()["window"]
    if not 0 <= start < stop < float("inf"):
        raise ParameterError(
            f"--window {recording.window!r}: of a model it begins at 0 or later, and ends after "
            "that; give FROM:TO in seconds from the start of a step, such as 0.2:1.2"
        )
    return {"settle": start * second, "duration": (stop - start) * second}


def _write(found: Any, out: Path) -> str:
    """Write card, panels and numbers; say which files they are."""
    from bridge.equivalent.card import save_card
    from neurosim.atomic_write import write_json

    page, printed, panels = save_card(found, out, panels=True)
    numbers = page.with_suffix(".json")
    write_json(numbers, found.to_dict())
    return (
        f"Written to {out}: {page.name} and {printed.name} (the card), {panels.name} (its figures "
        f"as SVG and PNG), {numbers.name} (every number)."
    )


def _is_shape(source: str, membrane: str | None) -> bool:
    from neurosim.morphology import SHAPE_ENDINGS

    ending = Path(source).suffix.lower()
    # Recordings are called .h5 too; a membrane goes with a shape only.
    if membrane is None and ending in (".h5", ".hdf5"):
        return False
    return ending in (*SHAPE_ENDINGS, ".nml")


def _is_file(source: str) -> bool:
    path = Path(source)
    # A file may be called lif; a name that is spelt as it is known means the neuron.
    named = source in (*MODELS, *CELLS) or ("/dt" in source and "=" in source)
    return not named and path.exists()


def _of_file(
    path: Path,
    values: dict[str, Any],
    equations: dict[str, Any],
    recording: RecordingReading,
    shape: ShapeReading,
    membrane: str | None,
) -> tuple[Any, dict[str, Any]]:
    """Return a file of a recording or of counts, and how it is read."""
    from neurosim.errors import ParameterError

    if values:
        raise ParameterError("--set goes with a model; a recording has no parameters to set")
    for option in ("threshold", "reset", "start"):
        if equations[option] is not None:
            raise ParameterError(f"--{option} goes with equations; {str(path)!r} is none")
    of_shapes = {"membrane": membrane} | {k: v for k, v in vars(shape).items() if k != "unit"}
    for option, value in of_shapes.items():
        if value is not None:
            raise ParameterError(
                f"--{option.replace('_', '-')} goes with a reconstruction (SWC, ASC, HDF5); "
                f"{str(path)!r} is none"
            )
    said = recording.settings(equations["current"], shape.unit)
    return path, {"name": path.name, "recording": said}


def _on_shape(
    path: Path, membrane: str | None, shape: ShapeReading, others: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Return the neuron that a reconstruction makes with a membrane, and its name."""
    from neurosim.catalogue import textbook_membrane
    from neurosim.errors import ParameterError, UnknownNameError, suggest

    known = {"textbook": textbook_membrane}
    if membrane is None and path.suffix.lower() == ".nml" and path.is_file():
        return _of_neuroml(path, shape, others)
    if membrane is None:
        raise ParameterError(
            f"{path.name} is a shape without channels; give it a membrane: --membrane textbook"
        )
    if membrane not in known:
        raise UnknownNameError(f"--membrane {membrane!r}: {suggest(membrane, known)}")
    if others:
        raise ParameterError("a reconstruction takes no parameters or equations on a command line")
    cable, said = shape.read(path)
    for line in said:
        console(stderr=True).print(f"doubtful: {line}", style="yellow", markup=False)
    return known[membrane](cable), {"name": f"{path.stem} with the {membrane} membrane"}


def _of_neuroml(
    path: Path, shape: ShapeReading, others: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Return the neuron that a file of NeuroML describes, with its own channels, and its name."""
    import warnings

    from neurosim import from_neuroml
    from neurosim.errors import ParameterError
    from neurosim.morphology import MorphologyWarning

    if others or shape.settings():
        raise ParameterError("a cell of NeuroML takes no parameters or options of a shape")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", MorphologyWarning)
        found = from_neuroml(path)
    for one in caught:
        if issubclass(one.category, MorphologyWarning):
            console(stderr=True).print(f"said: {one.message}", style="yellow", markup=False)
    if not found.painted:
        raise ParameterError(
            f"{path.name} is a shape without channels; give it a membrane: --membrane textbook"
        )
    return found, {"name": path.stem}


def _of_allen(
    path: Path, membrane: str | None, shape: ShapeReading, others: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Return the neuron that a model of the Allen Institute is, and its name."""
    from neurosim.allen import from_allen
    from neurosim.errors import ParameterError

    if others or membrane is not None or shape.settings():
        raise ParameterError(
            "a model of the Allen Institute takes no parameters and no options of a shape; its "
            "reconstruction and its folder modfiles lie beside the fit file"
        )
    return from_allen(path), {"name": path.stem}


def _neuron(
    source: str, values: dict[str, Any], equations: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Return what a source means to `equivalent_unit`, and the options that go with it.

    Parameters
    ----------
    source : str
        Equations, a name or a file.
    values : dict
        Of ``--set``.
    equations : dict
        Options that go with equations, those that were given.
    """
    from experiments.kit.words import quantity_of
    from neurosim.errors import ParameterError, UnknownNameError, suggest

    if "/dt" in source and "=" in source:
        if "start" in equations:
            equations["start"] = quantity_of(equations["start"], "--start")
        # Equations on a command line have no callers whose variables could be meant.
        meant = {**equations, "parameters": values, "level": None}
        return source.replace("\\n", "\n"), {"name": "equations", "brian2": meant}
    for option in ("threshold", "reset", "start", "current"):
        if option in equations:
            also = " or a recording" if option == "current" else ""
            raise ParameterError(f"--{option} goes with equations{also}; {source!r} is none")
    source = known_name(source) or source
    if source in MODELS:
        return named_neuron(source).replace(**values), {"name": source}
    if source in CELLS:
        if values:
            raise ParameterError(f"--set goes with {', '.join(MODELS)}; {source} is painted")
        return named_neuron(source), {"name": source}
    if Path(source).suffix or "/" in source:
        raise ParameterError(f"{source}: no such file; check the path")
    raise UnknownNameError(
        f"{source!r} is neither a file nor a neuron: {suggest(source, (*MODELS, *CELLS))}"
    )
