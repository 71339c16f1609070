"""Sweeps: rows that depend on nothing but themselves, stores that can be stopped and resumed."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from brian2 import cm, ms, mV, nA, pA, second, uF, um

from experiments.sweep import (
    Between,
    Run,
    count,
    latin_hypercube,
    measure_of_rows,
    measure_of_runs,
    product,
    random_grid,
    sobol,
    sweep,
    sweep_map,
    zipped,
)
from experiments.sweep.chunk_store import ChunkStore, DamagedChunkNotice
from experiments.sweep.errors import MeasureError, StoreBusyError, SweepError, SweepStoreError
from experiments.sweep.rows.row_hashes import row_hashes, seeds_of
from experiments.sweep.run_sweep import Prepared, compute_part
from experiments.sweep.stored_rows import export, open_sweep, recompute, status, verify
from neurosim import LIF, Constant, Neuron, WhiteNoise, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.errors import ParameterError, UnitError, UnknownNameError
from neurosim.morphology import PerBranch, cylinder

pytest.importorskip("zarr", reason="needs the extra 'sweep'")

NOISY = Run(
    LIF(), 100 * ms, stimulus=Constant(0 * pA) + WhiteNoise.for_membrane(3 * mV, LIF()), dt=0.1 * ms
)
GRID = product({"tau_m": [10, 20] * ms, "current": [160, 200, 240] * pA, "repeat": range(4)})


def quiet(_):
    """Take no notice of progress."""


def run(out, grid=GRID, description=NOISY, measure=("count", "first_spike"), **more):
    more = {"seed": 7, "jobs": 2, "chunk_rows": 5, "progress": quiet} | more
    return sweep(description, grid, list(measure), out=out, **more)


def contents(folder):
    """Every file of data in a store, by name."""
    places = [*Path(folder).glob("chunks/**/*"), *Path(folder).glob("result.zarr/**/*")]
    return {str(p.relative_to(folder)): p.read_bytes() for p in places if p.is_file()}


# ---- rows ----------------------------------------------------------------------------------------
def test_a_row_is_what_simulate_gives_with_its_seed(tmp_path):
    found = run(tmp_path / "s")
    columns = GRID.columns(np.arange(GRID.rows))
    seeds = seeds_of(row_hashes(7, columns))
    batch = {"tau_m": columns["tau_m"] * second, "current": columns["current"] * 1e12 * pA}
    # Exactly the numbers of the sweep: 160 pA in SI units has other last bits when multiplied.
    batch["current"] = np.array(columns["current"]) * (1 * pA / float(pA))
    whole = simulate(
        NOISY.neuron, 100 * ms, stimulus=NOISY.stimulus, batch=batch, seed=seeds, dt=0.1 * ms
    )
    assert found["count"].values.ravel().tolist() == whole.counts().tolist()
    assert found["seed"].values.ravel().tolist() == seeds.tolist()
    assert len(np.unique(found["count"])) > 3


def test_chunks_and_processes_change_no_bit(tmp_path):
    one = run(tmp_path / "a", jobs=1, chunk_rows=100)
    two = run(tmp_path / "b", jobs=2, chunk_rows=7)
    assert one.equals(two)
    assert one["first_spike"].values.tobytes() == two["first_spike"].values.tobytes()


def test_rows_of_a_grown_product_are_kept(tmp_path):
    before = run(tmp_path / "s")
    store = ChunkStore(tmp_path / "s")
    kept = store.names()
    wider = product(
        {"tau_m": [5, 10, 20] * ms, "current": [160, 180, 200, 240] * pA, "repeat": range(5)}
    )
    computed = []
    after = run(tmp_path / "s", wider, resume=True, progress=lambda p: computed.append(p.computed))
    assert computed[-1] == 3 * 4 * 5 - GRID.rows
    assert set(kept) <= set(store.names())
    same = after.sel(tau_m=before.tau_m, current=before.current, repeat=before.repeat)
    assert same.equals(before)
    assert not np.isnan(after["count"]).any()
    # And in a store that had the large grid from the start.
    assert run(tmp_path / "t", wider).equals(after)


@pytest.mark.parametrize("make", [random_grid, sobol])
def test_drawn_grids_grow(tmp_path, make):
    axes = {"tau_m": Between(5 * ms, 40 * ms, log=True), "current": Between(150 * pA, 300 * pA)}
    few, more = make(axes, 12, seed=3), make(axes, 30, seed=3)
    before = run(tmp_path / "s", few)
    computed = []
    after = run(tmp_path / "s", more, resume=True, progress=lambda p: computed.append(p.computed))
    assert computed[-1] == 18
    assert after.isel(row=slice(12)).equals(before)
    inside = (after.tau_m >= 5e-3) & (after.tau_m <= 40e-3)
    assert inside.all()


def test_a_latin_hypercube_fills_every_slice_and_cannot_grow(tmp_path):
    axes = {"tau_m": Between(5 * ms, 40 * ms)}
    cube = latin_hypercube(axes, 10, seed=1)
    slices = np.floor((cube.columns(np.arange(10))["tau_m"] - 5e-3) / 3.5e-3)
    assert sorted(slices.tolist()) == list(range(10))
    run(tmp_path / "s", cube)
    with pytest.raises(ParameterError, match="cannot grow"):
        run(tmp_path / "s", latin_hypercube(axes, 20, seed=1), resume=True)


def test_zipped_and_where(tmp_path):
    found = run(tmp_path / "s", zipped({"tau_m": [10, 20] * ms, "current": [200, 300] * pA}))
    assert found["count"].dims == ("row",)
    fewer = run(tmp_path / "t", GRID.where("current >= 200pA and repeat < 2"))
    assert int(np.isfinite(fewer["count"]).sum()) == 2 * 2 * 2
    whole = run(tmp_path / "t", GRID, resume=True)
    assert whole.equals(run(tmp_path / "u"))


def test_axis_seed_is_the_seed_and_shares_noise(tmp_path):
    grid = product({"current": [200, 201] * pA, "seed": [5, 6]})
    found = run(tmp_path / "s", grid, measure=["first_spike"])
    alone = simulate(
        NOISY.neuron, 100 * ms, stimulus=NOISY.stimulus, batch={"current": [200] * pA},
        seed=[5], dt=0.1 * ms,
    )  # fmt: skip
    assert found["first_spike"].values[0, 0] == alone.spike_time_s[0]


def test_recomputed_alone_bit_for_bit(tmp_path):
    prepared = Prepared.of(NOISY, GRID, ["count", "first_spike"], tmp_path / "s", 7, chunk_rows=5)
    found = run(tmp_path / "s")
    verified = verify(prepared, rows=24)
    assert verified.ok
    assert verified.exact
    assert verified.rows == 24
    row = recompute(prepared, {"tau_m": 20 * ms, "current": 240 * pA, "repeat": 3})
    at = found.isel(tau_m=1, current=2, repeat=3)
    assert row["first_spike"] == float(at["first_spike"])
    assert row["count"] == float(at["count"])


def test_verify_finds_a_number_that_is_wrong(tmp_path):
    prepared = Prepared.of(NOISY, GRID, ["count", "first_spike"], tmp_path / "s", 7, chunk_rows=5)
    run(tmp_path / "s")
    chunk = prepared.plan().chunks[0]
    hashes, outcome = prepared.store.get(prepared.digest(chunk))
    outcome.values["count"][2] += 1
    prepared.store.put(prepared.digest(chunk), hashes, outcome)
    verified = verify(prepared, rows=24)
    assert len(verified.differing) == 1
    assert "count" in verified.differing[0]


# ---- what varies ---------------------------------------------------------------------------------
def cell():
    bare = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=6.3, rest=-65 * mV)
    return bare.paint([HHSodium(), HHPotassium(), Leak()])


def test_structural_axes_of_a_neuron_with_extent(tmp_path):
    description = Run(cell(), 30 * ms, stimulus=Constant(0 * nA))
    grid = product(
        {
            "morphology.scale": [1.0, 2.0],
            "celsius": [6.3, 16.3],
            "current": [0.05, 0.2] * nA,
            "everywhere.C_m": [1, 1.5] * uF / cm**2,
        }
    )
    found = run(tmp_path / "s", grid, description, ["count", "deflection"], chunk_rows=None)
    assert found["v_rise"].attrs["units"] == "V"
    # Twice the diameter and length have four times the membrane: the same current does less.
    small, large = found.isel({"morphology.scale": 0}), found.isel({"morphology.scale": 1})
    assert (large["v_rise"] <= small["v_rise"] + 1e-12).all()
    assert float(small["count"].max()) >= 1
    alone = simulate(
        cell().replace(celsius=16.3), 30 * ms, stimulus=Constant(0.2 * nA), record=["v"]
    )
    rise = alone.traces_si["v"][0].max() - alone.traces_si["v"][0, 0]
    one = small.isel(celsius=1, current=1).isel({"everywhere.C_m": 0})
    assert float(one["v_rise"]) == pytest.approx(float(rise), abs=1e-12)
    prepared = Prepared.of(description, grid, ["count", "deflection"], tmp_path / "s", 7)
    verified = verify(prepared, rows=16)
    assert verified.ok
    assert not verified.exact


def test_neurons_stimuli_and_times_by_name(tmp_path):
    description = Run(
        {"slow": LIF(tau_m=30 * ms), "fast": LIF(tau_m=5 * ms)},
        100 * ms,
        stimulus={"weak": Constant(160 * pA), "strong": Constant(300 * pA)},
    )
    grid = product(
        {"neuron": ["slow", "fast"], "stimulus": ["weak", "strong"], "duration": [100, 200] * ms}
    )
    found = run(tmp_path / "s", grid, description, ["count"])
    here = {"neuron": "fast", "stimulus": "strong", "duration": 0.2}
    alone = simulate(LIF(tau_m=5 * ms), 200 * ms, stimulus=Constant(300 * pA))
    assert float(found["count"].sel(here)) == alone.counts()[0]
    prepared = Prepared.of(description, grid, ["count"], tmp_path / "s", 7)
    assert all(
        len({tuple(v) for v in zip(*prepared.plan().columns(c).values(), strict=True)}) == 1
        for c in prepared.plan().chunks
    )


def test_threshold_of_each_row(tmp_path):
    grid = product({"tau_m": [10, 20] * ms})
    found = run(tmp_path / "s", grid, Run(LIF(), 200 * ms), ["threshold"])
    # The membrane reaches the threshold at the end of the step of length T (Lapicque's law).
    lif = LIF()
    steady = float((lif.V_th - lif.E_L) / lif.R_m)
    expected = steady / (1 - np.exp(-0.2 / np.array([0.01, 0.02])))
    assert found["threshold"].values == pytest.approx(expected, rel=0.005)


def double(description, seed, factor):
    """A measure of rows: options in, a number out."""
    return {"twice": factor * description["x"] + description["offset"], "odd": seed % 2}


def test_measure_of_rows_on_options(tmp_path):
    measure = measure_of_rows(double, version="1", outputs={"twice": "", "odd": ""}, factor=2)
    grid = product({"x": [1.0, 2.0, 3.0]})
    found = run(tmp_path / "s", grid, {"offset": 10}, [measure])
    assert found["twice"].values.tolist() == [12, 14, 16]
    with pytest.raises(ParameterError, match="options are measured by"):
        run(tmp_path / "t", grid, {"offset": 10}, ["count"])


def spread_of_intervals(recording, scale):
    """A measure of runs."""
    return recording.interval_cv() * scale


def test_measure_of_runs_is_known_by_source_version_and_arguments(tmp_path):
    def measure(version, scale):
        return measure_of_runs(
            spread_of_intervals, version=version, outputs={"cv": ""}, scale=scale
        )

    found = run(tmp_path / "s", measure=[measure("1", 2.0)])
    builtin = run(tmp_path / "t", measure=["interval_cv"])
    np.testing.assert_array_equal(found["cv"], 2 * builtin["interval_cv"])
    for other in (measure("2", 2.0), measure("1", 3.0)):
        with pytest.raises(SweepStoreError, match="holds another sweep"):
            run(tmp_path / "s", measure=[other], resume=True)


def test_measures_that_a_store_cannot_know_are_refused():
    scale = 2

    def closure(recording):
        return recording.counts() * scale

    with pytest.raises(MeasureError, match="scale"):
        measure_of_runs(closure, version="1", outputs={"x": ""})
    with pytest.raises(MeasureError, match="by def"):
        measure_of_runs(lambda recording: recording.counts(), version="1", outputs={"x": ""})
    with pytest.raises(MeasureError, match="version"):
        measure_of_runs(spread_of_intervals, version="", outputs={"x": ""})


def test_axes_are_checked_before_anything_runs(tmp_path):
    for grid, error, said in [
        (product({"tau_n": [1] * ms}), UnknownNameError, "tau_m"),
        (product({"tau_m": [1] * mV}), UnitError, "tau_m"),
        (product({"tau_m": [1.0, 2.0]}), UnitError, "tau_m"),
        (product({"celsius": [6.3]}), ParameterError, "extent"),
        (product({"repeat": [0.5]}), ParameterError, "whole"),
        (product({"neuron": ["a"]}), ParameterError, "mapping"),
    ]:
        with pytest.raises(error, match=said):
            run(tmp_path / "s", grid)
    assert not (tmp_path / "s").exists()
    with pytest.raises(ParameterError, match="twice"):
        product({"tau_m": [1, 1] * ms})
    with pytest.raises(ParameterError, match="are the same"):
        run(tmp_path / "t", zipped({"tau_m": [10, 10] * ms}))
    with pytest.raises(UnitError, match="current is in"):
        GRID.where("current > 3mV")


# ---- stores --------------------------------------------------------------------------------------
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


# ---- failures ------------------------------------------------------------------------------------
def fragile(recording, deadly):
    """Fail, or end the process, where a row has a membrane of 13 ms."""
    ill = np.isclose(recording.parameters["tau_m"], 13e-3)
    if ill.any():
        if deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError("13 is unlucky")
    return recording.counts()


@pytest.mark.parametrize("deadly", [False, True])
def test_a_poisoned_row_is_found_and_the_others_go_on(tmp_path, deadly):
    grid = product({"tau_m": [10, 11, 12, 13, 14, 15, 16] * ms, "current": [200, 300] * pA})
    measure = measure_of_runs(fragile, version="1", outputs={"n": ""}, deadly=deadly)
    found = run(tmp_path / "s", grid, measure=[measure, "count"], chunk_rows=8)
    failures = json.loads(found.attrs["failures"])
    assert [one["at"]["tau_m"] for one in failures] == pytest.approx([0.013, 0.013])
    assert [one["at"]["current"] for one in failures] == pytest.approx([2e-10, 3e-10])
    assert ("died" if deadly else "13 is unlucky") in failures[0]["why"]
    healthy = found.drop_isel(tau_m=3)
    assert np.isnan(found["n"].isel(tau_m=3)).all()
    assert (healthy["n"] == healthy["count"]).all()
    assert not np.isnan(healthy["n"]).any()
    told = status(Prepared.of(NOISY, grid, [measure, "count"], tmp_path / "s", 7))
    assert told.failed == 2


def broken(recording):
    """Fail at every row."""
    raise ValueError("never works")


def short(recording):
    """Return too few numbers."""
    return np.zeros(1)


def test_a_measure_that_never_works_ends_the_sweep(tmp_path):
    measure = measure_of_runs(broken, version="1", outputs={"n": ""})
    with pytest.raises(SweepError, match="never works"):
        run(tmp_path / "s", measure=[measure], most_failures=3)
    measure = measure_of_runs(short, version="1", outputs={"n": ""})
    with pytest.raises(MeasureError, match="one number a row"):
        run(tmp_path / "t", measure=[measure])


# ---- kills ---------------------------------------------------------------------------------------
LONG = product({"current": np.linspace(150, 300, 20) * pA, "repeat": range(6)})
CHUNKS = 12
LONGEST_S = 120


def go_on(out, progress=quiet):
    """Compute what is missing, in a process of its own."""
    run(out, LONG, chunk_rows=LONG.rows // CHUNKS, resume=True, progress=progress)


def drive(out, progress=quiet):
    """Start a driver that has everything imported; it is killed as any process is."""
    driver = multiprocessing.get_context("fork").Process(target=go_on, args=(out, progress))
    driver.start()
    return driver


def ended(driver):
    """Return how a driver ended."""
    driver.join(LONGEST_S)
    assert driver.exitcode is not None, f"the driver goes on after {LONGEST_S} s"
    return driver.exitcode


def await_chunks(driver, out, number):
    """Wait until the store has so many chunks, or the driver has ended."""
    until = time.monotonic() + LONGEST_S
    while driver.is_alive() and len(list(out.glob("chunks/*/zarr.json"))) < number:
        assert time.monotonic() < until, f"no {number} chunks after {LONGEST_S} s"
        time.sleep(0.002)


def children(pid):
    """Processes that a process has started."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = place.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after[1]) == pid and after[0] != "Z":
            found.append(int(place.parent.name))
    return found


def kill_some(driver, whom, rng):
    """Kill the driver, or each of its workers with a probability of 0.7; return how many died."""
    if whom == "driver":
        alive = driver.is_alive()
        driver.kill()
        return int(alive)
    killed = 0
    for worker in children(driver.pid):
        if rng.random() < 0.7:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
                killed += 1
    return killed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc")
@pytest.mark.parametrize("whom", ["driver", "worker"])
def test_kills_lose_nothing(tmp_path, whom):
    """`NEUROSIM_KILLS=100` kills as often as that, in as many sweeps as it takes.

    A kill comes when the store has some random number of chunks more, and then a random time of
    at most a tenth of a second: in the midst of computing, writing, gathering or starting.
    """
    kills = int(os.environ.get("NEUROSIM_KILLS", "6"))
    rng = np.random.default_rng(1)
    go_on(tmp_path / "quiet")
    whole = contents(tmp_path / "quiet")
    done = sweeps = 0
    while done < kills:
        sweeps += 1
        assert sweeps <= 10 * kills, "the kills come too late"
        out = tmp_path / f"killed-{sweeps}"
        driver = drive(out)
        had = 0
        for _ in range(4):
            had = min(CHUNKS, had + int(rng.integers(0, 6)))
            await_chunks(driver, out, had)
            time.sleep(rng.uniform(0, 0.1))
            done += kill_some(driver, whom, rng)
            if whom == "driver":
                ended(driver)
                driver = drive(out)
        assert ended(driver) == 0
        assert contents(out) == whole
        assert not list(out.glob(".writing-*"))
        shutil.rmtree(out)


def wait_for_a_signal(_):
    """Stay at the first chunk: whoever calls is interrupted there."""
    time.sleep(LONGEST_S)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc")
def test_ctrl_c_leaves_a_store_that_resumes(tmp_path):
    out = tmp_path / "s"
    driver = drive(out, wait_for_a_signal)
    await_chunks(driver, out, 1)
    workers = children(driver.pid)
    assert len(workers) == 2
    os.kill(driver.pid, signal.SIGINT)
    assert ended(driver) == 1
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    kept = ChunkStore(out).names()
    assert len(kept) == 1
    computed = []
    go_on(out, lambda p: computed.append(p.computed))
    assert computed[-1] == LONG.rows - LONG.rows // CHUNKS
    assert (out / "result.zarr").is_dir()


def test_count_in_a_window(tmp_path):
    late = run(tmp_path / "s", measure=[count(50 * ms)])
    whole = run(tmp_path / "t", measure=["count"])
    assert (late["count"] <= whole["count"]).all()
    assert float(late["count"].sum()) < float(whole["count"].sum())


def test_map_of_a_sweep_has_units_and_marks():
    import matplotlib.pyplot as plt
    import xarray

    current, tau = np.array([1e-10, 2e-10, 3e-10]), np.array([5e-3, 10e-3, 20e-3, 40e-3])
    rate = np.arange(24.0).reshape(4, 3, 2)
    rate[0, 0] = np.nan
    dataset = xarray.Dataset(
        {"rate": (("tau_m", "current", "repeat"), rate, {"units": "Hz"})},
        {
            "tau_m": ("tau_m", tau, {"units": "second"}),
            "current": ("current", current, {"units": "amp"}),
            "repeat": [0, 1],
        },
    )
    ax = sweep_map(dataset, "rate", x="current", y="tau_m")
    assert ax.get_xlabel() == "current (pA)"
    assert ax.get_ylabel() == "tau_m (ms)"
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    mesh, bar = ax.collections[0], ax.figure.axes[1]
    assert bar.get_ylabel() == "mean of rate (Hz)"
    shown = mesh.get_array()
    assert shown.mask.ravel().tolist() == [True] + [False] * 11
    assert shown[3, 2] == rate[3, 2].mean()
    marks = [line.get_ydata()[0] for line in bar.lines[-2:]]
    assert marks == [rate[0, 1].mean(), rate[3, 2].mean()]
    plt.close(ax.figure)
    with pytest.raises(UnknownNameError, match="tau_m"):
        sweep_map(dataset, "rate", x="current", y="tau")
