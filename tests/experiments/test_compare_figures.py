"""What the figures of the main job show, and by which rule it is chosen."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from experiments.compare.figures import _shown_units
from experiments.compare.network_part import LOOKED_AT, typical
from experiments.gallery.networks.digits_on_neurons import accuracy_figure


def test_neurons_that_are_shown_fire_after_the_input_came():
    counts = np.array([0, 3, 0, 9, 5, 1, 0, 7])
    chosen = _shown_units(counts)
    # The strongest is among them, those that are silent are not, and none comes twice.
    assert chosen[-1] == 3
    assert len(chosen) == 3
    assert all(counts[chosen] > 0)
    assert list(counts[chosen]) == sorted(counts[chosen])
    # With one that fires, or none, there is still something to show.
    assert _shown_units(np.array([0, 4, 0])) == [1]
    assert len(_shown_units(np.zeros(5, dtype=int))) == 3


def test_the_input_that_is_shown_takes_a_usual_number_of_spikes():
    spikes = np.full((LOOKED_AT + 6, 2), 10)
    spikes[LOOKED_AT:] = 40
    spikes[5] = 15
    run = SimpleNamespace(spikes_by_neuron=lambda at: spikes)
    # Those behind the first few count for the mean (here 32), but have no traces to show.
    assert spikes.sum(axis=1).mean() == pytest.approx(32.3, abs=0.1)
    assert typical(run) == 5


def test_spikes_stand_below_their_time_and_a_dot_at_100_percent_is_whole():
    table = pd.DataFrame(
        {
            "time_ms": [10.0, 50.0], "ann_accuracy": [1.0, 1.0], "spiking_accuracy": [0.9, 1.0],
            "low_95": [0.85, 0.95], "high_95": [0.94, 1.0], "spikes_per_decision": [18.4, 97.2],
        }
    )  # fmt: skip
    axes = accuracy_figure(table, "A table").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["10 ms\n18", "50 ms\n97"]
    low, high = axes.get_ylim()
    # Half of a dot of 6 points, of an axis of 200.
    assert (high - 100) / (high - low) > 0.015
    assert low < 85
