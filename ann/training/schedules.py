"""How the learning rate changes while training: a factor for each fraction of the way.

A schedule is a function from progress in [0, 1) to a factor on the learning rate, vectorised over
the updates of an epoch. What depends on how training goes is a hook:
`ann.training.hooks.ReduceOnPlateau`, which the estimators call the schedule ``"plateau"``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from ann.errors import ParameterError, unknown_name

__all__ = [
    "SCHEDULES",
    "Schedule",
    "constant",
    "cosine",
    "exponential",
    "one_cycle",
    "resolve_schedule",
    "step",
    "warm_up",
]

Schedule: TypeAlias = Callable[[np.ndarray], np.ndarray]


def constant(progress: np.ndarray) -> np.ndarray:
    """The same rate throughout.

    Parameters
    ----------
    progress : ndarray
        Fractions of the way, in [0, 1).

    Returns
    -------
    ndarray
        Factors on the learning rate; so for every schedule here.

    Examples
    --------
    >>> constant(np.array([0.0, 0.5]))
    array([1., 1.])
    """
    return np.ones_like(progress)


def cosine(progress: np.ndarray) -> np.ndarray:
    """Half a cosine down to zero (Loshchilov & Hutter, 2017, ICLR).

    Examples
    --------
    >>> cosine(np.array([0.0, 0.5])).round(3)
    array([1. , 0.5])
    """
    return 0.5 * (1.0 + np.cos(np.pi * progress))


def one_cycle(progress: np.ndarray, rise: float = 0.25, start: float = 0.04) -> np.ndarray:
    """Up along half a cosine from `start` for the part `rise`, then down to zero (Smith, 2018).

    Examples
    --------
    >>> one_cycle(np.array([0.0, 0.25])).round(3)
    array([0.04, 1.  ])
    """
    up = start + (1.0 - start) * 0.5 * (1.0 - np.cos(np.pi * np.minimum(progress / rise, 1.0)))
    down = 0.5 * (1.0 + np.cos(np.pi * np.maximum(progress - rise, 0.0) / (1.0 - rise)))
    return np.where(progress < rise, up, down)


def warm_up(progress: np.ndarray, rise: float = 0.05) -> np.ndarray:
    """A straight line up for the part `rise`, constant afterwards.

    Examples
    --------
    >>> warm_up(np.array([0.025, 0.5]))
    array([0.5, 1. ])
    """
    return np.minimum(progress / rise, 1.0)


def step(progress: np.ndarray, drops: int = 3, factor: float = 0.1) -> np.ndarray:
    """Constant stretches, each `factor` times the one before.

    Examples
    --------
    >>> step(np.array([0.0, 0.3, 0.6, 0.9])).round(4)
    array([1.   , 0.1  , 0.01 , 0.001])
    """
    return factor ** np.floor(progress * (drops + 1))


def exponential(progress: np.ndarray, final: float = 0.01) -> np.ndarray:
    """A constant ratio from update to update, ending at `final`.

    Examples
    --------
    >>> exponential(np.array([0.5])).round(3)
    array([0.1])
    """
    return final**progress


#: The schedules that have a name.
SCHEDULES: dict[str, Schedule] = {
    f.__name__: f for f in (constant, cosine, one_cycle, warm_up, step, exponential)
}


def resolve_schedule(schedule: str | Schedule) -> Schedule:
    """Turn a name into a schedule; a function of your own is tried on a few points.

    Parameters
    ----------
    schedule : str or callable
        A name of `SCHEDULES` or ``f(progress)`` from an array in [0, 1) to factors.

    Returns
    -------
    callable

    Raises
    ------
    ParameterError
        If there is no such name, or the function gives no finite factors of the right shape.

    Examples
    --------
    >>> resolve_schedule("cosine") is cosine
    True
    """
    if callable(schedule):
        trial = np.asarray(schedule(np.array([0.0, 0.5, 0.99])))
        if trial.shape != (3,) or not np.all(np.isfinite(trial)) or np.any(trial < 0):
            raise ParameterError(
                f"a schedule maps an array of progress in [0, 1) to as many factors of at least "
                f"0; for [0, 0.5, 0.99] {schedule!r} gave {trial}"
            )
        return schedule
    if schedule not in SCHEDULES:
        raise unknown_name("schedule", schedule, [*SCHEDULES, "plateau (estimators only)"])
    return SCHEDULES[schedule]
