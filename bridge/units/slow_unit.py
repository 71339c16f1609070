"""The unit with a slow state: what the cell did seconds ago changes what it does now.

Each spike brings sodium into a cell, and the sodium-potassium pump carries it out again over
seconds: three sodium ions for two potassium ions, so that its work is an outward current. Sodium is
thus a memory of the firing rate (Pulver and Griffith 2010, Nat. Neurosci. 13:53). Slow potassium
currents and slow inactivation remember the rate alike. The unit keeps one number of that memory:

    ds/dt = (r - s)/tau,
    r = onset(I - strength * s)           (subtractive), or
    r = onset(I) / (1 + strength * s)     (divisive).

The state s is the firing rate averaged over the last seconds, in hertz. The subtractive law is that
of `bridge.units.adaptive.Adaptive`, at a time scale on which a step of a second shows nothing of
it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.plain_numbers import strip_unit
from bridge.units import FAMILIES, Unit
from bridge.units.steady_rate import steady_rate
from neurosim.errors import ParameterError, UnknownNameError, suggest

__all__ = ["EFFECTS", "Effect", "SlowUnit", "advance", "follow", "slowed"]

Array = NDArray[np.float64]
Effect = Literal["subtractive", "divisive"]

EFFECTS: dict[Effect, str] = {"subtractive": "pA/Hz", "divisive": "1/Hz"}
"""What the state may do to the rate, and the unit of its strength."""
LONGEST_SHARE = 0.1
"""Longest integration step of `SlowUnit.drive`, as a share of the time constant."""


def slowed(
    family: type[Unit],
    theta: Array,
    settings: Mapping[str, float],
    effect: Effect,
    current: Array,
    strength: Array,
    state: Array,
) -> Array:
    """Rate of many units at many currents and states of each.

    Parameters
    ----------
    family : type of Unit
        Of the onset curve.
    theta : ndarray, shape (b, p)
        Its parameters, one row a candidate.
    settings : mapping
        Its fields that are not fitted.
    effect : {"subtractive", "divisive"}
    current : ndarray, shape (n,)
        Current (pA).
    strength : ndarray, shape (b, 1)
        In pA / Hz or 1 / Hz.
    state : ndarray, shape (b, n)
        Slow state (Hz).

    Returns
    -------
    ndarray, shape (b, n)
        Rate (Hz).
    """
    if effect == "subtractive":
        return family.evaluate(theta, current - strength * state, **settings)
    return family.evaluate(theta, current, **settings) / (1 + strength * state)


def advance(
    rate_of: Callable[[Array], Array], state: Array, width: Any, tau: Any
) -> tuple[Array, Array]:
    """Let the slow state run through one bin.

    One exponential step with the slope of the rate between the state at the beginning and that in
    the middle: exact where the rate is a line over the states of the bin.

    Parameters
    ----------
    rate_of : callable
        From the state to the rate (Hz); it never rises.
    state : ndarray
        At the beginning of the bin (Hz).
    width, tau : array_like
        Length of the bin, and the time constant (s).

    Returns
    -------
    rate, state : ndarray
        Mean rate in the bin, and the state at its end (Hz).

    Examples
    --------
    >>> rate, state = advance(lambda s: np.full(1, 10.0), np.zeros(1), 5.0, 5.0)
    >>> rate.tolist(), state.round(2).tolist()      # 10 (1 - 1/e)
    ([10.0], [6.32])
    """
    return follow(rate_of, state, np.asarray(width) / tau)[:2]


def follow(
    rate_of: Callable[[Array], Array], state: Array, part: Array
) -> tuple[Array, Array, Array]:
    """As `advance`, with the length of a bin as a share of the time constant (`part`).

    Beside the rate and the state at the end it returns what is left there of a small change of the
    state at the beginning, as a share: exact where the rate is a line over the states of the bin.
    """
    first = rate_of(state)
    gap = first - state
    move = gap * -np.expm1(-0.5 * part)
    rise = rate_of(state + move) - first
    # Where the state hardly moves, its rate is as good as constant.
    moves = np.abs(move) >= 1e-9
    slope = np.minimum(np.divide(rise, move, out=np.zeros_like(move), where=moves), 0.0)
    pull = 1.0 - slope
    way = np.maximum(pull * part, 1e-9)
    reach = gap / pull
    gone = -np.expm1(-way)
    mean = reach * (1.0 - gone / way)
    return np.maximum(first + slope * mean, 0.0), state + reach * gone, 1.0 - gone


@dataclass(frozen=True)
class SlowUnit:
    """A rate that depends on the current and on the firing of the last seconds.

    Attributes
    ----------
    onset : Unit
        Rate of the rested cell, whose slow state is 0.
    strength : float
        How much one hertz of the state takes away: pA / Hz of the current (subtractive), or 1 / Hz
        of the rate (divisive).
    tau_s : float
        Time constant of the state (s).
    effect : {"subtractive", "divisive"}

    Examples
    --------
    >>> from bridge.units import ReLU
    >>> unit = SlowUnit(ReLU(0.5, 100), strength=2.0, tau_s=5.0)
    >>> float(unit.onset_rate(300)), float(unit.rate(300))
    (100.0, 50.0)
    >>> unit.response(300, [0, 2.5, 60]).round(1)
    array([100. ,  68.4,  50. ])
    >>> SlowUnit.from_dict(unit.to_dict()) == unit
    True
    """

    onset: Unit
    strength: float
    tau_s: float
    effect: Effect = "subtractive"

    name: ClassVar[str] = "slow"

    def __post_init__(self) -> None:
        if not isinstance(self.onset, Unit) or not self.onset.monotone:
            raise ParameterError(
                f"SlowUnit: onset must be a unit whose rate never falls; got {self.onset!r}"
            )
        if self.effect not in EFFECTS:
            raise UnknownNameError(
                f"SlowUnit: effect {self.effect!r}: {suggest(str(self.effect), EFFECTS)}"
            )
        for name, unit, low in (("strength", "", 0.0), ("tau_s", "s", 1e-3)):
            value = float(strip_unit(getattr(self, name), unit, name))
            if not (np.isfinite(value) and value >= low):
                raise ParameterError(f"SlowUnit: {name} = {value:g} must be at least {low:g}")
            object.__setattr__(self, name, value)

    @property
    def family(self) -> str:
        """Name with that of its onset curve."""
        return f"{self.effect} slow {self.onset.name}"

    @property
    def strength_unit(self) -> str:
        """Unit of the strength."""
        return EFFECTS[self.effect]

    def onset_rate(self, current: ArrayLike) -> Any:
        """Rate of the rested cell (Hz), of the shape of `current` (pA)."""
        return self.onset.rate(current)

    def rate_at(self, current: ArrayLike, state_Hz: ArrayLike) -> Any:
        """Rate at a current and a slow state (Hz).

        Parameters
        ----------
        current : array_like or Quantity
            pA.
        state_Hz : array_like
            Mean rate over the last seconds, as the state keeps it; broadcast against `current`.
        """
        amount = np.asarray(strip_unit(current, "pA", "current"), dtype=float)
        state = np.asarray(state_Hz, dtype=float)
        if self.effect == "subtractive":
            return self.onset.rate(amount - self.strength * state)
        return self.onset.rate(amount) / (1 + self.strength * state)

    def rate(self, current: ArrayLike) -> Any:
        """Steady rate (Hz), of the shape of `current` (pA): the state has come to the rate."""
        amount = np.asarray(strip_unit(current, "pA", "current"), dtype=float)
        rested = np.asarray(self.onset.rate(amount), dtype=float)
        return steady_rate(lambda rate: np.asarray(self.rate_at(amount, rate)), rested)[()]

    value = rate
    __call__ = rate

    def state_after(self, rate_Hz: ArrayLike, time_s: ArrayLike) -> Any:
        """State of a rested cell that has fired at a rate for a time (Hz).

        Examples
        --------
        >>> from bridge.units import ReLU
        >>> round(float(SlowUnit(ReLU(0.5, 100), 2.0, 5.0).state_after(40, 10)), 1)
        34.6
        """
        return np.asarray(rate_Hz) * -np.expm1(-np.asarray(time_s) / self.tau_s)

    def drive(self, current: ArrayLike, step_s: float, state_Hz: ArrayLike = 0.0) -> Array:
        """Rate under a current that varies in time.

        Parameters
        ----------
        current : array_like, shape (..., n)
            Samples of the current (pA), each held for `step_s`.
        step_s : float
            Time between them (s); may be long.
        state_Hz : array_like, shape (...)
            Slow state at the beginning.

        Returns
        -------
        ndarray, shape (..., n)
            Mean rate during each sample (Hz).
        """
        amount = np.asarray(strip_unit(current, "pA", "current"), dtype=float)
        if not step_s > 0:
            raise ParameterError(f"drive: step_s must be greater than 0; got {step_s}")
        return self._run(amount, float(step_s), state_Hz)[0]

    def _run(self, amount: Array, step_s: float, state_Hz: ArrayLike) -> tuple[Array, Array]:
        """Mean rate in each sample and state at its end."""
        parts = max(1, int(np.ceil(step_s / (LONGEST_SHARE * self.tau_s))))
        state = np.broadcast_to(np.asarray(state_Hz, dtype=float), amount.shape[:-1]).copy()
        rates, states = np.zeros_like(amount), np.empty_like(amount)
        for i in range(amount.shape[-1]):
            here = amount[..., i]

            def rate_of(s: Array, here: Array = here) -> Array:
                return np.asarray(self.rate_at(here, s))

            for _ in range(parts):
                rate, state = advance(rate_of, state, step_s / parts, self.tau_s)
                rates[..., i] += rate / parts
            states[..., i] = state
        return rates, states

    def response(self, current: float, times_s: ArrayLike) -> Array:
        """Rate at some times after the onset of a step, given to the rested cell.

        Parameters
        ----------
        current : float or Quantity
            Height of the step (pA).
        times_s : array_like, shape (n,)
            Times, ascending (s).

        Returns
        -------
        ndarray, shape (n,)
            Rates (Hz).
        """
        amount = float(strip_unit(current, "pA", "current"))
        times = np.asarray(times_s, dtype=float)
        states = [0.0]
        for width in np.diff(times, prepend=0.0):
            _, state = self._run(np.array([amount]), float(width), states[-1])
            states.append(float(state[0]))
        return np.asarray(self.rate_at(amount, np.array(states[1:])))

    def to_dict(self) -> dict[str, Any]:
        """Name and every number, as plain values."""
        return {
            "name": self.name,
            "onset": self.onset.to_dict(),
            "strength": self.strength,
            "strength_unit": self.strength_unit,
            "tau_s": self.tau_s,
            "effect": self.effect,
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        """The unit that `to_dict` wrote.

        Raises
        ------
        ParameterError
            It is no slow unit, or a number of it is missing or wrong.
        UnknownNameError
            Its onset curve is of a family that is not known.
        """
        try:
            kind, onset = said["name"], dict(said["onset"])
            numbers = {name: said[name] for name in ("strength", "tau_s", "effect")}
            family = onset.pop("name")
        except (KeyError, TypeError, ValueError) as error:
            raise ParameterError(
                f"this is no saved slow unit: {type(error).__name__} at {error}; it has the keys "
                "name, onset, strength, tau_s and effect"
            ) from None
        if kind != cls.name:
            raise ParameterError(f"this is a saved {kind!r} unit and not a 'slow' one")
        known = {one.name: one for one in FAMILIES}
        if family not in known:
            raise UnknownNameError(f"onset family {family!r}: {suggest(str(family), known)}")
        known[family].check_names(onset)
        return cls(known[family](**onset), **numbers)
