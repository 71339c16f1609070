"""A SpatialNeuron made into a neuron here does what it does in Brian2."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from brian2.units import cm, mS, ms, mV, nA, nS, ohm, pA, uF, um

from neurosim import Constant, simulate
from neurosim.custom.point_model import from_brian2
from neurosim.errors import NeurosimError, ParameterError, UnitError
from neurosim.morphology import at, every, numbered

MEMBRANE = """
Im = g_l*(E_l - v) + I_na + g_k*n**4*(E_k - v) : amp/meter**2
I_na = g_na*m**3*h*(50*mV - v) : amp/meter**2
I : amp (point current)
g_na : siemens/meter**2
g_l : siemens/meter**2 (constant)
E_l : volt (constant)
dm/dt = alpha_m*(1 - m) - beta_m*m : 1
dh/dt = alpha_h*(1 - h) - beta_h*h : 1
dn/dt = alpha_n*(1 - n) - beta_n*n : 1
alpha_m = 1/ms/exprel(-(v + 40*mV)/(10*mV)) : Hz
beta_m = 4/ms*exp(-(v + 65*mV)/(18*mV)) : Hz
alpha_h = 0.07/ms*exp(-(v + 65*mV)/(20*mV)) : Hz
beta_h = 1/ms/(1 + exp(-(v + 35*mV)/(10*mV))) : Hz
alpha_n = 0.1/ms/exprel(-(v + 55*mV)/(10*mV)) : Hz
beta_n = 0.125/ms*exp(-(v + 65*mV)/(80*mV)) : Hz
"""
PASSIVE = "Im = g_l*(E_l - v) : amp/meter**2\nI : amp (point current)"
NAMES = {"g_l": 0.05 * mS / cm**2, "E_l": -70 * mV}
DT = 0.025 * ms


def potentials(brian, cell, duration):
    """Run Brian2's neuron from where it stands; return the potentials (mV)."""
    monitor = brian.StateMonitor(cell, "v", record=True, when="end")
    brian.Network(cell, monitor).run(duration)
    return np.asarray(monitor.v) * 1e3


def ours(cell, duration, **options):
    """Return the potentials (mV) of all compartments, in their order."""
    run = simulate(cell.probe("v", every()), duration, dt=DT, scheme="backward-euler", **options)
    return np.concatenate(list(run.traces_si.values())) * 1e3


def branched(brian, root="cylinder", **options):
    """A soma with a tapering and an unevenly cut dendrite and an axon."""
    round_soma = brian.Soma(diameter=20 * um)
    shape = round_soma if root == "soma" else brian.Cylinder(n=1, diameter=20 * um, length=20 * um)
    shape.trunk = brian.Section(n=5, length=[40] * 5 * um, diameter=[4, 3.5, 3, 2.5, 2, 2] * um)
    shape.trunk.tuft = brian.Section(n=3, length=[30, 50, 20] * um, diameter=[2, 1.5, 1, 1] * um)
    shape.trunk.side = brian.Section(n=2, length=[40, 40] * um, diameter=[2, 1, 0.5] * um)
    shape.axon = brian.Cylinder(diameter=1 * um, length=500 * um, n=31)
    cell = brian.SpatialNeuron(
        shape, MEMBRANE, Cm=1 * uF / cm**2, Ri=100 * ohm * cm, method="exponential_euler", dt=DT,
        namespace={"g_k": 36 * mS / cm**2, "E_k": -77 * mV}, **options,
    )  # fmt: skip
    cell.g_l, cell.E_l, cell.v = 0.3 * mS / cm**2, -54.387 * mV, -65 * mV
    cell.g_na = 120 * mS / cm**2
    cell.g_na[shape.trunk] = 60 * mS / cm**2
    cell.Cm[shape.axon] = 0.8 * uF / cm**2
    for gate in "mhn":
        setattr(cell, gate, f"alpha_{gate}/(alpha_{gate} + beta_{gate})")
    cell.I[0] = 0.5 * nA
    return cell


@pytest.mark.slow
# Brian2 writes the missing resistance of a spherical soma as that of a metre of cable, and loses
# nine digits of the potential when it takes the difference.
@pytest.mark.parametrize(("root", "within_mV"), [("cylinder", 1e-6), ("soma", 2e-5)])
def test_a_branched_cell_is_that_of_brian2(brian, root, within_mV):
    theirs = branched(brian, root, threshold="v > -20*mV", threshold_location=41, refractory=3 * ms)
    mine = from_brian2(theirs)
    # Electrode, detector and compartments came along.
    assert [p.label for p in mine.placed] == ["I_0"]
    assert len(mine.compartments) == len(theirs) == 42
    assert mine.detectors[0].refractory == pytest.approx(3e-3)
    area = np.asarray(theirs.area)
    np.testing.assert_allclose(mine.compartments.area_m2, area, rtol=1e-12)
    here, there = ours(mine, 20 * ms), potentials(brian, theirs, 20 * ms)
    assert there[0].max() > 0
    assert there[41].max() > 0
    np.testing.assert_allclose(here, there, rtol=0, atol=within_mV)
    crossed = np.flatnonzero((there[41, :-1] < -20) & (there[41, 1:] >= -20))
    run = simulate(mine, 20 * ms, dt=DT, scheme="backward-euler")
    assert len(run.spike_times_at("spike")) == len(crossed) >= 1


@pytest.mark.slow
def test_a_cell_read_from_swc_is_that_of_brian2(brian, shared_data: Path):
    path = shared_data / "morphologies" / "cells"
    shape = brian.Morphology.from_file(str(sorted(path.glob("*.swc"), key=_size)[0]))
    cell = brian.SpatialNeuron(
        shape, PASSIVE, Cm=1 * uF / cm**2, Ri=100 * ohm * cm, method="exponential_euler", dt=DT,
        namespace=NAMES,
    )  # fmt: skip
    cell.v = -70 * mV
    cell.I[0] = 0.1 * nA
    mine = from_brian2(cell)
    here, there = ours(mine, 5 * ms), potentials(brian, cell, 5 * ms)
    assert here.shape == there.shape
    assert there[0, -1] > -69
    np.testing.assert_allclose(here, there, rtol=0, atol=1e-6)


def _size(path: Path) -> int:
    return path.stat().st_size


def cable(brian, equations=PASSIVE, **options):
    names = options.pop("namespace", NAMES)
    shape = brian.Cylinder(length=500 * um, diameter=2 * um, n=20)
    return brian.SpatialNeuron(shape, equations, namespace=names, **options)


@pytest.mark.slow
def test_a_batch_varies_what_is_one_value(brian):
    mine = from_brian2(cable(brian), start=-70 * mV)
    run = simulate(
        mine, 200 * ms, stimulus=Constant(50 * pA), record=["v"],
        batch={"membrane.g_l": [0.05, 0.1] * mS / cm**2},
    )  # fmt: skip
    rise = np.asarray(run.trace("v"))[:, -1] + 0.07
    area, R_i = np.pi * 2e-6 * 500e-6, 1.5
    for g, found in zip((0.5, 1.0), rise, strict=True):
        space = np.sqrt(2e-6 / (4 * g * R_i))
        infinite = R_i * space / (np.pi * 1e-12)
        # Injected in the middle, from where two halves lead.
        expected = infinite / (2 * np.tanh(250e-6 / space)) * 50e-12
        assert found == pytest.approx(expected, rel=0.02)
        assert found > 50e-12 / (g * area)


def test_values_of_its_own_for_every_stretch(brian):
    cell = cable(
        brian, "Im = k*g*(-70*mV - v) : amp/meter**2\ng : siemens/meter**2\nk : 1", namespace={}
    )
    cell.k = 2
    cell.g = "(1 + i)*siemens/meter**2"
    cell.v = -70 * mV
    mine = from_brian2(cell)
    assert [p.label for p in mine.painted][:3] == ["membrane", "membrane_1", "membrane_2"]
    assert len(mine.painted) == 20
    values = [float(p.part.g) for p in mine.painted]
    assert values == pytest.approx(np.arange(1.0, 21.0))
    assert {float(p.part.k) for p in mine.painted} == {2.0}
    covered = np.stack([p.region.mask(mine.compartments) for p in mine.painted])
    np.testing.assert_array_equal(covered, np.eye(20, dtype=bool))


@pytest.mark.slow
def test_its_unit_is_found_as_of_any_neuron(brian):
    from bridge import equivalent_unit

    cell = branched(brian)
    cell.I[0] = 0 * nA
    found = equivalent_unit(
        cell, currents=np.linspace(0, 1, 6) * nA, duration=200 * ms, settle=50 * ms, trials=1
    )
    assert found.responses.curve.count.max() > 5


def test_a_region_by_numbers():
    from neurosim.morphology import PerBranch, cylinder

    cut = cylinder(10 * um, 1 * um).discretise(PerBranch(5))
    assert np.flatnonzero(numbered([4, 1]).mask(cut)).tolist() == [1, 4]
    with pytest.raises(ParameterError, match="no compartment 5: they are numbered from 0 to 4"):
        numbered([5]).mask(cut)


def regular(cell):
    cell.run_regularly("v += 1*mV")
    return cell


def with_synapses(cell):
    import brian2

    source = brian2.PoissonGroup(1, 5 / ms)
    # Kept by the group, as a script keeps them by their names.
    cell.add_attribute("kept")
    cell.kept = brian2.Synapses(source, cell, on_pre="v += 1*mV"), source
    return cell


SQUID_1952 = """
Im = gl*(El - v) + gNa*m**3*h*(ENa - v) + gK*n**4*(EK - v) : amp/meter**2
I : amp (point current)
dm/dt = alpham*(1 - m) - betam*m : 1
dn/dt = alphan*(1 - n) - betan*n : 1
dh/dt = alphah*(1 - h) - betah*h : 1
alpham = (0.1/mV)*10*mV/exprel((-v + 25*mV)/(10*mV))/ms : Hz
betam = 4*exp(-v/(18*mV))/ms : Hz
alphah = 0.07*exp(-v/(20*mV))/ms : Hz
betah = 1/(exp((-v + 30*mV)/(10*mV)) + 1)/ms : Hz
alphan = (0.01/mV)*10*mV/exprel((-v + 10*mV)/(10*mV))/ms : Hz
betan = 0.125*exp(-v/(80*mV))/ms : Hz
gNa : siemens/meter**2
"""


@pytest.mark.slow
def test_it_starts_where_it_stands(brian):
    """Potential and states as they were set, 0 mV included: 1 spike, where 0 came out."""
    squid = brian.SpatialNeuron(
        brian.Cylinder(length=2 * cm, diameter=476 * um, n=40, type="axon"), SQUID_1952,
        Cm=1 * uF / cm**2, Ri=35.4 * ohm * cm, method="exponential_euler", dt=DT,
        threshold="v > 50*mV", threshold_location=30, refractory=2 * ms,
        namespace={"El": 10.613 * mV, "ENa": 115 * mV, "EK": -12 * mV, "gl": 0.3 * mS / cm**2,
                   "gK": 36 * mS / cm**2},
    )  # fmt: skip
    squid.v = 0 * mV
    squid.v[:10] = 60 * mV
    squid.h, squid.m, squid.n = 0.6, 0.05, "0.32 + 0.0001*i"
    squid.gNa = 120 * mS / cm**2
    mine = from_brian2(squid)
    assert mine.initial is not None
    here, there = ours(mine, 8 * ms), potentials(brian, squid, 8 * ms)
    assert there[30].max() > 50
    np.testing.assert_allclose(here, there, rtol=0, atol=1e-6 * np.ptp(there))
    run = simulate(mine, 8 * ms, dt=DT, scheme="backward-euler")
    assert len(run.spike_times_at("spike")) == 1


def test_an_untouched_group_starts_at_0_as_in_brian2(brian):
    mine = from_brian2(cable(brian))
    assert mine.initial.potential == (0.0,) * 20
    assert from_brian2(cable(brian), start=-70 * mV).initial is None


def test_the_electrode_is_in_the_middle_of_the_root(brian):
    """-66.30 mV where the middle of a root that is no soma answers, -64.96 mV at its start."""
    mine = from_brian2(cable(brian), start=-70 * mV)
    settings = {"stimulus": Constant(50 * pA), "record": ["v"], "engine": "numpy"}
    found = simulate(mine, 30 * ms, **settings).traces_si["v"][0, -1]
    placed = mine.place(Constant(50 * pA), at("root", 0.5)).probe("v", at("root", 0.5))
    expected = simulate(placed, 30 * ms, engine="numpy").traces_si["v"][0, -1]
    assert found == expected


WITH_A_STATE = PASSIVE.replace("g_l*", "g_l*x*") + "\ndx/dt = {} : 1"


@pytest.mark.parametrize(
    ("make", "options", "error", "says"),
    [
        (lambda b: regular(cable(b)), {}, ParameterError, "run_regularly"),
        (lambda b: with_synapses(cable(b)), {}, ParameterError, "the synapses 'synapses.* act on"),
        (lambda b: cable(b, WITH_A_STATE.format("-x/ms"), method="rk4"), {}, ParameterError,
         "method='exponential_euler'"),
        (lambda b: cable(b, PASSIVE + "\ny = 1*mV : volt (constant over dt)"), {"start": -70 * mV},
         ParameterError, "leave the flag out"),
        (lambda b: cable(b), {"start": -70 * nS}, UnitError, "in volt"),
        (lambda b: cable(b), {"start": -70 * mV, "parameters": {"g_x": 1}}, ParameterError,
         "do not use 'g_x'"),
        (lambda b: cable(b, namespace={}), {"start": -70 * mV}, ParameterError, "no value for"),
        (lambda b: cable(b, namespace={**NAMES, "g_l": 3 * mV}), {"start": -70 * mV}, UnitError,
         "unit"),
        (lambda b: cable(b, threshold="v > -20*mV", reset="v = -70*mV"), {"start": -70 * mV},
         ParameterError, "nothing is reset"),
        (lambda b: cable(b, WITH_A_STATE.format("-x/ms"), threshold="x > 0.5"),
         {"start": -70 * mV}, ParameterError, "threshold='v > -20"),
        (lambda b: cable(b, WITH_A_STATE.format("-x/ms + xi*sqrt(1/ms)")), {"start": -70 * mV},
         ParameterError, "WhiteNoise"),
        (lambda b: cable(b, PASSIVE + "\nJ = 1*pA*sin(t/ms) : amp (point current)"),
         {"start": -70 * mV}, ParameterError, "depends on 't'"),
        (lambda b: cable(b, PASSIVE + "\nJ = 1*nS*(0*mV - v) : amp (point current)"),
         {"start": -70 * mV}, ParameterError, "AMPA"),
        (lambda b: cable(b), {"start": -70 * mV, "current": "I"}, ParameterError, "extent"),
        (lambda b: cable(b), {"start": -70 * mV, "refractory": -1 * ms, "threshold": "v > 0*mV"},
         ParameterError, "refractory must be at least 0; got -1"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_over_is_named(brian, make, options, error, says):
    with pytest.raises(error, match=says):
        from_brian2(make(brian), **options)


def test_a_threshold_given_instead(brian):
    cell = cable(brian, threshold="v > 100*mV or v < -100*mV")
    with pytest.raises(NeurosimError, match="no crossing"):
        from_brian2(cell, start=-70 * mV)
    mine = from_brian2(cell, start=-70 * mV, threshold="v > -69*mV", refractory=2 * ms)
    assert mine.detectors[0].threshold == pytest.approx(-0.069)
    assert mine.detectors[0].site == at("root", 0.025)
