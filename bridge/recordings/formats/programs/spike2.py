"""Spike2 files of 32 bit (.smr): whether all is there that their header promises."""

from __future__ import annotations

import struct
from pathlib import Path

from bridge.recordings.errors import RecordingError

__all__ = ["check_smr"]

# The layout of a file of CED's SON library, version 1 to 9.
_CHANNELS_AT, _CHANNEL_SIZE, _FIRST_CHANNEL = 30, 140, 512
_BLOCK = struct.Struct("<iiiihh")
# Kinds of channels that hold a waveform, and the bytes of a sample.
_WAVEFORMS = {1: 2, 9: 4}
# In files of version 9 places count in blocks of so many bytes.
_DISK_BLOCK = {9: 512}


def check_smr(path: Path) -> None:
    """Refuse a Spike2 file that is cut short.

    The samples of a channel lie in a chain of blocks; where a file is cut within a block, Neo fills
    with zeros what is not there.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Raises
    ------
    RecordingError
        A block lies behind the end of the file.
    """
    raw = path.read_bytes()
    if len(raw) < _FIRST_CHANNEL:
        raise _cut(len(raw))
    version = struct.unpack_from("<h", raw, 0)[0]
    count = struct.unpack_from("<h", raw, _CHANNELS_AT)[0]
    for channel in range(count):
        at = _FIRST_CHANNEL + _CHANNEL_SIZE * channel
        head = raw[at : at + _CHANNEL_SIZE]
        if len(head) < _CHANNEL_SIZE:
            raise _cut(len(raw))
        first, _, blocks = struct.unpack_from("<iih", head, 6)
        width = _WAVEFORMS.get(head[122])
        if width is None:
            continue
        if blocks < 0:
            raise RecordingError(
                "format",
                f"channel {channel + 1} has more than 32767 blocks, which Neo does not count",
                "export a shorter stretch from Spike2, or the sweeps as CSV",
            )
        place = first
        for _ in range(blocks):
            begin = place * _DISK_BLOCK.get(version, 1)
            if begin < 0 or begin + _BLOCK.size > len(raw):
                raise _cut(len(raw))
            _, place, _, _, _, items = _BLOCK.unpack_from(raw, begin)
            if items < 0 or begin + _BLOCK.size + items * width > len(raw):
                raise _cut(len(raw))


def _cut(size: int) -> RecordingError:
    return RecordingError(
        "truncated",
        f"ends after {size} bytes, before what its channels promise",
        "copy it again from where it was recorded",
    )
