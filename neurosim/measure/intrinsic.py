"""Intrinsic properties by runs of any neuron, with extent or without."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from brian2.units import Hz, Quantity, amp, ms, mV, ohm, pA, second, volt

from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.errors import ParameterError
from neurosim.features.membrane import is_blocked, steady
from neurosim.features.properties import CellProperties
from neurosim.features.spike_intervals import adaptation_index
from neurosim.features.spike_shape import spike_shapes
from neurosim.measure.current_steps import CurrentSteps
from neurosim.measure.excitability import rheobase
from neurosim.measure.passive import StepResponse, step_response
from neurosim.measure.spikes import measure_spikes
from neurosim.quantities import check_quantity
from neurosim.run.recording import Recording

__all__ = ["Intrinsic", "fi_curve", "first_spike", "intrinsic"]


@dataclass(frozen=True, repr=False)
class Intrinsic(CellProperties):
    """What an electrophysiologist would write down of a modelled cell, as of a recorded one.

    Attributes
    ----------
    rest_mV, input_resistance_Mohm, time_constant_ms, capacitance_pF, sag_ratio : float
        From a small hyperpolarising step; nan where something has no meaning, here and below.
    rheobase_pA : float
        Smallest long step that makes it fire, and the length of that step.
    threshold_mV : float
        Somatic potential where dV/dt of the first spike reaches `criterion_mV_per_ms`, at 1.2 times
        rheobase. Of a neuron whose spike is a reset without upstroke: the potential of the reset.
    peak_mV, amplitude_mV, width_ms, ahp_mV, upstroke_V_per_s : float
        Of that spike.
    adaptation_index : float
        At twice rheobase.
    largest_rate_Hz, blocked_from_pA : float
        Over the currents of the f-I curve: highest rate, and the smallest current that ends in
        depolarisation block.
    refractory_ms : float
        Shortest interval between spikes over the currents of the f-I curve.
    current_pA, rate_Hz : tuple of float
        The f-I curve: spikes over the length of the step.
    criterion_mV_per_ms : float
        dV/dt that stands for the threshold.
    """

    refractory_ms: float
    current_pA: tuple[float, ...]
    rate_Hz: tuple[float, ...]
    criterion_mV_per_ms: float = 10.0


_NAMES = [one.name for one in fields(Intrinsic)]


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
    return CurrentSteps(neuron, length, dt, jobs).rates_at(given) * Hz


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
    >>> round(found.input_resistance_Mohm), round(found.time_constant_ms), round(found.rheobase_pA)
    (100, 20, 150)
    """
    if dt is None and isinstance(neuron, Neuron):
        dt = 0.01 * ms
    length = float(check_quantity(duration, 500 * ms, "intrinsic: duration", above=0 * ms))
    told: dict[str, Any] = dict.fromkeys(_NAMES, float("nan"))
    told["current_pA"] = told["rate_Hz"] = (float("nan"),) * len(multiples)
    told["criterion_mV_per_ms"] = float(criterion)
    bench = CurrentSteps(neuron, length, dt, jobs)
    told |= _passive(bench, probe_current)
    try:
        lowest = float(rheobase(neuron, duration=duration, dt=dt, jobs=jobs))
    except ParameterError:
        return Intrinsic(**told)  # A cell that never fires, or always.
    currents = np.array(sorted({1.2, 2.0, *multiples})) * lowest
    run = bench.run(currents)
    found = _spiking(bench, run, lowest, currents, criterion)
    if found:
        wanted = [int(np.argmin(abs(currents - m * lowest))) for m in multiples]
        told |= found
        told["current_pA"] = tuple((currents[wanted] * 1e12).tolist())
        told["rate_Hz"] = tuple(bench.rates(run)[wanted].tolist())
    return Intrinsic(**told)


def _spiking(
    bench: CurrentSteps, run: Recording, lowest: float, currents: np.ndarray, criterion: Quantity
) -> dict[str, float]:
    """Measure the first spike at 1.2 times rheobase, and the firing at every current (ampere).

    Nothing is returned of a neuron that answers without spikes.
    """
    onset, length = bench.onset, bench.length
    row = int(np.argmin(abs(currents - 1.2 * lowest)))
    shape = first_spike(run, row, onset_s=onset, criterion=criterion)
    if shape is None:
        return {}
    trains = [np.asarray(run.spike_train(k)) - onset for k in range(len(currents))]
    gaps = np.concatenate([np.diff(train[train >= 0]) for train in trains])
    twice = trains[int(np.argmin(abs(currents - 2 * lowest)))]
    sampling = 1 / (run.trace_time_s[1] - run.trace_time_s[0])
    blocked = [
        current
        for current, train, volts in zip(currents, trains, run.traces_si["v"], strict=True)
        if is_blocked(train, length, steady(1e3 * volts, sampling, onset, onset + length))
    ]
    return shape | {
        "rheobase_pA": lowest * 1e12,
        "adaptation_index": adaptation_index(np.diff(twice[(twice >= 0) & (twice < length)])),
        "largest_rate_Hz": float(bench.rates(run).max()),
        "blocked_from_pA": min(blocked, default=float("nan")) * 1e12,
        "refractory_ms": float(gaps.min() * 1e3) if len(gaps) else float("nan"),
    }


def first_spike(
    run: Recording, row: int, *, onset_s: float, criterion: Quantity = 10 * volt / second
) -> dict[str, float] | None:
    """Measure the first spike of a traced row.

    Parameters
    ----------
    run : Recording
        With the membrane potential of that row traced.
    row : int
        Row of the batch; it fires after the onset.
    onset_s : float
        Start of the stimulus (s).
    criterion : Quantity
        dV/dt that stands for the threshold.

    Returns
    -------
    dict of str to float, or None
        The properties of `CellProperties` that one spike has; only the threshold of a neuron whose
        spike is a reset. None if what crosses the level of detection is a graded answer.
    """
    volts = run.trace("v")[_traced(run, row)]
    found = measure_spikes(run.trace_time, volts, criterion=criterion, start=onset_s * second)
    if isinstance(run.neuron, Neuron) and np.isnan(found.threshold).all():
        # What crosses the level of detection without the upstroke of a spike is a graded answer.
        return None
    if len(found):
        return {name: v for name, v in asdict(found.shapes[0]).items() if name in _NAMES}
    return {"threshold_mV": _before_reset(run, row, onset_s, float(criterion))}


def _traced(run: Recording, row: int) -> int:
    """Return which trace is that of a row."""
    return int(np.searchsorted(run.trace_rows, row))


def _before_reset(run: Recording, row: int, onset: float, rate: float) -> float:
    """Return the threshold (mV) of a neuron whose spike is a reset: by dV/dt, else where reset."""
    train = np.asarray(run.spike_train(row))
    first = float(train[train >= onset][0])
    t, v = run.trace_time_s, 1e3 * run.traces_si["v"][_traced(run, row)]
    last = int(np.flatnonzero(t <= first + run.dt_s / 2)[-1])
    # The sample at the spike may already be the reset.
    last -= int(v[last] < v[last - 1])
    # What the reset cut off is drawn on, so that the slope before it can be read.
    rest = v[last] + (v[last] - v[last - 1]) * np.arange(1, 20)
    (shape,) = spike_shapes(
        np.append(v[: last + 1], rest),
        1 / (t[1] - t[0]),
        [last + 10],
        start_s=onset,
        criterion_V_per_s=rate,
    )
    return shape.threshold_mV if np.isfinite(shape.threshold_mV) else float(v[last])


def _passive(bench: CurrentSteps, given: Quantity | None) -> dict[str, float]:
    """Measure rest, input resistance, time constant and sag."""

    def respond(current: float) -> StepResponse:
        run = bench.run(np.array([current]))
        return step_response(
            run.trace_time,
            run.trace("v")[0],
            onset=bench.onset * second,
            duration=bench.length * second,
            amplitude=current * amp,
        )

    if given is None:
        # From the resistance at a current too small to matter, one that deflects by 5 mV.
        first = respond(-1e-12)
        current = -5e-3 / max(abs(float(first.resistance)), 1e3)
    else:
        current = float(check_quantity(given, -10 * pA, "intrinsic: probe_current"))
    found = respond(current)
    tau, resistance = float(found.tau / ms), float(found.resistance / ohm) * 1e-6
    return {
        "rest_mV": float(found.rest / mV),
        "input_resistance_Mohm": resistance,
        "time_constant_ms": tau,
        "capacitance_pF": 1e3 * tau / resistance,
        "sag_ratio": found.sag,
    }
