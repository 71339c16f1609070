"""Synaptic conductances that rise and fall exponentially: what most receptors are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from brian2.units import Quantity, ms, mV, nS

from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity, quantity
from neurosim.synapses.base import Receptor

__all__ = ["DoubleExponential", "Exponential"]


@dataclass(frozen=True, eq=False, repr=False)
class Exponential(Receptor):
    r"""Conductance that jumps at an event and decays exponentially.

    .. math:: I = g\, s\,(E - V), \qquad \dot s = -s/\tau, \qquad s \leftarrow s + weight
    """

    g: Quantity = quantity(0.5 * nS, "peak conductance of one quantum", at_least=0 * nS)
    E: Quantity = quantity(0 * mV, "reversal potential")
    tau: Quantity = quantity(2 * ms, "decay time constant", above=0 * ms)
    q10: Quantity = quantity(1.0, "factor on the rates for 10 °C", above=0)

    equations = "ds/dt = -phi*s/tau : 1"
    current = "g*s*(E - v)"
    on_event: ClassVar[dict[str, str]] = {"s": "weight"}


@dataclass(frozen=True, eq=False, repr=False)
class DoubleExponential(Receptor):
    r"""Conductance with a rise and a decay time constant, of peak ``g`` for one quantum.

    .. math:: I = g\,(B - A)\,(E - V), \quad \dot A = -A/\tau_r, \quad \dot B = -B/\tau_d, \quad
              A, B \leftarrow A, B + n\, weight

    where n = 1/(e^{-t_p/\tau_d} - e^{-t_p/\tau_r}) makes the peak, at
    t_p = \tau_r \tau_d / (\tau_d - \tau_r) \ln(\tau_d / \tau_r), equal to one. A q10 other than 1
    counts from 35 °C.

    Examples
    --------
    >>> DoubleExponential(tau_rise=0.5 * ms, tau_decay=2 * ms).peak_time
    0.92419624 * msecond
    """

    g: Quantity = quantity(0.5 * nS, "peak conductance of one quantum", at_least=0 * nS)
    E: Quantity = quantity(0 * mV, "reversal potential")
    tau_rise: Quantity = quantity(0.5 * ms, "time constant of the rise", above=0 * ms)
    tau_decay: Quantity = quantity(2 * ms, "time constant of the decay", above=0 * ms)
    q10: Quantity = quantity(1.0, "factor on the rates for 10 °C", above=0)

    equations = """
    dA/dt = -phi*A/tau_rise : 1
    dB/dt = -phi*B/tau_decay : 1
    """
    current = "g*(B - A)*(E - v)"
    on_event: ClassVar[dict[str, str]] = {"A": "norm*weight", "B": "norm*weight"}

    def check(self) -> None:
        # The difference of two nearly equal exponentials loses its digits.
        if self.tau_rise > 0.9999 * self.tau_decay:
            raise ParameterError(
                f"{type(self).__name__}: tau_rise ({self.tau_rise}) must lie below tau_decay "
                f"({self.tau_decay}); for an alpha function take tau_rise = 0.999*tau_decay"
            )

    def constants(self, temperature_celsius: float | None = None) -> dict[str, Quantity | float]:
        return {**super().constants(temperature_celsius), "norm": self.normalisation}

    @property
    def peak_time(self) -> Quantity:
        """Time from the event to the peak of the conductance (at q10 = 1)."""
        rise, decay = self.tau_rise, self.tau_decay
        return rise * decay / (decay - rise) * float(np.log(decay / rise))

    @property
    def normalisation(self) -> float:
        """Factor that makes the peak of (B - A) one."""
        t = self.peak_time
        return 1 / float(np.exp(-t / self.tau_decay) - np.exp(-t / self.tau_rise))

    @property
    def area(self) -> Quantity:
        """Time integral of the conductance of one quantum, divided by its peak."""
        return self.normalisation * (self.tau_decay - self.tau_rise)

    def open_fraction(self, t: Quantity) -> np.ndarray:
        """Return the conductance of one quantum at a time after its event, as a share of g."""
        t = check_quantity(t, 1 * ms, f"{type(self).__name__}: t", many=2)
        late = np.clip(np.asarray(t, dtype=float), 0, None)
        rise, decay = float(self.tau_rise), float(self.tau_decay)
        return np.asarray(self.normalisation * (np.exp(-late / decay) - np.exp(-late / rise)))
