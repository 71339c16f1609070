"""Is the right unit found? Draw counts from a known unit, select, and compare.

For each seed Poisson counts are drawn from the true unit and given to `select`. Told apart from a
rival means here: the rival's AICc is higher by more than five on average.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray

from bridge.choice.select_unit import select
from bridge.counts.curve import FICurve
from bridge.units import (
    FAMILIES,
    Block,
    LIFRate,
    Logistic,
    NakaRushton,
    NoisyLIF,
    ReLU,
    Softplus,
    SquareRoot,
    TypeTwo,
    Unit,
)
from neurosim.errors import UnknownNameError, suggest

__all__ = ["MORE_TRUTHS", "TRUTHS", "Recovery", "draw_curve", "recover", "true_unit"]

Array = NDArray[np.float64]

TRUTHS: dict[str, Unit] = {
    unit.name: unit
    for unit in (
        Logistic(max_rate_Hz=60, midpoint_pA=210, width_pA=45),
        Softplus(gain_Hz_per_pA=0.2, threshold_pA=160, width_pA=30),
        ReLU(gain_Hz_per_pA=0.2, threshold_pA=112),
        SquareRoot(gain_Hz_per_sqrt_pA=3, threshold_pA=112),
        NakaRushton(max_rate_Hz=90, threshold_pA=62, half_pA=170, exponent=1.8),
        LIFRate.from_membrane(resistance_Mohm=170),
        NoisyLIF.from_membrane(sigma_mV=4.0),
    )
}
"""A realistic unit of every monotone family that begins at zero."""

MORE_TRUTHS: dict[str, Unit] = {
    unit.name: unit
    for unit in (
        TypeTwo(onset_rate_Hz=20, gain_Hz_per_sqrt_pA=2, threshold_pA=112),
        Block(80, threshold_pA=62, half_pA=120, reach_pA=290, width_pA=12, rest=0.1),
    )
}
"""A realistic unit of the others: a jump at onset, a depolarisation block."""

CURRENTS = np.arange(0.0, 501.0, 25.0)
CLEAR = 5.0


@dataclass(frozen=True, eq=False)
class Recovery:
    """How often the true unit was found.

    Attributes
    ----------
    truth : Unit
        What the counts were drawn from.
    n_seeds : int
        Data sets.
    refused : int
        How many of them were wrongly refused, such as for a chance fall after the peak.
    chosen : dict
        How often each family was the best.
    rivals : pandas.DataFrame
        One row a rival: mean AICc difference to the true family where both were fitted, share of
        data sets in which the true family is better (a refused rival is beaten), share in which
        the rival was refused, and whether the two are told apart (mean difference above 5, or
        refused more often than not).
    coverage : pandas.DataFrame
        One row a parameter: share of intervals that hold the true value, share with an open end.
    adequate : float
        Share of data sets in which the true family claims to fit.
    """

    truth: Unit
    n_seeds: int
    refused: int
    chosen: dict[str, int]
    rivals: pd.DataFrame
    coverage: pd.DataFrame
    adequate: float

    @property
    def distinct(self) -> bool:
        """Whether every rival is told apart, so that the true family should be chosen."""
        return bool(self.rivals["distinct"].all())

    def to_dict(self) -> dict[str, Any]:
        """Every number, fit for JSON.

        Returns
        -------
        dict
        """
        return {
            **{name: getattr(self, name) for name in ("n_seeds", "refused", "chosen", "adequate")},
            "truth": self.truth.to_dict(),
            "rivals": self.rivals.to_dict("index"),
            "coverage": self.coverage.to_dict("index"),
        }


def draw_curve(
    unit: Unit, currents: ArrayLike, window_s: float, trials: int, seed: int | Sequence[int]
) -> FICurve:
    """Poisson counts of a unit.

    Parameters
    ----------
    unit : Unit
    currents : array_like, shape (m,)
        Currents (pA).
    window_s : float
        Counting window (s).
    trials : int
        Repeats of each current.
    seed : int or sequence of int

    Returns
    -------
    FICurve

    Examples
    --------
    >>> len(draw_curve(TRUTHS["lif"], [100, 200, 300], 1.0, trials=2, seed=0))
    6
    """
    current = np.repeat(np.asarray(currents, dtype=float), trials)
    count = np.random.default_rng(seed).poisson(unit.rate(current) * window_s)
    trial = np.tile(np.arange(trials), len(current) // trials)
    window = np.full(len(current), float(window_s))
    return FICurve(current, count, window, trial, f"Poisson counts of {unit!r}")


def true_unit(family: str) -> Unit:
    """Return the unit that stands for a family as a truth: of `TRUTHS` or `MORE_TRUTHS`.

    Parameters
    ----------
    family : str

    Raises
    ------
    UnknownNameError
        No such family.

    Examples
    --------
    >>> true_unit("relu").name
    'relu'
    """
    known = TRUTHS | MORE_TRUTHS
    if family not in known:
        raise UnknownNameError(f"no family {family!r}; {suggest(family, known)}")
    return known[family]


def recover(
    truth: Unit | str,
    n_seeds: int = 100,
    seed: int = 0,
    *,
    currents: ArrayLike = CURRENTS,
    window_s: float = 1.0,
    trials: int = 5,
    families: Iterable[type[Unit] | str] = FAMILIES,
    confidence: float = 0.95,
    jobs: int = 1,
) -> Recovery:
    """Draw many data sets from a known unit and see whether `select` finds it.

    Parameters
    ----------
    truth : Unit or str
        The unit, or the family whose example in `TRUTHS` or `MORE_TRUTHS` is meant.
    n_seeds : int
        Data sets.
    seed : int
        Of the first; data set ``i`` is drawn with ``[seed, i]``.
    currents : array_like
        Currents (pA).
    window_s : float
        Counting window (s).
    trials : int
        Repeats of each current.
    families : iterable
        Candidates.
    confidence : float
        Of the profile intervals of the true family.
    jobs : int
        Processes.

    Returns
    -------
    Recovery

    Raises
    ------
    UnknownNameError
        No such family.

    Examples
    --------
    >>> found = recover("relu", n_seeds=3, families=["relu", "square-root"])
    >>> found.chosen
    {'relu': 3}
    """
    if isinstance(truth, str):
        truth = true_unit(truth)
    names = tuple(family if isinstance(family, str) else family.name for family in families)
    run = delayed(_one)
    answers = Parallel(n_jobs=jobs)(
        run(truth, names, np.asarray(currents), window_s, trials, [seed, i], confidence)
        for i in range(n_seeds)
    )
    rows = [row for row in answers if row is not None]
    chosen = pd.Series([row["best"] for row in rows]).value_counts()
    others = [name for name in names if name != truth.name]
    aicc = pd.DataFrame([row["aicc"] for row in rows]).reindex(columns=others)
    own = np.array([row["aicc"][truth.name] for row in rows])
    gap = aicc.sub(own, axis=0)
    rivals = pd.DataFrame(
        {
            "mean_delta_aicc": gap.mean(),
            "beaten": ((gap > 0) | gap.isna()).mean(),
            "refused": gap.isna().mean(),
        }
    )
    rivals["distinct"] = (rivals["mean_delta_aicc"] > CLEAR) | (rivals["refused"] > 0.5)
    coverage = pd.DataFrame(
        {name: pd.DataFrame([row[name] for row in rows]).mean() for name in ("covered", "open")}
    )
    return Recovery(
        truth,
        n_seeds,
        n_seeds - len(rows),
        {str(name): int(times) for name, times in chosen.items()},
        rivals,
        coverage,
        float(np.mean([row["adequate"] for row in rows])),
    )


def _one(
    truth: Unit,
    families: tuple[str, ...],
    currents: Array,
    window_s: float,
    trials: int,
    seed: list[int],
    confidence: float,
) -> dict[str, Any] | None:
    curve = draw_curve(truth, currents, window_s, trials, seed)
    ranked = select(curve, families, intervals=None)
    if all(fit.family != truth.name for fit in ranked.fits):
        return None
    sure = select(curve, [type(truth)], confidence=confidence)[truth.name].intervals
    return {
        "best": ranked.fits[0].family,
        "aicc": {fit.family: fit.aicc for fit in ranked.fits},
        "adequate": ranked[truth.name].adequate,
        "covered": {name: getattr(truth, name) in ends for name, ends in sure.items()},
        "open": {name: not np.isfinite([ends.low, ends.high]).all() for name, ends in sure.items()},
    }
