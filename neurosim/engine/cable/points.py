"""Receptors and electrodes as kernels: what is placed on points of the membrane."""

from __future__ import annotations

import numpy as np
from brian2.units import Quantity, get_dimensions, mV

from neurosim.clamps import CurrentClamp, DynamicClamp, VoltageClamp
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Placed
from neurosim.engine.cable.arrivals import gather_arrivals
from neurosim.engine.cable.draft import TEMPERATURE, Draft, Run, Varied
from neurosim.engine.cable.equations import POOL_OF, Text, placed_current, write_receptor
from neurosim.engine.point.model import write_injection
from neurosim.errors import ParameterError
from neurosim.ions.ion import Ion
from neurosim.outside import Extracellular
from neurosim.randomness import row_keys
from neurosim.stimuli import Stimulus, Sum
from neurosim.synapses.base import Receptor

__all__ = ["check_clamps", "draft_electrode", "draft_receptors", "increments"]


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
        The receptor reads a concentration that nothing under it holds, or what only a patch of
        membrane has.
    """
    part = placed.part
    assert isinstance(part, Receptor)
    points = np.asarray(placed.site.compartments(neuron.compartments), dtype=int)
    _check_reads(neuron, placed, part, points)
    if part.lumps:
        sites, member = np.unique(points, return_inverse=True)
    else:
        sites, member = points, np.arange(len(points))
    text = Text()
    held = _held(neuron, placed, part.ion, points)
    write_receptor(text, part, held)
    if held is not None and part.followed and f"{placed.label}.E" in run.batch:
        raise ParameterError(
            f"{placed.label}.E has no effect where the concentrations of {part.ion!r} are held: "
            "the reversal potential follows them. Vary the concentrations, or place "
            f'{type(part).__name__}(..., reversal="fixed")'
        )
    values: dict[str, np.ndarray] = {name: np.zeros(len(sites)) for name in text.gathers}
    warming = TEMPERATURE in run.courses
    for name, quantity in part.parameters().items():
        given = varied.get(f"{placed.label}.{name}")
        values[name] = (
            np.asarray(float(quantity))
            if given is None
            else np.broadcast_to(given, (len(sites), run.cells))
        )
        if name == part.strength:
            values[name] = values[name] * part.conductance_factor(neuron.celsius)
            if warming:
                values[name] = np.broadcast_to(values[name], (len(sites), run.cells))
        text.declare(name, quantity, shared=not values[name].ndim)
    for name, constant in part.constants(neuron.celsius).items():
        everywhere = np.full((len(sites), run.cells), float(constant))
        values[name] = everywhere if warming else np.asarray(float(constant))
        text.declare(name, constant, shared=not warming)
    shape = (len(sites), run.cells)
    # States stand half a step behind an event where the step is of second order.
    behind = (1 - run.theta) * run.dt
    factors = {
        state: increments(part, state, values, shape, neuron.celsius, behind)
        for state in part.on_event
    }
    start, stop = run.events_window
    arrivals = gather_arrivals(
        placed, index, points, member, factors,
        cells=run.cells, seeds=run.seeds, start=start, stop=stop,
    )  # fmt: skip
    name = f"point_{placed.label}"
    events = tuple(part.on_event)
    ion = "" if part.ion is None else placed_current(part.ion)
    return Draft(name, text, values, sites, events=events, ion=ion, arrivals=arrivals), member


def _check_reads(neuron: Neuron, placed: Placed, part: Receptor, points: np.ndarray) -> None:
    """Refuse receptors that read what nothing under them tells."""
    for name in part.reads:
        ion, _, side = name.partition("_")
        if ion not in POOL_OF or side not in ("i", "o"):
            raise ParameterError(
                f"{placed.label}: a placed receptor reads concentrations, such as cl_i or k_o; it "
                f"cannot read {name}"
            )
        if _held(neuron, placed, ion, points) is None:
            raise ParameterError(
                f"{placed.label!r} depends on {name}, and nothing under the receptors holds it: "
                f"paint an ion pool that does (such as {POOL_OF[ion]}()) on the same region"
            )


def _held(neuron: Neuron, placed: Placed, ion: str | None, points: np.ndarray) -> Ion | None:
    """Return what holds an ion under all points of receptors, None where nothing does."""
    found: Ion | None = None
    where = np.zeros(len(points), dtype=bool)
    for painted in neuron.painted:
        if isinstance(painted.part, Ion) and painted.part.ion == ion:
            here = painted.region.mask(neuron.compartments)[points]
            found = painted.part if here.any() else found
            where |= here
    if found is not None and not where.all():
        raise ParameterError(
            f"{placed.label}: something holds {ion} under some of its points and not under "
            "others; place the receptors in two calls, or paint the ion under all of them"
        )
    return found


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
            name: Quantity(float(values[name][0, cell]), dim=get_dimensions(getattr(part, name)))
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


def check_clamps(neuron: Neuron) -> None:
    """Refuse two voltage clamps on one compartment, and clamps where they cannot be solved.

    Raises
    ------
    ParameterError
        The clamps cannot stand as they are placed.
    """
    taken: dict[int, str] = {}
    layered = any(isinstance(painted.part, Extracellular) for painted in neuron.painted)
    for placed in neuron.placed:
        if layered and _is_clamp(placed.part):
            raise ParameterError(
                f"{placed.label}: {type(placed.part).__name__} cannot be placed on a neuron with "
                "an Extracellular layer; inject a current such as Constant(1*nA)"
            )
        if isinstance(placed.part, Sum):
            for part in placed.part.parts:
                if part.follows_potential:
                    raise ParameterError(
                        f"{placed.label}: {type(part).__name__} cannot be added to another current "
                        "in a neuron with extent; place each on the neuron by itself (Neuron.place)"
                    )
        if not isinstance(placed.part, VoltageClamp):
            continue
        for compartment in placed.site.compartments(neuron.compartments).tolist():
            if compartment in taken:
                name, middle = neuron.compartments.middle(compartment)
                raise ParameterError(
                    f"{placed.label}: the compartment at {middle:.2g} of {name!r} is clamped by "
                    f"{taken[compartment]!r} already; a compartment takes one voltage clamp"
                )
            taken[compartment] = placed.label


def _is_clamp(part: object) -> bool:
    return isinstance(part, Stimulus) and (part.stands_alone or part.follows_potential)


def draft_electrode(
    neuron: Neuron,
    placed: Placed,
    run: Run,
    varied: Varied,
    waveforms: list[np.ndarray],
    share: np.ndarray | None = None,
) -> Draft:
    """Write an electrode or a clamp; sampled waveforms are added to `waveforms`.

    `share`, of shape (sites,) or (sites, cells), is what the current is multiplied by at each site
    where a field outside acts: one current, which is the same at all of them.
    """
    part = placed.part
    assert isinstance(part, Stimulus)
    sites = np.asarray(placed.site.compartments(neuron.compartments), dtype=int)
    full = (len(sites), run.cells)
    if isinstance(part, VoltageClamp):
        return _draft_voltage_clamp(part, placed, sites, run, varied, waveforms)
    text = Text()
    values: dict[str, np.ndarray] = {}
    if part.noisy:
        values |= _keys(neuron, placed, run.seeds, full, one=share is not None)
    injection = write_injection(part.current if isinstance(part, CurrentClamp) else part)
    text.lines += injection.lines
    values |= {line.split("=", 1)[0].strip(): np.zeros(full) for line in injection.updates}
    for label, component in part.components().items():
        if component is part and isinstance(part, CurrentClamp):
            continue
        needed = component.drive(f"{label}_", 0).units
        here: dict[str, np.ndarray] = {}
        for name, quantity in component.values().items():
            given = varied.get(f"{placed.label}.{label}.{name}")
            here |= {} if given is None else {name: given}
            variable = f"{label}_{name.replace('[', '_').replace(']', '')}"
            if variable in needed:
                value = float(quantity) if given is None else given
                values[variable] = np.broadcast_to(value, full)
        component.check_lengths(run.dt, here)
        tables, which = component.step_tables(run.dt, here)
        if tables:
            values[f"{label}_table"] = np.broadcast_to(float(len(waveforms)) + which, full)
            waveforms.extend(tables)
        if component.waveforms():
            values[f"{label}_first_channel"] = np.full(full, float(len(waveforms)))
            waveforms.extend(component.waveforms())
    # A name of its own, so that the equations may call it and the probes find it.
    text.lines.append("I_stim : amp")
    values["I_stim"] = np.zeros(full)
    amplifier, now = "", f"I_stim = {' + '.join(injection.terms)}"
    if isinstance(part, DynamicClamp):
        amplifier, now = "conductance", _conductance(part, text, values, full)
    elif isinstance(part, CurrentClamp):
        amplifier = "electrode"
        now = f"command = {' + '.join(injection.terms)}\nbefore = v"
        _add_electrode(neuron, part, placed, sites, run, varied, text, values)
    else:
        text.current = "I_stim"
    updates = (*injection.updates, *now.splitlines())
    if share is not None:
        text.lines.append("field_share : 1 (constant)")
        values["field_share"] = share
        text.current = "field_share*I_stim"
    integers = tuple(injection.integers)
    name = f"point_{placed.label}"
    return Draft(name, text, values, sites, updates=updates, integers=integers, amplifier=amplifier)


def _conductance(
    part: DynamicClamp, text: Text, values: dict[str, np.ndarray], full: tuple[int, int]
) -> str:
    """Write a dynamic clamp; return what its conductance is at each step."""
    prefix = f"{part.label}_"
    text.lines.append("conductance : siemens")
    values["conductance"] = np.zeros(full)
    text.current = f"conductance*({prefix}E - v)"
    return f"conductance = {part.sampled_conductance(prefix)}"


def _add_electrode(
    neuron: Neuron,
    part: CurrentClamp,
    placed: Placed,
    sites: np.ndarray,
    run: Run,
    varied: Varied,
    text: Text,
    values: dict[str, np.ndarray],
) -> None:
    """Write the electrode of a current clamp.

    Its potential inside approaches V + R_e I with the time constant R_e C_e. The step is exact for
    a V that moves in a straight line, so that no step is too long for it; what does not charge the
    electrode enters the cell, so that no charge is lost.
    """
    full = (len(sites), run.cells)
    given: dict[str, np.ndarray] = {}
    for name, quantity in part.values().items():
        value = varied.get(f"{placed.label}.{part.label}.{name}")
        given[name] = np.broadcast_to(float(quantity) if value is None else value, full)
    R, C, theta = given["R_e"], given["C_e"], run.theta
    tau = R * C / run.dt
    with np.errstate(divide="ignore"):
        lost = -np.expm1(-1 / tau)
    # Inside the electrode, less R_e I: what is left of before, and the share of both potentials.
    decay, last, first = 1 - lost, 1 - tau * lost, tau * lost - (1 - lost)
    initial = neuron.initial
    start = float(neuron.rest) if initial is None else np.array(initial.potential)[sites, None]
    values |= {
        "R_e": R, "bridge": given["bridge"], "junction": given["junction"],
        "decay": decay, "last": last, "first": first,
        "charging": C / run.dt, "following": last / theta, "staying": first + last - last / theta,
        "command": np.zeros(full), "before": np.broadcast_to(start, full),
        "electrode": np.broadcast_to(start, full), "recorded": np.broadcast_to(start, full),
    }  # fmt: skip
    constants = {"R_e": "ohm", "bridge": "ohm", "junction": "volt", "charging": "siemens"}
    constants |= dict.fromkeys(("decay", "last", "first", "following", "staying"), "1")
    text.lines += [f"{name} : {unit} (constant)" for name, unit in constants.items()]
    text.lines += ["command : amp", *(f"{n} : volt" for n in ("before", "electrode", "recorded"))]
    text.current = (
        "command - charging*(following*v + staying*before - (1 - decay)*(electrode - R_e*command))"
    )


def _draft_voltage_clamp(
    part: VoltageClamp,
    placed: Placed,
    sites: np.ndarray,
    run: Run,
    varied: Varied,
    waveforms: list[np.ndarray],
) -> Draft:
    """Write a voltage clamp; its command is data (`VoltageClamp.step_tables`)."""
    cells = run.cells
    here: dict[str, np.ndarray] = {}
    for name in part.values():
        given = varied.get(f"{placed.label}.{part.label}.{name}")
        here |= {} if given is None else {name: given}

    def each(name: str) -> np.ndarray:
        value = here.get(name, np.asarray(float(getattr(part, name))))
        return np.broadcast_to(value, cells).astype(float)

    holding, R_s, share, junction = map(each, ("holding", "R_s", "compensation", "junction"))
    tables, row = part.step_tables(run.dt, here)
    first = len(waveforms) + np.broadcast_to(row, cells)
    waveforms.extend(tables)

    full = (len(sites), cells)
    ideal = R_s * (1 - share) == 0
    with np.errstate(divide="ignore"):
        series = np.where(ideal, 0.0, 1 / (R_s * (1 - share)))
    # A command that moves is that of the moment the potential is solved for.
    ahead = np.where(ideal, run.dt, run.theta * run.dt)
    values = {
        "first_channel": first, "series": series, "ahead": ahead, "ideal": ideal.astype(float),
        "command": holding - junction, "I_stim": np.zeros(cells),
    }  # fmt: skip
    text = Text()
    text.lines += [
        "first_channel : integer (constant)", "series : siemens (constant)",
        "ahead : second (constant)", "ideal : 1 (constant)", "command : volt",
        "I_stim : amp",
    ]  # fmt: skip
    text.current = "series*(command - v)"
    command = f"command = {part.command_code('first_channel', 'ahead')}"
    return Draft(
        f"point_{placed.label}",
        text,
        {name: np.broadcast_to(value, full) for name, value in values.items()},
        sites,
        updates=(command,),
        integers=("first_channel",),
        amplifier="voltage",
    )


def _keys(
    neuron: Neuron, placed: Placed, seeds: np.ndarray, shape: tuple[int, int], *, one: bool
) -> dict[str, np.ndarray]:
    """Return what the random numbers of each site and cell start from.

    With `one`, all sites draw the same numbers.
    """
    # Electrodes draw apart; that of `simulate(stimulus=...)` is the first.
    others = [p.label for p in neuron.placed if p.label != "stimulus"]
    first = (1 + others.index(placed.label)) << 32 if placed.label in others else 0
    sites = np.zeros(shape[0], dtype=int) if one else np.arange(shape[0])
    low, high = row_keys(np.tile(seeds, shape[0]), first + np.repeat(sites, shape[1]))
    return {"key_low": np.reshape(low, shape), "key_high": np.reshape(high, shape)}
