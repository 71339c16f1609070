"""What training adds to a network: the gradient, the optimiser's vectors, room for a batch.

The passes of a batch (`ann.plan.program`), batch normalisation within them and the update after
them work on the same arrays; those are here, and know nothing of who uses them.
"""

from __future__ import annotations

import numpy as np

from ann.network.losses import Loss
from ann.network.network import Network
from ann.plan.memory import Room
from ann.plan.optimisers import Optimiser

__all__ = ["STRETCH", "Workspace"]

#: Most entries of a vector updated at a time: five such stretches fit a cache of 2 MB.
STRETCH = 65_536


class Workspace:
    """A network, a loss and an optimiser, and the arrays that training them needs.

    Parameters
    ----------
    network : Network
        Trained in place.
    loss : Loss
    optimiser : Optimiser
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

    Examples
    --------
    >>> from ann.network.losses import Quadratic
    >>> from ann.plan.optimisers import Momentum
    >>> space = Workspace(Network([2, 1], "identity"), Quadratic(), Momentum())
    >>> space.gradient, list(space.state)
    (array([0., 0., 0.], dtype=float32), ['velocity'])
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        optimiser: Optimiser,
        *,
        batch: int = 0,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.network, self.loss, self.optimiser = network, loss, optimiser
        self.rng = np.random.default_rng() if rng is None else rng
        size, dtype, sizes = network.parameters.size, network.dtype, network.sizes
        per_sample = sizes[0] + 2 * sum(sizes[1:]) + sizes[-1]  # outputs, derivatives; both ends
        entries = (1 + len(optimiser.slots)) * size + STRETCH + batch * per_sample
        self.memory = Room(entries * dtype.itemsize)
        self.gradient = self.memory.zeros(size, dtype)
        self.state = {name: self.memory.zeros(size, dtype) for name in optimiser.slots}
        self.scratch = self.memory.zeros(STRETCH, dtype)
        self._buffers: dict[str, np.ndarray] = {}

    def buffer(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Part of an array that batches of all sizes share, one after another.

        Parameters
        ----------
        name : str
            The same name gives the same memory; ask for the largest shape first.
        shape : tuple of int

        Returns
        -------
        ndarray
            In the network's dtype.
        """
        size = int(np.prod(shape))
        if name not in self._buffers or self._buffers[name].size < size:
            self._buffers[name] = self.memory.zeros(size, self.network.dtype)
        return self._buffers[name][:size].reshape(shape)
