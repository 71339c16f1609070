"""The shape of spikes: threshold, amplitude, width, after-hyperpolarisation, adaptation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, ms, mV, second, volt

from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity

__all__ = ["Spikes", "adaptation_index", "check_trace", "measure_spikes"]


@dataclass(frozen=True, eq=False, repr=False)
class Spikes:
    """What was measured on each spike of a trace, one entry a spike; nan where it has no meaning.

    Attributes
    ----------
    time : Quantity
        Of the peak.
    threshold : Quantity
        Potential where dV/dt reached the criterion.
    peak : Quantity
        Highest potential.
    amplitude : Quantity
        Peak less threshold.
    width : Quantity
        Duration above the middle between threshold and peak.
    trough : Quantity
        Lowest potential after the peak, before the next spike's threshold.
    ahp : Quantity
        After-hyperpolarisation: threshold less trough.
    criterion : Quantity
        The rate of rise that stands for the threshold.
    """

    time: Quantity
    threshold: Quantity
    peak: Quantity
    amplitude: Quantity
    width: Quantity
    trough: Quantity
    ahp: Quantity
    criterion: Quantity

    def __len__(self) -> int:
        return int(np.size(self.time))

    def __repr__(self) -> str:
        if not len(self):
            return "Spikes(none)"
        said = ", ".join(
            f"{name} {np.round(float(getattr(self, name)[0] / unit), 2)} {unit}"
            for name, unit in (("threshold", mV), ("peak", mV), ("width", ms), ("ahp", mV))
        )
        return f"Spikes({len(self)}; of the first: {said})"


def check_trace(time: Any, v: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return time (second) and potential (volt) of one trace as arrays.

    Raises
    ------
    UnitError
        One carries no unit, or the wrong one.
    ParameterError
        They differ in length, or time does not ascend.
    """
    t = np.asarray(check_quantity(time, 1 * ms, f"{name}: time", many=1), dtype=float)
    potential = check_quantity(v, -70 * mV, f"{name}: v", many=1)
    volts = np.asarray(potential, dtype=float)
    if t.ndim != 1 or t.shape != volts.shape or len(t) < 3:
        raise ParameterError(
            f"{name}: time and v must be flat arrays of one length, at least 3; got {t.shape} and "
            f"{volts.shape} (take one row of a recording: recording.trace('v')[0])"
        )
    if np.any(np.diff(t) <= 0):
        raise ParameterError(f"{name}: time must ascend")
    return t, volts


def measure_spikes(
    time: Quantity,
    v: Quantity,
    *,
    criterion: Quantity = 10 * volt / second,
    detect: Quantity = -20 * mV,
    start: Quantity | None = None,
) -> Spikes:
    """Measure every spike of a voltage trace.

    A spike is an upward crossing of `detect`. Its threshold is where, going back from there, dV/dt
    was last below `criterion`, interpolated between samples. That reads the onset of the spike only
    if the stimulus alone charges the membrane slower: where dV/dt did not fall below 3/4 of the
    criterion between the last spike (or `start`) and the upstroke, the threshold is nan, and so is
    what hangs on it.

    Parameters
    ----------
    time, v : Quantity, shape (n,)
        A trace; samples of 0.05 ms or finer, since dV/dt is a central difference.
    criterion : Quantity
        Rate of rise, such as 10 mV/ms (``10*volt/second``).
    detect : Quantity
        Potential that only spikes cross.
    start : Quantity, optional
        Onset of the stimulus: earlier samples are not looked at.

    Examples
    --------
    >>> from neurosim import Steps, simulate
    >>> from neurosim.catalogue import textbook_neuron
    >>> from brian2 import pA
    >>> step = Steps(amplitude=100 * pA, onset=10 * ms, duration=80 * ms)
    >>> run = simulate(textbook_neuron(), 100 * ms, stimulus=step, dt=0.01 * ms)
    >>> found = measure_spikes(run.trace_time, run.trace("soma")[0], start=10 * ms)
    >>> bool(abs(found.threshold[0] + 55 * mV) < 1 * mV)
    True
    """
    t, volts = check_trace(time, v, "measure_spikes")
    rate = float(check_quantity(criterion, 10 * volt / second, "measure_spikes: criterion"))
    if rate <= 0:
        raise ParameterError(f"measure_spikes: criterion must be greater than 0; got {criterion}")
    level = float(check_quantity(detect, -20 * mV, "measure_spikes: detect"))
    if start is not None:
        kept = t >= float(check_quantity(start, 10 * ms, "measure_spikes: start"))
        t, volts = t[kept], volts[kept]
    crossings = np.flatnonzero((volts[1:] >= level) & (volts[:-1] < level)) + 1
    slope = np.gradient(volts, t) if len(t) > 1 else np.zeros(len(t))
    rows = []
    for k, up in enumerate(crossings):
        end = int(crossings[k + 1]) if k + 1 < len(crossings) else len(t)
        begin = _peak(volts, int(crossings[k - 1]), int(up), level) if k else 0
        rows.append(_one(t, volts, slope, begin, int(up), end, rate, level))
    columns = np.array(rows).reshape(-1, 7).T
    names = ("time", "threshold", "peak", "amplitude", "width", "trough", "ahp")
    values = {
        name: Quantity(column, dim=(second if name in ("time", "width") else volt).dim)
        for name, column in zip(names, columns, strict=True)
    }
    return Spikes(**values, criterion=Quantity(rate, dim=(volt / second).dim))


def _peak(v: np.ndarray, up: int, end: int, level: float) -> int:
    """Return the sample of the peak: the highest before the potential falls below `level`."""
    down = np.flatnonzero(v[up:end] < level)
    last = up + int(down[0]) if len(down) else end
    return up + int(np.argmax(v[up:last]))


def _one(
    t: np.ndarray,
    v: np.ndarray,
    slope: np.ndarray,
    begin: int,
    up: int,
    end: int,
    rate: float,
    level: float,
) -> list[float]:
    """Return time, threshold, peak, amplitude, width, trough and AHP of one spike."""
    peak = _peak(v, up, end, level)
    threshold, where = np.nan, np.nan
    slow = np.flatnonzero(slope[begin : up + 1] < rate)
    if len(slow) and begin + slow[-1] < up:
        j = begin + int(slow[-1])
        # The slope dips between the jump at a stimulus's onset and the upstroke.
        dip = slope[begin : j + 1].min()
        if begin > 0 or dip < 0.75 * rate:
            share = (rate - slope[j]) / (slope[j + 1] - slope[j])
            threshold = v[j] + share * (v[j + 1] - v[j])
            where = t[j] + share * (t[j + 1] - t[j])
    after = v[peak:end]
    # The next spike's upstroke is no trough; the lowest sample comes before it anyway.
    trough = float(after.min()) if len(after) > 1 else np.nan
    width = np.nan
    if np.isfinite(where):
        half = (threshold + v[peak]) / 2
        rise = _crossing(t, v, half, up, peak, step=-1)
        fall = _crossing(t, v, half, peak, end - 1, step=1)
        width = fall - rise
    return [t[peak], threshold, v[peak], v[peak] - threshold, width, trough, threshold - trough]


def _crossing(
    t: np.ndarray, v: np.ndarray, level: float, first: int, last: int, *, step: int
) -> float:
    """Return when a level is crossed, before the peak (step -1, from it down) or after it (1)."""
    j = last if step < 0 else first
    while 0 < j < len(v) - 1 and v[j + step] > level:
        j += step
    other = j + step
    if not 0 <= other < len(v) or v[other] > level:
        return np.nan
    share = (level - v[j]) / (v[other] - v[j])
    return float(t[j] + share * (t[other] - t[j]))


def adaptation_index(spike_times: Quantity) -> float:
    r"""Return the mean of (I_{k+1} - I_k)/(I_{k+1} + I_k) over intervals; nan below three spikes.

    0 for regular firing, above 0 where intervals grow; eFEL calls it ``adaptation_index2`` (which
    leaves out the first spike's intervals), the Allen Institute ``adapt``.

    Examples
    --------
    >>> adaptation_index([0, 10, 30] * ms).round(4)
    np.float64(0.3333)
    """
    times = np.asarray(check_quantity(spike_times, 1 * ms, "spike_times", many=1), dtype=float)
    intervals = np.diff(times)
    if len(intervals) < 2:
        return float("nan")
    return np.mean(np.diff(intervals) / (intervals[1:] + intervals[:-1]))
