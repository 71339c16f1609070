"""Ions that move: reversal potentials, pools, and the sodium that a spike train leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from brian2 import Quantity, amp, cm, mA, meter, mS, ms, mV, nA, nS, second, uA, um
from brian2.units.constants import faraday_constant, gas_constant, zero_celsius
from brian2.units.stdunits import mM

from neurosim import Constant, Course, Neuron, simulate
from neurosim.channels import (
    CalciumPool,
    HHPotassium,
    HHSodium,
    IonPool,
    Leak,
    PotassiumLeak,
    SodiumLeak,
)
from neurosim.dynamics import ion_balance, ion_rest
from neurosim.engine.cable.model import Carrier, Kernel
from neurosim.engine.cable.scheme import prepare, write_step
from neurosim.errors import EngineError, ParameterError, UnknownNameError
from neurosim.ions import (
    Calcium,
    Chloride,
    Potassium,
    Sodium,
    SodiumPotassiumPump,
    SodiumPump,
    Transporter,
    VoltageDependentPump,
)
from neurosim.morphology import PerBranch, at, cone, cylinder, distance, everywhere
from neurosim.quantities import quantity
from neurosim.stimuli import Pulses
from neurosim.synapses import NMDA, Events, Exponential

RT_F = 25.13e-3
FARADAY = float(faraday_constant)
CELSIUS = RT_F * FARADAY / float(gas_constant) - float(zero_celsius)
AREA_CM2 = np.pi * 2e-4 * 100e-4


# Both engines with both schemes; one of each runs with the default tests.
ENGINES = [
    pytest.param("cpp", "crank-nicolson", marks=pytest.mark.slow),
    pytest.param("cpp", "backward-euler", marks=pytest.mark.slow),
    pytest.param("numpy", "crank-nicolson", marks=pytest.mark.slow),
    ("numpy", "backward-euler"),
]


def pump_cell() -> Neuron:
    """The cell of the reference: Hodgkin-Huxley, sodium and potassium leaks, and a pump.

    A cylinder of 2 by 100 µm, RT/F of 25.13 mV, rates 3.8202 times those at 6.3 °C; potassium is
    fixed at -77 mV. Reference: NEURON, CVODE with a tolerance of 1e-7.
    """
    q10 = 3.8202161018185845 ** (10 / (CELSIUS - 6.3))
    cell = Neuron(cylinder(100 * um, 2 * um), PerBranch(1), celsius=CELSIUS, rest=-65 * mV)
    potassium = Potassium(3.5 * mM * np.exp(77e-3 / RT_F), 3.5 * mM, held=True)
    return cell.paint(
        [
            Sodium(10 * mM, 145 * mM),
            potassium,
            HHSodium(q10=q10),
            HHPotassium(q10=q10),
            Leak(g=0.3 * mS / cm**2, E=-54.387 * mV),
            SodiumLeak(g=0.015325272160003395 * mS / cm**2),
            PotassiumLeak(g=0.08915673486927918 * mS / cm**2),
            SodiumPump(I_max=5 * uA / cm**2, K_na=15 * mM),
        ]
    )


def train(pulses: int, onset=1 * second) -> Pulses:
    """Pulses of 40 µA/cm² and 0.5 ms at 50 Hz."""
    current = 40 * AREA_CM2 * uA
    return Pulses(period=20 * ms, width=0.5 * ms, n=pulses, amplitude=current, onset=onset)


@pytest.mark.slow
def test_the_reference_train_of_500_spikes():
    cell = pump_cell().probe("na_i", everywhere)
    run = simulate(
        cell, 40 * second, stimulus=train(500), record=["v"], dt=0.05 * ms, record_dt=1 * ms
    )
    sodium, v = run.traces_si["na_i"][0], run.traces_si["v"][0] * 1e3
    reference = {
        1000: 9.999999999999758, 3000: 17.661022065801617, 6000: 24.81625022098812,
        11000: 32.58737083290362, 12000: 30.190485364203383, 15000: 23.57258222041821,
        20000: 15.67478343955735, 30000: 10.751988003586453, 40000: 10.100873837978737,
    }  # fmt: skip
    for time, expected in reference.items():
        assert sodium[time - 1] == pytest.approx(expected, rel=0.02)
    # Afterhyperpolarisation of the pump.
    potentials = {11200: -69.25972868716903, 15000: -68.33020552120493, 20000: -66.62641781472303}
    for time, expected in potentials.items():
        assert v[time - 1] == pytest.approx(expected, abs=0.15)
    assert max(run.ledger["na"].relative_error, run.ledger.charge.relative_error) < 1e-9
    late = slice(30_000, 40_000)
    slope = np.polyfit(run.trace_time_s[late], np.log(sodium[late] - 10), 1)[0]
    assert -1 / slope == pytest.approx(4.984294526737991, rel=0.05)
    assert int(run.counts()[0]) == 500
    assert v[999] == pytest.approx(-65, abs=1e-3)
    assert sodium[999] == pytest.approx(10, abs=1e-3)


@pytest.mark.slow
def test_a_spike_lets_in_the_sodium_of_the_reference():
    # NEURON: one spike raises sodium by 0.0953322518 mM in the 200 ms after it.
    cell = pump_cell().probe("na_i", everywhere)
    run = simulate(cell, 220 * ms, stimulus=train(1, 20 * ms), dt=0.025 * ms)
    assert run.traces_si["na_i"][0, -1] - 10 == pytest.approx(0.09533225177182736, rel=0.005)


def passive(*parts, shape=None, rule=None) -> Neuron:
    return Neuron(shape or cylinder(100 * um, 2 * um), rule or PerBranch(1), rest=-65 * mV).paint(
        list(parts)
    )


def test_a_channel_follows_the_concentrations_unless_it_is_told_not_to():
    g = 1 * mS / cm**2
    ions = Potassium(140 * mM, 3.5 * mM, held=True)
    nernst = float(gas_constant) * 310.15 / FARADAY * np.log(3.5 / 140)
    expected = {"follow": nernst, "fixed": -0.06}
    for reversal, potential in expected.items():
        leak = PotassiumLeak(g=g, E=-60 * mV, reversal=reversal)
        run = simulate(passive(ions, leak), 50 * ms, record=["v"], dt=0.1 * ms, engine="numpy")
        assert run.traces_si["v"][0, -1] == pytest.approx(potential, rel=1e-6)
    # Where nothing holds the ion, the field counts.
    alone = simulate(passive(PotassiumLeak(g=g, E=-60 * mV)), 50 * ms, record=["v"], engine="numpy")
    assert alone.traces_si["v"][0, -1] == pytest.approx(-0.06, rel=1e-9)


def test_one_cell_may_follow_here_and_be_fixed_there():
    g, soma = 1 * mS / cm**2, distance(below=50 * um)
    cell = Neuron(cylinder(100 * um, 2 * um), PerBranch(2), rest=-65 * mV)
    cell = cell.paint(Potassium(held=True)).paint(PotassiumLeak(g=g, E=-60 * mV), soma)
    other = PotassiumLeak(g=g, E=-60 * mV, reversal="fixed")
    cell = cell.paint(other, ~soma, label="far")
    run = simulate(cell.probe("potassium_leak.current", everywhere), 0.025 * ms, engine="numpy")
    follow, fixed = (run.traces_si[f"potassium_leak.current[{k}]"][0, 0] for k in range(2))
    assert follow == pytest.approx(10 * (-0.0985914 + 0.065), rel=1e-2)
    assert fixed == pytest.approx(10 * (-0.06 + 0.065), rel=1e-2)


@pytest.mark.parametrize(("engine", "scheme"), ENGINES)
def test_the_traced_currents_are_what_moved_the_ions(engine, scheme):
    cell = pump_cell().paint(CalciumPool()).replace(rest=-65 * mV)
    names = ["na_i", "v", "i_na", "hh_sodium.current", "sodium_leak.current", "sodium_pump.i_na"]
    names += ["hh_potassium.current", "potassium_leak.current", "sodium_pump.current"]
    names += ["leak.current", "stimulus.current", "E_na"]
    run = simulate(
        cell, 3 * ms, stimulus=Constant(1 * nA), record=names, dt=0.01 * ms, record_dt=0.01 * ms,
        engine=engine, scheme=scheme,
    )  # fmt: skip
    traces = {name: values[0] for name, values in run.traces_si.items()}
    parts = traces["hh_sodium.current"] + traces["sodium_leak.current"] + traces["sodium_pump.i_na"]
    assert parts == pytest.approx(traces["i_na"], rel=1e-9)
    moved = np.cumsum(parts) * 1e-5 / (FARADAY * 0.5e-6)
    assert traces["na_i"] - 10 == pytest.approx(moved, rel=1e-9, abs=1e-12)
    assert traces["E_na"] == pytest.approx(RT_F * np.log(145 / traces["na_i"]), rel=1e-9)
    # The charge of all currents is that of the capacitance.
    area = AREA_CM2 * 1e-4
    charge = np.cumsum(
        parts - traces["sodium_pump.i_na"] + traces["hh_potassium.current"] + traces["leak.current"]
        + traces["potassium_leak.current"] + traces["sodium_pump.current"]
        + traces["stimulus.current"] / area
    ) * 1e-5  # fmt: skip
    assert (traces["v"] + 0.065) * 1e-2 == pytest.approx(charge, rel=1e-8)
    # So says the ledger.
    sodium = run.ledger["na"]
    assert sodium.entered[0, 0] == pytest.approx(parts.sum() * 1e-5 * area / FARADAY, rel=1e-9)
    assert sodium.relative_error < 1e-9
    assert run.ledger.charge.relative_error < 1e-9


@pytest.mark.slow
def test_two_engines_agree_about_spaces_outside():
    cell = passive(
        Sodium(depth=1 * um, free=0.5),
        Potassium(outside_depth=0.07 * um, outside_tau=5 * ms),
        HHSodium(), HHPotassium(), Leak(), SodiumPotassiumPump(),
        shape=cone(200 * um, 4 * um, 1 * um), rule=PerBranch(3),
    )  # fmt: skip
    cell = cell.probe("k_o", everywhere).probe("na_i", everywhere).probe("k_i", everywhere)
    found = [
        simulate(cell, 5 * ms, stimulus=Constant(1 * nA), dt=0.01 * ms, engine=engine)
        for engine in ("cpp", "numpy")
    ]
    assert np.ptp(found[0].traces_si["k_o[0]"]) > 0.2
    for name, values in found[0].traces_si.items():
        assert values == pytest.approx(found[1].traces_si[name], rel=1e-6)


def test_a_space_outside_returns_to_its_bath():
    leak = PotassiumLeak(g=0 * mS / cm**2)
    cell = passive(Potassium(outside_depth=0.1 * um, outside_tau=20 * ms, held=True), leak)
    cell = cell.probe("k_o", everywhere)
    run = simulate(cell, 40 * ms, initial={"k_o": 10 * mM}, dt=0.1 * ms, engine="numpy")
    expected = 3.5 + 6.5 * np.exp(-run.trace_time_s / 20e-3)
    assert run.traces_si["k_o"][0] == pytest.approx(expected, rel=1e-9)


def test_volume_is_that_of_the_compartment_however_it_tapers():
    shape = cone(100 * um, 4 * um, 1 * um)
    current = Leak(g=0 * mS / cm**2)
    cell = passive(Sodium(), SodiumLeak(), current, shape=shape, rule=PerBranch(2))
    cell = cell.probe("na_i", everywhere).probe("i_na", everywhere)
    run = simulate(cell, 5 * ms, dt=0.01 * ms, record_dt=0.01 * ms, engine="numpy")
    radii = np.linspace(2, 0.5, 3) * 1e-6
    for k in range(2):
        a, b, length = radii[k], radii[k + 1], 50e-6
        volume = np.pi * length / 3 * (a * a + a * b + b * b)
        area = np.pi * (a + b) * np.hypot(length, a - b)
        moved = run.traces_si[f"i_na[{k}]"][0].sum() * 1e-5 * area / volume / FARADAY
        assert run.traces_si[f"na_i[{k}]"][0, -1] - 10 == pytest.approx(moved, rel=1e-9)


class Reading(Leak):
    """A leak that depends on potassium outside."""

    current = "g*(k_o/(1*mM))*(E - v)"
    reads = ("k_o",)


def test_what_cannot_be():
    cell = passive(Sodium(), SodiumLeak())
    with pytest.raises(ParameterError, match=r"moves k, and nothing there holds it.*Potassium"):
        simulate(cell.paint(SodiumPump()), 1 * ms)
    with pytest.raises(ParameterError, match="depends on k_o"):
        simulate(cell.paint(Reading()), 1 * ms)
    with pytest.raises(ParameterError, match="one pool of an ion"):
        cell.paint(Sodium(name="second"))
    with pytest.raises(UnknownNameError, match="follow"):
        HHSodium(reversal="folow")
    with pytest.raises(ParameterError, match="no effect where the concentrations"):
        simulate(cell, 1 * ms, batch={"sodium_leak.E": [40, 50] * mV})
    with pytest.raises(ParameterError, match="free must be at most 1"):
        Sodium(free=2)


@pytest.mark.parametrize("engine", [pytest.param("cpp", marks=pytest.mark.slow), "numpy"])
def test_a_concentration_that_falls_to_zero_is_told_with_place_and_time(engine):
    pump = SodiumPump(I_max=50 * uA / cm**2, K_na=0.001 * mM)
    cell = passive(Sodium(1 * mM, depth=0.01 * um), Potassium(held=True), Leak(), pump)
    with pytest.raises(EngineError, match=r"concentration of na inside fell to zero at 0.6.* ms"):
        simulate(cell, 5 * ms, engine=engine)


@dataclass(frozen=True, eq=False, repr=False)
class ChlorideSynapse(Exponential):
    """A receptor that passes chloride alone."""

    ion: ClassVar[str | None] = "cl"


@dataclass(frozen=True, eq=False, repr=False)
class CalciumNMDA(NMDA):
    """An NMDA receptor of whose current a tenth is calcium."""

    ion: ClassVar[str | None] = "ca"
    ion_current: ClassVar[str] = "0.1*g*(B - A)*block*(E - v)"


@pytest.mark.parametrize(("engine", "scheme"), ENGINES)
def test_receptors_follow_and_move_their_ion(engine, scheme):
    cell = passive(Chloride(7 * mM, 130 * mM), Calcium(depth=0.2 * um), Leak(), rule=PerBranch(2))
    far = at("dendrite", 0.9)
    cell = cell.place(ChlorideSynapse(g=20 * nS), far, Events.at([1, 2] * ms), label="inhibits")
    cell = cell.place(CalciumNMDA(g=5 * nS), far, Events.at([1] * ms), label="excites")
    for name in ("cl_i", "ca_i", "inhibits.current", "inhibits.E_cl", "v", "E_cl"):
        cell = cell.probe(name, far)
    run = simulate(cell, 5 * ms, dt=0.01 * ms, record_dt=0.01 * ms, engine=engine, scheme=scheme)
    traces = {name: values[0] for name, values in run.traces_si.items()}
    # The potential that the receptor used is that of the concentrations before the step.
    assert traces["inhibits.E_cl"][1:] == pytest.approx(traces["E_cl"][:-1], rel=1e-9)
    assert np.ptp(traces["cl_i"]) > 1e-3
    assert np.ptp(traces["ca_i"]) > 1e-6
    for ion in ("cl", "ca"):
        assert run.ledger[ion].relative_error < 1e-9
    assert run.ledger.charge.relative_error < 1e-9
    # The trace is the current at the potential before a step, the ledger that at the potential
    # which the step was solved for.
    before, after = np.append(-0.065, traces["v"][:-1]), traces["v"]
    solved = after if scheme == "backward-euler" else (before + after) / 2
    current, reversal = traces["inhibits.current"], traces["inhibits.E_cl"]
    used = current * (reversal - solved) / (reversal - before)
    entered = -run.ledger["cl"].crossed["inhibits"][1, 0] * FARADAY
    assert entered == pytest.approx(used.sum() * 1e-5, rel=1e-9)


def test_a_receptor_that_is_told_not_to_follow_keeps_its_reversal():
    far = at("dendrite", 0.9)
    cell = passive(Chloride(7 * mM, 130 * mM), Leak(), rule=PerBranch(2))
    found = {}
    for reversal in ("fixed", "follow"):
        receptor = ChlorideSynapse(g=20 * nS, E=-50 * mV, reversal=reversal)
        placed = cell.place(receptor, far, Events.at([1] * ms), label="inhibits")
        for name in ("inhibits.current", "inhibits.s", "v", "cl_i"):
            placed = placed.probe(name, far)
        run = simulate(placed, 5 * ms, dt=0.01 * ms, record_dt=0.01 * ms, engine="numpy")
        found[reversal] = {name: values[0] for name, values in run.traces_si.items()}
    fixed, follow = found["fixed"], found["follow"]
    before = np.append(-0.065, fixed["v"][:-1])
    expected = 20e-9 * fixed["inhibits.s"] * (-0.05 - before)
    assert fixed["inhibits.current"] == pytest.approx(expected, rel=1e-9)
    # It depolarises with one and hyperpolarises with the other, and moves chloride with both.
    assert fixed["v"].max() > -0.06 > -0.07 > follow["v"].min()
    assert fixed["cl_i"][-1] < 7 < follow["cl_i"][-1]


def test_parts_whose_names_end_alike_have_entries_of_their_own():
    slow = SodiumLeak(g=0.01 * mS / cm**2, name="slow")
    other = SodiumLeak(g=0.03 * mS / cm**2, name="slow_rate")
    third = SodiumPump(name="slow_current")
    cell = passive(Sodium(), Potassium(held=True), Leak(), slow, other, third)
    names = {"slow", "slow_rate", "slow_current"}
    assert set(ion_balance(cell).by_part["na"]) == names
    ledger = simulate(cell, 0.1 * ms, engine="numpy").ledger
    assert set(ledger["na"].crossed) == names
    assert set(ledger.charge.crossed) == {"leak", *names}
    crossed = ledger["na"].crossed
    assert crossed["slow_rate"] == pytest.approx(3 * crossed["slow"], rel=1e-9)


@dataclass(frozen=True, eq=False, repr=False)
class Filled(IonPool):
    """Sodium that nothing removes, in the usual form."""

    width: Quantity = quantity(0.5 * um, "volume over area")

    equations = "dna_i/dt = i_na/(F*width) : mM"
    ion = "na"
    writes = "na_i"
    reads = ("i_na",)


@dataclass(frozen=True, eq=False, repr=False)
class FilledFrom(Filled):
    """The same, with a start."""

    start: Quantity = quantity(12 * mM, "concentration at the start")

    starts: ClassVar[dict[str, str]] = {"na_i": "start"}


@dataclass(frozen=True, eq=False, repr=False)
class NernstLeak(Leak):
    """A sodium leak with a Nernst potential of its own."""

    current = "g*(RT_F*log(145*mM/na_i) - v)"
    ion = "na"
    reads = ("na_i",)


def test_a_state_without_decay_is_integrated_from_its_start():
    def cell(pool):
        return passive(pool, NernstLeak()).probe("na_i", everywhere).probe("i_na", everywhere)

    with pytest.raises(ParameterError, match=r"na_i: there is no steady state.*initial"):
        simulate(cell(Filled()), 1 * ms, engine="numpy")
    told = simulate(cell(Filled()), 5 * ms, initial={"na_i": 12 * mM}, engine="numpy")
    own = simulate(cell(FilledFrom()), 5 * ms, engine="numpy")
    sodium, current = own.traces_si["na_i"][0], own.traces_si["i_na"][0]
    assert np.array_equal(sodium, told.traces_si["na_i"][0])
    expected = 12 + np.cumsum(current) * 25e-6 / (FARADAY * 0.5e-6)
    assert sodium == pytest.approx(expected, rel=1e-6)


def test_the_leak_that_balances_a_pump():
    cell = pump_cell()
    assert ion_balance(cell).unbalanced == ()
    painted = tuple(p for p in cell.painted if p.part.name != "sodium_leak")
    without = ion_balance(cell.replace(painted=painted))
    assert without.unbalanced == ("na",)
    # That of the reference, which was chosen to balance.
    assert float(without.leak("na")[0]) * 0.1 == pytest.approx(0.015325272160003395, rel=1e-5)
    assert "a leak of na of 0.0153" in without.describe()


def test_rest_is_found_as_a_root_of_the_whole():
    cell = pump_cell().replace(rest=-70 * mV)
    first = replace(cell.painted[0], part=Sodium(14 * mM, 145 * mM))
    rest = ion_rest(cell.replace(painted=(first, *cell.painted[1:])))
    assert float(rest.v[0] / mV) == pytest.approx(-65, abs=1e-6)
    assert float(rest.concentrations["na_i"][0] / mM) == pytest.approx(10, abs=1e-6)
    run = simulate(rest.neuron.probe("na_i", everywhere), 5 * ms, record=["v"], engine="numpy")
    assert np.ptp(run.traces_si["na_i"]) < 1e-6
    assert np.ptp(run.traces_si["v"]) < 1e-8


def test_no_rest_is_refused_with_what_does_not_balance():
    # Nothing carries sodium out, so that it would rest at E_na only, which the leak forbids.
    cell = passive(Sodium(), Potassium(held=True), SodiumLeak(), Leak(), ConstantPump())
    with pytest.raises(ParameterError, match=r"no state of rest.*na: a net inward current"):
        ion_rest(cell.replace(rest=-65 * mV))


@pytest.mark.parametrize(
    "parts",
    [
        [Sodium(), Potassium(140 * mM, 3.5 * mM), SodiumLeak(g=1 * mS / cm**2)],
        [
            Sodium(),
            Potassium(140 * mM, 3.5 * mM),
            SodiumLeak(g=0.01 * mS / cm**2),
            PotassiumLeak(g=0.1 * mS / cm**2),
            SodiumPump(I_max=10 * uA / cm**2),
        ],
    ],
)
@pytest.mark.parametrize("compartments", [1, 3])
def test_a_rest_that_the_charge_decides_is_refused(parts, compartments):
    # All charge is ions that move: the balances alone give E_na at 152 mM, which no run reaches.
    cell = Neuron(cylinder(100 * um, 2 * um), PerBranch(compartments), rest=-65 * mV).paint(parts)
    with pytest.raises(ParameterError, match=r"every current is carried by ions that move.*Hold"):
        ion_rest(cell)


@dataclass(frozen=True, eq=False, repr=False)
class ConstantPump(Transporter):
    """A pump that nothing slows down, with more power than any leak."""

    rate = "10*amp/meter**2 + 0*na_i*amp/meter**2/mM"
    moves: ClassVar[dict[str, int]] = {"na": -3, "k": 2}
    reads = ("na_i",)


def test_settling_leaves_concentrations_at_their_start():
    cell = passive(Sodium(), SodiumLeak(g=1 * mS / cm**2)).probe("na_i", everywhere)
    run = simulate(cell, 0.05 * ms, settle=20 * ms, engine="numpy", record=["v"])
    moved = run.ledger["na"].entered[0, 0] / (np.pi * 1e-12 * 100e-6)
    assert run.traces_si["na_i"][0, -1] - 10 == pytest.approx(moved, rel=1e-9)
    assert run.traces_si["v"][0, -1] > 0.06


@pytest.fixture(scope="module")
def moving():
    """Two patches, a space outside, and a pump whose block follows a course."""
    cell = passive(
        Sodium(), Potassium(outside_depth=0.07 * um), HHSodium(), HHPotassium(), Leak(),
        SodiumPotassiumPump(), rule=PerBranch(4),
    )  # fmt: skip
    cell = cell.paint(SodiumLeak(), distance(below=50 * um))
    return cell.probe("na_i", everywhere).probe("k_o", everywhere)


@pytest.mark.slow
def test_a_run_goes_on_from_a_state_bit_for_bit(moving):
    stimulus = Constant(0.5 * nA)
    options = {"stimulus": stimulus, "dt": 0.025 * ms}
    whole = simulate(moving, 6 * ms, **options)
    half = simulate(moving, 3 * ms, **options)
    rest = simulate(moving, 3 * ms, initial=half.state, **options)
    for name, values in whole.traces_si.items():
        assert np.array_equal(values[:, 120:], rest.traces_si[name])
    total = half.ledger["na"].entered + rest.ledger["na"].entered
    assert total == pytest.approx(whole.ledger["na"].entered, rel=1e-12)


@pytest.mark.slow
def test_batches_threads_and_courses(moving):
    amounts = [5, 10, 20, 40] * mM
    batch = {"sodium.inside": np.repeat(amounts, 5), "sodium_potassium_pump.I_max": 0.1}
    batch["sodium_potassium_pump.I_max"] = np.full(20, 0.1) * amp / meter**2
    block = Course([0, 2] * ms, [0, 1])
    courses = {
        "sodium_potassium_pump.blocked": block,
        "potassium.outside": Course([0, 1] * ms, [3, 8] * mM),
    }
    runs = [
        simulate(moving, 4 * ms, batch=batch, courses=courses, dt=0.025 * ms, jobs=jobs)
        for jobs in (1, 2)
    ]
    for name, values in runs[0].traces_si.items():
        assert np.array_equal(values, runs[1].traces_si[name])
    assert runs[0].traces_si["na_i[0]"][::5, 0] == pytest.approx([5, 10, 20, 40], rel=1e-3)
    alone = simulate(
        moving, 4 * ms, courses=courses, dt=0.025 * ms,
        batch={"sodium.inside": 20 * mM, "sodium_potassium_pump.I_max": 0.1 * amp / meter**2},
    )  # fmt: skip
    assert runs[0].traces_si["k_o[3]"][12] == pytest.approx(alone.traces_si["k_o[3]"][0], rel=1e-9)
    for ion in ("na", "k"):
        assert runs[0].ledger[ion].relative_error < 1e-9
    with pytest.raises(ParameterError, match=r"sodium.inside.*start"):
        simulate(moving, 1 * ms, courses={"sodium.inside": Course([0, 1] * ms, [3, 8] * mM)})


def test_the_table_of_a_neuron_says_which_reversal_a_channel_uses():
    cell = passive(Sodium(), HHSodium(), SodiumLeak(reversal="fixed"))
    shown = cell._repr_html_()
    assert shown.count("reversal follows the concentrations: E_na") == 1
    assert shown.count("reversal fixed") == 1
    assert "reversal follows" not in passive(HHSodium())._repr_html_()


@pytest.mark.parametrize(
    ("neuron", "given"),
    [
        (passive(CalciumPool()), {"batch": {"calcium_pool.free": [0.5, 1.5]}}),
        (passive(Sodium()), {"batch": {"sodium.free": [0.5, 1.5]}}),
        (pump_cell(), {"batch": {"sodium_pump.blocked": [0.5, 1.5]}}),
        (pump_cell(), {"courses": {"sodium_pump.blocked": Course([0, 5] * ms, [0, 1.5])}}),
    ],
    ids=["calcium pool", "ion", "pump", "course of a pump"],
)
def test_a_share_above_one_is_refused_wherever_it_is_given(neuron, given):
    with pytest.raises(ParameterError, match="at most 1"):
        simulate(neuron, 10 * ms, engine="numpy", **given)


def test_a_state_and_a_batch_that_both_say_where_an_ion_starts():
    cell = passive(Sodium(), SodiumLeak())
    state = simulate(cell, 1 * ms, engine="numpy").state
    with pytest.raises(ParameterError, match="leave one of them out"):
        simulate(cell, 1 * ms, initial=state, batch={"sodium.inside": [5, 20] * mM}, engine="numpy")


@pytest.mark.parametrize("value", [0, -1])
def test_a_start_without_a_logarithm_is_refused_by_name(value):
    cell = passive(Sodium(), SodiumLeak(), Leak())
    with pytest.raises(ParameterError, match=r"initial: na_i .* must be above 0; got"):
        simulate(cell, 1 * ms, initial={"na_i": value * mM}, engine="numpy")


def test_rounding_of_what_is_there_is_no_error_of_the_ledger():
    # A leak so small that what crosses is near the last digits of what is there.
    cell = passive(Sodium(), SodiumLeak(g=1e-12 * mS / cm**2), Leak())
    account = simulate(cell, 5 * ms, engine="numpy").ledger["na"]
    last_digits = replace(account, inside_end=account.inside_end * (1 + 1e-15))
    assert np.abs(last_digits.inside_error).max() > 1e-6 * account.largest_moved
    assert last_digits.relative_error == 0
    lost = replace(account, inside_end=account.inside_end * (1 - 1e-6))
    assert lost.relative_error > 1


@pytest.mark.slow
def test_one_logarithm_of_each_concentration_gives_the_numbers_of_the_oracle():
    """A pump whose half speed is 0 mM too: the logarithm of that is no number."""
    cell = Neuron(cylinder(200 * um, 2 * um), PerBranch(3), celsius=6.3, rest=-65 * mV).paint(
        [
            HHSodium(),
            HHPotassium(),
            SodiumLeak(g=0.01 * mS / cm**2),
            PotassiumLeak(g=0.05 * mS / cm**2),
            Sodium(10 * mM, 145 * mM),
            Potassium(140 * mM, 3.5 * mM, outside_depth=0.1 * um, outside_tau=20 * ms),
        ]
    )
    # The sodium outside differs from row to row, and the potassium outside moves.
    batch = {"current": [0.1, 0.2] * nA, "sodium.outside": [145.0, 120.0] * mM}
    # A few halves of an exponent take products and roots, others exponentials.
    for half, exponent in ((10 * mM, 1.5), (0 * mM, 1.5), (10 * mM, 3.0), (10 * mM, 2.2)):
        pump = SodiumPotassiumPump(K_na=half, n_na=exponent)
        pumping = cell.paint(pump).probe("na_i", everywhere)
        pumping = pumping.probe("k_o", everywhere).probe("E_k", everywhere)
        how = {"stimulus": Constant(0 * nA), "batch": batch, "dt": 0.025 * ms}
        run, oracle = (
            simulate(pumping, 10 * ms, engine=engine, **how) for engine in ("cpp", "numpy")
        )
        for name, expected in oracle.traces_si.items():
            assert np.allclose(run.traces_si[name], expected, rtol=1e-9, atol=0), name
        # Something moved.
        assert np.ptp(run.traces_si["k_o[1]"]) > 1e-2
        assert run.ledger["k"].relative_error < 1e-9


def test_what_all_rows_share_is_worked_out_once():
    # An outer concentration that stays is a parameter, and what depends on it alone no row's.
    text = "k_o = outside : 1\npump = g/(1 + (K/k_o)**n)/c : 1\noutside : 1 (constant, shared)\n"
    text += "K : 1 (constant, shared)\nn : 1 (constant, shared)\ng : 1\nc : 1\nv : volt"
    kernel = Kernel("patch0", text, "pump", True)
    assert "k_o" not in str(prepare(kernel).parsed["pump"].expr.code)


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        ("g*(E - v)", "_given_leak = g*(E - (0*volt))"),
        ("g*(E - v) + I*int(v > -0.04*volt)", "_given_leak = leak + _slope_leak*v"),
        ("g*(E - v) + I*other", "_given_leak = leak + _slope_leak*v"),
        ("g*(E - v)*other", "_given_leak = leak + _slope_leak*v"),
    ],
)
def test_the_part_of_a_current_that_does_not_depend_on_v(current, expected):
    text = f"leak = {current} : amp/meter**2\nother = int(v > -0.04*volt) : 1\nv : volt\n"
    text += "E : volt\ng : siemens/meter**2\nI : amp/meter**2\n"
    text += "area : meter**2\nC_m : farad/meter**2\nimplicit_dt : second"
    kernel = Kernel("patch0", text, "leak", True, carriers=(Carrier("leak", "leak"),))
    assert expected in write_step(kernel).splitlines()


@pytest.mark.parametrize("engine", [pytest.param("cpp", marks=pytest.mark.slow), "numpy"])
def test_a_potential_that_falls_to_the_pole_of_a_pump_is_told_with_place_and_time(engine):
    parts = [Sodium(held=True), Potassium(held=True), Leak(g=1 * mS / cm**2, E=-65 * mV)]
    pump = VoltageDependentPump(I_max=0 * uA / cm**2, name="pump")
    cell = passive(*parts, pump)
    # Without a current of the pump, v = -65 mV - (I/g) (1 - exp(-t/tau)) with tau = 1 ms.
    down = Constant(-0.03 * AREA_CM2 * mA)
    expected = np.log(30 / (30 - 15))
    with pytest.raises(EngineError, match=r"'dendrite'.*fell to pump\.V_pole at") as told:
        simulate(cell, 5 * ms, stimulus=down, dt=0.01 * ms, engine=engine)
    said = float(str(told.value).split("V_pole at ")[1].split(" ms")[0])
    assert said == pytest.approx(expected, abs=0.011)
    # Above it the run goes on, and another pole is where the pump says.
    simulate(cell, 0.6 * ms, stimulus=down, dt=0.01 * ms, engine=engine)
    if engine == "numpy":
        low = passive(*parts, pump.replace(V_pole=-90 * mV))
        with pytest.raises(EngineError, match=r"fell to pump\.V_pole at 1.8"):
            simulate(low, 5 * ms, stimulus=down, dt=0.01 * ms, engine=engine)
