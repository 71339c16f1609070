"""Residuals in the making: values, and how they follow the potential and the spikes of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from neurosim.errors import ParameterError
from neurosim.gradients.crossings import crossings, cubic_basis

__all__ = ["LocatedRun", "ResidualRows", "Residuals", "crossed"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

# A residual of time grows as the square root beyond this: far from the recording, the direction
# matters and not the size.
_SOFT = 10.0


@dataclass(frozen=True, eq=False)
class LocatedRun:
    """A run of one row, with its spikes.

    Attributes
    ----------
    v_mV : ndarray, shape (steps,)
        Potential at the end of each step.
    step_ms : float
    spikes_ms : ndarray, shape (n,)
        When it spikes.
    first : ndarray of int, shape (n,), optional
        Where spikes are crossings of a level: the first of the four samples around each.
    slopes : ndarray, shape (n, 4), optional
        How the time follows those samples (ms per mV). Left out where spikes have derivatives of
        their own, as those of a neuron that they reset.
    """

    v_mV: Array
    step_ms: float
    spikes_ms: Array
    first: Whole | None = None
    slopes: Array | None = None


def crossed(v_mV: Array, step_ms: float, level_mV: float) -> LocatedRun:
    """Return a run whose spikes are upward crossings of a level."""
    try:
        found = crossings(v_mV, step_ms, level_mV)
    except ParameterError:
        # It touches the level: a little higher it does not, or does cross.
        found = crossings(v_mV, step_ms, level_mV + 0.1)
    return LocatedRun(v_mV, step_ms, found.time, found.first, found.slopes)


@dataclass(frozen=True, eq=False)
class Residuals:
    """Residuals of one run and one step of current.

    Attributes
    ----------
    values : ndarray, shape (n,)
        In units of their tolerances.
    by_sample : sparse array, shape (n, steps)
        How they follow the potential (per mV).
    by_spike : sparse array, shape (n, spikes)
        How they follow the times of the run's spikes (per ms).
    """

    values: Array
    by_sample: csr_array
    by_spike: csr_array

    def pulls(self, run: LocatedRun) -> tuple[Array, Array]:
        """Return how half their sum of squares follows the run: per mV, and per ms of a spike.

        Where spikes are crossings, all of it is told by the potential.
        """
        samples = np.asarray(self.by_sample.T @ self.values)
        spikes = np.asarray(self.by_spike.T @ self.values)
        if run.slopes is None or run.first is None:
            return samples, spikes
        near = run.first[:, np.newaxis] + np.arange(4)
        np.add.at(samples, near, run.slopes * spikes[:, np.newaxis])
        return samples, np.zeros(0)


@dataclass(eq=False)
class ResidualRows:
    """Residuals that are added one kind after the other."""

    run: LocatedRun
    values: list[Array] = field(default_factory=list)
    samples: list[tuple[Whole, Whole, Array]] = field(default_factory=list)
    spikes: list[tuple[Whole, Whole, Array]] = field(default_factory=list)
    count: int = 0

    def add_potential(self, time_ms: Array, seen: Array, weight: Array, by: Whole) -> None:
        """Add differences of potential at given times.

        Parameters
        ----------
        time_ms : ndarray, shape (n,)
            When the run is read, by the cubic through the four samples around.
        seen, weight : ndarray, shape (n,)
            What is compared with it (mV), and what a difference is multiplied by.
        by : ndarray of int, shape (n,)
            The spike with which that time moves; -1 for none.
        """
        v = self.run.v_mV
        at = time_ms / self.run.step_ms - 1.0
        first = np.clip(np.floor(at).astype(np.int64) - 1, 0, len(v) - 4)
        near = first[:, np.newaxis] + np.arange(4)
        basis, slope = cubic_basis(at - first - 1.0)
        self.values.append(weight * (np.sum(basis * v[near], axis=1) - seen))
        rows = self.count + np.arange(len(time_ms))
        self._put(self.samples, rows, near, weight[:, np.newaxis] * basis)
        moved = np.flatnonzero(by >= 0)
        per_ms = np.sum(slope * v[near], axis=1) / self.run.step_ms * weight
        self._put(self.spikes, rows[moved], by[moved, np.newaxis], per_ms[moved, np.newaxis])
        self.count += len(time_ms)

    def add_times(
        self,
        there_ms: Array,
        wanted_ms: Array,
        scale: Array,
        moves: NDArray[np.bool_],
        from_first: bool = False,
    ) -> None:
        """Add differences of spike times, softened where they are large.

        Parameters
        ----------
        there_ms, wanted_ms : ndarray, shape (n,)
            Of the run, in order, and of the recording.
        scale : ndarray, shape (n,)
            What a difference is multiplied by.
        moves : ndarray of bool, shape (n,)
            Whether `there_ms` is the time of a spike.
        from_first : bool
            Whether such times are told from the first spike of the run on.
        """
        missed = scale * (there_ms - wanted_ms)
        size = 1 + (missed / _SOFT) ** 2
        self.values.append(missed * size**-0.25)
        grows = size**-0.25 - 0.5 * (missed / _SOFT) ** 2 * size**-1.25
        which = np.flatnonzero(moves)
        self._put(
            self.spikes, self.count + which, which[:, np.newaxis],
            (scale * grows)[which, np.newaxis],
        )  # fmt: skip
        if from_first:
            first = np.zeros((len(which), 1), dtype=np.int64)
            by_first = -(scale * grows)[which, np.newaxis]
            self._put(self.spikes, self.count + which, first, by_first)
        self.count += len(there_ms)

    def add_pull(self, first: int, stop: int, level_mV: float, scale: float, wanted: bool) -> None:
        """Add how far the highest potential of a stretch is below a level."""
        top = first + int(np.argmax(self.run.v_mV[first:stop]))
        below = (level_mV - self.run.v_mV[top]) / scale
        counts = float(wanted and below > 0)
        self.values.append(np.array([counts * below]))
        self._put(
            self.samples, np.array([self.count]), np.array([[top]]), np.array([[-counts / scale]])
        )
        self.count += 1

    @staticmethod
    def _put(
        to: list[tuple[Whole, Whole, Array]], rows: Whole, columns: Whole, values: Array
    ) -> None:
        to.append((np.repeat(rows, columns.shape[1]), columns.ravel(), values.ravel()))

    def done(self) -> Residuals:
        """Return all of them."""
        return Residuals(
            np.concatenate(self.values),
            self._matrix(self.samples, len(self.run.v_mV)),
            self._matrix(self.spikes, len(self.run.spikes_ms)),
        )

    def _matrix(self, entries: list[tuple[Whole, Whole, Array]], columns: int) -> csr_array:
        rows, column, values = (np.concatenate(part) for part in zip(*entries, strict=True))
        return csr_array((values, (rows, column)), shape=(self.count, columns))
