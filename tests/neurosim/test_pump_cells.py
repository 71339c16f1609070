"""Cells after published pump models, held against the published programs run in NEURON 9.0.2."""

import numpy as np
import pytest
from brian2 import cm, mole, ms, mV, nS, um
from brian2.units.constants import faraday_constant
from brian2.units.stdunits import mM

from neurosim import Neuron, simulate
from neurosim.catalogue import layer5_pump_cell, mitral_pump_cell, purkinje_pump_cell
from neurosim.catalogue.pump_cells.layer5_channels import (
    LowVoltageCalcium,
    PyramidalSodium,
    SodiumPotassiumReceptor,
)
from neurosim.channels import Leak
from neurosim.ions import MassActionCalciumPump, Sodium
from neurosim.morphology import PerBranch, at, cylinder
from neurosim.synapses import Events

F = float(faraday_constant)


def _parts(cell, branch):
    """The parts of a branch, by name."""
    region = {
        painted.part.name: painted.part
        for painted in cell.painted
        if hasattr(painted.part, "name") and branch in repr(painted.region)
    }
    assert region, [repr(one.region) for one in cell.painted][:3]
    return region


def test_mass_action_calcium_pump_is_the_steady_state_of_its_reactions():
    rest, out, inside, N = 4e-5, 2.0, 2.5e-4, 3e-7
    share = np.sqrt(rest / out)
    k1, k2, k3, k4 = 1e3, 1e3 * share, 1e3, 1e3 * share  # per second, mM = mol/m3
    rates = np.array([[-(k1 * inside + k4 * out), k2 + k3], [1.0, 1.0]])
    free, bound = np.linalg.solve(rates, [0.0, N])
    turns = k3 * bound - k4 * out * free
    pump = MassActionCalciumPump(N=N * 1e-4 * mole / cm**2, ca_rest=rest * mM)
    given = {"ca_i": inside * mM, "ca_o": out * mM}
    assert float(pump.ion_densities(-70 * mV, **given)["ca"]) == pytest.approx(
        -2 * F * turns, rel=1e-9
    )
    assert float(pump.density(-70 * mV, **given)) == 0
    still = float(pump.cycles(-70 * mV, ca_i=rest * mM, ca_o=out * mM))
    assert abs(still) < 1e-12 * abs(float(pump.cycles(-70 * mV, **given)))


# The published program of the mitral cell at rest under the clamp (1500 s): potential in mV, sodium
# and calcium in mM; calcium currents of exchanger, pump and channel in mA/cm2, inward positive; and
# gates. Its tables of rates have steps of 0.7 mV.
MITRAL_REST = {
    "tuft1": (-68.68676332, 10.98372335, 4.57713503e-5, 1.998764e-5, -2.0355363e-5, 3.676853e-7),
    "tuft2": (-68.46988153, 13.31949023, 8.15843142e-5, 4.156244e-5, -4.1676570e-5, 1.141044e-7),
}


@pytest.mark.parametrize("tuft", MITRAL_REST)
def test_the_mitral_tuft_moves_calcium_as_the_published_program(tuft):
    v, na, ca, exchanger, pump, channel = MITRAL_REST[tuft]
    parts = _parts(mitral_pump_cell(), tuft)
    inside = {"ca_i": ca * mM, "ca_o": 2 * mM}
    both = inside | {"na_i": na * mM, "na_o": 151.3 * mM}
    # A/m2 is 0.1 mA/cm2. The program's zero of temperature is 273.14 K: 0.1 % of the exchanger.
    for name, given, expected, tolerance in (
        ("electroneutral_exchanger", both, exchanger, 2e-3),
        ("mass_action_calcium_pump", inside, pump, 1e-6),
        ("electroneutral_calcium_channel", inside, channel, 5e-3),
    ):
        found = 0.1 * float(parts[name].ion_densities(v * mV, 23, **given)["ca"])
        assert found == pytest.approx(expected, rel=tolerance), name
        assert float(parts[name].density(v * mV, 23, **given)) == 0


def test_gates_of_the_mitral_tuft():
    parts = _parts(mitral_pump_cell(), "tuft1")
    v, _, ca, *_ = MITRAL_REST["tuft1"]
    gates = parts["mitral_sodium"].gates(v * mV, 23)
    assert float(gates["m"].steady) == pytest.approx(0.0047327, rel=5e-3)
    assert float(gates["h"].steady) == pytest.approx(0.9813998, rel=1e-4)
    channel = parts["electroneutral_calcium_channel"].gates(v * mV, 23)
    assert float(channel["m"].steady) == pytest.approx(4.77938e-4, rel=5e-3)
    assert float(channel["h"].steady) == pytest.approx(0.9908626, rel=1e-4)
    cation = parts["calcium_activated_cation"].gates(v * mV, 23, ca_i=ca * mM)["m"]
    assert float(cation.steady) == pytest.approx(0.0262917, rel=1e-4)
    # At rest the dye is bound as its dissociation constant k2/k1 says.
    dye = parts["indicator_dye"]
    held = dye.gates(v * mV, 23, ca_i=ca * mM)["bound"].steady
    assert float(held) == pytest.approx(0.05 * ca / (ca + 0.00023794564736718269), rel=1e-9)


def test_the_purkinje_dendrite_starts_with_the_currents_of_the_published_program():
    # NEURON at -65 mV, mA/cm2, inward positive: summed sodium, calcium, potassium, h current.
    published = {"na": -9.07735e-3, "ca": -1.41048e-2, "k": 2.70628e-2, "h": 1.540765e-2}
    cell = purkinje_pump_cell()
    parts = _parts(cell, "dendrite")
    given = {"k_o": 2 * mM, "ca_i": 4e-5 * mM}
    found = dict.fromkeys(published, 0.0)
    for name, part in parts.items():
        ion = "h" if name == "dendritic_h" else getattr(part, "ion", None)
        if ion in found and hasattr(part, "density"):
            # The M current starts closed in the program.
            needs = {key: given[key] for key in part.reads if key in given}
            closed = {"m": 0} if name == "km" else {}
            found[ion] += 0.1 * float(part.density(-65 * mV, 36, **needs, **closed))
    assert found == {name: pytest.approx(value, rel=1e-4) for name, value in published.items()}


def test_receptor_of_the_layer5_cell_takes_more_than_all_of_its_conductance_for_sodium():
    receptor = SodiumPotassiumReceptor()
    # NEURON: gna_max = 5.588235294 nS, gk_max = -0.588235294 nS.
    assert float(receptor.g * receptor.sodium / nS) == pytest.approx(5.588235294117647, rel=1e-12)
    assert float(receptor.g * (1 - receptor.sodium) / nS) == pytest.approx(-0.588235294, rel=1e-8)


def test_gates_of_the_layer5_cell():
    # NEURON at the synapse, at rest (-74.67261 mV).
    v = -74.67261 * mV
    low = LowVoltageCalcium().gates(v, 35)
    assert float(low["m"].steady) == pytest.approx(0.0031, abs=5e-5)
    assert float(low["h"].steady) == pytest.approx(0.0836, abs=5e-5)
    sodium = PyramidalSodium().gates(v, 35)["m"]
    assert float(sodium.steady) == pytest.approx(0.0012, abs=5e-5)
    # Rates count from 21 to 34 °C, whatever the temperature: 2.3**1.3 faster.
    assert float(low["h"].tau / ms) == pytest.approx(
        (20 + 50 / (1 + np.exp(-24.67261 / 7))) / 2.3**1.3, rel=1e-9
    )


def test_the_layer5_cell_has_the_membrane_of_the_published_program():
    rows = {tag: area for tag, _, _, area, *_ in layer5_pump_cell().morphology.by_tag()}
    # NEURON: area of the sections, um2.
    assert rows["apical"] == pytest.approx(21009.3, rel=5e-3)
    assert rows["basal"] == pytest.approx(8863.5, rel=5e-3)
    assert rows["axon"] == pytest.approx(188.5, rel=1e-3)


def test_sodium_of_a_receptor_reaches_the_pool_of_a_branched_cell_in_the_numpy_engine():
    # Its potentials include those of branch points, which hold no ions.
    shape = cylinder(20 * um, 5 * um, name="a")
    shape = shape.join(cylinder(20 * um, 2 * um, name="b"), "a")
    shape = shape.join(cylinder(20 * um, 2 * um, name="c"), "a")
    cell = Neuron(shape, PerBranch(3), rest=-70 * mV).paint(
        [Sodium(10 * mM, 145 * mM), Leak(E=-70 * mV)]
    )
    cell = cell.place(SodiumPotassiumReceptor(), at("b", 0.5), Events.at([0] * ms))
    run = simulate(cell, 5 * ms, dt=0.1 * ms, engine="numpy")
    assert run.ledger["na"].relative_error < 1e-9
    assert sum(one.sum() for one in run.ledger["na"].crossed.values()) > 0
