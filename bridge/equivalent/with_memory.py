"""Ask a cell whether it remembers seconds, and put the answer beside its unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bridge.equivalent.equivalent_unit import EquivalentUnit
from bridge.errors import CurveError, FitError
from bridge.slow_state.slow_fit import fit_slow
from bridge.slow_state.sweep_counts import SweepCounts

__all__ = ["with_memory"]


def with_memory(found: EquivalentUnit, counts: Callable[[], SweepCounts]) -> EquivalentUnit:
    """Add the unit with a slow state, or a note that says why it cannot be told.

    Parameters
    ----------
    found : EquivalentUnit
    counts : callable
        Gives the counts in time; may raise `CurveError`.
    """
    try:
        fit = fit_slow(counts(), confidence=found.selection.confidence)
    except (CurveError, FitError) as error:
        return replace(found, notes=(*found.notes, f"a slow state cannot be told: {error}"))
    return replace(found, memory=fit)
