"""The spike detector that the threshold and refractory condition of a SpatialNeuron mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from brian2.units import (
    DimensionMismatchError,
    Quantity,
    get_dimensions,
    have_same_dimensions,
    second,
    volt,
)
from brian2.utils.stringtools import get_identifiers

from neurosim.describe.neuron import Neuron
from neurosim.equations.evaluate import evaluate, known_words
from neurosim.errors import NeurosimError, ParameterError
from neurosim.morphology import at

__all__ = ["add_detector", "value_of"]

# Gives the value of a name in a compartment; None for a name that has none.
_Names = Callable[[str, int], Quantity | None]


def value_of(
    group: Any,
    values: Mapping[str, Quantity],
    around: Mapping[str, Any],
    given: Mapping[str, Any],
    word: str,
    place: int,
) -> Quantity | None:
    """Return the value of a parameter or constant in a compartment; None if there is none."""
    if word in values:
        found: Any = values[word]
    elif word in given:
        found = given[word]
    elif word in group.variables and word in group.user_equations.parameter_names:
        variable = group.variables[word]
        found = Quantity(np.array(variable.get_value(), dtype=float), dim=variable.dim)
    else:
        found = around.get(word)
    try:
        number = np.asarray(found, dtype=float).reshape(-1)
        dim = get_dimensions(found)
    except (TypeError, ValueError):
        return None
    if number.size not in (1, len(group)):
        return None
    return Quantity(float(number[place if number.size > 1 else 0]), dim=dim)


def add_detector(
    neuron: Neuron,
    group: Any,
    threshold: str | None,
    refractory: Quantity | None,
    names: _Names,
) -> Neuron:
    """Return the neuron with the detector that a threshold condition means."""
    own = group.events.get("spike")
    said = threshold if threshold is not None else own
    if said is None:
        return neuron
    code, place = _located(said)
    if place is None and own is not None:
        place = _located(own)[1]
    level = _level(code, names, place or 0)
    if level is None:
        raise ParameterError(
            f"{group.name}: the threshold {said!r} is no crossing of a potential; give "
            "threshold='v > -20*mV'"
        )
    if place is None and threshold is None and len(group) > 1:
        raise ParameterError(
            f"{group.name}: it has no threshold_location, so Brian2 detects spikes in each of its "
            f"{len(group)} compartments; say in which one they count, such as "
            f"threshold='({code.strip()}) and (i == 0)', or threshold_location=0 where the group "
            "is made"
        )
    if place is not None and not place < len(group):
        raise ParameterError(
            f"{group.name}: the threshold names compartment {place}; the last one is "
            f"{len(group) - 1}"
        )
    silent = refractory
    if silent is None:
        silent = _silent(group, level, threshold is not None, names, place or 0)
    try:
        return neuron.detect(
            at(*neuron.compartments.middle(place or 0)), level, refractory=silent, label="spike"
        )
    except NeurosimError as error:
        raise type(error)(f"{group.name}: {error}") from None


def _located(said: str) -> tuple[str, int | None]:
    """Return a condition without the compartment that Brian2 writes into it, and that one."""
    where = re.fullmatch(r"\((?P<code>.*)\) and \(i == (?P<i>\d+)\)", said.strip(), re.DOTALL)
    return (where["code"], int(where["i"])) if where else (said, None)


def _level(code: str, names: _Names, place: int) -> Any:
    """Return the potential a condition says v must exceed; None where it says something else."""
    crossing = re.fullmatch(r"\(*\s*v\s*>=?\s*(?P<level>[^<>=&|]+?)\s*\)*", code.strip())
    level = _number(crossing["level"], names, place) if crossing else None
    if level is None or not have_same_dimensions(level, volt):
        return None
    return Quantity(float(np.asarray(level)), dim=volt.dim)


def _number(code: str, names: _Names, place: int) -> Any:
    """Return the value of an expression in a compartment; None where it has no single one."""
    known = {w: names(w, place) for w in get_identifiers(code) - known_words()}
    try:
        found = evaluate("", code, {w: v for w, v in known.items() if v is not None})
    except (KeyError, NameError, SyntaxError, TypeError, DimensionMismatchError):
        return None
    return found if np.size(found) == 1 and np.asarray(found).dtype.kind in "fiu" else None


def _silent(
    group: Any,
    level: Quantity,
    given: bool,
    names: _Names,
    place: int,
) -> Quantity:
    """Return the group's refractory period.

    A condition serves where it says no more than that a spike is one crossing.
    """
    held = getattr(group, "_refractory", False)
    if held is False:
        if given:
            return 0 * second
        raise ParameterError(
            f"{group.name}: it has no refractory period, so Brian2 counts a spike at each step "
            "above the threshold; give refractory=0*ms to count upward crossings"
        )
    if isinstance(held, Quantity):
        return Quantity(float(np.asarray(held)), dim=second.dim)
    code = str(held)
    period = _number(code, names, place)
    if period is not None and have_same_dimensions(period, second):
        return Quantity(float(np.asarray(period)), dim=second.dim)
    until = _level(code, names, place)
    if not given and until is not None and abs(float(until - level)) < 1e-12:
        return 0 * second
    raise ParameterError(
        f"{group.name}: the refractory condition {code!r} is not carried over; give "
        "refractory=2*ms, a duration, or refractory=0*ms to count every upward crossing"
    )
