"""Fields that stimulate from outside, against closed forms and NEURON's `extracellular`."""

from __future__ import annotations

import numpy as np
import pytest
from brian2.units import cm, meter, mS, ms, mV, nA, uA, um, volt
from scipy.integrate import quad

from neurosim import Circuit, Constant, Neuron, WhiteNoise, simulate
from neurosim.channels import Leak
from neurosim.errors import ParameterError, UnitError
from neurosim.morphology import Branch, Morphology, PerBranch, cylinder, everywhere
from neurosim.outside import Placement, PointElectrodes, UniformField

SIGMA = 0.3
REST = -70 * mV


def cable(length, count, *, turned=(1, 0, 0)):
    """Return a passive cable of 2 um with a length constant of 1 / sqrt(2) mm."""
    shape = cylinder(length * um, 2 * um, direction=turned, name="cable")
    return Neuron(shape, PerBranch(count), rest=REST).paint(Leak(g=0.1 * mS / cm**2, E=REST))


LAMBDA = float(np.sqrt(2e-6 / 4 / (1.0 * 1.0)))


def steady(neuron, field, current=1 * uA, **arguments):
    """Return where each compartment lies and how far it is polarised in the end, in volt."""
    exposed = neuron.expose(field, Constant(current)).probe("v", everywhere)
    # Steps far longer than the time constant of 10 ms: the steady state.
    recording = simulate(
        exposed, 40_000 * ms, dt=2000 * ms, scheme="backward-euler", engine="numpy", **arguments
    )
    found = recording.matrix("v")
    return found.xyz, np.asarray(found.values)[:, -1] - float(REST)


# ---- closed forms -------------------------------------------------------------------------------
@pytest.mark.parametrize("direction", [(1, 0, 0), (0.6, 0, 0.8)])
def test_a_uniform_field_polarises_a_sealed_cable_as_the_closed_form_says(direction):
    xyz, found = steady(cable(1500, 151, turned=direction), UniformField(z=10 * volt / meter))
    along = float(np.dot(direction, [0, 0, 1]))
    x = np.linalg.norm(np.asarray(xyz), axis=1) - 0.75e-3
    expected = 10 * along * LAMBDA * np.sinh(x / LAMBDA) / np.cosh(0.75e-3 / LAMBDA)
    assert found[0] == pytest.approx(expected, abs=1e-3 * max(np.abs(expected).max(), 1e-9))


def test_a_point_source_polarises_a_long_cable_as_the_integral_says():
    """The second derivative of the potential outside, smoothed over a length constant."""
    height, current = 0.2e-3, -10e-6
    field = PointElectrodes(x=5000 * um, y=height * 1e6 * um)
    xyz, found = steady(cable(10_000, 2001), field, -10 * uA)
    x = np.asarray(xyz)[:, 0] - 5e-3

    def curvature(s):
        r = np.hypot(s, height)
        return current / (4 * np.pi * SIGMA) * (2 * s**2 - height**2) / r**5

    for k in (1000, 1010, 1060, 1200):
        expected, _ = quad(
            lambda s, k=k: LAMBDA / 2 * np.exp(-abs(x[k] - s) / LAMBDA) * curvature(s),
            -5e-3,
            5e-3,
            points=[x[k], 0, -height, height],
            limit=400,
        )
        assert found[0, k] == pytest.approx(expected, rel=2e-3, abs=1e-6)
    assert found[0, 1000] > 0.005, "a cathode depolarises what lies below it"


def test_two_electrodes_are_the_sum_of_each():
    one = {"x": [200, 900] * um, "y": 60 * um, "z": 10 * um}
    _, both = steady(cable(1000, 51), PointElectrodes(**one, share=[1, -0.4]))
    _, first = steady(cable(1000, 51), PointElectrodes(x=200 * um, y=60 * um, z=10 * um))
    _, second = steady(cable(1000, 51), PointElectrodes(x=900 * um, y=60 * um, z=10 * um))
    assert both == pytest.approx(first - 0.4 * second, rel=1e-9, abs=1e-12)


def test_at_a_branching_the_field_drives_no_current_away_from_the_membrane():
    """Three branches that meet: the currents that stand for the field sum to zero."""
    points = [[(0, 0, 0), (50, 0, 0)], [(50, 0, 0), (90, 40, 0)], [(50, 0, 0), (90, -70, 20)]]
    shape = Morphology.from_branches(
        [
            Branch(
                name, "basal", np.array(p) * 1e-6, np.array([2e-6, 1e-6]), None if k == 0 else "a"
            )
            for k, (name, p) in enumerate(zip("abc", points, strict=True))
        ]
    )
    neuron = Neuron(shape, PerBranch(7), rest=REST).paint(Leak(g=0.1 * mS / cm**2, E=REST))
    exposed = neuron.expose(PointElectrodes(x=60 * um, y=20 * um), Constant(5 * uA))
    exposed = exposed.probe("i_membrane", everywhere).probe("v", everywhere)
    recording = simulate(
        exposed, 40_000 * ms, dt=2000 * ms, scheme="backward-euler", engine="numpy"
    )
    current = np.asarray(recording.matrix("i_membrane").values)[0, -1]
    places = recording.matrix("i_membrane").compartments
    area = neuron.compartments.area_m2[places]
    leak = area * (np.asarray(recording.matrix("v").values)[0, -1] - float(REST))
    assert np.abs(current).max() > 1e-12
    assert current == pytest.approx(leak, rel=1e-6, abs=1e-9 * np.abs(leak).max())
    assert abs(current.sum()) < 1e-12 * np.abs(current).sum()


def test_cells_see_the_field_where_they_are_placed():
    placed = Placement(x=[0, 100, 300] * um, turn_z=[0, 0.5, 2.0])
    field = PointElectrodes(x=500 * um, y=150 * um)
    _, together = steady(cable(600, 31), field, placement=placed)
    circuit = Circuit().add(
        "cells", cable(600, 31).expose(field, Constant(1 * uA)).probe("v", everywhere), 3
    )
    for k, (x, turn) in enumerate(zip([0, 100, 300] * um, [0, 0.5, 2.0], strict=True)):
        _, alone = steady(cable(600, 31), field, placement=Placement(x=x, turn_z=turn))
        assert together[k] == pytest.approx(alone[0], rel=1e-9, abs=1e-15)
    found = simulate(
        circuit,
        40_000 * ms,
        dt=2000 * ms,
        scheme="backward-euler",
        engine="numpy",
        placement={"cells": placed},
    )["cells"].matrix("v")
    assert np.asarray(found.values)[:, -1] - float(REST) == pytest.approx(together, rel=1e-9)


def test_noise_of_an_electrode_is_one_current_for_the_whole_neuron():
    """In a field along a cable, its two halves are moved by the same noise, opposite in sign."""
    noise = WhiteNoise(intensity=1 * uA * ms**0.5)
    neuron = cable(400, 11).expose(UniformField(x=1000 * volt / meter, per=100 * uA), noise)
    recording = simulate(
        neuron.probe("v", everywhere), 2 * ms, dt=0.05 * ms, engine="numpy", seed=4
    )
    moved = np.asarray(recording.matrix("v").values)[0] - float(REST)
    assert np.abs(moved).max() > 0
    assert moved == pytest.approx(-moved[:, ::-1], abs=1e-9 * np.abs(moved).max())


# ---- what is refused ----------------------------------------------------------------------------
def test_what_is_no_field_is_refused():
    neuron, field = cable(300, 5), PointElectrodes()
    with pytest.raises(ParameterError, match="field must be PointElectrodes or UniformField"):
        neuron.expose(Constant(1 * nA), field)
    with pytest.raises(ParameterError, match="current must be a stimulus"):
        neuron.expose(field, 1 * uA)
    with pytest.raises(ParameterError, match="'cathode' is taken"):
        neuron.expose(field, Constant(1 * uA), label="cathode").expose(
            field, Constant(1 * uA), label="cathode"
        )
    with pytest.raises(ParameterError, match="one value, or as many"):
        PointElectrodes(x=[0, 1] * um, share=[1, -1, 1])
    with pytest.raises(UnitError, match="must carry a unit"):
        UniformField(x=3)
    with pytest.raises(ParameterError, match="greater than"):
        UniformField(per=0 * uA)


def test_two_fields_take_two_labels():
    neuron = cable(300, 5).expose(PointElectrodes(), Constant(1 * uA))
    neuron = neuron.expose(UniformField(), Constant(1 * uA))
    assert [placed.label for placed in neuron.placed] == ["field", "field_2"]
    assert neuron.to_dict()["placed"][0]["field"]["kind"] == "PointElectrodes"
