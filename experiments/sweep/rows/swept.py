"""What a sweep varies: a run of a neuron, or plain options that a function understands.

The axes of a grid are of three kinds. Parameters that `neurosim.simulate` takes as a batch go
through the engine together. What changes the description itself, such as the time step, the scale
of the shape or the neuron, is the same for all rows of an engine batch. The axes ``seed`` and
``repeat`` change the noise only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from brian2.units import Quantity, have_same_dimensions, ms, pA, second

from experiments.sweep.rows.axes import Axis
from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.errors import ParameterError, UnitError, UnknownNameError, suggest
from neurosim.quantities import check_quantity
from neurosim.run.argument_checks import SCHEMES, RunSettings
from neurosim.run.batch import batch_places, full_name, point_places
from neurosim.run.neuron_run import with_stimulus
from neurosim.stimuli import Constant, Stimulus

__all__ = ["FREE", "Run", "check_axes", "described", "structural_axes"]

FREE = ("seed", "repeat")
"""Axes that change the noise only."""
_TIMES = ("duration", "dt", "settle")
_SCALE = "morphology.scale"


@dataclass(frozen=True, eq=False)
class Run:
    """A run of `neurosim.simulate` that a sweep varies.

    Parameters
    ----------
    neuron : PointNeuron or Neuron, or mapping of str to those
        What runs; of a mapping the axis ``neuron`` of the grid takes the names.
    duration : Quantity
        How long, in second.
    stimulus : Stimulus, or mapping of str to Stimulus, optional
        Injected current; of a mapping the axis ``stimulus`` takes the names. By default a point
        neuron gets 0 pA, to be varied as ``current``.
    dt, settle, scheme
        As in `neurosim.simulate`.

    Examples
    --------
    >>> from neurosim import LIF
    >>> Run(LIF(), 1 * second).duration
    1. * second
    """

    neuron: Any
    duration: Quantity
    stimulus: Any = None
    dt: Quantity | None = None
    settle: Quantity | None = None
    scheme: str | None = None

    def __post_init__(self) -> None:
        check_quantity(self.duration, 1 * second, "Run: duration", above=0 * second)
        if self.dt is not None:
            check_quantity(self.dt, 0.1 * ms, "Run: dt", above=0 * second)
        if self.settle is not None:
            check_quantity(self.settle, 1 * second, "Run: settle", at_least=0 * second)
        if self.scheme is not None and self.scheme not in tuple(SCHEMES):
            raise UnknownNameError(f"Run: scheme {self.scheme!r}: {suggest(self.scheme, SCHEMES)}")
        for label, neuron in _named(self.neuron).items():
            if not isinstance(neuron, PointNeuron | Neuron):
                raise ParameterError(
                    "Run: neuron must be a description such as LIF() or textbook_neuron(), or a "
                    f"mapping of names to those; got {neuron!r}{label and f' for {label!r}'}. A "
                    "Circuit is swept by a measure of rows, see `measure_of_rows`"
                )
        for stimulus in _named(self.stimulus).values():
            if not isinstance(stimulus, Stimulus | None):
                raise ParameterError(
                    f"Run: stimulus must be a description such as Constant(0*pA); got {stimulus!r}"
                )

    def chosen(self, structural: Mapping[str, Any]) -> Run:
        """Return the run with all that changes its description set: one neuron, one stimulus.

        Parameters
        ----------
        structural : mapping of str to value
            By axis, in SI units or as a label.
        """
        run = self
        for name in ("neuron", "stimulus"):
            given = getattr(self, name)
            if isinstance(given, Mapping):
                run = replace(run, **{name: given[str(structural[name])]})
        if run.stimulus is None and isinstance(run.neuron, PointNeuron):
            run = replace(run, stimulus=Constant(0 * pA))
        for name in _TIMES:
            if name in structural:
                run = replace(run, **{name: float(structural[name]) * second})
        if "celsius" in structural:
            run = replace(run, neuron=run.neuron.replace(celsius=float(structural["celsius"])))
        if _SCALE in structural:
            run = replace(run, neuron=_scaled(run.neuron, float(structural[_SCALE])))
        return run

    def at(self, values: Mapping[str, Quantity]) -> Run:
        """Return the run with parameters of its neuron and stimulus set; it has one of each.

        Parameters
        ----------
        values : mapping of str to Quantity
            Single values, by the names that a batch has.
        """
        neuron, stimulus = self.neuron, self.stimulus
        places = self.places()
        for name, value in values.items():
            full = full_name(name, places)
            if isinstance(neuron, PointNeuron) and "." not in full:
                neuron = neuron.replace(**{full: value})
            elif isinstance(neuron, PointNeuron):
                stimulus = _with_component(stimulus, full, value)
            else:
                neuron, stimulus = _painted_with(neuron, stimulus, full, value)
        return replace(self, neuron=neuron, stimulus=stimulus)

    def places(self) -> dict[str, Any]:
        """Return by full name what a batch of this run can vary."""
        if isinstance(self.neuron, PointNeuron):
            return dict(point_places(self.neuron, self.stimulus or Constant(0 * pA)))
        return dict(batch_places(with_stimulus(self.neuron, self.stimulus, ())))

    def to_dict(self) -> dict[str, Any]:
        """Return what identifies the run, in plain values."""
        told: dict[str, Any] = {"kind": "Run", "scheme": self.scheme}
        for name in ("neuron", "stimulus"):
            given = _named(getattr(self, name))
            told[name] = {k: None if v is None else v.to_dict() for k, v in given.items()}
        for name in _TIMES:
            time = getattr(self, name)
            told[name] = None if time is None else float(time)
        return told


def described(description: Any) -> dict[str, Any]:
    """Return what identifies a description, in plain values.

    Raises
    ------
    ParameterError
        It is neither a `Run` nor a mapping of plain options.
    """
    if isinstance(description, Run):
        return description.to_dict()
    if not isinstance(description, Mapping):
        raise ParameterError(
            "sweep: description must be a Run, such as Run(LIF(), 1*second), or a mapping of "
            f"options for a measure of rows; got {description!r}"
        )
    return {"kind": "options", "options": {str(k): _option(k, v) for k, v in description.items()}}


def structural_axes(description: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the axes that are one value for all rows of a chunk."""
    if not isinstance(description, Run):
        return ()
    known = ("neuron", "stimulus", "celsius", _SCALE, *_TIMES)
    return tuple(name for name in names if name in known)


def check_axes(description: Any, axes: tuple[Axis, ...]) -> None:
    """Check that every axis varies something, with the right unit, and that nothing is left open.

    Raises
    ------
    UnknownNameError, UnitError, ParameterError
    """
    names = tuple(axis.name for axis in axes)
    for axis in axes:
        if axis.name in FREE and axis.kind != "whole":
            raise ParameterError(f"sweep: axis {axis.name!r} takes whole numbers")
        if axis.name == "seed" and axis.values is not None and axis.values.min() < 0:
            raise ParameterError("sweep: axis 'seed' takes numbers of at least 0")
    if not isinstance(description, Run):
        return
    structural = structural_axes(description, names)
    for name in ("neuron", "stimulus"):
        given = getattr(description, name)
        if isinstance(given, Mapping) != (name in structural):
            raise ParameterError(
                f"sweep: an axis {name!r} needs a mapping of names as Run({name}=...), and a "
                "mapping needs the axis"
            )
    for axis in axes:
        if axis.name in structural:
            _check_structural(description, axis)
    _check_fixed(description, structural)
    for neuron in _named(description.neuron).values():
        for stimulus in _named(description.stimulus).values():
            places = replace(description, neuron=neuron, stimulus=stimulus).places()
            for axis in axes:
                if axis.name not in (*structural, *FREE):
                    _check_batched(axis, places)


def _check_fixed(description: Run, structural: tuple[str, ...]) -> None:
    """Refuse what no row could run with, before there is a store full of failures."""
    neurons = _named(description.neuron).values()
    settles = description.settle is not None and "settle" not in structural
    asked = settles or description.scheme is not None
    if asked and any(isinstance(neuron, PointNeuron) for neuron in neurons):
        raise ParameterError("sweep: settle and scheme are for neurons with extent")
    if set(_TIMES) & set(structural):
        return
    for neuron in neurons:
        RunSettings.checked(
            neuron.default_dt_ms * ms,
            description.duration,
            seed=0,
            dt=description.dt,
            record=(),
            record_dt=None,
            settle=description.settle,
            scheme=description.scheme,
            engine="auto",
            jobs=1,
            progress=None,
        )


def _check_batched(axis: Axis, places: dict[str, Any]) -> None:
    default, _ = places[full_name(axis.name, places, "sweep")]
    if axis.kind == "label" or not have_same_dimensions(axis.unit, default):
        raise UnitError(
            f"sweep: axis {axis.name!r} needs values such as {default!r}; got values in "
            f"{axis.unit_name or 'plain numbers'}"
        )


def _check_structural(description: Run, axis: Axis) -> None:
    if axis.name in ("neuron", "stimulus"):
        known = getattr(description, axis.name)
        for label in [] if axis.values is None else axis.values.tolist():
            if label not in known:
                raise UnknownNameError(
                    f"sweep: axis {axis.name!r}: {label!r}: {suggest(str(label), known)}"
                )
        return
    wanted = second if axis.name in _TIMES else Quantity(1.0)
    if axis.values is None:
        raise ParameterError(
            f"sweep: each value of axis {axis.name!r} is an engine batch of its own; give a list "
            "of values instead of a range"
        )
    if axis.kind == "label" or not have_same_dimensions(axis.unit, wanted):
        raise UnitError(f"sweep: axis {axis.name!r} takes {wanted!r} and multiples of it")
    if axis.name in ("celsius", _SCALE):
        for neuron in _named(description.neuron).values():
            if not isinstance(neuron, Neuron):
                raise ParameterError(f"sweep: axis {axis.name!r} is for neurons with extent")
            if axis.name == _SCALE and neuron.initial is not None:
                raise ParameterError(
                    "sweep: a neuron that starts from values by compartment cannot be scaled"
                )
        if axis.name == _SCALE and axis.values.min() <= 0:
            raise ParameterError(f"sweep: axis {_SCALE!r} takes numbers above 0")


def _named(given: Any) -> dict[str, Any]:
    return dict(given) if isinstance(given, Mapping) else {"": given}


def _scaled(neuron: Neuron, scale: float) -> Neuron:
    """Return a neuron with all lengths and diameters of its shape multiplied."""
    shape = neuron.morphology
    larger = replace(shape, points_m=shape.points_m * scale, diameters_m=shape.diameters_m * scale)
    return neuron.replace(morphology=larger)


def _painted_with(neuron: Neuron, stimulus: Any, full: str, value: Quantity) -> tuple[Neuron, Any]:
    """Return neuron and stimulus with one parameter of a part set."""
    label, _, name = full.partition(".")
    if full == "everywhere.C_m":
        return neuron.replace(cable=neuron.cable.replace(C_m=value)), stimulus
    for kind in ("painted", "placed"):
        entries = getattr(neuron, kind)
        for k, entry in enumerate(entries):
            if entry.label != label:
                continue
            part = (
                _with_component(entry.part, name, value)
                if isinstance(entry.part, Stimulus)
                else entry.part.replace(**{name: value})
            )
            changed = (*entries[:k], replace(entry, part=part), *entries[k + 1 :])
            return neuron.replace(**{kind: changed}), stimulus
    # What remains is the stimulus of the run, which the run places by itself.
    return neuron, _with_component(stimulus, name, value)


def _with_component(stimulus: Any, full: str, value: Quantity) -> Any:
    """Return a stimulus with one number of one component set."""
    label, _, name = full.rpartition(".")
    field, _, number = name.partition("[")
    parts = stimulus.components()
    part = parts[label]
    if number:
        several = np.array(getattr(part, field), dtype=float)
        several[int(number.rstrip("]"))] = float(value)
        value = Quantity(several, dim=value.dim)
    changed = [dataclasses.replace(part, **{field: value}) if k == label else one
               for k, one in parts.items()]  # fmt: skip
    total = changed[0]
    for one in changed[1:]:
        total = total + one
    return total


def _option(name: Any, value: Any) -> Any:
    if isinstance(value, Quantity):
        return {"si": np.asarray(value, dtype=float).tolist(), "unit": repr(value.dim)}
    if isinstance(value, tuple | list):
        return [_option(name, one) for one in value]
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ParameterError(
        f"sweep: option {name!r} must be plain (a number, text, quantity, list of these, or a "
        f"description with to_dict), so that a store can tell it from another; got {value!r}"
    )
