"""Random drive: which inputs are active, and when.

`Trains` are Poisson trains on every input for as long as one likes, from which spikes are foretold
millisecond by millisecond. `Placements` activate a few dozen synapses at a high rate for half a
second, on branches drawn anew for each trial, from which the mean firing rate is foretold (Poirazi,
Brannon and Mel 2003).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.reduce.errors import ReductionError
from bridge.reduce.innervation import BIN_MS, Innervated
from neurosim.errors import UnknownNameError, suggest

__all__ = ["PLACEMENTS", "Placements", "Trains"]

PLACEMENTS = ("mixed", "dispersed", "clustered")


@dataclass(frozen=True)
class Trains:
    """Poisson trains whose rates wander branch by branch.

    Attributes
    ----------
    rate_Hz : float
        Mean rate of each excitatory input.
    inhibition : float
        Rate of an inhibitory input over that of an excitatory one.
    wander : float
        Standard deviation over mean of a branch's rate (0: all constant). The factor of a branch is
        drawn from a gamma distribution, independently of the other branches.
    window_ms : float
        How long a factor holds.

    Examples
    --------
    >>> from bridge.reduce.innervation import InnervatedPoint
    >>> from neurosim import LIF
    >>> events = Trains(rate_Hz=10).draw(InnervatedPoint(LIF(), "LIF"), 2, 1000, seed=1)
    >>> events.shape, bool(8 < 1000 * events.mean() < 12)
    ((2, 100, 1000), True)
    """

    rate_Hz: float
    inhibition: float = 1.0
    wander: float = 0.0
    window_ms: float = 100.0

    def __post_init__(self) -> None:
        if not 0 < self.rate_Hz <= 500:
            raise ReductionError(
                f"the rate of an input must lie between 0 and 500 Hz; got {self.rate_Hz:g}"
            )
        if self.inhibition < 0 or self.wander < 0 or self.window_ms < BIN_MS:
            raise ReductionError(
                "inhibition and wander must not be negative, and a window not shorter than "
                f"{BIN_MS:g} ms; got {self}"
            )

    def draw(
        self, cell: Innervated, trials: int, bins: int, seed: int | list[int]
    ) -> NDArray[np.uint8]:
        """Return events, shape (trials, inputs, bins), each 0 or 1."""
        random = np.random.default_rng(seed)
        factor = np.where(cell.excitatory, 1.0, self.inhibition)
        chance = np.full((trials, len(factor), 1), self.rate_Hz * BIN_MS * 1e-3)
        chance = chance * factor[:, np.newaxis]
        if self.wander:
            shape = 1 / self.wander**2
            windows = int(np.ceil(bins * BIN_MS / self.window_ms))
            drawn = random.gamma(shape, 1 / shape, (trials, len(cell.branches), windows))
            held = np.repeat(drawn, int(self.window_ms / BIN_MS), axis=2)[:, :, :bins]
            chance = chance * held[:, cell.branch]
        found = np.empty((trials, len(factor), bins), dtype=np.uint8)
        for k in range(trials):
            # Trial by trial: random numbers of all at once would need the memory of a large run.
            found[k] = random.random((len(factor), bins), dtype=np.float32) < chance[k]
        return found

    def to_dict(self) -> dict[str, Any]:
        """The numbers, in plain values."""
        return {"kind": "Trains", **asdict(self)}


@dataclass(frozen=True)
class Placements:
    """Synapses placed at random and driven at a high rate.

    Attributes
    ----------
    kind : {"mixed", "dispersed", "clustered"}
        Each trial's synapses fall on branches drawn at random: on all (dispersed), on as few as
        hold `cluster` each (clustered), or on a number of branches that is itself drawn, from two
        to all, evenly in its logarithm (mixed).
    fewest, most : int
        Active synapses of a trial, drawn evenly.
    cluster : int
        Synapses on one branch, where they are clustered.
    rate_Hz : float
        Rate at which each active synapse is driven, regularly, from a phase of its own.
    duration_ms : float
        How long; spikes are counted over all of it.

    Examples
    --------
    >>> from neurosim.catalogue import ca1_pyramidal
    >>> from bridge.reduce.innervation import InnervatedDendrites
    >>> cell = InnervatedDendrites(ca1_pyramidal(), "CA1")
    >>> events, number = Placements().draw(cell, trials=3, seed=1)
    >>> events.shape, number.shape
    ((3, 110, 600), (3, 22))
    """

    kind: str = "mixed"
    fewest: int = 20
    most: int = 60
    cluster: int = 6
    rate_Hz: float = 50.0
    duration_ms: float = 600.0

    def __post_init__(self) -> None:
        if self.kind not in PLACEMENTS:
            raise UnknownNameError(f"placements {self.kind!r}: {suggest(self.kind, PLACEMENTS)}")
        if not 1 <= self.fewest <= self.most or self.cluster < 1:
            raise ReductionError(
                f"give 1 or more synapses, the fewest not above the most; got {self.fewest} to "
                f"{self.most} in clusters of {self.cluster}"
            )
        if self.rate_Hz * self.duration_ms < 2000 or self.rate_Hz > 500:
            raise ReductionError(
                f"{self.duration_ms:g} ms at {self.rate_Hz:g} Hz are fewer than two events a "
                "synapse, or more than 500 Hz; drive them longer, or at 20 to 100 Hz"
            )

    def draw(
        self, cell: Innervated, trials: int, seed: int | list[int]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Return events, shape (trials, inputs, bins), and active synapses by trial and branch."""
        random = np.random.default_rng(seed)
        branches = len(cell.branches)
        bins = round(self.duration_ms / BIN_MS)
        period = max(round(1000 / self.rate_Hz / BIN_MS), 1)
        places = [np.flatnonzero((cell.branch == k) & cell.excitatory) for k in range(branches)]
        events = np.zeros((trials, len(cell.branch), bins), dtype=np.uint8)
        number = np.zeros((trials, branches))
        for trial in range(trials):
            synapses = int(random.integers(self.fewest, self.most + 1))
            for k in random.choice(self._branches(branches, synapses, random), synapses):
                number[trial, k] += 1
                phase = int(random.integers(period))
                events[trial, random.choice(places[k]), phase::period] += 1
        return events, number

    def _branches(
        self, branches: int, synapses: int, random: np.random.Generator
    ) -> NDArray[np.int64]:
        some = branches
        if self.kind == "clustered":
            some = max(round(synapses / self.cluster), 1)
        elif self.kind == "mixed":
            some = round(np.exp(random.uniform(np.log(min(2, branches)), np.log(branches))))
        return random.choice(branches, min(some, branches), replace=False)

    def to_dict(self) -> dict[str, Any]:
        """The numbers, in plain values."""
        return {**asdict(self), "kind": "Placements", "placements": self.kind}
