"""Injected currents and clamps as NEURON's own point processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.clamps import VoltageClamp
from neurosim.exchange.errors import ExchangeError
from neurosim.stimuli import Constant, FrozenNoise, Pulses, Ramp, Steps, Stimulus

__all__ = ["electrodes_of"]

#: Longer than any run, in ms.
_ALWAYS = 1e9
#: Series resistance of a clamp that has none, in megaohm; NEURON needs one.
_IDEAL = 1e-8


def electrodes_of(
    stimulus: Stimulus, label: str, program: str = "NEURON"
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the point processes that inject a stimulus, and what is lost.

    Raises
    ------
    ExchangeError
        The current is random, or depends on what an amplifier computes.

    Examples
    --------
    >>> from brian2 import ms, nA
    >>> made, lost = electrodes_of(Steps(0.1 * nA, onset=10 * ms, duration=50 * ms), "steps")
    >>> made[0]["kind"], made[0]["values"]
    ('IClamp', {'delay': 10.0, 'dur': 50.0, 'amp': 0.1})
    """
    made: list[dict[str, Any]] = []
    lost: list[str] = []
    for name, part in stimulus.components().items():
        writer = _WRITERS.get(type(part))
        if writer is None:
            raise ExchangeError(_refused(part, label, name, program))
        found, losses = writer(part, label)
        made += found
        lost += losses
    return made, lost


def _refused(part: Stimulus, label: str, name: str, program: str) -> str:
    where = label if label == name else f"{label}.{name}"
    if part.noisy:
        instead = "give one course of it, FrozenNoise(samples, interval), which both can play"
    elif part.follows_potential or part.stands_alone:
        instead = f"{program} has no such electrode; inject a current, or use VoltageClamp"
    else:
        instead = "give its course as FrozenNoise(samples, interval)"
    return f"{where}: {type(part).__name__} is not written for {program}; {instead}"


def _clamp(delay: float, duration: float, amplitude: float) -> dict[str, Any]:
    values = {"delay": _short(delay), "dur": _short(duration), "amp": _short(amplitude)}
    return {"kind": "IClamp", "values": values}


def _short(value: float) -> float:
    return float(f"{value:.15g}")


def _constant(part: Constant, _label: str) -> tuple[list[dict[str, Any]], list[str]]:
    return [_clamp(0, _ALWAYS, 1e9 * float(part.current))], []


def _steps(part: Steps, _label: str) -> tuple[list[dict[str, Any]], list[str]]:
    onset = np.atleast_1d(np.asarray(part.onset, dtype=float))
    length = np.broadcast_to(np.asarray(part.duration, dtype=float), onset.shape)
    size = np.broadcast_to(np.asarray(part.amplitude, dtype=float), onset.shape)
    return [
        _clamp(1e3 * a, 1e3 * b, 1e9 * c) for a, b, c in zip(onset, length, size, strict=True)
    ], []


def _pulses(part: Pulses, _label: str) -> tuple[list[dict[str, Any]], list[str]]:
    begin = float(part.onset) + np.arange(int(part.n)) * float(part.period)
    return [
        _clamp(1e3 * t, 1e3 * float(part.width), 1e9 * float(part.amplitude)) for t in begin
    ], []


def _played(times: Any, values: Any, *, linear: bool) -> dict[str, Any]:
    return {
        "t": [_short(1e3 * t) for t in times],
        "y": [_short(y) for y in values],
        "linear": linear,
    }


def _ramp(part: Ramp, _label: str) -> tuple[list[dict[str, Any]], list[str]]:
    onset, over = float(part.onset), float(part.onset) + float(part.duration)
    start, end = 1e9 * float(part.start), 1e9 * float(part.end)
    course = _played([-1.0, onset, over, _ALWAYS], [start, start, end, end], linear=True)
    return [{**_clamp(0, _ALWAYS, 0), "played": {"amp": course}}], []


def _frozen(part: FrozenNoise, _label: str) -> tuple[list[dict[str, Any]], list[str]]:
    samples = part.waveforms()[int(part.channel)] * float(part.amplitude) * 1e9
    times = float(part.onset) + np.arange(len(samples) + 1) * float(part.interval)
    course = _played(times, [*samples, 0.0], linear=False)
    return [{**_clamp(0, _ALWAYS, 0), "played": {"amp": course}}], []


def _voltage(part: VoltageClamp, label: str) -> tuple[list[dict[str, Any]], list[str]]:
    junction = float(part.junction)
    levels = np.atleast_1d(np.asarray(part.levels, dtype=float))
    lengths = np.atleast_1d(np.asarray(part.durations, dtype=float))
    edges = float(part.onset) + np.concatenate([[0.0], np.cumsum(lengths)])
    holding = float(part.holding)
    if part.linear:
        times = [-1.0, *edges, edges[-1], _ALWAYS]
        values = [holding, holding, *levels, holding, holding]
    else:
        times, values = [0.0, *edges], [holding, *levels, holding]
    course = _played(times, (np.array(values) - junction) * 1e3, linear=bool(part.linear))
    resistance = 1e-6 * float(part.R_s) * (1 - float(part.compensation))
    lost = []
    if resistance < _IDEAL:
        lost.append(
            f"{label}: the ideal voltage clamp gets a series resistance of {_IDEAL:g} Mohm, since "
            "NEURON's has one"
        )
    values_ = {"dur1": _ALWAYS, "amp1": course["y"][0], "rs": max(resistance, _IDEAL)}
    return [{"kind": "SEClamp", "values": values_, "played": {"amp1": course}}], lost


_WRITERS: dict[type, Callable[[Any, str], tuple[list[dict[str, Any]], list[str]]]] = {
    Constant: _constant,
    Steps: _steps,
    Pulses: _pulses,
    Ramp: _ramp,
    FrozenNoise: _frozen,
    VoltageClamp: _voltage,
}
