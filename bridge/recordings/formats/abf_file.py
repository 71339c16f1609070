"""An ABF file, whole and opened by pyABF."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from bridge.errors import optional
from bridge.recordings.errors import RecordingError

__all__ = ["open_abf", "rate_of"]

_BLOCK = 512


def open_abf(path: Path) -> Any:
    """Open a whole ABF file with pyABF.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    pyabf.ABF
        Its units are without padding.

    Raises
    ------
    RecordingError
        The file is cut short, or is none that pyABF can read.
    ExtraMissingError
        pyabf is not installed.
    """
    with np.printoptions():  # importing pyABF changes how the whole process prints arrays
        pyabf = optional("pyabf", "reading ABF files", "recordings")
    _check_whole(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            abf: Any = pyabf.ABF(str(path))
    except Exception as error:  # pyABF raises whatever its parsing runs into
        raise RecordingError(
            "file", f"is not a readable ABF file ({error})", "export it again"
        ) from None
    abf.adcUnits = [str(unit).strip("\0 ") for unit in abf.adcUnits]
    return abf


def rate_of(abf: Any) -> float:
    """Return the sampling rate of each channel as the header has it (Hz).

    pyABF's ``dataRate`` drops what lies behind the point: samples 2.48 ms apart are 403.226 Hz, not
    403 Hz.
    """
    if abf.abfVersion["major"] == 1:
        interval_us = float(abf._headerV1.fADCSampleInterval) * abf.channelCount
    else:
        interval_us = float(abf._protocolSection.fADCSequenceInterval)
    rate = 1e6 / interval_us if interval_us > 0 else float(abf.dataRate)
    # The interval is a float of 32 bits: a rate of 5 kHz may come out as 4999.9998 Hz.
    return round(rate, 3)


def _check_whole(path: Path) -> None:
    """Compare the size of the data that the header promises with the size of the file."""
    with path.open("rb") as stream:
        head = stream.read(_BLOCK)
    size = path.stat().st_size
    if len(head) < _BLOCK:
        raise RecordingError(
            "truncated", f"has only {size} bytes, less than a header", "copy it again"
        )
    if head[:4] == b"ABF2":
        # Section "data": first block, bytes an entry, entries (Axon's ABF 2 header, offset 236).
        block, width, entries = struct.unpack_from("<IIq", head, 236)
        needed = block * _BLOCK + width * entries
    elif head[:4] == b"ABF ":
        points = struct.unpack_from("<i", head, 10)[0]
        block = struct.unpack_from("<i", head, 40)[0]
        width = 4 if struct.unpack_from("<h", head, 100)[0] == 1 else 2
        needed = block * _BLOCK + width * points
    else:
        raise RecordingError(
            "file", "does not begin as an ABF file does", "give a file saved by pCLAMP"
        )
    if size < needed:
        raise RecordingError(
            "truncated",
            f"ends after {size} of the {needed} bytes its header promises",
            "copy it again from where it was recorded",
        )
