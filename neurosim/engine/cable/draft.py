"""What the steps of composing a neuron hand to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from neurosim.engine.cable.equations import Text
from neurosim.engine.cable.inputs import Arrivals
from neurosim.engine.diffusion.pools import Pool
from neurosim.engine.programs.course_tables import CourseTable
from neurosim.outside import ElectrodeArray, Placement

__all__ = ["TEMPERATURE", "Draft", "Run", "Varied", "single"]

# Name by which the temperature of a neuron has a course.
TEMPERATURE = "celsius"


@dataclass(frozen=True)
class Run:
    """What a run asks beyond the neuron: the batch and the times, in SI units.

    Cells lie where `placement` says; `outside` records there. Compartments that gap junctions of
    any cell leave are `joined`; ions of spaces outside that cells share are `shared`.
    """

    cells: int
    batch: Mapping[str, np.ndarray]
    seeds: np.ndarray
    duration: float
    dt: float
    trace_dt: float
    settle: float
    theta: float
    start_step: int = 0
    courses: Mapping[str, tuple[CourseTable, ...]] = field(default_factory=dict)
    outside: ElectrodeArray | None = None
    placement: Placement = field(default_factory=Placement.still)
    joined: tuple[int, ...] = ()
    shared: tuple[str, ...] = ()

    def beginning(self) -> Run:
        """Return the run with a batch in which every course has its first value of the run."""
        time = self.start_step * self.dt
        firsts = {
            name: np.broadcast_to([table.at(time) for table in tables], self.cells)
            for name, tables in self.courses.items()
            if name != TEMPERATURE
        }
        return replace(self, batch={**self.batch, **firsts})

    def one_for_all(self, *names: str) -> bool:
        """Return whether none of some parameters follows a course that differs between cells."""
        return all(len(self.courses.get(name, ())) <= 1 for name in names)

    def batch_has(self, names: Sequence[str]) -> bool:
        """Return whether the batch varies one of some parameters, courses apart."""
        return any(name in self.batch and name not in self.courses for name in names)

    @property
    def events_window(self) -> tuple[float, float]:
        """Between which times events can act in the run; an event acts at the next step."""
        first = max(self.start_step - 2, 0) * self.dt
        return first, self.start_step * self.dt + self.duration


class Varied:
    """The batch by full names; `left` are those that nobody has asked for."""

    def __init__(self, batch: Mapping[str, np.ndarray]) -> None:
        self._batch, self.left = batch, set(batch)

    def get(self, name: str) -> np.ndarray | None:
        """Return the value of each cell, None where all have the default."""
        self.left.discard(name)
        return self._batch.get(name)


@dataclass(frozen=True)
class Draft:
    """A kernel and its values, before they are numbered and start from rest.

    Attributes
    ----------
    name : str
        Name of the kernel.
    text : Text
        Equations and current.
    values : dict of str to ndarray
        Parameters.
    sites : ndarray of int, shape (sites,)
        Compartment (of the morphology) of each site.
    density, events, updates, integers, amplifier, ion, empties
        As in `Kernel`.
    arrivals : Arrivals, optional
        As `KernelInputs.events`.
    pools : tuple of Pool
        Concentrations that diffuse.
    """

    name: str
    text: Text
    values: dict[str, np.ndarray]
    sites: np.ndarray
    density: bool = False
    events: tuple[str, ...] = ()
    updates: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    amplifier: str = ""
    ion: str = ""
    empties: tuple[str, ...] = ()
    arrivals: Arrivals | None = field(default=None, repr=False)
    pools: tuple[Pool, ...] = field(default=(), repr=False)


def single(values: np.ndarray) -> np.ndarray:
    """Return one number where all are equal, so that it need not be read a row at a time."""
    return np.asarray(values.flat[0]) if np.all(values == values.flat[0]) else values
