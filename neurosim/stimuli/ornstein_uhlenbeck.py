"""Coloured noise: the Ornstein-Uhlenbeck process.

It draws one normal deviate a step from a counter-based generator (`neurosim.randomness`), a pure
function of the row's seed and the step number. That is why a row gives the same spikes alone, in a
batch and in any number of processes.
"""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, ms, pA

from neurosim.quantities import quantity
from neurosim.stimuli.base import Drive, Stimulus

__all__ = ["OrnsteinUhlenbeck"]


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
    label = "ornstein_uhlenbeck"
    noisy = True

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
