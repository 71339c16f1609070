"""The page of a sweep says what was run, what came out, and what failed."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
from brian2 import ms, pA
from sweeps import GRID, NOISY, run

from experiments.sweep import Between, measure_of_runs, product, saltelli
from experiments.sweep.errors import SweepStoreError
from experiments.sweep.run_sweep import Prepared
from experiments.sweep.sweep_report import sweep_report

pytest.importorskip("zarr", reason="needs the extra 'sweep'")


def unlucky(recording):
    """A measure of runs that fails where the membrane has 13 ms."""
    if np.isclose(recording.parameters["tau_m"], 13e-3).any():
        raise ValueError("13 is <unlucky>")
    return recording.counts()


def page_of(folder, grid, measure):
    prepared = Prepared.of(NOISY, grid, measure, folder, 7, chunk_rows=5)
    text = sweep_report(prepared, folder.parent / "page.html").read_text(encoding="utf-8")
    pictures = re.findall(r'alt="([^"]*)" src="data:image/svg\+xml;base64,([^"]*)"', text)
    for _, data in pictures:
        assert base64.b64decode(data).startswith(b"<?xml")
    # One page: nothing is loaded from elsewhere.
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    return text, [said for said, _ in pictures]


def test_a_product_has_its_map_and_its_failures(tmp_path):
    grid = product({"tau_m": [10, 13, 20] * ms, "current": [180, 220] * pA, "repeat": [0, 1]})
    measure = [measure_of_runs(unlucky, version="1", outputs={"n": ""}), "first_spike"]
    found = run(tmp_path / "s", grid, measure=measure)
    text, pictures = page_of(tmp_path / "s", grid, measure)
    assert "12 of 12 rows are computed" in text
    assert "4 rows failed" in text
    assert "13 is &lt;unlucky&gt;" in text
    assert "product of 12 rows" in text
    assert '<td>tau_m (ms)</td><td class="long">10, 13, 20</td>' in text
    assert "tau_m=13. ms, current=180. pA, repeat=0" in text
    median = np.nanmedian(found["first_spike"].values) * 1e3
    assert f"<td>{median:.4g}</td>" in text
    assert pictures[:2] == [
        "Distribution of n over the rows",
        "Distribution of first_spike over the rows",
    ]
    assert any(said.startswith("n over ") and "tau_m" in said for said in pictures)
    assert "Sobol" not in text


def test_a_number_that_is_the_same_in_all_rows_has_no_picture(tmp_path):
    grid = product({"tau_m": [10, 20] * ms, "current": [1, 2] * pA})
    run(tmp_path / "s", grid, measure=["count", "deflection"])
    text, pictures = page_of(tmp_path / "s", grid, ["count", "deflection"])
    assert "<td>count</td><td>4</td><td>0</td><td>0</td><td>0</td><td>0</td>" in text
    assert not [said for said in pictures if "count" in said]
    assert "Distribution of v_rise over the rows" in pictures


def test_a_part_is_shown_as_far_as_it_is(tmp_path):
    run(tmp_path / "s", GRID.where("repeat < 1"))
    text, pictures = page_of(tmp_path / "s", GRID, ["count", "first_spike"])
    assert "6 of 24 rows are computed" in text
    assert len(pictures) == 4
    with pytest.raises(SweepStoreError, match="no sweep"):
        page_of(tmp_path / "t", GRID, ["count"])


def test_saltellis_design_has_indices_or_the_reason(tmp_path):
    axes = {"tau_m": Between(10 * ms, 20 * ms), "current": Between(0 * pA, 400 * pA)}
    grid = saltelli(axes, 16)
    run(tmp_path / "s", grid)
    text, pictures = page_of(tmp_path / "s", grid, ["count", "first_spike"])
    assert "Sobol indices of count" in pictures
    assert "Sobol indices of first_spike" not in pictures
    assert "first_spike is not a finite number in" in text
    assert "count of each row against current" in pictures
