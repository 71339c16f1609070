"""A gland cell that secretes by vesicles, and what a carbon fibre beside it would record."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from brian2.units import Quantity, amp, coulomb, ms
from scipy.constants import elementary_charge
from scipy.optimize import brentq

from neurosim.errors import ParameterError
from neurosim.quantities import Description, check_quantity, check_seed, quantity
from neurosim.randomness import gaussian, row_keys
from neurosim.synapses.events import check_spikes
from neurosim.terminals.base import uniforms

__all__ = ["ChromaffinCell", "Secretion"]

# More vesicles than a spike ever releases, so that every vesicle has random numbers of its own.
_MOST = 4096
# Decay over rise time constant of an amperometric spike.
_RATIO = 8.0
# Electrons given up by a molecule of catecholamine at the fibre.
_ELECTRONS = 2


@dataclass(frozen=True, eq=False)
class Secretion:
    """Vesicles that opened, in order of trial and time.

    Attributes
    ----------
    trial, spike : ndarray of int, shape (n,)
        Which trial, and which spike called it.
    time_s, half_width_s : ndarray of shape (n,)
        When its content began to arrive, and how long it lasts at half height.
    molecules : ndarray of shape (n,)
        Its content.
    """

    trial: np.ndarray
    spike: np.ndarray
    time_s: np.ndarray
    molecules: np.ndarray
    half_width_s: np.ndarray

    @property
    def charge(self) -> Quantity:
        """Charge that each vesicle gives at the fibre, two electrons a molecule."""
        return self.molecules * _ELECTRONS * elementary_charge * coulomb

    def amperometry(self, t: Quantity, trial: int = 0) -> Quantity:
        r"""Return the current a carbon fibre would record in one trial.

        Each vesicle of charge Q gives a spike

        .. math:: I = Q\, \frac{e^{-t/\tau_d} - e^{-t/\tau_r}}{\tau_d - \tau_r},
                  \qquad \tau_d = 8 \tau_r

        Parameters
        ----------
        t : Quantity
            Times, shape (steps,).
        trial : int
            Which trial.
        """
        times = np.atleast_1d(np.asarray(check_quantity(t, 1 * ms, "amperometry: t", many=1)))
        current = np.zeros_like(times)
        for k in np.flatnonzero(self.trial == trial):
            decay = self.half_width_s[k] / _half_width()
            rise = decay / _RATIO
            late = np.clip(times - self.time_s[k], 0, None)
            shape = (np.exp(-late / decay) - np.exp(-late / rise)) / (decay - rise)
            current += float(self.charge[k]) * shape
        return Quantity(current, dim=amp.dim)


@dataclass(frozen=True, eq=False, repr=False)
class ChromaffinCell(Description):
    """Cell of the adrenal medulla: each spike calls a few vesicles of catecholamine.

    The number of vesicles a spike releases is Poisson; each opens after ``delay`` and a random wait
    of mean ``spread`` (exponential); its content is lognormal; so is its half-width, 95 % of which
    lie within a factor of two of the median.

    References
    ----------
    Wightman et al. (1991), PNAS 88:10754 (quanta of about 3 million molecules). Chow, von Rüden
    and Neher (1992), Nature 356:60 (delays of 5-50 ms).

    Examples
    --------
    >>> secreted = ChromaffinCell().release([0, 100] * ms, seed=1)
    >>> len(secreted.time_s), int(secreted.molecules.sum() > 1e6)
    (1, 1)
    """

    vesicles: Quantity = quantity(1.0, "mean number of vesicles a spike releases", above=0)
    delay: Quantity = quantity(5 * ms, "shortest delay after the spike", at_least=0 * ms)
    spread: Quantity = quantity(15 * ms, "mean further wait", above=0 * ms)
    molecules: Quantity = quantity(3e6, "mean content of a vesicle", above=0)
    cv: Quantity = quantity(0.6, "coefficient of variation of the content", at_least=0)
    half_width: Quantity = quantity(10 * ms, "median half-width of a spike", above=0 * ms)

    def release(self, spike_times: Quantity, seed: Any = 0) -> Secretion:
        """Return the vesicles that spikes release.

        Parameters
        ----------
        spike_times : Quantity
            Ascending times of the cell's spikes.
        seed : int or array of int
            A trial for each seed; what a trial releases depends only on its own seed.
        """
        times = check_spikes(spike_times, "ChromaffinCell: spike_times")
        seeds = np.atleast_1d(check_seed(seed))
        mean = float(self.vesicles)
        if mean > _MOST / 8:
            raise ParameterError(
                f"ChromaffinCell: vesicles must be at most {_MOST // 8} a spike; got {mean:g}"
            )
        from scipy.stats import poisson

        u = uniforms(seeds, 0, 0, np.arange(len(times)))
        count = poisson.ppf(u, mean).astype(int)
        trial, spike = (
            np.repeat(index, count.ravel()) for index in np.indices(count.shape).reshape(2, -1)
        )
        first = np.cumsum(count.ravel()) - count.ravel()
        number = np.arange(count.sum()) - np.repeat(first, count.ravel())
        step = spike * _MOST + number
        low, high = row_keys(seeds)
        low, high = low[trial], high[trial]
        sigma = np.sqrt(np.log1p(float(self.cv) ** 2))
        content = float(self.molecules) * np.exp(
            sigma * gaussian(low, high, 1, step) - sigma**2 / 2
        )
        width = np.exp(np.log(2) / 1.959964 * gaussian(low, high, 2, step))
        # The wait from a chi-square of two degrees of freedom, which is exponential.
        wait = (gaussian(low, high, 3, step) ** 2 + gaussian(low, high, 4, step) ** 2) / 2
        when = times[spike] + float(self.delay) + float(self.spread) * wait
        order = np.lexsort((when, trial))
        return Secretion(
            trial=trial[order],
            spike=spike[order],
            time_s=when[order],
            molecules=content[order],
            half_width_s=float(self.half_width) * width[order],
        )


@cache
def _half_width() -> float:
    """Return the half-width of an amperometric spike in units of its decay time constant."""

    def shape(x: float) -> float:
        return float(np.exp(-x) - np.exp(-x * _RATIO))

    top = np.log(_RATIO) / (_RATIO - 1)
    half = shape(top) / 2
    before = brentq(lambda x: shape(x) - half, 0, top)
    after = brentq(lambda x: shape(x) - half, top, 50)
    return float(after - before)
