"""NWB files: which current a cell received, where the file says it twice, wrongly or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from recording_checks import CELL, check_same_curve, refusal

from bridge.recordings import read

pynwb = pytest.importorskip("pynwb")
RATE = CELL.sweeps[0].sampling_rate_Hz
LENGTH = len(CELL.sweeps[0])


class Making:
    """A file in the making, with one cell; every series has its sweep_number."""

    def __init__(self, bias_pA: float = 0.0) -> None:
        self.content = pynwb.NWBFile("made", "made", datetime(2020, 1, 1, tzinfo=UTC))
        device = self.content.create_device(name="amplifier")
        self.wires = [
            self.content.create_icephys_electrode(name=f"cell {k}", description="", device=device)
            for k in range(2)
        ]
        self.bias_pA = bias_pA
        self.responses = []

    def response(self, k: int, number: int | None = None) -> None:
        series = pynwb.icephys.CurrentClampSeries(
            name=f"in_{k}", data=CELL.sweeps[k].voltage_mV, conversion=1e-3,
            electrode=self.wires[0], gain=1.0, rate=RATE, starting_time=2.0 * k,
            sweep_number=np.uint64(k if number is None else number),
            bias_current=self.bias_pA * 1e-12,
        )  # fmt: skip
        self.content.add_acquisition(series)
        self.responses.append(series)

    def stimulus(
        self,
        k: int,
        name: str = "out",
        factor: float = 1.0,
        wire: int = 0,
        number: int | None = None,
    ) -> None:
        amps = factor * CELL.sweeps[k].current_pA - self.bias_pA
        self.content.add_stimulus(
            pynwb.icephys.CurrentClampStimulusSeries(
                name=f"{name}_{k}", data=amps, conversion=1e-12, electrode=self.wires[wire],
                gain=1.0, rate=RATE, starting_time=2.0 * k,
                sweep_number=np.uint64(k if number is None else number),
            )
        )  # fmt: skip

    def recorded(self, k: int, factor: float = 1.0) -> None:
        noise = np.random.default_rng(k).normal(0, 1, LENGTH)
        self.content.add_acquisition(
            pynwb.TimeSeries(
                name=f"seen_{k}", data=factor * CELL.sweeps[k].current_pA + noise,
                conversion=1e-12, unit="A", rate=RATE, starting_time=2.0 * k,
            )
        )  # fmt: skip

    def write(self, folder: Path) -> Path:
        path = folder / "cell.nwb"
        with pynwb.NWBHDF5IO(str(path), "w") as io:
            io.write(self.content)
        return path


def made(folder: Path, *, bias_pA: float = 0.0, command: bool = True, seen: float = 0.0) -> Path:
    file = Making(bias_pA)
    for k in range(len(CELL.sweeps)):
        file.response(k)
        if command:
            file.stimulus(k)
        if seen:
            file.recorded(k, seen)
    return file.write(folder)


def test_bias_is_added_to_commands_only(tmp_path: Path) -> None:
    """A measured current holds it already."""
    said = read(made(tmp_path, bias_pA=-20.0))
    held = said.fi_curve().provenance["holding_pA"]
    seen = read(made(tmp_path, bias_pA=-20.0, command=False, seen=1.0))
    assert seen.fi_curve().provenance["current_kind"] == "measured"
    assert seen.fi_curve().provenance["holding_pA"] == pytest.approx(held, abs=1)


def test_bias_of_version_1(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "cell.nwb"
    with h5py.File(path, "w") as file:
        for k, sweep in enumerate(CELL.sweeps):
            for place, values, unit, factor in (
                ("acquisition/timeseries", sweep.voltage_mV, "Volt", 1e-3),
                ("stimulus/presentation", sweep.current_pA - 30, "Amp", 1e-12),
            ):
                group = file.create_group(f"{place}/Sweep_{k}")
                group.create_dataset("data", data=values).attrs.update(
                    {"unit": unit, "conversion": factor}
                )
                group.create_dataset("starting_time", data=0.0).attrs["rate"] = RATE
                if "acquisition" in place:
                    group["bias_current"] = np.nan if k == 4 else 30e-12
    cell = read(path)
    for k, sweep in enumerate(cell.sweeps):
        off = 30 if k == 4 else 0
        np.testing.assert_allclose(sweep.current_pA, CELL.sweeps[k].current_pA - off, atol=1e-6)


def test_a_recorded_current_that_contradicts_the_stimulus(tmp_path: Path) -> None:
    check_same_curve(read(made(tmp_path, seen=1.05)))
    path = made(tmp_path, seen=2.0)
    error = refusal(path)
    assert error.reason == "contradiction"
    check_same_curve(read(path, current="command"))
    twice = read(path, current="measured").fi_curve().current_pA
    np.testing.assert_allclose(twice, 2 * CELL.fi_curve().current_pA, atol=1)


@pytest.mark.parametrize(("name", "factor"), [("aa", 2.0), ("zz", 2.0), ("aa", 1.0)])
def test_two_stimuli_of_one_number(tmp_path: Path, name: str, factor: float) -> None:
    file = Making()
    for k in range(len(CELL.sweeps)):
        file.response(k)
        file.stimulus(k)
    file.stimulus(3, name, factor)
    path = file.write(tmp_path)
    if factor == 1:
        check_same_curve(read(path))
        return
    error = refusal(path)
    assert error.reason == "contradiction"
    assert f"'{name}_3'" in error.wrong


def test_one_number_for_all_sweeps_leaves_it_to_their_names(tmp_path: Path) -> None:
    """The first stimulus would go to every response."""
    file = Making()
    for k in range(len(CELL.sweeps)):
        file.response(k, number=0)
        file.stimulus(k, number=0)
    check_same_curve(read(file.write(tmp_path)))


def test_the_stimulus_of_another_cell_is_not_taken(tmp_path: Path) -> None:
    file = Making()
    for k in range(len(CELL.sweeps)):
        file.response(k)
        file.stimulus(k, wire=1)
    other = pynwb.icephys.CurrentClampSeries(
        name="other", data=CELL.sweeps[0].voltage_mV, conversion=1e-3, electrode=file.wires[1],
        gain=1.0, rate=RATE,
    )  # fmt: skip
    file.content.add_acquisition(other)
    path = file.write(tmp_path)
    assert refusal(path, voltage="cell 0").reason == "no-stimulus"


def test_a_sweep_without_stimulus_is_said(tmp_path: Path) -> None:
    file = Making()
    for k in range(len(CELL.sweeps)):
        file.response(k)
        if k != 3:
            file.stimulus(k)
    cell = read(file.write(tmp_path))
    assert [sweep.number for sweep in cell.sweeps] == [0, 1, 2, 4]
    assert "'in_3'" in cell.fi_curve().provenance["left_out"][3]
    assert "sweep 3" in repr(cell)


def test_a_row_of_the_table_without_stimulus_is_said(tmp_path: Path) -> None:
    file = Making()
    wire = file.wires[0]
    common = {"electrode": wire, "gain": 1.0, "rate": RATE, "starting_time": 0.0}
    volts, amps = (
        np.concatenate([getattr(s, of) for s in CELL.sweeps]) for of in ("voltage_mV", "current_pA")
    )
    heard = pynwb.icephys.CurrentClampSeries(name="in", data=volts, conversion=1e-3, **common)
    told = pynwb.icephys.CurrentClampStimulusSeries(
        name="out", data=amps, conversion=1e-12, **common
    )
    file.content.add_acquisition(heard)
    file.content.add_stimulus(told)
    for k in range(len(CELL.sweeps)):
        row = {"response_start_index": k * LENGTH, "response_index_count": LENGTH}
        if k != 1:
            row |= {"stimulus_start_index": k * LENGTH, "stimulus_index_count": LENGTH}
            row |= {"stimulus": told}
        file.content.add_intracellular_recording(electrode=wire, response=heard, **row)
    cell = read(file.write(tmp_path))
    assert [sweep.number for sweep in cell.sweeps] == [0, 2, 3, 4]
    assert list(cell.fi_curve().provenance["left_out"]) == [1]


def test_a_pair_by_hand_is_compared_with_the_recorded_current(tmp_path: Path) -> None:
    """As one that the file itself makes is; the recorded current may be named instead."""
    count = len(CELL.sweeps)
    said = {f"in_{k}": f"out_{k}" for k in range(count)}
    path = made(tmp_path, seen=2.0)
    assert refusal(path, pairs=said).reason == "contradiction"
    check_same_curve(read(path, pairs=said, current="command"))
    seen = read(path, pairs={f"in_{k}": f"seen_{k}" for k in range(count)}).fi_curve()
    np.testing.assert_allclose(seen.current_pA, 2 * CELL.fi_curve().current_pA, atol=1)


@pytest.mark.parametrize("aside", [-1, 1])
def test_neighbours_without_a_gap_do_not_overlap(tmp_path: Path, aside: int) -> None:
    """1.4 - 2.1 is not -0.7 in binary digits, but sweep by sweep it is 0.7 s.

    Paired by hand with the sweep before or after it, a stimulus begins with its response.
    """
    length, count = 3500, 9
    content = pynwb.NWBFile("made", "made", datetime(2020, 1, 1, tzinfo=UTC))
    device = content.create_device(name="amplifier")
    wire = content.create_icephys_electrode(name="cell", description="", device=device)
    for k in range(count):
        common = {"electrode": wire, "gain": 1.0, "rate": 5000.0, "starting_time": 0.7 * k}
        amps = np.where(np.arange(length) < 100, 0.0, 10.0 * k)
        volts = -70 + 5 * np.sin(np.arange(length) / 100)
        content.add_acquisition(
            pynwb.icephys.CurrentClampSeries(name=f"in_{k}", data=volts, conversion=1e-3, **common)
        )
        content.add_stimulus(
            pynwb.icephys.CurrentClampStimulusSeries(
                name=f"out_{k}", data=amps, conversion=1e-12, **common
            )
        )
    path = tmp_path / "cell.nwb"
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(content)
    there = [k for k in range(count) if 0 <= k + aside < count]
    cell = read(path, pairs={f"in_{k}": f"out_{k + aside}" for k in there})
    assert len(cell.sweeps) == count - 1
    for k, sweep in zip(there, cell.sweeps, strict=True):
        expected = np.where(np.arange(length) < 100, 0.0, 10.0 * (k + aside))
        np.testing.assert_allclose(sweep.current_pA, expected, atol=1e-9)
