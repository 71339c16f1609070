"""What a unit does with its summed input: value and slope, three times over.

Each activation is one small class with its equation, and shows three faces:

- `value(z)` and `gradient(z)`: plain arrays in, plain arrays out;
- `graph(z)`: the same as a differentiable expression, against which the others are tested;
- `steps(z)` and `slope_steps(a, s)`: the same as a list of in-place NumPy calls, which is what a
  compiled plan runs. The slope is computed from the output `a`, so the input need not be kept.

An activation of your own, such as a unit fitted to a neuron, needs only a `gradient` and one of
`value`, `rate` or being callable; `resolve` wraps it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, ClassVar

import numpy as np

from ann.calculus.graph import Variable, apply
from ann.errors import ParameterError, require_number
from ann.network.arrays import scalar_like
from ann.network.calls import Step, run
from ann.network.named import Named, make

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "CustomActivation",
    "Exponential",
    "Foreign",
    "Identity",
    "LeakyReLU",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "resolve",
]


@dataclass(frozen=True)
class Activation(Named):
    """What all activations share.

    Attributes
    ----------
    gain : float
        Factor on the Glorot bound that keeps the variance of signals and gradients from layer to
        layer.
    keeps_input : bool
        Whether the slope needs the input z besides the output.
    elementwise : bool
        Whether each output depends on its own input only.
    """

    gain: ClassVar[float] = 1.0
    keeps_input: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True

    def value(self, z: np.ndarray) -> np.ndarray:
        """Output for the input z, as a new array of the same shape and dtype."""
        out = np.array(z, dtype=z.dtype if z.dtype.kind == "f" else np.float64)
        run(self.steps(out))
        return out

    __call__ = value

    def gradient(self, z: np.ndarray) -> np.ndarray:
        """Slope d(value)/dz at the input z."""
        a = self.value(np.asarray(z))
        out = np.empty_like(a)
        run(self.slope_steps(a, out))
        return out

    def graph(self, z: Variable) -> Variable:
        """The same function as a differentiable expression."""
        raise NotImplementedError

    def steps(self, z: np.ndarray) -> list[Step]:
        """Calls that turn the input z into the output, in place."""
        raise NotImplementedError

    def slope_steps(self, a: np.ndarray, out: np.ndarray) -> list[Step]:
        """Calls that write the slope into `out`, given the output `a`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Identity(Activation):
    """f(z) = z, f' = 1.

    Examples
    --------
    >>> Identity().value(np.array([-1.0, 2.0]))
    array([-1.,  2.])
    """

    name: ClassVar[str] = "identity"

    def graph(self, z: Variable) -> Variable:
        return z

    def steps(self, z: np.ndarray) -> list[Step]:
        return []

    def slope_steps(self, a: np.ndarray, out: np.ndarray) -> list[Step]:
        return [(out.fill, (1,))]


@dataclass(frozen=True)
class Sigmoid(Activation):
    """f(z) = 1 / (1 + exp(-z)) = (1 + tanh(z/2)) / 2, f' = f (1 - f).

    Notes
    -----
    The tanh form cannot overflow and is several times faster than an exponential and a division.
    It rounds to 0 or 1 beyond \\|z\\| = 17 in single precision: losses are therefore computed from
    z, never from log f. The gain is that of Glorot and Bengio (2010), AISTATS: slope 1/4 at 0.

    Examples
    --------
    >>> Sigmoid().value(np.array([0.0]))
    array([0.5])
    """

    name: ClassVar[str] = "sigmoid"
    gain: ClassVar[float] = 4.0

    def graph(self, z: Variable) -> Variable:
        return z.sigmoid()

    def steps(self, z: np.ndarray) -> list[Step]:
        half = scalar_like(0.5, z)
        return [
            (np.multiply, (z, half, z)),
            (np.tanh, (z, z)),
            (np.multiply, (z, half, z)),
            (np.add, (z, half, z)),
        ]

    def slope_steps(self, a: np.ndarray, out: np.ndarray) -> list[Step]:
        return [(np.square, (a, out)), (np.subtract, (a, out, out))]


@dataclass(frozen=True)
class Tanh(Activation):
    """f(z) = tanh z, f' = 1 - f².

    Examples
    --------
    >>> float(Tanh().gradient(np.array(0.0)))
    1.0
    """

    name: ClassVar[str] = "tanh"

    def graph(self, z: Variable) -> Variable:
        return z.tanh()

    def steps(self, z: np.ndarray) -> list[Step]:
        return [(np.tanh, (z, z))]

    def slope_steps(self, a: np.ndarray, out: np.ndarray) -> list[Step]:
        return [(np.square, (a, out)), (np.subtract, (scalar_like(1, a), out, out))]


@dataclass(frozen=True)
class ReLU(Activation):
    """f(z) = max(z, 0), f' = 1 for z > 0 and 0 otherwise.

    The gain √2 (He et al., 2015, ICCV) makes up for the half of the inputs that are cut off.

    Examples
    --------
    >>> ReLU().value(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    name: ClassVar[str] = "relu"
    gain: ClassVar[float] = float(np.sqrt(2.0))

    def graph(self, z: Variable) -> Variable:
        return z.maximum(0.0)

    def steps(self, z: np.ndarray) -> list[Step]:
        # Against an array of zeros maximum is vectorised; against a single zero it is not.
        zeros = _zeros(z.dtype)
        flat = z.ravel(order="K")  # contiguous as it is, this is no copy
        stretches = [flat[i : i + zeros.size] for i in range(0, flat.size, zeros.size)]
        return [(partial(np.maximum, out=s), (s, zeros[: s.size])) for s in stretches]

    def slope_steps(self, a: np.ndarray, out: np.ndarray) -> list[Step]:
        return [(np.not_equal, (a, scalar_like(0, a), out))]


@lru_cache
def _zeros(dtype: np.dtype) -> np.ndarray:
    """One stretch of zeros for whoever compares with zero."""
    zeros = np.zeros(2**15, dtype)
    zeros.flags.writeable = False
    return zeros


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """f(z) = max(z, leak z), f' = 1 for z > 0 and leak otherwise.

    Parameters
    ----------
    leak : float
        Slope for negative inputs, in (0, 1).

    Examples
    --------
    >>> LeakyReLU(0.1).value(np.array([-1.0, 2.0]))
    array([-0.1,  2. ])
    """

    leak: float = 0.01
    name: ClassVar[str] = "leaky_relu"
    gain: ClassVar[float] = float(np.sqrt(2.0))

    def __post_init__(self) -> None:
        require_number("leak", self.leak, 0.0, 1.0, low_too=False)

    def graph(self, z: Variable) -> Variable:
        return z.maximum(0.0) + z.minimum(0.0) * self.leak

    def steps(self, z: np.ndarray) -> list[Step]:
        scratch = np.empty_like(z)
        return [
            (np.multiply, (z, scalar_like(self.leak, z), scratch)),
            (partial(np.maximum, out=z), (z, scratch)),
        ]

    def slope_steps(self, a: np.ndarray, out: np.ndarray) -> list[Step]:
        return [
            (np.sign, (a, out)),
            (partial(np.maximum, out=out), (out, scalar_like(self.leak, a))),
        ]


@dataclass(frozen=True)
class Softplus(Activation):
    """f(z) = log(1 + exp z), f' = 1 - exp(-f), a smooth ReLU.

    Examples
    --------
    >>> Softplus().value(np.array([0.0])).round(4)
    array([0.6931])
    """

    name: ClassVar[str] = "softplus"
    gain: ClassVar[float] = 2.0

    def graph(self, z: Variable) -> Variable:
        return z.softplus()

    def steps(self, z: np.ndarray) -> list[Step]:
        scratch, zero = np.empty_like(z), np.zeros_like(z)
        return [
            (np.abs, (z, scratch)),
            (np.negative, (scratch, scratch)),
            (np.exp, (scratch, scratch)),
            (np.log1p, (scratch, scratch)),
            (partial(np.maximum, out=z), (z, zero)),
            (np.add, (z, scratch, z)),
        ]

    def slope_steps(self, a: np.ndarray, out: np.ndarray) -> list[Step]:
        return [(np.negative, (a, out)), (np.expm1, (out, out)), (np.negative, (out, out))]


@dataclass(frozen=True)
class Exponential(Activation):
    """f(z) = exp z, f' = f: the mean of a count, with the Poisson loss.

    Examples
    --------
    >>> Exponential().value(np.array([0.0]))
    array([1.])
    """

    name: ClassVar[str] = "exponential"

    def graph(self, z: Variable) -> Variable:
        return z.exp()

    def steps(self, z: np.ndarray) -> list[Step]:
        return [(np.exp, (z, z))]

    def slope_steps(self, a: np.ndarray, out: np.ndarray) -> list[Step]:
        return [(np.copyto, (out, a))]


@dataclass(frozen=True)
class Softmax(Activation):
    """f_k(z) = exp(z_k) / Σ_j exp(z_j), along the last axis.

    An output activation: probabilities of classes that exclude each other. Its slope is not one
    number an entry but a matrix, so `gradient` refuses; the loss takes the derivative.

    Examples
    --------
    >>> Softmax().value(np.array([[1.0, 1.0]]))
    array([[0.5, 0.5]])
    """

    name: ClassVar[str] = "softmax"
    elementwise: ClassVar[bool] = False

    def value(self, z: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.exp(z - np.max(z, axis=-1, keepdims=True))
        out /= np.sum(out, axis=-1, keepdims=True)
        return out

    __call__ = value

    def gradient(self, z: np.ndarray) -> np.ndarray:
        raise ParameterError(
            "softmax has a matrix of slopes, not one for each unit: use it for the output layer, "
            "with the cross-entropy loss"
        )

    def graph(self, z: Variable) -> Variable:
        return (z - z.logsumexp(axis=-1, keepdims=True)).exp()


class CustomActivation(Activation):
    """Any object with a value and a gradient, used as an activation.

    Parameters
    ----------
    unit : object
        Has ``gradient(z)`` and one of ``value(z)``, ``rate(z)`` or ``unit(z)``; arrays in, arrays
        of the same shape out.
    name : str, optional
        By default the unit's ``name``, or the name of its class.
    centre, width, height : float
        For a unit with scales of its own, such as a rate in hertz against a current in
        picoampere: the activation is value(centre + width z) / height, so that sums z of order
        one reach its steep part and outputs are of order one.

    Notes
    -----
    The slope is taken at the input, which the plan then keeps: one more array a layer. Initial
    weights are scaled by 1 / √E[slope²] for normally distributed z, which is √2 for the ReLU.

    Examples
    --------
    >>> class Cube:
    ...     def value(self, z): return z**3
    ...     def gradient(self, z): return 3 * z**2
    >>> CustomActivation(Cube()).gradient(np.array([2.0]))
    array([12.])
    """

    keeps_input: ClassVar[bool] = True

    def __init__(
        self,
        unit: Any,
        name: str = "",
        *,
        centre: float = 0.0,
        width: float = 1.0,
        height: float = 1.0,
    ) -> None:
        function = next(
            (getattr(unit, key) for key in ("value", "rate") if callable(getattr(unit, key, None))),
            unit if callable(unit) else None,
        )
        if function is None or not callable(getattr(unit, "gradient", None)):
            raise ParameterError(
                f"{unit!r} cannot be an activation: it needs gradient(z) and one of value(z), "
                f"rate(z) or being callable"
            )
        if width == 0 or height == 0:
            raise ParameterError(f"width and height must not be 0, got {width} and {height}")
        vars(self).update(  # frozen from now on
            unit=unit,
            function=function,
            name=name or getattr(unit, "name", type(unit).__name__),
            scales=(float(centre), float(width), float(height)),
        )
        z = np.linspace(-4.0, 4.0, 801)
        density = np.exp(-0.5 * z * z)
        with np.errstate(all="ignore"):
            square = np.sum(density * np.square(self.gradient(z))) / density.sum()
        usable = np.isfinite(square) and square > 1e-12
        vars(self)["gain"] = float(1.0 / np.sqrt(square)) if usable else 1.0

    unit: Any
    function: Callable[[np.ndarray], np.ndarray]
    scales: tuple[float, float, float]
    name: str  # type: ignore[misc]
    gain: float  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"CustomActivation({self.unit!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CustomActivation) and (self.unit, self.scales) == (
            other.unit,
            other.scales,
        )

    def __hash__(self) -> int:
        return hash(self.name)

    def value(self, z: np.ndarray) -> np.ndarray:
        centre, width, height = self.scales
        return (np.asarray(self.function(centre + width * z)) / height).astype(z.dtype, copy=False)

    __call__ = value

    def gradient(self, z: np.ndarray) -> np.ndarray:
        centre, width, height = self.scales
        slope = np.asarray(self.unit.gradient(centre + width * z))
        return (slope * (width / height)).astype(z.dtype, copy=False)

    def graph(self, z: Variable) -> Variable:
        """A straight line through each point: right in value and first derivative only."""
        slope = self.gradient(z.value)
        return apply("add", self.value(z.value) - slope * z.value, z * slope)

    def steps(self, z: np.ndarray) -> list[Step]:
        def replace() -> None:
            z[...] = self.value(z)

        return [(replace, ())]

    def slope_steps(self, a: np.ndarray, out: np.ndarray) -> list[Step]:
        """Here `a` is the kept input."""

        def replace() -> None:
            out[...] = self.gradient(a)

        return [(replace, ())]

    def to_dict(self) -> dict[str, Any]:
        raise ParameterError(
            f"the activation {self.name!r} is an object of your own and cannot be written to a "
            "model file; pass it again when loading"
        )


#: An earlier name.
Foreign = CustomActivation

#: The activations that have a name.
ACTIVATIONS: dict[str, type[Activation]] = {
    kind.name: kind
    for kind in (Identity, Sigmoid, Tanh, ReLU, LeakyReLU, Softplus, Exponential, Softmax)
}


def resolve(activation: str | dict[str, Any] | Activation | Any) -> Activation:
    """Turn a name, a saved description or an object of your own into an activation.

    Parameters
    ----------
    activation : str, dict, Activation or object
        A name of `ACTIVATIONS`, what `Activation.to_dict` gave, or anything that
        `CustomActivation` accepts.

    Returns
    -------
    Activation

    Raises
    ------
    ParameterError
        If there is no such name or the object cannot serve.

    Examples
    --------
    >>> resolve("tanh")
    Tanh()
    """
    if isinstance(activation, Activation):
        return activation
    if isinstance(activation, dict | str):
        return make("activation", activation, ACTIVATIONS)
    return CustomActivation(activation)
