"""Which current makes a neuron fire as a unit of the network would be active.

A unit has the activation a = g(z), such as 1/(1 + exp(-z)). A neuron that receives the current
``holding + gain * z`` fires at the rate f(holding + gain * z), read off its measured f-I curve, and
speaks for the activation ``offset + slope * rate``. Calibrating means choosing these four numbers
for every unit. The map from z to current stays a straight line: synapses and a holding current can
make no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from bridge.counts.count_variance import count_variance, fano_by_current, fano_factor
from bridge.counts.curve import FICurve
from bridge.errors import CalibrationError

__all__ = [
    "NORMALISATIONS",
    "Calibration",
    "Normalisation",
    "calibrate",
    "fano_factor",
    "rate_function",
]

# Lines looked at before walking down: so many slopes, down to so small a part of the range over all
# pre-activations, and so many positions.
_GAINS, _SMALLEST_GAIN, _HOLDINGS = 24, 0.02, 48

# A neuron follows its unit if this part of the variance, at most, is missing from its mean rate;
# missing more costs so many standard deviations.
_NOT_FOLLOWED, _COST_OF_REST = 0.25, 100.0

# A unit that matters less than this part of the mean of its layer hardly moves.
_HARDLY = 0.1

# Spikes the fastest neuron must fire, on average, up to the decision.
_FEWEST = 0.1

NORMALISATIONS = ("curve", "maximum", "percentile")


@dataclass(frozen=True)
class Normalisation:
    """How the scale of a layer is found.

    Attributes
    ----------
    kind : {"curve", "maximum", "percentile"}
        ``"curve"`` chooses, for every unit, the line that makes the error on the measured f-I curve
        smallest. The others give the whole layer one scale: the largest activation seen, or a
        percentile of all activations seen, becomes the highest rate (Diehl et al. 2015; Rueckauer
        et al. 2017).
    percentile : float
        Which one.
    divide : float
        The scale is divided by this; above 1, larger activations are clipped.

    Examples
    --------
    >>> Normalisation("maximum", divide=2).divide
    2
    """

    kind: str = "curve"
    percentile: float = 99.9
    divide: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in NORMALISATIONS:
            raise CalibrationError(
                f"a normalisation must be one of {', '.join(NORMALISATIONS)}; got {self.kind!r}"
            )
        if not 0 < self.percentile <= 100 or not self.divide > 0:
            raise CalibrationError(
                "percentile must lie in (0, 100] and divide above 0; got "
                f"{self.percentile} and {self.divide}"
            )

    def scale(self, activations: np.ndarray) -> float:
        """Return the activation that is to become the highest rate."""
        largest = (
            np.percentile(activations, self.percentile)
            if self.kind == "percentile"
            else np.max(activations)
        )
        if not largest > 0:
            raise CalibrationError(
                f"the {self.kind} of the activations of a layer is {largest:g}: it was silent on "
                "every input it was calibrated on; bring more inputs, or normalise by 'curve'"
            )
        return float(largest) / self.divide


@dataclass(frozen=True, eq=False)
class Calibration:
    """How the units of a layer become neurons: pre-activation to current, rate to activation.

    Attributes
    ----------
    holding_pA, gain_pA : ndarray, shape (n_units,)
        Current for z = 0, and current for each unit of z.
    offset, slope_s : ndarray, shape (n_units,)
        Activation that silence stands for, and activation for each hertz. The offset is positive
        where a silent neuron stands for a small activation; a unit that never moves has slope 0.
    bias : ndarray, shape (n_units,)
        Root mean square of (decoded mean rate - sigmoid) over the z it was calibrated on: the
        part of the error that no waiting removes.
    count_noise : ndarray, shape (n_units,)
        Standard deviation of the decoded activation that a spike count up to the decision time
        leaves: the part that waiting removes.
    decision_ms : float
        The decision time it was calibrated for.
    """

    holding_pA: np.ndarray
    gain_pA: np.ndarray
    offset: np.ndarray
    slope_s: np.ndarray
    bias: np.ndarray
    count_noise: np.ndarray
    decision_ms: float

    def current_pA(self, z: np.ndarray) -> np.ndarray:
        """Return the current that stands for pre-activations, shape (..., n_units)."""
        return self.holding_pA + self.gain_pA * np.asarray(z)

    def activation(self, rate_Hz: np.ndarray) -> np.ndarray:
        """Return the activations that rates stand for, shape (..., n_units)."""
        return self.offset + self.slope_s * np.asarray(rate_Hz)

    @classmethod
    def join(cls, parts: Sequence[Calibration]) -> Calibration:
        """Return the calibration of several groups of units, one after the other."""
        names = ("holding_pA", "gain_pA", "offset", "slope_s", "bias", "count_noise")
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        return cls(**arrays, decision_ms=parts[0].decision_ms)


def rate_function(curve: FICurve) -> PchipInterpolator:
    """Return rate (Hz) as a smooth rising function of current (pA), from a measured f-I curve.

    Counts are pooled by current, made monotone by isotonic regression weighted by their windows,
    and joined by monotone cubics (Fritsch and Carlson 1980).

    Raises
    ------
    CalibrationError
        The curve has fewer than four currents.
    """
    currents, index = np.unique(curve.current_pA, return_inverse=True)
    if len(currents) < 4:
        raise CalibrationError(
            f"calibration needs an f-I curve of at least 4 currents; this has {len(currents)}"
        )
    counts = np.bincount(index, weights=curve.count)
    windows = np.bincount(index, weights=curve.window_s)
    rates = IsotonicRegression().fit_transform(currents, counts / windows, sample_weight=windows)
    return PchipInterpolator(currents, rates, extrapolate=False)


def calibrate(
    curve: FICurve,
    pre_activations: np.ndarray,
    *,
    activation: Any = None,
    normalisation: Normalisation | None = None,
    decision_ms: float = 50.0,
    max_rate_Hz: float | None = None,
    importance: np.ndarray | None = None,
) -> Calibration:
    """Fit, for every unit, the line from pre-activation to current on a measured f-I curve.

    Minimises the mean squared error of the decoded activation at the decision time, over the
    pre-activations that the unit really has. It has two parts: the difference between mean rate and
    activation, and the noise of a count of spikes, which is smaller the more spikes there are (see
    `bridge.counts.count_variance.count_variance`). Given holding and gain, offset and slope follow
    by linear least squares. Holding and gain are searched over the whole range of the curve, for
    every unit by itself: neither the units beside it nor the scale of its weights matter to what it
    gets.

    A unit that hardly moves would need many spikes to say very little. It is calibrated as if it
    moved more: so far that it matters a tenth of what units of its layer do in the mean.

    Parameters
    ----------
    curve : FICurve
        f-I curve of the neuron with its noise, wide enough for the rates wanted.
    pre_activations : ndarray, shape (n_samples, n_units)
        Values of z seen on real inputs.
    activation : Activation, optional
        Has ``value(z)``, rising (default: the sigmoid).
    normalisation : Normalisation, optional
        How the scale is found (default: by the measured curve).
    decision_ms : float
        When decisions will be read, counted from the onset of the input.
    max_rate_Hz : float, optional
        Highest mean rate a neuron may reach on these inputs.
    importance : ndarray, shape (n_units,), optional
        How much an activation of 1 of each unit matters to the next layer: the length of its
        outgoing weights (default: 1 each).

    Raises
    ------
    CalibrationError
        The curve never fires, or cannot be matched to the rising activation within its range.
    """
    z = np.asarray(pre_activations, dtype=float)
    if z.ndim != 2 or z.size == 0:
        raise CalibrationError(
            f"pre_activations must have the shape (n_samples, n_units); got {z.shape}"
        )
    fit = _Fit(curve, decision_ms, max_rate_Hz, sigmoid if activation is None else activation.value)
    if normalisation is not None and normalisation.kind != "curve":
        return fit.scaled(z, normalisation)
    weight = np.ones(z.shape[1]) if importance is None else np.asarray(importance, dtype=float)
    matters = weight * np.std(fit.function(z), axis=0)
    enough = _HARDLY * float(np.sqrt(np.mean(matters**2)))
    widest = float(np.ptp(z, axis=0).max())
    found = [
        fit.best(column, enough / share if share > 0 else np.inf, widest)
        for column, share in zip(z.T, weight, strict=True)
    ]
    holding, gain, offset, slope, bias, noise = np.array(found).T
    return Calibration(holding, gain, offset, slope, bias, noise, decision_ms)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


class _Fit:
    """The error of a line from z to current, and how to make it small."""

    def __init__(
        self, curve: FICurve, decision_ms: float, max_rate_Hz: float | None, function: Any
    ) -> None:
        self.function = function
        self.decision_ms = decision_ms
        rate = rate_function(curve)
        # A fine table is read much faster than the cubics, and thousands of times.
        self.current = np.linspace(rate.x[0], rate.x[-1], 4001)
        self.rate = rate(self.current)
        self.window = decision_ms * 1e-3
        fano = np.interp(self.current, *fano_by_current(curve))
        self.variance = count_variance(self.rate * self.window, fano)
        self.low, self.high = float(rate.x[0]), float(rate.x[-1])
        top = float(self.rate.max())
        if top <= 0:
            raise CalibrationError(
                f"the neuron fires no spike between {self.low:g} and {self.high:g} pA; measure its "
                "f-I curve at larger currents"
            )
        if max_rate_Hz is not None:
            if max_rate_Hz <= self.rate.min():
                raise CalibrationError(
                    f"max_rate_Hz = {max_rate_Hz:g} lies below the lowest rate of the curve "
                    f"({self.rate.min():.3g} Hz)"
                )
            self.high = float(self.current[self.rate <= max_rate_Hz][-1])
        fastest = float(self.rate[self.current <= self.high].max())
        if fastest * self.window < _FEWEST:
            raise CalibrationError(
                f"a decision after {decision_ms:g} ms is too short: even at {fastest:.3g} Hz, the "
                f"highest rate it may have, a neuron fires {fastest * self.window:.2g} spikes; "
                f"give at least {1e3 * _FEWEST / fastest:.2g} ms, better ten times that"
            )

    def parts(self, holding: Any, gain: Any, z: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return offset, slope, squared bias, squared noise, and how far the range is left.

        Holding and gain may be arrays of one shape: one line each.
        """
        wanted = self.function(z)
        line = np.asarray(holding)[..., None] + np.asarray(gain)[..., None] * z
        mean = np.interp(line, self.current, self.rate)
        centred = mean - mean.mean(axis=-1, keepdims=True)
        slope = centred @ (wanted - wanted.mean()) / (np.sum(centred**2, axis=-1) + 1e-9)
        offset = wanted.mean() - slope * mean.mean(axis=-1)
        bias = np.mean((offset[..., None] + slope[..., None] * mean - wanted) ** 2, axis=-1)
        noise = self.count_variance(line) * (slope / self.window) ** 2
        # Currents outside the measured range would be guesses: leaving it costs.
        least, most = line.min(axis=-1), line.max(axis=-1)
        outside = np.maximum(np.maximum(self.low - least, most - self.high), 0.0) / gain
        return offset, slope, bias, noise, outside

    def count_variance(self, current: np.ndarray) -> np.ndarray:
        """Return the variance of the counts of a decision, averaged over the last axis."""
        return np.mean(np.interp(current, self.current, self.variance), axis=-1)

    def scaled(self, z: np.ndarray, normalisation: Normalisation) -> Calibration:
        """Return the calibration in which one activation of the layer is the highest rate.

        The line is the straightest way through the inverse of the curve: exact where the curve is
        a line from its threshold on and the activation a ReLU.
        """
        wanted = self.function(z)
        scale = normalisation.scale(wanted)
        top = float(self.rate[self.current <= self.high].max())
        inside = (wanted > 0.02 * scale) & (wanted < 0.98 * scale)
        rising = np.concatenate([[True], np.diff(self.rate) > 0]) & (self.current <= self.high)
        current = np.interp(wanted[inside] / scale * top, self.rate[rising], self.current[rising])
        if len(np.unique(z[inside])) < 2:
            raise CalibrationError(
                "too few activations lie between 2 and 98 % of the scale of the layer; bring more "
                "inputs, or normalise by 'curve'"
            )
        gain, holding = (float(x) for x in np.polyfit(z[inside], current, 1))
        slope = scale / top
        line = holding + gain * z
        mean = np.interp(line, self.current, self.rate)
        bias = np.sqrt(np.mean((slope * mean - wanted) ** 2, axis=0))
        noise = np.sqrt(self.count_variance(line.T)) * slope / self.window
        same = np.ones(z.shape[1])
        return Calibration(
            holding * same, gain * same, 0 * same, slope * same, bias, noise,
            self.decision_ms,
        )  # fmt: skip

    def error(self, holding: Any, gain: Any, z: np.ndarray) -> np.ndarray:
        """Return the error at the decision time, plus the costs of leaving the range and of rest.

        The error is told in standard deviations of the activation, the cost in spans of z: a line
        is as good for a unit whose weights are a thousand times larger.
        """
        _, _, bias, noise, outside = self.parts(holding, gain, z)
        power = float(np.var(self.function(z))) or 1.0
        # In a short time a neuron that says nothing can have the smallest error of all. It must
        # still follow its unit: what noise takes from one, the sum over many gives back.
        rest = np.maximum(bias / power - _NOT_FOLLOWED, 0.0)
        span = float(np.ptp(z)) or 1.0
        return np.sqrt((bias + noise) / power) + outside / span + _COST_OF_REST * rest

    def seen(self, z: np.ndarray) -> np.ndarray:
        """Return a hundred pre-activations that stand for those of a unit.

        The outermost are left out, unless they are the only ones at which it is active.
        """
        inner = np.quantile(z, np.linspace(0.005, 0.995, 100))
        if np.ptp(self.function(inner)) > 0:
            return inner
        return np.quantile(z, np.linspace(0.0, 1.0, 100))

    def widened(self, z: np.ndarray, enough: float, widest: float) -> np.ndarray:
        """Return pre-activations spread about their middle until the activation moves enough.

        They are spread no further than those of the unit of the layer that has the widest.
        """
        if np.std(self.function(z)) >= enough:
            return z
        middle, apart = (z[0] + z[-1]) / 2, z - (z[0] + z[-1]) / 2
        if not apart[-1] > 1e-6 * widest:
            apart = np.linspace(-0.5e-6, 0.5e-6, len(z)) * widest
        while 2 * apart[-1] < widest and np.std(self.function(middle + apart)) < enough:
            apart = 1.25 * apart
        return np.asarray(middle + apart)

    def best(
        self, z: np.ndarray, enough: float = 0.0, widest: float = 0.0
    ) -> tuple[float, float, float, float, float, float]:
        """Return holding, gain, offset, slope, bias and count noise that are best for a unit."""
        real = self.seen(z)
        z = self.widened(real, enough, widest)
        if not np.ptp(self.function(z)) > 0:
            # It says the same whatever it is given: at rest, in no need of spikes.
            slowest = self.current[self.rate <= self.rate.min()]
            resting = float(slowest[np.argmin(np.abs(slowest))])
            return resting, 0.0, float(np.mean(self.function(real))), 0.0, 0.0, 0.0
        # The error has several valleys: look over the whole range before walking down.
        span = float(z[-1] - z[0]) or 1.0
        gains = np.geomspace(_SMALLEST_GAIN, 1.0, _GAINS) * (self.high - self.low) / span
        holdings = np.linspace(self.low, self.high, _HOLDINGS)
        coarse = self.error(*np.meshgrid(holdings, gains, indexing="ij"), z)
        at = np.unravel_index(np.argmin(coarse), coarse.shape)
        start = np.array([holdings[at[0]], np.log(gains[at[1]])])
        step = np.array([holdings[1] - holdings[0], np.log(gains[1] / gains[0])])
        found = minimize(
            lambda p: float(self.error(p[0], np.exp(p[1]), z)),
            start,
            method="Nelder-Mead",
            options={
                "initial_simplex": start + np.array([[0, 0], [1, 0], [0, 1]]) * step,
                "xatol": 1e-3,
                "fatol": 1e-6,
                "maxiter": 200,
            },
        )
        holding, gain = float(found.x[0]), float(np.exp(found.x[1]))
        _, slope, _, _, _ = (float(part) for part in self.parts(holding, gain, z))
        if not (slope > 0 and np.isfinite(slope)):
            raise CalibrationError(
                "no rising part of the f-I curve matches the activation; measure it over a wider "
                "range"
            )
        # Read such that it is right on average over what the unit really does.
        wanted, line = self.function(real), holding + gain * real
        mean = np.interp(line, self.current, self.rate)
        offset = float(np.mean(wanted) - slope * np.mean(mean))
        bias = float(np.sqrt(np.mean((offset + slope * mean - wanted) ** 2)))
        noise = float(np.sqrt(self.count_variance(line))) * slope / self.window
        return holding, gain, offset, slope, bias, noise
