"""The shape of spikes and the features of steps, on traces with units."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.units import Quantity, ms, mV, second, volt

from neurosim.errors import ParameterError
from neurosim.features import spike_detection, spike_intervals, spike_shape, step
from neurosim.features.spike_shape import SpikeShape
from neurosim.quantities import check_quantity

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Spikes", "adaptation_index", "check_trace", "measure_spikes", "step_features"]


@dataclass(frozen=True, eq=False, repr=False)
class Spikes:
    """What was measured on each spike of a trace, one entry a spike; nan where it has no meaning.

    Attributes
    ----------
    shapes : tuple of SpikeShape
        The numbers, in mV and ms, named as those of recorded cells are; times count from the
        onset of the stimulus where one was given.
    time, width : Quantity
        Of the peak, on the clock of the trace; duration above the middle between threshold and
        peak.
    threshold, peak, amplitude, trough, ahp : Quantity
        Potential where dV/dt reached the criterion; highest potential; peak less threshold; lowest
        potential after the peak, before the next spike; threshold less trough.
    criterion : Quantity
        The rate of rise that stands for the threshold.
    """

    shapes: tuple[SpikeShape, ...]
    time: Quantity
    threshold: Quantity
    peak: Quantity
    amplitude: Quantity
    width: Quantity
    trough: Quantity
    ahp: Quantity
    criterion: Quantity

    def __len__(self) -> int:
        return len(self.shapes)

    def features(self) -> pd.DataFrame:
        """Return a table with one row a spike, its columns those of `SpikeShape`."""
        import pandas as pd

        names = [field.name for field in fields(SpikeShape)]
        return pd.DataFrame([asdict(one) for one in self.shapes], columns=names)

    def __repr__(self) -> str:
        if not len(self):
            return "Spikes(none)"
        first = self.shapes[0]
        return (
            f"Spikes({len(self)}; of the first: threshold {first.threshold_mV:.2f} mV, "
            f"peak {first.peak_mV:.2f} mV, width {first.width_ms:.2f} ms, "
            f"ahp {first.ahp_mV:.2f} mV)"
        )


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


def even_trace(time: Any, v: Any, name: str) -> tuple[float, float, np.ndarray]:
    """Return the first time (s), the sampling rate (Hz) and the potential (mV) of a checked trace.

    A trace sampled at uneven times is interpolated to its shortest step.
    """
    t, volts = check_trace(time, v, name)
    steps = np.diff(t)
    rate = (len(t) - 1) / (t[-1] - t[0])
    if np.ptp(steps) > 1e-3 * steps.mean():
        rate = 1 / steps.min()
        even = t[0] + np.arange(int((t[-1] - t[0]) * rate + 1e-9) + 1) / rate
        volts = np.interp(even, t, volts)
    return float(t[0]), float(rate), 1e3 * volts


def measure_spikes(
    time: Quantity,
    v: Quantity,
    *,
    criterion: Quantity = 10 * volt / second,
    detect: Quantity = -20 * mV,
    start: Quantity | None = None,
    stop: Quantity | None = None,
) -> Spikes:
    """Measure every spike of a voltage trace.

    A spike is an upward crossing of `detect`; its shape is that of
    `neurosim.features.spike_shape.spike_shapes`. In short: going back from the upstroke, the
    threshold is where dV/dt was last below `criterion`. If the stimulus alone charges the membrane
    nearly as fast, the threshold is nan, and so is what is measured from it.

    Parameters
    ----------
    time, v : Quantity, shape (n,)
        A trace; the number holds at samples of 0.1 ms or finer.
    criterion : Quantity
        Rate of rise, such as 10 mV/ms (``10*volt/second``).
    detect : Quantity
        Potential that only spikes cross.
    start, stop : Quantity, optional
        Onset and end of the stimulus: other samples are not looked at.

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
    zero, sampling, volts = even_trace(time, v, "measure_spikes")
    rate = float(check_quantity(criterion, 10 * volt / second, "measure_spikes: criterion"))
    if rate <= 0:
        raise ParameterError(f"measure_spikes: criterion must be greater than 0; got {criterion}")
    level = float(check_quantity(detect, -20 * mV, "measure_spikes: detect"))
    onset, end = 0.0, len(volts) / sampling
    if start is not None:
        onset = float(check_quantity(start, 10 * ms, "measure_spikes: start")) - zero
    if stop is not None:
        end = float(check_quantity(stop, 90 * ms, "measure_spikes: stop")) - zero
    first, last = max(0, int(np.ceil(onset * sampling - 1e-6))), round(end * sampling)
    peaks = first + spike_detection.level_crossings(volts[first:last], 1e3 * level)
    shapes = spike_shape.spike_shapes(
        volts, sampling, peaks, start_s=onset, stop_s=end, criterion_V_per_s=rate
    )
    columns = {
        name: np.array([getattr(one, f"{name}_mV") for one in shapes]) * mV
        for name in ("threshold", "peak", "amplitude", "trough", "ahp")
    }
    return Spikes(
        tuple(shapes),
        time=Quantity(zero + peaks / sampling, dim=second.dim),
        width=np.array([one.width_ms for one in shapes]) * ms,
        criterion=Quantity(rate, dim=(volt / second).dim),
        **columns,
    )


def step_features(
    time: Quantity,
    v: Quantity,
    *,
    onset: Quantity,
    duration: Quantity,
    detect: Quantity = -20 * mV,
) -> dict[str, float | bool]:
    """Return the features of a step of current, named as those of a recorded step are.

    Parameters
    ----------
    time, v : Quantity, shape (n,)
        A trace that holds the step.
    onset, duration : Quantity
        The step.
    detect : Quantity
        Potential that only spikes cross.

    Returns
    -------
    dict of str to float or bool
        See `neurosim.features.step`; `bridge.recordings` tables the same for each step.

    Examples
    --------
    >>> from neurosim import Steps, simulate
    >>> from neurosim.catalogue import textbook_neuron
    >>> from brian2 import pA
    >>> step = Steps(amplitude=100 * pA, onset=10 * ms, duration=80 * ms)
    >>> run = simulate(textbook_neuron(), 100 * ms, stimulus=step)
    >>> trace = run.trace_time, run.trace("soma")[0]
    >>> step_features(*trace, onset=10 * ms, duration=80 * ms)["rate_Hz"] > 20
    True
    """
    zero, sampling, volts = even_trace(time, v, "step_features")
    first = float(check_quantity(onset, 100 * ms, "step_features: onset")) - zero
    length = float(check_quantity(duration, 500 * ms, "step_features: duration", above=0 * ms))
    found = measure_spikes(time, v, detect=detect, start=onset, stop=onset + duration)
    return step.step_features(
        volts,
        sampling,
        first,
        first + length,
        np.array([shape.time_s for shape in found.shapes]),
        found.shapes[0] if found.shapes else None,
    )


def adaptation_index(spike_times: Quantity) -> float:
    r"""Return the mean of (I_{k+1} - I_k)/(I_{k+1} + I_k) over intervals; nan below three spikes.

    0 for regular firing, above 0 where intervals grow; see `neurosim.features.spike_intervals`.

    Examples
    --------
    >>> round(adaptation_index([0, 10, 30] * ms), 4)
    0.3333
    """
    times = check_quantity(spike_times, 1 * ms, "spike_times", many=1)
    return spike_intervals.adaptation_index(np.diff(np.asarray(times, dtype=float)))
