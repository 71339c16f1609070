"""What we note in a file beside NeuroML's own words, and what of it is believed on reading."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from typing import Any

import numpy as np
from brian2.units import Quantity, mV

import neurosim.channels as library
from neurosim.channels.base import Channel
from neurosim.channels.neuroml_channel import NeuroMLChannel
from neurosim.errors import NeurosimError
from neurosim.morphology import DLambda, MaxLength, PerBranch, Rule
from neurosim.neuroml.elements import Element

__all__ = ["note_of", "noted_part", "noted_rule"]

# Potentials at which a channel of the library is compared with what the file says; none of them is
# one at which a rate of a published channel is 0/0.
_POTENTIALS = np.linspace(-120.37, 60.41, 61) * mV
_CLOSE = 1e-9


def note_of(element: Element, tag: str) -> Any:
    """Return a note of ours as plain values, None for none or one that is broken."""
    for note in element.all("property"):
        if note.attributes.get("tag") == tag:
            try:
                return json.loads(note.attributes.get("value", ""))
            except (ValueError, RecursionError):
                return None
    return None


def noted_part(source: Element, read: NeuroMLChannel, celsius: float) -> Channel | None:
    """Return the channel of our library that a file notes, if it is what the file says.

    Parameters
    ----------
    source : Element
        The ion channel.
    read : NeuroMLChannel
        What was read of it; what its current is decides.
    celsius : float
        Temperature of the cell.
    """
    note = note_of(source, "neurosim.part")
    if not isinstance(note, dict):
        return None
    name, values = note.get("kind"), note.get("values")
    kind = getattr(library, name, None) if name in library.__all__ else None
    if not (isinstance(kind, type) and issubclass(kind, Channel) and isinstance(values, dict)):
        return None
    try:
        given: dict[str, Any] = {}
        for one in fields(kind):
            if "unit" in one.metadata and one.name in values:
                given[one.name] = Quantity(
                    float(values[one.name]), dim=Quantity(one.metadata["unit"]).dim
                )
            elif one.name in values:
                given[one.name] = str(values[one.name])
        part = kind(**given).replace(g=read.g, E=read.E)
        same = _agree(part, read, celsius)
    except (NeurosimError, TypeError, ValueError):
        return None
    return part if same else None


def _agree(part: Channel, read: Channel, celsius: float) -> bool:
    """Whether two channels have the same gates and current at a temperature."""
    if part.ion != read.ion or set(part.states) != set(read.states):
        return False
    one, other = part.gates(_POTENTIALS, celsius), read.gates(_POTENTIALS, celsius)
    pairs = [(part.density(_POTENTIALS, celsius), read.density(_POTENTIALS, celsius))]
    pairs += [(one[name].steady, other[name].steady) for name in one]
    pairs += [(one[name].tau, other[name].tau) for name in one]
    return all(
        np.allclose(np.asarray(a, dtype=float), np.asarray(b, dtype=float), _CLOSE, 1e-300)
        for a, b in pairs
    )


def noted_rule(cell: Element) -> Rule | None:
    """Return how a cell that we wrote was cut, None where it is not said."""
    note = note_of(cell, "neurosim.rule")
    if not isinstance(note, dict):
        return None
    kind, values = note.get("kind"), note.get("values")
    kinds: dict[Any, Any] = {"DLambda": DLambda, "MaxLength": MaxLength, "PerBranch": PerBranch}
    if kind not in kinds or not isinstance(values, dict):
        return None
    try:
        given: dict[str, Any] = {}
        for one in fields(kinds[kind]):
            if one.name not in values:
                continue
            value = values[one.name]
            if "unit" in one.metadata:
                value = Quantity(float(value), dim=Quantity(one.metadata["unit"]).dim)
                if not math.isfinite(float(value)):
                    return None
            given[one.name] = dict(value) if isinstance(value, list) else value
        rule: Rule = kinds[kind](**given)
    except (NeurosimError, TypeError, ValueError):
        return None
    return rule
