"""How weights follow a gradient, in order of growing complexity: SGD, momentum, RMSProp, Adam.

An optimiser sees one flat vector of parameters p and one of gradients g, whatever the network.
It is a frozen description; the vectors it keeps (its `slots`) belong to whoever runs it. `steps`
lists the in-place NumPy calls of one update on a stretch of the vectors, and `table` gives the
few numbers those calls read that change from update to update (learning rate, bias correction).

y ← y + a x, the commonest step, is one call of the linear algebra library (`add_scaled`) where
NumPy would need two passes over memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from ann.errors import require_number
from ann.network.arrays import scalar_like
from ann.network.blas import add_scaled
from ann.network.calls import Step
from ann.network.named import Named, make

__all__ = [
    "OPTIMISERS",
    "SGD",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "Optimiser",
    "RMSProp",
    "resolve_optimiser",
]


Array: TypeAlias = np.ndarray
#: The vectors of an optimiser, by the names of its `slots`.
State: TypeAlias = dict[str, np.ndarray]


@dataclass(frozen=True)
class Optimiser(Named):
    """What all optimisers share.

    Attributes
    ----------
    slots : tuple of str
        Vectors as long as the parameters that it keeps from update to update.
    scalars : int
        How many numbers of `table` one update reads.
    learning_rate : float
        The default rate.
    """

    learning_rate: float = 0.1
    slots: ClassVar[tuple[str, ...]] = ()
    scalars: ClassVar[int] = 1

    def __post_init__(self) -> None:
        for key, value in vars(self).items():
            top = np.inf if key in ("learning_rate", "epsilon", "weight_decay") else 1.0
            lowest = key == "weight_decay" or top == 1.0
            require_number(f"{key} of {type(self).__name__}", value, 0.0, top, low_too=lowest)

    def steps(self, p: Array, g: Array, state: State, s: Array, now: Array) -> list[Step]:
        """Calls of one update; ``s`` is scratch as long as ``p``, ``now`` one row of `table`."""
        raise NotImplementedError

    def table(self, first: int, rates: np.ndarray) -> np.ndarray:
        """Numbers for the updates first, first + 1, ... (counted from 1): (len(rates), scalars)."""
        return -rates[:, None]


@dataclass(frozen=True)
class SGD(Optimiser):
    """p ← p - η g.

    Examples
    --------
    >>> SGD(learning_rate=0.5).to_dict()
    {'name': 'sgd', 'learning_rate': 0.5}
    """

    name: ClassVar[str] = "sgd"

    def steps(self, p: Array, g: Array, state: State, s: Array, now: Array) -> list[Step]:
        return [add_scaled(p, g, now[0:1].reshape(()))]


@dataclass(frozen=True)
class Momentum(Optimiser):
    """v ← μ v - η g, p ← p + v (Polyak, 1964).

    Examples
    --------
    >>> Momentum().slots
    ('velocity',)
    """

    momentum: float = 0.9
    name: ClassVar[str] = "momentum"
    slots: ClassVar[tuple[str, ...]] = ("velocity",)

    def steps(self, p: Array, g: Array, state: State, s: Array, now: Array) -> list[Step]:
        v = state["velocity"]
        return [
            (np.multiply, (v, scalar_like(self.momentum, p), v)),
            add_scaled(v, g, now[0:1].reshape(())),
            (np.add, (p, v, p)),
        ]


@dataclass(frozen=True)
class Nesterov(Momentum):
    """v ← μ v - η g, p ← p + μ v - η g (Sutskever et al., 2013, ICML, eq. 3-4, shifted).

    Examples
    --------
    >>> Nesterov(momentum=0.8).momentum
    0.8
    """

    name: ClassVar[str] = "nesterov"

    def steps(self, p: Array, g: Array, state: State, s: Array, now: Array) -> list[Step]:
        v, descent = state["velocity"], now[0:1].reshape(())
        return [
            (np.multiply, (v, scalar_like(self.momentum, p), v)),
            add_scaled(v, g, descent),
            add_scaled(p, g, descent),
            add_scaled(p, v, self.momentum),
        ]


@dataclass(frozen=True)
class RMSProp(Optimiser):
    """v ← ρ v + (1 - ρ) g², p ← p - η g / (√v + ε) (Tieleman & Hinton, 2012).

    Examples
    --------
    >>> RMSProp().decay
    0.99
    """

    learning_rate: float = 1e-3
    decay: float = 0.99
    epsilon: float = 1e-8
    name: ClassVar[str] = "rmsprop"
    slots: ClassVar[tuple[str, ...]] = ("square",)

    def steps(self, p: Array, g: Array, state: State, s: Array, now: Array) -> list[Step]:
        v = state["square"]
        return [
            (np.multiply, (v, scalar_like(self.decay, p), v)),
            (np.square, (g, s)),
            add_scaled(v, s, 1.0 - self.decay),
            (np.sqrt, (v, s)),
            (np.add, (s, scalar_like(self.epsilon, p), s)),
            (np.divide, (g, s, s)),
            add_scaled(p, s, now[0:1].reshape(())),
        ]


@dataclass(frozen=True)
class Adam(Optimiser):
    """m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g², p ← p - η m̂ / (√v̂ + ε).

    m̂ and v̂ are m and v divided by 1 - β₁ᵗ and 1 - β₂ᵗ (Kingma & Ba, 2015, ICLR, algorithm 1).

    Notes
    -----
    Kept are not m and v but M = m / ((1 - β₁) β₁ⁱ) and V = v / ((1 - β₂) β₂ⁱ), i counting the
    updates since the last multiple of a period. Then M ← M + β₁⁻ⁱ g needs one pass over the
    vectors instead of three; when i starts again from 0, M and V are scaled back, long before they
    could overflow. The constants go into the rate and into ε, which `table` computes.

    Examples
    --------
    >>> Adam().table(1, np.array([0.001])).shape
    (1, 5)
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    name: ClassVar[str] = "adam"
    slots: ClassVar[tuple[str, ...]] = ("mean", "square")
    scalars: ClassVar[int] = 5

    @property
    def _period(self) -> int:
        """Updates after which M and V are scaled back: β^-period stays below ten thousand."""
        smallest = min(self.beta1, self.beta2)
        return max(1, int(np.log(1e4) / -np.log(smallest))) if smallest > 1e-4 else 1

    def steps(self, p: Array, g: Array, state: State, s: Array, now: Array) -> list[Step]:
        M, V = state["mean"], state["square"]
        descent, epsilon, up1, up2, restart = (now[i : i + 1].reshape(()) for i in range(5))
        down1 = scalar_like(self.beta1**self._period, p)
        down2 = scalar_like(self.beta2**self._period, p)

        def scale_back() -> None:
            if restart:
                np.multiply(M, down1, M)
                np.multiply(V, down2, V)

        return [
            (scale_back, ()),
            add_scaled(M, g, up1),
            (np.square, (g, s)),
            add_scaled(V, s, up2),
            (np.sqrt, (V, s)),
            (np.add, (s, epsilon, s)),
            (np.divide, (M, s, s)),
            add_scaled(p, s, descent),
        ]

    def table(self, first: int, rates: np.ndarray) -> np.ndarray:
        t = np.arange(first, first + len(rates))
        i = (t - 1) % self._period
        mean = (1.0 - self.beta1) * self.beta1**i / (1.0 - self.beta1**t)
        root = np.sqrt((1.0 - self.beta2) * self.beta2**i / -np.expm1(t * np.log(self.beta2)))
        back = -i.astype(float)
        return np.array(
            [
                -rates * mean / root,
                self.epsilon / root,
                self.beta1**back if self.beta1 else np.ones(len(i)),
                self.beta2**back,
                i == 0,
            ]
        ).T


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with the weights (not the biases) shrunk by η · weight_decay at each update, apart
    from the gradient (Loshchilov & Hutter, 2019, ICLR, algorithm 2).

    Examples
    --------
    >>> AdamW().weight_decay
    0.01
    """

    weight_decay: float = 0.01
    name: ClassVar[str] = "adamw"
    scalars: ClassVar[int] = 6

    def table(self, first: int, rates: np.ndarray) -> np.ndarray:
        # The last number is the factor on the weights; the plan knows where the weights are.
        return np.column_stack([super().table(first, rates), 1.0 - rates * self.weight_decay])


#: The optimisers that have a name. L-BFGS is not one of them: it chooses its own steps.
OPTIMISERS: dict[str, type[Optimiser]] = {
    kind.name: kind for kind in (SGD, Momentum, Nesterov, RMSProp, Adam, AdamW)
}


def resolve_optimiser(
    optimiser: str | dict[str, Any] | Optimiser, learning_rate: float | None = None
) -> Optimiser:
    """Turn a name or a saved description into an optimiser.

    Parameters
    ----------
    optimiser : str, dict or Optimiser
        A name of `OPTIMISERS`, what `Optimiser.to_dict` gave, or an optimiser.
    learning_rate : float, optional
        Replaces the optimiser's own.

    Returns
    -------
    Optimiser

    Raises
    ------
    ParameterError
        If there is no such name or a setting is out of range.

    Examples
    --------
    >>> resolve_optimiser("sgd", 0.5)
    SGD(learning_rate=0.5)
    """
    given = optimiser.to_dict() if isinstance(optimiser, Optimiser) else optimiser
    rate = {} if learning_rate is None else {"learning_rate": learning_rate}
    return make("optimiser", given, OPTIMISERS, "lbfgs (estimators only)", **rate)
