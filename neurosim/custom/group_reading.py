"""What a NeuronGroup holds: equations, conditions and present values.

Brian2 keeps what acts on a group in objects of their own. Those of the group itself are carried
over (`group_operations`); others are refused by name (`acting_on_group`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from brian2.core.variables import LinkedVariable
from brian2.devices.device import RuntimeDevice, get_device
from brian2.equations.equations import Equations
from brian2.groups.neurongroup import NeuronGroup
from brian2.groups.subgroup import Subgroup
from brian2.stateupdaters.base import StateUpdateMethod, UnsupportedEquationsException
from brian2.units import Quantity
from brian2.utils.stringtools import get_identifiers

from neurosim.custom.acting_on_group import check_inputs, covers
from neurosim.custom.group_operations import actions, check_schedule, runners
from neurosim.custom.model_source import Source
from neurosim.custom.past_of_group import check_past
from neurosim.errors import ParameterError

__all__ = ["brian2_method", "check_readable", "read_group"]


def read_group(group: Any, index: int | None) -> Source:
    """Return the model of one neuron of a group.

    Parameters
    ----------
    group : NeuronGroup
        Is not changed.
    index : int, optional
        Which neuron; may be left out where all of them have the same values.

    Raises
    ------
    ParameterError
        Something of the group cannot be carried over; the message names it and says what to do.
    """
    if isinstance(group, Subgroup):
        raise ParameterError(
            f"{group.name}: a slice of a group is not taken over; give its NeuronGroup and "
            "index=..., the number of the neuron"
        )
    if not isinstance(group, NeuronGroup):
        raise ParameterError(
            f"a neuron can be made of equations (a string) or a NeuronGroup; got {group!r}"
        )
    check_readable(group)
    check_schedule(group)
    place = _place(group, index)
    alone = index is not None or len(group) == 1
    check_inputs(group, place if alone else None)
    equations: Equations = group.user_equations
    codes = _codes(group, place)
    check_past(group, place, codes)
    held = {
        name: _value(group, name, equations[name].dim, index, place)
        for name in sorted(equations.parameter_names)
        if equations[name].var_type == "float"
    }
    present = {
        name: _value(group, name, equations[name].dim, index, place)
        for name in sorted(equations.diff_eq_names)
    }
    if not alone:
        _check_alike(group, codes)
    return Source(
        name=group.name,
        equations=equations,
        threshold=group.events.get("spike"),
        reset=group.event_codes.get("spike"),
        refractory=group._refractory,
        method=brian2_method(group),
        dt=group.clock.dt,
        index=place,
        size=len(group),
        held=held,
        present=present,
        names=dict(group.namespace or {}),
        actions=actions(group, place),
    )


def check_readable(group: Any) -> None:
    """Refuse a group whose values are not there to be read."""
    if not isinstance(get_device(), RuntimeDevice):
        raise ParameterError(
            f"{group.name}: its values cannot be read, because Brian2 is in standalone mode, "
            "where they exist in the program only; take the group over in runtime mode"
        )


def _place(group: Any, index: int | None) -> int:
    if index is None:
        return 0
    if isinstance(index, bool) or not isinstance(index, (int, np.integer)):
        raise ParameterError(f"{group.name}: index must be a whole number; got {index!r}")
    if not 0 <= index < len(group):
        raise ParameterError(f"{group.name}: index must be from 0 to {len(group) - 1}; got {index}")
    return int(index)


def _value(group: Any, name: str, dim: Any, index: int | None, place: int) -> Quantity:
    variable = group.variables[name]
    if isinstance(variable, LinkedVariable) or "linked" in group.user_equations[name].flags:
        raise ParameterError(
            f"{group.name}: {name!r} is linked to a variable of another group, which is not "
            "carried over; write its equation into this model, or make it a parameter"
        )
    array = np.atleast_1d(np.asarray(variable.get_value(), dtype=float))
    if len(array) == 1:
        return Quantity(float(array[0]), dim=dim)
    if index is None and np.any(array != array[0]):
        raise ParameterError(
            f"{group.name}: {name} differs from neuron to neuron; say which neuron it is to be, "
            "such as index=0"
        )
    return Quantity(float(array[place]), dim=dim)


def _check_alike(group: Any, codes: Mapping[str, str]) -> None:
    """Refuse a group whose neurons differ by more than stored values, if none was named.

    They differ where a code uses the number ``i`` of the neuron (a `TimedArray` of two dimensions
    does, too), or where an operation runs in a slice of the group.
    """
    equations = group.user_equations
    computed = {
        f"the equation of {equation.varname!r}": equation.expr.code
        for equation in equations.values()
        if equation.expr is not None
    }
    why = [
        f"{what} uses i, the number of the neuron"
        for what, code in {**computed, **codes}.items()
        if "i" in get_identifiers(code) and "i" not in equations
    ]
    why += [
        f"run_regularly ({runner.name}) acts on a slice of it"
        for runner in runners(group, None)
        if not all(covers(runner.group, group, k) for k in (0, len(group) - 1))
    ]
    if why:
        raise ParameterError(
            f"{group.name}: its neurons differ, because {why[0]}; say which neuron it is to be, "
            "such as index=0"
        )


def _codes(group: Any, place: int) -> dict[str, str]:
    """Return what a group computes beside its equations, by what a message calls it."""
    codes: dict[str, str] = {}
    for event, condition in group.events.items():
        own = "" if event == "spike" else f" of the event {event!r}"
        codes[f"the threshold{own}"] = str(condition)
        codes[f"the reset{own}"] = str(group.event_codes.get(event) or "")
    if isinstance(group._refractory, str):
        codes["the refractory condition"] = group._refractory
    for runner in runners(group, place):
        codes[f"run_regularly ({runner.name})"] = str(runner.abstract_code)
    return codes


def brian2_method(group: Any) -> str:
    """Return the name of the state updater that Brian2 takes for the group."""
    choice = group.method_choice
    for one in choice if isinstance(choice, list | tuple) else [choice]:
        if one not in StateUpdateMethod.stateupdaters or one.startswith("gsl"):
            raise ParameterError(
                f"{group.name}: the method {one!r} is not carried over; make the group with "
                "another, such as method='exponential_euler', or 'rk4' with a small dt where it "
                "is no SpatialNeuron"
            )
        if one == choice:
            return str(one)
        try:
            StateUpdateMethod.stateupdaters[one](group.equations, group.variables)
        except UnsupportedEquationsException:
            continue
        return str(one)
    raise ParameterError(f"{group.name}: none of the methods {choice} suits its equations")
