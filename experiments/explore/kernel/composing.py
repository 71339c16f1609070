"""A described neuron as the files that a run of its program reads, and the program itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, ms, pA

from experiments.explore.kernel.changed_together import changed_together, places_together
from neurosim.clamps import CurrentClamp, VoltageClamp
from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.engine.cable.compose import compose_cable
from neurosim.engine.cable.execute import fetch_cable
from neurosim.engine.cable.execute import write_inputs as write_cable
from neurosim.engine.cable.model import CableModel
from neurosim.engine.point.model import Model
from neurosim.engine.point.standalone import fetch_point
from neurosim.engine.point.standalone import write_inputs as write_point
from neurosim.engine.programs.compiler import Compiler
from neurosim.errors import ParameterError
from neurosim.quantities import check_seed, unit_name
from neurosim.run.argument_checks import RunSettings
from neurosim.run.batch import Places, batch_places, point_places
from neurosim.run.neuron_run import begun, prepare, with_stimulus
from neurosim.run.point_run import prepare_point
from neurosim.run.state import State
from neurosim.stimuli import Constant, Stimulus

__all__ = ["Asked", "Composed", "manifest_of", "program"]


@dataclass(frozen=True)
class Composed:
    """A run as a page will make it.

    Attributes
    ----------
    model : Model or CableModel
        What is compiled.
    files : dict of str to bytes
        What a run reads.
    traces : tuple of str
        Names of what is traced.
    rows : tuple of str
        Of point neurons, the files with a number a row.
    units : dict of str to str
        Of neurons with extent, by the name of a trace: the name of its SI unit.
    """

    model: Model | CableModel
    files: dict[str, bytes]
    traces: tuple[str, ...]
    rows: tuple[str, ...] = ()
    units: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What a page is to run, as `neurosim.simulate` is told it."""

    neuron: PointNeuron | Neuron
    stimulus: Stimulus | None
    duration: Quantity
    initial: State | None
    dt: Quantity | None
    record: tuple[str, ...]
    record_dt: Quantity | None
    seed: int

    def __post_init__(self) -> None:
        if not isinstance(self.neuron, PointNeuron | Neuron):
            raise ParameterError(
                "kernel_of: the neuron must be a point neuron or a neuron with extent; a "
                f"{type(self.neuron).__name__} cannot run in a page"
            )
        parts = [self.stimulus, *(p.part for p in getattr(self.neuron, "placed", ()))]
        if any(isinstance(part, VoltageClamp | CurrentClamp) for part in parts):
            raise ParameterError(
                "kernel_of: a clamp cannot run in a page; inject a current instead of it"
            )

    @property
    def point(self) -> bool:
        """Whether the neuron has no extent."""
        return isinstance(self.neuron, PointNeuron)

    @property
    def settings(self) -> RunSettings:
        """How the run goes."""
        return RunSettings.checked(
            self.neuron.default_dt_ms * ms,
            self.duration,
            seed=self.seed,
            dt=self.dt,
            record=self.record,
            record_dt=self.record_dt,
            settle=None,
            scheme=None,
            engine="auto",
            jobs=1,
            progress=None,
        )

    @property
    def current(self) -> Stimulus:
        """What is injected into a point neuron."""
        return Constant(0 * pA) if self.stimulus is None else self.stimulus

    def places(self) -> Places:
        """Return what can vary, by full name."""
        if isinstance(self.neuron, PointNeuron):
            return point_places(self.neuron, self.current)
        found = batch_places(with_stimulus(self.neuron, self.stimulus, self.record))
        together = places_together(self.neuron)
        return {n: place for n, place in found.items() if n not in together.replaced} | together.new

    def composed(
        self, changes: Mapping[str, Quantity], manifest: Callable[[Model], Any], seed: int
    ) -> Composed:
        """Write the run with some parameters changed.

        Parameters
        ----------
        changes : mapping of str to Quantity
            New values by full name; of a neuron with extent several of one parameter may be given,
            a cell each.
        manifest : callable
            Gives what stands beside the program of a model of point neurons.
        seed : int
            Seed of the noise.
        """
        with TemporaryDirectory() as made:
            folder = Path(made)
            if isinstance(self.neuron, PointNeuron):
                found = self._point(self.neuron, changes, manifest, seed, folder)
            else:
                found = self._cable(self.neuron, changes, seed, folder)
        return found

    def _point(
        self,
        neuron: PointNeuron,
        changes: Mapping[str, Quantity],
        manifest: Callable[[Model], Any],
        seed: int,
        folder: Path,
    ) -> Composed:
        own = {name: value for name, value in changes.items() if "." not in name}
        made = prepare_point(
            neuron.replace(**own) if own else neuron,
            self.current,
            _seeded(self.settings, seed),
            batch={name: _one(value) for name, value in changes.items() if "." in name},
            record_rows=None,
            wiring=None,
            initial=self.initial,
        )
        told = manifest(made.model)
        write_point(made.inputs, folder, told)
        rows = [name for name in told["inputs"] if name not in made.model.shared]
        files = _read(folder)
        # Where the run goes on from a state, what else it would start with is read over.
        files |= {name: files[f"begin.{name}"] for name in files if f"begin.{name}" in files}
        rows += [name for name in files if name.startswith("begin.")]
        return Composed(made.model, files, made.model.record, tuple(rows))

    def _cable(
        self, neuron: Neuron, changes: Mapping[str, Quantity], seed: int, folder: Path
    ) -> Composed:
        settings = _seeded(self.settings, seed).in_whole_steps()
        known = places_together(neuron).new
        several = {name: value for name, value in changes.items() if name in known}
        neuron = with_stimulus(changed_together(neuron, several), self.stimulus, settings.record)
        batch = {name: _one(value) for name, value in changes.items() if name not in several}
        run, _ = prepare(neuron, batch, settings.seed, settings, "", initial=self.initial)
        made = begun(compose_cable(neuron, run), neuron, run, self.initial)
        write_cable([(made.model, made.inputs)], folder)
        units = {name: unit_name(unit) for name, unit in made.units.items()}
        names = tuple(name for name, _ in made.traces)
        return Composed(made.model, _read(folder), names, units=units)


def program(model: Model | CableModel, compiler: Compiler) -> Path:
    """Return the folder of the program of a model."""
    if isinstance(model, Model):
        return fetch_point(model, compiler)
    return fetch_cable([model], compiler)


def manifest_of(compiler: Compiler) -> Callable[[Model], Any]:
    """Return what gives the manifest of a model's program."""
    return lambda model: json.loads((fetch_point(model, compiler) / "manifest.json").read_text())


def _one(value: Quantity) -> Quantity:
    """Return a value as the array of a batch of one; several values are a batch already."""
    return Quantity(np.atleast_1d(np.asarray(value, dtype=float)), dim=get_dimensions(value))


def _seeded(settings: RunSettings, seed: int) -> RunSettings:
    return replace(settings, seed=check_seed(seed))


def _read(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
