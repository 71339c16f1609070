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

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from ann.errors import ParameterError
from ann.network.activations import Activation
from ann.network.arrays import is_sparse
from ann.network.blas import add_outer
from ann.network.calls import Step
from ann.network.losses import Loss
from ann.network.network import Layer
from ann.plan.batch_norm import NormStep
from ann.plan.threads import Team
from ann.plan.workspace import Workspace

__all__ = ["Program"]


@dataclass
class _LayerPass:
    """One layer's part of a batch; the forward pass leaves here what the backward pass reads."""

    layer: Layer
    rows: slice  # the layer's units among those of all layers
    z: np.ndarray  # its sums, then its outputs
    delta: np.ndarray  # derivative of the loss by its sums
    fed: np.ndarray  # what the layer above reads: outputs, or what dropout left of them
    slope_source: np.ndarray  # what the slope is computed from: outputs, or sums
    mask: np.ndarray | None = None
    norm: NormStep | None = None


class Program:
    """Forward and backward pass for batches of one size, compiled.

    Parameters
    ----------
    space : Workspace
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
    output : ndarray of shape (n_outputs, batch)
        What the loss reads; after `learn`, its derivative.
    gather, learn : list of Step
    """

    def __init__(
        self,
        space: Workspace,
        batch: int,
        X: Any,
        T: np.ndarray,
        weights: np.ndarray | None,
        team: Team,
    ) -> None:
        network, loss = space.network, space.loss
        self.batch, self._space, self._team = batch, space, team
        self.is_sparse = is_sparse(X)
        self.index = np.zeros(batch, np.intp)
        self.record = np.zeros((loss.rows, batch), network.dtype)
        self.gather: list[Step] = []
        self.learn: list[Step] = []

        # The outputs of each layer, one row a unit and one column a sample. All layers lie in one
        # buffer, so that all biases' gradients are one call, and in small networks all slopes.
        ends = list(accumulate(network.sizes[1:], initial=0))
        self._outputs = space.buffer("outputs", (ends[-2], batch))
        self._deltas = space.buffer("deltas", (ends[-1], batch))
        self._ones = np.ones(batch, network.dtype)
        self._passes: list[_LayerPass] = []
        for layer, (start, end) in zip(network.layers, pairwise(ends), strict=True):
            rows = slice(start, end)
            delta = self._deltas[rows]
            z = delta if end == ends[-1] else self._outputs[rows]
            self._passes.append(_LayerPass(layer, rows, z, delta, z, z))
        self.output = self._passes[-1].z

        target, scale = self._gather(X, T, weights)
        self._forward()
        self._loss(target, scale)
        self._backward()
        if team.helpers:
            self.gather.insert(0, (team.begin_step, ()))

    def _gather(
        self, X: Any, T: np.ndarray, weights: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Copy the batch's rows; return where targets and the factors on the loss will be."""
        dtype, sizes = self._space.network.dtype, self._space.network.sizes
        self.x: Any = None
        if self.is_sparse:
            self.gather.append((self._gather_sparse, (X,)))
        else:
            self.x = self._space.buffer("x", (self.batch, sizes[0]))
            # mode="clip" writes straight into the buffer; the default makes a copy first.
            self.gather.append((X.take, (self.index, 0, self.x, "clip")))
        target = self._space.buffer("target", (self.batch, sizes[-1]))
        self.gather.append((T.take, (self.index, 0, target, "clip")))
        scale: np.ndarray = np.array(1.0 / self.batch, dtype)
        if weights is not None:
            scale = np.empty(self.batch, dtype)
            share = (weights / self.batch).astype(dtype)
            self.gather.append((share.take, (self.index, 0, scale, "clip")))
        return target, scale

    def _forward(self) -> None:
        """Z = Wᵀ A + b of each layer, A = f(Z) of the hidden ones."""
        space = self._space
        below: np.ndarray | None = None if self.is_sparse else self.x.T
        for i, part in enumerate(self._passes):
            layer, z = part.layer, part.z
            if below is None:
                self.learn.append((self._sparse_product, (layer.weights, z)))
            else:
                self.learn += self._team.product(layer.weights.T, below, z)
            self.learn.append(add_outer(z, layer.bias, self._ones))
            if layer.norm is not None:
                part.norm = NormStep(space, i, layer.norm, z)
                self.learn.append((part.norm.forward, ()))
            if part is self._passes[-1]:
                return  # the loss takes it from here
            if layer.activation.keeps_input:
                part.slope_source = space.buffer(f"input {i}", z.shape)
                self.learn.append((np.copyto, (part.slope_source, z)))
            self.learn += layer.activation.steps(z)
            if layer.dropout:
                part.mask = space.buffer(f"mask {i}", z.shape)
                part.fed = space.buffer(f"fed {i}", z.shape)
                self.learn += _dropout_steps(layer.dropout, part.mask, space.rng)
                self.learn.append((np.multiply, (z, part.mask, part.fed)))
            below = part.fed

    def _loss(self, target: np.ndarray, scale: np.ndarray) -> None:
        """D = dL/dZ of the last layer, divided by the batch size."""
        loss, out = self._space.loss, self.output
        if loss.link:
            self.learn += loss.steps(out, target.T, self.record)
        else:
            self._unlinked_loss(loss, self._passes[-1].layer.activation, target)
        self.learn.append((np.multiply, (out, scale, out)))

    def _backward(self) -> None:
        """dWᵀ = D Aᵀ and D below = (W D) · f'(Z below), from the last layer to the first."""
        network, gradient = self._space.network, self._space.gradient
        slopes = self._all_slopes()
        for i in reversed(range(len(self._passes))):
            part = self._passes[i]
            layer, delta = part.layer, part.delta
            if part.mask is not None:
                self.learn.append((np.multiply, (delta, part.mask, delta)))
            if part is self._passes[-1]:
                pass  # the loss has taken the slope of the output
            elif slopes is not None:
                self.learn.append((np.multiply, (delta, slopes[part.rows], delta)))
            elif layer.activation.name != "identity":
                self.learn += _times_slope(
                    delta, layer.activation, part.slope_source, self._space.scratch
                )
            if part.norm is not None:
                self.learn.append((part.norm.backward, (delta,)))
            of_weights = network.parts(i, gradient).weights
            if i == 0 and self.is_sparse:
                self.learn.append((self._sparse_gradient, (delta, of_weights)))
            else:
                below = self._passes[i - 1].fed.T if i else self.x
                # From the last row to the first: the update begins with what was written last.
                self.learn += reversed(self._team.product(delta, below, of_weights.T))
            if i:
                self.learn += self._team.product(layer.weights, delta, self._passes[i - 1].delta)
        # A product with ones is several times faster than a sum over rows.
        biases = gradient[network.n_weights :][: network.n_biases]
        self.learn.append((np.dot, (self._deltas, self._ones, biases)))

    def _all_slopes(self) -> np.ndarray | None:
        """Slopes of all hidden layers at once, where they fit a scratch that stays in the cache."""
        scratch, hidden = self._space.scratch, self._passes[:-1]
        kinds = {part.layer.activation for part in hidden}
        if len(kinds) != 1 or not 0 < self._outputs.size <= scratch.size:
            return None
        kind = kinds.pop()
        if kind.keeps_input:
            return None
        slopes = scratch[: self._outputs.size].reshape(self._outputs.shape)
        self.learn += kind.slope_steps(self._outputs, slopes)
        return slopes

    def _gather_sparse(self, X: Any) -> None:
        self.x = X[self.index]

    def _sparse_product(self, weights: np.ndarray, z: np.ndarray) -> None:
        z[...] = (self.x @ weights).T

    def _sparse_gradient(self, delta: np.ndarray, gradient: np.ndarray) -> None:
        gradient[...] = self.x.T @ delta.T

    def _unlinked_loss(self, loss: Loss, output: Activation, target: np.ndarray) -> None:
        """A loss on the output itself: its derivative times the slope of the activation."""
        out = self.output
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
