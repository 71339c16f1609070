"""Dendritic spines: as a factor on the dendrite's area, or as a head behind a neck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Mohm, Quantity, cm, ohm, um

from neurosim.morphology import Morphology, cylinder
from neurosim.quantities import Description, check_quantity, quantity

__all__ = ["Spine"]


@dataclass(frozen=True, eq=False, repr=False)
class Spine(Description):
    r"""A spine of spherical head and cylindrical neck.

    .. math:: A = \pi d_{head}^2 + \pi d_{neck} L_{neck}, \qquad
              R_{neck} = \frac{4 R_a L_{neck}}{\pi d_{neck}^2}, \qquad
              F = \frac{A_{dendrite} + A_{spines}}{A_{dendrite}}

    Spines that carry no active synapse are told by the factor F alone: it multiplies the
    capacitance and every conductance of the dendritic membrane. One with a synapse is a compartment
    of the head's area behind the neck's resistance.

    References
    ----------
    Holmes (1989), Brain Res 478:127 (area factor). Acker, Hoyos and Loew (2016), eNeuro 3 (neck
    resistance 23-420 MΩ, mean 179 MΩ).

    Examples
    --------
    >>> spine = Spine()
    >>> spine.neck_resistance(), float(spine.area_factor(1 * um, 1 / um))
    (101.85916358 * Mohm, 1.375)
    """

    head_diameter: Quantity = quantity(0.5 * um, "diameter of the head", above=0 * um)
    neck_length: Quantity = quantity(1 * um, "length of the neck", above=0 * um)
    neck_diameter: Quantity = quantity(0.125 * um, "diameter of the neck", above=0 * um)

    @property
    def head_area(self) -> Quantity:
        """Membrane area of the head."""
        return np.pi * self.head_diameter**2

    @property
    def area(self) -> Quantity:
        """Membrane area of head and neck."""
        return self.head_area + np.pi * self.neck_diameter * self.neck_length

    def neck_resistance(self, R_a: Quantity = 125 * ohm * cm) -> Quantity:
        """Return the axial resistance of the neck."""
        R_a = check_quantity(R_a, 100 * ohm * cm, "Spine: R_a", above=0 * ohm * cm)
        return 4 * R_a * self.neck_length / (np.pi * self.neck_diameter**2)

    def area_factor(self, diameter: Quantity, density: Quantity) -> np.ndarray:
        """Return F for dendrites of some diameter.

        Parameters
        ----------
        diameter : Quantity
            Diameter of the dendrite, one value or an array.
        density : Quantity
            Spines per length.
        """
        diameter = check_quantity(diameter, 1 * um, "Spine: diameter", above=0 * um, many=1)
        density = check_quantity(density, 1 / um, "Spine: density", at_least=0 / um, many=1)
        return 1 + np.asarray(density * self.area / (np.pi * diameter), dtype=float)

    def shape(self) -> Morphology:
        """Return neck and head as branches to hang on a dendrite.

        The head is a cylinder as long as it is thick, which has the sphere's area.

        Examples
        --------
        >>> from neurosim.morphology import cylinder
        >>> dendrite = cylinder(100 * um, 1 * um, name="dendrite")
        >>> dendrite.join(Spine().shape(), "dendrite", at=0.5, prefix="spine_").names
        ('dendrite', 'spine_neck', 'spine_head')
        """
        neck = cylinder(self.neck_length, self.neck_diameter, name="neck")
        return neck.join(cylinder(self.head_diameter, self.head_diameter, name="head"), "neck")

    def steady_coupling(self, R_in: Quantity, R_a: Quantity = 125 * ohm * cm) -> float:
        """Return the dendrite's share of a steady depolarisation of the head.

        The current through the head's own membrane is left out: R_in / (R_in + R_neck).
        """
        R_in = check_quantity(R_in, 100 * Mohm, "Spine: R_in", above=0 * Mohm)
        return float(R_in / (R_in + self.neck_resistance(R_a)))
