"""The shape of a neuron as segments and groups of a NeuroML cell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from neurosim.errors import ParameterError
from neurosim.morphology import Morphology, Region, branch, everywhere, tagged
from neurosim.morphology.regions import FAMILIES

__all__ = ["ShapeText", "note", "plain_id", "shortest_region"]

# What marks the groups that are unbranched cables, and those of soma, axon and dendrites.
_CABLE = "sao864921383"
_PLACES = {"soma": "GO:0043025", "axon": "GO:0030424", "dendrite": "GO:0030425"}


def plain_id(name: str) -> str:
    """Return a name as NeuroML allows them: letters, digits and underscores."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"


def note(tag: str, value: str) -> str:
    return f'<property tag="neurosim.{tag}" value={quoteattr(value)}/>'


def shortest_region(shape: Morphology, branches: frozenset[int]) -> Region:
    """Return branches of a shape as a region, in the shortest words."""
    if len(branches) == len(shape):
        return everywhere
    of_tag: dict[str, set[int]] = {}
    for k, tag in enumerate(shape.tags):
        of_tag.setdefault(tag, set()).add(k)
    for tag, family in FAMILIES.items():
        if set().union(*(of_tag.get(one, set()) for one in family)) == branches:
            return tagged(tag)
    # A word that stands for others too is no name of its own branches alone.
    alone = [
        tag for tag in of_tag if tag not in FAMILIES or set(FAMILIES[tag]) & set(of_tag) == {tag}
    ]
    inside = [tag for tag in alone if of_tag[tag] <= branches]
    if sum(len(of_tag[tag]) for tag in inside) == len(branches):
        return tagged(*inside)
    return branch(*(shape.names[k] for k in sorted(branches)))


def _micrometres(metres: np.ndarray) -> np.ndarray:
    """Return lengths in um that, read and turned into metre, are the same to the last bit."""
    found = metres * 1e6
    for step in (-1, 1, -2, 2):
        wrong = found * 1e-6 != metres
        near = metres * 1e6
        for _ in range(abs(step)):
            near = np.nextafter(near, np.inf * step)
        found = np.where(wrong & (near * 1e-6 == metres), near, found)
    return np.asarray(found)


def _at(tag: str, point: np.ndarray, diameter: float) -> str:
    x, y, z = point.tolist()
    return f'<{tag} x="{x!r}" y="{y!r}" z="{z!r}" diameter="{float(diameter)!r}"/>'


@dataclass
class ShapeText:
    """Writes the shape of a neuron.

    Attributes
    ----------
    neuron : Neuron
        What is written.
    name : str
        Id of the cell.
    losses : list of str
        What is not the same in NeuroML.
    """

    neuron: Any
    name: str
    losses: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shape = self.neuron.morphology
        self.cut = self.neuron.compartments
        taken: set[str] = {"all"}
        self.cables = []
        for name in self.shape.names:
            cable = plain_id(name)
            while cable in taken or cable.endswith("_group"):
                cable += "_"
            taken.add(cable)
            self.cables.append(cable)
        self.taken = taken
        self.extra: list[str] = []
        self.groups: dict[frozenset[int], str] = {frozenset(range(len(self.shape))): "all"}

    def segments(self) -> Iterable[str]:
        shape = self.shape
        points, wide = _micrometres(shape.points_m), _micrometres(shape.diameters_m)
        steps = np.zeros(len(points), dtype=bool)
        steps[1:] = np.all(points[1:] == points[:-1], axis=1)
        steps[shape.offsets[:-1]] = False
        if steps.any():
            self.losses.append(
                f"{int(steps.sum())} steps in diameter at one place carry no membrane, and part "
                "their branch"
            )
        # By branch, segments: number and point at their end.
        self.numbers: list[list[tuple[int, int]]] = []
        lines: list[str] = []
        count = 0
        for k, name in enumerate(self.cables):
            own: list[tuple[int, int]] = []
            first, last = int(shape.offsets[k]), int(shape.offsets[k + 1])
            for point in range(first + 1, last):
                if steps[point]:
                    continue
                above = self._parent(k) if not own else f'<parent segment="{count - 1}"/>'
                fresh = not own or steps[point - 1]
                inside = [above] if above else []
                if fresh:
                    inside.append(_at("proximal", points[point - 1], wide[point - 1]))
                inside.append(_at("distal", points[point], wide[point]))
                lines.append(
                    f'    <segment id="{count}" name="{name}_{len(own)}">'
                    f"{''.join(inside)}</segment>"
                )
                own.append((count, point))
                count += 1
            self.numbers.append(own)
        return lines

    def _parent(self, k: int) -> str:
        """Return the parent of a branch: a segment, and where on it."""
        shape = self.shape
        parent = int(shape.parents[k])
        if parent < 0:
            return ""
        attach = float(shape.attach[k])
        own = self.numbers[parent]
        if attach == 1:
            return f'<parent segment="{own[-1][0]}"/>'
        along = shape.along_m[shape.offsets[parent] : shape.offsets[parent + 1]]
        way = attach * float(along[-1])
        first = int(shape.offsets[parent])
        for number, point in own:
            end = float(along[point - first])
            if way <= end:
                start = float(along[point - 1 - first])
                part = min(max((way - start) / (end - start), 0.0), 1.0)
                return f'<parent segment="{number}" fractionAlong="{part!r}"/>'
        return f'<parent segment="{own[-1][0]}"/>'

    def cable_groups(self) -> Iterable[str]:
        for name, called, own in zip(self.cables, self.shape.names, self.numbers, strict=True):
            said = note("name", called) if called != name else ""
            attach = float(self.shape.attach[self.shape.index(called)])
            if 0 < attach < 1:
                said += note("attach", repr(attach))
            members = "".join(f'<member segment="{number}"/>' for number, _ in own)
            yield (
                f'    <segmentGroup id="{name}" neuroLexId="{_CABLE}">{said}{members}'
                "</segmentGroup>"
            )
        inside = "".join(f'<include segmentGroup="{name}"/>' for name in self.cables)
        yield f'    <segmentGroup id="all">{inside}</segmentGroup>'

    def tag_groups(self) -> list[str]:
        tags = self.shape.tags
        lines = []
        for tag in dict.fromkeys(
            [*tags, *(["dendrite"] if {"basal", "apical"} & set(tags) else [])]
        ):
            family = FAMILIES.get(tag, (tag,))
            own = frozenset(k for k, one in enumerate(tags) if one in family)
            group = f"{plain_id(tag)}_group"
            self.taken.add(group)
            if own not in self.groups or self.groups[own] != "all":
                self.groups.setdefault(own, group)
            lexicon = f' neuroLexId="{_PLACES[tag]}"' if tag in _PLACES else ""
            inside = "".join(f'<include segmentGroup="{self.cables[k]}"/>' for k in sorted(own))
            lines.append(
                f'    <segmentGroup id="{group}"{lexicon}>{note("tag", tag)}{inside}</segmentGroup>'
            )
        return lines

    def group(self, branches: frozenset[int]) -> str:
        """Return the name of a group of branches, made where there is none."""
        if branches not in self.groups:
            if len(branches) == 1:
                return self.cables[min(branches)]
            name = f"region_{len(self.extra)}"
            while name in self.taken:
                name += "_"
            self.taken.add(name)
            self.groups[branches] = name
            inside = "".join(
                f'<include segmentGroup="{self.cables[k]}"/>' for k in sorted(branches)
            )
            self.extra.append(f'    <segmentGroup id="{name}">{inside}</segmentGroup>')
        return self.groups[branches]

    def branches(self, mask: np.ndarray, label: str) -> frozenset[int]:
        """Return the branches of a mask of compartments, which must be whole."""
        owner = self.cut.branch
        whole = np.unique(owner[mask])
        if mask.sum() != np.isin(owner, whole).sum():
            raise ParameterError(
                f"to_neuroml: {label!r} covers part of a branch, and NeuroML covers segments; "
                "paint whole branches"
            )
        return frozenset(whole.tolist())
