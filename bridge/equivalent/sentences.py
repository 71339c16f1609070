"""What the card and the command say of a neuron and its unit, in words: each sentence stands once.

Everything is read from a `Selection` and `CellProperties`; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from bridge.choice.selection import Selection, UnitFit
from bridge.counts.curve import FICurve
from neurosim.features.properties import CellProperties

__all__ = [
    "FAMILY_HEAD",
    "PARAMETER_HEAD",
    "PropertyRow",
    "current_sentence",
    "fit_sentence",
    "in_columns",
    "number",
    "parameter_rows",
    "property_rows",
    "sentence",
    "verdict",
]

FAMILY_HEAD = ("family", "ΔAICc", "weight", "residual (Hz)", "counting noise (Hz)", "adequate")
"""Over the rows of `Selection.in_cells`."""
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


def sentence(words: str) -> str:
    """Begin with a capital letter and end with a full stop.

    Examples
    --------
    >>> sentence("no spikes up to 100 pA")
    'No spikes up to 100 pA.'
    """
    return f"{words[:1].upper()}{words[1:]}" + ("" if words.endswith(".") else ".")


def verdict(selection: Selection) -> str:
    """Say which unit stands for the neuron, or why none does."""
    best, refusal = selection.best, selection.refusal
    if refusal is not None or best is None:
        return sentence(str(refusal))
    tried = len(selection.fits) + len(set(selection.refused) - {"curve"})
    return (
        f"The {best.family} unit stands for this neuron (Akaike weight {best.weight:.2f}; "
        f"{tried} families tried)."
    )


def fit_sentence(best: UnitFit) -> str:
    """Say how far the unit is from the counted rates: the one error that is named."""
    said = (
        f"The {best.family} unit misses the counted rates by {best.residual_rms_Hz:.2f} Hz "
        f"(residual, rms over {len(best.current_pA)} currents)"
    )
    if best.possible_by:
        # The counts of a clockwork cell are exact: they have no chance of a misfit.
        return f"{said}; it {best.verdict}."
    if np.isnan(best.p_fit):
        return f"{said}; {best.verdict}."
    return f"{said}; counting noise alone leaves {best.noise_rms_Hz:.2f} Hz (p = {best.p_fit:.2g})."


def current_sentence(selection: Selection) -> str:
    """Say which current all numbers and panels mean, and where the unit was tested."""
    best, curve = selection.best, selection.curve
    low, high = curve.currents[[0, -1]] if best is None else best.valid_pA
    said = f"{curve.current_name[0].upper()}{curve.current_name[1:]}: "
    said += f"{'measured' if best is None else 'tested'} from {low:.4g} to {high:.4g} pA"
    if best is not None:
        slow, fast = best.valid_Hz
        said += f", where the unit fires at {round(slow, 2):g} to {fast:.3g} Hz"
    holding = curve.provenance.get("holding_pA")
    if holding is not None:
        said += f"; the holding current is {round(float(holding), 1):g} pA"
    return f"{said}."


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


def in_columns(rows: Iterable[Sequence[str]], left: Iterable[int] = (0,)) -> list[str]:
    """Lines of a table whose columns are aligned: those in `left` to the left, others right.

    Examples
    --------
    >>> in_columns([("a", "10"), ("bc", "5")])
    ['a   10', 'bc   5']
    """
    cells = [tuple(row) for row in rows]
    if not cells:
        return []
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    to_left = set(left)
    return [
        "  ".join(
            cell.ljust(wide) if k in to_left else cell.rjust(wide)
            for k, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
