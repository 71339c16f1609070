"""Find the current steps of a recording from its current alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bridge.recordings.current_trace import (
    COMPARE_S,
    SAME_EDGE_S,
    SHORTEST_S,
    SMALLEST_SHARE,
    CurrentTrace,
    is_amplifier_noise,
    range_of,
    trace_of,
)
from bridge.recordings.errors import RecordingError
from bridge.recordings.formats.sweeps import Sweep

__all__ = ["Protocol", "Step", "find_protocol"]

Array = NDArray[np.float64]
Shape = Literal["flat", "steps", "ramp", "fluctuating"]


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
    scale = range_of(sweeps)
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
    stopped = _stopped_in_last(steps, sweeps)
    left_out |= stopped
    steps = [
        replace(one, stop_s=min(one.stop_s, sweeps[one.sweep].duration_s))
        for one in steps
        if one.sweep not in stopped
    ]
    pulses = [one for one in pulses if one.sweep not in stopped]
    if not steps:
        raise RecordingError(
            "no-step",
            f"its longest step lasts {1e3 * brief:.3g} ms",
            f"an f-I curve needs steps of at least {1e3 * SHORTEST_S:g} ms, better 500 ms",
        )
    return Protocol(tuple(steps), tuple(pulses), tuple(sorted(left_out.items())))


def _largest_family(
    traces: Sequence[CurrentTrace], left_out: dict[int, str]
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
    group: list[int], traces: Sequence[CurrentTrace], sweeps: Sequence[Sweep]
) -> dict[int, str]:
    """Sweeps that end before the last edge that the others have: within a step, or before it."""
    last = max((traces[k].edges[-1] for k in group if traces[k].edges), default=0.0)
    return {
        k: f"it ends at {sweeps[k].duration_s:g} s, before its last step does"
        for k in group
        if sweeps[k].padding_s and sweeps[k].duration_s < last + 2 * COMPARE_S
    }


def _stopped_in_last(steps: Sequence[Step], sweeps: Sequence[Sweep]) -> dict[int, str]:
    """Sweeps that end within a step that lasts until others end."""
    return {
        step.sweep: f"it ends at {sweeps[step.sweep].duration_s:g} s, before its last step does"
        for step in steps
        if step.stop_s > sweeps[step.sweep].duration_s + 2 * COMPARE_S
    }


def _fits(one: CurrentTrace, other: CurrentTrace) -> bool:
    """Whether the edges of one sweep are all edges of the other."""
    if abs(one.duration - other.duration) > SAME_EDGE_S:
        return False
    near = max(one.jitter, other.jitter)
    return all(any(abs(a - b) <= near for b in other.edges) for a in one.edges)


def _whole_sweeps(traces: dict[int, CurrentTrace], sweeps: Sequence[Sweep]) -> list[Step]:
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
    traces: dict[int, CurrentTrace], sweeps: Sequence[Sweep]
) -> tuple[list[Step], list[Step], float]:
    edges = _shared_edges(traces.values())
    # Where no sweep goes on there is no step either, whatever padding the file holds.
    duration = max(sweeps[k].duration_s for k in traces)
    windows = list(pairwise([0.0, *edges, duration]))
    # Measured anew: an edge too small to be seen in one sweep is known from the others.
    levels = {k: [_level(sweeps[k], a, b) for a, b in windows] for k in traces}
    tolerance = max(
        SMALLEST_SHARE * max(max(row) - min(row) for row in levels.values()),
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
            if is_step and stop - start < SHORTEST_S:
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


def _shared_edges(traces: Iterable[CurrentTrace]) -> list[float]:
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
    margin = min(COMPARE_S, (stop - start) / 4)
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


def _no_step(traces: Sequence[CurrentTrace], sweeps: Sequence[Sweep]) -> RecordingError:
    shapes = [trace.shape for trace in traces]
    if "ramp" in shapes:
        return RecordingError(
            "ramp",
            f"the current is a ramp in {shapes.count('ramp')} of {len(shapes)} sweeps",
            "an f-I curve needs constant currents held for some 0.5 s; record steps",
        )
    if "fluctuating" in shapes and all(map(is_amplifier_noise, sweeps)):
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
