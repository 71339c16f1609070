"""The compiled plan against the graph: loss, every gradient, every update."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from ann.calculus.graph import Variable, gradient
from ann.errors import ParameterError
from ann.network.activations import ACTIVATIONS, Foreign
from ann.network.calls import run
from ann.network.losses import LOSSES, Huber, OwnLoss, resolve_loss
from ann.network.network import Network
from ann.plan.optimisers import SGD
from ann.plan.plan import Plan

HIDDEN = sorted(set(ACTIVATIONS) - {"softmax"})


def targets(loss, rng, n, k):
    if loss.name == "cross_entropy":
        return np.eye(k)[rng.integers(k, size=n)]
    if loss.name == "binary_cross_entropy":
        return rng.integers(2, size=(n, k)).astype(float)
    if loss.name == "poisson":
        return rng.poisson(2.0, size=(n, k)).astype(float)
    return rng.standard_normal((n, k))


def by_the_graph(network, loss, X, T, weights=None):
    logits, parameters = network.graph(X)
    read = logits if loss.link else network.layers[-1].activation.graph(logits)
    each = loss.graph_each(read, T)
    if weights is not None:
        each = each * weights
    mean = each.mean()
    return float(mean.value), in_one_vector([g.value for g in gradient(mean, parameters)])


def in_one_vector(parameters):
    """W and b of each layer in the order of `Network.parameters`."""
    weights, biases = parameters[::2], parameters[1::2]
    return np.concatenate([*(w.ravel(order="F") for w in weights), *biases])


def by_the_plan(network, loss, X, T, weights=None, **settings):
    plan = Plan(network, loss, SGD(), **settings)
    program = plan.program(len(T), X, T, weights)
    program.index[:] = np.arange(len(T))
    run(program.gather)
    run(program.learn)
    each = loss.from_record(program.record)
    return float(np.average(each, weights=weights)), plan.gradient.copy(), plan


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("name", sorted(LOSSES))
def test_gradient_of_every_activation_with_every_loss(name, hidden):
    rng = np.random.default_rng(1)
    loss = resolve_loss(name)
    net = Network([4, 6, 5, 3], [hidden, hidden, loss.link or "identity"], dtype="float64", rng=rng)
    net.parameters *= 0.5
    X = rng.standard_normal((7, 4))
    T = targets(loss, rng, 7, 3)
    value, slope = by_the_graph(net, loss, X, T)
    found, compiled, _ = by_the_plan(net, loss, X, T)
    assert found == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(compiled, slope, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("output", ["sigmoid", "tanh", "softplus", "relu", "identity"])
@pytest.mark.parametrize("loss", [resolve_loss("quadratic"), Huber(0.3)])
def test_losses_on_the_output_pass_through_its_activation(loss, output):
    rng = np.random.default_rng(2)
    net = Network([3, 5, 2], ["tanh", output], dtype="float64", rng=rng)
    X, T = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    value, slope = by_the_graph(net, loss, X, T)
    found, compiled, _ = by_the_plan(net, loss, X, T)
    assert found == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(compiled, slope, rtol=1e-9, atol=1e-12)


def test_mixed_activations_weights_and_a_single_layer():
    rng = np.random.default_rng(3)
    loss = resolve_loss("cross_entropy")
    weights = rng.random(8)
    weights /= weights.mean()
    X, T = rng.standard_normal((8, 4)), targets(loss, rng, 8, 3)
    for sizes, kinds in (
        ([4, 5, 5, 5, 3], ["sigmoid", "relu", "relu", "softmax"]),
        ([4, 5, 6, 3], ["identity", "tanh", "softmax"]),
        ([4, 3], ["softmax"]),
    ):
        net = Network(sizes, kinds, dtype="float64", rng=rng)
        value, slope = by_the_graph(net, loss, X, T, weights)
        found, compiled, _ = by_the_plan(net, loss, X, T, weights)
        assert found == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(compiled, slope, rtol=1e-9, atol=1e-12)


def test_sparse_and_dense_inputs_give_the_same_gradient():
    rng = np.random.default_rng(4)
    loss = resolve_loss("cross_entropy")
    X = rng.standard_normal((9, 6)) * (rng.random((9, 6)) < 0.3)
    T = targets(loss, rng, 9, 3)
    net = Network([6, 4, 3], ["sigmoid", "softmax"], dtype="float64", rng=rng)
    _, dense, _ = by_the_plan(net, loss, X, T)
    _, thin, _ = by_the_plan(net, loss, sparse.csr_matrix(X), T)
    np.testing.assert_allclose(thin, dense, rtol=1e-12, atol=1e-15)


def test_an_object_with_value_and_gradient_serves_as_activation():
    class SquareRoot:
        """A rate that grows with the root of what exceeds a threshold."""

        def rate(self, z):
            return np.sqrt(np.maximum(z, 0) + 0.1)

        def gradient(self, z):
            return np.where(z > 0, 0.5 / np.sqrt(np.maximum(z, 0) + 0.1), 0.0)

    rng = np.random.default_rng(5)
    loss = resolve_loss("quadratic")
    net = Network([3, 5, 2], [Foreign(SquareRoot()), "identity"], dtype="float64", rng=rng)
    X, T = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    value, slope = by_the_graph(net, loss, X, T)
    found, compiled, _ = by_the_plan(net, loss, X, T)
    assert found == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(compiled, slope, rtol=1e-9, atol=1e-12)


def test_a_loss_of_ones_own_is_differentiated_by_the_graph():
    rng = np.random.default_rng(6)
    loss = OwnLoss(lambda output, target: ((output - target) ** 2 + 1.0).sqrt())
    net = Network([3, 5, 2], ["tanh", "identity"], dtype="float64", rng=rng)
    X, T = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    value, slope = by_the_graph(net, loss, X, T)
    found, compiled, _ = by_the_plan(net, loss, X, T)
    assert found == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(compiled, slope, rtol=1e-9, atol=1e-12)


def test_penalties_join_the_gradient_of_weights_but_not_of_biases():
    rng = np.random.default_rng(7)
    loss = resolve_loss("quadratic")
    for width in (5, 400):  # the second has more parameters than one stretch of an update
        net = Network([width, width, 2], ["tanh", "identity"], dtype="float64", rng=rng)
        net.parameters += 0.01
        X, T = rng.standard_normal((6, width)), rng.standard_normal((6, 2))
        logits, parameters = net.graph(X)
        total = loss.graph(logits, T)
        for w in parameters[::2]:
            total = total + w.abs().sum() * 0.3 + (w * w).sum() * 0.35
        expected = net.parameters - 0.1 * in_one_vector(
            [g.value for g in gradient(total, parameters)]
        )
        _, _, plan = by_the_plan(net, loss, X, T, l1=0.3, l2=0.7)
        plan.update.now[:] = -0.1
        run(plan.update.steps)
        np.testing.assert_allclose(net.parameters, expected, rtol=1e-10, atol=1e-13)


def test_clipping_keeps_the_direction_and_bounds_the_length():
    rng = np.random.default_rng(8)
    loss = resolve_loss("quadratic")
    net = Network([3, 2], ["identity"], dtype="float64", rng=rng)
    X, T = rng.standard_normal((6, 3)), 100 * rng.standard_normal((6, 2))
    before = net.parameters.copy()
    _, free, plan = by_the_plan(net, loss, X, T, clip_norm=0.5)
    plan.update.now[:] = -1.0
    run(plan.update.steps)
    step = before - net.parameters
    assert np.linalg.norm(step) == pytest.approx(0.5)
    assert np.dot(step, free) == pytest.approx(0.5 * np.linalg.norm(free))


def test_max_norm_cuts_hidden_units_only_where_too_long():
    net = Network([3, 4, 2], ["tanh", "identity"], dtype="float64", rng=9)
    hidden, last = net.layers
    hidden.weights[:, 0], hidden.weights[:, 1] = 10.0, 0.01
    plan = Plan(net, resolve_loss("quadratic"), SGD(), max_norm=1.5)
    kept_last = last.weights.copy()
    run(plan.update.steps)
    lengths = np.linalg.norm(hidden.weights, axis=0)
    assert lengths[0] == pytest.approx(1.5)
    assert lengths[1] == pytest.approx(0.01 * np.sqrt(3))
    np.testing.assert_array_equal(last.weights, kept_last)


def test_batch_norm_gradient_against_the_graph():
    rng = np.random.default_rng(10)
    loss = resolve_loss("quadratic")
    net = Network([3, 4, 2], ["tanh", "identity"], batch_norm=True, dtype="float64", rng=rng)
    net.parameters += 0.1 * rng.standard_normal(net.parameters.size)
    X, T = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    first, last = net.layers
    w1, b1, s, h, w2, b2 = parameters = [
        Variable(p.copy())
        for p in (
            first.weights,
            first.bias,
            first.norm.scale,
            first.norm.shift,
            last.weights,
            last.bias,
        )
    ]
    z = Variable(X) @ w1 + b1
    centred = z - z.mean(axis=0)
    variance = (centred * centred).mean(axis=0)
    hidden = (centred / (variance + first.norm.epsilon).sqrt() * s + h).tanh()
    value = loss.graph(hidden @ w2 + b2, T)
    dw1, db1, ds, dh, dw2, db2 = (g.value for g in gradient(value, parameters))
    slope = np.concatenate([in_one_vector([dw1, db1, dw2, db2]), ds, dh])
    found, compiled, _ = by_the_plan(net, loss, X, T)
    assert found == pytest.approx(float(value.value), rel=1e-10)
    np.testing.assert_allclose(compiled, slope, rtol=1e-8, atol=1e-10)


def test_dropout_silences_the_right_fraction_and_passes_no_gradient_there():
    rng = np.random.default_rng(11)
    net = Network([3, 400, 2], ["tanh", "identity"], dropout=0.3, dtype="float64", rng=rng)
    X, T = rng.standard_normal((50, 3)), rng.standard_normal((50, 2))
    plan = Plan(net, resolve_loss("quadratic"), SGD(), rng=rng)
    program = plan.program(1, X, T)
    silent = []
    for i in range(50):
        program.index[:] = i
        run(program.gather + program.learn)
        into_output = net.parts(1, plan.gradient).weights
        into_hidden = np.vstack(net.parts(0, plan.gradient)[:2])
        off = np.all(into_output == 0, axis=1)
        assert np.all(into_hidden[:, off] == 0)
        silent.append(off.mean())
    # 20000 draws: five standard errors of a fraction of .3 are .016.
    assert np.mean(silent) == pytest.approx(0.3, abs=0.016)


def test_a_loss_and_an_output_that_do_not_belong_together_are_refused():
    net = Network([3, 2], ["identity"], rng=0)
    with pytest.raises(ParameterError, match="softmax output"):
        Plan(net, resolve_loss("cross_entropy"), SGD())
    soft = Network([3, 2], ["softmax"], rng=0)
    plan = Plan(soft, resolve_loss("quadratic"), SGD())
    with pytest.raises(ParameterError, match="cross_entropy"):
        plan.program(1, np.zeros((1, 3), np.float32), np.zeros((1, 2), np.float32))
