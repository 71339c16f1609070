"""Parts 1 and 2 of the main job: a neuron and one of its spikes, and the units of several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import mV, pA, second

from bridge.counts.curve import FICurve
from bridge.equivalent.find_unit import equivalent_unit
from bridge.stimulate.fi_curve import fi_curve
from experiments.compare.parameters import Parameters
from experiments.gallery.neurons.one_spike import run_one_spike
from experiments.kit.recorded import recorded_curve
from experiments.kit.registry import Context
from experiments.kit.timing import Stopwatch
from experiments.kit.unit_tables import Fitted
from experiments.one_neuron.spike_along import OneSpike
from neurosim import LIF, HodgkinHuxley, Neuron, PointNeuron, WhiteNoise
from neurosim.catalogue import textbook_membrane, textbook_neuron
from neurosim.morphology import Morphology
from neurosim.morphology.regions import FAMILIES

__all__ = ["Measured", "OwnShape", "brought", "built_in", "models", "spike_of"]

# What counts the spikes of a neuron.
Measured = Callable[[], FICurve]
TEXTBOOK = "textbook neuron"

# Where the rheobase of an own shape is looked for, and how far above it the curve goes.
_LOOKED_FOR_PA = np.concatenate([[0.0], np.geomspace(2, 5e4, 23)])
_REACH, _POINTS = 5.0, 16


@dataclass(frozen=True, eq=False)
class OwnShape:
    """A reconstruction that takes the place of the textbook neuron.

    Attributes
    ----------
    name : str
        Of its file.
    shape : Morphology
        As it was read.
    doubts : tuple of str
        What the reader had to say of the file.
    """

    name: str
    shape: Morphology
    doubts: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What the page calls the cell."""
        return f"cell: {Path(self.name).stem}"

    @property
    def called(self) -> str:
        """What a sentence calls the cell."""
        return f"cell {self.name}"

    def neuron(self) -> Neuron:
        """Return the shape with the textbook membrane.

        Raises
        ------
        UnknownNameError
            It has no soma or no dendrite.
        """
        return textbook_membrane(self.shape)

    def said(self) -> str:
        """Say where the parts of this neuron come from."""
        tags = self.shape.tags
        dendrites = sum(tag in FAMILIES["dendrite"] for tag in tags)
        axon = (
            "The axon in the file is left out, because stains seldom show where a spike starts: "
            if "axon" in tags
            else "The file has no axon: "
        )
        branches = "branch" if dendrites == 1 else "branches"
        return (
            f"Soma and dendrites ({dendrites} {branches}) are those of {self.name}. {axon}"
            "hillock, initial segment and an axon of 1 mm are the textbook neuron's. So are all "
            "channels: they were not measured in this cell."
        )


def spike_of(
    parameters: Parameters, context: Context, watch: Stopwatch, own: OwnShape | None
) -> OneSpike:
    """Run the neuron that is shown, and take one of its spikes apart."""
    cell = None if own is None else own.neuron()
    with watch.during("simulation"):
        return run_one_spike(parameters.spike, context, cell)[0]


def _counted(
    title: str, neuron: PointNeuron | Neuron, currents: Any, context: Context, **options: Any
) -> FICurve:
    """Count the spikes of a neuron at each of some currents."""
    return fi_curve(
        neuron,
        currents * pA,
        duration=1 * second,
        settle=0.2 * second,
        seed=context.seed,
        engine=context.engine,
        progress=context.task(f"f-I curve: {title}"),
        **options,
    )


def _of_own_shape(own: OwnShape, context: Context) -> FICurve:
    """Count the spikes of an own shape, at currents around its rheobase."""
    cell = own.neuron()
    coarse = fi_curve(
        cell, _LOOKED_FOR_PA * pA, duration=0.2 * second, settle=0.1 * second, seed=context.seed,
        progress=context.task(f"currents: {own.title}"), engine=context.engine, jobs=context.jobs,
    )  # fmt: skip
    firing = np.flatnonzero(coarse.mean_rate_Hz() > 0)
    # A cell that never fires is counted at the same currents for longer, so that the page shows it.
    top = _REACH * coarse.currents[firing[0]] if len(firing) else coarse.currents[-1]
    points = _POINTS // 2 if context.quick else _POINTS
    # Two digits: the page names the last current.
    currents = np.linspace(0, float(f"{max(top, 10.0):.2g}"), points)
    return _counted(own.title, cell, currents, context, jobs=context.jobs)


def models(
    parameters: Parameters, context: Context, own: OwnShape | None = None
) -> list[tuple[str, Measured]]:
    """Return the title of each model and what counts its spikes, in the order of the page.

    Parameters
    ----------
    parameters, context
        Of the main job.
    own : OwnShape, optional
        In place of the textbook neuron.
    """
    quick = context.quick

    def noisy(title: str, sigma: float) -> FICurve:
        lif = LIF()
        return _counted(
            title, lif, np.arange(50, 501, 25), context,
            trials=2 if quick else parameters.trials,
            background=WhiteNoise.for_membrane(sigma * mV, lif),
        )  # fmt: skip

    def first() -> FICurve:
        if own is not None:
            return _of_own_shape(own, context)
        return _counted(TEXTBOOK, textbook_neuron(), np.arange(0, 301, 30 if quick else 20),
                        context)  # fmt: skip

    def last() -> FICurve:
        currents = np.arange(0, 401, 20 if quick else 10)
        return _counted("Hodgkin-Huxley", HodgkinHuxley(), currents, context)

    levels = parameters.noise_mV
    if quick:
        # The middle one.
        levels = levels[len(levels) // 2 :][:1]
    titles = [f"LIF, noise {sigma:g} mV" for sigma in levels]
    return [
        (TEXTBOOK if own is None else own.title, first),
        *((t, partial(noisy, t, s)) for t, s in zip(titles, levels, strict=True)),
        ("Hodgkin-Huxley", last),
    ]


def built_in(parameters: Parameters) -> tuple[str, FICurve]:
    """Return title and counts of the recorded cell that comes with the project."""
    return f"recorded: {parameters.cell}", recorded_curve(parameters.cell)


def brought(file: str, parameters: Parameters, context: Context) -> Fitted:
    """Return the user's recorded cell with the units that `neurosim unit` finds."""
    found = equivalent_unit(
        Path(file),
        adaptation=False,
        recording=parameters.reading,
        seed=context.seed,
    )
    title = f"recorded: {Path(file).stem}"
    return Fitted(title, found.selection.curve, found.selection)
