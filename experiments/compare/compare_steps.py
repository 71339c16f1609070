"""The steps of the main job: what each computes, what it waits for, and what it is kept under."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from typing import Any

from bridge.choice.select_unit import select
from bridge.choice.selection import Selection
from bridge.counts.curve import FICurve
from bridge.spiking.spiking_network import SpikingRun
from experiments.compare.measured_part import MeasuredNetwork, network_of
from experiments.compare.network_part import answer, conversion_curve, train_one
from experiments.compare.neuron_part import Measured, OwnShape, built_in, spike_of
from experiments.compare.parameters import Parameters
from experiments.compare.second_process import timed
from experiments.compare.stored_parts import Parts
from experiments.compare.table_part import OwnTable
from experiments.gallery.networks.digits_on_neurons import Parameters as DigitsParameters
from experiments.gallery.networks.digits_on_neurons import Trained
from experiments.kit.registry import Context
from experiments.kit.timing import Stopwatch
from experiments.kit.unit_tables import Fitted
from experiments.one_neuron.spike_along import OneSpike
from neurosim.errors import EngineError

__all__ = ["WITHIN", "Steps"]

WITHIN = 20.0
"""Families whose AICc lies farther above the best's are shown without intervals."""


@dataclass(frozen=True, eq=False)
class Steps:
    """What is to be done, and by whom. Each step is called in a thread of its own, which waits.

    Parameters
    ----------
    parameters, context, watch
        Of the main job.
    digits : DigitsParameters
        Those of the networks, of a quick run or a whole one.
    parts : Parts
        Computes steps, or takes them from the store.
    own : OwnShape or None
    table : OwnTable or None
        What the user brought.
    simulations : Executor
        Threads for simulations: as many as may run at the same time.
    beside : Executor
        What trains networks and fits units, beside this process.
    """

    parameters: Parameters
    context: Context
    watch: Stopwatch
    digits: DigitsParameters
    parts: Parts
    own: OwnShape | None
    table: OwnTable | None
    simulations: Executor
    beside: Executor

    def spike(self) -> OneSpike:
        """Run the neuron that is shown."""
        p, c = self.parameters, self.context
        return self.parts.of(
            "one spike",
            lambda: self.simulations.submit(spike_of, p, c, self.watch, self.own).result(),
            own=self.own is not None,
            spike=asdict(p.spike),
        )

    def counted(self, title: str, model: Measured, own: bool, after: Future[OneSpike]) -> Fitted:
        """Count the spikes of a model, and fit units to the counts.

        `own` says whether it has the shape that the user brought. `after` is the spike that is
        shown: the page has it sooner if nothing runs or is compiled beside it.
        """
        after.result()
        asked: dict[str, Any] = {"own": own, "trials": self.parameters.trials}

        def measure() -> FICurve:
            with self.watch.during("simulation"):
                return model()

        curve = self.parts.of(
            f"f-I curve of: {title}", lambda: self.simulations.submit(measure).result(), **asked
        )
        unit = self.parts.of(f"unit of: {title}", lambda: self.fit(curve), **asked)
        return Fitted(title, curve, unit)

    def recorded(self) -> Fitted:
        """Fit units to the counts of the recorded cell that comes with the project."""
        title, curve = built_in(self.parameters)
        selection = self.parts.of(
            f"unit of: {title}", lambda: self.fit(curve), cell=self.parameters.cell
        )
        return Fitted(title, curve, selection)

    def fit(self, curve: FICurve) -> Selection:
        """Fit units to counts beside this process."""
        # A quick look does without the intervals of the units' parameters.
        intervals = None if self.context.quick else "profile"
        selection: Selection = self._beside(
            "fitting", select, curve, seed=self.context.seed, intervals=intervals,
            intervals_within=WITHIN,
        )  # fmt: skip
        return selection

    def _beside(self, kind: str, function: Callable[..., Any], *given: Any, **more: Any) -> Any:
        """Call a function beside this process, and count its time."""
        try:
            start, end, found = self.beside.submit(timed, function, *given, **more).result()
        except BrokenProcessPool:
            raise EngineError(
                f"the process for {kind} was ended from outside, as the system does when memory "
                "runs out; close other programs, or use --jobs 1"
            ) from None
        self.watch.add(kind, start, end)
        return found

    def conversion_curve(self, after: Future[OneSpike]) -> FICurve:
        """Measure the f-I curve that the conversion rests on."""
        after.result()
        given = self.digits, self.context, self.watch
        return self.parts.of(
            "f-I curve of the conversion",
            lambda: self.simulations.submit(conversion_curve, *given).result(),
            noise_mV=self.digits.noise_mV,
        )

    def network(self, number: int, seed: int, curve: Future[FICurve]) -> tuple[Trained, SpikingRun]:
        """Train a network (or take that of the table) and run it on spiking neurons."""

        def compute() -> tuple[Trained, SpikingRun]:
            if self.table is None:
                trained = self._beside("training", train_one, self.digits, seed)
            else:
                trained = self.table.trained
            given = trained, number == 0, curve.result(), self.digits, self.context, self.watch
            return trained, self.simulations.submit(answer, *given).result()

        return self.parts.of(
            f"network {number + 1} on neurons",
            compute,
            own=self.table is not None,
            digits=asdict(self.digits),
            number=number,
            network_seed=seed,
        )

    def measured_network(self, cell: Fitted, name: str) -> MeasuredNetwork:
        """Train a network with the cell's own curve; run it on the neuron that stands for it."""
        given = cell, name, self.digits, self.context, self.watch
        return self.parts.of(
            "network with the textbook neuron's curve",
            lambda: self.simulations.submit(network_of, *given).result(),
            own=self.own is not None,
            digits=asdict(self.digits),
        )
