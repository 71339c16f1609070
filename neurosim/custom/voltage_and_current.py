"""Which name of a model is the membrane potential, and which the injected current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.equations.equations import Equations
from brian2.units import Quantity, get_dimensions, have_same_dimensions, pA, volt
from brian2.units.fundamentalunits import DIMENSIONLESS
from brian2.utils.stringtools import get_identifiers

from neurosim.errors import ParameterError, UnitError, UnknownNameError, suggest
from neurosim.quantities import unit_name

__all__ = ["Roles", "find_roles", "said_unit"]

_POTENTIALS = ("v", "V", "vm", "Vm", "V_m", "v_m")


@dataclass(frozen=True)
class Roles:
    """The names of a model that have a meaning here.

    Attributes
    ----------
    voltage : str
        Membrane potential.
    current : str
        Injected current; empty where nothing is injected.
    scale : Quantity or None
        How much of it one ampere makes; None where it is in ampere.
    """

    voltage: str
    current: str
    scale: Any


def find_roles(
    equations: Equations, voltage: str | None, current: str | bool | None, scale: Any, name: str
) -> Roles:
    """Return the names of potential and current, as given or as they are usually called.

    Raises
    ------
    ParameterError, UnitError, UnknownNameError
        Which they are cannot be told, or what was given is wrong.
    """
    potential = _voltage(equations, voltage, name)
    if current is False:
        if scale is not None:
            raise ParameterError(f"{name}: current=False has no current_scale; leave it out")
        return Roles(potential, "", None)
    drive = _current(equations, None if current is True else current, name)
    dim = equations[drive].dim if drive in equations else pA.dim
    if have_same_dimensions(dim, pA.dim) and scale is None:
        return Roles(potential, drive, None)
    if scale is None:
        raise UnitError(
            f"{name}: the current {drive!r} is not in ampere but in {said_unit(dim)}; give "
            "current_scale, how much of it one ampere makes, such as 1/area, R, or 1/(10*pA) for "
            "a plain number"
        )
    made = get_dimensions(scale * pA)
    # A constant of the surroundings says its own unit by how it is used.
    if drive in equations and not have_same_dimensions(made, dim):
        raise UnitError(
            f"{name}: current_scale = {scale} times an ampere gives {said_unit(made)}, but "
            f"{drive!r} is in {said_unit(dim)}"
        )
    return Roles(potential, drive, scale)


def said_unit(dim: Any) -> str:
    """Return a unit as a message says it."""
    return "plain numbers" if dim is DIMENSIONLESS else unit_name(Quantity(1, dim=dim))


def _voltage(equations: Equations, voltage: str | None, name: str) -> str:
    states = set(equations.diff_eq_names)
    given = voltage is not None
    if not states:
        raise ParameterError(
            f"{name}: the model has no differential equation, so nothing in it is a membrane "
            "potential that could be run"
        )
    if voltage is None:
        voltage = next((n for n in _POTENTIALS if n in states), None)
        if voltage is None:
            raise ParameterError(
                f"{name}: which of {', '.join(sorted(states))} is the membrane potential? "
                "give voltage='...'"
            )
    if voltage not in states:
        raise UnknownNameError(
            f"{name}: no differential equation gives {voltage!r}: {suggest(voltage, states)}"
        )
    dim = equations[voltage].dim
    if not (have_same_dimensions(dim, volt.dim) or (given and dim is DIMENSIONLESS)):
        raise UnitError(
            f"{name}: the membrane potential {voltage!r} is in {said_unit(dim)}; "
            "write the model in volt, as Brian2's own examples do (v in volt, constants such as "
            f"0.04/ms/mV), or say voltage={voltage!r} to run it in plain numbers"
        )
    if voltage != "v" and "v" in equations:
        raise ParameterError(
            f"{name}: {voltage!r} is called v here, but the model has another v; rename that one"
        )
    return voltage


def _current(equations: Equations, current: str | None, name: str) -> str:
    mentioned = set().union(*(get_identifiers(e.expr.code) for e in equations.values() if e.expr))
    unset = {e.varname for e in equations.values() if e.type == "parameter"}
    if current is None:
        if "I_stim" in mentioned:
            return "I_stim"
        amps = [n for n in sorted(unset) if have_same_dimensions(equations[n].dim, pA.dim)]
        named = [n for n in amps if n in mentioned]
        if len(named) == 1:
            return str(named[0])
        said = (
            f"currents among its parameters: {', '.join(named)}"
            if named
            else f"names it uses: {', '.join(sorted(mentioned - set(DEFAULT_FUNCTIONS)))}"
        )
        raise ParameterError(
            f"{name}: which name is the injected current? give current='...' ({said}), or "
            "current=False if nothing is to be injected"
        )
    if current not in mentioned:
        raise UnknownNameError(
            f"{name}: the equations do not use {current!r}: {suggest(current, mentioned)}"
        )
    if current in equations.diff_eq_names:
        raise ParameterError(
            f"{name}: {current!r} has an equation of its own; add a parameter for the injected "
            "current, such as I_ext : amp"
        )
    if current != "I_stim" and "I_stim" in mentioned | unset:
        raise ParameterError(
            f"{name}: {current!r} is called I_stim here, but the model has another I_stim; rename "
            "that one"
        )
    return current
