"""Rows of neurons with extent come out alone as they do in a chunk."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import cm, mS, ms, mV, nA, pA
from sweeps import run

from experiments.sweep import Between, Run, measure_of_runs, random_grid
from experiments.sweep.run_sweep import Prepared
from experiments.sweep.stored_rows import verify
from experiments.sweep.workers.compute import compute
from neurosim import Constant, OrnsteinUhlenbeck, textbook_neuron

pytest.importorskip("zarr", reason="needs the extra 'sweep'")

SEEN = []


def potential(recording):
    """Keep the traces for the test, which computes in its own process."""
    v = recording.traces_si["v"]
    spikes = [recording.spike_time_s[recording.spike_row == row] for row in range(recording.rows)]
    SEEN.append((v, spikes))
    return v[:, -1]


NOISE = OrnsteinUhlenbeck(sd=50 * pA, tau=5 * ms)
DESCRIPTION = Run(textbook_neuron(), 60 * ms, stimulus=Constant(0 * nA) + NOISE)
GRID = random_grid(
    {
        "constant.current": Between(0.1 * nA, 0.8 * nA),
        "traub_miles_sodium.g": Between(40 * mS / cm**2, 60 * mS / cm**2),
        "leak.E": Between(-75 * mV, -65 * mV),
    },
    40,
    seed=5,
)


def test_rows_of_cables_alone_are_within_1e_9_mV(tmp_path):
    """And have the same spikes, within a millionth of a microsecond; with noise and three axes."""
    measure = measure_of_runs(potential, version="1", outputs={"last": "V"}, record=["v"])
    prepared = Prepared.of(DESCRIPTION, GRID, [measure], tmp_path / "s", 3, chunk_rows=40)
    plan = prepared.plan()
    (chunk,) = plan.chunks
    columns = plan.columns(chunk)
    SEEN.clear()
    compute(prepared.task, columns, chunk.hashes)
    rows = np.random.default_rng(0).choice(40, 10, replace=False)
    for row in rows:
        alone = {name: values[row : row + 1] for name, values in columns.items()}
        compute(prepared.task, alone, chunk.hashes[row : row + 1])
    together, *single = SEEN
    assert sum(len(together[1][row]) for row in rows) >= 10
    for row, (v, spikes) in zip(rows, single, strict=True):
        assert np.abs(v[0] - together[0][row]).max() <= 1e-12
        # A spike's time is interpolated between two samples of the potential.
        assert len(spikes[0]) == len(together[1][row])
        assert np.abs(spikes[0] - together[1][row]).max(initial=0) <= 1e-12


def test_stored_rows_of_cables_are_verified(tmp_path):
    kept = {"seed": 3, "chunk_rows": 25}
    run(tmp_path / "s", GRID, DESCRIPTION, ["count", "deflection", "first_spike"], **kept)
    measures = ["count", "deflection", "first_spike"]
    prepared = Prepared.of(DESCRIPTION, GRID, measures, tmp_path / "s", 3, chunk_rows=25)
    found = verify(prepared, rows=8)
    assert found.ok
    assert found.rows == 8
    assert not found.exact
