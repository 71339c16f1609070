"""Sobol indices of a sweep, on functions whose indices are known."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms, pA
from sweeps import run

from experiments.sweep import (
    Between,
    Run,
    measure_of_rows,
    saltelli,
    sensitivity,
    sobol,
)
from experiments.sweep.errors import SweepStoreError
from experiments.sweep.sensitivity import sobol_indices
from neurosim import LIF
from neurosim.errors import ParameterError, UnknownNameError

pytest.importorskip("zarr", reason="needs the extra 'sweep'")


def ishigami(options, seed, a, b):
    """Ishigami and Homma (1990)."""
    x, y, z = (options[name] for name in "xyz")
    return np.sin(x) + a * np.sin(y) ** 2 + b * z**4 * np.sin(x)


def silent(options, seed):
    """A number that half of the rows lack."""
    return float("nan") if options["x"] < 0 else options["x"]


A, B = 7.0, 0.1
AXES = {name: Between(-np.pi, np.pi) for name in "xyz"}
ISHIGAMI = measure_of_rows(ishigami, version="1", outputs={"f": ""}, a=A, b=B)


def indices_in_closed_form():
    """Of the first order, and total."""
    of_x = (1 + B * np.pi**4 / 5) ** 2 / 2
    of_y = A**2 / 8
    of_xz = B**2 * np.pi**8 * (1 / 18 - 1 / 50)
    variance = of_x + of_y + of_xz
    first = np.array([of_x, of_y, 0.0]) / variance
    return first, np.array([of_x + of_xz, of_y, of_xz]) / variance


def test_indices_of_ishigamis_function_lie_in_their_intervals(tmp_path):
    more = {"chunk_rows": 500, "seed": 1}
    found = run(tmp_path / "s", saltelli(AXES, 1024, seed=2), {}, [ISHIGAMI], **more)
    indices = sensitivity(found, "f", confidence=0.99)
    assert indices.axes == ("x", "y", "z")
    assert indices.samples == 1024
    for interval, expected in zip(
        (indices.first_interval, indices.total_interval), indices_in_closed_form(), strict=True
    ):
        assert (interval[0] <= expected).all()
        assert (expected <= interval[1]).all()
        assert (np.ptp(interval, axis=0) < 0.3).all()
    assert np.abs(indices.total - indices_in_closed_form()[1]).max() < 0.03
    # The same from the store, and the same bootstrap.
    again = sensitivity(tmp_path / "s", "f", confidence=0.99)
    assert again.total_interval.tolist() == indices.total_interval.tolist()
    lines = str(indices).splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("x ")
    assert f"{indices.first[0]:.2f}" in lines[1]


def test_indices_are_those_of_scipy():
    from scipy import stats

    rng = np.random.default_rng(3)
    blocks = rng.normal(size=(5, 128)) + np.linspace(0, 1, 128)
    given = {"f_A": blocks[:1], "f_B": blocks[-1:], "f_AB": blocks[1:-1, None]}
    theirs = stats.sobol_indices(func=given, n=128)
    first, total = sobol_indices(blocks)
    np.testing.assert_allclose(first, theirs.first_order, rtol=1e-12)
    np.testing.assert_allclose(total, theirs.total_order, rtol=1e-12)


def test_a_design_grows_and_keeps_what_does_not_vary(tmp_path):
    axes = {"tau_m": Between(5 * ms, 40 * ms, log=True), "seed": [4],
            "current": Between(200 * pA, 300 * pA)}  # fmt: skip
    few, more = saltelli(axes, 4, seed=3), saltelli(axes, 16, seed=3)
    assert (few.rows, more.rows) == (16, 64)
    before = run(tmp_path / "s", few)
    computed = []
    after = run(tmp_path / "s", more, resume=True, progress=lambda p: computed.append(p.computed))
    assert computed[-1] == 48
    assert after.isel(row=slice(16)).equals(before)
    columns = more.columns(np.arange(64))
    assert set(columns["seed"].tolist()) == {4}
    blocks = columns["tau_m"].reshape(16, 4)
    assert (blocks[:, 0] != blocks[:, 3]).all()
    assert (blocks[:, 1] == blocks[:, 3]).all()
    assert (blocks[:, 2] == blocks[:, 0]).all()
    # In any order, and one by one.
    alone = [float(more.columns(np.array([k]))["tau_m"][0]) for k in (63, 5, 17)]
    assert alone == columns["tau_m"][[63, 5, 17]].tolist()


def test_a_figure_has_two_bars_an_axis(tmp_path):
    import matplotlib.pyplot as plt

    found = run(tmp_path / "s", saltelli(AXES, 64), {}, [ISHIGAMI], chunk_rows=320)
    indices = sensitivity(found, "f")
    ax = indices.plot()
    assert ax.get_xlabel() == "share of the variance of f"
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels == [indices.axes[k] for k in np.argsort(indices.total)]
    widths = [bar.get_width() for bar in ax.patches]
    assert widths[:3] == indices.first[np.argsort(indices.total)].tolist()
    assert widths[3:] == np.sort(indices.total).tolist()
    plt.close(ax.figure)


def test_what_has_no_indices_is_refused_by_name(tmp_path):
    nan = measure_of_rows(silent, version="1", outputs={"late": ""})
    small = saltelli(AXES, 8)
    found = run(tmp_path / "s", small, {}, [ISHIGAMI, nan], chunk_rows=40)
    with pytest.raises(UnknownNameError, match="f"):
        sensitivity(found, "g")
    with pytest.raises(ParameterError, match="late is not a finite number in 2"):
        sensitivity(found, "late")
    part = run(tmp_path / "t", small.where("x > 0"), {}, [ISHIGAMI], chunk_rows=40)
    with pytest.raises(ParameterError, match="of 40 rows are there"):
        sensitivity(part, "f")
    with pytest.raises(SweepStoreError, match="no whole sweep"):
        sensitivity(tmp_path / "nowhere", "f")
    other = run(tmp_path / "u", sobol(AXES, 8), {}, [ISHIGAMI])
    with pytest.raises(ParameterError, match="this grid is sobol"):
        sensitivity(other, "f")
    weak = saltelli({"current": Between(1 * pA, 2 * pA), "tau_m": Between(8 * ms, 9 * ms)}, 4)
    still = run(tmp_path / "v", weak, Run(LIF(), 20 * ms), ["count"])
    with pytest.raises(ParameterError, match="0 in every row"):
        sensitivity(still, "count")
    with pytest.raises(ParameterError, match="is a list"):
        saltelli({"x": [1.0, 2.0]}, 8)
    with pytest.raises(ParameterError, match="no axis varies"):
        saltelli({"x": [1.0]}, 8)
    with pytest.raises(ParameterError, match="1 axis varies"):
        saltelli({"x": Between(0.0, 1.0), "y": [1.0]}, 8)
    with pytest.raises(ParameterError, match="between 0 and 1"):
        sensitivity(found, "f", confidence=95)
