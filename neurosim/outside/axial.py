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

__all__ = ["activating_currents", "membrane_weights", "transfer_weights"]


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


def activating_currents(
    parent: np.ndarray, up: np.ndarray, compartments: int, outside: np.ndarray
) -> np.ndarray:
    r"""Return the currents that act on the membrane as a potential outside does.

    .. math:: I_k = \sum_j g_{kj} (\phi_j - \phi_k)

    over the neighbours j of a compartment: the activating function times area.

    Parameters
    ----------
    parent : ndarray of int, shape (nodes,)
        Parent of each node, -1 at a root.
    up : ndarray, shape (nodes,)
        Conductance to the parent, in siemens.
    compartments : int
        How many of the nodes are compartments.
    outside : ndarray, shape (..., compartments)
        Potential outside each compartment, in volt.

    Returns
    -------
    ndarray, shape (..., compartments)
        Inward current of each, in ampere.

    References
    ----------
    Rattay (1986), IEEE Trans Biomed Eng 33:974.
    """
    nodes = len(parent)
    potential = np.zeros((*outside.shape[:-1], nodes))
    potential[..., :compartments] = outside
    inner = np.flatnonzero(parent >= 0)
    if nodes > compartments:
        # A point without membrane has no potential of its own outside: what its neighbours make.
        rows, columns = (
            np.concatenate([inner, parent[inner]]),
            np.concatenate([parent[inner], inner]),
        )
        values = np.concatenate([up[inner], up[inner]])
        joined = csr_array((values, (rows, columns)), shape=(nodes, nodes))
        around = csr_array((joined.sum(axis=1), (np.arange(nodes),) * 2), shape=(nodes, nodes))
        laplacian = csc_array(around - joined)[compartments:]
        right = -(laplacian[:, :compartments] @ outside.reshape(-1, compartments).T)
        found = splu(csc_array(laplacian[:, compartments:])).solve(np.ascontiguousarray(right))
        potential[..., compartments:] = found.T.reshape(*outside.shape[:-1], -1)
    flow = np.zeros_like(potential)
    flow[..., inner] = up[inner] * (potential[..., inner] - potential[..., parent[inner]])
    current = -flow
    np.add.at(np.moveaxis(current, -1, 0), parent[inner], np.moveaxis(flow, -1, 0)[inner])
    return np.asarray(current[..., :compartments])
