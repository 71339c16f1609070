"""The state of point neurons: from the end of a run to the start of the next one."""

from __future__ import annotations

import numpy as np
from brian2.equations.equations import Equations
from brian2.units import second

from neurosim.describe.point_neuron import PointNeuron
from neurosim.describe.wiring import FeedForward
from neurosim.engine.point.inputs import Begin, Results
from neurosim.engine.point.model import OF_BRIAN2, Model
from neurosim.equations.evaluate import identifiers
from neurosim.equations.fractions import shares
from neurosim.errors import ParameterError
from neurosim.run.continuing import check_fits, check_kind, check_names, columns, powers
from neurosim.run.state import State, digest

__all__ = ["begin_point", "point_state", "shares_of_point"]


def point_state(
    neuron: PointNeuron,
    model: Model,
    wired: FeedForward | None,
    results: Results,
    seeds: np.ndarray,
    *,
    dt: float,
    units: int,
    begin: Begin | None,
) -> State:
    """Return the state at the end of a run of point neurons."""
    arrays = dict(results.kept)
    if wired is not None and wired.delayed:
        arrays |= _flight(wired, results, dt, begin)
    equations = Equations(model.equations)
    dimensions = {n: powers(equations[n].dim) for n in arrays if n in equations}
    return State(
        of=type(neuron).__name__,
        step=results.step,
        dt_s=dt,
        rows=len(seeds),
        seeds=seeds,
        arrays=arrays,
        units=units,
        fits=_point_fits(neuron, model, wired, units),
        loose=tuple(sorted(_of_stimulus(neuron, model))),
        dimensions={**dimensions, "lastspike": powers(second.dim)},
    )


def _point_fits(
    neuron: PointNeuron, model: Model, wired: FeedForward | None, units: int
) -> dict[str, str]:
    said = {
        "equations, threshold, reset or refractory period": digest(
            neuron.equations, neuron.threshold, neuron.reset, neuron.refractory
        ),
        "the numbers of units of a network": str(units),
    }
    if wired is None:
        return said
    kind = "conductances" if model.conductance else "currents"
    delays = np.broadcast_to(np.asarray(wired.delay, dtype=float), units)
    return said | {
        "the kinds of synapses (currents, conductances)": kind,
        # Spikes on their way would arrive twice, or never.
        "the delays of the wiring": digest(delays),
    }


def _of_stimulus(neuron: PointNeuron, model: Model) -> set[str]:
    """Return what is kept of the stimulus, and what every step works out anew."""
    own = set(Equations(neuron.equations).diff_eq_names) | set(neuron.changing)
    synapses = {"I_syn", "g_exc", "g_inh"}
    return set(model.kept) - own - set(OF_BRIAN2) - synapses


def _flight(
    wired: FeedForward, results: Results, dt: float, begin: Begin | None
) -> dict[str, np.ndarray]:
    """Return the spikes of the last steps, as many as a spike takes to arrive at most."""
    row, step = results.spike_row, np.round(results.spike_time / dt).astype(np.int64)
    if begin is not None:
        row = np.concatenate([begin.flight_row, row])
        step = np.concatenate([begin.step - begin.flight_back, step])
    longest = int(np.max(np.asarray(wired.delay)) / dt + 0.5)
    late = np.flatnonzero(step >= results.step - longest)
    order = late[np.lexsort((row[late], step[late]))]
    return {"flight.row": row[order], "flight.step": step[order]}


def shares_of_point(neuron: PointNeuron) -> set[str]:
    """Return the states that lie between 0 and 1, such as the gates of channels."""
    moving = [neuron.reset, *(action.code for action in neuron.actions)]
    moved = set().union(*(identifiers(code) for code in moving))
    values = {name: getattr(neuron, name) for name in neuron.quantity_fields()}
    return shares(neuron.equations, moved, values)


def begin_point(
    state: State,
    neuron: PointNeuron,
    model: Model,
    wired: FeedForward | None,
    *,
    rows: int,
    units: int,
    step: int,
) -> Begin:
    """Return where a run of point neurons goes on.

    Raises
    ------
    ParameterError
        The state does not fit.
    """
    check_kind(state, type(neuron).__name__)
    _check_later_actions(neuron)
    check_fits(state, _point_fits(neuron, model, wired, units))
    loose = _of_stimulus(neuron, model)
    check_names(state, set(model.kept), loose)
    values = {
        name: columns(name, state.arrays[name], rows) if name in state.arrays else np.zeros(rows)
        for name in model.kept
    }
    fired = state.arrays.get("flight.row", np.zeros(0, dtype=np.int64))
    when = state.arrays.get("flight.step", np.zeros(0, dtype=np.int64))
    many = rows // state.rows
    # One network stands for all of a batch, with the spikes that are on their way in it.
    every = np.concatenate([fired + k * state.rows for k in range(many)])
    back = step - np.tile(when, many)
    order = np.lexsort((every, -back))
    return Begin(step, values, every[order], back[order])


# Brian2's slots of a time step, in order.
_SLOTS = ("start", "groups", "thresholds", "synapses", "resets", "end")


def _check_later_actions(neuron: PointNeuron) -> None:
    """Refuse a model whose condition is tested in one step and acted upon in the next."""

    def place(slot: str) -> float:
        early, late = slot.startswith("before_"), slot.startswith("after_")
        return _SLOTS.index(slot.split("_", 1)[1] if early or late else slot) + (late - early) / 4

    for action in neuron.actions:
        if action.condition and place(action.tested) > place(action.when):
            raise ParameterError(
                f"initial: {type(neuron).__name__} tests {action.condition!r} at the end of a step "
                "and acts upon it in the next, which no state holds; run it in one piece"
            )
