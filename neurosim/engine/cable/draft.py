"""What the steps of composing a neuron hand to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from neurosim.engine.cable.equations import Text
from neurosim.engine.cable.inputs import Arrivals
from neurosim.outside import ElectrodeArray, Placement

__all__ = ["Draft", "Run", "Varied", "single"]


@dataclass(frozen=True)
class Run:
    """What a run asks beyond the neuron: the batch and the times, in SI units.

    Cells lie where `placement` says; `outside` records there.
    """

    cells: int
    batch: Mapping[str, np.ndarray]
    seeds: np.ndarray
    duration: float
    dt: float
    trace_dt: float
    settle: float
    theta: float
    outside: ElectrodeArray | None = None
    placement: Placement = field(default_factory=Placement.still)


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
    density, events, updates, integers, amplifier
        As in `Kernel`.
    arrivals : Arrivals, optional
        As `KernelInputs.events`.
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
    arrivals: Arrivals | None = field(default=None, repr=False)


def single(values: np.ndarray) -> np.ndarray:
    """Return one number where all are equal, so that it need not be read a row at a time."""
    return np.asarray(values.flat[0]) if np.all(values == values.flat[0]) else values
