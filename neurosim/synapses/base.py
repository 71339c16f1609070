"""What a receptor is: states that events lift, and the current they open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, amp

from neurosim.channels.base import Mechanism
from neurosim.equations.evaluate import identifiers, known_words, parse
from neurosim.errors import UnknownNameError, suggest
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
    on_event : dict of str to str
        What an event adds to which state; the expression may use ``weight``, the number of quanta
        (or of synapses) that act.
    transmitter : str
        What opens it.
    lumps : bool
        Whether receptors of this kind on one compartment may share their states.
    """

    current: ClassVar[str]
    transmitter: ClassVar[str] = ""
    lumps: ClassVar[bool] = True
    temperature_ref: ClassVar[float] = 35.0

    @classmethod
    def _codes(cls) -> list[str]:
        return [cls.current, *(code.replace("weight", "1") for code in cls.on_event.values())]

    def expressions(self) -> dict[str, tuple[str, Quantity]]:
        return {"current": (self.current, amp)}

    def arrivals(self, events: Events) -> Events:
        """Return the events that the states of the part take, given the releases."""
        return events

    def _verify(self) -> None:
        super()._verify()
        label = type(self).__name__
        states = parse(self.equations).diff_eq_names
        known = {*self.quantity_fields(), *self.constants(), "weight"}
        for state, code in self.on_event.items():
            if state not in states:
                raise UnknownNameError(
                    f"{label}: on_event names the state {state!r}: {suggest(state, states)}"
                )
            for name in sorted(identifiers(code) - known - known_words()):
                raise UnknownNameError(
                    f"{label}: on_event uses {name!r}, which is no field: {suggest(name, known)}"
                )
