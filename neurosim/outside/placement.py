"""Where the cells of a run lie: each moved and turned from the coordinates of its morphology."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from brian2.units import Quantity, um

from neurosim.errors import ParameterError
from neurosim.quantities import Description, quantity

__all__ = ["Placement"]


@dataclass(frozen=True, eq=False, repr=False)
class Placement(Description):
    """Position and rotation of cells, turned about the origin of their morphology, then moved.

    Each field is a single value for all cells, or one value a cell.

    Attributes
    ----------
    x, y, z : Quantity
        Where the origin of the morphology comes to lie.
    turn_x, turn_y, turn_z : Quantity
        Angles (radian, a plain number) of the turns about the axes x, y and z of space, taken in
        this order and counter-clockwise seen from the positive end of the axis.

    Raises
    ------
    ParameterError
        The fields have different lengths.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import um
    >>> two = Placement(x=[0, 100] * um, turn_z=[0, np.pi / 2])
    >>> two.cells
    2
    >>> (two.place(np.array([[1e-6, 0, 0]]))[1] * 1e6).round(9).tolist()
    [[100.0, 1.0, 0.0]]
    """

    x: Quantity = quantity(0 * um, "position of the origin along x", many=1)
    y: Quantity = quantity(0 * um, "position of the origin along y", many=1)
    z: Quantity = quantity(0 * um, "position of the origin along z", many=1)
    turn_x: Quantity = quantity(Quantity(0.0), "turn about x (radian)", many=1)
    turn_y: Quantity = quantity(Quantity(0.0), "turn about y (radian)", many=1)
    turn_z: Quantity = quantity(Quantity(0.0), "turn about z (radian)", many=1)

    def check(self) -> None:
        sizes = {name: np.size(getattr(self, name)) for name in self.quantity_fields()}
        many = {name: size for name, size in sizes.items() if size != 1}
        if len(set(many.values())) > 1:
            said = ", ".join(f"{size} for {name}" for name, size in many.items())
            raise ParameterError(
                f"Placement: give one value, or one a cell, for each field; got {said}"
            )

    @property
    def cells(self) -> int:
        """How many cells it places; 1 where all lie alike."""
        return max(int(np.size(getattr(self, name))) for name in self.quantity_fields())

    def rotations(self) -> np.ndarray:
        """Return the rotation of each cell, shape (cells, 3, 3)."""
        return np.array([_about(2, c) @ _about(1, b) @ _about(0, a) for a, b, c in self._turns()])

    def place(self, points_m: np.ndarray) -> np.ndarray:
        """Return where points of the morphology lie in each cell.

        Parameters
        ----------
        points_m : ndarray, shape (points, 3)
            In the coordinates of the morphology, in metre.

        Returns
        -------
        ndarray, shape (cells, points, 3)
        """
        centres = np.stack([self._column(name) for name in ("x", "y", "z")], axis=1)
        turned = np.einsum("cij,pj->cpi", self.rotations(), points_m)
        return np.asarray(turned + centres[:, np.newaxis])

    def _column(self, name: str) -> np.ndarray:
        return np.broadcast_to(np.asarray(getattr(self, name), dtype=float).ravel(), self.cells)

    def _turns(self) -> np.ndarray:
        return np.stack([self._column(f"turn_{name}") for name in "xyz"], axis=1)

    @classmethod
    def still(cls) -> Self:
        """Return the placement that leaves cells where their morphology says."""
        return cls()


def _about(axis: int, angle: float) -> np.ndarray:
    """Return the matrix of a turn about an axis of space."""
    a, b = [k for k in range(3) if k != axis]
    found = np.eye(3)
    sine = np.sin(angle) * (-1 if axis == 1 else 1)
    found[a, a] = found[b, b] = np.cos(angle)
    found[a, b], found[b, a] = -sine, sine
    return found
