"""What is kept of each row: built-in quantities by name, or a function of the user's.

A measure of runs gets the `Recording` of a whole chunk and returns an array a quantity. A measure
of rows gets one row's description and seed, and returns numbers; it may run whatever it likes. A
store must be able to say what its numbers mean: a user's function is known by its source and by a
version that the user states, because the source does not show what the function calls.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, have_same_dimensions, pA, second

from experiments.kit.words import quantity_of
from experiments.sweep.errors import MeasureError
from neurosim.errors import ParameterError, UnitError, UnknownNameError, suggest
from neurosim.quantities import unit_name
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


@dataclass(frozen=True)
class Measure:
    """A function of a chunk's recording, or of a row.

    Attributes
    ----------
    name : str
    function : callable
        ``function(recording, **arguments)``, or ``function(description, seed, **arguments)``.
    version : str
        Changes when what the function does changes.
    outputs : tuple of (str, str)
        Names and units of the numbers it returns.
    of : {"runs", "rows"}
        What it gets.
    record : tuple of str
        Variables to trace; `measure_of_runs` only.
    arguments : tuple of (str, value)
        Further arguments.
    """

    name: str
    function: Callable[..., Any]
    version: str
    outputs: tuple[tuple[str, str], ...]
    of: str
    record: tuple[str, ...] = ()
    arguments: tuple[tuple[str, Any], ...] = ()

    def __call__(self, *what: Any) -> dict[str, Any]:
        """Return the numbers by name."""
        found = self.function(*what, **dict(self.arguments))
        if not isinstance(found, Mapping):
            found = {self.outputs[0][0]: found}
        promised = {name for name, _ in self.outputs}
        if set(found) != promised:
            raise MeasureError(
                f"measure {self.name!r} promised {', '.join(sorted(promised))} and returned "
                f"{', '.join(sorted(map(str, found)))}"
            )
        return {name: self._in_unit(name, found[name], unit) for name, unit in self.outputs}

    def _in_unit(self, name: str, value: Any, unit: str) -> Any:
        """Return numbers in the stated unit: quantities are converted, numbers are taken so."""
        told = f"measure {self.name!r}, {name}"
        if value is None or np.iscomplexobj(value):
            what = "None" if value is None else "complex numbers"
            raise MeasureError(f"{told}: returned {what}; return real numbers, and nan for none")
        if not isinstance(value, Quantity):
            return value
        one = _unit(unit, told)
        if not have_same_dimensions(value, one):
            raise MeasureError(
                f"{told}: returned a quantity in {unit_name(value)}, and its unit was stated as "
                f"{unit or 'none'!r}"
            )
        return np.asarray(value / one, dtype=float)

    def to_dict(self) -> dict[str, Any]:
        """Return what identifies the measure, in plain values."""
        return {
            "name": self.name,
            "version": self.version,
            "source_sha256": hashlib.sha256(_source(self.function).encode()).hexdigest(),
            "outputs": [list(one) for one in self.outputs],
            "of": self.of,
            "record": list(self.record),
            "arguments": [[name, _plain(value)] for name, value in self.arguments],
        }


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
    if not outputs or not all(isinstance(unit, str) for unit in outputs.values()):
        raise MeasureError(
            f"measure {name!r}: say what it returns and in which unit, such as "
            "outputs={'latency': 's'}"
        )
    for output, unit in outputs.items():
        if not output.isidentifier():
            raise MeasureError(f"measure {name!r}: {output!r} is no name; take letters and _")
        _unit(unit, f"measure {name!r}, {output}")
    _source(function)
    given = tuple(sorted(arguments.items()))
    return Measure(name, function, version, tuple(outputs.items()), of, record, given)


def _unit(text: str, what: str) -> Quantity:
    """Return one of a unit such as ``mV``, ``V/s`` or ``nA*ms``; 1 of none.

    Examples
    --------
    >>> from brian2 import second, volt
    >>> bool(_unit("mV/ms", "a slope") == 1 * volt / second), float(_unit("", "a share"))
    (True, 1.0)
    """
    found = Quantity(1.0)
    if text in ("", "1"):
        return found
    for sign, name in re.findall(r"(^|[*/])([^*/]*)", text):
        try:
            if not name.strip()[:1].isalpha():
                raise UnitError(name)
            factor = quantity_of(f"1 {name.strip()}", what)
        except UnitError:
            raise MeasureError(
                f"{what}: {text!r} is no unit; write it as in mV, V/s or nA*ms, and '' for a "
                "number without unit"
            ) from None
        found = found / factor if sign == "/" else found * factor
    return Quantity(found)


def _source(function: Callable[..., Any]) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise MeasureError(
            f"measure {function.__name__!r}: its source cannot be read ({error}); write it in a "
            "file or a notebook cell"
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, Quantity):
        return {"si": np.asarray(value, dtype=float).tolist(), "unit": repr(value.dim)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise MeasureError(
        f"an argument of a measure must be a number, text or quantity; got {value!r}"
    )


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
            window = re.fullmatch(r"count\((.*)\)", one.strip())
            if window is not None:
                found.append(count(*_times(window[1], one)))
                continue
            if one not in BUILT_IN:
                raise UnknownNameError(f"sweep: measure {one!r}: {suggest(one, BUILT_IN)}")
            one = BUILT_IN[one]
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
