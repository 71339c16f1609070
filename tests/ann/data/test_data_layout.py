"""Where a table begins and ends in its file: names, titles, units, notes, stray quotes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ann.data.errors import ReadError
from ann.data.files.reading import RawTable, TableFile, read_table


def read(folder: Path, text: str, **options: object) -> RawTable:
    file = folder / "t.csv"
    file.write_text(text, encoding="utf-8", newline="")
    return read_table(file, **options)


STATES = "".join(f"State {k},{700_000 + 12_345 * k}\n" for k in range(30))
LIFE = "".join(
    f"Land {k},{40 + k % 9}.{k % 10},{45 + k % 7}.{k % 8},{50 + k % 5}.{k % 6}\n" for k in range(30)
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("state,2022\n" + STATES, ["state", "2022"]),
        ("name,2022\n" + STATES, ["name", "2022"]),
        ("Region X,2022\n" + STATES, ["Region X", "2022"]),
        ('"continent","1952","1957","1962"\n' + LIFE, ["continent", "1952", "1957", "1962"]),
        ("land,1952,1957,1962\n" + LIFE, ["land", "1952", "1957", "1962"]),
        (",1952,1957,1962\n" + LIFE, ["column_1", "1952", "1957", "1962"]),
        ("land,0,1,2\n" + LIFE, ["land", "0", "1", "2"]),
        ("0,1,2\n5.1,3.5,1.4\n4.9,3.0,1.3\n4.7,3.2,1.5\n", ["0", "1", "2"]),
        (",a,b\n" + "".join(f"{k},{k * 3},{k % 5}\n" for k in range(20)), ["column_1", "a", "b"]),
        ('"",x\n' + "".join(f"{k},{k % 5}\n" for k in range(20)), ["column_1", "x"]),
        ("town,2020-01-22,2020-01-23\n" + "".join(f"t{k},{k},{k + 1}\n" for k in range(9)),
         ["town", "2020-01-22", "2020-01-23"]),
        ("when,kind\n2020-01-22,a\n2020-01-23,b\n", ["when", "kind"]),
        ("%fat,bmi\n" + "".join(f"{k},{k * 2}\n" for k in range(9)), ["%fat", "bmi"]),
    ],
)  # fmt: skip
def test_years_and_numbers_can_be_names(tmp_path: Path, text: str, names: list[str]) -> None:
    table = read(tmp_path, text)
    assert table.frame.columns.tolist() == names
    assert len(table.frame) == len(text.splitlines()) - 1
    assert not [s for s in table.log if "above" in s.why]


@pytest.mark.parametrize(
    "text",
    [
        "5.1,3.5,setosa\n4.9,3.0,setosa\n4.7,3.2,setosa\n6.1,3.1,other\n",
        "1990,12\n1991,14\n1992,17\n1993,11\n",
        "1,2,3\n2,3,4\n3,4,5\n4,5,6\n",
        "2020-01-01,5\n2020-01-02,6\n2020-01-03,7\n",
        "a,1,2022\nb,4,2021\na,6,2022\nb,3,2020\n",
        "?,5\n1,6\n2,7\n3,9\n",
    ],
)
def test_a_first_row_of_data_is_no_header(tmp_path: Path, text: str) -> None:
    table = read(tmp_path, text)
    assert table.frame.columns[0] == "x1"
    assert len(table.frame) == len(text.splitlines())
    assert "no header" in str(table.log)


BODY = "".join(f"T{k},{k * 37 % 91},{k % 7}.5\n" for k in range(25))
WANTED = [line.split(",") for line in BODY.splitlines()]


@pytest.mark.parametrize(
    ("above", "what"),
    [
        ("# made by hand\n# in 2020\n", "2 comments"),
        ("## x\n#y,z,1\n\n", "2 comments"),
        ("% relation weather\n", "a comment"),
        ("Sales of the year 2020\n", "a title"),
        ("Sales,,\n\n", "a title"),
        ("Sales of 2020\nall towns\n# provisional\n", "2 titles and a comment"),
        ("\n\nSales of 2020\n\n", "a title"),
    ],
)
def test_comments_and_titles_above_are_left_out_and_said(
    tmp_path: Path, above: str, what: str
) -> None:
    table = read(tmp_path, f"{above}town,sold,kept\n{BODY}")
    assert table.frame.columns.tolist() == ["town", "sold", "kept"]
    assert table.frame.to_numpy().tolist() == WANTED
    assert f"left out: {what}" in str(table.log)
    lines = above.count("\n")
    again = read(tmp_path, f"{above}town,sold,kept\n{BODY}", skip=lines)
    assert again.frame.equals(table.frame)


def test_a_mark_before_the_names_is_no_comment(tmp_path: Path) -> None:
    for first in ("#town,sold,kept", "# town,sold,kept", "##made\n#town,sold,kept"):
        table = read(tmp_path, f"{first}\n{BODY}")
        assert table.frame.columns.tolist() == ["town", "sold", "kept"], first
        assert table.frame.to_numpy().tolist() == WANTED


def test_lines_to_leave_out_by_name(tmp_path: Path) -> None:
    text = f"town,sold,kept\n{BODY}; checked\nT99,1,2.5\n; end\n"
    table = read(tmp_path, text, comment=";")
    assert len(table.frame) == 26
    assert table.frame.iloc[-1].tolist() == ["T99", "1", "2.5"]
    text = f"x,y,z\nu,v,w\ntown,sold,kept\n{BODY}"
    assert read(tmp_path, text, skip=2).frame.columns.tolist() == ["town", "sold", "kept"]
    with pytest.raises(ReadError, match="cannot skip 90 lines"):
        read(tmp_path, text, skip=90)
    with pytest.raises(ReadError, match="a comment mark"):
        read(tmp_path, text, comment="")
    with pytest.raises(ReadError, match="nothing but lines"):
        read(tmp_path, "#a\n#b\n", comment="#")
    assert len(read(tmp_path, text, header_rows=3).frame) == 25


@pytest.mark.parametrize(
    ("top", "names", "said"),
    [
        ("town,sold,kept\n,kg,g\n", ["town", "sold", "kept"], "a row of units"),
        ("town,sold,kept\n-,(kg),(g)\n", ["town", "sold", "kept"], "a row of units"),
        ("town,sold,kept\nName,How many,Share\n", ["town", "sold", "kept"], "a second row of"),
        (",2020,\ntown,sold,kept\n", ["town", "2020 sold", "2020 kept"], "2 rows of names, joined"),
        (
            ",2020,\n,first,second\ntown,sold,kept\n",
            ["town", "2020 first sold", "2020 second kept"],
            "3 rows of names, joined",
        ),
        (
            "Q1,Q2,Q3\nWhere?,How many?,How long?\ntext,count,share\n",
            ["Q1", "Q2", "Q3"],
            "2 more rows of names",
        ),
    ],
)
def test_several_rows_of_names(tmp_path: Path, top: str, names: list[str], said: str) -> None:
    table = read(tmp_path, top + BODY)
    assert table.frame.columns.tolist() == names
    assert table.frame.to_numpy().tolist() == WANTED
    assert said in str(table.log)


def test_a_first_row_with_gaps_is_a_row(tmp_path: Path) -> None:
    for gap in ("NA,?", "-,-", ",", "n/a,3"):
        table = read(tmp_path, f"town,sold,kept\nT0,{gap}\n{BODY}")
        assert len(table.frame) == 26, gap


@pytest.mark.parametrize(
    "note",
    [
        "Source: the town hall\n",
        "\nall towns\n",
        "* provisional,,\n",
        "Figures are those of the last census of the land\n",
        "\nSource: x\nNotes: y\n",
    ],
)
def test_notes_below_are_set_aside_and_said(tmp_path: Path, note: str) -> None:
    table = read(tmp_path, f"town,sold,kept\n{BODY}{note}")
    assert table.frame.to_numpy().tolist() == WANTED
    (said,) = table.log.find(rule="notes")
    assert note.strip().split("\n")[0].split(",")[0] in said.before


def test_a_row_that_lacks_the_rest_is_kept(tmp_path: Path) -> None:
    for last in ("Oslo,,\n", "Oslo\n"):
        table = read(tmp_path, f"town,sold,kept\n{BODY}{last}")
        assert table.frame.iloc[-1].tolist() == ["Oslo", "", ""]
    # In the middle even a long one is a row.
    table = read(tmp_path, f"town,sold,kept\nSource: the town of this name,,\n{BODY}")
    assert len(table.frame) == 26


def test_a_total_is_set_aside_where_it_adds_up(tmp_path: Path) -> None:
    sold, kept = (sum(float(r[k]) for r in WANTED) for k in (1, 2))
    table = read(tmp_path, f"town,sold,kept\n{BODY}Total,{sold:.0f},{kept:.1f}\n")
    assert len(table.frame) == 25
    assert "is the sum of the others" in str(table.log)
    table = read(tmp_path, f"town,sold,kept\n{BODY}Total,{sold + 1:.0f},{kept:.1f}\n")
    assert len(table.frame) == 26
    assert not table.log.find(rule="total row")[0].applied
    assert len(read(tmp_path, f"town,sold,kept\n{BODY}Totally,{sold:.0f},{kept:.1f}\n").frame) == 26


# --- stray quotes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "places",
    [[7], [7, 22], [7, 8], [0, 39], [39], [3, 9, 17, 31], [5, 6, 7]],
)
@pytest.mark.parametrize("cell", ['"5 inch', '"', '"5" inch', '"the "old one'])
def test_a_stray_quote_swallows_no_rows(tmp_path: Path, places: list[int], cell: str) -> None:
    rows = [[str(k), f"part {k}", f"{k * 0.5:g}"] for k in range(40)]
    for k in places:
        rows[k][1] = cell
    text = "nr,what,size\n" + "".join(",".join(r) + "\n" for r in rows)
    table = read(tmp_path, text)
    assert len(table.frame) == 40
    assert table.frame["nr"].tolist() == [r[0] for r in rows]
    assert table.frame["size"].tolist() == [r[2] for r in rows]
    if cell.count('"') == 1:
        assert table.frame["what"].tolist() == [r[1] for r in rows]
        (said,) = table.log.find(rule="stray quotes")
        assert said.before == f"line {places[0] + 2}: {','.join(rows[places[0]])}"


def test_a_stray_quote_before_a_delimiter_sets_one_row_aside(tmp_path: Path) -> None:
    rows = [f"{k},part {k},{k * 0.5:g}" for k in range(40)]
    rows[4], rows[29] = '4,"5 inch,,2', '29,"6 inch,,14.5'
    table = read(tmp_path, "nr,what,size\n" + "\n".join(rows) + "\n")
    assert len(table.frame) == 38
    assert table.log.find(rule="torn rows")[0].rows == 2
    assert "line 6" in table.log.find(rule="torn rows")[0].before


def test_a_long_way_to_the_next_quote(tmp_path: Path) -> None:
    rows = [f"{k},part {k},{k % 9}" for k in range(9000)]
    rows[100], rows[7000] = '100,"5 inch,1', '7000,"6 inch,7'
    text = "nr,what,size\n" + "\n".join(rows) + "\n"
    table = read(tmp_path, text)
    assert table.frame["nr"].tolist() == [str(k) for k in range(9000)]
    assert table.log.find(rule="stray quotes")[0].rows == 2
    file = tmp_path / "t.csv"
    assert sum(len(c) for c in TableFile(file).chunks(1000)) == 9000


def test_cells_of_several_lines_are_cells(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    text = "nr,where,size\n"
    wanted = []
    for k in range(60):
        cell = "\n".join(f"line {j}, of {k}" for j in range(int(rng.integers(1, 6))))
        wanted.append([str(k), cell, str(k % 5)])
        text += f'{k},"{cell}",{k % 5}\n'
    table = read(tmp_path, text)
    assert table.frame.to_numpy().tolist() == wanted
    assert not table.log.find(rule="stray quotes")
    # Without a column of numbers, lines with as many commas as a row are still a cell.
    text = "name,where,what\n" + 'Ann,"Main street, 1, left\nOslo, Norway, North",x\n' * 20
    table = read(tmp_path, text)
    assert len(table.frame) == 20
    # Names that span lines are names.
    text = '"nr","size\n(mm)","mass\n(g)"\n' + "".join(f"{k},{k * 2},{k * 3}\n" for k in range(20))
    table = read(tmp_path, text)
    assert table.frame.columns.tolist() == ["nr", "size\n(mm)", "mass\n(g)"]
    assert len(table.frame) == 20
