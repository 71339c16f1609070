"""Random currents: white noise and the Ornstein-Uhlenbeck process.

Both draw one normal deviate a step from a counter-based generator (`neurosim.randomness`),
a pure function of the row's seed and the step number. That is why a row gives the same spikes
alone, in a batch and in any number of processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from brian2.units import Quantity, ms, mV, pA

from neurosim.quantities import check_quantity, quantity
from neurosim.stimuli.base import Drive, Stimulus

__all__ = ["Membrane", "OrnsteinUhlenbeck", "WhiteNoise"]


class Membrane(Protocol):
    """A passive membrane, such as that of `neurosim.LIF`."""

    @property
    def R_m(self) -> Quantity:
        """Input resistance."""

    @property
    def tau_m(self) -> Quantity:
        """Time constant."""


@dataclass(frozen=True, eq=False, repr=False)
class WhiteNoise(Stimulus):
    r"""Gaussian white-noise current.

    .. math:: I(t) = S\, \xi(t), \qquad
              \langle \xi(t) \xi(t') \rangle = \delta(t - t')

    with the intensity S in A s^(1/2). Within a step the current is constant,
    :math:`S\, N(0, 1) / \sqrt{dt}`. On a passive membrane it gives a potential of standard
    deviation :math:`R_m S / \sqrt{2 \tau_m}`.

    Examples
    --------
    >>> from brian2 import mV
    >>> from neurosim import LIF
    >>> noise = WhiteNoise.for_membrane(5 * mV, LIF())
    >>> noise.membrane_sd(LIF())
    5. * mvolt
    """

    intensity: Quantity = quantity(
        0 * pA * (1 * ms) ** 0.5, "noise intensity S", at_least=0 * pA * (1 * ms) ** 0.5
    )
    label: ClassVar[str] = "white_noise"
    noisy: ClassVar[bool] = True

    @classmethod
    def for_membrane(cls, sd: Quantity, neuron: Membrane) -> Self:
        """Return the noise that makes a passive membrane fluctuate with standard deviation `sd`.

        Parameters
        ----------
        sd : Quantity
            Standard deviation of the free membrane potential, in volt.
        neuron : Membrane
            Such as `neurosim.LIF`; its input resistance and time constant are used.
        """
        sd = check_quantity(sd, 5 * mV, "WhiteNoise.for_membrane: sd", at_least=0 * mV)
        return cls(intensity=sd * (2 * neuron.tau_m) ** 0.5 / neuron.R_m)

    def membrane_sd(self, neuron: Membrane) -> Quantity:
        """Return the standard deviation of the free membrane potential under this noise."""
        return neuron.R_m * self.intensity / (2 * neuron.tau_m) ** 0.5

    def drive(self, prefix: str, stream: int) -> Drive:
        return Drive(
            f"{prefix}intensity*gaussian(key_low, key_high, {stream}, t_in_timesteps)/sqrt(dt)",
            self._units(prefix, "intensity"),
        )


@dataclass(frozen=True, eq=False, repr=False)
class OrnsteinUhlenbeck(Stimulus):
    r"""Coloured (exponentially correlated) Gaussian current.

    .. math:: \tau \dot I = \mu - I + s \sqrt{2 \tau}\, \xi(t)

    of mean `mean`, stationary standard deviation `sd` and correlation time `tau`, updated exactly
    for any time step (Gillespie 1996, Phys Rev E 54:2084). It starts at its mean.

    Examples
    --------
    >>> from brian2 import ms, pA
    >>> OrnsteinUhlenbeck(mean=150 * pA, sd=50 * pA, tau=3 * ms).sd
    50. * pamp
    """

    mean: Quantity = quantity(0 * pA, "mean current")
    sd: Quantity = quantity(50 * pA, "stationary standard deviation", at_least=0 * pA)
    tau: Quantity = quantity(5 * ms, "correlation time", above=0 * ms)
    label: ClassVar[str] = "ornstein_uhlenbeck"
    noisy: ClassVar[bool] = True

    def drive(self, prefix: str, stream: int) -> Drive:
        state = f"{prefix}deviation"
        normal = f"gaussian(key_low, key_high, {stream}, t_in_timesteps)"
        return Drive(
            f"{prefix}mean + {prefix}sd*{state}",
            self._units(prefix, "mean", "sd", "tau") | {state: "1"},
            updates=(
                f"{state} = {state}*exp(-dt/{prefix}tau)"
                f" + sqrt(1 - exp(-2*dt/{prefix}tau))*{normal}",
            ),
        )
