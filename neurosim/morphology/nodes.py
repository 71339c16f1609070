"""The electrical tree: how compartments are joined, through junctions where branches meet."""

from __future__ import annotations

import numpy as np

from neurosim.morphology.geometry import Geometry

__all__ = ["join_compartments"]


def join_compartments(
    morphology: Geometry,
    branch: np.ndarray,
    first: np.ndarray,
    near: np.ndarray,
    far: np.ndarray,
) -> dict[str, np.ndarray]:
    """Join the compartments: directly in line, through a junction where several branches meet."""
    parents, attach = morphology.parents.tolist(), morphology.attach.tolist()
    count = len(parents)
    # Where each branch really hangs: the proximal end of a branch that is no root is the point
    # where that branch itself hangs.
    point: list[tuple[int, float]] = []
    for k in range(count):
        where = (parents[k], attach[k])
        if where[0] >= 0 and where[1] == 0 and parents[where[0]] >= 0:
            where = point[where[0]]
        point.append(where)
    meeting: dict[tuple[int, float], int] = {}
    for where in point:
        if where[0] >= 0 and where[1] in (0, 1):
            meeting[where] = meeting.get(where, 0) + 1

    # Number the nodes: each branch's compartments in line, a junction before the first branch that
    # needs it.
    starts, sizes = first[:-1].tolist(), np.diff(first).tolist()
    base: list[int] = []
    junctions: dict[tuple[int, float], int] = {}
    made = 0
    for k in range(count):
        if meeting.get(point[k], 0) > 1 and point[k] not in junctions:
            junctions[point[k]] = made
            made += 1
        base.append(made)
        made += sizes[k]

    total = len(branch)
    node_of = (np.array(base) - first[:-1]).astype(np.int32)[branch]
    node_of += np.arange(total, dtype=np.int32)
    node_compartment, node_parent = np.full((2, made), -1, dtype=np.int32)
    above, parent_factor = np.zeros(made, dtype=np.int32), np.zeros(made)
    node_compartment[node_of] = np.arange(total, dtype=np.int32)
    # All in one line; the first compartment of each branch is set right after that.
    node_parent[node_of[1:]] = node_of[:-1]
    above[node_of[1:]] = np.arange(total - 1, dtype=np.int32)
    parent_factor[node_of[1:]] = far[:-1]
    node_parent[base], above[base], parent_factor[base] = -1, first[:-1], 0.0
    for k in range(count):
        parent, spot = point[k]
        if parent < 0:
            continue
        node = base[k]
        if 0 < spot < 1:
            count_here = sizes[parent]
            held = starts[parent] + min(int(spot * count_here), count_here - 1)
            node_parent[node], above[node] = base[parent] + held - starts[parent], held
            continue
        last = starts[parent] + (sizes[parent] - 1 if spot == 1 else 0)
        end_node = base[parent] + last - starts[parent]
        reach = far[last] if spot == 1 else near[last]
        above[node] = last
        junction = junctions.get(point[k])
        if junction is None:
            node_parent[node], parent_factor[node] = end_node, reach
        else:
            node_parent[node] = junction
            node_parent[junction], parent_factor[junction] = end_node, reach
            above[junction] = last
    return {
        "node_parent": node_parent,
        "node_compartment": node_compartment,
        "parent_compartment": above,
        "parent_factor_per_m": parent_factor,
    }
