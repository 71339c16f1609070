"""A translated mechanism as a class, and as a file of Python that its user owns."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from typing import Any

from brian2.core.namespace import DEFAULT_UNITS
from brian2.units import Quantity

from neurosim.channels.base import Channel, IonPool, Mechanism
from neurosim.mod.part import Field, Part
from neurosim.quantities import quantity
from neurosim.synapses.base import Receptor

__all__ = ["build_class", "unit_of", "write_python"]

_BASES: dict[str, type[Mechanism]] = {"Channel": Channel, "IonPool": IonPool, "Receptor": Receptor}
_MODULES = {
    "Channel": "neurosim.channels",
    "IonPool": "neurosim.channels",
    "Receptor": "neurosim.synapses",
}
_WIDTH = 100
_TOLD = (
    *("current", "ion", "ion_current", "carries", "writes", "nernst", "reads", "follows"),
    "starts",
)


def build_class(part: Part) -> type[Mechanism]:
    """Return the class of a part.

    It is made of values; no text of the file is run as Python.
    """
    space: dict[str, Any] = {
        "__doc__": _docstring(part),
        "__annotations__": {},
        "__module__": __name__,
        "equations": part.equations,
        "mod_names": dict(part.names),
        **_attributes(part),
    }
    for one in part.fields:
        space["__annotations__"][one.name] = Quantity
        space[one.name] = _quantity(one)
    made = type(part.title, (_BASES[part.kind],), space)
    return dataclasses.dataclass(frozen=True, eq=False, repr=False)(made)


def _quantity(one: Field) -> Any:
    unit = unit_of(one.unit)
    bounds: dict[str, Any] = {
        key: value * unit if one.unit else value
        for key, value in (("at_least", one.low), ("at_most", one.high))
        if value is not None
    }
    return quantity(Quantity(one.value * unit), _plain(one.doc), **bounds)


def unit_of(text: str) -> Any:
    """Return a unit of the form "siemens/cm**2"."""
    found: Any = 1.0
    sign = 1
    for word in re.findall(r"[A-Za-z]+(?:\*\*\d)?|/|1", text):
        if word == "/":
            sign = -1
        elif word != "1":
            name, _, power = word.partition("**")
            found = found * DEFAULT_UNITS[name] ** (sign * int(power or 1))
            sign = sign if "/" in text else 1
    return found


def _attributes(part: Part) -> dict[str, Any]:
    """Return the class attributes that differ from those of the base."""
    found: dict[str, Any] = {}
    for name in _TOLD:
        if value := getattr(part, name):
            found[name] = value
    if part.nonlinear:
        found["nonlinear"] = part.nonlinear
    if part.on_event:
        found |= {"on_event": part.on_event, "lumps": part.lumps}
    found["temperature_ref"] = part.temperature_ref
    return found


def _plain(text: str) -> str:
    """Return text of the file as one line that can stand in a comment or a docstring."""
    line = " ".join(text.split())
    line = "".join(sign if sign.isprintable() else "?" for sign in line)
    return line.replace("\\", "/").replace('"', "'")


def _docstring(part: Part) -> str:
    heading = _plain(part.heading) or f"Mechanism {_plain(part.suffix)}."
    lines = textwrap.wrap(heading, _WIDTH - 4)
    about = (
        f"Translated from {_plain(part.source)}, {part.suffix} in NEURON. Formulas are those of "
        "the file, with plain numbers in its units: mV, ms, mA/cm2 and mM."
    )
    lines += ["", *textwrap.wrap(about, _WIDTH - 4)]
    if part.notes:
        lines += [""]
        for note in part.notes:
            lines += textwrap.wrap(_plain(note), _WIDTH - 4)
    return "\n".join(f"    {line}" if line else "" for line in lines).strip() + "\n    "


def write_python(part: Part) -> str:
    """Return a Python module that defines the part and needs no NEURON.

    Every text of the file stands in it as a Python literal or as a name that was checked.

    Examples
    --------
    >>> part = Part("Channel", "Leak", "leak", "leak.mod", "", (), "", "0*amp/meter**2")
    >>> "class Leak(Channel):" in write_python(part)
    True
    """
    units = {word for one in part.fields for word in re.findall(r"[A-Za-z]+", one.unit)}
    lines = [f'"""{_plain(part.heading) or _plain(part.suffix)} ({_plain(part.source)})."""', ""]
    lines += ["from dataclasses import dataclass", ""]
    lines += [f"from brian2 import {', '.join(sorted({'Quantity', *units}, key=str.lower))}", ""]
    lines += [f"from {_MODULES[part.kind]} import {part.kind}"]
    lines += ["from neurosim.quantities import quantity", "", ""]
    lines += [f"__all__ = [{part.title!r}]", "", ""]
    lines += ["@dataclass(frozen=True, eq=False, repr=False)"]
    lines += [f"class {part.title}({part.kind}):"]
    lines += [f'    """{_docstring(part)}"""', ""]
    lines += [f"    {one.name}: Quantity = {_field_text(one)}" for one in part.fields]
    lines += [""] if part.fields else []
    lines += ['    equations = """']
    for line in part.equations.splitlines():
        lines.append(f"    {line}")
    lines += ['    """']
    for name, value in _attributes(part).items():
        lines.append(f"    {name} = {_literal(value)}")
    return "\n".join(lines) + "\n"


def _literal(value: Any) -> str:
    text = repr(value)
    if len(text) < _WIDTH - 20 or not isinstance(value, dict):
        return text
    inside = "".join(f"\n        {key!r}: {item!r}," for key, item in value.items())
    return f"{{{inside}\n    }}"


def _field_text(one: Field) -> str:
    """Return the declaration of a field."""

    def value(x: float) -> str:
        if one.unit.startswith("1/"):
            return f"{x!r} / {_spaced(one.unit[2:])}"
        return f"{x!r} * {_spaced(one.unit)}" if one.unit else repr(x)

    first = value(one.value) if one.unit else f"Quantity({one.value!r})"
    more = [
        f"{key}={value(x)}"
        for key, x in (("at_least", one.low), ("at_most", one.high))
        if x is not None
    ]
    inside = ", ".join([first, repr(_plain(one.doc)), *more])
    line = f"quantity({inside})"
    if len(line) + len(one.name) + 18 <= _WIDTH:
        return line
    parts = [first, repr(_plain(one.doc)), *more]
    return "quantity(\n        " + ",\n        ".join(parts) + ",\n    )"


def _spaced(unit: str) -> str:
    return unit.replace("**", "^").replace("*", " * ").replace("/", " / ").replace("^", "**")
