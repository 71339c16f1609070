"""What recordings and neurons draw: the spikes, potentials and places that are in them."""

import matplotlib as mpl
import numpy as np
import pytest
from brian2 import ms, mV, nA, pA, um

from neurosim import LIF, Constant, Neuron, simulate
from neurosim.channels import Leak
from neurosim.describe.parts import Detector
from neurosim.drawing.animation import animate_cable
from neurosim.drawing.recordings import draw_raster, draw_rate, svg_of_raster
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.morphology import PerBranch, at, ball_and_stick, branch, every, everywhere

mpl.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def point():
    current = {"current": [0, 200, 400] * pA}
    return simulate(LIF(), 200 * ms, batch=current, record=["v", "I_stim"], engine="numpy")


@pytest.fixture(scope="module")
def extent():
    cell = Neuron(ball_and_stick(20 * um, 300 * um, 2 * um), PerBranch(4)).paint(Leak())
    return simulate(
        cell.probe("v", everywhere),
        5 * ms,
        stimulus=Constant(0.1 * nA),
        batch={"E": [-70, -60] * mV},
    )


def _pixels(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def test_plot_shows_the_potential_and_a_tick_for_each_spike(point):
    axes = point.plot()
    lines = axes.get_lines()
    assert [line.get_label() for line in lines] == ["row 0", "row 1", "row 2"]
    for row, line in enumerate(lines):
        np.testing.assert_allclose(line.get_xdata(), point.trace_time_s * 1e3)
        np.testing.assert_allclose(line.get_ydata(), point.traces_si["v"][row] * 1e3)
    ticks = [np.array([s[0, 0] for s in c.get_segments()]) for c in axes.collections]
    for row, train in enumerate(ticks):
        np.testing.assert_allclose(train, np.asarray(point.spike_train(row) / ms))
    # The ticks are in the picture, above every trace.
    low = min(s[:, 1].min() for c in axes.collections for s in c.get_segments())
    high = max(s[:, 1].max() for c in axes.collections for s in c.get_segments())
    assert point.traces_si["v"].max() * 1e3 < low < high < axes.get_ylim()[1]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (ms)", "v (mV)")
    assert point.plot("I_stim", rows=[2]).get_ylabel() == "I_stim (pA)"


def test_plot_draws_where_it_is_told_and_refuses_what_was_not_traced(point):
    _, axes = plt.subplots(1, 2)
    before = _pixels(axes[0].figure)
    assert point.plot(ax=axes[1]) is axes[1]
    assert not axes[0].get_lines()
    after = _pixels(axes[0].figure)
    # The left axes are as they were, up to where labels of the right ones may begin.
    end = int(np.mean(axes[0].get_window_extent().intervalx))
    assert (before[:, :end] == after[:, :end]).all()
    assert (before[:, end:] != after[:, end:]).any()
    with pytest.raises(UnknownNameError, match="'w' was not recorded"):
        point.plot("w")
    with pytest.raises(ParameterError, match="row 7 was not traced"):
        point.plot(rows=[7])


def test_the_raster_has_a_stroke_for_each_spike(point):
    axes = point.plot_raster()
    (strokes,) = axes.collections
    middles = np.array([[s[0, 0], s[:, 1].mean()] for s in strokes.get_segments()])
    np.testing.assert_allclose(middles[:, 0], point.spike_time_s * 1e3)
    np.testing.assert_allclose(middles[:, 1], point.spike_row)
    assert axes.get_ylim() == (-0.5, 2.5)
    assert axes.get_xlabel() == "time (ms)"
    # A row that is silent stays white, the others do not.
    dark = (_pixels(axes.figure).sum(axis=2) < 600).astype(int)
    box = axes.get_window_extent()
    inside = dark[::-1][int(box.y0) + 4 : int(box.y1) - 4, int(box.x0) + 4 : int(box.x1) - 4]
    thirds = [part.sum() for part in np.array_split(inside, 3)]
    assert thirds[0] == 0
    assert thirds[2] > thirds[1] > 0


def test_long_runs_are_drawn_in_seconds_and_nothing_is_drawn_of_silence():
    axes = draw_raster(np.zeros(0, int), np.zeros(0), 3, 10.0)
    assert axes.get_xlabel() == "time (s)"
    assert axes.get_xlim() == (0, 10)
    assert draw_rate(np.zeros(0), 3, 10.0, 1.0).patches[0].get_data().values.sum() == 0


def test_the_rate_counts_every_spike_once(point):
    axes = point.plot_rate(width=30 * ms)
    data = axes.patches[0].get_data()
    # The last bin is what is left of the run.
    np.testing.assert_allclose(data.edges, [0, 30, 60, 90, 120, 150, 180, 200])
    spikes = data.values * np.diff(data.edges) / 1e3 * point.rows
    assert spikes.sum() == pytest.approx(point.counts().sum())
    assert spikes[1] == pytest.approx(point.counts(30 * ms, 60 * ms).sum())
    assert axes.get_ylabel() == "rate (spikes/s, mean of 3 rows)"


def test_rate_is_spikes_a_second(point):
    np.testing.assert_allclose(point.rate_Hz, point.counts() / 0.2)


def test_a_notebook_sees_rates_and_a_raster(point):
    html = point._repr_html_()
    assert "Constant" in html
    assert html.count("<svg") == 1
    assert html.count("M") - html.count("Mohm") >= point.counts().sum()
    assert f"{point.rate_Hz.mean():.3g} spikes/s" in html
    assert f"{point.counts().sum()} spikes" in repr(point)
    few = svg_of_raster(np.arange(10000) % 100, np.linspace(0, 1, 10000), 100, 1.0)
    assert len(few) < 60_000


@pytest.mark.slow
def test_a_probe_everywhere_is_read_back_as_a_matrix_with_positions(extent):
    found = extent.matrix("v")
    assert found.values.shape == (2, len(extent.trace_time_s), 8)
    assert found.values.dim == mV.dim
    assert found.compartments.tolist() == list(range(8))
    np.testing.assert_array_equal(found.values[1, :, 5], extent.trace("v[5]")[1])
    np.testing.assert_allclose(np.asarray(found.distance), extent.neuron.compartments.distance_m)
    assert found.xyz.shape == (8, 3)
    with pytest.raises(UnknownNameError, match="there is no probe 'w'"):
        extent.matrix("w")
    assert every(everywhere) == extent.neuron.probed[0].site


def test_space_time_shows_every_compartment_by_its_length(extent):
    axes = extent.plot_space_time(row=1)
    (mesh,) = [c for c in axes.collections if c.get_array() is not None]
    shown = np.asarray(mesh.get_array()).reshape(8, -1)
    np.testing.assert_allclose(shown, np.asarray(extent.matrix().values[1].T / mV))
    corners = mesh.get_coordinates()[:, 0, 1]
    np.testing.assert_allclose(corners, np.append([0, 5, 10, 15], np.arange(20, 321, 75)))
    assert axes.get_xlabel() == "time (ms)"
    assert "µm" in axes.get_ylabel()
    assert axes.figure.axes[1].get_ylabel() == "v (mV)"
    with pytest.raises(ParameterError, match="there is no row 2"):
        extent.plot_space_time(row=2)


def test_an_animation_shows_each_moment_and_is_saved_whole(extent, tmp_path):
    made = extent.animate(row=1, step=1 * ms, path=tmp_path / "spike.gif")
    assert [path.name for path in tmp_path.iterdir()] == ["spike.gif"]
    assert (tmp_path / "spike.gif").read_bytes()[:6] == b"GIF89a"
    axes = made._fig.axes[0]
    values = np.asarray(extent.matrix().values[1] / mV)
    seen = []
    for frame in (0, 4):
        made._func(frame)
        pieces = [c for c in axes.collections if c.get_array() is not None]
        moment = frame * 40
        assert set(np.round(pieces[0].get_array(), 6)) == set(np.round(values[moment], 6))
        assert pieces[0].get_clim() == (values[::40].min(), values[::40].max())
        assert axes.get_title() == f"{frame} ms"
        seen.append(_pixels(made._fig))
    assert (seen[0] != seen[1]).any()
    from PIL import Image

    assert Image.open(tmp_path / "spike.gif").n_frames == 5


@pytest.mark.slow
def test_an_animation_needs_every_compartment_and_a_known_file(extent, tmp_path):
    some = simulate(extent.neuron.probe("v", branch("soma"), label="some"), 1 * ms)
    with pytest.raises(ParameterError, match="reads 4 of 8 compartments"):
        some.animate("some")
    with pytest.raises(ParameterError, match=r"saved as \.gif or \.mp4"):
        extent.animate(path=tmp_path / "spike.txt")
    assert not list(tmp_path.iterdir())


def test_mp4_is_refused_where_no_ffmpeg_is(monkeypatch, tmp_path):
    from matplotlib.animation import writers

    monkeypatch.setattr(writers, "is_available", lambda name: False)
    with pytest.raises(ParameterError, match="needs ffmpeg"):
        animate_cable(None, np.zeros((2, 2)), np.arange(2.0), tmp_path / "a.mp4")


def test_a_neuron_shows_where_things_are(extent):
    cell = extent.neuron.place(Constant(1 * pA), at("dendrite", 0.9), label="far").detect(
        at("soma")
    )
    axes = cell.plot()
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names[-3:] == ["stimulus", "far", "detector_0"]
    assert len(names) > 3  # and the tags
    point = axes.collections[-2].get_offsets()[0]
    np.testing.assert_allclose(point, cell.compartments.xyz_m[7, :2] * 1e6)
    assert cell.plot(projection="3d").name == "3d"
    coloured = cell.plot(np.arange(8) * mV, label="v")
    assert coloured.figure.axes[1].get_ylabel() == "v (mV)"


def test_a_notebook_sees_what_is_painted_and_placed_where_and_names_cannot_break_out(extent):
    cell = extent.neuron.place(Constant(1 * pA), at("dendrite", 0.9), label="far")
    html = cell._repr_html_()
    for said in ("painted", "leak", "everywhere", "placed", "far", "dendrite", "probed"):
        assert said in html
    hostile = Detector(at("soma"), -0.02, "<script>alert(1)</script>")
    html = cell.replace(detectors=(hostile,))._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.slow
def test_without_a_name_the_first_trace_is_drawn():
    cell = Neuron(ball_and_stick(), PerBranch(1)).paint(Leak())
    cell = cell.probe("v", at("soma"), label="soma").probe("v", at("dendrite"), label="tip")
    run = simulate(cell, 5 * ms, stimulus=Constant(10 * pA))
    assert run.plot().get_ylabel() == "soma (mV)"
    assert run.plot("tip").get_ylabel() == "tip (mV)"
