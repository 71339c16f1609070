"""What a table needs to show before rows, names, dates or cells are changed or left out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import clean, typed
from ann.data.judging.assess import assess


def _duplicates(table: pd.DataFrame) -> tuple[bool, bool]:
    (rule,) = [r for r in propose(table.astype(str)).rules if r.rule == "duplicates"]
    return rule.apply, rule.proposed


def test_a_counting_column_is_no_proof_of_copies() -> None:
    volt = [*range(60), 10, 20, 30]
    current = [round(0.5 * v, 1) for v in volt]
    for name in ("voltage", "current_pa", "position", "trial"):
        assert _duplicates(pd.DataFrame({name: volt, "out": current})) == (False, True)


@pytest.mark.parametrize("name", ["customer_id", "patient", "member_no"])
def test_an_id_of_someone_proves_no_copy_beside_a_coarse_column(name: str) -> None:
    ids = [f"C{k:04d}" for k in range(60)] + ["C0004", "C0010", "C0020"]
    product = [("tea", "milk", "rice")[int(i[1:]) % 3] for i in ids]
    assert _duplicates(pd.DataFrame({name: ids, "product": product})) == (False, True)


def test_an_id_proves_copies_where_the_rest_tells_rows_apart() -> None:
    rng = np.random.default_rng(0)
    measured = rng.normal(size=60).round(4)
    at = [*range(60), 4, 10]
    for name, ids in (("patient_id", [100 + 7 * k for k in at]), ("record", at)):
        assert _duplicates(pd.DataFrame({name: ids, "v": measured[at]})) == (True, False)


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@pytest.mark.parametrize(
    "write",
    [
        lambda month, year: f"{month[:3]} {year}",
        lambda month, year: f"{month} {year}",
        lambda month, year: f"{year} {month[:3]}",
        lambda month, year: f"{month[:3]}-{year}",
        lambda month, year: f"{year}-{month}",
    ],
)
def test_months_in_words_are_dates(write: Callable[[str, int], str]) -> None:
    texts = [write(month, year) for year in range(1949, 1961) for month in _MONTHS]
    table = pd.DataFrame({"when": texts, "v": np.arange(144.0) ** 1.5})
    rules = propose(table, rows=False)
    assert rules.column("when").kind == "date"
    assert not rules.dropped()
    days = typed(clean(table, rules, rows=False).frame, rules)["when"]
    assert list(days) == list(pd.date_range("1949-01-01", periods=144, freq="MS"))


def test_weeks_and_short_years_are_kept() -> None:
    weeks = [f"W{k:02d}" for k in range(1, 53)]
    short = [f"{y}-{m[:3]}" for y in range(49, 55) for m in _MONTHS]
    spaced = [f"{m[:3]} {y}" for y in range(49, 55) for m in _MONTHS]
    for texts in (weeks, short, spaced):
        assert not propose(pd.DataFrame({"when": texts}), rows=False).dropped()
    names = [f"user-{k}" for k in range(10, 60)]
    assert propose(pd.DataFrame({"when": names}), rows=False).column("when").kind == "id"


def test_a_verdict_without_features_says_how_to_keep_one() -> None:
    table = pd.DataFrame({"tag": [f"a{k}x" for k in range(80)], "y": ["u", "v"] * 40})
    verdict = assess(table, "y", network=None)
    (said,) = [r.text for r in verdict.reasons if r.kind == "no features"]
    assert "tag (80 different labels" in said
    assert "--rules rules.json" in said
    rules = propose(table, "y")
    next(r for r in rules.rules if r.rule == "drop").apply = False
    assert not assess(table, "y", rules=rules, network=None).has("no features")
