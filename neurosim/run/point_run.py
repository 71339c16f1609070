"""A run of point neurons: from a description and a batch to a `Recording`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from brian2.equations.equations import Equations
from brian2.units import Quantity, second

from neurosim.clamps import VoltageClamp
from neurosim.describe.point_neuron import FIRST_SAMPLE, PointNeuron
from neurosim.describe.wiring import FeedForward
from neurosim.engine.point.clamped import NAMES, START, clamp_numbers, compose_run
from neurosim.engine.point.execute import execute
from neurosim.engine.point.inputs import Begin, Inputs
from neurosim.engine.point.model import Model, course_number, draws
from neurosim.engine.programs.course_tables import CourseTable
from neurosim.equations.steady_state import steady_state
from neurosim.errors import ParameterError, RowError, UnknownNameError, suggest
from neurosim.quantities import unit_name
from neurosim.randomness import row_keys
from neurosim.run.argument_checks import RunSettings
from neurosim.run.batch import (
    batch_size,
    check_together,
    point_places,
    read_batch,
    variable_name,
)
from neurosim.run.continuing import initial_digest, with_values
from neurosim.run.course_settings import Courses, course_tables, resolve_courses
from neurosim.run.point_state import begin_point, point_state, shares_of_point
from neurosim.run.recording import Recording, versions
from neurosim.run.state import State
from neurosim.stimuli import Stimulus

__all__ = ["PreparedPoint", "prepare_point", "run_point"]


class PreparedPoint(NamedTuple):
    """A run of point neurons that is ready to be executed.

    Attributes
    ----------
    model : Model
        What has to be compiled.
    inputs : Inputs
        Values.
    equations : Equations
        Those of the model, as Brian2 reads them.
    start : str
        Parameter that holds the potential at the start.
    parameters : dict of str to ndarray, each of shape (rows,)
        By variable, what neuron and stimulus are given.
    seeds : ndarray of int, shape (rows,)
        Seeds.
    settings : RunSettings
        How it goes; what is recorded by the names of the equations.
    asked : dict of str to str
        By the name that was asked for, the variable that is recorded.
    wired : FeedForward or None
        Wiring that has something to run.
    begin : Begin or None
        Where another run ended.
    courses : dict
        By full name, what changes during the run.
    """

    model: Model
    inputs: Inputs
    equations: Equations
    start: str
    parameters: dict[str, np.ndarray]
    seeds: np.ndarray
    settings: RunSettings
    asked: dict[str, str]
    wired: FeedForward | None
    begin: Begin | None
    courses: Courses


def prepare_point(
    neuron: PointNeuron,
    stimulus: Stimulus,
    settings: RunSettings,
    *,
    batch: Mapping[str, Any] | None,
    record_rows: Sequence[int] | None = None,
    wiring: FeedForward | None = None,
    initial: State | Mapping[str, Any] | None = None,
    courses: Mapping[str, Any] | None = None,
) -> PreparedPoint:
    """Check the arguments of a run of point neurons, and work out all that it reads."""
    neuron.check_step(settings.dt)
    clamped = isinstance(stimulus, VoltageClamp)
    if clamped and wiring is not None:
        raise ParameterError(
            "simulate: a wiring cannot run under voltage clamp, because an ideal clamp keeps every "
            "unit from spiking; clamp the neuron without wiring="
        )
    asked = {name: NAMES.get(name, name) if clamped else name for name in settings.record}
    settings = replace(settings, record=tuple(dict.fromkeys(asked.values())))
    units = 1 if wiring is None else wiring.units
    # Without weights there is nothing to run of a wiring but its number of units.
    wired = wiring if wiring is not None and wiring.weights else None
    numbers = _read_numbers(neuron, stimulus, batch, courses, units)
    sizes = numbers.sizes
    if isinstance(initial, State):
        sizes = sizes | {"initial": initial.rows // units}
    networks = batch_size(sizes, settings.seed)
    rows = networks * units
    seeds = np.repeat(np.broadcast_to(settings.seed, networks), units)

    model = compose_run(
        neuron,
        stimulus,
        wired=wired is not None,
        record=settings.record,
        conductance=wired is not None and wired.conductance,
        delayed=wired is not None and wired.delayed,
        uniform=not numbers.changing
        and all(numbers.values[name].ndim == 0 for name in neuron.quantity_fields()),
        courses=numbers.course_units,
    )
    equations = Equations(model.equations)
    _check_record(tuple(asked), equations, NAMES if clamped else ())
    needed = (equations.parameter_names | equations.diff_eq_names) - {"I_stim"}
    _check_courses(numbers.changing, needed)
    tables: list[CourseTable] = []
    states = numbers.of_rows(needed, networks, units)
    states |= _first_of_courses(numbers.changing, tables, networks, units, settings)
    counted = {course_number(name) for name in numbers.course_units}
    parameters = {n: state for n, state in states.items() if n not in counted}
    sampled = _sampled(
        neuron,
        stimulus,
        {name: states[variable_name(name)] for name in numbers.varied},
        settings.dt,
    )
    states |= _more_states(neuron, stimulus, wired, networks, seeds)
    states |= {name: np.broadcast_to(number, rows) for name, number in sampled.numbers.items()}
    start = neuron.start
    if clamped:
        fields = {
            name: _spread(numbers.values[f"{stimulus.label}_{name}"], networks, units)
            for name in ("holding", "junction", "R_s", "compensation")
        }
        states |= clamp_numbers(fields)
        start = START
    states |= steady_state(equations, states, start=start, starts=neuron.starts, dt=settings.dt)
    begin = None
    if isinstance(initial, State):
        begin = begin_point(
            initial, neuron, model, wired, rows=rows, units=units, step=settings.start_step
        )
        settings = settings.whole_steps_from()
    elif initial is not None:
        known = {name: Quantity(1.0, dim=equations[name].dim) for name in equations.diff_eq_names}
        states |= with_values(initial, known, rows, lambda: shares_of_point(neuron))
    given = states | {name: numbers.values[name] for name in model.shared}
    recorded = _recorded(settings.record, record_rows, rows)
    inputs = Inputs(
        states={name: given[name] for name in sorted(needed)},
        recorded=recorded,
        waveforms=sampled.channels,
        weights=np.zeros((0, 0)) if wired is None else wired.matrix(),
        units=units,
        duration=settings.duration,
        dt=settings.dt,
        trace_dt=settings.record_dt,
        begin=begin,
        courses=tables,
    )
    return PreparedPoint(
        model, inputs, equations, start, parameters, seeds, settings, asked, wired, begin,
        numbers.changing,
    )  # fmt: skip


def run_point(
    neuron: PointNeuron,
    stimulus: Stimulus,
    settings: RunSettings,
    *,
    batch: Mapping[str, Any] | None,
    record_rows: Sequence[int] | None,
    wiring: FeedForward | None,
    initial: State | Mapping[str, Any] | None = None,
    courses: Mapping[str, Any] | None = None,
) -> Recording:
    """Run a batch of point neurons, or of networks of them; `neurosim.simulate` calls this."""
    ready = prepare_point(
        neuron, stimulus, settings, batch=batch, record_rows=record_rows, wiring=wiring,
        initial=initial, courses=courses,
    )  # fmt: skip
    model, inputs, settings = ready.model, ready.inputs, ready.settings
    results = execute(
        model, inputs, engine=settings.engine, jobs=settings.jobs, progress=settings.progress
    )
    _check_finite(results.final, settings.dt)
    order = np.lexsort((results.spike_time, results.spike_row))
    return Recording(
        neuron=neuron,
        stimulus=stimulus,
        wiring=wiring,
        duration_s=settings.duration,
        dt_s=settings.dt,
        rows=inputs.rows,
        parameters=ready.parameters,
        seeds=ready.seeds,
        spike_row=results.spike_row[order],
        spike_time_s=results.spike_time[order],
        trace_rows=inputs.recorded,
        trace_time_s=results.trace_time,
        traces_si={name: results.traces[variable] for name, variable in ready.asked.items()},
        final_si=results.final,
        engine=settings.engine,
        versions=versions(),
        start_s=settings.start_step * settings.dt,
        state=point_state(
            neuron,
            model,
            ready.wired,
            results,
            ready.seeds,
            dt=settings.dt,
            units=inputs.units,
            begin=ready.begin,
        ),
        initial_sha256=initial_digest(initial),
        courses=ready.courses,
    )


class _Numbers(NamedTuple):
    """The numbers of neuron and stimulus: as described, as the batch varies them, as courses.

    Attributes
    ----------
    varied : dict of str to ndarray
        By full name, what differs between the rows of the batch.
    changing : Courses
        By full name, what changes during the run.
    course_units : dict of str to str
        By variable, the unit of what changes.
    values : dict of str to ndarray
        By variable, every number: one, one a network, or one a unit of each network.
    sizes : dict of str to int
        By full name, how many rows it asks for.
    """

    varied: dict[str, np.ndarray]
    changing: Courses
    course_units: dict[str, str]
    values: dict[str, np.ndarray]
    sizes: dict[str, int]

    def of_rows(self, needed: set[str], networks: int, units: int) -> dict[str, np.ndarray]:
        """Return by variable one number a row, of those that equations need or rows differ in.

        Steps that are a table have no variables of their own; there may be any number of them.
        """
        wanted = needed | {variable_name(name) for name in self.varied}
        return {
            name: _spread(value, networks, units)
            for name, value in self.values.items()
            if name in wanted
        }


def _read_numbers(
    neuron: PointNeuron,
    stimulus: Stimulus,
    batch: Mapping[str, Any] | None,
    courses: Mapping[str, Any] | None,
    units: int,
) -> _Numbers:
    """Read batch and courses, and check them against the description and one another."""
    places = point_places(neuron, stimulus)
    varied, sizes = read_batch(batch, places, many=2)
    for name, numbers in varied.items():
        if numbers.ndim == 2 and numbers.shape[1] != units:
            raise ParameterError(
                f"batch: {name} has the shape {numbers.shape}; an array of two dimensions needs "
                f"one column a unit of the wiring, here {units}"
            )
    check_together(neuron, stimulus, varied)
    changing, more = resolve_courses(courses, places, varied, warms=False)
    values = {
        variable_name(name): varied.get(name, np.asarray(default, dtype=float))
        for name, (default, _) in places.items()
    }
    course_units = {variable_name(name): unit_name(places[name][0]) for name in changing}
    return _Numbers(varied, changing, course_units, values, sizes | more)


def _check_courses(changing: Courses, needed: set[str]) -> None:
    """Refuse a course of what the equations do not hold."""
    for name in changing:
        if variable_name(name) not in needed:
            raise ParameterError(
                f"courses: {name} is part of a table of steps, which cannot follow a course; give "
                "fewer steps, or the current itself as a course, Constant(...) with "
                "courses={'current': ...}"
            )


def _check_finite(final: Mapping[str, np.ndarray], dt: float) -> None:
    """End with an error where a state is no number at the end of the run."""
    for name, values in final.items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise RowError(
                f"the run diverged: {name} of row {bad[0]} is {values[bad[0]]} at the end "
                f"({len(bad)} of {len(values)} rows); use a smaller dt than {dt * second} or "
                "check its parameters"
            )


def _first_of_courses(
    changing: Courses,
    tables: list[CourseTable],
    networks: int,
    units: int,
    settings: RunSettings,
) -> dict[str, np.ndarray]:
    """Return number and first value of the course of each row; the courses are put into tables."""
    states: dict[str, np.ndarray] = {}
    start = settings.start_step * settings.dt
    for name, several in course_tables(changing).items():
        number = len(tables) + np.arange(networks) % len(several)
        first = np.array([table.at(start) for table in several])
        tables.extend(several)
        variable = variable_name(name)
        states[course_number(variable)] = np.repeat(number, units)
        states[variable] = _spread(first[np.arange(networks) % len(several)], networks, units)
    return states


def _spread(value: np.ndarray, networks: int, units: int) -> np.ndarray:
    """Return one number a row from a number, an array a network, or an array a unit."""
    if value.ndim == 1:
        value = value[:, np.newaxis]
    return np.broadcast_to(value, (networks, units)).ravel().copy()


def _more_states(
    neuron: PointNeuron,
    stimulus: Stimulus,
    wired: FeedForward | None,
    networks: int,
    seeds: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return what no user sets: random keys and the layout of the networks."""
    states: dict[str, np.ndarray] = {}
    rows = len(seeds)
    units = rows // networks
    if stimulus.noisy or draws(neuron):
        numbers = np.tile(np.arange(units), networks)
        states["key_low"], states["key_high"] = row_keys(seeds, numbers)
    if wired is not None:
        first, last = wired.targets()
        same = ["tau_syn", *(["E_exc", "E_inh"] if wired.conductance else [])]
        states |= {name: np.full(rows, float(getattr(wired, name))) for name in same}
        if wired.delayed:
            states["axon_delay"] = np.tile(np.broadcast_to(wired.delay, units), networks)
        states["network_start"] = np.repeat(np.arange(networks) * units, units)
        states["first_target"] = np.tile(first, networks)
        states["last_target"] = np.tile(last, networks)
    return states


class _Sampled(NamedTuple):
    """What equations look up: its channels, and the numbers by which they find them."""

    channels: list[np.ndarray]
    numbers: dict[str, np.ndarray]


def _sampled(
    neuron: PointNeuron, stimulus: Stimulus, varied: Mapping[str, np.ndarray], dt: float
) -> _Sampled:
    """Return waveforms and tables of steps, given what differs between rows by full name."""
    found = _Sampled([], {})
    for label, part in stimulus.components().items():
        waveforms = part.waveforms()
        if waveforms:
            found.numbers[f"{label}_first_channel"] = np.asarray(len(found.channels))
            found.channels.extend(waveforms)
        head = f"{label}."
        here = {name[len(head) :]: v for name, v in varied.items() if name.startswith(head)}
        part.check_lengths(dt, here)
        tables, which = part.step_tables(dt, here)
        if tables:
            found.numbers[f"{label}_table"] = len(found.channels) + which
            found.channels.extend(tables)
    if neuron.samples:
        found.numbers[FIRST_SAMPLE] = np.asarray(len(found.channels))
        found.channels.extend(np.array(samples) for samples in neuron.samples)
    return found


def _check_record(record: Sequence[str], equations: Equations, more: Iterable[str]) -> None:
    known = equations.diff_eq_names | equations.subexpr_names | {"I_stim", *more}
    for name in record:
        if name not in known:
            raise UnknownNameError(f"record: there is no variable {name!r}: {suggest(name, known)}")


def _recorded(record: Sequence[str], record_rows: Sequence[int] | None, rows: int) -> np.ndarray:
    if not record:
        return np.zeros(0, dtype=int)
    given = np.arange(rows) if record_rows is None else np.asarray(record_rows)
    if given.size == 0 or given.ndim != 1 or given.dtype.kind not in "iu":
        given = np.array([-1])
    chosen = np.unique(given)
    if chosen[0] < 0 or chosen[-1] >= rows:
        raise ParameterError(
            f"record_rows must be rows of the batch, 0 to {rows - 1}; got {record_rows!r}"
        )
    return chosen
