"""What a NeuronGroup holds: equations, conditions, present values, and everything that acts on it.

Brian2 keeps what acts on a group in objects of their own (synapses, inputs, regular operations).
Those of the group itself are carried over; others are refused by name, since a run here could not
do what they do.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from brian2.core.base import BrianObject
from brian2.core.operations import NetworkOperation
from brian2.core.variables import LinkedVariable
from brian2.devices.device import RuntimeDevice, get_device
from brian2.equations.equations import Equations
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import NeuronGroup
from brian2.groups.subgroup import Subgroup
from brian2.input.poissoninput import PoissonInput
from brian2.stateupdaters.base import StateUpdateMethod, UnsupportedEquationsException
from brian2.synapses.synapses import Synapses
from brian2.units import Quantity

from neurosim.custom.model_source import Source
from neurosim.custom.past_of_group import check_past, steps_run
from neurosim.describe.point_neuron import Action
from neurosim.errors import ParameterError

__all__ = ["brian2_method", "check_inputs", "check_readable", "operations", "read_group"]

_SLOTS = ("start", "groups", "thresholds", "synapses", "resets", "end")


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
    place = _place(group, index)
    check_inputs(group, place)
    equations: Equations = group.user_equations
    check_past(group, place, _codes(group, place))
    held = {
        name: _value(group, name, equations[name].dim, index, place)
        for name in sorted(equations.parameter_names)
        if equations[name].var_type == "float"
    }
    present = {
        name: _value(group, name, equations[name].dim, index, place)
        for name in sorted(equations.diff_eq_names)
    }
    _check_slots(group)
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
        actions=(*_regular(group, place), *_events(group)),
    )


def check_readable(group: Any) -> None:
    """Refuse a group whose values are not there to be read."""
    if not isinstance(get_device(), RuntimeDevice):
        raise ParameterError(
            f"{group.name}: its values cannot be read, because Brian2 is in standalone mode, "
            "where they exist in the program only; take the group over in runtime mode"
        )


def check_inputs(group: Any, place: int | None = None) -> None:
    """Refuse what other objects do to a group; `place` None: to any of its neurons.

    Raises
    ------
    ParameterError
        Synapses or a Poisson input end on the group.
    """
    for other in _acting(group, place):
        if isinstance(other, Synapses):
            raise ParameterError(
                f"{group.name}: the synapses {other.name!r} act on it, which a neuron on its own "
                "does not have; delete them (or set their active = False), and connect neurons "
                "here by wiring=FeedForward(...) or Circuit.connect"
            )
        if isinstance(other, PoissonInput):
            raise ParameterError(
                f"{group.name}: the PoissonInput {other.name!r} acts on it; delete it (or set its "
                "active = False) and give the neuron a stimulus, such as "
                "Constant(100*pA) + WhiteNoise(...)"
            )
    if any(isinstance(o, NetworkOperation) and o.active for o in _alive()):
        warnings.warn(
            f"{group.name}: a network_operation exists; what it does to the group is code of "
            "yours, which is not carried over",
            stacklevel=4,
        )


def _alive() -> Iterator[BrianObject]:
    for reference in list(BrianObject.__instances__()):
        found = reference()
        if found is not None:
            yield found


def _acting(group: Any, place: int | None) -> list[BrianObject]:
    """Return the synapses and inputs that end on a group, without those that were deleted."""

    def found() -> list[BrianObject]:
        return [
            other
            for other in _alive()
            if other.active
            and (
                (isinstance(other, Synapses) and _covers(other.target, group, place))
                or (isinstance(other, PoissonInput) and _covers(other._group, group, place))
            )
        ]

    if not found():
        return []
    # Deleted ones stay until the collector comes by.
    gc.collect()
    return found()


def _covers(part: Any, group: Any, place: int | None) -> bool:
    """Whether a group or a slice of it holds the neuron."""
    if part is group:
        return True
    if not isinstance(part, Subgroup):
        return False
    try:
        # A slice holds its group weakly; names are unique among groups that are there.
        mine = part.source.name == group.name
    except ReferenceError:
        return False
    return mine and (place is None or part.start <= place < part.stop)


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


def _codes(group: Any, place: int) -> dict[str, str]:
    """Return what a group computes beside its equations, by what a message calls it."""
    codes: dict[str, str] = {}
    for event, condition in group.events.items():
        own = "" if event == "spike" else f" of the event {event!r}"
        codes[f"the threshold{own}"] = str(condition)
        codes[f"the reset{own}"] = str(group.event_codes.get(event) or "")
    if isinstance(group._refractory, str):
        codes["the refractory condition"] = group._refractory
    for runner in _runners(group, place):
        codes[f"run_regularly ({runner.name})"] = str(runner.abstract_code)
    return codes


def _check_slots(group: Any) -> None:
    """Refuse spikes that are detected, or reset, elsewhere in the step than usual."""
    found = {"thresholds": group.thresholder.get("spike"), "resets": group.resetter.get("spike")}
    for slot, runner in found.items():
        if runner is not None and runner.when != slot:
            raise ParameterError(
                f"{group.name}: its {slot} run in the slot {runner.when!r}; leave them in "
                f"{slot!r}, where they run here"
            )


def brian2_method(group: Any) -> str:
    """Return the name of the state updater that Brian2 takes for the group."""
    choice = group.method_choice
    for one in [choice] if isinstance(choice, str) or callable(choice) else choice:
        if not isinstance(one, str) or one.startswith("gsl"):
            raise ParameterError(
                f"{group.name}: the method {one!r} is not carried over; give another, such as "
                "method='rk4' with a small dt"
            )
        if one == choice:
            return one
        try:
            StateUpdateMethod.stateupdaters[one](group.equations, group.variables)
        except UnsupportedEquationsException:
            continue
        return one
    raise ParameterError(f"{group.name}: none of the methods {choice} suits its equations")


def operations(group: Any) -> list[str]:
    """Return the code that runs beside the equations and the reset of a group."""
    events = [code for event, code in group.event_codes.items() if event != "spike"]
    return [*(str(r.abstract_code) for r in _runners(group, None)), *map(str, events)]


def _runners(group: Any, place: int | None) -> list[Any]:
    """Return what run_regularly made, of the group or of slices of it, in Brian2's order."""
    runners = [r for r in group.contained_objects if type(r) is CodeRunner]
    runners += [
        r
        for r in _alive()
        if type(r) is CodeRunner
        and isinstance(r.group, Subgroup)
        and _covers(r.group, group, place)
    ]
    return sorted((r for r in runners if r.active), key=lambda r: (r.order, r.name))


def _regular(group: Any, place: int) -> Iterator[Action]:
    """Return what run_regularly does to the neuron."""
    for runner in _runners(group, place):
        ratio = runner.clock.dt_ / group.clock.dt_
        steps = round(ratio)
        if steps < 1 or abs(ratio - steps) > 1e-6:
            raise ParameterError(
                f"{group.name}: run_regularly every {runner.clock.dt} is no whole number of its "
                f"time steps of {group.clock.dt}; make it one"
            )
        _check_slot(group, runner.when)
        # The clock of an operation counts from the group's first run; time here starts at 0.
        gone = steps_run(group) % steps
        passed = f"(t_in_timesteps + {gone})" if gone else "t_in_timesteps"
        condition = "" if steps == 1 else f"{passed} % {steps} == 0"
        # The condition has no part in the order of the others: it depends on the time alone.
        slot = (runner.when, runner.order, condition, runner.when, runner.order - 1)
        yield Action(str(runner.abstract_code), *slot)


def _events(group: Any) -> Iterator[Action]:
    """Return what its own events do."""
    for event, condition in group.events.items():
        if event == "spike" or event not in group.event_codes:
            continue
        tester, runner = group.thresholder[event], group.resetter[event]
        _check_slot(group, tester.when)
        _check_slot(group, runner.when)
        slot = (runner.when, runner.order, str(condition), tester.when, tester.order)
        yield Action(str(group.event_codes[event]), *slot)


def _check_slot(group: Any, when: str) -> None:
    if when.removeprefix("before_").removeprefix("after_") not in _SLOTS:
        raise ParameterError(
            f"{group.name}: something runs in the slot {when!r} of a schedule of your own; use "
            f"one of {', '.join(_SLOTS)}, with before_ or after_ if needed"
        )
