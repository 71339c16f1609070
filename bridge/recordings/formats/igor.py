"""Igor binary waves (.ibw, versions 1, 2, 3 and 5) by igor2: one file a channel, often a sweep."""

from __future__ import annotations

import io
import logging
import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import igor2.binarywave
import numpy as np
from numpy.typing import NDArray

from bridge.recordings.errors import RecordingError, about
from bridge.recordings.formats.sweeps import Sweep, Units, factor_to, scale_to

__all__ = ["Wave", "is_channel_name", "read_igor", "read_wave", "series", "wave_of"]

# It would print the whole content of a file that it cannot read.
logging.getLogger("igor2").setLevel(logging.CRITICAL + 1)

# Bytes of each version that the checksum in the header covers.
_HEADER = {1: 134, 2: 142, 3: 146, 5: 384}
# Where the header says how many samples there are, and how many along each of four dimensions.
_SIZES = {1: (50,), 2: (58,), 3: (62,), 5: (76, 132, 136, 140, 144)}
_NUMBER = re.compile(r"(\d+)(?=\.[^.]*$)")
_CHANNEL = re.compile(r"(?i)(?<![a-z])(ch|chan|channel|ad|da|adc|dac)_?(\d+)")


@dataclass(frozen=True, eq=False)
class Wave:
    """One Igor wave: columns of numbers, their unit, and the time between rows."""

    data: NDArray[np.float64]
    unit: str
    step_s: float


def read_wave(path: Path) -> Wave:
    """Read one binary wave.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    Wave
        Data of shape (samples, sweeps).

    Raises
    ------
    RecordingError
        The file is cut short, of another kind, or holds no real numbers.
    """
    raw = path.read_bytes()
    if len(raw) < 2:
        raise RecordingError("truncated", "is empty", "copy it again")
    order: Literal["little", "big"] = "little" if raw[1] == 0 else "big"
    version = int.from_bytes(raw[:2], order)
    if version not in _HEADER:
        raise RecordingError(
            "file", "does not begin as an Igor binary wave does", "save it as .ibw"
        )
    header = raw[: _HEADER[version]]
    if len(header) < _HEADER[version]:
        raise RecordingError(
            "truncated", f"has only {len(raw)} bytes, less than a header", "copy it again"
        )
    # igor2 does not compare it.
    words = np.frombuffer(header, np.dtype("i2").newbyteorder(order))
    if int(words.sum(dtype=np.int64)) & 0xFFFF:
        raise RecordingError(
            "file", "its header does not add up (checksum)", "copy or save it again"
        )
    _check_sizes(header, version, order)
    try:
        wave = igor2.binarywave.load(io.BytesIO(raw))["wave"]
    except Exception:  # igor2 raises whatever its parsing runs into
        raise RecordingError(
            "truncated",
            f"ends after {len(raw)} bytes, before what its header promises",
            "copy it again from where it was recorded",
        ) from None
    return wave_of(wave)


def _check_sizes(header: bytes, version: int, order: Literal["little", "big"]) -> None:
    """Refuse sizes that no wave has; igor2 would take a negative one for "all that follows"."""
    mark = "<" if order == "little" else ">"
    points, *sizes = (struct.unpack_from(f"{mark}i", header, at)[0] for at in _SIZES[version])
    # A dimension of 0 is not there.
    product = math.prod(size for size in sizes if size) if any(sizes) else points
    if points < 0 or any(size < 0 for size in sizes) or product != points:
        raise RecordingError(
            "file",
            f"its header says {points} samples"
            + (f" in dimensions of {', '.join(map(str, sizes))}" if sizes else ""),
            "copy or save it again",
        )


def wave_of(wave: Any) -> Wave:
    """Return what igor2 read as a `Wave`.

    Parameters
    ----------
    wave : mapping
        Entry ``"wave"`` of what igor2 returns.

    Raises
    ------
    RecordingError
        It holds no real numbers, or no time lies between its rows.
    """
    values, head = wave["wData"], wave["wave_header"]
    if values.dtype.kind not in "fiu":
        raise RecordingError("file", "holds text or complex numbers", "give a wave of reals")
    if not values.size:
        raise RecordingError("truncated", "holds no samples", "give a wave that is not empty")
    data = np.asarray(values, dtype=float)
    data = data.reshape(len(data), -1, order="F")
    step, x_unit = (
        (head["sfA"][0], head["dimUnits"][0]) if "sfA" in head else (head["hsA"], head["xUnits"])
    )
    seconds = float(step) * {"ms": 1e-3, "us": 1e-6}.get(_text(x_unit), 1.0)
    if not 1e-9 < seconds < 1e9:
        raise RecordingError(
            "file",
            f"its samples are {seconds:g} s apart",
            "set the scale of its rows in Igor (SetScale/P x), and save it again",
        )
    return Wave(data, _text(head["dataUnits"]), seconds)


def series(path: Path) -> list[Path]:
    """Every file of the series one belongs to: the same name with another number at its end.

    Examples
    --------
    >>> [file.name for file in series(Path("nowhere/cell_Ch3_Steps_12.ibw"))]
    ['cell_Ch3_Steps_12.ibw']
    """
    found = _NUMBER.search(path.name)
    if found is None:
        return [path]
    before, after = path.name[: found.start()], path.name[found.end() :]
    alike = re.compile(re.escape(before) + r"\d+" + re.escape(after) + "$", re.IGNORECASE)
    files = [p for p in path.parent.glob("*") if alike.match(p.name)]
    return sorted(files, key=_number) or [path]


def read_igor(
    paths: Sequence[Path], voltage: str | None, current: str | None, units: Units
) -> tuple[list[Sweep], list[Path]]:
    """Read voltage waves with the current waves that were recorded beside them.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Waves in volt or ampere, in any order. Those that belong together are looked for among
        them first. A wave whose partner is not among them is looked for in its folder: the same
        name with another channel (``Ch0`` for ``Ch3``).
    voltage, current : str, optional
        Which channel the cell's potential and its current are, such as ``"Ch3"``, where several
        were recorded together.
    units : (str or None, str or None)
        Units of voltage and current, where the files have them wrong or not at all.

    Returns
    -------
    sweeps : list of Sweep
    files : list of pathlib.Path
        All that were read.

    Raises
    ------
    RecordingError
        A wave has no partner or several, or the two do not match.
    """
    wanted = {"V": voltage, "A": current}
    given = {path: _kind(path, units) for path in dict.fromkeys(paths)}
    kinds = {p: w for p, w in given.items() if _is_channel(p, wanted[w[0]])}
    if not kinds:
        said = voltage if next(iter(given.values()))[0] == "V" else current
        raise RecordingError(
            "choice",
            f"none of the files given is of the channel {said!r}",
            f"give a file of that channel, or choose {_channels(list(given))}",
            next(iter(given)).name,
        )
    sweeps: list[Sweep] = []
    files: list[Path] = []
    done: set[Path] = set()
    for path, (kind, wave) in list(kinds.items()):
        if path in done:
            continue
        with about(path.name):
            partner, other = _partner(path, kind, kinds, wanted, units)
            volts, amps = (wave, other) if kind == "V" else (other, wave)
            if volts.data.shape != amps.data.shape or not np.isclose(volts.step_s, amps.step_s):
                raise RecordingError(
                    "format",
                    f"{path.name} and {partner.name} differ in length or sampling interval",
                    "give the two channels of one sweep",
                )
        done |= {path, partner}
        files += [path, partner]
        found = _NUMBER.search(path.name)
        number = int(found.group()) if found and volts.data.shape[1] == 1 else len(sweeps)
        rate = round(1 / volts.step_s, 6)
        for k, (v, i) in enumerate(zip(volts.data.T, amps.data.T, strict=True)):
            sweeps.append(Sweep(number + k, rate, v, i, "measured"))
    return sweeps, files


def is_channel_name(text: str) -> bool:
    """Tell whether a text names a channel as the names of Igor's files do.

    Examples
    --------
    >>> is_channel_name("Ch3"), is_channel_name("IN 0")
    (True, False)
    """
    return _CHANNEL.fullmatch(text.strip()) is not None


def _channel(path: Path) -> str:
    found = _CHANNEL.search(path.name)
    return found.group() if found else ""


def _is_channel(path: Path, wanted: str | None) -> bool:
    if wanted is None:
        return True
    return _plain(_channel(path)) == _plain(wanted)


def _plain(channel: str) -> str:
    return channel.strip().lower().replace("_", "")


def _channels(paths: Sequence[Path]) -> str:
    names = sorted({repr(_channel(path)) for path in paths if _channel(path)})
    return " or ".join(names) or "files whose names have a channel"


def _kind(path: Path, units: Units) -> tuple[str, Wave]:
    """Read a wave in mV or pA, and say which kind it is."""
    with about(path.name):
        wave = read_wave(path)
        known = scale_to(wave.unit)
        if known is None:
            raise RecordingError(
                "units",
                f"the wave's unit is {wave.unit!r}, neither volt nor ampere",
                'set it in Igor: SetScale d 0,0,"mV" (or "pA")',
            )
        kind = known[0]
        factor = factor_to(kind, wave.unit, units[kind == "A"])
    return kind, Wave(wave.data * factor, wave.unit, wave.step_s)


def _partner(
    path: Path,
    kind: str,
    kinds: dict[Path, tuple[str, Wave]],
    wanted: dict[str, str | None],
    units: Units,
) -> tuple[Path, Wave]:
    """Return the wave of the other kind that was recorded with one, if there is just one."""
    other = "A" if kind == "V" else "V"
    beside = [p for p in kinds if kinds[p][0] == other and _alike(p, path)]
    if not beside and len(kinds) == 2:
        # Two files say by their units what they are.
        beside = [p for p in kinds if kinds[p][0] == other]
    found = {p: kinds[p][1] for p in beside}
    if not found:
        for p in sorted(path.parent.glob("*" + path.suffix)):
            if p not in kinds and _alike(p, path) and _is_channel(p, wanted[other]):
                candidate = _kind_or_none(p, units)
                if candidate is not None and candidate[0] == other:
                    found[p] = candidate[1]
    # Several cells recorded together may share the name of the sweep, not the current.
    rivals = [path, *(p for p in kinds if kinds[p][0] == kind and _alike(p, path))]
    which, several = (other, list(found)) if len(found) > 1 else (kind, rivals)
    if found and len(several) > 1:
        quantity = "volt" if which == "V" else "ampere"
        option = "voltage" if which == "V" else "current"
        raise RecordingError(
            "choice",
            f"{len(several)} waves in {quantity} were recorded together: "
            f"{', '.join(p.name for p in several)}",
            f"say which one is the cell's by {option}= with {_channels(several)}, or give the "
            "files of voltage and current of this cell alone",
        )
    if found:
        return next(iter(found.items()))
    missing = "current" if kind == "V" else "voltage"
    said = "" if wanted[other] is None else f" by the channel {wanted[other]!r}"
    raise RecordingError(
        "no-current" if kind == "V" else "no-voltage",
        f"no wave in {'ampere' if kind == 'V' else 'volt'} was recorded with it{said}",
        f"put the {missing} channel beside it, named alike (..._Ch0_... for ..._Ch3_...), or give "
        "both files",
    )


def _alike(one: Path, other: Path) -> bool:
    """Whether two files are channels of one sweep: named alike but for the channel."""
    key = _CHANNEL.sub(r"\1", other.name)
    return one != other and bool(_channel(one)) and _CHANNEL.sub(r"\1", one.name) == key


def _kind_or_none(path: Path, units: Units) -> tuple[str, Wave] | None:
    """Read a wave that may be of another quantity, such as the light of a lamp."""
    try:
        return _kind(path, units)
    except RecordingError as error:
        if error.reason == "units":
            return None
        raise


def _text(letters: Any) -> str:
    """Join the letters of a unit, which igor2 gives one by one."""
    return b"".join(np.ravel(letters).tolist()).split(b"\0")[0].decode("latin-1").strip()


def _number(path: Path) -> int:
    found = _NUMBER.search(path.name)
    return int(found.group()) if found else 0
