"""A cell and the space beside it along one line: Kirchhoff, Nernst and Planck."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Quantity, farad, meter, mV, um

from neurosim.channels.base import Channel
from neurosim.electrodiffusion.moving_ion import MovingIon
from neurosim.electrodiffusion.neuronal_exchange import NeuronalExchange
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.ions.transporter import VALENCE, Transporter
from neurosim.quantities import Description, check_celsius, quantity

__all__ = ["Electrodiffusion"]


@dataclass(frozen=True, eq=False, repr=False)
class Electrodiffusion(Description):
    r"""A cell and the space beside it, in which ions move by diffusion and by the field they make.

    Both sides are lines of the same length. On each, the flux of ion x of valence z is

    .. math:: j_x = -\frac{D_x}{\lambda^2}\Bigl(\frac{\partial c_x}{\partial s}
              + \frac{z F c_x}{RT}\frac{\partial \phi}{\partial s}\Bigr),

    the membrane potential follows from the charge of the ions, and the fields on both sides are
    those in which no net current flows along both together (Kirchhoff). The ends are closed.

    Parameters
    ----------
    ions : tuple of MovingIon
        What moves.
    parts : tuple of Channel or Transporter
        What is in the membrane. Each channel follows the Nernst potential of its ion. Without parts
        the membrane is closed to ions.
    neurons : NeuronalExchange, optional
        What neurons around release and take up.

    Notes
    -----
    Parts must follow potential and concentrations at once: gates are not integrated here, since
    this level is for seconds to hours. Nothing moves across the line, and water does not move.

    References
    ----------
    Halnes, Ostby, Pettersen, Omholt and Einevoll (2013), PLoS Comput Biol 9:e1003386. Qian and
    Sejnowski (1989), Biol Cybern 62:1 (why diffusion in a cable needs its field).

    Examples
    --------
    >>> from brian2.units.stdunits import mM
    >>> salt = (MovingIon("k", 140 * mM, 3 * mM), MovingIon("cl", 5 * mM, 130 * mM))
    >>> Electrodiffusion(salt).length
    300. * umetre
    """

    ions: tuple[MovingIon, ...]
    parts: tuple[Channel | Transporter, ...] = ()
    neurons: NeuronalExchange | None = None
    length: Quantity = quantity(300 * um, "length of the line", above=0 * um)
    rest: Quantity = quantity(-83.6 * mV, "membrane potential at the start")
    inside_share: Quantity = quantity(Quantity(0.4), "share of the tissue that is cell", above=0)
    outside_share: Quantity = quantity(Quantity(0.2), "share that is outside", above=0)
    membrane: Quantity = quantity(
        8e6 / meter, "membrane area on a volume of tissue", above=0 / meter
    )
    C_m: Quantity = quantity(
        0.01 * farad / meter**2, "membrane capacitance", above=0 * farad / meter**2
    )
    tortuosity_inside: Quantity = quantity(Quantity(3.2), "tortuosity inside", at_least=1)
    tortuosity_outside: Quantity = quantity(Quantity(1.6), "tortuosity outside", at_least=1)
    celsius: float = 25.0

    def check(self) -> None:
        check_celsius(self.celsius, "Electrodiffusion: celsius")
        self._check_kinds()
        held = [one.ion for one in self.ions]
        if not held:
            raise ParameterError(
                "Electrodiffusion: ions is empty; give the ions that move, such as "
                "(MovingIon('k', 140*mM, 3*mM), MovingIon('cl', 5*mM, 130*mM))"
            )
        for ion in held:
            if held.count(ion) > 1:
                raise ParameterError(f"Electrodiffusion: {ion!r} is given {held.count(ion)} times")
        if float(self.inside_share) + float(self.outside_share) > 1:
            raise ParameterError(
                "Electrodiffusion: inside_share and outside_share are more than the whole tissue "
                f"({float(self.inside_share):g} + {float(self.outside_share):g})"
            )
        for part in self.parts:
            self._check_part(part, held)
        if self.neurons is not None:
            for ion in (self.neurons.release, self.neurons.take):
                if ion not in held:
                    raise UnknownNameError(
                        f"Electrodiffusion: neurons exchange {ion!r}, which is not among the ions: "
                        f"{suggest(ion, held)}"
                    )

    def _check_kinds(self) -> None:
        """Refuse what is no tuple of ions, no tuple of parts, or no exchange."""
        for name, several in (("ions", self.ions), ("parts", self.parts)):
            if not isinstance(several, tuple | list):
                raise ParameterError(
                    f"Electrodiffusion: {name} must be a tuple, as in {name}=(one, another); got "
                    f"{several!r}"
                )
            object.__setattr__(self, name, tuple(several))
        for one in self.ions:
            if not isinstance(one, MovingIon):
                raise ParameterError(
                    "Electrodiffusion: ions takes MovingIon, such as MovingIon('k', 140*mM, 3*mM); "
                    f"got {one!r}"
                )
        if self.neurons is not None and not isinstance(self.neurons, NeuronalExchange):
            raise ParameterError(
                "Electrodiffusion: neurons must be a NeuronalExchange or None; got "
                f"{self.neurons!r}"
            )

    def _check_part(self, part: Channel | Transporter, held: list[str]) -> None:
        if not isinstance(part, Channel | Transporter):
            raise ParameterError(
                f"Electrodiffusion: parts takes channels and transporters; got {part!r}"
            )
        label = f"Electrodiffusion: {part.name!r}"
        if part.states:
            raise ParameterError(
                f"{label} has gates ({', '.join(part.states)}), which this level does not "
                "integrate; give a channel without gates, such as Kir41 or a leak, or paint the "
                "part on a Neuron"
            )
        moved = list(part.moves) if isinstance(part, Transporter) else [part.ion]
        if None in moved:
            raise ParameterError(
                f"{label} names no ion that its current carries; give SodiumLeak, PotassiumLeak or "
                "ChlorideLeak"
            )
        if isinstance(part, Transporter) and part.other_charge:
            raise ParameterError(
                f"{label} moves a charge of {part.other_charge} in a cycle on ions that nobody "
                "follows (other_charge); here the potential follows from the charge of the ions "
                "that move, so that each must be one of them"
            )
        if isinstance(part, Channel) and part.reversal == "fixed":
            raise ParameterError(
                f"{label} has reversal='fixed'; here each channel follows the Nernst potential and "
                "the concentrations of its ion, so leave reversal at 'follow'"
            )
        read = [ion for name in part.reads for ion in name.split("_") if ion in VALENCE]
        for one in dict.fromkeys([*moved, *read]):
            if one not in held:
                raise UnknownNameError(
                    f"{label} needs {one!r}, which is not among the ions: {suggest(str(one), held)}"
                )
