"""What a certificate says: where the error of each layer comes from, and which labels are safe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bridge.certificate.error_plot import draw_error_sources
from bridge.certificate.mean_rates import MeanRates
from bridge.errors import ConversionError
from bridge.mapping.input_tables import check_number
from bridge.page_style import Axes
from bridge.spiking.spiking_network import SpikingNetwork
from neurosim.display import html_table

__all__ = ["FEWEST_INPUTS", "PARTS", "Certificate", "LayerError", "label_values"]

FEWEST_INPUTS = 30
"""Inputs from which on errors seen are taken to say something of errors to come."""

PARTS = ("inherited", "clipping", "f-I bias", "transient", "quantisation", "synaptic noise")


@dataclass(frozen=True, eq=False)
class LayerError:
    """The error of one hidden layer at the time of decision.

    Attributes
    ----------
    layer : int
        Counted from 1.
    mean_square : float
        Mean squared error of the activations in the run that was taken apart.
    independent : float
        The same in runs of other noise, not used for any part.
    parts_rms : dict of str to float
        Root mean square of each part.
    shares : dict of str to float
        What each part contributes to `mean_square`: mean of part times error, divided by it. A
        share is negative where a part makes up for another; they add to 1.
    logit_rms : float
        Root mean square of what this layer by itself adds to the outputs.
    agreement : float
        Share of inputs whose label is that of the network when the layers up to this one spike and
        the others are computed; NaN where the network answers quantities.
    """

    layer: int
    mean_square: float
    independent: float
    parts_rms: dict[str, float]
    shares: dict[str, float]
    logit_rms: float
    agreement: float

    @property
    def closing(self) -> float:
        """By how much the sum of the parts misses the error of independent runs, as a fraction."""
        explained = sum(self.shares.values()) * self.mean_square
        return float(abs(explained / self.independent - 1)) if self.independent > 0 else 0.0

    @property
    def largest(self) -> str:
        """The part that contributes most, not counting what was inherited."""
        own = {name: share for name, share in self.shares.items() if name != "inherited"}
        return max(own, key=lambda name: own[name])


@dataclass(frozen=True, eq=False)
class Certificate:
    """What `certify` found.

    Attributes
    ----------
    network : SpikingNetwork
    decision_s : float
        Time of the decision.
    layers : tuple of LayerError
    worst : ndarray, shape (n_neurons,)
        Largest error of each neuron of the last hidden layer in all runs.
    second_moment : ndarray, shape (n_neurons, n_neurons)
        Mean product of errors of the last hidden layer, over inputs and runs.
    static : ndarray, shape (n_neurons,)
        Largest error of each of them that its mean rate alone makes, on the same inputs.
    labels : tuple of (int, int)
        Labels the trained network gives to these inputs: (0, label), or (label, 0 or 1) where
        several may hold together; empty for quantities.
    inputs, runs : int
        How many inputs were used, in how many runs.
    """

    network: SpikingNetwork
    decision_s: float
    layers: tuple[LayerError, ...]
    worst: np.ndarray
    second_moment: np.ndarray
    static: np.ndarray
    labels: tuple[tuple[int, int], ...]
    inputs: int
    runs: int

    @property
    def logit_bound(self) -> np.ndarray:
        """Largest possible error of each output while no neuron errs more than it ever did."""
        return np.asarray(self.worst @ np.abs(self.network.output_weights))

    @property
    def exceeded(self) -> tuple[float, float]:
        """How likely a new input goes beyond the errors seen: one neuron, and any of them, at most.

        Of n + 1 inputs drawn alike, each is as likely as any other to be the one on which a neuron
        errs most. That holds for inputs drawn at random from those it will see, and for no others.
        """
        one = 1 / (self.inputs + 1)
        return one, min(1.0, len(self.worst) * one)

    def _errors(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return outputs of the trained network, errors allowed for, and what is beyond knowledge.

        The error of a neuron may be the largest seen, and more by as much as its mean rate errs
        more on this input than on any seen.
        """
        ideal = self.network.split.layers(X)[-1]
        steady, beyond = MeanRates(self.network).last_layer(X)
        more = np.maximum(np.abs(steady - ideal) - self.static, 0.0)
        return self.network.outputs(ideal), self.worst + more, beyond

    def output_bounds(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return between what the outputs stay while no neuron errs more than it ever did.

        Parameters
        ----------
        X : ndarray, shape (n_samples, n_features)
            Inputs; nothing is run.

        Returns
        -------
        low, high : ndarray, shape (n_samples, n_outputs)
            After the activation of the output layer; infinite for inputs that drive a neuron beyond
            its measured f-I curve.
        """
        network = self.network
        logits, errors, beyond = self._errors(network.check_inputs(X))
        apart = errors @ np.abs(network.output_weights)
        low, high = (network.answers.outputs(logits + sign * apart) for sign in (-1, 1))
        return np.where(beyond[:, None], -np.inf, low), np.where(beyond[:, None], np.inf, high)

    def safe(self, X: np.ndarray, risk: float | None = None) -> np.ndarray:
        """Return which inputs keep the label of the trained network on neurons.

        Where several labels may hold together, all of them are kept. Labels that no input of the
        certificate had are never called safe, nor inputs that drive a neuron beyond its measured
        f-I curve.

        Parameters
        ----------
        X : ndarray, shape (n_samples, n_features)
            Inputs; nothing is run.
        risk : float, optional
            None: a label is safe if it cannot change while every neuron of the last hidden layer
            errs by no more than its largest error ever seen, all in the worst direction at once.
            That is a condition, not a promise: `exceeded` tells how likely it fails.
            A number: a label is safe if Chebyshev's inequality with the errors' second moments
            allows a change with at most this probability. That needs nothing of the shape of the
            errors, but takes those of an input to be like those of the inputs certified on.

        Returns
        -------
        ndarray of bool, shape (n_samples,)

        Raises
        ------
        ConversionError
            The network answers quantities (see `output_bounds`), the risk is no probability, or the
            certificate rests on fewer than 30 inputs, whose errors say little of others.
        """
        network = self.network
        # Inputs on another scale need no refusal: they are answered, as not safe.
        X = network.check_inputs(X, scale=False)
        if risk is not None and not 0 < check_number(risk, "safe: risk", "a probability") < 1:
            raise ConversionError(f"safe: risk must lie between 0 and 1; got {risk!r}")
        logits, errors, beyond = self._errors(X)
        decided = network.answers.decided(logits)
        if self.inputs < FEWEST_INPUTS:
            raise ConversionError(
                f"this certificate rests on {self.inputs} inputs, too few to say which errors are "
                f"possible; certify on {FEWEST_INPUTS} or more, drawn at random from training "
                "inputs"
            )
        seen = set(self.labels)
        known = np.array([seen.issuperset(label_values(one)) for one in decided]) & ~beyond
        certain, chance = known.copy(), np.zeros(len(X))
        for apart, margin in self._changes(logits, decided):
            certain &= np.sum(np.abs(apart) * errors, axis=1) < margin
            power = np.einsum("su,uv,sv->s", apart, self.second_moment, apart)
            with np.errstate(divide="ignore", invalid="ignore"):
                chance += np.where(np.isinf(margin), 0.0, power / margin**2)
        return certain if risk is None else np.asarray(known & (chance <= risk))

    def _changes(
        self, logits: np.ndarray, decided: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield every way a label can change, for each input.

        That is a direction in the last hidden layer, (n_samples, n_neurons), and how far away the
        change lies along it, (n_samples,).
        """
        W = self.network.output_weights
        if self.network.answers.kind == "labels" or logits.shape[1] == 1:
            for w, z in zip(W.T, logits.T, strict=True):
                yield np.broadcast_to(w, (len(logits), len(w))), np.abs(z)
            return
        for rival in range(W.shape[1]):
            margin = logits[np.arange(len(logits)), decided] - logits[:, rival]
            yield W[:, decided].T - W[:, rival], np.where(decided == rival, np.inf, margin)

    def claim(self, X: np.ndarray) -> str:
        """Say how many labels are safe, on what that rests, and how often it may fail.

        Parameters
        ----------
        X : ndarray, shape (n_samples, n_features)
            Inputs; nothing is run.
        """
        safe = self.safe(X)
        one, some = self.exceeded
        return (
            f"{100 * safe.mean():.0f} % of {len(safe)} labels cannot change while no neuron of the "
            f"last hidden layer errs more than it did in {self.runs} runs of {self.inputs} inputs; "
            f"on a new input drawn as those were, one neuron may with a probability of up to "
            f"{100 * one:.2g} %, and any of all {len(self.worst)} with up to {100 * some:.2g} %"
        )

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.network.split.sizes))
        worst = max(self.layers, key=lambda found: found.logit_rms)
        return (
            f"Certificate({sizes} at {1e3 * self.decision_s:g} ms, {self.inputs} inputs in "
            f"{self.runs} runs, largest error: {worst.largest} in hidden layer {worst.layer})"
        )

    def _repr_html_(self) -> str:
        head = ("hidden layer", "rms error", *(f"{name} (%)" for name in PARTS), "agreement (%)")
        rows = [
            (
                found.layer,
                f"{np.sqrt(found.mean_square):.3g}",
                *(f"{100 * found.shares[name]:.0f}" for name in PARTS),
                f"{100 * found.agreement:.1f}" if self.network.answers.labels else "no labels",
            )
            for found in self.layers
        ]
        return html_table(repr(self), rows, head, self.why())

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw where the error of each hidden layer comes from, as bars.

        A bar is the share of the mean squared error that a source makes; those of a layer add to
        100 %. A share below 0 makes up for another.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw.

        Returns
        -------
        matplotlib Axes
        """
        shares = {
            f"hidden layer {found.layer}: rms error {np.sqrt(found.mean_square):.2g}": [
                found.shares[name] for name in PARTS
            ]
            for found in self.layers
        }
        return draw_error_sources(shares, PARTS, ax)

    def why(self) -> str:
        """Say in one sentence which layer costs most, and what in it."""
        worst = max(self.layers, key=lambda found: found.logit_rms)
        share = 100 * worst.shares[worst.largest]
        return (
            f"hidden layer {worst.layer} adds most to the outputs (rms {worst.logit_rms:.3g}); "
            f"there {worst.largest} makes {share:.0f} % of the error"
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return the table: a row a layer."""
        return [
            {
                "layer": found.layer,
                "rms_error": float(np.sqrt(found.mean_square)),
                **{f"{name} (%)": 100 * share for name, share in found.shares.items()},
                "closing (%)": 100 * found.closing,
                "logit_rms": found.logit_rms,
                **({"agreement": found.agreement} if self.network.answers.labels else {}),
            }
            for found in self.layers
        ]


def label_values(decided: Any) -> list[tuple[int, int]]:
    """Return a label as (0, label), or a row of labels as (number, 0 or 1) of each."""
    return [(i, int(value)) for i, value in enumerate(np.atleast_1d(decided))]
