"""Current steps: one, or several that may overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, ms, pA

from neurosim.errors import ParameterError
from neurosim.quantities import quantity
from neurosim.stimuli.base import Drive, Stimulus

__all__ = ["Steps"]


@dataclass(frozen=True, eq=False, repr=False)
class Steps(Stimulus):
    """Rectangular steps of current, each with its amplitude, onset and duration.

    Amplitude, onset and duration are single values, or lists of one length for several steps.

    Raises
    ------
    ParameterError
        The lists differ in length, or a duration is not positive.

    Examples
    --------
    >>> from brian2 import ms, pA
    >>> Steps(amplitude=[50, 200] * pA, onset=[0, 100] * ms, duration=[100, 50] * ms).count
    2
    """

    amplitude: Quantity = quantity(0 * pA, "current of each step", many=1)
    onset: Quantity = quantity(0 * ms, "start of each step", at_least=0 * ms, many=1)
    duration: Quantity = quantity(1000 * ms, "length of each step", above=0 * ms, many=1)
    label = "steps"

    def check(self) -> None:
        sizes = {name: np.size(getattr(self, name)) for name in ("amplitude", "onset", "duration")}
        if len(set(sizes.values())) > 1:
            said = ", ".join(f"{size} for {name}" for name, size in sizes.items())
            raise ParameterError(f"Steps: give as many values for each of its lists; got {said}")

    @property
    def count(self) -> int:
        """Number of steps."""
        return int(np.size(self.amplitude))

    def drive(self, prefix: str, stream: int) -> Drive:
        units: dict[str, str] = {}
        terms = []
        for k in range(self.count):
            end = f"_{k}" if self.count > 1 else ""
            amplitude, onset, duration = (
                f"{prefix}{name}{end}" for name in ("amplitude", "onset", "duration")
            )
            units |= {amplitude: "amp", onset: "second", duration: "second"}
            # Compared in whole steps: t itself carries rounding errors.
            terms.append(
                f"{amplitude}*int(t_in_timesteps >= timestep({onset}, dt))"
                f"*int(t_in_timesteps < timestep({onset} + {duration}, dt))"
            )
        return Drive(" + ".join(terms), units)
