"""Regions and sites on small cells where every answer can be counted."""

import numpy as np
import pytest
from brian2 import Hz, mV, um

from neurosim import Neuron
from neurosim.channels import Leak
from neurosim.describe.parts import Poisson
from neurosim.engine.cable.compose import Run, compose_cable
from neurosim.errors import ParameterError, UnitError, UnknownNameError
from neurosim.morphology import (
    PerBranch,
    at,
    ball_and_stick,
    branch,
    by_density,
    centre,
    cylinder,
    distance,
    every,
    every_nth,
    everywhere,
    order,
    points,
    radius,
    root_site,
    subtree,
    tagged,
    tips,
    tree,
    uniformly,
)
from neurosim.synapses import AMPA


@pytest.fixture(scope="module")
def cell():
    shape = ball_and_stick(20 * um, 100 * um, 2 * um)
    shape = shape.join(cylinder(50 * um, 1 * um, tag="basal"), "soma", at=0)
    shape = shape.join(tree(3, 40 * um, 3 * um, tag="apical", name="tuft"), "soma", at=0.5)
    return shape.discretise(PerBranch(5))


def test_tags_and_their_families(cell):
    assert tagged("soma").mask(cell).sum() == 5
    assert tagged("basal", "apical").mask(cell).sum() == 5 + 35
    # Dendrites of any kind.
    assert tagged("dendrite").mask(cell).sum() == 5 + 5 + 35


def test_regions_combine_like_sets(cell):
    a, b = tagged("dendrite"), distance(below=60 * um)
    A, B = a.mask(cell), b.mask(cell)
    np.testing.assert_array_equal((a | b).mask(cell), A | B)
    np.testing.assert_array_equal((a & b).mask(cell), A & B)
    np.testing.assert_array_equal((a - b).mask(cell), A & ~B)
    np.testing.assert_array_equal((~a).mask(cell), ~A)
    np.testing.assert_array_equal((everywhere - a).mask(cell), (~a).mask(cell))
    np.testing.assert_array_equal((~(a | b) | (a & b)).mask(cell), ~(A ^ B))


def test_distance_is_along_the_path_from_the_middle_of_the_soma(cell):
    here = branch("dendrite").mask(cell)
    np.testing.assert_allclose(cell.distance_m[here] * 1e6, [20, 40, 60, 80, 100])
    both = branch("dendrite") & distance(at_least=40 * um, below=80 * um)
    assert np.flatnonzero(both.mask(cell)).tolist() == np.flatnonzero(here)[1:3].tolist()
    # Attached to the middle: the distance begins at 0 there.
    assert cell.distance_m[cell.at("tuft[0]", 0)] == pytest.approx(4e-6)


def test_order_radius_and_subtree(cell):
    assert order(below=1).mask(cell).sum() == 5
    assert (order(at_least=3) & subtree("tuft[0]")).mask(cell).sum() == 20
    assert subtree("tuft[0]").mask(cell).sum() == 35
    assert subtree("tuft[2]").mask(cell).sum() == 15
    np.testing.assert_array_equal(radius(at_least=9 * um).mask(cell), tagged("soma").mask(cell))


@pytest.mark.parametrize(
    ("region", "said"),
    [
        (tagged("axon"), "the morphology has soma, dendrite, basal, apical"),
        (distance(at_least=5000 * um), "distance runs from 0"),
        (radius(at_least=1000 * um), r"radius runs from .* to 10"),
        (order(at_least=9), "order runs from 0 to 3"),
        (tagged("soma") & tagged("apical"), "nothing is left of both"),
        (tagged("apical") - tagged("dendrite"), "nothing is left of both"),
        (tagged("soma") & tagged("axon"), "the morphology has"),
        (~everywhere, "covers everything"),
    ],
)
def test_a_region_that_matches_nothing_says_what_is_there(cell, region, said):
    with pytest.raises(ParameterError, match=said) as caught:
        region.mask(cell)
    assert repr(region) in str(caught.value)


def test_a_misspelt_name_is_refused_even_inside_a_union(cell):
    with pytest.raises(UnknownNameError, match="did you mean 'apical'"):
        (tagged("soma") | tagged("apicall")).mask(cell)
    with pytest.raises(UnknownNameError, match=r"did you mean 'tuft\[1\]'"):
        branch("tuft[1").mask(cell)
    with pytest.raises(UnknownNameError, match="did you mean 'dendrite'"):
        at("dendrit").compartments(cell)
    # A known word that this cell does not have is an empty part of a larger region.
    np.testing.assert_array_equal(
        (tagged("soma") | tagged("hillock")).mask(cell), tagged("soma").mask(cell)
    )


def test_bounds_need_units_and_order():
    with pytest.raises(UnitError, match="carry a unit"):
        distance(at_least=100)
    with pytest.raises(UnitError):
        radius(below=3 * mV)
    with pytest.raises(ParameterError, match="less than below"):
        distance(at_least=3 * um, below=2 * um)
    with pytest.raises(ParameterError, match="at_least, below"):
        distance()
    with pytest.raises(ParameterError, match="regions only"):
        tagged("soma") | "axon"


def test_regions_and_sites_are_values():
    assert tagged("soma") | branch("a") == tagged("soma") | branch("a")
    assert len({tagged("soma"), tagged("soma"), ~tagged("soma")}) == 2
    assert at("soma", 0.5) == at("soma", 0.5)
    assert uniformly(everywhere, 5, 1) != uniformly(everywhere, 5, 2)


def test_points_on_branches(cell):
    where = [at("dendrite", x).compartments(cell)[0] for x in (0, 0.1, 0.2, 0.5, 0.99, 1)]
    assert (np.array(where) - where[0]).tolist() == [0, 0, 1, 2, 4, 4]
    with pytest.raises(ParameterError, match="between 0 and 1"):
        at("dendrite", 1.01)
    assert root_site.compartments(cell).tolist() == [2]
    assert root_site.compartments(cylinder(9 * um, 1 * um).discretise(PerBranch(5))).tolist() == [2]
    assert centre(tagged("soma")).compartments(cell).tolist() == [2]
    assert centre(branch("dendrite")).compartments(cell).tolist() == [where[3]]


def test_tips_are_where_nothing_goes_on(cell):
    names = [cell.branch_names[k] for k in cell.branch[tips().compartments(cell)]]
    assert names == ["dendrite", "basal", "tuft[3]", "tuft[4]", "tuft[5]", "tuft[6]"]
    assert np.all(cell.end[tips().compartments(cell)] == 1)
    assert len(tips(tagged("apical")).compartments(cell)) == 4
    with pytest.raises(ParameterError, match="no branch ends there"):
        tips(tagged("soma")).compartments(cell)


def test_points_drawn_uniformly_follow_length_or_area(cell):
    region = tagged("soma", "dendrite")
    n = 200_000
    for by, sizes in (("length", cell.length_m), ("area", cell.area_m2)):
        counts = np.bincount(uniformly(region, n, 7, by=by).compartments(cell), minlength=len(cell))
        share = sizes * region.mask(cell)
        share = share / share.sum()
        assert counts.sum() == n
        assert np.all(counts[share == 0] == 0)
        error = np.sqrt(n * share * (1 - share)) + 1e-9
        assert np.all(np.abs(counts - n * share) < 5 * error)
    one, two = (uniformly(region, 50, seed).compartments(cell) for seed in (1, 2))
    np.testing.assert_array_equal(one, uniformly(region, 50, 1).compartments(cell))
    assert not np.array_equal(one, two)


def test_density_is_a_poisson_process(cell):
    region = tagged("apical")
    area = cell.area_m2[region.mask(cell)].sum()
    totals = [
        len(by_density(region, per_area=0.5 / um**2, seed=s).compartments(cell)) for s in range(400)
    ]
    expected = 0.5e12 * area
    assert np.mean(totals) == pytest.approx(expected, abs=4 * np.sqrt(expected / 400))
    assert np.var(totals) == pytest.approx(expected, rel=0.3)
    placed = by_density(region, per_length=700 / um, seed=3).compartments(cell)
    assert len(placed) == pytest.approx(
        700 * cell.length_m[region.mask(cell)].sum() * 1e6, rel=0.02
    )
    with pytest.raises(ParameterError, match="placed nothing"):
        by_density(region, per_length=1e-9 / um).compartments(cell)
    with pytest.raises(ParameterError, match="either"):
        by_density(region)


def test_every_compartment_once(cell):
    np.testing.assert_array_equal(every().compartments(cell), np.arange(len(cell)))
    assert len(every(tagged("soma")).compartments(cell)) == 5


def test_sites_unite_without_losing_a_point():
    cell = ball_and_stick().discretise()
    drawn = uniformly(tagged("dendrite"), 50, seed=1)
    both = drawn | at("soma") | drawn
    expected = [*drawn.compartments(cell), 0, *drawn.compartments(cell)]
    assert both.compartments(cell).tolist() == expected
    assert both == (drawn | (at("soma") | drawn))
    assert repr(at("soma") | at("dendrite", 1)) == "at('soma', 0.5) | at('dendrite', 1)"
    with pytest.raises(ParameterError, match="united with a site"):
        at("soma") | tagged("soma")


def test_lists_of_points_are_where_each_point_is():
    cell = ball_and_stick().discretise()
    generator = np.random.default_rng(2)
    places = [
        (str(name), float(x))
        for name, x in zip(
            generator.choice(["soma", "dendrite"], 200), generator.random(200), strict=True
        )
    ]
    places += [("dendrite", 0.0), ("dendrite", 1.0)]
    one_by_one = [cell.at(name, x) for name, x in places]
    assert points(places).compartments(cell).tolist() == one_by_one
    assert hash(points(places)) == hash(points(places))
    with pytest.raises(UnknownNameError, match=r"'dendrit'.*dendrite"):
        points([("dendrit", 0.5)]).compartments(cell)
    for wrong, said in (([], "empty"), ([("soma", 2)], "between 0 and 1"), ([3], "pairs")):
        with pytest.raises(ParameterError, match=said):
            points(wrong)


def test_every_nth_compartment_of_a_region():
    cell = ball_and_stick().discretise()
    inside = np.flatnonzero(tagged("dendrite").mask(cell))
    assert every_nth(tagged("dendrite"), 3).compartments(cell).tolist() == inside[::3].tolist()
    assert every_nth(tagged("dendrite"), 3, first=2).compartments(cell)[0] == inside[2]
    with pytest.raises(ParameterError, match="13 compartments only"):
        every_nth(tagged("dendrite"), 3, first=20).compartments(cell)
    with pytest.raises(ParameterError, match="whole number"):
        every_nth(tagged("dendrite"), 0)


def test_a_hundred_thousand_sites_are_one_kernel():
    generator = np.random.default_rng(3)
    sites = points([("dendrite", x) for x in generator.random(100_000)])
    shape = cylinder(1000 * um, 2 * um, name="dendrite")
    cell = Neuron(shape, PerBranch(101)).paint(Leak()).place(AMPA(), sites, Poisson(1 * Hz))
    run = Run(1, {}, np.zeros(1, dtype=int), 0.1, 25e-6, 25e-6, 0.0, 0.5)
    composed = compose_cable(cell, run)
    assert [kernel.name for kernel in composed.model.kernels] == ["patch0", "point_ampa"]
    # A site a compartment, since receptors of one kind add; and every train reaches its own.
    assert composed.inputs.kernels[1].sites == 101
    _, member = composed.receptors["ampa"]
    assert len(member) == 100_000
    arrived = composed.inputs.kernels[1].events
    assert abs(len(arrived.time_s) - 10_000) < 5 * 100
