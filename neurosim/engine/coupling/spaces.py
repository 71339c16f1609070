"""Spaces outside cells as plain arrays: boxes whose concentrations the cells of a run move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from brian2.units.constants import faraday_constant
from scipy.linalg import solve_banded

__all__ = ["FARADAY", "SpaceResults", "Spaces", "move_boxes", "write_spaces"]

#: In coulomb per mole.
FARADAY = float(faraday_constant)


@dataclass(frozen=True)
class Spaces:
    """Boxes, each well mixed, of all spaces of a run.

    Attributes
    ----------
    ions : tuple of str
        Ions that some box holds.
    valence : ndarray of int, shape (ions,)
        Their charges.
    volume : ndarray, shape (boxes,)
        In cubic metre.
    tau : ndarray, shape (boxes,)
        Time constant of the exchange with the bath, in second; 0 where there is none.
    start, bath : ndarray, shape (ions, boxes)
        Concentrations, in mM; nan where the box does not hold the ion.
    link : ndarray, shape (ions, boxes)
        How well the ion diffuses from a box to the next, in cubic metre per second.
    members : list of ndarray of int, each of shape (ions, compartments, cells)
        By group, the box of each compartment in the engine's order; -1: none.
    """

    ions: tuple[str, ...]
    valence: np.ndarray
    volume: np.ndarray
    tau: np.ndarray
    start: np.ndarray
    bath: np.ndarray
    link: np.ndarray
    members: Sequence[np.ndarray]

    @property
    def boxes(self) -> int:
        """Number of boxes."""
        return len(self.volume)


@dataclass(frozen=True)
class SpaceResults:
    """What boxes did.

    Attributes
    ----------
    traces : ndarray, shape (ions, boxes, samples)
        Concentrations, in mM.
    final : ndarray, shape (ions, boxes)
        Concentrations at the end.
    exchanged : ndarray, shape (ions, boxes)
        What each lost to the bath since the start, in mol.
    """

    traces: np.ndarray
    final: np.ndarray
    exchanged: np.ndarray


def move_boxes(
    spaces: Spaces, now: np.ndarray, gained: np.ndarray, dt: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return concentrations after a step, and what went to the bath (mol).

    Parameters
    ----------
    now : ndarray, shape (ions, boxes)
        Concentrations, in mM.
    gained : ndarray, shape (ions, boxes)
        What came from the cells in the step, in mol.
    dt : float
        In second.

    Notes
    -----
    The exchange with the bath is exact for a gain that is steady during the step; then diffusion
    follows, by backward Euler.
    """
    came = gained / spaces.volume
    exchanging = spaces.tau > 0
    tau = np.where(exchanging, spaces.tau, 1.0)
    gone = np.where(exchanging, -np.expm1(-dt / tau), 0.0)
    kept = np.where(exchanging, 1 - gone * tau / dt, 0.0)
    lost = (now - spaces.bath) * gone + came * kept
    after = now + came - lost
    for k, link in enumerate(spaces.link):
        if np.any(link):
            after[k] = _diffuse(spaces.volume / dt, link, after[k])
    return after, lost * spaces.volume


def _diffuse(weight: np.ndarray, link: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Return concentrations after diffusion along the row of boxes."""
    held = np.flatnonzero(np.isfinite(now))
    out = now.copy()
    n = len(held)
    k = link[held][:-1]
    bands = np.zeros((3, n))
    bands[1] = weight[held]
    bands[1, :-1] += k
    bands[1, 1:] += k
    bands[0, 1:] = bands[2, :-1] = -k
    solved = solve_banded((1, 1), bands, weight[held] * now[held])
    # By the flows between boxes, so that nothing is lost to rounding.
    flow = k * (solved[1:] - solved[:-1])
    change = np.zeros(n)
    change[:-1] += flow
    change[1:] -= flow
    out[held] = now[held] + change / weight[held]
    return out


def write_spaces(spaces: Spaces, folder: Path) -> None:
    """Write what `spaces.h` reads."""

    def put(path: Path, values: np.ndarray, dtype: type) -> None:
        np.ascontiguousarray(values, dtype=dtype).tofile(path)

    put(folder / "spaces", np.array([len(spaces.ions), spaces.boxes, FARADAY]), np.float64)
    (folder / "spaces.ions").write_bytes(b"".join(ion.ljust(2).encode() for ion in spaces.ions))
    for name in ("valence", "volume", "tau", "start", "bath", "link"):
        put(folder / f"spaces.{name}", getattr(spaces, name), np.float64)
    for group, boxes in enumerate(spaces.members):
        put(folder / str(group) / "spaces.box", boxes, np.int32)
