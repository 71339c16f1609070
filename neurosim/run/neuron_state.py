"""The state of neurons with extent: from the end of a run to the start of the next one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from brian2.units import Quantity, second, volt

from neurosim.channels.base import SHARED, Mechanism
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Painted, Placed
from neurosim.engine.cable.compose import Composed, Run
from neurosim.engine.cable.inputs import NEVER, CableResults, KernelInputs
from neurosim.engine.cable.model import Kernel
from neurosim.equations.fractions import shares
from neurosim.errors import ParameterError
from neurosim.run.continuing import (
    check_fits,
    check_kind,
    check_names,
    columns,
    powers,
    tell_scheme,
    with_values,
)
from neurosim.run.state import State, digest
from neurosim.stimuli import Stimulus

__all__ = ["begin_at_values", "begin_neuron", "check_starts", "neuron_state"]


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
    if results.layer is not None:
        arrays["v_ext"] = results.layer[composed.numbering]
        dimensions["v_ext"] = powers(volt.dim)
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
        scheme=_scheme(composed),
    )


def _scheme(composed: Composed) -> str:
    return "backward-euler" if composed.inputs.theta == 1 else "crank-nicolson"


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
    check_fits(state, _neuron_fits(neuron, composed))
    tell_scheme(state, _scheme(composed))
    named = [_full_names(neuron, kernel) for kernel in composed.model.kernels]
    loose = {
        full
        for kernel, names in zip(composed.model.kernels, named, strict=True)
        if _is_electrode(neuron, kernel)
        for full in names.values()
    }
    layer = composed.inputs.layer
    potentials = {"v"} if layer is None else {"v", "v_ext"}
    check_names(state, potentials.union(*(names.values() for names in named)), loose)
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
    _check_cover(state, used, potentials)
    start, outside = np.empty((2, len(composed.numbering), run.cells))
    start[composed.numbering] = held["v"]
    if layer is not None:
        outside[composed.numbering] = held["v_ext"]
        layer = replace(layer, start=outside)
    last = [
        held.get(f"last_spike.{detector}", np.full(run.cells, NEVER))
        for detector in _detectors(neuron)
    ]
    inputs = replace(
        composed.inputs,
        kernels=tuple(kernels),
        start=start,
        last_spike=np.array(last),
        layer=layer,
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


def _check_cover(state: State, used: Mapping[str, np.ndarray], potentials: Collection[str]) -> None:
    """Refuse a part that covered more where the state comes from."""
    for name, here in used.items():
        values = state.arrays[name]
        if name in potentials or name in state.loose or values.ndim < 2:
            continue
        if np.any(~np.isnan(values[~here])):
            raise ParameterError(
                f"initial: the state holds {name!r} in compartments that do not have it here; "
                "start it from a run of the same description"
            )


def _shares(neuron: Neuron) -> set[str]:
    """Return the states of parts that lie between 0 and 1, by their full names."""
    found = set()
    entries: list[Painted | Placed] = [*neuron.painted, *neuron.placed]
    for entry in entries:
        part = entry.part
        if isinstance(part, Mechanism):
            head = entry.label if isinstance(entry, Placed) else part.name
            values = {**part.parameters(), **part.constants(neuron.celsius)}
            read = {name: SHARED[name] for name in part.reads}
            names = shares(part.equations, part.on_event, values, read, part.on_event)
            found |= {f"{head}.{name}" for name in names}
    return found


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
    values = with_values(given, known, run.cells, lambda: _shares(neuron))
    for kernel, names in zip(composed.model.kernels, named, strict=True):
        _check_above_zero(kernel, names, values)
    kernels = []
    for kernel, names, inputs in zip(
        composed.model.kernels, named, composed.inputs.kernels, strict=True
    ):
        told = {
            name: np.broadcast_to(values[full], (inputs.sites, run.cells))
            for name, full in names.items()
            if full in values
        }
        told |= _deeper(kernel, told)
        kernels.append(replace(inputs, values={**inputs.values, **told}))
    start = composed.inputs.start
    if "v" in values:
        start = np.broadcast_to(values["v"], (len(composed.numbering), run.cells))
    return replace(composed, inputs=replace(composed.inputs, kernels=tuple(kernels), start=start))


def _deeper(kernel: Kernel, told: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return where shells start of which only the outermost is told: where that does."""
    return {
        name: told[f"{one.ion}_i"]
        for one in kernel.ions
        for name in one.deeper
        if f"{one.ion}_i" in told and name not in told
    }


def _check_above_zero(
    kernel: Kernel, names: Mapping[str, str], values: Mapping[str, np.ndarray]
) -> None:
    """Refuse a concentration that moves and has no logarithm, and so no reversal potential."""
    moved = [f"{one.ion}_{side}" for one in kernel.ions for side in "io"]
    for name in [*moved, *(deep for one in kernel.ions for deep in one.deeper)]:
        given = values.get(names.get(name, ""))
        if given is not None and np.any(given <= 0):
            raise ParameterError(
                f"initial: {names[name]} is the concentration of an ion that moves, which must be "
                f"above 0; got {given.min():g} mM"
            )


def check_starts(composed: Composed, neuron: Neuron) -> None:
    """Refuse a state that nothing tells where to start.

    Raises
    ------
    ParameterError
        A state without decay has no steady state, and its part does not say where it starts.
    """
    for kernel, inputs in zip(composed.model.kernels, composed.inputs.kernels, strict=True):
        names = _full_names(neuron, kernel)
        lost = [names[n] for n in kernel.states if np.isnan(inputs.values[n]).any()]
        if lost:
            raise ParameterError(
                f"{', '.join(lost)}: there is no steady state to start from, since nothing lets it "
                f'decay; say where it starts, by simulate(initial={{"{lost[0]}": ...}}) or by the '
                "attribute starts of its part"
            )
