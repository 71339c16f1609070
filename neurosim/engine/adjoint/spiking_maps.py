"""A point neuron that spikes reset, as maps of its states: drive, flow, threshold and reset.

A run is a chain of them. The drive is worked out at the start of every step; the flow advances the
states by any length of time, whole steps and the parts of one before and after an event; the
threshold is a number that is positive from the spike on; and the reset is what a spike does.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from textwrap import dedent

from brian2.equations.equations import Equations
from brian2.utils.stringtools import get_identifiers

from neurosim.engine.adjoint.graph import Graph
from neurosim.engine.adjoint.point_step import FREE, climb_of, drive_of, flow_of, rate_of
from neurosim.engine.adjoint.reverse import reverse
from neurosim.engine.adjoint.step_derivative import CLOCK, moves_a_jump
from neurosim.engine.adjoint.step_reading import read_statements
from neurosim.engine.point.model import Model
from neurosim.errors import EngineError

__all__ = ["PointMap", "SpikingMaps", "spiking_maps"]


@dataclass(frozen=True)
class PointMap:
    """A map and its derivative.

    Attributes
    ----------
    graph : Graph
        The operations.
    outputs : dict of str to int
        By name of a state (after the map) or of a number, its node.
    bars : dict of str to int
        By input, the derivative of a sum of outputs, which takes inputs called ``bar:<output>``.
    """

    graph: Graph
    outputs: dict[str, int]
    bars: dict[str, int]

    @property
    def inputs(self) -> set[str]:
        """What it is given, seeds apart."""
        below = self.graph.below([*self.outputs.values(), *self.bars.values()])
        nodes = [self.graph.nodes[at] for at in below]
        names = {node.name for node in nodes if node.kind == "input"}
        return {name for name in names if not name.startswith("bar:")}


@dataclass(frozen=True)
class SpikingMaps:
    """The maps of a neuron.

    Attributes
    ----------
    states : tuple of str
        What is left from one step to the next, ``v`` first.
    wanted : tuple of str
        Parameters whose derivatives are wanted.
    parameters : tuple of str
        What the maps are given.
    shared : frozenset of str
        Parameters with one value for all rows.
    drive, flow, climb, threshold, reset : PointMap
        The maps. The flow tells also the ``speed`` of ``v`` and its ``slope`` along ``v`` where it
        begins, the climb how much time has ``elapsed`` while ``v`` rose by a given potential, the
        threshold the ``gap``, and the reset how long it is followed by a ``hold``.
    jumps : frozenset of str
        Wanted parameters that say when something jumps.
    told : tuple of str
        What they were made from.
    """

    states: tuple[str, ...]
    wanted: tuple[str, ...]
    parameters: tuple[str, ...]
    shared: frozenset[str]
    drive: PointMap
    flow: PointMap
    climb: PointMap
    threshold: PointMap
    reset: PointMap
    jumps: frozenset[str]
    told: tuple[str, ...]


def spiking_maps(
    model: Model, equations: Equations, name: str, wanted: Collection[str]
) -> SpikingMaps:
    """Return the maps of a neuron with their derivatives.

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

    Raises
    ------
    EngineError
        Threshold, reset or refractory period are of a kind that has no derivative here.
    """
    drive = drive_of(model)
    # How fast neighbouring potentials part: where they do, steps must be short.
    flow = [f"_speed_v = {rate_of(equations, 'v')}", *flow_of(model, equations, name)]
    climb = climb_of(equations)
    moving = {line.partition("=")[0].strip() for line in model.updates}
    others = sorted((equations.diff_eq_names | moving | {"I_stim"}) - {"v"})
    known = set(equations.parameter_names) | equations.diff_eq_names
    states = ("v", *(x for x in others if x in known and not (x == "I_stim" and not model.drive)))
    gap = _gap(model.threshold, name)
    reset = [*_assignments(model.reset, name), f"_hold = {_hold(model, states, name)}"]

    moved = [*states, *sorted(wanted)]
    maps = (
        _mapped(drive, equations, name, states, {}, moved),
        _mapped(flow, equations, name, states, {}, [*moved, "dt", "t"]),
        _mapped(climb, equations, name, states, {"elapsed": "_elapsed"}, [*moved, "dt", "t"]),
        _mapped([f"_gap = {gap}"], equations, name, (), {"gap": "_gap"}, moved),
        _mapped(reset, equations, name, states, {"hold": "_hold"}, moved),
    )
    _check(maps, name)
    given = set().union(*(one.inputs for one in maps)) - {*states, *CLOCK, FREE}
    shared = {n for n in equations.parameter_names if "shared" in equations[n].flags}
    graph = maps[0].graph
    jumps = {n for n in wanted if moves_a_jump(graph, graph.input(n))}
    return SpikingMaps(
        states, tuple(sorted(wanted)), tuple(sorted(given)), frozenset(shared), *maps,
        frozenset(jumps),
        ("spiking", model.equations, *drive, "|", *flow, "|", *climb, "|", gap, "|", *reset),
    )  # fmt: skip


def _mapped(
    lines: Sequence[str],
    equations: Equations,
    name: str,
    states: Sequence[str],
    more: Mapping[str, str],
    moving: Sequence[str],
) -> PointMap:
    graph = Graph()
    found = read_statements(graph, "\n".join(lines), equations, name)
    outputs = {x: found.get(x, graph.input(x)) for x in states}
    outputs |= {one: found[variable] for one, variable in more.items()}
    seeds: dict[int, int] = {}
    for one, at in outputs.items():
        seed = graph.input(f"bar:{one}")
        seeds[at] = graph.add(seeds[at], seed) if at in seeds else seed
    inputs = {x: graph.input(x) for x in moving}
    bars = reverse(graph, seeds, inputs.values())
    if "_speed_v" in found:
        v, speed = graph.input("v"), found["_speed_v"]
        outputs["speed"] = speed
        outputs["slope"] = reverse(graph, {speed: graph.constant(1)}, [v])[v]
    return PointMap(graph, outputs, {x: bars[at] for x, at in inputs.items()})


def _check(maps: Sequence[PointMap], name: str) -> None:
    for one in maps[1:]:
        wrong = one.inputs & {"t_in_timesteps", "lastspike"}
        wrong |= {node.kind for node in one.graph.nodes} & {"gaussian", "waveform", "step_level"}
        if wrong:
            raise EngineError(
                f"differentiate: {name} uses {', '.join(sorted(wrong))} between the starts of "
                "steps, of which there is no derivative where spikes reset a neuron"
            )


def _gap(threshold: str, name: str) -> str:
    """Return what is 0 at the threshold and positive beyond, as an expression."""
    match ast.parse(threshold, mode="eval").body:
        case ast.Compare(left=left, ops=[ast.Gt() | ast.GtE()], comparators=[right]):
            return f"({ast.unparse(left)}) - ({ast.unparse(right)})"
        case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE()], comparators=[right]):
            return f"({ast.unparse(right)}) - ({ast.unparse(left)})"
    raise EngineError(
        f"differentiate: the threshold {threshold!r} of {name} is not one comparison such as "
        "'v >= V_th', so that the time at which it is crossed has no derivative here"
    )


_SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def _assignments(code: str, name: str) -> list[str]:
    """Return the statements of a reset as plain assignments."""
    lines = []
    for statement in ast.parse(dedent(code).strip()).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=left)], value=value):
                lines.append(f"{left} = {ast.unparse(value)}")
                continue
            case ast.AugAssign(target=ast.Name(id=left), op=op, value=value) if type(op) in _SIGNS:
                lines.append(f"{left} = {left} {_SIGNS[type(op)]} ({ast.unparse(value)})")
                continue
        raise EngineError(
            f"differentiate: the reset of {name} holds {ast.unparse(statement)!r}, which is no "
            "assignment such as 'v = V_reset' or 'w += b'"
        )
    return lines


def _hold(model: Model, states: Sequence[str], name: str) -> str:
    """Return how long a spike is followed by refractoriness, as an expression."""
    code = model.refractory.strip()
    if code == "False":
        return "0"
    tree = ast.parse(code, mode="eval")
    known: set[str] = set(get_identifiers(code))
    conditions = any(isinstance(node, ast.Compare | ast.BoolOp) for node in ast.walk(tree))
    if conditions or code == "True" or known & {*states, "lastspike", "t", FREE}:
        raise EngineError(
            f"differentiate: the refractory period {code!r} of {name} is no length of time that "
            "its parameters tell; give one such as 't_ref'"
        )
    return code
