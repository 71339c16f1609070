"""What is kept of each row: built-in quantities by name, or a function of the user's.

A measure of runs gets the `Recording` of a whole chunk and returns an array a quantity. A measure
of rows gets one row's description and seed, and returns numbers; it may run whatever it likes. A
store must be able to say what its numbers mean: a user's function is known by its source and by a
version that the user states, because the source does not show what the function calls.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from brian2.units import Quantity, have_same_dimensions, pA, second

from experiments.kit.words import quantity_of
from experiments.sweep.errors import MeasureError
from experiments.sweep.rows.measure import Measure, source_of, unit_of
from experiments.sweep.rows.model_measures import converted_accuracy, training, unit, velocity
from neurosim.errors import NeurosimError, ParameterError, UnknownNameError, suggest
from neurosim.stimuli import Constant

__all__ = [
    "BUILT_IN",
    "Measure",
    "count",
    "measure_of_rows",
    "measure_of_runs",
    "measures_of",
    "threshold",
]


def measure_of_runs(
    function: Callable[..., Any],
    *,
    version: str,
    outputs: Mapping[str, str],
    record: Sequence[str] = (),
    **arguments: Any,
) -> Measure:
    """Return a measure of the user's: a function of the recording of many rows.

    Parameters
    ----------
    function : callable
        Takes a `neurosim.Recording` and the arguments; returns an array of one number a row, or a
        mapping of several. Written in a file, by ``def``, without variables of a function around
        it.
    version : str
        To be changed by you whenever the function, or what it calls, computes something else.
    outputs : mapping of str to str
        Names and units of what it returns, such as ``{"latency": "s"}``. Quantities are converted
        to that unit; plain numbers are taken to be in it.
    record : sequence of str
        Variables that are traced for it.
    **arguments
        Passed on; plain numbers, texts or quantities.

    Raises
    ------
    MeasureError
        The function is a closure, or its source is not known.
    """
    return _users(function, version, outputs, "runs", tuple(record), arguments)


def measure_of_rows(
    function: Callable[..., Any], *, version: str, outputs: Mapping[str, str], **arguments: Any
) -> Measure:
    """Return a measure of the user's: a function of one row and its seed.

    It may do anything, such as train a network or convert one. The function takes a description
    with the row's coordinates set (a `Run`, or a dict of options), the seed as an int, and the
    arguments. It returns a number, or a mapping of several. Otherwise as `measure_of_runs`.
    """
    return _users(function, version, outputs, "rows", (), arguments)


def _users(
    function: Callable[..., Any],
    version: str,
    outputs: Mapping[str, str],
    of: str,
    record: tuple[str, ...],
    arguments: Mapping[str, Any],
) -> Measure:
    name = getattr(function, "__name__", repr(function))
    if not inspect.isfunction(function) or name == "<lambda>":
        raise MeasureError(f"measure {name!r}: give a function that is written by def")
    if function.__closure__:
        names = ", ".join(function.__code__.co_freevars)
        raise MeasureError(
            f"measure {name!r} uses variables of a function around it ({names}), which a store "
            "cannot know; pass them as arguments of the measure"
        )
    if not isinstance(version, str) or not version:
        raise MeasureError(f"measure {name!r}: state its version, such as version='1'")
    if not outputs or not all(isinstance(one, str) for one in outputs.values()):
        raise MeasureError(
            f"measure {name!r}: say what it returns and in which unit, such as "
            "outputs={'latency': 's'}"
        )
    for output, spelt in outputs.items():
        if not output.isidentifier():
            raise MeasureError(f"measure {name!r}: {output!r} is no name; take letters and _")
        unit_of(spelt, f"measure {name!r}, {output}")
    source_of(function)
    given = tuple(sorted(arguments.items()))
    return Measure(name, function, version, tuple(outputs.items()), of, record, given)


def _count(recording: Any, start: Any = None, stop: Any = None) -> np.ndarray:
    found: np.ndarray = recording.counts(start, stop)
    return found


def _rate(recording: Any) -> np.ndarray:
    found: np.ndarray = recording.rate_Hz
    return found


def _interval_rate(recording: Any) -> np.ndarray:
    return np.asarray(recording.interval_rate())


def _interval_cv(recording: Any) -> np.ndarray:
    found: np.ndarray = recording.interval_cv()
    return found


def _first_spike(recording: Any) -> np.ndarray:
    found = np.full(recording.rows, np.nan)
    rows, first = np.unique(recording.spike_row, return_index=True)
    found[rows] = recording.spike_time_s[first]
    return found


def _deflection(recording: Any) -> dict[str, np.ndarray]:
    v = recording.traces_si["v"]
    change = v - v[:, :1]
    return {"v_rise": change.max(axis=1), "v_fall": change.min(axis=1)}


def _threshold(run: Any, seed: int) -> float:
    from neurosim.measure.excitability import rheobase

    if run.stimulus is not None and run.stimulus != Constant(0 * pA):
        raise ParameterError(
            "measure 'threshold' injects steps of its own; leave out the stimulus of the Run, and "
            "axes of it"
        )
    return float(rheobase(run.neuron, duration=run.duration, dt=run.dt))


def count(start: Quantity | None = None, stop: Quantity | None = None) -> Measure:
    """Return the number of spikes in a window, by default in the whole run."""
    window = {"start": start, "stop": stop}
    given = tuple((name, time) for name, time in window.items() if time is not None)
    return Measure("count", _count, "1", (("count", ""),), "runs", (), given)


def threshold() -> Measure:
    """Return the smallest step of current, as long as the run, at which the neuron fires."""
    return Measure("threshold", _threshold, "1", (("threshold", "A"),), "rows")


BUILT_IN: dict[str, Measure] = {
    "count": count(),
    "rate": Measure("rate", _rate, "1", (("rate", "Hz"),), "runs"),
    "interval_rate": Measure("interval_rate", _interval_rate, "1", (("interval_rate", "Hz"),),
                             "runs"),
    "interval_cv": Measure("interval_cv", _interval_cv, "1", (("interval_cv", ""),), "runs"),
    "first_spike": Measure("first_spike", _first_spike, "1", (("first_spike", "s"),), "runs"),
    "deflection": Measure("deflection", _deflection, "1", (("v_rise", "V"), ("v_fall", "V")),
                          "runs", ("v",)),
    "threshold": threshold(),
}  # fmt: skip
"""Measures by name.

``deflection`` is how far the membrane potential rises and falls from where it starts, such as the
height of an EPSP; ``first_spike`` is nan where no spike falls.
"""


def _times(text: str, what: str) -> list[Quantity]:
    told = [part for part in text.split(",") if part.strip()]
    if len(told) > 2:
        raise MeasureError(f"measure {what!r}: give a start and a stop, as in count(10 ms, 50 ms)")
    times = [quantity_of(part.strip(), f"measure {what!r}") for part in told]
    if not all(have_same_dimensions(time, second) for time in times):
        raise MeasureError(f"measure {what!r}: a window is two times, as in count(10 ms, 50 ms)")
    return times


_MADE: dict[str, tuple[Callable[..., Measure], tuple[type, ...]]] = {
    "converted_accuracy": (converted_accuracy, (str, int)),
    "training": (training, (str,)),
    "unit": (unit, (str,)),
    "velocity": (velocity, (str, float, float)),
}
"""Measures that take words and numbers, with the types of these."""


def _named(text: str) -> Measure:
    """Return the measure of a text such as ``count``, ``count(10 ms)`` or ``unit(softplus)``."""
    call = re.fullmatch(r"(\w+)\((.*)\)", text.strip())
    name, inside = (text.strip(), "") if call is None else (call[1], call[2])
    if name == "count" and call is not None:
        return count(*_times(inside, text))
    if name in BUILT_IN and not inside:
        return BUILT_IN[name]
    if name not in _MADE:
        known = [*BUILT_IN, *_MADE]
        if name in BUILT_IN:
            raise MeasureError(f"sweep: measure {text!r}: {name} takes nothing in brackets")
        raise UnknownNameError(f"sweep: measure {text!r}: {suggest(name, known)}")
    make, types = _MADE[name]
    words = [word.strip() for word in inside.split(",") if word.strip()]
    try:
        given = [kind(word) for kind, word in zip(types, words, strict=False)]
        if len(words) > len(types):
            raise ValueError(f"it takes at most {len(types)} in brackets")
        return make(*given)
    except NeurosimError:
        raise
    except (TypeError, ValueError) as error:
        raise MeasureError(f"sweep: measure {text!r}: {error}") from None


def measures_of(given: Any) -> tuple[Measure, ...]:
    """Return one or several measures of what a user gives: names, measures, or a list of these.

    Examples
    --------
    >>> [one.name for one in measures_of(["count(10 ms, 50 ms)", "rate"])]
    ['count', 'rate']
    """
    several = [given] if isinstance(given, str | Measure) or not np.iterable(given) else list(given)
    found = []
    for one in several:
        if isinstance(one, str):
            one = _named(one)
        if not isinstance(one, Measure):
            raise MeasureError(
                "sweep: a measure is a name such as 'count', or made by measure_of_runs or "
                f"measure_of_rows; got {one!r}"
            )
        found.append(one)
    if not found:
        raise MeasureError("sweep: say what is measured, such as measure='count'")
    names = [name for one in found for name, _ in one.outputs]
    for name in names:
        if names.count(name) > 1 or name in ("seed", "row", "row_hash"):
            raise MeasureError(f"sweep: two numbers of a row would be called {name!r}")
    return tuple(found)
