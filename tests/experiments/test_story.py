"""The sentences of the main job say what its numbers say."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.compare.story import (
    Decision,
    kept_and_lost,
    left_out_by_units,
    of_the_network,
    of_the_neuron,
)
from experiments.kit.estimate import Estimate
from experiments.kit.registry import Context, find
from experiments.kit.result import Verdict


def decision(lost, low, high, time=50.0):
    estimate = Estimate(lost, low, high, 2700, "Agresti-Min")
    return Decision(time, 0.98, 0.98 - lost / 100, estimate, 2700, 91.2, 1.23e10)


@pytest.mark.parametrize(
    ("low", "high", "equivalent"),
    [(-0.2, 0.3, True), (-2.0, 2.0, True), (1.9, 2.1, False), (-2.1, 0.5, False), (3, 4, False)],
)
def test_equivalent_is_an_interval_within_the_margin(low, high, equivalent):
    one = decision((low + high) / 2, low, high)
    assert one.equivalent is equivalent
    assert ("they are equivalent" in of_the_network(one)) is equivalent
    assert ("equivalence is not shown" in of_the_network(one)) is not equivalent


def test_a_difference_is_told_with_its_side():
    assert "1.0 percentage points fewer" in of_the_network(decision(1.0, 0.4, 1.6))
    assert "1.0 percentage points more" in of_the_network(decision(-1.0, -1.6, -0.4))
    assert "equally many" in of_the_network(decision(0.0, -0.2, 0.2))
    assert "−0.2 to 0.2" in of_the_network(decision(0.0, -0.2, 0.2))
    assert "lost: 0.0 to 0.0 percentage" in of_the_network(decision(0.0, -0.04, -0.01))


def test_what_is_kept_and_lost():
    early, late = decision(2.74, 2, 3.4, 10.0), decision(0.0, -0.2, 0.2)
    kept, lost, cost = kept_and_lost(early, late, 0.031, 0.042, 100.0)
    assert "The answers are kept: after 50 ms 98.0 %" in kept
    assert (
        "Speed and precision are lost: after 10 ms the accuracy is 2.7 percentage points lower"
        in lost
    )
    assert "counted over 100 ms scatters by 0.03 (on a range of 1) and is off by 0.04" in lost
    assert "91 spikes" in cost
    assert "1.2·10¹⁰ molecules" in cost
    assert "open" in kept_and_lost(early, decision(2.5, 1, 4), 0.03, 0.04, 100.0)[0]
    nothing = kept_and_lost(decision(-0.01, -0.3, 0.3, 10.0), late, 0.031, 0.04, 100.0)[1]
    assert nothing.startswith("Precision is lost: after 10 ms the accuracy is no lower")


def test_what_a_unit_leaves_out():
    assert "(the far synapse keeps 34 % of its effect)" in left_out_by_units(
        {"epsp_left_at_soma": 0.339}
    )
    assert "synapse" not in left_out_by_units({})


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(-1, 1, "holds"), (-3, 3, "UNDECIDED"), (1, 3, "UNDECIDED"), (2.5, 3, "FAILS")],
)
def test_a_number_within_its_bar_on_both_sides(low, high, word):
    one = Verdict("difference", (low + high) / 2, 2, "within", low=low, high=high)
    assert one.word == word
    assert "within ±2" in str(one)


@pytest.mark.slow
def test_one_spike_of_the_textbook_neuron():
    """Threshold, place of origin and velocity are those that other measurements find."""
    from brian2 import ms, mV

    from experiments.gallery.neurons.one_spike import Parameters, driven_neuron
    from neurosim.axon import conduction_velocity
    from neurosim.morphology import at

    result = find("one-spike").run()
    assert result.holds
    n = result.numbers
    # The same spike, timed by detectors.
    context, parameters = Context(), Parameters()
    neuron = driven_neuron(parameters, context.seed)
    timed = conduction_velocity(
        neuron, at("axon", 0.2), at("axon", 0.8), 150 * ms, seed=context.seeds(8)[0],
        dt=parameters.dt_ms * ms, threshold=-20 * mV,
    )  # fmt: skip
    assert n["velocity_m_per_s"] == pytest.approx(float(timed), rel=0.01)
    # Passive cables weaken a response on its way; and a spike that runs back fades.
    assert 0.1 < n["epsp_left_at_soma"] < 0.6
    assert 0.02 < n["spike_left_at_dendritic_tip"] < 0.5
    assert 0.1 < n["lead_of_initial_segment_ms"] < 0.2
    said = of_the_neuron(n, 60, 20)
    assert "soma reaches −5" in said
    figure = result.figures["one-spike"]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert "One spike" in titles
    neuron = next(a for a in figure.axes if a.get_title(loc="left") == "A neuron and its synapses")
    drawn = {c.get_label(): len(c.get_offsets()) for c in neuron.collections if c.get_label()}
    assert drawn["60 excitatory synapses"] == 60
    assert drawn["20 inhibitory synapses"] == 20
    assert np.isfinite(list(n.values())).all()
