"""The exact gradient of what is measured on a simulated neuron, with respect to its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from brian2.units import Quantity

from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.engine.adjoint.execute import Found, run_back
from neurosim.engine.adjoint.starts import derivatives_of_rest
from neurosim.engine.adjoint.step_derivative import Step
from neurosim.engine.cable.compose import Composed, Run
from neurosim.errors import DivergenceError, EngineError, ParameterError
from neurosim.gradients.cell_steps import node_numbers, prepare_cell, resting_states, steps_of
from neurosim.gradients.charge import Charge, count_in_cell
from neurosim.gradients.found_gradient import GrowthWarning, outcome
from neurosim.gradients.gradient import Gradient
from neurosim.gradients.losses import Loss
from neurosim.gradients.places import axial_share, find_places, points_of
from neurosim.gradients.point_gradient import differentiate_point
from neurosim.gradients.run_settings import settings_of
from neurosim.gradients.synapse_weights import scales_of
from neurosim.run.neuron_run import diverged
from neurosim.stimuli import Stimulus

__all__ = ["GrowthWarning", "differentiate"]


def differentiate(
    neuron: Neuron | PointNeuron,
    duration: Quantity,
    loss: Loss,
    wrt: Sequence[str],
    *,
    stimulus: Stimulus | None = None,
    batch: Mapping[str, Any] | None = None,
    weights: Mapping[str, Any] | None = None,
    seed: int | Sequence[int] | np.ndarray = 0,
    dt: Quantity | None = None,
    settle: Quantity | None = None,
    scheme: str | None = None,
    jobs: int = 1,
) -> Gradient:
    """Run a neuron and return a loss with its exact derivatives.

    The derivatives are those of the run itself, step by step backwards (the discrete adjoint), by
    way of its whole course: where it starts, the time before 0 in which it comes to rest, and every
    step. They take some four times as long as the run alone, whatever the number of parameters.

    Parameters
    ----------
    neuron : Neuron or PointNeuron
        With extent, or a point. Of a point neuron that spikes reset, every spike is located inside
        its step: `docs/gradients.md` says how that run differs from the one of `simulate`.
    duration : Quantity
        How long it is run, in second.
    loss : Loss
        What the run is judged by: `neurosim.gradients.losses`.
    wrt : sequence of str
        Parameters, by the names that a batch has: ``"leak.g"``, ``"hh_sodium.E"``, ``"V_T"``,
        ``"everywhere.C_m"``, ``"stimulus.constant.current"``; ``"everywhere.R_a"``, the axial
        resistivity; and ``"<label>.weight"``, a factor on what each of the synapses of a placement
        does.
    weights : mapping of str to array_like, optional
        By the label of a placement, a factor on what each of its synapses does (default: 1), of
        shape (synapses,) or (rows, synapses). Where nothing else tells rows, these do.
    stimulus, batch, seed, dt, settle, scheme, jobs
        As in `neurosim.simulate`.

    Returns
    -------
    Gradient

    Raises
    ------
    UnitError, ParameterError, UnknownNameError
        As `neurosim.simulate`; and where something in the neuron, the loss or a parameter has no
        derivative, it says which.
    EngineError
        There is no compiler, or the run diverged.

    Warns
    -----
    GrowthWarning
        The derivative amplifies displacements by more than 1e4 (a chaotic run, or a long one next
        to a threshold): take a shorter run, or a loss on spike times in place of the potential.

    Examples
    --------
    Which conductance moves the first spike, and by how much?

    >>> from brian2 import ms, mV, nA, second, um
    >>> from neurosim import Constant, Neuron, differentiate
    >>> from neurosim.channels import HHPotassium, HHSodium, Leak
    >>> from neurosim.gradients.losses import SpikeTime
    >>> from neurosim.morphology import PerBranch, cylinder
    >>> bare = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=6.3, rest=-65 * mV)
    >>> cell = bare.paint([HHSodium(), HHPotassium(), Leak()])
    >>> found = differentiate(
    ...     cell, 20 * ms, SpikeTime(), ["hh_sodium.g", "leak.g"], stimulus=Constant(0.3 * nA)
    ... )
    >>> bool(found["hh_sodium.g"][0] < 0 * second / (1 * found.parameters["hh_sodium.g"][0]))
    True
    """
    if not isinstance(loss, Loss):
        raise ParameterError(
            "differentiate: loss must be one of neurosim.gradients.losses, such as SpikeTime() or "
            f"FiringRate(); got {loss!r}. A number of spikes is none: its derivative is 0 wherever "
            "it has one"
        )
    settings = settings_of(
        "differentiate", neuron, duration, seed=seed, dt=dt, settle=settle, scheme=scheme,
        weights=weights, jobs=jobs,
    )  # fmt: skip
    if isinstance(neuron, PointNeuron):
        return differentiate_point(neuron, stimulus, settings, loss, wrt, batch=batch)
    neuron, asked, told, run, composed = prepare_cell(
        neuron, stimulus, settings, wrt, site=loss.site, batch=batch, weights=weights,
        current=loss.current if isinstance(loss, Charge) else "",
    )  # fmt: skip
    return _taken_back(neuron, run, composed, loss, asked, told, jobs)


def _taken_back(
    neuron: Neuron,
    run: Run,
    composed: Composed,
    loss: Loss,
    asked: Mapping[str, Quantity],
    told: Mapping[str, np.ndarray],
    jobs: int,
) -> Gradient:
    places = find_places(neuron, run, asked)
    points = points_of(neuron, composed, run, {*asked, *told})
    scales = scales_of(told, points, run.cells)
    count = count_in_cell(loss, composed) if isinstance(loss, Charge) else None
    # What is added up is not traced.
    composed = replace(composed, inputs=replace(composed.inputs, probes=composed.inputs.probes[:1]))
    steps = steps_of(composed, places, count)
    kept: dict[str, np.ndarray] = {}

    def judged(traces: np.ndarray) -> np.ndarray:
        kept["v"] = traces[:, 0]
        if count is not None:
            return np.zeros(traces.shape)
        kept["value"], slopes = loss.value(traces[:, 0], run.dt)
        kept["slopes"] = slopes
        return slopes[:, np.newaxis]

    tree = any(name.endswith(".R_a") for name in asked)
    try:
        found = run_back(
            steps,
            composed.inputs,
            judged,
            points={kernel: (point, many) for kernel, point, many in points.values()},
            tree=tree,
            threads=jobs,
            scales={points[name][0]: one.T for name, one in scales.items()},
            count=count,
        )
    except DivergenceError as error:
        raise EngineError(diverged(error, neuron, composed, run.dt)) from None
    _add_rest(neuron, composed, steps, found)
    slopes: dict[str, np.ndarray] = {}
    for name in asked:
        if name in places:
            slopes[name] = sum(
                (
                    share @ found.parameters[kernel][array]
                    for kernel, array, share in places[name].arrays
                ),
                np.zeros(run.cells),
            )
        elif name in points:
            slopes[name] = found.weights[points[name][0]].T
        else:
            numbers = node_numbers(neuron, composed)
            slopes[name] = axial_share(neuron, name, numbers, composed.inputs.tree.up) @ found.up
    # Nothing that is seeded amounts to more than all of it together.
    if count is None:
        seeded = np.sum(np.abs(kept["slopes"]), axis=0)
    else:
        kept["value"], seeded = found.counted
    growth = found.growth / np.where(seeded > 0, seeded, 1.0)
    return outcome(
        loss,
        asked,
        {**run.batch, **scales},
        slopes,
        value=kept["value"],
        growth=growth,
        v=kept["v"],
        dt=run.dt,
    )


def _add_rest(neuron: Neuron, composed: Composed, steps: Sequence[Step], found: Found) -> None:
    """Add what parameters do by way of the states at the start."""
    inputs = composed.inputs
    for k, (step, given) in enumerate(zip(steps, inputs.kernels, strict=True)):
        # States that are not told start where they rest at this potential.
        v = np.full((given.sites, inputs.cells), float(neuron.rest))
        resting = resting_states(neuron, step.kernel)
        more = derivatives_of_rest(step, given, v, resting, found.starts[k])
        for name, values in more.items():
            found.parameters[k][name] += values
