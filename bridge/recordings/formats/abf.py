"""Axon Binary Format, versions 1 and 2, through pyABF."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path, PureWindowsPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridge.errors import optional
from bridge.recordings.errors import RecordingError
from bridge.recordings.formats.sweeps import Sweep, Units, factor_to, scale_to

__all__ = ["read_abf"]

Array = NDArray[np.float64]

_BLOCK = 512
# What a command is made of (nWaveformSource).
_EPOCHS, _STIMULUS_FILE = 1, 2
# End of the table of epochs in the header of an ABF 1 file.
_EPOCHS_END = 2668
# Where an ABF 1 header says whether a user list changes each output, and where that part ends.
_USER_LIST, _USER_LIST_END = 3360, 3376


def read_abf(path: Path, voltage: str | None, current: str | None, units: Units) -> list[Sweep]:
    """Read the sweeps of an ABF file.

    The current is the command waveform the file describes (epochs, or a stimulus file beside it),
    which is exact; where there is none, a recorded channel in ampere.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    voltage, current : str, optional
        Names of the channels, where the file has several of a kind; ``current="command"`` asks
        for the command waveform.
    units : (str or None, str or None)
        Units of voltage and current, where the file has them wrong.

    Returns
    -------
    list of Sweep

    Raises
    ------
    RecordingError
        The file is broken, in voltage clamp, or tells nothing of the current.
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
    kinds = [scale_to(unit) for unit in abf.adcUnits]
    v_channel = _pick(abf, kinds, "V", voltage)
    if v_channel is None:
        raise _no_voltage(abf, kinds)
    i_channel = None if current == "command" else _pick(abf, kinds, "A", current)
    v_factor = factor_to("V", abf.adcUnits[v_channel], units[0])
    volts = [y * v_factor for y in _recorded(abf, v_channel)]
    amps: list[Array] | None = None
    kind: Literal["command", "measured"] = "command"
    if current in (None, "command"):
        amps = _commanded(abf, v_channel, units[1], recorded=i_channel is not None)
    if i_channel is not None and (amps is None or all(np.ptp(y) == 0 for y in amps)):
        factor = factor_to("A", abf.adcUnits[i_channel], units[1])
        amps, kind = [y * factor for y in _recorded(abf, i_channel)], "measured"
    if amps is None:
        raise RecordingError(
            "no-current",
            "no current was recorded and the file describes no command waveform",
            "record the current on a channel of its own, or switch the waveform on in the protocol",
        )
    rate = float(abf.dataRate)
    return [
        Sweep(k, rate, v, i, kind, str(abf.protocol))
        for k, (v, i) in enumerate(zip(volts, amps, strict=True))
    ]


def _recorded(abf: Any, channel: int) -> list[Array]:
    traces = []
    for k in abf.sweepList:
        abf.setSweep(k, channel=channel)
        traces.append(np.array(abf.sweepY, dtype=float))
    return traces


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


def _pick(abf: Any, kinds: list[Any], kind: str, name: str | None) -> int | None:
    names = [str(label) for label in abf.adcNames]
    if name is not None:
        if name not in names:
            raise RecordingError(
                "choice",
                f"no channel is called {name!r}",
                f"choose one of {', '.join(map(repr, names))}",
            )
        return names.index(name)
    fitting = [i for i, found in enumerate(kinds) if found is not None and found[0] == kind]
    if len(fitting) > 1 and kind == "V":
        told = ", ".join(repr(names[i]) for i in fitting)
        raise RecordingError(
            "choice",
            f"{len(fitting)} channels are in volt ({told})",
            'say which one is the cell: voltage="..."',
        )
    return fitting[0] if fitting else None


def _no_voltage(abf: Any, kinds: list[Any]) -> RecordingError:
    commands = [scale_to(unit) for unit in abf.dacUnits]
    if any(k is not None and k[0] == "A" for k in kinds):
        in_volt = any(k is not None and k[0] == "V" for k in commands)
        return RecordingError(
            "voltage-clamp",
            f"only current was recorded ({', '.join(abf.adcUnits)})"
            + (", under a command in volt" if in_volt else ""),
            "give a current-clamp file: an f-I curve needs spikes",
        )
    return RecordingError(
        "no-voltage",
        f"no channel is in volt (found: {', '.join(map(repr, abf.adcUnits))})",
        "give the file whose channel is the membrane potential, with its unit set",
    )


def _has_user_list(abf: Any, output: int) -> bool:
    """Whether a list of the user's changes an output from sweep to sweep; pyABF leaves it out.

    Of ABF 1 by the header's lULEnable (four whole numbers from byte 3360 on), of ABF 2 by the
    second of the five numbers of each entry of the section of user lists (nULEnable).
    """
    with open(abf.abfFilePath, "rb") as stream:
        if abf.abfVersion["major"] == 1:
            if abf.dataByteStart < _USER_LIST_END or output > 3:
                return False
            stream.seek(_USER_LIST + 4 * output)
            return bool(struct.unpack("<i", stream.read(4))[0])
        section = abf._userListSection
        for entry in range(section._entryCount):
            stream.seek(section._byteStart + entry * section._entrySize)
            _, enabled, parameter = struct.unpack("<3h", stream.read(6))
            if enabled and parameter > 0:
                return True
    return False


def _commanded(abf: Any, channel: int, said: str | None, *, recorded: bool) -> list[Array] | None:
    """Command waveform of each sweep (pA); None where the file describes none."""
    from pyabf.stimulus import Stimulus

    if abf.abfVersion["major"] == 1 and abf.dataByteStart < _EPOCHS_END:
        return None  # a short header: where the epochs would be there are samples
    dacs = abf._headerV1 if abf.abfVersion["major"] == 1 else abf._dacSection
    outputs = range(min(len(abf.dacUnits), len(dacs.nWaveformSource)))
    for output in sorted(outputs, key=lambda k: (k != channel, k)):
        source = dacs.nWaveformSource[output] if dacs.nWaveformEnable[output] else 0
        if source not in (_EPOCHS, _STIMULUS_FILE):
            continue
        known = scale_to(abf.dacUnits[output])
        if said is None and known is not None and known[0] == "V":
            if output != channel:
                continue
            raise RecordingError(
                "voltage-clamp",
                f"the command is in {abf.dacUnits[output]!r}, not in ampere",
                "give a current-clamp file, or set the unit of its command",
            )
        if _has_user_list(abf, output):
            if not recorded:
                raise RecordingError(
                    "no-current",
                    "the command follows a user list, which is not read",
                    "record the current on a channel of its own, or export the sweeps with their "
                    "currents as CSV",
                )
            return None
        factor = factor_to("A", abf.dacUnits[output], said, "command")
        if source == _STIMULUS_FILE:
            return [wave * factor for wave in _stimulus_file(abf, output)]
        epochs = Stimulus(abf, output)
        return [np.array(epochs.stimulusWaveform(k), dtype=float) * factor for k in abf.sweepList]
    return None


def _stimulus_file(abf: Any, output: int) -> list[Array]:
    """Waveform of each sweep from the file the protocol played; pyABF gives the first only."""
    import pyabf

    if abf.abfVersion["major"] == 1:
        written = abf._headerV1.sDACFilePath[output]
    else:
        written = abf._stringsSection._indexedStrings[abf._dacSection.lDACFilePathIndex[output]]
    if isinstance(written, bytes):
        written = written.decode("latin-1")
    name = PureWindowsPath(written.strip("\0 ")).name
    beside = Path(abf.abfFilePath).parent
    path = next((str(p) for p in beside.iterdir() if p.name.lower() == name.lower()), None)
    if path is None:
        raise RecordingError(
            "no-current",
            f"the command comes from a stimulus file, {name!r}, that is not here",
            "put it beside the recording",
        )
    stimulus: Any = (pyabf.ABF if path.lower().endswith(".abf") else pyabf.ATF)(path)
    if stimulus.sweepCount not in (1, abf.sweepCount):
        raise RecordingError(
            "no-current",
            f"{Path(path).name} holds {stimulus.sweepCount} sweeps, the recording {abf.sweepCount}",
            "put the stimulus file this recording was made with beside it",
        )
    waves = []
    for k in abf.sweepList:
        stimulus.setSweep(k if stimulus.sweepCount > 1 else 0)
        wave = np.array(stimulus.sweepY, dtype=float)[: abf.sweepPointCount]
        waves.append(np.pad(wave, (0, abf.sweepPointCount - len(wave)), mode="edge"))
    return waves
