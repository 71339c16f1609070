"""Spike-timing-dependent plasticity against its closed form, Brian2, and runs of circuits."""

import dataclasses

import numpy as np
import pytest
from brian2 import ms, mV, nA, nS, second, um

from neurosim import Circuit, Constant, Neuron, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.engine.programs.compiler import find_compiler
from neurosim.errors import ParameterError, UnitError, UnknownNameError
from neurosim.morphology import PerBranch, at, ball_and_stick
from neurosim.synapses import AMPA, Events
from neurosim.terminals import STDP, TsodyksMarkram

COMPILED = pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler was found")
ENGINES = [
    pytest.param("numpy", marks=pytest.mark.slow),
    pytest.param("cpp", marks=[pytest.mark.slow, COMPILED]),
]
# The oracle takes its time.
DT = {"numpy": 0.05 * ms, "cpp": 0.025 * ms}
MULTIPLICATIVE = {"mu_plus": 1.0, "mu_minus": 1.0}


@pytest.mark.parametrize("pairing", ["all", "nearest"])
@pytest.mark.parametrize("lag", [-35, -10, -1.5, 1.5, 10, 35])
def test_sixty_pairs_follow_the_window(pairing, lag):
    # One pair a second: what a pair leaves has decayed to e^-48 when the next one comes.
    rule = STDP(pairing=pairing, A_plus=0.004, A_minus=0.003, tau_plus=17 * ms, tau_minus=25 * ms)
    before = np.arange(1, 61) * second
    course = rule.course(before, before + lag * ms, 0.5)
    one = 0.004 * np.exp(-lag / 17) if lag > 0 else -0.003 * np.exp(lag / 25)
    assert course.final[0] == pytest.approx(0.5 + 60 * one, abs=1e-12)
    assert float(rule.window(lag * ms)) == pytest.approx(one, abs=1e-15)
    # Multiplicative: a geometric approach to the bound.
    rule = rule.replace(**MULTIPLICATIVE, w_max=2)
    final = rule.course(before, before + lag * ms, 0.5).final[0]
    grown = 2 - 1.5 * (1 - one) ** 60 if lag > 0 else 0.5 * (1 + one) ** 60
    assert final == pytest.approx(grown, abs=1e-12)


def test_weights_stop_at_their_bounds_and_opposite_signs_are_allowed():
    before = np.arange(1, 61) * second
    strong = STDP(A_plus=0.1, A_minus=0.1, w_max=3)
    assert strong.course(before, before + 1 * ms, 1.0).final[0] == 3
    assert strong.course(before, before - 1 * ms, 1.0).final[0] == 0
    anti = STDP(A_plus=-0.01, A_minus=-0.01)
    assert anti.course(before, before + 1 * ms, 0.9).final[0] < 0.9
    # A pair at the same moment counts as one whose arrival comes first.
    assert STDP().course([1] * second, [1] * second, 0.5).final[0] == pytest.approx(0.505)


def test_a_train_pairs_each_spike_with_all_or_with_the_last_one():
    x, y = np.exp(-np.array([10, 5]) / 20)
    arrivals, spikes = [10, 15] * ms, [20, 25] * ms
    every = STDP().course(arrivals, spikes, 0.5).final[0]
    at_20 = x + y
    at_25 = np.exp(-15 / 20) + np.exp(-10 / 20)
    assert every == pytest.approx(0.5 + 0.005 * (at_20 + at_25), abs=1e-14)
    last = STDP(pairing="nearest").course(arrivals, spikes, 0.5).final[0]
    assert last == pytest.approx(0.5 + 0.005 * (y + np.exp(-10 / 20)), abs=1e-14)


RULES = [
    {"pairing": "all", "mu_plus": 0, "mu_minus": 0},
    {"pairing": "nearest", "mu_plus": 1, "mu_minus": 1},
    {"pairing": "all", "mu_plus": 0.3, "mu_minus": 0.7},
]


def of_brian2(before, after, rule):
    """Return Brian2's synapses under a rule."""
    import brian2 as b2

    grow = "+= 1" if rule["pairing"] == "all" else "= 1"
    found = b2.Synapses(
        before, after,
        """w : 1
        dx/dt = -x/(17*ms) : 1 (event-driven)
        dy/dt = -y/(34*ms) : 1 (event-driven)""",
        on_pre=f"w = clip(w - top*0.017*(w/top)**down*y, 0, top)\nx {grow}",
        on_post=f"w = clip(w + top*0.02*(1 - w/top)**up*x, 0, top)\ny {grow}",
        namespace={"top": 1.5, "up": rule["mu_plus"], "down": rule["mu_minus"]},
    )  # fmt: skip
    found.connect(i=[0, 1, 2], j=[0, 1, 2])
    found.pre.delay, found.post.delay = 1.3 * ms, 0.7 * ms
    found.w = 0.6
    return found


@pytest.mark.slow
def test_the_equations_of_brian2_give_the_same_weights():
    import brian2 as b2

    rng = np.random.default_rng(3)
    # On the grid of 0.1 ms, no two spikes of a train in one step; spikes of both sides meet.
    trains = [np.sort(rng.choice(4000, 60, replace=False)) * 1e-4 for _ in range(6)]
    network = b2.Network()
    # Nothing is compiled for a run of 4,000 steps.
    target, b2.prefs.codegen.target = b2.prefs.codegen.target, "numpy"
    try:
        sides = [
            b2.SpikeGeneratorGroup(
                3, np.repeat(range(3), 60), np.concatenate(some) * second, dt=0.1 * ms
            )
            for some in (trains[:3], trains[3:])
        ]
        plastic = [of_brian2(*sides, rule) for rule in RULES]
        seen = [b2.StateMonitor(one, "w", record=True, dt=5 * ms) for one in plastic]
        network.add(*sides, *plastic, *seen)
        network.run(0.42 * second)
    finally:
        b2.prefs.codegen.target = target
    given = {"A_plus": 0.02, "A_minus": 0.017, "tau_plus": 17 * ms, "tau_minus": 34 * ms}
    for rule, monitor in zip(RULES, seen, strict=True):
        ours = STDP(**given, w_max=1.5, backpropagation=0.7 * ms, **rule)
        for k in range(3):
            arrivals = trains[k] * second + 1.3 * ms
            course = ours.course(arrivals, trains[3 + k] * second, 0.6, 0.42 * second)
            # Brian2 samples at the start of a step, before the changes of that step.
            found = course.at(np.maximum(monitor.t - 0.05 * ms, 0 * ms))[0]
            np.testing.assert_allclose(found, monitor.w[k], rtol=0, atol=1e-9)
            assert np.ptp(found) > 0.1


def poisson(rate, duration, rng):
    return np.sort(rng.uniform(0, duration, rng.poisson(rate * duration))) * second


@pytest.mark.slow
def test_uncorrelated_trains_drift_by_the_area_of_the_window():
    # Mean drift of uncorrelated trains: w_max r_pre r_post (A+ tau+ - A- tau-).
    rng = np.random.default_rng(11)
    for minus, sign in ((0.003, 1), (0.007, -1)):
        rule = STDP(A_plus=0.005, A_minus=minus, w_max=1000)
        drift = [
            rule.course(poisson(20, 10, rng), poisson(20, 10, rng), 500.0).final[0] - 500
            for _ in range(20)
        ]
        expected = 1000 * 20 * 20 * 10 * 0.02 * (0.005 - minus)
        error = np.std(drift, ddof=1) / np.sqrt(len(drift))
        assert np.sign(expected) == sign
        assert abs(np.mean(drift) - expected) < 3 * error
        assert np.sign(np.mean(drift)) == sign


@pytest.mark.slow
def test_multiplicative_weights_settle_where_the_drifts_are_equal():
    rng = np.random.default_rng(5)
    rule = STDP(A_plus=0.004, A_minus=0.006, **MULTIPLICATIVE)
    late = [
        rule.course(poisson(40, 60, rng), poisson(40, 60, rng), start).at(
            np.linspace(20, 59, 40) * second
        )[0].mean()
        for start in (0.05, 0.95) * 6
    ]  # fmt: skip
    error = np.std(late, ddof=1) / np.sqrt(len(late))
    # A+ tau+ (1 - w) = A- tau- w. What is left of the start after 20 s, at a time constant of
    # 1/(40 * 40 * (A+ + A-) * 0.02) = 3.1 s, changes the mean of these 40 s by less than 1e-4.
    assert error < 0.003
    assert abs(np.mean(late) - 0.4) < 4 * error


def cell():
    shape = ball_and_stick(20 * um, 100 * um, 2 * um)
    bare = Neuron(shape, PerBranch(2), celsius=6.3, rest=-65 * mV)
    return bare.paint([HHSodium(), HHPotassium(), Leak()])


def pairs_of_cells(rule, *, terminal=None, delay=2.3 * ms):
    """Two sources on two targets; every cell is made to fire by pulses of its own."""
    far = cell().place(AMPA(g=0.4 * nS), at("dendrite", 0.5), label="ampa")
    far = far.detect(at("dendrite", 0.9), -30 * mV, label="tip")
    far = far.detect(at("soma", 0.5), -20 * mV, label="soma")
    return (
        Circuit()
        .add("a", cell(), 2, stimulus=Constant(), batch={"current": [0.3, 0.5] * nA})
        .add("b", far, 2, stimulus=Constant(0.35 * nA))
        .connect(
            "a", "b", onto="ampa", delay=[delay / ms, delay / ms + 1, delay / ms, 5.55] * ms,
            weight=[0.5, 0.6, 0.7, 0.4], plasticity=rule, target_detector="soma",
            terminal=terminal,
        )
    )  # fmt: skip


def replayed(circuit, rule, run, contact):
    """Return the weight course that the recorded spikes of the two cells of a contact give."""
    connection = circuit.connections[0]
    source, target = (int(cell) for cell in connection.pairs[contact])
    late = connection.delay_s[contact] + float(connection.terminal.delay)
    arrivals = run["a"].spike_train(source) + late * second
    spikes = run["b"].spike_times_at("soma", target)
    end = run.state.time
    weight = float(connection.weight[contact])
    inside = spikes + rule.backpropagation <= end
    return rule.course(arrivals[arrivals <= end], spikes[inside], weight, end)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "rule",
    [
        STDP(A_plus=0.2, A_minus=0.15),
        STDP(A_plus=0.2, A_minus=0.3, **MULTIPLICATIVE, pairing="nearest", w_max=2,
             backpropagation=1.5 * ms),
    ],
    ids=["additive", "multiplicative"],
)  # fmt: skip
def test_weights_of_a_circuit_are_those_of_its_spikes(rule, engine):
    circuit = pairs_of_cells(rule)
    run = simulate(circuit, 20 * ms, dt=DT[engine], engine=engine)
    course = run.weights["a -> b (ampa)"]
    assert run["a"].counts().min() > 1
    grid = np.linspace(0, 20, 41) * ms
    for contact in range(4):
        alone = replayed(circuit, rule, run, contact)
        assert len(alone.time_s) > 2
        np.testing.assert_allclose(course.at(grid)[contact], alone.at(grid)[0], rtol=0, atol=1e-10)
    assert course.weight.max() > 0.6
    assert course.weight.min() < 0.4
    np.testing.assert_array_equal(run.state.arrays["plastic.0.weight"], course.final)


@pytest.mark.parametrize("engine", ENGINES)
def test_releases_act_with_the_weight_of_their_moment(engine):
    # Weights given by hand from the course, contact by contact, move the cells in the same way.
    rule = STDP(A_plus=0.3, A_minus=0.25)
    circuit = pairs_of_cells(rule)
    probed = circuit.populations["b"].neuron.probe("ampa.B", at("dendrite", 0.5), label="B")
    circuit = Circuit(
        {**circuit.populations, "b": dataclasses.replace(circuit.populations["b"], neuron=probed)},
        circuit.connections,
    )
    run = simulate(circuit, 20 * ms, dt=DT[engine], engine=engine)
    connection = circuit.connections[0]
    for target in range(2):
        events = []
        for contact in np.flatnonzero(connection.pairs[:, 1] == target):
            course = run.weights["a -> b (ampa)"]
            late = connection.delay_s[contact] + 0.5e-3
            times = run["a"].spike_train(int(connection.pairs[contact, 0])) / second + late
            times = times[times < 20e-3]
            # Just before: a release acts with the weight that it finds.
            found = course.at(times * second - 1e-9 * second)[contact]
            events.append(Events(times, found))
        alone = probed.replace(placed=())
        alone = alone.place(
            AMPA(g=0.4 * nS), at("dendrite", 0.5), Events.merge(events), label="ampa"
        )
        kicked = simulate(
            alone, 20 * ms, stimulus=circuit.populations["b"].stimulus, dt=DT[engine], engine=engine
        )
        difference = kicked.traces_si["B"][0] - run["b"].traces_si["B"][target]
        assert np.max(np.abs(difference)) < 1e-9 * np.max(run["b"].traces_si["B"][target])


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "back"), [
    pytest.param("cpp", 0, marks=COMPILED), pytest.param("cpp", 1.5, marks=COMPILED), ("numpy", 0)
])  # fmt: skip
def test_a_run_in_pieces_has_the_same_weights_bit_for_bit(engine, back):
    rule = STDP(A_plus=0.2, A_minus=0.15, backpropagation=back * ms)
    circuit = pairs_of_cells(rule, terminal=TsodyksMarkram())
    whole = simulate(circuit, 20 * ms, dt=DT[engine], engine=engine)
    state, pieces = None, []
    for time in (2.2, 0.05, 12.15, 5.6):
        pieces.append(simulate(circuit, time * ms, dt=DT[engine], engine=engine, initial=state))
        state = pieces[-1].state
    assert state.sha256 == whole.state.sha256
    courses = [piece.weights["a -> b (ampa)"] for piece in pieces]
    told = whole.weights["a -> b (ampa)"]
    for name in ("time_s", "contact", "weight"):
        together = np.concatenate([getattr(course, name) for course in courses])
        np.testing.assert_array_equal(together, getattr(told, name))
    assert sum(len(piece.state.arrays["plastic.0.waiting.where"]) for piece in pieces[:3]) > 0


def test_wrong_plasticity_is_named():
    def connect(**given):
        circuit = Circuit().add("a", cell())
        circuit = circuit.add("b", cell().place(AMPA(), at("dendrite"), label="ampa"))
        return circuit.connect("a", "b", onto="ampa", **given)

    with pytest.raises(ParameterError, match=r"w_max = 1.*STDP\(w_max"):
        connect(plasticity=STDP(), weight=1.5)
    with pytest.raises(UnknownNameError, match="target has no detector 'axon'"):
        connect(plasticity=STDP(), target_detector="axon")
    with pytest.raises(ParameterError, match="plasticity=STDP"):
        connect(target_detector="root")
    with pytest.raises(ParameterError, match=r"such as STDP\(\)"):
        connect(plasticity=TsodyksMarkram())
    with pytest.raises(UnknownNameError, match="nearest"):
        STDP(pairing="neerest")
    with pytest.raises(UnitError, match="tau_plus"):
        STDP(tau_plus=20)
    with pytest.raises(ParameterError, match="must lie between"):
        STDP().course([1] * ms, [2] * ms, 0.5).at(1 * second)
    with pytest.raises(ParameterError, match="no contact 1"):
        STDP().course([1] * ms, [2] * ms, 0.5).trace(1)
    plain = simulate(connect(), 0.1 * ms, engine="numpy").state
    with pytest.raises(ParameterError, match="the plasticity of connection 0"):
        simulate(connect(plasticity=STDP()), 0.1 * ms, engine="numpy", initial=plain)


def test_the_course_is_drawn():
    axes = STDP().course([1, 20] * ms, [2, 30] * ms, 0.5).plot()
    assert axes.get_xlabel() == "time (ms)"
    assert axes.lines[0].get_ydata()[0] == 0.5
