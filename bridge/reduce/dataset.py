"""A cell run on random trains, split into training, validation and test trials by seed.

Before any long run a short one finds how fast the inputs must fire for the cell to fire at the rate
that is wanted, and refuses a cell or a drive from which nothing can be learnt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.reduce.errors import ReductionError
from bridge.reduce.innervation import BIN_MS, Innervated, Told
from bridge.reduce.input_trains import Trains

__all__ = ["WARM_UP_MS", "Recorded", "find_rate", "record_trains"]

SPLITS = {"train": 1, "validation": 2, "test": 3}

WARM_UP_MS = 300.0
"""What is left out at the start of each trial: longer than the longest filter remembers much."""

SLOWEST_HZ, FASTEST_HZ = 0.1, 50.0
"""Rates of one input among which the pilot looks: what axons do for long."""

# Spikes that the training trials must hold for a fit to mean anything.
FEWEST_SPIKES = 30


@dataclass(frozen=True, eq=False)
class Recorded:
    """Trials of one split.

    Attributes
    ----------
    events : ndarray of uint8, shape (trials, inputs, bins)
        What came in, warm-up included.
    spikes : ndarray of uint8, shape (trials, scored bins)
    voltage_mV : ndarray of float32, shape (trials, scored bins)
    warm_up : int
        Bins of `events` before the first that is scored.
    """

    events: NDArray[np.uint8]
    spikes: NDArray[np.uint8]
    voltage_mV: NDArray[np.float32]
    warm_up: int

    @property
    def trials(self) -> int:
        """How many trials."""
        return len(self.spikes)

    @property
    def seconds(self) -> float:
        """Scored time of all trials together."""
        return self.spikes.size * BIN_MS * 1e-3

    @property
    def rate_Hz(self) -> float:
        """Mean firing rate."""
        return float(self.spikes.sum()) / self.seconds


def find_rate(
    cell: Innervated,
    drive: Trains,
    wanted_Hz: float,
    *,
    seed: int = 1,
    jobs: int = 1,
    trials: int = 4,
    trial_s: float = 2.0,
    longest_s: float = 300.0,
    spikes: float = 300.0,
) -> Trains:
    """Return the drive with the rate of inputs at which the cell fires as wanted.

    A coarse pilot of all rates, as one batch, finds about where. Two closer ones follow, the last
    within 12 % of the rate and long enough for some 300 spikes, which tells the output rate to
    about 10 %.

    Parameters
    ----------
    cell : Innervated
    drive : Trains
        All but the rate.
    wanted_Hz : float
        Firing rate that is wanted.
    seed, jobs : int
    trials : int
        Trials of each rate of the coarse pilot.
    trial_s : float
        Scored time of one of them.
    longest_s : float
        Most time of a closer pilot. Where that holds fewer spikes, the output rate is told less
        well.
    spikes : float
        About how many the last pilot holds; four times as many tell the rate twice as well.

    Raises
    ------
    ReductionError
        The cell does not fire at any rate, or never fires so slowly; the message has what it did.
    """
    grid = np.geomspace(SLOWEST_HZ, FASTEST_HZ, 12)
    counts = _pilot(cell, drive, grid, trials, trial_s, [seed, 0x50494C], jobs)
    rate = _where(cell, grid, counts / (trials * trial_s), wanted_Hz)
    for look, (span, many_spikes) in enumerate(((1.35, 100.0), (1.12, spikes))):
        near = np.clip(rate * np.geomspace(1 / span, span, 5), SLOWEST_HZ, FASTEST_HZ)
        each_s = max(min(many_spikes / wanted_Hz, longest_s) / len(near), 1.0)
        many = max(round(each_s / 4.0), 1)
        counts = _pilot(cell, drive, near, many, each_s / many, [seed, 0x434C4F, look], jobs)
        rate = _on_line(near, counts, wanted_Hz * each_s)
    return replace(drive, rate_Hz=rate)


def _pilot(
    cell: Innervated,
    drive: Trains,
    rates: NDArray[np.float64],
    trials: int,
    trial_s: float,
    seed: list[int],
    jobs: int,
) -> NDArray[np.float64]:
    """Spikes at each rate of the inputs, all of which run as one batch."""
    warm_up = round(WARM_UP_MS / BIN_MS)
    bins = warm_up + round(1000 * trial_s / BIN_MS)
    events = np.concatenate(
        [
            replace(drive, rate_Hz=float(rate)).draw(cell, trials, bins, [*seed, k])
            for k, rate in enumerate(rates)
        ]
    )
    spikes = cell.respond(events, jobs=jobs).spikes[:, warm_up:]
    return np.asarray(spikes.reshape(len(rates), -1).sum(axis=1).astype(float))


def _where(
    cell: Innervated, grid: NDArray[np.float64], output: NDArray[np.float64], wanted_Hz: float
) -> float:
    """About which rate of the inputs gives the output that is wanted."""
    if not output.any():
        raise ReductionError(
            f"{cell.name} never fires under this drive, not even with every input at "
            f"{FASTEST_HZ:g} Hz; give more or stronger synapses (a larger conductance), or reduce "
            "a cell that spikes"
        )
    if output.min() > wanted_Hz:
        raise ReductionError(
            f"{cell.name} never stays silent: with every input at {SLOWEST_HZ:g} Hz it fires at "
            f"{output[0]:.3g} Hz, above the {wanted_Hz:g} Hz wanted; give weaker synapses or a "
            "higher output rate"
        )
    if output.max() < wanted_Hz:
        raise ReductionError(
            f"{cell.name} fires at {output.max():.3g} Hz at most under this drive, below the "
            f"{wanted_Hz:g} Hz wanted; give more or stronger synapses or a lower output rate"
        )
    # The rise with the rate of the inputs is read where it first passes what is wanted.
    rising = np.maximum.accumulate(output)
    k = int(np.argmax(rising >= wanted_Hz))
    if k == 0:
        return float(grid[0])
    low, high = rising[k - 1], rising[k]
    part = (wanted_Hz - low) / (high - low)
    return float(grid[k - 1] * (grid[k] / grid[k - 1]) ** part)


def _on_line(rates: NDArray[np.float64], counts: NDArray[np.float64], wanted: float) -> float:
    """Where a line through log counts over log rates passes the wanted count, within the rates."""
    # A count's logarithm is known to one over its root; the half keeps that of no spike finite.
    seen = counts + 0.5
    slope, _ = np.polyfit(np.log(rates), np.log(seen), 1, w=np.sqrt(seen))
    middle = float(np.average(np.log(rates), weights=seen))
    height = float(np.average(np.log(seen), weights=seen))
    if slope <= 0:
        return float(np.exp(middle))
    found = middle + (np.log(wanted + 0.5) - height) / slope
    return float(np.clip(np.exp(found), rates[0], rates[-1]))


def record_trains(
    cell: Innervated,
    drive: Trains,
    seconds: dict[str, float],
    *,
    seed: int = 1,
    jobs: int = 1,
    trial_s: float = 4.0,
    at_once: int = 64,
    progress: Told = None,
) -> dict[str, Recorded]:
    """Run a cell; each split has a seed of its own.

    Parameters
    ----------
    cell : Innervated
    drive : Trains
    seconds : dict of str to float
        Scored time of each split.
    seed, jobs : int
    trial_s : float
        Scored time of one trial.
    at_once : int
        Trials that run together.
    progress : callable, optional
        Told the share done.

    Raises
    ------
    ReductionError
        The training trials hold too few spikes to learn from.
    """
    warm_up = round(WARM_UP_MS / BIN_MS)
    bins = warm_up + round(1000 * trial_s / BIN_MS)
    many = {split: max(round(s / trial_s), 1) for split, s in seconds.items()}
    total, done = sum(many.values()), 0
    found = {}
    for split, trials in many.items():
        parts: list[Any] = []
        for first in range(0, trials, at_once):
            some = min(at_once, trials - first)
            events = drive.draw(cell, some, bins, [seed, SPLITS[split], first])
            answer = cell.respond(events, jobs=jobs)
            parts.append((events, answer.spikes, answer.voltage_mV))
            done += some
            if progress is not None:
                progress(done / total)
        events, spikes, voltage = (np.concatenate(part) for part in zip(*parts, strict=True))
        found[split] = Recorded(events, spikes[:, warm_up:], voltage[:, warm_up:], warm_up)
        number = int(found[split].spikes.sum())
        fewest = FEWEST_SPIKES if split == "train" else FEWEST_SPIKES // 3
        if number < fewest:
            raise ReductionError(
                f"{cell.name} fired {number} spikes in {found[split].seconds:g} s of the {split} "
                f"trials; at least {fewest} are needed: record longer, or ask for a higher output "
                "rate"
            )
        if np.all(found[split].spikes > 0):
            raise ReductionError(
                f"{cell.name} fires in every bin of the {split} trials; give weaker synapses"
            )
    return found
