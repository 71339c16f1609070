"""One odd cell does not decide what a column or a first row is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import clean
from ann.data.files.layout import header_rows
from ann.data.files.reading import read_table
from ann.data.judging.entities import find_entities
from ann.data.log import Log

RNG = np.random.default_rng


def cleaned(cells: list[str], name: str = "x") -> tuple[pd.DataFrame, Log]:
    frame = pd.DataFrame({name: cells})
    rules = propose(frame, rows=False)
    done = clean(frame, rules, rows=False)
    assert done.undo().equals(frame.astype(object))
    return done.frame, done.log


@pytest.mark.parametrize(
    ("usual", "odd"),
    [
        ("{} kg", "71 stones"),
        ("{} cm", "12 kg"),
        ("${}", "$17 approx"),
        ("${}", "€17"),
        ("{} ms", "80 (late)"),
    ],
)
def test_one_odd_suffix_is_one_odd_cell(usual: str, odd: str) -> None:
    values = RNG(0).integers(20, 90, 80)
    frame, log = cleaned([*(usual.format(v) for v in values), odd])
    assert frame["x"].iloc[:80].tolist() == [str(v) for v in values]
    assert frame["x"].isna().iloc[80]
    # What stood there is kept beside the column.
    (step,) = log.find("x", "not a number")
    assert (step.rows, step.effect) == (1, "reversible")
    assert frame["x_code"].iloc[80] in odd


@pytest.mark.parametrize("second", ["{} mg", "{} AM"])
def test_many_of_another_kind_are_still_left_to_a_person(second: str) -> None:
    values = RNG(1).integers(1, 12, 80)
    first = "{} PM" if "AM" in second else "{} cm"
    cells = [(second if k % 4 == 0 else first).format(v) for k, v in enumerate(values)]
    frame, _ = cleaned(cells)
    assert frame["x"].tolist() == cells


@pytest.mark.parametrize("odd", ["trace", "overflow", "late"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_odd_word_in_the_first_row_makes_it_no_row_of_names(
    odd: str, place: int, tmp_path: Path
) -> None:
    rows = RNG(2).normal(50, 9, (40, 3)).round(1).astype(str).tolist()
    # The other cells of the row are like those below them.
    rows[0] = ["51.2", "48.7", "50.3"]
    rows[0][place] = odd
    file = tmp_path / "t.csv"
    file.write_text("\n".join(map(",".join, rows)) + "\n", encoding="utf-8")
    table = read_table(file)
    assert len(table.frame) == 40
    assert table.frame.iloc[0].tolist() == rows[0]
    assert any("no header" in str(step) for step in table.log)


@pytest.mark.parametrize(
    "names",
    [
        ["hertz", "0h", "24h"],
        ["cell", "0", "10", "100"],
        ["dose", "400", "410", "420"],
        ["plot", "2019", "2020"],
        ["id", "51", "47"],
        ["gene", "48.5", "51.5"],
    ],
)
def test_a_word_before_numbers_can_still_be_a_row_of_names(names: list[str]) -> None:
    body = RNG(3).normal(50, 20, (30, len(names))).round(1).astype(str)
    if names[0] == "gene":
        body[:, 0] = [f"BRCA{k}" for k in range(30)]
    assert header_rows([names, *body.tolist()]) == 1


@pytest.mark.parametrize("seed", range(3))
def test_things_followed_over_time_are_found_for_classes(seed: int) -> None:
    rng = RNG(seed)
    land = np.repeat(np.arange(60), 12)
    table = pd.DataFrame(
        {"country": [f"Land {k}" for k in land], "year": np.tile(np.arange(1952, 2012, 5), 60)}
    )
    life = rng.normal(60, 8, 60)[land] + 0.2 * (table["year"] - 1950) + rng.normal(size=720)
    high = np.where(life > life.median(), "high", "low").astype(object)
    found = find_entities(table, high)
    assert found is not None
    assert (found.column, found.number, found.time) == ("country", 60, "year")
    # By chance alone no country is like itself.
    assert find_entities(table, rng.permutation(high)) is None
