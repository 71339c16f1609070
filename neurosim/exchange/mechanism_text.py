"""A part of a neuron as the text of a NEURON mechanism: what is painted, and what is placed."""

from __future__ import annotations

from collections.abc import Mapping

from brian2.units.constants import faraday_constant

from neurosim.channels.base import IonPool, Mechanism
from neurosim.exchange.errors import ExchangeError
from neurosim.exchange.mechanism_writer import (
    MechanismText,
    MechanismWriter,
    block,
    parameter_line,
    wrapped,
)
from neurosim.exchange.nmodl_words import in_neuron_units
from neurosim.ions.ion import Ion

__all__ = ["IonWriter", "ion_per_charge", "write_mechanism"]


def write_mechanism(part: Mechanism, suffix: str, held: Mapping[str, IonPool]) -> MechanismText:
    """Write a part for NEURON.

    Parameters
    ----------
    part : Channel, IonPool, Transporter or Receptor
        The part.
    suffix : str
        What NEURON is to call it.
    held : mapping of str to IonPool
        The ions that something holds where the part sits.

    Raises
    ------
    ExchangeError
        NMODL cannot say what the part does.

    Examples
    --------
    >>> from neurosim.channels import Leak
    >>> made = write_mechanism(Leak(), "leak", {})
    >>> made.parameters
    {'g': 'g', 'E': 'E'}
    >>> print(made.text[made.text.index("BREAKPOINT") :].strip())
    BREAKPOINT {
        current = g*(E - v)
        i = -scale*current
    }
    """
    if isinstance(part, Ion):
        return IonWriter(part, suffix, held).write()
    return MechanismWriter(part, suffix, held).write()


def ion_per_charge(part: Ion) -> str:
    """Return the charge of a micromole of an ion, as a product in NMODL."""
    return f"{part.valence}*{float(in_neuron_units(faraday_constant))!r}"


class IonWriter(MechanismWriter):
    """Writes an ion that is held on both sides: its concentrations, and what moves them."""

    own = ("charge",)
    part: Ion

    def __init__(self, part: Mechanism, suffix: str, held: Mapping[str, IonPool]) -> None:
        assert isinstance(part, Ion)
        if part.shell_count > 1 or float(part.diffusion):
            raise ExchangeError(
                f"{type(part).__name__} ({part.name!r}): diffusion of an ion along the cell or "
                f"between shells is not written for {self.program}; leave out diffusion and shells"
            )
        super().__init__(part, suffix, held)

    def _fields(self) -> list[str]:
        names = ["inside", "outside"]
        names += ["free"] if self.part.inside_moves else []
        names += ["outside_depth", "outside_tau"] if self.part.outside_moves else []
        return names

    def write(self) -> MechanismText:
        """Return the mechanism."""
        part, ion = self.part, self.part.ion
        moving = part.inside_moves or part.outside_moves
        per = ion_per_charge(part)
        equations = []
        if part.inside_moves:
            self._place("width")
            equations.append(f"{ion}i' = -free*i{ion}/(membrane*({per})*width)")
        if part.outside_moves:
            equations.append(
                f"{ion}o' = i{ion}/(membrane*({per})*outside_depth) + "
                f"(-1/outside_tau)*({ion}o - outside)"
            )
        if moving:
            self._place("membrane")
        states = [f"{ion}i", f"{ion}o"]
        # NEURON takes a concentration that a mechanism writes for one of its states.
        moves = {line.partition("'")[0] for line in equations}
        equations += [f"{name}' = 0" for name in states if name not in moves]
        valence = " VALENCE -1" if ion == "cl" else ""
        reads = f" READ i{ion}" if moving else ""
        head = [
            f"SUFFIX {self.suffix}",
            f"USEION {ion}{reads} WRITE {ion}i, {ion}o{valence}",
            *wrapped("RANGE", [*self._fields(), *self.places]),
        ]
        parameters = [parameter_line(name, getattr(part, name)) for name in self._fields()]
        parameters += [f"{n} = {'1e-4' if n == 'width' else '1'}" for n in self.places]
        parts = [
            self._comment(),
            block("NEURON", head),
            "UNITS {\n    (mA) = (milliamp)\n    (molar) = (1/liter)\n    (mM) = (millimolar)\n}",
            block("PARAMETER", parameters),
            block("ASSIGNED", [f"i{ion} (mA/cm2)"]) if moving else "",
            block("STATE", [f"{name} (mM)" for name in states]),
            block("INITIAL", [f"{ion}i = inside", f"{ion}o = outside"]),
            block("BREAKPOINT", ["SOLVE states METHOD cnexp"]),
            block("DERIVATIVE states", equations),
        ]
        return MechanismText(
            suffix=self.suffix,
            text="\n\n".join(one for one in parts if one) + "\n",
            point=False,
            parameters={name: name for name in self._fields()},
            names={f"{ion}_i": f"{ion}i", f"{ion}_o": f"{ion}o"},
            places=tuple(self.places),
        )
