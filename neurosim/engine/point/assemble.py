"""A `Model` as Brian2 objects, the same for both engines.

Runs only inside a worker process (`neurosim.engine.worker`), never in the caller's Brian2 session.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from brian2 import Clock, Network, NeuronGroup, SpikeMonitor, StateMonitor, Synapses, second

from neurosim import randomness
from neurosim.engine.point.exponential_euler import ExponentialEuler
from neurosim.engine.point.inputs import level, play
from neurosim.engine.point.model import Model
from neurosim.engine.programs.course_tables import CourseTable, follow
from neurosim.engine.programs.sources import cpp_functions

__all__ = ["Assembled", "Tables", "assemble"]


# What a spike does where it arrives.
_ARRIVAL = {
    "current": "I_syn_post += w",
    "conductance": "g_exc_post += clip(w, 0*siemens, inf*siemens)\n"
    "g_inh_post += clip(-w, 0*siemens, inf*siemens)",
}


@dataclass(frozen=True)
class Tables:
    """Lookup tables a run may need: sampled waveforms and synaptic weights.

    Attributes
    ----------
    waveforms : list of ndarray
        One array of samples (ampere) a channel.
    weights : ndarray, shape (n_units, n_units)
        Step of current (ampere) or conductance (siemens) on unit j after a spike of unit i, at
        [i, j].
    courses : list of CourseTable
        Courses of parameters.
    """

    waveforms: list[np.ndarray]
    weights: np.ndarray
    courses: list[CourseTable] = field(default_factory=list)

    def waveform(self, channel: np.ndarray, position: np.ndarray) -> np.ndarray:
        """Return the sample of each row's channel at a position counted in samples."""
        return play(self.waveforms, channel, position)

    def course(self, number: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Return the value of each row's course at a time in second."""
        return follow(self.courses, number, float(np.ravel(time)[0]))

    def step_level(self, channel: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Return the level of each row's staircase at a time step."""
        return level(self.waveforms, channel, step)

    def weight(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return the weight from unit `source` to unit `target`."""
        return np.asarray(self.weights[source, target])


@dataclass(frozen=True)
class Assembled:
    """Brian2 objects of one model."""

    network: Network
    cells: NeuronGroup
    spikes: SpikeMonitor
    traces: StateMonitor | None
    clock: Clock
    trace_clock: Clock | None
    wires: Synapses | None


def assemble(
    model: Model,
    *,
    rows: int,
    recorded: np.ndarray,
    dt: float,
    trace_dt: float,
    tables: Tables,
    states: dict[str, np.ndarray] | None = None,
) -> Assembled:
    """Make the Brian2 objects of a model.

    Parameters
    ----------
    model : Model
        What to make.
    rows : int
        Number of rows (neurons).
    recorded : ndarray of int
        Rows whose variables are traced.
    dt, trace_dt : float
        Time step of the run and of the traces, in second.
    tables : Tables
        Waveforms and weights.
    states : dict of str to ndarray, optional
        Parameters and initial states, by variable, in SI units. Must be given before synapses
        are made, since they read them.
    """
    functions = cpp_functions(
        {
            "gaussian": randomness.gaussian,
            "uniform": randomness.uniform,
            "waveform": tables.waveform,
            "course": tables.course,
            "step_level": tables.step_level,
            "weight": tables.weight,
        }
    )
    clock = Clock(dt=dt * second, name="clock")
    cells = NeuronGroup(
        rows,
        model.equations,
        threshold=model.threshold,
        reset=model.reset or None,
        refractory=model.refractory,
        events={_named(k): a.due for k, a in enumerate(model.actions) if a.due},
        method=ExponentialEuler() if model.method == "exponential_euler" else model.method,
        namespace=functions,
        clock=clock,
        name="cells",
    )
    _add_actions(cells, model, clock)
    for name, values in (states or {}).items():
        cells.variables[name].get_value()[:] = values
    if model.drive:
        drive = "\n".join([*model.updates, f"I_stim = {model.drive}"])
        cells.run_regularly(drive, when="start", name="drive", clock=clock)
    spikes = SpikeMonitor(cells, name="spikes")
    parts = [cells, spikes]
    wires = None
    if model.wired:
        wires = Synapses(
            cells,
            cells,
            "w : siemens" if model.conductance else "w : amp",
            on_pre=_ARRIVAL["conductance" if model.conductance else "current"],
            namespace=functions,
            clock=clock,
            name="wires",
        )
        wires.connect(j="network_start_pre + k for k in range(first_target_pre, last_target_pre)")
        unit = "siemens" if model.conductance else "amp"
        wires.w = f"weight(i - network_start_pre, j - network_start_pre)*{unit}"
        if model.delayed:
            wires.delay = "axon_delay_pre"
        parts.append(wires)
    traces = trace_clock = None
    if model.record:
        trace_clock = Clock(dt=trace_dt * second, name="trace_clock")
        traces = StateMonitor(
            cells, list(model.record), record=recorded, clock=trace_clock, name="traces"
        )
        parts.append(traces)
    return Assembled(Network(parts), cells, spikes, traces, clock, trace_clock, wires)


def _add_actions(cells: NeuronGroup, model: Model, clock: Clock) -> None:
    """Add the statements that a model runs beside its equations, each in its slot."""
    for k, action in enumerate(model.actions):
        name, slot = _named(k), {"when": action.when, "order": action.order}
        if not action.due:
            cells.run_regularly(action.code, name=name, clock=clock, **slot)
            continue
        cells.set_event_schedule(name, when=action.tested, order=action.tested_order)
        cells.run_on_event(name, action.code, **slot)
        if action.guarded:
            # Brian2 lets the code of an event write while the neuron is refractory.
            cells.resetter[name].override_conditional_write = []


def _named(number: int) -> str:
    # Brian2 runs what shares a slot in the order of names.
    return f"action_{number:03d}"
