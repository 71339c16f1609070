"""What a spike does to the next layer of a converted network: a current or a conductance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, mV, nS, pA

from bridge.errors import ConversionError
from bridge.mapping.input_tables import check_number
from neurosim import FeedForward

__all__ = ["Synapse"]


@dataclass(frozen=True)
class Synapse:
    """Kind of synapse between hidden layers.

    A conductance carries a current that depends on the potential of the neuron. Weights are turned
    into conductances at one potential, that at which the network errs least on training inputs;
    what that leaves out is an error that `bridge.conversion.convert.refine` corrects on average and
    the certificate shows.

    Attributes
    ----------
    kind : {"current", "conductance"}
    E_exc_mV, E_inh_mV : float
        Reversal potentials.
    potential_mV : float or None
        Potential at which a conductance carries the current wanted; found when None.

    Examples
    --------
    >>> Synapse("conductance").E_inh_mV
    -80.0
    """

    kind: str = "current"
    E_exc_mV: float = 0.0
    E_inh_mV: float = -80.0
    potential_mV: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("current", "conductance"):
            raise ConversionError(f"a synapse is a 'current' or a 'conductance'; got {self.kind!r}")
        for name in ("E_exc_mV", "E_inh_mV", "potential_mV"):
            if (value := getattr(self, name)) is not None:
                check_number(value, f"Synapse: {name}", "a finite number (mV)")
        if not self.E_exc_mV > self.E_inh_mV:
            raise ConversionError(
                f"Synapse: E_exc_mV = {self.E_exc_mV:g} must lie above E_inh_mV = "
                f"{self.E_inh_mV:g}, or excitation would inhibit"
            )

    @property
    def conductance(self) -> bool:
        """Whether spikes open conductances."""
        return self.kind == "conductance"

    def weights(self, weights_pA: np.ndarray) -> Quantity:
        """Return weights for the wiring, from the current a spike should add (pA).

        Raises
        ------
        ConversionError
            The potential does not lie between the reversal potentials.
        """
        if not self.conductance:
            return weights_pA * pA
        level = -60.0 if self.potential_mV is None else self.potential_mV
        if not self.E_inh_mV < level < self.E_exc_mV:
            remedy = "excitation could not excite; give E_exc_mV above it, such as 0"
            if not self.E_inh_mV < level:
                remedy = "inhibition could not inhibit; give E_inh_mV below it, such as "
                remedy += f"{level - 15:.0f}"
            raise ConversionError(
                f"the neuron sits at {level:.1f} mV, which is not between the reversal potentials "
                f"{self.E_inh_mV:g} and {self.E_exc_mV:g} mV: {remedy}"
            )
        driving = np.where(weights_pA > 0, self.E_exc_mV - level, level - self.E_inh_mV)
        return weights_pA / driving * nS

    def wiring(
        self, weights_pA: list[np.ndarray], units: int, tau_syn: Quantity, delay: Quantity
    ) -> FeedForward:
        """Return the synapses of a network.

        Parameters
        ----------
        weights_pA : list of ndarray
            Of every hidden layer but the first.
        units : int
            Neurons of the first hidden layer.
        tau_syn, delay : Quantity
            Decay time constant and delay.
        """
        if not weights_pA:
            return FeedForward(width=units, tau_syn=tau_syn)
        return FeedForward(
            weights=tuple(self.weights(w) for w in weights_pA),
            tau_syn=tau_syn,
            delay=delay,
            E_exc=self.E_exc_mV * mV,
            E_inh=self.E_inh_mV * mV,
        )
