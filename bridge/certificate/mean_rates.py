"""What a converted network answers by mean rates alone: no spikes, no transients, no noise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bridge.mapping.rate_table import rate_function
from bridge.spiking.spiking_network import SpikingNetwork

__all__ = ["MeanRates"]


class MeanRates:
    """The neurons of a network, each read at the steady rate of its current.

    Parameters
    ----------
    network : SpikingNetwork
    """

    def __init__(self, network: SpikingNetwork) -> None:
        self.network, self.curve = network, rate_function(network.curve)

    def rates(self, current_pA: np.ndarray) -> np.ndarray:
        """Return the steady rate; beyond the measured currents that of the last one."""
        return np.asarray(self.curve(np.clip(current_pA, self.curve.x[0], self.curve.x[-1])))

    def layers(self, X: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the currents (pA) and the activations of every hidden layer for inputs."""
        activation = X
        for k, layer in enumerate(self.network.layers):
            current = layer.calibration.current_pA(self.network.split.net_input(k, activation))
            activation = layer.calibration.activation(self.rates(current))
            yield current, activation

    def last_layer(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the last hidden layer's activations, and for which inputs they are guesses.

        Guesses are those of inputs that drive a neuron harder than its f-I curve was measured.
        """
        currents, activations = zip(*self.layers(X), strict=True)
        beyond = np.any(np.hstack(currents) > self.curve.x[-1], axis=1)
        return activations[-1], beyond
