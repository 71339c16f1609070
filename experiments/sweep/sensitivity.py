"""How much of the variance of what is measured comes from each axis: Sobol indices.

The first-order index of an axis is the share of the variance that would vanish, on average, if that
axis alone were known. Its total index is the share that would remain if all others were known: it
adds what the axis does together with others. Rows must be those of `saltelli`.

References
----------
Sobol (2001), Math. Comput. Simul. 55:271; Saltelli et al. (2010), Comput. Phys. Commun. 181:259,
Table 2 (b) for the first order, and (f), which is Jansen's, for the total.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.page_style import ORANGE, SKY
from experiments.sweep.chunk_store import need_xarray
from experiments.sweep.errors import SweepStoreError
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.quantities import check_seed, check_whole

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

__all__ = ["Sensitivity", "sensitivity", "sobol_indices"]


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Sobol indices of one measured number.

    Attributes
    ----------
    name : str
        What was measured.
    axes : tuple of str
        What varied.
    first, total : ndarray, shape (axes,)
        Indices of first order and total indices.
    first_interval, total_interval : ndarray, shape (2, axes)
        Their bootstrap intervals: samples are drawn again with replacement.
    confidence : float
        Of the intervals.
    samples : int
        Saltelli's samples, each of as many rows as axes and two more.
    """

    name: str
    axes: tuple[str, ...]
    first: np.ndarray
    total: np.ndarray
    first_interval: np.ndarray
    total_interval: np.ndarray
    confidence: float
    samples: int

    def __str__(self) -> str:
        """Return a table in plain text."""
        width = max(map(len, (*self.axes, "axis")))
        share = f"{100 * self.confidence:g} %"
        lines = [
            f"{'axis':<{width}}  first order ({share} interval)  total ({share} interval)",
        ]
        for k, axis in enumerate(self.axes):
            parts = [
                f"{value[k]:5.2f}  ({interval[0, k]:5.2f} to {interval[1, k]:5.2f})"
                for value, interval in (
                    (self.first, self.first_interval),
                    (self.total, self.total_interval),
                )
            ]
            lines.append(f"{axis:<{width}}  {parts[0]:<32} {parts[1]}")
        return "\n".join(lines)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw both indices of each axis with their intervals, the largest total on top.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        """
        import matplotlib.pyplot as plt

        if ax is None:
            height = 1.4 + 0.5 * len(self.axes)
            _, ax = plt.subplots(figsize=(6.4, height), layout="constrained")
        order = np.argsort(self.total)
        places = np.arange(len(order))
        for shift, colour, label, values, interval in (
            (0.2, SKY, "first order: alone", self.first, self.first_interval),
            (-0.2, ORANGE, "total: with others", self.total, self.total_interval),
        ):
            # A bar ends at the estimate, which a percentile interval may leave aside.
            reach = np.abs(np.stack([values - interval[0], interval[1] - values]))[:, order]
            ax.barh(
                places + shift,
                values[order],
                0.38,
                color=colour,
                xerr=reach,
                capsize=3,
                label=label,
            )
        ax.set_yticks(places, [self.axes[k] for k in order])
        ax.axvline(0, color="0.6", linewidth=0.8)
        ax.set_xlabel(f"share of the variance of {self.name}")
        # Above the axes: bars may fill them.
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
        return ax


def sensitivity(
    sweep: xarray.Dataset | str | os.PathLike[str],
    measure: str,
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Sensitivity:
    """Return the Sobol indices of a number that was measured over a grid by `saltelli`.

    The noise of a row is its own, and counts as one more axis that is not listed: it adds to all
    total indices. Give the grid an axis ``seed`` with one value to have the same noise in all rows.

    Parameters
    ----------
    sweep : xarray.Dataset or path
        What `sweep` returned, or the folder of its store.
    measure : str
        A number that was measured.
    confidence : float
        Of the intervals.
    resamples : int
        Bootstrap samples.
    seed : int
        Of the bootstrap.

    Raises
    ------
    UnknownNameError
        There is no such number.
    ParameterError
        The grid is another, rows are missing or nan, or all rows have the same number.
    SweepStoreError
        There is no whole sweep in the folder.

    Examples
    --------
    >>> import tempfile
    >>> from brian2 import ms, pA
    >>> from neurosim import LIF
    >>> from experiments.sweep import Between, Run, saltelli, sensitivity, sweep
    >>> axes = {"tau_m": Between(10 * ms, 20 * ms), "current": Between(200 * pA, 400 * pA)}
    >>> out = tempfile.mkdtemp()
    >>> found = sweep(Run(LIF(), 200 * ms), saltelli(axes, 64), "count", out=out, jobs=1)
    >>> indices = sensitivity(found, "count")
    >>> indices.axes, bool(indices.first[1] > 0.3)
    (('tau_m', 'current'), True)
    """
    dataset: Any = _stored(Path(sweep)) if isinstance(sweep, str | os.PathLike) else sweep
    check_whole(resamples, "sensitivity: resamples")
    if not 0 < confidence < 1:
        raise ParameterError(f"sensitivity: confidence lies between 0 and 1; got {confidence!r}")
    known = [str(name) for name in dataset.data_vars if name != "seed"]
    if measure not in known:
        raise UnknownNameError(f"sensitivity: measure {measure!r}: {suggest(measure, known)}")
    grid = json.loads(dataset.attrs.get("grid", "{}"))
    if grid.get("kind") != "saltelli":
        raise ParameterError(
            f"sensitivity: Sobol indices need the rows of Saltelli's design, and this grid is "
            f"{grid.get('kind') or 'of unknown kind'}; make it by saltelli(axes, samples)"
        )
    axes = tuple(grid["varied"])
    values = np.asarray(dataset[measure].values, dtype=float)
    if len(values) != grid["rows"]:
        raise ParameterError(
            f"sensitivity: {len(values):,} of {grid['rows']:,} rows are there; compute all of them"
        )
    missing = int(np.count_nonzero(~np.isfinite(values)))
    if missing:
        raise ParameterError(
            f"sensitivity: {measure} is not a finite number in {missing:,} of {len(values):,} "
            "rows; a share of variance needs all of them. Resume the sweep if rows are missing; "
            "measure a number that every row has, or narrow the ranges, if they cannot have one"
        )
    blocks = values.reshape(-1, len(axes) + 2).T
    if np.ptp(blocks) == 0:
        raise ParameterError(f"sensitivity: {measure} is {values[0]:g} in every row")
    first, total = sobol_indices(blocks)
    rng = np.random.default_rng(int(check_seed(seed)))
    number = blocks.shape[1]
    drawn = np.array(
        [sobol_indices(blocks[:, rng.integers(0, number, number)]) for _ in range(resamples)]
    )
    ends = (1 - confidence) / 2, (1 + confidence) / 2
    low, high = np.nanquantile(drawn, ends, axis=0)
    return Sensitivity(
        measure, axes, first, total,
        np.stack([low[0], high[0]]), np.stack([low[1], high[1]]), confidence, number,
    )  # fmt: skip


def sobol_indices(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return first-order and total indices from the numbers of Saltelli's rows.

    Parameters
    ----------
    blocks : ndarray, shape (axes + 2, samples)
        At A; at A with one axis of B, for each axis; at B.

    Examples
    --------
    Of x + 2 y the second axis has four fifths of the variance.

    >>> a, b = np.random.default_rng(0).normal(size=(2, 2, 1 << 16))
    >>> f = lambda x, y: x + 2 * y
    >>> rows = np.array([f(*a), f(b[0], a[1]), f(a[0], b[1]), f(*b)])
    >>> [index.round(1).tolist() for index in sobol_indices(rows)]
    [[0.2, 0.8], [0.2, 0.8]]
    """
    at_a, mixed, at_b = blocks[0], blocks[1:-1], blocks[-1]
    ends = np.concatenate([at_a, at_b])
    variance = ends.var()
    if not variance:
        # A resample may have drawn one sample only.
        nothing = np.full(len(mixed), np.nan)
        return nothing, nothing
    # The mean is taken off, which changes nothing but the scatter of the estimate.
    first = ((at_b - ends.mean()) * (mixed - at_a)).mean(axis=1) / variance
    total = ((at_a - mixed) ** 2).mean(axis=1) / (2 * variance)
    return first, total


def _stored(folder: Path) -> Any:
    xarray = need_xarray()
    place = folder / "result.zarr"
    if not place.is_dir():
        raise SweepStoreError(
            f"sensitivity: {folder} holds no whole sweep; run it, or resume it to its end"
        )
    return xarray.open_zarr(place, consolidated=False, chunks=None)
