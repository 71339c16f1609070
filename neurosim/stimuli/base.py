"""What every injected current has in common, and how currents add up.

A stimulus says three things in Brian2's language: the parameters it reads, what it updates at the
start of each step, and the current it then injects during the step. Names carry the stimulus'
own prefix, so that any number of them can be added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from brian2.units import Quantity

from neurosim.errors import ParameterError
from neurosim.quantities import Description, unit_name

__all__ = ["TIMES_ARE_DATA", "Drive", "Stimulus", "Sum"]

TIMES_ARE_DATA = (
    "write what comes and goes at given times as Steps(amplitude, onset=[...], duration=[...]), or "
    "play a waveform with FrozenNoise"
)
"""What to do where the times of a stimulus are to change during a run."""


@dataclass(frozen=True)
class Drive:
    """A stimulus in Brian2's language.

    Attributes
    ----------
    current : str
        Expression of the injected current, in ampere.
    units : dict of str to str
        SI unit of each parameter and state that the code names.
    updates : tuple of str
        Statements run at the start of each step, before `current` is evaluated.
    integers : tuple of str
        Names in `units` that hold integers.
    white : str
        Name of the intensity (A s^(1/2)) where the current is white noise.
    """

    current: str
    units: dict[str, str]
    updates: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    white: str = ""


class Stimulus(Description):
    """A current injected into the neuron; currents add with ``+``.

    Attributes
    ----------
    label : str
        What a batch and a sum call it.
    noisy : bool
        Whether it draws random numbers.
    stands_alone : bool
        Whether it is an electrode of its own that no other current can be added to.
    follows_potential : bool
        Whether the current depends on the membrane potential.
    """

    label: ClassVar[str]
    noisy: ClassVar[bool] = False
    stands_alone: ClassVar[bool] = False
    follows_potential: ClassVar[bool] = False

    def components(self) -> dict[str, Stimulus]:
        """Return the parts of a sum by name (a single stimulus has one part)."""
        return {self.label: self}

    def values(self) -> dict[str, Quantity]:
        """Return the parameters that a run can vary, each a single value.

        A field that holds several values gives one parameter a value: ``amplitude[0]``,
        ``amplitude[1]``, and so on.
        """
        found: dict[str, Quantity] = {}
        for name in self.quantity_fields():
            value = getattr(self, name)
            if np.ndim(value) == 0:
                found[name] = value
            elif np.size(value) == 1:
                found[name] = value[0]
            else:
                found |= {f"{name}[{k}]": item for k, item in enumerate(value)}
        return found

    def drive(self, prefix: str, stream: int) -> Drive:
        """Return the stimulus in Brian2's language.

        Parameters
        ----------
        prefix : str
            What its names start with.
        stream : int
            Number of its random stream, different for each part of a sum.
        """
        raise TypeError(f"{type(self).__name__} does not say how it is injected")

    def waveforms(self) -> list[np.ndarray]:
        """Return the sampled waveforms it plays, in ampere, one array a channel."""
        return []

    def step_tables(
        self, dt: float, varied: Mapping[str, np.ndarray]
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the tables that ``step_level`` reads, and which one each row of a batch uses.

        A table holds n numbers of time steps in ascending order, and then the n levels from each
        of them on; before the first the level is 0. The drive finds its table by the integer
        ``<prefix>table``.

        Parameters
        ----------
        dt : float
            Time step of the run, in second.
        varied : mapping of str to ndarray, each of shape (rows,)
            What differs between rows, by the names of `values`, in SI units.

        Returns
        -------
        list of ndarray, each of shape (2 * n,)
            The tables; none where the drive reads none.
        ndarray of int, shape (rows,) or ()
            Number of the table of each row.
        """
        return [], np.asarray(0)

    def check_lengths(self, dt: float, varied: Mapping[str, np.ndarray]) -> None:
        """Refuse what is over before a time step is, and would inject nothing or too much.

        Parameters
        ----------
        dt, varied
            As for `step_tables`.
        """

    def _check_length(self, name: str, dt: float, varied: Mapping[str, np.ndarray]) -> None:
        """Refuse values of a length that are shorter than a time step."""
        own = getattr(self, name)
        given = [v for full, v in varied.items() if full.split("[")[0] == name]
        # Where one value stands for all rows and is varied, it is not used itself.
        used = given if name in varied else [np.asarray(own, dtype=float), *given]
        shortest = min(float(np.min(values)) for values in used)
        if shortest < dt * (1 - 1e-3):
            raise ParameterError(
                f"{type(self).__name__}: {name} ({shortest * 1e3:g} ms) is shorter than the time "
                f"step ({dt * 1e3:g} ms), so that what it injects would be nothing or too much; "
                f"take dt of {shortest * 1e3:g} ms or less"
            )

    def __add__(self, other: Stimulus) -> Sum:
        if not isinstance(other, Stimulus):
            return NotImplemented
        parts = [*self.components().values(), *other.components().values()]
        return Sum(tuple(parts))

    def _units(self, prefix: str, *names: str) -> dict[str, str]:
        fields = self.quantity_fields()
        return {f"{prefix}{name}": unit_name(fields[name].metadata["unit"]) for name in names}


@dataclass(frozen=True, eq=False, repr=False)
class Sum(Stimulus):
    """Up to 100 stimuli injected together, as ``Constant(...) + WhiteNoise(...)``.

    Parts of one kind are told apart by a number: ``steps``, ``steps_2``.

    Examples
    --------
    >>> from brian2 import pA
    >>> from neurosim import Constant, WhiteNoise
    >>> list((Constant(100 * pA) + WhiteNoise()).components())
    ['constant', 'white_noise']
    """

    parts: tuple[Stimulus, ...] = field(default=())
    label: ClassVar[str] = "sum"
    most: ClassVar[int] = 100

    def check(self) -> None:
        if not self.parts:
            raise ParameterError("Sum needs at least one stimulus")
        if len(self.parts) > self.most:
            raise ParameterError(
                f"Sum: {len(self.parts)} stimuli are added (most: {self.most}), each of which is "
                "compiled by itself; give a train of pulses as one Steps(amplitude, onsets, "
                "durations) or Pulses(period, width, n), and other waveforms as FrozenNoise"
            )
        for part in self.parts:
            if part.stands_alone:
                raise ParameterError(
                    f"{type(part).__name__} is an electrode of its own, to which no current can be "
                    "added; place it and the other stimulus on the neuron one by one (Neuron.place)"
                )

    @property
    def noisy(self) -> bool:  # type: ignore[override]
        """Whether any part draws random numbers."""
        return any(part.noisy for part in self.parts)

    def components(self) -> dict[str, Stimulus]:
        named: dict[str, Stimulus] = {}
        seen: dict[str, int] = {}
        for part in self.parts:
            seen[part.label] = seen.get(part.label, 0) + 1
            number = seen[part.label]
            named[part.label if number == 1 else f"{part.label}_{number}"] = part
        return named

    def to_dict(self) -> dict[str, Any]:
        """Return the parts in an order of their own: a + b is the same current as b + a."""
        parts = [part.to_dict() for part in self.parts]
        return {"kind": "Sum", "parts": sorted(parts, key=lambda part: json.dumps(part))}

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.parts))
