"""Does a cell remember seconds, and if so, which unit with a slow state stands for it?

Every onset family is fitted with a subtractive state, with a divisive state and without one. A
curve of any form, a rate of its own at every current, is a rival as well, so that a family that
misses the f-I curve is not rescued by a slow state. AICc chooses. Because the time constant means
nothing where there is no state, the likelihood ratio has no chi-squared distribution there; its
upper tail is bounded after Davies (1987, Biometrika 74:33), and a state is claimed only below
`LEVEL`.

All this is decided with the state driven by the spikes that were counted. The numbers of the chosen
unit and their intervals are then found with the state that follows the rate of the unit itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import fill
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from bridge.choice.adaptive_fit import ONSETS
from bridge.choice.remarks import aicc
from bridge.choice.selection import Interval
from bridge.counts.dispersion import (
    CountNoise,
    Counts,
    contradicts,
    infer_noise,
    noise_of_intervals,
)
from bridge.counts.likelihood import rough_variance
from bridge.errors import FitError
from bridge.page_style import Axes
from bridge.slow_state.slow_picture import draw_in_time
from bridge.slow_state.slow_scoring import (
    FASTEST_S,
    SLOWEST_S,
    Driver,
    LevelScoring,
    SlowScoring,
    Timeline,
)
from bridge.slow_state.slow_words import no_slow_words, slow_words
from bridge.slow_state.sweep_counts import SweepCounts
from bridge.units import Unit
from bridge.units.slow_unit import EFFECTS, SlowUnit, slowed
from neurosim.atomic_write import plain

__all__ = ["LEVEL", "SlowFit", "Verdict", "begins_with_a_jump", "fit_slow"]

Array = NDArray[np.float64]
Verdict = Literal["slow", "none", "drift", "fast"]

LEVEL = 0.01
"""Chance of claiming a slow state where there is none, at most."""
NARROW = 0.2
"""Half the width of an interval, in the logarithm, below which no profile is taken."""
JUMP_REACH, JUMP_SHARE = 0.01, 0.25
"""Share of the range of currents, and of the highest rate, that make a beginning a jump."""
_TAUS = 24
"""Time constants at which the bound on that chance is taken."""


@dataclass(frozen=True, eq=False)
class SlowFit:
    """The best unit with a slow state, beside the best one without.

    Attributes
    ----------
    verdict : {"slow", "none", "drift", "fast"}
        "slow": the counts show a slow state. "none": they do not. "drift": the rate changes over
        the protocol, but nothing shows that it comes back, as with a cell that runs down. "fast":
        the state fades too fast for the bins: ordinary adaptation.
    unit : SlowUnit
        The likeliest with a slow state, whatever the verdict.
    rested : Unit
        The likeliest without.
    aicc, rested_aicc : float
        Of the unit with a slow state, and of the best without: `rested`, or a rate of its own at
        every current.
    weight : float
        Akaike weight of the slow state.
    p : float
        Chance of so large an AICc difference where there is no slow state, at most.
    intervals : dict of Interval
        Of the time constant, and of the strength where a slow state is claimed; empty where the
        verdict is "none" or firing begins with a jump.
    noise : CountNoise
        How counts scatter.
    counts : SweepCounts
        What it was fitted to.
    confidence : float
        Of the intervals.
    jumps : bool
        Whether firing begins with a jump; then no interval is given.
    """

    verdict: Verdict
    unit: SlowUnit
    rested: Unit
    aicc: float
    rested_aicc: float
    weight: float
    p: float
    intervals: dict[str, Interval]
    noise: CountNoise
    counts: SweepCounts
    confidence: float
    jumps: bool = False

    @property
    def chosen(self) -> bool:
        """Whether the counts show a slow state."""
        return self.verdict == "slow"

    def expected_Hz(self) -> Array:
        """Rate that the unit expects in each judged bin (Hz)."""
        drive: Driver = "rate" if self.chosen else "spikes"
        family, timeline = type(self.unit.onset), Timeline(self.counts)
        task = SlowScoring(family, timeline, self.unit.effect, drive)
        z = np.append(
            task.base.coordinates(self.unit.onset.values),
            np.log([max(self.unit.strength, 1e-7), self.unit.tau_s]),
        )
        return np.asarray(task.mean(z[None])[0] / task.timeline.width)

    @property
    def kept_up_Hz(self) -> float:
        """Rate that the cell keeps up at the strongest current of the protocol (Hz)."""
        return float(self.unit.rate(self.counts.current_pA.max()))

    def in_words(self) -> str:
        """What the slow state means, or why none is claimed."""
        if not self.chosen:
            return no_slow_words(self.verdict, self.p, self.counts.duration_s)
        rate = float(f"{self.kept_up_Hz:.2g}")
        said = slow_words(self.unit, self.intervals, rate, self.confidence)
        if self.jumps:
            said += (
                ". No intervals are given: firing begins with a jump, and the time constant and "
                "strength of such cells are known only roughly"
            )
        return said

    def __str__(self) -> str:
        return fill(self.in_words(), 100)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the rates of the first sweep, counted and expected, with the state and without.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).

        Returns
        -------
        matplotlib Axes
        """
        rested = self.rested.rate(self.counts.current_pA[self.counts.judged])
        return draw_in_time(self.counts, self.expected_Hz(), np.asarray(rested), ax)

    def to_dict(self) -> dict[str, Any]:
        """Every number, fit for JSON; None stands for an open end."""
        names = ("verdict", "aicc", "rested_aicc", "weight", "p", "confidence", "jumps")
        said = {
            **{name: getattr(self, name) for name in names},
            "unit": self.unit.to_dict(),
            "rested": self.rested.to_dict(),
            "intervals": {name: [end.low, end.high] for name, end in self.intervals.items()},
            "noise": str(self.noise),
            "says": self.in_words(),
            "counts": self.counts.to_dict(),
        }
        return dict(plain(said))


def fit_slow(
    counts: SweepCounts,
    onsets: Iterable[type[Unit]] = ONSETS,
    confidence: float = 0.95,
) -> SlowFit:
    """Fit units with a slow state and weigh the best of them against the best without.

    Parameters
    ----------
    counts : SweepCounts
    onsets : iterable of Unit classes
        Families of the rested curve.
    confidence : float
        Of the intervals.

    Returns
    -------
    SlowFit

    Raises
    ------
    FitError
        No spikes, or too few currents.
    """
    if not counts.count[counts.judged].any():
        raise FitError("no spikes in any judged bin; use larger currents", "silent")
    levels = len(np.unique(counts.current_pA[counts.judged]))
    families = [one for one in onsets if len(one.parameters) + 1 <= levels]
    if not families:
        raise FitError(
            f"{levels} levels of current are too few for a rested curve; use four or more",
            "few-currents",
        )
    curve = counts.curve()
    told = noise_of_intervals(curve.statistics(), curve.timing)
    shape: float | Array = 1.0
    if told is not None and told.by_current:
        at = np.searchsorted(curve.currents, counts.current_pA[counts.judged])
        shape = np.array(told.by_current)[at]
    found = _Rivals(families, Timeline(counts, shape))
    alone, scattered = _residual_noise(found, told, shape)
    noise = alone if told is None or scattered else told
    if noise is alone:
        found = _Rivals(families, Timeline(counts, alone.shape))
    return _judged(found, noise, confidence)


class _Rivals:
    """Every fit to one timeline."""

    def __init__(self, families: list[type[Unit]], timeline: Timeline) -> None:
        self.timeline = timeline
        self.measurements = len(timeline.count)
        self.rested: list[tuple[float, float, SlowScoring, Array]] = []
        self.slow: list[tuple[float, float, SlowScoring, Array]] = []
        for family in families:
            task = SlowScoring(family, timeline, None)
            value, near = task.best()
            self.rested.append((self.aicc(value, task.size), value, task, near))
        self.rested.sort(key=lambda one: one[0])
        lowest = np.inf
        for _, _, plain_task, near in self.rested:
            for effect in EFFECTS:
                task = SlowScoring(plain_task.family, timeline, effect)
                # A family that does not seem to come up to the best so far is not fitted to the
                # end: its AICc is then an upper limit, good for nothing but to be larger.
                least = (self.aicc(0.0, task.size) - lowest) / 2
                value, z = task.best(near, least)
                self.slow.append((self.aicc(value, task.size), value, task, z))
                lowest = min(lowest, self.slow[-1][0])
        self.slow.sort(key=lambda one: one[0])
        self.free = LevelScoring(timeline)
        self.free_value, self.free_z = self.free.best()
        free = self.aicc(self.free_value, self.free.size)
        self.rested_aicc = min(self.rested[0][0], free)

    def aicc(self, value: float, size: int) -> float:
        """Corrected Akaike criterion of a fit with so many parameters."""
        return aicc(value, size, self.measurements)

    def best(self) -> tuple[SlowScoring | LevelScoring, Array]:
        """The best fit of all."""
        slow, rested = self.slow[0], self.rested[0]
        if slow[0] <= self.rested_aicc:
            return slow[2], slow[3]
        if rested[0] <= self.rested_aicc:
            return rested[2], rested[3]
        return self.free, self.free_z


def _residual_noise(
    found: _Rivals, told: CountNoise | None, shape: float | Array
) -> tuple[CountNoise, bool]:
    """Noise from the residuals of the best fit, and whether it is more than the intervals tell."""
    task, z = found.best()
    mean = task.mean(z[None])[0]
    slopes = task.slopes(z[None])[0]

    def volume(shapes: Array) -> float:
        information = (slopes / rough_variance(mean, shapes)) @ slopes.T
        scale = np.sqrt(np.maximum(np.diag(information), 1e-12))
        return float(
            np.linalg.slogdet(information / np.outer(scale, scale) + 1e-9 * np.eye(len(z)))[1]
            + 2 * np.log(scale).sum()
        )

    counts = Counts(found.timeline.count, mean, volume)
    alone = infer_noise(counts, "residuals")
    if told is None:
        return alone, True
    return alone, contradicts(counts, alone.shape, np.broadcast_to(shape, mean.shape))


def _judged(found: _Rivals, noise: CountNoise, confidence: float) -> SlowFit:
    aicc, value, task, z = found.slow[0]
    p = _chance(found, task, found.rested_aicc - aicc, noise)
    verdict: Verdict = "slow" if aicc < found.rested_aicc and p < LEVEL else "none"
    ends: dict[str, Interval] = {}
    if verdict == "slow":
        # Both drives agree where the counts are known without chance; where they are not, only this
        # one has intervals that hold the truth whichever drove the cell.
        task = SlowScoring(task.family, task.timeline, task.effect, "rate")
        (value,), (z,) = task.fisher_scoring(z[None])
        drop = noise.drop(confidence)
        ends["tau_s"], value, z = _interval(task, float(value), z, -1, drop)
        verdict = _kind(ends["tau_s"], found.timeline.counts.duration_s)
        if verdict == "slow":
            ends["strength"], value, z = _interval(task, value, z, -2, drop)
    onset = task.base.unit(z[:-2])
    assert task.effect is not None
    jumps = begins_with_a_jump(onset, found.timeline.current)
    if jumps and verdict == "slow":
        ends = {}
    unit = SlowUnit(onset, float(np.exp(z[-2])), float(np.exp(z[-1])), task.effect)
    weight = float(1 / (1 + np.exp(np.clip((aicc - found.rested_aicc) / 2, -700, 700))))
    _, _, plain_task, plain_z = found.rested[0]
    return SlowFit(
        verdict,
        unit,
        plain_task.base.unit(plain_z),
        aicc,
        found.rested_aicc,
        weight,
        p,
        ends,
        noise,
        found.timeline.counts,
        confidence,
        jumps,
    )


def begins_with_a_jump(onset: Unit, current_pA: Array) -> bool:
    """Whether firing begins with a jump: a hundredth of the currents leads to a quarter of the top.

    The likelihood of a threshold with a jump is no smooth function. Intervals that were taken from
    it held the truth in half of eight data sets of a type-two unit.

    Examples
    --------
    >>> from bridge.units import SquareRoot, TypeTwo
    >>> current = np.linspace(0, 400, 6)
    >>> begins_with_a_jump(TypeTwo(30.0, 2.0, 120.0), current)
    True
    >>> begins_with_a_jump(SquareRoot(2.0, 120.0), current)
    False
    """
    location = float(getattr(onset, onset.location))
    top = float(onset.rate(current_pA.max()))
    near = location + JUMP_REACH * float(np.ptp(current_pA))
    return bool(onset.rate(near) > JUMP_SHARE * top)


def _interval(
    task: SlowScoring, value: float, z: Array, place: int, drop: float
) -> tuple[Interval, float, Array]:
    """Interval of one parameter, and the fit or a likelier one."""
    reach = float(np.sqrt(drop) * task.errors(z)[place])
    if reach < NARROW:
        # So near the fit the likelihood is a parabola in the logarithm.
        low, high = np.exp(z[place] + np.array([-reach, reach])).tolist()
        return Interval(low, high), value, z
    # About where the end is expected: one or two looks are then enough.
    low, high, value, z = task.profile(value, z, len(z) + place, drop, min(1.05 * reach, 0.8))
    return Interval(low, high), value, z


def _kind(tau: Interval, duration_s: float) -> Verdict:
    """What the interval of the time constant makes of a change that is beyond chance."""
    if tau.high > 2 * duration_s:
        return "drift"
    return "fast" if tau.low <= FASTEST_S else "slow"


def _chance(found: _Rivals, task: SlowScoring, gain: float, noise: CountNoise) -> float:
    """Upper bound on the chance of so large a gain in AICc where there is no slow state."""
    # Of a model with two parameters more: the gain in twice the log-likelihood.
    ratio = gain + 4.0
    if ratio <= 0:
        return 1.0
    freedom = min(noise.freedom, 1e6)
    path = sum(_path(found, task, effect) for effect in EFFECTS)
    tail = len(EFFECTS) * stdtr(freedom, -np.sqrt(ratio))
    # Student's t in place of the normal density where the noise was estimated.
    bend = (1 + ratio / freedom) ** (-freedom / 2)
    return float(min(tail + path / (2 * np.pi) * bend, 1.0))


def _path(found: _Rivals, task: SlowScoring, effect: Any) -> float:
    """Length of the way that the direction of a weak state takes as its time constant changes.

    The direction in which a weak state moves the counts, less what the rested curve can imitate.
    """
    rested = next(one for one in found.rested if one[2].family is task.family)
    _, _, base, z = rested
    mean = base.mean(z[None])
    weight = np.sqrt(found.timeline.score(mean)[1][0])
    tangent, _ = np.linalg.qr((base.slopes(z[None])[0] * weight).T)
    taus = np.geomspace(FASTEST_S, SLOWEST_S, _TAUS)
    states = found.timeline.states(taus)
    theta = np.repeat(base.base.theta(z[None]), _TAUS, axis=0)
    top = max(float((found.timeline.count / found.timeline.width).max()), 1.0)
    little = np.full((_TAUS, 1), 1e-3 * (base.span / top if effect == "subtractive" else 1 / top))
    rate = slowed(
        base.family, theta, base.base.settings, effect, found.timeline.current, little, states
    )
    moved = (rate * found.timeline.width - mean) * weight
    moved = moved - (moved @ tangent) @ tangent.T
    size = np.linalg.norm(moved, axis=1)
    told = moved[size > 0] / size[size > 0, None]
    angles = np.arccos(np.clip((told[1:] * told[:-1]).sum(axis=1), -1, 1))
    return float(angles.sum())
