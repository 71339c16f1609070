"""From directions of parameters to those of every number that a run is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2.units import Quantity, pA

from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.engine.adjoint.point_starts import start_derivatives
from neurosim.engine.adjoint.point_step import as_compartment, point_step, resets
from neurosim.engine.adjoint.run_along import Direction
from neurosim.engine.adjoint.starts import derivatives_of_rest
from neurosim.engine.adjoint.step_derivative import Step
from neurosim.engine.cable.compose import Composed
from neurosim.engine.cable.inputs import CableInputs
from neurosim.errors import ParameterError
from neurosim.gradients.cell_steps import node_numbers, prepare_cell, resting_states, steps_of
from neurosim.gradients.places import axial_share, find_places, points_of
from neurosim.gradients.point_gradient import prepare_derivative, refuse_jumps
from neurosim.gradients.synapse_weights import scales_of
from neurosim.morphology import Site
from neurosim.quantities import check_quantity
from neurosim.run.argument_checks import RunSettings
from neurosim.stimuli import Constant, Stimulus

__all__ = ["Ready", "directions_of_cell", "directions_of_point"]


@dataclass(frozen=True)
class Ready:
    """What `run_along` is given."""

    neuron: Neuron | PointNeuron
    steps: list[Step]
    inputs: CableInputs
    directions: list[Direction]
    points: Mapping[int, tuple[np.ndarray, int]] = field(default_factory=dict)
    scales: Mapping[int, np.ndarray] = field(default_factory=dict)
    composed: Composed | None = None


def _sizes(
    along: Sequence[Mapping[str, Any]], full: Mapping[str, Quantity]
) -> list[dict[str, np.ndarray]]:
    """Return the directions by full name, in SI units."""
    names = [name for one in along for name in one]
    by_name = dict(zip(dict.fromkeys(names), full, strict=True))
    return [
        {
            by_name[name]: np.asarray(
                check_quantity(value, full[by_name[name]], f"directional: along {name}", many=1)
            )
            for name, value in one.items()
        }
        for one in along
    ]


def directions_of_cell(
    neuron: Neuron,
    stimulus: Stimulus | None,
    settings: RunSettings,
    along: Sequence[Mapping[str, Any]],
    *,
    site: Site,
    batch: Mapping[str, Any] | None,
    weights: Mapping[str, Any] | None,
) -> Ready:
    """Return the run of a branched neuron, and how everything in it moves along directions.

    Raises
    ------
    ParameterError, UnknownNameError
        Something has no derivative, and it says which.
    """
    wrt = list(dict.fromkeys(name for one in along for name in one))
    neuron, asked, told, run, composed = prepare_cell(
        neuron, stimulus, settings, wrt, site=site, batch=batch, weights=weights
    )
    places = find_places(neuron, run, asked)
    points = points_of(neuron, composed, run, {*asked, *told})
    scales = scales_of(told, points, run.cells)
    steps, inputs = steps_of(composed, places), composed.inputs
    found = []
    for sizes in _sizes(along, asked):
        one = Direction()
        for name, size in sizes.items():
            if name in points:
                kernel, _, many = points[name]
                if np.ndim(size) and len(size) != many:
                    raise ParameterError(
                        f"directional: along {name} has {len(size)} numbers for {many} synapses"
                    )
                moved = np.broadcast_to(size, many)[:, np.newaxis]
                one.scales[kernel] = np.broadcast_to(moved, (many, run.cells))
                continue
            if np.ndim(size):
                raise ParameterError(
                    f"directional: along {name} must be one number; got {len(size)}. Give each "
                    "direction as a mapping of its own"
                )
            if name in places:
                for kernel, array, share in places[name].arrays:
                    shape = (len(share), run.cells)
                    more = np.broadcast_to(share[:, np.newaxis] * size, shape)
                    one.given[kernel, array] = one.given.get((kernel, array), 0.0) + more
                continue
            numbers = node_numbers(neuron, composed)
            up = axial_share(neuron, name, numbers, inputs.tree.up)[:, np.newaxis] * size
            up = np.broadcast_to(up, (len(up), run.cells))
            one.up = up if one.up is None else one.up + up
        found.append(one)
    for k, step in enumerate(steps):
        _add_rest(neuron, k, step, inputs, found)
    return Ready(
        neuron, steps, inputs, found, {kernel: (at, many) for kernel, at, many in points.values()},
        {points[name][0]: one.T for name, one in scales.items()}, composed,
    )  # fmt: skip


def _add_rest(
    neuron: Neuron, k: int, step: Step, inputs: CableInputs, directions: Sequence[Direction]
) -> None:
    """Add how the states move that start at rest: each as a loss of its own."""
    given = inputs.kernels[k]
    shape = (given.sites, inputs.cells)
    v, resting = np.full(shape, float(neuron.rest)), resting_states(neuron, step.kernel)
    resting = [name for name in resting if name in step.carried]
    for state in resting:
        bars = {name: np.full(shape, float(name == state)) for name in resting}
        slopes = derivatives_of_rest(step, given, v, resting, bars)
        for one in directions:
            moved = [slopes[name] * one.given[k, name] for name in slopes if (k, name) in one.given]
            one.starts[k, state] = sum(moved, np.zeros(shape))


def directions_of_point(
    neuron: PointNeuron,
    stimulus: Stimulus | None,
    settings: RunSettings,
    along: Sequence[Mapping[str, Any]],
    *,
    batch: Mapping[str, Any] | None,
) -> Ready:
    """Return the run of a point neuron, and how everything in it moves along directions.

    Raises
    ------
    ParameterError, UnknownNameError
        Something has no derivative, and it says which; or spikes reset the neuron.
    """
    current = Constant(0 * pA) if stimulus is None else stimulus
    wrt = list(dict.fromkeys(name for one in along for name in one))
    name = type(neuron).__name__
    asked, variables, ready = prepare_derivative(neuron, current, settings, wrt, batch=batch)
    if resets(ready.model, ready.equations):
        raise ParameterError(
            f"directional: there is no derivative yet along a run of {name}, which spikes reset; "
            "take differentiate, which has its spikes located"
        )
    step = point_step(ready.model, ready.equations, name, sorted(set(variables.values())))
    refuse_jumps(step.jumps)
    inputs, rows = as_compartment(ready.inputs), ready.inputs.rows
    states = ["v", *(one for one in step.carried if one in ready.equations.diff_eq_names)]
    slopes = {
        state: start_derivatives(
            ready.equations, ready.inputs.states,
            {one: np.full(rows, float(one == state)) for one in states}, step.wanted,
            start=ready.start, starts=neuron.starts, dt=ready.inputs.dt, name=name,
        )
        for state in states
    }  # fmt: skip
    found = []
    for sizes in _sizes(along, asked):
        one = Direction()
        moved = {}
        for full, size in sizes.items():
            if np.ndim(size):
                raise ParameterError(f"directional: along {full} must be one number")
            moved[variables[full]] = float(size)
        for variable, far in moved.items():
            one.given[0, variable] = np.full((1, rows), far)
        for state in states:
            by = sum((slopes[state][n] * far for n, far in moved.items()), np.zeros(rows))
            if state == "v":
                one.potential = by[np.newaxis]
            else:
                one.starts[0, state] = by[np.newaxis]
        found.append(one)
    return Ready(neuron, [step], inputs, found)
