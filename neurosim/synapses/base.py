"""What a receptor is: states that events lift, and the current they open."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from brian2.units import Quantity, amp

from neurosim.channels.base import IONS, Mechanism
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
    transmitter : str
        What opens it.
    lumps : bool
        Whether receptors of this kind on one compartment may share their states.
    ion : str or None
        Ion it carries (``"na"``, ``"k"``, ``"ca"``, ``"cl"``) into the pool of the membrane it sits
        on; the current acts within the same step.
    reads : tuple of str
        Concentrations that the equations use, such as ``cl_i`` or ``k_o``. An ion painted under the
        receptor holds each of them.
    ion_current : str
        Current that the ion carries, in ampere, where that is not the whole ``current``: some 10 %
        of that of NMDA receptors is calcium (Burnashev et al. 1995, J Physiol 485:403).
    reversal : {"follow", "fixed"}
        If ``"follow"``, the receptor carries its ion alone (no ``ion_current``), and something
        there holds the concentrations of the ion (`neurosim.ions`), the current uses their Nernst
        potential ``E_<ion>`` in place of the field ``E``. ``"fixed"`` keeps the field.
    """

    _: KW_ONLY
    reversal: str = "follow"

    current: ClassVar[str]
    transmitter: ClassVar[str] = ""
    lumps: ClassVar[bool] = True
    ion: ClassVar[str | None] = None
    ion_current: ClassVar[str] = ""
    temperature_ref: ClassVar[float] = 35.0

    def expressions(self) -> dict[str, tuple[str, Quantity]]:
        carried = {} if self.ion is None else {"ion_current": (self.ion_current, amp)}
        return {"current": (self.current, amp)} | {k: v for k, v in carried.items() if v[0]}

    def _verify(self) -> None:
        if self.ion is not None and self.ion not in IONS:
            raise UnknownNameError(
                f"{type(self).__name__}: ion {self.ion!r}: {suggest(str(self.ion), IONS)}"
            )
        super()._verify()

    def check(self) -> None:
        if self.reversal not in ("follow", "fixed"):
            raise UnknownNameError(
                f"{type(self).__name__}: reversal {self.reversal!r}: "
                f"{suggest(str(self.reversal), ('follow', 'fixed'))}"
            )

    @property
    def followed(self) -> dict[str, str]:
        """What takes the place of which field where the ion's concentrations are held."""
        alone = self.ion is not None and not self.ion_current and "E" in self.parameters()
        return {"E": f"E_{self.ion}"} if alone and self.reversal == "follow" else {}

    def arrivals(self, events: Events) -> Events:
        """Return the events that the states of the part take, given the releases."""
        return events
