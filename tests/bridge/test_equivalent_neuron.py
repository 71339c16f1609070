"""Any neuron in, its unit out: models, equations, counts, recordings; and refusals in words."""

from __future__ import annotations

import json

import numpy as np
import pytest
from brian2 import Mohm, ms, mV, pA, um

from bridge.counts.curve import FICurve
from bridge.equivalent.find_unit import equivalent_unit
from bridge.errors import CurveError, RefusedError
from bridge.stimulate.fi_curve import fi_curve
from bridge.stimulate.step_responses import currents_for, noise_stimulus
from experiments.kit.recorded import recorded_curve
from neurosim import LIF, AdEx
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.describe.neuron import Neuron
from neurosim.errors import ParameterError, UnitError
from neurosim.morphology import PerBranch, ball_and_stick, branch

CURRENTS = np.arange(50, 451, 25) * pA
QUICK = {"engine": "numpy", "trials": 1, "adaptation": False, "intervals": None}


@pytest.mark.slow
def test_a_model_and_its_equations_give_one_unit():
    model = equivalent_unit(LIF(), CURRENTS, **QUICK)
    own = equivalent_unit(
        "dv/dt = (E_L - v + R*I_stim)/tau : volt (unless refractory)",
        CURRENTS,
        brian2={
            "threshold": "v >= -55*mV", "reset": "v = E_L", "refractory": 2 * ms,
            "parameters": {"E_L": -70 * mV, "R": 100 * Mohm, "tau": 20 * ms},
        },
        **QUICK,
    )  # fmt: skip
    assert model.ok
    assert model.unit.rate(300) == pytest.approx(63.04, rel=0.02)
    assert own.unit == model.unit
    assert json.loads(json.dumps(own.to_dict()))["ok"]
    # A clock: no irregularity, no adaptation.
    assert model.features.cv < 0.05
    assert "misses the measured rates by" in str(model)


@pytest.mark.slow
def test_currents_are_found_around_the_rheobase():
    current = np.asarray(currents_for(LIF(), engine="numpy") / pA)
    assert current[0] < 150 < current[-1]
    assert np.sum(current < 150) >= 3
    assert 400 < current[-1] < 2000


@pytest.mark.slow
def test_adaptation_of_an_adex_is_its_own():
    # A spike adds b to w, which decays with tau_w: a steady hertz keeps b tau_w = 18 pA of it.
    neuron = AdEx(a=0 * pA / mV)
    found = equivalent_unit(
        neuron, np.arange(50, 1050, 100) * pA, trials=1, engine="numpy", intervals=None
    )
    assert found.adaptation.adapts
    fitted = found.adaptation.unit
    expected = float(neuron.b * neuron.tau_w / pA / (1000 * ms))
    assert fitted.strength_pA_per_Hz == pytest.approx(expected, rel=0.15)
    assert fitted.tau_s == pytest.approx(float(neuron.tau_w / (1000 * ms)), rel=0.25)
    assert found.features.slowing > 3


@pytest.mark.slow
def test_a_neuron_with_extent_in_one_batch():
    cell = (
        Neuron(ball_and_stick(20 * um, 200 * um, 2 * um), PerBranch(5), celsius=6.3)
        .paint(Leak())
        .paint(HHSodium(), branch("soma"))
        .paint(HHPotassium(), branch("soma"))
    )
    found = equivalent_unit(
        cell, np.arange(0, 601, 60) * pA, duration=300 * ms, dt=0.05 * ms, **QUICK
    )
    # Its soma is the squid's membrane: firing begins with a jump.
    assert found.family == "type-two"
    assert found.unit.onset_rate_Hz > 30
    assert len(found.responses.traces) >= 3
    assert max(trace.voltage_mV.max() for trace in found.responses.traces) > 0


@pytest.mark.slow
def test_copies_of_a_trial_teach_nothing():
    once = equivalent_unit(LIF(), CURRENTS, **QUICK).responses
    thrice = equivalent_unit(LIF(), CURRENTS, **(QUICK | {"trials": 3})).responses
    assert len(thrice.trains) == 3 * len(once.trains)
    np.testing.assert_array_equal(thrice.counts().count, once.counts().count)


@pytest.mark.slow
def test_noise_is_a_variable():
    sharp = equivalent_unit(LIF(), CURRENTS, **QUICK)
    soft = equivalent_unit(LIF(), CURRENTS, noise=6 * mV, **(QUICK | {"trials": 3}))
    assert soft.features.cv > 5 * sharp.features.cv
    assert soft.unit.rate(140) > 5 > sharp.unit.rate(140)
    with pytest.raises(UnitError, match="give the standard deviation of the noise current"):
        equivalent_unit(AdEx(), CURRENTS, noise=3 * mV, **QUICK)


@pytest.mark.slow
def test_counts_in_any_shape(tmp_path):
    curve = recorded_curve("fast-spiking")
    one = equivalent_unit(curve)
    path = curve.to_csv(tmp_path / "cell.csv")
    two = equivalent_unit(path)
    assert one.family == two.family == "naka-rushton"
    assert one.features is None
    assert "cannot be told" in one.notes[0]
    assert equivalent_unit(curve.to_frame(), intervals=None).family == one.family
    with pytest.raises(ParameterError, match="brings its own currents"):
        equivalent_unit(curve, CURRENTS)


@pytest.mark.slow
def test_bootstrap_intervals_are_as_wide_as_those_of_the_likelihood():
    curve = recorded_curve("fast-spiking")
    for name, interval in equivalent_unit(curve).selection["naka-rushton"].intervals.items():
        other = equivalent_unit(curve, families=["naka-rushton"], intervals="bootstrap")
        again = other.selection["naka-rushton"].intervals[name]
        ratio = (again.high - again.low) / (interval.high - interval.low)
        assert 0.4 < ratio < 2.5, name


def test_refusals_carry_their_reason():
    silent = equivalent_unit(FICurve([0, 50, 100], [0, 0, 0], 1.0))
    assert not silent.ok
    assert "no spikes" in silent.refusal
    with pytest.raises(RefusedError, match="no spikes"):
        _ = silent.unit
    block = recorded_curve("block")
    assert equivalent_unit(block, intervals=None).family == "block"
    rising = equivalent_unit(block, current_max=1000, intervals=None)
    assert rising.ok
    assert rising.family != "block"
    with pytest.raises(CurveError, match="no such file"):
        equivalent_unit("nothing.csv")
    with pytest.raises(ParameterError, match="takes a neuron"):
        equivalent_unit(3.0)


def test_recorded_cells(shared_data):
    pytest.importorskip("pyabf", reason="needs the extra 'recordings'")
    block = equivalent_unit(
        shared_data / "recordings" / "171116sh_0019.abf", intervals=None, frozen=True
    )
    assert block.family == "block"
    assert block.ok
    assert block.adaptation is None
    assert any("adaptation is not fitted" in note for note in block.notes)
    assert any("frozen noise needs" in note for note in block.notes)
    assert len(block.responses.traces) == 4


@pytest.mark.slow
def test_what_frozen_noise_shows():
    noisy = equivalent_unit(
        LIF(), np.arange(0, 401, 25) * pA, noise=3 * mV, frozen=True, intervals=None,
        adaptation=False, trials=3,
    )  # fmt: skip
    told = noisy.frozen
    assert 0 < told.static.bits < 1.1
    assert told.filtered.power >= told.static.power - 0.02
    assert told.static.cell_bits_Hz > 0
    assert told.reliability.trials == 20
    # A rate keeps less of spike times than the cell's own trials do.
    assert told.coincidence_kept < 1
    assert "bits in spikes" in set(noisy.lost()["measure"])


@pytest.mark.parametrize("noise", [0.0, 3.0, 4.0, 5.0, 6.0, 8.0])
@pytest.mark.parametrize("tau", [10.0, 20.0, 40.0])
def test_currents_span_the_curve_however_strong_the_noise(noise, tau):
    """A neuron that noise alone makes fire begins near 0 pA; a curve of 2 to 2.1 Hz is none."""
    neuron = LIF(tau_m=tau * ms)
    background = noise_stimulus(noise * mV, neuron) if noise else None
    current = np.asarray(currents_for(neuron, background=background) / pA)
    rate = fi_curve(
        neuron, [current[0], current[-1]] * pA, background=background, duration=2000 * ms, trials=3
    ).mean_rate_Hz()
    assert rate[1] > 20
    assert rate[0] < 0.15 * rate[1]
