"""What a NeuronGroup does beside its equations: regular operations and events, in Brian2's order.

What Brian2 would not run (``active = False``) or would run at another place of the time step than
a run here is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from brian2.groups.group import CodeRunner
from brian2.groups.subgroup import Subgroup

from neurosim.custom.acting_on_group import alive, covers
from neurosim.custom.past_of_group import steps_run
from neurosim.describe.point_neuron import Action
from neurosim.errors import ParameterError

__all__ = ["actions", "check_schedule", "operations", "runners"]

_SLOTS = ("start", "groups", "thresholds", "synapses", "resets", "end")


def actions(group: Any, place: int) -> tuple[Action, ...]:
    """Return what a neuron does beside equations and reset, untranslated.

    Raises
    ------
    ParameterError
        Something runs at a time or in a slot that a run here does not have.
    """
    slots = _slots(group, place)
    return (*_regular(group, place, slots), *_events(group, slots))


def operations(group: Any) -> list[str]:
    """Return the code that runs beside the equations and the reset of a group."""
    events = [code for event, code in group.event_codes.items() if event != "spike"]
    return [*(str(r.abstract_code) for r in runners(group, None)), *map(str, events)]


def runners(group: Any, place: int | None) -> list[Any]:
    """Return what run_regularly made, of the group or of slices of it, in Brian2's order."""
    found = [r for r in group.contained_objects if type(r) is CodeRunner]
    found += [
        r
        for r in alive()
        if type(r) is CodeRunner and isinstance(r.group, Subgroup) and covers(r.group, group, place)
    ]
    return sorted((r for r in found if r.active), key=lambda r: (r.order, r.name))


def check_schedule(group: Any) -> None:
    """Refuse a group of which Brian2 leaves a part out, or runs it elsewhere in the step.

    Raises
    ------
    ParameterError
        The group, its threshold, a reset or its equations are inactive, or their slot is another.
    """
    if not group.active:
        raise ParameterError(
            f"{group.name}: its active is False, so Brian2 does not run it; set it to True"
        )
    diffusion = getattr(group, "diffusion_state_updater", None)
    parts = [
        ("the update of its equations", group.state_updater, "groups"),
        ("the update of its potential", diffusion, "groups"),
        ("what is constant over dt", group.subexpression_updater, "before_start"),
    ]
    for event in group.events:
        own = event == "spike"
        said = "" if own else f" of the event {event!r}"
        parts += [
            (f"the threshold{said}", group.thresholder.get(event), "thresholds" if own else ""),
            (f"the reset{said}", group.resetter.get(event), "resets" if own else ""),
        ]
    for what, runner, slot in parts:
        if runner is None:
            continue
        if not runner.active:
            raise ParameterError(
                f"{group.name}: {what} has active = False, so Brian2 does not run it; set it to "
                "True, or make the group without it"
            )
        if slot and runner.when != slot:
            raise ParameterError(
                f"{group.name}: {what} runs in the slot {runner.when!r}; leave it in {slot!r}, "
                "where it runs here"
            )


def _regular(group: Any, place: int, slots: dict[str, tuple[str, int]]) -> Iterator[Action]:
    """Return what run_regularly does to the neuron."""
    for runner in runners(group, place):
        step_s = float(group.clock.dt_)
        ratio = runner.clock.dt_ / step_s
        steps = round(ratio)
        if steps < 1 or abs(ratio - steps) > 1e-6:
            raise ParameterError(
                f"{group.name}: run_regularly every {runner.clock.dt} is no whole number of its "
                f"time steps of {group.clock.dt}; make it one"
            )
        when, order = slots[runner.name]
        if runner.clock is group.clock:
            yield Action(str(runner.abstract_code), when, order)
            continue
        # The clock of an operation counts from the group's first run; time here starts at 0.
        passed_s = steps_run(group) % steps * step_s
        # The condition has no part in the order of the others: it depends on the time alone.
        yield Action(
            str(runner.abstract_code), when, order, "", when, order - 1,
            every_s=float(runner.clock.dt_), passed_s=passed_s, guarded=True,
        )  # fmt: skip


def _events(group: Any, slots: dict[str, tuple[str, int]]) -> Iterator[Action]:
    """Return what its own events do."""
    for event, condition in group.events.items():
        if event == "spike" or event not in group.event_codes:
            continue
        tested, slot = (slots[p[event].name] for p in (group.thresholder, group.resetter))
        yield Action(str(group.event_codes[event]), *slot, str(condition), *tested)


def _slots(group: Any, place: int) -> dict[str, tuple[str, int]]:
    """Return the slot of each operation by its name, and its place before or after the others.

    Brian2 runs what shares a slot by order, then by name. Here each has an order of its own; the
    group's own part of a slot has the order 0, and where it has none all are below 0.
    """
    own = {
        "groups": group.state_updater,
        "thresholds": group.thresholder.get("spike"),
        "resets": group.resetter.get("spike"),
    }
    events = [e for e in group.events if e != "spike" and e in group.event_codes]
    parts = [*runners(group, place), *(group.thresholder[e] for e in events)]
    parts += [group.resetter[e] for e in events]
    slots: dict[str, tuple[str, int]] = {}
    for when in {part.when for part in parts}:
        if when.removeprefix("before_").removeprefix("after_") not in _SLOTS:
            raise ParameterError(
                f"{group.name}: something runs in the slot {when!r} of a schedule of your own; "
                f"use one of {', '.join(_SLOTS)}, with before_ or after_ if needed"
            )
        mine = own.get(when)
        there = [part for part in parts if part.when == when] + ([] if mine is None else [mine])
        names = [part.name for part in sorted(there, key=lambda part: (part.order, part.name))]
        zero = len(names) if mine is None else names.index(mine.name)
        slots |= {name: (when, rank - zero) for rank, name in enumerate(names)}
    return slots
