"""Rewrite a network so that every unit is something a neuron can be; its answers stay.

A neuron cannot be negative. It excites or inhibits, if Dale's law is to hold.
It is noisy, and several may stand for one unit. Each of these is a rewriting of the network: units
are copied, with weights in and out such that the function stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ann import Network
from bridge.mapping.input_tables import check_whole

__all__ = ["Copies", "Half", "SplitNetwork", "split_units"]


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
        return np.asarray(np.maximum(self.sign * self.function.value(self.sign * z), 0))


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
class SplitNetwork:
    """A network rewritten for neurons.

    Attributes
    ----------
    weights, biases : tuple of ndarray
        Of every layer, output layer last, in double precision; the same function as the original.
    copies : tuple of Copies
        One for each hidden layer.
    functions : tuple of tuple
        For each hidden layer, (activation, which neurons) of every run of neurons that share an
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
        return np.asarray(before @ self.weights[k] + self.biases[k])

    def layers(self, X: np.ndarray) -> list[np.ndarray]:
        """Return the activations of every hidden layer for inputs."""
        found = []
        for k in range(len(self.copies)):
            X = self.activations(k, self.net_input(k, X))
            found.append(X)
        return found

    def originals(self, activations: list[np.ndarray]) -> list[np.ndarray]:
        """Activations of the network's own units, read from those of their copies."""
        return [c.original(a) for c, a in zip(self.copies, activations, strict=True)]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, then of neurons of each hidden layer, then of outputs."""
        return (len(self.weights[0]), *(w.shape[1] for w in self.weights))


def split_units(network: Network, *, dale: bool = False, population: int = 1) -> SplitNetwork:
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
    >>> split = split_units(net, dale=True)
    >>> split.sizes
    (2, 12, 1)
    >>> X = np.ones((1, 2))
    >>> z = split.net_input(0, X)
    >>> out = split.net_input(1, split.activations(0, z))
    >>> bool(np.allclose(out, net.logits(X)))
    True
    """
    check_whole(population, "population", 1)
    weights = [np.asarray(layer.weights, dtype=float) for layer in network.layers]
    biases = [np.asarray(layer.bias, dtype=float) for layer in network.layers]
    copies, functions = [], []
    repeats = (2 if dale else 1) * population
    signs = [_signs(layer.activation) for layer in network.layers[:-1]]
    # The signs of weights into a layer are settled before those out of the one before are divided
    # into exciting and inhibiting ones.
    for k, of_layer in enumerate(signs):
        weights[k] = np.hstack([sign * weights[k] for sign in of_layer])
        biases[k] = np.hstack([sign * biases[k] for sign in of_layer])
        weights[k + 1] = np.vstack([sign * weights[k + 1] for sign in of_layer])
    for k, of_layer in enumerate(signs):
        weights[k] = np.tile(weights[k], repeats)
        biases[k] = np.tile(biases[k], repeats)
        out = weights[k + 1]
        parts = [np.maximum(out, 0), np.minimum(out, 0)] if dale else [out]
        weights[k + 1] = np.tile(np.vstack(parts), (population, 1)) / population
        function, n = network.layers[k].activation, network.layers[k].n_out
        share = np.tile(np.repeat(of_layer, n), repeats) / repeats
        copies.append(Copies(np.tile(np.arange(n), repeats * len(of_layer)), share, n))
        kinds = [function] if len(of_layer) == 1 else [Half(function, sign) for sign in of_layer]
        functions.append(
            tuple((f, slice(n * i, n * (i + 1))) for i, f in enumerate(kinds * repeats))
        )
    return SplitNetwork(tuple(weights), tuple(biases), tuple(copies), tuple(functions))


def _signs(function: Any) -> tuple[int, ...]:
    """Return the signs that a unit needs a neuron for: both where its function goes below zero."""
    lowest = np.min(function.value(np.linspace(-30.0, 30.0, 601)))
    return (1, -1) if lowest < -1e-9 else (1,)
