"""How much memory a run of a converted network takes, and whether the machine has it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise

from bridge.errors import ConversionError

__all__ = ["available_bytes", "check_memory"]


# What a run keeps of each neuron and of each synapse: parameters, states, results; indices, weight
# and queue. Counted generously on Brian2's standalone programs.
_NEURON_BYTES = 400


_SYNAPSE_BYTES = 64


# Of the memory that is free, so much is used.
_SHARE = 0.5


def available_bytes() -> int:
    """Return how much memory is free on this machine, as far as it says."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 4 * 2**30


def check_memory(widths: Sequence[int], samples: int) -> int:
    """Return how many samples fit into memory at a time; refuse a network of which none does.

    Parameters
    ----------
    widths : sequence of int
        Neurons of each hidden layer.
    samples : int
        Samples to run.

    Raises
    ------
    ConversionError
        Not even one network fits.

    Examples
    --------
    >>> check_memory([64, 64], samples=10)
    10
    """
    synapses = sum(a * b for a, b in pairwise(widths))
    each = _NEURON_BYTES * sum(widths) + _SYNAPSE_BYTES * synapses + 8 * sum(widths) ** 2
    free = _SHARE * available_bytes()
    if each > free:
        between = f" and {synapses:.3g} synapses between them" if synapses else ""
        raise ConversionError(
            f"hidden layers of {', '.join(map(str, widths))} neurons{between} need "
            f"{each / 2**30:.3g} GB for a single input; {free / 2**30:.3g} GB may be used here: "
            f"make the layers narrower (samples_at_once cannot help), first that of {max(widths)}, "
            "lower population= where it is given, or do without dale=True (--dale)"
        )
    return int(min(samples, free // each))
