"""A rate that rises, saturates and collapses: firing until depolarisation block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from bridge.counts.outline import Outline, grid
from bridge.units.base import Unit
from bridge.units.rate_function import Array, Parameter, Slopes

__all__ = ["Block"]


@dataclass(frozen=True)
class Block(Unit):
    """r(I) = max_rate * x / (x + half) * (rest + (1 - rest) / (1 + exp((x - reach) / width))).

    x = max(0, I - threshold). A saturating rise, times the share of firing that sodium
    inactivation leaves; `rest` is the share that remains in full block, such as the spikes that
    escape at the onset of a step. Not monotone: a rate has up to two currents, and `inverse` gives
    the lower one. That cells stop firing at strong currents is classic (Curtis and Eccles 1959,
    J. Physiol. 145:529; for interneurons and pyramidal cells Bianchi et al. 2012, J. Comput.
    Neurosci. 33:207); this form is the simplest that has a rise, a block and what escapes it.

    Attributes
    ----------
    max_rate_Hz : float
        Rate the rise alone would approach (Hz).
    threshold_pA : float
        Largest silent current (pA).
    half_pA : float
        Current above threshold that gives half of it (pA).
    reach_pA : float
        Current above threshold at which half of the firing is blocked (pA).
    width_pA : float
        Current over which the block sets in (pA).
    rest : float
        Share of firing left in full block, 0 to 1.

    Examples
    --------
    >>> unit = Block(60, 50, 400, 1400, 30, rest=0.1)
    >>> unit.rate([0, 450, 1450, 2000]).round(1)
    array([ 0. , 30. , 25.7,  5. ])
    >>> round(float(unit.peak_pA))
    1299
    """

    max_rate_Hz: float
    threshold_pA: float
    half_pA: float
    reach_pA: float
    width_pA: float
    rest: float = 0.0

    name: ClassVar[str] = "block"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("max_rate_Hz", "rate the rise alone would approach", 1e-3, 5e3, True, "Hz", 1),
        Parameter("threshold_pA", "largest silent current", -1e6, 1e6, False, "pA"),
        Parameter("half_pA", "current above threshold of half of it", 1e-3, 1e6, True, "pA"),
        Parameter("reach_pA", "current above threshold of half block", 1e-3, 1e6, True, "pA"),
        Parameter("width_pA", "current over which block sets in", 1e-2, 1e5, True, "pA"),
        Parameter("rest", "share of firing left in full block", 0.0, 1.0, False),
    )
    sharp: ClassVar[bool] = True
    monotone: ClassVar[bool] = False

    @staticmethod
    def equation(current: Array, *theta: Array) -> Any:
        top, threshold, half, reach, width, rest = theta
        x = np.maximum(current - threshold, 0)
        return top * x / (x + half) * (rest + (1 - rest) * expit((reach - x) / width))

    @staticmethod
    def slopes(current: Array, *theta: Array) -> Slopes:
        top, threshold, half, reach, width, rest = theta
        x = np.maximum(current - threshold, 0)
        u = (reach - x) / width
        open_, shut = expit(u), expit(-u)
        left = rest + (1 - rest) * open_
        rise = top * x / (x + half)
        bend = rise * (1 - rest) * open_ * shut / width
        fires = x > 0
        return rise * left, [
            x / (x + half) * left,
            np.where(fires, bend - top * half / (x + half) ** 2 * left, 0.0),
            -rise / (x + half) * left,
            bend,
            -bend * u,
            rise * shut,
        ]

    @classmethod
    def starts(cls, outline: Outline) -> Array:
        onset = outline.onset()
        thresholds = np.unique(np.append(onset[-6:], outline.current[0] - 0.2 * outline.span))
        peak = outline.current[int(np.argmax(outline.rate))]
        far = outline.current[-1]
        # Block between the peak and the end of the curve; late if nothing of it is seen yet.
        reaches = np.unique(peak + (far - peak) * np.array([0.1, 0.4, 0.7, 1.2]))
        reaches = np.maximum(reaches - outline.middle(1e-9), 0.05 * outline.span)
        halves = outline.span * np.array([0.05, 0.3, 2.0])
        widths = outline.span * np.array([0.005, 0.03, 0.15])
        return grid([1.0], thresholds, halves, reaches, widths, [0.02, 0.2])

    @property
    def peak_pA(self) -> float:
        """Current of the highest rate (pA)."""
        # One hump lies before full block: find it on a grid, then on finer ones.
        low, high = self.threshold_pA, self.threshold_pA + self.reach_pA + 40 * self.width_pA
        grid_ = np.linspace(low, high, 2001)
        for _ in range(4):
            i = int(np.argmax(self.rate(grid_)))
            grid_ = np.linspace(grid_[max(i - 1, 0)], grid_[min(i + 1, 2000)], 2001)
        return float(grid_[int(np.argmax(self.rate(grid_)))])

    @property
    def rate_range(self) -> tuple[float, float]:
        return 0.0, float(self.rate(self.peak_pA))

    def _invert(self, rate: Array) -> Array:
        # On the rising side: halve between threshold and peak.
        low, high = np.full(rate.shape, self.threshold_pA), np.full(rate.shape, self.peak_pA)
        for _ in range(100):
            middle = 0.5 * (low + high)
            below = self.rate(middle) < rate
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.where(rate > 0, 0.5 * (low + high), self.threshold_pA)
