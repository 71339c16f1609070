"""Potassium-chloride cotransporter KCC2, which keeps chloride low in mature neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, amp, meter

from neurosim.ions.transporter import Transporter
from neurosim.quantities import quantity

__all__ = ["KCC2"]


@dataclass(frozen=True, eq=False, repr=False)
class KCC2(Transporter):
    r"""One potassium and one chloride ion together, down their common gradient.

    .. math:: r = U \ln\frac{[K]_o [Cl]_o}{[K]_i [Cl]_i}, \qquad I_K = r, \quad I_{Cl} = -r,
              \quad I = 0

    It stands still where :math:`E_{Cl} = E_K`.

    References
    ----------
    Payne (1997), Am J Physiol 273:C1516. Wei, Ullah and Schiff (2014), J Neurosci 34:11733 (form;
    0.3 mM/s in their cell of 7 µm radius).
    """

    U: Quantity = quantity(
        0.0675 * amp / meter**2, "strength, as the current of one ion", at_least=0 * amp / meter**2
    )

    rate = "U*log(k_o*cl_o/(k_i*cl_i))"
    moves: ClassVar[dict[str, int]] = {"k": 1, "cl": 1}
    reads = ("k_i", "k_o", "cl_i", "cl_o")
