"""Receptors and electrodes as kernels: what is placed on points of the membrane."""

from __future__ import annotations

import numpy as np
from brian2.units import Quantity, mV

from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Placed
from neurosim.engine.cable.arrivals import gather_arrivals
from neurosim.engine.cable.draft import TEMPERATURE, Draft, Run, Varied
from neurosim.engine.cable.equations import Text, write_receptor
from neurosim.engine.point.model import write_injection
from neurosim.errors import ParameterError
from neurosim.randomness import row_keys
from neurosim.stimuli import Stimulus
from neurosim.synapses.base import Receptor

__all__ = ["draft_electrode", "draft_receptors", "increments"]


def draft_receptors(
    neuron: Neuron, placed: Placed, index: int, run: Run, varied: Varied
) -> tuple[Draft, np.ndarray]:
    """Write the receptors of one placement; `index` keeps its random numbers apart.

    Returns
    -------
    Draft, ndarray of int, shape (points,)
        The kernel, and the site in it of each point: receptors of one kind whose conductances add
        are one site a compartment.

    Raises
    ------
    ParameterError
        The receptor reads what only a patch of membrane has.
    """
    part = placed.part
    assert isinstance(part, Receptor)
    for name in part.reads:
        raise ParameterError(f"{placed.label}: a placed receptor cannot read {name}")
    points = np.asarray(placed.site.compartments(neuron.compartments), dtype=int)
    if part.lumps:
        sites, member = np.unique(points, return_inverse=True)
    else:
        sites, member = points, np.arange(len(points))
    text = Text()
    write_receptor(text, part)
    values: dict[str, np.ndarray] = {}
    for name, quantity in part.parameters().items():
        given = varied.get(f"{placed.label}.{name}")
        values[name] = (
            np.asarray(float(quantity))
            if given is None
            else np.broadcast_to(given, (len(sites), run.cells))
        )
        text.declare(name, quantity, shared=given is None)
    warming = TEMPERATURE in run.courses
    for name, constant in part.constants(neuron.celsius).items():
        held = np.full((len(sites), run.cells), float(constant))
        values[name] = held if warming else np.asarray(float(constant))
        text.declare(name, constant, shared=not warming)
    shape = (len(sites), run.cells)
    # States stand half a step behind an event where the step is of second order.
    behind = (1 - run.theta) * run.dt
    factors = {
        state: increments(part, state, values, shape, neuron.celsius, behind)
        for state in part.on_event
    }
    start, stop = run.poisson_window
    arrivals = gather_arrivals(
        placed, index, points, member, factors,
        cells=run.cells, seeds=run.seeds, start=start, stop=stop,
    )  # fmt: skip
    name = f"point_{placed.label}"
    events = tuple(part.on_event)
    return Draft(name, text, values, sites, events=events, arrivals=arrivals), member


def increments(
    part: Receptor,
    state: str,
    values: dict[str, np.ndarray],
    shape: tuple[int, int],
    celsius: float,
    behind: float,
) -> np.ndarray:
    """Return what one quantum adds to a state that stands a time behind it, at every site."""
    fields = part.parameters()
    differing = [name for name, value in values.items() if value.ndim and name in fields]
    if not differing:
        return np.full(shape[0], part.jump(state) * _grown(part, state, celsius, behind))
    jumps = np.empty(shape)
    for cell in range(shape[1]):
        given = {
            name: Quantity(float(values[name][0, cell]), dim=getattr(part, name).dim)
            for name in differing
        }
        changed = part.replace(**given)
        jumps[:, cell] = changed.jump(state) * _grown(changed, state, celsius, behind)
    return jumps


def _grown(part: Receptor, state: str, celsius: float, behind: float) -> float:
    """Return the factor by which a decaying state was larger a time before.

    The step that follows lets the increment decay for the whole of it, which is too long by the
    time the state stands behind. 1 for a state whose rate depends on the potential.
    """
    rates = set()
    for v in (-90 * mV, -10 * mV):
        gate = part.gates(v, celsius).get(state)
        rates.add(0.0 if gate is None else 1 / float(gate.tau))
    return float(np.exp(behind * rates.pop())) if len(rates) == 1 else 1.0


def draft_electrode(
    neuron: Neuron, placed: Placed, run: Run, varied: Varied, waveforms: list[np.ndarray]
) -> Draft:
    """Write an electrode; sampled currents are added to `waveforms`."""
    part = placed.part
    assert isinstance(part, Stimulus)
    sites = np.asarray(placed.site.compartments(neuron.compartments), dtype=int)
    full = (len(sites), run.cells)
    text = Text()
    values: dict[str, np.ndarray] = {}
    if part.noisy:
        values |= _keys(neuron, placed, run.seeds, full)
    injection = write_injection(part)
    text.lines += injection.lines
    values |= {line.split("=", 1)[0].strip(): np.zeros(full) for line in injection.updates}
    for label, component in part.components().items():
        for name, quantity in component.values().items():
            given = varied.get(f"{placed.label}.{label}.{name}")
            value = float(quantity) if given is None else given
            variable = f"{label}_{name.replace('[', '_').replace(']', '')}"
            values[variable] = np.broadcast_to(value, full)
        if component.waveforms():
            values[f"{label}_first_channel"] = np.full(full, float(len(waveforms)))
            waveforms.extend(component.waveforms())
    # A name of its own, so that the equations may call it and the probes find it.
    text.lines.append("I_stim : amp")
    values["I_stim"] = np.zeros(full)
    text.current = "I_stim"
    updates = (*injection.updates, f"I_stim = {' + '.join(injection.terms)}")
    integers = tuple(injection.integers)
    name = f"point_{placed.label}"
    return Draft(name, text, values, sites, updates=updates, integers=integers)


def _keys(
    neuron: Neuron, placed: Placed, seeds: np.ndarray, shape: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Return what the random numbers of each site and cell start from."""
    # Electrodes draw apart; that of `simulate(stimulus=...)` is the first.
    others = [p.label for p in neuron.placed if p.label != "stimulus"]
    first = (1 + others.index(placed.label)) << 32 if placed.label in others else 0
    low, high = row_keys(np.tile(seeds, shape[0]), first + np.repeat(np.arange(shape[0]), shape[1]))
    return {"key_low": np.reshape(low, shape), "key_high": np.reshape(high, shape)}
