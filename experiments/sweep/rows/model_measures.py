"""Measures that take whole procedures of the other packages: units, velocities, trained networks.

Each is a measure of rows: it gets one row's description and seed, and runs what it needs.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from brian2.units import Quantity, ms, mV, pA

from experiments.sweep.errors import MeasureError
from experiments.sweep.rows.measure import Measure
from experiments.sweep.rows.swept import FREE
from neurosim.errors import UnknownNameError, suggest
from neurosim.quantities import check_quantity, check_whole
from neurosim.stimuli import Constant

__all__ = ["DATA", "converted_accuracy", "training", "unit", "velocity"]

DATA = ("breast_cancer", "diabetes", "digits", "iris", "wine")
"""Tables that come with scikit-learn."""
HELD_OUT = 0.3
"""Share of a table that is held out."""
# Said by the row, or of no meaning in a sweep.
_NOT_OPTIONS = {"network", "X", "seed", "engine", "jobs", "progress", "curve", "task", "memory"}


def unit(family: str = "softplus") -> Measure:
    """Return the artificial unit of one family that stands for the neuron of each row.

    Its numbers are those of `bridge.equivalent_unit`: the parameters of the unit, each named
    ``unit_`` and its own name, and ``unit_noise_ratio``, by how many times counting noise the unit
    misses the measured rates. The stimulus of the `Run` is background; its duration is how long
    spikes are counted at each current. A row whose curve is refused fails, with the reason.

    Examples
    --------
    >>> unit("softplus").outputs[:2]
    (('unit_gain_Hz_per_pA', 'Hz/pA'), ('unit_threshold_pA', 'pA'))
    """
    from bridge.units import FAMILIES

    known = {one.name: one for one in FAMILIES}
    if family not in known:
        raise UnknownNameError(f"measure 'unit': family {family!r}: {suggest(family, known)}")
    outputs = [(f"unit_{one.name}", _unit_of(one)) for one in known[family].parameters]
    outputs.append(("unit_noise_ratio", ""))
    return Measure("unit", _unit, "1", tuple(outputs), "rows", (), (("family", family),))


def velocity(
    branch: str, first: float, second: float, threshold: Quantity | None = None
) -> Measure:
    """Return how fast the first spike travels along a branch; 0 where it does not arrive.

    Parameters
    ----------
    branch : str
        Its name in the shape, such as ``"axon"``.
    first, second : float
        Two places on it, as shares of its length from 0 to 1.
    threshold : Quantity, optional
        Potential that is crossed (default: 0 mV).
    """
    for share in (first, second):
        if not 0 <= share <= 1:
            raise MeasureError(f"measure 'velocity': a place lies between 0 and 1; got {share!r}")
    crossed = 0 * mV if threshold is None else threshold
    check_quantity(crossed, 1 * mV, "measure 'velocity': threshold")
    given = {"branch": branch, "first": first, "second": second, "threshold": crossed}
    outputs = (("velocity", "meter/second"),)
    return Measure("velocity", _velocity, "1", outputs, "rows", (), tuple(given.items()))


def training(data: str = "digits") -> Measure:
    """Return how well a network of `ann` answers on rows that were held out of its training.

    ``score`` is the accuracy for classes, and R² for quantities; ``loss`` is that of training at
    its end. Options of the sweep, such as ``hidden`` or ``learning_rate``, are those of
    `ann.DeepNetwork`. Initial weights, order and division of the table follow from the row's seed.

    Parameters
    ----------
    data : str
        One of `DATA`.
    """
    outputs = (("score", ""), ("loss", ""))
    return Measure("training", _training, "1", outputs, "rows", (), (("data", _known(data)),))


def converted_accuracy(data: str = "digits", inputs: int = 200) -> Measure:
    """Return the accuracy of a network that was trained, and then put onto spiking neurons.

    ``accuracy`` is that of the spiking network at the option ``decision`` (default 50 ms), on
    inputs that were held out; ``accuracy_lost`` is by how much the trained network is better on the
    same ones. Options of the sweep are those of `ann.DeepNetwork` and of `bridge.convert`.

    Parameters
    ----------
    data : str
        One of `DATA` that has classes.
    inputs : int
        How many are shown, at most.
    """
    if _known(data) == "diabetes":
        raise MeasureError("measure 'converted_accuracy': diabetes has quantities and no classes")
    check_whole(inputs, "measure 'converted_accuracy': inputs")
    outputs = (("accuracy", ""), ("accuracy_lost", ""))
    given = (("data", data), ("inputs", inputs))
    return Measure("converted_accuracy", _converted_accuracy, "1", outputs, "rows", (), given)


def _unit_of(parameter: Any) -> str:
    """Return the unit of a parameter; that of a gain stands in its name only."""
    return "Hz/pA" if parameter.name.endswith("_Hz_per_pA") else str(parameter.quantity)


def _known(data: str) -> str:
    if data not in DATA:
        raise UnknownNameError(f"a measure of networks: data {data!r}: {suggest(data, DATA)}")
    return data


def _unit(run: Any, seed: int, family: str) -> dict[str, Any]:
    from bridge import equivalent_unit

    background = None if run.stimulus == Constant(0 * pA) else run.stimulus
    found = equivalent_unit(
        run.neuron, noise=background, families=[family], intervals=None, duration=run.duration,
        adaptation=False, seed=seed % 2**31, dt=run.dt,
    )  # fmt: skip
    fit = found.selection[family]
    numbers = {f"unit_{one.name}": getattr(fit.unit, one.name) for one in type(fit.unit).parameters}
    return numbers | {"unit_noise_ratio": fit.noise_ratio}


def _velocity(
    run: Any, seed: int, branch: str, first: float, second: float, threshold: Quantity
) -> Any:
    from neurosim.axon import conduction_velocity
    from neurosim.morphology import at

    more = {"dt": run.dt, "settle": run.settle, "scheme": run.scheme, "stimulus": run.stimulus}
    options = {name: value for name, value in more.items() if value is not None}
    return conduction_velocity(
        run.neuron, at(branch, first), at(branch, second), run.duration, threshold=threshold,
        seed=seed, **options,
    )  # fmt: skip


def _trained(options: Mapping[str, Any], seed: int, data: str) -> tuple[Any, Any, Any, Any]:
    """Return a network that has been trained, its inputs, and held-out inputs with answers."""
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    from ann import DeepNetwork

    X, y = getattr(datasets, f"load_{data}")(return_X_y=True)
    classes = data != "diabetes"
    number = seed % 2**32
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=HELD_OUT, stratify=y if classes else None, random_state=number
    )
    task = "classification" if classes else "regression"
    estimator = DeepNetwork(**{"task": task, "random_state": number, **options})
    return estimator.fit(X_train, y_train), X_train, X_test, y_test


def _divided(
    options: Mapping[str, Any], measure: str, *, converted: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return options of the network, and of its conversion; one that neither has is refused."""
    from ann import DeepNetwork
    from bridge import convert

    of_network = set(DeepNetwork().get_params())
    of_conversion = (
        set(inspect.signature(convert).parameters) - _NOT_OPTIONS if converted else set()
    )
    known = of_network | of_conversion
    for name in options:
        if name not in known and name not in FREE:
            raise UnknownNameError(f"measure {measure!r}: option {name!r}: {suggest(name, known)}")
    network = {name: value for name, value in options.items() if name in of_network}
    rest = {name: value for name, value in options.items() if name in of_conversion - of_network}
    return network, rest


def _training(options: Mapping[str, Any], seed: int, data: str) -> dict[str, float]:
    given, _ = _divided(options, "training", converted=False)
    estimator, _, X, y = _trained(given, seed, data)
    return {"score": float(estimator.score(X, y)), "loss": float(estimator.loss_curve_[-1])}


def _converted_accuracy(
    options: Mapping[str, Any], seed: int, data: str, inputs: int
) -> dict[str, float]:
    from bridge import convert

    given, conversion = _divided(options, "converted_accuracy", converted=True)
    estimator, X_train, X, y = _trained(given, seed, data)
    X, y = X[:inputs], y[:inputs]
    number = seed % 2**31
    spiking = convert(estimator, X_train, seed=number, **conversion)
    shown = spiking.run(X, conversion.get("decision", 50 * ms), seed=number)
    right = float(np.mean(shown.predict() == y))
    return {
        "accuracy": right,
        "accuracy_lost": float(np.mean(estimator.predict(X) == y)) - right,
    }
