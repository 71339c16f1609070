"""A simulated neuron as a node of a computational graph of `ann`.

The value of the node is a loss of the run, and its slopes are those of `neurosim.differentiate`. A
sum of such nodes and others can be walked back, so that `ann` reaches the conductances of a neuron
and the currents that it is given as it reaches the weights of a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions

from ann.calculus.graph import OPERATIONS, Variable, apply
from ann.calculus.operations import Operation
from ann.errors import GraphError
from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.errors import ParameterError
from neurosim.gradients.differentiate import differentiate
from neurosim.gradients.losses import Loss

__all__ = ["simulated_loss"]


def _follow(x: np.ndarray, *, slope: np.ndarray) -> np.ndarray:
    return np.zeros(np.broadcast_shapes(x.shape, slope.shape))


def _slope(g: Variable, _y: Variable, x: Variable, *, slope: np.ndarray) -> Variable:
    # It knows what it was made from, so that a walk back over it is refused.
    return apply("of_first_order", g * slope, x)


def _no_second(*_: Any, **__: Any) -> Variable:
    raise GraphError(
        "a simulated neuron has first derivatives only: the gradient of its loss cannot be "
        "differentiated again"
    )


OPERATIONS.setdefault("follow_a_run", Operation(_follow, (_slope,), "run"))
OPERATIONS.setdefault(
    "of_first_order", Operation(lambda g, x: g, (_no_second, _no_second), "slope of a run")
)


def simulated_loss(
    neuron: Neuron | PointNeuron,
    duration: Quantity,
    loss: Loss,
    parameters: Mapping[str, tuple[Variable, Quantity]],
    *,
    unit: Quantity,
    **arguments: Any,
) -> Variable:
    """Return a loss of a simulated neuron as a variable that follows its parameters.

    Parameters
    ----------
    neuron : Neuron or PointNeuron
        With extent, or a point.
    duration : Quantity
        How long it is run.
    loss : Loss
        What the run is judged by: `neurosim.gradients.losses`.
    parameters : dict of str to (Variable, Quantity)
        By the name that a batch has, the variable and the unit that it is in. A variable is one
        number for all rows of the batch or one a row.
    unit : Quantity
        Unit in which the loss is told.
    **arguments
        Of `neurosim.differentiate`, such as ``stimulus`` and ``dt``; ``batch`` for what differs
        between rows and is no variable.

    Returns
    -------
    Variable, shape (rows,)

    Raises
    ------
    ParameterError
        A parameter is no variable with a unit, or is also in the batch.
    GraphError
        When the gradient itself is differentiated.

    Examples
    --------
    One step of gradient descent on the conductance of a leak, towards a potential of -60 mV:

    >>> from ann import Variable
    >>> from brian2 import cm, mS, ms, mV, nA, um
    >>> from neurosim import Constant, Neuron
    >>> from neurosim.channels import Leak
    >>> from neurosim.gradients.losses import MeanPotential
    >>> from neurosim.morphology import PerBranch, cylinder
    >>> cell = Neuron(cylinder(20 * um, 20 * um), PerBranch(1)).paint(Leak())
    >>> g = Variable(0.1)
    >>> v = simulated_loss(
    ...     cell, 20 * ms, MeanPotential(), {"leak.g": (g, mS / cm**2)}, unit=mV,
    ...     stimulus=Constant(20 * nA / 1000),
    ... )
    >>> ((v + 60) ** 2).sum().backward()
    >>> g.grad.shape
    ()
    """
    batch = dict(arguments.pop("batch", None) or {})
    for name, given in parameters.items():
        if not isinstance(given, tuple) or not isinstance(given[0], Variable):
            raise ParameterError(
                f"simulated_loss: {name} must be a variable and its unit, such as "
                f"(Variable(0.1), mS/cm**2); got {given!r}"
            )
        if name in batch:
            raise ParameterError(f"simulated_loss: {name} is a variable and in the batch too")
        variable, per = given
        if variable.ndim > 1:
            raise ParameterError(
                f"simulated_loss: {name} has the shape {variable.shape}; give one number, or one a "
                "row"
            )
        batch[name] = Quantity(np.atleast_1d(variable.value) * float(per), dim=get_dimensions(per))
    found = differentiate(neuron, duration, loss, list(parameters), batch=batch, **arguments)
    if get_dimensions(unit) != get_dimensions(found.value):
        raise ParameterError(
            f"simulated_loss: the loss is a quantity such as {loss.like}, which cannot be told in "
            f"{unit}"
        )
    total = Variable(np.asarray(found.value / unit, dtype=float))
    for (variable, per), slope in zip(parameters.values(), found.derivatives.values(), strict=True):
        in_units = np.asarray(slope, dtype=float) * float(per) / float(unit)
        total = total + apply("follow_a_run", variable, slope=in_units)
    return total
