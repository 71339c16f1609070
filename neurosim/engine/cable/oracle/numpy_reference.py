"""The same scheme in plain NumPy: an independent check, and an engine without a compiler.

It shares with the compiled program the equations as text and nothing else: expressions are
evaluated by Python, a state's linear coefficients are found by evaluating its equation at 0 and 1,
the slope of a current by a central difference, and the tree is solved by elimination over arrays
of cells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from neurosim.engine.cable.inputs import (
    CableInputs,
    CableResults,
)
from neurosim.engine.cable.model import CableModel
from neurosim.engine.cable.oracle.numpy_cells import Cells
from neurosim.engine.coupling.links import LinkResults, Links
from neurosim.engine.coupling.numpy_links import NumpyLinks
from neurosim.engine.programs.spike_exchange import Exchange, Fired

__all__ = ["run_oracle"]


def run_oracle(
    parts: Sequence[tuple[CableModel, CableInputs]],
    progress: Callable[[float], None] | None = None,
    exchange: Exchange | None = None,
    links: Links | None = None,
) -> tuple[list[CableResults], LinkResults]:
    """Run groups of cells; parameters and result as `execute_cables`."""
    groups = [Cells(k, model, inputs) for k, (model, inputs) in enumerate(parts)]
    first = parts[0][1]
    coupling = None if links is None else NumpyLinks(links, groups, first)
    told = [0] * len(groups)
    start, stop = first.start_step, first.start_step + first.steps
    for step in range(start - first.settle_steps, stop):
        if coupling is not None:
            coupling.step(step)
        else:
            for group in groups:
                group.step(step)
        if exchange is None or step < start:
            pass
        elif (step + 1 - start) % exchange.window == 0 or step + 1 == stop:
            fired = []
            for number, group in enumerate(groups):
                fired += [Fired(number, *spike) for spike in group.spikes[told[number] :]]
                told[number] = len(group.spikes)
            told_now = fired or step + 1 >= exchange.due
            for event in exchange(fired, step + 1) if told_now else []:
                groups[event.group].rows[event.kernel].expect(event)
        if progress is not None and step % 100 == 0:
            progress(max(0.0, (step - start) / max(1, first.steps)))
    samples = len(first.trace_time())
    nothing = LinkResults(np.zeros((0, samples)), np.zeros(0), np.zeros((0, 0)))
    told_of_links = nothing if coupling is None else coupling.results()
    return [group.results() for group in groups], told_of_links
