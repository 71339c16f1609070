"""The compiled plan: a network, a loss and an optimiser, made ready for training.

A plan is the `Workspace` of a training with two things that use it: `Program` has the passes over
a batch, `Update` the way from a gradient to new weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ann.errors import ParameterError, require_number
from ann.network.losses import Loss
from ann.network.network import Network
from ann.plan.optimisers import Optimiser
from ann.plan.program import Program
from ann.plan.threads import Team
from ann.plan.update import Update
from ann.plan.workspace import Workspace

__all__ = ["Plan"]


class Plan(Workspace):
    """A network, a loss and an optimiser, ready to be trained on batches.

    Parameters
    ----------
    network : Network
        Trained in place.
    loss : Loss
        Its link, if it has one, must be the network's output activation.
    optimiser : Optimiser
    l1, l2 : float
        Penalties added to the mean loss: l1 Σ|W| + (l2 / 2) ΣW², biases left out.
    clip_norm : float, optional
        Longest gradient.
    max_norm : float, optional
        Longest vector of weights into a hidden unit.
    batch : int
        Samples of the batches to come, if known: memory is laid out for them.
    rng : numpy.random.Generator, optional
        Source of dropout.

    Attributes
    ----------
    update : Update
        The way from a gradient to the next weights.
    gradient, state, scratch, memory
        See `Workspace`.

    Raises
    ------
    ParameterError
        If loss and output activation do not belong together.

    Examples
    --------
    >>> from ann.network.losses import Quadratic
    >>> from ann.network.calls import run
    >>> from ann.plan.optimisers import SGD
    >>> net = Network.from_arrays([[[1.0]]], [[0.0]], "identity", dtype="float64")
    >>> plan = Plan(net, Quadratic(), SGD())
    >>> program = plan.program(1, np.array([[2.0]]), np.array([[1.0]]))
    >>> run(program.gather + program.learn)
    >>> plan.gradient
    array([2., 1.])
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        optimiser: Optimiser,
        *,
        l1: float = 0.0,
        l2: float = 0.0,
        clip_norm: float | None = None,
        max_norm: float | None = None,
        batch: int = 0,
        rng: np.random.Generator | None = None,
    ) -> None:
        output = network.layers[-1].activation.name
        if loss.link and loss.link != output:
            raise ParameterError(
                f"the {loss.name} loss belongs to a {loss.link} output; this network ends in "
                f"{output}"
            )
        for name, penalty in (("l1", l1), ("l2", l2)):
            require_number(name, penalty, 0.0)
        for name, limit in (("clip_norm", clip_norm), ("max_norm", max_norm)):
            if limit is not None:
                require_number(name, limit, 0.0, low_too=False)
        super().__init__(network, loss, optimiser, batch=batch, rng=rng)
        self.update = Update(self, l1=l1, l2=l2, clip_norm=clip_norm, max_norm=max_norm)

    def program(
        self,
        batch: int,
        X: Any,
        T: np.ndarray,
        weights: np.ndarray | None = None,
        *,
        team: Team | None = None,
    ) -> Program:
        """Compile the passes for batches of one size; see `Program` for the arguments.

        Programs of several sizes share their buffers: compile the largest first.
        """
        return Program(self, batch, X, T, weights, team or Team(1))
