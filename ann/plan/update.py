"""From a gradient to the next weights, as a list of NumPy calls in the order that matters.

Penalties join the gradient, the gradient is clipped, decoupled decay shrinks the weights, the
optimiser moves the parameters in stretches small enough to stay in the cache, and each unit's
incoming weights are cut to their largest norm.
"""

from __future__ import annotations

import numpy as np

from ann.network.blas import add_scaled
from ann.network.calls import Step
from ann.plan.workspace import STRETCH, Workspace

__all__ = ["Update"]


class Update:
    """Everything between a gradient and the next weights, compiled.

    In this order: penalties join the gradient, the gradient is clipped, decoupled decay shrinks
    the weights, the optimiser moves the parameters, and each unit's incoming weights are cut to
    their largest norm.
    """

    def __init__(
        self,
        space: Workspace,
        *,
        l1: float,
        l2: float,
        clip_norm: float | None,
        max_norm: float | None,
    ) -> None:
        network, p, g = space.network, space.network.parameters, space.gradient
        scratch = space.scratch
        self.now = np.zeros(space.optimiser.scalars, network.dtype)
        self.steps: list[Step] = []
        weights = slice(network.n_weights)
        if l2:
            self.steps.append(add_scaled(g[weights], p[weights], l2))
        for start in range(0, network.n_weights, STRETCH) if l1 else ():
            c = slice(start, min(start + STRETCH, network.n_weights))
            s = scratch[: c.stop - c.start]
            self.steps += [(np.sign, (p[c], s)), add_scaled(g[c], s, l1)]
        if clip_norm is not None:
            self.steps.append((_clip, (g, float(clip_norm))))
        if getattr(space.optimiser, "weight_decay", 0.0):
            self.steps.append((np.multiply, (p[weights], self.now[-1:].reshape(()), p[weights])))
        # Stretches of one length need the least scratch, which leaves more of the cache.
        stretch = -(-p.size // -(-p.size // STRETCH))
        stretch += -stretch % 16  # whole lines of the cache
        for start in range(0, p.size, stretch):
            c = slice(start, min(start + stretch, p.size))
            state = {name: vector[c] for name, vector in space.state.items()}
            self.steps += space.optimiser.steps(
                p[c], g[c], state, scratch[: c.stop - c.start], self.now
            )
        if max_norm is not None:
            for layer in network.layers[:-1]:
                self.steps.append((_cut_norms, (layer.weights, float(max_norm))))


def _clip(g: np.ndarray, limit: float) -> None:
    """Shrink the whole gradient to length `limit` where it is longer."""
    length = float(np.sqrt(np.dot(g, g)))
    if length > limit:
        g *= g.dtype.type(limit / length)


def _cut_norms(weights: np.ndarray, limit: float) -> None:
    """Shrink each unit's incoming weights to length `limit` where they are longer."""
    length = np.sqrt(np.einsum("ij,ij->j", weights, weights))
    weights *= np.minimum(1.0, limit / np.maximum(length, np.finfo(weights.dtype).tiny))
