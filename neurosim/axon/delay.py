"""The fast equivalent of an axon in a network: a delay calibrated on the cable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from brian2.units import Quantity, ms, mV, second

from neurosim.axon.conduction import travel_times
from neurosim.describe.neuron import Neuron
from neurosim.errors import ParameterError
from neurosim.morphology import Site
from neurosim.quantities import Description, check_quantity, quantity
from neurosim.stimuli import Stimulus
from neurosim.synapses.events import check_spikes

__all__ = ["DelayLine"]


@dataclass(frozen=True, eq=False, repr=False)
class DelayLine(Description):
    """Spikes arrive a fixed time later; those that follow too closely are lost.

    It leaves out that a spike in the relative refractory period of the one before travels more
    slowly, so it is for trains whose intervals are longer than that.

    Examples
    --------
    >>> from brian2 import ms
    >>> line = DelayLine(delay=40 * ms, refractory=2 * ms)
    >>> line.arrivals([0, 1, 10] * ms)
    array([40., 50.]) * msecond
    """

    delay: Quantity = quantity(1 * ms, "conduction time", at_least=0 * ms)
    refractory: Quantity = quantity(0 * ms, "closest spikes that both arrive", at_least=0 * ms)

    @classmethod
    def of(
        cls,
        axon: Neuron,
        stimulus: Stimulus,
        start: Site,
        end: Site,
        duration: Quantity,
        *,
        threshold: Quantity = 0 * mV,
        refractory: Quantity = 0 * ms,
        **options: Any,
    ) -> Self:
        """Calibrate on the cable: the time a spike takes from one site to another.

        Parameters
        ----------
        axon : Neuron
            The cable.
        stimulus : Stimulus
            Sets off a spike at `start`.
        start, end : Site
            Where it begins and where it arrives.
        duration : Quantity
            Long enough for it to arrive.

        Raises
        ------
        ParameterError
            No spike arrives.
        """
        placed = axon.place(stimulus, start)
        times = travel_times(placed, [start, end], duration, threshold=threshold, **options)
        if not len(times[0]):
            raise ParameterError("DelayLine.of: the stimulus sets off no spike; make it stronger")
        if not len(times[1]):
            raise ParameterError(
                "DelayLine.of: the spike does not arrive; it is blocked on the way, or the "
                f"duration ({duration}) is too short"
            )
        return cls(delay=(times[1][0] - times[0][0]) * second, refractory=refractory)

    @classmethod
    def of_length(cls, length: Quantity, velocity: Quantity) -> Self:
        """Return the delay of a length at a velocity, as that of a 2 m axon from a short cable."""
        metres = check_quantity(length, 1e-3 * second * velocity, "DelayLine: length", at_least=0)
        return cls(delay=metres / velocity)

    def arrivals(self, spike_times: Quantity) -> Quantity:
        """Return when the spikes arrive, in ascending order.

        Parameters
        ----------
        spike_times : Quantity, shape (n,)
            When they start; ascending.
        """
        times = check_spikes(spike_times, "DelayLine: spike_times")
        kept: list[float] = []
        for time in times:
            if not kept or time - kept[-1] >= float(self.refractory):
                kept.append(float(time))
        return (np.array(kept) + float(self.delay)) * second
