"""The exact optimum of a single layer: Newton's method without ever forming the Hessian.

The penalised loss of logistic regression is convex, so it has one minimum and there is no excuse
for stopping short of it. Columns are centred and scaled first (`ann.training.column_centring`).
Each Newton step solves H s = -g by conjugate gradients, preconditioned by the curvature averaged
over the classes, and only as exactly as the distance to the minimum deserves (Dembo, Eisenstat &
Steihaug, 1982, SIAM J. Numer. Anal. 19, 400-408). Products with H are in single precision as long
as that can solve the equation, and in double where columns are nearly combinations of each other.
Losses, gradients and the test that ends the search are in double precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import get_lapack_funcs, lapack

from ann.network.arrays import is_sparse
from ann.training.column_centring import CentredColumns, centre_columns

__all__ = ["Optimum", "minimise_cross_entropy"]

#: Up to this many inputs the preconditioner is a full matrix, beyond it a diagonal.
FULL_MATRIX = 600
#: Single precision solves a step if the preconditioner is at least so far from singular, in
#: LAPACK's estimate of 1 / condition number, and leaves at most so much of the gradient.
SINGLE_PRECISION = 1e-5
UNSOLVED = 0.5
#: From this step on single precision is no longer trusted: Newton's method needs about ten.
MANY_STEPS = 25
#: So near, relative to the loss, curvatures hardly change, and the last preconditioner will do.
SETTLED = 1e-3
#: Squared Newton decrement, relative to the loss, at which coefficients have eight digits.
EIGHT_DIGITS = 1e-18
#: A fall of the loss by less than this fraction is lost in its rounding.
ROUNDING = 1e-10


@dataclass(frozen=True)
class Optimum:
    """Where the minimum lies.

    Attributes
    ----------
    weights : ndarray of shape (n_inputs, n_outputs)
    bias : ndarray of shape (n_outputs,)
    loss : float
        Summed loss plus penalty there.
    iterations : int
        Newton steps taken.
    converged : bool
    columns : CentredColumns
        The columns as the search saw them.
    gradient : ndarray of shape (n_inputs + intercept, n_outputs)
        What is left of the gradient there, for these columns.
    """

    weights: np.ndarray
    bias: np.ndarray
    loss: float
    iterations: int
    converged: bool
    columns: CentredColumns
    gradient: np.ndarray


def minimise_cross_entropy(
    X: Any,
    T: np.ndarray,
    l2: float,
    *,
    exclusive: bool,
    sample_weight: np.ndarray | None = None,
    intercept: bool = True,
    start: np.ndarray | None = None,
    tolerance: float = 1e-10,
    max_iter: int = 100,
) -> Optimum:
    """Minimise Σ_i w_i L(x_i W + b, t_i) + (l2 / 2) ΣW².

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, n_inputs)
        In double precision.
    T : ndarray of shape (n, n_outputs)
        Targets in [0, 1]; rows that sum to one if `exclusive`.
    l2 : float
        Penalty, at least 0.
    exclusive : bool
        Softmax over the outputs; otherwise a sigmoid for each.
    sample_weight : ndarray of shape (n,), optional
    intercept : bool
        Whether there is a b, which is not penalised.
    start : ndarray of shape (n_inputs + intercept, n_outputs), optional
        Where to begin, b as last row.
    tolerance : float
        Of the squared Newton decrement, which is twice the distance to the minimal loss, relative
        to that loss.
    max_iter : int
        Largest number of Newton steps.

    Returns
    -------
    Optimum

    Examples
    --------
    Without inputs that tell anything, b alone reproduces the frequencies: log(3 / 1).

    >>> found = minimise_cross_entropy(
    ...     np.zeros((4, 1)), np.array([[1.0], [1], [1], [0]]), 1.0, exclusive=False)
    >>> found.bias.round(4), found.weights
    (array([1.0986]), array([[0.]]))
    """
    T = np.asarray(T)
    weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
    if weights is not None and not np.all(weights > 0):
        # A row that does not count must not decide on centre and size of a column either.
        counted = weights > 0
        X, T, weights = X[counted], T[counted], weights[counted]
    columns = centre_columns(X, weights, l2, intercept)
    penalty = np.zeros((len(columns.unit) + intercept, 1))
    penalty[: len(columns.unit), 0] = l2 / columns.unit / columns.unit
    weight = None if weights is None else weights[:, None]
    problem = _Problem(columns.matrix, T, weight, penalty, exclusive)
    W = np.zeros((len(penalty), T.shape[1])) if start is None else columns.own(start)
    found = _search(problem, W, tolerance, max_iter)
    W = found.W
    if exclusive:
        # A constant added to all classes changes nothing; the penalty wants a mean of zero.
        W = W - W.mean(axis=1, keepdims=True)
    weights_of, bias = columns.raw(W)
    return Optimum(
        weights_of, bias, found.loss, found.steps, found.converged, columns, found.gradient
    )


@dataclass
class _Search:
    """Where the search stands."""

    W: np.ndarray
    loss: float
    gradient: np.ndarray
    steps: int = 0
    converged: bool = False


def _search(problem: _Problem, W: np.ndarray, tolerance: float, max_iter: int) -> _Search:
    """Take Newton steps until the decrement says that the minimum is reached."""
    loss, P = problem.loss(W)
    now = _Search(W, loss, problem.gradient(W, P))
    precise, first = False, loss
    while np.isfinite(now.loss):
        step = problem.newton_step(P, now.gradient, now.loss, precise)
        # Coefficients that a strong penalty keeps small matter little to the loss itself.
        gained = min(now.loss, first - now.loss) if now.steps else now.loss
        near = step.decrement <= tolerance * gained
        doubted = near or now.steps >= MANY_STEPS
        if not (precise or (step.solved and not (doubted and problem.leaves_much(P, now, step)))):
            precise = True
            continue
        if not np.isfinite(step.decrement):
            break
        if not near and now.steps == max_iter:
            break
        found = _descend(problem, now, step)
        if found is None:
            # Rounding hides any further descent: this is the minimum as well as it is known.
            now.converged = step.decrement <= max(tolerance, ROUNDING) * now.loss
            if now.converged or precise:
                break
            precise = True
            continue
        # The last step is taken, too: it was solved for, and brings eight digits.
        now, P = found
        if near:
            now.converged = True
            break
    return now


def _descend(problem: _Problem, now: _Search, step: _Step) -> tuple[_Search, np.ndarray] | None:
    """Go along a step as far as the loss falls; None where it does not."""
    length = 1.0
    hidden = step.decrement <= ROUNDING * now.loss
    while length >= (1.0 if hidden else 1e-10):
        W = now.W + length * step.direction
        loss, P = problem.loss(W)
        if hidden or loss <= now.loss - 1e-4 * length * step.decrement:
            gradient = problem.gradient(W, P)
            # Near the minimum the slope tells what the loss is too coarse for (Hager & Zhang,
            # 2005, SIAM J. Optim. 16, 170-192).
            slope = float(np.vdot(gradient, step.direction))
            if not hidden or abs(slope) <= 0.5 * step.decrement:
                return _Search(W, loss, gradient, now.steps + 1), P
        length *= 0.5
    return None


def _exactness(far: float) -> float:
    """What may be left of the gradient, by how far the minimum is, relative to its loss.

    Far off little is gained by an exact step. Near the minimum a Newton step squares the distance
    anyway, so it is solved to that, or to where coefficients have eight digits.
    """
    if far > 1e-6:
        return float(min(0.3, far**0.25))
    return float(min(0.3, max(far**0.5, (EIGHT_DIGITS / far) ** 0.5)))


@dataclass
class _Step:
    """A Newton step.

    Attributes
    ----------
    direction : ndarray of shape (n_columns, n_outputs)
    decrement : float
        g·H⁻¹g, twice the distance to the minimal loss.
    solved : bool
        Whether the precision suffices to solve for it.
    solve : callable
        The preconditioner.
    """

    direction: np.ndarray
    decrement: float
    solved: bool
    solve: Callable[[np.ndarray], np.ndarray]


@dataclass
class _Problem:
    """Loss, gradient and Newton step for one set of data."""

    A: Any
    T: np.ndarray
    weight: np.ndarray | None
    penalty: np.ndarray
    exclusive: bool

    def __post_init__(self) -> None:
        self.full = self.A.shape[1] <= FULL_MATRIX
        self._copies: dict[Any, tuple[Any, Any, np.ndarray]] = {}
        self._last: tuple[Any, Any, float] | None = None
        self._far = np.inf

    def _in(self, dtype: Any) -> tuple[Any, Any, np.ndarray]:
        """The columns, the same turned over, and the penalty, in some precision."""
        if dtype not in self._copies:
            A = self.A.astype(dtype, copy=False)
            turned = A.T.tocsr() if is_sparse(A) else A.T
            self._copies[dtype] = A, turned, self.penalty.astype(dtype)
        return self._copies[dtype]

    def loss(self, W: np.ndarray) -> tuple[float, np.ndarray]:
        """Penalised loss and the predicted probabilities."""
        Z = np.asarray(self.A @ W)
        weight = self.weight
        if self.exclusive:
            Z -= Z.max(axis=1, keepdims=True)
            right = np.einsum("ij,ij->i", Z, self.T)
            P = np.exp(Z, out=Z)
            total = P.sum(axis=1, keepdims=True)
            each = np.log(total[:, 0]) - right
            P /= total
        else:
            tail = np.exp(-np.abs(Z))
            each = (np.maximum(Z, 0) + np.log1p(tail) - Z * self.T).sum(axis=1)
            P = np.where(Z >= 0, 1.0, tail) / (1.0 + tail)
        value = float(each.sum() if weight is None else weight[:, 0] @ each)
        return value + 0.5 * float(np.sum(self.penalty * W * W)), P

    def gradient(self, W: np.ndarray, P: np.ndarray) -> np.ndarray:
        error = P - self.T
        if self.weight is not None:
            error *= self.weight
        return np.asarray(self.A.T @ error + self.penalty * W)

    def curved(self, D: np.ndarray, P: np.ndarray, V: np.ndarray) -> np.ndarray:
        """H D for probabilities P and curvatures V, in the precision of D."""
        A, AT, penalty = self._in(D.dtype)
        U = np.asarray(A @ D)
        if self.exclusive:
            U -= np.einsum("ij,ij->i", U, P)[:, None]
            U *= P if self.weight is None else P * self.weight.astype(D.dtype)
        else:
            U *= V
        return np.asarray(AT @ U + penalty * D)

    def curvature(self, P: np.ndarray) -> np.ndarray:
        """Second derivative of each row's loss by its own sum."""
        V = P * (1.0 - P)
        return V if self.weight is None else V * self.weight

    def leaves_much(self, P: np.ndarray, now: _Search, step: _Step) -> bool:
        """Whether a step leaves more of the gradient than it should, by double precision."""
        left = now.gradient + self.curved(step.direction, P, self.curvature(P))
        return float(np.vdot(left, step.solve(left))) > UNSOLVED * step.decrement

    def newton_step(self, P: np.ndarray, gradient: np.ndarray, loss: float, precise: bool) -> _Step:
        """Solve H s = -g by conjugate gradients, in double precision or in single."""
        dtype = np.dtype(np.float64 if precise else np.float32)
        V, P = self.curvature(P).astype(dtype), P.astype(dtype)
        if self._last is None or self._last[0] != dtype or self._far > SETTLED:
            self._last = (dtype, *self._preconditioner(V.mean(axis=1, keepdims=True)))
        _, solve, apart = self._last
        r = (-gradient).astype(dtype)
        step = np.zeros_like(r)
        z = solve(r)
        p = z.copy()
        rz = rz0 = float(np.vdot(r, z))
        if not rz0 > 0:  # the gradient is zero, or beyond this precision
            return _Step(step.astype(np.float64), rz0, rz0 == 0 or precise, solve)
        self._far = rz0 / max(loss, 1e-300)
        enough = _exactness(self._far) ** 2 * rz0
        for _ in range(10 * r.size + 10):
            Hp = self.curved(p, P, V)
            curvature = float(np.vdot(p, Hp))
            if not curvature > 0:
                break
            step += dtype.type(rz / curvature) * p
            r -= dtype.type(rz / curvature) * Hp
            z = solve(r)
            next_rz = float(np.vdot(r, z))
            if next_rz <= enough:
                break
            p *= dtype.type(next_rz / rz)
            p += z
            rz = next_rz
        direction = step.astype(np.float64)
        # The preconditioner overrates H where single precision cannot tell it from 0.
        decrement = max(rz0, -float(np.vdot(gradient, direction)))
        return _Step(direction, decrement, precise or apart >= SINGLE_PRECISION, solve)

    def _preconditioner(self, v: np.ndarray) -> tuple[Any, float]:
        """Inverse of Aᵀ diag(v) A + penalty, in full or on the diagonal; how far from singular."""
        A, AT, penalty = self._in(v.dtype)
        if is_sparse(A):
            weighted = A.multiply(v).tocsr()
            diagonal = np.asarray(A.multiply(weighted).sum(axis=0)).ravel()
        else:
            weighted = A * v
            diagonal = np.einsum("ij,ij->j", A, weighted)
        diagonal = diagonal + penalty[:, 0]
        double = v.dtype == np.float64
        floor = v.dtype.type(1e-14 if double else 1e-6) * max(
            float(diagonal.max(initial=0.0)), 1e-12
        )
        if self.full:
            H = AT @ weighted
            H = np.asarray(H.toarray() if is_sparse(H) else H, v.dtype)
            H.flat[:: len(H) + 1] += penalty[:, 0] + floor
            size = float(np.abs(H).sum(axis=0).max())
            factorise, condition, solver = get_lapack_funcs(("potrf", "pocon", "potrs"), (H,))
            factor, trouble = factorise(H, lower=1)
            if trouble == 0:
                apart = float(condition(factor, size, uplo="L")[0])
                if double or self.T.shape[1] == 1:
                    return lambda r: solver(factor, r, lower=1)[0], apart
                # Of many right sides a product is quicker. Above the diagonal there are zeros.
                inverse, _ = lapack.spotri(factor, lower=1)
                inverse += np.tril(inverse, -1).T
                return lambda r: inverse @ r, apart
        scale = 1.0 / (diagonal + floor)[:, None]
        return lambda r: r * scale, 0.0 if self.full else 1.0
