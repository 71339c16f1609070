"""GABA-A receptors that move chloride: closed forms, chloride that accumulates, what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from brian2 import amp, meter, ms, mV, nS, siemens, um
from brian2.units.constants import faraday_constant, gas_constant
from brian2.units.stdunits import mM
from scipy.optimize import fsolve

from neurosim import Circuit, Course, Neuron, simulate
from neurosim.channels import (
    CalciumPool,
    Leak,
    PotassiumLeak,
    TonicBicarbonate,
    TonicChloride,
    tonic_gaba_a,
)
from neurosim.engine.programs.compiler import find_compiler
from neurosim.equations.evaluate import evaluate
from neurosim.errors import ParameterError
from neurosim.ions import KCC2, Chloride, Potassium, ghk_current
from neurosim.morphology import PerBranch, at, ball_and_stick, branch, cylinder, everywhere
from neurosim.outside import Space
from neurosim.synapses import ChlorideGABAA, Events, Exponential, KineticChlorideGABAA

compiled = pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler was found")
RT_F = float(gas_constant) * 310.15 / float(faraday_constant)
SQUARE = siemens / meter**2
P, HCO3 = 0.2, (16.0, 26.0)


def reversal(inside, outside, permeability=P):
    """E_GABA in volt: two anions in the equation of Goldman, Hodgkin and Katz."""
    within, beyond = (c + permeability * h for c, h in zip((inside, outside), HCO3, strict=True))
    return RT_F * np.log(within / beyond)


@pytest.mark.parametrize("kind", [ChlorideGABAA, KineticChlorideGABAA])
@pytest.mark.parametrize(("inside", "outside"), [(7, 130), (30, 120), (4, 60)])
def test_reversal_and_currents_are_those_of_goldman_hodgkin_and_katz(kind, inside, outside):
    part = kind(g=1 * nS)
    ions = {"cl_i": inside * mM, "cl_o": outside * mM}
    null = reversal(inside, outside)
    assert float(part.reversal_potential(*ions.values())) == pytest.approx(null, rel=1e-12)
    # Also at 0 mV and at the reversal potentials, where a factor is 0/0.
    v = np.array([-0.09, -0.06, 0.0, 0.03, null, RT_F * np.log(inside / outside)])
    one = dict.fromkeys(part.states, 1.0) | ({"A": 0.0} if "A" in part.states else {})
    values = part.values(v * 1000 * mV, 37, **ions, **one)
    total, chloride = (
        np.asarray(evaluate(part.equations, code, values))
        for code in (part.current, part.ion_current)
    )
    # What permeability makes the current g (E - v) where v = E = E_GABA.
    w, all_rest = float(part.E) / RT_F, 130 + P * HCO3[1]
    each = 1e-9 * RT_F * -np.expm1(-w) / -w / float(faraday_constant) / all_rest * -1
    speed = each * meter / (1 * ms) * 1e-3
    wanted = np.asarray(ghk_current(-1, v * 1000 * mV, *ions.values(), speed))
    beside = np.asarray(ghk_current(-1, v * 1000 * mV, *(h * mM for h in HCO3), P * speed))
    assert chloride == pytest.approx(wanted, rel=1e-9, abs=1e-24)
    assert total == pytest.approx(wanted + beside, rel=1e-9, abs=1e-22)
    assert abs(total[4]) < 1e-12 * abs(total[0]) > 0 < abs(chloride[4])


def test_g_is_the_conductance_where_it_says():
    # Chloride inside such that E_GABA is E, -75 mV.
    part = ChlorideGABAA(g=2 * nS)
    within = (130 + P * 26) * np.exp(-0.075 / RT_F) - P * 16
    values = part.values([-75.001, -74.999] * mV, 37, cl_i=within * mM, cl_o=130 * mM, A=0.0, B=1.0)
    current = np.asarray(evaluate(part.equations, part.current, values))
    assert np.diff(current)[0] / 2e-6 == pytest.approx(-2e-9, rel=1e-6)


# ---- chloride that accumulates ------------------------------------------------------------------
def inhibited(**more) -> Neuron:
    """A piece of thin dendrite, held near -65 mV, whose GABA receptors stay open."""
    bare = Neuron(cylinder(10 * um, 1 * um, tag="dendrite"), PerBranch(1), rest=-65 * mV)
    parts = [
        Leak(g=3 * SQUARE, E=-65 * mV),
        PotassiumLeak(g=0.1 * SQUARE),
        Potassium(140 * mM, 3.5 * mM, held=True),
        Chloride(7 * mM, 130 * mM),
        KCC2(),
    ]
    open_long = ChlorideGABAA(g=1 * nS, tau_decay=1e10 * ms, **more)
    cell = bare.paint(parts).place(open_long, at("dendrite"), Events.at([1] * ms), label="gaba")
    for variable in ("cl_i", "v", "gaba.E_gaba", "gaba.ion_current", "kcc_2.rate"):
        label = variable.replace("gaba.", "").replace("kcc_2.", "")
        cell = cell.probe(variable, at("dendrite"), label=label)
    return cell


STRONG, WEAK = 5.0, 0.002
BATCH = {
    "kcc_2.U": [STRONG, WEAK, WEAK] * amp / meter**2,
    "gaba.permeability": np.array([P, P, 0.0]),
}


@pytest.fixture(scope="module")
def sustained():
    return simulate(inhibited(), 600 * ms, dt=1 * ms, batch=BATCH, engine="numpy")


def test_the_permeability_follows_a_course():
    """It is a plain number, without a unit."""
    course = {"gaba.permeability": Course([0, 10, 10, 20] * ms, [P, P, 0, 0])}
    run = simulate(inhibited(), 20 * ms, dt=1 * ms, courses=course, engine="numpy")
    chloride, null = run.trace("cl_i")[0] / mM, np.asarray(run.trace("E_gaba"))[0]
    # The potential of a step is that of the concentration before it.
    assert null[6] == pytest.approx(reversal(float(chloride[5]), 130), rel=1e-9)
    assert null[16] == pytest.approx(reversal(float(chloride[15]), 130, 0.0), rel=1e-9)


def test_sustained_inhibition_with_weak_kcc2_depolarises(sustained):
    chloride = np.asarray(sustained.trace("cl_i") / mM)
    null = np.asarray(sustained.trace("E_gaba")) * 1e3
    v = np.asarray(sustained.trace("v")) * 1e3
    # With a strong KCC2 E_GABA stays near where it began, below -65 mV; with a weak one it rises
    # above, and takes the potential along. Without bicarbonate it stays below rest.
    begin = reversal(7, 130) * 1e3
    assert null[0, -1] < begin + 1 < -65
    assert null[1, -1] > -60 < v[1, -1]
    assert chloride[1, -1] > 1.3 * chloride[1, 0]
    assert null[2, -1] < -70
    # The reversal potential that acts is that of the concentrations at the start of the step.
    wanted = np.array(
        [reversal(row[:-1], 130, p) for row, p in zip(chloride, (P, P, 0), strict=True)]
    )
    assert null[:, 1:] == pytest.approx(1e3 * wanted, rel=1e-6)


def test_chloride_comes_from_the_receptors_and_from_nowhere_else(sustained):
    ledger = sustained.ledger
    assert ledger["cl"].relative_error < 1e-9 > ledger.charge.relative_error
    crossed = ledger["cl"].crossed
    assert set(crossed) == {"gaba", "kcc_2"}
    # Where it comes to rest, by closed forms: no net current, and KCC2 takes out what comes in.
    area, part = np.pi * 10e-12, ChlorideGABAA(g=1 * nS)

    def missing(x):
        v, inside = x[0] / 1e3, x[1]
        given = part.values(v * 1e3 * mV, 37, cl_i=inside * mM, cl_o=130 * mM, A=0.0, B=1.0)
        total, chloride = (
            float(evaluate(part.equations, code, given)) * 1e9
            for code in (part.current, part.ion_current)
        )
        leaks = area * (3 * (-0.065 - v) + 0.1 * (RT_F * np.log(3.5 / 140) - v)) * 1e9
        out = area * STRONG * np.log(3.5 * 130 / (140 * inside)) * 1e9
        return [total + leaks, chloride - out]

    v, inside = fsolve(missing, [-75, 4])
    assert np.asarray(sustained.trace("v"))[0, -1] * 1e3 == pytest.approx(v, rel=1e-6)
    assert np.asarray(sustained.trace("cl_i"))[0, -1] == pytest.approx(inside, rel=1e-6)


@compiled
@pytest.mark.slow
def test_both_engines_agree(sustained):
    found = simulate(inhibited(), 200 * ms, dt=1 * ms, batch=BATCH, engine="cpp")
    for label in ("cl_i", "v", "E_gaba", "ion_current"):
        values = np.asarray(sustained.trace(label))[:, :200]
        assert np.asarray(found.trace(label)) == pytest.approx(values, rel=1e-9)
    assert found.ledger["cl"].relative_error < 1e-9


def test_tonic_receptors_are_synaptic_ones_that_stay_open():
    part, v = ChlorideGABAA(g=1 * nS), [-90, -65, 0, 20] * mV
    one = {"cl_i": 12 * mM, "cl_o": 110 * mM}
    values = part.values(v, 37, A=0.0, B=1.0, **one)
    total, through = (
        np.asarray(evaluate(part.equations, code, values))
        for code in (part.current, part.ion_current)
    )
    chloride, bicarbonate = tonic_gaba_a(1 * siemens / meter**2)
    assert np.asarray(chloride.density(v, 37, **one)) == pytest.approx(1e9 * through, rel=1e-12)
    rest = np.asarray(bicarbonate.density(v, 37))
    assert rest == pytest.approx(1e9 * (total - through), rel=1e-9, abs=1e-9)
    with pytest.raises(ParameterError, match="permeability"):
        tonic_gaba_a(permeability=-1)


@pytest.mark.parametrize("inside", [0, 16])
@pytest.mark.parametrize("outside", [0, 26])
def test_tonic_and_synaptic_receptors_take_the_same_bicarbonate_also_none(inside, outside):
    given = {"hco3_i": inside * mM, "hco3_o": outside * mM}
    part, v = ChlorideGABAA(g=1 * nS, **given), [-90, -65, 0, 20] * mV
    values = part.values(v, 37, A=0.0, B=1.0)
    total, chloride = (
        np.asarray(evaluate(part.equations, code, values))
        for code in (part.current, part.ion_current)
    )
    bicarbonate = tonic_gaba_a(1 * siemens / meter**2, **given)[1]
    found = np.asarray(bicarbonate.density(v, 37))
    assert found == pytest.approx(1e9 * (total - chloride), rel=1e-9, abs=1e-9)
    # In closed form: g (RT/F) bend p ([HCO3]_i e^(-V F/RT) - [HCO3]_o).
    flow = inside * np.exp(-np.asarray(v) / RT_F) - outside
    bend = (
        float(bicarbonate.permeability)
        * RT_F
        * np.asarray(evaluate(bicarbonate.equations, "bend", bicarbonate.values(v, 37)))
    )
    assert found == pytest.approx(bend * flow, rel=1e-9, abs=1e-9)


def test_both_kinds_of_receptors_declare_the_same_anions():
    for part in (TonicChloride, TonicBicarbonate):
        synaptic = ChlorideGABAA.quantity_fields()
        for name in {*part.quantity_fields()} & {"permeability", "hco3_i", "hco3_o", "cl_rest"}:
            mine, other = part.quantity_fields()[name].metadata, synaptic[name].metadata
            assert mine == other


def test_tonic_inhibition_moves_chloride_as_the_receptors_do():
    """Painted, with the conductance that the open receptors of `inhibited` have."""
    synaptic = inhibited()
    painted = synaptic.replace(placed=(), probed=())
    density = 1 * nS / (np.pi * 10 * um**2)
    painted = painted.paint(tonic_gaba_a(density)).probe("cl_i", at("dendrite"))
    runs = [simulate(cell, 60 * ms, dt=0.2 * ms, engine="numpy") for cell in (synaptic, painted)]
    late = np.asarray(runs[0].trace("cl_i"))[0]
    found = np.asarray(runs[1].trace("cl_i"))[0]
    # The receptors open 1 ms later, and within half a millisecond.
    assert abs(late[-1] - 7) > 0.05
    assert found[-1] - 7 == pytest.approx(late[-1] - 7, rel=0.05)
    ledger = runs[1].ledger
    assert set(ledger["cl"].crossed) == {"tonic_chloride", "kcc_2"}
    assert ledger["cl"].relative_error < 1e-9 > ledger.charge.relative_error


# ---- what is refused ----------------------------------------------------------------------------
def placed(part, *painted):
    cell = Neuron(ball_and_stick(), PerBranch(1)).paint(Leak())
    for one, region in painted:
        cell = cell.paint(one, region)
    return cell.place(part, at("soma"), Events.at([1] * ms), label="gaba")


@dataclass(frozen=True, eq=False, repr=False)
class Shaped(Exponential):
    """A receptor that asks for what no patch tells it."""

    equations = Exponential.equations + "\nfactor = radius/(1*um) : 1"
    current = "g*s*factor*(E - v)"
    reads: ClassVar[tuple[str, ...]] = ("radius",)


@dataclass(frozen=True, eq=False, repr=False)
class Sensing(Exponential):
    """A receptor that asks for calcium inside."""

    equations = Exponential.equations + "\nfactor = ca_i/(1*mM) : 1"
    current = "g*s*factor*(E - v)"
    reads: ClassVar[tuple[str, ...]] = ("ca_i",)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (placed(ChlorideGABAA()), r"'gaba' depends on cl_i.*such as Chloride\(\)"),
        (placed(ChlorideGABAA(), (Chloride(), branch("dendrite"))), r"Chloride\(\)"),
        (placed(Shaped()), "cannot read radius"),
        (placed(Sensing(), (CalciumPool(), everywhere)), r"such as Calcium\(\)"),
    ],
)
def test_receptors_that_read_what_nothing_tells(cell, said):
    with pytest.raises(ParameterError, match=said):
        simulate(cell, 1 * ms, engine="numpy")


def test_a_reversal_that_is_to_stay_is_that_of_the_other_receptor():
    for kind in (ChlorideGABAA, KineticChlorideGABAA):
        with pytest.raises(ParameterError, match=r"GABAA\(E=...\) instead"):
            kind(reversal="fixed")
    with pytest.raises(ParameterError, match="permeability"):
        ChlorideGABAA(permeability=-0.1)


def test_receptors_may_read_any_ion_that_is_held_under_them():
    @dataclass(frozen=True, eq=False, repr=False)
    class Facilitated(Exponential):
        """Its current grows with potassium outside."""

        equations = Exponential.equations + "\nfactor = k_o/(3.5*mM) : 1"
        current = "g*s*factor*(E - v)"
        reads: ClassVar[tuple[str, ...]] = ("k_o",)

    found = []
    for k_o in (3.5, 7.0):
        cell = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), rest=-70 * mV).paint(
            [Leak(), Potassium(140 * mM, k_o * mM, held=True)]
        )
        cell = cell.place(Facilitated(), at("dendrite"), Events.at([1] * ms), label="one")
        cell = cell.probe("one.current", at("dendrite"), label="i")
        found.append(np.asarray(simulate(cell, 1.2 * ms, dt=0.1 * ms, engine="numpy").trace("i")))
    late = found[0] > 0
    assert late.any()
    assert found[1][late] == pytest.approx(2 * found[0][late], rel=0.02)


def test_receptors_of_a_circuit_draw_on_the_space_that_its_cells_share():
    """Chloride that enters through a synapse leaves the space, and the receptors see it there."""
    soma = Neuron(cylinder(10 * um, 10 * um, tag="soma"), PerBranch(1), rest=-40 * mV)
    cell = soma.paint([Leak(E=-40 * mV), Chloride(7 * mM, 130 * mM)])
    cell = cell.place(ChlorideGABAA(g=100 * nS), at("soma"), label="gaba")
    cell = cell.probe("gaba.E_gaba", at("soma"), label="E").probe("cl_i", at("soma"))
    driver = soma.paint(Leak(E=0 * mV)).detect(at("soma"), -20 * mV)
    circuit = (
        Circuit()
        .add("driver", driver)
        .add("cell", cell)
        .connect("driver", "cell", onto="gaba")
        .share(Space(cl_o=130 * mM, volume=50 * um**3), "cell")
    )
    found = simulate(circuit, 30 * ms, dt=0.1 * ms, settle=0 * ms, engine="numpy")
    assert found["driver"].counts()[0] == 1
    outside = np.asarray(found.spaces["space"].concentration("cl") / mM)[0]
    inside = np.asarray(found["cell"].trace("cl_i"))[0]
    assert outside[-1] < 129.5
    volumes = np.pi * 250, 50
    assert volumes[0] * (inside[-1] - 7) == pytest.approx(
        volumes[1] * (130 - outside[-1]), rel=1e-9
    )
    wanted = reversal(inside[:-1], outside[:-1])
    assert np.asarray(found["cell"].trace("E"))[0, 1:] == pytest.approx(wanted, rel=1e-6)
    assert found.spaces["space"].ledger["cl"].relative_error < 1e-9
