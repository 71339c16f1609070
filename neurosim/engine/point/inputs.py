"""What goes into a run and what comes out, as plain SI arrays."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from neurosim.engine.programs.course_tables import CourseTable

__all__ = ["Begin", "Inputs", "Results", "join", "level", "play", "split"]


@dataclass(frozen=True)
class Begin:
    """Where a run goes on.

    Attributes
    ----------
    step : int
        Number of the first step, counted from time 0.
    values : dict of str to ndarray, each of shape (rows,)
        What `Model.kept` names.
    flight_row, flight_back : ndarray of int, shape (spikes,)
        Row of each spike that may still be on its way, and how many steps ago it was fired (1: in
        the step before the first); the oldest first, rows ascending within a step.
    """

    step: int
    values: dict[str, np.ndarray]
    flight_row: np.ndarray
    flight_back: np.ndarray

    def part(self, first: int, last: int) -> Begin:
        """Return that of some rows, as a batch of their own."""
        here = (self.flight_row >= first) & (self.flight_row < last)
        return Begin(
            self.step,
            {name: values[first:last] for name, values in self.values.items()},
            self.flight_row[here] - first,
            self.flight_back[here],
        )


@dataclass(frozen=True)
class Inputs:
    """One batch, in SI units.

    Attributes
    ----------
    states : dict of str to ndarray, each of shape (rows,) or ()
        Parameters and initial states by variable; one number where all rows share it.
    recorded : ndarray of int
        Rows whose variables are traced.
    waveforms : list of ndarray
        Sampled currents, one array a channel.
    weights : ndarray, shape (n_units, n_units)
        Synaptic weights of one network; empty when rows are not wired.
    units : int
        Rows that belong together (units of one network; 1 for neurons on their own).
    duration, dt, trace_dt : float
        In second.
    begin : Begin, optional
        Where a run goes on that another one ended; by default it starts at time 0.
    courses : list of CourseTable
        Courses of parameters.
    """

    states: dict[str, np.ndarray]
    recorded: np.ndarray
    waveforms: list[np.ndarray]
    weights: np.ndarray
    units: int
    duration: float
    dt: float
    trace_dt: float
    begin: Begin | None = None
    courses: list[CourseTable] = field(default_factory=list)

    @property
    def start_step(self) -> int:
        """Number of the first step, counted from time 0."""
        return 0 if self.begin is None else self.begin.step

    @property
    def rows(self) -> int:
        """Number of rows."""
        return next(len(values) for values in self.states.values() if values.ndim)


@dataclass(frozen=True)
class Results:
    """What a run produced.

    Attributes
    ----------
    spike_row, spike_time : ndarray, shape (n_spikes,)
        Row and time (second) of each spike.
    final : dict of str to ndarray, each of shape (rows,)
        States at the end.
    trace_time : ndarray, shape (n_samples,)
        Times of the traces, in second.
    traces : dict of str to ndarray, each of shape (n_recorded, n_samples)
        Traced variables, in SI units.
    kept : dict of str to ndarray, each of shape (rows,)
        What `Model.kept` names, at the end.
    step : int
        Number of the step that would come next, counted from time 0.
    """

    spike_row: np.ndarray
    spike_time: np.ndarray
    final: dict[str, np.ndarray]
    trace_time: np.ndarray
    traces: dict[str, np.ndarray]
    kept: dict[str, np.ndarray]
    step: int

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray], record: tuple[str, ...]) -> Results:
        """Return the results of a program from its arrays; traces hold a row a sample."""
        time = arrays.get("trace.t", np.zeros(0))
        return cls(
            spike_row=arrays["spikes.i"].astype(np.int64),
            spike_time=arrays["spikes.t"],
            final={
                name.removeprefix("state."): values
                for name, values in arrays.items()
                if name.startswith("state.")
            },
            trace_time=time,
            traces={name: arrays[f"trace.{name}"].reshape(len(time), -1).T for name in record},
            kept={
                name.removeprefix("kept."): values
                for name, values in arrays.items()
                if name.startswith("kept.")
            },
            step=int(arrays["step"][0]),
        )


def split(inputs: Inputs, parts: int) -> tuple[list[Inputs], list[int]]:
    """Cut a batch into at most `parts` chunks of whole networks; also return their first rows."""
    networks = inputs.rows // inputs.units
    bounds = np.linspace(0, networks, min(parts, networks) + 1).round().astype(int) * inputs.units
    chunks = []
    for first, last in pairwise(bounds):
        states = {
            name: values[first:last] if values.ndim else values
            for name, values in inputs.states.items()
        }
        if "network_start" in states:
            states["network_start"] = states["network_start"] - first
        here = inputs.recorded[(inputs.recorded >= first) & (inputs.recorded < last)]
        begin = None if inputs.begin is None else inputs.begin.part(int(first), int(last))
        chunks.append(replace(inputs, states=states, recorded=here - first, begin=begin))
    return chunks, [int(first) for first in bounds[:-1]]


def join(results: list[Results], first_rows: list[int]) -> Results:
    """Put the results of the chunks of a batch together again."""

    def together(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    rows = [part.spike_row + first for part, first in zip(results, first_rows, strict=True)]
    return Results(
        spike_row=np.concatenate(rows),
        spike_time=np.concatenate([part.spike_time for part in results]),
        final=together([part.final for part in results]),
        trace_time=results[0].trace_time,
        traces=together([part.traces for part in results]),
        kept=together([part.kept for part in results]),
        step=results[0].step,
    )


def play(waveforms: list[np.ndarray], channel: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Return the sample of a waveform at a position counted in samples; 0 beyond its ends."""
    channel, position = np.broadcast_arrays(np.atleast_1d(channel), np.atleast_1d(position))
    sample = np.floor(position + 1e-6).astype(np.int64)
    found = np.zeros(channel.shape)
    for k in np.unique(channel):
        samples = waveforms[int(k)]
        inside = (channel == k) & (sample >= 0) & (sample < len(samples))
        found[inside] = samples[sample[inside]]
    return found


def level(tables: list[np.ndarray], channel: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return the level of a staircase at a time step; see `Stimulus.step_tables`."""
    channel, step = np.broadcast_arrays(np.atleast_1d(channel), np.atleast_1d(step))
    found = np.zeros(channel.shape)
    for k in np.unique(channel):
        edges, levels = np.split(tables[int(k)], 2)
        here = channel == k
        passed = np.searchsorted(edges, step[here], side="right")
        found[here] = np.concatenate([[0.0], levels])[passed]
    return found
