"""From the pools of patches to what diffuses along a whole cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.channels.calcium_pool import CalciumPool
from neurosim.engine.diffusion.along_tree import Diffusion
from neurosim.errors import ParameterError
from neurosim.ions.ion import Ion
from neurosim.morphology import Compartments

__all__ = ["Pool", "join_pools", "pool_of_calcium", "pool_of_ion"]


@dataclass(frozen=True)
class Pool:
    """A concentration of one patch that diffuses.

    Attributes
    ----------
    variable : str
        Name of the concentration in the patch (``"ca_i"``).
    part : str
        Name of the part that holds it.
    settles : bool
        Whether it moves while the cell comes to rest.
    D : ndarray, shape (n, 1) or (n, cells)
        Diffusion coefficient in each compartment, in square metre per second.
    share : ndarray, shape (shells, n, 1) or (shells, n, cells)
        Share of the cross-section that each shell takes.
    capacity : ndarray, shape (shells, n, 1) or (shells, n, cells)
        Volume of each shell over the share that buffers leave free, in cubic metre.
    reach : ndarray, shape (shells - 1, n)
        Area between two neighbouring shells over the distance of their means, in metre.
    """

    variable: str
    part: str
    settles: bool
    D: np.ndarray
    share: np.ndarray
    capacity: np.ndarray
    reach: np.ndarray


def pool_of_ion(
    name: str,
    part: Ion,
    values: Mapping[str, np.ndarray],
    shape: Compartments,
    members: np.ndarray,
    area_m2: np.ndarray,
) -> Pool | None:
    """Return the pool of an ion in a patch, None where it neither diffuses nor has shells.

    Parameters
    ----------
    name : str
        Name of the part in the neuron.
    values : mapping of str to ndarray, each of shape (), (n,) or (n, cells)
        Parameters of the patch, those of the part under ``<name>_<field>``.
    members : ndarray of int, shape (n,)
        Compartments of the patch.
    area_m2 : ndarray, shape (compartments,)
        Membrane area of all compartments, with spines.

    Raises
    ------
    ParameterError
        The concentration inside is held, or the shells are thicker than the radius.
    """
    depth, free, D = _rows(name, values, len(members))
    if part.shell_count == 1 and not np.any(D > 0):
        return None
    if not part.inside_moves:
        raise ParameterError(
            f"{name}.diffusion has no effect where the concentration inside is held; leave out "
            "held=True"
        )
    if np.any(depth > 0):
        if not np.all(depth > 0):
            raise ParameterError(
                f"{name}.depth must be greater than 0 in every cell of a batch, or 0 in all of "
                "them, where the pool diffuses"
            )
        return _under_membrane(part.writes, name, (depth, free, D), shape, members, area_m2)
    edges = part.shell_edges(_radius(shape, members))
    _check_edges(name, edges, shape, members)
    share = (edges[:-1] ** 2 - edges[1:] ** 2) / edges[0] ** 2
    # Exact for a parabola, the profile of a steady current that fills the cross-section.
    between = (edges[:-2] ** 2 - edges[2:] ** 2) / (4 * edges[1:-1])
    around = 2 * np.pi * edges[1:-1] * shape.length_m[members]
    # Immobile buffers take up the rest of what arrives.
    capacity = (share * shape.volume_m3[members])[..., np.newaxis] / free
    wide = share[..., np.newaxis]
    return Pool(part.writes, name, False, D, wide, capacity, around / between)


def pool_of_calcium(
    name: str,
    part: CalciumPool,
    values: Mapping[str, np.ndarray],
    shape: Compartments,
    members: np.ndarray,
    area_m2: np.ndarray,
) -> Pool | None:
    """Return a pool of calcium in a patch, None where it does not diffuse; see `pool_of_ion`.

    Raises
    ------
    ParameterError
        Its shell is deeper than the radius.
    """
    rows = _rows(name, values, len(members))
    if not np.any(rows[2] > 0):
        return None
    return _under_membrane(part.writes, name, rows, shape, members, area_m2, settles=True)


_Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def _rows(name: str, values: Mapping[str, np.ndarray], n: int) -> _Rows:
    """Return depth, free share and coefficient, shape (n, 1) or (n, cells) each."""
    given = [values[f"{name}_{field}"] for field in ("depth", "free", "diffusion")]
    cells = max((x.shape[1] for x in given if x.ndim == 2), default=1)
    wide = [x[:, np.newaxis] if x.ndim == 1 else x for x in given]
    depth, free, D = (np.broadcast_to(x, (n, cells)) for x in wide)
    return depth, free, D


def _check_edges(name: str, edges: np.ndarray, shape: Compartments, members: np.ndarray) -> None:
    """Refuse shells that are thicker than the radius."""
    thick = np.flatnonzero(edges[-2] <= 0)
    if not len(thick):
        return
    worst = thick[np.argmin(edges[0, thick])]
    branch = shape.branch_names[int(shape.branch[members[worst]])]
    radius, given = edges[0, worst], edges[0, worst] - edges[-2, worst]
    raise ParameterError(
        f"{name}: shells of {1e6 * given:.4g} um together are not thinner than the radius of "
        f"{1e6 * radius:.4g} um on branch {branch!r}; give thinner ones, a number of shells, or "
        "paint the pool on thicker branches only"
    )


def _under_membrane(
    variable: str,
    name: str,
    rows: _Rows,
    shape: Compartments,
    members: np.ndarray,
    area_m2: np.ndarray,
    *,
    settles: bool = False,
) -> Pool:
    """Return a pool in a shell under the membrane, whose way along the cell is that of the shell.

    Raises
    ------
    ParameterError
        The shell holds more than the whole cross-section somewhere.
    """
    depth, free, D = rows
    radius = _radius(shape, members)[:, np.newaxis]
    # Its volume is depth by area of the membrane, and the cell's is half the radius by area.
    deep = np.argwhere(depth > radius / 2 * (1 + 1e-9))
    if len(deep):
        row, cell = deep[0]
        branch = shape.branch_names[int(shape.branch[members[row]])]
        raise ParameterError(
            f"{name}: a shell {1e6 * depth[row, cell]:.4g} um deep holds more than the whole "
            f"cross-section of branch {branch!r} (radius {1e6 * radius[row, 0]:.4g} um), where the "
            "pool diffuses; give at most half the radius, or 0 for the whole cross-section"
        )
    share = depth * (shape.area_m2 / shape.volume_m3)[members, np.newaxis]
    capacity = depth * np.asarray(area_m2)[members, np.newaxis] / free
    none = np.zeros((0, len(members)))
    return Pool(variable, name, settles, D, share[np.newaxis], capacity[np.newaxis], none)


def _radius(shape: Compartments, members: np.ndarray) -> np.ndarray:
    """Return the radius of the cylinder of the same length and volume, in metre."""
    section = shape.volume_m3[members] / shape.length_m[members]
    return np.asarray(np.sqrt(section / np.pi))


def join_pools(
    pools: Sequence[tuple[np.ndarray, Pool]],
    shape: Compartments,
    node_numbers: np.ndarray,
    numbering: np.ndarray,
) -> list[Diffusion]:
    """Return what diffuses along a cell, in the order of the engine.

    Parameters
    ----------
    pools : sequence of (ndarray of int, Pool)
        Compartments of the morphology, and the pool there.
    node_numbers : ndarray of int, shape (nodes,)
        Number in the engine of each node of the morphology.
    numbering : ndarray of int, shape (compartments,)
        Number in the engine of each compartment of the morphology.

    Raises
    ------
    ParameterError
        A pool has more shells in one region than in another, or regions hold pools of two kinds.
    """
    found = []
    for variable in dict.fromkeys(pool.variable for _, pool in pools):
        kinds = {pool.settles: pool.part for _, pool in pools if pool.variable == variable}
        if len(kinds) > 1:
            raise ParameterError(
                f"{variable} diffuses in {kinds[True]}, which empties by itself, and in "
                f"{kinds[False]}, which keeps what comes; nothing would cross from one to the "
                "other. Paint one kind of pool on both regions, or leave out the diffusion of one"
            )
    for key in dict.fromkeys((pool.variable, pool.settles) for _, pool in pools):
        these = [(at, pool) for at, pool in pools if (pool.variable, pool.settles) == key]
        counts = sorted({len(pool.share) for _, pool in these})
        if len(counts) > 1:
            raise ParameterError(
                f"{these[0][1].part}: diffusing pools of {key[0]} have {counts[0]} shells in one "
                f"region and {counts[-1]} in another, which do not meet; give the same number"
            )
        found.append(_joined(*key, these, shape, node_numbers, numbering))
    return found


def _joined(
    variable: str,
    settles: bool,
    pools: Sequence[tuple[np.ndarray, Pool]],
    shape: Compartments,
    node_numbers: np.ndarray,
    numbering: np.ndarray,
) -> Diffusion:
    shells, count, nodes = len(pools[0][1].share), len(shape), len(node_numbers)
    cells = max(x.shape[-1] for _, pool in pools for x in (pool.D, pool.share, pool.capacity))
    D = np.zeros((count, cells))
    share = np.ones((shells, count, cells))
    capacity = np.zeros((shells, nodes, cells))
    radial = np.zeros((max(shells - 1, 0), count, cells))
    for at, pool in pools:
        D[at] = pool.D
        share[:, at] = pool.share
        capacity[:, numbering[at]] = pool.capacity
        radial[:, numbering[at]] = pool.reach[..., np.newaxis] * pool.D
    up = np.zeros((shells, nodes, cells))
    for shell in range(shells):
        for cell in range(cells):
            up[shell, node_numbers, cell] = _links(shape, D[:, cell], share[shell, :, cell])
    if cells == 1:
        return Diffusion(variable, settles, up[..., 0], capacity[..., 0], radial[..., 0])
    return Diffusion(variable, settles, up, capacity, radial)


def _links(shape: Compartments, D: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return how well each node exchanges with its parent, in cubic metre per second.

    Halves of compartments follow one another as resistors do; nothing passes one that does not
    conduct.
    """
    open_ = D * share > 0
    own, parent = shape.own_compartment, shape.parent_compartment
    near, far = shape.own_factor_per_m > 0, shape.parent_factor_per_m > 0
    closed = (near & ~open_[own]) | (far & ~open_[parent])
    # Where both halves have one coefficient the link is a multiple of it, to the last digit, so
    # that a page can change it.
    even = ~(near & far) | (D[own] == D[parent])
    alone = shape.axial_resistance(1 / np.where(open_, share, 1.0))
    resistance = shape.axial_resistance(1 / np.where(open_, D * share, 1.0))
    passes = (shape.node_parent >= 0) & ~closed & (resistance > 0)
    of_both = np.where(far, D[parent], D[own])
    found = np.zeros_like(resistance)
    at = passes & even
    found[at] = of_both[at] * (1 / alone[at])
    at = passes & ~even
    found[at] = 1 / resistance[at]
    return found
