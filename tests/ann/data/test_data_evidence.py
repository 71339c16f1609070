"""What a column or a file must show before a cell is changed, a row left out, a finding told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import clean
from ann.data.cleaning.rules import Rule
from ann.data.files.reading import read_table

RNG = np.random.default_rng


def cleaned(cells: list[str], **others: list[str]) -> list[str]:
    table = pd.DataFrame({"x": cells, **others}, dtype=object)
    return list(clean(table, propose(table, rows=False), rows=False).frame["x"])


def told(cells: list[str], name: str = "x", **others: list[str]) -> list[Rule]:
    """What is proposed or reported for a column, outliers aside."""
    table = pd.DataFrame({name: cells, **others}, dtype=object)
    rules = propose(table, rows=False).of(name)
    return [r for r in rules if not r.apply and r.rule != "outlier"]


def read(path: Path, text: str) -> pd.DataFrame:
    path.write_text(text, encoding="utf-8")
    return read_table(path).frame


# --- numbers with a word behind them --------------------------------------------------------------


@pytest.mark.parametrize("word", [" combined", " est.", " admin", " (2 terms)", "approx", " of 9"])
def test_a_word_behind_some_numbers_says_something_of_its_own(word: str) -> None:
    plain = [str(900 + 7 * k) for k in range(280)]
    cells = [f"{v}{word}" if k % 20 == 0 else v for k, v in enumerate(plain)]
    out = cleaned(cells)
    assert [v for k, v in enumerate(out) if k % 20] == [v for k, v in enumerate(plain) if k % 20]
    # Missing among the numbers, and its text stands in the column beside.
    assert {v for k, v in enumerate(out) if k % 20 == 0} == {None}


def test_a_word_behind_nearly_all_numbers_is_their_unit() -> None:
    assert cleaned([f"{k} apples" for k in range(10, 60)]) == [str(k) for k in range(10, 60)]


@pytest.mark.parametrize("mark", ["*", "†", "**", " ‡"])
def test_a_footnote_mark_is_no_part_of_the_number(mark: str) -> None:
    cells = [f"{k}{mark}" if k % 9 == 0 else f"{k}*" if k % 2 else str(k) for k in range(10, 90)]
    assert cleaned(cells) == [str(k) for k in range(10, 90)]
    assert propose(pd.DataFrame({"x": cells})).column("x").unit == ""


@pytest.mark.parametrize("letters", ["d", "h", "g", "dhgs"])
def test_a_letter_behind_a_few_numbers_is_no_unit(letters: str) -> None:
    cells = [str(k) for k in range(10, 200)]
    for k in range(0, 190, 19):
        cells[k] += letters[k % len(letters)]
    out = cleaned(cells)
    assert all(out[k] in (None, cells[k]) for k in range(0, 190, 19))
    assert out[1] == "11"


# --- commas ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [["708,661"], ["649,606", "728,346", "7,283,465"], ["1,753"]])
def test_a_comma_that_would_make_a_number_far_larger_groups_nothing(odd: list[str]) -> None:
    high = 2.0 if odd == ["1,753"] else 80.0
    cells = [f"{v:.2f}" for v in RNG(0).uniform(0.75 * high, high, 300)] + odd
    out = cleaned(cells)
    assert out[:300] == cells[:300]
    assert set(out[300:]) == {None}
    (rule,) = [r for r in told(cells) if r.rule == "thousands"]
    assert (rule.rows, rule.proposed) == (len(odd), False)


def test_numbers_that_continue_the_others_are_grouped() -> None:
    values = RNG(0).lognormal(6, 1.5, 400).astype(int)
    assert cleaned([f"{v:,}" for v in values]) == [str(v) for v in values]
    few = [f"{v:,}" for v in sorted(values)[:380]] + ["1,204", "15,300"]
    assert cleaned(few)[-2:] == ["1204", "15300"]


def test_three_digits_behind_a_comma_are_decimals_beside_other_decimal_commas() -> None:
    cells = [f"{k % 8 + 1},{k * 37 % 1000:03d}" for k in range(71) if k % 10]
    comma = [f"{k % 8},{k % 9 + 1}" for k in range(len(cells))]
    assert cleaned(cells, y=comma) == [v.replace(",", ".") for v in cells]
    point = [v.replace(",", ".") for v in comma]
    assert cleaned(cells, y=point) == [v.replace(",", "") for v in cells]
    # Numbers that end in 0 are no decimals without their last zeros.
    cells = [*cells, "4,560"]
    assert cleaned(cells, y=[*comma, "1,5"]) == [v.replace(",", "") for v in cells]


# --- years ----------------------------------------------------------------------------------------


def test_years_that_follow_each_other_are_not_torn_into_two_centuries() -> None:
    years = [*range(62, 100), *range(7)]
    cells = [f"{k % 12 + 1}/28/{y:02d}" for k, y in enumerate(years * 4)]
    out = cleaned(cells)
    assert (min(out)[:4], max(out)[:4]) == ("1962", "2006")
    # Bonds that end between 2025 and 2055 end there.
    out = cleaned([f"{k % 12 + 1}/28/{y:02d}" for k, y in enumerate([*range(25, 56)] * 4)])
    assert (min(out)[:4], max(out)[:4]) == ("2025", "2055")


# --- what is told ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("provider number", ["01014F", "0301XF"]),
        ("zip code", ["3x305", "x6x60"]),
        ("ticket", ["A/5 21171", "PC 17599"]),
        ("x", ["W.E.P. 5734", "C 7075"]),
    ],
)
def test_labels_with_digits_are_no_broken_numbers(name: str, odd: list[str]) -> None:
    cells = [str(v) for v in RNG(0).integers(10_000, 99_999, 160)]
    cells += [f"{odd[k % 2]}{k}" for k in range(60)]
    assert told(cells, name) == []
    # A word where a number should be is told.
    assert [r.rule for r in told(cells[:160] + ["withheld"] * 60)] == ["not a number"]


@pytest.mark.parametrize(
    "labels",
    [["hid", "hId", "hed", "hEd"], ["Lafayette", "LaFayette"], ["pHa", "pha", "PHA"]],
)
def test_codes_that_differ_by_a_capital_within_are_no_variants(labels: list[str]) -> None:
    assert told([*labels * 30, *["Oslo"] * 9]) == []


def test_a_rare_slip_of_a_capital_within_is_told() -> None:
    (rule,) = told(["Macmillan"] * 85 + ["MacMillan"] + ["Murray"] * 20)
    assert (rule.rule, rule.proposed) == ("spelling", False)


def test_a_dash_as_usual_as_a_plus_is_no_question() -> None:
    assert told(["+", "-"] * 40) == []
    (rule,) = told(["+", "++", "+++"] * 40 + ["-"])
    assert rule.rule == "missing"


@pytest.mark.parametrize(
    "cells",
    [
        # A part of the towns are much farther away: no code for missing.
        [str(k % 8 + 1) for k in range(300)] + ["24"] * 100,
        # Once, and not far beyond the others.
        [str(k) for k in range(7, 64)] * 3 + ["99"],
        # Three digits behind a point, and nothing that speaks against decimals.
        [f"{k % 9 + 1}.{k * 37 % 1000:03d}" for k in range(90)],
    ],
)
def test_numbers_that_only_look_odd_are_not_told(cells: list[str]) -> None:
    assert told(cells) == []


@pytest.mark.parametrize(("code", "rows"), [("-0.99", 20), ("-99.99", 20), ("500", 12)])
def test_a_made_up_number_that_recurs_far_away_is_told(code: str, rows: int) -> None:
    values = [f"{v:.2f}" for v in RNG(0).uniform(0.2, 1.2, 200)]
    table = pd.DataFrame({"x": values + [code] * rows})
    rules = [r for r in propose(table, rows=False).rules if r.rule == "sentinel" and r.rows]
    assert [r.before for r in rules] == [code]


def test_a_code_of_three_columns_is_one_in_a_fourth_where_it_stands_once() -> None:
    rng = RNG(0)
    table = pd.DataFrame(rng.integers(0, 900, (400, 6)).astype(str), columns=list("abcdef"))
    for name, rows in zip("abcde", (30, 20, 9, 2, 1), strict=True):
        table.loc[rng.choice(400, rows, replace=False), name] = "-1"
    table.loc[3, "f"], table.loc[7, "f"] = "-1", "-5"
    done = clean(table, propose(table, rows=False), rows=False)
    assert done.frame[list("abcdef")].isna().sum().tolist() == [30, 20, 9, 2, 1, 0]
    assert done.undo().equals(table.astype(object))
    # In one column alone, once, it may be a number like the others.
    alone = propose(table[["e", "f"]], rows=False)
    assert not [r for r in alone.rules if r.rule == "sentinel" and r.apply]


def test_numbers_that_follow_each_other_are_no_ids() -> None:
    rng = RNG(0)
    people = (180e6 * 1.011 ** np.arange(55) + rng.integers(0, 900, 55)).astype(int)
    thefts = (4e6 + 3e6 * np.sin(np.arange(55) / 9) + rng.integers(0, 9000, 55)).astype(int)
    phone = rng.integers(10**8, 10**9, 55)
    table = pd.DataFrame({"people": people, "thefts": thefts, "line": phone}).astype(str)
    kinds = {c.name: c.kind for c in propose(table, rows=False).columns}
    assert kinds == {"people": "number", "thefts": "number", "line": "id"}


def test_days_with_the_month_in_letters_and_two_digits_of_the_year() -> None:
    cells = [
        f"{k % 28 + 1:02d}-{m}-{y:02d}" for k, (m, y) in enumerate([("May", 17), ("Oct", 0)] * 30)
    ]
    assert cleaned(cells)[:2] == ["2017-05-01", "2000-10-02"]
    assert cleaned([v.replace("-", " ").replace("17", "'68") for v in cells])[:2] == [
        "1968-05-01",
        "2000-10-02",
    ]
    # A month and a day alone, as a spreadsheet leaves them, are no date.
    assert cleaned(["10-Aug", "3-May"] * 30)[:2] == ["10-Aug", "3-May"]


def test_answers_that_are_sentences_are_categories() -> None:
    often = ("most", "all", "some", "few", "no")
    answers = [f"I sleep in the shared bed on {v} nights" for v in often]
    answers += ["My partner sleeps in it and I do not"]
    table = pd.DataFrame(
        {"x": answers * 40, "said": [f"they said to me {k} things" for k in range(240)]}
    )
    kinds = {c.name: c.kind for c in propose(table, rows=False).columns}
    assert kinds == {"x": "category", "said": "text"}


# --- where the table begins -----------------------------------------------------------------------


@pytest.mark.parametrize("gap", ["**", "withheld", "n.s.", "(X)", "low"])
def test_figures_that_were_withheld_are_rows_and_no_names(tmp_path: Path, gap: str) -> None:
    rows = [f"OH,Springfield,{gap},{gap},{gap}", f"WA,Mount Vernon,{gap},{gap},{gap}"]
    rows += [f"K{k % 5},Town{k},{100 + k},{k / 10},{3 * k}" for k in range(60)]
    rows += [f"TX,Waco,{gap},12,{gap}"]
    frame = read(tmp_path / "t.csv", "\n".join(["state,town,jobs,share,pay", *rows]))
    assert frame.shape == (63, 5)
    assert list(frame.columns) == ["state", "town", "jobs", "share", "pay"]
    assert list(frame.iloc[0]) == ["OH", "Springfield", gap, gap, gap]


def test_a_row_of_numbers_ends_the_names(tmp_path: Path) -> None:
    rows = ["Oslo,1,2,3", "Bergen,low,medium,high"] + [f"Town{k},{k},{2 * k},5" for k in range(40)]
    frame = read(tmp_path / "t.csv", "\n".join(["town,a,b,c", *rows]))
    assert frame.shape == (42, 4)


def test_a_mark_alone_is_a_name_and_one_before_a_name_is_none(tmp_path: Path) -> None:
    body = "".join(f"{k},b{k},{k * k}\n" for k in range(1, 30))
    assert read(tmp_path / "a.csv", f"#,name,score\n{body}").columns[0] == "#"
    assert read(tmp_path / "b.csv", f"#pos,name,score\n{body}").columns[0] == "pos"


@pytest.mark.parametrize(
    ("first", "names"),
    [
        ([f"19{58 + k // 12}-{k % 12 + 1:02d}" for k in range(48)], ["Date", "a", "b", ""]),
        (["A", "B", "C", "A"] * 12, ["site", "a", "b", ""]),
        ([str(k) for k in range(1, 49)], ["row", "Date", "a", "b"]),
    ],
)
def test_the_name_that_is_short_is_that_of_labels_or_the_last(
    tmp_path: Path, first: list[str], names: list[str]
) -> None:
    given = [n for n in names if n not in ("row", "")]
    rows = [f"{v},{k * 1.5},{k % 7},{k * k}" for k, v in enumerate(first)]
    frame = read(tmp_path / "t.csv", "\n".join([",".join(given), *rows]))
    assert list(frame.columns) == [n or "column_4" for n in names]
    assert frame.shape == (48, 4)


def test_the_second_row_of_a_survey_of_dates_and_boxes_names_the_answers(tmp_path: Path) -> None:
    head = ["Start,Gender,How often?,Why?,,Age", ",Response,Response,Snoring,Illness,Response"]
    rng = RNG(0)
    choices = [["Male", "Female"], ["Never", "Daily"], ["Snoring", ""], ["Illness", ""]]
    choices += [["18-29", "> 60"]]
    rows = [
        ",".join([f"7/{k % 28 + 1}/14 18:37", *(str(rng.choice(c)) for c in choices)])
        for k in range(80)
    ]
    frame = read(tmp_path / "t.csv", "\n".join([*head, *rows]))
    assert len(frame) == 80
    assert list(frame.columns)[-3:] == ["Why? Snoring", "Why? Illness", "Age Response"]


def test_a_title_above_a_blank_row_is_no_name(tmp_path: Path) -> None:
    head = [",Product 2012,,,", ",,,,", ",Ranking,,Economy,Dollars", ",,,,"]
    rows = [f"C{k},{k},,Country {k},{1000 - k}" for k in range(1, 60)]
    frame = read(tmp_path / "t.csv", "\n".join([*head, *rows]))
    assert list(frame.columns) == ["column_1", "Ranking", "column_3", "Economy", "Dollars"]
    assert len(frame) == 59


def test_a_row_that_counts_the_columns_is_no_row_of_names(tmp_path: Path) -> None:
    head = ["0,1,2,3", ",? Summer,01 !,Total"]
    rows = [f"Country {k},{k % 9},{k % 5},{k}" for k in range(40)]
    frame = read(tmp_path / "t.csv", "\n".join([*head, *rows]))
    assert list(frame.columns) == ["column_1", "? Summer", "01 !", "Total"]
    assert len(frame) == 40


def test_codes_without_names_above_them_have_none(tmp_path: Path) -> None:
    rows = [f'"Maker {k} {k * 7}","{chr(65 + k % 26)}{k % 10}Q","N{100 + k}"' for k in range(60)]
    assert len(read(tmp_path / "a.csv", "\n".join(rows))) == 60
    named = read(tmp_path / "b.csv", "\n".join(["plane,short,long", *rows]))
    assert list(named.columns) == ["plane", "short", "long"]
