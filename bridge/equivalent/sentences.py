"""Rows of the tables of a card and of the command: parameters and intrinsic properties.

What is said of the choice of unit stands in `bridge.choice.selection_words`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from bridge.choice.selection import Selection
from bridge.choice.unit_fit import UnitFit
from bridge.counts.curve import FICurve
from bridge.errors import Refusal
from bridge.stimulate.step_responses import Responses
from neurosim.features.properties import CellProperties

__all__ = [
    "PARAMETER_HEAD",
    "PropertyRow",
    "number",
    "parameter_rows",
    "property_rows",
    "resting",
    "with_uncounted_spikes",
]

_HELD_MV = 0.5
"""A holding current that moves the potential by less leaves the cell at rest."""
PARAMETER_HEAD = ("parameter", "value", "interval", "meaning")
"""Over those of `parameter_rows`."""

_PROPERTIES = (
    ("resting potential", "rest_mV", "mV"),
    ("input resistance", "input_resistance_Mohm", "MΩ"),
    ("membrane time constant", "time_constant_ms", "ms"),
    ("capacitance (time constant / resistance)", "capacitance_pF", "pF"),
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
    none = "none: no such unit is possible" if best.possible_by == "nothing" else "not asked for"
    return [
        (name, value, interval or none, meanings[name])
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
    properties: CellProperties | None, curve: FICurve | None = None, rest_error_mV: float = 0.0
) -> list[PropertyRow]:
    """Name and value, with its unit, of each intrinsic property that is known.

    Parameters
    ----------
    properties : CellProperties or None
    curve : FICurve, optional
        The counts that the rheobase was read from. It lies between two currents that were tested:
        the strongest silent one below it and the weakest that fired.
    rest_error_mV : float
        Half a 95 % interval of the resting potential; told from 0.05 mV on.

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
        if name == "rest_mV":
            words = resting(curve, properties.input_resistance_Mohm)
            error = f" ± {rest_error_mV:.2g}" if rest_error_mV >= 0.05 else ""
            said = f"{number(value)}{error} {unit}"
        if name == "rheobase_pA" and curve is not None:
            silent = _strongest_silent(curve, value)
            if silent is None:
                said = f"at most {said}"
            else:
                words, said = f"{words} (silent .. firing)", f"{number(silent)} .. {said}"
        rows.append(PropertyRow(words, said, name))
    return rows


def resting(curve: FICurve | None, resistance_Mohm: float) -> str:
    """Name the potential before the steps: that of a cell at rest, or at its holding current.

    Examples
    --------
    >>> resting(FICurve([0, 50], [0, 3], 1.0, provenance={"holding_pA": -50.0}), 100.0)
    'potential at the holding current of -50 pA'
    """
    holding = 0.0 if curve is None else float(curve.provenance.get("holding_pA") or 0.0)
    moved = abs(holding) * (resistance_Mohm if np.isfinite(resistance_Mohm) else 1e3) / 1e3
    if not moved > _HELD_MV:
        return "resting potential"
    return f"potential at the holding current of {number(holding)} pA"


def _strongest_silent(curve: FICurve, firing: float) -> float | None:
    """Return the strongest current below one that fired at which no trial has a spike (pA)."""
    current, index = np.unique(curve.current_pA, return_inverse=True)
    silent = (np.bincount(index, weights=curve.count) == 0) & (current < firing)
    return float(current[silent].max()) if silent.any() else None


def with_uncounted_spikes(chosen: Selection, steps: Responses, counted_from_s: float) -> Selection:
    """Say of a curve without spikes that the cell fires all the same, where none was counted.

    Parameters
    ----------
    chosen : Selection
        What the counts say.
    steps : Responses
        With all spikes.
    counted_from_s : float
        Where counting begins, from the onset of a step.

    Returns
    -------
    Selection
        The same where there is no such spike, or where spikes were counted.
    """
    why = chosen.refused.get("curve")
    if why is None or why.reason != "silent":
        return chosen
    highest = float(chosen.curve.current_pA.max())
    shown = [
        train
        for amount, train in zip(steps.current_pA, steps.trains, strict=True)
        if amount <= highest and len(train)
    ]
    if not shown:
        return chosen
    last = max(float(train[-1]) for train in shown)
    where = (
        f"it fires only at the onset of a step (until {number(1e3 * last)} ms), before spikes are "
        f"counted, which is from {1e3 * counted_from_s:g} ms on"
        if last < counted_from_s
        else "it fires in a step, but not where spikes are counted"
    )
    told = (
        f"no spikes are counted up to {highest:g} pA: {where}; count from the onset on "
        f"(--window 0:{steps.duration_s:g}), or measure at larger currents"
    )
    return replace(chosen, refused={**chosen.refused, "curve": Refusal(told, why.reason)})
