"""Which of several recorded potentials is the cell's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bridge.recordings.errors import RecordingError

__all__ = ["is_flat", "live_one"]

Array = NDArray[np.float64]

# An input with no cell behind it shows the noise of the amplifier; a cell that is injected, or that
# fires, moves by more.
_FLAT_MV, _ALIVE_MV = 1.0, 10.0


def is_flat(sweeps: Sequence[Array]) -> bool:
    """Say whether a recorded potential never moves by as much as 1 mV.

    Parameters
    ----------
    sweeps : sequence of ndarray
        Of one channel (mV).

    Examples
    --------
    >>> is_flat([np.array([0.1, 0.3, 0.2])]), is_flat([np.array([-70.0, -60.0])])
    (True, False)
    """
    return max(_move(y) for y in sweeps) < _FLAT_MV


def _move(values: Array) -> float:
    return float(np.nanmax(values) - np.nanmin(values))


def live_one(names: Sequence[str], traces: Sequence[Sequence[Array]]) -> tuple[int, str]:
    """Choose among recorded potentials, where all but one are flat.

    Parameters
    ----------
    names : sequence of str
        Of the channels.
    traces : sequence of sequence of ndarray
        For each channel its sweeps (mV).

    Returns
    -------
    index : int
        Of the channel that is alive.
    note : str
        What was chosen, and why.

    Raises
    ------
    RecordingError
        Reason ``"choice"``: more than one channel is alive, or none is.

    Examples
    --------
    >>> cell, dead = np.array([-70.0, 30.0, -70.0]), np.array([0.1, 0.2, 0.1])
    >>> live_one(["IN 0", "IN 1"], [[dead], [cell]])
    (1, "voltage from 'IN 1'; 'IN 0' is flat")
    """
    ranges = [
        (min(float(np.nanmin(y)) for y in sweeps), max(float(np.nanmax(y)) for y in sweeps))
        for sweeps in traces
    ]
    alive = [k for k, sweeps in enumerate(traces) if not is_flat(sweeps)]
    if len(alive) == 1 and max(map(_move, traces[alive[0]])) >= _ALIVE_MV:
        flat = " and ".join(repr(name) for k, name in enumerate(names) if k not in alive)
        verb = "is" if len(names) == 2 else "are"
        return alive[0], f"voltage from {names[alive[0]]!r}; {flat} {verb} flat"
    told = ", ".join(
        f"{name!r} {low:.4g} to {high:.4g} mV"
        for name, (low, high) in zip(names, ranges, strict=True)
    )
    raise RecordingError(
        "choice",
        f"{len(names)} channels are in volt ({told})",
        'say which one is the cell: voltage="..."',
    )
