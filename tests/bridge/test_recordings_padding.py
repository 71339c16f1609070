"""Sweeps with values that are no numbers: padding at the end is cut and said, the rest refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bridge.recordings.read_recording as reading
from bridge.recordings import CellRecording, RecordingError, made_recording, read
from bridge.recordings.plausible import check_plausible

CELL = made_recording(
    [-50, 0, 60, 120, 180], [0, 0, 3, 8, 12], holding_pA=-20, sampling_rate_Hz=5000
)
WHOLE = [0, 0, 3, 8, 12]


def _read_as(monkeypatch, tmp_path: Path, sweeps) -> CellRecording:
    """Read a file that holds these sweeps, whatever its format."""
    monkeypatch.setattr(reading, "_read_one", lambda *args: list(sweeps))
    (tmp_path / "cell.nwb").touch()
    return read(tmp_path / "cell.nwb")


def _with(k: int, first_s: float, stop_s: float | None = None, what=np.nan, of=("voltage_mV",)):
    """The sweeps, with a stretch of one replaced."""
    sweep = CELL.sweeps[k]
    rows = slice(sweep.index(first_s), None if stop_s is None else sweep.index(stop_s))
    changed = {}
    for name in of:
        values = getattr(sweep, name).copy()
        values[rows] = what
        changed[name] = values
    return [replace(sweep, **changed) if j == k else s for j, s in enumerate(CELL.sweeps)]


@pytest.mark.parametrize("k", range(5))
@pytest.mark.parametrize("of", [("voltage_mV",), ("current_pA",), ("voltage_mV", "current_pA")])
def test_padding_behind_the_step_is_cut_and_said(monkeypatch, tmp_path, k, of):
    cell = _read_as(monkeypatch, tmp_path, _with(k, 0.65, of=of))
    assert cell.sweeps[k].duration_s == pytest.approx(0.65)
    curve = cell.fi_curve()
    assert curve.count.tolist() == WHOLE
    assert curve.provenance["cut"] == {k: "no numbers after 0.65 s"}
    assert "no numbers after 0.65 s" in repr(cell)
    assert np.isfinite(cell.features()["current_pA"]).all()


@pytest.mark.parametrize("end", [0.05, 0.1, 0.3, 0.599, 0.602])
@pytest.mark.parametrize("k", [0, 3, 4])
def test_a_sweep_that_ends_within_its_step_is_left_out_and_named(monkeypatch, tmp_path, k, end):
    curve = _read_as(monkeypatch, tmp_path, _with(k, end)).fi_curve()
    assert curve.count.tolist() == [count for j, count in enumerate(WHOLE) if j != k]
    assert list(curve.provenance["left_out"]) == [k]
    assert "before its last step" in curve.provenance["left_out"][k]


def test_a_sweep_without_any_number_is_left_out_and_named(monkeypatch, tmp_path):
    curve = _read_as(monkeypatch, tmp_path, _with(2, 0.0)).fi_curve()
    assert curve.count.tolist() == [0, 0, 8, 12]
    assert curve.provenance["cut"] == {2: "left out: it holds no numbers"}


@pytest.mark.parametrize("k", range(5))
@pytest.mark.parametrize(
    ("first", "stop", "what"),
    [(0.3, 0.301, np.nan), (0.0, 0.01, np.nan), (0.3, 0.4, np.inf), (0.65, None, -np.inf)],
)
@pytest.mark.parametrize("of", ["voltage_mV", "current_pA"])
def test_what_is_no_number_anywhere_else_is_refused(
    monkeypatch, tmp_path, k, first, stop, what, of
):
    """In any sweep: with NaN, Python's max looks at the first sweep only."""
    with pytest.raises(RecordingError) as caught:
        _read_as(monkeypatch, tmp_path, _with(k, first, stop, what, (of,)))
    assert caught.value.reason == "file"
    assert f"the {of.split('_')[0]} of sweep {k} is no number at {first:g} s" in str(caught.value)
    with pytest.raises(RecordingError, match=f"sweep {k} holds values that are no numbers"):
        check_plausible(CellRecording(tuple(_with(k, first, stop, what, (of,)))))


def test_a_file_of_padding_alone_is_refused(monkeypatch, tmp_path):
    empty = [replace(s, voltage_mV=np.full(len(s), np.nan)) for s in CELL.sweeps]
    with pytest.raises(RecordingError, match="none of its 5 sweeps holds numbers"):
        _read_as(monkeypatch, tmp_path, empty)


def _until_the_end(k=None, end=0.4):
    """Sweeps whose step lasts until they end; one of them, or all, padded from a time on."""
    cut = []
    for j, sweep in enumerate(CELL.sweeps):
        last = sweep.index(0.6)
        current = sweep.current_pA[:last].copy()
        if k in (None, j):
            current[sweep.index(end) :] = np.nan
        cut.append(replace(sweep, voltage_mV=sweep.voltage_mV[:last], current_pA=current))
    return cut


@pytest.mark.parametrize("whole", [True, False])
def test_a_step_does_not_go_on_where_no_sweep_does(monkeypatch, tmp_path, whole):
    """Padding of all sweeps within the step, whether the step ended in the file or not."""
    made = _until_the_end()
    if whole:
        made = [_with(k, 0.4, of=("current_pA",))[k] for k in range(len(CELL.sweeps))]
    curve = _read_as(monkeypatch, tmp_path, made).fi_curve()
    assert curve.window_s == pytest.approx(0.4 - 0.1, abs=1e-3)
    seen = [int(np.sum((s > 0.1) & (s < 0.4))) for s in CELL.spikes_s]
    assert curve.count.tolist() == seen
    assert curve.provenance["left_out"] == {}


@pytest.mark.parametrize("k", [0, 3, 4])
def test_a_sweep_that_ends_within_a_step_to_the_end_is_left_out(monkeypatch, tmp_path, k):
    curve = _read_as(monkeypatch, tmp_path, _until_the_end(k)).fi_curve()
    assert list(curve.provenance["left_out"]) == [k]
    assert "before its last step" in curve.provenance["left_out"][k]
    assert curve.window_s == pytest.approx(0.5, abs=1e-3)
