"""Where the state of a neuron starts: at the potential it is given, all gates at steady state."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np
from brian2.core.namespace import DEFAULT_CONSTANTS
from brian2.equations.equations import Equations
from brian2.units import Unit, allunits
from brian2.units.stdunits import stdunits
from scipy.special import exprel

from neurosim.equations.linear import offset_and_rate
from neurosim.equations.schemes import Group, find_groups, occupancies, rates_of

__all__ = ["UNITS", "Names", "compiled", "evaluated", "steady_group", "steady_state"]


_FUNCTIONS: dict[str, Any] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: getattr(np, name) for name in ("log10", "log1p", "expm1", "floor", "ceil", "sign")},
    "arctan": np.arctan,
    "clip": np.clip,
    "abs": np.abs,
    "int": lambda x: np.asarray(x).astype(int),
    "exprel": exprel,
    "timestep": lambda t, dt: np.floor((t + 1e-3 * dt) / dt),
    **{name: constant.value for name, constant in DEFAULT_CONSTANTS.items()},
}
UNITS: dict[str, float] = {
    name: float(np.asarray(unit))
    for name, unit in {**vars(allunits), **stdunits}.items()
    if isinstance(unit, Unit)
}


@lru_cache(maxsize=4096)
def compiled(code: str) -> CodeType:
    """Return an expression as Python holds it, read once however often it is evaluated."""
    return compile(code, "<equation>", "eval")


class Names(dict[str, Any]):
    """Look names up among states and parameters, then expressions, then words all models know.

    Those words are by default functions and units of plain numbers in SI units.
    """

    def __init__(
        self,
        equations: Equations,
        values: Mapping[str, Any],
        words: Mapping[str, Any] = UNITS | _FUNCTIONS,
    ) -> None:
        super().__init__(values)
        self._words = words
        names = equations.subexpr_names
        self._expressions = {name: equations[name].expr.code for name in names}

    def __missing__(self, name: str) -> Any:
        if name not in self._expressions:
            return self._words[name]
        self[name] = eval(compiled(self._expressions[name]), {"__builtins__": {}}, self)
        return self[name]


def evaluated(code: str, names: Names) -> np.ndarray:
    """Return the value of an expression of plain numbers."""
    return np.asarray(eval(compiled(code), {"__builtins__": {}}, names), dtype=float)


# What Brian2 knows in every model, as it is when a run begins.
_AT_START = {"t": 0.0, "t_in_timesteps": 0, "lastspike": -1e4, "not_refractory": 1.0}
# More than any chain of states that depend on one another needs.
_ROUNDS = 50


def _steady(equations: Equations, name: str, values: dict[str, Any]) -> np.ndarray:
    """Return where one state comes to rest: -a / b for dx/dt = a + b x."""
    code = equations[name].expr.code

    def rate(x: float) -> np.ndarray:
        names = Names(equations, {**values, name: np.full_like(values["v"], x)})
        return np.asarray(eval(compiled(code), {"__builtins__": {}}, names))

    offset, slope = offset_and_rate(rate)
    # What does not decay has no steady state of its own.
    none = np.asarray(slope) == 0
    return np.asarray(np.where(none, np.nan, -offset / np.where(none, 1.0, slope)))


def steady_group(
    equations: Equations, group: Group, values: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Return where states that depend on one another linearly come to rest together."""

    def rate(name: str, given: Mapping[str, float]) -> np.ndarray:
        full = {one: np.full_like(values["v"], x) for one, x in given.items()}
        names = Names(equations, {**values, **full})
        code = equations[name].expr.code
        found = eval(compiled(code), {"__builtins__": {}}, names)
        return np.asarray(found + np.zeros_like(values["v"]))

    found = occupancies(group, *rates_of(group, rate))
    return dict(zip(group.states, found, strict=True))


def steady_state(
    equations: Equations,
    parameters: dict[str, np.ndarray],
    *,
    start: str,
    starts: Mapping[str, str] | None = None,
    dt: float = 0.0,
) -> dict[str, np.ndarray]:
    """Return the initial value of every state, in SI units.

    The potential ``v`` starts at the parameter `start`. Every other state obeys an equation that is
    linear in itself, dx/dt = a + b x, and starts at -a / b, evaluated at that potential; at nan
    where b is 0. The states
    of a kinetic scheme start at the occupancies that are at rest and sum to one.

    Parameters
    ----------
    equations : Equations
        The model.
    parameters : dict of str to ndarray, each of shape (rows,)
        Parameters in SI units.
    start : str
        Parameter that holds the initial potential.
    starts : mapping of str to str, optional
        States that start elsewhere, and the parameter that holds where.
    dt : float
        Time step, in second, for equations that name it. The time ``t`` is 0.

    Returns
    -------
    dict of str to ndarray, each of shape (rows,)

    Raises
    ------
    ParameterError
        A sum of states never changes, so that their steady state is not known.
    """
    v = parameters[start].astype(float)
    set_apart = {state: parameters[name].astype(float) for state, name in (starts or {}).items()}
    clock = {name: np.full_like(v, value) for name, value in _AT_START.items()}
    known = {**clock, "dt": dt, **parameters, "v": v, "I_stim": np.zeros_like(v), **set_apart}
    free = {n for n in equations.diff_eq_names if n != "v" and n not in set_apart}
    groups = [group for group in find_groups(equations) if free.issuperset(group.states)]
    grouped = {name for group in groups for name in group.states}
    states = sorted(free - grouped)
    found = {"v": v} | set_apart | {name: np.zeros_like(v) for name in free}
    # States that depend on one another (calcium and what it opens) settle in a few rounds.
    for _ in range(_ROUNDS):
        before = dict(found)
        for name in states:
            found[name] = _steady(equations, name, {**found, **known})
        for group in groups:
            found |= steady_group(equations, group, {**found, **known})
        if all(
            np.allclose(found[name], before[name], rtol=1e-12, atol=0, equal_nan=True)
            for name in free
        ):
            break
    # States that are not part of the equations' dynamics (such as the deviation of a coloured
    # noise) are set by the update code of each step and start at zero.
    for name in equations.parameter_names:
        if name not in parameters and name != "I_stim":
            found[name] = np.zeros_like(v)
    return found
