"""The command of an ABF file: what the protocol told the amplifier to inject, sweep by sweep.

pyABF computes waveforms from the table of epochs. What it leaves out or takes from the wrong place
is read here from the header itself; offsets are those of Axon's ABFHEADR.H and of the sections of
ABF 2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridge.recordings.errors import RecordingError
from bridge.recordings.formats.abf_stimulus_file import played_file, stimulus_file
from bridge.recordings.formats.sweeps import factor_to, scale_to

__all__ = ["Output", "alternates", "commanded", "epochs_wave", "outputs"]

Array = NDArray[np.float64]

# nWaveformSource: what a command is made of.
_EPOCHS, _STIMULUS_FILE = 1, 2
# nOperationMode: in all other modes the outputs stay at their holding level.
_EPISODIC = 5
# Where an ABF 1 header has these fields. Its end moved with the versions; what lies behind the
# beginning of the data is not there.
_HOLDING, _PULSES, _EPOCHS_END, _USER_LIST, _ALTERNATING = 1394, 2136, 2668, 3360, 5876

# nULParamToVary: the time from sweep to sweep, the digital outputs, and the number of P/N pulses
# leave the waveform alone.
_BETWEEN_SWEEPS = (7, 9, 10)

_OTHER_QUANTITIES = {
    "m": "a length",
    "pa": "a pressure",
    "mmhg": "a pressure",
    "psi": "a pressure",
    "bar": "a pressure",
    "c": "a temperature",
    "degc": "a temperature",
    "k": "a temperature",
    "n": "a force",
    "w": "a power",
    "hz": "a frequency",
    "%": "a share",
    "deg": "an angle",
    "lux": "an illuminance",
}
"""Units of commands that are no current, without their prefix."""
_PREFIXES = "npuµμmck"


@dataclass(frozen=True)
class Output:
    """One analog output, as the protocol sets it.

    Parameters
    ----------
    number : int
        Position in the header.
    name, unit : str
        As the file writes them.
    source : {"", "epochs", "file"}
        What its waveform is made of; empty where it stays at its holding level.
    """

    number: int
    name: str
    unit: str
    source: Literal["", "epochs", "file"] = ""

    @property
    def kind(self) -> Literal["V", "A"] | None:
        """Which quantity it commands, where that is a potential or a current."""
        known = scale_to(self.unit)
        return known[0] if known else None

    @property
    def quantity(self) -> str:
        """Which other quantity it commands, in words; empty where its unit does not tell.

        Examples
        --------
        >>> Output(1, "piezo", "um").quantity, Output(0, "Cmd 0", "?").quantity
        ('a length', '')
        """
        unit = self.unit.replace(" ", "").replace("\N{DEGREE SIGN}", "deg").lower()
        if self.kind is not None or not unit:
            return ""
        without_prefix = unit[1:] if unit[0] in _PREFIXES else ""
        return _OTHER_QUANTITIES.get(unit) or _OTHER_QUANTITIES.get(without_prefix, "")


def outputs(abf: Any) -> tuple[Output, ...]:
    """Return every analog output of a file.

    Parameters
    ----------
    abf : pyabf.ABF
        The file.

    Returns
    -------
    tuple of Output
    """
    if abf.abfVersion["major"] == 1:
        header = abf._headerV1
        names, units = header.sDACChannelName, header.sDACChannelUnit
        # Where the epochs would be in a short header there are samples.
        whole = abf.dataByteStart >= _EPOCHS_END
        enabled = header.nWaveformEnable if whole else ()
        sources = header.nWaveformSource
    else:
        section, strings = abf._dacSection, abf._stringsSection._indexedStrings
        # pyABF's own list ends with the number of recorded channels.
        names = [_string(strings, k) for k in section.lDACChannelNameIndex]
        units = [_string(strings, k) for k in section.lDACChannelUnitsIndex]
        enabled, sources = section.nWaveformEnable, section.nWaveformSource
    found: list[Output] = []
    for k, (name, unit) in enumerate(zip(names, units, strict=False)):
        source: Literal["", "epochs", "file"] = ""
        if k < len(enabled) and enabled[k] and abf.nOperationMode == _EPISODIC:
            source = {_EPOCHS: "epochs", _STIMULUS_FILE: "file"}.get(sources[k], "")  # type: ignore[assignment]
        found.append(Output(k, _clean(name), _clean(unit), source))
    return tuple(found)


def _string(strings: list[str], index: int) -> str:
    return strings[index] if 0 <= index < len(strings) else ""


def _clean(text: Any) -> str:
    return str(text).strip("\0 ")


def commanded(
    abf: Any,
    channel: int,
    said: str | None,
    *,
    named: str | None = None,
    recorded: bool = False,
    alone: bool = True,
) -> list[Array] | None:
    """Return the current that was commanded in each sweep.

    Parameters
    ----------
    abf : pyabf.ABF
        The file.
    channel : int
        The recorded channel of the membrane potential.
    said : str or None
        The unit of the command, where the user gave one.
    named : str, optional
        The output that the user named.
    recorded : bool
        Whether a current was recorded that can serve instead.
    alone : bool
        Whether only one potential was recorded, so that each command is this cell's.

    Returns
    -------
    list of ndarray, or None
        pA. None where the file describes no current, or none that can be told while one was
        recorded.

    Raises
    ------
    RecordingError
        The command is no current, or cannot be told from the file, and none was recorded.
    """
    playing = [output for output in outputs(abf) if output.source]
    if named is not None:
        output = next((one for one in playing if one.name == named), None)
    else:
        output = _current_output(playing, channel, said, alone=alone, recorded=recorded)
    if output is None:
        return None
    why = _why_not_told(abf, output)
    if why:
        if recorded:
            return None
        raise RecordingError(
            "no-current",
            f"the command {output.name!r} {why}",
            "record the current on a channel of its own, or export the sweeps with their currents "
            "as CSV",
        )
    factor = factor_to("A", output.unit, said, "command")
    if output.source == "epochs":
        return [wave * factor for wave in epochs_wave(abf, output)]
    written, path = played_file(abf, output.number)
    if path is None and recorded:
        return None
    if path is None:
        raise RecordingError(
            "no-current",
            f"the command comes from a stimulus file, {written!r}, that is not here",
            "put it beside the recording",
        )
    waves = _alternating(abf, output.number, stimulus_file(abf, output.number, path))
    return [wave * factor for wave in waves]


def _current_output(
    playing: list[Output], channel: int, said: str | None, *, alone: bool, recorded: bool
) -> Output | None:
    """Choose the output that injects current into the cell of a channel."""
    own = next((output for output in playing if output.number == channel), None)
    if said is not None:
        return own or (playing[0] if playing else None)
    if own is not None and own.kind == "V":
        raise RecordingError(
            "voltage-clamp",
            f"the command {own.name!r} is in {own.unit!r}, not in ampere",
            "give a current-clamp file; if the unit is wrong, say what it is: "
            'current="command", current_unit="pA"',
        )
    if own is not None and not own.quantity:
        return own
    amperes = [output for output in playing if output.kind == "A"]
    if len(amperes) == 1 and alone:
        return amperes[0]
    if recorded:
        return None
    if amperes:
        raise RecordingError(
            "choice",
            f"current was injected through {', '.join(repr(one.name) for one in amperes)}, and the "
            "file does not say into which cell",
            f'name the one that went into this cell: current="{amperes[0].name}"',
        )
    for output in playing:
        if output.quantity:
            raise RecordingError(
                "no-current",
                f"the command {output.name!r} is {output.quantity} (in {output.unit!r}), and no "
                "current was recorded",
                "give a file with a command in ampere, or with a channel that recorded the "
                "injected current: an f-I curve needs one",
            )
    return None


def _why_not_told(abf: Any, output: Output) -> str:
    """Say what keeps a waveform from being computed; empty where nothing does."""
    if _has_user_list(abf, output.number):
        return "follows a user list, which is not read"
    return ""


def _has_user_list(abf: Any, output: int) -> bool:
    """Whether a list of the user's changes an output from sweep to sweep; pyABF leaves it out.

    ABF 1: nULEnable, a short for each of four outputs, and nULParamToVary behind it. ABF 2: the
    section of user lists has an entry only for a list that is on: the number of its output, its own
    mark (nULEnable), which Clampex leaves at 0, and what it varies.
    """
    with open(abf.abfFilePath, "rb") as stream:
        if abf.abfVersion["major"] == 1:
            if abf.dataByteStart < _USER_LIST + 16 or output > 3:
                return False
            stream.seek(_USER_LIST)
            enabled, varied = struct.unpack("<4h4h", stream.read(16))[output::4]
            return bool(enabled) and varied not in _BETWEEN_SWEEPS
        section = abf._userListSection
        for entry in range(section._entryCount):
            stream.seek(section._byteStart + entry * section._entrySize)
            number, _, varied = struct.unpack("<3h", stream.read(6))
            if number == output and varied not in _BETWEEN_SWEEPS:
                return True
    return False


def epochs_wave(abf: Any, output: Output) -> list[Array]:
    """Return what an output that is made of epochs plays in each sweep, in its own unit.

    Raises
    ------
    RecordingError
        The epochs make no waveform.
    """
    from pyabf.waveform import EpochTable

    try:
        if abf.abfVersion["major"] == 1:
            table = _epochs_of_abf_1(abf, output.number)
        else:
            table = EpochTable(abf, output.number)
        sweeps = table.getEpochWaveformsBySweep(abf)
        waves = [np.array(sweeps[k].getWaveform(), dtype=float) for k in abf.sweepList]
    except Exception as error:  # pyABF raises whatever its arithmetic runs into
        raise RecordingError(
            "file", f"the epochs of its command make no waveform ({error})", "export it again"
        ) from None
    return _alternating(abf, output.number, waves)


def _epochs_of_abf_1(abf: Any, output: int) -> Any:
    """Return pyABF's table of epochs with what it takes from elsewhere or leaves out.

    It takes the levels of the epochs for the holding levels, and knows no trains of pulses.
    """
    from pyabf.waveform import EpochTable

    with open(abf.abfFilePath, "rb") as stream:
        stream.seek(_HOLDING)
        abf.holdingCommand = list(struct.unpack("<4f", stream.read(16)))
        stream.seek(_PULSES)
        periods = struct.unpack("<20i", stream.read(80))
        widths = struct.unpack("<20i", stream.read(80))
    table = EpochTable(abf, output)
    for epoch in table.epochs:
        place = 10 * output + epoch.epochNumber
        epoch.pulsePeriod, epoch.pulseWidth = periods[place], widths[place]
    return table


def _alternating(abf: Any, output: int, waves: list[Array]) -> list[Array]:
    """Keep an output at its holding level in every other sweep, if two outputs take turns.

    The first plays in sweeps 1, 3, ..., the second in 2, 4, ...
    """
    if output > 1 or not alternates(abf):
        return waves
    holding = float(abf.holdingCommand[output])
    return [
        wave if k % 2 == output else np.full_like(wave, holding) for k, wave in enumerate(waves)
    ]


def alternates(abf: Any) -> bool:
    """Whether the first two outputs play in turn, each in every other sweep."""
    if abf.abfVersion["major"] == 2:
        return bool(abf._protocolSection.nAlternateDACOutputState)
    if abf.dataByteStart < _ALTERNATING + 2:
        return False
    with open(abf.abfFilePath, "rb") as stream:
        stream.seek(_ALTERNATING)
        return bool(struct.unpack("<h", stream.read(2))[0])
