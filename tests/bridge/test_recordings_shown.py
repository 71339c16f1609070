"""How a recorded cell shows itself: its text, its table, and its picture by content."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from bridge.recordings import CellRecording, Sweep, made_recording
from neurosim.measure import Intrinsic

CELL = made_recording([-50, 0, 100, 200], [0, 0, 5, 12], name="<b>cell</b>", noise_mV=0.02)


def _pixels(figure: Figure) -> np.ndarray:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


def test_text_says_what_it_is():
    said = repr(CELL)
    for part in ("4 of 0.7 s", "10 kHz", "-50 to 200 pA", "0.5 s", "spikes in steps 17"):
        assert part in said


def test_table_escapes_the_name():
    html = CELL._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;cell&lt;/b&gt;" in html
    assert "<td>17</td>" in html


def test_without_steps_it_says_why():
    flat = CellRecording((Sweep(0, 1e4, np.linspace(-70, -69, 9000), np.zeros(9000)),))
    assert "none" in repr(flat)
    assert flat.plot() is not None


def test_properties_are_a_table_with_units():
    said = repr(CELL.properties)
    assert "input resistance" in said
    assert "99.97 Mohm" in said
    assert "V/s" in said
    html = CELL.properties._repr_html_()
    assert "<td>rheobase</td><td>100</td><td>pA</td>" in html
    # Nothing ends in depolarisation block.
    assert "<td>blocked from</td><td>-</td><td>pA</td>" in html


def test_a_modelled_cell_shows_the_same_table():
    shared = [1.0] * 15
    found = Intrinsic(*shared, refractory_ms=2.0, current_pA=(50.0, 60.0), rate_Hz=(5.0, 9.0))
    assert "rate              5, 9 Hz" in repr(found)
    assert "<td>criterion</td><td>10</td><td>mV/ms</td>" in found._repr_html_()


def test_plot_draws_every_sweep_its_spikes_and_its_current():
    figure, axes = plt.subplots()
    voltage = CELL.plot(ax=axes)
    assert voltage is axes
    current = next(other for other in figure.axes if other is not axes)
    assert (voltage.get_xlabel(), voltage.get_ylabel()) == ("time (s)", "potential (mV)")
    assert current.get_ylabel() == "current (pA)"
    lines = {line.get_label(): line for line in voltage.lines if line.get_label() != "_spikes"}
    amps = {line.get_label(): line for line in current.lines}
    for sweep in CELL.sweeps:
        name = f"sweep {sweep.number}"
        np.testing.assert_array_equal(lines[name].get_ydata(), sweep.voltage_mV)
        np.testing.assert_array_equal(amps[name].get_ydata(), sweep.current_pA)
        assert lines[name].get_color() is not None
    ticks = [line.get_xdata() for line in voltage.lines if line.get_label() == "_spikes"]
    assert [len(times) for times in ticks] == [5, 12]
    np.testing.assert_allclose(ticks[0], CELL.spikes_s[2])
    # The steps are shaded, from their start to their end.
    (span,) = voltage.patches
    assert span.get_extents().width > 0
    bounds = span.get_path().vertices[:, 0] if not hasattr(span, "get_x") else None
    edges = (span.get_x(), span.get_x() + span.get_width()) if bounds is None else bounds
    assert min(edges) == pytest.approx(0.1)
    assert max(edges) == pytest.approx(0.6)
    # Currents lie below potentials.
    down = current.transData.transform([(0.3, 200.0)])[0, 1]
    up = voltage.transData.transform([(0.3, CELL.sweeps[0].voltage_mV.min())])[0, 1]
    assert down < up
    plt.close(figure)


def test_plot_takes_the_style_that_is_set_and_differs_where_it_should():
    pictures = []
    for style, cell in (
        ({}, CELL),
        ({"image.cmap": "plasma"}, CELL),
        ({}, made_recording([100], [5])),
    ):
        with mpl.rc_context(style):
            axes = cell.plot()
            pictures.append(_pixels(axes.figure))
            plt.close(axes.figure)
    assert (pictures[0] != pictures[1]).any()
    assert (pictures[0] != pictures[2]).any()
