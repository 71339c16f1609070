"""Conduction along axons, and the delay line that stands for one."""

from __future__ import annotations

import numpy as np
import pytest
from brian2.units import cm, meter, ms, mV, nA, ohm, second, um

from experiments.gallery.neurons.axon_velocity import exact_velocity
from neurosim import Neuron, Steps, simulate
from neurosim.axon import DelayLine, conduction_velocity, demyelinated, myelinated, travel_times
from neurosim.channels import squid_axon
from neurosim.describe.parts import Cable
from neurosim.errors import ParameterError
from neurosim.morphology import PerBranch, at, cylinder

KICK = Steps(amplitude=60 * nA, onset=0.2 * ms, duration=0.2 * ms)


def bare(length_um: float = 12000, pieces: int = 401) -> Neuron:
    shape = cylinder(length_um * um, 10 * um, name="axon", tag="axon")
    cable = Cable(R_a=35.4 * ohm * cm)
    return Neuron(shape, PerBranch(pieces), cable=cable, celsius=18.5, rest=-65 * mV).paint(
        squid_axon()
    )


@pytest.mark.slow
def test_the_exact_wave_is_that_of_the_literature():
    """18.73 m/s solves Hodgkin and Huxley's equations; by hand they found 18.8 (1952, p. 527)."""
    assert exact_velocity() == pytest.approx(18.731888, abs=2e-5)
    assert exact_velocity(4 * 476.0) == pytest.approx(2 * exact_velocity(), rel=1e-9)


@pytest.mark.slow
def test_the_cable_conducts_as_the_exact_wave_does():
    """Within 0.3 % at 10 um, to which the exact wave scales by the root of the diameter."""
    velocity = conduction_velocity(
        bare().place(KICK, at("axon", 0.0)), at("axon", 1 / 3), at("axon", 2 / 3), 8 * ms,
        dt=0.004 * ms,
    )  # fmt: skip
    assert float(velocity) == pytest.approx(exact_velocity(10.0), rel=0.003)


@pytest.mark.slow
def test_a_spike_that_does_not_arrive_has_no_velocity():
    axon = demyelinated(myelinated(10 * um, 14), range(4, 10), 0.999)
    axon = axon.place(Steps(amplitude=6 * nA, duration=0.1 * ms), at("node[0]", 0.5))
    blocked = conduction_velocity(
        axon, at("node[2]", 0.5), at("node[12]", 0.5), 4 * ms, threshold=-20 * mV, dt=0.005 * ms
    )
    assert float(blocked) == 0


@pytest.mark.slow
def test_damage_of_no_wrap_changes_nothing():
    whole = myelinated(10 * um, 14)
    runs = []
    for axon in (whole, demyelinated(whole, range(4, 10), 0.0)):
        axon = axon.place(Steps(amplitude=6 * nA, duration=0.1 * ms), at("node[0]", 0.5))
        runs.append(travel_times(axon, [at("node[12]", 0.5)], 2 * ms, dt=0.005 * ms)[0])
    np.testing.assert_allclose(runs[0], runs[1], rtol=1e-9)


@pytest.mark.slow
def test_the_delay_line_stands_for_the_cable():
    """Calibrated on one spike, it predicts the arrivals of a slow train."""
    start, end = at("axon", 0.1), at("axon", 0.9)
    line = DelayLine.of(bare(), KICK, start, end, 12 * ms, dt=0.01 * ms)
    train = Steps(
        amplitude=[60, 60, 60] * nA, onset=[1, 16, 31] * ms, duration=[0.2, 0.2, 0.2] * ms
    )
    sent, arrived = travel_times(bare().place(train, start), [start, end], 50 * ms, dt=0.01 * ms)
    assert len(sent) == len(arrived) == 3
    predicted = np.asarray(line.arrivals(sent * second))
    assert np.max(np.abs(predicted - arrived)) < 0.05e-3


def test_a_metre_long_axon_by_its_velocity():
    line = DelayLine.of_length(2 * meter, 50 * meter / second)
    assert float(line.delay) == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: demyelinated(myelinated(10 * um, 4), range(3, 9), 0.5), r"no internode\[4\]"),
        (lambda: demyelinated(myelinated(10 * um, 4), range(2), 1.0), "below 1"),
        (lambda: myelinated(50 * um, 4), "must lie between"),
        (lambda: DelayLine().arrivals([2, 1] * ms), "ascend"),
        (lambda: conduction_velocity(bare(), at("axon", 0.5), at("axon", 0.5)), "one compartment"),
        (lambda: DelayLine.of(bare(), Steps(), at("axon", 0.0), at("axon", 1.0), 1 * ms),
         "no spike"),
    ],
)  # fmt: skip
def test_bad_input(call, says):
    with pytest.raises(ParameterError, match=says):
        call()


@pytest.mark.slow
def test_kinetic_receptors_get_the_edges_of_their_pulses():
    from neurosim.synapses import Events, KineticAMPA

    events = Events.at([1, 4] * ms)
    cell = bare(200, 5).place(KineticAMPA(), at("axon", 0.5), events)
    cell = cell.probe("kinetic_ampa.r", at("axon", 0.5))
    recording = simulate(cell, 20 * ms, dt=0.005 * ms)
    expected = KineticAMPA().open_fraction(recording.trace_time, events)
    found = np.asarray(recording.trace("kinetic_ampa.r"))[0]
    assert np.max(np.abs(found - expected)) < 0.01
