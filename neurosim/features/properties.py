"""What one writes down of a cell, modelled or recorded: the same properties in the same units."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from neurosim.display import html_table

__all__ = ["CellProperties"]

# Ends of names and the unit they stand for; "_V_per_s" before what it ends in.
_UNITS = {
    "_V_per_s": "V/s",
    "_mV_per_ms": "mV/ms",
    "_mV": "mV",
    "_Mohm": "Mohm",
    "_ms": "ms",
    "_pF": "pF",
    "_pA": "pA",
    "_Hz": "Hz",
}


@dataclass(frozen=True, repr=False)
class CellProperties:
    """Properties of a cell as a whole; nan where nothing tells them.

    Parameters
    ----------
    rest_mV : float
        Potential at the holding current (mV).
    input_resistance_Mohm, time_constant_ms, capacitance_pF : float
        Of the passive membrane; capacitance is their quotient.
    sag_ratio : float
        Share of a hyperpolarisation that relaxes within the step.
    rheobase_pA : float
        Smallest long step that makes the cell fire (pA, above holding).
    threshold_mV, peak_mV, amplitude_mV, width_ms, ahp_mV, upstroke_V_per_s : float
        Of the first spike of a step; see `SpikeShape`.
    adaptation_index : float
        At twice rheobase, or the step nearest to it.
    largest_rate_Hz : float
        Most spikes of any step over its length (Hz).
    blocked_from_pA : float
        Smallest step that ends in depolarisation block (pA, above holding).
    """

    rest_mV: float
    input_resistance_Mohm: float
    time_constant_ms: float
    capacitance_pF: float
    sag_ratio: float
    rheobase_pA: float
    threshold_mV: float
    peak_mV: float
    amplitude_mV: float
    width_ms: float
    ahp_mV: float
    upstroke_V_per_s: float
    adaptation_index: float
    largest_rate_Hz: float
    blocked_from_pA: float

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return asdict(self)

    def _rows(self) -> list[tuple[str, str, str]]:
        """Name, value and unit of each property; a dash where it is not known."""
        rows = []
        for name, value in asdict(self).items():
            end = next((end for end in _UNITS if name.endswith(end)), "")
            said = [
                f"{round(number, 9):.4g}"
                for number in (value if isinstance(value, tuple) else (value,))
            ]
            label = name.removesuffix(end).replace("_", " ")
            rows.append(
                (label, ", ".join("-" if s == "nan" else s for s in said), _UNITS.get(end, ""))
            )
        return rows

    def __repr__(self) -> str:
        rows = self._rows()
        wide = max(len(name) for name, _, _ in rows)
        lines = [f"  {name:<{wide}}  {value} {unit}".rstrip() for name, value, unit in rows]
        return "\n".join([type(self).__name__, *lines])

    def _repr_html_(self) -> str:
        return html_table(type(self).__name__, self._rows(), ("property", "value", "unit"))
