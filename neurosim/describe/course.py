"""How a parameter changes during a run: from value to value along straight lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.units import Quantity, get_dimensions, ms, second

from neurosim.display import axes_or_new
from neurosim.errors import ParameterError, UnitError
from neurosim.quantities import check_quantity, in_best_unit, unit_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Course"]


@dataclass(frozen=True, eq=False, repr=False)
class Course:
    """A piecewise-linear course of a parameter: the wash-in of a drug, cooling, a ramp.

    Give it to ``simulate(..., courses={name: course})``. Before the first time the parameter has
    the first value, after the last time the last one. A time that is listed twice is a jump.

    Parameters
    ----------
    times : Quantity, shape (n,)
        When the values are reached, in second; ascending.
    values : Quantity, shape (n,)
        Value at each time, with the unit of the parameter; plain numbers for a temperature in °C.

    Raises
    ------
    UnitError
        Times carry no unit of time.
    ParameterError
        There are not as many times as values, times descend, or a number is not finite.

    Examples
    --------
    TTX that blocks all sodium channels between 200 ms and 700 ms:

    >>> from brian2 import cm, ms, mS
    >>> ttx = Course([200, 700] * ms, [120, 0] * mS / cm**2)
    >>> print(ttx.at([0, 450, 900] * ms).in_unit(mS / cm**2))
    [120.  60.   0.] mS/(cm^2)
    """

    times: Quantity
    values: Quantity

    def __post_init__(self) -> None:
        times = check_quantity(self.times, 10 * ms, "Course: times", at_least=0 * ms, many=1)
        try:
            values = Quantity(self.values)
        except (TypeError, ValueError):
            raise UnitError(
                "Course: values must be numbers with the unit of the parameter, such as "
                f"[120, 0] * mS / cm**2; got {self.values!r}"
            ) from None
        dim = get_dimensions(values)
        checked = check_quantity(values, Quantity(1.0, dim=dim), "Course: values", many=1)
        pair = [np.atleast_1d(np.asarray(array, dtype=float)) for array in (times, checked)]
        if pair[0].shape != pair[1].shape:
            raise ParameterError(
                f"Course: give as many values as times; got {len(pair[1])} values for "
                f"{len(pair[0])} times"
            )
        steps = np.diff(pair[0])
        if np.any(steps < 0) or np.any((steps[1:] == 0) & (steps[:-1] == 0)):
            raise ParameterError(
                "Course: times must ascend; a time that is listed twice is a jump, three times are "
                "too many"
            )
        for name, array, of in zip(("times", "values"), pair, (second.dim, dim), strict=True):
            held = Quantity(array, dim=of)
            held.setflags(write=False)
            object.__setattr__(self, name, held)

    @property
    def times_s(self) -> np.ndarray:
        """The times as plain numbers, in second."""
        return np.asarray(self.times, dtype=float)

    @property
    def values_si(self) -> np.ndarray:
        """The values as plain numbers, in SI units."""
        return np.asarray(self.values, dtype=float)

    def at(self, time: Quantity) -> Quantity:
        """Return the value at some times; at a jump the one after it."""
        t = np.asarray(check_quantity(time, 10 * ms, "Course.at: time", many=1), dtype=float)
        after = np.searchsorted(self.times_s, t, side="right")
        low, high = np.maximum(after - 1, 0), np.minimum(after, len(self.times_s) - 1)
        gap = self.times_s[high] - self.times_s[low]
        inside = (after > 0) & (gap > 0)
        share = np.where(inside, (t - self.times_s[low]) / np.where(gap > 0, gap, 1), 0)
        values = self.values_si
        start = np.where(after > 0, values[low], values[0])
        found = start + share * (values[high] - values[low])
        return Quantity(found, dim=get_dimensions(self.values))

    def to_dict(self) -> dict[str, Any]:
        """Return the course in plain values."""
        return {
            "kind": "Course",
            "times_s": self.times_s.tolist(),
            "values": {"value": self.values_si.tolist(), "unit": unit_name(self.values)},
        }

    def plot(self, name: str = "value", ax: Axes | None = None) -> Axes:
        """Draw the course over time.

        Parameters
        ----------
        name : str
            What it is the course of.
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from brian2 import ms, mV
        >>> Course([0, 5] * ms, [-70, -60] * mV).plot("E_L").get_ylabel()
        'E_L (mV)'
        """
        axes = axes_or_new(ax)
        numbers, label = in_best_unit(self.values, name)
        axes.plot(self.times_s * 1e3, numbers)
        axes.set(xlabel="time (ms)", ylabel=label)
        return axes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Course) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[bytes, bytes, str]:
        unit = str(get_dimensions(self.values))
        return self.times_s.tobytes(), self.values_si.tobytes(), unit

    def __repr__(self) -> str:
        return f"Course({self.times}, {self.values})"
