"""Counts arranged for fitting: one likelihood, asked for many candidate rates at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from bridge.counts.likelihood import TINY_MEAN, rough_variance
from bridge.counts.likelihood_table import Lookup, PooledLookup, lookup, pooled_lookup
from bridge.counts.outline import Outline
from bridge.counts.renewal import EdgeTable, SpikeTrains, information

__all__ = ["SufficientStatistics"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SufficientStatistics:
    """Counts, their windows, and the distinct currents they belong to.

    Attributes
    ----------
    current : ndarray, shape (m,)
        Distinct currents, ascending (pA).
    index : ndarray, shape (n,)
        Which of them each measurement used; ascending.
    window : ndarray, shape (n,)
        Length of each window (s).
    count : ndarray, shape (n,) or (b, n)
        Spikes; with a leading axis, as many data sets as candidates.
    shape : float or ndarray, shape (n,)
        Regularity of spiking, as in `bridge.counts.likelihood`; 1 is Poisson.
    trains : SpikeTrains or None
        Of one data set: the spike times, where the likelihood is theirs and not that of the counts.

    Examples
    --------
    >>> from bridge.counts.curve import FICurve
    >>> FICurve([0, 50, 50], [0, 4, 6], 1.0, trial=[0, 0, 1]).statistics().pooled_count
    array([ 0., 10.])
    """

    current: Array
    index: NDArray[np.int64]
    window: Array
    count: Array
    shape: float | Array = 1.0
    trains: SpikeTrains | None = None

    def pick(self, rows: NDArray[np.int64]) -> Self:
        """The data sets of some candidates only; itself where all share one data set."""
        if self.count.ndim == 1:
            return self
        picked = replace(self, count=self.count[rows])
        if not self.poisson:
            picked.__dict__["_lookup"] = self._lookup.pick(rows)
        return picked

    @cached_property
    def poisson(self) -> bool:
        """Whether all counts are Poisson, for which pooled counts suffice."""
        return bool(np.all(np.asarray(self.shape) == 1.0))

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """Where each distinct current begins among the measurements, shape (m,)."""
        return np.searchsorted(self.index, np.arange(len(self.current)))

    @cached_property
    def pooled_window(self) -> Array:
        """Total time at each distinct current, shape (m,) (s)."""
        return np.asarray(np.add.reduceat(self.window, self.first))

    @cached_property
    def pooled_count(self) -> Array:
        """Total spikes at each distinct current, shape (m,) or (b, m)."""
        return np.asarray(np.add.reduceat(self.count, self.first, axis=-1))

    @cached_property
    def _constant(self) -> Array:
        # What pooling leaves out of the Poisson likelihood.
        each = self.count * np.log(self.window) - gammaln(self.count + 1)
        return np.asarray(each.sum(axis=-1))

    @property
    def outline(self) -> Outline:
        """Mean rate at each distinct current (of one data set)."""
        return Outline(self.current, self.pooled_count / self.pooled_window)

    def log_likelihood(self, rate: Array) -> Array:
        """Log-likelihood of candidate rates.

        Parameters
        ----------
        rate : ndarray, shape (..., m)
            Rate of each candidate at each distinct current (Hz).

        Returns
        -------
        ndarray, shape (...)
        """
        if self.poisson:
            return self._poisson(np.maximum(rate, TINY_MEAN))
        return np.asarray(self._scores(rate)[0].sum(axis=-1))

    def _poisson(self, rate: Array) -> Array:
        terms = self.pooled_count * np.log(rate) - self.pooled_window * rate
        return np.asarray(terms.sum(axis=-1) + self._constant)

    def slopes(self, rate: Array) -> tuple[Array, Array, Array]:
        """Log-likelihood with its slope and Fisher information in each rate.

        Parameters
        ----------
        rate : ndarray, shape (b, m)
            As in `log_likelihood`.

        Returns
        -------
        log_likelihood : ndarray, shape (b,)
        slope, information : ndarray, shape (b, m)
            d / d rate, and the expected curvature.
        """
        low = np.maximum(rate, TINY_MEAN)
        if self.poisson:
            slope = self.pooled_count / low - self.pooled_window
            return self._poisson(low), slope, self._calm(low, self.pooled_window / low)
        log_p, slope = self._scores(rate)
        return log_p.sum(axis=-1), slope, self._calm(low, self._told(low))

    def _told(self, rate: Array) -> Array:
        """Expected information about each rate, shape (b, m)."""
        window, shape = self.window, self._shapes
        alike = self._alike
        if alike is not None:
            window, shape = window[self.first], shape[self.first]
        else:
            rate = rate[..., self.index]
        mean = window * rate
        each = window**2 * (
            1 / rough_variance(mean, shape) if self.trains is None else information(mean, shape)
        )
        if alike is not None:
            return np.asarray(alike * each)
        return np.asarray(np.add.reduceat(each, self.first, axis=-1))

    @cached_property
    def _alike(self) -> Array | None:
        """How many repeats each current has, if all its windows and shapes are the same."""
        for column in (self.window, self._shapes):
            if np.any(column != column[self.first][self.index]):
                return None
        return np.diff(np.append(self.first, len(self.window))).astype(float)

    def _calm(self, rate: Array, information: Array) -> Array:
        """The information, without what a silent current would tell if it had fired.

        Where a unit begins to fire the expected information is infinite, but the likelihood of no
        spikes is all but a straight line there.
        """
        most = self.pooled_window**2 / np.maximum(self.pooled_window * rate, 1.0)
        return np.where(self.pooled_count == 0, np.minimum(information, most), information)

    @cached_property
    def _lookup(self) -> Lookup:
        # Of a train only that it is silent is looked up here.
        count = self.count if self.trains is None else np.zeros_like(self.count)
        return lookup(count, self.shape)

    @cached_property
    def _edges(self) -> EdgeTable:
        assert self.trains is not None
        return EdgeTable(self.trains, self._shapes)

    @cached_property
    def _shapes(self) -> Array:
        return np.broadcast_to(np.asarray(self.shape, dtype=float), self.index.shape)

    @cached_property
    def _pooled(self) -> PooledLookup:
        return pooled_lookup(self.count, self._shapes, self.window, self.first)

    def _scores(self, rate: Array) -> tuple[Array, Array]:
        """Log-likelihood of each current's counts, and its slope in the rate, shapes (b, m)."""
        if self.trains is None and self.count.ndim == 1:
            return self._pooled(rate)
        mean = self.window * rate[..., self.index]
        value, slope = self._lookup(mean)
        slope = slope * self.window
        if self.trains is not None:
            each = np.maximum(mean, TINY_MEAN) / self.window
            edge, bend = self._edges(each)
            spikes = self._shapes * (self.count - 1) + 1
            time = self._shapes * self.trains.total_s
            fires = self.count > 0
            with_spikes = spikes * np.log(each) - time * each + edge
            value = np.where(fires, with_spikes, value)
            slope = np.where(fires, spikes / each - time + bend, slope)
        return (
            np.asarray(np.add.reduceat(value, self.first, axis=-1)),
            np.asarray(np.add.reduceat(slope, self.first, axis=-1)),
        )
