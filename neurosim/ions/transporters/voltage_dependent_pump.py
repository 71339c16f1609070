"""Sodium-potassium pump of the Purkinje cell, whose speed depends on the membrane potential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, amp, meter, mV
from brian2.units.stdunits import mM

from neurosim.errors import ParameterError
from neurosim.ions.transporter import Transporter
from neurosim.quantities import quantity

__all__ = ["VoltageDependentPump"]


@dataclass(frozen=True, eq=False, repr=False)
class VoltageDependentPump(Transporter):
    r"""Pump that slows down with hyperpolarisation and stands still at ``V_reversal``.

    .. math:: r = I_{max}\,\frac{V - V_{rev}}{V - V_{pole}}\,
                  \frac{1}{1 + e^{([Na]_{1/2} - [Na]_i)/s}}, \qquad I_{Na} = -3r, \quad I_K = 2r

    The equation holds above ``V_reversal``. Between ``V_pole`` and ``V_reversal`` it lets the pump
    run backwards, and at ``V_pole`` it has no value; `domain` returns where it holds. A run whose
    potential falls to ``V_pole`` ends with an error that says where and when.

    References
    ----------
    Forrest, Wall, Press and Feng (2012), PLoS ONE 7:e51169 (Purkinje cell). Forrest (2015), BMC
    Neurosci 16:27 (two compartments; the values here are those of its soma).
    """

    I_max: Quantity = quantity(
        10 * amp / meter**2, "net current at saturation", at_least=0 * amp / meter**2
    )
    na_half: Quantity = quantity(40 * mM, "sodium inside at half speed", at_least=0 * mM)
    na_slope: Quantity = quantity(1 * mM, "sodium over which the speed rises e-fold", above=0 * mM)
    V_reversal: Quantity = quantity(-75 * mV, "potential at which the pump stands still")
    V_pole: Quantity = quantity(-80 * mV, "potential at which the equation has no value")

    rate = "I_max*(v - V_reversal)/(v - V_pole)/(1 + exp((na_half - na_i)/na_slope))"
    moves: ClassVar[dict[str, int]] = {"na": -3, "k": 2}
    reads = ("na_i",)
    above = "V_pole"

    def check(self) -> None:
        super().check()
        if not self.V_pole < self.V_reversal:
            raise ParameterError(
                f"VoltageDependentPump: V_pole ({self.V_pole}) must lie below V_reversal "
                f"({self.V_reversal}), so that the pump slows down with hyperpolarisation"
            )

    def domain(self) -> tuple[Quantity, Quantity]:
        """Return the potentials between which the equation describes a pump: from, to."""
        return self.V_reversal, Quantity(float("inf"), dim=self.V_reversal.dim)
