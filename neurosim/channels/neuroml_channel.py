"""A channel whose equations were written in a file, such as one of NeuroML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from brian2.units import Quantity, cm, mS, mV
from brian2.units.stdunits import mM

from neurosim.channels.base import Channel
from neurosim.channels.calcium_pool import CalciumPool
from neurosim.quantities import quantity

__all__ = ["NeuroMLChannel", "NeuroMLPool"]

# Texts that were checked, so that a cell of many branches checks each once.
_CHECKED: set[tuple[str, str, tuple[str, ...], tuple[Any, ...]]] = set()


@dataclass(frozen=True, eq=False, repr=False)
class NeuroMLChannel(Channel):
    r"""An ion channel of NeuroML: its equations are those of the file.

    .. math:: I = \bar g \prod_k x_k^{p_k} \, (E - V)

    where the gates x either open at a rate and close at another or follow a steady state with a
    time constant, as the file has them. The equations are fields, and so is what they use besides.

    Attributes
    ----------
    equations : str
        Equations of the gates.
    current : str
        Current density, inward positive.
    ion : str or None
        Ion that the current carries.
    reads : tuple of str
        Shared names that the equations use, such as ``ca_i``.
    q10s : tuple of (str, float, float)
        By suffix, the factor for 10 °C and the temperature (°C) at which it is 1; the equations
        use ``phi_<suffix>``.
    temperature_ref : float
        Temperature of `q10_g`.

    References
    ----------
    Cannon et al. (2014), Front Neuroinform 8:79 (NeuroML 2 and LEMS).

    Examples
    --------
    >>> leak = NeuroMLChannel(name="leak", g=0.1 * mS / cm**2, E=-70 * mV)
    >>> round(float(leak.density(-60 * mV)), 6)
    -0.01
    """

    g: Quantity = quantity(0.1 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(-60 * mV, "reversal potential")
    ion_o: Quantity = quantity(2 * mM, "concentration outside", at_least=0 * mM)

    equations: str = ""  # type: ignore[misc]
    current: str = "g*(E - v)"  # type: ignore[misc]
    ion: str | None = None  # type: ignore[misc]
    reads: tuple[str, ...] = ()  # type: ignore[misc]
    q10s: tuple[tuple[str, float, float], ...] = ()
    temperature_ref: float = 23.0  # type: ignore[misc]

    def __post_init__(self) -> None:
        super().__post_init__()
        key = (self.equations, self.current, self.reads, self.q10s)
        if key not in _CHECKED:
            self._verify()
            _CHECKED.add(key)

    @property
    def variant(self) -> tuple[Any, ...]:
        return (*super().variant, self.equations, self.current, self.q10s, self.temperature_ref)

    def constants(self, temperature_celsius: float | None = None) -> dict[str, Quantity | float]:
        found = super().constants(temperature_celsius)
        celsius = self.temperature_ref if temperature_celsius is None else temperature_celsius
        used = self._used()
        for suffix, factor, at in self.q10s:
            if f"phi_{suffix}" in used:
                found[f"phi_{suffix}"] = factor ** ((celsius - at) / 10)
        return found


@dataclass(frozen=True, eq=False, repr=False)
class NeuroMLPool(CalciumPool):
    r"""A pool of calcium that starts at another concentration than it rests at.

    .. math:: \frac{d[Ca]_i}{dt} = \gamma \frac{I_{Ca}}{2 F d} - \frac{[Ca]_i - [Ca]_0}{\tau}

    References
    ----------
    NeuroML 2.3, core types ``Cells.xml``.

    Examples
    --------
    >>> NeuroMLPool(start=5e-5 * mM).starts
    {'ca_i': 'start'}
    """

    start: Quantity = quantity(1e-4 * mM, "concentration at the start", above=0 * mM)

    starts = {"ca_i": "start"}  # noqa: RUF012
