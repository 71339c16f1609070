"""An ion that moves along a cell and beside it: where it starts and how fast it diffuses."""

from __future__ import annotations

from dataclasses import dataclass, field

from brian2.units import Quantity
from brian2.units.stdunits import mM

from neurosim.channels.base import DIFFUSION, SHARED
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.ions.transporter import VALENCE
from neurosim.quantities import Description, quantity

__all__ = ["MovingIon"]


@dataclass(frozen=True, eq=False, repr=False)
class MovingIon(Description):
    """An ion with its concentrations at the start.

    Parameters
    ----------
    ion : str
        ``"na"``, ``"k"``, ``"ca"`` or ``"cl"``.
    inside, outside : Quantity
        Concentrations at the start; both must be given.
    D : Quantity
        Diffusion coefficient in water; tortuosity slows it down in tissue. By default that of the
        ion, the same as in `SpaceAlong`: sodium 1.33e-9, potassium 1.96e-9, chloride 2.03e-9,
        calcium 0.71e-9 m²/s (Grodzinsky 2011).

    Examples
    --------
    >>> float(MovingIon("k", 140 * mM, 3 * mM).D)
    1.96e-09
    """

    ion: str = ""
    inside: Quantity = quantity(
        10 * mM, "concentration inside at the start", above=0 * mM, required=True
    )
    outside: Quantity = quantity(
        145 * mM, "concentration outside at the start", above=0 * mM, required=True
    )
    # None until the ion says which; `describe` shows that of sodium.
    D: Quantity = field(
        default=None,
        metadata=quantity(
            DIFFUSION["na"], "diffusion coefficient, by default that of the ion", at_least=0
        ).metadata,
    )

    def __post_init__(self) -> None:
        if not isinstance(self.ion, str) or self.ion not in VALENCE:
            raise UnknownNameError(
                f"MovingIon: ion {self.ion!r}: {suggest(str(self.ion), VALENCE)}"
            )
        if self.D is None:
            object.__setattr__(self, "D", DIFFUSION[self.ion])
        missing = [name for name in ("inside", "outside") if getattr(self, name) is None]
        if missing:
            usual = [f"{float(SHARED[f'{self.ion}_{side}']):g}*mM" for side in "io"]
            raise ParameterError(
                f"MovingIon: the concentration {' and '.join(missing)} of {self.ion!r} is missing; "
                f"give both, such as MovingIon({self.ion!r}, {', '.join(usual)})"
            )
        super().__post_init__()
