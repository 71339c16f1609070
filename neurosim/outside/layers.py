"""The second cable of a neuron with layers outside its membrane, as conductances between nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.morphology import Compartments

__all__ = ["GROUNDED", "join_layers"]

#: Conductance to the outside (siemens) of a compartment that has no layer: none holds it away.
GROUNDED = 1e3


@dataclass(frozen=True)
class Joined:
    """Conductances of the layer, in the order of the nodes of the morphology.

    Attributes
    ----------
    up : ndarray, shape (nodes,)
        To the parent, in siemens; 0 where neither node has a layer.
    grounded : ndarray of bool, shape (nodes,)
        Nodes whose layer is the outside itself.
    """

    up: np.ndarray
    grounded: np.ndarray


def join_layers(cut: Compartments, resistance: np.ndarray) -> Joined:
    """Join the layers of neighbouring compartments.

    Parameters
    ----------
    cut : Compartments
        Of the neuron.
    resistance : ndarray, shape (compartments,)
        Along each, in ohm per metre; NaN where there is no layer.

    Notes
    -----
    Half a compartment lies between its centre and its end. At the border of a compartment without
    a layer the space is open to the outside, and so is a junction that such a compartment meets.
    """
    layered = np.isfinite(resistance)
    half = np.where(layered, resistance, 0.0) * cut.length_m / 2
    parent, own = cut.node_parent, cut.node_compartment
    inner = np.flatnonzero(parent >= 0)
    grounded = np.zeros(len(parent), dtype=bool)
    grounded[own >= 0] = ~layered[own[own >= 0]]
    junction = own < 0
    # What meets a junction: its parent, and its children.
    meets = np.zeros(len(parent), dtype=bool)
    of = parent[inner]
    np.logical_or.at(meets, of, grounded[inner] & ~junction[inner])
    here = inner[junction[inner]]
    meets[here] |= grounded[parent[here]]
    grounded |= junction & meets
    total = np.zeros(len(parent))
    with_own = inner[(own[inner] >= 0)]
    total[with_own] = half[own[with_own]] * (cut.own_factor_per_m[with_own] > 0)
    reach = cut.parent_factor_per_m[inner] > 0
    total[inner] += half[cut.parent_compartment[inner]] * reach
    up = np.divide(1.0, total, out=np.zeros(len(parent)), where=total > 0)
    return Joined(up, grounded)
