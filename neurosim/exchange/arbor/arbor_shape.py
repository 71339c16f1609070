"""A shape as Arbor's segments, cut where our compartments end and in their middles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.morphology import Compartments

__all__ = ["ArborShape", "arbor_shape"]

#: Where the first compartment of a branch begins that hangs on the middle of another, as a share of
#: its length. Arbor would count the branch to the volume that holds the fork, up to its boundary.
_GAP = 1e-8


@dataclass
class ArborShape:
    """The segments of a cell, and where its control volumes meet.

    Attributes
    ----------
    segments : list
        A row a segment: parent (-1 for none), both ends as x, y, z and radius in um, compartment.
    middles : list of int
        By compartment, the segment that ends in its middle.
    ends : list of int
        Segments at whose ends a control volume ends.
    begins : list of int
        Segments at whose beginnings one begins. Where branches meet, Arbor wants all that end and
        begin there, and makes the meeting a volume of no size.
    """

    segments: list[list[Any]] = field(default_factory=list)
    middles: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    begins: list[int] = field(default_factory=list)


def arbor_shape(cut: Compartments) -> ArborShape:
    """Return the segments of a shape that was cut.

    Control volumes of Arbor are our compartments: each boundary is given. Branches that meet at an
    end meet there in Arbor too, in a volume of no size. A branch that hangs on the middle of a
    compartment leaves its centre, as here and in NEURON.

    Examples
    --------
    >>> from brian2 import um
    >>> from neurosim import Neuron
    >>> from neurosim.morphology import PerBranch, cylinder
    >>> made = arbor_shape(Neuron(cylinder(40 * um, 2 * um), PerBranch(2)).compartments)
    >>> [round(row[2][0], 9) for row in made.segments], made.middles, made.ends
    ([10.0, 20.0, 30.0, 40.0], [0, 2], [1])
    """
    shape, found = cut.morphology, ArborShape(middles=[-1] * len(cut))
    # By branch: the segments at its two ends, and whether it hangs on a middle.
    begins: list[tuple[int, bool]] = []
    tips: list[int] = []
    starters: list[int] = []
    forks: set[int] = set()
    for k in range(len(shape.names)):
        parent, attach = int(shape.parents[k]), float(shape.attach[k])
        if parent < 0:
            hangs, middle = -1, False
        elif attach >= 1:
            hangs, middle = tips[parent], False
        elif attach <= 0:
            hangs, middle = begins[parent]
        else:
            hangs, middle = found.middles[cut.at(shape.names[parent], attach)], True
        if not middle and hangs >= 0:
            forks.add(hangs)
            found.begins.append(len(found.segments))
        elif hangs < 0:
            starters.append(len(found.segments))
        begins.append((hangs, middle))
        tips.append(_add_branch(found, cut, k, hangs, middle=middle))
    found.ends = sorted({*found.ends, *forks})
    found.begins += starters if len(starters) > 1 else []
    return found


def _add_branch(found: ArborShape, cut: Compartments, k: int, hangs: int, *, middle: bool) -> int:
    """Add the segments of a branch, and return the last one."""
    shape = cut.morphology
    here = slice(int(shape.offsets[k]), int(shape.offsets[k + 1]))
    along = shape.along_m[here]
    table = np.column_stack([shape.points_m[here], shape.diameters_m[here] / 2]) * 1e6
    count = int(cut.first[k + 1] - cut.first[k])
    length = float(along[-1])
    halves = np.arange(1, 2 * count) / (2 * count) * length
    if middle:
        halves = np.concatenate([[_GAP / count * length], halves])
    # Points of the branch count where they are; only what falls between them is put between.
    near = 1e-12 * length
    apart = np.array([np.min(np.abs(along - x)) > near for x in halves], dtype=bool)
    places = np.concatenate([along, halves[apart]])
    order = np.argsort(places, kind="stable")
    between = np.column_stack([np.interp(halves[apart], along, table[:, c]) for c in range(4)])
    rows = np.concatenate([table, between])[order]
    places = places[order]
    last = hangs
    first = int(cut.first[k])
    for j in range(len(places) - 1):
        centre = 0.5 * (places[j] + places[j + 1])
        number = min(int(centre / length * count), count - 1)
        found.segments.append([last, rows[j].tolist(), rows[j + 1].tolist(), first + number])
        last = len(found.segments) - 1
        part = places[j + 1] / length * count - number
        if abs(part - 0.5) < 1e-9:
            found.middles[first + number] = last
        elif (abs(part - 1) < 1e-9 and number < count - 1) or (middle and j == 0):
            found.ends.append(last)
    return last
