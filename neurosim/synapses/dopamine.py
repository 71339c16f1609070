"""Dopamine: a slow transmitter that carries no current but scales a conductance."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import numpy as np
from brian2.units import Quantity, ms, second
from brian2.units.stdunits import nM, uM
from scipy.integrate import solve_ivp

from neurosim.channels.base import Channel, Mechanism
from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity, quantity
from neurosim.synapses.base import Receptor
from neurosim.synapses.events import Events

__all__ = ["Dopamine"]


@dataclass(frozen=True, eq=False, repr=False)
class Dopamine(Mechanism):
    r"""Dopamine, which scales the conductance of a named channel or receptor.

    .. math:: \dot D = -D/\tau_u, \quad D \leftarrow D + d\, weight, \qquad
              \dot a = \frac{1}{\tau_a} \left( \frac{D}{D + K} - a \right), \qquad
              g \leftarrow g\,(1 + effect \cdot a)

    Dopamine reaches the receptor by volume transmission and is taken up within tens of
    milliseconds; the intracellular effect a follows over seconds. A positive ``effect`` stands for
    D1 receptors on, say, NMDA receptors; a negative one (with a K of some 10 nM) for D2 receptors.

    Parameters
    ----------
    target : str
        Name of the channel or receptor whose ``g`` is scaled.

    References
    ----------
    Cragg and Rice (2004), Trends Neurosci 27:270 (uptake). Dreyer et al. (2010), J Neurosci
    30:14273 (affinities: D1 1 µM, D2 10 nM).

    Examples
    --------
    >>> burst = Events.at(np.arange(10) * 20 * ms)
    >>> Dopamine("nmda").factor([0, 1, 20] * second, burst).round(3).tolist()
    [1.0, 1.01, 1.0]
    """

    target: str = field(default="nmda")
    effect: Quantity = quantity(
        0.5, "change of the conductance when all receptors act", at_least=-1
    )
    amount: Quantity = quantity(0.25 * uM, "rise of the concentration for one event", above=0 * uM)
    tau_uptake: Quantity = quantity(75 * ms, "time constant of uptake", above=0 * ms)
    K: Quantity = quantity(1000 * nM, "concentration of half occupancy", above=0 * nM)
    tau_effect: Quantity = quantity(5 * second, "time constant of the effect", above=0 * second)

    equations = """
    dD/dt = -D/tau_uptake : mM
    da/dt = (D/(D + K) - a)/tau_effect : 1
    """
    scale: ClassVar[str] = "1 + effect*a"
    on_event: ClassVar[dict[str, str]] = {"D": "amount*weight"}
    transmitter = "dopamine"

    def expressions(self) -> dict[str, tuple[str, Quantity]]:
        return {"scale": (self.scale, Quantity(1.0))}

    def modulate(self, part: Receptor, events: Events, releases: Events) -> Events:
        """Return the events at the target with their weights scaled by the effect at their time.

        As the effect changes over seconds, that is as good as scaling the conductance of a receptor
        that lasts for milliseconds.

        Parameters
        ----------
        part : Receptor
            The target; its states must be linear (``lumps``).
        events : Events
            What arrives at it, one trial.
        releases : Events
            Releases of dopamine, one trial.

        Raises
        ------
        ParameterError
            The part is not the target, or saturates.
        """
        self._check_target(part)
        if not part.lumps:
            raise ParameterError(
                f"Dopamine: {part.name!r} saturates, so that scaling its events does not scale its "
                "conductance; take it at a fixed effect with scaled()"
            )
        if events.time_s.size == 0:
            return events
        factor = self.factor(Quantity(events.time_s, dim=second.dim), releases)
        return Events(events.time_s, events.weight * factor)

    def scaled(self, part: Channel | Receptor, effect: float) -> Channel | Receptor:
        """Return the target as it is while the effect a stays at one level.

        Parameters
        ----------
        part : Channel or Receptor
            The target.
        effect : float
            Level of a, from 0 to 1.

        Examples
        --------
        >>> from neurosim.synapses import NMDA
        >>> Dopamine("nmda", effect=0.5).scaled(NMDA(), 1.0).g
        0.75 * nsiemens
        """
        self._check_target(part)
        if not 0 <= effect <= 1:
            raise ParameterError(f"Dopamine: the effect lies between 0 and 1; got {effect}")
        return part.replace(g=part.g * (1 + float(self.effect) * effect))  # type: ignore[union-attr]

    def _check_target(self, part: Mechanism) -> None:
        if part.name != self.target:
            raise ParameterError(
                f"Dopamine: acts on {self.target!r}, not on {part.name!r}; "
                f"Dopamine({part.name!r}) would"
            )
        if "g" not in part.quantity_fields():
            raise ParameterError(f"Dopamine: {part.name!r} has no conductance g to scale")

    def factor(self, t: Quantity, events: Events) -> np.ndarray:
        """Return the factor on the target's conductance at ascending times.

        Parameters
        ----------
        t : Quantity
            Times, the first at or after 0.
        events : Events
            Releases of one trial.
        """
        t = check_quantity(t, 1 * second, "Dopamine: t", at_least=0 * second, many=1)
        if events.weight.ndim != 1:
            raise ParameterError("Dopamine: factor takes one trial; choose one with events.trial")
        times = np.atleast_1d(np.asarray(t, dtype=float))
        uptake, slow = float(self.tau_uptake), float(self.tau_effect)
        half, amount = float(self.K), float(self.amount)
        edges = np.unique(np.concatenate([[0.0], events.time_s, [times.max() + slow]]))
        a_at = np.zeros_like(times)
        level, a = 0.0, 0.0
        for start, end in pairwise(edges):
            level += amount * events.weight[events.time_s == start].sum()

            def rate(
                now: float, a: np.ndarray, start: float = start, level: float = level
            ) -> np.ndarray:
                free = level * np.exp(-(now - start) / uptake)
                return np.asarray((free / (free + half) - a) / slow)

            inside = np.flatnonzero((times >= start) & (times < end))
            wanted = np.concatenate([times[inside], [end]])
            path = solve_ivp(
                rate, (start, end), [a], t_eval=wanted, rtol=1e-9, atol=1e-12, max_step=uptake
            )
            a_at[inside], a = path.y[0, :-1], float(path.y[0, -1])
            level *= float(np.exp(-(end - start) / uptake))
        return 1 + float(self.effect) * a_at
