r"""Rates of gates that stand in more than one place: opening at alpha, closing at beta.

.. math:: \dot x = \alpha_x\,(1 - x) - \beta_x\,x

A point neuron and the channel of a branched one are made of the same text, so that both fire alike.
Removable singularities are written with ``exprel``.

References
----------
Hodgkin and Huxley (1952), J Physiol 117:500, with rest near -65 mV, at 6.3 °C. Traub and Miles
(1991), Neuronal Networks of the Hippocampus, at 36 °C, as used by Destexhe and Paré (1999),
J Neurophysiol 81:1531: all curves shifted together by ``V_T``.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["HODGKIN_HUXLEY", "TRAUB_MILES", "gates", "patch"]

HODGKIN_HUXLEY: Mapping[str, tuple[str, str]] = {
    "m": ("1/ms/exprel(-(v + 40*mV)/(10*mV))", "4/ms*exp(-(v + 65*mV)/(18*mV))"),
    "h": ("0.07/ms*exp(-(v + 65*mV)/(20*mV))", "1/ms/(1 + exp(-(v + 35*mV)/(10*mV)))"),
    "n": ("0.1/ms/exprel(-(v + 55*mV)/(10*mV))", "0.125/ms*exp(-(v + 65*mV)/(80*mV))"),
}
TRAUB_MILES: Mapping[str, tuple[str, str]] = {
    "m": ("1.28/ms/exprel((13*mV - v + V_T)/(4*mV))", "1.4/ms/exprel((v - V_T - 40*mV)/(5*mV))"),
    "h": ("0.128/ms*exp((17*mV - v + V_T)/(18*mV))", "4/ms/(1 + exp((40*mV - v + V_T)/(5*mV)))"),
    "n": ("0.16/ms/exprel((15*mV - v + V_T)/(5*mV))", "0.5/ms*exp((10*mV - v + V_T)/(40*mV))"),
}


def gates(rates: Mapping[str, tuple[str, str]], names: str, factor: str = "") -> str:
    """Return the equations of some gates, in Brian2's language.

    Parameters
    ----------
    rates : mapping of str to (str, str)
        Opening and closing rate of each gate.
    names : str
        The gates, a letter each.
    factor : str
        Put before every rate, such as ``"phi*"``.

    Examples
    --------
    >>> print(gates(HODGKIN_HUXLEY, "n", "phi*"))
    dn/dt = alpha_n*(1 - n) - beta_n*n : 1
    alpha_n = phi*0.1/ms/exprel(-(v + 55*mV)/(10*mV)) : Hz
    beta_n = phi*0.125/ms*exp(-(v + 65*mV)/(80*mV)) : Hz
    """
    lines = [f"d{gate}/dt = alpha_{gate}*(1 - {gate}) - beta_{gate}*{gate} : 1" for gate in names]
    for gate in names:
        opening, closing = rates[gate]
        lines += [f"alpha_{gate} = {factor}{opening} : Hz", f"beta_{gate} = {factor}{closing} : Hz"]
    return "\n".join(lines)


def patch(rates: Mapping[str, tuple[str, str]]) -> str:
    """Return the equations of a patch of membrane with sodium, potassium and leak."""
    currents = "g_Na*m**3*h*(E_Na - v) + g_K*n**4*(E_K - v) + g_L*(E_L - v) + I_stim/area"
    return f"dv/dt = ({currents})/C_m : volt\n{gates(rates, 'mhn')}"
