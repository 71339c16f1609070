"""What a run is judged by: smooth numbers that follow from the potential at one place.

Each is a frozen value. It says its number for every cell of a batch, and how that number follows
every sample of the potential. A count of spikes is none of them: its derivative is 0 wherever it
has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, hertz, ms, mV, second, volt

from neurosim.engine.adjoint.spiking_run import Spikes
from neurosim.errors import ParameterError
from neurosim.gradients.crossings import crossings
from neurosim.morphology import Site, root_site
from neurosim.quantities import Description, check_quantity, check_whole, quantity

__all__ = [
    *("FiringRate", "Loss", "MeanPotential", "SpikeTime", "SpikeTimeError", "TraceError"),
    "counted_steps",
]


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

    def with_spikes(
        self, v: np.ndarray, spikes: Sequence[Spikes], dt: float
    ) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """Return the number of each row of a run whose spikes are located, and its derivatives.

        Parameters
        ----------
        v : ndarray, shape (steps, rows)
            Potential at the end of each step, in volt.
        spikes : sequence of Spikes
            Of each row.
        dt : float
            Step, in second.

        Returns
        -------
        ndarray, shape (rows,)
            In SI units.
        ndarray, shape (steps, rows)
            With respect to every sample, per volt.
        list of ndarray, each of shape (spikes, 3)
            With respect to the time of each spike (per second) and the potentials before and after
            it (per volt).
        """
        value, slopes = self.value(v, dt)
        return value, slopes, [np.zeros((len(one.time), 3)) for one in spikes]


def counted_steps(
    start: Quantity, stop: Quantity | None, steps: int, dt: float, name: str
) -> np.ndarray:
    """Return which steps lie between two times, shape (steps,).

    Parameters
    ----------
    start, stop : Quantity
        In second; no `stop` is the end of the run.
    steps : int
        How many there are.
    dt : float
        How long each is, in second.
    name : str
        Of the loss, for the message of an error.

    Raises
    ------
    ParameterError
        None does.

    Examples
    --------
    >>> counted_steps(1 * ms, 3 * ms, 4, 1e-3, "example").tolist()
    [False, True, True, False]
    """
    time = (np.arange(steps) + 1) * dt
    here = time > float(start) + 1e-6 * dt
    if stop is not None:
        here &= time <= float(check_quantity(stop, 1 * ms, f"{name}: stop")) + 1e-6 * dt
    if not here.any():
        raise ParameterError(f"{name}: no step of the run lies between start and stop")
    return here


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
        here = self._counted(len(v), dt)
        share = here[:, np.newaxis] / np.count_nonzero(here) * np.ones(v.shape[1])
        return np.sum(share * v, axis=0), share

    def _counted(self, steps: int, dt: float) -> np.ndarray:
        return counted_steps(self.start, self.stop, steps, dt, "MeanPotential")

    def with_spikes(
        self, v: np.ndarray, spikes: Sequence[Spikes], dt: float
    ) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        # A sample stands for its whole step. In the step of a spike the potential was another one
        # until then, and without that share the mean would jump as a spike moves over a sample.
        value, slopes = self.value(v, dt)
        here = self._counted(len(v), dt)
        count, more = np.count_nonzero(here) * dt, []
        for row, one in enumerate(spikes):
            counted = here[one.step] / count
            jump = one.before - one.after
            value[row] += np.sum(counted * jump * one.offset)
            parts = [counted * jump, counted * one.offset, -counted * one.offset]
            more.append(np.stack(parts, axis=1))
        return value, slopes, more


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
        Potential that a spike crosses upwards. A neuron that spikes reset has a threshold of its
        own, which counts in place of this one.
    few : {"refuse", "nan"}
        What a row is that fires too few spikes: an error, or not a number.
    """

    threshold: Quantity = quantity(-20 * mV, "potential that a spike crosses upwards")
    few: str = "refuse"

    def check(self) -> None:
        if self.few not in ("refuse", "nan"):
            raise ParameterError(
                f"{type(self).__name__}: few must be 'refuse' or 'nan'; got {self.few!r}"
            )

    def needs(self) -> tuple[int, str]:
        """Return how many spikes a row needs, and what for."""
        raise NotImplementedError

    def of_times(self, time: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the number of one row, and its derivative with respect to each spike time.

        Parameters
        ----------
        time : ndarray, shape (n,)
            In second, as many as `needs` says or more.
        """
        raise NotImplementedError

    def _of_rows(self, times: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        least, why = self.needs()
        values, slopes = np.full(len(times), np.nan), []
        for row, time in enumerate(times):
            if len(time) >= least:
                values[row], slope = self.of_times(time)
                slopes.append(slope)
                continue
            if self.few == "refuse":
                raise ParameterError(
                    f"{type(self).__name__}: cell {row} fires {len(time)} spike"
                    f"{'s' * (len(time) != 1)}, and {why} needs {least}; stimulate it "
                    "more, run longer, or take a loss on the potential (TraceError, MeanPotential)"
                )
            slopes.append(np.zeros(len(time)))
        return values, slopes

    def value(self, v: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
        found = [crossings(v[:, row], dt, float(self.threshold)) for row in range(v.shape[1])]
        values, by_time = self._of_rows([one.time for one in found])
        slopes = np.zeros(v.shape)
        for row, (one, by) in enumerate(zip(found, by_time, strict=True)):
            for k in np.flatnonzero(by):
                slopes[one.first[k] : one.first[k] + 4, row] += by[k] * one.slopes[k]
        return values, slopes

    def with_spikes(
        self, v: np.ndarray, spikes: Sequence[Spikes], dt: float
    ) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        values, slopes = self._of_rows([one.time for one in spikes])
        nothing = [np.zeros(len(by)) for by in slopes]
        more = [np.stack([by, no, no], axis=1) for by, no in zip(slopes, nothing, strict=True)]
        return values, np.zeros(v.shape), more


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

    def needs(self) -> tuple[int, str]:
        number = check_whole(self.number, "SpikeTime: number")
        return number, f"the time of spike {number}"

    def of_times(self, time: np.ndarray) -> tuple[float, np.ndarray]:
        slopes = np.zeros(len(time))
        slopes[self.number - 1] = 1.0
        return float(time[self.number - 1]), slopes


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

    def needs(self) -> tuple[int, str]:
        many = np.size(self.target)
        return many, f"a comparison with {many} times"

    def of_times(self, time: np.ndarray) -> tuple[float, np.ndarray]:
        target = np.atleast_1d(np.asarray(self.target, dtype=float))
        missed = time[: len(target)] - target
        slopes = np.zeros(len(time))
        slopes[: len(target)] = 2 * missed / len(target)
        return float(np.mean(missed**2)), slopes


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

    def needs(self) -> tuple[int, str]:
        fixed = None if self.spikes is None else check_whole(self.spikes, "FiringRate: spikes")
        if fixed == 1:
            raise ParameterError(
                "FiringRate: spikes must be 2 or more, between which there is time"
            )
        return fixed or 2, "a rate"

    def of_times(self, time: np.ndarray) -> tuple[float, np.ndarray]:
        n = self.spikes or len(time)
        length = time[n - 1] - time[0]
        value = float((n - 1) / length)
        slopes = np.zeros(len(time))
        slopes[n - 1], slopes[0] = -value / length, value / length
        return value, slopes
