"""Run a sweep: from a description, a grid and a measure to an `xarray.Dataset`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.sweep.chunk_store import ChunkStore, need_xarray
from experiments.sweep.engine_identity import engine_of
from experiments.sweep.errors import SweepStoreError
from experiments.sweep.gathering import assemble
from experiments.sweep.progress_line import ProgressLine, SweepProgress
from experiments.sweep.rows.chunk_plan import Chunk, Generation, Plan
from experiments.sweep.rows.grids import Grid
from experiments.sweep.rows.measure import Measure
from experiments.sweep.rows.row_measures import measures_of
from experiments.sweep.rows.swept import Run, check_axes, described, structural_axes
from experiments.sweep.workers.compute import Task
from experiments.sweep.workers.pieces import compute_chunks
from experiments.sweep.workers.worker_pool import Pool, ProcessPool
from neurosim.errors import ParameterError
from neurosim.quantities import check_seed, check_whole

if TYPE_CHECKING:
    import xarray

__all__ = ["Prepared", "compute_part", "sweep"]

MOST_ROWS = 10_000
"""Rows of a chunk at most."""
# Numbers that the traces of a chunk may have, where a measure needs traces.
_MOST_SAMPLES = 20_000_000
_ROWS_OF_ROWS = 100


def sweep(
    description: Any,
    grid: Grid,
    measure: str | Measure | list[Any],
    *,
    out: str | os.PathLike[str],
    seed: int = 0,
    client: Any = None,
    jobs: int | None = None,
    resume: bool = False,
    chunk_rows: int | None = None,
    most_failures: int = 1000,
    retry_failed: bool = False,
    progress: Callable[[SweepProgress], None] | None = None,
) -> xarray.Dataset:
    """Run every row of a grid, keep what is measured, and return it.

    A row is determined by the description, its coordinates and the seed, and by nothing else: it
    has the same numbers in any grid, in any number of processes, and when it is computed alone
    (bit for bit for point neurons; neurons with extent agree within 1e-9 mV).

    Parameters
    ----------
    description : Run, or mapping of options
        What is run. Options are for measures of rows (`measure_of_rows`).
    grid : Grid
        What varies: `product`, `zipped`, `random_grid`, `latin_hypercube`, `sobol` or `saltelli`.
    measure : str, Measure, or list of these
        What is kept: ``"count"``, ``"rate"``, ``"interval_rate"``, ``"interval_cv"``,
        ``"first_spike"``, ``"deflection"``, ``"threshold"``, or a function of yours.
    out : path
        Folder of the store.
    seed : int
        Everything random follows from it and from each row's coordinates.
    client : dask.distributed.Client or str, optional
        Who computes, or the address of a scheduler; by default processes on this machine.
    jobs : int, optional
        How many processes (default: as many as cores).
    resume : bool
        Go on with the sweep that is in `out`: after a kill, or with a grid that has grown.
    chunk_rows : int, optional
        Rows that are computed together (default: 10,000, fewer where traces are needed).
    most_failures : int
        How many rows of a chunk may fail before the sweep stops.
    retry_failed : bool
        Compute chunks with failed rows again.
    progress : callable, optional
        Told how far it is; by default a line on standard error.

    Returns
    -------
    xarray.Dataset
        Of a product with one dimension an axis, else with the dimension ``row``. Rows that failed
        are nan; the attribute ``failures`` says why.

    Raises
    ------
    SweepStoreError
        `out` holds a sweep already and `resume` is not set, or another sweep; or it cannot be
        written.
    StoreBusyError
        Another process computes into `out`.
    SweepError
        Too many rows fail.

    Examples
    --------
    >>> import tempfile
    >>> from brian2 import ms, pA, second
    >>> from neurosim import LIF
    >>> from experiments.sweep import Run, product, sweep
    >>> grid = product({"tau_m": [10, 20] * ms, "current": [140, 160, 200] * pA})
    >>> found = sweep(Run(LIF(), 1 * second), grid, "count", out=tempfile.mkdtemp(), jobs=1)
    >>> found["count"].values.tolist()
    [[0.0, 33.0, 63.0], [0.0, 17.0, 33.0]]
    """
    prepared = Prepared.of(
        description, grid, measure, out, seed, chunk_rows=chunk_rows, most_failures=most_failures
    )
    number = os.cpu_count() or 1 if jobs is None else check_whole(jobs, "sweep: jobs")
    store = prepared.store
    store.begin()
    with store.locked():
        plan = prepared.register(resume=resume)
        missing = prepared.missing(plan, retry_failed=retry_failed)
        prepared.compute(plan, missing, client, number, progress)
        dataset, damaged = assemble(store, plan, prepared)
        if damaged:
            prepared.compute(plan, damaged, client, number, progress)
            dataset, _ = assemble(store, plan, prepared)
        store.write_result(dataset)
    return dataset


def compute_part(prepared: Prepared, part: int, parts: int, jobs: int) -> int:
    """Compute each chunk whose number leaves a remainder, for one of several jobs on a cluster.

    Returns
    -------
    int
        How many rows were computed.
    """
    store = prepared.store
    store.begin()
    with store.locked("registering", wait_s=60.0):
        plan = prepared.register(resume=True)
    with store.locked(f"part-{part}-of-{parts}"):
        mine = plan.chunks[part::parts]
        missing = [one for one in mine if not store.has(prepared.digest(one))]
        prepared.compute(plan, missing, None, jobs, None)
    return sum(len(one.hashes) for one in missing)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A sweep whose arguments are checked.

    Attributes
    ----------
    task : Task
        What is computed of each row.
    grid : Grid
    seed : int
    store : ChunkStore
    chunk_rows : int
    """

    task: Task
    grid: Grid
    seed: int
    store: ChunkStore
    chunk_rows: int

    @classmethod
    def of(
        cls,
        description: Any,
        grid: Grid,
        measure: Any,
        out: str | os.PathLike[str],
        seed: int,
        *,
        chunk_rows: int | None = None,
        most_failures: int = 1000,
    ) -> Prepared:
        """Check the arguments of `sweep`."""
        need_xarray()
        described(description)
        if not isinstance(grid, Grid):
            raise ParameterError(
                f"sweep: grid must be made by product, zipped, random_grid, latin_hypercube, sobol "
                f"or saltelli; got {grid!r}"
            )
        measures = measures_of(measure)
        if not isinstance(description, Run) and any(one.of == "runs" for one in measures):
            raise ParameterError(
                "sweep: options are measured by measures of rows (measure_of_rows); a built-in "
                "measure needs a Run"
            )
        check_axes(description, grid.axes)
        numbers = check_seed(seed)
        if numbers.ndim:
            raise ParameterError(f"sweep: seed must be one integer; got {seed!r}")
        names = tuple(axis.name for axis in grid.axes)
        task = Task(
            description,
            measures,
            {axis.name: axis.unit for axis in grid.axes},
            structural_axes(description, names),
            most_failures,
        )
        taken = set(task.outputs) & {*names, "seed"}
        if taken:
            raise ParameterError(f"sweep: an axis and a measure are both called {taken.pop()!r}")
        rows = _rows_of(task) if chunk_rows is None else check_whole(chunk_rows, "chunk_rows")
        return cls(task, grid, int(numbers), ChunkStore(Path(out)), rows)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What tells this sweep from another, apart from its grid, in plain values."""
        return {
            "description": described(self.task.description),
            "measures": [one.to_dict() for one in self.task.measures],
            "seed": self.seed,
        }

    @cached_property
    def engine(self) -> tuple[str, dict[str, Any]]:
        """Digest of the engine, and what it is made of."""
        return engine_of(self.task)

    def digest(self, chunk: Chunk) -> str:
        """Return the name of a chunk in the store."""
        return chunk.digest(self.identity, self.engine[0])

    def plan(self) -> Plan:
        """Return the chunks of the store, and those of this grid that are to come."""
        known: list[Generation] = []
        if self.store.exists:
            known = self.store.generations(self.store.read_about(), self.task.units)
        return self._planned(known)

    def register(self, *, resume: bool) -> Plan:
        """Write into the store what is to be computed, and return its chunks.

        Raises
        ------
        SweepStoreError
            The store holds another sweep, or this one and `resume` is not set.
        ParameterError
            A Latin hypercube would have to grow.
        """
        digest, told = self.engine
        known: list[Generation] = []
        engines: dict[str, Any] = {}
        if self.store.exists:
            about = self.store.read_about()
            _check_same(about["identity"], self.identity, self.store.folder)
            if not resume:
                raise SweepStoreError(
                    f"{self.store.folder} holds this sweep already; resume it (resume=True, or "
                    "--resume), or choose another folder"
                )
            known = self.store.generations(about, self.task.units)
            engines = about["engines"]
            _check_hypercubes(known, self.grid)
        plan = self._planned(known)
        if len(plan.generations) > len(known) or digest not in engines:
            told_all = {**engines, digest: told}
            self.store.write_about(self.identity, list(plan.generations), told_all)
        return plan

    def _planned(self, known: list[Generation]) -> Plan:
        if known:
            plan = Plan(known, self.grid, self.seed, self.task.structural)
            if any(one.grid == self.grid for one in known) or plan.is_covered():
                return plan
        generations = [*known, Generation(self.grid, self.chunk_rows)]
        return Plan(generations, self.grid, self.seed, self.task.structural)

    def missing(self, plan: Plan, *, retry_failed: bool = False) -> list[Chunk]:
        """Return the chunks that are to be computed."""
        found = []
        for chunk in plan.chunks:
            digest = self.digest(chunk)
            if not self.store.has(digest):
                found.append(chunk)
            elif retry_failed:
                kept = self.store.get(digest)
                if kept is None or kept[1].failures:
                    found.append(chunk)
        return found

    def compute(
        self,
        plan: Plan,
        chunks: list[Chunk],
        client: Any,
        jobs: int,
        progress: Callable[[SweepProgress], None] | None,
    ) -> None:
        """Compute chunks and write each into the store."""
        if not chunks:
            return
        report = ProgressLine() if progress is None else progress
        wanted = sum(one.asked for one in chunks)
        rows, started = len(plan.hashes), time.monotonic()
        computed = failures = 0
        done = rows - wanted
        pool = self._pool(client, min(jobs, len(chunks)))
        try:
            waiting: Iterator[Chunk] = iter(chunks)
            for chunk, outcome in compute_chunks(pool, self.task, waiting, plan.columns):
                self.store.put(self.digest(chunk), chunk.hashes, outcome)
                computed += len(chunk.hashes)
                done += chunk.asked
                failures += len(outcome.failures)
                seconds = time.monotonic() - started
                report(SweepProgress(done, rows, computed, failures, seconds))
        finally:
            pool.close()

    def _pool(self, client: Any, jobs: int) -> Pool:
        if client is None:
            return ProcessPool(self.task, jobs)
        from experiments.sweep.workers.dask_pool import DaskPool

        return DaskPool(self.task, client)


def _rows_of(task: Task) -> int:
    """Return how many rows a chunk has at most."""
    if any(one.of == "rows" for one in task.measures):
        return _ROWS_OF_ROWS
    if not any(one.record for one in task.measures):
        return MOST_ROWS
    run = task.description
    dt = 0.025e-3 if run.dt is None else float(run.dt)
    return max(1, min(MOST_ROWS, int(_MOST_SAMPLES * dt / float(run.duration))))


def _check_same(kept: dict[str, Any], asked: dict[str, Any], folder: Path) -> None:
    for name in asked:
        if kept.get(name) != asked[name]:
            raise SweepStoreError(
                f"{folder} holds another sweep: {_difference(name, kept.get(name), asked[name])}; "
                "choose another folder"
            )


def _difference(name: str, kept: Any, asked: Any) -> str:
    """Say where two nested values differ first."""
    if isinstance(kept, dict) and isinstance(asked, dict):
        for key in [*asked, *kept]:
            if kept.get(key) != asked.get(key):
                return _difference(f"{name}.{key}", kept.get(key), asked.get(key))
    if isinstance(kept, list) and isinstance(asked, list) and len(kept) == len(asked):
        for k, (one, other) in enumerate(zip(kept, asked, strict=True)):
            if one != other:
                return _difference(f"{name}[{k}]", one, other)
    return f"its {name} is {kept!r}, and here it is {asked!r}"


def _check_hypercubes(known: list[Generation], grid: Grid) -> None:
    """Refuse to let a Latin hypercube grow: with another number of rows all its slices move."""
    cubes = [one.grid for one in known if one.grid.kind == "latin hypercube"]
    if grid.kind != "latin hypercube" or not cubes:
        return
    whole = {"rows": grid.rows, "axes": [axis.to_dict() for axis in grid.axes], "seed": grid.seed}
    for cube in cubes:
        told = cube.to_dict()
        if all(told[name] == whole[name] for name in whole):
            return
    raise ParameterError(
        "sweep: a Latin hypercube cannot grow, because its slices depend on the number of rows; "
        "take random_grid or sobol, or another folder"
    )
