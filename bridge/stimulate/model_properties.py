"""Intrinsic properties of a model neuron from the steps that its f-I curve is made of.

No run of its own: two rows of the batch, one without current and one hyperpolarised, tell of the
passive membrane, and the first traced row that fires tells of the spike. What each number is stands
in `neurosim.measure`, which measures a neuron alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from brian2.units import pA, second, volt
from numpy.typing import NDArray

from neurosim import Recording
from neurosim.errors import ParameterError
from neurosim.features.membrane import is_blocked, steady
from neurosim.features.properties import CellProperties
from neurosim.features.spike_intervals import adaptation_index
from neurosim.measure.intrinsic import first_spike
from neurosim.measure.passive import step_response

__all__ = ["PASSIVE", "passive_of_run", "probe_current_pA", "properties_of_run", "rest_error_mV"]

Array = NDArray[np.float64]

_PROBE_SHARE = 0.05
"""Hyperpolarising current over the largest current of the curve: a few millivolt below rest."""
PASSIVE = (
    "rest_mV", "input_resistance_Mohm", "time_constant_ms", "capacitance_pF", "sag_ratio",
)  # fmt: skip
"""What `passive_of_run` tells."""
_STILL_V = 2e-5
"""Standard deviation of a potential that is still: what is left of a slow approach to rest."""
_REST_S = 0.05
"""Rest that is set before a trace which begins with its step."""


def probe_current_pA(currents_pA: Array) -> float:
    """Return a hyperpolarising current (pA) that deflects the membrane by some millivolt.

    Examples
    --------
    >>> probe_current_pA(np.array([0.0, 400.0]))
    -20.0
    """
    return -_PROBE_SHARE * float(np.abs(currents_pA).max())


def properties_of_run(
    recording: Recording, current_pA: Array, trains: Sequence[Array], start_s: float
) -> CellProperties:
    """Return the properties that a run of `measure` with ``traced=[0, probe]`` tells.

    Parameters
    ----------
    recording : Recording
        Its last two rows are without current and with that of `probe_current_pA`.
    current_pA : ndarray, shape (n,)
        Current of each row before them (pA).
    trains : sequence of ndarray, length n
        Their spike times since the onset (s).
    start_s : float
        From when on the rate is counted (s).

    Returns
    -------
    CellProperties
        nan where nothing tells a number. The rheobase is the weakest current of the curve at which
        the neuron goes on firing.
    """
    told = dict.fromkeys((one.name for one in fields(CellProperties)), float("nan"))
    told |= passive_of_run(recording, probe_current_pA(current_pA))
    late = np.array([np.sum(train >= start_s) for train in trains])
    window = recording.duration_s - start_s
    told["largest_rate_Hz"] = float(late.max() / window)
    firing = np.flatnonzero(late > 0)
    if not len(firing):
        return CellProperties(**told)
    rheobase = float(current_pA[firing[0]])
    told["rheobase_pA"] = rheobase
    row = int(np.flatnonzero(current_pA == rheobase)[0])
    if len(trains[row]):
        told |= first_spike(recording, row, onset_s=0.0) or {}
    twice = int(np.argmin(np.abs(current_pA - 2 * rheobase)))
    told["adaptation_index"] = adaptation_index(np.diff(trains[twice]))
    told["blocked_from_pA"] = _blocked_from(recording, current_pA, trains, rheobase)
    return CellProperties(**told)


def passive_of_run(recording: Recording, probe_pA: float) -> dict[str, float]:
    """Return rest, input resistance, time constant and sag from the last two rows.

    Parameters
    ----------
    recording : Recording
        Its last two rows are without current and with that of the probe.
    probe_pA : float
    """
    rested, probed = np.asarray(recording.trace("v") / volt)[-2:]
    rows = (recording.rows - 2, recording.rows - 1)
    time = recording.trace_time_s
    half = len(time) // 2
    spikes = [recording.spike_train(row) for row in rows]
    # A neuron that fires without current has no rest, and nothing passive to measure.
    if probe_pA == 0 or len(spikes[0]) or len(spikes[1]):
        return {}
    rest = float(np.mean(rested[half:]) if _fluctuates(rested[half:]) else np.median(rested[half:]))
    # Both rows share their start and their noise, which goes out in the difference.
    step = time[1] - time[0]
    pause = round(_REST_S / step)
    volts = np.concatenate([np.full(pause, rest), rest + probed - rested])
    clock = np.arange(len(volts)) * step
    try:
        found = step_response(
            clock * second,
            volts * volt,
            onset=pause * step * second,
            duration=(len(time) - 1) * step * second,
            amplitude=probe_pA * pA,
        )
    except ParameterError:
        return {"rest_mV": 1e3 * rest}
    tau, resistance = 1e3 * float(found.tau), 1e-6 * float(found.resistance)
    return {
        "rest_mV": 1e3 * rest,
        "input_resistance_Mohm": resistance,
        "time_constant_ms": tau,
        "capacitance_pF": 1e3 * tau / resistance if resistance > 0 else float("nan"),
        "sag_ratio": found.sag,
    }


def _fluctuates(volts: Array) -> bool:
    """Whether the potential of a neuron that was left alone goes up and down by noise."""
    along = np.linspace(-1.0, 1.0, len(volts))
    drift = along * float(along @ volts) / float(along @ along)
    return bool(np.std(volts - drift) > _STILL_V)


def rest_error_mV(recording: Recording, time_constant_ms: float) -> float:
    """Half a 95 % interval of the resting potential of a neuron in noise (mV); 0 without noise.

    It is that of the mean of a process that forgets within a time (Priestley 1981, section 5.3.2):
    the integral of its autocorrelation up to where that is 0, and no less than a time constant.

    Parameters
    ----------
    recording : Recording
        As `properties_of_run` takes it.
    time_constant_ms : float

    Returns
    -------
    float
        nan where the potential fluctuates and no time constant is known.
    """
    rested = np.asarray(recording.trace("v") / volt)[-2]
    late = rested[len(rested) // 2 :]
    if not _fluctuates(late):
        return 0.0
    away = late - late.mean()
    size = 2 * len(away)
    alike = np.fft.irfft(np.abs(np.fft.rfft(away, size)) ** 2)[: len(away)]
    zero = int(np.argmax(alike <= 0)) or len(alike)
    step = recording.trace_time_s[1] - recording.trace_time_s[0]
    forgets = max(1e-3 * time_constant_ms, float(alike[:zero].sum() / alike[0] * step))
    lasted = 0.5 * recording.duration_s
    return float(1e3 * 1.96 * np.std(late) * np.sqrt(2 * forgets / lasted))


def _blocked_from(
    recording: Recording, current_pA: Array, trains: Sequence[Array], rheobase_pA: float
) -> float:
    """Smallest current from the rheobase on that ends in depolarisation block (pA), or nan."""
    volts = 1e3 * recording.traces_si["v"]
    sampling = 1 / (recording.trace_time_s[1] - recording.trace_time_s[0])
    stop = recording.duration_s
    for trace, row in zip(volts, recording.trace_rows, strict=True):
        if row >= len(current_pA) or current_pA[row] < rheobase_pA:
            continue
        if is_blocked(trains[row], stop, steady(trace, sampling, 0.0, stop)):
            return float(current_pA[row])
    return float("nan")
