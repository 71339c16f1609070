"""Fields that stimulate from outside: the potential that a current makes around a neuron."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, meter, siemens, uA, um, volt

from neurosim.morphology import Compartments
from neurosim.outside.electrodes import common_length
from neurosim.outside.line_sources import point_source
from neurosim.outside.placement import Placement
from neurosim.quantities import Description, quantity

__all__ = ["Field", "PointElectrodes", "UniformField"]


class Field(Description):
    """The potential around a neuron that a current makes, proportional to the current."""

    def potential(self, x: Quantity, y: Quantity, z: Quantity) -> Quantity:
        """Return the potential per current (ohm) at points.

        Parameters
        ----------
        x, y, z : Quantity, shape (points,)
            Where; single values stand for all.
        """
        columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(axis)) for axis in (x, y, z)))
        points = np.stack([column.astype(float) for column in columns], axis=1)
        return Quantity(self.ohms(points, np.zeros(len(points))), dim=(volt / uA).dim)

    def ohms(self, points_m: np.ndarray, nearest_m: np.ndarray) -> np.ndarray:
        """Return the potential per ampere at points, shape (points,).

        Parameters
        ----------
        points_m : ndarray, shape (points, 3)
            In metre.
        nearest_m : ndarray, shape (points,)
            A source nearer than this counts as that far away.
        """
        raise NotImplementedError

    def on_compartments(self, cut: Compartments, placement: Placement) -> np.ndarray:
        """Return the potential per ampere outside each compartment of each cell.

        Returns
        -------
        ndarray, shape (cells of the placement, compartments)
        """
        nearest = cut.diameter_m / 2
        return np.array([self.ohms(points, nearest) for points in placement.place(cut.xyz_m)])


@dataclass(frozen=True, eq=False, repr=False)
class PointElectrodes(Field):
    r"""Point electrodes in an infinite homogeneous medium, which share one current.

    .. math:: \phi(r) = \frac{I}{4 \pi \sigma} \sum_k \frac{s_k}{|r - r_k|}

    A single electrode is a monopole, two with the shares 1 and -1 are a bipole. A negative current
    of the first is cathodic.

    Attributes
    ----------
    x, y, z : Quantity
        Positions of the electrodes; a single value stands for all.
    share : Quantity
        Share s of the current that each gives off, a plain number.
    conductivity : Quantity
        Of the medium.

    Examples
    --------
    >>> from brian2 import um
    >>> field = PointElectrodes(x=[0, 1000] * um, share=[1, -1])
    >>> field.potential(500 * um, 0 * um, 100 * um)[0]
    0. * ohm
    """

    x: Quantity = quantity(0 * um, "positions along x", many=1)
    y: Quantity = quantity(100 * um, "positions along y", many=1)
    z: Quantity = quantity(0 * um, "positions along z", many=1)
    share: Quantity = quantity(Quantity(1.0), "share of the current of each", many=1)
    conductivity: Quantity = quantity(
        0.3 * siemens / meter, "conductivity of the medium", above=0 * siemens / meter
    )

    def check(self) -> None:
        common_length(self, ("x", "y", "z", "share"))

    def ohms(self, points_m: np.ndarray, nearest_m: np.ndarray) -> np.ndarray:
        names = ("x", "y", "z", "share")
        many = common_length(self, names)
        columns = (np.asarray(getattr(self, name), dtype=float).ravel() for name in names)
        *where, share = (np.broadcast_to(column, many) for column in columns)
        sources = np.stack(where, axis=1)
        found = point_source(sources, points_m, nearest_m, float(self.conductivity))
        return np.asarray(share @ found)


@dataclass(frozen=True, eq=False, repr=False)
class UniformField(Field):
    r"""A field that is the same everywhere, as between two large plates.

    .. math:: \phi(r) = -\frac{I}{I_{\mathrm{per}}} E \cdot r

    Attributes
    ----------
    x, y, z : Quantity
        The field E at the current `per`: a positive component drives positive charge along the
        axis.
    per : Quantity
        Current of the stimulus at which it has this strength.

    Examples
    --------
    >>> from brian2 import meter, um, volt
    >>> field = UniformField(z=5 * volt / meter)
    >>> field.potential(0 * um, 0 * um, 200 * um)[0]
    -1. * kohm
    """

    x: Quantity = quantity(0 * volt / meter, "field along x")
    y: Quantity = quantity(0 * volt / meter, "field along y")
    z: Quantity = quantity(1 * volt / meter, "field along z")
    per: Quantity = quantity(1 * uA, "current that makes this field", above=0 * uA)

    def ohms(self, points_m: np.ndarray, nearest_m: np.ndarray) -> np.ndarray:
        field = np.array([float(self.x), float(self.y), float(self.z)])
        return np.asarray(-points_m @ field / float(self.per))
