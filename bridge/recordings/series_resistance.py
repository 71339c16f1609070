r"""The drop across the electrode that is left in a recording, from the edges of its steps.

While a current :math:`I` flows through the electrode, the amplifier shows

.. math:: V_{shown} = V + R_s I

unless its bridge is balanced (if it is set too high, :math:`R_s` is negative). A membrane takes
its time, and the drop comes and goes with the current: what jumps at an edge is the electrode's.
Left in the recording it looks like a threshold that rises with the current, and a neuron that is
fitted to it is another than the one that was recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bridge.recordings.cell import CellRecording
from bridge.recordings.cell_properties import StepAnswer
from bridge.recordings.formats.sweeps import Sweep
from neurosim.errors import ParameterError

__all__ = ["SeriesResistance", "of_the_membrane", "series_resistance", "without_drop"]

Array = NDArray[np.float64]

# After the jump the potential is read from when filters have followed it, until a membrane has gone
# further than a parabola describes (ms). Where samples are far apart, it is read for longer.
_FROM_MS, _TO_MS, _SAMPLES = 0.15, 0.6, 5
# Before the edge the potential is read from and until (ms), and must not move by more (mV).
_BEFORE_MS, _STEADY_MV = (1.25, 0.3), 5.0
# Channels of current and potential are out of step by so much at most (ms).
_DELAY_MS = 0.3
# A spike this near to an edge hides it (ms).
_SPIKE_BEFORE_MS, _SPIKE_AFTER_MS = 8.0, 1.5
# A smaller change of current is none (pA).
_LEAST_PA = 5.0
# A drop is one if it is so many standard errors off 0, and so large (Mohm). And from one sample to
# the next the potential must move so many times faster than just after it is read (ms), or the
# other way: a small compartment that is charged before the others bends, and does not jump.
_SURE, _LEAST_MOHM, _STEEPER, _SOON_MS = 4.0, 2.0, 4.0, 0.15
_FEWEST = 4


@dataclass(frozen=True)
class SeriesResistance:
    """What jumps with the current.

    Attributes
    ----------
    Mohm, error_Mohm : float
        Jump over current, and its standard error; nan where no edge shows it.
    delay_ms : float
        How long the potential jumps after the current.
    is_seen : bool
        Whether it is an electrode's: surely not 0, and so fast that no membrane follows.
    """

    Mohm: float = float("nan")
    error_Mohm: float = float("nan")
    delay_ms: float = 0.0
    is_seen: bool = False


def series_resistance(answers: Sequence[StepAnswer]) -> SeriesResistance:
    """Return the drop across the electrode that a recording holds, over the current.

    Over the edges of all steps, the potential is divided by the change of current by least squares.
    A parabola through this from 0.15 to 0.6 ms after the jump is followed back to the jump.

    Parameters
    ----------
    answers : sequence of StepAnswer
        Of one cell, all sampled alike.
    """
    rates = {answer.sweep.sampling_rate_Hz for answer in answers}
    if len(rates) != 1:
        return SeriesResistance()
    rate = rates.pop() * 1e-3
    delays = max(1, int(_DELAY_MS * rate))
    first = max(1, int(np.ceil(_FROM_MS * rate - 1e-6)))
    last = max(first + _SAMPLES - 1, int(_TO_MS * rate + 1e-6))
    lags = np.arange(-delays - 1, delays + last + 1)
    edges = [edge for answer in answers for edge in _edges(answer, lags)]
    if len(edges) < _FEWEST:
        return SeriesResistance()
    pA = np.array([size for size, _ in edges])
    moved = np.array([one for _, one in edges])
    per_pA = pA @ moved / (pA @ pA)
    rises = np.diff(per_pA[: 2 * delays + 2])
    jump = int(np.argmax(np.abs(rises))) + 1
    off = np.diff(moved[:, jump - 1 : jump + 1], axis=1)[:, 0] - rises[jump - 1] * pA
    clear = abs(rises[jump - 1]) > _SURE * _error(off, pA)
    if not clear:
        jump = delays + 1
    after = jump + np.arange(first, last + 1)
    # Weights that follow a parabola back to the jump.
    powers = np.vander((lags[after] - lags[jump]) / rate, 3, increasing=True)
    each = moved[:, after] @ np.linalg.pinv(powers)[0]
    per = float(pA @ each / (pA @ pA))
    Mohm, error = 1e3 * per, 1e3 * _error(each - per * pA, pA)
    soon = max(1, round(_SOON_MS * rate))
    later = (per_pA[after[0] + soon] - per_pA[after[0]]) / soon
    steep = rises[jump - 1] * np.sign(later) < 0 or abs(rises[jump - 1]) > _STEEPER * abs(later)
    seen = clear and steep and abs(Mohm) > max(_SURE * error, _LEAST_MOHM)
    return SeriesResistance(Mohm, error, float(lags[jump] / rate), bool(seen))


def _error(off: Array, pA: Array) -> float:
    """Return the standard error of a factor of the currents from what it leaves."""
    return float(np.sqrt(np.sum(off**2) / (len(pA) - 1) / (pA @ pA)))


def _edges(answer: StepAnswer, lags: NDArray[np.int64]) -> list[tuple[float, Array]]:
    """Return change of current (pA) and of potential (mV, by lag) at the edges of a step."""
    sweep = answer.sweep
    rate, v, found = sweep.sampling_rate_Hz * 1e-3, sweep.voltage_mV, []
    start, stop = (int(np.floor(-ms * rate)) for ms in _BEFORE_MS)
    before = np.arange(start, min(stop, -2) + 1)
    if len(before) < 2:
        return []
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


def without_drop(cell: CellRecording, drop: SeriesResistance) -> CellRecording:
    """Return a recording from which the drop across a series resistance is subtracted.

    Parameters
    ----------
    cell : CellRecording
    drop : SeriesResistance

    Examples
    --------
    >>> sweep = Sweep(0, 1e4, np.full(100, -60.0), np.full(100, 200.0))
    >>> cell = without_drop(CellRecording((sweep,)), SeriesResistance(10.0))
    >>> float(cell.sweeps[0].voltage_mV[0])
    -62.0
    """

    def of(sweep: Sweep) -> Sweep:
        delay = round(drop.delay_ms * sweep.sampling_rate_Hz * 1e-3)
        count = len(sweep.current_pA)
        # Before the first sample and after the last, the current is that of the end.
        current = sweep.current_pA[np.clip(np.arange(count) - delay, 0, count - 1)]
        return replace(sweep, voltage_mV=sweep.voltage_mV - 1e-3 * drop.Mohm * current)

    return replace(cell, sweeps=tuple(of(sweep) for sweep in cell.sweeps))


def of_the_membrane(
    cell: CellRecording, given_Mohm: float | None = None
) -> tuple[CellRecording, list[str]]:
    """Return a recording without the drop across its electrode, and what was subtracted, in words.

    Parameters
    ----------
    cell : CellRecording
    given_Mohm : float, optional
        Resistance that is subtracted; 0 for none (default: what is seen at the edges of steps).

    Raises
    ------
    ParameterError
        `given_Mohm` is not finite.
    """
    if given_Mohm is not None and not np.isfinite(given_Mohm):
        raise ParameterError(
            "the resistance of the electrode must be a number of Mohm, such as 12; got "
            f"{given_Mohm}"
        )
    if given_Mohm == 0:
        return cell, []
    found = series_resistance((*cell.answers, *cell.pulse_answers))
    if given_Mohm is not None:
        told = f"as asked, the drop across {given_Mohm:.3g} Mohm was subtracted from the potential"
        return without_drop(cell, replace(found, Mohm=given_Mohm)), [told]
    if not found.is_seen:
        return cell, []
    return without_drop(cell, found), [
        f"the potential jumps with the current, by {found.Mohm:.3g} Mohm (standard error "
        f"{found.error_Mohm:.1g}), which no membrane does: the bridge of the amplifier was "
        f"{'not balanced' if found.Mohm > 0 else 'set too high'}; this drop was subtracted"
    ]
