"""What a point neuron is: equations, a threshold, a reset, and parameters with units.

A subclass states its model in Brian2's equation language and lists its parameters as fields;
how it is run is the business of `neurosim.engine`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from neurosim.errors import ParameterError
from neurosim.quantities import Description

__all__ = ["FIRST_SAMPLE", "KEYS", "Action", "PointNeuron"]

# Names by which equations call what the random numbers of a row start from, and the first of the
# waveforms of a neuron.
KEYS = ("key_low", "key_high")
FIRST_SAMPLE = "first_sample"


@dataclass(frozen=True)
class Action:
    """Statements that a model runs beside its equations and its reset.

    Attributes
    ----------
    code : str
        Statements, in Brian2's language.
    when, order : str, int
        Brian2's slot in which they run, and their place in it.
    condition : str
        They run where this holds; at every step if it is empty.
    tested, tested_order : str, int
        Slot in which the condition is tested, and its place in it.
    every_s : float
        Period in which they run instead, in second; 0 if they have none. It is a time and not a
        number of steps, so that a run with another time step keeps it.
    passed_s : float
        How much of the first period has passed when a run starts, in second.
    guarded : bool
        Whether they leave variables marked ``(unless refractory)`` as they are while the neuron
        is refractory: Brian2's `run_regularly` does, its `run_on_event` does not.

    Examples
    --------
    >>> action = Action("v -= 1*mV", every_s=0.003)
    >>> action.due
    '(t_in_timesteps + timestep(0.0*second, dt)) % timestep(0.003*second, dt) == 0'
    >>> action.fits(1e-4), action.fits(7e-4)
    (True, False)
    """

    code: str
    when: str = "start"
    order: int = 0
    condition: str = ""
    tested: str = "start"
    tested_order: int = 0
    every_s: float = 0.0
    passed_s: float = 0.0
    guarded: bool = False

    @property
    def due(self) -> str:
        """When they run, as a condition; empty for every step."""
        if not self.every_s:
            return self.condition
        passed = f"timestep({self.passed_s!r}*second, dt)"
        return f"(t_in_timesteps + {passed}) % timestep({self.every_s!r}*second, dt) == 0"

    def fits(self, dt_s: float) -> bool:
        """Whether the period is a whole number of time steps."""
        ratios = [self.every_s / dt_s, self.passed_s / dt_s]
        return all(abs(ratio - round(ratio)) < 1e-6 * max(1.0, ratio) for ratio in ratios) and (
            not self.every_s or ratios[0] > 0.5
        )


class PointNeuron(Description):
    """A neuron without extent, described by its equations.

    The equations may use every parameter of the class by name and the injected current
    ``I_stim`` (ampere, positive depolarises). They must define the membrane potential ``v``.

    Attributes
    ----------
    equations : str
        Differential equations and named expressions, in Brian2's language.
    threshold, reset, refractory : str
        When a spike is detected, what happens then, and how long detection is held off.
    barrier : str
        Parameter that holds a hard threshold, one that v diffuses through; empty where a spike
        builds itself up. Crossings of white noise between two steps are corrected for there
        (`neurosim.equations.barrier`).
    method : str
        Brian2 state updater: exact or exponential Euler for linear cells, ``rk4`` for
        conductance-based ones.
    default_dt_ms : float
        Time step used when none is given, in milliseconds.
    start : str
        Parameter that holds the membrane potential at the start of a run; every other state
        starts at its steady state for that potential.
    starts : mapping of str to str
        States that start elsewhere, and the parameter that holds where.
    changing : tuple of str
        Parameters that the model itself changes, in its reset or an action.
    actions : tuple of Action
        What it does beside that.
    noise : tuple of str
        Names the equations have for independent white noises (1/s^(1/2)).
    samples : tuple of tuple of float
        Waveforms the equations play, by ``waveform(first_sample + number, position)``.
    ordered : tuple of (str, str, str)
        Pairs of parameters of which the first must lie below the second, and what else to say
        where it does not. Checked for every row of a batch too.
    """

    equations: ClassVar[str]
    threshold: ClassVar[str]
    reset: ClassVar[str] = ""
    refractory: ClassVar[str] = "False"
    barrier: ClassVar[str] = ""
    method: ClassVar[str] = "rk4"
    default_dt_ms: ClassVar[float] = 0.1
    start: ClassVar[str] = "E_L"
    starts: ClassVar[Mapping[str, str]] = {}
    changing: ClassVar[tuple[str, ...]] = ()
    actions: ClassVar[tuple[Action, ...]] = ()
    noise: ClassVar[tuple[str, ...]] = ()
    samples: ClassVar[tuple[tuple[float, ...], ...]] = ()
    ordered: ClassVar[tuple[tuple[str, str, str], ...]] = ()
    described_by: ClassVar[tuple[str, ...]] = (
        *("equations", "threshold", "reset", "refractory", "barrier", "method", "start"),
    )

    def check_step(self, dt_s: float) -> None:
        """Refuse a time step that what the neuron does from time to time does not fit.

        Raises
        ------
        ParameterError
            The period of an action is no whole number of steps of `dt_s` (second).
        """
        for action in self.actions:
            if not action.fits(dt_s):
                raise ParameterError(
                    f"{type(self).__name__}: {action.code.strip()!r} runs every "
                    f"{action.every_s * 1e3:g} ms, which is no whole number of time steps of "
                    f"{dt_s * 1e3:g} ms; give a dt of which it is one"
                )

    def check(self) -> None:
        for low, high, why in self.ordered:
            if getattr(self, low) >= getattr(self, high):
                raise ParameterError(
                    f"{type(self).__name__}: {low} ({getattr(self, low)}) must lie below {high} "
                    f"({getattr(self, high)}){why}"
                )
