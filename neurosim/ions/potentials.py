"""Closed forms of electrodiffusion: Nernst, and Goldman, Hodgkin and Katz."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from brian2.units import Quantity, amp, get_dimensions, meter, mV, second, volt
from brian2.units.constants import faraday_constant
from brian2.units.stdunits import mM
from scipy.special import exprel

from neurosim.equations.thermal import thermal_potential
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.ions.transporter import VALENCE
from neurosim.quantities import check_quantity

__all__ = ["equilibrium_inside", "ghk_current", "ghk_potential", "nernst"]


def _valence(ion: str | int, label: str) -> int:
    if isinstance(ion, str):
        if ion not in VALENCE:
            raise UnknownNameError(f"{label}: ion {ion!r}: {suggest(ion, VALENCE)}")
        return VALENCE[ion]
    number = isinstance(ion, (int, float, np.number)) and not isinstance(ion, bool)
    if not number or ion == 0 or not np.isfinite(ion) or int(ion) != ion:
        raise ParameterError(
            f"{label}: ion must be one of {', '.join(VALENCE)} or a valence such as 2; got {ion!r}"
        )
    return int(ion)


def _concentration(value: Any, name: str) -> np.ndarray:
    checked = check_quantity(value, 10 * mM, name, above=0 * mM, many=2)
    return np.asarray(checked, dtype=float)


def nernst(ion: str | int, inside: Quantity, outside: Quantity, celsius: float = 37.0) -> Quantity:
    r"""Return the potential at which an ion is in equilibrium.

    .. math:: E = \frac{RT}{zF} \ln \frac{[X]_o}{[X]_i}

    Parameters
    ----------
    ion : str or int
        ``"na"``, ``"k"``, ``"ca"``, ``"cl"``, or a valence.
    inside, outside : Quantity
        Concentrations, one value or arrays that broadcast.
    celsius : float
        Temperature in °C.

    Examples
    --------
    >>> from brian2.units.stdunits import mM
    >>> nernst("k", 140 * mM, 3 * mM).in_unit(mV, precision=2)
    '-102.71 mV'
    """
    z = _valence(ion, "nernst")
    ratio = _concentration(outside, "nernst: outside") / _concentration(inside, "nernst: inside")
    return Quantity(float(thermal_potential(celsius, "nernst")) / z * np.log(ratio), dim=volt.dim)


def equilibrium_inside(
    ion: str | int, v: Quantity, outside: Quantity, celsius: float = 37.0
) -> Quantity:
    r"""Return the concentration inside at which an ion is in equilibrium at a potential.

    .. math:: [X]_i = [X]_o\, e^{-zFV/RT}

    Parameters
    ----------
    ion : str or int
        ``"na"``, ``"k"``, ``"ca"``, ``"cl"``, or a valence.
    v : Quantity
        Potential, one value or an array that broadcasts with `outside`.
    outside : Quantity
        Concentration outside.
    celsius : float
        Temperature in °C.

    Examples
    --------
    >>> from brian2.units.stdunits import mM
    >>> equilibrium_inside("cl", -70 * mV, 130 * mM).in_unit(mM, precision=3)
    '9.473 mM'
    """
    label = "equilibrium_inside"
    z = _valence(ion, label)
    v = check_quantity(v, -70 * mV, f"{label}: v", many=2)
    ratio = np.exp(-z * np.asarray(v, dtype=float) / float(thermal_potential(celsius, label)))
    return Quantity(_concentration(outside, f"{label}: outside") * ratio, dim=mM.dim)


def ghk_potential(
    inside: Mapping[str, Quantity],
    outside: Mapping[str, Quantity],
    permeability: Mapping[str, float],
    celsius: float = 37.0,
) -> Quantity:
    r"""Return the potential at which monovalent ions carry no net current.

    .. math:: V = \frac{RT}{F} \ln \frac{\sum_{cations} P_x [X]_o + \sum_{anions} P_x [X]_i}
                                        {\sum_{cations} P_x [X]_i + \sum_{anions} P_x [X]_o}

    Parameters
    ----------
    inside, outside : mapping of str to Quantity
        Concentrations of ``"na"``, ``"k"`` and ``"cl"``; of each that has a permeability.
    permeability : mapping of str to float
        Permeabilities, of which only the ratios matter.
    celsius : float
        Temperature in °C.

    Raises
    ------
    ParameterError
        An ion is not monovalent, for which the equation does not hold, or a permeability is
        negative or not finite.
    UnitError
        Some permeabilities have a unit and others another or none.

    References
    ----------
    Goldman (1943), J Gen Physiol 27:37. Hodgkin and Katz (1949), J Physiol 108:37.

    Examples
    --------
    >>> from brian2.units.stdunits import mM
    >>> inside = {"k": 400 * mM, "na": 50 * mM, "cl": 52 * mM}
    >>> outside = {"k": 10 * mM, "na": 460 * mM, "cl": 540 * mM}
    >>> ghk_potential(inside, outside, {"k": 1, "na": 0.04, "cl": 0.45}, 18).in_unit(mV, 3)
    '-63.272 mV'
    """
    above, below = np.zeros(()), np.zeros(())
    like: Quantity | None = None
    for ion, share in permeability.items():
        z = _valence(ion, "ghk_potential")
        if abs(z) != 1:
            raise ParameterError(
                f"ghk_potential: {ion!r} has the valence {z}, and the equation holds for ions of "
                "valence 1 and -1 only; find the zero of the summed ghk_current instead"
            )
        if ion not in inside or ion not in outside:
            raise ParameterError(
                f"ghk_potential: {ion!r} has a permeability but no concentration on both sides"
            )
        # Only ratios matter, so that any unit will do if all have the same.
        if like is None:
            plain = isinstance(share, str) or share is None
            like = Quantity(1.0, dim=get_dimensions(1.0 if plain else share))
        name = f"ghk_potential: permeability[{ion!r}]"
        share = check_quantity(share, like, name, at_least=0 * like)
        within = float(share) * _concentration(inside[ion], f"ghk_potential: inside[{ion!r}]")
        beyond = float(share) * _concentration(outside[ion], f"ghk_potential: outside[{ion!r}]")
        above = above + (beyond if z > 0 else within)
        below = below + (within if z > 0 else beyond)
    if not permeability or np.any(np.asarray(below) <= 0) or np.any(np.asarray(above) <= 0):
        raise ParameterError("ghk_potential: no ion has a permeability above 0")
    return Quantity(
        float(thermal_potential(celsius, "ghk_potential")) * np.log(above / below), dim=volt.dim
    )


def ghk_current(
    ion: str | int,
    v: Quantity,
    inside: Quantity,
    outside: Quantity,
    permeability: Quantity,
    celsius: float = 37.0,
) -> Quantity:
    r"""Return the current density of an ion through membrane of constant field, inward positive.

    .. math:: I = -P z F u \,\frac{[X]_i - [X]_o e^{-u}}{1 - e^{-u}}, \qquad u = \frac{zFV}{RT}

    Parameters
    ----------
    ion : str or int
        ``"na"``, ``"k"``, ``"ca"``, ``"cl"``, or a valence.
    v : Quantity
        Membrane potential.
    inside, outside : Quantity
        Concentrations.
    permeability : Quantity
        Permeability, a velocity.
    celsius : float
        Temperature in °C.

    References
    ----------
    Goldman (1943), J Gen Physiol 27:37. Hodgkin and Katz (1949), J Physiol 108:37.

    Examples
    --------
    >>> from brian2 import cm
    >>> from brian2.units.stdunits import mM
    >>> found = ghk_current("ca", 0 * mV, 1e-4 * mM, 2 * mM, 1e-4 * cm / second)
    >>> found.in_unit(amp / meter**2, precision=4)
    '0.3859 A/(m^2)'
    """
    z = _valence(ion, "ghk_current")
    v = check_quantity(v, -70 * mV, "ghk_current: v", many=2)
    P = check_quantity(
        permeability,
        1e-8 * meter / second,
        "ghk_current: permeability",
        at_least=0 * meter / second,
    )
    u = z * np.asarray(v, dtype=float) / float(thermal_potential(celsius, "ghk_current"))
    within = _concentration(inside, "ghk_current: inside")
    beyond = _concentration(outside, "ghk_current: outside")
    # u/(1 - e^-u) = 1/exprel(-u), which is 1 at u = 0.
    density = -float(P) * z * float(faraday_constant) * (within - beyond * np.exp(-u)) / exprel(-u)
    return Quantity(np.asarray(density, dtype=float), dim=(amp / meter**2).dim)
