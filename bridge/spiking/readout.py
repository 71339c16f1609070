"""From spikes to rates: the filtered count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bridge.errors import ConversionError

__all__ = ["FILTERS", "CountReadout"]


FILTERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "welch": lambda x: 6 * x * (1 - x),
    "flat": np.ones_like,
}


@dataclass(frozen=True)
class CountReadout:
    r"""Rate from the spikes since the stimulus came, each weighted by a filter.

    .. math:: r(T) = \frac{1}{T} \sum_k h(t_k / T), \qquad \int_0^1 h = 1

    ``"flat"``, h = 1, is the plain count divided by T. ``"welch"``, the parabola h = 6 x (1 - x)
    (Welch 1967), tapers both ends: where a regular train is cut then matters little, and the first
    moments after onset, in which neurons still charge, weigh less. For Poisson spikes it costs a
    fifth more variance; for the regular trains of driven neurons it saves most of it.

    Attributes
    ----------
    filter : {"welch", "flat"}
    """

    filter: str = "welch"

    def __post_init__(self) -> None:
        if self.filter not in FILTERS:
            raise ConversionError(
                f"the filter must be one of {', '.join(FILTERS)}; got {self.filter!r}"
            )

    def rate_Hz(
        self, spike_row: np.ndarray, spike_time_s: np.ndarray, rows: int, at_s: float
    ) -> np.ndarray:
        """Return the rate of every row at one time.

        Parameters
        ----------
        spike_row, spike_time_s : ndarray, shape (n_spikes,)
            Row and time after stimulus onset of each spike; spikes before the onset (negative
            times) are left out.
        rows : int
            Number of rows.
        at_s : float
            Time of the decision after onset, in second.

        Returns
        -------
        ndarray, shape (rows,)
        """
        seen = (spike_time_s >= 0) & (spike_time_s < at_s)
        weight = FILTERS[self.filter](spike_time_s[seen] / at_s)
        return np.bincount(spike_row[seen], weights=weight, minlength=rows) / at_s
