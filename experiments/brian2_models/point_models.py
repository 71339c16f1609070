"""Models of neurons without extent, after Brian2's examples."""

from __future__ import annotations

from typing import Any

import brian2 as b
import numpy as np
from brian2 import Hz, cm, mS, ms, mV, nA, nS, pF, second, uF, um

from experiments.brian2_models.brian_model import (
    NO_INPUT,
    OF_NUMBER,
    OF_X,
    TRACE,
    BrianModel,
    group,
)
from experiments.brian2_models.paper_models import PAPERS

__all__ = ["POINTS"]

_TRAUB = """
dm/dt = 0.32*4/exprel((13*mV - v + VT)/(4*mV))/ms*(1 - m)
        - 0.28*5/exprel((v - VT - 40*mV)/(5*mV))/ms*m : 1
dn/dt = 0.032*5/exprel((15*mV - v + VT)/(5*mV))/ms*(1 - n)
        - .5*exp((10*mV - v + VT)/(40*mV))/ms*n : 1
dh/dt = 0.128*exp((17*mV - v + VT)/(18*mV))/ms*(1 - h)
        - 4/(1 + exp((40*mV - v + VT)/(5*mV)))/ms*h : 1
"""


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


def decay(method: str) -> tuple[Any, ...]:
    cell = group(1, "dv/dt = -v/tau : 1", {"tau": 8 * ms}, method=method)
    cell.v = 1
    return (cell,)


def towards_one() -> tuple[Any, ...]:
    cells = group(10, "dv/dt = (1 - v)/tau : 1", {"tau": 10 * ms}, method="exact")
    cells.v = "i*0.07"
    return (cells,)


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


POINTS: tuple[BrianModel, ...] = (
    BrianModel("IF_curve_Hodgkin_Huxley", hodgkin_huxley_curve, 100, options={"index": 60}),
    BrianModel("IF_curve_LIF", integrator_curve, options=NO_INPUT | {"index": 700}),
    BrianModel("adaptive_threshold", adaptive_threshold, refused="the synapses"),
    BrianModel("advanced/Ornstein_Uhlenbeck", ornstein_uhlenbeck, 300, "y", random=True,
               options={"voltage": "y"} | TRACE),
    BrianModel("advanced/compare_GSL_to_conventional", lambda: redrawn("rk2"), 300, random=True,
               options=OF_NUMBER | TRACE),
    BrianModel("advanced/compare_GSL_to_conventional", lambda: redrawn("gsl_rk2"), title="(GSL)",
               options=OF_NUMBER | TRACE, refused="the method 'gsl_rk2'"),
    BrianModel("advanced/exprel_function", rates_only, refused="no differential equation",
               options=TRACE),
    BrianModel("advanced/modelfitting_sbi", fitted_cell, 200, "Vm", options={"index": 2,
               "current": "I_inj", "voltage": "Vm"}),
    BrianModel("advanced/opencv_movie", own_function, options=OF_NUMBER | TRACE,
               refused="a function of yours"),
    BrianModel("advanced/stochastic_odes", brownian_motion, variable="X", refused="multiplicative",
               options={"voltage": "X"} | TRACE),
    BrianModel("coupled_oscillators", oscillators, options=OF_NUMBER, refused="the synapses"),
    BrianModel("network_operation_stop", many_alike, options=OF_NUMBER | {"index": 3}),
    BrianModel("non_reliability", unreliable, 500, "x", random=True, options=OF_X),
    BrianModel("phase_locking", phase_locked, 400, options=OF_NUMBER | {"index": 50}),
    BrianModel("reliability", reliable, options=OF_X, refused="is linked"),
    BrianModel("CUBA", conductances, options=NO_INPUT, refused="the synapses"),
    BrianModel("multiprocessing/01_using_cython", lambda: decay("exact"), 100,
               options=OF_NUMBER | TRACE),
    BrianModel("multiprocessing/02_using_standalone", lambda: decay("euler"), 100,
               options=OF_NUMBER | TRACE),
    BrianModel("standalone/simple_case", towards_one, 100,
               options=OF_NUMBER | TRACE | {"index": 4}),
    *PAPERS,
)  # fmt: skip
