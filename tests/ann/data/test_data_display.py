"""What verdicts, profiles, rules and logs say at a glance, and that reasons are values."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ann.data import (
    Log,
    Reason,
    Step,
    TargetError,
    UnusableTargetError,
    Verdict,
    assess,
    clean,
    profile,
    propose,
    render,
)
from ann.data.cleaning.duplicates import without_repeats
from ann.data.cleaning.rules import RULE_KINDS
from ann.data.judging.target import find_target
from ann.data.judging.verdict import SENTENCES

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    a = rng.normal(size=120)
    return pd.DataFrame(
        {
            "a": [f"{v:.3f} cm" for v in a],
            HOSTILE: rng.choice(["u", "v ", "V"], 120),
            "same": "x",
            "y": np.where(a + 0.3 * rng.normal(size=120) > 0, "yes", "no"),
        }
    )


def test_a_verdict_at_a_glance(table: pd.DataFrame) -> None:
    verdict = assess(table.assign(paid=table["y"]), "y", network=None, permutations=199)
    page = verdict._repr_html_()
    assert "The data support a model" in page.split("<table>")[0]
    assert page.count("<tr>") == len(verdict.reasons) + 1
    assert "paid (left out): alone it predicts the target out of fold" in page
    assert f"linear {verdict.scores['linear'].accuracy:.3f}" in page
    assert repr(verdict).startswith("<Verdict supports: y from 120 rows and")
    assert "\n" not in repr(verdict)
    hostile = Verdict("supports", [], HOSTILE)
    hostile.add("weak", "leak", HOSTILE, action="left out", why=HOSTILE)
    assert hostile.level == "weak"
    assert "<script>" not in hostile._repr_html_()


def test_a_profile_at_a_glance(table: pd.DataFrame) -> None:
    seen = profile(table, "y", name=HOSTILE)
    page = seen._repr_html_()
    assert "<script>" not in page
    assert page.count("<tr>") == 1 + len(seen.columns)
    for word in ("number (cm)", "constant", "AUC alone", "unit: cm in the cells"):
        assert word in page, word
    assert "120 rows, 4 columns (1 number, 2 category, 1 constant)" in repr(seen)


def test_rules_and_logs_at_a_glance(table: pd.DataFrame) -> None:
    rules = propose(table, "y")
    assert "4 columns (1 number, 2 category, 1 constant), to predict y" in repr(rules)
    page = rules._repr_html_()
    assert "<script>" not in page
    for word in ("<td>unit</td><td>lossless</td><td>120</td>", "destructive", "more rules had"):
        assert word in page, word
    log = clean(table, rules).log
    log.add(Step("a", "outlier", 1, why="far away", applied=False))
    told = sum(not s.applied for s in log)
    assert told > 1
    assert repr(log) == f"<Log of {len(log) - told} steps done and {told} findings not applied>"
    page = log._repr_html_()
    assert "<script>" not in page
    assert page.count("<tr>") == 1 + len(log)
    assert "outlier (reported, not applied)" in page


def test_reasons_are_kinds_and_facts() -> None:
    reason = Reason("note", "network better", {"simple": "it", "loss": "l", "gain": 1, "error": 0})
    assert (reason.code, reason.text) == (
        "network",
        "a network is better than it: its l is lower by 1.0000 ± 0.0000 a row",
    )
    assert json.loads(json.dumps(reason.document()))["facts"]["gain"] == 1
    verdict = Verdict("supports", [reason], "y")
    assert verdict.has("network")
    assert verdict.has("network better")
    assert not verdict.has("network no better")
    assert all(code and sentence for code, sentence in SENTENCES.values())


def test_a_target_asked_for_wrongly_is_no_verdict() -> None:
    table = pd.DataFrame({"there is no column": ["1"] * 40, "x": [str(k % 7) for k in range(40)]})
    # The name of a column is not the message of an error.
    assert assess(table, "there is no column", network=None).level == "cannot"
    assert profile(table, "there is no column").log.find(rule="target")
    for asked, task in (("there is no column", None), ("x > big", None)):
        with pytest.raises(UnusableTargetError):
            find_target(table, asked, task=task)
    for asked, task in (("z", None), ("x", "guess")):
        with pytest.raises(TargetError) as caught:
            find_target(table, asked, task=task)
        assert not isinstance(caught.value, UnusableTargetError)


def test_the_report_marks_one_target() -> None:
    table = pd.DataFrame({"num": ["1", "2"] * 20, "num of visits": ["3", "4", "5", "6"] * 10})
    for target in ("num of visits", "num of visits > 4"):
        assert render(profile(table, target)).count(">target</span>") == 1


def test_parts_of_a_log_are_added_up() -> None:
    log = Log([Step("a", "unit", 3, "1 m", "1")])
    log.merge([Step("a", "unit", 4), Step("a", "unit", 2, applied=False), Step("b", "unit", 1)])
    assert [(s.column, s.rows, s.before) for s in log] == [
        ("a", 7, "1 m"),
        ("a", 2, ""),
        ("b", 1, ""),
    ]


def test_repeated_rows_are_left_out_by_a_rule_only() -> None:
    frame = pd.DataFrame(
        {"a": [f"{k:.7f}" for k in range(40)] * 2, "b": [str(k * k) for k in range(40)] * 2}
    )
    rules = propose(frame).rules
    kept, y, steps = without_repeats(frame, np.arange(80), rules)
    assert (len(kept), len(y), [s.rows for s in steps]) == (40, 40, [40])
    assert len(without_repeats(frame, np.arange(80), rules[1:])[0]) == 80


def test_each_rule_says_what_it_does_to_the_data() -> None:
    effects = {name: kind.effect for name, kind in RULE_KINDS.items()}
    assert {effects[n] for n in ("trim", "unit", "thousands", "date")} == {"lossless"}
    assert {effects[n] for n in ("missing", "sentinel")} == {"reversible"}
    assert {effects[n] for n in ("duplicates", "spelling", "scale")} == {"destructive"}
    # What is left out loses no cell, and is left out by default: it is not called destructive.
    assert effects["drop"] == "left out"
