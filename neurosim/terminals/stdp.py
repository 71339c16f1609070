"""Spike-timing-dependent plasticity: weights that follow the order of spikes before and after."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from brian2.units import Quantity, ms, second

from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.quantities import Description, check_quantity, quantity
from neurosim.synapses.events import check_spikes
from neurosim.terminals.weight_course import WeightCourse

__all__ = ["STDP", "PlasticContacts", "Released"]

_PAIRINGS = ("all", "nearest")


@dataclass(frozen=True, eq=False, repr=False)
class STDP(Description):
    r"""Pair-based plasticity of a weight w between 0 and ``w_max``.

    A pair whose postsynaptic spike follows the arrival of the presynaptic one by Δt ≥ 0 strengthens
    the synapse; a pair whose postsynaptic spike comes Δt > 0 earlier weakens it:

    .. math::
        \Delta w_+ &= w_{max}\, A_+ (1 - w/w_{max})^{\mu_+} e^{-\Delta t/\tau_+} \\
        \Delta w_- &= -w_{max}\, A_- (w/w_{max})^{\mu_-} e^{-\Delta t/\tau_-}

    With the exponents 0 (the default) changes do not depend on the weight, which is cut off at its
    bounds (additive, Song et al.). With exponents of 1 changes shrink towards the bounds
    (multiplicative, Rubin et al.); values between lie between the two (Gütig et al.).

    ``pairing="all"`` lets every pair count. With ``"nearest"`` a spike is paired with the last one
    on the other side only (the symmetric scheme of Morrison et al.).

    An arrival weakens first, then counts as an earlier one for spikes that come later or at the
    same time. It acts with the weight that it found. Every spike of the axon counts, also one that
    released nothing.

    Parameters
    ----------
    pairing : {"all", "nearest"}
        Which pairs count.

    References
    ----------
    Song, Miller and Abbott (2000), Nat Neurosci 3:919: additive, ``A_- τ_- = 1.05 A_+ τ_+`` (the
    defaults). Rubin, Lee and Sompolinsky (2001), Phys Rev Lett 86:364. Gütig, Aharonov, Rotter and
    Sompolinsky (2003), J Neurosci 23:3697. Morrison, Diesmann and Gerstner (2008), Biol Cybern
    98:459, section 4.

    Examples
    --------
    The postsynaptic spike 10 ms after and 10 ms before the arrival, in percent of `w_max`:

    >>> from brian2 import ms
    >>> (100 * STDP().window([10, -10] * ms)).round(3).tolist()
    [0.303, -0.318]
    """

    A_plus: Quantity = quantity(0.005, "largest strengthening by a pair, per w_max")
    A_minus: Quantity = quantity(0.00525, "largest weakening by a pair, per w_max")
    tau_plus: Quantity = quantity(20 * ms, "time constant of strengthening", above=0 * ms)
    tau_minus: Quantity = quantity(20 * ms, "time constant of weakening", above=0 * ms)
    w_max: Quantity = quantity(1.0, "largest weight", above=0)
    mu_plus: Quantity = quantity(0.0, "how strengthening depends on the weight", at_least=0)
    mu_minus: Quantity = quantity(0.0, "how weakening depends on the weight", at_least=0)
    backpropagation: Quantity = quantity(
        0 * ms, "from the postsynaptic spike to the synapse", at_least=0 * ms
    )
    pairing: str = field(default="all")

    def check(self) -> None:
        if self.pairing not in _PAIRINGS:
            raise UnknownNameError(
                f"STDP: no pairing {self.pairing!r}: {suggest(str(self.pairing), _PAIRINGS)}"
            )

    def window(self, lag: Quantity, weight: float | None = None) -> np.ndarray:
        """Return what one pair changes, per `w_max`.

        Parameters
        ----------
        lag : Quantity
            Postsynaptic spike at the synapse less arrival of the presynaptic one, shape (n,) or a
            single value.
        weight : float, optional
            Weight before, which matters with exponents other than 0 (default: half of `w_max`).

        Returns
        -------
        ndarray, shape (n,) or ()
            Positive where the synapse becomes stronger. The bounds are not applied.
        """
        late = np.asarray(check_quantity(lag, 10 * ms, "STDP: lag", many=1), dtype=float)
        share = 0.5 if weight is None else weight / float(self.w_max)
        up = self.up(np.asarray(share)) * np.exp(-np.abs(late) / float(self.tau_plus))
        down = self.down(np.asarray(share)) * np.exp(-np.abs(late) / float(self.tau_minus))
        return np.where(late >= 0, up, -down)

    def up(self, share: np.ndarray) -> np.ndarray:
        """Return the largest strengthening by a pair at a share of `w_max`."""
        return np.asarray(float(self.A_plus) * (1 - share) ** float(self.mu_plus))

    def down(self, share: np.ndarray) -> np.ndarray:
        """Return the largest weakening by a pair at a share of `w_max`."""
        return np.asarray(float(self.A_minus) * share ** float(self.mu_minus))

    def check_weights(self, weight: np.ndarray) -> None:
        """Refuse weights outside the bounds.

        Raises
        ------
        ParameterError
            One is.
        """
        if np.any(weight > float(self.w_max)) or np.any(weight < 0):
            raise ParameterError(
                f"STDP: weights must start between 0 and w_max = {float(self.w_max):g}; got "
                f"{weight.min():g} to {weight.max():g}. Give STDP(w_max=...)"
            )

    def course(
        self, arrivals: Quantity, spikes: Quantity, weight: float, duration: Quantity | None = None
    ) -> WeightCourse:
        """Return how the weight of one synapse follows given trains.

        Parameters
        ----------
        arrivals : Quantity, shape (n,)
            Ascending times at which presynaptic spikes reach the synapse.
        spikes : Quantity, shape (m,)
            Ascending times of the postsynaptic spikes.
        weight : float
            Weight at the start.
        duration : Quantity, optional
            End of the course (default: the last spike).

        Examples
        --------
        Sixty pairs, one a second, the postsynaptic spike 10 ms late:

        >>> import numpy as np
        >>> from brian2 import ms, second
        >>> before = np.arange(60) * second
        >>> float(STDP().course(before, before + 10 * ms, 0.5).final[0].round(3))
        0.682
        """
        # What meets on the grid of a simulation must do so after a delay is added, too.
        early = np.round(check_spikes(arrivals, "STDP: arrivals"), 12)
        late = check_spikes(spikes, "STDP: spikes") + float(self.backpropagation)
        late = np.round(late, 12)
        self.check_weights(np.array([weight], dtype=float))
        contacts = PlasticContacts(self, np.zeros((1, 2), dtype=int), np.array([float(weight)]))
        for time in early.tolist():
            contacts.arrive(time, np.zeros(1, dtype=int), np.ones(1))
        for time in late.tolist():
            contacts.fire(time, 0)
        contacts.advance(np.inf)
        last = max([0.0, *early[-1:], *late[-1:]])
        if duration is not None:
            last = float(check_quantity(duration, 1 * second, "STDP: duration", at_least=0 * ms))
        return contacts.course(0.0, last)


class Released(NamedTuple):
    """What arrives at contacts at a time (second): quanta times the weight that was found."""

    time: float
    contacts: np.ndarray
    weight: np.ndarray


class PlasticContacts:
    """The contacts of one connection in the middle of a run.

    Spikes are told in any order; `advance` says up to which time they are all known, and works off
    what lies before it, in the order of time.

    Parameters
    ----------
    rule : STDP
        How weights change.
    pairs : ndarray of int, shape (n, 2)
        Source and target of each contact.
    weight : ndarray, shape (n,)
        Weights at the start.
    """

    def __init__(self, rule: STDP, pairs: np.ndarray, weight: np.ndarray) -> None:
        self.rule, self.pairs = rule, pairs
        self.target = pairs[:, 1]
        self.initial = np.array(weight, dtype=float)
        cells = int(self.target.max()) + 1 if len(pairs) else 0
        order = np.argsort(self.target, kind="stable")
        ends = np.searchsorted(self.target[order], np.arange(cells + 1))
        #: By target cell, the contacts onto it.
        self.onto = [order[first:last] for first, last in pairwise(ends)]
        self.weight = self.initial.copy()
        # Traces as they were at the last spike that changed them.
        self.before, self.before_last = np.zeros(len(pairs)), np.full(len(pairs), -np.inf)
        self.after, self.after_last = np.zeros(cells), np.full(cells, -np.inf)
        #: Told and not yet worked off: time, 0 for arrivals and 1 for spikes, contacts or cell.
        self.queue: list[tuple[float, int, int, int, np.ndarray, np.ndarray]] = []
        self.told = 0
        self.changes: list[tuple[float, np.ndarray, np.ndarray]] = []

    def arrive(self, time: float, contacts: np.ndarray, quanta: np.ndarray) -> None:
        """Take note of a presynaptic spike that reaches some contacts of an axon at a time."""
        self._note(time, 0, int(contacts[0]), contacts, quanta)

    def fire(self, time: float, cell: int) -> None:
        """Take note of a postsynaptic spike, at the time at which the synapses know of it."""
        if cell < len(self.onto) and len(self.onto[cell]):
            self._note(time, 1, cell, np.array([cell]), np.zeros(0))

    def _note(
        self, time: float, kind: int, first: int, where: np.ndarray, quanta: np.ndarray
    ) -> None:
        self.told += 1
        heapq.heappush(self.queue, (time, kind, first, self.told, where, quanta))

    @property
    def next(self) -> float:
        """When the next thing happens that is known of, in second."""
        return self.queue[0][0] if self.queue else np.inf

    def advance(self, known: float) -> list[Released]:
        """Work off what happens before a time, and the arrivals at it; return what acts."""
        found = []
        while self.queue and self.queue[0][:2] <= (known, 0):
            time, kind, first, _, where, quanta = heapq.heappop(self.queue)
            if kind == 0:
                found.append(Released(time, where, self.weight[where] * quanta))
                self._weaken(time, where)
            else:
                self._strengthen(time, first)
        return found

    def _weaken(self, time: float, contacts: np.ndarray) -> None:
        rule, cells, w_max = self.rule, self.target[contacts], float(self.rule.w_max)
        fade = np.exp(-(time - self.after_last[cells]) / float(rule.tau_minus))
        now = self.weight[contacts]
        self._change(
            time, contacts, now - w_max * rule.down(now / w_max) * (self.after[cells] * fade)
        )
        fade = np.exp(-(time - self.before_last[contacts]) / float(rule.tau_plus))
        self.before[contacts] = self._counted(self.before[contacts] * fade)
        self.before_last[contacts] = time

    def _strengthen(self, time: float, cell: int) -> None:
        rule, contacts, w_max = self.rule, self.onto[cell], float(self.rule.w_max)
        fade = np.exp(-(time - self.before_last[contacts]) / float(rule.tau_plus))
        now = self.weight[contacts]
        self._change(
            time, contacts, now + w_max * rule.up(now / w_max) * (self.before[contacts] * fade)
        )
        fade = np.exp(-(time - self.after_last[cell]) / float(rule.tau_minus))
        self.after[cell] = self._counted(self.after[cell] * fade)
        self.after_last[cell] = time

    def _counted(self, trace: np.ndarray) -> np.ndarray:
        """Return a trace after a spike more."""
        return trace + 1 if self.rule.pairing == "all" else np.ones_like(trace)

    def _change(self, time: float, contacts: np.ndarray, weight: np.ndarray) -> None:
        bounded = np.clip(weight, 0.0, float(self.rule.w_max))
        differs = bounded != self.weight[contacts]
        if np.any(differs):
            changed = contacts[differs]
            self.weight[changed] = bounded[differs]
            self.changes.append((time, changed, bounded[differs]))

    def course(self, start: float, end: float) -> WeightCourse:
        """Return the weights over the time worked off so far, from `start` to `end` (second)."""
        sizes = [len(contacts) for _, contacts, _ in self.changes]
        contact = [contacts for _, contacts, _ in self.changes]
        weight = [values for _, _, values in self.changes]
        return WeightCourse(
            pairs=self.pairs,
            start_s=start,
            end_s=end,
            initial=self.initial,
            time_s=np.repeat([time for time, _, _ in self.changes], sizes),
            contact=np.concatenate([np.zeros(0, dtype=int), *contact]),
            weight=np.concatenate([np.zeros(0), *weight]),
        )

    def memory(self) -> dict[str, np.ndarray]:
        """Return all that the next spike would need, flat, by name; `resume` takes it."""
        # In an order of its own, whenever each was told.
        waiting = sorted(
            (time, kind, int(one), float(quantum))
            for time, kind, _, _, where, quanta in self.queue
            for one, quantum in zip(where, quanta if len(quanta) else [0.0], strict=True)
        )
        table = np.array(waiting, dtype=float).reshape(-1, 4).T
        return {
            "weight": self.weight.copy(),
            "before": self.before.copy(),
            "before.last": self.before_last.copy(),
            "after": self.after.copy(),
            "after.last": self.after_last.copy(),
            "waiting.times_s": table[0],
            "waiting.kind": table[1].astype(np.int64),
            "waiting.where": table[2].astype(np.int64),
            "waiting.quanta": table[3],
        }

    def resume(self, memory: Mapping[str, np.ndarray]) -> None:
        """Go on from what `memory` returned."""
        self.weight, self.before, self.before_last, self.after, self.after_last = (
            np.array(memory[name], dtype=float)
            for name in ("weight", "before", "before.last", "after", "after.last")
        )
        self.initial = self.weight.copy()
        columns = (memory[f"waiting.{name}"] for name in ("times_s", "kind", "where", "quanta"))
        for time, kind, where, quantum in zip(*(c.tolist() for c in columns), strict=True):
            quanta = np.array([quantum]) if kind == 0 else np.zeros(0)
            self._note(time, kind, where, np.array([where]), quanta)
