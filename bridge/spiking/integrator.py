"""Neurons whose reset is the point: the perfect integrator, and reset by subtraction.

Converters of networks usually assume a neuron without leak that subtracts the threshold when it
fires. Here it stands on the same footing as every other neuron, in millivolts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, mV, pF

from neurosim import LIF, PointNeuron
from neurosim.errors import ParameterError
from neurosim.quantities import quantity

__all__ = ["Integrator", "ResettingIntegrator", "SubtractingLIF"]


@dataclass(frozen=True, eq=False, repr=False)
class Integrator(PointNeuron):
    r"""Integrate-and-fire neuron without leak, reset by subtraction.

    .. math:: C \dot v = I, \qquad v \ge V_{th} \Rightarrow v \leftarrow v - (V_{th} - E_L)

    What overshoots the threshold is kept, so that after T steps under a constant drive of z
    thresholds a step (0 <= z <= 1) the rate differs from z by less than 1 / T (Rueckauer et al.
    2017, Front Neurosci 11:682).

    Examples
    --------
    >>> from brian2 import ms, pA
    >>> Integrator().current_per_spike(1 * ms)
    3. * namp
    """

    E_L: Quantity = quantity(-70 * mV, "potential at the start, and after a reset from threshold")
    V_th: Quantity = quantity(-55 * mV, "threshold")
    C: Quantity = quantity(200 * pF, "membrane capacitance", above=0 * pF)

    equations: ClassVar[str] = "dv/dt = I_stim/C : volt"
    threshold: ClassVar[str] = "v >= V_th"
    reset: ClassVar[str] = "v -= V_th - E_L"
    method: ClassVar[str] = "euler"
    default_dt_ms: ClassVar[float] = 1.0

    def check(self) -> None:
        if self.V_th <= self.E_L:
            raise ParameterError(
                f"{type(self).__name__}: E_L ({self.E_L}) must lie below V_th ({self.V_th})"
            )

    def current_per_spike(self, dt: Quantity) -> Quantity:
        """Return the current that carries it from reset to threshold in one step."""
        return self.C * (self.V_th - self.E_L) / dt


@dataclass(frozen=True, eq=False, repr=False)
class ResettingIntegrator(Integrator):
    r"""The same neuron, reset to E_L: what overshoots the threshold is lost.

    Under z thresholds a step it fires every :math:`\lceil 1/z \rceil` steps, whatever the time: a
    bias that waiting does not remove.
    """

    reset: ClassVar[str] = "v = E_L"


@dataclass(frozen=True, eq=False, repr=False)
class SubtractingLIF(LIF):
    r"""A `LIF` whose reset subtracts :math:`V_{th} - V_{reset}` instead of setting V_reset."""

    reset: ClassVar[str] = "v -= V_th - V_reset"
