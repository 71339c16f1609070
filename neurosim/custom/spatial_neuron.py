"""A user's `brian2.SpatialNeuron`, made into a neuron that runs alone, in a batch or in a circuit.

The membrane equations stay as they were written. The shape is taken compartment by compartment, so
that areas, axial resistances and the numbers of the compartments are those of the group.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from brian2.core.namespace import get_local_namespace
from brian2.equations.equations import Equations, SingleEquation
from brian2.input.timedarray import TimedArray
from brian2.units import (
    Quantity,
    amp,
    farad,
    get_dimensions,
    have_same_dimensions,
    meter,
    ohm,
    volt,
)
from brian2.utils.stringtools import get_identifiers

from neurosim.channels.base import Channel
from neurosim.custom.acting_on_group import check_inputs
from neurosim.custom.group_operations import check_schedule, operations
from neurosim.custom.group_reading import brian2_method, check_readable
from neurosim.custom.spatial_detector import add_detector, value_of
from neurosim.custom.spatial_membrane import make_channel, stretches
from neurosim.custom.spatial_shape import check_shape, read_shape
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable, Initial, Painted
from neurosim.equations.evaluate import known_words, line_of
from neurosim.errors import ParameterError, UnitError
from neurosim.morphology import at, everywhere, numbered
from neurosim.quantities import unit_name
from neurosim.stimuli import Constant

__all__ = ["from_spatial_neuron"]

# What Brian2 adds to the equations of a SpatialNeuron.
_ADDED = {
    *("Im", "Ic", "v", "gtot__private", "I0__private", "Cm", "Ri", "length", "distance", "area"),
    *("volume", "diameter", "r_length_1", "r_length_2", "time_constant", "space_constant"),
}


def from_spatial_neuron(
    group: Any,
    *,
    threshold: str | None = None,
    refractory: Quantity | None = None,
    parameters: Mapping[str, Any] | None = None,
    start: Quantity | None = None,
    name: str = "membrane",
    level: int | None = 0,
) -> Neuron:
    """Make a neuron of a `brian2.SpatialNeuron`, which is not changed.

    Its membrane current ``Im`` is painted as one channel, with the present values of its
    parameters; stretches that differ in a value are painted apart, under the labels ``name``,
    ``name_1``, ... in the order of the compartments. Point currents that are parameters become
    electrodes where they are not zero. Compartments keep their numbers, branches are called after
    their path (``dend.left``), and a section whose compartments are not equally long becomes a
    branch a compartment (``dend[3]``). The group's time step is not taken over: `simulate` takes
    25 us unless it is given ``dt``.

    Parameters
    ----------
    group : SpatialNeuron
        The neuron.
    threshold : str, optional
        When a spike is detected, such as ``"v > -20*mV"`` or ``"(v > -20*mV) and (i == 5)"``
        (default: the group's, which must say in which compartment). If it names no compartment,
        spikes are detected in the group's, or in compartment 0 if the group has none.
    refractory : Quantity, optional
        How long after a spike another crossing does not count (default: the group's, where it is
        a duration or the name of one; a condition is taken if it repeats the threshold). Spikes
        are upward crossings; Brian2 counts one more where the potential is still above the
        threshold when the refractory period ends.
    parameters : mapping of str to Quantity, optional
        Values of names the equations use that are no parameters of the group; those left out are
        looked up in its namespace and among the caller's variables.
    start : Quantity, optional
        Potential from which a run starts, with all states steady there (default: the group's
        present potentials and states, compartment by compartment, also where they are 0).
    name : str
        Name of the channel, and of its parameters in a batch: ``membrane.g_na``.
    level : int, optional
        How many callers further up to look for names; None looks nowhere.

    Returns
    -------
    Neuron

    Raises
    ------
    ParameterError
        Something cannot be taken over; the message says what to do instead.
    UnitError
        A value has the wrong unit.

    Examples
    --------
    >>> from brian2 import Cylinder, SpatialNeuron, ms, mV, nA, siemens, um
    >>> from neurosim import Constant, simulate
    >>> cable = SpatialNeuron(
    ...     Cylinder(length=500 * um, diameter=1 * um, n=50),
    ...     "Im = gL*(EL - v) : amp/meter**2\\nI : amp (point current)",
    ...     namespace={"gL": 1 * siemens / meter**2, "EL": -70 * mV})
    >>> neuron = from_spatial_neuron(cable, start=-70 * mV)
    >>> run = simulate(neuron, 50 * ms, stimulus=Constant(), record=["v"],
    ...                batch={"current": [0.01, 0.02] * nA})
    >>> (run.trace("v")[:, -1] / mV).round(1).tolist()
    [-62.9, -55.8]
    """
    # With what Brian2 has added: point currents in Im, and what it makes of the shape.
    check_readable(group)
    check_schedule(group)
    check_inputs(group)
    equations: Equations = group.user_equations
    around = {} if level is None else dict(get_local_namespace(level + 1))
    around |= dict(group.namespace or {})
    current, points = _membrane_current(group, equations)
    _refuse(group, equations, points)
    lines, used = _lines(equations, current, points)
    values = _values(group, equations, used, around, dict(parameters or {}))
    rest, initial = _start(group, equations, name, start)
    check_shape(group)
    morphology, rule = read_shape(group.morphology)
    neuron = Neuron(
        morphology,
        rule,
        cable=Cable(C_m=_field(group, "Cm", 0), R_a=_field(group, "Ri", 0)),
        celsius=Channel.temperature_ref,
        rest=rest,
        initial=initial,
    )
    if len(neuron.compartments) != len(group):
        raise ParameterError(
            f"{group.name}: its shape was cut into {len(neuron.compartments)} compartments, not "
            f"{len(group)}; please report this morphology"
        )
    capacitance = np.asarray(group.Cm[:], dtype=float)
    channel = make_channel(name, lines, current, values)
    painted: list[Painted] = []
    for number, (where, one) in enumerate(stretches(capacitance, values)):
        region = everywhere if len(where) == len(group) else numbered(where)
        label = f"{name}_{number}" if number else name
        if np.ptp(capacitance):
            cable = Cable(C_m=capacitance[where[0]] * farad / meter**2, R_a=_field(group, "Ri", 0))
            painted.append(Painted(cable, region, f"cable_{number}"))
        painted.append(Painted(channel(name=name, **one), region, label))
    # The stretches cannot overlap, which `paint` would look for pair by pair.
    neuron = neuron.replace(painted=tuple(painted))
    neuron = _electrodes(neuron, group, points)
    names = partial(value_of, group, values, around, dict(parameters or {}))
    return add_detector(neuron, group, threshold, refractory, names)


def _membrane_current(group: Any, equations: Equations) -> tuple[str, list[str]]:
    """Return the membrane current as it was written, and the point currents Brian2 added to it."""
    code = equations["Im"].expr.code
    points: list[str] = []
    while found := re.fullmatch(r"(.*)\+(\w+)/area", code, re.DOTALL):
        name = found[2]
        if name not in equations or not have_same_dimensions(equations[name].dim, amp):
            break
        code, points = found[1], [name, *points]
    return code, points


def _refuse(group: Any, equations: Equations, points: list[str]) -> None:
    """Refuse what would be lost without a word."""
    name = group.name
    for code in operations(group):
        raise ParameterError(
            f"{name}: it runs {code!r} beside its equations (run_regularly, run_on_event), which "
            "a neuron with extent does not; write it into the equations, or place a stimulus"
        )
    for equation in _own(equations):
        words = get_identifiers(equation.expr.code) if equation.expr is not None else set()
        if any(word == "xi" or word.startswith("xi_") for word in words):
            raise ParameterError(
                f"{name}: {equation.varname!r} draws its own noise (xi), which no seed of a run "
                "reaches; leave it out and place WhiteNoise(...) instead"
            )
        taken = words & {"t", "dt", "i", "N", "t_in_timesteps", "lastspike", "not_refractory"}
        if taken:
            raise ParameterError(
                f"{name}: {equation.varname!r} depends on {min(taken)!r}; place a stimulus such "
                "as Steps(...) instead of a current that the equations write out"
            )
        if equation.varname in points and equation.type != "parameter":
            raise ParameterError(
                f"{name}: the point current {equation.varname!r} has an expression of its own; "
                "leave it out and place a receptor such as AMPA() or a stimulus there"
            )
    held = group.subexpression_updater
    if held is not None:
        raise ParameterError(
            f"{name}: what is constant over dt ({held.abstract_code.strip()}) is not taken over; "
            "leave the flag out"
        )
    if group.event_codes.get("spike"):
        raise ParameterError(
            f"{name}: a spike has the reset {group.event_codes['spike']!r}; nothing is reset here, "
            "channels end a spike: leave it out"
        )
    _check_method(group, equations)


def _check_method(group: Any, equations: Equations) -> None:
    """Refuse states that advance otherwise than by exponential Euler, which all do here."""
    states = set(equations.diff_eq_names) - {"v"}
    if not states:
        return
    method = brian2_method(group)
    alone = all(not (set(equations[s].identifiers) & (states - {s})) for s in states)
    # For a state that depends on no other the exact solution is that of exponential Euler.
    if method != "exponential_euler" and not (method == "exact" and alone):
        raise ParameterError(
            f"{group.name}: its states advance by the method {method!r}, here by exponential "
            "Euler; make the group with method='exponential_euler'"
        )


def _own(equations: Equations) -> list[SingleEquation]:
    """Return the equations that are the user's and not Brian2's."""
    # A shape with coordinates brings them as constants; anything else of these names is a user's.
    added = _ADDED | {n for n in "xyz" if n in equations and equations[n].type == "parameter"}
    return [e for e in equations.values() if e.varname not in added]


def _lines(equations: Equations, current: str, points: list[str]) -> tuple[list[str], set[str]]:
    """Return the equations of states and expressions, and all names they use."""
    lines = []
    used = get_identifiers(current)
    for equation in _own(equations):
        if equation.type == "parameter" or equation.varname in points:
            continue
        used |= get_identifiers(equation.expr.code)
        lines.append(line_of(equation))
    both = used & set(points)
    if both:
        raise ParameterError(
            f"the equations use the point current {min(both)!r} beyond injecting it; leave that out"
        )
    return lines, used


def _values(
    group: Any,
    equations: Equations,
    used: set[str],
    around: Mapping[str, Any],
    given: dict[str, Any],
) -> dict[str, Quantity]:
    """Return by name a value for all compartments, or one a compartment."""
    made = {e.varname for e in _own(equations) if e.type != "parameter"}
    values: dict[str, Quantity] = {}
    for word in sorted(used - made - {"v"}):
        if word in given:
            found = given.pop(word)
        elif word in group.variables and word not in known_words():
            variable = group.variables[word]
            found = Quantity(np.array(variable.get_value(), dtype=float), dim=variable.dim)
        elif word in around and not (word in known_words() and callable(around[word])):
            found = around[word]
        elif word in known_words():
            continue
        else:
            raise ParameterError(
                f"{group.name}: no value for {word!r}; give parameters={{{word!r}: ...}}"
            )
        if isinstance(found, TimedArray):
            raise ParameterError(
                f"{group.name}: {word!r} is a TimedArray, which a SpatialNeuron does not bring; "
                "leave it out of the equations and inject it, such as "
                "simulate(..., stimulus=FrozenNoise(samples, interval=...))"
            )
        if callable(found) and not isinstance(found, Quantity):
            raise ParameterError(
                f"{group.name}: {word!r} is a function of yours, which a compiled run cannot call; "
                "write it into the equations"
            )
        number = np.asarray(found, dtype=float).reshape(-1)
        if number.size not in (1, len(group)):
            raise ParameterError(
                f"{group.name}: {word} must be one value, or one a compartment ({len(group)}); "
                f"got {number.size}"
            )
        if word in equations and not have_same_dimensions(found, equations[word].dim):
            unit = unit_name(Quantity(1.0, dim=equations[word].dim))
            raise UnitError(f"{group.name}: {word} = {found} should be in {unit}")
        if hasattr(Channel, word) or word == "name":
            raise ParameterError(
                f"{group.name}: a parameter cannot be called {word!r}; rename it in the equations"
            )
        one = number[:1] if np.all(number == number[0]) else number
        values[word] = Quantity(one, dim=get_dimensions(found))
    if given:
        raise ParameterError(
            f"{group.name}: the equations do not use {', '.join(map(repr, given))}; they use "
            f"{', '.join(sorted(values))}"
        )
    return values


def _start(
    group: Any, equations: Equations, name: str, start: Quantity | None
) -> tuple[Quantity, Initial | None]:
    """Return the potential of rest, and where the compartments start if that was not given."""
    if start is not None:
        if not have_same_dimensions(start, volt):
            raise UnitError(f"{group.name}: start = {start} must be in volt")
        return Quantity(float(np.asarray(start)), dim=volt.dim), None
    now = _now(group, "v")
    states = sorted(set(equations.diff_eq_names) - {"v"})
    initial = Initial(now, tuple((f"{name}.{state}", _now(group, state)) for state in states))
    return now[0] * volt, initial


def _now(group: Any, variable: str) -> tuple[float, ...]:
    values = np.asarray(group.variables[variable].get_value(), dtype=float)
    return tuple(np.broadcast_to(values, len(group)).tolist())


def _field(group: Any, name: str, k: int) -> Quantity:
    unit = farad / meter**2 if name == "Cm" else ohm * meter
    return float(np.atleast_1d(np.asarray(group.variables[name].get_value()))[k]) * unit


def _electrodes(neuron: Neuron, group: Any, points: list[str]) -> Neuron:
    for name in points:
        amounts = np.broadcast_to(np.asarray(group.variables[name].get_value()), len(group))
        for k in np.flatnonzero(amounts):
            place = at(*neuron.compartments.middle(k))
            current = Constant(Quantity(float(amounts[k]), dim=(1 * volt / ohm).dim))
            neuron = neuron.place(current, place, label=f"{name}_{k}")
    return neuron
