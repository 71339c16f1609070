"""The C++ engine: one compiled program a model, from the cache or built, run as a child."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np

from neurosim.engine.point.inputs import Inputs, Results
from neurosim.engine.point.model import Model
from neurosim.engine.point.source import HEADER, VECTORS
from neurosim.engine.programs.cache import fetch
from neurosim.engine.programs.compiler import Compiler
from neurosim.engine.programs.course_tables import write_tables
from neurosim.engine.programs.digest import engine_digest
from neurosim.engine.programs.portable import portable
from neurosim.engine.programs.processes import Progress, guard, run_all, worker_command
from neurosim.engine.programs.results import RunResults
from neurosim.equations.evaluate import cuts_time

__all__ = ["fetch_point", "run_standalone", "write_inputs"]

# For the one loop that advances the states, whose rows all go through the same vector code: vector
# forms of exp, powers of exp as one exp. Numbers need not be finite, so a diverging run is seen.
_VECTOR_FLAGS = (
    "-DNEUROSIM_VECTORS",
    "-funsafe-math-optimizations",
    "-ffp-contract=fast",
    "-fopenmp-simd",
)
# The same without anything that may round a quotient another way: where a model asks in which piece
# of time it is, as floor(t/(3*ms)) does, the last bit decides on which step the piece begins.
_EXACT_FLAGS = ("-DNEUROSIM_VECTORS", "-ffp-contract=off", "-fopenmp-simd")
# Every loop as it is written; see `portable`.
_PORTABLE_FLAGS = ("-fopenmp-simd",)


def _build(model: Model, compiler: Compiler, folder: Path) -> None:
    (folder / "model.json").write_text(json.dumps(model.to_dict()))
    run_all([worker_command("generate", folder)], what="writing the C++ program of the model")
    program = folder / "program"
    manifest = json.loads((program / "manifest.json").read_text())
    objects = [f"{Path(source).stem}.o" for source in manifest["sources"]]
    includes = [*compiler.pthread, "-I.", "-include", HEADER]
    compile_one = [*compiler.command, *compiler.flags, "-fopenmp-simd", *includes, "-c"]
    flags: tuple[str, ...] = _EXACT_FLAGS if cuts_time(model.equations) else _VECTOR_FLAGS
    if compiler.portable:
        flags = _PORTABLE_FLAGS
        for path in (program / "code_objects").glob("*.cpp"):
            path.write_text(portable(path.read_text()))
    special = {VECTORS: [*flags, *compiler.wide]}
    run_all(
        [
            guard([*compile_one, *special.get(Path(source).name, []), source, "-o", target])
            for source, target in zip(manifest["sources"], objects, strict=True)
        ],
        at_once=os.cpu_count() or 1,
        what="compiling the model",
        folder=program,
    )
    link = [*compiler.command, *compiler.pthread, *objects, "-o", "main", *compiler.linking]
    run_all([guard(link)], what="linking the model", folder=program)
    (program / "main").rename(folder / "main")
    # Kept beside the program, so that anyone can read what was compiled.
    for target in objects:
        (program / target).unlink()
    shutil.move(program / "manifest.json", folder / "manifest.json")


def fetch_point(model: Model, compiler: Compiler) -> Path:
    """Return the folder of a model's program, ``main``, compiling it first if there is none."""
    key = model.key(compiler.identity, f"{engine_digest()} {_VECTOR_FLAGS}")
    return fetch(key, lambda empty: _build(model, compiler, empty))


def run_standalone(
    model: Model,
    compiler: Compiler,
    chunks: list[Inputs],
    folder: Path,
    progress: Progress | None,
) -> list[Results]:
    """Run a model on several independent chunks of a batch, each in a process of its own.

    Parameters
    ----------
    model : Model
        What to run.
    compiler : Compiler
        Compiles the model if the cache does not have it.
    chunks : list of Inputs
        Parts of the batch, run at the same time.
    folder : Path
        Temporary folder for inputs and results.
    progress : callable, optional
        Called with the share done.
    """
    built = fetch_point(model, compiler)
    manifest = json.loads((built / "manifest.json").read_text())
    commands, environments, places = [], [], []
    for k, inputs in enumerate(chunks):
        place = folder / f"run{k}"
        place.mkdir()
        write_inputs(inputs, place, manifest, report=progress is not None)
        commands.append([str(built / "main")])
        environments.append(os.environ | {"NEUROSIM_RUN": str(place)})
        places.append(place)
    run_all(
        commands,
        what="the simulation",
        environments=environments,
        folder=built / "program",
        progress=progress,
    )
    return [_read_results(place, manifest["outputs"], model) for place in places]


def write_inputs(
    inputs: Inputs, place: Path, manifest: dict[str, dict[str, str]], *, report: bool = False
) -> None:
    """Write what a program reads into the folder of its run.

    Parameters
    ----------
    inputs : Inputs
        The batch.
    place : Path
        The folder.
    manifest : dict
        What stands beside the program.
    report : bool
        Whether the program is to say how far it is.
    """
    begin = inputs.begin
    settings = [
        inputs.rows,
        len(inputs.recorded),
        len(inputs.weights),
        inputs.duration,
        inputs.dt,
        inputs.trace_dt,
        float(report),
        -1.0 if begin is None else float(begin.step),
    ]
    np.asarray(settings, dtype=np.float64).tofile(place / "settings")
    for name, dtype in manifest["inputs"].items():
        inputs.states[name].astype(dtype).tofile(place / name)
    if begin is not None:
        for name, values in begin.values.items():
            values.astype(manifest["outputs"][f"kept.{name}"]).tofile(place / f"begin.{name}")
        np.asarray([len(begin.flight_row)], dtype=np.float64).tofile(place / "flight_count")
        begin.flight_row.astype(np.int32).tofile(place / "flight_row")
        begin.flight_back.astype(np.int32).tofile(place / "flight_back")
    inputs.recorded.astype(np.int32).tofile(place / "recorded")
    inputs.weights.astype(np.float64).tofile(place / "weights")
    lengths = [len(samples) for samples in inputs.waveforms]
    np.asarray([len(lengths)], dtype=np.float64).tofile(place / "waveform_count")
    np.cumsum([0, *lengths]).astype(np.int64).tofile(place / "waveform_starts")
    np.concatenate([np.zeros(0), *inputs.waveforms]).tofile(place / "waveform_samples")
    write_tables(inputs.courses, place)


def _read_results(place: Path, outputs: dict[str, str], model: Model) -> Results:
    written = RunResults(place)
    arrays = {name: written.load(name, dtype) for name, dtype in outputs.items()}
    arrays["step"] = written.load("step", np.int64)
    return Results.of(arrays, model.record)
