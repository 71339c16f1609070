"""How wrong is the network? One class a loss: value, gradient, and the calls a plan runs.

A loss either belongs to an output activation, its `link` (softmax with cross-entropy), and is
then computed from the input z of that activation, where nothing under- or overflows and the
derivative is simply output minus target; or it has no link and is computed from the output,
whatever activation made it. In both cases x below is what the loss reads, shaped (n, k).

A plan works with one column a sample, x of shape (k, batch). `steps` turns x into the derivative
in place and leaves in `record` what `from_record` needs for the losses; the logarithms are taken
once an epoch there, not once a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ann.calculus.graph import Variable, gradient
from ann.errors import ParameterError, ShapeError, require_number
from ann.network.activations import Sigmoid
from ann.network.arrays import scalar_like
from ann.network.calls import Step, run
from ann.network.named import Named, make

__all__ = [
    "LOSSES",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Huber",
    "Loss",
    "OwnLoss",
    "Poisson",
    "Quadratic",
    "resolve_loss",
]


@dataclass(frozen=True)
class Loss(Named):
    """What all losses share.

    Attributes
    ----------
    link : str
        The output activation it belongs to; empty if it reads the output itself.
    rows : int
        How many numbers a sample `steps` leaves in the record.
    """

    link: ClassVar[str] = ""
    rows: ClassVar[int] = 1

    def value(self, x: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Loss of each sample, shape (n,), in double precision; x and target are (n, k)."""
        return self.graph_each(Variable(np.asarray(x, np.float64)), target).value

    def gradient(self, x: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Derivative of each sample's loss by x, shape (n, k)."""
        columns = np.array(np.asarray(x).T, order="C")
        record = np.empty((self.rows, columns.shape[1]), columns.dtype)
        run(self.steps(columns, np.asarray(target).T, record))
        return columns.T

    def graph(self, x: Variable, target: np.ndarray) -> Variable:
        """Mean loss over the samples, as a differentiable expression."""
        return self.graph_each(x, target).mean()

    def graph_each(self, x: Variable, target: np.ndarray) -> Variable:
        """Loss of each sample, shape (n,), as a differentiable expression."""
        raise NotImplementedError

    def steps(self, x: np.ndarray, target: np.ndarray, record: np.ndarray) -> list[Step]:
        """Calls that turn x (k, batch) into the derivative of the summed loss, in place."""
        raise NotImplementedError

    def from_record(self, record: np.ndarray) -> np.ndarray:
        """Loss of each sample from what `steps` left behind, in double precision."""
        return np.asarray(record[0], np.float64)


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """L = -Σ_k t_k log softmax(z)_k, dL/dz = softmax(z) - t, for classes that exclude each other.

    Targets are rows that sum to one, usually with a single 1.

    Examples
    --------
    >>> CrossEntropy().value(np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]])).round(4)
    array([0.6931])
    """

    name: ClassVar[str] = "cross_entropy"
    link: ClassVar[str] = "softmax"
    rows: ClassVar[int] = 2

    def graph_each(self, x: Variable, target: np.ndarray) -> Variable:
        return x.logsumexp(axis=-1) - (x * target).sum(axis=-1)

    def steps(self, x: np.ndarray, target: np.ndarray, record: np.ndarray) -> list[Step]:
        top = np.empty(x.shape[1], x.dtype)
        both = np.empty((2, *x.shape), x.dtype)  # exp(z) and z t, so that one call sums both
        return [
            (np.maximum.reduce, (x, 0, None, top)),
            (np.subtract, (x, top, x)),
            (np.multiply, (x, target, both[1])),
            (np.exp, (x, both[0])),
            (np.add.reduce, (both, 1, None, record)),
            (np.divide, (both[0], record[0], x)),
            (np.subtract, (x, target, x)),
        ]

    def from_record(self, record: np.ndarray) -> np.ndarray:
        return np.asarray(np.log(record[0], dtype=np.float64) - record[1])


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """L = Σ_k log(1 + exp z_k) - t_k z_k, dL/dz = sigmoid(z) - t, for labels that may coincide.

    Targets lie in [0, 1], one column a label.

    Examples
    --------
    >>> BinaryCrossEntropy().value(np.array([[0.0]]), np.array([[1.0]])).round(4)
    array([0.6931])
    """

    name: ClassVar[str] = "binary_cross_entropy"
    link: ClassVar[str] = "sigmoid"

    def graph_each(self, x: Variable, target: np.ndarray) -> Variable:
        return (x.softplus() - x * target).sum(axis=-1)

    def steps(self, x: np.ndarray, target: np.ndarray, record: np.ndarray) -> list[Step]:
        s, zero, product = np.empty_like(x), np.zeros_like(x), np.empty_like(x)
        return [
            (np.abs, (x, s)),
            (np.negative, (s, s)),
            (np.exp, (s, s)),
            (np.log1p, (s, s)),
            (np.multiply, (x, target, product)),
            (np.subtract, (s, product, s)),
            (partial(np.maximum, out=product), (x, zero)),
            (np.add, (s, product, s)),
            (np.add.reduce, (s, 0, None, record[0])),
            *Sigmoid().steps(x),
            (np.subtract, (x, target, x)),
        ]


@dataclass(frozen=True)
class Quadratic(Loss):
    """L = ½ Σ_k (a_k - t_k)², dL/da = a - t, on the output a of any activation.

    Examples
    --------
    >>> Quadratic().value(np.array([[3.0]]), np.array([[1.0]]))
    array([2.])
    """

    name: ClassVar[str] = "quadratic"

    def graph_each(self, x: Variable, target: np.ndarray) -> Variable:
        error = x - target
        return (error * error).sum(axis=-1) * 0.5

    def steps(self, x: np.ndarray, target: np.ndarray, record: np.ndarray) -> list[Step]:
        square = np.empty_like(x)
        return [
            (np.subtract, (x, target, x)),
            (np.multiply, (x, x, square)),
            (np.add.reduce, (square, 0, None, record[0])),
        ]

    def from_record(self, record: np.ndarray) -> np.ndarray:
        return 0.5 * np.asarray(record[0], np.float64)


@dataclass(frozen=True)
class Huber(Loss):
    """L = Σ_k h(a_k - t_k): h(e) = e²/2 up to \\|e\\| = width, then width (\\|e\\| - width/2).

    Outliers pull with a bounded force (Huber, P. J., 1964, Ann. Math. Stat. 35, 73-101).

    Parameters
    ----------
    width : float
        Where the parabola ends, in units of the target; above 0.

    Examples
    --------
    >>> Huber().value(np.array([[3.0]]), np.array([[0.0]]))
    array([2.5])
    """

    width: float = 1.0
    name: ClassVar[str] = "huber"

    def __post_init__(self) -> None:
        require_number("width of the Huber loss", self.width, 0.0, low_too=False)

    def graph_each(self, x: Variable, target: np.ndarray) -> Variable:
        size = (x - target).abs()
        inner = size.minimum(self.width)
        return (inner * inner * 0.5 + (size - inner) * self.width).sum(axis=-1)

    def steps(self, x: np.ndarray, target: np.ndarray, record: np.ndarray) -> list[Step]:
        inner = np.empty_like(x)
        half, top, low = (scalar_like(v, x) for v in (0.5, self.width, -self.width))
        # h(e) = c (e - c/2) with c = e cut to [-width, width]: one form for both branches.
        return [
            (np.subtract, (x, target, x)),
            (partial(np.minimum, out=inner), (x, top)),
            (partial(np.maximum, out=inner), (inner, low)),
            (_huber_value, (x, inner, half, record[0])),
            (np.copyto, (x, inner)),
        ]


def _huber_value(x: np.ndarray, inner: np.ndarray, half: np.ndarray, out: np.ndarray) -> None:
    np.add.reduce(inner * (x - half * inner), 0, None, out)


@dataclass(frozen=True)
class Poisson(Loss):
    """L = Σ_k exp(z_k) - t_k z_k, dL/dz = exp(z) - t, for counts t with mean exp(z).

    The part of the Poisson log-likelihood that depends on the mean.

    Examples
    --------
    >>> Poisson().value(np.array([[0.0]]), np.array([[3.0]]))
    array([1.])
    """

    name: ClassVar[str] = "poisson"
    link: ClassVar[str] = "exponential"

    def graph_each(self, x: Variable, target: np.ndarray) -> Variable:
        return (x.exp() - x * target).sum(axis=-1)

    def steps(self, x: np.ndarray, target: np.ndarray, record: np.ndarray) -> list[Step]:
        product = np.empty_like(x)
        return [
            (np.multiply, (x, target, product)),
            (np.exp, (x, x)),
            (np.subtract, (x, product, product)),
            (np.add.reduce, (product, 0, None, record[0])),
            (np.subtract, (x, target, x)),
        ]


class OwnLoss(Loss):
    """A loss of your own, written as an expression; the graph finds its derivative.

    Parameters
    ----------
    function : callable
        ``function(output, target)`` with the output a `Variable` and the target an array, both
        (n, k); returns a `Variable` with one loss a sample, or one an entry.
    name : str, optional
        By default the function's name.

    Examples
    --------
    >>> fourth = OwnLoss(lambda output, target: (output - target) ** 4)
    >>> fourth.value(np.array([[3.0]]), np.array([[1.0]]))
    array([16.])
    >>> fourth.gradient(np.array([[3.0]]), np.array([[1.0]]))
    array([[32.]])
    """

    def __init__(
        self, function: Callable[[Variable, np.ndarray], Variable], name: str = ""
    ) -> None:
        vars(self).update(function=function, name=name or getattr(function, "__name__", "own"))

    function: Callable[[Variable, np.ndarray], Variable]
    name: str  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"OwnLoss({self.name})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnLoss) and self.function == other.function

    def __hash__(self) -> int:
        return hash(self.function)

    def graph_each(self, x: Variable, target: np.ndarray) -> Variable:
        each = self.function(x, target)
        if not isinstance(each, Variable) or each.shape not in (x.shape, x.shape[:1]):
            got = getattr(each, "shape", type(each).__name__)
            raise ShapeError(
                f"the loss {self.name!r} must return a Variable with one loss a sample, shape "
                f"{x.shape[:1]}, or one an entry, {x.shape}; it returned {got}"
            )
        return each.sum(axis=-1) if each.shape == x.shape and each.ndim == 2 else each

    def steps(self, x: np.ndarray, target: np.ndarray, record: np.ndarray) -> list[Step]:
        def differentiate() -> None:
            output = Variable(x.T.copy())
            each = self.graph_each(output, target.T)
            record[0] = each.value
            x[...] = gradient(each.sum(), output).value.T

        return [(differentiate, ())]

    def to_dict(self) -> dict[str, Any]:
        raise ParameterError(
            f"the loss {self.name!r} is a function of your own and cannot be written to a model "
            "file; pass it again when loading"
        )


#: The losses that have a name.
LOSSES: dict[str, type[Loss]] = {
    kind.name: kind for kind in (CrossEntropy, BinaryCrossEntropy, Quadratic, Huber, Poisson)
}


def resolve_loss(loss: str | dict[str, Any] | Loss | Callable[..., Variable]) -> Loss:
    """Turn a name, a saved description or a function of your own into a loss.

    Parameters
    ----------
    loss : str, dict, Loss or callable
        A name of `LOSSES`, what `Loss.to_dict` gave, or a function for `OwnLoss`.

    Returns
    -------
    Loss

    Raises
    ------
    ParameterError
        If there is no such name.

    Examples
    --------
    >>> resolve_loss("huber")
    Huber(width=1.0)
    """
    if isinstance(loss, Loss):
        return loss
    return OwnLoss(loss) if callable(loss) else make("loss", loss, LOSSES)
