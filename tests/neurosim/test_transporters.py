"""Transporters against their closed forms, with the numbers of the papers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from brian2.units import Quantity, amp, cm, kelvin, meter, mV, second
from brian2.units.constants import faraday_constant, gas_constant
from brian2.units.stdunits import mM
from scipy.optimize import brentq

from neurosim.errors import ParameterError, UnitError, UnknownNameError
from neurosim.ions import (
    KCC2,
    NKCC1,
    VALENCE,
    CalciumPump,
    ElectroneutralExchanger,
    GlialPump,
    IndependentSitesPump,
    MassActionCalciumPump,
    MassActionPump,
    SodiumCalciumExchanger,
    SodiumPotassiumPump,
    SodiumPump,
    Transporter,
    VoltageDependentPump,
    ghk_current,
    ghk_potential,
    nernst,
)

F = float(faraday_constant)
REST = -70 * mV
ALL = (
    KCC2,
    NKCC1,
    CalciumPump,
    ElectroneutralExchanger,
    GlialPump,
    IndependentSitesPump,
    MassActionCalciumPump,
    MassActionPump,
    SodiumCalciumExchanger,
    SodiumPotassiumPump,
    SodiumPump,
    VoltageDependentPump,
)


def thermal(celsius):
    return float(gas_constant * (celsius + 273.15) * kelvin / faraday_constant)


@pytest.mark.parametrize("kind", ALL)
def test_currents_of_the_ions_add_up_to_the_net_current(kind):
    part = kind()
    given = {"na_i": 23 * mM} if "na_i" in part.reads else {}
    ions = part.ion_densities(REST, **given)
    assert set(ions) == set(part.moves)
    other = part.other_charge * float(part.cycles(REST, **given))
    total = sum(float(one) for one in ions.values()) + other
    assert total == pytest.approx(float(part.density(REST, **given)), abs=1e-18, rel=1e-12)
    # Particles: each ion's current, by its charge, is its count of cycles.
    for ion, density in ions.items():
        cycles = float(density) / VALENCE[ion] / part.moves[ion]
        assert cycles == pytest.approx(float(part.cycles(REST, **given)), rel=1e-12)


@pytest.mark.parametrize("kind", ALL)
def test_the_blocked_share_scales_every_current(kind):
    whole, half = kind().cycles(-50 * mV), kind(blocked=0.25).cycles(-50 * mV)
    assert float(half) == pytest.approx(0.75 * float(whole), rel=1e-12)
    assert float(kind(blocked=1).cycles(-50 * mV)) == 0
    assert "blocked" in kind().parameters()  # A batch and a time course can move it.
    for wrong in (1.2, -0.1):
        with pytest.raises(ParameterError, match="blocked must be"):
            kind(blocked=wrong)


def test_stoichiometry():
    assert {kind.__name__: (kind().moves, kind().net_charge) for kind in ALL} == {
        "KCC2": ({"k": 1, "cl": 1}, 0),
        "NKCC1": ({"na": 1, "k": 1, "cl": 2}, 0),
        "CalciumPump": ({"ca": -1}, 0),
        "ElectroneutralExchanger": ({"na": -3, "ca": 1}, 0),
        "GlialPump": ({"na": -3, "k": 2}, -1),
        "IndependentSitesPump": ({"na": -3, "k": 2}, -1),
        "MassActionCalciumPump": ({"ca": -1}, 0),
        "MassActionPump": ({"na": -9}, -1),
        "SodiumCalciumExchanger": ({"na": -3, "ca": 1}, -1),
        "SodiumPotassiumPump": ({"na": -3, "k": 2}, -1),
        "SodiumPump": ({"na": -3, "k": 2}, -1),
        "VoltageDependentPump": ({"na": -3, "k": 2}, -1),
    }


@pytest.mark.parametrize(("na", "k"), [(10.0, 3.0), (27.5, 8.0), (4.0, 0.7)])
def test_pumps_against_their_closed_forms(na, k):
    both = {"na_i": na * mM, "k_o": k * mM}
    hill = 0.05 / ((1 + (10 / na) ** 1.5) * (1 + 1.5 / k))
    assert float(SodiumPotassiumPump().cycles(REST, **both)) == pytest.approx(hill, rel=1e-6)
    # Halnes et al. (2013): 1.115e-6 mol/(m2 s), here as the current of one charge a cycle.
    glial = F * 1.115e-6 * k / (k + 1.5) * na**1.5 / (na**1.5 + 10**1.5)
    assert float(GlialPump().cycles(REST, **both)) == pytest.approx(glial, rel=1e-4)
    sites = 0.05 * (1 + 10 / na) ** -3 * (1 + 2 / k) ** -2
    assert float(IndependentSitesPump().cycles(REST, **both)) == pytest.approx(sites, rel=1e-6)
    cubic = 0.05 / (1 + (15 / na) ** 3)
    assert float(SodiumPump().cycles(REST, na_i=na * mM)) == pytest.approx(cubic, rel=1e-6)


def test_pump_at_steady_state_balances_a_sodium_leak():
    # The fixed point of a closed cell: 3 r(na) equals the sodium that leaks in.
    leak = 0.02
    na = brentq(
        lambda x: 3 * float(SodiumPump().cycles(REST, na_i=x * mM)) - leak, 1, 100, xtol=1e-12
    )
    assert na == pytest.approx(15 / (3 * 0.05 / leak - 1) ** (1 / 3), rel=1e-6)


@pytest.mark.parametrize("v", [-74.0, -70.0, -76.0, -40.0])
def test_voltage_dependent_pump(v):
    pump = VoltageDependentPump()
    expected = 10 * (v + 75) / (v + 80) / (1 + np.exp((40 - 38) / 1))
    found = float(pump.cycles(v * mV, na_i=38 * mM))
    assert found == pytest.approx(expected, rel=1e-6)
    assert (found < 0) == (v < -75)  # It runs backwards there, which domain() says.
    low, high = pump.domain()
    assert float(low / mV) == pytest.approx(-75)
    assert np.isinf(float(high))
    with pytest.raises(ParameterError, match=r"V_pole .* must lie below V_reversal"):
        VoltageDependentPump(V_pole=-70 * mV)


def test_mass_action_pump_is_the_steady_state_of_its_reactions():
    pump, na, out = MassActionPump(), 17.5, 140.0
    k1, k2, k3, N = 1.0e3, 1.0, 300.0, 1e-10  # per second, mM = mol/m3
    k4 = k1 * k3 / k2 * (10 / 140) ** 3
    rates = np.array([[-(k1 * na**3 + k4 * out**3), k2 + k3], [1.0, 1.0]])
    free, bound = np.linalg.solve(rates, [0.0, N])
    turns = k3 * bound - k4 * out**3 * free
    given = {"na_i": na * mM, "na_o": out * mM}
    sodium = float(pump.ion_densities(REST, **given)["na"])
    assert sodium == pytest.approx(-3 * F * turns, rel=1e-6)
    assert float(pump.density(REST, **given)) == pytest.approx(-F * turns / 3, rel=1e-6)
    at_rest = pump.cycles(REST, na_i=10 * mM, na_o=140 * mM)
    assert abs(float(at_rest)) < 1e-12 * abs(sodium)


def test_sodium_calcium_exchanger():
    part, celsius, v = SodiumCalciumExchanger(), 30.0, -0.05
    na, na_o, ca, ca_o = 12.0, 140.0, 2e-4, 1.8
    u = v / thermal(celsius)
    top = np.exp(0.35 * u) * na**3 * ca_o - np.exp(-0.65 * u) * na_o**3 * ca
    below = (87.5**3 + na_o**3) * (1.38 + ca_o) * (1 + 0.1 * np.exp(-0.65 * u))
    given = {"na_i": na * mM, "na_o": na_o * mM, "ca_i": ca * mM, "ca_o": ca_o * mM}
    found = float(part.cycles(v * 1000 * mV, celsius, **given))
    assert found == pytest.approx(3 ** (-7 / 10) * 16 * top / below, rel=1e-6)
    # It stands still at 3 E_Na - 2 E_Ca.
    e_na, e_ca = (
        nernst("na", na * mM, na_o * mM, celsius),
        nernst("ca", ca * mM, ca_o * mM, celsius),
    )
    still = part.cycles(3 * e_na - 2 * e_ca, celsius, **given)
    assert abs(float(still)) < 1e-12
    same = ElectroneutralExchanger(I_max=16 * amp / meter**2)
    assert float(same.cycles(v * 1000 * mV, celsius, **given)) == pytest.approx(found, rel=1e-12)


def test_cotransporters_stand_still_at_equilibrium():
    k_i, k_o, cl_o = 140.0, 4.0, 120.0
    cl_i = k_o * cl_o / k_i
    given = {"k_i": k_i * mM, "k_o": k_o * mM, "cl_o": cl_o * mM}
    assert abs(float(KCC2().cycles(REST, cl_i=cl_i * mM, **given))) < 1e-12
    e_cl, e_k = nernst("cl", cl_i * mM, cl_o * mM), nernst("k", k_i * mM, k_o * mM)
    assert float(e_cl) == pytest.approx(float(e_k), rel=1e-12)
    found = float(KCC2().cycles(REST, cl_i=7 * mM, **given))
    assert found == pytest.approx(0.0675 * np.log(k_o * cl_o / (k_i * 7)), rel=1e-6)
    given |= {"na_i": 18 * mM, "na_o": 145 * mM}
    drive = np.log(145 * k_o * cl_o**2 / (18 * k_i * 7**2))
    expected = 0.0225 / (1 + np.exp((16 - k_o) / 1)) * drive
    assert float(NKCC1().cycles(REST, cl_i=7 * mM, **given)) == pytest.approx(expected, rel=1e-6)


def test_calcium_pump_after_michaelis_and_menten():
    sent = float(CalciumPump().ion_densities(REST, ca_i=2e-4 * mM)["ca"])
    assert sent == pytest.approx(-0.01 * 2e-4 / (2e-4 + 5e-4), rel=1e-6)


def test_nernst_and_goldman():
    ratio = 145 / 12
    expected = thermal(37) * np.log(ratio)
    assert float(nernst("na", 12 * mM, 145 * mM)) == pytest.approx(expected, rel=1e-6)
    assert float(nernst("ca", 12 * mM, 145 * mM)) == pytest.approx(expected / 2, rel=1e-6)
    assert float(nernst("cl", 12 * mM, 145 * mM)) == pytest.approx(-expected, rel=1e-6)
    assert float(nernst(2, 12 * mM, 145 * mM, 20)) == pytest.approx(
        thermal(20) * np.log(ratio) / 2, rel=1e-6
    )
    inside = {"k": 140 * mM, "na": 15 * mM, "cl": 10 * mM}
    outside = {"k": 5 * mM, "na": 145 * mM, "cl": 110 * mM}
    shares = {"k": 1.0, "na": 0.05, "cl": 0.45}
    v = ghk_potential(inside, outside, shares)
    # At that potential the three currents cancel.
    unit = 1e-8 * meter / second
    total = sum(
        float(ghk_current(ion, v, inside[ion], outside[ion], share * unit))
        for ion, share in shares.items()
    )
    assert abs(total) < 1e-9 * float(ghk_current("na", v, inside["na"], outside["na"], unit))
    # One ion alone: its equilibrium potential.
    alone = float(ghk_potential(inside, outside, {"k": 3}))
    assert alone == pytest.approx(float(nernst("k", 140 * mM, 5 * mM)), rel=1e-9)


def test_ghk_current_is_smooth_at_zero_and_has_the_right_limits():
    P = 1e-4 * cm / second
    at = [float(ghk_current("k", v * mV, 140 * mM, 5 * mM, P)) for v in (-1e-4, 0, 1e-4)]
    assert at[1] == pytest.approx(1e-6 * F * (5 - 140), rel=1e-9)
    assert at[0] + at[2] == pytest.approx(2 * at[1], rel=1e-9)
    e = nernst("k", 140 * mM, 5 * mM)
    assert abs(float(ghk_current("k", e, 140 * mM, 5 * mM, P))) < 1e-9


def test_what_a_transporter_refuses():
    kind = dataclass(frozen=True, eq=False, repr=False)

    @kind
    class Magnesium(Transporter):
        rate = "1*amp/meter**2"
        moves: ClassVar[dict[str, int]] = {"mg": -1}

    @kind
    class Half(Transporter):
        rate = "1*amp/meter**2"
        moves: ClassVar[dict[str, int]] = {"na": -1.5}

    @kind
    class Nothing(Transporter):
        rate = "1*amp/meter**2"
        moves: ClassVar[dict[str, int]] = {}

    @kind
    class Unread(Transporter):
        rate = "1*amp/meter**2*na_i/(10*mM)"
        moves: ClassVar[dict[str, int]] = {"na": -1}

    @kind
    class WrongUnit(Transporter):
        rate = "1*amp"
        moves: ClassVar[dict[str, int]] = {"na": -1}

    for wrong, error, message in (
        (Magnesium, UnknownNameError, "moves names 'mg'"),
        (Half, ParameterError, "whole number of ions per cycle"),
        (Nothing, ParameterError, "moves names no ion"),
        (Unread, UnknownNameError, "uses? 'na_i'"),
        (WrongUnit, Exception, "rate = .* has the unit"),
    ):
        with pytest.raises(error, match=message):
            wrong()
    with pytest.raises(ParameterError, match="valence 2"):
        ghk_potential({"ca": 1 * mM}, {"ca": 1 * mM}, {"ca": 1})
    with pytest.raises(UnknownNameError, match="ion 'nan'"):
        nernst("nan", 1 * mM, 1 * mM)
    with pytest.raises(ParameterError, match="must be greater than 0"):
        nernst("na", 0 * mM, Quantity(145.0, dim=mM.dim))


@pytest.mark.parametrize(
    ("shares", "error", "message"),
    [
        ({"k": 1, "na": -0.1}, ParameterError, r"permeability\['na'\] must be at least 0"),
        ({"k": np.nan}, ParameterError, r"permeability\['k'\] must be finite"),
        ({"k": 1 * cm / second, "na": 0.1}, UnitError, r"permeability\['na'\] must carry a unit"),
        ({"k": 1, "na": 0.1 * cm / second}, UnitError, r"permeability\['na'\] must have the unit"),
        ({"k": "x"}, UnitError, r"permeability\['k'\] must be a quantity"),
    ],
)
def test_permeabilities_that_are_none_are_refused(shares, error, message):
    inside, outside = {"k": 100 * mM, "na": 10 * mM}, {"k": 3 * mM, "na": 100 * mM}
    with pytest.raises(error, match=message):
        ghk_potential(inside, outside, shares)


@pytest.mark.parametrize("ion", [None, True, np.nan, [1], 0, 1.5])
def test_what_is_no_ion_is_refused_by_nernst(ion):
    with pytest.raises(ParameterError, match="nernst: ion must be one of na, k, ca, cl"):
        nernst(ion, 10 * mM, 100 * mM)


def test_the_barrier_of_the_exchanger_lies_within_the_membrane():
    for exchanger in (SodiumCalciumExchanger, ElectroneutralExchanger):
        with pytest.raises(ParameterError, match="gamma must be at most 1"):
            exchanger(gamma=3)
