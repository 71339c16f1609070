"""Shapes as values: what they are made of, how they are joined, what is refused."""

import time

import numpy as np
import pytest
from brian2 import mV, um

from neurosim.errors import ParameterError, UnitError, UnknownNameError
from neurosim.morphology import (
    Branch,
    Morphology,
    MorphologyError,
    PerBranch,
    ball_and_stick,
    cone,
    cylinder,
    polyline,
    tree,
)


def straight(name, parent=None, **changes):
    content = {
        "tag": "dendrite",
        "points_m": np.array([[0, 0, 0], [1e-5, 0, 0]]),
        "diameters_m": np.array([1e-6, 1e-6]),
        **changes,
    }
    return Branch(name, parent=parent, **content)


def test_a_ball_and_stick_has_the_area_of_sphere_and_cylinder():
    cell = ball_and_stick(20 * um, 500 * um, 2 * um)
    assert cell.tags == ("soma", "dendrite")
    np.testing.assert_allclose(cell.areas_m2, [np.pi * 400e-12, np.pi * 1000e-12])


def test_a_tree_has_as_many_branches_as_a_geometric_series():
    shape = tree(4, 100 * um, 4 * um, children=3)
    assert len(shape) == 1 + 3 + 9 + 27
    assert np.bincount(shape.orders).tolist() == [1, 3, 9, 27]
    # Every child begins where its parent ends.
    for k, parent in enumerate(shape.parents):
        if parent >= 0:
            end = shape.points_m[shape.offsets[parent + 1] - 1]
            np.testing.assert_allclose(shape.points_m[shape.offsets[k]], end, atol=1e-15)


def test_a_tree_keeps_to_the_plane_of_its_picture():
    for direction in [(1, 0, 0), (0, 1, 0), (-1, -1, 0), (0.2, -3, 0)]:
        assert np.abs(tree(4, direction=direction).points_m[:, 2]).max() == 0


def test_branches_in_any_order_make_the_same_tree():
    parts = [straight("c", "b"), straight("a"), straight("b", "a", attach=0.5)]
    shape = Morphology.from_branches(parts)
    assert shape.names == ("a", "b", "c")
    assert shape["c"].parent == "b"
    assert shape["b"].attach == 0.5
    assert Morphology.from_branches(parts[::-1]) == shape


def test_a_loop_is_refused_with_its_path():
    parts = [straight("root"), straight("a", "c"), straight("b", "a"), straight("c", "b")]
    with pytest.raises(MorphologyError, match=r"a -> c -> b -> a.*loop"):
        Morphology.from_branches(parts)
    with pytest.raises(MorphologyError, match="loop"):
        Morphology.from_branches([straight("a", "a")])


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"diameters_m": np.array([1e-6, 0.0])}, "point 1: a diameter that is not greater than 0"),
        ({"diameters_m": np.array([-1e-6, 1e-6])}, "point 0: a diameter"),
        ({"diameters_m": np.array([np.nan, 1e-6])}, "not finite"),
        ({"points_m": np.array([[0, 0, 0], [np.inf, 0, 0]])}, "position that is not finite"),
        ({"points_m": np.zeros((2, 3))}, "has no length"),
        ({"points_m": np.zeros((1, 3)), "diameters_m": np.ones(1)}, "at least two points"),
        ({"attach": 1.5}, "between 0 and 1"),
    ],
)
def test_an_impossible_branch_is_refused_by_name(part, said):
    with pytest.raises(MorphologyError, match=said) as caught:
        Morphology.from_branches([straight("trunk"), straight("twig", "trunk", **part)])
    assert "'twig'" in str(caught.value)


def test_a_missing_parent_is_named_with_the_nearest_one():
    with pytest.raises(UnknownNameError, match="did you mean 'trunk'"):
        Morphology.from_branches([straight("trunk"), straight("twig", "trunc")])


def test_two_branches_of_one_name_are_refused():
    with pytest.raises(MorphologyError, match="two branches are called 'a'"):
        Morphology.from_branches([straight("a"), straight("a")])
    with pytest.raises(MorphologyError, match="two branches are called 'dendrite'"):
        ball_and_stick().join(cylinder(10 * um, 1 * um))
    joined = ball_and_stick().join(cylinder(10 * um, 1 * um), "soma", at=0, prefix="other_")
    assert joined.names[-1] == "other_dendrite"


def test_nothing_is_no_morphology():
    with pytest.raises(MorphologyError, match="at least one branch"):
        Morphology.from_branches([])


def test_units_are_checked():
    with pytest.raises(UnitError, match="must carry a unit"):
        cylinder(100, 2 * um)
    with pytest.raises(UnitError):
        cone(100 * um, 2 * mV, 1 * um)
    with pytest.raises(ParameterError, match="greater than"):
        cylinder(100 * um, 0 * um)
    with pytest.raises(MorphologyError, match=r"shape \(n, 3\)"):
        polyline(np.zeros((3, 2)) * um, np.ones(3) * um)


def test_a_morphology_is_a_value():
    a, b = ball_and_stick(), ball_and_stick()
    assert a == b
    assert hash(a) == hash(b)
    assert a != ball_and_stick(at=0.0)
    with pytest.raises(ValueError, match="read-only"):
        a.diameters_m[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        a.discretise(PerBranch(1)).area_m2[0] = 1


def test_joining_moves_the_other_part_to_where_it_attaches():
    cell = ball_and_stick(20 * um, 500 * um, 2 * um, at=0.5)
    np.testing.assert_allclose(cell["dendrite"].points_m[0], [10e-6, 0, 0])


def test_cutting_off_a_branch_takes_what_it_carries():
    shape = tree(3, name="t").join(
        cylinder(9 * um, 1 * um, name="spur", tag="axon"), "t[0]", at=0.5
    )
    left = shape.without("t[1]")
    assert left.names == ("t[0]", "t[2]", "t[5]", "t[6]", "spur")
    assert left["t[5]"].parent == "t[2]"
    assert shape.without("axon").names == shape.names[:-1]
    with pytest.raises(UnknownNameError, match="did you mean 'spur'"):
        shape.without("spurr")
    with pytest.raises(MorphologyError, match="nothing would be left"):
        shape.without("t[0]")
    # Deeper branches of an earlier number keep their path.
    np.testing.assert_allclose(left["t[5]"].points_m, shape["t[5]"].points_m)


def test_rules_refuse_what_is_no_number_and_what_is_too_many():
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(ParameterError, match="whole number"):
            PerBranch(wrong)
    with pytest.raises(UnknownNameError, match="did you mean 'dendrite'"):
        ball_and_stick().discretise(PerBranch(1, {"dendrit": 3}))
    with pytest.raises(ParameterError, match="most"):
        ball_and_stick().discretise(PerBranch(10_000_000))


def test_many_copies_are_joined_as_one_after_the_other():
    dendrite = cylinder(100 * um, 2 * um, name="dendrite").join(
        cone(60 * um, 2 * um, 1 * um, name="branch"), "dendrite"
    )
    spine = cylinder(1 * um, 0.2 * um, name="neck").join(cylinder(0.5 * um, 0.5 * um, name="head"))
    onto, places = ["dendrite", "branch", "dendrite"], [0.25, 1.0, 0.25]
    one_by_one = dendrite
    for k, (name, place) in enumerate(zip(onto, places, strict=True)):
        one_by_one = one_by_one.join(spine, name, at=place, prefix=f"spine_{k}_")
    assert dendrite.join(spine, onto, at=places, prefix="spine_") == one_by_one
    along = dendrite.join(spine, "branch", at=[0.1, 0.2])
    assert along.names[2:] == ("0_neck", "0_head", "1_neck", "1_head")
    with pytest.raises(MorphologyError, match="2 branches and at 3"):
        dendrite.join(spine, onto[:2], at=places)
    with pytest.raises(MorphologyError, match=r"between 0 and 1; got 1\.5"):
        dendrite.join(spine, "branch", at=[0.1, 1.5])
    with pytest.raises(MorphologyError, match="at least one place"):
        dendrite.join(spine, "branch", at=[])


def test_a_thousand_spines_are_joined_at_once():
    spine = cylinder(1 * um, 0.2 * um, name="neck").join(cylinder(0.5 * um, 0.5 * um, name="head"))
    dendrite = cylinder(1000 * um, 2 * um, name="dendrite")
    began = time.process_time()
    found = dendrite.join(spine, "dendrite", at=np.linspace(0, 1, 1000), prefix="spine_")
    assert time.process_time() - began < 0.2
    assert len(found) == 2001


def spiny(spines):
    """A stick named and tagged "dendrite", with spines of other names whose branches are too."""
    shape = ball_and_stick(20 * um, 500 * um, 2 * um)
    spine = cylinder(1 * um, 0.2 * um, name="neck").join(cylinder(0.5 * um, 0.5 * um, name="head"))
    for k in range(spines):
        shape = shape.join(spine, "dendrite", at=(k + 0.5) / spines, prefix=f"s{k}.")
    return shape


def test_a_number_for_a_branch_of_a_name_is_not_one_for_its_tag():
    shape = spiny(5)
    assert set(shape.tags) == {"soma", "dendrite"}
    assert len(shape.discretise(PerBranch(1, {"dendrite": 201}))) == 1 + 201 + 10
    assert PerBranch(1, {"dendrite": 201, "s1.neck": 3}).counts(shape).sum() == 1 + 201 + 12
    # The tag is asked for by its own name.
    both = PerBranch(1, {"dendrite": 201}, tagged={"dendrite": 3})
    assert both.counts(shape).tolist() == [1, 201, *[3] * 10]
    # Where no branch has the name, the word is a tag.
    assert (
        PerBranch(1, {"axon": 9}).counts(
            shape.join(cylinder(9 * um, 1 * um, name="a", tag="axon"))
        )[-1]
        == 9
    )
    with pytest.raises(UnknownNameError, match="no branch is tagged 'dendrit'"):
        PerBranch(1, tagged={"dendrit": 3}).counts(shape)
    with pytest.raises(ParameterError, match="numbers by name"):
        PerBranch(1, 5)
