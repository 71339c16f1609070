"""Weights over time, as plasticity changed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from brian2.units import Quantity, ms, second

from neurosim.drawing.weights import draw_weights
from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["WeightCourse"]


@dataclass(frozen=True, eq=False)
class WeightCourse:
    """The weights of the contacts of a connection: what they began with, and every change.

    Attributes
    ----------
    pairs : ndarray of int, shape (n, 2)
        Source and target cell of each contact.
    start_s, end_s : float
        What time it covers, in second.
    initial : ndarray, shape (n,)
        Weights at the start.
    time_s : ndarray, shape (changes,)
        When a weight changed, in second, ascending.
    contact : ndarray of int, shape (changes,)
        Which contact's.
    weight : ndarray, shape (changes,)
        To what.

    Examples
    --------
    >>> from brian2 import ms
    >>> from neurosim.terminals import STDP
    >>> course = STDP().course([10, 60] * ms, [15, 55] * ms, weight=0.5)
    >>> course
    WeightCourse(1 contact, 3 changes, 0.5 to 0.500, 0 to 60 ms)
    >>> course.at([12, 20, 60] * ms).round(5).tolist()
    [[0.5, 0.50389, 0.49978]]
    """

    pairs: np.ndarray
    start_s: float
    end_s: float
    initial: np.ndarray
    time_s: np.ndarray
    contact: np.ndarray
    weight: np.ndarray

    @property
    def final(self) -> np.ndarray:
        """Weights at the end, shape (n,)."""
        found = self.initial.copy()
        # The last of several assignments to one place is the one that stays.
        found[self.contact] = self.weight
        return found

    def at(self, times: Quantity) -> np.ndarray:
        """Return the weights at given times, changes of that moment included.

        Parameters
        ----------
        times : Quantity
            One or several, in any order.

        Returns
        -------
        ndarray, shape (n, times)

        Raises
        ------
        ParameterError
            A time lies outside the run.
        """
        asked = np.atleast_1d(
            np.asarray(check_quantity(times, 100 * ms, "at: times", many=1), dtype=float)
        )
        slack = 1e-9 * max(self.end_s, 1e-3)
        if np.any(asked < self.start_s - slack) or np.any(asked > self.end_s + slack):
            raise ParameterError(
                f"at: times must lie between {self.start_s * second} and {self.end_s * second}, "
                "the start and the end of the run"
            )
        found = np.empty((len(self.initial), len(asked)))
        now, done = self.initial.copy(), 0
        for k in np.argsort(asked, kind="stable"):
            upto = int(np.searchsorted(self.time_s, asked[k], side="right"))
            now[self.contact[done:upto]] = self.weight[done:upto]
            found[:, k], done = now, upto
        return found

    def trace(self, contact: int) -> tuple[Quantity, np.ndarray]:
        """Return when the weight of a contact changed and to what, from the start to the end.

        Parameters
        ----------
        contact : int
            Number of the contact, in the order of `pairs`.

        Returns
        -------
        times : Quantity, shape (m,)
        weights : ndarray, shape (m,)
            The first is that at the start, the last that at the end.
        """
        count = len(self.initial)
        if not 0 <= contact < count:
            raise ParameterError(
                f"trace: there is no contact {contact}: contacts are 0 to {count - 1}"
            )
        here = self.contact == contact
        values = np.concatenate([self.initial[[contact]], self.weight[here]])
        times = np.concatenate([[self.start_s], self.time_s[here], [self.end_s]])
        return Quantity(times, dim=second.dim), np.append(values, values[-1])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the weights over time, a line a contact (at most 100 of them).

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        """
        shown = np.unique(np.linspace(0, len(self.initial) - 1, 100).astype(int))
        traces = [self.trace(int(k)) for k in shown]
        return draw_weights([(np.asarray(t), w) for t, w in traces], ax)

    def __repr__(self) -> str:
        many = len(self.initial)
        return (
            f"WeightCourse({many} contact{'s'[: many != 1]}, {len(self.time_s)} changes, "
            f"{self.initial.mean():.3g} to {self.final.mean():.3f}, "
            f"{self.start_s * 1e3:g} to {self.end_s * 1e3:g} ms)"
        )
