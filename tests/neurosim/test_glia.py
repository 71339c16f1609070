"""Glia: cells at rest, potassium that an astrocyte, a syncytium and a Schwann cell take up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms, mV, nA, nS, um
from brian2.units.constants import faraday_constant, gas_constant
from brian2.units.stdunits import mM
from scipy.optimize import fsolve

from neurosim import Circuit, Neuron, Pulses, simulate
from neurosim.axon import axon_and_glia
from neurosim.catalogue import (
    astrocyte,
    astrocyte_syncytium,
    neuron_and_glia,
    oligodendrocyte,
    pumping_cell,
    schwann_cell,
)
from neurosim.catalogue.pumping_cell import balanced_membrane
from neurosim.channels import Kir41
from neurosim.dynamics import ion_balance
from neurosim.errors import ParameterError, UnitError
from neurosim.ions import GlialPump
from neurosim.morphology import PerBranch, cylinder, everywhere
from neurosim.outside import Space

RT_F = float(gas_constant) * 310.15 / float(faraday_constant)


# ---- at rest ------------------------------------------------------------------------------------
@pytest.mark.parametrize("cell", [astrocyte, oligodendrocyte])
@pytest.mark.parametrize(("potassium", "celsius"), [(3.082, 25), (3.5, 37), (8, 33)])
def test_each_ion_of_a_glial_cell_balances(cell, potassium, celsius):
    balance = ion_balance(cell(potassium=potassium * mM, celsius=celsius))
    assert balance.unbalanced == ()
    assert set(balance.by_part) == {"na", "k", "cl"}


def test_the_balance_finds_what_was_published():
    cell = astrocyte(celsius=25)
    leak = next(one.part for one in cell.painted if one.label == "sodium_leak")
    chloride = next(one.part for one in cell.painted if one.label == "chloride")
    # Halnes et al. (2013): -83.6 mV, 1 S/m2, 5.145 mM.
    assert float(cell.rest / mV) == pytest.approx(-83.6, abs=0.1)
    assert float(leak.g) == pytest.approx(1.0, rel=0.01)
    assert float(chloride.inside / mM) == pytest.approx(5.145, rel=0.01)


def test_potassium_of_the_neurons_membrane_balances_too():
    parts = {part.name: part for part in balanced_membrane(10)}
    rest, given = -65 * mV, {"na_i": 10 * mM, "k_o": 3.5 * mM}
    pump = {ion: float(x) for ion, x in
            parts["sodium_potassium_pump"].ion_densities(rest, 18.5, **given).items()}  # fmt: skip
    for ion, pool, names in (
        ("na", "sodium", ("hh_sodium", "sodium_leak")),
        ("k", "potassium", ("hh_potassium", "potassium_leak")),
    ):
        E = parts[pool].reversal_potential(18.5)
        through = sum(float(parts[name].replace(E=E).density(rest, 18.5)) for name in names)
        assert through == pytest.approx(-pump[ion], rel=1e-9)
    # No conductance is lost against the squid's membrane.
    leaks = [float(parts[n].g) for n in ("leak", "sodium_leak", "potassium_leak")]
    assert sum(leaks) == pytest.approx(30, rel=1e-9)
    assert min(leaks) > 0


def test_nothing_moves_before_the_neuron_is_active():
    found = simulate(neuron_and_glia(), 2 * ms, dt=0.05 * ms, engine="numpy")
    for ion, start in (("k", 3.5), ("na", 145)):
        course = np.asarray(found.spaces["space"].concentration(ion) / mM)
        assert np.abs(course - start).max() < 1e-9 * start
    v = np.asarray(found["glia"].trace("soma")) * 1e3
    assert np.ptp(v) < 1e-6


def test_the_pair_takes_another_neuron():
    cell = pumping_cell()
    pair = neuron_and_glia(neuron=cell)
    assert pair.populations["neuron"].neuron is cell
    assert pair.populations["glia"].neuron.celsius == cell.celsius
    # Its potassium leaks out at rest, since a leak of no named ion lets the charge back in.
    found = simulate(pair, 1 * ms, dt=0.05 * ms, engine="numpy")
    assert found.spaces["space"].concentration("k")[0, -1] > 3.5002 * mM


# ---- the syncytium ------------------------------------------------------------------------------
def ball() -> Neuron:
    """An astrocyte without processes, of one potential."""
    shape = cylinder(20 * um, 20 * um, name="soma", tag="soma")
    cell = astrocyte().replace(morphology=shape, rule=PerBranch(1))
    return cell.probe("i_k", everywhere, label="i_k")


def row(conductance) -> Circuit:
    circuit = Circuit().add("glia", ball(), 3)
    pairs = [(0, 1), (1, 2)]
    circuit = circuit.couple("glia", "glia", conductance=conductance * nS, pairs=pairs, record=True)
    return circuit.share(Space(k_o=3.082 * mM), each=True)


def flooded(conductance):
    """Three astrocytes; potassium outside the first is raised to 10 mM."""
    circuit = row(conductance)
    first = simulate(circuit, 0.1 * ms, dt=0.1 * ms, engine="numpy")
    outside = np.array([[10.0], [3.082], [3.082]])
    outside = outside.reshape(first.state.arrays["space.k_o"].shape)
    state = replace(first.state.restarted(), arrays={**first.state.arrays, "space.k_o": outside})
    return simulate(circuit, 6 * ms, dt=0.1 * ms, engine="numpy", initial=state)


def test_potassium_enters_where_it_is_high_and_leaves_elsewhere():
    joined, alone = flooded(100), flooded(0)
    net = {name: np.asarray(run["glia"].trace("i_k"))[:, -1] for name, run in
           (("joined", joined), ("alone", alone))}  # fmt: skip
    # Into the first astrocyte, and out of both others.
    assert net["joined"][0] > 0 > max(net["joined"][1:])
    assert net["joined"][0] > 3 * net["alone"][0]
    assert np.abs(net["alone"][1:]).max() < 1e-6
    # The current flows on through the junctions from each to the next, less at each.
    through = np.asarray(joined.junctions["glia -- glia"].current)[:, -1]
    assert through[0] > through[1] > 0
    # Potentials by Kirchhoff's law, at the concentrations that are there.
    area = np.pi * 400e-12
    k_o = np.asarray(joined.spaces["space"].concentration("k") / mM)[:, -1]
    cell = ball()
    leak = next(one.part for one in cell.painted if one.label == "sodium_leak")
    chloride = next(one.part for one in cell.painted if one.label == "chloride")
    E_cl = RT_F * np.log(float(chloride.inside / mM) / 133.71)
    E_na = RT_F * np.log(144.662 / 15.189)

    def missing(v):
        left = []
        for one, outside in zip(v / 1e3, k_o, strict=True):
            kir = Kir41(E=RT_F * np.log(outside / 99.959) * 1e3 * mV)
            i = float(kir.density(one * 1e3 * mV, 37, k_o=outside * mM))
            i += float(leak.g) * (E_na - one) + 0.5 * (E_cl - one)
            i -= float(GlialPump().cycles(one * 1e3 * mV, na_i=15.189 * mM, k_o=outside * mM))
            left.append(area * i * 1e9)
        flows = 100e-3 * np.diff(v)
        return np.array(left) + np.append(flows, 0) - np.append(0, flows)

    wanted = fsolve(missing, [-75.0, -80, -82], xtol=1e-12)
    found = np.asarray(joined["glia"].trace("soma"))[:, -1] * 1e3
    assert found == pytest.approx(wanted, abs=0.02)
    assert np.ptp(found) > 2


# ---- the pair, and the owners of the myelin -----------------------------------------------------
@pytest.mark.slow
def test_glia_at_nodes_keep_potassium_low():
    """A spike runs along the axon; what it leaves in the gaps, with and without glia."""
    train = Pulses(period=10 * ms, width=0.2 * ms, n=1, amplitude=5 * nA, onset=0.5 * ms)
    outside = {"potassium": 3.5 * mM, "sodium": 145 * mM, "celsius": 18.5}
    left = {}
    for name, glia in (
        ("peripheral", schwann_cell(**outside)),
        ("central", oligodendrocyte(**outside)),
        ("none", None),
    ):
        circuit = axon_and_glia(internodes=2, stimulus=train, glia=glia, present=glia is not None)
        run = simulate(circuit, 8 * ms, dt=0.025 * ms, engine="numpy")
        far = np.asarray(run["axon"].trace("node[2]"))[0]
        assert np.sum((far[1:] > -0.02) & (far[:-1] <= -0.02)) == 1
        gaps = run.spaces["gaps"]
        left[name] = float(gaps.concentration("k")[0, -1] / mM) - 3.5
        assert gaps.ledger["k"].relative_error < 1e-9
    assert left["none"] > 0.3
    assert left["peripheral"] < 0.98 * left["none"]
    assert left["central"] < 0.98 * left["none"]


# ---- what is refused ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: astrocyte(potassium=3.5), UnitError, "astrocyte: potassium"),
        (lambda: oligodendrocyte(sodium=-1 * mM), ParameterError, "sodium"),
        (lambda: schwann_cell(celsius="warm"), ParameterError, "celsius"),
        (lambda: astrocyte_syncytium(1), ParameterError, "at least 2"),
        (lambda: astrocyte_syncytium(3, conductance=-1 * nS), ParameterError, "conductance"),
        (lambda: neuron_and_glia(neuron=Kir41()), ParameterError, "neuron must be a Neuron"),
        (lambda: neuron_and_glia(neuron=astrocyte()), ParameterError, "starts with"),
        (lambda: neuron_and_glia(fraction=1.2), ParameterError, "fraction"),
        (lambda: axon_and_glia(gap=0 * um), ParameterError, "gap"),
        (lambda: axon_and_glia(glia=Kir41()), ParameterError, "must be a Neuron"),
        (
            lambda: axon_and_glia(glia=astrocyte(celsius=18.5), internodes=3),
            ParameterError,
            "starts with",
        ),
        (lambda: axon_and_glia(glia=schwann_cell(celsius=37)), ParameterError, "give it celsius"),
        (lambda: axon_and_glia(glia=schwann_cell(), present=False), ParameterError, "leave out"),
    ],
)
def test_glia_that_are_none(make, error, said):
    with pytest.raises(error, match=said):
        make()
