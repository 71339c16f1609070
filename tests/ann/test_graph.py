"""The calculus: every rule against finite differences, to second order, and against algebra."""

from __future__ import annotations

import numpy as np
import pytest

from ann.calculus.gradient_check import check_gradients
from ann.calculus.graph import (
    OPERATIONS,
    Variable,
    ancestors,
    apply,
    gradient,
    hessian_vector_product,
)
from ann.errors import GraphError, ParameterError, ShapeError

rng = np.random.default_rng(3)
A, B = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
POSITIVE = np.abs(A) + 0.5

# One expression for each row of the table, at points away from kinks.
EXPRESSIONS = {
    "add": (lambda a, b: a + b, A, B),
    "subtract": (lambda a, b: a - b, A, B),
    "multiply": (lambda a, b: a * b, A, B),
    "divide": (lambda a, b: a / b, A, POSITIVE),
    "power": (lambda a, b: a**b, POSITIVE, B),
    "negative": (lambda a: -a * a, A),
    "exp": (lambda a: a.exp(), A),
    "expm1": (lambda a: a.expm1(), A),
    "log": (lambda a: a.log(), POSITIVE),
    "log1p": (lambda a: a.log1p(), POSITIVE),
    "sqrt": (lambda a: a.sqrt(), POSITIVE),
    "abs": (lambda a: a.abs() * a, A),
    "sin": (lambda a: a.sin(), A),
    "cos": (lambda a: a.cos(), A),
    "tanh": (lambda a: a.tanh(), A),
    "sigmoid": (lambda a: a.sigmoid(), A),
    "softplus": (lambda a: a.softplus(), A),
    "maximum": (lambda a, b: a.maximum(b) * a, A, B),
    "minimum": (lambda a, b: a.minimum(b) * b, A, B),
    "matmul": (lambda a, b: a @ b, A, B.T),
    "sum": (lambda a: (a * a).sum(axis=1, keepdims=True) * a.sum(), A),
    "max": (lambda a: a.max(axis=0) * a.max(), A),
    "logsumexp": (lambda a: a.logsumexp(axis=0) * a.logsumexp(axis=-1, keepdims=True), A),
    "reshape": (lambda a: a.reshape(4, 3) ** 2.0, A),
    "broadcast": (lambda a: apply("broadcast", a, shape=(5, 3, 4)) ** 2.0, A),
    "transpose": (lambda a: a.T * a.T, A),
    "index": (lambda a: a[[0, 2, 2], 1:] ** 2.0, A),
    "scatter": (lambda a: apply("scatter", a, key=[1, 1, 4], shape=(6, 4)) ** 2.0, A),
}


def test_every_row_of_the_table_is_checked():
    # A simulated neuron, which `bridge` adds where it is imported, has tests of its own.
    def is_own(row):
        return getattr(row.forward, "__module__", None) != "bridge.differentiable"

    assert set(EXPRESSIONS) == {name for name, row in OPERATIONS.items() if is_own(row)}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_rule_against_differences_to_second_order(name):
    function, *point = EXPRESSIONS[name]
    assert check_gradients(function, *point, order=2, tolerance=1e-6) < 1e-6


@pytest.mark.parametrize(
    ("shape_a", "shape_b"), [((3, 4), (4,)), ((3, 4), ()), ((3, 1), (1, 4)), ((2, 3, 4), (3, 1))]
)
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "maximum"])
def test_broadcasting_is_undone(name, shape_a, shape_b):
    a, b = rng.standard_normal(shape_a), rng.standard_normal(shape_b) + 3.0
    check_gradients(lambda x, y: apply(name, x, y) ** 2.0, a, b)
    check_gradients(lambda x, y: apply(name, y, x) ** 2.0, a + 5.0, b)


@pytest.mark.parametrize(
    ("left", "right"), [((4,), (4,)), ((4,), (4, 2)), ((3, 4), (4,)), ((5, 3, 4), (4, 2))]
)
def test_matrix_product_of_any_shapes(left, right):
    a, b = rng.standard_normal(left), rng.standard_normal(right)
    assert np.allclose((Variable(a) @ b).value, a @ b)
    assert (Variable(a) @ b).shape == (a @ b).shape
    check_gradients(lambda x, y: (x @ y) ** 2.0, a, b)


def test_a_wrong_rule_is_caught(monkeypatch):
    right = OPERATIONS["tanh"]
    wrong = type(right)(right.forward, (lambda g, y, x: g * (1.0 - y),), "tanh")
    monkeypatch.setitem(OPERATIONS, "tanh", wrong)
    with pytest.raises(GraphError, match="order 1"):
        check_gradients(lambda x: x.tanh(), A)


def test_a_rule_wrong_only_in_second_order_is_caught(monkeypatch):
    right = OPERATIONS["tanh"]
    # Right in value, but a constant as far as the graph can tell.
    flat = type(right)(right.forward, (lambda g, y, x: g * (1.0 - y.value**2),), "tanh")
    monkeypatch.setitem(OPERATIONS, "tanh", flat)
    with pytest.raises(GraphError, match="order 2"):
        check_gradients(lambda x: x.tanh(), A)


def test_a_variable_used_twice_collects_both_contributions():
    x = Variable(3.0)
    y = x * x
    z = y + y * x
    # z = x² + x³
    assert gradient(z, x).value == pytest.approx(2 * 3 + 3 * 9)


def test_third_derivative():
    x = Variable(2.0)
    y = x**4
    for expected in (32.0, 48.0, 48.0, 24.0):
        y = gradient(y, x)
        assert y.value == pytest.approx(expected)


def test_hessian_of_a_quadratic_form_is_its_matrix():
    m = rng.standard_normal((5, 5))
    m = m + m.T
    x, v = Variable(rng.standard_normal(5)), rng.standard_normal(5)
    form = (x @ m @ x) * 0.5
    assert np.allclose(hessian_vector_product(form, [x], [v])[0].value, m @ v)


def test_a_graph_deeper_than_the_recursion_limit():
    x = Variable(0.5)
    y = x
    for _ in range(20_000):
        y = y + 1e-4
    assert gradient(y * y, x).value == pytest.approx(2 * y.value)
    assert len(ancestors(y)) > 20_000


def test_what_does_not_matter_has_slope_zero():
    x, other = Variable([1.0, 2.0]), Variable([[5.0]])
    slopes = gradient((x * x).sum(), [x, other])
    assert slopes[1].shape == (1, 1)
    assert np.all(slopes[1].value == 0)


def test_precision_of_the_input_is_kept():
    x = Variable(np.ones(3, np.float32))
    y = (2.0 * x + 1).tanh().mean()
    assert y.value.dtype == np.float32
    assert gradient(y, x).value.dtype == np.float32


def test_backward_fills_in_every_slope():
    x = Variable([1.0, -2.0], name="x")
    (x * x).sum().backward()
    assert np.allclose(x.grad.value, [2.0, -4.0])


def test_powers_at_zero_have_the_slope_of_the_limit():
    x = Variable([0.0])
    assert gradient((x**2).sum(), x).value[0] == 0
    assert gradient((x**1).sum(), x).value[0] == 1
    assert gradient((x**0).sum(), x).value[0] == 0


def test_mistakes_say_what_would_be_right():
    with pytest.raises(ShapeError, match=r"cannot add arrays of shape \(2,\), \(3,\)"):
        Variable([1.0, 2.0]) + np.arange(3.0)
    with pytest.raises(GraphError, match="sum it"):
        gradient(Variable([1.0, 2.0]) * 2.0, [])
    with pytest.raises(ParameterError, match="did you mean 'sigmoid'"):
        apply("sigmod", 1.0)
    with pytest.raises(GraphError, match="real numbers"):
        Variable(["a"])
    with pytest.raises(ShapeError, match="vectors or matrices"):
        Variable(2.0) @ [1.0]
