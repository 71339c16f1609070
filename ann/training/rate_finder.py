"""Which learning rate? Try all of them once, from far too small to far too large.

The rate grows from batch to batch by a constant factor while the loss is noted (Smith, 2017,
WACV). Where the loss falls fastest, learning is quick; where it turns upwards, it is too quick.
The network that was given is left as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ann.display import axes_or_new
from ann.errors import ParameterError
from ann.network.calls import run
from ann.plan.plan import Plan
from ann.plan.threads import Team
from ann.training.trainer import Trainer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RateCurve", "find_learning_rate"]


@dataclass(frozen=True)
class RateCurve:
    """Loss against learning rate.

    Attributes
    ----------
    rates : ndarray
        Tried, growing.
    losses : ndarray
        Of the batches, smoothed.
    suggestion : float
        A tenth of the rate at which the loss was lowest: there it has already begun to turn.
    """

    rates: np.ndarray
    losses: np.ndarray
    suggestion: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the curve with the suggestion marked; returns the axes."""
        ax = axes_or_new(ax)
        ax.semilogx(self.rates, self.losses)
        ax.axvline(
            self.suggestion, color="C1", linestyle="--", label=f"suggested: {self.suggestion:.2g}"
        )
        ax.set(xlabel="learning rate", ylabel="loss (mean over rows, smoothed)")
        ax.legend()
        return ax


def find_learning_rate(
    trainer: Trainer,
    X: Any,
    T: np.ndarray,
    *,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 150,
    smoothing: float = 0.9,
) -> RateCurve:
    """Train a copy with a growing rate and note the loss.

    Parameters
    ----------
    trainer : Trainer
        Its network, loss, optimiser and batch size are used; nothing of it is changed, except
        that its generator moves on.
    X : ndarray or CSR matrix of shape (n, n_inputs)
    T : ndarray of shape (n, n_outputs)
    lowest, highest : float
        Range of rates.
    steps : int
        How many batches.
    smoothing : float
        Weight of the past in the running mean of the losses, in [0, 1).

    Returns
    -------
    RateCurve

    Raises
    ------
    ParameterError
        If the range is empty or there are fewer than ten steps.

    Examples
    --------
    >>> from ann.network.losses import Quadratic
    >>> from ann.network.network import Network
    >>> from ann.plan.optimisers import SGD
    >>> net = Network([1, 1], "identity", rng=0)
    >>> trainer = Trainer(Plan(net, Quadratic(), SGD()), batch_size=8, rng=np.random.default_rng(0))
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> 0.01 < find_learning_rate(trainer, X, 3 * X).suggestion < 2
    True
    """
    if not 0 < lowest < highest or steps < 10:
        raise ParameterError(
            f"rates must grow from above 0 in at least 10 steps; got {lowest} to {highest} in "
            f"{steps}"
        )
    plan = Plan(trainer.network.copy(), trainer.plan.loss, trainer.plan.optimiser, rng=trainer.rng)
    X, T, _ = trainer._prepared(X, T, None)
    n = X.shape[0]
    size = min(trainer.batch_size, n)
    program = plan.program(size, X, T)
    rates = np.geomspace(lowest, highest, steps)
    table = plan.optimiser.table(1, rates).astype(plan.network.dtype)
    losses: list[float] = []
    mean = 0.0
    with Team(1), np.errstate(all="ignore"):
        for i, row in enumerate(table):
            program.index[:] = trainer.rng.choice(n, size, replace=False)
            plan.update.now[:] = row
            run(program.gather)
            run(program.learn)
            run(plan.update.steps)
            mean = smoothing * mean + (1 - smoothing) * float(
                plan.loss.from_record(program.record).mean()
            )
            losses.append(mean / (1 - smoothing ** (i + 1)))
            if not np.isfinite(losses[-1]) or losses[-1] > 4 * min(losses):
                break
    curve = np.array(losses)
    finite = np.where(np.isfinite(curve), curve, np.inf)
    return RateCurve(rates[: len(curve)], curve, float(rates[int(np.argmin(finite))] / 10))
