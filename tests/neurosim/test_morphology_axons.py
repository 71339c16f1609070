"""Axons made by hand: the geometries of the acceptance targets, and their allowed ranges."""

import json

import numpy as np
import pytest
from brian2 import meter, mm, nmeter, um

from neurosim.errors import ParameterError
from neurosim.morphology import (
    PerBranch,
    Sheath,
    axon,
    cylinder,
    myelinated_axon,
    soma_with_axon,
    tagged,
    telodendria,
)


def target(folder, name):
    return json.loads((folder / f"{name}.json").read_text())["params"]


@pytest.mark.parametrize("d", [1, 10, 20])
def test_the_myelinated_axon_of_the_targets(d, shared_targets):
    given = target(shared_targets, "myelin")
    shape = myelinated_axon(
        d * um, internodes=30, internode_length=100 * d * um, node_length=given["node"]["L_um"] * um
    )
    assert shape == myelinated_axon(d * um, internodes=30)  # the defaults are those
    cut = shape.discretise(PerBranch(1, {"internode": given["internode"]["nseg"]}))
    assert len(cut) == 31 + 30 * 10
    nodes = cut.area_m2[tagged("node").mask(cut)]
    np.testing.assert_allclose(nodes, np.pi * d * 1e-12)
    assert cut.length_m[tagged("internode").mask(cut)] == pytest.approx(10 * d * 1e-6)
    # One line without junctions: each node hangs on the one before.
    np.testing.assert_array_equal(cut.node_parent, np.arange(len(cut)) - 1)


def test_the_neuron_with_initial_segment_of_the_targets(shared_targets):
    given = target(shared_targets, "ais")
    soma, dend, ais, ax = (given[k] for k in ("soma", "dend", "ais", "axon"))
    shape = soma_with_axon(
        soma["diam"] * um,
        soma_length=soma["L"] * um,
        dendrites=[cylinder(dend["L"] * um, dend["diam"] * um)],
        initial_segment_length=ais["L"] * um,
        initial_segment_diameter=ais["diam"] * um,
        axon=axon(ax["L"] * um, ax["diam"] * um),
    )
    assert shape.names == ("soma", "dendrite", "initial_segment", "axon")
    assert [None if p < 0 else shape.names[p] for p in shape.parents] == [
        None,
        "soma",
        "soma",
        "initial_segment",
    ]
    # geometry: dend(0)-soma(0); ais(0)-soma(1); axon(0)-ais(1)
    assert shape.attach.tolist()[1:] == [0, 1, 1]
    cut = shape.discretise(PerBranch(1, {"dendrite": 61, "initial_segment": 41, "axon": 201}))
    assert len(cut) == 1 + 61 + 41 + 201
    lateral = np.pi * np.array([20 * 20, 600 * 3, 40 * 1.5, 1000]) * 1e-12
    np.testing.assert_allclose(np.bincount(cut.branch, weights=cut.area_m2), lateral)


def test_the_squid_axon_of_the_targets(shared_targets):
    given = target(shared_targets, "hh_velocity")
    shape = axon(given["L_um"] * um, given["diam_um"] * um)
    assert shape.areas_m2[0] * 1e12 == pytest.approx(np.pi * 476 * 120_000)


def test_a_length_is_met_exactly_by_whole_internodes():
    for d, L in [(0.2, 5e-3), (3, 0.1), (20, 2.0), (12, 0.9137)]:
        shape = myelinated_axon(d * um, L * meter)
        assert shape.lengths_m.sum() == pytest.approx(L, rel=1e-9)
        between = shape.lengths_m[1]
        assert between == pytest.approx(100 * d * 1e-6, rel=0.5 / (len(shape) // 2) + 1e-3)
        assert shape.tags[0] == shape.tags[-1] == "node"


def test_two_metres_of_the_thinnest_axon_are_made_of_arrays():
    shape = myelinated_axon(0.2 * um, 2 * meter)
    assert len(shape) > 190_000
    np.testing.assert_allclose(shape.lengths_m[::2], 1e-6, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: myelinated_axon(0.1 * um, internodes=3), "between 200. nm and 20. um"),
        (lambda: myelinated_axon(25 * um, internodes=3), "diameter must lie between"),
        (lambda: myelinated_axon(10 * um, 2.5 * meter), "length must lie between .* and 2"),
        (lambda: myelinated_axon(10 * um, 0.5 * mm), "length must lie between"),
        (lambda: myelinated_axon(10 * um, internodes=5000), r"make 5 m; give at most 2000 of them"),
        (lambda: myelinated_axon(10 * um, internodes=0), "whole number"),
        (lambda: myelinated_axon(10 * um), "either length or internodes"),
        (lambda: myelinated_axon(10 * um, internodes=3, node_length=1 * mm), "node_length must"),
        (lambda: axon(3 * meter, 1 * um), "axon: length must lie between"),
        (lambda: axon(1 * mm, 0.01 * um), "axon: diameter must lie between"),
        (lambda: soma_with_axon(initial_segment_length=1 * mm), "initial_segment_length must"),
        (lambda: telodendria(bouton_diameter=50 * um), "bouton_diameter must lie between"),
        (lambda: Sheath(g_ratio=1.2), "g_ratio must lie between 0.3 and 0.98"),
    ],
)
def test_out_of_range_is_refused_with_the_range(make, said):
    with pytest.raises(ParameterError, match=said):
        make()


def test_a_sheath_is_its_membranes_in_series():
    # n wraps of two membranes each, as cylindrical capacitors one round the other, per axon area.
    sheath = Sheath(g_ratio=0.7, period=15 * nmeter)
    d = 10e-6
    outer = d / 0.7
    n = round((outer - d) / 2 / 15e-9)
    radii = d / 2 + 15e-9 * (np.arange(n) + 0.5)
    # 1 / C = sum of 1 / C_k, with C_k = c 2 pi r_k / 2 per length for a wrap of two membranes.
    wraps = 1 / np.sum(1 / (np.pi * radii)) / (np.pi * d)
    assert sheath.wraps(10 * um) == pytest.approx(n, abs=0.5)
    assert sheath.factor(10 * um) == pytest.approx(wraps, rel=0.005)
    assert sheath.factor(20 * um) == pytest.approx(sheath.factor(10 * um) / 2)
    # Fewer wraps, more capacitance: demyelination.
    assert Sheath(g_ratio=0.9).factor(10 * um) > 3 * sheath.factor(10 * um)
    assert float(sheath.fibre_diameter(7 * um)) == pytest.approx(10e-6)


def test_telodendria_end_in_boutons():
    shape = telodendria(4, children=2)
    tags = np.array(shape.tags)
    assert (tags == "terminal").sum() == 8
    assert not np.isin(shape.parents, np.flatnonzero(tags == "terminal")).any()
    # Boutons sit on the tips, and every tip has one.
    assert sorted(shape.parents[tags == "terminal"]) == list(range(7, 15))
    assert shape.diameters_m.min() >= 0.2e-6 * (1 - 1e-12)


def test_a_whole_neuron_with_every_tag():
    shape = soma_with_axon(
        20 * um,
        dendrites=[cylinder(300 * um, 2 * um), cylinder(200 * um, 2 * um)],
        hillock_length=10 * um,
        axon=myelinated_axon(2 * um, internodes=5),
        terminals=telodendria(),
    )
    assert set(shape.tags) == {
        "soma",
        "dendrite",
        "hillock",
        "initial_segment",
        "node",
        "internode",
        "axon",
        "terminal",
    }
    assert shape["telodendron[0]"].parent == "node[5]"
    assert shape["hillock"].diameters_m.tolist() == pytest.approx([4e-6, 1.5e-6])
    cut = shape.discretise()
    # Distances run from the middle of the soma through hillock and initial segment.
    assert cut.distance_m[cut.at("node[0]", 0.5)] == pytest.approx(60.5e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: myelinated_axon(20 * um, internodes=1000, internode_length=2 * mm),
        lambda: myelinated_axon(
            10 * um, internodes=2000, internode_length=1 * mm, node_length=50 * um
        ),
        # Sums and conversions that miss 2 m by their last digits.
        lambda: myelinated_axon(20 * um, sum([0.1 * meter] * 20, 0 * meter) * (1 + 4e-16)),
        lambda: axon(np.nextafter(2.0, 3.0) * meter, 1 * um),
        lambda: axon(10 * mm, 1 * um / 10 * (1 - 1e-15)),
    ],
)
def test_an_axon_of_two_metres_is_made_however_its_length_is_said(make):
    assert make().lengths_m.sum() < 2.2


def test_an_axon_longer_than_two_metres_is_refused():
    for make in (
        lambda: axon(2.001 * meter, 1 * um),
        lambda: myelinated_axon(20 * um, internodes=1001, internode_length=2 * mm),
        lambda: myelinated_axon(20 * um, 2.001 * meter),
    ):
        with pytest.raises(ParameterError):
            make()
