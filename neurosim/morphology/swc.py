"""Reading reconstructions in SWC, the way NEURON's Import3d reads them.

A line is: number, type, x, y, z, radius, number of the parent. What a neuron cannot be is refused
with its line; what was read but should be known is said in a `MorphologyWarning`.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import numpy as np
from brian2.units import Quantity

from neurosim.errors import ParameterError
from neurosim.morphology.errors import MorphologyError
from neurosim.morphology.geometry import depth_first
from neurosim.morphology.reconstruction.named_sections import named_sections
from neurosim.morphology.shape import Morphology
from neurosim.morphology.swc_sections import sections_of
from neurosim.morphology.swc_table import Table, read_table, rooted_at_soma

__all__ = ["read_swc", "read_swc_forest"]


def read_swc(
    path: str | PathLike[str],
    *,
    tree: int | None = None,
    unit: Quantity | None = None,
    soma_diameter: Quantity | None = None,
    least_diameter: Quantity | None = None,
    tags: Mapping[int, str] | None = None,
) -> Morphology:
    """Read one neuron from an SWC file.

    Parameters
    ----------
    path : path
        The file.
    tree : int, optional
        Which tree, counted from 0, of a file that holds several.
    unit : Quantity, optional
        Length that a 1 in the file means (default: 1 um, unless the lengths cannot be those of a
        neuron in micrometres, which is an error that asks for the unit).
    soma_diameter : Quantity, optional
        Diameter of a one-point soma, in place of the file's; needed where the file says 0.
    least_diameter : Quantity, optional
        Diameter given to thinner points of axon and dendrites; needed where the file says 0.
    tags : mapping of int to str, optional
        Tags of types beyond 1 soma, 2 axon, 3 basal, 4 apical (default ``undefined`` for 0,
        ``custom5``, ``custom6``, ...). A type that no point has is no error, so that one mapping
        serves many files.

    Returns
    -------
    Morphology
        Branches are called by tag and number: ``soma``, ``basal[0]``, ``apical[12]``.

    Raises
    ------
    MorphologyError
        The file is no neuron; the message says the line and the reason.

    Warns
    -----
    MorphologyWarning
        The unit may be wrong, the soma had to be interpreted or was not the root, or a part
        without length was left out.

    Notes
    -----
    A one-point soma, and a three-point soma of NeuroMorpho.Org, become a cylinder as long as thick,
    which has the membrane area of the sphere. A chain of soma points is a chain of frusta; an
    outline (a chain of thin points that closes) becomes frusta along its major axis. Axon and
    dendrites attach to the middle of a sphere, or of a chain where they leave it between its ends,
    and begin at their own first point; the gap to the centre carries neither membrane nor
    resistance. A stem of one point beside a one-point soma is a branch from the soma's centre to
    that point. At an end of a chain they begin at that end, with their own diameter.

    If a soma point hangs on axon or dendrite, the tree is turned about: the soma becomes its root.

    References
    ----------
    Cannon et al. (1998), J Neurosci Methods 84:49 (SWC). NeuroMorpho.Org, "Standardized 3-point
    soma representation". NEURON 9, ``import3d/read_swc.hoc``.
    """
    table = read_table(Path(path), unit, least_diameter, soma_diameter)
    table = rooted_at_soma(table)
    forest = _trees(table)
    if tree is None and len(forest) > 1:
        roots = ", ".join(f"{table.line[rows[0]]} ({len(rows)} points)" for rows in forest)
        raise MorphologyError(
            f"{table.file}: {len(forest)} trees, with roots on lines {roots}; choose one with "
            f"tree=0 (--tree 0), or take all with read_swc_forest"
        )
    chosen = 0 if tree is None else tree
    if not 0 <= chosen < len(forest):
        held = "one tree, number 0" if len(forest) == 1 else f"trees 0 to {len(forest) - 1}"
        raise ParameterError(
            f"{table.file}: there is no tree {tree}; the file holds {held} (tree=0, --tree 0)"
        )
    return _build(table.take(forest[chosen]), tags)


def read_swc_forest(
    path: str | PathLike[str],
    *,
    unit: Quantity | None = None,
    soma_diameter: Quantity | None = None,
    least_diameter: Quantity | None = None,
    tags: Mapping[int, str] | None = None,
) -> tuple[Morphology, ...]:
    """Read every tree of an SWC file, in the order of their roots; see `read_swc`."""
    table = read_table(Path(path), unit, least_diameter, soma_diameter)
    table = rooted_at_soma(table)
    return tuple(_build(table.take(rows), tags) for rows in _trees(table))


def _trees(table: Table) -> list[np.ndarray]:
    """Return the rows of each tree, parents before children, and refuse loops."""
    forest = [np.array(rows) for rows in depth_first(table.parent.tolist())]
    reached = np.zeros(len(table.line), dtype=bool)
    for rows in forest:
        reached[rows] = True
    if not reached.all():
        row = int(np.argmin(reached))
        raise table.fail(
            row, f"point {table.number[row]} never reaches a root: its parents form a loop"
        )
    return forest


def _build(table: Table, tags: Mapping[int, str] | None) -> Morphology:
    return named_sections(sections_of(table), tags)
