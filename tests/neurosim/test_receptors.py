"""Receptors against closed forms, the acceptance table and a numerical integration of their own."""

import json
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from brian2 import Mohm, Quantity, cm, mM, ms, mV, nS, ohm, second, uM, um
from brian2.units import pA
from scipy.integrate import quad, solve_ivp
from scipy.optimize import minimize_scalar

from neurosim import Constant, simulate
from neurosim.channels import CalciumT, Leak
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.equations.evaluate import evaluate, parse
from neurosim.errors import ParameterError, UnitError, UnknownNameError
from neurosim.morphology import PerBranch, at, cylinder
from neurosim.synapses import (
    AMPA,
    GABAA,
    GABAB,
    NMDA,
    Dopamine,
    DoubleExponential,
    Events,
    Exponential,
    KineticAMPA,
    KineticGABAA,
    KineticGABAB,
    KineticNMDA,
    Nicotinic,
    Spine,
    magnesium_block,
)


@pytest.fixture(scope="module")
def analytic(shared_targets):
    return json.loads((shared_targets / "analytic_public.json").read_text())


def integrate(part, events, times_ms, v=-70.0):
    """Follow the part's own equations with scipy, jumping at events as an engine does."""
    states = list(part.states)
    fixed = {**part.parameters(), **part.constants(), "v": v * mV}
    dims = {name: parse(part.equations)[name].dim for name in states}

    def slope(t, y):
        values = {n: Quantity(x, dim=dims[n]) for n, x in zip(states, y, strict=True)}
        return [
            float(evaluate(part.equations, parse(part.equations)[n].expr.code, {**fixed, **values}))
            for n in states
        ]

    y = np.zeros(len(states))
    out = []
    edges = np.concatenate([events.time_s, [times_ms[-1] * 1e-3 + 1e-9]])
    for k, start in enumerate(events.time_s):
        for n in part.on_event:
            y[states.index(n)] += part.jump(n, events.weight[k])
        inside = [t * 1e-3 for t in times_ms if start <= t * 1e-3 < edges[k + 1]]
        path = solve_ivp(
            slope, (start, edges[k + 1]), y, t_eval=[*inside, edges[k + 1]], rtol=1e-9, atol=1e-13
        )
        out += [dict(zip(states, column, strict=True)) for column in path.y.T[:-1]]
        y = path.y[:, -1]
    return out


class TestDoubleExponential:
    @pytest.mark.parametrize(
        "key", ["0.2_1.7", "0.5_2.0", "2.0_75.0", "0.5_5.0", "4.0_75.0", "45.0_150.0"]
    )
    def test_peak_norm_and_charge_of_the_acceptance_table(self, analytic, key):
        rise, decay = map(float, key.split("_"))
        part = DoubleExponential(tau_rise=rise * ms, tau_decay=decay * ms)
        wanted = analytic["exp2syn"][key]
        assert float(part.peak_time / ms) == pytest.approx(wanted["t_peak_ms"], rel=1e-9)
        assert part.normalisation == pytest.approx(wanted["norm"], rel=1e-9)
        assert float(part.area / ms) == pytest.approx(wanted["charge_per_gpeak_ms"], rel=1e-9)

    def test_the_peak_is_one_where_it_is_said_to_be(self):
        part = AMPA()
        top = minimize_scalar(
            lambda t: -part.open_fraction(t * ms), bounds=(0.01, 5), method="bounded"
        )
        assert -top.fun == pytest.approx(1, rel=1e-9)
        assert top.x == pytest.approx(float(part.peak_time / ms), abs=1e-3)
        area, _ = quad(lambda t: float(part.open_fraction(t * ms)), 0, 60, epsabs=1e-12)
        assert area == pytest.approx(float(part.area / ms), rel=1e-9)

    @pytest.mark.parametrize("kind", [AMPA, NMDA, GABAA, GABAB, Nicotinic])
    def test_equations_and_closed_form_agree(self, kind):
        part = kind()
        times = [0.3, 1.0, 4.0, 30.0]
        course = integrate(part, Events.at([0] * ms, weight=3.0), times)
        opened = [state["B"] - state["A"] for state in course]
        wanted = 3 * part.open_fraction(times * ms)
        np.testing.assert_allclose(opened, wanted, rtol=1e-6, atol=1e-10)

    def test_current_of_many_quanta(self):
        part = GABAA(g=2 * nS)
        values = part.values(-60 * mV, A=0.2, B=0.7)
        current = evaluate(part.equations, part.current, values)
        assert float(current / pA) == pytest.approx(2 * 0.5 * (-75 + 60))

    def test_default_reversal_potentials_lie_in_the_published_ranges(self):
        assert float(AMPA().E) == float(NMDA().E) == 0
        assert -80 <= float(GABAA().E / mV) <= -70
        assert -95 <= float(GABAB().E / mV) <= -90
        assert -10 <= float(Nicotinic().E / mV) <= 0

    def test_exponential_decays_from_its_jump(self):
        course = integrate(Exponential(tau=3 * ms), Events.at([0] * ms, 2.0), [1.0, 3.0, 9.0])
        np.testing.assert_allclose(
            [state["s"] for state in course], 2 * np.exp(-np.array([1, 3, 9]) / 3), rtol=1e-8
        )

    def test_rise_must_be_faster_than_decay(self):
        with pytest.raises(ParameterError, match="alpha function"):
            DoubleExponential(tau_rise=2 * ms, tau_decay=2 * ms)


class TestMagnesiumBlock:
    def test_table(self, analytic):
        """Jahr and Stevens (1990), to every digit of the table."""
        for magnesium, row in analytic["nmda_jahr_stevens"]["B"].items():
            v = np.array([float(key) for key in row])
            block = magnesium_block(v * mV, float(magnesium) * mM)
            np.testing.assert_allclose(block, list(row.values()), rtol=1e-9)

    def test_half_block_and_peak_inward_current(self, analytic):
        target = analytic["nmda_jahr_stevens"]
        half = np.log(1 / 3.57) / 0.062
        assert half == pytest.approx(target["V_half_1mM"], abs=1e-9)
        assert float(magnesium_block(half * mV)) == pytest.approx(0.5)
        peak = minimize_scalar(
            lambda v: v * float(magnesium_block(v * mV)), bounds=(-60, 0), method="bounded"
        )
        assert peak.x == pytest.approx(target["V_of_peak_inward_current_1mM_E0"], abs=1e-3)

    @pytest.mark.parametrize("kind", [NMDA, KineticNMDA])
    def test_the_receptor_carries_the_same_block(self, kind):
        part = kind(Mg=1.4 * mM)
        for v in (-80.0, -40.0, 20.0):
            block = evaluate(part.equations, "block", part.values(v * mV))
            assert float(block) == pytest.approx(float(magnesium_block(v * mV, 1.4 * mM)))

    def test_without_magnesium_nothing_is_blocked(self):
        assert float(magnesium_block(-90 * mV, 0 * mM)) == 1

    def test_units(self):
        with pytest.raises(UnitError, match="must carry a unit"):
            magnesium_block(-70)


class TestKineticSchemes:
    @pytest.mark.parametrize(
        ("kind", "key"), [(KineticAMPA, "AMPA"), (KineticNMDA, "NMDA"), (KineticGABAA, "GABAA")]
    )
    def test_one_pulse_of_1_mM_for_1_ms(self, analytic, kind, key):
        target = analytic["receptor_two_state_1mM_1ms"][key]
        part = kind()
        release = Events.at([0] * ms)
        times = np.linspace(0, 40, 4001)
        course = part.open_fraction(times * ms, release)
        assert course.max() == pytest.approx(target["peak_open"], rel=1e-9)
        assert times[course.argmax()] == pytest.approx(target["t_peak_ms"])
        assert part.peak == pytest.approx(target["peak_open"], rel=1e-9)
        assert float(part.rise_time_constant / ms) == pytest.approx(target["rise_tau_ms"])
        late = course[times >= 1]
        decay = -(times[-1] - 1) / np.log(late[-1] / late[0])
        assert decay == pytest.approx(target["decay_tau_ms"], rel=1e-9)

    @pytest.mark.parametrize("kind", [KineticAMPA, KineticNMDA, KineticGABAA, KineticGABAB])
    def test_equations_and_closed_form_agree_over_a_train(self, kind):
        """Saturating, overlapping and separate pulses, through the events an engine gets."""
        part = kind()
        release = Events.at([1, 3, 3.4, 10, 60] * ms)
        times = [1.5, 2.5, 3.8, 4.3, 9.0, 30.0, 61.0, 90.0]
        course = integrate(part, part.pulses(release), times)
        if kind is KineticGABAB:
            ours = part.g_protein(times * ms, release) / uM
            np.testing.assert_allclose([s["G"] * 1e3 for s in course], ours, rtol=1e-5)
            opened = [
                float(
                    evaluate(part.equations, "ratio/(1 + ratio)", part.values(-70 * mV, G=g * uM))
                )
                for g in ours
            ]
            np.testing.assert_allclose(part.open_fraction(times * ms, release), opened, rtol=1e-9)
        else:
            ours = part.open_fraction(times * ms, release)
            np.testing.assert_allclose([s["r"] for s in course], ours, rtol=1e-5)

    def test_nothing_is_open_before_the_first_release(self):
        assert np.all(KineticAMPA().open_fraction([0, 4.9] * ms, Events.at([5] * ms)) == 0)

    def test_a_release_within_a_pulse_prolongs_it(self):
        edges = KineticAMPA().pulses(Events.at([0, 0.6, 5] * ms))
        np.testing.assert_allclose(edges.time_s, [0, 1.6e-3, 5e-3, 6e-3])
        assert edges.weight.tolist() == [1, -1, 1, -1]
        again = KineticAMPA().arrivals(edges)
        assert again.time_s.tolist() == edges.time_s.tolist()
        plain = Events.at([0, 0.6, 5] * ms)
        assert KineticAMPA().arrivals(plain).time_s.tolist() == edges.time_s.tolist()
        assert AMPA().arrivals(plain) is plain

    def test_a_release_of_nothing_makes_no_pulse(self):
        events = Events(np.array([0.0, 0.01]), np.array([0.0, 2.0]))
        assert KineticAMPA().pulses(events).time_s.tolist() == [0.01, 0.011]

    def test_gaba_b_answers_to_bursts_not_to_single_spikes(self):
        """Destexhe and Sejnowski (1995): the fourth power of the G-protein."""
        part = KineticGABAB()
        times = np.arange(0, 800, 1.0) * ms
        one = part.open_fraction(times, Events.at([0] * ms)).max()
        ten = part.open_fraction(times, Events.at(np.arange(10) * 5 * ms)).max()
        assert ten > 100 * one
        assert ten < 1

    def test_pulses_of_several_trials_are_refused(self):
        with pytest.raises(ParameterError, match=r"events\.trial"):
            KineticAMPA().pulses(Events(np.zeros(1), np.ones((3, 1))))


class TestDopamine:
    def test_constant_level_gives_the_occupancy(self):
        gates = Dopamine().gates(-70 * mV, D=3 * uM)
        assert float(gates["a"].steady) == pytest.approx(0.75)
        assert float(gates["a"].tau / second) == pytest.approx(5)

    def test_factor_agrees_with_the_equations(self):
        part = Dopamine("ampa", effect=-0.4, tau_effect=0.3 * second)
        burst = Events.at([0, 50, 100, 400] * ms)
        times = [60.0, 150.0, 390.0, 500.0, 900.0]
        course = integrate(part, burst, times)
        wanted = [1 - 0.4 * state["a"] for state in course]
        np.testing.assert_allclose(part.factor(times * ms, burst), wanted, rtol=1e-6)

    def test_a_small_dose_follows_the_linear_theory(self):
        """D << K: a = (d/K)/(tau_a (1/tau_u - 1/tau_a)) (e^-t/tau_a - e^-t/tau_u)."""
        part = Dopamine(amount=1e-5 * uM, effect=1.0)
        t = np.array([0.1, 1.0, 8.0])
        fast, slow = 0.075, 5.0
        wanted = 1e-5 / slow / (1 / fast - 1 / slow) * (np.exp(-t / slow) - np.exp(-t / fast))
        ours = part.factor(t * second, Events.at([0] * ms)) - 1
        np.testing.assert_allclose(ours, wanted, rtol=1e-4)

    def test_modulated_events_open_the_receptor_in_proportion(self):
        """The weights at the target follow the effect of the burst as it comes and goes."""
        part, receptor = Dopamine("nmda", effect=1.0, tau_effect=0.2 * second), NMDA()
        burst = Events.at(np.arange(10) * 20 * ms)
        events = Events.at([100, 300, 1500] * ms, weight=2.0)
        ours = part.modulate(receptor, events, burst)
        np.testing.assert_allclose(ours.weight, 2 * part.factor([100, 300, 1500] * ms, burst))
        assert 2 < ours.weight[2] < ours.weight[0]
        assert float(part.scaled(receptor, 0.5).g / receptor.g) == pytest.approx(1.5)
        assert part.modulate(receptor, Events.at([] * ms), burst).time_s.size == 0

    def test_what_is_not_the_target_is_refused(self):
        burst = Events.at([0] * ms)
        with pytest.raises(ParameterError, match=r"Dopamine\('ampa'\) would"):
            Dopamine("nmda").modulate(AMPA(), burst, burst)
        with pytest.raises(ParameterError, match="saturates"):
            Dopamine("kinetic_ampa").modulate(KineticAMPA(), burst, burst)
        with pytest.raises(ParameterError, match="no conductance g"):
            Dopamine("calcium_t").scaled(CalciumT(), 1.0)
        with pytest.raises(ParameterError, match="between 0 and 1"):
            Dopamine("nmda").scaled(NMDA(), 2.0)


class TestSpine:
    def test_neck_resistance_is_4_Ra_L_over_pi_d_squared(self):
        spine = Spine(neck_length=1.5 * um, neck_diameter=0.2 * um)
        ours = float(spine.neck_resistance(150 * ohm * cm) / Mohm)
        assert ours == pytest.approx(4 * 1.5 * 1.5e-6 / (np.pi * 0.04e-12) / 1e6)

    def test_default_neck_lies_in_the_measured_range(self):
        assert 23 < float(Spine().neck_resistance() / Mohm) < 420

    def test_area_factor(self):
        """F = (A_dendrite + A_spines)/A_dendrite over 7 um of dendrite."""
        spine = Spine(head_diameter=0.6 * um, neck_length=0.8 * um, neck_diameter=0.15 * um)
        each = np.pi * 0.6**2 + np.pi * 0.15 * 0.8
        dendrite = np.pi * 1.2 * 7
        ours = spine.area_factor(1.2 * um, 2 / um)
        assert float(ours) == pytest.approx((dendrite + 14 * each) / dendrite)

    def test_head_and_neck_as_branches(self):
        """Area of the head, and the neck's resistance in the electrical tree."""
        spine = Spine()
        shape = cylinder(100 * um, 1 * um, name="dendrite").join(spine.shape(), "dendrite", at=0.5)
        pieces = shape.discretise(PerBranch(1))
        names = [shape.names[k] for k in pieces.branch]
        head, neck = names.index("head"), names.index("neck")
        assert pieces.area_m2[head] == pytest.approx(float(spine.head_area))
        through = pieces.near_per_m[neck] + pieces.far_per_m[neck]
        assert 1.25 * through == pytest.approx(float(spine.neck_resistance(125 * ohm * cm)))

    def test_a_synapse_on_the_head_depolarises_it_more_than_the_dendrite(self):
        """In the steady state the dendrite follows the head by the law of the voltage divider."""
        spine = Spine(neck_length=2 * um, neck_diameter=0.1 * um)
        dendrite = cylinder(100 * um, 1 * um, name="dendrite")
        cell = Neuron(
            dendrite.join(spine.shape(), "dendrite", at=0.5),
            PerBranch(1),
            cable=Cable(R_a=125 * ohm * cm),
        ).paint(Leak(E=-70 * mV))
        cell = cell.place(Constant(1 * pA), at("head", 0.5))
        for name in ("head", "dendrite"):
            cell = cell.probe("v", at(name, 0.5), label=name)
        recording = simulate(cell, 200 * ms, dt=0.5 * ms, engine="numpy")
        rise = {n: float(recording.trace(n)[0, -1] / mV) + 70 for n in ("head", "dendrite")}
        # The only other way out is the dendrite's own leak of 0.1 mS/cm2, nearly 3.2 Gohm.
        R_in = 1 / (0.1e-3 / 1e-4 * np.pi * 100e-12)
        wanted = spine.steady_coupling(R_in * ohm)
        assert rise["dendrite"] / rise["head"] == pytest.approx(wanted, rel=0.02)
        assert rise["head"] > rise["dendrite"]

    def test_steady_coupling(self):
        spine = Spine()
        neck = float(spine.neck_resistance() / Mohm)
        assert spine.steady_coupling(300 * Mohm) == pytest.approx(300 / (300 + neck))


class TestEvents:
    def test_trials_and_merging(self):
        many = Events(np.array([0.0, 0.1]), np.array([[1.0, 0.0], [2.0, 3.0]]))
        assert many.trials == 2
        assert many.trial(0).time_s.tolist() == [0.0]
        assert many.trial(1).weight.tolist() == [2.0, 3.0]
        other = Events(np.array([0.05]), np.array([[7.0], [8.0]]))
        merged = Events.merge([many, other])
        assert merged.time_s.tolist() == [0.0, 0.05, 0.1]
        assert merged.weight.tolist() == [[1, 7, 0], [2, 8, 3]]
        assert Events.merge([]).time_s.size == 0

    def test_what_makes_no_sense_is_refused(self):
        with pytest.raises(ParameterError, match="ascend"):
            Events(np.array([0.1, 0.0]), np.ones(2))
        with pytest.raises(ParameterError, match="shape"):
            Events(np.array([0.1, 0.2]), np.ones(3))
        with pytest.raises(ParameterError, match="finite"):
            Events(np.array([np.nan]), np.ones(1))
        with pytest.raises(ParameterError, match="number of trials"):
            Events.merge([Events(np.zeros(1), np.ones((2, 1))), Events(np.zeros(1), np.ones(1))])
        with pytest.raises(UnitError, match="must carry a unit"):
            Events.at([1, 2])


def test_a_receptor_that_makes_no_sense_is_refused_when_made():
    @dataclass(frozen=True, eq=False, repr=False)
    class Wrong(DoubleExponential):
        on_event: ClassVar[dict[str, str]] = {"C": "weight"}

    with pytest.raises(UnknownNameError, match="on_event names the state 'C'"):
        Wrong()
