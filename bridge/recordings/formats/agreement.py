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
# Amplifiers and their calibration are wrong by a few per cent; a wrong list, channel or unit is
# wrong by more.
_SHARE = 0.15
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

    Both are averaged over 20 ms. A constant difference between them is the holding current that
    the amplifier adds by itself, and no contradiction. They contradict each other if they differ
    for at least 60 ms of a sweep by more than 15 % of the range of the command, more than 5 pA,
    and more than the noise of the recorded current.

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
    offset = float(np.median(np.concatenate([b - a for a, b in zip(told, seen, strict=True)])))
    steps = np.concatenate([np.diff(b) for b in seen])
    noise = 1.4826 * float(np.median(np.abs(steps))) / np.sqrt(2) if steps.size else 0.0
    spread = float(np.ptp(np.concatenate(told)))
    tolerance = max(_SHARE * spread, _LEAST_PA, 6 * noise)
    worst: tuple[float, Contradiction] | None = None
    for k, (a, b) in enumerate(zip(told, seen, strict=True)):
        off = np.abs(b - a - offset)
        least = min(_LEAST_BLOCKS, len(off))
        if np.count_nonzero(off > tolerance) < least:
            continue
        at = int(np.argmax(off))
        if worst is None or off[at] > worst[0]:
            place = Contradiction(k, round(at * width / rate_Hz, 9), float(a[at]), float(b[at]))
            worst = (float(off[at]), place)
    return None if worst is None else worst[1]


def _means(wave: Array, width: int) -> Array:
    """Average over blocks."""
    blocks = len(wave) // width
    means: Array = np.asarray(wave[: blocks * width]).reshape(blocks, width).mean(axis=1)
    return means
