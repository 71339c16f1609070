"""A current that rises or falls linearly."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, ms, pA

from neurosim.quantities import quantity
from neurosim.stimuli.base import TIMES_ARE_DATA, Drive, Stimulus

__all__ = ["Ramp"]


@dataclass(frozen=True, eq=False, repr=False)
class Ramp(Stimulus):
    """A linear ramp from `start` to `end`; `start` before its onset, `end` after it is over.

    Examples
    --------
    >>> from brian2 import ms, pA
    >>> Ramp(end=300 * pA, duration=500 * ms).end
    300. * pamp
    """

    start: Quantity = quantity(0 * pA, "current before and at the onset")
    end: Quantity = quantity(100 * pA, "current at the end and after it")
    onset: Quantity = quantity(
        0 * ms, "when the ramp begins", at_least=0 * ms, instead_of_course=TIMES_ARE_DATA
    )
    duration: Quantity = quantity(
        1000 * ms, "how long it takes", above=0 * ms, instead_of_course=TIMES_ARE_DATA
    )
    label = "ramp"

    def drive(self, prefix: str, stream: int) -> Drive:
        fraction = f"clip((t - {prefix}onset)/{prefix}duration, 0, 1)"
        return Drive(
            f"{prefix}start + ({prefix}end - {prefix}start)*{fraction}",
            self._units(prefix, "start", "end", "onset", "duration"),
        )
