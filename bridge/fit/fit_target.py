"""What a neuron is fitted to: steps of one cell, some of which are held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from bridge.recordings.cell import CellRecording
from bridge.recordings.cell_properties import StepAnswer
from bridge.recordings.errors import RecordingError, about
from bridge.recordings.series_resistance import of_the_membrane

__all__ = ["FitTarget", "Piece", "target_of"]

Array = NDArray[np.float64]

# How the window lies around a step (ms).
_BEFORE_MS = 20.0
_AFTER_MS = 50.0
# Samples this near to a jump of the current are the electrode's (ms).
EDGE_MS = 1.0
# A step smaller than this is none (pA).
_NO_STEP_PA = 0.5
# A run that starts in a spike starts so far below the threshold instead (mV).
_BELOW_MV = 5.0
# What a cell is taken for if no step tells its capacitance (pF).
_TYPICAL_PF = 100.0


@dataclass(frozen=True, eq=False)
class Piece:
    """One step of current with what the cell answered.

    Attributes
    ----------
    sweep : int
        As the file numbers it.
    current_pA, holding_pA : float
        Of the step above holding, and between steps.
    v_mV : ndarray, shape (samples,)
        Potential at ``sample_ms``, ``2*sample_ms``, ... from the start of the window.
    spikes_ms : ndarray, shape (n,)
        When each spike crosses the level of `FitTarget`, from the start of the window.
    repeat : int
        How many steps of this current came before it.
    """

    sweep: int
    current_pA: float
    holding_pA: float
    v_mV: Array
    spikes_ms: Array
    repeat: int = 0

    @property
    def is_unasked(self) -> bool:
        """Whether the cell fires at its holding current: no step sets when these spikes come."""
        return abs(self.current_pA) < _NO_STEP_PA and len(self.spikes_ms) > 0


@dataclass(frozen=True, eq=False)
class FitTarget:
    """Steps of one cell, and how the window around them lies.

    Attributes
    ----------
    train, held_out : tuple of Piece
        What is fitted, and what the fit is scored on.
    repeats : tuple of Piece
        Further steps of currents that are there already, for the cell's own reliability.
    onset_ms, step_ms, length_ms : float
        Start and length of the step, and length of the window.
    sample_ms : float
        Between samples.
    level_mV : float
        Potential whose upward crossing is the time of a spike.
    rest_mV : float
        Before the steps.
    size_pF : float
        Capacitance, as steps below threshold show it.
    name : str
    notes : tuple of str
        What was left out, and why.
    resistance_Mohm, tau_ms : float
        Of the membrane; nan if no step below holding shows them.
    threshold_mV : float
        Of the first spikes; nan if it cannot be read.
    unused : tuple of Piece
        Further currents, neither fitted nor held out.
    """

    train: tuple[Piece, ...]
    held_out: tuple[Piece, ...]
    repeats: tuple[Piece, ...]
    onset_ms: float
    step_ms: float
    length_ms: float
    sample_ms: float
    level_mV: float
    rest_mV: float
    size_pF: float
    name: str
    notes: tuple[str, ...] = ()
    resistance_Mohm: float = float("nan")
    tau_ms: float = float("nan")
    threshold_mV: float = float("nan")
    unused: tuple[Piece, ...] = ()

    @property
    def stop_ms(self) -> float:
        """End of the step."""
        return self.onset_ms + self.step_ms

    @property
    def time_ms(self) -> Array:
        """When the samples are."""
        count = int(np.floor(self.length_ms / self.sample_ms + 1e-6))
        return np.asarray((np.arange(count) + 1) * self.sample_ms, dtype=float)

    @property
    def is_restless(self) -> bool:
        """Whether the cell fires without a step, so that there is no rest from which it starts."""
        return any(p.is_unasked for p in (*self.train, *self.held_out, *self.unused))

    def start_mV(self, piece: Piece) -> float:
        """Return the potential from which a neuron without rest is run: that of the recording.

        In a spike it is one below the threshold.
        """
        first = float(np.median(piece.v_mV[: max(1, round(1.0 / self.sample_ms))]))
        top = self.threshold_mV if np.isfinite(self.threshold_mV) else self.level_mV
        return min(first, top - _BELOW_MV)


def target_of(
    cell: CellRecording,
    step: int | None = None,
    *,
    most_ms: float = 500.0,
    sweeps: int = 8,
    series_Mohm: float | Literal["seen"] | None = None,
    restless: bool = False,
) -> FitTarget:
    """Choose the steps of a recording that a neuron is fitted to, and those that are held out.

    Of the currents, ascending, every other one is held out. Of the others at most `sweeps` are
    fitted, spread evenly. Steps that end in depolarisation block are left out.

    Parameters
    ----------
    cell : CellRecording
    step : int, optional
        Which step of a sweep (default: the first that starts from the holding current).
    most_ms : float
        How much of a step is used, from its start.
    sweeps : int
        How many steps are fitted at most.
    series_Mohm : float or "seen", optional
        Resistance of the electrode whose drop is subtracted; "seen" subtracts what jumps at the
        edges of steps (`bridge.recordings.series_resistance`). By default nothing is.
    restless : bool
        Whether the neurons that are fitted may fire without a step: if the cell does, that step is
        divided among the others as one of them.

    Raises
    ------
    RecordingError
        Fewer than three steps are left, or none of them makes the cell fire.
    """
    with about(cell.where):
        cell, drop = of_the_membrane(cell, series_Mohm)
        answers, others, notes = _usable(cell, step)
        notes = [*cell.left_out_in_words(), *drop, *notes]
        firsts, repeats = _by_current(answers, others)
        if len(firsts) < 3 or not any(
            len(a.spikes_s) for a in firsts if abs(a.amplitude_pA) >= _NO_STEP_PA
        ):
            raise RecordingError(
                "one-current" if len(firsts) < 3 else "silent",
                f"{len(firsts)} different steps without block are left, with "
                f"{sum(len(a.spikes_s) for a in firsts)} spikes",
                "a fit needs at least three currents, one of which makes the cell fire: two to "
                "fit and one to hold out",
            )
    shortest = min(a.step.duration_s for a in answers) * 1e3
    step_ms = min(shortest, most_ms)
    if step_ms < shortest:
        notes.append(f"of each step of {shortest:g} ms the first {step_ms:g} ms are used")
    lead = min(min(a.step.start_s for a in answers) * 1e3, _BEFORE_MS)
    after = 0.0
    if step_ms == shortest:
        left = min(a.sweep.duration_s - a.step.stop_s for a in answers) * 1e3
        after = min(left, _AFTER_MS)
    period = max(1e3 / a.sweep.sampling_rate_Hz for a in answers)
    sample = max(0.1, 0.025 * np.ceil(period / 0.025 - 1e-6))
    level = _level(firsts)
    length = lead + step_ms + after
    pieces = [_piece(a, 0, lead, length, sample, level) for a in firsts]
    again = tuple(
        _piece(a, k, lead, length, sample, level)
        for a, k in repeats
        if a.step.start_s * 1e3 >= lead
        and (a.sweep.duration_s - a.step.start_s) * 1e3 >= length - lead - 1e-6
    )
    # A step that is another one sample by sample says nothing of how well the cell repeats itself.
    own = tuple(p for p in again if not any(np.array_equal(p.v_mV, q.v_mV) for q in pieces))
    if len(own) < len(again):
        notes.append(f"{len(again) - len(own)} steps are copies of others and are left out: a file "
                     "may have been given twice")  # fmt: skip
    train, held, unused = _divided(pieces, sweeps, restless)
    unasked = [p for p in pieces if p.is_unasked]
    if unasked:
        done = "their intervals are compared" if restless else "they are scored and not fitted"
        notes.append(
            f"the cell fires without a step ({len(unasked[0].spikes_ms)} spikes at "
            f"{unasked[0].current_pA:.2g} pA): when these come is set by nothing, so that {done}"
        )
    known = cell.properties
    size = float(known.capacitance_pF)
    if not np.isfinite(size):
        size = _TYPICAL_PF
        notes.append(
            "no step below holding shows the capacitance: bounds are those of a cell of "
            f"{size:g} pF"
        )
    if not any(len(p.spikes_ms) == 0 for p in train):
        notes.append("every fitted step makes the cell fire: nothing is fitted to steps below "
                     "threshold first")  # fmt: skip
    return FitTarget(
        train=train,
        held_out=held,
        unused=unused,
        repeats=own,
        onset_ms=lead,
        step_ms=step_ms,
        length_ms=length,
        sample_ms=float(sample),
        level_mV=level,
        rest_mV=float(np.median([a.baseline_mV for a in answers])),
        size_pF=size,
        name=cell.name,
        notes=tuple(notes),
        resistance_Mohm=float(known.input_resistance_Mohm),
        tau_ms=float(known.time_constant_ms),
        threshold_mV=float(known.threshold_mV),
    )


def _usable(
    cell: CellRecording, number: int | None
) -> tuple[list[StepAnswer], list[StepAnswer], list[str]]:
    """Return the steps of one number, the others, and what was left out.

    Both start from the holding current and do not end in block.
    """
    rested = [a for a in cell.answers if a.from_holding]
    if not rested:
        raise RecordingError(
            "choice", "no step starts from the holding current", "record steps from holding"
        )
    number = min(a.step.number for a in rested) if number is None else number
    chosen = [a for a in rested if a.step.number == number]
    if not chosen:
        known = ", ".join(map(str, sorted({a.step.number for a in rested})))
        raise RecordingError(
            "choice", f"no step {number} starts from holding", f"there are: {known}"
        )
    notes = []
    fit = [a for a in chosen if not a.is_blocked and np.isfinite(a.baseline_mV)]
    blocked = [a for a in chosen if a.is_blocked]
    if blocked:
        first = min(a.amplitude_pA for a in blocked)
        notes.append(f"{len(blocked)} steps end in block, from {first:.4g} pA on: left out")
    if len(fit) + len(blocked) < len(chosen):
        notes.append(
            f"{len(chosen) - len(fit) - len(blocked)} steps open their sweep, so that rest is not "
            "seen: left out"
        )
    lengths = {round(a.step.duration_s, 4) for a in fit}
    others = [
        a for a in rested
        if a.step.number != number and not a.is_blocked and np.isfinite(a.baseline_mV)
        and round(a.step.duration_s, 4) in lengths
    ]  # fmt: skip
    if others:
        notes.append(
            f"{len(others)} later steps of the sweeps are not fitted: they tell how well the cell "
            "repeats itself"
        )
    return fit, others, notes


def _by_current(
    answers: list[StepAnswer], others: list[StepAnswer]
) -> tuple[list[StepAnswer], list[tuple[StepAnswer, int]]]:
    """Return the first step of each current, ascending, and further ones with their number."""
    currents = [a.amplitude_pA for a in answers]
    apart = max(0.5, 0.005 * float(np.ptp(currents))) if currents else 0.0
    firsts: list[StepAnswer] = []
    repeats: list[tuple[StepAnswer, int]] = []
    for one in answers:
        same = [k for k in firsts if abs(k.amplitude_pA - one.amplitude_pA) <= apart]
        if not same:
            firsts.append(one)
            continue
        repeats.append((one, 1 + _count(repeats, one, apart)))
    for one in others:
        if any(abs(k.amplitude_pA - one.amplitude_pA) <= apart for k in firsts):
            repeats.append((one, 1 + _count(repeats, one, apart)))
    return sorted(firsts, key=lambda a: a.amplitude_pA), repeats


def _count(repeats: list[tuple[StepAnswer, int]], one: StepAnswer, apart: float) -> int:
    return sum(abs(k.amplitude_pA - one.amplitude_pA) <= apart for k, _ in repeats)


def _level(firsts: list[StepAnswer]) -> float:
    """Return a potential that every spike crosses: a third of the way up the first ones."""
    shapes = [a.first_spike for a in firsts if a.first_spike is not None]
    levels = [s.threshold_mV + (s.peak_mV - s.threshold_mV) / 3 for s in shapes]
    known = [level for level in levels if np.isfinite(level)]
    return float(np.median(known)) if known else -20.0


def _piece(
    answer: StepAnswer, repeat: int, lead: float, length: float, sample: float, level: float
) -> Piece:
    step, sweep = answer.step, answer.sweep
    begin = step.start_s * 1e3 - lead
    count = int(np.floor(length / sample + 1e-6))
    wanted = begin + (np.arange(count) + 1) * sample
    given = sweep.time_s * 1e3
    volts = np.interp(wanted, given, sweep.voltage_mV)
    return Piece(
        sweep=sweep.number,
        current_pA=float(answer.amplitude_pA),
        holding_pA=float(step.holding_pA),
        v_mV=volts,
        spikes_ms=_crossings(answer, begin, length, level),
        repeat=repeat,
    )


def _crossings(answer: StepAnswer, begin: float, length: float, level: float) -> Array:
    """Return when spikes cross the level upwards; those that do not reach it, their peak."""
    sweep = answer.sweep
    rate = sweep.sampling_rate_Hz * 1e-3
    times = []
    for spike in answer.spikes_s:
        peak = sweep.index(answer.step.start_s + float(spike))
        first = max(0, peak - round(5 * rate))
        below = np.flatnonzero(sweep.voltage_mV[first:peak] < level)
        if len(below) and sweep.voltage_mV[peak] >= level:
            times.append(_located(sweep.voltage_mV, first + int(below[-1]), level) / rate - begin)
        else:
            times.append(peak / rate - begin)
    all_times = np.array(times, dtype=float)
    return all_times[(all_times > 0) & (all_times <= length)]


def _located(v: Array, at: int, level: float) -> float:
    """Return where the cubic spline through samples crosses a level after one of them."""
    first = max(0, at - 6)
    spline = CubicSpline(np.arange(first, min(at + 8, len(v))), v[first : at + 8] - level)
    found = [x for x in spline.roots(extrapolate=False) if at <= x <= at + 1]
    return float(found[0]) if found else at + (level - v[at]) / (v[at + 1] - v[at])


def _divided(
    pieces: list[Piece], sweeps: int, restless: bool
) -> tuple[tuple[Piece, ...], tuple[Piece, ...], tuple[Piece, ...]]:
    """Hold out every other current, and fit some of the others; return those left over as well.

    The weakest current that makes the cell fire is fitted: with it, the threshold is seen.
    """
    asked = [k for k, piece in enumerate(pieces) if restless or not piece.is_unasked]
    firing = next((k for k in asked if len(pieces[k].spikes_ms)), 0)
    others = [k for k in asked if (k - firing) % 2 == 0]
    held = tuple(piece for k, piece in enumerate(pieces) if k not in set(others))
    fitted = others
    if len(fitted) > sweeps:
        silent = [k for k in fitted if not len(pieces[k].spikes_ms)]
        loud = [k for k in fitted if len(pieces[k].spikes_ms)]
        quiet = min(len(silent), max(2, sweeps - len(loud)))
        fitted = [*_spread(silent, quiet), *_spread(loud, sweeps - quiet)]
    unused = tuple(pieces[k] for k in others if k not in set(fitted))
    return tuple(pieces[k] for k in fitted), held, unused


def _spread(items: list[int], count: int) -> list[int]:
    """Return so many of them, evenly spread, ends included."""
    if count >= len(items):
        return items
    at = np.round(np.linspace(0, len(items) - 1, count)).astype(int)
    return [items[k] for k in np.unique(at)]
