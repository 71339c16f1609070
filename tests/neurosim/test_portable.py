"""The arithmetic that gives the same bits on every machine."""

import subprocess
from importlib import metadata

import mpmath
import numpy as np
import pytest
from brian2 import ms, mV, nA, pA

from neurosim import LIF, Constant, WhiteNoise, simulate
from neurosim.catalogue import textbook_neuron
from neurosim.engine.programs import wasm
from neurosim.engine.programs.compiler import PORTABLE, find_compiler
from neurosim.engine.programs.portable import portable
from neurosim.engine.programs.sources import membrane_source
from neurosim.errors import EngineError

compiled = pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler was found")
FUNCTIONS = ("log10", "log1p", "sinh", "cosh", "tanh", "power25", "cube", "inverse_square")
PROGRAM = r"""
#include <cstdio>
int main() {
    double x;
    while (std::fread(&x, 8, 1, stdin) == 1) {
        namespace p = neurosim::portable;
        const double found[] = {
            p::log10(x), p::log1p(x), p::sinh(x), p::cosh(x), p::tanh(x), p::power(x, 2.5),
            p::whole_power<3>(x), p::whole_power<-2>(x),
        };
        std::fwrite(found, 8, 8, stdout);
    }
}
"""


@compiled
def test_functions_of_the_portable_arithmetic_are_right(tmp_path):
    compiler = find_compiler()
    (tmp_path / "program.cpp").write_text(membrane_source() + PROGRAM)
    command = [*compiler.command, *compiler.flags, PORTABLE, "program.cpp", "-o", "program"]
    subprocess.run(command, cwd=tmp_path, check=True)
    x = np.random.default_rng(3).uniform(1e-3, 30.0, 500)
    x = np.concatenate([x, 10.0 ** np.linspace(-12, 1, 100)])
    done = subprocess.run(
        [tmp_path / "program"], input=x.tobytes(), capture_output=True, check=True
    )
    found = np.frombuffer(done.stdout).reshape(len(x), len(FUNCTIONS))
    exact = [
        mpmath.log10, mpmath.log1p, mpmath.sinh, mpmath.cosh, mpmath.tanh,
        lambda y: y ** mpmath.mpf("2.5"), lambda y: y**3, lambda y: y**-2,
    ]  # fmt: skip
    with mpmath.workprec(120):
        for column, function in zip(found.T, exact, strict=True):
            right = np.array([float(function(mpmath.mpf(float(one)))) for one in x])
            # A power is the exponential of a product, whose error grows with its size.
            np.testing.assert_allclose(column, right, rtol=2e-14)


@compiled
def test_power_of_numbers_that_have_no_logarithm(tmp_path):
    compiler = find_compiler()
    code = r"""
    #include <cstdio>
    int main() {
        using neurosim::portable::power;
        std::printf("%g %g %g %g %g", power(-2.0, 3.0), power(-2.0, 2.0), power(0.0, 2.0),
                    power(0.0, 0.0), power(-2.0, 0.5));
    }
    """
    (tmp_path / "program.cpp").write_text(membrane_source() + code)
    command = [*compiler.command, *compiler.flags, PORTABLE, "program.cpp", "-o", "program"]
    subprocess.run(command, cwd=tmp_path, check=True)
    told = subprocess.run([tmp_path / "program"], capture_output=True, text=True).stdout.split()
    assert [float(one) for one in told[:4]] == pytest.approx([-8, 4, 0, 1])
    assert np.isnan(float(told[4]))


def test_generated_code_calls_functions_of_ours():
    text = portable(
        "#define _brian_pow(x, y) (pow((x), (y)))\nv = _brian_pow(exp(u), -2)*std::exp(w);"
    )
    macro, line = text.splitlines()
    assert macro == "#define _brian_pow(x, y) (pow((x), (y)))"
    own = "neurosim::portable::"
    assert line == f"v = {own}whole_power<-2>({own}exp(u))*std::exp(w);"


def test_a_function_without_a_form_of_ours_is_refused():
    with pytest.raises(EngineError, match="no sin of its own"):
        portable("v = sin(t);")


def test_an_unknown_arithmetic_is_refused(monkeypatch):
    if find_compiler() is None:
        pytest.skip("no C++ compiler was found")
    monkeypatch.setenv("NEUROSIM_ARITHMETIC", "exact")
    with pytest.raises(EngineError, match=r"'native'.*'portable'"):
        find_compiler()


def test_without_ziglang_the_extra_is_named(monkeypatch):
    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(wasm, "version", nothing)
    wasm.wasm_compiler.cache_clear()
    with pytest.raises(EngineError, match=r"neurosim-bridge\[explore\]"):
        wasm.wasm_compiler()
    wasm.wasm_compiler.cache_clear()


@pytest.mark.slow
@compiled
@pytest.mark.parametrize(
    ("make", "stimulus", "within"),
    [
        # Without noise a step of LIF has no function in it that the two could round differently.
        (LIF, Constant(300 * pA) + WhiteNoise.for_membrane(2 * mV, LIF()), 0.0),
        (textbook_neuron, Constant(1 * nA), 1e-9),
    ],
)
def test_portable_runs_differ_from_native_ones_by_rounding_alone(
    monkeypatch, make, stimulus, within
):
    def run():
        return simulate(make(), 50 * ms, stimulus=stimulus, record=["v"], seed=1)

    native = run()
    monkeypatch.setenv("NEUROSIM_ARITHMETIC", "portable")
    found = run()
    assert len(found.spike_time_s) == len(native.spike_time_s) > 0
    np.testing.assert_allclose(found.spike_time_s, native.spike_time_s, rtol=0, atol=within)
    np.testing.assert_allclose(found.traces_si["v"], native.traces_si["v"], rtol=0, atol=1e-10)
    assert found.traces_si["v"].tobytes() != native.traces_si["v"].tobytes()
