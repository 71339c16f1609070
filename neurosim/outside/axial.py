"""Membrane currents of a tree of compartments, from the currents along its axis.

What flows into a compartment along the axis leaves it through the membrane: through capacitance,
channels and synapses, less what an electrode in the cell injects there. Every axial current is
added to one compartment and taken from another, so that the membrane currents of a cell sum to
zero but for rounding.

Nodes are numbered as in the engine: compartments first, then junctions, points without membrane.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csc_array, csr_array
from scipy.sparse.linalg import splu

__all__ = [
    "activating_currents",
    "membrane_weights",
    "node_potentials",
    "shared_out",
    "transfer_weights",
]


def transfer_weights(parent: np.ndarray, transfer: np.ndarray) -> np.ndarray:
    """Return by how much the axial current from each node to its parent counts at an electrode.

    Parameters
    ----------
    parent : ndarray of int, shape (nodes,)
        Parent of each node, -1 at a root.
    transfer : ndarray, shape (..., compartments)
        Potential per ampere through the membrane of each compartment.

    Returns
    -------
    ndarray, shape (..., nodes)
        Zero at a root.
    """
    count = transfer.shape[-1]
    inner = parent >= 0
    found = np.zeros((*transfer.shape[:-1], len(parent)))
    found[..., :count] = transfer
    # What enters a junction leaves it, so that its value is free; that of its parent keeps the
    # weights small. The parent of a junction may be one, and stands then above it.
    waiting = np.flatnonzero((np.arange(len(parent)) >= count) & inner)
    while len(waiting):
        ready = (parent[waiting] < count) | ~np.isin(parent[waiting], waiting)
        found[..., waiting[ready]] = found[..., parent[waiting[ready]]]
        waiting = waiting[~ready]
    weights = np.zeros_like(found)
    weights[..., inner] = found[..., parent[inner]] - found[..., inner]
    return weights


def membrane_weights(parent: np.ndarray, compartments: np.ndarray) -> csr_array:
    """Return the axial currents that make up the outward membrane current of some compartments.

    Parameters
    ----------
    parent : ndarray of int, shape (nodes,)
        Parent of each node, -1 at a root.
    compartments : ndarray of int, shape (n,)
        Which ones, in the numbers of the nodes.

    Returns
    -------
    csr_array, shape (n, nodes)
        1 where the current from a node to its parent flows in, -1 where it flows out.
    """
    nodes = len(parent)
    inner = np.flatnonzero(parent >= 0)
    flows = csr_array(
        (
            np.concatenate([np.ones(len(inner)), -np.ones(len(inner))]),
            (np.concatenate([parent[inner], inner]), np.concatenate([inner, inner])),
        ),
        shape=(nodes, nodes),
    )
    return csr_array(flows[np.asarray(compartments, dtype=np.intp)])


def node_potentials(
    parent: np.ndarray,
    up: np.ndarray,
    outside: np.ndarray,
    known: np.ndarray | None = None,
) -> np.ndarray:
    """Return the potential outside every node from that outside every compartment.

    A junction has no membrane, and so no potential outside of its own: it is given that at which no
    current stands for the field there.

    Parameters
    ----------
    parent : ndarray of int, shape (nodes,)
        Parent of each node, -1 at a root.
    up : ndarray, shape (nodes,)
        Conductance to the parent, in siemens.
    outside : ndarray, shape (..., compartments)
        Potential outside each compartment, in volt.
    known : ndarray, shape (..., nodes), optional
        Potentials that are taken instead; NaN where none is known.
    """
    nodes, count = len(parent), outside.shape[-1]
    found = np.full((*outside.shape[:-1], nodes), np.nan) if known is None else known.copy()
    found[..., :count] = outside
    free = np.flatnonzero(np.isnan(found.reshape(-1, nodes)[0]))
    if not len(free):
        return found
    inner = np.flatnonzero((parent >= 0) & (up > 0))
    rows = np.concatenate([inner, parent[inner]])
    columns = np.concatenate([parent[inner], inner])
    joined = csr_array((np.concatenate([up[inner]] * 2), (rows, columns)), shape=(nodes, nodes))
    around = joined.sum(axis=1)[free]
    # A junction that nothing joins has any potential.
    diagonal = csr_array((np.where(around > 0, around, 1.0), (np.arange(len(free)),) * 2))
    held = np.setdiff1d(np.arange(nodes), free)
    right = joined[free][:, held] @ found[..., held].reshape(-1, len(held)).T
    matrix = csc_array(diagonal - joined[free][:, free])
    solved = splu(matrix).solve(np.ascontiguousarray(right))
    found[..., free] = solved.T.reshape(*outside.shape[:-1], -1)
    return found


def activating_currents(parent: np.ndarray, up: np.ndarray, potential: np.ndarray) -> np.ndarray:
    r"""Return the currents that act as a potential outside does.

    .. math:: I_k = \sum_j g_{kj} (\phi_j - \phi_k)

    over the neighbours j of a node: the activating function times area.

    Parameters
    ----------
    parent : ndarray of int, shape (nodes,)
        Parent of each node, -1 at a root.
    up : ndarray, shape (nodes,)
        Conductance to the parent, in siemens.
    potential : ndarray, shape (..., nodes)
        Potential outside each node, in volt.

    Returns
    -------
    ndarray, shape (..., nodes)
        Inward current of each, in ampere.

    References
    ----------
    Rattay (1986), IEEE Trans Biomed Eng 33:974.
    """
    inner = np.flatnonzero(parent >= 0)
    flow = np.zeros_like(potential)
    flow[..., inner] = up[inner] * (potential[..., inner] - potential[..., parent[inner]])
    current = -flow
    np.add.at(np.moveaxis(current, -1, 0), parent[inner], np.moveaxis(flow, -1, 0)[inner])
    return current


def shared_out(
    parent: np.ndarray, up: np.ndarray, currents: np.ndarray, compartments: int
) -> np.ndarray:
    """Return currents of compartments, with those of each junction shared out to its neighbours.

    Where a layer outside the membrane is open at a junction, current leaves there. It is counted as
    that of the compartments which meet there, by their conductance to it.

    Parameters
    ----------
    parent : ndarray of int, shape (nodes,)
        Parent of each node, -1 at a root.
    up : ndarray, shape (nodes,)
        Conductance to the parent, in siemens.
    currents : ndarray, shape (..., nodes)
        Current of each node.
    compartments : int
        How many of the nodes are compartments.

    Returns
    -------
    ndarray, shape (..., compartments)
    """
    found = currents.copy()
    inner = np.flatnonzero(parent >= 0)
    around = np.bincount(parent[inner], weights=up[inner], minlength=len(parent)) + up
    for node in range(compartments, len(parent)):
        below = np.flatnonzero(parent == node)
        meets = np.append(below, parent[node])
        part = np.append(up[below], up[node]) / around[node]
        found[..., meets] += currents[..., node, np.newaxis] * part
    return found[..., :compartments]
