"""What a sweep varies and measures: neurons, times, options, functions."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import cm, ms, mV, nA, pA, uF, um
from sweeps import GRID, run

from experiments.sweep import (
    Run,
    count,
    measure_of_rows,
    measure_of_runs,
    product,
    zipped,
)
from experiments.sweep.errors import MeasureError, SweepStoreError
from experiments.sweep.run_sweep import Prepared
from experiments.sweep.stored_rows import verify
from neurosim import LIF, Constant, Neuron, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.errors import ParameterError, UnitError, UnknownNameError
from neurosim.morphology import PerBranch, cylinder

pytest.importorskip("zarr", reason="needs the extra 'sweep'")


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


def test_count_in_a_window(tmp_path):
    late = run(tmp_path / "s", measure=[count(50 * ms)])
    whole = run(tmp_path / "t", measure=["count"])
    assert (late["count"] <= whole["count"]).all()
    assert float(late["count"].sum()) < float(whole["count"].sum())


@pytest.mark.parametrize(
    ("description", "said"),
    [
        (Run(LIF(), 1 * ms, dt=2 * ms), "longer than the duration"),
        (Run(LIF(), 10 * ms, settle=5 * ms), "neurons with extent"),
        (Run({"a": LIF(), "b": cell()}, 10 * ms, scheme="backward-euler"), "neurons with extent"),
        (Run(cell(), 10 * ms, dt=1e-12 * ms), "more than a run can take"),
    ],
)
def test_what_no_row_can_run_with_is_refused_before_there_is_a_store(tmp_path, description, said):
    axes = {"current": [0.1, 0.2] * nA}
    if isinstance(description.neuron, dict):
        axes["neuron"] = ["a", "b"]
    with pytest.raises(ParameterError, match=said):
        run(tmp_path / "s", product(axes), description, ["count"])
    assert not (tmp_path / "s").exists()
