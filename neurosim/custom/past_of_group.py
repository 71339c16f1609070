"""How long a group has been run, and what of it depends on that: runs here start at time 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from brian2.core.network import Network
from brian2.utils.stringtools import get_identifiers

from neurosim.errors import ParameterError

__all__ = ["check_past", "steps_run"]

_TIMES = ("t", "t_in_timesteps", "lastspike")


def steps_run(group: Any) -> int:
    """Return how many of its time steps a group has been run; 0 before the first run."""
    if group._network is None:
        return 0
    for reference in list(Network.__instances__()):
        network = reference()
        if network is not None and network.id == group._network:
            return round(float(network.t_) / float(group.clock.dt_))
    # Its network was deleted; the clock stands where that ended.
    now = float(group.clock.variables["t"].get_value().item())
    return round(now / float(group.clock.dt_))


def check_past(group: Any, place: int, codes: Mapping[str, str]) -> None:
    """Refuse a group that has been run and whose future depends on when that was.

    Parameters
    ----------
    group : NeuronGroup
        Is not changed.
    place : int
        Which neuron.
    codes : mapping of str to str
        What it computes beside its equations, by what a message calls it.

    Raises
    ------
    ParameterError
        The neuron is refractory at present, or something depends on the time or the last spike.
    """
    if not steps_run(group):
        return
    if group._refractory is not False:
        free = np.atleast_1d(np.asarray(group.variables["not_refractory"].get_value()))
        if not free[place if len(free) > 1 else 0]:
            raise ParameterError(
                f"{group.name}: the neuron is refractory at present; a run "
                "here starts without a spike in its past: take it over before it is run"
            )
    computed = {
        f"the equation of {equation.varname!r}": equation.expr.code
        for equation in group.user_equations.values()
        if equation.expr is not None
    }
    for what, code in {**computed, **codes}.items():
        words = get_identifiers(code)
        for word in _TIMES:
            if word in words:
                on = "its last spike" if word == "lastspike" else "the time"
                raise ParameterError(
                    f"{group.name}: {what} depends on {on} ({word}), and the group has been run; "
                    "a run here starts at time 0 without a spike in its past: take the group over "
                    "before it is run"
                )
