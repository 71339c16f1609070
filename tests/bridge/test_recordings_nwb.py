"""NWB files: responses and stimuli belong together, and lie where they say."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recording_checks import CELL, check_same_curve, refusal

from bridge.recordings import read
from experiments.command.options import RecordingReading
from neurosim.errors import ParameterError


def _nwb(
    path: Path,
    *,
    pairing: str = "sweep_number",
    clamp: str = "current",
    stimulus: bool = True,
    factor: float = 1e-12,
    electrodes: int = 1,
    starts_s: float = 0.0,
    command_starts_s: Any = None,
    shift: int = 0,
) -> Path:
    pynwb = pytest.importorskip("pynwb")
    from pynwb import icephys

    content = pynwb.NWBFile("made", "made", datetime(2020, 1, 1, tzinfo=UTC))
    device = content.create_device(name="amplifier")
    wires = [
        content.create_icephys_electrode(name=f"cell {k}", description="", device=device)
        for k in range(electrodes)
    ]
    for k, sweep in enumerate(CELL.sweeps):
        common = {
            "electrode": wires[k % electrodes],
            "gain": 1.0,
            "rate": sweep.sampling_rate_Hz,
            "starting_time": starts_s + 2.0 * k,
        }
        if pairing == "sweep_number":
            common["sweep_number"] = np.uint64(k)
        if clamp == "voltage":
            content.add_acquisition(
                icephys.VoltageClampSeries(name=f"in_{k}", data=sweep.current_pA, **common)
            )
            continue
        response = icephys.CurrentClampSeries(
            name=f"in_{k}", data=sweep.voltage_mV.astype("f4"), conversion=1e-3, **common
        )
        content.add_acquisition(response)
        if not stimulus:
            continue
        if command_starts_s is not None:
            common["starting_time"] = command_starts_s[k]
        played = (k + shift) % len(CELL.sweeps)
        command = icephys.CurrentClampStimulusSeries(
            name=f"out_{played}",
            data=CELL.sweeps[played].current_pA,
            conversion=factor,
            **common,
        )
        content.add_stimulus(command)
        if pairing == "table":
            content.add_intracellular_recording(
                electrode=wires[k % electrodes], stimulus=command, response=response
            )
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(content)
    return path


@pytest.mark.parametrize("pairing", ["sweep_number", "table", "name"])
def test_nwb(tmp_path: Path, pairing: str) -> None:
    check_same_curve(read(_nwb(tmp_path / "cell.nwb", pairing=pairing)))


def test_nwb_whose_stimuli_do_not_say_when_they_begin(tmp_path: Path) -> None:
    """PyNWB puts 0 if nothing is said; sweeps cannot all begin there."""
    path = _nwb(tmp_path / "cell.nwb", starts_s=0.3, command_starts_s=[0.0] * 5)
    check_same_curve(read(path))


def test_nwb_whose_stimulus_begins_after_its_response_has_ended(tmp_path: Path) -> None:
    path = _nwb(tmp_path / "cell.nwb", command_starts_s=[0.0, 2.0, 4.0, 6.0, 9.5])
    error = refusal(path)
    assert error.reason == "format"
    assert "1.5 s after" in error.wrong
    assert "'out_4'" in error.wrong


def test_nwb_with_times_of_samples(tmp_path: Path) -> None:
    """Series with timestamps begin where these do."""
    h5py = pytest.importorskip("h5py")
    path = _nwb(tmp_path / "cell.nwb")
    with h5py.File(path, "a") as file:
        for k, sweep in enumerate(CELL.sweeps):
            for place, late in (
                (f"acquisition/in_{k}", 0.0),
                (f"stimulus/presentation/out_{k}", 0.05),
            ):
                group = file[place]
                del group["starting_time"]
                data = group["data"][round(late * 5000) :]
                attributes = dict(group["data"].attrs)
                del group["data"]
                group.create_dataset("data", data=data).attrs.update(attributes)
                times = group.create_dataset(
                    "timestamps", data=sweep.time_s[: len(data)] + 3 * k + late
                )
                times.attrs["interval"], times.attrs["unit"] = np.int32(1), "seconds"
    check_same_curve(read(path))


def test_nwb_without_stimulus(tmp_path: Path) -> None:
    error = refusal(_nwb(tmp_path / "cell.nwb", stimulus=False))
    assert error.reason == "no-stimulus"
    assert "CurrentClampStimulusSeries" in error.remedy


def test_nwb_in_voltage_clamp(tmp_path: Path) -> None:
    assert refusal(_nwb(tmp_path / "cell.nwb", clamp="voltage")).reason == "voltage-clamp"


def test_nwb_with_a_wrong_factor_and_its_remedy(tmp_path: Path) -> None:
    path = _nwb(tmp_path / "cell.nwb", factor=1e-9)
    error = refusal(path)
    assert error.reason == "units"
    assert 'current_unit="pA"' in error.remedy
    check_same_curve(read(path, current_unit="pA"))


def test_nwb_of_two_cells(tmp_path: Path) -> None:
    path = _nwb(tmp_path / "cells.nwb", electrodes=2)
    assert refusal(path).reason == "choice"
    assert "'cell 0', 'cell 1'" in refusal(path, voltage="cell 7").remedy
    one = read(path, voltage="cell 0")
    assert [sweep.number for sweep in one.sweeps] == [0, 2, 4]


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_truncated_nwb(tmp_path: Path, kept: float) -> None:
    path = _nwb(tmp_path / "cell.nwb")
    raw = path.read_bytes()
    path.write_bytes(raw[: int(kept * len(raw))])
    assert refusal(path).reason == "truncated"


def _nwb_long(path: Path, *, late_s: float = 0.0, bias_pA: float = 0.0) -> Path:
    """Write all sweeps one after the other in one series, as the table of recordings allows."""
    pynwb = pytest.importorskip("pynwb")
    from pynwb import icephys

    content = pynwb.NWBFile("made", "made", datetime(2020, 1, 1, tzinfo=UTC))
    device = content.create_device(name="amplifier")
    wire = content.create_icephys_electrode(name="cell", description="", device=device)
    rate, length = CELL.sweeps[0].sampling_rate_Hz, len(CELL.sweeps[0])
    common = {"electrode": wire, "gain": 1.0, "rate": rate}
    late = round(late_s * rate)
    volts, amps = ([getattr(s, name) for s in CELL.sweeps] for name in ("voltage_mV", "current_pA"))
    response = icephys.CurrentClampSeries(
        name="in", data=np.concatenate(volts), conversion=1e-3, starting_time=1.0,
        bias_current=bias_pA * 1e-12, **common,
    )  # fmt: skip
    command = icephys.CurrentClampStimulusSeries(
        name="out", data=np.concatenate(amps)[late:] - bias_pA, conversion=1e-12,
        starting_time=1.0 + late_s, **common,
    )  # fmt: skip
    content.add_acquisition(response)
    content.add_stimulus(command)
    for k in range(len(CELL.sweeps)):
        first = k * length
        start = max(first - late, 0)
        content.add_intracellular_recording(
            electrode=wire, stimulus=command, response=response,
            response_start_index=first, response_index_count=length,
            stimulus_start_index=start, stimulus_index_count=first + length - late - start,
        )  # fmt: skip
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(content)
    return path


@pytest.mark.parametrize("late_s", [0.0, 0.05])
@pytest.mark.parametrize("bias_pA", [0.0, -20.0])
def test_nwb_of_one_long_series_by_its_table(tmp_path: Path, late_s: float, bias_pA: float) -> None:
    """Ranges of samples, starting times and the amplifier's bias are what they say."""
    cell = read(_nwb_long(tmp_path / "cell.nwb", late_s=late_s, bias_pA=bias_pA))
    assert len(cell) == 5
    assert {len(sweep) for sweep in cell.sweeps} == {len(CELL.sweeps[0])}
    check_same_curve(cell)
    assert cell.fi_curve().provenance["holding_pA"] == pytest.approx(-20)


def test_nwb_whose_table_goes_beyond_its_series(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = _nwb_long(tmp_path / "cell.nwb")
    with h5py.File(path, "a") as file:
        rows = file["general/intracellular_ephys/intracellular_recordings/responses/response"]
        changed = rows[...]
        changed["count"][4] += 7
        rows[...] = changed
    assert refusal(path).reason in ("truncated", "file")


def _nwb_1(path: Path, *, stimulus: bool = True) -> Path:
    """Write the cell as version 1 has it, with one sweep in voltage clamp before."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        responses = file.create_group("acquisition/timeseries")
        stimuli = file.create_group("stimulus/presentation")
        told = [(10 + s.number, s.voltage_mV * 1e-3, s.current_pA) for s in CELL.sweeps]
        for number, volts, amps in told:
            for group, values, unit, factor in (
                (responses, volts, "Volts", 1.0),
                (stimuli, amps, "Amps", 1e-12),
            ):
                if group is stimuli and not stimulus:
                    continue
                series = group.create_group(f"Sweep_{number}")
                data = series.create_dataset("data", data=values)
                data.attrs["unit"], data.attrs["conversion"] = np.bytes_(unit), factor
                series.create_dataset("starting_time", data=0.0).attrs["rate"] = 5000.0
        clamped = responses.create_group("Sweep_3")
        data = clamped.create_dataset("data", data=CELL.sweeps[0].current_pA)
        data.attrs["unit"], data.attrs["conversion"] = np.bytes_("Amps"), 1e-12
        clamped.create_dataset("starting_time", data=0.0).attrs["rate"] = 5000.0
    return path


def test_nwb_1(tmp_path: Path) -> None:
    pytest.importorskip("pynwb")
    cell = read(_nwb_1(tmp_path / "cell.nwb"))
    assert [sweep.number for sweep in cell.sweeps] == [10, 11, 12, 13, 14]
    check_same_curve(cell)


def test_nwb_1_without_stimulus(tmp_path: Path) -> None:
    pytest.importorskip("pynwb")
    error = refusal(_nwb_1(tmp_path / "cell.nwb", stimulus=False))
    assert error.reason == "no-stimulus"


def test_nwb_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "cell.nwb"
    path.write_text("not HDF5")
    assert refusal(path).reason == "file"


def _named(path: Path, heard: list[str], given: list[str], *, starts: bool) -> Path:
    """Write sweeps with names of their own and no sweep numbers."""
    pynwb = pytest.importorskip("pynwb")
    from pynwb import icephys

    content = pynwb.NWBFile("made", "made", datetime(2020, 1, 1, tzinfo=UTC))
    device = content.create_device(name="amplifier")
    wire = content.create_icephys_electrode(name="cell", description="", device=device)
    for k, (response, stimulus) in enumerate(zip(heard, given, strict=True)):
        sweep = CELL.sweeps[k]
        common = {
            "electrode": wire, "gain": 1.0, "rate": sweep.sampling_rate_Hz,
            "starting_time": 2.0 * k if starts else 0.0,
        }  # fmt: skip
        content.add_acquisition(
            icephys.CurrentClampSeries(
                name=response, data=sweep.voltage_mV, conversion=1e-3, **common
            )
        )
        content.add_stimulus(
            icephys.CurrentClampStimulusSeries(
                name=stimulus, data=sweep.current_pA, conversion=1e-12, **common
            )
        )
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(content)
    return path


WORDS = ["first", "second", "third", "fourth", "fifth"]
LEVELS = ["zero", "weak", "medium", "strong", "strongest"]


@pytest.mark.parametrize(
    ("heard", "given"),
    [
        # HDF5 sorts both by name: they were paired in the order of the alphabet.
        ([f"Vm_{w}" for w in WORDS], [f"Im_{w}" for w in LEVELS]),
        # Counted from 0 and from 1: they were paired one off.
        ([f"Vm_s{k}" for k in range(5)], [f"s{k + 1}" for k in range(5)]),
        ([f"Vm_{k + 2}" for k in range(5)], [f"Im_{k}" for k in range(5)]),
    ],
)
def test_nwb_whose_series_do_not_say_which_belong_together(
    tmp_path: Path, heard: list[str], given: list[str]
) -> None:
    error = refusal(_named(tmp_path / "a.nwb", heard, given, starts=False))
    assert error.reason == "no-stimulus"
    assert "sweep_number" in error.remedy
    # Starting times say it.
    check_same_curve(read(_named(tmp_path / "b.nwb", heard, given, starts=True)))


def test_nwb_of_several_responses_that_share_a_start_and_one_stimulus(tmp_path: Path) -> None:
    """Each response was given the only stimulus, which one of them received."""
    h5py = pytest.importorskip("h5py")
    names = [f"Vm_{w}" for w in WORDS], [f"Im_{w}" for w in LEVELS]
    path = _named(tmp_path / "a.nwb", *names, starts=False)
    with h5py.File(path, "a") as file:
        for level in LEVELS[:-1]:
            del file[f"stimulus/presentation/Im_{level}"]
    assert refusal(path).reason == "no-stimulus"


def test_nwb_whose_last_response_has_no_stimulus_of_its_number(tmp_path: Path) -> None:
    """What is left over on one side only is left out, and the others stay paired."""
    h5py = pytest.importorskip("h5py")
    names = [f"Vm_{k}" for k in range(5)], [f"Im_{k}" for k in range(5)]
    path = _named(tmp_path / "a.nwb", *names, starts=False)
    with h5py.File(path, "a") as file:
        del file["stimulus/presentation/Im_4"]
    cell = read(path)
    assert [sweep.number for sweep in cell.sweeps] == [0, 1, 2, 3]
    assert len(cell.unused) == 1


def test_stimuli_are_paired_by_hand_against_what_the_file_says(tmp_path):
    count = len(CELL.sweeps)
    file = _nwb(tmp_path / "cell.nwb", pairing="table", shift=1)
    assert refusal(file).reason == "units"
    check_same_curve(read(file, pairs={f"in_{k}": f"out_{k}" for k in range(count)}))
    # What is not named is left out, and that is said.
    some = read(file, pairs={f"in_{k}": f"out_{k}" for k in range(2, count)})
    assert len(some.sweeps) == count - 2
    assert [why for _, why in some.unused] == [f"'in_{k}' is not in pairs" for k in (0, 1)]


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ({"in_00": "out_0"}, "no response of this cell is called 'in_00'"),
        ({"in_0": "out_99"}, "no current of this cell is called 'out_99'"),
        ({"in_0": "in_1"}, "no current of this cell is called 'in_1'"),
        ({}, "says no names"),
        ({"in_0": None}, "says no names"),
        (["in_0"], "says no names"),
    ],
)
def test_a_pair_that_is_none_is_refused_by_name(tmp_path, pairs, said):
    file = _nwb(tmp_path / "cell.nwb")
    error = refusal(file, pairs=pairs)
    assert error.reason == "choice"
    assert said in str(error)


def test_pairs_are_of_nwb_files_and_can_be_typed(tmp_path):
    table = tmp_path / "cell.csv"
    table.write_text("sweep,time_s,voltage_mV,current_pA\n0,0,-70,0\n")
    assert refusal(table, pairs={"a": "b"}).reason == "choice"
    reading = RecordingReading(pair=["in_0=out_1", "in_1 = out_0"])
    assert reading.settings() == {"pairs": {"in_0": "out_1", "in_1": "out_0"}}
    for wrong in (["in_0"], ["in_0="], ["in_0=a", "in_0=b"]):
        with pytest.raises(ParameterError, match="--pair 'in_0"):
            RecordingReading(pair=wrong).settings()
