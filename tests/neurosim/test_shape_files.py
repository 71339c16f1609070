"""Shapes of Neurolucida (ASC) and HDF5; what MorphIO and NEURON read where they are installed."""

import importlib.util
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
from brian2 import um

from neurosim.errors import ExtraMissingError, ParameterError
from neurosim.morphology import MorphologyError, MorphologyWarning, read_shape


def outline(z=0.0, r=8.0, x=0.0, points=40):
    """A cell body, longer along y than along x so that its axis is no matter of rounding."""
    turns = np.linspace(0, 2 * np.pi, points, endpoint=False)
    rows = [f"({x + r * np.cos(a):.5f} {1.4 * r * np.sin(a):.5f} {z} 0.15)" for a in turns]
    return '("Cell Body" (Color Red) (CellBody)\n' + "\n".join(rows) + "\n)\n"


TREE = """( (Color RGB (0, 0, 255)) (Dendrite)
  (8 0 0 3) (20 0 0 2.5)
  (
    (40 10 0 1.5) (60 20 5 1)
    Normal
  |
    (20 0 0 2) (45 -12 0 1.2)
    ( (60 -20 0 1) | (62 -8 0 0.8) (70 -2 0 0.5) Incomplete )
  )
)
"""


def written(folder, text, name="cell.asc"):
    path = folder / name
    path.write_text(text)
    return path


def read(folder, text, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        shape = read_shape(written(folder, text), **options)
    return shape, [str(one.message) for one in caught]


def test_branches_are_those_of_the_file(tmp_path):
    shape, _ = read(tmp_path, outline() + TREE)
    assert shape.names == ("soma", "basal[0]", "basal[1]", "basal[2]", "basal[3]", "basal[4]")
    # A child without its parent's last point gets it, with its own diameter.
    first = shape["basal[1]"]
    assert first.points_m[0].tolist() == pytest.approx([20e-6, 0, 0])
    assert first.diameters_m[0] == pytest.approx(1.5e-6)
    # One that has it keeps it once.
    assert len(shape["basal[2]"].diameters_m) == 2
    assert shape.parents.tolist() == [-1, 0, 1, 1, 3, 3]
    assert shape.attach.tolist() == [0, 0.5, 1, 1, 1, 1]


def test_what_is_no_membrane_is_named(tmp_path):
    beside = (
        '(ImageCoords Filename "C:\\a b.jpg" Merge 65535)\n'
        '("Pia" (Closed) (1 2 3 1) (4 5 6 1) (7 8 9 1))\n'
        '( (Color White) (Font "Arial" 12) (1 2 3) "<--4 boutons" )\n'
        '(FilledCircle (Color RGB (255, 0, 9)) (Name "Marker 1") (1 2 3 0.5) (2 3 4 0.5))\n'
    )
    spiny = TREE.replace("(20 0 0 2.5)", '(20 0 0 2.5) <(Class 4 "none") (9 -3 1 0.9)>')
    _, said = read(tmp_path, beside + outline() + spiny)
    told = " ".join(said)
    for words in ("1 contour (Pia)", "1 text (<--4 boutons)", "2 markers (FilledCircle)"):
        assert words in told
    assert "spines were traced (1) and carry no membrane" in told
    assert "branches marked Incomplete (1)" in told


def test_the_soma_is_as_wide_as_its_outline(tmp_path):
    """The circles of an ellipse are those that it has: 2 b sqrt(1 - (y/a)^2)."""
    shape, said = read(tmp_path, outline(points=400) + TREE)
    soma = shape["soma"]
    along = soma.points_m[:, 1] * 1e6
    wide = 2 * 8 * np.sqrt(1 - (along / (1.4 * 8)) ** 2)
    assert np.allclose(soma.diameters_m[1:-1] * 1e6, wide[1:-1], rtol=0.03)
    assert any("as in NEURON, with" in one and "a sphere of the outline" in one for one in said)


def test_a_tree_without_a_type_is_undefined(tmp_path):
    shape, said = read(tmp_path, "( (Color Red) (0 0 0 1) (30 0 0 1))")
    assert shape.tags == ("undefined",)
    assert any("trees without a type, on lines 1" in one for one in said)


def test_a_type_within_a_branch_holds_from_there_on(tmp_path):
    text = "((Dendrite) (0 0 0 2) (9 0 0 2) ((Axon) (20 5 0 1) (40 9 0 1) | (20 -5 0 1)))"
    shape, _ = read(tmp_path, text)
    assert shape.tags == ("basal", "axon", "basal")


def test_sections_of_one_place_are_left_out_and_named(tmp_path):
    text = "((Dendrite) (0 0 0 2) (9 0 0 2) ((9 0 0 2) ((20 5 0 1) | (20 -5 0 1)) | (9 9 9 1)))"
    shape, said = read(tmp_path, text)
    assert len(shape) == 4
    assert any("sections without length, at line 1, are left out" in one for one in said)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no lists of Neurolucida"),
        ("1 1 0 0 0 1 -1", "line 1: 1 stands outside of any list"),
        ("((Axon)\n (0 0 0 1)\n (5 0 0 1", "line 3: the '(' is never closed"),
        ("((Axon) (0 0 0 1)))", "line 1: ')' closes nothing"),
        ('((Axon)\n (Name "x) (0 0 0 1))', 'line 2: a name in quotes has no second "'),
        ("((Axon)\n (0 0 0 1) (5 0 0))", "line 2: a point of 3 numbers"),
        ("((Axon)\n (0 0 0 1) (5 nan 0 1))", "line 2"),
        ("((Axon)\n (0,1 0,5 0,2 1,0) (1 1 1 1))", "decimal points"),
        ("((Axon)\n (0 0 0 1) (5 0 0 0))", "line 2: the diameter at (5, 0, 0) is 0"),
        ("((Axon)\n (0 0 0 1) (5 0 0 -1))", "is -1; it must be greater than 0"),
        ("((Axon)\n (0 0 0 1) (1e999 0 0 1))", "a position is not a finite number"),
        ("((Axon) (0 0 0 1) (5 0 0 1)\n Incomplete (6 0 0 1))", "line 2: a point comes after"),
        ("((Axon) (0 0 0 1) <(5 0 0 1) (6 0 0 1))", "line 1"),
        ('("CellBody" (CellBody) (0 0 0 1) (1 0 0 1))', "an outline needs at least 3"),
        ('("CellBody" (CellBody) (0 0 0 1) (1 0 0 1) (2 0 0 1))', "enclose no area"),
        ("(" * 200_000, "is never closed"),
    ],
)
def test_broken_files_are_refused_in_a_sentence(tmp_path, text, reason):
    with pytest.raises(MorphologyError) as caught:
        read(tmp_path, text)
    said = str(caught.value)
    assert reason in said
    assert "\n" not in said


def test_a_binary_file_is_refused(tmp_path):
    path = tmp_path / "cell.asc"
    path.write_bytes(b"\x89HDF\0\0\0")
    with pytest.raises(MorphologyError, match="binary file"):
        read_shape(path)


def test_a_deep_tree_needs_no_deep_stack(tmp_path):
    """Branchings inside each other, far more than Python calls may be."""
    deep = 5000
    parts = "".join(f" (({k} 1 0 1) | ({k} 0 0 1)" for k in range(1, deep))
    text = "((Axon) (0 0 0 1) (1 0 0 1)" + parts + ")" * deep
    shape, _ = read(tmp_path, text, unit=1 * um)
    assert len(shape) == 2 * (deep - 1)


def test_unknown_diameters_and_somas_can_be_given(tmp_path):
    text = '("CellBody" (CellBody) (0 0 0 1) (2 0 0 1))\n((Axon) (1 0 0 0) (9 0 0 0))'
    shape, said = read(tmp_path, text, soma_diameter=10 * um, least_diameter=0.5 * um)
    assert shape["soma"].length / um == pytest.approx(10)
    assert shape["axon[0]"].diameters_m.tolist() == pytest.approx([5e-7, 5e-7])
    assert any("replaced by a sphere of 10. um" in one for one in said)


def test_several_cells_are_chosen_by_number(tmp_path):
    other = TREE.replace("(8 0 0 3)", "(208 0 0 3)").replace("(20 0 0 2.5)", "(220 0 0 2.5)")
    text = outline() + outline(x=200) + TREE + other
    with pytest.raises(MorphologyError, match="2 cell bodies apart from each other"):
        read(tmp_path, text)
    shape, _ = read(tmp_path, text, tree=1)
    assert shape["soma"].points_m[:, 0].mean() == pytest.approx(200e-6, rel=0.01)
    assert shape["basal[0]"].points_m[0, 0] == pytest.approx(208e-6)
    with pytest.raises(ParameterError, match="trees 0 to 1"):
        read(tmp_path, text, tree=2)


def test_trees_without_a_soma_are_chosen_unless_they_begin_together(tmp_path):
    apart = "((Axon) (0 0 0 1) (9 0 0 1))((Dendrite) (5 5 5 1) (5 9 9 1))"
    with pytest.raises(MorphologyError, match="2 trees without a cell body"):
        read(tmp_path, apart)
    together, _ = read(tmp_path, apart.replace("5 5 5", "0 0 0"))
    assert together.parents.tolist() == [-1, 0]


def test_a_branch_far_from_the_soma_is_named(tmp_path):
    _, said = read(tmp_path, outline() + TREE.replace("(8 0 0 3)", "(15 0 0 3)"))
    assert any("begin outside the cell body" in one and "(7 um)" in one for one in said)


def test_lengths_that_no_neuron_has_ask_for_their_unit(tmp_path):
    points = " ".join(f"({k * 5000} 0 0 800)" for k in range(20))
    with pytest.raises(MorphologyError, match="the file's unit must be given"):
        read(tmp_path, f"((Axon) {points})")


@pytest.mark.parametrize(
    ("name", "words"),
    [("cell.nml", "from_neuroml"), ("cell.dat", "save it there as ASCII"), ("cell.obj", ".swc")],
)
def test_other_endings_say_what_to_do(tmp_path, name, words):
    with pytest.raises(MorphologyError, match=words):
        read_shape(written(tmp_path, "", name))


# ---- HDF5 --------------------------------------------------------------------------------------


def hdf5(folder, points, structure, name="cell.h5", **more):
    h5py = pytest.importorskip("h5py")
    path = folder / name
    with h5py.File(path, "w") as file:
        file["points"] = np.asarray(points)
        file["structure"] = np.asarray(structure)
        about = file.create_group("metadata")
        about.attrs["version"] = [1, 3]
        about.attrs["cell_family"] = more.get("family", 0)
        for key in more.get("keys", ()):
            file[key] = np.zeros((2, 2))
    return path


POINTS = [
    *([5, 0, 0, 0], [0, 7, 0, 0], [-5, 0, 0, 0], [0, -7, 0, 0]),
    *([5, 0, 0, 2], [20, 0, 0, 2]),
    *([20, 0, 0, 1], [40, 9, 0, 1]),
    *([20, 0, 0, 1], [40, -9, 0, 0.5]),
    *([-5, 0, 0, 1], [-90, 0, 0, 1]),
]
STRUCTURE = [[0, 1, -1], [4, 3, 0], [6, 3, 1], [8, 3, 1], [10, 2, 0]]


def test_sections_of_hdf5_are_those_of_the_file(tmp_path):
    with pytest.warns(MorphologyWarning, match="an outline of 4 points"):
        shape = read_shape(hdf5(tmp_path, POINTS, STRUCTURE))
    assert shape.names == ("soma", "basal[0]", "basal[1]", "basal[2]", "axon[0]")
    assert shape.parents.tolist() == [-1, 0, 1, 1, 0]
    assert shape["axon[0]"].length / um == pytest.approx(85)


def changed(place, value):
    table = [list(row) for row in STRUCTURE]
    table[place[0]][place[1]] = value
    return table


@pytest.mark.parametrize(
    ("structure", "reason"),
    [
        (changed((3, 1), 20), "section 3: the type 20 is none"),
        (changed((3, 1), 0), "section 3: the type 0 is none"),
        (changed((3, 2), 9), "section 3: its parent 9 does not exist"),
        ([*STRUCTURE[:2], [6, 3, 3], [8, 3, 2], [10, 2, 0]], "form a loop"),
        (changed((3, 0), 99), "section 2: it claims points 6 to 98"),
        (changed((4, 1), 1), "2 cell bodies"),
        ([[0, 1]], "'structure' must be a table of 3 columns"),
    ],
)
def test_broken_tables_are_refused(tmp_path, structure, reason):
    with pytest.raises(MorphologyError, match=reason.replace("(", r"\(")):
        read_shape(hdf5(tmp_path, POINTS, structure))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"family": 1}, "a glial cell"),
        ({"family": 2}, "a dendritic spine"),
        ({"keys": ["connectivity"]}, "blood vessels"),
    ],
)
def test_what_is_no_neuron_is_refused_by_name(tmp_path, more, reason):
    with pytest.raises(MorphologyError, match=reason):
        read_shape(hdf5(tmp_path, POINTS, STRUCTURE, **more))


def test_parts_inside_the_cell_are_named(tmp_path):
    path = hdf5(tmp_path, POINTS, STRUCTURE, keys=["organelles/mitochondria/points"])
    with pytest.warns(MorphologyWarning, match="mitochondria"):
        read_shape(path)


def test_a_file_that_only_is_called_so_is_refused(tmp_path):
    pytest.importorskip("h5py")
    with pytest.raises(MorphologyError, match="no whole HDF5 file"):
        read_shape(written(tmp_path, "no", "cell.h5"))


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ExtraMissingError, match=r"neurosim-bridge\[morphology\]"):
        read_shape(written(tmp_path, "", "cell.h5"))


# ---- beside the libraries ----------------------------------------------------------------------


def test_morphio_reads_the_same(tmp_path):
    morphio = pytest.importorskip("morphio")
    for path in (
        written(tmp_path, outline() + TREE.replace(" Incomplete", "")),
        hdf5(tmp_path, POINTS, STRUCTURE),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape = read_shape(path)
        theirs = morphio.Morphology(str(path))
        assert len(shape) - 1 == len(theirs.sections)
        own = [branch for branch in shape if branch.tag != "soma"]
        for branch, section in zip(own, theirs.iter(), strict=True):
            assert np.allclose(branch.points_m * 1e6, section.points, rtol=1e-6)
            assert np.allclose(branch.diameters_m * 1e6, section.diameters, rtol=1e-6)


NEURON = """
import json, sys
from neuron import h
h.load_file("stdlib.hoc"); h.load_file("import3d.hoc")
reader = h.Import3d_Neurolucida3(); reader.quiet = 1; reader.input(sys.argv[1])
h.Import3d_GUI(reader, False).instantiate(None)
area = {s.name(): sum(x.area() for x in s) for s in h.allsec()}
print("found" + json.dumps(area))
"""


@pytest.mark.skipif(importlib.util.find_spec("neuron") is None, reason="NEURON is not installed")
@pytest.mark.parametrize("heights", [(0,), (0, 3, 6)])
def test_neuron_reads_the_same_soma_and_branches(tmp_path, heights):
    bodies = "".join(outline(z, r=8 - abs(z - 3)) for z in heights)
    path = written(tmp_path, bodies + TREE)
    done = subprocess.run(
        [sys.executable, "-c", NEURON, str(path)], capture_output=True, text=True, check=False
    )
    lines = [one for one in done.stdout.splitlines() if one.startswith("found")]
    assert lines, done.stdout + done.stderr
    theirs = json.loads(lines[0].removeprefix("found"))
    shape, _ = read(tmp_path, bodies + TREE)
    soma = sum(area for name, area in theirs.items() if name.startswith("soma"))
    assert float(shape.areas_m2[0]) * 1e12 == pytest.approx(soma, rel=1e-3)
    rest = sum(area for name, area in theirs.items() if not name.startswith("soma"))
    assert float(shape.areas_m2[1:].sum()) * 1e12 == pytest.approx(rest, rel=1e-3)
    assert len(theirs) == len(shape)
