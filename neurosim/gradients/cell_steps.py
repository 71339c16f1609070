"""A branched neuron ready to be differentiated: its run, and the step of each of its kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from brian2.units import Quantity

from neurosim.describe.neuron import Neuron
from neurosim.engine.adjoint.execute import Count
from neurosim.engine.adjoint.step_derivative import Step, differentiated
from neurosim.engine.cable.compose import Composed, Run, compose_cable
from neurosim.engine.cable.inputs import CableInputs
from neurosim.engine.cable.model import Kernel
from neurosim.equations.schemes import find_groups
from neurosim.errors import ParameterError
from neurosim.gradients.kept_run import Kept, contents
from neurosim.gradients.places import Place, resolve
from neurosim.gradients.refusals import refuse
from neurosim.gradients.synapse_weights import checked_weights
from neurosim.morphology import Site
from neurosim.run.argument_checks import RunSettings
from neurosim.run.neuron_run import prepare, with_stimulus
from neurosim.stimuli import Stimulus

__all__ = ["PreparedCell", "node_numbers", "prepare_cell", "resting_states", "steps_of"]


_OF_THE_RUN = (
    "duration", "dt", "record_dt", "settle", "theta", "record", "engine", "jobs", "start_step",
)  # fmt: skip
"""Settings that a run follows from, beside its seeds."""


class PreparedCell(NamedTuple):
    """A neuron whose potential is traced at one site, and its run.

    Attributes
    ----------
    neuron : Neuron
        With its stimulus.
    asked : dict of str to Quantity
        By full name, the parameters that derivatives are asked for.
    told : dict of str to ndarray
        By full name, the weights of synapses that are given.
    run : Run
        How it is run.
    composed : Composed
        What the engine is given.
    """

    neuron: Neuron
    asked: dict[str, Quantity]
    told: dict[str, np.ndarray]
    run: Run
    composed: Composed


_LAST = Kept[PreparedCell]()
"""The run that was prepared last."""


def prepare_cell(
    neuron: Neuron,
    stimulus: Stimulus | None,
    settings: RunSettings,
    wrt: Sequence[str],
    *,
    site: Site,
    batch: Mapping[str, Any] | None,
    weights: Mapping[str, Any] | None,
    current: str = "",
) -> PreparedCell:
    """Return a neuron ready to be run; with `current`, that is traced at the site too.

    Raises
    ------
    ParameterError, UnknownNameError
        Something has no derivative, and it says which.
    """
    told = checked_weights(neuron, weights)
    seeds = settings.seed
    rows = {len(one) for one in told.values() if one.ndim == 2}
    if rows and not batch and np.ndim(seeds) == 0:
        seeds = np.full(max(rows), seeds)
    # A network that learns asks for the same run at each step, with other weights.
    of_the_run = [getattr(settings, name) for name in _OF_THE_RUN]
    made_of = (
        contents(neuron, stimulus, site, current, wrt, seeds, of_the_run) if not batch else b""
    )
    before = _LAST.made_of(made_of)
    if before is not None:
        return before._replace(told=told)
    neuron = with_stimulus(neuron.replace(probed=()), stimulus, ())
    neuron = neuron.probe("v", site, label="loss")
    if len(neuron.probed[0].traces(neuron.compartments)) != 1:
        raise ParameterError("differentiate: the site of the loss must be one point of the neuron")
    if current:
        neuron = neuron.probe(current, site, label="charge")
    asked = resolve(neuron, wrt)
    run, _ = prepare(neuron, batch, seeds, settings, "")
    composed = compose_cable(neuron, run)
    refuse(neuron, composed)
    cell = PreparedCell(neuron, asked, told, run, composed)
    _LAST.keep(made_of, cell._replace(told={}), _bytes(composed.inputs))
    return cell


def _bytes(inputs: CableInputs) -> int:
    """Memory of what is large in the inputs of a run."""
    arrays = [*inputs.waveforms]
    for kernel in inputs.kernels:
        arrays += kernel.values.values()
        if kernel.events is not None:
            arrays += [one for one in vars(kernel.events).values() if isinstance(one, np.ndarray)]
    return sum(one.nbytes for one in arrays)


def steps_of(
    composed: Composed, places: Mapping[str, Place], count: Count | None = None
) -> list[Step]:
    """Return the step of each kernel, with respect to what is asked for.

    Raises
    ------
    ParameterError
        A parameter says when something jumps.
    """
    kernels = composed.model.kernels
    wanted: list[set[str]] = [set() for _ in kernels]
    for place in places.values():
        for kernel, array, _ in place.arrays:
            wanted[kernel].add(array)
    counted = [""] * len(kernels)
    if count is not None:
        counted[count.kernel] = count.variable
    steps = [
        differentiated(kernel, frozenset(names), traced)
        for kernel, names, traced in zip(kernels, wanted, counted, strict=True)
    ]
    for place in places.values():
        if any(array in steps[kernel].jumps for kernel, array, _ in place.arrays):
            raise ParameterError(
                f"differentiate: wrt {place.name!r} is not offered: it says when something jumps, "
                "and on a grid of time a jump moves by whole steps, so that there is no derivative"
            )
    return steps


def resting_states(neuron: Neuron, kernel: Kernel) -> list[str]:
    """Return the states of a kernel that start at their steady state."""
    if kernel.density:
        told = () if neuron.initial is None else neuron.initial.states
        names = {name.replace(".", "_", 1) for name, _ in told}
        return [name for name in kernel.states if name not in names]
    groups = [one for one in find_groups(kernel.parsed) if one.sums_to_one]
    waiting = [one for one in groups if not set(one.states) & set(kernel.events)]
    return [name for one in waiting for name in one.states]


def node_numbers(neuron: Neuron, composed: Composed) -> np.ndarray:
    """Return the number in the engine of each node of the morphology."""
    shape = neuron.compartments
    numbers = np.empty(len(shape.node_parent), dtype=int)
    membrane = shape.node_compartment >= 0
    numbers[membrane] = composed.numbering[shape.node_compartment[membrane]]
    numbers[~membrane] = len(shape) + np.arange(np.count_nonzero(~membrane))
    return numbers
