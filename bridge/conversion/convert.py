"""Put a trained network onto spiking neurons.

The recipe is a chain of steps, each a function of its own: **validate** the network, **observe**
its pre-activations on real inputs, **calibrate** the drive on the measured f-I curve of the neuron,
**replace** units by neurons (weights become synaptic or injected currents, biases holding
currents), **refine** the reading on the spiking network itself where asked, and hand over a
`SpikingNetwork` that runs. `bridge.certificate.certify` then says where its error comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from brian2.units import Quantity, mV, second
from brian2.units import ms as ms_

from ann import Network
from bridge.conversion.accepted import validate
from bridge.conversion.drive import background_for, measure_for_conversion, potentials_mV
from bridge.conversion.preconditions import check_curve, check_moving, check_running, told
from bridge.counts.curve import FICurve
from bridge.errors import ConversionError
from bridge.mapping.calibration import NORMALISATIONS, Calibration, Normalisation, calibrate
from bridge.mapping.measured_unit import MeasuredUnit
from bridge.mapping.unit_splitting import Expanded, Half, expand
from bridge.spiking.answers import answers_of
from bridge.spiking.input_tables import check_inputs, check_number, check_whole
from bridge.spiking.memory import check_memory
from bridge.spiking.spiking_network import SpikingLayer, SpikingNetwork
from bridge.spiking.synapse import Synapse
from neurosim import LIF, PointNeuron, Stimulus
from neurosim.quantities import check_quantity

__all__ = ["convert", "observe", "refine", "validate"]

# Potentials of a driven neuron that are tried for conductances, by the share of time spent below,
# and on how many inputs.
_SHARES = (0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_TRIED = 60


def observe(network: Network | Expanded, X: np.ndarray) -> list[np.ndarray]:
    """Return the pre-activations of every hidden layer on some inputs.

    Parameters
    ----------
    network : ann.Network or Expanded
        A validated network, or its form for neurons.
    X : ndarray, shape (n_samples, n_features)
        Inputs like those it will see (training data).

    Returns
    -------
    list of ndarray, each of shape (n_samples, n_units)
    """
    expanded = network if isinstance(network, Expanded) else expand(network)
    X = check_inputs(X, expanded.sizes[0])
    # What overflows is told by whoever asked.
    with np.errstate(over="ignore", invalid="ignore"):
        befores = [X, *expanded.layers(X)[:-1]]
        return [expanded.net_input(k, before) for k, before in enumerate(befores)]


def convert(
    network: Any,
    X: np.ndarray,
    *,
    neuron: PointNeuron | None = None,
    noise: Quantity = 2 * mV,
    background: Stimulus | None = None,
    curve: FICurve | None = None,
    decision: Quantity = 50 * ms_,
    max_rate_Hz: float | None = None,
    normalisation: Normalisation | str = "curve",
    population: int = 1,
    dale: bool = False,
    synapse: Synapse | str = "current",
    tau_syn: Quantity = 10 * ms_,
    delay: Quantity = 0 * ms_,
    refine_on: int = 0,
    task: str = "auto",
    dt: Quantity | None = None,
    seed: int = 0,
    engine: str = "auto",
    jobs: int = 1,
    progress: Callable[[float], None] | None = None,
) -> SpikingNetwork:
    """Put a trained network onto noisy spiking neurons.

    Every hidden unit becomes one neuron (two where it takes both signs). Inputs are injected as
    currents through the first weights; later layers are driven by spikes through exponential
    synapses; biases are holding currents. The output layer reads filtered spike counts.

    Parameters
    ----------
    network : ann.Network, fitted estimator, scikit-learn MLP or torch.nn.Sequential
        Dense layers with rising activations.
    X : ndarray, shape (n_samples, n_features)
        Inputs on which the drive is calibrated: training data, never the test set.
    neuron : PointNeuron, optional
        The neuron (default: the textbook's LIF, threshold -55 mV).
    noise : Quantity
        Standard deviation of the free membrane potential under the background noise.
    background : Stimulus, optional
        Background in place of white noise of strength `noise`.
    curve : FICurve, optional
        Its f-I curve under this noise; measured here if not given. One that says it was measured
        on another neuron, or under other noise, is refused.
    decision : Quantity
        When decisions will be read: spike counts of short times need higher rates.
    max_rate_Hz : float, optional
        Highest mean rate of a neuron; lower rates cost time, not accuracy.
    normalisation : Normalisation or {"curve", "maximum", "percentile"}
        How pre-activations are scaled to currents.
    population : int
        Neurons for each unit; their mean is read.
    dale : bool
        Give every neuron outgoing weights of one sign, by an exciting and an inhibiting twin.
    synapse : Synapse or {"current", "conductance"}
        What a spike does to the next layer.
    tau_syn : Quantity
        Decay time constant of synapses between hidden layers.
    delay : Quantity
        From a spike to its arrival at the next layer: length of the axon / its velocity.
    refine_on : int
        How many of the inputs X are run through the spiking network to correct how its rates are
        read (see `refine`); 0 leaves the f-I curve's word.
    task : {"auto", "classification", "regression"}
        Whether answers are labels or quantities. A fitted estimator knows; of a bare network or
        module that ends in the identity, softmax or sigmoid labels are expected, else quantities.
    dt : Quantity, optional
        Time step of measurement and run (default: the neuron's own).
    seed, engine, jobs, progress
        As in `neurosim.simulate`.

    Returns
    -------
    SpikingNetwork

    Raises
    ------
    ConversionError
        The network cannot be converted, an argument is not what it should be, a hidden layer says
        the same of all inputs, or its synapses do not fit into memory.
    CalibrationError
        The f-I curve cannot carry the activation.

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
    answers = answers_of(network, inner, task)
    if not isinstance(dale, (bool, np.bool_)):
        raise ConversionError(f"convert: dale must be True or False; got {dale!r}")
    expanded = expand(
        inner, dale=bool(dale), population=check_whole(population, "convert: population", 1)
    )
    names = getattr(network, "feature_names_in_", None)
    X = check_inputs(X, expanded.sizes[0], names)
    observed = observe(expanded, X)
    check_moving(expanded, observed, X)
    check_memory(expanded.sizes[1:-1], samples=1)
    neuron = LIF() if neuron is None else neuron
    if not isinstance(neuron, PointNeuron):
        raise ConversionError(
            f"neuron must be a point neuron such as LIF() or AdEx(); got {told(neuron)}"
        )
    if isinstance(normalisation, str):
        normalisation = Normalisation(normalisation)
    if not isinstance(normalisation, Normalisation):
        raise ConversionError(
            f"normalisation must be one of {', '.join(NORMALISATIONS)}, or a Normalisation; got "
            f"{normalisation!r}"
        )
    synapse = Synapse(synapse) if isinstance(synapse, str) else synapse
    if not isinstance(synapse, Synapse):
        raise ConversionError(
            f"synapse must be 'current', 'conductance' or a Synapse; got {synapse!r}"
        )
    decide = float(check_quantity(decision, 50 * ms_, "convert: decision", above=0 * ms_))
    check_quantity(tau_syn, 10 * ms_, "convert: tau_syn", above=0 * ms_)
    check_quantity(delay, 1 * ms_, "convert: delay", at_least=0 * ms_)
    check_whole(refine_on, "convert: refine_on", 0)
    if max_rate_Hz is not None:
        check_number(max_rate_Hz, "convert: max_rate_Hz", "a plain number of hertz")
    dt = neuron.default_dt_ms * ms_ if dt is None else dt
    running: dict[str, Any] = {"dt": dt, "seed": seed, "engine": engine, "jobs": jobs}
    check_running(**running)
    if background is None:
        background = background_for(neuron, noise, **running)
    elif not isinstance(background, Stimulus):
        raise ConversionError(
            f"background must be a stimulus such as WhiteNoise(...); got {told(background)}"
        )
    if curve is None:
        curve = measure_for_conversion(neuron, background, progress=progress, **running)
    elif not isinstance(curve, FICurve):
        raise ConversionError(f"curve must be an FICurve; got {told(curve)}")
    check_curve(curve, neuron, background, "the curve given")
    for function in (f for layer in expanded.functions for f, _ in layer):
        unit = getattr(function.function if isinstance(function, Half) else function, "unit", None)
        if isinstance(unit, MeasuredUnit):
            check_curve(unit.curve, neuron, background, "the measured unit's curve")
    calibrations = [
        _calibrated(curve, expanded, k, z, normalisation, 1e3 * decide, max_rate_Hz)
        for k, z in enumerate(observed)
    ]
    spiking = SpikingNetwork(
        neuron=neuron,
        background=background,
        layers=replace_units(expanded, calibrations, synaptic_s(tau_syn, dt)),
        output_weights=expanded.weights[-1],
        output_bias=expanded.biases[-1],
        classes=getattr(network, "classes_", None),
        tau_syn=tau_syn,
        dt=dt,
        curve=curve,
        expanded=expanded,
        synapse=synapse,
        delay=delay,
        answers=answers,
        feature_names=None if names is None else tuple(map(str, names)),
    )
    if synapse.conductance and synapse.potential_mV is None and len(calibrations) > 1:
        driven = float(np.quantile(calibrations[1].current_pA(observed[1]), 0.75))
        levels = potentials_mV(neuron, background, driven, _SHARES, **running)
        spiking = _at_best_potential(spiking, X, levels, decision, running)
    if refine_on:
        some = np.random.default_rng(seed).permutation(len(X))[:refine_on]
        spiking = refine(spiking, X[some], decision=decision, seed=seed, engine=engine, jobs=jobs)
    return spiking


def _at_best_potential(
    spiking: SpikingNetwork,
    X: np.ndarray,
    levels: list[float],
    decision: Quantity,
    running: dict[str, Any],
) -> SpikingNetwork:
    """Turn weights into conductances at the potential at which some training inputs err least.

    A conductance changes the rate through the potential at which the neuron is most easily moved,
    which lies nearer to threshold than its mean; where, depends on the neuron.
    """
    seed = running["seed"]
    some = X[np.random.default_rng(seed).permutation(len(X))[:_TRIED]]
    wanted = spiking.expanded.layers(some)[1:]
    how = {name: running[name] for name in ("seed", "engine", "jobs")}
    inside = [v for v in levels if spiking.synapse.E_inh_mV < v < spiking.synapse.E_exc_mV]

    def at(level: float) -> SpikingNetwork:
        return replace(spiking, synapse=replace(spiking.synapse, potential_mV=level))

    def error(level: float) -> float:
        answered = at(level).run(some, decision, **how).activations()[1:]
        return sum(float(np.mean((a - b) ** 2)) for a, b in zip(answered, wanted, strict=True))

    # If none lies between the reversal potentials, the first one says so.
    tried = {level: error(level) for level in inside or levels[:1]}
    best = min(tried, key=lambda level: tried[level])
    k = inside.index(best) if inside else 0
    if 0 < k < len(inside) - 1:
        # Between the potentials tried, by the parabola through the best and its neighbours.
        near = np.array(inside[k - 1 : k + 2])
        bend, slope, _ = np.polyfit(near - best, [tried[level] for level in near], 2)
        if bend > 0:
            best = float(np.clip(best - slope / (2 * bend), near[0], near[-1]))
    return at(best)


def _calibrated(
    curve: FICurve,
    expanded: Expanded,
    k: int,
    z: np.ndarray,
    normalisation: Normalisation,
    decision_ms: float,
    max_rate_Hz: float | None,
) -> Calibration:
    """Calibrate one layer, each run of neurons of one activation by itself."""
    parts = []
    for function, place in expanded.functions[k]:
        unit = getattr(function, "unit", None)
        if isinstance(unit, MeasuredUnit):
            parts.append(unit.calibration(z[:, place], decision_ms))
        else:
            parts.append(
                calibrate(
                    curve,
                    z[:, place],
                    activation=function,
                    normalisation=normalisation,
                    decision_ms=decision_ms,
                    max_rate_Hz=max_rate_Hz,
                    importance=np.linalg.norm(expanded.weights[k + 1][place], axis=1),
                )
            )
    return Calibration.join(parts)


def synaptic_s(tau_syn: Quantity, dt: Quantity) -> float:
    """Return the charge of a synaptic current of 1 at its start, decaying in steps (s).

    In continuous time that is tau_syn; a current that stands still within each step carries
    dt / (1 - exp(-dt / tau_syn)).
    """
    step, tau = float(dt / second), float(tau_syn / second)
    return float(step / -np.expm1(-step / tau))


def replace_units(
    expanded: Expanded, calibrations: list[Calibration], synapse_s: float
) -> tuple[SpikingLayer, ...]:
    """Turn weights and biases of the hidden layers into currents.

    The first layer receives ``gain * W^T x`` directly. A later layer receives spikes: with
    a = offset + slope * r, the sum ``W^T a + b`` is ``W^T (slope * r)`` plus a constant, which
    joins the holding current, and a weight of ``gain * W * slope / synapse_s`` for each spike,
    `synapse_s` being the charge that a current of 1 leaves behind (see `synaptic_s`).
    """
    layers = []
    for k, calibration in enumerate(calibrations):
        weights, bias = expanded.weights[k], expanded.biases[k]
        if k == 0:
            current, shift = calibration.gain_pA * weights, np.zeros(len(bias))
        else:
            before = calibrations[k - 1]
            current = calibration.gain_pA * weights * before.slope_s[:, None] / synapse_s
            shift = before.offset @ weights
        layers.append(
            SpikingLayer(
                weights_pA=current,
                holding_pA=calibration.current_pA(bias + shift),
                calibration=calibration,
            )
        )
    return tuple(layers)


def refine(
    spiking: SpikingNetwork,
    X: np.ndarray,
    *,
    decision: Quantity = 50 * ms_,
    rounds: int = 2,
    seed: int = 0,
    engine: str = "auto",
    jobs: int = 1,
) -> SpikingNetwork:
    """Correct how rates are read by running training inputs through the spiking network.

    The f-I curve is measured at steady state, under constant current and without synapses. A
    decision is read while neurons still adapt, under fluctuating input, with conductances open.
    Here the rates at the decision are regressed, unit by unit, on the activations they stand for;
    the new offset and slope also change what a spike adds to the next layer.

    Parameters
    ----------
    spiking : SpikingNetwork
        What `convert` returned.
    X : ndarray, shape (n_samples, n_features)
        Training inputs; never the test set.
    decision : Quantity
        When decisions will be read.
    rounds : int
        How often; one corrects the layers as they were driven before the correction.
    seed, engine, jobs
        As in `neurosim.simulate`.

    Returns
    -------
    SpikingNetwork
    """
    expanded = spiking.expanded
    wanted = expanded.layers(check_inputs(X, expanded.sizes[0], spiking.feature_names))
    for step in range(rounds):
        run = spiking.run(X, decision, seed=seed + 1 + step, engine=engine, jobs=jobs)
        calibrations = [
            _regressed(layer.calibration, rate, a)
            for layer, rate, a in zip(spiking.layers, run.rates(), wanted, strict=True)
        ]
        tau = synaptic_s(spiking.tau_syn, spiking.dt)
        spiking = replace(spiking, layers=replace_units(expanded, calibrations, tau))
    return spiking


def _regressed(calibration: Calibration, rate: np.ndarray, wanted: np.ndarray) -> Calibration:
    """Return a calibration whose offset and slope are the regression of wanted on rates."""
    centred = rate - rate.mean(axis=0)
    power = np.einsum("su,su->u", centred, centred)
    slope = np.einsum("su,su->u", centred, wanted - wanted.mean(axis=0)) / (power + 1e-9)
    # A unit that does not move on these inputs, or that goes the wrong way, tells nothing.
    slope = np.where((power > 1e-6) & (slope > 0), slope, calibration.slope_s)
    return replace(
        calibration, slope_s=slope, offset=wanted.mean(axis=0) - slope * rate.mean(axis=0)
    )
