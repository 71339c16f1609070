"""Which cells of a circuit are in contact: pairs that are listed, counted, or drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.units import Quantity

from neurosim.describe.cell_pairs import drawn, whole_seed
from neurosim.describe.distance import DistanceProfile, probability_at
from neurosim.errors import ParameterError
from neurosim.quantities import check_whole

__all__ = [
    "contact_weights",
    "drawn_pairs",
    "in_turn",
]


def drawn_pairs(
    pairs: np.ndarray,
    key: tuple[Any, int],
    distance_um: np.ndarray | None,
    *,
    probability: float | DistanceProfile | None,
    incoming: int | None,
    outgoing: int | None,
) -> np.ndarray:
    """Return the pairs that chance keeps.

    Parameters
    ----------
    pairs : ndarray of int, shape (n, 2)
        What there is to draw from.
    key : (int, int)
        Seed, and number of the connection: connections draw apart under one seed.
    distance_um : ndarray, shape (n,), optional
        Distance between the cells of each pair, which a function as `probability` gets.
    probability, incoming, outgoing
        As `Circuit.connect` takes them.

    Raises
    ------
    ParameterError
        A number is none, or too few pairs are left for it.
    """
    seed = [whole_seed(key[0], "connect"), key[1]]
    if callable(probability):
        assert distance_um is not None
        chance = probability_at(probability, distance_um)
        pairs = pairs[np.random.default_rng(seed).random(len(pairs)) < chance]
    else:
        pairs = drawn(pairs, probability, seed, "connect")
    for column, many, word in ((1, incoming, "incoming"), (0, outgoing, "outgoing")):
        if many is not None:
            draw = np.random.default_rng([*seed, column])
            pairs = _so_many(pairs, column, check_whole(many, f"connect: {word}"), draw)
    return pairs


def _so_many(
    pairs: np.ndarray, column: int, many: int, generator: np.random.Generator
) -> np.ndarray:
    """Keep a number of pairs, drawn at random, for each cell of a column."""
    shuffled = generator.permutation(len(pairs))
    order = shuffled[np.argsort(pairs[shuffled, column], kind="stable")]
    cells = pairs[order, column]
    first = np.searchsorted(cells, cells)
    rank = np.arange(len(cells)) - first
    present = np.bincount(cells) if len(cells) else np.zeros(0, dtype=int)
    short = np.flatnonzero((present > 0) & (present < many))
    if len(short):
        word = ("outgoing", "incoming")[column]
        raise ParameterError(
            f"connect: {word}={many} contacts are asked for, but cell {short[0]} has only "
            f"{present[short[0]]} to draw from; ask for fewer"
        )
    kept: np.ndarray = pairs[np.sort(order[rank < many])]
    return kept


def in_turn(target: np.ndarray, points: int) -> np.ndarray:
    """Return the points of each target cell one after the other, around and around."""
    seen: dict[int, int] = {}
    chosen = np.empty(len(target), dtype=int)
    for k, cell in enumerate(target.tolist()):
        chosen[k] = seen.get(cell, 0) % points
        seen[cell] = seen.get(cell, 0) + 1
    return chosen


def contact_weights(given: Any) -> np.ndarray:
    """Return weights as numbers that are not negative."""
    if isinstance(given, Quantity) and not given.is_dimensionless:
        raise ParameterError(
            f"connect: weight is a number of quanta; got {given}. The conductance of one is the g "
            "of the receptor"
        )
    try:
        values = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"connect: weight must be numbers; got {given!r}") from None
    if np.any(values < 0):
        raise ParameterError(
            "connect: weight must not be negative; inhibition is by receptors such as GABAA"
        )
    return values
