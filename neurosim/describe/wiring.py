"""Feed-forward synapses between the units of a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from brian2.units import Quantity, have_same_dimensions, ms, mV, nS, pA

from neurosim.errors import ParameterError
from neurosim.quantities import Description, check_quantity, check_whole, quantity

__all__ = ["FeedForward"]


@dataclass(frozen=True, eq=False, repr=False)
class FeedForward(Description):
    r"""Layers of identical neurons, each layer driving the next by spikes.

    A spike of unit i adds its weight to the synaptic current of every unit j of the next layer,
    which then decays exponentially:

    .. math:: \tau_{syn} \dot I_{syn} = -I_{syn}, \qquad I_{syn,j} \leftarrow I_{syn,j} + w_{ij}

    so that a presynaptic rate r gives a mean current :math:`w_{ij}\, \tau_{syn}\, r`.

    Weights in siemens make conductances instead: positive ones open towards `E_exc`, the absolute
    value of negative ones towards `E_inh`,

    .. math:: I_{syn} = g_{exc} (E_{exc} - v) + g_{inh} (E_{inh} - v),

    v being that at the start of the time step.

    Parameters
    ----------
    weights : tuple of Quantity
        One array of shape (n_pre, n_post) for each pair of neighbouring layers, in ampere or in
        siemens; negative weights inhibit. An empty tuple makes one layer without synapses, of
        `width` units.
    width : int
        Number of units when there are no weights.
    tau_syn : Quantity
        Decay time constant of the synaptic current (or conductance).
    delay : Quantity
        From a spike to its arrival: one value, or one for each unit of the network.
    E_exc, E_inh : Quantity
        Reversal potentials; used with weights in siemens.

    Raises
    ------
    ParameterError
        Neighbouring arrays do not fit each other.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import pA
    >>> FeedForward(weights=(np.ones((3, 2)) * pA, np.ones((2, 4)) * pA)).layers
    (3, 2, 4)
    """

    tau_syn: Quantity = quantity(5 * ms, "decay of the synaptic current", above=0 * ms)
    weights: tuple[Quantity, ...] = field(default=())
    width: int = 1
    delay: Quantity = quantity(0 * ms, "from a spike to its arrival", at_least=0 * ms, many=1)
    E_exc: Quantity = quantity(0 * mV, "reversal potential of excitation")
    E_inh: Quantity = quantity(-80 * mV, "reversal potential of inhibition")

    def check(self) -> None:
        checked: list[Quantity] = []
        for k, weight in enumerate(self.weights):
            name = f"FeedForward: weights[{k}]"
            # The first array says which kind all are.
            kind = self.weights[0] if checked else weight
            like = 1 * nS if have_same_dimensions(kind, nS) else 10 * pA
            value = check_quantity(weight, like, name, many=2)
            if value.ndim != 2:
                raise ParameterError(f"{name} must have shape (n_pre, n_post); got {value.shape}")
            checked.append(value)
        for k, (before, after) in enumerate(pairwise(checked)):
            if before.shape[1] != after.shape[0]:
                raise ParameterError(
                    f"FeedForward: weights[{k}] ends in {before.shape[1]} units but "
                    f"weights[{k + 1}] starts from {after.shape[0]}"
                )
        if not self.weights:
            object.__setattr__(self, "width", check_whole(self.width, "FeedForward: width"))
        object.__setattr__(self, "weights", tuple(checked))
        if np.ndim(self.delay) and len(self.delay) != self.units:
            raise ParameterError(
                f"FeedForward: delay must be one value or {self.units}, one for each unit; "
                f"got {len(self.delay)}"
            )

    @property
    def conductance(self) -> bool:
        """Whether weights are conductances."""
        return bool(self.weights) and have_same_dimensions(self.weights[0], nS)

    @property
    def delayed(self) -> bool:
        """Whether any spike takes time to arrive."""
        return bool(self.weights) and bool(np.any(np.asarray(self.delay) > 0))

    @property
    def layers(self) -> tuple[int, ...]:
        """Number of units in each layer."""
        if not self.weights:
            return (self.width,)
        return (self.weights[0].shape[0], *(weight.shape[1] for weight in self.weights))

    @property
    def units(self) -> int:
        """Number of units in all."""
        return sum(self.layers)

    def layer_slices(self) -> list[slice]:
        """Return where each layer stands among the units."""
        ends = np.cumsum([0, *self.layers])
        return [slice(int(first), int(last)) for first, last in pairwise(ends)]

    def matrix(self) -> np.ndarray:
        """Return all weights as one array, shape (units, units), in ampere or siemens."""
        full = np.zeros((self.units, self.units))
        places = self.layer_slices()
        for weight, (before, after) in zip(self.weights, pairwise(places), strict=True):
            full[before, after] = np.asarray(weight)
        return full

    def targets(self) -> tuple[np.ndarray, np.ndarray]:
        """Return, for each unit, the first unit it drives and the one after the last."""
        first = np.zeros(self.units, dtype=int)
        last = np.zeros(self.units, dtype=int)
        for before, after in pairwise(self.layer_slices()):
            first[before], last[before] = after.start, after.stop
        return first, last

    def _key(self) -> tuple[object, ...]:
        arrays = tuple((w.shape, np.asarray(w).tobytes()) for w in self.weights)
        others = (self.tau_syn, self.delay, self.E_exc, self.E_inh)
        numbers = tuple(np.asarray(value, dtype=float).tobytes() for value in others)
        return (type(self), numbers, arrays, self.conductance, self.width)

    def __repr__(self) -> str:
        chain = "-".join(map(str, self.layers))
        return f"FeedForward({chain}, tau_syn={self.tau_syn})"
