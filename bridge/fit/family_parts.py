"""What a family of neurons is: parameters with bounds, and how they set the engine's numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, nA
from numpy.typing import NDArray

from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.stimuli import Constant, Steps, Stimulus

__all__ = ["LEAST_FOUND", "LEAST_HELD", "NeuronFamily", "Parameter", "Setting"]

Array = NDArray[np.float64]

LEAST_HELD, LEAST_FOUND = 0.9, 10
"""Share of the intervals of known neurons that must hold the truth (95 % are meant to), and of how
many neurons."""


@dataclass(frozen=True)
class Parameter:
    """One number that is fitted.

    Parameters
    ----------
    name : str
        By which programs call it.
    words : str
        What it is.
    unit : str
        Its customary unit.
    low, high : float
        Bounds of the search, in `unit`; per pF of the measured capacitance if `per_pF`.
    positive : bool
        Whether it is searched by its logarithm.
    per_pF : bool
        Whether the bounds grow with the cell.
    passive : bool
        Whether it is fitted to steps without spikes first.
    """

    name: str
    words: str
    unit: str
    low: float
    high: float
    positive: bool = True
    per_pF: bool = False
    passive: bool = False

    def bounds(self, size_pF: float) -> tuple[float, float]:
        """Return the bounds for a cell of a measured capacitance, in `unit`."""
        scale = size_pF if self.per_pF else 1.0
        return self.low * scale, self.high * scale


@dataclass(frozen=True)
class Setting:
    """What parameters do to one number of the engine: a product of powers of them.

    Parameters
    ----------
    engine : str
        Name in a batch, such as ``"leak.g"``.
    unit : Quantity
        What a product of 1 is.
    powers : tuple of (str, float)
        Parameters and their exponents.

    Examples
    --------
    >>> from brian2 import cm, mS
    >>> Setting("leak.g", 0.01 * mS / cm**2, (("leak", 1.0),)).value({"leak": np.array([5.0])})
    array([0.5])
    """

    engine: str
    unit: Quantity
    powers: tuple[tuple[str, float], ...]

    def value(self, parameters: Mapping[str, Array]) -> Array:
        """Return the number in SI units, one a row."""
        product = np.asarray(float(self.unit))
        for name, power in self.powers:
            values = parameters[name]
            product = product * (values if power == 1 else values**power)
        return np.asarray(product, dtype=float)


@dataclass(frozen=True, eq=False)
class NeuronFamily:
    """A family of neurons.

    Parameters
    ----------
    name : str
        By which the command calls it.
    words : str
        What it is, in a few words.
    parameters : tuple of Parameter
    settings : tuple of Setting
        How they set the engine's numbers.
    build : callable
        From the resting potential (mV) to the neuron that is run, whose numbers a batch sets.
    neuron : callable
        From parameters and the resting potential (mV) to the neuron that they describe.
    current : tuple of (str, float), optional
        Powers of parameters that the injected current is multiplied by, and the constant before
        them: only the ratio of currents and conductances is seen in the potential.
    current_scale : float
        That constant.
    dt_ms : float
        Step of the runs (ms).
    is_reset : bool
        Whether spikes reset the neuron, so that they have a time and no shape.
    is_rugged : bool
        Whether its misfit has so many valleys that each start searches with a population of its
        own.
    starts_at : str
        Name in a batch of the potential at which a run starts, where the neuron need not have a
        rest; empty for families that have.
    found_again : tuple of (int, int, int)
        What ``benchmarks/fit_recovery.py`` measured: known neurons whose fit reached a minimum and
        the noise, how many of their intervals hold the truth, and of how many.
    """

    name: str
    words: str
    parameters: tuple[Parameter, ...]
    settings: tuple[Setting, ...]
    build: Callable[[float], Neuron | PointNeuron]
    neuron: Callable[[Mapping[str, float], float], Neuron | PointNeuron]
    current: tuple[tuple[str, float], ...] = ()
    current_scale: float = 1.0
    dt_ms: float = 0.025
    is_reset: bool = False
    is_rugged: bool = False
    starts_at: str = ""
    found_again: tuple[int, int, int] = (0, 0, 0)

    @property
    def gives_intervals(self) -> bool:
        """Whether enough intervals of known neurons held the truth for them to be given at all."""
        found, held, of = self.found_again
        return found >= LEAST_FOUND and held >= LEAST_HELD * of

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return tuple(one.name for one in self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        return self.parameters[self.names.index(name)]

    def stimulus(self, onset: Quantity, length: Quantity) -> Stimulus:
        """Return a step on top of a holding current, whose sizes a batch sets."""
        return Steps(amplitude=0 * nA, onset=onset, duration=length) + Constant(0 * nA)

    def all_settings(self) -> tuple[Setting, ...]:
        """Return the settings, with those of the current in ampere per ampere."""
        one = Quantity(self.current_scale)
        return (
            *self.settings,
            Setting(self.injected[0], one, self.current),
            Setting(self.injected[1], one, self.current),
        )

    @property
    def injected(self) -> tuple[str, str]:
        """What a batch calls the step and the holding current."""
        head = "" if self.is_reset else "stimulus."
        return f"{head}steps.amplitude", f"{head}constant.current"
