"""The rate of the leaky integrate-and-fire neuron in white noise (Siegert)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import erfc, erfcx

from bridge.counts.outline import Outline, grid
from bridge.plain_numbers import strip_unit
from bridge.units.base import Unit
from bridge.units.lif import MEMBRANE, membrane_currents
from bridge.units.rate_function import Array, Parameter, Slopes
from bridge.units.siegert import scaled_passage
from neurosim.errors import ParameterError
from neurosim.randomness import BARRIER_SHIFT

__all__ = ["NoisyLIF"]

ROOT_2 = np.sqrt(2)
ROOT_PI = np.sqrt(np.pi)


@dataclass(frozen=True)
class NoisyLIF(Unit):
    """1 / r(I) = refractory + tau sqrt(pi) int_a^b exp(u^2) (1 + erf u) du.

    Here b = (rheobase - I) / (sqrt(2) noise) and a = b - span / (sqrt(2) noise): the mean rate of
    tau dV = (E_L + R I - V) dt + sigma sqrt(2 tau) dW with threshold and reset (Siegert 1951,
    Phys. Rev. 81:617; Ricciardi 1977; Amit and Tsodyks 1991, Network 2:259). sigma is the standard
    deviation of the voltage when nothing stops it, and ``noise = sigma / R`` the same as a current.

    Where the equation is integrated in steps dt, threshold crossings between steps are missed;
    that acts as a threshold raised by 0.5826 sigma sqrt(2 dt / tau) (Chernoff 1965; Broadie,
    Glasserman and Kou 1997), which `dt_s` puts into the formula.

    Attributes
    ----------
    rheobase_pA, span_pA, tau_s, refractory_s : float
        As in `LIFRate`.
    noise_pA : float
        Standard deviation of the free membrane voltage, divided by the resistance (pA).
    dt_s : float
        Time step of the simulation that is to be matched (s); 0 for continuous time. Not fitted.

    Examples
    --------
    >>> unit = NoisyLIF.from_membrane(sigma_mV=5.0)
    >>> round(float(unit.rate(150)), 3)        # mean voltage at threshold
    26.563
    >>> bool(unit.rate(-1000) < 1e-100)        # deep below threshold: tiny, no overflow
    True
    """

    rheobase_pA: float
    span_pA: float
    tau_s: float
    refractory_s: float
    noise_pA: float
    dt_s: float = 0.0

    name: ClassVar[str] = "noisy-lif"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        *MEMBRANE,
        Parameter("noise_pA", "sd of the free voltage over the resistance", 1e-3, 1e5, True, "pA"),
    )
    location: ClassVar[str] = "rheobase_pA"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self._number("dt_s", "s") < 0:
            raise ParameterError(f"NoisyLIF: dt_s = {self.dt_s:g} must not be negative")

    @classmethod
    def from_membrane(
        cls,
        resistance_Mohm: Any = 100.0,
        tau_s: Any = 0.02,
        rest_mV: Any = -70.0,
        threshold_mV: Any = -55.0,
        reset_mV: Any = -70.0,
        refractory_s: Any = 0.002,
        sigma_mV: Any = 5.0,
        dt_s: Any = 0.0,
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
        sigma_mV : float or Quantity
            Standard deviation of the free membrane voltage (mV).
        dt_s : float or Quantity
            Time step of the simulation to be matched (s).

        Returns
        -------
        NoisyLIF

        Raises
        ------
        ParameterError
            Threshold not above reset, or resistance not positive.
        """
        rheobase, span, resistance = membrane_currents(
            resistance_Mohm, rest_mV, threshold_mV, reset_mV
        )
        noise = float(strip_unit(sigma_mV, "mV", "sigma_mV")) / resistance * 1e3
        return cls(rheobase, span, tau_s, refractory_s, noise, dt_s)

    @staticmethod
    def equation(current: Array, *theta: Array, dt_s: float = 0.0) -> Any:
        rheobase, span, tau, dead, noise = theta
        shift = BARRIER_SHIFT * noise * np.sqrt(2 * dt_s / tau)
        b = (rheobase + shift - current) / (ROOT_2 * noise)
        a = (rheobase - span - current) / (ROOT_2 * noise)
        passage, shrink = scaled_passage(a, b)
        return shrink / (shrink * dead + tau * ROOT_PI * passage)

    @staticmethod
    def slopes(current: Array, *theta: Array, dt_s: float = 0.0) -> Slopes:
        rheobase, span, tau, dead, noise = theta
        lift = BARRIER_SHIFT * np.sqrt(2 * dt_s / tau)
        scale = ROOT_2 * noise
        b = (rheobase - current) / scale + lift / ROOT_2
        a = (rheobase - span - current) / scale
        passage, shrink = scaled_passage(a, b)
        wait = shrink * dead + tau * ROOT_PI * passage
        rate = shrink / wait
        # d rate = -rate^2 d(1/rate), and rate^2 e^(b^2) = rate / wait stays finite.
        pull = rate / wait
        steep = -tau * ROOT_PI * pull
        # The integrand erfcx(-u) at both ends, divided by exp(max(b, 0)^2) without overflow.
        below = b <= 0
        at_b = np.where(below, erfcx(np.where(below, -b, 0)), erfc(-np.maximum(b, 0)))
        at_a = shrink * erfcx(np.maximum(-a, 0))
        if np.any(a > 0):
            rising = np.exp(np.minimum(a**2 - b**2, 0)) * erfc(-np.maximum(a, 0))
            at_a = np.where(a > 0, rising, at_a)
        d_rheobase = steep * (at_b - at_a) / scale
        d_span = steep * at_a / scale
        d_tau = -ROOT_PI * pull * (passage - 0.5 * lift / ROOT_2 * at_b)
        d_dead = -pull * shrink
        d_noise = -steep * (at_b * (b - lift / ROOT_2) - at_a * a) / noise
        return rate, [d_rheobase, d_span, d_tau, d_dead, d_noise]

    @classmethod
    def starts(cls, outline: Outline) -> Array:
        onset = outline.middle(0.05)
        rheobases = onset + outline.span * np.array([-0.2, -0.08, 0.0, 0.1, 0.25, 0.5])
        spans = outline.span * np.array([0.1, 0.4, 1.5])
        noises = outline.span * np.array([0.01, 0.05, 0.15, 0.4])
        return grid(rheobases, spans, [0.02], [0.0, 0.004], noises)

    def _invert(self, rate: Array) -> Array:
        # Rising everywhere: bracket by doubling, then halve to the last digit.
        step = self.span_pA + self.noise_pA
        low = np.full(rate.shape, self.rheobase_pA - step)
        high = np.full(rate.shape, self.rheobase_pA + step)
        for _ in range(60):
            too_high, too_low = self.rate(low) > rate, self.rate(high) < rate
            if not (too_high.any() or too_low.any()):
                break
            step *= 2
            low, high = np.where(too_high, low - step, low), np.where(too_low, high + step, high)
        for _ in range(100):
            middle = 0.5 * (low + high)
            below = self.rate(middle) < rate
            low, high = np.where(below, middle, low), np.where(below, high, middle)
            if np.all(high - low <= 1e-13 * (np.abs(middle) + step)):
                break
        return np.asarray(0.5 * (low + high))
