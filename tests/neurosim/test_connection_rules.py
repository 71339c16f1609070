"""Which cells of a circuit come into contact: by distance, by number, by chance."""

from itertools import pairwise

import numpy as np
import pytest
from brian2 import meter, mm, ms, nA, second, um
from scipy.stats import binomtest

from neurosim import Circuit, Neuron
from neurosim.channels import Leak
from neurosim.describe.distance import ExponentialProfile, GaussianProfile
from neurosim.errors import ParameterError, UnitError
from neurosim.morphology import PerBranch, at, cylinder
from neurosim.synapses import AMPA

CELL = Neuron(cylinder(20 * um, 20 * um, name="soma"), PerBranch(1)).paint(Leak())
CELL = CELL.place(AMPA(), at("soma"), label="ampa")
PLACES = np.random.default_rng(2).uniform(0, 500, (300, 3))


def sheet(dimensions=3):
    return Circuit().add("a", CELL, 300, positions=PLACES[:, :dimensions] * um)


def drawn(circuit=None, **given):
    """Return the pairs of a connection of a population with itself, and their distances."""
    circuit = (circuit or sheet()).connect("a", "a", onto="ampa", **given)
    pairs = circuit.connections[0].pairs
    places = circuit.populations["a"].positions_um
    return pairs, np.linalg.norm(places[pairs[:, 0]] - places[pairs[:, 1]], axis=1)


def all_distances(places):
    far = np.linalg.norm(places[:, None] - places[None], axis=2)
    return far[~np.eye(len(places), dtype=bool)]


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize(
    ("profile", "law"),
    [
        (GaussianProfile(peak=0.6, sd=120 * um), lambda d: 0.6 * np.exp(-(d**2) / 2 / 120**2)),
        (ExponentialProfile(peak=0.4, length=90 * um), lambda d: 0.4 * np.exp(-d / 90)),
        (lambda d: np.where(d < 150, 0.3, 0.05), lambda d: np.where(d < 150, 0.3, 0.05)),
    ],
    ids=["gaussian", "exponential", "own"],
)
def test_the_share_of_contacts_follows_the_profile_of_distance(profile, law, dimensions):
    _, found = drawn(sheet(dimensions), probability=profile, seed=5)
    every = all_distances(PLACES[:, :dimensions])
    edges = np.linspace(0, 400, 9)
    for low, high in pairwise(edges):
        pool = every[(every >= low) & (every < high)]
        kept = np.count_nonzero((found >= low) & (found < high))
        # The exact probability that so many or more extreme numbers are drawn, 27 bins in all.
        assert binomtest(kept, len(pool), float(law(pool).mean())).pvalue > 1e-4


def test_a_cut_off_keeps_what_is_near_and_nothing_else():
    pairs, far = drawn(within=0.1 * mm)
    every = all_distances(PLACES)
    assert len(pairs) == np.count_nonzero(every <= 100)
    assert far.max() <= 100
    # With a profile and a number of inputs, the draws are among the near ones.
    pairs, far = drawn(within=200 * um, probability=0.8, incoming=3)
    assert far.max() <= 200
    assert set(np.bincount(pairs[:, 1], minlength=300)) == {3}
    with pytest.raises(ParameterError, match="ask for fewer"):
        drawn(within=30 * um, incoming=3)


def test_fixed_numbers_are_drawn_evenly():
    circuit = Circuit().add("a", CELL, 40)
    pairs = circuit.connect("a", "a", onto="ampa", incoming=8).connections[0].pairs
    assert np.array_equal(np.bincount(pairs[:, 1]), np.full(40, 8))
    assert len(np.unique(pairs, axis=0)) == 320
    assert np.all(pairs[:, 0] != pairs[:, 1])
    # Out-degrees over 200 seeds: each source is as likely as any other.
    total = np.zeros(40)
    for seed in range(200):
        more = circuit.connect("a", "a", onto="ampa", incoming=8, seed=seed).connections[0].pairs
        total += np.bincount(more[:, 0], minlength=40)
    expected, spread = 200 * 8, np.sqrt(200 * 40 * (8 / 39) * (31 / 39))
    assert np.all(np.abs(total - expected) < 4 * spread)
    assert abs(np.std(total) / spread - 1) < 0.35


def test_autapses_only_when_they_are_asked_for():
    circuit = Circuit().add("a", CELL, 30)
    assert np.all(np.diff(drawn_pairs(circuit), axis=1) != 0)
    with_self = drawn_pairs(circuit, autapses=True)
    assert np.count_nonzero(with_self[:, 0] == with_self[:, 1]) == 30
    assert len(with_self) == 900
    listed = drawn_pairs(circuit, pairs=[(3, 3), (0, 1)])
    assert listed.tolist() == [[3, 3], [0, 1]]
    two = circuit.add("b", CELL, 30)
    with pytest.raises(ParameterError, match="one population"):
        two.connect("a", "b", onto="ampa", autapses=True)


def drawn_pairs(circuit, **given):
    return circuit.connect("a", "a", onto="ampa", **given).connections[0].pairs


def test_a_seed_draws_again_and_another_one_otherwise():
    profile = GaussianProfile()
    first, again, other = (drawn(probability=profile, seed=seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_delays_by_the_velocity_of_conduction():
    circuit = sheet().connect(
        "a", "a", onto="ampa", within=150 * um, delay=0.2 * ms, velocity=0.3 * meter / second
    )
    connection = circuit.connections[0]
    _, far = drawn(within=150 * um)
    np.testing.assert_allclose(connection.delay_s, 0.2e-3 + far * 1e-6 / 0.3, rtol=1e-12)


def test_wrong_rules_are_named():
    bare = Circuit().add("a", CELL, 3)
    with pytest.raises(ParameterError, match=r"'a' has no positions.*positions="):
        bare.connect("a", "a", onto="ampa", probability=GaussianProfile())
    with pytest.raises(ParameterError, match="no positions"):
        bare.connect("a", "a", onto="ampa", velocity=1 * meter / second)
    with pytest.raises(UnitError, match="positions of 'b'"):
        bare.add("b", CELL, 2, positions=[[0, 1], [2, 3]])
    with pytest.raises(ParameterError, match=r"shape \(3, 2\)"):
        bare.add("b", CELL, 3, positions=np.zeros((2, 2)) * um)
    with pytest.raises(ParameterError, match="same number"):
        (
            Circuit()
            .add("a", CELL, 2, positions=np.zeros((2, 2)) * um)
            .add("b", CELL, 2, positions=np.zeros((2, 3)) * um)
            .connect("a", "b", onto="ampa", within=1 * um)
        )
    for wrong in (lambda d: d, lambda d: -0.1, lambda d: np.nan, lambda d: d[:2], lambda d: "far"):
        with pytest.raises(ParameterError, match="probability"):
            drawn(probability=wrong)
    with pytest.raises(ParameterError, match="at most 1"):
        GaussianProfile(peak=1.5)
    with pytest.raises(UnitError, match="within"):
        drawn(within=100)
    with pytest.raises(UnitError, match="velocity"):
        drawn(velocity=1 * nA)
    with pytest.raises(ParameterError, match="velocity"):
        drawn(velocity=-1 * meter / second)
