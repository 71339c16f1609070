"""What several columns together tell, and words that are given their due."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import clean
from ann.data.cleaning.rules import Rule

RNG = np.random.default_rng


def rules_of(frame: pd.DataFrame, kind: str) -> dict[str, Rule]:
    rules = propose(frame, rows=False).rules
    return {r.column: r for r in rules if r.rule == kind}


def test_zeros_in_the_rows_of_known_gaps_are_proposed() -> None:
    rng = RNG(0)
    not_asked = rng.random(300) < 0.2
    table = pd.DataFrame({"mask": rng.normal(60, 5, 300), "soap": rng.uniform(3, 90, 300)})
    table[not_asked] = 0
    table = table.round(1)
    table["chance"] = np.where(rng.permutation(not_asked), 0, rng.uniform(3, 90, 300)).round(1)
    found = rules_of(table.astype(str), "sentinel")
    # By its gap alone nobody could say it of soap; zeros of other rows are zeros.
    assert set(found) == {"mask", "soap"}
    assert (found["soap"].apply, found["soap"].proposed) == (False, True)
    assert "'mask'" in found["soap"].why


def test_one_row_that_is_zero_in_many_columns_is_proposed() -> None:
    rng = RNG(1)
    table = pd.DataFrame({f"score{k}": rng.normal(7.5, 0.3, 200).round(2) for k in range(7)})
    assert not rules_of(table.astype(str), "sentinel")
    table.iloc[150] = 0.0
    found = rules_of(table.astype(str), "sentinel")
    assert set(found) == set(table.columns)
    assert not any(r.apply for r in found.values())
    # Counts of seven kinds of thing are 0 now and then.
    counts = pd.DataFrame({f"n{k}": rng.poisson(4, 200) for k in range(7)})
    assert not rules_of(counts.astype(str), "sentinel")


def test_rows_of_totals_are_not_another_unit() -> None:
    rng = RNG(2)
    months = pd.DataFrame({f"dairy{k}": rng.uniform(90, 130, 240).round(1) for k in range(4)})
    years = (months.groupby(np.arange(240) // 12).sum() * 0.8).round(1)
    table = pd.concat([years, months], ignore_index=True)
    assert not rules_of(table.astype(str), "scale")
    # One column in another unit is another matter.
    table = months.copy()
    table.loc[rng.choice(240, 20, replace=False), "dairy1"] /= 10
    assert set(rules_of(table.round(2).astype(str), "scale")) == {"dairy1"}


@pytest.mark.parametrize("name", ["Number", "No"])
def test_what_is_counted_is_no_label_by_its_name(name: str) -> None:
    rng = RNG(3)
    of_land = np.exp(rng.normal(15, 2.5, 30)).repeat(20)
    counts = (of_land * np.exp(0.01 * rng.normal(size=600).cumsum())).astype(int) + 17
    assert len(set(counts)) > 0.98 * len(counts)
    frame = pd.DataFrame({name: counts.astype(str)})
    assert propose(frame, rows=False).columns[0].kind == "number"
    # Numbers of invoices have their digits, in any order.
    invoices = rng.permutation(np.arange(100_000, 900_000, 1000))[:600]
    frame = pd.DataFrame({name: invoices.astype(str)})
    assert propose(frame, rows=False).columns[0].kind == "id"


def test_years_of_two_digits_lie_among_those_written_out() -> None:
    full = [f"{d:02}-03-{y}" for y in range(1950, 2020) for d in (5, 17, 28)]
    frame = pd.DataFrame({"shown": [*full, "21-11-46", "22-02-04"]})
    done = clean(frame, propose(frame, rows=False), rows=False)
    assert done.frame["shown"].iloc[-2:].tolist() == ["1946-11-21", "2004-02-22"]


@pytest.mark.parametrize("word", ["n. def.", "Undetermined"])
def test_what_an_instrument_writes_where_it_found_nothing_is_missing(word: str) -> None:
    cells = [*RNG(4).normal(23, 3, 60).round(2).astype(str), *[word] * 20]
    frame = pd.DataFrame({"Cq": cells})
    done = clean(frame, propose(frame, rows=False), rows=False)
    assert done.frame["Cq"].isna().sum() == 20
    # Among other answers "undetermined" is one.
    race = pd.DataFrame({"threat": ["attack", "other", "undetermined"] * 20})
    kept = clean(race, propose(race, rows=False), rows=False).frame
    assert kept["threat"].isna().sum() == 0
