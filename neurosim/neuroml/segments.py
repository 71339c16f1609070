"""Segments and groups of a NeuroML morphology as branches with tags."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from neurosim.morphology import Morphology
from neurosim.neuroml.elements import Element, NeuroMLError, Segment

__all__ = ["Shape", "groups_of", "shape_of"]

# What marks the groups that are unbranched cables, and those of soma, axon and dendrites.
_CABLE = "sao864921383"
_PLACES = {"GO:0043025": "soma", "GO:0030424": "axon", "GO:0030425": "dendrite"}
_WORDS = {
    "soma": "soma", "axon": "axon", "apic": "apical", "basal": "basal", "dend": "dendrite",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Shape:
    """A morphology, which branch each segment became, and what should be known of it."""

    morphology: Morphology
    branch_of: dict[int, int]
    groups: dict[str, list[int]]
    said: list[str]


def groups_of(morphology: Element) -> dict[str, list[int]]:
    """Return the segments of each group, those of included groups among them.

    Raises
    ------
    NeuroMLError
        A group or segment does not exist, or groups include each other in a loop.
    """
    elements: dict[str, Element] = {}
    for group in morphology.all("segmentGroup"):
        if group.get("id") in elements:
            raise group.fail("there is a group of that name already")
        elements[group.get("id")] = group
    numbers = {segment.number for segment in morphology.segments}
    below: dict[int, list[int]] = {}
    above = {segment.number: segment.parent for segment in morphology.segments}
    for segment in morphology.segments:
        if segment.parent is not None:
            below.setdefault(segment.parent, []).append(segment.number)
    found: dict[str, list[int]] = {}

    def own(group: Element) -> list[int]:
        members = list(group.members)
        for part in group.only("include", "path", "subTree", "inhomogeneousParameter"):
            if part.tag in ("path", "subTree"):
                members += _walked(part, below, above)
        for member in members:
            if member not in numbers:
                raise group.fail(f"there is no segment {member}")
        return members

    for start in elements:
        waiting, inside = [start], []
        while waiting:
            name = waiting[-1]
            group = elements[name]
            needed = [one.get("segmentGroup") for one in group.all("include")]
            for one in needed:
                if one not in elements:
                    raise group.fail(f"it includes the group {one!r}, which does not exist")
            missing = [one for one in needed if one not in found]
            if name in found or not missing:
                parts = [own(group), *(found[one] for one in needed)]
                found.setdefault(name, list(dict.fromkeys(k for part in parts for k in part)))
                waiting.pop()
                continue
            inside.append(name)
            if set(missing) & set(inside) or len(inside) > 10 * len(elements):
                raise group.fail("groups include each other in a loop")
            waiting += missing
    if "all" not in found:
        found["all"] = [segment.number for segment in morphology.segments]
    return found


def _walked(part: Element, below: dict[int, list[int]], above: dict[int, int | None]) -> list[int]:
    """Return the segments of a path or a subtree."""
    ends = {end.tag: int(end.get("segment")) for end in part.only("from", "to")}
    if part.tag == "subTree" and "from" in ends:
        members, waiting = [], [ends["from"]]
        while waiting:
            members.append(waiting.pop())
            waiting += below.get(members[-1], [])
        return members
    if "from" not in ends or "to" not in ends:
        raise part.fail("only subTree with from, and path with from and to, are known here")
    at: int | None = ends["to"]
    members = []
    while at is not None and at != ends["from"] and len(members) <= len(above):
        members.append(at)
        at = above.get(at)
    if at != ends["from"]:
        raise part.fail(f"segment {ends['to']} does not lie beyond segment {ends['from']}")
    return [at, *reversed(members)]


def shape_of(morphology: Element, used: Iterable[str]) -> Shape:
    """Return the branches of a morphology.

    Segments are one branch as long as each goes on where the one before ends, alone, and in the
    same groups of those that matter: the unbranched cables, soma, axon and dendrites, and `used`.

    Parameters
    ----------
    morphology : Element
        The element.
    used : iterable of str
        Groups that something is painted on.
    """
    segments = _in_order(morphology)
    groups = groups_of(morphology)
    elements = {group.get("id"): group for group in morphology.all("segmentGroup")}
    for name in used:
        if name not in groups:
            raise morphology.fail(f"there is no segment group {name!r}, which something covers")
    cables = [n for n, e in elements.items() if e.attributes.get("neuroLexId") == _CABLE]
    places = {n: _place(e) for n, e in elements.items() if _place(e)}
    owners: dict[int, list[str]] = {segment.number: [] for segment in segments}
    for name in dict.fromkeys([*cables, *places, *used]):
        for number in groups[name]:
            owners[number].append(name)
    kind = {number: tuple(names) for number, names in owners.items()}
    cable_of = {number: name for name in cables for number in groups[name]}
    chains, begins, said = _chains(segments, kind, cable_of)
    tags = [_tag(chain[0], kind[chain[0].number], places) for chain in chains]
    names = _names(chains, kind, {name: _called(elements[name]) for name in cables}, tags)
    branch_of = {s.number: k for k, chain in enumerate(chains) for s in chain}
    first = {s.number: k for chain in chains for k, s in enumerate(chain)}
    points, wide, parents, attach = [], [], [], []
    round_ones = []
    for chain in chains:
        table = np.array([begins[chain[0].number], *(s.distal for s in chain)], dtype=float)
        if len(chain) == 1 and np.all(table[0, :3] == table[1, :3]):
            if table[0, 3] != table[1, 3]:
                raise _failed(morphology, chain[0], "it has no length and two diameters")
            round_ones.append(chain[0].number)
            half = table[0, 3] / 2
            table = table[[0, 0]] + np.array([[-half, 0, 0, 0], [half, 0, 0, 0]])
        points.append(table[:, :3] * 1e-6)
        wide.append(table[:, 3] * 1e-6)
        above = chain[0].parent
        parents.append(-1 if above is None else branch_of[above])
        if above is None:
            attach.append(0.0)
            continue
        on = chains[branch_of[above]]
        ends = np.linalg.norm(np.diff(points[branch_of[above]], axis=0), axis=1).cumsum()
        k = first[above]
        start = 0.0 if k == 0 else float(ends[k - 1])
        way = start + chain[0].along * (float(ends[k]) - start)
        found = 1.0 if k == len(on) - 1 and chain[0].along == 1 else way / float(ends[-1])
        attach.append(_noted(elements.get(cable_of.get(chain[0].number, "")), found))
    if round_ones:
        few = ", ".join(map(str, round_ones[:5]))
        said.append(
            f"segments without length are spheres ({few}{', ...' * (len(round_ones) > 5)}); each "
            "is read as a cylinder as long as thick, which has the sphere's membrane"
        )
    shape = Morphology(
        points_m=np.concatenate(points),
        diameters_m=np.concatenate(wide),
        offsets=np.cumsum([0, *map(len, wide)]),
        parents=np.array(parents),
        attach=np.clip(attach, 0, 1),
        names=tuple(names),
        tags=tuple(tags),
    )
    return Shape(shape, branch_of, groups, said)


def _failed(morphology: Element, segment: Segment, reason: str) -> NeuroMLError:
    return NeuroMLError(
        f"{morphology.file}, line {segment.line}: segment {segment.number}: {reason}"
    )


def _in_order(morphology: Element) -> list[Segment]:
    """Return the segments, parents before children, and refuse what is no tree."""
    if not morphology.segments:
        raise morphology.fail("it has no segments")
    by_number: dict[int, Segment] = {}
    for segment in morphology.segments:
        if segment.number in by_number:
            raise _failed(morphology, segment, "the id was already given")
        by_number[segment.number] = segment
        values = (*(segment.proximal or segment.distal), *segment.distal)
        if not all(map(math.isfinite, values)) or values[7] <= 0 or values[3] <= 0:
            raise _failed(
                morphology, segment, "positions must be finite and diameters greater than 0"
            )
    below: dict[int | None, list[Segment]] = {}
    for segment in morphology.segments:
        if segment.parent is not None and segment.parent not in by_number:
            raise _failed(morphology, segment, f"its parent {segment.parent} does not exist")
        below.setdefault(segment.parent, []).append(segment)
    roots = below.get(None, [])
    if len(roots) > 1:
        raise _failed(
            morphology, roots[1], f"a second segment without parent, beside {roots[0].number}"
        )
    place = {segment.number: k for k, segment in enumerate(morphology.segments)}
    if all(s.parent is None or place[s.parent] < place[s.number] for s in morphology.segments):
        return list(morphology.segments)
    found, waiting = [], list(roots)
    while waiting:
        found.append(waiting.pop())
        waiting.extend(reversed(below.get(found[-1].number, [])))
    if len(found) < len(by_number):
        lost = next(s for s in morphology.segments if s.number not in {f.number for f in found})
        raise _failed(morphology, lost, "its parents form a loop")
    return found


def _place(group: Element) -> str:
    """Return what a group says its segments are, "" for nothing."""
    said = _PLACES.get(group.attributes.get("neuroLexId", ""), "")
    for note in group.all("property"):
        if note.attributes.get("tag") == "neurosim.tag":
            return note.attributes.get("value", "")
    name = group.get("id").lower()
    for start, tag in (("apical", "apical"), ("basal", "basal")):
        if name.startswith(start) and ("dend" in name or "group" in name or name == start):
            return tag
    return said


def _called(cable: Element) -> str:
    """Return the name of a cable: as we noted it, or its id."""
    for note in cable.all("property"):
        if note.attributes.get("tag") == "neurosim.name" and note.attributes.get("value"):
            return note.attributes["value"]
    return cable.get("id")


def _noted(cable: Element | None, found: float) -> float:
    """Return where a branch attaches: as we noted it, to the last digit, if that fits the file."""
    for note in [] if cable is None else cable.all("property"):
        if note.attributes.get("tag") == "neurosim.attach":
            try:
                said = float(note.attributes.get("value", ""))
            except ValueError:
                return found
            return said if abs(said - found) < 1e-9 else found
    return found


def _tag(segment: Segment, names: tuple[str, ...], places: dict[str, str]) -> str:
    """Return the tag of a branch: what its groups say, or else what its segment is called."""
    said = [places[name] for name in names if name in places]
    finer = [tag for tag in said if tag != "dendrite"]
    if finer or said:
        return (finer or said)[-1]
    called = segment.name.lower()
    found = [tag for word, tag in _WORDS.items() if word in called]
    return found[0] if found else "undefined"


def _chains(
    segments: list[Segment], kind: dict[int, tuple[str, ...]], cable_of: dict[int, str]
) -> tuple[list[list[Segment]], dict[int, tuple[float, ...]], list[str]]:
    """Return the segments of each branch, where each segment begins, and what is odd."""
    by_number = {segment.number: segment for segment in segments}
    below = Counter(segment.parent for segment in segments)
    # Segments on whose middle or beginning something hangs are branches of their own.
    middles = {s.parent for s in segments if s.parent is not None and s.along < 1}
    begins: dict[int, tuple[float, ...]] = {}
    chains: list[list[Segment]] = []
    place: dict[int, int] = {}
    # Segments that another one goes on from.
    continued: set[int] = set()
    steps = 0
    for segment in segments:
        above = None if segment.parent is None else by_number[segment.parent]
        if segment.proximal is not None:
            begins[segment.number] = segment.proximal
        elif above is None:
            raise NeuroMLError(
                f"segment {segment.number}, on line {segment.line}, has neither a proximal point "
                "nor a parent"
            )
        elif segment.along == 1:
            begins[segment.number] = above.distal
        else:
            ends = zip(begins[above.number], above.distal, strict=True)
            begins[segment.number] = tuple(a + segment.along * (b - a) for a, b in ends)
        goes_on = (
            above is not None
            and segment.along == 1
            and kind[above.number] == kind[segment.number]
            and begins[above.number][:3] != above.distal[:3]
            and begins[segment.number][:3] != segment.distal[:3]
            and above.number not in continued
        )
        if goes_on and above is not None and above.number not in cable_of:
            # Where the file says no cables, a branch ends where anything else hangs on it.
            alone = below[above.number] == 1 and not {above.number, segment.number} & middles
            goes_on = alone
        if goes_on and above is not None and begins[segment.number] != above.distal:
            # A step in diameter or a gap: the frustum between them is no membrane of the file.
            steps += 1
            goes_on = False
        if goes_on and above is not None:
            chains[place[above.number]].append(segment)
            place[segment.number] = place[above.number]
            continued.add(above.number)
        else:
            place[segment.number] = len(chains)
            chains.append([segment])
    said = [
        f"at {steps} places a segment begins with another diameter, or elsewhere, than its parent "
        "ends; a branch of its own begins there, and the step carries no membrane"
    ]
    return chains, begins, said if steps else []


def _names(
    chains: list[list[Segment]],
    kind: dict[int, tuple[str, ...]],
    cables: dict[str, str],
    tags: list[str],
) -> list[str]:
    """Return names of branches: that of their cable where it is one branch, or tag and number."""
    of_cable = [
        next((name for name in kind[chain[0].number] if name in cables), "") for chain in chains
    ]
    alone = Counter(of_cable)
    given = set(cables.values())
    many = Counter(tags)
    taken: Counter[str] = Counter()
    names = []
    for cable, tag in zip(of_cable, tags, strict=True):
        if cable and alone[cable] == 1:
            names.append(cables[cable])
            continue
        name = tag if tag == "soma" and many[tag] == 1 else f"{tag}[{taken[tag]}]"
        names.append(name if name not in given else f"{name}_")
        taken[tag] += 1
    return names
