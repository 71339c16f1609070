"""The passes of one batch size as a list of NumPy calls with every array already bound.

The graph builds itself anew for every batch, which is right for understanding and slow for
training. For dense layers the steps are always the same, so they are written down once:

    forward   Z = Wᵀ A    with A the outputs of the layer below, a row of ones under it for b
    loss      D = dL/dZ of the last layer, already divided by the batch size
    backward  dW = A Dᵀ,  D below = (W D) · f'(Z below), from the last layer to the first

Samples are columns: with the bias as last row of W and the ones as last row of A, a bias costs
nothing, a sum over units runs along memory, and every buffer is contiguous. Nothing is allocated
after the list is made. Tests compare every number with the graph.
"""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ann.activations import Activation, Step
from ann.arrays import is_sparse
from ann.batch_norm import NormStep
from ann.errors import ParameterError
from ann.losses import Loss
from ann.network import Layer
from ann.threads import Team

if TYPE_CHECKING:
    from ann.plan import Plan

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
        self.batch, self._plan, self._team = batch, plan, team
        self.index = np.zeros(batch, np.intp)
        self.record = np.zeros((loss.rows, batch), dtype)
        self.gather: list[Step] = []
        self.learn: list[Step] = []
        self.is_sparse = is_sparse(X)

        # One block a hidden layer: its outputs, one column a sample, over a row of ones. All
        # blocks lie in one buffer, so that slopes of equal activations are one call.
        hidden = sizes[1:-1]
        ends = np.cumsum([0, *((n + 1) * batch for n in hidden)])
        outputs, slopes, deltas = (
            self._buffer(name, (int(ends[-1]),)) for name in ("outputs", "slopes", "deltas")
        )

        def blocks(buffer: np.ndarray) -> list[np.ndarray]:
            return [buffer[a:b].reshape(-1, batch) for a, b in pairwise(ends)]

        full, slope_of, delta_of = blocks(outputs), blocks(slopes), blocks(deltas)
        self.ones = [block[-1] for block in full]
        out = self._buffer("out", (sizes[-1], batch))

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
        fed = list(full)  # what the layer above reads: the outputs, or what dropout left of them
        kept_inputs: dict[int, np.ndarray] = {}
        norms: dict[int, NormStep] = {}
        for i, layer in enumerate(network.layers):
            z = out if i == last else full[i][:-1]
            if i == 0:
                self._first_layer(layer, z)
            else:
                self.learn.append(team.product(network.block(i).T, fed[i - 1], z))
            if layer.norm is not None:
                norms[i] = NormStep(plan, i, layer, z)
                self.learn.append((norms[i].forward, ()))
            if i == last:
                break
            if layer.activation.keeps_input:
                kept_inputs[i] = self._buffer(f"input {i}", z.shape)
                self.learn.append((np.copyto, (kept_inputs[i], z)))
            self.learn += layer.activation.steps(z)
            if layer.dropout:
                masks[i] = self._buffer(f"mask {i}", z.shape)
                fed[i] = self._buffer(f"fed {i}", full[i].shape)
                self.ones.append(fed[i][-1])
                self.learn += _dropout_steps(layer.dropout, masks[i], plan.rng)
                self.learn.append((np.multiply, (z, masks[i], fed[i][:-1])))

        # -- loss --------------------------------------------------------------------------------
        output = network.layers[last].activation
        if loss.link:
            self.learn += loss.steps(out, target.T, self.record)
        else:
            self._unlinked_loss(loss, output, out, target)
        self.learn.append((np.multiply, (out, scale, out)))

        # -- backward ----------------------------------------------------------------------------
        def same(i: int) -> Activation:
            return network.layers[i].activation

        for kind, group in groupby(range(last), same):
            members = list(group)
            if kind.keeps_input:
                for i in members:
                    self.learn += kind.slope_steps(kept_inputs[i], slope_of[i][:-1])
            elif kind.name != "identity":
                a, b = ends[members[0]], ends[members[-1] + 1]
                self.learn += kind.slope_steps(outputs[a:b], slopes[a:b])
        for i in range(last, -1, -1):
            layer = network.layers[i]
            delta = out if i == last else delta_of[i][:-1]
            if i < last:
                if i in masks:
                    self.learn.append((np.multiply, (delta, masks[i], delta)))
                if layer.activation.name != "identity":
                    self.learn.append((np.multiply, (delta, slope_of[i][:-1], delta)))
                if i in norms:
                    self.learn.append((norms[i].backward, (delta,)))
            gradient = network.block(i, plan.gradient)
            if i == 0:
                self._first_gradient(delta, gradient)
            else:
                self.learn.append(team.product(fed[i - 1], delta.T, gradient))
                self.learn.append(team.product(layer.weights, delta, delta_of[i - 1][:-1]))
        self.output = out
        self.refresh()

    def _buffer(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Part of an array that programs for batches of all sizes share, one after another."""
        size = int(np.prod(shape))
        store = self._plan.buffers
        if name not in store or store[name].size < size:
            store[name] = np.zeros(size, self._plan.network.dtype)
        return store[name][:size].reshape(shape)

    def refresh(self) -> None:
        """Put the ones back under the outputs, where a program of another size wrote over them."""
        for row in self.ones:
            row[...] = 1

    def _first_layer(self, layer: Layer, z: np.ndarray) -> None:
        if self.is_sparse:
            self.learn.append((self._sparse_product, (layer.weights, z)))
        else:
            self.learn.append(self._team.product(layer.weights.T, self.x.T, z))
        self.learn.append((np.add, (z, layer.bias[:, None], z)))

    def _first_gradient(self, delta: np.ndarray, gradient: np.ndarray) -> None:
        if self.is_sparse:
            self.learn.append((self._sparse_gradient, (delta, gradient[:-1])))
        else:
            self.learn.append(self._team.product(self.x.T, delta.T, gradient[:-1]))
        # A product with ones is several times faster than a sum over rows.
        self.learn.append((np.dot, (delta, np.ones(self.batch, delta.dtype), gradient[-1])))

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
