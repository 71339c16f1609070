"""What a table needs to show before rows, names, dates or cells are changed or left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import clean, typed
from ann.data.errors import SchemaError, TargetError
from ann.data.files.reading import RawTable, read_table
from ann.data.judging.assess import assess
from ann.data.table_model import TableModel
from ann.data.workflow import train
from experiments.command.main import app


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


def _read(tmp_path: Path, top: str, body: list[str]) -> RawTable:
    file = tmp_path / "t.csv"
    file.write_text("\n".join([top, *body]) + "\n")
    return read_table(file)


_GENES = ("BRCA1", "TP53", "EGFR", "MYC", "KRAS", "PTEN", "RB1", "APC", "VHL", "ATM")
_TOWNS = ("Oslo", "Bergen", "Rome", "Milan", "Paris", "Lyon", "Bonn", "Ulm", "Graz", "Wien")
_SEEN = tuple(f"s{k}" for k in range(10))
_HERTZ = tuple(str(1.5 * k) for k in range(10))


@pytest.mark.parametrize(
    ("header", "first"),
    [
        ("gene,0h,2h,4h", _GENES),
        ("gene,0,10,50", _GENES),
        ("sample,410.5,420.5,430.5", _SEEN),
        ("city,-5,0,5", _TOWNS),
        ("freq,100,1k,10k", _HERTZ),
        ("dose,0.5,2,8", tuple("123456789")),
        ("probe,37C,40C,45C", tuple(f"P-{k:03d}" for k in range(9))),
    ],
)
def test_one_word_makes_a_header_of_numbers(
    tmp_path: Path, header: str, first: tuple[str, ...]
) -> None:
    body = [f"{v},{k}.25,{(7 * k) % 10}.5,{(3 * k) % 10}.0" for k, v in enumerate(first)]
    assert list(_read(tmp_path, header, body).frame.columns) == header.split(",")
    turned = [",".join(reversed(row.split(","))) for row in (header, *body)]
    assert list(_read(tmp_path, turned[0], turned[1:]).frame.columns) == turned[0].split(",")


def test_a_name_above_labels_makes_a_header(tmp_path: Path) -> None:
    body = [f"{k}.2,{k + 1}.3,{k}.9,{('good', 'bad')[k % 2]}" for k in range(20)]
    top = "410.5,420.5,430.5,quality"
    assert list(_read(tmp_path, top, body).frame.columns) == top.split(",")
    plain = _read(tmp_path, "5.1,3.5,1.4,good", body).frame
    assert list(plain.columns) == ["x1", "x2", "x3", "x4"]


@pytest.mark.parametrize(
    "rows",
    [
        [f"{town},{k},{k + 3.5}" for k, town in enumerate(_TOWNS)],
        [f"{gene},{k},{k + 3.5}" for k, gene in enumerate(_GENES)],
        [f"{k},{k * 1.5},{'abc'[k % 3]}" for k in range(12)],
        ["withheld,12,3", *(f"{k},{k % 5},{k * 2}" for k in range(6)), "withheld,1,2"],
        ["unknown,12,3", *(f"{k},{k % 5},{k * 2}" for k in range(6))],
    ],
)
def test_rows_without_names_stay_rows(tmp_path: Path, rows: list[str]) -> None:
    assert len(_read(tmp_path, rows[0], rows[1:]).frame) == len(rows)


@pytest.mark.parametrize(
    "above",
    [
        "# columns: state, 2020, 2021, 2022",
        "# made in 2023, by hand, without care, twice",
        "Table 3: income, by state, year, sex",
        "Income of households, by state, in dollars, yearly",
        "Fig. 2 income,by state,year,sex",
    ],
)
def test_a_line_above_the_names_may_have_as_many_commas(tmp_path: Path, above: str) -> None:
    body = [f"{town},{k}5,{k}7,{k}1" for k, town in enumerate(_TOWNS)]
    table = _read(tmp_path, above, ["state,2020,2021,2022", *body])
    assert list(table.frame.columns) == ["state", "2020", "2021", "2022"]
    assert len(table.frame) == len(body)
    assert any("left out" in step.why for step in table.log)


def test_a_mark_before_names_is_no_comment(tmp_path: Path) -> None:
    body = [f"chr{k},{k}00,{k}50" for k in range(1, 9)]
    assert list(_read(tmp_path, "#chrom,start,end", body).frame.columns) == [
        *("chrom", "start", "end")
    ]
    spaced = [f"{town},{k},{k + 2}" for k, town in enumerate(_TOWNS)]
    assert len(_read(tmp_path, "town, sold, kept", spaced).frame) == len(spaced)


_SALES = [f"{town},{k + 3},{k * 1.5 + 0.5},{7 * k}" for k, town in enumerate(_TOWNS)]


@pytest.mark.parametrize(
    "below",
    [
        ["Source: a book, 2020, Y, Z"],
        ["Source: a book, 2020"],
        ["(a) revised"],
        ["* provisional"],
        ["rows: 32"],
        ["(10 rows)"],
        ["", "made by hand"],
        ["(a) revised", "Note: rounded, all of them, twice, always"],
    ],
)
def test_notes_below_are_recognised_with_commas_too(tmp_path: Path, below: list[str]) -> None:
    table = _read(tmp_path, "town,sold,kept,left", [*_SALES, *below])
    assert list(table.frame["town"]) == list(_TOWNS)
    assert table.log.find(rule="notes")


def test_a_town_with_gaps_above_a_note_is_a_row(tmp_path: Path) -> None:
    table = _read(tmp_path, "town,sold,kept,left", [*_SALES, "Narvik", "Source: a book"])
    assert list(table.frame["town"]) == [*_TOWNS, "Narvik"]
    noted = [f"Note: {k},{k},{k}.5,1" for k in range(10)]
    assert len(_read(tmp_path, "text,a,b,c", noted).frame) == 10


def test_averages_and_totals_are_set_aside_where_they_are_right(tmp_path: Path) -> None:
    values = np.array([[float(v) for v in row.split(",")[1:]] for row in _SALES])
    rows = {
        "All": values.sum(axis=0),
        "Average": values.mean(axis=0),
        "Median": np.median(values, axis=0),
        "Max": values.max(axis=0),
    }
    lines = [",".join([name, *(f"{v:.2f}" for v in row)]) for name, row in rows.items()]
    for below in (*([line] for line in lines), lines):
        table = _read(tmp_path, "town,sold,kept,left", [*_SALES, *below])
        assert list(table.frame["town"]) == list(_TOWNS)
        assert len(table.log.find(rule="total row")) == len(below)
    wrong = _read(tmp_path, "town,sold,kept,left", [*_SALES, "Average,7,8,9"])
    assert len(wrong.frame) == 11
    assert not wrong.log.find(rule="total row")[0].applied


def test_predict_counts_words_never_seen_and_refuses_an_unreadable_column(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    size, colour = rng.normal(size=200).round(3), rng.choice(["red", "blue"], 200)
    y = np.where(size + (colour == "red") > 0.5, "yes", "no")
    table = pd.DataFrame({"size": size, "colour": colour, "y": y})
    trained = train(table, "y", model="logistic")
    model = TableModel.of(trained)
    model.save(tmp_path / "m.st")
    new = table.drop(columns="y").head(20).astype(str)
    new.loc[:2, "colour"] = ["green", "green", "grey"]
    new.loc[5:6, "size"] = ["large", "unknown"]
    new.to_csv(tmp_path / "new.csv", index=False)
    told = {(s.column, s.rule): s.rows for s in model.encode(new)[1]}
    assert told["colour", "never seen"] == 3
    assert told["size", "unreadable"] == 1
    args = ["predict", str(tmp_path / "m.st"), str(tmp_path / "new.csv")]
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 0
    assert "'green' (2), 'grey' (1)" in " ".join(done.stderr.split())
    with pytest.raises(SchemaError, match="none of its 20 rows"):
        model.encode(new.assign(size="large"))
    # What says "missing" is missing, and no mistake of the file.
    (said,) = model.encode(new.assign(size="?"))[1].find(rule="all missing")
    assert (said.column, said.rows) == ("size", 20)


def test_contradicting_dates_print_a_remedy_that_works(tmp_path: Path) -> None:
    days = [f"{d:02d}/02/2024" for d in range(13, 29)] + ["02/25/2024", "03/26/2024"]
    rng = np.random.default_rng(0)
    v = rng.normal(size=126)
    table = pd.DataFrame({"when": days * 7, "v": v, "y": np.where(v > 0, "u", "w")})
    (rule,) = [r for r in propose(table, "y", rows=False).of("when") if r.rule == "date"]
    (step,) = clean(table, propose(table, "y", rows=False), rows=False).log.find(rule="date")
    assert not rule.apply
    assert not step.option
    verdict = assess(table, "y", network=None)
    (said,) = [r for r in verdict.reasons if r.kind == "open dates"]
    assert said.facts["option"] == "--leave-out when"
    assert not assess(table, "y", leave_out=("when",), network=None).has("open dates")


def test_slips_in_a_verdict_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    pd.DataFrame({"a": np.arange(60) % 7, "y": ["u", "v"] * 30}).to_csv(file, index=False)
    args = ["data", "verdict", str(file), "--out", str(tmp_path / "o"), "-t"]
    for more, told in (
        (["a >> 0"], "is no comparison"),
        (["y", "--apply", "spelling:y"], "no such rule"),
    ):
        done = CliRunner().invoke(app, [*args, *more])
        assert isinstance(done.exception, (SchemaError, TargetError))
        assert told in str(done.exception)
