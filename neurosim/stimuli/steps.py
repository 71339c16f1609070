"""Current steps: one, or any number of them that may overlap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from brian2.units import Quantity, ms, pA

from neurosim.errors import ParameterError
from neurosim.quantities import quantity
from neurosim.stimuli.base import TIMES_ARE_DATA, Drive, Stimulus

__all__ = ["Steps"]

_FIELDS = ("amplitude", "onset", "duration")


@dataclass(frozen=True, eq=False, repr=False)
class Steps(Stimulus):
    """Rectangular steps of current, each with its amplitude, onset and duration.

    Any number of onsets takes no longer to compile than one: beyond a handful they are data that
    the program reads.

    Parameters
    ----------
    amplitude, duration : Quantity, shape () or (n,)
        Current and length of each step, or one for all of them.
    onset : Quantity, shape () or (n,)
        Start of each step.

    Raises
    ------
    ParameterError
        The lists differ in length, or a duration is not positive.

    Examples
    --------
    >>> from brian2 import ms, nA, pA
    >>> Steps(amplitude=[50, 200] * pA, onset=[0, 100] * ms, duration=[100, 50] * ms).count
    2

    Pulses at irregular times, all alike:

    >>> times = np.cumsum(np.random.default_rng(1).exponential(20, 500))
    >>> Steps(amplitude=1 * nA, onset=times * ms, duration=0.5 * ms).count
    500
    """

    amplitude: Quantity = quantity(0 * pA, "current of each step", many=1)
    onset: Quantity = quantity(
        0 * ms, "start of each step", at_least=0 * ms, many=1, instead_of_course=TIMES_ARE_DATA
    )
    duration: Quantity = quantity(
        1000 * ms, "length of each step", above=0 * ms, many=1, instead_of_course=TIMES_ARE_DATA
    )
    label = "steps"

    # Up to so many steps are written out as code, which every row of a batch runs with parameters
    # of its own; more are a table that the program looks up.
    most_written: ClassVar[int] = 4

    def check(self) -> None:
        sizes = {name: np.size(getattr(self, name)) for name in _FIELDS}
        if {sizes["amplitude"], sizes["duration"]} - {1, sizes["onset"]}:
            said = ", ".join(f"{size} for {name}" for name, size in sizes.items())
            raise ParameterError(
                f"Steps: give as many values for each of its lists, or one amplitude or duration "
                f"for all onsets; got {said}"
            )

    @property
    def count(self) -> int:
        """Number of steps."""
        return int(np.size(self.onset))

    def drive(self, prefix: str, stream: int) -> Drive:
        if self.count > self.most_written:
            units = {f"{prefix}table": "1"}
            level = f"step_level({prefix}table, t_in_timesteps)"
            if np.size(self.amplitude) > 1:
                return Drive(f"{level}*amp", units, integers=tuple(units))
            # The table counts the steps that are on, so that their one amplitude can differ
            # between rows without a table a row.
            more = {f"{prefix}amplitude": "amp"}
            return Drive(f"{level}*{prefix}amplitude", units | more, integers=tuple(units))
        units = {}
        terms = []
        for k in range(self.count):
            amplitude, onset, duration = (
                f"{prefix}{name}_{k}" if np.size(getattr(self, name)) > 1 else f"{prefix}{name}"
                for name in _FIELDS
            )
            units |= {amplitude: "amp", onset: "second", duration: "second"}
            # Compared in whole steps: t itself carries rounding errors.
            terms.append(
                f"{amplitude}*int(t_in_timesteps >= timestep({onset}, dt))"
                f"*int(t_in_timesteps < timestep({onset} + {duration}, dt))"
            )
        return Drive(" + ".join(terms), units)

    def check_lengths(self, dt: float, varied: Mapping[str, np.ndarray]) -> None:
        self._check_length("duration", dt, varied)

    def step_tables(
        self, dt: float, varied: Mapping[str, np.ndarray]
    ) -> tuple[list[np.ndarray], np.ndarray]:
        if self.count <= self.most_written:
            return super().step_tables(dt, varied)
        shared = ("amplitude",) if np.size(self.amplitude) == 1 else ()
        names = [name for name in varied if name not in shared]
        if not names:
            return [self._table(dt, {})], np.asarray(0)
        columns = np.broadcast_arrays(*(np.atleast_1d(varied[name]) for name in names))
        rows = np.stack(columns, axis=1)
        kinds, which = np.unique(rows, axis=0, return_inverse=True)
        tables = [self._table(dt, dict(zip(names, kind, strict=True))) for kind in kinds]
        return tables, np.reshape(which, len(rows))

    def _table(self, dt: float, changed: Mapping[str, float]) -> np.ndarray:
        """Return the table of one row of a batch, given what differs in it by name."""
        values = {name: np.array(getattr(self, name), dtype=float, ndmin=1) for name in _FIELDS}
        for full, value in changed.items():
            name, _, number = full.partition("[")
            values[name][int(number[:-1]) if number else ...] = value
        size = values["amplitude"] if np.size(self.amplitude) > 1 else np.ones(1)
        first = _timestep(values["onset"], dt)
        last = _timestep(values["onset"] + values["duration"], dt)
        edges, levels = _staircase(first, last, np.broadcast_to(size, first.shape))
        return np.concatenate([edges, levels])


def _timestep(time: np.ndarray, dt: float) -> np.ndarray:
    """Return the number of the step in which a time lies, as Brian2's ``timestep`` does."""
    return np.floor((time + 1e-3 * dt) / dt)


def _staircase(
    first: np.ndarray, last: np.ndarray, size: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return at which time steps a sum of rectangles changes, and what it is from there on."""
    order = np.argsort(first, kind="stable")
    order = order[last[order] > first[order]]
    if np.all(last[order][:-1] <= first[order][1:]):
        edges = np.stack([first[order], last[order]], axis=1).ravel()
        levels = np.stack([size[order], np.zeros(len(order))], axis=1).ravel()
        # Where one ends and the next begins, only the beginning counts.
        kept = np.append(edges[:-1] < edges[1:], True) if len(edges) else edges > 0
        return edges[kept], levels[kept]
    edges = np.unique(np.concatenate([first[order], last[order]]))
    begin = np.split(order, np.searchsorted(first[order], edges[1:]))
    on: set[int] = set()
    levels = np.empty(len(edges))
    for k, edge in enumerate(edges):
        on = {one for one in on if last[one] > edge} | set(begin[k].tolist())
        # Summed anew in their own order: adding and taking away would leave rounding errors.
        levels[k] = sum(float(size[one]) for one in sorted(on))
    return edges, levels
