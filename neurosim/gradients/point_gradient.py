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
from neurosim.engine.adjoint.spiking_maps import spiking_maps
from neurosim.engine.adjoint.spiking_run import Spikes, SpikingError, run_spiking
from neurosim.errors import DivergenceError, ParameterError, RowError
from neurosim.gradients.charge import Charge, count_in_point
from neurosim.gradients.found_gradient import outcome
from neurosim.gradients.gradient import Gradient
from neurosim.gradients.losses import Loss
from neurosim.morphology import root_site
from neurosim.run.argument_checks import RunSettings
from neurosim.run.batch import full_name, point_places, variable_name
from neurosim.run.point_run import PreparedPoint, prepare_point
from neurosim.stimuli import Constant, Stimulus

__all__ = ["differentiate_point", "prepare_derivative", "refuse_jumps"]


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
    name = type(neuron).__name__
    current = Constant(0 * pA) if stimulus is None else stimulus
    if loss.site is not root_site:
        raise ParameterError(
            f"{type(loss).__name__}: site is for neurons with extent; a point neuron is one point"
        )
    asked, variables, ready = prepare_derivative(neuron, current, settings, wrt, batch=batch)
    kept: dict[str, np.ndarray] = {}
    wanted, spikes = sorted(set(variables.values())), list[np.ndarray]()
    if resets(ready.model, ready.equations):
        if isinstance(loss, Charge):
            raise ParameterError(
                f"differentiate: there is no derivative yet of a Charge of {name}, which spikes "
                "reset; take a neuron that they do not, such as HodgkinHuxley()"
            )
        slopes = _spiking(neuron, ready, loss, wanted, kept, spikes, settings.jobs)
    else:
        slopes = _smooth(neuron, ready, loss, wanted, kept, settings.jobs)
    return outcome(
        loss,
        asked,
        {full: ready.parameters[variable] for full, variable in variables.items()},
        {full: slopes[variable] for full, variable in variables.items()},
        value=kept["value"],
        growth=kept["growth"],
        v=kept["v"],
        dt=settings.dt,
        spike_times=spikes or None,
    )


def prepare_derivative(
    neuron: PointNeuron,
    current: Stimulus,
    settings: RunSettings,
    wrt: Sequence[str],
    *,
    batch: Mapping[str, Any] | None,
) -> tuple[dict[str, Quantity], dict[str, str], PreparedPoint]:
    """Return by full name the parameters that are asked for and their variables, and the run.

    Raises
    ------
    ParameterError, UnknownNameError
        Something has no derivative, and it says which.
    """
    _refuse(neuron, current)
    asked = _resolve(neuron, current, wrt)
    ready = prepare_point(neuron, current, settings, batch=batch)
    name = type(neuron).__name__
    if ready.model.threshold != neuron.threshold:
        raise ParameterError(
            f"differentiate: white noise carries {name} over its threshold between two steps and "
            "back, which simulate makes up for by a lower threshold; the time of such a crossing "
            "has no derivative. Take coloured noise (OrnsteinUhlenbeck) or FrozenNoise"
        )
    variables = {full: variable_name(full) for full in asked}
    for full, variable in variables.items():
        if variable not in ready.inputs.states:
            raise ParameterError(
                f"differentiate: wrt {full!r} is not offered: the run reads it as data, of which "
                "there is no derivative"
            )
    return asked, variables, ready


def _refuse(neuron: PointNeuron, stimulus: Stimulus) -> None:
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
    count = None
    if isinstance(loss, Charge):
        steps = as_compartment(ready.inputs).steps
        count = count_in_point(loss, ready.equations, name, steps, dt)
    counted = "" if count is None else count.variable
    step = point_step(ready.model, ready.equations, name, wanted, counted)
    refuse_jumps(step.jumps)

    def judged(traces: np.ndarray) -> np.ndarray:
        kept["v"] = traces[:, 0]
        if count is not None:
            return np.zeros(traces.shape)
        kept["value"], kept["slopes"] = loss.value(traces[:, 0], dt)
        return kept["slopes"][:, np.newaxis]

    try:
        found = run_back(
            [step], as_compartment(ready.inputs), judged, points={}, tree=False, threads=jobs,
            count=count,
        )  # fmt: skip
    except DivergenceError as error:
        raise RowError(
            f"differentiate: the run diverged: v of row {error.cell} left every bound at "
            f"{error.time_s * second}; use a smaller dt than {dt * second} or check its parameters"
        ) from None
    if count is None:
        seeded = np.sum(np.abs(kept["slopes"]), axis=0)
    else:
        kept["value"], seeded = found.counted
    kept["growth"] = found.growth / np.where(seeded > 0, seeded, 1.0)
    bars = {state: values[0] for state, values in found.starts[0].items()}
    bars["v"] = found.potential[0]
    more = _of_start(neuron, ready, bars, step.wanted)
    return {one: found.parameters[0][one][0] + more[one] for one in step.wanted}


def _spiking(
    neuron: PointNeuron,
    ready: PreparedPoint,
    loss: Loss,
    wanted: Sequence[str],
    kept: dict[str, np.ndarray],
    times: list[np.ndarray],
    jobs: int,
) -> dict[str, np.ndarray]:
    """Return by variable the derivatives of a neuron that spikes reset."""
    name, inputs = type(neuron).__name__, ready.inputs
    maps = spiking_maps(ready.model, ready.equations, name, wanted)
    refuse_jumps(maps.jumps)

    def judged(v: np.ndarray, spikes: list[Spikes]) -> tuple[np.ndarray, list[np.ndarray]]:
        kept["v"] = v
        times.extend(one.time for one in spikes)
        kept["value"], slopes, of_spikes = loss.with_spikes(v, spikes, inputs.dt)
        first = np.broadcast_to(inputs.states["v"], v.shape[1])
        more = [_in_potential(*given) for given in zip(of_spikes, spikes, first, strict=True)]
        kept["seeded"] = np.sum(np.abs(slopes), axis=0) + np.array(more)
        return slopes, of_spikes

    try:
        found = run_spiking(maps, inputs, judged, threads=jobs)
    except SpikingError as trouble:
        raise _told(trouble, name, inputs.dt) from None
    seeded = kept.pop("seeded")
    kept["growth"] = found.growth / np.where(seeded > 0, seeded, 1.0)
    bars = {state: found.starts[state] for state in ready.equations.diff_eq_names}
    more = _of_start(neuron, ready, bars, maps.wanted)
    return {one: found.parameters[one] + more[one] for one in maps.wanted}


def _in_potential(slopes: np.ndarray, spikes: Spikes, first: float) -> float:
    """Return what spikes are worth as if the potential rose to each in a straight line."""
    if not len(spikes.time):
        return 0.0
    rise = spikes.before - np.concatenate([[first], spikes.after[:-1]])
    took = np.diff(spikes.time, prepend=0.0)
    slow = np.abs(took / np.where(rise == 0, np.inf, rise))
    return float(np.sum(np.abs(slopes[:, 0]) * slow + np.abs(slopes[:, 1:]).sum(axis=1)))


_TOLD = {
    "diverged": "v left every bound; use a smaller dt than {dt} or check its parameters",
    "stuck": "its potential rises so steeply that no time step follows it; check its parameters",
    "at once": "it fires at once after a reset or a refractory period, since it is not below its "
    "threshold then; the time of such a spike does not follow the potential",
    "touches": "its potential touches the threshold and does not cross it, so that the time of "
    "that spike has no derivative",
}


def _told(trouble: SpikingError, name: str, dt: float) -> RowError:
    what = _TOLD[trouble.what].format(dt=dt * second)
    return RowError(
        f"differentiate: {name} of row {trouble.row} at {trouble.time_s * 1e3:g} ms: {what}"
    )


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


def refuse_jumps(jumps: Iterable[str]) -> None:
    """Refuse parameters that say when something jumps."""
    for name in jumps:
        raise ParameterError(
            f"differentiate: wrt {name!r} is not offered: it says when something jumps, and on a "
            "grid of time a jump moves by whole steps, so that there is no derivative"
        )
