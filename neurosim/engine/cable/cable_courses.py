"""Parameters of painted and placed parts that follow courses, as arrays of the kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from brian2.units import Quantity
from brian2.units.fundamentalunits import get_dimensions

from neurosim.channels.base import Mechanism
from neurosim.channels.calcium_pool import CalciumPool
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Painted, Placed
from neurosim.describe.profiles import factors, profiles
from neurosim.engine.cable.draft import TEMPERATURE, Run
from neurosim.engine.cable.equations import instead
from neurosim.engine.cable.inputs import LAYER, Following, KernelInputs
from neurosim.engine.cable.model import Kernel
from neurosim.engine.cable.points import increments
from neurosim.engine.programs.course_tables import CourseTable, derived
from neurosim.errors import ParameterError
from neurosim.ions.ion import Ion
from neurosim.outside import Extracellular
from neurosim.synapses.base import Receptor

__all__ = ["follow_courses"]


def follow_courses(
    neuron: Neuron,
    run: Run,
    kernels: Sequence[Kernel],
    values: Sequence[KernelInputs],
    numbering: np.ndarray,
    tables: list[CourseTable],
    area: np.ndarray,
) -> list[Following]:
    """Return what follows courses; their tables are added to `tables`.

    `area` is that of each compartment of the morphology, in m².
    """
    if not run.courses:
        return []
    followed = [p.label for p in neuron.painted if isinstance(p.part, Mechanism)]
    followed += [p.label for p in neuron.placed]
    layers = [p for p in neuron.painted if isinstance(p.part, Extracellular)]
    walls = {f"{p.label}.g" for p in layers}
    for name in run.courses.keys() - {TEMPERATURE} - walls:
        if any(name.startswith(f"{p.label}.") for p in layers):
            raise ParameterError(
                f"courses: {name} is the capacitance of a layer, which cannot follow a course; its "
                "conductance g can, and a batch can vary both from row to row"
            )
        if not any(name.startswith(f"{label}.") for label in followed):
            raise ParameterError(
                f"courses: {name} belongs to no channel, receptor, pool, layer or electrode and "
                "cannot follow a course; a batch can vary it from row to row"
            )
    follower = _Follower(neuron, run, kernels, values, numbering, tables)
    return [*follower.all(), *follower.walls(layers, np.asarray(area))]


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
        self.numbering, self.back = numbering, np.empty_like(numbering)
        self.back[numbering] = np.arange(len(numbering))

    def all(self) -> Iterator[Following]:
        for painted in self.neuron.painted:
            if isinstance(painted.part, Mechanism):
                yield from self._painted(painted, painted.part)
        for placed in self.neuron.placed:
            yield from self._placed(placed)

    def walls(self, layers: Sequence[Painted], area: np.ndarray) -> Iterator[Following]:
        """Yield the walls of layers that follow a course, by the numbers of their compartments."""
        cut = self.neuron.compartments
        for k, painted in enumerate(layers):
            given = self.run.courses.get(f"{painted.label}.g")
            if given is None:
                continue
            here = painted.region.mask(cut)
            for later in layers[k + 1 :]:
                here &= ~later.region.mask(cut)
            where = np.flatnonzero(here)
            yield self._following(LAYER, "g", self.numbering[where], area[where], given)

    def _painted(self, painted: Painted, part: Mechanism) -> Iterator[Following]:
        mask = painted.region.mask(self.neuron.compartments)
        order = np.cumsum(mask) - 1
        scale = factors(painted, self.neuron.compartments)
        own = profiles(painted, self.neuron.compartments)
        for number, kernel in enumerate(self.kernels):
            if not kernel.density:
                continue
            where = self.back[self.values[number].nodes]
            sites = np.flatnonzero(mask[where])
            if not len(sites):
                continue
            place = order[where[sites]]
            for field in part.parameters():
                full = f"{painted.label}.{field}"
                strength = field == part.strength
                given = self._course_of(full, part, field, fixed=field in own)
                if given is None:
                    continue
                _refuse_of_ions(part, field, full, self.kernels[number])
                across = np.ones(len(sites))
                if strength and scale is not None:
                    across = across * scale[place]
                if field in own:
                    across = across * own[field][place]
                name = f"{part.name}_{field}"
                yield self._following(number, name, sites, across, given)
            yield from self._warmed(number, part, f"{part.name}_", sites)

    def _course_of(
        self, full: str, part: Mechanism, field: str, *, fixed: bool
    ) -> tuple[CourseTable, ...] | None:
        """Return the course of a parameter of each cell; a conductance follows its q10 too.

        Where compartments have values of their own (`fixed`) it is the course of what these are
        multiplied by.
        """
        given = self.run.courses.get(full)
        if given is not None and fixed:
            raise ParameterError(
                f"courses: {full} has a value of its own in each compartment (paint(values=...)), "
                "which one course would replace; paint it with scale, which multiplies the course"
            )
        warming = self.run.courses.get(TEMPERATURE)
        if field != part.strength or warming is None:
            return given
        if all(part.conductance_factor(c) == 1 for c in (0.0, 40.0)):
            return given
        base = 1.0 if fixed else float(getattr(part, field))
        values = np.full(self.run.cells, base)
        if given is None and full in self.run.batch:
            values = np.asarray(self.run.batch[full])
        alone = len(warming) == 1 and len(given or (0,)) == 1 and len(set(values.tolist())) == 1
        made = []
        for cell in range(1 if alone else self.run.cells):
            courses = {TEMPERATURE: warming[cell % len(warming)]}
            if given is not None:
                courses[field] = given[cell % len(given)]

            def value(now: dict[str, float], own: float = float(values[cell])) -> float:
                return now.get(field, own) * part.conductance_factor(now[TEMPERATURE])

            made.append(derived(value, courses))
        return tuple(made)

    def _placed(self, placed: Placed) -> Iterator[Following]:
        name = f"point_{placed.label}"
        number = next(k for k, kernel in enumerate(self.kernels) if kernel.name == name)
        sites = np.arange(self.values[number].sites)
        ones, part = np.ones(len(sites)), placed.part
        if isinstance(part, Receptor):
            for field in part.parameters():
                given = self._course_of(f"{placed.label}.{field}", part, field, fixed=False)
                if given is not None:
                    yield self._following(number, field, sites, ones, given)
            yield from self._warmed(number, part, "", sites)
            yield from self._increments(number, part, placed.label, sites)
            return
        head = f"{placed.label}."
        for full, given in self.run.courses.items():
            if full.startswith(head):
                # As the drafts of electrodes name parameters in a kernel.
                local = full.removeprefix(head)
                for sign, with_ in ((".", "_"), ("[", "_"), ("]", "")):
                    local = local.replace(sign, with_)
                if local not in self.kernels[number].parameters:
                    raise ParameterError(
                        f"courses: {full} is part of a table or a clamp, which cannot follow a "
                        "course; give the current itself as a course, Constant(...) with "
                        "courses={'current': ...}"
                    )
                yield self._following(number, local, sites, ones, given)

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
            ones = np.ones(len(sites))
            yield self._following(number, f"{head}{constant}", sites, ones, made)

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
            ones = np.ones(len(sites))
            yield self._following(number, state, sites, ones, tuple(made), event=True)

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
        across: np.ndarray,
        given: tuple[CourseTable, ...],
        *,
        event: bool = False,
    ) -> Following:
        first = len(self.tables)
        self.tables.extend(given)
        tables = first + np.arange(self.run.cells) % len(given)
        return Following(kernel, name, event, sites, across, tables)


def _refuse_of_ions(part: Mechanism, field: str, full: str, kernel: Kernel) -> None:
    """Refuse courses of what says where ions start or how much room they have, or of no effect."""
    start = isinstance(part, Ion) and field == "inside" and part.inside_moves
    room = isinstance(part, Ion) and field in ("depth", "free", "outside_depth")
    diffuses = field == "diffusion" and isinstance(part, Ion | CalciumPool)
    held = {one.ion for one in kernel.ions}
    followed = field in instead(part, held)
    if start or room:
        raise ParameterError(
            f"courses: {full} is {'where the ion starts' if start else 'a volume of the ion'} and "
            "cannot follow a course; a batch can vary it from row to row"
        )
    if diffuses:
        raise ParameterError(
            f"courses: {full} cannot follow a course; a batch can vary it from row to row"
        )
    if followed:
        raise ParameterError(
            f"courses: {full} has no effect where the concentrations of its ion are held; move "
            'these, or paint the channel with reversal="fixed"'
        )


def _like(part: Any, name: str, value: float) -> Quantity:
    return Quantity(float(value), dim=get_dimensions(getattr(part, name)))
