"""The main job: neurons, the unit that stands for each, and a network on spiking neurons."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import ms, mV, pA, second

from bridge.choice.select_unit import select
from bridge.conversion.drive import measure_for_conversion
from bridge.counts.curve import FICurve
from bridge.stimulate.fi_curve import fi_curve
from experiments.compare.figures import activation_figure, voltage_figure
from experiments.compare.report import render
from experiments.gallery.networks.digits_on_neurons import (
    HELD_OUT,
    JUDGED_MS,
    Trained,
    accuracy_figure,
    calibration_numbers,
    compare_answers,
    on_neurons,
    train,
    verdicts_of,
)
from experiments.gallery.networks.digits_on_neurons import Parameters as DigitsParameters
from experiments.kit.outputs import check_folder, write_folder
from experiments.kit.recorded import recorded_curve
from experiments.kit.registry import Context
from experiments.kit.result import Result
from experiments.kit.style import data_uri
from experiments.kit.timing import Stopwatch
from experiments.kit.unit_tables import (
    Fitted,
    adequacy_verdicts,
    parameter_table,
    unit_table,
    units_figure,
)
from neurosim import LIF, HodgkinHuxley, WhiteNoise
from neurosim.engine.programs.processes import halted
from neurosim.run.recording import versions

__all__ = ["Parameters", "compare", "summary"]

CLAIM = (
    "Each neuron has a unit that stands for it, rarely the sigmoid; and a trained sigmoid network "
    "keeps its accuracy on spiking -55 mV neurons."
)


@dataclass(frozen=True)
class Parameters:
    """What the main job compares.

    Attributes
    ----------
    recording : str or None
        CSV of a recorded cell; None for the one that comes with the project.
    cell : str
        Which of those (see `experiments.kit.recorded.CELLS`).
    noise_mV : tuple of float
        Noise of the LIF neurons whose f-I curves are measured.
    trials : int
        Repeats of every current.
    digits : DigitsParameters
        The network and its times of decision.
    """

    recording: str | None = None
    cell: str = "fast-spiking"
    noise_mV: tuple[float, ...] = (1.0, 3.0, 6.0)
    trials: int = 5
    digits: DigitsParameters = field(default_factory=DigitsParameters)


# A neuron's title and its counts.
Measured = tuple[str, FICurve]


def _lif(sigma: float, parameters: Parameters, context: Context) -> Measured:
    neuron = LIF()
    curve = fi_curve(
        neuron,
        np.arange(50, 501, 25) * pA,
        duration=1 * second,
        settle=0.2 * second,
        trials=2 if context.quick else parameters.trials,
        background=WhiteNoise.for_membrane(sigma * mV, neuron),
        seed=context.seed,
        engine=context.engine,
        progress=context.task(f"f-I curve: LIF, noise {sigma:g} mV"),
    )
    return f"LIF, noise {sigma:g} mV", curve


def _hodgkin_huxley(context: Context) -> Measured:
    curve = fi_curve(
        HodgkinHuxley(),
        np.arange(0, 401, 20 if context.quick else 10) * pA,
        duration=1 * second,
        settle=0.2 * second,
        seed=context.seed,
        engine=context.engine,
        progress=context.task("f-I curve: Hodgkin-Huxley"),
    )
    return "Hodgkin-Huxley", curve


def _recorded(parameters: Parameters) -> Measured:
    if parameters.recording is None:
        return f"recorded: {parameters.cell}", recorded_curve(parameters.cell)
    title = f"recorded: {Path(parameters.recording).stem}"
    return title, FICurve.from_csv(parameters.recording)


def compare(parameters: Parameters, context: Context, out: Path) -> Result:
    """Run the main job and write its report.

    Parameters
    ----------
    parameters : Parameters
        What is compared.
    context : Context
        Seed, processes, quick or whole.
    out : Path
        Folder for ``report.html``, ``result.json``, tables and figures; written whole or not at
        all.

    Returns
    -------
    Result

    Raises
    ------
    OutputError
        The folder cannot be written (said before anything runs).
    CurveError
        The recording is faulty.
    """
    started = time.perf_counter()
    check_folder(out)
    # What a user brings is read first: a fault in it should not cost a simulation.
    recorded = _recorded(parameters)
    watch = Stopwatch()
    digits = parameters.digits.up_to_judged() if context.quick else parameters.digits
    seeds = context.seeds(digits.seeds)

    def measured(function: Callable[..., Measured], *arguments: Any) -> Measured:
        with watch.during("simulation"):
            return function(*arguments)

    # Simulations are child processes, so threads are enough to keep all cores busy while the
    # units of one neuron are fitted and the next is still running.
    with simulation_threads(context.jobs) as pool:
        waiting = [
            pool.submit(measured, _lif, sigma, parameters, context) for sigma in parameters.noise_mV
        ]
        waiting.append(pool.submit(measured, _hodgkin_huxley, context))
        conversion_curve = pool.submit(_conversion_curve, digits, context, watch)
        with watch.during("training"):
            trained = [train(digits.hidden, digits.dropout, seed) for seed in seeds]
        answered = [
            pool.submit(_answer, t, k == 0, conversion_curve, digits, context, watch)
            for k, t in enumerate(trained)
        ]
        neurons = []
        for future in [*waiting, None]:
            title, curve = recorded if future is None else future.result()
            with watch.during("fitting"):
                neurons.append(Fitted(title, curve, select(curve, seed=context.seed)))
        runs = [future.result() for future in answered]
    pairs = list(zip(trained, runs, strict=True))
    accuracy = compare_answers(pairs, digits.times_ms)
    units = unit_table(neurons)
    frames = {n.title: n.selection.to_frame().reset_index() for n in neurons}
    families = pd.concat(frames, names=["neuron"]).reset_index("neuron").reset_index(drop=True)
    shown_ms = 100.0 if 100.0 in digits.times_ms else max(digits.times_ms)
    with watch.during("drawing"):
        figures = {
            "units": units_figure(neurons),
            "voltage": voltage_figure(trained[0], runs[0], 0, shown_ms),
            "activation": activation_figure(trained[0], runs[0], shown_ms),
            "accuracy": accuracy_figure(accuracy, "Digits: the network on spiking neurons"),
        }
    result = Result(
        name="compare",
        claim=CLAIM,
        numbers={
            "units": {n.title: n.selection.to_dict() for n in neurons},
            "ann_accuracy_by_seed": {
                t.seed: float(t.network.score(t.X_test, t.y_test)) for t in trained
            },
            "calibration_by_seed": {t.seed: calibration_numbers(run) for t, run in pairs},
            "images": HELD_OUT * len(seeds),
        },
        tables={"units": units, "families": families, "accuracy": accuracy},
        figures=figures,
        verdicts=[*verdicts_of(pairs), *adequacy_verdicts(neurons[-1])],
        provenance={
            "parameters": asdict(parameters),
            "seed": context.seed,
            "seeds_of_networks": seeds,
            "quick": context.quick,
            "curves": {n.title: n.curve.provenance for n in neurons},
            "network_run": runs[0].to_dict(),
            "versions": versions(),
        },
    )
    with watch.during("drawing"):
        pictures = {name: data_uri(figure) for name, figure in figures.items()}
    timing = {
        "total": time.perf_counter() - started,
        **watch.seconds("simulation", "training", "fitting", "drawing"),
        "simulation_or_training": watch.union("simulation", "training"),
    }
    result.numbers["seconds"] = timing
    page = render(
        versions=versions(),
        made=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        seed=context.seed,
        quick=context.quick,
        engine=runs[0].recording.engine,
        verdicts=result.verdicts,
        figures=pictures,
        units={"columns": list(units.columns), "rows": units.to_numpy().tolist()},
        parameters_table=parameter_table(neurons),
        families_table=families,
        hidden=digits.hidden,
        dropout=f"{100 * digits.dropout:g}",
        seeds=len(seeds),
        noise=f"{digits.noise_mV:g}",
        images=HELD_OUT * len(seeds),
        accuracy_table=accuracy,
        shown_ms=f"{shown_ms:g}",
        timing=timing,
        jobs=context.jobs,
        provenance=result.provenance,
    )

    def fill(place: Path) -> None:
        (place / "report.html").write_text(page, encoding="utf-8")
        result.write(place)

    write_folder(out, fill)
    return result


@contextmanager
def simulation_threads(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Give threads for simulations; an error or Ctrl-C ends every simulation at once."""
    pool = ThreadPoolExecutor(max(jobs, 1))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        with halted():
            pool.shutdown(wait=True)
        raise
    finally:
        pool.shutdown(wait=True)


def _conversion_curve(digits: DigitsParameters, context: Context, watch: Stopwatch) -> FICurve:
    neuron = LIF()
    with watch.during("simulation"):
        return measure_for_conversion(
            neuron,
            WhiteNoise.for_membrane(digits.noise_mV * mV, neuron),
            dt=0.1 * ms,
            seed=context.seed,
            engine=context.engine,
            progress=context.task("f-I curve for the conversion"),
        )


def _answer(
    trained: Trained,
    first: bool,
    curve: Any,
    digits: DigitsParameters,
    context: Context,
    watch: Stopwatch,
) -> Any:
    """Run one network; every run traces the potentials of one image, so that all share a model."""
    ready = curve.result()
    with watch.during("simulation"):
        return on_neurons(
            trained,
            digits,
            replace(context, jobs=1),
            curve=ready,
            decision=JUDGED_MS[0] * ms,
            record={
                "record": ["v"],
                "record_rows": range(digits.hidden if first else 1),
                "record_dt": 0.1 * ms if first else 10 * ms,
            },
        )


def summary(result: Result, console: Any) -> None:
    """Print the main job in a terminal's width: units, accuracies, verdicts, time."""
    from rich.table import Table

    units = result.tables["units"]
    table = Table(title="Which unit stands for each neuron", title_justify="left")
    for title in ("neuron", "best unit", "weight", "fits", "residual of the sigmoid (Hz rms, max)"):
        table.add_column(title, justify="left" if title in ("neuron", "best unit") else "right")
    for row in units.to_numpy():
        table.add_row(row[0], row[1], row[2], row[4].split(" ")[0], row[6])
    console.print(table)
    table = Table(title="The same network on spiking neurons", title_justify="left")
    for title in ("time", "ANN %", "neurons % (95 %)", "points lost", "McNemar p", "spikes"):
        table.add_column(title, justify="right")
    for answer in result.tables["accuracy"].to_dict("records"):
        low, high = 100 * answer["low_95"], 100 * answer["high_95"]
        table.add_row(
            f"{answer['time_ms']:g} ms",
            f"{100 * answer['ann_accuracy']:.2f}",
            f"{100 * answer['spiking_accuracy']:.2f} ({low:.1f}-{high:.1f})",
            f"{answer['points_lost']:.2f}",
            f"{answer['mcnemar_p']:.2g}",
            f"{answer['spikes_per_decision']:.0f}",
        )
    console.print(table)
    for verdict in result.verdicts:
        console.print(str(verdict), style="green" if verdict.holds else "bold red")
    seconds = result.numbers["seconds"]
    console.print(
        f"{seconds['total']:.1f} s in all; simulation or training "
        f"{seconds['simulation_or_training']:.1f} s"
    )
