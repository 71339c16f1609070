"""Gating under voltage clamp: activation and inactivation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import numpy as np
from brian2.units import Quantity, amp, ms, mV, volt

from neurosim.display import axes_or_new
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.measure.clamp_rig import ClampRig, RigOptions, Subject, as_volts
from neurosim.measure.current_voltage import iv
from neurosim.quantities import check_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "Boltzmann",
    "GatingCurve",
    "activation",
    "inactivation",
]


@dataclass(frozen=True, repr=False)
class Boltzmann:
    """A fit of A / (1 + exp(-(V - V_half) / slope)) + c by least squares.

    Attributes
    ----------
    half_mV, slope_mV : float
        Potential of half effect, and slope (negative for inactivation), in mV; nan if the fit
        failed.
    size, offset : float
        A and c.
    rms : float
        Root mean square of the residuals, of the normalised curve.
    """

    half_mV: float
    slope_mV: float
    size: float
    offset: float
    rms: float

    def at(self, potential: Quantity) -> np.ndarray:
        """Return the fit at potentials."""
        x = (np.asarray(potential) * 1e3 - self.half_mV) / self.slope_mV
        return np.asarray(self.offset + self.size / (1 + np.exp(-x)))

    def __repr__(self) -> str:
        return (
            f"Boltzmann(half at {self.half_mV:.2f} mV, slope {self.slope_mV:.2f} mV, "
            f"rms {self.rms:.2g})"
        )

    @classmethod
    def fit(cls, potential: Quantity, values: np.ndarray) -> Boltzmann:
        """Return the fit to a curve; values that are nan are left out."""
        from scipy.optimize import curve_fit

        seen = np.isfinite(values)
        x, y = np.asarray(potential)[seen] * 1e3, np.asarray(values)[seen]
        none = cls(*[float("nan")] * 5)
        if len(x) < 5 or np.ptp(y) == 0:
            return none
        middle = float(x[np.abs(y - (y.min() + y.max()) / 2).argmin()])
        sign = 1.0 if y[x.argmax()] > y[x.argmin()] else -1.0

        def curve(v: np.ndarray, half: float, slope: float, size: float, low: float) -> np.ndarray:
            return low + size / (1 + np.exp(np.clip(-(v - half) / slope, -500, 500)))

        try:
            start = (middle, 8 * sign, np.ptp(y), y.min())
            found, _ = curve_fit(curve, x, y, p0=start, maxfev=20_000)
        except RuntimeError:
            return none
        half, slope, size, low = map(float, found)
        rms = float(np.sqrt(np.mean((curve(x, half, slope, size, low) - y) ** 2)))
        return cls(half, slope, size, low, rms)


@dataclass(frozen=True, eq=False, repr=False)
class GatingCurve:
    """How far a conductance is activated, or not inactivated, against potential.

    Attributes
    ----------
    potential : Quantity, shape (n,)
        Potential of the test pulse (activation) or of the pre-pulse (inactivation).
    measured : Quantity, shape (n,)
        What was read: conductances, or currents at one potential.
    normalised : ndarray, shape (n,)
        `measured` over its largest value; for inactivation from its smallest (0) to its largest (1)
        value.
    fit : Boltzmann
        Of `normalised`.
    """

    potential: Quantity
    measured: Quantity
    normalised: np.ndarray
    fit: Boltzmann

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the curve with its fit."""
        axes = axes_or_new(ax)
        (points,) = axes.plot(np.asarray(self.potential) * 1e3, self.normalised, "o")
        fine = np.linspace(float(self.potential[0]), float(self.potential[-1]), 300)
        if np.isfinite(self.fit.rms):
            label = f"{self.fit.half_mV:.1f} mV, slope {self.fit.slope_mV:.1f} mV"
            drawn = self.fit.at(fine * volt)
            axes.plot(fine * 1e3, drawn, color=points.get_color(), linewidth=1, label=label)
            axes.legend()
        axes.set_xlabel("potential (mV)")
        axes.set_ylabel("share of the largest")
        return axes

    def __repr__(self) -> str:
        return (
            f"GatingCurve({len(self.potential)} potentials; half at {self.fit.half_mV:.2f} mV, "
            f"slope {self.fit.slope_mV:.2f} mV, rms {self.fit.rms:.2g})"
        )


def activation(
    subject: Subject,
    potentials: Quantity,
    *,
    read: str = "peak",
    E: Quantity | None = None,
    duration: Quantity = 50 * ms,
    tail: Quantity = -40 * mV,
    **rig: Unpack[RigOptions],
) -> GatingCurve:
    """Measure how a conductance activates with potential.

    Parameters
    ----------
    subject : Neuron, PointNeuron, Channel, or sequence of Channel and IonPool
        What is clamped.
    potentials : Quantity, shape (n,)
        Potentials of the step.
    read : {"peak", "inward", "outward", "steady", "tail"}
        The conductance I / (V - E) at the largest, most negative, most positive or last current of
        the step; or the current at the start of a tail at the potential `tail`.
    E : Quantity, optional
        Reversal potential (default: that of the channel that is measured). Not needed for tails.
    duration : Quantity
        Length of the step.
    tail : Quantity
        Potential of the tail.
    **rig
        Options of `ClampRig`, such as ``holding`` and ``of``.

    Raises
    ------
    ParameterError
        A value is out of range, or the reversal potential is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import mV
    >>> from neurosim.channels import HHPotassium
    >>> curve = activation(HHPotassium(), np.arange(-80, 41, 10) * mV, duration=40 * ms)
    >>> round(curve.fit.half_mV), round(curve.fit.slope_mV)
    (-25, 17)
    """
    volts = as_volts(potentials, "activation: potentials")
    bench = ClampRig.with_options(subject, rig)
    if read == "tail":
        level = float(check_quantity(tail, -40 * mV, "activation: tail"))
        edge = bench.whole(check_quantity(duration, 50 * ms, "activation: duration", above=0 * ms))
        found = bench.family([volts, level], [edge, bench.whole(bench.blank_s + 10 * bench.dt_s)])
        measured = bench.at_edge(found.time_s - edge, found.current_A) * amp
    else:
        E = _reversal(bench, E)
        family = iv(subject, volts * volt, duration=duration, **rig)
        measured = family.conductance(E, read)
    values = np.asarray(measured)
    if not np.any(np.isfinite(values) & (values != 0)):
        raise ParameterError("activation: there is no current to normalise")
    largest = values[np.nanargmax(np.abs(values))]
    normalised = values / largest
    return GatingCurve(volts * volt, measured, normalised, Boltzmann.fit(volts * volt, normalised))


def inactivation(
    subject: Subject,
    potentials: Quantity,
    *,
    test: Quantity = 0 * mV,
    prepulse: Quantity = 500 * ms,
    duration: Quantity = 20 * ms,
    read: str | Quantity = "peak",
    **rig: Unpack[RigOptions],
) -> GatingCurve:
    """Measure how a conductance inactivates with potential: pre-pulses, then one test pulse.

    Parameters
    ----------
    subject : Neuron, PointNeuron, Channel, or sequence of Channel and IonPool
        What is clamped.
    potentials : Quantity, shape (n,)
        Potentials of the pre-pulse.
    test : Quantity
        Potential of the test pulse.
    prepulse : Quantity
        Length of the pre-pulse; several time constants of inactivation.
    duration : Quantity
        Length of the test pulse.
    read : {"peak", "tail"} or Quantity
        The largest current of the test pulse; its start, before any gate has moved; or the current
        at a time after its start. A time that is long for activation and not for inactivation reads
        the inactivation gate exactly; the peak depends on how far the channel was activated before.
    **rig
        Options of `ClampRig`, such as ``holding`` and ``of``.

    Raises
    ------
    ParameterError
        A value is out of range, or all currents are equal.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import mV
    >>> from neurosim.channels import HHSodium
    >>> curve = inactivation(HHSodium(), np.arange(-120, -19, 10) * mV, prepulse=60 * ms)
    >>> round(curve.fit.half_mV), round(curve.fit.slope_mV)
    (-62, -7)
    """
    volts = as_volts(potentials, "inactivation: potentials")
    bench = ClampRig.with_options(subject, rig)
    level = float(check_quantity(test, 0 * mV, "inactivation: test"))
    length = check_quantity(prepulse, 500 * ms, "inactivation: prepulse", above=0 * ms)
    pulse = check_quantity(duration, 20 * ms, "inactivation: duration", above=0 * ms)
    before = bench.whole(length)
    found = bench.family([volts, level], [before, bench.whole(pulse)])
    values = _read_test(bench, found.time_s - before, found.current_A, read, float(pulse))
    largest, smallest = _extremes(values)
    if largest == smallest:
        raise ParameterError("inactivation: the test current is the same after every pre-pulse")
    normalised = (values - smallest) / (largest - smallest)
    fit = Boltzmann.fit(volts * volt, normalised)
    return GatingCurve(volts * volt, values * amp, normalised, fit)


def _reversal(bench: ClampRig, E: Quantity | None) -> Quantity:
    if E is None:
        E = getattr(bench.channel, "E", None)
    if E is None:
        raise ParameterError(
            "activation: give the reversal potential, E=..., or of= the label of a painted channel "
            'that has one, or read="tail"'
        )
    return check_quantity(E, -80 * mV, "activation: E")


def _read_test(
    bench: ClampRig,
    since: np.ndarray,
    current: np.ndarray,
    read: str | Quantity,
    length: float,
) -> np.ndarray:
    """Return the current of a test pulse as asked for, shape (rows,)."""
    if isinstance(read, str):
        if read not in ("peak", "tail"):
            raise UnknownNameError(
                f"inactivation: read {read!r}: {suggest(read, ('peak', 'tail'))}, or a time"
            )
        if read == "tail":
            return bench.at_edge(since, current)
        inside = since > max(bench.blank_s, 0.5 * bench.dt_s)
        seen = current[:, inside]
        return np.take_along_axis(seen, np.abs(seen).argmax(axis=1)[:, np.newaxis], axis=1)[:, 0]
    when = float(check_quantity(read, 1 * ms, "inactivation: read", above=0 * ms))
    if when > length:
        raise ParameterError(
            f"inactivation: read ({read}) must lie within the test pulse ({length * 1e3:g} ms)"
        )
    return np.array([np.interp(when, since, row) for row in current])


def _extremes(values: np.ndarray) -> tuple[float, float]:
    """Return the largest current by size, and the one that is farthest from it."""
    largest = float(values[np.abs(values).argmax()])
    return largest, float(values[np.abs(values - largest).argmax()])
