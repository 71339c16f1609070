"""Spikes counted in real recordings equal the tables counted beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bridge.recordings import CellRecording, RecordingError, read

CELLS = {
    "18713001": "18713001.abf",
    "2019_07_24_0055_fsi": "2019_07_24_0055_fsi.abf",
    "171116sh_0019": "171116sh_0019.abf",
    "B6_IDRest": "B6_Ch3_IDRest_183.ibw",
}


def _read(folder: Path, name: str) -> CellRecording:
    if name.endswith(".abf"):
        pytest.importorskip("pyabf")
    return read(folder / "recordings" / name)


@pytest.mark.parametrize("table", CELLS)
def test_counts_and_times_equal_the_table(shared_data: Path, table: str) -> None:
    cell = _read(shared_data, CELLS[table])
    counted = pd.read_csv(shared_data / "recordings" / "counted" / f"{table}.csv")
    features = cell.features()
    both = counted.merge(features, on=["sweep", "step"], how="outer", suffixes=("", "_found"))
    assert len(both) == len(counted) == len(features)
    assert (both["spikes"] == both["count"]).all()
    np.testing.assert_allclose(both["current_pA"], both["current_pA_found"], atol=1e-3)
    starts = [step.start_s for step in cell.steps]
    np.testing.assert_allclose(features.assign(start=starts)["start"], starts)
    # The same spikes, not only as many: the broad tops of spikes in block leave 0.2 ms of doubt.
    sample = 1e3 / cell.sweeps[0].sampling_rate_Hz
    np.testing.assert_allclose(both["latency_ms"], both["latency_ms_found"], atol=2 * sample)
    for counted_rate, found in (
        ("first_isi_Hz", "first_rate_Hz"),
        ("last_isi_Hz", "last_rate_Hz"),
    ):
        np.testing.assert_allclose(1e3 / both[counted_rate], 1e3 / both[found], atol=0.25)


def test_step_windows_come_from_the_command(shared_data: Path) -> None:
    cell = _read(shared_data, "2019_07_24_0055_fsi.abf")
    counted = pd.read_csv(shared_data / "recordings" / "counted" / "2019_07_24_0055_fsi.csv")
    found = sorted((s.sweep, s.number, s.start_s, s.stop_s) for s in cell.steps)
    told = sorted(counted[["sweep", "step", "step_on_s", "step_off_s"]].itertuples(index=False))
    np.testing.assert_allclose(found, told, atol=1e-9)
    # The sweep of 0 pA has its two steps too, and the pre-pulse of -100 pA is none.
    assert {s.number for s in cell.steps if s.sweep == 4} == {1, 2}
    assert all(pulse.amplitude_pA == -100 for pulse in cell.protocol.pulses)


def test_first_step_alone_makes_the_curve_where_a_pre_pulse_comes_before_the_second(
    shared_data: Path,
) -> None:
    cell = _read(shared_data, "2019_07_24_0055_fsi.abf")
    assert cell.fi_curve().rate_Hz.max() == 128.0
    assert cell.fi_curve(step=2).rate_Hz.max() == 106.0
    assert cell.fi_curve().provenance["steps"] == [1]


def test_block_is_named_and_the_curve_is_not_monotone(shared_data: Path) -> None:
    curve = _read(shared_data, "171116sh_0019.abf").fi_curve()
    assert curve.provenance["steps"] == [1]
    assert curve.provenance["blocked_pA"] == [1500, 1600, 1700, 1800, 1900, 2000]
    assert curve.currents[curve.mean_rate_Hz().argmax()] == 1000


def test_holding_current_is_told_apart_from_the_step(shared_data: Path) -> None:
    cell = _read(shared_data, "B6_Ch3_IDRest_181.ibw")
    step, total = cell.fi_curve(), cell.fi_curve(current="total")
    assert step.provenance["holding_pA"] == pytest.approx(-12.5, abs=0.01)
    np.testing.assert_allclose(step.current_pA - total.current_pA, 12.5, atol=0.01)


def test_one_wave_brings_its_series_and_its_current(shared_data: Path) -> None:
    folder = shared_data / "recordings"
    whole = read(folder / "B6_Ch0_IDRest_185.ibw")
    assert [sweep.number for sweep in whole.sweeps] == [181, 182, 183, 184, 185]
    pair = [folder / f"B6_Ch{channel}_IDRest_{k}.ibw" for k in (182, 184) for channel in (0, 3)]
    assert [sweep.number for sweep in read(pair).sweeps] == [182, 184]


@pytest.mark.parametrize("name", ["18713001.abf", "B6_Ch3_IDRest_181.ibw"])
@pytest.mark.parametrize("kept", [0.0005, 0.01, 0.5, 0.98])
def test_truncated_files_are_refused(
    shared_data: Path, tmp_path: Path, name: str, kept: float
) -> None:
    if name.endswith(".abf"):
        pytest.importorskip("pyabf")
    raw = (shared_data / "recordings" / name).read_bytes()
    cut = tmp_path / name
    cut.write_bytes(raw[: int(kept * len(raw))])
    with pytest.raises(RecordingError, match="copy it again") as caught:
        read(cut)
    assert caught.value.reason == "truncated"


def test_wave_without_its_current_is_refused(shared_data: Path, tmp_path: Path) -> None:
    raw = (shared_data / "recordings" / "B6_Ch3_IDRest_181.ibw").read_bytes()
    alone = tmp_path / "B6_Ch3_IDRest_181.ibw"
    alone.write_bytes(raw)
    with pytest.raises(RecordingError, match="put the current channel beside it") as caught:
        read(alone)
    assert caught.value.reason == "no-current"


def test_currents_in_the_wrong_unit_are_refused(shared_data: Path) -> None:
    pytest.importorskip("pyabf")
    folder = shared_data / "recordings"
    # As if the file had said nA: the cell would have an input resistance of 180 kohm.
    wrong = read(folder / "18713001.abf", current_unit="nA")
    from bridge.recordings.plausible import check_plausible

    with pytest.raises(RecordingError, match=r"kohm.*picoampere") as caught:
        check_plausible(wrong)
    assert caught.value.reason == "units"
