"""Quantal release: N sites, each releasing one vesicle with probability p."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, hertz, second
from scipy.special import bdtr

from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity, check_seed, check_whole, quantity
from neurosim.synapses.events import Events
from neurosim.terminals.base import Ongoing, Terminal, quantal_sizes, uniforms

__all__ = ["QuantalRelease", "SpontaneousRelease"]


@dataclass(frozen=True, eq=False, repr=False)
class QuantalRelease(Terminal):
    r"""Binomial release with variable quanta, the same at every spike.

    .. math:: E = N p q, \qquad Var = N p q^2 (1 - p + cv^2), \qquad P(failure) = (1 - p)^N

    Quanta are gamma distributed with mean q and coefficient of variation cv; q counts in the
    conductance ``g`` of the receptor.

    References
    ----------
    Del Castillo and Katz (1954), J Physiol 124:560.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import ms
    >>> terminal = QuantalRelease(N=10, p=0.3, q=0.5, cv=0.3)
    >>> released = terminal.release([10, 20, 30] * ms, seed=np.arange(10000))
    >>> released.weight.shape, terminal.mean, round(terminal.failures, 4)
    ((10000, 3), 1.5, 0.0282)
    """

    N: int = 10
    p: Quantity = quantity(0.3, "probability that a site releases", at_least=0)
    q: Quantity = quantity(1.0, "mean size of a quantum", above=0)
    cv: Quantity = quantity(0.3, "coefficient of variation of the quantum", at_least=0)

    def check(self) -> None:
        object.__setattr__(self, "N", check_whole(self.N, f"{type(self).__name__}: N"))
        if float(self.p) > 1:
            raise ParameterError(f"QuantalRelease: p must lie between 0 and 1; got {self.p}")

    @property
    def mean(self) -> float:
        """Mean weight of an event, N p q."""
        return self.N * float(self.p) * float(self.q)

    @property
    def variance(self) -> float:
        """Variance of the weight, N p q² (1 - p + cv²)."""
        p, q, cv = float(self.p), float(self.q), float(self.cv)
        return self.N * p * q**2 * (1 - p + cv**2)

    @property
    def failures(self) -> float:
        """Probability that a spike releases nothing, (1 - p)^N."""
        return (1 - float(self.p)) ** self.N

    def begin(self, seeds: np.ndarray, terminal: int = 0) -> Ongoing:
        return _Independent(self, seeds, terminal)

    def _weights(self, times_s: np.ndarray, seeds: np.ndarray, terminal: int) -> np.ndarray:
        return self._at(np.arange(len(times_s)), seeds, terminal)

    def _at(self, steps: np.ndarray, seeds: np.ndarray, terminal: int) -> np.ndarray:
        """Return what the spikes of given numbers release; they know nothing of one another."""
        below = bdtr(np.arange(self.N), self.N, float(self.p))
        count = np.searchsorted(below, uniforms(seeds, terminal, 0, steps), side="left")
        sizes = quantal_sizes(count, uniforms(seeds, terminal, 1, steps), float(self.cv))
        return float(self.q) * sizes


class _Independent(Ongoing):
    """Releases that depend on the number of a spike only."""

    terminal: QuantalRelease
    count = 0

    def spike(self, time_s: float) -> np.ndarray:
        self.count += 1
        return self.terminal._at(np.array([self.count - 1]), self.seeds, self.number)[:, 0]


@dataclass(frozen=True, eq=False, repr=False)
class SpontaneousRelease(Terminal):
    """Single quanta released at random times without any spike (miniature potentials).

    References
    ----------
    Fatt and Katz (1952), J Physiol 117:109.
    """

    rate: Quantity = quantity(1 * hertz, "mean rate of release", above=0 * hertz)
    q: Quantity = quantity(1.0, "mean size of a quantum", above=0)
    cv: Quantity = quantity(0.3, "coefficient of variation of the quantum", at_least=0)

    def during(self, duration: Quantity, seed: int = 0, *, terminal: int = 0) -> Events:
        """Return the releases of one trial from time 0 on."""
        name = "SpontaneousRelease: duration"
        end = float(check_quantity(duration, 1 * second, name, above=0 * second))
        seeds = np.atleast_1d(check_seed(seed))
        rate, times, block = float(self.rate), np.zeros(1), 0
        size = int(rate * end + 10 * np.sqrt(rate * end) + 10)
        while times[-1] < end:
            steps = np.arange(block * size, (block + 1) * size)
            waits = -np.log(uniforms(seeds, terminal, 2, steps)[0]) / rate
            times = np.concatenate([times, times[-1] + np.cumsum(waits)])
            block += 1
        times = times[1:][times[1:] < end]
        u = uniforms(seeds, terminal, 3, np.arange(len(times)))[0]
        sizes = quantal_sizes(np.ones(len(times), dtype=int), u, float(self.cv))
        return Events(times, float(self.q) * sizes)

    def _weights(self, times_s: np.ndarray, seeds: np.ndarray, terminal: int) -> np.ndarray:
        raise ParameterError("SpontaneousRelease needs no spikes; call during(duration, seed)")
