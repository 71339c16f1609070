"""What follows a course during a run: names, values and rows, checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions

from neurosim.describe.course import Course
from neurosim.engine.programs.course_tables import CourseTable
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.quantities import check_celsius, check_field
from neurosim.run.batch import full_name

__all__ = ["TEMPERATURE", "Courses", "course_tables", "resolve_courses"]

TEMPERATURE = "celsius"

#: By full name, the course of each row; one course stands for all.
Courses = dict[str, tuple[Course, ...]]


def resolve_courses(
    given: Mapping[str, Course | Sequence[Course]] | None,
    places: Mapping[str, tuple[Quantity, dataclasses.Field[Any]]],
    varied: Mapping[str, Any],
    *,
    warms: bool,
) -> tuple[Courses, dict[str, int]]:
    """Return the courses by full names, and how many rows each is given for.

    Parameters
    ----------
    given : mapping of str to Course, or to one Course a row
        What `simulate` was given.
    places : dict
        What can vary, as for a batch.
    varied : mapping
        What a batch varies, by full names.
    warms : bool
        Whether the temperature, ``"celsius"``, can follow a course.

    Raises
    ------
    ParameterError
        The courses are no mapping of names to courses, a value is out of range, a parameter is
        varied by the batch too, or is a capacitance.
    UnitError
        Values have another unit than the parameter.
    UnknownNameError
        A name is none, or not clear.
    """
    if not isinstance(given, Mapping | None):
        raise ParameterError(
            "courses must say by name what changes, such as {'g': Course([0, 500] * ms, [120, 0] "
            f"* mS / cm**2)}}; got {given!r}"
        )
    found: Courses = {}
    sizes: dict[str, int] = {}
    for name, one in (given or {}).items():
        several = (one,) if isinstance(one, Course) else one
        listed = isinstance(several, Sequence) and not isinstance(several, str)
        if not listed or not several or not all(isinstance(c, Course) for c in several):
            raise ParameterError(
                f"courses: {name!r} must be a Course, or a list with one a row; got {one!r}"
            )
        warming = name == TEMPERATURE and warms
        if name == TEMPERATURE and not warms:
            _check_warms(places)
        full = TEMPERATURE if warming else full_name(name, places, "courses")
        if full in found or full in varied:
            raise ParameterError(
                f"courses: {name!r} is {full}, which is given already"
                + (" by the batch" if full in varied else "")
            )
        for course in several:
            if warming:
                _check_temperature(course, several)
            else:
                _check_values(course, name, full, places)
        found[full] = tuple(several)
        if len(several) > 1:
            sizes[name] = len(several)
    return found, sizes


def _check_warms(places: Mapping[str, Any]) -> None:
    """Refuse a temperature that no equation of a point neuron uses."""
    if not any(full.rpartition(".")[2] == TEMPERATURE for full in places):
        raise UnknownNameError(
            "courses: this point neuron has no temperature: no equation of it uses a parameter "
            "'celsius'. Write the rates with one (phi = 3**((celsius - 6.3)/10)), let a parameter "
            "that depends on the temperature follow the course, or paint channels on a Neuron; "
            f"{suggest(TEMPERATURE, places)}"
        )


def _check_temperature(course: Course, several: Sequence[Course]) -> None:
    if not get_dimensions(course.values).is_dimensionless:
        raise ParameterError(
            f"courses: celsius takes plain numbers of °C, such as [37, 27]; got {course.values}"
        )
    for value in course.values_si.tolist():
        check_celsius(value, "courses: celsius")
    if course.values_si[0] != several[0].values_si[0]:
        raise ParameterError("courses: the rows must start at one temperature")


def _check_values(
    course: Course,
    name: str,
    full: str,
    places: Mapping[str, tuple[Quantity, dataclasses.Field[Any]]],
) -> None:
    if full.endswith(".C_m"):
        raise ParameterError(
            f"courses: {name!r} is a capacitance, which cannot follow a course: a membrane that "
            "changes its capacitance moves charge, and the equations have no such current"
        )
    default, field = places[full]
    if remedy := field.metadata.get("instead_of_course"):
        raise ParameterError(f"courses: {name!r} ({full}) cannot follow a course; {remedy}")
    check_field(course.values, field, f"courses: {name}", like=default, many=1)


def course_tables(courses: Courses) -> dict[str, tuple[CourseTable, ...]]:
    """Return courses as tables of plain numbers."""
    return {
        name: tuple(CourseTable(np.array(c.times_s), np.array(c.values_si)) for c in several)
        for name, several in courses.items()
    }
