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

from bridge.certificate.certificate import Certificate, LayerError, _said, _steady
from bridge.certificate.substitute import _Substitute
from bridge.errors import ConversionError
from bridge.spiking.input_tables import check_inputs, check_whole
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
    engine: str = "auto",
    jobs: int = 1,
    progress: Callable[[float], None] | None = None,
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
    expanded = network.expanded
    X = check_inputs(X, expanded.sizes[0], network.feature_names)
    if inputs is not None and check_whole(inputs, "certify: inputs", 1) < len(X):
        X = X[np.random.default_rng(int(seed)).permutation(len(X))[:inputs]]
    running: dict[str, Any] = {"engine": engine, "jobs": jobs}
    shown: dict[str, Any] = {"settle": settle, "readout": readout, **running}
    steps = 2 * trials + repeats
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done / steps)

    ideal = expanded.layers(X)
    substitute = _Substitute(network, X, decision, settle, readout, running)
    spiking, smooth = [], []
    for trial in range(trials):
        one = seed + trial
        spiking.append(network.run(X, decision, seed=one, **shown).activations())
        tick()
        smooth.append(substitute.decoded(spiking[-1], one))
        tick()
    # Each repeat has noise of its own, and the inputs of the run that is taken apart.
    mean = [np.zeros_like(a) for a in ideal]
    for repeat in range(repeats):
        again = substitute.decoded(spiking[0], seed + trials + repeat)
        for total, a in zip(mean, again, strict=True):
            total += a / repeats
        tick()
    found = []
    logits = expanded.net_input(len(ideal), ideal[-1])
    answers = network.answers
    before = answers.decided(logits) if answers.labels else None
    for k, exact in enumerate(ideal):
        seen = X if k == 0 else spiking[0][k - 1]
        parts = substitute.parts(
            k, exact, seen, mean[k], [run[k] for run in smooth], [run[k] for run in spiking]
        )
        error = spiking[0][k] - exact
        power = float(np.mean(error**2))
        hybrid = _onward(network, k, spiking[0][k])
        found.append(
            LayerError(
                layer=k + 1,
                mean_square=power,
                independent=float(np.mean([np.mean((run[k] - exact) ** 2) for run in spiking[1:]])),
                parts_rms={name: float(np.sqrt(np.mean(p**2))) for name, p in parts.items()},
                shares={
                    name: float(np.mean(error * p)) / power if power > 0 else 0.0
                    for name, p in parts.items()
                },
                logit_rms=float(np.sqrt(np.mean((hybrid - logits) ** 2))),
                agreement=_agreement(network, hybrid, before),
            )
        )
        logits = hybrid
    last = np.stack([run[-1] - ideal[-1] for run in spiking])
    flat = last.reshape(-1, last.shape[-1])
    return Certificate(
        network=network,
        decision_s=float(decision / second),
        layers=tuple(found),
        worst=np.abs(flat).max(axis=0),
        second_moment=flat.T @ flat / len(flat),
        static=np.abs(_steady(network, X)[0] - ideal[-1]).max(axis=0),
        labels=()
        if before is None
        else tuple(sorted({said for one in before for said in _said(one)})),
        inputs=len(X),
        runs=trials,
    )


def _agreement(network: SpikingNetwork, logits: np.ndarray, before: np.ndarray | None) -> float:
    """Return the share of inputs whose labels all are as before; NaN without labels."""
    if before is None:
        return float("nan")
    same = network.answers.decided(logits) == before
    return float(np.mean(same if same.ndim == 1 else same.all(axis=1)))


def _onward(network: SpikingNetwork, k: int, activation: np.ndarray) -> np.ndarray:
    """Return the outputs when layer `k` answers so and the layers after it are computed."""
    expanded = network.expanded
    for after in range(k + 1, len(network.layers)):
        activation = expanded.activations(after, expanded.net_input(after, activation))
    return expanded.net_input(len(network.layers), activation)
