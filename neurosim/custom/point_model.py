"""A user's own Brian2 model, as equations or as a group, made into a neuron that can be described.

The equations stay as they were written but for names: the membrane potential becomes ``v``, the
injected current ``I_stim``, and every constant a parameter with its unit, so that `simulate`,
batches and f-I curves work as with the neurons of the catalogue.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.namespace import get_local_namespace
from brian2.equations.equations import Equations
from brian2.units import Quantity, get_dimensions, have_same_dimensions, ms, pA, volt
from brian2.units.fundamentalunits import DIMENSIONLESS
from brian2.utils.stringtools import get_identifiers

from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.equations.evaluate import line_of
from neurosim.equations.steady_state import UNITS, steady_state
from neurosim.errors import ParameterError, UnitError, UnknownNameError, suggest
from neurosim.quantities import quantity, unit_name

__all__ = ["from_brian2"]

_RESTING = ("E_L", "EL", "El", "e_l", "E_leak", "V_rest", "v_rest", "Vrest", "V_r", "E_rest")
_OWN = {"t", "dt", "t_in_timesteps", "i", "N", "lastspike", "not_refractory", "I_stim"}


def from_brian2(
    model: Any,
    *,
    threshold: str | None = None,
    reset: str | None = None,
    refractory: str | Quantity | None = None,
    method: str | None = None,
    dt: Quantity | None = None,
    parameters: Mapping[str, Any] | None = None,
    current: str | None = None,
    current_scale: Quantity | float | None = None,
    voltage: str | None = None,
    start: Quantity | None = None,
    name: str = "CustomNeuron",
    level: int | None = 0,
) -> PointNeuron | Neuron:
    """Make a neuron of equations in Brian2's language, of a NeuronGroup or of a SpatialNeuron.

    Parameters
    ----------
    model : str, Equations, NeuronGroup or SpatialNeuron
        The model. Of a group the equations, threshold, reset, refractory, method, time step,
        constants and the present values of its parameters are taken; it is not changed. Of a
        SpatialNeuron see `neurosim.custom.spatial_neuron.from_spatial_neuron`.
    threshold, reset : str, optional
        When a spike is detected, and what happens then (needed with equations).
    refractory : str or Quantity, optional
        How long detection is held off.
    method : str, optional
        State updater; exponential Euler where every equation is linear in its own variable, else
        Runge-Kutta of fourth order.
    dt : Quantity, optional
        Time step of runs (default: the group's, or 0.1 ms).
    parameters : mapping of str to Quantity, optional
        Values of the names the equations use; those left out are looked up in the group and among
        the caller's variables, as Brian2 does.
    current : str, optional
        The equations' name of the injected current (default: ``I_stim``, else the only parameter
        that is a current).
    current_scale : Quantity, optional
        Where the model's current is not in ampere (a density, a voltage, a plain number): how much
        of it one ampere makes, such as ``1/area``, ``R`` or ``1/(10*pA)``.
    voltage : str, optional
        The equations' name of the membrane potential (default: ``v``, ``V``, ``vm`` or ``V_m``).
    start : Quantity, optional
        Potential at the start of a run (default: the group's present value, else the parameter
        called ``E_L``, ``EL``, ``V_rest`` or the like).
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
        Something is missing or cannot be run reproducibly; the message names the argument to give.
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
            "current_scale": current_scale, "voltage": voltage,
        }  # fmt: skip
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
    group = None if isinstance(model, (str, Equations)) else model
    given = dict(parameters or {})
    around = {} if level is None else dict(get_local_namespace(level + 1))
    if group is not None:
        equations, found = _of_group(group)
        threshold = threshold if threshold is not None else found["threshold"]
        reset = reset if reset is not None else found["reset"]
        refractory = refractory if refractory is not None else found["refractory"]
        method = method or found["method"]
        dt = dt if dt is not None else found["dt"]
        surroundings = {**around, **found["values"]}
    else:
        equations = model if isinstance(model, Equations) else _parse(model, name)
        surroundings = around
    if not threshold:
        raise ParameterError(
            f"{name}: say when it spikes, such as threshold='v > -55*mV' (and reset='v = -70*mV')"
        )
    v = _voltage(equations, voltage, name)
    drive = _current(equations, current, name)
    renamed = {v: "v", drive: "I_stim"}
    if have_same_dimensions(_dimension(equations, drive), pA.dim):
        spelled = {v: "v", drive: "I_stim"}
    else:
        if current_scale is None:
            raise UnitError(
                f"{name}: the current {drive!r} is not in ampere but in "
                f"{_unit(_dimension(equations, drive))}; give current_scale, how much of it one "
                "ampere makes, such as 1/area, R, or 1/(10*pA) for a plain number"
            )
        _check_scale(current_scale, _dimension(equations, drive), drive, name)
        given["current_scale"] = current_scale
        spelled = {v: "v", drive: "(I_stim*current_scale)"}
    if refractory is None or refractory is False:
        refractory = "False"
    elif not isinstance(refractory, str):
        refractory = f"{float(np.asarray(refractory))!r}*second"
    text, used = _write(equations, drive, spelled, name)
    codes = {"threshold": threshold, "reset": reset or "", "refractory": refractory}
    for part, code in codes.items():
        codes[part] = _rename(code, spelled)
        used |= get_identifiers(codes[part])
    values = _values(equations, used, given, surroundings, renamed, name)
    values["v_start"] = _start(start, values, surroundings, v, name)
    if method is None or not isinstance(method, str):
        method = _method(text, values)
    step = 0.1 * ms if dt is None else dt
    return _make(name, text, codes, method, float(step / ms), values)


def _parse(text: str, name: str) -> Equations:
    try:
        return Equations(text)
    except Exception as error:
        # Brian2's own words say which line; its classes are many.
        raise ParameterError(f"{name}: the equations cannot be read: {error}") from None


def _of_group(group: Any) -> tuple[Equations, dict[str, Any]]:
    """Equations of a group, and everything else it knows."""
    if not hasattr(group, "user_equations") or not hasattr(group, "events"):
        raise ParameterError(
            f"a neuron can be made of equations (a string) or a NeuronGroup; got {group!r}"
        )
    equations: Equations = group.user_equations
    values: dict[str, Any] = dict(group.namespace or {})
    for name in (*equations.parameter_names, *equations.diff_eq_names):
        array = np.atleast_1d(np.asarray(group.variables[name].get_value()))
        dim = equations[name].dim
        if name in equations.parameter_names and np.ptp(array.astype(float)) > 0:
            raise ParameterError(
                f"the group's {name} differs from neuron to neuron; make the neuron of one of "
                f"them (a group of one), or give parameters={{{name!r}: ...}}"
            )
        values[name] = Quantity(float(array[0]), dim=dim)
    refractory = getattr(group, "_refractory", False)
    choice = getattr(group, "method_choice", None)
    return equations, {
        "threshold": group.events.get("spike"),
        "reset": group.event_codes.get("spike"),
        "refractory": refractory,
        "method": choice if isinstance(choice, str) else None,
        "dt": group.clock.dt,
        "values": values,
    }


def _voltage(equations: Equations, voltage: str | None, name: str) -> str:
    states = set(equations.diff_eq_names)
    if voltage is None:
        voltage = next((n for n in ("v", "V", "vm", "Vm", "V_m", "v_m") if n in states), None)
        if voltage is None:
            raise ParameterError(
                f"{name}: which of {', '.join(sorted(states))} is the membrane potential? "
                "give voltage='...'"
            )
    if voltage not in states:
        raise UnknownNameError(
            f"{name}: no differential equation gives {voltage!r}: {suggest(voltage, states)}"
        )
    if not have_same_dimensions(equations[voltage].dim, volt.dim):
        raise UnitError(
            f"{name}: the membrane potential {voltage!r} is in {_unit(equations[voltage].dim)}; "
            "write the model in volt, as Brian2's own examples do (v in volt, constants such as "
            "0.04/ms/mV)"
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
        raise ParameterError(
            f"{name}: which name is the injected current? give current='...'"
            + (
                f" (currents among its parameters: {', '.join(named)})"
                if named
                else f" (names it uses: {', '.join(sorted(mentioned - set(DEFAULT_FUNCTIONS)))})"
            )
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
    return current


def _dimension(equations: Equations, drive: str) -> Any:
    return equations[drive].dim if drive in equations else pA.dim


def _unit(dim: Any) -> str:
    return "plain numbers" if dim is DIMENSIONLESS else _spelled(dim)


def _spelled(dim: Any) -> str:
    return unit_name(Quantity(1, dim=dim))


def _check_scale(scale: Any, dim: Any, drive: str, name: str) -> None:
    if not have_same_dimensions(get_dimensions(scale * pA), dim):
        raise UnitError(
            f"{name}: current_scale = {scale} times an ampere gives "
            f"{_unit(get_dimensions(scale * pA))}, but {drive!r} is in {_unit(dim)}"
        )


def _rename(code: str, spelled: Mapping[str, str]) -> str:
    for old, new in spelled.items():
        code = re.sub(rf"(?<![\w.]){re.escape(old)}(?!\w)", new, code)
    return code


def _write(
    equations: Equations, drive: str, spelled: Mapping[str, str], name: str
) -> tuple[str, set[str]]:
    """The equations with our names, without the lines of parameters; and the names they use."""
    lines, used = [], set()
    for equation in equations.values():
        if equation.type == "parameter":
            if equation.varname != drive and equation.var_type != "float":
                raise ParameterError(
                    f"{name}: parameter {equation.varname!r} is not a float; write it as a number"
                )
            if equation.varname != drive:
                used.add(equation.varname)
            continue
        code = equation.expr.code
        if equation.varname == drive:
            continue
        if "xi" in {word.split("_")[0] for word in get_identifiers(code)}:
            raise ParameterError(
                f"{name}: {equation.varname!r} draws its own noise (xi), which no seed of a run "
                "reaches; leave it out and inject noise instead, such as "
                "stimulus=Constant(100*pA) + WhiteNoise(...)"
            )
        used |= get_identifiers(code)
        flags = f" ({', '.join(equation.flags)})" if equation.flags else ""
        lines.append(line_of(equation, partial(_rename, spelled=spelled)) + flags)
    return "\n".join(lines), used


def _values(
    equations: Equations,
    used: set[str],
    given: Mapping[str, Any],
    surroundings: Mapping[str, Any],
    renamed: Mapping[str, str],
    name: str,
) -> dict[str, Quantity]:
    """A value for every name that is neither a variable of the model nor Brian2's own."""
    variables = {e.varname for e in equations.values() if e.type != "parameter"}
    wanted = used - variables - set(renamed) - set(renamed.values()) - _OWN
    for stranger in sorted(set(given) - wanted - {"current_scale"}):
        raise UnknownNameError(
            f"{name}: the model does not use {stranger!r}: {suggest(stranger, wanted)}"
        )
    values: dict[str, Quantity] = {}
    for word in sorted(wanted | ({"current_scale"} & set(given))):
        if word in given:
            value = given[word]
        elif word in DEFAULT_FUNCTIONS or (word in UNITS and word not in equations):
            if word in DEFAULT_FUNCTIONS and word in ("rand", "randn", "poisson", "binomial"):
                raise ParameterError(
                    f"{name}: {word}() draws numbers no seed of a run reaches; inject noise instead"
                )
            continue
        elif word in surroundings:
            value = surroundings[word]
        else:
            raise ParameterError(
                f"{name}: no value for {word!r}; give parameters={{{word!r}: ...}}"
            )
        if callable(value) and not isinstance(value, Quantity):
            raise ParameterError(
                f"{name}: {word!r} is a function of yours, which a compiled run cannot call; "
                "write it into the equations"
            )
        number = np.asarray(value, dtype=float)
        if number.size != 1:
            raise ParameterError(f"{name}: {word} must be one value; got shape {number.shape}")
        held = Quantity(float(number.reshape(-1)[0]), dim=get_dimensions(value))
        if word in equations and not have_same_dimensions(held.dim, equations[word].dim):
            raise UnitError(f"{name}: {word} = {value} should be in {_unit(equations[word].dim)}")
        values[word] = held
    return values


def _start(
    start: Quantity | None,
    values: Mapping[str, Quantity],
    surroundings: Mapping[str, Any],
    voltage: str,
    name: str,
) -> Quantity:
    found = start
    if found is None and isinstance(surroundings.get(voltage), Quantity):
        found = surroundings[voltage]
        # An untouched group holds 0 V, which no one means by a resting potential.
        if np.size(found) != 1 or float(found) == 0.0:
            found = None
    if found is None:
        found = next((values[word] for word in _RESTING if word in values), None)
    if found is None:
        raise ParameterError(f"{name}: where does it start? give start=-70*mV (its resting value)")
    if not have_same_dimensions(found, volt):
        raise UnitError(f"{name}: start = {found} must be in volt")
    return Quantity(float(np.asarray(found)), dim=volt.dim)


def _method(text: str, values: Mapping[str, Quantity]) -> str:
    """Exponential Euler where it applies, else Runge-Kutta."""
    from brian2.stateupdaters.exponential_euler import get_conditionally_linear_system

    lines = [f"{name} : {_spelled(value.dim)}" for name, value in values.items()]
    equations = Equations("\n".join([text, *lines, "I_stim : amp"]))
    try:
        get_conditionally_linear_system(equations)
    except ValueError:
        return "rk4"
    return "exponential_euler"


def _make(
    name: str,
    text: str,
    codes: Mapping[str, str],
    method: str,
    dt_ms: float,
    values: Mapping[str, Quantity],
) -> PointNeuron:
    """A class with a field a parameter, and its only value."""
    fields = [
        (word, Quantity, quantity(value, "as given" if word != "v_start" else "v at the start"))
        for word, value in values.items()
    ]
    kind = dataclasses.make_dataclass(
        name,
        fields,
        bases=(PointNeuron,),
        namespace={
            "equations": text,
            **codes,
            "method": method,
            "default_dt_ms": dt_ms,
            "start": "v_start",
            "__doc__": f"A neuron of own equations:\n\n{text}",
            "_key": _key,
        },
        frozen=True,
        eq=False,
        repr=False,
    )
    neuron: PointNeuron = kind()
    states = {word: np.full(1, float(np.asarray(value))) for word, value in values.items()}
    lines = [f"{word} : {_spelled(value.dim)} (constant)" for word, value in values.items()]
    try:
        steady_state(Equations("\n".join([text, *lines, "I_stim : amp"])), states, start="v_start")
    except KeyError as error:
        raise ParameterError(
            f"{name}: the steady state from which runs start cannot be found, because the "
            f"equations use {error}; write it with exp, log, sqrt, tanh, clip, abs or exprel"
        ) from None
    except Exception as error:
        raise ParameterError(f"{name}: the model is not consistent: {error}") from None
    return neuron


def _key(self: Any) -> tuple[Any, ...]:
    """What makes two of them equal: name, model and numbers."""
    return (type(self).__name__, str(self.to_dict()))
