"""What other Brian2 objects do to a group: synapses, Poisson inputs, linked variables.

A run here has none of these objects, so each is refused by name.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from typing import Any

from brian2.core.base import BrianObject
from brian2.core.operations import NetworkOperation
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import Resetter
from brian2.groups.subgroup import Subgroup
from brian2.input.poissoninput import PoissonInput
from brian2.synapses.synapses import SummedVariableUpdater, Synapses

from neurosim.custom.translation import assigned
from neurosim.errors import ParameterError

__all__ = ["alive", "check_inputs", "covers"]


def check_inputs(group: Any, place: int | None = None) -> None:
    """Refuse what other objects do to a group; `place` None: to any of its neurons.

    Raises
    ------
    ParameterError
        Synapses, a Poisson input or another group write to a variable of the group.
    """
    for other in _acting(group, place):
        if isinstance(other, PoissonInput):
            raise ParameterError(
                f"{group.name}: the PoissonInput {other.name!r} acts on it; delete it (or set its "
                "active = False) and give the neuron a stimulus, such as "
                "Constant(100*pA) + WhiteNoise(...)"
            )
        if isinstance(other.group, Synapses):
            raise ParameterError(
                f"{group.name}: the synapses {other.group.name!r} act on it ({other.name!r}), "
                "which a neuron on its own does not have; delete them (or set their active = "
                "False), and connect neurons here by wiring=FeedForward(...) or Circuit.connect"
            )
        raise ParameterError(
            f"{group.name}: the code {other.name!r} of another group changes its variables, which "
            "is not carried over; delete that group, or write the code into this model"
        )
    if any(isinstance(o, NetworkOperation) and o.active for o in alive()):
        warnings.warn(
            f"{group.name}: a network_operation exists; what it does to the group is code of "
            "yours, which is not carried over",
            stacklevel=4,
        )


def alive() -> Iterator[BrianObject]:
    """Return every Brian2 object that has not been collected."""
    for reference in list(BrianObject.__instances__()):
        found = reference()
        if found is not None:
            yield found


def covers(part: Any, group: Any, place: int | None) -> bool:
    """Whether a group or a slice of it holds a neuron; `place` None: any of its neurons."""
    try:
        # Objects hold their group weakly; names are unique among groups that are there.
        if part.name == group.name:
            return True
        if not isinstance(part, Subgroup) or part.source.name != group.name:
            return False
    except ReferenceError:
        return False
    return place is None or part.start <= place < part.stop


def _acting(group: Any, place: int | None) -> list[Any]:
    """Return the objects that write to a group, without those that were deleted."""

    def found() -> list[Any]:
        return [
            other
            for other in alive()
            if isinstance(other, CodeRunner) and other.active and _acts(other, group, place)
        ]

    if not found():
        return []
    # Deleted ones stay until the collector comes by.
    gc.collect()
    return found()


def _acts(other: Any, group: Any, place: int | None) -> bool:
    try:
        if isinstance(other, PoissonInput):
            return covers(other._group, group, place)
        home = other.group
        if covers(home, group, None):
            return False
        return any(_reaches(home, name, group, place) for name in _written(other))
    except ReferenceError:
        # What it belongs to was deleted.
        return False


def _written(other: Any) -> list[str]:
    """Return the names that an object's code assigns to."""
    if isinstance(other, SummedVariableUpdater):
        return [other.target_varname]
    if isinstance(other, Resetter):
        return assigned(str(other.group.event_codes.get(other.event) or ""))
    return assigned(str(other.abstract_code or ""))


def _reaches(home: Any, name: str, group: Any, place: int | None) -> bool:
    """Whether a name in the code of another object is a variable of the group."""
    variable = home.variables.get(name)
    owner = getattr(variable, "owner", None)
    if owner is None or owner.name != group.name:
        return False
    if not isinstance(home, Synapses):
        return True
    return covers(home.source if name.endswith("_pre") else home.target, group, place)
