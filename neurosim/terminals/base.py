"""What a terminal is: it turns the spikes that reach it into releases of transmitter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2.units import Quantity, ms
from scipy.special import gammaincinv, ndtr

from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.quantities import Description, check_seed, quantity
from neurosim.randomness import gaussian, row_keys
from neurosim.synapses.events import Events, check_spikes

__all__ = ["TRANSMITTER_NAMES", "Ongoing", "Terminal", "quantal_sizes", "uniforms"]

TRANSMITTER_NAMES = ("glutamate", "gaba", "acetylcholine", "dopamine")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Terminal(Description):
    """End of an axon.

    Parameters
    ----------
    transmitter : str
        ``"glutamate"``, ``"gaba"``, ``"acetylcholine"`` or ``"dopamine"``.
    delay : Quantity
        From the arrival of a spike to the action of the transmitter.
    """

    transmitter: str = field(default="glutamate")
    delay: Quantity = quantity(0.5 * ms, "synaptic delay", at_least=0 * ms)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.transmitter not in TRANSMITTER_NAMES:
            raise UnknownNameError(
                f"{type(self).__name__}: no transmitter {self.transmitter!r}: "
                f"{suggest(self.transmitter, TRANSMITTER_NAMES)}"
            )

    def release(self, spike_times: Quantity, seed: Any = 0, *, terminal: int = 0) -> Events:
        """Return when and how much transmitter acts.

        Parameters
        ----------
        spike_times : Quantity
            Ascending times at which spikes reach the terminal, shape (n,).
        seed : int or array of int
            One seed gives one trial, weights of shape (n,); an array of seeds a trial each, of
            shape (trials, n). What a trial releases depends only on its own seed.
        terminal : int
            Number of the terminal, so that many terminals of a run draw apart under one seed.

        Returns
        -------
        Events
            One event a spike, of weight 0 where nothing was released.
        """
        times = check_spikes(spike_times, f"{type(self).__name__}: spike_times")
        seeds = check_seed(seed)
        if terminal < 0:
            raise ParameterError(f"{type(self).__name__}: terminal must not be negative")
        weights = self._weights(times, np.atleast_1d(seeds), terminal)
        return Events(times + float(self.delay), weights if np.ndim(seed) else weights[0])

    def begin(self, seeds: np.ndarray, terminal: int = 0) -> Ongoing:
        """Return the terminal before its first spike, for a run that tells spikes one by one.

        Parameters
        ----------
        seeds : ndarray of int64, shape (trials,)
            Seed of each trial, as in `release`.
        terminal : int
            As in `release`.
        """
        return Ongoing(self, seeds, terminal)

    def _weights(self, times_s: np.ndarray, seeds: np.ndarray, terminal: int) -> np.ndarray:
        """Return the weights, shape (trials, n); those of the first spikes never depend on later
        ones."""
        raise NotImplementedError


class Ongoing:
    """A terminal in the middle of a run.

    This one works out the whole train at every spike, for terminals that keep no state; the time
    it takes grows with the number of spikes.
    """

    def __init__(self, terminal: Terminal, seeds: np.ndarray, number: int) -> None:
        self.terminal, self.seeds, self.number = terminal, seeds, number
        self.times_s: list[float] = []

    def spike(self, time_s: float) -> np.ndarray:
        """Return what the next spike releases, shape (trials,)."""
        self.times_s.append(time_s)
        return self.terminal._weights(np.array(self.times_s), self.seeds, self.number)[:, -1]

    def memory(self) -> dict[str, np.ndarray]:
        """Return what the spikes so far have left, flat, by name; `resume` takes it."""
        own = {name: value for name, value in vars(self).items() if name not in _GIVEN}
        return {name: np.ravel(np.asarray(value)) for name, value in own.items()}

    def resume(self, memory: Mapping[str, np.ndarray]) -> None:
        """Go on from what `memory` returned."""
        for name, values in memory.items():
            now = getattr(self, name)
            if isinstance(now, np.ndarray):
                setattr(self, name, np.array(values, dtype=now.dtype).reshape(now.shape))
            else:
                setattr(self, name, values.tolist() if isinstance(now, list) else values.item())


# What a terminal in the middle of a run is made from; all else it has gathered.
_GIVEN = ("terminal", "seeds", "number")


def uniforms(seeds: np.ndarray, terminal: int, stream: int, steps: np.ndarray) -> np.ndarray:
    """Return uniform deviates as a pure function of seed, terminal, stream and step.

    Parameters
    ----------
    seeds : ndarray of int64, shape (trials,)
        Seeds.
    terminal, stream : int
        Number of the terminal, and of the random stream within it.
    steps : ndarray of int, shape (n,)
        Number of each draw.

    Returns
    -------
    ndarray of shape (trials, n)
    """
    low, high = row_keys(seeds, terminal)
    # The generator maps its uniform to a normal deviate; the normal distribution maps it back.
    normal = gaussian(low[:, None], high[:, None], stream, np.asarray(steps)[None, :])
    return np.asarray(ndtr(normal))


def quantal_sizes(count: np.ndarray, u: np.ndarray, cv: float) -> np.ndarray:
    """Return the summed size of `count` quanta of mean 1 and coefficient of variation `cv`.

    Sizes are gamma distributed, and so are their sums: one uniform deviate each suffices.
    """
    if cv == 0:
        return count.astype(float)
    some = np.maximum(count, 1) / cv**2
    return np.where(count > 0, gammaincinv(some, u) * cv**2, 0.0)
