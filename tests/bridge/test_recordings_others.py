"""Files of other programs: read by Neo's raw readers that are named, and by no other."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recording_checks import CELL, check_same_curve, refusal
from recording_files import igor_experiment, igor_wave, write_wcp

from bridge.recordings import read
from bridge.recordings.formats.others import ELSEWHERE, OTHERS
from bridge.recordings.read_recording import FORMATS


def test_a_file_of_winwcp(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    check_same_curve(read(write_wcp(tmp_path / "cell.wcp", CELL)))
    check_same_curve(read(write_wcp(tmp_path / "CELL.WCP", CELL)))


def test_a_file_without_current(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    error = refusal(write_wcp(tmp_path / "cell.wcp", CELL, ("Vm",), ("mV",)))
    assert error.reason == "no-current"
    assert "'Vm' (mV)" in error.wrong


def test_a_file_of_two_cells(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    path = write_wcp(tmp_path / "cell.wcp", CELL, ("one", "Im", "two"), ("mV", "pA", "mV"))
    error = refusal(path)
    assert error.reason == "choice"
    assert "'one' -7" in error.wrong
    assert 'voltage="..."' in error.remedy
    assert read(path, voltage="two").fi_curve().count.tolist() == [0, 0, 3, 8, 12]


def test_a_flat_signal_is_not_the_cell(tmp_path: Path) -> None:
    pytest.importorskip("neo")
    sweeps = tuple(replace(s, voltage_mV=0.1 * s.voltage_mV / 70) for s in CELL.sweeps)
    path = write_wcp(
        tmp_path / "cell.wcp", CELL, ("dead", "Im", "cell"), ("mV", "pA", "mV"), first=sweeps
    )
    check_same_curve(read(path))
    assert "'dead' is flat" in repr(read(path))


@pytest.mark.parametrize("ending", sorted(ELSEWHERE))
def test_a_format_that_is_not_read_names_the_way_to_one_that_is(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"cell{ending}"
    path.write_bytes(b"DAT2 and more")
    error = refusal(path)
    assert error.reason == "format"
    assert ELSEWHERE[ending][0] in error.wrong
    assert any(word in error.remedy for word in ("CSV", "text"))


def test_a_packed_experiment_of_igor(tmp_path: Path) -> None:
    volts = np.concatenate([s.voltage_mV for s in CELL.sweeps]) * 1e-3
    amps = np.concatenate([s.current_pA for s in CELL.sweeps]) * 1e-12
    path = tmp_path / "cell.pxp"
    path.write_bytes(igor_experiment(igor_wave("Vm", volts, "V"), igor_wave("Im", amps, "A")))
    sweep = read(path).sweeps[0]
    np.testing.assert_allclose(sweep.voltage_mV, volts * 1e3, atol=1e-9)
    np.testing.assert_allclose(sweep.current_pA, amps * 1e12, atol=1e-9)
    path.write_bytes(path.read_bytes()[:-100])
    assert refusal(path).reason == "file"


@pytest.mark.parametrize("unit", ["__import__('os').system('touch ran')", "9**9**9**9", "mV*pA"])
def test_a_unit_is_text_and_is_not_evaluated(tmp_path: Path, monkeypatch, unit: str) -> None:
    """Neo's other readers hand units to `quantities`, which computes what they say."""
    pytest.importorskip("neo")
    monkeypatch.chdir(tmp_path)
    assert (
        refusal(write_wcp(tmp_path / "cell.wcp", CELL, units=("mV", unit))).reason == "no-current"
    )
    assert os.listdir(tmp_path) == ["cell.wcp"]


class _Trap:
    """What runs code when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return Path.touch, (self.target,)


def _endings() -> list[str]:
    neo = pytest.importorskip("neo")
    of_neo = {f".{ending}" for reader in neo.io.iolist for ending in reader.extensions if ending}
    return sorted({ending.lower() for ending in of_neo} | set(FORMATS) | {"", ".joblib", ".npy"})


@pytest.mark.parametrize("before", [b"", b"begins"], ids=["bare", "behind-the-right-beginning"])
def test_a_pickle_runs_nothing_whatever_its_name(tmp_path: Path, before: bytes) -> None:
    ran = tmp_path / "ran"
    content = pickle.dumps(_Trap(ran))
    pickle.loads(content)
    assert ran.exists()  # the trap works
    ran.unlink()
    endings = _endings()
    assert {".pkl", ".pickle", ".h5", ".mat", ".npy", ".nix"} <= set(endings)
    for ending in endings:
        form = OTHERS.get(ending)
        head = bytes(form.at) + form.begins[0] if before and form and form.begins else b""
        path = tmp_path / f"cell{ending}"
        path.write_bytes(head + content)
        reason = refusal(path).reason
        assert reason in ("file", "format", "truncated", "no-voltage"), ending
        assert ending in FORMATS or reason == "format", ending
        assert not ran.exists(), ending


def test_a_file_that_does_not_begin_as_its_format_is_not_opened(tmp_path: Path) -> None:
    for ending, form in OTHERS.items():
        path = tmp_path / f"cell{ending}"
        path.write_bytes(b"something else, and enough of it")
        error = refusal(path)
        assert error.reason == "file"
        if form.begins:
            assert form.program in error.wrong
