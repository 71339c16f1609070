"""What a painted part is from compartment to compartment: factors and values over a region."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions

from neurosim.channels.base import Mechanism
from neurosim.describe.parts import Cable, Painted, Part, Spines
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.morphology import Compartments
from neurosim.quantities import check_field

__all__ = ["PLACES", "as_pairs", "check_profiles", "factors", "profiles", "read_places"]

# What a function over the cell may be a function of, in µm.
PLACES: dict[str, Callable[[Compartments], np.ndarray]] = {
    "distance": lambda cut: cut.distance_m,
    "x": lambda cut: cut.xyz_m[:, 0],
    "y": lambda cut: cut.xyz_m[:, 1],
    "z": lambda cut: cut.xyz_m[:, 2],
    "diameter": lambda cut: cut.diameter_m,
}


def read_places(of: str | Sequence[str]) -> tuple[str, ...]:
    """Return of what functions over the cell are functions.

    Raises
    ------
    UnknownNameError
        A name is none of `PLACES`.
    """
    names = (of,) if isinstance(of, str) else tuple(of)
    for name in names or ("",):
        if name not in PLACES:
            raise UnknownNameError(f"paint: of {name!r}: {suggest(str(name), PLACES)}")
    return names


def check_profiles(painted: Painted, cut: Compartments) -> None:
    """Refuse what no compartment could have; `factors` and `profiles` say why."""
    factors(painted, cut)
    profiles(painted, cut)


def factors(painted: Painted, cut: Compartments) -> np.ndarray | None:
    """Return what the conductance is multiplied by in each compartment of the region.

    Returns
    -------
    ndarray, shape (compartments of the region,), or None
        None where nothing is scaled.

    Raises
    ------
    ParameterError
        The part has no conductance, or the scale does not give a number for every compartment.
    """
    if painted.scale is None:
        return None
    name = f"{painted.label}: scale"
    if not painted.strength:
        raise ParameterError(
            f"paint: scale multiplies the conductance g or permeability P of a channel, and "
            f"{painted.label!r} has neither; give its values by compartment, "
            "values={'name': ...}"
        )
    single = isinstance(painted.scale, str | int | float | np.generic)
    if single or (isinstance(painted.scale, np.ndarray) and painted.scale.ndim == 0):
        raise ParameterError(
            f"paint: scale must be a function of the distance in um, such as lambda x: 1 + x / "
            f"100, or a number a compartment; got {painted.scale!r}"
        )
    given = _spread(painted.scale, painted, cut, name)
    if not get_dimensions(given).is_dimensionless:
        raise ParameterError(f"{name} is a factor without a unit; got {given[:1]}")
    numbers = np.asarray(given, dtype=float)
    if np.any(~np.isfinite(numbers)) or np.any(numbers < 0):
        raise ParameterError(f"{name} must be finite numbers that are not negative")
    return numbers


def profiles(painted: Painted, cut: Compartments) -> dict[str, np.ndarray]:
    """Return the parameters whose values differ over the region, in SI units.

    Returns
    -------
    dict of str to ndarray, each of shape (compartments of the region,)

    Raises
    ------
    UnknownNameError
        The part has no such parameter.
    ParameterError
        A value is out of range, or there is none for some compartment.
    """
    found: dict[str, np.ndarray] = {}
    known = _fields(painted.part)
    for field, given in painted.values:
        if field not in known:
            raise UnknownNameError(
                f"paint: {painted.label!r} has no parameter {field!r} that differs over a cell: "
                f"{suggest(field, known)}"
            )
        name = f"{painted.label}: {field}"
        rule = painted.part.quantity_fields()[field]
        values = check_field(_spread(given, painted, cut, name), rule, name, many=1)
        found[field] = np.asarray(values, dtype=float)
    return found


def _fields(part: Part) -> list[str]:
    if isinstance(part, Mechanism):
        return list(part.parameters())
    return ["C_m", "R_a"] if isinstance(part, Cable) else ["factor"] * isinstance(part, Spines)


def _spread(given: Any, painted: Painted, cut: Compartments, name: str) -> Any:
    """Return a value for each compartment of the region, from a function, an array or a number."""
    mask = painted.region.mask(cut)
    count = int(mask.sum())
    if callable(given):
        places = [np.array(PLACES[place](cut)[mask]) * 1e6 for place in painted.of]
        said = " and ".join(painted.of)
        try:
            found = given(*places)
            values = _numbers(found)
        except Exception as error:
            raise ParameterError(
                f"{name} is called with {said} in um, an array of {count} numbers each, and must "
                f"return a number for each of them (np.where in place of if); it said: "
                f"{type(error).__name__}: {error}"
            ) from error
        if np.shape(values) not in ((), (count,)):
            raise ParameterError(
                f"{name} must return a number for each of the {count} compartments; got shape "
                f"{np.shape(values)}"
            )
    else:
        try:
            values = _numbers(given)
        except (TypeError, ValueError):
            raise ParameterError(
                f"{name} must be a function of the place, an array or a number; got {given!r}"
            ) from None
        if np.shape(values) == (len(cut),):
            values = values[mask]
        if np.shape(values) not in ((), (count,)):
            raise ParameterError(
                f"{name} must be a number for each of the {count} compartments of the region, or "
                f"of all {len(cut)} of the neuron; got shape {np.shape(values)}"
            )
    return Quantity(np.broadcast_to(values, count), dim=get_dimensions(values))


def _numbers(given: Any) -> Quantity:
    # A list of quantities keeps its unit.
    whole = given if isinstance(given, np.ndarray) else Quantity(given)
    if np.iscomplexobj(whole):
        raise TypeError("the numbers are complex")
    return Quantity(np.asarray(whole, dtype=float), dim=get_dimensions(whole))


def as_pairs(values: Mapping[str, Any] | None) -> tuple[tuple[str, Any], ...]:
    """Return the parameters given by compartment, as a frozen value.

    Raises
    ------
    ParameterError
        They are not given by name.
    """
    if values is None:
        return ()
    if not isinstance(values, Mapping):
        raise ParameterError(
            "paint: values must say parameters by name, such as {'E': lambda x: (-70 + x/100) * "
            f"mV}}; got {values!r}"
        )
    return tuple((str(name), given) for name, given in values.items())
