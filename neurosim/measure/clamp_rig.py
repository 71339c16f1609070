"""A cell or a channel under voltage clamp: families of steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

import numpy as np
from brian2.units import Mohm, Quantity, farad, ms, mV, second, um, volt
from brian2.units.fundamentalunits import DimensionMismatchError

from neurosim.channels.base import Channel, IonPool
from neurosim.clamps import VoltageClamp
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Painted, Placed
from neurosim.describe.point_neuron import PointNeuron
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.morphology import PerBranch, Site, cylinder, root_site
from neurosim.quantities import check_quantity, check_whole
from neurosim.run.simulate import simulate

__all__ = ["ClampRig", "Family", "RigOptions", "Subject", "as_volts"]

#: What can be clamped.
Subject = Neuron | PointNeuron | Channel | Sequence[Channel | IonPool]

_PATCH = 20 * um
# A parameter of these dimensions blocks no channel.
_NO_CONDUCTANCE = (volt.dim, second.dim, farad.dim)
# Held before the first segment; the holding current is read at its end.
_LEAD_S = 1e-3


class RigOptions(TypedDict, total=False):
    """Options of `ClampRig`, which every measurement under voltage clamp takes."""

    of: str
    holding: Quantity
    site: Site | None
    celsius: float | None
    R_s: Quantity
    compensation: float
    leak_pulses: int
    blank: Quantity | None
    settle: Quantity
    dt: Quantity
    jobs: int


class Family(NamedTuple):
    """Currents of a family of steps.

    Attributes
    ----------
    time_s : ndarray, shape (samples,)
        From the start of the first segment, in second.
    current_A : ndarray, shape (rows, samples)
        Outward positive, in ampere.
    """

    time_s: np.ndarray
    current_A: np.ndarray


@dataclass(frozen=True, eq=False)
class ClampRig:
    """What is clamped, and how.

    Attributes
    ----------
    subject : Neuron, PointNeuron, Channel, or sequence of Channel and IonPool
        A neuron; or channels, which are then painted on a patch of 20 by 20 µm of their own.
    of : str
        Label of a painted channel: its current alone is returned, that is the current less the one
        with the channel blocked completely. For a single channel as `subject` that channel. Of a
        point neuron the parameter that is set to zero to block the channel, such as ``"g_K"``.
    holding : Quantity
        Holding potential.
    site : Site, optional
        Where the neuron is clamped (default: the middle of its root branch).
    celsius : float, optional
        Temperature of a patch of channels (default: that at which the first was measured).
    R_s : Quantity
        Series resistance; 0 makes the clamp ideal.
    compensation : float
        Share of it that is compensated.
    leak_pulses : int
        Leak subtraction P/N: the family is repeated scaled by -1/N and N times that is added; it
        removes what is linear, that is leak and capacitive current. 0: none.
    blank : Quantity, optional
        How long after a step the current is not looked at, because it charges the membrane
        (default: 0.5 ms; 0 where `of` is taken and the clamp is ideal).
    settle : Quantity
        How long a neuron is held before the protocol. A patch and a point neuron start at rest at
        the holding potential.
    dt : Quantity
        Time step.
    jobs : int
        Threads.
    """

    subject: Subject
    of: str = ""
    holding: Quantity = dataclasses.field(default_factory=lambda: -80 * mV)
    site: Site | None = None
    celsius: float | None = None
    R_s: Quantity = dataclasses.field(default_factory=lambda: 0 * Mohm)
    compensation: float = 0.0
    leak_pulses: int = 0
    blank: Quantity | None = None
    settle: Quantity = dataclasses.field(default_factory=lambda: 200 * ms)
    dt: Quantity = dataclasses.field(default_factory=lambda: 0.005 * ms)
    jobs: int = 1

    def __post_init__(self) -> None:
        check_quantity(self.holding, -80 * mV, "voltage clamp: holding")
        check_quantity(self.dt, 0.005 * ms, "voltage clamp: dt", above=0 * ms)
        if self.leak_pulses:
            check_whole(self.leak_pulses, "voltage clamp: leak_pulses")
        if self.blank is not None:
            check_quantity(self.blank, 0.5 * ms, "voltage clamp: blank", at_least=0 * ms)
        if isinstance(self.subject, PointNeuron):
            self._check_point(self.subject)
            return
        if not isinstance(self.subject, Neuron):
            _check_parts(self.subject)
        if isinstance(self.subject, Channel) and not self.of:
            object.__setattr__(self, "of", self.subject.name)
        neuron = self.neuron
        if self.of and isinstance(neuron, Neuron):
            _channel(neuron, self.of)

    def _check_point(self, neuron: PointNeuron) -> None:
        for name in ("site", "celsius"):
            if getattr(self, name) is not None:
                raise ParameterError(
                    f"voltage clamp: {name} is for neurons with extent and channels; "
                    f"{type(neuron).__name__} is a point neuron"
                )
        known = neuron.quantity_fields()
        if self.of and self.of not in known:
            raise UnknownNameError(
                f"voltage clamp: of must be the parameter of {type(neuron).__name__} that blocks "
                f"the channel when it is zero; there is no {self.of!r}: {suggest(self.of, known)}"
            )
        if self.of and getattr(neuron, self.of).dim in _NO_CONDUCTANCE:
            raise ParameterError(
                f"voltage clamp: of must be the conductance of a channel; {self.of} of "
                f"{type(neuron).__name__} is {getattr(neuron, self.of)}"
            )

    @classmethod
    def with_options(cls, subject: Any, rig: RigOptions) -> ClampRig:
        """Return the rig of a measurement; options are checked by name.

        Raises
        ------
        UnknownNameError
            There is no such option.
        ParameterError
            The subject cannot be clamped.
        """
        known = RigOptions.__annotations__
        for name in rig:
            if name not in known:
                raise UnknownNameError(
                    f"voltage clamp: there is no option {name!r}: {suggest(name, known)}"
                )
        return cls(subject, **rig)

    @property
    def neuron(self) -> Neuron | PointNeuron:
        """The neuron that is clamped."""
        if isinstance(self.subject, PointNeuron):
            return self.subject
        if isinstance(self.subject, Neuron):
            if self.celsius is not None:
                raise ParameterError("voltage clamp: celsius is for channels; a neuron has its own")
            return self.subject
        parts = _check_parts(self.subject)
        celsius = parts[0].temperature_ref if self.celsius is None else self.celsius
        patch = Neuron(cylinder(_PATCH, _PATCH), PerBranch(1), celsius=celsius, rest=self.holding)
        return patch.paint(parts)

    @property
    def channel(self) -> Channel | None:
        """The painted channel whose current is measured alone, if there is one."""
        neuron = self.neuron
        return _channel(neuron, self.of)[0] if self.of and isinstance(neuron, Neuron) else None

    @property
    def ideal(self) -> bool:
        """Whether no series resistance is left."""
        return float(self.R_s) * (1 - self.compensation) == 0

    @property
    def blank_s(self) -> float:
        """How long after a step the current is not looked at, in second."""
        if self.blank is not None:
            return float(self.blank)
        return 0.0 if self.of and self.ideal else 5e-4

    @property
    def dt_s(self) -> float:
        """Time step, in second."""
        return float(self.dt)

    def whole(self, duration: Any) -> float:
        """Return the nearest whole number of steps, at least one, in second."""
        return max(1, round(float(duration) / self.dt_s)) * self.dt_s

    def at_edge(self, since_s: np.ndarray, current_A: np.ndarray) -> np.ndarray:
        """Return the currents at an edge of the command, before any gate has moved.

        Parameters
        ----------
        since_s : ndarray, shape (samples,)
            Time from the edge, in second.
        current_A : ndarray, shape (rows, samples)
            Currents of `family`.

        Returns
        -------
        ndarray, shape (rows,)
            In ampere. In the step of the edge the gates stand still and the potential is already
            that of the command. That is read where the clamp is ideal, the current is that of a
            channel alone, and it is linear in the potential; else a cubic curve through the four
            samples that follow what is blanked is drawn back to the edge.
        """
        if self.ideal and self.channel is not None and _is_ohmic(self.channel):
            return np.asarray(current_A[:, np.abs(since_s - self.dt_s).argmin()])
        # At the end of the second step the gates have moved for one.
        first = int(np.searchsorted(since_s, self.blank_s + 1.5 * self.dt_s))
        moved = since_s[first : first + 4] - self.dt_s
        if len(moved) < 4:
            raise ParameterError(
                "voltage clamp: the segment that is read is too short; make it longer, or dt or "
                "blank smaller"
            )
        curves = np.polynomial.polynomial.polyfit(moved, current_A[:, first : first + 4].T, 3)
        return np.asarray(curves[0])

    def family(self, levels: Sequence[Any], durations: Sequence[float]) -> Family:
        """Run a family of segments and return the currents that were asked for.

        Parameters
        ----------
        levels : sequence
            Command of each segment, in volt: one, or an array with one a row.
        durations : sequence of float
            Length of each segment, in second; whole steps (see `whole`).
        """
        rows = np.broadcast_arrays(*(np.atleast_1d(np.asarray(one, float)) for one in levels))
        found = self._run(self.neuron, rows, durations)
        if self.of:
            blocked = self._run(_blocked(self.neuron, self.of), rows, durations)
            return Family(found.time_s, found.current_A - blocked.current_A)
        if self.leak_pulses:
            hold = float(self.holding)
            small = [hold - (one - hold) / self.leak_pulses for one in rows]
            leak = self._run(self.neuron, small, durations)
            held = leak.current_A[:, leak.time_s < 0][:, -1:]
            total = found.current_A + self.leak_pulses * (leak.current_A - held)
            return Family(found.time_s, total - held)
        return found

    def _run(
        self, neuron: Neuron | PointNeuron, rows: Sequence[np.ndarray], durations: Sequence[float]
    ) -> Family:
        lead = self.whole(_LEAD_S)
        clamp = VoltageClamp(
            holding=self.holding,
            levels=[float(one[0]) for one in rows] * volt,
            durations=list(durations) * second,
            onset=lead * second,
            R_s=self.R_s,
            compensation=Quantity(self.compensation),
        )
        names = ["levels"] if len(rows) == 1 else [f"levels[{k}]" for k in range(len(rows))]
        given = {n: row * volt for n, row in zip(names, rows, strict=True)}
        length = (lead + sum(durations)) * second
        if isinstance(neuron, PointNeuron):
            # As many samples as of a neuron with extent, which has none of the start.
            run = simulate(
                neuron, length + self.dt, stimulus=clamp, dt=self.dt, batch=given, jobs=self.jobs,
                record=["stimulus.current"],
            )  # fmt: skip
            return Family(run.trace_time_s[1:] - lead, run.traces_si["stimulus.current"][:, 1:])
        site = root_site if self.site is None else self.site
        if any(placed.label == "clamp" for placed in neuron.placed):
            raise ParameterError(
                "voltage clamp: something placed on the neuron is labelled 'clamp'; give it "
                "another label"
            )
        placed = Placed(clamp, site, "clamp")
        held = neuron.replace(placed=(*neuron.placed, placed), probed=())
        recorded = simulate(
            held.probe("clamp.current", site),
            length,
            dt=self.dt,
            settle=self.settle if isinstance(self.subject, Neuron) else None,
            batch={f"clamp.{n}": levels for n, levels in given.items()},
            jobs=self.jobs,
        )
        return Family(recorded.trace_time_s - lead, recorded.traces_si["clamp.current"])


def _check_parts(subject: Any) -> list[Channel | IonPool]:
    """Return channels and pools that can be painted on a patch."""
    parts = list(subject) if isinstance(subject, list | tuple) else [subject]
    if not parts or not all(isinstance(part, Channel | IonPool) for part in parts):
        raise ParameterError(
            "voltage clamp: clamp a neuron, a Channel, or a list of channels and ion pools; got "
            f"{subject!r}"
        )
    return parts


def _channel(neuron: Neuron, label: str) -> tuple[Channel, list[Painted]]:
    """Return a painted channel by its label, and everything that is painted under that label."""
    painted = [one for one in neuron.painted if one.label == label]
    channels = [one.part for one in painted if isinstance(one.part, Channel) and one.strength]
    if not channels:
        known = [p.label for p in neuron.painted if isinstance(p.part, Channel) and p.strength]
        raise UnknownNameError(
            f"voltage clamp: there is no painted channel {label!r} with a conductance: "
            f"{suggest(label, known)}"
        )
    return channels[0], painted


def _is_ohmic(channel: Channel) -> bool:
    """Return whether the current through open gates is a straight line over potential."""
    states = {name: Quantity(0.5) for name in channel.states}
    try:
        i = np.asarray(channel.density([-80, -20, 40] * mV, **states))
    except DimensionMismatchError:
        # A state that is no gate, such as a concentration.
        return False
    return bool(abs(i[0] - 2 * i[1] + i[2]) <= 1e-9 * np.abs(i).max())


def _blocked(neuron: Neuron | PointNeuron, label: str) -> Neuron | PointNeuron:
    """Return the neuron with the channels of a label blocked."""
    if isinstance(neuron, PointNeuron):
        try:
            return neuron.replace(**{label: 0 * getattr(neuron, label)})
        except ParameterError as error:
            raise ParameterError(
                f"voltage clamp: of={label!r} cannot be set to zero: {error}"
            ) from None
    _, those = _channel(neuron, label)
    painted = []
    for one in neuron.painted:
        if one in those and isinstance(one.part, Channel):
            none = 0 * getattr(one.part, one.strength)
            one = dataclasses.replace(one, part=one.part.replace(**{one.strength: none}))
        painted.append(one)
    return neuron.replace(painted=tuple(painted))


def as_volts(potentials: Quantity, what: str) -> np.ndarray:
    """Return potentials that were given as a flat array, in volt; `what` names them in messages."""
    given = check_quantity(potentials, 0 * mV, what, many=1)
    return np.atleast_1d(np.asarray(given, dtype=float))
