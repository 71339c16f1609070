"""Gradients of point neurons: which numbers parameters set, what is refused, and the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from brian2.units import Quantity, pA, second

from neurosim.clamps import CurrentClamp, VoltageClamp
from neurosim.describe.point_neuron import PointNeuron
from neurosim.engine.adjoint.execute import run_back
from neurosim.engine.adjoint.point_starts import start_derivatives
from neurosim.engine.adjoint.point_step import as_compartment, point_step, resets
from neurosim.errors import DivergenceError, EngineError, ParameterError
from neurosim.gradients.found_gradient import outcome
from neurosim.gradients.gradient import Gradient
from neurosim.gradients.losses import Loss
from neurosim.morphology import root_site
from neurosim.run.argument_checks import RunSettings
from neurosim.run.batch import full_name, point_places, variable_name
from neurosim.run.point_run import PreparedPoint, prepare_point
from neurosim.stimuli import Constant, Stimulus

__all__ = ["differentiate_point"]


def differentiate_point(
    neuron: PointNeuron,
    stimulus: Stimulus | None,
    settings: RunSettings,
    loss: Loss,
    wrt: Sequence[str],
    *,
    batch: Mapping[str, Any] | None,
) -> Gradient:
    """Run a batch of point neurons and take it back; `neurosim.differentiate` calls this.

    Raises
    ------
    ParameterError, UnknownNameError
        Something has no derivative, and it says which.
    EngineError
        There is no compiler, or the run diverged.
    """
    current = Constant(0 * pA) if stimulus is None else stimulus
    _refuse(neuron, current, loss)
    asked = _resolve(neuron, current, wrt)
    ready = prepare_point(neuron, current, settings, batch=batch)
    name = type(neuron).__name__
    if resets(ready.model, ready.equations):
        raise ParameterError(
            f"differentiate: there is no derivative yet of {name}, whose spikes reset it"
        )
    variables = {full: variable_name(full) for full in asked}
    for full, variable in variables.items():
        if variable not in ready.inputs.states:
            raise ParameterError(
                f"differentiate: wrt {full!r} is not offered: the run reads it as data, of which "
                "there is no derivative"
            )
    kept: dict[str, np.ndarray] = {}
    slopes = _smooth(neuron, ready, loss, sorted(set(variables.values())), kept, settings.jobs)
    return outcome(
        loss,
        asked,
        {full: ready.parameters[variable] for full, variable in variables.items()},
        {full: slopes[variable] for full, variable in variables.items()},
        value=kept["value"],
        growth=kept["growth"],
        v=kept["v"],
        dt=settings.dt,
    )


def _refuse(neuron: PointNeuron, stimulus: Stimulus, loss: Loss) -> None:
    if isinstance(stimulus, VoltageClamp | CurrentClamp):
        raise ParameterError(
            f"differentiate: there is no derivative yet through a {type(stimulus).__name__}; "
            "inject a current"
        )
    if neuron.actions or neuron.changing:
        raise ParameterError(
            f"differentiate: there is no derivative yet of {type(neuron).__name__}, which changes "
            "its own parameters or acts at given times (actions)"
        )
    if loss.site is not root_site:
        raise ParameterError(
            f"{type(loss).__name__}: site is for neurons with extent; a point neuron is one point"
        )


def _resolve(neuron: PointNeuron, stimulus: Stimulus, wrt: Sequence[str]) -> dict[str, Quantity]:
    """Return by full name the parameters that derivatives are asked for, with their values."""
    names = [] if isinstance(wrt, str) or not isinstance(wrt, Iterable) else list(wrt)
    if not names:
        raise ParameterError(
            f"differentiate: wrt must be a list of names such as ['E_L']; got {wrt!r}"
        )
    places = point_places(neuron, stimulus)
    found: dict[str, Quantity] = {}
    for name in names:
        full = full_name(name, places, "differentiate: wrt")
        if full in found:
            raise ParameterError(f"differentiate: wrt names {full} twice")
        found[full] = places[full][0]
    return found


def _smooth(
    neuron: PointNeuron,
    ready: PreparedPoint,
    loss: Loss,
    wanted: Sequence[str],
    kept: dict[str, np.ndarray],
    jobs: int,
) -> dict[str, np.ndarray]:
    """Return by variable the derivatives of a neuron that no spike resets."""
    name, dt = type(neuron).__name__, ready.inputs.dt
    step = point_step(ready.model, ready.equations, name, wanted)
    _refuse_jumps(step.jumps)

    def judged(traces: np.ndarray) -> np.ndarray:
        kept["v"] = traces[:, 0]
        kept["value"], kept["slopes"] = loss.value(traces[:, 0], dt)
        return kept["slopes"][:, np.newaxis]

    try:
        found = run_back(
            [step], as_compartment(ready.inputs), judged, points={}, tree=False, threads=jobs
        )
    except DivergenceError as error:
        raise EngineError(
            f"differentiate: the run diverged: v of row {error.cell} left every bound at "
            f"{error.time_s * second}; use a smaller dt than {dt * second} or check its parameters"
        ) from None
    seeded = np.sum(np.abs(kept["slopes"]), axis=0)
    kept["growth"] = found.growth / np.where(seeded > 0, seeded, 1.0)
    bars = {state: values[0] for state, values in found.starts[0].items()}
    bars["v"] = found.potential[0]
    more = _of_start(neuron, ready, bars, step.wanted)
    return {one: found.parameters[0][one][0] + more[one] for one in step.wanted}


def _of_start(
    neuron: PointNeuron,
    ready: PreparedPoint,
    bars: Mapping[str, np.ndarray],
    wanted: tuple[str, ...],
) -> dict[str, np.ndarray]:
    return start_derivatives(
        ready.equations, ready.inputs.states, bars, wanted,
        start=ready.start, starts=neuron.starts, dt=ready.inputs.dt, name=type(neuron).__name__,
    )  # fmt: skip


def _refuse_jumps(jumps: Iterable[str]) -> None:
    for name in jumps:
        raise ParameterError(
            f"differentiate: wrt {name!r} is not offered: it says when something jumps, and on a "
            "grid of time a jump moves by whole steps, so that there is no derivative"
        )
