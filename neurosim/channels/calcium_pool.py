"""Calcium under the membrane: filled by the calcium current, emptied by pumps and buffers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, amp, meter, ms, um
from brian2.units.constants import faraday_constant
from brian2.units.stdunits import mM

from neurosim.channels.base import IonPool
from neurosim.quantities import check_quantity, quantity

__all__ = ["CalciumPool"]


@dataclass(frozen=True, eq=False, repr=False)
class CalciumPool(IonPool):
    r"""Free calcium in a thin shell under the membrane.

    .. math:: \frac{d[Ca]_i}{dt} = \gamma \frac{I_{Ca}}{2 F d} - \frac{[Ca]_i - [Ca]_0}{\tau}

    where I_Ca is the summed current density of all calcium channels (inward positive), d the depth
    of the shell and γ the share of calcium that buffers leave free. With a coefficient of
    ``diffusion`` the free calcium also diffuses along the shell, to neighbouring compartments that
    have such a pool.

    References
    ----------
    Destexhe, Mainen and Sejnowski (1994), J Comput Neurosci 1:195. Hay et al. (2011), PLoS Comput
    Biol 7:e1002107.

    Examples
    --------
    >>> CalciumPool().plateau(0.1 * amp / meter**2).in_unit(mM, precision=4)
    '0.0208 mM'
    """

    rest: Quantity = quantity(1e-4 * mM, "concentration at rest", at_least=0 * mM)
    depth: Quantity = quantity(0.1 * um, "depth of the shell", above=0 * um)
    tau: Quantity = quantity(80 * ms, "time constant of removal", above=0 * ms)
    free: Quantity = quantity(0.05, "share of calcium not bound by buffers", above=0, at_most=1)
    diffusion: Quantity = quantity(
        0 * um**2 / ms, "diffusion coefficient along the cell; 0: none", at_least=0 * um**2 / ms
    )

    equations = "dca_i/dt = free*i_ca/(2*F*depth) - (ca_i - rest)/tau : mM"
    ion = "ca"
    writes = "ca_i"
    reads = ("i_ca",)

    def parameters(self) -> dict[str, Quantity]:
        return {**super().parameters(), "diffusion": self.diffusion}

    def plateau(self, density: Quantity) -> Quantity:
        """Return the concentration that a constant calcium current leads to."""
        density = check_quantity(density, amp / meter**2, "CalciumPool: density", many=2)
        rise = self.free * density * self.tau / (2 * faraday_constant * self.depth)
        return Quantity(np.asarray(self.rest + rise), dim=mM.dim)
