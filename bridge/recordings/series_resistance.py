r"""The drop across the electrode that may be left in a recording, from the edges of its steps.

While a current :math:`I` flows through the electrode, the amplifier shows

.. math:: V_{shown} = V + R_s I

unless its bridge is balanced (if it is set too high, :math:`R_s` is negative). A membrane takes
its time, and the drop comes and goes with the current. Left in the recording it looks like a
threshold that rises with the current.

A jump is no proof: a part of the cell that is charged within a few tenths of a millisecond looks
alike. So a jump is told, with how far the reading depends on where it is read, and nothing is
subtracted unless that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bridge.recordings.cell import CellRecording
from bridge.recordings.cell_properties import StepAnswer
from bridge.recordings.formats.sweeps import Sweep
from neurosim.errors import ParameterError

__all__ = [
    "SeriesResistance", "drop_in_words", "of_the_membrane", "series_resistance", "without_drop",
]  # fmt: skip

Array = NDArray[np.float64]

# After the jump the potential is read from when filters have followed it, until a membrane has gone
# further than a parabola describes (ms). What is charged meanwhile is read differently later on.
_WINDOWS_MS = ((0.15, 0.6), (0.3, 1.0))
# With fewer samples a millisecond there are too few in a window (kHz).
_SLOWEST_KHZ = 8.0
# Before the edge the potential is read from and until (ms), and must not move by more (mV).
_BEFORE_MS, _STEADY_MV = (1.25, 0.3), 5.0
# Channels of current and potential are out of step by so much at most (ms).
_DELAY_MS = 0.3
# A spike this near to an edge hides it (ms).
_SPIKE_BEFORE_MS, _SPIKE_AFTER_MS = 8.0, 1.5
# A smaller change of current is none (pA), and fewer edges tell nothing.
_LEAST_PA, _FEWEST = 5.0, 4
# A jump is told if it is so many standard errors off 0, if both windows read it, alike but for so
# large a share, and if it is so large (Mohm). Cells with dendrites and no electrode are read as up
# to 8 Mohm, the branches next to the soma being charged fast. That there is none is told if both
# readings are smaller and differ by no more than `_FLAT_MOHM`: a slow filter bends a jump.
_SURE, _ALIKE, _LEAST_MOHM, _FLAT_MOHM = 4.0, 0.3, 8.0, 3.0
# A drop that is given must leave potentials that a membrane may have (mV).
_MOST_MV = 150.0


@dataclass(frozen=True)
class SeriesResistance:
    """What jumps with the current.

    Attributes
    ----------
    verdict : {"seen", "none", "unknown"}
        "seen": a jump that both readings agree on. "none": no jump beyond `bound_Mohm`. "unknown":
        the recording cannot tell.
    Mohm, later_Mohm : float
        Jump over current, followed back from 0.15 to 0.6 ms and from 0.3 to 1 ms after it.
    error_Mohm : float
        Standard error of the first, as far as noise makes it.
    delay_ms : float
        How long the potential jumps after the current.
    why : str
        What keeps it unknown.
    """

    verdict: Literal["seen", "none", "unknown"] = "unknown"
    Mohm: float = float("nan")
    later_Mohm: float = float("nan")
    error_Mohm: float = float("nan")
    delay_ms: float = 0.0
    why: str = ""

    @property
    def is_seen(self) -> bool:
        """Whether there is a jump that both readings agree on."""
        return self.verdict == "seen"

    @property
    def bound_Mohm(self) -> float:
        """What a jump may be at most where none is seen."""
        return max(abs(self.Mohm), abs(self.later_Mohm)) + 2 * self.error_Mohm


def series_resistance(answers: Sequence[StepAnswer]) -> SeriesResistance:
    """Return what jumps with the current, over the current.

    Over the edges of all steps, the potential is divided by the change of current by least squares.
    A parabola through this is followed back to the jump, from two stretches of time.

    Parameters
    ----------
    answers : sequence of StepAnswer
        Of one cell, all sampled alike.
    """
    rates = {answer.sweep.sampling_rate_Hz for answer in answers}
    if len(rates) != 1:
        return SeriesResistance(why="sweeps are sampled at different rates")
    rate = rates.pop() * 1e-3
    if rate < _SLOWEST_KHZ:
        why = f"samples at {rate:g} kHz are too far apart; {_SLOWEST_KHZ:g} kHz would be needed"
        return SeriesResistance(why=why)
    delays = max(1, int(_DELAY_MS * rate))
    last = int(_WINDOWS_MS[-1][1] * rate + 1e-6)
    lags = np.arange(-delays - 1, delays + last + 1)
    edges = [edge for answer in answers for edge in _edges(answer, lags)]
    if len(edges) < _FEWEST:
        return SeriesResistance(why=f"fewer than {_FEWEST} edges of steps are free of spikes")
    pA = np.array([size for size, _ in edges])
    moved = np.array([one for _, one in edges])
    rises = np.diff(pA @ moved[:, : 2 * delays + 2] / (pA @ pA))
    jump = int(np.argmax(np.abs(rises))) + 1
    off = np.diff(moved[:, jump - 1 : jump + 1], axis=1)[:, 0] - rises[jump - 1] * pA
    clear = abs(rises[jump - 1]) > _SURE * _error(off, pA)
    if not clear:
        jump = delays + 1
    (soon, error), (later, other) = (
        _followed_back(moved[:, jump:], pA, rate, *window) for window in _WINDOWS_MS
    )
    found = SeriesResistance("unknown", soon, later, error, float(lags[jump] / rate))
    sure = min(abs(soon) / error, abs(later) / other) > _SURE
    alike = abs(later - soon) < _ALIKE * abs(soon)
    if clear and sure and alike and min(abs(soon), abs(later)) > _LEAST_MOHM:
        return replace(found, verdict="seen")
    if found.bound_Mohm < _LEAST_MOHM and abs(later - soon) < _FLAT_MOHM:
        return replace(found, verdict="none")
    why = (
        f"what moves within a millisecond of the edges is read as {_span(soon, later)}, and is no "
        "clear jump"
    )
    return replace(found, why=why)


def _followed_back(
    moved: Array, pA: Array, rate_kHz: float, from_ms: float, to_ms: float
) -> tuple[float, float]:
    """Return jump over current and its standard error (Mohm), read in a stretch after the jump."""
    at = np.arange(int(np.ceil(from_ms * rate_kHz - 1e-6)), int(to_ms * rate_kHz + 1e-6) + 1)
    powers = np.vander(at / rate_kHz, 3, increasing=True)
    each = moved[:, at] @ np.linalg.pinv(powers)[0]
    per = float(pA @ each / (pA @ pA))
    return 1e3 * per, 1e3 * _error(each - per * pA, pA)


def _error(off: Array, pA: Array) -> float:
    """Return the standard error of a factor of the currents from what it leaves."""
    return max(float(np.sqrt(np.sum(off**2) / (len(pA) - 1) / (pA @ pA))), 1e-12)


def _edges(answer: StepAnswer, lags: NDArray[np.int64]) -> list[tuple[float, Array]]:
    """Return change of current (pA) and of potential (mV, by lag) at the edges of a step."""
    sweep = answer.sweep
    rate, v, found = sweep.sampling_rate_Hz * 1e-3, sweep.voltage_mV, []
    start, stop = (int(np.floor(-ms * rate)) for ms in _BEFORE_MS)
    before = np.arange(start, min(stop, -2) + 1)
    for at_s in (answer.step.start_s, answer.step.stop_s):
        at = sweep.index(at_s)
        since = 1e3 * (answer.step.start_s + answer.spikes_s - at_s)
        hidden = np.any((since > -_SPIKE_BEFORE_MS) & (since < _SPIKE_AFTER_MS))
        if hidden or at + before[0] < 0 or at + lags[-1] >= len(v):
            continue
        current = sweep.current_pA
        size = float(np.median(current[at + lags[lags > 1]]) - np.median(current[at + before]))
        if abs(size) < _LEAST_PA or np.ptp(v[at + before]) > _STEADY_MV:
            continue
        base, slope = np.polynomial.polynomial.polyfit(before, v[at + before], 1)
        found.append((size, np.asarray(v[at + lags] - (base + slope * lags), dtype=float)))
    return found


def without_drop(cell: CellRecording, Mohm: float, delay_ms: float = 0.0) -> CellRecording:
    """Return a recording from which the drop across a series resistance is subtracted.

    Parameters
    ----------
    cell : CellRecording
    Mohm : float
        Resistance.
    delay_ms : float
        How long the potential follows after the current.

    Examples
    --------
    >>> sweep = Sweep(0, 1e4, np.full(100, -60.0), np.full(100, 200.0))
    >>> float(without_drop(CellRecording((sweep,)), 10.0).sweeps[0].voltage_mV[0])
    -62.0
    """

    def of(sweep: Sweep) -> Sweep:
        delay = round(delay_ms * sweep.sampling_rate_Hz * 1e-3)
        count = len(sweep.current_pA)
        # Before the first sample and after the last, the current is that of the end.
        current = sweep.current_pA[np.clip(np.arange(count) - delay, 0, count - 1)]
        return replace(sweep, voltage_mV=sweep.voltage_mV - 1e-3 * Mohm * current)

    return replace(cell, sweeps=tuple(of(sweep) for sweep in cell.sweeps))


def of_the_membrane(
    cell: CellRecording, series_Mohm: float | Literal["seen"] | None = None
) -> tuple[CellRecording, list[str]]:
    """Return a recording without the drop across its electrode, as far as asked, and what is known.

    Parameters
    ----------
    cell : CellRecording
    series_Mohm : float or "seen", optional
        Resistance whose drop is subtracted; "seen" subtracts what is measured. By default nothing
        is subtracted.

    Returns
    -------
    cell : CellRecording
    told : list of str
        What was measured and what was done.

    Raises
    ------
    ParameterError
        The resistance is not finite, or its drop more than a membrane's potential can be; or what
        is seen is to be subtracted, and nothing is.
    """
    found = series_resistance((*cell.answers, *cell.pulse_answers))
    if series_Mohm is None:
        how = (
            f'; it was left in: series_Mohm="seen" (--series seen) subtracts {found.Mohm:.3g} '
            "Mohm, a number what you know better"
        )
        return cell, [_in_words(found) + (how if found.is_seen else "")]
    if series_Mohm == "seen":
        if not found.is_seen:
            raise ParameterError(
                f'series_Mohm="seen" (--series seen) has nothing to subtract: {_in_words(found)}. '
                "Give the resistance as a number, or leave it out"
            )
        given = found.Mohm
    else:
        given = _checked(cell, series_Mohm)
    told = f"{_in_words(found)}; as asked, the drop across {given:.3g} Mohm was subtracted"
    # A delay that was not seen is none.
    delay = found.delay_ms if found.is_seen else 0.0
    return without_drop(cell, given, delay), [told]


def _checked(cell: CellRecording, given: float) -> float:
    if isinstance(given, str) or not np.isfinite(given):
        raise ParameterError(
            'series_Mohm (--series) is a number of Mohm, such as 12, or "seen" for what is '
            f"measured; got {given}"
        )
    largest = max(float(np.abs(sweep.current_pA).max()) for sweep in cell.sweeps)
    whole = cell.properties.input_resistance_Mohm
    if given >= whole or 1e-3 * abs(given) * largest > _MOST_MV:
        raise ParameterError(
            f"series_Mohm (--series) of {given:.4g} Mohm would subtract "
            f"{1e-3 * given * largest:.4g} mV at {largest:.4g} pA, of a cell whose recording shows "
            f"an input resistance of {whole:.4g} Mohm with the electrode's in it; give less"
        )
    return float(given)


def _span(soon: float, later: float) -> str:
    low, high = sorted((soon, later), key=abs)
    return f"{low:.3g} to {high:.3g} Mohm"


def _in_words(found: SeriesResistance) -> str:
    if found.verdict == "none":
        return (
            "the potential does not jump with the current, or by less than "
            f"{found.bound_Mohm:.2g} Mohm: no sign of a bridge that was not balanced"
        )
    if found.verdict == "unknown":
        return f"whether the bridge of the amplifier was balanced cannot be told: {found.why}"
    bridge = "not have been balanced" if found.Mohm > 0 else "have been set too high"
    return (
        f"the potential jumps with the current, by {_span(found.Mohm, found.later_Mohm)} as it is "
        f"read: the bridge of the amplifier may {bridge} ({_alike(found)} looks the same)"
    )


def _alike(found: SeriesResistance) -> str:
    """What jumps as an electrode does whose bridge is not balanced."""
    if found.Mohm < 0:
        return "an electrode that is charged within 0.3 ms"
    return "a part of the cell that is charged within 0.2 ms"


def drop_in_words(cell: CellRecording) -> str | None:
    """Return what a drop across the electrode would do to the properties of a cell, in words.

    None where no drop is seen.

    Parameters
    ----------
    cell : CellRecording
        As it was recorded: the drop is measured, and not subtracted.
    """
    found = series_resistance((*cell.answers, *cell.pulse_answers))
    if not found.is_seen:
        return None
    shown = cell.properties
    membrane = without_drop(cell, found.Mohm, found.delay_ms).properties
    told = [
        f"the {words} is {of_membrane:.3g} {unit} and not {with_drop:.3g} {unit}"
        for words, unit, with_drop, of_membrane in (
            ("input resistance", "Mohm", shown.input_resistance_Mohm,
             membrane.input_resistance_Mohm),
            ("threshold", "mV", shown.threshold_mV, membrane.threshold_mV),
        )
        if np.isfinite([with_drop, of_membrane]).all()
    ]  # fmt: skip
    return (
        f"the potential jumps with the current, by {_span(found.Mohm, found.later_Mohm)}. If that "
        f"is the drop across the electrode, and not {_alike(found)}, "
        + (" and ".join(told) or "potentials are shifted by it")
    )
