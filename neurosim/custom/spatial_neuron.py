"""A user's `brian2.SpatialNeuron`, made into a neuron that runs alone, in a batch or in a circuit.

The membrane equations stay as they were written. The shape is taken compartment by compartment, so
that areas, axial resistances and the numbers of the compartments are those of the group.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from brian2.core.namespace import get_local_namespace
from brian2.equations.equations import Equations, SingleEquation
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
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable, Painted
from neurosim.equations.evaluate import evaluate, known_words, line_of
from neurosim.errors import NeurosimError, ParameterError, UnitError
from neurosim.morphology import Branch, Morphology, PerBranch, at, everywhere, numbered
from neurosim.quantities import quantity, unit_name
from neurosim.stimuli import Constant

__all__ = ["from_spatial_neuron"]

_TAGS = {"soma": "soma", "axon": "axon", "dend": "basal", "apic": "apical"}
# What Brian2 adds to the equations of a SpatialNeuron.
_ADDED = {
    *("Im", "Ic", "v", "gtot__private", "I0__private", "Cm", "Ri", "length", "distance", "area"),
    *("volume", "diameter", "r_length_1", "r_length_2", "time_constant", "space_constant"),
}
_RESTING = ("E_L", "EL", "El", "E_l", "e_l", "E_leak", "E_rest", "V_rest", "v_rest")
# Stretches of membrane with values of their own; each is painted.
_MOST = 5000


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
    branch a compartment (``dend[3]``).

    Parameters
    ----------
    group : SpatialNeuron
        The neuron.
    threshold : str, optional
        When a spike is detected, such as ``"v > -20*mV"`` (default: the group's).
    refractory : Quantity, optional
        How long after a spike another crossing does not count (default: the group's, where it is a
        duration; crossings are counted, so a condition such as ``"v > -20*mV"`` is not needed).
    parameters : mapping of str to Quantity, optional
        Values of names the equations use that are no parameters of the group; those left out are
        looked up in its namespace and among the caller's variables.
    start : Quantity, optional
        Potential from which a run starts, with all states steady there (default: the group's
        present one, else the parameter called ``E_L``, ``EL`` or the like).
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
    >>> neuron = from_spatial_neuron(cable)
    >>> run = simulate(neuron, 50 * ms, stimulus=Constant(), record=["v"],
    ...                batch={"current": [0.01, 0.02] * nA})
    >>> (run.trace("v")[:, -1] / mV).round(1).tolist()
    [-60.8, -51.7]
    """
    # With what Brian2 has added: point currents in Im, and what it makes of the shape.
    equations: Equations = group.user_equations
    around = {} if level is None else dict(get_local_namespace(level + 1))
    around |= dict(group.namespace or {})
    current, points = _membrane_current(group, equations)
    _refuse(group, equations, points)
    lines, used = _lines(equations, current, points)
    values = _values(group, equations, used, around, dict(parameters or {}))
    rest = _start(group, values, start)
    morphology, rule = _shape(group.morphology)
    neuron = Neuron(
        morphology,
        rule,
        cable=Cable(C_m=_field(group, "Cm", 0), R_a=_field(group, "Ri", 0)),
        celsius=Channel.temperature_ref,
        rest=rest,
    )
    if len(neuron.compartments) != len(group):
        raise ParameterError(
            f"{group.name}: its shape was cut into {len(neuron.compartments)} compartments, not "
            f"{len(group)}; please report this morphology"
        )
    capacitance = np.asarray(group.Cm[:], dtype=float)
    channel = _channel(name, lines, current, values)
    painted: list[Painted] = []
    for number, (where, one) in enumerate(_stretches(capacitance, values)):
        region = everywhere if len(where) == len(group) else numbered(where)
        label = f"{name}_{number}" if number else name
        if np.ptp(capacitance):
            cable = Cable(C_m=capacitance[where[0]] * farad / meter**2, R_a=_field(group, "Ri", 0))
            painted.append(Painted(cable, region, f"cable_{number}"))
        painted.append(Painted(channel(name=name, **one), region, label))
    # The stretches cannot overlap, which `paint` would look for pair by pair.
    neuron = neuron.replace(painted=tuple(painted))
    neuron = _electrodes(neuron, group, points)
    return _detector(neuron, group, threshold, refractory, values)


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


def _start(group: Any, values: Mapping[str, Quantity], start: Quantity | None) -> Quantity:
    found: Any = start
    if found is None:
        now = np.asarray(group.v[:], dtype=float)
        # An untouched group holds 0 V, which no one means by a resting potential.
        if np.ptp(now) == 0 and now[0] != 0:
            found = now[0] * volt
        elif not np.any(now):
            single = [values[word][0] for word in _RESTING if len(values.get(word, ())) == 1]
            found = single[0] if single else None
    if found is None:
        raise ParameterError(f"{group.name}: where does it start? give start=-70*mV (at rest)")
    if not have_same_dimensions(found, volt):
        raise UnitError(f"{group.name}: start = {found} must be in volt")
    return Quantity(float(np.asarray(found)), dim=volt.dim)


def _field(group: Any, name: str, k: int) -> Quantity:
    unit = farad / meter**2 if name == "Cm" else ohm * meter
    return float(np.atleast_1d(np.asarray(group.variables[name].get_value()))[k]) * unit


# ---- shape --------------------------------------------------------------------------------------
class _Hanging(NamedTuple):
    """A section still to be read: its name, what it hangs on and where, and how it is drawn."""

    section: Any
    name: str
    parent: str | None
    spot: float
    origin: np.ndarray
    angle: float


def _shape(morphology: Any) -> tuple[Morphology, PerBranch]:
    """Return the shape of a Brian2 morphology, and the rule that cuts it where Brian2 does."""
    branches: list[Branch] = []
    counts: dict[str, int] = {}
    first = "soma" if _is_soma(morphology) else "root"
    waiting = [_Hanging(morphology, first, None, 1.0, np.zeros(3), 0.0)]
    while waiting:
        section, name, parent, spot, origin, angle = waiting.pop()
        tag = _TAGS.get(str(section.type), str(section.type or "dendrite"))
        for piece, points, diameters, count in _pieces(section, name, origin, angle):
            branches.append(Branch(piece, tag, points, diameters, parent, spot))
            counts[piece] = count
            parent, spot, origin = piece, 1.0, points[-1]
        # Brian2 gives a spherical soma no axial resistance: what hangs on it hangs on its centre.
        spot = 0.5 if _is_soma(section) else 1.0
        head = "" if section is morphology else f"{name}."
        children = list(section.children)
        # Without coordinates, children are drawn as a fan.
        width = 2 * np.pi * (1 - 1 / len(children)) if _is_soma(section) and children else 1.0
        fan = np.linspace(-width / 2, width / 2, len(children)) if len(children) > 1 else [0.0]
        hanging = [
            _Hanging(
                child, f"{head}{section.children.name(child) or k + 1}", parent, spot, origin,
                angle + float(fan[k]),
            )
            for k, child in enumerate(children)
        ]  # fmt: skip
        waiting += reversed(hanging)
    return Morphology.from_branches(branches), PerBranch(1, counts)


def _is_soma(section: Any) -> bool:
    return type(section).__name__ == "Soma"


def _pieces(
    section: Any, name: str, origin: np.ndarray, angle: float
) -> list[tuple[str, np.ndarray, np.ndarray, int]]:
    """Return name, points, diameters (metre) and number of compartments of each branch."""
    ahead = np.array([np.cos(angle), np.sin(angle), 0.0])
    if _is_soma(section):
        # A cylinder as long as thick has the area of the sphere.
        d = float(np.asarray(section.diameter).reshape(-1)[0])
        centre = origin if section.x is None else _corner(section, "")[0]
        return [(name, centre + np.outer([-d / 2, d / 2], ahead), np.array([d, d]), 1)]
    first, last = (
        np.asarray(getattr(section, f"{end}_diameter"), dtype=float).reshape(-1)
        for end in ("start", "end")
    )
    length = np.asarray(section.length, dtype=float).reshape(-1)
    if section.x is None:
        along = np.concatenate([[0.0], np.cumsum(length)])
        starts, stops = (origin + np.outer(part, ahead) for part in (along[:-1], along[1:]))
    else:
        starts, stops = _corner(section, "start_"), _corner(section, "end_")
    even = np.allclose(length, length[0], rtol=1e-9, atol=0)
    if even and np.array_equal(last[:-1], first[1:]):
        points = np.concatenate([starts[:1], stops])
        return [(name, points, np.append(first[:1], last), section.n)]
    return [
        (f"{name}[{k}]", np.stack([starts[k], stops[k]]), np.array([first[k], last[k]]), 1)
        for k in range(section.n)
    ]


def _corner(section: Any, end: str) -> np.ndarray:
    """Return one end of each compartment (`end` empty: the centre), shape (n, 3), in metre."""
    return np.stack(
        [np.asarray(getattr(section, f"{end}{axis}"), dtype=float).reshape(-1) for axis in "xyz"],
        axis=1,
    )


# ---- membrane -----------------------------------------------------------------------------------
def _channel(name: str, lines: list[str], current: str, values: Mapping[str, Quantity]) -> Any:
    """Return a class of channel with a field a parameter."""
    fields = [
        (word, Quantity, quantity(_first(value), "as given")) for word, value in values.items()
    ]
    text = "\n".join(lines)
    return dataclasses.make_dataclass(
        "SpatialMembrane",
        fields,
        bases=(Channel,),
        namespace={
            "equations": text,
            "current": current,
            "__doc__": f"Membrane of own equations:\n\n{text}\nIm = {current}",
            "described_by": ("equations", "current"),
        },
        frozen=True,
        eq=False,
        repr=False,
    )


def _stretches(
    capacitance: np.ndarray, values: Mapping[str, Quantity]
) -> list[tuple[np.ndarray, dict[str, Quantity]]]:
    """Return compartments that agree in every value, and those values."""
    count = len(capacitance)
    rows = [capacitance, *(np.broadcast_to(np.asarray(v), count) for v in values.values())]
    _, first, kind = np.unique(np.stack(rows), axis=1, return_index=True, return_inverse=True)
    if len(first) > _MOST:
        raise ParameterError(
            f"its values differ between {len(first)} stretches of membrane (most: {_MOST}); "
            "write what depends on the place as a part of its own, painted with scale=..."
        )
    found = []
    for k in np.argsort(first):
        where = np.flatnonzero(kind.ravel() == k)
        one = {
            word: _first(value[where[0] :] if len(value) > 1 else value)
            for word, value in values.items()
        }
        found.append((where, one))
    return found


def _first(value: Quantity) -> Quantity:
    return Quantity(float(np.asarray(value)[0]), dim=get_dimensions(value))


def _electrodes(neuron: Neuron, group: Any, points: list[str]) -> Neuron:
    for name in points:
        amounts = np.broadcast_to(np.asarray(group.variables[name].get_value()), len(group))
        for k in np.flatnonzero(amounts):
            place = at(*neuron.compartments.middle(k))
            current = Constant(Quantity(float(amounts[k]), dim=(1 * volt / ohm).dim))
            neuron = neuron.place(current, place, label=f"{name}_{k}")
    return neuron


def _detector(
    neuron: Neuron,
    group: Any,
    threshold: str | None,
    refractory: Quantity | None,
    values: Mapping[str, Quantity],
) -> Neuron:
    """Return the neuron with the detector that a threshold condition means."""
    said = threshold if threshold is not None else group.events.get("spike")
    if said is None:
        return neuron
    where = re.fullmatch(r"\((?P<code>.*)\) and \(i == (?P<i>\d+)\)", said.strip())
    code = where["code"] if where else said
    crossing = re.fullmatch(r"\(*\s*v\s*>=?\s*(?P<level>[^<>=&|]+?)\s*\)*", code.strip())
    try:
        known = {word: _first(value) for word, value in values.items()}
        level = evaluate("", crossing["level"], known) if crossing else None
    except (KeyError, NameError, SyntaxError, TypeError):
        level = None
    if level is None or np.size(level) != 1 or not have_same_dimensions(level, volt):
        raise ParameterError(
            f"{group.name}: the threshold {said!r} is no crossing of a potential; give "
            "threshold='v > -20*mV'"
        )
    silent = refractory
    if silent is None:
        silent = getattr(group, "_refractory", None)
    if not isinstance(silent, Quantity):
        silent = 0 * (1 * ohm * farad)
    try:
        return neuron.detect(
            at(*neuron.compartments.middle(int(where["i"]) if where else 0)),
            Quantity(float(np.asarray(level)), dim=volt.dim),
            refractory=silent,
            label="spike",
        )
    except NeurosimError as error:
        raise type(error)(f"{group.name}: {error}") from None
