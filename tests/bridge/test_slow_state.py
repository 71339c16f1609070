"""A unit with a slow state: found where there is one, not claimed where there is none."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import typer
from brian2.units import cm, mS, ms, mV, pA, um
from typer.testing import CliRunner

from bridge import equivalent_unit
from bridge.counts.dispersion import CountNoise
from bridge.errors import CurveError
from bridge.recordings import CellRecording, made_recording
from bridge.recordings.formats.sweeps import Sweep
from bridge.slow_state.slow_draws import draw_levels
from bridge.slow_state.slow_fit import SlowFit, begins_with_a_jump, fit_slow
from bridge.slow_state.slow_protocol import levels_of_cell, run_levels, slow_levels
from bridge.slow_state.slow_scoring import SlowScoring, Timeline
from bridge.slow_state.sweep_counts import SweepCounts
from bridge.units import LIFRate, NakaRushton, ReLU, Softplus, SquareRoot, TypeTwo
from bridge.units.slow_unit import EFFECTS, SlowUnit, advance
from experiments.command.converting.convert_files import slow_unit_of_file
from experiments.command.unit import unit_command
from experiments.gallery.units.pump_cell import PumpCell
from neurosim import Neuron
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.morphology import at, cylinder, everywhere

LEVELS = np.linspace(0, 400, 6)
ONSET = Softplus(0.15, 100, 30)


@pytest.fixture(scope="module")
def known() -> SweepCounts:
    truth = SlowUnit(ONSET, strength=4.0, tau_s=5.0)
    return draw_levels(truth, slow_levels(LEVELS, 2, seed=3), seed=3, shape=4.0)


def test_the_state_of_a_threshold_linear_unit_has_its_closed_form():
    """r = g (I - a s - th), so that s relaxes with tau / (1 + g a) to g (I - th) / (1 + g a)."""
    unit, time = SlowUnit(ReLU(0.5, 100), strength=2.0, tau_s=5.0), np.array([0.3, 2.0, 9.0])
    expected = 50 + 50 * np.exp(-2 * time / 5)
    assert np.allclose(unit.response(300, time), expected, rtol=2e-4)
    drive = unit.drive(np.full(9, 300.0), 1.0)
    edges = np.arange(10.0)
    mean = 50 + 50 * 2.5 * -np.diff(np.exp(-2 * edges / 5))
    assert np.allclose(drive, mean, rtol=1e-3)


def test_the_table_of_states_is_that_of_spikes_added_one_by_one(known: SweepCounts):
    timeline, tau = Timeline(known), np.array([0.5, 0.77, 5.3, 200.0])
    assert np.allclose(timeline.states(tau), timeline.exact_states(tau), atol=2e-3)
    # One bin by hand: the third of the first sweep, from the two before it.
    lost = np.exp(-1 / 5.3)
    by_hand = known.count[0] * (1 - lost) * lost + known.count[1] * (1 - lost)
    third = int(np.searchsorted(timeline.judged, 2))
    assert np.isclose(timeline.exact_states(tau)[2, third], by_hand)


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize(
    "onset",
    [ONSET, ReLU(0.15, 100), SquareRoot(3.0, 100), NakaRushton(90, 60, 170, 2.0)],
    ids=lambda onset: onset.name,
)
def test_states_found_at_once_are_those_found_bin_by_bin(known, onset, effect):
    """Newton's method over all bins, from states that hardly matter to such as silence the cell."""
    task = SlowScoring(type(onset), Timeline(known), effect, "rate")
    strengths = np.array([1e-6, 1.0, 30.0, 1e4]) * (1.0 if effect == "subtractive" else 0.01)
    pairs = [(strength, tau) for strength in strengths for tau in (0.5, 5.0, 200.0)]
    base = task.base.coordinates(onset.values)
    found = task.mean(np.array([[*base, *np.log(pair)] for pair in pairs])) / task.timeline.width
    sweeps = [np.flatnonzero(known.sweep == k) for k in np.unique(known.sweep)]
    for rates, (strength, tau) in zip(found, pairs, strict=True):
        unit, expected = SlowUnit(onset, strength, tau, effect), np.zeros(len(known.count))
        for bins in sweeps:
            state = np.zeros(1)
            for k in bins:
                current = known.current_pA[k]

                def rate_of(state, unit=unit, current=current):
                    return unit.rate_at(current, state)

                rate, state = advance(rate_of, state, known.window_s[k], tau)
                expected[k] = rate[0]
        expected = np.maximum(expected[known.judged], 1e-4)
        assert np.allclose(rates, expected, rtol=1e-8, atol=1e-8), (strength, tau)


def test_a_known_slow_state_is_found_with_its_numbers(known: SweepCounts):
    found = fit_slow(known)
    assert found.verdict == "slow"
    assert found.unit.effect == "subtractive"
    for name, true in (("tau_s", 5.0), ("strength", 4.0)):
        end = found.intervals[name]
        assert end.low < true < end.high
        assert end.high < 1.8 * end.low
    # A state of 4 pA/Hz after 10 s at the rate that the cell keeps up at 400 pA.
    rate = float(f"{float(found.unit.rate(400)):.2g}")
    more = found.unit.strength * rate * (1 - np.exp(-10 / found.unit.tau_s))
    assert f"needs {float(f'{more:.2g}'):g} pA more" in found.in_words()


@pytest.mark.parametrize(
    ("shape", "fast"), [(1.0, (0.0, 0.1)), (12.0, (0.0, 0.1)), (4.0, (6.0, 0.15))]
)
def test_none_is_claimed_where_there_is_none(shape: float, fast: tuple[float, float]):
    truth = SlowUnit(ONSET, strength=0.0, tau_s=5.0)
    levels = slow_levels(LEVELS, 1, seed=5)
    found = fit_slow(draw_levels(truth, levels, seed=5, shape=shape, fast=fast))
    assert not found.chosen
    assert "No slow state" in found.in_words()


@pytest.mark.slow
def test_a_cell_that_runs_down_is_not_taken_for_one_that_remembers():
    """The rate falls to a third over 144 s whatever the cell does."""
    levels = slow_levels(LEVELS, 2, seed=2)
    still = draw_levels(SlowUnit(ONSET, 0.0, 5.0), levels, seed=2, shape=4.0)
    random = np.random.default_rng(2)
    assert still.trains is not None
    kept = tuple(t[random.random(len(t)) > t / 216] for t in still.trains)
    found = fit_slow(SweepCounts.of_trains(kept, levels))
    assert found.verdict == "drift"
    assert "run-down" in found.in_words()


@pytest.mark.slow
def test_counts_without_spike_times_are_enough(known: SweepCounts):
    frame = pd.DataFrame(known.to_dict())
    found = equivalent_unit(frame)
    assert found.memory is not None
    assert found.memory.chosen
    assert found.memory.intervals["tau_s"].low < 5 < found.memory.intervals["tau_s"].high
    said = json.loads(json.dumps(found.to_dict()))["memory"]
    assert SlowUnit.from_dict(said["unit"]) == found.memory.unit
    assert pd.DataFrame(said["counts"]).equals(frame.astype(float))
    assert found.memory.in_words() in str(found)
    # The rates of a level scatter by its history, and the ordinary unit is the better for it.
    assert found.ok


def test_saved_units_that_are_none_are_refused():
    said = SlowUnit(ReLU(0.5, 100), 2.0, 5.0, "divisive").to_dict()
    assert SlowUnit.from_dict(said).effect == "divisive"
    with pytest.raises(ParameterError, match="keys"):
        SlowUnit.from_dict({"name": "slow"})
    with pytest.raises(UnknownNameError, match="relu"):
        SlowUnit.from_dict({**said, "onset": {**said["onset"], "name": "reluu"}})
    with pytest.raises(ParameterError, match="tau_s"):
        SlowUnit.from_dict({**said, "tau_s": -1.0})
    with pytest.raises(ParameterError, match="relu"):
        SlowUnit.from_dict(
            ReLU(0.5, 100).to_dict() | {"onset": said["onset"], **said, "name": "relu"}
        )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"start_s": [0, 1, 3]}, "gap before 3 s"),
        ({"start_s": [0, 1, 1.5]}, "overlap"),
        ({"count": [0, 1.5, 2]}, "whole number"),
        ({"current_pA": [0, 50, 100]}, "after a change"),
        ({"window_s": [1, 1, -1]}, "no length"),
        ({"count": [0, np.nan, 2]}, "finite"),
    ],
)
def test_bins_that_make_no_history_are_refused(change: dict[str, list[float]], says: str):
    table = {
        "sweep": [0, 0, 0], "start_s": [0, 1, 2], "window_s": [1, 1, 1],
        "current_pA": [50, 50, 50], "count": [3, 2, 2],
    }  # fmt: skip
    with pytest.raises(CurveError, match=says):
        SweepCounts.from_frame({**table, **change})
    with pytest.raises(CurveError, match="lack window_s"):
        SweepCounts.from_frame({k: v for k, v in table.items() if k != "window_s"})


def test_short_steps_cannot_tell_and_the_note_says_so():
    cell = made_recording([0, 50, 100, 150, 200], [0, 3, 6, 9, 12])
    found = equivalent_unit(cell, memory=True)
    assert found.memory is None
    assert any("longest step lasts 0.5 s" in note for note in found.notes)


@pytest.mark.slow
def test_the_pump_of_a_simulated_cell_is_found_with_its_sodium_clearance():
    cell, seen = PumpCell(), []
    found = equivalent_unit(
        cell.neuron(), noise=20 * pA, trials=1, memory=True, adaptation=False, progress=seen.append
    )
    assert seen == sorted(seen)
    # The levels of current are part of the whole, as long as all the rest.
    assert sum(0.5 < share < 0.84 for share in seen) > 2
    memory = found.memory
    assert memory is not None
    assert memory.chosen
    assert memory.unit.effect == "subtractive"
    # The time constant changes with sodium by a tenth over the rates of the protocol.
    assert abs(memory.unit.tau_s / cell.tau_s - 1) < 0.1
    assert abs(memory.unit.strength / cell.strength_pA_per_Hz - 1) < 0.05
    assert ("slow state, time constant", memory.unit.tau_s) in [row[:2] for row in found.losses()]


@pytest.mark.slow
def test_the_command_writes_it_and_the_conversion_reads_it(known: SweepCounts, tmp_path):
    table = tmp_path / "levels.csv"
    pd.DataFrame(known.to_dict()).to_csv(table, index=False)
    app = typer.Typer()
    app.command()(unit_command)
    done = CliRunner().invoke(app, [str(table), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "needs" in said
    assert "pA more to fire at the same rate" in said
    page = (tmp_path / "out" / "levels.csv.html").read_text(encoding="utf-8")
    assert "pA more to fire at the same rate" in page
    assert "Rates under levels of current in time" in page
    saved = tmp_path / "out" / "levels.csv.json"
    assert (tmp_path / "out" / "levels.csv-panels" / "memory.svg").exists()
    unit = slow_unit_of_file(saved)
    assert unit is not None
    assert abs(unit.tau_s - 5) < 2
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ParameterError, match="neurosim unit --memory --out"):
        slow_unit_of_file(tmp_path / "other.json")
    with pytest.raises(ParameterError, match="No such file"):
        slow_unit_of_file(tmp_path / "absent.json")


def test_a_spike_on_an_edge_of_bins_is_counted_once():
    counted = SweepCounts.of_trains([[1.0, 2.0, 2.5, 4.0]], [[(100.0, 2.0), (0.0, 3.0)]])
    assert counted.count.tolist() == [0, 1, 2, 0, 1]


def test_steps_of_a_recording_keep_their_currents():
    """Two of 25 pA apart are not one, and a measured current is not rounded to a grid."""
    rate, sweeps = 1000.0, []
    for k, amount in enumerate([0.0, 25.0, 50.0, 3010.0]):
        current = np.concatenate([np.zeros(1000), np.full(9000, amount), np.zeros(2000)])
        sweeps.append(Sweep(k, rate, -65 + 0.005 * current, current))
    levels = levels_of_cell(CellRecording(name="drawn", sweeps=tuple(sweeps)))
    assert np.unique(levels.current_pA).tolist() == [0, 25, 50, 3010]


@pytest.mark.slow
def test_the_long_steps_of_a_recording_show_it():
    """Spikes of a known unit, drawn into the potential of a recording."""
    truth = SlowUnit(ONSET, strength=4.0, tau_s=4.0)
    levels = [[(0.0, 1.0), (c, 9.0), (0.0, 2.0)] for c in np.tile(LEVELS, 3)]
    drawn = draw_levels(truth, levels, seed=8, shape=8.0)
    assert drawn.trains is not None
    rate, sweeps = 5000.0, []
    time = np.arange(-10, 11) / rate
    for k, (given, train) in enumerate(zip(levels, drawn.trains, strict=True)):
        current = np.concatenate([np.full(int(s * rate), amount) for amount, s in given])
        potential = -65 + 0.02 * current
        for spike in train[(train > 0.01) & (train < 11.9)]:
            at = round(spike * rate)
            potential[at - 10 : at + 11] += 90 * np.exp(-((time / 0.4e-3) ** 2))
        sweeps.append(Sweep(k, rate, potential, current))
    cell = CellRecording(name="drawn", sweeps=tuple(sweeps))
    found = equivalent_unit(cell, memory=True, adaptation=False)
    memory = found.memory
    assert memory is not None, found.notes
    assert memory.chosen
    assert memory.intervals["tau_s"].low < 4 < memory.intervals["tau_s"].high
    assert memory.intervals["strength"].low < 4 < memory.intervals["strength"].high
    # The levels are those of the recording, and the spikes those that were drawn, but for a few.
    assert np.array_equal(np.unique(memory.counts.current_pA), LEVELS)
    assert abs(memory.counts.count.sum() / drawn.count.sum() - 1) < 0.02


@pytest.mark.slow
def test_a_neuron_with_extent_is_given_the_levels_as_well():
    cell = Neuron(cylinder(20 * um, 20 * um), rest=-65 * mV, celsius=6.3).paint(
        [HHSodium(), HHPotassium(), Leak(g=0.3 * mS / cm**2, E=-54.4 * mV)], everywhere
    )
    cell = cell.detect(at("dendrite", 0.5), -20 * mV, label="spikes")
    counts = run_levels(cell, [[(0.0, 4.0), (200.0, 4.0)]], dt=0.05 * ms)
    assert counts.count[:4].sum() == 0
    assert (counts.count[4:] > 20).all()


def test_a_cell_that_begins_with_a_jump_is_told_without_intervals(known: SweepCounts):
    """The threshold of a type-two unit; softplus and the LIF neuron begin smoothly."""
    current = known.current_pA
    assert begins_with_a_jump(TypeTwo(30.0, 2.0, 120.0), current)
    assert not begins_with_a_jump(ONSET, current)
    assert not begins_with_a_jump(LIFRate(150.0, 150.0, 0.02, 2e-3), current)
    unit = SlowUnit(TypeTwo(30.0, 2.0, 120.0), 3.0, 5.0)
    noise, jumps = CountNoise(), True
    found = SlowFit("slow", unit, ONSET, 0.0, 9.0, 0.99, 1e-4, {}, noise, known, 0.95, jumps)
    assert "firing begins with a jump" in found.in_words()
    assert "interval " not in found.in_words()


def test_a_drive_takes_units_and_refuses_steps_that_are_none():
    unit = SlowUnit(ReLU(0.5, 100), 2.0, 5.0)
    plain = unit.drive([300.0] * 3, 0.1)
    np.testing.assert_array_equal(unit.drive([300.0] * 3 * pA, 0.1), plain)
    assert plain[0] > plain[-1] > 90
    for step in (0, -1, float("nan")):
        with pytest.raises(ParameterError, match="greater than 0"):
            unit.drive([300.0] * 3, step)
