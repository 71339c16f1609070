"""The muscle fibre: its cable and its channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, cm, mm, mV, ohm, uF, um

from neurosim.channels import Channel, Leak, MusclePotassium, MuscleSodium
from neurosim.quantities import Description, quantity

__all__ = ["MuscleFibre"]


@dataclass(frozen=True, eq=False, repr=False)
class MuscleFibre(Description):
    r"""A skeletal muscle fibre as a cable, sealed at both ends.

    .. math:: \lambda = \sqrt{\frac{R_m d}{4 R_a}}, \quad \tau = R_m C_m, \quad
              R_{in} = \frac{2 R_a \lambda}{\pi d^2} \;\text{(in the middle of a long fibre)}

    The capacitance counts the tubules too. `membrane` gives the channels to paint for an action
    potential.

    References
    ----------
    Fatt and Katz (1951), J Physiol 115:320 (cable of the frog's fibre).

    Examples
    --------
    >>> MuscleFibre().length_constant, MuscleFibre().time_constant
    (2. * mmetre, 20. * msecond)
    """

    diameter: Quantity = quantity(50 * um, "diameter", above=0 * um)
    length: Quantity = quantity(20 * mm, "length", above=0 * mm)
    R_m: Quantity = quantity(4000 * ohm * cm**2, "membrane resistance", above=0 * ohm * cm**2)
    C_m: Quantity = quantity(5 * uF / cm**2, "capacitance", above=0 * uF / cm**2)
    R_a: Quantity = quantity(125 * ohm * cm, "axial resistivity", above=0 * ohm * cm)
    E_rest: Quantity = quantity(-90 * mV, "resting potential")

    @property
    def length_constant(self) -> Quantity:
        """Distance over which a steady potential falls e-fold."""
        return np.sqrt(self.R_m * self.diameter / (4 * self.R_a))

    @property
    def time_constant(self) -> Quantity:
        """Membrane time constant."""
        return self.R_m * self.C_m

    @property
    def input_resistance(self) -> Quantity:
        """Resistance seen from the middle of an endless fibre."""
        return 2 * self.R_a * self.length_constant / (np.pi * self.diameter**2)

    def membrane(self) -> tuple[Channel, ...]:
        """Return the channels to paint on the whole fibre for it to fire.

        The leak is that of the passive fibre. `EndPlate.neuron` paints them.
        """
        return (
            MuscleSodium(),
            MusclePotassium(E=self.E_rest),
            Leak(g=1 / self.R_m, E=self.E_rest),
        )
