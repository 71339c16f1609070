"""What every unit is: a rate function that can be fitted to counts and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from bridge.counts.curve_plot import draw_unit
from bridge.page_style import Axes
from bridge.units.fitting import fit_unit
from bridge.units.rate_function import RateFunction
from neurosim.display import axes_or_new

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

    def plot(self, ax: Axes | None = None, current: ArrayLike | None = None) -> Axes:
        """Draw the rate against the current.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        current : array_like, optional
            Currents (pA; default: around where the unit begins to fire).

        Returns
        -------
        matplotlib Axes
        """
        ax = axes_or_new(ax)
        if current is None:
            middle = float(getattr(self, self.location))
            widths = [p.name for p in self.parameters if p.quantity == "pA" and p.logarithmic]
            reach = max([getattr(self, name) for name in widths], default=max(abs(middle) / 2, 50))
            current = np.linspace(middle - 4 * reach, middle + 4 * reach, 500)
        currents = np.asarray(current, dtype=float)
        draw_unit(ax, currents, self.rate(currents), self.name)
        return ax
