"""A row of a batch is a neuron that could be made by itself, or the batch is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
from brian2 import Quantity, ms, mV, nA, pA, second

from neurosim import LIF, AdEx, Constant, FeedForward, FrozenNoise, simulate
from neurosim.errors import ParameterError
from neurosim.run.batch import check_together


@pytest.mark.parametrize("engine", ["auto", "numpy"])
@pytest.mark.parametrize(
    ("neuron", "batch", "said"),
    [
        (
            LIF(),
            {"V_reset": [-70, -50] * mV},
            "LIF of row 1: LIF: V_reset (-50. mV) must lie below",
        ),
        (LIF(), {"V_reset": [-55] * mV}, "row 0"),
        (LIF(), {"V_th": [-71, -50, -72] * mV}, "LIF of row 0"),
        (LIF(), {"E_L": [-70, -40] * mV}, "for a cell that fires at rest"),
        (LIF(), {"V_th": [-50, -60] * mV, "E_L": [-65, -58] * mV}, "row 1"),
        (AdEx(), {"V_peak": [0, -60] * mV}, "V_T"),
        (AdEx(), {"V_reset": [-60, 30] * mV}, "must lie below V_peak"),
    ],
)
def test_what_no_neuron_may_be_no_row_of_a_batch_may_be(neuron, batch, said, engine):
    with pytest.raises(ParameterError, match=re.escape(said)):
        simulate(neuron, 10 * ms, batch=batch, engine=engine)


def test_one_unit_of_one_network_is_found():
    reset = np.full((3, 2), -70.0)
    reset[2, 1] = -40
    with pytest.raises(ParameterError, match="LIF of row 2: "):
        simulate(LIF(), 1 * ms, batch={"V_reset": reset * mV}, wiring=FeedForward(width=2))


def test_a_waveform_that_is_not_there_is_refused_in_a_batch():
    noise = FrozenNoise(samples=np.zeros((2, 10)) * pA, interval=1 * ms)
    with pytest.raises(ParameterError, match="one of the 2 waveforms; got 2"):
        simulate(LIF(), 10 * ms, stimulus=noise, batch={"channel": Quantity([0, 2])})


def test_a_check_of_ones_own_holds_in_a_batch():
    class Narrow(LIF):
        def check(self) -> None:
            if self.V_th - self.E_L > 20 * mV:
                raise ParameterError("too far")

    with pytest.raises(ParameterError, match="Narrow of cell 1: too far"):
        simulate(Narrow(), 1 * ms, batch={"E_L": [-70, -90] * mV})


def test_a_batch_of_a_million_is_checked_in_no_time():
    import time

    values = {"V_th": np.linspace(-0.06, -0.05, 1_000_000), "E_L": np.array(-0.07)}
    began = time.process_time()
    check_together(LIF(), Constant(), values)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("dt", [1e-15 * ms, 1e-30 * second])
def test_more_steps_than_a_run_can_take_are_refused(dt):
    with pytest.raises(ParameterError, match="more than a run can take"):
        simulate(LIF(), 100 * ms, dt=dt)


@pytest.mark.parametrize("rows", [[0.9], [True], "0", [[0]], [], [-1], [2], [np.nan]])
def test_rows_to_record_are_whole_numbers(rows):
    batch = {"current": [0, 1] * nA}
    with pytest.raises(ParameterError, match="record_rows must be rows of the batch, 0 to 1"):
        simulate(LIF(), 1 * ms, batch=batch, record=["v"], record_rows=rows)


@pytest.mark.parametrize("width", [2.5, 0, "2", None, np.inf])
def test_the_width_of_a_layer_is_a_whole_number(width):
    with pytest.raises(ParameterError, match="FeedForward: width must be a whole number"):
        FeedForward(width=width)


@pytest.mark.parametrize("jobs", [1.5, 0, "2", None, True, np.nan])
def test_processes_are_a_whole_number(jobs):
    with pytest.raises(ParameterError, match="jobs must be a whole number"):
        simulate(LIF(), 1 * ms, jobs=jobs)


@pytest.mark.parametrize("value", [np.array([1 + 1j]), np.array([1 + 0j, 2]), 1 + 1j])
def test_complex_values_are_refused(value):
    """Their imaginary part was dropped, with a warning of NumPy's alone."""
    with pytest.raises(ParameterError, match="must be real"):
        simulate(LIF(), 10 * ms, batch={"t_ref": value * ms})
    with pytest.raises(ParameterError, match="must be real"):
        LIF(t_ref=value * ms)
