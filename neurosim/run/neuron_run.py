"""Run a neuron with extent: from a `Neuron` to a `NeuronRecording`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from brian2.units import Quantity, get_dimensions, ms, pA, second

from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Placed
from neurosim.engine.cable import CableResults, execute_cable
from neurosim.engine.cable.compose import Composed, Run, compose_cable
from neurosim.engine.point.execute import choose_engine
from neurosim.errors import (
    DivergenceError,
    EngineError,
    ParameterError,
    UnitError,
    UnknownNameError,
    suggest,
)
from neurosim.morphology import Compartments, root_site
from neurosim.quantities import check_quantity, check_seed
from neurosim.run.batch import batch_places, resolve_batch
from neurosim.run.recording import Recording, versions
from neurosim.stimuli import Constant, Stimulus

__all__ = [
    "SCHEMES",
    "NeuronRecording",
    "Times",
    "check_times",
    "diverged",
    "prepare",
    "recording_of",
    "simulate_neuron",
    "with_stimulus",
]

SCHEMES = {"backward-euler": 1.0, "crank-nicolson": 0.5}
_MOST_STEPS = 1e12


@dataclass(frozen=True, eq=False, repr=False)
class NeuronRecording(Recording):
    """Spikes and traces of a batch of neurons with extent.

    The spike trains are those of the first detector; `at` gives those of another.

    Attributes
    ----------
    detectors : dict of str to (ndarray of int, ndarray)
        By detector, cell and time (second) of each spike, sorted by cell, then by time.
    compartments : Compartments
        How the morphology was cut; says which rule did it.
    trace_units : dict of str to Quantity
        A value of the unit of each trace.
    final_v_si : ndarray, shape (compartments, cells)
        Membrane potential at the end, in volt.
    """

    detectors: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    compartments: Compartments | None = None
    trace_units: dict[str, Quantity] = field(default_factory=dict)
    final_v_si: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))

    def spike_times_at(self, detector: str, row: int = 0) -> Quantity:
        """Return the spike times of one cell at a detector.

        Raises
        ------
        UnknownNameError
            There is no such detector.
        ParameterError
            There is no such cell.
        """
        if detector not in self.detectors:
            raise UnknownNameError(
                f"there is no detector {detector!r}: {suggest(detector, self.detectors)}"
            )
        if not -self.rows <= row < self.rows:
            raise ParameterError(f"there is no row {row}: rows are 0 to {self.rows - 1}")
        row %= self.rows
        cells, times = self.detectors[detector]
        return times[cells == row] * second

    def _dimension(self, name: str) -> Any:
        if name in self.trace_units:
            return get_dimensions(self.trace_units[name])
        assert isinstance(self.neuron, Neuron)
        return get_dimensions(batch_places(self.neuron)[name][0])


def simulate_neuron(
    neuron: Neuron,
    duration: Quantity,
    *,
    stimulus: Stimulus | None = None,
    batch: Mapping[str, Any] | None = None,
    seed: int | Sequence[int] | np.ndarray = 0,
    dt: Quantity | None = None,
    record: Sequence[str] = (),
    record_dt: Quantity | None = None,
    settle: Quantity | None = None,
    scheme: str = "crank-nicolson",
    engine: str = "auto",
    jobs: int = 1,
    progress: Callable[[float], None] | None = None,
) -> NeuronRecording:
    """Run a neuron with extent; `neurosim.simulate` calls this.

    Parameters are those of `neurosim.simulate`.
    """
    if stimulus is not None and not isinstance(stimulus, Stimulus):
        raise UnitError(
            f"stimulus must be a description such as Constant(200*pA); got {stimulus!r}"
        )
    times = check_times(neuron, duration, dt, record_dt, settle, scheme, jobs)
    neuron = with_stimulus(neuron, stimulus, record)
    run = prepare(neuron, batch or {}, check_seed(seed), times)
    composed = compose_cable(neuron, run)
    used = choose_engine(engine)
    try:
        results = execute_cable(
            composed.model, composed.inputs, engine=used, threads=jobs, progress=progress
        )
    except DivergenceError as error:
        raise EngineError(diverged(error, neuron, composed, times.dt)) from None
    return recording_of(neuron, stimulus, run, composed, results, used)


def diverged(error: DivergenceError, neuron: Neuron, composed: Composed, dt: float) -> str:
    """Say where on the neuron a run diverged, and what to do."""
    shape = neuron.compartments
    here = int(np.flatnonzero(composed.numbering == error.compartment)[0])
    middle = float(shape.start[here] + shape.end[here]) / 2
    name = shape.branch_names[int(shape.branch[here])]
    return (
        f"the run diverged: the membrane potential of cell {error.cell} at {name!r} "
        f"({middle:.2g} of the way along it, compartment {here}) left -10 to 10 V before "
        f"{error.time_s * 1e3:g} ms; use a dt smaller than {dt * 1e3:g} ms, or check the "
        "conductances and currents there and whether every gate has a steady state"
    )


class Times(NamedTuple):
    """Durations and steps of a run, in second, and what the scheme makes implicit."""

    duration: float
    dt: float
    trace_dt: float
    settle: float
    theta: float


def check_times(
    neuron: Neuron,
    duration: Quantity,
    dt: Quantity | None,
    record_dt: Quantity | None,
    settle: Quantity | None,
    scheme: str,
    jobs: int,
) -> Times:
    """Return how long and in which steps a run goes, or say what is wrong with it."""

    def in_seconds(given: Quantity | None, default: Quantity, what: str, **rule: Any) -> float:
        value = default if given is None else given
        return float(check_quantity(value, 0.1 * ms, f"simulate: {what}", **rule))

    length = in_seconds(duration, 100 * ms, "duration", above=0 * ms)
    step = in_seconds(dt, neuron.default_dt_ms * ms, "dt", above=0 * ms)
    sample = in_seconds(record_dt, step * second, "record_dt", above=0 * ms)
    pause = in_seconds(settle, 0 * ms, "settle", at_least=0 * ms)
    if step > length:
        raise ParameterError(
            f"simulate: dt ({step * second}) is longer than the duration ({length * second})"
        )
    if isinstance(jobs, bool) or not isinstance(jobs, int | np.integer) or jobs < 1:
        raise ParameterError(f"simulate: jobs must be a whole number of at least 1; got {jobs!r}")
    if scheme not in SCHEMES:
        raise UnknownNameError(f"simulate: scheme {scheme!r}: {suggest(scheme, SCHEMES)}")
    if length / step > _MOST_STEPS:
        raise ParameterError(
            f"simulate: {length / step:.3g} steps of dt ({step * second}) are more than a run can "
            f"take ({_MOST_STEPS:g}); take a longer dt"
        )
    if sample > length:
        raise ParameterError(
            f"simulate: record_dt ({sample * second}) is longer than the duration "
            f"({length * second})"
        )
    # What is run is whole steps, and so is what the recording says.
    length, sample, pause = (_whole_steps(time, step) for time in (length, sample, pause))
    return Times(length, step, max(sample, step), pause, SCHEMES[scheme])


def _whole_steps(time: float, step: float) -> float:
    """Return the nearest whole number of steps; the time itself where it is one."""
    whole = round(time / step) * step
    return time if abs(whole - time) <= 1e-9 * time else whole


def with_stimulus(neuron: Neuron, stimulus: Stimulus | None, record: Sequence[str]) -> Neuron:
    """Return the neuron with an electrode, and traces, at the middle of its root branch."""
    if stimulus is not None:
        if any(placed.label == "stimulus" for placed in neuron.placed):
            raise ParameterError(
                "simulate: something placed on the neuron is labelled 'stimulus', the name of the "
                "current given here; give it another label"
            )
        injected = Placed(stimulus, root_site, "stimulus")
        neuron = neuron.replace(placed=(*neuron.placed, injected))
    if isinstance(record, str):
        raise ParameterError(f"record must be a list such as [{record!r}], not a string")
    for name in record:
        if not isinstance(name, str):
            raise ParameterError(f"record must be a list of names such as ['v']; got {name!r}")
        # What every neuron calls its injected current.
        name = "stimulus.current" if name == "I_stim" else name
        if not any(p.label == p.variable == name and p.site == root_site for p in neuron.probed):
            neuron = neuron.probe(name, root_site)
    return neuron


def prepare(neuron: Neuron, batch: Mapping[str, Any], seeds: np.ndarray, times: Times) -> Run:
    """Return what a run asks beyond the neuron; the size of the batch follows from its arrays."""
    values = resolve_batch(neuron, batch)
    sizes = {name: len(value) for name, value in values.items() if value.ndim}
    if seeds.ndim:
        sizes["seed"] = len(seeds)
    varied = {name: size for name, size in sizes.items() if size != 1}
    if len(set(varied.values())) > 1:
        said = ", ".join(f"{size} for {name}" for name, size in varied.items())
        raise ParameterError(f"batch: all arrays must have one length; got {said}")
    cells = next(iter(varied.values()), 1)
    return Run(
        cells=cells,
        batch={name: np.broadcast_to(value, cells) for name, value in values.items()},
        seeds=np.broadcast_to(seeds, cells).copy(),
        duration=times.duration,
        dt=times.dt,
        trace_dt=times.trace_dt,
        settle=times.settle,
        theta=times.theta,
    )


def recording_of(
    neuron: Neuron,
    stimulus: Stimulus | None,
    run: Run,
    composed: Composed,
    results: CableResults,
    engine: str,
) -> NeuronRecording:
    """Return the recording of one group of cells."""
    names = [d.label for d in neuron.detectors] or ["root"]
    detectors = {}
    for k, name in enumerate(names):
        here = results.spike_detector == k
        order = np.lexsort((results.spike_time[here], results.spike_cell[here]))
        detectors[name] = (results.spike_cell[here][order], results.spike_time[here][order])
    first = detectors[names[0]]
    return NeuronRecording(
        neuron=neuron,
        stimulus=Constant(0 * pA) if stimulus is None else stimulus,
        wiring=None,
        duration_s=run.duration,
        dt_s=run.dt,
        rows=run.cells,
        parameters=dict(run.batch),
        seeds=run.seeds,
        spike_row=first[0],
        spike_time_s=first[1],
        trace_rows=np.arange(run.cells),
        trace_time_s=composed.inputs.trace_time(),
        traces_si={name: results.traces[k] for k, (name, _) in enumerate(composed.traces)},
        final_si={},
        engine=engine,
        versions=versions(),
        detectors=detectors,
        compartments=neuron.compartments,
        trace_units=composed.units,
        final_v_si=results.final[composed.numbering],
    )
