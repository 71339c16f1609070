"""Fisher scoring of counts whose expected values come from the history of a cell.

The units of `bridge.units.fitting` see one current at a time, so that their slopes are written
down. Here the expected count of a bin depends on what came before it. Slopes are taken by
differences, many candidates and all their neighbours in one batch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

__all__ = ["CountScoring"]

Array = NDArray[np.float64]


class CountScoring(ABC):
    """A model of counts and the coordinates it is fitted in.

    Attributes
    ----------
    low, high : ndarray, shape (p,)
        Range of each coordinate.
    logs : ndarray of bool, shape (p,)
        Which coordinates are logarithms.
    span : float
        Range of the currents (pA), the scale of the other coordinates.
    profile_gain : float
        A profile is climbed until a step gains less log-likelihood than this.
    """

    low: Array
    high: Array
    logs: NDArray[np.bool_]
    span: float
    profile_gain: float = 1e-5

    @abstractmethod
    def mean(self, z: Array) -> Array:
        """Expected counts of each row of coordinates, shape (b, ...)."""

    @abstractmethod
    def log_likelihood(self, mean: Array) -> Array:
        """Of each row of expected counts, shape (b,)."""

    @abstractmethod
    def score(self, mean: Array) -> tuple[Array, Array]:
        """Slope of the log-likelihood in each expected count, and its information; (b, n) each."""

    def fisher_scoring(
        self,
        starts: Array,
        held: int | None = None,
        steps: int = 40,
        gain: float = 1e-5,
        least: float = -np.inf,
    ) -> tuple[Array, Array]:
        """Fisher scoring with Marquardt's damping from several starts, all in one batch.

        Parameters
        ----------
        starts : ndarray, shape (b, p)
            Coordinates to begin at.
        held : int, optional
            A coordinate that stays where it is.
        steps : int
            At most.
        gain : float
            A search ends where a step gains less log-likelihood than this.
        least : float
            A search also ends where steps as good as the last, in all that are left, would not
            reach this log-likelihood. That is a guess: what such a search reached is only a lower
            limit.

        Returns
        -------
        value : ndarray, shape (b,)
            Log-likelihood reached from each.
        z : ndarray, shape (b, p)
            Where.
        """
        z = np.clip(starts, self.low, self.high)
        free = np.array([i for i in range(z.shape[1]) if i != held])
        mean = self.mean(z)
        value, damping = self.log_likelihood(mean), np.full(len(z), 1e-3)
        going = np.arange(len(z))
        for left in range(steps - 1, -1, -1):
            if not len(going):
                break
            gradient, curvature = self._curved(z[going], mean[going], free)
            gained = np.zeros(len(going))
            tried = np.arange(len(going))
            for _ in range(8):
                rows = going[tried]
                trial = self._step(z[rows], gradient[tried], curvature[tried], damping[rows], free)
                new = self.mean(trial)
                found = self.log_likelihood(new)
                better = found > value[rows]
                good = rows[better]
                gained[tried[better]] = found[better] - value[good]
                z[good], mean[good], value[good] = trial[better], new[better], found[better]
                damping[good] = np.maximum(damping[good] / 30, 1e-9)
                damping[rows[~better]] *= 10
                tried = tried[~better]
                if not len(tried):
                    break
            hopeless = value[going] + left * gained < least
            going = going[(gained >= gain) & ~hopeless]
        return value, z

    def slopes(self, z: Array, free: NDArray[np.int64] | None = None) -> Array:
        """Slopes of the expected counts in the coordinates, shape (b, f, n), by differences."""
        kept = np.arange(z.shape[1]) if free is None else free
        h = np.where(self.logs, 1e-5, 1e-6 * self.span)[kept]
        rows = np.arange(len(kept))
        moved = np.repeat(z[:, None], 2 * len(kept), axis=1)
        moved[:, rows, kept] += h
        moved[:, rows + len(kept), kept] -= h
        means = self.mean(moved.reshape(-1, z.shape[1])).reshape(*moved.shape[:2], -1)
        return np.asarray((means[:, : len(kept)] - means[:, len(kept) :]) / (2 * h)[:, None])

    def errors(self, z: Array) -> Array:
        """Standard errors of the coordinates at a fit, from the expected information, (p,)."""
        slopes = self.slopes(z[None])[0]
        _, information = self.score(self.mean(z[None]).reshape(1, -1))
        curvature = (slopes * information[0]) @ slopes.T
        scale = np.sqrt(np.maximum(np.diag(curvature), 1e-300))
        inverse = np.linalg.pinv(curvature / np.outer(scale, scale), rcond=1e-10, hermitian=True)
        return np.asarray(np.sqrt(np.maximum(np.diag(inverse), 0.0)) / scale)

    def _curved(self, z: Array, mean: Array, free: NDArray[np.int64]) -> tuple[Array, Array]:
        """Gradient (b, f) and curvature (b, f, f) of the log-likelihood."""
        flat = mean.reshape(len(z), -1)
        # Where nothing is expected a slope tells nothing.
        slopes = np.where(flat[:, None] > 1e-6, self.slopes(z, free), 0.0)
        score, information = self.score(flat)
        gradient = (slopes * score[:, None]).sum(axis=2)
        return gradient, (slopes * information[:, None]) @ slopes.transpose(0, 2, 1)

    def _step(
        self, z: Array, gradient: Array, curvature: Array, damping: Array, free: NDArray[np.int64]
    ) -> Array:
        """Where a damped step leads from each point, shape (b, p)."""
        reach = np.where(self.logs, 2.0, self.span)[free]
        diagonal = np.diagonal(curvature, axis1=1, axis2=2)
        ballast = damping[:, None] * diagonal + 1e-10 * diagonal.max(axis=1)[:, None] + 1e-12
        weighted = curvature + ballast[:, None] * np.eye(len(free))
        step = np.linalg.solve(weighted, gradient[..., None])[..., 0]
        trial = z.copy()
        moved = z[:, free] + np.clip(step, -reach, reach)
        trial[:, free] = np.clip(moved, self.low[free], self.high[free])
        return trial

    def profile(
        self, value: float, z: Array, where: int, drop: float, first: float = 0.1
    ) -> tuple[float, float, float, Array]:
        """Both ends of the interval of one parameter, and the best point come across.

        Parameters
        ----------
        value : float
            Log-likelihood of the fit.
        z : ndarray, shape (p,)
            The fit.
        where : int
            Coordinate of the parameter, a logarithm.
        drop : float
            Twice the loss of log-likelihood at the ends; 3.84 for 95 %.
        first : float
            How far away to look first.

        Returns
        -------
        low, high : float
            In the parameter's own unit; 0 and inf where an end was not found within its range.
        value, z
            Of the fit, or of a likelier one that was come across.
        """
        # Both ends are looked for in one batch, which costs little more than one of them.
        sides = {side: self._end(z, where, drop, first, side, value) for side in (-1, 1)}
        asked = {side: next(looking) for side, looking in sides.items()}
        ends: dict[int, float] = {}
        while asked:
            found, held = self.fisher_scoring(
                np.stack(list(asked.values())), where, steps=12, gain=self.profile_gain
            )
            best = int(np.argmax(found))
            if found[best] > value + max(1e-3, 2 * self.profile_gain):
                # Likelier than the fit itself: begin again from there.
                (better,), (z,) = self.fisher_scoring(held[best][None], steps=60)
                return self.profile(float(better), z, where, drop, first)
            answers = dict(zip(list(asked), zip(found, held, strict=True), strict=True))
            asked = {}
            for side, answer in answers.items():
                try:
                    asked[side] = sides[side].send(answer)
                except StopIteration as stop:
                    ends[side] = stop.value
        return ends[-1], ends[1], value, z

    def _end(
        self, z: Array, where: int, drop: float, first: float, side: int, value: float
    ) -> Generator[Array, tuple[float, Array], float]:
        """Look for one end: ask for the best point at a place, and take the answer."""
        near, start, step = float(z[where]), z, first
        loss_near = 0.0
        while True:
            place = near + side * step
            limit = float((self.high if side > 0 else self.low)[where])
            at_limit = side * (place - limit) >= 0
            asked = start.copy()
            asked[where] = limit if at_limit else place
            found, held = yield asked
            loss = float(np.sqrt(max(2 * (value - found), 0.0)))
            if loss >= np.sqrt(drop):
                part = (np.sqrt(drop) - loss_near) / max(loss - loss_near, 1e-12)
                if step > 0.15 and part < 0.97:
                    step *= max(part, 0.2) * 0.999
                    if step > 0.02:
                        continue
                return float(np.exp(near + side * step * part))
            if at_limit:
                return np.inf if side > 0 else 0.0
            near, start, loss_near = float(held[where]), held, loss
            step = min(step * 1.6, 0.8)
