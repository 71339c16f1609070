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

from bridge.curve import FICurve
from bridge.errors import CalibrationError

__all__ = [
    "NORMALISATIONS",
    "Calibration",
    "Normalisation",
    "calibrate",
    "fano_factor",
    "rate_function",
]

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


def fano_factor(curve: FICurve) -> float:
    """Return variance / mean of the counts over trials, pooled over currents; 1 without trials.

    Examples
    --------
    >>> fano_factor(FICurve([0, 0, 100, 100], [0, 0, 9, 11], 1.0, trial=[0, 1, 0, 1]))
    0.2
    """
    variances, means = [], []
    for current in np.unique(curve.current_pA):
        counts = curve.count[curve.current_pA == current]
        if len(counts) > 1 and counts.mean() > 0:
            variances.append(counts.var(ddof=1))
            means.append(counts.mean())
    return float(np.sum(variances) / np.sum(means)) if means else 1.0


def calibrate(
    curve: FICurve,
    pre_activations: np.ndarray,
    *,
    activation: Any = None,
    normalisation: Normalisation | None = None,
    decision_ms: float = 50.0,
    max_rate_Hz: float | None = None,
) -> Calibration:
    """Fit, for every unit, the line from pre-activation to current on a measured f-I curve.

    Minimises the mean squared error of the decoded activation at the decision time, over the
    pre-activations that the unit really has. It has two parts: the difference between mean rate and
    sigmoid, and the noise of a count of spikes, which is smaller the more spikes there are: its
    variance is the Fano factor times the mean count, and never below the 1/6 that cutting a regular
    train at a random phase leaves. Given holding and gain, offset and slope follow by linear least
    squares. Holding and gain are searched over the whole range of the curve for all units together,
    and from there for each unit.

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
    together = fit.search(np.quantile(z.ravel(), np.linspace(0.001, 0.999, 200)))
    found = [fit.walk(_spread(column), together) for column in z.T]
    holding, gain, offset, slope, bias, noise = np.array(found).T
    return Calibration(holding, gain, offset, slope, bias, noise, decision_ms)


def _spread(z: np.ndarray) -> np.ndarray:
    return np.quantile(z, np.linspace(0.005, 0.995, 100))


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
        self.fano = fano_factor(curve)
        self.window = decision_ms * 1e-3
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

    def parts(
        self, holding: float, gain: float, z: np.ndarray
    ) -> tuple[float, float, float, float, float]:
        """Return offset, slope, squared bias, squared noise, and how far the range is left."""
        wanted = self.function(z)
        current = holding + gain * z
        mean = np.interp(current, self.current, self.rate)
        centred = mean - mean.mean()
        slope = float(centred @ (wanted - wanted.mean()) / (centred @ centred + 1e-9))
        offset = float(wanted.mean() - slope * mean.mean())
        bias = float(np.mean((offset + slope * mean - wanted) ** 2))
        noise = self.count_variance(mean) * (slope / self.window) ** 2
        # Currents outside the measured range would be guesses: leaving it costs.
        outside = max(self.low - current.min(), current.max() - self.high, 0.0) / gain
        return offset, slope, bias, noise, float(outside)

    def count_variance(self, rate: np.ndarray) -> float:
        """Return the variance of the counts of a decision, averaged over rates."""
        count = rate * self.window
        variance = np.maximum(self.fano * count, np.where(count > 1 / 6, 1 / 6, 0))
        return float(np.mean(variance))

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
        mean = np.interp(holding + gain * z, self.current, self.rate)
        bias = np.sqrt(np.mean((slope * mean - wanted) ** 2, axis=0))
        noise = [np.sqrt(self.count_variance(m)) * slope / self.window for m in mean.T]
        same = np.ones(z.shape[1])
        return Calibration(
            holding * same, gain * same, 0 * same, slope * same, bias, np.array(noise),
            self.decision_ms,
        )  # fmt: skip

    def error(self, holding: float, gain: float, z: np.ndarray) -> float:
        """Return the root mean square error at the decision time, plus the cost of leaving."""
        _, _, bias, noise, outside = self.parts(holding, gain, z)
        return float(np.sqrt(bias + noise)) + outside

    def search(self, z: np.ndarray) -> tuple[float, float]:
        """Return holding and gain that are best for all units together."""
        # The error has several valleys: look over the whole range before walking down.
        z_span = max(float(z[-1] - z[0]), 1e-9)
        gains = np.geomspace(0.02, 1.0, 24) * (self.high - self.low) / z_span
        holdings = np.linspace(self.low, self.high, 48)
        _, holding, gain = min((self.error(h, g, z), h, g) for g in gains for h in holdings)
        holding, gain, _, slope, _, _ = self.walk(z, (holding, gain))
        if slope <= 0 or not np.isfinite(slope):
            raise CalibrationError(
                "no rising part of the f-I curve matches the activation; measure it over a wider "
                "range"
            )
        return holding, gain

    def walk(
        self, z: np.ndarray, start: tuple[float, float]
    ) -> tuple[float, float, float, float, float, float]:
        """Return holding, gain, offset, slope, bias and count noise, downhill from a start."""
        found = minimize(
            lambda p: self.error(p[0], np.exp(p[1]), z),
            np.array([start[0], np.log(start[1])]),
            method="Nelder-Mead",
            options={"xatol": 1e-3, "fatol": 1e-6, "maxiter": 200},
        )
        holding, gain = float(found.x[0]), float(np.exp(found.x[1]))
        offset, slope, bias, noise, _ = self.parts(holding, gain, z)
        return holding, gain, offset, slope, float(np.sqrt(bias)), float(np.sqrt(noise))
