"""The derivative of a neuron's potential, at every moment, along directions of its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, mV, second, volt

from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.engine.adjoint.run_along import run_along
from neurosim.errors import DivergenceError, EngineError, ParameterError, RowError
from neurosim.gradients.charge import Charge
from neurosim.gradients.crossings import crossings
from neurosim.gradients.directions import directions_of_cell, directions_of_point
from neurosim.gradients.losses import Loss
from neurosim.gradients.run_settings import settings_of
from neurosim.morphology import Site, root_site
from neurosim.quantities import check_quantity
from neurosim.run.neuron_run import diverged
from neurosim.stimuli import Stimulus

__all__ = ["Directional", "directional"]


@dataclass(frozen=True, eq=False, repr=False)
class Directional:
    """A run and its derivatives along directions.

    Attributes
    ----------
    v : Quantity, shape (rows, steps)
        Potential at the end of each step.
    derivatives : Quantity, shape (directions, rows, steps)
        By how much it moves for one step along each direction, in volt.
    time : Quantity, shape (steps,)
        When, in second.
    """

    v: Quantity
    derivatives: Quantity
    time: Quantity = field(repr=False)

    def __repr__(self) -> str:
        many, rows, steps = self.derivatives.shape
        return f"{many} derivatives of the potential of {rows} rows at {steps} steps"

    def _arrays(self) -> tuple[np.ndarray, np.ndarray, float]:
        time = np.asarray(self.time)
        return np.asarray(self.v).T, np.asarray(self.derivatives), float(time[0])

    def of(self, loss: Loss) -> Quantity:
        """Return the derivative of a loss, shape (directions, rows), for one step along each.

        Raises
        ------
        ParameterError
            The loss does not follow from this potential.
        """
        if isinstance(loss, Charge) or loss.site is not root_site:
            raise ParameterError(
                f"directional: {type(loss).__name__} does not follow from the potential of this "
                "run; take differentiate, or a loss without a site of its own"
            )
        v, dots, dt = self._arrays()
        slopes = loss.value(v, dt)[1]
        return Quantity(np.einsum("sr,drs->dr", slopes, dots), dim=get_dimensions(loss.like))

    def spike_times(self, threshold: Quantity = -20 * mV) -> list[tuple[Quantity, Quantity]]:
        """Return by row the spike times, shape (n,), and their derivatives, (directions, n).

        A spike is an upward crossing of `threshold`. Its time follows the potential around it by
        the implicit-function theorem.
        """
        v, dots, dt = self._arrays()
        level = float(check_quantity(threshold, 1 * mV, "spike_times: threshold"))
        found = []
        for row in range(v.shape[1]):
            one = crossings(v[:, row], dt, level)
            near = one.first[:, np.newaxis] + np.arange(4)
            moved = np.sum(one.slopes * dots[:, row][:, near], axis=-1)
            found.append((one.time * second, moved * second))
        return found


def directional(
    neuron: Neuron | PointNeuron,
    duration: Quantity,
    along: Sequence[Mapping[str, Any]],
    *,
    site: Site = root_site,
    stimulus: Stimulus | None = None,
    batch: Mapping[str, Any] | None = None,
    weights: Mapping[str, Any] | None = None,
    seed: int | Sequence[int] | np.ndarray = 0,
    dt: Quantity | None = None,
    settle: Quantity | None = None,
    scheme: str | None = None,
    jobs: int = 1,
) -> Directional:
    """Run a neuron once, with the derivatives of its potential along directions (forward mode).

    `differentiate` gives the derivative of one number by any number of parameters; this gives that
    of every sample and every spike time along a few directions, each of which costs some one and a
    half times as much as the run. The derivatives are exact, those of the run itself.

    Parameters
    ----------
    neuron : Neuron or PointNeuron
        With extent, or a point that no spike resets.
    duration : Quantity
        How long it is run, in second.
    along : sequence of mapping of str to Quantity
        Directions: by the names that `differentiate` has, how far each parameter goes in one step
        of the direction. Of the weights of synapses, one number, or one a synapse.
    site : Site
        Where the potential is read; by default the middle of the root branch, the soma.
    stimulus, batch, weights, seed, dt, settle, scheme, jobs
        As in `neurosim.differentiate`.

    Returns
    -------
    Directional

    Raises
    ------
    UnitError, ParameterError, UnknownNameError
        As `neurosim.differentiate`; and of a neuron that spikes reset.
    EngineError
        There is no compiler, or the run diverged.

    Examples
    --------
    How does each spike time follow the sodium conductance?

    >>> from brian2 import cm, mS, ms, mV, nA, second, um
    >>> from neurosim import Constant, Neuron
    >>> from neurosim.channels import HHPotassium, HHSodium, Leak
    >>> from neurosim.morphology import PerBranch, cylinder
    >>> bare = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=6.3, rest=-65 * mV)
    >>> cell = bare.paint([HHSodium(), HHPotassium(), Leak()])
    >>> found = directional(
    ...     cell, 20 * ms, [{"hh_sodium.g": 1 * mS / cm**2}], stimulus=Constant(0.3 * nA)
    ... )
    >>> times, moved = found.spike_times()[0]
    >>> bool(moved[0, 0] < 0 * second)
    True
    """
    if isinstance(along, Mapping) or not list(along) or not all(along):
        raise ParameterError(
            "directional: along must be a list of directions, each of which says how far at least "
            "one parameter goes, such as [{'leak.g': 0.01*mS/cm**2}, {'leak.E': 1*mV}]"
        )
    settings = settings_of(
        "directional", neuron, duration, seed=seed, dt=dt, settle=settle, scheme=scheme,
        weights=weights, jobs=jobs,
    )  # fmt: skip
    if isinstance(neuron, PointNeuron):
        if site is not root_site:
            raise ParameterError("directional: site is for neurons with extent")
        ready = directions_of_point(neuron, stimulus, settings, along, batch=batch)
    else:
        ready = directions_of_cell(
            neuron, stimulus, settings, along, site=site, batch=batch, weights=weights
        )
    try:
        traces, dots = run_along(
            ready.steps, ready.inputs, ready.directions, points=ready.points, threads=jobs,
            scales=ready.scales,
        )  # fmt: skip
    except DivergenceError as error:
        if isinstance(ready.neuron, Neuron) and ready.composed is not None:
            said = diverged(error, ready.neuron, ready.composed, ready.inputs.dt)
            raise EngineError(said) from None
        raise RowError(
            f"directional: the run diverged: v of row {error.cell} left every bound at "
            f"{error.time_s * second}; use a smaller dt or check its parameters"
        ) from None
    if not np.isfinite(dots).all():
        raise EngineError(
            "directional: a derivative is not finite: it grew beyond every bound; take a shorter "
            "run"
        )
    time = (np.arange(len(traces)) + 1) * ready.inputs.dt
    return Directional(
        v=Quantity(traces[:, 0].T, dim=get_dimensions(volt)),
        derivatives=Quantity(dots[:, :, 0].transpose(1, 2, 0), dim=get_dimensions(volt)),
        time=time * second,
    )
