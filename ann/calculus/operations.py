"""The whole of differentiation, one row an operation: how to compute it and what its slopes are.

A rule gets ``g``, the derivative of the result by this operation's output ``y``, and returns the
derivative by one of its inputs. Rules are written with `Variable`s, so what they return can be
differentiated again. They need not care about broadcasting, which `gradient` undoes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

__all__ = ["OPERATIONS", "Operation"]


class Operand(Protocol):
    """What the rules with a name need of a `ann.calculus.graph.Variable`."""

    value: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def ndim(self) -> int: ...
    def __mul__(self, other: Any) -> Operand: ...
    def __sub__(self, other: Any) -> Operand: ...
    def exp(self) -> Operand: ...
    def log(self) -> Operand: ...
    def maximum(self, other: Any) -> Operand: ...
    def reshape(self, *shape: int) -> Operand: ...
    def transpose(self, *axes: int) -> Operand: ...
    def broadcast(self, *shape: int) -> Operand: ...


Rule: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class Operation:
    """One row of the table: how to compute, and one derivative rule for each input.

    Attributes
    ----------
    forward : callable
        ``forward(*arrays, **options)`` gives the value.
    rules : tuple of callable
        ``rules[i](g, y, *inputs, **options)`` gives dL/d(input i) from ``g`` = dL/dy, all
        `Variable`s. One rule stands for any number of inputs where the tuple has a single entry
        and the operation is variadic.
    symbol : str
        How a drawing writes it.
    """

    forward: Callable[..., np.ndarray]
    rules: tuple[Rule, ...]
    symbol: str


def _swap(x: Operand) -> Operand:
    """Transpose the last two axes."""
    axes = list(range(x.ndim))
    axes[-2:] = axes[-1], axes[-2]
    return x.transpose(*axes)


def _spread(g: Operand, x: Operand, axis: int | tuple[int, ...] | None, keepdims: bool) -> Operand:
    """Put back the axes that a reduction took away, so that `g` broadcasts against `x`."""
    if keepdims or axis is None:
        shape = g.shape if keepdims else (1,) * x.ndim
    else:
        reduced = {i % x.ndim for i in (axis if isinstance(axis, tuple) else (axis,))}
        shape = tuple(1 if i in reduced else n for i, n in enumerate(x.shape))
    return g.reshape(*shape)


def _spread_sum(g: Operand, y: Operand, x: Operand, axis: Any, keepdims: bool) -> Operand:
    return _spread(g, x, axis, keepdims).broadcast(*x.shape)


def _share_of_max(g: Operand, y: Operand, x: Operand, axis: Any, keepdims: bool) -> Operand:
    """Send the slope to the largest entries; equal ones share it (a subgradient)."""
    top = x.value == np.max(x.value, axis=axis, keepdims=True)
    share = top / np.sum(top, axis=axis, keepdims=True)
    return _spread(g, x, axis, keepdims) * share.astype(x.value.dtype)


def _scatter(g: np.ndarray, *, key: Any, shape: tuple[int, ...]) -> np.ndarray:
    out = np.zeros(shape, g.dtype)
    np.add.at(out, key, g)
    return out


def _logsumexp(x: np.ndarray, *, axis: int, keepdims: bool) -> np.ndarray:
    top = np.max(x, axis=axis, keepdims=True)
    # An all -inf row has the sum 0: shift by 0 there, as -inf - -inf is not a number.
    top = np.where(np.isfinite(top), top, 0).astype(x.dtype)
    with np.errstate(divide="ignore"):
        total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis=axis)


def _softmax(g: Operand, y: Operand, x: Operand, axis: int, keepdims: bool) -> Operand:
    spread = _spread(y, x, axis, keepdims)
    return _spread(g, x, axis, keepdims) * (x - spread).exp()


def _mask(condition: np.ndarray, like: Operand) -> np.ndarray:
    return condition.astype(like.value.dtype)


def _power_by_exponent(g: Operand, y: Operand, a: Operand, b: Operand) -> Operand:
    # x**p at x = 0 has the slope 0 in p for p > 0; log(0) would make it nan.
    safe = a.maximum(np.asarray(np.finfo(a.value.dtype).tiny, a.value.dtype))
    return g * y * safe.log()


#: The whole calculus: name, how to compute it, its derivative rules, how it is drawn.
OPERATIONS: dict[str, Operation] = {
    "add": Operation(np.add, (lambda g, y, a, b: g, lambda g, y, a, b: g), "+"),
    "subtract": Operation(np.subtract, (lambda g, y, a, b: g, lambda g, y, a, b: -g), "-"),
    "multiply": Operation(np.multiply, (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a), "×"),
    "divide": Operation(
        np.divide, (lambda g, y, a, b: g / b, lambda g, y, a, b: -(g * y) / b), "÷"
    ),
    "power": Operation(
        np.power,
        # x**0 is flat; lowering its exponent as well would ask for 0 * 0**-1 at zero.
        (lambda g, y, a, b: g * b * a ** (b - _mask(b.value != 0, b)), _power_by_exponent),
        "^",
    ),
    "negative": Operation(np.negative, (lambda g, y, x: -g,), "-"),
    "exp": Operation(np.exp, (lambda g, y, x: g * y,), "exp"),
    "expm1": Operation(np.expm1, (lambda g, y, x: g * (y + 1.0),), "expm1"),
    "log": Operation(np.log, (lambda g, y, x: g / x,), "log"),
    "log1p": Operation(np.log1p, (lambda g, y, x: g / (x + 1.0),), "log1p"),
    "sqrt": Operation(np.sqrt, (lambda g, y, x: g / (y * 2.0),), "√"),
    "abs": Operation(np.abs, (lambda g, y, x: g * np.sign(x.value),), "|·|"),
    "sin": Operation(np.sin, (lambda g, y, x: g * x.cos(),), "sin"),
    "cos": Operation(np.cos, (lambda g, y, x: -(g * x.sin()),), "cos"),
    "tanh": Operation(np.tanh, (lambda g, y, x: g * (1.0 - y * y),), "tanh"),
    # tanh keeps the sigmoid free of overflow at both ends.
    "sigmoid": Operation(
        lambda x: 0.5 * np.tanh(0.5 * x) + 0.5, (lambda g, y, x: g * y * (1.0 - y),), "σ"
    ),
    "softplus": Operation(
        lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
        (lambda g, y, x: g * x.sigmoid(),),
        "softplus",
    ),
    # At a tie the second argument wins, so relu(0) = maximum(0, 0) has the slope 0.
    "maximum": Operation(
        np.maximum,
        (
            lambda g, y, a, b: g * _mask(a.value > b.value, g),
            lambda g, y, a, b: g * _mask(a.value <= b.value, g),
        ),
        "max",
    ),
    "minimum": Operation(
        np.minimum,
        (
            lambda g, y, a, b: g * _mask(a.value < b.value, g),
            lambda g, y, a, b: g * _mask(a.value >= b.value, g),
        ),
        "min",
    ),
    "matmul": Operation(
        np.matmul, (lambda g, y, a, b: g @ _swap(b), lambda g, y, a, b: _swap(a) @ g), "@"
    ),
    "sum": Operation(
        lambda x, *, axis, keepdims: np.sum(x, axis=axis, keepdims=keepdims), (_spread_sum,), "Σ"
    ),
    "max": Operation(
        lambda x, *, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims),
        (_share_of_max,),
        "max",
    ),
    "logsumexp": Operation(_logsumexp, (_softmax,), "logΣexp"),
    "reshape": Operation(
        lambda x, *, shape: np.reshape(x, shape),
        (lambda g, y, x, shape: g.reshape(*x.shape),),
        "reshape",
    ),
    "broadcast": Operation(
        lambda x, *, shape: np.broadcast_to(x, shape), (lambda g, y, x, shape: g,), "spread"
    ),
    "transpose": Operation(
        lambda x, *, axes: np.transpose(x, axes),
        (lambda g, y, x, axes: g.transpose(*(int(i) for i in np.argsort(axes))),),
        "T",
    ),
    "index": Operation(
        lambda x, *, key: x[key],
        (lambda g, y, x, key: g.scatter(key, x.shape),),
        "[·]",
    ),
    "scatter": Operation(_scatter, (lambda g, y, x, key, shape: g[key],), "scatter"),
}
