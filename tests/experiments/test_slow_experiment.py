"""`neurosim run slow-unit`, with few data sets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bridge.slow_state.slow_fit import fit_slow
from experiments import Context, find
from experiments.gallery.units.slow_memory import TRUTHS, data_sets, judged, verdicts_of
from neurosim.errors import UnknownNameError


def table_of(covered: dict[str, int], sets: int = 100) -> pd.DataFrame:
    """A table of data sets that are all right, so many intervals of which hold the truth."""
    rows = []
    for name, hits in covered.items():
        held = np.arange(sets) < hits
        none = name.startswith("none")
        rows += [
            {
                "truth": name,
                "verdict": "none" if none else "slow",
                "right": not none,
                "tau_held": np.nan if none else float(one),
                "strength_held": np.nan if none else float(one),
            }
            for one in held
        ]
    return pd.DataFrame(rows)


def test_intervals_of_95_percent_hold_and_those_of_80_do_not():
    """With 100 data sets of one truth only 96 hits pass both bars, 90 and 99 %."""
    slow = [name for name in TRUTHS if not name.startswith("none")]
    random = np.random.default_rng(1)
    drawn = dict(zip(slow, random.binomial(100, 0.95, len(slow)).tolist(), strict=True))
    good = verdicts_of(table_of(drawn | {"none-poisson": 0}))
    assert all(one.holds for one in good), [str(one) for one in good if not one.holds]
    # One truth of six whose intervals are too narrow does not hide behind the others.
    bad = verdicts_of(table_of(drawn | {"relu": 80}))
    outside = [one for one in bad if "outside 90 to 99 %" in one.what]
    assert [one.holds for one in outside] == [False, False]
    wide = verdicts_of(table_of(dict.fromkeys(slow, 100)))
    assert sum(not one.holds for one in wide) == 2


def test_false_claims_count_over_all_truths_and_in_each():
    """97 of 100 quiet data sets are neither 95 % for sure nor less; 594 of 600 are more."""
    none = table_of(dict.fromkeys((name for name in TRUTHS if name.startswith("none")), 0))
    for truth, false in {"none-poisson": 3, "none-irregular": 2, "none-regular": 1}.items():
        none.loc[none.index[none["truth"] == truth][:false], "verdict"] = "slow"
    whole, each = verdicts_of(none)
    assert whole.value == pytest.approx(99)
    assert whole.holds
    assert each.holds
    # One truth with 15 false claims of 100 does not hide behind five with none.
    none["verdict"] = "none"
    none.loc[none.index[none["truth"] == "none-regular"][:15], "verdict"] = "slow"
    whole, each = verdicts_of(none)
    assert whole.value == pytest.approx(97.5)
    assert not each.holds


@pytest.mark.slow
@pytest.mark.parametrize("truth", ["regular", "none-fast-adaptation"])
def test_the_first_data_sets_are_the_same_however_many_are_asked_for(truth):
    context = Context(seed=1)
    few, many = (list(data_sets(truth, sets, context)) for sets in (3, 12))
    assert len(few) == 3
    assert len(many) == 12
    for one, other in zip(few, many, strict=False):
        assert np.array_equal(one.count, other.count)
    assert not np.array_equal(many[0].count, many[1].count)
    assert not np.array_equal(many[0].count, many[10].count)


@pytest.mark.slow
def test_known_slow_states_are_found_and_none_is_claimed_without_one():
    made = find("slow-unit")
    parameters = made.parameters(
        data_sets=2, truths=("regular", "none-fast-adaptation"), pump=False
    )
    result = made.run(parameters, Context(seed=1))
    table = result.tables["data_sets"]
    known = table[table["truth"] == "regular"]
    assert known["right"].all()
    assert known["tau_s"].between(3.5, 7.0).all()
    # Four intervals of 95 %: three of them miss with a chance of 0.05 %.
    assert known["tau_held"].sum() + known["strength_held"].sum() >= 2
    assert not (table["verdict"][table["truth"] != "regular"] == "slow").any()


@pytest.mark.slow
def test_a_slow_state_found_without_intervals_is_counted_but_not_among_the_intervals():
    """A fit that begins with a jump has no intervals: a KeyError ended the experiment there."""
    found = fit_slow(list(data_sets("irregular", 8, Context(seed=1)))[7])
    assert found.chosen
    assert not found.intervals
    line = judged("irregular", found)
    assert line["right"]
    assert np.isnan(line["tau_held"])
    table = pd.concat([table_of({"irregular": 96}, 99), pd.DataFrame([line])])
    found, _, share, *_ = verdicts_of(table)
    assert found.value == 100
    assert share.value == pytest.approx(100 * 96 / 99)


def test_a_truth_that_is_not_known_is_refused():
    made = find("slow-unit")
    with pytest.raises(UnknownNameError, match="regular"):
        made.run(made.parameters(truths=("regulr",)), Context(seed=1))
