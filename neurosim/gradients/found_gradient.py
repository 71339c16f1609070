"""What a run backwards found, checked and with units."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
from brian2.units import Quantity, get_dimensions, second, volt

from neurosim.errors import EngineError
from neurosim.gradients.gradient import Gradient
from neurosim.gradients.losses import Loss

__all__ = ["GrowthWarning", "outcome"]

#: Growth from which fewer than nine digits of a derivative can be relied on.
MOST_GROWTH = 1e4


class GrowthWarning(UserWarning):
    """Said where a derivative amplifies small displacements so much that it is of little use."""


def outcome(
    loss: Loss,
    asked: Mapping[str, Quantity],
    batch: Mapping[str, np.ndarray],
    slopes: Mapping[str, np.ndarray],
    *,
    value: np.ndarray,
    growth: np.ndarray,
    v: np.ndarray,
    dt: float,
) -> Gradient:
    """Return the result of a run, and warn where its derivatives are of little use.

    Parameters
    ----------
    loss : Loss
        What was asked about.
    asked : mapping of str to Quantity
        By full name, the value of each parameter in the description.
    batch : mapping of str to ndarray
        By full name, what differs between rows.
    slopes : mapping of str to ndarray, each of shape (rows,) or (rows, synapses)
        The derivatives, in SI units.
    value, growth : ndarray, shape (rows,)
        Loss, and by how much displacements grew backwards.
    v : ndarray, shape (steps, rows)
        Potential, in volt.
    dt : float
        Step, in second.

    Raises
    ------
    EngineError
        A derivative is not finite.
    """
    if not all(np.isfinite(one).all() for one in slopes.values()):
        raise EngineError(
            "differentiate: a derivative is not finite: the run backwards grew beyond every bound; "
            "take a shorter run, or a loss on spike times in place of the potential"
        )
    if growth.max() > MOST_GROWTH:
        warnings.warn(
            f"the derivative amplifies a displacement of the potential up to {growth.max():.2g} "
            f"times (row {int(np.argmax(growth))}), more than {MOST_GROWTH:g}: it is that of this "
            "run, and says little about runs nearby. Take a shorter run, or a loss on spike times "
            "in place of the potential",
            GrowthWarning,
            stacklevel=4,
        )
    like = loss.like
    derivatives, parameters = {}, {}
    for name, here in asked.items():
        dim = get_dimensions(like) / get_dimensions(here)
        derivatives[name] = Quantity(slopes[name], dim=dim)
        at = batch.get(name, np.asarray(here, dtype=float))
        parameters[name] = Quantity(
            np.broadcast_to(at, len(value)).copy(), dim=get_dimensions(here)
        )
    time = (np.arange(len(v)) + 1) * dt
    return Gradient(
        value=Quantity(value, dim=get_dimensions(like)),
        derivatives=derivatives,
        parameters=parameters,
        growth=growth,
        v=Quantity(v.T, dim=get_dimensions(1 * volt)),
        time=time * second,
    )
