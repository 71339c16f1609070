"""Tail currents: what flows after a step to which the channels respond slowly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import numpy as np
from brian2.units import Quantity, amp, ms, mV, second, volt

from neurosim.features.membrane import exponential_time_constant
from neurosim.measure.clamp_rig import ClampRig, RigOptions, Subject, as_volts
from neurosim.measure.current_voltage import draw_currents, zero_crossing
from neurosim.quantities import check_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TailCurrents", "tail_currents"]


@dataclass(frozen=True, eq=False, repr=False)
class TailCurrents:
    """Currents after a step to which the channels respond slowly.

    Attributes
    ----------
    potential : Quantity, shape (n,)
        Potentials of the tail.
    instantaneous : Quantity, shape (n,)
        Current at the edge, before any gate has moved (see `ClampRig.at_edge`).
    tau : Quantity, shape (n,)
        Time constant of one exponential fitted to the tail; nan where there is none.
    time : Quantity, shape (samples,)
        From the edge.
    current : Quantity, shape (n, samples)
        The tails, outward positive.
    """

    potential: Quantity
    instantaneous: Quantity
    tau: Quantity
    time: Quantity
    current: Quantity

    @property
    def reversal(self) -> Quantity:
        """Where the instantaneous current changes its sign, nan if it does not."""
        volts, current = np.asarray(self.potential), np.asarray(self.instantaneous)
        return zero_crossing(volts, current) * volt

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the tails over time."""
        axes = draw_currents(self.time, self.potential, self.current, ax)
        axes.set_xlabel("time after the step (ms)")
        axes.set_ylabel("tail current (nA)")
        return axes

    def __repr__(self) -> str:
        return (
            f"TailCurrents({len(self.potential)} potentials; reversal at "
            f"{float(self.reversal) * 1e3:.2f} mV)"
        )


def tail_currents(
    subject: Subject,
    potentials: Quantity,
    *,
    step: Quantity = 0 * mV,
    duration: Quantity = 50 * ms,
    length: Quantity = 50 * ms,
    **rig: Unpack[RigOptions],
) -> TailCurrents:
    """Measure tail currents: one step that opens the channels, then a family of potentials.

    Parameters
    ----------
    subject : Neuron, PointNeuron, Channel, or sequence of Channel and IonPool
        What is clamped.
    potentials : Quantity, shape (n,)
        Potentials of the tail.
    step, duration : Quantity
        The step before.
    length : Quantity
        How long the tail is recorded.
    **rig
        Options of `ClampRig`, such as ``holding`` and ``of``.

    Examples
    --------
    >>> from brian2 import mV
    >>> from neurosim.channels import MCurrent
    >>> tails = tail_currents(MCurrent(), [-110, -90, -70] * mV, duration=400 * ms)
    >>> tails.reversal
    -85. * mvolt
    """
    volts = as_volts(potentials, "tail_currents: potentials")
    bench = ClampRig.with_options(subject, rig)
    level = float(check_quantity(step, 0 * mV, "tail_currents: step"))
    held = check_quantity(duration, 50 * ms, "tail_currents: duration", above=0 * ms)
    after = check_quantity(length, 50 * ms, "tail_currents: length", above=0 * ms)
    before = bench.whole(held)
    found = bench.family([np.full_like(volts, level), volts], [before, bench.whole(after)])
    since = found.time_s - before
    start = bench.at_edge(since, found.current_A)
    inside = since > bench.blank_s + 1.5 * bench.dt_s
    time, current = since[inside], found.current_A[:, inside]
    chosen = np.unique(np.linspace(0, len(time) - 1, 2000).astype(int))
    tau = [exponential_time_constant(time[chosen], row[chosen] * 1e12) for row in current]
    return TailCurrents(
        volts * volt, start * amp, np.array(tau) * second, time * second, current * amp
    )
