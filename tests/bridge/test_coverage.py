"""How often intervals and bands hold the truth, in a few data sets; the experiment does many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bridge.choice.interval_coverage import draw_counts_of, examine, summary
from experiments import Context, find


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "noise"),
    [("logistic", "poisson"), ("relu", "under-dispersed"), ("square-root", "sparse")],
)
def test_intervals_and_bands_hold_the_truth(family, noise):
    sets = [examine(*draw_counts_of(family, noise, 10, 3, seed), seed) for seed in range(100, 140)]
    row = summary({(family, noise, 10): sets}).iloc[0]
    assert row["refused"] == 0
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
