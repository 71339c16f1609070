"""Intrinsic properties by runs of any neuron, with extent or without."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from brian2.units import Hz, Quantity, amp, ms, mV, nA, ohm, pA, second, volt

from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.errors import EngineError, ParameterError
from neurosim.measure.passive import step_response
from neurosim.measure.spikes import adaptation_index, measure_spikes
from neurosim.quantities import check_quantity
from neurosim.run.recording import Recording
from neurosim.run.simulate import simulate
from neurosim.stimuli import Steps

__all__ = ["Intrinsic", "fi_curve", "intrinsic", "rheobase"]

# Rest before the step: neurons with extent settle before time 0 as well.
_SETTLE_MS = 500.0
_ONSET_MS = 50.0
_SPIKING = (
    "rheobase_pA",
    "threshold_mV",
    "peak_mV",
    "amplitude_mV",
    "width_ms",
    "ahp_mV",
    "adaptation",
    "refractory_ms",
)


@dataclass(frozen=True)
class Intrinsic:
    """What an electrophysiologist would write down of a cell; nan where it has no meaning.

    Attributes
    ----------
    rest_mV, input_resistance_Mohm, tau_ms, sag : float
        From a small hyperpolarising step.
    rheobase_pA : float
        Smallest long step that makes it fire, and the length of that step.
    threshold_mV : float
        Somatic potential where dV/dt of the first spike reaches `criterion_mV_per_ms`, at 1.2 times
        rheobase. Of a neuron whose spike is a reset without upstroke: the potential of the reset.
    peak_mV, amplitude_mV, width_ms, ahp_mV : float
        Of that spike.
    adaptation : float
        `adaptation_index` at twice rheobase.
    refractory_ms : float
        Shortest interval between spikes over the currents of the f-I curve.
    current_pA, rate_Hz : tuple of float
        The f-I curve: spikes over the length of the step.
    """

    rest_mV: float
    input_resistance_Mohm: float
    tau_ms: float
    sag: float
    rheobase_pA: float
    threshold_mV: float
    peak_mV: float
    amplitude_mV: float
    width_ms: float
    ahp_mV: float
    adaptation: float
    refractory_ms: float
    current_pA: tuple[float, ...] = field(repr=False)
    rate_Hz: tuple[float, ...] = field(repr=False)
    criterion_mV_per_ms: float = 10.0

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return asdict(self)


def _steps(
    neuron: Neuron | PointNeuron,
    currents: np.ndarray,
    duration: float,
    dt: Quantity | None,
    *,
    trace: bool,
    jobs: int,
) -> Recording:
    """Run steps of current (ampere); the onset is at 50 ms, or 500 ms later for a point neuron."""
    onset = _onset(neuron)
    options: dict[str, Any] = {"record": ["v"] if trace else [], "jobs": jobs, "dt": dt}
    if isinstance(neuron, Neuron):
        options["settle"] = _SETTLE_MS * ms
        if trace:
            neuron = neuron.replace(probed=())
    return simulate(
        neuron,
        (onset + duration) * second + 20 * ms,
        stimulus=Steps(amplitude=0 * pA, onset=onset * second, duration=duration * second),
        batch={"amplitude": currents * amp},
        **options,
    )


def _onset(neuron: Neuron | PointNeuron) -> float:
    pause = 0.0 if isinstance(neuron, Neuron) else _SETTLE_MS
    return (pause + _ONSET_MS) * 1e-3


def _counts(
    neuron: Neuron | PointNeuron,
    currents: np.ndarray,
    duration: float,
    dt: Quantity | None,
    jobs: int,
) -> np.ndarray:
    run = _steps(neuron, currents, duration, dt, trace=False, jobs=jobs)
    onset = _onset(neuron)
    return run.counts(onset * second, (onset + duration) * second)


def rheobase(
    neuron: Neuron | PointNeuron,
    *,
    duration: Quantity = 500 * ms,
    most: Quantity = 50 * nA,
    dt: Quantity | None = None,
    jobs: int = 1,
) -> Quantity:
    """Return the smallest current step that makes a neuron fire, to 0.5 %.

    Parameters
    ----------
    neuron : Neuron or PointNeuron
        What to measure; the current enters at the soma.
    duration : Quantity
        Length of the step: the answer depends on it.
    most : Quantity
        Largest current tried.
    dt : Quantity, optional
        Time step.
    jobs : int
        Threads or processes.

    Raises
    ------
    ParameterError
        It fires without a current, or not even at `most`.

    Examples
    --------
    >>> from neurosim import LIF
    >>> round(float(rheobase(LIF(), duration=1 * second) / pA))
    150
    """
    length = float(check_quantity(duration, 500 * ms, "rheobase: duration", above=0 * ms))
    top = float(check_quantity(most, 1 * nA, "rheobase: most", above=0 * nA))
    if _counts(neuron, np.zeros(1), length, dt, jobs)[0]:
        raise ParameterError("rheobase: the neuron fires without any current")
    grid = np.geomspace(1e-12, 1e-11, 6)
    while True:
        grid = np.minimum(grid, top)
        try:
            fired = _counts(neuron, grid, length, dt, jobs) > 0
        except EngineError:
            # Currents far beyond what the membrane can carry.
            fired = np.zeros(len(grid), dtype=bool)
            top = float(grid[-1])
        if not fired.any():
            if grid[-1] >= top:
                raise ParameterError(
                    f"rheobase: no spike up to {top * 1e9:g} nA; is the soma excitable?"
                )
            grid = grid * 10
            continue
        first = int(np.argmax(fired))
        high = float(grid[first])
        low = float(grid[first - 1]) if first else high / 10
        if high - low <= 0.005 * high:
            return Quantity(high, dim=amp.dim)
        grid = np.linspace(low, high, 13)


def fi_curve(
    neuron: Neuron | PointNeuron,
    currents: Quantity,
    *,
    duration: Quantity = 500 * ms,
    dt: Quantity | None = None,
    jobs: int = 1,
) -> Quantity:
    """Return the firing rate (spikes over the length of the step) at each current.

    Examples
    --------
    >>> from neurosim import LIF
    >>> fi_curve(LIF(), [100, 200] * pA, duration=1 * second)
    array([ 0., 33.]) * hertz
    """
    length = float(check_quantity(duration, 500 * ms, "fi_curve: duration", above=0 * ms))
    values = check_quantity(currents, 100 * pA, "fi_curve: currents", many=1)
    given = np.atleast_1d(np.asarray(values, dtype=float))
    return _counts(neuron, given, length, dt, jobs) / length * Hz


def intrinsic(
    neuron: Neuron | PointNeuron,
    *,
    duration: Quantity = 500 * ms,
    probe_current: Quantity | None = None,
    criterion: Quantity = 10 * volt / second,
    multiples: tuple[float, ...] = (1.2, 1.5, 2.0, 3.0, 4.0),
    dt: Quantity | None = None,
    jobs: int = 1,
) -> Intrinsic:
    """Measure a neuron: rest, resistance, time constant, sag, rheobase, spike shape, f-I curve.

    Parameters
    ----------
    neuron : Neuron or PointNeuron
        What to measure, at the soma (the root of its morphology).
    duration : Quantity
        Length of the steps.
    probe_current : Quantity, optional
        Of the step for resistance, time constant and sag; by default a negative one that deflects
        by about 5 mV.
    criterion : Quantity
        dV/dt that stands for the threshold.
    multiples : tuple of float
        Currents of the f-I curve over rheobase.
    dt : Quantity, optional
        Time step; default 0.01 ms for a neuron with extent, its own for a point neuron.
    jobs : int
        Threads or processes.

    Examples
    --------
    >>> from neurosim import LIF
    >>> found = intrinsic(LIF())
    >>> round(found.input_resistance_Mohm), round(found.tau_ms), round(found.rheobase_pA)
    (100, 20, 150)
    """
    if dt is None and isinstance(neuron, Neuron):
        dt = 0.01 * ms
    length = float(check_quantity(duration, 500 * ms, "intrinsic: duration", above=0 * ms))
    onset = _onset(neuron)
    passive = _passive(neuron, probe_current, length, dt, jobs)
    nothing = float("nan")
    try:
        lowest = float(rheobase(neuron, duration=duration, dt=dt, jobs=jobs))
        graded = isinstance(neuron, Neuron) and not _upstroke(
            neuron, lowest * 1.2, length, dt, jobs, criterion
        )
    except ParameterError:
        # A cell that never fires, or always.
        graded = True
    if graded:
        rates = tuple(nothing for _ in multiples)
        unmeasured = dict.fromkeys(_SPIKING, nothing)
        return Intrinsic(
            **passive,
            **unmeasured,
            current_pA=rates,
            rate_Hz=rates,
            criterion_mV_per_ms=float(criterion),
        )
    currents = np.array(sorted({1.2, 2.0, *multiples})) * lowest
    run = _steps(neuron, currents, length, dt, trace=True, jobs=jobs)
    window = (onset * second, (onset + length) * second)
    time, row = run.trace_time, int(np.argmin(abs(currents - 1.2 * lowest)))
    found = measure_spikes(time, run.trace("v")[row], criterion=criterion, start=onset * second)
    shape = dict.fromkeys(_SPIKING, nothing)
    if len(found):
        shape |= {
            "threshold_mV": float(found.threshold[0] / mV),
            "peak_mV": float(found.peak[0] / mV),
            "amplitude_mV": float(found.amplitude[0] / mV),
            "width_ms": float(found.width[0] / ms),
            "ahp_mV": float(found.ahp[0] / mV),
        }
    else:
        shape["threshold_mV"] = _before_reset(run, row, onset, float(criterion)) * 1e3
    twice = run.spike_train(int(np.argmin(abs(currents - 2 * lowest))))
    twice = twice[(twice >= window[0]) & (twice < window[1])]
    trains = [np.asarray(run.spike_train(k)) for k in range(len(currents))]
    gaps = np.concatenate([np.diff(train[train >= onset]) for train in trains])
    measured = run.counts(*window) / length
    wanted = [int(np.argmin(abs(currents - m * lowest))) for m in multiples]
    shape |= {
        "rheobase_pA": lowest * 1e12,
        "adaptation": float(adaptation_index(twice)) if len(twice) else nothing,
        "refractory_ms": float(gaps.min() * 1e3) if len(gaps) else nothing,
    }
    return Intrinsic(
        **passive,
        **shape,
        current_pA=tuple(float(currents[k] * 1e12) for k in wanted),
        rate_Hz=tuple(float(measured[k]) for k in wanted),
        criterion_mV_per_ms=float(criterion),
    )


def _upstroke(
    neuron: Neuron,
    current: float,
    length: float,
    dt: Quantity | None,
    jobs: int,
    criterion: Quantity,
) -> bool:
    """Say whether what crossed the level of detection rose as a spike does."""
    run = _steps(neuron, np.array([current]), length, dt, trace=True, jobs=jobs)
    start = _onset(neuron) * second
    found = measure_spikes(run.trace_time, run.trace("v")[0], criterion=criterion, start=start)
    return bool(np.isfinite(found.threshold).any())


def _before_reset(run: Recording, row: int, onset: float, rate: float) -> float:
    """Return the threshold of a neuron whose spike is a reset: by dV/dt, else where it is reset."""
    train = np.asarray(run.spike_train(row))
    first = float(train[train >= onset][0])
    t = run.trace_time_s
    v = run.traces_si["v"][row]
    last = int(np.flatnonzero(t <= first + run.dt_s / 2)[-1])
    # The sample at the spike may already be the reset.
    last -= int(v[last] < v[last - 1])
    begin = int(np.searchsorted(t, onset))
    slope = np.diff(v[begin : last + 1]) / np.diff(t[begin : last + 1])
    slow = np.flatnonzero(slope < rate)
    if len(slow) == 0 or slow[-1] + 1 >= len(slope):
        return float(v[last])
    j = int(slow[-1])
    # Slopes stand for the middle between two samples.
    middle = (v[begin + j : begin + j + 3][:-1] + v[begin + j : begin + j + 3][1:]) / 2
    share = (rate - slope[j]) / (slope[j + 1] - slope[j])
    return float(middle[0] + share * (middle[1] - middle[0]))


def _passive(
    neuron: Neuron | PointNeuron,
    given: Quantity | None,
    length: float,
    dt: Quantity | None,
    jobs: int,
) -> dict[str, float]:
    """Measure rest, input resistance, time constant and sag."""
    onset = _onset(neuron)

    def respond(current: float) -> Any:
        run = _steps(neuron, np.array([current]), length, dt, trace=True, jobs=jobs)
        return step_response(
            run.trace_time,
            run.trace("v")[0],
            onset=onset * second,
            duration=length * second,
            amplitude=current * amp,
        )

    if given is None:
        # From the resistance at a current too small to matter, one that deflects by 5 mV.
        first = respond(-1e-12)
        current = -5e-3 / max(abs(float(first.resistance)), 1e3)
    else:
        current = float(check_quantity(given, -10 * pA, "intrinsic: probe_current"))
    found = respond(current)
    return {
        "rest_mV": float(found.rest / mV),
        "input_resistance_Mohm": float(found.resistance / ohm) * 1e-6,
        "tau_ms": float(found.tau / ms),
        "sag": found.sag,
    }
