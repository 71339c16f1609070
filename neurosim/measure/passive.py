"""What a small step of current tells: input resistance, time constant, sag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, ms, mV, ohm, pA, second

from neurosim.errors import ParameterError
from neurosim.features import membrane
from neurosim.measure.spikes import even_trace
from neurosim.quantities import check_quantity

__all__ = ["StepResponse", "step_response"]


@dataclass(frozen=True, eq=False, repr=False)
class StepResponse:
    """Response to a step of current too small to make spikes.

    Attributes
    ----------
    rest : Quantity
        Median potential over the 50 ms before the step.
    steady : Quantity
        Median potential over the last fifth of the step.
    extreme : Quantity
        Farthest potential from rest during the step, a mean over 5 ms.
    resistance : Quantity
        Input resistance, (steady - rest) / current.
    tau : Quantity
        Membrane time constant: the slowest exponential of the approach.
    sag : float
        (extreme - steady) / (extreme - rest): 0 without an h current, 1 for full return to rest.
    """

    rest: Quantity
    steady: Quantity
    extreme: Quantity
    resistance: Quantity
    tau: Quantity
    sag: float

    def __repr__(self) -> str:
        return (
            f"StepResponse(rest {float(self.rest) * 1e3:.2f} mV, "
            f"R_in {float(self.resistance) / 1e6:.4g} Mohm, tau {float(self.tau) * 1e3:.4g} ms, "
            f"sag {self.sag:.3f})"
        )


def step_response(
    time: Quantity, v: Quantity, *, onset: Quantity, duration: Quantity, amplitude: Quantity
) -> StepResponse:
    """Measure input resistance, membrane time constant and sag on one trace.

    The time constant is that of a + b exp(-t/tau), fitted by least squares to the trace from where
    half the deflection is done (the faster, equalising exponentials of a cable are gone by then)
    to its extreme.

    Parameters
    ----------
    time, v : Quantity, shape (n,)
        A trace.
    onset, duration, amplitude : Quantity
        The step; at least five time constants long, with some rest before it.

    Raises
    ------
    ParameterError
        The trace does not hold the step, the amplitude is 0, or nothing is deflected.
    """
    zero, sampling, volts = even_trace(time, v, "step_response")
    first = float(check_quantity(onset, 100 * ms, "step_response: onset")) - zero
    length = float(check_quantity(duration, 500 * ms, "step_response: duration", above=0 * ms))
    current = float(check_quantity(amplitude, -10 * pA, "step_response: amplitude"))
    last, end = first + length, (len(volts) - 1) / sampling
    if current == 0:
        raise ParameterError("step_response: amplitude is 0; give the current of the step")
    if first < 2 / sampling or last > end + 2 / sampling:
        raise ParameterError(
            f"step_response: the trace runs from {zero * 1e3:g} to {(zero + end) * 1e3:g} ms and "
            f"the step from {(zero + first) * 1e3:g} to {(zero + last) * 1e3:g} ms; the trace must "
            f"hold it, with rest before"
        )
    rest = membrane.baseline(volts, sampling, first)
    late = membrane.steady(volts, sampling, first, last)
    sign = float(np.sign(late - rest))
    if sign == 0:
        raise ParameterError("step_response: the step deflects nothing; is it injected?")
    farthest = membrane.extreme(volts, sampling, first, last, sign)
    return StepResponse(
        rest=rest * mV,
        steady=late * mV,
        extreme=farthest * mV,
        resistance=Quantity(1e-3 * (late - rest) / current, dim=ohm.dim),
        tau=Quantity(_slowest(volts, sampling, first, last, rest, sign), dim=second.dim),
        sag=membrane.sag_ratio(farthest, late, rest),
    )


def _slowest(
    volts: np.ndarray, sampling: float, first: float, last: float, rest: float, sign: float
) -> float:
    """Return the time constant of the approach to the extreme, in second."""
    begin = round(first * sampling)
    seen = sign * (volts[begin : round(last * sampling)] - rest)
    top = int(np.argmax(seen))
    half = int(np.argmax(seen >= seen[top] / 2))
    if top - half < 8:
        return float("nan")
    chosen = np.unique(np.linspace(half, top, 400).astype(int))
    return membrane.exponential_time_constant(chosen / sampling, seen[chosen])
