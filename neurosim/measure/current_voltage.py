"""The current-voltage relation of a cell or a channel under voltage clamp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import numpy as np
from brian2.units import Quantity, amp, ms, mV, second, siemens, volt

from neurosim.display import axes_or_new
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.measure.clamp_rig import ClampRig, RigOptions, Subject
from neurosim.quantities import check_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["IV", "draw_currents", "iv", "zero_crossing"]


@dataclass(frozen=True, eq=False, repr=False)
class IV:
    """Currents of a family of steps; outward is positive.

    Attributes
    ----------
    potential : Quantity, shape (n,)
        Test potentials.
    inward, outward : Quantity, shape (n,)
        Most negative and most positive current during the step, after `ClampRig.blank`.
    steady : Quantity, shape (n,)
        Mean over the last twentieth of the step.
    time : Quantity, shape (samples,)
        From the start of the step.
    current : Quantity, shape (n, samples)
        The traces.
    """

    potential: Quantity
    inward: Quantity
    outward: Quantity
    steady: Quantity
    time: Quantity
    current: Quantity

    @property
    def peak(self) -> Quantity:
        """The larger of inward and outward current, with its sign, shape (n,)."""
        both = np.stack([np.asarray(self.inward), np.asarray(self.outward)])
        return np.take_along_axis(both, np.abs(both).argmax(axis=0)[np.newaxis], axis=0)[0] * amp

    def read(self, what: str) -> Quantity:
        """Return ``peak``, ``inward``, ``outward`` or ``steady``.

        Raises
        ------
        UnknownNameError
            It is none of those.
        """
        known = ("peak", "inward", "outward", "steady")
        if what not in known:
            raise UnknownNameError(f"IV: there is no current {what!r}: {suggest(what, known)}")
        found: Quantity = getattr(self, what)
        return found

    def reversal(self, what: str = "peak") -> Quantity:
        """Return the potential at which a current changes its sign, nan if it does not.

        Parameters
        ----------
        what : str
            As for `read`.
        """
        return zero_crossing(np.asarray(self.potential), np.asarray(self.read(what))) * volt

    def conductance(self, E: Quantity, what: str = "peak") -> Quantity:
        """Return I / (V - E), nan within 1 mV of E.

        Parameters
        ----------
        E : Quantity
            Reversal potential.
        what : str
            As for `read`.
        """
        zero = float(check_quantity(E, -80 * mV, "IV.conductance: E"))
        away = np.asarray(self.potential) - zero
        away = np.where(np.abs(away) < 1e-3, np.nan, away)
        return np.asarray(self.read(what)) / away * siemens

    def plot(self, what: Sequence[str] = ("peak", "steady"), ax: Axes | None = None) -> Axes:
        """Draw currents against potential.

        Parameters
        ----------
        what : sequence of str
            As for `read`.
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        """
        axes = axes_or_new(ax)
        for name in what:
            current = np.asarray(self.read(name)) * 1e9
            axes.plot(np.asarray(self.potential) * 1e3, current, "o-", label=name)
        axes.axhline(0, color="0.6", linewidth=0.8, zorder=0)
        axes.set_xlabel("test potential (mV)")
        axes.set_ylabel("current (nA)")
        axes.legend()
        return axes

    def plot_traces(self, ax: Axes | None = None) -> Axes:
        """Draw the currents over time."""
        return draw_currents(self.time, self.potential, self.current, ax)

    def __repr__(self) -> str:
        low, high = (float(edge) * 1e3 for edge in (self.potential[0], self.potential[-1]))
        inward, outward = float(np.min(self.inward)) * 1e9, float(np.max(self.outward)) * 1e9
        return (
            f"IV({len(self.potential)} steps from {low:g} to {high:g} mV; inward to {inward:.3g} "
            f"nA, outward to {outward:.3g} nA)"
        )


def draw_currents(
    time: Quantity, potential: Quantity, current: Quantity, ax: Axes | None = None
) -> Axes:
    """Draw the currents of a family of potentials over time."""
    axes = axes_or_new(ax)
    for volts, trace in zip(potential, np.asarray(current) * 1e9, strict=True):
        label = f"{float(volts) * 1e3:g} mV"
        axes.plot(np.asarray(time) * 1e3, trace, linewidth=1, label=label)
    axes.set_xlabel("time (ms)")
    axes.set_ylabel("current (nA)")
    return axes


def zero_crossing(x: np.ndarray, y: np.ndarray) -> float:
    """Return where a curve last changes its sign, by the straight line between two points."""
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    change = np.flatnonzero((y[:-1] * y[1:] <= 0) & (y[:-1] != y[1:]))
    if not len(change):
        return float("nan")
    k = int(change[-1])
    return float(x[k] - y[k] * (x[k + 1] - x[k]) / (y[k + 1] - y[k]))


def iv(
    subject: Subject,
    potentials: Quantity,
    *,
    duration: Quantity = 50 * ms,
    **rig: Unpack[RigOptions],
) -> IV:
    """Measure the current-voltage relation by a family of steps.

    Parameters
    ----------
    subject : Neuron, PointNeuron, Channel, or sequence of Channel and IonPool
        What is clamped.
    potentials : Quantity, shape (n,)
        Test potentials.
    duration : Quantity
        Length of the step.
    **rig
        Options of `ClampRig`, such as ``holding``, ``of``, ``R_s`` and ``leak_pulses``.

    Raises
    ------
    ParameterError
        A value is out of range, or the step is not longer than what is blanked.

    Examples
    --------
    >>> from brian2 import mV
    >>> from neurosim.channels import HHPotassium
    >>> found = iv(HHPotassium(), [-80, -60, -40, 0] * mV, duration=30 * ms)
    >>> (found.steady * 1e9).round(2)
    array([-0.  ,  0.19,  3.55, 23.75]) * amp
    """
    bench = ClampRig.with_options(subject, rig)
    levels = check_quantity(potentials, 0 * mV, "iv: potentials", many=1)
    length = check_quantity(duration, 50 * ms, "iv: duration", above=0 * ms)
    volts = np.atleast_1d(np.asarray(levels, dtype=float))
    found = bench.family([volts], [bench.whole(length)])
    inside = found.time_s > 0
    time, current = found.time_s[inside], found.current_A[:, inside]
    looked = time > bench.blank_s
    if np.count_nonzero(looked) < 2:
        raise ParameterError(
            f"iv: the step ({length}) must be longer than what is blanked "
            f"({bench.blank_s * 1e3:g} ms)"
        )
    late = time > time[-1] - max(float(length) / 20, bench.dt_s)
    return IV(
        potential=volts * volt,
        inward=current[:, looked].min(axis=1) * amp,
        outward=current[:, looked].max(axis=1) * amp,
        steady=current[:, late].mean(axis=1) * amp,
        time=time * second,
        current=current * amp,
    )
