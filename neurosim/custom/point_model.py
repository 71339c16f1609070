"""A user's own Brian2 model, as equations or as a group, made into a neuron that can be described.

The equations stay as they were written but for names: the membrane potential becomes ``v``, the
injected current ``I_stim``, and every constant a parameter with its unit, so that `simulate`,
batches and f-I curves work as with the neurons of the catalogue. Of a group everything it does is
carried over, or refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from brian2.core.namespace import get_local_namespace
from brian2.equations.equations import Equations
from brian2.input.timedarray import TimedArray
from brian2.units import Quantity, have_same_dimensions, ms
from brian2.utils.stringtools import get_identifiers

from neurosim.custom.group_reading import read_group
from neurosim.custom.model_source import Source, parse_equations
from neurosim.custom.point_class import Written, choose_method, make_neuron
from neurosim.custom.translation import Translation, assigned
from neurosim.custom.values import check_called, check_name, check_units, look_up, one_value
from neurosim.custom.voltage_and_current import Roles, find_roles, said_unit
from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import Action, PointNeuron
from neurosim.equations.evaluate import line_of
from neurosim.errors import ParameterError, UnitError, UnknownNameError, suggest

__all__ = ["from_brian2"]

_RESTING = ("E_L", "EL", "El", "e_l", "E_leak", "V_rest", "v_rest", "Vrest", "V_r", "E_rest")

# Solves the equations symbolically; the others are older names of it.
_EXACT = ("exact", "linear", "independent")


def from_brian2(
    model: Any,
    *,
    threshold: str | bool | None = None,
    reset: str | None = None,
    refractory: str | Quantity | None = None,
    method: str | None = None,
    dt: Quantity | None = None,
    parameters: Mapping[str, Any] | None = None,
    current: str | bool | None = None,
    current_scale: Quantity | float | None = None,
    voltage: str | None = None,
    start: Quantity | None = None,
    index: int | None = None,
    name: str = "CustomNeuron",
    level: int | None = 0,
) -> PointNeuron | Neuron:
    """Make a neuron of equations in Brian2's language, of a NeuronGroup or of a SpatialNeuron.

    Parameters
    ----------
    model : str, Equations, NeuronGroup or SpatialNeuron
        The model. Of a group everything is taken that Brian2 would run: equations, threshold,
        reset, refractory period, method, time step, constants, own events, regular operations,
        and the present values of parameters and states. It is not changed. Of a SpatialNeuron see
        `neurosim.custom.spatial_neuron.from_spatial_neuron`.
    threshold, reset : str, optional
        When a spike is detected, and what happens then (needed with equations). A threshold of
        False is for models that are run for their traces alone.
    refractory : str or Quantity, optional
        How long detection is held off.
    method : str, optional
        State updater (default: the group's; with equations exponential Euler where every equation
        is linear in its own variable, Euler under noise, else Runge-Kutta of fourth order).
    dt : Quantity, optional
        Time step of runs (default: the group's, or 0.1 ms).
    parameters : mapping of str to Quantity, optional
        Values of the names the equations use, and of states at the start; those left out are
        looked up in the group and among the caller's variables, as Brian2 does.
    current : str or False, optional
        The equations' name of the injected current (default: ``I_stim``, else the only parameter
        that is a current). What the model itself injects by that name stays and is added to. False
        where nothing is to be injected.
    current_scale : Quantity, optional
        Where the model's current is not in ampere (a density, a voltage, a plain number): how much
        of it one ampere makes, such as ``1/area``, ``R`` or ``1/(10*pA)``.
    voltage : str, optional
        The equations' name of the membrane potential (default: ``v``, ``V``, ``vm`` or ``V_m``).
        A potential in plain numbers is taken if it is named here.
    start : Quantity, optional
        Potential at the start of a run, with all states steady there. Default: of a group the
        present values of potential and states, also where that is 0 V, as Brian2 would start; with
        equations the parameter called ``E_L``, ``EL``, ``V_rest`` or the like.
    index : int, optional
        Which neuron of a group whose neurons differ.
    name : str
        Name of the neuron in messages and files.
    level : int, optional
        How many callers further up to look for the names the equations use; None looks nowhere.

    Returns
    -------
    PointNeuron
        Of a class of its own; its parameters are fields and may vary in a batch. A `Neuron` with
        extent where the model is a SpatialNeuron.

    Raises
    ------
    ParameterError
        Something is missing or cannot be carried over; the message names it and what to do.
    UnitError, UnknownNameError
        A value has the wrong unit; a name nothing in the model answers to.

    Examples
    --------
    >>> from brian2 import ms, mV, Mohm, pA, second
    >>> from neurosim import simulate
    >>> neuron = from_brian2(
    ...     "dV/dt = (E_L - V + R*I)/tau : volt (unless refractory)",
    ...     threshold="V > -55*mV", reset="V = E_L", refractory=2 * ms, current="I",
    ...     parameters={"E_L": -70 * mV, "R": 100 * Mohm, "tau": 20 * ms})
    >>> simulate(neuron, 1 * second, batch={"constant.current": [140, 200] * pA}).counts().tolist()
    [0, 33]
    """
    from brian2.spatialneuron.spatialneuron import SpatialNeuron

    if isinstance(model, SpatialNeuron):
        from neurosim.custom.spatial_neuron import from_spatial_neuron

        strange = {
            "reset": reset, "method": method, "dt": dt, "current": current,
            "current_scale": current_scale, "voltage": voltage, "index": index,
        }  # fmt: skip
        if isinstance(threshold, bool):
            raise ParameterError(f"{model.name}: threshold must say when it spikes, 'v > -20*mV'")
        for word, value in strange.items():
            if value is not None:
                raise ParameterError(
                    f"{model.name}: {word} is for models without extent; a SpatialNeuron has its "
                    "potential v and its membrane current Im, and simulate takes scheme and dt"
                )
        return from_spatial_neuron(
            model, threshold=threshold, refractory=refractory, parameters=parameters, start=start,
            level=None if level is None else level + 1,
        )  # fmt: skip
    around = {} if level is None else dict(get_local_namespace(level + 1))
    if isinstance(model, (str, Equations)):
        if index is not None:
            raise ParameterError(f"{name}: index is for groups; leave it out")
        equations = model if isinstance(model, Equations) else parse_equations(model, name)
        source = Source(name, equations)
    else:
        source = read_group(model, index)
    source = replace(
        source,
        name=name,
        threshold=_threshold(threshold, source.threshold, name),
        reset=reset if reset is not None else source.reset,
        refractory=refractory if refractory is not None else source.refractory,
        method=method or source.method,
        dt=dt if dt is not None else source.dt,
    )
    for word in source.equations.parameter_names:
        check_name(word, name)
    if not isinstance(parameters, Mapping | None):
        raise ParameterError(
            f"{name}: parameters says values by name, such as {{'tau': 10*ms}}; got {parameters!r}"
        )
    check_called(name, _all_codes(source), parameters or {}, source.names, around)
    roles = find_roles(source.equations, voltage, current, current_scale, name)
    written = _write(source, roles, dict(parameters or {}), start, around)
    step = 0.1 * ms if source.dt is None else source.dt
    chosen = source.method or choose_method(written)
    if written.noise and (chosen != "euler" or source.equations.stochastic_type != "additive"):
        raise ParameterError(
            f"{name}: noise (xi) is carried over where it is additive and advances by Euler's "
            f"method; here it is {source.equations.stochastic_type} and the method is {chosen!r}. "
            "Give method='euler' if it is additive; else leave it out and inject noise instead, "
            "such as stimulus=Constant(100*pA) + WhiteNoise(...)"
        )
    if chosen in _EXACT and "waveform(" in written.equations:
        raise ParameterError(
            f"{name}: its equations play a TimedArray, which the method {chosen!r} cannot "
            "integrate here; give method='euler', or method='rk4'"
        )
    neuron = make_neuron(written, chosen, float(step / ms))
    neuron.check_step(float(step))
    check_units(neuron, name)
    return neuron


def _threshold(given: str | bool | None, found: str | None, name: str) -> str:
    said = found if given is None else given
    if said is False:
        return "False"
    if not said or not isinstance(said, str):
        raise ParameterError(
            f"{name}: say when it spikes, such as threshold='v > -55*mV' (and reset='v = -70*mV'); "
            "threshold=False runs a model for its traces alone"
        )
    return said


def _write(
    source: Source,
    roles: Roles,
    given: dict[str, Any],
    start: Quantity | None,
    around: Mapping[str, Any],
) -> Written:
    """Return the model in our words, with a value for everything it names."""
    name, equations = source.name, source.equations
    numbers = {"i": str(source.index), "N": str(source.size)}
    numbers = {word: value for word, value in numbers.items() if word not in equations}
    noises = {xi: f"white_noise_{k}" for k, xi in enumerate(sorted(equations.stochastic_variables))}
    common = {roles.voltage: "v", **numbers, **noises}
    changed = [
        word
        for code in (source.reset or "", *(action.code for action in source.actions))
        for word in assigned(code)
    ]
    own = _own_current(source, roles, given, around, changed)
    drive = roles.current
    if own is None:
        # Said to be 0, as it would be without saying.
        given.pop(drive, None)
    injected = "I_stim" if roles.scale is None else "I_stim*current_scale"
    spelled = {}
    if drive:
        spelled = {drive: f"({drive} + {injected})" if own else injected}
        if own is None and roles.scale is not None:
            spelled = {drive: f"({injected})"}
    surroundings = {**around, **source.names}
    played = {w: v for w, v in surroundings.items() if isinstance(v, TimedArray)}
    played |= {w: given.pop(w) for w in list(given) if isinstance(given[w], TimedArray)}
    in_statements = common if own else {**common, **spelled}
    words = Translation(name, {**common, **spelled}, in_statements, played, source.index)
    if roles.scale is not None:
        given["current_scale"] = roles.scale
    lines, used = _lines(source, roles, words, own)
    refractory = _refractory(source.refractory)
    codes = {
        "threshold": words.expression(source.threshold or "False"),
        "reset": words.statements(source.reset or ""),
        "refractory": words.expression(refractory),
    }
    actions = tuple(
        replace(a, code=words.statements(a.code), condition=words.expression(a.condition))
        for a in source.actions
    )
    for code in (source.threshold, source.reset, refractory, *_codes(source.actions)):
        used |= get_identifiers(code or "")
    wanted = used - set(equations.diff_eq_names) - set(equations.subexpr_names)
    wanted -= {*numbers, *noises, *played, roles.voltage}
    wanted -= set() if own else {drive}
    # What statements make up as they go along.
    wanted -= {w for w in changed if w not in equations.names}
    states = {s for s in equations.diff_eq_names if s != roles.voltage}
    for stranger in sorted(set(given) - wanted - states - {"current_scale"}):
        raise UnknownNameError(
            f"{name}: the model does not use {stranger!r}: {suggest(stranger, wanted | states)}"
        )
    values: dict[str, Quantity] = {}
    for word in sorted(wanted | ({"current_scale"} & set(given))):
        found = look_up(
            word, given, source.held, source.names, around, equations=equations, name=name
        )
        if found is not None:
            values[word] = found
    values["v_start"] = _start(start, source, values, roles.voltage)
    starts = {}
    for state in sorted(states):
        value = given.get(state, None if start is not None else source.present.get(state))
        if value is None:
            continue
        if f"{state}_start" in values or f"{state}_start" in equations:
            raise ParameterError(f"{name}: rename {state}_start, which is the start of {state!r}")
        values[f"{state}_start"] = one_value(state, value, equations, name)
        starts[state] = f"{state}_start"
    return Written(
        name=name,
        equations="\n".join(lines),
        **codes,
        values=values,
        starts=starts,
        changing=tuple(word for word in dict.fromkeys(changed) if word in values),
        actions=actions,
        noise=tuple(noises.values()),
        samples=tuple(words.samples),
    )


def _all_codes(source: Source) -> list[str]:
    equations = [equation.expr.code for equation in source.equations.values() if equation.expr]
    refractory = source.refractory if isinstance(source.refractory, str) else ""
    own = [source.threshold or "", source.reset or "", refractory]
    return [*equations, *own, *_codes(source.actions)]


def _codes(actions: tuple[Action, ...]) -> list[str]:
    return [code for action in actions for code in (action.code, action.condition)]


def _own_current(
    source: Source,
    roles: Roles,
    given: Mapping[str, Any],
    around: Mapping[str, Any],
    changed: list[str],
) -> bool | None:
    """Whether the model injects something itself by the name of the injected current.

    None where the name is nothing but the injected current.
    """
    drive, equations = roles.current, source.equations
    if not drive or drive == "I_stim":
        return None
    if drive in equations.subexpr_names or drive in changed:
        return True
    for values in (given, source.held, source.names, around if drive not in equations else {}):
        if drive in values:
            value = np.asarray(values[drive], dtype=float)
            return True if np.any(value != 0) else None
    return None


def _lines(
    source: Source, roles: Roles, words: Translation, own: bool | None
) -> tuple[list[str], set[str]]:
    """Return the equations in our names, without parameters, and the names they use."""
    lines, used = [], set()
    for equation in source.equations.values():
        if equation.type == "parameter":
            if equation.varname != roles.current and equation.var_type != "float":
                raise ParameterError(
                    f"{source.name}: parameter {equation.varname!r} is not a float; write it as a "
                    "number"
                )
            if equation.varname != roles.current or own:
                used.add(equation.varname)
            continue
        used |= get_identifiers(equation.expr.code)
        flags = f" ({', '.join(equation.flags)})" if equation.flags else ""
        lines.append(line_of(equation, words.expression, words.in_statements.get) + flags)
    return lines, used


def _refractory(given: Any) -> str:
    if given is None or given is False:
        return "False"
    return given if isinstance(given, str) else f"{float(np.asarray(given))!r}*second"


def _start(
    start: Quantity | None, source: Source, values: Mapping[str, Quantity], voltage: str
) -> Quantity:
    dim = source.equations[voltage].dim
    found: Any = start
    if found is None:
        found = source.present.get(voltage)
    if found is None:
        found = next((values[word] for word in _RESTING if word in values), None)
    if found is None:
        raise ParameterError(
            f"{source.name}: where does it start? give start=-70*mV (its resting value)"
        )
    if not have_same_dimensions(found, dim):
        raise UnitError(f"{source.name}: start = {found} must be in {said_unit(dim)}")
    return Quantity(float(np.asarray(found)), dim=dim)
