"""SWC files: six real cells against NEURON, rarities read right, the rest refused with its line."""

import warnings

import numpy as np
import pytest
from brian2 import cm, mmeter, nmeter, ohm, siemens, uF, um
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from neurosim.errors import ParameterError
from neurosim.morphology import (
    DLambda,
    MorphologyError,
    MorphologyWarning,
    read_swc,
    read_swc_forest,
    root_site,
)

# NEURON 9.0.2, Import3d_SWC_read and Import3d_GUI.instantiate of the same files; cm 1 uF/cm2,
# Ra 100 ohm cm, nseg = int((L / (0.1 * lambda_f(100)) + 0.9) / 2) * 2 + 1 for each section,
# g_pas 1e-4 S/cm2. By file: sections and membrane area (um2) by type, total length (um), total
# nseg, and the input resistance (Mohm) at soma(0.5) (Impedance, 0 Hz). The Purkinje cell, whose
# file gives its soma the radius 0, was read with 12.5 um in that place.
NEURON = {
    "amphibian_retinal_ganglion_gc2_Miller": (
        {"soma": 1, "basal": 28},
        {"soma": 1818.616, "basal": 2301.354},
        1783.252,
        139,
        250.60223128939484,
    ),
    "cat_motoneuron_v_e_moto1": (
        {"soma": 1, "basal": 248},
        {"soma": 45238.934, "basal": 575820.801},
        77687.588,
        2211,
        2.2726464996295475,
    ),
    "guineapig_purkinje_v_e_purk2": (
        {"soma": 1, "basal": 839},
        {"soma": 1963.495, "basal": 38331.965},
        8404.018,
        872,
        27.271170864181382,
    ),
    "mouse_L5_pyramidal_Rbp4_488683425": (
        {"soma": 1, "axon": 1, "basal": 34, "apical": 67},
        {"soma": 607.913, "axon": 67.923, "basal": 2891.052, "apical": 5063.689},
        5561.484,
        397,
        185.01821856104678,
    ),
    "mouse_PV_interneuron_471781218": (
        {"soma": 1, "axon": 1, "basal": 61},
        {"soma": 1224.647, "axon": 16.383, "basal": 6485.229},
        4294.05,
        285,
        154.02951951316632,
    ),
    "rat_CA1_pyramidal_c91662": (
        {"soma": 1, "axon": 1, "basal": 58, "apical": 134},
        {"soma": 988.17, "axon": 525.395, "basal": 5155.734, "apical": 12836.24},
        15346.108,
        1108,
        75.69687315891488,
    ),
}


def cell(folder, name, **options):
    if "purkinje" in name:
        options.setdefault("soma_diameter", 25 * um)
    return read_swc(folder / "morphologies" / "cells" / f"{name}.swc", **options)


def input_resistance(cut, site, R_a, g):
    """Input resistance (ohm) of a passive neuron, by Kirchhoff's laws on its compartments."""
    resistance = cut.axial_resistance(R_a)
    child = np.flatnonzero(cut.node_parent >= 0)
    parent = cut.node_parent[child]
    axial = 1 / resistance[child]
    count = len(cut.node_parent)
    leak = np.zeros(count)
    membrane = cut.node_compartment >= 0
    leak[membrane] = g * cut.area_m2[cut.node_compartment[membrane]]
    every = np.arange(count)
    matrix = coo_matrix(
        (
            np.r_[leak, axial, axial, -axial, -axial],
            (
                np.r_[every, child, parent, child, parent],
                np.r_[every, child, parent, parent, child],
            ),
        ),
        shape=(count, count),
    ).tocsc()
    node = np.flatnonzero(cut.node_compartment == site.compartments(cut)[0])[0]
    current = np.zeros(count)
    current[node] = 1
    return spsolve(matrix, current)[node]


@pytest.mark.parametrize("name", sorted(NEURON))
def test_a_real_cell_is_the_one_neuron_imports(name, shared_data):
    sections, areas, length, compartments, resistance = NEURON[name]
    shape = cell(shared_data, name)
    tags = np.array(shape.tags)
    assert {tag: int((tags == tag).sum()) for tag in sections} == sections
    assert set(tags) == set(sections)
    for tag, area in areas.items():
        # The facts are rounded to 0.001 um2, and NEURON keeps points in single precision.
        found = shape.areas_m2[tags == tag].sum() * 1e12
        assert found == pytest.approx(area, rel=1e-5, abs=6e-4)
    assert shape.lengths_m.sum() * 1e6 == pytest.approx(length, rel=1e-6)
    cut = shape.discretise(DLambda(0.1, C_m=1 * uF / cm**2, R_a=100 * ohm * cm))
    assert len(cut) == compartments
    g = float(1e-4 * siemens / cm**2)
    found = input_resistance(cut, root_site, float(100 * ohm * cm), g) / 1e6
    assert found == pytest.approx(resistance, rel=1e-5)


def test_a_soma_of_radius_0_is_refused_with_its_line(shared_data):
    path = shared_data / "morphologies/cells/guineapig_purkinje_v_e_purk2.swc"
    with pytest.raises(MorphologyError, match=r"line 23: soma radius is 0.*soma_diameter=20\*um"):
        read_swc(path)
    assert read_swc(path, soma_diameter=20 * um).areas_m2[0] == pytest.approx(np.pi * 400e-12)


# What each rarity is: refused (with these words), or (branches, total length, soma area) in um.
ODD = {
    "morphio__complexe": (2, 8.692, None),
    "morphio__disconnected_neurite": "2 trees, with roots on lines 1 .9 points., 10",
    "morphio__multiple_soma": "2 trees, with roots on lines 2 .9 points., 11",
    "morphio__neurite_wrong_root_point": (3, 12, 100 * np.pi),
    "morphio__no_soma": (2, 4, None),
    "morphio__simple": (7, 33, 4 * np.pi),
    "morphio__simple-all-types": (16, 150.2, 0.04 * np.pi),
    "morphio__simple-trailing-space": (1, 2 * np.sqrt(3), None),
    "morphio__simple-windows-eol": (7, 33, 4 * np.pi),
    # Areas stated in the files themselves.
    "morphio__soma_multiple_frustums": (1, 3, 4164.610254415956),
    "morphio__soma_single_frustum": (1, 1, 1201.428168331057),
    "morphio__soma_cylinders": (1, 3, 2 * np.pi * 40 * 3),
    "morphio__soma_three_points_cylinder": (1, 18, 4 * np.pi * 81),
    "morphio__three_point_soma": (5, 20, 16 * np.pi),
    "neurom__Neuron-monotonic": "line 48: radius is 0",
    "neurom__Neuron_disconnected_components": "5 trees, with roots on lines 36",
    "neurom__Neuron_missing_ids": "line 42: parent 7 does not exist",
    "neurom__Neuron_missing_parents": "line 40: parent 5 does not exist",
    "neurom__repeated_id": "line 6: number 4 was already given on line 5",
    "neurom__simple": "line 26: radius is 0",
    "neurom__soma__bifurcating_soma": "line 5: the soma branches at point 1 into 2 chains",
    # Turned about: the soma, which is the last point, becomes the root.
    "neurom__soma_with_neurite_parent": (2, 6 + 4, 36 * np.pi),
    "neurom__soma_zero_radius": "line 23: soma radius is 0",
    "neurom__undefined_type": "line 4: radius is 0",
    "neurom__valid_set__Neuron": "line 1: seven columns are needed",
    "neurom__strahler": (20, 39, 4 * np.pi),
    "neurom__point_soma_single_neurite": (2, 9, 36 * np.pi),
}


@pytest.mark.parametrize("name", sorted(ODD))
def test_a_rarity_is_read_right_or_refused_with_line_and_reason(name, shared_data):
    path = shared_data / "morphologies" / "odd" / f"{name}.swc"
    expected = ODD[name]
    if isinstance(expected, str):
        with pytest.raises(MorphologyError, match=expected) as caught:
            read_swc(path)
        assert path.name in str(caught.value)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MorphologyWarning)
        shape = read_swc(path)
    branches, length, soma = expected
    assert len(shape) == branches
    if "point_soma_single" not in name:
        assert shape.lengths_m.sum() * 1e6 == pytest.approx(length, rel=1e-3)
    if soma is not None:
        tags = np.array(shape.tags)
        assert shape.areas_m2[tags == "soma"].sum() * 1e12 == pytest.approx(soma, rel=1e-9)


def test_every_rarity_is_read_or_refused_by_name(shared_data):
    folder = shared_data / "morphologies" / "odd"
    read, refused = [], []
    for path in sorted(folder.glob("*.swc")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MorphologyWarning)
            try:
                cut = read_swc(path).discretise()
            except MorphologyError as error:
                refused.append((path.name, str(error)))
                continue
        assert np.all(cut.area_m2 > 0)
        assert np.all(cut.axial_resistance(1.0)[cut.node_parent >= 0] >= 0)
        read.append(path.name)
    assert len(read) > 30
    assert len(refused) > 15
    for name, said in refused:
        assert name in said
        assert "line" in said


def test_the_order_of_lines_does_not_matter(shared_data):
    folder = shared_data / "morphologies" / "odd"
    sorted_, disordered = (
        read_swc(folder / f"neurom__ordering__{name}.swc")
        for name in ("sample", "sample_disordered")
    )
    assert sorted(sorted_.lengths_m) == pytest.approx(sorted(disordered.lengths_m))
    assert sorted(sorted_.tags) == sorted(disordered.tags)


# ---- files written here -------------------------------------------------------------------------
def written(folder, text, name="cell.swc"):
    path = folder / name
    path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
    return path


SIMPLE = "1 1 0 0 0 5 -1\n2 3 5 0 0 1 1\n3 3 25 0 0 1 2  # tip\n"


def test_comments_at_line_ends_commas_and_old_line_ends(tmp_path):
    plain = read_swc(written(tmp_path, SIMPLE))
    assert plain.lengths_m * 1e6 == pytest.approx([10, 20])
    old = SIMPLE.replace("\n", "\r").encode()
    assert read_swc(written(tmp_path, old)) == plain
    assert read_swc(written(tmp_path, b"\xef\xbb\xbf" + SIMPLE.encode())) == plain
    shuffled = "\n".join(SIMPLE.splitlines()[::-1])
    assert read_swc(written(tmp_path, shuffled)) == plain


@pytest.mark.filterwarnings("ignore::neurosim.morphology.MorphologyWarning")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no points"),
        ("# only words\n", "no points"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "binary file"),
        ("1 1 0 0 0 5\n", "line 1: seven columns"),
        ("1 1 0 zero 0 5 -1\n", "line 1: seven numbers"),
        (SIMPLE + "4 3 nan 0 0 1 3\n", "line 4: a value is not finite"),
        (SIMPLE + "4 3 30 0 0 -1 3\n", "line 4: radius is -1"),
        (SIMPLE + "4 3 30 0 0 0 3\n", "line 4: radius is 0.*least_diameter"),
        (SIMPLE + "4 3 30 0 0 1 9\n", "line 4: parent 9 does not exist"),
        (SIMPLE + "4 3 30 0 0 1 5\n5 3 35 0 0 1 4\n", "line 4: point 4 never reaches.*loop"),
        (SIMPLE + "4 3 30 0 0 1 4\n", "line 4: point 4 never reaches.*loop"),
        (SIMPLE + "4.5 3 30 0 0 1 3\n", "line 4: the number must be whole"),
        (SIMPLE + "4 1 30 0 0 5 3\n", "line 4: a soma point hangs on a point of type 3.*line 1"),
        ("1 3 0 0 0 1 -1\n", "line 1: a tree of a single point"),
        # A soma with three arms.
        (
            "1 1 0 0 0 5 -1\n2 1 5 0 0 5 1\n3 1 0 5 0 5 1\n4 1 0 0 5 5 1\n",
            "line 1: the soma branches",
        ),
    ],
)
def test_what_no_neuron_is_is_refused(tmp_path, text, said):
    with pytest.raises(MorphologyError, match=said) as caught:
        read_swc(written(tmp_path, text))
    assert "cell.swc" in str(caught.value)


def outline(n, radius, thick, flat=1.0):
    angle = 2 * np.pi * np.arange(n) / n
    lines = [
        f"{k + 1} 1 {radius * np.cos(a)} {flat * radius * np.sin(a)} 0 {thick} {k if k else -1}"
        for k, a in enumerate(angle)
    ]
    return "\n".join([*lines, f"{n + 1} 3 {radius} 0 0 1 1", f"{n + 2} 3 60 0 0 1 {n + 1}"])


@pytest.mark.parametrize("flat", [1.0, 0.6])
@pytest.mark.parametrize(("n", "thick"), [(19, 0.1), (19, 0), (99, 0.1)])
def test_an_outline_becomes_neither_tube_nor_wrong_sphere(tmp_path, flat, n, thick):
    with pytest.warns(MorphologyWarning, match=f"{n} soma points are an outline"):
        shape = read_swc(written(tmp_path, outline(n, 10, thick, flat)))
    # The polygon turned about its axis of symmetry: a chain of frusta and a flat end.
    angle = 2 * np.pi * np.arange(n // 2 + 1) / n
    x, y = 10 * np.cos(angle), 10 * flat * np.sin(angle)
    area = (np.pi * (y[1:] + y[:-1]) * np.hypot(np.diff(x), np.diff(y))).sum() + np.pi * y[-1] ** 2
    assert shape.areas_m2[0] * 1e12 == pytest.approx(area, rel=0.01)
    assert shape["soma"].length / um == pytest.approx(20, rel=0.02)
    assert shape.attach[1] == 0.5


def test_a_fat_chain_that_folds_back_is_refused(tmp_path):
    with pytest.raises(MorphologyError, match="19 soma points turns back"):
        read_swc(written(tmp_path, outline(19, 10, 9)))


def test_three_points_of_neuromorpho_are_the_sphere(tmp_path):
    text = "1 1 0 0 0 7 -1\n2 1 0 7 0 7 1\n3 1 0 -7 0 7 1\n4 3 7 0 0 1 1\n5 3 60 0 0 1 4\n"
    shape = read_swc(written(tmp_path, text))
    assert shape.areas_m2[0] == pytest.approx(4 * np.pi * 49e-12)
    assert shape.attach[1] == 0.5
    assert shape.lengths_m[1] == pytest.approx(53e-6)


def test_a_chain_through_the_root_that_is_not_the_three_points_is_said(tmp_path):
    text = "1 1 0 0 0 5 -1\n2 1 0 9 0 4 1\n3 1 0 -9 0 3 1\n4 3 5 0 0 1 1\n5 3 60 0 0 1 4\n"
    with pytest.warns(MorphologyWarning, match="not the three points"):
        shape = read_swc(written(tmp_path, text))
    expected = np.pi * ((4 + 5) * np.hypot(9, 1) + (5 + 3) * np.hypot(9, 2))
    assert shape.areas_m2[0] * 1e12 == pytest.approx(expected)


def test_where_dendrites_leave_a_chain_of_soma_points(tmp_path):
    soma = "1 1 0 0 0 5 -1\n2 1 10 0 0 5 1\n3 1 20 0 0 5 2\n"
    dendrites = "".join(
        f"{n} 3 {x} 5 0 1 {p}\n{n + 1} 3 {x} 50 0 1 {n}\n"
        for n, x, p in ((4, 0, 1), (6, 10, 2), (8, 20, 3))
    )
    shape = read_swc(written(tmp_path, soma + dendrites))
    assert shape.attach.tolist()[1:] == [0, 0.5, 1]
    # At an end the dendrite begins at that end, with its own diameter; between, at its first point.
    assert shape.lengths_m[1:] * 1e6 == pytest.approx([50, 45, 50])
    np.testing.assert_allclose(shape.diameters_m[3:], 2e-6)


def test_several_trees_are_told_apart(tmp_path):
    path = written(tmp_path, SIMPLE + "7 1 100 0 0 4 -1\n8 3 104 0 0 1 7\n9 3 134 0 0 1 8\n")
    with pytest.raises(MorphologyError, match=r"2 trees, with roots on lines 1 .*, 4 "):
        read_swc(path)
    first, second = read_swc_forest(path)
    assert (first, second) == (read_swc(path, tree=0), read_swc(path, tree=1))
    assert second.lengths_m * 1e6 == pytest.approx([8, 30])
    with pytest.raises(ParameterError, match=r"there is no tree .*trees 0 to 1"):
        read_swc(path, tree=2)


def straight(points, step, soma, thick, start=0):
    return "\n".join(
        f"{k + 1} {3 if k else 1} {start + k * step} 40 7 {thick if k else soma} {k or -1}"
        for k in range(points)
    )


@pytest.mark.parametrize(
    ("text", "said", "unit"),
    [
        # Nanometres; voxels with neurites 40 and 70 "um" thick; 26 mm across; millimetres.
        (
            straight(300, 700.5, 5000, 400),
            r"800 um thick.*too large.*nanometres: unit=1\*nmeter",
            1 * nmeter,
        ),
        (straight(60, 25.5, 90, 20), r"40 um thick.*too large.*unit=0.1\*um", 0.1 * um),
        (straight(12, 100, 120, 35), r"70 um thick.*too large", 0.1 * um),
        (straight(1000, 26.03, 8, 0.5), r"26 mm across.*too large", 0.2 * um),
        (
            straight(150, 0.001, 0.005, 0.0005),
            r"too small.*millimetres: unit=1\*mmeter",
            1 * mmeter,
        ),
    ],
)
def test_lengths_no_neuron_has_are_asked_about(text, said, unit, tmp_path):
    with pytest.raises(MorphologyError, match=said) as caught:
        read_swc(written(tmp_path, text))
    assert "unit=1*um" in str(caught.value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for given in (unit, 1 * um):
            shape = read_swc(written(tmp_path, text), unit=given)
            radius = float(text.split()[5]) * float(given)
            assert shape.areas_m2[0] == pytest.approx(4 * np.pi * radius**2)


def test_whole_numbers_and_a_scale_are_said(tmp_path):
    with pytest.warns(MorphologyWarning, match=r"voxels.*unit=0.1\*um"):
        read_swc(written(tmp_path, straight(60, 1, 5, 1, start=100)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_swc(written(tmp_path, straight(60, 1, 5, 1, start=100)), unit=1 * um)
    with pytest.warns(MorphologyWarning, match="scale of"):
        read_swc(written(tmp_path, "# SCALE 0.5 0.5 2\n" + SIMPLE))


def test_real_cells_raise_no_alarm(shared_data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in sorted(NEURON):
            if "motoneuron" not in name:
                cell(shared_data, name)
    # Six of its stems are a single point, which NEURON and we begin at that point.
    with pytest.warns(MorphologyWarning, match=r"lines 32 \(67 um\), 92 \(15 um\), 211"):
        cell(shared_data, "cat_motoneuron_v_e_moto1")


# Lengths and diameters (um) of the branches in NEURON 9.0.2's Import3d of the same files.
STEMS = {
    "a stem that branches": (
        "1 1 0 0 0 10 -1\n2 3 40 0 0 1 1\n3 3 60 20 0 1 2\n4 3 80 40 0 1 3\n"
        "5 3 60 -20 0 1 2\n6 3 80 -40 0 1 5\n",
        [20, 40, 56.568542, 56.568542],
        [0.5, 1, 1],
    ),
    "a trunk of another type": (
        "1 1 0 0 0 10 -1\n2 4 0 20 0 2 1\n3 3 60 20 0 1 2\n4 3 80 40 0 1 3\n",
        [20, 20, 88.284271],
        [0.5, 1],
    ),
    "an axon on a dendrite's first point": (
        "1 1 0 0 0 10 -1\n2 3 15 0 0 2 1\n3 2 30 0 0 1 2\n4 2 60 0 0 1 3\n5 2 90 0 0 1 4\n",
        [20, 15, 75],
        [0.5, 1],
    ),
    "beside three points it begins at its own": (
        "1 1 0 0 0 10 -1\n2 1 0 -10 0 10 1\n3 1 0 10 0 10 1\n4 3 40 0 0 1 1\n"
        "5 3 60 20 0 1 4\n6 3 60 -20 0 1 4\n",
        [20, 28.284271, 28.284271],
        [0.5, 0.5],
    ),
    "on the middle of a chain it begins at its own": (
        "1 1 0 0 0 10 -1\n2 1 0 10 0 10 1\n3 1 0 20 0 10 2\n4 3 40 10 0 1 2\n"
        "5 3 60 20 0 1 4\n6 3 60 -20 0 1 4\n7 3 60 0 0 1 2\n8 3 80 0 0 1 7\n",
        [20, 22.360680, 36.055513, 20],
        [0.5, 0.5, 0.5],
    ),
}


@pytest.mark.filterwarnings("ignore::neurosim.morphology.MorphologyWarning")
@pytest.mark.parametrize("name", STEMS)
def test_a_stem_of_one_point_is_as_long_as_in_neuron(name, tmp_path):
    text, lengths, attach = STEMS[name]
    shape = read_swc(written(tmp_path, text))
    assert shape.lengths_m * 1e6 == pytest.approx(lengths)
    assert shape.attach[1:].tolist() == attach


def test_a_stem_left_out_is_said(tmp_path):
    text = STEMS["beside three points it begins at its own"][0]
    with pytest.warns(MorphologyWarning, match=r"lines 4 \(30 um\) from its surface"):
        read_swc(written(tmp_path, text))


@pytest.mark.parametrize("root", [3, 6, 9, 13])
def test_a_soma_that_is_not_the_root_becomes_it(root, tmp_path):
    """The same neuron, told from any of its points, is the same cable."""
    text = (
        "1 1 0 0 0 8 -1\n2 3 8 0 0 1.5 1\n3 3 40 0 0 1 2\n4 3 60 20 0 1 3\n5 3 60 -20 0 .7 3\n"
        "6 3 90 -30 0 .5 5\n7 2 0 -8 0 1 1\n8 2 0 -50 0 .6 7\n9 2 0 -90 0 .5 8\n"
        "10 4 0 8 0 2 1\n11 4 0 60 0 1.5 10\n12 4 20 90 0 1 11\n13 4 -20 90 0 1 11\n"
    )
    rows = {int(line.split()[0]): line.split() for line in text.splitlines()}
    straight_on = read_swc(written(tmp_path, text))
    path = [root]
    while rows[path[-1]][6] != "-1":
        path.append(int(rows[path[-1]][6]))
    for above, below in zip(path[1:], path[:-1], strict=True):
        rows[above][6] = str(below)
    rows[root][6] = "-1"
    turned = "\n".join(" ".join(row) for row in rows.values())
    with pytest.warns(
        MorphologyWarning, match=rf"line 1: the soma is not the root .*line {root} is"
    ):
        again = read_swc(written(tmp_path, turned))
    assert again.names[0] == "soma"
    assert again.lengths_m.sum() == pytest.approx(straight_on.lengths_m.sum())
    assert again.areas_m2.sum() == pytest.approx(straight_on.areas_m2.sum())
    cuts = [shape.discretise() for shape in (straight_on, again)]
    leak = float(1e-4 * siemens / cm**2)
    first, second = (input_resistance(cut, root_site, 1.0, leak) for cut in cuts)
    assert second == pytest.approx(first, rel=1e-9)


def test_types_beyond_four_can_be_named(tmp_path):
    text = SIMPLE + "4 5 25 20 0 1 3\n5 0 25 -20 0 1 3\n"
    assert read_swc(written(tmp_path, text)).tags == ("soma", "basal", "custom5", "undefined")
    named = read_swc(written(tmp_path, text), tags={5: "oblique"})
    assert named.names == ("soma", "basal[0]", "oblique[0]", "undefined[0]")
    with pytest.raises(ParameterError, match="type 1 is soma in every file, not dendrite"):
        read_swc(written(tmp_path, text), tags={1: "dendrite"})


def test_a_branching_point_that_is_a_dendrites_first_loses_nothing(tmp_path):
    # The dendrite's first point, next to a one-point soma, begins two branches.
    text = "1 1 0 0 0 5 -1\n2 3 5 0 0 1 1\n3 3 25 0 0 1 2\n4 3 5 30 0 1 2\n"
    shape = read_swc(written(tmp_path, text))
    assert shape.lengths_m * 1e6 == pytest.approx([10, 5, 20, 30])
    assert shape.attach.tolist()[1:] == [0.5, 1, 1]


@pytest.mark.parametrize("seed", range(3))
def test_numbers_and_order_of_lines_are_names_only(seed, tmp_path):
    rng = np.random.default_rng(seed)
    n = 200
    parents = np.array([-1, *(rng.integers(max(0, k - 6), k) for k in range(1, n))])
    at = rng.normal(size=(n, 3)) * 20
    numbers = rng.choice(10_000, n, replace=False)
    lines = [
        f"{numbers[k]} {1 if k == 0 else 3} {at[k, 0]} {at[k, 1]} {at[k, 2]} 1.5 "
        f"{-1 if k == 0 else numbers[parents[k]]}"
        for k in range(n)
    ]
    shape = read_swc(written(tmp_path, "\n".join(lines)))
    shuffled = read_swc(written(tmp_path, "\n".join(rng.permutation(lines))))
    assert np.sort(shape.lengths_m) == pytest.approx(np.sort(shuffled.lengths_m))
    # All segments are there, but for those from the soma's centre to points that begin a dendrite.
    steps = np.linalg.norm(at[1:] - at[parents[1:]], axis=1)
    children = np.bincount(parents[1:], minlength=n)[1:]
    single = (parents[1:] == 0) & (children != 1)
    expected = steps[(parents[1:] != 0) | single].sum()
    assert shape.lengths_m[1:].sum() * 1e6 == pytest.approx(expected)


def test_a_negative_type_is_said(tmp_path):
    """It became the tag custom-3 without a word."""
    path = written(tmp_path, SIMPLE.replace("3 3 25", "3 -3 25"))
    with pytest.warns(MorphologyWarning, match=r"line 3: the type -3 is negative.*custom-3"):
        shape = read_swc(path)
    assert "custom-3" in shape.tags


def test_an_underscore_within_a_number_is_refused(tmp_path):
    """Python's `float` took 1_00 as 100."""
    path = written(tmp_path, SIMPLE.replace("3 3 25", "3 3 2_5"))
    with pytest.raises(MorphologyError, match="line 3: seven numbers are needed"):
        read_swc(path)
