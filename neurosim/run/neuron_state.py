"""The state of neurons with extent: from the end of a run to the start of the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from brian2.units import Quantity, second, volt

from neurosim.channels.base import Mechanism
from neurosim.describe.neuron import Neuron
from neurosim.engine.cable.compose import Composed, Run
from neurosim.engine.cable.inputs import NEVER, CableResults, KernelInputs
from neurosim.engine.cable.model import Kernel
from neurosim.errors import ParameterError
from neurosim.run.continuing import (
    check_fits,
    check_kind,
    check_names,
    columns,
    powers,
    with_values,
)
from neurosim.run.state import State, digest
from neurosim.stimuli import Stimulus

__all__ = ["begin_at_values", "begin_neuron", "neuron_state"]


def _full_names(neuron: Neuron, kernel: Kernel) -> dict[str, str]:
    """Return by what name a state holds each variable that a kernel keeps."""
    if not kernel.density:
        label = kernel.name.removeprefix("point_")
        return {name: f"{label}.{name}" for name in kernel.kept}
    parts = [p.part.name for p in neuron.painted if isinstance(p.part, Mechanism)]
    found = {}
    for name in kernel.kept:
        owner = max((p for p in parts if name.startswith(f"{p}_")), key=len, default="")
        found[name] = f"{owner}.{name[len(owner) + 1 :]}" if owner else name
    return found


def _is_electrode(neuron: Neuron, kernel: Kernel) -> bool:
    labels = {p.label for p in neuron.placed if isinstance(p.part, Stimulus)}
    return not kernel.density and kernel.name.removeprefix("point_") in labels


def _back(composed: Composed) -> np.ndarray:
    """Return the compartment of the morphology that each number of the engine stands for."""
    back = np.empty_like(composed.numbering)
    back[composed.numbering] = np.arange(len(back))
    return back


def _neuron_fits(neuron: Neuron, composed: Composed) -> dict[str, str]:
    said = {"the shapes or their compartments": neuron.shape_digest()}
    for label, (number, _) in composed.receptors.items():
        nodes = np.asarray(composed.inputs.kernels[number].nodes)
        said[f"the sites of {label!r}"] = digest(_back(composed)[nodes])
    return said


def neuron_state(neuron: Neuron, run: Run, composed: Composed, results: CableResults) -> State:
    """Return the state at the end of a run of neurons with extent."""
    count, back = len(composed.numbering), _back(composed)
    arrays = {"v": results.final[composed.numbering]}
    dimensions = {"v": powers(volt.dim)}
    loose = []
    for kernel, given, kept in zip(
        composed.model.kernels, composed.inputs.kernels, results.kept, strict=True
    ):
        # By compartment of the morphology, whatever else is painted.
        where = back[given.nodes] if kernel.density else None
        for name, full in _full_names(neuron, kernel).items():
            dimensions[full] = powers(kernel.parsed[name].dim)
            if where is None:
                arrays[full] = kept[name]
                loose += [full] * _is_electrode(neuron, kernel)
                continue
            if full not in arrays:
                arrays[full] = np.full((count, run.cells), np.nan)
            arrays[full][where] = kept[name]
    for detector, last in zip(_detectors(neuron), results.last_spike, strict=True):
        arrays[f"last_spike.{detector}"] = last
        dimensions[f"last_spike.{detector}"] = powers(second.dim)
    return State(
        of="Neuron",
        step=composed.inputs.start_step + composed.inputs.steps,
        dt_s=run.dt,
        rows=run.cells,
        seeds=run.seeds,
        arrays=arrays,
        fits=_neuron_fits(neuron, composed),
        loose=tuple(loose),
        dimensions=dimensions,
    )


def _detectors(neuron: Neuron) -> list[str]:
    return [one.label for one in neuron.detectors] or ["root"]


def begin_neuron(composed: Composed, neuron: Neuron, run: Run, state: State) -> Composed:
    """Return composed neurons that start from a state.

    Raises
    ------
    ParameterError
        The state does not fit.
    """
    check_kind(state, "Neuron")
    if composed.inputs.layer is not None:
        raise ParameterError(
            "simulate: a neuron with layers outside the membrane cannot go on from a state, which "
            "does not hold the potential in the layers; run it from the start"
        )
    check_fits(state, _neuron_fits(neuron, composed))
    named = [_full_names(neuron, kernel) for kernel in composed.model.kernels]
    loose = {
        full
        for kernel, names in zip(composed.model.kernels, named, strict=True)
        if _is_electrode(neuron, kernel)
        for full in names.values()
    }
    check_names(state, {"v"}.union(*(names.values() for names in named)), loose)
    held = {n: columns(n, values, run.cells) for n, values in state.arrays.items()}
    used = {name: np.zeros(len(values), dtype=bool) for name, values in held.items()}
    kernels, back = [], _back(composed)
    for kernel, names, given in zip(
        composed.model.kernels, named, composed.inputs.kernels, strict=True
    ):
        where = back[given.nodes] if kernel.density else np.arange(given.sites)
        values = dict(given.values)
        for name, full in names.items():
            if full in held:
                values[name] = held[full][where]
                used[full][where] = True
            elif given.events is not None and name in given.events.factors:
                values[name] = _after_past_events(composed, given, name)
        kernels.append(_complete(given, values, names))
    _check_cover(state, used)
    start = np.empty((len(composed.numbering), run.cells))
    start[composed.numbering] = held["v"]
    last = [
        held.get(f"last_spike.{detector}", np.full(run.cells, NEVER))
        for detector in _detectors(neuron)
    ]
    inputs = replace(
        composed.inputs, kernels=tuple(kernels), start=start, last_spike=np.array(last)
    )
    return replace(composed, inputs=inputs)


def _after_past_events(composed: Composed, given: KernelInputs, name: str) -> np.ndarray:
    """Return what an electrode that is new in this run would remember of the time before."""
    inputs, events = composed.inputs, given.events
    assert events is not None
    found = np.array(_spread(given.values[name], given.sites, inputs.cells))
    factors = _spread(events.factors[name], given.sites, inputs.cells)
    for k in np.flatnonzero(inputs.arrival_steps(events) < inputs.start_step):
        site, cell = int(events.site[k]), int(events.cell[k])
        here = (site, slice(None) if cell < 0 else cell)
        found[here] += events.weight[k] * factors[here]
    return found


def _spread(values: np.ndarray, sites: int, cells: int) -> np.ndarray:
    return np.broadcast_to(values[:, np.newaxis] if values.ndim == 1 else values, (sites, cells))


def _complete(
    given: KernelInputs, values: dict[str, np.ndarray], names: Mapping[str, str]
) -> KernelInputs:
    for name, full in names.items():
        bad = np.argwhere(np.isnan(values[name]))
        if len(bad):
            raise ParameterError(
                f"initial: the state holds no {full!r} in some of the compartments that have it "
                "here; start it from a run of the same description"
            )
    return replace(given, values=values)


def _check_cover(state: State, used: Mapping[str, np.ndarray]) -> None:
    """Refuse a part that covered more where the state comes from."""
    for name, here in used.items():
        values = state.arrays[name]
        if name == "v" or name in state.loose or values.ndim < 2:
            continue
        if np.any(~np.isnan(values[~here])):
            raise ParameterError(
                f"initial: the state holds {name!r} in compartments that do not have it here; "
                "start it from a run of the same description"
            )


def begin_at_values(
    composed: Composed, neuron: Neuron, run: Run, given: Mapping[str, Any]
) -> Composed:
    """Return composed neurons some of whose states start at given values, everywhere.

    Raises
    ------
    UnknownNameError
        There is no such state.
    UnitError, ParameterError
        A value has another unit, is not finite, or there is neither one nor one a row.
    """
    named = [_full_names(neuron, kernel) for kernel in composed.model.kernels]
    known = {"v": 1 * volt}
    for kernel, names in zip(composed.model.kernels, named, strict=True):
        if not _is_electrode(neuron, kernel):
            known |= {f: Quantity(1.0, dim=kernel.parsed[n].dim) for n, f in names.items()}
    values = with_values(given, known, run.cells)
    kernels = []
    for names, inputs in zip(named, composed.inputs.kernels, strict=True):
        told = {
            name: np.broadcast_to(values[full], (inputs.sites, run.cells))
            for name, full in names.items()
            if full in values
        }
        kernels.append(replace(inputs, values={**inputs.values, **told}))
    start = composed.inputs.start
    if "v" in values:
        start = np.broadcast_to(values["v"], (len(composed.numbering), run.cells))
    return replace(composed, inputs=replace(composed.inputs, kernels=tuple(kernels), start=start))
