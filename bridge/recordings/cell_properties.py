"""What a step tells besides its count: timing, the shape of spikes, the passive membrane.

Definitions are the usual ones, so that numbers can be laid beside those of eFEL and ipfx; where
they differ from each other the docstring says which is meant.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from bridge.recordings.protocol import Step
from bridge.recordings.spike_detection import smoothed

if TYPE_CHECKING:
    from bridge.recordings.cell import CellRecording

__all__ = [
    "CellProperties",
    "SpikeShape",
    "adaptation_index",
    "input_resistance",
    "is_blocked",
    "membrane_time_constant",
    "properties",
    "sag_ratio",
    "spike_shapes",
    "step_features",
]

Array = NDArray[np.float64]

# Baseline and steady state are medians over this long before a step and at its end.
_REST_S = 0.05
_STEADY_SHARE = 0.2
# Threshold: where the upstroke reaches this share of its fastest (as in ipfx).
_ONSET_SHARE = 0.05
# Shapes are seen through a filter of some 5 kHz, which leaves narrow spikes as they are.
_SHAPE_SMOOTHING_S = 0.00003
# Sodium channels stay inactivated above about here: a cell that rests there cannot fire.
_BLOCK_MV = -40.0


@dataclass(frozen=True)
class SpikeShape:
    """One action potential.

    Parameters
    ----------
    time_s : float
        Of the peak, from the start of the step (s).
    threshold_mV : float
        Voltage at which the upstroke reaches 5 % of its fastest (mV).
    peak_mV : float
        Highest voltage (mV).
    width_ms : float
        Time above half way between threshold and peak (ms); nan where the spike does not fall so
        far before the next.
    upstroke_V_per_s, downstroke_V_per_s : float
        Fastest rise and fall (V/s).
    trough_mV : float
        Lowest voltage until the next spike or the end of the step (mV).
    """

    time_s: float
    threshold_mV: float
    peak_mV: float
    width_ms: float
    upstroke_V_per_s: float
    downstroke_V_per_s: float
    trough_mV: float


@dataclass(frozen=True)
class CellProperties:
    """What a recording tells of the cell as a whole; nan where it does not tell.

    Parameters
    ----------
    rest_mV : float
        Median voltage at the holding current (mV).
    input_resistance_Mohm, time_constant_ms, capacitance_pF : float
        Of the passive membrane; capacitance is their quotient.
    sag_ratio : float
        Share of the largest hyperpolarisation that relaxes within the step.
    rheobase_pA : float
        Smallest step that made the cell fire (pA, above holding).
    threshold_mV, width_ms, upstroke_V_per_s, peak_mV : float
        Medians over the first spike of each step that fires.
    largest_rate_Hz : float
        Most spikes of any step over its length (Hz).
    blocked_from_pA : float
        Smallest step that ends in depolarisation block (pA, above holding).
    """

    rest_mV: float
    input_resistance_Mohm: float
    time_constant_ms: float
    capacitance_pF: float
    sag_ratio: float
    rheobase_pA: float
    threshold_mV: float
    width_ms: float
    upstroke_V_per_s: float
    peak_mV: float
    largest_rate_Hz: float
    blocked_from_pA: float

    def to_dict(self) -> dict[str, float]:
        """Plain numbers by name."""
        return asdict(self)


def adaptation_index(isis_s: Array) -> float:
    """Mean relative growth from one interval to the next.

    Parameters
    ----------
    isis_s : ndarray, shape (n,)
        Intervals between spikes (s).

    Returns
    -------
    float
        Mean of (next - this) / (next + this), as ipfx defines it: 0 for regular firing, positive
        where firing slows down; nan with fewer than two intervals.

    Examples
    --------
    >>> round(adaptation_index(np.array([0.01, 0.02, 0.02])), 4)
    0.1667
    """
    if len(isis_s) < 2:
        return float("nan")
    return float(np.mean(np.diff(isis_s) / (isis_s[1:] + isis_s[:-1])))


def step_features(cell: CellRecording) -> pd.DataFrame:
    """Features of every step.

    Parameters
    ----------
    cell : CellRecording
        The recording.

    Returns
    -------
    pandas.DataFrame
        One row a step: sweep, step, current_pA (above holding), holding_pA, count, rate_Hz,
        latency_ms (to the first peak), first_rate_Hz (of the first interval), steady_rate_Hz
        (spikes in the second half of the step), last_rate_Hz (of the last interval), adaptation,
        cv_isi, baseline_mV, steady_mV, threshold_mV, width_ms (of the first spike), blocked.
    """
    rows = []
    for step in cell.steps:
        times = cell.spikes_in(step)
        isis = np.diff(times)
        half = step.duration_s / 2
        shape = spike_shapes(cell, step, first_only=True)
        rows.append(
            {
                "sweep": cell.sweeps[step.sweep].number,
                "step": step.number,
                "current_pA": step.amplitude_pA,
                "holding_pA": step.holding_pA,
                "count": len(times),
                "rate_Hz": len(times) / step.duration_s,
                "latency_ms": 1e3 * times[0] if len(times) else np.nan,
                "first_rate_Hz": 1 / isis[0] if len(isis) else np.nan,
                "steady_rate_Hz": float(np.sum(times >= half)) / half,
                "last_rate_Hz": 1 / isis[-1] if len(isis) else np.nan,
                "adaptation": adaptation_index(isis),
                "cv_isi": float(np.std(isis) / np.mean(isis)) if len(isis) > 1 else np.nan,
                "baseline_mV": baseline(cell, step),
                "steady_mV": steady(cell, step),
                "threshold_mV": shape[0].threshold_mV if shape else np.nan,
                "width_ms": shape[0].width_ms if shape else np.nan,
                "blocked": is_blocked(cell, step),
            }
        )
    return pd.DataFrame(rows)


def spike_shapes(cell: CellRecording, step: Step, *, first_only: bool = False) -> list[SpikeShape]:
    """Shape of each action potential within a step.

    Parameters
    ----------
    cell : CellRecording
        The recording.
    step : Step
        One of its steps.
    first_only : bool
        Whether the first spike is enough.

    Returns
    -------
    list of SpikeShape
    """
    sweep = cell.sweeps[step.sweep]
    times = cell.spikes_in(step)
    if not len(times):
        return []
    edges = (step.start_s, step.stop_s)
    rule = replace(cell.rule, smoothing_s=_SHAPE_SMOOTHING_S)
    volts = smoothed(sweep.voltage_mV, sweep.rate_Hz, edges, rule)
    slope = np.gradient(volts) * sweep.rate_Hz * 1e-3
    peaks = [sweep.index(step.start_s + t) for t in times]
    ends = [*peaks[1:], sweep.index(step.stop_s)]
    # While the transient at the edge is bridged the slope says nothing of the membrane.
    earliest = sweep.index(step.start_s + cell.rule.artefact_s + 3 * cell.rule.smoothing_s)
    shapes = []
    for time, peak, end in zip(times, peaks, ends, strict=True):
        begin = min(max(earliest, peak - round(0.005 * sweep.rate_Hz)), peak - 1)
        fastest = begin + int(np.argmax(slope[begin : peak + 1]))
        slow = np.flatnonzero(slope[begin:fastest] < _ONSET_SHARE * slope[fastest])
        if len(slow):
            onset = begin + int(slow[-1]) + 1
        else:
            # A strong step charges the membrane faster than that; its slope falls until the
            # sodium current takes over.
            onset = begin + int(np.argmin(slope[begin : fastest + 1]))
        stop = max(end, peak + 2)
        shapes.append(
            SpikeShape(
                float(time),
                float(volts[onset]),
                float(sweep.voltage_mV[peak]),
                1e3 * _width(volts, onset, peak, stop) / sweep.rate_Hz,
                float(slope[fastest]),
                float(slope[peak:stop].min()),
                float(volts[peak:stop].min()),
            )
        )
        if first_only:
            break
        earliest = peak
    return shapes


def _width(volts: Array, onset: int, peak: int, stop: int) -> float:
    """Samples above half height, crossings interpolated."""
    half = (volts[onset] + volts[peak]) / 2
    rise = volts[onset : peak + 1]
    fall = volts[peak:stop]
    below = np.flatnonzero(fall < half)
    under = np.flatnonzero(rise < half)
    if not len(below) or not len(under):
        return float("nan")
    up, down = int(under[-1]), int(below[0])
    start = onset + up + (half - rise[up]) / (rise[up + 1] - rise[up])
    end = peak + down - (half - fall[down]) / (fall[down - 1] - fall[down])
    return float(end - start)


def baseline(cell: CellRecording, step: Step) -> float:
    """Median voltage just before a step (mV); nan where the step opens the sweep."""
    sweep = cell.sweeps[step.sweep]
    stop = sweep.index(step.start_s)
    part = sweep.voltage_mV[max(0, stop - round(_REST_S * sweep.rate_Hz)) : stop]
    return float(np.median(part)) if len(part) else float("nan")


def steady(cell: CellRecording, step: Step) -> float:
    """Median voltage over the last fifth of a step (mV)."""
    sweep = cell.sweeps[step.sweep]
    start = sweep.index(step.stop_s - _STEADY_SHARE * step.duration_s)
    # The last millisecond is left out: edges of two channels need not coincide.
    stop = max(start + 1, sweep.index(step.stop_s - 0.001))
    return float(np.median(sweep.voltage_mV[start:stop]))


def is_blocked(cell: CellRecording, step: Step) -> bool:
    """Whether a step ends in depolarisation block.

    The second half is without spikes although the membrane lies above -40 mV, where sodium
    channels stay inactivated: a silent but hyperpolarised cell is not blocked.

    Parameters
    ----------
    cell : CellRecording
        The recording.
    step : Step
        One of its steps.

    Returns
    -------
    bool
    """
    if step.amplitude_pA <= 0:
        return False
    late = cell.spikes_in(step) >= step.duration_s / 2
    return not late.any() and steady(cell, step) > _BLOCK_MV


def input_resistance(cell: CellRecording, *, while_firing: bool = False) -> float | None:
    """Input resistance from the steady answer to steps (Mohm).

    Least squares through the origin over hyperpolarising steps and pulses from the holding
    current; where there are none, over steps without a spike.

    Parameters
    ----------
    cell : CellRecording
        The recording.
    while_firing : bool
        Whether steps with spikes may serve where there are no others: a slope of the firing cell,
        good for an order of magnitude only.

    Returns
    -------
    float or None
        None where no step serves.
    """
    steps = _passive(cell)
    chosen = _hyperpolarising(cell) or [s for s in steps if not len(cell.spikes_in(s))]
    if not chosen and while_firing:
        chosen = steps
    if not chosen:
        return None
    amps = np.array([s.amplitude_pA for s in chosen])
    volts = np.array([steady(cell, s) - baseline(cell, s) for s in chosen])
    return float(1e3 * np.sum(volts * amps) / np.sum(amps**2))


def membrane_time_constant(cell: CellRecording) -> float:
    """Time constant of the charging membrane (ms).

    One exponential through the onset of hyperpolarising steps, up to their lowest point (before
    any sag); the median over the steps. Nan where there is none.
    """
    found = []
    for step in _hyperpolarising(cell):
        sweep = cell.sweeps[step.sweep]
        start, stop = sweep.index(step.start_s + 0.0005), sweep.index(step.stop_s)
        volts = smoothed(sweep.voltage_mV, sweep.rate_Hz, (), cell.rule)[start:stop]
        depth = baseline(cell, step) - volts.min()
        noise = float(np.std(np.diff(sweep.voltage_mV[start:stop]))) / np.sqrt(2)
        if not depth > max(1.0, 5 * noise):
            continue
        # To where 95 % of the way is done: what follows is sag and drift.
        reach = int(np.argmax(volts <= volts.min() + 0.05 * depth)) + 1
        seconds = np.arange(reach) / sweep.rate_Hz
        if reach < 10:
            continue
        try:
            (_, _, tau), _ = curve_fit(
                lambda t, end, size, tau: end + size * np.exp(-t / tau),
                seconds,
                volts[:reach],
                p0=(volts.min(), depth, seconds[-1] / 3),
                maxfev=2000,
            )
        except RuntimeError:
            continue
        if 0 < tau < step.duration_s:
            found.append(1e3 * float(tau))
    return float(np.median(found)) if found else float("nan")


def sag_ratio(cell: CellRecording) -> float:
    """Share of the largest hyperpolarisation that relaxes by the end of the step; nan without.

    (lowest - steady) / (lowest - baseline), 0 for a cell without sag.
    """
    steps = _hyperpolarising(cell)
    if not steps:
        return float("nan")
    step = min(steps, key=lambda s: s.amplitude_pA)
    sweep = cell.sweeps[step.sweep]
    part = sweep.voltage_mV[sweep.index(step.start_s + 0.002) : sweep.index(step.stop_s)]
    width = max(1, round(0.005 * sweep.rate_Hz))
    # The lowest 5 ms mean: a single low sample is noise.
    lowest = float(np.convolve(part, np.full(width, 1 / width), "valid").min())
    depth = lowest - baseline(cell, step)
    return float((lowest - steady(cell, step)) / depth) if depth < -1 else float("nan")


def properties(cell: CellRecording) -> CellProperties:
    """Everything `CellProperties` lists.

    Parameters
    ----------
    cell : CellRecording
        The recording.

    Returns
    -------
    CellProperties
    """
    steps = cell.steps
    counts = np.array([len(cell.spikes_in(step)) for step in steps])
    firing = [s for s, n in zip(steps, counts, strict=True) if n]
    firsts = [spike_shapes(cell, s, first_only=True)[0] for s in firing]
    blocked = [s.amplitude_pA for s in steps if is_blocked(cell, s)]
    resistance = input_resistance(cell)
    megohm = float("nan") if resistance is None else resistance
    tau = membrane_time_constant(cell)

    def middle(name: str) -> float:
        values = [getattr(shape, name) for shape in firsts]
        return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")

    first = [s for s in steps if cell.is_from_holding(s)]
    rests = [value for value in (baseline(cell, s) for s in first) if np.isfinite(value)]
    return CellProperties(
        rest_mV=float(np.median(rests)) if rests else float("nan"),
        input_resistance_Mohm=megohm,
        time_constant_ms=tau,
        capacitance_pF=1e3 * tau / megohm if megohm > 0 else float("nan"),
        sag_ratio=sag_ratio(cell),
        rheobase_pA=min((s.amplitude_pA for s in firing), default=float("nan")),
        threshold_mV=middle("threshold_mV"),
        width_ms=middle("width_ms"),
        upstroke_V_per_s=middle("upstroke_V_per_s"),
        peak_mV=middle("peak_mV"),
        largest_rate_Hz=max(float(n / s.duration_s) for s, n in zip(steps, counts, strict=True)),
        blocked_from_pA=min(blocked, default=float("nan")),
    )


def _passive(cell: CellRecording) -> list[Step]:
    """Steps and pulses that start from the holding current and last long enough to settle."""
    return [
        s
        for s in (*cell.steps, *cell.protocol.pulses)
        if s.amplitude_pA != 0
        and cell.is_from_holding(s)
        and s.duration_s >= 0.05
        and s.start_s > 0
    ]


def _hyperpolarising(cell: CellRecording) -> list[Step]:
    """Passive steps below the holding current; those before any firing where there are some.

    The currents that follow firing shunt the membrane for a second and more.
    """
    down = [s for s in _passive(cell) if s.amplitude_pA < 0 and not len(cell.spikes_in(s))]
    pushed = [(s.sweep, s.start_s) for s in cell.steps if s.amplitude_pA > 0]
    rested = [s for s in down if not any(k == s.sweep and start < s.start_s for k, start in pushed)]
    return rested or down
