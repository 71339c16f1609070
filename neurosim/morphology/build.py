"""Shapes made by hand: a cylinder, a cone, a ball and stick, a branching tree."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.units import Quantity, um

from neurosim.errors import ParameterError
from neurosim.morphology.errors import MorphologyError
from neurosim.morphology.geometry import Branch
from neurosim.morphology.shape import Morphology
from neurosim.quantities import check_quantity, check_whole

__all__ = ["ball_and_stick", "cone", "cylinder", "polyline", "tree"]


def _length(value: Any, name: str) -> float:
    return float(check_quantity(value, 100 * um, name, above=0 * um))


def _direction(direction: Any, name: str) -> np.ndarray:
    vector = np.asarray(direction, dtype=float)
    if vector.shape != (3,) or not np.isfinite(vector).all() or not np.any(vector):
        raise ParameterError(f"{name}: direction must be three numbers, not all 0; got {direction}")
    return np.asarray(vector / np.linalg.norm(vector))


def cone(
    length: Quantity,
    diameter_start: Quantity,
    diameter_end: Quantity,
    *,
    name: str = "",
    tag: str = "dendrite",
    direction: Any = (1, 0, 0),
) -> Morphology:
    """Return one branch whose diameter changes linearly.

    Parameters
    ----------
    length, diameter_start, diameter_end : Quantity
        Length and diameters at the proximal and the distal end.
    name : str
        Name of the branch (default: its tag).
    tag : str
        What it is: ``"soma"``, ``"axon"``, ``"basal"``, ...
    direction : sequence of 3 floats
        Where it points.

    Examples
    --------
    >>> from brian2 import um
    >>> cone(100 * um, 4 * um, 1 * um)
    Morphology(1 branch: 1 dendrite; 100 um, 785.5 um^2)
    """
    long = _length(length, "cone: length")
    ends = [
        _length(diameter_start, "cone: diameter_start"),
        _length(diameter_end, "cone: diameter_end"),
    ]
    points = np.outer([0.0, long], _direction(direction, "cone"))
    return Morphology.from_branches([Branch(name or tag, tag, points, np.array(ends))])


def cylinder(
    length: Quantity,
    diameter: Quantity,
    *,
    name: str = "",
    tag: str = "dendrite",
    direction: Any = (1, 0, 0),
) -> Morphology:
    """Return one branch of constant diameter.

    A sphere is told by a cylinder as long as it is thick, which has the sphere's membrane area.

    Examples
    --------
    >>> from brian2 import um
    >>> soma = cylinder(20 * um, 20 * um, tag="soma")
    >>> soma.join(cylinder(500 * um, 2 * um), "soma")
    Morphology(2 branches: 1 soma, 1 dendrite; 520 um, 4398 um^2)
    """
    return cone(length, diameter, diameter, name=name, tag=tag, direction=direction)


def polyline(
    points: Quantity, diameters: Quantity, *, name: str = "", tag: str = "dendrite"
) -> Morphology:
    """Return one branch through measured points.

    Parameters
    ----------
    points : Quantity, shape (n, 3)
        Positions, proximal first.
    diameters : Quantity, shape (n,)
        Diameter at each point.
    """
    at = np.asarray(check_quantity(points, 1 * um, "polyline: points", many=2), dtype=float)
    wide = check_quantity(diameters, 1 * um, "polyline: diameters", above=0 * um, many=1)
    if at.ndim != 2 or at.shape[1] != 3 or np.shape(wide) != (len(at),):
        raise MorphologyError(
            f"polyline: points must have shape (n, 3) and diameters (n,); "
            f"got {at.shape} and {np.shape(wide)}"
        )
    return Morphology.from_branches([Branch(name or tag, tag, at, np.asarray(wide, dtype=float))])


def ball_and_stick(
    soma_diameter: Quantity = 20 * um,
    dendrite_length: Quantity = 500 * um,
    dendrite_diameter: Quantity = 2 * um,
    *,
    at: float = 1.0,
) -> Morphology:
    """Return a soma with one dendrite.

    Parameters
    ----------
    soma_diameter : Quantity
        The soma is a cylinder as long as it is thick: the membrane area of a sphere.
    dendrite_length, dendrite_diameter : Quantity
        The dendrite, a cylinder.
    at : float
        Where on the soma it attaches (1: the end of the cylinder).

    Examples
    --------
    >>> from brian2 import um
    >>> ball_and_stick(20 * um, 500 * um, 2 * um).names
    ('soma', 'dendrite')
    """
    soma = cylinder(soma_diameter, soma_diameter, tag="soma")
    return soma.join(cylinder(dendrite_length, dendrite_diameter), "soma", at=at)


def tree(
    levels: int,
    length: Quantity = 100 * um,
    diameter: Quantity = 4 * um,
    *,
    children: int = 2,
    power: float = 1.5,
    length_ratio: float | None = None,
    diameter_end: Quantity | None = None,
    tag: str = "dendrite",
    name: str = "",
    direction: Any = (1, 0, 0),
    spread: float = 60.0,
) -> Morphology:
    r"""Return a symmetric branching tree.

    At each branching :math:`d_{parent}^p = \sum d_{child}^p`. With the power 3/2 and the lengths in
    proportion to :math:`\sqrt d` (the default) the tree is Rall's equivalent cylinder.

    Parameters
    ----------
    levels : int
        Levels of branches; 1 is a single cylinder.
    length, diameter : Quantity
        Of the first branch.
    children : int
        Branches at each branching.
    power : float
        Exponent p.
    length_ratio : float, optional
        Length of a child over that of its parent (default: the square root of the ratio of
        diameters, which keeps the electrotonic length).
    diameter_end : Quantity, optional
        Thinnest diameter; thinner branches are given this one.
    tag, name : str
        Tag of all branches; their names are ``name[0]``, ``name[1]``, ... (default name: the tag).
    direction : sequence of 3 floats
        Where the first branch points; the tree lies in a plane.
    spread : float
        Angle between the outermost children of the first branching, in degrees; less by 0.7 from
        level to level.

    References
    ----------
    Rall (1959), Exp Neurol 1:491.

    Examples
    --------
    >>> from brian2 import um
    >>> dendrites = tree(3, 100 * um, 4 * um)
    >>> len(dendrites), dendrites.orders.tolist()
    (7, [0, 1, 1, 2, 2, 2, 2])
    """
    levels, children = check_whole(levels, "tree: levels"), check_whole(children, "tree: children")
    count = sum(children**level for level in range(levels))
    if count > 1_000_000:
        raise ParameterError(f"tree: {levels} levels make {count} branches (most: 1000000)")
    ratio = children ** (-1 / power)
    shorter = np.sqrt(ratio) if length_ratio is None else float(length_ratio)
    long, wide = _length(length, "tree: length"), _length(diameter, "tree: diameter")
    least = 0.0 if diameter_end is None else _length(diameter_end, "tree: diameter_end")
    ahead = _direction(direction, "tree")
    # The tree spreads in the plane of x and y where its direction lets it.
    side = np.cross((0.0, 0.0, 1.0), ahead)
    if np.linalg.norm(side) < 1e-9:
        side = np.array([1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)

    starts, angles = np.zeros((1, 3)), np.zeros(1)
    above = np.array([-1])
    made = 0
    parts = []
    for level in range(levels):
        step = long * shorter**level
        tips = starts + step * (np.outer(np.cos(angles), ahead) + np.outer(np.sin(angles), side))
        parts.append((starts, tips, above, np.full(len(tips), max(wide * ratio**level, least))))
        fan = np.radians(spread) * 0.7**level * (np.linspace(-0.5, 0.5, children))
        starts = np.repeat(tips, children, axis=0)
        angles = np.repeat(angles, children) + np.tile(fan if children > 1 else [0.0], len(tips))
        above = np.repeat(made + np.arange(len(tips)), children)
        made += len(tips)
    begins, ends, parents, widths = map(np.concatenate, zip(*parts, strict=True))
    return Morphology(
        points_m=np.stack([begins, ends], axis=1).reshape(-1, 3),
        diameters_m=np.repeat(widths, 2),
        offsets=2 * np.arange(made + 1),
        parents=parents,
        attach=np.ones(made),
        names=tuple(f"{name or tag}[{k}]" for k in range(made)),
        tags=(tag,) * made,
    )
