"""Entry point of the worker process: the only place where Brian2 builds or runs a network.

The task ``generate FOLDER`` writes the C++ program of the model that
``FOLDER/model.json`` describes, ``... generate-cable FOLDER`` that of the branched neurons in
``FOLDER/cable.json``; ``... run FOLDER`` runs the model with Brian2's NumPy target on
the inputs found there. A process of its own keeps the caller's Brian2 session (device, preferences,
clock, objects) untouched whatever happens, and can be interrupted at any moment.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from neurosim.engine.point.assemble import Assembled

__all__ = ["main"]


def _generate(folder: Path) -> None:
    from neurosim.engine.point.model import Model
    from neurosim.engine.point.source import write_sources

    model = Model.from_dict(json.loads((folder / "model.json").read_text()))
    write_sources(model, folder / "program")


def _generate_cable(folder: Path) -> None:
    from neurosim.engine.cable.model import CableModel
    from neurosim.engine.cable.source import write_program

    models = json.loads((folder / "cable.json").read_text())
    write_program([CableModel.from_dict(model) for model in models], folder / "kernels.cpp")


def _run(folder: Path) -> None:
    import brian2

    from neurosim.engine.point.assemble import Tables, assemble
    from neurosim.engine.point.model import Model
    from neurosim.engine.programs.course_tables import CourseTable

    brian2.prefs.codegen.target = "numpy"
    model = Model.from_dict(json.loads((folder / "model.json").read_text()))
    settings = json.loads((folder / "settings.json").read_text())
    with np.load(folder / "inputs.npz") as archive:
        inputs = dict(archive)
    waveforms = [inputs.pop(f"waveform.{k}") for k in range(settings["waveforms"])]
    courses = [CourseTable(*inputs.pop(f"course.{k}")) for k in range(settings["courses"])]
    weights = inputs.pop("weights")
    recorded = inputs.pop("recorded")
    states = {
        name.removeprefix("row."): values
        for name, values in inputs.items()
        if name.startswith("row.")
    }
    assembled = assemble(
        model,
        rows=settings["rows"],
        recorded=recorded,
        dt=settings["dt"],
        trace_dt=settings["trace_dt"],
        tables=Tables(waveforms, weights, courses),
        states=states,
    )
    report = None
    if settings["report"]:

        def report(elapsed: object, completed: float, start: object, duration: object) -> None:
            print(f"progress {float(completed):.4f}", flush=True)

    duration = settings["duration"]
    if "start" in settings:
        duration = _go_on(assembled, settings, inputs)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        assembled.network.run(
            duration * brian2.second,
            report=report,
            report_period=0.5 * brian2.second,
            namespace={},
        )
    results: dict[str, Any] = {
        "spikes.i": np.asarray(assembled.spikes.i),
        "spikes.t": np.asarray(assembled.spikes.t),
    }
    for name in sorted(assembled.cells.equations.diff_eq_names):
        results[f"state.{name}"] = np.asarray(assembled.cells.variables[name].get_value())
    for name in model.kept:
        results[f"kept.{name}"] = np.asarray(assembled.cells.variables[name].get_value())
    results["step"] = np.atleast_1d(assembled.clock.variables["timestep"].get_value())
    if assembled.traces is not None:
        results["trace.t"] = np.asarray(assembled.traces.t)
        for name in model.record:
            results[f"trace.{name}"] = np.asarray(getattr(assembled.traces, name)).T
    np.savez(folder / "results.npz", **results)


def _go_on(assembled: Assembled, settings: dict[str, Any], inputs: dict[str, np.ndarray]) -> float:
    """Bring a network to where another run ended; return how long it has to run (second)."""
    import brian2

    network, cells, dt, start = (
        assembled.network,
        assembled.cells,
        settings["dt"],
        settings["start"],
    )
    network.run(0 * brian2.second, namespace={})
    for name, values in inputs.items():
        if name.startswith("begin."):
            cells.variables[name.removeprefix("begin.")].get_value()[:] = values
    if assembled.wires is not None:
        # The spikes that were fired before, step after step, as they were fired then.
        queue, row, back = assembled.wires.pre.queue, inputs["flight_row"], inputs["flight_back"]
        for ago in range(int(back.max(initial=0)), 0, -1):
            queue.push(row[back == ago].astype(np.int32))
            queue.advance()
    network.t_ = start * dt
    steps = round(settings["duration"] / dt)
    return float((start + steps) * dt - start * dt)


def main(argv: list[str]) -> int:
    """Run one task; return the exit status."""
    from neurosim.engine.programs.processes import end_with_parent

    end_with_parent()
    task, folder = argv
    try:
        tasks = {"generate": _generate, "generate-cable": _generate_cable, "run": _run}
        tasks[task](Path(folder))
    except Exception as error:
        # Brian2 wraps the error that matters; the parent shows the end of this, innermost last.
        chain: list[str] = []
        cause: BaseException | None = error
        while cause is not None:
            chain.append(f"{type(cause).__name__}: {cause}")
            cause = cause.__cause__ or cause.__context__
        print("\n".join(chain), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
