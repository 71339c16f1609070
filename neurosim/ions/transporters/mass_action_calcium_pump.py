"""Calcium pump of the mitral cell by mass action: Ca + P <-> PCa."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, meter, mole, ms
from brian2.units.stdunits import mM

from neurosim.ions.transporter import Transporter
from neurosim.quantities import quantity

__all__ = ["MassActionCalciumPump"]


@dataclass(frozen=True, eq=False, repr=False)
class MassActionCalciumPump(Transporter):
    r"""Pump that binds calcium inside and releases it outside, both reversibly, without current.

    .. math:: Ca_i + P \underset{k_2}{\overset{k_1}{\rightleftharpoons}} PCa
              \underset{k_4}{\overset{k_3}{\rightleftharpoons}} P + Ca_o, \qquad
              J = N\,\frac{k_1 k_3 [Ca]_i - k_2 k_4 [Ca]_o}
                          {k_1 [Ca]_i + k_4 [Ca]_o + k_2 + k_3}

    The bound form follows within a millisecond, and its steady state is used. The pump stands still
    at ``ca_rest`` inside and ``ca_outside`` outside, which sets k2 and k4 (equal, in numbers of
    1/ms and of 1/(mM ms)):

    .. math:: k_2 = k_3 \sqrt{\frac{[Ca]_{rest}}{[Ca]_{outside}}}, \qquad
              k_4 = k_1 \sqrt{\frac{[Ca]_{rest}}{[Ca]_{outside}}}

    Ions that nobody follows carry the charge back.

    References
    ----------
    Zylbertal, Kahan, Ben-Shaul, Yarom and Wagner (2015), PLoS Biol 13:e1002319. Zylbertal, Yarom
    and Wagner (2017), Front Comput Neurosci 11:85 (the same in a pyramidal cell).

    Examples
    --------
    >>> from brian2 import mV
    >>> pump = MassActionCalciumPump()
    >>> rates = [pump.cycles(-70 * mV, ca_i=k * pump.ca_rest, ca_o=2 * mM) for k in (0.5, 1, 2)]
    >>> [round(float(rate), 9) + 0.0 for rate in rates]
    [-0.000472382, 0.0, 0.000944626]
    """

    N: Quantity = quantity(1e-7 * mole / meter**2, "pumps on an area", at_least=0 * mole / meter**2)
    k1: Quantity = quantity(1 / (mM * ms), "binding inside", above=0 / (mM * ms))
    k3: Quantity = quantity(1 / ms, "release outside", above=0 / ms)
    ca_rest: Quantity = quantity(1e-4 * mM, "calcium inside at which it stands still", above=0 * mM)
    ca_outside: Quantity = quantity(2 * mM, "calcium outside at which it does", above=0 * mM)

    equations = """
    gradient = sqrt(ca_rest/ca_outside) : 1
    binding = k1*ca_i : Hz
    rebinding = k1*gradient*ca_o : Hz
    turns = N*k3*(binding - gradient*rebinding)/(binding + rebinding + k3*gradient + k3) : mole/meter**2/second
    """  # noqa: E501
    rate = "F*turns"
    moves: ClassVar[dict[str, int]] = {"ca": -1}
    other_charge = 2
    reads = ("ca_i", "ca_o")
