"""Whether the numbers can be what the file says they are: a cell answers within known bounds."""

from __future__ import annotations

import numpy as np

from bridge.recordings.cell import CellRecording
from bridge.recordings.cell_properties import input_resistance
from bridge.recordings.errors import RecordingError, about

__all__ = [
    "LARGEST_CURRENT_PA",
    "LARGEST_VOLTAGE_MV",
    "RESISTANCE_MOHM",
    "SLOWEST_RATE_HZ",
    "check_plausible",
]

RESISTANCE_MOHM = (0.3, 1e4)
"""Input resistances of neurons: large motoneurons are near 0.5, small granule cells near 5000; the
seal of a patch electrode alone is rarely above 10 000."""

LARGEST_CURRENT_PA = 1e5
"""Amplifiers for intracellular recording deliver no more than 0.1 uA."""

# A membrane charges and noise never rests: no recorded voltage has so few different samples.
_MOST_PIECES = 64

# Currents large enough to be of the wrong unit deflect a membrane by more than this.
_LEAST_ANSWER_MV = 1.0

SLOWEST_RATE_HZ = 2500.0
"""Below it spikes fall between samples: they are missed, or too small to be told."""

LARGEST_VOLTAGE_MV = 1000.0
"""No membrane potential comes near 1 V, whatever unit is told."""


def check_plausible(cell: CellRecording, *, voltage: bool = True, current: bool = True) -> None:
    """Refuse a recording whose numbers cannot be in the units the file names.

    Parameters
    ----------
    cell : CellRecording
        As read.
    voltage, current : bool
        Which to judge; a unit the user gave is taken at their word, as long as no potential
        exceeds `LARGEST_VOLTAGE_MV`.

    Raises
    ------
    RecordingError
        Reason ``"units"``, with the unit that would make sense.
    """
    with about(cell.where):
        _check_numbers(cell)
        if voltage:
            _check_clamp(cell)
        _check_rate(cell)
        if voltage:
            _check_voltage(cell)
        else:
            _check_said_voltage(cell)
        if current:
            _check_current(cell)


def _check_numbers(cell: CellRecording) -> None:
    for sweep in cell.sweeps:
        for name, values in (("voltage", sweep.voltage_mV), ("current", sweep.current_pA)):
            if not len(values) or not np.isfinite(values).all():
                raise RecordingError(
                    "file",
                    f"the {name} of sweep {sweep.number} holds values that are no numbers",
                    "export it again",
                )


def _check_rate(cell: CellRecording) -> None:
    slowest = min(s.sampling_rate_Hz for s in cell.sweeps)
    if slowest < SLOWEST_RATE_HZ:
        raise RecordingError(
            "format",
            f"it is sampled at {slowest:g} Hz, and a spike lasts about a millisecond",
            f"give the recording at its full rate, at least {SLOWEST_RATE_HZ:g} Hz",
        )


def _check_clamp(cell: CellRecording) -> None:
    """Refuse a command in place of a membrane's potential, before anything is said of it."""
    spread = max(float(np.ptp(s.voltage_mV)) for s in cell.sweeps)
    if spread == 0:
        raise RecordingError(
            "no-voltage",
            f"the voltage is {cell.sweeps[0].voltage_mV[0]:g} mV throughout",
            'choose the channel that holds the membrane potential: voltage="..."',
        )
    if all(np.count_nonzero(np.diff(s.voltage_mV)) <= _MOST_PIECES for s in cell.sweeps):
        raise RecordingError(
            "voltage-clamp",
            "the voltage is made of flat pieces, as a command is and no membrane",
            "give a current-clamp file, or the channel that holds the membrane potential",
        )


def _check_voltage(cell: CellRecording) -> None:
    largest = max(float(np.abs(s.voltage_mV).max()) for s in cell.sweeps)
    if largest < 0.5:
        raise RecordingError(
            "units",
            f"the voltage never leaves {largest:.2g} mV: it looks like volt, or no cell is on this "
            "channel",
            'if the unit is wrong, say what the numbers are (voltage_unit="V" if the file says '
            'mV); if the channel is, name the cell\'s (voltage="...")',
        )
    if largest > 4000:
        raise RecordingError(
            "units",
            f"the voltage reaches {largest:.4g} mV, which no membrane stands; it looks like "
            "numbers in a unit a thousand times smaller: millivolt called volt, or microvolt "
            "called millivolt",
            'say what the numbers are (voltage_unit="mV" if the file says V, "uV" if it says mV), '
            "or correct the unit in the file",
        )
    if largest > 400:
        raise RecordingError(
            "units",
            f"the voltage reaches {largest:.4g} mV, which no membrane stands; it looks like an "
            "amplified signal",
            "divide it by the gain of the amplifier",
        )


def _check_said_voltage(cell: CellRecording) -> None:
    largest = max(float(np.abs(s.voltage_mV).max()) for s in cell.sweeps)
    if largest > LARGEST_VOLTAGE_MV:
        raise RecordingError(
            "units",
            f"with the unit that you gave the voltage reaches {largest:.4g} mV; no membrane "
            "potential exceeds 1 V",
            'say what the stored numbers are, such as voltage_unit="mV"',
        )


def _check_current(cell: CellRecording) -> None:
    largest = max(float(np.abs(s.current_pA).max()) for s in cell.sweeps)
    remedy = 'say what it is (current_unit="{0}"), or correct the unit in the file'
    if 0 < largest < 1e-6:
        raise RecordingError(
            "units", f"currents of {largest:.2g} pA look like ampere", remedy.format("A")
        )
    try:
        steps = cell.steps
    except RecordingError:
        return
    amplitude = max(abs(step.amplitude_pA) for step in steps)
    resistance = input_resistance(cell.answers, cell.pulse_answers, while_firing=True)
    implied = f"imply an input resistance of {_ohm(resistance)}"
    if resistance > RESISTANCE_MOHM[1]:
        raise RecordingError(
            "units",
            f"steps of {amplitude:.3g} pA {implied}: they look like nanoampere",
            remedy.format("nA"),
        )
    # A voltage that does not follow the current at all tells nothing about the unit of either.
    follows = any(abs(a.steady_mV - a.baseline_mV) >= _LEAST_ANSWER_MV for a in cell.answers)
    # A voltage that moves against the current, as of a cell that was not injected, neither.
    if 0 < resistance < RESISTANCE_MOHM[0] and follows:
        raise RecordingError(
            "units",
            f"steps of {amplitude:.4g} pA {implied}: they look like "
            f"{'femtoampere' if amplitude > 1e7 else 'picoampere labelled nA'}",
            remedy.format("pA"),
        )
    if amplitude > LARGEST_CURRENT_PA:
        raise RecordingError(
            "units",
            f"steps of {amplitude:.4g} pA are more than an amplifier delivers",
            remedy.format("pA"),
        )


def _ohm(megohm: float) -> str:
    if megohm >= 1e3:
        return f"{megohm / 1e3:.3g} Gohm"
    return f"{megohm:.3g} Mohm" if megohm >= 1 else f"{megohm * 1e3:.3g} kohm"
