"""Spreadsheets saved as text: titles, headings of groups, notes, and rows of unequal length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ann.data.errors import ReadError
from ann.data.files.reading import RawTable, read_table

RNG = np.random.default_rng


def table_of(text: str, folder: Path, name: str = "t.csv") -> RawTable:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return read_table(file)


def rows(n: int = 12, width: int = 6, seed: int = 0) -> list[str]:
    cells = RNG(seed).integers(100, 999, (n, width))
    return [",".join([f"Town {k}", *map(str, row)]) for k, row in enumerate(cells)]


def test_a_title_may_stand_above_another_column_than_the_first(tmp_path: Path) -> None:
    above = [",,,,,,", ",,Deaths by town and year,,,,", ",,All causes*,,,,", ",,,,,,"]
    names = ",1999,2000,2001,2002,2003,2004"
    table = table_of("\n".join([*above, names, *rows()]), tmp_path)
    assert table.frame.shape == (12, 7)
    assert list(table.frame.columns[1:]) == ["1999", "2000", "2001", "2002", "2003", "2004"]
    assert any("titles" in str(s) for s in table.log)


def test_names_that_come_again_in_each_group_keep_the_groups_heading(tmp_path: Path) -> None:
    above = ["Place,HOMES,,,SHOPS,,", ",Sales,Revenues,Count,Sales,Revenues,Count"]
    table = table_of("\n".join([*above, *rows()]), tmp_path)
    assert list(table.frame.columns)[1:4] == ["HOMES Sales", "HOMES Revenues", "HOMES Count"]
    assert list(table.frame.columns)[4:] == ["SHOPS Sales", "SHOPS Revenues", "SHOPS Count"]
    assert len(table.frame) == 12
    # A row that counts the columns of each group is no row of the table.
    counted = table_of("\n".join([*above, ",1,2,3,1,2,3", *rows()]), tmp_path, "u.csv")
    assert counted.frame.equals(table.frame)


@pytest.mark.parametrize(
    "first", ["Station A,,,,,,", "Report of 2019,,,,page 1,,", "Region North,,total,,,,"]
)
def test_a_title_is_no_heading_of_groups(first: str, tmp_path: Path) -> None:
    table = table_of("\n".join([first, "place,a,b,c,d,e,f", *rows()]), tmp_path)
    assert list(table.frame.columns) == ["place", "a", "b", "c", "d", "e", "f"]
    assert len(table.frame) == 12


def test_a_row_of_formats_is_no_row_of_the_table(tmp_path: Path) -> None:
    lines = ["# a river", "agency\tsite\tday\tflow", "5s\t15s\t20d\t14n"]
    body = [f"USGS\t0217\t2012-09-{k:02}\t{180 + k}" for k in range(1, 20)]
    table = table_of("\n".join([*lines, *body]), tmp_path, "t.txt")
    assert (len(table.frame), list(table.frame.columns)) == (19, ["agency", "site", "day", "flow"])
    # Doses such as 5s in the rows are cells.
    doses = ["dose,drug", *(f"{k}s,{k}d" for k in range(1, 20))]
    assert len(table_of("\n".join(doses), tmp_path, "u.csv").frame) == 19


@pytest.mark.parametrize("blank", [True, False])
def test_notes_below_may_stand_in_another_column_or_be_ruled_off(
    blank: bool, tmp_path: Path
) -> None:
    names = "place,a,b,c,d,e,f"
    notes = [",1 Any opioid by the codes T40.0 to T40.4,,,,,", ",2 Heroin by the code T40.1,,,,,"]
    between = [",,,,,,"] if blank else []
    table = table_of("\n".join([names, *rows(), *between, *notes]), tmp_path)
    assert len(table.frame) == 12
    assert [s.rows for s in table.log.find(rule="notes")] == [2]
    ruled = ["", "*****", "Notes", "1.,Only the west", "*****", "made on 15 May"]
    table = table_of("\n".join([names, *rows(), *ruled]), tmp_path, "u.csv")
    assert len(table.frame) == 12


def test_rows_with_gaps_are_no_notes(tmp_path: Path) -> None:
    body = [*rows(), "Town 12,,,,,,", ",x,,,,,", "Town 14,1,2,3,4,5,6"]
    assert len(table_of("\n".join(["place,a,b,c,d,e,f", *body]), tmp_path).frame) == 15
    # In the last row too.
    last = [*rows(), ",unknown,,,,,"]
    assert len(table_of("\n".join(["place,a,b,c,d,e,f", *last]), tmp_path, "u.csv").frame) == 13


def test_comments_of_rows_without_other_cells_are_rows(tmp_path: Path) -> None:
    said = [",,,,,,", ",the figures of this town were not to be had,,,,,"]
    body = [*rows(6), *said[1:], *rows(6), *said[1:]]
    assert len(table_of("\n".join(["place,a,b,c,d,e,f", *body]), tmp_path).frame) == 14


def test_withheld_figures_below_the_names_are_a_row(tmp_path: Path) -> None:
    withheld = "Town 99," + ",".join(["suppressed"] * 6)
    table = table_of("\n".join(["place,a,b,c,d,e,f", withheld, *rows()]), tmp_path)
    assert table.frame.shape == (13, 7)
    assert table.frame.iloc[0, 1] == "suppressed"


def test_numbers_alone_in_their_row_are_no_titles(tmp_path: Path) -> None:
    sparse = [",,7,,,,", ",,,8,,,", *rows()]
    assert len(table_of("\n".join(sparse), tmp_path).frame) == 14


def test_rows_may_lack_the_cells_that_are_blank_in_all_others(tmp_path: Path) -> None:
    body = [f"{k};{k * k};" if k < 4 else f"{k};{k * k}" for k in range(30)]
    table = table_of("\n".join(["day;bikes;none yet", *body]), tmp_path)
    assert table.frame.shape == (30, 3)
    assert table.frame["bikes"].tolist() == [str(k * k) for k in range(30)]
    # Where a complete row has a value there, nobody can tell which cell is lacking.
    with pytest.raises(ReadError, match="do not have the 3 cells"):
        table_of("\n".join(["day;bikes;none yet", "7;8;9", *body]), tmp_path, "u.csv")


def test_a_delimiter_behind_a_backslash_is_part_of_its_cell(tmp_path: Path) -> None:
    body = [f"{k},Film {k},{k / 7:.1f}" for k in range(40)]
    body[20] = "20,Love\\, or how I learned\\, at last,8.1"
    table = table_of("\n".join(["id,title,score", *body]), tmp_path)
    assert table.frame.iloc[20].tolist() == ["20", "Love, or how I learned, at last", "8.1"]
    assert [s.rows for s in table.log.find(rule="escaped delimiters")] == [1]
    # Without backslashes nobody can tell.
    body[20] = "20,Love, or how I learned, at last,8.1"
    table = table_of("\n".join(["id,title,score", *body]), tmp_path, "u.csv")
    assert (len(table.frame), [s.rows for s in table.log.find(rule="torn rows")]) == (39, [1])


def test_names_that_count_may_stand_beside_blank_ones(tmp_path: Path) -> None:
    letters = "ABCDEFGH"
    names = ",," + ",".join(map(str, range(1, 13)))
    plate = [f"{r},{what}," + ",".join(["x"] * 12) for r in letters for what in ("Sample", "Kind")]
    table = table_of("\n".join([names, *plate]), tmp_path)
    assert (len(table.frame), list(table.frame.columns)[2:4]) == (16, ["1", "2"])
    years = ",1985,1993,2000," + "\n" + "\n".join(f"field {k},.,{k},{k * 9}," for k in range(20))
    table = table_of(years, tmp_path, "u.csv")
    assert (len(table.frame), list(table.frame.columns)[1:4]) == (20, ["1985", "1993", "2000"])
