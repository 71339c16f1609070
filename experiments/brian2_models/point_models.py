"""Models of neurons without extent, after Brian2's examples."""

from __future__ import annotations

from functools import partial
from typing import Any

import brian2 as b
import numpy as np
from brian2 import Hz, cm, mS, ms, mV, nA, nS, pA, pF, second, uA, uF, um

from experiments.brian2_models.brian_model import SQUID_GATES, BrianModel

__all__ = ["POINTS"]

_NO_INPUT: dict[str, Any] = {"current": False}
_TRACE: dict[str, Any] = {"current": False, "threshold": False}
_TRAUB = """
dm/dt = 0.32*4/exprel((13*mV - v + VT)/(4*mV))/ms*(1 - m)
        - 0.28*5/exprel((v - VT - 40*mV)/(5*mV))/ms*m : 1
dn/dt = 0.032*5/exprel((15*mV - v + VT)/(5*mV))/ms*(1 - n)
        - .5*exp((10*mV - v + VT)/(40*mV))/ms*n : 1
dh/dt = 0.128*exp((17*mV - v + VT)/(18*mV))/ms*(1 - h)
        - 4/(1 + exp((40*mV - v + VT)/(5*mV)))/ms*h : 1
"""


def group(n: int, equations: str, names: dict[str, Any] | None = None, **more: Any) -> Any:
    """Return a NeuronGroup with names and a clock of its own."""
    more.setdefault("dt", 0.1 * ms)
    return b.NeuronGroup(n, equations, namespace=names or {}, **more)


def hodgkin_huxley_curve() -> tuple[Any, ...]:
    area = 20000 * um**2
    names = {
        "Cm": 1 * uF / cm**2 * area, "gl": 0.05 * mS / cm**2 * area, "El": -65 * mV,
        "EK": -90 * mV, "ENa": 50 * mV, "g_na": 100 * mS / cm**2 * area,
        "g_kd": 30 * mS / cm**2 * area, "VT": -63 * mV,
    }  # fmt: skip
    cells = group(
        100,
        "dv/dt = (gl*(El - v) - g_na*m**3*h*(v - ENa) - g_kd*n**4*(v - EK) + I)/Cm : volt\nI : amp"
        + _TRAUB,
        names, threshold="v > -40*mV", refractory="v > -40*mV", method="exponential_euler",
    )  # fmt: skip
    cells.v, cells.I = -65 * mV, "0.7*nA*i/N"
    return (cells,)


def integrator_curve() -> tuple[Any, ...]:
    cells = group(
        1000, "dv/dt = (v0 - v)/tau : volt (unless refractory)\nv0 : volt", {"tau": 10 * ms},
        threshold="v > 10*mV", reset="v = 0*mV", refractory=5 * ms, method="exact",
    )  # fmt: skip
    cells.v, cells.v0 = 0 * mV, "20*mV*i/(N - 1)"
    return (cells,)


def adaptive_threshold() -> tuple[Any, ...]:
    cell = group(
        1, "dv/dt = -v/(10*ms) : volt\ndvt/dt = (10*mV - vt)/(15*ms) : volt",
        threshold="v > vt", reset="v = 0*mV; vt += 3*mV", method="exact",
    )  # fmt: skip
    cell.vt = 10 * mV
    source = b.PoissonGroup(1, 500 * Hz)
    wires = b.Synapses(source, cell, on_pre="v += 3*mV")
    return cell, source, wires


def ornstein_uhlenbeck() -> tuple[Any, ...]:
    cells = group(
        40, "dy/dt = -y/tau + sqrt(2*sigma**2/tau)*xi : 1\ntau : second\nsigma : 1", method="euler"
    )
    cells.tau, cells.sigma, cells.y = 0.02 * second, 0.31622, 1
    return (cells,)


def redrawn(method: str) -> tuple[Any, ...]:
    cells = group(40, "dv/dt = (-v + I)/tau : 1\ntau : second", {"I": 5}, method=method)
    cells.run_regularly("v = rand()\ntau = 0.1*ms + rand()*9.9*ms", dt=10 * ms)
    cells.tau = 1 * ms
    return (cells,)


def rates_only() -> tuple[Any, ...]:
    return (group(1, "v : volt\nalpha = 0.32/mV*4*mV/exprel((-50*mV - v)/(4*mV))/ms : Hz"),)


def fitted_cell() -> tuple[Any, ...]:
    names = {
        "gleak": 10 * nS, "Eleak": -70 * mV, "VT": -60 * mV, "C": 200 * pF, "ENa": 53 * mV,
        "EK": -107 * mV, "t_on": 20 * ms, "t_off": 180 * ms, "I": 0.5 * nA,
    }  # fmt: skip
    cells = group(
        3,
        """
        dVm/dt = -(gNa*m**3*h*(Vm - ENa) + gK*n**4*(Vm - EK) + gleak*(Vm - Eleak) - I_inj)/C : volt
        I_inj = int(t >= t_on and t < t_off)*I : amp (shared)
        dm/dt = alpham*(1 - m) - betam*m : 1
        dn/dt = alphan*(1 - n) - betan*n : 1
        dh/dt = alphah*(1 - h) - betah*h : 1
        alpham = (-0.32/mV)*(Vm - VT - 13*mV)/(exp((-(Vm - VT - 13*mV))/(4*mV)) - 1)/ms : Hz
        betam = (0.28/mV)*(Vm - VT - 40*mV)/(exp((Vm - VT - 40*mV)/(5*mV)) - 1)/ms : Hz
        alphah = 0.128*exp(-(Vm - VT - 17*mV)/(18*mV))/ms : Hz
        betah = 4/(1 + exp((-(Vm - VT - 40*mV))/(5*mV)))/ms : Hz
        alphan = (-0.032/mV)*(Vm - VT - 15*mV)/(exp((-(Vm - VT - 15*mV))/(5*mV)) - 1)/ms : Hz
        betan = 0.5*exp(-(Vm - VT - 10*mV)/(40*mV))/ms : Hz
        gNa : siemens (constant)
        gK : siemens (constant)
        """,
        names, threshold="m > 0.5", refractory="m > 0.5", method="exponential_euler",
        dt=0.05 * ms,
    )  # fmt: skip
    cells.gNa, cells.gK = np.array([10, 20, 32]) * 1000 * nS, np.array([1, 2, 1]) * 1000 * nS
    cells.Vm = -70 * mV
    cells.m, cells.h, cells.n = (
        "1/(1 + betam/alpham)", "1/(1 + betah/alphah)", "1/(1 + betan/alphan)",
    )  # fmt: skip
    return (cells,)


def brownian_motion() -> tuple[Any, ...]:
    names = {"mu": 0.5 / second, "sigma": 0.1 / second}
    cell = group(
        1, "dX/dt = (mu - 0.5*second*sigma**2)*X + X*sigma*xi*second**.5 : 1", names, method="heun"
    )
    cell.X = 1
    return (cell,)


def unreliable() -> tuple[Any, ...]:
    names = {"tau": 20 * ms, "sigma": 0.015}
    equations = "dx/dt = (1.1 - x)/tau + sigma*(2/tau)**.5*xi : 1 (unless refractory)"
    more = {"threshold": "x > 1", "reset": "x = 0", "refractory": 5 * ms, "method": "euler"}
    return (group(40, equations, names, **more),)


def reliable() -> tuple[Any, ...]:
    names = {"tau": 10 * ms, "sigma": 0.015, "tau_input": 5 * ms}
    source = group(1, "dx/dt = -x/tau_input + (2/tau_input)**.5*xi : 1", names, method="euler")
    cells = group(
        25, "dx/dt = (0.9 + .5*I - x)/tau + sigma*(2/tau)**.5*xi : 1\nI : 1 (linked)", names,
        threshold="x > 1", reset="x = 0", refractory=5 * ms, method="euler",
    )  # fmt: skip
    cells.I = b.linked_var(source, "x")
    return cells, source


def phase_locked() -> tuple[Any, ...]:
    names = {"tau": 20 * ms, "b": 1.2, "freq": 10 * Hz, "n": 100}
    cells = group(
        100, "dv/dt = (-v + a*sin(2*pi*freq*t) + b)/tau : 1\na : 1", names,
        threshold="v > 1", reset="v = 0", method="euler",
    )  # fmt: skip
    cells.v, cells.a = "i*0.01", "0.05 + 0.7*i/n"
    return (cells,)


def many_alike() -> tuple[Any, ...]:
    cells = group(
        10, "dv/dt = (I - v)/tau : 1", {"I": 1.5, "tau": 10 * ms}, threshold="v > 1",
        reset="v = 0", method="exact",
    )  # fmt: skip
    cells.v = "0.1*i"
    return (cells,)


def oscillators() -> tuple[Any, ...]:
    cells = group(3, "dv/dt = (1.2 - v)/(20*ms) : 1", threshold="v > 1", reset="v = 0",
                  method="exact")  # fmt: skip
    wires = b.Synapses(cells, cells, on_pre="v += 0.01")
    return cells, wires


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


def decay(method: str) -> tuple[Any, ...]:
    cell = group(1, "dv/dt = -v/tau : 1", {"tau": 8 * ms}, method=method)
    cell.v = 1
    return (cell,)


def towards_one() -> tuple[Any, ...]:
    cells = group(10, "dv/dt = (1 - v)/tau : 1", {"tau": 10 * ms}, method="exact")
    cells.v = "i*0.07"
    return (cells,)


def izhikevich(rule: str) -> tuple[Any, ...]:
    cells = group(
        10,
        "dv/dt = (0.04*v**2 + 5*v + 140 - u + I)/ms : 1\ndu/dt = 0.02*(0.2*v - u)/ms : 1\nI : 1",
        threshold="v >= 30", reset="v = -65; u += 8", method="euler", dt=1 * ms,
    )  # fmt: skip
    return cells, b.Synapses(cells, cells, on_pre=rule)


def conductances() -> tuple[Any, ...]:
    cells = group(
        10, "dv/dt = (ge + gi - (v + 49*mV))/(20*ms) : volt\ndge/dt = -ge/(5*ms) : volt\n"
        "dgi/dt = -gi/(10*ms) : volt",
        threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method="exact",
    )  # fmt: skip
    return cells, b.Synapses(cells, cells, on_pre="ge += 1.62*mV")


def own_function() -> tuple[Any, ...]:
    @b.check_units(t=second, result=1)  # type: ignore[untyped-decorator]  # Brian2 has no types
    def frame(t: Any) -> Any:
        return 1.0 * (t > 0.05)

    cell = group(1, "dv/dt = (-v + frame(t))/(10*ms) : 1", {"frame": frame}, method="euler")
    return (cell,)


_X = {"voltage": "x", "current": False}
_NUMBER = {"voltage": "v", "current": False}
_NUMBER_TRACE = _NUMBER | {"threshold": False}
_FIG = "frompapers/"

POINTS: tuple[BrianModel, ...] = (
    BrianModel("IF_curve_Hodgkin_Huxley", hodgkin_huxley_curve, 100, options={"index": 60}),
    BrianModel("IF_curve_LIF", integrator_curve, options=_NO_INPUT | {"index": 700}),
    BrianModel("adaptive_threshold", adaptive_threshold, refused="the synapses"),
    BrianModel("advanced/Ornstein_Uhlenbeck", ornstein_uhlenbeck, 300, "y", random=True,
               options={"voltage": "y"} | _TRACE),
    BrianModel("advanced/compare_GSL_to_conventional", lambda: redrawn("rk2"), 300, random=True,
               options=_NUMBER_TRACE),
    BrianModel("advanced/compare_GSL_to_conventional", lambda: redrawn("gsl_rk2"), title="(GSL)",
               options=_NUMBER_TRACE, refused="the method 'gsl_rk2'"),
    BrianModel("advanced/exprel_function", rates_only, refused="no differential equation",
               options=_TRACE),
    BrianModel("advanced/modelfitting_sbi", fitted_cell, 200, "Vm", options={"index": 2,
               "current": "I_inj", "voltage": "Vm"}),
    BrianModel("advanced/opencv_movie", own_function, options=_NUMBER_TRACE,
               refused="a function of yours"),
    BrianModel("advanced/stochastic_odes", brownian_motion, variable="X", refused="multiplicative",
               options={"voltage": "X"} | _TRACE),
    BrianModel("coupled_oscillators", oscillators, options=_NUMBER, refused="the synapses"),
    BrianModel("network_operation_stop", many_alike, options=_NUMBER | {"index": 3}),
    BrianModel("non_reliability", unreliable, 500, "x", random=True, options=_X),
    BrianModel("phase_locking", phase_locked, 400, options=_NUMBER | {"index": 50}),
    BrianModel("reliability", reliable, options=_X, refused="is linked"),
    BrianModel("CUBA", conductances, options=_NO_INPUT, refused="the synapses"),
    BrianModel("multiprocessing/01_using_cython", lambda: decay("exact"), 100,
               options=_NUMBER_TRACE),
    BrianModel("multiprocessing/02_using_standalone", lambda: decay("euler"), 100,
               options=_NUMBER_TRACE),
    BrianModel("standalone/simple_case", towards_one, 100, options=_NUMBER_TRACE | {"index": 4}),
    BrianModel(_FIG + "Brette_2004", forced_oscillator, 500, options=_NUMBER | {"index": 900}),
    BrianModel(_FIG + "Brette_Gerstner_2005", adex, variable="vm"),
    BrianModel(_FIG + "Hindmarsh_Rose_1984", three_variables, 500, "x",
               options=_X | {"threshold": False, "index": 2}),
    BrianModel(_FIG + "Izhikevich_2003", lambda: izhikevich("I += 1"), options=_NUMBER,
               refused="the synapses"),
    BrianModel(_FIG + "Izhikevich_2007", lambda: izhikevich("v += 1"), options=_NUMBER,
               refused="the synapses"),
    BrianModel(_FIG + "Jansen_Rit_1995_single_column", cortical_column, 500, "y0",
               options={"voltage": "y0", "index": 2} | _TRACE),
    BrianModel(_FIG + "Morris_Lecar_1981", barnacle_fibre, 220, "V",
               options={"threshold": False, "index": 8, "voltage": "V"}),
    *(BrianModel(_FIG + "Naud_et_al_2008_adex_firing_patterns",
                 partial(firing_pattern, pattern), 300, "vm", title=f"({pattern})",
                 options={"current": "i_stim", "voltage": "vm"}) for pattern in _PATTERNS),
    BrianModel(_FIG + "Platkiewicz_Brette_2011", moving_threshold, 1000, random=True,
               options=_NO_INPUT),
    BrianModel(_FIG + "Rossant_et_al_2011bis", coincidences, options=_NO_INPUT,
               refused="PoissonInput"),
    BrianModel(_FIG + "Rothman_Manis_2003", cochlear_nucleus, 100,
               options={"threshold": "v > -20*mV", "refractory": "v > -20*mV"}),
    BrianModel(_FIG + "Stimberg_et_al_2019/example_3_bisection", squid_patch, 20,
               options=_NO_INPUT | {"index": 90}),
    BrianModel(_FIG + "Touboul_Brette_2008", chaotic_adex, 200, "vm",
               options={"current": "I", "voltage": "vm", "index": 70}),
    BrianModel(_FIG + "Wang_Buszaki_1996", fast_spiking, 60,
               options={"current": "Iapp", "threshold": False}),
)  # fmt: skip
