"""Describe the current of one sweep as constant pieces, or say what it is instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bridge.recordings.formats.sweeps import Sweep

__all__ = [
    "COMPARE_S",
    "SAME_EDGE_S",
    "SHORTEST_S",
    "SMALLEST_SHARE",
    "CurrentTrace",
    "is_amplifier_noise",
    "range_of",
    "trace_of",
]

Array = NDArray[np.float64]
Shape = Literal["flat", "steps", "ramp", "fluctuating"]

# Measured current is compared before and after a point over this long: shorter steps are
# test pulses, too brief for a rate.
COMPARE_S = 0.005
# A change smaller than this share of the largest one is drift or crosstalk, not a step.
SMALLEST_SHARE = 0.02
# Slow departures from a level, and fast ones such as hum, that a step may have: shares of the range
# of the current over the whole recording.
_DRIFT_SHARE = 0.05
_WAVE_SHARE = 0.3
# Edges of different sweeps belong together when they are this close; in a noisy current a small
# step's edge is known no better than the width of the comparison.
SAME_EDGE_S = 0.001
# A command written by a computer keeps each value for a while; more pieces than this are a wave.
_MOST_PIECES = 64
# Shorter pieces are test pulses; a current made of many of them in a row is a wave.
SHORTEST_S = 0.05
_FEW_PIECES = 8
# Electrodes and amplifiers add a few picoampere of noise, not more.
_MOST_NOISE_PA = 20.0
# Means of independent samples range over 6 to 8 of their standard deviations; those of neighbours
# that the amplifier's filter ties together over a few times as much.
_MOST_MEAN_NOISE = 20.0


@dataclass(frozen=True)
class CurrentTrace:
    """The current of one sweep as constant pieces.

    Parameters
    ----------
    shape : {"flat", "steps", "ramp", "fluctuating"}
        What it is made of.
    edges : tuple of float
        Where it changes (s).
    levels : tuple of float
        Before, between and after the edges (pA).
    duration : float
        Of the sweep, with what the file holds no numbers of (s).
    noise : float
        Standard deviation from sample to sample (pA); 0 for a command.
    """

    shape: Shape
    edges: tuple[float, ...]
    levels: tuple[float, ...]
    duration: float
    noise: float = 0.0

    @property
    def jitter(self) -> float:
        """How well its edges are known (s)."""
        return COMPARE_S if self.noise else SAME_EDGE_S


def range_of(sweeps: Sequence[Sweep]) -> float:
    """Return how far the current of a recording ranges, brief noise left out (pA).

    Parameters
    ----------
    sweeps : sequence of Sweep
        The recording.

    Examples
    --------
    >>> step = np.repeat([0.0, 100.0], 500)
    >>> range_of([Sweep(0, 1e4, np.zeros(1000), step)])
    100.0
    """
    lowest, highest = np.inf, -np.inf
    for sweep in sweeps:
        means = _block_means(sweep.current_pA, max(1, round(COMPARE_S * sweep.sampling_rate_Hz)))
        lowest, highest = min(lowest, means.min()), max(highest, means.max())
    return float(highest - lowest)


def _block_means(values: Array, width: int) -> Array:
    blocks = max(1, len(values) // width)
    return np.array([part.mean() for part in np.array_split(values, blocks)])


def trace_of(sweep: Sweep, scale: float) -> CurrentTrace:
    """Describe the current of one sweep as constant pieces.

    Parameters
    ----------
    sweep : Sweep
        The sweep.
    scale : float
        Range of the current over the recording (pA), as `range_of` gives it.

    Returns
    -------
    CurrentTrace

    Examples
    --------
    >>> step = np.repeat([0.0, 100.0], 500)
    >>> trace_of(Sweep(0, 1e4, np.zeros(1000), step), 100.0).edges
    (0.05,)
    """
    current = sweep.current_pA
    # The protocol went on where the file has no numbers any more.
    length = sweep.duration_s + sweep.padding_s
    cuts = np.flatnonzero(np.diff(current)) + 1
    # A written command is noiseless and holds its value far longer than it changes.
    if len(cuts) <= _MOST_PIECES:
        levels = current[np.concatenate([[0], cuts])]
        edges = cuts / sweep.sampling_rate_Hz
        shape: Shape = "steps" if len(cuts) else "flat"
        turns = np.sum(np.diff(np.sign(np.diff(levels))) != 0)
        # Trains of brief pulses turn back each time. What does not is a ramp that is written in
        # small treads, or steps whose edges take some samples.
        if _restless(edges) and turns <= 2:
            found = _noisy_trace(sweep, scale)
            return found if found.shape == "steps" else replace(found, shape="ramp")
        return CurrentTrace(shape, tuple(map(float, edges)), tuple(map(float, levels)), length)
    return _noisy_trace(sweep, scale)


def _noisy_trace(sweep: Sweep, scale: float) -> CurrentTrace:
    current, rate = sweep.current_pA, sweep.sampling_rate_Hz
    length = sweep.duration_s + sweep.padding_s
    width = max(2, round(COMPARE_S * rate))
    noise = 1.4826 * float(np.median(np.abs(np.diff(current)))) / np.sqrt(2)
    sums = np.concatenate([[0.0], np.cumsum(current)])
    place = np.arange(width, len(current) - width)
    change = (sums[place + width] - 2 * sums[place] + sums[place - width]) / width
    biggest = float(np.abs(change).max(initial=0.0))
    # What most of the sweep shows (coloured noise, the mains' hum, drift) is no step either.
    usual = 1.4826 * float(np.median(np.abs(change))) if len(change) else 0.0
    floor = max(6 * noise * np.sqrt(2 / width), 6 * usual, SMALLEST_SHARE * biggest, 1e-9)
    above = np.abs(change) > floor
    starts = np.flatnonzero(np.diff(np.concatenate([[0], above.view(np.int8)])) == 1)
    stops = np.flatnonzero(np.diff(np.concatenate([above.view(np.int8), [0]])) == -1) + 1
    cuts = [
        int(place[start + np.argmax(np.abs(change[start:stop]))])
        for start, stop in zip(starts, stops, strict=True)
    ]
    bounds = [0, *cuts, len(current)]
    levels, slow, fast = [], 0.0, 0.0
    worst = slice(0, 0)
    for start, stop in pairwise(bounds):
        margin = min(width // 2, (stop - start) // 4)
        inner = current[start + margin : stop - margin]
        levels.append(float(np.median(inner)))
        # Over a period of the mains its hum cancels; a stimulus does not.
        off = float(np.abs(_block_means(inner, 4 * width) - levels[-1]).max())
        fast = max(fast, float(np.abs(_block_means(inner, width) - levels[-1]).max()))
        if off > slow:
            slow, worst = off, slice(start, stop)
    span = max(levels) - min(levels)
    drifts = slow > max(6 * noise / np.sqrt(4 * width), 0.1 * span, _DRIFT_SHARE * scale)
    longest = float(np.max(stops - starts, initial=0)) / rate
    if drifts or longest > 4 * COMPARE_S or _restless(np.array(cuts) / rate):
        # One odd piece is judged by itself: a ramp beside steps is a ramp.
        part = current[worst] if drifts and len(cuts) < _FEW_PIECES else current
        return CurrentTrace(_wave(part, noise), (), (levels[0],), length, noise)
    if fast > max(6 * noise / np.sqrt(width), _WAVE_SHARE * scale):
        return CurrentTrace("fluctuating", (), (levels[0],), length, noise)
    if noise > _MOST_NOISE_PA:
        return CurrentTrace("fluctuating", (), (levels[0],), length, noise)
    edges = tuple(cut / rate for cut in _sharpen(current, cuts, levels, width))
    return CurrentTrace("steps" if cuts else "flat", edges, tuple(levels), length, noise)


def _sharpen(current: Array, cuts: list[int], levels: list[float], width: int) -> list[int]:
    """Put each edge where the current crosses the middle between its two levels."""
    sharp = []
    for cut, low, high in zip(cuts, levels[:-1], levels[1:], strict=True):
        part = (current[cut - width : cut + width] > (low + high) / 2) == (high > low)
        # The split that leaves fewest samples on the wrong side; robust to noise.
        wrong = np.concatenate([[0], np.cumsum(part)]) + (
            np.sum(~part) - np.concatenate([[0], np.cumsum(~part)])
        )
        sharp.append(cut - width + int(np.argmin(wrong)))
    return sharp


def _restless(edges: Array) -> bool:
    """Whether a current changes all the time."""
    return len(edges) >= _FEW_PIECES and bool(np.median(np.diff(edges)) < SHORTEST_S)


def _wave(current: Array, noise: float) -> Shape:
    """Tell a ramp (one steady climb or fall, whatever is flat around it) from other waves."""
    width = max(1, len(current) // 40)
    blocks = current[: len(current) // width * width].reshape(-1, width).mean(axis=1)
    moves = np.diff(blocks)
    least = max(0.1 * np.abs(moves).max(initial=0.0), 4 * noise * np.sqrt(2 / width))
    moving = np.abs(moves) > least
    if moving.sum() < 4:
        return "fluctuating"
    # The corners of a ramp move by less; between them the pace is one. A triangle turns once.
    pace = np.median(np.abs(moves[moving]))
    steady = np.mean(np.abs(np.abs(moves[moving]) - pace) < 0.3 * pace)
    turns = int(np.sum(np.diff(np.sign(moves[moving])) != 0))
    return "ramp" if steady > 0.7 and turns <= 2 else "fluctuating"


def is_amplifier_noise(sweep: Sweep) -> bool:
    """Say whether a recorded current only shows what an amplifier adds to a constant one.

    Over a period of the mains it moves by a few picoampere, or by no more than samples that are
    independent of each other do. A stimulus that fluctuates is slower than its samples.

    Parameters
    ----------
    sweep : Sweep
        The sweep.

    Examples
    --------
    >>> noise = 40 * np.random.default_rng(0).standard_normal(10000)
    >>> is_amplifier_noise(Sweep(0, 1e4, np.zeros(10000), noise, "measured"))
    True
    >>> slow = np.convolve(noise, np.ones(100) / 10, "same")
    >>> is_amplifier_noise(Sweep(0, 1e4, np.zeros(10000), slow, "measured"))
    False
    """
    if sweep.current_kind != "measured":
        return False
    current = sweep.current_pA
    width = max(1, round(4 * COMPARE_S * sweep.sampling_rate_Hz))
    noise = 1.4826 * float(np.median(np.abs(np.diff(current)))) / np.sqrt(2)
    usual = _MOST_MEAN_NOISE * noise / np.sqrt(width)
    return bool(np.ptp(_block_means(current, width)) <= max(_MOST_NOISE_PA, usual))
