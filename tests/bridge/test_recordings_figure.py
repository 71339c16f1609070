"""The figure shows what was counted; the table that ships equals the recordings it came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.recordings import CellRecording, made_recording, read
from experiments.gallery.units.recorded_traces import RecordedPanel, recorded_figure
from experiments.kit.recorded import recorded_curve


def test_figure_marks_every_counted_spike_and_opens_the_blocked_points() -> None:
    healthy = made_recording([0, 50, 100], [0, 4, 9]).sweeps
    cell = CellRecording((*healthy, *made_recording([500], [0]).sweeps), "cell")
    figure = recorded_figure([RecordedPanel("Cell", cell, 90)])
    voltage, _, curve = figure.axes
    ticks = voltage.lines[1].get_xdata()
    np.testing.assert_allclose(ticks, 1e3 * cell.spikes_in(cell.steps[2]))
    assert "100 pA: 9 spikes" in voltage.get_title(loc="left") + voltage.get_title()
    points = {line.get_label(): line for line in curve.lines}
    assert points["firing"].get_xdata().tolist() == [0, 50, 100]
    assert points["ends in block"].get_xdata().tolist() == [500]
    assert points["ends in block"].get_markerfacecolor() == "white"


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("regular", "18713001.abf"),
        ("fast-spiking", "2019_07_24_0055_fsi.abf"),
        ("block", "171116sh_0019.abf"),
        ("continuous", "B6_Ch0_IDRest_181.ibw"),
    ],
)
def test_table_that_ships_equals_the_recordings(shared_data: Path, cell: str, name: str) -> None:
    if name.endswith(".abf"):
        pytest.importorskip("pyabf")
    curve = read(shared_data / "recordings" / name).fi_curve()
    table = recorded_curve(cell)
    np.testing.assert_allclose(curve.current_pA, table.current_pA, atol=1e-3)
    assert curve.count.tolist() == table.count.tolist()
    assert curve.window_s.tolist() == table.window_s.tolist()
