"""A cell run on random trains, split into training, validation and test trials by seed.

Before any long run a short one finds how fast the inputs must fire for the cell to fire at the rate
that is wanted, and refuses a cell or a drive from which nothing can be learnt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.reduce.drive import Trains
from bridge.reduce.errors import ReductionError
from bridge.reduce.innervation import BIN_MS, Innervated, Told

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
) -> Trains:
    """Return the drive with the rate of inputs at which the cell fires as wanted.

    All rates of the pilot are one batch. Between them the rate is read off by interpolation.

    Raises
    ------
    ReductionError
        The cell does not fire at any rate, or never fires so slowly; the message has what it did.
    """
    grid = np.geomspace(SLOWEST_HZ, FASTEST_HZ, 12)
    bins = round((WARM_UP_MS + 1000 * trial_s) / BIN_MS)
    events = np.concatenate(
        [
            replace(drive, rate_Hz=float(rate)).draw(cell, trials, bins, [seed, 0x50494C, k])
            for k, rate in enumerate(grid)
        ]
    )
    answer = cell.respond(events, jobs=jobs)
    scored = answer.spikes[:, round(WARM_UP_MS / BIN_MS) :]
    output = scored.reshape(len(grid), -1).sum(axis=1) / (trials * trial_s)
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
        return replace(drive, rate_Hz=float(grid[0]))
    low, high = rising[k - 1], rising[k]
    part = (wanted_Hz - low) / (high - low)
    return replace(drive, rate_Hz=float(grid[k - 1] * (grid[k] / grid[k - 1]) ** part))


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
