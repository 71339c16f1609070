"""Receptors as kinetic schemes of two states, driven by a pulse of transmitter.

Between the edges of a pulse the schemes are linear with constant coefficients, so that their time
course is known in closed form, whatever the spacing of the pulses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from brian2.units import Quantity, hertz, ms, mV, nS
from brian2.units.stdunits import mM
from scipy.special import exprel

from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity, quantity
from neurosim.synapses.base import Receptor
from neurosim.synapses.events import Events

__all__ = ["TwoState"]


@dataclass(frozen=True, eq=False, repr=False)
class TwoState(Receptor):
    r"""Receptor that opens while transmitter is there and closes at its own rate.

    .. math:: \dot r = \alpha\,T\,(1 - r) - \beta\,r, \qquad I = g\, r\,(E - V)

    with the transmitter T = ``T_max`` for ``pulse`` after each release and 0 otherwise; a release
    during a pulse prolongs it. `pulses` turns releases into the edges of the pulses (weights +1 and
    -1), which are the events this receptor takes. It saturates, so each synapse needs states of its
    own (``lumps`` is false).

    References
    ----------
    Destexhe, Mainen and Sejnowski (1994), Neural Comput 6:14.

    Examples
    --------
    >>> from neurosim.synapses import Events, KineticAMPA
    >>> KineticAMPA().open_fraction([1, 2] * ms, Events.at([0] * ms)).round(4).tolist()
    [0.618, 0.511]
    """

    g: Quantity = quantity(0.5 * nS, "conductance with all receptors open", at_least=0 * nS)
    E: Quantity = quantity(0 * mV, "reversal potential")
    alpha: Quantity = quantity(1.1 / (mM * ms), "rate of binding", above=0 / (mM * ms))
    beta: Quantity = quantity(190 * hertz, "rate of unbinding", above=0 * hertz)
    T_max: Quantity = quantity(1 * mM, "concentration in a pulse", above=0 * mM)
    pulse: Quantity = quantity(1 * ms, "duration of a pulse", above=0 * ms)
    q10: Quantity = quantity(1.0, "factor on the rates for 10 °C", above=0)

    equations = """
    dr/dt = phi*(alpha*T_max*C*(1 - r) - beta*r) : 1
    dC/dt = 0/second : 1
    """
    current = "g*r*(E - v)"
    on_event: ClassVar[dict[str, str]] = {"C": "weight"}
    lumps = False

    @property
    def rise_time_constant(self) -> Quantity:
        """Time constant of opening during a pulse."""
        return 1 / (self.alpha * self.T_max + self.beta)

    @property
    def decay_time_constant(self) -> Quantity:
        """Time constant of closing after a pulse."""
        return 1 / self.beta

    @property
    def peak(self) -> float:
        """Open fraction at the end of a single pulse."""
        bound = float(self.alpha * self.T_max * self.rise_time_constant)
        return bound * -float(np.expm1(-self.pulse / self.rise_time_constant))

    def pulses(self, events: Events) -> Events:
        """Return the edges of the transmitter pulses that releases cause.

        Parameters
        ----------
        events : Events
            Releases of one trial at one synapse; any weight above 0 fills the cleft.
        """
        if events.weight.ndim != 1:
            raise ParameterError(
                f"{type(self).__name__}: pulses takes one trial; got {events.trials} "
                "(choose one with events.trial(index))"
            )
        starts: list[float] = []
        ends: list[float] = []
        for start in events.time_s[events.weight > 0]:
            if ends and start <= ends[-1]:
                ends.pop()
            else:
                starts.append(start)
            ends.append(start + float(self.pulse))
        weights = np.concatenate([np.ones(len(starts)), -np.ones(len(ends))])
        times = np.concatenate([starts, ends])
        order = np.argsort(times, kind="stable")
        return Events(times[order], weights[order])

    def arrivals(self, events: Events) -> Events:
        """Return the edges of the pulses; events that are edges already stay as they are."""
        return events if np.any(events.weight < 0) else self.pulses(events)

    def open_fraction(self, t: Quantity, events: Events) -> np.ndarray:
        """Return the share of open receptors at given times, exactly (q10 = 1).

        Parameters
        ----------
        t : Quantity
            Ascending times.
        events : Events
            Releases of one trial.
        """
        return np.asarray(self._course(t, events)[0])

    def _course(
        self, t: Quantity, events: Events, gain: float = 0.0, loss: float = 1.0
    ) -> np.ndarray:
        """Return r, and the s that obeys ds/dt = gain r - loss s, at given times."""
        t = check_quantity(t, 1 * ms, f"{type(self).__name__}: t", many=1)
        times = np.atleast_1d(np.asarray(t, dtype=float))
        edges = self.pulses(events)
        binding, beta = float(self.alpha * self.T_max), float(self.beta)
        r = s = 0.0
        found = np.zeros((2, len(times)))
        ends = np.append(edges.time_s[1:], np.inf)
        for start, end, weight in zip(edges.time_s, ends, edges.weight, strict=False):
            bound = binding if weight > 0 else 0.0
            speed = bound + beta
            steady = bound / speed
            inside = (times >= start) & (times < end)
            # The last one is where the next interval begins.
            late = np.append(times[inside], end if np.isfinite(end) else start) - start
            fade, leave = np.exp(-speed * late), np.exp(-loss * late)
            r_now = steady + (r - steady) * fade
            # (e^{-speed t} - e^{-loss t})/(loss - speed), finite where the two rates meet.
            beat = leave * late * exprel((loss - speed) * late)
            s_now = s * leave + gain * (steady * (1 - leave) / loss + (r - steady) * beat)
            found[:, inside] = r_now[:-1], s_now[:-1]
            r, s = r_now[-1], s_now[-1]
        return found
