"""Gap junctions of a circuit: which compartments of which cells they join, and how well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from brian2.units import Quantity, have_same_dimensions, nS

from neurosim.channels.base import DIFFUSION
from neurosim.describe.cell_pairs import cell_pairs, drawn, each
from neurosim.describe.neuron import Neuron
from neurosim.describe.population import Population
from neurosim.describe.profiles import profiles
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.ions.ion import Ion
from neurosim.ions.transporter import VALENCE
from neurosim.morphology import Site
from neurosim.outside import Extracellular
from neurosim.quantities import check_quantity

__all__ = ["Coupling", "make_coupling"]


@dataclass(frozen=True, eq=False)
class Coupling:
    """Gap junctions between two populations, or within one.

    Attributes
    ----------
    label : str
        Name of these junctions.
    first, second : str
        Populations.
    pairs : ndarray of int, shape (n, 2)
        Cell of the first and cell of the second population of each junction.
    compartments : ndarray of int, shape (n, 2)
        Compartment of each, in the numbers of the morphology.
    conductance_S : ndarray, shape (n,)
        In siemens.
    record : bool
        Whether the current of each is recorded.
    ions : mapping of str to float
        By ion that passes from pool to pool, the share of the conductance that it carries.
    """

    label: str
    first: str
    second: str
    pairs: np.ndarray
    compartments: np.ndarray
    conductance_S: np.ndarray
    record: bool
    ions: Mapping[str, float] = field(default_factory=dict)


def make_coupling(
    first: tuple[str, Population],
    second: tuple[str, Population],
    labels: Sequence[str],
    *,
    conductance: Any,
    pairs: Any,
    probability: float | None,
    sites: Any,
    points: Any,
    label: str,
    record: bool,
    ions: Any,
    key: list[int],
) -> Coupling:
    """Return gap junctions, all of it checked; parameters as `Circuit.couple`.

    Parameters
    ----------
    first, second : (str, Population)
        Names and populations.
    labels : sequence of str
        Labels that are taken.
    key : list of int
        What the random numbers of `probability` start from.
    """
    (one, before), (other, after) = first, second
    for name, population in (first, second):
        _check_open(name, population.neuron)
    chosen = cell_pairs(
        pairs, before.count, after.count, same=one == other, verb="couple", ordered=False
    )
    chosen = drawn(chosen, probability, key, "couple")
    if len(chosen) == 0:
        raise ParameterError(
            f"couple: there is no junction between {one!r} and {other!r}; give pairs"
            + (", a higher probability or another seed" if probability is not None else "")
            + (" (a cell with itself only where pairs say so)" if one == other else "")
        )
    where = _compartments(sites, points, (before.neuron, after.neuron), len(chosen))
    _check_ends(chosen, where, same=one == other)
    passing = _shares(ions, first, second, where)
    return Coupling(
        label=_free(label, f"{one} -- {other}", labels),
        first=one,
        second=other,
        pairs=chosen,
        compartments=where,
        conductance_S=_conductance(conductance, len(chosen)),
        record=bool(record),
        ions=passing,
    )


def _check_open(name: str, neuron: Neuron) -> None:
    """Refuse cells whose potential inside is not the one that the engine solves for."""
    layered = any(isinstance(painted.part, Extracellular) for painted in neuron.painted)
    exposed = any(placed.field is not None for placed in neuron.placed)
    if layered or exposed:
        what = "layers outside their membrane" if layered else "a field outside"
        raise ParameterError(
            f"couple: the cells of {name!r} have {what}, which gap junctions cannot be combined "
            "with: their current follows the potentials inside, and only that across the membrane "
            "is solved for; leave one of them out"
        )


def _shares(
    given: Any, first: tuple[str, Population], second: tuple[str, Population], where: np.ndarray
) -> Mapping[str, float]:
    """Return which share of the conductance each ion carries."""
    if isinstance(given, str):
        given = (given,)
    if isinstance(given, set | frozenset):
        given = tuple(sorted(given, key=str))
    if not isinstance(given, Mapping | tuple | list) or any(not isinstance(i, str) for i in given):
        raise ParameterError(
            "couple: ions must name those that pass, such as ions=('k', 'na', 'cl'), or say which "
            f"share of the conductance each carries, such as ions={{'k': 0.9}}; got {given!r}"
        )
    for ion in given:
        if ion not in VALENCE:
            raise UnknownNameError(f"couple: ions has {ion!r}: {suggest(ion, VALENCE)}")
    if not given:
        return MappingProxyType({})
    if first[1].neuron.celsius != second[1].neuron.celsius:
        raise ParameterError(
            f"couple: ions pass between cells of one temperature; {first[0]!r} has "
            f"{first[1].neuron.celsius:g} °C and {second[0]!r} {second[1].neuron.celsius:g} °C"
        )
    both = ((first, where[:, 0]), (second, where[:, 1]))
    inside = {ion: [_pool(ion, *side, here) for side, here in both] for ion in given}
    if not isinstance(given, Mapping):
        # The conductance of an ion is proportional to z² D c (Nernst and Einstein).
        each = {i: VALENCE[i] ** 2 * float(DIFFUSION[i]) * sum(inside[i]) for i in given}
        return MappingProxyType({ion: one / sum(each.values()) for ion, one in each.items()})
    shares = {}
    for ion, share in given.items():
        plain = isinstance(share, int | float | np.number) and not isinstance(share, bool)
        plain |= isinstance(share, Quantity) and share.ndim == 0 and have_same_dimensions(share, 1)
        if not plain or not 0 < float(share) <= 1:
            raise ParameterError(
                f"couple: ions[{ion!r}] is the share of the conductance that {ion} carries, above "
                f"0 and at most 1; got {share!r}"
            )
        shares[ion] = float(share)
    if sum(shares.values()) > 1 + 1e-9:
        raise ParameterError(
            f"couple: the shares of ions sum to {sum(shares.values()):g}; they are at most 1 "
            "together, and what is missing to 1 is carried by ions that nobody follows"
        )
    return MappingProxyType(shares)


def _pool(ion: str, name: str, population: Population, compartments: np.ndarray) -> float:
    """Return the mean concentration (mM) with which an ion is painted where junctions sit."""
    cut = population.neuron.compartments
    found = np.full(len(cut), np.nan)
    for painted in population.neuron.painted:
        if isinstance(painted.part, Ion) and painted.part.ion == ion and painted.part.inside_moves:
            start = profiles(painted, cut).get("inside", float(painted.part.inside))
            found[painted.region.mask(cut)] = start
    missing = compartments[np.isnan(found[compartments])]
    if len(missing):
        branch = cut.branch_names[int(cut.branch[missing[0]])]
        raise ParameterError(
            f"couple: {ion} is to pass the junctions, and no pool of it moves in {name!r} on "
            f"branch {branch!r}; paint {_PAINT[ion]} there (without held=True), or leave {ion!r} "
            "out of ions"
        )
    return float(found[compartments].mean())


_PAINT = {"na": "Sodium()", "k": "Potassium()", "ca": "Calcium()", "cl": "Chloride()"}


def _conductance(given: Any, count: int) -> np.ndarray:
    if np.ndim(given) == 2 or (isinstance(given, tuple) and len(given) == 2 != count):
        raise ParameterError(
            "couple: a junction has one conductance, the same in both directions; rectifying "
            "junctions are not provided"
        )
    checked = check_quantity(given, 1 * nS, "couple: conductance", at_least=0 * nS, many=1)
    return each(np.asarray(checked, dtype=float), count, "couple: conductance")


def _compartments(
    sites: Any, points: Any, neurons: tuple[Neuron, Neuron], count: int
) -> np.ndarray:
    """Return the two compartments of each junction, shape (n, 2)."""
    both = (sites, sites) if isinstance(sites, Site) else sites
    if not (
        isinstance(both, tuple | list) and len(both) == 2 and all(isinstance(s, Site) for s in both)
    ):
        raise ParameterError(
            "couple: sites must be a place on the cells, such as at('soma'), or two, one for each "
            f"population; got {sites!r}"
        )
    found = [s.compartments(n.compartments) for s, n in zip(both, neurons, strict=True)]
    if points is None:
        for site, here in zip(both, found, strict=True):
            if len(here) != 1:
                raise ParameterError(
                    f"couple: {site!r} has {len(here)} points; say with points, of shape "
                    f"({count}, 2), at which one each junction sits"
                )
        return np.broadcast_to([int(here[0]) for here in found], (count, 2)).copy()
    chosen = np.asarray(points)
    if not np.issubdtype(chosen.dtype, np.integer) or chosen.shape != (count, 2):
        raise ParameterError(
            f"couple: points must be whole numbers of shape ({count}, 2), two a junction; got "
            f"{chosen.dtype} of shape {chosen.shape}"
        )
    for column, here in enumerate(found):
        if chosen[:, column].min() < 0 or chosen[:, column].max() >= len(here):
            raise ParameterError(
                f"couple: points of the {('first', 'second')[column]} population are numbers from "
                f"0 to {len(here) - 1}; got {chosen[:, column].min()} to {chosen[:, column].max()}"
            )
    return np.stack([here[chosen[:, k]] for k, here in enumerate(found)], axis=1)


def _check_ends(pairs: np.ndarray, where: np.ndarray, *, same: bool) -> None:
    """Refuse a compartment that is joined to itself, and a junction that is there twice."""
    ends = np.stack([pairs, where], axis=2)
    if same:
        alone = np.flatnonzero((ends[:, 0] == ends[:, 1]).all(axis=1))
        if len(alone):
            raise ParameterError(
                f"couple: junction {alone[0]} joins a compartment of cell {pairs[alone[0], 0]} to "
                "itself; give two sites that lie in different compartments"
            )
        swap = (ends[:, 0, 0] > ends[:, 1, 0]) | (
            (ends[:, 0, 0] == ends[:, 1, 0]) & (ends[:, 0, 1] > ends[:, 1, 1])
        )
        ends = np.where(swap[:, np.newaxis, np.newaxis], ends[:, ::-1], ends)
    _, first, many = np.unique(
        ends.reshape(len(ends), 4), axis=0, return_index=True, return_counts=True
    )
    if many.max() > 1:
        twice = int(first[np.argmax(many)])
        raise ParameterError(
            f"couple: the junction of cells {pairs[twice].tolist()} is there {many.max()} times; "
            "give each once (conductances of parallel junctions add)"
        )


def _free(label: str, usual: str, taken: Sequence[str]) -> str:
    if not isinstance(label, str):
        raise ParameterError(f"couple: label must be a text; got {label!r}")
    if label in taken:
        raise ParameterError(f"couple: there are junctions {label!r} already; give another label")
    found, number = label or usual, 2
    while found in taken:
        found, number = f"{usual} ({number})", number + 1
    return found
