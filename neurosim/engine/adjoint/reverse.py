"""The derivatives of a graph's outputs as more of its nodes: backwards, and along a direction."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from neurosim.engine.adjoint.graph import Graph, Node
from neurosim.errors import EngineError

__all__ = ["STANDING", "along", "reverse"]

#: Operations whose result stands still while what they take moves a little.
STANDING = {
    *("less", "at_most", "equal", "whole", "floor", "ceil", "sign"),
    *("gaussian", "waveform", "step_level", "timestep"),
}

_Slopes = tuple[int | None, ...]


def _of_larger(graph: Graph, node: Node, _: int) -> _Slopes:
    first = graph.node("less", *node.args)
    return graph.sub(graph.constant(1), first), first


def _of_smaller(graph: Graph, node: Node, _: int) -> _Slopes:
    first = graph.node("less", *node.args)
    return first, graph.sub(graph.constant(1), first)


def _of_power(graph: Graph, node: Node, _: int) -> _Slopes:
    n = node.value
    return (graph.mul(graph.constant(n), graph.power(node.args[0], n - 1)),)


def _one_plus_square(graph: Graph, x: int) -> int:
    return graph.add(graph.constant(1), graph.mul(x, x))


# By operation, its derivative with respect to each node that it takes (None: that one follows from
# another), from the graph, the node and its own number.
_RULES: dict[str, Callable[[Graph, Node, int], _Slopes]] = {
    "add": lambda g, n, at: (g.constant(1), g.constant(1)),
    "sub": lambda g, n, at: (g.constant(1), g.constant(-1)),
    "mul": lambda g, n, at: (n.args[1], n.args[0]),
    "neg": lambda g, n, at: (g.constant(-1),),
    "recip": lambda g, n, at: (g.neg(g.mul(at, at)),),
    "exp": lambda g, n, at: (at,),
    "expm1": lambda g, n, at: (g.add(at, g.constant(1)),),
    "log": lambda g, n, at: (g.recip(n.args[0]),),
    "log10": lambda g, n, at: (g.mul(g.constant(1 / math.log(10)), g.recip(n.args[0])),),
    "log1p": lambda g, n, at: (g.recip(g.add(g.constant(1), n.args[0])),),
    "sqrt": lambda g, n, at: (g.mul(g.constant(0.5), g.recip(at)),),
    "sin": lambda g, n, at: (g.node("cos", n.args[0]),),
    "cos": lambda g, n, at: (g.neg(g.node("sin", n.args[0])),),
    "tan": lambda g, n, at: (_one_plus_square(g, at),),
    "sinh": lambda g, n, at: (g.node("cosh", n.args[0]),),
    "cosh": lambda g, n, at: (g.node("sinh", n.args[0]),),
    "tanh": lambda g, n, at: (g.sub(g.constant(1), g.mul(at, at)),),
    "arctan": lambda g, n, at: (g.recip(_one_plus_square(g, n.args[0])),),
    "abs": lambda g, n, at: (g.node("sign", n.args[0]),),
    "power": _of_power,
    # The exponential that exprel is given is that of its argument.
    "exprel": lambda g, n, at: (g.node("exprel_slope", *n.args, at), None),
    "per_exprel": lambda g, n, at: (g.node("per_exprel_slope", *n.args, at), None),
    "larger": _of_larger,
    "smaller": _of_smaller,
}


def _slopes_of(graph: Graph, at: int) -> tuple[int | None, ...]:
    """Return the derivative of an operation with respect to each node that it takes, as nodes.

    None stands for a node that follows from another one of them.

    Raises
    ------
    EngineError
        It has no derivative that is known.
    """
    node = graph.nodes[at]
    if node.kind not in _RULES:
        raise EngineError(f"{node.kind} has no derivative that is known")
    return _RULES[node.kind](graph, node, at)


def reverse(graph: Graph, seeds: Mapping[int, int], moving: Iterable[int]) -> dict[int, int]:
    r"""Return what each input adds to a sum of outputs, as nodes.

    For outputs :math:`y_k` with the seeds :math:`\bar y_k` these are
    :math:`\bar x = \sum_k \bar y_k\, \partial y_k / \partial x`.

    Parameters
    ----------
    graph : Graph
        What is written to.
    seeds : mapping of int to int
        By output, the node of its seed.
    moving : iterable of int
        The inputs.

    Raises
    ------
    EngineError
        An operation has no derivative that is known.

    Examples
    --------
    >>> graph = Graph()
    >>> x = graph.input("x")
    >>> found = reverse(graph, {graph.mul(x, x): graph.constant(1)}, [x])
    >>> graph.nodes[found[x]]
    Node(kind='add', args=(0, 0), name='', value=0.0)
    """
    inputs = list(moving)
    active = graph.above(inputs)
    terms: dict[int, list[int]] = {}
    for output, seed in seeds.items():
        terms.setdefault(output, []).append(seed)
    found: dict[int, int] = {}
    for at in reversed(graph.below(seeds)):
        node = graph.nodes[at]
        if at not in terms or at not in active:
            continue
        bar = found[at] = graph.sum(terms[at])
        if node.kind in STANDING or not node.args:
            continue
        for arg, slope in zip(node.args, _slopes_of(graph, at), strict=True):
            if arg in active and slope is not None:
                terms.setdefault(arg, []).append(graph.mul(bar, slope))
    zero = graph.constant(0)
    return {at: found.get(at, zero) for at in inputs}


def along(graph: Graph, outputs: Iterable[int], dots: Mapping[int, int]) -> dict[int, int]:
    """Return the derivative of each output along a direction, as nodes.

    Parameters
    ----------
    graph : Graph
        What is written to.
    outputs : iterable of int
        The outputs.
    dots : mapping of int to int
        By input, the node of its derivative along the direction; all others stand still.

    Raises
    ------
    EngineError
        An operation has no derivative that is known.

    Examples
    --------
    >>> graph = Graph()
    >>> x = graph.input("x")
    >>> square = graph.mul(x, x)
    >>> found = along(graph, [square], {x: graph.constant(1)})
    >>> graph.nodes[found[square]]
    Node(kind='add', args=(0, 0), name='', value=0.0)
    """
    ends = list(outputs)
    found = dict(dots)
    for at in graph.below(ends):
        node = graph.nodes[at]
        if at in found or node.kind in STANDING or found.keys().isdisjoint(node.args):
            continue
        slopes = _slopes_of(graph, at)
        found[at] = graph.sum(
            graph.mul(found[arg], slope)
            for arg, slope in zip(node.args, slopes, strict=True)
            if arg in found and slope is not None
        )
    zero = graph.constant(0)
    return {at: found.get(at, zero) for at in ends}
