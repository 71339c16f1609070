"""SWC files whose numbers are not micrometres, or not numbers as SWC writes them."""

from __future__ import annotations

import pytest
from brian2 import mmeter, um

from neurosim.catalogue.textbook import textbook_membrane
from neurosim.errors import UnknownNameError
from neurosim.morphology import MorphologyError, MorphologyWarning, read_swc


def straight(points, step, soma, radius):
    rows = [f"1 1 0 0 0 {soma} -1"]
    rows += [f"{k + 1} 3 {k * step:g} 0 0 {radius} {k}" for k in range(1, points)]
    return "\n".join(rows)


def written(folder, text):
    path = folder / "cell.swc"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("points", "step"), [(12, 0.01), (61, 0.01), (650, 0.05)])
def test_millimetres_are_seen_by_the_thickness(tmp_path, points, step):
    path = written(tmp_path, straight(points, step, 0.008, 0.0005))
    with pytest.raises(MorphologyError, match=r"too small.*--unit 1mmeter.*--least-diameter"):
        read_swc(path)
    shape = read_swc(path, unit=1 * mmeter)
    assert shape.diameters_m[-1] == pytest.approx(1e-6)
    assert read_swc(path, unit=1 * um).diameters_m[-1] == pytest.approx(1e-9)


def test_thin_placeholders_may_be_replaced(tmp_path):
    path = written(tmp_path, straight(60, 5, 8, 0.0005))
    assert read_swc(path, least_diameter=0.2 * um).diameters_m[-1] == pytest.approx(0.2e-6)


def test_thin_twigs_are_no_millimetres(tmp_path):
    assert len(read_swc(written(tmp_path, straight(60, 1, 3, 0.02)))) == 2


@pytest.mark.parametrize(
    "text",
    [
        "1 1 0 0 0 8,5 -1\n2 3 10,5 0 0 0,5 1",
        "1;1;0;0;0;8,5;-1\n2;3;10,5;0;0;0,5;1",
        "1\t1\t0\t0\t0\t8\t-1\n2\t3\t10\t0\t0\t,5\t1",
    ],
)
def test_decimal_commas_are_said(tmp_path, text):
    with pytest.raises(MorphologyError, match=r"decimal comma.*write decimal points"):
        read_swc(written(tmp_path, text))


def test_commas_between_columns_are_read(tmp_path):
    text = "1,1,0,0,0,8,-1\n2, 3, 20, 0, 0, 1, 1\n3 3 60,0,0 1 2"
    assert read_swc(written(tmp_path, text)).lengths_m[-1] > 0


def test_a_folder_is_called_one(tmp_path):
    with pytest.raises(MorphologyError, match="is a folder"):
        read_swc(tmp_path)


def test_a_soma_alone_gets_no_textbook_membrane(tmp_path):
    shape = read_swc(written(tmp_path, "1 1 0 0 0 8 -1"))
    with pytest.raises(UnknownNameError, match=r"needs a dendrite.*only soma.*reconstruction"):
        textbook_membrane(shape)


@pytest.mark.parametrize(
    ("comment", "unit"),
    [
        ("# unit: pixel", "0.1um"),
        ("# Units = voxels", "0.1um"),
        ("# UNITS: nm", "1nmeter"),
        ("# all coordinates are in nanometers", "1nmeter"),
        ("# positions in millimetre", "1mmeter"),
        ("# unit:nm", "1nmeter"),
        ("# Units: 8nm voxels", "how large one is"),
    ],
)
def test_a_unit_that_a_comment_states_is_asked_for(tmp_path, comment, unit):
    path = written(tmp_path, f"{comment}\n{straight(60, 5, 8, 0.5)}")
    with pytest.raises(MorphologyError, match=rf"line 1: a comment .*{unit}"):
        read_swc(path)
    assert read_swc(path, unit=0.1 * um).diameters_m[-1] == pytest.approx(0.1e-6)


@pytest.mark.parametrize(
    "comment",
    [
        "# units: um",
        "# unit: micrometers (traced in voxels)",
        "# 3 mm slice",
        "# Neuron unit 4, 2 mm from pia",
        "# values in arbor; slice 0.3 mm in saline",
    ],
)
def test_a_comment_that_states_micrometres_or_nothing_is_none(tmp_path, comment):
    path = written(tmp_path, f"{comment}\n{straight(60, 5, 8, 0.5)}")
    assert read_swc(path).diameters_m[-1] == pytest.approx(1e-6)


@pytest.mark.parametrize("said", ["VOXEL_SIZE 0.3 0.3 1.0", "voxel size: 0.3", "pixel size=0.3,1"])
def test_a_stated_size_of_a_voxel_is_said(tmp_path, said):
    path = written(tmp_path, f"# {said}\n{straight(60, 5, 8, 0.5)}")
    with pytest.warns(MorphologyWarning, match=r"states a size of a voxel of \[0\.3"):
        read_swc(path)


def test_a_soma_thicker_than_any_vertebrates_is_doubted(tmp_path):
    with pytest.warns(MorphologyWarning, match="a soma point is 160 um thick"):
        read_swc(written(tmp_path, straight(60, 50, 80, 5)))
