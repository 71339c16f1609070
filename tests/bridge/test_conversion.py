"""A trained sigmoid network on spiking neurons: the recipe, the network, what is refused."""

import numpy as np
import pytest
from brian2 import Hz, ms, mV, pA
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from ann import DeepNetwork, LogisticRegression, Network, ShallowNetwork
from bridge.conversion.convert import convert
from bridge.conversion.replacement import observe
from bridge.counts.count_variance import fano_factor
from bridge.counts.curve import FICurve
from bridge.errors import CalibrationError, ConversionError
from bridge.mapping.accepted_networks import validate
from bridge.mapping.calibration import calibrate
from bridge.mapping.rate_table import rate_function
from bridge.spiking.readout import CountReadout
from bridge.stimulate.fi_curve import fi_curve, measure, trial_seeds
from neurosim import LIF, WhiteNoise
from neurosim.errors import ParameterError, UnitError


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, test_size=540, stratify=y, random_state=3)


@pytest.fixture(scope="module")
def shallow(digits):
    X, _, y, _ = digits
    return ShallowNetwork(hidden=64, random_state=3).fit(X, y)


@pytest.fixture(scope="module")
def spiking(shallow, digits):
    return convert(shallow, digits[0], jobs=2)


@pytest.fixture(scope="module")
def run(spiking, digits):
    return spiking.run(digits[1], 100 * ms, seed=1, jobs=2)


def test_accuracy_is_kept(shallow, run, digits):
    _, _, _, y = digits
    ann = np.mean(shallow.predict(digits[1]) == y)
    assert ann > 0.96
    for time in (50 * ms, 100 * ms):
        # One seed and 540 images: half a point and two standard errors of a paired difference.
        assert np.mean(run.predict(time) == y) >= ann - 0.005 - 0.011


def test_decoded_rates_are_the_activations(shallow, run, digits):
    wanted = shallow.network_.activations(digits[1])[-2]
    decoded = run.activations(100 * ms)[0]
    assert decoded.shape == wanted.shape == (540, 64)
    calibration = run.network.layers[0].calibration
    rms = np.sqrt(np.mean((decoded - wanted) ** 2))
    # What the calibration foresaw: bias, and counting noise at this time.
    noise = calibration.count_noise * np.sqrt(calibration.decision_ms / 100)
    assert rms < 1.3 * np.sqrt(np.mean(calibration.bias**2 + noise**2))
    assert np.corrcoef(decoded.ravel(), wanted.ravel())[0, 1] > 0.98


def test_waiting_removes_counting_noise(shallow, run, digits):
    logits = shallow.network_.logits(digits[1])
    errors = [np.sqrt(np.mean((run.logits(t * ms) - logits) ** 2)) for t in (10, 30, 100)]
    assert errors[0] > errors[1] > errors[2]


def test_biases_are_holding_currents_and_weights_are_currents(shallow, spiking):
    layer, first = spiking.layers[0], shallow.network_.layers[0]
    calibration = layer.calibration
    np.testing.assert_allclose(
        layer.holding_pA, calibration.holding_pA + calibration.gain_pA * first.bias
    )
    np.testing.assert_allclose(layer.weights_pA, calibration.gain_pA * first.weights)


def test_a_sample_is_answered_alike_alone_and_in_a_batch(spiking, run, digits):
    few = spiking.run(digits[1][:3], 100 * ms, seed=1)
    np.testing.assert_array_equal(few.rates()[0], run.rates()[0][:3])
    spikes = run.recording.spike_row < 3 * 64
    np.testing.assert_array_equal(few.recording.spike_time_s, run.recording.spike_time_s[spikes])


@pytest.mark.slow
def test_the_same_holds_for_several_hidden_layers(digits):
    X, X_test, y, y_test = digits
    network = DeepNetwork(hidden=(48, 32), random_state=0).fit(X, y)
    spiking = convert(network, X, jobs=2)
    assert spiking.wiring.layers == (48, 32)
    run = spiking.run(X_test[:200], 150 * ms, settle=150 * ms, jobs=2)
    ann = np.mean(network.predict(X_test[:200]) == y_test[:200])
    assert np.mean(run.predict() == y_test[:200]) >= ann - 0.03
    for decoded, wanted in zip(
        run.activations(), network.network_.activations(X_test[:200]), strict=False
    ):
        assert np.corrcoef(decoded.ravel(), wanted.ravel())[0, 1] > 0.95
    # Every hidden layer spikes.
    assert all(rate.mean() > 5 for rate in run.rates())


def test_the_readout_is_unbiased_for_a_constant_rate():
    rng = np.random.default_rng(0)
    rows, rate = 4000, 50.0
    counts = rng.poisson(rate * 0.2, rows)
    spike_row = np.repeat(np.arange(rows), counts)
    spike_time = rng.uniform(0, 0.2, counts.sum())
    for readout in (CountReadout(), CountReadout("flat")):
        for at in (0.02, 0.2):
            estimate = readout.rates(spike_row, spike_time, rows, at)
            standard_error = estimate.std() / np.sqrt(rows)
            assert abs(estimate.mean() - rate) < 4 * standard_error


def test_calibration_recovers_a_neuron_that_is_a_sigmoid():
    current = np.linspace(-200, 600, 81)
    rate = 100 / (1 + np.exp(-(current - 200) / 40))
    curve = FICurve(current, np.round(1000 * rate), 1000.0)
    z = np.random.default_rng(1).normal([0, -1], 2, (2000, 2))
    found = calibrate(curve, z, decision_ms=1e6)
    np.testing.assert_allclose(found.holding_pA, 200, atol=2)
    np.testing.assert_allclose(found.gain_pA, 40, rtol=0.02)
    np.testing.assert_allclose(found.slope_s, 1 / 100, rtol=0.01)
    np.testing.assert_allclose(found.offset, 0, atol=0.005)
    assert np.all(found.bias < 2e-3)


def test_calibration_respects_a_highest_rate():
    curve = fi_curve(
        LIF(),
        np.linspace(-300, 3000, 67) * pA,
        trials=3,
        background=WhiteNoise.for_membrane(3 * mV, LIF()),
    )
    z = np.random.default_rng(1).normal(0, 2, (2000, 1))
    limited = calibrate(curve, z, max_rate_Hz=60)
    top = rate_function(curve)(limited.current_pA(np.quantile(z, 0.995)))
    assert top <= 61
    assert calibrate(curve, z).slope_s[0] < limited.slope_s[0]
    assert 0 < fano_factor(curve) < 1


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda n: np.put(n.network_.layers[0].weights, 0, np.nan), "layer 1: its weights"),
        (lambda n: np.put(n.network_.layers[1].bias, 0, np.inf), "layer 2: its bias"),
    ],
)
def test_weights_that_are_not_finite_are_refused(digits, break_it, said):
    network = ShallowNetwork(hidden=4, max_epochs=1, random_state=0).fit(digits[0], digits[2])
    break_it(network)
    with pytest.raises(ConversionError, match=said):
        validate(network)


class Wave:
    def value(self, z):
        return np.sin(z)

    def gradient(self, z):
        return np.cos(z)


def test_what_has_no_counterpart_is_refused(digits, shallow):
    X, _, y, _ = digits
    wave = Network.from_arrays(
        [np.ones((64, 2)), np.ones((2, 1))], [np.zeros(2), [0]], [Wave(), "identity"]
    )
    with pytest.raises(ConversionError, match="hidden layer 1 has the activation 'Wave', which"):
        convert(wave, X)
    with pytest.raises(ConversionError, match="no hidden layer"):
        convert(LogisticRegression().fit(X, y), X)
    with pytest.raises(ConversionError, match="fit it first"):
        convert(ShallowNetwork(), X)
    with pytest.raises(ConversionError, match=r"shape \(n_samples, 64\)"):
        observe(shallow.network_, X[:, :5])
    with pytest.raises(ConversionError, match="point neuron such as LIF"):
        convert(shallow, X, neuron="LIF")
    with pytest.raises(UnitError, match="convert: noise must carry a unit"):
        convert(shallow, X, noise=3)


def test_a_silent_curve_cannot_carry_a_sigmoid():
    curve = FICurve(np.arange(10.0), np.zeros(10, int), 1.0)
    with pytest.raises(CalibrationError, match="larger currents"):
        calibrate(curve, np.linspace(-3, 3, 10)[:, None])
    with pytest.raises(CalibrationError, match="at least 4 currents"):
        calibrate(FICurve([0, 1], [0, 5], 1.0), np.linspace(-3, 3, 10)[:, None])
    with pytest.raises(CalibrationError, match="n_samples, n_units"):
        calibrate(curve, np.linspace(-3, 3, 10))


def test_questions_outside_the_run_are_refused(run, spiking, digits):
    with pytest.raises(ConversionError, match="shown for 100"):
        run.predict(200 * ms)
    with pytest.raises(ConversionError, match="NaN"):
        spiking.run(digits[1][:2] * np.nan)
    assert run.spikes_per_decision(50 * ms) < run.spikes_per_decision()
    assert run.recording.mean_rate()[0] >= 0 * Hz


@pytest.mark.slow
def test_measuring_an_fi_curve():
    curve = fi_curve(
        LIF(), [200, 140, 160] * pA, trials=2, background=WhiteNoise.for_membrane(2 * mV, LIF())
    )
    assert curve.current_pA.tolist() == [140, 140, 160, 160, 200, 200]
    assert curve.trial.tolist() == [0, 1] * 3
    assert curve.rate_Hz[-1] > curve.rate_Hz[0]
    assert "WhiteNoise" in curve.source
    recording = measure(LIF(), [200] * pA, trials=4)
    assert len(set(recording.seeds.tolist())) == 4
    assert len(np.unique(trial_seeds(7, 1000))) == 1000
    for wrong, error, said in (
        ({"currents": [1, 1] * pA}, ParameterError, "1 pA is given twice"),
        ({"currents": [1, 2]}, UnitError, "must carry a unit"),
        ({"currents": None}, ParameterError, "say which currents"),
        ({"currents": [1, 2] * pA, "trials": 0}, ParameterError, "at least 1"),
        ({"currents": [1, 2] * pA, "settle": -1 * ms}, ParameterError, "at least 0"),
    ):
        with pytest.raises(error, match=said):
            fi_curve(LIF(), **wrong)
