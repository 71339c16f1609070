"""The Unit tab's tables are what `bridge` finds, and show what theory says."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from bridge.units import FAMILIES
from experiments.explore.unit_grid import LINES, MODELS, SEED, unit_at

# Both take the time of two runs of a neuron that may have to be compiled first.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def silent():
    return unit_at("LIF", (0, 20))


def test_without_noise_the_unit_is_the_closed_form_of_the_lif(silent):
    assert silent["best"] == "lif"
    current = np.array(silent["fine"])
    # E_L + R I in mV, with R = 100 MOhm; threshold -55 mV, reset -70 mV, 2 ms refractory.
    driven = -70 + 0.1 * current
    fires = driven > -55
    rate = np.zeros_like(current)
    rate[fires] = 1e3 / (2 + 20 * np.log((driven[fires] + 70) / (driven[fires] + 55)))
    # Spikes fall on steps of 0.1 ms, and counts are whole numbers in 1 s.
    np.testing.assert_allclose(silent["fit"], rate, atol=2)
    low, high = np.array(silent["low"]), np.array(silent["high"])
    assert (low <= np.array(silent["fit"]) + 1e-3).all()
    assert (np.array(silent["fit"]) <= high + 1e-3).all()
    # The sigmoid cannot have its corner.
    assert np.sqrt(np.mean(np.square(silent["sigmoidResidual"]))) > 10


def test_noise_makes_the_sigmoid(silent):
    noisy = unit_at("LIF", (6, 20))
    for point in (silent, noisy):
        named = [
            n for line in point["unlisted"] for n in line.split("(")[1].split(")")[0].split(",")
        ]
        assert len(point["families"]) + len(named) == len(FAMILIES)
    sigmoid = next(row for row in noisy["families"] if row[0] == "logistic")
    assert sigmoid[-1] == "yes"
    assert next(row for row in silent["families"] if row[0] == "logistic")[-1] == "no"


def test_the_python_lines_say_what_the_page_says(silent):
    text = LINES
    values = {"kind": "LIF", "neuron": "LIF(tau_m=20 * ms)", "noise": "None", "seed": SEED}
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(text, {})
    assert silent["words"][0] in printed.getvalue()


@pytest.mark.parametrize("name", MODELS)
def test_every_slider_begins_on_its_grid(name):
    for axis in MODELS[name].axes:
        assert axis.initial in axis.values
        assert list(axis.values) == sorted(set(axis.values))
