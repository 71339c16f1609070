"""Axon Binary Format, versions 1 and 2, through pyABF."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridge.recordings.errors import RecordingError
from bridge.recordings.formats.abf_command import commanded, outputs
from bridge.recordings.formats.abf_file import open_abf, rate_of
from bridge.recordings.formats.agreement import contradiction
from bridge.recordings.formats.channels import is_flat, live_one
from bridge.recordings.formats.second_reader import check_samples
from bridge.recordings.formats.sweeps import Sweep, Units, factor_to, scale_to

__all__ = ["read_abf"]

Array = NDArray[np.float64]
Kind = Literal["V", "A"] | None

# nTelegraphInstrument: a MultiClamp 700. Others leave the mode at 0, which is voltage clamp; in
# pyABF's example files an Axopatch 200B does so in current clamp too.
_MULTICLAMP = 24
# nTelegraphMode.
_V_CLAMP, _I_CLAMP, _I_ZERO = 0, 1, 2
# Where an ABF 1 header says so for each of 16 inputs, and where that ends.
_TELEGRAPH_END = 4800


def read_abf(path: Path, voltage: str | None, current: str | None, units: Units) -> list[Sweep]:
    """Read the sweeps of an ABF file.

    The current is the command waveform the file describes (epochs, or a stimulus file beside it),
    which is exact; where there is none, a recorded channel in ampere. Where a file has both, they
    are compared. Where Neo is installed, what it reads is compared with what pyABF reads.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    voltage, current : str, optional
        Names of the channels, where the file has several of a kind. ``current="command"`` asks
        for the command waveform, and the name of an output for what went through it.
    units : (str or None, str or None)
        Units of voltage and current, where the file has them wrong.

    Returns
    -------
    list of Sweep

    Raises
    ------
    RecordingError
        The file is broken, in voltage clamp, tells nothing of the current, contradicts itself, or
        is read otherwise by Neo.
    ExtraMissingError
        pyabf is not installed.
    """
    abf = open_abf(path)
    kinds = [known[0] if known else None for known in map(scale_to, abf.adcUnits)]
    if voltage is None or current in (None, "command"):
        _check_clamp(abf, kinds)
    v_channel, note = _voltage_channel(abf, kinds, voltage)
    v_factor = factor_to("V", abf.adcUnits[v_channel], units[0])
    volts = [y * v_factor for y in _recorded(abf, v_channel)]
    amps, kind = _current(abf, kinds, v_channel, current, units[1])
    rate = rate_of(abf)
    used = dict.fromkeys([v_channel, *(k for k, kind in enumerate(kinds) if kind == "A")])
    readers = check_samples(abf, path, list(used))
    return [
        Sweep(k, rate, v, i, kind, str(abf.protocol), channel=note, readers=readers)
        for k, (v, i) in enumerate(zip(volts, amps, strict=True))
    ]


def _recorded(abf: Any, channel: int) -> list[Array]:
    traces = []
    for k in abf.sweepList:
        abf.setSweep(k, channel=channel)
        traces.append(np.array(abf.sweepY, dtype=float))
    return traces


def _check_clamp(abf: Any, kinds: list[Kind]) -> None:
    """Refuse a file in voltage clamp, whatever else there is to say of it.

    In a file without any channel in current clamp, channels in volt are a copy of the command.
    """
    clamped = _clamped(abf, kinds)
    modes, told = _amplifier_modes(abf), outputs(abf)
    for k, kind in enumerate(kinds):
        output = told[k] if k < len(told) else None
        if kind == "V" and (modes[k] in (_I_CLAMP, _I_ZERO) or (output and output.kind == "A")):
            return
    if not clamped or _mislabelled(abf, kinds) is not None:
        return
    name, unit = abf.adcNames[clamped[0]], abf.adcUnits[clamped[0]]
    remedy = "give a current-clamp file: an f-I curve needs spikes"
    if "V" in kinds:
        remedy += (
            ". If another channel of this file is a cell in current clamp, name it and its "
            'current: voltage="...", current="..."'
        )
    raise RecordingError(
        "voltage-clamp",
        f"{name!r} is a current (in {unit!r}) that was recorded in voltage clamp",
        remedy,
    )


def _clamped(abf: Any, kinds: list[Kind]) -> list[int]:
    """Channels in ampere that the cell passed in voltage clamp.

    Their command is a waveform in volt, or their amplifier said so.
    """
    modes, told = _amplifier_modes(abf), outputs(abf)
    return [
        k
        for k, kind in enumerate(kinds)
        if kind == "A"
        and (modes[k] == _V_CLAMP or (k < len(told) and told[k].kind == "V" and told[k].source))
    ]


def _mislabelled(abf: Any, kinds: list[Kind]) -> tuple[int, str] | None:
    """The channel in ampere that must be a potential, and why; None if there is none."""
    modes, told = _amplifier_modes(abf), outputs(abf)
    for k, kind in enumerate(kinds):
        if kind != "A" or "V" in kinds or modes[k] == _V_CLAMP:
            continue
        if k < len(told) and told[k].kind == "A" and told[k].source:
            why = f"under a command in {told[k].unit!r}: one of the two units is wrong"
            return k, why
        if modes[k] in (_I_CLAMP, _I_ZERO):
            return k, "by an amplifier in current clamp: the unit is wrong"
    return None


def _amplifier_modes(abf: Any) -> list[int | None]:
    """Return what the amplifier told of each channel; None where it told nothing."""
    if abf.abfVersion["major"] == 2:
        told, inputs = abf._adcSection, list(range(abf.channelCount))
    elif abf.dataByteStart < _TELEGRAPH_END:
        return [None] * abf.channelCount
    else:
        told, inputs = abf._headerV1, abf._headerV1.nADCSamplingSeq[: abf.channelCount]
    return [
        int(told.nTelegraphMode[k])
        if told.nTelegraphEnable[k] and told.nTelegraphInstrument[k] == _MULTICLAMP
        else None
        for k in inputs
    ]


def _named(abf: Any, name: str) -> int:
    names = [str(label) for label in abf.adcNames]
    if name not in names:
        raise RecordingError(
            "choice",
            f"no channel is called {name!r}",
            f"choose one of {', '.join(map(repr, names))}",
        )
    return names.index(name)


def _voltage_channel(abf: Any, kinds: list[Kind], name: str | None) -> tuple[int, str]:
    """Return the channel of the membrane potential, and a note if it was chosen among several."""
    if name is not None:
        return _named(abf, name), ""
    fitting = [k for k, kind in enumerate(kinds) if kind == "V"]
    if not fitting:
        raise _no_voltage(abf, kinds)
    if len(fitting) == 1:
        return fitting[0], ""
    traces = [_in_mV(abf, k) for k in fitting]
    found, note = live_one([str(abf.adcNames[k]) for k in fitting], traces)
    return fitting[found], note


def _in_mV(abf: Any, channel: int) -> list[Array]:
    factor = factor_to("V", abf.adcUnits[channel], None)
    return [y * factor for y in _recorded(abf, channel)]


def _is_alone(abf: Any, kinds: list[Kind], v_channel: int) -> bool:
    """Whether no other potential was recorded, so that each current is this cell's."""
    others = [k for k, kind in enumerate(kinds) if kind == "V" and k != v_channel]
    return all(is_flat(_in_mV(abf, k)) for k in others)


def _current(
    abf: Any, kinds: list[Kind], v_channel: int, name: str | None, said: str | None
) -> tuple[list[Array], Literal["command", "measured"]]:
    """Return the current of each sweep (pA): the command, or else what a channel recorded."""

    def recorded(channel: int) -> list[Array]:
        factor = factor_to("A", abf.adcUnits[channel], said)
        return [y * factor for y in _recorded(abf, channel)]

    played = [output.name for output in outputs(abf) if output.source]
    named = name if name in played and name not in abf.adcNames else None
    if name not in (None, "command") and named is None:
        return recorded(_named(abf, str(name))), "measured"
    # The current of another cell in voltage clamp went into that cell.
    others = {v_channel, *_clamped(abf, kinds)}
    channels = [k for k, kind in enumerate(kinds) if kind == "A" and k not in others]
    if name == "command":
        channels = []
    alone = name == "command" or _is_alone(abf, kinds, v_channel)
    amps = commanded(
        abf,
        v_channel,
        said,
        named=named,
        recorded=bool(channels) and named is None,
        alone=alone,
    )
    if amps is None and not channels:
        raise RecordingError(
            "no-current",
            "no current was recorded and the file describes no command waveform",
            "record the current on a channel of its own, or switch the waveform on in the protocol",
        )
    if named is not None and amps is not None:
        return amps, "command"
    if amps is None or (channels and all(np.ptp(wave) == 0 for wave in amps)):
        if len(channels) > 1 or not alone:
            told = ", ".join(repr(abf.adcNames[k]) for k in channels)
            raise RecordingError(
                "choice",
                f"current was recorded from {told}"
                + ("" if alone else ", and from several cells the potential"),
                f'say which one was injected into this cell: current="{abf.adcNames[channels[0]]}"',
            )
        return recorded(channels[0]), "measured"
    _check_agreement(abf, amps, {str(abf.adcNames[k]): recorded(k) for k in channels})
    return amps, "command"


def _check_agreement(abf: Any, amps: list[Array], recorded: dict[str, list[Array]]) -> None:
    """Refuse a command that contradicts every recorded current."""
    found = {name: contradiction(amps, waves, rate_of(abf)) for name, waves in recorded.items()}
    if not found or None in found.values():
        return
    name, where = next(iter(found.items()))
    assert where is not None
    raise RecordingError(
        "contradiction",
        f"the command waveform and the recorded current {name!r} contradict each other: in sweep "
        f"{where.sweep}, at {where.time_s:g} s, {where.commanded_pA:.4g} pA were commanded and "
        f"{where.recorded_pA:.4g} pA recorded",
        f'say which one the cell received: current="command" or current="{name}"',
    )


def _no_voltage(abf: Any, kinds: list[Kind]) -> RecordingError:
    wrong = _mislabelled(abf, kinds)
    if wrong is not None:
        channel, why = wrong
        name, unit = abf.adcNames[channel], abf.adcUnits[channel]
        return RecordingError(
            "units",
            f"{name!r} was recorded in {unit!r} {why}",
            f'if it is the potential, say so: voltage="{name}", voltage_unit="mV"',
        )
    if "A" in kinds:
        return RecordingError(
            "voltage-clamp",
            f"only current was recorded ({', '.join(abf.adcUnits)})",
            "give a current-clamp file: an f-I curve needs spikes",
        )
    return RecordingError(
        "no-voltage",
        f"no channel is in volt (found: {', '.join(map(repr, abf.adcUnits))})",
        "give the file whose channel is the membrane potential, or say which it is and in which "
        f'unit: voltage="{abf.adcNames[0]}", voltage_unit="mV"',
    )
