"""Find the current steps of a recording from its current alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bridge.recordings.errors import RecordingError
from bridge.recordings.formats.sweeps import Sweep

__all__ = ["Protocol", "Step", "find_protocol"]

Array = NDArray[np.float64]
Shape = Literal["flat", "steps", "ramp", "fluctuating"]

# Measured current is compared before and after a point over this long: shorter steps are
# test pulses, too brief for a rate.
_COMPARE_S = 0.005
# A change smaller than this share of the largest one is drift or crosstalk, not a step.
_SMALLEST_SHARE = 0.02
# Slow departures from a level, and fast ones such as hum, that a step may have: shares of the range
# of the current over the whole recording.
_DRIFT_SHARE = 0.05
_WAVE_SHARE = 0.3
# Edges of different sweeps belong together when they are this close; in a noisy current a small
# step's edge is known no better than the width of the comparison.
_SAME_EDGE_S = 0.001
# A command written by a computer keeps each value for a while; more pieces than this are a wave.
_MOST_PIECES = 64
# Shorter pieces are test pulses; a current made of many of them in a row is a wave.
_SHORTEST_S = 0.05
_FEW_PIECES = 8
# Electrodes and amplifiers add a few picoampere of noise, not more.
_MOST_NOISE_PA = 20.0
# Means of independent samples range over 6 to 8 of their standard deviations; those of neighbours
# that the amplifier's filter ties together over a few times as much.
_MOST_MEAN_NOISE = 20.0


@dataclass(frozen=True)
class Step:
    """One constant stretch of current in one sweep, in which spikes may be counted.

    Parameters
    ----------
    sweep : int
        Position of the sweep in the recording.
    number : int
        Which step of the sweep, from 1.
    current_pA : float
        Injected current (pA), holding current included.
    holding_pA : float
        Current between steps (pA).
    before_pA : float
        Current just before this step (pA): other than the holding current after a pre-pulse.
    start_s, stop_s : float
        From the start of the sweep (s).

    Examples
    --------
    >>> Step(0, 1, 150.0, -20.0, -20.0, 0.1, 0.6).amplitude_pA
    170.0
    """

    sweep: int
    number: int
    current_pA: float
    holding_pA: float
    before_pA: float
    start_s: float
    stop_s: float

    @property
    def duration_s(self) -> float:
        """Length of the step (s)."""
        return round(self.stop_s - self.start_s, 9)

    @property
    def amplitude_pA(self) -> float:
        """Current above holding (pA)."""
        return self.current_pA - self.holding_pA


@dataclass(frozen=True)
class Protocol:
    """The steps of a recording, and what its sweeps otherwise hold.

    Parameters
    ----------
    steps : tuple of Step
        By sweep, then by number.
    pulses : tuple of Step
        Test pulses and pre-pulses: the same in every sweep; numbered apart.
    left_out : tuple of (int, str)
        Sweeps not used, by position, and why.
    """

    steps: tuple[Step, ...]
    pulses: tuple[Step, ...] = ()
    left_out: tuple[tuple[int, str], ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """Which step numbers there are."""
        return tuple(sorted({step.number for step in self.steps}))


@dataclass(frozen=True)
class _Trace:
    """The current of one sweep as constant pieces: edges (s), one more level than edges (pA)."""

    shape: Shape
    edges: tuple[float, ...]
    levels: tuple[float, ...]
    duration: float
    noise: float = 0.0

    @property
    def jitter(self) -> float:
        """How well its edges are known (s)."""
        return _COMPARE_S if self.noise else _SAME_EDGE_S


def find_protocol(sweeps: Sequence[Sweep]) -> Protocol:
    """Find the steps that a cell's answers can be counted in.

    Sweeps of one recording share their timing: a window in which the current differs from sweep to
    sweep is a step, also in the sweep where that current happens to be zero. A window in which
    every sweep has the same current is a test pulse or pre-pulse. With nothing that differs (one
    sweep, or repeats of one), each departure from the holding current is a step.

    Parameters
    ----------
    sweeps : sequence of Sweep
        The recording.

    Returns
    -------
    Protocol

    Raises
    ------
    RecordingError
        No sweep holds a step: the current is flat, a ramp, or fluctuates.
    """
    scale = _scale(sweeps)
    traces = [trace_of(sweep, scale) for sweep in sweeps]
    left_out = {
        k: f"its current is {'a ramp' if trace.shape == 'ramp' else 'not made of steps'}"
        for k, trace in enumerate(traces)
        if trace.shape in ("ramp", "fluctuating")
    }
    group, others = _largest_family(traces, left_out)
    left_out |= others
    stopped = _stopped_early(group, traces, sweeps)
    group, left_out = [k for k in group if k not in stopped], left_out | stopped
    if all(traces[k].shape == "flat" for k in group):
        steps = _whole_sweeps({k: traces[k] for k in group}, sweeps)
        if not steps:
            raise _no_step(traces, sweeps)
        return Protocol(tuple(steps), (), tuple(sorted(left_out.items())))
    steps, pulses, brief = _windows({k: traces[k] for k in group}, sweeps)
    if not steps:
        raise RecordingError(
            "no-step",
            f"its longest step lasts {1e3 * brief:.3g} ms",
            f"an f-I curve needs steps of at least {1e3 * _SHORTEST_S:g} ms, better 500 ms",
        )
    return Protocol(tuple(steps), tuple(pulses), tuple(sorted(left_out.items())))


def _scale(sweeps: Sequence[Sweep]) -> float:
    """How far the current of a recording ranges, brief noise left out (pA)."""
    lowest, highest = np.inf, -np.inf
    for sweep in sweeps:
        means = _block_means(sweep.current_pA, max(1, round(_COMPARE_S * sweep.sampling_rate_Hz)))
        lowest, highest = min(lowest, means.min()), max(highest, means.max())
    return float(highest - lowest)


def _block_means(values: Array, width: int) -> Array:
    blocks = max(1, len(values) // width)
    return np.array([part.mean() for part in np.array_split(values, blocks)])


def trace_of(sweep: Sweep, scale: float) -> _Trace:
    """Describe the current of one sweep as constant pieces, within a recording of that range."""
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
        # Trains of brief pulses turn back each time; a ramp written in small treads does not.
        if _restless(edges) and turns <= 2:
            shape = "ramp"
        return _Trace(shape, tuple(edges), tuple(map(float, levels)), length)
    return _noisy_trace(sweep, scale)


def _noisy_trace(sweep: Sweep, scale: float) -> _Trace:
    current, rate = sweep.current_pA, sweep.sampling_rate_Hz
    length = sweep.duration_s + sweep.padding_s
    width = max(2, round(_COMPARE_S * rate))
    noise = 1.4826 * float(np.median(np.abs(np.diff(current)))) / np.sqrt(2)
    sums = np.concatenate([[0.0], np.cumsum(current)])
    place = np.arange(width, len(current) - width)
    change = (sums[place + width] - 2 * sums[place] + sums[place - width]) / width
    biggest = float(np.abs(change).max(initial=0.0))
    # What most of the sweep shows (coloured noise, the mains' hum, drift) is no step either.
    usual = 1.4826 * float(np.median(np.abs(change))) if len(change) else 0.0
    floor = max(6 * noise * np.sqrt(2 / width), 6 * usual, _SMALLEST_SHARE * biggest, 1e-9)
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
    if drifts or longest > 4 * _COMPARE_S or _restless(np.array(cuts) / rate):
        # One odd piece is judged by itself: a ramp beside steps is a ramp.
        part = current[worst] if drifts and len(cuts) < _FEW_PIECES else current
        return _Trace(_wave(part, noise), (), (levels[0],), length, noise)
    if fast > max(6 * noise / np.sqrt(width), _WAVE_SHARE * scale):
        return _Trace("fluctuating", (), (levels[0],), length, noise)
    if noise > _MOST_NOISE_PA:
        return _Trace("fluctuating", (), (levels[0],), length, noise)
    edges = tuple(cut / rate for cut in _sharpen(current, cuts, levels, width))
    return _Trace("steps" if cuts else "flat", edges, tuple(levels), length, noise)


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
    return len(edges) >= _FEW_PIECES and bool(np.median(np.diff(edges)) < _SHORTEST_S)


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


def _largest_family(
    traces: Sequence[_Trace], left_out: dict[int, str]
) -> tuple[list[int], dict[int, str]]:
    """Sweeps of one timing: those with most different currents, with the flat ones among them."""
    # The sweep with most edges names its family: a step of 0 pA has none of its own.
    stepped = [k for k, t in enumerate(traces) if t.shape == "steps" and k not in left_out]
    families: dict[int, list[int]] = {}
    for k in sorted(stepped, key=lambda k: (-len(traces[k].edges), k)):
        home = next((head for head in families if _fits(traces[k], traces[head])), k)
        families.setdefault(home, []).append(k)
    flat = [k for k, t in enumerate(traces) if t.shape == "flat" and k not in left_out]
    if not families:
        return flat, {}
    best = max(
        families.values(), key=lambda ks: (len({traces[k].levels for k in ks}), len(ks), -min(ks))
    )
    longest = {round(traces[k].duration, 3) for k in best}
    joined = sorted([*best, *(k for k in flat if round(traces[k].duration, 3) in longest)])
    rest = set(range(len(traces))) - set(joined) - set(left_out)
    return joined, dict.fromkeys(sorted(rest), "its steps come at other times")


def _stopped_early(
    group: list[int], traces: Sequence[_Trace], sweeps: Sequence[Sweep]
) -> dict[int, str]:
    """Sweeps that end before the last edge that the others have: within a step, or before it."""
    last = max((traces[k].edges[-1] for k in group if traces[k].edges), default=0.0)
    return {
        k: f"it ends at {sweeps[k].duration_s:g} s, before its last step does"
        for k in group
        if sweeps[k].padding_s and sweeps[k].duration_s < last + 2 * _COMPARE_S
    }


def _fits(one: _Trace, other: _Trace) -> bool:
    """Whether the edges of one sweep are all edges of the other."""
    if abs(one.duration - other.duration) > _SAME_EDGE_S:
        return False
    near = max(one.jitter, other.jitter)
    return all(any(abs(a - b) <= near for b in other.edges) for a in one.edges)


def _whole_sweeps(traces: dict[int, _Trace], sweeps: Sequence[Sweep]) -> list[Step]:
    """Take each sweep as one step where every sweep is flat, at a level of its own."""
    levels = {k: trace.levels[0] for k, trace in traces.items()}
    if not levels:
        return []
    spread = max(levels.values()) - min(levels.values())
    if spread <= max(1e-9, max(trace.noise for trace in traces.values())):
        return []
    return [
        Step(k, 1, level, 0.0, 0.0, 0.0, sweeps[k].duration_s)
        for k, level in sorted(levels.items())
    ]


def _windows(
    traces: dict[int, _Trace], sweeps: Sequence[Sweep]
) -> tuple[list[Step], list[Step], float]:
    edges = _shared_edges(traces.values())
    duration = max(trace.duration for trace in traces.values())
    windows = list(pairwise([0.0, *edges, duration]))
    # Measured anew: an edge too small to be seen in one sweep is known from the others.
    levels = {k: [_level(sweeps[k], a, b) for a, b in windows] for k in traces}
    tolerance = max(
        _SMALLEST_SHARE * max(max(row) - min(row) for row in levels.values()),
        0.6 * max(trace.noise for trace in traces.values()),
        1e-9,
    )
    table = np.array(list(levels.values()))
    if np.all(np.abs(table[:, 0] - table[:, -1]) <= tolerance):
        # Sweeps that return to where they began: the holding current may drift between them.
        table = table - table[:, :1]
    shared = np.ptp(table, axis=0) <= tolerance
    lengths = np.array([b - a for a, b in windows])
    holding = {k: _holding(row, lengths, shared, tolerance) for k, row in levels.items()}
    varies = not shared.all()
    steps: list[Step] = []
    pulses: list[Step] = []
    brief: list[float] = []
    for k, row in levels.items():
        count = {True: 0, False: 0}
        for j, (start, stop) in enumerate(windows):
            away = abs(row[j] - holding[k]) > tolerance
            is_step = not shared[j] if varies else away
            if not is_step and not (away and shared[j]):
                continue
            if is_step and stop - start < _SHORTEST_S:
                brief.append(stop - start)
                continue
            count[is_step] += 1
            (steps if is_step else pulses).append(
                Step(
                    k,
                    count[is_step],
                    float(row[j]),
                    float(holding[k]),
                    float(row[j - 1] if j else holding[k]),
                    float(start),
                    float(stop),
                )
            )
    return steps, pulses, max(brief, default=0.0)


def _shared_edges(traces: Iterable[_Trace]) -> list[float]:
    """Edges of all sweeps; of those that belong together, the one of the largest jump."""
    found = [
        (edge, abs(after - before), trace.jitter)
        for trace in traces
        for edge, before, after in zip(
            trace.edges, trace.levels[:-1], trace.levels[1:], strict=True
        )
    ]
    edges: list[float] = []
    for edge, _, jitter in sorted(found, key=lambda item: -item[1]):
        if all(abs(edge - other) > jitter for other in edges):
            edges.append(edge)
    return sorted(edges)


def _level(sweep: Sweep, start: float, stop: float) -> float:
    margin = min(_COMPARE_S, (stop - start) / 4)
    first = sweep.index(start + margin)
    return float(np.median(sweep.current_pA[first : max(first + 1, sweep.index(stop - margin))]))


def _holding(row: list[float], lengths: Array, shared: Array, tolerance: float) -> float:
    """The level a sweep starts from; where it starts within a step, the one it is longest at."""
    if shared[0] or shared.all():
        return row[0]
    if shared[-1]:
        return row[-1]
    usable = shared if shared.any() else np.ones_like(shared)
    best = max(
        np.flatnonzero(usable),
        key=lambda j: sum(
            length
            for level, length in zip(row, lengths, strict=True)
            if abs(level - row[j]) <= tolerance
        ),
    )
    return row[int(best)]


def _is_amplifier_noise(sweep: Sweep) -> bool:
    """Whether a recorded current only shows what an amplifier adds to a constant one.

    Over a period of the mains it moves by a few picoampere, or by no more than samples that are
    independent of each other do. A stimulus that fluctuates is slower than its samples.
    """
    if sweep.current_kind != "measured":
        return False
    current = sweep.current_pA
    width = max(1, round(4 * _COMPARE_S * sweep.sampling_rate_Hz))
    noise = 1.4826 * float(np.median(np.abs(np.diff(current)))) / np.sqrt(2)
    usual = _MOST_MEAN_NOISE * noise / np.sqrt(width)
    return bool(np.ptp(_block_means(current, width)) <= max(_MOST_NOISE_PA, usual))


def _no_step(traces: Sequence[_Trace], sweeps: Sequence[Sweep]) -> RecordingError:
    shapes = [trace.shape for trace in traces]
    if "ramp" in shapes:
        return RecordingError(
            "ramp",
            f"the current is a ramp in {shapes.count('ramp')} of {len(shapes)} sweeps",
            "an f-I curve needs constant currents held for some 0.5 s; record steps",
        )
    if "fluctuating" in shapes and all(map(_is_amplifier_noise, sweeps)):
        return RecordingError(
            "no-step",
            f"the recorded current is constant but for noise of {max(t.noise for t in traces):.3g} "
            "pA",
            'give a file with current steps, or the channel that holds them: current="..."',
        )
    if "fluctuating" in shapes:
        return RecordingError(
            "fluctuating",
            f"the current fluctuates in {shapes.count('fluctuating')} of {len(shapes)} sweeps",
            "record constant steps; noise serves reliability, not an f-I curve",
        )
    return RecordingError(
        "no-step",
        "the current is the same throughout every sweep",
        'give a file with current steps, or the channel that holds them: current="..."',
    )
