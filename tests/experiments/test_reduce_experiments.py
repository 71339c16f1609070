"""The cells of the experiments on reductions."""

import numpy as np
import pytest
from brian2.units import ms, pA, second, um

from bridge.reduce import InnervatedDendrites
from experiments.smallest_network import BranchedCell, Parameters, integrate_and_fire_cell
from experiments.two_layer_neuron import bushy_pyramidal
from neurosim import LIF, Constant, simulate
from neurosim.morphology import tagged


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


@pytest.mark.slow
def test_nmda_receptors_make_the_branch_pass_more_than_the_sum():
    """Four inputs at once lift the soma by more than four times what one does."""
    p = Parameters()
    events = np.zeros((2, 109, 200), dtype=np.uint8)
    events[0, 100, 50] = 1
    events[1, 100:104, 50] = 1
    lifts = []
    for nmda in (0.0, p.branch_nmda_nS):
        v = BranchedCell("cell", p, nmda).respond(events).voltage_mV
        lifts.append(v.max(axis=1) + 70)
    without, with_nmda = lifts
    assert without[1] < 4 * without[0]
    assert with_nmda[1] > without[1] + 4
