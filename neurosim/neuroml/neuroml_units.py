"""Numbers with units as NeuroML writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from brian2.units import Quantity
from brian2.units.allunits import (
    ampere,
    farad,
    kilogram,
    meter,
    mole,
    ohm,
    second,
    siemens,
    volt,
)

from neurosim.neuroml.elements import Element

__all__ = ["quantity_of", "si_of"]

_ONE = kilogram / kilogram
# By unit: its factor to SI and its dimension.
_UNITS: Mapping[str, tuple[float, Quantity]] = {
    "": (1.0, _ONE),
    "V": (1.0, volt), "mV": (1e-3, volt),
    "per_V": (1.0, 1 / volt), "per_mV": (1e3, 1 / volt),
    "s": (1.0, second), "ms": (1e-3, second),
    "per_s": (1.0, 1 / second), "per_ms": (1e3, 1 / second), "Hz": (1.0, 1 / second),
    "m": (1.0, meter), "cm": (1e-2, meter), "um": (1e-6, meter),
    "m2": (1.0, meter**2), "cm2": (1e-4, meter**2), "um2": (1e-12, meter**2),
    "S": (1.0, siemens), "mS": (1e-3, siemens), "uS": (1e-6, siemens),
    "nS": (1e-9, siemens), "pS": (1e-12, siemens),
    "F": (1.0, farad), "uF": (1e-6, farad), "nF": (1e-9, farad), "pF": (1e-12, farad),
    "S_per_m2": (1.0, siemens / meter**2), "S_per_cm2": (1e4, siemens / meter**2),
    "mS_per_cm2": (10.0, siemens / meter**2),
    "F_per_m2": (1.0, farad / meter**2), "uF_per_cm2": (1e-2, farad / meter**2),
    "ohm_m": (1.0, ohm * meter), "kohm_cm": (10.0, ohm * meter), "ohm_cm": (1e-2, ohm * meter),
    "A": (1.0, ampere), "nA": (1e-9, ampere), "pA": (1e-12, ampere), "uA": (1e-6, ampere),
    "M": (1e3, mole / meter**3), "mM": (1.0, mole / meter**3),
    "mol_per_m3": (1.0, mole / meter**3), "mol_per_cm3": (1e6, mole / meter**3),
    "m_per_s": (1.0, meter / second), "cm_per_s": (1e-2, meter / second),
    "cm_per_ms": (10.0, meter / second), "um_per_ms": (1e-3, meter / second),
    "mol_per_m_per_A_per_s": (1.0, mole / meter / ampere / second),
    "mol_per_cm_per_uA_per_ms": (1e11, mole / meter / ampere / second),
    "degC": (1.0, _ONE),
}  # fmt: skip
_VALUE = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z_0-9]*)\s*")


def si_of(text: str) -> tuple[float, Quantity] | None:
    """Return the SI value of a number with unit, and 1 of its unit; None where it is none.

    Examples
    --------
    >>> si_of("10mS_per_cm2")[0]
    100.0
    """
    match = _VALUE.fullmatch(text)
    if match is None or match[2] not in _UNITS:
        return None
    factor, unit = _UNITS[match[2]]
    return float(match[1]) * factor, unit


def quantity_of(element: Element, attribute: str, like: Quantity) -> Quantity:
    """Return an attribute as a quantity of the dimension of another."""
    text = element.get(attribute)
    found = si_of(text)
    if found is None or Quantity(found[1]).dim != Quantity(like).dim:
        raise element.fail(f"{attribute}={text!r} is no value in a unit like {like}")
    return Quantity(found[0], dim=Quantity(like).dim)
