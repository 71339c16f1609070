"""Part 3 of the main job: a trained network whose hidden units become spiking neurons."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import ms, mV

from bridge.conversion.drive import measure_for_conversion
from bridge.counts.curve import FICurve
from bridge.spiking.energy import cost
from bridge.spiking.spiking_network import SpikingRun
from experiments.compare.story import MARGIN, Decision
from experiments.compare.table_part import OwnTable
from experiments.gallery.networks.digits_on_neurons import (
    JUDGED_MS,
    Trained,
    compare_answers,
    mcnemar,
    on_neurons,
    points_lost,
    train,
    verdicts_of,
)
from experiments.gallery.networks.digits_on_neurons import Parameters as DigitsParameters
from experiments.kit.registry import Context
from experiments.kit.result import Verdict
from experiments.kit.timing import Stopwatch
from neurosim import LIF, WhiteNoise
from neurosim.engine.programs.processes import halted

__all__ = [
    "DIGITS",
    "LOOKED_AT",
    "Answered",
    "Inputs",
    "Repeats",
    "answer",
    "conversion_curve",
    "inputs_of",
    "network_numbers",
    "simulation_threads",
    "traced",
    "train_one",
    "typical",
    "wider",
]

# Of so many inputs the potentials are traced, so that one can be shown that takes as many spikes as
# inputs do on the average: which one that is, is known only afterwards.
LOOKED_AT = 24


@dataclass(frozen=True)
class Inputs:
    """What the network answers to, in words.

    Attributes
    ----------
    one, many : str
        What an input is called.
    title : str
        Of the figure of accuracy.
    said : str
        Where they come from, in a sentence or several, where the page does not say so itself.
    """

    one: str
    many: str
    title: str
    said: str = ""


DIGITS = Inputs(
    "image", "images", "Digits: the network on spiking neurons",
    "A network with one hidden layer of sigmoid units learned handwritten digits (scikit-learn's: "
    "ten classes, 8 × 8 pixels).",
)  # fmt: skip


@dataclass(frozen=True)
class Repeats:
    """How often inputs recur over several networks, each with held-out inputs of its own.

    Attributes
    ----------
    answers, distinct, networks : int
        Answers in all, different inputs among them, networks.
    wider_bars, wider_loss : float
        By how much `wider` makes the intervals of the accuracy on neurons, and of that lost.
    """

    answers: int
    distinct: int
    networks: int
    wider_bars: float
    wider_loss: float


def wider(values: np.ndarray, which: np.ndarray) -> float:
    """Return how much larger a mean's standard error is if values of one thing are one cluster.

    Parameters
    ----------
    values : ndarray, shape (n,)
    which : ndarray of int, shape (n,)
        The thing that each value is of.

    Returns
    -------
    float
        The cluster-robust standard error (Liang and Zeger 1986, Biometrika 73:13) over that of
        independent values; 1 if no value differs.

    Examples
    --------
    >>> twice = np.array([1.0, 1, 0, 0, 1, 1])
    >>> round(wider(twice, np.array([0, 0, 1, 1, 2, 2])), 2), wider(twice, np.arange(6))
    (1.41, 1.0)
    """
    off = values - values.mean()
    alone = float((off**2).sum())
    together = float((np.bincount(which, weights=off) ** 2).sum())
    return float(np.sqrt(together / alone)) if alone > 0 else 1.0


@dataclass(frozen=True, eq=False)
class Answered:
    """Networks with what neurons in the place of their hidden units answered.

    Attributes
    ----------
    inputs : Inputs
        What was answered to.
    pairs : list of (Trained, SpikingRun)
        Each network and its run.
    times_ms : tuple of float
        When a decision is read.
    """

    inputs: Inputs
    pairs: list[tuple[Trained, SpikingRun]]
    times_ms: tuple[float, ...]

    @property
    def shown_ms(self) -> float:
        """The time that the figures show."""
        return 100.0 if 100.0 in self.times_ms else max(self.times_ms)

    def p_of_waiting(self, early_ms: float, late_ms: float) -> float:
        """Return McNemar's p of the neurons' answers at two times."""
        early, late = (
            np.concatenate([run.predict(time * ms) == t.y_test for t, run in self.pairs])
            for time in (early_ms, late_ms)
        )
        return mcnemar(early, late)[2]

    @cached_property
    def repeats(self) -> Repeats:
        """How often inputs recur over the networks, and what that does to the intervals."""
        which = np.unique(np.concatenate([t.X_test for t, _ in self.pairs]), axis=0,
                          return_inverse=True)[1].ravel()  # fmt: skip
        ann = np.concatenate([t.network.predict(t.X_test) == t.y_test for t, _ in self.pairs])
        neurons = np.concatenate(
            [run.predict(JUDGED_MS[0] * ms) == t.y_test for t, run in self.pairs]
        )
        lost = ann.astype(float) - neurons
        return Repeats(
            len(which), int(which.max()) + 1, len(self.pairs),
            wider(neurons.astype(float), which), wider(lost, which),
        )  # fmt: skip

    @property
    def held_out(self) -> int:
        """How many inputs were answered, over all networks."""
        return sum(len(trained.y_test) for trained, _ in self.pairs)

    @cached_property
    def table(self) -> pd.DataFrame:
        """Accuracies, paired test, spikes, interval and energy, a row a time."""
        table: pd.DataFrame = compare_answers(self.pairs, self.times_ms)
        table["atp_molecules"] = [self.decisions[time].atp for time in self.times_ms]
        return table

    @cached_property
    def decisions(self) -> dict[float, Decision]:
        """Accuracies, their difference and the cost of a decision, by time."""
        return {time: self._decision(time) for time in self.times_ms}

    def _decision(self, time_ms: float) -> Decision:
        ann = [t.network.predict(t.X_test) == t.y_test for t, _ in self.pairs]
        neurons = [run.predict(time_ms * ms) == t.y_test for t, run in self.pairs]
        costs = [cost(run, time_ms * ms) for _, run in self.pairs]
        return Decision(
            time_ms,
            float(np.concatenate(ann).mean()),
            float(np.concatenate(neurons).mean()),
            points_lost(self.pairs, time_ms, self.inputs.many),
            sum(map(len, ann)),
            float(np.mean([one.spikes for one in costs])),
            float(np.mean([one.atp_total for one in costs])),
            self.inputs.many,
        )

    def verdicts(self) -> list[Verdict]:
        """Hold equivalence against its margin; of digits also what the experiment claims."""
        judged = self.decisions[JUDGED_MS[0]]
        what = f"points lost on neurons at {judged.time_ms:g} ms: equivalence, on this page"
        equivalence = Verdict.of(what, judged.lost, MARGIN, "within")
        if self.inputs is not DIGITS:
            return [equivalence]
        accuracy, *lost = verdicts_of(self.pairs)
        low, high = (None if end is None else 100 * end for end in (accuracy.low, accuracy.high))
        return [
            # In percent, as everywhere on the page.
            replace(
                accuracy, what="accuracy of the trained networks (mean, %)",
                value=100 * accuracy.value, bar=100 * accuracy.bar, low=low, high=high,
            ),
            equivalence,
            *(replace(one, what=f"{one.what}: claim of digits-on-neurons") for one in lost),
        ]  # fmt: skip


def conversion_curve(digits: DigitsParameters, context: Context, watch: Stopwatch) -> FICurve:
    """Measure the f-I curve that the conversion rests on."""
    neuron = LIF()
    with watch.during("simulation"):
        return measure_for_conversion(
            neuron,
            WhiteNoise.for_membrane(digits.noise_mV * mV, neuron),
            dt=0.1 * ms,
            seed=context.seed,
            engine=context.engine,
            progress=context.task("f-I curve for the conversion"),
        )


def train_one(digits: DigitsParameters, seed: int) -> Trained:
    """Train one of the networks of part 3."""
    return train(digits.hidden, digits.dropout, seed)


def inputs_of(table: OwnTable | None) -> Inputs:
    """Return what the inputs of a table, or of the digits, are called."""
    if table is None:
        return DIGITS
    return Inputs("row", "rows", f"{table.name}: the network on spiking neurons", table.said())


def answer(
    trained: Trained,
    first: bool,
    curve: FICurve,
    digits: DigitsParameters,
    context: Context,
    watch: Stopwatch,
) -> SpikingRun:
    """Run one network; of the first, trace the potentials of the inputs that may be shown."""
    hidden = int(trained.network.network_.sizes[1])
    shown = min(LOOKED_AT, len(trained.y_test))
    with watch.during("simulation"):
        return on_neurons(
            trained,
            digits,
            replace(context, jobs=1),
            curve=curve,
            decision=JUDGED_MS[0] * ms,
            record=traced(shown * hidden if first else 1, 0.4 if first else 10),
        )


def traced(rows: int, step_ms: float) -> dict[str, Any]:
    """Return what is traced of a run: every run traces a little, so that all share one program."""
    return {"record": ["v"], "record_rows": range(rows), "record_dt": step_ms * ms}


def typical(run: SpikingRun) -> int:
    """Return which input is shown: of the first `LOOKED_AT`, the one nearest the mean in spikes.

    The mean is that over all inputs of this network; spikes are counted until the first time that
    is judged.
    """
    spikes = run.spikes_by_neuron(JUDGED_MS[0] * ms).sum(axis=1)
    return int(np.argmin(np.abs(spikes[:LOOKED_AT] - spikes.mean())))


@contextmanager
def simulation_threads(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Give threads for simulations; an error or Ctrl-C ends every simulation at once."""
    pool = ThreadPoolExecutor(max(jobs, 1))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        with halted():
            pool.shutdown(wait=True)
        raise
    finally:
        pool.shutdown(wait=True)


def network_numbers(answered: Answered) -> dict[float, Any]:
    """Return the cost and the verdict of every time, by time."""
    return {
        time: {"spikes": one.spikes, "atp_molecules": one.atp, "equivalent": one.equivalent}
        for time, one in answered.decisions.items()
    }
