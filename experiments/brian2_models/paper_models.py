"""Models of neurons without extent, after those of Brian2's examples that follow a paper."""

from __future__ import annotations

from functools import partial
from typing import Any

import brian2 as b
import numpy as np
from brian2 import Hz, cm, mS, ms, mV, nA, nS, pA, pF, uA, uF

from experiments.brian2_models.brian_model import (
    NO_INPUT,
    OF_NUMBER,
    OF_X,
    SQUID_GATES,
    TRACE,
    BrianModel,
    group,
)

__all__ = ["PAPERS"]


def forced_oscillator() -> tuple[Any, ...]:
    cells = group(
        2000, "dv/dt = (-v + a + 2*sin(2*pi*t/tau))/tau : 1\na : 1", {"tau": 100 * ms},
        threshold="v > 1", reset="v = 0", method="euler",
    )  # fmt: skip
    cells.a = np.linspace(2, 4, 2000)
    return (cells,)


_ADEX = {
    "C": 281 * pF, "gL": 30 * nS, "EL": -70.6 * mV, "VT": -50.4 * mV, "DeltaT": 2 * mV,
    "tauw": 144 * ms, "a": 4 * nS, "b": 80.5 * pA, "Vcut": -40.4 * mV,
}  # fmt: skip
_ADEX_EQUATIONS = """
dvm/dt = (gL*(EL - vm) + gL*DeltaT*exp((vm - VT)/DeltaT) + I - w)/C : volt
dw/dt = (a*(vm - EL) - w)/tauw : amp
"""


def adex() -> tuple[Any, ...]:
    cell = group(
        1, _ADEX_EQUATIONS + "I : amp", _ADEX | {"Vr": -70.6 * mV}, threshold="vm > Vcut",
        reset="vm = Vr; w += b", method="euler",
    )  # fmt: skip
    cell.vm, cell.I = -70.6 * mV, 1 * nA
    return (cell,)


def chaotic_adex() -> tuple[Any, ...]:
    names = _ADEX | {"tauw": 40 * ms, "b": 80 * pA, "I": 0.8 * nA}
    cells = group(
        200, _ADEX_EQUATIONS + "Vr : volt", names, threshold="vm > Vcut",
        reset="vm = Vr; w += b", method="euler", dt=0.01 * ms,
    )  # fmt: skip
    cells.vm, cells.Vr = -70.6 * mV, np.linspace(-48.3, -47.7, 200) * mV
    cells.w = "a*(vm - EL)"
    return (cells,)


_PATTERNS = {
    "tonic": (200, 10, -70, 2, 30, 0, -58, 500),
    "regular bursting": (200, 10, -58, 2, 120, 100, -46, 210),
    "delayed accelerating": (200, 12, -70, -10, 300, 0, -58, 300),
}


def firing_pattern(pattern: str) -> tuple[Any, ...]:
    c, g, e, a, tau, jump, reset, current = _PATTERNS[pattern]
    names = {
        "c_m": c * pF, "g_l": g * nS, "e_l": e * mV, "v_t": -50 * mV, "d_t": 2 * mV, "a": a * nS,
        "tau_w": tau * ms, "b": jump * pA, "v_r": reset * mV, "i_stim": current * pA,
    }  # fmt: skip
    cell = group(
        1,
        """
        dvm/dt = (g_l*(e_l - vm) + g_l*d_t*exp((vm - v_t)/d_t) + i_stim - w)/c_m : volt
        dw/dt = (a*(vm - e_l) - w)/tau_w : amp
        """,
        names, threshold="vm > 0*mV", reset="vm = v_r; w += b", method="euler",
    )  # fmt: skip
    cell.vm = e * mV
    return (cell,)


def cochlear_nucleus() -> tuple[Any, ...]:
    names = {
        "C": 12 * pF, "Eh": -43 * mV, "EK": -70 * mV, "El": -65 * mV, "ENa": 50 * mV, "nf": 0.85,
        "q10": 1.0, "gnabar": 1000 * nS, "gkhtbar": 150 * nS, "ghbar": 0.5 * nS, "gl": 2 * nS,
    }  # fmt: skip
    cell = group(
        1,
        """
        dv/dt = (gl*(El - v) + ina + ikht + ih + I)/C : volt
        vu = v/mV : 1
        I : amp
        ina = gnabar*m**3*h*(ENa - v) : amp
        dm/dt = q10*(minf - m)/mtau : 1
        dh/dt = q10*(hinf - h)/htau : 1
        minf = 1./(1 + exp(-(vu + 38.)/7.)) : 1
        hinf = 1./(1 + exp((vu + 65.)/6.)) : 1
        mtau = ((10./(5*exp((vu + 60.)/18.) + 36.*exp(-(vu + 60.)/25.))) + 0.04)*ms : second
        htau = ((100./(7*exp((vu + 60.)/11.) + 10.*exp(-(vu + 60.)/25.))) + 0.6)*ms : second
        ikht = gkhtbar*(nf*n**2 + (1 - nf)*p)*(EK - v) : amp
        dn/dt = q10*(ninf - n)/ntau : 1
        dp/dt = q10*(pinf - p)/ptau : 1
        ninf = (1 + exp(-(vu + 15)/5.))**-0.5 : 1
        pinf = 1./(1 + exp(-(vu + 23)/6.)) : 1
        ntau = ((100./(11*exp((vu + 60)/24.) + 21*exp(-(vu + 60)/23.))) + 0.7)*ms : second
        ptau = ((100./(4*exp((vu + 60)/32.) + 5*exp(-(vu + 60)/22.))) + 5)*ms : second
        ih = ghbar*r*(Eh - v) : amp
        dr/dt = q10*(rinf - r)/rtau : 1
        rinf = 1./(1 + exp((vu + 76.)/7.)) : 1
        rtau = ((100000./(237.*exp((vu + 60.)/12.) + 17.*exp(-(vu + 60.)/14.))) + 25.)*ms : second
        """,
        names, method="exponential_euler",
    )  # fmt: skip
    cell.v, cell.I = -65 * mV, 250 * pA
    return (cell,)


def fast_spiking() -> tuple[Any, ...]:
    names = {
        "Cm": 1 * uF, "Iapp": 2 * uA, "gL": 0.1 * mS, "EL": -65 * mV, "ENa": 55 * mV,
        "EK": -90 * mV, "gNa": 35 * mS, "gK": 9 * mS,
    }  # fmt: skip
    cell = group(
        1,
        """
        dv/dt = (-gNa*m**3*h*(v - ENa) - gK*n**4*(v - EK) - gL*(v - EL) + Iapp)/Cm : volt
        m = alpha_m/(alpha_m + beta_m) : 1
        alpha_m = 0.1/mV*10*mV/exprel(-(v + 35*mV)/(10*mV))/ms : Hz
        beta_m = 4*exp(-(v + 60*mV)/(18*mV))/ms : Hz
        dh/dt = 5*(alpha_h*(1 - h) - beta_h*h) : 1
        alpha_h = 0.07*exp(-(v + 58*mV)/(20*mV))/ms : Hz
        beta_h = 1./(exp(-0.1/mV*(v + 28*mV)) + 1)/ms : Hz
        dn/dt = 5*(alpha_n*(1 - n) - beta_n*n) : 1
        alpha_n = 0.01/mV*10*mV/exprel(-(v + 34*mV)/(10*mV))/ms : Hz
        beta_n = 0.125*exp(-(v + 44*mV)/(80*mV))/ms : Hz
        """,
        names, method="exponential_euler", dt=0.01 * ms,
    )  # fmt: skip
    cell.v, cell.h = -70 * mV, 1
    return (cell,)


def barnacle_fibre() -> tuple[Any, ...]:
    names = {
        "g_L": 2 * mS, "g_Ca": 4 * mS, "g_K": 8 * mS, "V_L": -50 * mV, "V_Ca": 100 * mV,
        "V_K": -70 * mV, "lambda_max": 1 / (15 * ms), "V_1": 10 * mV, "V_2": 15 * mV,
        "V_3": -1 * mV, "V_4": 14.5 * mV, "C": 20 * uF,
    }  # fmt: skip
    cells = group(
        17,
        """
        dV/dt = (-g_L*(V - V_L) - g_Ca*m_inf*(V - V_Ca) - g_K*n*(V - V_K) + I)/C : volt
        dn/dt = lambda_n*(n_inf - n) : 1
        m_inf = 0.5*(1 + tanh((V - V_1)/V_2)) : 1
        n_inf = 0.5*(1 + tanh((V - V_3)/V_4)) : 1
        lambda_n = lambda_max*cosh((V - V_3)/(2*V_4)) : Hz
        I : amp
        """,
        names, method="exponential_euler",
    )  # fmt: skip
    cells.I, cells.V = (np.arange(17) * 25 + 100) * uA, -50 * mV
    cells.n = "n_inf"
    return (cells,)


def three_variables() -> tuple[Any, ...]:
    names = {"time_unit": 1 * ms, "x_1": -1.6, "a": 1, "b": 3, "c": 1, "d": 5, "r": 0.001, "s": 4}
    cells = group(
        3,
        """
        dx/dt = (y - a*x**3 + b*x**2 + I - z)/time_unit : 1
        dy/dt = (c - d*x**2 - y)/time_unit : 1
        dz/dt = r*(s*(x - x_1) - z)/time_unit : 1
        I : 1 (constant)
        """,
        names, method="rk4",
    )  # fmt: skip
    cells.x = -1.6
    cells.y, cells.z, cells.I = "c - d*x**2", "r*(s*(x - x_1))", [0.4, 2, 4]
    return (cells,)


def cortical_column() -> tuple[Any, ...]:
    noise = b.TimedArray(np.random.default_rng(1).random(1000), 2 * ms)
    names = {
        "te": 10 * ms, "ti": 20 * ms, "e0": 5.0, "v0": 6.0, "r0": 0.56, "A": 3.25, "B": 22.0,
        "nstim": noise,
    }  # fmt: skip
    cells = group(
        6,
        """
        dy0/dt = y3/second : 1
        dy3/dt = (A*Sp - 2*y3 - y0/te*second)/te : 1
        dy1/dt = y4/second : 1
        dy4/dt = (A*(p + C2*Se) - 2*y4 - y1/te*second)/te : 1
        dy2/dt = y5/second : 1
        dy5/dt = (B*C4*Si - 2*y5 - y2/ti*second)/ti : 1
        p = P0 + nstim(t)*dlP : 1
        Sp = e0/(1 + exp(r0*(v0 - (y1 - y2)))) : 1
        Se = e0/(1 + exp(r0*(v0 - C1*y0))) : 1
        Si = e0/(1 + exp(r0*(v0 - C3*y0))) : 1
        C1 : 1
        C2 = 0.8*C1 : 1
        C3 = 0.25*C1 : 1
        C4 = 0.25*C1 : 1
        P0 : 1
        dlP : 1
        """,
        names, method="euler",
    )  # fmt: skip
    cells.C1, cells.P0, cells.dlP = [68, 128, 135, 270, 675, 1350], 120, 200
    return (cells,)


def squid_patch() -> tuple[Any, ...]:
    names = {
        "El": 10.613 * mV, "ENa": 115 * mV, "EK": -12 * mV, "gl": 0.3 * mS / cm**2,
        "gK": 36 * mS / cm**2, "C": 1 * uF / cm**2, "gNa_max": 100 * mS / cm**2,
        "gNa_min": 15 * mS / cm**2,
    }  # fmt: skip
    cells = group(
        100,
        f"""
        dv/dt = (gl*(El - v) + gNa*m**3*h*(ENa - v) + gK*n**4*(EK - v))/C : volt
        gNa : siemens/meter**2 (constant)
        {SQUID_GATES}
        """,
        names, method="rk4", threshold="v > 50*mV", reset="", dt=0.01 * ms,
    )  # fmt: skip
    cells.gNa, cells.v = "gNa_min + (gNa_max - gNa_min)*1.0*i/N", 0 * mV
    cells.m, cells.n, cells.h = (
        "1/(1 + betam/alpham)", "1/(1 + betan/alphan)", "1/(1 + betah/alphah)",
    )  # fmt: skip
    cells.v = 15 * mV
    return (cells,)


def moving_threshold() -> tuple[Any, ...]:
    names = {
        "EL": -70 * mV, "vT": -55 * mV, "Vi": -63 * mV, "tauh": 5 * ms, "tau": 5 * ms,
        "a": 5 / 6, "tauI": 5 * ms, "mu": 15 * mV, "sigma": 6 * mV * 2**0.5,
    }  # fmt: skip
    cells = group(
        40,
        """
        dv/dt = (EL - v + mu + sigma*I)/tau : volt
        dtheta/dt = (vT + a*clip(v - Vi, 0*mV, inf*mV) - theta)/tauh : volt
        dI/dt = -I/tauI + (2/tauI)**.5*xi : 1
        """,
        names, threshold="v > theta", reset="v = EL", refractory=5 * ms,
    )  # fmt: skip
    cells.v, cells.theta, cells.I = -70 * mV, -55 * mV, 0
    return (cells,)


def coincidences() -> tuple[Any, ...]:
    cell = group(
        2, "dv/dt = (ge - (v - El))/taum : volt\ndge/dt = -ge/taue : volt",
        {"El": -65 * mV, "taum": 5 * ms, "taue": 3 * ms}, threshold="v > -55*mV", reset="v = El",
        refractory=5 * ms, method="exact",
    )  # fmt: skip
    cell.v = -65 * mV
    return cell, b.PoissonInput(cell[:1], "ge", N=4000, rate=1 * Hz, weight=0.1 * mV)


def izhikevich(rule: str) -> tuple[Any, ...]:
    cells = group(
        10,
        "dv/dt = (0.04*v**2 + 5*v + 140 - u + I)/ms : 1\ndu/dt = 0.02*(0.2*v - u)/ms : 1\nI : 1",
        threshold="v >= 30", reset="v = -65; u += 8", method="euler", dt=1 * ms,
    )  # fmt: skip
    return cells, b.Synapses(cells, cells, on_pre=rule)


_FIG = "frompapers/"

PAPERS: tuple[BrianModel, ...] = (
    BrianModel(_FIG + "Brette_2004", forced_oscillator, 500, options=OF_NUMBER | {"index": 900}),
    BrianModel(_FIG + "Brette_Gerstner_2005", adex, variable="vm"),
    BrianModel(_FIG + "Hindmarsh_Rose_1984", three_variables, 500, "x",
               options=OF_X | {"threshold": False, "index": 2}),
    BrianModel(_FIG + "Izhikevich_2003", lambda: izhikevich("I += 1"), options=OF_NUMBER,
               refused="the synapses"),
    BrianModel(_FIG + "Izhikevich_2007", lambda: izhikevich("v += 1"), options=OF_NUMBER,
               refused="the synapses"),
    BrianModel(_FIG + "Jansen_Rit_1995_single_column", cortical_column, 500, "y0",
               options={"voltage": "y0", "index": 2} | TRACE),
    BrianModel(_FIG + "Morris_Lecar_1981", barnacle_fibre, 220, "V",
               options={"threshold": False, "index": 8, "voltage": "V"}),
    *(BrianModel(_FIG + "Naud_et_al_2008_adex_firing_patterns",
                 partial(firing_pattern, pattern), 300, "vm", title=f"({pattern})",
                 options={"current": "i_stim", "voltage": "vm"}) for pattern in _PATTERNS),
    BrianModel(_FIG + "Platkiewicz_Brette_2011", moving_threshold, 1000, random=True,
               options=NO_INPUT),
    BrianModel(_FIG + "Rossant_et_al_2011bis", coincidences, options=NO_INPUT,
               refused="PoissonInput"),
    BrianModel(_FIG + "Rothman_Manis_2003", cochlear_nucleus, 100,
               options={"threshold": "v > -20*mV", "refractory": "v > -20*mV"}),
    BrianModel(_FIG + "Stimberg_et_al_2019/example_3_bisection", squid_patch, 20,
               options=NO_INPUT | {"index": 90}),
    BrianModel(_FIG + "Touboul_Brette_2008", chaotic_adex, 200, "vm",
               options={"current": "I", "voltage": "vm", "index": 70}),
    BrianModel(_FIG + "Wang_Buszaki_1996", fast_spiking, 60,
               options={"current": "Iapp", "threshold": False}),
)  # fmt: skip
