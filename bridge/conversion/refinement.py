"""Correct what the steady f-I curve leaves out, by running training inputs on the neurons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from brian2.units import Quantity, ms

from bridge.conversion.replacement import replace_units, synaptic_s
from bridge.mapping.calibration import Calibration
from bridge.spiking.spiking_network import SpikingNetwork

__all__ = ["at_best_potential", "refine"]

# On how many inputs the potentials are tried.
_TRIED = 60


def at_best_potential(
    spiking: SpikingNetwork,
    X: np.ndarray,
    levels: list[float],
    decision: Quantity,
    running: dict[str, Any],
) -> SpikingNetwork:
    """Turn weights into conductances at the potential at which some training inputs err least.

    A conductance changes the rate through the potential at which the neuron is most easily moved,
    which lies nearer to threshold than its mean; where, depends on the neuron.

    Parameters
    ----------
    spiking : SpikingNetwork
        On conductances.
    X : ndarray, shape (n_samples, n_features)
        Training inputs, some of which are tried.
    levels : list of float
        Potentials that are tried, rising (mV).
    decision : Quantity
        When decisions will be read.
    running : dict
        seed, engine and jobs, as in `neurosim.simulate`.
    """
    some = X[np.random.default_rng(running["seed"]).permutation(len(X))[:_TRIED]]
    wanted = spiking.split.layers(some)[1:]
    how = {name: running[name] for name in ("seed", "engine", "jobs")}
    inside = [v for v in levels if spiking.synapse.E_inh_mV < v < spiking.synapse.E_exc_mV]

    def at(level: float) -> SpikingNetwork:
        return replace(spiking, synapse=replace(spiking.synapse, potential_mV=level))

    def error(level: float) -> float:
        answered = at(level).run(some, decision, **how).activations()[1:]
        return sum(float(np.mean((a - b) ** 2)) for a, b in zip(answered, wanted, strict=True))

    # If none lies between the reversal potentials, running at the first one says so.
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


def refine(
    spiking: SpikingNetwork,
    X: np.ndarray,
    decision: Quantity = 50 * ms,
    *,
    rounds: int = 2,
    seed: int = 0,
    **running: Any,
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
    seed, **running
        seed, engine and jobs, as in `neurosim.simulate`.

    Returns
    -------
    SpikingNetwork
    """
    wanted = spiking.split.layers(spiking.check_inputs(X))
    tau = synaptic_s(spiking.tau_syn, spiking.dt)
    for step in range(rounds):
        run = spiking.run(X, decision, seed=seed + 1 + step, **running)
        calibrations = [
            _regressed(layer.calibration, rate, a)
            for layer, rate, a in zip(spiking.layers, run.rates(), wanted, strict=True)
        ]
        spiking = replace(spiking, layers=replace_units(spiking.split, calibrations, tau))
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
