"""The membrane of the CA1 pyramidal cell on a shape that is not its own."""

import numpy as np
import pytest
from brian2 import ms, mV, nA, um

from neurosim import Steps, simulate
from neurosim.catalogue import ca1_pyramidal
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.measure import measure_spikes
from neurosim.morphology import cylinder, tree


def shape():
    """Return soma, two basal dendrites and an apical one, as a reconstruction has them."""
    found = cylinder(18 * um, 18 * um, name="soma", tag="soma")
    for k in range(2):
        basal = cylinder(150 * um, 2 * um, name=f"basal[{k}]", tag="basal", direction=(k, -1, 0))
        found = found.join(basal, "soma")
    return found.join(tree(3, 150 * um, 3 * um, tag="apical", name="apical"), "soma")


def test_the_membrane_is_that_of_the_stylised_cell():
    ours, stylised = ca1_pyramidal(shape()), ca1_pyramidal()
    assert [type(one.part) for one in ours.painted] == [type(one.part) for one in stylised.painted]
    # An axon is added, since slices cut it.
    assert {"hillock", "initial_segment", "axon"} <= set(ours.morphology.tags)
    assert {one.label for one in ours.detectors} == {"soma", "initial_segment"}
    # It fires, at a threshold like that of the stylised one.
    step = Steps(amplitude=0.4 * nA, onset=10 * ms, duration=60 * ms)
    thresholds = []
    for cell in (ours, stylised):
        run = simulate(cell, 80 * ms, stimulus=step, dt=0.01 * ms)
        found = measure_spikes(run.trace_time, run.trace("soma")[0], start=10 * ms)
        assert len(found) >= 1
        thresholds.append(float(found.threshold[0] / mV))
    assert abs(np.diff(thresholds)[0]) < 2.0


def test_a_shape_without_its_dendrites_is_refused_by_name():
    with pytest.raises(UnknownNameError, match="tagged apical"):
        ca1_pyramidal(shape().without("apical"))


@pytest.mark.parametrize("wrong", ["cell.swc", 3])
def test_what_is_no_shape_is_refused(wrong):
    with pytest.raises(ParameterError, match="must be a shape"):
        ca1_pyramidal(wrong)
