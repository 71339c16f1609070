"""Potentials at electrodes outside: sources against integrals, membrane currents, placement."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from brian2.units import cm, mA, mS, ms, mV, nA, nS, second, siemens, um
from scipy.integrate import quad

from neurosim import LIF, Circuit, Constant, Neuron, Steps, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.morphology import Branch, Morphology, PerBranch, at, cylinder, everywhere, tagged
from neurosim.outside import ElectrodeArray, Placement, PointElectrodes
from neurosim.outside.line_sources import line_source, pieces_of
from neurosim.synapses import AMPA, Events

SIGMA = 0.3
ARRAY = ElectrodeArray(x=[30, 40, -25, 60] * um, y=[20, 0, 30, 5] * um, z=[0, 15, -20, 8] * um)


def piece(name, tag, points, diameters, parent=None, attach=1.0):
    return Branch(name, tag, np.array(points) * 1e-6, np.array(diameters) * 1e-6, parent, attach)


@cache
def bare():
    """Return a soma from whose two ends branches leave, and one that branches: three junctions."""
    shape = Morphology.from_branches(
        [
            piece("soma", "soma", [(0, 0, 0), (20, 0, 0)], [20, 20]),
            piece("right", "basal", [(20, 0, 0), (120, 30, 0), (180, 10, 40)], [3, 2, 1], "soma"),
            piece("left", "basal", [(20, 0, 0), (90, -60, 10)], [2, 2], "soma"),
            piece("first", "basal", [(0, 0, 0), (-90, -60, 10)], [2, 1], "soma", 0.0),
            piece("second", "basal", [(0, 0, 0), (-90, 60, 10)], [2, 1], "soma", 0.0),
            piece("deep", "basal", [(180, 10, 40), (200, 60, 90)], [1, 1], "right"),
            piece("deeper", "basal", [(180, 10, 40), (260, 10, 0)], [1, 0.5], "right"),
        ]
    )
    return Neuron(shape, PerBranch(5), celsius=6.3, rest=-65 * mV)


@cache
def cell():
    """Return it with channels, a synapse, and an electrode outside whose current is 0."""
    off = Steps(amplitude=0 * mA, onset=1 * ms, duration=1 * ms)
    return (
        bare()
        .paint([HHSodium(), HHPotassium()], tagged("soma"))
        .paint(Leak(g=0.3 * mS / cm**2, E=-54.387 * mV))
        .place(AMPA(g=5 * nS), at("deep"), Events.at([1] * ms), label="ampa")
        .expose(PointElectrodes(x=100 * um, y=80 * um, z=10 * um), off)
        .probe("i_membrane", everywhere)
        .probe("v", everywhere)
    )


def run(duration=4 * ms, **arguments):
    arguments = {"stimulus": Constant(0.5 * nA), "outside": ARRAY, "dt": 0.025 * ms} | arguments
    return simulate(cell(), duration, **arguments)


def currents(recording, label="i_membrane"):
    """Return membrane currents in ampere, shape (rows, samples, compartments)."""
    found = recording.matrix(label)
    return np.asarray(found.values)[..., np.argsort(found.compartments)]


# ---- sources ------------------------------------------------------------------------------------
def test_a_line_source_is_the_integral_of_point_sources_along_it():
    generator = np.random.default_rng(0)
    begin = generator.uniform(-100, 100, (12, 3)) * 1e-6
    end = begin + generator.normal(size=(12, 3)) * 30e-6
    electrodes = np.concatenate(
        [
            generator.uniform(-150, 150, (8, 3)),
            # Close beside a line, and on the axis beyond its end: where a difference of
            # logarithms loses its digits.
            (0.5 * (begin[0] + end[0]) * 1e6 + [0, 0, 1.5])[np.newaxis],
            ((end[1] + 0.02 * (end[1] - begin[1])) * 1e6)[np.newaxis],
            ((end[2] + 300 * (end[2] - begin[2])) * 1e6)[np.newaxis],
        ]
    )
    found = line_source(electrodes * 1e-6, begin, end, np.full(12, 1e-9), SIGMA)
    for e, electrode in enumerate(electrodes * 1e-6):
        for k in range(12):
            expected, _ = quad(
                lambda s, k=k, r=electrode: (
                    1 / np.linalg.norm(begin[k] + s * (end[k] - begin[k]) - r)
                ),
                0,
                1,
                epsrel=1e-10,
                limit=400,
            )
            assert found[e, k] == pytest.approx(expected / (4 * np.pi * SIGMA), rel=1e-6)


def test_each_compartment_is_its_path():
    cut = bare().compartments
    pieces = pieces_of(cut)
    length = np.linalg.norm(pieces.end_m - pieces.begin_m, axis=1)
    whole = np.bincount(pieces.compartment, weights=length)
    assert whole == pytest.approx(cut.length_m, rel=1e-12)
    assert np.bincount(pieces.compartment, weights=pieces.share) == pytest.approx(1, rel=1e-12)
    # The bend of the branch lies within a compartment, which has two pieces there.
    assert len(pieces.compartment) == len(cut) + 1


def test_the_potential_is_the_sum_of_integrals_over_all_paths():
    """Held against a sum over 20,000 points along each branch, cut by cut."""
    cut = bare().compartments
    transfer = ARRAY.transfer(cut, Placement.still())[0]
    where = ARRAY.positions_m
    for k in range(len(cut)):
        branch = cut.morphology[cut.branch_names[cut.branch[k]]]
        steps = np.linalg.norm(np.diff(branch.points_m, axis=0), axis=1)
        along = np.concatenate([[0], np.cumsum(steps)]) / steps.sum()
        at_ = cut.start[k] + (cut.end[k] - cut.start[k]) * (np.arange(20_000) + 0.5) / 20_000
        points = np.stack([np.interp(at_, along, axis) for axis in branch.points_m.T], axis=1)
        for e in range(len(where)):
            mean = np.mean(1 / np.linalg.norm(points - where[e], axis=1))
            assert transfer[e, k] == pytest.approx(mean / (4 * np.pi * SIGMA), rel=1e-6)


def test_an_electrode_within_a_cell_counts_as_on_its_surface():
    inside = ElectrodeArray(x=10 * um, y=[0, 3, 10] * um)
    transfer = inside.transfer(bare().compartments, Placement.still())[0]
    soma = bare().compartments.at("soma", 0.5)
    assert transfer[0, soma] == transfer[1, soma] == pytest.approx(transfer[2, soma], rel=1e-12)


# ---- membrane currents --------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("engine", ["cpp", "numpy"])
def test_membrane_currents_sum_to_zero(engine):
    """Electrodes in the cell and outside, synapses, channels and three junctions included."""
    duration = 4 * ms if engine == "cpp" else 0.3 * ms
    found = currents(run(duration, batch={"amplitude": [0.0, -0.05] * mA}, engine=engine))
    left = np.abs(found.sum(axis=2)) / np.abs(found).sum(axis=2)
    assert left.max() < 1e-12
    assert np.abs(found).max() > 1e-10


@pytest.mark.slow
def test_the_potential_is_that_of_the_membrane_currents():
    recording = run(batch={"amplitude": [0.0, -0.05] * mA})
    transfer = ARRAY.transfer(cell().compartments, Placement.still())[0]
    expected = np.einsum("ek,rtk->ret", transfer, currents(recording))
    assert recording.outside.values_si == pytest.approx(
        expected, rel=1e-9, abs=1e-12 * np.abs(expected).max()
    )
    assert np.abs(expected[0] - expected[1]).max() > 1e-6


def test_the_two_engines_agree():
    few = 12 * 0.025 * ms
    a, b = (run(few, engine=engine).outside.values_si for engine in ("cpp", "numpy"))
    assert a == pytest.approx(b, rel=1e-9, abs=1e-9 * np.abs(b).max())


def test_a_batch_of_any_size_and_threads_gives_the_same():
    batch = {"amplitude": np.linspace(0, -0.05, 20) * mA}
    many = run(1 * ms, batch=batch, jobs=2).outside.values_si
    alone = run(1 * ms, batch={"amplitude": batch["amplitude"][[7]]}).outside.values_si
    assert many[7] == pytest.approx(alone[0], rel=1e-12, abs=1e-18)


@pytest.mark.parametrize(("scheme", "early"), [("crank-nicolson", 0.5), ("backward-euler", 0.0)])
def test_samples_are_those_of_the_moment_that_was_solved_for(scheme, early):
    every = run(1 * ms, scheme=scheme)
    some = run(1 * ms, scheme=scheme, record_dt=0.1 * ms)
    shift = np.asarray((every.trace_time - every.outside.time) / (0.025 * ms))
    assert shift == pytest.approx(early, abs=1e-9)
    assert np.array_equal(some.outside.values_si, every.outside.values_si[..., 3::4])
    assert np.asarray(some.outside.time) == pytest.approx(np.asarray(every.outside.time)[3::4])


def test_long_traces_stay_on_disk(monkeypatch):
    expected = run().outside.values_si
    monkeypatch.setenv("NEUROSIM_TRACE_MEMORY", "1000")
    found = run().outside.values_si
    assert isinstance(found.base, np.memmap) or isinstance(found, np.memmap)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("scheme", ["crank-nicolson", "backward-euler"])
def test_the_membrane_current_of_a_passive_cell_is_capacitance_leak_and_electrode(scheme):
    """Worked out from the recorded potentials, with no use of axial resistances."""
    patch = Neuron(cylinder(100 * um, 5 * um), PerBranch(3), rest=-70 * mV).paint(
        Leak(g=0.1 * mS / cm**2, E=-60 * mV)
    )
    patch = patch.probe("i_membrane", everywhere).probe("v", everywhere)
    dt = 0.05e-3
    recording = simulate(
        patch, 1 * ms, stimulus=Constant(0.1 * nA), dt=dt * second, scheme=scheme, engine="numpy"
    )
    v = currents(recording, "v")[0]
    v = np.concatenate([np.full((1, 3), -0.07), v])
    area = patch.compartments.area_m2
    theta = 1.0 if scheme == "backward-euler" else 0.5
    middle = theta * v[1:] + (1 - theta) * v[:-1]
    expected = area * (0.01 * np.diff(v, axis=0) / dt + 1.0 * (middle + 0.06))
    expected[:, 1] -= 0.1e-9
    assert currents(recording)[0] == pytest.approx(expected, rel=1e-9, abs=1e-20)
    assert recording.outside is None


def test_far_away_it_is_the_field_of_a_dipole():
    recording = run()
    found = currents(recording)[0]
    cut = cell().compartments
    pieces = pieces_of(cut)
    centre = (pieces.begin_m + pieces.end_m) / 2 * pieces.share[:, np.newaxis]
    middles = np.stack([np.bincount(pieces.compartment, axis) for axis in centre.T], axis=1)
    moment = found @ middles
    direction = np.array([0.6, -0.48, 0.64])
    for metres in (0.05, 0.1):
        x, y, z = direction * metres * 1e6 * um
        far = run(outside=ElectrodeArray(x=x, y=y, z=z)).outside.values_si[0, 0]
        expected = moment @ direction / (4 * np.pi * SIGMA * metres**2)
        assert np.abs(far - expected).max() < 0.01 * np.abs(expected).max()


# ---- cells in space -----------------------------------------------------------------------------
def test_electrodes_and_cell_turned_together_read_the_same():
    placed = Placement(
        x=[0, 300, -50] * um, y=[0, 20, 70] * um, z=[0, -40, 5] * um,
        turn_x=[0, 0.3, 1.2], turn_y=[0, -1.0, 0.4], turn_z=[0, 2.0, -0.7],
    )  # fmt: skip
    assert placed.rotations() @ placed.rotations().transpose(0, 2, 1) == pytest.approx(
        np.broadcast_to(np.eye(3), (3, 3, 3)), abs=1e-15
    )
    expected = run(1 * ms).outside.values_si[0]
    moved = placed.place(ARRAY.positions_m)
    for k in range(3):
        x, y, z = moved[k].T * 1e6 * um
        array = ElectrodeArray(x=x, y=y, z=z)
        found = run(1 * ms, outside=array, placement=placed).outside.values_si[k]
        # The electrode outside stays where it is, at no current.
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12 * np.abs(expected).max())


def test_a_turn_is_counter_clockwise():
    quarter = np.pi / 2
    x, y, z = np.eye(3)
    for name, before, after in (("turn_x", y, z), ("turn_y", z, x), ("turn_z", x, y)):
        turned = Placement(**{name: quarter}).place(before[np.newaxis])[0, 0]
        assert turned == pytest.approx(after, abs=1e-15)


def test_a_circuit_is_the_sum_of_its_cells():
    placed = Placement(x=[0, 80, -120] * um, turn_z=[0, 1, 2])
    circuit = Circuit().add("cells", cell(), 3, stimulus=Constant(0.5 * nA))
    found = simulate(circuit, 1 * ms, dt=0.025 * ms, outside=ARRAY, placement={"cells": placed})
    each = found["cells"].outside.values_si
    assert found.outside.values_si[0] == pytest.approx(each.sum(axis=0), rel=1e-12)
    alone = run(1 * ms, placement=placed).outside.values_si
    assert each == pytest.approx(alone, rel=1e-12, abs=1e-18)
    assert np.abs(each[0] - each[1]).max() > 1e-7


# ---- what is refused ----------------------------------------------------------------------------
def test_what_cannot_be_recorded_is_refused():
    circuit = Circuit().add("cells", bare())
    with pytest.raises(ParameterError, match="one value, or as many"):
        ElectrodeArray(x=[0, 1] * um, y=[0, 1, 2] * um)
    with pytest.raises(UnknownNameError, match="did you mean 'line'"):
        ElectrodeArray(method="lines")
    with pytest.raises(ParameterError, match="greater than"):
        ElectrodeArray(conductivity=0 * siemens / (1e6 * um))
    with pytest.raises(ParameterError, match="one value, or one a cell"):
        Placement(x=[0, 1] * um, y=[0, 1, 2] * um)
    with pytest.raises(ParameterError, match="outside must be the electrodes"):
        simulate(bare(), 1 * ms, outside=(1, 2))
    with pytest.raises(ParameterError, match="must say where cells lie"):
        simulate(bare(), 1 * ms, placement=3 * um)
    with pytest.raises(ParameterError, match="by population is for circuits"):
        simulate(bare(), 1 * ms, placement={"cells": Placement()})
    with pytest.raises(UnknownNameError, match="did you mean 'cells'"):
        simulate(circuit, 1 * ms, placement={"cell": Placement()})
    with pytest.raises(ParameterError, match="3 for placement"):
        simulate(cell(), 1 * ms, placement=Placement(x=[0, 1, 2] * um), seed=[1, 2])
    with pytest.raises(ParameterError, match="a point neuron has no place"):
        simulate(LIF(), 1 * ms, outside=ARRAY)
