"""What diffuses inside cells as plain arrays, and its step in NumPy.

The compiled program has the same step in `diffusion.h`. Both let a concentration diffuse by
backward Euler and then change it by the flows between neighbours, so that what leaves one arrives
at the other to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csc_array, csr_array, diags_array
from scipy.sparse.linalg import splu

__all__ = ["Diffusion", "NumpyDiffusion", "write_diffusions"]


@dataclass(frozen=True)
class Diffusion:
    """A concentration that diffuses along the tree, and between shells if it has any.

    Attributes
    ----------
    variable : str
        Name of the concentration in patches, of the outermost shell where there are several.
    settles : bool
        Whether it moves while the cells come to rest.
    up : ndarray, shape (shells, nodes) or (shells, nodes, cells)
        How well each node exchanges with its parent, in cubic metre per second.
    capacity : ndarray, shape (shells, nodes) or (shells, nodes, cells)
        Amount by concentration, in cubic metre; 0 where nothing holds it, and at junctions.
    radial : ndarray, shape (shells - 1, compartments) or (shells - 1, compartments, cells)
        How well each shell exchanges with the next one further in, in cubic metre per second.
    """

    variable: str
    settles: bool
    up: np.ndarray
    capacity: np.ndarray
    radial: np.ndarray

    @property
    def shells(self) -> int:
        """Number of shells."""
        return len(self.up)

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """Names of the concentrations, from the membrane inwards."""
        return (self.variable, *(f"{self.variable}_{k + 1}" for k in range(1, self.shells)))


def write_diffusions(diffusions: Sequence[Diffusion], folder: Path) -> None:
    """Write what `diffusion.h` reads."""

    def put(name: str, values: Any) -> None:
        array = np.ascontiguousarray(values, dtype=np.float64)
        array.tofile(folder / name)
        np.asarray([array.size], dtype=np.float64).tofile(folder / f"{name}.count")

    put("diffusions", [len(diffusions)])
    for k, one in enumerate(diffusions):
        head = f"diffusion.{k}"
        name = one.variable.encode()
        put(f"{head}.about", [one.shells, float(one.settles), len(name)])
        (folder / f"{head}.name").write_bytes(name)
        put(f"{head}.up", one.up)
        put(f"{head}.capacity", one.capacity)
        put(f"{head}.radial", one.radial)


class NumpyDiffusion:
    """A concentration on its way, by one sparse matrix a shell and cell.

    Attributes
    ----------
    came : ndarray, shape (shells, compartments, cells)
        What came to each shell along the cell since the start, in mol.
    """

    def __init__(self, of: Diffusion, parent: np.ndarray, cells: int, dt: float) -> None:
        self.of, self.dt, self.cells, self.parent = of, dt, cells, np.asarray(parent)
        self.compartments = of.radial.shape[1]
        self.came = np.zeros((of.shells, self.compartments, cells))
        self.inner = np.flatnonzero(self.parent >= 0)
        self.up, self.capacity, self.radial = (
            np.broadcast_to(x if x.ndim == 3 else x[..., np.newaxis], (*x.shape[:2], cells))
            for x in (of.up, of.capacity, of.radial)
        )
        # Cells that agree share their matrices.
        each = of.up.ndim == 3
        self.groups = [np.array([c]) for c in range(cells)] if each else [np.arange(cells)]
        self._along = [
            [_factored(self._conductances(shell, group[0]), self._weight(shell, group[0]))
             for group in self.groups]
            for shell in range(of.shells)
        ]  # fmt: skip
        self._between = self._inverse_across()

    def _weight(self, shell: int, cell: int) -> np.ndarray:
        return np.asarray(self.capacity[shell, :, cell] / self.dt)

    def _conductances(self, shell: int, cell: int) -> Any:
        shape = (len(self.parent), len(self.parent))
        ends = (self.inner, self.parent[self.inner])
        one = csr_array((self.up[shell, self.inner, cell], ends), shape=shape)
        return one + one.T

    def step(self, now: np.ndarray) -> np.ndarray:
        """Return the concentrations after a step, shape (shells, compartments, cells)."""
        after = now.copy()
        if self.of.shells > 1:
            after = self._across(after)
        for shell in range(self.of.shells):
            moved = self.dt * self._into(shell, after[shell])
            self.came[shell] += moved
            after[shell] += _over(moved, self.capacity[shell, : self.compartments])
        return after

    def _into(self, shell: int, now: np.ndarray) -> np.ndarray:
        """Return what flows into each compartment along a shell, in mol per second."""
        solved = np.zeros((len(self.parent), self.cells))
        for group, solve in zip(self.groups, self._along[shell], strict=True):
            right = np.zeros((len(self.parent), len(group)))
            weight = self._weight(shell, group[0])[: self.compartments, np.newaxis]
            right[: self.compartments] = weight * now[:, group]
            solved[:, group] = solve(right)
        up, inner, above = self.up[shell], self.inner, self.parent[self.inner]
        flow = np.zeros_like(solved)
        flow[inner] = up[inner] * (solved[inner] - solved[above])
        # A junction keeps nothing: what rounding leaves there is shared out.
        around = up.copy()
        np.add.at(around, above, up[inner])
        excess = -flow
        np.add.at(excess, above, flow[inner])
        excess[: self.compartments] = 0
        shift = _over(excess, around)
        flow[inner] += up[inner] * (shift[inner] - shift[above])
        into = -flow
        np.add.at(into, above, flow[inner])
        return np.asarray(into[: self.compartments])

    def _across(self, now: np.ndarray) -> np.ndarray:
        """Return concentrations after diffusion between the shells of each compartment."""
        capacity, radial = self.capacity[:, : self.compartments], self.radial
        right = np.moveaxis(now * capacity / self.dt, 0, -1)[..., np.newaxis]
        solved = np.moveaxis((self._between @ right)[..., 0], -1, 0)
        flow = radial * (solved[1:] - solved[:-1]) * self.dt
        after = now.copy()
        after[:-1] += _over(flow, capacity[:-1])
        after[1:] -= _over(flow, capacity[1:])
        return after

    def _inverse_across(self) -> np.ndarray:
        """Return what solves for the shells of each compartment, their matrices inverted."""
        capacity, shells = self.capacity[:, : self.compartments], self.of.shells
        matrix = np.zeros((self.compartments, self.cells, shells, shells))
        for k, link in enumerate(self.radial):
            for a, b in ((k, k + 1), (k + 1, k)):
                matrix[..., a, a] += link
                matrix[..., a, b] -= link
        for k in range(shells):
            # Where nothing holds the ion, the equation says nothing.
            matrix[..., k, k] += np.where(capacity[k] > 0, capacity[k] / self.dt, 1.0)
        return np.asarray(np.linalg.inv(matrix))


def _over(amount: np.ndarray, capacity: np.ndarray) -> np.ndarray:
    """Return a quotient, 0 where there is no capacity."""
    out = np.zeros_like(amount)
    np.divide(amount, capacity, out=out, where=capacity > 0)
    return out


def _factored(joined: Any, weight: np.ndarray) -> Any:
    """Return what solves the equations of one shell."""
    diagonal = joined.sum(axis=1) + weight
    matrix = diags_array(np.where(diagonal > 0, diagonal, 1.0)) - joined
    return splu(csc_array(matrix)).solve
