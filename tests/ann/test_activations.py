"""Activations, losses, initialisation, schedules: values, slopes and limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from ann import ShallowNetwork
from ann.calculus.gradient_check import check_gradients
from ann.calculus.graph import Variable, gradient
from ann.errors import ParameterError, ShapeError
from ann.network.activations import ACTIVATIONS, Foreign, Sigmoid, resolve
from ann.network.initialisation import INITIALISATIONS, initial_weights
from ann.network.losses import LOSSES, Huber, OwnLoss, resolve_loss
from ann.network.network import Network
from ann.plan.optimisers import Adam, resolve_optimiser
from ann.training.schedules import SCHEDULES, one_cycle, resolve_schedule

ELEMENTWISE = sorted(set(ACTIVATIONS) - {"softmax"})


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_three_faces_of_an_activation_agree(name):
    kind = ACTIVATIONS[name]()
    z = np.array([[-6.0, -1.3, -0.2], [0.4, 1.7, 5.0]])
    x = Variable(z)
    graph = kind.graph(x)
    np.testing.assert_allclose(kind.value(z), graph.value, rtol=1e-12)
    np.testing.assert_allclose(
        kind.gradient(z), gradient(graph.sum(), x).value, rtol=1e-9, atol=1e-12
    )
    check_gradients(kind.graph, z)
    assert kind.value(z.astype(np.float32)).dtype == np.float32
    assert resolve(kind.to_dict()) == kind


@pytest.mark.parametrize("name", sorted(set(ELEMENTWISE) - {"exponential"}))
def test_activations_stay_finite_far_out(name):
    kind = ACTIVATIONS[name]()
    far = np.array([-1e30, -1e4, 1e4, 1e30], np.float32)
    with np.errstate(over="raise", invalid="raise"):
        assert np.all(np.isfinite(kind.value(far)))
        assert np.all(np.isfinite(kind.gradient(far)))


def test_the_fast_sigmoid_is_the_sigmoid():
    z = np.linspace(-40, 40, 4001)
    np.testing.assert_allclose(Sigmoid().value(z), expit(z), atol=1e-16 * 4)
    single = Sigmoid().value(z.astype(np.float32))
    np.testing.assert_allclose(single, expit(z), atol=1.2e-7)


def test_softmax_of_large_numbers():
    soft = ACTIVATIONS["softmax"]()
    p = soft.value(np.array([[1e4, 1e4 - np.log(3.0), -1e4]]))
    np.testing.assert_allclose(p, [[0.75, 0.25, 0.0]], rtol=1e-9)
    with pytest.raises(ParameterError, match="matrix of slopes"):
        soft.gradient(np.zeros((1, 2)))
    with pytest.raises(ParameterError, match="output activation"):
        Network([2, 2, 2], ["softmax", "identity"])


class Rate:
    """A logistic f-I curve: hertz against picoampere."""

    def rate(self, current):
        return 80.0 * expit((current - 200.0) / 40.0)

    def gradient(self, current):
        p = expit((current - 200.0) / 40.0)
        return 80.0 / 40.0 * p * (1 - p)


def test_a_unit_with_scales_of_its_own_becomes_a_unit_of_order_one():
    unit = Foreign(Rate(), centre=200.0, width=40.0, height=80.0)
    z = np.linspace(-5, 5, 21)
    np.testing.assert_allclose(unit.value(z), Sigmoid().value(z), rtol=1e-12)
    np.testing.assert_allclose(unit.gradient(z), Sigmoid().gradient(z), rtol=1e-12)
    assert unit.gain == pytest.approx(1 / np.sqrt(0.0448), rel=0.05)  # E[slope²] of the sigmoid
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    model = ShallowNetwork(activation=unit, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.95


def test_what_cannot_be_an_activation_says_what_is_missing():
    with pytest.raises(ParameterError, match=r"needs gradient\(z\)"):
        resolve(object())
    with pytest.raises(ParameterError, match="cannot be written to a model file"):
        Foreign(Rate()).to_dict()
    with pytest.raises(ParameterError, match="must not be 0"):
        Foreign(Rate(), width=0.0)
    with pytest.raises(ParameterError, match="leak must be a number in"):
        resolve({"name": "leaky_relu", "leak": 2.0})


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_losses_agree_with_their_graph_and_with_differences(name):
    rng = np.random.default_rng(0)
    loss = resolve_loss(name)
    x = 2 * rng.standard_normal((5, 3))
    t = np.eye(3)[rng.integers(3, size=5)]
    leaf = Variable(x)
    np.testing.assert_allclose(
        loss.gradient(x, t), gradient(loss.graph(leaf, t) * 5.0, leaf).value, rtol=1e-9, atol=1e-12
    )
    check_gradients(lambda v: loss.graph(v, t), x)
    assert resolve_loss(loss.to_dict()) == loss


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
def test_a_confident_mistake_costs_what_it_should_in_single_precision(name):
    loss = resolve_loss(name)
    x = np.array([[200.0, -200.0]], np.float32)
    t = np.array([[0.0, 1.0]], np.float32)
    assert loss.value(x, t)[0] == pytest.approx(400.0)
    record = np.empty((loss.rows, 1), np.float32)
    columns = x.T.copy()
    for function, arguments in loss.steps(columns, t.T, record):
        function(*arguments)
    assert loss.from_record(record)[0] == pytest.approx(400.0)


def test_losses_of_ones_own_must_give_one_number_a_sample_or_an_entry():
    wrong = OwnLoss(lambda output, target: (output - target).sum())
    with pytest.raises(ShapeError, match="one loss a sample"):
        wrong.value(np.zeros((3, 2)), np.zeros((3, 2)))
    with pytest.raises(ParameterError, match="width"):
        Huber(0.0)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
def test_auto_initialisation_keeps_signals_alive_through_ten_layers(name):
    rng = np.random.default_rng(0)
    net = Network([100] * 11, [name] * 10, rng=rng)
    outputs = net.activations(rng.standard_normal((500, 100)))
    spread = [np.std(a, axis=0).mean() for a in outputs]
    # The small initialisation that others use for sigmoids loses a factor of ten every two layers.
    assert spread[-1] > 0.1 * spread[0]
    assert spread[-1] < 10 * spread[0]


@pytest.mark.parametrize("scheme", INITIALISATIONS)
def test_variances_of_the_initial_weights(scheme):
    rng = np.random.default_rng(0)
    kind = ACTIVATIONS["tanh"]()
    w = initial_weights(400, 200, kind, rng, scheme)
    expected = {
        "auto": 2 / 600,
        "glorot": 2 / 600,
        "he": 2 / 400,
        "lecun": 1 / 400,
        "orthogonal": 1 / 400,
        "zeros": 0.0,
    }[scheme]
    assert w.var() == pytest.approx(expected, rel=0.03)
    if scheme == "orthogonal":
        np.testing.assert_allclose(w.T @ w, np.eye(200), atol=1e-12)
    with pytest.raises(ParameterError, match="did you mean 'glorot'"):
        initial_weights(2, 2, kind, rng, "glorrot")


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_schedules_give_factors_between_zero_and_one(name):
    factors = SCHEDULES[name](np.linspace(0, 1, 101, endpoint=False))
    assert factors.shape == (101,)
    assert np.all((factors >= 0) & (factors <= 1))
    assert factors.max() == pytest.approx(1.0, abs=0.01)


def test_one_cycle_rises_and_falls_and_own_schedules_are_tried():
    factors = one_cycle(np.linspace(0, 1, 401))
    top = int(factors.argmax())
    assert np.all(np.diff(factors[: top + 1]) >= 0)
    assert np.all(np.diff(factors[top:]) <= 0)
    assert factors[-1] == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(ParameterError, match="maps an array"):
        resolve_schedule(lambda progress: 1.0)
    with pytest.raises(ParameterError, match="maps an array"):
        resolve_schedule(lambda progress: progress - 1.0)


def test_optimisers_from_descriptions():
    kind = Adam(beta1=0.8)
    assert resolve_optimiser(kind.to_dict()) == kind
    assert resolve_optimiser(kind, 0.5) == Adam(0.5, beta1=0.8)
