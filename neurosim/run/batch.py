"""What a batch varies: names, values, and whether they go together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions

from neurosim.channels.base import Channel
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable, Painted, Placed, Spines
from neurosim.describe.point_neuron import PointNeuron
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.outside import Extracellular
from neurosim.quantities import Description, check_field
from neurosim.stimuli import FrozenNoise, Steps, Stimulus

__all__ = [
    "batch_places",
    "batch_size",
    "check_together",
    "full_name",
    "point_places",
    "read_batch",
    "resolve_batch",
    "variable_name",
]

#: By full name, the default value of a parameter and the field that says its range.
Places = dict[str, tuple[Quantity, "dataclasses.Field[Any]"]]


def point_places(neuron: PointNeuron, stimulus: Stimulus) -> Places:
    """Return what a batch of point neurons can vary.

    Full names are those of the neuron's parameters, and ``<component>.<parameter>`` of a stimulus.
    """
    own = {name: (getattr(neuron, name), field) for name, field in neuron.quantity_fields().items()}
    return own | _of_stimulus(stimulus, "")


def variable_name(name: str) -> str:
    """Return what equations call a parameter: steps.amplitude[1] is steps_amplitude_1."""
    return name.replace(".", "_").replace("[", "_").replace("]", "")


def batch_places(neuron: Neuron) -> Places:
    """Return what a batch of neurons with extent can vary.

    Full names are ``<label>.<parameter>``, for a stimulus ``<label>.<component>.<parameter>``.
    """
    capacitance = neuron.cable.quantity_fields()["C_m"]
    found: Places = {"everywhere.C_m": (neuron.cable.C_m, capacitance)}
    for entry in _entries(neuron):
        part = entry.part
        if isinstance(part, Cable):
            # Cells of a batch share the tree, so that the axial resistivity cannot differ.
            found[f"{entry.label}.C_m"] = (part.C_m, capacitance)
        elif isinstance(part, Extracellular):
            # Cells share the tree of the layer too, not its wall.
            fields = part.quantity_fields()
            found |= {f"{entry.label}.{n}": (getattr(part, n), fields[n]) for n in ("g", "C")}
        elif isinstance(part, Stimulus):
            found |= _of_stimulus(part, f"{entry.label}.")
        elif not isinstance(part, Spines):
            fields = part.quantity_fields()
            for name in part.parameters():
                found[f"{entry.label}.{name}"] = (getattr(part, name), fields[name])
    return found


def read_batch(
    batch: Mapping[str, Any] | None, places: Places, *, many: int = 1
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Return the batch by full names in SI units, and the length of each array by the name given.

    A name may leave out parts of the full one as long as it stays unique: ``current`` for
    ``stimulus.constant.current``.

    Parameters
    ----------
    batch : mapping of str to Quantity
        What varies.
    places : dict
        What can vary.
    many : int
        How many dimensions an array may have.

    Raises
    ------
    ParameterError
        The batch is no mapping, a name is given twice, or a value is out of range.
    UnknownNameError
        A name is none, or not clear.
    """
    if not isinstance(batch, Mapping | None):
        raise ParameterError(
            f"batch must say by name what varies, such as {{'current': [0.1, 0.2] * nA}}; got "
            f"{batch!r}"
        )
    values: dict[str, np.ndarray] = {}
    sizes: dict[str, int] = {}
    for name, given in (batch or {}).items():
        full = full_name(name, places)
        if full in values:
            raise ParameterError(f"batch: {name!r} is {full}, which is given already")
        default, field = places[full]
        checked = check_field(given, field, f"batch: {name}", like=default, many=many)
        values[full] = np.asarray(checked, dtype=float)
        if values[full].ndim:
            sizes[name] = len(values[full])
    return values, sizes


def batch_size(sizes: Mapping[str, int], seeds: np.ndarray) -> int:
    """Return the one length of all arrays of a batch; arrays of one value stand for all.

    Raises
    ------
    ParameterError
        They differ.
    """
    if seeds.ndim:
        sizes = {**sizes, "seed": len(seeds)}
    lengths = {name: size for name, size in sizes.items() if size != 1}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{size} for {name}" for name, size in lengths.items())
        raise ParameterError(
            "simulate: arrays of a batch, seeds and lists of courses must have one length; got "
            f"{said}"
        )
    return next(iter(lengths.values()), 1)


def resolve_batch(
    neuron: Neuron, batch: Mapping[str, Any] | None
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Return what `read_batch` does for a neuron with extent, checked cell by cell."""
    values, sizes = read_batch(batch, batch_places(neuron))
    _check_together(neuron, values)
    return values, sizes


def check_together(
    neuron: PointNeuron, stimulus: Stimulus, values: Mapping[str, np.ndarray]
) -> None:
    """Check, for every row of a batch of point neurons, what no single value can tell.

    Raises
    ------
    ParameterError
        A row is no neuron or stimulus that could be made by itself.
    """
    own = {name: value for name, value in values.items() if "." not in name}
    if type(neuron).check is not PointNeuron.check:
        if own:
            _check_rows(type(neuron).__name__, neuron, own)
    else:
        _check_order(neuron, own)
    for label, part in stimulus.components().items():
        _check_part(label, part, _of_part(label, values))


def _check_order(neuron: PointNeuron, own: Mapping[str, np.ndarray]) -> None:
    """Check which parameter must lie below which, for all rows at once."""
    for low, high, _ in neuron.ordered:
        if low not in own and high not in own:
            continue
        pair = [own.get(name, np.asarray(getattr(neuron, name))) for name in (low, high)]
        # One value a network, or one a unit of each.
        lower, upper = np.broadcast_arrays(
            *(value[:, np.newaxis] if value.ndim == 1 else np.atleast_2d(value) for value in pair)
        )
        wrong = np.argwhere(lower >= upper)
        if len(wrong):
            at = tuple(wrong[0])
            row = {low: lower[at].reshape(1), high: upper[at].reshape(1)}
            _check_rows(f"{type(neuron).__name__} of row {at[0]}", neuron, row)


def _of_part(label: str, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what varies of one part, by the names of its own fields."""
    found = {}
    for full, value in values.items():
        head, _, name = full.rpartition(".")
        if head == label:
            found[name] = value
    return found


def _check_part(label: str, part: Any, fields: Mapping[str, np.ndarray]) -> None:
    if isinstance(part, FrozenNoise):
        part.check_channels(fields.get("channel", np.zeros(0)))
    elif fields and type(part).check not in (Description.check, Channel.check, Steps.check):
        _check_rows(label, part, fields)


def _entries(neuron: Neuron) -> Iterator[Painted | Placed]:
    yield from neuron.painted
    yield from neuron.placed


def _of_stimulus(stimulus: Stimulus, head: str) -> Places:
    return {
        f"{head}{label}.{name}": (value, part.quantity_fields()[name.split("[")[0]])
        for label, part in stimulus.components().items()
        for name, value in part.values().items()
    }


def full_name(name: Any, places: Mapping[str, Any], what: str = "batch") -> str:
    """Return the full name of a parameter of which parts may be left out.

    Raises
    ------
    ParameterError
        The name is no text.
    UnknownNameError
        There is no such parameter, or several.
    """
    if not isinstance(name, str):
        raise ParameterError(f"{what}: names are text such as 'current'; got {name!r}")
    if name in places:
        return name
    wanted = name.split(".")
    found = [full for full in places if _matches(wanted, full.split("."))]
    if len(found) > 1:
        raise UnknownNameError(
            f"{what}: {name!r} could be any of {', '.join(found)}; write which one"
        )
    if not found:
        raise UnknownNameError(
            f"{what}: neither the neuron nor the stimulus has a parameter {name!r}: "
            f"{suggest(name, places)}"
        )
    return found[0]


def _matches(wanted: list[str], full: list[str]) -> bool:
    rest = iter(full)
    return wanted[-1] == full[-1] and all(part in rest for part in wanted)


def _check_together(neuron: Neuron, values: Mapping[str, np.ndarray]) -> None:
    """Check for every cell what no single value can tell, as a description does when it is made."""
    for entry in _entries(neuron):
        parts = {entry.label: entry.part}
        if isinstance(entry.part, Stimulus):
            parts = {f"{entry.label}.{k}": part for k, part in entry.part.components().items()}
        for label, part in parts.items():
            _check_part(label, part, _of_part(label, values))


def _check_rows(label: str, part: Any, fields: Mapping[str, np.ndarray]) -> None:
    columns = np.broadcast_arrays(
        *(
            value[:, np.newaxis] if value.ndim == 1 else np.atleast_2d(value)
            for value in fields.values()
        )
    )
    cells = np.broadcast_to(np.arange(len(columns[0]))[:, np.newaxis], columns[0].shape).ravel()
    rows = np.stack([column.ravel() for column in columns], axis=1)
    kinds, first = np.unique(rows, axis=0, return_index=True)
    for kind, cell in zip(kinds, first, strict=True):
        changed = _with_values(part, dict(zip(fields, kind.tolist(), strict=True)))
        try:
            dataclasses.replace(part, **changed)
        except ParameterError as error:
            of = "" if len(rows) == 1 else f" of cell {cells[cell]}"
            raise ParameterError(f"batch: {label}{of}: {error}") from None


def _with_values(part: Any, values: Mapping[str, float]) -> dict[str, Quantity]:
    """Return the fields of a part that change; ``levels[1]`` is an item of the field ``levels``."""
    changed: dict[str, np.ndarray] = {}
    for name, value in values.items():
        field, _, number = name.partition("[")
        now = changed.get(field, np.array(getattr(part, field), dtype=float))
        if number:
            now[int(number.rstrip("]"))] = value
        else:
            now = np.full_like(now, value)
        changed[field] = now
    return {
        name: Quantity(value, dim=get_dimensions(getattr(part, name)))
        for name, value in changed.items()
    }
