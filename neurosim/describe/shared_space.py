"""Which populations of a circuit lie around a space outside, and what they must hold for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units.stdunits import mM

from neurosim.channels.base import Mechanism
from neurosim.describe.parts import Painted
from neurosim.describe.population import Population
from neurosim.errors import ParameterError
from neurosim.ions.ion import Ion
from neurosim.outside import Space
from neurosim.synapses.base import Receptor

__all__ = ["SharedSpace", "make_shared"]

_NAMES = {"na": "Sodium", "k": "Potassium", "ca": "Calcium", "cl": "Chloride"}


@dataclass(frozen=True, eq=False)
class SharedSpace:
    """A space and its members.

    Attributes
    ----------
    label : str
        Name of the space.
    space : Space
        What it is.
    members : tuple of str
        Populations.
    each : bool
        Whether each cell has its own, with the cells of the same number of other members.
    """

    label: str
    space: Space
    members: tuple[str, ...]
    each: bool


def make_shared(
    space: Any,
    members: Mapping[str, Population],
    others: Sequence[SharedSpace],
    *,
    each: bool,
    label: str,
) -> SharedSpace:
    """Return a space with its members, all of it checked; parameters as `Circuit.share`."""
    if not isinstance(space, Space):
        raise ParameterError(
            f"share: space must be a Space or SpaceAlong, such as Space(k_o=3.5*mM); got {space!r}"
        )
    if not members:
        raise ParameterError("share: a space has members; add populations to the circuit first")
    if not isinstance(label, str) or not label or label in [one.label for one in others]:
        raise ParameterError(
            f"share: a space has a name that no other has, such as label='cortex'; got {label!r}"
        )
    counts = {name: population.count for name, population in members.items()}
    if each and len(set(counts.values())) > 1:
        said = ", ".join(f"{count} {name}" for name, count in counts.items())
        raise ParameterError(
            f"share: with each=True all populations must have the same number of cells; got {said}"
        )
    for ion in space.ions:
        for other in others:
            both = [name for name in members if name in other.members and ion in other.space.ions]
            if both:
                raise ParameterError(
                    f"share: {both[0]!r} shares {ion} with the space {other.label!r} already"
                )
        holding = [_holds(name, one, ion, space) for name, one in members.items()]
        if not any(holding):
            raise ParameterError(
                f"share: the space holds {ion}, and no member does; paint an ion such as "
                f"{_NAMES[ion]}(outside={getattr(space, ion + '_o')}) on them, or leave {ion}_o out"
            )
    return SharedSpace(label, space, tuple(members), bool(each))


def _holds(name: str, population: Population, ion: str, space: Space) -> bool:
    """Return whether a population holds an ion, and refuse one that carries it and does not."""
    painted = population.neuron.painted
    found = [one for one in painted if isinstance(one.part, Ion) and one.part.ion == ion]
    start = getattr(space, f"{ion}_o")
    for one in found:
        _check_start(name, population, one, ion, start)
    cut = population.neuron.compartments
    held = np.zeros(len(cut), dtype=bool)
    for one in found:
        held |= one.region.mask(cut)
    for other in painted:
        carries = isinstance(other.part, Mechanism) and ion in _carried(other.part)
        if carries and np.any(other.region.mask(cut) & ~held):
            raise ParameterError(
                f"share: {other.label!r} of {name!r} carries {ion} where the cell does not hold "
                "it, so that the space would not get what leaves; paint the ion there too"
            )
    for placed in population.neuron.placed:
        if not isinstance(placed.part, Receptor) or placed.part.ion != ion:
            continue
        if not np.all(held[placed.site.compartments(cut)]):
            raise ParameterError(
                f"share: the receptors {placed.label!r} of {name!r} carry {ion} where the cell "
                "does not hold it, so that the space would not get what leaves; paint the ion "
                "there too"
            )
    return bool(found)


def _carried(part: Mechanism) -> tuple[str, ...]:
    """Return the ions that a channel or transporter carries through the membrane."""
    if isinstance(part, Ion):
        return ()
    moves = getattr(part, "moves", None)
    if moves is not None:
        return tuple(moves)
    ion = getattr(part, "ion", None)
    return () if ion is None or hasattr(part, "writes") else (ion,)


def _check_start(name: str, population: Population, one: Painted, ion: str, start: Any) -> None:
    assert isinstance(one.part, Ion)
    if float(one.part.outside_depth) > 0:
        raise ParameterError(
            f"share: {one.label!r} of {name!r} has a space of its own (outside_depth); leave it "
            "out, since the shared space takes its place"
        )
    if not np.isclose(float(one.part.outside), float(start), rtol=1e-12, atol=0):
        raise ParameterError(
            f"share: {one.label!r} of {name!r} has {one.part.outside / mM:g} mM outside, and the "
            f"space starts with {start / mM:g} mM of {ion}; give both the same"
        )
    varied = [*population.batch, *population.courses, *dict(one.values)]
    for key in varied:
        if key in ("outside", f"{one.label}.outside"):
            raise ParameterError(
                f"share: {key!r} of {name!r} differs between cells or over time, but the space "
                "says what is outside; leave it out"
            )
