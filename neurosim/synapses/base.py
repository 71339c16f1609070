"""What a receptor is: states that events lift, and the current they open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, amp

from neurosim.channels.base import Mechanism
from neurosim.errors import ParameterError
from neurosim.synapses.events import Events

__all__ = ["Receptor"]


@dataclass(frozen=True, eq=False, repr=False)
class Receptor(Mechanism):
    """A conductance placed at a point and opened by transmitter.

    All states start at zero, which is their rest. Where the states are linear and ``lumps`` is
    true, receptors of one kind in a compartment may be summed into one without any error.

    Attributes
    ----------
    current : str
        Current in ampere, inward positive.
    transmitter : str
        What opens it.
    lumps : bool
        Whether receptors of this kind on one compartment may share their states.
    """

    current: ClassVar[str]
    transmitter: ClassVar[str] = ""
    lumps: ClassVar[bool] = True
    temperature_ref: ClassVar[float] = 35.0

    def _verify(self) -> None:
        ion = getattr(self, "ion", None)
        if ion is not None:
            raise ParameterError(
                f"{type(self).__name__}: a placed receptor carries no ion of its own: its current "
                f"would not reach the pool of {ion!r}. Leave `ion` out, or paint a Channel with "
                f"ion = {ion!r} beside it"
            )
        super()._verify()

    def expressions(self) -> dict[str, tuple[str, Quantity]]:
        return {"current": (self.current, amp)}

    def arrivals(self, events: Events) -> Events:
        """Return the events that the states of the part take, given the releases."""
        return events
