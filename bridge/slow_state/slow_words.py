"""What a slow state means, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.choice.selection import Interval
from bridge.units.slow_unit import SlowUnit

__all__ = ["no_slow_words", "slow_words"]

AFTER_S = 10.0
"""Time of firing that the sentence speaks of (s)."""


def slow_words(
    unit: SlowUnit,
    intervals: Mapping[str, Interval],
    rate_Hz: float,
    confidence: float = 0.95,
) -> str:
    """Say what some seconds of firing do to a cell.

    Parameters
    ----------
    unit : SlowUnit
    intervals : mapping of str to Interval
        Of ``strength`` and ``tau_s``; empty where they were not asked for.
    rate_Hz : float
        A rate that the cell keeps up (Hz).
    confidence : float
        Of the intervals.

    Examples
    --------
    >>> from bridge.units import ReLU
    >>> print(slow_words(SlowUnit(ReLU(0.5, 100), 1.73, 5.0), {}, 40.0))
    After 10 s of firing at 40 Hz the cell needs 60 pA more to fire at the same rate; half of this \
is gone after 3.5 s of silence. Slow state (subtractive): time constant 5 s, strength 1.73 pA/Hz
    """
    state = float(unit.state_after(rate_Hz, AFTER_S))
    begin = f"After {AFTER_S:g} s of firing at {rate_Hz:.3g} Hz the cell"
    half = 0.693 * unit.tau_s
    if unit.effect == "subtractive":
        effect = f"needs {_round(unit.strength * state)} pA more to fire at the same rate"
    else:
        left = 100 / (1 + unit.strength * state)
        effect = f"fires at {_round(left)} % of the rate that the same current gave at rest"
    told = {
        name: f" ({100 * confidence:g} % interval {end.low:.3g} to {end.high:.3g}{unit_of})"
        for name, unit_of in (("tau_s", " s"), ("strength", f" {unit.strength_unit}"))
        if (end := intervals.get(name)) is not None
    }
    return (
        f"{begin} {effect}; half of this is gone after {_round(half)} s of silence. "
        f"Slow state ({unit.effect}): time constant {unit.tau_s:.3g} s{told.get('tau_s', '')}, "
        f"strength {unit.strength:.3g} {unit.strength_unit}{told.get('strength', '')}"
    )


def _round(value: float) -> str:
    """Two digits, without a power of ten."""
    return f"{float(f'{value:.2g}'):g}"


def no_slow_words(verdict: str, p: float, duration_s: float) -> str:
    """Say why no slow state is claimed.

    Parameters
    ----------
    verdict : {"none", "drift", "fast"}
    p : float
        Upper bound on the chance of so large a gain where there is no slow state.
    duration_s : float
        Of the longest sweep (s).

    Examples
    --------
    >>> no_slow_words("none", 0.4, 144.0)
    'No slow state: what the cell fired seconds ago does not change its rate by more than counting \
noise (p at most 0.4)'
    """
    if verdict == "drift":
        return (
            "No slow state is claimed: the rate changes over the protocol, and nothing shows that "
            f"it comes back within {duration_s:.3g} s, so that it may be run-down; record longer "
            "sweeps, or pauses in which the cell recovers"
        )
    if verdict == "fast":
        return (
            "No slow state is claimed: what the cell fired changes its rate, but fades within "
            "about a second; this is ordinary adaptation"
        )
    return (
        "No slow state: what the cell fired seconds ago does not change its rate by more than "
        f"counting noise (p at most {max(p, 1e-3):.2g})"
    )
