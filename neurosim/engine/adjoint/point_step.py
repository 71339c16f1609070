"""The step of a point neuron as statements, and as one graph of operations.

A neuron that no spike resets takes a step as a compartment on its own does whose equation is solved
already: the conductance is 1, and the current is the next potential. So the program of branched
neurons runs it, and takes it back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from brian2.equations.equations import Equations
from brian2.stateupdaters.base import UnsupportedEquationsException
from brian2.utils.stringtools import get_identifiers

from neurosim.engine.adjoint.graph import Graph
from neurosim.engine.adjoint.reverse import reverse
from neurosim.engine.adjoint.step_derivative import COUNTED, SLOPE, Step, add_count, moves_a_jump
from neurosim.engine.adjoint.step_reading import read_statements
from neurosim.engine.cable.inputs import CableInputs, KernelInputs, Tree
from neurosim.engine.cable.model import Kernel
from neurosim.engine.point.exponential_euler import ExponentialEuler
from neurosim.engine.point.inputs import Inputs
from neurosim.engine.point.model import Model
from neurosim.errors import EngineError

__all__ = [
    *("FREE", "as_compartment", "climb_of", "drive_of", "flow_of", "point_step", "rate_of"),
    "resets",
]

#: Whether states move that a refractory neuron holds, as Brian2 calls it.
FREE = "not_refractory"
_HELD = f"int({FREE})*("


def rate_of(equations: Equations, state: str) -> str:
    """Return the right side of the equation of a state; it stands still while it is held."""
    code: str = equations[state].expr.code.strip()
    if "unless refractory" not in equations[state].flags:
        return code
    code = code.removeprefix(_HELD)[:-1] if code.startswith(_HELD) else code
    return f"{FREE}*({code})"


def drive_of(model: Model) -> list[str]:
    """Return what is worked out at the start of a step, before states advance."""
    lines = [line for code in model.updates for line in code.splitlines() if line.strip()]
    return [*lines, f"I_stim = {model.drive}"] if model.drive else lines


def flow_of(model: Model, equations: Equations, name: str) -> list[str]:
    """Return what advances the states by ``dt``, as the engine does it.

    Raises
    ------
    EngineError
        The method has no derivative here.
    """
    states = sorted(equations.diff_eq_names)
    rates = {state: rate_of(equations, state) for state in states}
    if model.method == "exponential_euler":
        try:
            lines = ExponentialEuler()(equations).splitlines()
        except (UnsupportedEquationsException, TypeError, AttributeError):
            raise EngineError(
                f"differentiate: {name} is advanced by Brian2's own exponential Euler, of which "
                "there is no derivative yet; give method='rk4'"
            ) from None
        held = [state for state in states if "unless refractory" in equations[state].flags]
        before = [f"_start_{state} = {state}" for state in held]
        after = [f"{state} = _start_{state} + {FREE}*({state} - _start_{state})" for state in held]
        return [*before, *lines, *after]
    stages = _STAGES.get(model.method)
    if stages is None:
        raise EngineError(
            f"differentiate: {name} is advanced by the method {model.method!r}, of which there is "
            f"no derivative yet; give one of {', '.join([*_STAGES, 'exponential_euler'])}"
        )
    return _staged(rates, *stages)


# By method of Brian2, from which share of the step on each rate of change is taken, by way of the
# rate before it, and what the rates count in the end (in sixths and so on).
_STAGES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "euler": ((0.0,), (1.0,)),
    "rk2": ((0.0, 0.5), (0.0, 1.0)),
    "rk4": ((0.0, 0.5, 0.5, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
}


def _staged(rates: dict[str, str], shares: Sequence[float], weights: Sequence[float]) -> list[str]:
    """Return the statements of an explicit Runge-Kutta step."""
    changes = {x: f"dt*({code})" for x, code in rates.items()}
    return _stages(changes, "{share!r}*dt", shares, weights, [])


def climb_of(equations: Equations) -> list[str]:
    """Return what advances the states while ``v`` rises by ``dt`` (a potential).

    On the way ``_elapsed`` (second) goes by. With the potential as what is counted, a rise that
    would blow up in time is smooth (Henon 1982, Physica D 5:412): ``dx/dv`` is the rate of x over
    that of v.
    """
    rates = {state: rate_of(equations, state) for state in sorted(equations.diff_eq_names)}
    changes = {x: f"dt*({code})/_speed" for x, code in rates.items() if x != "v"}
    changes |= {"v": "dt", "_elapsed": "dt/_speed"}
    first = [f"_speed = {rates['v']}"]
    shares, weights = _STAGES["rk4"]
    ahead = "{share!r}*_change_{last}__elapsed"
    return ["_elapsed = 0", *_stages(changes, ahead, shares, weights, first)]


def _stages(
    changes: dict[str, str],
    ahead: str,
    shares: Sequence[float],
    weights: Sequence[float],
    first: Sequence[str],
) -> list[str]:
    """Return the stages of Runge-Kutta: by state its changes, and how far ``t`` is ahead."""
    lines = [f"_start_{state} = {state}" for state in changes] + ["_start_t = t"]
    for k, share in enumerate(shares):
        if share:
            lines.append(f"t = _start_t + {ahead.format(share=share, last=k - 1)}")
            lines += [f"{x} = _start_{x} + {share!r}*_change_{k - 1}_{x}" for x in changes]
        lines += [*first, *(f"_change_{k}_{x} = {code}" for x, code in changes.items())]
    for x in changes:
        total = " + ".join(f"{w!r}*_change_{k}_{x}" for k, w in enumerate(weights) if w)
        lines.append(f"{x} = _start_{x} + {total}")
    return [*lines, "t = _start_t"]


def resets(model: Model, equations: Equations) -> bool:
    """Return whether a spike changes anything that follows it."""
    codes = [e.expr.code for e in equations.values() if e.expr is not None]
    codes += [*model.updates, model.drive]
    named = {name for code in codes for name in get_identifiers(code)}
    flagged = any("unless refractory" in equations[n].flags for n in equations.diff_eq_names)
    return bool(model.reset.strip()) or flagged or not named.isdisjoint({FREE, "lastspike"})


def point_step(
    model: Model, equations: Equations, name: str, wanted: Collection[str], counted: str = ""
) -> Step:
    """Return the step of a point neuron that no spike resets, with its derivative.

    Parameters
    ----------
    model : Model
        What is run.
    equations : Equations
        Its equations.
    name : str
        Of the neuron, for messages.
    wanted : collection of str
        Parameters with respect to which derivatives are wanted.
    counted : str
        Variable that is added up over the run, with its value at the start of each step; "" for
        none.

    Raises
    ------
    EngineError
        An operation has no derivative that is known.
    """
    lines = [*drive_of(model), *([f"_traced_{counted} = {counted}"] if counted else [])]
    lines += flow_of(model, equations, name)
    graph = Graph()
    found = read_statements(graph, "\n".join(lines), equations, name)
    read = {node.name for node in graph.nodes if node.kind == "input"}
    kept = set(model.kept) - {"v", "I_stim", "lastspike", FREE}
    carried = tuple(sorted(n for n in kept & set(found) if n in read))
    after = {n: found[n] for n in carried}
    ends = [(after[n], f"bar:{n}") for n in carried] + [(found["v"], "bar:current")]
    if counted:
        carried = (*carried, COUNTED, SLOPE)
        after |= add_count(graph, found[f"_traced_{counted}"])
        ends.append((after[COUNTED], f"bar:{COUNTED}"))
    inputs = {n: graph.input(n) for n in (*carried, "v", *sorted(wanted))}
    seeds: dict[int, int] = {}
    for at, seed_name in ends:
        seed = graph.input(seed_name)
        seeds[at] = graph.add(seeds[at], seed) if at in seeds else seed
    jumps = frozenset(n for n in wanted if moves_a_jump(graph, inputs[n]))
    bars = reverse(graph, seeds, inputs.values())
    return Step(
        # As a patch of membrane, which writes its own compartment; the name of a neuron would have
        # equal models compiled twice.
        kernel=Kernel("point", model.equations, "", density=True, updates=tuple(lines)),
        graph=graph,
        carried=carried,
        after=after,
        conductance=graph.constant(1),
        current=found["v"],
        wanted=tuple(sorted(wanted)),
        bars={n: bars[at] for n, at in inputs.items()},
        jumps=jumps,
        counted=counted,
    )


def as_compartment(inputs: Inputs) -> CableInputs:
    """Return a batch of point neurons as cells of one compartment each."""
    rows = inputs.rows
    values = {
        name: value if value.ndim == 0 else np.asarray(value, dtype=float)[np.newaxis]
        for name, value in inputs.states.items()
    }
    return CableInputs(
        tree=Tree(np.array([-1]), np.zeros(1), 1),
        kernels=(KernelInputs(1, np.zeros(1, dtype=int), values),),
        start=values["v"],
        cells=rows,
        duration=inputs.duration,
        dt=inputs.dt,
        trace_dt=inputs.dt,
        waveforms=inputs.waveforms,
        probes=[(-1, 0, 0)],
    )
