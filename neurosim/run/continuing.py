"""What a run may go on from: checks that states of every kind of neuron share.

What does not fit is refused by name: a state starts only what it could be the state of. Parameters
may differ, which is what an experiment changes; shape, parts and number of rows may not. And a run
that goes on from a neuron that has settled is told which of its pools of ions are not at rest.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from brian2.units import Quantity, second

from neurosim.clamps import VoltageClamp
from neurosim.describe.neuron import Neuron
from neurosim.engine.cable.compose import Composed, Run
from neurosim.engine.cable.inputs import CableResults, KernelInputs
from neurosim.engine.cable.model import HeldIon, Kernel
from neurosim.engine.diffusion.along_tree import NumpyDiffusion
from neurosim.equations.steady_state import Names, evaluated, steady_state
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.quantities import check_quantity
from neurosim.run.state import State, digest

__all__ = [
    "ContinuationWarning",
    "Drift",
    "SettlingWarning",
    "check_fits",
    "check_kind",
    "check_names",
    "columns",
    "drifts",
    "initial_digest",
    "powers",
    "start_step",
    "tell_pools",
    "tell_scheme",
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
    _tell(
        f"the state comes from a run with dt of {state.dt_s * second}, and this one takes "
        f"{dt_s * second}"
    )
    time = state.step * state.dt_s
    step = round(time / dt_s)
    if abs(step * dt_s - time) > 1e-9 * time or any(len(a) for a in _flights(state)):
        raise ParameterError(
            f"initial: the state is that of a run with dt of {state.dt_s * second} at "
            f"{time * second}, where a run with dt of {dt_s * second} cannot go on; take the same "
            "dt, or initial=state.restarted() where no spikes are on their way"
        )
    return step


class ContinuationWarning(UserWarning):
    """A run goes on from another one with other numerics."""


def tell_scheme(state: State, scheme: str) -> None:
    """Warn where a run goes on by another scheme than that of the state."""
    if state.scheme and state.scheme != scheme:
        _tell(
            f"the state comes from a run with scheme={state.scheme!r}, and this one takes "
            f"{scheme!r}"
        )


def _tell(what: str) -> None:
    warnings.warn(
        f"initial: {what}; the join is not seamless (the potential may move by some 0.01 mV). Take "
        "the same in both, or let the neuron settle first",
        ContinuationWarning,
        stacklevel=4,
    )


class SettlingWarning(UserWarning):
    """The potential of a neuron has settled, and its pools of ions are not at rest."""


class Drift(NamedTuple):
    """A concentration that is not at rest where a neuron has settled.

    Attributes
    ----------
    name : str
        ``"na_i"``, ``"k_o"``, ...
    rate : float
        How fast it changes where it changes most beside itself, in mM per second.
    compartment, cell : int
        Where that is.
    """

    name: str
    rate: float
    compartment: int
    cell: int


# A net flux below this share of the fluxes that make it up is the potential still settling; a
# change below this share of the concentration in a second is one that no run of seconds shows.
_NET, _SLOW = 1e-2, 1e-3
# In second, short beside the exchange between the thinnest shells: diffusion as it begins.
_MOMENT = 1e-8


def tell_pools(neuron: Neuron, run: Run, composed: Composed, results: CableResults) -> None:
    """Warn where a neuron has settled and its pools, which stay at their start, are not at rest."""
    if not run.settle or any(isinstance(p.part, VoltageClamp) for p in neuron.placed):
        # A cell that a clamp holds is not meant to be at rest.
        return
    found = drifts(run, composed, results)
    if not found:
        return
    said = ", ".join(
        f"{one.name} changes by {one.rate:+.3g} mM/s (compartment {one.compartment}"
        + (f", cell {one.cell})" if run.cells > 1 else ")")
        for one in found
    )
    warnings.warn(
        f"settle: pools of ions stay at their start while a neuron settles, and here they are not "
        f"at rest: {said}. To start where they are, simulate "
        "neurosim.dynamics.ion_rest(neuron).neuron; where there is no such state, ion_rest says "
        "which ion does not balance, and the leak that would balance it",
        SettlingWarning,
        stacklevel=5,
    )


def drifts(run: Run, composed: Composed, results: CableResults) -> list[Drift]:
    """Return the concentrations that are not at rest after settling, each where it moves most.

    Currents are those at the potentials that were reached, gates at their steady state there.
    """
    counted = results.counted
    if counted is None:
        return []
    v = counted.v if composed.inputs.steps else results.final
    back = np.argsort(composed.numbering)
    along = _diffusing(run, composed)
    worst: dict[str, tuple[float, Drift]] = {}
    for kernel, given in zip(composed.model.kernels, composed.inputs.kernels, strict=True):
        if not kernel.density:
            continue
        for name, (net, gross, held) in _rates(kernel, given, v, along).items():
            beside = np.where(np.abs(net) > _NET * gross, np.abs(net) / held, 0.0)
            site, cell = np.unravel_index(np.argmax(beside), beside.shape)
            share = float(beside[site, cell])
            if share > max(_SLOW, worst[name][0] if name in worst else 0.0):
                where = int(back[given.nodes[site]])
                worst[name] = share, Drift(name, float(net[site, cell]), where, int(cell))
    return [drift for _, drift in worst.values()]


def _diffusing(run: Run, composed: Composed) -> dict[str, np.ndarray]:
    """Return by concentration what diffusion changes it by, mol/metre**3/second, by compartment."""
    inputs = composed.inputs
    found = {}
    for one in inputs.diffusions:
        if one.settles:
            continue
        now = np.zeros((one.shells, inputs.tree.compartments, run.cells))
        for given in inputs.kernels:
            for k, name in enumerate(one.variables):
                if name in given.values:
                    now[k, given.nodes] = _spread(given, name, run.cells)
        after = NumpyDiffusion(one, inputs.tree.parent, run.cells, _MOMENT).step(now)
        found[one.variable] = (after[0] - now[0]) / _MOMENT
    return found


def _rates(
    kernel: Kernel, given: KernelInputs, v: np.ndarray, along: Mapping[str, np.ndarray]
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return by concentration its change, the sum of what makes it up, and itself.

    Each has the shape (sites, cells); changes are in mol/metre**3/second.
    """
    here, cells = v[given.nodes], v.shape[1]
    blank = {name: np.zeros_like(here) for name in {*kernel.parsed.parameter_names} - {"v"}}
    values = blank | {name: _spread(given, name, cells) for name in given.values}
    fixed = {name: value for name, value in values.items() if name not in kernel.states}
    moving = [(ion, side) for ion in kernel.ions for side in _sides(ion)]
    if not moving:
        return {}
    with np.errstate(all="ignore"):
        rest = steady_state(kernel.parsed, {**fixed, "v": here}, start="v")
    # A state without decay stays where it starts.
    gates = {n: np.where(np.isnan(rest[n]), values[n], rest[n]) for n in kernel.states}
    names = Names(kernel.parsed, {**fixed, **gates, "v": here})
    found = {}
    for ion, side in moving:
        name = f"{ion.ion}_{side[0]}"
        per = values[f"{ion.part}_per_{side}"]
        terms = [
            dict(one.ions)[ion.ion] * per * evaluated(one.variable, names)
            for one in kernel.carriers
            if ion.ion in dict(one.ions)
        ]
        if side == "outside":
            terms.append((values[f"{ion.part}_outside"] - values[name])
                         / values[f"{ion.part}_outside_tau"])  # fmt: skip
        if name in along:
            terms.append(along[name][given.nodes])
        net = np.sum([np.zeros_like(here), *terms], axis=0)
        gross = np.sum([np.zeros_like(here), *np.abs(terms)], axis=0)
        found[name] = net, gross, values[name]
    return found


def _sides(ion: HeldIon) -> list[str]:
    return ["inside"] * ion.inside + ["outside"] * ion.outside


def _spread(given: KernelInputs, name: str, cells: int) -> np.ndarray:
    """Return a value of a patch by site and cell."""
    value = np.asarray(given.values[name], dtype=float)
    return np.broadcast_to(value[:, np.newaxis] if value.ndim == 1 else value, (given.sites, cells))


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
    given: Mapping[str, Any],
    known: Mapping[str, Quantity],
    rows: int,
    shares: Callable[[], set[str]] = set,
) -> dict[str, np.ndarray]:
    """Return starting values by name, each one number or one a row, checked.

    `shares` says which of them can only lie between 0 and 1, as the gates of channels do.

    Raises
    ------
    UnknownNameError
        There is no such state.
    UnitError, ParameterError
        A value has another unit, is not finite or possible, or there is neither one nor one a row.
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
    outside = [name for name, x in found.items() if np.any((x < 0) | (x > 1))]
    for name in sorted(shares() & set(outside) if outside else ()):
        raise ParameterError(
            f"initial: {name} is a share of channels, which lies between 0 and 1; got "
            f"{found[name].min():g} to {found[name].max():g}"
        )
    return found


_BASES = ("length", "mass", "time", "current", "temperature", "substance", "luminosity")


def powers(dim: Any) -> tuple[float, ...]:
    return tuple(float(dim.get_dimension(base)) for base in _BASES)
