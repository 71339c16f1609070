"""What is asked of a store: how far it is, what is in it, and whether its rows come out again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.units import Quantity, have_same_dimensions

from experiments.sweep.chunk_store import need_xarray
from experiments.sweep.errors import SweepStoreError
from experiments.sweep.gathering import assemble
from experiments.sweep.rows.axes import Axis
from experiments.sweep.rows.row_hashes import row_hashes
from experiments.sweep.rows.swept import Run
from experiments.sweep.run_sweep import Prepared
from experiments.sweep.workers.compute import Outcome, compute
from neurosim.atomic_write import whole_path
from neurosim.describe.point_neuron import PointNeuron
from neurosim.errors import ExtraMissingError, ParameterError, UnitError, UnknownNameError, suggest
from neurosim.quantities import check_whole

if TYPE_CHECKING:
    import xarray

__all__ = ["SweepStatus", "Verified", "export", "open_sweep", "recompute", "status", "verify"]


@dataclass(frozen=True)
class SweepStatus:
    """How far a sweep is.

    Attributes
    ----------
    rows, done, failed : int
        Rows asked for, those that were computed, and those of them that failed.
    chunks, chunks_done : int
        The same for chunks.
    damaged : int
        Chunks that are there but cannot be read; they are computed anew.
    other : int
        Chunks in the store that this grid and this engine do not use.
    """

    rows: int
    done: int
    failed: int
    chunks: int
    chunks_done: int
    damaged: int
    other: int

    def __str__(self) -> str:
        """Return it in one sentence each."""
        said = [f"{self.done:,} of {self.rows:,} rows are computed "
                f"({self.chunks_done:,} of {self.chunks:,} chunks)."]  # fmt: skip
        if self.failed:
            said.append(f"{self.failed:,} rows failed.")
        if self.damaged:
            said.append(f"{self.damaged:,} chunks are damaged and are computed anew on resuming.")
        if self.other:
            said.append(
                f"{self.other:,} more chunks belong to rows that this grid lacks, or to another "
                "version of the engine."
            )
        return " ".join(said)


@dataclass(frozen=True)
class Verified:
    """Rows that were computed alone and compared with the store.

    Attributes
    ----------
    rows : int
        How many were compared.
    differing : tuple of str
        What differs, a text a number.
    exact : bool
        Whether every bit had to be the same; else numbers may differ by 1e-9 of themselves.
    """

    rows: int
    differing: tuple[str, ...]
    exact: bool

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.differing


def status(prepared: Prepared) -> SweepStatus:
    """Return how far a sweep is; every chunk that is there is read and its checksum compared."""
    prepared.store.read_about()
    plan = prepared.plan()
    done = failed = chunks_done = damaged = 0
    used = set()
    for chunk in plan.chunks:
        digest = prepared.digest(chunk)
        used.add(digest)
        if not prepared.store.has(digest):
            continue
        found = prepared.store.get(digest)
        if found is None:
            damaged += 1
            continue
        chunks_done += 1
        done += chunk.asked
        failed += sum(bool(chunk.places[one.row] >= 0) for one in found[1].failures)
    other = len(set(prepared.store.names()) - used)
    rows = len(plan.hashes)
    return SweepStatus(rows, done, failed, len(plan.chunks), chunks_done, damaged, other)


def open_sweep(prepared: Prepared) -> xarray.Dataset:
    """Return what is computed so far; rows that are not are nan."""
    prepared.store.read_about()
    return assemble(prepared.store, prepared.plan(), prepared)[0]


def recompute(prepared: Prepared, row: Mapping[str, Any]) -> dict[str, float]:
    """Compute one row alone, without the store.

    Parameters
    ----------
    prepared : Prepared
    row : mapping of str to Quantity, number or label
        A value for every axis.

    Returns
    -------
    dict of str to float

    Raises
    ------
    ParameterError, UnitError, UnknownNameError
        An axis is not given, is given that is none, or has another unit.
    """
    axes = {axis.name: axis for axis in prepared.grid.axes}
    for name in row:
        if name not in axes:
            raise UnknownNameError(f"recompute: {suggest(name, axes)}")
    columns = {}
    for name, axis in axes.items():
        if name not in row:
            raise ParameterError(f"recompute: give a value for axis {name!r}")
        columns[name] = np.array([_in_si(axis, row[name])])
    outcome = compute(prepared.task, columns, row_hashes(prepared.seed, columns))
    if outcome.failures:
        raise ParameterError(f"recompute: the row fails: {outcome.failures[0].why}")
    return {name: float(values[0]) for name, values in outcome.values.items()}


def verify(prepared: Prepared, rows: int = 100, *, seed: int = 0) -> Verified:
    """Compute a random sample of the stored rows again, each alone, and compare.

    Parameters
    ----------
    prepared : Prepared
    rows : int
        How many; fewer where the store has fewer.
    seed : int
        Of the sample.

    Raises
    ------
    SweepStoreError
        The store has no row of this sweep.
    """
    check_whole(rows, "verify: rows")
    prepared.store.read_about()
    plan = prepared.plan()
    held = [chunk for chunk in plan.chunks if prepared.store.has(prepared.digest(chunk))]
    sizes = np.array([len(chunk.hashes) for chunk in held], dtype=np.int64)
    if not sizes.sum():
        raise SweepStoreError(f"{prepared.store.folder} has no row of this sweep to verify")
    total = int(sizes.sum())
    drawn = np.random.default_rng(seed).choice(total, size=min(rows, total), replace=False)
    ends = np.cumsum(sizes)
    exact, differing, compared = _is_exact(prepared), [], 0
    for number in np.unique(np.searchsorted(ends, drawn, side="right")):
        chunk = held[number]
        found = prepared.store.get(prepared.digest(chunk))
        if found is None:
            differing.append(f"chunk {prepared.digest(chunk)} is damaged")
            continue
        columns = plan.columns(chunk)
        first = int(ends[number] - sizes[number])
        for row in sorted(int(k) - first for k in drawn if first <= k < ends[number]):
            one = {name: values[row : row + 1] for name, values in columns.items()}
            again = compute(prepared.task, one, chunk.hashes[row : row + 1])
            differing += _differences(found[1], row, again, one, exact=exact)
            compared += 1
    return Verified(compared, tuple(differing), exact)


def export(dataset: xarray.Dataset, path: str | os.PathLike[str]) -> Path:
    """Write a sweep as a table in Parquet (``.parquet``), or as NetCDF (``.nc``).

    Raises
    ------
    ParameterError
        The name has another ending.
    ExtraMissingError
        The package that writes it is not installed.
    """
    need_xarray()
    place = Path(path)
    if place.suffix not in (".parquet", ".nc"):
        raise ParameterError(f"export: {place.name} must end in .parquet or .nc")
    with whole_path(place) as part:
        try:
            if place.suffix == ".nc":
                dataset.to_netcdf(part, engine="h5netcdf")
            else:
                dataset.to_dataframe().reset_index().to_parquet(part, engine="pyarrow")
        except ImportError as error:
            raise ExtraMissingError.needed_for("export", "sweep") from error
    return place


def _is_exact(prepared: Prepared) -> bool:
    """Whether rows are the same bits alone and in a batch: those of point neurons are."""
    description = prepared.task.description
    if not isinstance(description, Run):
        return True
    given = description.neuron
    neurons = given.values() if isinstance(given, Mapping) else [given]
    return all(isinstance(neuron, PointNeuron) for neuron in neurons)


def _differences(
    kept: Outcome, row: int, again: Outcome, columns: Mapping[str, np.ndarray], *, exact: bool
) -> list[str]:
    at = ", ".join(f"{name}={values[0]}" for name, values in columns.items())
    found = []
    for name, values in kept.values.items():
        before, now = values[row], again.values[name][0]
        both_nan = np.isnan(before) and np.isnan(now)
        near = before == now if exact else np.isclose(before, now, rtol=1e-9, atol=1e-12)
        if not (both_nan or near):
            found.append(f"{name} is {before!r} in the store and {now!r} alone ({at})")
    return found


def _in_si(axis: Axis, value: Any) -> Any:
    if axis.kind == "label":
        return str(value)
    if not have_same_dimensions(Quantity(value), axis.unit):
        raise UnitError(
            f"recompute: axis {axis.name!r} is in {axis.unit_name or 'plain numbers'}; got "
            f"{value!r}"
        )
    return int(value) if axis.kind == "whole" else float(value)
