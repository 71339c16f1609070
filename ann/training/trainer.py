"""The training loop: epochs of batches, with places where hooks may look and interfere.

    before_fit
      before_epoch
        before_batch    the batch is in `trainer.batch.x` and may still be changed
        after_batch     gradient and new weights are there
      after_epoch       the epoch's record is `trainer.history[-1]`
    after_fit

The batches of an epoch are as equal in size as whole numbers allow, so no sample counts more than
another. Everything chancy comes from one generator, so a trainer put back to a state it saved
continues bit for bit.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.linalg import get_blas_funcs

from ann.errors import DivergenceError, ShapeError, require_whole
from ann.network.arrays import is_sparse
from ann.network.calls import run
from ann.plan.plan import Plan
from ann.plan.program import Program
from ann.plan.threads import Team
from ann.training.schedules import Schedule, resolve_schedule

__all__ = ["Hook", "Trainer"]


class Trainer:
    """Runs a plan over data.

    Parameters
    ----------
    plan : Plan
        Network, loss and optimiser.
    batch_size : int
        Largest number of samples a step.
    schedule : str or callable
        See `ann.training.schedules`.
    hooks : sequence of Hook
        Called in this order.
    rng : numpy.random.Generator, optional
        Order of the samples; by default the plan's.
    shuffle : bool
        Whether each epoch has its own order.
    n_threads : int
        Most threads for one matrix product, see `ann.plan.threads`.

    Attributes
    ----------
    history : list of dict
        One record an epoch: ``epoch``, ``loss`` (mean over the samples, penalties left out),
        ``learning_rate``, ``seconds``, and what hooks add.
    epoch, step : int
        Epochs and updates done.
    stop : str
        Set by a hook, with its reason, to end training after this epoch.
    rate_share : float
        A further factor on the learning rate, for hooks; read at the beginning of each epoch.
    interrupted : bool
        Whether Ctrl-C ended the last fit.

    Examples
    --------
    >>> from ann.network.losses import Quadratic
    >>> from ann.network.network import Network
    >>> from ann.plan.optimisers import SGD
    >>> net = Network([1, 1], "identity", dtype="float64", rng=0)
    >>> trainer = Trainer(Plan(net, Quadratic(), SGD(0.5)), batch_size=2)
    >>> _ = trainer.fit(np.array([[-1.0], [1.0]]), np.array([[1.0], [5.0]]), epochs=40)
    >>> net.layers[0].weights.round(3), net.layers[0].bias.round(3)
    (array([[2.]]), array([3.]))
    """

    def __init__(
        self,
        plan: Plan,
        *,
        batch_size: int = 32,
        schedule: str | Schedule = "constant",
        hooks: Sequence[Hook] = (),
        rng: np.random.Generator | None = None,
        shuffle: bool = True,
        n_threads: int = 1,
    ) -> None:
        self.plan, self.network = plan, plan.network
        self.batch_size = require_whole("batch_size", batch_size, 1)
        self.schedule = resolve_schedule(schedule)
        self.hooks = list(hooks)
        self.rng = plan.rng if rng is None else rng
        self.shuffle, self.n_threads = shuffle, n_threads
        self.history: list[dict[str, Any]] = []
        self.epoch = self.step = 0
        self.rate_share = 1.0
        self.stop = ""
        self.interrupted = False
        self.batch: Program | None = None

    # -- hooks --------------------------------------------------------------------------------
    def call(self, event: str) -> None:
        """Tell every hook that `event`, such as ``"after_epoch"``, has come."""
        for hook in self.hooks:
            getattr(hook, event)(self)

    def _listened(self, event: str) -> bool:
        return any(getattr(type(h), event) is not getattr(Hook, event) for h in self.hooks)

    # -- the loop -----------------------------------------------------------------------------
    def fit(
        self, X: Any, T: np.ndarray, weights: np.ndarray | None = None, *, epochs: int
    ) -> Trainer:
        """Train until `epochs` are done in all, a hook says stop, or Ctrl-C.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n, n_inputs)
        T : ndarray of shape (n, n_outputs)
        weights : ndarray of shape (n,), optional
            Relative weights of the samples.
        epochs : int
            Passes over the data, counted from the trainer's beginning.

        Returns
        -------
        Trainer
            Itself.

        Raises
        ------
        ShapeError
            If the arrays do not fit the network.
        DivergenceError
            If the loss or the parameters stop being finite.
        """
        epochs = require_whole("epochs", epochs, 0)
        X, T, weights = self._prepared(X, T, weights)
        n = X.shape[0]
        self.stop, self.interrupted = "", False
        self.network.history = self.history
        bounds = _equal_parts(n, self.batch_size)
        with Team(self.n_threads) as team, np.errstate(all="ignore"):
            programs = {
                size: self.plan.program(size, X, T, weights, team=team)
                for size in sorted({b - a for a, b in bounds}, reverse=True)
            }
            try:
                self.call("before_fit")
                while self.epoch < epochs and not self.stop:
                    self._one_epoch(n, bounds, programs, epochs, weights)
            except KeyboardInterrupt:
                self.interrupted = True
                self.stop = "interrupted"
                warnings.warn(
                    f"training interrupted in epoch {self.epoch + 1}; the weights are the best "
                    "of the epochs that were completed",
                    stacklevel=2,
                )
            finally:
                self.batch = None
            self.call("after_fit")
        return self

    def _one_epoch(
        self,
        n: int,
        bounds: list[tuple[int, int]],
        programs: dict[int, Program],
        epochs: int,
        weights: np.ndarray | None,
    ) -> None:
        began = time.perf_counter()
        self.call("before_epoch")
        plan, now = self.plan, self.plan.update.now
        order = self.rng.permutation(n) if self.shuffle else np.arange(n)
        # Inside a batch the order is of no effect, and rows in memory order come faster.
        for a, b in bounds if n > 100_000 else ():
            order[a:b].sort()
        progress = (self.step + np.arange(len(bounds))) / (epochs * len(bounds))
        rates = (
            plan.optimiser.learning_rate
            * self.rate_share
            * self.schedule(np.minimum(progress, 1.0))
        )
        table = plan.optimiser.table(self.step + 1, rates).astype(self.network.dtype, "C")
        record = np.empty((plan.loss.rows, n), self.network.dtype)
        watched = self._listened("before_batch") or self._listened("after_batch")
        update = plan.update.steps
        chained = {size: [*p.gather, *p.learn, *update] for size, p in programs.items()}
        for (a, b), row in zip(bounds, table, strict=True):
            program = programs[b - a]
            program.index[:] = order[a:b]
            now[:] = row
            if watched:
                run(program.gather)
                self.batch = program
                self.call("before_batch")
                run(program.learn)
                run(update)
            else:
                run(chained[b - a])
            record[:, a:b] = program.record
            if watched:
                self.call("after_batch")
        self.step += len(bounds)
        losses = plan.loss.from_record(record)
        if weights is None:
            loss = float(losses.sum() / n)  # np.average takes ten times as long
        else:
            loss = float(np.average(losses, weights=weights[order]))
        self.epoch += 1
        self.history.append(
            {
                "epoch": self.epoch,
                "loss": loss,
                "learning_rate": float(rates[-1]),
                "seconds": time.perf_counter() - began,
            }
        )
        if not (np.isfinite(loss) and _all_finite(self.network.parameters)):
            raise DivergenceError(
                f"training diverged in epoch {self.epoch}: the loss is {loss} with "
                f"{type(plan.optimiser).__name__} at a learning rate of "
                f"{plan.optimiser.learning_rate:g}; try a tenth of it, standardised inputs, or "
                "clip_norm"
            )
        self.call("after_epoch")

    def _prepared(
        self, X: Any, T: np.ndarray, weights: np.ndarray | None
    ) -> tuple[Any, np.ndarray, np.ndarray | None]:
        n_in, n_out = self.network.sizes[0], self.network.sizes[-1]
        X = X.tocsr() if is_sparse(X) else np.asarray(X)
        T = np.asarray(T)
        if X.ndim != 2 or X.shape[1] != n_in or T.shape != (X.shape[0], n_out) or not len(T):
            raise ShapeError(
                f"X {X.shape} and targets {T.shape} for a network of {n_in} inputs and {n_out} "
                f"outputs; expected (n, {n_in}) and (n, {n_out}) with n at least 1"
            )
        dtype = self.network.dtype
        X = X.astype(dtype) if is_sparse(X) else np.ascontiguousarray(X, dtype)
        if weights is not None:
            weights = np.asarray(weights, np.float64)
            if weights.shape != (len(T),) or np.any(weights < 0) or not weights.sum() > 0:
                raise ShapeError(
                    f"sample weights must be {len(T)} numbers of at least 0, not all 0; got "
                    f"shape {weights.shape}"
                )
            weights = weights / weights.mean()
        return X, np.ascontiguousarray(T, dtype), weights


def _all_finite(vector: np.ndarray) -> bool:
    """Whether no number is infinite or missing, without an array of answers."""
    # A sum of sizes is finite only if every term is; in few digits it may overflow by itself.
    total = get_blas_funcs("asum", dtype=vector.dtype)(vector)
    return bool(np.isfinite(total) or np.isfinite(np.sum(vector, dtype=np.float64)))


def _equal_parts(n: int, largest: int) -> list[tuple[int, int]]:
    """Cut n rows into stretches of at most `largest`, the first ones longer by one row at most."""
    parts = -(-n // largest)
    size, longer = divmod(n, parts)
    edges = [i * size + min(i, longer) for i in range(parts + 1)]
    return list(pairwise(edges))


class Hook:
    """Does nothing at every event; override what you need.

    Examples
    --------
    >>> class Shout(Hook):
    ...     def after_epoch(self, trainer):
    ...         print(trainer.epoch, round(trainer.history[-1]["loss"], 2))
    """

    def before_fit(self, trainer: Trainer) -> None: ...
    def before_epoch(self, trainer: Trainer) -> None: ...
    def before_batch(self, trainer: Trainer) -> None: ...
    def after_batch(self, trainer: Trainer) -> None: ...
    def after_epoch(self, trainer: Trainer) -> None: ...
    def after_fit(self, trainer: Trainer) -> None: ...

    def state(self) -> dict[str, Any]:
        """What a checkpoint must keep: numbers, texts and arrays."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """Take back what `state` gave."""
