"""A graph worked out in NumPy: for rest, and with complex numbers as a check of every derivative.

A step with a parameter of p + ih has the derivative in its imaginary part, without a difference
that could lose digits (Squire and Trapp 1998, SIAM Rev 40:110).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from neurosim.engine.adjoint.graph import Graph

__all__ = ["values_of"]

_CLOSE = 1e-2


def _exprel(x: Any, e: Any) -> Any:
    near = np.abs(np.real(x)) < _CLOSE
    series = 1 + x * (1 / 2 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x * (1 / 720 + x / 5040)))))
    return np.where(near, series, (e - 1) / np.where(near, 1, x))


def _exprel_slope(x: Any, e: Any, f: Any) -> Any:
    near = np.abs(np.real(x)) < _CLOSE
    inner = 1 / 30 + x * (1 / 144 + x * (1 / 840 + x / 5760))
    series = 1 / 2 + x * (1 / 3 + x * (1 / 8 + x * inner))
    return np.where(near, series, (e - f) / np.where(near, 1, x))


def _per_exprel(x: Any, e: Any) -> Any:
    near = np.abs(np.real(x)) < _CLOSE
    square = x * x
    series = 1 - x / 2 + square * (1 / 12 - square * (1 / 720 - square / 30240))
    return np.where(near, series, x / np.where(near, 1, e - 1))


def _per_exprel_slope(x: Any, e: Any, p: Any) -> Any:
    near = np.abs(np.real(x)) < _CLOSE
    square = x * x
    series = -1 / 2 + x * (1 / 6 - square * (1 / 180 - square / 5040))
    return np.where(near, series, (1 - p * e) / np.where(near, 1, e - 1))


def _real(what: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: what(*(np.real(a) for a in args))


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "neg": np.negative,
    "recip": lambda a: 1 / a,
    **{name: getattr(np, name) for name in ("exp", "expm1", "log", "log10", "log1p", "sqrt")},
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan")},
    "abs": lambda a: a * np.sign(np.real(a)),
    "exprel": _exprel,
    "exprel_slope": _exprel_slope,
    "per_exprel": _per_exprel,
    "per_exprel_slope": _per_exprel_slope,
    "larger": lambda a, b: np.where(np.real(a) < np.real(b), b, a),
    "smaller": lambda a, b: np.where(np.real(b) < np.real(a), b, a),
    "less": _real(lambda a, b: (a < b) * 1.0),
    "at_most": _real(lambda a, b: (a <= b) * 1.0),
    "equal": _real(lambda a, b: (a == b) * 1.0),
    "sign": _real(np.sign),
    "whole": _real(np.trunc),
    "floor": _real(np.floor),
    "ceil": _real(np.ceil),
    "timestep": _real(lambda t, dt: np.trunc((t + 1e-3 * dt) / dt)),
}


def values_of(
    graph: Graph,
    wanted: Sequence[int],
    given: Mapping[str, Any],
    functions: Mapping[str, Callable[..., Any]] | None = None,
) -> list[np.ndarray]:
    """Return the values of nodes.

    Parameters
    ----------
    graph : Graph
        The operations.
    wanted : sequence of int
        The nodes.
    given : mapping of str to array
        The inputs, real or complex.
    functions : mapping of str to callable, optional
        What reads the data of a run: ``gaussian``, ``waveform`` and ``step_level``.

    Examples
    --------
    >>> graph = Graph()
    >>> y = graph.node("exp", graph.input("x"))
    >>> float(values_of(graph, [y], {"x": 1e-200j})[0].imag)
    1e-200
    """
    operations = {**_OPERATIONS, **{k: _real(f) for k, f in (functions or {}).items()}}
    found: dict[int, Any] = {}
    for at in graph.below(wanted):
        node = graph.nodes[at]
        if node.kind == "input":
            found[at] = np.asarray(given[node.name])
        elif node.kind == "constant":
            found[at] = np.asarray(node.value)
        elif node.kind == "power":
            found[at] = found[node.args[0]] ** node.value
        else:
            found[at] = operations[node.kind](*(found[a] for a in node.args))
    return [np.asarray(found[at]) for at in wanted]
