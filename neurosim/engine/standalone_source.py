"""From a `Model` to the C++ sources of a program that reads its sizes at run time.

Brian2's C++ standalone mode writes the number of neurons, the time step and the duration into the
source. Here the model is generated once with conspicuous placeholders in their places, and the
placeholders are then replaced by calls into a small header that reads a run folder. So one compiled
program serves every batch size, duration, time step, seed and parameter value.

Runs only inside a worker process.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from neurosim.engine.model import Model
from neurosim.engine.randomness import cpp_source
from neurosim.errors import EngineError

__all__ = ["FILES", "HEADER", "WAVEFORMS", "write_sources"]

HEADER = "neurosim_run.h"

# Primes and odd decimals that nothing else in a generated program spells.
_ROWS = 100_003
_RECORDED = 50_021
_DURATION = 7_654_321.0
_DT = 0.000123457
_TRACE_DT = 0.000345679

_REPLACEMENTS = (
    (rf"\b{_ROWS + 1}\b", "(neurosim::run().rows + 1)"),
    (rf"\b{_ROWS}\b", "neurosim::run().rows"),
    (rf"\b{_RECORDED}\b", "neurosim::run().recorded"),
    (re.escape(f"run({_DURATION!r}, NULL, 10.0)"),
     "run(neurosim::run().duration, neurosim::reporter(), 0.2)"),
    (re.escape(repr(_DT)), "neurosim::run().dt"),
    (re.escape(repr(_TRACE_DT)), "neurosim::run().trace_dt"),
)  # fmt: skip

# What one run of a program reads: sizes, parameter values and tables, from the folder named by the
# environment variable NEUROSIM_RUN.
FILES = """
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace neurosim {

inline const std::string& folder() {
    static const std::string name = [] {
        const char* value = std::getenv("NEUROSIM_RUN");
        if (!value) { std::fprintf(stderr, "NEUROSIM_RUN is not set\\n"); std::exit(3); }
        return std::string(value) + "/";
    }();
    return name;
}

template <typename T> void read(const std::string& name, T* target, size_t count) {
    std::ifstream file(folder() + name, std::ios::binary);
    file.read(reinterpret_cast<char*>(target), std::streamsize(count * sizeof(T)));
    if (!file || size_t(file.gcount()) != count * sizeof(T)) {
        std::fprintf(stderr, "run input '%s' is missing or short\\n", name.c_str());
        std::exit(3);
    }
}
"""

_SETTINGS = """
struct Run {
    double values[8];
    int rows, recorded, units;
    double duration, dt, trace_dt;
    bool report;
    Run() {
        read("settings", values, 8);
        rows = int(values[0]);
        recorded = int(values[1]);
        units = int(values[2]);
        duration = values[3];
        dt = values[4];
        trace_dt = values[5];
        report = values[6] != 0.0;
    }
};
inline const Run& run() { static const Run settings; return settings; }

typedef void (*Reporter)(const double, const double, const double, const double);
inline void report(const double, const double completed, const double, const double) {
    std::printf("progress %.4f\\n", completed);
    std::fflush(stdout);
}
inline Reporter reporter() { return run().report ? &report : nullptr; }
"""

WAVEFORMS = """
// Sampled waveforms, all channels one after the other; 'waveform_starts' has one entry more than
// there are channels.
struct Waveforms {
    std::vector<int64_t> starts;
    std::vector<double> samples;
    Waveforms() {
        double count;
        read("waveform_count", &count, 1);
        starts.resize(size_t(count) + 1);
        read("waveform_starts", starts.data(), starts.size());
        samples.resize(size_t(starts.back()));
        read("waveform_samples", samples.data(), samples.size());
    }
};
inline double waveform(int64_t channel, double position) {
    static const Waveforms table;
    const double sample = std::floor(position + 1e-6);
    const int64_t first = table.starts[size_t(channel)];
    const double length = double(table.starts[size_t(channel) + 1] - first);
    if (sample < 0 || sample >= length) return 0.0;
    return table.samples[size_t(first + int64_t(sample))];
}
"""

_WEIGHTS = """
struct Weights {
    std::vector<double> values;
    Weights() : values(size_t(run().units) * size_t(run().units)) {
        read("weights", values.data(), values.size());
    }
};
inline double weight(int64_t source, int64_t target) {
    static const Weights table;
    return table.values[size_t(source) * size_t(run().units) + size_t(target)];
}
"""

# Brian2 rewrites function names as Python identifiers, so these cannot be qualified ones.
_NAMES = """
}  // namespace neurosim
#define neurosim_gaussian neurosim::gaussian
#define neurosim_waveform neurosim::waveform
#define neurosim_weight neurosim::weight
"""


def write_sources(model: Model, folder: Path) -> None:
    """Write the C++ program of a model into an empty folder.

    Leaves the sources and ``manifest.json``, which lists the files to compile and the names under
    which the program reads its inputs and writes its results.

    Raises
    ------
    EngineError
        Brian2 wrote a program in which a placeholder is not where it is expected.
    """
    import brian2
    from brian2.devices.device import get_device

    from neurosim.engine.assemble import Tables, assemble

    brian2.set_device("cpp_standalone", directory=str(folder), build_on_run=False)
    assembled = assemble(
        model,
        rows=_ROWS,
        recorded=np.arange(_RECORDED),
        dt=_DT,
        trace_dt=_TRACE_DT,
        tables=Tables([], np.zeros((0, 0))),
    )
    device = get_device()
    cells = assembled.cells
    inputs = {
        name: (device.get_array_name(variable, access_data=False), str(np.dtype(variable.dtype)))
        for name, variable in cells.variables.items()
        if name in _inputs(model)
    }
    load = [
        f'neurosim::read("{name}", brian::{array}, size_t(neurosim::run().rows));'
        for name, (array, _) in inputs.items()
    ]
    if assembled.traces is not None:
        indices = device.get_array_name(assembled.traces.variables["_indices"], access_data=False)
        device.insert_code(
            "before_network_run",
            f'neurosim::read("recorded", brian::{indices}, size_t(neurosim::run().recorded));',
        )
    device.insert_code("after_start", "\n".join(load))
    assembled.network.run(_DURATION * brian2.second)
    device.build(directory=str(folder), compile=False, run=False, clean=False)

    outputs = {
        "spikes.i": assembled.spikes.variables["i"],
        "spikes.t": assembled.spikes.variables["t"],
    } | {f"state.{name}": cells.variables[name] for name in _states(cells)}
    if assembled.traces is not None:
        outputs |= {f"trace.{name}": assembled.traces.variables[name] for name in model.record}
        outputs["trace.t"] = assembled.traces.variables["t"]
    manifest = {
        "sources": sorted(str(path.relative_to(folder)) for path in folder.rglob("*.cpp")),
        "inputs": {name: dtype for name, (_, dtype) in inputs.items()},
        "outputs": {
            name: {
                "file": Path(device.get_array_filename(variable)).name,
                "dtype": str(np.dtype(variable.dtype)),
            }
            for name, variable in outputs.items()
        },
        "static_arrays": (folder / "static_arrays").is_dir(),
        "brian2": brian2.__version__,
    }
    _replace_placeholders(folder, traced=bool(model.record))
    (folder / HEADER).write_text(f"{FILES}{_SETTINGS}{WAVEFORMS}{_WEIGHTS}{cpp_source()}{_NAMES}")
    for leftover in (folder / "static_arrays").glob("*"):
        leftover.write_bytes(b"")
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True))


def _states(cells: object) -> list[str]:
    return sorted(cells.equations.diff_eq_names)  # type: ignore[attr-defined]


def _inputs(model: Model) -> set[str]:
    from brian2 import Equations

    # Not those of the group, to which Brian2 adds variables of its own (lastspike).
    equations = Equations(model.equations)
    return (set(equations.parameter_names) | set(equations.diff_eq_names)) - {"I_stim"}


def _replace_placeholders(folder: Path, *, traced: bool) -> None:
    counts = [0] * len(_REPLACEMENTS)
    for path in [*folder.rglob("*.cpp"), *folder.rglob("*.h")]:
        if "brianlib" in path.parts:
            continue
        text = path.read_text()
        for k, (pattern, replacement) in enumerate(_REPLACEMENTS):
            text, found = re.subn(pattern, replacement, text)
            counts[k] += found
        path.write_text(text)
    wanted = {"batch size": counts[1], "duration": counts[3], "time step": counts[4]}
    if traced:
        wanted |= {"traced rows": counts[2], "trace time step": counts[5]}
    for what, count in wanted.items():
        if count == 0:
            raise EngineError(
                f"Brian2 wrote a program without a place for the {what}; this version of Brian2 "
                "is not supported by the C++ engine: use engine='numpy'"
            )
