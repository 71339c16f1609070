"""Rest, stability, impedance and cable distances: closed forms, published values and runs."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import (
    Mohm,
    Quantity,
    cm,
    hertz,
    meter,
    mS,
    ms,
    mV,
    nS,
    ohm,
    pA,
    pF,
    second,
    uA,
    um,
    volt,
)

from neurosim import (
    LIF,
    AdEx,
    HodgkinHuxley,
    Neuron,
    OrnsteinUhlenbeck,
    TraubMiles,
    from_brian2,
    simulate,
)
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.dynamics import (
    bifurcation_diagram,
    electrotonic,
    fixed_points,
    impedance,
    phase_plane,
)
from neurosim.errors import ParameterError, UnitError, UnknownNameError
from neurosim.morphology import PerBranch, at, cylinder, everywhere, root_site
from neurosim.outside import Extracellular, UniformField
from neurosim.stimuli import Constant

SQUID = HodgkinHuxley()
UNIT = SQUID.current(1 * uA / cm**2)


def cable(n: int, length: Quantity = 500 * um, diameter: Quantity = 2 * um) -> Neuron:
    """One unbranched cable: no soma, sealed ends."""
    return Neuron(cylinder(length, diameter), PerBranch(n)).paint(
        Leak(g=0.1 * mS / cm**2, E=-70 * mV), everywhere
    )


@pytest.mark.slow
def test_the_squid_axon_gains_and_loses_its_oscillation_where_published() -> None:
    """Rinzel and Miller (1980), and Hassard (1978): I1 = 9.77, I2 = 154.5 uA/cm2."""
    found = bifurcation_diagram(SQUID, between=(0 * UNIT, 200 * UNIT))
    assert [p.kind for p in found.points] == ["hopf", "hopf"]
    assert [float(p.parameter / UNIT) for p in found.points] == pytest.approx(
        [9.775, 154.52], abs=0.003
    )
    assert len(found.branches) == 1
    low, high = (fixed_points(SQUID, share * UNIT) for share in (9.7754, 9.7755))
    assert low[0].stable
    assert not high[0].stable


@pytest.mark.slow
def test_a_cell_of_channels_has_the_bifurcations_of_the_point_neuron() -> None:
    patch = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=6.3)
    patch = patch.paint(HHSodium(), everywhere).paint(HHPotassium(), everywhere)
    patch = patch.paint(Leak(g=0.3 * mS / cm**2, E=-54.387 * mV), everywhere)
    area = float(patch.compartments.area_m2.sum())
    unit = float(Quantity(1 * uA / cm**2)) * area * 1e12 * pA
    found = bifurcation_diagram(patch, between=(0 * unit, 200 * unit))
    assert [float(p.parameter / unit) for p in found.points] == pytest.approx(
        [9.77544, 154.5224], rel=1e-5
    )


@pytest.mark.parametrize(("a", "tau_w"), [(2, 300), (0.05, 40), (30, 15), (10, 100)])
def test_adex_loses_its_rest_where_its_closed_form_says(a: float, tau_w: float) -> None:
    """Touboul and Brette (2008), Biol Cybern 99:319, section 3.1."""
    cell = AdEx(a=a * nS, tau_w=tau_w * ms)
    g, slope = float(cell.g_L), float(cell.Delta_T)
    rise = float(cell.V_T - cell.E_L)
    share, ratio = a * 1e-9 / g, float(cell.C / cell.g_L) / (tau_w * 1e-3)
    fold = (g + a * 1e-9) * (rise - slope + slope * np.log1p(share))
    hopf = (g + a * 1e-9) * (rise - slope + slope * np.log1p(ratio)) + slope * g * (share - ratio)
    found = bifurcation_diagram(cell, between=(-100 * pA, 2000 * pA))
    expected = [("saddle-node", fold)] if share < ratio else [("hopf", hopf), ("saddle-node", fold)]
    assert [(p.kind, pytest.approx(float(p.parameter), rel=1e-8)) for p in found.points] == expected


@pytest.mark.slow
def test_the_linear_growth_is_that_of_a_run() -> None:
    """A push of 0.01 mV grows and turns as the leading eigenvalue says."""
    for share in (8.0, 12.0):
        point = fixed_points(SQUID, share * UNIT)[0]
        cell = SQUID.replace(V_init=point.v + 0.02 * mV)
        run = simulate(cell, 60 * ms, stimulus=Constant(share * UNIT), record=["v"], dt=0.005 * ms)
        v = np.asarray(run.traces_si["v"][0]) - float(point.v)
        time = np.asarray(run.trace_time_s)
        peaks = np.flatnonzero((v[1:-1] > v[:-2]) & (v[1:-1] >= v[2:])) + 1
        peaks = peaks[time[peaks] > 0.012]
        assert len(peaks) >= 3
        growth = np.polyfit(time[peaks], np.log(v[peaks]), 1)[0]
        leading = point.eigenvalues[0]
        assert growth == pytest.approx(leading.real, rel=0.03, abs=0.5)
        assert 1 / np.diff(time[peaks]).mean() == pytest.approx(float(point.frequency), rel=0.01)


def test_kinds_of_rest() -> None:
    assert [p.kind for p in fixed_points(AdEx())] == ["stable node", "saddle"]
    assert [p.kind for p in fixed_points(LIF())] == ["stable node"]
    assert float(fixed_points(LIF())[0].time_constant / ms) == pytest.approx(20, rel=1e-9)
    assert fixed_points(AdEx(), 1000 * pA) == ()
    assert [p.stable for p in fixed_points(TraubMiles())] == [True, False, False]
    bare = fixed_points(SQUID, given={"g_Na": 0 * mS / cm**2})
    assert bare[0].stable
    assert float(bare[0].v / mV) < -65


@pytest.mark.slow
def test_other_parameters_are_followed_too() -> None:
    a, tau_w = 10.0, 100.0
    cell = AdEx(a=a * nS, tau_w=tau_w * ms)
    fold = bifurcation_diagram(cell, between=(0 * pA, 2000 * pA)).points[-1].parameter
    turned = bifurcation_diagram(cell, "V_T", between=(-58 * mV, -50 * mV), current=fold)
    seen = [p for p in turned.points if p.kind == "saddle-node"]
    assert [float(p.parameter / mV) for p in seen] == [pytest.approx(-55, abs=1e-6)]
    with pytest.raises(UnknownNameError, match="g_Na"):
        bifurcation_diagram(SQUID, "g_Ka", between=(1 * pA, 2 * pA))
    with pytest.raises(UnitError):
        bifurcation_diagram(SQUID, "g_K", between=(1 * pA, 2 * pA))


def test_a_sealed_cable_has_the_impedance_attenuation_and_time_constants_of_theory() -> None:
    cell = cable(401)
    r_m, r_a, d, length, c_m = 1.0, 1.0, 2e-6, 500e-6, 0.01  # ohm m2, ohm m, m, m, F/m2
    found = electrotonic(cell, at=at("dendrite", 0.0))
    space = np.sqrt(d * r_m / (4 * r_a))
    assert np.asarray(found.space_constant) == pytest.approx(space, rel=1e-12)
    assert np.asarray(found.time_constant / ms) == pytest.approx(10, rel=1e-12)
    L = length / space
    assert found.distance[-1] == pytest.approx(L * 400 / 401, rel=1e-12)
    half = L / 802  # from centre to centre
    theory = np.log(np.cosh(L - half) / np.cosh(half))
    assert found.outward[-1] == pytest.approx(theory, rel=1e-4)
    endless = 4 * r_a * space / (np.pi * d**2)
    near = endless * np.cosh(half) * np.cosh(L - half) / np.sinh(L)
    assert float(found.input_resistance[0] / ohm) == pytest.approx(near, rel=1e-4)
    modes = [10 / (1 + (n * np.pi / L) ** 2) for n in range(4)]
    assert np.asarray(found.slowest[:4] / ms) == pytest.approx(modes, rel=1e-4)
    hz = np.array([0.0, 10, 100, 1000])
    q = np.sqrt(1 + 2j * np.pi * hz * r_m * c_m)
    seen = impedance(cell, hz * hertz, inject=at("dendrite", 0.0))
    assert seen.complex_ohm == pytest.approx(
        endless / q * np.cosh(q * half) * np.cosh(q * (L - half)) / np.sinh(q * L), rel=1e-4
    )
    far = impedance(cell, hz * hertz, inject=at("dendrite", 0.0), read=at("dendrite", 1.0))
    assert far.complex_ohm == pytest.approx(
        endless / q * np.cosh(q * half) ** 2 / np.sinh(q * L), rel=1e-4
    )
    back = impedance(cell, hz * hertz, inject=at("dendrite", 1.0), read=at("dendrite", 0.0))
    assert back.complex_ohm == pytest.approx(far.complex_ohm, rel=1e-9)


def test_an_adapting_cell_resonates_as_its_equations_say() -> None:
    cell = AdEx(a=40 * nS, tau_w=50 * ms)
    point = fixed_points(cell)[0]
    v = point.state["v"]
    slope = float(cell.g_L) * (1 - np.exp((v - float(cell.V_T)) / float(cell.Delta_T)))
    hz = np.linspace(0.0, 50.0, 201)
    turning = 2j * np.pi * hz
    theory = 1 / (slope + turning * float(cell.C) + 40e-9 / (1 + turning * 0.05))
    found = impedance(cell, hz * hertz)
    assert found.complex_ohm == pytest.approx(theory, rel=1e-6)
    assert found.resonance is not None
    assert float(found.resonance) == pytest.approx(hz[np.argmax(np.abs(theory))], abs=0.25)
    assert impedance(LIF(), hz * hertz).resonance is None
    assert impedance(LIF(), hz * hertz).quality == 1


def test_the_phase_plane_of_adex() -> None:
    cell = AdEx()
    plane = phase_plane(cell, v=(-80 * mV, -45 * mV))
    v = np.asarray(plane.v)
    g, slope, E, V_T = (float(x) for x in (cell.g_L, cell.Delta_T, cell.E_L, cell.V_T))
    still = -g * (v - E) + g * slope * np.exp((v - V_T) / slope)
    seen = ~np.isnan(plane.v_nullcline)
    assert seen.sum() > 50
    step = float(plane.w[1] - plane.w[0])
    assert np.asarray(plane.v_nullcline)[seen] == pytest.approx(still[seen], abs=step)
    assert np.asarray(plane.w_nullcline) == pytest.approx(2e-9 * (v - E), abs=1e-15)
    assert [p.stable for p in plane.points] == [True, False]
    _, down, _ = plane.trajectory(-60 * mV, 0 * pA, 3 * second)
    assert float(down[-1] / mV) == pytest.approx(-70, abs=0.05)
    axes = plane.plot(trajectories=[plane.trajectory(-60 * mV, 0 * pA, 1 * second)])
    assert axes.get_xlabel() == "v (mV)"
    assert axes.get_ylabel().startswith("w (")
    with pytest.raises(ParameterError, match="4 variables"):
        phase_plane(SQUID)


MORRIS_LECAR = """
dv/dt = (I_ext - g_L*(v - V_L) - g_Ca*open_*(v - V_Ca) - g_K*n*(v - V_K))/C : volt
dn/dt = phi*(rest - n)/late : 1
open_ = 0.5*(1 + tanh((v - V1)/V2)) : 1
rest = 0.5*(1 + tanh((v - V3)/V4)) : 1
late = 1*ms/cosh((v - V3)/(2*V4)) : second
I_ext : amp
"""


@pytest.mark.slow
def test_a_model_of_brian2_with_a_plain_number_beside_the_potential() -> None:
    """Morris and Lecar; Hopf points of Rinzel and Ermentrout (1989), figure 7.3: 93.86, 212."""
    import brian2

    volts = {"V_L": -60, "V_Ca": 120, "V_K": -84, "V1": -1.2, "V2": 18, "V3": 2, "V4": 30}
    given = {name: value * mV for name, value in volts.items()}
    given |= {"C": 20 * pF, "g_L": 2 * nS, "g_Ca": 4.4 * nS, "g_K": 8 * nS, "phi": 0.04}
    group = brian2.NeuronGroup(
        1, MORRIS_LECAR, threshold="v > 0*mV", refractory="v > 0*mV", method="rk4", namespace=given
    )
    group.v = -60 * mV
    cell = from_brian2(group, current="I_ext")
    found = bifurcation_diagram(cell, between=(0 * pA, 300 * pA))
    assert [p.kind for p in found.points] == ["hopf", "hopf"]
    values = [float(p.parameter / pA) for p in found.points]
    assert values == pytest.approx([93.86, 212.02], abs=0.01)
    plane = phase_plane(cell, 90 * pA, v=(-80 * mV, 60 * mV))
    assert len(plane.points) == 1
    rest = 0.5 * (1 + np.tanh((np.asarray(plane.v / mV) - 2) / 30))
    seen = ~np.isnan(plane.w_nullcline)
    assert np.asarray(plane.w_nullcline)[seen] == pytest.approx(rest[seen], abs=1e-9)
    assert plane.plot().get_ylabel() == "n"
    _, v, n = plane.trajectory(-30 * mV, 0.1, 0.2 * second)
    assert np.all(np.isfinite(np.asarray(v)))
    assert 0 <= float(n[-1]) <= 1
    follow = bifurcation_diagram(cell, "phi", between=(0.02, 0.08), current=90 * pA)
    assert len(follow.branches) == 1
    assert follow.plot().get_xlabel() == "phi"


def test_what_has_no_rest_is_refused_by_name() -> None:
    cell = cable(3)
    noisy = cell.place(OrnsteinUhlenbeck(), root_site, label="noise")
    with pytest.raises(ParameterError, match="'noise' changes with time"):
        fixed_points(noisy)
    exposed = cell.expose(UniformField(x=1 * volt / meter), Constant(10 * pA))
    with pytest.raises(ParameterError, match="exposed to the field"):
        fixed_points(exposed)
    sheath = Extracellular(R_axial=1e12 * ohm / meter, g=0.01 * mS / cm**2)
    with pytest.raises(ParameterError, match="layers outside"):
        impedance(cell.paint(sheath), 0 * hertz)
    with pytest.raises(ParameterError, match="no state of rest"):
        impedance(AdEx(), 10 * hertz, current=1000 * pA)
    with pytest.raises(ParameterError, match="two"):
        phase_plane(LIF())
    with pytest.raises(ParameterError, match="with extent"):
        electrotonic(LIF())  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="point neuron has no places"):
        fixed_points(LIF(), at=root_site)
    with pytest.raises(ParameterError, match="no positive conductance"):
        electrotonic(cell, given={"g": 0 * mS / cm**2})


def test_pictures_name_their_units() -> None:
    found = bifurcation_diagram(AdEx(), between=(0 * pA, 300 * pA))
    axes = found.plot()
    assert axes.get_xlabel() == "current (pA)"
    assert axes.get_ylabel() == "potential at rest (mV)"
    drawn = impedance(AdEx(a=40 * nS, tau_w=50 * ms), np.linspace(0, 40, 41) * hertz).plot()
    assert "Hz" in drawn.get_xlabel()
    assert float(impedance(LIF(), 0 * hertz).magnitude[0] / Mohm) == pytest.approx(100)
