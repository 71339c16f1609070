"""The charge that a current carries: its sum over a stretch of time, as a loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.equations.equations import Equations
from brian2.units import Quantity, amp, coulomb, get_dimensions, metre, ms

from neurosim.engine.adjoint.execute import Count
from neurosim.engine.cable.compose import Composed
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.gradients.losses import Loss, counted_steps
from neurosim.quantities import quantity

__all__ = ["Charge", "count_in_cell", "count_in_point"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Charge(Loss):
    """Charge that a current carries at one place between two times, in coulomb.

    It is the sum of the current in each step times the length of the step. The sign is that of the
    current: of channels, receptors and electrodes, inward is positive. Of a density, the area of
    the compartment is counted in.

    Parameters
    ----------
    current : str
        As a probe names it: ``"hh_sodium.current"``, by the label of a receptor or an electrode
        ``"ampa.current"``, ``"stimulus.current"``. Of a point neuron that no spike resets, a
        current that its equations name, or ``"I_stim"``, what is injected.
    start, stop : Quantity
        By default the whole run.
    """

    current: str = ""
    start: Quantity = quantity(0 * ms, "from when on", at_least=0 * ms)
    stop: Quantity | None = None

    def check(self) -> None:
        if not self.current or not isinstance(self.current, str):
            raise ParameterError(
                "Charge: current must be the name of a current, such as 'hh_sodium.current'; got "
                f"{self.current!r}"
            )
        if self.current == "i_membrane":
            raise ParameterError(
                "Charge: there is no derivative yet of 'i_membrane'; take the current of each part "
                "of the membrane, such as 'hh_sodium.current'"
            )

    @property
    def like(self) -> Quantity:
        return 1 * coulomb

    def value(self, v: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
        raise ParameterError(
            "Charge does not follow from the potential alone: give it to differentiate"
        )

    def steps(self, steps: int, dt: float) -> tuple[int, int]:
        """Return the first step that counts, and the first after them that does not."""
        here = np.flatnonzero(counted_steps(self.start, self.stop, steps, dt, "Charge"))
        return int(here[0]), int(here[-1]) + 1


def count_in_cell(loss: Charge, composed: Composed) -> Count:
    """Return what the run of a branched neuron adds up; its second probe is that current.

    Raises
    ------
    ParameterError
        What is named is no current.
    """
    inputs = composed.inputs
    kernel, number, site = inputs.probes[1]
    one, given = composed.model.kernels[kernel], inputs.kernels[kernel]
    variable = one.record[number]
    share = 1.0
    if one.parsed[variable].dim == get_dimensions(amp / metre**2):
        share = float(np.broadcast_to(given.values["area"], given.sites)[site])
    elif one.parsed[variable].dim != get_dimensions(amp):
        raise _no_current(loss)
    first, stop = loss.steps(inputs.steps, inputs.dt)
    return Count(kernel, variable, site, first, stop, share)


def count_in_point(loss: Charge, equations: Equations, name: str, steps: int, dt: float) -> Count:
    """Return what the run of a point neuron adds up.

    Raises
    ------
    ParameterError, UnknownNameError
        What is named is not there, or no current.
    """
    known = {*equations.names, "I_stim"}
    if loss.current not in known:
        raise UnknownNameError(
            f"Charge: {name} has no {loss.current!r}: {suggest(loss.current, known)}"
        )
    if loss.current in equations.names and (
        equations[loss.current].dim != get_dimensions(amp)
        or loss.current in equations.parameter_names
    ):
        raise _no_current(loss)
    first, stop = loss.steps(steps, dt)
    return Count(0, loss.current, 0, first, stop)


def _no_current(loss: Charge) -> ParameterError:
    return ParameterError(
        f"Charge: {loss.current!r} is no current of the run; give one such as 'hh_sodium.current', "
        "or of a point neuron one that its equations work out, in ampere"
    )
