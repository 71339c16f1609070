"""Parameters of painted and placed parts that follow courses, as arrays of the kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from brian2.units import Quantity

from neurosim.channels.base import Mechanism
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Painted, Placed
from neurosim.engine.cable.draft import TEMPERATURE, Run
from neurosim.engine.cable.inputs import Following, KernelInputs
from neurosim.engine.cable.model import Kernel
from neurosim.engine.cable.patches import scale_of
from neurosim.engine.cable.points import increments
from neurosim.engine.programs.course_tables import CourseTable, derived
from neurosim.synapses.base import Receptor

__all__ = ["follow_courses"]


def follow_courses(
    neuron: Neuron,
    run: Run,
    kernels: Sequence[Kernel],
    values: Sequence[KernelInputs],
    numbering: np.ndarray,
    tables: list[CourseTable],
) -> list[Following]:
    """Return what follows courses; their tables are added to `tables`."""
    if not run.courses:
        return []
    return list(_Follower(neuron, run, kernels, values, numbering, tables).all())


class _Follower:
    def __init__(
        self,
        neuron: Neuron,
        run: Run,
        kernels: Sequence[Kernel],
        values: Sequence[KernelInputs],
        numbering: np.ndarray,
        tables: list[CourseTable],
    ) -> None:
        self.neuron, self.run, self.tables = neuron, run, tables
        self.kernels, self.values = kernels, values
        self.back = np.empty_like(numbering)
        self.back[numbering] = np.arange(len(numbering))

    def all(self) -> Iterator[Following]:
        for painted in self.neuron.painted:
            if isinstance(painted.part, Mechanism):
                yield from self._painted(painted, painted.part)
        for placed in self.neuron.placed:
            yield from self._placed(placed)

    def _painted(self, painted: Painted, part: Mechanism) -> Iterator[Following]:
        mask = painted.region.mask(self.neuron.compartments)
        for number, kernel in enumerate(self.kernels):
            if not kernel.density:
                continue
            where = self.back[self.values[number].nodes]
            sites = np.flatnonzero(mask[where])
            if not len(sites):
                continue
            for field in part.parameters():
                given = self.run.courses.get(f"{painted.label}.{field}")
                name = f"{part.name}_{field}"
                if given is not None and name in kernel.parameters:
                    factors = scale_of(painted, field, self.neuron, where[sites])
                    yield self._following(number, name, sites, factors, given)
            yield from self._warmed(number, part, f"{part.name}_", sites)

    def _placed(self, placed: Placed) -> Iterator[Following]:
        name = f"point_{placed.label}"
        number = next(k for k, kernel in enumerate(self.kernels) if kernel.name == name)
        sites = np.arange(self.values[number].sites)
        head = f"{placed.label}."
        for full, given in self.run.courses.items():
            if full.startswith(head):
                # As `write_injection` and the drafts name parameters in a kernel.
                local = full.removeprefix(head)
                for sign, with_ in ((".", "_"), ("[", "_"), ("]", "")):
                    local = local.replace(sign, with_)
                yield self._following(number, local, sites, np.ones(len(sites)), given)
        if isinstance(placed.part, Receptor):
            yield from self._warmed(number, placed.part, "", sites)
            yield from self._increments(number, placed.part, placed.label, sites)

    def _warmed(
        self, number: int, part: Mechanism, head: str, sites: np.ndarray
    ) -> Iterator[Following]:
        """Follow the temperature in what is computed from it once a run."""
        given = self.run.courses.get(TEMPERATURE)
        if given is None:
            return
        for constant in part.constants(self.neuron.celsius):

            def value(now: dict[str, float], constant: str = constant) -> float:
                return float(part.constants(now[TEMPERATURE])[constant])

            made = tuple(derived(value, {TEMPERATURE: table}) for table in given)
            if all(np.all(table.values == table.values[0]) for table in made):
                continue
            factors = np.ones(len(sites))
            yield self._following(number, f"{head}{constant}", sites, factors, made)

    def _increments(
        self, number: int, part: Receptor, label: str, sites: np.ndarray
    ) -> Iterator[Following]:
        """Follow what an event adds to the states of a receptor."""
        head = f"{label}."
        names = {n.removeprefix(head): n for n in self.run.courses if n.startswith(head)}
        if TEMPERATURE in self.run.courses:
            names[TEMPERATURE] = TEMPERATURE
        if not names or self.values[number].events is None:
            return
        for state in part.on_event:
            made = []
            for cell in range(self.run.cells):
                courses = {
                    local: self.run.courses[full][cell % len(self.run.courses[full])]
                    for local, full in names.items()
                }
                made.append(derived(self._increment(part, state, label, cell), courses))
                if all(len(self.run.courses[full]) == 1 for full in names.values()) and not any(
                    name.startswith(head) for name in self.run.batch
                ):
                    break
            if all(np.all(table.values == table.values[0]) for table in made):
                continue
            factors = np.ones(len(sites))
            yield self._following(number, state, sites, factors, tuple(made), event=True)

    def _increment(
        self, part: Receptor, state: str, label: str, cell: int
    ) -> Callable[[dict[str, float]], float]:
        fixed = {
            name: self.run.batch[f"{label}.{name}"][cell]
            for name in part.parameters()
            if f"{label}.{name}" in self.run.batch
        }
        behind = (1 - self.run.theta) * self.run.dt

        def value(now: dict[str, float]) -> float:
            celsius = now.get(TEMPERATURE, self.neuron.celsius)
            moved = {**fixed, **{n: x for n, x in now.items() if n != TEMPERATURE}}
            changed = part.replace(**{n: _like(part, n, x) for n, x in moved.items()})
            return float(increments(changed, state, {}, (1, 1), celsius, behind)[0])

        return value

    def _following(
        self,
        kernel: int,
        name: str,
        sites: np.ndarray,
        factors: np.ndarray,
        given: tuple[CourseTable, ...],
        *,
        event: bool = False,
    ) -> Following:
        first = len(self.tables)
        self.tables.extend(given)
        tables = first + np.arange(self.run.cells) % len(given)
        return Following(kernel, name, event, sites, factors, tables)


def _like(part: Any, name: str, value: float) -> Quantity:
    return Quantity(float(value), dim=getattr(part, name).dim)
