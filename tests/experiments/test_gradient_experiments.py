"""Experiments with the gradient of a neuron."""

import numpy as np
import pytest

from experiments.gallery.neurons import synapse_gradients
from experiments.gallery.neurons.threshold_sensitivity import labelled
from experiments.kit.registry import Context, find
from neurosim.catalogue import ca1_pyramidal, textbook_neuron
from neurosim.morphology import tagged, uniformly


def test_the_threshold_follows_the_sodium_of_the_segment():
    result = find("threshold-sensitivity").run(context=Context(seed=3, quick=True))
    assert all(verdict.holds for verdict in result.verdicts)
    table = result.tables["sensitivities"].set_index("conductance")["textbook_mV_per_e_fold"]
    assert table.idxmin() == "initial_segment_sodium.g"
    # Potassium channels raise the threshold, sodium channels lower it.
    assert table["initial_segment_potassium.g"] > 0 > table["axon_sodium.g"]
    assert np.isfinite(table).all()


def test_channels_have_names_of_their_places():
    neuron = labelled(textbook_neuron())
    names = [one.label for one in neuron.painted]
    assert len(set(names)) == len(names) == len(textbook_neuron().painted)
    assert "initial_segment_sodium" in names


# ---- a thousand synapses ------------------------------------------------------------------------
def test_parts_of_the_dendrites_have_as_many_synapses_and_lie_in_order():
    cell = ca1_pyramidal()
    at = uniformly(tagged("dendrite"), 400, seed=2).compartments(cell.compartments)
    part = synapse_gradients._parts(cell, at)
    tags = np.array(cell.morphology.tags)[cell.compartments.branch[at]]
    assert set(tags[part < 2]) == {"basal"}
    assert set(tags[part >= 2]) == {"apical"}
    away = cell.compartments.distance_m[at]
    for first, last in ((0, 1), (2, 7)):
        sizes = np.bincount(part)[first : last + 1]
        assert np.ptp(sizes) <= 1
        for k in range(first, last):
            assert away[part == k].max() <= away[part == k + 1].min()


def test_a_reconstruction_takes_the_place_of_the_shape(tmp_path):
    points = ["1 1 0 0 0 9 -1", "2 3 0 -10 0 1 1", "3 3 0 -160 0 1 2"]
    points += ["4 4 0 10 0 1.5 1", "5 4 0 400 0 1.5 4"]
    file = tmp_path / "cell.swc"
    file.write_text("\n".join(points) + "\n")
    cell = synapse_gradients._cell(synapse_gradients.Parameters(morphology=str(file)))
    assert cell.morphology.tags.count("apical") == 1
    at = uniformly(tagged("dendrite"), 100, seed=2).compartments(cell.compartments)
    assert set(synapse_gradients._parts(cell, at)) == set(range(8))
    assert len(synapse_gradients._cell(synapse_gradients.Parameters()).morphology.tags) > 20


def test_a_rate_is_that_from_the_first_to_the_last_spike():
    spikes = np.zeros(400, dtype=np.uint8)
    spikes[[100, 150, 300]] = 1
    assert synapse_gradients._rate(spikes) == 10.0
    assert synapse_gradients._rate(spikes[:120]) == 0.0


@pytest.mark.slow
def test_a_few_synapses_have_the_derivatives_of_differences():
    """Also next to a spike that is about to vanish; which synapses count takes more of them."""
    p = synapse_gradients.Parameters(
        draws=2, synapses=200, ampa_nS=0.75, rows=8, length_ms=300.0, trials=40, checked=2
    )
    verdicts = find("synapse-gradients").run(p, Context(seed=2, quick=True)).verdicts
    assert verdicts[0].holds


@pytest.mark.slow
def test_far_synapses_count_less_and_the_gradient_orders_parts_as_the_fit_does():
    verdicts = (
        find("synapse-gradients")
        .run(synapse_gradients.Parameters(), Context(seed=3, quick=True))
        .verdicts
    )
    assert all(one.holds for one in verdicts)
    assert verdicts[2].value < 1
