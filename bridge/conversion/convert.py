"""Put a trained network onto spiking neurons.

The recipe is a chain of steps, each a function of its own: **validate** the network, **observe**
its pre-activations on real inputs, **calibrate** the drive on the measured f-I curve of the neuron,
**replace** units by neurons (weights become synaptic or injected currents, biases holding
currents), **refine** the reading on the spiking network itself where asked, and hand over a
`SpikingNetwork` that runs. `bridge.certificate.certify` then says where its error comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from brian2.units import Quantity, ms, mV

from bridge.conversion.cautions_of_memory import outruns_of, slow_unit_of
from bridge.conversion.drive import background_for, measure_for_conversion, potentials_mV
from bridge.conversion.preconditions import check_curve, check_kind, check_moving, check_running
from bridge.conversion.refinement import at_best_potential, refine
from bridge.conversion.replacement import calibrate_layer, observe, replace_units, synaptic_s
from bridge.counts.curve import FICurve
from bridge.mapping.accepted_networks import validate
from bridge.mapping.input_range import InputRange, check_training_scale, warn_of_saturation
from bridge.mapping.input_tables import check_inputs, check_number, check_whole
from bridge.mapping.measured_unit import MeasuredUnit
from bridge.mapping.normalisation import NORMALISATIONS, Normalisation
from bridge.mapping.unit_splitting import Half, split_units
from bridge.slow_state.slow_fit import SlowFit
from bridge.spiking.answers import answers_of
from bridge.spiking.memory_limit import check_memory
from bridge.spiking.spiking_network import SpikingNetwork
from bridge.spiking.synapse import Synapse
from bridge.units.slow_unit import SlowUnit
from neurosim import LIF, PointNeuron, Stimulus
from neurosim.quantities import check_quantity

__all__ = ["convert"]

# Potentials of a driven neuron that are tried for conductances, by the share of time spent below.
_SHARES = (0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def convert(
    network: Any,
    X: np.ndarray,
    *,
    neuron: PointNeuron | None = None,
    noise: Quantity = 2 * mV,
    background: Stimulus | None = None,
    curve: FICurve | None = None,
    decision: Quantity = 50 * ms,
    max_rate_Hz: float | None = None,
    normalisation: Normalisation | str = "curve",
    population: int = 1,
    dale: bool = False,
    synapse: Synapse | str = "current",
    tau_syn: Quantity = 10 * ms,
    delay: Quantity = 0 * ms,
    refine_on: int = 0,
    task: str = "auto",
    memory: SlowUnit | SlowFit | None = None,
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
    memory : SlowUnit or SlowFit, optional
        The slow state of the neuron, as ``equivalent_unit(neuron, memory=True).memory`` gives it.
        A warning says by how much the rates outrun it; see `SpikingNetwork.outruns`.
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
        The network cannot be converted, an argument is not what it should be, X is not on the
        scale of the training inputs (where the network knows it), a hidden layer says the same of
        all inputs, or its synapses do not fit into memory.
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
    check_kind(dale, (bool, np.bool_), "convert: dale must be True or False")
    population = check_whole(population, "convert: population", 1)
    split = split_units(inner, dale=bool(dale), population=population)
    names = getattr(network, "feature_names_in_", None)
    X = check_inputs(X, split.sizes[0], names)
    check_training_scale(network, X, names)
    observed = observe(split, X)
    warn_of_saturation(inner.layers[0].activation.name, observed[0])
    check_moving(split, observed, X)
    check_memory(split.sizes[1:-1], samples=1)
    neuron = LIF() if neuron is None else neuron
    check_kind(neuron, PointNeuron, "neuron must be a point neuron such as LIF() or AdEx()")
    if isinstance(normalisation, str):
        normalisation = Normalisation(normalisation)
    kinds = ", ".join(NORMALISATIONS)
    check_kind(
        normalisation, Normalisation, f"normalisation must be one of {kinds}, or a Normalisation"
    )
    synapse = Synapse(synapse) if isinstance(synapse, str) else synapse
    check_kind(synapse, Synapse, "synapse must be 'current', 'conductance' or a Synapse")
    slow = slow_unit_of(memory)
    decision_ms = 1e3 * float(check_quantity(decision, 50 * ms, "convert: decision", above=0 * ms))
    check_quantity(tau_syn, 10 * ms, "convert: tau_syn", above=0 * ms)
    check_quantity(delay, 1 * ms, "convert: delay", at_least=0 * ms)
    check_whole(refine_on, "convert: refine_on", 0)
    if max_rate_Hz is not None:
        check_number(max_rate_Hz, "convert: max_rate_Hz", "a plain number of hertz")
    dt = neuron.default_dt_ms * ms if dt is None else dt
    running: dict[str, Any] = {"dt": dt, "seed": seed, "engine": engine, "jobs": jobs}
    check_running(**running)
    if background is None:
        background = background_for(neuron, noise, **running)
    check_kind(background, Stimulus, "background must be a stimulus such as WhiteNoise(...)")
    if curve is None:
        curve = measure_for_conversion(neuron, background, progress=progress, **running)
    check_kind(curve, FICurve, "curve must be an FICurve")
    check_curve(curve, neuron, background, "the curve given")
    for function in (f for layer in split.functions for f, _ in layer):
        unit = getattr(function.function if isinstance(function, Half) else function, "unit", None)
        if isinstance(unit, MeasuredUnit):
            check_curve(unit.curve, neuron, background, "the measured unit's curve")
    how = {"normalisation": normalisation, "max_rate_Hz": max_rate_Hz}
    calibrations = [
        calibrate_layer(curve, split, k, z, decision_ms, **how) for k, z in enumerate(observed)
    ]
    currents = [one.current_pA(z) for one, z in zip(calibrations, observed, strict=True)]
    spiking = SpikingNetwork(
        neuron=neuron,
        background=background,
        layers=replace_units(split, calibrations, synaptic_s(tau_syn, dt)),
        classes=getattr(network, "classes_", None),
        tau_syn=tau_syn,
        dt=dt,
        curve=curve,
        split=split,
        synapse=synapse,
        delay=delay,
        answers=answers,
        feature_names=None if names is None else tuple(map(str, names)),
        seen=InputRange.of(X),
        outruns=outruns_of(slow, currents, 1e-3 * decision_ms, curve),
    )
    if synapse.conductance and synapse.potential_mV is None and len(calibrations) > 1:
        driven = float(np.quantile(calibrations[1].current_pA(observed[1]), 0.75))
        levels = potentials_mV(neuron, background, driven, _SHARES, **running)
        spiking = at_best_potential(spiking, X, levels, decision, running)
    if refine_on:
        some = np.random.default_rng(seed).permutation(len(X))[:refine_on]
        spiking = refine(spiking, X[some], decision, seed=seed, engine=engine, jobs=jobs)
    return spiking
