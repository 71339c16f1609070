"""What every kind of derivative asks of a neuron and of its run, checked in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from brian2.units import Quantity, ms

from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.errors import ParameterError
from neurosim.run.argument_checks import RunSettings

__all__ = ["settings_of"]


def settings_of(
    asker: str,
    neuron: Neuron | PointNeuron,
    duration: Quantity,
    *,
    seed: int | Sequence[int] | np.ndarray,
    dt: Quantity | None,
    settle: Quantity | None,
    scheme: str | None,
    weights: Mapping[str, Any] | None,
    jobs: int,
) -> RunSettings:
    """Return how the run goes that a derivative is taken of.

    Parameters
    ----------
    asker : str
        Function that was called, for messages.
    neuron, duration, seed, dt, settle, scheme, weights, jobs
        As in `neurosim.differentiate`.

    Raises
    ------
    UnitError, ParameterError
        As `neurosim.simulate`; and of what is no neuron, or of what a point neuron does not have.
    """
    if not isinstance(neuron, Neuron | PointNeuron):
        raise ParameterError(
            f"{asker}: there is no derivative yet of {type(neuron).__name__}; give a neuron "
            "such as HodgkinHuxley() or Neuron(cylinder(20*um, 20*um), PerBranch(1)).paint([...])"
        )
    if isinstance(neuron, PointNeuron):
        if settle is not None or scheme is not None:
            raise ParameterError(f"{asker}: settle and scheme are for neurons with extent")
        if weights:
            raise ParameterError(
                f"{asker}: weights are those of synapses placed on a neuron with extent"
            )
    return RunSettings.checked(
        neuron.default_dt_ms * ms,
        duration,
        seed=seed,
        dt=dt,
        record=(),
        record_dt=None,
        settle=settle,
        scheme=scheme,
        engine="auto",
        jobs=jobs,
        progress=None,
    ).in_whole_steps()
