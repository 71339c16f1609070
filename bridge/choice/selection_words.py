"""What is said of a choice of unit: each sentence stands once, for text and pages alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from bridge.choice.unit_fit import UnitFit
from bridge.counts.curve import FICurve
from bridge.errors import Refusal

__all__ = [
    "FAMILY_HEAD",
    "current_sentence",
    "fit_sentence",
    "in_columns",
    "rates_name",
    "sentence",
    "verdict_sentence",
]

FAMILY_HEAD = ("family", "ΔAICc", "weight", "residual (Hz)", "counting noise (Hz)", "adequate")
"""Over the rows of `Selection.in_cells`."""


def sentence(words: str) -> str:
    """Begin with a capital letter and end with a full stop.

    Examples
    --------
    >>> sentence("no spikes up to 100 pA")
    'No spikes up to 100 pA.'
    """
    return f"{words[:1].upper()}{words[1:]}" + ("" if words.endswith(".") else ".")


def verdict_sentence(best: UnitFit | None, refusal: Refusal | None, tried: int) -> str:
    """Say which unit stands for the neuron, or why none does.

    Parameters
    ----------
    best : UnitFit or None
        The likeliest.
    refusal : Refusal or None
        Why it does not stand for the neuron, if it does not.
    tried : int
        Families.
    """
    if refusal is not None or best is None:
        return sentence(str(refusal))
    return (
        f"The {best.family} unit stands for this neuron (Akaike weight {best.weight:.2f}; "
        f"{tried} families tried)."
    )


def fit_sentence(best: UnitFit, rates: str = "counted rates") -> str:
    """Say how far the unit is from the rates: the one error that is named.

    Parameters
    ----------
    best : UnitFit
    rates : str
        What they are: `rates_name`.
    """
    said = (
        f"The {best.family} unit misses the {rates} by {best.residual_rms_Hz:.2f} Hz "
        f"(residual, rms over {len(best.current_pA)} currents)"
    )
    if best.possible_by:
        # The counts of a clockwork cell are exact: they have no chance of a misfit.
        return f"{said}; it {best.verdict}."
    if np.isnan(best.p_fit):
        return f"{said}; {best.verdict}."
    return f"{said}; counting noise alone leaves {best.noise_rms_Hz:.2f} Hz ({best.chance})."


def rates_name(curve: FICurve, clock: bool) -> str:
    """Name the rates that a unit is held against.

    Those of a cell without noise are told by the intervals between its spikes, where these are
    known: far more exactly than by their number.
    """
    return "measured rates" if clock and curve.timing is not None else "counted rates"


def current_sentence(curve: FICurve, best: UnitFit | None) -> str:
    """Say which current all numbers and panels mean, and where the unit was tested."""
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
