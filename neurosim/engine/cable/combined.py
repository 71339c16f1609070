"""Membrane currents, and potentials outside, as sums over what a run solves for.

The membrane current of a compartment is what flows in along the axis, and the potential at an
electrode outside a sum of membrane currents: both are sums of axial currents with fixed weights,
worked out once. A run needs no memory beside them, however many compartments it has.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.engine.cable.draft import Run
from neurosim.engine.cable.inputs import Combined, Tree
from neurosim.morphology import Compartments
from neurosim.outside.axial import membrane_weights, transfer_weights

__all__ = ["combine"]


def combine(
    probes: Sequence[tuple[int, int, int]],
    tree: Tree,
    shape: Compartments,
    numbering: np.ndarray,
    fields: Sequence[tuple[tuple[int, int, int], np.ndarray]],
    run: Run,
) -> tuple[list[tuple[int, int, int]], Combined]:
    """Return the probes with those of electrodes outside, and the sums that they read.

    Parameters
    ----------
    probes : sequence of (int, int, int)
        Kernel, variable and site; kernel -2: the membrane current of compartment `variable`.
    tree : Tree
        Of the engine.
    shape : Compartments
        Of the morphology.
    numbering : ndarray of int, shape (compartments,)
        Number in the engine of each compartment of the morphology.
    fields : sequence of ((int, int, int), ndarray)
        Of each field outside, and each compartment with gap junctions, kernel, traced variable and
        site of its current, and by compartment of the morphology (and cell) what the current is
        multiplied by.
    run : Run
        Electrodes outside, and where cells lie.
    """
    # The current along the axis is that of the membrane potential and that of the fields.
    shares = [np.empty_like(share) for _, share in fields]
    for ordered, (_, share) in zip(shares, fields, strict=True):
        ordered[numbering] = share
    sums = _of_membrane(probes, tree, shares)
    found, number = [], 0
    for probe in probes:
        found.append((-2, number, 0) if probe[0] == -2 else probe)
        number += probe[0] == -2
    if run.outside is not None:
        transfer = run.outside.transfer(shape, run.placement)
        ordered = np.empty_like(transfer)
        ordered[..., numbering] = transfer
        sums += _at_electrodes(ordered, tree, shares)
        found += [(-2, number + k, 0) for k in range(len(run.outside))]
    wide = max((weight.shape[1] for _, weight in sums), default=1)
    weights = [np.broadcast_to(weight, (len(weight), wide)) for _, weight in sums]
    stacked = np.concatenate([np.zeros((0, wide)), *weights])
    sizes = [len(term) for term, _ in sums]
    return found, Combined(
        starts=np.cumsum([0, *sizes]),
        term=np.concatenate([np.zeros(0, dtype=int), *(term for term, _ in sums)]),
        weight=stacked[:, 0] if wide == 1 else stacked,
        variables=[current for current, _ in fields],
    )


#: Terms of a sum, and the weight of each, shape (terms, cells) or (terms, 1).
_Sum = tuple[np.ndarray, np.ndarray]


def _of_membrane(
    probes: Sequence[tuple[int, int, int]], tree: Tree, shares: Sequence[np.ndarray]
) -> list[_Sum]:
    wanted = np.array([variable for kernel, variable, _ in probes if kernel == -2], dtype=int)
    flows = membrane_weights(tree.parent, wanted)
    sums = []
    for row, compartment in enumerate(wanted):
        here = slice(flows.indptr[row], flows.indptr[row + 1])
        sums.append(
            _joined(
                flows.indices[here],
                flows.data[here, np.newaxis],
                [np.atleast_1d(share[compartment]) for share in shares],
                tree.nodes,
            )
        )
    return sums


def _at_electrodes(transfer: np.ndarray, tree: Tree, shares: Sequence[np.ndarray]) -> list[_Sum]:
    """Return the sum at each electrode; `transfer` has the shape (1 or cells, electrodes, ...)."""
    inner = np.flatnonzero(tree.parent >= 0)
    weights = transfer_weights(tree.parent, transfer)[..., inner]
    sums = []
    for electrode in range(transfer.shape[1]):
        here = transfer[:, electrode]
        of_fields = [
            here @ share if share.ndim == 1 else np.sum(here * share.T, axis=1) for share in shares
        ]
        sums.append(_joined(inner, weights[:, electrode].T, of_fields, tree.nodes))
    return sums


def _joined(
    term: np.ndarray, weight: np.ndarray, of_fields: Sequence[np.ndarray], nodes: int
) -> _Sum:
    """Return the terms of axial currents followed by those of fields."""
    if not of_fields:
        return term, weight
    wide = max(weight.shape[1], *(len(one) for one in of_fields))
    rows = [np.broadcast_to(one, (1, wide)) for one in of_fields]
    spread = np.broadcast_to(weight, (len(weight), wide))
    return (
        np.concatenate([term, nodes + np.arange(len(of_fields))]),
        np.concatenate([spread, *rows]),
    )
