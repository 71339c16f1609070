"""The counter-based generator: right distribution, independent streams, same in C++."""

import subprocess

import numpy as np
import pytest
from brian2 import ms, mV, pA, second
from scipy import stats
from scipy.special import ndtri

from neurosim import LIF, OrnsteinUhlenbeck, WhiteNoise, simulate
from neurosim.engine.point.source import _in_vectors
from neurosim.engine.programs.compiler import find_compiler
from neurosim.engine.programs.sources import membrane_source
from neurosim.randomness import AS241, _polynomial, gaussian, row_keys


def test_normal_deviates_have_the_normal_distribution():
    low, high = row_keys(np.arange(400))
    sample = np.array([gaussian(low, high, 0, step) for step in range(1000)])
    # Seeds are fixed, so these are facts, not chances; the bars are 4 standard errors.
    size = sample.size
    assert abs(sample.mean()) < 4 / np.sqrt(size)
    assert abs(sample.var() - 1) < 4 * np.sqrt(2 / size)
    assert abs(stats.skew(sample.ravel())) < 4 * np.sqrt(6 / size)
    assert abs(stats.kurtosis(sample.ravel())) < 4 * np.sqrt(24 / size)
    assert stats.kstest(sample.ravel(), "norm").pvalue > 1e-3


def test_rows_steps_and_streams_are_uncorrelated():
    low, high = row_keys(np.arange(200))
    first = np.array([gaussian(low, high, 0, step) for step in range(1000)])
    second_stream = np.array([gaussian(low, high, 1, step) for step in range(1000)])
    bar = 4.5 / np.sqrt(first.size)
    assert abs(np.mean(first[1:] * first[:-1])) < bar
    assert abs(np.mean(first[:, 1:] * first[:, :-1])) < bar
    assert abs(np.mean(first * second_stream)) < bar
    # Neighbouring seeds must not be shifted copies of each other.
    for lag in (1, 2, 17):
        assert abs(np.mean(first[lag:, 1:] * first[:-lag, :-1])) < bar


def test_keys_of_many_seeds_and_units_do_not_collide():
    seeds, units = np.meshgrid(np.arange(1000), np.arange(100))
    low, high = row_keys(seeds.ravel(), units.ravel())
    pairs = np.stack([low, high], axis=1)
    assert len(np.unique(pairs, axis=0)) == len(pairs)


def test_coefficients_of_as241_are_the_inverse_normal():
    p = np.concatenate([np.linspace(1e-4, 0.5, 5001), 10.0 ** -np.arange(4, 17)])
    q = p - 0.5
    r = 0.180625 - q * q
    value = q * _polynomial(AS241["a"], r) / _polynomial(AS241["b"], r)
    outside = np.abs(q) > 0.425
    s = np.sqrt(-np.log(p[outside]))
    shoulder = _polynomial(AS241["c"], s - 1.6) / _polynomial(AS241["d"], s - 1.6)
    tail = _polynomial(AS241["e"], s - 5) / _polynomial(AS241["f"], s - 5)
    value[outside] = -np.where(s <= 5, shoulder, tail)
    np.testing.assert_allclose(value, ndtri(p), atol=1e-13, rtol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("tau", [2.0, 20.0])
def test_ornstein_uhlenbeck_current_has_its_mean_sd_and_correlation(tau):
    quiet = LIF(V_th=1000 * mV)
    stimulus = OrnsteinUhlenbeck(mean=10 * pA, sd=50 * pA, tau=tau * ms)
    # A step far longer than usual: the update is exact for any step.
    recording = simulate(
        quiet,
        20 * second,
        stimulus=stimulus,
        seed=np.arange(100),
        record=["I_stim"],
        dt=1 * ms,
    )
    sample = recording.traces_si["I_stim"][:, 200:] * 1e12
    independent = sample.size / (2 * tau)
    assert sample.mean() == pytest.approx(10, abs=4 * 50 / np.sqrt(independent))
    assert sample.std() == pytest.approx(50, rel=4 / np.sqrt(2 * independent))
    lag = int(tau)
    correlation = np.mean((sample[:, lag:] - 10) * (sample[:, :-lag] - 10)) / 2500
    assert correlation == pytest.approx(np.exp(-1), abs=0.03)


@pytest.mark.slow
def test_white_noise_gives_the_free_membrane_its_standard_deviation():
    quiet = LIF(V_th=1000 * mV)
    recording = simulate(
        quiet,
        4 * second,
        stimulus=WhiteNoise.for_membrane(5 * mV, quiet),
        seed=np.arange(200),
        record=["v"],
        record_dt=20 * ms,
    )
    sample = recording.traces_si["v"][:, 10:] * 1e3
    assert sample.mean() == pytest.approx(-70, abs=0.1)
    assert sample.std() == pytest.approx(5, rel=0.02)


SAME_BITS = """{source}
int main() {{
    int32_t low[neurosim::GAUSSIANS], high[neurosim::GAUSSIANS];
    double many[neurosim::GAUSSIANS];
    long differ = 0, tail = 0;
    for (int step = 0; step < 400; step++) {{
        const int count = step % 3 ? neurosim::GAUSSIANS : 1 + step % neurosim::GAUSSIANS;
        for (int k = 0; k < count; k++) {{
            const uint64_t key = neurosim::mix(uint64_t(step) * 512 + uint64_t(k));
            low[k] = int32_t(uint32_t(key));
            high[k] = int32_t(uint32_t(key >> 32));
        }}
        neurosim::gaussians(low, high, 3, step, count, many);
        for (int k = 0; k < count; k++) {{
            const double one = neurosim::gaussian(low[k], high[k], 3, step);
            differ += std::memcmp(&one, &many[k], 8) != 0;
            tail += std::fabs(one) > 1.45;
        }}
    }}
    return differ == 0 && tail > 1000 ? 0 : 1;
}}
"""


@pytest.mark.slow
def test_deviates_drawn_together_are_those_drawn_one_by_one(tmp_path):
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("needs a C++ compiler")
    (tmp_path / "same.cpp").write_text(SAME_BITS.format(source=membrane_source()))
    build = [compiler.path, *compiler.flags, "same.cpp", "-o", "same"]
    subprocess.run(build, cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "same"], check=False).returncode == 0


def test_a_loop_over_rows_is_written_so_that_it_goes_through_vectors():
    """A loop as Brian2 writes it: calls that have no vector form are taken out, others stay."""
    loop = "\n".join(
        [
            "//@ drawn ahead",
            "const int32_t key_low = _ptr_array_cells_key_low[_idx];",
            "I = a * neurosim_gaussian(key_low, key_high, 1, t_in_timesteps);",
            "J = b * neurosim_gaussian(key_low, key_high, 1, t_in_timesteps - 1);",
            "on = t_in_timesteps >= _timestep(onset, dt);",
            "odd = _brian_mod(_timestep(t, dt), 2);",
        ]
    )
    written = _in_vectors(f"static int64_t _timestep(double t, double dt);\n{loop}").splitlines()
    assert written[0] == "static int64_t _timestep(double t, double dt);"
    assert sum("neurosim::gaussians(" in line for line in written) == 1
    assert "I = a * _drawn_1[_idx - _part];" in written
    assert "J = b * neurosim_gaussian(key_low, key_high, 1, t_in_timesteps - 1);" in written
    assert "on = t_in_timesteps >= neurosim::whole_steps(onset, dt);" in written
    assert "odd = _brian_mod(_timestep(t, dt), 2);" in written
    assert _in_vectors("no loop of ours") == "no loop of ours"
