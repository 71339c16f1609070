"""The thermal potential RT/F, which all potentials and currents of ions are measured by."""

from __future__ import annotations

from brian2.units import Quantity, kelvin
from brian2.units.constants import faraday_constant, gas_constant, zero_celsius

from neurosim.quantities import check_celsius

__all__ = ["thermal_potential"]


def thermal_potential(celsius: float, label: str = "thermal_potential") -> Quantity:
    """Return RT/F at a temperature.

    Parameters
    ----------
    celsius : float
        Temperature in °C.
    label : str
        What messages call the caller.

    Raises
    ------
    ParameterError
        The temperature is no plain number from -10 to 60.

    Examples
    --------
    >>> from brian2 import mV
    >>> thermal_potential(37).in_unit(mV, precision=4)
    '26.7266 mV'
    """
    check_celsius(celsius, f"{label}: celsius")
    return gas_constant * (celsius * kelvin + zero_celsius) / faraday_constant
