"""What active neurons do to the space outside: release one ion and take another up for it."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, meter, mole, second, um

from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.ions.transporter import VALENCE
from neurosim.quantities import Description, quantity

__all__ = ["NeuronalExchange"]


@dataclass(frozen=True, eq=False, repr=False)
class NeuronalExchange(Description):
    """Neurons that release one ion into the space outside and take up another, one for one.

    Parameters
    ----------
    release, take : str
        The ion released and the one taken up; both of the same valence, so that no charge moves.
    flux : Quantity
        Particles released, on the area of the cell's membrane, while the neurons are active.
    start, stop : Quantity
        Time in which they are active.
    beside : Quantity
        Along how much of the cell they lie, from its beginning.
    uptake : Quantity
        Velocity with which they take the released ion up again, everywhere and at all times, in
        proportion to what it lies above its start.
    """

    release: str = "k"
    take: str = "na"
    flux: Quantity = quantity(
        5.5e-7 * mole / meter**2 / second,
        "particles released",
        at_least=0 * mole / meter**2 / second,
    )
    start: Quantity = quantity(100 * second, "begin of activity", at_least=0 * second)
    stop: Quantity = quantity(400 * second, "end of activity", at_least=0 * second)
    beside: Quantity = quantity(30 * um, "length along which they lie", above=0 * um)
    uptake: Quantity = quantity(
        2.9e-8 * meter / second, "velocity of uptake", at_least=0 * meter / second
    )

    def check(self) -> None:
        for ion in (self.release, self.take):
            if not isinstance(ion, str) or ion not in VALENCE:
                raise UnknownNameError(f"NeuronalExchange: {ion!r}: {suggest(str(ion), VALENCE)}")
        if self.release == self.take or VALENCE[self.release] != VALENCE[self.take]:
            raise ParameterError(
                "NeuronalExchange: release and take must be two ions of the same valence, such as "
                f"'k' and 'na'; got {self.release!r} and {self.take!r}"
            )
        if self.stop < self.start:
            raise ParameterError(
                f"NeuronalExchange: stop ({self.stop}) lies before start ({self.start})"
            )
