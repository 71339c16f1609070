"""Files of instruments and archives: comments between the rows, words above columns of numbers."""

from __future__ import annotations

import numpy as np
import pytest

from ann.data import ReadError, read_table

ROWS = [f"{k},{1.5 * k},x{k}" for k in range(12)]


def read(tmp_path, lines, name="t.csv"):
    file = tmp_path / name
    file.write_text("\n".join(lines), encoding="utf-8")
    return read_table(file)


def kinds(table):
    return {s.rule: s.rows for s in table.log}


@pytest.mark.parametrize(
    ("above", "mark"),
    [([], "#"), ([], "// "), ([], "%"), (["# by hand"], "#"), (["** by hand **"], "**")],
)
def test_comments_between_the_rows_are_no_rows(tmp_path, above, mark):
    """Each was a row of one cell and gaps; above the table alone they were known."""
    lines = [*above, "a,b,c", *ROWS[:5], f"{mark} sensor changed", *ROWS[5:], f"{mark} end"]
    table = read(tmp_path, lines)
    assert table.frame["a"].tolist() == [str(k) for k in range(12)]
    assert kinds(table)["comments"] == 2
    assert "short rows" not in kinds(table)


def test_a_comment_with_commas_needs_its_mark_above_the_table(tmp_path):
    comment = "# changed, again"
    known = read(tmp_path, ["# by hand", "a,b,c", *ROWS[:5], comment, *ROWS[5:]])
    assert len(known.frame) == 12
    # Without one it may be a row whose last cells are gaps.
    unknown = read(tmp_path, ["a,b,c", *ROWS[:5], comment, *ROWS[5:]])
    assert unknown.frame["a"].tolist()[5] == "# changed"


@pytest.mark.parametrize("cell", ["#news", "%", "//cdn", "!kung"])
def test_a_mark_that_begins_whole_rows_is_a_cell(tmp_path, cell):
    table = read(tmp_path, ["tag,n,m", *[f"{cell}{k},{k},{k}" for k in range(9)], f"{cell}9"])
    assert table.frame["tag"].tolist() == [f"{cell}{k}" for k in range(10)]


def test_names_that_come_again_are_no_row(tmp_path):
    """Files put one below the other; "a" became a row, and a word among the numbers of "b"."""
    table = read(tmp_path, ["a,b,c", *ROWS[:5], "a,b,c", *ROWS[5:], "a,b,c"])
    assert table.frame["a"].tolist() == [str(k) for k in range(12)]
    assert kinds(table)["repeated names"] == 2


def test_a_row_like_the_names_of_two_columns_of_words_may_be_a_row(tmp_path):
    rows = [f"{x},{y}" for x in ("oak", "elm", "ash") for y in ("low", "high", "mid")]
    lines = ["tree,wood", *rows, "tree,wood", *rows]
    file = tmp_path / "t.csv"
    file.write_text("\n".join(lines))
    assert len(read_table(file, header=True).frame) == 19


def spaced(rows, seed=0):
    rng = np.random.default_rng(seed)
    return [f"MLO {k:6d} {rng.integers(1, 8)}   {rng.normal(330, 9):9.2f}" for k in range(rows)]


PAGE = [
    "*** Weekly averages of carbon dioxide, Mauna Loa, Hawaii ***",
    "",
    "Source: the observatory's home page, where the scale of 1999",
    "is described. Please cite it, and tell the authors.",
    "Station  Sample  Weight    Value",
    "code      date                  ",
    "",
]


@pytest.mark.parametrize("rows", [10, 60, 900])
def test_columns_between_spaces_stand_below_a_page_of_words(tmp_path, rows):
    """Archives print such files; each line was one cell of text, the page too."""
    table = read(tmp_path, [*PAGE, *spaced(rows)], "t.dat")
    assert table.frame.shape == (rows, 4)
    assert table.frame.iloc[:, 0].unique().tolist() == ["MLO"]
    assert table.dialect.skip == len(PAGE)
    assert not table.dialect.header


def test_names_right_above_such_columns_are_names(tmp_path):
    table = read(tmp_path, [*PAGE[:-3], "station sample weight value", *spaced(30)], "t.dat")
    assert list(table.frame.columns) == ["station", "sample", "weight", "value"]
    assert len(table.frame) == 30


def test_names_one_too_few_stand_above_rows_with_a_label(tmp_path):
    rows = [f"P{k} {line.split(None, 1)[1]}" for k, line in enumerate(spaced(30))]
    table = read(tmp_path, ["sample weight value", *rows], "t.dat")
    assert list(table.frame.columns) == ["row", "sample", "weight", "value"]
    assert len(table.frame) == 30


@pytest.mark.parametrize(
    "lines",
    [
        # A text in lines of equally many words, and a list below another.
        ["The quick brown fox", *["jumps over the dog"] * 20],
        ["Things to buy", "", *[f"item {'abc'[k % 3]}" for k in range(20)]],
        # A few lines of numbers at the end of a text are no table.
        [*PAGE, *spaced(9)],
    ],
)
def test_words_are_no_columns(tmp_path, lines):
    try:
        table = read(tmp_path, lines, "t.txt")
    except ReadError:
        return
    assert table.dialect.delimiter != " "
