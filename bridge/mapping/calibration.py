"""Which current makes a neuron fire as a unit of the network would be active.

A unit has the activation a = g(z), such as 1/(1 + exp(-z)). A neuron that receives the current
``holding + gain * z`` fires at the rate f(holding + gain * z), read off its measured f-I curve, and
speaks for the activation ``offset + slope * rate``. Calibrating means choosing these four numbers
for every unit. The map from z to current stays a straight line: synapses and a holding current can
make no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bridge.counts.curve import FICurve
from bridge.errors import CalibrationError
from bridge.mapping.line_search import Line, LineSearch
from bridge.mapping.normalisation import Normalisation
from bridge.mapping.rate_table import RateTable

__all__ = ["PER_UNIT", "Calibration", "calibrate"]

PER_UNIT = Line._fields

# A unit whose effect on the next layer is below this part of the mean of its layer is calibrated as
# if its activation moved more.
_LEAST_EFFECT = 0.1


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
        return np.asarray(self.holding_pA + self.gain_pA * np.asarray(z))

    def activation(self, rate_Hz: np.ndarray) -> np.ndarray:
        """Return the activations that rates stand for, shape (..., n_units)."""
        return np.asarray(self.offset + self.slope_s * np.asarray(rate_Hz))

    @classmethod
    def join(cls, parts: Sequence[Calibration]) -> Calibration:
        """Return the calibration of several groups of units, one after the other."""
        arrays = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in PER_UNIT
        }
        return cls(**arrays, decision_ms=parts[0].decision_ms)


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
    table = RateTable(curve, decision_ms, max_rate_Hz)
    function = _sigmoid if activation is None else activation.value
    if normalisation is not None and normalisation.kind != "curve":
        return _scaled(table, function, z, normalisation, decision_ms)
    weight = np.ones(z.shape[1]) if importance is None else np.asarray(importance, dtype=float)
    effect = weight * np.std(function(z), axis=0)
    enough = _LEAST_EFFECT * float(np.sqrt(np.mean(effect**2)))
    widest = float(np.ptp(z, axis=0).max())
    spread = [enough / share if share > 0 else np.inf for share in weight]
    lines = LineSearch(table, function).lines(z, spread, widest)
    return Calibration(
        **dict(zip(PER_UNIT, np.array(lines).T, strict=True)), decision_ms=decision_ms
    )


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-z)))


def _scaled(
    table: RateTable,
    function: Callable[[np.ndarray], np.ndarray],
    z: np.ndarray,
    normalisation: Normalisation,
    decision_ms: float,
) -> Calibration:
    """Return the calibration in which one activation of the layer is the highest rate.

    The line is the straightest way through the inverse of the curve: exact where the curve is a
    line from its threshold on and the activation a ReLU.
    """
    wanted = function(z)
    scale = normalisation.scale(wanted)
    top = table.fastest_Hz
    inside = (wanted > 0.02 * scale) & (wanted < 0.98 * scale)
    rising = np.concatenate([[True], np.diff(table.rate) > 0]) & (table.current <= table.high)
    current = np.interp(wanted[inside] / scale * top, table.rate[rising], table.current[rising])
    if len(np.unique(z[inside])) < 2:
        raise CalibrationError(
            "too few activations lie between 2 and 98 % of the scale of the layer; bring more "
            "inputs, or normalise by 'curve'"
        )
    gain, holding = (float(x) for x in np.polyfit(z[inside], current, 1))
    slope = scale / top
    line = holding + gain * z
    bias = np.sqrt(np.mean((slope * table.mean_Hz(line) - wanted) ** 2, axis=0))
    noise = np.sqrt(table.count_variance(line.T)) * slope / table.window
    same = np.ones(z.shape[1])
    return Calibration(
        holding * same, gain * same, 0 * same, slope * same, bias, noise, decision_ms
    )
