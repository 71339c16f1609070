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
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.engine.point.model import Model
from neurosim.engine.programs.sources import shared_source
from neurosim.errors import EngineError

if TYPE_CHECKING:
    from neurosim.engine.point.assemble import Assembled

__all__ = ["HEADER", "VECTORS", "write_sources"]

HEADER = "neurosim_run.h"
# What HEADER is made of, beside what both engines share.
_HEADERS = ("vector_functions.h", "run.h")
# The file whose loop is compiled for vector forms of exp and its like.
VECTORS = "cells_stateupdater_codeobject.cpp"
# The file that includes all others.
_REST = "rest.cpp"
# Functions of Brian2's that no program of ours needs: they set variables from a command line or a
# file, write all arrays, and read arrays that a run's own take the place of.
_UNUSED = (
    "set_variable_by_name",
    "set_variable_from_file",
    "_write_arrays",
    "_load_arrays",
)

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
    # Flags of a makefile that is not used; Brian2 would start the compiler once for each to try it.
    brian2.prefs["codegen.cpp.extra_compile_args"] = []
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
    # A run that goes on from another is given all that one left, after Brian2 has set it anew.
    kept = {name: cells.variables[name] for name in model.kept}
    going = "\n".join(
        f'neurosim::read("begin.{name}", brian::{device.get_array_name(v, access_data=False)}, '
        "size_t(neurosim::run().rows));"
        for name, v in kept.items()
    )
    pad = "\n".join(f"neurosim::pad(brian::{array});" for array in dict.fromkeys(arrays))
    device.insert_code("before_network_run", f"if (neurosim::run().goes_on) {{\n{going}\n}}\n{pad}")
    if assembled.traces is not None:
        indices = device.get_array_name(assembled.traces.variables["_indices"], access_data=False)
        device.insert_code(
            "before_network_run",
            f'neurosim::read("recorded", brian::{indices}, size_t(neurosim::run().recorded));',
        )
    device.insert_code("before_start", "neurosim::end_with_parent();")
    device.insert_code("after_start", "\n".join(load))
    assembled.network.run(_DURATION * brian2.second)
    device.build(directory=str(folder), compile=False, run=False, clean=False)

    outputs = {
        "spikes.i": assembled.spikes.variables["i"],
        "spikes.t": assembled.spikes.variables["t"],
    } | {f"state.{name}": cells.variables[name] for name in sorted(cells.equations.diff_eq_names)}
    if assembled.traces is not None:
        outputs |= {f"trace.{name}": assembled.traces.variables[name] for name in model.record}
        outputs["trace.t"] = assembled.traces.variables["t"]
    outputs |= {f"kept.{name}": variable for name, variable in kept.items()}
    manifest = {
        "sources": _unite(folder),
        "inputs": {name: dtype for name, (_, dtype) in inputs.items()},
        "outputs": {name: str(np.dtype(variable.dtype)) for name, variable in outputs.items()},
        "static_arrays": (folder / "static_arrays").is_dir(),
        "brian2": brian2.__version__,
    }
    _save_results(
        folder / "main.cpp",
        {name: device.get_array_name(v, access_data=False) for name, v in outputs.items()},
        device.get_array_name(assembled.clock.variables["timestep"], access_data=False),
    )
    _replace_placeholders(folder, traced=bool(model.record))
    # Rows of a network need each other, and a trace is one table of all rows.
    together = bool(model.wired or model.record)
    _replace(folder / "main.cpp", "neurosim_run_network", _run_network(assembled, together))
    _replace(folder / "code_objects" / VECTORS, "/neurosim_exprel(", "*neurosim_per_exprel(")
    for path in (folder / "code_objects").glob("*.cpp"):
        path.write_text(_in_vectors(path.read_text()))
    ahead, run = ((Path(__file__).parent / name).read_text() for name in _HEADERS)
    (folder / HEADER).write_text(f"{ahead}{shared_source()}{run}")
    for leftover in (folder / "static_arrays").glob("*"):
        leftover.write_bytes(b"")
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True))


# A loop over rows in our own template.
_LOOP = re.compile(r"//@ drawn ahead\n(.*)", re.DOTALL)
_DRAW = re.compile(r"neurosim_gaussian\(key_low, key_high, (\d+), t_in_timesteps\)")
# Integer division and remainder, which need the integers.
_INTEGERS = ("_brian_mod(", "_brian_floordiv(")


def _in_vectors(text: str) -> str:
    """Return a file with what keeps its loop over rows out of vectors in another form.

    Normal deviates are drawn ahead, by a function that draws many, and numbers of time steps are
    doubles. Nothing that is computed changes by a bit.
    """
    found = _LOOP.search(text)
    if found is None:
        return text
    loop, drawn = found[1], []
    for stream in dict.fromkeys(_DRAW.findall(loop)):
        keys = ", ".join(f"_ptr_array_cells_key_{end} + _part" for end in ("low", "high"))
        if "_ptr_array_cells_key_low[_idx]" not in loop:
            break
        drawn += [
            f"double _drawn_{stream}[neurosim::GAUSSIANS];",
            f"neurosim::gaussians({keys}, {stream}, t_in_timesteps, _stop - _part, "
            f"_drawn_{stream});",
        ]
        loop = loop.replace(
            f"neurosim_gaussian(key_low, key_high, {stream}, t_in_timesteps)",
            f"_drawn_{stream}[_idx - _part]",
        )
    lines = [
        line if any(name in line for name in _INTEGERS)
        else re.sub(r"(?<!\w)_timestep\(", "neurosim::whole_steps(", line)
        for line in loop.splitlines(keepends=True)
    ]  # fmt: skip
    ahead = "".join(f"{line}\n        " for line in drawn)
    return f"{text[: found.start()]}{ahead}{''.join(lines)}"


def _save_results(main: Path, outputs: dict[str, str], step: str) -> None:
    """Write the outputs alone, checked, where Brian2 writes all arrays and looks at none.

    Raises
    ------
    EngineError
        Brian2 wrote a program that ends in another way.
    """
    text = main.read_text()
    if text.count("brian_end();") != 1:
        raise EngineError(
            "Brian2 wrote a program whose end is not where it was; this version of Brian2 is not "
            "supported by the C++ engine: use engine='numpy'"
        )
    lines = [f'neurosim::save_rows("{name}", brian::{array});' for name, array in outputs.items()]
    lines.append(f'neurosim::save("step", brian::{step}, 1);')
    main.write_text(
        text.replace("brian_end();", "\n\t".join([*lines, "neurosim::finish_results();"]))
    )


def _run_network(assembled: Assembled, together: bool) -> str:
    """Return the statements that run Brian2's network for each block of rows, anew each time."""
    from brian2.devices.device import get_device

    def array(variable: Any) -> str:
        return str(get_device().get_array_name(variable, access_data=False))

    steps = []
    for clock, dt in ((assembled.clock, "dt"), (assembled.trace_clock, "trace_dt")):
        if clock is not None:
            step, time = (array(clock.variables[name]) for name in ("timestep", "t"))
            steps.append(f"neurosim::set_clock({step}, {time}, neurosim::run().{dt});")
    steps.append("network.t = double(neurosim::run().start) * neurosim::run().dt;")
    if assembled.wires is not None:
        spikes = array(assembled.cells.variables["_spikespace"])
        steps.append(f"neurosim::refill({spikes}, [] {{ _run_wires_pre_push_spikes(); }});")
    steps.append("network.run(neurosim::length(), neurosim::reporter(), 0.2);")
    lines = f"\n{' ' * 12}".join(steps)
    return f"""neurosim::each_block({str(together).lower()}, [&] {{
            {lines}
        }});"""


def _unite(folder: Path) -> list[str]:
    """Include Brian2's many files in one, beside VECTORS; return the two files to compile.

    Each file on its own takes a second, nearly all of it for the headers of the C++ library.
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
    _drop_unused(folder / "objects.cpp")
    lines = [f'#include "{path.relative_to(folder).as_posix()}"\n' for path in [*frame, *steps]]
    (folder / _REST).write_text("".join(lines))
    return [_REST, f"code_objects/{VECTORS}"]


def _drop_unused(objects: Path) -> None:
    """Empty the functions that are compiled for nothing; one that has another form is left."""
    text = objects.read_text()
    for name in _UNUSED:
        head = rf"^((?:template<class T> )?void {name}\([^)]*\))"
        body = re.compile(rf"{head}\s*\{{\n.*?^\}}\n", re.MULTILINE | re.DOTALL)
        text = body.sub(r"\1 {}\n", text)
    objects.write_text(text)


def _replace(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


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
