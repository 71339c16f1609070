"""Run a described neuron: one function, from a description to a `Recording`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from brian2.equations.equations import Equations
from brian2.units import Quantity, ms, pA, second

from neurosim.describe.point_neuron import PointNeuron
from neurosim.describe.wiring import FeedForward
from neurosim.engine.point.execute import execute
from neurosim.engine.point.inputs import Inputs
from neurosim.engine.point.model import compose
from neurosim.equations.steady_state import steady_state
from neurosim.errors import EngineError, ParameterError, UnitError
from neurosim.quantities import check_quantity, check_seed
from neurosim.run.point_run import (
    _batch_size,
    _batch_values,
    _check_record,
    _more_states,
    _needed,
    _recorded,
    _spread,
)
from neurosim.run.recording import Recording, versions
from neurosim.stimuli import Constant, Stimulus

if TYPE_CHECKING:
    from neurosim.describe.circuit import Circuit
    from neurosim.describe.neuron import Neuron
    from neurosim.run.circuit_run import CircuitRecording
    from neurosim.run.neuron_run import NeuronRecording

__all__ = ["simulate"]


@overload
def simulate(
    neuron: PointNeuron,
    duration: Quantity,
    *,
    stimulus: Stimulus | None = ...,
    batch: Mapping[str, Any] | None = ...,
    seed: int | Sequence[int] | np.ndarray = ...,
    dt: Quantity | None = ...,
    record: Sequence[str] = ...,
    record_rows: Sequence[int] | None = ...,
    record_dt: Quantity | None = ...,
    wiring: FeedForward | None = ...,
    settle: Quantity | None = ...,
    scheme: str | None = ...,
    engine: str = ...,
    jobs: int = ...,
    progress: Callable[[float], None] | None = ...,
) -> Recording: ...
@overload
def simulate(
    neuron: Neuron,
    duration: Quantity,
    *,
    stimulus: Stimulus | None = ...,
    batch: Mapping[str, Any] | None = ...,
    seed: int | Sequence[int] | np.ndarray = ...,
    dt: Quantity | None = ...,
    record: Sequence[str] = ...,
    record_rows: Sequence[int] | None = ...,
    record_dt: Quantity | None = ...,
    wiring: FeedForward | None = ...,
    settle: Quantity | None = ...,
    scheme: str | None = ...,
    engine: str = ...,
    jobs: int = ...,
    progress: Callable[[float], None] | None = ...,
) -> NeuronRecording: ...
@overload
def simulate(
    neuron: Circuit,
    duration: Quantity,
    *,
    stimulus: None = ...,
    batch: None = ...,
    seed: int = ...,
    dt: Quantity | None = ...,
    record: Sequence[str] = ...,
    record_rows: None = ...,
    record_dt: Quantity | None = ...,
    wiring: None = ...,
    settle: Quantity | None = ...,
    scheme: str | None = ...,
    engine: str = ...,
    jobs: int = ...,
    progress: Callable[[float], None] | None = ...,
) -> CircuitRecording: ...


def simulate(
    neuron: PointNeuron | Neuron | Circuit,
    duration: Quantity,
    *,
    stimulus: Stimulus | None = None,
    batch: Mapping[str, Any] | None = None,
    seed: int | Sequence[int] | np.ndarray = 0,
    dt: Quantity | None = None,
    record: Sequence[str] = (),
    record_rows: Sequence[int] | None = None,
    record_dt: Quantity | None = None,
    wiring: FeedForward | None = None,
    settle: Quantity | None = None,
    scheme: str | None = None,
    engine: str = "auto",
    jobs: int = 1,
    progress: Callable[[float], None] | None = None,
) -> Recording | CircuitRecording:
    """Run a neuron, or a batch of variations of it, as one run.

    A row of the batch is determined by its description, its parameters and its seed, and by
    nothing else: it gives the same spikes alone, in any batch and in any number of processes.

    Parameters
    ----------
    neuron : PointNeuron, Neuron or Circuit
        What to run, such as ``LIF()``, a neuron with extent (`neurosim.Neuron`), or populations of
        those with their connections (`neurosim.Circuit`).
    duration : Quantity
        How long, in second; a neuron with extent runs whole steps, the nearest number of them.
    stimulus : Stimulus, optional
        Injected current (default: ``Constant(0 * pA)``); in a neuron with extent at the middle of
        its root branch, the soma.
    batch : mapping of str to Quantity array, optional
        What varies over the batch: any parameter of the neuron or of the stimulus, as a flat array
        with units. All arrays have one length. With several stimuli a parameter may be named with
        its part, as ``"steps_2.amplitude"``. With `wiring`, each array has the shape (n_networks,)
        or (n_networks, n_units).
    seed : int or array of int
        Seed of the noise: one for all rows, or one a row (a batch of seeds). Rows that share a seed
        share their noise.
    dt : Quantity, optional
        Time step (default: the neuron's own).
    record : sequence of str
        Variables to trace, such as ``["v"]`` or ``["v", "I_stim"]``. A neuron with extent traces
        what it is probed for, and these at the middle of its root branch.
    record_rows : sequence of int, optional
        Rows to trace (default: all).
    record_dt : Quantity, optional
        Time step of the traces (default: every step); a whole number of steps, the nearest.
    wiring : FeedForward, optional
        Makes each member of the batch a network of such neurons.
    settle : Quantity, optional
        Neurons with extent only: time run before 0 to come to rest, without stimuli and events.
    scheme : {"crank-nicolson", "backward-euler"}, optional
        Neurons with extent only: how the membrane potential advances, of second order (default)
        or of first. Events and the edges of steps fall on whole time steps in both.
    engine : {"auto", "cpp", "numpy"}
        C++ when a compiler is found (auto), or what is asked for.
    jobs : int
        Processes (neurons with extent: threads) that share the batch.
    progress : callable, optional
        Called now and then with the share done, 0 to 1.

    Returns
    -------
    Recording
        For a neuron with extent a `neurosim.run.neuron_run.NeuronRecording`, for a circuit a
        mapping of population to those.

    Raises
    ------
    UnitError
        A value is a bare number or has the wrong unit.
    ParameterError
        A value is out of range, not finite, or of the wrong shape.
    UnknownNameError
        A name in `batch` or `record` is not a parameter or variable.
    EngineError
        The run could not be built, failed, or diverged.

    Examples
    --------
    >>> from brian2 import pA, second
    >>> from neurosim import LIF, simulate
    >>> recording = simulate(LIF(), 1 * second, batch={"current": [140, 160, 200] * pA})
    >>> recording.counts().tolist()
    [0, 17, 33]
    """
    if not isinstance(neuron, PointNeuron):
        from neurosim.describe.neuron import Neuron

        if isinstance(neuron, Neuron):
            from neurosim.run.neuron_run import simulate_neuron

            if wiring is not None or record_rows is not None:
                raise ParameterError(
                    "simulate: wiring and record_rows are for point neurons; probe a neuron with "
                    "extent, and connect it by the events of its terminals"
                )
            return simulate_neuron(
                neuron,
                duration,
                stimulus=stimulus,
                batch=batch,
                seed=seed,
                dt=dt,
                record=record,
                record_dt=record_dt,
                settle=settle,
                scheme=scheme or "crank-nicolson",
                engine=engine,
                jobs=jobs,
                progress=progress,
            )
        from neurosim.describe.circuit import Circuit

        if isinstance(neuron, Circuit):
            from neurosim.run.circuit_run import simulate_circuit

            if not (stimulus is wiring is record_rows is None) or batch:
                raise ParameterError(
                    "simulate: a circuit has its stimuli and batches by population (Circuit.add) "
                    "and its wiring in it (Circuit.connect)"
                )
            return simulate_circuit(
                neuron,
                duration,
                seed=seed,  # type: ignore[arg-type]
                dt=dt,
                record=record,
                record_dt=record_dt,
                settle=settle,
                scheme=scheme or "crank-nicolson",
                engine=engine,
                jobs=jobs,
                progress=progress,
            )
        raise ParameterError(f"neuron must be a description such as LIF(); got {neuron!r}")
    if settle is not None or scheme is not None:
        raise ParameterError("simulate: settle and scheme are for neurons with extent")
    stimulus = Constant(0 * pA) if stimulus is None else stimulus
    if not isinstance(stimulus, Stimulus):
        raise UnitError(
            f"stimulus must be a description such as Constant(200*pA); got {stimulus!r}"
        )
    length = float(check_quantity(duration, 100 * ms, "simulate: duration", above=0 * ms))
    step = float(
        check_quantity(
            neuron.default_dt_ms * ms if dt is None else dt, 0.1 * ms, "simulate: dt", above=0 * ms
        )
    )
    trace_step = float(
        check_quantity(
            step * second if record_dt is None else record_dt,
            0.1 * ms,
            "simulate: record_dt",
            above=0 * ms,
        )
    )
    if step > length:
        raise ParameterError(
            f"simulate: dt ({step * second}) is longer than the duration ({length * second})"
        )
    if jobs < 1:
        raise ParameterError(f"simulate: jobs must be at least 1; got {jobs}")
    units = 1 if wiring is None else wiring.units
    wired = wiring is not None and bool(wiring.weights)
    values, sizes = _batch_values(neuron, stimulus, batch or {}, units)
    seeds = check_seed(seed)
    networks = _batch_size(sizes, seeds)
    rows = networks * units
    row_seeds = np.repeat(np.broadcast_to(seeds, networks), units)

    model = compose(
        neuron,
        stimulus,
        wired=wired,
        record=tuple(record),
        conductance=wiring is not None and wiring.conductance,
        delayed=wiring is not None and wiring.delayed,
        uniform=all(values[name].ndim == 0 for name in neuron.quantity_fields()),
    )
    states = {name: _spread(value, networks, units) for name, value in values.items()}
    states |= _more_states(model.integers, stimulus, wiring, wired, networks, row_seeds)
    equations = Equations(model.equations)
    _check_record(record, equations)
    states |= steady_state(equations, states, start=neuron.start)
    recorded = _recorded(record, record_rows, rows)
    given = states | {name: values[name] for name in model.shared}
    inputs = Inputs(
        states={name: given[name] for name in _needed(equations)},
        recorded=recorded,
        waveforms=[w for part in stimulus.components().values() for w in part.waveforms()],
        weights=wiring.matrix() if wiring is not None and wired else np.zeros((0, 0)),
        units=units,
        duration=length,
        dt=step,
        trace_dt=trace_step,
    )
    results, used = execute(model, inputs, engine=engine, jobs=jobs, progress=progress)
    for name, final in results.final.items():
        bad = np.flatnonzero(~np.isfinite(final))
        if len(bad):
            raise EngineError(
                f"the run diverged: {name} of row {bad[0]} is {final[bad[0]]} at the end "
                f"({len(bad)} of {rows} rows); use a smaller dt than {step * second} or check its "
                "parameters"
            )
    order = np.lexsort((results.spike_time, results.spike_row))
    return Recording(
        neuron=neuron,
        stimulus=stimulus,
        wiring=wiring,
        duration_s=length,
        dt_s=step,
        rows=rows,
        parameters={name: states[name] for name in values},
        seeds=row_seeds,
        spike_row=results.spike_row[order],
        spike_time_s=results.spike_time[order],
        trace_rows=recorded,
        trace_time_s=results.trace_time,
        traces_si=results.traces,
        final_si=results.final,
        engine=used,
        versions=versions(),
    )
