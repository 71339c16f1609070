"""Words beside numbers: labels of a few answers, phrases that mean "missing", empties of R."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ann.data import clean, propose
from ann.data.cleaning.across_columns import gaps_of_the_same_rows
from ann.data.cleaning.inspection import Inspection
from ann.data.cleaning.rules import Rule
from ann.data.cleaning.schema import ColumnSchema, Rules


def numbers(n, seed=0):
    return [str(v) for v in np.random.default_rng(seed).integers(10, 90, n)]


@pytest.mark.parametrize(
    "answers", [("0_no", "1_yes"), ("0 none", "3 severe"), ("1=low", "2=high"), ("0-no", "1-yes")]
)
def test_a_number_that_stands_for_a_word_is_no_amount(answers):
    """The word of 0_no beside 1_yes became a unit: who was fit had no answer left."""
    usual, other = answers
    table = pd.DataFrame({"fit": [usual] * 11 + [other], "age": numbers(12)})
    done = clean(table, propose(table, "fit"))
    assert done.frame["fit"].tolist() == table["fit"].tolist()


def test_a_word_behind_different_numbers_is_their_unit():
    table = pd.DataFrame({"a": [f"{v} crates" for v in numbers(30)]})
    done = clean(table, propose(table, rows=False))
    assert done.frame["a"].tolist() == numbers(30)


def test_a_word_behind_a_single_number_may_be_its_unit():
    table = pd.DataFrame({"fee": [*[""] * 20, "$70/mo"], "a": numbers(21)})
    assert propose(table, rows=False).column("fee").kind == "number"


@pytest.mark.parametrize("empty", ["character(0)", "numeric(0)", "integer(0)", "logical(0)"])
def test_an_empty_vector_of_r_is_missing_among_words_and_numbers(empty):
    table = pd.DataFrame(
        {"town": ["Rye", "Elmsford", empty] * 9, "rent": [*numbers(25), empty, "7"]}
    )
    done = clean(table, propose(table, rows=False))
    assert done.frame["town"].isna().sum() == 9
    assert done.frame["rent"].isna().sum() == 1


def asked(rules, column):
    return [r for r in rules.of(column) if r.rule == "not a number" and not r.apply]


def test_a_phrase_among_few_numbers_is_asked_for():
    """Of 27 numbers, three read "Sem registros": a category without a word before."""
    cells = [*["0", "1", "4", "5", "35", "60", "138", "0"] * 3, *["Sem registros"] * 3]
    rules = propose(pd.DataFrame({"confirmed": cells, "town": numbers(27)}), rows=False)
    (rule,) = asked(rules, "confirmed")
    assert (rule.rows, rule.before, rule.proposed) == (3, "Sem registros", False)
    # Kept until somebody says so.
    assert rules.column("confirmed").kind == "category"


def test_a_phrase_among_the_numbers_of_several_columns_is_proposed():
    phrase = ["Cannot be provided"] * 4
    table = pd.DataFrame({"asked": [*numbers(20), *phrase], "met": [*phrase, *numbers(20, 1)]})
    rules = propose(table, rows=False)
    for column in table:
        (rule,) = asked(rules, column)
        assert rule.proposed
    # What stands in one column only is asked, not recommended.
    alone = propose(table.assign(met=numbers(24, 2)), rows=False)
    assert not asked(alone, "asked")[0].proposed


@pytest.mark.parametrize(
    "cells",
    [
        # One word, beside few numbers: an answer like them.
        ["3", "4", "5", "6", "8", "10"] * 3 + ["rotary"] * 4,
        ["1", "2", "3", "4"] * 5 + ["five or more"] * 4,
        # Two phrases: two answers.
        ["3", "4", "5", "6", "8", "10"] * 3 + ["not asked", "not there"] * 2,
    ],
)
def test_other_words_among_few_numbers_are_answers(cells):
    assert not asked(propose(pd.DataFrame({"a": cells}), rows=False), "a")


def test_texts_are_looked_at_once_until_a_rule_changes_them():
    seen = Inspection("h", pd.Series(["1 cm", "2 cm", "2", None, "-0", "0"], dtype=object))
    found = seen.weighed(), seen.text_counts(), seen.plain(), seen.numbers()
    again = seen.weighed(), seen.text_counts(), seen.plain(), seen.numbers()
    assert all(a is b for a, b in zip(found, again, strict=True))
    seen.rule("not a number", why="tried only", apply=False)
    assert seen.weighed() is found[0]
    seen.rule("unit", {"factors": {"cm": "1"}}, why="cm in the cells")
    assert seen.plain() == {"1", "2", "0", "-0"}
    assert seen.text_counts() == {"1": 1, "2": 2, "0": 1, "-0": 1}
    values, counts = seen.numbers()
    assert values.tolist() == [0.0, 1.0, 2.0]
    assert counts.tolist() == [2, 1, 2]


def test_the_column_that_is_named_is_the_first_of_the_table():
    """It was the first of a set of names, another one in each run."""
    names = [f"x{k}" for k in range(12)]
    cells = ["0"] * 9 + numbers(40)
    table = pd.DataFrame(dict.fromkeys(names, cells))
    rules = Rules(rows=len(table))
    rules.columns = [ColumnSchema(n, "number") for n in names]
    rules.rules = [Rule(n, "sentinel", False, {"values": [0.0]}) for n in names[:-1]]
    gaps_of_the_same_rows(table, rules)
    (added,) = rules.of("x11")
    assert "'x0'" in added.why
