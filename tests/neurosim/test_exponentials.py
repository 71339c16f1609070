"""Exponentials and logarithms of compiled programs, against 150 bits of precision."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import mpmath
import numpy as np
import pytest

from neurosim.engine.point import standalone as point
from neurosim.engine.programs import shared_runtime, sources
from neurosim.engine.programs.compiler import Compiler, find_compiler

FUNCTIONS = ("exp", "expm1", "log", "log_of_positive")
# What is promised of each, in units of the last place.
MOST = {"exp": 1.0, "expm1": 2.0, "log": 1.0, "log_of_positive": 1.0}
HEADER = Path(sources.__file__).with_name("exponentials.h")
# Each function over all numbers of a file in a loop, whose vectors end in a shorter one and a
# single number; then over one number at a time.
PROGRAM = """
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>
#include "exponentials.h"
template <typename F> void run(F one, const std::vector<double>& x) {
    std::vector<double> loop(x.size()), alone(x.size());
    const double* __restrict from = x.data();
    double* __restrict to = loop.data();
    const size_t n = x.size();
    for (size_t k = 0; k < n; k++) to[k] = one(from[k]);
    for (size_t k = 0; k < n; k++) {
        volatile double hidden = from[k];
        alone[k] = one(hidden);
    }
    std::fwrite(to, 8, n, stdout);
    std::fwrite(alone.data(), 8, n, stdout);
}
int main(int, char** words) {
    std::vector<double> x(size_t(std::atol(words[2])));
    if (std::fread(x.data(), 8, x.size(), stdin) != x.size()) return 1;
    switch (std::atoi(words[1])) {
        case 0: run([](double a) { return neurosim::exp(a); }, x); break;
        case 1: run([](double a) { return neurosim::expm1(a); }, x); break;
        case 2: run([](double a) { return neurosim::log(a); }, x); break;
        case 3: run([](double a) { return neurosim::log_of_positive(a); }, x); break;
    }
}
"""


def builds(compiler: Compiler) -> dict[str, list[str]]:
    """Return flags by name: those of the engines, and others that a compiler may need."""
    return {
        "exact": [*compiler.flags],
        "exact, any processor": [f for f in compiler.flags if not f.startswith("-march")],
        "cable": shared_runtime.cable_flags(compiler),
        "cable, any processor": [*shared_runtime._FLAGS],
        "point": [*compiler.flags, *point._VECTOR_FLAGS, *compiler.wide],
    }


def called(program: Path, name: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a function of each number, as loops compute it and as single numbers do."""
    command = [str(program), str(FUNCTIONS.index(name)), str(len(x))]
    given = np.ascontiguousarray(x, dtype=float).tobytes()
    done = subprocess.run(command, input=given, capture_output=True, check=True)
    loop, alone = np.frombuffer(done.stdout).reshape(2, len(x))
    return loop, alone


@pytest.fixture(scope="module")
def compile_with(tmp_path_factory) -> Callable[[str], Path]:
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("needs a C++ compiler")
    folder = tmp_path_factory.mktemp("exponentials")
    (folder / "program.cpp").write_text(PROGRAM)
    made: dict[str, Path] = {}

    def build(flags: str) -> Path:
        if flags not in made:
            program = folder / f"program{len(made)}"
            command = [compiler.path, *builds(compiler)[flags], "-I", str(HEADER.parent)]
            subprocess.run(
                [*command, "program.cpp", "-o", str(program)], cwd=folder, check=True
            )  # fmt: skip
            made[flags] = program
        return made[flags]

    return build


@contextmanager
def precision() -> Iterator[None]:
    with mpmath.workprec(150):
        yield


def arguments(name: str) -> np.ndarray:
    random = np.random.default_rng(7)
    tiny = 10.0 ** random.uniform(-18, 0, 300)
    if name.startswith("exp"):
        near, middle = random.uniform(-0.36, 0.36, 3000), random.uniform(-40, 40, 2000)
        # Every exponent, and both sides of where the nearest one changes.
        whole = np.arange(-1020, 1024) * np.log(2)
        edges = (np.arange(-60, 60) + 0.5) * np.log(2)
        near_edges = np.concatenate([edges, np.nextafter(edges, 0), np.nextafter(edges, 99)])
        return np.concatenate([near, middle, whole, near_edges, tiny, -tiny])
    near = np.concatenate([random.uniform(0.5, 2, 3000), 1 + random.normal(0, 1e-3, 1000)])
    root = np.sqrt([0.5, 2.0])[:, np.newaxis] * (1 + np.arange(-50, 50) * 2.0**-52)
    powers = 2.0 ** np.arange(-1022, 1024)
    wide = 2.0 ** random.uniform(-1022, 1023, 3000)
    return np.concatenate([near, 1 + tiny, root.ravel(), powers, wide])


def true(name: str, x: np.ndarray) -> list[mpmath.mpf]:
    function = {"exp": mpmath.exp, "expm1": mpmath.expm1}.get(name, mpmath.log)
    return [function(mpmath.mpf(float(one))) for one in x]


def worst(found: np.ndarray, exact: list[mpmath.mpf]) -> float:
    """Return the largest error in units of the last place of the number that is right."""
    units = np.spacing(np.abs(np.array([float(one) for one in exact])))
    errors = [
        abs(mpmath.mpf(float(a)) - b) / mpmath.mpf(float(unit))
        for a, b, unit in zip(found, exact, units, strict=True)
    ]
    return float(max(errors))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("flags", ["cable", "point", "exact"])
def test_the_error_is_below_one_unit_in_the_last_place(name, flags, compile_with):
    x = arguments(name)
    loop, alone = called(compile_with(flags), name, x)
    with precision():
        assert worst(loop, true(name, x)) < MOST[name]
    # Same bits in vectors of any length and outside of them.
    assert loop.tobytes() == alone.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("flags", ["cable, any processor", "exact, any processor"])
def test_the_error_is_as_small_without_fused_multiplication(name, flags, compile_with):
    x = arguments(name)
    loop, alone = called(compile_with(flags), name, x)
    with precision():
        assert worst(loop, true(name, x)) < MOST[name]
    assert loop.tobytes() == alone.tobytes()


SUBNORMAL = np.concatenate([[5e-324, 1e-310], 2.0 ** np.linspace(-1074, -1022, 200)])


@pytest.mark.parametrize("flags", ["exact", "exact, any processor"])
def test_results_and_arguments_may_be_subnormal(flags, compile_with):
    down = np.log(SUBNORMAL)
    for name, x in (("exp", down), ("log", SUBNORMAL), ("expm1", SUBNORMAL), ("expm1", down)):
        loop, alone = called(compile_with(flags), name, x)
        with precision():
            assert worst(loop, true(name, x)) < MOST[name], name
        assert loop.tobytes() == alone.tobytes()


@pytest.mark.parametrize("flags", ["exact", "point", "cable"])
def test_what_is_beyond_the_range_of_a_number(flags, compile_with):
    infinite, nan = np.inf, np.nan
    largest, above = 709.782712893384, 709.7827128933841
    expected = {
        "exp": {infinite: infinite, -infinite: 0, 1e300: infinite, -1e300: 0, 746: infinite,
                -746: 0, 0.0: 1, above: infinite, -745.2: 0},
        "expm1": {infinite: infinite, -infinite: -1, 1e300: infinite, -1e300: -1, 746: infinite,
                  -746: -1, 0.0: 0, above: infinite, -40: -1},
        "log": {infinite: infinite, 0.0: -infinite, 1.0: 0},
    }  # fmt: skip
    for name, pairs in expected.items():
        for found in called(compile_with(flags), name, np.array(list(pairs))):
            assert np.array_equal(found, list(pairs.values())), name
        for found in called(compile_with(flags), "exp", np.array([largest] * 9)):
            assert np.all(np.abs(found / np.finfo(float).max - 1) < 1e-9)
    if flags == "cable":
        # Compiled as if all numbers were finite: the program looks at the potentials itself.
        return
    for name in ("exp", "expm1", "log"):
        x = np.array([nan] * 9 + ([-1.0, -infinite, -1e-300] if name == "log" else []))
        for found in called(compile_with(flags), name, x):
            assert np.all(np.isnan(found)), name


def test_loops_are_put_into_vectors(tmp_path):
    """Whoever breaks that makes every run of a branched neuron several times as slow."""
    compiler = find_compiler()
    if compiler is None or "g++" not in compiler.path.rpartition("/")[2]:
        pytest.skip("needs the report of g++")
    loops = "".join(
        f"void loop_{name}(const double* __restrict x, double* __restrict y, long n) {{\n"
        f"for (long k = 0; k < n; k++) y[k] = neurosim::{name}(x[k]); }}\n"
        for name in FUNCTIONS
    )
    headers = "".join(f"#include <{name}>\n" for name in ("cmath", "cstdint", "cstring"))
    (tmp_path / "loops.cpp").write_text(f"{headers}{HEADER.read_text()}{loops}")
    for name, flags in builds(compiler).items():
        command = [compiler.path, *flags, "-fopt-info-vec-optimized", "-c", "loops.cpp"]
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        lines = {line.split(":")[1] for line in said.stderr.splitlines() if "loop vect" in line}
        assert len(lines) == len(FUNCTIONS), (name, said.stderr)
