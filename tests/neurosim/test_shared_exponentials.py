"""Sharing exponentials changes how numbers are computed, not which."""

from __future__ import annotations

import numpy as np
import pytest
from brian2.equations.equations import Equations

from neurosim.engine.cable.model import HeldIon, Kernel
from neurosim.engine.cable.shared_exponentials import share_exponentials, share_logarithms
from neurosim.equations.steady_state import Names

RATES = """
alpha_m = 0.1/ms/exprel(-(v + 40*mV)/(10*mV)) : Hz
beta_m = 4/ms*exp(-(v + 65*mV)/(18*mV)) : Hz
alpha_h = 0.07/ms*exp(-(v + V_T + 65*mV)/(20*mV)) : Hz
beta_n = 0.125/ms*exp(-(v + 65*mV)/(80*mV)) : Hz
rising = exp((v + 30*mV)/(30*mV)) + exp((v - 10*mV)/(10*mV)) : 1
V_T : volt (shared)
width : volt (shared)
v : volt
"""


def kernel(equations: str) -> Kernel:
    return Kernel("patch", equations, "0*amp/meter**2", density=True)


def values(equations: str, names: list[str], v: np.ndarray) -> dict[str, np.ndarray]:
    """Evaluate expressions with plain Python, exprel_given as what it stands for."""

    def given(x: np.ndarray, e: np.ndarray) -> np.ndarray:
        near = np.abs(x) < 1e-2
        return np.where(near, np.expm1(x) / np.where(x == 0, 1, x) + (x == 0), (e - 1) / x)

    known = {"v": v, "V_T": np.full_like(v, 0.003), "width": np.full_like(v, 0.02)}
    found = Names(Equations(equations), {"exprel_given": given, **known})
    return {name: np.asarray(found[name], dtype=float) for name in names}


def test_the_same_rates_from_fewer_exponentials():
    made = share_exponentials(kernel(RATES)).equations
    # Offset from -40 mV, where exprel would be 0/0 in this plain evaluation.
    v = np.linspace(-0.12, 0.06, 1801) + 1.7e-6
    names = ["alpha_m", "beta_m", "alpha_h", "beta_n", "rising"]
    before, after = values(RATES, names, v), values(made, names, v)
    for name in names:
        assert np.max(np.abs(after[name] / before[name] - 1)) < 2e-13, name
    bodies = [line for line in made.splitlines() if "v/volt" in line or "v + " in line]
    exponentials_of_v = [line for line in bodies if "exp(" in line.replace("exprel", "")]
    # One for 80, 20 and 10 mV, one for 30 and 10 mV rising, one for 18 mV that nothing shares.
    assert len(made.split("power_of_v_0_1 = exp(")) == len(made.split("power_of_v_1_1 = exp(")) == 2
    assert any("18 * mV" in line for line in exponentials_of_v)


@pytest.mark.parametrize(
    "line",
    [
        "x = exp(-(v + 40*mV)/(10*mV)) : 1",  # alone
        "x = exp(-((v + 81*mV)/(59*mV))**2) + exp(-((v + 81*mV)/(59*mV))**2/2) : 1",  # a bell
        "x = exp(-(v + 40*mV)/width) + exp(-(v + 40*mV)/(2*width)) : 1",  # slope not a number
        "x = exp(-v/(0.5*mV)) + exp(-v/(0.25*mV)) : 1",  # would leave the range of a double
        "x = exp(-v/(10*mV)) + exp(-v/(7*mV)) : 1",  # no whole multiple
        "x = exp(((v + 50*mV)/(25*mV))**3) + exp(((v + 50*mV)/(25*mV))**3) : 1",  # odd about -50
        "x = exp(a*(v + b)/(25*mV)) + exp(a*(v - b)/(25*mV)) : 1",  # its slope is a parameter
        "x = exp(a/c*v/(25*mV)) + exp(a/c*(v - b)/(25*mV)) : 1",  # so it is here
        "x = exp(v/(25*mV + b - d)) + exp(v/(25*mV + b - d)) : 1",
        "x = exp((1 + a - c)*v/(25*mV)) + exp((1 + a - c)*v/(25*mV)) : 1",
        "x = exp(clip(v/mV, 0, 1)) + exp(2*clip(v/mV, 0, 1)) : 1",
    ],
)
def test_what_cannot_be_shared_is_left_alone(line):
    free = "a : 1 (shared)\nb : volt (shared)\nc : 1 (shared)\nd : volt (shared)"
    equations = f"{line}\nwidth : volt (shared)\n{free}\nv : volt"
    assert share_exponentials(kernel(equations)).equations == equations


def test_an_offset_may_hold_any_shared_parameters():
    equations = "x = exp(-(v + a - b)/(10*mV)) + exp(-v/(5*mV)) : 1\nv : volt"
    equations += "\na : volt (shared)\nb : volt (shared)"
    assert "power_of_v_0_2" in share_exponentials(kernel(equations)).equations


def test_a_parameter_that_differs_between_rows_is_no_common_factor():
    equations = "x = exp(-(v + a)/(10*mV)) + exp(-v/(5*mV)) : 1\na : volt\nv : volt"
    assert share_exponentials(kernel(equations)).equations == equations


IONS = (
    HeldIon("na", "sodium", 1, inside=True, outside=False),
    HeldIon("k", "potassium", 1, inside=True, outside=True),
)
POTENTIALS = """
E_na = sodium_RT_F*log(na_o/na_i) : volt
E_k = sodium_RT_F*log(k_o/k_i) : volt
rate = (1 - blocked)*(top/((1 + (K_na/na_i)**n_na)*(1 + (K_k/k_o)**n_k))) : 1
other = (na_i/K_na)**n_na + (K_na/na_i)**3 + (K_row/na_i)**n_na + log(na_i/v) : 1
na_o = sodium_outside : 1
sodium_RT_F : 1 (shared)
sodium_outside : 1 (shared)
na_i : 1
k_i : 1
k_o : 1
blocked : 1 (shared)
top : 1 (shared)
K_na : 1 (shared)
K_k : 1 (shared)
K_row : 1
n_na : 1 (shared)
n_k : 1 (shared)
v : 1
"""


def patch(equations: str) -> Kernel:
    return Kernel("patch", equations, "0*amp/meter**2", density=True, ions=IONS)


def test_one_logarithm_of_each_concentration_is_enough():
    made = share_logarithms(patch(POTENTIALS)).equations
    random = np.random.default_rng(2)
    given = {
        name: random.uniform(0.5, 150, 500) for name in ("na_i", "k_i", "k_o", "K_row", "v")
    } | {"sodium_RT_F": 0.0267, "sodium_outside": 145.0, "blocked": 0.25, "top": 0.05}
    given |= {"K_na": 10.0, "K_k": 1.5, "n_na": 1.5, "n_k": 1.0}
    given["quotient_power"] = lambda above, below, n, logarithm: np.exp(n * logarithm)
    names = ("E_na", "E_k", "rate", "other")
    before, after = (Names(Equations(text), given) for text in (POTENTIALS, made))
    for name in names:
        was, now = np.asarray(before[name]), np.asarray(after[name])
        # Where both concentrations are alike, the potential is a difference of logarithms.
        assert np.max(np.abs(now - was) / np.maximum(np.abs(was), 1e-3)) < 1e-12, name
    assert made.count("log(") == 8
    for name in ("na_i", "na_o", "k_i", "k_o"):
        assert made.count(f"log({name})") == 1
    # A parameter that differs from row to row, a whole power and a quotient with no concentration.
    assert "(K_row / na_i) ** n_na" in made
    assert "(K_na / na_i) ** 3" in made
    assert "log(na_i / v)" in made


def test_a_quotient_of_two_numbers_that_both_differ_by_row_is_divided():
    """Two logarithms would take longer than one and a division."""
    lines = "E_k = 0.0267*log(k_o/k_i) : volt\nk_o : 1\nk_i : 1\nv : volt"
    assert share_logarithms(patch(lines)).equations == lines
    shared = lines.replace("k_o : 1", "k_o : 1 (shared)")
    assert "log_of_k_o - log_of_k_i" in share_logarithms(patch(shared)).equations
    # What is no concentration of an ion may be 0 or less.
    assert share_logarithms(kernel(shared)).equations == shared
