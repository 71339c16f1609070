"""The cells of the experiments on reductions."""

import numpy as np
import pytest
from brian2.units import ms, pA, second, um

from bridge.reduce import InnervatedDendrites
from experiments.gallery.units.smallest_network import (
    BranchedCell,
    BranchTrains,
    Parameters,
    integrate_and_fire_cell,
)
from experiments.gallery.units.two_layer_neuron import bushy_pyramidal
from neurosim import LIF, Constant, simulate
from neurosim.morphology import tagged


@pytest.mark.slow
def test_the_cell_with_a_reset_conductance_is_the_lif():
    """With a branch that draws no current its f-I curve is that of the catalogue's LIF."""
    current = [140, 170, 200, 300, 600] * pA
    bare = integrate_and_fire_cell(1.0, 0.1)
    found = simulate(
        bare, 1 * second, stimulus=Constant(0 * pA), batch={"current": current}, dt=0.025 * ms
    ).counts()
    known = simulate(LIF(), 1 * second, batch={"current": current}).counts()
    assert found[0] == known[0] == 0
    np.testing.assert_allclose(found[1:], known[1:], rtol=0.05, atol=1)


def test_the_bushy_cell_has_thirty_thin_apical_branches():
    cell = InnervatedDendrites(
        bushy_pyramidal(27), "CA1", inhibitory_per_branch=0, region=tagged("apical"),
        thickest=1.5 * um,
    )  # fmt: skip
    assert len(cell.branches) == 33
    assert not any("basal" in name or name == "trunk" for name in cell.branches)
    assert bushy_pyramidal(3).morphology == bushy_pyramidal(0).morphology


def lifts(cell, numbers):
    """Peak depolarisation (mV) by so many of the branch's inputs at once."""
    events = np.zeros((len(numbers), len(cell.distal), 200), dtype=np.uint8)
    for k, many in enumerate(numbers):
        chosen = np.linspace(0, 8, many).round().astype(int)
        events[k, np.flatnonzero(cell.distal)[chosen], 50] = 1
    return cell.respond(events).voltage_mV.max(axis=1) + 70


@pytest.mark.slow
def test_three_of_nine_inputs_set_off_an_nmda_spike_and_a_twin_has_none():
    cell = BranchedCell("cell", Parameters())
    one, three, nine = lifts(cell, [1, 3, 9])
    assert three > 1.5 * 3 * one
    assert 4 < nine < 10  # far below the threshold, 15 mV away
    drive = BranchTrains(1.0, wander=1.0)
    twin = cell.twin(drive, seed=1)
    one, three, nine = lifts(twin, [1, 3, 9])
    assert three < 3 * one
    other = [c.lift_mV(drive, seed=2) for c in (cell, twin)]
    assert other[1] == pytest.approx(other[0], rel=0.1)


def test_the_branch_has_its_own_rate():
    cell = BranchedCell("cell", Parameters())
    drive = BranchTrains(12.0, wander=1.0, branch_Hz=2.5)
    events = drive.draw(cell, 8, 20_000, seed=3)
    assert 1000 * events[:, ~cell.distal].mean() == pytest.approx(12.0, rel=0.05)
    assert 1000 * events[:, cell.distal].mean() == pytest.approx(2.5, rel=0.1)
    # The nine wander together: their number in 100 ms varies more than Poisson's.
    number = events[:, cell.distal].sum(axis=1).reshape(8, -1, 100).sum(axis=2)
    assert number.var() > 2 * number.mean()
