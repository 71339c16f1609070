"""What a terminal sends and a receptor takes: times, and how many quanta at each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, ms, second

from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity

__all__ = ["Events", "check_spikes"]


def check_spikes(spike_times: Any, name: str) -> np.ndarray:
    """Return spike times in seconds, shape (n,).

    Raises
    ------
    UnitError
        The times carry no unit of time.
    ParameterError
        They are negative or not in ascending order.
    """
    if np.size(spike_times) == 0:
        return np.zeros(0)
    times = check_quantity(spike_times, 10 * ms, name, at_least=0 * ms, many=1)
    seconds = np.atleast_1d(np.asarray(times, dtype=float))
    if np.any(np.diff(seconds) < 0):
        raise ParameterError(f"{name} must ascend; sort them, or give each axon its own terminal")
    return seconds


@dataclass(frozen=True, eq=False)
class Events:
    """Arrivals at a receptor.

    Attributes
    ----------
    time_s : ndarray of shape (n,)
        Times in seconds, ascending.
    weight : ndarray of shape (n,) or (trials, n)
        Number of quanta, or of synapses, that act at each time (default: one); a row a trial.

    Examples
    --------
    >>> from brian2 import ms
    >>> events = Events.at([5, 10] * ms)
    >>> events.time_s.tolist(), events.weight.tolist()
    ([0.005, 0.01], [1.0, 1.0])
    """

    time_s: np.ndarray
    weight: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        time = np.array(self.time_s, dtype=float)
        given = np.ones(time.shape) if self.weight is None else self.weight
        weight = np.array(given, dtype=float)
        if time.ndim != 1 or weight.ndim not in (1, 2) or weight.shape[-1:] != time.shape:
            raise ParameterError(
                "Events: time_s must have shape (n,) and weight (n,) or (trials, n); "
                f"got {time.shape} and {weight.shape}"
            )
        if not (np.all(np.isfinite(time)) and np.all(np.isfinite(weight))):
            raise ParameterError("Events: times and weights must be finite")
        if np.any(np.diff(time) < 0):
            raise ParameterError("Events: time_s must ascend")
        for name, value in (("time_s", time), ("weight", weight)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    @classmethod
    def at(cls, times: Quantity, weight: float = 1.0) -> Events:
        """Return events of one weight at given times."""
        seconds = check_spikes(times, "Events: times")
        return cls(seconds, np.full(seconds.shape, float(weight)))

    @property
    def times(self) -> Quantity:
        """The times with their unit."""
        return Quantity(self.time_s, dim=second.dim)

    @property
    def trials(self) -> int:
        """Number of trials; 1 where the weights have no such axis."""
        return 1 if self.weight.ndim == 1 else len(self.weight)

    def trial(self, index: int) -> Events:
        """Return one trial, without the events that released nothing."""
        weight = self.weight if self.weight.ndim == 1 else self.weight[index]
        kept = weight != 0
        return Events(self.time_s[kept], weight[kept])

    @classmethod
    def merge(cls, many: Sequence[Events]) -> Events:
        """Return the events of several terminals as one list in order of time.

        Raises
        ------
        ParameterError
            They have different numbers of trials.
        """
        if not many:
            return cls(np.zeros(0), np.zeros(0))
        if len({events.weight.shape[:-1] for events in many}) > 1:
            raise ParameterError(
                "Events.merge: all must have the same number of trials; got "
                f"{[events.trials for events in many]}"
            )
        time = np.concatenate([events.time_s for events in many])
        order = np.argsort(time, kind="stable")
        weight = np.concatenate([events.weight for events in many], axis=-1)
        return cls(time[order], weight[..., order])
