"""The main job: neurons, the unit that stands for each, and a network on spiking neurons."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bridge.spiking.spiking_network import SpikingRun
from experiments.compare.compare_steps import Steps
from experiments.compare.figures import accuracies_figure
from experiments.compare.growing_page import GrowingPage, Section
from experiments.compare.measured_part import MeasuredNetwork
from experiments.compare.network_part import Answered, inputs_of, simulation_threads
from experiments.compare.neuron_part import OwnShape, brought, models
from experiments.compare.page_content import (
    activity_figures,
    page_of,
    result_of,
    said_of_the_measured,
    said_of_the_spike,
    sentences_of,
)
from experiments.compare.parameters import Parameters, command_line
from experiments.compare.second_process import second_process
from experiments.compare.stored_parts import Parts
from experiments.compare.story import of_the_units
from experiments.compare.table_part import OwnTable, check_target, learn
from experiments.gallery.networks.digits_on_neurons import Parameters as DigitsParameters
from experiments.gallery.networks.digits_on_neurons import Trained
from experiments.gallery.neurons.one_spike import driven_neuron
from experiments.kit.outputs import check_folder, write_folder
from experiments.kit.registry import Context
from experiments.kit.result import Result
from experiments.kit.store import Store
from experiments.kit.style import drawing, drawn, svg_uri
from experiments.kit.timing import Stopwatch
from experiments.kit.unit_tables import Fitted, units_figure
from experiments.one_neuron.spike_along import OneSpike
from experiments.one_neuron.spike_figure import draw_neuron, spike_figure
from neurosim.engine.point.execute import choose_engine
from neurosim.engine.programs.compiler import find_compiler
from neurosim.engine.programs.waiting_worker import end_waiting

__all__ = ["Parameters", "compare"]

CLAIM = (
    "The model neuron of this page fires at -55 mV; a unit stands for it and for other neurons, in "
    "most of them another curve than the logistic sigmoid; and a sigmoid network trained on "
    "handwritten digits keeps its accuracy if its hidden units become integrate-and-fire neurons."
)


def claim_of(own: OwnShape | None, table: OwnTable | None) -> str:
    """Return what the page sets out to show, of what is compared.

    Of an own shape nothing is foretold: it is measured.
    """
    if own is None and table is None:
        return CLAIM
    first = (
        "The model neuron of this page fires at -55 mV; a unit stands for it and for other "
        "neurons, in most of them another curve than the logistic sigmoid"
        if own is None
        else f"A unit stands for a neuron of the shape of {own.name}, with the textbook membrane"
    )
    network = (
        "a sigmoid network trained on handwritten digits"
        if table is None
        else f"a network trained on {table.name}"
    )
    return (
        f"{first}; and {network} keeps its accuracy if its hidden units become integrate-and-fire "
        "neurons."
    )


def compare(
    parameters: Parameters,
    context: Context,
    out: Path,
    *,
    own: OwnShape | None = None,
    reading: dict[str, Any] | None = None,
    columns: dict[str, Any] | None = None,
    before_s: float | None = None,
    store: Store | None = None,
    tell: Callable[[str], None] | None = None,
) -> Result:
    """Run the main job and write its report.

    ``report.html`` is there from the first seconds on and grows; the other files come at the end.

    Parameters
    ----------
    parameters : Parameters
        What is compared.
    context : Context
        Seed, processes, quick or whole.
    out : Path
        Folder for ``report.html``, ``result.json``, tables and figures. If the job fails or is
        interrupted, what stood there before stays. If it is killed outright, the unfinished page
        stands in place of the earlier report.
    own : OwnShape, optional
        The reconstruction of `parameters.shape`, read.
    reading, columns : dict, optional
        How the text of `parameters.table` is read (of `ann.data.TableFile`), and what of it is used
        (of `ann.data.train`).
    before_s : float, optional
        How long ago the command began, whose page tells the time since then (s); by default the
        time is told from this call on.
    store : Store, optional
        Where parts are kept that rest on no file of the user's, and taken from if they were
        computed before; by default everything is computed.
    tell : callable, optional
        Given a line when a part is on the page.

    Returns
    -------
    Result

    Raises
    ------
    OutputError
        The folder cannot be written (said before anything runs).
    CurveError
        The recording is faulty.
    TableError, ParameterError
        The table is faulty, or its target is a quantity.
    UnknownNameError
        The reconstruction has no soma or no dendrite.
    """
    started = time.perf_counter()
    check_folder(out)
    watch = Stopwatch()
    # What a user brings is read first: a fault in it should not cost a simulation.
    if own is not None:
        own.neuron()
    with watch.during("training"):
        table = _own_table(parameters, context, reading or {}, columns or {})
    recorded = None
    if parameters.recording is not None:
        with watch.during("fitting"):
            recorded = brought(parameters.recording, parameters, context)
    compiler = find_compiler()
    kept = Parts(store or Store(None), {
        "seed": context.seed, "quick": context.quick, "engine": choose_engine(context.engine),
        # With its flags for this very processor.
        "compiler": "" if compiler is None else compiler.identity,
    })  # fmt: skip
    command = command_line(parameters, context)
    pictures = _Pictures(watch, ("svg",) if context.quick else ("svg", "png"))
    with GrowingPage(out, command, list(_WAITING), tell, before_s or 0.0) as page:
        found = _found(parameters, context, page, pictures, kept, own, table, recorded)
        answered = Answered(inputs_of(table), found.pairs, found.digits.times_ms)
        with watch.during("drawing"):
            pictures.add("accuracy", accuracies_figure(answered, found.measured))
        sentences = sentences_of(
            parameters, found.spike, found.neurons, answered, own, found.measured
        )
        result = result_of(
            parameters, context, found.spike, found.neurons, answered, sentences, table,
            claim_of(own, table),
        )  # fmt: skip
        if found.measured is not None:
            sentences["measured"] = said_of_the_measured(found.measured, result)
        result.figures.update(pictures.figures)
        result.numbers["seconds"] = _timing(watch, started, before_s)
        kept.taken.sort(key=lambda one: one.what)
        result.numbers["taken_from_an_earlier_run"] = [asdict(one) for one in kept.taken]
        whole = page_of(
            parameters, context, result, pictures.files, found.neurons, answered, own, table,
            kept.taken,
        )  # fmt: skip

        def fill(place: Path) -> None:
            (place / "report.html").write_text(whole, encoding="utf-8")
            result.write(place, pictures.files)

        # A quick report in the folder of a whole one.
        pngs = (f"{name}.png" for name in pictures.files)
        write_folder(out, fill, replaced=(*pngs, "accuracy_measured.csv"))
    return result


_SPIKE, _UNITS, _NETWORK = (
    "one spike of this neuron",
    "the units of several neurons",
    "a network on spiking neurons",
)
_WAITING = (_SPIKE, _UNITS, _NETWORK)


@dataclass(frozen=True, eq=False)
class _Pictures:
    """Figures, and the files of some kinds that were drawn of each: none is drawn twice."""

    watch: Stopwatch
    kinds: tuple[str, ...]
    figures: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def add(self, name: str, figure: Any) -> str:
        """Draw a finished figure; return its address inside a page."""
        with self.watch.during("drawing"):
            self.figures[name], self.files[name] = figure, drawn(figure, self.kinds)
        return svg_uri(self.files[name]["svg"])


@dataclass(frozen=True, eq=False)
class _Found:
    """What the steps of the job found."""

    digits: DigitsParameters
    spike: OneSpike
    neurons: list[Fitted]
    pairs: list[tuple[Trained, SpikingRun]]
    measured: MeasuredNetwork | None


def _found(
    parameters: Parameters,
    context: Context,
    page: GrowingPage,
    pictures: _Pictures,
    kept: Parts,
    own: OwnShape | None,
    table: OwnTable | None,
    recorded: Fitted | None,
) -> _Found:
    """Let every step begin as soon as it can, and put what has ended onto the page."""
    digits = parameters.digits.up_to_judged() if context.quick else parameters.digits
    # Simulations are child processes, so threads are enough to keep all cores busy; training and
    # fits are work for Python, and go to a second process. The other threads do nothing but wait.
    with (
        ThreadPoolExecutor(32) as threads,
        second_process(context.jobs) as beside,
        simulation_threads(context.jobs) as simulations,
    ):
        steps = Steps(
            parameters, context, pictures.watch, digits, kept, own, table, simulations, beside
        )
        spike = threads.submit(steps.spike)
        _show_neuron(page, pictures, parameters, context, own)
        curve = threads.submit(steps.conversion_curve, spike)
        counted = [
            threads.submit(steps.counted, title, model, own is not None and k == 0, spike)
            for k, (title, model) in enumerate(models(parameters, context, own))
        ]
        seeds = context.seeds(digits.seeds) if table is None else [context.seed]
        networks = [threads.submit(steps.network, k, s, curve) for k, s in enumerate(seeds)]
        last = None if recorded is not None else threads.submit(steps.recorded)
        _show_spike(page, pictures, parameters, spike.result(), own)
        # A quick look does without it.
        wanted = table is None and not context.quick
        measured = threads.submit(_measured, steps, counted[0], own) if wanted else None
        neurons = [future.result() for future in counted]
        neurons += [recorded] if recorded is not None else []
        neurons += [last.result()] if last is not None else []
        _show_units(page, pictures, neurons)
        # While the others run.
        first = Answered(inputs_of(table), [networks[0].result()], digits.times_ms)
        for name, figure in activity_figures(first):
            pictures.add(name, figure)
        pairs = [future.result() for future in networks]
        network = None if measured is None else measured.result()
    page.ended(_NETWORK)
    return _Found(digits, spike.result(), neurons, pairs, network)


def _measured(steps: Steps, textbook: Future[Fitted], own: OwnShape | None) -> MeasuredNetwork:
    cell = textbook.result()
    return steps.measured_network(cell, cell.title if own is None else own.called)


def _show_neuron(
    page: GrowingPage,
    pictures: _Pictures,
    parameters: Parameters,
    context: Context,
    own: OwnShape | None,
) -> None:
    """Put the neuron with its synapses onto the page; nothing of it has been run."""
    neuron = driven_neuron(parameters.spike, context.seed, None if own is None else own.neuron())
    with pictures.watch.during("drawing"):
        with drawing(7.0, 3.4) as (figure, axes):
            draw_neuron(neuron, axes, axon=own is None)
        picture = svg_uri(drawn(figure, ("svg",))["svg"])
    synapses = f"{parameters.spike.excitatory} excitatory and {parameters.spike.inhibitory}"
    said = f"The neuron with {synapses} inhibitory synapses on its dendrites."
    page.show(
        "neuron",
        Section("1. A neuron", picture, "the neuron with its synapses", said),
        f"the neuron with its synapses is on the page, {page.out / 'report.html'}",
    )


def _show_spike(
    page: GrowingPage,
    pictures: _Pictures,
    parameters: Parameters,
    spike: OneSpike,
    own: OwnShape | None,
) -> None:
    """Put one of the neuron's spikes onto the page."""
    picture = pictures.add("neuron", spike_figure(spike, axon=own is None))
    page.ended(_SPIKE)
    alt = "the neuron with its synapses; one of its spikes; the response to one synapse"
    said = said_of_the_spike(parameters, spike, own)
    page.show("neuron", Section("1. A neuron", picture, alt, said), "one of its spikes is there")


def _show_units(page: GrowingPage, pictures: _Pictures, neurons: list[Fitted]) -> None:
    """Put the neurons' units onto the page."""
    picture = pictures.add("units", units_figure(neurons))
    page.ended(_UNITS)
    alt = "f-I curves with fitted units and residuals"
    said = of_the_units(neurons)
    page.show("units", Section("2. Its unit", picture, alt, said), "the units are there")


def _timing(watch: Stopwatch, started: float, before_s: float | None = None) -> dict[str, Any]:
    """Return where the time since the start of the command went, in seconds.

    ``of_command`` says whether it is known how long the command ran before, `before_s`. ``start``,
    ``work``, ``drawing`` and ``rest`` add up to the total; simulation, training and fitting
    overlap, and are parts of the work. Of the drawing only that counts which was not done beside
    other work.
    """
    # What it used is counted once it has ended.
    end_waiting()
    start = before_s or 0.0
    total = start + time.perf_counter() - started
    kinds = ("simulation", "training", "fitting")
    work = watch.union(*kinds)
    drawing = watch.union(*kinds, "drawing") - work
    parts = {"start": start, "work": work, "drawing": drawing}
    return {
        "of_command": before_s is not None,
        "total": total,
        **parts,
        "rest": total - sum(parts.values()),
        **watch.seconds(*kinds),
        "simulation_or_training": watch.union("simulation", "training"),
        "processor": sum(os.times()[:4]),
    }


def _own_table(
    parameters: Parameters, context: Context, reading: dict[str, Any], columns: dict[str, Any]
) -> OwnTable | None:
    """Read, clean and learn from the table, if there is one."""
    if parameters.table is None or parameters.target is None:
        return None
    path, target = Path(parameters.table), parameters.target
    chosen = {key: columns[key] for key in ("rules", "apply") if key in columns}
    raw = check_target(path, target, reading, **chosen)
    return learn(raw, path.name, target, context.seed, **columns)
