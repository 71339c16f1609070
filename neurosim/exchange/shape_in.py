"""The shape of a live NEURON cell: a branch a section."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.exchange.errors import ExchangeError
from neurosim.morphology import Branch, Morphology

__all__ = ["in_order_of_parents", "names_of", "sections_of", "shape_of"]

#: By attribute of a cell, or by what its sections are called, what the branches are.
_TAGS = {
    "soma": "soma", "dend": "dendrite", "dendrite": "dendrite", "basal": "basal",
    "apic": "apical", "apical": "apical", "axon": "axon", "axonal": "axon", "somatic": "soma",
    "hillock": "hillock", "hill": "hillock", "ais": "initial_segment", "iseg": "initial_segment",
    "initial_segment": "initial_segment", "node": "node", "internode": "internode",
    "myelin": "internode", "terminal": "terminal",
}  # fmt: skip


def sections_of(cell: Any) -> list[Any]:
    """Return the sections of a cell.

    Raises
    ------
    ExchangeError
        It has none that can be found.
    """
    # A hoc template is asked for `all` first: every object of hoc can be called and looks iterable.
    held = (getattr(cell, name, None) for name in ("sections", "all"))
    for one in (*held, cell):
        if found := _as_sections(one):
            return found
    raise ExchangeError(
        "from_neuron: give a cell that has its sections as .sections or .all, or a list of "
        f"sections; got {cell!r}. A hoc or Python file is not read: run it in NEURON, and give the "
        "cell it makes"
    )


def _as_sections(group: Any) -> list[Any]:
    """Return a collection of sections as a list, and an empty one for anything else."""
    if group is None or isinstance(group, str):
        return []
    try:
        found = list(group)
    except TypeError:
        return []
    return found if all(hasattr(one, "nseg") for one in found) else []


def in_order_of_parents(sections: list[Any]) -> list[Any]:
    """Return sections with parents before children, in their own order otherwise."""
    known = {section.name(): section for section in sections}
    ordered: dict[str, Any] = {}

    def add(section: Any) -> None:
        chain = [section]
        while (up := chain[-1].parentseg()) is not None and up.sec.name() not in ordered:
            if up.sec.name() not in known:
                raise ExchangeError(
                    f"from_neuron: {chain[-1].name()} hangs on {up.sec.name()}, which is not among "
                    "the sections that were given; give all sections of the cell"
                )
            chain.append(up.sec)
        for one in reversed(chain):
            ordered.setdefault(one.name(), one)

    for section in sections:
        add(section)
    return list(ordered.values())


def shape_of(sections: list[Any], cell: Any, content: dict[str, Any]) -> Morphology:
    """Return the shape of sections, in their order.

    Raises
    ------
    ExchangeError
        A section hangs on its distal end, or nothing says how its diameter changes.
    """
    names = names_of(sections)
    tags = _tags(sections, cell, content)
    found: dict[str, Branch] = {}
    for section in sections:
        name, up = names[section.name()], section.parentseg()
        if section.orientation() != 0:
            raise ExchangeError(
                f"from_neuron: {name} hangs on its parent by its end 1; connect its end 0"
            )
        parent = None if up is None else names[up.sec.name()]
        attach = 1.0 if up is None else float(up.x)
        xyz, diameters = _points(section, None if parent is None else found[parent], attach)
        found[name] = Branch(name, tags[section.name()], xyz, diameters, parent, attach)
    # In the order of the sections, which `Morphology.from_branches` would change.
    branches, number = list(found.values()), {name: k for k, name in enumerate(found)}
    return Morphology(
        points_m=np.concatenate([one.points_m for one in branches]),
        diameters_m=np.concatenate([one.diameters_m for one in branches]),
        offsets=np.cumsum([0, *(len(one.diameters_m) for one in branches)]),
        parents=np.array([-1 if one.parent is None else number[one.parent] for one in branches]),
        attach=np.array([one.attach for one in branches]),
        names=tuple(found),
        tags=tuple(one.tag for one in branches),
    )


def names_of(sections: list[Any]) -> dict[str, str]:
    """Return names without what the cell is called, where these differ."""
    short = {s.name(): s.name().rpartition(".")[2] for s in sections}
    return (
        short if len(set(short.values())) == len(short) else {s.name(): s.name() for s in sections}
    )


def _tags(sections: list[Any], cell: Any, content: dict[str, Any]) -> dict[str, str]:
    told = {one["name"]: one["tag"] for one in content.get("sections", ())}
    found = {}
    for attribute, tag in _TAGS.items():
        group = getattr(cell, attribute, None)
        try:
            group = [group] if hasattr(group, "nseg") else list(group or ())
        except TypeError:
            continue
        for section in group:
            if hasattr(section, "nseg"):
                found[section.name()] = tag
    for section in sections:
        name = section.name()
        plain = name.rpartition(".")[2].partition("[")[0].lower()
        found[name] = told.get(name, found.get(name, _TAGS.get(plain, "undefined")))
    return found


def _points(section: Any, parent: Branch | None, attach: float) -> tuple[np.ndarray, np.ndarray]:
    """Return points and diameters, in metre."""
    count = int(section.n3d())
    if count > 1:
        rows = [
            (section.x3d(k), section.y3d(k), section.z3d(k), section.diam3d(k))
            for k in range(count)
        ]
        table = np.array(rows) * 1e-6
        return table[:, :3], table[:, 3]
    wide = {segment.diam for segment in section}
    if max(wide) > min(wide) * (1 + 1e-9):
        raise ExchangeError(
            f"from_neuron: the segments of {section.name()} have diameters of their own, and no "
            "points say how they follow; give it points (pt3dadd)"
        )
    begin = np.zeros(3)
    if parent is not None:
        along = np.linalg.norm(np.diff(parent.points_m, axis=0), axis=1)
        path = np.concatenate([[0.0], np.cumsum(along)])
        begin = np.array(
            [np.interp(attach * path[-1], path, parent.points_m[:, axis]) for axis in range(3)]
        )
    end = begin + np.array([section.L * 1e-6, 0.0, 0.0])
    return np.array([begin, end]), np.full(2, max(wide) * 1e-6)
