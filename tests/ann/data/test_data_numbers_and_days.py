"""Zeros, dates, months and magnitudes: numbers and days that a cleaner must not misread."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ann.data.cleaning.propose import propose, propose_column
from ann.data.cleaning.replay import clean, replay_column
from ann.data.cleaning.schema import Rules
from ann.data.errors import SchemaError
from ann.data.judging.assess import assess

RNG = np.random.default_rng


def untouched(cells: list[str], name: str = "x") -> bool:
    """Whether a column comes out as it went in, and as a column of the table."""
    table = pd.DataFrame({name: cells, "other": [f"{k * 0.37:.2f}" for k in range(len(cells))]})
    done = clean(table, propose(table), rows=False)
    return name in done.frame and done.frame[name].tolist() == cells


# --- zeros ----------------------------------------------------------------------------------------


def with_zeros(low: float, high: float, share: float, seed: int = 0) -> list[str]:
    rng = RNG(seed)
    values = rng.uniform(low, high, 768).round(1)
    return [f"{v:g}" for v in np.where(rng.random(768) < share, 0, values)]


@pytest.mark.parametrize(
    "name",
    [
        "unemployment",
        "percent_correct",
        "price_difference",
        "score",
        "x",
        "weight_change",
        "hours",
        "insulin_doses_number",
        "height_diff",
    ],
)
@pytest.mark.parametrize("share", [0.02, 0.15, 0.28])
def test_zeros_that_may_be_zeros_are_kept(name: str, share: float) -> None:
    cells = with_zeros(5, 12, share)
    assert untouched(cells, name)
    _, rules = propose_column(name, pd.Series(cells, dtype=object))
    assert not [r for r in rules if r.proposed]


@pytest.mark.parametrize(
    ("name", "low", "high", "share"),
    [
        ("SkinThickness", 7, 60, 227 / 768),
        ("Insulin", 14, 400, 374 / 768),
        ("BloodPressure", 24, 120, 35 / 768),
        ("bmi", 18, 60, 11 / 768),
        ("serum_cholesterol", 85, 500, 0.19),
        ("RestingBP", 80, 200, 2 / 768),
        ("height_cm", 140, 200, 0.05),
    ],
)
def test_zeros_that_cannot_be_are_missing_and_said(
    name: str, low: float, high: float, share: float
) -> None:
    cells = with_zeros(low, high, share)
    table = pd.DataFrame({name: cells})
    done = clean(table, propose(table, rows=False))
    zero = np.array(cells) == "0"
    assert (done.frame[name].isna() == zero).all()
    assert (done.frame[f"{name}_code"].notna() == zero).all()
    (said,) = [s for s in done.log.find(name, "sentinel") if s.applied]
    assert (said.rows, said.effect) == (zero.sum(), "reversible")
    assert f"{name} cannot be 0" in said.why
    assert done.undo().equals(table.astype(object))


def test_zeros_in_the_same_rows_are_proposed() -> None:
    rng = RNG(0)
    gone = rng.random(400) < 0.1
    table = pd.DataFrame(
        {n: [f"{v:.1f}" for v in np.where(gone, 0, rng.uniform(40, 90, 400))] for n in "ab"}
        | {"c": with_zeros(40, 90, 0.1)[:400]}
    )
    rules = propose(table, rows=False)
    assert [r.column for r in rules.proposals()] == ["a", "b"]
    assert clean(table, rules).changes().empty
    assert clean(table, rules.applying(["sentinel:a"])).frame["a"].isna().sum() == gone.sum()
    # Asked for by rule alone, those proposed.
    assert clean(table, rules.applying(["sentinel"])).frame["c"].tolist() == table["c"].tolist()


# --- dates ----------------------------------------------------------------------------------------


def date_column(cells: list[str], name: str = "when", apply: str = "") -> tuple[str, list[str]]:
    series = pd.Series(cells, dtype=object)
    schema, rules = propose_column(name, series)
    chosen = Rules([schema], rules).applying([apply] if apply else [])
    return chosen.columns[0].kind, list(replay_column(series, chosen.rules)[0])


def days(order: str, sign: str, *, to: int = 31) -> list[str]:
    out = []
    for k in range(60):
        d, m, y = 1 + k * 7 % to, 1 + k % 12, 2019 + k % 3
        d = min(d, 28)
        pair = (d, m) if order == "day" else (m, d)
        out.append(f"{pair[0]:02d}{sign}{pair[1]:02d}{sign}{y}")
    return out


@pytest.mark.parametrize("order", ["day", "month"])
@pytest.mark.parametrize("sign", ["/", "-"])
def test_a_column_of_dates_has_one_order(order: str, sign: str) -> None:
    cells = days(order, sign)
    kind, out = date_column(cells)
    assert kind == "date"
    wanted = [
        f"{c[6:]}-{c[3:5]}-{c[:2]}" if order == "day" else f"{c[6:]}-{c[:2]}-{c[3:5]}"
        for c in cells
    ]
    assert out == wanted
    # The same rules on a file of the other order are refused, with the cell.
    rules = propose(pd.DataFrame({"when": cells}), rows=False)
    other = pd.DataFrame({"when": days("month" if order == "day" else "day", sign)})
    with pytest.raises(SchemaError, match=r"column 'when': dates are to be read .* first, but"):
        clean(other, rules, rows=False)


def test_dates_that_fit_both_orders_or_contradict_are_left_as_they_are() -> None:
    both = days("day", "/", to=12)
    kind, out = date_column(both)
    assert (kind, out) == ("category", both)
    assert date_column(both, apply="date")[0] == "date"
    _, rules = propose_column("when", pd.Series(both, dtype=object))
    (asked,) = [r for r in rules if r.rule == "date"]
    assert "fit both orders" in asked.why
    for odd in range(1, 4):
        mixed = days("day", "/") + days("month", "/")[: 7 * odd]
        kind, out = date_column(mixed)
        assert (kind, out) == ("category", mixed)
        _, rules = propose_column("when", pd.Series(mixed, dtype=object))
        (asked,) = [r for r in rules if r.rule == "date"]
        assert "contradict" in asked.why
    # Dots are day first wherever they are used; a day equal to its month has one reading.
    assert date_column([c.replace("/", ".") for c in both])[0] == "date"
    assert date_column([f"{k:02d}/{k:02d}/2020" for k in range(1, 13)] * 3)[0] == "date"
    # Unique ones are dates too, and no label of the row.
    unique = [f"{1 + k % 12:02d}/{1 + k // 12:02d}/2020" for k in range(144)]
    table = pd.DataFrame({"when": unique, "x": [str(k % 9) for k in range(144)]})
    assert clean(table, propose(table)).frame["when"].tolist() == unique


def test_open_dates_are_no_features_until_someone_says_so() -> None:
    rng = RNG(0)
    a = rng.normal(size=240)
    y = np.where(a + 0.3 * rng.normal(size=240) > 0, "u", "v")
    table = pd.DataFrame({"a": a.round(3), "when": days("day", "/", to=12) * 4, "y": y})
    verdict = assess(table, "y", network=None)
    assert verdict.leave_out == ["when"]
    assert "--apply date:when" in str(verdict)
    assert assess(table, "y", network=None, apply=("date:when",)).leave_out == []
    table["when"] = [*days("day", "/") * 3, *days("month", "/")]
    assert assess(table, "y", network=None).has("open dates")


def test_two_digit_years_are_told_and_births_are_past() -> None:
    cells = [
        f"{13 + k % 15}/0{1 + k % 9}/{y:02d}" for k, y in enumerate([45, 12, 68, 69, 99, 1] * 5)
    ]
    for name, years in (
        ("when", [2045, 2012, 2068, 1969, 1999, 2001]),
        ("date_of_birth", [1945, 2012, 1968, 1969, 1999, 2001]),
        ("DOB", [1945, 2012, 1968, 1969, 1999, 2001]),
    ):
        kind, out = date_column(cells, name)
        assert kind == "date"
        assert [int(v[:4]) for v in out[:6]] == years
        _, rules = propose_column(name, pd.Series(cells, dtype=object))
        rule = next(r for r in rules if r.rule == "date")
        assert f"two-digit years 00 to {rule.settings['pivot'] - 1:02d} are 20xx" in rule.why
    four = [c[:6] + "20" + c[6:] for c in cells]
    _, rules = propose_column("when", pd.Series(four, dtype=object))
    assert "two-digit" not in next(r for r in rules if r.rule == "date").why


# --- months, days, years --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("month", [f"{1949 + k // 12}-{1 + k % 12:02d}" for k in range(144)]),
        ("Month", [f"{1949 + k // 12}M{1 + k % 12:02d}" for k in range(144)]),
        ("quarter", [f"{1949 + k // 4}-Q{1 + k % 4}" for k in range(80)]),
        ("period", [f"{m} {y}" for y in range(1990, 2000) for m in ("Spring", "Fall")]),
        ("season", [f"{1960 + k}/{(61 + k) % 100:02d}" for k in range(60)]),
        ("day", [str(1 + k) for n in (31, 28, 31, 30) * 3 for k in range(n)]),
        ("d", [str(1 + k % 31) for k in range(310)]),
        ("month number", [str(1 + k % 12) for k in range(240)]),
        ("x9", [str(k % 24) for k in range(240)]),
        ("week no", [str(1 + k % 52) for k in range(520)]),
        ("year", [str(1871 + k) for k in range(100)]),
        ("Jahr", [str(1900 + k) for k in range(100)]),
        ("time", [str(k) for k in range(100)]),
        ("age", [str(20 + k) for k in range(60)]),
    ],
)
def test_months_days_and_years_are_kept(name: str, cells: list[str]) -> None:
    table = pd.DataFrame({name: cells, "v": [f"{k * 0.37:.2f}" for k in range(len(cells))]})
    rules = propose(table, rows=False)
    assert rules.dropped() == {}
    done = clean(table, rules, rows=False)
    assert done.frame[name].tolist() == cells


# --- magnitudes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["$1.2M", "$537K", "$980"], [1.2e6, 537e3, 980]),
        (["$537K", "$1.2M", "$12K", "$3B"], [537e3, 1.2e6, 12e3, 3e9]),
        (["€1.5m", "€200k"], [1.5e6, 200e3]),
        (["1,2 Mio. €", "3,5 Mrd. €"], [1.2e6, 3.5e9]),
        (["1.2M USD", "300K USD", "12 USD"], [1.2e6, 300e3, 12]),
        (["19M", "201k", "5.3M"], [19e6, 201e3, 5.3e6]),
        (["1.2 million", "3 billion", "450 thousand"], [1.2e6, 3e9, 450e3]),
        (["₹3 lakh", "₹1.2 crore"], [3e5, 1.2e7]),
        (["(1.2M)", "537K", "2M"], [-1.2e6, 537e3, 2e6]),
        (["2.5M", "3.1M"], [2.5e6, 3.1e6]),
        (["£3bn", "£250m"], [3e9, 250e6]),
    ],
)
def test_each_cell_counts_by_its_own_magnitude(cells: list[str], values: list[float]) -> None:
    series = pd.Series(cells * 8, dtype=object)
    schema, rules = propose_column("amount", series)
    assert schema.kind == "number"
    out = [float(v) for v in replay_column(series, rules)[0][: len(cells)]]
    np.testing.assert_allclose(out, values, rtol=1e-12)


@pytest.mark.parametrize(
    ("cells", "out"),
    [
        (["1.5 m", "20 cm"], ["1.5", "0.2"]),
        (["3 m", "4 m"], ["3", "4"]),
        (["12 mm", "1 m"], ["12", "1000"]),
        (["14b", "14a", "15"], ["14b", "14a", "15"]),
        (["14b", "15b", "16"], ["14b", "15b", "16"]),
        (["5 MB", "500 KB"], ["5", "0.5"]),
        (["3 t", "4 t"], ["3", "4"]),
    ],
)
def test_units_and_letters_are_no_magnitudes(cells: list[str], out: list[str]) -> None:
    series = pd.Series(cells * 8, dtype=object)
    _, rules = propose_column("x", series)
    assert list(replay_column(series, rules)[0][: len(cells)]) == out
