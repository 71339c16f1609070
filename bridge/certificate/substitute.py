"""The neurons of a network under constant currents in place of spikes from other layers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
from brian2.units import Quantity, ms, second

from bridge.certificate.mean_rates import MeanRates
from bridge.spiking.batches import show_in_batches
from bridge.spiking.readout import CountReadout
from bridge.spiking.spiking_network import SpikingNetwork, SpikingRun
from neurosim import FeedForward
from neurosim.quantities import check_quantity

__all__ = ["Substitute"]


class Substitute:
    """A converted network whose synapses are replaced by the constant currents they stand for.

    Parameters
    ----------
    network : SpikingNetwork
    X : ndarray, shape (n_samples, n_features)
        Inputs.
    decision, settle : Quantity
        Time of the decision, and time before the input comes on.
    readout : CountReadout or None
        How spikes are read.
    running : dict
        engine and jobs, as in `neurosim.simulate`.

    Attributes
    ----------
    spiking, smooth : list of list of ndarray, each of shape (n_samples, n_neurons)
        What every layer was read as in every run: driven by spikes, and by constant currents.
    mean : list of ndarray
        What every layer is read as under the constant currents of the first run, over noise.
    """

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
        self.readout = readout or CountReadout()
        self.shown = check_quantity(decision, 50 * ms, "certify: decision", above=0 * ms)
        self.pause = check_quantity(settle, 100 * ms, "certify: settle", at_least=0 * ms)
        self.mean_rates = MeanRates(network)
        # Before the input comes on the first layer has its bias only.
        silent = np.zeros(network.split.sizes[0])
        self.resting = np.concatenate([current for current, _ in self.mean_rates.layers(silent)])
        self.spiking: list[list[np.ndarray]] = []
        self.smooth: list[list[np.ndarray]] = []
        self.mean: list[np.ndarray] = []
        # The curve is monotone: its ends are its slowest and its fastest rate, shape (2, 1).
        self.extremes = self.mean_rates.rates(np.array([[-np.inf], [np.inf]]))

    def decoded(self, spiking: list[np.ndarray], seed: int) -> list[np.ndarray]:
        """Return every layer's activations under the constant currents that stand for spikes.

        Parameters
        ----------
        spiking : list of ndarray, each of shape (n_samples, n_neurons)
            Activations that the layers were read as when they spiked.
        seed : int
            The neurons have the same noise as in a run of the network with this seed.
        """
        network = self.network
        befores = [self.X, *spiking[:-1]]
        current = np.concatenate(
            [
                layer.calibration.current_pA(network.split.net_input(k, before))
                for k, (layer, before) in enumerate(zip(network.layers, befores, strict=True))
            ],
            axis=1,
        )
        recording = show_in_batches(
            network.neuron,
            network.background,
            FeedForward(width=current.shape[1]),
            self.resting,
            current - self.resting,
            settle=self.pause,
            duration=self.shown,
            dt=network.dt,
            seed=seed,
            **self.running,
        )
        onset, shown = float(self.pause / second), float(self.shown / second)
        return SpikingRun(network, recording, self.X, onset, shown, self.readout).activations()

    def run(
        self, trials: int, repeats: int, seed: int, progress: Callable[[float], None] | None
    ) -> None:
        """Run the network, and its neurons under constant currents, as `certify` says."""
        done, steps = count(1), 2 * trials + repeats

        def tick() -> None:
            part = next(done) / steps
            if progress is not None:
                progress(part)

        how = {"settle": self.pause, "readout": self.readout, **self.running}
        for trial in range(seed, seed + trials):
            run = self.network.run(self.X, self.shown, seed=trial, **how)
            self.spiking.append(run.activations())
            tick()
            self.smooth.append(self.decoded(self.spiking[-1], trial))
            tick()
        # Each repeat has noise of its own, and the inputs of the run that is taken apart.
        self.mean = [np.zeros_like(a) for a in self.spiking[0]]
        for repeat in range(seed + trials, seed + trials + repeats):
            for total, a in zip(self.mean, self.decoded(self.spiking[0], repeat), strict=True):
                total += a / repeats
            tick()

    def parts(self, k: int, exact: np.ndarray) -> dict[str, np.ndarray]:
        """Return the parts of the error of a layer in the first run, each (n_samples, n_neurons).

        Parameters
        ----------
        k : int
            Which layer, from 0.
        exact : ndarray
            Activations of the trained network.
        """
        before = self.X if k == 0 else self.spiking[0][k - 1]
        spiking, smooth = ([run[k] for run in runs] for runs in (self.spiking, self.smooth))
        mean = self.mean[k]
        calibration = self.network.layers[k].calibration
        z = self.network.split.net_input(k, before)
        given = self.network.split.activations(k, z)
        ends = calibration.activation(self.extremes)
        clipped = np.clip(given, ends.min(axis=0), ends.max(axis=0))
        steady = calibration.activation(self.mean_rates.rates(calibration.current_pA(z)))
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
