"""Compartments against closed forms: areas, resistances, the d_lambda rule, invariants of trees."""

import json

import numpy as np
import pytest
from brian2 import Hz, cm, ohm, uF, um
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from neurosim.morphology import (
    DLambda,
    MaxLength,
    Morphology,
    PerBranch,
    ball_and_stick,
    cone,
    cylinder,
    polyline,
    tree,
)
from neurosim.morphology import frusta as module


def random_tree(seed, branches=40, points=6):
    """A tree of random frusta, with branches at 0, 0.5 and 1 of their parents."""
    rng = np.random.default_rng(seed)
    parents = np.array([-1, *(rng.integers(0, k) for k in range(1, branches))])
    return Morphology(
        points_m=rng.normal(size=(branches * points, 3)) * 10e-6,
        diameters_m=rng.uniform(0.3e-6, 4e-6, branches * points),
        offsets=points * np.arange(branches + 1),
        parents=parents,
        attach=rng.choice([0.0, 0.5, 1.0, 1.0, 1.0], branches),
        names=tuple(f"b{k}" for k in range(branches)),
        tags=("dendrite",) * branches,
    )


def conductances(cut, R_a=1.0):
    resistance = cut.axial_resistance(R_a)
    inner = np.flatnonzero(cut.node_parent >= 0)
    return inner, cut.node_parent[inner], 1 / resistance[inner]


def resistance_between(cut, a, b):
    """Resistance between two compartments of the bare axial network, by Kirchhoff's laws."""
    child, parent, g = conductances(cut)
    count = len(cut.node_parent)
    rows = np.r_[child, parent, child, parent]
    columns = np.r_[child, parent, parent, child]
    matrix = coo_matrix((np.r_[g, g, -g, -g], (rows, columns)), shape=(count, count)).tolil()
    node = {c: n for n, c in enumerate(cut.node_compartment.tolist()) if c >= 0}
    ground = node[b]
    keep = np.setdiff1d(np.arange(count), [ground])
    current = np.zeros(count)
    current[node[a]] = 1
    solved = np.zeros(count)
    solved[keep] = spsolve(matrix.tocsc()[keep][:, keep], current[keep])
    return solved[node[a]]


def input_resistance(cut, compartment, R_a, g):
    """Resistance (ohm) seen by a steady current into a compartment of a passive neuron."""
    child, parent, axial = conductances(cut, R_a)
    leak = np.zeros(len(cut.node_parent))
    membrane = cut.node_compartment >= 0
    leak[membrane] = g * cut.area_m2[cut.node_compartment[membrane]]
    every = np.arange(len(leak))
    rows, columns = np.r_[every, child, parent, child, parent], np.r_[every, child, parent, parent]
    matrix = coo_matrix(
        (np.r_[leak, axial, axial, -axial, -axial], (rows, np.r_[columns, child])),
        shape=(len(leak), len(leak)),
    ).tocsc()
    node = np.flatnonzero(cut.node_compartment == compartment)[0]
    current = np.zeros(len(leak))
    current[node] = 1
    return spsolve(matrix, current)[node]


def test_a_frustum_has_its_lateral_area_and_resistance():
    L, r1, r2 = 100e-6, 3e-6, 0.5e-6
    for n in (1, 2, 7, 100):
        cut = cone(L * 1e6 * um, 6 * um, 1 * um).discretise(PerBranch(n))
        slant = np.hypot(L, r1 - r2)
        assert cut.area_m2.sum() == pytest.approx(np.pi * (r1 + r2) * slant, rel=1e-12)
        through = (cut.near_per_m + cut.far_per_m).sum()
        assert through == pytest.approx(L / (np.pi * r1 * r2), rel=1e-12)


def test_each_half_of_a_compartment_is_integrated_from_its_centre():
    cut = cone(90 * um, 4 * um, 1 * um).discretise(PerBranch(3))
    r = (4 - 3 * np.linspace(0, 1, 7)) / 2 * 1e-6
    halves = 15e-6 / (np.pi * r[:-1] * r[1:])
    np.testing.assert_allclose(cut.near_per_m, halves[0::2], rtol=1e-12)
    np.testing.assert_allclose(cut.far_per_m, halves[1::2], rtol=1e-12)
    np.testing.assert_allclose(cut.diameter_m, 2 * r[1::2], rtol=1e-12)
    np.testing.assert_allclose(cut.xyz_m[:, 0], [15e-6, 45e-6, 75e-6], rtol=1e-12)


def test_a_step_in_diameter_adds_its_ring_once():
    # Two points at one place, 4 um and 2 um thick: a flat ring between them.
    points = np.array([[0, 0, 0], [50, 0, 0], [50, 0, 0], [100, 0, 0]]) * um
    step = polyline(points, np.array([4, 4, 2, 2]) * um)
    expected = np.pi * (4 * 50 + 2 * 50 + (2**2 - 1**2)) * 1e-12
    for n in (1, 2, 3, 4, 10):
        cut = step.discretise(PerBranch(n))
        assert cut.area_m2.sum() == pytest.approx(expected, rel=1e-12)
        assert cut.area_m2.sum() == pytest.approx(step.areas_m2.sum(), rel=1e-12)
    # A cut at the step itself: the ring lies on its proximal side.
    halves = step.discretise(PerBranch(2)).area_m2 * 1e12
    np.testing.assert_allclose(halves, [np.pi * (200 + 3), np.pi * 100], rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_area_and_length_stay_under_refinement(seed):
    shape = random_tree(seed)
    for rule in (PerBranch(1), PerBranch(2), PerBranch(7), MaxLength(3 * um), DLambda()):
        cut = shape.discretise(rule)
        by_branch = np.bincount(cut.branch, weights=cut.area_m2)
        np.testing.assert_allclose(by_branch, shape.areas_m2, rtol=1e-10)
        lengths = np.bincount(cut.branch, weights=cut.length_m)
        np.testing.assert_allclose(lengths, shape.lengths_m, rtol=1e-12)
        through = np.bincount(cut.branch, weights=cut.near_per_m + cut.far_per_m)
        whole = shape.discretise(PerBranch(1))
        np.testing.assert_allclose(through, whole.near_per_m + whole.far_per_m, rtol=1e-9)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("together", [1, 2, 7])
def test_integrating_a_few_compartments_at_a_time_changes_no_bit(seed, together, monkeypatch):
    # Two points at one place are a step in diameter, which belongs to one side only.
    step = polyline([(0, 0, 0), (10, 0, 0), (10, 0, 0), (30, 0, 0)] * um, [4, 4, 2, 1] * um)
    for shape in (step, random_tree(seed, branches=15)):
        for rule in (PerBranch(1), PerBranch(3), MaxLength(2 * um)):
            whole = shape.discretise(rule)
            with monkeypatch.context() as patched:
                patched.setattr(module, "_TOGETHER", together)
                pieces = shape.discretise(rule)
            for name in ("area_m2", "diameter_m", "near_per_m", "far_per_m", "xyz_m"):
                np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))


@pytest.mark.parametrize("seed", range(5))
def test_parents_stand_before_their_children_and_nothing_is_lost(seed):
    cut = random_tree(seed, branches=60).discretise(MaxLength(5 * um))
    nodes = len(cut.node_parent)
    inner = cut.node_parent >= 0
    assert np.all(cut.node_parent[inner] < np.arange(nodes)[inner])
    assert np.count_nonzero(~inner) == 1
    held = cut.node_compartment[cut.node_compartment >= 0]
    assert sorted(held) == list(range(len(cut)))
    # The first node is a compartment: the root of what the engine eliminates last.
    assert cut.node_compartment[0] == 0
    resistance = cut.axial_resistance(1.0)
    assert np.all(resistance[inner] > 0)
    assert np.all(np.isfinite(resistance))
    # A junction joins at least three branches' ends; a smaller one would be a useless node.
    for junction in np.flatnonzero(cut.node_compartment < 0):
        assert np.count_nonzero(cut.node_parent == junction) >= 2


@pytest.mark.parametrize("seed", range(4))
def test_resistance_between_two_points_does_not_depend_on_the_cut(seed):
    # Odd counts keep a compartment at the middle of each branch, between which is measured.
    shape = random_tree(seed, branches=15)
    known = None
    for n in (1, 3, 9):
        cut = shape.discretise(PerBranch(n))
        middle = [cut.at(f"b{k}", 0.5) for k in (0, 4, 9, 14)]
        found = [resistance_between(cut, middle[0], b) for b in middle[1:]]
        if known is None:
            known = found
        else:
            np.testing.assert_allclose(found, known, rtol=1e-8)


def test_axial_resistance_of_a_branching_is_the_sum_of_half_cylinders():
    # Y of cylinders: from the middle of the trunk to the middle of a twig.
    shape = tree(2, 100 * um, 4 * um, length_ratio=1.0)
    cut = shape.discretise(PerBranch(1))
    assert len(cut.node_parent) == 4  # one junction
    d = shape.diameters_m[::2]
    expected = 50e-6 / (np.pi * d[0] ** 2 / 4) + 50e-6 / (np.pi * d[1] ** 2 / 4)
    assert resistance_between(cut, 0, 1) == pytest.approx(expected, rel=1e-12)


def test_each_compartment_brings_its_own_resistivity():
    cut = ball_and_stick(20 * um, 100 * um, 2 * um).discretise(PerBranch(1))
    found = cut.axial_resistance(np.array([1.0, 3.0]))[1]
    expected = 1.0 * 10e-6 / (np.pi * 100e-12) + 3.0 * 50e-6 / (np.pi * 1e-12)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("at", "reach"), [(0.0, 10e-6), (0.5, 0.0), (1.0, 10e-6)])
def test_where_a_branch_attaches_to_a_soma(at, reach):
    cut = ball_and_stick(20 * um, 100 * um, 2 * um, at=at).discretise(PerBranch(1))
    expected = reach / (np.pi * 100e-12) + 50e-6 / (np.pi * 1e-12)
    assert cut.axial_resistance(1.0)[1] == pytest.approx(expected, rel=1e-12)
    # Path distance from the middle of the soma.
    assert cut.distance_m.tolist() == pytest.approx([0, reach + 50e-6])


def test_a_child_at_the_start_of_a_branch_hangs_where_that_branch_hangs():
    stem = cylinder(100 * um, 4 * um, name="stem")
    twice = stem.join(cylinder(50 * um, 2 * um, name="a")).join(
        cylinder(50 * um, 2 * um, name="b"), "a", at=0
    )
    side = stem.join(cylinder(50 * um, 2 * um, name="a")).join(
        cylinder(50 * um, 2 * um, name="b"), "stem"
    )
    one, other = twice.discretise(PerBranch(3)), side.discretise(PerBranch(3))
    np.testing.assert_array_equal(one.node_parent, other.node_parent)
    np.testing.assert_allclose(one.axial_resistance(1.0), other.axial_resistance(1.0))


def test_d_lambda_is_its_formula():
    # lambda_f = 1/2 sqrt(d / (pi f Ra Cm)) (Hines and Carnevale 2001), odd counts.
    for L, d, R_a, C_m, f in [(1000, 2, 100, 1, 100), (317, 0.4, 180, 0.8, 250), (5, 9, 70, 2, 50)]:
        lam = 0.5 * np.sqrt(d * 1e-4 / (np.pi * f * R_a * C_m * 1e-6)) * 1e4
        expected = int((L / (0.1 * lam) + 0.9) / 2) * 2 + 1
        rule = DLambda(0.1, f * Hz, C_m * uF / cm**2, R_a * ohm * cm)
        assert rule.counts(cylinder(L * um, d * um)).tolist() == [expected]


@pytest.mark.parametrize("rule", [DLambda(), MaxLength(7 * um)])
def test_rules_give_odd_counts_and_are_kept(rule):
    cut = random_tree(1).discretise(rule)
    assert cut.rule is rule
    counts = np.diff(cut.first)
    assert np.all(counts % 2 == 1)
    assert np.all(counts >= 1)


def test_max_length_is_never_exceeded():
    shape = random_tree(2)
    assert shape.discretise(MaxLength(4 * um)).length_m.max() <= 4e-6 * (1 + 1e-9)
    # 60 um are three pieces of 20 um, not five.
    assert MaxLength(20 * um).counts(cylinder(60 * um, 1 * um)).tolist() == [3]


def test_rall_tree_is_one_cylinder():
    # d^(3/2) conserved and equal electrotonic lengths: the equivalent cylinder is the trunk's,
    # as long as all levels together.
    levels, L, d = 5, 100e-6, 4e-6
    shape = tree(levels, L * 1e6 * um, d * 1e6 * um)
    orders = shape.orders
    for order in range(levels):
        here = shape.diameters_m[::2][orders == order]
        assert (here**1.5).sum() == pytest.approx(d**1.5, rel=1e-12)
        electrotonic = shape.lengths_m[orders == order] / np.sqrt(here)
        np.testing.assert_allclose(electrotonic, L / np.sqrt(d), rtol=1e-12)


@pytest.mark.parametrize("levels", [1, 4])
def test_input_resistance_of_a_rall_tree_is_that_of_its_sealed_cylinder(levels):
    # R_in = R_inf coth(L / lambda), R_inf = 2 sqrt(R_m R_a) / (pi d^(3/2)) (Rall 1959), with the
    # levels of a tree one behind the other.
    R_a, R_m, d, L = 1.5, 2.0, 4e-6, 200e-6
    cut = tree(levels, L * 1e6 * um, d * 1e6 * um).discretise(MaxLength(0.25 * um))
    space = np.sqrt(d * R_m / (4 * R_a))
    endless = 2 * np.sqrt(R_m * R_a) / (np.pi * d**1.5)
    expected = endless / np.tanh(levels * L / space)
    # The current enters half a compartment inside the cable's end.
    assert input_resistance(cut, 0, R_a, 1 / R_m) == pytest.approx(expected, rel=1e-3)


def test_steady_resistance_of_the_passive_target(shared_targets):
    given = json.loads((shared_targets / "passive_syn.json").read_text())
    shape = ball_and_stick(20 * um, 1000 * um, 2 * um)
    cut = shape.discretise(PerBranch(1, {"dendrite": given["dend"]["nseg"]}))
    found = input_resistance(cut, 0, given["Ra_ohm_cm"] / 100, 1e4 / given["Rm_ohm_cm2"]) / 1e6
    assert found == pytest.approx(given["steady_state"]["Rin_soma_Mohm"], rel=1e-4)


def test_ten_thousand_compartments_in_a_line_and_in_a_bush():
    line = cylinder(100_000 * um, 1 * um).discretise(PerBranch(10_001))
    assert len(line) == 10_001
    np.testing.assert_array_equal(line.node_parent, np.arange(10_001) - 1)
    names = tuple(f"c{k}" for k in range(12_000))
    chain = Morphology(
        points_m=np.repeat(np.linspace(0, 0.12, 12_001), 2)[1:-1, None] * [[1, 0, 0]],
        diameters_m=np.full(24_000, 1e-6),
        offsets=2 * np.arange(12_001),
        parents=np.arange(12_000) - 1,
        attach=np.ones(12_000),
        names=names,
        tags=("axon",) * 12_000,
    )
    # Far beyond the recursion limit: nothing here recurses.
    cut = chain.discretise(PerBranch(1))
    assert cut.order[-1] == 11_999
    assert cut.distance_m[-1] == pytest.approx(0.12 - 5e-6)
