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

from neurosim.engine.point.model import with_tuples

__all__ = ["CableModel", "Kernel", "program_key"]


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
        return sorted({*self.states, *changing} - {"I_stim"} - self.shared)

    @property
    def parameters(self) -> list[str]:
        """Parameters and updated variables, without ``v``."""
        return sorted(set(self.parsed.parameter_names) - {"v"})

    @property
    def shared(self) -> set[str]:
        """Parameters with one value for all rows."""
        return {name for name in self.parsed.parameter_names if "shared" in self.parsed[name].flags}

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
        return cls(tuple(Kernel(**with_tuples(entry)) for entry in content["kernels"]))


def program_key(models: Sequence[CableModel], *context: str) -> str:
    """Return a name made from the content of models and of `context`."""
    content = json.dumps([[model.to_dict() for model in models], *context], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:24]
