"""Neo as second reader of ABF files: what it reads otherwise than pyABF is named.

Neither reader is taken for right because it is the first: each difference says what `read` goes by,
and why. Where the readers differ in the numbers that a curve is made of, the file is refused.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import optional
from bridge.recordings.errors import RecordingError, about
from bridge.recordings.formats.abf_command import Output, alternates, epochs_wave, outputs
from bridge.recordings.formats.abf_file import open_abf, rate_of
from bridge.recordings.formats.programs.neo_signals import quiet_neo
from bridge.recordings.formats.readers_compared import ReaderDifference, ReadersCompared

__all__ = ["check_samples", "compare_readers"]

Array = NDArray[np.float64]

# Both scale whole numbers of 16 bits by a float: they may differ by rounding, never by this share
# of the largest value. A step of the converter is 3e-5 of its range.
_ROUNDING = 3e-6
# nEpochType, beside steps.
_SHAPES = {
    2: "a ramp",
    3: "a train of pulses",
    4: "a train of triangles",
    5: "a cosine",
    7: "a train of biphasic pulses",
}
# A tag is at the same place if it is at the same sample.
_SAMPLE = 1.0
# The protocol and the table of sweeps agree on the start of a sweep within this (s).
_START_S = 1e-3


def compare_readers(path: str | Path) -> ReadersCompared:
    """Read an ABF file with pyABF and with Neo, and say in what they differ.

    Compared are the sampling rate, the names and units of the channels, number and starts of the
    sweeps, every sample of every channel (hence gain and offset), the tags, and the command of each
    output that is made of epochs. Neo computes no command of ABF 1 and plays no stimulus file.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    ReadersCompared

    Raises
    ------
    RecordingError
        pyABF cannot read it, or it is cut short.
    ExtraMissingError
        pyabf or neo is not installed.

    Examples
    --------
    >>> compare_readers("cell.abf")      # doctest: +SKIP
    cell.abf: pyABF and Neo agree
    """
    path = Path(path)
    with about(path.name):
        if not path.is_file():
            raise RecordingError("file", "no such file", "give the path of an ABF file")
        abf = open_abf(path)
        return _compare(abf, path)


def check_samples(abf: Any, path: Path, channels: list[int]) -> str:
    """Hold the channels that a curve is made of against Neo's, and say how the readers compare.

    Parameters
    ----------
    abf : pyabf.ABF
        The file, opened.
    path : pathlib.Path
        Where it is.
    channels : list of int
        Positions of the recorded channels that are used.

    Returns
    -------
    str
        What is said in the provenance; that Neo was not asked where it is not installed.

    Raises
    ------
    RecordingError
        Reason ``"contradiction"``: the readers differ in the sampling rate, or in samples of these
        channels.
    """
    try:
        import neo.rawio  # noqa: F401
    except ImportError:
        return "not compared: Neo is not installed (neurosim-bridge[neo])"
    found = _compare(abf, path, channels)
    for difference in found.differences:
        if difference.what in ("sampling rate", "samples"):
            raise RecordingError(
                "contradiction",
                f"two readers differ in the {difference.what}: pyABF says {difference.pyabf}, Neo "
                f"{difference.neo}",
                "export the sweeps from Clampfit as ATF, which holds the numbers that pCLAMP shows",
            )
    return found.said


def _compare(abf: Any, path: Path, channels: list[int] | None = None) -> ReadersCompared:
    """Compare everything; of the samples only those of some channels, if they are named."""
    rawio = optional("neo.rawio", "comparing two readers", "neo")
    try:
        with quiet_neo(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader = rawio.AxonRawIO(str(path))
            reader.parse_header()
            neo_sweeps = _neo_sweeps(reader)
            neo_tags = _neo_tags(reader)
            neo_starts = [float(reader.segment_t_start(0, k)) for k in range(len(neo_sweeps))]
    except Exception as error:  # Neo's readers fail in their own ways
        what = ReaderDifference(
            "file",
            f"{abf.sweepCount} sweeps of {abf.channelCount} channels",
            f"cannot read it ({type(error).__name__}: {error})",
            "read goes by pyABF alone",
        )
        return ReadersCompared(path.name, (what,))
    found = [
        _rate(abf, reader),
        _names(abf, reader),
        _units(abf, reader),
        _sweeps(abf, neo_sweeps),
        _starts(abf, neo_starts),
        *_samples(abf, neo_sweeps, channels),
        _tags(abf, neo_tags),
    ]
    commands, not_compared = _commands(abf, reader)
    differences = tuple(d for d in (*found, *commands) if d is not None)
    return ReadersCompared(path.name, differences, not_compared)


def _neo_sweeps(reader: Any) -> list[Array]:
    """Each segment as Neo scales it, shape (samples, channels)."""
    sweeps = []
    for k in range(reader.segment_count(0)):
        raw = reader.get_analogsignal_chunk(block_index=0, seg_index=k, stream_index=0)
        sweeps.append(reader.rescale_signal_raw_to_float(raw, dtype="float64", stream_index=0))
    return sweeps


def _neo_tags(reader: Any) -> list[float]:
    """Times of the tags (s)."""
    if not reader.event_count(0, 0, 0):
        return []
    stamps, _, _ = reader.get_event_timestamps(0, 0, 0)
    times = reader.rescale_event_timestamp(stamps, dtype="float64", event_channel_index=0)
    return [float(time) for time in times]


def _rate(abf: Any, reader: Any) -> ReaderDifference | None:
    ours, theirs = rate_of(abf), float(reader.get_signal_sampling_rate(0))
    if np.isclose(ours, theirs, rtol=1e-6):
        return None
    used = "read goes by the interval in the header"
    return ReaderDifference("sampling rate", f"{ours:.9g} Hz", f"{theirs:.9g} Hz", used)


def _names(abf: Any, reader: Any) -> ReaderDifference | None:
    ours = [_plain(name) for name in abf.adcNames]
    theirs = [_plain(name) for name in reader.header["signal_channels"]["name"]]
    if ours == theirs:
        return None
    blank = any(name in ("", "?") for name in ours)
    used = "read takes pyABF's" + ("; the file names no channel" if blank else "")
    return ReaderDifference("channel names", _list(ours), _list(theirs), used)


def _units(abf: Any, reader: Any) -> ReaderDifference | None:
    ours = [_plain(unit) for unit in abf.adcUnits]
    theirs = [_plain(unit) for unit in reader.header["signal_channels"]["units"]]
    # Neo writes u for µ, and no spaces.
    if [_ascii_unit(unit) for unit in ours] == [_ascii_unit(unit) for unit in theirs]:
        return None
    used = "read takes pyABF's, and refuses a channel whose unit is not told"
    return ReaderDifference("units", _list(ours), _list(theirs), used)


def _sweeps(abf: Any, neo_sweeps: list[Array]) -> ReaderDifference | None:
    if abf.sweepCount == len(neo_sweeps):
        return None
    used = "read cuts them by the number of episodes in the header"
    if len(neo_sweeps) == 1:
        used += "; Neo takes a file without a table of sweeps for one"
    return ReaderDifference("sweeps", str(abf.sweepCount), str(len(neo_sweeps)), used)


def _samples(
    abf: Any, neo_sweeps: list[Array], channels: list[int] | None
) -> list[ReaderDifference]:
    """Compare each channel over the whole file, however it is cut into sweeps."""
    found = []
    used = "read refuses a curve of this channel"
    for channel in range(abf.channelCount) if channels is None else channels:
        name = f"of {_plain(abf.adcNames[channel])!r}"
        ours = np.array(abf.data[channel], dtype=float)
        if any(channel >= sweep.shape[1] for sweep in neo_sweeps):
            found.append(ReaderDifference("samples", f"{ours.size} {name}", "none", used))
            continue
        theirs = np.concatenate([sweep[:, channel] for sweep in neo_sweeps])
        if ours.size != theirs.size:
            told = f"{ours.size} {name}", str(theirs.size)
            found.append(ReaderDifference("samples", *told, used))
            continue
        if not ours.size:
            continue
        # What is no number on both sides is the same; on one side it differs.
        with np.errstate(invalid="ignore"):
            off = np.abs(ours - theirs)
        off[(ours == theirs) | (np.isnan(ours) & np.isnan(theirs))] = 0
        off[np.isnan(off)] = np.inf
        finite = np.abs(ours[np.isfinite(ours)])
        if off.max() > _ROUNDING * max(float(finite.max(initial=0.0)), 1e-30):
            at = int(np.argmax(off))
            unit = _plain(abf.adcUnits[channel])
            told = (
                f"{ours[at]:.6g} {unit} {name} at sample {at}",
                f"{theirs[at]:.6g} {unit}{_scale(ours, theirs)}",
            )
            found.append(ReaderDifference("samples", *told, used))
    return found


def _scale(ours: Array, theirs: Array) -> str:
    """Say that the samples differ by a gain or an offset, if they do."""
    sound = np.isfinite(ours) & np.isfinite(theirs)
    a, b = ours[sound], theirs[sound]
    rounding = _ROUNDING * float(np.abs(a).max(initial=0.0))
    power = float(b @ b)
    gain = float(a @ b) / power if power else 0.0
    if np.abs(a - gain * b).max(initial=0.0) <= rounding:
        return f" (pyABF's gain is {gain:.6g} times Neo's)"
    offset = float(np.median(a - b)) if a.size else 0.0
    if np.abs(a - b - offset).max(initial=0.0) <= rounding:
        return f" (pyABF's offset is larger by {offset:.6g})"
    return ""


def _starts(abf: Any, neo_starts: list[float]) -> ReaderDifference | None:
    """Compare when the sweeps began, from the first."""
    ours = [float(time - abf.sweepTimesSec[0]) for time in abf.sweepTimesSec]
    theirs = [time - neo_starts[0] for time in neo_starts]
    if len(ours) != len(theirs) or np.allclose(ours, theirs, rtol=0, atol=_START_S):
        return None
    used = "no curve is made of them; Neo's are those of the table of sweeps"
    return ReaderDifference("starts of sweeps", _times(ours[1:]), _times(theirs[1:]), used)


def _tags(abf: Any, neo_tags: list[float]) -> ReaderDifference | None:
    ours = [float(time) for time in abf.tagTimesSec]
    if len(ours) == len(neo_tags) and np.allclose(
        ours, neo_tags, rtol=0, atol=_SAMPLE / rate_of(abf)
    ):
        return None
    return ReaderDifference("tags", _times(ours), _times(neo_tags), "no curve is made of them")


def _commands(abf: Any, reader: Any) -> tuple[list[ReaderDifference], tuple[str, ...]]:
    """Compare the waveform of each output that is made of epochs."""
    playing = [output for output in outputs(abf) if output.source]
    files = tuple(
        f"command of {output.name!r}: Neo plays no stimulus file"
        for output in playing
        if output.source == "file"
    )
    epochs = [output for output in playing if output.source == "epochs"]
    if not epochs:
        return [], files
    if abf.abfVersion["major"] == 1:
        return [], (*files, "command: Neo computes none of ABF 1")
    # Neo makes room for every sample the header speaks of, of every output.
    promised = int(abf._protocolSection.lNumSamplesPerEpisode) * abf.sweepCount
    if promised != abf.data.size:
        return [], (*files, "command: Neo computes none for sweeps of several lengths")
    try:
        drawn, _, _ = reader.read_raw_protocol()
    except Exception as error:  # Neo's arithmetic runs into what it runs into
        return [], (*files, f"command: Neo computes none ({type(error).__name__}: {error})")
    found = []
    for output in epochs:
        try:
            ours = epochs_wave(abf, output)
        except RecordingError as error:
            files += (f"command of {output.name!r}: {error.wrong}",)
            continue
        theirs = [sweep[output.number] for sweep in drawn]
        found.append(_command(abf, output, ours, theirs))
    return [difference for difference in found if difference is not None], files


def _command(
    abf: Any, output: Output, ours: list[Array], theirs: list[Array]
) -> ReaderDifference | None:
    if len(ours) != len(theirs) or any(
        a.shape != b.shape for a, b in zip(ours, theirs, strict=False)
    ):
        used = "read goes by pyABF's"
        told = f"{len(ours)} sweeps of {output.name!r}", f"{len(theirs)}, or of another length"
        return ReaderDifference("command", *told, used)
    for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        off = np.abs(a - b)
        if off.max(initial=0.0) > _ROUNDING * max(float(np.abs(a).max()), 1e-30):
            at = int(np.argmax(off))
            told = (
                f"{a[at]:.6g} {output.unit} of {output.name!r} in sweep {k} at "
                f"{at / rate_of(abf):.4g} s",
                f"{b[at]:.6g} {output.unit}",
            )
            used = f"read goes by pyABF's: {_why_drawn_otherwise(abf, output)}"
            return ReaderDifference("command", *told, used)
    return None


def _why_drawn_otherwise(abf: Any, output: Output) -> str:
    """Say what of the header Neo's drawing of the epochs leaves out."""
    from pyabf.waveform import EpochTable

    kinds = [epoch.epochType for epoch in EpochTable(abf, output.number).epochs]
    left_out = [words for kind, words in _SHAPES.items() if kind in kinds]
    if left_out:
        return f"Neo draws {' and '.join(left_out)} as a step"
    if alternates(abf):
        return "Neo plays every output in every sweep, and this file plays two in turn"
    if abf._dacSection.nInterEpisodeLevel[output.number]:
        return "Neo goes back to the holding level after the last epoch, and this file stays there"
    return "the header does not tell why Neo's is another"


def _plain(text: Any) -> str:
    return str(text).strip("\0 ")


def _ascii_unit(unit: str) -> str:
    return unit.replace("µ", "u").replace("μ", "u").replace(" ", "")


def _list(words: list[str]) -> str:
    return ", ".join(map(repr, words))


def _times(times: list[float]) -> str:
    told = ", ".join(f"{time:.5g} s" for time in times[:4]) or "none"
    return told + (", ..." if len(times) > 4 else "")
