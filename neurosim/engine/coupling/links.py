"""What joins the cells of a run besides spikes, and what a run tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim.engine.coupling.junctions import Junctions, write_junctions
from neurosim.engine.coupling.spaces import SpaceResults, Spaces, write_spaces
from neurosim.engine.programs.results import RunResults

__all__ = ["LinkResults", "Links", "read_links", "write_links"]


@dataclass(frozen=True)
class Links:
    """What the cells of a run share in every step.

    Attributes
    ----------
    junctions : Junctions, optional
        Gap junctions.
    spaces : Spaces, optional
        Spaces outside.
    """

    junctions: Junctions | None = None
    spaces: Spaces | None = None

    @property
    def kinds(self) -> int:
        """1 for gap junctions, 2 for spaces, 3 for both: what the program is told."""
        return (self.junctions is not None) + 2 * (self.spaces is not None)


@dataclass(frozen=True)
class LinkResults:
    """What was recorded of the links.

    Attributes
    ----------
    currents : ndarray, shape (recorded junctions, samples)
        Current of each junction, from its first cell to its second, in ampere.
    passed : ndarray, shape (ends,)
        Charge out of each end of the junctions since the start, in coulomb.
    carried : ndarray, shape (ions, junctions)
        Of it, the charge that each ion carried from the first end to the second.
    spaces : SpaceResults, optional
        What the spaces did.
    """

    currents: np.ndarray
    passed: np.ndarray
    carried: np.ndarray
    spaces: SpaceResults | None = None


def write_links(links: Links, folder: Path) -> None:
    """Write what the program reads; the folders of the groups are there."""
    if links.junctions is not None:
        write_junctions(links.junctions, folder)
    if links.spaces is not None:
        write_spaces(links.spaces, folder)


def read_links(links: Links, written: RunResults, samples: int) -> LinkResults:
    """Return what the program recorded in so many samples."""
    currents, passed = np.zeros((0, samples)), np.zeros(0)
    carried: np.ndarray = np.zeros((0, 0))
    if links.junctions is not None:
        passed = written.load("junctions.passed", np.float64)
        carried = written.load("junctions.carried", np.float64)
        carried = carried.reshape(links.junctions.share.shape)
    if links.junctions is not None and len(links.junctions.recorded):
        values = written.load("junctions.traces", np.float64)
        currents = values.reshape(samples, len(links.junctions.recorded)).T
    if links.spaces is None:
        return LinkResults(currents, passed, carried)
    boxes = (len(links.spaces.ions), links.spaces.boxes)
    traces = written.load("spaces.traces", np.float64).reshape(samples, *boxes)
    final, exchanged = written.load("spaces.state", np.float64).reshape(2, *boxes)
    of_spaces = SpaceResults(traces.transpose(1, 2, 0), final, exchanged)
    return LinkResults(currents, passed, carried, of_spaces)
