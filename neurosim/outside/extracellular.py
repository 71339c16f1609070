"""A layer outside the membrane: the space under a sheath, and the sheath around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from brian2.units import Quantity, cm, meter, mS, ohm, siemens, uF, um

from neurosim.errors import ParameterError
from neurosim.quantities import Description, check_quantity, quantity

__all__ = ["Extracellular"]

# A layer that is open to the outside, as that of a node of Ranvier.
_OPEN = 1e10 * siemens / cm**2


@dataclass(frozen=True, eq=False, repr=False)
class Extracellular(Description):
    r"""A resistive layer between the membrane and the outside, as under myelin.

    The potential outside the membrane becomes a second unknown of each compartment: current that
    crosses the membrane flows along the layer, and through its wall (the sheath) to the outside:

    .. math:: c\,\frac{\partial V_e}{\partial t} + g V_e
              - \frac{\partial}{\partial x}\frac{1}{R}\frac{\partial V_e}{\partial x} = i_m

    An axon with such a layer is a double cable. ``v`` stays the potential across the membrane;
    ``v_ext`` is that in the layer, relative to the outside. Compartments without a layer border on
    the outside.

    A recording samples ``v_ext`` at the moment that the implicit step is about: half a step before
    that of ``v`` in a Crank-Nicolson run.

    Attributes
    ----------
    R_axial : Quantity
        Resistance along the layer, per length.
    g, C : Quantity
        Conductance and capacitance of its wall, per area of the membrane below.

    References
    ----------
    Blight (1985), Neuroscience 15:13; McIntyre, Richardson and Grill (2002), J Neurophysiol 87:995.

    Examples
    --------
    >>> from brian2 import um
    >>> sheath = Extracellular.myelin(120, 6.9 * um, 10 * um, space=0.004 * um)
    >>> round(float(sheath.C) / 0.01 * 1e6, 1), "nF/cm2"
    (603.9, 'nF/cm2')
    """

    R_axial: Quantity = quantity(1e14 * ohm / meter, "resistance along it", above=0 * ohm / meter)
    g: Quantity = quantity(0.01 * mS / cm**2, "conductance of its wall", at_least=0 * mS / cm**2)
    C: Quantity = quantity(0 * uF / cm**2, "capacitance of its wall", at_least=0 * uF / cm**2)

    @classmethod
    def myelin(
        cls,
        lamellae: float,
        diameter: Quantity,
        fibre_diameter: Quantity,
        *,
        space: Quantity,
        resistivity: Quantity = 70 * ohm * cm,
        g_membrane: Quantity = 1 * mS / cm**2,
        C_membrane: Quantity = 0.1 * uF / cm**2,
    ) -> Self:
        """Return the layer under a sheath of lamellae, each two membranes in series.

        Parameters
        ----------
        lamellae : float
            How many.
        diameter : Quantity
            Of the axon.
        fibre_diameter : Quantity
            Over the sheath, whose area the conductances of the membranes refer to.
        space : Quantity
            Width of the space between axon and sheath.
        resistivity : Quantity
            Of the fluid in it.
        g_membrane, C_membrane : Quantity
            Of each membrane of a lamella.
        """
        if not isinstance(lamellae, (int, float, np.number)) or not lamellae > 0:
            raise ParameterError(f"Extracellular: lamellae must be above 0; got {lamellae!r}")
        thick = check_quantity(fibre_diameter, 10 * um, "myelin: fibre_diameter", above=0 * um)
        thin = check_quantity(diameter, 7 * um, "myelin: diameter", above=0 * um)
        share = float(thick) / float(thin) / (2 * lamellae)
        along = cls._along(thin, space, resistivity)
        return cls(R_axial=along, g=g_membrane * share, C=C_membrane * share)

    @classmethod
    def open(
        cls, diameter: Quantity, *, space: Quantity, resistivity: Quantity = 70 * ohm * cm
    ) -> Self:
        """Return a layer that is open to the outside all along, as at a node of Ranvier."""
        return cls(R_axial=cls._along(diameter, space, resistivity), g=_OPEN)

    @staticmethod
    def _along(diameter: Quantity, space: Quantity, resistivity: Quantity) -> Quantity:
        """Return the resistance per length of a tube of fluid around an axon."""
        inner = float(check_quantity(diameter, 7 * um, "Extracellular: diameter", above=0 * um)) / 2
        wide = float(check_quantity(space, 0.004 * um, "Extracellular: space", above=0 * um))
        rho = check_quantity(
            resistivity, 70 * ohm * cm, "Extracellular: resistivity", above=0 * ohm * cm
        )
        # The difference of the squares without cancellation.
        return float(rho) / (np.pi * wide * (2 * inner + wide)) * ohm / meter
