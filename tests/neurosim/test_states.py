"""A run that goes on from the end of another one is, bit for bit, the run in one piece."""

import numpy as np
import pytest
from brian2 import Hz, Mohm, ms, mV, nA, nS, pA, pF, second, um, volt

from neurosim import (
    LIF,
    AdEx,
    Circuit,
    Constant,
    FeedForward,
    Neuron,
    OrnsteinUhlenbeck,
    State,
    Steps,
    WhiteNoise,
    settle,
    simulate,
)
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.clamps import CurrentClamp, VoltageClamp
from neurosim.describe.parts import Poisson
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.morphology import PerBranch, at, ball_and_stick, every, tagged, uniformly
from neurosim.synapses import AMPA, NMDA, Events, PlasticAMPA
from neurosim.terminals import STDP, DepletingRelease, QuantalRelease, TsodyksMarkram

ENGINES = [pytest.param("cpp"), pytest.param("numpy", marks=pytest.mark.slow)]


def noisy(scale):
    """Noise of both kinds and a step that straddles the time where the runs are cut."""
    return (
        Constant(200 * scale)
        + OrnsteinUhlenbeck(sd=50 * scale)
        + WhiteNoise(intensity=50 * scale * (1 * ms) ** 0.5)
        + Steps(100 * scale, onset=15 * ms, duration=20 * ms)
    )


def in_pieces(neuron, pieces, **arguments):
    """Return the run in one piece and the runs in several, each from the end of the last."""
    whole = simulate(neuron, sum(pieces[1:], pieces[0]), **arguments)
    state, found = None, []
    for piece in pieces:
        found.append(simulate(neuron, piece, initial=state, **arguments))
        state = found[-1].state
        # The state knows its seeds.
        arguments.pop("seed", None)
    return whole, found


def assert_one_run(whole, pieces):
    for row in range(whole.rows):
        trains = [np.asarray(piece.spike_train(row)) for piece in pieces]
        np.testing.assert_array_equal(np.concatenate(trains), np.asarray(whole.spike_train(row)))
    times = [piece.trace_time_s for piece in pieces]
    np.testing.assert_array_equal(np.concatenate(times), whole.trace_time_s)
    for name, trace in whole.traces_si.items():
        together = np.concatenate([piece.traces_si[name] for piece in pieces], axis=1)
        np.testing.assert_array_equal(together, trace, err_msg=name)
    assert pieces[-1].state.sha256 == whole.state.sha256


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_point_neurons_with_noise_and_refractory_periods(engine):
    # LIF is refractory for 2 ms, so that some rows are when a run ends.
    cell = LIF(t_ref=8 * ms)
    whole, pieces = in_pieces(
        cell,
        [23.4 * ms, 0.1 * ms, 26.5 * ms],
        stimulus=noisy(3 * pA),
        batch={"mean": np.linspace(-200, 400, 12) * pA},
        seed=np.arange(12) + 5,
        record=["v"],
        engine=engine,
    )
    refractory = ~pieces[0].state.arrays["not_refractory"]
    assert refractory.any()
    assert not refractory.all()
    assert_one_run(whole, pieces)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "unit", "delay"),
    [
        ("cpp", 5 * nS, [0] * 5),
        ("cpp", pA, [12, 0.5, 3, 1, 1]),
        ("numpy", 5 * nS, [12, 0.5, 3, 1, 1]),
    ],
    ids=["conductances", "late currents", "numpy"],
)
def test_networks_with_spikes_on_their_way(engine, unit, delay):
    weights = np.array([[200, 300], [250, -100], [90, 120.0]]) * unit
    wiring = FeedForward(weights=(weights,), delay=delay * ms)
    # The second piece is shorter than the longest delay.
    whole, pieces = in_pieces(
        LIF(),
        [40.3 * ms, 4 * ms, 25.7 * ms],
        stimulus=noisy(1.2 * pA),
        seed=[3, 4],
        record=["v"],
        wiring=wiring,
        engine=engine,
    )
    if any(delay):
        assert all(len(piece.state.arrays["flight.row"]) for piece in pieces[:2])
    assert_one_run(whole, pieces)


def cell():
    shape = ball_and_stick(20 * um, 300 * um, 2 * um)
    bare = Neuron(shape, PerBranch(5), celsius=6.3, rest=-65 * mV)
    return bare.paint([HHSodium(), HHPotassium(), Leak()])


def with_inputs():
    """A cell with Poisson trains, and events before, in and after the step of the cut."""
    dendrite = tagged("dendrite")
    return (
        cell()
        .place(AMPA(g=1 * nS), uniformly(dendrite, 30), Poisson(40 * Hz), label="ex")
        .place(NMDA(g=1 * nS), at("dendrite"), Events.at([5, 19.99, 20.01, 21] * ms), label="nm")
        .probe("hh_sodium.m", every())
        .probe("ex.current", at("dendrite", 0.1))
        .detect(at("soma"), -20 * mV, refractory=4 * ms, label="soma")
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "scheme", ["crank-nicolson", pytest.param("backward-euler", marks=pytest.mark.slow)]
)
def test_cables_with_noise_poisson_inputs_and_detectors(engine, scheme):
    whole, pieces = in_pieces(
        with_inputs(),
        [20 * ms, 10 * ms],
        stimulus=noisy(0.3 * pA),
        batch={"mean": [0, 0.05, 0.1] * nA},
        seed=[3, 4, 5],
        record=["v"],
        record_dt=0.1 * ms,
        scheme=scheme,
        engine=engine,
    )
    assert len(whole.spike_time_s) > 2
    assert_one_run(whole, pieces)


def ring(terminal=None):
    """Two populations that excite each other, by axons of many delays."""
    excited = cell().place(AMPA(g=4 * nS), uniformly(tagged("dendrite"), 4, 1), label="ampa")
    late = np.array([1.03, 2, 3, 4.4, 2, 6, 7, 8, 1.03, 2, 3, 4]) * ms
    return (
        Circuit()
        .add("a", excited, 3, stimulus=noisy(0.5 * pA))
        .add("b", excited, 4, stimulus=OrnsteinUhlenbeck(mean=0.02 * nA, sd=0.02 * nA))
        .connect("a", "b", onto="ampa", delay=late, terminal=terminal)
        .connect("b", "a", onto="ampa", delay=1.03 * ms, terminal=terminal)
    )


@pytest.mark.parametrize(
    ("terminal", "engine"),
    [
        pytest.param(None, "cpp", marks=pytest.mark.slow),
        pytest.param(TsodyksMarkram(tau_facil=50 * ms), "cpp", marks=pytest.mark.slow),
        pytest.param(DepletingRelease(N=5, U=0.9), "cpp", marks=pytest.mark.slow),
        pytest.param(QuantalRelease(), "cpp", marks=pytest.mark.slow),
        pytest.param(TsodyksMarkram(), "numpy", marks=pytest.mark.slow),
    ],
    ids=["fixed", "facilitating", "depleting", "quantal", "numpy"],
)
def test_circuits_with_releases_on_their_way(terminal, engine):
    circuit = ring(terminal)
    # None of the pieces is a whole number of the windows between exchanges of spikes.
    times = [20.375 * ms, 2 * ms, 17.625 * ms]
    whole = simulate(circuit, 40 * ms, seed=7, record=["v"], engine=engine)
    state, pieces = None, []
    for time in times:
        seed = {"seed": 7} if state is None else {}
        pieces.append(simulate(circuit, time, initial=state, record=["v"], engine=engine, **seed))
        state = pieces[-1].state
    assert sum(len(piece.state.arrays["flight.step"]) for piece in pieces) > 0
    for name in whole:
        assert_one_run(whole[name], [piece[name] for piece in pieces])
    arrived = {name: sum(p.releases[name] for p in pieces) for name in whole.releases}
    assert arrived == whole.releases
    assert state.sha256 == whole.state.sha256


def plastic_ring():
    """Populations with background inputs, whose synapses change in three ways."""
    excited = (
        cell()
        .place(AMPA(g=4 * nS), uniformly(tagged("dendrite"), 4, 1), label="ampa")
        .place(PlasticAMPA(g=2 * nS), at("dendrite"), label="plastic")
        .probe("plastic.change", at("dendrite"))
    )
    background = excited.place(AMPA(g=1 * nS), at("dendrite"), Poisson(40 * Hz), label="back")
    late = np.array([1.03, 2, 3, 4.4, 2, 6, 7, 8, 1.03, 2, 3, 4]) * ms
    return (
        Circuit()
        .add("a", excited, 3, stimulus=noisy(0.5 * pA))
        .add("b", background, 4, stimulus=OrnsteinUhlenbeck(mean=0.1 * nA, sd=0.05 * nA))
        .connect("a", "b", onto="ampa", delay=late, terminal=TsodyksMarkram(tau_facil=50 * ms))
        .connect("b", "a", onto="plastic", delay=1.03 * ms)
        .connect("a", "b", onto="plastic", delay=30 * ms, terminal=DepletingRelease(N=5))
        .connect("b", "a", onto="ampa", delay=2 * ms, weight=0.5, plasticity=STDP(A_plus=0.02))
        .connect("a", "a", onto="ampa", weight=0.5, plasticity=STDP(pairing="nearest",
                 mu_minus=1, backpropagation=1 * ms), terminal=QuantalRelease())
    )  # fmt: skip


@pytest.mark.slow
def test_two_runs_of_a_second_are_one_run_of_two_seconds():
    pieces, given = [1 * second, 1 * second], {"record": ["v"], "record_dt": 1 * ms}
    rows = {"batch": {"mean": np.linspace(0, 400, 6) * pA}, "seed": np.arange(6) + 5}
    drive = {"stimulus": noisy(3 * pA), **rows}
    whole, found = in_pieces(LIF(t_ref=8 * ms), pieces, **drive, **given)
    assert found[1].counts().min() > 0
    assert_one_run(whole, found)
    weights = np.array([[200, 300], [250, -100], [90, 120.0]]) * pA
    wired = FeedForward(weights=(weights,), delay=[12, 0.5, 3, 1, 1] * ms)
    drive = {"stimulus": noisy(1.2 * pA), "seed": [3, 4]}
    whole, found = in_pieces(LIF(), pieces, wiring=wired, **drive, **given)
    assert len(found[0].state.arrays["flight.row"]) > 0
    assert_one_run(whole, found)
    drive = {"stimulus": noisy(0.3 * pA), "batch": {"mean": [0, 0.05, 0.1] * nA}}
    assert_one_run(*in_pieces(with_inputs(), pieces, **drive, seed=[3, 4, 5], **given))


@pytest.mark.slow
@pytest.mark.parametrize("cut", [1.0])
def test_a_plastic_circuit_for_two_seconds_in_two_pieces(cut):
    circuit, given = plastic_ring(), {"record": ["v"], "record_dt": 0.5 * ms}
    whole = simulate(circuit, 2 * second, seed=7, **given)
    first = simulate(circuit, cut * second, seed=7, **given)
    second_ = simulate(circuit, (2 - cut) * second, initial=first.state, **given)
    assert len(first.state.arrays["flight.step"]) > 0
    for name in whole:
        assert min(first[name].counts().sum(), second_[name].counts().sum()) > 20
        if cut == 1.0:
            assert_one_run(whole[name], [first[name], second_[name]])
    assert second_.state.sha256 == whole.state.sha256
    for name, course in whole.weights.items():
        assert np.ptp(course.final) > 0.01
        both = [np.concatenate([getattr(run.weights[name], what) for run in (first, second_)])
                for what in ("time_s", "contact", "weight")]  # fmt: skip
        for what, values in zip(("time_s", "contact", "weight"), both, strict=True):
            np.testing.assert_array_equal(values, getattr(course, what))


@pytest.mark.slow
def test_a_recording_that_goes_on_counts_from_time_0():
    drive = Constant(200 * pA)
    first = simulate(LIF(), 100 * ms, stimulus=drive, engine="numpy")
    second = simulate(LIF(), 100 * ms, stimulus=drive, initial=first.state, engine="numpy")
    assert second.start == 100 * ms
    assert second.counts().sum() == len(second.spike_time_s) > 0
    assert np.all(second.spike_time_s >= 0.1)
    assert second.plot_raster().get_xlim() == pytest.approx((100, 200))
    with pytest.raises(ParameterError, match="before the run"):
        second.counts(start=0 * ms)
    assert second.to_dict()["initial_sha256"] == first.state.sha256


def test_a_state_is_saved_and_read_back_whole(tmp_path):
    drive = OrnsteinUhlenbeck(mean=0.1 * nA)
    state = simulate(cell(), 1 * ms, stimulus=drive, engine="numpy").state
    file = tmp_path / "end.npz"
    state.save(file)
    read = State.load(file)
    assert read.sha256 == state.sha256
    assert read["v"][0, 0] == state.arrays["v"][0, 0] * volt
    assert read["hh_sodium.m"].shape == (10, 1)
    content = bytearray(file.read_bytes())
    refused = 0
    for place in np.random.default_rng(1).integers(0, len(content), 200):
        damaged = content.copy()
        damaged[place] ^= 1 << (place % 8)
        file.write_bytes(damaged)
        try:
            # A bit that says nothing, such as the date of a member, may differ.
            assert State.load(file).sha256 == state.sha256
        except ParameterError:
            refused += 1
    assert refused > 100
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(ParameterError, match="damaged"):
        State.load(file)
    with pytest.raises(ParameterError, match="no file"):
        State.load(tmp_path / "none.npz")


def test_circuit_states_are_saved_with_what_is_on_its_way(tmp_path):
    state = simulate(ring(), 6 * ms, seed=7, engine="numpy").state
    state.save(tmp_path / "end.npz")
    read = State.load(tmp_path / "end.npz")
    assert read.sha256 == state.sha256
    assert list(read.parts) == ["a", "b"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (lambda: LIF(), "a Neuron, and what is to run is a LIF"),
        (lambda: cell().paint(Leak(name="more")), None),
        (lambda: Neuron(cell().morphology, PerBranch(5)).paint([HHSodium(), Leak()]), "potassium"),
        (lambda: cell().replace(rule=PerBranch(3)), "the shapes"),
        (lambda: Neuron(ball_and_stick(20 * um, 310 * um, 2 * um), PerBranch(5)), "the shapes"),
        (lambda: cell().place(AMPA(), at("soma")), "ampa"),
    ],
    ids=["kind", "stateless part", "part", "compartments", "shape", "receptor"],
)
def test_a_state_that_does_not_fit_is_refused_by_name(other, said):
    state = simulate(cell(), 0.1 * ms, engine="numpy").state
    if said is None:
        # A part without a state changes what follows, not what is held.
        simulate(other(), 0.1 * ms, initial=state, engine="numpy")
        return
    with pytest.raises(ParameterError, match=said):
        simulate(other(), 0.1 * ms, initial=state, engine="numpy")


def test_parts_that_cover_less_or_more_are_refused():
    bare = Neuron(cell().morphology, PerBranch(5)).paint(Leak())
    small, large = bare.paint(HHSodium(), tagged("soma")), bare.paint(HHSodium())

    def ended(neuron, state=None):
        return simulate(neuron, 0.1 * ms, initial=state, engine="numpy").state

    with pytest.raises(ParameterError, match=r"hh_sodium\.h.*some of the compartments"):
        ended(large, ended(small))
    with pytest.raises(ParameterError, match=r"hh_sodium\.h.*do not have it here"):
        ended(small, ended(large))


@pytest.mark.slow
def test_point_states_that_do_not_fit_are_refused():
    state = simulate(LIF(), 10 * ms, batch={"tau_m": [10, 20, 30] * ms}, engine="numpy").state
    with pytest.raises(ParameterError, match="AdEx"):
        simulate(AdEx(), 10 * ms, initial=state)
    with pytest.raises(ParameterError, match="3 for initial"):
        simulate(LIF(), 10 * ms, initial=state, batch={"tau_m": [10, 20] * ms})
    with pytest.raises(ParameterError, match="dt"):
        simulate(LIF(), 10 * ms, initial=state, dt=0.03 * ms)
    with pytest.raises(ParameterError, match=r"recording\.state"):
        simulate(LIF(), 10 * ms, initial=3)
    with pytest.raises(UnknownNameError, match=r"'u'.*known: v"):
        simulate(LIF(), 10 * ms, initial={"u": 3 * mV})


def test_starting_values_by_name():
    found = simulate(LIF(), 0.1 * ms, initial={"v": [-60, -55] * mV}, batch={"tau_m": [9, 9] * ms},
                     record=["v"], engine="numpy")  # fmt: skip
    np.testing.assert_allclose(found.traces_si["v"][:, 0], [-0.060, -0.055])
    start = {"v": -60 * mV, "hh_sodium.m": 0.5}
    probed = cell().probe("hh_sodium.m", at("soma"))
    run = simulate(probed, 0.025 * ms, initial=start, engine="numpy")
    # After one step of 25 us with a time constant of about 0.2 ms.
    assert 0.4 < run.traces_si["hh_sodium.m"][0, 0] < 0.5
    with pytest.raises(UnknownNameError, match=r"hh_sodium\.m"):
        simulate(cell(), 1 * ms, initial={"hh_sodium.mm": 0.5}, engine="numpy")


@pytest.mark.slow
def test_settle_once_for_a_batch():
    tilted = cell().replace(rest=-75 * mV)
    rest = settle(tilted, 30 * ms)
    assert rest.step == 0
    assert rest.rows == 1
    batch = {"current": [0, 0.1, 0.3] * nA}
    drive = {"stimulus": Constant(0 * nA), "batch": batch}
    shared = simulate(tilted, 10 * ms, initial=rest, **drive)
    each = simulate(tilted, 10 * ms, settle=30 * ms, **drive)
    np.testing.assert_array_equal(shared.final_v_si, each.final_v_si)
    alone = simulate(tilted, 10 * ms, settle=30 * ms, stimulus=Constant(0.3 * nA))
    np.testing.assert_allclose(each.final_v_si[:, 2], alone.final_v_si[:, 0], rtol=1e-12)
    # One state starts another number of rows; one row of several is taken out.
    differing = {"hh_sodium.g": [0.12, 0.11] * nS / um**2}
    more = settle(tilted, 1 * ms, batch=differing, engine="numpy")
    assert more.rows == 2
    assert more.row(1).rows == 1
    simulate(tilted, 1 * ms, initial=more.row(1), batch=batch, stimulus=Constant(0 * nA))


@pytest.mark.slow
def test_noise_of_a_stimulus_may_come_and_go():
    drive = Constant(100 * pA)
    noise = simulate(
        LIF(), 10 * ms, stimulus=drive + OrnsteinUhlenbeck(), seed=3, engine="numpy"
    ).state
    silent = simulate(LIF(), 10 * ms, stimulus=drive, initial=noise, engine="numpy")
    assert simulate(
        LIF(), 10 * ms, stimulus=drive + OrnsteinUhlenbeck(), initial=silent.state, engine="numpy"
    )
    at_rest = noise.restarted()
    again = simulate(LIF(), 10 * ms, stimulus=drive, initial=at_rest, engine="numpy")
    assert again.start_s == 0
    assert float(again.final_si["v"][0]) == float(silent.final_si["v"][0])


VOLTAGE = VoltageClamp(
    holding=-70 * mV, levels=[-20, -50] * mV, durations=[3, 5] * ms, onset=1.5 * ms, R_s=5 * Mohm
)
CURRENT = CurrentClamp(
    current=Steps(0.3 * nA, onset=1 * ms, duration=4 * ms), R_e=20 * Mohm, C_e=5 * pF
)


@pytest.mark.parametrize(
    "clamp", [VOLTAGE, VOLTAGE.replace(R_s=0 * Mohm), CURRENT], ids=["R_s", "ideal", "current"]
)
def test_clamps_go_on_in_their_protocol(clamp):
    # Cut within a level, and just before an edge.
    arguments = {"stimulus": clamp, "record": ["v"], "engine": "numpy"}
    assert_one_run(*in_pieces(cell(), [2 * ms, 2.475 * ms, 4 * ms], **arguments))


def test_a_clamp_that_comes_late_is_where_its_protocol_is():
    state = simulate(cell(), 4 * ms, engine="numpy").state
    slow = VOLTAGE.replace(levels=-20 * mV, durations=50 * ms, R_s=0.1 * Mohm)
    late = simulate(cell(), 6 * ms, stimulus=slow, initial=state, engine="numpy", record=["v"])
    assert late.traces_si["v"][0, -1] == pytest.approx(-0.02, abs=2e-3)
    # And it may be taken away again.
    assert simulate(cell(), 1 * ms, initial=late.state, engine="numpy").rows == 1
