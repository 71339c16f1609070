"""The names of firing patterns follow from spike times and resets alone."""

import numpy as np
import pytest

from experiments.gallery.neurons.adex_patterns import classified

STEP = 2000.0


def _train(first: float, intervals: np.ndarray) -> np.ndarray:
    times = first + np.concatenate([[0.0], np.cumsum(intervals)])
    return times[times < STEP]


def _burst(first: float) -> tuple[np.ndarray, np.ndarray]:
    """Three spikes 5 ms apart, and 60 ms of rest."""
    times = _train(first, np.tile([5.0, 5.0, 60.0], 40))
    return times, np.arange(len(times)) % 3 < 2


@pytest.mark.parametrize(
    ("name", "first", "intervals", "sharp_until"),
    [
        ("tonic spiking", 12.0, np.full(200, 15.0), 999),
        ("adaptation", 12.0, 60 - 40 * np.exp(-np.arange(60) / 3), 999),
        # The resets change kind, but no interval stands out: this is adaptation.
        ("adaptation", 12.0, 60 - 40 * np.exp(-np.arange(60) / 3), 4),
        ("initial burst", 12.0, np.concatenate([[5.0, 6.0], np.full(60, 80.0)]), 2),
        ("delayed accelerating", 150.0, 20 + 60 * np.exp(-np.arange(90) / 3), 999),
        ("accelerating", 5.0, 20 + 60 * np.exp(-np.arange(90) / 3), 999),
        ("transient spiking", 5.0, np.array([6.0, 8.0]), 999),
    ],
)
def test_a_regular_train_has_the_name_of_its_intervals(name, first, intervals, sharp_until):
    times = _train(first, intervals)
    assert classified(times, np.arange(len(times)) < sharp_until, STEP) == name


def test_bursts_are_resets_of_both_kinds_in_turn_and_may_come_late():
    assert classified(*_burst(8.0), STEP) == "regular bursting"
    assert classified(*_burst(100.0), STEP) == "delayed regular bursting"


def test_intervals_without_a_cycle_are_irregular_and_no_spike_is_silence():
    times = _train(20.0, np.random.default_rng(1).uniform(10, 40, 200))
    assert classified(times, np.ones(len(times), bool), STEP) == "irregular spiking"
    assert classified(np.array([]), np.array([], bool), STEP) == "silent"
