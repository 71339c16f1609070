"""Run a neuron with extent: from a `Neuron` to a `NeuronRecording`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from brian2.units import Quantity, get_dimensions, meter, pA, second

from neurosim.clamps import VoltageClamp
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Placed
from neurosim.drawing.animation import animate_cable
from neurosim.drawing.recordings import draw_space_time
from neurosim.engine.cable.compose import Composed, Run, compose_cable
from neurosim.engine.cable.execute import execute_cable
from neurosim.engine.cable.inputs import CableResults
from neurosim.errors import (
    DepletionError,
    DivergenceError,
    EngineError,
    ParameterError,
    PoleError,
    UnknownNameError,
    suggest,
)
from neurosim.ions.ion import Ion
from neurosim.morphology import Compartments, plot_morphology, root_site
from neurosim.outside import ExtracellularPotential, Placement
from neurosim.quantities import check_quantity, in_best_unit
from neurosim.run.argument_checks import RunSettings
from neurosim.run.batch import batch_places, batch_size, resolve_batch
from neurosim.run.continuing import initial_digest, tell_pools
from neurosim.run.course_settings import Courses, course_tables, resolve_courses
from neurosim.run.ion_ledger import Ledger, ledger_of
from neurosim.run.neuron_state import (
    begin_at_values,
    begin_neuron,
    check_starts,
    neuron_state,
)
from neurosim.run.recording import Recording, versions
from neurosim.run.state import State
from neurosim.stimuli import Constant, Stimulus

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.axes import Axes

__all__ = [
    "NeuronRecording",
    "TraceMatrix",
    "begun",
    "diverged",
    "prepare",
    "recording_of",
    "run_neuron",
    "with_stimulus",
]


class TraceMatrix(NamedTuple):
    """What a probe read in all its compartments.

    Attributes
    ----------
    values : Quantity, shape (rows, samples, compartments)
        The variable.
    time : Quantity, shape (samples,)
        When, in second.
    compartments : ndarray of int, shape (compartments,)
        Which ones, in the numbers of the morphology.
    distance : Quantity, shape (compartments,)
        Path distance of each from the soma, in metre.
    xyz : Quantity, shape (compartments, 3)
        Centre of each, in metre.
    """

    values: Quantity
    time: Quantity
    compartments: np.ndarray
    distance: Quantity
    xyz: Quantity


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
    outside : ExtracellularPotential, optional
        Potential at the electrodes outside, of each cell alone.
    ledger : Ledger, optional
        Charge and particles at the start, at the end and what crossed, where ions move.
    """

    detectors: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    compartments: Compartments | None = None
    trace_units: dict[str, Quantity] = field(default_factory=dict)
    final_v_si: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    outside: ExtracellularPotential | None = None
    ledger: Ledger | None = None

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
        cells, times = self.detectors[detector]
        return times[cells == self._row(row)] * second

    def trace(self, name: str) -> Quantity:
        """Return a traced variable, shape (cells, samples), with its unit.

        The injected current is traced as ``stimulus.current``; ``I_stim``, by which `record` asks
        for it, names it too.

        Raises
        ------
        UnknownNameError
            The variable was not recorded.
        """
        asked = name == "I_stim" and name not in self.traces_si
        return super().trace("stimulus.current" if asked else name)

    def matrix(self, label: str = "v") -> TraceMatrix:
        """Return what a probe read, as one array with the places.

        Parameters
        ----------
        label : str
            Label of the probe, by default the name of its variable.

        Raises
        ------
        UnknownNameError
            There is no such probe.

        Examples
        --------
        >>> from brian2 import ms, um
        >>> from neurosim import Neuron, simulate
        >>> from neurosim.morphology import PerBranch, ball_and_stick, everywhere
        >>> cell = Neuron(ball_and_stick(20 * um, 300 * um, 2 * um), PerBranch(5))
        >>> found = simulate(cell.probe("v", everywhere), 1 * ms, dt=0.1 * ms).matrix("v")
        >>> found.values.shape, len(found.compartments)
        ((1, 10, 10), 10)
        """
        assert isinstance(self.neuron, Neuron)
        probes = {probe.label: probe for probe in self.neuron.probed}
        if label not in probes:
            raise UnknownNameError(f"there is no probe {label!r}: {suggest(label, probes)}")
        cut = self.neuron.compartments
        names, places = zip(*probes[label].traces(cut), strict=True)
        values = np.stack([self.traces_si[name] for name in names], axis=2)
        here = np.array(places)
        return TraceMatrix(
            Quantity(values, dim=self._dimension(names[0])),
            self.trace_time,
            here,
            cut.distance_m[here] * meter,
            cut.xyz_m[here] * meter,
        )

    def plot_space_time(self, label: str = "v", *, row: int = 0, ax: Axes | None = None) -> Axes:
        """Draw a probed variable along the cell over time, as colour.

        Parameters
        ----------
        label : str
            Label of a probe, such as that of ``neuron.probe("v", everywhere)``.
        row : int
            Which cell of the batch.
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).

        Raises
        ------
        UnknownNameError
            There is no such probe.
        ParameterError
            There is no such cell.
        """
        here, values, said = self._along(label, row)
        cut = self._cut
        length = cut.length_m[here]
        kinds, many = np.unique(cut.branch[here], return_counts=True)
        branches = [(cut.branch_names[k], int(n)) for k, n in zip(kinds, many, strict=True)]
        return draw_space_time(self.trace_time_s, length, values, said, branches, ax)

    def animate(
        self,
        label: str = "v",
        *,
        row: int = 0,
        path: str | os.PathLike[str] | None = None,
        step: Quantity | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> FuncAnimation:
        """Let a probed variable run through the shape of the cell, as colour.

        Parameters
        ----------
        label : str
            Label of a probe that reads every compartment: ``neuron.probe("v", everywhere)``.
        row : int
            Which cell of the batch.
        path : str or path-like, optional
            Where to save it: ``.gif``, or ``.mp4`` where ffmpeg is installed.
        step : Quantity, optional
            Time between frames (default: such that there are about 100).
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        **options
            Of `neurosim.morphology.plot_morphology`, such as ``projection="3d"``.

        Returns
        -------
        matplotlib.animation.FuncAnimation
            Keep it as long as it is to run.

        Raises
        ------
        UnknownNameError
            There is no such probe.
        ParameterError
            The probe does not read every compartment, or no writer knows the kind of file.
        """
        here, values, said = self._along(label, row)
        cut = self._cut
        if len(here) != len(cut):
            raise ParameterError(
                f"animate: the probe {label!r} reads {len(here)} of {len(cut)} compartments; probe "
                "everywhere"
            )
        wait = self.duration / 100 if step is None else step
        every = float(check_quantity(wait, 0.1 * second, "animate: step", above=0 * second))
        sample = float(np.diff(self.trace_time_s[:2]).sum()) or every
        frames = slice(None, None, max(1, round(every / sample)))
        draw = partial(plot_morphology, cut, ax=ax, label=said, **options)
        return animate_cable(draw, values[frames], self.trace_time_s[frames], path)

    @property
    def _cut(self) -> Compartments:
        assert isinstance(self.neuron, Neuron)
        return self.neuron.compartments

    def _along(self, label: str, row: int) -> tuple[np.ndarray, np.ndarray, str]:
        """Return compartments in order, values (samples, compartments), and what to call them."""
        found = self.matrix(label)
        values, said = in_best_unit(found.values[self._row(row)], label)
        order = np.argsort(found.compartments)
        return found.compartments[order], values[:, order], said

    def _dimension(self, name: str) -> Any:
        if name in self.trace_units:
            return get_dimensions(self.trace_units[name])
        assert isinstance(self.neuron, Neuron)
        return get_dimensions(batch_places(self.neuron)[name][0])


def run_neuron(
    neuron: Neuron,
    stimulus: Stimulus | None,
    settings: RunSettings,
    *,
    batch: Mapping[str, Any] | None,
    initial: State | Mapping[str, Any] | None = None,
    courses: Mapping[str, Any] | None = None,
) -> NeuronRecording:
    """Run a batch of neurons with extent; `neurosim.simulate` calls this."""
    settings = settings.in_whole_steps()
    neuron = with_stimulus(neuron, stimulus, settings.record)
    run, changing = prepare(
        neuron, batch, settings.seed, settings, "", initial=initial, courses=courses
    )
    told = initial_digest(initial)
    shared = run.settle and run.cells > 1 and initial is None
    if shared and _rest_alike(neuron, run):
        initial, run = _settled(neuron, run, settings), replace(run, settle=0.0)
    composed = begun(compose_cable(neuron, run), neuron, run, initial)
    results = _execute(neuron, run, composed, settings)
    return recording_of(
        neuron, stimulus, run, composed, results, settings.engine, told, courses=changing
    )


def _execute(neuron: Neuron, run: Run, composed: Composed, settings: RunSettings) -> CableResults:
    try:
        return execute_cable(
            composed.model,
            composed.inputs,
            engine=settings.engine,
            threads=settings.jobs,
            progress=settings.progress,
        )
    except DivergenceError as error:
        raise EngineError(diverged(error, neuron, composed, run.dt)) from None


def _rest_alike(neuron: Neuron, run: Run) -> bool:
    """Return whether the cells of a batch differ only in what is off while they come to rest."""
    electrodes = [p for p in neuron.placed if isinstance(p.part, Stimulus)]
    clamps = tuple(f"{p.label}." for p in electrodes if isinstance(p.part, VoltageClamp))
    off = tuple(f"{p.label}." for p in electrodes if not isinstance(p.part, VoltageClamp))

    def waits(name: str) -> bool:
        # A voltage clamp holds while the cell comes to rest; its protocol begins at time 0.
        field = name.rpartition(".")[2].split("[")[0]
        later = name.startswith(clamps) and field in ("levels", "durations", "onset")
        return name.startswith(off) or later

    return all(waits(name) for name in [*run.batch, *run.courses])


def _settled(neuron: Neuron, run: Run, settings: RunSettings) -> State:
    """Return the state of one cell at rest, from which all cells of a batch start."""
    alone = replace(run, cells=1, batch={}, seeds=run.seeds[:1], duration=0.0, courses={})
    composed = begun(compose_cable(neuron, alone), neuron, alone, None)
    results = _execute(neuron, alone, composed, replace(settings, progress=None))
    tell_pools(neuron, alone, composed, results)
    return neuron_state(neuron, alone, composed, results)


def _refuse_starts(neuron: Neuron, run: Run) -> None:
    """Refuse a batch of concentrations at the start, where a state says what they are."""
    for painted in neuron.painted:
        if not isinstance(painted.part, Ion) or painted.part.held:
            continue
        for key in ("inside", f"{painted.label}.inside"):
            if key in run.batch:
                raise ParameterError(
                    f"batch: {key} says where {painted.part.ion}_i starts, and so does the state "
                    "in initial; leave one of them out"
                )


def begun(
    composed: Composed, neuron: Neuron, run: Run, initial: State | Mapping[str, Any] | None
) -> Composed:
    """Return composed neurons that start where `simulate(initial=...)` says."""
    if isinstance(initial, State):
        _refuse_starts(neuron, run)
        found = begin_neuron(composed, neuron, run, initial)
    elif initial is not None:
        found = begin_at_values(composed, neuron, run, initial)
    else:
        found = composed
    check_starts(found, neuron)
    return found


def diverged(error: DivergenceError, neuron: Neuron, composed: Composed, dt: float) -> str:
    """Say where on the neuron a run diverged, and what to do."""
    shape = neuron.compartments
    here = int(np.flatnonzero(composed.numbering == error.compartment)[0])
    name, middle = shape.middle(here)
    if isinstance(error, DepletionError):
        return (
            f"the concentration of {error.ion} {error.side} fell to zero at "
            f"{error.time_s * 1e3:g} ms in cell {error.cell} at {name!r} ({middle:.2g} of the "
            f"way along it, compartment {here}): more of the ion leaves than enters. Check its "
            "currents and pumps there, enlarge its volume, or use a smaller dt"
        )
    if isinstance(error, PoleError):
        return (
            f"the membrane potential of cell {error.cell} at {name!r} ({middle:.2g} of the way "
            f"along it, compartment {here}) fell to {error.part}.{error.field} at "
            f"{error.time_s * 1e3:g} ms, where the equation of {error.part} has no value. Keep "
            "the cell above it (a weaker inhibition or pump), or paint a pump without a pole, "
            "such as SodiumPotassiumPump"
        )
    return (
        f"the run diverged: the membrane potential of cell {error.cell} at {name!r} "
        f"({middle:.2g} of the way along it, compartment {here}) left -10 to 10 V before "
        f"{error.time_s * 1e3:g} ms; use a dt smaller than {dt * 1e3:g} ms, or check the "
        "conductances and currents there and whether every gate has a steady state"
    )


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
    for name in record:
        # What every neuron calls its injected current.
        name = "stimulus.current" if name == "I_stim" else name
        if not any(p.label == p.variable == name and p.site == root_site for p in neuron.probed):
            neuron = neuron.probe(name, root_site)
    return neuron


def prepare(
    neuron: Neuron,
    batch: Mapping[str, Any] | None,
    seeds: np.ndarray,
    settings: RunSettings,
    population: str,
    *,
    initial: Any = None,
    courses: Mapping[str, Any] | None = None,
) -> tuple[Run, Courses]:
    """Return what a run asks beyond the neuron, and the courses of parameters by full names.

    The size of the batch follows from its arrays.
    """
    values, sizes = resolve_batch(neuron, batch)
    changing, rows = resolve_courses(courses, batch_places(neuron), values, warms=True)
    sizes = sizes | rows
    if isinstance(initial, State):
        sizes = sizes | {"initial": initial.rows}
    if population == "" and set(settings.placement) - {""}:
        raise ParameterError(
            "simulate: placement by population is for circuits; of a neuron it is one, such as "
            "Placement(x=50*um)"
        )
    placement = settings.placement.get(population, Placement.still())
    if placement.cells > 1:
        sizes = {**sizes, "placement": placement.cells}
    cells = batch_size(sizes, seeds)
    run = Run(
        cells=cells,
        batch={name: np.broadcast_to(value, cells) for name, value in values.items()},
        seeds=np.broadcast_to(seeds, cells).copy(),
        duration=settings.duration,
        dt=settings.dt,
        trace_dt=settings.record_dt,
        settle=settings.settle,
        theta=settings.theta,
        start_step=settings.start_step,
        courses=course_tables(changing),
        outside=settings.outside,
        placement=placement,
    )
    return run, changing


def recording_of(
    neuron: Neuron,
    stimulus: Stimulus | None,
    run: Run,
    composed: Composed,
    results: CableResults,
    engine: str,
    initial_sha256: str = "",
    *,
    courses: Courses | None = None,
) -> NeuronRecording:
    """Return the recording of one group of cells."""
    tell_pools(neuron, run, composed, results)
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
        start_s=run.start_step * run.dt,
        state=neuron_state(neuron, run, composed, results),
        initial_sha256=initial_sha256,
        courses=courses or {},
        detectors=detectors,
        compartments=neuron.compartments,
        trace_units=composed.units,
        final_v_si=results.final[composed.numbering],
        outside=_outside(run, composed, results),
        ledger=ledger_of(run, composed, results),
    )


def _outside(run: Run, composed: Composed, results: CableResults) -> ExtracellularPotential | None:
    """Return the potential of each cell at the electrodes outside, whose probes come last."""
    if run.outside is None:
        return None
    read = results.traces[len(composed.traces) :].transpose(1, 0, 2)
    time = composed.inputs.trace_time() - (1 - run.theta) * run.dt
    return ExtracellularPotential(run.outside, read, time)
