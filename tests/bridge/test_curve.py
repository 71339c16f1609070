"""f-I curves: kept as counted, read from tables, and every bad table refused in one sentence."""

from __future__ import annotations

import json
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from brian2 import ms, nA, pA, second

from bridge.choice.select_unit import select
from bridge.counts.curve import FICurve, merge
from bridge.counts.spike_timing import timing_of
from bridge.errors import BridgeError, CurveError
from bridge.stimulate.fi_curve import fi_curve
from experiments.kit.recorded import recorded_curve
from neurosim import LIF, OrnsteinUhlenbeck
from neurosim.errors import NeurosimError, UnitError

HEADER = "current_pA,count,window_s\n"


def read(tmp_path, text):
    path = tmp_path / "fi.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return FICurve.from_csv(path)


def test_entries_are_sorted_read_only_and_whole():
    curve = FICurve([50, 0, 50], [4, 0, 6], 0.5, trial=[1, 0, 0])
    np.testing.assert_array_equal(curve.current_pA, [0, 50, 50])
    np.testing.assert_array_equal(curve.count, [0, 6, 4])
    np.testing.assert_array_equal(curve.rate_Hz, [0, 12, 8])
    assert curve.count.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        curve.count[0] = 3
    with pytest.raises(AttributeError):
        curve.count = np.zeros(3)


def test_quantities_are_converted():
    curve = FICurve(np.array([0, 0.1]) * nA, [0, 5], 500 * ms)
    np.testing.assert_allclose(curve.current_pA, [0, 100])
    np.testing.assert_allclose(curve.window_s, 0.5)
    with pytest.raises(UnitError, match="pA"):
        FICurve(np.array([0, 1]) * second, [0, 5], 1.0)
    with pytest.raises(CurveError):
        FICurve([0, 1] * pA, [0, 5], [[1.0]])


def test_csv_round_trip(tmp_path):
    curve = FICurve([0, 0, 33.3, 33.3], [0, 1, 4, 5], 0.5, trial=[0, 1, 0, 1])
    again = FICurve.from_csv(curve.to_csv(tmp_path / "fi.csv"))
    pd.testing.assert_frame_equal(curve.to_frame(), again.to_frame())
    assert not list(tmp_path.glob("*.part"))


def test_aliases_delimiters_comments_and_other_columns(tmp_path):
    text = "# a cell\nsweep;current;spikes;duration_s\n1;0;0;0.5\n\n2;50;4;0.5\n"
    curve = read(tmp_path, "\ufeff" + text)
    np.testing.assert_array_equal(curve.count, [0, 4])
    assert curve.source == "fi.csv"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["empty", "current_pA, count, window_s"]),
        (HEADER, ["no data"]),
        ("curent_pA,count,window_s\n0,0,1\n9,1,1\n", ["'current_pA'", "'curent_pA'", "rename"]),
        ("current_pA,rate,window_s\n0,0,1\n9,1,1\n", ["no column 'count'"]),
        (HEADER + "0,0,1\n10,x,1\n", ["line 3", "'x'", "not a number"]),
        (HEADER + "0,0,1\n10,,1\n", ["line 3", "count is empty"]),
        (HEADER + "0,0,1\n10,nan,1\n", ["line 3", "count is nan"]),
        (HEADER + "0,0,1\ninf,1,1\n", ["line 3", "current_pA is inf"]),
        (HEADER + "0,-1,1\n10,1,1\n", ["line 2", "negative"]),
        (HEADER + "0,0,1\n10,1.5,1\n", ["line 3", "whole number", "not a rate"]),
        (HEADER + "0,0,1\n10,1,0\n", ["line 3", "window_s 0", "not positive"]),
        (HEADER + "0,0,1\n10,1,1\n5,1,1\n", ["line 4", "not in order", "sort"]),
        (
            HEADER.strip() + ",trial\n0,0,1,0\n10,1,1,0\n10,1,1,0\n",
            ["line 4", "given twice", "`trial`"],
        ),
        (HEADER + "0,0,1\n", ["line 2", "two currents"]),
        (HEADER + "0,0,1\n10,1\n", ["line 3", "2 fields", "3"]),
        (HEADER + "0,0,1\n1e-10,5,1\n", ["ampere", "picoampere"]),
        (HEADER + "0,0,1\n0.2,5,1\n", ["nanoampere", "1000 pA"]),
        (b"\x89PNG\x00\x1a\xff", ["not a text file"]),
        (HEADER.encode("utf-16"), ["not a text file"]),
    ],
)
def test_bad_tables_name_file_line_fault_and_remedy(tmp_path, text, words):
    with pytest.raises(CurveError) as caught:
        read(tmp_path, text)
    for word in ["fi.csv", *words]:
        assert word in str(caught.value)
    assert ";" in str(caught.value)  # the remedy follows the fault


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(CurveError, match="no such file"):
        FICurve.from_csv(tmp_path / "none.csv")
    with pytest.raises(CurveError, match="cannot be read"):
        FICurve.from_csv(tmp_path)


def test_repeats_may_come_trial_by_trial_or_current_by_current(tmp_path):
    rows = [(0, 0, 0), (50, 4, 0), (0, 1, 1), (50, 6, 1)]
    for order in (rows, sorted(rows)):
        text = "current,spikes,window,trial\n" + "".join(f"{i},{n},1,{t}\n" for i, n, t in order)
        np.testing.assert_array_equal(read(tmp_path, text).count, [0, 1, 4, 6])


def test_frame_errors_name_the_row():
    frame = pd.DataFrame({"current": [0, 50], "spikes": [0, 0.5], "window": [1, 1]})
    with pytest.raises(CurveError, match=r"row 1.*whole number"):
        FICurve.from_frame(frame)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (([0, 1], [0], 1.0), "differ in length"),
        (([0], [0], 1.0), "1 measurement"),
        (([0, 0], [0, 1], 1.0), "twice"),
        (([0, "a"], [0, 1], 1.0), "not a list of numbers"),
        (([[0, 1]], [0, 1], 1.0), "shape"),
    ],
)
def test_constructor_refuses(values, words):
    with pytest.raises(CurveError, match=words):
        FICurve(*values)


def test_errors_hang_under_one_root():
    assert issubclass(CurveError, BridgeError)
    assert issubclass(BridgeError, NeurosimError)


def test_merge_keeps_every_measurement():
    one = FICurve([0, 50], [0, 4], 1.0, source="a", provenance={"seed": 1})
    two = FICurve([0, 25], [1, 2], 0.5, source="b")
    both = merge([one, two])
    assert len(both) == 4
    assert both.count.sum() == 7
    assert both.source == "a + b"
    np.testing.assert_allclose(both.mean_rate_Hz(), [1 / 1.5, 4, 4])
    with pytest.raises(CurveError, match="nothing"):
        merge([])


def test_part_of_a_curve():
    curve = FICurve([0, 50, 100], [0, 4, 1], 1.0)
    assert curve.up_to(50).provenance["current_max_pA"] == 50
    with pytest.raises(CurveError, match="only 1 of 3"):
        curve.up_to(10)


MEASURED_ON = {
    "neuron": {"kind": "LIF", "R": {"value": 1e8, "unit": "ohm"}, "names": ["a, b", 'c "d"']},
    "background": {"kind": "WhiteNoise", "sd": 2.0},
}


def test_a_curve_keeps_what_it_was_measured_on(tmp_path):
    curve = FICurve([0, 50, 50], [0, 4, 5], 1.0, [0, 0, 1], "a LIF", **MEASURED_ON)
    assert curve.neuron == MEASURED_ON["neuron"]
    assert curve != FICurve([0, 50, 50], [0, 4, 5], 1.0, [0, 0, 1], "a LIF")
    for again in (
        FICurve.from_dict(json.loads(json.dumps(curve.to_dict()))),
        pickle.loads(pickle.dumps(curve)),
        FICurve.from_frame(curve.to_frame(), source="a LIF"),
        curve.up_to(50),
    ):
        assert again == curve
    read_back = FICurve.from_csv(curve.to_csv(tmp_path / "fi.csv"))
    assert (read_back.neuron, read_back.background) == (curve.neuron, curve.background)
    np.testing.assert_array_equal(read_back.count, curve.count)
    assert merge([curve, curve]).neuron == curve.neuron
    other = FICurve([0, 60], [0, 4], 1.0, neuron={"kind": "AdEx"})
    assert merge([curve, other]).neuron is None


def test_tables_written_before_are_read_and_damaged_comments_are_named(tmp_path):
    old = read(tmp_path, HEADER + "0,0,1\n10,3,1\n")
    assert old.neuron is None
    assert (
        FICurve.from_dict({"current_pA": [0, 10], "count": [0, 3], "window_s": 1.0}).neuron is None
    )
    with pytest.raises(CurveError, match="no 'count'"):
        FICurve.from_dict({"current_pA": [0, 10]})
    with pytest.raises(CurveError, match="line 2: the comment on the neuron is damaged"):
        read(tmp_path, "# a cell\n# neuron: {torn\n" + HEADER + "0,0,1\n10,3,1\n")


@pytest.mark.slow
def test_a_measured_curve_says_on_which_neuron_and_background():
    neuron, noise = LIF(), OrnsteinUhlenbeck(sd=20 * pA)
    curve = fi_curve(neuron, [100, 200] * pA, background=noise, duration=50 * ms, engine="numpy")
    assert curve.neuron == json.loads(json.dumps(neuron.to_dict()))
    assert curve.background == json.loads(json.dumps(noise.to_dict()))
    assert fi_curve(neuron, [100, 200] * pA, duration=50 * ms, engine="numpy").background is None


@pytest.mark.parametrize("count", [1e30, 2.0**63, 2.0**53])
def test_counts_that_no_integer_holds_are_refused(count):
    """As int64 they would become negative."""
    with pytest.raises(CurveError, match="more than any cell fires"):
        FICurve([0, 50], [0, count], 1.0)
    with pytest.raises(CurveError, match="trial"):
        FICurve([0, 50], [0, 1], 1.0, trial=[0, count])


@pytest.mark.parametrize(
    ("rows", "trial"),
    [
        ("0,0,1 50,3,1 50,4,1 90,6,1", [0, 0, 1, 0]),
        ("0,0,1 50,3,1 90,6,1 0,1,1 50,4,1 90,8,1", [0, 1, 0, 1, 0, 1]),
        ("0,0,1 50,3,1 50,3,1 50,4,1", [0, 0, 1, 2]),
    ],
)
def test_a_current_that_comes_again_in_a_table_is_a_repeat(tmp_path, rows, trial):
    curve = read(tmp_path, HEADER + "\n".join(rows.split()) + "\n")
    assert curve.trial.tolist() == trial
    assert curve.count.sum() == sum(int(row.split(",")[1]) for row in rows.split())
    with pytest.raises(CurveError, match="not in order"):
        read(tmp_path, HEADER + "0,0,1\n50,3,1\n20,1,1\n")


@pytest.mark.parametrize("shape", [1.0, 10.0])
def test_bare_counts_have_the_noise_that_neighbours_show(shape):
    """One count a current and no spike time: bars were those of Poisson whatever the cell."""
    random, current = np.random.default_rng(3), np.arange(0, 500, 25.0)
    found = []
    for _ in range(40):
        mean = 5 * np.sqrt(np.maximum(current - 80, 0))
        drawn = mean + random.normal(size=len(mean)) * np.sqrt(mean / shape)
        found.append(FICurve(current, np.maximum(np.round(drawn), 0), 1.0).noise())
    assert {one.source for one in found} == {"residuals"}
    # Median of 40: within a third of the truth.
    assert abs(np.log(np.median([one.shape for one in found]) / shape)) < np.log(1.34)


def test_bars_of_a_recorded_cell_are_those_of_its_choice():
    curve = recorded_curve("fast-spiking")
    chosen = select(curve, ["naka-rushton"], intervals=None).noise.rate_sd_Hz(curve.statistics())
    bare = curve.noise().rate_sd_Hz(curve.statistics())
    np.testing.assert_allclose(bare[bare > 0], chosen[bare > 0], rtol=0.25)
    # Three currents tell nothing.
    assert FICurve([0, 50, 100], [0, 4, 9], 1.0).noise().source == "poisson"


def timed_curve():
    """Counts with spike times: three currents, twice each, one silent."""
    trains = [[], [], [0.1, 0.35, 0.7], [0.2, 0.5], [0.1, 0.2, 0.32, 0.4], [0.9]]
    return FICurve(
        [0, 0, 50, 50, 100, 100],
        [len(train) for train in trains],
        1.0,
        [0, 1] * 3,
        timing=timing_of(trains, 1e-5),
    )


def test_a_file_keeps_what_spike_times_tell(tmp_path):
    curve = timed_curve()
    path = curve.to_csv(tmp_path / "fi.csv")
    for again in (FICurve.from_csv(path), FICurve.from_frame(curve.to_frame())):
        assert again.timing is not None
        assert curve.timing.same(again.timing)
    # As a user writes and joins tables, without what pandas keeps beside the columns.
    curve.to_frame().to_csv(tmp_path / "own.csv", index=False)
    assert curve.timing.same(FICurve.from_csv(tmp_path / "own.csv").timing)
    halves = [curve.to_frame().iloc[:2], curve.to_frame().iloc[2:]]
    assert curve.timing.same(FICurve.from_frame(pd.concat(halves)).timing)
    # A table that its user has put in another order or shortened keeps them row by row.
    frame = curve.to_frame().iloc[[1, 0, 3, 2, 5, 4]]
    assert curve.timing.same(FICurve.from_frame(frame).timing)
    firing = FICurve.from_frame(frame[frame["count"] > 0])
    assert curve.rows(np.arange(2, 6)).timing.same(firing.timing)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("timing_pairs", "pairs"), "without 'timing_pairs'"),
        (lambda text: text.replace("1e-05", "fine", 1), "'fine' is not a number"),
        (lambda text: text.replace("1e-05", "-1e-05", 1), "timing_resolution_s is -1e-05"),
        (lambda text: text.replace("50.0,3,", "50.0,4,"), "does not go with a count of 4"),
        (lambda text: text.replace(",0.3,", ",x,", 1), "'x' is not a number"),
        (lambda text: text.replace(",0.3,", ",inf,", 1), "is inf"),
    ],
)
def test_a_damaged_part_of_it_is_refused_and_not_dropped(tmp_path, change, said):
    path = timed_curve().to_csv(tmp_path / "fi.csv")
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))
    with pytest.raises(CurveError, match=re.escape(said)):
        FICurve.from_csv(path)


def test_a_trial_that_is_not_there_is_answered_with_those_that_are():
    curve = FICurve([0, 0, 33.3, 33.3, 50], [0, 1, 4, 5, 6], 0.5, trial=[0, 1, 0, 1, 2])
    with pytest.raises(CurveError, match=r"trial 7 is not among the repeats; choose one of 0, 1 "):
        curve.only_trial(7)
    with pytest.raises(CurveError, match="no trial holds two measurements: leave trial"):
        FICurve([0, 50, 90], [0, 1, 4], 1.0, trial=[0, 1, 2]).only_trial(1)
    with pytest.raises(CurveError, match="trial 2 holds one measurement, too few; choose one of"):
        curve.only_trial(2)
