"""Neo beside pyABF: both agree on an ABF file, or the difference is named or refused."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from recording_checks import check_same_curve, refusal
from recording_files import Channel, Command, change, write_abf

from bridge.recordings import RecordingError, compare_readers, made_recording, read
from bridge.recordings.formats.second_reader import _samples
from neurosim.errors import ExtraMissingError

pytest.importorskip("pyabf")
rawio = pytest.importorskip("neo.rawio")

STAIR = made_recording([0, 50, 100, 150], [0, 2, 6, 11], length_s=0.64, sampling_rate_Hz=5000)
VOLTS = np.stack([s.voltage_mV for s in STAIR.sweeps])
AMPS = np.stack([s.current_pA for s in STAIR.sweeps])
CELL, INJECTED = Channel("Vm", "mV", VOLTS), Channel("Im", "pA", AMPS)
STEPS = Command("pA", (0, 0), (0, 50), (450, 2500))

# Where an ABF 1 header has the sizes of its tables, and the order of sampling.
TABLE_OF_SWEEPS, SAMPLING, NAMES, SKIPPED = 96, 410, 442, 14


def _whats(path: Path) -> list[str]:
    return [difference.what for difference in compare_readers(path).differences]


def test_both_read_the_same(tmp_path: Path) -> None:
    path = write_abf(tmp_path / "cell.abf", [CELL, INJECTED], [STEPS])
    found = compare_readers(path)
    assert found.agree
    assert found.not_compared == ("command: Neo computes none of ABF 1",)
    cell = read(path)
    check_same_curve(cell, STAIR, 1e-4)
    assert cell.fi_curve().provenance["readers"] == "pyABF and Neo agree"
    assert "readers" not in repr(cell)


def test_a_difference_that_changes_no_number_is_named(tmp_path: Path) -> None:
    """Without a table of sweeps Neo takes them for one; a channel without a name it calls ch0."""
    path = write_abf(tmp_path / "cell.abf", [CELL], [STEPS])
    change(change(path, "i", TABLE_OF_SWEEPS, 0), "10s", NAMES, b"")
    assert _whats(path) == ["channel names", "sweeps"]
    cell = read(path)
    check_same_curve(cell, STAIR, 1e-4)
    said = cell.fi_curve().provenance["readers"]
    assert "pyABF says 4, Neo 1" in said
    assert "Neo 'ch0'" in said
    assert "pyABF and Neo differ" in repr(cell)


def test_a_difference_in_the_samples_is_refused(tmp_path: Path) -> None:
    """Where one input is named twice, pyABF scales both channels by it, and Neo each by its own."""
    path = write_abf(tmp_path / "cell.abf", [CELL, INJECTED], [STEPS])
    change(path, "2h", SAMPLING, 1, 1)
    (said,) = (d for d in compare_readers(path).differences if d.what == "samples")
    assert "pyABF's gain is" in said.neo
    error = refusal(path, voltage="Im", voltage_unit="mV")
    assert error.reason == "contradiction"
    assert "two readers differ in the samples" in error.wrong
    assert "ATF" in error.remedy


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1.0, np.nan, np.inf], ""),
        ([1.0, np.nan, -np.inf], "at sample 2"),
        ([1.0, 5.0, np.inf], "at sample 1"),
        ([1.0 + 1e-7, np.nan, np.inf], ""),
    ],
)
def test_what_is_no_number_is_compared_too(values: list[float], words: str) -> None:
    abf = SimpleNamespace(
        channelCount=1,
        adcNames=["Vm"],
        adcUnits=["mV"],
        data=np.array([[1.0, np.nan, np.inf]]),
    )
    found = _samples(abf, [np.array(values)[:, None]], None)
    assert [words in str(difference) for difference in found] == [True] * bool(words)


def test_a_sweep_that_began_elsewhere_is_named(tmp_path: Path) -> None:
    path = write_abf(tmp_path / "cell.abf", [CELL], [STEPS])
    size = VOLTS.shape[1]
    table = np.array([(k * 10 * size, size) for k in range(4)], "<i4").tobytes()
    whole = path.read_bytes()
    path.write_bytes(whole[:-512] + table.ljust(512, b"\0"))
    (starts,) = compare_readers(path).differences
    assert starts.what == "starts of sweeps"
    assert starts.neo == "6.4 s, 12.8 s, 19.2 s"
    check_same_curve(read(path), STAIR, 1e-4)


def test_a_tag_in_another_place_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rawio.AxonRawIO, "_event_count", lambda *_: 1)
    monkeypatch.setattr(
        rawio.AxonRawIO, "_get_event_timestamps", lambda *_: (np.array([5000]), None, ["1"])
    )
    path = write_abf(tmp_path / "cell.abf", [CELL], [STEPS])
    (tag,) = compare_readers(path).differences
    assert str(tag) == "tags: pyABF says none, Neo 1 s; no curve is made of them"


@pytest.mark.parametrize("rate_Hz", [5000, 1e6 / 300, 1e6 / 24])
def test_the_rate_is_that_of_the_header(tmp_path: Path, rate_Hz: float) -> None:
    """pyABF drops what lies behind the point, and makes 4999 Hz of 5 kHz in three channels."""
    path = write_abf(tmp_path / "cell.abf", [CELL, INJECTED, INJECTED], [STEPS], rate_Hz=rate_Hz)
    assert "sampling rate" not in _whats(path)
    sweep = read(path, current="command").sweeps[0]
    assert sweep.sampling_rate_Hz == pytest.approx(rate_Hz, rel=2e-7)


def test_another_rate_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rawio.AxonRawIO, "get_signal_sampling_rate", lambda *_: 2500.0)
    error = refusal(write_abf(tmp_path / "cell.abf", [CELL], [STEPS]))
    assert error.reason == "contradiction"
    assert "pyABF says 5000 Hz, Neo 2500 Hz" in error.wrong


def test_a_file_that_neo_cannot_read_is_read_by_pyabf_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neo refuses modes of acquisition that it does not know."""
    path = write_abf(tmp_path / "cell.abf", [CELL, INJECTED], [STEPS], operation_mode=4)
    assert _whats(path) == ["file"]
    said = read(path, current="Im").fi_curve().provenance["readers"]
    assert "Mode 4 is not currently supported" in said


def test_without_neo_read_says_that_it_was_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_abf(tmp_path / "cell.abf", [CELL], [STEPS])
    monkeypatch.setitem(sys.modules, "neo.rawio", None)
    assert "Neo is not installed" in read(path).fi_curve().provenance["readers"]
    with pytest.raises(ExtraMissingError, match=r"\[neo\]"):
        compare_readers(path)


def test_what_is_no_abf_file_is_refused_before_it_is_compared(tmp_path: Path) -> None:
    path = write_abf(tmp_path / "cell.abf", [CELL], [STEPS])
    path.write_bytes(path.read_bytes()[:9000])
    for file, reason in ((path, "truncated"), (tmp_path / "none.abf", "file")):
        with pytest.raises(RecordingError) as caught:
            compare_readers(file)
        assert caught.value.reason == reason
        assert file.name in str(caught.value)


@pytest.mark.parametrize("name", ["18713001", "2019_07_24_0055_fsi", "171116sh_0019"])
def test_neo_draws_the_command_of_real_cells_as_pyabf_does(shared_data: Path, name: str) -> None:
    """ABF 2 with steps only, so that Neo's own drawing of the protocol is a second witness."""
    found = compare_readers(shared_data / "recordings" / f"{name}.abf")
    assert found.agree
    assert not found.not_compared
