"""Kinetic schemes: where they start, that they go on summing to one, what is refused."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from brian2 import Equations, Hz, Quantity, cm, mS, ms, mV, nA, nS, pA, um
from scipy.linalg import expm, null_space

from neurosim import Neuron, PointNeuron, Steps, simulate
from neurosim.channels import Channel, HHPotassium, HHSodium, Leak, kinetic
from neurosim.dynamics import fixed_points, impedance
from neurosim.engine.point.exponential_euler import ExponentialEuler
from neurosim.equations.rates import HODGKIN_HUXLEY
from neurosim.equations.schemes import advance_scheme, find_groups
from neurosim.equations.steady_state import steady_state
from neurosim.errors import ParameterError
from neurosim.morphology import PerBranch, at, cylinder
from neurosim.quantities import quantity
from neurosim.synapses import Events
from neurosim.synapses.base import Receptor

RATES = "\n".join(
    f"{name} = phi*{code} : Hz" for name, code in zip("ab", HODGKIN_HUXLEY["n"], strict=True)
)
CLOSED = ("C0", "C1", "C2", "C3")


@dataclass(frozen=True, eq=False, repr=False)
class MarkovPotassium(Channel):
    """The squid's potassium channel with its five states written out, four closed and one open."""

    g: Quantity = quantity(36 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(-77 * mV, "reversal potential")
    q10: Quantity = quantity(3.0, "factor on the rates for 10 °C", above=0)

    equations: ClassVar[str] = f"""
    dC0/dt = -4*a*C0 + b*C1 : 1
    dC1/dt = 4*a*C0 - (b + 3*a)*C1 + 2*b*C2 : 1
    dC2/dt = 3*a*C1 - 2*(b + a)*C2 + 3*b*C3 : 1
    dC3/dt = 2*a*C2 - (3*b + a)*C3 + 4*b*O : 1
    dO/dt = a*C3 - 4*b*O : 1
    {RATES}
    """
    current: ClassVar[str] = "g*O*(E - v)"
    ion: ClassVar[str | None] = "k"
    temperature_ref: ClassVar[float] = 6.3


@dataclass(frozen=True, eq=False, repr=False)
class Scheme(MarkovPotassium):
    """The same by its transitions."""

    equations: ClassVar[str] = (
        kinetic(
            """
            ~ C0 <-> C1 (4*a, b)
            ~ C1 <-> C2 (3*a, 2*b)
            ~ C2 <-> C3 (2*a, 3*b)
            ~ C3 <-> O  (a, 4*b)
            """
        )
        + RATES
    )


def axon(potassium):
    leak = Leak(g=0.3 * mS / cm**2, E=-54.387 * mV)
    bare = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=6.3, rest=-65 * mV)
    cell = bare.paint([HHSodium(), potassium, leak])
    if not isinstance(potassium, HHPotassium):
        for state in (*CLOSED, "O"):
            cell = cell.probe(f"{potassium.name}.{state}", at("dendrite"), label=state)
    return cell


def run(cell, dt, **options):
    options = {"stimulus": Steps(0.1 * nA, 5 * ms, 15 * ms), "record": ["v"]} | options
    return simulate(cell, 25 * ms, dt=dt * ms, **options)


@pytest.mark.slow
@pytest.mark.parametrize("part", [MarkovPotassium(), Scheme()], ids=["all states", "transitions"])
def test_a_scheme_fires_as_the_gates_it_is_made_of(part):
    n = HHPotassium().gates([-90, -65, -20, 30] * mV)["n"].steady
    np.testing.assert_allclose(part.gates([-90, -65, -20, 30] * mV)["O"].steady, n**4, rtol=1e-10)
    assert float(part.density(-20 * mV)) == pytest.approx(float(HHPotassium().density(-20 * mV)))
    missed = []
    for dt in (0.02, 0.01):
        found = run(axon(part), dt)
        gates = np.asarray(run(axon(HHPotassium()), dt).trace("v"))[0]
        missed.append(np.abs(np.asarray(found.trace("v"))[0] - gates).max())
        states = np.array([np.asarray(found.trace(state))[0] for state in (*CLOSED, "O")])
        assert np.abs(states.sum(axis=0) - 1).max() < 1e-11
        assert states.min() > -1e-6
    # A spike of 100 mV; of second order in the step.
    assert missed[0] < 5e-5
    assert missed[1] < 0.35 * missed[0]


@pytest.mark.slow
def test_both_engines_advance_a_scheme_alike_and_keep_its_sum():
    cell = axon(MarkovPotassium())
    compiled, numpy = (run(cell, 0.05, engine=engine) for engine in ("auto", "numpy"))
    total = sum(np.asarray(compiled.trace(state)) for state in (*CLOSED, "O"))
    assert np.abs(total - 1).max() < 1e-11
    for name in ("v", "C2", "O"):
        np.testing.assert_allclose(
            np.asarray(compiled.trace(name)), np.asarray(numpy.trace(name)), rtol=1e-9, atol=1e-12
        )


def random_scheme(states, generator, *, decades=5.0):
    """Rates (1/s) of a ring of states with some shortcuts, over many decades; q[i, j]: i to j."""
    q = np.zeros((states, states))
    for k in range(states):
        for other in ((k + 1) % states, int(generator.integers(states))):
            if other != k:
                q[k, other], q[other, k] = 10 ** generator.uniform(-decades / 2, decades / 2, 2)
    return q


def written(q, names):
    """The equations of a scheme, each state written out."""
    lines = []
    for k, name in enumerate(names):
        arrive = [f"{float(q[j, k])!r}/second*{names[j]}" for j in range(len(q)) if q[j, k]]
        leave = f"- {float(q[k].sum())!r}/second*{name}"
        lines.append(f"d{name}/dt = {' + '.join(arrive)} {leave} : 1")
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(6))
def test_any_scheme_starts_at_its_occupancies_and_is_advanced_as_its_exponential(seed):
    generator = np.random.default_rng(seed)
    q = random_scheme(int(generator.integers(2, 9)), generator)
    names = [f"S{k}" for k in range(len(q))]
    rates = q.T - np.diag(q.sum(axis=1))
    # Another scheme beside it and a gate that reads it: they do not get in each other's way.
    more = "dA/dt = -A*kA + B*kB : 1\ndB/dt = A*kA - B*kB : 1\nkA = 2/ms : Hz\nkB = 3/ms : Hz"
    gate = "dg/dt = (S0 + A - g)/(3*ms) : 1"
    equations = Equations("\n".join([written(q, names), more, gate, "v : volt"]))
    groups = find_groups(equations)
    assert {group.states for group in groups} == {tuple(names), ("A", "B")}
    assert all(group.sums_to_one for group in groups)
    found = steady_state(equations, {"v": np.array([-0.07, 0.0])}, start="v")
    expected = null_space(rates / np.abs(rates).max(axis=1, keepdims=True), rcond=1e-12)
    assert expected.shape[1] == 1
    expected = expected[:, 0] / expected.sum()
    for row in range(2):
        np.testing.assert_allclose([found[name][row] for name in names], expected, rtol=1e-7)
        assert found["A"][row] == pytest.approx(0.6)
        assert found["g"][row] == pytest.approx(expected[0] + 0.6)
    # One step from any shares: close to the exponential, and of third order.
    (group,) = (group for group in groups if "S0" in group.states)
    start = generator.dirichlet(np.ones(len(q)))
    errors = []
    for dt in np.array([0.02, 0.01]) / np.abs(rates).max():
        values = dict(zip(names, start, strict=True)) | {"dt": dt, "second": 1.0}
        for line in advance_scheme(group, 0):
            name, code = line.split(" = ", 1)
            values[name] = eval(code, {}, values)
        after = np.array([values[f"_next_{name}"] for name in names])
        assert after.sum() == pytest.approx(1, abs=1e-13)
        errors.append(np.abs(after - expm(rates * dt) @ start).max())
    assert errors[1] < 0.2 * errors[0] < 1e-5


def test_states_that_are_fewer_than_all_start_right_too():
    # C = 1 - O - I: the steady state of each depends on that of the other.
    text = """
    dO/dt = 5/ms*(1 - O - I) - 4/ms*O - 3/ms*O + 2.9/ms*I : 1
    dI/dt = 3/ms*O - 2.9/ms*I : 1
    v : volt
    """
    found = steady_state(Equations(text), {"v": np.zeros(1)}, start="v")
    total = 1 + 5 / 4 + 5 / 4 * 3 / 2.9
    assert found["O"][0] == pytest.approx(5 / 4 / total, rel=1e-12)
    assert found["I"][0] == pytest.approx(5 / 4 * 3 / 2.9 / total, rel=1e-12)
    # A way without return ends where it leads.
    text = kinetic("C -> O (1/ms)\nO <-> I (2/ms, 1/ms)\nI -> D (0.1/ms)") + "v : volt"
    found = steady_state(Equations(text), {"v": np.zeros(1)}, start="v")
    assert [found[name][0] for name in "COID"] == pytest.approx([0, 0, 0, 1])
    # The second state written as what the first one loses.
    text = "dO/dt = 2/ms*(1 - O) - 3/ms*O : 1\ndC/dt = 3/ms*O - 2/ms*(1 - O) : 1\nv : volt"
    found = steady_state(Equations(text), {"v": np.zeros(1)}, start="v")
    assert (found["O"][0], found["C"][0]) == (pytest.approx(0.4), pytest.approx(0.6))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        # Free and bound calcium: nothing says how much there is.
        ("dx/dt = y/ms - x/ms : mM\ndy/dt = x/ms - y/ms : mM", "total is not known"),
        # Two become one: a sum with weights.
        ("dx/dt = 2*y/ms - 2*x/ms : 1\ndy/dt = x/ms - y/ms : 1", "total is not known"),
        # Not linear: two of a kind meet.
        ("dx/dt = y/ms - x**2/ms : 1\ndy/dt = x**2/ms - y/ms : 1", "sum is not known"),
        # Two ends, of which neither is left.
        (kinetic("C -> A (1/ms)\nC -> B (1/ms)"), "several of their sums"),
        ("dx/dt = (y - x + 3)/ms : 1\ndy/dt = (x - y - 3)/ms : 1", "sum to one"),
    ],
)
def test_a_scheme_whose_start_is_not_known_is_refused_by_name(text, says):
    with pytest.raises(ParameterError, match=says) as refused:
        steady_state(Equations(f"{text}\nv : volt"), {"v": np.zeros(1)}, start="v")
    assert "never changes" in str(refused.value)


@dataclass(frozen=True, eq=False, repr=False)
class ThreeStates(Receptor):
    """Unbound, bound and desensitised, opened by pulses of transmitter."""

    g: Quantity = quantity(1 * nS, "conductance with all receptors open", at_least=0 * nS)
    E: Quantity = quantity(0 * mV, "reversal potential")
    on: Quantity = quantity(2 / ms, "rate of binding", above=0 / ms)

    equations: ClassVar[str] = (
        kinetic("U <-> B (on*T, 0.2/ms)\nB <-> D (0.1/ms, 0.02/ms)") + "dT/dt = -T/(1*ms) : 1"
    )
    current: ClassVar[str] = "g*B*(E - v)"
    on_event: ClassVar[dict[str, str]] = {"T": "weight"}
    lumps: ClassVar[bool] = True


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["auto", "numpy"])
def test_receptors_of_a_scheme_are_unbound_until_something_arrives(engine):
    site = at("dendrite")
    cell = Neuron(cylinder(20 * um, 20 * um), PerBranch(1)).paint(Leak())
    cell = cell.place(ThreeStates(), site, Events.at([5, 9] * ms), label="receptor")
    for state in ("U", "B", "D", "T"):
        cell = cell.probe(f"receptor.{state}", site, label=state)
    batch = {"receptor.on": [2, 4] / ms}
    found = simulate(cell, 20 * ms, dt=0.05 * ms, batch=batch, engine=engine)
    unbound, bound, gone = (np.asarray(found.trace(state)) for state in "UBD")
    np.testing.assert_allclose(unbound[:, :99], 1, atol=1e-12)
    np.testing.assert_allclose(unbound + bound + gone, 1, atol=1e-12)
    assert np.all(bound.max(axis=1) > 0.5)
    assert bound[1].max() > bound[0].max()


@pytest.mark.slow
def test_a_fast_step_of_a_scheme_does_not_limit_the_time_step():
    @dataclass(frozen=True, eq=False, repr=False)
    class Quick(MarkovPotassium):
        equations: ClassVar[str] = kinetic("C <-> A (1e5/ms, 2e5/ms)\nA <-> O (a, b)") + RATES
        current: ClassVar[str] = "g*O*(E - v)"

    @dataclass(frozen=True, eq=False, repr=False)
    class Lumped(MarkovPotassium):
        equations: ClassVar[str] = kinetic("R <-> O (a/3, b)") + RATES
        current: ClassVar[str] = "g*O*(E - v)"

    cell = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=6.3, rest=-65 * mV)
    cell = cell.paint(Leak())
    options = {"engine": "numpy"}
    found = run(cell.paint(Quick()), 0.05, record=["v", *(f"quick.{s}" for s in "CAO")], **options)
    states = np.array([np.asarray(found.trace(f"quick.{s}"))[0] for s in "CAO"])
    np.testing.assert_allclose(states.sum(axis=0), 1, atol=1e-9)
    np.testing.assert_allclose(states[1], states[0] / 2, rtol=1e-3)
    # As if the two that exchange so fast were one.
    found = run(cell.paint(Lumped()), 0.05, record=["lumped.O"], **options)
    np.testing.assert_allclose(states[2], np.asarray(found.trace("lumped.O"))[0], rtol=1e-4)


@dataclass(frozen=True, eq=False, repr=False)
class PointScheme(PointNeuron):
    """A point neuron with a channel of three states."""

    E_L: Quantity = quantity(-65 * mV, "rest")
    C_m: Quantity = quantity(100 * pA * ms / mV, "capacitance", above=0 * pA * ms / mV)

    equations: ClassVar[str] = (
        "dv/dt = (5*nS*(E_L - v) + 20*nS*O*(-90*mV - v) + I_stim)/C_m : volt\n"
        + kinetic("C <-> O (a, 0.1/ms)\nO <-> I (0.05/ms, 0.01/ms)")
        + "a = 2/ms/(1 + exp(-(v + 40*mV)/(5*mV))) : Hz"
    )
    threshold: ClassVar[str] = "v > 0*mV"
    reset: ClassVar[str] = "v = E_L"
    method: ClassVar[str] = "exponential_euler"


@pytest.mark.slow
def test_a_scheme_of_a_point_neuron_sums_to_one():
    steps = Steps(amplitude=1000 * pA, onset=5 * ms, duration=30 * ms)
    found = simulate(
        PointScheme(), 50 * ms, stimulus=steps, record=["C", "O", "I"], dt=0.05 * ms
    )  # fmt: skip
    states = np.array([np.asarray(found.trace(state))[0] for state in "COI"])
    np.testing.assert_allclose(states.sum(axis=0), 1, atol=1e-11)
    assert np.ptp(states, axis=1).min() > 0.1
    assert "_scheme0_" in ExponentialEuler()(Equations(PointScheme.equations))


def test_transitions_that_are_none_are_refused():
    for text, says in (
        ("C = O (a, b)", "a line is"),
        ("C <-> O (a)", "a line is"),
        ("C -> O (a, b)", "a line is"),
        ("C <-> C (a, b)", "a line is"),
        ("C <-> O (a, (b)", "a line is"),
        ("", "at least one"),
        ("A <-> B (a, b)\nC <-> D (a, b)", "no transition joins C, D to A"),
    ):
        with pytest.raises(ParameterError, match=says):
            kinetic(text)
    # Commas within brackets are those of functions.
    assert "clip(v, 0, 1)" in kinetic("C <-> O (clip(v, 0, 1)/ms, b)")


@pytest.mark.slow
def test_the_batch_moves_where_a_scheme_starts():
    cell = axon(replace(MarkovPotassium(), name="markov"))
    found = run(cell, 0.05, batch={"markov.g": [20, 36] * mS / cm**2}, engine="numpy")
    first = np.asarray(found.trace("O"))[:, 0]
    n = float(HHPotassium().gates(-65 * mV, 6.3)["n"].steady)
    np.testing.assert_allclose(first, n**4, rtol=0.01)


def test_rest_stability_and_impedance_are_those_of_the_gates():
    gates, scheme = axon(HHPotassium()), axon(MarkovPotassium())
    for current in (0 * pA, 150 * pA):
        (one,), (other,) = (fixed_points(cell, current) for cell in (gates, scheme))
        assert float(other.v) == pytest.approx(float(one.v), abs=1e-9)
        assert (other.kind, other.stable) == (one.kind, one.stable)
        # The scheme has the gates' eigenvalues, those of its other states, and that of its sum.
        for value in one.eigenvalues:
            assert np.abs(other.eigenvalues / value - 1).min() < 1e-5
    at_hertz = [1, 30, 200] * Hz
    found = [impedance(cell, at_hertz).complex_ohm for cell in (gates, scheme)]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5)
