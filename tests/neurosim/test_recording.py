"""What a Recording knows, and how it hands itself on."""

import json
import sys

import numpy as np
import pytest
from brian2 import Hz, ms, mV, pA, second, um

from neurosim import LIF, Constant, Neuron, WhiteNoise, simulate
from neurosim.channels import Leak
from neurosim.errors import ExtraMissingError, ParameterError, UnitError, UnknownNameError
from neurosim.morphology import PerBranch, cylinder


@pytest.fixture(scope="module")
def recording():
    noise = WhiteNoise.for_membrane(3 * mV, LIF())
    return simulate(
        LIF(),
        0.5 * second,
        stimulus=Constant(0 * pA) + noise,
        batch={"current": [0, 200, 300] * pA},
        seed=[3, 4, 5],
        record=["v", "I_stim"],
        record_rows=[0, 2],
        record_dt=1 * ms,
        engine="numpy",
    )


@pytest.mark.slow
def test_counts_and_rates_of_a_window(recording):
    assert recording.counts().tolist() == [len(t) for t in recording.spike_trains()]
    half = recording.counts(250 * ms) + recording.counts(0 * ms, 250 * ms)
    np.testing.assert_array_equal(half, recording.counts())
    np.testing.assert_allclose(
        recording.mean_rate(250 * ms) / Hz, recording.counts(250 * ms) / 0.25
    )
    train = np.asarray(recording.spike_train(2))
    assert np.all(np.diff(train) > 0)
    rate = float(recording.interval_rate()[2] / Hz)
    assert rate == pytest.approx((len(train) - 1) / (train[-1] - train[0]))
    cv = recording.interval_cv()
    assert cv[2] == pytest.approx(np.std(np.diff(train)) / np.mean(np.diff(train)))
    assert np.isnan(recording.interval_cv(490 * ms)[0])


def test_traces_come_with_units(recording):
    assert recording.trace("v").shape == (2, 500)
    assert -100 * mV < recording.trace("v").min() < recording.trace("v").max() < -55 * mV
    assert recording.trace("I_stim").dim == (1 * pA).dim
    assert recording.trace_time[1] - recording.trace_time[0] == 1 * ms
    with pytest.raises(UnknownNameError, match="'w' was not recorded"):
        recording.trace("w")


def test_it_carries_what_is_needed_to_repeat_it(recording):
    told = json.loads(json.dumps(recording.to_dict()))
    assert told["neuron"]["tau_m"] == {"value": 0.02, "unit": "second"}
    assert told["seeds"] == [3, 4, 5]
    assert told["varied_si"] == {"constant_current": [0.0, 2e-10, 3e-10]}
    assert {"brian2", "numpy", "neurosim"} <= set(told["versions"])
    assert told["dt_s"] == pytest.approx(1e-4)


def test_to_pandas(recording):
    table = recording.to_pandas()
    assert len(table) == recording.counts().sum()
    assert table.groupby("row").size().to_dict().get(2) == recording.counts()[2]
    assert set(table["constant_current"].round(12)) <= {0.0, 2e-10, 3e-10}


def test_to_neo(recording):
    pytest.importorskip("neo")
    block = recording.to_neo()
    assert len(block.segments) == 3
    train = block.segments[2].spiketrains[0]
    np.testing.assert_allclose(train.rescale("s").magnitude, np.asarray(recording.spike_train(2)))
    assert len(block.segments[1].analogsignals) == 0
    voltage = next(s for s in block.segments[2].analogsignals if s.name == "v")
    np.testing.assert_allclose(
        voltage.rescale("mV").magnitude.ravel(), np.asarray(recording.trace("v")[1] / mV)
    )
    assert block.segments[2].annotations["seed"] == 5


def test_to_xarray(recording):
    pytest.importorskip("xarray")
    data = recording.to_xarray()
    assert data["v"].sel(traced_row=2).shape == (500,)
    assert data["v"].attrs["units"] == "V"
    assert data["count"].values.tolist() == recording.counts().tolist()
    np.testing.assert_allclose(data["constant_current"], [0, 2e-10, 3e-10])


@pytest.mark.parametrize(
    ("method", "module", "extra"), [("to_neo", "neo", "neo"), ("to_xarray", "xarray", "xarray")]
)
def test_a_missing_extra_is_named(recording, monkeypatch, method, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ExtraMissingError, match=rf"pip install 'neurosim-bridge\[{extra}\]'"):
        getattr(recording, method)()


def test_wrong_questions_are_refused(recording):
    with pytest.raises(ParameterError, match="rows are 0 to 2"):
        recording.spike_train(3)
    with pytest.raises(UnitError, match="start must carry a unit"):
        recording.counts(0.1)
    with pytest.raises(ParameterError, match="must come after start"):
        recording.counts(100 * ms, 50 * ms)


def test_the_injected_current_has_the_name_it_was_asked_by():
    cell = Neuron(cylinder(20 * um, 20 * um), PerBranch(1)).paint(Leak())
    given = {"stimulus": Constant(20 * pA), "dt": 0.1 * ms, "engine": "numpy"}
    run = simulate(cell, 1 * ms, record=["I_stim"], **given)
    np.testing.assert_allclose(np.asarray(run.trace("I_stim")), 20e-12, rtol=1e-12)
    with pytest.raises(UnknownNameError, match="not recorded"):
        simulate(cell, 1 * ms, **given).trace("I_stim")
