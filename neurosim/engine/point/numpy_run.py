"""The NumPy engine: Brian2's NumPy target in a worker process, where there is no compiler."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.engine.point.inputs import Inputs, Results
from neurosim.engine.point.model import Model
from neurosim.engine.programs.processes import Progress, run_all, worker_command

__all__ = ["run_numpy"]


def run_numpy(
    model: Model, chunks: list[Inputs], folder: Path, progress: Progress | None
) -> list[Results]:
    """Run a model on several independent chunks of a batch, each in a worker process.

    Parameters and result are those of `neurosim.engine.point.standalone.run_standalone`.
    """
    places = []
    for k, inputs in enumerate(chunks):
        place = folder / f"run{k}"
        place.mkdir()
        (place / "model.json").write_text(json.dumps(model.to_dict()))
        settings = {
            "rows": inputs.rows,
            "duration": inputs.duration,
            "dt": inputs.dt,
            "trace_dt": inputs.trace_dt,
            "waveforms": len(inputs.waveforms),
            "courses": len(inputs.courses),
            "report": progress is not None,
        }
        arrays: dict[str, Any] = {f"row.{name}": values for name, values in inputs.states.items()}
        arrays |= {f"waveform.{k}": samples for k, samples in enumerate(inputs.waveforms)}
        for k, table in enumerate(inputs.courses):
            arrays[f"course.{k}"] = np.stack([table.times, table.values])
        if inputs.begin is not None:
            settings["start"] = inputs.begin.step
            arrays |= {f"begin.{name}": values for name, values in inputs.begin.values.items()}
            arrays |= {
                "flight_row": inputs.begin.flight_row,
                "flight_back": inputs.begin.flight_back,
            }
        np.savez(place / "inputs.npz", weights=inputs.weights, recorded=inputs.recorded, **arrays)
        (place / "settings.json").write_text(json.dumps(settings))
        places.append(place)
    commands = [worker_command("run", place) for place in places]
    run_all(commands, what="the simulation", progress=progress)
    results = []
    for place in places:
        with np.load(place / "results.npz") as archive:
            results.append(Results.of(dict(archive), model.record))
    return results
