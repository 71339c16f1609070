"""Units become neurons: pre-activations to currents, weights to currents or charges of spikes."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.units import Quantity, second

from ann import Network
from bridge.counts.curve import FICurve
from bridge.mapping.calibration import Calibration, calibrate
from bridge.mapping.input_tables import check_inputs
from bridge.mapping.measured_unit import MeasuredUnit
from bridge.mapping.unit_splitting import SplitNetwork, split_units
from bridge.spiking.spiking_network import SpikingLayer

__all__ = ["calibrate_layer", "observe", "replace_units", "synaptic_s"]


def observe(network: Network | SplitNetwork, X: np.ndarray) -> list[np.ndarray]:
    """Return the pre-activations of every hidden layer on some inputs.

    Parameters
    ----------
    network : ann.Network or SplitNetwork
        A validated network, or its form for neurons.
    X : ndarray, shape (n_samples, n_features)
        Inputs like those it will see (training data).

    Returns
    -------
    list of ndarray, each of shape (n_samples, n_units)
    """
    split = network if isinstance(network, SplitNetwork) else split_units(network)
    X = check_inputs(X, split.sizes[0])
    # An overflow is reported by whoever asked.
    with np.errstate(over="ignore", invalid="ignore"):
        befores = [X, *split.layers(X)[:-1]]
        return [split.net_input(k, before) for k, before in enumerate(befores)]


def calibrate_layer(
    curve: FICurve,
    split: SplitNetwork,
    k: int,
    z: np.ndarray,
    decision_ms: float,
    **how: Any,
) -> Calibration:
    """Calibrate hidden layer `k`, each run of neurons of one activation by itself."""
    parts = []
    for function, place in split.functions[k]:
        unit = getattr(function, "unit", None)
        if isinstance(unit, MeasuredUnit):
            parts.append(unit.calibration(z[:, place], decision_ms))
            continue
        importance = np.linalg.norm(split.weights[k + 1][place], axis=1)
        how |= {"activation": function, "importance": importance, "decision_ms": decision_ms}
        parts.append(calibrate(curve, z[:, place], **how))
    return Calibration.join(parts)


def synaptic_s(tau_syn: Quantity, dt: Quantity) -> float:
    """Return the charge of a synaptic current of 1 at its start, decaying in steps (s).

    In continuous time that is tau_syn; a current that stands still within each step carries
    dt / (1 - exp(-dt / tau_syn)).
    """
    step, tau = float(dt / second), float(tau_syn / second)
    return float(step / -np.expm1(-step / tau))


def replace_units(
    split: SplitNetwork, calibrations: list[Calibration], synapse_s: float
) -> tuple[SpikingLayer, ...]:
    """Turn weights and biases of the hidden layers into currents.

    The first layer receives ``gain * W^T x`` directly. A later layer receives spikes: with
    a = offset + slope * r, the sum ``W^T a + b`` is ``W^T (slope * r)`` plus a constant, which
    joins the holding current, and a weight of ``gain * W * slope / synapse_s`` for each spike,
    `synapse_s` being the charge that a current of 1 leaves behind (see `synaptic_s`).
    """
    layers = []
    for k, calibration in enumerate(calibrations):
        current, bias = calibration.gain_pA * split.weights[k], split.biases[k]
        if k:
            before = calibrations[k - 1]
            current = current * before.slope_s[:, None] / synapse_s
            bias = bias + before.offset @ split.weights[k]
        layers.append(SpikingLayer(current, calibration.current_pA(bias), calibration))
    return tuple(layers)
