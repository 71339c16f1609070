"""Rules one by one: what each must repair, and what it must leave alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ann.data.cells.dates import DateStyle, iso, read_date_style
from ann.data.cells.numerals import NumberStyle, plain, read_style, split_affixes
from ann.data.cleaning.propose import propose, propose_column
from ann.data.cleaning.replay import clean, replay_column, typed
from ann.data.cleaning.rules import Rule
from ann.data.cleaning.schema import Rules
from ann.data.cleaning.suspects import find_outliers, find_scale, find_sentinels
from ann.data.errors import SchemaError


def column(
    cells: list[str | None], name: str = "x", apply: str = ""
) -> tuple[str, list[str | None]]:
    """Propose and replay, with the rules of one name applied: the kind, and the cleaned cells."""
    series = pd.Series(cells, dtype=object)
    schema, rules = propose_column(name, series)
    chosen = Rules([schema], rules).applying([apply] if apply else [])
    return chosen.columns[0].kind, list(replay_column(series, chosen.rules)[0])


@pytest.mark.parametrize(
    ("cells", "cleaned"),
    [
        (["12,263", "980", "1,204,000"], ["12263", "980", "1204000"]),
        (["1.234,5", "12,75", "8"], ["1234.5", "12.75", "8"]),
        (["12 263", "1\u202f000", "7"], ["12263", "1000", "7"]),
        (["1'234.50", "2", "3"], ["1234.50", "2", "3"]),
        (["$1,200.50", "$3", "$20"], ["1200.50", "3", "20"]),
        (["12 €", "1.299,00 €", "3,50 €"], ["12", "1299.00", "3.50"]),
        (["45%", "7.5 %", "100%"], ["45", "7.5", "100"]),
        (["0.45", "0.5", "50%", "0.2"], ["0.45", "0.5", "0.5", "0.2"]),
        (["154.8 cm", "160cm", "1.72 m"], ["154.8", "160", "172"]),
        (["(3.5)", "4", "5"], ["-3.5", "4", "5"]),
        (["−3", "4", "5"], ["-3", "4", "5"]),
        (["1e3", "2.5E-2", "+4"], ["1e3", "2.5E-2", "+4"]),
        (["3k", "2,500", "900"], ["3000", "2500", "900"]),
        (["70 kg", "154 lb", "68 kg"], ["70", "69.85322498", "68"]),
        (["250 ms", "1.5 s", "90 ms"], ["250", "1500", "90"]),
    ],
)
def test_numbers_however_dressed(cells: list[str], cleaned: list[str]) -> None:
    kind, out = column(list(cells) * 5)
    assert kind == "number"
    assert out[: len(cells)] == cleaned


@pytest.mark.parametrize(
    "odd",
    [
        lambda v: f"{v} cm.",
        lambda v: f"{v} Centimeters",
        lambda v: f"{v}cms",
        lambda v: f"{v} mmHg",
        lambda v: v.replace(".", ","),
    ],
    ids=["stop", "plural", "short plural", "unlisted word", "comma"],
)
def test_a_third_of_the_cells_written_another_way(odd: Callable[[str], str]) -> None:
    values = [150.3 + 0.7 * k for k in range(60)]
    texts = [f"{v:.1f}" for v in values]
    cells = [odd(v) if k % 3 == 0 else v for k, v in enumerate(texts)]
    done = clean(pd.DataFrame({"x": cells}), propose(pd.DataFrame({"x": cells}), rows=False))
    assert done.frame["x"].tolist() == texts


def test_dots_between_thousands_beside_whole_numbers() -> None:
    whole = [str(8000 + 517 * k) for k in range(60)]
    cells = [f"{int(v):,}".replace(",", ".") if k % 4 == 0 else v for k, v in enumerate(whole)]
    table = pd.DataFrame({"x": cells})
    assert clean(table, propose(table, rows=False)).frame["x"].tolist() == whole
    # Beside small numbers 8.517 is a number like them.
    small = pd.DataFrame({"x": [f"{1.001 + 0.517 * k:.3f}" for k in range(60)] + ["7"] * 20})
    done = clean(small, propose(small, rows=False))
    assert done.changes().empty


def test_numbers_that_cannot_be_read_are_told() -> None:
    table = pd.DataFrame({"x": [f"{'~' if k % 4 == 0 else ''}{150 + k}" for k in range(80)]})
    done = clean(table, propose(table, rows=False), rows=False)
    said = done.log.find("x", "not a number")[0]
    assert (said.applied, said.rows) == (False, 20)
    assert "'~150'" in said.why


def test_few_values_have_few_codes() -> None:
    counts = pd.DataFrame({"x": ["0", "1", "2", "3"] * 20 + ["-9"] * 5})
    assert clean(counts, propose(counts, rows=False)).frame["x"].tolist()[-5:] == [None] * 5
    votes = pd.DataFrame({"x": ["-1", "0", "1"] * 20})
    assert clean(votes, propose(votes, rows=False)).changes().empty


def test_no_is_a_word_and_no_code() -> None:
    table = pd.DataFrame({"x": ["No", "Yes", "No line"] * 20 + ["no"] * 6})
    rules = propose(table, rows=False)
    assert [r.rule for r in rules.proposals()] == ["spelling"]
    chosen = rules.applying(["spelling:x"])
    assert clean(table, chosen, rows=False).frame["x"].tolist()[-1] == "No"


def test_house_numbers_keep_their_letters() -> None:
    table = pd.DataFrame({"x": [f"{k}{'a' if k % 3 == 0 else ''}" for k in range(10, 90)]})
    assert clean(table, propose(table, rows=False)).changes().empty


def test_a_far_value_again_and_again_is_told() -> None:
    table = pd.DataFrame({"x": [str(20 + k % 50) for k in range(200)] + ["4321"] * 6})
    said = propose(table, rows=False)
    (rule,) = [r for r in said.rules if r.rule == "sentinel"]
    assert (rule.apply, rule.rows, rule.before) == (False, 6, "4321")


def test_a_decimal_comma_in_one_cell_decides_for_all() -> None:
    assert column(["1,234", "5,678", "2,5"] * 4)[1][:3] == ["1.234", "5.678", "2.5"]
    assert column(["1,234", "5,678", "2.5"] * 4)[1][:3] == ["1234", "5678", "2.5"]


def test_an_undecidable_column_says_so() -> None:
    _, rules = propose_column("x", pd.Series(["1,234", "5"] * 6 + ["7"], dtype=object))
    said = next(r for r in rules if r.rule == "thousands")
    assert "a decimal comma is possible too" in said.why
    # A point is a point, until another column of the table has decimal commas.
    dotted = [f"{k}.{k * 7 % 1000:03d}" for k in range(1, 40)]
    told = {
        sign: [
            r.why
            for r in propose(
                pd.DataFrame({"x": dotted, "y": [f"{k}{sign}5" for k in range(39)]})
            ).rules
            if (r.column, r.rule, r.apply) == ("x", "thousands", False)
        ]
        for sign in (".", ",")
    }
    assert told["."] == []
    assert told[","][0].endswith("decimals, or thousands?")


@pytest.mark.parametrize(
    "cells",
    [
        ["11th", "9th", "12th", "1st-4th"],
        ["C23 C25", "B5", "E12"],
        ["A1", "B2", "C3"],
        ["1-2", "3-4", "5-6"],
        ["10.0.0.1", "10.0.0.2", "8.8.8.8"],
        ["12:30", "08:15", "23:59"],
        ["PC 17599", "A/5 21171", "113803"],
    ],
)
def test_words_with_digits_are_no_numbers(cells: list[str]) -> None:
    kind, out = column(cells * 8)
    assert kind == "category"
    assert out[: len(cells)] == cells


def test_leading_zeros_are_kept_because_they_are_codes() -> None:
    kind, out = column(["00501", "10001", "02139", "94110"] * 10)
    assert kind == "category"
    assert out[:4] == ["00501", "10001", "02139", "94110"]


@pytest.mark.parametrize(
    "word", ["", " ", "?", "NA", "n/a", "NaN", "null", "-", "#N/A", "none", "unknown"]
)
def test_missing_among_numbers(word: str) -> None:
    assert column(["1", "2", word, "3"] * 10)[1][2] is None


def test_none_and_unknown_among_words_are_categories() -> None:
    cells = ["None", "Attached", "unknown", "Detached"] * 6
    assert column(cells)[1] == cells
    assert column(["NA", "a", "?"] * 9)[1][:3] == [None, "a", None]


def test_na_among_country_codes_is_left_to_a_person() -> None:
    codes = "NA DE FR GB US NO SE DK FI IT ES PT".split() * 4  # noqa: SIM905
    _schema, rules = propose_column("country", pd.Series(codes, dtype=object))
    assert [r.apply for r in rules if r.settings.get("spellings") == ["NA"]] == [False]
    assert column(codes)[1] == codes


def test_text_among_numbers_is_missing_and_logged_by_name() -> None:
    cells = [str(k) for k in range(40)] + ["broken"]
    _, rules = propose_column("x", pd.Series(cells, dtype=object))
    rule = next(r for r in rules if r.rule == "not a number")
    assert (rule.rows, rule.before) == (1, "broken")
    assert "'broken'" in rule.why
    assert column(cells)[1][-1] is None


@pytest.mark.parametrize(
    ("cells", "cleaned"),
    [
        (["Yes", "yes", "Y", "No", "n", "no"], ["Yes", "Yes", "Yes", "No", "No", "No"]),
        (["TRUE", "false", "1", "0", "True"], ["TRUE", "false", "TRUE", "false", "TRUE"]),
        (["male", "Male", "F", "female", "M"], None),
        (["Y", "N", "Y"], ["Y", "N", "Y"]),
        (["oui", "Non", "OUI"], None),
    ],
)
def test_several_spellings_of_two_answers(cells: list[str], cleaned: list[str] | None) -> None:
    # Answers are two labels only once a person has said so.
    assert column(cells * 5)[1] == cells * 5
    _, rules = propose_column("x", pd.Series(cells * 5, dtype=object))
    kind, out = column(cells * 5, apply=next((r.rule for r in rules if not r.apply), ""))
    assert kind == "category"
    if cleaned is not None:
        assert [str(v).casefold() for v in out[: len(cells)]] == [v.casefold() for v in cleaned]
    assert len(set(out)) == 2


def test_days_of_the_week_are_not_a_sex() -> None:
    cells = ["M", "W", "F", "M"] * 6
    assert column(cells)[1] == cells


def test_variants_of_case_and_space_but_not_genotypes() -> None:
    cells = ["New York"] * 9 + ["new york", "NEW  YORK", " New York", "new_york", "Oslo"]
    # A label that differs in white space only and is rare is the same label.
    assert column(cells)[1] == [
        *["New York"] * 9,
        "new york",
        "NEW YORK",
        "New York",
        "new_york",
        "Oslo",
    ]
    assert column(cells, apply="spelling")[1] == ["New York"] * 13 + ["Oslo"]
    genes = ["AA", "Aa", "aa"] * 9
    assert column(genes)[1] == genes


@pytest.mark.parametrize(
    ("text", "day_first", "expected"),
    [
        ("2007-11-11", True, "2007-11-11"),
        ("11/12/2007", True, "2007-12-11"),
        ("11/12/2007", False, "2007-11-12"),
        ("25.12.99", True, "1999-12-25"),
        # A column has one order: what is a date in the other one only is none here.
        ("12/25/2020", True, None),
        ("12/25/2020", False, "2020-12-25"),
        ("1949-01", True, "1949-01"),
        ("1949-13", True, None),
        ("Nov 3, 2021", True, "2021-11-03"),
        ("3rd March 2021", True, "2021-03-03"),
        ("2021-03-03 14:05", True, "2021-03-03T14:05:00"),
        ("3/4/2021 2:05 PM", False, "2021-03-04T14:05:00"),
        ("2021-02-30", True, None),
        ("99/99/2021", True, None),
        ("march", True, None),
        ("1.5", True, None),
    ],
)
def test_dates(text: str, day_first: bool, expected: str | None) -> None:
    assert iso(text, DateStyle(day_first)) == expected


def test_day_and_month_are_settled_by_the_whole_column() -> None:
    assert read_date_style(["01/02/2020", "13/02/2020"]) == DateStyle(True, True)
    assert read_date_style(["01/02/2020", "02/13/2020"]) == DateStyle(False, True)
    kind, out = column(["01/02/2020", "13/02/2020", "?"] * 7)
    assert kind == "date"
    assert out[:3] == ["2020-02-01", "2020-02-13", None]


def test_sentinels_and_what_only_looks_like_one() -> None:
    def look(values: list[float]) -> tuple[list[float], list[float]]:
        distinct, counts = np.unique(np.array(values, dtype=float), return_counts=True)
        return find_sentinels(distinct, counts)

    ages = list(range(18, 90))
    assert look([*ages, -999, -999])[0] == [-999]
    assert look(ages + [-1] * 3)[0] == [-1]
    assert look([*ages, 999])[0] == [999]
    assert look([*ages, 99]) == ([], [])
    assert look([*range(1, 99), 99, 99]) == ([], [])
    assert look([0] * 20 + list(range(1, 60))) == ([], [])
    assert look([-1] * 3 + list(range(60)))[1] == [-1]
    # A single price of 999 beside others up to 300 may be a price.
    assert look([*range(1, 301), 999])[1] == [999]
    assert look([*range(1, 301), 999, 999])[0] == [999]
    assert look([0] * 400 + list(range(150, 300))) == ([], [])
    assert look(list(np.linspace(-30, 30, 61))) == ([], [])
    # 99999 beside 41310 is a cap, or a code: a person must say (census of 1994, capital gains).
    assert look([*range(100, 41310, 200), 99999])[1] == [99999]
    assert look([-1, 0, 1] * 20) == ([], [])


def test_wrong_units_leave_a_gap() -> None:
    values = np.sort(np.concatenate([np.linspace(150, 200, 60), [1.6, 1.75, 1.9]]))
    clump = find_scale(values, np.ones(63, dtype=int))
    assert clump is not None
    assert (clump.factor, clump.rows) == ("100", 3)
    cells = [f"{v:g}" for v in np.linspace(150, 199, 50)] + ["1.62", "1.75", "1.8"]
    # A rescaled value is another value: proposed, and left alone until a person says so.
    assert column(cells)[1] == cells
    assert column(cells, apply="scale")[1][-3:] == ["162", "175", "180"]
    heavy = np.sort(np.random.default_rng(0).lognormal(3, 2, 500))
    assert find_scale(heavy, np.ones(500, dtype=int)) is None


def test_outliers_are_told_and_kept() -> None:
    cells = [f"{v:.2f}" for v in np.random.default_rng(0).normal(50, 5, 300)] + ["5000"]
    _, rules = propose_column("x", pd.Series(cells, dtype=object))
    rule = next(r for r in rules if r.rule == "outlier")
    assert (rule.apply, rule.rows) == (False, 1)
    assert column(cells)[1][-1] == "5000"
    tail = np.sort(np.random.default_rng(0).lognormal(3, 1, 1000))
    assert find_outliers(tail, np.ones(1000, dtype=int))[2] == 0


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("anything", [str(k) for k in range(50)], "id"),
        ("patient", [str(v) for v in np.random.default_rng(0).permutation(80) + 400], "id"),
        ("customerID", [f"{k * 7919 % 100003}" for k in range(1, 60)], "id"),
        ("code", [f"x-{k}" for k in range(30)], "id"),
        ("same", ["3"] * 30, "constant"),
        ("none", [""] * 30, "empty"),
        ("note", [f"the patient number {k} was seen twice" for k in range(30)], "text"),
        ("population", [f"{k * 7919 % 100003}" for k in range(1, 60)], "number"),
        ("height", [f"{150 + k / 7:.3f}" for k in range(60)], "number"),
        ("day", [f"2020-01-{k + 1:02d}" for k in range(30)], "date"),
    ],
)
def test_what_a_column_is(name: str, cells: list[str], kind: str) -> None:
    assert propose_column(name, pd.Series(cells, dtype=object))[0].kind == kind


def test_a_counter_is_known_in_a_part_of_the_rows_too() -> None:
    cells = pd.Series([str(1 + k % 150) for k in range(450)], dtype=object)
    part = cells[np.sort(np.random.default_rng(0).permutation(450)[:360])]
    assert propose_column("number", cells)[0].kind == "id"
    assert propose_column("number", part)[0].kind == "id"
    years = pd.Series([str(1950 + k // 5) for k in range(300)], dtype=object)
    assert propose_column("year", years)[0].kind == "number"


def test_a_target_is_never_dropped() -> None:
    table = pd.DataFrame({"x": [str(k % 7) for k in range(40)], "y": [str(k) for k in range(40)]})
    assert propose(table, "y", rows=False).dropped() == {}


def test_the_same_rules_give_the_same_table_bit_for_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "h": [f"{v:.1f} cm" for v in rng.normal(170, 9, 80)],
            "c": rng.choice(["a ", "A", "b", "?"], 80),
            "d": ["13/02/2020", "01/03/2020"] * 40,
        }
    )
    rules = propose(table)
    rules.save(tmp_path / "rules.json")
    again = Rules.load(tmp_path / "rules.json")
    assert again == rules
    first, second = clean(table, rules), clean(table, again)
    assert first.frame.equals(second.frame)
    a, b = typed(first.frame, rules), typed(second.frame, again)
    assert a["h"].to_numpy().tobytes() == b["h"].to_numpy().tobytes()
    assert propose(table).dumps() == rules.dumps()


def test_a_rule_can_be_switched_off_and_taken_back() -> None:
    table = pd.DataFrame(
        {"a": [str(k % 9) for k in range(60)] + ["-999"] * 3, "b": ["u ", "v", "U"] * 21}
    )
    rules = propose(table, rows=False)
    done = clean(table, rules, rows=False)
    assert done.frame["a"].tolist()[-1] is None
    assert done.undo("a")["a"].tolist() == table["a"].tolist()
    assert done.undo(rule="sentinel")["a"].tolist()[-1] == "-999"
    assert done.undo(rule="sentinel")["b"].tolist() == done.frame["b"].tolist()
    document = json.loads(rules.dumps())
    for rule in document["rules"]:
        rule["apply"] = rule["rule"] != "sentinel"
    kept = clean(table, Rules.from_document(document), rows=False)
    assert kept.frame["a"].tolist()[-1] == "-999"
    said = kept.log.find("a", "sentinel")[0]
    assert (said.applied, said.rows) == (False, 3)


def test_changes_lists_every_cell() -> None:
    table = pd.DataFrame({"a": ["1,000", "2", "?"] * 5})
    done = clean(table, propose(table, rows=False), rows=False)
    changes = done.changes()
    assert len(changes) == 10
    assert changes.iloc[0].tolist() == [2, "a", "missing", "?", None]
    assert set(changes["rule"]) == {"missing", "thousands"}


def test_another_file_that_differs() -> None:
    table = pd.DataFrame({"n": [str(k % 9) for k in range(30)], "c": ["a", "b", "c"] * 10})
    rules = propose(table, rows=False)
    other = pd.DataFrame(
        {"c": ["A ", "zzz", None], "n": ["1,5", "?", "7"], "extra": ["1", "2", "3"]}
    )
    done = clean(other, rules, rows=False)
    assert list(done.frame.columns) == ["n", "c"]
    assert done.frame["c"].tolist() == ["A", "zzz", None]
    assert {s.rule for s in done.log} >= {"new column", "new missing", "missing"}
    with pytest.raises(SchemaError, match=r"no column 'n'; did you mean 'nn'"):
        clean(other.rename(columns={"n": "nn"}), rules, rows=False)
    rules.column("n").absent = "missing"
    assert clean(other.drop(columns="n"), rules, rows=False).frame["n"].tolist() == [None] * 3
    rules.column("c").unseen = "missing"
    log = clean(other, rules, rows=False)
    assert log.frame["c"].tolist() == [None, None, None]
    rules.column("c").unseen = "error"
    with pytest.raises(SchemaError, match="which was not there before"):
        clean(other, rules, rows=False)
    rules.column("c").unseen = "rare"
    rules.column("n").missing = "error"
    with pytest.raises(SchemaError, match=r"lacks . values"):
        clean(other, rules, rows=False)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.update(format="x"), "not a rules file"),
        (lambda d: d.update(version=7), "version 7"),
        (lambda d: d.pop("rules"), "needs 'rules'"),
        (lambda d: d["columns"][0].update(kind="numbre"), "did you mean 'number'"),
        (lambda d: d["columns"][0].update(colour=1), "a column has no 'colour'"),
        (lambda d: d["columns"][0].update(categories="x"), "categories must be a list of words"),
        (lambda d: d["columns"].append(d["columns"][0]), "is listed twice"),
        (lambda d: d["rules"][0].update(apply="no"), "apply is true or false, not 'no'"),
        (lambda d: d["rules"][0].update(settings={"spelling": []}), "has no setting 'spelling'"),
        (lambda d: d["rules"][0].update(rule="trimm"), "did you mean 'trim'"),
        (lambda d: d["rules"][0].update(column="aa"), "a column 'aa' that is not listed"),
        (lambda d: d["rules"][0].update(rule="sentinel"), "needs the settings"),
        (
            lambda d: d["rules"][0].update(rule="sentinel", settings={"values": ["x"]}),
            "settings it cannot use",
        ),
    ],
)
def test_a_mistake_in_the_rules_file_is_named(edit: object, message: str) -> None:
    rules = propose(pd.DataFrame({"a": ["1", "2", "3"] * 9}), rows=False)
    document = json.loads(rules.dumps())
    edit(document)  # type: ignore[operator]
    with pytest.raises(SchemaError, match=message):
        Rules.from_document(document)


def test_broken_json_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="line 2"):
        Rules.loads('{\n "a" 1}')
    with pytest.raises(SchemaError, match="cannot read rules"):
        Rules.load(tmp_path / "absent.json")


def test_mojibake_is_repaired() -> None:
    cells = ["Köln", "Zürich", "Genève"] * 5 + ["Köln".encode().decode("cp1252")]
    assert column(cells)[1][-1] == "Köln"


def test_pieces_of_numbers() -> None:
    assert split_affixes("12 apples") == ("", "12", "apples")
    assert split_affixes("no number") is None
    assert read_style(["1,234,567"]) == NumberStyle(".", ",")
    assert plain("1.234", NumberStyle(",", ".")) == "1234"
    assert Rule("x", "trim").function()("  a   b ") == "a b"
