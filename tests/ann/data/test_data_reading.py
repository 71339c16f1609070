"""Files as they come: encodings, delimiters, line ends, torn rows, and what is no table at all."""

from __future__ import annotations

import codecs
from pathlib import Path

import numpy as np
import pytest

from ann.data.errors import ReadError
from ann.data.files.dialect import sniff
from ann.data.files.reading import TableFile, read_table

ROWS = "name,age,town\nAnn,31,Köln\nBob,44,Paris\nCid,27,Oslo\n"


def write(folder: Path, content: bytes, name: str = "t.csv") -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_same_table_however_written(
    tmp_path: Path, encoding: str, end: str, delimiter: str
) -> None:
    text = ROWS.replace("\n", end).replace(",", delimiter)
    table = read_table(write(tmp_path, text.encode(encoding)))
    assert table.frame.columns.tolist() == ["name", "age", "town"]
    assert table.frame.to_numpy().tolist() == [
        ["Ann", "31", "Köln"],
        ["Bob", "44", "Paris"],
        ["Cid", "27", "Oslo"],
    ]


def test_decimal_commas_do_not_pass_for_delimiters(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, b"1,5;2,5;3,5\n4,25;5,5;6,75\n7,5;8,5;9,5\n"))
    assert table.dialect.delimiter == ";"
    assert not table.dialect.header
    assert table.frame.shape == (3, 3)


def test_quotes_keep_delimiters_and_line_ends(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, b'a,b\n"x, y","two\nlines"\n"say ""hi""",2\n'))
    assert table.frame.to_numpy().tolist() == [["x, y", "two\nlines"], ['say "hi"', "2"]]


def test_spaces_as_delimiters(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, b"  1.5   2  3\n  4   5.5  6\n 7 8 9\n"))
    assert table.frame.shape == (3, 3)


def test_ragged_rows_are_repaired_or_set_aside_with_their_line(tmp_path: Path) -> None:
    good = "".join(f"{k},x,y\n" for k in range(20))
    table = read_table(write(tmp_path, f"a,b,c\n{good}1,2\n1,2,3,,\n1,2,3,4\n\n5,6,7\n".encode()))
    assert len(table.frame) == 23
    assert table.frame.iloc[20].tolist() == ["1", "2", ""]
    assert table.frame.iloc[21].tolist() == ["1", "2", "3"]
    rules = {s.rule: s for s in table.log}
    assert rules["short rows"].before.startswith("line 22")
    assert rules["long rows"].before.startswith("line 23")
    assert rules["torn rows"].before == "line 24: 1,2,3,4"
    assert rules["blank lines"].rows == 1


def test_mostly_torn_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, b"a,b\n" + b"1,2,3\n1\n" * 10)
    with pytest.raises(ReadError, match="do not have the 2 cells of the header"):
        read_table(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n  \n\r\n", "only blank lines"),
        (b"a,b,c\n", "has a header .a, b, c. and no rows"),
        (b"PK\x03\x04rest", "Excel"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"PAR1....", "Parquet"),
        (bytes(range(256)) * 20, "binary"),
        (np.random.default_rng(0).bytes(5000), "binary"),
    ],
)
def test_what_is_no_table_is_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read_table(write(tmp_path, content))


def test_absent_file_and_folder(tmp_path: Path) -> None:
    write(tmp_path, b"a\n1\n", "table.csv")
    with pytest.raises(ReadError, match=r"did you mean table\.csv"):
        read_table(tmp_path / "tabel.csv")
    with pytest.raises(ReadError, match="folder"):
        read_table(tmp_path)


def test_wrong_encoding_given_says_where(tmp_path: Path) -> None:
    file = write(tmp_path, ROWS.encode("cp1252"))
    with pytest.raises(ReadError, match="byte 0xf6 at position 22"):
        read_table(file, encoding="utf-8")
    with pytest.raises(ReadError, match="no encoding 'utf8000'"):
        read_table(file, encoding="utf8000")
    assert "not UTF-8" in str(read_table(file).log)


@pytest.mark.slow
def test_an_encoding_error_far_into_the_file_is_found(tmp_path: Path) -> None:
    body = ("a,b\n" + "1,x\n" * 600_000).encode() + "2,é\n".encode("cp1252")
    table = read_table(write(tmp_path, body), max_rows=100)
    assert table.dialect.encoding == "cp1252"


def test_open_quote_is_refused_with_its_line(tmp_path: Path) -> None:
    file = write(tmp_path, b'a,b\n1,2\n3,"4\n' + b"5,6\n" * 5000)
    with pytest.raises(ReadError, match="line 3: a quote opens"):
        read_table(file)


def test_names_repaired_and_logged(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, b" a ,b,b,\n1,2,3,4\n5,6,7,8\n"))
    assert table.frame.columns.tolist() == ["a", "b", "b_2", "column_4"]
    assert len(table.log.find(rule="names")) == 2


def test_a_header_one_name_short_has_row_labels(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, b"a,b\nr1,1,2\nr2,3,4\nr3,5,6\n"))
    assert table.frame.columns.tolist() == ["row", "a", "b"]


def test_trailing_delimiters_are_no_column(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, b"a,b,\n1,2,\n3,4,\n"))
    assert table.frame.iloc[:, :2].to_numpy().tolist() == [["1", "2"], ["3", "4"]]
    table = read_table(write(tmp_path, b"a,b\n1,2,\n3,4,\n"))
    assert table.frame.to_numpy().tolist() == [["1", "2"], ["3", "4"]]


def test_names_given_must_fit(tmp_path: Path) -> None:
    file = write(tmp_path, b"1,2\n3,4\n")
    assert read_table(file, names=["u", "v"]).frame.columns.tolist() == ["u", "v"]
    with pytest.raises(ReadError, match="3 names given for the 2 columns"):
        read_table(file, names=["u", "v", "w"])


@pytest.mark.slow
def test_a_sample_is_uniform_and_said_to_be_one(tmp_path: Path) -> None:
    n = 200_000
    file = write(tmp_path, b"k\n" + b"".join(b"%d\n" % k for k in range(n)))
    table = read_table(file, max_rows=5000)
    assert table.rows_in_file == n
    assert table.sampled
    assert len(table.frame) == 5000
    k = table.frame["k"].astype(int).to_numpy()
    assert (np.diff(k) > 0).all()
    assert (table.frame.index == k).all()
    # Mean of a uniform sample: standard error n / sqrt(12 * 5000); four of them.
    assert abs(k.mean() - n / 2) < 4 * n / np.sqrt(12 * 5000)
    assert "uniform sample of the 200000 rows" in str(table.log)
    assert read_table(file, max_rows=5000).frame.equals(table.frame)


def test_chunks_join_to_the_whole(tmp_path: Path) -> None:
    file = write(tmp_path, b"k,l\n" + b"".join(b"%d,x\n" % k for k in range(2500)))
    chunks = list(TableFile(file).chunks(1000))
    assert [len(c) for c in chunks] == [1000, 1000, 500]
    assert chunks[2].index.tolist() == list(range(2000, 2500))


def test_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    file = write(tmp_path, codecs.BOM_UTF8 + b"a,b\n1,2\n")
    assert read_table(file).frame.columns.tolist() == ["a", "b"]
    assert sniff(file)[0].encoding == "utf-8-sig"


def test_the_five_real_files(shared_data: Path) -> None:
    shapes = {
        "adult_train_noheader.csv": (32561, 15),
        "heart_disease_uci_4sites.csv": (920, 15),
        "penguins_raw.csv": (344, 17),
        "telco_churn.csv": (7043, 21),
        "titanic3_CR_newlines.csv": (1309, 14),
    }
    tables = {name: read_table(shared_data / "tabular" / name) for name in shapes}
    assert {name: t.frame.shape for name, t in tables.items()} == shapes
    assert not tables["adult_train_noheader.csv"].dialect.header
    assert tables["titanic3_CR_newlines.csv"].dialect.line_ends == "CR"
