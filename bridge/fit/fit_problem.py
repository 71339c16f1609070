"""Many candidates run against the steps of a recording at once: misfit, gradient, residuals."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, ms, mV
from numpy.typing import NDArray

from bridge.fit.fit_target import FitTarget, Piece
from bridge.fit.misfit import (
    KeptRuns,
    Misfit,
    PieceMisfit,
    RunsKeptError,
    Stage,
    Tolerances,
    residuals_of,
)
from bridge.fit.neuron_families import HELD, NeuronFamily
from bridge.fit.residual_rows import LocatedRun, crossed
from neurosim.errors import DivergenceError, RowError
from neurosim.gradients.differentiate import GrowthWarning, differentiate
from neurosim.morphology import root_site
from neurosim.run.simulate import simulate

__all__ = ["WORST", "FitProblem"]

Array = NDArray[np.float64]

# Before the window, in which a candidate comes to its own rest.
SETTLE_MS = 100.0
_ABOVE_MS = 0.5
# Rows of one run; more only need more memory.
_MOST_ROWS = 256
# The misfit of a candidate that cannot be run: worse than any other.
WORST = 1e12
_FAILED = np.array([WORST])


@dataclass(eq=False)
class FitProblem:
    """A family, a cell, and what they are compared by.

    Candidates are rows of numbers between 0 and 1, one a parameter, from its lower to its upper
    bound (on a logarithmic scale where it is positive).

    Parameters
    ----------
    family : NeuronFamily
    target : FitTarget
    tolerances : Tolerances
    settle_ms : float
        How long candidates come to their own rest before the window.
    runs : int
        Steps that were run so far.
    gradients : int
        Those of them that were run back too.
    """

    family: NeuronFamily
    target: FitTarget
    tolerances: Tolerances = field(default_factory=Tolerances)
    settle_ms: float = SETTLE_MS
    runs: int = 0
    gradients: int = 0
    growth: float = 0.0

    @cached_property
    def bounds(self) -> Array:
        """Bounds in customary units, shape (parameters, 2)."""
        size = self.target.size_pF
        return np.array([one.bounds(size) for one in self.family.parameters])

    @cached_property
    def _positive(self) -> NDArray[np.bool_]:
        return np.array([one.positive for one in self.family.parameters])

    @cached_property
    def _ends(self) -> Array:
        ends = self.bounds.copy()
        ends[self._positive] = np.log(ends[self._positive])
        return ends

    def parameters(self, u: Array) -> Array:
        """Return candidates in customary units, shape (..., parameters)."""
        low, high = self._ends.T
        x = low + np.asarray(u) * (high - low)
        return np.where(self._positive, np.exp(np.where(self._positive, x, 0.0)), x)

    def unit_of(self, parameters: Array) -> Array:
        """Return candidates between 0 and 1 from customary units."""
        low, high = self._ends.T
        x = np.where(self._positive, np.log(np.where(self._positive, parameters, 1.0)), parameters)
        return np.asarray((x - low) / (high - low))

    def pieces(self, stage: Stage) -> list[Piece]:
        """Return the steps that a stage compares."""
        train = self.target.train
        return [p for p in train if stage != "passive" or not len(p.spikes_ms)]

    @cached_property
    def noise_mV(self) -> float:
        """Noise of the recording from one sample to the next, by second differences (mV)."""
        all_of = [np.abs(np.diff(p.v_mV, 2)) for p in self.target.train]
        # Of normal numbers the median size is .6745 standard deviations; a second difference has
        # the variance of six. Spikes are few among the samples and do not move the median.
        return float(np.median(np.concatenate(all_of)) / 0.6745 / np.sqrt(6))

    def noise_misfit(self, stage: Stage) -> float:
        """Return the misfit that this noise alone leaves."""
        by = [np.sum((one.layout.weight * self.noise_mV) ** 2) / 2 for one in self.misfits(stage)]
        return float(np.mean(by))

    def misfits(self, stage: Stage) -> list[PieceMisfit]:
        """Return the comparison with each of them."""
        has_shape = not self.family.is_reset
        return residuals_of(self.target, self.pieces(stage), stage, self.tolerances, has_shape)

    def gradient(self, u: Array, stage: Stage) -> tuple[Array, Array]:
        """Return the misfit of candidates and its gradient.

        Parameters
        ----------
        u : ndarray, shape (candidates, parameters)
        stage : Stage

        Returns
        -------
        ndarray, shape (candidates,)
            Mean over steps.
        ndarray, shape (candidates, parameters)
        """
        misfits = self.misfits(stage)
        found = self._in_parts(u, lambda some: self._gradient(some, misfits), len(misfits))
        width = len(self.family.names)
        return found[:, 0], found[:, 1:] if found.shape[1] > 1 else np.zeros((len(found), width))

    @staticmethod
    def _in_parts(u: Array, work: Callable[[Array], Array], steps: int) -> Array:
        """Return what is found of candidates, a row each, in runs that fit into memory.

        One whose potential leaves every bound has the misfit `WORST` and no slope; the others do
        not fail with it.
        """

        def tried(some: Array) -> list[Array]:
            try:
                return list(work(some))
            except (DivergenceError, RowError):
                # Not a program that could not be built, which no other candidate mends.
                half = len(some) // 2
                return [*tried(some[:half]), *tried(some[half:])] if half else [_FAILED]

        u, many = np.atleast_2d(u), max(1, _MOST_ROWS // steps)
        rows = [row for k in range(0, len(u), many) for row in tried(u[k : k + many])]
        width = max(len(row) for row in rows)
        return np.array([np.pad(row, (0, width - len(row))) for row in rows])

    def _gradient(self, u: Array, misfits: list[PieceMisfit]) -> Array:
        pieces = [one.piece for one in misfits]
        loss = Misfit(rows=tuple(misfits) * len(u))
        with warnings.catch_warnings():
            # Told at the end, of the candidate that was chosen.
            warnings.simplefilter("ignore", GrowthWarning)
            found = differentiate(
                self._neuron, self.target.length_ms * ms, loss, self._wrt,
                stimulus=self._stimulus, batch=self._batch(u, pieces), dt=self.family.dt_ms * ms,
                settle=None if self.family.is_reset else self.settle_ms * ms,
            )  # fmt: skip
        self.runs += len(u) * len(pieces)
        self.gradients += len(u) * len(pieces)
        self.growth = float(np.max(found.growth))
        slopes = np.zeros((len(u) * len(pieces), len(self.family.names)))
        for setting in self.family.all_settings():
            if setting.engine not in self._wrt:
                continue
            relative = np.asarray(found[setting.engine]) * np.asarray(
                found.parameters[_full(found.parameters, setting.engine)]
            )
            for name, power in setting.powers:
                slopes[:, self.family.names.index(name)] += power * relative
        values = np.asarray(found.value).reshape(len(u), len(pieces)).mean(axis=1)
        by_step = slopes.reshape(len(u), len(pieces), -1).mean(axis=1)
        return np.column_stack([values, by_step * self._per_unit(u)])

    def _per_unit(self, u: Array) -> Array:
        """Return d ln p/du, one a candidate and parameter."""
        width = self._ends[:, 1] - self._ends[:, 0]
        return np.where(self._positive, width, width / self.parameters(u))

    def value(self, u: Array, stage: Stage) -> Array:
        """Return the misfit of candidates, shape (candidates,), from runs ahead alone."""
        return self._value(u, stage, self._exact)

    def roughly(self, u: Array, stage: Stage) -> Array:
        """Return the misfit of candidates from the fastest run there is, shape (candidates,).

        Spikes that reset a neuron come at the end of a time step there: some hundredths of a
        millisecond late, which a search over the whole range does not need.
        """
        return self._value(u, stage, self._fast if self.family.is_reset else self._exact)

    def _value(self, u: Array, stage: Stage, runs: Callable[[Any], list[LocatedRun]]) -> Array:
        misfits = self.misfits(stage)

        def work(some: Array) -> Array:
            rows = self._run(some, [one.piece for one in misfits], runs)
            by = [[np.sum(m.values(run) ** 2) for m, run in zip(misfits, row, strict=True)]
                  for row in rows]  # fmt: skip
            return np.asarray(0.5 * np.mean(by, axis=1, keepdims=True), dtype=float)

        found = self._in_parts(u, work, len(misfits))[:, 0]
        return np.where(np.isfinite(found), found, WORST)

    def residuals(self, u: Array, stage: Stage) -> Array:
        """Return all residuals of candidates, shape (candidates, n); nan where one cannot run."""
        misfits = self.misfits(stage)

        def work(some: Array) -> Array:
            rows = self.run(some, [one.piece for one in misfits])
            found = [[m.values(run) for m, run in zip(misfits, row, strict=True)] for row in rows]
            return np.array([np.concatenate(row) for row in found])

        found = self._in_parts(u, work, len(misfits))
        found[found[:, 0] == WORST] = np.nan
        return found

    def clusters(self, stage: Stage) -> NDArray[np.int64]:
        """Return which residuals err together, shape (n,)."""
        found, base = [], 0
        for one in self.misfits(stage):
            _, numbers = np.unique(one.clusters, return_inverse=True)
            found.append(numbers + base)
            base += int(numbers.max()) + 1
        return np.concatenate(found)

    def run(self, u: Array, pieces: list[Piece]) -> list[list[LocatedRun]]:
        """Run candidates through steps; for each candidate, one run a step."""
        return self._run(np.atleast_2d(u), pieces, self._exact)

    def answers(self, u: Array, pieces: list[Piece]) -> list[LocatedRun]:
        """Run one candidate through steps of any current, one run a step.

        At a step that the search has not seen, a neuron that is reset may fire at once after its
        reset. There its spikes are those of the grid of time.
        """
        try:
            return self.run(u, pieces)[0]
        except RowError:
            if not self.family.is_reset:
                raise
            if len(pieces) > 1:
                return [run for piece in pieces for run in self.answers(u, [piece])]
            return self._run(np.atleast_2d(u), pieces, self._on_grid)[0]

    def _run(
        self, u: Array, pieces: list[Piece], runs: Callable[[Any], list[LocatedRun]]
    ) -> list[list[LocatedRun]]:
        rows = runs(self._batch(u, pieces))
        self.runs += len(rows)
        return [rows[k : k + len(pieces)] for k in range(0, len(rows), len(pieces))]

    def _exact(self, batch: dict[str, Quantity]) -> list[LocatedRun]:
        return self._located(batch) if self.family.is_reset else self._crossing(batch)

    def _crossing(self, batch: dict[str, Quantity]) -> list[LocatedRun]:
        dt, level = self.family.dt_ms, self.target.level_mV
        found = simulate(
            self._neuron.probe("v", root_site, label="soma"), self.target.length_ms * ms,
            stimulus=self._stimulus, batch=batch, dt=dt * ms,
            settle=self.settle_ms * ms,
        )  # fmt: skip
        v = np.asarray(found.matrix("soma").values, dtype=float)[:, :, 0] * 1e3
        return [crossed(row, dt, level) for row in v]

    def _located(self, batch: dict[str, Quantity]) -> list[LocatedRun]:
        # The run of `simulate` has its spikes on a grid of time; that of a gradient has them where
        # the equations have them.
        kept = KeptRuns()
        with contextlib.suppress(RunsKeptError):
            differentiate(
                self._neuron, self.target.length_ms * ms, kept, self._wrt,
                stimulus=self._stimulus, batch=batch, dt=self.family.dt_ms * ms,
            )  # fmt: skip
        return kept.runs

    def _on_grid(self, batch: dict[str, Quantity]) -> list[LocatedRun]:
        dt = self.family.dt_ms
        # Its trace has the beginnings of steps: one step more gives the end of the last.
        found = simulate(
            self._neuron, (self.target.length_ms + dt) * ms, stimulus=self._stimulus, batch=batch,
            dt=dt * ms, record=["v"],
        )  # fmt: skip
        v = np.asarray(found.traces_si["v"], dtype=float)[:, 1:] * 1e3
        spikes = [np.asarray(one / ms, dtype=float) for one in found.spike_trains()]
        return [LocatedRun(row, dt, own) for row, own in zip(v, spikes, strict=True)]

    def _fast(self, batch: dict[str, Quantity]) -> list[LocatedRun]:
        runs, dt = self._on_grid(batch), self.family.dt_ms
        held = np.broadcast_to(batch.get("t_ref", HELD) / ms, (len(runs),))
        for run, own in zip(runs, held, strict=True):
            # Such a spike follows the reset and no current. Where spikes are located it is refused,
            # so that a search must not end there.
            if len(run.spikes_ms) > 1 and np.diff(run.spikes_ms).min() < own + 1.5 * dt:
                run.v_mV[:] = np.nan
        return runs

    @cached_property
    def _wrt(self) -> list[str]:
        named = [one.engine for one in self.family.all_settings() if one.powers]
        # Where a cell has no rest, runs start where the recording does, whatever the parameters.
        return [one for one in named if not (self._is_restless and one == self.family.starts_at)]

    @property
    def _is_restless(self) -> bool:
        return bool(self.family.starts_at) and self.target.is_restless

    @cached_property
    def _neuron(self) -> Any:
        return self.family.build(self.target.rest_mV)

    @cached_property
    def _stimulus(self) -> Any:
        return self.family.stimulus(self.target.onset_ms * ms, self.target.step_ms * ms)

    def _batch(self, u: Array, pieces: list[Piece]) -> dict[str, Quantity]:
        """Return what rows of the engine differ in: candidate by candidate, step by step."""
        rows = np.repeat(self.parameters(u), len(pieces), axis=0)
        values = dict(zip(self.family.names, rows.T, strict=True))
        injected = {
            self.family.injected[0]: np.tile([p.current_pA for p in pieces], len(u)),
            self.family.injected[1]: np.tile([p.holding_pA for p in pieces], len(u)),
        }
        if self.family.is_reset:
            # It starts at its leak reversal. With the holding current in it, that is its rest; leak
            # and adaptation are straight lines, so that no other number changes.
            injected[self.family.injected[1]] = np.zeros(len(rows))
        places = self._neuron_units
        batch = {}
        for setting in self.family.all_settings():
            number = setting.value(values) * injected.get(setting.engine, 1e12) * 1e-12
            number = np.broadcast_to(number, (len(rows),)).copy()
            batch[setting.engine] = Quantity(number, dim=places[setting.engine])
        if self._is_restless:
            starts = np.tile([self.target.start_mV(p) for p in pieces], len(u))
            batch[self.family.starts_at] = starts * mV
        return batch

    @cached_property
    def _neuron_units(self) -> dict[str, Any]:
        amp = get_dimensions(self._stimulus.components()["constant"].current)
        return {
            one.engine: amp if one.engine in self.family.injected else get_dimensions(one.unit)
            for one in self.family.all_settings()
        }


def _full(names: dict[str, Quantity], name: str) -> str:
    return next(full for full in names if full == name or full.endswith(f".{name}"))
