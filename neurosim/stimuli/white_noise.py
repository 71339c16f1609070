"""White noise current.

It draws one normal deviate a step from a counter-based generator (`neurosim.randomness`), a pure
function of the row's seed and the step number. That is why a row gives the same spikes alone, in a
batch and in any number of processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

from brian2.units import Quantity, ms, mV, pA

from neurosim.quantities import check_quantity, quantity
from neurosim.stimuli.base import Drive, Stimulus

__all__ = ["Membrane", "WhiteNoise"]


class Membrane(Protocol):
    """What a passive membrane is to a current: its input resistance and its time constant."""

    @property
    def R_m(self) -> Quantity: ...

    @property
    def tau_m(self) -> Quantity: ...


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
    label = "white_noise"
    noisy = True

    @classmethod
    def for_membrane(cls, sd: Quantity, neuron: Membrane) -> Self:
        """Return the noise that makes a passive membrane fluctuate with standard deviation `sd`.

        Parameters
        ----------
        sd : Quantity
            Standard deviation of the free membrane potential, in volt.
        neuron : LIF
            What has an input resistance ``R_m`` and a time constant ``tau_m``.
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
            white=f"{prefix}intensity",
        )
