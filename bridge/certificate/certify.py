r"""Where the error of a converted network comes from, and what it can do to a label.

The error of a layer is what its neurons are read as minus what its units would answer. It is taken
apart by substitution: from the ideal unit to the spiking neuron one idealisation is given up at a
time, and each step has a name.

=================  =================================================================================
inherited          the unit is given what the spiking layer before it said, instead of the truth
clipping           its answer is kept inside what the neuron's slowest and fastest rate stand for
f-I bias           the measured f-I curve takes the place of the activation function
transient          the mean response up to the decision takes the place of the steady rate:
                   charging, adaptation, the filter of the readout, the time course and the mean
                   effect of synaptic input
quantisation       one train of spikes takes the place of that mean: a count is a whole number, and
                   the neuron has noise of its own
synaptic noise     spikes from the layer before take the place of a constant current
=================  =================================================================================

The steps add up to the error, for every neuron and every input, by construction. What can fail is
that they describe other runs: the certificate therefore compares their sum with the error of a run
that no step has seen (`LayerError.closing`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from brian2.units import Quantity, ms, second

from bridge.certificate.certificate import Certificate, label_values
from bridge.certificate.error_sources import layer_errors
from bridge.certificate.substitute import Substitute
from bridge.errors import ConversionError
from bridge.mapping.input_tables import check_whole
from bridge.spiking.readout import CountReadout
from bridge.spiking.spiking_network import SpikingNetwork

__all__ = ["certify"]


def certify(
    network: SpikingNetwork,
    X: np.ndarray,
    decision: Quantity = 50 * ms,
    *,
    settle: Quantity = 100 * ms,
    trials: int = 4,
    repeats: int = 8,
    inputs: int | None = None,
    readout: CountReadout | None = None,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    **running: Any,
) -> Certificate:
    """Take the error of a spiking network apart.

    Parameters
    ----------
    network : SpikingNetwork
        What `bridge.convert` returned.
    X : ndarray, shape (n_samples, n_features)
        Inputs like those it will see, of every class; a hundred are enough.
    decision, settle : Quantity
        Time of the decision, and time before the input comes on.
    trials : int
        Runs with noise of their own. The first is taken apart; the others give the mean effect of
        synaptic input, and the error that the sum of the parts has to meet.
    repeats : int
        Runs from which the mean response of each neuron is taken.
    inputs : int, optional
        How many of X are used, drawn at random with the seed (default: all). The first rows of a
        table are often of one class.
    readout : CountReadout, optional
        How spikes are read.
    seed, engine, jobs, progress
        As in `neurosim.simulate`.

    Returns
    -------
    Certificate

    Raises
    ------
    ConversionError
        Fewer than two trials or repeats, or not even one input fits into memory.
    """
    whole = all(isinstance(n, (int, np.integer)) for n in (trials, repeats))
    if not whole or trials < 2 or repeats < 2:
        raise ConversionError(
            f"certify needs at least 2 trials and 2 repeats, whole numbers; got {trials!r} and "
            f"{repeats!r}"
        )
    X = network.check_inputs(X)
    if inputs is not None and check_whole(inputs, "certify: inputs", 1) < len(X):
        X = X[np.random.default_rng(int(seed)).permutation(len(X))[:inputs]]
    substitute = Substitute(network, X, decision, settle, readout, running)
    substitute.run(trials, repeats, seed, progress)
    ideal = network.split.layers(X)
    logits, answers = network.outputs(ideal[-1]), network.answers
    decided = answers.decided(logits) if answers.labels else None
    last = np.stack([run[-1] - ideal[-1] for run in substitute.spiking])
    flat = last.reshape(-1, last.shape[-1])
    seen = set() if decided is None else {value for one in decided for value in label_values(one)}
    static = np.abs(substitute.mean_rates.last_layer(X)[0] - ideal[-1]).max(axis=0)
    return Certificate(
        network=network,
        decision_s=float(decision / second),
        layers=layer_errors(substitute, ideal, logits, decided),
        worst=np.abs(flat).max(axis=0),
        second_moment=flat.T @ flat / len(flat),
        static=static,
        labels=tuple(sorted(seen)),
        inputs=len(X),
        runs=trials,
    )
