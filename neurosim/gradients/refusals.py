"""What a run cannot be taken back through yet, told before anything is compiled."""

from __future__ import annotations

from neurosim.channels.base import Mechanism
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Painted, Placed
from neurosim.engine.cable.compose import Composed
from neurosim.errors import ParameterError

__all__ = ["refuse"]


def refuse(neuron: Neuron, composed: Composed) -> None:
    """Refuse a neuron in which something has no derivative here.

    Raises
    ------
    ParameterError
        It says what and where.
    """
    entries: list[Painted | Placed] = [*neuron.painted, *neuron.placed]
    for entry in entries:
        part = entry.part
        if isinstance(part, Mechanism) and (part.starts or part.nonlinear):
            states = ", ".join({**part.starts, **dict.fromkeys(part.nonlinear)})
            raise ParameterError(
                _cannot(
                    f"{entry.label!r} ({type(part).__name__}), whose {states} "
                    "does not start at a steady state that its own equation tells"
                )
            )
    for kernel in composed.model.kernels:
        what = ""
        if kernel.carriers or kernel.moves_ions:
            what = "ions whose concentrations currents move (give them fixed concentrations)"
        elif kernel.ion or kernel.gathers:
            label = kernel.name.removeprefix("point_")
            what = f"the receptors {label!r}, which carry an ion to a pool"
        elif kernel.amplifier:
            label = kernel.name.removeprefix("point_")
            what = f"the clamp {label!r} (inject a current instead)"
        elif kernel.above or kernel.empties:
            what = "pumps and the pools that they empty"
        if what:
            raise ParameterError(_cannot(what))
    if composed.inputs.layer is not None:
        raise ParameterError(_cannot("an Extracellular layer"))
    if composed.inputs.diffusions:
        raise ParameterError(_cannot("ions that diffuse inside the cell"))


def _cannot(what: str) -> str:
    return f"differentiate: there is no derivative yet through {what}"
