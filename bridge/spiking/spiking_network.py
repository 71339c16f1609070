"""A network of spiking neurons that stands for a trained one: inspect it, run it, read it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from brian2.units import Quantity, ms, second

from bridge.counts.curve import FICurve
from bridge.errors import ConversionError
from bridge.mapping.accepted_networks import validate
from bridge.mapping.calibration import Calibration
from bridge.mapping.input_range import InputRange
from bridge.mapping.input_tables import check_inputs, check_whole
from bridge.mapping.unit_splitting import SplitNetwork, split_units
from bridge.page_style import Axes
from bridge.slow_state.outrun import Outrun
from bridge.spiking.activation_plot import draw_agreement
from bridge.spiking.answers import Answers
from bridge.spiking.batches import show_in_batches
from bridge.spiking.readout import CountReadout
from bridge.spiking.synapse import Synapse
from neurosim import FeedForward, PointNeuron, Recording, Stimulus
from neurosim.display import html_table
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
    neuron : PointNeuron
        Every neuron is one of these.
    background : Stimulus
        Noise that each neuron receives.
    layers : tuple of SpikingLayer
        Hidden layers.
    classes : ndarray or None
        Labels of the outputs.
    tau_syn, dt : Quantity
        Synaptic decay between hidden layers, and time step.
    curve : FICurve
        The f-I curve the drive was calibrated on.
    split : SplitNetwork
        The network as the neurons carry it, and which unit each neuron stands for.
    synapse : Synapse
        What a spike does to the next layer.
    delay : Quantity
        From a spike to its arrival.
    answers : Answers
        What the outputs mean: a label, labels or quantities.
    feature_names : tuple of str or None
        Columns the network was fitted on, where it was fitted on a DataFrame.
    seen : InputRange or None
        Of the inputs it was calibrated on; inputs on another scale are refused.
    outruns : tuple of Outrun
        What a slow state of the neuron takes from the rates of each layer; empty where none is
        known.
    """

    neuron: PointNeuron
    background: Stimulus
    layers: tuple[SpikingLayer, ...]
    classes: np.ndarray | None
    tau_syn: Quantity
    dt: Quantity
    curve: FICurve
    split: SplitNetwork
    synapse: Synapse
    delay: Quantity
    answers: Answers = field(default_factory=Answers)
    feature_names: tuple[str, ...] | None = None
    seen: InputRange | None = None
    outruns: tuple[Outrun, ...] = ()

    @property
    def cautions(self) -> tuple[str, ...]:
        """What to beware of: layers whose rates outrun the slow state of their neurons."""
        return tuple(str(one) for one in self.outruns if one.notable)

    @property
    def output_weights(self) -> np.ndarray:
        """Weights of the output layer, applied to decoded activations."""
        return self.split.weights[-1]

    @property
    def output_bias(self) -> np.ndarray:
        """Bias of the output layer."""
        return self.split.biases[-1]

    def outputs(self, activation: np.ndarray) -> np.ndarray:
        """Return the outputs before their activation, from those of the last hidden layer."""
        return self.split.net_input(-1, activation)

    @property
    def wiring(self) -> FeedForward:
        """The synapses between hidden layers."""
        weights = [layer.weights_pA for layer in self.layers[1:]]
        return self.synapse.wiring(weights, self.layers[0].units, self.tau_syn, self.delay)

    @property
    def synapses(self) -> int:
        """Number of synapses between hidden layers and onto the output layer."""
        inner = sum(np.count_nonzero(layer.weights_pA) for layer in self.layers[1:])
        return int(inner + np.count_nonzero(self.output_weights))

    def __repr__(self) -> str:
        chain = "-".join(map(str, self.split.sizes))
        return (
            f"SpikingNetwork({chain} on {type(self.neuron).__name__}, {self.synapse.kind} "
            f"synapses, dt={self.dt})"
        )

    def _repr_html_(self) -> str:
        sizes = self.split.sizes
        labels = "" if self.classes is None else f", of {len(self.classes)} classes"
        rows = [
            ("neuron", self.neuron),
            ("background of each neuron", self.background),
            ("inputs", sizes[0]),
            *((f"neurons of hidden layer {k}", n) for k, n in enumerate(sizes[1:-1], 1)),
            ("outputs", f"{sizes[-1]} ({self.answers.kind}{labels})"),
            ("synapses, outputs included", f"{self.synapses} ({self.synapse.kind})"),
            ("decay of synapses, delay", f"{self.tau_syn}, {self.delay}"),
            ("time step", self.dt),
            ("f-I curve", f"{self.curve.currents[0]:.4g} to {self.curve.currents[-1]:.4g} pA"),
            *(("caution", one) for one in self.cautions),
        ]
        return html_table("Spiking network", rows)

    def run(
        self,
        X: np.ndarray,
        duration: Quantity = 100 * ms,
        *,
        settle: Quantity = 100 * ms,
        readout: CountReadout | None = None,
        samples_at_once: int | None = None,
        seed: int = 0,
        **running: Any,
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
        samples_at_once : int, optional
            Samples of one batch (default: as many as fit into memory); answers do not depend on it.
        seed : int
            Every sample gets noise of its own.
        **running
            engine, jobs, progress, record, record_rows and record_dt, as in `neurosim.simulate`;
            in traces, row = sample * n_units + unit.

        Returns
        -------
        SpikingRun

        Raises
        ------
        ConversionError
            X has the wrong shape or is not finite, or traces are asked for of a run that does not
            fit into memory at once.
        """
        X = self.check_inputs(X)
        first = self.layers[0]
        shown = check_quantity(duration, 100 * ms, "run: duration", above=0 * ms)
        if shown < 0.999 * self.dt:
            raise ConversionError(
                f"run: duration {duration} is shorter than one time step of {self.dt}"
            )
        pause = check_quantity(settle, 100 * ms, "run: settle", at_least=0 * ms)
        if samples_at_once is not None:
            check_whole(samples_at_once, "run: samples_at_once", 1)
        if not isinstance(readout, CountReadout | None):
            raise ConversionError(
                f"run: readout must be a CountReadout such as CountReadout('flat'); got {readout!r}"
            )
        wiring = self.wiring
        step = np.zeros((len(X), wiring.units))
        # Not a matrix product: its rounding depends on how many samples there are, and a sample
        # must be answered alike alone and in a batch.
        step[:, : first.units] = np.einsum("si,iu->su", X, first.weights_pA)
        recording = show_in_batches(
            self.neuron,
            self.background,
            wiring,
            np.concatenate([layer.holding_pA for layer in self.layers]),
            step,
            settle=pause,
            duration=shown,
            dt=self.dt,
            seed=seed,
            samples_at_once=samples_at_once,
            **running,
        )
        onset, time = float(pause / second), float(shown / second)
        return SpikingRun(self, recording, X, onset, time, readout or CountReadout())

    def check_inputs(self, X: Any, *, scale: bool = True) -> np.ndarray:
        """Return inputs as a table of floats, or say why this network cannot take them.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
        scale : bool
            Whether to refuse inputs on another scale than those calibrated on.

        Raises
        ------
        ConversionError
            X has the wrong shape, other columns, is not finite, or is on another scale than the
            inputs calibrated on (see `InputRange.check`).
        """
        table = check_inputs(X, self.split.sizes[0], self.feature_names)
        if scale and self.seen is not None:
            self.seen.check(table, self.feature_names)
        return table


@dataclass(frozen=True, eq=False)
class SpikingRun:
    """What a spiking network answered, at any time after the input came on.

    Attributes
    ----------
    network : SpikingNetwork
        What was run.
    recording : Recording
        Spikes of every neuron; row = sample * n_units + unit.
    inputs : ndarray, shape (n_samples, n_features)
        What was shown.
    onset_s, duration_s : float
        When the input came on, and how long it stayed, in second.
    readout : CountReadout
        How spikes are read.
    """

    network: SpikingNetwork
    recording: Recording
    inputs: np.ndarray
    onset_s: float
    duration_s: float
    readout: CountReadout

    @property
    def samples(self) -> int:
        """Number of inputs."""
        return len(self.inputs)

    @cached_property
    def _since_onset(self) -> np.ndarray:
        # Half a step: spike times are multiples of dt and must not fall to either side by rounding.
        return np.asarray(self.recording.spike_time_s - self.onset_s + 0.5 * self.recording.dt_s)

    @cached_property
    def _read(self) -> dict[float, np.ndarray]:
        """Outputs that were read, by time: to read them takes all spikes."""
        return {}

    def time_s(self, at: Quantity | None = None) -> float:
        """Return a time of decision in second, or say that the input was not shown so long."""
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
        rate = self.readout.rates(
            self.recording.spike_row, self._since_onset, self.recording.rows, self.time_s(at)
        ).reshape(self.samples, -1)
        return [rate[:, place] for place in self.network.wiring.layer_slices()]

    def activations(self, at: Quantity | None = None) -> list[np.ndarray]:
        """Return what the rates stand for: an activation for every neuron, by hidden layer."""
        return [
            layer.calibration.activation(rate)
            for layer, rate in zip(self.network.layers, self.rates(at), strict=True)
        ]

    def unit_activations(self, at: Quantity | None = None) -> list[np.ndarray]:
        """Return the activations of the units of the trained network, by hidden layer.

        Several neurons may stand for one unit: both signs of a tanh, twins, a population.
        """
        return self.network.split.originals(self.activations(at))

    def logits(self, at: Quantity | None = None) -> np.ndarray:
        """Return the outputs before softmax, shape (n_samples, n_outputs)."""
        time = self.time_s(at)
        if time not in self._read:
            self._read[time] = self.network.outputs(self.activations(at)[-1])
        return self._read[time].copy()

    def predict(self, at: Quantity | None = None) -> np.ndarray:
        """Return the answer at a time after onset (default: at the end).

        Returns
        -------
        ndarray, shape (n_samples,) or (n_samples, n_outputs)
            Labels; rows of 0 and 1 where several labels may hold; or quantities.
        """
        return self.answers(self.logits(at))

    def answers(self, logits: np.ndarray) -> np.ndarray:
        """Return what outputs before their activation mean, as `predict` does."""
        return self.network.answers.predict(logits, self.network.classes)

    def labels(self, logits: np.ndarray) -> np.ndarray:
        """Return the label of each row of outputs; a network of quantities has none."""
        self.network.answers.decided(logits[:1])
        return self.answers(logits)

    def probabilities(self, at: Quantity | None = None) -> np.ndarray:
        """Return softmax of the outputs, shape (n_samples, n_outputs).

        Of a single output, and of labels that may hold together, each its logistic.

        Raises
        ------
        ConversionError
            The network answers quantities.
        """
        return self.network.answers.probabilities(self.logits(at))

    def spikes_per_decision(self, at: Quantity | None = None) -> float:
        """Return the mean number of spikes of all neurons from onset to the decision."""
        return float(self.spikes_by_neuron(at).sum() / self.samples)

    def spikes_by_neuron(self, at: Quantity | None = None) -> np.ndarray:
        """Return spikes from onset to decision, shape (n_samples, n_neurons)."""
        inside = (self._since_onset >= 0) & (self._since_onset < self.time_s(at))
        counts = np.bincount(self.recording.spike_row[inside], minlength=self.recording.rows)
        return counts.reshape(self.samples, -1)

    def plot_against(
        self, network: Any = None, *, at: Quantity | None = None, ax: Axes | None = None
    ) -> Axes:
        """Draw the activations read from firing rates against those of the trained network.

        Parameters
        ----------
        network : ann.Network, fitted estimator, scikit-learn MLP or torch.nn.Sequential, optional
            The network that was converted (default: its activations as the neurons carry them).
        at : Quantity, optional
            Time of the decision (default: the end).
        ax : matplotlib Axes, optional
            Where to draw; its lower part becomes the residual.

        Returns
        -------
        matplotlib Axes
            The upper panel.

        Raises
        ------
        ConversionError
            It is another network: its layers have other sizes.
        """
        split = self.network.split if network is None else split_units(validate(network))
        units = split.originals(split.layers(self.inputs))
        read = self.unit_activations(at)
        if [a.shape for a in units] != [a.shape for a in read]:
            wrong = [a.shape[1] for a in units], [a.shape[1] for a in read]
            raise ConversionError(
                f"this network has hidden layers of {wrong[0]} units, the one that ran {wrong[1]}; "
                "give the network that was converted"
            )
        pairs = {
            f"hidden layer {k}": pair for k, pair in enumerate(zip(units, read, strict=True), 1)
        }
        return draw_agreement(pairs, 1e3 * self.time_s(at), ax)

    def __repr__(self) -> str:
        return (
            f"SpikingRun({self.samples} inputs for {1e3 * self.duration_s:g} ms, "
            f"{self.spikes_per_decision():.4g} spikes each, of {self.network!r})"
        )

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
