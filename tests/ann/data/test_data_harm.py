"""First, do no harm: tables that a cleaner must leave alone, and what it must say instead."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ann.data.cleaning.propose import propose, propose_column
from ann.data.cleaning.replay import Cleaned, clean, replay_column
from ann.data.cleaning.rules import Rule
from ann.data.cleaning.schema import Rules
from ann.data.errors import SchemaError
from ann.data.judging.assess import assess
from ann.data.workflow import train

RNG = np.random.default_rng


def cleaned(table: pd.DataFrame, target: str | None = None) -> Cleaned:
    return clean(table, propose(table, target))


def rows_rule(table: pd.DataFrame) -> Rule:
    (rule,) = [r for r in propose(table).rules if r.rule == "duplicates"]
    return rule


def untouched(cells: list[str], name: str = "x") -> bool:
    """Whether a column comes out as it went in, and as a column of the table."""
    table = pd.DataFrame({name: cells, "other": [f"{k * 0.37:.2f}" for k in range(len(cells))]})
    done = clean(table, propose(table), rows=False)
    return name in done.frame and done.frame[name].tolist() == cells


# --- equal rows -----------------------------------------------------------------------------------


def grid(seed: int) -> pd.DataFrame:
    """Five coarse columns and five that follow from them."""
    t = pd.DataFrame(RNG(seed).integers(0, 6, size=(900, 5)), columns=list("abcde"))
    return t.assign(
        s=t.a + t.b, p=t.a * t.b, q=t.c + 2.5 * t.d, r=t.e**2, t=t.a + 10 * t.b + 100 * t.c
    )


def votes(seed: int) -> pd.DataFrame:
    """Sixteen votes along party lines."""
    rng = RNG(seed)
    party = rng.random(435) < 0.6
    flip = rng.random((435, 16)) < 0.04
    cells = np.where(party[:, None] ^ flip, "y", "n")
    return pd.DataFrame(cells, columns=[f"bill{k}" for k in range(16)]).assign(party=party)


def patients(seed: int) -> pd.DataFrame:
    """Nine scores of 1 to 10, mostly 1."""
    rng = RNG(seed)
    ill = rng.random(699) < 0.35
    score = np.where(ill[:, None], rng.integers(1, 11, (699, 9)), 1 + rng.poisson(0.1, (699, 9)))
    return pd.DataFrame(score, columns=[f"s{k}" for k in range(9)]).assign(ill=ill)


def animals(seed: int) -> pd.DataFrame:
    """Traits that follow from the class."""
    rng = RNG(seed)
    kind = rng.integers(0, 7, 101)
    traits = RNG(99).random((7, 15)) < 0.5
    return pd.DataFrame(traits[kind], columns=[f"t{k}" for k in range(15)]).assign(kind=kind)


def counted(seed: int) -> pd.DataFrame:
    """A table of counts, written out person by person and sorted."""
    rng = RNG(seed)
    t = pd.DataFrame(
        {
            "class": rng.choice(["1st", "2nd", "3rd", "crew"], 1200),
            "sex": rng.choice(["m", "f"], 1200),
            "age": rng.choice(["adult", "child"], 1200, p=[0.95, 0.05]),
            "died": rng.choice(["yes", "no"], 1200),
        }
    )
    return t.sort_values(list(t)).reset_index(drop=True)


def calendar(seed: int) -> pd.DataFrame:
    """A plan that is the same every week."""
    hours = pd.DataFrame({"hour": range(168), "open": [8 <= k % 24 < 18 for k in range(168)]})
    return pd.concat([hours] * 2, ignore_index=True)


def design(seed: int) -> pd.DataFrame:
    """A factorial plan with two replicates, in order."""
    plan = pd.MultiIndex.from_product([range(4), ["lo", "hi"], [10, 20, 30]], names=list("abc"))
    return pd.concat([plan.to_frame(index=False)] * 2, ignore_index=True)


@pytest.mark.parametrize("make", [grid, votes, patients, animals, counted, calendar, design])
@pytest.mark.parametrize("seed", range(3))
def test_rows_that_look_alike_are_kept(make: Callable[[int], pd.DataFrame], seed: int) -> None:
    table = make(seed)
    rule = rows_rule(table)
    assert (rule.apply, rule.proposed) == (False, False), rule.why
    done = cleaned(table)
    assert len(done.frame) == len(table)
    # Reported, with the number, an example, and how to leave them out.
    (said,) = done.log.find(rule="duplicates")
    assert said.rows == table.astype(str).duplicated().sum()
    assert said.option == "--apply duplicates"
    assert len(clean(table, propose(table).applying(["duplicates"])).frame) < len(table)


def measured(seed: int, n: int = 200) -> pd.DataFrame:
    rng = RNG(seed)
    return pd.DataFrame(
        {
            "weight": rng.normal(70, 9, n).round(2).astype(str),
            "income": rng.lognormal(10, 0.5, n).astype(int).astype(str),
            "town": rng.choice(["Oslo", "Bergen"], n),
        },
        dtype=object,
    )


@pytest.mark.parametrize("seed", range(5))
def test_copies_are_left_out_with_proof_and_proposed_without(seed: int) -> None:
    rng = RNG(seed)
    table = measured(seed)
    again = table.iloc[np.sort(rng.choice(200, 7, replace=False))]
    scattered = pd.concat([table, again]).sample(frac=1, random_state=seed, ignore_index=True)
    rule = rows_rule(scattered)
    assert (rule.apply, rule.proposed, rule.rows) == (False, True, 7), rule.why
    with_id = table.assign(patient_id=[f"{k * 7919 % 10007}" for k in range(200)])
    scattered = pd.concat([with_id, with_id.loc[again.index]]).sample(frac=1, random_state=seed)
    rule = rows_rule(scattered.reset_index(drop=True))
    assert (rule.apply, rule.rows) == (True, 7), rule.why
    assert "patient_id" in rule.why
    # The same block of rows once more, in order.
    block = pd.concat([table, table[50:90]], ignore_index=True)
    rule = rows_rule(block)
    assert (rule.apply, rule.rows) == (True, 40), rule.why
    # One other equal row, and the block no longer proves all of them.
    block = pd.concat([block, table[3:4]], ignore_index=True)
    assert rows_rule(block).proposed
    done = clean(block, propose(block).applying(["duplicates"]))
    assert len(done.frame) == 200
    assert done.undo().equals(block)


def test_likely_copies_that_were_kept_stand_on_one_side_of_a_split() -> None:
    table = measured(0, 300)
    y = np.where(table["weight"].astype(float) + 6 * RNG(1).normal(size=300) > 70, "u", "v")
    table = table.assign(y=y)
    table = pd.concat([table, table.sample(60, random_state=0)], ignore_index=True)
    table = table.sample(frac=1, random_state=1, ignore_index=True)
    done = train(table, "y", model="logistic")
    assert done.verdict.has("equal rows proposed")
    assert "--apply duplicates" in str(done.verdict)
    test, learn = (
        table.iloc[k].astype(str).agg("|".join, axis=1) for k in (done.split.test, done.split.train)
    )
    assert not set(test) & set(learn)
    assert done.log.find(rule="test part")[0].rows > 0
    assert len(train(table, "y", model="logistic", apply=("duplicates",)).split.train) == 240


# --- another unit ---------------------------------------------------------------------------------


def test_ids_and_codes_are_never_rescaled() -> None:
    rng = RNG(0)
    ids = rng.choice(np.arange(400, 1600), 494).tolist() + [11] * 6
    long = rng.choice(np.arange(1_000_000, 1_400_000), 60, replace=False).tolist()
    longer = rng.choice(np.arange(20_000_000, 24_000_000), 500, replace=False).tolist()
    for values in (ids, longer + long):
        cells = [str(v) for v in values]
        for name in ("id", "ticket", "account number", "x"):
            _, rules = propose_column(name, pd.Series(cells, dtype=object))
            assert not [r for r in rules if r.rule == "scale"], name
            assert list(replay_column(pd.Series(cells, dtype=object), rules)[0]) == cells


@pytest.mark.parametrize(("factor", "digits"), [(0.01, 2), (0.3937, 1), (0.0328084, 2), (10, 0)])
def test_another_unit_is_proposed_with_its_evidence(factor: float, digits: int) -> None:
    values = RNG(0).uniform(150, 195, 200)
    cells = [f"{v:.1f}" for v in values]
    for k in range(0, 200, 25):
        cells[k] = f"{values[k] * factor:.{digits}f}"
    table = pd.DataFrame({"height": cells})
    rules = propose(table, rows=False)
    (rule,) = [r for r in rules.rules if r.rule == "scale"]
    assert (rule.apply, rule.proposed, rule.rows) == (False, True, 8)
    assert clean(table, rules).frame["height"].tolist() == cells
    out = clean(table, rules.applying(["scale:height"])).frame["height"].astype(float)
    np.testing.assert_allclose(out, values, rtol=0.02)


# --- labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        ["hid", "hId", "hed", "hEd", "had", "hAd", "hod", "hud", "hUd", "hYd", "hOd"],
        ["AA", "Aa", "aa"],
        ["t", "T", "p", "P"],
        ["pH", "ph", "PH"],
        ["high", "-high", "low", "-low"],
        ["10 to 0", "-10 to 0", "0 to 10", "-0 to 10"],
        ["A", "A+", "A-", "B", "B+", "B-"],
        ["x ", "x", " y", "y"],
        ["polish", "Polish", "march", "March"],
        ["5'", '5"', "6'", '6"'],
        ["US", "us", "them"],
    ],
)
@pytest.mark.parametrize("share", [0.5, 0.08])
def test_labels_that_differ_in_case_or_signs_stay_apart(labels: list[str], share: float) -> None:
    rng = RNG(1)
    p = np.where(np.arange(len(labels)) % 2, share, 1 - share)
    cells = rng.choice(labels, 400, p=p / p.sum()).tolist() + labels
    done = cleaned(pd.DataFrame({"x": cells, "y": cells}), "y")
    if labels[0] != "x " or share == 0.5:
        assert done.frame["x"].tolist() == cells
        assert done.frame["y"].tolist() == cells


def test_a_rare_variant_is_proposed_and_a_frequent_one_only_reported() -> None:
    def found(cells: list[str]) -> list[tuple[bool, bool]]:
        _, rules = propose_column("x", pd.Series(cells, dtype=object))
        return [(r.apply, r.proposed) for r in rules if r.rule in ("spelling", "yes/no")]

    assert found(["Paris"] * 40 + ["paris"] * 3 + ["Lyon"] * 20) == [(False, True)]
    assert found(["Paris"] * 40 + ["paris"] * 35 + ["Lyon"] * 20) == [(False, False)]
    assert found(["AA"] * 300 + ["Aa"] * 90 + ["aa"] * 5) == [(False, False)]
    assert found(["-high"] * 30 + ["high"] * 3) == []
    assert found(["A+"] * 30 + ["A"] * 3) == []
    assert found(["Yes"] * 40 + ["y"] * 3 + ["no"] * 20) == [(False, True)]


@pytest.mark.slow
def test_a_rule_that_touched_the_target_stands_in_the_verdict() -> None:
    rng = RNG(0)
    a = rng.normal(size=300)
    y = np.where(a + rng.normal(size=300) > 0, "Yes", "No").astype(object)
    y[:9], y[9] = "yes", "?"
    y[10] = f"{y[10]} "
    table = pd.DataFrame({"a": a.round(4), "b": rng.normal(size=300).round(4), "y": y})
    verdict = assess(table, "y", network=None)
    assert {r.facts["rule"] for r in verdict.reasons if r.kind == "target changed"} == {
        "missing",
        "trim",
    }
    (waiting,) = [r for r in verdict.reasons if r.kind == "target proposal"]
    assert waiting.level == "weak"
    assert "--apply yes/no:y" in waiting.text
    assert verdict.has("rare classes")
    merged = assess(table, "y", network=None, apply=("yes/no:y",))
    assert merged.level == "supports", merged
    assert "yes/no" in {r.facts["rule"] for r in merged.reasons if r.kind == "target changed"}
    assert train(table, "y", model="logistic", apply=("yes/no",)).verdict.has("target changed")


def test_what_is_asked_for_must_be_there() -> None:
    rules = propose(pd.DataFrame({"town": ["Paris"] * 9 + ["paris"]}), rows=False)
    assert [r.rule for r in rules.proposals()] == ["spelling"]
    assert Rules.loads(rules.dumps()) == rules
    for name, message in (
        ("speling", "did you mean 'spelling'"),
        ("spelling:twn", "did you mean 'town'"),
        ("scale", "there is: spelling:town"),
    ):
        with pytest.raises(SchemaError, match=message):
            rules.applying([name])


# --- NA that is a label ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        ["+", "-"],
        ["+", "-", "++", "+/-"],
        ["-", "+", "trace"],
        ["AF", "AS", "EU", "NA"],
        ["AF", "AS", "EU", "NA", "OC", "SA", "AN"],
        ["Na", "K", "Ca"],
        ["Na", "Mg", "Cl", "Fe", "C"],
        ["na", "de", "fr", "gb"],
        ["NAN", "SUV", "AKL", "SYD", "LAX"],
        ["NAT", "REC", "FOR", "GRU"],
        ["NULL", "AAPL", "MSFT", "GOOG", "AMZN"],
        ["missing", "present"],
        ["Missing", "Found"],
        ["?", "!", ".", ";"],
        ["None", "Attached", "Detached"],
    ],
)
def test_a_label_that_reads_like_missing_is_kept(labels: list[str]) -> None:
    cells = RNG(0).choice(labels, 200).tolist() + labels
    assert untouched(cells)
    _, rules = propose_column("x", pd.Series(cells, dtype=object))
    # Whoever knows better can say so, unless nothing is open: a dash as usual as a plus is a minus.
    asked = [r for r in rules if r.rule == "missing" and not r.apply]
    closed = "None" in labels or "+" in labels
    assert len(asked) == (0 if closed else 1 if labels[0] != "?" else 2)
    assert all(r.rows for r in asked)


@pytest.mark.parametrize(
    ("labels", "gap"),
    [
        (["Paris", "Lyon", "Oslo"], "NA"),
        (["M", "F"], "NA"),
        (["yes", "no"], "na"),
        (["yes", "no"], "-"),
        (["low", "mid", "high"], "missing"),
        (["positive", "negative"], "-"),
        (["1", "2", "3"], "Na"),
        (["3.5", "+2", "-1"], "-"),
        (["Anna", "Bert"], "NaN"),
        (["Anna", "Bert"], "NULL"),
        (["AB12", "CD34"], "NA"),
        (["x+", "y+"], "?"),
    ],
)
def test_missing_is_missing_among_other_labels(labels: list[str], gap: str) -> None:
    cells = [*(labels * 10), gap, gap]
    _, rules = propose_column("x", pd.Series(cells, dtype=object))
    assert list(replay_column(pd.Series(cells, dtype=object), rules)[0][-2:]) == [None, None]


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
    assert f"a {name} cannot be 0" in said.why
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
    assert cleaned(table).frame["when"].tolist() == unique


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
        ("period", [f"{m} {y}" for y in range(1990, 2000) for m in ("Jan", "May", "Sep")]),
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


# --- leaks, groups, origins -----------------------------------------------------------------------


def wages(seed: int = 0, n: int = 400) -> pd.DataFrame:
    rng = RNG(seed)
    school = rng.integers(8, 18, n)
    wage = np.exp(0.08 * school + 0.4 * rng.normal(size=n)).round(1)
    return pd.DataFrame({"school": school, "age": rng.integers(20, 60, n), "wage": wage})


@pytest.mark.slow
@pytest.mark.parametrize(
    "form",
    [
        lambda v: np.log(v).round(5),
        lambda v: (v * 52 * 40).round(0),
        lambda v: -np.sqrt(v),
        lambda v: (100 - 3 * v).round(2),
        lambda v: 1 / v,
    ],
    ids=["log", "a year", "root", "rest", "inverse"],
)
def test_a_transform_of_the_target_is_named_so(form: Callable[[pd.Series], pd.Series]) -> None:
    table = wages().assign(other=lambda t: form(t["wage"]))
    verdict = assess(table, "wage", network=None)
    assert verdict.leave_out == ["other"]
    assert not verdict.has("group")
    assert "transform of the target" in next(r.text for r in verdict.reasons if r.kind == "leak")
    assert assess(wages(), "wage", network=None).leave_out == []


@pytest.mark.slow
def test_a_part_that_is_absent_is_no_origin() -> None:
    rng = RNG(0)
    n = 600
    ground = rng.choice(["Slab", "Concrete", "Block"], n, p=[0.15, 0.45, 0.4])
    slab = ground == "Slab"
    table = pd.DataFrame({"Foundation": ground, "Area": rng.normal(120, 20, n).round(1)})
    for k in range(4):
        table[f"Basement{k}"] = np.where(slab, "", rng.normal(50, 9, n).round(1).astype(str))
    price = table["Area"] + np.where(slab, -60, 0) + rng.normal(0, 9, n)
    verdict = assess(table.assign(Price=price.round(1)), "Price", network=None)
    assert verdict.leave_out == []
    assert not verdict.has("origin")
    # Hospitals that do not measure the same things are an origin.
    site = rng.choice(["A", "B", "C", "D"], n)
    table = pd.DataFrame({"where": site, "Area": rng.normal(120, 20, n).round(1)})
    for k, out in enumerate(("AB", "C", "AD", "B")):
        gone = np.isin(site, list(out))
        table[f"test{k}"] = np.where(gone, "", rng.normal(50, 9, n).round(1).astype(str))
    ill = np.where(rng.random(n) < np.where(np.isin(site, ["A", "B"]), 0.85, 0.2), "ill", "well")
    assert assess(table.assign(y=ill), "y", network=None).has("origin")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["word", "number"])
def test_things_followed_over_time_are_proposed_as_groups(kind: str) -> None:
    rng = RNG(0)
    land = np.repeat(np.arange(133), 12)
    level = rng.normal(60, 10, 133)[land]
    table = pd.DataFrame(
        {
            "country": [f"Land {k}" for k in land] if kind == "word" else land + 100,
            "year": np.tile(np.arange(1952, 2012, 5), 133),
            "gdp": np.exp(rng.normal(8, 1, 133)[land] + 0.1 * rng.normal(size=len(land))).round(2),
        }
    )
    life = (level + 0.1 * (table["year"] - 1980) + rng.normal(size=len(land))).round(2)
    verdict = assess(table.assign(life=life), "life", network=None)
    (reason,) = [r for r in verdict.reasons if r.kind == "entities"]
    assert "--group country" in reason.text
    assert (reason.facts["number"], reason.facts["time"]) == (133, "year")
    assert not assess(table.assign(life=life), "life", network=None, group="country").has(
        "entities"
    )
    # Rows of one thing that are not alike are no repeats of it.
    noise = rng.normal(size=len(land)).round(3)
    assert not assess(table.assign(life=noise), "life", network=None).has("entities")


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_network_that_is_worse_is_called_worse() -> None:
    table = wages(n=300).assign(wage=lambda t: t["school"] + RNG(1).normal(size=300).round(2))
    verdict = assess(table, "wage")
    (reason,) = [r for r in verdict.reasons if r.code == "network"]
    assert "-0." not in reason.text
    assert ("lower" in reason.text) == (reason.kind != "network worse")
    assert reason.facts["gain"] >= 0
    done = train(table, "wage", model="logistic")
    assert done.model_name == "linear regression"
