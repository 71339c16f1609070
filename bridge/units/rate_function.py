"""Rate as a function of current: named parameters, an equation, its slopes and its inverse.

A rate function is a frozen value. Its subclass writes the equation once, over arrays of parameters,
so that one call evaluates many candidates at many currents; fitting, profiling and bootstrapping
all run on that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.counts.outline import Outline
from bridge.errors import RangeError
from bridge.plain_numbers import strip_unit
from neurosim.errors import ParameterError, UnknownNameError, suggest

__all__ = ["Array", "Parameter", "RateFunction", "Slopes"]

Array = NDArray[np.float64]
Slopes = tuple[Any, list[Any]]
"""A rate, and its derivatives with respect to each parameter, to be broadcast together."""


@dataclass(frozen=True)
class Parameter:
    """One number of a unit.

    Attributes
    ----------
    name : str
        With its unit as suffix, such as ``threshold_pA``.
    meaning : str
        In a few words.
    lower, upper : float
        Range in which the equation means something; fits stay inside.
    logarithmic : bool
        Whether fits move it by factors rather than by steps.
    quantity : {"pA", "Hz", "s", ""}
        Unit that a Brian2 quantity is converted to.
    scales : {1, 0, -1}
        What it is multiplied with in a unit that fires f times as fast: f, 1 or 1 / f.
    """

    name: str
    meaning: str
    lower: float
    upper: float
    logarithmic: bool = True
    quantity: str = ""
    scales: int = 0


@dataclass(frozen=True)
class RateFunction(ABC):
    """Mean firing rate (Hz) as a function of constant current (pA).

    Subclasses are frozen dataclasses whose docstring is their equation. Currents are plain floats
    or arrays in picoampere, rates in hertz, times in seconds; Brian2 quantities are converted.

    Attributes
    ----------
    name : str
        Name of the family.
    parameters : tuple of Parameter
        The numbers that a fit finds, in the order of the fields.
    location : str
        The parameter that shifts the curve along the current axis (default: ``threshold_pA``).
    sharp : bool
        Whether the rate is exactly zero below `location`.
    monotone : bool
        Whether the rate never falls with current.
    """

    name: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]
    location: ClassVar[str] = "threshold_pA"
    sharp: ClassVar[bool] = False
    monotone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for parameter in self.parameters:
            value = self._number(parameter.name, parameter.quantity)
            if not parameter.lower <= value <= parameter.upper:
                raise ParameterError(
                    f"{type(self).__name__}: {parameter.name} = {value:g} ({parameter.meaning}) "
                    f"lies outside {parameter.lower:g} to {parameter.upper:g}"
                )

    def _number(self, name: str, quantity: str) -> float:
        value = strip_unit(getattr(self, name), quantity, name)
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ParameterError(
                f"{type(self).__name__}: {name} must be one number; got {value!r}"
            ) from None
        if not np.isfinite(number):
            raise ParameterError(f"{type(self).__name__}: {name} is {number}; give a finite number")
        object.__setattr__(self, name, number)
        return number

    # ------------------------------------------------------------------ what a subclass writes

    @staticmethod
    @abstractmethod
    def equation(current: Array, *parameters: Any, **settings: Any) -> Any:
        """Rate (Hz) from arrays of currents and of each parameter, broadcast together.

        Parameters
        ----------
        current : ndarray
            Currents (pA).
        *parameters : ndarray
            In the order of `parameters`.
        **settings : float
            Fields that are not fitted.
        """

    @staticmethod
    @abstractmethod
    def slopes(current: Array, *parameters: Any, **settings: Any) -> Slopes:
        """Rate, and its derivative with respect to every parameter; arguments of `equation`."""

    @classmethod
    @abstractmethod
    def starts(cls, outline: Outline) -> Array:
        """Rough parameters from which a fit may begin, shape (s, p); their scale is free."""

    @abstractmethod
    def _invert(self, rate: Array) -> Array:
        """Current for rates that lie inside `rate_range`."""

    # ------------------------------------------------------------------ what a fit calls

    @classmethod
    def evaluate(cls, theta: Array, current: Array, **settings: float) -> Array:
        """Rate of many units at many currents.

        Parameters
        ----------
        theta : ndarray, shape (..., p)
            Parameters, in the order of `parameters`.
        current : ndarray, shape (m,)
            Currents (pA).
        **settings : float
            Fields that are not fitted.

        Returns
        -------
        ndarray, shape (..., m)
            Rates (Hz).
        """
        columns = (theta[..., i, None] for i in range(len(cls.parameters)))
        return np.asarray(cls.equation(current, *columns, **settings))

    @classmethod
    def derivatives(cls, theta: Array, current: Array, **settings: float) -> tuple[Array, Array]:
        """Rate of many units, with its derivative with respect to every parameter.

        Parameters
        ----------
        theta, current, **settings
            As in `evaluate`.

        Returns
        -------
        rate : ndarray, shape (..., m)
        partials : ndarray, shape (..., m, p)
            d rate / d parameter, in hertz per unit of the parameter.
        """
        columns = (theta[..., i, None] for i in range(len(cls.parameters)))
        rate, slopes = cls.slopes(current, *columns, **settings)
        partials = np.empty((*np.shape(rate), len(slopes)))
        for i, slope in enumerate(slopes):
            partials[..., i] = slope
        return rate, partials

    @classmethod
    def scaled(cls, theta: Array, factor: Array) -> Array:
        """Parameters, shape (..., p), of the units that fire `factor` times as fast."""
        scales, factors = np.array([p.scales for p in cls.parameters]), factor[..., None]
        slower = np.where(scales < 0, 1 / factors, 1.0)
        return np.asarray(theta * np.where(scales > 0, factors, slower))

    # ------------------------------------------------------------------ what a user calls

    @property
    def rate_range(self) -> tuple[float, float]:
        """Lowest and highest rate that has an inverse (Hz); the limits are not reached."""
        dead_s = getattr(self, "refractory_s", 0.0)
        return 0.0, getattr(self, "max_rate_Hz", 1 / dead_s if dead_s > 0 else np.inf)

    @property
    def values(self) -> Array:
        """The fitted parameters as an array, shape (p,)."""
        return np.array([getattr(self, parameter.name) for parameter in self.parameters])

    @property
    def settings(self) -> dict[str, float]:
        """Fields that are not fitted."""
        names = {parameter.name for parameter in self.parameters}
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in names}

    def rate(self, current: ArrayLike) -> Any:
        """Mean firing rate.

        Parameters
        ----------
        current : array_like or Quantity
            Constant current (pA).

        Returns
        -------
        float or ndarray
            Rate (Hz), of the shape of `current`.
        """
        amount = np.asarray(strip_unit(current, "pA", "current"), dtype=float)
        out = self.evaluate(self.values, amount.ravel(), **self.settings).reshape(amount.shape)
        return out[()]

    value = rate
    __call__ = rate

    def gradient(self, current: ArrayLike) -> Any:
        """Slope of the rate.

        Parameters
        ----------
        current : array_like or Quantity
            Constant current (pA).

        Returns
        -------
        float or ndarray
            d rate / d current (Hz / pA), of the shape of `current`.
        """
        amount = np.asarray(strip_unit(current, "pA", "current"), dtype=float)
        _, partials = self.derivatives(self.values, amount.ravel(), **self.settings)
        where = [parameter.name for parameter in self.parameters].index(self.location)
        # Moving the curve to the right by one step is moving along it to the left by one step.
        return (0.0 - partials[..., where].reshape(amount.shape))[()]

    def inverse(self, rate: ArrayLike) -> Any:
        """Current at which the unit fires at a given rate.

        Parameters
        ----------
        rate : array_like or Quantity
            Wanted rate (Hz).

        Returns
        -------
        float or ndarray
            Current (pA), of the shape of `rate`. Where a whole range of currents is silent, rate 0
            gives the largest of them, the threshold.

        Raises
        ------
        RangeError
            A rate the unit does not reach; the message names the range it does reach.
        """
        wanted = np.asarray(strip_unit(rate, "Hz", "rate"), dtype=float)
        low, high = self.rate_range
        inside = (wanted >= low if self.sharp else wanted > low) & (wanted < high)
        if not np.all(inside):
            bad = float(wanted[~inside].flat[0])
            raise RangeError(
                f"{type(self).__name__} never fires at {bad:g} Hz; its rates lie "
                f"{'from' if self.sharp else 'above'} {low:g} Hz "
                + (f"and below {high:g} Hz" if np.isfinite(high) else "up")
            )
        with np.errstate(divide="ignore", over="ignore"):
            return self._invert(wanted.ravel()).reshape(wanted.shape)[()]

    def to_dict(self) -> dict[str, Any]:
        """Name and every number of the unit, as plain values.

        Returns
        -------
        dict
        """
        return {"name": self.name, **{f.name: getattr(self, f.name) for f in fields(self)}}

    def replace(self, **changes: float) -> Self:
        """The same unit with some numbers changed.

        Parameters
        ----------
        **changes : float
            New values, by name.

        Returns
        -------
        Unit

        Raises
        ------
        UnknownNameError
            A name this family does not have.
        """
        self.check_names(changes)
        return replace(self, **changes)

    @classmethod
    def check_names(cls, names: Mapping[str, Any]) -> None:
        """Refuse names that are no number of this family.

        Parameters
        ----------
        names : mapping
            Its keys are checked.

        Raises
        ------
        UnknownNameError
            With the nearest name.
        """
        known = [f.name for f in fields(cls)]
        for name in names:
            if name not in known:
                raise UnknownNameError(
                    f"{cls.__name__} has no parameter {name!r}; {suggest(name, known)}"
                )
