"""A threshold that white noise crosses between two time steps and back: how far it acts too high.

A simulation sees the potential at the ends of its steps only. A diffusing potential that crosses
the threshold within a step and comes back is missed, and one that is seen above it stands higher
than the threshold by its overshoot. A walk whose steps are normal deviates of standard deviation s
overshoots by 0.5826 s on average (Chernoff 1965; Siegmund 1985, Sequential Analysis, ch. X), so a
threshold that lies lower by that much is crossed when the continuous potential crosses the true
one (Broadie, Glasserman and Kou 1997, Math. Finance 7:325).

A drift d a step, towards the threshold, adds to the overshoot: d/4 where noise dominates, d/2 where
drift does. ``d/4 + sqrt((0.5826 s)**2 + (d/4)**2)`` has both limits and lies within 0.03 s of the
exact mean (Spitzer's identity). Away from the threshold the shift does not depend on the drift.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from brian2.parsing.sympytools import str_to_sympy

from neurosim.equations.evaluate import parse
from neurosim.equations.linear import linear_in
from neurosim.errors import ParameterError
from neurosim.randomness import BARRIER_SHIFT

__all__ = ["Barrier", "write_barrier"]


class Barrier(NamedTuple):
    """A corrected threshold in Brian2's language.

    Attributes
    ----------
    line : str
        Declaration of the shift.
    updates : list of str
        Statements that set it at the start of each step.
    threshold, refractory : str
        The conditions that replace those of the neuron.
    """

    line: str
    updates: list[str]
    threshold: str
    refractory: str


def write_barrier(
    equations: str,
    barrier: str,
    threshold: str,
    refractory: str,
    *,
    current: str,
    intensities: Sequence[str],
) -> Barrier:
    """Return the threshold of a neuron under white noise, corrected for the time step.

    Where every intensity is 0, threshold and refractory period are those of the neuron. Elsewhere
    the neuron is held for one step more: Brian2 dates a spike to the start of the step at whose end
    the potential is found above threshold, so that the refractory period is a step too short.

    Parameters
    ----------
    equations : str
        Equations of the neuron; dv/dt must be linear in ``I_stim``.
    barrier : str
        Parameter that holds the threshold.
    threshold, refractory : str
        The neuron's own conditions.
    current : str
        Injected current without the white noise, in ampere.
    intensities : sequence of str
        Names of the intensities of the white noises, in A s^(1/2).

    Raises
    ------
    ParameterError
        dv/dt is not linear in the injected current.

    Examples
    --------
    >>> found = write_barrier("dv/dt = (E - v + R*I_stim)/tau : volt", "V_th", "v >= V_th",
    ...                       "False", current="I", intensities=["S"])
    >>> found.threshold
    'v >= (V_th - barrier_shift)'
    """
    system = parse(equations)
    named = {name: str_to_sympy(system[name].expr.code) for name in system.subexpr_names}
    linear = linear_in("I_stim", system["v"].expr.code, named)
    if linear is None:
        raise ParameterError(
            f"barrier = {barrier!r}: white noise cannot be corrected for, because dv/dt = "
            f"{system['v'].expr.code} is not linear in I_stim; leave barrier empty"
        )
    rest, gain = (re.sub(r"\bv\b", barrier, code) for code in (linear.drive, linear.rate))
    total = " + ".join(f"{name}**2" for name in intensities)
    noisy = f"int({' + '.join(intensities)} > 0*{intensities[0]})"
    updates = [
        f"barrier_noise = {BARRIER_SHIFT!r}*({gain})*sqrt(dt*({total}))",
        f"barrier_drift = clip(dt*({rest} + ({gain})*({current})), 0*volt, inf*volt)/4",
        f"barrier_shift = {noisy}*(barrier_drift + sqrt(barrier_noise**2 + barrier_drift**2))",
    ]
    return Barrier(
        "barrier_shift : volt",
        updates,
        re.sub(rf"\b{re.escape(barrier)}\b", f"({barrier} - barrier_shift)", threshold),
        refractory if refractory == "False" else f"({refractory}) + dt*{noisy}",
    )
