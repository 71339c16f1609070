"""The shape of a `brian2.SpatialNeuron`, cut where Brian2 cuts it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurosim.errors import ParameterError
from neurosim.morphology import Branch, Morphology, PerBranch

__all__ = ["check_shape", "read_shape"]

_TAGS = {"soma": "soma", "axon": "axon", "dend": "basal", "apic": "apical"}


class _Hanging(NamedTuple):
    """A section still to be read: its name, what it hangs on and where, and how it is drawn."""

    section: Any
    name: str
    parent: str | None
    spot: float
    origin: np.ndarray
    angle: float


def read_shape(morphology: Any) -> tuple[Morphology, PerBranch]:
    """Return the shape of a Brian2 morphology, and the rule that cuts it where Brian2 does."""
    branches: list[Branch] = []
    counts: dict[str, int] = {}
    first = "soma" if _is_soma(morphology) else "root"
    waiting = [_Hanging(morphology, first, None, 1.0, np.zeros(3), 0.0)]
    while waiting:
        section, name, parent, spot, origin, angle = waiting.pop()
        tag = _TAGS.get(str(section.type), str(section.type or "dendrite"))
        for piece, points, diameters, count in _pieces(section, name, origin, angle):
            branches.append(Branch(piece, tag, points, diameters, parent, spot))
            counts[piece] = count
            parent, spot, origin = piece, 1.0, points[-1]
        # Brian2 gives a spherical soma no axial resistance: what hangs on it hangs on its centre.
        spot = 0.5 if _is_soma(section) else 1.0
        head = "" if section is morphology else f"{name}."
        children = list(section.children)
        # Without coordinates, children are drawn as a fan.
        width = 2 * np.pi * (1 - 1 / len(children)) if _is_soma(section) and children else 1.0
        fan = np.linspace(-width / 2, width / 2, len(children)) if len(children) > 1 else [0.0]
        hanging = [
            _Hanging(
                child, f"{head}{section.children.name(child) or k + 1}", parent, spot, origin,
                angle + float(fan[k]),
            )
            for k, child in enumerate(children)
        ]  # fmt: skip
        waiting += reversed(hanging)
    return Morphology.from_branches(branches), PerBranch(1, counts)


def check_shape(group: Any) -> None:
    """Refuse a group whose compartments are not those of its morphology.

    Raises
    ------
    ParameterError
        Brian2 runs with the group's own lengths, areas and resistances; here the shape says them.
    """
    shape = group.flat_morphology
    for word in ("area", "length", "diameter", "volume", "r_length_1", "r_length_2"):
        own, cut = (np.asarray(getattr(one, word), dtype=float) for one in (group, shape))
        other = np.flatnonzero(~np.isclose(own, cut, rtol=1e-9, atol=0))
        if len(other):
            raise ParameterError(
                f"{group.name}: {word} was set by hand (in compartment {other[0]}), and is not "
                "that of the morphology; give the morphology the size that is meant"
            )


def _is_soma(section: Any) -> bool:
    return type(section).__name__ == "Soma"


def _pieces(
    section: Any, name: str, origin: np.ndarray, angle: float
) -> list[tuple[str, np.ndarray, np.ndarray, int]]:
    """Return name, points, diameters (metre) and number of compartments of each branch."""
    ahead = np.array([np.cos(angle), np.sin(angle), 0.0])
    if _is_soma(section):
        # A cylinder as long as thick has the area of the sphere.
        d = float(np.asarray(section.diameter).reshape(-1)[0])
        centre = origin if section.x is None else _corner(section, "")[0]
        return [(name, centre + np.outer([-d / 2, d / 2], ahead), np.array([d, d]), 1)]
    first, last = (
        np.asarray(getattr(section, f"{end}_diameter"), dtype=float).reshape(-1)
        for end in ("start", "end")
    )
    length = np.asarray(section.length, dtype=float).reshape(-1)
    if section.x is None:
        along = np.concatenate([[0.0], np.cumsum(length)])
        starts, stops = (origin + np.outer(part, ahead) for part in (along[:-1], along[1:]))
    else:
        starts, stops = _corner(section, "start_"), _corner(section, "end_")
    even = np.allclose(length, length[0], rtol=1e-9, atol=0)
    if even and np.array_equal(last[:-1], first[1:]):
        points = np.concatenate([starts[:1], stops])
        return [(name, points, np.append(first[:1], last), section.n)]
    return [
        (f"{name}[{k}]", np.stack([starts[k], stops[k]]), np.array([first[k], last[k]]), 1)
        for k in range(section.n)
    ]


def _corner(section: Any, end: str) -> np.ndarray:
    """Return one end of each compartment (`end` empty: the centre), shape (n, 3), in metre."""
    return np.stack(
        [np.asarray(getattr(section, f"{end}{axis}"), dtype=float).reshape(-1) for axis in "xyz"],
        axis=1,
    )
