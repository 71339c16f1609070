"""A run of point neurons: from a description and a batch to a Recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.equations.equations import Equations
from brian2.units import Quantity

from neurosim.describe.point_neuron import PointNeuron
from neurosim.describe.wiring import FeedForward
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.quantities import check_quantity
from neurosim.randomness import row_keys
from neurosim.stimuli import Stimulus

if TYPE_CHECKING:
    pass

__all__ = []


def _batch_values(
    neuron: PointNeuron, stimulus: Stimulus, batch: Mapping[str, Any], units: int
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Return every parameter by variable in SI units, and the batch size each name asks for."""
    places: dict[str, tuple[str, Quantity, dict[str, Any]]] = {}
    short: dict[str, list[str]] = {}
    for name, field in neuron.quantity_fields().items():
        places[name] = (name, getattr(neuron, name), dict(field.metadata))
        short[name] = [name]
    for part_name, part in stimulus.components().items():
        for name, value in part.values().items():
            rule = dict(part.quantity_fields()[name.split("[")[0]].metadata)
            variable = f"{part_name}_{name.replace('[', '_').replace(']', '')}"
            places[f"{part_name}.{name}"] = (variable, value, rule)
            short.setdefault(name, []).append(f"{part_name}.{name}")
    values = {variable: np.asarray(value, dtype=float) for variable, value, _ in places.values()}
    sizes: dict[str, int] = {}
    for name, given in batch.items():
        full = name if name in places else None
        if full is None:
            found = short.get(name, [])
            if len(found) > 1:
                raise UnknownNameError(
                    f"batch: {name!r} could be any of {', '.join(found)}; write which one"
                )
            if not found:
                known = {*places, *(n for n, full_names in short.items() if len(full_names) == 1)}
                raise UnknownNameError(
                    f"batch: neither the neuron nor the stimulus has a parameter {name!r}: "
                    f"{suggest(name, known)}"
                )
            full = found[0]
        variable, default, rule = places[full]
        value = check_quantity(
            given,
            default,
            f"batch: {name}",
            above=rule["above"],
            at_least=rule["at_least"],
            many=2,
        )
        numbers = np.asarray(value, dtype=float)
        if numbers.ndim == 2 and numbers.shape[1] != units:
            raise ParameterError(
                f"batch: {name} has the shape {numbers.shape}; an array of two dimensions needs "
                f"one column a unit of the wiring, here {units}"
            )
        values[variable] = numbers
        if numbers.ndim:
            sizes[name] = len(numbers)
    return values, sizes


def _batch_size(sizes: dict[str, int], seeds: np.ndarray) -> int:
    if seeds.ndim:
        sizes = sizes | {"seed": len(seeds)}
    lengths = {name: size for name, size in sizes.items() if size != 1}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{size} for {name}" for name, size in lengths.items())
        raise ParameterError(f"batch: all arrays must have one length; got {said}")
    return next(iter(lengths.values()), 1)


def _spread(value: np.ndarray, networks: int, units: int) -> np.ndarray:
    """Return one number a row from a number, an array a network, or an array a unit."""
    if value.ndim == 1:
        value = value[:, np.newaxis]
    return np.broadcast_to(value, (networks, units)).ravel().copy()


def _more_states(
    integers: tuple[str, ...],
    stimulus: Stimulus,
    wiring: FeedForward | None,
    wired: bool,
    networks: int,
    row_seeds: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return what no user sets: random keys, waveform numbers and the layout of the networks."""
    states: dict[str, np.ndarray] = {}
    rows = len(row_seeds)
    units = rows // networks
    if stimulus.noisy:
        states["key_low"], states["key_high"] = row_keys(
            row_seeds, np.tile(np.arange(units), networks)
        )
    first_channel = 0
    for name, part in stimulus.components().items():
        channels = len(part.waveforms())
        if channels:
            states[f"{name}_first_channel"] = np.full(rows, first_channel)
            first_channel += channels
    if wired:
        assert wiring is not None
        first, last = wiring.targets()
        states["tau_syn"] = np.full(rows, float(wiring.tau_syn))
        if wiring.conductance:
            states["E_exc"] = np.full(rows, float(wiring.E_exc))
            states["E_inh"] = np.full(rows, float(wiring.E_inh))
        if wiring.delayed:
            states["axon_delay"] = np.tile(np.broadcast_to(wiring.delay, units), networks)
        states["network_start"] = np.repeat(np.arange(networks) * units, units)
        states["first_target"] = np.tile(first, networks)
        states["last_target"] = np.tile(last, networks)
    return states


def _needed(equations: Equations) -> list[str]:
    names = set(equations.parameter_names) | set(equations.diff_eq_names)
    return sorted(names - {"I_stim"})


def _check_record(record: Sequence[str], equations: Equations) -> None:
    if isinstance(record, str):
        raise ParameterError(f"record must be a list such as [{record!r}], not a string")
    known = set(equations.diff_eq_names) | set(equations.subexpr_names) | {"I_stim"}
    for name in record:
        if name not in known:
            raise UnknownNameError(f"record: there is no variable {name!r}: {suggest(name, known)}")


def _recorded(record: Sequence[str], record_rows: Sequence[int] | None, rows: int) -> np.ndarray:
    if not record:
        return np.zeros(0, dtype=int)
    chosen = np.arange(rows) if record_rows is None else np.unique(np.asarray(record_rows, int))
    if len(chosen) == 0 or chosen[0] < 0 or chosen[-1] >= rows:
        raise ParameterError(
            f"record_rows must be rows of the batch, 0 to {rows - 1}; got {record_rows!r}"
        )
    return chosen
