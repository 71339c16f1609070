"""What a run may go on from: checks that states of every kind of neuron share.

What does not fit is refused by name: a state starts only what it could be the state of. Parameters
may differ, which is what an experiment changes; shape, parts and number of rows may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from brian2.units import Quantity, second

from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.quantities import check_quantity
from neurosim.run.state import State, digest

__all__ = [
    "check_fits",
    "check_kind",
    "check_names",
    "columns",
    "initial_digest",
    "powers",
    "start_step",
    "with_values",
]


def start_step(state: State, dt_s: float) -> int:
    """Return the number of the first step of a run that goes on from a state.

    Raises
    ------
    ParameterError
        Its time is no whole number of steps, or spikes on their way are counted in other steps.
    """
    if dt_s == state.dt_s:
        return state.step
    time = state.step * state.dt_s
    step = round(time / dt_s)
    if abs(step * dt_s - time) > 1e-9 * time or any(len(a) for a in _flights(state)):
        raise ParameterError(
            f"initial: the state is that of a run with dt of {state.dt_s * second} at "
            f"{time * second}, where a run with dt of {dt_s * second} cannot go on; take the same "
            "dt, or initial=state.restarted() where no spikes are on their way"
        )
    return step


def initial_digest(initial: State | Mapping[str, Any] | None) -> str:
    """Return what tells where a run started; empty for its usual start."""
    if initial is None:
        return ""
    if isinstance(initial, State):
        return initial.sha256
    return digest(*(part for name, value in initial.items() for part in (name, np.array(value))))


def _flights(state: State) -> Iterable[np.ndarray]:
    every = [state, *state.parts.values()]
    return [one.arrays["flight.step"] for one in every if "flight.step" in one.arrays]


def check_kind(state: State, kind: str) -> None:
    """Refuse the state of another kind of neuron.

    Raises
    ------
    ParameterError
        It is that of another kind.
    """
    if state.of != kind:
        raise ParameterError(
            f"initial: the state is that of a {state.of}, and what is to run is a {kind}; start "
            f"it from the state of a run of a {kind}"
        )


def check_fits(state: State, fits: Mapping[str, str]) -> None:
    """Refuse a state whose description differed in what must agree.

    Raises
    ------
    ParameterError
        Something differs; it is named.
    """
    for name in sorted({*fits, *state.fits}):
        if fits.get(name) != state.fits.get(name):
            raise ParameterError(
                f"initial: the state does not fit: {name} differ between the run that it comes "
                "from and this one; start it from a run of the same description"
            )


def check_names(state: State, wanted: set[str], loose: set[str]) -> None:
    """Refuse a state that lacks what a run needs, or holds what the run has no place for."""
    lacking = sorted(wanted - set(state.arrays) - loose)
    if lacking:
        raise ParameterError(
            f"initial: the state holds no {lacking[0]!r}, which this neuron has; start it from a "
            "run of the same description"
        )
    held = {name for name in state.arrays if not name.startswith(("flight.", "last_spike."))}
    beyond = sorted(held - wanted - set(state.loose))
    if beyond:
        raise ParameterError(
            f"initial: the state holds {beyond[0]!r}, which this neuron does not have; start it "
            "from a run of the same description"
        )


def columns(name: str, values: np.ndarray, rows: int, units: int = 1) -> np.ndarray:
    """Return an array with one column a row of the batch; one network stands for all."""
    if values.shape[-1] == rows:
        return values
    return np.tile(values, (1,) * (values.ndim - 1) + (rows // values.shape[-1],))


def with_values(
    given: Mapping[str, Any], known: Mapping[str, Quantity], rows: int
) -> dict[str, np.ndarray]:
    """Return starting values by name, each one number or one a row, checked.

    Raises
    ------
    UnknownNameError
        There is no such state.
    UnitError, ParameterError
        A value has another unit, is not finite, or there is neither one nor one a row.
    """
    found = {}
    for name, value in given.items():
        if name not in known:
            raise UnknownNameError(f"initial: there is no state {name!r}: {suggest(name, known)}")
        checked = np.asarray(check_quantity(value, known[name], f"initial: {name}", many=1))
        if checked.ndim and len(checked) not in (1, rows):
            raise ParameterError(
                f"initial: {name} has {len(checked)} values for {rows} rows; give one, or one a row"
            )
        found[name] = np.broadcast_to(checked.astype(float), rows)
    return found


_BASES = ("length", "mass", "time", "current", "temperature", "substance", "luminosity")


def powers(dim: Any) -> tuple[float, ...]:
    return tuple(float(dim.get_dimension(base)) for base in _BASES)
