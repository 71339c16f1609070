"""Release against binomial theory and against the recursion of Tsodyks and Markram."""

import json
import pickle

import numpy as np
import pytest
from brian2 import Hz, ms, second
from scipy.stats import chisquare, expon, gamma, kstest

from neurosim.errors import ParameterError, UnitError, UnknownNameError
from neurosim.synapses import AMPA, GABAA, Dopamine, DoubleExponential, Events, Nicotinic
from neurosim.terminals import (
    TRANSMITTERS,
    DepletingRelease,
    QuantalRelease,
    SpontaneousRelease,
    Terminal,
    TsodyksMarkram,
    check_match,
    receptors_of,
    release_at_all,
)
from neurosim.terminals.base import TRANSMITTER_NAMES, uniforms

TRIALS = 10_000
SEEDS = np.arange(TRIALS)


@pytest.fixture(scope="module")
def analytic(shared_targets):
    return json.loads((shared_targets / "analytic_public.json").read_text())


def within(observed, expected, standard_error, times=3.0):
    assert abs(observed - expected) < times * standard_error, (
        f"{observed}: {(observed - expected) / standard_error:.1f} standard errors from {expected}"
    )


def variance_error(sample):
    """Standard error of a sample variance, from the fourth moment."""
    deviation = (sample - sample.mean()) ** 2
    return deviation.std() / np.sqrt(len(sample))


class TestQuantal:
    @pytest.mark.parametrize(
        ("N", "p", "q", "cv"), [(10, 0.3, 0.5, 0.3), (5, 0.8, 1.0, 0.0), (1, 0.5, 2.0, 0.7)]
    )
    def test_mean_variance_and_failures_over_10000_trials(self, N, p, q, cv):
        terminal = QuantalRelease(N=N, p=p, q=q, cv=cv)
        sizes = terminal.release([10] * ms, seed=SEEDS).weight[:, 0]
        within(sizes.mean(), N * p * q, sizes.std() / np.sqrt(TRIALS))
        wanted = N * p * q**2 * (1 - p + cv**2)
        within(sizes.var(), wanted, variance_error(sizes))
        failures = (1 - p) ** N
        within((sizes == 0).mean(), failures, np.sqrt(failures * (1 - failures) / TRIALS))
        assert terminal.mean == pytest.approx(N * p * q)
        assert terminal.variance == pytest.approx(wanted)
        assert terminal.failures == pytest.approx(failures)

    def test_the_acceptance_case(self, analytic):
        target = analytic["quantal"]
        terminal = QuantalRelease(N=target["N"], p=target["p"], q=target["q_mV"], cv=target["cv_q"])
        assert terminal.mean == pytest.approx(target["mean"])
        assert terminal.variance == pytest.approx(target["var"])
        assert terminal.failures == pytest.approx(target["failure_rate"])
        even = QuantalRelease(N=target["N"], p=target["p"], cv=0.0)
        count = even.release([10] * ms, seed=SEEDS).weight[:, 0].astype(int)
        seen = np.bincount(count, minlength=11)[:7]
        wanted = np.array(target["pmf"][:7]) * TRIALS
        seen, wanted = (
            np.append(seen, TRIALS - seen.sum()),
            np.append(wanted, TRIALS - wanted.sum()),
        )
        assert chisquare(seen, wanted).pvalue > 1e-3

    def test_quanta_are_gamma_distributed(self):
        sizes = QuantalRelease(N=1, p=1.0, q=2.0, cv=0.4).release([0] * ms, seed=SEEDS).weight[:, 0]
        assert kstest(sizes, gamma(1 / 0.16, scale=2 * 0.16).cdf).pvalue > 1e-3

    def test_spikes_of_a_train_are_independent(self):
        sizes = QuantalRelease().release([0, 10, 20] * ms, seed=SEEDS).weight
        correlation = np.corrcoef(sizes.T)[np.triu_indices(3, 1)]
        assert np.all(np.abs(correlation) < 3.5 / np.sqrt(TRIALS))


class TestSeeds:
    SPIKES = np.array([1, 4, 9, 30]) * ms

    @pytest.mark.parametrize(
        "terminal", [QuantalRelease(), DepletingRelease(tau_facil=200 * ms, reserve=30)]
    )
    def test_same_seed_same_numbers_alone_or_among_others(self, terminal):
        together = terminal.release(self.SPIKES, seed=[7, 3, 7, 11]).weight
        assert np.array_equal(together[0], together[2])
        assert not np.array_equal(together[0], together[1])
        assert np.array_equal(terminal.release(self.SPIKES, seed=3).weight, together[1])
        assert np.array_equal(terminal.release(self.SPIKES[:2], seed=3).weight, together[1][:2])

    def test_terminals_of_one_seed_draw_apart(self):
        terminal = QuantalRelease(N=50)
        first, second_ = (terminal.release(self.SPIKES, 5, terminal=k).weight for k in (0, 1))
        assert not np.any(first == second_)

    def test_deviates_are_uniform(self):
        assert kstest(uniforms(SEEDS, 2, 1, np.arange(3)).ravel(), "uniform").pvalue > 1e-3


class TestTsodyksMarkram:
    @pytest.mark.parametrize("case", ["depressing", "facilitating", "mixed"])
    def test_first_ten_and_steady_state(self, analytic, case):
        target = analytic["tsodyks_markram"][case]
        terminal = TsodyksMarkram(
            U=target["U"], tau_rec=target["tau_rec"] * ms, tau_facil=target["tau_facil"] * ms
        )
        for rate, row in target["rates"].items():
            hertz = float(rate)
            released = terminal.release(np.arange(10) / hertz * second).weight
            np.testing.assert_allclose(released, row["first10"], rtol=1e-9)
            steady = terminal.steady_state(hertz * Hz)
            assert float(steady.use) == pytest.approx(row["u_ss"], rel=1e-9)
            assert float(steady.available) == pytest.approx(row["x_ss"], rel=1e-9)
            assert float(steady.released) == pytest.approx(row["A_ss"], rel=1e-9)
            late = terminal.release(np.arange(200) / hertz * second).weight[-1]
            assert late == pytest.approx(row["iter200"], rel=1e-9)

    def test_recursion_solves_the_equations_between_spikes(self):
        """An irregular train in small steps of du/dt = -u/tau_f, dx/dt = (1 - x)/tau_rec."""
        spikes = np.array([5.0, 9.0, 31.0, 32.0, 180.0])
        U, rec, fac, dt = 0.2, 150.0, 60.0, 0.001
        terminal = TsodyksMarkram(U=U, tau_rec=rec * ms, tau_facil=fac * ms)
        use, available = terminal.course(spikes * ms)
        u, x, now = 0.0, 1.0, 0.0
        for k, spike in enumerate(spikes):
            for _ in range(round((spike - now) / dt)):
                # Midpoint rule.
                u *= (1 - dt / fac / 2) / (1 + dt / fac / 2)
                x += (1 - x) * (1 - (1 - dt / rec / 2) / (1 + dt / rec / 2))
            now = spike
            u += U * (1 - u)
            assert use[k] == pytest.approx(u, rel=1e-6)
            assert available[k] == pytest.approx(x, rel=1e-6)
            x -= u * x

    def test_limits(self):
        """No depression without tau_rec; no facilitation without tau_facil."""
        spikes = np.arange(6) * 10 * ms
        even = TsodyksMarkram(U=0.3, tau_rec=0 * ms, tau_facil=0 * ms, amplitude=4.0)
        np.testing.assert_allclose(even.release(spikes).weight, 1.2)
        spent = TsodyksMarkram(U=0.3, tau_rec=1e6 * second)
        np.testing.assert_allclose(
            spent.release(spikes).weight, 0.3 * 0.7 ** np.arange(6), rtol=1e-6
        )

    def test_every_trial_is_the_mean(self):
        weight = TsodyksMarkram().release([0, 9] * ms, seed=[1, 2, 3]).weight
        assert weight.shape == (3, 2)
        assert np.all(weight == weight[0])


class TestDepletion:
    @pytest.mark.parametrize(
        ("U", "rec", "fac"), [(0.5, 800, 0), (0.05, 100, 1000), (0.15, 130, 500)]
    )
    def test_mean_is_that_of_tsodyks_and_markram(self, U, rec, fac):
        """Each spike within 3.5 standard errors (of 30 spikes), the whole train within 3."""
        terminal = DepletingRelease(N=8, U=U, tau_rec=rec * ms, tau_facil=fac * ms, q=0.7, cv=0.2)
        spikes = np.arange(30) * 50 * ms
        sizes = terminal.release(spikes, seed=SEEDS).weight
        mean = terminal.mean_field.release(spikes).weight
        error = sizes.std(axis=0) / np.sqrt(TRIALS)
        assert np.all(np.abs(sizes.mean(axis=0) - mean) < 3.5 * error)
        total = sizes.sum(axis=1)
        within(total.mean(), mean.sum(), total.std() / np.sqrt(TRIALS))

    @pytest.mark.parametrize(("rate", "U", "fac"), [(10, 0.5, 0), (20, 0.15, 500)])
    def test_steady_state_within_one_percent(self, rate, U, fac):
        """The acceptance bound: a simulated regular train against the closed form."""
        terminal = DepletingRelease(N=20, U=U, tau_rec=130 * ms, tau_facil=fac * ms, cv=0.0)
        spikes = np.arange(140) / rate * second
        late = terminal.release(spikes, seed=np.arange(200)).weight[:, 60:]
        steady = terminal.mean_field.steady_state(rate * Hz)
        assert late.mean() == pytest.approx(float(steady.released) * 20, rel=0.01)

    def test_the_first_spike_is_binomial(self):
        first = DepletingRelease(N=10, U=0.3, q=0.5, cv=0.3).release([0] * ms, seed=SEEDS)
        sizes = first.weight[:, 0]
        within(sizes.mean(), 1.5, sizes.std() / np.sqrt(TRIALS))
        within(sizes.var(), 0.5925, variance_error(sizes))

    def test_depletion_correlates_spikes_negatively(self):
        """A site that released at the first spike is empty at the second."""
        sizes = DepletingRelease(N=1, U=0.6, cv=0.0).release([0, 1] * ms, seed=SEEDS).weight
        both = ((sizes[:, 0] > 0) & (sizes[:, 1] > 0)).mean()
        refilled = 1 - np.exp(-1 / 800)
        wanted = 0.6 * refilled * 0.6
        within(both, wanted, np.sqrt(wanted / TRIALS))

    def test_a_reserve_bounds_what_is_ever_released(self):
        terminal = DepletingRelease(N=6, U=0.9, tau_rec=5 * ms, cv=0.0, reserve=13)
        released = terminal.release(np.arange(200) * 5 * ms, seed=np.arange(50)).weight
        assert np.all(released.sum(axis=1) == 19)
        endless = DepletingRelease(N=6, U=0.9, tau_rec=5 * ms, cv=0.0)
        assert np.all(
            endless.release(np.arange(200) * 5 * ms, seed=np.arange(50)).weight.sum(axis=1) > 100
        )


class TestSpontaneous:
    def test_minis_are_a_poisson_train_of_single_quanta(self):
        events = SpontaneousRelease(rate=20 * Hz, cv=0.0).during(200 * second, seed=4)
        assert np.all(events.weight == 1)
        within(len(events.time_s), 4000, np.sqrt(4000))
        assert kstest(np.diff(events.time_s), expon(scale=0.05).cdf).pvalue > 1e-3
        again = SpontaneousRelease(rate=20 * Hz, cv=0.0).during(200 * second, seed=4)
        assert np.array_equal(again.time_s, events.time_s)

    def test_it_takes_no_spikes(self):
        with pytest.raises(ParameterError, match="during"):
            SpontaneousRelease().release([1] * ms)


class TestDoor:
    def test_delay_and_silence(self):
        late = QuantalRelease(delay=1.2 * ms).release([3, 8] * ms)
        np.testing.assert_allclose(late.time_s, [4.2e-3, 9.2e-3])
        assert QuantalRelease().release([] * ms).time_s.size == 0
        assert QuantalRelease().release([] * ms, seed=[1, 2]).weight.shape == (2, 0)

    @pytest.mark.parametrize(
        ("make", "says"),
        [
            (lambda: QuantalRelease(p=1.2), "between 0 and 1"),
            (lambda: QuantalRelease(N=0), "whole number"),
            (lambda: QuantalRelease(N=2.5), "whole number"),
            (lambda: TsodyksMarkram(U=0), "greater than"),
            (lambda: TsodyksMarkram(U=1.5), "between 0 and 1"),
            (lambda: DepletingRelease(reserve=-2), "reserve"),
            (lambda: QuantalRelease().release([2, 1] * ms), "ascend"),
            (lambda: QuantalRelease().release([-1] * ms), "at least"),
            (lambda: QuantalRelease().release([1] * ms, seed=-1), "seed"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, make, says):
        with pytest.raises(ParameterError, match=says):
            make()

    def test_units_and_names(self):
        with pytest.raises(UnitError, match="must carry a unit"):
            QuantalRelease().release([1, 2])
        with pytest.raises(UnknownNameError, match="did you mean 'glutamate'"):
            QuantalRelease(transmitter="glutamat")

    def test_terminals_are_values(self):
        for part in (QuantalRelease(), DepletingRelease(), TsodyksMarkram(), SpontaneousRelease()):
            again = pickle.loads(pickle.dumps(part))
            assert again == part
            assert hash(again) == hash(part)
        assert QuantalRelease() == QuantalRelease()
        assert hash(DepletingRelease()) == hash(DepletingRelease())
        assert QuantalRelease(N=3) != QuantalRelease(N=4)
        assert QuantalRelease().to_dict()["kind"] == "QuantalRelease"


class TestBranching:
    def test_terminals_of_one_axon_release_apart_and_late(self):
        """Sum of k independent binomial terminals: k times the mean and the variance of one."""
        terminal = QuantalRelease(N=4, p=0.5, cv=0.0)
        several = release_at_all(terminal, [5, 10] * ms, [0, 1, 2.5] * ms, seed=SEEDS)
        np.testing.assert_allclose(several[2].time_s, [8e-3, 13e-3])
        total = sum(events.weight[:, 0] for events in several)
        within(total.mean(), 6, total.std() / np.sqrt(TRIALS))
        within(total.var(), 3, variance_error(total))
        assert Events.merge(several).weight.shape == (TRIALS, 6)
        alone = terminal.release([6, 11] * ms, 7, terminal=1)
        assert np.array_equal(several[1].weight[7], alone.weight)


class TestTransmitters:
    def test_names_agree(self):
        assert tuple(TRANSMITTERS) == TRANSMITTER_NAMES
        for name, kinds in TRANSMITTERS.items():
            assert all(kind.transmitter == name for kind in kinds)

    def test_what_fits_and_what_does_not(self):
        glutamate = QuantalRelease()
        check_match(glutamate, AMPA())
        check_match(glutamate, DoubleExponential())
        check_match(QuantalRelease(transmitter="acetylcholine"), Nicotinic())
        check_match(QuantalRelease(transmitter="dopamine"), Dopamine())
        with pytest.raises(ParameterError, match="glutamate acts on AMPA, NMDA"):
            check_match(glutamate, GABAA())
        with pytest.raises(UnknownNameError, match="did you mean 'gaba'"):
            receptors_of("gabaa")

    def test_a_bare_terminal_releases_nothing_of_its_own(self):
        with pytest.raises(NotImplementedError):
            Terminal().release([1] * ms)
