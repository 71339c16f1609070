"""Grids: which combinations of values a sweep runs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from brian2.units import Quantity

from experiments.sweep.rows.axes import Axis, axis_of
from experiments.sweep.rows.conditions import Condition, conditions_of
from experiments.sweep.rows.saltelli_design import saltelli_shares, sobol_points
from neurosim.errors import ParameterError
from neurosim.quantities import check_seed, check_whole
from neurosim.randomness import row_keys, uniform

__all__ = ["Grid", "latin_hypercube", "product", "random_grid", "saltelli", "sobol", "zipped"]

MOST_ROWS = 10**9
"""More rows are a mistake, or more than one store should hold."""
# Rows whose coordinates are made at once.
_AT_ONCE = 1 << 18


@dataclass(frozen=True, eq=False)
class Grid:
    """The rows of a sweep, made by `product`, `zipped`, `random_grid` or another function below.

    Attributes
    ----------
    kind : str
        Which of these made it.
    axes : tuple of Axis
        What varies.
    rows : int
        Number of rows, before any condition.
    seed : int
        Of what is drawn.
    conditions : tuple of Condition
        Which rows are wanted; by default all.
    """

    kind: str
    axes: tuple[Axis, ...]
    rows: int
    seed: int = 0
    conditions: tuple[Condition, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes of a product; of another grid its number of rows."""
        if self.kind != "product":
            return (self.rows,)
        return tuple(len(axis.values) for axis in self.axes if axis.values is not None)

    def where(self, text: str) -> Grid:
        """Return the grid with fewer rows: those for which comparisons hold.

        Examples
        --------
        >>> from brian2 import pA
        >>> grid = product({"current": [0, 100, 200] * pA, "repeat": range(2)})
        >>> len(grid.where("current >= 100pA and repeat == 0").selected)
        2
        """
        found = (*self.conditions, *conditions_of(text, self.axes))
        fewer = replace(self, conditions=found)
        if not len(fewer.selected):
            raise ParameterError(f"where: no row of the grid has {text!r}")
        return fewer

    @cached_property
    def selected(self) -> np.ndarray:
        """Numbers of the rows that are wanted, ascending."""
        if not self.conditions:
            return np.arange(self.rows)
        found = []
        for first in range(0, self.rows, _AT_ONCE):
            index = np.arange(first, min(first + _AT_ONCE, self.rows))
            columns = self.columns(index)
            holds = np.logical_and.reduce([one.holds(columns) for one in self.conditions])
            found.append(index[holds])
        return np.concatenate(found)

    def columns(self, index: np.ndarray) -> dict[str, np.ndarray]:
        """Return the coordinates of some rows by axis, in SI units.

        Parameters
        ----------
        index : ndarray of int
            Numbers of rows.
        """
        if self.kind == "product":
            places = np.unravel_index(index, self.shape)
            return {a.name: a.pick(k) for a, k in zip(self.axes, places, strict=True)}
        if self.kind == "zip":
            return {axis.name: axis.pick(index) for axis in self.axes}
        shares = self._shares(index)
        return {axis.name: axis.at(shares[:, k]) for k, axis in enumerate(self.axes)}

    def _shares(self, index: np.ndarray) -> np.ndarray:
        """Return a number between 0 and 1 for each of some rows and each axis."""
        if self.kind == "random":
            low, high = row_keys(np.full(len(index), self.seed), index)
            streams = [uniform(low, high, k, 0) for k in range(len(self.axes))]
            return np.stack(streams, axis=1)
        if self.kind == "latin hypercube":
            cube: np.ndarray = self._hypercube[index]
            return cube
        if self.kind == "saltelli":
            varied = [axis.values is None for axis in self.axes]
            return saltelli_shares(index, varied, self.seed)
        return sobol_points(len(self.axes), self.seed, index)

    @cached_property
    def _hypercube(self) -> np.ndarray:
        from scipy.stats import qmc

        engine = qmc.LatinHypercube(len(self.axes), seed=np.random.default_rng(self.seed))
        drawn: np.ndarray = engine.random(self.rows)
        return drawn

    def to_dict(self) -> dict[str, Any]:
        """Return what identifies the grid, in plain values."""
        return {
            "kind": self.kind,
            "axes": [axis.to_dict() for axis in self.axes],
            "rows": self.rows,
            "seed": self.seed,
            "where": [[one.name, one.compare, one.value] for one in self.conditions],
        }

    @classmethod
    def from_dict(cls, told: dict[str, Any], units: Mapping[str, Quantity]) -> Grid:
        """Return the grid that `to_dict` told of.

        Parameters
        ----------
        told : dict
        units : mapping of str to Quantity
            One SI unit of each axis; an axis that is left out gets plain numbers.
        """
        axes = [Axis.from_dict(one, units.get(one["name"], Quantity(1.0))) for one in told["axes"]]
        conditions = tuple(Condition(*one) for one in told["where"])
        return cls(told["kind"], tuple(axes), told["rows"], told["seed"], conditions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grid) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(json.dumps(self.to_dict()))

    def __repr__(self) -> str:
        names = ", ".join(axis.name for axis in self.axes)
        return f"Grid({self.kind} of {names}: {len(self.selected)} rows)"


def product(axes: Mapping[str, Any]) -> Grid:
    """Return the grid of every combination; the last axis changes fastest.

    Parameters
    ----------
    axes : mapping of str to list of values

    Examples
    --------
    >>> from brian2 import ms, pA
    >>> product({"tau_m": [10, 20] * ms, "current": [100, 200, 300] * pA}).rows
    6
    """
    if isinstance(axes, Mapping):
        # Told before anything is made of them.
        _check_rows("product", math.prod(_length(one) for one in axes.values()))
    found = _listed("product", axes)
    for axis in found:
        assert axis.values is not None
        if len(np.unique(axis.values)) < len(axis.values):
            raise ParameterError(f"product: axis {axis.name!r} has a value twice")
    shape = [len(axis.values) for axis in found if axis.values is not None]
    return Grid("product", found, int(np.prod(shape)))


def zipped(axes: Mapping[str, Any]) -> Grid:
    """Return the grid whose row k has the k-th value of every list.

    Examples
    --------
    >>> from brian2 import ms, pA
    >>> zipped({"tau_m": [10, 20] * ms, "current": [100, 200] * pA}).rows
    2
    """
    found = _listed("zipped", axes)
    lengths = {axis.name: len(axis.values) for axis in found if axis.values is not None}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ParameterError(f"zipped: all axes need one number of values; {said}")
    return Grid("zip", found, next(iter(lengths.values())))


def random_grid(axes: Mapping[str, Any], rows: int, *, seed: int = 0) -> Grid:
    """Return rows drawn at random: from a `Between` evenly, from a list each value alike.

    More rows leave the first ones as they are.

    Examples
    --------
    >>> from brian2 import ms
    >>> from experiments.sweep.rows.axes import Between
    >>> few, more = (random_grid({"tau_m": Between(5 * ms, 50 * ms)}, n) for n in (3, 30))
    >>> a, b = (grid.columns(np.arange(3))["tau_m"] for grid in (few, more))
    >>> bool((a == b).all())
    True
    """
    return _drawn("random", axes, rows, seed)


def latin_hypercube(axes: Mapping[str, Any], rows: int, *, seed: int = 0) -> Grid:
    """Return rows that fall into each of `rows` equal slices of every axis once (SciPy's).

    The slices depend on their number, so that such a grid cannot grow.

    References
    ----------
    McKay, Beckman and Conover (1979), Technometrics 21:239.
    """
    return _drawn("latin hypercube", axes, rows, seed)


def sobol(axes: Mapping[str, Any], rows: int, *, seed: int = 0) -> Grid:
    """Return the first rows of a scrambled Sobol sequence (SciPy's).

    It covers the axes evenly where `rows` is a power of 2. More rows leave the first ones as they
    are.

    References
    ----------
    Sobol (1967), USSR Comput. Math. Math. Phys. 7:86; Owen (1998), ACM TOMACS 8:71 (scrambling).
    """
    if rows > 1 << 30:
        raise ParameterError("sobol: the sequence has 2**30 rows")
    return _drawn("sobol", axes, rows, seed)


def saltelli(axes: Mapping[str, Any], samples: int, *, seed: int = 0) -> Grid:
    """Return Saltelli's design, from which `sensitivity` computes Sobol indices.

    A sample is one row for each axis that varies, and two more. More samples leave the first ones
    as they are.

    Parameters
    ----------
    axes : mapping of str to Between, or to a list of one value that does not vary
    samples : int
        Best a power of 2, such as 1024: the points are those of a scrambled Sobol sequence.
    seed : int

    Examples
    --------
    >>> from brian2 import ms, pA
    >>> from experiments.sweep.rows.axes import Between
    >>> axes = {"tau_m": Between(5 * ms, 50 * ms), "current": Between(100 * pA, 400 * pA)}
    >>> saltelli(axes | {"seed": [1]}, 256).rows
    1024

    References
    ----------
    Saltelli et al. (2010), Comput. Phys. Commun. 181:259.
    """
    found = _axes("saltelli", axes)
    for axis in found:
        if axis.values is not None and len(axis.values) > 1:
            raise ParameterError(
                f"saltelli: axis {axis.name!r} is a list; give Between(low, high), or one value "
                "that does not vary"
            )
    varied = sum(axis.values is None for axis in found)
    if varied < 2:
        raise ParameterError(
            f"saltelli: {varied or 'no'} axis varies, and sensitivity compares several; give at "
            "least two as Between(low, high)"
        )
    rows = check_whole(samples, "saltelli: samples") * (varied + 2)
    _check_rows("saltelli", rows)
    return Grid("saltelli", found, rows, int(check_seed(seed)))


def _length(values: Any) -> int:
    try:
        return len(values)
    except TypeError:
        return 1


def _check_rows(kind: str, rows: int) -> None:
    if rows > MOST_ROWS:
        raise ParameterError(
            f"{kind}: {rows:.3g} rows are more than a sweep holds ({MOST_ROWS:.0e}); take fewer "
            "values, or random_grid or sobol with a number of rows"
        )


def _drawn(kind: str, axes: Mapping[str, Any], rows: int, seed: int) -> Grid:
    found = _axes(kind, axes)
    number = int(check_seed(seed))
    _check_rows(kind, check_whole(rows, f"{kind}: rows"))
    return Grid(kind, found, check_whole(rows, f"{kind}: rows"), number)


def _listed(kind: str, axes: Mapping[str, Any]) -> tuple[Axis, ...]:
    found = _axes(kind, axes)
    for axis in found:
        if axis.values is None:
            raise ParameterError(
                f"{kind}: axis {axis.name!r} is a range; give a list of values, or take "
                "random_grid, latin_hypercube or sobol"
            )
    return found


def _axes(kind: str, axes: Mapping[str, Any]) -> tuple[Axis, ...]:
    if not isinstance(axes, Mapping) or not axes:
        raise ParameterError(
            f"{kind}: say by name what varies, such as {{'current': [100, 200] * pA}}; got {axes!r}"
        )
    return tuple(axis_of(name, given) for name, given in axes.items())
