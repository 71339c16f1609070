"""Experiments with the gradient of a neuron."""

import numpy as np

from experiments.gallery.neurons.threshold_sensitivity import labelled
from experiments.kit.registry import Context, find
from neurosim.catalogue import textbook_neuron


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
