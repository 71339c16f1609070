"""What a check is, and the list of all problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from experiments.kit.registry import Context

__all__ = ["Check", "Problem", "all_problems", "problem", "rms"]


@dataclass(frozen=True)
class Check:
    """One number held against its reference.

    Attributes
    ----------
    what : str
        What was measured, with its unit.
    ours, reference : float
        The two numbers.
    tolerance : float
        Largest deviation allowed: relative unless `absolute`.
    absolute : bool
        Whether the deviation is the plain difference, in the unit of `what`.
    uncertainty : float
        Half of the 90 % interval of `ours`, in its unit, where chance is in it.
    """

    what: str
    ours: float
    reference: float
    tolerance: float
    absolute: bool = False
    uncertainty: float = 0.0

    @property
    def error(self) -> float:
        """Deviation, relative or absolute."""
        return abs(self.ours - self.reference) / self._unit

    @property
    def largest_error(self) -> float:
        """Deviation of the farther end of the interval, relative or absolute."""
        return self.error + self.uncertainty / self._unit

    @property
    def _unit(self) -> float:
        return 1.0 if self.absolute or self.reference == 0 else abs(self.reference)

    @property
    def holds(self) -> bool:
        """Whether the deviation is within the tolerance (nan never is), interval and all."""
        return self.largest_error <= self.tolerance


@dataclass(frozen=True)
class Problem:
    """One acceptance problem.

    Attributes
    ----------
    id : str
        Number in the list, ``P01`` and so on.
    title : str
        What is posed.
    source : str
        Where the references come from.
    run : callable
        Yields the checks.
    """

    id: str
    title: str
    source: str
    run: Callable[[Context], Iterator[Check]]


_FOUND: dict[str, Problem] = {}


def problem(
    number: str, title: str, source: str
) -> Callable[[Callable[[Context], Iterator[Check]]], Callable[[Context], Iterator[Check]]]:
    """Register a function that yields the checks of a problem."""

    def register(
        function: Callable[[Context], Iterator[Check]],
    ) -> Callable[[Context], Iterator[Check]]:
        _FOUND[number] = Problem(number, title, source, function)
        return function

    return register


def all_problems() -> list[Problem]:
    """Return every problem, in order."""
    for module in ("point_checks", "cable_checks", "axon_checks", "synapse_checks"):
        import_module(f"experiments.validation.{module}")
    return [_FOUND[number] for number in sorted(_FOUND)]


def rms(difference: object) -> float:
    """Return the root of the mean square."""
    import numpy as np

    return float(np.sqrt(np.mean(np.square(np.asarray(difference, dtype=float)))))
