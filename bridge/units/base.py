"""What every unit is: a rate function that can be fitted to counts and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from bridge.units.fitting import fit_unit
from bridge.units.rate_function import RateFunction

if TYPE_CHECKING:
    from bridge.counts.curve import FICurve

__all__ = ["Unit"]


@dataclass(frozen=True)
class Unit(RateFunction):
    """An artificial unit: mean firing rate (Hz) as a function of constant current (pA)."""

    @classmethod
    def fit(cls, curve: FICurve, fixed: Mapping[str, float] | None = None) -> Self:
        """The most likely unit of this family, given spike counts.

        Maximises the Poisson likelihood of the counts from many starting points.
        `bridge.choice.select_unit` tells how sure it is, and whether it fits at all.

        Parameters
        ----------
        curve : FICurve
            Measured counts.
        fixed : mapping, optional
            Parameters that are known and stay as given.

        Returns
        -------
        Unit
            Of this family.

        Raises
        ------
        FitError
            The curve has no spikes, or too few currents.
        UnknownNameError
            `fixed` names no parameter of this family.
        """
        return fit_unit(cls, curve, fixed)
