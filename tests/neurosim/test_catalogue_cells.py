"""The catalogue's cells with extent behave as their kind does."""

from __future__ import annotations

import numpy as np
import pytest
from brian2.units import Hz, cm, mS, ms, mV, nS, pA, um

from experiments.gallery.neurons.dendritic_xor import (
    Parameters,
    correct,
    pyramidal,
    respond,
    spike_law,
)
from experiments.kit.registry import Context
from neurosim import Constant, Neuron, Steps, simulate
from neurosim.catalogue import (
    axon_arrivals,
    bipolar_cell,
    ca1_pyramidal,
    fast_spiking_interneuron,
    layer5_pyramidal,
    purkinje_cell,
    spinal_motoneuron,
    with_parallel_fibres,
)
from neurosim.channels import Leak
from neurosim.errors import ParameterError
from neurosim.measure import fi_curve, intrinsic, measure_spikes
from neurosim.morphology import PerBranch, at, cylinder, tagged
from neurosim.synapses import AMPA, NMDA
from neurosim.synapses.events import Events


@pytest.mark.slow
def test_bipolar_cell_is_graded():
    """Its answer grows with the current, and nothing in it is a spike."""
    steps = Steps(amplitude=0 * pA, onset=20 * ms, duration=200 * ms)
    run = simulate(bipolar_cell(), 250 * ms, stimulus=steps, batch={"amplitude": [2, 5, 10] * pA})
    for row in range(3):
        slope = np.gradient(run.trace("soma")[row] / mV, run.trace_time / ms)
        assert slope.max() < 5
    heights = (run.trace("terminal") / mV).max(axis=1)
    assert np.all(np.diff(heights) > 1)
    assert np.isnan(intrinsic(bipolar_cell(), dt=0.025 * ms).rheobase_pA)


@pytest.mark.slow
def test_fast_spiking_interneuron():
    found = intrinsic(fast_spiking_interneuron(), dt=0.02 * ms)
    assert found.width_ms < 0.3
    assert abs(found.adaptation_index) < 0.02
    assert max(found.rate_Hz) > 200


@pytest.mark.slow
@pytest.mark.parametrize("cell", [ca1_pyramidal, layer5_pyramidal])
def test_pyramidal_cells_sag_and_spike_from_the_initial_segment(cell):
    neuron = cell()
    found = intrinsic(neuron, dt=0.025 * ms, multiples=(1.2, 2.0))
    assert found.sag_ratio > 0.05
    assert -60 < found.threshold_mV < -50
    steps = Steps(amplitude=2 * found.rheobase_pA * pA, onset=5 * ms, duration=90 * ms)
    run = simulate(neuron, 100 * ms, stimulus=steps)
    assert run.spike_times_at("initial_segment")[0] < run.spike_times_at("soma")[0]


@pytest.mark.slow
def test_motoneuron_needs_nanoamperes_and_its_axon_delays():
    rates = np.asarray(fi_curve(spinal_motoneuron(), [1000, 5000] * pA, duration=100 * ms))
    assert rates[0] == 0
    assert rates[1] > 20
    assert axon_arrivals([10, 12] * ms).time_s.tolist() == pytest.approx([0.03, 0.032])
    with pytest.raises(ParameterError, match="at most 2 m"):
        axon_arrivals([10] * ms, length=3e6 * um)


@pytest.mark.slow
def test_purkinje_cell_with_150_000_synapses():
    """The mean conductance of the Poisson drive agrees with Campbell's theorem."""
    rate, g = 0.3 * Hz, 0.1 * nS
    cell = with_parallel_fibres(purkinje_cell(), 150_000, rate=rate, g=g, seed=3)
    placed = cell.placed[0]
    sites = placed.site.compartments(cell.compartments)
    count = len(sites)
    assert abs(count - 150_000) < 5 * np.sqrt(150_000)
    dendrites = tagged("dendrite").mask(cell.compartments)
    assert dendrites[sites].all()
    # All that arrives on one branch: its open conductance is B - A there.
    host = int(np.bincount(sites).argmax())
    here = int(np.sum(sites == host))
    shape = cell.compartments
    name = shape.branch_names[int(shape.branch[host])]
    for state in "AB":
        cell = cell.probe(f"parallel_fibres.{state}", at(name, 0.5), label=state)
    run = simulate(cell, 4000 * ms, dt=0.05 * ms, seed=5)
    late = run.trace_time > 50 * ms
    trace = (run.traces_si["B"] - run.traces_si["A"])[0][late] * float(g)
    part = placed.part
    expected = here * float(rate) * float(g) * float(part.area)
    rise, decay = float(part.tau_rise), float(part.tau_decay)
    square = part.normalisation**2 * (decay / 2 + rise / 2 - 2 * rise * decay / (rise + decay))
    deviation = np.sqrt(here * float(rate) * float(g) ** 2 * square)
    # Standard error of the time average: the number of arrivals is Poisson.
    error = expected / np.sqrt(here * float(rate) * 3.95)
    assert abs(trace.mean() - expected) < 4 * error
    assert trace.std() == pytest.approx(deviation, rel=0.25)
    assert -70 < float(np.mean(run.trace("soma")) / mV) < 0


@pytest.mark.slow
def test_xor_needs_the_calcium_spike():
    p, context = Parameters(), Context()
    grid = np.geomspace(0.3, 40, 12)
    assert correct(respond(pyramidal(p.calcium_mS_cm2), np.array([p.synapse_nS]), p, context)) == 4
    assert correct(respond(pyramidal(0), grid, p, context)).max() <= 3


@pytest.mark.slow
def test_calcium_spike_falls_e_fold_in_11_7_mV():
    drive, height = spike_law(Parameters(), Context())
    fold = -1 / np.polyfit(drive, np.log(height), 1)[0]
    assert fold == pytest.approx(11.7, rel=0.05)


def _cable():
    thin = cylinder(200 * um, 1 * um, name="branch", tag="basal")
    shape = cylinder(20 * um, 20 * um, tag="soma").join(thin, "soma")
    return Neuron(shape, PerBranch(1, {"branch": 21})).paint(Leak(g=0.05 * mS / cm**2, E=-70 * mV))


@pytest.mark.slow
def test_nmda_spike_in_a_thin_dendrite():
    """More glutamate: AMPA alone saturates, NMDA jumps past the sum and then lasts."""
    spot = at("branch", 0.8)
    heights = {}
    for kind in (AMPA, NMDA):
        cell = _cable().place(AMPA(g=0.3 * nS), spot, Events.at([20] * ms), label="ampa")
        if kind is NMDA:
            cell = cell.place(NMDA(g=0.6 * nS), spot, Events.at([20] * ms), label="nmda")
        weights = np.arange(1, 31)
        batch = {"ampa.g": 0.3 * weights * nS}
        if kind is NMDA:
            batch["nmda.g"] = 0.6 * weights * nS
        run = simulate(cell.probe("v", spot, label="v"), 150 * ms, batch=batch)
        heights[kind] = (run.trace("v") / mV).max(axis=1) + 70
        long = np.sum(run.trace("v") / mV > -40, axis=1) * 0.025
    gain = {kind: np.diff(h) for kind, h in heights.items()}
    assert np.all(gain[AMPA][1:] <= gain[AMPA][:-1] + 0.05)
    # Supralinear: somewhere the next synapse adds more than the first one did.
    assert gain[NMDA].max() > 1.5 * heights[NMDA][0]
    assert long[-1] > 40


@pytest.mark.slow
def test_dendritic_sodium_spike():
    """With sodium channels a distal input makes a spike that the soma hardly sees."""
    from neurosim.channels import TraubMilesPotassium, TraubMilesSodium

    unit = mS / cm**2
    region = tagged("basal")
    cell = (
        _cable()
        .paint(TraubMilesSodium(g=40 * unit), region)
        .paint(TraubMilesPotassium(g=40 * unit), region)
        .probe("v", at("branch", 0.8), label="dendrite")
        .probe("v", at("soma"), label="soma")
        .place(AMPA(), at("branch", 0.8), Events.at([10] * ms), label="input")
    )
    run = simulate(cell, 40 * ms, batch={"input.g": [0.5, 5] * nS}, dt=0.01 * ms)
    dendrite, soma = ((run.trace(name) / mV).max(axis=1) for name in ("dendrite", "soma"))
    assert dendrite[0] < -40
    assert dendrite[1] > 0
    assert soma[1] < dendrite[1] - 20
    assert len(measure_spikes(run.trace_time, run.trace("dendrite")[1])) >= 1


@pytest.mark.slow
def test_bipolar_takes_a_constant():
    assert simulate(bipolar_cell(), 20 * ms, stimulus=Constant(0 * pA)).counts()[0] == 0
