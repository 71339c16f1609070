"""Rows of the tables of a card and of the command: parameters and intrinsic properties.

What is said of the choice of unit stands in `bridge.choice.selection_words`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bridge.choice.unit_fit import UnitFit
from bridge.counts.curve import FICurve
from neurosim.features.properties import CellProperties

__all__ = [
    "PARAMETER_HEAD",
    "PropertyRow",
    "number",
    "parameter_rows",
    "property_rows",
]

PARAMETER_HEAD = ("parameter", "value", "interval", "meaning")
"""Over those of `parameter_rows`."""

_PROPERTIES = (
    ("resting potential", "rest_mV", "mV"),
    ("input resistance", "input_resistance_Mohm", "MΩ"),
    ("membrane time constant", "time_constant_ms", "ms"),
    ("capacitance", "capacitance_pF", "pF"),
    ("sag ratio", "sag_ratio", ""),
    ("rheobase", "rheobase_pA", "pA"),
    ("spike threshold", "threshold_mV", "mV"),
    ("spike peak", "peak_mV", "mV"),
    ("spike width at half height", "width_ms", "ms"),
    ("after-hyperpolarisation", "ahp_mV", "mV"),
    ("depolarisation block from", "blocked_from_pA", "pA"),
)


def number(value: float) -> str:
    """Three digits, without a power of ten.

    Examples
    --------
    >>> number(-1800.0), number(0.6001), number(99.96), number(-70.04), number(-1e-17)
    ('-1800', '0.6', '100', '-70', '0')
    """
    return f"{value:.0f}" if abs(value) >= 999.5 else f"{round(value, 3) + 0.0:.3g}"


def parameter_rows(best: UnitFit, digits: int = 4) -> list[tuple[str, str, str, str]]:
    """Name, value, interval and meaning of each parameter of a unit."""
    meanings = {one.name: one.meaning for one in best.unit.parameters}
    return [
        (name, value, interval or "not asked for", meanings[name])
        for name, value, interval in best.numbers(digits)
    ]


class PropertyRow(NamedTuple):
    """One intrinsic property in words.

    Attributes
    ----------
    words, value : str
        What it is called, and its value with the unit.
    name : str
        Attribute of `CellProperties`.
    """

    words: str
    value: str
    name: str


def property_rows(
    properties: CellProperties | None, curve: FICurve | None = None
) -> list[PropertyRow]:
    """Name and value, with its unit, of each intrinsic property that is known.

    Parameters
    ----------
    properties : CellProperties or None
    curve : FICurve, optional
        The counts that the rheobase was read from. It lies between two currents that were tested:
        the strongest silent one below it and the weakest that fired.

    Examples
    --------
    >>> from dataclasses import fields
    >>> told = {one.name: float("nan") for one in fields(CellProperties)}
    >>> cell = CellProperties(**told | {"rest_mV": -70.04, "rheobase_pA": 150.0})
    >>> [tuple(row[:2]) for row in property_rows(cell, FICurve([100, 125, 150], [0, 0, 3], 1.0))]
    [('resting potential', '-70 mV'), ('rheobase (silent .. firing)', '125 .. 150 pA')]
    """
    if properties is None:
        return []
    rows = []
    for words, name, unit in _PROPERTIES:
        value = float(getattr(properties, name))
        if not np.isfinite(value):
            continue
        said = f"{number(value)} {unit}".strip()
        if name == "rheobase_pA" and curve is not None:
            silent = _strongest_silent(curve, value)
            if silent is None:
                said = f"at most {said}"
            else:
                words, said = f"{words} (silent .. firing)", f"{number(silent)} .. {said}"
        rows.append(PropertyRow(words, said, name))
    return rows


def _strongest_silent(curve: FICurve, firing: float) -> float | None:
    """Return the strongest current below one that fired at which no trial has a spike (pA)."""
    current, index = np.unique(curve.current_pA, return_inverse=True)
    silent = (np.bincount(index, weights=curve.count) == 0) & (current < firing)
    return float(current[silent].max()) if silent.any() else None
