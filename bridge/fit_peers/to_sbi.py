"""A neuron as `sbi` takes one: a prior over parameters, and a simulator of what is measured.

Simulation-based inference (Cranmer, Brehmer and Louppe 2020, PNAS 117:30055) learns from many runs
which parameters go with what was measured, without likelihood and without gradient. All rows that
it asks for at once are one batch of the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, have_same_dimensions, ms, mV, pA
from brian2.units.fundamentalunits import DIMENSIONLESS
from numpy.typing import NDArray

from bridge.errors import optional
from neurosim import Constant, Neuron, PointNeuron, Recording, Stimulus, simulate
from neurosim.errors import EngineError, ParameterError, UnitError
from neurosim.quantities import check_quantity
from neurosim.run.batch import batch_places, full_name, point_places
from neurosim.run.neuron_run import with_stimulus

__all__ = ["StepSummary", "Summary", "to_sbi"]

Array = NDArray[np.float64]

#: From a recording to what is measured, one row of finite numbers for each of its rows.
Summary = Callable[[Recording], Array]

_SEEDS = 2**31 - 1


@dataclass(frozen=True)
class StepSummary:
    """What is measured in a window, such as a step of current.

    Of each row: spikes; time to the first (ms); mean interval (ms); last interval over the first;
    mean potential (mV). A row with too few spikes has the length of the window as time and as
    interval, and the ratio 1.

    Parameters
    ----------
    start, stop : Quantity
        The window.

    Examples
    --------
    >>> from brian2 import pA
    >>> from neurosim import LIF, Constant
    >>> run = simulate(LIF(), 100 * ms, stimulus=Constant(200 * pA), record=["v"])
    >>> StepSummary(0 * ms, 100 * ms)(run).round(1)
    array([[  3. ,  27.7,  29.7,   1. , -61.9]])
    """

    start: Quantity
    stop: Quantity

    names = ("spikes", "first_ms", "interval_ms", "last_over_first", "mean_mV")

    def __post_init__(self) -> None:
        start = float(check_quantity(self.start, 100 * ms, "StepSummary: start"))
        if start >= float(check_quantity(self.stop, 600 * ms, "StepSummary: stop")):
            raise ParameterError(
                f"StepSummary: start ({self.start}) must come before stop ({self.stop})"
            )

    def __call__(self, recording: Recording) -> Array:
        """Return what is measured, shape (rows, 5)."""
        start, stop = float(self.start / ms), float(self.stop / ms)
        time = np.asarray(recording.trace_time / ms)
        v = np.asarray(recording.trace("v") / mV)[:, (time >= start) & (time < stop)]
        if not v.shape[1]:
            raise ParameterError(
                f"StepSummary: the run ends at {time[-1]:g} ms, before the window ({start:g} to "
                f"{stop:g} ms) begins"
            )
        rows = []
        for train, potential in zip(recording.spike_trains(), v, strict=True):
            at = np.asarray(train / ms, dtype=float)
            at = at[(at >= start) & (at < stop)]
            gaps = np.diff(at)
            rows.append(
                [
                    len(at),
                    at[0] - start if len(at) else stop - start,
                    gaps.mean() if len(gaps) else stop - start,
                    gaps[-1] / gaps[0] if len(gaps) else 1.0,
                    potential.mean(),
                ]
            )
        return np.array(rows, dtype=float)


def to_sbi(
    neuron: PointNeuron | Neuron,
    ranges: Mapping[str, tuple[float, float, Quantity]],
    duration: Quantity,
    summary: Summary,
    *,
    stimulus: Stimulus | None = None,
    **arguments: Any,
) -> tuple[Any, Callable[[Any], Any]]:
    """Return a prior and a simulator for `sbi`.

    Parameters
    ----------
    neuron : PointNeuron or Neuron
    ranges : dict of str to (float, float, Quantity)
        By the name that a batch has, the ends of the range and their unit, such as
        ``{"g_L": (5, 20, nS)}``; the ends may be quantities too. The prior is uniform between them.
    duration : Quantity
        How long a run is.
    summary : callable
        From a recording, in which ``v`` is traced, to what is measured: one row of numbers for each
        row of the recording. `StepSummary` is one.
    stimulus : Stimulus, optional
        What is injected. Where it is noise, each run has noise of its own.
    **arguments
        Of `neurosim.simulate`, such as ``dt``, ``settle`` and ``jobs``.

    Returns
    -------
    prior : sbi.utils.BoxUniform
        In the units of the ranges, in their order.
    simulator : callable
        From parameters, a tensor of shape (rows, parameters) or (parameters,), to what is measured,
        of shape (rows, n) or (n,). All rows are one batch, so give `simulate_for_sbi` a large
        ``simulation_batch_size``. Seeds of runs come from torch, so that ``torch.manual_seed``
        repeats them. A row whose potential diverges is nan, which `sbi` leaves out.

    Raises
    ------
    ExtraMissingError
        `sbi` is not installed; the message names the extra.
    ParameterError, UnitError, UnknownNameError
        A range is none, of another unit, or of a parameter that the neuron has not, or `summary`
        does not return one row of numbers a row.

    References
    ----------
    Tejero-Cantero et al. (2020), J Open Source Softw 5:2505.
    """
    torch = optional("torch", "to_sbi", "sbi")
    prior_of = optional("sbi.utils", "to_sbi", "sbi").BoxUniform
    length = check_quantity(duration, 500 * ms, "to_sbi: duration")
    if not isinstance(ranges, Mapping) or not ranges:
        raise ParameterError(
            "to_sbi: ranges must name at least one parameter, such as {'g_L': (5, 20, nS)}; got "
            f"{ranges!r}"
        )
    if not callable(summary):
        raise ParameterError(
            "to_sbi: summary must be a function of a recording, such as StepSummary; got "
            f"{summary!r}"
        )
    places = _places(neuron, stimulus)
    ends = np.array([_range(name, given, places) for name, given in ranges.items()])
    for taken in {"batch", "seed", "record"} & set(arguments):
        raise ParameterError(f"to_sbi: {taken} is set by the adapter; leave it out")
    prior = prior_of(*torch.as_tensor(ends.T, dtype=torch.float32))

    def measured(rows: Array, seeds: NDArray[np.int64]) -> list[Array]:
        batch = {name: rows[:, k] * unit for k, (name, (_, _, unit)) in enumerate(ranges.items())}
        try:
            found = simulate(
                neuron, length, stimulus=stimulus, batch=batch, seed=seeds, record=["v"],
                **arguments,
            )  # fmt: skip
        except EngineError as error:
            # One row that diverges does not end the others. A program that cannot be built would
            # fail alike for every row.
            if "diverged" not in str(error):
                raise
            half = len(rows) // 2
            if not half:
                return [np.array([np.nan])]
            return [*measured(rows[:half], seeds[:half]), *measured(rows[half:], seeds[half:])]
        told = np.asarray(summary(found), dtype=float)
        if told.ndim != 2 or len(told) != len(rows):
            raise ParameterError(
                f"to_sbi: summary returned an array of shape {told.shape} for {len(rows)} rows; "
                f"it must return ({len(rows)}, n)"
            )
        # An engine may go on with a potential that has left all bounds.
        told[~np.isfinite(told).all(axis=1)] = np.nan
        return list(told)

    def simulator(parameters: Any) -> Any:
        given = torch.as_tensor(parameters)
        rows = np.atleast_2d(given.detach().cpu().numpy().astype(np.float64))
        if rows.ndim != 2 or rows.shape[1] != len(ends):
            raise ParameterError(
                f"to_sbi: parameters have shape {tuple(given.shape)}; (rows, {len(ends)}) was "
                f"expected, in the order {', '.join(ranges)}"
            )
        seeds = torch.randint(0, _SEEDS, (len(rows),)).numpy()
        told = measured(rows, seeds)
        width = max([len(row) for row in told] + [len(getattr(summary, "names", ()))])
        filled = np.array([row if len(row) == width else np.full(width, np.nan) for row in told])
        answer = torch.as_tensor(filled, dtype=torch.float32)
        return answer if given.ndim == 2 else answer[0]

    return prior, simulator


def _places(neuron: PointNeuron | Neuron, stimulus: Stimulus | None) -> Mapping[str, Any]:
    """Return by full name what a batch can vary, with its default."""
    if isinstance(neuron, PointNeuron):
        return point_places(neuron, Constant(0 * pA) if stimulus is None else stimulus)
    if isinstance(neuron, Neuron):
        return batch_places(with_stimulus(neuron, stimulus, ()))
    raise ParameterError(f"to_sbi: neuron must be a description such as LIF(); got {neuron!r}")


def _range(
    name: str, given: tuple[Any, Any, Quantity], places: Mapping[str, Any]
) -> tuple[float, float]:
    """Return the ends of a range in its unit, after a look at its name and unit."""
    default, _ = places[full_name(name, places, "to_sbi")]
    try:
        low, high, unit = given
        ends = _number(low, unit), _number(high, unit)
    except (TypeError, ValueError):
        raise ParameterError(
            f"to_sbi: the range of {name} must be two numbers and their unit, such as "
            f"(5, 20, nS); got {given!r}"
        ) from None
    if not have_same_dimensions(unit, default):
        raise UnitError(f"to_sbi: the range of {name} needs a unit as of {default!r}; got {unit!r}")
    if not -np.inf < ends[0] < ends[1] < np.inf:
        raise ParameterError(
            f"to_sbi: the range of {name} must rise from one finite number to another; got "
            f"{ends[0]:g} to {ends[1]:g}"
        )
    return ends


def _number(end: Any, unit: Quantity) -> float:
    """Return an end of a range in its unit."""
    if not isinstance(end, Quantity) or end.dim is DIMENSIONLESS:
        return float(end)
    if not have_same_dimensions(end, unit):
        raise ValueError("an end of another unit")
    return float(end / unit)
