"""L-BFGS: for small data, let a quasi-Newton method see all rows at every step.

It builds an idea of the curvature from its last few gradients and searches along each direction,
so it has no learning rate. SciPy's implementation is used (Byrd, Lu, Nocedal & Zhu, 1995, SIAM J.
Sci. Comput. 16, 1190-1208); the compiled plan supplies loss and gradient.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from scipy.optimize import minimize

from ann.errors import DivergenceError, ParameterError
from ann.network.calls import run
from ann.network.losses import Loss
from ann.network.network import Network
from ann.plan.optimisers import SGD
from ann.plan.plan import Plan
from ann.plan.program import Program
from ann.plan.threads import Team

__all__ = ["fit_lbfgs"]

#: Rows a pass takes at a time, so that hidden layers of all rows need not fit in memory.
ROWS = 8192


def fit_lbfgs(
    network: Network,
    loss: Loss,
    X: Any,
    T: np.ndarray,
    weights: np.ndarray | None = None,
    *,
    l2: float = 0.0,
    max_iter: int = 200,
    tolerance: float = 1e-6,
    n_threads: int = 1,
) -> list[dict[str, Any]]:
    """Minimise the mean loss plus (l2 / 2) ΣW², in place.

    Parameters
    ----------
    network : Network
        Without dropout and batch normalisation, which make the loss of a point uncertain.
    loss : Loss
    X : ndarray or CSR matrix of shape (n, n_inputs)
        In the network's dtype.
    T : ndarray of shape (n, n_outputs)
        In the network's dtype.
    weights : ndarray of shape (n,), optional
        How much each row counts.
    l2 : float
        Penalty on weights, biases left out.
    max_iter : int
        Largest number of steps.
    tolerance : float
        Largest entry of the gradient at which the minimum counts as reached.
    n_threads : int
        Most threads for one matrix product, see `ann.plan.threads`.

    Returns
    -------
    list of dict
        One record a step: ``epoch``, ``loss`` (penalty left out), ``seconds``.

    Raises
    ------
    ParameterError
        If the network has dropout or batch normalisation.
    DivergenceError
        If the loss is not finite at the start.

    Examples
    --------
    >>> from ann.network.losses import Quadratic
    >>> net = Network([1, 1], "identity", dtype="float64", rng=0)
    >>> steps = fit_lbfgs(net, Quadratic(), np.array([[-1.0], [1.0]]), np.array([[1.0], [5.0]]))
    >>> net.parameters.round(4)
    array([2., 3.])
    """
    if any(layer.dropout or layer.norm is not None for layer in network.layers):
        raise ParameterError("lbfgs cannot train with dropout or batch_norm; use adam")
    plan = Plan(network, loss, SGD())
    n = X.shape[0]
    share = np.full(n, 1.0 / n) if weights is None else weights / weights.sum()
    pieces = np.split(np.arange(n), range(ROWS, n, ROWS))
    programs: dict[int, Program] = {}
    decayed = slice(network.n_weights)
    total = np.zeros(network.parameters.size)
    history: list[dict[str, Any]] = []
    last = {"loss": np.nan}
    began = time.perf_counter()

    def value(p: np.ndarray) -> tuple[float, np.ndarray]:
        network.parameters[...] = p
        total[...] = 0
        mean = 0.0
        for rows in pieces:
            program = programs[len(rows)]
            program.index[:] = rows
            run(program.gather)
            run(program.learn)
            total[...] += plan.gradient
            mean += float(share[rows] @ loss.from_record(program.record))
        last["loss"] = mean
        if l2:
            w = network.parameters[decayed]
            total[decayed] += l2 * w
            mean += 0.5 * l2 * float(np.sum(np.square(w, dtype=np.float64)))
        return mean, total

    def note(_: np.ndarray) -> None:
        now = time.perf_counter()
        history.append({"epoch": len(history) + 1, "loss": last["loss"], "seconds": now - began})

    with Team(n_threads) as team, np.errstate(all="ignore"):
        # A program divides by its own batch; weights that undo this add pieces up to the mean.
        for size in sorted(set(map(len, pieces)), reverse=True):
            scaled = (share * size).astype(network.dtype)
            programs[size] = plan.program(size, X, T, scaled, team=team)
        start = network.parameters.astype(np.float64)
        if not np.isfinite(value(start)[0]):
            raise DivergenceError("the loss is not finite at the initial weights; scale the inputs")
        try:
            found = minimize(
                value,
                start,
                jac=True,
                method="L-BFGS-B",
                callback=note,
                options={"maxiter": max_iter, "gtol": tolerance, "ftol": 1e-12, "maxfun": 10**9},
            )
            network.parameters[...] = found.x
        except KeyboardInterrupt:
            warnings.warn(
                f"training interrupted at step {len(history) + 1}; the weights are the last ones",
                stacklevel=2,
            )
    if not history:
        history.append({"epoch": 0, "loss": last["loss"], "seconds": time.perf_counter() - began})
    network.history = history
    return history
