"""Trains of pulses: any number of onsets, as data and not as code."""

import numpy as np
import pytest
from brian2 import cm, mS, ms, mV, nA, pA, um

from neurosim import LIF, Circuit, FrozenNoise, Neuron, Pulses, Steps, simulate
from neurosim.channels import Leak
from neurosim.engine.cable.compose import Run, compose_cable
from neurosim.engine.point.model import compose
from neurosim.errors import ParameterError
from neurosim.morphology import PerBranch, at, cylinder

CELL = Neuron(cylinder(20 * um, 20 * um), rest=-70 * mV).paint(Leak(g=0.1 * mS / cm**2))
DT = 0.1
RUN = Run(1, {}, np.zeros(1, dtype=int), 0.1, 1e-4, 1e-4, 0.0, 0.5)


def many(n, *, spread=80.0, longest=2.0):
    """Steps at random times, of random sizes and lengths; many overlap or touch."""
    generator = np.random.default_rng(n)
    onset = np.round(generator.uniform(0, spread, n), 1)
    return (
        generator.uniform(-50, 150, n) * pA,
        onset * ms,
        np.round(generator.uniform(0.1, longest, n), 1) * ms,
    )


def expected(steps, samples):
    """Sum of the rectangles at each time step, worked out one by one."""
    amplitude, onset, duration = (
        np.broadcast_to(np.asarray(part, dtype=float), steps.count)
        for part in (steps.amplitude, steps.onset, steps.duration)
    )
    found = np.zeros(samples)
    for size, start, length in zip(amplitude, onset, duration, strict=True):
        first, last = (int((time + 1e-7) / 1e-4) for time in (start, start + length))
        found[first:last] += size
    return found


def current(neuron, stimulus, *, engine="auto", **options):
    run = simulate(
        neuron, 100 * ms, stimulus=stimulus, record=["I_stim"], dt=DT * ms, engine=engine, **options
    )
    name = "I_stim" if isinstance(neuron, LIF) else "stimulus.current"
    return np.asarray(run.trace(name))


def test_the_compiled_program_does_not_depend_on_the_number_of_onsets():
    several = [Steps(*many(n)) for n in (50, 200, 500, 20_000)]
    point = {compose(LIF(), s, wired=False, record=()).key() for s in several}
    cable = {compose_cable(CELL.place(s, at("dendrite")), RUN).model.kernels for s in several}
    assert len(point) == len(cable) == 1
    trains = [Pulses(n=n) for n in (1, 500)]
    assert len({compose(LIF(), s, wired=False, record=()).key() for s in trains}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["auto", "numpy"])
@pytest.mark.parametrize("neuron", [LIF(), CELL], ids=["point", "cable"])
def test_five_hundred_steps_inject_the_sum_of_their_rectangles(neuron, engine):
    steps = Steps(*many(500))
    found = current(neuron, steps, engine=engine)[0]
    np.testing.assert_allclose(found, expected(steps, 1000), rtol=1e-12, atol=1e-24)
    # Where all are over, nothing is left of rounding.
    assert np.all(found[830:] == 0)


def test_a_table_and_code_give_the_same_bits(monkeypatch):
    steps = Steps([70, -20, 35, 11] * pA, [5, 8, 8, 40.1] * ms, [10, 0.1, 32.1, 3] * ms)
    written = current(CELL, steps, engine="numpy")
    monkeypatch.setattr(Steps, "most_written", 0)
    assert np.array_equal(written, current(CELL, steps, engine="numpy"))
    one = current(CELL, Steps(70 * pA, 5 * ms, 10 * ms), engine="numpy")[0]
    assert np.array_equal(one, expected(Steps(70 * pA, 5 * ms, 10 * ms), 1000))


@pytest.mark.slow
@pytest.mark.parametrize("neuron", [LIF(), CELL], ids=["point", "cable"])
def test_rows_of_a_batch_get_their_own_trains(neuron):
    amplitude, onset, duration = many(9)
    steps = Steps(amplitude, onset, duration)
    batch = {"onset[3]": [10, 20, 10] * ms, "amplitude[7]": [5, 6, 7] * pA}
    rows = current(neuron, steps, batch=batch, engine="numpy")
    for row in range(3):
        changed_onset, changed_size = np.array(onset), np.array(amplitude)
        changed_onset[3] = batch["onset[3]"][row]
        changed_size[7] = batch["amplitude[7]"][row]
        alone = Steps(changed_size * 1e12 * pA, changed_onset * 1e3 * ms, duration)
        np.testing.assert_allclose(rows[row], expected(alone, 1000), rtol=1e-9, atol=1e-24)
    # One amplitude or duration for all pulses, as they are varied most.
    alike = Steps(amplitude=1 * pA, onset=onset, duration=1 * ms)
    batch = {"amplitude": [1, 2] * pA, "duration": [1, 0.5] * ms}
    rows = current(neuron, alike, batch=batch, engine="numpy")
    for row, (size, length) in enumerate(((1, 1), (2, 0.5))):
        alone = Steps(size * pA, onset, length * ms)
        np.testing.assert_allclose(rows[row], expected(alone, 1000), rtol=1e-9, atol=1e-24)


def test_populations_of_a_circuit_read_their_own_tables():
    cell = CELL.probe("stimulus.current", at("dendrite"), label="I")
    first, second = Steps(*many(20)), Steps(*many(30))
    circuit = Circuit().add("a", cell, stimulus=first).add("b", cell, stimulus=second)
    found = simulate(circuit, 100 * ms, dt=DT * ms, engine="numpy")
    for name, steps in (("a", first), ("b", second)):
        told = np.asarray(found[name].trace("I"))[0]
        np.testing.assert_allclose(told, expected(steps, 1000), rtol=1e-12, atol=1e-24)


@pytest.mark.slow
@pytest.mark.parametrize("neuron", [LIF(), CELL], ids=["point", "cable"])
def test_pulses_are_steps_at_their_onsets(neuron):
    trains = [(10, 1, 5, 0), (1.37, 0.2, 40, 3.33), (0.1, 0.1, 700, 0.05), (0.3, 0.1, 300, 7.0)]
    period, width, n, onset = np.array(trains).T
    batch = {
        "period": period * ms, "width": width * ms, "n": n, "onset": onset * ms,
    }  # fmt: skip
    engine = "auto" if neuron is CELL else "numpy"
    rows = current(neuron, Pulses(amplitude=100 * pA), batch=batch, engine=engine)
    for row, (period, width, n, onset) in enumerate(trains):
        times = (onset + np.arange(n) * period) * ms
        steps = Steps(100 * pA, times, width * ms)
        assert np.array_equal(rows[row], expected(steps, 1000)), trains[row]
        assert rows[row].max() == 100e-12


def test_a_train_that_is_none_is_refused():
    for make, says in (
        (lambda: Pulses(1 * ms, 2 * ms, 5), "must not be longer than period"),
        (lambda: Pulses(n=2.5), "whole number"),
        (lambda: Pulses(n=0), "at least 1"),
        (lambda: Steps(amplitude=[1, 2] * pA, onset=0 * ms), "as many values"),
        (lambda: Steps(onset=[1, 2, 3] * ms, duration=[1, 2] * ms), "as many values"),
    ):
        with pytest.raises(ParameterError, match=says):
            make()
    with pytest.raises(ParameterError, match="one Steps"):
        sum([Steps(1 * pA)] * 100, start=Steps(1 * pA))
    with pytest.raises(ParameterError, match="longer than period"):
        simulate(LIF(), 1 * ms, stimulus=Pulses(), batch={"width": [1, 20] * ms})


@pytest.mark.parametrize("neuron", [LIF(), CELL], ids=["point", "cable"])
def test_frozen_noise_has_an_amplitude_to_vary(neuron):
    samples = np.random.default_rng(2).normal(10, 50, 1000)
    noise = FrozenNoise(samples * pA, interval=DT * ms, amplitude=2)
    both = noise + FrozenNoise(samples[::-1] * pA, interval=DT * ms)
    batch = {"frozen_noise_2.amplitude": [0, 1, -3]}
    rows = current(neuron, both, batch=batch, engine="numpy")
    told = 2 * samples + np.outer([0, 1, -3], samples[::-1])
    np.testing.assert_allclose(rows, told * 1e-12, rtol=1e-12, atol=1e-24)
    assert "amplitude=2" in repr(noise)


def test_pulses_shorter_than_a_time_step_are_refused():
    """Four pulses of 100 nA injected nothing at all."""
    short = Pulses(1 * ms, 0.01 * ms, 4, amplitude=100 * nA, onset=0.3 * ms)
    step = Steps(amplitude=1 * nA, onset=1 * ms, duration=0.01 * ms)
    shape = cylinder(20 * um, 20 * um, name="soma")
    cell = Neuron(shape, PerBranch(1)).paint(Leak())
    for neuron in (LIF(), cell):
        for stimulus, name in ((short, "width"), (step, "duration")):
            with pytest.raises(ParameterError, match=rf"{name} \(0.01 ms\) is shorter"):
                simulate(neuron, 5 * ms, stimulus=stimulus, dt=0.025 * ms, engine="numpy")
    given = {"stimulus": step, "dt": 0.025 * ms, "engine": "numpy"}
    with pytest.raises(ParameterError, match="shorter"):
        simulate(LIF(), 5 * ms, batch={"duration": [1, 0.01] * ms}, **given)
    assert simulate(LIF(), 5 * ms, batch={"duration": [1, 0.025] * ms}, **given).rows == 2
