"""From a `Model` to the C++ sources of a program that reads its sizes at run time.

Brian2's C++ standalone mode writes the number of neurons, the time step and the duration into the
source. Here the model is generated once with conspicuous placeholders in their places, and the
placeholders are then replaced by calls into a small header that reads a run folder. So one compiled
program serves every batch size, duration, time step, seed and parameter value.

Two of Brian2's templates are replaced (`templates/`): rows are advanced in whole vectors, and rows
that share nothing are carried through the whole run block after block, so that a block stays in
the cache.

Runs only inside a worker process.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.engine.point.model import Model
from neurosim.errors import EngineError
from neurosim.randomness import cpp_source

__all__ = ["FILES", "HEADER", "VECTORS", "WAVEFORMS", "write_sources"]

HEADER = "neurosim_run.h"
# The file whose loop is compiled for vector forms of exp and its like.
VECTORS = "cells_stateupdater_codeobject.cpp"

# Primes and odd decimals that nothing else in a generated program spells.
_ROWS = 100_003
_RECORDED = 50_021
_DURATION = 7_654_321.0
_DT = 0.000123457
_TRACE_DT = 0.000345679

# In this order: what, its placeholder, and what is written instead.
_REPLACEMENTS = (
    ("arrays over rows", rf"new (\w+)\[{_ROWS}\]", r"neurosim::new_rows<\1>()"),
    ("list of spikes", rf"\b{_ROWS + 1}\b", "(neurosim::run().rows + 1)"),
    ("batch size", rf"\b{_ROWS}\b", "neurosim::run().rows"),
    ("traced rows", rf"\b{_RECORDED}\b", "neurosim::run().recorded"),
    ("duration", re.escape(f"network.run({_DURATION!r}, NULL, 10.0);"), "neurosim_run_network"),
    ("time step", re.escape(repr(_DT)), "neurosim::run().dt"),
    ("trace time step", re.escape(repr(_TRACE_DT)), "neurosim::run().trace_dt"),
)

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
constexpr int WIDTH = 8;          // rows of the widest vector
constexpr int BLOCK = 64 * 128;    // rows carried through a run together

struct Run {
    double values[8];
    int rows, recorded, units;
    double duration, dt, trace_dt;
    bool report;
    int padded() const { return (rows + WIDTH - 1) / WIDTH * WIDTH; }
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

// The rows that are being advanced: from first up to last, and up to end in whole vectors.
struct Block { int first = 0, last = 0, end = 0; };
inline Block& block() { static Block here; return here; }
template <typename F> void each_block(bool together, F&& advance) {
    const int rows = run().rows, size = together ? rows : BLOCK;
    for (int first = 0; first < rows; first += size) {
        const int last = first + size < rows ? first + size : rows;
        block() = {first, last, last < rows ? last : run().padded()};
        advance();
    }
}
// Rows beyond the last fill a vector; they do as the last one does.
template <typename T> T* new_rows() { return new T[size_t(run().padded())](); }
template <typename T> void pad(T* values) {
    for (int k = run().rows; k < run().padded(); k++) values[k] = values[run().rows - 1];
}

typedef void (*Reporter)(const double, const double, const double, const double);
inline void report(const double, const double completed, const double, const double) {
    const Block& here = block();
    std::printf("progress %.4f\\n",
                (here.first + completed * (here.last - here.first)) / run().rows);
    std::fflush(stdout);
}
inline Reporter reporter() { return run().report ? &report : nullptr; }
"""

# Ahead of every other header, in the file VECTORS only. The C library of Linux on x86 has vector
# forms of these functions; its own headers offer them to a compiler that may also assume finite
# numbers, which would hide a run that diverged.
_VECTOR_FUNCTIONS = """
#if defined(NEUROSIM_VECTORS) && defined(__x86_64__) && defined(__gnu_linux__) && \\
    defined(__GNUC__) && !defined(__clang__)
#define NEUROSIM_VECTOR extern "C" __attribute__((__simd__("notinbranch"))) double
NEUROSIM_VECTOR exp(double) noexcept;
NEUROSIM_VECTOR log(double) noexcept;
NEUROSIM_VECTOR sin(double) noexcept;
NEUROSIM_VECTOR cos(double) noexcept;
NEUROSIM_VECTOR pow(double, double) noexcept;
#endif
"""

_EXPREL = """
// (exp(x) - 1) / x without branches; its series next to 0, where the quotient would lose digits.
inline double exprel(double x) {
    const double series = 1 + x * (1. / 2 + x * (1. / 6 + x * (1. / 24 + x * (1. / 120 +
                          x * (1. / 720 + x * (1. / 5040))))));
    const double safe = std::fabs(x) < 0.02 ? 1.0 : x;
    return std::fabs(x) < 0.02 ? series : (std::exp(safe) - 1.0) / safe;
}
// Its inverse in one division: the form most rate functions have.
inline double per_exprel(double x) {
    const double y = x * x;
    const double series = 1 - x / 2 + y * (1. / 12 - y * (1. / 720 - y * (1. / 30240)));
    const double safe = std::fabs(x) < 0.02 ? 1.0 : x;
    return std::fabs(x) < 0.02 ? series : safe / (std::exp(safe) - 1.0);
}
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
#define neurosim_exprel neurosim::exprel
#define neurosim_per_exprel neurosim::per_exprel
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
    from brian2.codegen.generators.cpp_generator import CPPCodeGenerator
    from brian2.core.functions import DEFAULT_FUNCTIONS
    from brian2.core.variables import ArrayVariable
    from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
    from brian2.devices.device import get_device

    from neurosim.engine.point.assemble import Tables, assemble

    # This process belongs to us alone, so its Brian2 can be given templates and functions.
    derive = CPPStandaloneCodeObject.templater.derive
    CPPStandaloneCodeObject.templater = derive("neurosim.engine.point")
    exprel = DEFAULT_FUNCTIONS["exprel"].implementations
    exprel.add_implementation(CPPCodeGenerator, "", name="neurosim_exprel")
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
    rows = {
        name: "1" if name in model.shared else "size_t(neurosim::run().rows)" for name in inputs
    }
    load = [
        f'neurosim::read("{name}", brian::{array}, {rows[name]});'
        for name, (array, _) in inputs.items()
    ]
    arrays = [
        device.get_array_name(variable, access_data=False)
        for variable in cells.variables.values()
        if isinstance(variable, ArrayVariable)
        and variable.owner is cells
        and variable.size == _ROWS
    ]
    pad = "\n".join(f"neurosim::pad(brian::{array});" for array in dict.fromkeys(arrays))
    device.insert_code("before_network_run", pad)
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
        "sources": _unite(folder),
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
    # Rows of a network need each other, and a trace is one table of all rows.
    together = bool(model.wired or model.record)
    _replace(folder / "main.cpp", "neurosim_run_network", _run_network(assembled.clock, together))
    _replace(folder / "code_objects" / VECTORS, "/neurosim_exprel(", "*neurosim_per_exprel(")
    (folder / HEADER).write_text(
        f"{_VECTOR_FUNCTIONS}{FILES}{_SETTINGS}{WAVEFORMS}{_WEIGHTS}{_EXPREL}{cpp_source()}{_NAMES}"
    )
    for leftover in (folder / "static_arrays").glob("*"):
        leftover.write_bytes(b"")
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True))


def _run_network(clock: Any, together: bool) -> str:
    """Return the statements that run Brian2's network for each block of rows, from 0 each time."""
    from brian2.devices.device import get_device

    step, time = (
        get_device().get_array_name(clock.variables[name], access_data=False)
        for name in ("timestep", "t")
    )
    return f"""neurosim::each_block({str(together).lower()}, [&] {{
            {step}[0] = 0;
            {time}[0] = network.t = 0.0;
            network.run(neurosim::run().duration, neurosim::reporter(), 0.2);
        }});"""


def _unite(folder: Path) -> list[str]:
    """Include Brian2's many files in two, beside VECTORS; return the three files to compile.

    Each file on its own takes half a second, nearly all of it for the headers of the C++ library.
    """
    vectors = folder / "code_objects" / VECTORS
    steps = sorted(path for path in (folder / "code_objects").glob("*.cpp") if path != vectors)
    frame = sorted(folder.glob("*.cpp"))
    for k, path in enumerate(steps):
        # Each brings the helpers it needs, several the same ones.
        text = path.read_text().replace("\nnamespace {\n", f"\nnamespace helpers_{k} {{\n", 1)
        path.write_text(
            text.replace(
                "using namespace brian;", f"using namespace brian; using namespace helpers_{k};"
            )
        )
    for name, paths in (("frame", frame), ("steps", steps)):
        lines = [f'#include "{path.relative_to(folder).as_posix()}"\n' for path in paths]
        (folder / f"unit_{name}.cpp").write_text("".join(lines))
    return ["unit_frame.cpp", "unit_steps.cpp", f"code_objects/{VECTORS}"]


def _replace(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def _states(cells: object) -> list[str]:
    return sorted(cells.equations.diff_eq_names)  # type: ignore[attr-defined]


def _inputs(model: Model) -> set[str]:
    from brian2 import Equations

    # Not those of the group, to which Brian2 adds variables of its own (lastspike).
    equations = Equations(model.equations)
    return (set(equations.parameter_names) | set(equations.diff_eq_names)) - {"I_stim"}


def _replace_placeholders(folder: Path, *, traced: bool) -> None:
    counts = {what: 0 for what, _, _ in _REPLACEMENTS}
    for path in [*folder.rglob("*.cpp"), *folder.rglob("*.h")]:
        if "brianlib" in path.parts:
            continue
        text = path.read_text()
        for what, pattern, replacement in _REPLACEMENTS:
            text, found = re.subn(pattern, replacement, text)
            counts[what] += found
        path.write_text(text)
    needless = set() if traced else {"traced rows", "trace time step"}
    for what, count in counts.items():
        if count == 0 and what not in needless:
            raise EngineError(
                f"Brian2 wrote a program without a place for the {what}; this version of Brian2 "
                "is not supported by the C++ engine: use engine='numpy'"
            )
