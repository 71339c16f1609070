"""Cells that look like a slip and mean something: what cleaning must keep, and what it may say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ann.data.cells.lexicon import MISSING_ALWAYS, fold
from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import clean, typed
from ann.data.cleaning.schema import Rules
from ann.data.report.profiling import profile

RNG = np.random.default_rng


# --- a target with codes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "odd"), [("out", "-999"), ("out", "broken"), ("glucose", "0"), ("level", "-999")]
)
def test_a_target_with_a_code_or_an_odd_word_can_be_looked_at(name: str, odd: str) -> None:
    rng = RNG(0)
    table = pd.DataFrame(
        {"a": rng.normal(size=200), name: rng.normal(500, 100, 200).round(1)}, dtype=object
    )
    table.loc[[3, 9], name] = odd
    seen = profile(table, name)
    assert [(c.name, c.missing) for c in seen.columns] == [("a", 0), (name, 0)]
    assert (seen.rows, seen.task) == (200, "regression")
    (said,) = [s for s in seen.log if s.column == name and s.after == "" and s.rows == 2]
    assert said.before == odd
    # As a feature it has the column of codes beside it.
    assert {c.name: c.missing for c in profile(table, "a").columns}[name] == 2


# --- numbers that say more than a number ----------------------------------------------------------


def kept(cells: list[str], name: str = "x") -> Rules:
    """The rules of a column that comes out as it went in, and stays in the table."""
    table = pd.DataFrame({name: cells}, dtype=object)
    rules = propose(table, rows=False)
    done = clean(table, rules, rows=False)
    assert done.frame.get(name, pd.Series(dtype=object)).tolist() == cells, done.log
    return rules


def spread(many: str, few: list[str], n: int = 60) -> list[str]:
    """Numbers with one ending, and a few with others."""
    return [many.format(k) for k in range(1, n)] + [f.format(k) for k in (7, 19) for f in few]


@pytest.mark.parametrize(
    "cells",
    [
        spread("{} PM", ["{} AM"]),
        spread("{} p.m.", ["{} a.m."]),
        spread("{}.25 N", ["{}.5 S"]),
        spread("{}.25 E", ["{}.5 W"], 20),
        spread("{} C", ["{} F"]),
        spread("{} °C", ["{} °F"]),
        spread("{} AD", ["{} BC"]),
        spread("${} CR", ["${} DR"]),
        spread("{}th", ["{}st", "{}nd"]),
        spread("{}-Jan", ["{}-Feb"], 30),
        spread("{} kg", ["{} boxes"]),
        spread("{} apples", ["{} pears"]),
        spread("{} PM", ["{}"]),
        spread("{} weeks", ["{} months"]),
    ],
    ids=lambda cells: f"{cells[0]} and {cells[-1]}",
)
def test_numbers_with_different_endings_are_kept_as_words(cells: list[str]) -> None:
    rules = kept(cells)
    if not cells[0].endswith("Jan"):
        (waiting,) = [r for r in rules.rules if r.rule == "unit"]
        assert (waiting.apply, waiting.effect) == (False, "destructive")
        assert waiting.rows > 0
    # The same words half and half, each number once.
    half = [v for pair in zip(cells[:40], reversed(cells), strict=False) for v in pair]
    kept(half)


@pytest.mark.parametrize(
    ("cells", "out"),
    [
        (["12 years", "18 months", "6 months", "3 years", "4 years"], [12, 1.5, 0.5, 3, 4]),
        (["2 weeks", "3 days", "36 hours", "5 days", "9 days"], [14, 3, 1.5, 5, 9]),
        (["45 %", "3 %", "12 %"], [45, 3, 12]),
        (["200 pA", "0.5 nA", "150 pA", "90 pA"], [200, 500, 150, 90]),
        (["101 kPa", "99500 Pa", "100 kPa"], [101, 99.5, 100]),
        (["5 GB", "512 MB", "3 GB"], [5, 0.512, 3]),
        (["$5", "US$6", "7 USD"], [5, 6, 7]),
        (["(1)", "2", "3.5"], [-1, 2, 3.5]),
        (["($1,200)", "$350", "$0"], [-1200, 350, 0]),
    ],
)
def test_what_has_a_known_factor_is_one_number(cells: list[str], out: list[float]) -> None:
    table = pd.DataFrame({"x": cells * 6}, dtype=object)
    rules = propose(table, rows=False)
    assert rules.column("x").kind == "number"
    done = clean(table, rules, rows=False)
    assert done.frame["x"].astype(float).tolist() == out * 6
    assert done.undo().equals(table)


@pytest.mark.parametrize(
    "cells",
    [
        spread("${}", ["€{}"]),
        spread("{} USD", ["{} EUR"]),
        spread("₹{}", ["${}", "£{}"], 12),
        spread("${}", ["C${}"]),
        spread("${}", ["{} kr"]),
        spread("€{}", ["Fr. {}"]),
        spread("${}", ["{} each"]),
    ],
    ids=lambda cells: f"{cells[0]} and {cells[-1]}",
)
def test_different_money_is_not_one_number(cells: list[str]) -> None:
    rules = kept(cells, "price")
    (waiting,) = [r for r in rules.rules if r.rule == "currency"]
    assert (waiting.apply, waiting.proposed, waiting.effect) == (False, False, "destructive")
    table = pd.DataFrame({"price": cells}, dtype=object)
    chosen = rules.applying(["currency:price"])
    assert Rules.loads(chosen.dumps()) == chosen
    out = typed(clean(table, chosen, rows=False).frame, chosen)["price"]
    assert out.dtype == float
    assert out.notna().sum() >= len(cells) - 2


def test_sides_of_the_globe_become_signs_if_asked() -> None:
    cells = spread("{}.25 N", ["{}.5 S"])
    rules = kept(cells, "latitude")
    assert [r.rule for r in rules.proposals()] == ["unit"]
    chosen = rules.applying(["unit:latitude"])
    out = typed(clean(pd.DataFrame({"latitude": cells}), chosen, rows=False).frame, chosen)
    assert out["latitude"].tolist()[-3:] == [59.25, -7.5, -19.5]


@pytest.mark.parametrize(
    "cells",
    [
        [f"({k})" for k in range(1, 41)],
        ["(1)", "(2)", "(3)"] * 9,
        [f"({k / 100})" for k in range(40)],
        ["-5", "(3)", "4"] * 9,
    ],
    ids=lambda cells: " ".join(cells[:3]),
)
def test_brackets_around_every_number_are_no_minus(cells: list[str]) -> None:
    assert not kept(cells).proposals()


# --- zeros ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "insulin_dose",
        "glucose_in_urine",
        "blood_pressure_drop",
        "gauge_pressure",
        "weight_loaded",
        "tumour_weight",
        "skin_lesions",
        "InsulinUnits",
        "sodium",
        "cholesterol_mg_per_serving",
        "weight_of_catch",
        "year_of_service",
        "pulse_deficit",
        "skin",
        "tyre_pressure",
        "birth_weight_lost",
        "body_mass_removed",
        "bp_medication",
    ],
)
@pytest.mark.parametrize("share", [0.1, 0.4])
def test_zeros_of_another_quantity_are_kept(name: str, share: float) -> None:
    rng = RNG(0)
    values = np.where(rng.random(400) < share, 0, rng.uniform(20, 90, 400).round(1))
    rules = kept([f"{v:g}" for v in values], name)
    assert not [r for r in rules.rules if r.rule == "sentinel" and r.apply]


@pytest.mark.parametrize(
    "name",
    [
        "Insulin",
        "blood_pressure_mean",
        "resting_blood_pressure",
        "weight_kg",
        "Glucose",
        "mean_glucose_level",
        "insulin_level",
        "skin_fold_thickness",
        "TricepsThickness",
        "BMI",
        "systolic_bp",
    ],
)
def test_zeros_of_the_quantity_itself_are_missing(name: str) -> None:
    rng = RNG(0)
    values = np.where(rng.random(400) < 0.1, 0, rng.uniform(40, 90, 400).round(1))
    table = pd.DataFrame({name: [f"{v:g}" for v in values]})
    done = clean(table, propose(table, rows=False), rows=False)
    assert (done.frame[name].isna() == (values == 0)).all()


# --- NA that is a label ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        ["NA", "EMEA", "APAC", "LATAM"],
        ["NA", "EU", "JP", "Other"],
        ["NA", "EU", "ASIA", "ROW", "MEA"],
        ["-", "--", "---"],
        ["0", "-", "--"],
        ["+", "-", "."],
        ["+", "?", "-"],
        ["A", "C", "G", "T", "-"],
        ["wt", "het", "null"],
        ["WT", "Null", "KO"],
        ["+/+", "+/-", "null"],
        ["missing", "dead", "alive"],
        ["Missing", "Killed", "Wounded"],
        ["available", "not available"],
        ["nan", "mum", "dad"],
        ["na", "k", "ca"],
        ["na", "emea", "apac"],
        ["ns", "*", "**", "."],
        ["N/A", "A/A", "A/N"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("share", [1.0, 0.05])
def test_what_reads_like_missing_is_kept_beside_its_like(labels: list[str], share: float) -> None:
    odd = np.array([fold(v) in MISSING_ALWAYS for v in labels])
    p = np.where(odd, share, 1.0)
    rules = kept([*RNG(0).choice(labels, 300, p=p / p.sum()), *labels])
    # Whoever knows better can say so.
    waiting = [r for r in rules.rules if r.rule == "missing" and not r.apply]
    assert all(r.rows for r in waiting)
    assert waiting or "+" in labels or "+/+" in labels


@pytest.mark.parametrize(
    "labels",
    [
        ["M", "F", "-"],
        ["Y", "N", "NA"],
        ["YES", "NO", "NA"],
        ["HIGH", "LOW", "MID", "NA"],
        ["RED", "BLUE", "GREEN", "NA"],
        ["male", "female", "null"],
        ["b", "c", "e", "r", "?"],
        ["Europe", "Asia", "Africa", "NA"],
        ["3", "5", "8", "-", "--"],
        ["red", "blue", "missing"],
        ["red", "blue", "--"],
        ["low", "high", "."],
    ],
    ids=" ".join,
)
def test_what_has_no_like_is_missing(labels: list[str]) -> None:
    table = pd.DataFrame({"x": labels * 12}, dtype=object)
    done = clean(table, propose(table, rows=False), rows=False)
    gone = table["x"].map(lambda v: fold(v) in MISSING_ALWAYS)
    assert done.frame["x"].isna().tolist() == gone.tolist()
