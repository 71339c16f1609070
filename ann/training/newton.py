"""The exact optimum of a single layer: Newton's method without ever forming the Hessian.

The penalised loss of logistic regression is convex, so it has one minimum and there is no excuse
for stopping short of it. Each Newton step solves H s = -g by conjugate gradients, preconditioned
by the curvature averaged over the classes, and only as exactly as the distance to the minimum
deserves (Dembo, Eisenstat & Steihaug, 1982, SIAM J. Numer. Anal. 19, 400-408). Products with H
are in single precision, which steers the step; losses and gradients, which decide where the
minimum is, are in double.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from ann.network.arrays import is_sparse

__all__ = ["Optimum", "minimise_cross_entropy"]

#: Up to this many inputs the preconditioner is a full matrix, beyond it a diagonal.
FULL_MATRIX = 600
#: Columns with larger numbers are divided by their largest while solving.
LARGE = 1e6


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
    """

    weights: np.ndarray
    bias: np.ndarray
    loss: float
    iterations: int
    converged: bool


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
    n, d = X.shape
    A = X.tocsr() if is_sparse(X) else np.asarray(X)
    penalty = np.full((d + intercept, 1), float(l2))
    if intercept:
        ones = np.ones((n, 1))
        A = sparse.hstack([A, ones], format="csr") if is_sparse(A) else np.hstack([A, ones])
        penalty[-1] = 0.0
    # Newton directions are found in single precision, which large columns would leave.
    top = np.asarray(abs(A).max(axis=0).toarray() if is_sparse(A) else np.abs(A).max(axis=0))
    unit = np.where(top.ravel() > LARGE, top.ravel(), 1.0)[:, None]
    if np.any(unit > 1.0):
        A = (A @ sparse.diags(1.0 / unit[:, 0])).tocsr() if is_sparse(A) else A / unit[:, 0]
        penalty = penalty / unit / unit
    weight = None if sample_weight is None else np.asarray(sample_weight, np.float64)[:, None]
    problem = _Problem(A, T, weight, penalty, exclusive)

    W = np.zeros((A.shape[1], T.shape[1])) if start is None else start * unit
    loss, P = problem.loss(W)
    converged = False
    iterations = 0
    for iterations in range(max_iter + 1):
        gradient = problem.gradient(W, P)
        direction, decrement = problem.newton_step(P, gradient, loss)
        if not np.isfinite(decrement):
            break
        if decrement <= tolerance * loss:
            converged = True
            break
        if iterations == max_iter:
            break
        slope = float(np.vdot(gradient, direction))
        length = 1.0
        while True:
            trial = W + length * direction
            trial_loss, trial_P = problem.loss(trial)
            if trial_loss <= loss + 1e-4 * length * slope:
                break
            length *= 0.5
            if length < 1e-10:
                # Rounding hides any further descent: this is the minimum as well as it is known.
                converged = -slope <= 1e-8 * loss
                break
        if length < 1e-10:
            break
        W, loss, P = trial, trial_loss, trial_P
    W = W / unit
    bias = W[-1] if intercept else np.zeros(T.shape[1])
    if intercept and exclusive:
        # A constant added to all b changes nothing; take the one of mean zero.
        bias = bias - bias.mean()
    return Optimum(W[:d], bias, loss, iterations, converged)


@dataclass
class _Problem:
    """Loss, gradient and Newton direction for one set of data."""

    A: Any
    T: np.ndarray
    weight: np.ndarray | None
    penalty: np.ndarray
    exclusive: bool

    def __post_init__(self) -> None:
        A, penalty = self.A, self.penalty
        self.A32 = A.astype(np.float32)
        self.A32T = self.A32.T.tocsr() if is_sparse(A) else self.A32.T
        self.penalty32 = penalty.astype(np.float32)
        self.full = A.shape[1] <= FULL_MATRIX

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

    def newton_step(
        self, P: np.ndarray, gradient: np.ndarray, loss: float
    ) -> tuple[np.ndarray, float]:
        """Direction and squared decrement gᵀ M⁻¹ g; none below rounding."""
        A, AT, penalty = self.A32, self.A32T, self.penalty32
        V = (P * (1.0 - P)).astype(np.float32)
        if self.weight is not None:
            V *= self.weight.astype(np.float32)
        P32 = P.astype(np.float32)
        PW = P32 if self.weight is None else P32 * self.weight.astype(np.float32)
        solve = self._preconditioner(V.mean(axis=1, keepdims=True))

        r = (-gradient).astype(np.float32)
        step = np.zeros_like(r)
        z = solve(r)
        p = z.copy()
        rz = rz0 = float(np.vdot(r, z))
        if not rz0 > 0:  # the gradient is zero, or beyond single precision
            return step.astype(np.float64), rz0
        enough = min(0.3, (rz0 / max(loss, 1e-30)) ** 0.25) ** 2 * rz0
        for _ in range(10 * r.size + 10):
            U = np.asarray(A @ p)
            if self.exclusive:
                mean = np.einsum("ij,ij->i", U, P32)
                U -= mean[:, None]
                U *= PW
            else:
                U *= V
            Hp = np.asarray(AT @ U)
            Hp += penalty * p
            curvature = float(np.vdot(p, Hp))
            if not curvature > 0:
                break
            step += np.float32(rz / curvature) * p
            r -= np.float32(rz / curvature) * Hp
            z = solve(r)
            next_rz = float(np.vdot(r, z))
            if next_rz <= enough:
                break
            p *= np.float32(next_rz / rz)
            p += z
            rz = next_rz
        return step.astype(np.float64), rz0

    def _preconditioner(self, v: np.ndarray) -> Any:
        """Inverse of Aᵀ diag(v) A + penalty, in full or on the diagonal."""
        A, AT = self.A32, self.A32T
        if is_sparse(A):
            weighted = A.multiply(v).tocsr()
            diagonal = np.asarray(A.multiply(weighted).sum(axis=0)).ravel()
        else:
            weighted = A * v
            diagonal = np.einsum("ij,ij->j", A, weighted)
        diagonal = diagonal + self.penalty32[:, 0]
        floor = np.float32(1e-6) * max(float(diagonal.max(initial=0.0)), 1e-12)
        if self.full:
            H = AT @ weighted
            H = np.asarray(H.toarray() if is_sparse(H) else H, np.float32)
            H.flat[:: len(H) + 1] += self.penalty32[:, 0] + floor
            factor, trouble = lapack.spotrf(H, lower=1)
            if trouble == 0:
                inverse, _ = lapack.spotri(factor, lower=1)
                inverse = np.tril(inverse) + np.tril(inverse, -1).T
                return lambda r: inverse @ r
        scale = 1.0 / (diagonal + floor)[:, None]
        return lambda r: r * scale
