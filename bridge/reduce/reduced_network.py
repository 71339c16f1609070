"""A rung with its numbers: what was fitted, and its answer to any events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ann import Network, Variable
from bridge.reduce.architectures import LAGS_MS, Layout, Model, TemporalConvolution
from bridge.reduce.dataset import Recorded
from bridge.reduce.errors import ReductionError
from bridge.reduce.filtered_events import DECAYS_MS, Rows, Scale, decayed
from bridge.reduce.minimise import fit
from bridge.reduce.scores import (
    Score,
    auc,
    auc_by_trial,
    explained_variance,
    false_positive_threshold,
    functional_complexity,
    hits_and_false_alarms,
    hits_by_trial,
    subthreshold,
    variance_by_trial,
)

__all__ = ["ReducedNetwork", "TestScores", "Validation", "fit_network", "score_test", "validate"]

Single = NDArray[np.float32]

VOLTAGE_SHARE = 2.5
"""Weight of the unexplained share of the potential beside the unexplained share of the spikes'
entropy. Fitting both keeps a filter from learning the few spikes of the training trials by heart
(Beniaguev, Segev and London 2021 fit both, too)."""

LIKENESS = (1.0, 0.01)
"""How strongly weights of one group are drawn to their mean, start after start: synapses of one
branch are alike until the data say otherwise. Validation chooses between them."""


@dataclass(frozen=True, eq=False)
class ReducedNetwork:
    """A network that stands for a cell.

    Attributes
    ----------
    model : Model
    layout : Layout
    scale : Scale
    parameters : list of ndarray
    """

    model: Model
    layout: Layout
    scale: Scale
    parameters: list[Single]

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return self.model.count(self.layout)

    def answer(self, events: NDArray[np.uint8], first: int = 0) -> tuple[Single, Single]:
        """Log odds of a spike and potential (mV) in each bin from `first` on.

        Parameters
        ----------
        events : ndarray of uint8, shape (trials, inputs, bins)
        first : int
            Bins at the start that are not answered.

        Returns
        -------
        two ndarrays, shape (trials, bins - first)
        """
        numbers = [Variable(p) for p in self.parameters]
        lags = np.array(LAGS_MS[: self.model.lags])
        full = self.model.filters(self.layout, numbers).value
        decays, inputs = self.layout.decays, self.layout.inputs
        by_decay = full.reshape(decays, inputs, -1) / self.scale.spread[:, :, np.newaxis]
        offset = (by_decay * self.scale.mean[:, :, np.newaxis]).sum(axis=(0, 1))
        odds, volts = [], []
        for one in events:
            if one.shape[0] != inputs:
                raise ReductionError(f"events of {one.shape[0]} inputs for a network of {inputs}")
            # Weighing and filtering commute, and there are fewer filters than inputs.
            plain = one.astype(np.float32)
            filtered = -offset[:, np.newaxis] + sum(
                decayed(weights.T @ plain, tau)
                for weights, tau in zip(by_decay, DECAYS_MS, strict=True)
            )
            bins = np.arange(first, one.shape[1])[:, np.newaxis]
            # Before the first bin nothing had come in.
            late = np.maximum(bins - lags, 0).ravel()
            both = self.model.head(numbers, Variable(filtered[:, late].T.astype(np.float32))).value
            odds.append(both[:, 0])
            volts.append(both[:, 1] * self.scale.voltage_spread_mV + self.scale.voltage_mean_mV)
        return np.stack(odds).astype(np.float32), np.stack(volts).astype(np.float32)

    def to_network(self) -> Network:
        """The same function of filtered inputs as a network of `ann`.

        It reads rows of ``scale.apply(filtered(events))`` and gives log odds and potential (on the
        common scale). A temporal convolution is no stack of dense layers and is refused.

        Raises
        ------
        ReductionError
            It is a temporal convolution.
        """
        if isinstance(self.model, TemporalConvolution):
            raise ReductionError(
                "a temporal convolution looks back in its second layer, which dense layers cannot; "
                "use ReducedNetwork.answer"
            )
        numbers = [Variable(p) for p in self.parameters]
        first = self.model.filters(self.layout, numbers).value
        *bias, out, last = self.parameters[2:]
        if not bias:
            return Network.from_arrays([first @ out], [last], "identity")
        return Network.from_arrays([first, out], [bias[0], last], "sigmoid")


def fit_network(
    model: Model,
    layout: Layout,
    scale: Scale,
    train: Rows,
    check: Rows,
    *,
    restarts: int = 2,
    steps: int = 250,
    voltage_share: float = VOLTAGE_SHARE,
    seed: int = 1,
) -> ReducedNetwork:
    """Fit a rung from several random starts and keep the one that validates best.

    Parameters
    ----------
    model, layout, scale
        What is fitted.
    train, check : Rows
        Training and validation rows.
    restarts : int
        Random starts.
    steps : int
        Most steps of a start.
    voltage_share : float
        Weight of the potential's unexplained share beside that of the spikes.
    seed : int
    """
    share = float(train.weight @ train.spiked)
    log_odds = float(np.log(share / (1 - share)))
    entropy = np.float32(-share * np.log(share) - (1 - share) * np.log(1 - share))

    def loss(parameters: list[Variable], rows: Rows) -> Variable:
        z, u = model.answers(layout, parameters, rows.features[:, : model.lags])
        spikes = ((z.softplus() - z * rows.spiked) * rows.weight).sum()
        missed = ((u - rows.voltage) ** 2 * rows.voltage_weight).sum()
        return spikes / entropy + missed * np.float32(voltage_share)

    alike = layout.group[:, np.newaxis] == layout.group
    apart = (np.eye(layout.inputs) - alike / alike.sum(axis=1)).astype(np.float32)
    found = []
    for k in range(max(restarts, 1)):
        random = np.random.default_rng([seed, 0x464954, k])
        likeness = np.float32(LIKENESS[k % len(LIKENESS)])
        found.append(
            fit(
                model.start(layout, log_odds, random),
                lambda p, strength=likeness: (  # type: ignore[misc]
                    loss(p, train) + ((apart @ p[0]) ** 2).sum() * strength
                ),
                lambda p: loss(p, check),
                steps=steps,
                dtype=np.float32,
            )
        )
    best = min(found, key=lambda one: one.validation)
    return ReducedNetwork(model, layout, scale, list(best.parameters))


@dataclass(frozen=True)
class TestScores:
    """What a network is worth on trials that nothing was chosen on.

    Attributes
    ----------
    auc : Score
    hits : dict of float to Score
        Share of the bins with a spike that are found, by the false-positive rate that the
        validation trials were allowed.
    false_alarms : dict of float to float
        The false-positive rate this gave on the test trials.
    variance : Score
        Explained variance of the potential away from spikes.
    complexity : float
        Functional complexity index of the AUC.
    """

    auc: Score
    hits: dict[float, Score]
    false_alarms: dict[float, float]
    variance: Score
    complexity: float

    def to_dict(self) -> dict[str, Any]:
        """Every score, in plain values."""
        return {
            "auc": self.auc.to_dict(),
            "true_positives": {f"{k:g}": v.to_dict() for k, v in self.hits.items()},
            "false_positives_found": {f"{k:g}": v for k, v in self.false_alarms.items()},
            "subthreshold_variance": self.variance.to_dict(),
            "functional_complexity_index": self.complexity,
        }


# pytest takes a class of this name for a test otherwise.
TestScores.__test__ = False  # type: ignore[attr-defined]


@dataclass(frozen=True, eq=False)
class Validation:
    """A network on the validation trials.

    Attributes
    ----------
    auc, variance : float
        AUC, and explained variance of the potential away from spikes.
    odds : ndarray, shape (trials, bins)
        Log odds of a spike, on which thresholds are chosen.
    """

    auc: float
    variance: float
    odds: Single


def validate(network: ReducedNetwork, check: Recorded) -> Validation:
    """Score a network on all bins of the validation trials."""
    odds, volts = network.answer(check.events, check.warm_up)
    away = subthreshold(check.spikes)
    return Validation(
        auc=auc(odds, check.spikes > 0),
        variance=explained_variance(volts[away], check.voltage_mV[away]),
        odds=odds,
    )


def score_test(
    network: ReducedNetwork,
    seen: Validation,
    check: Recorded,
    test: Recorded,
    false_positive_rates: tuple[float, ...] = (0.0025, 0.01),
    *,
    seed: int = 1,
) -> TestScores:
    """Score a network on the test trials, thresholds being those of the validation trials."""
    odds, volts = (a.astype(float) for a in network.answer(test.events, test.warm_up))
    spiked, away = test.spikes > 0, subthreshold(test.spikes)
    hits, alarms = {}, {}
    for rate in false_positive_rates:
        threshold = false_positive_threshold(seen.odds, check.spikes > 0, rate)
        hits[rate] = hits_by_trial(odds, spiked, threshold).interval(seed=seed)
        alarms[rate] = hits_and_false_alarms(odds, spiked, threshold)[1]
    interval = auc_by_trial(odds, spiked).interval(seed=seed)
    area = Score(auc(odds, spiked), interval.low, interval.high)
    variance = variance_by_trial(volts, test.voltage_mV.astype(float), away).interval(seed=seed)
    return TestScores(area, hits, alarms, variance, functional_complexity(area.value))
