"""Law: same description and same seed give the same numbers, however they are run."""

import subprocess
import sys

import numpy as np
import pytest
from brian2 import mV, pA, second

from neurosim import LIF, AdEx, Constant, OrnsteinUhlenbeck, TraubMiles, WhiteNoise, simulate

CURRENTS = np.linspace(100, 400, 17) * pA
SEEDS = np.arange(17) + 40


def _run(neuron, part=slice(None), **more):
    stimulus = Constant(0 * pA) + WhiteNoise.for_membrane(4 * mV, LIF())
    return simulate(
        neuron,
        0.3 * second,
        stimulus=stimulus,
        batch={"current": CURRENTS[part]},
        seed=SEEDS[part],
        **more,
    )


@pytest.mark.slow
@pytest.mark.parametrize("neuron", [LIF(), AdEx(), TraubMiles()], ids=lambda n: type(n).__name__)
def test_alone_in_a_batch_and_in_two_processes(neuron):
    whole = _run(neuron)
    assert len(whole.spike_time_s) > 50
    two = _run(neuron, jobs=2)
    np.testing.assert_array_equal(whole.spike_time_s, two.spike_time_s)
    np.testing.assert_array_equal(whole.spike_row, two.spike_row)
    for row in (0, 7, 16):
        alone = _run(neuron, slice(row, row + 1))
        np.testing.assert_array_equal(
            np.asarray(alone.spike_train(0)), np.asarray(whole.spike_train(row))
        )
        np.testing.assert_array_equal(alone.final_si["v"], whole.final_si["v"][row : row + 1])


@pytest.mark.slow
def test_compiled_and_numpy_engines_agree():
    compiled = _run(LIF(), engine="cpp")
    interpreted = _run(LIF(), engine="numpy")
    np.testing.assert_array_equal(compiled.spike_row, interpreted.spike_row)
    np.testing.assert_allclose(compiled.spike_time_s, interpreted.spike_time_s, atol=1e-9)


@pytest.mark.slow
def test_a_scalar_seed_means_that_seed_for_every_row():
    kept = {"stimulus": Constant(250 * pA) + OrnsteinUhlenbeck()}
    many = simulate(LIF(), 0.3 * second, seed=[5, 6, 5], **kept)
    one = simulate(LIF(), 0.3 * second, seed=5, **kept)
    np.testing.assert_array_equal(many.spike_train(0), many.spike_train(2))
    np.testing.assert_array_equal(many.spike_train(0), one.spike_train(0))
    assert len(many.spike_train(0)) != len(many.spike_train(1)) or not np.array_equal(
        many.spike_train(0), many.spike_train(1)
    )


@pytest.mark.slow
def test_another_interpreter_finds_the_same_spikes():
    program = (
        "from brian2 import pA, mV, second\n"
        "from neurosim import *\n"
        "s = Constant(250*pA) + WhiteNoise.for_membrane(4*mV, LIF())\n"
        "print(simulate(LIF(), 0.3*second, stimulus=s, seed=9).spike_time_s.tolist())\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    stimulus = Constant(250 * pA) + WhiteNoise.for_membrane(4 * mV, LIF())
    here = simulate(LIF(), 0.3 * second, stimulus=stimulus, seed=9)
    assert eval(said) == here.spike_time_s.tolist()
