"""The compiled plan: a network, a loss and an optimiser, made ready for training.

A plan owns what training adds to a network: the gradient, the optimiser's vectors, the buffers of
a batch. `Program` has the passes over a batch, `Update` the way from a gradient to new weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ann.errors import ParameterError, require_number
from ann.network.losses import Loss
from ann.network.network import Network
from ann.optimisers import Optimiser
from ann.plan.memory import Room
from ann.plan.program import Program, run
from ann.plan.threads import Team
from ann.plan.update import STRETCH, Update

__all__ = ["Plan", "Program", "Update", "run"]


class Plan:
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
    gradient : ndarray of shape (n_parameters,)
        Of the last batch, laid out like ``network.parameters``.
    state : dict of str to ndarray
        The optimiser's vectors.
    scratch : ndarray
        Room for a passing result, small enough to stay in the cache.
    memory : Room
        Where these and the buffers of a batch lie.

    Raises
    ------
    ParameterError
        If loss and output activation do not belong together.

    Examples
    --------
    >>> from ann.network.losses import Quadratic
    >>> from ann.optimisers import SGD
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
        self.network, self.loss, self.optimiser = network, loss, optimiser
        self.rng = np.random.default_rng() if rng is None else rng
        size, dtype, sizes = network.parameters.size, network.dtype, network.sizes
        per_sample = sizes[0] + 2 * sum(sizes[1:]) + sizes[-1]  # outputs, derivatives; both ends
        entries = (1 + len(optimiser.slots)) * size + STRETCH + batch * per_sample
        self.memory = Room(entries * dtype.itemsize)
        self.gradient = self.memory.zeros(size, dtype)
        self.state = {name: self.memory.zeros(size, dtype) for name in optimiser.slots}
        self.scratch = self.memory.zeros(STRETCH, dtype)
        self.buffers: dict[str, np.ndarray] = {}
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
