"""The rows of an SWC file as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.morphology.errors import MorphologyError

__all__ = ["Table"]


_TAGS = {0: "undefined", 1: "soma", 2: "axon", 3: "basal", 4: "apical"}


@dataclass(frozen=True)
class Table:
    """The points of a file, in its order.

    Attributes
    ----------
    file : str
        Name used in messages.
    line : ndarray of int, shape (n,)
        Line of each point, from 1.
    number, kind, parent : ndarray of int, shape (n,)
        Number and type of each point, and row (not number) of its parent; -1 for a root.
    points, radii : ndarray, shapes (n, 3) and (n,)
        In metre.
    """

    file: str
    line: np.ndarray
    number: np.ndarray
    kind: np.ndarray
    points: np.ndarray
    radii: np.ndarray
    parent: np.ndarray

    def fail(self, row: int, reason: str) -> MorphologyError:
        """Return the error that says where and why."""
        return MorphologyError(f"{self.file}, line {self.line[row]}: {reason}")

    def take(self, rows: np.ndarray) -> Table:
        """Return some of the points; their parents must be among them."""
        new = np.full(len(self.line) + 1, -1)
        new[rows] = np.arange(len(rows))
        return Table(
            self.file,
            self.line[rows],
            self.number[rows],
            self.kind[rows],
            self.points[rows],
            self.radii[rows],
            new[self.parent[rows]],
        )
