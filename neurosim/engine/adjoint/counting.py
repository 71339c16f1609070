"""What a run adds up beside its states: a current over a stretch of time, which is a charge.

The sum is one more number that each step leaves to the next, so that the run back takes it along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.engine.adjoint.graph import Graph
from neurosim.engine.adjoint.reverse import reverse
from neurosim.engine.cable.inputs import KernelInputs

__all__ = ["COUNTED", "OF_COUNT", "SLOPE", "Count", "add_count", "values_with_count"]

#: The sum, and that of the sizes of what is added, per volt of the potential.
COUNTED, SLOPE = "_counted", "_counted_slope"
#: What a step is told of it: by row how much it counts, and which steps do.
OF_COUNT = _SHARE, _FIRST, _STOP = "_counted_share", "_counted_first", "_counted_stop"


@dataclass(frozen=True)
class Count:
    """A variable of a kernel that is added up.

    Attributes
    ----------
    kernel : int
        Which.
    variable : str
        Expression or state of it.
    site : int
        Row of the kernel.
    first, stop : int
        Steps that count, `stop` not among them.
    share : float
        What the variable is multiplied by, such as the area of a compartment.
    """

    kernel: int
    variable: str
    site: int
    first: int
    stop: int
    share: float = 1.0


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


def values_with_count(given: KernelInputs, cells: int, count: Count) -> Mapping[str, np.ndarray]:
    """Return the values of a kernel with those that its sum is given."""
    shape = (given.sites, cells)
    share = np.zeros(shape)
    share[count.site] = count.share
    more = {
        COUNTED: np.zeros(shape),
        SLOPE: np.zeros(shape),
        _SHARE: share,
        _FIRST: np.full(shape, float(count.first)),
        _STOP: np.full(shape, float(count.stop)),
    }
    return {**given.values, **more}
