"""Warn where the rates of a network outrun the slow state of its neurons."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bridge.conversion.preconditions import check_kind
from bridge.counts.curve import FICurve
from bridge.slow_state.outrun import Outrun, outrun
from bridge.slow_state.slow_fit import SlowFit
from bridge.units.slow_unit import SlowUnit

__all__ = ["outruns_of", "slow_unit_of"]

# By how much, as a share, the mean rate of a neuron may lie outside what its unit allows. Counting
# noise moves the mean of a curve by a few per cent, and another background shifts its foot; both
# move it by less than this, and a cell of another rheobase or gain by more. A chosen bound, and
# rough: the warning asks the reader to look, and changes no number.
_ALIKE = 0.3
# Below this mean rate (Hz), shares of it are shares of a few spikes.
_FLOOR_HZ = 1.0


def slow_unit_of(memory: SlowUnit | SlowFit | None) -> SlowUnit | None:
    """The unit with a slow state; None where none is known or claimed.

    Raises
    ------
    ConversionError
        `memory` is something else.
    """
    if memory is None:
        return None
    check_kind(
        memory,
        (SlowUnit, SlowFit),
        "convert: memory must be a SlowUnit, or what equivalent_unit(..., memory=True) found",
    )
    if isinstance(memory, SlowFit):
        return memory.unit if memory.chosen else None
    return memory


def outruns_of(
    unit: SlowUnit | None,
    currents_pA: Sequence[NDArray[np.float64]],
    decision_s: float,
    curve: FICurve,
) -> tuple[Outrun, ...]:
    """What the slow state of a neuron takes from each layer, with a warning where that is much.

    A unit that allows no such rates as the neuron's is warned of: it is another cell's.

    Parameters
    ----------
    unit : SlowUnit or None
        None gives nothing.
    currents_pA : sequence of ndarray, each of shape (n_samples, n_units)
        Currents of each hidden layer (pA).
    decision_s : float
        Length of a decision (s).
    curve : FICurve
        Of the neuron.
    """
    if unit is None:
        return ()
    _warn_of_another_neuron(unit, currents_pA, curve)
    found = tuple(outrun(unit, current, decision_s, k) for k, current in enumerate(currents_pA, 1))
    for one in found:
        if one.notable:
            warnings.warn(str(one), stacklevel=3)
    return found


def _warn_of_another_neuron(
    unit: SlowUnit, currents_pA: Sequence[NDArray[np.float64]], curve: FICurve
) -> None:
    # Beyond the curve's ends its rates are not known.
    asked = np.concatenate([current.ravel() for current in currents_pA])
    asked = np.clip(asked, curve.currents[0], curve.currents[-1])
    neuron = float(np.interp(asked, curve.currents, curve.mean_rate_Hz()).mean())
    # A curve is counted over a second or so, in which the state rises somewhere between rest and
    # its steady value: how far depends on the time constant and on the windows.
    steady, rested = (float(np.mean(rate(asked))) for rate in (unit.rate, unit.onset_rate))
    low, high = min(steady, rested), max(steady, rested)
    below = neuron < (1 - _ALIKE) * low and low - neuron > _FLOOR_HZ
    above = neuron > high / (1 - _ALIKE) and neuron - high > _FLOOR_HZ
    if below or above:
        warnings.warn(
            f"memory: at the currents of this network the unit fires {steady:.3g} (steadily) to "
            f"{rested:.3g} Hz (rested) on average, and the neuron {neuron:.3g} Hz. The slow state "
            "is that of another neuron, "
            "or was measured under another noise; measure it on this one with "
            "equivalent_unit(neuron, background=..., memory=True)",
            stacklevel=4,
        )
