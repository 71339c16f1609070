"""What a run is judged by: smooth numbers that follow from the potential at one place.

Each is a frozen value. It says its number for every cell of a batch, and how that number follows
every sample of the potential. A count of spikes is none of them: its derivative is 0 wherever it
has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, hertz, ms, mV, second, volt

from neurosim.errors import ParameterError
from neurosim.gradients.crossings import Crossings, crossings
from neurosim.morphology import Site, root_site
from neurosim.quantities import Description, check_quantity, check_whole, quantity

__all__ = ["FiringRate", "Loss", "MeanPotential", "SpikeTime", "SpikeTimeError", "TraceError"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Loss(Description):
    """A number that a run is judged by.

    Parameters
    ----------
    site : Site
        Where the potential is read; by default the middle of the root branch, the soma.
    """

    site: Site = root_site

    @property
    def like(self) -> Quantity:
        """A value of its unit."""
        raise NotImplementedError

    def value(self, v: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the number of each cell, and its derivatives.

        Parameters
        ----------
        v : ndarray, shape (steps, cells)
            Potential at the end of each step, in volt.
        dt : float
            Step, in second.

        Returns
        -------
        ndarray, shape (cells,)
            In SI units.
        ndarray, shape (steps, cells)
            With respect to every sample, per volt.
        """
        raise NotImplementedError


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MeanPotential(Loss):
    """Mean membrane potential between two times.

    Parameters
    ----------
    start, stop : Quantity
        By default the whole run.

    Examples
    --------
    >>> MeanPotential(start=10 * ms).value(np.zeros((4, 1)), 5e-3)[1].ravel().tolist()
    [0.0, 0.0, 0.5, 0.5]
    """

    start: Quantity = quantity(0 * ms, "from when on", at_least=0 * ms)
    stop: Quantity | None = None

    @property
    def like(self) -> Quantity:
        return 1 * volt

    def value(self, v: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
        time = (np.arange(len(v)) + 1) * dt
        here = time > float(self.start) + 1e-6 * dt
        if self.stop is not None:
            stop = float(check_quantity(self.stop, 1 * ms, "MeanPotential: stop"))
            here &= time <= stop + 1e-6 * dt
        if not here.any():
            raise ParameterError("MeanPotential: no step of the run lies between start and stop")
        share = here[:, np.newaxis] / np.count_nonzero(here) * np.ones(v.shape[1])
        return np.sum(share * v, axis=0), share


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TraceError(Loss):
    """Mean squared difference from a potential that was recorded, in volt squared.

    Parameters
    ----------
    target : Quantity, shape (steps,) or (rows, steps)
        The potential at the end of each step.
    mask : ndarray of bool, shape (steps,), optional
        Which samples count (default: all); the others may be NaN. Leave out the spikes where only
        their times matter: the error at the steep of a spike jumps as the spike moves by a
        fraction of a millisecond.
    """

    target: Quantity = quantity(-70 * mV, "potential of each step", many=2, required=True)
    mask: Any = None

    def __post_init__(self) -> None:
        # What does not count may be unknown: where a recording was cut, say.
        target, mask = np.asarray(self.target), np.asarray(self.mask)
        masked = mask.dtype == bool and mask.ndim == 1 and target.shape[-1:] == mask.shape
        if masked and isinstance(self.target, Quantity):
            known = Quantity(np.where(mask, target, 0.0), dim=self.target.dim)
            object.__setattr__(self, "target", known)
        super().__post_init__()

    @property
    def like(self) -> Quantity:
        return 1 * volt**2

    def value(self, v: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
        target = np.atleast_2d(np.asarray(self.target, dtype=float)).T
        if target.shape[0] != len(v) or target.shape[1] not in (1, v.shape[1]):
            raise ParameterError(
                f"TraceError: target has the shape {np.shape(self.target)}; the run has {len(v)} "
                f"steps and {v.shape[1]} cells, so give ({len(v)},) or ({v.shape[1]}, {len(v)})"
            )
        mask = np.ones(len(v), dtype=bool) if self.mask is None else np.asarray(self.mask)
        if mask.shape != (len(v),) or mask.dtype != bool or not mask.any():
            raise ParameterError(
                f"TraceError: mask must be {len(v)} values of True and False, one a step, of which "
                "at least one is True"
            )
        missed = (v - target) * mask[:, np.newaxis]
        count = np.count_nonzero(mask)
        return np.sum(missed**2, axis=0) / count, 2 * missed / count


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class _OfSpikes(Loss):
    """A number that follows from spike times.

    Parameters
    ----------
    threshold : Quantity
        Potential that a spike crosses upwards.
    """

    threshold: Quantity = quantity(-20 * mV, "potential that a spike crosses upwards")

    def _spikes(self, v: np.ndarray, dt: float, least: int, why: str) -> list[Crossings]:
        threshold = float(self.threshold)
        found = [crossings(v[:, cell], dt, threshold) for cell in range(v.shape[1])]
        for cell, one in enumerate(found):
            if len(one.time) < least:
                raise ParameterError(
                    f"{type(self).__name__}: cell {cell} fires {len(one.time)} spikes, and {why} "
                    f"needs {least}; stimulate it more, run longer, or take a loss on the "
                    "potential (TraceError, MeanPotential)"
                )
        return found


def _add(to: np.ndarray, cell: int, spikes: Crossings, which: int, by: float) -> None:
    """Add the derivative of the time of one spike, times a number."""
    first = spikes.first[which]
    to[first : first + 4, cell] += by * spikes.slopes[which]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SpikeTime(_OfSpikes):
    """When a spike is fired, by the implicit-function theorem at its crossing of the threshold.

    Parameters
    ----------
    number : int
        Which spike, counted from 1.
    """

    number: int = 1

    @property
    def like(self) -> Quantity:
        return 1 * second

    def value(self, v: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
        number = check_whole(self.number, "SpikeTime: number")
        found = self._spikes(v, dt, number, f"the time of spike {number}")
        slopes = np.zeros(v.shape)
        for cell, one in enumerate(found):
            _add(slopes, cell, one, number - 1, 1.0)
        return np.array([one.time[number - 1] for one in found]), slopes


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SpikeTimeError(_OfSpikes):
    """Mean squared distance of the first spikes from given times, in second squared.

    Parameters
    ----------
    target : Quantity, shape (n,)
        The times; further spikes of the run do not count.
    """

    target: Quantity = quantity(10 * ms, "time of each spike", many=1, required=True)

    @property
    def like(self) -> Quantity:
        return 1 * second**2

    def value(self, v: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
        target = np.atleast_1d(np.asarray(self.target, dtype=float))
        found = self._spikes(v, dt, len(target), f"a comparison with {len(target)} times")
        values, slopes = np.zeros(v.shape[1]), np.zeros(v.shape)
        for cell, one in enumerate(found):
            missed = one.time[: len(target)] - target
            values[cell] = np.mean(missed**2)
            for k, by in enumerate(2 * missed / len(target)):
                _add(slopes, cell, one, k, float(by))
        return values, slopes


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FiringRate(_OfSpikes):
    r"""Mean firing rate through the spike times, :math:`(n - 1)/(t_n - t_1)`.

    It is smooth as long as the number n of spikes stays the same, and jumps where n changes; to
    follow it over such a place, fix n.

    Parameters
    ----------
    spikes : int, optional
        How many spikes count (default: all of the run).
    """

    spikes: int | None = None

    @property
    def like(self) -> Quantity:
        return 1 * hertz

    def value(self, v: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
        fixed = None if self.spikes is None else check_whole(self.spikes, "FiringRate: spikes")
        if fixed == 1:
            raise ParameterError(
                "FiringRate: spikes must be 2 or more, between which there is time"
            )
        found = self._spikes(v, dt, fixed or 2, "a rate")
        values, slopes = np.zeros(v.shape[1]), np.zeros(v.shape)
        for cell, one in enumerate(found):
            n = fixed or len(one.time)
            length = one.time[n - 1] - one.time[0]
            values[cell] = (n - 1) / length
            _add(slopes, cell, one, n - 1, -values[cell] / length)
            _add(slopes, cell, one, 0, values[cell] / length)
        return values, slopes
