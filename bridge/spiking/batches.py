"""Many inputs shown to copies of a network, in batches that fit into memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from brian2.units import Quantity, pA

from bridge.errors import ConversionError
from bridge.spiking.memory_limit import check_memory
from bridge.stimulate.fi_curve import trial_seeds
from neurosim import Constant, FeedForward, PointNeuron, Recording, Steps, Stimulus, simulate

__all__ = ["joined", "show_in_batches"]


def show_in_batches(
    neuron: PointNeuron,
    background: Stimulus,
    wiring: FeedForward,
    holding_pA: np.ndarray,
    step_pA: np.ndarray,
    *,
    settle: Quantity,
    duration: Quantity,
    dt: Quantity,
    seed: int,
    samples_at_once: int | None = None,
    progress: Callable[[float], None] | None = None,
    **how: Any,
) -> Recording:
    """Run a copy of a network for every input: holding currents first, then a step on top.

    Parameters
    ----------
    neuron, background, wiring
        What one network is made of.
    holding_pA : ndarray, shape (n_units,)
        Current of every neuron throughout.
    step_pA : ndarray, shape (n_samples, n_units)
        What is added when the input comes on.
    settle, duration, dt : Quantity
        Time before the input, time with it, and time step.
    seed : int
        Every sample gets noise of its own from it.
    samples_at_once : int, optional
        Largest batch (default: as many as fit into memory); the result does not depend on it.
    progress : callable, optional
        Given the fraction that is done.
    **how
        As in `neurosim.simulate`.

    Returns
    -------
    Recording
        Row = sample * n_units + unit.

    Raises
    ------
    ConversionError
        Not even one sample fits, or traces are asked for of samples that do not fit at once.
    """
    samples = len(step_pA)
    fit = min(check_memory(wiring.layers, samples), samples_at_once or samples)
    if how.get("record") and fit < samples:
        raise ConversionError(
            f"traces of {samples} samples do not fit into one batch; {fit} samples do"
        )
    # A step more, so that the input is on to the end whatever the rounding.
    step = Steps(amplitude=0 * pA, onset=settle, duration=duration + dt)
    seeds = trial_seeds(seed, samples)
    parts = []
    for start in range(0, samples, fit):
        here = slice(start, start + fit)
        parts.append(
            simulate(
                neuron,
                settle + duration,
                stimulus=Constant(0 * pA) + step + background,
                batch={
                    "current": np.broadcast_to(holding_pA, step_pA[here].shape) * pA,
                    "amplitude": step_pA[here] * pA,
                },
                wiring=wiring,
                seed=seeds[here],
                dt=dt,
                progress=_share_of(progress, start / samples, fit / samples),
                **how,
            )
        )
    return parts[0] if len(parts) == 1 else joined(parts)


def _share_of(
    progress: Callable[[float], None] | None, done: float, share: float
) -> Callable[[float], None] | None:
    return None if progress is None else lambda part: progress(min(1.0, done + share * part))


def joined(parts: list[Recording]) -> Recording:
    """Put the recordings of several batches of one network together, traces left out."""
    firsts = np.cumsum([0, *(part.rows for part in parts)])
    rows = [part.spike_row + first for part, first in zip(parts, firsts, strict=False)]

    def all_of(name: str) -> dict[str, Any]:
        values = [getattr(part, name) for part in parts]
        return {key: np.concatenate([value[key] for value in values]) for key in values[0]}

    return replace(
        parts[0],
        rows=int(firsts[-1]),
        parameters=all_of("parameters"),
        seeds=np.concatenate([part.seeds for part in parts]),
        spike_row=np.concatenate(rows),
        spike_time_s=np.concatenate([part.spike_time_s for part in parts]),
        final_si=all_of("final_si"),
    )
