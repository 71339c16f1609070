"""Rewrite a network so that every unit is something a neuron can be; its answers stay.

A neuron cannot be negative. It excites or inhibits, if Dale's law is to hold.
It is noisy, and several may stand for one unit. Each of these is a rewriting of the network: units
are copied, with weights in and out such that the function stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ann import Network
from bridge.errors import ConversionError

__all__ = ["Copies", "Expanded", "Half", "expand"]


@dataclass(frozen=True)
class Half:
    """One side of a function that takes both signs: max(sign f(sign z), 0).

    Attributes
    ----------
    function : Activation
        The whole function.
    sign : int
        Which side, 1 or -1.

    Examples
    --------
    >>> import numpy as np
    >>> from ann.network.activations import Tanh
    >>> Half(Tanh(), -1).value(np.array([-2.0, 2.0])).round(3)
    array([0.   , 0.964])
    """

    function: Any
    sign: int

    @property
    def name(self) -> str:
        """How it is called in messages."""
        return f"{self.function.name}, {'positive' if self.sign > 0 else 'negative'} side"

    def value(self, z: np.ndarray) -> np.ndarray:
        """Return the function."""
        z = np.asarray(z)
        return np.maximum(self.sign * self.function.value(self.sign * z), 0)

    def gradient(self, z: np.ndarray) -> np.ndarray:
        """Return its slope."""
        z = np.asarray(z)
        return np.where(self.value(z) > 0, self.function.gradient(self.sign * z), 0)


@dataclass(frozen=True, eq=False)
class Copies:
    """Which unit of the original layer each neuron stands for.

    Attributes
    ----------
    unit : ndarray of int, shape (n_neurons,)
        Number of the original unit.
    share : ndarray, shape (n_neurons,)
        The original activation is the sum of share * activation over its neurons.
    units : int
        Number of original units.
    """

    unit: np.ndarray
    share: np.ndarray
    units: int

    def original(self, activation: np.ndarray) -> np.ndarray:
        """Return activations of the original units, shape (..., units), from those of neurons."""
        out = np.zeros((*activation.shape[:-1], self.units))
        for k in range(len(self.unit)):
            out[..., self.unit[k]] += self.share[k] * activation[..., k]
        return out


@dataclass(frozen=True, eq=False)
class Expanded:
    """A rewritten network.

    Attributes
    ----------
    weights, biases : tuple of ndarray
        Of every layer, output layer last, in double precision; the same function as the original.
    copies : tuple of Copies
        One for each hidden layer.
    functions : tuple of tuple
        For each hidden layer, (activation, number of neurons) of every run of neurons that share an
        activation.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    copies: tuple[Copies, ...]
    functions: tuple[tuple[tuple[Any, slice], ...], ...]

    def activations(self, k: int, z: np.ndarray) -> np.ndarray:
        """Return the activations of hidden layer `k` for pre-activations, (n, n_neurons)."""
        out = np.empty(np.shape(z))
        for function, place in self.functions[k]:
            out[..., place] = function.value(np.asarray(z)[..., place])
        return out

    def net_input(self, k: int, before: np.ndarray) -> np.ndarray:
        """Return the pre-activations of layer `k` from the outputs of the layer before."""
        return before @ self.weights[k] + self.biases[k]

    def layers(self, X: np.ndarray) -> list[np.ndarray]:
        """Return the activations of every hidden layer for inputs."""
        found = []
        for k in range(len(self.copies)):
            X = self.activations(k, self.net_input(k, X))
            found.append(X)
        return found

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, then of neurons of each hidden layer, then of outputs."""
        return (len(self.weights[0]), *(w.shape[1] for w in self.weights))


def expand(network: Network, *, dale: bool = False, population: int = 1) -> Expanded:
    """Rewrite a network for neurons.

    Hidden units whose function takes both signs (tanh, leaky ReLU, identity) become two neurons,
    one for each sign. With `dale` every neuron becomes an exciting and an inhibiting one. With
    `population`, every neuron becomes several with the same input, whose mean is read.

    Parameters
    ----------
    network : ann.Network
        Without batch normalisation (see ``Network.folded``).
    dale : bool
        Whether all weights out of a neuron must have one sign.
    population : int
        Neurons for each.

    Raises
    ------
    ConversionError
        `population` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from ann import Network
    >>> net = Network([2, 3, 1], ["tanh", "identity"], rng=0)
    >>> expanded = expand(net, dale=True)
    >>> expanded.sizes
    (2, 12, 1)
    >>> X = np.ones((1, 2))
    >>> z = expanded.net_input(0, X)
    >>> out = expanded.net_input(1, expanded.activations(0, z))
    >>> bool(np.allclose(out, net.logits(X)))
    True
    """
    if population < 1 or population != int(population):
        raise ConversionError(
            f"population must be a whole number of at least 1; got {population!r}"
        )
    parts = _Parts(network)
    # In this order: the signs of weights into a layer are settled before twins divide them.
    for k in range(len(parts.runs)):
        parts.split_signs(k)
    for k in range(len(parts.runs)):
        if dale:
            parts.make_twins(k)
        parts.multiply(k, int(population))
    return parts.expanded()


class _Parts:
    """A network being rewritten."""

    def __init__(self, network: Network) -> None:
        hidden = network.layers[:-1]
        self.weights = [np.asarray(layer.weights, dtype=float) for layer in network.layers]
        self.biases = [np.asarray(layer.bias, dtype=float) for layer in network.layers]
        self.copies = [
            Copies(np.arange(layer.n_out), np.ones(layer.n_out), layer.n_out) for layer in hidden
        ]
        self.runs: list[list[tuple[Any, int]]] = [
            [(layer.activation, layer.n_out)] for layer in hidden
        ]

    def split_signs(self, k: int) -> None:
        """Give units that take both signs a neuron for each."""
        function, n = self.runs[k][0]
        if not takes_both_signs(function):
            return
        W, b, out = self.weights[k], self.biases[k], self.weights[k + 1]
        self.weights[k], self.biases[k] = np.hstack([W, -W]), np.hstack([b, -b])
        self.weights[k + 1] = np.vstack([out, -out])
        self.copies[k] = Copies(np.tile(np.arange(n), 2), np.repeat([1.0, -1.0], n), n)
        self.runs[k] = [(Half(function, 1), n), (Half(function, -1), n)]

    def make_twins(self, k: int) -> None:
        """Put an exciting and an inhibiting neuron in the place of each."""
        out = self.weights[k + 1]
        self._repeat(k, 2)
        self.weights[k + 1] = np.vstack([np.maximum(out, 0), np.minimum(out, 0)])

    def multiply(self, k: int, times: int) -> None:
        """Put several neurons of which the mean is read in the place of each."""
        out = self.weights[k + 1]
        self._repeat(k, times)
        self.weights[k + 1] = np.tile(out, (times, 1)) / times

    def _repeat(self, k: int, times: int) -> None:
        old = self.copies[k]
        self.weights[k] = np.tile(self.weights[k], (1, times))
        self.biases[k] = np.tile(self.biases[k], times)
        self.copies[k] = Copies(
            np.tile(old.unit, times), np.tile(old.share, times) / times, old.units
        )
        self.runs[k] = self.runs[k] * times

    def expanded(self) -> Expanded:
        """Return the rewritten network."""
        functions = []
        for runs in self.runs:
            ends = np.cumsum([0, *(count for _, count in runs)])
            functions.append(
                tuple(
                    (f, slice(int(first), int(last)))
                    for (f, _), (first, last) in zip(runs, pairwise(ends), strict=True)
                )
            )
        return Expanded(
            tuple(self.weights), tuple(self.biases), tuple(self.copies), tuple(functions)
        )


def takes_both_signs(function: Any) -> bool:
    """Whether a function goes below zero."""
    return bool(np.min(function.value(np.linspace(-30.0, 30.0, 601))) < -1e-9)
