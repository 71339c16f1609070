"""Voltage clamp: the amplifier holds the potential and measures the current."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from brian2.units import Mohm, Quantity, ms, mV, second

from neurosim.clamps.remedies import IN_PIECES
from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity, quantity
from neurosim.stimuli import Stimulus

__all__ = ["VoltageClamp"]

_COMMAND = (
    "VoltageClamp.sampled plays any command, and linear=True goes in straight lines from level to "
    "level"
)


@dataclass(frozen=True, eq=False, repr=False)
class VoltageClamp(Stimulus):
    r"""A clamp of the membrane potential, with segments of any number and length.

    The command is `holding` until `onset`; then each of `levels` for its duration, one after the
    other (pre-pulse, test pulse, tail ...); then `holding` again. The current into the cell is

    .. math:: I = (V_c - V) / (R_s (1 - c))

    with the compensation c. Without series resistance the clamp is ideal: the potential is the
    command at the end of every time step, and the current is what the compartment then takes,
    capacitive current included. The recorded current is the mean over the time step, so that its
    sum times the step is the charge.

    A clamp also holds while the neuron settles (``simulate(settle=...)``). With a voltage clamp
    `simulate` takes the scheme ``"backward-euler"`` unless you say otherwise, because the scheme of
    second order rings after a step of the command.

    In a point neuron such as ``LIF()`` or ``HodgkinHuxley()`` the clamp is the only stimulus, and
    the run starts at the steady state for the holding potential. **An ideal clamp holds a point
    neuron above its threshold too: no spike is counted and nothing is reset while it holds.** With
    a series resistance the cell spikes and is reset as its model says.

    Parameters
    ----------
    holding : Quantity
        Potential before and after the segments.
    levels : Quantity, shape (n_segments,)
        Command of each segment. A batch names them ``levels[0]``, ``levels[1]`` (``levels`` if
        there is one).
    durations : Quantity, shape (n_segments,)
        How long each lasts.
    onset : Quantity
        When the first segment begins.
    R_s : Quantity
        Series resistance; 0 makes the clamp ideal.
    compensation : Quantity
        Share of the series resistance that the amplifier compensates, 0 to 1 (a plain number).
    junction : Quantity
        Liquid-junction potential that was not corrected, as in Neher (1992): the membrane gets the
        command minus `junction`.
    linear : bool
        Each segment goes in a straight line from the command before it to its level: ramps, and
        recorded action potentials as commands (see `sampled`).

    Raises
    ------
    ParameterError
        `levels` and `durations` differ in length, or `compensation` is above 1.

    References
    ----------
    Hodgkin, Huxley and Katz (1952), J Physiol 116:424. Neher (1992), Methods Enzymol 207:123 (the
    sign of the junction potential). Hines and Carnevale (1997), Neural Comput 9:1179 (SEClamp).

    Examples
    --------
    A family of three steps as one batch; the current of each at the end of its step:

    >>> from brian2 import ms, mV, nA, um
    >>> from neurosim import Neuron, simulate
    >>> from neurosim.channels import squid_axon
    >>> from neurosim.morphology import PerBranch, cylinder
    >>> cell = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=6.3).paint(squid_axon())
    >>> clamp = VoltageClamp(holding=-70 * mV, levels=[0] * mV, durations=[30] * ms, onset=5 * ms)
    >>> family = simulate(
    ...     cell, 30 * ms, stimulus=clamp, batch={"levels": [-40, -20, 0] * mV},
    ...     record=["v", "stimulus.current", "stimulus.command"],
    ... )
    >>> (family.trace("stimulus.current")[:, -1] / nA).round(2)
    array([ 2.74, 12.04, 23.76])
    """

    holding: Quantity = quantity(
        -70 * mV, "command before and after the segments", instead_of_course=_COMMAND
    )
    levels: Quantity = quantity(
        [0] * mV, "command of each segment", many=1, instead_of_course=_COMMAND
    )
    durations: Quantity = quantity(
        [50] * ms, "how long each lasts", above=0 * ms, many=1, instead_of_course=_COMMAND
    )
    onset: Quantity = quantity(
        10 * ms, "when the first segment begins", at_least=0 * ms, instead_of_course=_COMMAND
    )
    R_s: Quantity = quantity(
        0 * Mohm,
        "series resistance, 0 for an ideal clamp",
        at_least=0 * Mohm,
        instead_of_course=IN_PIECES,
    )
    compensation: Quantity = quantity(
        Quantity(0.0),
        "share of R_s compensated, from 0 to 1",
        at_least=0,
        at_most=1,
        instead_of_course=IN_PIECES,
    )
    junction: Quantity = quantity(
        0 * mV, "liquid-junction potential left uncorrected", instead_of_course=IN_PIECES
    )
    linear: bool = False
    label = "voltage_clamp"
    stands_alone = True

    def check(self) -> None:
        levels, durations = np.size(self.levels), np.size(self.durations)
        if levels != durations:
            raise ParameterError(
                f"VoltageClamp: give a duration for each level; got {levels} levels and "
                f"{durations} durations"
            )
        if not isinstance(self.linear, bool):
            raise ParameterError(f"VoltageClamp: linear is True or False; got {self.linear!r}")

    @property
    def count(self) -> int:
        """Number of segments."""
        return int(np.size(self.levels))

    def step_tables(
        self, dt: float, varied: Mapping[str, np.ndarray]
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the command as data, for `command_code`.

        A command is three staircases: by segment its level, its slope and its start. So a command
        of any number of segments is data, and needs no program of its own. What is returned is the
        number of the first of the three of each row; parameters as in `Stimulus.step_tables`.
        """
        rows = max((np.size(values) for values in varied.values()), default=1)

        def each(name: str, default: float) -> np.ndarray:
            return np.broadcast_to(varied.get(name, np.asarray(default)), rows).astype(float)

        def many(name: str) -> np.ndarray:
            base = np.ravel(np.asarray(getattr(self, name), dtype=float))
            names = [name] if len(base) == 1 else [f"{name}[{k}]" for k in range(len(base))]
            return np.stack([each(one, value) for one, value in zip(names, base, strict=True)])

        holding, onset, junction = (
            each(name, float(getattr(self, name))) for name in ("holding", "onset", "junction")
        )
        levels, durations = many("levels"), many("durations")
        edges = onset + np.vstack([np.zeros(rows), np.cumsum(durations, axis=0)])
        before = np.vstack([holding, levels[:-1]])
        slopes = (levels - before) / durations if self.linear else np.zeros_like(levels)
        level = np.vstack([holding, before if self.linear else levels, holding]) - junction
        slope = np.vstack([np.zeros(rows), slopes, np.zeros(rows)])
        start = np.vstack([np.zeros(rows), edges])
        # An edge between two steps falls on the later one; the first segment has no beginning.
        steps = np.vstack([np.full(rows, -1e18), np.ceil(edges / dt - 1e-6)])
        tables = np.stack([np.concatenate([steps, one]) for one in (level, slope, start)])
        kinds, row = np.unique(tables.reshape(-1, rows), axis=1, return_inverse=True)
        staircases = [one for k in range(kinds.shape[1]) for one in kinds[:, k].reshape(3, -1)]
        return staircases, 3 * np.ravel(row)

    @staticmethod
    def command_code(table: str, ahead: str) -> str:
        """Return the command at a time `ahead` of the start of a step, in Brian2's language.

        Parameters
        ----------
        table : str
            Name of the integer that holds the number of the row's first staircase.
        ahead : str
            Name of the time.
        """
        played = f"step_level({table}{{}}, t_in_timesteps)".format
        moved = f"{played(' + 1')}*(t + {ahead} - {played(' + 2')}*second)/second"
        return f"({played('')} + {moved})*volt"

    @classmethod
    def sampled(cls, samples: Quantity, interval: Quantity, **others: Any) -> Self:
        """Return a clamp that follows a sampled command, such as a recorded action potential.

        The command is the first sample at `onset` and goes in straight lines from sample to sample.

        Parameters
        ----------
        samples : Quantity, shape (n,)
            Potentials; at least two.
        interval : Quantity
            Time between them.
        **others
            Other fields; `holding` is by default the first sample.

        Raises
        ------
        ParameterError
            There are fewer than two samples.

        Examples
        --------
        >>> from brian2 import ms, mV
        >>> VoltageClamp.sampled([-70, 30, -70] * mV, 0.5 * ms).count
        2
        """
        values = check_quantity(samples, -70 * mV, "VoltageClamp.sampled: samples", many=1)
        step = check_quantity(interval, 0.1 * ms, "VoltageClamp.sampled: interval", above=0 * ms)
        if np.size(values) < 2:
            raise ParameterError("VoltageClamp.sampled: give at least two samples")
        given = {"holding": values[0], **others}
        if float(given["holding"]) != float(values[0]):
            raise ParameterError(
                f"VoltageClamp.sampled: the command begins at the first sample ({values[0]}), so "
                f"holding must be that too; got {given['holding']}"
            )
        durations = np.full(np.size(values) - 1, float(step)) * second
        return cls(levels=values[1:], durations=durations, linear=True, **given)

    def __repr__(self) -> str:
        if self.count <= 8:
            return super().__repr__()
        return (
            f"VoltageClamp(holding={self.holding}, {self.count} segments, onset={self.onset}, "
            f"R_s={self.R_s})"
        )
