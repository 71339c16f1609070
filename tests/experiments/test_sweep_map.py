"""A map of a sweep."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.sweep import (
    sweep_map,
)
from neurosim.errors import UnknownNameError

pytest.importorskip("zarr", reason="needs the extra 'sweep'")


def test_map_of_a_sweep_has_units_and_marks():
    import matplotlib.pyplot as plt
    import xarray

    current, tau = np.array([1e-10, 2e-10, 3e-10]), np.array([5e-3, 10e-3, 20e-3, 40e-3])
    rate = np.arange(24.0).reshape(4, 3, 2)
    rate[0, 0] = np.nan
    dataset = xarray.Dataset(
        {"rate": (("tau_m", "current", "repeat"), rate, {"units": "Hz"})},
        {
            "tau_m": ("tau_m", tau, {"units": "second"}),
            "current": ("current", current, {"units": "amp"}),
            "repeat": [0, 1],
        },
    )
    ax = sweep_map(dataset, "rate", x="current", y="tau_m")
    assert ax.get_xlabel() == "current (pA)"
    assert ax.get_ylabel() == "tau_m (ms)"
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    mesh, bar = ax.collections[0], ax.figure.axes[1]
    assert bar.get_ylabel() == "mean of rate (Hz)"
    shown = mesh.get_array()
    assert shown.mask.ravel().tolist() == [True] + [False] * 11
    assert shown[3, 2] == rate[3, 2].mean()
    marks = [line.get_ydata()[0] for line in bar.lines[-2:]]
    assert marks == [rate[0, 1].mean(), rate[3, 2].mean()]
    plt.close(ax.figure)
    with pytest.raises(UnknownNameError, match="tau_m"):
        sweep_map(dataset, "rate", x="current", y="tau")
