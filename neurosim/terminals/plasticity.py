"""Short-term plasticity: facilitation and depression, as means and as vesicles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from brian2.units import Quantity, hertz, ms

from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity, check_whole, quantity
from neurosim.terminals.base import Ongoing, Terminal, quantal_sizes, uniforms

__all__ = ["DepletingRelease", "SteadyRelease", "TsodyksMarkram"]


class SteadyRelease(NamedTuple):
    """Release under a regular train, after many spikes.

    Attributes
    ----------
    use, available, released : ndarray
        u (after its jump), x (before release), and their product.
    """

    use: np.ndarray
    available: np.ndarray
    released: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class TsodyksMarkram(Terminal):
    r"""Mean release with facilitation and depression, exact from spike to spike.

    At each spike, and then between spikes Δt apart,

    .. math:: u &\leftarrow u + U (1 - u), \qquad A = u\,x, \qquad x \leftarrow x - u\,x \\
              u &\leftarrow u\, e^{-\Delta t/\tau_f}, \qquad
              x \leftarrow 1 - (1 - x)\, e^{-\Delta t/\tau_{rec}}

    The convention: u jumps *before* it releases, u starts at 0 and x at 1, so the first spike
    releases U. Transmitter acts at once (no time constant of inactivation). ``tau_facil`` 0 keeps u
    at U; ``tau_rec`` 0 refills at once.

    References
    ----------
    Tsodyks and Markram (1997), PNAS 94:719. Tsodyks, Pawelzik and Markram (1998), Neural Comput
    10:821.

    Examples
    --------
    >>> from brian2 import ms
    >>> TsodyksMarkram().release([0, 50, 100] * ms).weight.round(4).tolist()
    [0.5, 0.2651, 0.1548]
    """

    U: Quantity = quantity(0.5, "share of what is left that a spike adds to u", above=0)
    tau_rec: Quantity = quantity(800 * ms, "time constant of recovery", at_least=0 * ms)
    tau_facil: Quantity = quantity(0 * ms, "time constant of facilitation", at_least=0 * ms)
    amplitude: Quantity = quantity(1.0, "weight of releasing all there is", above=0)

    def check(self) -> None:
        if float(self.U) > 1:
            raise ParameterError(f"{type(self).__name__}: U must lie between 0 and 1; got {self.U}")

    def course(self, spike_times: Quantity) -> tuple[np.ndarray, np.ndarray]:
        """Return u (after its jump) and x (before release) at each spike."""
        return self._course(self.release(spike_times).time_s)

    def steady_state(self, rate: Quantity) -> SteadyRelease:
        r"""Return what a regular train comes to.

        .. math:: u = \frac{U}{1 - (1 - U) e^{-1/(r \tau_f)}}, \qquad
                  x = \frac{1 - e^{-1/(r \tau_{rec})}}{1 - (1 - u) e^{-1/(r \tau_{rec})}}
        """
        name = f"{type(self).__name__}: rate"
        rate = check_quantity(rate, 10 * hertz, name, above=0 * hertz, many=1)
        interval = 1 / np.asarray(rate, dtype=float)
        keep_u, keep_x = _fade(interval, self.tau_facil), _fade(interval, self.tau_rec)
        use = float(self.U) / (1 - (1 - float(self.U)) * keep_u)
        available = (1 - keep_x) / (1 - (1 - use) * keep_x)
        return SteadyRelease(use, available, use * available)

    def begin(self, seeds: np.ndarray, terminal: int = 0) -> Ongoing:
        return _Mean(self, seeds, terminal)

    def _weights(self, times_s: np.ndarray, seeds: np.ndarray, terminal: int) -> np.ndarray:
        use, available = self._course(times_s)
        released = float(self.amplitude) * (use * available)
        return np.broadcast_to(released, (len(seeds), len(times_s)))

    def _course(self, times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        use, available = np.empty((2, len(times_s)))
        u, x = 0.0, 1.0
        intervals = np.diff(times_s, prepend=-np.inf)
        kept = (_fade(intervals, tau) for tau in (self.tau_facil, self.tau_rec))
        for k, (keep_u, keep_x) in enumerate(zip(*kept, strict=True)):
            u, x = use[k], available[k] = self._next(u, x, keep_u, keep_x)
        return use, available

    def _next(self, u: float, x: float, keep_u: float, keep_x: float) -> tuple[float, float]:
        """Return u and x at a spike, from those at the last one and what is kept since."""
        jump = float(self.U)
        return u * keep_u * (1 - jump) + jump, 1 - (1 - x * (1 - u)) * keep_x


@dataclass(frozen=True, eq=False, repr=False)
class DepletingRelease(Terminal):
    r"""Vesicles at N sites, released by chance and replaced by chance.

    A spike releases the vesicle of each filled site with the probability u of `TsodyksMarkram`; an
    empty site is refilled within Δt with the probability 1 - e^{-Δt/τ_rec}. The mean over trials is
    N q times the release of `TsodyksMarkram`, exactly. ``reserve`` bounds the vesicles that refill
    the sites; with the default of -1 they never run out.

    References
    ----------
    Fuhrmann, Segev, Markram and Tsodyks (2002), J Neurophysiol 87:140.

    Examples
    --------
    >>> from brian2 import ms
    >>> terminal = DepletingRelease(N=5, cv=0.0)
    >>> terminal.release([0, 5, 10, 15] * ms, seed=1).weight.sum() <= 6
    np.True_
    """

    N: int = 10
    U: Quantity = quantity(0.5, "share of what is left that a spike adds to u", above=0)
    tau_rec: Quantity = quantity(800 * ms, "time constant of refilling", at_least=0 * ms)
    tau_facil: Quantity = quantity(0 * ms, "time constant of facilitation", at_least=0 * ms)
    q: Quantity = quantity(1.0, "mean size of a quantum", above=0)
    cv: Quantity = quantity(0.3, "coefficient of variation of the quantum", at_least=0)
    reserve: int = -1

    def check(self) -> None:
        object.__setattr__(self, "N", check_whole(self.N, f"{type(self).__name__}: N"))
        if float(self.U) > 1:
            raise ParameterError(f"{type(self).__name__}: U must lie between 0 and 1; got {self.U}")
        if self.reserve < -1:
            raise ParameterError(
                f"{type(self).__name__}: reserve must be a number of vesicles, or -1 for no end; "
                f"got {self.reserve}"
            )

    @property
    def mean_field(self) -> TsodyksMarkram:
        """The terminal that releases the mean of this one (with an endless reserve)."""
        return TsodyksMarkram(
            U=self.U,
            tau_rec=self.tau_rec,
            tau_facil=self.tau_facil,
            amplitude=self.N * self.q,
            delay=self.delay,
            transmitter=self.transmitter,
        )

    def begin(self, seeds: np.ndarray, terminal: int = 0) -> Ongoing:
        return _Vesicles(self, seeds, terminal)

    def _weights(self, times_s: np.ndarray, seeds: np.ndarray, terminal: int) -> np.ndarray:
        ongoing = self.begin(seeds, terminal)
        weights = [ongoing.spike(float(time)) for time in times_s]
        return np.stack(weights, axis=1) if weights else np.zeros((len(seeds), 0))


class _Mean(Ongoing):
    """Use and what is available, from spike to spike."""

    terminal: TsodyksMarkram
    last, u, x = -np.inf, 0.0, 1.0

    def spike(self, time_s: float) -> np.ndarray:
        interval, self.last = np.array(time_s - self.last), time_s
        keep_u = float(_fade(interval, self.terminal.tau_facil))
        keep_x = float(_fade(interval, self.terminal.tau_rec))
        self.u, self.x = self.terminal._next(self.u, self.x, keep_u, keep_x)
        return np.full(len(self.seeds), float(self.terminal.amplitude) * (self.u * self.x))


class _Vesicles(Ongoing):
    """Which sites hold a vesicle, from spike to spike; a row a trial."""

    terminal: DepletingRelease
    last, u, count = -np.inf, 0.0, 0

    def __init__(self, terminal: DepletingRelease, seeds: np.ndarray, number: int) -> None:
        super().__init__(terminal, seeds, number)
        self.filled = np.ones((len(seeds), terminal.N), dtype=bool)
        self.left = np.full(len(seeds), terminal.reserve)

    def spike(self, time_s: float) -> np.ndarray:
        terminal, jump = self.terminal, float(self.terminal.U)
        draws = self.count * terminal.N + np.arange(terminal.N)
        interval, self.last = np.array(time_s - self.last), time_s
        chance = uniforms(self.seeds, self.number, 1, draws)
        wanted = ~self.filled & (chance > float(_fade(interval, terminal.tau_rec)))
        if terminal.reserve >= 0:
            wanted &= np.cumsum(wanted, axis=1) <= self.left[:, None]
            self.left -= wanted.sum(axis=1)
        self.filled |= wanted
        self.u = self.u * float(_fade(interval, terminal.tau_facil)) * (1 - jump) + jump
        out = self.filled & (uniforms(self.seeds, self.number, 0, draws) < self.u)
        self.filled &= ~out
        u = uniforms(self.seeds, self.number, 2, np.array([self.count]))[:, 0]
        self.count += 1
        return float(terminal.q) * quantal_sizes(out.sum(axis=1), u, float(terminal.cv))


def _fade(interval_s: np.ndarray, tau: Quantity) -> np.ndarray:
    """Return e^{-Δt/τ}, 0 for a τ of 0 (also for spikes at the same time)."""
    if float(tau) == 0:
        return np.zeros_like(interval_s)
    return np.asarray(np.exp(-interval_s / float(tau)))
