"""The step of each kernel, and its derivative, as one graph of operations a kernel."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from neurosim.engine.adjoint.counting import COUNTED, SLOPE, add_count
from neurosim.engine.adjoint.graph import Graph
from neurosim.engine.adjoint.reverse import STANDING, reverse
from neurosim.engine.adjoint.step_reading import read_statements
from neurosim.engine.cable.model import Kernel
from neurosim.engine.cable.scheme import prepare, write_step

__all__ = ["CLOCK", "Step", "differentiated", "moves_a_jump"]

#: What the step reads of the run: its length (second), the time, and the number of the step.
CLOCK = ("dt", "t", "t_in_timesteps")


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


def differentiated(kernel: Kernel, wanted: Collection[str], counted: str = "") -> Step:
    """Return the step of a kernel with its derivative.

    Parameters
    ----------
    kernel : Kernel
        Whose step it is.
    wanted : collection of str
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
