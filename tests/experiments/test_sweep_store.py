"""Stores of sweeps: resumed, damaged, full, shared, exported."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from brian2 import ms
from sweeps import GRID, NOISY, contents, run

from experiments.sweep import (
    Run,
)
from experiments.sweep.chunk_store import ChunkStore, DamagedChunkNotice
from experiments.sweep.errors import StoreBusyError, SweepStoreError
from experiments.sweep.run_sweep import Prepared, compute_part
from experiments.sweep.stored_rows import export, open_sweep, status
from neurosim.errors import ParameterError

pytest.importorskip("zarr", reason="needs the extra 'sweep'")


def test_a_store_belongs_to_one_sweep(tmp_path):
    run(tmp_path / "s")
    with pytest.raises(SweepStoreError, match="holds this sweep already"):
        run(tmp_path / "s")
    longer = Run(NOISY.neuron, 200 * ms, stimulus=NOISY.stimulus, dt=NOISY.dt)
    with pytest.raises(SweepStoreError, match="duration"):
        run(tmp_path / "s", description=longer, resume=True)
    with pytest.raises(SweepStoreError, match="seed"):
        run(tmp_path / "s", seed=8, resume=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("x")
    with pytest.raises(SweepStoreError, match=r"letter\.txt"):
        run(tmp_path / "other")


def test_resume_computes_what_is_missing_only(tmp_path):
    whole = run(tmp_path / "s")
    before = contents(tmp_path / "s")
    store = ChunkStore(tmp_path / "s")
    for name in store.names()[:2]:
        shutil.rmtree(tmp_path / "s" / "chunks" / name)
    prepared = Prepared.of(NOISY, GRID, ["count", "first_spike"], tmp_path / "s", 7)
    told = status(prepared)
    assert (told.chunks, told.chunks_done, told.rows) == (5, 3, 24)
    part = open_sweep(prepared)
    assert np.isnan(part["count"]).sum() == 24 - told.done
    computed = []
    again = run(tmp_path / "s", resume=True, progress=lambda p: computed.append(p.computed))
    assert computed[-1] == 24 - told.done
    assert again.equals(whole)
    assert contents(tmp_path / "s") == before


def test_a_changed_engine_computes_anew(tmp_path, monkeypatch):
    whole = run(tmp_path / "s")
    computed = []
    monkeypatch.setattr(
        "experiments.sweep.run_sweep.engine_of", lambda task: ("other", {"code": "changed"})
    )
    again = run(tmp_path / "s", resume=True, progress=lambda p: computed.append(p.computed))
    assert computed[-1] == 24
    assert again.drop_attrs().equals(whole.drop_attrs())
    about = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assert len(about["engines"]) == 2
    prepared = Prepared.of(NOISY, GRID, ["count", "first_spike"], tmp_path / "s", 7)
    assert status(prepared).other == 5


@pytest.mark.parametrize("harm", ["flip", "cut", "json"])
def test_a_damaged_chunk_is_found_and_computed_anew(tmp_path, harm):
    whole = run(tmp_path / "s")
    before = contents(tmp_path / "s")
    name = ChunkStore(tmp_path / "s").names()[1]
    place = tmp_path / "s" / "chunks" / name / "count"
    file = place / "zarr.json" if harm == "json" else place / "c" / "0"
    content = bytearray(file.read_bytes())
    if harm == "flip":
        content[len(content) // 2] ^= 1
    file.write_bytes(content if harm == "flip" else content[: len(content) // 2])
    with pytest.warns(DamagedChunkNotice, match=name):
        again = run(tmp_path / "s", resume=True)
    assert again.equals(whole)
    assert contents(tmp_path / "s") == before


def test_two_drivers_on_one_store(tmp_path):
    store = ChunkStore(tmp_path / "s")
    store.begin()
    program = (
        "import sys, filelock\n"
        f"with filelock.FileLock({str(tmp_path / 's' / '.driver.lock')!r}):\n"
        "    print('locked', flush=True); sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(StoreBusyError, match="another process"):
            run(tmp_path / "s")
    finally:
        other.communicate(b"")
    run(tmp_path / "s")


def test_a_full_disk_is_named_and_the_sweep_resumes(tmp_path, monkeypatch):
    """The third chunk does not fit; those before it stay."""
    put, written = ChunkStore.put, []

    def full(self, digest, hashes, outcome):
        if len(written) == 2:

            def no_room(*arguments, **options):
                raise OSError(28, "No space left on device")

            with monkeypatch.context() as inner:
                inner.setattr("experiments.sweep.chunk_files._write_json", no_room)
                put(self, digest, hashes, outcome)
        written.append(digest)
        put(self, digest, hashes, outcome)

    with monkeypatch.context() as patched:
        patched.setattr(ChunkStore, "put", full)
        with pytest.raises(SweepStoreError, match=r"No space left.*resumes"):
            run(tmp_path / "s")
    assert len(ChunkStore(tmp_path / "s").names()) == 2
    assert run(tmp_path / "s", resume=True).equals(run(tmp_path / "t"))
    assert contents(tmp_path / "s") == contents(tmp_path / "t")


def test_a_store_that_cannot_be_made_is_named():
    with pytest.raises(SweepStoreError, match="/proc/sweep"):
        run(Path("/proc/sweep"))


def test_parts_of_a_cluster_together_are_the_whole(tmp_path):
    prepared = Prepared.of(NOISY, GRID, ["count", "first_spike"], tmp_path / "s", 7, chunk_rows=5)
    done = [compute_part(prepared, part, 3, 1) for part in range(3)]
    assert sum(done) == 24
    computed = []
    whole = run(tmp_path / "s", resume=True, progress=lambda p: computed.append(p.computed))
    assert computed == []
    assert whole.equals(run(tmp_path / "t"))


def test_export(tmp_path):
    import pandas as pd
    import xarray

    found = run(tmp_path / "s")
    table = pd.read_parquet(export(found, tmp_path / "table.parquet"))
    assert len(table) == 24
    assert table["count"].tolist() == found["count"].values.ravel().tolist()
    again = xarray.open_dataset(export(found, tmp_path / "all.nc"), engine="h5netcdf")
    assert again.equals(found)
    stored = xarray.open_zarr(tmp_path / "s" / "result.zarr", consolidated=False)
    assert stored.equals(found)
    chunks = [
        xarray.open_zarr(tmp_path / "s" / "chunks" / name, consolidated=False)
        for name in ChunkStore(tmp_path / "s").names()
    ]
    counts = np.concatenate([chunk["count"].values for chunk in chunks])
    assert sorted(counts.tolist()) == sorted(found["count"].values.ravel().tolist())
    with pytest.raises(ParameterError, match=r"\.parquet or \.nc"):
        export(found, tmp_path / "all.xlsx")
