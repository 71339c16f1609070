"""The compiled point engine: blocks of rows, parameters given once, exponential Euler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from brian2 import Equations, Quantity, ms, mV, nA, pA
from brian2.stateupdaters.base import UnsupportedEquationsException

from neurosim import LIF, Constant, HodgkinHuxley, PointNeuron, WhiteNoise, simulate
from neurosim.engine.point.exponential_euler import ExponentialEuler
from neurosim.engine.programs.compiler import find_compiler
from neurosim.quantities import quantity

needs_compiler = pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler here")


@dataclass(frozen=True, eq=False, repr=False)
class EulerHH(HodgkinHuxley):
    """The Hodgkin-Huxley cell by exponential Euler."""

    method: ClassVar[str] = "exponential_euler"


@needs_compiler
def test_rows_of_every_block_do_as_they_do_alone():
    # More rows than one block holds, and a last vector that is not full.
    rows = 2 * 8192 + 13
    noisy = Constant(0 * pA) + WhiteNoise.for_membrane(4 * mV, LIF())
    currents = np.linspace(100, 400, rows)

    def run(part):
        return simulate(
            LIF(), 30 * ms, stimulus=noisy, batch={"current": currents[part] * pA},
            seed=np.arange(rows)[part],
        )  # fmt: skip

    whole = run(slice(None))
    assert np.all(whole.counts()[-100:] > 0)
    for part in (slice(0, 3), slice(8190, 8195), slice(rows - 5, rows)):
        some = run(part)
        np.testing.assert_array_equal(some.final_si["v"], whole.final_si["v"][part])
        for k, row in enumerate(range(rows)[part]):
            np.testing.assert_array_equal(some.spike_train(k), whole.spike_train(row))


@pytest.mark.slow
@pytest.mark.parametrize(
    "neuron", [LIF(), HodgkinHuxley(), EulerHH()], ids=lambda n: type(n).__name__
)
def test_a_parameter_given_once_is_as_one_given_for_every_row(neuron):
    kept = {"stimulus": Constant(0 * pA), "dt": 0.02 * ms}
    currents = np.array([0.05, 0.1, 0.5]) * nA
    once = simulate(neuron, 15 * ms, batch={"current": currents}, **kept)
    level = np.full(3, float(neuron.E_L)) * 1e3 * mV
    each = simulate(neuron, 15 * ms, batch={"current": currents, "E_L": level}, **kept)
    numpy = simulate(neuron, 15 * ms, batch={"current": currents}, engine="numpy", **kept)
    assert once.counts()[-1] > 0
    for other in (each, numpy):
        np.testing.assert_array_equal(once.spike_row, other.spike_row)
        np.testing.assert_allclose(once.spike_time_s, other.spike_time_s, rtol=0, atol=1e-9)
        np.testing.assert_allclose(once.final_si["v"], other.final_si["v"], rtol=0, atol=1e-9)


def test_exponential_euler_goes_through_named_expressions():
    model = Equations("dv/dt = (leak + i_na)/C : volt\n"
                      "leak = g*(E - v) : amp\ni_na = g*x*(E - v) : amp\n"
                      "dx/dt = (x_inf - x)/tau : 1\nx_inf = 1/(1 + exp(-v/mV)) : 1\n"
                      "g : siemens\nE : volt\nC : farad\ntau : second")  # fmt: skip
    lines = dict(line.split(" = ", 1) for line in ExponentialEuler()(model).splitlines())
    # The currents depend on v and are differentiated; x_inf stands still while x moves.
    assert "x_inf" in lines["_target_x"]
    rate = eval(lines["_rate_v"], {"g": 3.0, "x": 0.5, "C": 2.0})
    assert rate == pytest.approx(-3.0 * 1.5 / 2.0)
    with pytest.raises(UnsupportedEquationsException, match="not linear in v"):
        ExponentialEuler()(Equations("dv/dt = -v**2/(mV*ms) : volt"))


@dataclass(frozen=True, eq=False, repr=False)
class Rocked(PointNeuron):
    """A passive membrane that the clock rocks, and states that name what else the clock knows."""

    E_L: Quantity = quantity(-70 * mV, "rest")
    tau: Quantity = quantity(10 * ms, "time constant", above=0 * ms)

    equations: ClassVar[str] = """
    dv/dt = (E_L - v + 10*mV*sin(t*0.3/ms))/tau : volt
    dw/dt = (int(t >= 20*ms) - w)/(5*ms) : 1
    dx/dt = (int(t_in_timesteps*dt > 10*ms) + int(not_refractory) - x)/tau : 1
    """
    threshold: ClassVar[str] = "v > 0*mV"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", pytest.param("cpp", marks=needs_compiler)])
def test_equations_of_a_point_neuron_may_name_the_time(engine):
    run = simulate(Rocked(), 60 * ms, record=["v", "w", "x"], dt=0.01 * ms, engine=engine)
    t = np.asarray(run.trace_time_s) * 1e3
    turn = 0.3 * 10
    swing = (np.sin(0.3 * t) - turn * np.cos(0.3 * t) + turn * np.exp(-t / 10)) / (1 + turn**2)
    np.testing.assert_allclose(np.asarray(run.trace("v"))[0], (-70 + 10 * swing) * 1e-3, atol=1e-7)
    later = np.clip(t - 20, 0, None)
    np.testing.assert_allclose(run.trace("w")[0], 1 - np.exp(-later / 5), atol=3e-3)
    # It starts where it would rest at the beginning: not refractory, at time 0.
    assert float(run.trace("x")[0, 0]) == 1
    assert float(run.trace("x")[0, -1]) == pytest.approx(2 - np.exp(-5), abs=3e-3)
