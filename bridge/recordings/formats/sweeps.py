"""What every reader returns: voltage and current of each sweep, in millivolt and picoampere."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bridge.recordings.errors import RecordingError

__all__ = [
    "READERS_DIFFER",
    "Sweep",
    "Units",
    "factor_to",
    "sampling_rate",
    "scale_said",
    "scale_to",
    "without_padding",
]

Array = NDArray[np.float64]
Units = tuple[str | None, str | None]
"""Of voltage and current, where a file has them wrong."""

READERS_DIFFER = "pyABF and Neo differ"
"""How it is said that two readers of a file do not say the same."""

# Written units and what brings them to mV and pA. "µ" has two code points.
_PREFIXES = {"": 0, "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12}
_KINDS: dict[str, Literal["V", "A"]] = {"v": "V", "a": "A"}
_BASE = re.compile(r"v|volts?|a|amp(?:ere)?s?")
# The sign may be that of an inverted monitor.
_COUNTED = re.compile(r"([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)\s*([^\d\s].*)")
_WORDS = {"milli": "m", "micro": "u", "nano": "n", "pico": "p"}
_WANTED = {"V": -3, "A": -12}


@dataclass(frozen=True, eq=False)
class Sweep:
    """One stretch of recording at a fixed sampling rate; read-only.

    Parameters
    ----------
    number : int
        Which sweep of the file it is, as the file counts them.
    sampling_rate_Hz : float
        Sampling rate (Hz).
    voltage_mV : ndarray, shape (n,)
        Membrane potential (mV).
    current_pA : ndarray, shape (n,)
        Injected current (pA), holding current included where the file knows it.
    current_kind : {"command", "measured"}
        Whether the current is what the amplifier was told, or what it delivered.
    stimulus : str
        The file's own name of the protocol.
    padding_s : float
        How long it went on in the file without numbers (s); see `without_padding`.
    channel : str
        Which channel the voltage is from, if the reader chose it among several, and why.
    readers : str
        How a second reader of the file compares with the one it was read by.
    left_out : str
        Why the sweep cannot be used; such a sweep stands in the provenance only.

    Examples
    --------
    >>> sweep = Sweep(0, 1e4, np.full(100, -70.0), np.zeros(100))
    >>> sweep.duration_s
    0.01
    """

    number: int
    sampling_rate_Hz: float
    voltage_mV: Array
    current_pA: Array
    current_kind: Literal["command", "measured"] = "command"
    stimulus: str = ""
    padding_s: float = 0.0
    channel: str = ""
    readers: str = ""
    left_out: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sampling_rate_Hz", float(self.sampling_rate_Hz))
        for name in ("voltage_mV", "current_pA"):
            values = np.array(getattr(self, name), dtype=float)
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        if self.voltage_mV.shape != self.current_pA.shape or self.voltage_mV.ndim != 1:
            raise RecordingError(
                "format",
                f"sweep {self.number} has {self.voltage_mV.size} voltage and "
                f"{self.current_pA.size} current samples",
                "give both channels the same samples",
            )

    def __len__(self) -> int:
        return len(self.voltage_mV)

    @property
    def duration_s(self) -> float:
        """Length of the sweep (s)."""
        return len(self) / self.sampling_rate_Hz

    @property
    def time_s(self) -> Array:
        """Time of each sample from the sweep's start (s), shape (n,)."""
        return np.arange(len(self)) / self.sampling_rate_Hz

    def index(self, time_s: float) -> int:
        """Return the sample at or just after a time (s), inside the sweep."""
        return int(np.clip(round(time_s * self.sampling_rate_Hz), 0, len(self)))


def without_padding(sweep: Sweep) -> Sweep | None:
    """Cut the end of a sweep where it holds no numbers (NaN): the padding of one that was stopped.

    Returns
    -------
    Sweep or None
        None where no sample has both a voltage and a current.

    Raises
    ------
    RecordingError
        A value that is no number lies before the end.

    Examples
    --------
    >>> nan = np.nan
    >>> cut = without_padding(Sweep(0, 1e3, np.array([-70, -70, nan]), np.array([0, 5, nan])))
    >>> len(cut), cut.padding_s
    (2, 0.001)
    """
    sound = np.isfinite(sweep.voltage_mV) & np.isfinite(sweep.current_pA)
    if sound.all():
        return sweep
    infinite = np.isinf(sweep.voltage_mV) | np.isinf(sweep.current_pA)
    end = int(np.flatnonzero(sound)[-1]) + 1 if sound.any() else 0
    if infinite.any() or not sound[:end].all():
        first = int(np.argmax(infinite)) if infinite.any() else int(np.argmin(sound))
        name = "current" if np.isfinite(sweep.voltage_mV[first]) else "voltage"
        raise RecordingError(
            "file",
            f"the {name} of sweep {sweep.number} is no number at {first / sweep.sampling_rate_Hz:g}"
            " s",
            "export it again, or leave that sweep out; only the end of a sweep may be empty",
        )
    if not end:
        return None
    return replace(
        sweep,
        voltage_mV=sweep.voltage_mV[:end],
        current_pA=sweep.current_pA[:end],
        padding_s=(len(sweep) - end) / sweep.sampling_rate_Hz,
    )


def scale_to(unit: str) -> tuple[Literal["V", "A"], float] | None:
    """Say what kind of quantity a written unit is, and what brings it to mV or pA.

    Parameters
    ----------
    unit : str
        As the file writes it, such as ``"mV"``, ``"nA"``, ``"volts"``.

    Returns
    -------
    (kind, factor) or None
        Kind ``"V"`` or ``"A"``; None where the unit is neither.

    Examples
    --------
    >>> scale_to("nA")
    ('A', 1000.0)
    >>> scale_to("volts")
    ('V', 1000.0)
    >>> scale_to("Hz") is None
    True
    """
    text = unit.strip().strip("()[]").strip()
    for word, letter in _WORDS.items():
        if text.lower().startswith(word):
            text = letter + text[len(word) :]
            break
    for size in (0, 1):
        prefix, base = text[:size], text[size:].lower()
        if _BASE.fullmatch(base) and prefix in _PREFIXES:
            kind = _KINDS[base[0]]
            return kind, float(f"1e{_PREFIXES[prefix] - _WANTED[kind]}")
    return None


def scale_said(unit: str) -> tuple[Literal["V", "A"], float] | None:
    """Say the same of a unit that a user gave, which may begin with a number.

    Parameters
    ----------
    unit : str
        What a stored 1 is, such as ``"nA"``, or ``"400 pA"`` for the monitor of an amplifier.

    Returns
    -------
    (kind, factor) or None
        As of `scale_to`.

    Examples
    --------
    >>> scale_said("400pA"), scale_said("0.1 V"), scale_said("mV")
    (('A', 400.0), ('V', 100.0), ('V', 1.0))
    >>> scale_said("0 V") is None
    True
    """
    found = _COUNTED.fullmatch(unit.strip())
    if found is None:
        return scale_to(unit)
    count, known = float(found.group(1)), scale_to(found.group(2))
    return (known[0], count * known[1]) if known and count else None


def factor_to(kind: Literal["V", "A"], written: str, said: str | None, where: str = "") -> float:
    """Return what brings numbers to mV or pA.

    Parameters
    ----------
    kind : {"V", "A"}
        Which quantity it must be.
    written : str
        The unit in the file.
    said : str or None
        The unit the user gave instead, which wins; see `scale_said`.
    where : str, optional
        Channel within the file, for the error.

    Returns
    -------
    float

    Raises
    ------
    RecordingError
        Reason ``"units"``: it is no unit of that quantity.

    Examples
    --------
    >>> factor_to("A", "pA", "nA"), factor_to("A", "V", "400pA")
    (1000.0, 400.0)
    """
    known = scale_to(written) if said is None else scale_said(said)
    if known is not None and known[0] == kind:
        return known[1]
    quantity, example = ("volt", "mV") if kind == "V" else ("ampere", "pA")
    option = "voltage_unit" if kind == "V" else "current_unit"
    if said is not None:
        raise RecordingError(
            "units",
            f"the unit given, {said!r}, is not one of {quantity}",
            f'give one that is, such as {option}="{example}", or none: the unit in the file counts',
            where,
        )
    if known is not None:
        is_of, wanted, channel = (
            ("a current", "a potential", "voltage")
            if kind == "V"
            else ("a potential", "a current", "current")
        )
        raise RecordingError(
            "units",
            f"the unit is {written!r}, that of {is_of}, where {wanted} was meant",
            f'name the channel or column of {wanted}: {channel}="..."; or, if the file has the '
            f'unit wrong, say it: {option}="{example}"',
            where,
        )
    raise RecordingError(
        "units",
        f"the unit is {written!r}, not one of {quantity}" if written else "no unit is told",
        f'correct it in the file, or say it: {option}="{example}"',
        where,
    )


def sampling_rate(seconds: Array, sweep: int) -> float:
    """Return the rate of evenly spaced times (Hz).

    Parameters
    ----------
    seconds : ndarray, shape (n,)
        Time of each sample (s).
    sweep : int
        Number of the sweep, for the error.

    Raises
    ------
    RecordingError
        Fewer than three times, or uneven ones.

    Examples
    --------
    >>> sampling_rate(np.array([0, 5e-5, 1e-4, 1.5e-4]), 0)
    20000.0
    """
    steps = np.diff(seconds)
    if len(steps) < 2:
        raise RecordingError(
            "truncated", f"sweep {sweep} has {len(seconds)} samples", "export it again"
        )
    middle = float(np.median(steps))
    # Times are often rounded when written; the mean step is not.
    if middle <= 0 or np.abs(steps - middle).max() > 0.5 * middle:
        raise RecordingError(
            "format",
            f"sweep {sweep} is sampled at uneven times",
            "resample it at a fixed rate, and number the sweeps in a column `sweep`",
        )
    return float(round((len(seconds) - 1) / (seconds[-1] - seconds[0]), 3))
