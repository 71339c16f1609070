"""How often intervals and bands hold the truth, in a few data sets; the experiment does many."""

from __future__ import annotations

import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.choice.interval_coverage import determines, draw_counts_of, examine, summary
from bridge.counts.curve import FICurve
from bridge.counts.dispersion import CountNoise
from experiments import Context, find
from experiments.gallery.units.coverage import data_set, kept_table
from neurosim.errors import ParameterError


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "noise"),
    [("logistic", "poisson"), ("relu", "under-dispersed"), ("square-root", "sparse")],
)
def test_intervals_and_bands_hold_the_truth(family, noise):
    sets = [examine(*draw_counts_of(family, noise, 10, 3, seed), seed) for seed in range(100, 140)]
    row = summary({(family, noise, 10): sets}).iloc[0]
    assert row["refused"] == 0
    assert row["determined"] >= 82
    assert row["share_determined"] >= 40
    # Of 40 sets at 95 %, fewer than 33 hold the truth once in 2000 times (binomial).
    for name in ("worst_parameter", "pointwise", "simultaneous"):
        assert row[name] >= 82
    assert row["parameters"] <= 100
    assert row["p_below_05"] <= 17.5  # more than 7 of 40: once in 300 times
    assert row["ks"] > 0.001


def test_data_sets_differ_in_currents_and_counts():
    truth, one = draw_counts_of("lif", "sparse", 5, 3, 1)
    _, other = draw_counts_of("lif", "sparse", 5, 3, 2)
    assert truth.name == "lif"
    assert len(one) == 15
    assert not np.isin(one.currents, other.currents).any()


def test_cells_share_no_luck():
    """Two families had the same currents at the same seed, and 9 cells the luck of fewer."""
    for one, other in [
        (("lif", "poisson", 10), ("type-two", "poisson", 10)),
        (("lif", "poisson", 10), ("lif", "sparse", 10)),
    ]:
        (_, first), (_, second) = data_set(one, 3, 1), data_set(other, 3, 1)
        assert not np.isin(first.currents, second.currents).any()
    loss = []
    for family in ("lif", "type-two"):
        drawn = [data_set((family, "poisson", 10), 3, seed) for seed in range(200)]
        loss.append(
            [curve.count.sum() - 3 * truth.rate(curve.currents).sum() for truth, curve in drawn]
        )
    assert abs(np.corrcoef(loss)[0, 1]) < 0.25  # it was .88; 3.5 standard errors


def test_what_counts_determine_does_not_depend_on_chance():
    truth, curve = draw_counts_of("noisy-lif", "poisson", 10, 3, 0)
    told = determines(truth, curve, CountNoise())
    assert not told["tau_s"]
    other = FICurve(curve.current_pA, curve.count[::-1], curve.window_s, curve.trial)
    assert determines(truth, other, CountNoise()) == told
    # With so much time every parameter is known, and its likelihood a parabola.
    longer = FICurve(curve.current_pA, curve.count, 1e5 * curve.window_s, curve.trial)
    assert all(determines(truth, longer, CountNoise()).values())
    # More regular counts tell more.
    naka, curve = draw_counts_of("naka-rushton", "sparse", 10, 3, 0)
    assert not any(determines(naka, curve, CountNoise()).values())
    regular = determines(naka, curve, CountNoise(500.0, "repeats"))
    assert regular["max_rate_Hz"]
    assert regular["exponent"]


def test_a_jump_between_two_currents_is_not_determined():
    """Anywhere between two currents a jump predicts the same counts."""
    truth, _ = draw_counts_of("type-two", "poisson", 10, 3, 0)
    currents = np.repeat(np.arange(25.0, 500.0, 50.0), 3)
    curve = FICurve(currents, np.arange(30), 1.0, np.tile(np.arange(3), 10))
    told = determines(truth.replace(onset_rate_Hz=100.0), curve, CountNoise())
    assert not told["threshold_pA"]


def test_a_run_that_was_stopped_goes_on(tmp_path):
    found = find("coverage")
    chosen = replace(
        found.with_values({"families": "relu", "noises": "poisson", "currents": "5"}),
        data_sets=2,
        rivals=0,
        lif_noise_mV=(),
        keep=str(tmp_path),
    )
    context = Context(seed=3)
    first = found.run(chosen, context)
    (kept,) = tmp_path.iterdir()
    before = kept.read_text()
    again = found.run(chosen, context)
    assert kept.read_text() == before
    assert again.tables["coverage"].equals(first.tables["coverage"])
    more = found.run(replace(chosen, data_sets=3), context)
    assert more.tables["coverage"]["sets"].tolist() == [3]
    # What other code had found is not taken over, nor drawn into the page.
    assert kept_table(tmp_path, chosen)[0]["sets"].tolist() == [3]
    kept.write_text(before.replace('"code": "', '"code": "0'))
    assert kept_table(tmp_path, chosen)[0].empty
    found.run(chosen, context)
    assert kept.read_text() == before
    # Nor are data sets without the choice among all families taken for some with it.
    assert np.isnan(first.tables["coverage"]["chosen"]).all()
    chosen_too = found.run(replace(chosen, rivals=1, data_sets=1), context)
    assert np.isfinite(chosen_too.tables["coverage"]["chosen"]).all()


def test_cells_that_are_refused_whole_have_a_row_without_numbers(tmp_path):
    """A lif unit has too many parameters for five currents; this was a KeyError."""
    found = find("coverage")
    chosen = replace(
        found.with_values({"families": "lif", "noises": "poisson", "currents": "5"}),
        data_sets=2,
        rivals=0,
        lif_noise_mV=(),
        keep=str(tmp_path),
    )
    with pytest.raises(ParameterError, match="too many parameters for 5 currents; take more"):
        found.run(chosen, Context(seed=3))
    table, _ = kept_table(tmp_path, chosen)
    assert table["refused"].tolist() == [2]
    assert table["parameters"].isna().all()
    with_others = replace(chosen, families=("lif", "relu"))
    table = found.run(with_others, Context(seed=3)).tables["coverage"]
    assert table["refused"].tolist() == [2, 0]


def test_the_table_of_coverage_is_that_of_its_numbers():
    """`python docs/draw_coverage.py` draws docs/coverage.csv into docs/units.md."""
    root = Path(__file__).resolve().parents[2]
    script = root / "docs" / "draw_coverage.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    misses = runpy.run_path(str(script))["misses"]
    row = {"sets": "400", "refused": "0", "pointwise": "90.2"}
    assert misses(row, "pointwise")
    assert not misses(row | {"sets": "20"}, "pointwise")
    assert misses(row | {"pointwise": "99.5"}, "pointwise")
