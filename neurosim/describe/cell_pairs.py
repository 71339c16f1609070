"""Which cells are joined, and what has one value or one for each contact: checked, with names."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, suggest

__all__ = ["cell_pairs", "drawn", "each", "whole_seed"]


def cell_pairs(
    given: Any, sources: int, targets: int, *, same: bool, verb: str, ordered: bool = True
) -> np.ndarray:
    """Return pairs of cells, shape (n, 2), from what was given as such, or as "all".

    Parameters
    ----------
    given : array of int, or "all"
        The pairs; "all" means every cell with every other.
    sources, targets : int
        How many cells there are.
    same : bool
        Whether both are the same population.
    verb : str
        What the caller is called in messages.
    ordered : bool
        Whether (0, 1) and (1, 0) are two pairs of one population.

    Raises
    ------
    ParameterError
        They are no whole numbers of shape (n, 2), or name cells that are not there.
    UnknownNameError
        A word other than "all".
    """
    if isinstance(given, str):
        if given != "all":
            raise UnknownNameError(f"{verb}: pairs {given!r}: {suggest(given, ['all'])}")
        grid = np.stack(np.meshgrid(range(sources), range(targets), indexing="ij"), axis=-1)
        every = grid.reshape(-1, 2)
        if not same:
            return every
        return every[every[:, 0] != every[:, 1] if ordered else every[:, 0] < every[:, 1]]
    try:
        pairs = np.asarray(given)
    except ValueError:
        raise ParameterError(
            f"{verb}: pairs must be whole numbers of shape (n, 2); got {given!r}"
        ) from None
    if pairs.size == 0:
        return np.zeros((0, 2), dtype=int)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not np.issubdtype(pairs.dtype, np.integer):
        raise ParameterError(
            f"{verb}: pairs must be whole numbers of shape (n, 2); got {pairs.dtype} of shape "
            f"{pairs.shape}"
        )
    if pairs.min() < 0 or np.any(pairs.max(axis=0) >= (sources, targets)):
        raise ParameterError(
            f"{verb}: pairs name cells from 0 to {sources - 1} and from 0 to {targets - 1}; got "
            f"{pairs.min(axis=0).tolist()} to {pairs.max(axis=0).tolist()}"
        )
    return pairs.astype(int)


def drawn(pairs: np.ndarray, probability: float | None, key: list[int], verb: str) -> np.ndarray:
    """Return the pairs that are kept, each with a probability.

    Parameters
    ----------
    pairs : ndarray of int, shape (n, 2)
        Pairs of cells.
    probability : float, optional
        Without it all are kept.
    key : list of int
        What the random numbers start from.
    verb : str
        What the caller is called in messages.

    Raises
    ------
    ParameterError
        The probability is none.
    """
    if probability is None:
        return pairs
    if not isinstance(probability, int | float | np.number) or not 0 <= probability <= 1:
        raise ParameterError(
            f"{verb}: probability must be a number between 0 and 1; got {probability!r}"
        )
    kept: np.ndarray = pairs[np.random.default_rng(key).random(len(pairs)) < probability]
    return kept


def whole_seed(seed: int, verb: str) -> int:
    """Return a seed that is a whole number from 0 on, or refuse it."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ParameterError(f"{verb}: seed must be a whole number from 0 on; got {seed!r}")
    return int(seed)


def each(values: np.ndarray, count: int, what: str) -> np.ndarray:
    """Return one value a contact, from one or as many; `what` names them in messages."""
    if values.ndim and values.shape != (count,):
        raise ParameterError(
            f"{what} must be one value or {count}, one a contact; got {values.shape}"
        )
    if not np.all(np.isfinite(values)):
        raise ParameterError(f"{what} must be finite")
    found = np.broadcast_to(values, count).astype(float)
    found.setflags(write=False)
    return found
