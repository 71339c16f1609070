"""The part of a run that has to be compiled, as one plain value.

Everything that varies between runs of a model (parameter values, seeds, batch size, duration, time
step, weights) stays out of it: two runs with equal `Model`s share one compiled program.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from brian2.equations.equations import Equations

from neurosim.clamps import VoltageClamp
from neurosim.describe.point_neuron import FIRST_SAMPLE, KEYS, Action, PointNeuron
from neurosim.equations.barrier import write_barrier
from neurosim.quantities import unit_name
from neurosim.stimuli import Constant, Stimulus

__all__ = [
    "OF_BRIAN2",
    "Model",
    "compose",
    "course_number",
    "draws",
    "with_tuples",
    "write_injection",
]


def with_tuples(content: dict[str, Any]) -> dict[str, Any]:
    """Return what was read from JSON with tuples for lists, as fields of frozen values hold."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in content.items()}


@dataclass(frozen=True)
class Model:
    """A neuron and its drive in Brian2's language.

    Attributes
    ----------
    equations : str
        Neuron equations followed by one line a parameter.
    threshold, reset, refractory, method : str
        As in `PointNeuron`.
    updates : tuple of str
        Statements run at the start of each step.
    drive : str
        Expression of the current injected during the step; empty where the equations have it.
    wired : bool
        Whether rows excite each other through weighted synapses.
    record : tuple of str
        Variables traced over time.
    integers : tuple of str
        Parameters stored as 32-bit integers.
    conductance : bool
        Whether a synapse opens a conductance; else it injects a current.
    delayed : bool
        Whether spikes take time to arrive.
    shared : tuple of str
        Parameters with one value for all rows.
    actions : tuple of Action
        Statements run beside equations and reset.
    """

    equations: str
    threshold: str
    reset: str
    refractory: str
    method: str
    updates: tuple[str, ...]
    drive: str
    wired: bool
    record: tuple[str, ...]
    integers: tuple[str, ...]
    conductance: bool = False
    delayed: bool = False
    shared: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()

    @property
    def kept(self) -> list[str]:
        """Variables that one step leaves to the next: states, and what updates and resets set."""
        equations = Equations(self.equations)
        changing = [n for n in equations.parameter_names if "constant" not in equations[n].flags]
        return sorted({*equations.diff_eq_names, *changing, *OF_BRIAN2})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Model:
        """Make a model from what `to_dict` returned."""
        actions = tuple(Action(**action) for action in content["actions"])
        return cls(**with_tuples(content) | {"actions": actions})

    def key(self, *context: str) -> str:
        """Return a name made from the content of the model and of `context`."""
        content = json.dumps([self.to_dict(), *context], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:24]


# What Brian2 keeps of every neuron, and how it stands before the first step.
OF_BRIAN2 = {"lastspike": -1e4, "not_refractory": True}

# Random streams of the neuron, apart from those of the parts of its stimulus.
_OWN_STREAMS = 1 << 20


def _integer(name: str) -> str:
    return f"{name} : integer (constant)"


class Injection(NamedTuple):
    """A stimulus in Brian2's language: declarations, and for each step its updates and currents.

    `white` holds, by the terms that are white noise, the names of their intensities.
    """

    lines: list[str]
    updates: list[str]
    terms: list[str]
    integers: list[str]
    white: dict[str, str]


def write_injection(stimulus: Stimulus) -> Injection:
    """Return a stimulus in Brian2's language, each part under its own prefix."""
    keys = list(KEYS) if stimulus.noisy else []
    written = Injection([_integer(name) for name in keys], [], [], keys, {})
    for stream, (name, part) in enumerate(stimulus.components().items()):
        drive = part.drive(f"{name}_", stream)
        for variable, unit in drive.units.items():
            kind = "integer" if variable in drive.integers else unit
            state = any(line.startswith(f"{variable} =") for line in drive.updates)
            written.lines.append(f"{variable} : {kind}" + ("" if state else " (constant)"))
        written.updates.extend(drive.updates)
        written.terms.append(drive.current)
        if drive.white:
            written.white[drive.current] = drive.white
        written.integers.extend(drive.integers)
    return written


def compose(
    neuron: PointNeuron,
    stimulus: Stimulus,
    *,
    wired: bool,
    record: tuple[str, ...],
    conductance: bool = False,
    delayed: bool = False,
    uniform: bool = False,
    courses: Mapping[str, str] | None = None,
) -> Model:
    """Write neuron, stimulus and wiring as one set of equations.

    Of a voltage clamp nothing is written here but the neuron without a current
    (`neurosim.engine.point.clamped`).

    With `uniform` no parameter of the neuron differs between rows, so that what follows from them
    alone is computed once a step and not once a row. `courses` are the parameters that follow a
    course, by the names they have in the equations, and their units.
    """
    lines = [neuron.equations.strip()]
    flags = "(constant, shared)" if uniform else "(constant)"
    for name, field in neuron.quantity_fields().items():
        held = "" if name in neuron.changing else flags
        lines.append(f"{name} : {unit_name(field.metadata['unit'])} {held}")
    clamped = isinstance(stimulus, VoltageClamp)
    injection = Injection([], [], [], [], {}) if clamped else write_injection(stimulus)
    lines += injection.lines
    terms, integers = injection.terms, injection.integers
    own = [name for name in KEYS if draws(neuron) and name not in integers]
    own += [FIRST_SAMPLE] if neuron.samples else []
    lines += [*map(_integer, own), *(f"{name} : second**-0.5" for name in neuron.noise)]
    integers += own
    noises = [
        f"{name} = gaussian(key_low, key_high, {_OWN_STREAMS + k}, t_in_timesteps)/sqrt(dt)"
        for k, name in enumerate(neuron.noise)
    ]
    if wired:
        if conductance:
            lines += [
                "dg_exc/dt = -g_exc/tau_syn : siemens",
                "dg_inh/dt = -g_inh/tau_syn : siemens",
                "E_exc : volt (constant)",
                "E_inh : volt (constant)",
            ]
            terms.append("g_exc*(E_exc - v) + g_inh*(E_inh - v)")
        else:
            lines.append("dI_syn/dt = -I_syn/tau_syn : amp")
            terms.append("I_syn")
        if delayed:
            lines.append("axon_delay : second (constant)")
        lines += [
            "tau_syn : second (constant)",
            "network_start : integer (constant)",
            "first_target : integer (constant)",
            "last_target : integer (constant)",
        ]
        integers += ["network_start", "first_target", "last_target"]
    parts = stimulus.components().values()
    injected = " + ".join(terms)
    # Of the middle of the step, as its mean is.
    followed = [
        f"{name} = course({course_number(name)}, (t + 0.5*dt)/second)*({unit})"
        for name, unit in (courses or {}).items()
    ]
    lines += [_integer(course_number(name)) for name in courses or {}]
    integers += [course_number(name) for name in courses or {}]
    updates = [*followed, *injection.updates, *noises]
    threshold, refractory = neuron.threshold, neuron.refractory
    if neuron.barrier and injection.white:
        smooth = [term for term in terms if term not in injection.white]
        corrected = write_barrier(
            neuron.equations, neuron.barrier, threshold, refractory,
            current=" + ".join(smooth) or "0*amp", intensities=list(injection.white.values()),
        )  # fmt: skip
        lines.append(corrected.line)
        updates = [*updates, *corrected.updates]
        threshold, refractory = corrected.threshold, corrected.refractory
    if not wired and not updates and all(isinstance(part, Constant) for part in parts):
        # Nothing to update at each step: the current is another name of a parameter.
        lines.append(f"I_stim = {injected} : amp")
        injected = ""
    else:
        lines.append("I_stim : amp")
    return Model(
        equations="\n".join(line.strip() for line in "\n".join(lines).splitlines()),
        threshold=threshold,
        reset=neuron.reset,
        refractory=refractory,
        method=neuron.method,
        updates=tuple(updates),
        drive=injected,
        wired=wired,
        record=record,
        integers=tuple(integers),
        conductance=conductance,
        delayed=delayed,
        shared=tuple(n for n in neuron.quantity_fields() if uniform and n not in neuron.changing),
        actions=neuron.actions,
    )


def course_number(name: str) -> str:
    """Return what the equations call the number of the course that a parameter follows."""
    return f"{name}_course"


def draws(neuron: PointNeuron) -> bool:
    """Return whether a neuron draws random numbers of its own."""
    codes = (neuron.equations, neuron.threshold, neuron.reset)
    said = [*codes, *(f"{action.code} {action.condition}" for action in neuron.actions)]
    return bool(neuron.noise) or any(KEYS[0] in code for code in said)
