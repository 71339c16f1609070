"""A cell that never fires is silent, whatever its membrane potential; block needs firing first."""

from __future__ import annotations

import re

import numpy as np
import pytest
from brian2 import mV

from bridge.equivalent.find_unit import equivalent_unit
from bridge.errors import CurveError
from bridge.recordings import CellRecording, RecordingError, Sweep, made_recording
from bridge.recordings.plausible import check_plausible
from neurosim import LIF

TIME = np.arange(0, 0.7, 1e-4)
STEPS = np.arange(-100, 701, 100.0)
INSIDE = (TIME >= 0.1) & (TIME < 0.6)
BUMP_S = 0.0005


def _cell(slope_Gohm: float, noise_mV: float = 0.1, spikes_s: dict[float, float] | None = None):
    """Ohm's law, V = -70 mV + slope * I, with noise, and spikes at times by current."""
    random = np.random.default_rng(2)
    sweeps = []
    for k, current in enumerate(STEPS):
        injected = current * INSIDE
        volts = -70 + slope_Gohm * injected + noise_mV * random.standard_normal(len(TIME))
        if spikes_s and current in spikes_s:
            volts = volts + 100 * np.exp(-(((TIME - spikes_s[current]) / BUMP_S) ** 2))
        sweeps.append(Sweep(k, 1e4, volts, injected))
    return CellRecording(tuple(sweeps), "passive")


def _refusal(cell: CellRecording) -> RecordingError:
    check_plausible(cell)
    with pytest.raises(RecordingError) as caught:
        equivalent_unit(cell, intervals=None)
    return caught.value


@pytest.mark.parametrize("slope", [0.02, 0.05, 0.15, 0.3])
def test_a_passive_membrane_is_silent_at_any_depolarisation(slope):
    cell = _cell(slope)
    why = _refusal(cell)
    assert why.reason == "silent"
    assert "healthier" not in str(why)
    # More current is no remedy once the membrane is at -40 mV and above.
    assert ("inject more current" in str(why)) == (slope * STEPS[-1] - 70 < -40)
    assert not cell.counts()["blocked"].any()
    assert not cell.features()["blocked"].any()
    assert np.isnan(cell.properties.blocked_from_pA)


def test_noise_that_does_not_follow_the_current_is_silent():
    assert _refusal(_cell(0.0, noise_mV=3.0)).reason == "silent"


@pytest.mark.parametrize("time", [0.05, 0.65])
def test_spikes_outside_the_steps_are_told(time):
    quiet = _refusal(_cell(0.02, spikes_s={300.0: time}))
    assert quiet.reason == "silent"
    assert "1 spike lies outside the steps" in str(quiet)


def test_firing_at_the_holding_current_that_steps_end_is_block():
    # Spikes before the step: the cell fires at rest, and not once it is held above -40 mV.
    assert _refusal(_cell(0.15, spikes_s={300.0: 0.05})).reason == "block"
    # A spike after the step may be its rebound: it does not say that the cell fires at rest.
    assert _refusal(_cell(0.15, spikes_s={300.0: 0.65})).reason == "silent"


def test_block_begins_no_earlier_than_firing():
    # From 300 pA on the passive membrane lies above -40 mV; the only spike is at 500 pA.
    cell = _cell(0.15, spikes_s={500.0: 0.12})
    assert _refusal(cell).reason == "block"
    assert cell.properties.blocked_from_pA == 500


def test_one_spike_in_all_is_one_current():
    found = equivalent_unit(_cell(0.02, spikes_s={500.0: 0.3}), intervals=None)
    assert found.refusal.reason == "one-current"


@pytest.mark.slow
@pytest.mark.parametrize("counts", [[10] * 6, [10, 11, 10, 11, 10, 10], [1] * 6])
def test_a_cell_that_fires_alike_at_every_current_gets_no_unit(counts):
    cell = made_recording([50, 100, 150, 200, 250, 300], counts)
    found = equivalent_unit(cell, intervals=None)
    assert found.refusal.reason == "flat"
    # One silent current says where firing begins.
    cell = made_recording([0, 50, 100, 150, 200, 250, 300], [0, *counts])
    assert getattr(equivalent_unit(cell, intervals=None).refusal, "reason", None) != "flat"


def test_a_model_that_never_fires_is_silent():
    with pytest.raises(CurveError, match="never fires") as caught:
        equivalent_unit(LIF(V_th=1e9 * mV), engine="numpy")
    assert caught.value.reason == "silent"


@pytest.mark.parametrize(
    ("window", "told"),
    [
        ((0.3, 0.5), r"only at the onset of a step \(until 250 ms\), .* from 300 ms on"),
        ((0.0, 0.2), "fires in a step, but not where spikes are counted"),
    ],
)
def test_spikes_outside_the_window_are_told(window, told):
    cell = made_recording([50, 100, 150, 200], [0, 1, 1, 1])
    refusal = equivalent_unit(cell, intervals=None, recording={"window": window}).refusal
    assert refusal.reason == "silent"
    assert re.search(told, str(refusal))
