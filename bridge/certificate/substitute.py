"""A network in which some layers are replaced by what spiking neurons answered."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.units import Quantity, ms, pA, second

from bridge.mapping.calibration import rate_function
from bridge.spiking.memory import check_memory
from bridge.spiking.readout import CountReadout
from bridge.spiking.spiking_network import SpikingNetwork, SpikingRun, joined
from bridge.stimulate.fi_curve import trial_seeds
from neurosim import Constant, FeedForward, Steps, simulate
from neurosim.quantities import check_quantity

__all__ = []


class _Substitute:
    """The neurons of a network with constant currents in place of spikes from other layers."""

    def __init__(
        self,
        network: SpikingNetwork,
        X: np.ndarray,
        decision: Quantity,
        settle: Quantity,
        readout: CountReadout | None,
        running: dict[str, Any],
    ) -> None:
        self.network, self.X, self.running = network, X, running
        self.readout = CountReadout() if readout is None else readout
        self.shown = check_quantity(decision, 50 * ms, "certify: decision", above=0 * ms)
        self.pause = check_quantity(settle, 100 * ms, "certify: settle", at_least=0 * ms)
        self.curve = rate_function(network.curve)
        self.resting = self._resting()
        # The curve is monotone: its ends are its slowest and its fastest rate, shape (2, 1).
        self.extremes = self.rates(np.array([[-np.inf], [np.inf]]))

    def rates(self, current_pA: np.ndarray) -> np.ndarray:
        """Return the steady rate; beyond the measured currents that of the last one."""
        return np.asarray(self.curve(np.clip(current_pA, self.curve.x[0], self.curve.x[-1])))

    def _resting(self) -> np.ndarray:
        """Return the current of every neuron before the input comes on."""
        expanded = self.network.expanded
        currents: list[np.ndarray] = []
        # Before the input comes on the first layer has its bias only.
        activation = np.zeros(expanded.sizes[0])
        for k, layer in enumerate(self.network.layers):
            z = expanded.net_input(k, activation)
            currents.append(layer.calibration.current_pA(z))
            activation = layer.calibration.activation(self.rates(currents[-1]))
        return np.concatenate(currents)

    def decoded(self, spiking: list[np.ndarray], seed: int) -> list[np.ndarray]:
        """Return every layer's activations under the constant current that others' rates mean."""
        network, expanded = self.network, self.network.expanded
        befores = [self.X, *spiking[:-1]]
        current = np.concatenate(
            [
                layer.calibration.current_pA(expanded.net_input(k, before))
                for k, (layer, before) in enumerate(zip(network.layers, befores, strict=True))
            ],
            axis=1,
        )
        # The neurons stand where they stand in the network, so they have the same noise.
        seeds = trial_seeds(seed, len(self.X))
        parts = []
        fit = check_memory([current.shape[1]], len(self.X))
        for start in range(0, len(self.X), fit):
            here = slice(start, start + fit)
            parts.append(
                simulate(
                    network.neuron,
                    self.pause + self.shown,
                    stimulus=Constant(0 * pA)
                    + Steps(amplitude=0 * pA, onset=self.pause, duration=self.shown + network.dt)
                    + network.background,
                    batch={
                        "current": np.broadcast_to(self.resting, current[here].shape) * pA,
                        "amplitude": (current[here] - self.resting) * pA,
                    },
                    wiring=FeedForward(width=current.shape[1]),
                    seed=seeds[here],
                    dt=network.dt,
                    **self.running,
                )
            )
        recording = parts[0] if len(parts) == 1 else joined(parts)
        run = SpikingRun(
            network,
            recording,
            len(self.X),
            float(self.pause / second),
            float(self.shown / second),
            self.readout,
        )
        return run.activations()

    def parts(
        self,
        k: int,
        exact: np.ndarray,
        seen: np.ndarray,
        mean: np.ndarray,
        smooth: list[np.ndarray],
        spiking: list[np.ndarray],
    ) -> dict[str, np.ndarray]:
        """Return the parts of the error of a layer in the first run, each (n_samples, n_neurons).

        Parameters
        ----------
        k : int
            Which layer, from 0.
        exact : ndarray
            Activations of the trained network.
        seen : ndarray
            What the layer before said in the first run.
        mean : ndarray
            Mean response to that as a constant current.
        smooth, spiking : list of ndarray
            Response in every run, to constant currents and to spikes.
        """
        calibration = self.network.layers[k].calibration
        z = self.network.expanded.net_input(k, seen)
        given = self.network.expanded.activations(k, z)
        rates = self.rates(calibration.current_pA(z))
        ends = calibration.activation(self.extremes)
        clipped = np.clip(given, ends.min(axis=0), ends.max(axis=0))
        steady = calibration.activation(rates)
        # The first run is left out: its own noise must not look like a mean.
        effect = np.mean([s - c for s, c in zip(spiking[1:], smooth[1:], strict=True)], axis=0)
        return {
            "inherited": given - exact,
            "clipping": clipped - given,
            "f-I bias": steady - clipped,
            "transient": mean - steady + effect,
            "quantisation": smooth[0] - mean,
            "synaptic noise": spiking[0] - smooth[0] - effect,
        }
