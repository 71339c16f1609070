"""Do the work of the main job part by part; see `main_job.py`, which runs this."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

PYTHON, PROGRAMS = Counter[str](), Counter[str]()


def part(name: str, work: Callable[..., Any], *given: Any, **more: Any) -> Any:
    """Do a part, and add what processor time it took to what bears its name."""
    before = os.times()
    found = work(*given, **more)
    after = os.times()
    PYTHON[name] += after.user + after.system - before.user - before.system
    PROGRAMS[name] += after[2] + after[3] - before[2] - before[3]
    return found


def imports() -> None:
    """Import what `neurosim compare` does, as it does."""
    sys.modules["pylab"] = None  # type: ignore[assignment]
    os.environ.setdefault("SETUPTOOLS_USE_DISTUTILS", "stdlib")
    import experiments.command.main
    from experiments.command.heavy_imports import heavy_imports

    with heavy_imports():
        import experiments.compare.main_job
        import experiments.compare.terminal  # noqa: F401


def work(quick: bool) -> None:
    """Do everything that the page shows."""
    from bridge.choice.select_unit import select
    from experiments.compare.compare_steps import WITHIN
    from experiments.compare.figures import accuracies_figure
    from experiments.compare.main_job import CLAIM
    from experiments.compare.measured_part import network_of
    from experiments.compare.network_part import (
        Answered,
        answer,
        conversion_curve,
        inputs_of,
        train_one,
    )
    from experiments.compare.neuron_part import built_in, models, spike_of
    from experiments.compare.page_content import (
        activity_figures,
        page_of,
        result_of,
        said_of_the_measured,
        sentences_of,
    )
    from experiments.compare.parameters import Parameters
    from experiments.gallery.neurons.one_spike import driven_neuron
    from experiments.kit.registry import Context
    from experiments.kit.style import drawing, drawn
    from experiments.kit.timing import Stopwatch
    from experiments.kit.unit_tables import Fitted, units_figure
    from experiments.one_neuron.spike_figure import draw_neuron, spike_figure

    parameters, context, watch = Parameters(), Context(seed=1, jobs=1, quick=quick), Stopwatch()
    digits = parameters.digits.up_to_judged() if quick else parameters.digits
    kinds = ("svg",) if quick else ("svg", "png")
    pictures: dict[str, dict[str, bytes]] = {}
    fitting: dict[str, Any] = {"seed": context.seed, "intervals_within": WITHIN}
    if quick:
        fitting["intervals"] = None

    def draw(name: str, make: Callable[[], Any]) -> None:
        pictures[name] = drawn(make(), kinds)

    def show_neuron() -> None:
        with drawing(7.0, 3.4) as (figure, axes):
            draw_neuron(driven_neuron(parameters.spike, context.seed, None), axes)
        drawn(figure, ("svg",))

    part("figures", show_neuron)
    spike = part("one spike", spike_of, parameters, context, watch, None)
    part("figures", draw, "neuron", lambda: spike_figure(spike))
    neurons = []
    for title, measure in (*models(parameters, context), built_in(parameters)):
        curve = part(f"f-I curve: {title}", measure) if callable(measure) else measure
        fit = part("units fitted", select, curve, **fitting)
        neurons.append(Fitted(title, curve, fit))
    part("figures", draw, "units", lambda: units_figure(neurons))
    curve = part("f-I curve for the conversion", conversion_curve, digits, context, watch)
    pairs = []
    for number, seed in enumerate(context.seeds(digits.seeds)):
        trained = part("networks trained", train_one, digits, seed)
        given = trained, number == 0, curve, digits, context, watch
        pairs.append((trained, part("networks converted and run", answer, *given)))
    measured = None
    if not quick:
        given = neurons[0], "textbook neuron", digits, context, watch
        measured = part("network with the cell's own curve", network_of, *given)
    answered = Answered(inputs_of(None), pairs, digits.times_ms)
    for name, figure in part("figures", lambda: list(activity_figures(answered))):
        part("figures", draw, name, lambda figure=figure: figure)
    part("answers and energy", lambda: (answered.table, answered.verdicts()))
    part("figures", draw, "accuracy", lambda: accuracies_figure(answered, measured))

    def page() -> None:
        sentences = sentences_of(parameters, spike, neurons, answered, None)
        result = result_of(
            parameters, context, spike, neurons, answered, sentences, None, CLAIM
        )  # fmt: skip
        if measured is not None:
            sentences["measured"] = said_of_the_measured(measured, result)
        result.numbers["seconds"] = {
            "of_command": False, "total": 0.0, "start": 0.0, "work": 0.0, "drawing": 0.0,
            "rest": 0.0, "simulation": 0.0, "training": 0.0, "fitting": 0.0,
            "simulation_or_training": 0.0, "processor": 0.0,
        }  # fmt: skip
        page_of(parameters, context, result, pictures, neurons, answered, None, None, [])

    part("page", page)


def main() -> None:
    """Print the processor time of each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    part("imports", imports)
    work(quick)
    print(f"{'processor time (s)':36s}  Python  programs")
    for name, seconds in PYTHON.items():
        print(f"{name:36s}{seconds:8.2f}{PROGRAMS[name]:10.2f}")
    print(f"{'sum':36s}{PYTHON.total():8.2f}{PROGRAMS.total():10.2f}")


if __name__ == "__main__":
    main()
