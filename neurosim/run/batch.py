"""What a batch varies of a neuron with extent: names, values and whether they go together."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions

from neurosim.channels.base import Channel
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable, Painted, Placed, Spines
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.quantities import Description, check_quantity
from neurosim.stimuli import FrozenNoise, Steps, Stimulus

__all__ = ["batch_places", "resolve_batch"]


def batch_places(neuron: Neuron) -> dict[str, tuple[Quantity, dict[str, Any]]]:
    """Return what a batch can vary: full name, default value and the rule of its range.

    Full names are ``<label>.<parameter>``, for a stimulus ``<label>.<component>.<parameter>``.
    """
    found: dict[str, tuple[Quantity, dict[str, Any]]] = {}
    capacitance = dict(neuron.cable.quantity_fields()["C_m"].metadata)
    found["everywhere.C_m"] = (neuron.cable.C_m, capacitance)
    entries: list[Painted | Placed] = [*neuron.painted, *neuron.placed]
    for entry in entries:
        part = entry.part
        if isinstance(part, Cable):
            # Cells of a batch share the tree, so that the axial resistivity cannot differ.
            found[f"{entry.label}.C_m"] = (part.C_m, capacitance)
            continue
        if isinstance(part, Spines):
            continue
        if isinstance(part, Stimulus):
            for inner, component in part.components().items():
                for name, value in component.values().items():
                    rule = dict(component.quantity_fields()[name.split("[")[0]].metadata)
                    found[f"{entry.label}.{inner}.{name}"] = (value, rule)
            continue
        fields = part.quantity_fields()
        for name in part.parameters():
            found[f"{entry.label}.{name}"] = (getattr(part, name), dict(fields[name].metadata))
    return found


def resolve_batch(neuron: Neuron, batch: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the batch by full names, in SI units.

    A name may leave out parts of the full one as long as it stays unique: ``current`` for
    ``stimulus.constant.current``.
    """
    if not isinstance(batch, Mapping):
        raise ParameterError(
            f"batch must say by name what varies, such as {{'current': [0.1, 0.2] * nA}}; got "
            f"{batch!r}"
        )
    places = batch_places(neuron)
    values: dict[str, np.ndarray] = {}
    for name, given in batch.items():
        if not isinstance(name, str):
            raise ParameterError(f"batch: names are text such as 'current'; got {name!r}")
        wanted = name.split(".")
        found = [full for full in places if _matches(wanted, full.split("."))]
        exact = [full for full in found if full == name]
        found = exact or found
        if len(found) > 1:
            raise UnknownNameError(
                f"batch: {name!r} could be any of {', '.join(found)}; write which one"
            )
        if not found:
            raise UnknownNameError(
                f"batch: neither the neuron nor the stimulus has a parameter {name!r}: "
                f"{suggest(name, places)}"
            )
        if found[0] in values:
            raise ParameterError(f"batch: {name!r} is {found[0]}, which is given already")
        default, rule = places[found[0]]
        checked = check_quantity(
            given,
            default,
            f"batch: {name}",
            above=rule["above"],
            at_least=rule["at_least"],
            many=1,
        )
        values[found[0]] = np.asarray(checked, dtype=float)
    _check_together(neuron, values)
    return values


def _check_together(neuron: Neuron, values: Mapping[str, np.ndarray]) -> None:
    """Check for every cell what no single value can tell, as a description does when it is made."""
    entries: list[Painted | Placed] = [*neuron.painted, *neuron.placed]
    for entry in entries:
        parts = {entry.label: entry.part}
        if isinstance(entry.part, Stimulus):
            parts = {f"{entry.label}.{k}": part for k, part in entry.part.components().items()}
        for label, part in parts.items():
            fields = {
                name: np.atleast_1d(value)
                for full, value in values.items()
                for head, _, name in [full.rpartition(".")]
                if head == label
            }
            if isinstance(part, FrozenNoise):
                part.check_channels(fields.get("channel", np.zeros(0)))
            elif fields and type(part).check not in (Description.check, Channel.check, Steps.check):
                _check_rows(label, part, fields)


def _check_rows(label: str, part: Any, fields: Mapping[str, np.ndarray]) -> None:
    rows = np.stack(np.broadcast_arrays(*fields.values()), axis=1)
    kinds, first = np.unique(rows, axis=0, return_index=True)
    for kind, cell in zip(kinds, first, strict=True):
        changed = {
            name: Quantity(float(value), dim=get_dimensions(getattr(part, name)))
            for name, value in zip(fields, kind, strict=True)
        }
        try:
            dataclasses.replace(part, **changed)
        except ParameterError as error:
            raise ParameterError(f"batch: {label} of cell {cell}: {error}") from None


def _matches(wanted: list[str], full: list[str]) -> bool:
    rest = iter(full)
    return wanted[-1] == full[-1] and all(part in rest for part in wanted)
