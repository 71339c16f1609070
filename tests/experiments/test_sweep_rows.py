"""Rows of a sweep depend on nothing but themselves, and what can vary."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms, pA, second
from sweeps import GRID, NOISY, run

from experiments.sweep import (
    Between,
    latin_hypercube,
    product,
    random_grid,
    sobol,
    zipped,
)
from experiments.sweep.chunk_store import ChunkStore
from experiments.sweep.rows.row_hashes import row_hashes, seeds_of
from experiments.sweep.run_sweep import Prepared
from experiments.sweep.stored_rows import recompute, verify
from neurosim import simulate
from neurosim.errors import ParameterError

pytest.importorskip("zarr", reason="needs the extra 'sweep'")


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
