"""Whether formulas are the same, and whether a state is linear in itself, told by numbers.

Forms differ where meaning does not: INITIAL may say a/(a + b) and DERIVATIVE a*(1 - m) - b*m. So
formulas are compared at a number of potentials, temperatures and parameters drawn around those of
the file.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.mod.formulas import Flows
from neurosim.mod.reading.tree import ModFile
from neurosim.mod.terms import Term, evaluate
from neurosim.mod.units import constant_value

__all__ = ["is_linear", "same", "samples", "solves_for_rest"]

_SAMPLES = 40
_CLOSE = 1e-9


def _values(flows: Flows, file: ModFile, names: set[str]) -> dict[str, Any]:
    """Return samples of what formulas depend on."""
    rng = np.random.default_rng(1)
    found: dict[str, Any] = {}
    currents = {f"i{use.ion}" for use in file.ions}
    for name in sorted(names):
        declared = file.parameters.get(name) or file.constants.get(name)
        if name in file.units:
            value = constant_value(*file.units[name])
            found[name] = np.full(_SAMPLES, np.nan if value is None else value)
        elif name in file.constants and declared is not None:
            found[name] = np.full(_SAMPLES, float(declared.value or 0))
        elif name in currents:
            found[name] = rng.uniform(-1, 1, _SAMPLES)
        elif name == "v":
            found[name] = rng.uniform(-100, 40, _SAMPLES)
        elif name == "celsius":
            found[name] = rng.uniform(5, 40, _SAMPLES)
        elif name in flows.rates:
            found[name] = rng.uniform(0.05, 0.95, _SAMPLES)
        elif declared is not None and declared.value and float(declared.value):
            found[name] = float(declared.value) * rng.uniform(0.8, 1.25, _SAMPLES)
        else:
            found[name] = rng.uniform(0.01, 1, _SAMPLES)
    return found


def _at(flows: Flows, term: Term, values: dict[str, Any]) -> np.ndarray:
    with np.errstate(all="ignore"):
        found = evaluate(term, values, flows.definitions)
    return np.broadcast_to(np.asarray(found, dtype=float), _SAMPLES)


def _rates(flows: Flows, state: str, values: dict[str, Any], points: list[float]) -> np.ndarray:
    rows = []
    for x in points:
        given = {**values, state: np.full(_SAMPLES, x)}
        rows.append(_at(flows, flows.rates[state], given))
    return np.array(rows)


def _names(flows: Flows, *terms: Term) -> set[str]:
    found: set[str] = set()
    for term in terms:
        found |= flows.depends(term)
    return {name for name in found if name not in flows.definitions}


def samples(flows: Flows, file: ModFile, term: Term) -> np.ndarray:
    """Return a formula's values at numbers drawn around those of the file."""
    return _at(flows, term, _values(flows, file, _names(flows, term)))


def is_linear(flows: Flows, file: ModFile, state: str) -> bool:
    """Say whether dx/dt = a + b x for a state, whatever all else is."""
    values = _values(flows, file, _names(flows, flows.rates[state]))
    points = [0.0, 0.1, 0.35, 0.8, 1.0]
    rates = _rates(flows, state, values, points)
    rates = rates[:, np.all(np.isfinite(rates), axis=0)]
    if rates.shape[1] == 0:
        return False
    line = rates[0] + np.outer(points, rates[-1] - rates[0])
    scale = np.abs(rates).max(axis=0)
    return bool(np.all(np.abs(rates - line) <= 1e-9 * scale + 1e-300))


def solves_for_rest(flows: Flows, file: ModFile, equations: list[Term]) -> bool:
    """Say whether linear equations are solved by the states at rest, which sum to one if they can.

    Parameters
    ----------
    flows, file
        The formulas of a file.
    equations : list of Term
        What is 0, in the states as symbols.
    """
    states = sorted(_names(flows, *equations) & set(flows.rates))
    rates = [flows.rates[state] for state in states]
    values = _values(flows, file, _names(flows, *equations, *rates))

    def rows(terms: list[Term], given: np.ndarray) -> np.ndarray:
        full = {**values, **dict(zip(states, given, strict=True))}
        return np.array([_at(flows, term, full) for term in terms])

    count = len(states)
    if not count or len(equations) != count:
        return False
    nothing, points = np.zeros((count, _SAMPLES)), np.eye(count)

    def matrix(terms: list[Term]) -> tuple[np.ndarray, np.ndarray]:
        offset = rows(terms, nothing)
        columns = [rows(terms, np.tile(one[:, None], _SAMPLES)) - offset for one in points]
        return np.moveaxis(np.array(columns), 0, 1), offset

    ours, theirs = matrix(rates), matrix(equations)
    fine = np.all([np.isfinite(part).all(axis=tuple(range(part.ndim - 1)))
                   for part in (*ours, *theirs)], axis=0)  # fmt: skip
    trial = np.array([values[state] for state in states])
    for terms, (slopes, offset) in ((rates, ours), (equations, theirs)):
        bent = rows(terms, trial) - np.einsum("ijs,js->is", slopes, trial) - offset
        scale = np.einsum("ijs,js->is", np.abs(slopes), trial) + np.abs(offset)
        if np.any(np.abs(bent)[:, fine] > _CLOSE * scale[:, fine] + 1e-300):
            return False
    if np.count_nonzero(fine) < _SAMPLES // 2:
        return False
    for k in np.flatnonzero(fine):
        try:
            where = np.linalg.solve(theirs[0][..., k], -theirs[1][:, k])
        except np.linalg.LinAlgError:
            return False
        slopes, offset = ours[0][..., k], ours[1][:, k]
        scale = np.abs(slopes) @ np.abs(where) + np.abs(offset)
        if np.any(np.abs(slopes @ where + offset) > _CLOSE * scale + 1e-300):
            return False
        if np.any(np.abs(slopes.sum(axis=0)) > _CLOSE * np.abs(slopes).sum(axis=0)):
            continue
        # Nothing enters or leaves: how much there is must be told, and is one.
        if np.any(offset != 0) or abs(where.sum() - 1) > _CLOSE:
            return False
        sizes = np.linalg.svd(slopes, compute_uv=False)
        if np.count_nonzero(sizes <= 1e-12 * sizes[0]) > 1:
            return False
    return True


def same(flows: Flows, file: ModFile, one: str | Term, other: Term) -> bool:
    """Say whether two formulas agree; for a state, whether it starts at its steady state."""
    state = one if isinstance(one, str) else ""
    first = flows.rates[state] if state else one
    assert isinstance(first, Term)
    values = _values(flows, file, _names(flows, first, other))
    second = _at(flows, other, values)
    if not state:
        left = _at(flows, first, values)
    else:
        at_zero, at_one = _rates(flows, state, values, [0.0, 1.0])
        with np.errstate(all="ignore"):
            left = -at_zero / (at_one - at_zero)
    fine = np.isfinite(left) & np.isfinite(second)
    if np.count_nonzero(fine) < _SAMPLES // 2:
        return False
    scale = np.abs(left[fine]) + np.abs(second[fine])
    return bool(np.all(np.abs(left[fine] - second[fine]) <= _CLOSE * scale + 1e-300))
