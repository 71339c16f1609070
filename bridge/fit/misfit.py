r"""How unlike a run and a recording are, as residuals whose derivatives are known.

Three kinds of residuals are compared, each over a tolerance: when spikes come, the potential
between spikes, and the shape of spikes. The potential is compared *aligned*: a sample that was
recorded some time after a spike is compared with the run as long after its own spike of that
number. So a spike that comes 2 ms late costs what 2 ms of a spike time cost, and no more.

With residuals r, the misfit of a step is :math:`\frac12\sum r^2`. A spike that is missing counts as
one at the end of the window, and so does the end for a spike too many: the misfit stays continuous
while a spike leaves the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from brian2.units import Quantity
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bridge.fit.fit_target import EDGE_MS, FitTarget, Piece
from neurosim.errors import ParameterError
from neurosim.gradients.crossings import crossings, cubic_basis
from neurosim.gradients.losses import Loss

__all__ = ["Misfit", "Residuals", "Stage", "Tolerances", "residuals_of"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

Stage = Literal["passive", "times", "all"]
"""Steps without spikes; with them, when spikes come; with these, the potential of all steps."""

# Spikes too many that are told apart; more add nothing that says more.
_EXTRA = 5
# A residual of time grows as the square root beyond this: far from the recording, the direction
# matters and not the size.
_SOFT = 10.0
# When a spike that is missing, or one too many, would be right (ms after the step).
_GONE_MS = 3.0
# The shape of a spike is compared from before to after its crossing (ms).
_SHAPE_MS = (-1.0, 3.0)


@dataclass(frozen=True)
class Tolerances:
    """What counts as a miss of one.

    Parameters
    ----------
    between_mV, shape_mV : float
        Of the potential between spikes, and in them.
    time_ms, time_share : float
        Of a spike time: so much, and a share of the time since the step began, as errors of a rate
        add up.
    """

    between_mV: float = 1.0
    shape_mV: float = 5.0
    time_ms: float = 0.5
    time_share: float = 0.02


@dataclass(frozen=True, eq=False)
class Residuals:
    """Residuals of one run and one step.

    Attributes
    ----------
    values : ndarray, shape (n,)
        In units of their tolerances.
    slopes : sparse array, shape (n, steps)
        With respect to the potential at each step of the run, per volt.
    """

    values: Array
    slopes: csr_array


@dataclass(frozen=True, eq=False)
class _Layout:
    """What of a piece does not depend on the run."""

    samples: Whole
    time: Array
    seen: Array
    spike: Whole
    weight: Array
    cluster: Whole


@dataclass(frozen=True, eq=False)
class PieceMisfit:
    """The comparison with one step, prepared."""

    target: FitTarget
    piece: Piece
    stage: Stage
    tolerances: Tolerances

    @property
    def is_silent(self) -> bool:
        return not len(self.piece.spikes_ms)

    @cached_property
    def layout(self) -> _Layout:
        target, spikes = self.target, self.piece.spikes_ms
        time = target.time_ms
        spike = np.searchsorted(spikes, time - _SHAPE_MS[0], side="right") - 1
        # After the step everything is where the end of the current has put it.
        spike = np.where(time > target.stop_ms, -1, spike)
        since = np.where(spike >= 0, time - spikes[np.maximum(spike, 0)], np.inf) if len(
            spikes
        ) else np.full(len(time), np.inf)  # fmt: skip
        shape = since <= _SHAPE_MS[1]
        kept = np.ones(len(time), dtype=bool)
        for edge in (target.onset_ms, target.stop_ms):
            kept &= ~((time >= edge - 1e-6) & (time < edge + EDGE_MS))
        if self.stage != "all" and not self.is_silent:
            kept[:] = False
        between, inside = kept & ~shape, kept & shape
        weight = np.zeros(len(time))
        if between.any():
            weight[between] = 1 / (self.tolerances.between_mV * np.sqrt(between.sum()))
        if inside.any():
            weight[inside] = 1 / (self.tolerances.shape_mV * np.sqrt(inside.sum()))
        samples = np.flatnonzero(kept)
        # Steps without spikes are cut in stretches of 50 ms.
        block = np.floor(time / 50.0).astype(np.int64)
        cluster = np.where(spike >= 0, 10_000 + spike, block)
        return _Layout(
            samples, time[samples], self.piece.v_mV[samples], spike[samples],
            weight[samples], cluster[samples],
        )  # fmt: skip

    @cached_property
    def time_tolerance(self) -> Array:
        """Of each spike of the recording, then of spikes too many (ms)."""
        since = np.maximum(self.piece.spikes_ms - self.target.onset_ms, 0.0)
        rest = np.full(_EXTRA, self.target.step_ms / 2)
        by = self.tolerances
        return by.time_ms + by.time_share * np.concatenate([since, rest])

    @cached_property
    def clusters(self) -> Whole:
        """Which residuals err together: those of one spike, or of one stretch."""
        own = np.arange(len(self.piece.spikes_ms)) + 10_000
        others = np.full(_EXTRA + 1, -1)
        return np.concatenate([self.layout.cluster, own, others])

    def residuals(self, v: Array, dt: float) -> Residuals:
        """Compare with a run.

        Parameters
        ----------
        v : ndarray, shape (steps,)
            Potential at the end of each step, in volt.
        dt : float
            In second.
        """
        rows = _Rows(v, dt * 1e3)
        model = _spikes(v, dt, self.target.level_mV * 1e-3)
        self._add_trace(rows, model)
        self._add_times(rows, model)
        return rows.done()

    def _add_trace(self, rows: _Rows, model: _Spikes) -> None:
        layout, target = self.layout, self.target
        data, found = self.piece.spikes_ms, model.time_ms
        # Up to where the run may be read: the next spike of the run, or the end of the step.
        ends = np.append(found + _SHAPE_MS[0], np.inf)
        wanted, by = layout.time.copy(), np.full(len(layout.time), -1)
        aligned = (layout.spike >= 0) & (layout.spike < len(found))
        which = layout.spike[aligned]
        wanted[aligned] += found[which] - data[which]
        by[aligned] = which
        inside = layout.time <= target.stop_ms
        following = np.minimum(np.where(aligned, layout.spike + 1, 0), len(found))
        # Without a spike of its own, a sample is compared at its own time; before the first spike
        # of the recording, at the latest just before that of the run.
        bound = np.where(aligned | (layout.spike < 0), ends[following], np.inf)
        late = inside & (wanted > bound)
        wanted[late], by[late] = bound[late], following[late]
        over = inside & (wanted > target.stop_ms)
        wanted[over], by[over] = target.stop_ms, -1
        rows.add_potential(wanted, layout.seen, layout.weight, by, model)

    def _add_times(self, rows: _Rows, model: _Spikes) -> None:
        data, found = self.piece.spikes_ms, model.time_ms
        n, many = len(data), len(data) + _EXTRA
        # A spike that is not there counts as one just after the step.
        end = min(self.target.length_ms, self.target.stop_ms + _GONE_MS)
        wanted = np.concatenate([data, np.full(_EXTRA, end)])
        there = np.concatenate([found[:many], np.full(max(0, many - len(found)), end)])
        # After the step it is none too many.
        late = (np.arange(many) >= n) & (there > end)
        there[late] = end
        counts = self.stage != "passive"
        scale = counts / (self.time_tolerance * np.sqrt(max(n, 1)))
        rows.add_times(there, wanted, scale, ~late, model)
        # A run that fires too little is drawn towards the level where it comes nearest to it.
        lacks = counts and len(found) < n
        first = 0
        if len(found):
            first = int(min(found[-1] + 5.0, end - 5.0) / rows.step_ms)
        stop = max(first + 1, int(self.target.stop_ms / rows.step_ms))
        rows.add_pull(first, stop, self.target.level_mV, 10.0, lacks)


@dataclass(frozen=True, eq=False)
class _Spikes:
    """Spikes of a run (ms), and how they follow its potential (ms per mV)."""

    time_ms: Array
    first: Whole
    slopes: Array


def _spikes(v: Array, dt: float, level: float) -> _Spikes:
    try:
        found = crossings(v, dt, level)
    except ParameterError:
        # It touches the level: a little higher it does not, or does cross.
        found = crossings(v, dt, level + 1e-4)
    return _Spikes(found.time * 1e3, found.first, found.slopes)


@dataclass(eq=False)
class _Rows:
    """Residuals in the making."""

    v: Array
    step_ms: float
    values: list[Array] = field(default_factory=list)
    entries: list[tuple[Whole, Whole, Array]] = field(default_factory=list)
    count: int = 0

    def add_potential(
        self, time: Array, seen: Array, weight: Array, by: Whole, spikes: _Spikes
    ) -> None:
        """Add differences of potential at times (ms), those that follow a spike with it."""
        at = time / self.step_ms - 1.0
        first = np.clip(np.floor(at).astype(np.int64) - 1, 0, len(self.v) - 4)
        near = first[:, np.newaxis] + np.arange(4)
        basis, slope = cubic_basis(at - first - 1.0)
        mV = 1e3 * self.v[near]
        self.values.append(weight * (np.sum(basis * mV, axis=1) - seen))
        rows = self.count + np.arange(len(time))
        self._put(rows, near, 1e3 * weight[:, np.newaxis] * basis)
        moved = np.flatnonzero(by >= 0)
        if len(moved):
            per_ms = np.sum(slope * mV, axis=1)[moved] / self.step_ms * weight[moved]
            spike = by[moved]
            self._put(
                rows[moved],
                spikes.first[spike][:, np.newaxis] + np.arange(4),
                1e3 * per_ms[:, np.newaxis] * spikes.slopes[spike],
            )
        self.count += len(time)

    def add_times(
        self, there: Array, wanted: Array, scale: Array, moves: NDArray[np.bool_], spikes: _Spikes
    ) -> None:
        """Add differences of spike times (ms), softened where they are large."""
        missed = scale * (there - wanted)
        size = 1 + (missed / _SOFT) ** 2
        self.values.append(missed * size**-0.25)
        grows = size**-0.25 - 0.5 * (missed / _SOFT) ** 2 * size**-1.25
        n = min(len(spikes.time_ms), len(there))
        self._put(
            self.count + np.arange(n),
            spikes.first[:n, np.newaxis] + np.arange(4),
            1e3 * (scale * grows * moves)[:n, np.newaxis] * spikes.slopes[:n],
        )
        self.count += len(there)

    def add_pull(self, first: int, stop: int, level: float, scale: float, wanted: bool) -> None:
        """Add how far the highest potential of a stretch is below a level."""
        top = first + int(np.argmax(self.v[first:stop]))
        below = (level - 1e3 * self.v[top]) / scale
        counts = float(wanted and below > 0)
        self.values.append(np.array([counts * below]))
        self._put(np.array([self.count]), np.array([[top]]), np.array([[-1e3 * counts / scale]]))
        self.count += 1

    def _put(self, rows: Whole, columns: Whole, values: Array) -> None:
        self.entries.append((np.repeat(rows, columns.shape[1]), columns.ravel(), values.ravel()))

    def done(self) -> Residuals:
        rows, columns, values = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        shape = (self.count, len(self.v))
        return Residuals(np.concatenate(self.values), csr_array((values, (rows, columns)), shape))


def residuals_of(
    target: FitTarget, pieces: Sequence[Piece], stage: Stage, tolerances: Tolerances
) -> list[PieceMisfit]:
    """Prepare the comparison with each of some steps."""
    return [PieceMisfit(target, piece, stage, tolerances) for piece in pieces]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Misfit(Loss):
    """The misfit as a loss of `neurosim.differentiate`: each row is compared with its own step.

    Parameters
    ----------
    rows : tuple of PieceMisfit
        What each row of the batch is compared with.
    """

    rows: tuple[PieceMisfit, ...] = ()

    @property
    def like(self) -> Quantity:
        return Quantity(1.0)

    def value(self, v: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
        values, slopes = np.zeros(v.shape[1]), np.zeros(v.shape)
        for k, row in enumerate(self.rows):
            found = row.residuals(np.ascontiguousarray(v[:, k]), dt)
            values[k] = 0.5 * float(found.values @ found.values)
            slopes[:, k] = found.slopes.T @ found.values
        return values, slopes
