"""The membrane of a `brian2.SpatialNeuron` as one channel, painted stretch by stretch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions

from neurosim.channels.base import Channel
from neurosim.errors import ParameterError
from neurosim.quantities import quantity

__all__ = ["first_of", "make_channel", "stretches"]

# Stretches of membrane with values of their own; each is painted.
_MOST = 5000


def make_channel(name: str, lines: list[str], current: str, values: Mapping[str, Quantity]) -> Any:
    """Return a class of channel with a field a parameter."""
    fields = [
        (word, Quantity, quantity(first_of(value), "as given")) for word, value in values.items()
    ]
    text = "\n".join(lines)
    return dataclasses.make_dataclass(
        "SpatialMembrane",
        fields,
        bases=(Channel,),
        namespace={
            "equations": text,
            "current": current,
            "__doc__": f"Membrane of own equations:\n\n{text}\nIm = {current}",
            "described_by": ("equations", "current"),
        },
        frozen=True,
        eq=False,
        repr=False,
    )


def stretches(
    capacitance: np.ndarray, values: Mapping[str, Quantity]
) -> list[tuple[np.ndarray, dict[str, Quantity]]]:
    """Return compartments that agree in every value, and those values."""
    count = len(capacitance)
    rows = [capacitance, *(np.broadcast_to(np.asarray(v), count) for v in values.values())]
    _, first, kind = np.unique(np.stack(rows), axis=1, return_index=True, return_inverse=True)
    if len(first) > _MOST:
        raise ParameterError(
            f"its values differ between {len(first)} stretches of membrane (most: {_MOST}); "
            "write what depends on the place as a part of its own, painted with scale=..."
        )
    found = []
    for k in np.argsort(first):
        where = np.flatnonzero(kind.ravel() == k)
        one = {
            word: first_of(value[where[0] :] if len(value) > 1 else value)
            for word, value in values.items()
        }
        found.append((where, one))
    return found


def first_of(value: Quantity) -> Quantity:
    return Quantity(float(np.asarray(value)[0]), dim=get_dimensions(value))
