"""What has to be compiled for a branched neuron: its mechanisms, and nothing of its shape.

The tree, the number of cells, parameter values, seeds, time step and duration are all read when
the program runs: two neurons of different shape with the same mechanisms share one program.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from brian2.equations.equations import Equations

__all__ = ["CableModel", "Carrier", "HeldIon", "Kernel", "program_key"]


@dataclass(frozen=True)
class Carrier:
    """A current whose charge is counted, and the ions it is made of.

    Attributes
    ----------
    variable : str
        Expression of a patch, in amp/meter**2.
    part : str
        Name of the part that makes it; "" for a receptor, whose kernel is called by its label.
    charge : int
        What it is multiplied by to be the current through the membrane (inward positive).
    ions : tuple of (str, int)
        By ion, what it is multiplied by to be the current of that ion.
    """

    variable: str
    part: str
    charge: int = 1
    ions: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class HeldIon:
    """An ion that a patch holds, and which of its concentrations currents move.

    Attributes
    ----------
    ion : str
        ``"na"``, ``"k"``, ...
    part : str
        Name of the part that holds it.
    valence : int
        Charge of the ion.
    inside, outside : bool
        Whether ``<ion>_i`` and ``<ion>_o`` are moved. By row, ``<part>_per_inside`` says by how
        much a charge on an area moves the concentration.
    shared : bool
        Whether ``<ion>_o`` is that of a space outside that cells share.
    shells : int
        How many shells there are inside; those below the outermost are ``<ion>_i_2`` and so on.
    """

    ion: str
    part: str
    valence: int
    inside: bool
    outside: bool
    shared: bool = False
    shells: int = 1

    @property
    def deeper(self) -> tuple[str, ...]:
        """The concentrations below the outermost shell."""
        return tuple(f"{self.ion}_i_{k}" for k in range(2, self.shells + 1))


@dataclass(frozen=True)
class Kernel:
    """One loop over rows: a set of mechanisms, the receptors of one kind, or the electrodes.

    Attributes
    ----------
    name : str
        Name, unique in the model.
    equations : str
        States, expressions and parameters in Brian2's language. A parameter flagged ``shared``
        has one value, any other one a row. The membrane potential is the parameter ``v``.
    current : str
        Inward current: a density (amp/meter**2) where `density`, else a current (amp).
    density : bool
        Whether rows are compartments with an ``area`` and a capacitance ``C_m`` (a patch of
        membrane) rather than points on compartments.
    updates : tuple of str
        Statements run at the start of each step.
    integers : tuple of str
        Parameters stored as 32-bit integers.
    events : tuple of str
        States that an arriving event increments.
    record : tuple of str
        Variables other than ``v`` that are traced.
    amplifier : {"", "voltage", "conductance", "electrode"}
        What a clamp is. Its current depends on the potential of the step itself, so ``I_stim`` (and
        ``electrode``, ``recorded``) are set once the tree is solved.
    ion : str
        Of receptors that carry an ion: the variable of the patches under them that takes their
        ``ion_current`` (ampere), which is traced, as a density.
    carriers : tuple of Carrier
        Of a patch in a neuron whose ions move: the currents that make up `current`.
    ions : tuple of HeldIon
        The ions that are held there.
    gathers : tuple of str
        Of receptors: variables that each step takes from the patch under them, ``<ion>_i``,
        ``<ion>_o`` and ``<ion>_RT_F``.
    above : tuple of (str, str)
        Of a patch: parts, and the field of each that ``v`` must stay above.
    empties : tuple of str
        Of a patch in a neuron whose ions move: pools of calcium that empty by themselves. Each has
        ``<part>_started``, ``<part>_brought`` and ``<part>_removed``, which the ledger reads.
    nonlinear : tuple of str
        Of a patch: states that are not linear in themselves. They advance by the slope of their
        rate at the beginning of the step.
    """

    name: str
    equations: str
    current: str
    density: bool
    updates: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    record: tuple[str, ...] = ()
    amplifier: str = ""
    ion: str = ""
    carriers: tuple[Carrier, ...] = ()
    ions: tuple[HeldIon, ...] = ()
    gathers: tuple[str, ...] = ()
    above: tuple[tuple[str, str], ...] = ()
    empties: tuple[str, ...] = ()
    nonlinear: tuple[str, ...] = ()

    @cached_property
    def parsed(self) -> Equations:
        """The equations as Brian2 reads them."""
        return Equations(self.equations)

    @property
    def states(self) -> list[str]:
        """Variables with a differential equation."""
        return sorted(self.parsed.diff_eq_names)

    @property
    def kept(self) -> list[str]:
        """What one step leaves to the next: states, and all else that is not constant."""
        changing = [n for n in self.parameters if "constant" not in self.parsed[n].flags]
        return sorted({*self.states, *changing} - {"I_stim", *self.gathers} - self.shared)

    def retraced(self) -> dict[str, list[int]]:
        """Return the traced currents of carriers, and by carrier what each is made of.

        They are traced as the implicit step used them: their sum over the steps is what crossed.
        """
        known: dict[str, list[int]] = {}
        count = len(self.carriers)
        for k, one in enumerate(self.carriers):
            known[one.variable] = [int(k == m) for m in range(count)]
            if one.variable == f"{one.part}_rate":
                # A transporter: its currents are multiples of the rate.
                known[f"{one.part}_current"] = [one.charge * (k == m) for m in range(count)]
                for ion, charge in one.ions:
                    known[f"{one.part}_i_{ion}"] = [charge * (k == m) for m in range(count)]
        several = (one.part for one in self.carriers if one.variable.startswith(f"{one.part}_i_"))
        for part in dict.fromkeys(several):
            whole = [int(one.part == part) for one in self.carriers]
            known[f"{part}_current"] = whole
        for held in self.ions:
            if f"i_{held.ion}_placed" not in self.parsed:
                known[f"i_{held.ion}"] = [dict(one.ions).get(held.ion, 0) for one in self.carriers]
        return {name: weights for name, weights in known.items() if name in self.record}

    def source_of(self, gathered: str) -> str:
        """Return the variable of a patch in which receptors find what they gather.

        Examples
        --------
        >>> held = HeldIon("cl", "chloride", -1, inside=True, outside=False)
        >>> patch = Kernel("patch0", "", "0*amp/meter**2", True, ions=(held,))
        >>> [patch.source_of(name) for name in ("cl_i", "cl_o", "cl_RT_F", "na_i")]
        ['cl_i', 'chloride_outside', 'chloride_RT_F', '']
        """
        ion, _, what = gathered.partition("_")
        for held in self.ions:
            if held.ion == ion:
                fixed = {"RT_F": f"{held.part}_RT_F"}
                fixed |= {} if held.inside else {"i": f"{held.part}_inside"}
                fixed |= {} if held.outside or held.shared else {"o": f"{held.part}_outside"}
                return fixed.get(what, gathered)
        return ""

    @property
    def parameters(self) -> list[str]:
        """Parameters and updated variables, without ``v``."""
        return sorted(set(self.parsed.parameter_names) - {"v"})

    @property
    def shared(self) -> set[str]:
        """Parameters with one value for all rows."""
        return {name for name in self.parsed.parameter_names if "shared" in self.parsed[name].flags}

    @property
    def moves_ions(self) -> bool:
        """Whether something of a patch is moved and counted once the potentials are known."""
        moving = any(one.inside or one.outside or one.shared for one in self.ions)
        return self.density and (moving or bool(self.carriers))

    @property
    def conducts(self) -> bool:
        """Whether the current depends on the membrane potential."""
        return "v" in self.parsed.parameter_names

    @property
    def injects(self) -> bool:
        """Whether it follows the clock and is off while the cell comes to rest."""
        return not self.conducts or self.amplifier in ("conductance", "electrode")


@dataclass(frozen=True)
class CableModel:
    """The mechanisms of a branched neuron.

    Attributes
    ----------
    kernels : tuple of Kernel
        Patches of membrane first, then points.
    """

    kernels: tuple[Kernel, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> CableModel:
        """Make a model from what `to_dict` returned."""
        return cls(tuple(_kernel(entry) for entry in content["kernels"]))


def _kernel(entry: dict[str, Any]) -> Kernel:
    values: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in entry.items()
    }
    values["carriers"] = tuple(
        Carrier(**{**one, "ions": tuple((ion, n) for ion, n in one["ions"])})
        for one in entry["carriers"]
    )
    values["above"] = tuple((part, field) for part, field in entry["above"])
    values["ions"] = tuple(HeldIon(**one) for one in entry["ions"])
    return Kernel(**values)


def program_key(models: Sequence[CableModel], *context: str) -> str:
    """Return a name made from the content of models and of `context`."""
    content = json.dumps([[model.to_dict() for model in models], *context], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:24]
