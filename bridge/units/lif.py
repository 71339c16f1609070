"""The rate of the leaky integrate-and-fire neuron, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from bridge.counts.outline import Outline, grid
from bridge.plain_numbers import strip_unit
from bridge.units.base import Unit
from bridge.units.rate_function import Array, Parameter, Slopes
from neurosim.errors import ParameterError

__all__ = ["LIFRate", "membrane_currents"]

MEMBRANE = (
    Parameter("rheobase_pA", "largest silent current without noise", -1e6, 1e6, False, "pA"),
    Parameter("span_pA", "reset to threshold, over the resistance", 1e-2, 1e6, True, "pA"),
    Parameter("tau_s", "membrane time constant", 1e-5, 1e2, True, "s", -1),
    Parameter("refractory_s", "dead time after a spike", 0.0, 0.5, False, "s", -1),
)


@dataclass(frozen=True)
class LIFRate(Unit):
    """r(I) = 1 / (refractory + tau ln(1 + span / (I - rheobase))) above rheobase, else 0.

    The exact rate of tau dV/dt = E_L - V + R I with threshold and reset (Lapicque 1907; Stein
    1965, Biophys. J. 5:173; Tuckwell 1988, Introduction to Theoretical Neurobiology, 3.24), where
    rheobase = (V_th - E_L) / R and span = (V_th - V_reset) / R. With reset at rest, span equals
    rheobase and the formula is the textbook's.

    Attributes
    ----------
    rheobase_pA : float
        Largest silent current (pA).
    span_pA : float
        Current whose steady depolarisation is that from reset to threshold (pA).
    tau_s : float
        Membrane time constant (s).
    refractory_s : float
        Dead time after each spike (s); its inverse is the highest rate.

    Examples
    --------
    >>> unit = LIFRate.from_membrane()          # -70 / -55 / -70 mV, 100 Mohm, 20 ms, 2 ms
    >>> unit.rheobase_pA
    150.0
    >>> round(float(unit.rate(300)), 3)
    63.04
    """

    rheobase_pA: float
    span_pA: float
    tau_s: float
    refractory_s: float = 0.0

    name: ClassVar[str] = "lif"
    parameters: ClassVar[tuple[Parameter, ...]] = MEMBRANE
    location: ClassVar[str] = "rheobase_pA"
    sharp: ClassVar[bool] = True

    @classmethod
    def from_membrane(
        cls,
        resistance_Mohm: Any = 100.0,
        tau_s: Any = 0.02,
        rest_mV: Any = -70.0,
        threshold_mV: Any = -55.0,
        reset_mV: Any = -70.0,
        refractory_s: Any = 0.002,
    ) -> Self:
        """The unit of a neuron described by its membrane.

        Parameters
        ----------
        resistance_Mohm : float or Quantity
            Input resistance (Mohm).
        tau_s : float or Quantity
            Membrane time constant (s).
        rest_mV, threshold_mV, reset_mV : float or Quantity
            Voltages (mV).
        refractory_s : float or Quantity
            Dead time after a spike (s).

        Returns
        -------
        LIFRate

        Raises
        ------
        ParameterError
            Threshold not above reset, or resistance not positive.
        """
        rheobase, span, _ = membrane_currents(resistance_Mohm, rest_mV, threshold_mV, reset_mV)
        return cls(rheobase, span, tau_s, refractory_s)

    @staticmethod
    def equation(current: Array, rheobase: Array, span: Array, tau: Array, dead: Array) -> Any:
        above = np.maximum(current - rheobase, 0)
        with np.errstate(divide="ignore", over="ignore"):
            return 1 / (dead + tau * np.log1p(span / above))

    @staticmethod
    def slopes(current: Array, rheobase: Array, span: Array, tau: Array, dead: Array) -> Slopes:
        above = current - rheobase
        fires = above > 0
        # Nearer to rheobase than this the rate is zero for every purpose, its slope is not.
        above = np.where(fires, np.maximum(above, 1e-12 * span), span)
        wait = np.log1p(span / above)
        rate = np.where(fires, 1 / (dead + tau * wait), 0)
        square = rate**2
        steep = square * tau / (above + span)
        return rate, [-steep * span / above, -steep, -square * wait, -square]

    @classmethod
    def starts(cls, outline: Outline) -> Array:
        spans = outline.span * np.array([0.03, 0.3, 2.0])
        return grid(outline.onset(), spans, [0.02], [0.0, 0.002, 0.02])

    def _invert(self, rate: Array) -> Array:
        wait = (1 / np.where(rate > 0, rate, 1.0) - self.refractory_s) / self.tau_s
        return self.rheobase_pA + np.where(rate > 0, self.span_pA / np.expm1(wait), 0.0)


def membrane_currents(
    resistance_Mohm: Any, rest_mV: Any, threshold_mV: Any, reset_mV: Any
) -> tuple[float, float, float]:
    """Rheobase and span of a membrane (pA), and its resistance (Mohm).

    Raises
    ------
    ParameterError
        Threshold not above reset, or resistance not positive.

    Examples
    --------
    >>> membrane_currents(100.0, -70.0, -55.0, -65.0)
    (150.0, 100.0, 100.0)
    """
    resistance = float(strip_unit(resistance_Mohm, "Mohm", "resistance_Mohm"))
    rest = float(strip_unit(rest_mV, "mV", "rest_mV"))
    threshold = float(strip_unit(threshold_mV, "mV", "threshold_mV"))
    reset = float(strip_unit(reset_mV, "mV", "reset_mV"))
    if not resistance > 0:
        raise ParameterError(f"resistance_Mohm = {resistance:g} must be positive")
    if not threshold > reset:
        raise ParameterError(
            f"threshold_mV = {threshold:g} must lie above reset_mV = {reset:g}, "
            "or a spike would trigger the next"
        )
    # mV / Mohm = nA
    return (
        (threshold - rest) / resistance * 1e3,
        (threshold - reset) / resistance * 1e3,
        resistance,
    )
