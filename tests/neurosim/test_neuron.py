"""Neurons with extent, by their description: theory, bad input, and one neuron driving the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from brian2.units import Hz, Quantity, amp, cm, meter, mS, ms, mV, nA, nS, ohm, pA, uF, um

from neurosim import Constant, Neuron, Steps, WhiteNoise, simulate
from neurosim.channels import (
    SK,
    CalciumL,
    CalciumPool,
    CalciumT,
    Channel,
    HHPotassium,
    HHSodium,
    Leak,
    squid_axon,
)
from neurosim.describe.parts import Cable, Poisson, Spines
from neurosim.engine.programs.compiler import find_compiler
from neurosim.errors import EngineError, NeurosimError, ParameterError, UnitError, UnknownNameError
from neurosim.morphology import (
    MaxLength,
    PerBranch,
    at,
    ball_and_stick,
    by_density,
    cylinder,
    every,
    everywhere,
    tagged,
    uniformly,
)
from neurosim.quantities import quantity
from neurosim.synapses import AMPA, DoubleExponential, Events
from neurosim.terminals import QuantalRelease

SHAPE = ball_and_stick(20 * um, 500 * um, 2 * um)
LEAK = Leak(g=0.05 * mS / cm**2, E=-70 * mV)


def passive(shape=SHAPE, rule=None, **more) -> Neuron:
    return Neuron(shape, rule or PerBranch(1, {"dendrite": 25}), **more).paint(LEAK)


def squid() -> Neuron:
    return (
        Neuron(SHAPE, PerBranch(1, {"dendrite": 11}), celsius=6.3, rest=-65 * mV)
        .paint(squid_axon(), tagged("soma"))
        .paint(Leak(g=0.1 * mS / cm**2, E=-65 * mV), tagged("dendrite"), label="dendrite_leak")
    )


@pytest.mark.slow
# ---- detection ----------------------------------------------------------------------------------
@pytest.mark.parametrize("engine", ["cpp", "numpy"])
def test_a_crossing_within_the_refractory_period_is_no_spike(engine):
    if engine == "cpp" and find_compiler() is None:
        pytest.skip("no C++ compiler")
    cell = (
        squid()
        .detect(at("soma"), label="every")
        .detect(at("soma"), refractory=1.5 * 12 * ms, label="some")
        .detect(at("dendrite", 0.5), -60 * mV, refractory=1 * ms, label="dendrite")
    )
    found = simulate(
        cell, 120 * ms, stimulus=Constant(), batch={"current": [0.2, 0.3] * nA}, engine=engine
    )
    for row in (0, 1):
        spikes = np.asarray(found.spike_times_at("every", row))
        assert len(spikes) >= 6
        expected = [spikes[0]]
        for spike in spikes[1:]:
            if spike - expected[-1] >= 18e-3:
                expected.append(spike)
        np.testing.assert_array_equal(np.asarray(found.spike_times_at("some", row)), expected)
        assert len(expected) < len(spikes)
        assert len(found.spike_times_at("dendrite", row)) == len(spikes)


@pytest.mark.slow
def test_two_electrodes_at_one_place_are_one_of_twice_the_current():
    """Two points on a cell of two compartments, both on the same one."""
    cell = Neuron(SHAPE, PerBranch(1)).paint(LEAK)
    where = uniformly(tagged("soma"), 2, seed=1)
    both = cell.place(Constant(50 * pA), where)
    one = cell.place(Constant(100 * pA), at("soma"))
    twice, once = (simulate(c.probe("v", at("soma")), 20 * ms).trace("v") for c in (both, one))
    np.testing.assert_allclose(np.asarray(twice), np.asarray(once), rtol=1e-12)


# ---- theory -------------------------------------------------------------------------------------
@pytest.mark.slow
def test_rall_equivalent_cylinder_within_10_microvolt():
    """A tree with the 3/2 power law and equal electrotonic depth is one cylinder (Rall 1959)."""
    R_a, d = 100.0, 4.0
    thin = d / 2 ** (2 / 3)
    # Length constants go with the root of the diameter: daughters of equal electrotonic length.
    length, daughter = 400.0, 400.0 * np.sqrt(thin / d)
    trunk = cylinder(length * um, d * um, name="trunk")
    tree = trunk
    for k in range(2):
        twig = cylinder(daughter * um, thin * um, name=f"twig{k}")
        tree = tree.join(twig, "trunk")
    rod = cylinder(2 * length * um, d * um, name="trunk")
    cable = Cable(R_a=R_a * ohm * cm)
    traces = []
    for shape, rule in ((tree, PerBranch(81)), (rod, PerBranch(162))):
        cell = passive(shape, rule, cable=cable).place(
            Steps(amplitude=0.5 * nA, duration=5 * ms), at("trunk", 0.0)
        )
        cell = cell.probe("v", at("trunk", 0.0))
        recording = simulate(cell, 40 * ms, dt=0.025 * ms)
        traces.append(np.asarray(recording.trace("v"))[0])
    assert traces[0].max() > -0.06
    assert np.max(np.abs(traces[0] - traces[1])) < 10e-6


@pytest.mark.slow
def test_finite_cable_within_10_microvolt():
    """Steady state of a sealed cable against cosh and tanh, injected at one end."""
    cell = passive(cylinder(800 * um, 2 * um, name="rod"), PerBranch(801)).place(
        Constant(0.02 * nA), at("rod", 0.0)
    )
    cell = cell.probe("v", at("rod", 0.0), label="near").probe("v", at("rod", 1.0), label="far")
    recording = simulate(cell, 600 * ms, dt=0.2 * ms, scheme="backward-euler", record_dt=600 * ms)
    R_m, R_a, d = 1 / 0.5, 1.0, 2e-6
    length_constant = np.sqrt(R_m * d / (4 * R_a))
    resistance = 2 * np.sqrt(R_m * R_a) / (np.pi * d**1.5)
    # The current enters, and the potential is read, at the centres of the end compartments.
    off, whole = 800e-6 / 801 / 2 / length_constant, 800e-6 / length_constant

    def theory(x: float) -> float:
        spread = np.cosh(off) * np.cosh(whole - x) / np.sinh(whole)
        return 2e-11 * resistance * spread

    near, far = (float(np.asarray(recording.trace(n))[0, -1]) + 0.07 for n in ("near", "far"))
    assert near == pytest.approx(theory(off), abs=10e-6)
    assert far == pytest.approx(theory(whole - off), abs=10e-6)


@dataclass(frozen=True, eq=False, repr=False)
class SteadyCalcium(Channel):
    """A calcium current that depends on nothing."""

    flow: Quantity = quantity(0.05 * amp / meter**2, "current density")
    current: ClassVar[str] = "flow"
    ion: ClassVar[str | None] = "ca"


@pytest.mark.slow
def test_calcium_is_conserved():
    """Under a steady current the pumps take out what enters through the membrane."""
    pool = CalciumPool()
    cell = passive().paint((SteadyCalcium(), pool), tagged("soma")).probe("ca_i", at("soma", 0.5))
    flow = np.array([0.05, 0.02, 0.0])
    recording = simulate(
        cell, 200 * ms, dt=0.1 * ms, batch={"steady_calcium.flow": flow * amp / meter**2}
    )
    held = np.asarray(recording.trace("ca_i"))[:, -1] - float(pool.rest)
    entered = flow * float(pool.free) / (2 * 96485.33212 * float(pool.depth))
    removed = held / float(pool.tau)
    np.testing.assert_allclose(removed, entered, rtol=1e-6, atol=1e-12)


@pytest.mark.slow
def test_spines_scale_membrane_but_not_axial_resistance():
    """Time constant is unchanged, input resistance falls as the membrane grows."""
    rise = {}
    for factor in (1.0, 2.0):
        cell = passive(cylinder(50 * um, 5 * um, name="rod"), PerBranch(5))
        cell = cell.paint(Spines(factor=Quantity(factor))).probe("v", at("rod", 0.5))
        recording = simulate(cell, 400 * ms, stimulus=Constant(5 * pA), dt=0.1 * ms)
        rise[factor] = np.asarray(recording.trace("v"))[0] + 0.07
    np.testing.assert_allclose(rise[1.0], 2 * rise[2.0], rtol=0, atol=2e-6)


@pytest.mark.slow
def test_poisson_synapses_have_campbells_mean():
    """Mean conductance N r g tau-area, over many cells and synapses placed by density."""
    site = by_density(tagged("dendrite"), per_length=1 / um, seed=3)
    synapse = DoubleExponential(g=0.1 * nS, tau_rise=0.5 * ms, tau_decay=5 * ms, E=0 * mV)
    number = len(site.compartments(passive().compartments))
    assert 400 < number < 600  # itself a Poisson draw
    dendrite = every(tagged("dendrite"))
    cell = passive().place(synapse, site, Poisson(5 * Hz)).probe("v", dendrite)
    cell = cell.probe("double_exponential.current", dendrite)
    recording = simulate(cell, 1000 * ms, dt=0.1 * ms, seed=np.arange(20), record_dt=0.5 * ms)
    total = np.zeros((20, 2000))
    for name, trace in recording.traces_si.items():
        if name.startswith("double"):
            v = recording.traces_si[name.replace("double_exponential.current", "v")]
            total += trace / (0 - v)
    mean = total[:, 200:].mean(axis=1)
    expected = number * 5 * 0.1e-9 * float(synapse.area)
    error = mean.std() / np.sqrt(20)
    assert mean.mean() == pytest.approx(expected, abs=4 * error)
    assert error < 0.02 * expected


@pytest.mark.slow
def test_a_batch_of_noise_and_conductances_is_that_of_lone_cells():
    cell = squid()
    noise = WhiteNoise(intensity=1 * pA * (1 * ms) ** 0.5)
    many = simulate(
        cell, 50 * ms, stimulus=Constant(0.2 * nA) + noise, seed=[1, 2, 3],
        batch={"hh_sodium.g": [120, 100, 110] * mS / cm**2},
    )  # fmt: skip
    for row, (seed, g) in enumerate(zip([1, 2, 3], [120, 100, 110], strict=True)):
        alone = simulate(
            cell, 50 * ms, stimulus=Constant(0.2 * nA) + noise, seed=seed,
            batch={"hh_sodium.g": [g] * mS / cm**2},
        )  # fmt: skip
        one, other = np.asarray(many.spike_train(row)), np.asarray(alone.spike_train(0))
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)
    assert len({tuple(np.asarray(train)) for train in many.spike_trains()}) == 3


@pytest.mark.slow
def test_calcium_opens_its_potassium_channel():
    cell = passive().paint((CalciumL(), CalciumPool(), SK()), tagged("soma"))
    cell = cell.probe("ca_i", at("soma", 0.5)).probe("sk.current", at("soma", 0.5))
    recording = simulate(
        cell, 200 * ms, stimulus=Steps(amplitude=0.5 * nA, onset=50 * ms, duration=100 * ms),
        record_dt=1 * ms,
    )  # fmt: skip
    calcium = np.asarray(recording.trace("ca_i"))[0]
    outward = -np.asarray(recording.trace("sk.current"))[0]
    assert calcium[140] > 1.5 * calcium[40]
    assert outward[140] > outward[40]
    assert str(recording.trace("ca_i")[0, 0].dim) == "m^-3 mol"


@pytest.mark.slow
def test_one_neuron_drives_the_next_through_its_terminal():
    first = squid()
    spikes = simulate(first, 60 * ms, stimulus=Constant(0.3 * nA)).spike_train(0)
    terminal = QuantalRelease(N=10, p=1.0, cv=0.0)
    events = terminal.release(spikes + 1 * ms, seed=1)
    second = passive().place(AMPA(g=1 * nS), at("dendrite", 0.5), events)
    recording = simulate(second, 60 * ms, record=["v"])
    v = np.asarray(recording.trace("v"))[0]
    arrives = np.round((np.asarray(spikes) + 1e-3) / 25e-6).astype(int)
    assert np.all(np.abs(v[: arrives[0] - 1] + 0.07) < 1e-6)
    assert v.max() > -0.068


@pytest.mark.slow
def test_settling_brings_the_cell_to_rest():
    cell = squid().probe("v", at("soma", 0.5)).replace(rest=-75 * mV)
    moving = np.asarray(simulate(cell, 5 * ms).trace("v"))[0]
    still = np.asarray(simulate(cell, 5 * ms, settle=200 * ms).trace("v"))[0]
    assert np.ptp(moving) > 1e-3
    assert np.ptp(still) < 1e-5


# ---- the value ----------------------------------------------------------------------------------
def test_a_neuron_is_a_value():
    assert squid().to_dict() == squid().to_dict()
    painted = passive().paint(HHSodium(), tagged("soma"))
    assert painted is not passive()
    assert len(passive().painted) == 1


@pytest.mark.slow
def test_recordings_reach_xarray_and_neo():
    recording = simulate(squid(), 20 * ms, stimulus=Constant(0.3 * nA), record=["v"])
    assert recording.to_pandas()["time_s"].size == recording.counts()[0]
    pytest.importorskip("xarray")
    assert recording.to_xarray()["v"].shape == (1, 800)


# ---- bad input ----------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False, repr=False)
class Unfinished(Channel):
    """A channel that forgot its reversal potential."""

    g: Quantity = quantity(1 * mS / cm**2, "conductance")
    current: ClassVar[str] = "g*(E_rev - v)"


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: passive().paint(HHSodium(), tagged("apical")), NeurosimError, "apical"),
        (lambda: passive().paint(Leak(), tagged("soma")), ParameterError, "another name"),
        (lambda: passive().paint(AMPA()), ParameterError, "place"),
        (lambda: passive().place(Leak(), at("soma", 0.5)), ParameterError, "paint"),
        (lambda: passive().place(Constant(), at("some", 0.5)), NeurosimError, "soma"),
        (lambda: passive().paint(Unfinished()), UnknownNameError, "E_rev"),
        (lambda: passive().paint(SK(), tagged("soma")), ParameterError, "CalciumPool"),
        (lambda: Neuron("cell.swc"), ParameterError, "read_swc"),
        (lambda: passive(celsius=300), ParameterError, "°C"),
        (lambda: passive(rest=-70), UnitError, "mV"),
        (lambda: passive().probe("w", at("soma", 0.5)), UnknownNameError, "there is no 'w'"),
        (lambda: passive().detect(every(everywhere)), ParameterError, "single point"),
        (lambda: passive().detect(at("soma"), refractory=-1 * ms), ParameterError, "at least 0"),
        (lambda: passive().detect(at("soma"), refractory=2 * mV), UnitError, "refractory"),
        (lambda: passive().place(AMPA(), at("soma", 0.5), [Events.at([1] * ms)] * 3),
         ParameterError, "3 lists of events for 1 points"),
        (lambda: passive(rule=MaxLength(0 * um)), ParameterError, "greater than"),
    ],
)  # fmt: skip
def test_bad_descriptions(make, error, says):
    with pytest.raises(error, match=says):
        simulate(make(), 1 * ms)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"dt": 5 * ms}, ParameterError, r"too long for 'm' of 'hh_sodium'.* or less"),
        ({"dt": 20 * ms}, ParameterError, "longer than the duration"),
        ({"scheme": "rk4"}, UnknownNameError, "crank-nicolson"),
        ({"batch": {"hh_sodium.gg": [1] * mS / cm**2}}, UnknownNameError, "hh_sodium.g"),
        ({"batch": {"hh_sodium.g": [1, 2] * mV}}, UnitError, "hh_sodium.g"),
        ({"batch": {"hh_sodium.g": [1, 2] * mS / cm**2}, "seed": [1, 2, 3]}, ParameterError,
         "one length"),
        ({"batch": {"E": [1, 2] * mV}}, UnknownNameError, "could be any of"),
        ({"record_rows": [0]}, ParameterError, "point neurons"),
    ],
)  # fmt: skip
def test_bad_runs(arguments, error, says):
    with pytest.raises(error, match=says):
        simulate(squid(), 10 * ms, **arguments)


@pytest.mark.slow
def test_a_diverging_neuron_is_told():
    with pytest.raises(EngineError, match=r"smaller than 0\.1 ms"):
        simulate(passive(), 10 * ms, stimulus=Constant(1e6 * nA), dt=0.1 * ms)


def test_an_unpainted_potassium_is_not_run_elsewhere():
    """Channels cost nothing and act nowhere where they are not painted."""
    cell = squid()
    with pytest.raises(UnknownNameError, match="hh_potassium"):
        simulate(cell.probe("hh_potassium.n", at("dendrite", 0.5)), 1 * ms)
    assert HHPotassium().name == "hh_potassium"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "auto"])
def test_capacitance_can_differ_between_the_cells_of_a_batch(engine):
    membrane = Neuron(cylinder(50 * um, 20 * um), PerBranch(3), rest=-70 * mV).paint(
        Leak(g=0.1 * mS / cm**2, E=-70 * mV)
    )
    dend = membrane.paint(Cable(C_m=2 * uF / cm**2), everywhere, label="myelin")
    step = {"stimulus": Constant(5 * pA), "record": ["v"], "dt": 0.01 * ms, "engine": engine}
    both = simulate(membrane, 10 * ms, batch={"C_m": [1, 2] * uF / cm**2}, **step)
    charged = both.traces_si["v"][:, -1] + 0.07
    # tau = C/g of 10 and 20 ms; the cable is far shorter than its space constant.
    assert charged[0] / charged[1] == pytest.approx((1 - np.exp(-1)) / (1 - np.exp(-0.5)), rel=2e-3)
    painted = simulate(dend, 10 * ms, batch={"myelin.C_m": [1, 2] * uF / cm**2}, **step)
    assert np.allclose(painted.traces_si["v"], both.traces_si["v"], rtol=0, atol=1e-15)
    with pytest.raises(NeurosimError, match="C_m"):
        simulate(membrane, 1 * ms, batch={"C_m": [0, 1] * uF / cm**2}, engine=engine)


@pytest.mark.slow
@pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler was found")
def test_long_traces_stay_on_disk(monkeypatch):
    cell = passive().probe("v", every(tagged("dendrite")))
    given = {"stimulus": Constant(20 * pA), "batch": {"current": [1, 2, 3] * pA}}
    held = simulate(cell, 5 * ms, **given)
    monkeypatch.setenv("NEUROSIM_TRACE_MEMORY", "1000")
    streamed = simulate(cell, 5 * ms, **given)
    assert isinstance(streamed.traces_si["v[3]"], np.memmap)
    assert not isinstance(held.traces_si["v[3]"], np.memmap)
    assert len(held.traces_si) == 25
    for name, values in held.traces_si.items():
        assert np.array_equal(values, streamed.traces_si[name])


def test_what_identifies_a_neuron_tells_shapes_and_gradients_apart():
    def with_gradient(slope):
        return passive().paint(HHSodium(), tagged("dendrite"), scale=lambda x: 1 + slope * x)

    longer = passive(ball_and_stick(20 * um, 500.001 * um, 2 * um))
    assert passive().to_dict() == passive().to_dict()
    assert passive().to_dict()["shape_sha256"] != longer.to_dict()["shape_sha256"]
    assert with_gradient(1.0).to_dict() == with_gradient(1.0).to_dict()
    assert with_gradient(1.0).to_dict() != with_gradient(2.0).to_dict()


def test_a_gradient_multiplies_a_permeability_and_nothing_else_in_silence():
    calcium = passive().paint(CalciumPool())
    for scale, factor in ((None, 1), (lambda x: 0 * x, 0)):
        cell = calcium.paint(CalciumT(), scale=scale).probe("calcium_t.current", at("soma", 0.5))
        current = simulate(cell, 1 * ms, engine="numpy").traces_si["calcium_t.current"]
        assert np.any(current != 0) == bool(factor)
    for part in (CalciumPool(name="other"), Spines(), Cable()):
        with pytest.raises(ParameterError, match="has neither"):
            passive().paint(part, scale=lambda x: x)
    with pytest.raises(ParameterError, match="function of the distance"):
        passive().paint(HHSodium(), scale=2.0)
    with pytest.raises(ParameterError, match="each of the 26"):
        passive().paint(HHSodium(), scale=lambda x: x[:3])


def test_labels_that_no_program_could_hold_are_refused():
    for label in ("my ampa", "ampa-1", "in.1", "été", "1x"):
        with pytest.raises(ParameterError, match="one word"):
            passive().place(AMPA(), at("soma", 0.5), label=label)
    placed = passive().place(Constant(1 * pA), at("soma", 0.5), label="stimulus")
    with pytest.raises(ParameterError, match="another label"):
        simulate(placed, 1 * ms, stimulus=Constant(1 * pA))
    with pytest.raises(ParameterError, match="one by one"):
        passive().paint([HHSodium(), HHPotassium()], label="squid")


@pytest.mark.slow
@pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler was found")
def test_progress_ends_at_one():
    told = []
    simulate(passive(), 65 * 0.025 * ms, dt=0.025 * ms, progress=told.append)
    assert told[-1] == 1.0
    assert max(told) == 1.0


@dataclass(frozen=True, eq=False, repr=False)
class Odd(Channel):
    """Functions that no channel of the catalogue calls."""

    g: Quantity = quantity(0.1 * mS / cm**2, "conductance")
    E: Quantity = quantity(-60 * mV, "reversal")
    name: str = "odd"
    equations: ClassVar[str] = """
    dn/dt = (high - n)/(5*ms) : 1
    high = abs(v/(100*mV)) + 0.1*arctan(v/mV) + 0.1*((v/mV) % 3) + step : 1
    step = sign(v/mV) + floor(v/(10*mV)) + ceil(v/(7*mV)) + 16 : 1
    low = log10(1 + (v/mV)**2) + sin(v/(30*mV)) : 1
    """
    current: ClassVar[str] = "g*(n + 0.01*low)*(E - v)"


@pytest.mark.slow
@pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler was found")
def test_every_function_is_the_same_compiled_and_in_the_oracle():
    cell = passive().paint(Odd(), tagged("soma")).probe("v", at("soma", 0.5))
    both = [
        simulate(cell, 3 * ms, stimulus=Constant(30 * pA), engine=engine).traces_si["v"]
        for engine in ("cpp", "numpy")
    ]
    assert np.max(np.abs(both[0] - both[1])) < 1e-9
