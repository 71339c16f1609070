"""Every activation and every source of a network; one neuron a sign, twins, populations."""

import numpy as np
import pytest
from brian2 import ms, mV, pA
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from ann import DeepNetwork, Network, ShallowNetwork
from bridge.conversion.convert import convert
from bridge.conversion.refinement import refine
from bridge.conversion.replacement import observe
from bridge.counts.curve import FICurve
from bridge.errors import CalibrationError, ConversionError
from bridge.mapping.accepted_networks import validate
from bridge.mapping.calibration import calibrate
from bridge.mapping.measured_unit import MeasuredUnit
from bridge.mapping.normalisation import Normalisation
from bridge.mapping.unit_splitting import split_units
from bridge.spiking.codes import LatencyCode, first_spikes_s
from bridge.spiking.integrator import Integrator, ResettingIntegrator, SubtractingLIF
from bridge.spiking.memory_limit import check_memory
from bridge.spiking.synapse import Synapse
from neurosim import LIF, AdEx, simulate


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:1200] / 16, X[1200:1500] / 16, y[:1200], y[1200:1500]


@pytest.fixture(scope="module")
def curve(digits):
    """f-I curve of the noisy LIF, measured once for the module."""
    net = ShallowNetwork(hidden=4, max_epochs=2, random_state=0).fit(digits[0], digits[2])
    return convert(net, digits[0], seed=1, jobs=2).curve


@pytest.mark.parametrize("activation", ["relu", "tanh", "softplus"])
@pytest.mark.slow
def test_every_activation_keeps_its_accuracy(digits, curve, activation):
    X, X_test, y, y_test = digits
    network = ShallowNetwork(
        hidden=32, activation=activation, dropout=0.1, random_state=2, max_epochs=60
    ).fit(X, y)
    spiking = convert(network, X, curve=curve, decision=100 * ms)
    run = spiking.run(X_test, 100 * ms, settle=50 * ms, seed=2, jobs=2)
    ann = np.mean(network.predict(X_test) == y_test)
    # 300 images: one point and two standard errors of a paired difference.
    assert np.mean(run.predict() == y_test) >= ann - 0.01 - 0.014
    units = run.unit_activations()[0]
    wanted = network.network_.activations(X_test)[0]
    assert units.shape == wanted.shape
    assert np.corrcoef(units.ravel(), wanted.ravel())[0, 1] > 0.97


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky_relu", "identity"])
@pytest.mark.parametrize("settings", [{}, {"dale": True}, {"population": 3, "dale": True}])
def test_rewriting_leaves_the_function_as_it_is(activation, settings):
    network = Network([5, 7, 6, 3], [activation, activation, "softmax"], dtype="float64", rng=1)
    split = split_units(network, **settings)
    X = np.random.default_rng(0).normal(size=(20, 5))
    layers = split.layers(X)
    np.testing.assert_allclose(split.net_input(2, layers[-1]), network.logits(X), atol=1e-12)
    assert all(np.all(a >= 0) for a in layers)
    for copies, activations, wanted in zip(
        split.copies, layers, network.activations(X), strict=False
    ):
        np.testing.assert_allclose(copies.original(activations), wanted, atol=1e-12)
    if settings.get("dale"):
        for weights in split.weights[1:]:
            signs = np.sign(weights)
            assert np.all((signs.max(axis=1) <= 0) | (signs.min(axis=1) >= 0))


def test_batch_normalisation_is_folded(digits):
    X, _, y, _ = digits
    network = ShallowNetwork(hidden=8, batch_norm=True, max_epochs=5, random_state=0).fit(X, y)
    folded = validate(network)
    assert all(layer.norm is None for layer in folded.layers)
    np.testing.assert_allclose(folded.logits(X[:9]), network.network_.logits(X[:9]), rtol=1e-4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_scikit_learn_network_is_read(digits, curve):
    X, X_test, y, _ = digits
    model = MLPClassifier((24,), activation="logistic", max_iter=30, random_state=0).fit(X, y)
    spiking = convert(model, X, curve=curve, decision=100 * ms)
    answers = spiking.run(X_test[:150], 100 * ms, settle=50 * ms, jobs=2)
    assert np.mean(answers.predict() == model.predict(X_test[:150])) > 0.95
    np.testing.assert_allclose(answers.probabilities().sum(axis=1), 1)


def test_a_pytorch_network_is_read_and_an_unsupported_layer_named(digits, curve):
    torch = pytest.importorskip("torch")
    stack = torch.nn.Sequential(torch.nn.Linear(64, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))
    with torch.no_grad():
        wanted = stack(torch.tensor(digits[1], dtype=torch.float32)).numpy()
    np.testing.assert_allclose(validate(stack).logits(digits[1]), wanted, rtol=1e-4, atol=1e-5)
    normed = torch.nn.Sequential(
        torch.nn.Linear(64, 5), torch.nn.BatchNorm1d(5), torch.nn.ReLU(), torch.nn.Linear(5, 3)
    )
    images = torch.tensor(digits[1], dtype=torch.float32)
    normed(images)  # running averages move away from 0 and 1
    with torch.no_grad():
        wanted = normed.eval()(images).numpy()
    np.testing.assert_allclose(validate(normed).logits(digits[1]), wanted, rtol=1e-3, atol=1e-5)
    convolution = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten())
    with pytest.raises(ConversionError, match=r"Conv2d.*write the model as dense"):
        convert(convolution, digits[0], curve=curve)


@pytest.mark.slow
def test_a_population_decides_sooner(digits, curve):
    X, X_test, y, _ = digits
    network = ShallowNetwork(hidden=16, dropout=0.1, random_state=3, max_epochs=40).fit(X, y)
    spread = []
    for population in (1, 6):
        spiking = convert(network, X, curve=curve, decision=20 * ms, population=population)
        runs = [spiking.run(X_test[:60], 20 * ms, settle=50 * ms, seed=s, jobs=2) for s in (4, 5)]
        spread.append(np.std(runs[0].logits() - runs[1].logits()))
    # Six neurons of independent noise: 1/sqrt(6) of the noise of one.
    assert spread[1] == pytest.approx(spread[0] / np.sqrt(6), rel=0.15)


@pytest.mark.slow
def test_first_spikes_alone_tell_the_label(digits, curve):
    X, X_test, y, _ = digits
    network = ShallowNetwork(hidden=48, dropout=0.2, random_state=3, max_epochs=40).fit(X, y)
    spiking = convert(network, X, curve=curve, decision=50 * ms)
    code = LatencyCode.learn(spiking, X[:400], 50 * ms, seed=1, jobs=2)
    run = spiking.run(X_test[:150], 50 * ms, seed=9, jobs=2)
    assert np.mean(code.predict(run) == network.predict(X_test[:150])) > 0.85
    latency = first_spikes_s(run)
    counts = run.spikes_by_neuron()
    assert np.all((latency < 0.05) == (counts > 0))


@pytest.mark.slow
@pytest.mark.parametrize("synapse", ["current", "conductance"])
def test_two_layers_with_twins_and_delays(digits, curve, synapse):
    X, X_test, y, _ = digits
    network = DeepNetwork(hidden=(24, 16), activation="sigmoid", random_state=1).fit(X, y)
    spiking = convert(
        network,
        X,
        curve=curve,
        dale=True,
        synapse=synapse,
        delay=3 * ms,
        decision=150 * ms,
        refine_on=100,
        jobs=2,
    )
    assert spiking.wiring.conductance == (synapse == "conductance")
    assert spiking.wiring.delayed
    weights = np.asarray(spiking.wiring.weights[0])
    assert np.all(weights[:24] >= 0)
    assert np.all(weights[24:] <= 0)
    run = spiking.run(X_test[:100], 150 * ms, jobs=2)
    assert np.mean(run.predict() == network.predict(X_test[:100])) > 0.93


@pytest.mark.slow
def test_a_unit_trained_on_the_curve_needs_no_calibration(digits, curve):
    X, X_test, y, y_test = digits
    unit = MeasuredUnit.of_rates(curve)
    network = ShallowNetwork(hidden=32, activation=unit, dropout=0.2, random_state=1).fit(X, y)
    spiking = convert(network, X, curve=curve)
    np.testing.assert_array_equal(spiking.layers[0].calibration.bias, 0)
    np.testing.assert_array_equal(spiking.layers[0].calibration.slope_s, 1 / unit.top_Hz)
    run = spiking.run(X_test, 100 * ms, jobs=2)
    ann = np.mean(network.predict(X_test) == y_test)
    assert np.mean(run.predict() == y_test) >= ann - 0.01 - 0.014
    z = np.linspace(-3, 6, 50)
    slope = (unit.value(z + 1e-5) - unit.value(z - 1e-5)) / 2e-5
    np.testing.assert_allclose(unit.gradient(z), slope, atol=2e-3)
    with pytest.raises(CalibrationError, match="choose rates inside it"):
        MeasuredUnit.of_rates(curve, top_Hz=1e4)


def test_the_largest_activation_becomes_the_highest_rate():
    current = np.linspace(0, 3000, 31)
    line = FICurve(current, np.round(100 * np.minimum(current / 3, 1000)), 100.0)
    z = np.random.default_rng(0).normal(0, 2, (500, 3))

    class ReLU:
        def value(self, z):
            return np.maximum(z, 0)

    for divide in (1, 2):
        found = calibrate(
            line, z, activation=ReLU(), normalisation=Normalisation("maximum", divide=divide)
        )
        scale = z.max() / divide
        np.testing.assert_allclose(found.slope_s, scale / 1000)
        np.testing.assert_allclose(found.gain_pA, 3000 / scale, rtol=1e-3)
        np.testing.assert_allclose(found.holding_pA, 0, atol=2)
    with pytest.raises(CalibrationError, match="one of curve, maximum, percentile"):
        Normalisation("median")
    with pytest.raises(CalibrationError, match="silent on every input"):
        calibrate(line, z - 100, activation=ReLU(), normalisation=Normalisation("maximum"))


@pytest.mark.slow
def test_resets_of_the_integrator():
    z = np.array([0.23, 0.71, 0.93])
    drive = z * Integrator().current_per_spike(1 * ms)
    counts = simulate(Integrator(), 1000 * ms, batch={"current": drive}).counts()
    assert np.all(np.abs(counts - 1000 * z) <= 1 + 1e-9)
    counts = simulate(ResettingIntegrator(), 1000 * ms, batch={"current": drive}).counts()
    np.testing.assert_allclose(counts / 1000, 1 / np.ceil(1 / z), atol=1e-3)
    faster = simulate(SubtractingLIF(t_ref=0 * ms), 500 * ms, batch={"current": [900] * pA})
    slower = simulate(LIF(t_ref=0 * ms), 500 * ms, batch={"current": [900] * pA})
    assert faster.counts()[0] > slower.counts()[0]


def test_batches_do_not_change_the_answers(digits, curve):
    X, X_test, y, _ = digits
    network = ShallowNetwork(hidden=8, max_epochs=5, random_state=0).fit(X, y)
    spiking = convert(network, X, curve=curve)
    whole = spiking.run(X_test[:20], 30 * ms, settle=20 * ms, seed=3)
    pieces = spiking.run(X_test[:20], 30 * ms, settle=20 * ms, seed=3, samples_at_once=7)
    np.testing.assert_array_equal(whole.logits(), pieces.logits())
    np.testing.assert_array_equal(whole.recording.spike_time_s, pieces.recording.spike_time_s)


@pytest.mark.slow
def test_an_adapting_neuron_is_read_as_it_answers(digits):
    X, X_test, y, _ = digits
    network = ShallowNetwork(hidden=16, dropout=0.1, random_state=3, max_epochs=40).fit(X, y)
    spiking = convert(network, X, neuron=AdEx(), decision=200 * ms, jobs=2)
    wanted = network.network_.activations(X_test[:60])[0]
    before = spiking.run(X_test[:60], 200 * ms, jobs=2).activations()[0]
    refined = refine(spiking, X[:100], decision=200 * ms, rounds=1, jobs=2)
    after = refined.run(X_test[:60], 200 * ms, jobs=2).activations()[0]
    assert np.std(after - wanted) < 0.8 * np.std(before - wanted)


@pytest.mark.slow
def test_bad_input_is_refused_before_anything_runs(digits, curve):
    X, _, y, _ = digits
    network = ShallowNetwork(hidden=4, max_epochs=1, random_state=0).fit(X, y)
    with pytest.raises(ConversionError, match=r"GB may be used here: make the layers narrower"):
        check_memory([10**6, 10**6], samples=1)
    with pytest.raises(ConversionError, match=r"population must be .* at least 1"):
        convert(network, X, population=0)
    with pytest.raises(ConversionError, match="'current' or a 'conductance'"):
        convert(network, X, synapse="gap junction")
    with pytest.raises(ConversionError, match="not between the reversal potentials"):
        Synapse("conductance", potential_mV=-85.0).weights(np.ones((2, 2)))
    flat = FICurve(np.linspace(0, 100, 9), np.full(9, 5), 1.0)
    with pytest.raises(CalibrationError, match="measure it over a wider range"):
        convert(network, X, curve=flat)
    with pytest.raises(ConversionError, match="does not rest"):
        convert(network, X, neuron=Integrator(), noise=2 * mV)
    with pytest.raises(ConversionError, match="NaN"):
        observe(network.network_, X[:3] * np.nan)
