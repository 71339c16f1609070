"""Parameters of a channel that is painted in several places with different values, as one slider.

The sodium conductance of a neuron may be 100 mS/cm² in the soma and 500 in the initial segment. A
batch gives both one value; a page multiplies both by one factor (``traub_miles_sodium.g.factor``),
and shifts potentials together (``traub_miles_sodium.V_T.shift``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import NamedTuple

from brian2.units import Quantity, get_dimensions, mV, volt

from neurosim.channels.base import Mechanism
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable, Painted
from neurosim.outside import Extracellular
from neurosim.run.batch import Places

__all__ = ["FACTOR", "Together", "changed_together", "places_together", "values_together"]

#: How the name of a factor of several places ends.
FACTOR = ".factor"


class Together(NamedTuple):
    """What a page offers in place of parameters with several values.

    Attributes
    ----------
    replaced : set of str
        Full names of parameters that have several values.
    new : dict
        What stands for each, as `batch_places` tells of it.
    """

    replaced: set[str]
    new: Places


# The parts of which a batch varies something (`batch_places`).
_Varied = Mechanism | Cable | Extracellular


def _names(part: _Varied) -> Iterable[str]:
    """Return which parameters of a part a batch varies."""
    if isinstance(part, Cable):
        return ("C_m",)
    return ("g", "C") if isinstance(part, Extracellular) else part.parameters()


def places_together(neuron: Neuron) -> Together:
    """Return the factors and shifts of a neuron.

    Examples
    --------
    >>> from neurosim.catalogue import textbook_neuron
    >>> sorted(places_together(textbook_neuron()).replaced)[:2]
    ['traub_miles_potassium.V_T', 'traub_miles_potassium.g']
    """
    by_label: dict[str, list[_Varied]] = defaultdict(list)
    for painted in neuron.painted:
        if isinstance(painted.part, _Varied):
            by_label[painted.label].append(painted.part)
    found = Together(set(), {})
    for label, parts in by_label.items():
        for name in _names(parts[0]):
            if len({float(getattr(part, name)) for part in parts}) == 1:
                continue
            full = f"{label}.{name}"
            shift = get_dimensions(getattr(parts[0], name)) == get_dimensions(volt)
            unit = 0 * mV if shift else Quantity(1.0)
            meaning = parts[0].quantity_fields()[name].metadata["doc"]
            said = f"{meaning}: {'shift' if shift else 'factor'} of all its places"
            told = {"unit": unit, "doc": said}
            found.replaced.add(full)
            found.new[f"{full}.shift" if shift else full + FACTOR] = unit, field(metadata=told)
    return found


def values_together(neuron: Neuron, full: str) -> tuple[float, ...]:
    """Return the values in SI units that one factor or shift changes together.

    Examples
    --------
    >>> from neurosim.catalogue import textbook_neuron
    >>> values_together(textbook_neuron(), "traub_miles_sodium.V_T.shift")
    (-0.062, -0.068, -0.066)
    """
    label, name, _ = full.rsplit(".", 2)
    parts = (one.part for one in neuron.painted if one.label == label)
    return tuple(dict.fromkeys(float(getattr(part, name)) for part in parts if part is not None))


def changed_together(neuron: Neuron, changes: Mapping[str, Quantity]) -> Neuron:
    """Return a neuron with some factors and shifts applied.

    Parameters
    ----------
    neuron : Neuron
    changes : mapping of str to Quantity
        By the names of `places_together`.

    Examples
    --------
    >>> from neurosim.catalogue import textbook_neuron
    >>> stronger = changed_together(textbook_neuron(), {"traub_miles_sodium.g.factor": 2})
    >>> stronger.painted[0].part.g
    200. * msiemens / (cmetre ** 2)
    """
    painted = neuron.painted
    for full, value in changes.items():
        label, name, how = full.rsplit(".", 2)
        painted = tuple(_changed(one, label, name, how, value) for one in painted)
    return neuron.replace(painted=painted) if changes else neuron


def _changed(one: Painted, label: str, name: str, how: str, value: Quantity) -> Painted:
    if one.label != label or not isinstance(one.part, _Varied):
        return one
    now = getattr(one.part, name)
    return replace(
        one, part=one.part.replace(**{name: now + value if how == "shift" else now * value})
    )
