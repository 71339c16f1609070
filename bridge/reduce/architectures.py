"""The rungs of the ladder: networks that foretell spikes and potential, smallest first.

All are built of *filters*. A filter has a weight for each input and a time course for each group of
inputs (excitatory or inhibitory, branch by branch), and answers with the weighted, filtered sum.

* `PointUnit`: one filter, one threshold.
* `TwoLayer`: one sigmoid subunit a branch, each with a filter that sees its own branch only; their
  outputs are summed (Poirazi, Brannon and Mel 2003).
* `FilterBank`: so many sigmoid units, each with a filter that sees everything, and their sum.
* `TemporalConvolution`: a filter bank whose units are looked at now and at three lags before, by a
  second layer of as many units (a dilated causal convolution).

Each gives the log odds of a spike in a bin, and the potential of the soma from the same units.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ann import Variable

__all__ = [
    "LAGS_MS",
    "MODELS",
    "FilterBank",
    "Layout",
    "Model",
    "PointUnit",
    "TemporalConvolution",
    "TwoLayer",
    "ladder",
]

Single = NDArray[np.float32]

LAGS_MS = (0, 4, 10, 22)
"""Lags of the second layer of a temporal convolution; lag 0 comes first."""


@dataclass(frozen=True, eq=False)
class Layout:
    """How inputs are grouped.

    Attributes
    ----------
    branch : ndarray of int, shape (inputs,)
    excitatory : ndarray of bool, shape (inputs,)
    decays : int
        Number of exponential filters.
    """

    branch: NDArray[np.int64]
    excitatory: NDArray[np.bool_]
    decays: int
    group: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        both = np.stack([self.branch, self.excitatory], axis=1)
        _, group = np.unique(both, axis=0, return_inverse=True)
        object.__setattr__(self, "group", group.ravel())

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return len(self.branch)

    @property
    def groups(self) -> int:
        """Number of groups, each of one branch and one sign."""
        return int(self.group.max()) + 1

    @property
    def branches(self) -> int:
        """Number of branches."""
        return int(self.branch.max()) + 1


@dataclass(frozen=True)
class Model(ABC):
    """What all rungs share.

    Attributes
    ----------
    name : str
    lags : int
        How many lags of the features it looks at.
    """

    kind: ClassVar[str] = ""
    lags: ClassVar[int] = 1

    @property
    def name(self) -> str:
        """What a table calls it."""
        return self.kind

    @property
    def hidden(self) -> int:
        """Number of hidden units; 0 of a point unit."""
        return 0

    def units(self, layout: Layout) -> int:
        """Number of filters."""
        return max(self.hidden, 1)

    def mask(self, layout: Layout) -> NDArray[np.bool_]:
        """Which inputs each filter sees, shape (inputs, filters)."""
        return np.ones((layout.inputs, self.units(layout)), dtype=bool)

    @abstractmethod
    def count(self, layout: Layout) -> int:
        """How many numbers it has.

        Examples
        --------
        >>> layout = Layout(np.zeros(100, dtype=int), np.arange(100) < 80, decays=5)
        >>> [model.count(layout) for model in (PointUnit(), FilterBank(1), FilterBank(4))]
        [114, 115, 454]
        """

    def _filters(self, layout: Layout) -> int:
        seen = self.mask(layout)
        courses = sum(len(np.unique(layout.group[column])) for column in seen.T)
        return int(seen.sum()) + layout.decays * courses

    @abstractmethod
    def start(self, layout: Layout, log_odds: float, random: np.random.Generator) -> list[Single]:
        """First numbers, near a unit that sums excitation less inhibition."""

    @abstractmethod
    def head(self, parameters: list[Variable], filtered: Variable) -> Variable:
        """Log odds of a spike and potential on the common scale, from what the filters say.

        Parameters
        ----------
        parameters : list of Variable
        filtered : Variable, shape (rows × lags, filters)
            Lags change fastest.
        """

    def filters(self, layout: Layout, parameters: list[Variable]) -> Variable:
        """Weights of filtered inputs, shape (decays × inputs, filters)."""
        weight, course = parameters[:2]
        full = course[:, layout.group, :] * weight
        seen = self.mask(layout)
        if not seen.all():
            full = full * seen[np.newaxis].astype(np.float32)
        return full.reshape(layout.decays * layout.inputs, weight.shape[1])

    def answers(
        self, layout: Layout, parameters: list[Variable], features: Single
    ) -> tuple[Variable, Variable]:
        """Log odds and potential of features, shape (rows, lags, decays × inputs)."""
        rows, lags, wide = features.shape
        flat = features.reshape(rows * lags, wide)
        both = self.head(parameters, flat @ self.filters(layout, parameters))
        return both[:, 0], both[:, 1]

    def to_dict(self) -> dict[str, Any]:
        """Kind and size, in plain values."""
        return {"kind": self.kind, "size": getattr(self, "size", 0)}

    # ---- filters ----------------------------------------------------------------------------
    def _first_filters(
        self, layout: Layout, filters: int, random: np.random.Generator, spread: float
    ) -> list[Single]:
        sign = np.where(layout.excitatory, 1.0, -1.0)[:, np.newaxis]
        size = 1 / np.sqrt(layout.inputs * layout.decays)
        weight = size * (sign + spread * random.standard_normal((layout.inputs, filters)))
        course = 1 + spread * random.standard_normal((layout.decays, layout.groups, filters))
        return [weight.astype(np.float32), course.astype(np.float32)]


@dataclass(frozen=True)
class PointUnit(Model):
    """One filter, whose answer is the potential but for scale, and a threshold."""

    kind: ClassVar[str] = "point unit"

    def count(self, layout: Layout) -> int:
        return self._filters(layout) + 4

    def start(self, layout: Layout, log_odds: float, random: np.random.Generator) -> list[Single]:
        weight, course = self._first_filters(layout, 1, random, 0.1)
        out = np.array([[2.0, 1.0]], dtype=np.float32)
        return [weight, course, out, np.array([log_odds - 1, 0], dtype=np.float32)]

    def head(self, parameters: list[Variable], filtered: Variable) -> Variable:
        out, last = parameters[2:]
        return filtered @ out + last


@dataclass(frozen=True)
class FilterBank(Model):
    """Sigmoid units that see every input, and their weighted sum.

    Parameters
    ----------
    size : int
        Hidden units.
    """

    size: int = 1
    kind: ClassVar[str] = "filter bank"

    @property
    def name(self) -> str:
        return f"{self.kind} of {self.hidden}"

    @property
    def hidden(self) -> int:
        return self.size

    def count(self, layout: Layout) -> int:
        units = self.units(layout)
        return self._filters(layout) + units + 2 * (units + 1)

    def start(self, layout: Layout, log_odds: float, random: np.random.Generator) -> list[Single]:
        units = self.units(layout)
        weight, course = self._first_filters(layout, units, random, 0.5)
        bias = random.uniform(-3, 0, units)
        out = np.stack([np.full(units, 4 / units), np.full(units, 1 / units)], axis=1)
        last = np.array([log_odds - 1, 0])
        return [weight, course, *(np.asarray(a, dtype=np.float32) for a in (bias, out, last))]

    def head(self, parameters: list[Variable], filtered: Variable) -> Variable:
        bias, out, last = parameters[2:]
        return (filtered + bias).sigmoid() @ out + last


@dataclass(frozen=True)
class TwoLayer(FilterBank):
    """One sigmoid subunit a branch, each blind to the other branches, and their weighted sum."""

    kind: ClassVar[str] = "two-layer"

    @property
    def name(self) -> str:
        return f"{self.kind}, {self.hidden} branches"

    def mask(self, layout: Layout) -> NDArray[np.bool_]:
        return np.asarray(layout.branch[:, np.newaxis] == np.arange(self.size))

    def start(self, layout: Layout, log_odds: float, random: np.random.Generator) -> list[Single]:
        found = super().start(layout, log_odds, random)
        # A subunit sees one branch: as much drive from as many times fewer inputs.
        found[0] *= np.float32(np.sqrt(self.size))
        found[3] *= np.float32(np.sqrt(self.size))
        return found


@dataclass(frozen=True)
class TemporalConvolution(FilterBank):
    """A filter bank seen at four lags by a second layer of as many units."""

    kind: ClassVar[str] = "temporal convolution"
    lags: ClassVar[int] = len(LAGS_MS)

    @property
    def name(self) -> str:
        return f"{self.kind} of {self.size} + {self.size}"

    @property
    def hidden(self) -> int:
        return 2 * self.size

    def units(self, layout: Layout) -> int:
        return self.size

    def count(self, layout: Layout) -> int:
        second = self.lags * self.size * self.size + self.size
        return self._filters(layout) + self.size + second + 2 * (self.size + 1)

    def start(self, layout: Layout, log_odds: float, random: np.random.Generator) -> list[Single]:
        first = super().start(layout, log_odds, random)
        fan = self.lags * self.size
        inner = random.standard_normal((fan, self.size)) / np.sqrt(fan)
        # Lag 0 of each unit goes straight through at the start.
        inner[: self.size] += 4 * np.eye(self.size)
        shift = np.full(self.size, -2.0)
        return [*first[:3], inner.astype(np.float32), shift.astype(np.float32), *first[3:]]

    def head(self, parameters: list[Variable], filtered: Variable) -> Variable:
        bias, inner, shift, out, last = parameters[2:]
        rows = filtered.shape[0] // self.lags
        first = (filtered + bias).sigmoid().reshape(rows, self.lags * self.size)
        return (first @ inner + shift).sigmoid() @ out + last


MODELS: dict[str, type[Model]] = {
    kind.kind: kind for kind in (PointUnit, TwoLayer, FilterBank, TemporalConvolution)
}


def ladder(branches: int, largest: int = 16) -> list[Model]:
    """The networks a search fits, before they are put in order of size.

    Examples
    --------
    >>> [model.name for model in ladder(1, largest=3)]
    ['point unit', 'filter bank of 1', 'filter bank of 2', 'filter bank of 3']
    """
    banks = [size for size in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32) if size <= largest]
    found: list[Model] = [PointUnit()]
    if branches > 1:
        found.append(TwoLayer(branches))
    found += [FilterBank(size) for size in banks]
    found += [TemporalConvolution(size) for size in (4, 8, 16) if size <= largest]
    return found
