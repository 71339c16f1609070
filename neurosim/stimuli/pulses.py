"""A regular train of pulses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, ms, pA

from neurosim.errors import ParameterError
from neurosim.quantities import quantity
from neurosim.stimuli.base import TIMES_ARE_DATA, Drive, Stimulus

__all__ = ["Pulses"]


@dataclass(frozen=True, eq=False, repr=False)
class Pulses(Stimulus):
    """A train of rectangular pulses, one a period.

    Pulse k of n (from 0) begins at ``onset + k*period`` and lasts for `width`; both edges fall on
    whole time steps, as those of `Steps` do. A batch can vary every parameter. For pulses at
    irregular times give their onsets to `Steps`.

    Parameters
    ----------
    period : Quantity
        From the start of one pulse to the start of the next.
    width : Quantity
        Length of each pulse, at most a period.
    n : int
        Number of pulses.
    amplitude : Quantity
        Current during a pulse.
    onset : Quantity
        Start of the first pulse.

    Raises
    ------
    ParameterError
        The pulses would overlap, or their number is not whole.

    Examples
    --------
    >>> from brian2 import ms, nA
    >>> from neurosim import LIF, simulate
    >>> train = Pulses(10 * ms, 1 * ms, 5, amplitude=4 * nA)
    >>> int(simulate(LIF(), 100 * ms, stimulus=train).counts()[0])
    5
    """

    period: Quantity = quantity(
        10 * ms, "from one pulse to the next", above=0 * ms, instead_of_course=TIMES_ARE_DATA
    )
    width: Quantity = quantity(
        1 * ms, "length of each pulse", above=0 * ms, instead_of_course=TIMES_ARE_DATA
    )
    n: Quantity = quantity(
        Quantity(10), "number of pulses", at_least=1, instead_of_course=TIMES_ARE_DATA
    )
    amplitude: Quantity = quantity(0 * pA, "current during a pulse")
    onset: Quantity = quantity(
        0 * ms, "start of the first pulse", at_least=0 * ms, instead_of_course=TIMES_ARE_DATA
    )
    label = "pulses"

    def check(self) -> None:
        if float(self.n) % 1:
            raise ParameterError(f"Pulses: n must be a whole number; got {float(self.n):g}")
        if float(self.width) > float(self.period) * (1 + 1e-9):
            raise ParameterError(
                f"Pulses: width ({self.width}) must not be longer than period ({self.period}); "
                "pulses that overlap can be given to Steps by their onsets"
            )

    def check_lengths(self, dt: float, varied: Mapping[str, np.ndarray]) -> None:
        self._check_length("width", dt, varied)

    def drive(self, prefix: str, stream: int) -> Drive:
        def of(pulse: str) -> str:
            return f"{prefix}onset + ({pulse})*{prefix}period"

        # The last pulse that has begun, by the rule by which `timestep` counts.
        late = f"((t_in_timesteps + 0.999)*dt - {prefix}onset)/{prefix}period"
        pulse = f"clip(ceil({late} - 1e-9) - 1, 0, {prefix}n - 1)"
        return Drive(
            f"{prefix}amplitude*int(t_in_timesteps >= timestep({of(pulse)}, dt))"
            f"*int(t_in_timesteps < timestep({of(pulse)} + {prefix}width, dt))",
            self._units(prefix, "period", "width", "n", "amplitude", "onset"),
        )
