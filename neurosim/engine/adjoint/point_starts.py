"""How the states from which a point neuron starts follow its parameters.

The potential starts at a parameter. Every other state starts where its rate of change is 0 at that
potential, f(x, v, p) = 0, so that dx solves df/dx dx = -df/dv dv - df/dp dp: one linear system a
row, solved with its transpose.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from brian2.equations.equations import Equations

from neurosim.engine.adjoint.graph import Graph
from neurosim.engine.adjoint.numpy_values import values_of
from neurosim.engine.adjoint.reverse import reverse
from neurosim.engine.adjoint.step_reading import read_statements
from neurosim.equations.schemes import find_groups
from neurosim.errors import EngineError

__all__ = ["start_derivatives"]


def start_derivatives(
    equations: Equations,
    states: Mapping[str, np.ndarray],
    bars: Mapping[str, np.ndarray],
    wanted: tuple[str, ...],
    *,
    start: str,
    starts: Mapping[str, str],
    dt: float,
    name: str,
) -> dict[str, np.ndarray]:
    """Return what wanted parameters do to a loss by way of the states at the start.

    Parameters
    ----------
    equations : Equations
        Of the model.
    states : mapping of str to ndarray, each of shape (rows,) or ()
        Parameters and states at the start.
    bars : mapping of str to ndarray, each of shape (rows,)
        Derivative of the loss with respect to each state at the start.
    wanted : tuple of str
        The parameters.
    start, starts : str, mapping of str to str
        Parameter at which the potential starts, and those at which further states do.
    dt : float
        Time step, in second.
    name : str
        Of the neuron, for messages.

    Raises
    ------
    EngineError
        A state has no steady state.
    """
    rows = len(bars["v"])
    found = {one: np.zeros(rows) for one in wanted}
    own: dict[str, np.ndarray] = {start: bars["v"].copy()}
    for state, parameter in starts.items():
        own[parameter] = own.get(parameter, 0.0) + bars.get(state, np.zeros(rows))
    free = sorted(n for n in equations.diff_eq_names if n != "v" and n not in starts)
    free = [n for n in free if n in bars]
    if free:
        more = _through_rest(equations, states, bars, free, wanted, dt, name)
        own[start] = own[start] + more.pop("v")
        for state, parameter in starts.items():
            own[parameter] = own[parameter] + more.pop(state)
        for one, values in more.items():
            found[one] += values
    for one, values in own.items():
        if one in found:
            found[one] += values
    return found


def _through_rest(
    equations: Equations,
    states: Mapping[str, np.ndarray],
    bars: Mapping[str, np.ndarray],
    free: list[str],
    wanted: tuple[str, ...],
    dt: float,
    name: str,
) -> dict[str, np.ndarray]:
    """Return the derivative by way of the states at rest, by parameter and given state."""
    graph, rows = Graph(), len(bars["v"])
    codes = {x: equations[x].expr.code for x in free}
    # The states of a kinetic scheme sum to one, which takes the place of one of their equations.
    for group in find_groups(equations):
        if group.sums_to_one and set(group.states) <= set(free):
            codes[group.states[0]] = "(" + " + ".join(group.states) + " - 1)"
    lines = "\n".join(f"_rest_{x} = {code}" for x, code in codes.items())
    read = read_statements(graph, f"I_stim = 0\n{lines}", equations, name)
    moved = [n for n in equations.diff_eq_names if n not in free]
    inputs = {n: graph.input(n) for n in (*free, *moved, *wanted)}
    seeds: dict[int, int] = {}
    for x in free:
        at, seed = read[f"_rest_{x}"], graph.input(f"bar:{x}")
        seeds[at] = graph.add(seeds[at], seed) if at in seeds else seed
    slopes = reverse(graph, seeds, inputs.values())
    known = {n: np.asarray(v, dtype=float) for n, v in states.items()}
    known |= {"dt": np.asarray(dt), "t": np.zeros(()), "t_in_timesteps": np.zeros(())}
    known |= {"not_refractory": np.ones(()), "lastspike": np.asarray(-1e4)}

    def with_seeds(values: Mapping[str, np.ndarray], of: list[str]) -> list[np.ndarray]:
        given = known | {f"bar:{x}": values[x] for x in free}
        return [
            np.broadcast_to(one, (rows,))
            for one in values_of(graph, [slopes[inputs[n]] for n in of], given)
        ]

    matrix = np.empty((rows, len(free), len(free)))
    for k, x in enumerate(free):
        unit = {y: np.full(rows, float(y == x)) for y in free}
        matrix[:, k] = np.stack(with_seeds(unit, free), axis=1)
    right = np.stack([bars[x] for x in free], axis=1)
    try:
        solved = np.linalg.solve(np.swapaxes(matrix, 1, 2), -right[..., np.newaxis])[..., 0]
    except np.linalg.LinAlgError:
        raise EngineError(
            f"differentiate: {name}: how {', '.join(free)} follow the parameters at the start "
            "cannot be found, since some of them do not settle; give parameters at which they "
            "start"
        ) from None
    weights = {x: solved[:, k] for k, x in enumerate(free)}
    of = [*moved, *wanted]
    return dict(zip(of, with_seeds(weights, of), strict=True))
