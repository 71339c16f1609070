"""Put a trained sigmoid network onto spiking neurons.

The recipe has five steps, each a function of its own: **validate** the network, **observe** its
pre-activations on real inputs, **calibrate** the drive on the measured f-I curve of the neuron,
**replace** units by neurons (weights become synaptic or injected currents, biases holding
currents), and hand over a `SpikingNetwork` that runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from brian2.units import Quantity, ms, mV, pA, second

from bridge.calibration import Calibration, calibrate
from bridge.curve import FICurve
from bridge.errors import ConversionError
from bridge.measure import fi_curve
from bridge.spiking import SpikingLayer, SpikingNetwork
from neurosim import LIF, Stimulus, WhiteNoise
from neurosim.quantities import check_quantity

__all__ = ["convert", "observe", "validate"]


def validate(network: Any) -> Any:
    """Return the trained network inside `network`, or say why it cannot be converted.

    Parameters
    ----------
    network : ann.Network or fitted estimator
        Dense layers; sigmoid in every hidden layer.

    Raises
    ------
    ConversionError
        It is not trained, has no hidden layer, has another activation, or holds weights that are
        not finite.
    """
    inner = getattr(network, "network_", network)
    layers = getattr(inner, "layers", None)
    if layers is None:
        raise ConversionError(
            f"{type(network).__name__} holds no trained layers: fit it first "
            "(an estimator of ann, or an ann.Network)"
        )
    if len(layers) < 2:
        raise ConversionError(
            "the network has no hidden layer, so there is nothing to put onto neurons"
        )
    for k, layer in enumerate(layers):
        for what in ("weights", "bias"):
            values = np.asarray(getattr(layer, what))
            if not np.all(np.isfinite(values)):
                raise ConversionError(f"layer {k + 1}: its {what} hold NaN or infinity")
        if k < len(layers) - 1 and layer.activation.name != "sigmoid":
            raise ConversionError(
                f"hidden layer {k + 1} has the activation {layer.activation.name!r}; "
                "only 'sigmoid' hidden layers can be put onto neurons"
            )
    return inner


def observe(network: Any, X: np.ndarray) -> list[np.ndarray]:
    """Return the pre-activations of every hidden layer on some inputs.

    Parameters
    ----------
    network : ann.Network
        A validated network.
    X : ndarray, shape (n_samples, n_features)
        Inputs like those it will see (training data).

    Returns
    -------
    list of ndarray, each of shape (n_samples, n_units)
    """
    X = np.asarray(X, dtype=float)
    width = np.asarray(network.layers[0].weights).shape[0]
    if X.ndim != 2 or X.shape[1] != width or len(X) == 0:
        raise ConversionError(f"X must have the shape (n_samples, {width}); got {X.shape}")
    if not np.all(np.isfinite(X)):
        raise ConversionError("X holds NaN or infinity")
    inputs = [X, *network.activations(X)[:-2]]
    return [
        np.asarray(before, dtype=float) @ np.asarray(layer.weights, dtype=float) + layer.bias
        for before, layer in zip(inputs, network.layers[:-1], strict=True)
    ]


def convert(
    network: Any,
    X: np.ndarray,
    *,
    neuron: LIF | None = None,
    noise: Quantity = 2 * mV,
    curve: FICurve | None = None,
    decision: Quantity = 50 * ms,
    max_rate_Hz: float | None = None,
    tau_syn: Quantity = 10 * ms,
    dt: Quantity = 0.1 * ms,
    seed: int = 0,
    engine: str = "auto",
    jobs: int = 1,
    progress: Callable[[float], None] | None = None,
) -> SpikingNetwork:
    """Put a trained sigmoid network onto noisy spiking neurons.

    Every hidden unit becomes one neuron. Inputs are injected as currents through the first
    weights; later layers are driven by spikes through exponential synapses; biases are holding
    currents. The output layer reads filtered spike counts.

    Parameters
    ----------
    network : ann.Network or fitted estimator
        Sigmoid hidden layers.
    X : ndarray, shape (n_samples, n_features)
        Inputs on which the drive is calibrated: training data, never the test set.
    neuron : LIF, optional
        The neuron (default: the textbook's, threshold -55 mV).
    noise : Quantity
        Standard deviation of the free membrane potential under the background noise.
    curve : FICurve, optional
        Its f-I curve under this noise; measured here if not given.
    decision : Quantity
        When decisions will be read: spike counts of short times need higher rates.
    max_rate_Hz : float, optional
        Highest mean rate of a neuron; lower rates cost time, not accuracy.
    tau_syn : Quantity
        Decay time constant of synapses between hidden layers.
    dt : Quantity
        Time step of measurement and run.
    seed, engine, jobs, progress
        As in `neurosim.simulate`.

    Returns
    -------
    SpikingNetwork

    Raises
    ------
    ConversionError
        The network cannot be converted.
    CalibrationError
        The f-I curve cannot carry a sigmoid.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from ann import ShallowNetwork
    >>> X, y = load_iris(return_X_y=True)
    >>> X = X / 8
    >>> net = ShallowNetwork(hidden=8, random_state=0).fit(X, y)
    >>> spiking = convert(net, X)
    >>> float((spiking.run(X[::10]).predict() == net.predict(X[::10])).mean()) > 0.8
    True
    """
    inner = validate(network)
    observed = observe(inner, X)
    neuron = LIF() if neuron is None else neuron
    if not isinstance(neuron, LIF):
        raise ConversionError(f"neuron must be a LIF description; got {type(neuron).__name__}")
    noise = check_quantity(noise, 2 * mV, "convert: noise", at_least=0 * mV)
    background = WhiteNoise.for_membrane(noise, neuron)
    if curve is None:
        curve = measure_for_conversion(
            neuron, background, dt=dt, seed=seed, engine=engine, jobs=jobs, progress=progress
        )
    decide = float(check_quantity(decision, 50 * ms, "convert: decision", above=0 * ms))
    calibrations = [
        calibrate(curve, z, decision_ms=1e3 * decide, max_rate_Hz=max_rate_Hz) for z in observed
    ]
    tau = float(check_quantity(tau_syn, 10 * ms, "convert: tau_syn", above=0 * ms))
    return SpikingNetwork(
        neuron=neuron,
        background=background,
        layers=replace_units(inner, calibrations, tau),
        output_weights=np.asarray(inner.layers[-1].weights, dtype=float),
        output_bias=np.asarray(inner.layers[-1].bias, dtype=float),
        classes=getattr(network, "classes_", None),
        tau_syn=tau_syn,
        dt=dt,
        curve=curve,
    )


def measure_for_conversion(
    neuron: LIF,
    background: Stimulus,
    *,
    dt: Quantity,
    seed: int = 0,
    engine: str = "auto",
    jobs: int = 1,
    progress: Callable[[float], None] | None = None,
) -> FICurve:
    """Measure the f-I curve over the range a conversion may use: -4 to 25 times rheobase."""
    rheobase = float(neuron.rheobase / pA)
    steps = np.concatenate([np.linspace(-4, 4, 65), np.linspace(4.5, 25, 42)])
    return fi_curve(
        neuron,
        steps * rheobase * pA,
        duration=1 * second,
        settle=200 * ms,
        trials=10,
        background=background,
        dt=dt,
        seed=seed,
        engine=engine,
        jobs=jobs,
        progress=progress,
    )


def replace_units(
    network: Any, calibrations: list[Calibration], tau_syn_s: float
) -> tuple[SpikingLayer, ...]:
    """Turn weights and biases of the hidden layers into currents.

    The first layer receives ``gain * W^T x`` directly. A later layer receives spikes: with
    a = offset + slope * r, the sum ``W^T a + b`` is ``W^T (slope * r)`` plus a constant, which
    joins the holding current, and a weight of ``gain * W * slope / tau_syn`` for each spike.
    """
    layers = []
    for k, (layer, calibration) in enumerate(zip(network.layers[:-1], calibrations, strict=True)):
        weights = np.asarray(layer.weights, dtype=float)
        bias = np.asarray(layer.bias, dtype=float)
        if k == 0:
            current, shift = calibration.gain_pA * weights, np.zeros(len(bias))
        else:
            before = calibrations[k - 1]
            current = calibration.gain_pA * weights * before.slope_s[:, None] / tau_syn_s
            shift = before.offset @ weights
        layers.append(
            SpikingLayer(
                weights_pA=current,
                holding_pA=calibration.current_pA(bias + shift),
                calibration=calibration,
            )
        )
    return tuple(layers)
