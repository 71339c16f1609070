"""AxoGraph files, through Neo: columns that come again are episodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge.recordings.formats.programs.neo_signals import Segment, segments_of

__all__ = ["read_axograph"]


def read_axograph(path: Path, reader: Any) -> list[Segment]:
    """Return the episodes of an AxoGraph file.

    Neo tells the episodes of a recording that AxoGraph itself acquired. Where a file holds no
    groups of traces, as one that was written by another program, its columns go through the same
    names again and again: Vm, Im, Vm, Im.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    reader : neo.rawio.AxographRawIO
        Whose header was parsed.
    """
    segments = segments_of(reader)
    if len(segments) != 1:
        return segments
    signals = segments[0].signals
    kinds = [(signal.name, signal.unit) for signal in signals]
    width = len(dict.fromkeys(kinds))
    repeats = len(kinds) // width if width else 0
    if repeats < 2 or kinds != kinds[:width] * repeats:
        return segments
    return [Segment(signals[k * width : (k + 1) * width]) for k in range(repeats)]
