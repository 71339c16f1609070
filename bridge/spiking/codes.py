"""Other codes than the count: the time of the first spike.

A neuron that is driven harder fires earlier. Read so, a decision costs each neuron one spike. A
population code needs nothing of its own: ``convert(..., population=5)`` gives every unit five
neurons, whose mean is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, ms
from sklearn.isotonic import IsotonicRegression

from bridge.errors import ConversionError
from bridge.spiking.spiking_network import SpikingNetwork, SpikingRun

__all__ = ["LatencyCode", "first_spikes_s"]


def first_spikes_s(run: SpikingRun, at: Quantity | None = None) -> np.ndarray:
    """Return the time of every neuron's first spike after onset, (n_samples, n_neurons).

    Neurons that fired none before `at` get that time: they fire at the end, if ever.
    """
    end = run.time_s(at)
    since = run.recording.spike_time_s - run.onset_s
    seen = (since > -0.5 * run.recording.dt_s) & (since < end)
    first = np.full(run.recording.rows, end)
    np.minimum.at(first, run.recording.spike_row[seen], since[seen])
    return first.reshape(run.samples, -1)


@dataclass(frozen=True, eq=False)
class LatencyCode:
    """What the first spike of each neuron of the last hidden layer stands for.

    Attributes
    ----------
    network : SpikingNetwork
    decision_s : float
        Time up to which spikes were waited for.
    curves : tuple of IsotonicRegression
        Activation as a falling function of latency, one for each neuron.
    """

    network: SpikingNetwork
    decision_s: float
    curves: tuple[Any, ...]

    @classmethod
    def learn(
        cls,
        network: SpikingNetwork,
        X: np.ndarray,
        decision: Quantity = 50 * ms,
        **running: Any,
    ) -> LatencyCode:
        """Measure what latencies stand for, on training inputs.

        Parameters
        ----------
        network : SpikingNetwork
        X : ndarray, shape (n_samples, n_features)
            Training inputs; never the test set.
        decision : Quantity
            How long a first spike is waited for.
        **running
            As in `SpikingNetwork.run`.
        """
        X = network.check_inputs(X)
        wanted = network.split.layers(X)[-1]
        run = network.run(X, decision, **running)
        place = network.wiring.layer_slices()[-1]
        latency = first_spikes_s(run)[:, place]
        curves = tuple(
            IsotonicRegression(increasing=False, out_of_bounds="clip").fit(t, a)
            for t, a in zip(latency.T, wanted.T, strict=True)
        )
        return cls(network, run.duration_s, curves)

    def activations(self, run: SpikingRun) -> np.ndarray:
        """Return the activations of the last hidden layer, (n_samples, n_neurons).

        Raises
        ------
        ConversionError
            The run is not as long as those it was learnt on: a neuron that has not fired by its end
            would be taken for one that is late.
        """
        if abs(run.duration_s - self.decision_s) > 0.5 * run.recording.dt_s:
            raise ConversionError(
                f"the code was learnt from {self.decision_s * 1e3:g} ms, but the run lasts "
                f"{run.duration_s * 1e3:g} ms; run for the same time, or learn again"
            )
        latency = first_spikes_s(run)[:, self.network.wiring.layer_slices()[-1]]
        return np.column_stack(
            [curve.predict(t) for curve, t in zip(self.curves, latency.T, strict=True)]
        )

    def logits(self, run: SpikingRun) -> np.ndarray:
        """Return the outputs before softmax, (n_samples, n_outputs)."""
        return self.network.outputs(self.activations(run))

    def predict(self, run: SpikingRun) -> np.ndarray:
        """Return the answers: labels or quantities."""
        return run.answers(self.logits(run))
