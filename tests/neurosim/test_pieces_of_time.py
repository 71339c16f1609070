"""Equations that jump at a time jump on the same step in both engines."""

from __future__ import annotations

import brian2
import numpy as np
import pytest
from brian2 import Mohm, ms, mV, pA

from neurosim import from_brian2, simulate
from neurosim.equations.evaluate import cuts_time


@pytest.mark.parametrize(
    ("code", "cuts"),
    [
        ("floor(t/(3*ms))", True),
        ("int(t > 5*ms)", True),
        ("(t/ms) % 7", True),
        ("1 + ceil(2 + t/(10*ms))", True),
        ("sin(t/(3*ms))", False),
        ("floor(x)", False),
        ("int(x > 0.5)*exp(-t/ms)", False),
    ],
)
def test_which_equations_cut_the_time(code, cuts):
    assert cuts_time(f"dx/dt = ({code} - x)/(5*ms) : 1") is cuts


@pytest.mark.slow
def test_a_current_that_steps_every_three_milliseconds():
    group = brian2.NeuronGroup(
        1,
        """dv/dt = (-65*mV - v + 200*Mohm*I + 3*mV*(floor(t/(3*ms)) % 4))/(10*ms) : volt
        I : amp""",
        threshold="v > -50*mV",
        reset="v = -65*mV",
        method="euler",
        namespace={"Mohm": Mohm},
    )
    group.v, group.I = -65 * mV, 100 * pA
    model = from_brian2(group)
    runs = [simulate(model, 100 * ms, record=["v"], engine=e) for e in ("numpy", "auto")]
    first, second = (run.traces_si["v"] for run in runs)
    # Quotients that were rounded another way moved a third of the steps, by up to 15 mV.
    np.testing.assert_allclose(second, first, rtol=0, atol=1e-12)
    assert int(runs[0].counts()[0]) == int(runs[1].counts()[0]) > 5
