"""An axon that branches: the same spikes reach many terminals, each at its own time."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.units import Quantity, ms, second

from neurosim.quantities import check_quantity
from neurosim.synapses.events import Events, check_spikes
from neurosim.terminals.base import Terminal

__all__ = ["release_at_all"]


def release_at_all(
    terminal: Terminal, spike_times: Quantity, delays: Quantity, seed: Any = 0
) -> tuple[Events, ...]:
    """Return what each terminal of an axon releases.

    Parameters
    ----------
    terminal : Terminal
        What every branch ends in; each draws random numbers of its own.
    spike_times : Quantity
        Ascending times of the spikes where the axon begins to branch.
    delays : Quantity
        Conduction time from there to each terminal, shape (terminals,).
    seed : int or array of int
        As in `Terminal.release`.

    Returns
    -------
    tuple of Events
        One a terminal; `Events.merge` puts them together for one target.

    Examples
    --------
    >>> from neurosim.terminals import TsodyksMarkram
    >>> both = release_at_all(TsodyksMarkram(), [10, 30] * ms, [1, 4] * ms)
    >>> [(events.time_s * 1e3).round(2).tolist() for events in both]
    [[11.5, 31.5], [14.5, 34.5]]
    """
    times = check_spikes(spike_times, "release_at_all: spike_times")
    name = "release_at_all: delays"
    late = check_quantity(delays, 1 * ms, name, at_least=0 * ms, many=1)
    return tuple(
        terminal.release(Quantity(times + delay, dim=second.dim), seed, terminal=k)
        for k, delay in enumerate(np.atleast_1d(np.asarray(late, dtype=float)))
    )
