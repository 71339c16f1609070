"""Weights that are given to the synapses of a placement: what they may be, and for which rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.describe.neuron import Neuron
from neurosim.errors import ParameterError
from neurosim.gradients.places import weight_name

__all__ = ["checked_weights", "scales_of"]


def checked_weights(neuron: Neuron, given: Mapping[str, Any] | None) -> dict[str, np.ndarray]:
    """Return by full name the weights that are given.

    Raises
    ------
    ParameterError, UnknownNameError
        They are of no placement, not numbers of shape (synapses,) or (rows, synapses), or negative.
    """
    found: dict[str, np.ndarray] = {}
    for label, values in (given or {}).items():
        name = weight_name(neuron, label)
        if name in found:
            raise ParameterError(f"differentiate: weights of {label!r} are given twice")
        array = np.asarray(values, dtype=float)
        if array.ndim not in (1, 2):
            raise ParameterError(
                f"differentiate: weights of {label!r} must have the shape (synapses,) or (rows, "
                f"synapses); got {array.shape}"
            )
        if not np.isfinite(array).all() or np.any(array < 0):
            raise ParameterError(
                f"differentiate: weights of {label!r} must be finite and not negative, since no "
                "conductance is; let an inhibitory receptor (GABAA) do what would be negative"
            )
        found[name] = array
    return found


def scales_of(
    told: Mapping[str, np.ndarray],
    points: Mapping[str, tuple[int, np.ndarray, int]],
    cells: int,
) -> dict[str, np.ndarray]:
    """Return the given weights by name, each of shape (rows, synapses).

    Parameters
    ----------
    told : mapping of str to ndarray
    points : mapping
        By name, what `points_of` says; the third is the number of synapses.
    cells : int
        Rows of the run.

    Raises
    ------
    ParameterError
        There are not as many as synapses, or not as many rows as the run has.
    """
    found = {}
    for name, array in told.items():
        synapses = points[name][2]
        if array.shape[-1] != synapses or array.shape[:-1] not in ((), (cells,)):
            raise ParameterError(
                f"differentiate: {name} has the shape {array.shape}; the placement has {synapses} "
                f"synapses and the run {cells} rows, so give ({synapses},) or ({cells}, {synapses})"
            )
        found[name] = np.broadcast_to(array, (cells, synapses))
    return found
