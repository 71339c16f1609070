"""The engine of branched neurons, below the description: kernels and trees as arrays."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.engine.cable.execute import execute_cable
from neurosim.engine.cable.inputs import Arrivals, CableInputs, KernelInputs, Tree
from neurosim.engine.cable.model import CableModel, Kernel
from neurosim.engine.cable.scheme import conductance, write_step
from neurosim.equations.steady_state import steady_state
from neurosim.errors import EngineError

HH = """
v : volt
dm/dt = alpha_m*(1 - m) - beta_m*m : 1
dh/dt = alpha_h*(1 - h) - beta_h*h : 1
dn/dt = alpha_n*(1 - n) - beta_n*n : 1
alpha_m = 1/ms/exprel(-(v + 40*mV)/(10*mV)) : Hz
beta_m = 4/ms*exp(-(v + 65*mV)/(18*mV)) : Hz
alpha_h = 0.07/ms*exp(-(v + 65*mV)/(20*mV)) : Hz
beta_h = 1/ms/(1 + exp(-(v + 35*mV)/(10*mV))) : Hz
alpha_n = 0.1/ms/exprel(-(v + 55*mV)/(10*mV)) : Hz
beta_n = 0.125/ms*exp(-(v + 65*mV)/(80*mV)) : Hz
na = g_na*m**3*h*(50*mV - v) : amp/meter**2
k = g_k*n**4*(-77*mV - v) : amp/meter**2
leak = g_l*(E_l - v) : amp/meter**2
g_na : siemens/meter**2 (constant)
g_k : siemens/meter**2 (constant, shared)
g_l : siemens/meter**2 (constant, shared)
E_l : volt (constant, shared)
C_m : farad/meter**2 (constant, shared)
area : meter**2 (constant)
implicit_dt : second (constant, shared)
"""
ELECTRODE = "I : amp (constant)\nI_stim : amp"
SYNAPSE = """
v : volt
dB/dt = -B/(2*ms) : 1
current = g*B*(0*mV - v) : amp
g : siemens (constant, shared)
"""


def binary_tree(depth: int) -> np.ndarray:
    """Parents of a binary tree, root first."""
    return np.array([-1] + [(k - 1) // 2 for k in range(1, 2 ** (depth + 1) - 1)])


def run(
    parent: np.ndarray,
    *,
    cells: int = 1,
    current: float | np.ndarray = 1e-10,
    g_na: np.ndarray | float = 1200.0,
    dt: float = 25e-6,
    duration: float = 10e-3,
    theta: float = 0.5,
    junctions: int = 0,
    engine: str = "cpp",
    threads: int = 1,
    events: list[tuple[float, int, int, float]] = (),
    probes: list[tuple[int, int, int]] | None = None,
):
    """Run Hodgkin-Huxley membrane on a tree whose last nodes are junctions."""
    nodes = len(parent)
    compartments = nodes - junctions
    radius, length = 1e-6, 50e-6
    up = np.where(parent < 0, 0, np.pi * radius**2 / length)
    values = {
        "g_na": np.broadcast_to(g_na, (compartments, cells)) if np.ndim(g_na) else
        np.full(compartments, g_na),
        "g_k": np.array(360.0), "g_l": np.array(3.0), "E_l": np.array(-0.054387),
        "C_m": np.array(0.01), "area": np.full(compartments, 2 * np.pi * radius * length),
        "implicit_dt": np.array(dt * theta),
    }  # fmt: skip
    membrane = Kernel("patch0", HH, "na + k + leak", True, record=("m", "na"))
    flat = {name: np.broadcast_to(np.array(-0.065), compartments) for name in ["v"]}
    flat |= {
        name: np.broadcast_to(value if np.ndim(value) < 2 else value[:, 0], compartments)
        for name, value in values.items()
    }
    found = steady_state(membrane.parsed, flat, start="v")
    values |= {name: found[name] for name in membrane.states}
    electrode = Kernel("point_e", ELECTRODE, "I_stim", False, updates=("I_stim = I",))
    synapse = Kernel("point_s", SYNAPSE, "current", False, events=("B",), record=("current",))
    arriving = Arrivals(
        time_s=np.array([e[0] for e in events]),
        site=np.array([e[1] for e in events], dtype=int),
        cell=np.array([e[2] for e in events], dtype=int),
        weight=np.array([e[3] for e in events]),
        factors={"B": np.ones(2)},
    )
    given = (
        KernelInputs(compartments, np.arange(compartments), values),
        KernelInputs(
            1, np.array([0]),
            {"I": np.broadcast_to(current, (1, cells)), "I_stim": np.zeros((1, cells))},
        ),
        KernelInputs(2, np.array([0, compartments - 1]),
                     {"B": np.zeros(2), "g": np.array(1e-9)}, arriving),
    )  # fmt: skip
    inputs = CableInputs(
        tree=Tree(parent, up, compartments),
        kernels=given,
        start=np.full(compartments, -0.065),
        cells=cells,
        duration=duration,
        dt=dt,
        trace_dt=1e-4,
        theta=theta,
        probes=[(-1, 0, 0), (0, 0, 0), (0, 1, 0), (2, 0, 1)] if probes is None else probes,
        detector_nodes=np.array([0, compartments - 1]),
        detector_thresholds=np.zeros(2),
        detector_refractory=np.zeros(2),
    )
    model = CableModel((membrane, electrode, synapse))
    return execute_cable(model, inputs, engine=engine, threads=threads)


EVENTS = [(1e-3, 0, -1, 1.0), (2e-3, 1, 1, 3.0), (2e-3, 1, 1, 2.0)]


@pytest.mark.slow
@pytest.mark.parametrize("theta", [1.0, 0.5])
@pytest.mark.parametrize(
    ("parent", "junctions"),
    [(np.arange(12) - 1, 0), (binary_tree(3), 0), (np.array([-1, 4, 4, 4, 0]), 1),
     (np.array([-1, 0, 1, -1, 3, 4]), 0)],
    ids=["chain", "tree", "junction", "forest"],
)  # fmt: skip
def test_compiled_program_and_oracle_agree(parent, junctions, theta):
    arguments = {
        "cells": 3,
        "current": np.array([0, 0.5e-10, 2e-10]),
        "theta": theta,
        "events": EVENTS,
        "junctions": junctions,
    }
    compiled = run(parent, **arguments)
    oracle = run(parent, engine="numpy", **arguments)
    np.testing.assert_allclose(compiled.traces[0], oracle.traces[0], rtol=0, atol=1e-11)
    np.testing.assert_allclose(compiled.traces, oracle.traces, rtol=1e-7, atol=1e-13)
    np.testing.assert_allclose(compiled.final, oracle.final, rtol=0, atol=1e-11)
    assert len(compiled.spike_time) == len(oracle.spike_time) > 0
    np.testing.assert_allclose(np.sort(compiled.spike_time), np.sort(oracle.spike_time), atol=1e-9)


@pytest.mark.slow
def test_events_reach_the_cell_they_are_for():
    quiet = run(np.arange(4) - 1, cells=2, current=0.0)
    driven = run(np.arange(4) - 1, cells=2, current=0.0, events=[(2e-3, 1, 1, 5.0)])
    assert np.array_equal(driven.traces[0, 0], quiet.traces[0, 0])
    assert np.max(np.abs(driven.traces[0, 1] - quiet.traces[0, 1])) > 1e-3
    # The synaptic current starts with the step in which the event arrives.
    current = driven.traces[3, 1]
    assert np.all(current[:19] == 0)
    assert current[20] > 0


@pytest.mark.slow
def test_a_cell_is_the_same_alone_and_in_a_batch():
    currents = np.linspace(0, 3e-10, 37)
    together = run(binary_tree(4), cells=37, current=currents)
    for cell in (0, 18, 36):
        alone = run(binary_tree(4), current=currents[cell])
        # Vector and scalar code may round differently in the last bits.
        assert np.max(np.abs(alone.final[:, 0] - together.final[:, cell])) < 1e-12
        mine = together.spike_time[(together.spike_cell == cell) & (together.spike_detector == 0)]
        theirs = alone.spike_time[alone.spike_detector == 0]
        np.testing.assert_allclose(mine, theirs, atol=1e-12)


@pytest.mark.slow
def test_threads_change_no_bit():
    currents = np.linspace(0, 3e-10, 40)
    one = run(np.arange(900) - 1, cells=40, current=currents, duration=2e-3)
    two = run(np.arange(900) - 1, cells=40, current=currents, duration=2e-3, threads=2)
    assert np.array_equal(one.final, two.final)
    assert np.array_equal(one.traces, two.traces)


@pytest.mark.slow
def test_a_conductance_of_each_cell():
    densities = np.array([1200.0, 0.0])
    result = run(np.arange(3) - 1, cells=2, g_na=densities, current=1e-10, duration=20e-3)
    assert 0 in result.spike_cell
    assert 1 not in result.spike_cell


@pytest.mark.slow
def test_order_of_the_schemes():
    """Backward Euler is of first order in the time step, Crank-Nicolson of second.

    Without active channels, whose states advance by exponential Euler half a step apart.
    """
    steps = np.array([8, 4, 2, 1]) * 12.5e-6
    errors = {}
    for theta in (1.0, 0.5):
        passive = [
            _passive(np.arange(20) - 1, dt=dt, theta=theta)[0, 0] for dt in [*steps, steps[-1] / 16]
        ]
        errors[theta] = np.abs(np.array(passive[:-1]) - passive[-1])
    slopes = {t: np.polyfit(np.log(steps), np.log(e), 1)[0] for t, e in errors.items()}
    assert slopes[1.0] == pytest.approx(1.0, abs=0.1)
    assert slopes[0.5] == pytest.approx(2.0, abs=0.15)


def _passive(parent: np.ndarray, dt: float, theta: float) -> np.ndarray:
    equations = """
    v : volt
    leak = g_l*(-65*mV - v) : amp/meter**2
    g_l : siemens/meter**2 (constant, shared)
    C_m : farad/meter**2 (constant, shared)
    area : meter**2 (constant)
    implicit_dt : second (constant, shared)
    """
    count = len(parent)
    area = 2 * np.pi * 1e-6 * 50e-6
    up = np.where(parent < 0, 0, np.pi * 1e-12 / 50e-6)
    values = {"g_l": np.array(1.0), "C_m": np.array(0.01), "area": np.full(count, area),
              "implicit_dt": np.array(dt * theta)}  # fmt: skip
    model = CableModel((Kernel("patch0", equations, "leak", True),))
    start = -0.065 + 0.02 * np.cos(np.linspace(0, np.pi, count))
    inputs = CableInputs(
        Tree(parent, up, count), (KernelInputs(count, np.arange(count), values),), start, 1,
        duration=2e-3, dt=dt, trace_dt=1e-3, theta=theta,
    )  # fmt: skip
    return execute_cable(model, inputs, engine="numpy", threads=1).final


@pytest.mark.slow
def test_charge_is_conserved():
    """Without membrane conductance all injected charge stays on the membrane."""
    equations = """
    v : volt
    none = 0*amp/meter**2 : amp/meter**2
    C_m : farad/meter**2 (constant, shared)
    area : meter**2 (constant)
    implicit_dt : second (constant, shared)
    """
    parent = np.array([-1, 5, 5, 5, 3, 0])
    areas = np.array([1.0, 2, 3, 4, 5]) * 1e-10
    up = np.array([0, 1, 2, 3, 4, 5]) * 1e-9
    values = {"C_m": np.array(0.01), "area": areas, "implicit_dt": np.array(12.5e-6)}
    model = CableModel(
        (
            Kernel("patch0", equations, "none", True),
            Kernel("point_e", ELECTRODE, "I_stim", False, updates=("I_stim = I",)),
        )
    )
    electrode = {"I": np.array([3e-12]), "I_stim": np.zeros(1)}
    inputs = CableInputs(
        Tree(parent, up, 5),
        (KernelInputs(5, np.arange(5), values), KernelInputs(1, np.array([2]), electrode)),
        np.full(5, -0.065), 1, duration=20e-3, dt=25e-6, trace_dt=1e-3, theta=0.5,
    )  # fmt: skip
    final = execute_cable(model, inputs, engine="cpp", threads=1).final[:, 0]
    charge = np.sum(0.01 * areas * (final + 0.065))
    assert charge == pytest.approx(3e-12 * 20e-3, rel=1e-9)


@pytest.mark.parametrize("engine", ["cpp", "numpy"])
def test_a_diverging_run_says_where(engine):
    with pytest.raises(EngineError, match=r"compartment \d+ of cell 1 left -10 to 10 V before"):
        run(np.arange(3) - 1, cells=2, current=np.array([0.0, 1e-3]), engine=engine)


def test_a_state_must_be_linear_in_itself():
    kernel = Kernel("k", "dx/dt = -x**2/ms : 1", "0*amp", False)
    with pytest.raises(EngineError, match="not linear in x"):
        write_step(kernel)


def test_the_slope_of_a_current_goes_through_its_expressions():
    equations = """
    v : volt
    block = 1/(1 + exp(-v/(16*mV))) : 1
    current = g*block*(0*mV - v) : amp
    g : siemens (constant, shared)
    """
    kernel = Kernel("k", equations, "current", False)
    slope = conductance(kernel.parsed, kernel.current)
    v, g, mV = -0.03, 2e-9, 1e-3
    expected = (_blocked(v - 1e-7, g) - _blocked(v + 1e-7, g)) / 2e-7
    assert eval(slope, {"v": v, "g": g, "mV": mV, "exp": np.exp}) == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize("v", [0.0, 1e-18, 1e-9, 6e-6, -6.4e-6, 1e-4, -0.07, 0.04])
def test_the_slope_of_a_current_of_goldman_is_smooth_at_zero(v):
    # A clamp holds the potential at exactly 0, where the derivative of exprel is 0/0.
    equations = """
    v : volt
    u = v/(12.5*mV) : 1
    current = P*(2/exprel(u) - exp(-3)/exprel(-u)) : amp
    P : amp (constant, shared)
    """
    kernel = Kernel("k", equations, "current", False)
    slope = conductance(kernel.parsed, kernel.current)

    def exprel(x):
        return np.expm1(x) / x if x else 1.0

    names = {"v": v, "P": 1e-9, "mV": 1e-3, "exp": np.exp, "exprel": exprel, "abs": abs, "int": int}
    x = v / 0.0125
    # x/(e^x - 1) falls by (e^x (x - 1) + 1)/(e^x - 1)^2: as 1/2 - x/6 + x^3/180 near zero.
    falls = [
        0.5 - y / 6 + y**3 / 180 if abs(y) < 1e-2 else (np.exp(y) * (y - 1) + 1) / np.expm1(y) ** 2
        for y in (x, -x)
    ]
    wanted = 1e-9 * (2 * falls[0] + np.exp(-3) * falls[1]) / 0.0125
    assert eval(slope, names) == pytest.approx(wanted, rel=1e-9)


def _blocked(v: float, g: float) -> float:
    return g / (1 + np.exp(-v / 0.016)) * (0 - v)
