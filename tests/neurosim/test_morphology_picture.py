"""The picture shows every frusta's place and thickness, its colours, and a true scale bar."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from brian2 import mV, um

from neurosim.errors import ParameterError, UnknownNameError
from neurosim.morphology import (
    PerBranch,
    ball_and_stick,
    cone,
    myelinated_axon,
    plot_morphology,
    read_swc,
    tagged,
    tree,
)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def bodies(ax):
    return next(c for c in ax.collections if type(c).__name__ == "PolyCollection")


def test_a_cone_is_drawn_as_thick_as_it_is():
    ax = plot_morphology(cone(100 * um, 8 * um, 2 * um).discretise(PerBranch(4)))
    corners = np.concatenate([p.vertices for p in bodies(ax).get_paths()])
    for x, r in [(0, 4), (25, 3.25), (50, 2.5), (100, 1)]:
        here = corners[np.isclose(corners[:, 0], x)]
        assert here[:, 1].max() == pytest.approx(r)
        assert here[:, 1].min() == pytest.approx(-r)
    assert len(bodies(ax).get_paths()) == 4


def test_a_cell_of_an_image_stack_can_be_flipped():
    """Only up and down change places: the scale bar stays below and reads the same."""
    shape = tree(3, 80 * um, 3 * um, direction=(0.2, 1, 0))
    upright, flipped = plot_morphology(shape), plot_morphology(shape, flip=True)
    for there, here in zip(bodies(upright).get_paths(), bodies(flipped).get_paths(), strict=True):
        corners = [
            sorted(map(tuple, np.unique(p.vertices.round(6), axis=0))) for p in (there, here)
        ]
        assert corners[1] == sorted((x, -y) for x, y in corners[0])
    assert upright.texts[0].get_text() == flipped.texts[0].get_text()
    bars = [ax.lines[0].get_xydata() for ax in (upright, flipped)]
    assert np.ptp(bars[1][:, 0]) == pytest.approx(np.ptp(bars[0][:, 0]))
    assert bars[1][0, 1] < min(p.vertices[:, 1].min() for p in bodies(flipped).get_paths())
    solid = plot_morphology(shape, projection="3d", flip=True)
    assert solid.yaxis_inverted()


def test_values_colour_their_own_compartments():
    cut = ball_and_stick().discretise()
    values = np.linspace(-80, 20, len(cut)) * mV
    ax = plot_morphology(cut, values, label="v")
    drawn = bodies(ax)
    centres = np.array([p.vertices[:4, 0].mean() for p in drawn.get_paths()])
    for x, shown in zip(centres, drawn.get_array(), strict=True):
        nearest = np.argmin(np.abs(cut.xyz_m[:, 0] * 1e6 - x))
        assert shown == pytest.approx(float(values[nearest] / mV))
    assert drawn.get_clim() == pytest.approx((-80, 20))
    (bar,) = [a for a in ax.figure.axes if a is not ax]
    assert bar.get_ylabel() == "v (mV)"


def test_the_scale_bar_is_as_long_as_it_says():
    for length in (7, 120, 900, 40_000):
        ax = plot_morphology(cone(length * um, 2 * um, 2 * um))
        x = ax.lines[0].get_xdata()
        said, unit = ax.texts[0].get_text().split()
        assert x[1] - x[0] == pytest.approx(float(said) * {"µm": 1, "mm": 1000}[unit])
        assert 0.08 < (x[1] - x[0]) / length <= 0.21
        plt.close(ax.figure)


def test_tags_and_regions_have_a_legend():
    cell = ball_and_stick().join(tree(3, tag="oblique"), "soma", at=0)
    said = [t.get_text() for t in plot_morphology(cell).get_legend().get_texts()]
    assert said == ["soma", "dendrite", "oblique"]
    ax = plot_morphology(cell, region=tagged("soma"))
    assert ax.get_legend().get_texts()[0].get_text() == "tagged('soma')"
    own = plt.figure().add_subplot()
    assert plot_morphology(cell, ax=own) is own


def test_wrong_requests_are_named():
    cut = ball_and_stick().discretise()
    with pytest.raises(ParameterError, match="each of the 14 compartments"):
        plot_morphology(cut, np.zeros(3))
    with pytest.raises(ParameterError, match="either values or region"):
        plot_morphology(cut, np.zeros(14), region=tagged("soma"))
    with pytest.raises(UnknownNameError, match="known: xy, xz, yz"):
        plot_morphology(cut, plane="xyz")


def test_a_real_cell_is_drawn_whole(shared_data, tmp_path):
    shape = read_swc(shared_data / "morphologies/cells/rat_CA1_pyramidal_c91662.swc")
    cut = shape.discretise()
    ax = plot_morphology(cut, cut.distance_m * 1e6, label="distance (µm)")
    ax.figure.savefig(tmp_path / "cell.png")
    corners = np.concatenate([p.vertices for p in bodies(ax).get_paths()])
    points = shape.points_m[:, :2] * 1e6
    assert np.all(corners.min(axis=0) <= points.min(axis=0) + 1e-6)
    assert np.all(corners.max(axis=0) >= points.max(axis=0) - 1e-6)


def pixels(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba()).copy()


def test_a_morphology_plots_itself_by_branch_and_by_compartment():
    cell = ball_and_stick()
    ax = cell.plot([-60, -70] * mV, label="potential")
    assert sorted(set(bodies(ax).get_array())) == [-70, -60]
    (bar,) = [a for a in ax.figure.axes if a is not ax]
    assert bar.get_ylabel() == "potential (mV)"
    rule = PerBranch(1, {"dendrite": 5})
    ax = cell.plot(np.arange(6), rule=rule, limits=(0, 10), cmap="magma")
    assert set(bodies(ax).get_array()) == set(range(6))
    assert bodies(ax).get_clim() == (0, 10)
    assert bodies(ax).get_cmap().name == "magma"
    own = plt.figure().add_subplot()
    assert cell.plot(ax=own) is own
    with pytest.raises(ParameterError, match="each of the 2 branches"):
        cell.plot(np.zeros(3))


def test_colours_are_those_of_the_style():
    cell = ball_and_stick()
    with plt.style.context("dark_background"):
        ax = cell.plot()
        cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
        assert ax.lines[0].get_color() == plt.rcParams["text.color"]
        patches = ax.get_legend().legend_handles
    drawn = [matplotlib.colors.to_hex(patch.get_facecolor()) for patch in patches]
    assert drawn == [matplotlib.colors.to_hex(colour) for colour in cycle[:2]]


def test_in_space_every_frustum_lies_where_it_is():
    cell = tree(2, direction=(0, 0, 1))
    ax = cell.plot(np.arange(3), projection="3d", label="order")
    (drawn,) = ax.collections
    segments = np.asarray(drawn._segments3d)
    np.testing.assert_allclose(np.sort(segments[:, 0, 2]), [0, 100, 100])
    assert list(drawn.get_array()) == [0, 1, 2]
    widths = np.asarray(drawn.get_linewidths())
    assert widths[0] > widths[1] == widths[2]
    assert [ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()] == ["x (µm)", "y (µm)", "z (µm)"]
    for name, axis in (("x", 0), ("y", 1), ("z", 2)):
        low, high = getattr(ax, f"get_{name}lim")()
        assert low <= segments[..., axis].min() + 1e-9
        assert high >= segments[..., axis].max() - 1e-9
    before = pixels(ax.figure)
    drawn.set_array(np.array([2.0, 0.0, 1.0]))
    assert np.any(pixels(ax.figure) != before)
    space = plt.figure().add_subplot(projection="3d")
    assert cell.plot(ax=space) is space
    with pytest.raises(ParameterError, match="these axes are flat"):
        cell.plot(ax=plt.figure().add_subplot(), projection="3d")
    with pytest.raises(UnknownNameError, match="did you mean '3d'"):
        cell.plot(projection="3D")


def test_another_value_gives_another_picture():
    cell = ball_and_stick()
    first, second = (
        pixels(cell.plot(values, limits=(0, 1)).figure) for values in ([0.0, 1.0], [1.0, 0.0])
    )
    assert np.any(first != second)


def test_a_notebook_sees_branches_areas_and_the_shape():
    cell = ball_and_stick().join(tree(3, tag="<b>oblique</b>"), "soma", at=0)
    said = cell._repr_html_()
    assert "<b>oblique" not in said
    assert "&lt;b&gt;oblique&lt;/b&gt;" in said
    assert "<td>dendrite</td><td>1</td><td>500</td><td>3142</td><td>2 to 2</td>" in said
    total = f"{float(cell.total_length) * 1e6:.4g}</td><td>{float(cell.total_area) * 1e12:.4g}"
    assert f"<td>all</td><td>9</td><td>{total}" in said
    assert said.count("L") >= 9
    assert 'stroke="currentColor"' in said


def test_a_huge_axon_is_a_small_picture():
    assert len(myelinated_axon(1 * um, internodes=15_000)._repr_html_()) < 60_000
