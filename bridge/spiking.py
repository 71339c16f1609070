"""A network of spiking neurons that stands for a trained one: inspect it, run it, read it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from brian2.units import Quantity, ms, pA, second

from bridge.calibration import Calibration
from bridge.curve import FICurve
from bridge.errors import ConversionError
from bridge.measure import trial_seeds
from bridge.readout import CountReadout
from neurosim import (
    LIF,
    Constant,
    FeedForward,
    Recording,
    Steps,
    Stimulus,
    simulate,
)
from neurosim.quantities import check_quantity

__all__ = ["SpikingLayer", "SpikingNetwork", "SpikingRun"]


@dataclass(frozen=True)
class SpikingLayer:
    """One hidden layer as neurons.

    Attributes
    ----------
    weights_pA : ndarray, shape (n_in, n_units)
        First layer: current for each unit of input. Later layers: current step for each spike.
    holding_pA : ndarray, shape (n_units,)
        Holding current of each neuron: the bias.
    calibration : Calibration
        How its rates are read.
    """

    weights_pA: np.ndarray
    holding_pA: np.ndarray
    calibration: Calibration

    @property
    def units(self) -> int:
        """Number of neurons."""
        return len(self.holding_pA)


@dataclass(frozen=True)
class SpikingNetwork:
    """A trained network on spiking neurons.

    Attributes
    ----------
    neuron : LIF
        Every hidden unit is one of these.
    background : Stimulus
        Noise that each neuron receives.
    layers : tuple of SpikingLayer
        Hidden layers.
    output_weights, output_bias : ndarray
        Output layer, applied to decoded activations.
    classes : ndarray or None
        Labels of the outputs.
    tau_syn, dt : Quantity
        Synaptic decay between hidden layers, and time step.
    curve : FICurve
        The f-I curve the drive was calibrated on.
    """

    neuron: LIF
    background: Stimulus
    layers: tuple[SpikingLayer, ...]
    output_weights: np.ndarray
    output_bias: np.ndarray
    classes: np.ndarray | None
    tau_syn: Quantity
    dt: Quantity
    curve: FICurve

    @property
    def wiring(self) -> FeedForward:
        """The synapses between hidden layers."""
        if len(self.layers) == 1:
            return FeedForward(width=self.layers[0].units, tau_syn=self.tau_syn)
        weights = tuple(layer.weights_pA * pA for layer in self.layers[1:])
        return FeedForward(weights=weights, tau_syn=self.tau_syn)

    def run(
        self,
        X: np.ndarray,
        duration: Quantity = 100 * ms,
        *,
        settle: Quantity = 100 * ms,
        readout: CountReadout | None = None,
        record: Sequence[str] = (),
        record_rows: Sequence[int] | None = None,
        record_dt: Quantity | None = None,
        seed: int = 0,
        engine: str = "auto",
        jobs: int = 1,
        progress: Callable[[float], None] | None = None,
    ) -> SpikingRun:
        """Show inputs to the network, all at once as one batch.

        During `settle` every neuron receives its holding current and noise only; then the input
        comes on and stays for `duration`.

        Parameters
        ----------
        X : ndarray, shape (n_samples, n_features)
            Inputs.
        duration, settle : Quantity
            How long each input is shown, and the time before it.
        readout : CountReadout, optional
            How spikes are read (default: the count since onset, tapered at both ends).
        record, record_rows, record_dt
            Traces, as in `neurosim.simulate`; row = sample * n_units + unit.
        seed, engine, jobs, progress
            As in `neurosim.simulate`; every sample gets noise of its own.

        Returns
        -------
        SpikingRun

        Raises
        ------
        ConversionError
            X has the wrong shape or is not finite.
        """
        X = np.asarray(X, dtype=float)
        first = self.layers[0]
        if X.ndim != 2 or X.shape[1] != len(first.weights_pA) or len(X) == 0:
            raise ConversionError(
                f"X must have the shape (n_samples, {len(first.weights_pA)}); got {X.shape}"
            )
        if not np.all(np.isfinite(X)):
            raise ConversionError("X holds NaN or infinity")
        shown = check_quantity(duration, 100 * ms, "run: duration", above=0 * ms)
        pause = check_quantity(settle, 100 * ms, "run: settle", at_least=0 * ms)
        wiring = self.wiring
        holding = np.concatenate([layer.holding_pA for layer in self.layers])
        step = np.zeros((len(X), wiring.units))
        # Not a matrix product: its rounding depends on how many samples there are, and a sample
        # must be answered alike alone and in a batch.
        step[:, : first.units] = np.einsum("si,iu->su", X, first.weights_pA)
        stimulus = (
            Constant(0 * pA)
            + Steps(amplitude=0 * pA, onset=pause, duration=shown + self.dt)
            + self.background
        )
        recording = simulate(
            self.neuron,
            pause + shown,
            stimulus=stimulus,
            batch={
                "current": np.broadcast_to(holding, step.shape) * pA,
                "amplitude": step * pA,
            },
            wiring=wiring,
            seed=trial_seeds(seed, len(X)),
            dt=self.dt,
            record=record,
            record_rows=record_rows,
            record_dt=record_dt,
            engine=engine,
            jobs=jobs,
            progress=progress,
        )
        return SpikingRun(
            self,
            recording,
            len(X),
            float(pause / second),
            float(shown / second),
            CountReadout() if readout is None else readout,
        )


@dataclass(frozen=True, eq=False)
class SpikingRun:
    """What a spiking network answered, at any time after the input came on.

    Attributes
    ----------
    network : SpikingNetwork
        What was run.
    recording : Recording
        Spikes of every neuron; row = sample * n_units + unit.
    samples : int
        Number of inputs.
    onset_s, duration_s : float
        When the input came on, and how long it stayed, in second.
    readout : CountReadout
        How spikes are read.
    """

    network: SpikingNetwork
    recording: Recording
    samples: int
    onset_s: float
    duration_s: float
    readout: CountReadout

    @cached_property
    def _since_onset(self) -> np.ndarray:
        # Half a step: spike times are multiples of dt and must not fall to either side by rounding.
        return self.recording.spike_time_s - self.onset_s + 0.5 * self.recording.dt_s

    def _time(self, at: Quantity | None) -> float:
        if at is None:
            return self.duration_s
        value = float(check_quantity(at, 50 * ms, "at", above=0 * ms))
        if value > self.duration_s * (1 + 1e-9):
            raise ConversionError(
                f"the input was shown for {self.duration_s * second}; there is no answer at {at}"
            )
        return value

    def rates(self, at: Quantity | None = None) -> list[np.ndarray]:
        """Return the filtered rates of every hidden layer, each (n_samples, n_units), in hertz."""
        rate = self.readout.rate_Hz(
            self.recording.spike_row, self._since_onset, self.recording.rows, self._time(at)
        ).reshape(self.samples, -1)
        return [rate[:, place] for place in self.network.wiring.layer_slices()]

    def activations(self, at: Quantity | None = None) -> list[np.ndarray]:
        """Return what the rates stand for: activations of every hidden layer."""
        return [
            layer.calibration.activation(rate)
            for layer, rate in zip(self.network.layers, self.rates(at), strict=True)
        ]

    def logits(self, at: Quantity | None = None) -> np.ndarray:
        """Return the outputs before softmax, shape (n_samples, n_outputs)."""
        return self.activations(at)[-1] @ self.network.output_weights + self.network.output_bias

    def predict(self, at: Quantity | None = None) -> np.ndarray:
        """Return the label decided on at a time after onset (default: at the end)."""
        logits = self.logits(at)
        best = (logits[:, 0] > 0).astype(int) if logits.shape[1] == 1 else logits.argmax(axis=1)
        return best if self.network.classes is None else np.asarray(self.network.classes)[best]

    def spikes_per_decision(self, at: Quantity | None = None) -> float:
        """Return the mean number of spikes of all neurons from onset to the decision."""
        inside = (self._since_onset >= 0) & (self._since_onset < self._time(at))
        return float(np.count_nonzero(inside) / self.samples)

    def to_dict(self) -> dict[str, Any]:
        """Return how it was run, in plain values."""
        return {
            **self.recording.to_dict(),
            "varied_si": "holding and input currents of every neuron",
            "seeds": "one for each sample, made from the seed of the run",
            "onset_s": self.onset_s,
            "shown_s": self.duration_s,
            "readout": self.readout.filter,
        }
