"""Search networks from small to large, and stop at the first that is good enough.

Good enough is a tolerance the user states: ``auc=0.99`` or ``variance=0.9`` (of the potential away
from spikes), under random trains, or ``rate=0.9`` (of the firing rate), under placed synapses. The
search looks at the validation trials alone; the test trials score what it found once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bridge.reduce.architectures import LAGS_MS, Layout, Model, ladder
from bridge.reduce.dataset import Recorded, find_rate, record_trains
from bridge.reduce.errors import ReductionError
from bridge.reduce.filtered_events import DECAYS_MS, choose_rows, scale_of
from bridge.reduce.innervation import Innervated
from bridge.reduce.input_trains import Placements, Trains
from bridge.reduce.placements import (
    FORMULAS,
    SPLITS,
    PlacementSet,
    RateFit,
    fit_rates,
    record_placements,
)
from bridge.reduce.reduced_network import (
    VOLTAGE_SHARE,
    ReducedNetwork,
    Validation,
    fit_network,
    score_test,
    validate,
)
from bridge.reduce.reduction import RateReduction, Rung, TrainReduction
from neurosim.run.recording import versions

__all__ = ["MEASURES", "Tolerance", "reduce_rates", "reduce_trains", "search", "search_rates"]

MEASURES = ("auc", "variance", "rate")

Saying = Callable[[str], Callable[[float], None] | None]


def _ignore(_: Any) -> None:
    return None


@dataclass(frozen=True)
class Tolerance:
    """What is good enough.

    Attributes
    ----------
    measure : {"auc", "variance", "rate"}
    value : float

    Examples
    --------
    >>> Tolerance.read("auc=0.99")
    Tolerance(measure='auc', value=0.99)
    """

    measure: str
    value: float

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise ReductionError(
                f"a tolerance is one of {', '.join(f'{m}=...' for m in MEASURES)}; got "
                f"{self.measure!r}"
            )
        lowest = 0.5 if self.measure == "auc" else 0.0
        if not lowest < self.value < 1:
            raise ReductionError(
                f"tolerance {self.measure}={self.value:g}: it must lie above {lowest:g} (what "
                "knowing nothing gives) and below 1, such as auc=0.99, variance=0.9 or rate=0.9"
            )

    @classmethod
    def read(cls, text: str) -> Tolerance:
        """Read ``auc=0.99``.

        Raises
        ------
        ReductionError
            It is written in another way, or out of range.
        """
        measure, equals, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not equals or not np.isfinite(number):
            raise ReductionError(
                f"a tolerance is written as auc=0.99, variance=0.9 or rate=0.9; got {text!r}"
            )
        return cls(measure.strip().lower(), number)


def reduce_trains(
    cell: Innervated,
    tolerance: Tolerance,
    *,
    output_Hz: float = 1.0,
    drive: Trains | None = None,
    seconds: float = 400.0,
    largest: int = 16,
    all_rungs: bool = False,
    restarts: int = 2,
    seed: int = 1,
    jobs: int = 1,
    task: Saying = _ignore,
) -> TrainReduction:
    """Find the smallest network that foretells a cell's spikes and potential bin by bin.

    Parameters
    ----------
    cell : Innervated
        See `innervate`.
    tolerance : Tolerance
        In AUC or variance.
    output_Hz : float
        Rate at which the cell shall fire; the rate of the inputs follows from it.
    drive : Trains, optional
        What comes in; its rate is found if `drive` is left out or `output_Hz` is given too.
    seconds : float
        Training time; validation and test have half as much each.
    largest : int
        Most units of a layer that is tried.
    all_rungs : bool
        Go on to the largest although the tolerance was reached.
    restarts : int
        Random starts of each network with hidden units.
    seed, jobs : int
    task : callable
        Given a description, returns a callback for the share done.

    Returns
    -------
    TrainReduction
        With ``found`` None if no rung reaches the tolerance.

    Raises
    ------
    ReductionError
        The cell, the drive or the time allow no search.

    Examples
    --------
    >>> from bridge.reduce import innervate
    >>> from neurosim import LIF
    >>> reduce_trains(innervate(LIF(), "LIF"), Tolerance("auc", 0.99), seconds=5)
    Traceback (most recent call last):
    ...
    bridge.reduce.errors.ReductionError: 5 s at 1 Hz make some 5 spikes to learn from, and at least
    60 are needed; record at least 60 s
    """
    if tolerance.measure == "rate":
        raise ReductionError("a tolerance in rate= goes with placed synapses (reduce_rates)")
    check_times(seconds, output_Hz)
    told = task("rate of the inputs") or _ignore
    wander = 1.0 if len(cell.branches) > 1 else 0.0
    found_drive = find_rate(
        cell, drive or Trains(1.0, wander=wander), output_Hz, seed=seed, jobs=jobs,
        longest_s=seconds / 4,
    )  # fmt: skip
    told(1.0)
    recorded = record_trains(
        cell,
        found_drive,
        {"train": seconds, "validation": seconds / 2, "test": seconds / 2},
        seed=seed,
        jobs=jobs,
        progress=task("running the cell"),
    )
    rungs = ladder(len(cell.branches), largest)
    return search(
        cell, recorded, tolerance, rungs, drive=found_drive, all_rungs=all_rungs,
        restarts=restarts, seed=seed, task=task,
    )  # fmt: skip


def check_times(seconds: float, output_Hz: float) -> None:
    """Refuse a search whose trials could not hold enough spikes.

    Raises
    ------
    ReductionError
        Too short, or too slow.
    """
    if not 0.05 <= output_Hz <= 100:
        raise ReductionError(f"the cell may be asked to fire at 0.05 to 100 Hz; got {output_Hz:g}")
    if seconds * output_Hz < 60:
        raise ReductionError(
            f"{seconds:g} s at {output_Hz:g} Hz make some {seconds * output_Hz:.0f} spikes to "
            f"learn from, and at least 60 are needed; record at least {60 / output_Hz:.0f} s"
        )


def search(
    cell: Innervated,
    recorded: dict[str, Recorded],
    tolerance: Tolerance,
    rungs: list[Model],
    *,
    drive: Trains,
    all_rungs: bool = False,
    restarts: int = 2,
    silent_rows: int = 20_000,
    voltage_shares: Sequence[float] = (VOLTAGE_SHARE,),
    seed: int = 1,
    task: Saying = _ignore,
) -> TrainReduction:
    """Fit networks in the order of their size to trials that are already recorded.

    Parameters are those of `reduce_trains`, and two more.

    Parameters
    ----------
    silent_rows : int
        Bins without a spike that a fit sees.
    voltage_shares : sequence of float
        Weights of the potential beside the spikes. Each rung is fitted with all of them, and what
        validates best in the measure of the tolerance is kept.
    """
    layout = Layout(np.asarray(cell.branch), np.asarray(cell.excitatory), len(DECAYS_MS))
    train, check, test = (recorded[split] for split in SPLITS)
    scale = scale_of(train)
    ordered = sorted(rungs, key=lambda model: model.count(layout))
    told = task("fitting networks, smallest first") or _ignore
    lags: tuple[int, ...] = ()
    searched: list[tuple[ReducedNetwork, Validation]] = []
    best: int | None = None
    for k, model in enumerate(ordered):
        if len(lags) < model.lags:
            lags = LAGS_MS[: model.lags]
            # A row at several lags is as many times as large.
            wanted = silent_rows // len(lags)
            rows = choose_rows(train, scale, wanted, lags_ms=lags, seed=seed)
            seen = choose_rows(check, scale, wanted // 2, lags_ms=lags, seed=seed + 1)
        tried = []
        for share in voltage_shares:
            network = fit_network(
                model, layout, scale, rows, seen, restarts=restarts, voltage_share=share, seed=seed
            )
            tried.append((network, validate(network, check)))
        network, validated = max(tried, key=lambda one: getattr(one[1], tolerance.measure))
        searched.append((network, validated))
        if best is None and getattr(validated, tolerance.measure) >= tolerance.value:
            best = k
        told((k + 1) / len(ordered))
        if best is not None and not all_rungs:
            break
    told(1.0)
    steps = [
        Rung(network, validated.auc, validated.variance,
             score_test(network, validated, check, test, seed=seed))
        for network, validated in searched
    ]  # fmt: skip
    answer = TrainReduction(
        cell=cell.to_dict(),
        name=cell.name,
        drive=drive,
        measure=tolerance.measure,
        tolerance=tolerance.value,
        rungs=steps,
        found=best,
        output_Hz={split: one.rate_Hz for split, one in recorded.items()},
        seconds={split: one.seconds for split, one in recorded.items()},
        seed=seed,
        versions=versions(),
    )
    return replace(answer, example=example_of(test, answer.best))


def example_of(test: Recorded, rung: Rung, bins: int = 1000) -> dict[str, np.ndarray]:
    """A second of the test trial with most spikes: what the cell did and what was foretold."""
    trial = int(np.argmax(test.spikes.sum(axis=1)))
    odds, volts = rung.network.answer(test.events[trial : trial + 1], test.warm_up)
    counts = np.convolve(test.spikes[trial], np.ones(min(bins, test.spikes.shape[1])), "valid")
    first = int(np.argmax(counts))
    part = slice(first, first + bins)
    return {
        "voltage_mV": test.voltage_mV[trial, part],
        "spikes": test.spikes[trial, part],
        "chance": 1 / (1 + np.exp(-odds[0, part])),
        "told_mV": volts[0, part],
    }


def reduce_rates(
    cell: Innervated,
    tolerance: Tolerance,
    *,
    drive: Placements | None = None,
    trials: int = 600,
    seed: int = 1,
    jobs: int = 1,
    task: Saying = _ignore,
) -> RateReduction:
    """Find the smallest formula that foretells a cell's firing rate from numbers of synapses.

    Parameters
    ----------
    cell : Innervated
        With several branches.
    tolerance : Tolerance
        In rate.
    drive : Placements, optional
        How synapses are placed.
    trials : int
        Training trials; validation has a third and test half as many.
    seed, jobs : int
    task : callable
        Given a description, returns a callback for the share done.

    Raises
    ------
    ReductionError
        The cell has one branch, or its rates do not vary under a short pilot.
    """
    if tolerance.measure != "rate":
        raise ReductionError(f"a tolerance in {tolerance.measure}= goes with reduce_trains")
    if len(cell.branches) < 2:
        raise ReductionError(
            f"{cell.name} has one branch, on which synapses cannot be placed in different ways; "
            "reduce it under trains with a tolerance in auc="
        )
    if trials < 60:
        raise ReductionError(f"{trials} trials are too few to fit; give at least 60")
    drive = drive or Placements()
    pilot = record_placements(cell, drive, {"train": 24}, seed=seed + 1_000_003, jobs=jobs)["train"]
    _check_pilot(cell, pilot)
    sets = record_placements(
        cell,
        drive,
        {"train": trials, "validation": trials // 3, "test": trials // 2},
        seed=seed,
        jobs=jobs,
        progress=task("running the cell"),
    )
    return search_rates(cell, sets, tolerance, drive=drive, seed=seed, task=task)


def _check_pilot(cell: Innervated, pilot: PlacementSet) -> None:
    rate = pilot.rate_Hz
    if not rate.any():
        raise ReductionError(
            f"{cell.name} never fires in {len(rate)} pilot trials; place more synapses, or give "
            "them a larger conductance"
        )
    if len(np.unique(rate)) < 3:
        raise ReductionError(
            f"{cell.name} fires at {rate.min():.3g} to {rate.max():.3g} Hz whatever the placement: "
            "nothing to explain; drive it longer, or vary the number of synapses"
        )


def search_rates(
    cell: Innervated,
    sets: dict[str, PlacementSet],
    tolerance: Tolerance,
    *,
    drive: Placements,
    seed: int = 1,
    task: Saying = _ignore,
) -> RateReduction:
    """Fit every formula (they take a second) and point at the smallest that is good enough."""
    told = task("fitting formulas") or _ignore
    fits: list[RateFit] = []
    for k, formula in enumerate(FORMULAS):
        fits.append(fit_rates(formula, sets, seed=seed))
        told((k + 1) / len(FORMULAS))
    good = [k for k, one in enumerate(fits) if one.validation >= tolerance.value]
    return RateReduction(
        cell=cell.to_dict(),
        name=cell.name,
        drive=drive,
        tolerance=tolerance.value,
        fits=fits,
        found=good[0] if good else None,
        test=sets["test"],
        trials={split: len(one.rate_Hz) for split, one in sets.items()},
        seed=seed,
        versions=versions(),
    )
