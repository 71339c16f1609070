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
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, ms, pA, second

from bridge.calibration import rate_function
from bridge.errors import ConversionError
from bridge.inputs import check_inputs, check_number, check_whole
from bridge.measure import trial_seeds
from bridge.readout import CountReadout
from bridge.spiking import SpikingNetwork, SpikingRun, check_memory, joined
from neurosim import Constant, FeedForward, Steps, simulate
from neurosim.quantities import check_quantity

__all__ = ["PARTS", "Certificate", "LayerError", "certify", "time_to_accuracy"]

# Inputs from which on errors seen are taken to say something of errors to come.
_FEW = 30

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
        return self.worst @ np.abs(self.network.output_weights)

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
        expanded = self.network.expanded
        ideal = expanded.layers(X)[-1]
        logits = ideal @ expanded.weights[-1] + expanded.biases[-1]
        steady, beyond = _steady(self.network, X)
        more = np.maximum(np.abs(steady - ideal) - self.static, 0.0)
        return logits, self.worst + more, beyond

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
        X = check_inputs(X, network.expanded.sizes[0], network.feature_names)
        logits, errors, beyond = self._errors(X)
        apart = errors @ np.abs(network.expanded.weights[-1])
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
        X = check_inputs(X, network.expanded.sizes[0], network.feature_names)
        if risk is not None and not 0 < check_number(risk, "safe: risk", "a probability") < 1:
            raise ConversionError(f"safe: risk must lie between 0 and 1; got {risk!r}")
        logits, errors, beyond = self._errors(X)
        decided = network.answers.decided(logits)
        if self.inputs < _FEW:
            raise ConversionError(
                f"this certificate rests on {self.inputs} inputs, too few to say which errors are "
                f"possible; certify on {_FEW} or more, drawn at random from training inputs"
            )
        seen = set(self.labels)
        known = np.array([seen.issuperset(_said(one)) for one in decided]) & ~beyond
        W = network.expanded.weights[-1]
        # Every way a label can change: a direction in the last hidden layer, and how far it is.
        ways: list[tuple[np.ndarray, np.ndarray]] = []
        if network.answers.kind == "labels" or logits.shape[1] == 1:
            ways = [
                (np.broadcast_to(w, errors.shape), np.abs(z))
                for w, z in zip(W.T, logits.T, strict=True)
            ]
        else:
            rows = np.arange(len(X))
            for rival in range(W.shape[1]):
                margin = logits[rows, decided] - logits[:, rival]
                ways.append(
                    (W[:, decided].T - W[:, rival], np.where(decided == rival, np.inf, margin))
                )
        certain, chance = known.copy(), np.zeros(len(X))
        for apart, margin in ways:
            certain &= np.sum(np.abs(apart) * errors, axis=1) < margin
            power = np.einsum("su,uv,sv->s", apart, self.second_moment, apart)
            with np.errstate(divide="ignore", invalid="ignore"):
                chance += np.where(np.isinf(margin), 0.0, power / margin**2)
        return certain if risk is None else known & (chance <= risk)

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


def _said(decided: Any) -> list[tuple[int, int]]:
    """Return a label as (0, label), or a row of labels as (number, 0 or 1) of each."""
    return [(i, int(value)) for i, value in enumerate(np.atleast_1d(decided))]


def _agreement(network: SpikingNetwork, logits: np.ndarray, before: np.ndarray | None) -> float:
    """Return the share of inputs whose labels all are as before; NaN without labels."""
    if before is None:
        return float("nan")
    same = network.answers.decided(logits) == before
    return float(np.mean(same if same.ndim == 1 else same.all(axis=1)))


def _steady(network: SpikingNetwork, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the last hidden layer's activations by mean rates alone, and where they are guesses.

    Guesses are those of a neuron driven harder than its f-I curve was measured.
    """
    rate = rate_function(network.curve)
    activation, beyond = X, np.zeros(len(X), dtype=bool)
    for k, layer in enumerate(network.layers):
        current = layer.calibration.current_pA(network.expanded.net_input(k, activation))
        beyond |= np.any(current > rate.x[-1], axis=1)
        activation = layer.calibration.activation(rate(np.clip(current, rate.x[0], rate.x[-1])))
    return activation, beyond


def _onward(network: SpikingNetwork, k: int, activation: np.ndarray) -> np.ndarray:
    """Return the outputs when layer `k` answers so and the layers after it are computed."""
    expanded = network.expanded
    for after in range(k + 1, len(network.layers)):
        activation = expanded.activations(after, expanded.net_input(after, activation))
    return expanded.net_input(len(network.layers), activation)


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
        self.extremes = self.rate_Hz(np.array([[-np.inf], [np.inf]]))

    def rate_Hz(self, current_pA: np.ndarray) -> np.ndarray:
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
            activation = layer.calibration.activation(self.rate_Hz(currents[-1]))
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
        rates = self.rate_Hz(calibration.current_pA(z))
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


def time_to_accuracy(
    run: SpikingRun,
    y: np.ndarray,
    target: float,
    times_ms: np.ndarray | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return from when on a network is as accurate as wanted, with a 95 % interval (ms).

    Parameters
    ----------
    run : SpikingRun
        What ran.
    y : ndarray, shape (n_samples,)
        True labels.
    target : float
        Accuracy wanted, such as that of the trained network minus half a point.
    times_ms : ndarray, optional
        Times that are looked at (default: 40 up to the end).
    resamples, seed : int
        Bootstrap over the samples.

    Returns
    -------
    time, low, high : float
        Infinite where the accuracy is not reached for good.
    """
    end = 1e3 * run.duration_s
    times = (
        np.linspace(end / 40, end, 40) if times_ms is None else np.asarray(times_ms, dtype=float)
    )
    right = np.stack([run.predict(t * ms) == y for t in times])
    rng = np.random.default_rng(seed)

    def first(correct: np.ndarray) -> float:
        reached = np.logical_and.accumulate((correct.mean(axis=1) >= target)[::-1])[::-1]
        return float(times[np.argmax(reached)]) if reached.any() else np.inf

    drawn = [
        first(right[:, rng.integers(0, right.shape[1], right.shape[1])]) for _ in range(resamples)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975], method="inverted_cdf")
    return first(right), float(low), float(high)
