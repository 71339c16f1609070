"""The ABF files of pyABF's repository are taken for what they are.

What each is stands in public_abf_files.csv. The files stay where they are; to compare them:

    git clone https://github.com/swharden/pyABF
    NEUROSIM_PYABF=pyABF python -m pytest -n0 -rA tests/bridge/test_recordings_public.py
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bridge.recordings import RecordingError, compare_readers, read

# Its first three lines say what it is; channels have a "#" in their names.
TABLE = pd.read_csv(Path(__file__).with_name("public_abf_files.csv"), skiprows=3)
JUDGED = TABLE[TABLE["wanted"].notna()]
# Where the files are absent, one test is skipped and not one a file.
ROWS = JUDGED if os.environ.get("NEUROSIM_PYABF") else JUDGED.head(1)


def _file(name: str) -> Path:
    place = os.environ.get("NEUROSIM_PYABF")
    if not place:
        pytest.skip("set NEUROSIM_PYABF to a clone of github.com/swharden/pyABF")
    pytest.importorskip("pyabf")
    path = Path(place) / "data" / "abfs" / name
    if not path.exists():
        pytest.skip(f"{name} is not in this copy of pyABF")
    return path


def _said(path: Path) -> tuple[Any, ...]:
    try:
        curve = read(path).fi_curve()
    except RecordingError as error:
        return (error.reason,)
    return "curve", len(curve.currents), curve.currents[0], curve.currents[-1]


@pytest.mark.parametrize("row", ROWS.to_dict("records"), ids=lambda row: row["file"])
def test_a_public_file(row: dict[str, Any]) -> None:
    said = _said(_file(row["file"]))
    wanted: tuple[Any, ...] = (row["wanted"],)
    if row["wanted"] == "curve":
        wanted += (row["steps"], row["lowest_pA"], row["highest_pA"])
    assert said == wanted


@pytest.mark.parametrize("row", ROWS.to_dict("records"), ids=lambda row: row["file"])
def test_two_readers_of_a_public_file(row: dict[str, Any]) -> None:
    """Neo reads every sample as pyABF does; in what else they differ stands in the table."""
    if pd.isna(row["neo"]):
        pytest.skip("not compared")
    pytest.importorskip("neo")
    found = compare_readers(_file(row["file"]))
    said = "; ".join(dict.fromkeys(difference.what for difference in found.differences))
    assert (said or "agrees") == row["neo"]
    assert "samples" not in said
    assert "sampling rate" not in said


def test_the_user_list_of_a_public_file() -> None:
    """Its command followed a list that moved 11 of 16 steps; the recorded current knows them."""
    steps = read(_file("2020_03_02_0000.abf")).steps
    listed = [-200, -150, -100, -50, 0, 25, 50, 100, 150, 200, 250, 300, 350, 400, 500, 600]
    assert [step.current_pA for step in steps] == pytest.approx(listed, abs=3)
