"""From Brian2 quantities to the plain floats that `bridge` computes with.

Brian2 is imported only when a quantity turns up, so that units serve as activations without it.
"""

from __future__ import annotations

from typing import Any

from neurosim.errors import UnitError

__all__ = ["strip_unit"]

_SCALE = {"pA": 1e12, "Hz": 1.0, "s": 1.0, "mV": 1e3, "Mohm": 1e-6, "": 1.0}
_BASE = {"pA": "amp", "Hz": "hertz", "s": "second", "mV": "volt", "Mohm": "ohm"}


def strip_unit(value: Any, unit: str, name: str = "value") -> Any:
    """Strip the unit of a quantity; leave plain numbers as they are.

    Parameters
    ----------
    value : float, array_like or Quantity
        A number already in `unit`, or a Brian2 quantity of that dimension.
    unit : {"pA", "Hz", "s", "mV", "Mohm", ""}
        Unit of the number returned.
    name : str
        How an error calls it.

    Returns
    -------
    float or array_like

    Raises
    ------
    UnitError
        A quantity of another dimension.

    Examples
    --------
    >>> strip_unit(150.0, "pA")
    150.0
    """
    if not hasattr(value, "dim"):
        return value
    import brian2

    wanted = getattr(brian2, _BASE[unit]) if unit in _BASE else brian2.Quantity(1)
    if not brian2.have_same_dimensions(value, wanted):
        raise UnitError(f"{name} = {value} is not in {unit or 'plain numbers'}")
    return brian2.asarray(value) * _SCALE[unit]
