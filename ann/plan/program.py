"""The passes of one batch size as a list of NumPy calls with every array already bound.

The graph builds itself anew for every batch, which is right for understanding and slow for
training. For dense layers the steps are always the same, so they are written down once:

    forward   Z = Wᵀ A + b    with A the outputs of the layer below
    loss      D = dL/dZ of the last layer, already divided by the batch size
    backward  dWᵀ = D Aᵀ,  D below = (W D) · f'(Z below), from the last layer to the first
              db = D 1, of all layers at once

Samples are columns and Wᵀ is what lies in memory: a sum over units runs along memory, every
buffer is contiguous, and the products have the shapes that linear algebra libraries do best.
Nothing is allocated after the list is made. Tests compare every number with the graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ann.errors import ParameterError
from ann.network.activations import Activation, Step
from ann.network.arrays import is_sparse
from ann.network.blas import add_outer
from ann.network.losses import Loss
from ann.plan.batch_norm import NormStep
from ann.plan.threads import Team

if TYPE_CHECKING:
    from ann.plan.plan import Plan

__all__ = ["Program", "run"]


def run(steps: list[Step]) -> None:
    """Carry out a list of calls.

    Parameters
    ----------
    steps : list of (function, arguments)

    Examples
    --------
    >>> x = np.array([1.0, 4.0])
    >>> run([(np.sqrt, (x, x))])
    >>> x
    array([1., 2.])
    """
    for function, arguments in steps:
        function(*arguments)


class Program:
    """Forward and backward pass for batches of one size, compiled.

    Parameters
    ----------
    plan : Plan
        Whose network, loss and gradient this works on.
    batch : int
        Number of samples.
    X : ndarray or sparse matrix of shape (n, n_inputs)
        All data, in the network's dtype.
    T : ndarray of shape (n, n_outputs)
        All targets, in the network's dtype.
    weights : ndarray of shape (n,), optional
        Weight of each sample, of mean one.
    team : Team
        Whose threads share large products.

    Attributes
    ----------
    index : ndarray of shape (batch,)
        Rows of the next batch, to be filled in.
    x : ndarray of shape (batch, n_inputs)
        The gathered batch; a hook may change it between `gather` and `learn`.
    record : ndarray
        What the loss left behind, see `Loss.from_record`.
    gather, learn : list of Step
    """

    def __init__(
        self,
        plan: Plan,
        batch: int,
        X: Any,
        T: np.ndarray,
        weights: np.ndarray | None,
        team: Team,
    ) -> None:
        network, loss = plan.network, plan.loss
        dtype, sizes = network.dtype, network.sizes
        self.batch, self._plan = batch, plan
        self.index = np.zeros(batch, np.intp)
        self.record = np.zeros((loss.rows, batch), dtype)
        self.gather: list[Step] = []
        self.learn: list[Step] = []
        self.is_sparse = is_sparse(X)

        # The outputs of each layer, one row a unit and one column a sample. All layers lie in one
        # buffer, so that all biases' gradients are one call, and in small networks all slopes.
        ends = [0, *(int(n) for n in np.cumsum(sizes[1:]))]
        n_hidden = ends[-2]
        outputs = self._buffer("outputs", (n_hidden, batch))
        deltas = self._buffer("deltas", (ends[-1], batch))
        out = deltas[n_hidden:]
        ones = np.ones(batch, dtype)

        # -- gather ------------------------------------------------------------------------------
        self.x: Any = None
        if self.is_sparse:
            self.gather.append((self._gather_sparse, (X,)))
        else:
            self.x = self._buffer("x", (batch, sizes[0]))
            # mode="clip" writes straight into the buffer; the default makes a copy first.
            self.gather.append((X.take, (self.index, 0, self.x, "clip")))
        target = self._buffer("target", (batch, sizes[-1]))
        self.gather.append((T.take, (self.index, 0, target, "clip")))
        scale: np.ndarray = np.array(1.0 / batch, dtype)
        if weights is not None:
            scale = np.empty(batch, dtype)
            share = (weights / batch).astype(dtype)
            self.gather.append((share.take, (self.index, 0, scale, "clip")))

        # -- forward -----------------------------------------------------------------------------
        last = len(network.layers) - 1
        masks: dict[int, np.ndarray] = {}
        fed: list[np.ndarray] = []  # what the layer above reads: outputs, or what dropout left
        kept_inputs: dict[int, np.ndarray] = {}
        norms: dict[int, NormStep] = {}
        for i, layer in enumerate(network.layers):
            z = out if i == last else outputs[ends[i] : ends[i + 1]]
            if i == 0 and self.is_sparse:
                self.learn.append((self._sparse_product, (layer.weights, z)))
            else:
                below = fed[i - 1] if i else self.x.T
                self.learn += team.product(layer.weights.T, below, z)
            self.learn.append(add_outer(z, layer.bias, ones))
            if layer.norm is not None:
                norms[i] = NormStep(plan, i, layer, z)
                self.learn.append((norms[i].forward, ()))
            if i == last:
                break
            if layer.activation.keeps_input:
                kept_inputs[i] = self._buffer(f"input {i}", z.shape)
                self.learn.append((np.copyto, (kept_inputs[i], z)))
            self.learn += layer.activation.steps(z)
            fed.append(z)
            if layer.dropout:
                masks[i] = self._buffer(f"mask {i}", z.shape)
                fed[i] = self._buffer(f"fed {i}", z.shape)
                self.learn += _dropout_steps(layer.dropout, masks[i], plan.rng)
                self.learn.append((np.multiply, (z, masks[i], fed[i])))

        # -- loss --------------------------------------------------------------------------------
        output = network.layers[last].activation
        if loss.link:
            self.learn += loss.steps(out, target.T, self.record)
        else:
            self._unlinked_loss(loss, output, out, target)
        self.learn.append((np.multiply, (out, scale, out)))

        # -- backward ----------------------------------------------------------------------------
        # Slopes go through a scratch that stays in the cache, all at once if they fit.
        slopes = None
        kinds = {layer.activation for layer in network.layers[:last]}
        if len(kinds) == 1 and not kept_inputs and 0 < outputs.size <= plan.scratch.size:
            slopes = plan.scratch[: outputs.size].reshape(outputs.shape)
            self.learn += kinds.pop().slope_steps(outputs, slopes)
        for i in range(last, -1, -1):
            layer, delta = network.layers[i], deltas[ends[i] : ends[i + 1]]
            if i < last:
                if i in masks:
                    self.learn.append((np.multiply, (delta, masks[i], delta)))
                if slopes is not None:
                    self.learn.append((np.multiply, (delta, slopes[ends[i] : ends[i + 1]], delta)))
                elif layer.activation.name != "identity":
                    source = kept_inputs.get(i, outputs[ends[i] : ends[i + 1]])
                    self.learn += _times_slope(delta, layer.activation, source, plan.scratch)
                if i in norms:
                    self.learn.append((norms[i].backward, (delta,)))
            gradient = network.parts(i, plan.gradient).weights
            if i == 0 and self.is_sparse:
                self.learn.append((self._sparse_gradient, (delta, gradient)))
            else:
                below = fed[i - 1].T if i else self.x
                # From the last row to the first: the update begins with what was written last.
                self.learn += reversed(team.product(delta, below, gradient.T))
            if i:
                self.learn += team.product(layer.weights, delta, deltas[ends[i - 1] : ends[i]])
        # A product with ones is several times faster than a sum over rows.
        biases = plan.gradient[network.n_weights :][: network.n_biases]
        self.learn.append((np.dot, (deltas, ones, biases)))
        if team.helpers:
            self.gather.insert(0, (team.begin_step, ()))
        self.output = out

    def _buffer(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Part of an array that programs for batches of all sizes share, one after another."""
        size = int(np.prod(shape))
        store = self._plan.buffers
        if name not in store or store[name].size < size:
            store[name] = self._plan.memory.zeros(size, self._plan.network.dtype)
        return store[name][:size].reshape(shape)

    def _gather_sparse(self, X: Any) -> None:
        self.x = X[self.index]

    def _sparse_product(self, weights: np.ndarray, z: np.ndarray) -> None:
        z[...] = (self.x @ weights).T

    def _sparse_gradient(self, delta: np.ndarray, gradient: np.ndarray) -> None:
        gradient[...] = self.x.T @ delta.T

    def _unlinked_loss(
        self, loss: Loss, output: Activation, out: np.ndarray, target: np.ndarray
    ) -> None:
        """A loss on the output itself: its derivative times the slope of the activation."""
        if not output.elementwise:
            raise ParameterError(
                f"the {loss.name} loss reads each output on its own and cannot follow "
                f"{output.name}; use cross_entropy"
            )
        source = out
        if output.keeps_input:
            source = np.empty_like(out)
            self.learn.append((np.copyto, (source, out)))
        self.learn += output.steps(out)
        slope = np.empty_like(out)
        self.learn += output.slope_steps(source, slope)
        self.learn += loss.steps(out, target.T, self.record)
        self.learn.append((np.multiply, (out, slope, out)))


def _times_slope(
    delta: np.ndarray, kind: Activation, source: np.ndarray, scratch: np.ndarray
) -> list[Step]:
    """Calls for delta ← delta · f', with f' taken at what `source` holds, stretch by stretch."""
    steps: list[Step] = []
    flat_delta, flat_source = delta.reshape(-1), source.reshape(-1)
    for start in range(0, delta.size, scratch.size):
        d, a = (v[start : start + scratch.size] for v in (flat_delta, flat_source))
        slope = scratch[: d.size]
        steps += [*kind.slope_steps(a, slope), (np.multiply, (d, slope, d))]
    return steps


def _dropout_steps(fraction: float, mask: np.ndarray, rng: np.random.Generator) -> list[Step]:
    """Calls that fill `mask` with 0 (silenced) or 1/(1 - fraction) (kept, scaled up)."""
    keep = np.empty(mask.shape, bool)
    limit = np.array(fraction, np.float32)
    factor = np.array(1.0 / (1.0 - fraction), mask.dtype)
    chance = np.empty(mask.shape, np.float32)
    return [
        (rng.random, (None, np.float32, chance)),
        (np.greater_equal, (chance, limit, keep)),
        (np.multiply, (keep, factor, mask)),
    ]
