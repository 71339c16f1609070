"""The firing rate of a cell as a formula of how many synapses are active on each branch.

Four formulas, smallest first, that differ in nothing but the branches:

* point, one weight: rate = f(w Σ n_k)
* point, weights:    rate = f(Σ w_k n_k)
* two-layer:         rate = f(Σ w_k s(n_k)), one s for all branches
* two-layer, own:    rate = f(Σ w_k s_k(n_k))

with n_k active synapses on branch k, f(x) = R log(1 + e^(x + b)) the output, a smooth threshold,
and s(n) = 1 / (1 + e^((θ - n)/c)) + l n a sigmoid that may end in a slope (Poirazi, Brannon and Mel
2003, Neuron 37:989, whose two layers have this form).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ann import Variable
from bridge.reduce.errors import ReductionError
from bridge.reduce.innervation import BIN_MS, Innervated, Told
from bridge.reduce.input_trains import Placements
from bridge.reduce.minimise import Fitted, fit
from bridge.reduce.scores import Score, bootstrapped, explained_variance

__all__ = [
    "FORMULAS",
    "Formula",
    "PlacementSet",
    "RateFit",
    "fit_rates",
    "record_placements",
]

Array = NDArray[np.float64]

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class PlacementSet:
    """Trials of placed synapses and the rates they gave.

    Attributes
    ----------
    number : ndarray, shape (trials, branches)
        Active synapses.
    rate_Hz : ndarray, shape (trials,)
        Spikes over the duration.
    """

    number: Array
    rate_Hz: Array


def record_placements(
    cell: Innervated,
    drive: Placements,
    trials: dict[str, int],
    *,
    seed: int = 1,
    jobs: int = 1,
    at_once: int = 100,
    progress: Told = None,
) -> dict[str, PlacementSet]:
    """Run a cell on placements; train, validation and test have seeds of their own.

    Parameters
    ----------
    cell : Innervated
    drive : Placements
    trials : dict of str to int
        How many of each split.
    seed : int
    jobs : int
        Threads.
    at_once : int
        Trials that are in memory together.
    progress : callable, optional
        Told the share done.
    """
    found = {}
    total, done = sum(trials.values()), 0
    for split, many in trials.items():
        numbers, rates = [], []
        for first in range(0, many, at_once):
            some = min(at_once, many - first)
            events, number = drive.draw(cell, some, [seed, 0x504C, SPLITS.index(split), first])
            answer = cell.respond(events, jobs=jobs)
            numbers.append(number)
            rates.append(answer.spikes.sum(axis=1) / (events.shape[2] * BIN_MS * 1e-3))
            done += some
            if progress is not None:
                progress(done / total)
        found[split] = PlacementSet(np.concatenate(numbers), np.concatenate(rates))
    return found


@dataclass(frozen=True)
class Formula:
    """How rates follow from numbers of synapses.

    Attributes
    ----------
    name : str
    shared_weight : bool
        One weight for all branches.
    subunits : {"none", "shared", "own"}
        Whether branches are sigmoid, and whether each has a curve of its own.
    """

    name: str
    shared_weight: bool
    subunits: str

    def count(self, branches: int) -> int:
        """How many numbers it has.

        Examples
        --------
        >>> [formula.count(30) for formula in FORMULAS]
        [3, 32, 35, 122]
        """
        curves = {"none": 0, "shared": 3, "own": 3 * branches}[self.subunits]
        return (1 if self.shared_weight else branches) + 2 + curves

    def starts(self, branches: int, mean_number: float) -> list[list[Array]]:
        """First numbers: weight, offset, size, then threshold, log width and slope of s."""
        weights = 1 if self.shared_weight else branches
        output = [np.array(-0.5), np.array(1.0)]
        if self.subunits == "none":
            return [[np.full(weights, 2 / max(mean_number, 1)), *output]]
        curves = 1 if self.subunits == "shared" else branches
        return [
            [
                # The sum of the branches that the synapses can fill is 2, as in a point formula:
                # a start far above it ends where the rate is zero everywhere.
                np.full(weights, 2 * theta / max(mean_number, 1)),
                *output,
                np.full(curves, theta),
                np.full(curves, c),
                np.zeros(curves),
            ]
            for theta in (3.0, 6.0)
            for c in (0.0, 1.0)
        ]

    def rate(self, parameters: list[Variable], number: Array) -> Variable:
        """Rate of each trial, in units of the spread of the training rates."""
        weight, offset, size = parameters[:3]
        if self.subunits == "none":
            each = Variable(number)
        else:
            theta, width, slope = parameters[3:]
            each = ((Variable(number) - theta) / width.exp()).sigmoid() + Variable(number) * slope
        return ((each * weight).sum(axis=1) + offset).softplus() * size


FORMULAS = (
    Formula("point, one weight", True, "none"),
    Formula("point, a weight a branch", False, "none"),
    Formula("two-layer", False, "shared"),
    Formula("two-layer, a curve a branch", False, "own"),
)


@dataclass(frozen=True, eq=False)
class RateFit:
    """A formula fitted to rates.

    Attributes
    ----------
    formula : Formula
    fitted : Fitted
    spread_Hz : float
        Standard deviation of the training rates, the unit of the fit.
    validation : float
        Explained variance of the validation trials.
    test : Score
        Explained variance of the test trials.
    """

    formula: Formula
    fitted: Fitted
    spread_Hz: float
    validation: float
    test: Score
    branches: int

    @property
    def parameters(self) -> int:
        """How many numbers it has."""
        return self.formula.count(self.branches)

    def predict(self, number: Array) -> Array:
        """Rate (Hz) of trials with so many active synapses, shape (trials, branches)."""
        made = [Variable(p) for p in self.fitted.parameters]
        return self.spread_Hz * self.formula.rate(made, np.asarray(number, dtype=float)).value

    def subunit(self, number: Array) -> Array:
        """The curve s of a subunit; with a curve a branch, that of the median branch."""
        if self.formula.subunits == "none":
            return np.asarray(number, dtype=float)
        theta, width, slope = (float(np.median(p)) for p in self.fitted.parameters[3:])
        there = np.asarray(number, dtype=float)
        return np.asarray(1 / (1 + np.exp((theta - there) / np.exp(width))) + slope * there)

    def to_dict(self) -> dict[str, Any]:
        """Name, numbers and scores, in plain values."""
        return {
            "model": self.formula.name,
            "parameters": self.parameters,
            "rate_validation": self.validation,
            "rate_test": self.test.to_dict(),
        }


def fit_rates(
    formula: Formula, sets: dict[str, PlacementSet], *, seed: int = 1, steps: int = 400
) -> RateFit:
    """Fit a formula to the training trials and score it on the test trials.

    Raises
    ------
    ReductionError
        The rates do not vary.
    """
    train, check, test = (sets[split] for split in SPLITS)
    spread = float(train.rate_Hz.std())
    if not spread:
        raise ReductionError(
            "every training trial gave the same rate; change the number of synapses or their "
            "conductance so that rates differ"
        )

    def loss(parameters: list[Variable], trials: PlacementSet) -> Variable:
        missed = formula.rate(parameters, trials.number) - trials.rate_Hz / spread
        return (missed**2).mean()

    found = [
        fit(start, lambda p: loss(p, train), lambda p: loss(p, check), steps=steps)
        for start in formula.starts(train.number.shape[1], float(train.number.sum(axis=1).mean()))
    ]
    best = min(found, key=lambda one: one.validation)
    made = [Variable(p) for p in best.parameters]
    told = spread * formula.rate(made, test.number).value
    return RateFit(
        formula=formula,
        fitted=best,
        spread_Hz=spread,
        validation=explained_variance(
            spread * formula.rate(made, check.number).value, check.rate_Hz
        ),
        test=bootstrapped(
            lambda which: explained_variance(told[which], test.rate_Hz[which]),
            len(test.rate_Hz),
            seed=seed,
        ),
        branches=train.number.shape[1],
    )
