"""Two records of one current: what the amplifier was told, and what a channel recorded of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Contradiction", "contradiction"]

Array = NDArray[np.float64]

# One period of the mains at 50 Hz: over it the hum of a recorded current cancels.
_BLOCK_S = 0.02
# An amplifier's calibration is wrong by a few per cent of every current alike ...
_GAIN = 0.15
# ... and what is left beyond it by less than this share of the range. A list, an order or a channel
# that is another one leaves more.
_SHARE = 0.03
# Shorter differences are the slow edges of a recorded step.
_LEAST_BLOCKS = 3
# A recorded current may differ by this much in every file (pA).
_LEAST_PA = 5.0


class Contradiction(NamedTuple):
    """Where two records of one current differ most."""

    sweep: int
    time_s: float
    commanded_pA: float
    recorded_pA: float


def contradiction(
    commanded: Sequence[Array], recorded: Sequence[Array], rate_Hz: float
) -> Contradiction | None:
    """Compare a commanded current with a recorded one.

    Both are averaged over 20 ms and taken above what flows where the sweep begins: the amplifier
    may add a holding current by itself, and it may drift from sweep to sweep. A line is put through
    recorded against commanded. They contradict each other if its slope is off by more than 15 %, or
    if they lie off the line for at least 60 ms of a sweep by more than 3 % of the range of the
    command, more than 5 pA, and more than the noise of the recorded current.

    Parameters
    ----------
    commanded, recorded : sequence of ndarray
        A sweep each (pA), of equal lengths.
    rate_Hz : float
        Sampling rate (Hz).

    Returns
    -------
    Contradiction or None
        Where they differ most; None where they agree.

    Examples
    --------
    >>> step = np.repeat([0.0, 100.0, 0.0], 2000)
    >>> contradiction([step], [step + 7], 1e4) is None
    True
    >>> contradiction([step], [0.5 * step], 1e4)
    Contradiction(sweep=0, time_s=0.2, commanded_pA=100.0, recorded_pA=50.0)
    """
    width = max(1, round(_BLOCK_S * rate_Hz))
    told = [_means(wave, width) for wave in commanded]
    seen = [_means(wave, width) for wave in recorded]
    if not told or any(a.shape != b.shape or not a.size for a, b in zip(told, seen, strict=True)):
        return None
    stands = all(np.ptp(a) == 0 for a in told)
    above = [(a, b) if stands else _above_start(a, b) for a, b in zip(told, seen, strict=True)]
    every = np.concatenate([a for a, _ in above])
    other = np.concatenate([b for _, b in above])
    jumps = np.concatenate([np.diff(b) for b in seen])
    noise = 1.4826 * float(np.median(np.abs(jumps))) / np.sqrt(2) if jumps.size else 0.0
    spread, size = float(np.ptp(every)), float(np.std(every))
    if size == 0:
        return None
    slope, intercept = np.polyfit(every, other, 1)
    tolerance = max(_SHARE * spread, _LEAST_PA, 6 * noise)
    wrong_gain = abs(slope - 1) > _GAIN + 4 * noise / (size * np.sqrt(every.size))
    wrong_gain = wrong_gain and abs(slope - 1) * spread > tolerance
    off_line = any(
        np.count_nonzero(np.abs(b - slope * a - intercept) > tolerance)
        >= min(_LEAST_BLOCKS, len(b))
        for a, b in above
    )
    if not wrong_gain and not off_line:
        return None
    offset = float(np.median(other - every))
    off = [np.abs(b - a - offset) for a, b in above]
    k = int(np.argmax([row.max() for row in off]))
    at = int(np.argmax(off[k]))
    time_s = round(at * width / rate_Hz, 9)
    return Contradiction(k, time_s, float(told[k][at]), float(seen[k][at]))


def _above_start(commanded: Array, recorded: Array) -> tuple[Array, Array]:
    """Take both above their values where the command is at the level it begins with."""
    level = commanded[0]
    at_start = np.isclose(commanded, level, rtol=0, atol=1e-3 * np.ptp(commanded))
    return commanded - level, recorded - np.median(recorded[at_start])


def _means(wave: Array, width: int) -> Array:
    """Average over blocks."""
    blocks = len(wave) // width
    means: Array = np.asarray(wave[: blocks * width]).reshape(blocks, width).mean(axis=1)
    return means
