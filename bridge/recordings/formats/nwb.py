"""Neurodata Without Borders: version 2 through PyNWB, version 1 straight from HDF5."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridge.errors import optional
from bridge.recordings.errors import RecordingError
from bridge.recordings.formats.agreement import contradiction
from bridge.recordings.formats.nwb_pairs import Pair, Part, paired, paired_by_hand
from bridge.recordings.formats.sweeps import Sweep, Units, factor_to, scale_to

__all__ = ["read_nwb"]

# PyNWB's series by what the amplifier did.
_CLAMPED = ("VoltageClampSeries", "VoltageClampStimulusSeries")


def read_nwb(
    path: Path,
    voltage: str | None,
    current: str | None,
    units: Units,
    pairs: Mapping[str, str] | None = None,
) -> list[Sweep]:
    """Read the current-clamp sweeps of an NWB file.

    A response is matched with its stimulus by the table of intracellular recordings, else by the
    sweep number, else by the number in their names, else by the time at which both start. Numbers
    in names count only if they do not leave over responses and stimuli alike; the order of storage
    never does. A recorded current that belongs to it too is compared with the stimulus.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    voltage : str, optional
        The electrode, where the file has several cells.
    current : {"command", "measured"}, optional
        Whether to take the stimulus or the recorded current, where they contradict each other.
    units : (str or None, str or None)
        Units of voltage and current, where the file has them wrong.
    pairs : mapping of str to str, optional
        By the name of a response, that of its stimulus or recorded current; goes before the table,
        numbers and names. Responses that are not named are left out.

    Returns
    -------
    list of Sweep

    Raises
    ------
    RecordingError
        The file is broken, in voltage clamp, holds no stimulus, or contradicts itself.
    ExtraMissingError
        pynwb is not installed.
    """
    if current not in (None, "command", "measured"):
        raise RecordingError(
            "choice",
            f"an NWB file has no current to choose by the name {current!r}",
            "each series says what it is, and which belong together; leave current= (--current) "
            'out, or say current="command" (the stimulus) or current="measured"',
        )
    pynwb = optional("pynwb", "reading NWB files", "recordings")
    if path.read_bytes()[:8] != b"\x89HDF\r\n\x1a\n":
        raise RecordingError(
            "file", "does not begin as an NWB (HDF5) file does", "give an .nwb file"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            old = _version_1(path)
            if old is not None:
                return _sweeps(old, voltage, current, units, pairs)
            with pynwb.NWBHDF5IO(str(path), "r", load_namespaces=True) as io:
                return _sweeps(io.read(), voltage, current, units, pairs)
    except RecordingError:
        raise
    except Exception as error:  # h5py and PyNWB raise whatever their parsing runs into
        text = " ".join(str(error).split())[:200]
        if path.stat().st_size < _promised(path):
            raise RecordingError(
                "truncated", f"is cut short ({text})", "copy it again from where it was recorded"
            ) from None
        raise RecordingError(
            "file", f"cannot be read as NWB ({text})", "check it with nwbinspector"
        ) from None


def _promised(path: Path) -> int:
    """Return the size an HDF5 file gives itself: the end of file in its superblock."""
    with path.open("rb") as stream:
        head = stream.read(52)
    at = {0: 40, 1: 44}.get(head[8], 28)
    return int.from_bytes(head[at : at + 8], "little")


def _version_1(path: Path) -> SimpleNamespace | None:
    """Read an NWB 1 file into the words of PyNWB; None where it is another version."""
    import h5py

    with h5py.File(path, "r") as file:
        if "acquisition/timeseries" not in file:
            return None
        groups = {"acquisition": "acquisition/timeseries", "stimulus": "stimulus/presentation"}
        return SimpleNamespace(
            **{of: {k: _series_1(k, g) for k, g in file[at].items()} for of, at in groups.items()}
        )


def _series_1(name: str, group: Any) -> SimpleNamespace:
    def text(value: Any) -> str:
        return value.decode() if isinstance(value, bytes) else str(value)

    data, digits = group["data"], re.findall(r"\d+", name)
    return SimpleNamespace(
        name=name,
        object_id=name,
        data=np.asarray(data[()]),
        unit=text(data.attrs["unit"]),
        conversion=float(data.attrs.get("conversion", 1.0)),
        rate=float(group["starting_time"].attrs["rate"]),
        sweep_number=int(digits[-1]) if digits else None,
        description=text(group["aibs_stimulus_name"][()] if "aibs_stimulus_name" in group else ""),
        starting_time=None,
        bias_current=_number(group["bias_current"][()]) if "bias_current" in group else None,
    )


def _number(value: Any) -> float | None:
    """Return a value of a file, None where it is no single number."""
    try:
        return float(np.asarray(value, dtype=float).reshape(()))
    except (TypeError, ValueError):
        return None


def _sweeps(
    content: Any,
    voltage: str | None,
    current: str | None,
    units: Units,
    by_hand: Mapping[str, str] | None,
) -> list[Sweep]:
    responses = [s for s in content.acquisition.values() if hasattr(s, "data")]
    stimuli = [s for s in content.stimulus.values() if hasattr(s, "data")]
    cells = [s for s in responses if _kind(s) == "V"]
    if not cells:
        if any(type(s).__name__ in _CLAMPED or _kind(s) == "A" for s in responses):
            raise RecordingError(
                "voltage-clamp",
                "the file holds current recorded in voltage clamp",
                "give a current-clamp file: an f-I curve needs spikes",
            )
        raise RecordingError(
            "no-voltage",
            f"no acquired series is in volt (found: {', '.join(content.acquisition) or 'none'})",
            "store the membrane potential as CurrentClampSeries",
        )
    cells = _one_electrode(cells, voltage)
    commands = [s for s in stimuli if _kind(s) == "A" and current != "measured"]
    # The current of a voltage clamp was not injected into a cell whose potential was recorded.
    measured = [
        s
        for s in responses
        if _kind(s) == "A" and type(s).__name__ not in _CLAMPED and current != "command"
    ]
    if not commands and not measured:
        raise RecordingError(
            "no-stimulus",
            f"{len(cells)} voltage sweeps but no {current or 'stimulus'} is stored",
            "store the injected current as CurrentClampStimulusSeries under stimulus",
        )
    pairs = (
        paired(content, cells, commands, measured)
        if by_hand is None
        else paired_by_hand(by_hand, content, cells, commands, measured)
    )
    starts = _stimuli_tell_starts(pairs)
    sweeps, both = [], []
    for order, pair in enumerate(pairs):
        response, rate = pair.heard.series, _rate(pair.heard.series)
        volts = _values(pair.heard, units[0], "V")
        number = getattr(response, "sweep_number", None) if len(pairs) == len(cells) else None
        number = order if number is None else int(number)
        said = str(getattr(response, "stimulus_description", "") or "")
        given = pair.command or pair.measured
        if given is None:
            why = f"no stimulus belongs to {response.name!r}"
            why = why if by_hand is None else f"{response.name!r} is not in pairs"
            nothing = np.full(len(volts), np.nan)
            sweeps.append(Sweep(number, rate, volts, nothing, stimulus=said, left_out=why))
            continue
        command, seen = (
            None
            if part is None
            else _amps(
                part,
                pair.heard,
                len(volts),
                # A pair that was made by hand and does not overlap begins together.
                starts and (by_hand is None or _late(part, pair.heard) is not None),
                units[1],
            )
            for part in (pair.command, pair.measured)
        )
        if command is not None and seen is not None:
            both.append((pair, command, seen))
        if command is not None:
            amps = command + _bias_pA(response, given.series)
        else:
            # What a channel recorded holds the bias already.
            assert seen is not None
            amps = seen
        kind: Literal["command", "measured"] = "measured" if command is None else "command"
        said = said or str(given.series.description or "")
        sweeps.append(Sweep(number, rate, volts, amps, kind, said))
    if all(sweep.left_out for sweep in sweeps):
        raise RecordingError(
            "no-stimulus",
            f"no stimulus belongs to {pairs[0].heard.series.name!r} or any other voltage sweep",
            'say which belong together, pairs={"response": "stimulus"} (--pair response=stimulus), '
            "or give both the same sweep_number, or list them in the table of intracellular "
            "recordings (neither the order of the series nor numbers counted from 0 "
            "here and from 1 there say which belong together)",
        )
    _check_agreement(both)
    return sweeps


def _amps(
    given: Part, heard: Part, samples: int, starts: bool, unit: str | None
) -> NDArray[np.float64]:
    """Return a current at the samples of its response (pA)."""
    rate = _rate(heard.series)
    amps = _values(given, unit, "A")
    if starts:
        amps = _from_start(amps, given, heard)
    return _alike(amps, _rate(given.series), samples, rate, heard.series.name)


def _check_agreement(
    both: list[tuple[Pair, NDArray[np.float64], NDArray[np.float64]]],
) -> None:
    """Refuse stimuli that contradict the recorded currents beside them."""
    for rate in sorted({_rate(pair.heard.series) for pair, _, _ in both}):
        some = [one for one in both if _rate(one[0].heard.series) == rate]
        where = contradiction([told for _, told, _ in some], [seen for _, _, seen in some], rate)
        if where is None:
            continue
        pair = some[where.sweep][0]
        assert pair.command is not None
        assert pair.measured is not None
        raise RecordingError(
            "contradiction",
            f"the stimulus {pair.command.series.name!r} and the recorded current "
            f"{pair.measured.series.name!r} contradict each other: at {where.time_s:g} s, "
            f"{where.commanded_pA:.4g} pA were commanded and {where.recorded_pA:.4g} pA recorded",
            'say which one the cell received: current="command" or current="measured"',
        )


def _kind(series: Any) -> str | None:
    name = type(series).__name__
    if name in _CLAMPED:
        return "A" if name == "VoltageClampSeries" else None
    if name in ("CurrentClampSeries", "IZeroClampSeries"):
        return "V"
    if name == "CurrentClampStimulusSeries":
        return "A"
    known = scale_to(str(series.unit))
    return known[0] if known else None


def _one_electrode(cells: list[Any], wanted: str | None) -> list[Any]:
    names = {s.name: str(getattr(getattr(s, "electrode", None), "name", "")) for s in cells}
    found = sorted(set(names.values()))
    if wanted is None:
        if len(found) > 1:
            raise RecordingError(
                "choice",
                f"the file holds {len(found)} electrodes ({', '.join(map(repr, found))})",
                'say which cell: voltage="..."',
            )
        return cells
    if wanted not in found:
        raise RecordingError(
            "choice",
            f"no electrode is called {wanted!r}",
            f"choose one of {', '.join(map(repr, found))}",
        )
    return [s for s in cells if names[s.name] == wanted]


def _start(part: Part) -> float:
    """Return when it begins (s); 0 where the file does not say."""
    times, first = getattr(part.series, "timestamps", None), max(part.first, 0)
    if times is not None and first < len(times):
        return float(times[first])
    start = float(getattr(part.series, "starting_time", None) or 0.0)
    return start + first / _rate(part.series)


def _stimuli_tell_starts(pairs: list[Pair]) -> bool:
    """Whether stimuli have starting times of their own; 0 for each is what PyNWB puts if none is.

    Responses of several sweeps cannot all begin at 0, so stimuli that do are not told.
    """
    known = [(pair.heard, pair.command or pair.measured) for pair in pairs]
    responses = {_start(heard) for heard, given in known if given is not None}
    stimuli = {_start(given) for _, given in known if given is not None}
    return len(responses) < 2 or stimuli != {0.0}


def _samples(part: Part) -> int:
    return part.length if part.length >= 0 else len(part.series.data) - max(part.first, 0)


def _late(given: Part, heard: Part) -> int | None:
    """By how many of its samples a stimulus begins after its response; None without an overlap.

    Times of sweeps that follow one another without a gap differ in their last binary digits, so
    whole samples are compared.
    """
    rate = _rate(given.series)
    late = round((_start(given) - _start(heard)) * rate)
    length = round(_samples(heard) * rate / _rate(heard.series))
    return late if -_samples(given) < late < length else None


def _from_start(amps: NDArray[np.float64], given: Part, heard: Part) -> NDArray[np.float64]:
    """Bring a stimulus to the start of its response.

    Before it begins, the current is the one it begins with.
    """
    late = _late(given, heard)
    if late is None:
        late_s = _start(given) - _start(heard)
        raise RecordingError(
            "format",
            f"the stimulus {given.series.name!r} begins {abs(late_s):g} s "
            f"{'after' if late_s > 0 else 'before'} the response {heard.series.name!r}, and the "
            "two do not overlap",
            "correct the starting_time of the two series",
        )
    return np.concatenate([np.full(max(late, 0), amps[0]), amps[max(-late, 0) :]])


def _bias_pA(response: Any, stimulus: Any) -> float:
    """Return the constant current that the amplifier added to the stimulus (A in the file)."""
    for series in (response, stimulus):
        bias = getattr(series, "bias_current", None)
        if bias is not None and np.isfinite(bias):
            return float(bias) * 1e12
    return 0.0


def _rate(series: Any) -> float:
    if series.rate is not None:
        return float(series.rate)
    times = np.asarray(series.timestamps[:], dtype=float)
    steps = np.diff(times)
    if len(steps) and np.ptp(steps) <= 0.01 * steps.mean():
        return float(1 / steps.mean())
    raise RecordingError(
        "format", f"{series.name!r} is sampled at uneven times", "resample it at a fixed rate"
    )


def _values(part: Part, unit: str | None, kind: Literal["V", "A"]) -> NDArray[np.float64]:
    series = part.series
    factor = factor_to(kind, str(series.unit), unit, series.name)
    stop = None if part.length < 0 else max(part.first, 0) + part.length
    data = np.asarray(series.data[max(part.first, 0) : stop], dtype=float).squeeze()
    if stop is not None and data.ndim and len(data) != part.length:
        raise RecordingError(
            "truncated",
            f"{series.name!r} ends before sample {stop}, to which the table of recordings goes",
            "export it again",
        )
    if not data.size:
        raise RecordingError("truncated", f"{series.name!r} is empty", "export it again")
    # A unit given by the user is that of the stored numbers.
    conversion = 1.0 if unit else float(series.conversion)
    offset = 0.0 if unit else float(getattr(series, "offset", 0.0) or 0.0)
    values: NDArray[np.float64] = (data * conversion + offset) * factor
    return values


def _alike(
    amps: NDArray[np.float64], rate: float, samples: int, wanted: float, name: str
) -> NDArray[np.float64]:
    """Bring a stimulus to the samples of its response; the shorter one may lack its end."""
    if not np.isclose(rate, wanted):
        amps = amps[(np.arange(int(len(amps) * wanted / rate)) * rate / wanted).astype(int)]
    if len(amps) == samples:
        return amps
    if abs(len(amps) - samples) > 0.5 * samples:
        raise RecordingError(
            "format",
            f"{name!r} has {samples} samples and its stimulus {len(amps)}",
            "store the stimulus at full length",
        )
    if len(amps) > samples:
        return amps[:samples]
    return np.concatenate([amps, np.full(samples - len(amps), amps[-1])])
