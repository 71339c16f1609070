"""What a reconstruction traced: outlines of cell bodies and sections; and the cell they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from brian2.units import Quantity, um

from neurosim.errors import ParameterError
from neurosim.morphology.errors import MorphologyError, MorphologyNote
from neurosim.morphology.geometry import frustum_area
from neurosim.morphology.reconstruction.named_sections import Section, named_sections
from neurosim.morphology.reconstruction.soma_outline import frusta_of_one, frusta_of_stack
from neurosim.morphology.shape import Morphology
from neurosim.morphology.swc_table import check_unit, warn
from neurosim.quantities import check_quantity

__all__ = ["Outline", "Reading", "Trace", "Traced", "assemble"]

# Of MorphIO, NEURON and SWC alike.
SOMA = 1
# Outlines of cell bodies in one file; a stack has some tens.
_MOST_OUTLINES = 500
# How far beside the box around an outline a neurite may begin to be called inside, as in NEURON.
_MARGIN = 0.5


@dataclass(frozen=True, eq=False)
class Outline:
    """Points of a cell body, as the file numbers them, and where the file has them."""

    points: np.ndarray
    diameters: np.ndarray
    where: str


@dataclass(frozen=True, eq=False)
class Trace:
    """An unbranched section, as the file numbers it.

    Attributes
    ----------
    kind : int
        2 axon, 3 basal dendrite, 4 apical dendrite, 0 not said; more are the file's own.
    points, diameters : ndarray, shapes (n, 3) and (n,)
        In the unit of the file.
    parent : int
        Section it hangs on, -1 for none; parents come first.
    where : str
        Where the file has it, such as ``"line 12"``.
    """

    kind: int
    points: np.ndarray
    diameters: np.ndarray
    parent: int
    where: str


@dataclass(frozen=True, eq=False)
class Traced:
    """All of a file.

    Attributes
    ----------
    file : str
        Name used in messages.
    outlines : list of Outline
        Of cell bodies.
    traces : list of Trace
        Sections, parents first.
    said : list of str
        What else the file holds and a shape does not.
    """

    file: str
    outlines: list[Outline]
    traces: list[Trace]
    said: list[str] = field(default_factory=list)

    def fail(self, where: str, reason: str) -> MorphologyError:
        """Return the error that says where and why."""
        return MorphologyError(f"{self.file}, {where}: {reason}")


@dataclass(frozen=True)
class Reading:
    """How a file is read; see `neurosim.morphology.read_shape`."""

    tree: int | None = None
    unit: Quantity | None = None
    soma_diameter: Quantity | None = None
    least_diameter: Quantity | None = None
    tags: Mapping[int, str] | None = None

    @property
    def scale(self) -> float:
        """Length of a 1 in the file, in metre."""
        meant = 1 * um if self.unit is None else self.unit
        return float(check_quantity(meant, 1 * um, "read_shape: unit", above=0 * um))


@dataclass(frozen=True, eq=False)
class _Cell:
    """One cell: the outlines of its body and the sections that begin at it."""

    outlines: list[Outline]
    roots: list[int]


def assemble(traced: Traced, how: Reading) -> Morphology:
    """Return the shape of one cell of a file.

    Parameters
    ----------
    traced : Traced
        What the file holds.
    how : Reading
        Unit, which cell, and what replaces unknown diameters.
    """
    for said in traced.said:
        warn(f"{traced.file}: {said}")
    if not traced.traces and not traced.outlines:
        raise MorphologyError(f"{traced.file}: there is no cell body and no branch in the file")
    if len(traced.outlines) > _MOST_OUTLINES:
        raise MorphologyError(
            f"{traced.file}: {len(traced.outlines)} outlines of cell bodies are too many (most: "
            f"{_MOST_OUTLINES})"
        )
    traced = _with_diameters(traced, how)
    _check_numbers(traced, how)
    cells = _cells(traced)
    if how.tree is None and len(cells) > 1:
        raise MorphologyError(
            f"{traced.file}: {len(cells)} {_words(cells)}, at {', '.join(_places(traced, cells))}; "
            "choose one with tree=0 (--tree 0)"
        )
    chosen = 0 if how.tree is None else how.tree
    if not 0 <= chosen < len(cells):
        held = "one tree, number 0" if len(cells) == 1 else f"trees 0 to {len(cells) - 1}"
        raise ParameterError(
            f"{traced.file}: there is no tree {chosen}; the file holds {held} (tree=0, --tree 0)"
        )
    return named_sections(_sections(traced, cells[chosen], how), how.tags)


def _words(cells: list[_Cell]) -> str:
    return "cell bodies apart from each other" if cells[0].outlines else "trees without a cell body"


def _places(traced: Traced, cells: list[_Cell]) -> list[str]:
    return [
        cell.outlines[0].where if cell.outlines else traced.traces[cell.roots[0]].where
        for cell in cells
    ]


def _with_diameters(traced: Traced, how: Reading) -> Traced:
    """Return the sections with diameters that are all greater than 0."""
    least = 0.0
    if how.least_diameter is not None:
        given = check_quantity(how.least_diameter, 1 * um, "least_diameter", above=0 * um)
        least = float(given) / how.scale
    traces = []
    for trace in traced.traces:
        wide = np.where(trace.diameters < 0, trace.diameters, np.maximum(trace.diameters, least))
        for values, what in ((trace.points, "position"), (wide, "diameter")):
            if not np.isfinite(values).all():
                raise traced.fail(trace.where, f"a {what} is not a finite number")
        bad = np.flatnonzero(~(wide > 0))
        if len(bad):
            advice = "give the thinnest diameter: least_diameter=0.1*um (--least-diameter 0.1um)"
            said = f"the diameter at {_place(trace.points[bad[0]])} is {wide[bad[0]]:g}; it must be"
            advice = f"; {advice}" if wide[bad[0]] == 0 else ""
            raise traced.fail(trace.where, f"{said} greater than 0{advice}")
        traces.append(Trace(trace.kind, trace.points, wide, trace.parent, trace.where))
    for outline in traced.outlines:
        if not np.isfinite(outline.points).all():
            raise traced.fail(outline.where, "a position of the cell body is not a finite number")
    return Traced(traced.file, traced.outlines, traces)


def _check_numbers(traced: Traced, how: Reading) -> None:
    """Ask for the unit where the lengths are not those of a neuron in micrometres."""
    if how.unit is not None:
        return
    parts: list[Outline | Trace] = [*traced.outlines, *traced.traces]
    points = np.concatenate([part.points for part in parts])
    wide = np.concatenate([part.diameters for part in parts])
    counts = [len(part.points) for part in parts]
    soma = np.repeat([isinstance(part, Outline) for part in parts], counts)
    check_unit(
        traced.file,
        points * how.scale,
        np.where(soma, 0.0, wide / 2 * how.scale),
        soma,
        np.column_stack([points, wide])[~soma],
        thickened=how.least_diameter is not None,
    )


def _place(point: np.ndarray) -> str:
    return "(" + ", ".join(f"{x:g}" for x in point) + ")"


def _grouped(count: int, together: Callable[[int, int], bool]) -> list[list[int]]:
    """Return groups of numbers, each with all that any of its own is together with."""
    group = list(range(count))
    for a in range(count):
        for b in range(a):
            if group[a] != group[b] and together(a, b):
                old, new = max(group[a], group[b]), min(group[a], group[b])
                group = [new if one == old else one for one in group]
    return [[k for k in range(count) if group[k] == one] for one in dict.fromkeys(group)]


def _box(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return points[:, :2].min(axis=0), points[:, :2].max(axis=0)


def _cells(traced: Traced) -> list[_Cell]:
    """Return the cells of a file: bodies with what begins at each, or trees without one."""
    roots = [k for k, trace in enumerate(traced.traces) if trace.parent < 0]
    if not traced.outlines:
        begins: dict[bytes, list[int]] = {}
        for root in roots:
            begins.setdefault((traced.traces[root].points[0] + 0.0).tobytes(), []).append(root)
        return [_Cell([], own) for own in begins.values()]
    boxes = [_box(outline.points) for outline in traced.outlines]
    stacks = _grouped(
        len(boxes),
        lambda a, b: bool(
            np.all(boxes[a][0] <= boxes[b][1]) and np.all(boxes[b][0] <= boxes[a][1])
        ),
    )
    bodies = [[traced.outlines[k] for k in stack] for stack in stacks]
    own: list[list[int]] = [[] for _ in bodies]
    beside = {}
    whole = [np.concatenate([outline.points for outline in body]) for body in bodies]
    centres = [points.mean(axis=0) for points in whole]
    for root in roots:
        begin = traced.traces[root].points[0]
        inside = [
            k
            for k, points in enumerate(whole)
            if np.all(begin[:2] >= _box(points)[0] - _MARGIN)
            and np.all(begin[:2] <= _box(points)[1] + _MARGIN)
        ]
        near = np.argmin([np.linalg.norm(begin - centre) for centre in centres])
        own[inside[0] if inside else int(near)].append(root)
        if not inside:
            away = np.linalg.norm(whole[int(near)] - begin, axis=1).min()
            beside[traced.traces[root].where] = f"{away:.3g} um"
    if beside:
        places = ", ".join(f"{where} ({away})" for where, away in beside.items())
        warn(
            f"{traced.file}: branches that begin outside the cell body, at this distance from its "
            f"outline: {places}; each is attached to the middle of the nearest cell body, and the "
            "way to it carries no membrane, as in NEURON"
        )
    return [_Cell(body, roots) for body, roots in zip(bodies, own, strict=True)]


def _sections(traced: Traced, cell: _Cell, how: Reading) -> list[Section]:
    """Return the soma and the sections of a cell, in metre."""
    found: list[Section] = []
    scale = how.scale
    if cell.outlines:
        points, diameters = _soma(traced, cell.outlines, how)
        found.append(Section(SOMA, points * scale, diameters / 2 * scale))
    # By section of the file: section of the cell it became, and where its children attach.
    became: dict[int, tuple[int, float]] = dict.fromkeys(cell.roots, (-1, 0.0))
    dropped = []
    for k, trace in enumerate(traced.traces):
        if trace.parent in became and trace.parent >= 0:
            parent, attach = became[trace.parent]
        elif k in became:
            parent, attach = (0, 0.5) if cell.outlines else (0 if found else -1, 0.0)
        else:
            continue
        if len(trace.points) < 2 or not np.any(np.diff(trace.points, axis=0)):
            dropped.append(trace.where)
            became[k] = (parent, attach)
            continue
        if parent < 0 and found:
            parent, attach = 0, 0.0
        became[k] = (len(found), 1.0)
        radii = trace.diameters / 2 * scale
        found.append(Section(trace.kind, trace.points * scale, radii, parent, attach))
    if dropped:
        warn(
            f"{traced.file}: sections without length, at {', '.join(dropped)}, are left out; what "
            "they carry stays"
        )
    if not found:
        raise MorphologyError(f"{traced.file}: nothing in the file has a length")
    return found


def _soma(traced: Traced, outlines: list[Outline], how: Reading) -> tuple[np.ndarray, np.ndarray]:
    """Return centres and diameters of the soma's frusta, in the unit of the file."""
    where = outlines[0].where
    if how.soma_diameter is not None:
        given = check_quantity(how.soma_diameter, 20 * um, "soma_diameter", above=0 * um)
        points = np.concatenate([outline.points for outline in outlines])
        warn(f"{traced.file}: the traced cell body is replaced by a sphere of {how.soma_diameter}")
        return _sphere(points.mean(axis=0), float(given) / how.scale)
    for outline in outlines:
        if len(outline.points) < 3:
            raise traced.fail(
                outline.where,
                f"a cell body of {len(outline.points)} point{'s' * (len(outline.points) > 1)}, and "
                "an outline needs at least 3 (their diameters are those of the line); "
                "give the soma's diameter: soma_diameter=20*um (--soma-diameter 20um)",
            )
    try:
        if len(outlines) == 1:
            found = frusta_of_one(outlines[0].points)
            warn(
                f"{traced.file}, {where}: the cell body is an outline of "
                f"{len(outlines[0].points)} points; it is read as {len(found[0])} circles across "
                f"its longest axis, as in NEURON, {_beside_sphere(outlines[0].points, found, how)}",
                MorphologyNote,
            )
            return found
        heights = [float(outline.points[:, 2].mean()) for outline in outlines]
        order = np.argsort(heights, kind="stable")
        found = frusta_of_stack([outlines[k].points for k in order])
        if len(set(heights)) < len(heights):
            raise traced.fail(
                where,
                f"{len(outlines)} outlines of one cell body, two of them at one height z; give the "
                "soma's diameter: soma_diameter=20*um (--soma-diameter 20um)",
            )
        warn(
            f"{traced.file}, {where}: the cell body is a stack of {len(outlines)} outlines; it is "
            "read as a circle for each, in the order of their heights z, as in NEURON, without the "
            "caps below the first and above the last",
            MorphologyNote,
        )
        return found
    except MorphologyError as error:
        if str(error).startswith(traced.file):
            raise
        raise traced.fail(
            where,
            f"the outline of the cell body makes no soma: {error}; give the soma's diameter: "
            "soma_diameter=20*um (--soma-diameter 20um)",
        ) from None


def _beside_sphere(outline: np.ndarray, frusta: tuple[np.ndarray, np.ndarray], how: Reading) -> str:
    """Say how much membrane the soma gets, and what a sphere as large as its outline would have."""
    x, y = outline[:, 0], outline[:, 1]
    enclosed = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
    steps = np.linalg.norm(np.diff(frusta[0], axis=0), axis=1)
    area = float(frustum_area(steps, frusta[1][:-1] / 2, frusta[1][1:] / 2).sum())
    unit = (how.scale * 1e6) ** 2
    return (
        f"with {area * unit:.4g} um^2 of membrane (a sphere of the outline's cross-section has "
        f"{4 * enclosed * unit:.4g} um^2)"
    )


def _sphere(centre: np.ndarray, diameter: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a cylinder along x as long as thick: its lateral area is that of the sphere."""
    along = np.array([[-diameter / 2, 0, 0], [0, 0, 0], [diameter / 2, 0, 0]])
    return centre + along, np.full(3, diameter)
