"""Run a described neuron: one function, from a description to a `Recording`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict, Unpack, overload

import numpy as np
from brian2.units import Quantity, ms, pA, second

from neurosim.clamps import CurrentClamp, VoltageClamp
from neurosim.describe.circuit import Circuit
from neurosim.describe.course import Course
from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.describe.wiring import FeedForward
from neurosim.errors import ParameterError, UnitError
from neurosim.outside import ElectrodeArray, Placement
from neurosim.run.argument_checks import RunSettings
from neurosim.run.circuit_run import CircuitRecording, run_circuit
from neurosim.run.continuing import start_step
from neurosim.run.neuron_run import NeuronRecording, run_neuron
from neurosim.run.point_run import run_point
from neurosim.run.recording import Recording
from neurosim.run.state import State
from neurosim.stimuli import Constant, Stimulus

__all__ = ["settle", "simulate"]


class _Unsaid(int):
    """The seed of whoever gives none: 0, and told apart from a 0 that is given."""


_UNSAID = _Unsaid(0)


class _OfAll(TypedDict, total=False):
    dt: Quantity | None
    record: Sequence[str]
    record_dt: Quantity | None
    settle: Quantity | None
    initial: State | Mapping[str, Any] | None
    scheme: str | None
    outside: ElectrodeArray | None
    placement: Placement | Mapping[str, Placement] | None
    engine: str
    jobs: int
    progress: Callable[[float], None] | None


class _OfNeurons(_OfAll, total=False):
    stimulus: Stimulus | None
    batch: Mapping[str, Any] | None
    courses: Mapping[str, Course | Sequence[Course]] | None
    seed: int | Sequence[int] | np.ndarray
    record_rows: Sequence[int] | None
    wiring: FeedForward | None


class _OfCircuits(_OfAll, total=False):
    seed: int


@overload
def simulate(
    neuron: PointNeuron, duration: Quantity, **arguments: Unpack[_OfNeurons]
) -> Recording: ...
@overload
def simulate(
    neuron: Neuron, duration: Quantity, **arguments: Unpack[_OfNeurons]
) -> NeuronRecording: ...
@overload
def simulate(
    neuron: Circuit, duration: Quantity, **arguments: Unpack[_OfCircuits]
) -> CircuitRecording: ...


def simulate(
    neuron: PointNeuron | Neuron | Circuit,
    duration: Quantity,
    *,
    stimulus: Stimulus | None = None,
    batch: Mapping[str, Any] | None = None,
    courses: Mapping[str, Course | Sequence[Course]] | None = None,
    seed: int | Sequence[int] | np.ndarray = _UNSAID,
    dt: Quantity | None = None,
    record: Sequence[str] = (),
    record_rows: Sequence[int] | None = None,
    record_dt: Quantity | None = None,
    wiring: FeedForward | None = None,
    settle: Quantity | None = None,
    initial: State | Mapping[str, Any] | None = None,
    scheme: str | None = None,
    outside: ElectrodeArray | None = None,
    placement: Placement | Mapping[str, Placement] | None = None,
    engine: str = "auto",
    jobs: int = 1,
    progress: Callable[[float], None] | None = None,
) -> Recording | NeuronRecording | CircuitRecording:
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
    courses : mapping of str to Course, or to one Course a row, optional
        Parameters that change during the run, by the names that a batch has: the wash-in of a drug
        as the course of a conductance, for instance. In a neuron with extent also ``"celsius"``,
        the temperature, which everything that has a q10 follows.
    seed : int or array of int
        Seed of the noise: one for all rows, or one a row (a batch of seeds). Rows that share a seed
        share their noise. Default: 0, or the seeds of the state in `initial`.
    dt : Quantity, optional
        Time step (default: the neuron's own, or that of the state in `initial`).
    record : sequence of str
        Variables to trace, such as ``["v"]`` or ``["v", "I_stim"]``. A neuron with extent traces
        what it is probed for, and these at the middle of its root branch.
    record_rows : sequence of int, optional
        Rows to trace (default: all).
    record_dt : Quantity, optional
        Time step of the traces (default: every step); a whole number of steps, the nearest, not
        longer than the run.
    wiring : FeedForward, optional
        Makes each member of the batch a network of such neurons.
    settle : Quantity, optional
        Neurons with extent only: time run before 0 to come to rest, without stimuli and events.
        Pools of ions stay where they start; a warning names those that are not at rest there
        (`neurosim.dynamics.ion_rest` finds where they are). `neurosim.settle` does this once for
        many runs.
    initial : State or mapping of str to Quantity, optional
        Where the run starts (default: at rest). The state at the end of another run,
        ``recording.state``: the run goes on at the time where that one ended, as if there had been
        no pause. Give neuron, stimulus and batch again; they may have other parameters, but not
        other parts. A state of one row starts every row of a batch. Or starting values by name,
        such as ``{"v": -60 * mV, "ca_i": 50 * nM}``, one for all rows or one a row.
    scheme : {"crank-nicolson", "backward-euler"}, optional
        Neurons with extent only: how the membrane potential advances, of second order (default,
        but where a `VoltageClamp` is placed) or of first. Events and the edges of steps fall on
        whole time steps in both.
    outside : ElectrodeArray, optional
        Neurons with extent and circuits only: electrodes outside the cells. The recording's
        `outside` holds the potential there.
    placement : Placement, or mapping of str to Placement, optional
        Where the cells lie, for `outside` and for fields: of a neuron one placement for the batch,
        of a circuit one by population (default: in the coordinates of the morphology).
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
    if scheme is None and not isinstance(neuron, PointNeuron) and _clamped(neuron, stimulus):
        # The second-order scheme rings after a step of the command.
        scheme = "backward-euler"
    default_dt = getattr(neuron, "default_dt_ms", Neuron.default_dt_ms) * ms
    if isinstance(initial, State):
        default_dt = initial.dt_s * second
        if seed is _UNSAID:
            seed = initial.seed
        if settle is not None:
            raise ParameterError(
                "simulate: settle and a state in initial exclude each other; settle first, with "
                "neurosim.settle, and give its state as initial"
            )
    elif initial is not None and settle is not None:
        raise ParameterError(
            "simulate: settle and initial exclude each other, since values at the start are lost "
            "while the neuron comes to rest; give one of them"
        )
    elif not isinstance(initial, Mapping | None):
        raise ParameterError(
            "simulate: initial must be the state of a run, recording.state, or starting values by "
            f"name such as {{'v': -60 * mV}}; got {initial!r}"
        )
    settings = RunSettings.checked(
        default_dt,
        duration,
        seed=seed,
        dt=dt,
        record=record,
        record_dt=record_dt,
        settle=settle,
        scheme=scheme,
        engine=engine,
        jobs=jobs,
        progress=progress,
        outside=outside,
        placement=placement,
    )
    if isinstance(initial, State):
        settings = replace(settings, start_step=start_step(initial, settings.dt))
    if stimulus is not None and not isinstance(stimulus, Stimulus):
        raise UnitError(
            f"stimulus must be a description such as Constant(200*pA); got {stimulus!r}"
        )
    if isinstance(neuron, PointNeuron):
        if settle is not None or scheme is not None:
            raise ParameterError("simulate: settle and scheme are for neurons with extent")
        if isinstance(stimulus, CurrentClamp):
            raise ParameterError(
                f"simulate: {type(stimulus).__name__} needs a neuron with a membrane of channels; "
                f"{type(neuron).__name__} is a point neuron. Paint the channels on a Neuron of one "
                "compartment, Neuron(cylinder(20*um, 20*um), PerBranch(1)).paint([...])"
            )
        if outside is not None or placement is not None:
            raise ParameterError(
                "simulate: outside and placement are for neurons with extent: a point neuron has "
                "no place, and no currents outside"
            )
        current = Constant(0 * pA) if stimulus is None else stimulus
        return run_point(
            neuron,
            current,
            settings,
            batch=batch,
            record_rows=record_rows,
            wiring=wiring,
            initial=initial,
            courses=courses,
        )
    if isinstance(neuron, Neuron):
        if wiring is not None or record_rows is not None:
            raise ParameterError(
                "simulate: wiring and record_rows are for point neurons; probe a neuron with "
                "extent, and connect it by the events of its terminals"
            )
        return run_neuron(neuron, stimulus, settings, batch=batch, initial=initial, courses=courses)
    if isinstance(neuron, Circuit):
        if batch or courses or any(given is not None for given in (stimulus, wiring, record_rows)):
            raise ParameterError(
                "simulate: a circuit has its stimuli and batches by population, courses too "
                "(Circuit.add), and its wiring in it (Circuit.connect)"
            )
        return run_circuit(neuron, settings, initial)
    raise ParameterError(f"neuron must be a description such as LIF(); got {neuron!r}")


def settle(
    neuron: PointNeuron | Neuron | Circuit,
    time: Quantity,
    *,
    batch: Mapping[str, Any] | None = None,
    dt: Quantity | None = None,
    scheme: str | None = None,
    engine: str = "auto",
    jobs: int = 1,
) -> State:
    """Return the state of a neuron that has come to rest, once for any number of runs.

    It is run for a time without stimuli and events; its clock stands at 0 after that. Give it as
    ``simulate(..., initial=state)``: the state of one neuron starts every row of a batch.

    Pools of ions, which take seconds to minutes, stay where they start. A warning names those that
    are not at rest there, and how fast they change: `neurosim.dynamics.ion_rest` finds the state in
    which they rest, too, or says what does not balance.

    Parameters
    ----------
    neuron : PointNeuron, Neuron or Circuit
        What comes to rest.
    time : Quantity
        How long, in second.
    batch : mapping of str to Quantity array, optional
        Parameters that the rows differ in, as in `simulate`; then each row comes to rest by itself.
    dt, scheme, engine, jobs
        As in `simulate`.

    Returns
    -------
    State

    Raises
    ------
    UnitError, ParameterError, UnknownNameError, EngineError
        As `simulate`.

    Examples
    --------
    >>> from brian2 import mV, ms, nA, um
    >>> from neurosim import Constant, Neuron, settle, simulate
    >>> from neurosim.channels import HHPotassium, HHSodium, Leak
    >>> from neurosim.morphology import PerBranch, cylinder
    >>> bare = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=6.3, rest=-65 * mV)
    >>> cell = bare.paint([HHSodium(), HHPotassium(), Leak()])
    >>> rest = settle(cell, 200 * ms)
    >>> print(rest.time, float(rest["v"][0, 0] / mV).__round__(1))
    0. s -72.3
    >>> currents = {"current": [0, 0.1, 0.2] * nA}
    >>> run = simulate(cell, 50 * ms, stimulus=Constant(0 * nA), batch=currents, initial=rest)
    >>> run.rows
    3
    """
    shared: dict[str, Any] = {"dt": dt, "engine": engine, "jobs": jobs}
    if isinstance(neuron, PointNeuron):
        if scheme is not None:
            raise ParameterError("settle: scheme is for neurons with extent")
        ended = simulate(neuron, time, batch=batch, **shared).state
        assert ended is not None
        return ended.restarted()
    if not isinstance(neuron, Neuron | Circuit):
        raise ParameterError(f"settle: neuron must be a description such as LIF(); got {neuron!r}")
    settings = RunSettings.checked(
        Neuron.default_dt_ms * ms,
        time,
        seed=0,
        record=(),
        record_dt=None,
        settle=time,
        scheme=scheme,
        progress=None,
        **shared,
    )
    at_once = replace(settings.in_whole_steps(), duration=0.0)
    if isinstance(neuron, Neuron):
        found = run_neuron(neuron, None, at_once, batch=batch).state
    elif batch:
        raise ParameterError("settle: a circuit has its batches by population (Circuit.add)")
    else:
        found = run_circuit(neuron, at_once).state
    assert found is not None
    return found


def _clamped(neuron: Neuron | Circuit, stimulus: Stimulus | None) -> bool:
    """Return whether a voltage clamp is in the run."""
    if isinstance(neuron, Circuit):
        cells = neuron.populations.values()
        return any(_clamped(population.neuron, population.stimulus) for population in cells)
    placed = (placed.part for placed in getattr(neuron, "placed", ()))
    return any(isinstance(part, VoltageClamp) for part in (stimulus, *placed))
