"""How a fitted neuron does on steps that it was not fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.choice.select_unit import select
from bridge.counts.curve import FICurve
from bridge.errors import BridgeError
from bridge.fit.fit_target import FitTarget, Piece
from bridge.spike_trains.distances import coincidence_factor
from bridge.units.rate_function import RateFunction

__all__ = [
    "StepScore",
    "UnitCheck",
    "between_neighbours",
    "check_unit",
    "own_reliability",
    "score_steps",
]

Array = NDArray[np.float64]

PRECISION_MS = 4.0


@dataclass(frozen=True)
class StepScore:
    """One step, recorded and run.

    Attributes
    ----------
    current_pA : float
        Above holding.
    recorded, fitted : int
        Spikes in the step.
    gamma : float
        Coincidence factor at 4 ms; nan where one of them does not fire.
    held_out : bool
        Whether the fit has not seen it.
    """

    current_pA: float
    recorded: int
    fitted: int
    gamma: float
    held_out: bool

    @property
    def near(self) -> bool:
        """Whether the counts differ by at most a tenth, or by one spike."""
        return abs(self.fitted - self.recorded) <= max(1.0, 0.1 * self.recorded)


@dataclass(frozen=True)
class UnitCheck:
    """The f-I unit of the recorded steps and that of the fitted neuron.

    Attributes
    ----------
    family : str
        Of the unit that stands for the recorded counts; empty where none may.
    rows : tuple of (str, float, float, float, bool)
        By parameter: recorded, ends of its interval, fitted neuron's, whether it is inside.
    refused : str
        Why there is nothing to compare.
    ended : str
        Parameter of the fitted neuron's unit that went to the end of its range, so that its counts
        do not tell the unit; empty if none did.
    """

    family: str = ""
    rows: tuple[tuple[str, float, float, float, float, bool], ...] = ()
    refused: str = ""
    ended: str = ""

    @property
    def inside(self) -> bool | None:
        """Whether all parameters are; None where there is nothing to compare."""
        return None if self.refused else all(row[-1] for row in self.rows)


def _inside(times_ms: Array, target: FitTarget) -> Array:
    return times_ms[(times_ms >= target.onset_ms) & (times_ms < target.stop_ms)] - target.onset_ms


def score_steps(
    target: FitTarget, pieces: Sequence[Piece], spikes: Sequence[Array], held_out: bool
) -> tuple[StepScore, ...]:
    """Score runs of some steps."""
    scores = []
    for piece, times in zip(pieces, spikes, strict=True):
        cell, model = _inside(piece.spikes_ms, target), _inside(times, target)
        scores.append(
            StepScore(piece.current_pA, len(cell), len(model), _gamma(cell, model, target),
                      held_out)
        )  # fmt: skip
    return tuple(scores)


def _gamma(cell: Array, model: Array, target: FitTarget) -> float:
    return coincidence_factor(cell * 1e-3, model * 1e-3, target.step_ms * 1e-3, PRECISION_MS * 1e-3)


def own_reliability(target: FitTarget) -> float:
    """Return the mean coincidence factor of repeated steps; nan where nothing is repeated."""
    found = []
    for again in target.repeats:
        for first in (*target.train, *target.held_out):
            if abs(first.current_pA - again.current_pA) < 0.5:
                cell, other = _inside(first.spikes_ms, target), _inside(again.spikes_ms, target)
                found.append(_gamma(cell, other, target))
    known = [one for one in found if np.isfinite(one)]
    return float(np.mean(known)) if known else float("nan")


def between_neighbours(target: FitTarget) -> float:
    """Return the mean coincidence factor of held-out steps with a guess from recorded ones.

    The n-th spike is put midway between the n-th spikes of the next smaller and the next larger
    current of all that were recorded. What a cell does from one step to the next without reason,
    this misses too, so that it tells what to expect of a fit where no step is repeated; nan where
    no held-out step that fires has two neighbours that fire. The guess has as many spikes as the
    neighbour with fewer, so that it is low where counts rise fast.
    """
    recorded = (*target.train, *target.held_out, *target.unused)
    pieces = sorted(recorded, key=lambda piece: piece.current_pA)
    times = [_inside(piece.spikes_ms, target) for piece in pieces]
    held = {id(piece) for piece in target.held_out}
    found = []
    for k in range(1, len(pieces) - 1):
        if id(pieces[k]) in held:
            both = min(len(times[k - 1]), len(times[k + 1]))
            midway = (times[k - 1][:both] + times[k + 1][:both]) / 2
            found.append(_gamma(times[k], midway, target))
    known = [one for one in found if np.isfinite(one)]
    return float(np.mean(known)) if known else float("nan")


def check_unit(target: FitTarget, scores: Sequence[StepScore]) -> UnitCheck:
    """Compare the f-I unit of the recorded counts with that of the fitted neuron's."""
    currents = np.array([one.current_pA for one in scores])
    window = np.full(len(scores), target.step_ms * 1e-3)
    try:
        recorded = select(FICurve(currents, np.array([one.recorded for one in scores]), window))
        if not recorded.ok or recorded.best is None:
            return UnitCheck(refused=str(recorded.refusal))
        best = recorded.best
        fitted = select(
            FICurve(currents, np.array([one.fitted for one in scores]), window),
            families=[best.family], intervals=None,
        ).best  # fmt: skip
    except BridgeError as error:
        return UnitCheck(refused=str(error))
    if fitted is None:
        return UnitCheck(refused=f"the fitted neuron's counts allow no {best.family}")
    rows = []
    for name, interval in best.intervals.items():
        own, other = float(getattr(best.unit, name)), float(getattr(fitted.unit, name))
        rows.append((name, own, interval.low, interval.high, other, other in interval))
    return UnitCheck(best.family, tuple(rows), ended=_at_end(fitted.unit))


def _at_end(unit: RateFunction) -> str:
    """Return the parameter of a unit that lies at an end of its range; empty if none does."""
    for one in unit.parameters:
        value = float(getattr(unit, one.name))
        for end in (one.lower, one.upper):
            if np.isfinite(end) and end and abs(value - end) <= 1e-6 * abs(end):
                return one.name
    return ""
