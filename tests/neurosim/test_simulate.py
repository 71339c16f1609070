"""Running descriptions: what comes out, and what is refused."""

import numpy as np
import pytest
from brian2 import Hz, ms, mV, nA, pA, second

from neurosim import (
    LIF,
    AdEx,
    Constant,
    FeedForward,
    FrozenNoise,
    HodgkinHuxley,
    OrnsteinUhlenbeck,
    Ramp,
    Steps,
    TraubMiles,
    WhiteNoise,
    simulate,
)
from neurosim.errors import EngineError, ParameterError, UnitError, UnknownNameError

ENGINES = ["cpp", "numpy"]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_batch_of_currents_fires_as_the_closed_form_says(engine):
    currents = np.array([100, 150, 160, 200, 400])
    recording = simulate(
        LIF(), 1 * second, batch={"current": currents * pA}, dt=0.05 * ms, engine=engine
    )
    # 1 / (t_ref + tau ln(RI / (RI - 15 mV))), with R = 100 Mohm
    expected = [0, 0, *(1 / (2e-3 + 20e-3 * np.log(i / (i - 150))) for i in (160, 200, 400))]
    np.testing.assert_allclose(np.asarray(recording.interval_rate()), expected, rtol=5e-3)
    assert recording.rows == 5
    assert recording.engine == engine


@pytest.mark.slow
def test_any_parameter_can_vary_over_a_batch():
    recording = simulate(
        LIF(),
        0.5 * second,
        stimulus=Constant(200 * pA),
        batch={"tau_m": [10, 20, 40] * ms, "t_ref": [2, 2, 5] * ms},
        dt=0.05 * ms,
    )
    expected = [1 / (r + t * np.log(4)) for t, r in ((10e-3, 2e-3), (20e-3, 2e-3), (40e-3, 5e-3))]
    np.testing.assert_allclose(np.asarray(recording.interval_rate()), expected, rtol=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_stimuli_inject_what_they_say(engine):
    stimulus = (
        Constant(10 * pA)
        + Steps(amplitude=[5, 7] * pA, onset=[2, 4] * ms, duration=[3, 2] * ms)
        + Ramp(start=0 * pA, end=40 * pA, onset=5 * ms, duration=4 * ms)
        + FrozenNoise([100, 200] * pA, interval=1 * ms, onset=1 * ms)
    )
    recording = simulate(
        LIF(),
        12 * ms,
        stimulus=stimulus,
        record=["I_stim"],
        record_dt=0.5 * ms,
        dt=0.1 * ms,
        engine=engine,
    )
    # A sample at t holds the current injected during the step that starts at t.
    time = np.round(np.asarray(recording.trace_time / ms), 6)
    expected = 10 + 5.0 * ((time >= 2) & (time < 5)) + 7.0 * ((time >= 4) & (time < 6))
    expected += np.clip((time - 5) / 4, 0, 1) * 40
    expected += 100.0 * ((time >= 1) & (time < 2)) + 200.0 * ((time >= 2) & (time < 3))
    got = np.asarray(recording.trace("I_stim") / pA)[0]
    np.testing.assert_allclose(got, expected, atol=1e-9)


@pytest.mark.slow
def test_rows_may_play_different_waveforms():
    waves = FrozenNoise(np.array([[400.0] * 200, [0.0] * 200]) * pA, interval=1 * ms)
    recording = simulate(LIF(), 0.2 * second, stimulus=waves, batch={"channel": [1, 0]})
    assert recording.counts()[0] == 0
    assert recording.counts()[1] > 5


@pytest.mark.slow
def test_conductance_based_neurons_rest_where_they_start():
    for neuron, name in ((HodgkinHuxley(), "V_init"), (TraubMiles(), "E_L")):
        recording = simulate(neuron, 0.3 * second, record=["v"], record_dt=1 * ms)
        assert recording.counts()[0] == 0
        drift = np.abs(recording.trace("v")[0] - getattr(neuron, name)).max()
        # Squid: the start is the exact rest. Cortical cell: the leak is not the only current.
        assert drift < (1e-4 * mV if name == "V_init" else 3 * mV)


@pytest.mark.slow
def test_adex_stays_finite_and_converges_with_the_time_step():
    rates = [
        float(
            simulate(AdEx(), 1 * second, stimulus=Constant(500 * pA), dt=dt * ms).interval_rate(
                0.5 * second
            )[0]
            / Hz
        )
        for dt in (0.1, 0.01)
    ]
    assert rates[1] == pytest.approx(rates[0], rel=0.01)
    assert 10 < rates[1] < 30


@pytest.mark.slow
def test_spikes_travel_down_a_feed_forward_network():
    wiring = FeedForward(weights=(np.array([[200.0], [-200.0]]) * pA,), tau_syn=5 * ms)
    recording = simulate(
        LIF(),
        1 * second,
        wiring=wiring,
        batch={"current": np.array([[300.0, 0, 120], [300.0, 300, 120]]) * pA},
        record=["I_syn"],
    )
    assert wiring.layers == (2, 1)
    counts = recording.counts().reshape(2, 3)
    # Excited past rheobase; in the second network inhibition cancels excitation.
    assert counts[0, 2] > 5
    assert counts[1, 2] == 0
    # Mean synaptic current = w tau_syn rate.
    mean = recording.traces_si["I_syn"].mean(axis=1).reshape(2, 3)[:, 2] * 1e12
    assert mean[0] == pytest.approx(200 * 5e-3 * counts[0, 0], rel=0.05)
    assert abs(mean[1]) < 1e-9


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"duration": 1}, UnitError, "simulate: duration must carry a unit"),
        ({"duration": -1 * second}, ParameterError, "duration must be greater than 0"),
        ({"duration": float("nan") * second}, ParameterError, "finite"),
        ({"dt": 0 * ms}, ParameterError, "dt must be greater than 0"),
        ({"dt": 2 * second}, ParameterError, "longer than the duration"),
        ({"batch": {"current": [1, 2]}}, UnitError, "batch: current must carry a unit"),
        ({"batch": {"current": [1, np.nan] * nA}}, ParameterError, "finite"),
        ({"batch": {"currant": [1, 2] * nA}}, UnknownNameError, "did you mean '.*current'"),
        (
            {"batch": {"current": [1, 2] * pA, "tau_m": [1, 2, 3] * ms}},
            ParameterError,
            "one length; got 2 for current, 3 for tau_m",
        ),
        ({"batch": {"tau_m": [-1, 2] * ms}}, ParameterError, "greater than 0"),
        ({"seed": -1}, ParameterError, "non-negative|between 0"),
        ({"seed": 1.5}, ParameterError, "non-negative integer"),
        ({"record": ["V"]}, UnknownNameError, "did you mean|known"),
        ({"record": "v"}, ParameterError, "a list such as"),
        ({"record": ["v"], "record_rows": [3]}, ParameterError, "rows of the batch, 0 to 0"),
        ({"engine": "c++"}, UnknownNameError, "no engine is called"),
        ({"jobs": 0}, ParameterError, "at least 1"),
        ({"stimulus": 3 * pA}, UnitError, "a description such as Constant"),
        (
            {
                "stimulus": Steps(amplitude=1 * pA) + Steps(amplitude=2 * pA),
                "batch": {"amplitude": [1, 2] * pA},
            },
            UnknownNameError,
            "could be any of steps.amplitude, steps_2.amplitude",
        ),
    ],
)
def test_wrong_arguments_are_refused_before_anything_runs(arguments, error, said):
    with pytest.raises(error, match=said):
        simulate(LIF(), **{"duration": 1 * second, **arguments})


@pytest.mark.slow
def test_a_run_that_diverges_says_so():
    with pytest.raises(EngineError, match=r"diverged.*use a smaller dt"):
        simulate(HodgkinHuxley(), 0.2 * second, stimulus=Constant(100 * pA), dt=0.5 * ms)


@pytest.mark.slow
def test_traces_can_be_limited_to_some_rows():
    recording = simulate(
        LIF(),
        10 * ms,
        batch={"current": np.arange(6) * 50 * pA},
        record=["v"],
        record_rows=[5, 1],
        record_dt=1 * ms,
        jobs=2,
    )
    assert recording.trace_rows.tolist() == [1, 5]
    assert recording.trace("v").shape == (2, 10)
    assert recording.trace("v")[1, -1] > recording.trace("v")[0, -1]
    assert OrnsteinUhlenbeck().noisy
    assert WhiteNoise().noisy
