"""Experiments with the gradient of a neuron."""

import numpy as np
import pytest
from brian2 import Hz, ms, nS

from experiments.gallery.neurons import synapse_gradients
from experiments.gallery.neurons.threshold_sensitivity import labelled
from experiments.kit.registry import Context, find
from experiments.one_neuron import what_drives
from neurosim import differentiate
from neurosim.catalogue import ca1_pyramidal, textbook_neuron
from neurosim.describe.parts import Poisson
from neurosim.errors import ParameterError
from neurosim.gradients.losses import SpikeTime
from neurosim.morphology import read_shape, tagged, uniformly
from neurosim.synapses import AMPA


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
    part = what_drives.parts_of_dendrites(cell, at)
    tags = np.array(cell.morphology.tags)[cell.compartments.branch[at]]
    assert set(tags[part < 2]) == {"basal"}
    assert set(tags[part >= 2]) == {"apical"}
    away = cell.compartments.distance_m[at]
    for first, last in ((0, 1), (2, 7)):
        sizes = np.bincount(part)[first : last + 1]
        assert np.ptp(sizes) <= 1
        for k in range(first, last):
            assert away[part == k].max() <= away[part == k + 1].min()
    place = what_drives.part_of_each_place(cell, at, part)
    # Two synapses at one distance may lie on either side of a border.
    for k in np.flatnonzero(place[at] != part):
        assert place[at[k]] in part[away == away[k]]
    for k in (0, 2, 3, 4, 5, 6):
        whole = cell.compartments.distance_m
        assert whole[place == k].max() <= whole[place == k + 1].min()
    dendrites = tagged("dendrite").select(cell.compartments)
    assert np.array_equal(place >= 0, dendrites)


def test_a_reconstruction_takes_the_place_of_the_shape(tmp_path):
    points = ["1 1 0 0 0 9 -1", "2 3 0 -10 0 1 1", "3 3 0 -160 0 1 2"]
    points += ["4 4 0 10 0 1.5 1", "5 4 0 400 0 1.5 4"]
    file = tmp_path / "cell.swc"
    file.write_text("\n".join(points) + "\n")
    cell = synapse_gradients._cell(synapse_gradients.Parameters(morphology=str(file)))
    assert cell.morphology.tags.count("apical") == 1
    at = uniformly(tagged("dendrite"), 100, seed=2).compartments(cell.compartments)
    assert set(what_drives.parts_of_dendrites(cell, at)) == set(range(8))
    assert len(synapse_gradients._cell(synapse_gradients.Parameters()).morphology.tags) > 20


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"checked": 41, "synapses": 40}, "checked must be at most the number of synapses, 40"),
        ({"rate_Hz": 0.0}, "rate_Hz must be above 0; got 0"),
        ({"length_ms": -3.0}, "length_ms must be above 0; got -3"),
        ({"ampa_nS": float("nan")}, "ampa_nS must be above 0; got nan"),
        # The third draw is the first that leaves a part without synapses.
        ({"synapses": 10, "checked": 1}, "of 10 synapses none is on apical part 6 of"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_runs(given, said, monkeypatch):
    monkeypatch.setattr(synapse_gradients, "differentiate", None)
    with pytest.raises(ParameterError, match=said):
        find("synapse-gradients").run(synapse_gradients.Parameters(**given), Context(seed=1))


def test_a_rate_is_that_from_the_first_to_the_last_event():
    assert what_drives.rate_of_events(np.array([100, 150, 300])) == 10.0
    assert what_drives.rate_of_events(np.array([100])) == 0.0
    # A second and a third spike at once are no events of their own, at either end.
    assert what_drives.rate_of_events(np.array([100, 104, 108, 150, 300, 305])) == 10.0
    assert what_drives.rate_of_events(np.array([100.0, 104.0])) == 0.0


def test_each_part_is_stronger_in_half_of_the_runs_of_any_other():
    signs = what_drives.SIGNS
    assert np.array_equal(signs.T @ signs, 16 * np.eye(8))
    # What two parts do together cancels as well: for each run there is its opposite.
    assert {tuple(run) for run in signs} == {tuple(-run) for run in signs}
    assert np.abs(signs.sum(axis=1)).max() == 4


def _few_strong_synapses():
    bare = ca1_pyramidal()
    bare = bare.replace(probed=(), detectors=bare.detectors[:1])
    site = uniformly(tagged("dendrite"), 40, seed=5)
    return bare, site, bare.place(AMPA(g=4 * nS), site, Poisson(5 * Hz), label="syn")


def test_shares_follow_from_the_time_of_a_spike():
    _, _, cell = _few_strong_synapses()
    seeds = np.array([3, 4])
    found = what_drives.share_in_spike_times(cell, "syn", 450 * ms, seeds, dt=0.05 * ms)
    step, times = 1e-5, []
    for sign in (-1, 1, 0):
        moved = differentiate(
            cell, 450 * ms, SpikeTime(number=5), ["syn.weight"], seed=seeds, dt=0.05 * ms,
            weights={"syn": np.full((2, 40), 1 + sign * step)},
        )  # fmt: skip
        times.append(1e3 * np.asarray(moved.value))
        slopes = np.asarray(moved["syn.weight"])
    assert found.total_ms == pytest.approx((times[0] - times[1]) / (2 * step), rel=1e-4)
    assert found.earlier_ms == pytest.approx(-1e3 * slopes)
    with pytest.raises(ParameterError, match="spike 5 needs 5"):
        what_drives.share_in_spike_times(cell, "syn", 50 * ms, seeds, dt=0.05 * ms)


def test_runs_count_alike_and_those_with_a_delay_are_turned_round():
    runs = np.array([[3.0, 1.0, 0.0], [-3000.0, -2000.0, 1000.0]])
    share = what_drives.Shares(runs).share
    assert share == pytest.approx([(3 / 4 + 3 / 6) / 2, (1 / 4 + 2 / 6) / 2, -1 / 6 / 2])
    assert what_drives.Shares(1e6 * runs).share == pytest.approx(share)
    assert what_drives.Shares(runs).halves_alike == pytest.approx(
        np.corrcoef([3 / 4, 1 / 4, 0], [3 / 6, 2 / 6, -1 / 6])[0, 1]
    )


def test_what_is_tried_is_the_rate_that_one_synapse_of_a_part_adds():
    """With all synapses but seven in the first part, it gets nearly all of what they do."""
    bare, site, _ = _few_strong_synapses()
    compartment = np.asarray(site.compartments(bare.compartments))
    part = np.concatenate([np.zeros(33, dtype=int), np.arange(1, 8)])
    driven = what_drives.Driven(bare, compartment, part, 4.0, 5.0, 450.0)
    moved = what_drives.move_parts(driven, np.array([1, 2]), dt=0.05 * ms)
    whole = moved.events_Hz * np.bincount(part)
    assert 0 < moved.events_Hz[0] < moved.rate_Hz[0] / 20
    assert whole[0] > 3 * np.abs(whole[1:]).max()
    with pytest.raises(ParameterError, match="must have synapses"):
        what_drives.move_parts(
            what_drives.Driven(bare, compartment, np.minimum(part, 6), 4.0, 5.0, 450.0),
            np.array([1]),
            dt=0.05 * ms,
        )


@pytest.mark.slow
def test_on_a_reconstruction_shares_fall_along_the_apical_dendrite_as_trying_says(shared_data):
    """Of a cell whose spikes come in groups, and of which the mean gradient tells nothing."""
    file = shared_data / "morphologies/cells/rat_CA1_pyramidal_c91662.swc"
    bare = ca1_pyramidal(read_shape(file))
    bare = bare.replace(probed=(), detectors=bare.detectors[:1])
    site = uniformly(tagged("dendrite"), 1000, seed=11)
    cell = bare.place(AMPA(g=0.25 * nS), site, Poisson(5 * Hz), label="syn")
    compartment = np.asarray(site.compartments(bare.compartments))
    part = what_drives.parts_of_dendrites(bare, compartment)
    shares = what_drives.share_in_spike_times(cell, "syn", 500 * ms, np.arange(8), dt=0.05 * ms)
    by_part = np.array([shares.share[part == k].mean() for k in range(8)])
    driven = what_drives.Driven(bare, compartment, part, 0.25, 5.0, 500.0)
    moved = what_drives.move_parts(driven, np.array([100, 101]), dt=0.05 * ms)
    # Parts 2 to 7 are apical; a few runs do not tell what the outer basal dendrites do.
    assert np.corrcoef(by_part[2:], moved.events_Hz[2:])[0, 1] > synapse_gradients.LEAST_ALIKE
    for found in (by_part, moved.events_Hz):
        assert found[6:].mean() < found[2:4].mean() / 2
    # Spikes come in groups: there are more of them than events.
    assert moved.rate_Hz[1] > 1.2 * moved.rate_Hz[0]


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
