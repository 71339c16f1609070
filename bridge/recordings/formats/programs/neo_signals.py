"""Signals of one stretch of recording, as Neo's raw readers give them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Segment", "Signal", "overlap", "quiet_neo", "segments_of", "signals_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Signal:
    """One signal of a segment.

    Parameters
    ----------
    name, unit : str
        As the file writes them.
    rate_Hz : float
        Sampling rate (Hz).
    values : ndarray, shape (n,)
        In `unit`.
    start_s : float
        When its first sample was taken (s), on the clock of the file.
    """

    name: str
    unit: str
    rate_Hz: float
    values: Array
    start_s: float = 0.0


@dataclass(frozen=True, eq=False)
class Segment:
    """One stretch of recording: a sweep.

    Parameters
    ----------
    signals : tuple of Signal
        What was recorded together.
    number : int, optional
        How the file counts it; its place where left out.
    left_out : str
        Why it cannot be used, where it cannot.
    """

    signals: tuple[Signal, ...]
    number: int | None = None
    left_out: str = ""


@contextmanager
def quiet_neo() -> Iterator[None]:
    """Keep Neo from telling on the terminal what it finds odd in a file."""
    logger = logging.getLogger("neo")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def segments_of(reader: Any) -> list[Segment]:
    """Return every segment of one of Neo's raw readers.

    Parameters
    ----------
    reader : neo.rawio.BaseRawIO
        Whose header was parsed.
    """
    return [
        Segment(tuple(signals_of(reader, block, segment)))
        for block in range(reader.block_count())
        for segment in range(reader.segment_count(block))
    ]


def signals_of(reader: Any, block: int, segment: int) -> Iterator[Signal]:
    """Give the signals of one segment, scaled as Neo scales them."""
    listed = reader.header["signal_channels"]
    for stream, of in enumerate(reader.header["signal_streams"]):
        channels = listed[listed["stream_id"] == of["id"]]
        if not len(channels):
            continue
        rate = float(reader.get_signal_sampling_rate(stream))
        start = float(reader.get_signal_t_start(block, segment, stream))
        raw = reader.get_analogsignal_chunk(
            block_index=block, seg_index=segment, stream_index=stream
        )
        values = reader.rescale_signal_raw_to_float(raw, dtype="float64", stream_index=stream)
        for column, channel in enumerate(channels):
            name, unit = str(channel["name"]), str(channel["units"])
            yield Signal(name, unit, rate, np.array(values[:, column]), start)


def overlap(one: Signal, other: Signal) -> tuple[Signal, Signal] | None:
    """Cut two signals to the time in which both were recorded.

    A converter takes the channels one after the other, so that they begin within one sample of each
    other; a program may also begin one of them later.

    Returns
    -------
    (Signal, Signal) or None
        Of equal length, sample by sample within half an interval; None where they differ in
        sampling rate, or share no time.

    Examples
    --------
    >>> a = Signal("Vm", "mV", 10.0, np.array([1.0, 2.0, 3.0]))
    >>> b = Signal("Im", "pA", 10.0, np.array([7.0, 8.0, 9.0]), start_s=0.1)
    >>> [signal.values.tolist() for signal in overlap(a, b)]
    [[2.0, 3.0], [7.0, 8.0]]
    """
    if not np.isclose(one.rate_Hz, other.rate_Hz, rtol=1e-9):
        return None
    shift = round((other.start_s - one.start_s) * one.rate_Hz)
    first, second = one.values[max(shift, 0) :], other.values[max(-shift, 0) :]
    length = min(len(first), len(second))
    if not length:
        return None
    return replace(one, values=first[:length]), replace(other, values=second[:length])
