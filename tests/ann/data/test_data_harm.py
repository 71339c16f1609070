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


@pytest.mark.slow
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
