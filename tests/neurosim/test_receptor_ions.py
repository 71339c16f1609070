"""Ions that receptors carry into the pools of the membrane under them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from brian2 import cm, mS, ms, mV, nA, nS, um
from brian2.units.constants import faraday_constant

from neurosim import Neuron, Steps, simulate
from neurosim.channels import SK, CalciumPool, CalciumT, Leak
from neurosim.errors import UnitError, UnknownNameError
from neurosim.morphology import PerBranch, at, ball_and_stick, branch, tagged
from neurosim.synapses import NMDA, Events, KineticNMDA


@dataclass(frozen=True, eq=False, repr=False)
class CalciumNMDA(NMDA):
    """An NMDA receptor of whose current a tenth is calcium."""

    ion: ClassVar[str | None] = "ca"
    ion_current: ClassVar[str] = "0.1*g*(B - A)*block*(E - v)"


@dataclass(frozen=True, eq=False, repr=False)
class Pure(KineticNMDA):
    """A receptor that passes calcium alone, with states of its own at each synapse."""

    ion: ClassVar[str | None] = "ca"


SHAPE = ball_and_stick(20 * um, 300 * um, 2 * um)
DT = 0.04


def cell():
    """Pools of two kinds in three patches, and a stretch without one."""
    bare = Neuron(SHAPE, PerBranch(1, {"dendrite": 9}), rest=-70 * mV).paint(Leak())
    bare = bare.paint([CalciumPool(tau=20 * ms), CalciumT()], branch("soma"))
    return bare.paint(CalciumPool(name="thin", depth=0.5 * um), tagged("dendrite"))


def expected(receptor_current, channel_density, area, pool, start):
    """The pool's equation, advanced as the engine does, from what flows in."""
    rate = 1 / float(pool.tau)
    scale = float(pool.free) / (2 * float(faraday_constant) * float(pool.depth))
    ca, course = start, []
    for i_receptor, i_channel in zip(receptor_current, channel_density, strict=True):
        target = float(pool.rest) + scale * (i_receptor / area + i_channel) / rate
        ca = target + (ca - target) * np.exp(-rate * DT * 1e-3)
        course.append(ca)
    return np.array(course)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["auto", "numpy"])
def test_calcium_of_receptors_enters_the_pool_under_them(engine):
    events = [Events.at([2, 4, 4.5] * ms), Events.at([5] * ms)]
    whole = cell()
    whole = whole.place(CalciumNMDA(g=2 * nS), at("dendrite", 0.5), events[0], label="one")
    whole = whole.place(Pure(g=5 * nS), at("dendrite", 0.5), events[1], label="two")
    whole = whole.place(CalciumNMDA(g=50 * nS), at("soma"), events[1], label="soma")
    for label, place in (("one", 0.5), ("two", 0.5)):
        whole = whole.probe(f"{label}.ion_current", at("dendrite", place), label=label)
    whole = whole.probe("soma.ion_current", at("soma"), label="at_soma")
    whole = whole.probe("calcium_t.current", at("soma"), label="t")
    whole = whole.probe("ca_i", at("dendrite", 0.5), label="mid")
    whole = whole.probe("ca_i", at("dendrite", 0.9), label="far")
    whole = whole.probe("ca_i", at("soma"), label="ca_soma")
    run = simulate(
        whole, 10 * ms, stimulus=Steps(0.1 * nA, 1 * ms, 5 * ms), dt=DT * ms, engine=engine,
        batch={"one.g": [0, 20, 40] * nS},
    )  # fmt: skip
    area = whole.compartments.area_m2
    dendrite, soma = CalciumPool(name="thin", depth=0.5 * um), CalciumPool(tau=20 * ms)
    middle = whole.compartments.at("dendrite", 0.5)
    rest = float(dendrite.rest)
    for row in range(3):
        total = sum(np.asarray(run.trace(name))[row] for name in ("one", "two"))
        told = expected(total, np.zeros(len(total)), area[middle], dendrite, rest)
        found = np.asarray(run.trace("mid"))[row]
        np.testing.assert_allclose(found, told, rtol=1e-9)
        assert found.max() > 1.2 * rest
        np.testing.assert_allclose(np.asarray(run.trace("far"))[row], rest, rtol=1e-12)
    peaks = np.asarray(run.trace("mid")).max(axis=1)
    assert peaks[0] < peaks[1] < peaks[2]
    # Beside a channel of the same ion, whose current is traced after its states have advanced:
    # that of the step before is within 1 % of what the pool gets.
    inflow, channel = (np.asarray(run.trace(name))[0] for name in ("at_soma", "t"))
    found = np.asarray(run.trace("ca_soma"))[0]
    told = expected(inflow[1:], channel[1:], area[0], soma, found[0])
    np.testing.assert_allclose(found[1:], told, rtol=0.01)
    without = expected(0 * inflow[1:], channel[1:], area[0], soma, found[0])
    assert np.abs(found[1:] / without - 1).max() > 0.1


def test_without_a_pool_it_is_a_current_as_any_other():
    bare = Neuron(SHAPE, PerBranch(1)).paint(Leak())
    ends = []
    for part in (NMDA(), CalciumNMDA()):
        one = bare.place(part, at("dendrite"), Events.at([1] * ms), label="nmda")
        ends.append(simulate(one, 5 * ms, dt=0.1 * ms, engine="numpy").final_v_si)
    np.testing.assert_array_equal(*ends)


def test_calcium_of_receptors_opens_the_potassium_channels_that_it_opens():
    base = cell().paint(SK(g=1 * mS / cm**2), tagged("dendrite"))
    lows = []
    for part in (NMDA(g=3 * nS), CalciumNMDA(g=3 * nS)):
        one = base.place(part, at("dendrite", 0.5), Events.at([1] * ms), label="nmda")
        one = one.probe("sk.current", at("dendrite", 0.5), label="sk")
        found = simulate(one, 30 * ms, dt=0.1 * ms, engine="numpy")
        lows.append(np.asarray(found.trace("sk")).min())
    assert lows[1] < 2 * lows[0] < 0


def test_an_ion_that_is_none_and_a_current_of_another_unit_are_refused():
    @dataclass(frozen=True, eq=False, repr=False)
    class Wrong(NMDA):
        ion: ClassVar[str | None] = "caa"

    @dataclass(frozen=True, eq=False, repr=False)
    class Unit(NMDA):
        ion: ClassVar[str | None] = "ca"
        ion_current: ClassVar[str] = "0.1*g"

    for make, error, says in (
        (Wrong, UnknownNameError, "did you mean 'ca'"),
        (Unit, UnitError, "ion_current"),
    ):
        with pytest.raises(error, match=says):
            make()
