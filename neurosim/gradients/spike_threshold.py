"""The threshold of a spike as a loss: the potential where its upstroke reaches a rate of rise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, ms, mV, second, volt
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from neurosim.errors import ParameterError
from neurosim.features.spike_detection import level_crossings
from neurosim.features.spike_shape import SMOOTHING_S, threshold_crossing
from neurosim.gradients.losses import Loss
from neurosim.quantities import check_whole, quantity

__all__ = ["SpikeThreshold"]

# A cubic spline forgets a sample by a factor of 3.7 a sample: what is farther than so many samples
# from a point has no share in it.
_FORGOTTEN = 30


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SpikeThreshold(Loss):
    r"""Potential at which a spike's upstroke reaches a rate of rise, as `measure_spikes` reads it.

    The potential is seen through a Gaussian of 0.05 ms and a cubic spline, v(t). The threshold is
    v at the time t* at which dv/dt last rises through the criterion c before the upstroke. By the
    implicit-function theorem t* follows a parameter p by -(\partial_p v')/v'', so that

    .. math:: \frac{dv(t^*)}{dp} = \partial_p v - \frac{c}{v''}\, \partial_p v'.

    Parameters
    ----------
    number : int
        Which spike, counted from 1.
    criterion : Quantity
        Rate of rise that stands for the threshold.
    detect : Quantity
        Potential that only spikes cross.
    start : Quantity
        Onset of the stimulus: earlier samples are not looked at.

    Examples
    --------
    >>> t = np.arange(1, 2001) * 1e-5
    >>> v = -0.07 + 0.1 * np.exp(-0.5 * ((t - 0.01) / 2e-4) ** 2)
    >>> value, slopes = SpikeThreshold().value(v[:, np.newaxis], 1e-5)
    >>> bool(-0.07 < value[0] < -0.068), round(float(slopes.sum()), 9)
    (True, 1.0)
    """

    number: int = 1
    criterion: Quantity = quantity(10 * volt / second, "rate of rise", above=0 * volt / second)
    detect: Quantity = quantity(-20 * mV, "potential that only spikes cross")
    start: Quantity = quantity(0 * ms, "onset of the stimulus", at_least=0 * ms)

    @property
    def like(self) -> Quantity:
        return 1 * volt

    def value(self, v: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
        number = check_whole(self.number, "SpikeThreshold: number")
        values, slopes = np.empty(v.shape[1]), np.zeros(v.shape)
        for cell in range(v.shape[1]):
            peaks = level_crossings(v[:, cell] * 1e3, float(self.detect / mV))
            if len(peaks) < number:
                raise ParameterError(
                    f"SpikeThreshold: cell {cell} fires {len(peaks)} spike"
                    f"{'s' * (len(peaks) != 1)}, and the threshold of spike {number} is asked "
                    "for; stimulate it more or run longer"
                )
            values[cell] = self._one(v[:, cell], dt, int(peaks[number - 1]), cell, slopes[:, cell])
        return values, slopes

    def _one(self, v: np.ndarray, dt: float, peak: int, cell: int, slopes: np.ndarray) -> float:
        """Return one threshold, and fill in how it follows the samples."""
        rate = float(self.criterion)
        # The first sample is at dt.
        where, level = threshold_crossing(
            v * 1e3, 1 / dt, peak, start_s=float(self.start) - dt, criterion_V_per_s=rate
        )
        if not np.isfinite(where):
            raise ParameterError(
                f"SpikeThreshold: the spike of cell {cell} has no threshold to read, since the "
                f"stimulus alone charges the membrane at nearly {rate:g} V/s; stimulate it less"
            )
        width = SMOOTHING_S / dt
        near = _FORGOTTEN + int(4 * width + 0.5)
        middle = round(where / dt)
        first, stop = max(middle - near, 0), min(middle + near + 1, len(v))
        # The smoothed potential is a straight sum of the samples; so is its spline.
        shares = gaussian_filter1d(np.eye(stop - first), width, axis=0)
        spline = CubicSpline(np.arange(first, stop) * dt, shares)
        bend = float(spline(where, 2) @ v[first:stop])
        slopes[first:stop] = spline(where) - rate / bend * spline(where, 1)
        return level * 1e-3
