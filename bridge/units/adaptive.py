"""The unit with a memory: an onset curve, a steady curve, and the adaptation that ties them.

A step of current makes most cells fire fast at first and slower later. Benda and Herz 2003
(Neural Comput. 15:2523) showed that, whatever the ionic mechanism, spike-frequency adaptation acts
as a current that grows with the rate:

    r = onset(I - A),    tau dA/dt = strength * r - A

so that the steady rate solves ``r = onset(I - strength * r)``. Which onset curve, how strong and
how slow is found from spike counts in bins after the step's onset; without evidence (AICc) for
adaptation the answer is the plain unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.plain_numbers import strip_unit
from bridge.units import Unit
from bridge.units.steady_rate import steady_rate
from neurosim.errors import ParameterError

__all__ = ["Adaptive", "expected_counts"]

Array = NDArray[np.float64]

FINE = 6
"""Integration steps in every bin."""


@dataclass(frozen=True)
class Adaptive:
    """r = onset(I - A), tau dA/dt = strength * r - A; A = 0 before the step.

    Attributes
    ----------
    onset : Unit
        Rate at the onset of a step, before any adaptation.
    strength_pA_per_Hz : float
        Adaptation current a steady rate of one hertz brings about (pA / Hz).
    tau_s : float
        Time constant of the adaptation current (s).

    Examples
    --------
    >>> from bridge.units import ReLU
    >>> unit = Adaptive(ReLU(0.5, 100), strength_pA_per_Hz=2, tau_s=0.1)
    >>> float(unit.onset_rate(300)), float(unit.rate(300))
    (100.0, 50.0)
    >>> unit.response(300, [0, 0.05, 1]).round(1)
    array([100. ,  68.4,  50. ])
    """

    onset: Unit
    strength_pA_per_Hz: float
    tau_s: float

    name: ClassVar[str] = "adaptive"

    def __post_init__(self) -> None:
        if not isinstance(self.onset, Unit) or not self.onset.monotone:
            raise ParameterError(
                f"Adaptive: onset must be a unit whose rate never falls; got {self.onset!r}"
            )
        for name, unit, low in (("strength_pA_per_Hz", "", 0.0), ("tau_s", "s", 1e-6)):
            value = float(strip_unit(getattr(self, name), unit, name))
            if not (np.isfinite(value) and value >= low):
                raise ParameterError(f"Adaptive: {name} = {value:g} must be at least {low:g}")
            object.__setattr__(self, name, value)

    @property
    def family(self) -> str:
        """Name with that of its onset curve."""
        return f"adaptive {self.onset.name}"

    def onset_rate(self, current: ArrayLike) -> Any:
        """Rate at the onset of a step (Hz), of the shape of `current` (pA)."""
        return self.onset.rate(current)

    def rate(self, current: ArrayLike) -> Any:
        """Steady rate (Hz), of the shape of `current` (pA)."""
        amount = np.asarray(strip_unit(current, "pA", "current"), dtype=float)
        rested = np.asarray(self.onset.rate(amount), dtype=float)

        def held_at(rate: Array) -> Array:
            return np.asarray(self.onset.rate(amount - self.strength_pA_per_Hz * rate))

        return steady_rate(held_at, rested)[()]

    value = rate
    __call__ = rate

    def response(self, current: float, times_s: ArrayLike) -> Array:
        """Rate at some times after the onset of a step from rest.

        Parameters
        ----------
        current : float or Quantity
            Height of the step (pA).
        times_s : array_like, shape (n,)
            Times, ascending (s).

        Returns
        -------
        ndarray, shape (n,)
            Rates (Hz).
        """
        amount = np.atleast_1d(np.asarray(strip_unit(current, "pA", "current"), dtype=float))
        times = np.asarray(times_s, dtype=float)
        fine = np.unique(np.concatenate([times, np.linspace(0, times.max(), 400)]))
        rates = _integrate(type(self.onset), *self._batch, amount, fine)
        return np.asarray(rates[np.searchsorted(fine, times), 0, 0])

    def expected(self, current: ArrayLike, edges_s: ArrayLike) -> Array:
        """Expected spikes in bins after the onset of steps; see `expected_counts`.

        Returns
        -------
        ndarray, shape (steps, bins)
        """
        return np.asarray(expected_counts(type(self.onset), *self._batch, current, edges_s)[0])

    @property
    def _batch(self) -> tuple[Array, dict[str, float], Array, Array]:
        """Itself as a batch of one: parameters and settings of the onset, strength, tau."""
        strength, tau = np.array([self.strength_pA_per_Hz]), np.array([self.tau_s])
        return self.onset.values[None], self.onset.settings, strength, tau

    def drive(self, current: ArrayLike, step_s: float) -> Array:
        """Rate under a current that varies in time, such as frozen noise.

        Parameters
        ----------
        current : array_like, shape (n,)
            Samples of the current (pA), each held for `step_s`.
        step_s : float
            Time between them (s).

        Returns
        -------
        ndarray, shape (n,)
            Rate at the end of each sample (Hz).
        """
        amount = np.asarray(current, dtype=float)
        adapted, keep = 0.0, float(np.exp(-step_s / self.tau_s))
        rates = np.empty_like(amount)
        for i, here in enumerate(amount):
            rates[i] = self.onset.rate(here - adapted)
            adapted = adapted * keep + (1 - keep) * self.strength_pA_per_Hz * rates[i]
        return rates

    def to_dict(self) -> dict[str, Any]:
        """Name and every number, as plain values."""
        return {"name": self.name, **vars(self), "onset": self.onset.to_dict()}


def _integrate(
    family: type[Unit],
    theta: Array,
    settings: dict[str, float],
    strength: Array,
    tau: Array,
    current: Array,
    times: Array,
) -> Array:
    """Rates of many units at many currents and times, shape (times, b, m).

    Exponential Rosenbrock-Euler steps: exact where the onset curve is a line, and stable where it
    is steep, as a square root is at its threshold.
    """
    adapted = np.zeros((len(theta), len(current)))
    strength, tau = strength[:, None], tau[:, None]
    rates = np.empty((len(times), *adapted.shape))
    below, delta = np.empty_like(adapted), 1e-4 * (1 + np.abs(current))

    def look(number: int) -> None:
        """Evaluate the rates, and those just below them, in one call: calls are what takes time."""
        here = current - adapted
        both = family.evaluate(theta, np.concatenate([here, here - delta], axis=1), **settings)
        rates[number], below[:] = both[:, : len(current)], both[:, len(current) :]

    look(0)
    for i, step in enumerate(np.diff(times)):
        here = rates[i]
        slope = (here - below) / delta
        decay = -(1 + strength * np.maximum(slope, 0)) / tau
        change = (strength * here - adapted) / tau
        adapted = adapted + change * np.expm1(step * decay) / decay
        look(i + 1)
    return rates


def expected_counts(
    family: type[Unit],
    theta: Array,
    settings: dict[str, float],
    strength: Array,
    tau: Array,
    current: ArrayLike,
    edges: ArrayLike,
) -> Array:
    """Expected spikes in every bin after the onset of a step.

    Parameters
    ----------
    family : type of Unit
        Of the onset curve.
    theta : ndarray, shape (b, p)
        Its parameters, one row a candidate.
    settings : dict
        Its fields that are not fitted.
    strength, tau : ndarray, shape (b,)
        Adaptation (pA / Hz, s).
    current : ndarray, shape (m,)
        Steps (pA).
    edges : ndarray, shape (n + 1,)
        Edges of the bins after the onset (s); the first is 0.

    Returns
    -------
    ndarray, shape (b, m, n)

    Examples
    --------
    >>> from bridge.units import ReLU
    >>> unit = ReLU(0.5, 100)
    >>> one = np.ones(1)
    >>> expected_counts(ReLU, unit.values[None], {}, 0 * one, one, [300.0], [0, 0.5, 1.0])
    array([[[50., 50.]]])
    """
    edges = np.asarray(edges, dtype=float)
    parts = np.linspace(0, 1, FINE + 1)[:-1]
    fine = np.append((edges[:-1, None] + np.diff(edges)[:, None] * parts).ravel(), edges[-1])
    rates = _integrate(family, theta, settings, strength, tau, np.asarray(current, float), fine)
    spikes = 0.5 * (rates[1:] + rates[:-1]) * np.diff(fine)[:, None, None]
    per_bin = spikes.reshape(len(edges) - 1, FINE, *spikes.shape[1:]).sum(axis=1)
    return np.moveaxis(per_bin, 0, -1)
