"""The step of each kernel, and its derivative, as one graph of operations a kernel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from neurosim.engine.adjoint.graph import Graph
from neurosim.engine.adjoint.reverse import STANDING, along, reverse
from neurosim.engine.adjoint.step_reading import read_statements
from neurosim.engine.cable.model import Kernel
from neurosim.engine.cable.scheme import prepare, write_step

__all__ = [
    *("CLOCK", "COUNTED", "DOT", "OF_COUNT", "SLOPE", "Step", "StepAlong"),
    *("add_count", "differentiated", "moves_a_jump", "step_along"),
]

#: What the step reads of the run: its length (second), the time, and the number of the step.
CLOCK = ("dt", "t", "t_in_timesteps")
#: The sum, and that of the sizes of what is added, per volt of the potential.
COUNTED, SLOPE = "_counted", "_counted_slope"
#: What a step is told of it: by row how much it counts, and which steps do.
OF_COUNT = _SHARE, _FIRST, _STOP = "_counted_share", "_counted_first", "_counted_stop"
#: What the names of inputs begin with that are derivatives of others.
DOT = "dot:"


@dataclass(frozen=True)
class Step:
    """The step of one kernel.

    Attributes
    ----------
    kernel : Kernel
        Whose step it is.
    graph : Graph
        The operations.
    carried : tuple of str
        Variables that one step leaves to the next.
    after : dict of str to int
        By carried variable, its node after the step.
    conductance, current : int
        What the row adds to the diagonal and to the right-hand side of its compartment.
    wanted : tuple of str
        Parameters whose derivatives are wanted.
    bars : dict of str to int
        By carried variable, by wanted parameter, and of ``v``: the derivative of a sum of what the
        step leaves, with respect to what it was given. It takes inputs called ``bar:<variable>``,
        ``bar:conductance`` and ``bar:current``.
    jumps : frozenset of str
        Wanted parameters that say when something jumps, such as the onset of a current step: a run
        on a grid of time has no derivative with respect to them.
    counted : str
        Variable that is added up over the run; "" for none.
    """

    kernel: Kernel
    graph: Graph
    carried: tuple[str, ...]
    after: dict[str, int]
    conductance: int
    current: int
    wanted: tuple[str, ...]
    bars: dict[str, int]
    jumps: frozenset[str] = frozenset()
    counted: str = ""

    @property
    def parameters(self) -> tuple[str, ...]:
        """What the step is given that it does not change, clock and potential apart."""
        outputs = [*self.after.values(), self.conductance, self.current, *self.bars.values()]
        nodes = [self.graph.nodes[at] for at in self.graph.below(outputs)]
        names = {node.name for node in nodes if node.kind == "input"}
        own = {*self.carried, *CLOCK, "v"}
        return tuple(sorted(n for n in names - own if not n.startswith("bar:")))


@dataclass(frozen=True)
class StepAlong:
    """The step of one kernel, and how what it leaves follows what it is given.

    Attributes
    ----------
    step : Step
        Its graph holds the nodes of the derivatives too.
    dots : dict of str to int
        By carried variable, of ``conductance`` and of ``current``: the derivative along a direction
        that the inputs ``dot:<carried variable>``, ``dot:v`` and ``dot:<wanted parameter>`` tell.
    """

    step: Step
    dots: dict[str, int]


@lru_cache(maxsize=64)
def differentiated(kernel: Kernel, wanted: frozenset[str], counted: str = "") -> Step:
    """Return the step of a kernel with its derivative.

    Parameters
    ----------
    kernel : Kernel
        Whose step it is.
    wanted : frozenset of str
        Its parameters with respect to which derivatives are wanted.
    counted : str
        Variable that is traced, and added up over the run; "" for none.

    Raises
    ------
    EngineError
        An operation has no derivative that is known.
    """
    graph = Graph()
    found = read_statements(graph, write_step(kernel), prepare(kernel).parsed, kernel.name)
    carried = tuple(name for name in kernel.kept if name in found)
    after = {name: found[name] for name in carried}
    ends = [(after[name], f"bar:{name}") for name in carried]
    if counted:
        more = add_count(graph, found[f"_traced_{counted}"])
        carried, after = (*carried, COUNTED, SLOPE), {**after, **more}
        # The other sum is not judged, so that nothing goes back through it.
        ends.append((after[COUNTED], f"bar:{COUNTED}"))
    conductance, current = found["_conductance"], found["_current"]
    names = (*carried, "v", *sorted(wanted))
    inputs = {name: graph.input(name) for name in names}
    seeds: dict[int, int] = {}
    ends += [(conductance, "bar:conductance"), (current, "bar:current")]
    for at, name in ends:
        # Two outputs that are one node have the sum of their seeds.
        seed = graph.input(name)
        seeds[at] = graph.add(seeds[at], seed) if at in seeds else seed
    jumps = frozenset(name for name in wanted if moves_a_jump(graph, inputs[name]))
    bars = reverse(graph, seeds, inputs.values())
    return Step(
        kernel=kernel,
        graph=graph,
        carried=carried,
        after=after,
        conductance=conductance,
        current=current,
        wanted=tuple(sorted(wanted)),
        bars={name: bars[at] for name, at in inputs.items()},
        jumps=jumps,
        counted=counted,
    )


def moves_a_jump(graph: Graph, at: int) -> bool:
    """Return whether an input says when something jumps, or which data are read."""
    on_time = graph.above([graph.input(name) for name in CLOCK if name != "dt"])
    for number in graph.above([at]):
        node = graph.nodes[number]
        if node.kind in STANDING:
            compared = node.kind in ("less", "at_most", "equal")
            if not compared or not on_time.isdisjoint(node.args):
                return True
    return False


def add_count(graph: Graph, now: int) -> dict[str, int]:
    """Return by name the nodes of the sums after a step.

    Parameters
    ----------
    graph : Graph
        What is written to.
    now : int
        What is added, times the length of the step.
    """
    index, one = graph.input("t_in_timesteps"), graph.constant(1)
    begun = graph.node("at_most", graph.input(_FIRST), index)
    over = graph.node("at_most", graph.input(_STOP), index)
    weight = graph.mul(graph.mul(begun, graph.sub(one, over)), graph.input(_SHARE))
    weight = graph.mul(weight, graph.input("dt"))
    v = graph.input("v")
    slope = graph.node("abs", graph.mul(weight, reverse(graph, {now: one}, [v])[v]))
    return {
        COUNTED: graph.add(graph.input(COUNTED), graph.mul(weight, now)),
        SLOPE: graph.add(graph.input(SLOPE), slope),
    }


def step_along(step: Step) -> StepAlong:
    """Return the step of a kernel with its derivative along a direction.

    Raises
    ------
    EngineError
        An operation has no derivative that is known.
    """
    # Steps are kept for other runs, which know nothing of directions.
    step = replace(step, graph=step.graph.copy())
    graph = step.graph
    dots = {graph.input(n): graph.input(f"{DOT}{n}") for n in (*step.carried, "v", *step.wanted)}
    ends = {**step.after, "conductance": step.conductance, "current": step.current}
    found = along(graph, ends.values(), dots)
    return StepAlong(step, {name: found[at] for name, at in ends.items()})
