"""From the points of an SWC tree to its unbranched sections and the soma they hang on."""

from __future__ import annotations

import numpy as np

from neurosim.morphology.reconstruction.named_sections import Section
from neurosim.morphology.swc_soma import SOMA, read_soma
from neurosim.morphology.swc_table import Table, warn

__all__ = ["sections_of"]


def sections_of(table: Table) -> list[Section]:
    """Cut a tree (rows sorted, parents first) at branchings and where the type changes."""
    children: list[list[int]] = [[] for _ in table.line]
    for row, parent in enumerate(table.parent.tolist()):
        if parent >= 0:
            children[parent].append(row)
    kind = table.kind.tolist()
    found: list[Section] = []
    # Sections still to be followed: first row of its own, row it leaves from, section, position.
    waiting: list[tuple[int, int, int, float]] = []
    left_out: list[tuple[int, int]] = []

    def follow(first: int) -> list[int]:
        chain = [first]
        while len(children[chain[-1]]) == 1 and kind[children[chain[-1]][0]] == kind[first]:
            chain.append(children[chain[-1]][0])
        return chain

    def later(source: int, section: int, at: float) -> None:
        waiting.extend((row, source, section, at) for row in reversed(children[source]))

    soma = read_soma(table, children)
    if soma is None:
        # A neurite without soma: everything that leaves the root point begins there.
        warn(f"{table.file}: the tree with its root on line {table.line[0]} has no soma")
        chain = follow(0)
        if len(chain) > 1 and not np.any(np.diff(table.points[chain], axis=0)):
            raise table.fail(0, "the first branch has no length (all its points at one place)")
        if not children[0]:
            raise table.fail(0, "a tree of a single point that is no soma has no length")
        later(0, -1, 0.0)
    else:
        found.append(Section(SOMA, soma.points, soma.radii))
        leaving = [
            (child, row, 0, soma.ends.get(row, 0.5))
            for row in soma.rows
            for child in children[row]
            if kind[child] != SOMA
        ]
        waiting = sorted(leaving, key=lambda one: -table.line[one[0]])
    while waiting:
        first, source, section, at = waiting.pop()
        chain = follow(first)
        rows = [source, *chain]
        if soma is not None and kind[source] == SOMA and source not in soma.ends:
            if len(chain) > 1:
                rows = chain
            elif children[first] and len(soma.rows) > 1:
                # The point begins several sections, each of which begins there. Beside a soma of
                # one point it is a section of its own, from the centre of the soma on.
                left_out.append((source, first))
                later(first, section, at)
                continue
        points, radii = table.points[rows], table.radii[rows].copy()
        if kind[source] == SOMA and rows[0] == source:
            radii[0] = radii[1]
        if not np.any(np.diff(points, axis=0)):
            warn(
                f"{table.file}, line {table.line[first]}: a branch without length "
                f"({len(rows)} points at one place) is left out; what it carries stays"
            )
            later(chain[-1], section, at)
            continue
        if section < 0 and found:
            section, at = 0, 0.0
        found.append(Section(kind[first], points, radii, section, at))
        later(chain[-1], len(found) - 1, 1.0)
    if not found:
        raise table.fail(0, "the tree has no length")
    _say_stems_left_out(table, left_out)
    return found


def _say_stems_left_out(table: Table, stems: list[tuple[int, int]]) -> None:
    """Say which stems of one point reach beyond the soma, and by how much."""
    beyond = {}
    for source, first in stems:
        way = float(np.linalg.norm(table.points[first] - table.points[source]))
        if way - table.radii[source] > table.radii[first]:
            beyond[int(table.line[first])] = f"{(way - table.radii[source]) * 1e6:.3g} um"
    if beyond:
        lines = ", ".join(f"{line} ({length})" for line, length in beyond.items())
        warn(
            f"{table.file}: stems of a single point outside the soma, on lines {lines} from its "
            "surface; their branches begin at that point and the way to it carries no membrane, "
            "as in NEURON. Add a point at the surface of the soma to keep it"
        )
