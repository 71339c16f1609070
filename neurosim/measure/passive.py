"""What a small step of current tells: input resistance, time constant, sag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, ms, ohm, pA, second, volt

from neurosim.errors import ParameterError
from neurosim.measure.spikes import check_trace
from neurosim.quantities import check_quantity

__all__ = ["StepResponse", "step_response"]


@dataclass(frozen=True, eq=False, repr=False)
class StepResponse:
    """Response to a step of current too small to make spikes.

    Attributes
    ----------
    rest : Quantity
        Mean potential over the last tenth of the time before the step.
    steady : Quantity
        Mean potential over the last tenth of the step.
    extreme : Quantity
        Farthest potential from rest during the step.
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
    t, volts = check_trace(time, v, "step_response")
    first = float(check_quantity(onset, 100 * ms, "step_response: onset"))
    length = float(check_quantity(duration, 500 * ms, "step_response: duration", above=0 * ms))
    current = float(check_quantity(amplitude, -10 * pA, "step_response: amplitude"))
    last = first + length
    if current == 0:
        raise ParameterError("step_response: amplitude is 0; give the current of the step")
    step = t[1] - t[0]
    if t[0] > first - 2 * step or t[-1] < last - 2 * step:
        raise ParameterError(
            f"step_response: the trace runs from {t[0] * 1e3:g} to {t[-1] * 1e3:g} ms and the step "
            f"from {first * 1e3:g} to {last * 1e3:g} ms; the trace must hold it, with rest before"
        )
    before = (t >= first - (first - t[0]) / 10) & (t < first - step / 2)
    inside = (t >= first) & (t < last - step / 2)
    late = inside & (t >= last - length / 10)
    rest, steady = float(volts[before].mean()), float(volts[late].mean())
    seen_t, seen = t[inside] - first, volts[inside] - rest
    sign = np.sign(steady - rest)
    if sign == 0:
        raise ParameterError("step_response: the step deflects nothing; is it injected?")
    extreme_at = int(np.argmax(sign * seen))
    extreme = float(seen[extreme_at])
    resting = (extreme - (steady - rest)) / extreme
    return StepResponse(
        rest=Quantity(rest, dim=volt.dim),
        steady=Quantity(steady, dim=volt.dim),
        extreme=Quantity(rest + extreme, dim=volt.dim),
        resistance=Quantity((steady - rest) / current, dim=ohm.dim),
        tau=Quantity(_slowest(seen_t, seen, extreme_at), dim=second.dim),
        sag=float(resting),
    )


def _slowest(t: np.ndarray, v: np.ndarray, extreme_at: int) -> float:
    """Return the time constant of the approach to the extreme, in second."""
    from scipy.optimize import curve_fit

    half = int(np.argmax(np.abs(v) >= abs(v[extreme_at]) / 2))
    if extreme_at - half < 8:
        return float("nan")
    chosen = np.unique(np.linspace(half, extreme_at, 400).astype(int))
    x, y = t[chosen], v[chosen] / abs(v[extreme_at])
    guess = max((x[-1] - x[0]) / 5, 1e-6)

    def model(x: np.ndarray, end: float, size: float, tau: float) -> np.ndarray:
        return end + size * np.exp(-(x - t[half]) / tau)

    try:
        found, _ = curve_fit(
            model, x, y, p0=(y[-1], y[0] - y[-1], guess), bounds=([-2, -2, 1e-7], [2, 2, 100])
        )
    except RuntimeError:
        return float("nan")
    return float(found[2])
