"""How far each layer of a converted network is off, and from which source."""

from __future__ import annotations

import numpy as np

from bridge.certificate.certificate import LayerError
from bridge.certificate.substitute import Substitute
from bridge.spiking.spiking_network import SpikingNetwork

__all__ = ["layer_errors"]


def layer_errors(
    substitute: Substitute,
    ideal: list[np.ndarray],
    logits: np.ndarray,
    decided: np.ndarray | None,
) -> tuple[LayerError, ...]:
    """Take the error of every layer apart.

    Parameters
    ----------
    substitute : Substitute
    ideal : list of ndarray
        Activations of the trained network, by hidden layer.
    logits, decided : ndarray
        Its outputs, and its labels where there are any.
    """
    network, spiking = substitute.network, substitute.spiking
    found = []
    for k, exact in enumerate(ideal):
        parts = substitute.parts(k, exact)
        error = spiking[0][k] - exact
        power = float(np.mean(error**2))
        # The outputs when the layers up to this one spike and the others are computed.
        activation = spiking[0][k]
        for after in range(k + 1, len(ideal)):
            z = network.split.net_input(after, activation)
            activation = network.split.activations(after, z)
        hybrid = network.outputs(activation)
        found.append(
            LayerError(
                layer=k + 1,
                mean_square=power,
                independent=float(np.mean([np.mean((run[k] - exact) ** 2) for run in spiking[1:]])),
                parts_rms={name: _rms(part) for name, part in parts.items()},
                shares={
                    name: float(np.mean(error * part)) / power if power > 0 else 0.0
                    for name, part in parts.items()
                },
                logit_rms=_rms(hybrid - logits),
                agreement=_agreement(network, hybrid, decided),
            )
        )
        logits = hybrid
    return tuple(found)


def _rms(error: np.ndarray) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _agreement(network: SpikingNetwork, logits: np.ndarray, before: np.ndarray | None) -> float:
    """Return the share of inputs whose labels all are as before; NaN without labels."""
    if before is None:
        return float("nan")
    same = network.answers.decided(logits) == before
    return float(np.mean(same if same.ndim == 1 else same.all(axis=1)))
