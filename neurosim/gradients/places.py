"""From the arrays of the engine to what describes a neuron: which numbers a parameter sets.

A conductance density sets the conductance of every compartment that it covers, times what the place
multiplies it by. Such a map is a straight line through the values that a run is composed of, so
that two values of the parameter tell all of it; a third says that it is a straight line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from brian2.units import Quantity

from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.describe.profiles import profiles
from neurosim.engine.cable.arrivals import gather_arrivals
from neurosim.engine.cable.compose import Composed, Run, compose_cable
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.run.batch import batch_places, full_name
from neurosim.synapses.base import Receptor

__all__ = ["Place", "axial_share", "find_places", "points_of", "resolve", "weight_name"]

_WEIGHT = "weight"


@dataclass(frozen=True)
class Place:
    """What a parameter sets.

    Attributes
    ----------
    name : str
        Full name of the parameter.
    like : Quantity
        Its value in the description.
    arrays : tuple of (int, str, ndarray)
        Kernel, array, and by how much each site of the array follows the parameter.
    """

    name: str
    like: Quantity
    arrays: tuple[tuple[int, str, np.ndarray], ...] = ()


def resolve(neuron: Neuron, wrt: Sequence[str]) -> dict[str, Quantity]:
    """Return by full name the parameters that derivatives are asked for, with their values.

    Raises
    ------
    ParameterError, UnknownNameError
        A name is none, not clear, or given twice.
    """
    names = [] if isinstance(wrt, str) or not isinstance(wrt, Iterable) else list(wrt)
    if not names:
        raise ParameterError(
            f"differentiate: wrt must be a list of names such as ['leak.g']; got {wrt!r}"
        )
    known: dict[str, Any] = {
        name: (like, field) for name, (like, field) in batch_places(neuron).items()
    }
    fields = neuron.cable.quantity_fields()
    known["everywhere.R_a"] = (neuron.cable.R_a, fields["R_a"])
    for painted in neuron.painted:
        if isinstance(painted.part, Cable):
            known[f"{painted.label}.R_a"] = (painted.part.R_a, fields["R_a"])
    for placed in neuron.placed:
        if isinstance(placed.part, Receptor) and placed.arrivals is not None:
            known[f"{placed.label}.{_WEIGHT}"] = (Quantity(1.0), None)
    found: dict[str, Quantity] = {}
    for name in names:
        full = full_name(name, known, "differentiate: wrt")
        if full in found:
            raise ParameterError(f"differentiate: wrt names {full} twice")
        found[full] = known[full][0]
    return found


def find_places(neuron: Neuron, run: Run, asked: Mapping[str, Quantity]) -> dict[str, Place]:
    """Return what each parameter sets, those of the tree and of weights apart.

    Raises
    ------
    ParameterError
        A parameter does more than set numbers in a straight line.
    """
    names = [name for name in asked if not _apart(name)]
    if not names:
        return {}
    cells = 1 + 2 * len(names)
    batch: dict[str, np.ndarray] = {}
    steps: dict[str, float] = {}
    for k, name in enumerate(names):
        here = float(np.ravel(run.batch.get(name, np.asarray(asked[name], dtype=float)))[0])
        steps[name] = abs(here) or 1.0
        batch[name] = np.full(cells, here)
        batch[name][1 + 2 * k] += steps[name]
        batch[name][2 + 2 * k] += 2 * steps[name]
    silent = neuron.replace(placed=tuple(replace(one, arrivals=None) for one in neuron.placed))
    alone = replace(run, cells=cells, batch=batch, seeds=np.zeros(cells, dtype=int), settle=0.0)
    composed = compose_cable(silent, replace(alone, duration=run.dt))
    found = {}
    for k, name in enumerate(names):
        arrays = []
        for number, array, values in _arrays(composed):
            if values.ndim < 2 or values.shape[1] != cells:
                continue
            base, once, twice = values[:, 0], values[:, 1 + 2 * k], values[:, 2 + 2 * k]
            if not np.any(once != base) and not np.any(twice != base):
                continue
            kernel = composed.model.kernels[number]
            size = np.abs(once - base).max()
            straight = np.allclose(twice - once, once - base, rtol=0, atol=1e-9 * size)
            if not straight or array in kernel.integers or array.startswith("increment of "):
                raise ParameterError(
                    f"differentiate: wrt {name!r} is not offered: the parameter sets {array!r} of "
                    f"{kernel.name} in a way that is no straight line"
                )
            arrays.append((number, array, (once - base) / steps[name]))
        if not arrays and not _covers_nothing(neuron, name):
            raise ParameterError(
                f"differentiate: wrt {name!r} is not offered: the run reads it as data, of which "
                "there is no derivative"
            )
        found[name] = Place(name, asked[name], tuple(arrays))
    return found


def _covers_nothing(neuron: Neuron, name: str) -> bool:
    """Whether a parameter is that of a cable that others cover in every compartment."""
    label, _, field = name.partition(".")
    if field != "C_m":
        return False
    owner = np.full(len(neuron.compartments), "everywhere", dtype=object)
    for painted in neuron.painted:
        if isinstance(painted.part, Cable):
            owner[painted.region.mask(neuron.compartments)] = painted.label
    return label not in owner


def _apart(name: str) -> bool:
    return name.endswith((".R_a", f".{_WEIGHT}"))


def _arrays(composed: Composed) -> list[tuple[int, str, np.ndarray]]:
    """Return the arrays that parameters set: kernel, name, values."""
    found = []
    for k, (kernel, given) in enumerate(
        zip(composed.model.kernels, composed.inputs.kernels, strict=True)
    ):
        # Where states start is another matter (`derivatives_of_rest`).
        found += [(k, n, v) for n, v in given.values.items() if n not in kernel.states]
        if given.events is not None:
            found += [(k, f"increment of {n}", v) for n, v in given.events.factors.items()]
    return found


def weight_name(neuron: Neuron, label: str) -> str:
    """Return the full name of the weights of a placement, given with or without ``.weight``.

    Raises
    ------
    UnknownNameError
        No receptors at which events arrive have this label.
    """
    known = [
        placed.label
        for placed in neuron.placed
        if isinstance(placed.part, Receptor) and placed.arrivals is not None
    ]
    plain = label.removesuffix(f".{_WEIGHT}")
    if plain not in known:
        raise UnknownNameError(f"differentiate: weights of {plain!r}: {suggest(plain, known)}")
    return f"{plain}.{_WEIGHT}"


def points_of(
    neuron: Neuron, composed: Composed, run: Run, asked: Collection[str]
) -> dict[str, tuple[int, np.ndarray, int]]:
    """Return by name the kernel, the point of each event and the number of points.

    Receptors that share the states of one compartment are told apart by their events.
    """
    found = {}
    start, stop = run.events_window
    for index, placed in enumerate(neuron.placed):
        name = f"{placed.label}.{_WEIGHT}"
        if name not in asked:
            continue
        kernel = composed.receptors[placed.label][0]
        points = np.asarray(placed.site.compartments(neuron.compartments), dtype=int)
        arriving = gather_arrivals(
            placed, index, points, np.arange(len(points)), {},
            cells=run.cells, seeds=run.seeds, start=start, stop=stop,
        )  # fmt: skip
        found[name] = (kernel, arriving.site, len(points))
    return found


def axial_share(neuron: Neuron, name: str, numbers: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Return by how much each axial conductance follows an axial resistivity, shape (nodes,).

    Parameters
    ----------
    neuron : Neuron
    name : str
        ``"<label>.R_a"``.
    numbers : ndarray of int, shape (nodes,)
        Number in the engine of each node of the morphology.
    up : ndarray, shape (nodes,)
        The conductances, in the order of the engine.

    Raises
    ------
    ParameterError
        The resistivity has a value of its own in each compartment.
    """
    shape, label = neuron.compartments, name.removesuffix(".R_a")
    mask = np.full(len(shape), label == "everywhere")
    for painted in neuron.painted:
        if isinstance(painted.part, Cable):
            here = painted.region.mask(shape)
            if painted.label == label and "R_a" in profiles(painted, shape):
                raise ParameterError(
                    f"differentiate: {name} has a value of its own in each compartment "
                    "(paint(values=...)), so that it is no single number to differentiate by"
                )
            mask[here] = painted.label == label
    # The resistance between two nodes is a sum of resistivities times lengths over areas.
    resistance = np.empty(len(up))
    resistance[numbers] = shape.axial_resistance(mask.astype(float))
    return np.asarray(-(up**2) * resistance)
