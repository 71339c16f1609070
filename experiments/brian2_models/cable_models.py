"""Models with extent, after Brian2's examples."""

from __future__ import annotations

from typing import Any

import brian2 as b
import numpy as np
from brian2 import Hz, cm, mm, mS, ms, mV, nA, ohm, siemens, uA, uF, um

from experiments.brian2_models.brian_model import SQUID_GATES, BrianModel

__all__ = ["CABLES"]

_PASSIVE = "Im = gL*(EL - v) : amp/meter**2\nI : amp (point current)"
_LEAK = {"gL": 1e-4 * siemens / cm**2, "EL": -70 * mV}
_SQUID = f"""
Im = gl*(El - v) + gNa*m**3*h*(ENa - v) + gK*n**4*(EK - v) : amp/meter**2
I : amp (point current)
{SQUID_GATES}
gNa : siemens/meter**2
"""
_INITIATION = {
    "EL": -75 * mV, "gL": 1 / (30000 * ohm * cm**2), "ENa": 60 * mV, "ka": 6 * mV,
    "va": -40 * mV, "taum": 0.1 * ms, "duration": 500 * ms,
}  # fmt: skip


def cell(shape: Any, equations: str, names: dict[str, Any], Ri: float = 100, **more: Any) -> Any:
    """Return a SpatialNeuron with names and a clock of its own."""
    given = {"Cm": 1 * uF / cm**2, "method": "exponential_euler", "dt": 0.025 * ms}
    return b.SpatialNeuron(shape, equations, Ri=Ri * ohm * cm, namespace=names, **(given | more))


def bipolar() -> tuple[Any, ...]:
    shape = b.Soma(30 * um)
    shape.axon = b.Cylinder(diameter=1 * um, length=300 * um, n=100)
    shape.L = b.Cylinder(diameter=1 * um, length=100 * um, n=50)
    shape.R = b.Cylinder(diameter=1 * um, length=150 * um, n=50)
    one = cell(shape, _PASSIVE, _LEAK)
    one.v = -70 * mV
    one.I[shape.L[50 * um]] = 0.2 * nA
    return (one,)


def bipolar_with_inputs() -> tuple[Any, ...]:
    (one,) = bipolar()
    source = b.PoissonGroup(1, 50 * Hz)
    return one, source, b.Synapses(source, one, on_pre="v += 1*mV")


def cable() -> tuple[Any, ...]:
    shape = b.Cylinder(diameter=1 * um, length=300 * um, n=200)
    one = cell(shape, _PASSIVE, _LEAK, 150, dt=0.01 * ms)
    one.v = -70 * mV
    one.I[0] = 0.02 * nA
    return (one,)


def long_cable() -> tuple[Any, ...]:
    one = cell(b.Cylinder(diameter=1 * um, length=3 * mm, n=500), _PASSIVE, _LEAK, dt=0.001 * ms)
    one.v = -70 * mV
    one.I[250] = 1 * nA
    return (one,)


def branching_cable() -> tuple[Any, ...]:
    shape = b.Cylinder(diameter=1 * um, length=300 * um, n=100)
    shape.L = b.Cylinder(diameter=0.5 * um, length=200 * um, n=100)
    shape.R = b.Cylinder(diameter=0.75 * um, length=240 * um, n=100)
    one = cell(shape, _PASSIVE, _LEAK, 150, dt=0.01 * ms)
    one.v = -70 * mV
    one.I[0] = 0.02 * nA
    return (one,)


def squid(*, naked: bool) -> tuple[Any, ...]:
    names = {
        "El": 10.613 * mV, "ENa": 115 * mV, "EK": -12 * mV, "gl": 0.3 * mS / cm**2,
        "gK": 36 * mS / cm**2,
    }  # fmt: skip
    more = {} if naked else {"threshold": "m > 0.5", "refractory": "m > 0.4"}
    shape = b.Cylinder(length=10 * cm, diameter=476 * um, n=200, type="axon")
    one = cell(shape, _SQUID, names, 35.4, dt=0.01 * ms, **more)
    one.v, one.h, one.m, one.n, one.gNa = 0 * mV, 1, 0, 0.5, 120 * mS / cm**2
    if naked:
        one.gNa[100:] = 0 * mS / cm**2
    one.I[0] = 1 * uA
    return (one,)


def numbered() -> tuple[Any, ...]:
    shape = b.Soma(30 * um)
    shape.L = b.Cylinder(diameter=1 * um, length=100 * um, n=5)
    shape.LL = b.Cylinder(diameter=1 * um, length=20 * um, n=2)
    shape.R = b.Cylinder(diameter=1 * um, length=100 * um, n=5)
    one = cell(shape, "Im = gL*(EL - v) : amp/meter**2", _LEAK)
    one.v = np.arange(13) * 0.1 * b.volt
    return (one,)


def spike_initiation() -> tuple[Any, ...]:
    shape = b.Soma(30 * um)
    shape.axon = b.Cylinder(diameter=1 * um, length=300 * um, n=100)
    names = _LEAK | {
        "ENa": 50 * mV, "ka": 6 * mV, "ki": 6 * mV, "va": -30 * mV, "vi": -50 * mV,
        "EK": -90 * mV, "vk": -20 * mV, "kk": 8 * mV,
    }  # fmt: skip
    one = cell(
        shape,
        """
        Im = gL*(EL - v) + gNa*m*h*(ENa - v) + gK*n*(EK - v) : amp/meter**2
        dm/dt = (minf - m)/(0.3*ms) : 1
        dh/dt = (hinf - h)/(3*ms) : 1
        dn/dt = (ninf - n)/(5*ms) : 1
        minf = 1/(1 + exp((va - v)/ka)) : 1
        hinf = 1/(1 + exp((v - vi)/ki)) : 1
        ninf = 1/(1 + exp((vk - v)/kk)) : 1
        I : amp (point current)
        gNa : siemens/meter**2
        gK : siemens/meter**2
        """,
        names,
    )
    one.v = -65 * mV
    one.axon[30 * um : 60 * um].gNa = 700 * _LEAK["gL"]
    one.axon[30 * um : 60 * um].gK = 700 * _LEAK["gL"]
    one.I[0] = 0.15 * nA
    return (one,)


def sharp_initiation(kind: str) -> tuple[Any, ...]:
    shape = b.Soma(50 * um)
    shape.axon = b.Cylinder(diameter=1 * um, length=300 * um, n=300)
    second = " + gNa2*m2*(ENa - v)" if kind == "two" else ""
    clamp = " + gclamp*(vc - v)" if kind == "clamp" else ""
    equations = f"""
    Im = gL*(EL - v) + gNa*m*(ENa - v){second}{clamp} : amp/meter**2
    dm/dt = (minf - m)/taum : 1
    minf = 1/(1 + exp((va - v)/ka)) : 1
    gNa : siemens/meter**2
    Iin : amp (point current)
    """
    if kind == "two":
        equations += """
        dm2/dt = (minf2 - m2)/taum : 1
        minf2 = 1/(1 + exp((va + 15*mV - v)/ka)) : 1
        gNa2 : siemens/meter**2
        """
    if kind == "clamp":
        equations += "\ngclamp : siemens/meter**2\nvc = EL + 50*mV*t/duration : volt (shared)"
    one = cell(shape, equations, _INITIATION, 150, Cm=0.75 * uF / cm**2)
    gNa = _INITIATION["gL"] * 2 * 7.85e-9 * b.meter**2
    one.v = -75 * mV
    place = shape.axon[40 * um]
    one.gNa[place] = gNa / one.area[place]
    if kind == "two":
        near = shape.axon[15 * um]
        one.gNa2[near] = 20 * gNa / one.area[near]
    one.Iin[0] = _INITIATION["gL"] * 20 * mV * one.area[0]
    return (one,)


def reset_by_synapses() -> tuple[Any, ...]:
    (one,) = sharp_initiation("one")
    source = b.PoissonGroup(1, 5 * Hz)
    return one, source, b.Synapses(source, one, on_pre="v = -75*mV")


def thalamic_relay() -> tuple[Any, ...]:
    warm = 3.0 ** ((34 - 36) / 10)
    calcium = 2.5 ** ((34 - 24) / 10)
    F = 96485.332 * b.coulomb / b.mole
    names = {
        "VT": -52 * mV, "El": -76.5 * mV, "E_Na": 50 * mV, "E_K": -100 * mV, "warm": warm,
        "calcium": calcium, "F": F, "Z_Ca": 2, "Ca_i": 240e-6 * b.mole / b.meter**3,
        "Ca_o": 2 * b.mole / b.meter**3,
        "gamma": F / (8.314462618 * b.joule / b.kelvin / b.mole * 307.15 * b.kelvin),
    }  # fmt: skip
    equations = """
    Im = gl*(El - v) - I_Na - I_K - I_T : amp/meter**2
    I_inj : amp (point current)
    gl : siemens/meter**2
    g_Na : siemens/meter**2
    g_K : siemens/meter**2
    I_Na = g_Na*m**3*h*(v - E_Na) : amp/meter**2
    I_K = g_K*n**4*(v - E_K) : amp/meter**2
    v2 = v - VT : volt
    dm/dt = (0.32*(mV**-1)*(13.*mV - v2)/(exp((13.*mV - v2)/(4.*mV)) - 1.)*(1 - m)
            - 0.28*(mV**-1)*(v2 - 40.*mV)/(exp((v2 - 40.*mV)/(5.*mV)) - 1.)*m)/ms*warm : 1
    dn/dt = (0.032*(mV**-1)*(15.*mV - v2)/(exp((15.*mV - v2)/(5.*mV)) - 1.)*(1. - n)
            - .5*exp((10.*mV - v2)/(40.*mV))*n)/ms*warm : 1
    dh/dt = (0.128*exp((17.*mV - v2)/(18.*mV))*(1. - h)
            - 4./(1 + exp((40.*mV - v2)/(5.*mV)))*h)/ms*warm : 1
    I_T = P_Ca*m_T**2*h_T*G_Ca : amp/meter**2
    P_Ca : meter/second
    G_Ca = Z_Ca**2*F*v*gamma*(Ca_i - Ca_o*exp(-Z_Ca*gamma*v))
           /(1 - exp(-Z_Ca*gamma*v)) : coulomb/meter**3
    dm_T/dt = -(m_T - m_T_inf)/tau_m_T : 1
    dh_T/dt = -(h_T - h_T_inf)/tau_h_T : 1
    m_T_inf = 1/(1 + exp(-(v/mV + 56)/6.2)) : 1
    h_T_inf = 1/(1 + exp((v/mV + 80)/4)) : 1
    tau_m_T = (0.612 + 1.0/(exp(-(v/mV + 131)/16.7) + exp((v/mV + 15.8)/18.2)))*ms/calcium : second
    tau_h_T = (int(v < -81*mV)*exp((v/mV + 466)/66.6)
              + int(v >= -81*mV)*(28 + exp(-(v/mV + 21)/10.5)))*ms/calcium : second
    """
    shape = b.Cylinder(x=[0, 38.42] * um, diameter=26 * um)
    shape.dend = b.Cylinder(x=[0, 12.49] * um, diameter=10.28 * um)
    shape.dend.distal = b.Cylinder(x=[0, 84.67] * um, diameter=8.5 * um)
    one = cell(shape, equations, names, 173, Cm=0.88 * uF / cm**2, dt=0.01 * ms)
    one.v = -74 * mV
    one.main.g_Na = one.main.g_K = 100 * mS / cm**2
    one.dend.Cm *= 7.954
    one.m_T, one.h_T = "m_T_inf", "h_T_inf"
    one.P_Ca, one.gl = 1.7e-5 * cm / b.second, 0.0379 * mS / cm**2
    one.dend.distal.P_Ca = 9.5e-5 * 7.954 * cm / b.second
    one.main.I_inj = 0.075 * nA
    return (one,)


_AT = {"threshold": "v > -20*mV"}
_SQUID_SPIKE = {"threshold": "v > 50*mV", "refractory": 2 * ms}
_FIG = "frompapers/Brette_2012/"

CABLES: tuple[BrianModel, ...] = (
    BrianModel("compartmental/bipolar_cell", bipolar, 10),
    BrianModel("compartmental/bipolar_with_inputs", bipolar_with_inputs, refused="the synapses"),
    BrianModel("compartmental/cylinder", cable, 20),
    BrianModel("compartmental/hh_with_spikes", lambda: squid(naked=False), 10,
               refused="no crossing of a potential"),
    BrianModel("compartmental/hh_with_spikes", lambda: squid(naked=False), 10,
               options=_SQUID_SPIKE, title="(threshold in mV)"),
    BrianModel("compartmental/hodgkin_huxley_1952", lambda: squid(naked=True), 10,
               options=_SQUID_SPIKE),
    BrianModel("compartmental/infinite_cable", long_cable, 1),
    BrianModel("compartmental/morphotest", numbered, 2),
    BrianModel("compartmental/rall", branching_cable, 10),
    BrianModel("compartmental/spike_initiation", spike_initiation, 20, options=_AT),
    BrianModel("frompapers/Destexhe_et_al_1998", thalamic_relay, 50, options=_AT),
    BrianModel(_FIG + "Fig1", lambda: sharp_initiation("clamp"), refused="depends on 't'"),
    BrianModel(_FIG + "Fig3AB", lambda: sharp_initiation("one"), 20, options=_AT),
    BrianModel(_FIG + "Fig3CF", lambda: sharp_initiation("two"), 20, options=_AT),
    BrianModel(_FIG + "Fig4", lambda: sharp_initiation("clamp"), refused="depends on 't'"),
    BrianModel(_FIG + "Fig5A", reset_by_synapses, refused="the synapses"),
)  # fmt: skip
