"""Measure the f-I curve of a neuron: how many spikes a constant current makes it fire."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
from brian2.units import Quantity, ms, pA, second

from bridge.counts.curve import FICurve
from bridge.counts.spike_timing import timing_of
from neurosim import Constant, Neuron, PointNeuron, Recording, Stimulus, simulate
from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity, check_seed

__all__ = ["Running", "curve_of", "fi_curve", "measure", "steps_on", "trial_seeds"]


class Running(TypedDict, total=False):
    """Arguments of `neurosim.simulate` that are passed on as they are."""

    dt: Quantity | None
    engine: str
    jobs: int
    progress: Callable[[float], None] | None


def trial_seeds(seed: int, count: int) -> np.ndarray:
    """Return `count` independent seeds made from one.

    Examples
    --------
    >>> trial_seeds(1, 3).shape
    (3,)
    """
    checked = check_seed(seed)
    if checked.ndim:
        raise ParameterError(f"seed must be one integer here; got {seed!r}")
    words = np.random.SeedSequence(int(checked)).generate_state(count, np.uint64)
    return (words >> np.uint64(1)).astype(np.int64)


def measure(
    neuron: PointNeuron | Neuron,
    currents: Quantity,
    *,
    duration: Quantity = 1 * second,
    settle: Quantity = 200 * ms,
    trials: int = 1,
    background: Stimulus | None = None,
    seed: int = 0,
    traced: Quantity | None = None,
    **running: Unpack[Running],
) -> Recording:
    """Run a neuron at every current, every trial with noise of its own, as one batch.

    Takes the arguments of `fi_curve`; rows are ordered by current, then by trial.

    Parameters
    ----------
    traced : Quantity array, optional
        More currents, in rows after the others, which share their noise. If given, the membrane
        potential of these rows and of the first trial of every current is recorded, in samples of
        at least 0.05 ms.

    Returns
    -------
    Recording
        Of length `settle` + `duration`.
    """
    amounts = np.atleast_1d(
        np.asarray(check_quantity(currents, 100 * pA, "fi_curve: currents", many=1), dtype=float)
    )
    repeated = np.flatnonzero(np.diff(np.sort(amounts)) == 0)
    if len(repeated):
        value = np.sort(amounts)[repeated[0]] * 1e12
        raise ParameterError(
            f"fi_curve: {value:g} pA is given twice; use trials= to repeat every current"
        )
    if not isinstance(trials, (int, np.integer)) or trials < 1:
        raise ParameterError(f"fi_curve: trials must be a whole number of at least 1; got {trials}")
    window = check_quantity(duration, 1 * second, "fi_curve: duration", above=0 * second)
    pause = check_quantity(settle, 200 * ms, "fi_curve: settle", at_least=0 * second)
    rows = np.repeat(np.sort(amounts), trials)
    seeds, options = trial_seeds(seed, len(rows)), dict[str, Any](running)
    if traced is not None:
        more = np.atleast_1d(np.asarray(traced, dtype=float))
        rows = np.append(rows, more)
        seeds = np.append(seeds, np.full(len(more), seeds[0]))
        dt = running.get("dt") or getattr(neuron, "default_dt_ms", Neuron.default_dt_ms) * ms
        options |= {"record": ["v"], "record_dt": max(1, round(float(0.05 * ms / dt))) * dt}
        if isinstance(neuron, Neuron):
            # Its own probes would be traced besides.
            neuron = neuron.replace(probed=())
        else:
            chosen = np.arange(len(rows))
            options["record_rows"] = chosen[
                (chosen % trials == 0) | (chosen >= len(rows) - len(more))
            ]
    return simulate(
        neuron,
        pause + window,
        stimulus=steps_on(background),
        batch={"constant.current": rows * pA * 1e12},
        seed=seeds,
        **options,
    )


def steps_on(background: Stimulus | None) -> Stimulus:
    """A current to be varied as ``constant.current``, on top of a background."""
    step = Constant(0 * pA)
    return step if background is None else step + background


def curve_of(
    recording: Recording,
    neuron: PointNeuron | Neuron,
    current_pA: np.ndarray,
    background: Stimulus | None,
    settle: Quantity,
    window: Quantity,
    **provenance: Any,
) -> FICurve:
    """The f-I curve of what `measure` returned.

    Parameters
    ----------
    recording : Recording
    neuron, background, settle
        As they were measured.
    current_pA : ndarray, shape (n,)
        Of each of its first n rows, trials of a current beside each other.
    window : Quantity
        Its length.
    **provenance
        What else is worth keeping.
    """
    rows, currents = len(current_pA), len(np.unique(current_pA))
    begin, dt = float(settle / second), float(recording.dt / second)
    trains = [np.asarray(train / second) for train in recording.spike_trains()[:rows]]
    timing = timing_of([train[train >= begin] for train in trains], dt, begin)
    return FICurve(
        current_pA,
        recording.counts(settle)[:rows],
        np.full(rows, float(window / second)),
        np.tile(np.arange(rows // currents), currents),
        source=repr(neuron) if background is None else f"{neuron!r} with {background!r}",
        provenance={**recording.to_dict(), "settle_s": float(settle / second), **provenance},
        neuron=neuron.to_dict(),
        background=None if background is None else background.to_dict(),
        timing=timing,
    )


def fi_curve(
    source: PointNeuron | Neuron | FICurve | str | Path | Any,
    currents: Quantity | None = None,
    *,
    duration: Quantity = 1 * second,
    settle: Quantity = 200 * ms,
    trials: int = 1,
    background: Stimulus | None = None,
    seed: int = 0,
    **running: Unpack[Running],
) -> FICurve:
    """Measure the f-I curve of a neuron, or read that of a recorded cell.

    Parameters
    ----------
    source : PointNeuron, Neuron, path, DataFrame or FICurve
        A neuron to run (one with extent is injected at its soma); or a table with the columns
        current_pA, count, window_s of a recorded cell.
    currents : Quantity array
        Constant currents to inject (only with a neuron).
    duration : Quantity
        Window in which spikes are counted.
    settle : Quantity
        Time before it, not counted, in which the cell forgets its start.
    trials : int
        Repeats of every current, each with noise of its own.
    background : Stimulus, optional
        Injected on top, such as ``WhiteNoise.for_membrane(5 * mV, neuron)``.
    dt, seed, engine, jobs, progress
        As in `neurosim.simulate`.

    Returns
    -------
    FICurve

    Raises
    ------
    UnitError, ParameterError
        An argument is not what it should be.
    CurveError
        A table is faulty; the message names the line.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import pA
    >>> from neurosim import LIF
    >>> curve = fi_curve(LIF(), np.array([140, 160, 200]) * pA)
    >>> curve.count.tolist()
    [0, 17, 34]
    """
    if not isinstance(source, (PointNeuron, Neuron)):
        if currents is not None:
            raise ParameterError(
                "fi_curve: a recorded table brings its own currents; leave them out"
            )
        if isinstance(source, FICurve):
            return source
        if isinstance(source, (str, Path)):
            return FICurve.from_csv(source)
        return FICurve.from_frame(source)
    if currents is None:
        raise ParameterError("fi_curve: say which currents to inject, such as [0, 100, 200]*pA")
    recording = measure(
        source,
        currents,
        duration=duration,
        settle=settle,
        trials=trials,
        background=background,
        seed=seed,
        **running,
    )
    injected = np.sort(np.atleast_1d(np.asarray(currents, dtype=float)))
    amounts = np.repeat(injected, trials) * 1e12
    kept = {"seed": int(seed), "trials": int(trials)}
    return curve_of(recording, source, amounts, background, settle, duration, **kept)
