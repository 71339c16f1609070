"""Neurons of different shape in one run, connected by axons and terminals."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import Hz, Quantity, ms, mV, nA, nS, second, um

from neurosim import LIF, Circuit, Constant, Neuron, Steps, WhiteNoise, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.describe.parts import Poisson
from neurosim.engine.programs.compiler import find_compiler
from neurosim.errors import EngineError, NeurosimError, ParameterError, UnknownNameError
from neurosim.morphology import PerBranch, at, ball_and_stick, every
from neurosim.morphology import branch as named
from neurosim.synapses import AMPA, GABAA, Events
from neurosim.terminals import (
    DepletingRelease,
    QuantalRelease,
    SpontaneousRelease,
    TsodyksMarkram,
)
from neurosim.terminals.base import Ongoing

ENGINES = ["numpy", pytest.param("cpp", marks=pytest.mark.skipif(
    find_compiler() is None, reason="no C++ compiler was found"))]  # fmt: skip
DT = 0.025 * ms


def cell(length_um: float = 300, cuts: int = 5) -> Neuron:
    shape = ball_and_stick(20 * um, length_um * um, 2 * um)
    bare = Neuron(shape, PerBranch(cuts), celsius=6.3, rest=-65 * mV)
    return bare.paint([HHSodium(), HHPotassium(), Leak()])


def receiver() -> Neuron:
    return (
        cell(150, 3)
        .place(AMPA(g=4 * nS), every(named("dendrite")), label="ampa")
        .place(GABAA(g=6 * nS), at("soma", 0.5), label="gaba")
        .probe("v", at("dendrite", 1.0), label="tip")
        .probe("v", at("soma", 0.5))
    )


def chain(**more) -> Circuit:
    currents = {"current": [0.25, 0.32, 0.4] * nA}
    return (
        Circuit()
        .add("drivers", cell(), 3, stimulus=Constant(), batch=currents)
        .add("receivers", receiver(), 2)
        .connect(
            "drivers",
            "receivers",
            onto="ampa",
            pairs=[(0, 0), (1, 0), (2, 0), (2, 1)],
            points=[0, 2, 2, 1],
            delay=[1, 7.31, 1, 2.5] * ms,
            weight=[1, 2, 0.5, 3],
            terminal=TsodyksMarkram(U=Quantity(0.5), tau_rec=100 * ms),
            **more,
        )
    )


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_connected_cell_does_what_it_does_with_the_same_events_given(engine):
    together = simulate(chain(), 25 * ms, dt=DT, engine=engine)
    drivers, receivers = together["drivers"], together["receivers"]
    assert drivers.counts().min() > 0
    connection = chain().connections[0]
    arrived = 0
    for target in range(2):
        arriving = [[], [], []]
        for (source, to), point, delay, weight in zip(
            connection.pairs, connection.points, connection.delay_s, connection.weight, strict=True
        ):
            if to == target:
                times = drivers.spike_train(int(source)) + delay * second
                events = connection.terminal.release(times)
                arrived += int(np.sum(events.time_s <= 25e-3))
                arriving[point].append(Events(events.time_s, events.weight * weight))
        given = [Events.merge(some) if some else Events.at([] * ms) for some in arriving]
        alone = receiver()
        placed = tuple(
            p if p.label != "ampa" else type(p)(p.part, p.site, p.label, tuple(given))
            for p in alone.placed
        )
        apart = simulate(alone.replace(placed=placed), 25 * ms, dt=DT, engine=engine)
        for trace in ("tip", "v"):
            difference = apart.traces_si[trace][0] - receivers.traces_si[trace][target]
            # Not bit for bit: alone, the last cells of a block go through the scalar exp.
            assert np.max(np.abs(difference)) < 1e-11
        assert np.allclose(apart.spike_time_s, receivers.spike_train(target) / second, atol=1e-12)
    assert together.releases == {"drivers -> receivers (ampa)": arrived}


def loop(seed: int = 3) -> Circuit:
    """Excitation, inhibition back, and cells that excite one another."""
    excited = receiver().place(AMPA(g=2 * nS), at("dendrite", 0.5), Poisson(400 * Hz), label="in")
    return (
        Circuit()
        .add("e", excited, 9)
        .add("i", cell(60, 3).place(AMPA(g=5 * nS), at("soma", 0.5), label="ampa"), 4)
        .connect("e", "i", onto="ampa", probability=0.6, seed=seed, terminal=QuantalRelease(N=4))
        .connect("i", "e", onto="gaba", delay=0.7 * ms)
        .connect("e", "e", onto="ampa", probability=0.3, seed=seed, delay=2.2 * ms)
    )


@pytest.mark.slow
@pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler was found")
def test_a_loop_is_the_same_compiled_and_in_the_oracle_and_on_two_threads():
    runs = [
        simulate(loop(), 25 * ms, seed=5, dt=DT, engine=engine, jobs=jobs)
        for engine, jobs in (("cpp", 1), ("cpp", 2), ("numpy", 1))
    ]
    assert sum(runs[0].releases.values()) > 20
    for name in ("e", "i"):
        one, two, oracle = (run[name] for run in runs)
        assert one.counts().sum() > 0
        assert np.array_equal(one.spike_time_s, two.spike_time_s)
        assert np.array_equal(one.final_v_si, two.final_v_si)
        assert np.array_equal(one.spike_row, oracle.spike_row)
        assert np.max(np.abs(one.spike_time_s - oracle.spike_time_s)) < 1e-9
    assert runs[0].releases == runs[1].releases == runs[2].releases


@pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler was found")
@pytest.mark.slow
def test_what_is_not_connected_runs_as_it_does_alone():
    currents = {"current": [0.25, 0.32, 0.4] * nA}
    circuit = Circuit().add("a", cell(), 3, stimulus=Constant(), batch=currents).add("b", cell(80))
    both = simulate(circuit, 30 * ms, dt=DT)
    alone = simulate(cell(), 30 * ms, stimulus=Constant(), batch=currents, dt=DT)
    assert np.array_equal(both["a"].spike_time_s, alone.spike_time_s)
    assert np.array_equal(both["a"].final_v_si, alone.final_v_si)
    assert both["b"].counts().sum() == 0
    assert both["b"].final_v_si.shape == (10, 1)


@pytest.mark.slow
def test_inhibition_silences_and_another_seed_releases_otherwise():
    held = (
        Circuit()
        .add("e", receiver(), 2, stimulus=Constant(0.3 * nA))
        .add("i", cell(), 1, stimulus=Constant(0.5 * nA))
        .connect("i", "e", onto="gaba", pairs=[(0, 0)], weight=10)
    )
    counts = simulate(held, 60 * ms, dt=DT)["e"].counts()
    assert counts[0] < counts[1]
    releases = [simulate(loop(), 20 * ms, seed=seed, dt=DT).releases for seed in (1, 1, 2)]
    assert releases[0] == releases[1] != releases[2]


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"source": "driver"}, UnknownNameError, "did you mean 'drivers'"),
        ({"onto": "nmda"}, UnknownNameError, "no receptors 'nmda'"),
        ({"pairs": [(3, 0)]}, ParameterError, "from 0 to 2 and from 0 to 1"),
        ({"pairs": [(0.5, 0)]}, ParameterError, "whole numbers"),
        ({"pairs": "one-to-one"}, UnknownNameError, "all"),
        ({"points": [0, 1]}, ParameterError, "one a contact"),
        ({"probability": 0.0}, ParameterError, "no contact"),
        ({"probability": 1.5}, ParameterError, "between 0 and 1"),
        ({"delay": -1 * ms}, ParameterError, "delay"),
        ({"delay": [1, 2] * ms}, ParameterError, "one value or 6"),
        ({"weight": np.nan}, ParameterError, "finite"),
        ({"weight": -1}, ParameterError, "GABAA"),
        ({"weight": 2 * nS}, ParameterError, "number of quanta"),
        ({"weight": "big"}, ParameterError, "numbers"),
        ({"pairs": []}, ParameterError, "no contact"),
        ({"pairs": [(0, 1), (0,)]}, ParameterError, "shape"),
        ({"onto": None}, UnknownNameError, "no receptors None"),
        ({"points": [0.9] * 6}, ParameterError, "whole numbers"),
        ({"probability": "0.5"}, ParameterError, "between 0 and 1"),
        ({"probability": 0.5, "seed": -1}, ParameterError, "seed"),
        ({"terminal": TsodyksMarkram}, ParameterError, "release at spikes"),
        ({"terminal": SpontaneousRelease()}, ParameterError, "release at spikes"),
        ({"detector": "axon"}, UnknownNameError, "no detector 'axon'"),
        ({"terminal": TsodyksMarkram(transmitter="gaba")}, ParameterError, "releases gaba"),
    ],
)
def test_wrong_wiring_is_named(wrong, error, said):
    circuit = Circuit().add("drivers", cell(), 3).add("receivers", receiver(), 2)
    given = {"source": "drivers", "target": "receivers", "onto": "ampa"} | wrong
    with pytest.raises(error, match=said):
        circuit.connect(given.pop("source"), given.pop("target"), **given)


def test_wrong_circuits_are_named():
    with pytest.raises(ParameterError, match="already"):
        Circuit().add("a", cell()).add("a", cell())
    with pytest.raises(ParameterError, match="whole number"):
        Circuit().add("a", cell(), 0)
    with pytest.raises(ParameterError, match="has a name"):
        Circuit().add("", cell())
    with pytest.raises(ParameterError, match="must be a current"):
        Circuit().add("a", cell(), stimulus=1 * nA)
    with pytest.raises(ParameterError, match="must map"):
        Circuit().add("a", cell(), batch=[1])
    with pytest.raises(NeurosimError, match="population 'a': batch"):
        simulate(Circuit().add("a", cell(), batch={"g_Na": 1}), 1 * ms)
    with pytest.raises(ParameterError, match="no cells"):
        simulate(Circuit(), 1 * ms)
    with pytest.raises(NeurosimError, match="2 values for 3"):
        simulate(
            Circuit().add("a", cell(), 3, stimulus=Constant(), batch={"current": [1, 2] * nA}),
            1 * ms,
        )
    with pytest.raises(ParameterError, match=r"Circuit\.add"):
        simulate(chain(), 1 * ms, stimulus=Constant())
    quick = Circuit().add("a", cell(), 1).add("b", receiver(), 1)
    quick = quick.connect(
        "a", "b", onto="ampa", delay=0 * ms, terminal=TsodyksMarkram(delay=0.01 * ms)
    )
    with pytest.raises(ParameterError, match="less than a time step"):
        simulate(quick, 1 * ms, dt=DT)


def test_random_wiring_draws_apart_and_again():
    base = Circuit().add("drivers", cell(), 6).add("receivers", receiver(), 6)
    given = {"onto": "ampa", "probability": 0.4}

    def pairs(circuit):
        return [connection.pairs.tolist() for connection in circuit.connections]

    twice = base.connect("drivers", "receivers", **given).connect("drivers", "receivers", **given)
    assert pairs(twice)[0] != pairs(twice)[1]
    again = base.connect("drivers", "receivers", **given)
    assert pairs(again) == pairs(twice)[:1]
    assert pairs(base.connect("drivers", "receivers", seed=1, **given)) != pairs(again)


@pytest.mark.parametrize(
    "terminal",
    [
        TsodyksMarkram(U=Quantity(0.4), tau_rec=200 * ms, tau_facil=80 * ms),
        QuantalRelease(N=5),
        DepletingRelease(N=6, reserve=9, tau_facil=50 * ms),
    ],
)
def test_a_terminal_told_spike_by_spike_releases_what_the_whole_train_does(terminal):
    times = np.sort(np.random.default_rng(4).uniform(0, 0.6, 30))
    seeds = np.arange(40, 47)
    ongoing = terminal.begin(seeds)
    told = np.stack([ongoing.spike(time) for time in times], axis=1)
    assert np.allclose(told, terminal.release(times * second, seeds).weight, rtol=0, atol=1e-14)
    # Whoever keeps no state is asked anew, with the same outcome.
    plain = Ongoing(terminal, seeds, 0)
    assert np.allclose(np.stack([plain.spike(t) for t in times], axis=1), told, atol=1e-14)


@pytest.mark.slow
def test_the_cells_of_a_circuit_and_their_electrodes_have_noise_of_their_own():
    noise = WhiteNoise.for_membrane(3 * mV, LIF())
    noisy = (
        cell()
        .place(noise, at("soma", 0.5), label="one")
        .place(noise, at("dendrite", 1.0), label="two")
        .probe("one.current", at("soma", 0.5))
        .probe("two.current", at("dendrite", 1.0))
        .probe("stimulus.current", at("soma", 0.5))
    )
    found = simulate(Circuit().add("a", noisy, 3, stimulus=noise), 10 * ms, dt=DT, engine="numpy")
    rows = np.concatenate(list(found["a"].traces_si.values()))
    assert rows.shape[0] == 9
    assert np.max(np.abs(np.corrcoef(rows) - np.eye(9))) < 0.25


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_divergence_is_told_by_population_and_branch(engine):
    wild = cell().place(Steps(amplitude=1e6 * nA, duration=50 * ms), at("dendrite", 1.0))
    circuit = Circuit().add("calm", cell()).add("wild", wild, 2)
    with pytest.raises(EngineError, match=r"population 'wild'.*'dendrite' \(0\.9 of"):
        simulate(circuit, 5 * ms, dt=DT, engine=engine)
