"""Neurons for sbi: the prior, the simulator, and what the package itself makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms, mV, nS, pA, volt

from bridge.fit_peers import to_sbi as adapter
from bridge.fit_peers.to_sbi import StepSummary, to_sbi
from neurosim import LIF, AdEx, Constant, OrnsteinUhlenbeck, Steps, from_brian2, simulate
from neurosim.errors import ExtraMissingError, ParameterError, UnitError, UnknownNameError

WINDOW = StepSummary(20 * ms, 120 * ms)
STEP = Steps(amplitude=500 * pA, onset=20 * ms, duration=100 * ms)
RANGES = {"g_L": (5, 20, nS), "V_T": (-60, -50, mV)}


def test_a_summary_is_what_the_equations_say() -> None:
    current = 213 * pA
    run = simulate(LIF(), 400 * ms, stimulus=Constant(current), record=["v"], dt=0.01 * ms)
    spikes, first, interval, ratio, mean = StepSummary(0 * ms, 400 * ms)(run)[0]
    end = -70 + 21.3
    period = 2 + 20 * np.log((end + 70) / (end + 55))
    assert spikes == 1 + (400 - (period - 2)) // period
    assert first == pytest.approx(period - 2, abs=0.05)
    assert interval == pytest.approx(period, abs=0.05)
    assert ratio == pytest.approx(1.0, abs=0.01)
    assert -70 < mean < -55
    # A silent row has the window as time and as interval.
    run = simulate(LIF(), 100 * ms, stimulus=Constant(50 * pA), record=["v"])
    assert StepSummary(20 * ms, 80 * ms)(run)[0, :4].tolist() == [0, 60, 60, 1]
    with pytest.raises(ParameterError, match="before stop"):
        StepSummary(80 * ms, 20 * ms)
    with pytest.raises(UnitError):
        StepSummary(20, 80 * ms)


def test_all_rows_are_one_batch_in_the_units_of_the_ranges(monkeypatch) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra sbi")
    pytest.importorskip("sbi", reason="needs the extra sbi")
    batches = []

    def counted(*given, **named):
        batches.append(len(named["seed"]))
        return simulate(*given, **named)

    monkeypatch.setattr(adapter, "simulate", counted)
    prior, simulator = to_sbi(AdEx(), RANGES, 120 * ms, WINDOW, stimulus=STEP)
    assert prior.base_dist.low.tolist() == [5, -60]
    assert prior.base_dist.high.tolist() == [20, -50]
    torch.manual_seed(3)
    theta = prior.sample((1000,))
    x = simulator(theta)
    assert batches == [1000]
    assert x.shape == (1000, 5)
    assert x.dtype == torch.float32
    # A row is the neuron with these numbers.
    g_L, V_T = theta[7].tolist()
    own = AdEx(g_L=g_L * nS, V_T=V_T * mV)
    run = simulate(own, 120 * ms, stimulus=STEP, record=["v"])
    np.testing.assert_allclose(x[7].numpy(), WINDOW(run)[0], rtol=1e-5)
    assert simulator(theta[7]).shape == (5,)
    # A later threshold is a later spike.
    assert np.corrcoef(theta[:, 1], x[:, 1])[0, 1] > 0.5


def test_noise_differs_between_rows_and_is_repeated_by_the_seed_of_torch() -> None:
    torch = pytest.importorskip("torch", reason="needs the extra sbi")
    pytest.importorskip("sbi", reason="needs the extra sbi")
    noise = OrnsteinUhlenbeck(200 * pA, 80 * pA, 3 * ms)
    _, simulator = to_sbi(LIF(), {"V_th": (-58, -52, mV)}, 120 * ms, WINDOW, stimulus=noise)
    same = torch.full((4, 1), -55.0)
    torch.manual_seed(1)
    x = simulator(same)
    assert len(set(x[:, 4].tolist())) == 4
    torch.manual_seed(1)
    assert torch.equal(simulator(same), x)


@pytest.mark.slow
def test_sbi_infers_a_threshold(monkeypatch, tmp_path) -> None:
    # Where it is run, sbi writes its logs.
    monkeypatch.chdir(tmp_path)
    torch = pytest.importorskip("torch", reason="needs the extra sbi")
    inference = pytest.importorskip("sbi.inference", reason="needs the extra sbi")
    utils = pytest.importorskip("sbi.utils.user_input_checks", reason="needs the extra sbi")
    prior, simulator = to_sbi(
        LIF(), {"V_th": (-62, -50, mV)}, 120 * ms, WINDOW, stimulus=Constant(250 * pA)
    )
    torch.manual_seed(5)
    # What sbi itself asks of a prior and a simulator.
    checked, _, numpy_prior = utils.process_prior(prior)
    own = utils.process_simulator(simulator, checked, numpy_prior)
    utils.check_sbi_inputs(own, checked)
    theta, x = inference.simulate_for_sbi(
        own, checked, num_simulations=300, simulation_batch_size=300, show_progress_bar=False
    )
    learned = inference.NPE(checked, show_progress_bars=False)
    learned.append_simulations(theta, x).train(max_num_epochs=60)
    posterior = learned.build_posterior()
    truth = torch.tensor([[-56.5]])
    seen = posterior.sample((500,), x=own(truth), show_progress_bars=False)
    # A uniform prior over 12 mV has a standard deviation of 3.5 mV.
    assert abs(float(seen.mean()) + 56.5) < 1.0
    assert float(seen.std()) < 1.2


def test_a_row_that_diverges_is_nan_and_the_others_are_run() -> None:
    torch = pytest.importorskip("torch", reason="needs the extra sbi")
    pytest.importorskip("sbi", reason="needs the extra sbi")
    # The potential parts from E by a factor of e in every tau.
    unstable = from_brian2(
        "dv/dt = (v - E)/tau + 0*volt/second*(I_stim/(1*amp)) : volt", threshold="v > 1e9*volt",
        parameters={"E": -60 * mV, "tau": 20 * ms}, start=-70 * mV,
    )  # fmt: skip
    _, simulator = to_sbi(unstable, {"tau": (0.1, 30, ms)}, 120 * ms, WINDOW)
    x = simulator(torch.tensor([[20.0], [0.1], [30.0]]))
    assert torch.isnan(x[1]).all()
    assert torch.isfinite(x[[0, 2]]).all()


@pytest.mark.parametrize(
    ("ranges", "more", "said"),
    [
        ({"V_th": (-50, -60, mV)}, {}, "V_th must rise"),
        ({"V_th": (-50, -60)}, {}, "two numbers and their unit"),
        ({}, {}, "name at least one"),
        ({"V_th": (-60, -50, mV)}, {"batch": {}}, "batch is set by the adapter"),
        ({"V_th": (-60, -50, pA)}, {}, "needs a unit as of"),
        ({"V_th": (-60 * pA, -50 * pA, mV)}, {}, "two numbers and their unit"),
        ({"V_t": (-60, -50, mV)}, {}, "V_th"),
        ([("V_th", -60)], {}, "name at least one"),
    ],
)
def test_ranges_that_are_none_are_refused(ranges, more, said) -> None:
    pytest.importorskip("torch", reason="needs the extra sbi")
    pytest.importorskip("sbi", reason="needs the extra sbi")
    with pytest.raises((ParameterError, UnitError, UnknownNameError), match=said):
        to_sbi(LIF(), ranges, 100 * ms, WINDOW, **more)


def test_ends_with_a_unit_are_those_numbers() -> None:
    pytest.importorskip("torch", reason="needs the extra sbi")
    pytest.importorskip("sbi", reason="needs the extra sbi")
    plain, _ = to_sbi(LIF(), {"V_th": (-60, -50, mV)}, 100 * ms, WINDOW)
    given, _ = to_sbi(LIF(), {"V_th": (-0.06 * volt, -50 * mV, mV)}, 100 * ms, WINDOW)
    assert [float(one.base_dist.low) for one in (plain, given)] == [-60.0, -60.0]


def test_a_window_after_the_run_is_refused() -> None:
    run = simulate(LIF(), 100 * ms, stimulus=STEP, record=["v"])
    with pytest.raises(ParameterError, match="before the window"):
        StepSummary(150 * ms, 350 * ms)(run)


def test_what_does_not_fit_is_said(monkeypatch) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra sbi")
    pytest.importorskip("sbi", reason="needs the extra sbi")
    _, simulator = to_sbi(LIF(), {"V_th": (-60, -50, mV)}, 50 * ms, WINDOW)
    with pytest.raises(ParameterError, match=r"in the order V_th"):
        simulator(torch.zeros(3, 2))
    _, simulator = to_sbi(LIF(), {"V_th": (-60, -50, mV)}, 50 * ms, lambda _: np.zeros(4))
    with pytest.raises(ParameterError, match=r"must return \(2, n\)"):
        simulator(torch.full((2, 1), -55.0))


def test_without_sbi_it_is_said_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ExtraMissingError, match=r"neurosim-bridge\[sbi\]"):
        to_sbi(LIF(), {"V_th": (-60, -50, mV)}, 100 * ms, WINDOW)
