"""Conduction velocity: the distance between two sites over the time between two crossings."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.units import Quantity, meter, ms, mV, second

from neurosim.describe.neuron import Neuron
from neurosim.errors import ParameterError
from neurosim.morphology import Site
from neurosim.quantities import check_quantity
from neurosim.run.simulate import simulate

__all__ = ["conduction_velocity", "travel_times"]


def travel_times(
    neuron: Neuron,
    sites: list[Site],
    duration: Quantity,
    *,
    threshold: Quantity = 0 * mV,
    **options: Any,
) -> list[np.ndarray]:
    """Return when the potential crosses a threshold upwards at each site, in second.

    Parameters
    ----------
    neuron : Neuron
        With what sets off the spike placed on it.
    sites : list of Site
        Single points.
    duration : Quantity
        Length of the run.
    threshold : Quantity
        Potential that is crossed.
    **options
        Of `neurosim.simulate`, such as ``dt``.

    Returns
    -------
    list of ndarray
        By site, the times of the crossings, interpolated between steps.
    """
    labels = []
    for k, site in enumerate(sites):
        labels.append(f"travel_{k}")
        neuron = neuron.detect(site, threshold, label=labels[-1])
    recording = simulate(neuron, duration, **options)
    return [np.asarray(recording.spike_times_at(label)) for label in labels]


def conduction_velocity(
    neuron: Neuron,
    first: Site,
    second_site: Site,
    duration: Quantity = 20 * ms,
    *,
    threshold: Quantity = 0 * mV,
    **options: Any,
) -> Quantity:
    """Return how fast the first spike travels from one site to another.

    Distances are path lengths between the centres of the compartments.

    Raises
    ------
    ParameterError
        The sites lie in one compartment.

    Returns
    -------
    Quantity
        In metre per second; 0 where the spike does not reach the second site.

    Examples
    --------
    >>> from brian2 import cm, ms, nA, ohm, um
    >>> from neurosim import Neuron, Steps
    >>> from neurosim.describe.parts import Cable
    >>> from neurosim.channels import squid_axon
    >>> from neurosim.morphology import PerBranch, at, cylinder
    >>> axon = cylinder(17.4 * 1000 * um, 10 * um, name="axon", tag="axon")
    >>> cell = Neuron(axon, PerBranch(600), cable=Cable(R_a=35.4 * ohm * cm), celsius=18.5)
    >>> cell = cell.replace(rest=-65 * mV).paint(squid_axon())
    >>> kick = Steps(amplitude=60 * nA, onset=0.2 * ms, duration=0.2 * ms)
    >>> cell = cell.place(kick, at("axon", 0.0))
    >>> v = conduction_velocity(cell, at("axon", 1 / 3), at("axon", 2 / 3), 8 * ms, dt=0.005 * ms)
    >>> round(float(v), 1)
    2.7
    """
    check_quantity(duration, 20 * ms, "conduction_velocity: duration", above=0 * ms)
    shape = neuron.compartments
    here, there = (int(site.compartments(shape)[0]) for site in (first, second_site))
    if here == there:
        raise ParameterError("conduction_velocity: both sites lie in one compartment")
    distance = abs(float(shape.distance_m[there] - shape.distance_m[here]))
    times = travel_times(neuron, [first, second_site], duration, threshold=threshold, **options)
    if not (len(times[0]) and len(times[1])):
        return 0 * meter / second
    return distance / (times[1][0] - times[0][0]) * meter / second
