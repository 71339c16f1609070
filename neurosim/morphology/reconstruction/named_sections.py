"""Unbranched sections of a file as a morphology: branches called by tag and number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from neurosim.errors import ParameterError
from neurosim.morphology.shape import Morphology

__all__ = ["Section", "named_sections"]

_TAGS = {0: "undefined", 1: "soma", 2: "axon", 3: "basal", 4: "apical"}
# What a file means by these is fixed; a 0 says nothing, and may be told.
_FIXED = {kind: tag for kind, tag in _TAGS.items() if kind}


class Section(NamedTuple):
    """An unbranched section: type, points and radii (metre), and what it hangs on."""

    kind: int
    points: np.ndarray
    radii: np.ndarray
    parent: int = -1
    attach: float = 0.0


def named_sections(sections: Sequence[Section], tags: Mapping[int, str] | None) -> Morphology:
    """Return a morphology of sections, parents first.

    Parameters
    ----------
    sections : sequence of Section
        The sections.
    tags : mapping of int to str, optional
        Tags of types beyond 1 soma, 2 axon, 3 basal, 4 apical.

    Raises
    ------
    ParameterError
        One of these four is given another tag.
    """
    for kind, tag in (tags or {}).items():
        if _FIXED.get(kind, tag) != tag:
            raise ParameterError(
                f"type {kind} is {_FIXED[kind]} in every file, not {tag}: only types beyond 1 "
                "soma, 2 axon, 3 basal, 4 apical are named (tags={5: 'apical'}, --tag 5=apical)"
            )
    names = {**_TAGS, **(tags or {})}
    labels = [names.get(section.kind, f"custom{section.kind}") for section in sections]
    many = Counter(labels)
    taken: Counter[str] = Counter()
    called = []
    for label in labels:
        alone = label == "soma" and many[label] == 1
        called.append(label if alone else f"{label}[{taken[label]}]")
        taken[label] += 1
    return Morphology(
        points_m=np.concatenate([section.points for section in sections]),
        diameters_m=2 * np.concatenate([section.radii for section in sections]),
        offsets=np.cumsum([0, *(len(section.radii) for section in sections)]),
        parents=np.array([section.parent for section in sections]),
        attach=np.array([section.attach for section in sections]),
        names=tuple(called),
        tags=tuple(labels),
    )
