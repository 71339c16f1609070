"""What protocols under voltage clamp read back is what the equations of the channels say."""

from __future__ import annotations

import numpy as np
import pytest
from brian2.units import Mohm, Quantity, cm, mS, ms, mV, nS, um, volt

from neurosim import Neuron
from neurosim.channels import (
    AType,
    CalciumL,
    CalciumPool,
    CalciumT,
    DelayedRectifier,
    HCurrent,
    HHPotassium,
    HHSodium,
    Leak,
    MCurrent,
    TraubMilesPotassium,
    squid_axon,
)
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.measure import (
    Boltzmann,
    ClampRig,
    activation,
    inactivation,
    iv,
    tail_currents,
)
from neurosim.measure.current_voltage import zero_crossing
from neurosim.morphology import PerBranch, at, ball_and_stick, branch, cylinder

AREA_m2 = np.pi * 20e-6 * 20e-6


def squid():
    shape = cylinder(20 * um, 20 * um, name="soma")
    return Neuron(shape, PerBranch(1), celsius=6.3, rest=-65 * mV).paint(squid_axon())


def gate(part, name, v):
    """Return the steady state and time constant (s) of a gate."""
    found = part.gates(v * volt, part.temperature_ref)[name]
    return np.asarray(found.steady), np.asarray(found.tau)


def sodium_currents(hold, v, t):
    """The closed form of the squid's sodium current after a step: shape (v, t), in ampere."""
    part = HHSodium()
    x = {}
    for name in "mh":
        before, _ = gate(part, name, np.full_like(v, hold))
        after, tau = gate(part, name, v)
        x[name] = after[:, None] + (before - after)[:, None] * np.exp(-t / tau[:, None])
    return float(part.g) * AREA_m2 * x["m"] ** 3 * x["h"] * (v[:, None] - float(part.E))


@pytest.mark.slow
def test_the_activation_of_potassium_is_that_of_its_equation():
    v = np.arange(-90, 61, 10) * 1e-3
    curve = activation(HHPotassium(), v * volt, duration=60 * ms, read="steady", holding=-90 * mV)
    n = (np.asarray(curve.measured) / (float(HHPotassium().g) * AREA_m2)) ** 0.25
    np.testing.assert_allclose(n, gate(HHPotassium(), "n", v)[0], rtol=1e-3)
    # The neuron with all its channels, of which this one alone is read.
    whole = activation(
        squid(), v * volt, duration=60 * ms, read="steady", holding=-90 * mV, of="hh_potassium"
    )
    np.testing.assert_allclose(whole.normalised, curve.normalised, rtol=1e-6)


@pytest.mark.slow
def test_the_currents_of_sodium_are_those_of_its_equations():
    v = np.arange(-60, 81, 10) * 1e-3
    found = iv(HHSodium(), v * volt, duration=10 * ms, holding=-80 * mV)
    # A potential is reached at the end of a step: the gates start from there.
    wanted = sodium_currents(-0.08, v, np.asarray(found.time)[1:] - 5e-6)
    most = np.abs(wanted).max()
    np.testing.assert_allclose(np.asarray(found.current)[:, 1:], wanted, rtol=0, atol=1e-3 * most)
    peak = np.take_along_axis(wanted, np.abs(wanted).argmax(axis=1)[:, None], axis=1)[:, 0]
    seen = np.abs(v - 0.05) > 1e-3
    np.testing.assert_allclose(np.asarray(found.peak)[seen], peak[seen], rtol=1e-3)
    assert float(found.reversal()) == pytest.approx(0.05, abs=2e-4)
    # Peak conductances, and the closed form of those.
    curve = activation(HHSodium(), v[seen] * volt, duration=10 * ms, holding=-80 * mV)
    conductance = peak[seen] / (v[seen] - 0.05)
    np.testing.assert_allclose(curve.normalised, conductance / conductance.max(), rtol=1e-3)


@pytest.mark.slow
def test_the_window_of_sodium_is_read_by_tails():
    v = np.arange(-80, 1, 10) * 1e-3
    curve = activation(
        HHSodium(), v * volt, read="tail", tail=20 * mV, duration=100 * ms, holding=-80 * mV
    )
    window = gate(HHSodium(), "m", v)[0] ** 3 * gate(HHSodium(), "h", v)[0]
    size = float(HHSodium().g) * AREA_m2 * (0.02 - 0.05)
    np.testing.assert_allclose(np.asarray(curve.measured), size * window, rtol=1e-3, atol=1e-15)


@pytest.mark.slow
def test_the_inactivation_of_sodium_is_that_of_its_equation():
    v = np.arange(-130, -19, 10) * 1e-3
    # At 20 mV activation is over after 1.5 ms, inactivation is not.
    curve = inactivation(
        HHSodium(), v * volt, test=20 * mV, prepulse=100 * ms, read=1.5 * ms, duration=3 * ms,
        holding=-80 * mV,
    )  # fmt: skip
    h, _ = gate(HHSodium(), "h", v)
    np.testing.assert_allclose(
        curve.normalised, (h - h.min()) / (h.max() - h.min()), rtol=0, atol=1e-3
    )
    # h of Hodgkin and Huxley is no Boltzmann curve, and the fit says how far it is off.
    assert curve.fit.half_mV == pytest.approx(-62.3, abs=0.3)
    assert 1e-3 < curve.fit.rms < 0.02
    # The peak depends on the activation before it: that is what it must show.
    peak = inactivation(
        HHSodium(), v * volt, test=20 * mV, prepulse=100 * ms, duration=3 * ms, holding=-80 * mV
    )
    assert np.abs(peak.normalised - curve.normalised).max() > 3e-3


@pytest.mark.slow
def test_tails_of_potassium_have_its_time_constant_and_reversal():
    v = np.array([-120, -110, -100, -65, -50]) * 1e-3
    tails = tail_currents(HHPotassium(), v * volt, step=0 * mV, duration=40 * ms, length=20 * ms)
    n0, _ = gate(HHPotassium(), "n", np.zeros(1))
    size = float(HHPotassium().g) * AREA_m2
    wanted = size * n0**4 * (v + 0.077)
    np.testing.assert_allclose(np.asarray(tails.instantaneous), wanted, rtol=1e-3)
    assert float(tails.reversal) == pytest.approx(-0.077, abs=1e-5)
    after, tau = gate(HHPotassium(), "n", v)
    t = np.asarray(tails.time) - 5e-6
    n = after[:, None] + (n0 - after)[:, None] * np.exp(-t / tau[:, None])
    np.testing.assert_allclose(
        np.asarray(tails.current), size * n**4 * (v + 0.077)[:, None], rtol=0,
        atol=1e-3 * np.abs(wanted).max(),
    )  # fmt: skip


@pytest.mark.slow
def test_a_gate_of_one_power_has_an_exponential_tail():
    v = np.array([-120, -100, -70, -60]) * 1e-3
    tails = tail_currents(
        MCurrent(), v * volt, step=0 * mV, duration=500 * ms, length=500 * ms, dt=0.05 * ms
    )
    np.testing.assert_allclose(np.asarray(tails.tau), gate(MCurrent(), "m", v)[1], rtol=1e-3)


#: Channels of other kinds: a rectifier that opens on hyperpolarisation, two gates, GHK currents.
OTHERS = [
    (HCurrent(), (), -60e-3),
    (AType(), (), -30e-3),
    (DelayedRectifier(), (), 0.0),
    (TraubMilesPotassium(), (), 0.0),
    (CalciumT(), (CalciumPool(),), -20e-3),
    (CalciumL(), (CalciumPool(),), 0.0),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", OTHERS, ids=[type(part).__name__ for part, _, _ in OTHERS])
def test_the_steady_state_of_any_channel_is_read_by_tails(case):
    part, others, level = case
    v = np.arange(-110, 21, 10) * 1e-3
    slowest = max(float(np.max(gate(part, name, v)[1])) for name in part.states)
    # Held a hundred times as long as a step of its slowest gate needs, at its own temperature.
    steady = {name: Quantity(gate(part, name, v)[0]) for name in part.states}
    given = {"ca_i": CalciumPool().parameters()["rest"]} if "ca_i" in part.reads else {}
    wanted = -AREA_m2 * np.asarray(
        part.density(np.full_like(v, level) * volt, part.temperature_ref, **steady, **given)
    )
    curve = activation(
        [part, *others], v * volt, of=part.name, read="tail", tail=level * volt,
        duration=12 * slowest * 1e3 * ms, holding=-80 * mV, dt=min(5e-3, slowest * 20) * ms,
    )  # fmt: skip
    np.testing.assert_allclose(
        np.asarray(curve.measured), wanted, rtol=0, atol=1e-3 * np.abs(wanted).max()
    )


@pytest.mark.slow
def test_leak_pulses_remove_leak_and_capacitive_current():
    v = np.array([-40, 0, 40]) * 1e-3
    leaky = [HHPotassium(), Leak(g=1 * mS / cm**2, E=-65 * mV)]
    options = {"duration": 20 * ms, "holding": -100 * mV, "celsius": 6.3}
    raw = iv(leaky, v * volt, blank=0 * ms, **options)
    without = iv(leaky, v * volt, leak_pulses=8, blank=0 * ms, **options)
    alone = iv(leaky, v * volt, of="hh_potassium", **options)
    size = np.abs(np.asarray(alone.current)).max()
    off = np.abs(np.asarray(without.current) - np.asarray(alone.current)).max() / size
    assert np.abs(np.asarray(raw.current) - np.asarray(alone.current)).max() / size > 1
    # The small pulses open few channels at -100 mV, not none.
    assert off < 2e-3


@pytest.mark.slow
def test_space_clamp_and_series_resistance_show():
    shape = ball_and_stick(20 * um, 500 * um, 2 * um)
    cell = Neuron(shape, PerBranch(1, {"dendrite": 11}), celsius=6.3, rest=-65 * mV).paint(
        squid_axon(), branch("soma")
    )
    v = np.array([-30, 0]) * mV
    options = {"of": "hh_sodium", "duration": 10 * ms, "settle": 100 * ms, "site": at("soma", 0.5)}
    ideal = iv(cell, v, **options)
    through = iv(cell, v, R_s=20 * Mohm, blank=0 * ms, **options)
    # Held at -80 mV the soma is a patch of its own, whatever the dendrite does.
    alone = iv(HHSodium(), v, duration=10 * ms)
    np.testing.assert_allclose(np.asarray(ideal.peak), np.asarray(alone.peak), rtol=1e-3)
    assert np.all(np.abs(np.asarray(through.peak)) < 0.9 * np.abs(np.asarray(ideal.peak)))


def test_a_boltzmann_curve_is_found():
    v = np.arange(-100, 1, 5) * mV
    for half, slope in ((-45, 6), (-70, -9)):
        curve = Boltzmann(half, slope, 0.9, 0.05, 0.0)
        found = Boltzmann.fit(v, curve.at(v))
        wanted = [half, slope, 0.9, 0.05]
        got = [found.half_mV, found.slope_mV, found.size, found.offset]
        np.testing.assert_allclose(got, wanted, rtol=1e-5)
    assert np.isnan(Boltzmann.fit(v[:3], np.ones(3)).half_mV)


def test_protocols_refuse_what_they_cannot_read():
    v = [-40, 0] * mV
    with pytest.raises(UnknownNameError, match="hh_sodium"):
        ClampRig(squid(), of="hh_sodum")
    with pytest.raises(ParameterError, match="reversal potential"):
        activation(squid(), v)
    with pytest.raises(ParameterError, match="a neuron has its own"):
        iv(squid(), v, celsius=20.0)
    with pytest.raises(ParameterError, match="clamp a neuron, a Channel"):
        iv([1 * nS], v)
    with pytest.raises(ParameterError, match="longer than what is blanked"):
        iv(HHPotassium(), v, duration=0.2 * ms, blank=1 * ms)
    with pytest.raises(ParameterError, match="within the test pulse"):
        inactivation(HHSodium(), v, prepulse=1 * ms, duration=1 * ms, read=2 * ms)
    with pytest.raises(UnknownNameError, match="peek"):
        inactivation(HHSodium(), v, prepulse=1 * ms, read="peek")


def test_a_relation_draws_itself():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    v = np.arange(-80, 41, 20) * mV
    found = iv(HHPotassium(), v, duration=20 * ms)
    assert found.plot().get_ylabel() == "current (nA)"
    assert len(found.plot_traces().lines) == 7
    curve = activation(HHPotassium(), v, duration=20 * ms)
    assert "slope" in curve.plot().get_legend_handles_labels()[1][0]
    assert "HH" not in repr(curve)
    tails = tail_currents(HHPotassium(), v[:2], duration=20 * ms)
    assert tails.plot().get_xlabel() == "time after the step (ms)"
    assert "reversal" in repr(tails)
    assert "7 steps" in repr(found)


def test_a_reversal_is_found_whatever_the_order_of_the_potentials():
    x = np.array([40.0, -40.0, 60.0, -60.0, 80.0])
    assert zero_crossing(x, x - 50.0) == pytest.approx(50.0)
