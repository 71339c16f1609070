"""The calculus: arrays that remember how they were made, and a walk back along their graph.

A `Variable` is an array together with the operation and the inputs that made it. Chained, they
form a graph, and the chain rule is a walk over that graph from the result back to the inputs:

    dL/dx = sum over the operations y = f(..., x, ...) of  (dL/dy) (dy/dx)

Everything an operation knows stands in one row of the table in `ann.calculus.operations`: how to
compute it, and for each input the rule that turns dL/dy into dL/dx. Rules are written with
`Variable`s, so a derivative is itself a graph and can be differentiated again; nothing more is
needed for second order. A rule may ignore broadcasting: `gradient` undoes it in one place
(`_unbroadcast`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, overload

import numpy as np

from ann.calculus.operations import OPERATIONS, Operation
from ann.errors import GraphError, ShapeError, unknown_name

__all__ = [
    "OPERATIONS",
    "Operation",
    "Variable",
    "ancestors",
    "apply",
    "gradient",
    "hessian_vector_product",
]

ArrayLike: TypeAlias = Any


class Variable:
    """An array that remembers how it was made.

    Parameters
    ----------
    value : array_like
        Numbers; integers become float64, float32 stays.
    name : str, optional
        What a drawing calls it.

    Attributes
    ----------
    value : ndarray
        The numbers.
    grad : Variable or None
        Filled in by `backward`.

    Notes
    -----
    A variable used twice collects both contributions (the multivariate chain rule); the result
    is not a tree, and the walk visits each node once, after everything that depends on it.

    Examples
    --------
    >>> x = Variable([1.0, 2.0, 3.0], name="x")
    >>> y = (x * x).sum()
    >>> gradient(y, x).value
    array([2., 4., 6.])
    """

    __slots__ = ("grad", "inputs", "name", "operation", "options", "value")
    # NumPy must hand `array + variable` to `Variable.__radd__` instead of looping over entries.
    __array_ufunc__ = None

    def __init__(self, value: ArrayLike, name: str = "") -> None:
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise GraphError(
                f"a variable holds real numbers; {name or 'this one'} has dtype {array.dtype}"
            )
        self.value = array if array.dtype.kind == "f" else array.astype(np.float64)
        self.name = name
        self.operation = ""
        self.inputs: tuple[Variable, ...] = ()
        self.options: dict[str, Any] = {}
        self.grad: Variable | None = None

    # -- what it looks like -------------------------------------------------------------------
    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.value.size

    @property
    def T(self) -> Variable:
        """Transposed."""
        return self.transpose()

    def __repr__(self) -> str:
        label = f"{self.name} = " if self.name else ""
        made = f", made by {self.operation}" if self.operation else ""
        return f"Variable({label}{np.array2string(self.value, precision=4, threshold=8)}{made})"

    def __len__(self) -> int:
        return len(self.value)

    # -- algebra ------------------------------------------------------------------------------
    def __add__(self, other: ArrayLike) -> Variable:
        return apply("add", self, other)

    def __radd__(self, other: ArrayLike) -> Variable:
        return apply("add", other, self)

    def __sub__(self, other: ArrayLike) -> Variable:
        return apply("subtract", self, other)

    def __rsub__(self, other: ArrayLike) -> Variable:
        return apply("subtract", other, self)

    def __mul__(self, other: ArrayLike) -> Variable:
        return apply("multiply", self, other)

    def __rmul__(self, other: ArrayLike) -> Variable:
        return apply("multiply", other, self)

    def __truediv__(self, other: ArrayLike) -> Variable:
        return apply("divide", self, other)

    def __rtruediv__(self, other: ArrayLike) -> Variable:
        return apply("divide", other, self)

    def __pow__(self, other: ArrayLike) -> Variable:
        return apply("power", self, other)

    def __neg__(self) -> Variable:
        return apply("negative", self)

    def __matmul__(self, other: ArrayLike) -> Variable:
        return _matmul(self, _lift(other, self))

    def __rmatmul__(self, other: ArrayLike) -> Variable:
        return _matmul(_lift(other, self), self)

    def __getitem__(self, key: Any) -> Variable:
        return apply("index", self, key=key)

    # -- functions ----------------------------------------------------------------------------
    def exp(self) -> Variable:
        """e to the power of each entry."""
        return apply("exp", self)

    def log(self) -> Variable:
        """Natural logarithm; entries above 0."""
        return apply("log", self)

    def log1p(self) -> Variable:
        """log(1 + x), exact for small x."""
        return apply("log1p", self)

    def expm1(self) -> Variable:
        """exp(x) - 1, exact for small x."""
        return apply("expm1", self)

    def sqrt(self) -> Variable:
        """Square root; entries of at least 0."""
        return apply("sqrt", self)

    def abs(self) -> Variable:
        """Absolute value; slope 0 at 0."""
        return apply("abs", self)

    def tanh(self) -> Variable:
        """Hyperbolic tangent."""
        return apply("tanh", self)

    def sigmoid(self) -> Variable:
        """1 / (1 + exp(-x)), without overflow."""
        return apply("sigmoid", self)

    def softplus(self) -> Variable:
        """log(1 + exp x), without overflow."""
        return apply("softplus", self)

    def sin(self) -> Variable:
        """Sine."""
        return apply("sin", self)

    def cos(self) -> Variable:
        """Cosine."""
        return apply("cos", self)

    def maximum(self, other: ArrayLike) -> Variable:
        """The larger of two, entry by entry; at a tie the slope goes to `other`."""
        return apply("maximum", self, other)

    def minimum(self, other: ArrayLike) -> Variable:
        """The smaller of two, entry by entry; at a tie the slope goes to `other`."""
        return apply("minimum", self, other)

    # -- shapes and sums ----------------------------------------------------------------------
    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Variable:
        """Sum over axes, or over everything."""
        return apply("sum", self, axis=axis, keepdims=keepdims)

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Variable:
        """Mean over axes, or over everything."""
        total = self.sum(axis=axis, keepdims=keepdims)
        return total * (total.size / max(self.size, 1))

    def max(self, axis: int | None = None, keepdims: bool = False) -> Variable:
        """Largest along an axis, or of everything; equal ones share the slope."""
        return apply("max", self, axis=axis, keepdims=keepdims)

    def logsumexp(self, axis: int = -1, keepdims: bool = False) -> Variable:
        """log Σ exp x along an axis, without overflow."""
        return apply("logsumexp", self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: int) -> Variable:
        """The same entries in another shape."""
        return apply("reshape", self, shape=shape)

    def transpose(self, *axes: int) -> Variable:
        """Axes in another order, reversed by default."""
        return apply("transpose", self, axes=axes or tuple(reversed(range(self.ndim))))

    def broadcast(self, *shape: int) -> Variable:
        """Repeated to a larger shape."""
        return apply("broadcast", self, shape=shape)

    def scatter(self, key: Any, shape: tuple[int, ...]) -> Variable:
        """Zeros of a shape, with this added at `key`: what undoes an index."""
        return apply("scatter", self, key=key, shape=shape)

    # -- derivatives --------------------------------------------------------------------------
    def backward(self) -> None:
        """Give every variable this one depends on its `grad`, the derivative of this scalar.

        Raises
        ------
        GraphError
            If this variable is not a single number.
        """
        nodes = ancestors(self)
        for node, slope in zip(nodes, gradient(self, nodes), strict=True):
            node.grad = slope


def _lift(value: ArrayLike, like: Variable | None = None) -> Variable:
    """Make a constant of whatever was given; plain Python numbers take the partner's dtype."""
    if isinstance(value, Variable):
        return value
    if like is not None and isinstance(value, bool | int | float):
        return Variable(np.asarray(value, dtype=like.value.dtype))
    return Variable(value)


def apply(name: str, *inputs: ArrayLike, **options: Any) -> Variable:
    """Compute one operation of the table and remember how.

    Parameters
    ----------
    name : str
        A key of `OPERATIONS`.
    *inputs : Variable or array_like
        What it acts on.
    **options
        What the operation needs besides, such as ``axis``.

    Returns
    -------
    Variable

    Raises
    ------
    ParameterError
        If there is no such operation.
    ShapeError
        If the shapes of the inputs do not fit together.

    Examples
    --------
    >>> apply("add", 1.0, [1.0, 2.0]).value
    array([2., 3.])
    """
    if name not in OPERATIONS:
        raise unknown_name("operation", name, OPERATIONS)
    partner = next((x for x in inputs if isinstance(x, Variable)), None)
    variables = tuple(_lift(x, partner) for x in inputs)
    try:
        value = OPERATIONS[name].forward(*(x.value for x in variables), **options)
    except (ValueError, IndexError, np.exceptions.AxisError) as error:
        shapes = ", ".join(str(x.shape) for x in variables)
        extra = "".join(f", {key}={option!r}" for key, option in options.items())
        raise ShapeError(f"cannot {name} arrays of shape {shapes}{extra}: {error}") from error
    result = Variable(value)
    result.operation, result.inputs, result.options = name, variables, options
    return result


def ancestors(result: Variable) -> list[Variable]:
    """List a variable and all it was made from, each before whatever it was made of.

    Parameters
    ----------
    result : Variable
        Where the walk starts.

    Returns
    -------
    list of Variable
        Topologically sorted, ``result`` first. The walk keeps its own stack, so a graph may be
        deeper than Python's recursion limit.

    Examples
    --------
    >>> x = Variable(2.0, name="x")
    >>> [node.operation or node.name for node in ancestors(x * x + x)]
    ['add', 'multiply', 'x']
    """
    order: list[Variable] = []
    seen: set[int] = set()
    stack: list[tuple[Variable, bool]] = [(result, False)]
    while stack:
        node, finished = stack.pop()
        if finished:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((x, False) for x in node.inputs)
    return order[::-1]


def _unbroadcast(slope: Variable, shape: tuple[int, ...]) -> Variable:
    """Sum a derivative over the axes along which its input was repeated by broadcasting."""
    if slope.shape == shape:
        return slope
    extra = slope.ndim - len(shape)
    if extra > 0:
        slope = slope.sum(axis=tuple(range(extra)))
    repeated = tuple(i for i, n in enumerate(shape) if n == 1 and slope.shape[i] != 1)
    if repeated:
        slope = slope.sum(axis=repeated, keepdims=True)
    # What is left is a rule that answered with too few entries, such as a constant slope.
    return slope if slope.shape == shape else slope.broadcast(*shape)


@overload
def gradient(result: Variable, wrt: Variable, seed: ArrayLike = ...) -> Variable: ...
@overload
def gradient(
    result: Variable, wrt: Sequence[Variable], seed: ArrayLike = ...
) -> list[Variable]: ...
def gradient(
    result: Variable, wrt: Variable | Sequence[Variable], seed: ArrayLike = None
) -> Variable | list[Variable]:
    """Differentiate a result with respect to variables it was made from.

    Parameters
    ----------
    result : Variable
        What is differentiated; a single number unless ``seed`` is given.
    wrt : Variable or sequence of Variable
        What it is differentiated by.
    seed : array_like, optional
        Weights v of a vector result y: the derivative is then that of v·y.

    Returns
    -------
    Variable or list of Variable
        Shaped like ``wrt``; zero where the result does not depend on it. Graphs themselves, so
        they can be differentiated again.

    Raises
    ------
    GraphError
        If the result is not a single number and no seed is given.

    Notes
    -----
    Reverse accumulation: Linnainmaa, S. (1976), BIT 16, 146-160.

    Examples
    --------
    The second derivative of x³ at 2 is 6 x = 12.

    >>> x = Variable(2.0)
    >>> slope = gradient(x**3, x)
    >>> float(slope.value), float(gradient(slope, x).value)
    (12.0, 12.0)
    """
    targets = [wrt] if isinstance(wrt, Variable) else list(wrt)
    if seed is None:
        if result.size != 1:
            raise GraphError(
                f"the derivative of an array of shape {result.shape} is not one array; sum it to "
                "a single number or give a seed of the same shape"
            )
        seed = np.ones(result.shape, result.value.dtype)
    start = _lift(seed, result)
    if start.shape != result.shape:
        raise ShapeError(f"seed of shape {start.shape} for a result of shape {result.shape}")

    order = ancestors(result)
    # Only nodes between the result and a target need a rule; others may have none that is finite.
    needed = {id(x) for x in targets}
    for node in reversed(order):
        if any(id(x) in needed for x in node.inputs):
            needed.add(id(node))

    slopes: dict[int, Variable] = {id(result): start}
    for node in order:
        slope = slopes.get(id(node))
        if slope is None or not node.operation:
            continue
        rules = OPERATIONS[node.operation].rules
        for i, x in enumerate(node.inputs):
            if id(x) not in needed:
                continue
            share = rules[i](slope, node, *node.inputs, **node.options)
            share = _unbroadcast(share, x.shape)
            slopes[id(x)] = slopes[id(x)] + share if id(x) in slopes else share
    found = [slopes.get(id(x), Variable(np.zeros_like(x.value))) for x in targets]
    return found[0] if isinstance(wrt, Variable) else found


def hessian_vector_product(
    result: Variable, wrt: Sequence[Variable], direction: Sequence[ArrayLike]
) -> list[Variable]:
    """Multiply the matrix of second derivatives by a vector without forming the matrix.

    Parameters
    ----------
    result : Variable
        A single number.
    wrt : sequence of Variable
        What it is differentiated by, twice.
    direction : sequence of array_like
        The vector, in pieces shaped like ``wrt``.

    Returns
    -------
    list of Variable
        H v, in pieces shaped like ``wrt``.

    Notes
    -----
    H v = grad(grad(f)·v): Pearlmutter, B. A. (1994), Neural Computation 6, 147-160.

    Examples
    --------
    >>> x = Variable([1.0, 2.0])
    >>> hessian_vector_product((x**3).sum(), [x], [[1.0, 1.0]])[0].value
    array([ 6., 12.])
    """
    slopes = gradient(result, list(wrt))
    along: Variable = Variable(0.0)
    for slope, piece in zip(slopes, direction, strict=True):
        along = along + (slope * piece).sum()
    return gradient(along, list(wrt))


def _matmul(a: Variable, b: Variable) -> Variable:
    """Multiply matrices; vectors are lifted to matrices so that the rule has one case."""
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError("@ needs vectors or matrices; use * for a single number")
    left = a.reshape(1, a.size) if a.ndim == 1 else a
    right = b.reshape(b.size, 1) if b.ndim == 1 else b
    product = apply("matmul", left, right)
    if a.ndim > 1 and b.ndim > 1:
        return product
    kept = list(product.shape)
    if b.ndim == 1:
        del kept[-1]
    if a.ndim == 1:
        del kept[-1 if b.ndim == 1 else -2]
    return product.reshape(*kept)
