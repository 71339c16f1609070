r"""How unlike a run and a recording are, as residuals whose derivatives are known.

Three kinds of residuals are compared, each over a tolerance: when spikes come, the potential
between spikes, and the shape of spikes. The potential is compared *aligned*: a sample that was
recorded some time after a spike is compared with the run as long after its own spike of that
number. So a spike that comes 2 ms late costs what 2 ms of a spike time cost, and no more.

With residuals r, the misfit of a step is :math:`\frac12\sum r^2`. A spike that is missing counts as
one at the end of the step, and for a spike too many the end is what it should be: the misfit stays
continuous while a spike leaves the step. Of a cell that fires without a step, intervals are
compared, from the first spike on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from brian2.units import Quantity
from numpy.typing import NDArray

from bridge.fit.fit_target import EDGE_MS, FitTarget, Piece
from bridge.fit.residual_rows import LocatedRun, ResidualRows, Residuals, crossed
from neurosim.engine.adjoint.spiking_run import Spikes
from neurosim.errors import ParameterError
from neurosim.gradients.losses import Loss

__all__ = [
    "KeptRuns",
    "Misfit",
    "PieceMisfit",
    "RunsKeptError",
    "Stage",
    "Tolerances",
    "residuals_of",
]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

Stage = Literal["passive", "times", "all", "exact"]
"""Steps without spikes; with them, when spikes come; with these, the potential of all steps,
aligned at spikes. Last the potential at its own time, alone, for fits within the noise."""

# Spikes too many that are told apart; more add nothing that says more.
_EXTRA = 5
# So long before the end of a step spikes are counted and, where the cell fires, the potential is
# compared (ms).
_CUT_MS = 5.0
# So near to its crossing a spike is so steep that a microsecond is some tenths of a millivolt (ms).
_STEEP_MS = 0.25
# The shape of a spike is compared from before to after its crossing (ms).
_SHAPE_MS = (-1.0, 3.0)


@dataclass(frozen=True)
class Tolerances:
    """What counts as a miss of one.

    Parameters
    ----------
    between_mV, shape_mV : float
        Of the potential between spikes, and in them.
    silent_mV : float
        Of the potential of steps without spikes.
    time_ms, time_share : float
        Of a spike time: so much, and a share of the time since the step began, as errors of a rate
        add up.
    """

    between_mV: float = 1.0
    shape_mV: float = 5.0
    silent_mV: float = 1.0
    time_ms: float = 0.5
    time_share: float = 0.02

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            least = value >= 0 if name == "time_share" else value > 0
            if not (least and np.isfinite(value)):
                raise ParameterError(f"Tolerances: {name} must be above 0; got {value!r}")


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
    has_shape: bool = True

    @property
    def is_silent(self) -> bool:
        return not len(self.piece.spikes_ms)

    @property
    def phase_is_free(self) -> bool:
        """Whether nothing sets when the first spike comes, so that only intervals are compared."""
        return self.piece.is_unasked and len(self.spikes_ms) > 0

    @property
    def end_ms(self) -> float:
        """Until when spikes count: the end of a step may cut one, or let it pass by a hair."""
        return self.target.stop_ms - _CUT_MS

    @cached_property
    def spikes_ms(self) -> Array:
        """Spikes of the recording that count."""
        spikes = self.piece.spikes_ms
        return spikes[spikes <= self.end_ms]

    @cached_property
    def layout(self) -> _Layout:
        target, spikes = self.target, self.spikes_ms
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
        until = np.append(spikes, np.inf)[np.minimum(spike + 1, len(spikes))] - time
        kept &= (np.abs(since) > _STEEP_MS) & (until > _STEEP_MS)
        if not self.is_silent:
            kept &= time < self.end_ms if self.stage in ("all", "exact") else False
        if not self.has_shape:
            kept &= ~shape
        between, inside = kept & ~shape, kept & shape
        weight = np.zeros(len(time))
        if between.any():
            by = self.tolerances.silent_mV if self.is_silent else self.tolerances.between_mV
            weight[between] = 1 / (by * np.sqrt(between.sum()))
        if inside.any():
            weight[inside] = 1 / (self.tolerances.shape_mV * np.sqrt(inside.sum()))
        if self.stage == "exact":
            # Noise is alike in all samples, so that all of them weigh alike.
            weight = kept / (self.tolerances.silent_mV * np.sqrt(len(time)))
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
        begin = self.spikes_ms[0] if self.phase_is_free else self.target.onset_ms
        since = np.maximum(self.spikes_ms - begin, 0.0)
        rest = np.full(_EXTRA, self.target.step_ms / 2)
        by = self.tolerances
        shares = np.concatenate([since, rest])
        return np.asarray(by.time_ms + by.time_share * shares, dtype=float)

    @cached_property
    def clusters(self) -> Whole:
        """Which residuals err together: those of one spike, or of one stretch."""
        own = np.arange(len(self.spikes_ms)) + 10_000
        others = np.full(_EXTRA + 1, -1)
        return np.concatenate([self.layout.cluster, own, others])

    def residuals(self, run: LocatedRun) -> Residuals:
        """Compare with a run."""
        return self._rows(run).done()

    def values(self, run: LocatedRun) -> Array:
        """Compare with a run; the residuals without what they follow."""
        return np.concatenate(self._rows(run).values)

    def _rows(self, run: LocatedRun) -> ResidualRows:
        rows = ResidualRows(run)
        self._add_trace(rows)
        self._add_times(rows)
        return rows

    def _add_trace(self, rows: ResidualRows) -> None:
        layout, target = self.layout, self.target
        if self.stage == "exact":
            rows.add_potential(
                layout.time, layout.seen, layout.weight, np.full(len(layout.time), -1)
            )
            return
        data, found = self.spikes_ms, rows.run.spikes_ms
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
        rows.add_potential(wanted, layout.seen, layout.weight, by)

    def _add_times(self, rows: ResidualRows) -> None:
        data, found = self.spikes_ms, rows.run.spikes_ms
        if self.phase_is_free and len(found):
            found = found + (data[0] - found[0])
        n, many = len(data), len(data) + _EXTRA
        end = self.end_ms
        wanted = np.concatenate([data, np.full(_EXTRA, end)])
        there = np.concatenate([found[:many], np.full(max(0, many - len(found)), end)])
        # After that it is none too many.
        late = (np.arange(many) >= n) & (there > end)
        there[late] = end
        counts = self.stage in ("times", "all")
        scale = counts / (self.time_tolerance * np.sqrt(max(n, 1)))
        moves = (np.arange(many) < len(found)) & ~late
        rows.add_times(there, wanted, scale, moves, self.phase_is_free)
        # A run that fires too little is drawn towards the level where it comes nearest to it.
        lacks = counts and len(found) < n
        first = 0
        if len(found):
            first = int(min(rows.run.spikes_ms[-1] + 5.0, end - 1.0) / rows.run.step_ms)
        stop = max(first + 1, int(end / rows.run.step_ms))
        rows.add_pull(first, stop, self.target.level_mV, 10.0, lacks)


def residuals_of(
    target: FitTarget,
    pieces: Sequence[Piece],
    stage: Stage,
    tolerances: Tolerances,
    has_shape: bool = True,
) -> list[PieceMisfit]:
    """Prepare the comparison with each of some steps."""
    return [PieceMisfit(target, piece, stage, tolerances, has_shape) for piece in pieces]


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
            mV = np.ascontiguousarray(1e3 * v[:, k])
            run = crossed(mV, dt * 1e3, row.target.level_mV)
            found = row.residuals(run)
            values[k] = 0.5 * float(found.values @ found.values)
            slopes[:, k] = 1e3 * found.pulls(run)[0]
        return values, slopes

    def with_spikes(
        self, v: np.ndarray, spikes: Sequence[Spikes], dt: float
    ) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        values, slopes, of_spikes = np.zeros(v.shape[1]), np.zeros(v.shape), []
        for k, (row, own) in enumerate(zip(self.rows, spikes, strict=True)):
            run = LocatedRun(1e3 * v[:, k], dt * 1e3, 1e3 * own.time)
            found = row.residuals(run)
            values[k] = 0.5 * float(found.values @ found.values)
            by_sample, by_spike = found.pulls(run)
            slopes[:, k] = 1e3 * by_sample
            # The potentials around a spike are not compared.
            of_spikes.append(np.stack([1e3 * by_spike, 0 * by_spike, 0 * by_spike], axis=1))
        return values, slopes, of_spikes


class RunsKeptError(Exception):
    """Ends a run once it is kept: two thirds of its time would go into derivatives."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class KeptRuns(Loss):
    """Keeps runs whose spikes are located, and stops before they are run back.

    Parameters
    ----------
    runs : list of LocatedRun
        Where they are put, one a row.
    """

    runs: list[LocatedRun] = field(default_factory=list)

    @property
    def like(self) -> Quantity:
        return Quantity(1.0)

    def with_spikes(
        self, v: np.ndarray, spikes: Sequence[Spikes], dt: float
    ) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        for k, own in enumerate(spikes):
            self.runs.append(LocatedRun(1e3 * v[:, k].copy(), dt * 1e3, 1e3 * own.time))
        raise RunsKeptError
