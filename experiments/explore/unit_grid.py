"""What the Unit tab shows: the unit of a neuron at each point of a grid of noise and parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import Quantity, mV, pA
from brian2.units import ms as millisecond

from bridge.choice.selection import Selection
from bridge.choice.selection_words import FAMILY_HEAD, sentence
from bridge.equivalent.find_unit import equivalent_unit
from bridge.units import FAMILIES
from experiments.kit.store import Store, key_of_module
from neurosim import LIF, AdEx, HodgkinHuxley, PointNeuron

__all__ = ["MODELS", "Axis", "Model", "unit_at", "unit_data"]

Array = np.ndarray
UNITS: dict[str, Quantity] = {"mV": mV, "pA": pA, "ms": millisecond}
# Currents at which the curves of a unit are drawn.
FINE = 90
SEED = 1

LINES = """\
from brian2 import mV, ms, pA
from bridge import equivalent_unit
from neurosim import {kind}

found = equivalent_unit({neuron}, noise={noise}, adaptation=False, intervals=None, seed={seed})
print(found)
found.plot()
"""


@dataclass(frozen=True)
class Axis:
    """One slider: a parameter of the neuron, or its noise.

    Attributes
    ----------
    name : str
        A parameter of the neuron, or ``noise``.
    label, unit : str
        What the page calls it, and in which unit.
    values : tuple of float
        The points of the grid, rising.
    initial : float
        Where the slider stands at first.
    """

    name: str
    label: str
    unit: str
    values: tuple[float, ...]
    initial: float


@dataclass(frozen=True)
class Model:
    """A neuron of the catalogue with its sliders."""

    neuron: type[PointNeuron]
    label: str
    axes: tuple[Axis, ...]

    def points(self) -> Iterator[tuple[float, ...]]:
        """Every point of its grid, the last axis changing fastest."""
        yield from product(*(axis.values for axis in self.axes))


_NOISE_OF_CURRENT = "Noise (standard deviation of the current)"
MODELS: dict[str, Model] = {
    "LIF": Model(
        LIF,
        "leaky integrate-and-fire",
        (
            Axis("noise", "Noise (free membrane, SD)", "mV", (0, 1, 2, 3, 4, 5, 6, 8), 3),
            Axis("tau_m", "Membrane time constant", "ms", (10, 20, 40), 20),
        ),
    ),
    "AdEx": Model(
        AdEx,
        "adaptive exponential",
        (
            Axis("noise", _NOISE_OF_CURRENT, "pA", (0, 15, 30, 60, 90), 30),
            Axis("b", "Adaptation at each spike", "pA", (0, 60, 120), 60),
        ),
    ),
    "HodgkinHuxley": Model(
        HodgkinHuxley,
        "Hodgkin and Huxley's axon",
        # With more noise it fires without any current, and has no f-I curve from silence on.
        (Axis("noise", _NOISE_OF_CURRENT, "pA", (0, 5, 10, 20), 10),),
    ),
}


def _described(model: Model, point: Mapping[str, float]) -> tuple[str, str]:
    """The neuron and its noise in the words of Python."""
    said = {axis.name: f"{point[axis.name]:g} * {axis.unit}" for axis in model.axes}
    noise = said.pop("noise") if point["noise"] > 0 else "None"
    given = ", ".join(f"{name}={value}" for name, value in said.items())
    return f"{model.neuron.__name__}({given})", noise


def unit_at(name: str, point: tuple[float, ...]) -> dict[str, Any]:
    """Return the unit of a neuron at one point of its grid.

    Parameters
    ----------
    name : str
        A name of `MODELS`.
    point : tuple of float
        One of its points.

    Returns
    -------
    dict
        Counted rates (Hz) by current (pA), the chosen unit with its band, the sigmoid, and words.
    """
    model = MODELS[name]
    given = {
        axis.name: value * UNITS[axis.unit] for axis, value in zip(model.axes, point, strict=True)
    }
    noise = given.pop("noise")
    found = equivalent_unit(
        model.neuron(**given),
        noise=noise if noise > 0 * noise else None,
        adaptation=False,
        intervals=None,
        seed=SEED,
    )
    selection = found.selection
    words = [
        *selection.in_sentences(),
        *map(sentence, filter(None, [selection.sigmoid_in_words()])),
    ]
    if selection.sigmoid_loss is not None and selection.sigmoid_loss.best == "logistic":
        words.append("Here the sigmoid is the chosen unit.")
    told: dict[str, Any] = {
        "ok": found.ok,
        "words": words,
        "families": [list(row) for row in selection.in_cells()],
        "unlisted": [sentence(line) for line in selection.refusals("curve")],
        "current": _short(selection.curve.currents),
        "rate": _short(selection.curve.measured_rate_Hz()),
    }
    return told | _curves(selection)


def _curves(selection: Selection) -> dict[str, Any]:
    """The chosen unit and the sigmoid, as curves and as residuals."""
    best = selection.best
    if best is None:
        return {"best": None}
    fine = np.linspace(*best.valid_pA, FINE)
    low, high = selection.band(best, fine)
    told = {
        "best": best.family,
        "fine": _short(fine),
        "fit": _short(best.unit.rate(fine)),
        "low": _short(low),
        "high": _short(high),
        "residual": _short(best.residual_Hz),
        "countNoise": _short(best.noise_Hz),
    }
    sigmoid = next((fit for fit in selection.fits if fit.family == "logistic"), None)
    if sigmoid is not None:
        told["sigmoid"] = _short(sigmoid.unit.rate(fine))
        told["sigmoidResidual"] = _short(sigmoid.residual_Hz)
    return told


def _short(values: Any) -> list[float]:
    """Six digits: more than a picture shows, and a third of the room."""
    return [float(f"{value:.6g}") for value in np.asarray(values, float)]


def stored_key(name: str, point: tuple[float, ...]) -> str:
    """Return the name under which `unit_at` is stored.

    It rests on the code of this module and of what computes the unit. The page's scripts and
    styles do not count, as they would if the module were named here.
    """
    source = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    computed_by = equivalent_unit.__module__
    return key_of_module(computed_by, "explore: unit", model=name, point=point, source=source)


def unit_data(store: Store, progress: Callable[[float], None] | None = None) -> dict[str, Any]:
    """Return everything that the Unit tab needs, as plain values.

    Parameters
    ----------
    store : Store
        Points that were computed before, with the same code, are taken from here.
    progress : callable, optional
        Given the share that is done.

    Returns
    -------
    dict
    """
    points = [(name, point) for name, model in MODELS.items() for point in model.points()]
    found: dict[str, dict[str, Any]] = {name: {} for name in MODELS}
    for done, (name, point) in enumerate(points):
        key = stored_key(name, point)
        kept = store.obtain(key, lambda: unit_at(name, point))  # noqa: B023
        values = dict(zip((axis.name for axis in MODELS[name].axes), point, strict=True))
        neuron, noise = _described(MODELS[name], values)
        found[name]["/".join(f"{value:g}" for value in point)] = kept.values | {
            "neuron": neuron, "noise": noise,
        }  # fmt: skip
        if progress is not None:
            progress((done + 1) / len(points))
    return {
        "models": {
            name: {
                "label": model.label,
                "axes": [vars(axis) | {"values": list(axis.values)} for axis in model.axes],
                "points": found[name],
            }
            for name, model in MODELS.items()
        },
        "families": len(FAMILIES),
        "head": list(FAMILY_HEAD),
        "seed": SEED,
        "lines": LINES,
    }
