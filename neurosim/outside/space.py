"""The space outside cells that several cells share: its volume, its ions, and its bath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from brian2.units import Quantity, second, um
from brian2.units.stdunits import mM

from neurosim.channels.base import DIFFUSION
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.quantities import Description, check_whole, quantity

__all__ = ["Space", "SpaceAlong"]


@dataclass(frozen=True, eq=False, repr=False)
class Space(Description):
    r"""A volume outside cells, well mixed, whose concentrations the cells around it move.

    The currents that an ion carries through the membranes of all members change its concentration,
    and so does the exchange with a bath:

    .. math:: V\,\frac{dc_o}{dt} = -\sum_{members} \frac{I}{zF} - V\,\frac{c_o - c_{bath}}{\tau}

    (I inward positive). Members read the concentration as ``k_o``. `Circuit.share` says which
    populations are members.

    Parameters
    ----------
    fraction : Quantity
        Share of the tissue that lies outside cells, from which the volume follows: V is
        fraction/(1 - fraction) times the volume of all members. A plain number, usually 0.2.
    volume : Quantity
        The volume itself; 0 takes `fraction`.
    tau : Quantity
        Time constant of the exchange with the bath; 0: there is no exchange.
    na_o, k_o, ca_o, cl_o : Quantity
        Concentrations at the start, which are also those of the bath; 0: the space does not hold
        this ion, so that each cell keeps its own value.

    References
    ----------
    Sykova and Nicholson (2008), Physiol Rev 88:1277 (volume fractions). Somjen, Kager and Wadman
    (2008), J Comput Neurosci 25:349 (a neuron and a glial cell around one space).

    Examples
    --------
    >>> space = Space(k_o=3.5 * mM, tau=10 * second)
    >>> space.ions
    ('k',)
    """

    fraction: Quantity = quantity(Quantity(0.2), "share of the tissue outside cells", above=0)
    volume: Quantity = quantity(0 * um**3, "volume; 0: by the fraction", at_least=0 * um**3)
    tau: Quantity = quantity(
        0 * second, "time constant of exchange with the bath; 0: none", at_least=0 * second
    )
    na_o: Quantity = quantity(0 * mM, "sodium at the start; 0: not held", at_least=0 * mM)
    k_o: Quantity = quantity(0 * mM, "potassium at the start; 0: not held", at_least=0 * mM)
    ca_o: Quantity = quantity(0 * mM, "calcium at the start; 0: not held", at_least=0 * mM)
    cl_o: Quantity = quantity(0 * mM, "chloride at the start; 0: not held", at_least=0 * mM)

    boxes: ClassVar[int] = 1

    def check(self) -> None:
        label = type(self).__name__
        if float(self.fraction) >= 1:
            raise ParameterError(
                f"{label}: fraction must be a share between 0 and 1, such as 0.2; got "
                f"{self.fraction}"
            )
        if not self.ions:
            raise ParameterError(
                f"{label}: the space holds no ion; give a concentration, such as k_o=3.5*mM"
            )

    @property
    def ions(self) -> tuple[str, ...]:
        """The ions that it holds."""
        return tuple(ion for ion in ("na", "k", "ca", "cl") if float(getattr(self, f"{ion}_o")))

    def box_of(self, xyz_m: np.ndarray, distance_m: np.ndarray) -> np.ndarray:
        """Return the box in which points lie, shape of `distance_m`; -1 where in none.

        Parameters
        ----------
        xyz_m : ndarray, shape (..., 3)
            Where they are, in metre.
        distance_m : ndarray, shape (...)
            Their distance from the soma along the cell, in metre.
        """
        return np.zeros(np.shape(distance_m), dtype=int)

    def volumes_m3(self, inside_m3: np.ndarray) -> np.ndarray:
        """Return the volume of each box, in cubic metre, from that of the cells in it.

        Raises
        ------
        ParameterError
            The volume goes by the fraction, and a box has no cells.
        """
        if float(self.volume):
            return np.full(self.boxes, float(self.volume) / self.boxes)
        empty = np.flatnonzero(np.asarray(inside_m3) <= 0)
        if len(empty):
            raise ParameterError(
                f"{type(self).__name__}: no cell lies in box {empty[0]} of {self.boxes}, so that a "
                "fraction tells no volume; give the volume, or fewer boxes"
            )
        share = float(self.fraction)
        return np.asarray(inside_m3) * share / (1 - share)

    def links_m3_s(self, ion: str, volumes_m3: np.ndarray) -> np.ndarray:
        """Return how well an ion diffuses from each box to the next, in cubic metre per second."""
        return np.zeros(self.boxes - 1)


@dataclass(frozen=True, eq=False, repr=False)
class SpaceAlong(Space):
    r"""The space along cells: boxes in a row, each well mixed, with diffusion between neighbours.

    .. math:: V_b\,\frac{dc_b}{dt} = -\sum_{in\ b} \frac{I}{zF}
              - V_b\,\frac{c_b - c_{bath}}{\tau}
              + \frac{D}{\lambda^2} \sum_{b' = b \pm 1} \frac{A_{bb'}}{\Delta x}\,(c_{b'} - c_b)

    A compartment of a cell belongs to the box in which its centre lies.

    Parameters
    ----------
    along : {"x", "y", "z", "path"}
        What boxes follow each other along: an axis, in the coordinates in which the cells lie, or
        the distance from the soma along the cell.
    begin, length : Quantity
        Where the first box begins, and how long all are together.
    boxes : int
        How many there are. A cell of as many equal compartments has one for each.
    tortuosity : Quantity
        Factor lambda by which the way around cells is longer; diffusion is slower by its square.
    D_na, D_k, D_ca, D_cl : Quantity
        Diffusion coefficients in water.

    References
    ----------
    Halnes, Ostby, Pettersen, Omholt and Einevoll (2013), PLoS Comput Biol 9:e1003386 (coefficients
    and tortuosity). Sykova and Nicholson (2008), Physiol Rev 88:1277.

    Examples
    --------
    >>> column = SpaceAlong(k_o=3 * mM, length=300 * um, boxes=30)
    >>> column.box_of(np.array([[5e-6, 0, 0], [299e-6, 0, 0], [400e-6, 0, 0]]), np.zeros(3))
    array([ 0, 29, -1])
    """

    along: str = "x"
    begin: Quantity = quantity(0 * um, "where the first box begins")
    length: Quantity = quantity(300 * um, "length of all boxes together", above=0 * um)
    boxes: int = 10  # type: ignore[misc]
    tortuosity: Quantity = quantity(Quantity(1.6), "how much longer the way is", at_least=1)
    D_na: Quantity = quantity(DIFFUSION["na"], "diffusion of sodium", at_least=0)
    D_k: Quantity = quantity(DIFFUSION["k"], "diffusion of potassium", at_least=0)
    D_ca: Quantity = quantity(DIFFUSION["ca"], "diffusion of calcium", at_least=0)
    D_cl: Quantity = quantity(DIFFUSION["cl"], "diffusion of chloride", at_least=0)

    def check(self) -> None:
        super().check()
        if self.along not in _ALONG:
            raise UnknownNameError(
                f"SpaceAlong: along {self.along!r}: {suggest(str(self.along), _ALONG)}"
            )
        object.__setattr__(self, "boxes", check_whole(self.boxes, "SpaceAlong: boxes"))

    def box_of(self, xyz_m: np.ndarray, distance_m: np.ndarray) -> np.ndarray:
        which = _ALONG.index(self.along)
        where = distance_m if self.along == "path" else np.asarray(xyz_m)[..., which]
        share = (where - float(self.begin)) / float(self.length)
        # The far end belongs to the last box.
        found = np.minimum(np.floor(share * self.boxes * (1 + 1e-12)), self.boxes - 1).astype(int)
        return np.where((share < 0) | (share > 1 + 1e-12), -1, found)

    def links_m3_s(self, ion: str, volumes_m3: np.ndarray) -> np.ndarray:
        step = float(self.length) / self.boxes
        first, second = volumes_m3[:-1], volumes_m3[1:]
        # Half of the way lies in each box, whose cross-section is its volume over its length.
        area = 2 * first * second / (first + second) / step
        rate = float(getattr(self, f"D_{ion}")) / float(self.tortuosity) ** 2
        return np.asarray(rate * area / step)


_ALONG = ("x", "y", "z", "path")
