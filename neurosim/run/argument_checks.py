"""How a run goes, whatever runs: the arguments that every kind of neuron shares, checked once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from brian2.units import Quantity, ms, second

from neurosim.engine.point.execute import choose_engine
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.outside import ElectrodeArray, Placement
from neurosim.quantities import check_quantity, check_seed, check_whole

__all__ = ["SCHEMES", "RunSettings"]

# By scheme, what share of the current at the end of a step counts, not of that at its start.
SCHEMES = {"backward-euler": 1.0, "crank-nicolson": 0.5}
_MOST_STEPS = 1e12


@dataclass(frozen=True)
class RunSettings:
    """Checked arguments of a run.

    Attributes
    ----------
    duration, dt, record_dt, settle : float
        In second; `record_dt` is a whole number of steps.
    theta : float
        Share of the step's end in what the scheme makes implicit.
    record : tuple of str
        Names of what is traced.
    engine : {"cpp", "numpy"}
        Engine that is used.
    jobs : int
        Processes or threads.
    progress : callable or None
        Told the share done.
    seed : ndarray of int64, shape () or (rows,)
        Seeds.
    start_step : int
        Number of the first step, counted from time 0.
    outside : ElectrodeArray or None
        Electrodes outside the cells.
    placement : mapping of str to Placement
        Where cells lie, by population; of a neuron by ``""``.
    """

    duration: float
    dt: float
    record_dt: float
    settle: float
    theta: float
    record: tuple[str, ...]
    engine: str
    jobs: int
    progress: Callable[[float], None] | None
    seed: np.ndarray
    start_step: int = 0
    outside: ElectrodeArray | None = None
    placement: Mapping[str, Placement] = dataclasses.field(default_factory=dict)

    @classmethod
    def checked(
        cls,
        default_dt: Quantity,
        duration: Quantity,
        *,
        seed: int | Sequence[int] | np.ndarray,
        dt: Quantity | None,
        record: Sequence[str],
        record_dt: Quantity | None,
        settle: Quantity | None,
        scheme: str | None,
        engine: str,
        jobs: int,
        progress: Callable[[float], None] | None,
        outside: ElectrodeArray | None = None,
        placement: Placement | Mapping[str, Placement] | None = None,
    ) -> Self:
        """Return the settings, or say which argument is wrong.

        Parameters are those of `neurosim.simulate`; `default_dt` is the neuron's own time step.

        Raises
        ------
        UnitError, ParameterError, UnknownNameError
            As `neurosim.simulate`.
        EngineError
            There is no compiler for ``engine="cpp"``.
        """

        def in_seconds(given: Quantity | None, default: Quantity, what: str, **rule: Any) -> float:
            value = default if given is None else given
            return float(check_quantity(value, 0.1 * ms, f"simulate: {what}", **rule))

        length = float(check_quantity(duration, 100 * ms, "simulate: duration", above=0 * ms))
        step = in_seconds(dt, default_dt, "dt", above=0 * ms)
        sample = in_seconds(record_dt, step * second, "record_dt", above=0 * ms)
        pause = in_seconds(settle, 0 * ms, "settle", at_least=0 * ms)
        for name, time in (("dt", step), ("record_dt", sample)):
            if time > length:
                raise ParameterError(
                    f"simulate: {name} ({time * second}) is longer than the duration "
                    f"({length * second})"
                )
        if sample < step * (1 - 1e-9):
            raise ParameterError(
                f"simulate: record_dt ({sample * second}) is shorter than dt ({step * second}); a "
                "trace has a sample a step at most, so take a smaller dt too"
            )
        if (length + pause) / step > _MOST_STEPS:
            raise ParameterError(
                f"simulate: {(length + pause) / step:.3g} steps of dt ({step * second}) are more "
                f"than a run can take ({_MOST_STEPS:g}); take a longer dt"
            )
        if scheme is not None and scheme not in tuple(SCHEMES):
            raise UnknownNameError(f"simulate: scheme {scheme!r}: {suggest(scheme, SCHEMES)}")
        if progress is not None and not callable(progress):
            raise ParameterError(
                "simulate: progress must be a function that is called with the share done, 0 to 1; "
                f"got {progress!r}"
            )
        return cls(
            duration=length,
            dt=step,
            record_dt=_whole_steps(sample, step),
            settle=pause,
            theta=SCHEMES[scheme or "crank-nicolson"],
            record=_names(record),
            seed=check_seed(seed),
            engine=choose_engine(engine),
            jobs=check_whole(jobs, "simulate: jobs"),
            progress=progress,
            outside=_outside(outside),
            placement=_placements(placement),
        )

    def in_whole_steps(self) -> Self:
        """Return the settings with durations of whole steps, as a neuron with extent runs them."""
        return dataclasses.replace(
            self,
            duration=_whole_steps(self.duration, self.dt),
            settle=_whole_steps(self.settle, self.dt),
        )

    def whole_steps_from(self) -> Self:
        """Return the settings with a duration of whole steps, as Brian2 runs point neurons.

        A duration that is none takes the step that it ends in too.
        """
        whole = _whole_steps(self.duration, self.dt)
        if whole < self.duration:
            whole += self.dt
        return dataclasses.replace(self, duration=whole)


def _names(record: Any) -> tuple[str, ...]:
    if isinstance(record, str):
        raise ParameterError(f"record must be a list such as [{record!r}], not a string")
    names = tuple(record) if isinstance(record, Iterable) else (record,)
    for name in names:
        if not isinstance(name, str):
            raise ParameterError(f"record must be a list of names such as ['v']; got {name!r}")
    return names


def _outside(outside: Any) -> ElectrodeArray | None:
    if outside is not None and not isinstance(outside, ElectrodeArray):
        raise ParameterError(
            "simulate: outside must be the electrodes that record there, such as "
            f"ElectrodeArray(x=50*um); got {outside!r}"
        )
    return outside


def _placements(placement: Any) -> Mapping[str, Placement]:
    given = placement if isinstance(placement, Mapping) else {"": placement}
    found = {name: Placement.still() if one is None else one for name, one in given.items()}
    for name, one in found.items():
        if not isinstance(one, Placement):
            where = f" of {name!r}" if name else ""
            raise ParameterError(
                f"simulate: placement{where} must say where cells lie, such as "
                f"Placement(x=[0, 50]*um); got {one!r}"
            )
    return found


def _whole_steps(time: float, step: float) -> float:
    """Return the nearest whole number of steps; the time itself where it is one."""
    whole = round(time / step) * step
    return time if abs(whole - time) <= 1e-9 * time else whole
